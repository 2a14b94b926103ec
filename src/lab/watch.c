/* watch.c - see watch.h.
 *
 * What a server says of itself comes from it as one piece of JSON and is passed on as it is. */
#include "lab/watch.h"

#include "codec/codec.h"
#include "lab/ask.h"
#include "lab/budget.h"
#include "lab/heat.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    STEP_US = 1000000,
    PATIENCE_US = 5000000,
    SILENT_US = 2500000,         /* without an answer for so long, a server counts as one that gives none */
    COUNT_SHARE = 20,            /* counting takes at most one part in so many of the time */
    COUNT_PATIENCE_US = 4000000, /* statement_timeout, and a little more */
    TABLES_MAX = 200,
};

typedef struct counted {
    char *name, *state; /* state: of the table when it was counted; another one: something has changed */
    uint64_t rows;
    sp_heat *heat;   /* NULL: its rows are counted together */
    bool together;   /* for good: slot by slot takes too long */
    int64_t at_us;   /* of the wall clock; 0: not counted yet */
    int64_t next_us; /* of the steady one: not before */
    bool exact;
    bool seen; /* in the server's last list */
} counted;

typedef struct watched {
    sp_watch *watch;
    const sp_lab_server *server;
    pthread_t thread;
    bool started;
    PGconn *conn;
    counted tables[TABLES_MAX];
    uint32_t n_tables;
    sp_buf facts; /* the thread's */

    pthread_mutex_t lock; /* of what follows */
    const char *state;
    sp_buf told;      /* facts and counts, as members of an object; none: nothing is known */
    spate_error err;  /* why nothing is */
    int64_t asked_us; /* since when an answer is waited for; 0: it is not */
} watched;

struct sp_watch {
    const sp_lab *lab;
    _Atomic bool stop;
    pthread_mutex_t lock; /* for waiting */
    pthread_cond_t stopped;
    uint32_t n;
    watched servers[];
};

static const char session_sql[] =
    "SET statement_timeout = '2s'; SET lock_timeout = '200ms'; SET default_transaction_read_only = on;"
    " SET extra_float_digits = 1; SET datestyle = 'ISO';"
    " SELECT set_config('pg_stat_statements.track', 'none', false) FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper";

static const char facts_sql[] =
    "SELECT pg_catalog.json_build_object("
    " 'version', pg_catalog.split_part(current_setting('server_version'), ' ', 1), 'replica', r.is,"
    " 'bytes', pg_catalog.pg_database_size(pg_catalog.current_database()),"
    " 'clock_us', (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint,"
    " 'transactions', (SELECT xact_commit + xact_rollback FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()),"
    " 'written', (SELECT tup_inserted + tup_updated + tup_deleted FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()),"
    " 'clients', (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'spate lab serve'),"
    " 'active', (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' AND state = 'active'"
    "   AND application_name <> 'spate lab serve'),"
    " 'prepared', (SELECT count(*) FROM pg_catalog.pg_prepared_xacts),"
    " 'behind_ms', CASE WHEN r.is THEN CASE WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0"
    "   ELSE extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()) * 1000 END END,"
    " 'receivers', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', application_name, 'state', state, 'sync', sync_state,"
    "   'lag_bytes', pg_catalog.pg_wal_lsn_diff(r.lsn, replay_lsn), 'lag_ms', extract(epoch FROM replay_lag) * 1000) ORDER BY application_name), '[]')"
    "   FROM pg_catalog.pg_stat_replication),"
    " 'slots', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', slot_name, 'active', active,"
    "   'kept_bytes', pg_catalog.pg_wal_lsn_diff(r.lsn, restart_lsn)) ORDER BY slot_name), '[]') FROM pg_catalog.pg_replication_slots))"
    " FROM (SELECT pg_catalog.pg_is_in_recovery() AS is, CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn()"
    "   ELSE pg_catalog.pg_current_wal_lsn() END AS lsn) r";

/* What has taken most time since the server began to count; nothing where nobody has set that up. */
static const char has_statements_sql[] = "SELECT to_regclass('pg_stat_statements') IS NOT NULL";
static const char statements_sql[] =
    "SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('query', pg_catalog.left(query, 300), 'calls', calls, 'ms', total_exec_time,"
    " 'rows', rows) ORDER BY total_exec_time DESC), '[]') FROM (SELECT * FROM pg_stat_statements WHERE dbid ="
    " (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) ORDER BY total_exec_time DESC LIMIT 6) s";

