/* fence.c - see fence.h. */
#include "lab/fence.h"

enum { LOCK_TRIES = 60, LOCK_PAUSE_US = 20000, LOCK_POLITE = 5 };

#define GATE  "482671453285" /* of pg_advisory_lock: "spate" */
#define RIGHT "482671453287" /* the number between is tally.c's */

const char sp_gate_close[] = "SELECT pg_advisory_lock(" GATE ")";
const char sp_gate_open[] = "SELECT pg_advisory_unlock(" GATE ")";
const char sp_right_take[] = "SELECT pg_advisory_lock(" RIGHT ")";
const char sp_right_leave[] = "SELECT pg_advisory_unlock(" RIGHT ")";
const char sp_right_defer[] = "SELECT pg_advisory_lock_shared(" RIGHT ")";
const char sp_right_allow[] = "SELECT pg_advisory_unlock_shared(" RIGHT ")";

/* Where the log is: behind what streams have brought, too, which no commit may have made the server write yet. */
const char *sp_fence_turn(sp_side side)
{
    switch (side) {
    case SP_SIDE_NEITHER: return "SELECT setval('spate_lab.side', 3)";
    case SP_SIDE_AFTER:
        return "SELECT setval('spate_lab.turned_at', (pg_current_wal_insert_lsn() - '0/0')::bigint), setval('spate_lab.side', 2)"
               " FROM spate_lab.side WHERE last_value <> 2";
    default: return "SELECT setval('spate_lab.side', 1)";
    }
}

const char sp_fence_lazily[] = "SELECT set_config('synchronous_commit', 'off', true)";
const char sp_fence_keep[] = "SELECT setval('spate_lab.side', last_value) FROM spate_lab.side";

static const char schema_sql[] =
    "BEGIN; SET LOCAL client_min_messages = warning;"
    "CREATE SCHEMA spate_lab; GRANT USAGE ON SCHEMA spate_lab TO PUBLIC;"
    "CREATE SEQUENCE spate_lab.turned_at; CREATE SEQUENCE spate_lab.side; GRANT SELECT ON spate_lab.side TO PUBLIC;"
    "CREATE TABLE spate_lab.marker (pair text, n bigint, PRIMARY KEY (pair, n));"
    "CREATE TABLE spate_lab.identity (name text PRIMARY KEY);"
    "CREATE FUNCTION spate_lab.gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " PERFORM pg_catalog.pg_advisory_xact_lock_shared(" GATE "); RETURN NULL; END $$;"
    "CREATE FUNCTION spate_lab.fence() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF (SELECT last_value FROM spate_lab.side) <> TG_ARGV[0]::bigint THEN"
    "  RAISE EXCEPTION 'the row lives on %', TG_ARGV[1] USING ERRCODE = '" SP_FENCE_STATE "'; END IF;"
    " IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$;"
    "CREATE FUNCTION spate_lab.whole() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE EXCEPTION 'rows of table \"%\" are moving: it cannot be truncated', TG_TABLE_NAME USING ERRCODE = '55006'; END $$;"
    "CREATE FUNCTION spate_lab.rest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF (SELECT last_value FROM spate_lab.side) <> 2 THEN"
    "  RAISE EXCEPTION 'table \"%\" is copied to every shard, and rests while rows move', TG_TABLE_NAME USING ERRCODE = '55006'; END IF;"
    " RETURN NULL; END $$; COMMIT";

/* ---- locks that nobody is to wait for long ---- */

/* An autovacuum may hold a table for as long as it takes; it comes again. */
static void stop_vacuum(const sp_lab_server *server, PGconn *conn)
{
    (void)!sp_lab_run(
        server, conn,
        "SELECT pg_cancel_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid"
        " WHERE a.backend_type = 'autovacuum worker' AND l.locktype = 'relation' AND a.datname = current_database()",
        NULL, NULL, "looking for vacuums");
}

static const char *wait_of(int attempt)
{
    return attempt < 20   ? "SET lock_timeout = '20ms'"
           : attempt < 40 ? "SET lock_timeout = '100ms'"
                          : "SET lock_timeout = '1s'";
}

