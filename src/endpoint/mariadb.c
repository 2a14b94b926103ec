/* mariadb.c - rows into MariaDB and MySQL: the sink as a whole.
 *
 * Looks before it changes anything, then lanes load. Tables that it creates get their indexes and foreign keys when the rows are
 * there; the primary key is how InnoDB stores rows, so it is there from the beginning. A commit is as durable as the server's
 * innodb_flush_log_at_trx_commit makes it. */
#include "endpoint/mariadb.h"
#include "endpoint/endpoints.h"

enum { STATEMENTS = 10 }; /* a transaction, when --batch says a statement's rows */

static sp_my_sink *sink_of(sp_sink *s)
{
    return (sp_my_sink *)s;
}

/* ---- statements of a table ------------------------------------------------------------------- */

/* Keeps what was built and frees the buffer. */
static int keep_sql(sp_my_sink *s, sp_buf *sql, int built, const char **kept, spate_error *err)
{
    *kept = built ? NULL : sp_arena_strndup(&s->arena, sql->len ? sql->data : "", sql->len);
    sp_buf_done(sql);
    return *kept ? SPATE_OK : sp_fail_nomem(err);
}

static int add_columns(const sp_my_table *t, sp_buf *sql)
{
    int built = SPATE_OK;
    for (uint32_t i = 0; i < t->schema->n_fields && !built; i++)
        built = sp_buf_adds(sql, i ? ", " : " (") || sp_sql_name(sql, t->schema->fields[i].name);
    return built || sp_buf_adds(sql, ")");
}

/* A key is set to what it is: a list that leaves it out would be empty where there is nothing else. */
static int add_updates(const sp_my_table *t, bool skip, sp_buf *sql)
{
    int built = SPATE_OK;
    const char *key = t->live->columns[t->live->keys[0].columns[0]].name;
    if (skip)
        return sp_buf_adds(sql, " ON DUPLICATE KEY UPDATE ") || sp_sql_name(sql, key) || sp_buf_adds(sql, " = ") ||
               sp_sql_name(sql, key);
    for (uint32_t i = 0; i < t->schema->n_fields && !built; i++) {
        const char *name = t->schema->fields[i].name;
        built = sp_buf_adds(sql, i ? ", " : " ON DUPLICATE KEY UPDATE ") || sp_sql_name(sql, name) ||
                sp_buf_adds(sql, " = VALUES(") || sp_sql_name(sql, name) || sp_buf_adds(sql, ")");
    }
    return built;
}

static int build_statements(sp_my_sink *s, sp_my_table *t, spate_error *err)
{
    sp_insert_mode mode = s->base.options.mode;
    sp_buf head = {0}, tail = {0}, load = {0}, table = {0};
    sp_mywrite *encoder = NULL;
    int status =
        sp_my_qualified(&table, t->live) ? sp_fail_nomem(err) : sp_mywrite_new(t->schema, t->types, &encoder, err);
    const char *quoted = sp_my_string(&table);
    if (status == SPATE_OK)
        status =
            keep_sql(s, &head, sp_buf_printf(&head, "INSERT INTO %s", quoted) || add_columns(t, &head), &t->head, err);
    if (status == SPATE_OK)
        status = keep_sql(s, &tail, sp_my_meets_keys(s) ? add_updates(t, mode == SP_INSERT_SKIP, &tail) : SPATE_OK,
                          &t->tail, err);
    if (status == SPATE_OK)
        status = keep_sql(
            s, &load,
            sp_buf_printf(&load,
                          "LOAD DATA LOCAL INFILE 'rows' INTO TABLE %s CHARACTER SET utf8mb4 FIELDS TERMINATED BY X'09'"
                          " ESCAPED BY X'5C' LINES TERMINATED BY X'0A'",
                          quoted) ||
                sp_mywrite_columns(encoder, &load),
            &t->load, err);
    sp_mywrite_free(encoder);
    sp_buf_done(&table);
    return status;
}