/* Ordinary tables of users with what changes when rows do, and the server's estimate. */
static const char tables_sql[] =
    "SELECT CASE WHEN n.nspname = (pg_catalog.current_schemas(false))[1] THEN c.relname ELSE n.nspname || '.' || c.relname END,"
    " pg_catalog.concat_ws(' ', c.oid, c.relfilenode, s.n_tup_ins, s.n_tup_del), greatest(s.n_live_tup, 0),"
    " pg_catalog.format('%I.%I', n.nspname, c.relname)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_stat_user_tables s ON s.relid = c.oid WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|spate_)'"
    " AND n.nspname <> 'information_schema' AND c.relname !~ '^spate_(job|chunk|deferred_constraint|map)$' ORDER BY c.oid LIMIT 200";

/* From now on an answer is waited for. */
static int64_t note_question(watched *s)
{
    int64_t now = sp_os_monotonic_us();
    pthread_mutex_lock(&s->lock);
    s->asked_us = now;
    pthread_mutex_unlock(&s->lock);
    return now;
}

/* ---- counting ---- */

static counted *find_table(watched *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_tables; i++)
        if (strcmp(s->tables[i].name, name) == 0)
            return &s->tables[i];
    if (s->n_tables == TABLES_MAX)
        return NULL;
    counted *t = &s->tables[s->n_tables];
    *t = (counted){.name = strdup(name)};
    s->n_tables += t->name != NULL;
    return t->name ? t : NULL;
}

static void drop_table(counted *t)
{
    free(t->name);
    free(t->state);
    sp_heat_free(t->heat);
}

static void drop_unseen(watched *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->n_tables; i++) {
        counted *t = &s->tables[i];
        if (t->seen) {
            s->tables[kept++] = *t;
        } else {
            drop_table(t);
        }
    }
    s->n_tables = kept;
}

static int ask_count(watched *s, counted *t, const char *quoted, sp_patience p, spate_error *err)
{
    sp_buf sql = {0};
    PGresult *res = NULL;
    bool new = !t->at_us && !t->together;
    int rc = new ? sp_heat_new(s->watch->lab, s->server, s->conn, t->name, quoted, p, &t->heat, err) : SPATE_OK;
    if (rc == SPATE_OK && !t->heat && sp_buf_printf(&sql, "SELECT count(*) FROM ONLY %s", quoted))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_ask_within(s->server, s->conn, t->heat ? sp_heat_question(t->heat) : sp_pg_string(&sql), p, &res,
                               err);
    if (rc == SPATE_OK)
        t->rows = t->heat ? sp_heat_take(t->heat, res) : strtoull(sp_pq.getvalue(res, 0, 0), NULL, 10);
    sp_pq.clear(res);
    sp_buf_done(&sql);
    return rc;
}

/* A count that fails, mostly by its timeout, leaves the estimate; the next one is not slot by slot. */
static int count_rows(watched *s, counted *t, const char *quoted, uint64_t estimate, spate_error *err)
{
    int64_t began = note_question(s);
    int rc = ask_count(s, t, quoted, (sp_patience){began + COUNT_PATIENCE_US, &s->watch->stop}, err);
    int64_t ended = sp_os_monotonic_us();
    t->exact = rc == SPATE_OK;
    if (!t->exact) {
        t->rows = estimate;
        t->together |= t->heat != NULL;
        sp_heat_free(t->heat);
        t->heat = NULL;
    }
    t->at_us = sp_os_wall_us();
    t->next_us = ended + (ended - began) * COUNT_SHARE;
    bool refused = rc != SPATE_OK && sp_pq.status(s->conn) == CONNECTION_OK && err->sqlstate[0];
    return refused ? SPATE_OK : rc;
}

static int look_at_table(watched *s, const PGresult *list, int i, spate_error *err)
{
    counted *t = find_table(s, sp_pq.getvalue(list, i, 0));
    const char *state = sp_pq.getvalue(list, i, 1);
    if (!t)
        return SPATE_OK;
    t->seen = true;
    if ((t->state && strcmp(t->state, state) == 0 && t->exact) || sp_os_monotonic_us() < t->next_us)
        return SPATE_OK;
    char *now = strdup(state);
    free(t->state);
    t->state = now;
    return count_rows(s, t, sp_pq.getvalue(list, i, 3), strtoull(sp_pq.getvalue(list, i, 2), NULL, 10), err);
}

