/* postgres_schema.c - every change to the target that is not a row.
 *
 * Foreign keys that are taken away for the load are first written into a table of the target,
 * "spate_deferred_constraint", in the transaction that drops them: whatever kills spate, the
 * next run finds the record and gives them back. The record is forgotten only when its foreign
 * key stands and has been checked.
 *
 *   in place --take--> recorded --give--> recorded, in place, not valid --validate--> in place
 *
 * A row of the record belongs to the run whose keeper, a connection open for its whole life, is
 * named in it. Others leave it alone until that connection is gone; then the first run that comes
 * takes it over. An advisory lock orders those who add rows, take them over, or drop the empty
 * table. */
#include "endpoint/postgres.h"
#include "endpoint/at_once.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- statements on several connections ------------------------------------------------------- */

typedef struct work {
    const char *sql, *what; /* what: for the message */
} work;

typedef struct works {
    sp_pg_sink *sink;
    const work *items;
} works;

static int open_link(void *arg, void **link, spate_error *err)
{
    PGconn *conn = NULL;
    int status = sp_pg_connect(&((works *)arg)->sink->server, false, &conn, err);
    *link = conn;
    return status;
}

static int run_item(void *arg, void *link, uint32_t item, bool *lost, spate_error *err)
{
    const work *w = &((works *)arg)->items[item];
    int status = sp_pg_run(link, w->sql, NULL, err, w->what);
    *lost = sp_pq.status(link) != CONNECTION_OK;
    return status;
}

static void close_link(void *link)
{
    sp_pq.finish(link);
}

/* Runs all items, each its own transaction, on as many connections as the run has lanes. */
static int run_all(sp_pg_sink *s, const work *items, uint32_t n, spate_error *err)
{
    works all = {s, items};
    return sp_at_once_run(&(sp_at_once){n, s->base.options.lanes, &all, open_link, run_item, close_link}, err);
}

/* ---- create, empty --------------------------------------------------------------------------- */

static int refuse_existing(const sp_pg_sink *s, spate_error *err)
{
    for (uint32_t i = 0; i < s->n_tables; i++) {
        if (!s->tables[i].oid)
            continue;
        int status = sp_fail(err, SPATE_E_CONFIG, "table \"%s\" exists already", s->tables[i].schema->table);
        sp_error_hint(err, "leave out --create to load into it, or add --truncate to replace it");
        return status;
    }
    return SPATE_OK;
}

/* One statement for all tables, so that foreign keys between them do not matter; no CASCADE: what others built on them is not ours
 * to drop. Then the enumerations that --create would make. */
static int add_drops(const sp_pg_sink *s, sp_buf *sql)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_tables; i++)
        if (s->tables[i].oid && sp_buf_printf(sql, "%s%s", n++ ? ", " : "DROP TABLE ", s->tables[i].quoted))
            return SPATE_E_NOMEM;
    if (n && sp_buf_adds(sql, ";\n"))
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < s->n_tables; i++)
        if (s->tables[i].oid && sp_sql_drop_types(sql, s->server.dialect->sql, s->tables[i].schema))
            return SPATE_E_NOMEM;
    return SPATE_OK;
}

int sp_pg_create_tables(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    bool replace = s->base.options.truncate, indexes = s->base.options.indexes_before;
    int status = replace ? SPATE_OK : refuse_existing(s, err);
    if (status)
        return status;
    sp_buf sql;
    sp_buf_init(&sql);
    int built = (replace && add_drops(s, &sql)) || sp_ddl_script(&s->ddl, SP_DDL_TABLES, 0, s->n_tables, &sql) ||
                (indexes && (sp_ddl_script(&s->ddl, SP_DDL_INDEXES, 0, s->n_tables, &sql) ||
                             sp_ddl_script(&s->ddl, SP_DDL_KEYS, 0, s->n_tables, &sql)));
    status = built ? sp_fail_nomem(err)
                   : sp_pg_run(conn, sp_pg_string(&sql), NULL, err,
                               replace ? "replacing the tables" : "creating the tables");
    sp_buf_done(&sql);
    return status;
}

static int truncate_tables(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int status = sp_buf_adds(&sql, "TRUNCATE ");
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        status = sp_buf_printf(&sql, "%s%s", i ? ", " : "", s->tables[i].quoted);
    if (status)
        sp_fail_nomem(err);
    else
        status = sp_pg_run(conn, sp_pg_string(&sql), NULL, err, "emptying the tables");
    sp_buf_done(&sql);
    return status;
}

