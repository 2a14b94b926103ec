/* accounts.c - see accounts.h. */
#include "lab/accounts.h"

#include "lab/each.h"
#include "lab/made.h"

#include <stdio.h>

enum { PATIENCE_US = 60000000, RETRY_US = 500, LOOK_US = 50000, GONE_US = 3000000 };

int sp_accounts_make(sp_lab *lab, spate_error *err)
{
    static const sp_made_table accounts = {.name = SP_ACCOUNTS_TABLE, .column = "version", .rows = SP_ACCOUNTS};
    return sp_made_table_make(lab, &accounts, err);
}

/* ---- a client ---- */

typedef struct account {
    int64_t version;  /* as it was last told; -1: not yet */
    uint64_t unknown; /* writes since then of which nobody knows */
    bool gone;        /* no shard has it */
} account;

typedef struct run {
    const sp_account_load *load;
    sp_stage *stage;
    account accounts[SP_ACCOUNTS];
    _Atomic uint64_t next; /* with a rate: the number of the next write */
    _Atomic unsigned running;
} run;

typedef struct client {
    run *run;
    unsigned number;
    sp_caller caller;
    uint64_t draws;
    sp_account_result result;
} client;

/* Until somebody has answered; *gone: for GONE_US all that were asked have said that there is no such row. unknown: NULL, or counts attempts
 * that may have happened. */
static int persist(client *c, unsigned id, const char *sql, int64_t *number, uint64_t *unknown, bool *gone,
                   spate_error *err)
{
    int64_t until = sp_os_monotonic_us() + PATIENCE_US, missed_us = 0;
    sp_route *route = c->run->load->route;
    *gone = false;
    for (int64_t now; (now = sp_os_monotonic_us()) < until; sp_os_sleep_us(RETRY_US)) {
        const sp_lab_server *server = sp_route_server(route, id);
        PGconn *conn = sp_caller_link(&c->caller, server);
        sp_answer out = conn ? sp_caller_ask(conn, sql, number) : SP_ANSWER_FAILED;
        if (out == SP_ANSWER_DONE)
            return SPATE_OK;
        if (out == SP_ANSWER_REFUSED || out == SP_ANSWER_NO_ROW) {
            c->result.refused++;
            sp_route_refused(route, id, server);
        } else {
            sp_route_look(route); /* its port may be another one by now */
        }
        if (out == SP_ANSWER_UNKNOWN && unknown) {
            c->result.unknown++;
            ++*unknown;
        }
        missed_us = out != SP_ANSWER_NO_ROW ? 0 : missed_us ? missed_us : now;
        if (missed_us && now - missed_us > GONE_US) {
            *gone = true;
            return SPATE_OK;
        }
    }
    return sp_fail(err, SPATE_E_UNREACHABLE, "account %u cannot be reached: no shard answers for it", id);
}

/* The row was there, and with it all writes that were acknowledged. */
static void lose(client *c, account *a)
{
    c->result.lost += a->version > 0 ? (uint64_t)a->version : 1;
    a->gone = true;
}

/* What a shard says of an account, beside what the client was told before. */
static void judge(client *c, account *a, int64_t said, int64_t least, bool is_read)
{
    int64_t most = least + (int64_t)a->unknown;
    if (a->version >= 0 && said < least)
        *(is_read ? &c->result.stale : &c->result.lost) += is_read ? 1 : (uint64_t)(least - said);
    if (a->version >= 0 && said > most) /* a write that was told to have failed, or another's */
        c->result.lost += (uint64_t)(said - most);
}

static int write_one(client *c, unsigned id, spate_error *err)
{
    account *a = &c->run->accounts[id];
    char sql[128];
    int64_t said = 0;
    bool gone;
    snprintf(sql, sizeof(sql), "UPDATE " SP_ACCOUNTS_TABLE " SET version = version + 1 WHERE id = %u RETURNING version",
             id);
    int rc = persist(c, id, sql, &said, &a->unknown, &gone, err);
    if (rc != SPATE_OK)
        return rc;
    if (gone) {
        lose(c, a);
        return SPATE_OK;
    }
    judge(c, a, said, a->version + 1, false);
    *a = (account){.version = said};
    return SPATE_OK;
}

