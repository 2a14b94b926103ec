/* postgres.c - rows into PostgreSQL and servers that speak its protocol: the sink as a whole.
 *
 * Looks before it changes anything, then lanes load. Their commits do not wait for the disk;
 * finish makes one that does, and with it all before: success is told only after that. A server
 * that crashes in between has lost the last moments' chunks as wholes, and the run has failed. */
#include "endpoint/postgres.h"
#include "endpoint/endpoints.h"

enum {
    STATEMENT_ROWS = 1000,     /* a statement, when the user does not say */
    STATEMENT_BYTES = 1 << 20, /* of its rows, as the schema promises them: it is kept whole in memory, twice */
    STATEMENTS = 10,           /* a transaction in the other modes */
    PARAMETERS_MAX = 65535,    /* a statement, by the protocol */
};

static sp_pg_sink *sink_of(sp_sink *s)
{
    return (sp_pg_sink *)s;
}

/* ---- statements of a table ------------------------------------------------------------------- */

static int add_columns(const sp_pg_table *t, sp_buf *sql)
{
    int built = sp_buf_adds(sql, " (");
    for (uint32_t i = 0; i < t->schema->n_fields && !built; i++)
        built = sp_buf_adds(sql, i ? ", " : "") || sp_sql_name(sql, t->columns[t->live[i]].name);
    return built || sp_buf_adds(sql, ")");
}

/* Keeps what was built and frees the buffer. */
static int keep_sql(sp_pg_sink *s, sp_buf *sql, int built, const char **kept, spate_error *err)
{
    *kept = built ? NULL : sp_arena_strndup(&s->arena, sql->data, sql->len);
    sp_buf_done(sql);
    return *kept ? SPATE_OK : sp_fail_nomem(err);
}

static int build_copy(sp_pg_sink *s, sp_pg_table *t, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int built =
        sp_buf_printf(&sql, "%sCOPY %s", s->memory.job ? SP_PG_BEGIN : "", t->quoted) || add_columns(t, &sql) ||
        sp_buf_printf(&sql, " FROM STDIN%s", t->binary ? " WITH (FORMAT binary)" : s->server.dialect->copy_options);
    return keep_sql(s, &sql, built, &t->copy_sql, err);
}

static bool always_identity(const sp_pg_table *t)
{
    for (uint32_t i = 0; i < t->schema->n_fields; i++)
        if (t->columns[t->live[i]].identity_always)
            return true;
    return false;
}

static int build_insert_head(sp_pg_sink *s, sp_pg_table *t, spate_error *err)
{
    bool word = s->base.options.mode == SP_INSERT_UPSERT && s->server.dialect->upsert_word;
    sp_buf sql;
    sp_buf_init(&sql);
    int built = sp_buf_printf(&sql, "%s INTO %s", word ? "UPSERT" : "INSERT", t->quoted) || add_columns(t, &sql) ||
                sp_buf_printf(&sql, "%s VALUES ", always_identity(t) ? " OVERRIDING SYSTEM VALUE" : "");
    return keep_sql(s, &sql, built, &t->insert_head, err);
}

static bool in_key(const sp_pg_table *t, uint32_t field)
{
    for (uint32_t i = 0; i < t->n_key; i++)
        if (t->key[i] == field)
            return true;
    return false;
}

static int add_updates(const sp_pg_table *t, sp_buf *sql)
{
    uint32_t n = 0;
    int built = SPATE_OK;
    for (uint32_t i = 0; i < t->schema->n_fields && !built; i++) {
        const sp_pg_column *c = &t->columns[t->live[i]];
        if (in_key(t, i) || c->identity_always)
            continue;
        built = sp_buf_adds(sql, n++ ? ", " : " DO UPDATE SET ") || sp_sql_name(sql, c->name) ||
                sp_buf_adds(sql, " = EXCLUDED.") || sp_sql_name(sql, c->name);
    }
    return built || n ? built : sp_buf_adds(sql, " DO NOTHING");
}