/* ---- the record ------------------------------------------------------------------------------ */

#define RECORD "spate_deferred_constraint"

static const char *record_in(sp_pg_sink *s, const char *space)
{
    sp_buf b;
    sp_buf_init(&b);
    const char *name = sp_pg_qualified(&b, space, RECORD) ? NULL : sp_arena_strndup(&s->arena, b.data, b.len);
    sp_buf_done(&b);
    return name;
}

/* The owner's connection is there. Of another role's connection the start may be hidden. */
#define OWNER_LIVES \
    "EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity a WHERE a.pid = r.owner_pid AND" \
    " COALESCE(a.backend_start = r.owner_started, true))"

/* Until the end of the transaction; the number means nothing but this. */
#define LOCK_RECORD "SELECT pg_catalog.pg_advisory_xact_lock(7305804402566455397)"

/* Sets record to the one that an earlier or another run has made, if any. */
static int find_record(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    s->record = NULL;
    PGresult *res;
    int status = sp_pg_run(conn,
                           "SELECT ns.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace ns"
                           " ON ns.oid = c.relnamespace WHERE c.relname = '" RECORD "' AND c.relkind = 'r'",
                           &res, err, "looking for what an interrupted run has left");
    if (status)
        return status;
    for (int row = 0; row < sp_pq.ntuples(res) && !s->record && status == SPATE_OK; row++) {
        const char *space = sp_pq.getvalue(res, row, 0);
        for (uint32_t i = 0; i < s->n_tables && !s->record && status == SPATE_OK; i++)
            if (s->tables[i].space && strcmp(s->tables[i].space, space) == 0 && !(s->record = record_in(s, space)))
                status = sp_fail_nomem(err);
    }
    sp_pq.clear(res);
    return status;
}

/* A statement from pieces of SQL, run. */
static int run_built(PGconn *conn, sp_buf *sql, int built, spate_error *err, const char *what)
{
    int status = built ? sp_fail_nomem(err) : sp_pg_run(conn, sp_pg_string(sql), NULL, err, what);
    sp_buf_done(sql);
    return status;
}

static int alter(sp_buf *sql, const char *table, const char *verb, const char *name)
{
    return sp_buf_printf(sql, "ALTER TABLE %s %s CONSTRAINT ", table, verb) || sp_sql_name(sql, name);
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* Of the connection at hand. CockroachDB does not tell when it began. */
#define OWNER_VALUES \
    "pg_catalog.pg_backend_pid(), COALESCE((SELECT backend_start FROM" \
    " pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()), 'epoch')"

static bool to_take(const sp_pg_foreign_key *f)
{
    return f->child_table >= 0 && !f->inherited;
}

/* A record that is there already is of a foreign key in place that could not be validated: it knows
 * that the key was valid once. */
static const char taken_again[] =
    " ON CONFLICT (table_name, constraint_name) DO UPDATE SET owner_pid = excluded.owner_pid,"
    " owner_started = excluded.owner_started, definition = CASE WHEN excluded.definition LIKE"
    " '% NOT VALID' THEN r.definition ELSE excluded.definition END";

static int take_one(sp_pg_sink *s, PGconn *conn, const sp_pg_foreign_key *f, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int built = sp_buf_printf(&sql, "INSERT INTO %s AS r SELECT ", s->record) ||
                sp_sql_literal(&sql, sp_str_of(f->child_quoted)) || sp_buf_adds(&sql, ", ") ||
                sp_sql_literal(&sql, sp_str_of(f->name)) || sp_buf_adds(&sql, ", ") ||
                sp_sql_literal(&sql, sp_str_of(f->definition)) ||
                sp_buf_printf(&sql, ", " OWNER_VALUES "%s; ", taken_again) ||
                alter(&sql, f->child_quoted, "DROP", f->name);
    return run_built(conn, &sql, built, err, "taking foreign keys away for the load");
}

static int create_record(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    if (!s->record && !(s->record = record_in(s, s->tables[0].space)))
        return sp_fail_nomem(err);
    sp_buf sql;
    sp_buf_init(&sql);
    int built =
        sp_buf_printf(&sql,
                      "CREATE TABLE IF NOT EXISTS %s (table_name text NOT NULL, constraint_name text NOT NULL,"
                      " definition text NOT NULL, owner_pid integer NOT NULL, owner_started timestamptz NOT NULL,"
                      " PRIMARY KEY (table_name, constraint_name))",
                      s->record);
    return run_built(conn, &sql, built, err, "recording the foreign keys");
}

static int take_all(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = sp_pg_read_foreign_keys(s, conn, err);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_foreign_keys; i++)
        n += to_take(&s->foreign_keys[i]);
    if (status == SPATE_OK && n)
        status = create_record(s, conn, err);
    for (uint32_t i = 0; i < s->n_foreign_keys && status == SPATE_OK; i++)
        if (to_take(&s->foreign_keys[i]))
            status = take_one(s, conn, &s->foreign_keys[i], err);
    return status;
}