/* ---- prepare --------------------------------------------------------------------------------- */

static uint64_t chunk_rows(const sp_my_sink *s, const sp_my_table *t)
{
    if (s->base.options.batch_rows)
        return s->base.options.batch_rows * (s->by_file ? 1u : STATEMENTS);
    return sp_sink_server_rows(t->schema);
}

static int start_tables(sp_my_sink *s, const sp_schema *const *schemas, uint32_t n, spate_error *err)
{
    s->n_tables = n;
    s->tables = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->tables));
    if (!s->tables || !sp_sink_make_room(&s->base, &s->arena, n))
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        s->tables[i].schema = schemas[i];
    return SPATE_OK;
}

static int choose_road(sp_my_sink *s, spate_error *err)
{
    sp_insert_mode mode = s->base.options.mode;
    s->by_file = mode == SP_INSERT_COPY || !s->server.array_binding;
    s->server.infile = s->by_file;
    if (!s->by_file || mode == SP_INSERT_COPY || mode == SP_INSERT_DEFAULT)
        return SPATE_OK;
    sp_fail(err, SPATE_E_USAGE, "insert, upsert and skip need MariaDB 10.2 or later, which takes arrays of parameters");
    sp_error_hint(err, "without --insert-mode, rows go by LOAD DATA LOCAL");
    return SPATE_E_USAGE;
}

static int build_ddl(sp_my_sink *s, const sp_schema *const *schemas, spate_error *err)
{
    s->base.ddl = &s->ddl;
    s->ddl.home = s->server.database;
    return sp_ddl_build(&s->ddl, &s->arena, sp_my_dialect(&s->server), SP_DDL_KEYS_AFTER, schemas, s->n_tables,
                        s->base.options.catalog, err);
}

/* Creates and empties what a run of the same job has not already. */
static int make_tables(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    const sp_sink_options *o = &s->base.options;
    bool fresh = !s->memory.resumed;
    int status = SPATE_OK;
    s->changed = true;
    if (fresh && o->create)
        status = sp_my_create_tables(s, m, err);
    if (status == SPATE_OK && fresh && o->create)
        status = sp_my_find_tables(s, err);
    if (status == SPATE_OK)
        status = sp_my_check_tables(s, err);
    if (status == SPATE_OK && fresh && o->truncate && !o->create)
        status = sp_my_empty_tables(s, m, err);
    return status;
}

static int look(sp_my_sink *s, const sp_schema *const *schemas, spate_error *err)
{
    int status = choose_road(s, err);
    if (status == SPATE_OK && s->base.options.create)
        status = build_ddl(s, schemas, err);
    for (uint32_t i = 0; i < s->n_tables; i++)
        s->base.chunk_rows[i] = chunk_rows(s, &s->tables[i]);
    if (status == SPATE_OK)
        status = sp_my_find_tables(s, err);
    if (status == SPATE_OK && (!s->memory.job || s->base.options.dry_run))
        status = sp_my_check_presence(s, err);
    if (status == SPATE_OK && !s->base.options.create)
        status = sp_my_check_tables(s, err);
    return status == SPATE_OK ? sp_my_order_tables(s, err) : status;
}

static int prepare_on(sp_my_sink *s, const sp_schema *const *schemas, MYSQL *m, spate_error *err)
{
    int status = look(s, schemas, err);
    if (status || s->base.options.dry_run)
        return status;
    status = s->memory.job ? sp_my_claim_job(s, m, make_tables, err) : make_tables(s, m, err);
    if (status == SPATE_OK)
        status = sp_my_order_tables(s, err);
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        status = build_statements(s, &s->tables[i], err);
    return status;
}