static int build_insert_tail(sp_pg_sink *s, sp_pg_table *t, spate_error *err)
{
    t->insert_tail = s->base.options.mode == SP_INSERT_SKIP ? " ON CONFLICT DO NOTHING" : "";
    if (s->base.options.mode != SP_INSERT_UPSERT || s->server.dialect->upsert_word)
        return SPATE_OK;
    sp_buf sql;
    sp_buf_init(&sql);
    int built = sp_buf_adds(&sql, " ON CONFLICT (");
    for (uint32_t i = 0; i < t->n_key && !built; i++)
        built = sp_buf_adds(&sql, i ? ", " : "") || sp_sql_name(&sql, t->columns[t->live[t->key[i]]].name);
    built = built || sp_buf_adds(&sql, ")") || add_updates(t, &sql);
    return keep_sql(s, &sql, built, &t->insert_tail, err);
}

/* ---- prepare --------------------------------------------------------------------------------- */

static int build_encoder(sp_pg_sink *s, sp_pg_table *t, spate_error *err)
{
    bool binary = !t->as_text && (!sp_pg_copies(s) || s->server.dialect->copy_binary);
    if (binary)
        return sp_pgbinary_new(t->schema, t->types, &t->binary, err);
    return sp_pg_copies(s) ? sp_rowtext_new(t->schema, s->server.dialect->copy_text, &t->text, err) : SPATE_OK;
}

static uint64_t copy_rows(const sp_pg_sink *s, const sp_pg_table *t)
{
    if (s->base.options.batch_rows)
        return s->base.options.batch_rows;
    return sp_sink_server_rows(t->schema);
}

static uint32_t statement_rows(const sp_pg_sink *s, const sp_pg_table *t)
{
    uint64_t rows = s->base.options.batch_rows ? s->base.options.batch_rows : STATEMENT_ROWS;
    rows = SP_MIN(rows, STATEMENT_BYTES / SP_MAX(sp_schema_row_bytes(t->schema), 1u));
    rows = SP_MIN(rows, (uint64_t)PARAMETERS_MAX / t->schema->n_fields);
    return (uint32_t)SP_MAX(rows, (uint64_t)1);
}

static void choose_chunks(sp_pg_sink *s)
{
    for (uint32_t i = 0; i < s->n_tables; i++) {
        sp_pg_table *t = &s->tables[i];
        t->statement_rows = statement_rows(s, t);
        s->base.chunk_rows[i] = sp_pg_copies(s) ? copy_rows(s, t) : (uint64_t)t->statement_rows * STATEMENTS;
    }
}

static int plan_table(sp_pg_sink *s, uint32_t table, spate_error *err)
{
    sp_pg_table *t = &s->tables[table];
    int status = build_encoder(s, t, err);
    if (t->self_reference) /* rows refer to earlier ones, which other lanes may still be loading */
        s->base.chunk_rows[table] = UINT64_MAX;
    if (status == SPATE_OK && sp_pg_copies(s))
        return build_copy(s, t, err);
    if (status == SPATE_OK)
        status = build_insert_head(s, t, err);
    return status ? status : build_insert_tail(s, t, err);
}

static int start_tables(sp_pg_sink *s, const sp_schema *const *schemas, uint32_t n, spate_error *err)
{
    s->n_tables = n;
    s->tables = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->tables));
    if (!s->tables || !sp_sink_make_room(&s->base, &s->arena, n))
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        s->tables[i].schema = schemas[i];
    return SPATE_OK;
}

static int build_ddl(sp_pg_sink *s, const sp_schema *const *schemas, spate_error *err)
{
    s->base.ddl = &s->ddl;
    return sp_ddl_build(&s->ddl, &s->arena, s->server.dialect->sql,
                        s->server.dialect->keys_at_creation ? SP_DDL_KEYS_INSIDE : SP_DDL_KEYS_AFTER, schemas,
                        s->n_tables, s->base.options.catalog, err);
}

/* Finds and checks the tables, creating them first if that is asked for; what was created goes
 * again when the check fails. */