/* Whoever waits for a table's lock makes others wait behind: so not for long at first, but often. sql is one transaction. */
static int run_politely(const sp_lab_server *server, PGconn *conn, const char *sql, spate_error *err, const char *what)
{
    spate_error why = {0};
    int rc = SPATE_OK;
    for (int i = 0; i < LOCK_TRIES && rc == SPATE_OK; i++) {
        rc = sp_lab_run(server, conn, wait_of(i), NULL, &why, what);
        if (rc == SPATE_OK)
            rc = sp_lab_run(server, conn, sql, NULL, &why, what);
        bool busy = rc != SPATE_OK && (strcmp(why.sqlstate, "55P03") == 0 || strcmp(why.sqlstate, "40P01") == 0);
        if (!busy)
            break;
        (void)!sp_lab_run(server, conn, "ROLLBACK", NULL, NULL, what);
        if (i >= LOCK_POLITE)
            stop_vacuum(server, conn);
        sp_os_sleep_us(LOCK_PAUSE_US);
        rc = i + 1 < LOCK_TRIES ? SPATE_OK : rc;
    }
    if (rc != SPATE_OK && why.status && err)
        *err = why;
    int reset = sp_lab_run(server, conn, rc == SPATE_OK ? "SET lock_timeout = 0" : "ROLLBACK; SET lock_timeout = 0",
                           NULL, rc == SPATE_OK ? err : NULL, what);
    return rc == SPATE_OK ? reset : rc;
}

/* ---- a table's triggers ---- */

typedef struct fence {
    const sp_reshard *r;
    unsigned shard;
    uint32_t table;
    const char *name; /* of the table, quoted */
    sp_buf *sql;
    spate_error *err;
} fence;

static int add_when(const fence *f, const sp_reshard_pair *pair, const char *event, const char *const *of)
{
    int rc = sp_buf_printf(f->sql, "CREATE TRIGGER zzz_spate_%u_%u_%s BEFORE %s ON %s FOR EACH ROW WHEN (", pair->from,
                           pair->to, event, event, f->name)
                 ? sp_fail_nomem(f->err)
                 : SPATE_OK;
    for (int i = 0; of[i] && rc == SPATE_OK; i++) {
        rc = i && sp_buf_adds(f->sql, " OR ") ? sp_fail_nomem(f->err) : SPATE_OK;
        if (rc == SPATE_OK)
            rc = sp_reshard_condition(f->r, pair, f->table, of[i], f->sql, f->err);
    }
    bool gives = pair->from == f->shard;
    if (rc == SPATE_OK && sp_buf_printf(f->sql, ") EXECUTE FUNCTION spate_lab.fence('%d', 'shard%u');",
                                        gives ? SP_SIDE_BEFORE : SP_SIDE_AFTER, gives ? pair->to : pair->from))
        rc = sp_fail_nomem(f->err);
    return rc;
}

static int add_fence(const fence *f, const sp_reshard_pair *pair)
{
    static const char *const now[] = {"NEW.", NULL}, *const old[] = {"OLD.", NULL},
                             *const both[] = {"OLD.", "NEW.", NULL};
    int rc = add_when(f, pair, "INSERT", now);
    if (rc == SPATE_OK)
        rc = add_when(f, pair, "UPDATE", both);
    return rc == SPATE_OK ? add_when(f, pair, "DELETE", old) : rc;
}

static bool identifies(const sp_schema *s, uint32_t field)
{
    for (uint32_t i = 0; i < s->n_primary_key; i++)
        if (s->primary_key[i] == field)
            return true;
    return false;
}

/* A publication's filter must see the key in what the log has of a changed row. */
static int add_identity(const fence *f)
{
    const sp_schema *s = f->r->layout->schemas[f->table];
    if (identifies(s, f->r->layout->placements[f->table]->key[0]))
        return SPATE_OK;
    int built =
        sp_buf_adds(
            f->sql,
            "INSERT INTO spate_lab.identity SELECT c.oid::regclass::text FROM pg_catalog.pg_class c WHERE c.oid = ") ||
        sp_sql_literal(f->sql, sp_str_of(f->name)) ||
        sp_buf_adds(f->sql, "::regclass AND relreplident = 'd'; ALTER TABLE ") || sp_buf_adds(f->sql, f->name) ||
        sp_buf_adds(f->sql, " REPLICA IDENTITY FULL;");
    return built ? sp_fail_nomem(f->err) : SPATE_OK;
}