/* ---- owners ---------------------------------------------------------------------------------- */

static int refuse_row(const PGresult *res, spate_error *err)
{
    int status = sp_fail(err, SPATE_E_UNREACHABLE, "table %s: another run with --defer-constraints is loading it",
                         sp_pq.getvalue(res, 0, 0));
    sp_error_hint(err,
                  "wait until it is done (its connection has the process id %s on the server); runs "
                  "that share tables can defer their foreign keys only one after the other",
                  sp_pq.getvalue(res, 0, 1));
    return status;
}

/* With record set. */
static int refuse_owned(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int built = sp_buf_printf(&sql,
                              "SELECT r.table_name, r.owner_pid FROM %s r WHERE r.owner_pid <> "
                              "pg_catalog.pg_backend_pid() AND " OWNER_LIVES " AND r.table_name IN (''",
                              s->record);
    for (uint32_t i = 0; i < s->n_tables && !built; i++)
        if (s->tables[i].quoted)
            built = sp_buf_adds(&sql, ", ") || sp_sql_literal(&sql, sp_str_of(s->tables[i].quoted));
    built = built || sp_buf_adds(&sql, ") ORDER BY 1 LIMIT 1");
    PGresult *res = NULL;
    int status = built ? sp_fail_nomem(err)
                       : sp_pg_run(conn, sp_pg_string(&sql), &res, err, "reading the record of foreign keys");
    sp_buf_done(&sql);
    if (status)
        return status;
    if (sp_pq.ntuples(res))
        status = refuse_row(res, err);
    sp_pq.clear(res);
    return status;
}

int sp_pg_refuse_taken(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = find_record(s, conn, err);
    if (status == SPATE_OK && s->record)
        status = refuse_owned(s, conn, err);
    s->record = NULL;
    return status;
}

static int find_owner(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    PGresult *res;
    int status = sp_pg_run(conn, "SELECT " OWNER_VALUES, &res, err, "asking who this run is");
    if (status)
        return status;
    s->owner = sp_arena_printf(&s->arena, "owner_pid = %s AND owner_started = '%s'", sp_pq.getvalue(res, 0, 0),
                               sp_pq.getvalue(res, 0, 1));
    sp_pq.clear(res);
    return s->owner ? SPATE_OK : sp_fail_nomem(err);
}

/* Takes over what belongs to nobody any more. Forgets the record when none of it is this run's. */
static int take_over(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int built = sp_buf_printf(&sql,
                              "UPDATE %s r SET (owner_pid, owner_started) = (SELECT " OWNER_VALUES
                              ") WHERE NOT " OWNER_LIVES "; SELECT count(*) FROM %s WHERE %s",
                              s->record, s->record, s->owner);
    PGresult *res = NULL;
    int status =
        built ? sp_fail_nomem(err)
              : sp_pg_run(conn, sp_pg_string(&sql), &res, err, "taking over the foreign keys of a run that is gone");
    sp_buf_done(&sql);
    if (status)
        return status;
    if (strcmp(sp_pq.getvalue(res, 0, 0), "0") == 0)
        s->record = NULL;
    sp_pq.clear(res);
    return SPATE_OK;
}