static int look_at_tables(watched *s, sp_patience p, spate_error *err)
{
    PGresult *list = NULL;
    int rc = sp_lab_ask_within(s->server, s->conn, tables_sql, p, &list, err);
    for (uint32_t i = 0; i < s->n_tables; i++)
        s->tables[i].seen = rc != SPATE_OK;
    for (int i = 0; rc == SPATE_OK && i < sp_pq.ntuples(list); i++)
        rc = look_at_table(s, list, i, err);
    if (rc == SPATE_OK)
        drop_unseen(s);
    sp_pq.clear(list);
    return rc;
}

/* ---- a round ---- */

static int put_tables(const watched *s, sp_buf *out)
{
    const char *between = "";
    int built = sp_buf_adds(out, ",\"tables\":[");
    for (uint32_t i = 0; i < s->n_tables && !built; i++) {
        const counted *t = &s->tables[i];
        if (!t->at_us)
            continue;
        built = sp_buf_printf(out, "%s{\"name\":", between) || sp_buf_add_json(out, t->name, strlen(t->name)) ||
                sp_buf_printf(out, ",\"rows\":%llu,\"exact\":%s,\"counted_us\":%lld", (unsigned long long)t->rows,
                              t->exact ? "true" : "false", (long long)t->at_us) ||
                (t->heat && sp_heat_put(t->heat, out)) || sp_buf_adds(out, "}");
        between = ",";
    }
    return built || sp_buf_adds(out, "]");
}

static int connect(watched *s, sp_patience p, spate_error *err)
{
    PGresult *res = NULL;
    int rc = sp_lab_connect_within(s->server, p, &s->conn, err);
    if (rc == SPATE_OK)
        rc = sp_lab_ask_within(s->server, s->conn, session_sql, p, &res, err);
    sp_pq.clear(res);
    return rc;
}

/* One answer of JSON, as a member of the facts. */
static int add_facts(watched *s, const char *member, const char *sql, sp_patience p, spate_error *err)
{
    PGresult *res = NULL;
    int rc = sp_lab_ask_within(s->server, s->conn, sql, p, &res, err);
    if (rc == SPATE_OK &&
        (sp_buf_printf(&s->facts, ",\"%s\":", member) || sp_buf_adds(&s->facts, sp_pq.getvalue(res, 0, 0))))
        rc = sp_fail_nomem(err);
    sp_pq.clear(res);
    return rc;
}

/* A view that is there without its library, or that is not for us, is none. */
static int add_statements(watched *s, sp_patience p, spate_error *err)
{
    PGresult *res = NULL;
    size_t len = s->facts.len;
    int rc = sp_lab_ask_within(s->server, s->conn, has_statements_sql, p, &res, err);
    bool there = rc == SPATE_OK && sp_pq.getvalue(res, 0, 0)[0] == 't';
    sp_pq.clear(res);
    if (there && add_facts(s, "statements", statements_sql, p, NULL) != SPATE_OK)
        s->facts.len = len;
    return rc;
}

static int ask(watched *s, spate_error *err)
{
    sp_patience p = {sp_os_monotonic_us() + PATIENCE_US, &s->watch->stop};
    int rc = s->conn ? SPATE_OK : connect(s, p, err);
    s->facts.len = 0;
    if (rc == SPATE_OK)
        rc = add_facts(s, "facts", facts_sql, p, err);
    if (rc == SPATE_OK)
        rc = add_statements(s, p, err);
    if (rc == SPATE_OK && !s->server->of) /* a replica has what the other one has */
        rc = look_at_tables(s, p, err);
    return rc == SPATE_OK && put_tables(s, &s->facts) ? sp_fail_nomem(err) : rc;
}

static void hang_up(watched *s)
{
    if (s->conn)
        sp_pq.finish(s->conn);
    s->conn = NULL;
}

static bool is_there(const watched *s)
{
    return s->server->attached || sp_lab_server_pid(s->server) != 0;
}

static const char *state_of(const watched *s, int rc)
{
    if (rc == SPATE_OK)
        return "up";
    return is_there(s) ? "unreachable" : sp_os_is_dir(s->server->data) ? "down" : "damaged";
}

