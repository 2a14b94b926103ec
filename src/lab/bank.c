/* bank.c - see bank.h. Transfers are here, totals in tally.c. */
#include "lab/bank.h"

#include "lab/doubt.h"
#include "lab/each.h"
#include "lab/made.h"
#include "lab/tally.h"

#include <stdio.h>

enum { RETRY_US = 1000, PAUSE_US = 20000, TOTAL_PAUSE_US = 100000, PATIENCE_US = 60000000, STATEMENT_MAX = 320 };

int sp_bank_make(sp_lab *lab, spate_error *err)
{
    static const sp_made_table bank = {
        .name = SP_BANK_TABLE, .column = "balance", .rows = SP_BANK_ACCOUNTS, .value = SP_BANK_BALANCE};
    PGconn *conn = NULL;
    int rc = sp_lab_connect(&lab->servers[0], &conn, err);
    if (rc == SPATE_OK)
        rc = sp_doubt_make(&lab->servers[0], conn, err);
    if (conn)
        sp_pq.finish(conn);
    return rc == SPATE_OK ? sp_made_table_make(lab, &bank, err) : rc;
}

/* ---- a client ---- */

typedef struct run {
    const sp_bank_load *load;
    _Atomic unsigned running;
    _Atomic uint64_t next; /* with a rate: the number of the next transfer */
} run;

typedef struct client {
    run *run;
    unsigned number;
    char names[64]; /* what its transactions' names begin with */
    uint64_t draws, transfers;
    sp_caller caller;
    sp_bank_result result;
} client;

/* One account's part of a transfer. */
typedef struct part {
    unsigned id;
    int64_t change;
    const sp_lab_server *server;
    PGconn *conn;
    char gid[SP_GID_MAX];
} part;

/* Other transactions may hold the row for as long as they are in doubt. */
static bool begin(client *c, part *p)
{
    sp_route *route = c->run->load->route;
    char sql[STATEMENT_MAX];
    int64_t balance;
    p->server = sp_route_server(route, p->id);
    p->conn = sp_caller_link(&c->caller, p->server);
    if (!p->conn || (sp_pq.transaction_status(p->conn) == PQTRANS_IDLE &&
                     sp_caller_say(p->conn, "BEGIN; SET LOCAL lock_timeout = '1s'") != SP_ANSWER_DONE)) {
        sp_route_look(route);
        return false;
    }
    snprintf(sql, sizeof(sql), "UPDATE " SP_BANK_TABLE " SET balance = balance + %lld WHERE id = %u RETURNING balance",
             (long long)p->change, p->id);
    sp_answer said = sp_caller_ask(p->conn, sql, &balance);
    if (said == SP_ANSWER_NO_ROW || said == SP_ANSWER_REFUSED)
        sp_route_refused(route, p->id, p->server);
    return said == SP_ANSWER_DONE;
}

static void give_up(client *c, part *parts)
{
    for (int i = 0; i < 2; i++)
        if (parts[i].conn && sp_pq.transaction_status(parts[i].conn) != PQTRANS_IDLE)
            (void)sp_caller_say(parts[i].conn, "ROLLBACK");
    c->result.given_up++;
}

static bool prepare(part *p)
{
    char sql[STATEMENT_MAX];
    snprintf(sql, sizeof(sql), "PREPARE TRANSACTION '%s'", p->gid);
    return sp_caller_say(p->conn, sql) == SP_ANSWER_DONE;
}

/* Whoever has not come to know of an end leaves it to those who look for what is in doubt. */
static bool end(client *c, part *p, sp_fate fate)
{
    PGconn *conn = sp_caller_link(&c->caller, p->server);
    return conn && sp_doubt_end(p->server, conn, p->gid, fate, NULL) == SPATE_OK;
}

