/* lab_accounts.c - spate_lab_watch: clients write, money is moved and added up, and things go wrong on purpose, while other commands are at
 * work on the lab; spate_lab_doubts: what has been prepared and not ended. */
#include "spate/lab.h"

#include "job/lab.h"
#include "lab/accounts.h"
#include "lab/bank.h"
#include "lab/doubt.h"
#include "lab/each.h"
#include "lab/nemesis.h"

/* ---- who takes part ---- */

typedef struct watching {
    sp_stage stage;
    sp_account_load load;
    sp_account_result seen;
    sp_bank_load bank;
    sp_bank_result totals;
    sp_nemesis shards, movers;
} watching;

typedef struct player {
    watching *w;
    int (*play)(watching *w, spate_error *err);
    bool disturbs;
} player;

static int play_accounts(watching *w, spate_error *err)
{
    return sp_accounts_run(&w->load, &w->seen, err);
}

static int play_bank(watching *w, spate_error *err)
{
    return sp_bank_run(&w->bank, &w->totals, err);
}

static int play_shards(watching *w, spate_error *err)
{
    return sp_nemesis_shards(&w->shards, err);
}

static int play_movers(watching *w, spate_error *err)
{
    return sp_nemesis_movers(&w->movers, err);
}

static int be_player(void *item, spate_error *err)
{
    player *p = item;
    int rc = p->play(p->w, err);
    if (rc != SPATE_OK)
        atomic_store(&p->w->stage.over, true);
    if (p->disturbs)
        atomic_fetch_sub(&p->w->stage.disturbers, 1);
    return rc;
}

static int play_all(watching *w, const spate_lab_watch_options *o, spate_error *err)
{
    player players[4] = {{w, play_accounts, false}, {w, play_bank, false}};
    uint32_t n = 2;
    if (o->nemesis & (SPATE_LAB_KILL | SPATE_LAB_STOP))
        players[n++] = (player){w, play_shards, true};
    if (o->nemesis & SPATE_LAB_MOVERS)
        players[n++] = (player){w, play_movers, true};
    atomic_store(&w->stage.disturbers, n - 2);
    w->stage.start_us = sp_os_monotonic_us();
    w->stage.end_us = w->stage.start_us + (int64_t)(o->seconds * 1e6);
    return sp_lab_each(players, sizeof(*players), n, be_player, err);
}

/* ---- before and after ---- */

/* The lab is taken only to make the accounts: other commands are to be at work on it meanwhile. */
static int make_accounts(sp_lab *lab, spate_error *err)
{
    int lock = -1;
    if (sp_lab_find_table(lab, SP_ACCOUNTS_TABLE) && sp_lab_find_table(lab, SP_BANK_TABLE))
        return SPATE_OK;
    int rc = sp_lab_lock(lab->directory, &lock, err);
    if (rc == SPATE_OK)
        rc = sp_lab_refuse_moving(lab, err);
    if (rc == SPATE_OK)
        rc = sp_accounts_make(lab, err);
    if (rc == SPATE_OK)
        rc = sp_bank_make(lab, err);
    sp_lab_unlock(lock);
    return rc;
}

static int check_wish(const sp_lab *lab, const spate_lab_watch_options *o, spate_error *err)
{
    if (o->clients > SP_ACCOUNT_CLIENTS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "%u clients are too many: at most %d", o->clients, SP_ACCOUNT_CLIENTS_MAX);
    if (o->nemesis && lab->servers[0].attached)
        return sp_fail(err, SPATE_E_USAGE, "a nemesis is for servers of the lab's own: these are only attached");
    return o->nemesis & SPATE_LAB_MOVERS ? sp_lab_refuse_moving(lab, err) : SPATE_OK;
}

static double ms(const sp_hist *h, double share)
{
    return (double)sp_hist_at(h, share) / 1e6;
}