/* Attempts that are unknown may still happen: only a write's answer says that they have not. */
static int read_one(client *c, unsigned id, bool at_last, spate_error *err)
{
    account *a = &c->run->accounts[id];
    char sql[128];
    int64_t said = 0;
    bool gone;
    snprintf(sql, sizeof(sql), "SELECT version FROM " SP_ACCOUNTS_TABLE " WHERE id = %u", id);
    int rc = persist(c, id, sql, &said, NULL, &gone, err);
    if (rc != SPATE_OK)
        return rc;
    if (gone) {
        lose(c, a);
        return SPATE_OK;
    }
    c->result.reads++;
    judge(c, a, said, a->version, !at_last);
    if (a->version < 0)
        a->version = said;
    return SPATE_OK;
}

/* ---- what a client does ---- */

/* When the next write is due; 0: there is none. */
static int64_t next_due(run *r)
{
    double rate = r->load->rate;
    int64_t now = sp_os_monotonic_us();
    if (sp_stage_has_ended(r->stage))
        return 0;
    if (rate <= 0)
        return now;
    int64_t due = r->stage->start_us + (int64_t)((double)atomic_fetch_add(&r->next, 1) * 1e6 / rate);
    if (due >= r->stage->end_us && !atomic_load(&r->stage->disturbers))
        return 0;
    if (due > now)
        sp_os_sleep_us(due - now);
    return due;
}

static unsigned draw_own(client *c)
{
    unsigned own = SP_ACCOUNTS / c->run->load->clients;
    uint64_t z = sp_draw(c->run->load->seed + c->number * SP_PHI, c->draws++);
    return c->number + c->run->load->clients * (unsigned)sp_bounded(z, own);
}

static int work(client *c, spate_error *err)
{
    enum { READ_EACH = 4 };
    run *r = c->run;
    int rc = SPATE_OK;
    for (int64_t due, n = 1; rc == SPATE_OK && (due = next_due(r)); n++) {
        unsigned id = draw_own(c);
        account *a = &r->accounts[id];
        if (a->version < 0) /* of a run before */
            rc = read_one(c, id, false, err);
        if (rc == SPATE_OK && !a->gone)
            rc = write_one(c, id, err);
        if (rc == SPATE_OK && !a->gone)
            sp_hist_add(&c->result.writes, (uint64_t)(sp_os_monotonic_us() - due) * 1000);
        if (rc == SPATE_OK && !a->gone && n % READ_EACH == 0)
            rc = read_one(c, id, false, err);
    }
    for (unsigned id = c->number; id < SP_ACCOUNTS && rc == SPATE_OK; id += r->load->clients)
        if (r->accounts[id].version >= 0 && !r->accounts[id].gone)
            rc = read_one(c, id, true, err);
    return rc;
}

/* The last item looks after the route. */
static int be_one(void *item, spate_error *err)
{
    client *c = item;
    run *r = c->run;
    if (c->number == r->load->clients) {
        for (; atomic_load(&r->running); sp_os_sleep_us(LOOK_US))
            sp_route_look(r->load->route);
        return SPATE_OK;
    }
    int rc = work(c, err);
    if (rc != SPATE_OK)
        atomic_store(&r->stage->over, true);
    atomic_fetch_sub(&r->running, 1);
    sp_caller_leave(&c->caller);
    return rc;
}

static void sum_up(const client *clients, unsigned n, sp_account_result *out)
{
    for (unsigned i = 0; i < n; i++) {
        const sp_account_result *one = &clients[i].result;
        sp_hist_merge(&out->writes, &one->writes);
        out->reads += one->reads;
        out->refused += one->refused;
        out->unknown += one->unknown;
        out->lost += one->lost;
        out->stale += one->stale;
    }
}

int sp_accounts_run(const sp_account_load *load, sp_account_result *result, spate_error *err)
{
    SP_ASSERT(load->clients > 0 && load->clients <= SP_ACCOUNT_CLIENTS_MAX);
    unsigned n = load->clients + 1;
    run *r = sp_alloc_zero(1, sizeof(*r));
    client *clients = sp_alloc_zero(n, sizeof(*clients));
    memset(result, 0, sizeof(*result));
    int rc = r && clients ? SPATE_OK : sp_fail_nomem(err);
    if (rc == SPATE_OK) {
        r->load = load;
        r->stage = load->stage;
        atomic_store(&r->running, load->clients);
        for (unsigned i = 0; i < SP_ACCOUNTS; i++)
            r->accounts[i].version = -1;
        for (unsigned i = 0; i < n; i++) {
            clients[i].run = r;
            clients[i].number = i;
        }
        rc = sp_lab_each(clients, sizeof(*clients), n, be_one, err);
        result->seconds = (double)(sp_os_monotonic_us() - r->stage->start_us) / 1e6;
        sum_up(clients, load->clients, result);
    }
    sp_free(r);
    sp_free(clients);
    return rc;
}