static int look(sp_pg_sink *s, const sp_schema *const *schemas, PGconn *conn, spate_error *err)
{
    bool create = s->base.options.create, undo = create && s->server.dialect->transactional_ddl;
    int status = sp_pg_check_names(s, err);
    if (status)
        return status;
    if (undo)
        status = sp_pg_run(conn, "BEGIN", NULL, err, "beginning");
    if (status == SPATE_OK)
        status = sp_pg_find_tables(s, conn, err);
    if (status == SPATE_OK && s->base.options.defer_constraints)
        status = sp_pg_refuse_taken(s, conn, err);
    if (status == SPATE_OK && create)
        status = sp_pg_claim_job(s, conn, err);
    if (status == SPATE_OK && create)
        status = build_ddl(s, schemas, err);
    if (status == SPATE_OK && create && !s->memory.resumed && (undo || !s->base.options.dry_run)) {
        status = sp_pg_create_tables(s, conn, err);
        if (status == SPATE_OK)
            status = sp_pg_find_tables(s, conn, err);
    }
    if (status == SPATE_OK && (!create || undo || !s->base.options.dry_run))
        status = sp_pg_check_tables(s, conn, err);
    if (!undo)
        return status;
    if (status == SPATE_OK && !s->base.options.dry_run)
        return sp_pg_run(conn, "COMMIT", NULL, err, "creating the tables");
    sp_pq.clear(sp_pq.exec(conn, "ROLLBACK"));
    return status;
}

/* Everything that changes tables which were there before. */
static int change(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = sp_pg_change_tables(s, conn, err);
    if (status == SPATE_OK && s->record && !s->base.options.defer_constraints)
        status = sp_pg_give_foreign_keys(s, conn, err);
    return status ? status : sp_pg_read_foreign_keys(s, conn, err);
}