static int change_tables(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    const sp_sink_options *o = &s->base.options;
    /* With nothing in the search path, definitions come with every name qualified. */
    int status = sp_pg_run(conn, "BEGIN", NULL, err, "changing the tables");
    if (status == SPATE_OK)
        status = sp_pg_claim_job(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_run(conn, "SET LOCAL search_path = pg_catalog; " LOCK_RECORD, NULL, err, "changing the tables");
    if (status == SPATE_OK)
        status = find_record(s, conn, err);
    if (status == SPATE_OK && s->record && o->defer_constraints)
        status = refuse_owned(s, conn, err);
    if (status == SPATE_OK && o->truncate && !o->create && !s->memory.resumed)
        status = truncate_tables(s, conn, err);
    if (status == SPATE_OK && (s->record || o->defer_constraints))
        status = find_owner(s, conn, err);
    if (status == SPATE_OK && o->defer_constraints)
        status = take_all(s, conn, err);
    if (status == SPATE_OK && s->record)
        status = take_over(s, conn, err);
    return status ? status : sp_pg_run(conn, "COMMIT", NULL, err, "changing the tables");
}

int sp_pg_change_tables(sp_pg_sink *s, PGconn *keeper, spate_error *err)
{
    int status = change_tables(s, keeper, err);
    if (status) {
        s->record = NULL;
        sp_pq.clear(sp_pq.exec(keeper, "ROLLBACK"));
    }
    return status;
}

/* ---- giving back ----------------------------------------------------------------------------- */

typedef struct recorded {
    const char *table, *name, *definition;
    char kind; /* of the table; 0: it is gone */
    bool in_place;
    bool ours; /* of a table of the plan; else taken over from a run that is gone */
} recorded;

static bool is_ours(const sp_pg_sink *s, const char *quoted)
{
    for (uint32_t i = 0; i < s->n_tables; i++)
        if (s->tables[i].quoted && strcmp(s->tables[i].quoted, quoted) == 0)
            return true;
    return false;
}

/* What is this run's. */
static int read_record(sp_pg_sink *s, PGconn *conn, recorded **out, uint32_t *n, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    PGresult *res = NULL;
    int status = SPATE_E_NOMEM;
    if (sp_buf_printf(&sql,
                      "SELECT r.table_name, r.constraint_name, r.definition, c.relkind, EXISTS (SELECT 1 FROM"
                      " pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.conname::text = "
                      "r.constraint_name)"
                      " FROM %s r LEFT JOIN pg_catalog.pg_class c ON c.oid = "
                      "pg_catalog.to_regclass(r.table_name)"
                      " WHERE %s ORDER BY r.table_name, r.constraint_name",
                      s->record, s->owner))
        sp_fail_nomem(err);
    else
        status = sp_pg_run(conn, sp_pg_string(&sql), &res, err, "reading the record of foreign keys");
    sp_buf_done(&sql);
    if (status)
        return status;
    *n = (uint32_t)sp_pq.ntuples(res);
    *out = sp_arena_alloc(&s->arena, *n + 1, sizeof(**out));
    for (uint32_t i = 0; *out && i < *n; i++) {
        const char *text[4];
        for (int k = 0; k < 4; k++) {
            const char *value = sp_pq.getvalue(res, (int)i, k);
            text[k] = sp_arena_strndup(&s->arena, value, strlen(value));
        }
        (*out)[i] = (recorded){text[0],
                               text[1],
                               text[2],
                               text[3] ? *text[3] : 0,
                               *sp_pq.getvalue(res, (int)i, 4) == 't',
                               is_ours(s, sp_pq.getvalue(res, (int)i, 0))};
        if (!text[0] || !text[1] || !text[2])
            *out = NULL;
    }
    sp_pq.clear(res);
    return *out ? SPATE_OK : sp_fail_nomem(err);
}

static bool was_invalid(const recorded *r)
{
    size_t len = strlen(r->definition);
    return len > 10 && strcmp(r->definition + len - 10, " NOT VALID") == 0;
}

static int add_forget(const sp_pg_sink *s, sp_buf *sql, const recorded *r)
{
    return sp_buf_printf(sql, "DELETE FROM %s WHERE table_name = ", s->record) ||
           sp_sql_literal(sql, sp_str_of(r->table)) || sp_buf_adds(sql, " AND constraint_name = ") ||
           sp_sql_literal(sql, sp_str_of(r->name));
}

static int give_one(sp_pg_sink *s, PGconn *conn, const recorded *r, spate_error *err)
{
    char what[256];
    snprintf(what, sizeof(what), "table %.100s: giving back foreign key \"%.63s\"", r->table, r->name);
    sp_buf sql;
    sp_buf_init(&sql);
    int built;
    if (!r->kind) { /* the table was dropped meanwhile, and with it the foreign key */
        built = add_forget(s, &sql, r);
    } else {
        built = alter(&sql, r->table, "ADD", r->name) || sp_buf_printf(&sql, " %s", r->definition);
        if (!built && r->kind != 'p' && !was_invalid(r)) /* partitioned tables take them only checked */
            built = sp_buf_adds(&sql, " NOT VALID");
    }
    return run_built(conn, &sql, built, err, what);
}

/* A part's rows may refer to rows of parts to come, and partitioned tables take no key unchecked:
 * then the key waits in the record for the next part. Nor is this run's success a matter of other
 * tables. */
static bool may_wait(const sp_pg_sink *s, const recorded *r, int status)
{
    return status == SPATE_E_DATA ? !r->ours || s->base.options.parts > 1 : status != SPATE_OK && !r->ours;
}

int sp_pg_give_foreign_keys(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    recorded *r;
    uint32_t n;
    if (!s->record)
        return SPATE_OK;
    int status = read_record(s, conn, &r, &n, err);
    for (uint32_t i = 0; i < n && status == SPATE_OK; i++) {
        if (r[i].in_place)
            continue;
        status = give_one(s, conn, &r[i], err);
        if (may_wait(s, &r[i], status))
            status = SPATE_OK;
    }
    return status;
}

static int validation_of(sp_pg_sink *s, const recorded *r, work *w)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int built = SPATE_OK;
    if (!was_invalid(r) && r->kind != 'p' && s->base.options.parts <= 1)
        built = alter(&sql, r->table, "VALIDATE", r->name) || sp_buf_adds(&sql, "; ");
    built = built || add_forget(s, &sql, r);
    w->sql = built ? NULL : sp_arena_strndup(&s->arena, sql.data, sql.len);
    w->what =
        sp_arena_printf(&s->arena, "table %.100s: foreign key \"%.63s\" is in place, but rows that are there break it",
                        r->table, r->name);
    sp_buf_done(&sql);
    return w->sql && w->what ? SPATE_OK : SPATE_E_NOMEM;
}