static void look(watched *s)
{
    spate_error err = {0};
    bool there = is_there(s);
    note_question(s);
    int rc = there ? ask(s, &err) : SPATE_E_UNREACHABLE;
    if (rc != SPATE_OK)
        hang_up(s);
    const char *state = state_of(s, rc);
    pthread_mutex_lock(&s->lock);
    s->asked_us = 0;
    s->state = state;
    s->err = rc == SPATE_OK ? (spate_error){0} : err;
    s->told.len = 0;
    if (rc == SPATE_OK && sp_buf_add(&s->told, s->facts.data, s->facts.len))
        s->told.len = 0;
    pthread_mutex_unlock(&s->lock);
}

/* ---- all of them ---- */

static void *watch_server(void *arg)
{
    watched *s = arg;
    sp_watch *w = s->watch;
    while (!atomic_load(&w->stop)) {
        look(s);
        int64_t until = sp_os_monotonic_us() + STEP_US;
        pthread_mutex_lock(&w->lock);
        while (!atomic_load(&w->stop) && sp_os_cond_wait_until(&w->stopped, &w->lock, until) != ETIMEDOUT)
            ;
        pthread_mutex_unlock(&w->lock);
    }
    hang_up(s);
    return NULL;
}

int sp_watch_start(const sp_lab *lab, sp_watch **out, spate_error *err)
{
    int rc = sp_libpq_load(err);
    uint32_t n = lab->n_servers + lab->n_replicas;
    sp_watch *w = rc == SPATE_OK ? sp_alloc_zero(1, sizeof(*w) + n * sizeof(w->servers[0])) : NULL;
    if (!w)
        return rc == SPATE_OK ? sp_fail_nomem(err) : rc;
    w->lab = lab;
    sp_os_cond_init(&w->stopped);
    pthread_mutex_init(&w->lock, NULL);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        watched *s = &w->servers[w->n++];
        s->watch = w;
        s->server = i < lab->n_servers ? &lab->servers[i] : &lab->replicas[i - lab->n_servers];
        s->state = "asking";
        pthread_mutex_init(&s->lock, NULL);
        rc = sp_os_thread_start(&s->thread, watch_server, s, err);
        s->started = rc == SPATE_OK;
    }
    if (rc == SPATE_OK)
        *out = w;
    else
        sp_watch_stop(w);
    return rc;
}

static void server_done(watched *s)
{
    for (uint32_t i = 0; i < s->n_tables; i++)
        drop_table(&s->tables[i]);
    sp_buf_done(&s->facts);
    sp_buf_done(&s->told);
    pthread_mutex_destroy(&s->lock);
}

void sp_watch_stop(sp_watch *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->stop, true);
    pthread_cond_broadcast(&w->stopped);
    pthread_mutex_unlock(&w->lock);
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->servers[i].started)
            pthread_join(w->servers[i].thread, NULL);
        server_done(&w->servers[i]);
    }
    pthread_cond_destroy(&w->stopped);
    pthread_mutex_destroy(&w->lock);
    sp_free(w);
}

static int put_member(sp_buf *out, const char *key, const char *value)
{
    return sp_buf_printf(out, ",\"%s\":", key) || sp_buf_add_json(out, value, strlen(value));
}

static int tell_server(watched *s, uint32_t i, sp_buf *out)
{
    const sp_lab_server *server = s->server;
    pid_t pid = sp_lab_server_pid(server);
    const char *role = server->of ? "replica" : i ? "shard" : "main";
    int built =
        sp_buf_printf(out, "%s{\"role\":\"%s\",\"attached\":%s,\"port\":%u,\"pid\":%ld,\"cpu\":%g", i ? "," : "", role,
                      server->attached ? "true" : "false", server->port, (long)pid, sp_budget_of(server)) ||
        put_member(out, "of", server->of ? server->of : "") || put_member(out, "name", server->name) ||
        put_member(out, "uri", server->public_uri);
    pthread_mutex_lock(&s->lock);
    bool silent = s->asked_us && sp_os_monotonic_us() - s->asked_us > SILENT_US;
    built = built || put_member(out, "state", silent ? "unreachable" : s->state) ||
            put_member(out, "error", silent ? "it does not answer" : s->err.message) ||
            (!silent && s->told.len && sp_buf_add(out, s->told.data, s->told.len)) || sp_buf_adds(out, "}");
    pthread_mutex_unlock(&s->lock);
    return built;
}

int sp_watch_tell(sp_watch *w, sp_buf *out)
{
    int built = sp_buf_adds(out, "[");
    for (uint32_t i = 0; i < w->n && !built; i++)
        built = tell_server(&w->servers[i], i, out);
    return built || sp_buf_adds(out, "]") ? SPATE_E_NOMEM : SPATE_OK;
}