/* Enters the gate with it: the decision and its carrying out are one to those who take snapshots. */
static sp_fate decide(client *c, const sp_lab_server *main, const char *name, bool *entered)
{
    PGconn *conn = sp_caller_link(&c->caller, main);
    char sql[STATEMENT_MAX];
    int64_t one;
    sp_fate fate = SP_FATE_ROLLBACK;
    snprintf(sql, sizeof(sql),
             "%s; INSERT INTO spate_check.decision VALUES ('%s', 'commit') ON CONFLICT DO NOTHING RETURNING 1",
             sp_tally_enter, name);
    sp_answer said = conn ? sp_caller_ask(conn, sql, &one) : SP_ANSWER_FAILED;
    *entered = said == SP_ANSWER_DONE;
    if (said == SP_ANSWER_DONE)
        return SP_FATE_COMMIT;
    if (conn && said != SP_ANSWER_UNKNOWN)
        (void)sp_caller_say(conn, sp_tally_leave_all);
    if (said == SP_ANSWER_NO_ROW) /* somebody has decided before us, who found us slow */
        return SP_FATE_ROLLBACK;
    conn = sp_caller_link(&c->caller, main);
    if (!conn || sp_doubt_decide(main, conn, name, &fate, NULL) != SPATE_OK || fate == SP_FATE_COMMIT)
        return SP_FATE_FOREIGN; /* nothing more for us to do: what is recorded will be carried out */
    return fate;
}

static void forget_decision(client *c, const sp_lab_server *main, const char *name)
{
    char sql[STATEMENT_MAX];
    PGconn *conn = sp_caller_link(&c->caller, main);
    snprintf(sql, sizeof(sql), "DELETE FROM spate_check.decision WHERE name = '%s'", name);
    if (conn)
        (void)sp_caller_say(conn, sql);
}

/* The record goes only when both parts are known to be committed. */
static void commit(client *c, part *parts, const sp_lab_server *main, const char *name)
{
    bool all = true;
    for (int i = 0; i < 2; i++)
        all &= end(c, &parts[i], SP_FATE_COMMIT);
    if (all)
        forget_decision(c, main, name);
    PGconn *conn = sp_caller_link(&c->caller, main);
    if (conn)
        (void)sp_caller_say(conn, sp_tally_leave_all);
}

static void commit_on_two(client *c, part *parts)
{
    const sp_lab_server *main = &sp_route_lab(c->run->load->route)->servers[0];
    char name[SP_GID_MAX];
    bool entered = false, prepared = true;
    snprintf(name, sizeof(name), "%s%llu", c->names, (unsigned long long)c->transfers++);
    for (int i = 0; i < 2; i++) {
        snprintf(parts[i].gid, SP_GID_MAX, "%.*s_%d", SP_GID_MAX - 4, name, i);
        prepared = prepared && prepare(&parts[i]);
    }
    sp_fate fate = prepared ? decide(c, main, name, &entered) : SP_FATE_ROLLBACK;
    if (fate == SP_FATE_ROLLBACK) {
        give_up(c, parts);
        for (int i = 0; i < 2; i++)
            (void)end(c, &parts[i], fate);
    }
    if (fate == SP_FATE_COMMIT)
        commit(c, parts, main, name);
    c->result.across += fate == SP_FATE_COMMIT;
}

/* Rows are taken in the order of their numbers by everybody: so no two wait for each other. */
static void transfer(client *c)
{
    uint64_t seed = c->run->load->seed + (c->number + 1) * SP_PHI;
    unsigned a = (unsigned)sp_bounded(sp_draw(seed, c->draws++), SP_BANK_ACCOUNTS);
    unsigned b = (a + 1 + (unsigned)sp_bounded(sp_draw(seed, c->draws++), SP_BANK_ACCOUNTS - 1)) % SP_BANK_ACCOUNTS;
    int64_t amount = 1 + (int64_t)sp_bounded(sp_draw(seed, c->draws++), 100);
    part parts[2] = {{.id = SP_MIN(a, b), .change = a < b ? -amount : amount},
                     {.id = SP_MAX(a, b), .change = a < b ? amount : -amount}};
    bool begun = begin(c, &parts[0]) && begin(c, &parts[1]);
    if (!begun) {
        give_up(c, parts);
        sp_os_sleep_us(RETRY_US);
    } else if (parts[0].conn != parts[1].conn) {
        commit_on_two(c, parts);
    } else if (sp_caller_say(parts[0].conn, "COMMIT") == SP_ANSWER_DONE) {
        c->result.within++;
    } else {
        give_up(c, parts);
    }
}