/* Others may be adding to it, or may have dropped it. */
static int drop_record_locked(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    static const char what[] = "dropping the record of foreign keys";
    const char *record = s->record;
    int status = sp_pg_run(conn, "BEGIN; " LOCK_RECORD, NULL, err, what);
    if (status == SPATE_OK)
        status = find_record(s, conn, err);
    if (status || !s->record || strcmp(s->record, record) != 0)
        return status;
    sp_buf sql;
    sp_buf_init(&sql);
    PGresult *res = NULL;
    int built = sp_buf_printf(&sql, "SELECT 1 FROM %s LIMIT 1", record);
    status = built ? sp_fail_nomem(err) : sp_pg_run(conn, sp_pg_string(&sql), &res, err, what);
    sp_buf_done(&sql);
    if (status)
        return status;
    bool empty = sp_pq.ntuples(res) == 0;
    sp_pq.clear(res);
    if (!empty)
        return SPATE_OK;
    sp_buf_init(&sql);
    return run_built(conn, &sql, sp_buf_printf(&sql, "DROP TABLE %s", record), err, what);
}

static int drop_record(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = drop_record_locked(s, conn, err);
    s->record = NULL;
    if (status == SPATE_OK)
        return sp_pg_run(conn, "COMMIT", NULL, err, "dropping the record of foreign keys");
    sp_pq.clear(sp_pq.exec(conn, "ROLLBACK"));
    return status;
}

/* ours: of the plan's tables; else those taken over. What is not in place is not validated. */
static int validate_some(sp_pg_sink *s, const recorded *r, uint32_t n, bool ours, spate_error *err)
{
    uint32_t n_items = 0;
    work *items = sp_arena_alloc(&s->arena, n + 1, sizeof(*items));
    for (uint32_t i = 0; items && i < n; i++)
        if (r[i].ours == ours && r[i].in_place && validation_of(s, &r[i], &items[n_items++]))
            items = NULL;
    return items ? run_all(s, items, n_items, err) : sp_fail_nomem(err);
}

int sp_pg_validate_given(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    recorded *r;
    uint32_t n;
    if (!s->record)
        return SPATE_OK;
    int status = read_record(s, conn, &r, &n, err);
    if (status)
        return status;
    (void)!validate_some(s, r, n, false, NULL); /* whose rows break one, keeps its record */
    status = validate_some(s, r, n, true, err);
    if (status == SPATE_E_DATA)
        sp_error_hint(err, "new rows are checked; mend the old ones, then ALTER TABLE ... VALIDATE "
                           "CONSTRAINT ..., or run spate again");
    return status ? status : drop_record(s, conn, err);
}
