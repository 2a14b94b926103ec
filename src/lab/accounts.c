/* accounts.c - see accounts.h. */
#include "lab/accounts.h"

#include "lab/each.h"
#include "lab/fence.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_US = 60000000, RETRY_US = 500, LOOK_US = 50000 };

/* ---- making them ---- */

static int make_on(const sp_lab *lab, unsigned shard, spate_error *err)
{
    static const sp_field id = {.name = "id", .type = {.kind = SP_I64}};
    static const uint32_t key = 0;
    const sp_placement p = {.placing = SP_PLACE_HASH, .key = &key, .n_key = 1, .map = lab->map};
    const sp_lab_server *server = sp_lab_shard(lab, shard);
    sp_buf sql = {0};
    PGconn *conn = NULL;
    int rc = sp_buf_printf(&sql, "SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS " SP_ACCOUNTS_TABLE
                                 " (id bigint PRIMARY KEY, version bigint NOT NULL); INSERT INTO " SP_ACCOUNTS_TABLE
                                 " SELECT id, 0 FROM generate_series(0, %d) id WHERE ", SP_ACCOUNTS - 1)
                 ? sp_fail_nomem(err)
                 : sp_placement_sql(&p, &id, "id", shard, &sql, err);
    if (rc == SPATE_OK && sp_buf_adds(&sql, " ON CONFLICT DO NOTHING"))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_connect(server, &conn, err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(server, conn, sp_pg_string(&sql), NULL, err, "making accounts");
    if (conn)
        sp_pq.finish(conn);
    sp_buf_done(&sql);
    return rc;
}

int sp_accounts_make(sp_lab *lab, spate_error *err)
{
    int rc = SPATE_OK;
    if (lab->placing != SP_PLACE_HASH)
        return sp_fail(err, SPATE_E_USAGE, "accounts live by hash, and this lab places by %s", sp_placing_name(lab->placing));
    for (unsigned s = 0; s < lab->map.shards && rc == SPATE_OK; s++)
        rc = make_on(lab, s, err);
    if (rc == SPATE_OK)
        rc = sp_lab_set_table(lab, SP_ACCOUNTS_TABLE, "id", err);
    return rc == SPATE_OK ? sp_lab_save(lab, err) : rc;
}

/* ---- a client ---- */

typedef struct account {
    int64_t version;  /* as it was last told; -1: not yet */
    uint64_t unknown; /* writes since then of which nobody knows */
} account;

typedef struct run {
    const sp_account_load *load;
    account accounts[SP_ACCOUNTS];
    _Atomic uint64_t next; /* with a rate: the number of the next write */
    uint64_t writes;       /* with a rate: how many are due */
    int64_t start_us, end_us;
    _Atomic unsigned running;
    _Atomic bool over;     /* a client has failed */
} run;

typedef struct client {
    run *run;
    unsigned number;
    struct {
        const char *uri; /* whose connection it is */
        PGconn *conn;
    } links[SP_SHARDS_MAX];
    uint64_t draws;
    sp_account_result result;
} client;

static unsigned slot_of(unsigned id)
{
    return (unsigned)(sp_pghash_combine(0, sp_pghash_int8(id)) % SP_SLOTS);
}

/* One that is lost is made again; NULL: not now. */
static PGconn *link_to(client *c, const sp_lab_server *server)
{
    unsigned shard = (unsigned)strtoul(server->name + strlen("shard"), NULL, 10);
    PGconn **conn = &c->links[shard].conn;
    bool fits = *conn && strcmp(c->links[shard].uri, server->uri) == 0 && sp_pq.status(*conn) == CONNECTION_OK;
    if (fits)
        return *conn;
    if (*conn)
        sp_pq.finish(*conn);
    *conn = NULL;
    c->links[shard].uri = server->uri;
    return sp_lab_connect(server, conn, NULL) == SPATE_OK ? *conn : NULL;
}

typedef enum outcome { DONE, REFUSED, FAILED, UNKNOWN } outcome;

/* Asks for one number. REFUSED: there is no such row, or the fence says so; FAILED: it has not happened. */
static outcome ask(PGconn *conn, const char *sql, int64_t *number)
{
    PGresult *res = sp_pq.exec(conn, sql);
    ExecStatusType got = sp_pq.result_status(res);
    const char *state = res ? sp_pq.result_field(res, PG_DIAG_SQLSTATE) : NULL;
    outcome out = UNKNOWN;
    if (got == PGRES_TUPLES_OK && sp_pq.ntuples(res) == 1) {
        *number = strtoll(sp_pq.getvalue(res, 0, 0), NULL, 10);
        out = DONE;
    } else if (got == PGRES_TUPLES_OK || (state && strcmp(state, SP_FENCE_STATE) == 0)) {
        out = REFUSED;
    } else if (state && strncmp(state, "57", 2) != 0 && strncmp(state, "08", 2) != 0) {
        out = FAILED;
    }
    sp_pq.clear(res);
    return out;
}

/* Until somebody has answered. unknown: NULL, or counts attempts that may have happened. */
static int persist(client *c, unsigned id, const char *sql, int64_t *number, uint64_t *unknown, spate_error *err)
{
    int64_t until = sp_os_monotonic_us() + PATIENCE_US;
    unsigned slot = slot_of(id);
    for (; sp_os_monotonic_us() < until; sp_os_sleep_us(RETRY_US)) {
        const sp_lab_server *server = sp_route_server(c->run->load->route, slot);
        PGconn *conn = link_to(c, server);
        outcome out = conn ? ask(conn, sql, number) : FAILED;
        if (out == DONE)
            return SPATE_OK;
        if (out == REFUSED) {
            c->result.refused++;
            sp_route_refused(c->run->load->route, slot, server);
        } else {
            sp_route_look(c->run->load->route); /* its port may be another one by now */
        }
        if (out == UNKNOWN && unknown) {
            c->result.unknown++;
            ++*unknown;
        }
    }
    return sp_fail(err, SPATE_E_UNREACHABLE, "account %u cannot be reached: no shard answers for it", id);
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
    snprintf(sql, sizeof(sql), "UPDATE " SP_ACCOUNTS_TABLE " SET version = version + 1 WHERE id = %u RETURNING version", id);
    int rc = persist(c, id, sql, &said, &a->unknown, err);
    if (rc != SPATE_OK)
        return rc;
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
    snprintf(sql, sizeof(sql), "SELECT version FROM " SP_ACCOUNTS_TABLE " WHERE id = %u", id);
    int rc = persist(c, id, sql, &said, NULL, err);
    if (rc != SPATE_OK)
        return rc;
    c->result.reads++;
    judge(c, a, said, a->version, !at_last);
    if (a->version < 0)
        a->version = said;
    return SPATE_OK;
}

/* ---- what a client does ---- */

static bool is_over(const run *r)
{
    return atomic_load(&r->over) || (r->load->cancel && __atomic_load_n(r->load->cancel, __ATOMIC_RELAXED));
}

/* When the next write is due; 0: there is none. */
static int64_t next_due(run *r)
{
    int64_t now = sp_os_monotonic_us();
    if (is_over(r) || (r->load->rate <= 0 && now >= r->end_us))
        return 0;
    if (r->load->rate <= 0)
        return now;
    uint64_t i = atomic_fetch_add(&r->next, 1);
    int64_t due = r->start_us + (int64_t)((double)i * 1e6 / r->load->rate);
    if (i >= r->writes)
        return 0;
    if (due > now)
        sp_os_sleep_us(due - now);
    return due;
}

static unsigned draw_own(client *c)
{
    unsigned own = SP_ACCOUNTS / c->run->load->clients;
    uint64_t z = sp_draw(c->run->load->seed + c->number * UINT64_C(0x9e3779b97f4a7c15), c->draws++);
    return c->number + c->run->load->clients * (unsigned)sp_bounded(z, own);
}

static int work(client *c, spate_error *err)
{
    enum { READ_EACH = 4 };
    run *r = c->run;
    int rc = SPATE_OK;
    for (int64_t due, n = 1; rc == SPATE_OK && (due = next_due(r)); n++) {
        unsigned id = draw_own(c);
        if (r->accounts[id].version < 0) /* of a run before */
            rc = read_one(c, id, false, err);
        if (rc == SPATE_OK)
            rc = write_one(c, id, err);
        if (rc == SPATE_OK)
            sp_hist_add(&c->result.writes, (uint64_t)(sp_os_monotonic_us() - due) * 1000);
        if (rc == SPATE_OK && n % READ_EACH == 0)
            rc = read_one(c, id, false, err);
    }
    for (unsigned id = c->number; id < SP_ACCOUNTS && rc == SPATE_OK; id += r->load->clients)
        if (r->accounts[id].version >= 0)
            rc = read_one(c, id, true, err);
    return rc;
}

static void leave(client *c)
{
    for (size_t i = 0; i < SP_COUNT(c->links); i++)
        if (c->links[i].conn)
            sp_pq.finish(c->links[i].conn);
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
        atomic_store(&r->over, true);
    atomic_fetch_sub(&r->running, 1);
    leave(c);
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
        r->writes = (uint64_t)(load->rate * load->seconds);
        r->start_us = sp_os_monotonic_us();
        r->end_us = r->start_us + (int64_t)(load->seconds * 1e6);
        atomic_store(&r->running, load->clients);
        for (unsigned i = 0; i < SP_ACCOUNTS; i++)
            r->accounts[i].version = -1;
        for (unsigned i = 0; i < n; i++) {
            clients[i].run = r;
            clients[i].number = i;
        }
        rc = sp_lab_each(clients, sizeof(*clients), n, be_one, err);
        result->seconds = (double)(sp_os_monotonic_us() - r->start_us) / 1e6;
        sum_up(clients, load->clients, result);
    }
    sp_free(r);
    sp_free(clients);
    return rc;
}