static int prepare(sp_sink *sink, const sp_schema *const *schemas, uint32_t n, spate_error *err)
{
    sp_my_sink *s = sink_of(sink);
    MYSQL *m = NULL;
    int status = sp_sink_refuse_parts(&sink->options, err);
    if (status == SPATE_OK)
        status = start_tables(s, schemas, n, err);
    if (status == SPATE_OK)
        status = sp_job_memory_init(&s->memory, &s->arena, &sink->options, schemas, n, err);
    if (status == SPATE_OK)
        status = sp_my_connect(&s->server, &m, err);
    if (status)
        return status;
    status = prepare_on(s, schemas, m, err);
    sp_maria.close(m);
    return status;
}

/* ---- the end --------------------------------------------------------------------------------- */

static int finish_complete(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    const sp_sink_options *o = &s->base.options;
    bool keys = o->create && !s->memory.complete;
    int status = keys ? sp_my_add_keys(s, m, err) : SPATE_OK;
    if (status == SPATE_OK && (keys || (o->defer_constraints && o->parts <= 1)))
        status = sp_my_check_foreign_keys(s, err);
    return status == SPATE_OK ? sp_my_complete_job(s, m, err) : status;
}

static int finish(sp_sink *sink, bool complete, spate_error *err)
{
    sp_my_sink *s = sink_of(sink);
    MYSQL *m = NULL;
    if (!s->changed || !complete)
        return SPATE_OK;
    int status = sp_my_connect(&s->server, &m, err);
    if (status)
        return status;
    status = finish_complete(s, m, err);
    sp_maria.close(m);
    return status;
}

static void close_sink(sp_sink *sink)
{
    sp_arena_done(&sink_of(sink)->arena);
    sp_free(sink);
}

static const sp_sink_ops ops = {
    .prepare = prepare,
    .lane_open = sp_my_lane_open,
    .begin = sp_my_begin,
    .write = sp_my_write,
    .check = sp_my_check,
    .undo = sp_my_undo,
    .commit = sp_my_commit,
    .rollback = sp_my_rollback,
    .lane_close = sp_my_lane_close,
    .finish = finish,
    .forget = sp_my_forget_job,
    .abandon = sp_my_abandon_job,
    .close = close_sink,
};

static int sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    sp_my_sink *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    s->base.ops = &ops;
    s->base.options = *options;
    s->base.order = SP_ORDER_NONE;
    sp_arena_init(&s->arena);
    int status = sp_my_server_init(&s->server, uri, &s->arena, err);
    if (status == SPATE_OK && !s->server.database)
        status = sp_fail(err, SPATE_E_USAGE, "a MariaDB sink needs the name of a database: mysql://.../DATABASE");
    s->base.shown = s->server.shown;
    if (status == SPATE_OK)
        *sink = &s->base;
    else
        close_sink(&s->base);
    return status;
}

/* The server's own words of where it keeps what. */
static int find_place(sp_uri *uri, sp_arena *arena, const char **place, spate_error *err)
{
    sp_my_server server = {0};
    MYSQL *m = NULL;
    MYSQL_RES *rows = NULL;
    *place = NULL;
    int status = sp_my_server_init(&server, uri, arena, err);
    if (status == SPATE_OK)
        status = sp_my_connect(&server, &m, err);
    if (status == SPATE_OK)
        status = sp_my_ask(m, "SELECT concat_ws('/', @@hostname, @@port, @@datadir, database())", &rows, err,
                           "asking which database this is");
    MYSQL_ROW row = rows ? sp_maria.fetch_row(rows) : NULL;
    if (row && row[0] && !(*place = sp_arena_strndup(arena, row[0], strlen(row[0]))))
        status = sp_fail_nomem(err);
    if (rows)
        sp_maria.free_result(rows);
    if (m)
        sp_maria.close(m);
    return status;
}

const sp_endpoint sp_endpoint_mariadb = {
    .schemes = {"mysql", NULL},
    .params = "socket, zero-dates, tinyint1, time",
    .sink_open = sink_open,
    .source_open = sp_my_source_open,
    .describe = sp_my_describe,
    .place = find_place,
    .described = true,
    .conditions = true,
};