static void fill_report(const watching *w, spate_lab_watch_report *report)
{
    const sp_account_result *r = &w->seen;
    const sp_bank_result *b = &w->totals;
    *report = (spate_lab_watch_report){.writes = r->writes.n,
                                       .reads = r->reads,
                                       .refused = r->refused,
                                       .unknown = r->unknown,
                                       .lost = r->lost,
                                       .stale = r->stale,
                                       .seconds = r->seconds,
                                       .p50_ms = ms(&r->writes, 0.5),
                                       .p99_ms = ms(&r->writes, 0.99),
                                       .p999_ms = ms(&r->writes, 0.999),
                                       .max_ms = (double)r->writes.max / 1e6,
                                       .within = b->within,
                                       .across = b->across,
                                       .given_up = b->given_up,
                                       .totals = b->totals,
                                       .wrong = b->wrong,
                                       .first_wrong = b->first_wrong,
                                       .total = (int64_t)SP_BANK_ACCOUNTS * SP_BANK_BALANCE,
                                       .settled = b->settled,
                                       .gate_ms = (double)b->gate_us / 1e3,
                                       .kills = w->shards.kills,
                                       .stops = w->shards.stops,
                                       .movers = w->movers.movers,
                                       .moves = w->movers.moves};
}

int spate_lab_watch(spate_lab *lab, const spate_lab_watch_options *o, spate_lab_watch_report *report, spate_error *err)
{
    watching *w = sp_alloc_zero(1, sizeof(*w));
    sp_route *route = NULL;
    *report = (spate_lab_watch_report){0};
    int rc = w ? check_wish(&lab->lab, o, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = make_accounts(&lab->lab, err);
    if (rc == SPATE_OK)
        rc = sp_route_open(lab->lab.directory, &route, err);
    if (rc == SPATE_OK) {
        sp_nemesis nemesis = {.directory = lab->lab.directory,
                              .stage = &w->stage,
                              .seed = o->seed,
                              .kill = o->nemesis & SPATE_LAB_KILL,
                              .stop = o->nemesis & SPATE_LAB_STOP,
                              .program = o->program,
                              .told = o->told,
                              .arg = o->arg};
        w->stage.cancel = o->cancel;
        w->load = (sp_account_load){.route = route,
                                    .stage = &w->stage,
                                    .clients = o->clients ? o->clients : 8,
                                    .rate = o->rate,
                                    .seed = o->seed};
        w->bank =
            (sp_bank_load){.route = route, .stage = &w->stage, .clients = 2, .rate = o->rate / 4, .seed = o->seed};
        w->shards = w->movers = nemesis;
        rc = play_all(w, o, err);
        fill_report(w, report);
    }
    sp_route_close(route);
    sp_free(w);
    return rc;
}

/* ---- in doubt ---- */

typedef struct doubter {
    sp_lab *lab;
    const spate_lab_doubt_options *options;
    PGconn *main;
} doubter;

static int tell_doubt(doubter *d, const sp_lab_server *server, PGconn *conn, const sp_doubt *doubt, spate_error *err)
{
    static const char *const words[] = {
        [SP_FATE_FOREIGN] = NULL, [SP_FATE_ROLLBACK] = "rollback", [SP_FATE_COMMIT] = "commit"};
    const sp_lab_server *main = &d->lab->servers[0];
    char name[SP_GID_MAX];
    sp_fate fate;
    bool resolve = d->options->resolve && doubt->ours;
    sp_doubt_name(doubt->gid, name);
    int rc = resolve ? sp_doubt_make(main, d->main, err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = resolve ? sp_doubt_decide(main, d->main, name, &fate, err)
                     : sp_doubt_look(main, d->main, doubt, &fate, err);
    if (rc == SPATE_OK && resolve)
        rc = sp_doubt_end(server, conn, doubt->gid, fate, err);
    if (rc != SPATE_OK)
        return rc;
    spate_lab_doubt told = {
        .server = server->name, .gid = doubt->gid, .age = doubt->age, .record = words[fate], .resolved = resolve};
    d->options->found(d->options->arg, &told);
    return SPATE_OK;
}

static int look_at_server(doubter *d, const sp_lab_server *server, spate_error *err)
{
    PGconn *conn = NULL;
    sp_doubt *all = NULL;
    size_t n = 0;
    int rc = sp_lab_connect(server, &conn, err);
    if (rc == SPATE_OK)
        rc = sp_doubt_list(d->lab, server, conn, d->options->older, &all, &n, err);
    for (size_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = tell_doubt(d, server, conn, &all[i], err);
    sp_free(all);
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

int spate_lab_doubts(spate_lab *lab, const spate_lab_doubt_options *options, spate_error *err)
{
    doubter d = {.lab = &lab->lab, .options = options};
    int rc = sp_lab_connect(&d.lab->servers[0], &d.main, err);
    for (uint32_t i = 0; i < d.lab->n_servers && rc == SPATE_OK; i++)
        rc = look_at_server(&d, &d.lab->servers[i], err);
    if (d.main)
        sp_pq.finish(d.main);
    return rc;
}
