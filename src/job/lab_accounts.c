/* lab_accounts.c - spate_lab_watch: clients write while other commands move rows, and nothing that was acknowledged may be gone. */
#include "spate/lab.h"

#include "job/lab.h"
#include "lab/accounts.h"

/* The lab is taken only to make the accounts: other commands are to be at work on it meanwhile. */
static int make_accounts(sp_lab *lab, spate_error *err)
{
    int lock = -1;
    if (sp_lab_find_table(lab, SP_ACCOUNTS_TABLE))
        return SPATE_OK;
    int rc = sp_lab_lock(lab->directory, &lock, err);
    if (rc == SPATE_OK)
        rc = sp_lab_refuse_moving(lab, err);
    if (rc == SPATE_OK)
        rc = sp_accounts_make(lab, err);
    sp_lab_unlock(lock);
    return rc;
}

static double ms(const sp_hist *h, double share)
{
    return (double)sp_hist_at(h, share) / 1e6;
}

int spate_lab_watch(spate_lab *lab, const spate_lab_watch_options *options, spate_lab_watch_report *report, spate_error *err)
{
    sp_account_load load = {.clients = options->clients ? options->clients : 8, .rate = options->rate, .seconds = options->seconds,
                            .seed = options->seed, .cancel = options->cancel};
    sp_account_result *r = sp_alloc(sizeof(*r));
    *report = (spate_lab_watch_report){0};
    if (load.clients > SP_ACCOUNT_CLIENTS_MAX) {
        sp_free(r);
        return sp_fail(err, SPATE_E_USAGE, "%u clients are too many: at most %d", load.clients, SP_ACCOUNT_CLIENTS_MAX);
    }
    int rc = r ? make_accounts(&lab->lab, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_route_open(lab->lab.directory, &load.route, err);
    if (rc == SPATE_OK) {
        rc = sp_accounts_run(&load, r, err);
        *report = (spate_lab_watch_report){.writes = r->writes.n, .reads = r->reads, .refused = r->refused, .unknown = r->unknown,
                                           .lost = r->lost, .stale = r->stale, .seconds = r->seconds, .p50_ms = ms(&r->writes, 0.5),
                                           .p99_ms = ms(&r->writes, 0.99), .p999_ms = ms(&r->writes, 0.999),
                                           .max_ms = (double)r->writes.max / 1e6};
    }
    sp_route_close(load.route);
    sp_free(r);
    return rc;
}