/* False: no transfer is due any more. */
static bool await_next(run *r)
{
    double rate = r->load->rate;
    sp_stage *stage = r->load->stage;
    if (sp_stage_has_ended(stage))
        return false;
    if (rate <= 0)
        return true;
    int64_t due = stage->start_us + (int64_t)((double)atomic_fetch_add(&r->next, 1) * 1e6 / rate);
    for (int64_t now; (now = sp_os_monotonic_us()) < due; sp_os_sleep_us(SP_MIN(due - now, PAUSE_US)))
        if (sp_stage_has_ended(stage))
            return false;
    return true;
}

/* ---- the teller: the last item ---- */

static void note_total(sp_bank_result *result, int64_t total)
{
    bool wrong = total != (int64_t)SP_BANK_ACCOUNTS * SP_BANK_BALANCE;
    if (wrong && !result->wrong)
        result->first_wrong = total;
    result->wrong += wrong;
    result->totals++;
}

/* Until the last one has been read behind the last transfer. */
static int read_totals(client *c, spate_error *err)
{
    sp_tally tally = {.route = c->run->load->route};
    int64_t total, until = 0;
    int rc = SPATE_OK;
    for (bool last = false; !last && rc == SPATE_OK;) {
        bool ended = !atomic_load(&c->run->running);
        int64_t now = sp_os_monotonic_us();
        until = ended && !until ? now + PATIENCE_US : until;
        tally.hurry = ended;
        int read = sp_tally_read(&tally, &total, err);
        if (read == SPATE_OK)
            note_total(&c->result, total);
        last = ended && read == SPATE_OK;
        if (ended && !last && now > until)
            rc = read;
        if (!last)
            sp_os_sleep_us(TOTAL_PAUSE_US);
    }
    c->result.settled = tally.settled;
    c->result.gate_us = tally.gate_us;
    sp_tally_done(&tally);
    return rc == SPATE_OK ? rc : sp_fail_context(err, rc, "reading the bank's total");
}

static int be_one(void *item, spate_error *err)
{
    client *c = item;
    if (c->number == c->run->load->clients)
        return read_totals(c, err);
    while (await_next(c->run))
        transfer(c);
    sp_caller_leave(&c->caller);
    atomic_fetch_sub(&c->run->running, 1);
    return SPATE_OK;
}

static void sum_up(const client *clients, unsigned n, sp_bank_result *out)
{
    *out = clients[n].result; /* the teller's */
    for (unsigned i = 0; i < n; i++) {
        out->within += clients[i].result.within;
        out->across += clients[i].result.across;
        out->given_up += clients[i].result.given_up;
    }
}

int sp_bank_run(const sp_bank_load *load, sp_bank_result *result, spate_error *err)
{
    SP_ASSERT(load->clients > 0 && load->clients <= SP_BANK_CLIENTS_MAX);
    unsigned n = load->clients;
    run r = {.load = load};
    client *clients = sp_alloc_zero(n + 1, sizeof(*clients));
    char prefix[32];
    *result = (sp_bank_result){0};
    if (!clients)
        return sp_fail_nomem(err);
    sp_doubt_prefix(sp_route_lab(load->route), prefix);
    atomic_store(&r.running, n);
    for (unsigned i = 0; i <= n; i++) {
        clients[i].run = &r;
        clients[i].number = i;
        snprintf(clients[i].names, sizeof(clients[i].names), "%s%llx_%u_", prefix, (unsigned long long)sp_os_wall_us(),
                 i);
    }
    int rc = sp_lab_each(clients, sizeof(*clients), n + 1, be_one, err);
    if (rc != SPATE_OK)
        atomic_store(&load->stage->over, true);
    sum_up(clients, n, result);
    sp_free(clients);
    return rc;
}