static int prepare_on(sp_pg_sink *s, const sp_schema *const *schemas, PGconn *conn, spate_error *err)
{
    bool ordered = !s->base.options.defer_constraints;
    int status = look(s, schemas, conn, err);
    if (status == SPATE_OK && ordered)
        status = sp_pg_refuse_parts(s, err);
    if (status == SPATE_OK && ordered)
        status = sp_pg_order_tables(s, err); /* a circle is refused before anything is changed */
    choose_chunks(s);
    if (status || s->base.options.dry_run)
        return status;
    s->changed = true;
    status = change(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_order_tables(s, err);
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        status = plan_table(s, i, err);
    return status ? status : sp_pg_after_plan(s, err);
}

/* The connection is closed afterwards, for the load may take hours; but the owner of foreign keys
 * that are away stays. */
static int prepare(sp_sink *sink, const sp_schema *const *schemas, uint32_t n, spate_error *err)
{
    sp_pg_sink *s = sink_of(sink);
    PGconn *conn = NULL;
    int status = sp_sink_refuse_parts(&sink->options, err);
    if (status == SPATE_OK)
        status = start_tables(s, schemas, n, err);
    if (status == SPATE_OK)
        status = sp_job_memory_init(&s->memory, &s->arena, &sink->options, schemas, n, err);
    if (status == SPATE_OK)
        status = sp_pg_connect(&s->server, false, &conn, err);
    if (status)
        return status;
    status = prepare_on(s, schemas, conn, err);
    if (s->record)
        s->keeper = conn;
    else
        sp_pq.finish(conn);
    return status;
}

/* ---- the end --------------------------------------------------------------------------------- */

static int finish_complete(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    bool created = s->after;
    int status = sp_pg_after_end(s, true, err);
    if (status == SPATE_OK && created)
        status = sp_pg_end_tables(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_give_foreign_keys(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_validate_given(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_complete_job(s, conn, err);
    if (status == SPATE_OK && s->server.dialect->flush)
        status = sp_pg_run(conn, s->server.dialect->flush, NULL, err, "making the load durable");
    return status;
}

/* Rows that did arrive stay, and on disk; foreign keys come back at least for new rows. */
static int finish_incomplete(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = sp_pg_after_end(s, false, err);
    if (status == SPATE_OK)
        status = sp_pg_give_foreign_keys(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_validate_given(s, conn, err);
    int flushed = s->server.dialect->flush
                      ? sp_pg_run(conn, s->server.dialect->flush, NULL, err, "making the load durable")
                      : SPATE_OK;
    return status ? status : flushed;
}

static int finish(sp_sink *sink, bool complete, spate_error *err)
{
    sp_pg_sink *s = sink_of(sink);
    if (!s->changed)
        return SPATE_OK;
    PGconn *conn = NULL;
    int status = sp_pg_connect(&s->server, false, &conn, err);
    if (status)
        return status;
    status = complete ? finish_complete(s, conn, err) : finish_incomplete(s, conn, err);
    sp_pq.finish(conn);
    return status;
}

static void close_sink(sp_sink *sink)
{
    sp_pg_sink *s = sink_of(sink);
    (void)!sp_pg_after_end(s, false, NULL); /* where finish could not connect */
    if (s->keeper)
        sp_pq.finish(s->keeper);
    for (uint32_t i = 0; i < s->n_tables; i++) {
        sp_pgbinary_free(s->tables[i].binary);
        sp_rowtext_free(s->tables[i].text);
    }
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_sink_ops ops = {
    .prepare = prepare,
    .lane_open = sp_pg_lane_open,
    .begin = sp_pg_begin,
    .write = sp_pg_write,
    .check = sp_pg_check,
    .undo = sp_pg_undo,
    .commit = sp_pg_commit,
    .rollback = sp_pg_rollback,
    .lane_close = sp_pg_lane_close,
    .table_done = sp_pg_table_done,
    .finish = finish,
    .forget = sp_pg_forget_job,
    .abandon = sp_pg_abandon_job,
    .close = close_sink,
};

static int sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    int status = sp_libpq_load(err);
    if (status)
        return status;
    sp_pg_sink *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    s->base.ops = &ops;
    s->base.options = *options;
    s->base.order = SP_ORDER_NONE;
    sp_arena_init(&s->arena);
    s->server.uri = sp_arena_strndup(&s->arena, uri->text, strlen(uri->text));
    s->base.shown = s->server.shown = sp_uri_shown(uri->text, &s->arena);
    bool unchecked = options->parts > 1 && options->defer_constraints;
    s->base.how_to_query = sp_arena_printf(&s->arena, "psql '%s'%s", s->base.shown ? s->base.shown : "",
                                           unchecked ? " (foreign keys are back, but not checked: after the last part, "
                                                       "ALTER TABLE ... VALIDATE CONSTRAINT ...)"
                                                     : "");
    if (!s->server.uri || !s->base.shown || !s->base.how_to_query) {
        close_sink(&s->base);
        return sp_fail_nomem(err);
    }
    *sink = &s->base;
    return SPATE_OK;
}

/* No two servers have started in the same microsecond; tables without a schema are of the first one. */
static int find_place(sp_uri *uri, sp_arena *arena, const char **place, spate_error *err)
{
    sp_pg_server server = {.uri = uri->text, .shown = sp_uri_shown(uri->text, arena)};
    PGconn *conn = NULL;
    PGresult *res = NULL;
    *place = NULL;
    int status = server.shown ? sp_libpq_load(err) : sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = sp_pg_connect(&server, false, &conn, err);
    if (status == SPATE_OK && server.dialect->sql == SP_SQL_POSTGRES)
        status = sp_pg_run(conn,
                           "SELECT pg_catalog.concat_ws('/', pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()),"
                           " pg_catalog.current_database(), pg_catalog.current_schema())",
                           &res, err, "asking which database this is");
    if (res && !(*place = sp_arena_strndup(arena, sp_pq.getvalue(res, 0, 0), strlen(sp_pq.getvalue(res, 0, 0)))))
        status = sp_fail_nomem(err);
    if (res)
        sp_pq.clear(res);
    if (conn)
        sp_pq.finish(conn);
    return status;
}

const sp_endpoint sp_endpoint_postgres = {
    .schemes = {"postgresql", "postgres", NULL},
    .params = "whatever libpq knows",
    .sink_open = sink_open,
    .source_open = sp_pg_source_open,
    .describe = sp_pg_describe,
    .place = find_place,
    .described = true,
    .conditions = true,
};