static int add_placed(const fence *f)
{
    int rc =
        sp_buf_printf(
            f->sql,
            "CREATE TRIGGER zzz_spate_gate BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION"
            " spate_lab.gate(); CREATE TRIGGER zzz_spate_whole BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION"
            " spate_lab.whole();",
            f->name, f->name)
            ? sp_fail_nomem(f->err)
            : add_identity(f);
    for (uint32_t i = 0; i < f->r->n_pairs && rc == SPATE_OK; i++) {
        const sp_reshard_pair *pair = &f->r->pairs[i];
        if (pair->from == f->shard || pair->to == f->shard)
            rc = add_fence(f, pair);
    }
    return rc;
}

static int add_copied(const fence *f)
{
    return sp_buf_printf(
               f->sql,
               "CREATE TRIGGER zzz_spate_rest BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT"
               " EXECUTE FUNCTION spate_lab.rest();",
               f->name)
               ? sp_fail_nomem(f->err)
               : SPATE_OK;
}

static int raise_table(fence *f, PGconn *conn)
{
    sp_buf name = {0}, sql = {0};
    int rc = sp_sql_ident(&name, f->r->layout->schemas[f->table]->table) || sp_buf_adds(&sql, "BEGIN;")
                 ? sp_fail_nomem(f->err)
                 : SPATE_OK;
    f->name = sp_pg_string(&name);
    f->sql = &sql;
    if (rc == SPATE_OK)
        rc = f->r->layout->placements[f->table] ? add_placed(f) : add_copied(f);
    if (rc == SPATE_OK && sp_buf_adds(&sql, "COMMIT"))
        rc = sp_fail_nomem(f->err);
    if (rc == SPATE_OK)
        rc = run_politely(sp_lab_shard(f->r->lab, f->shard), conn, sp_pg_string(&sql), f->err, "raising the fence");
    sp_buf_done(&name);
    sp_buf_done(&sql);
    return rc;
}

int sp_fence_raise(const sp_reshard *r, unsigned shard, PGconn *conn, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(r->lab, shard);
    int rc = sp_fence_drop(server, conn, err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(server, conn, schema_sql, NULL, err, "raising the fence");
    for (uint32_t t = 0; t < r->layout->n && rc == SPATE_OK; t++)
        rc = raise_table(&(fence){.r = r, .shard = shard, .table = t, .err = err}, conn);
    return rc;
}

/* ---- taking it away, and asking ---- */

static int is_there(const sp_lab_server *server, PGconn *conn, bool *there, spate_error *err)
{
    PGresult *res = NULL;
    int rc = sp_lab_run(server, conn, "SELECT to_regclass('spate_lab.identity') IS NOT NULL", &res, err,
                        "looking for the fence");
    if (rc == SPATE_OK) {
        *there = sp_pq.getvalue(res, 0, 0)[0] == 't';
        sp_pq.clear(res);
    }
    return rc;
}

int sp_fence_drop(const sp_lab_server *server, PGconn *conn, spate_error *err)
{
    static const char sql[] =
        "BEGIN; SET LOCAL client_min_messages = warning; DO $$ DECLARE t text; BEGIN FOR t IN SELECT name FROM spate_lab.identity LOOP"
        " EXECUTE 'ALTER TABLE ' || t || ' REPLICA IDENTITY DEFAULT'; END LOOP; END $$; DROP SCHEMA spate_lab CASCADE; COMMIT";
    bool there = false;
    int rc = is_there(server, conn, &there, err);
    return rc == SPATE_OK && there ? run_politely(server, conn, sql, err, "taking the fence away") : rc;
}

int sp_fence_side(const sp_lab_server *server, PGconn *conn, sp_side *side, spate_error *err)
{
    PGresult *res = NULL;
    bool there = false;
    *side = SP_SIDE_NONE;
    int rc = is_there(server, conn, &there, err);
    if (rc == SPATE_OK && there)
        rc = sp_lab_run(server, conn, "SELECT last_value FROM spate_lab.side", &res, err, "asking for the side");
    if (rc == SPATE_OK && there) {
        *side = (sp_side)(sp_pq.getvalue(res, 0, 0)[0] - '0');
        sp_pq.clear(res);
    }
    return rc;
}
