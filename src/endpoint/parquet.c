/* parquet.c - the rows of one table into a Parquet file, which DuckDB writes.
 *
 * A thread runs DuckDB's COPY from a table function to the file. Commits come in row order and hand their batches to the function one
 * by one, which shows them to DuckDB where they lie; a commit ends when DuckDB has asked for more than it had, so nothing of it is
 * looked at any more. So a lane's memory is a chunk, and DuckDB's a group of rows, however many rows there are.
 *
 *     commit:  give(batch) -> waits until it is taken            thread:  COPY (SELECT ... FROM spate_rows()) TO 'x.parquet.partial'
 *
 * A Parquet file is one only with its footer: of a run that is stopped nothing is left, and no job can go on with one. */
#include "endpoint/duckdb_column.h"
#include "endpoint/endpoints.h"
#include "endpoint/output.h"

#include <pthread.h>

enum {
    CHUNK_BYTES = 1 << 20,
    GROUP_BYTES = 32 << 20, /* rows that DuckDB collects before it writes them, */
    GROUP_ROWS = 122880,    /* and at most so many; whole vectors of DuckDB's */
    VECTOR_ROWS = 2048,
};

typedef struct parquet_sink {
    sp_sink base;
    sp_arena arena;
    sp_output file;
    const char *pack; /* in DuckDB's word */
    const sp_schema *schema;
    sp_duckdb_column *columns; /* one a field */
    duckdb_database db;
    duckdb_connection conn;
    pthread_t writer;
    bool begun, running, published; /* the file; the thread */
    /* Between commits and the writer, under the lock: */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const sp_batch *given; /* to be shown, or being shown; NULL: there is none */
    bool shown;            /* given has been shown */
    bool ended, stopped;   /* there will be no more; stopped: and some are missing */
    bool over;             /* the writer is: with rc, and with error when that is not SPATE_OK */
    int rc;
    spate_error error;
} parquet_sink;

typedef struct parquet_lane {
    sp_lane base;
    sp_batch *batches; /* of the chunk: n of them; room for cap, of which the first n_made have storage */
    uint32_t n, n_made, cap;
} parquet_lane;

/* ---- what DuckDB calls ---------------------------------------------------------------------------- */

static void on_bind(duckdb_bind_info info)
{
    const parquet_sink *s = sp_duckdb.bind_get_extra_info(info);
    for (uint32_t i = 0; i < s->schema->n_fields; i++)
        sp_duckdb.bind_add_result_column(info, s->schema->fields[i].name, s->columns[i].type);
}

static void on_init(duckdb_init_info info)
{
    (void)info;
}

/* The next batch, or NULL at the end; what was shown before is done with. */
static const sp_batch *next_given(parquet_sink *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->shown) {
        s->given = NULL;
        s->shown = false;
        pthread_cond_broadcast(&s->changed);
    }
    while (!s->given && !s->ended)
        pthread_cond_wait(&s->changed, &s->lock);
    s->shown = s->given != NULL;
    const sp_batch *batch = s->given;
    pthread_mutex_unlock(&s->lock);
    return batch;
}

static void on_rows(duckdb_function_info info, duckdb_data_chunk out)
{
    parquet_sink *s = sp_duckdb.function_get_extra_info(info);
    const sp_batch *batch = next_given(s);
    spate_error err = {0};
    int rc = SPATE_OK;
    for (uint32_t i = 0; batch && i < s->schema->n_fields && rc == SPATE_OK; i++) {
        rc = sp_duckdb_fill(&s->columns[i], &batch->columns[i], batch->rows, sp_duckdb.data_chunk_get_vector(out, i),
                            &err);
        if (rc != SPATE_OK)
            sp_fail_context(&err, rc, "column \"%s\"", s->schema->fields[i].name);
    }
    if (rc != SPATE_OK || (!batch && s->stopped))
        sp_duckdb.function_set_error(info, rc != SPATE_OK ? err.message : "stopped");
    sp_duckdb.data_chunk_set_size(out, batch && rc == SPATE_OK ? batch->rows : 0);
}

/* ---- the writer ----------------------------------------------------------------------------------- */

static bool holds(const sp_type *type, sp_kind kind)
{
    return type->kind == kind || (type->kind == SP_LIST && holds(type->item, kind));
}

/* Documents say that they are, and intervals, of which Parquet's have no sign, are text. */
static int add_field(const parquet_sink *s, uint32_t i, sp_buf *sql)
{
    const sp_type *type = &s->schema->fields[i].type;
    const char *cast = holds(type, SP_JSON) ? "JSON" : holds(type, SP_INTERVAL) ? "VARCHAR" : NULL;
    if (!cast)
        return sp_sql_name(sql, s->schema->fields[i].name);
    const char *name = s->schema->fields[i].name, *list = type->kind == SP_LIST ? "[]" : "";
    return sp_buf_adds(sql, "CAST(") || sp_sql_name(sql, name) ||
                   sp_buf_printf(sql, " AS %s%s) AS ", cast, list) || sp_sql_name(sql, name)
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

static uint64_t rows_of_group(const sp_schema *schema)
{
    uint64_t rows = GROUP_BYTES / SP_MAX(sp_schema_row_bytes(schema), 1u) / VECTOR_ROWS * VECTOR_ROWS;
    return SP_MIN(SP_MAX(rows, (uint64_t)VECTOR_ROWS), (uint64_t)GROUP_ROWS);
}

static int copy_sql(const parquet_sink *s, sp_buf *sql)
{
    int built = sp_buf_adds(sql, "COPY (SELECT ");
    for (uint32_t i = 0; i < s->schema->n_fields && !built; i++)
        built = (i && sp_buf_adds(sql, ", ")) || add_field(s, i, sql);
    return built || sp_buf_adds(sql, " FROM spate_rows()) TO ") || sp_sql_literal(sql, sp_str_of(s->file.written_as)) ||
           sp_buf_printf(sql, " (FORMAT parquet, USE_TMP_FILE false, COMPRESSION %s, ROW_GROUP_SIZE %llu)", s->pack,
                         (unsigned long long)rows_of_group(s->schema)) ||
           sp_buf_add(sql, "", 1);
}

static void *write_file(void *of)
{
    parquet_sink *s = of;
    sp_buf sql = {0};
    int rc = copy_sql(s, &sql) ? sp_fail_nomem(&s->error) : sp_duckdb_run(s->conn, sql.data, &s->error);
    sp_buf_done(&sql);
    pthread_mutex_lock(&s->lock);
    s->rc = rc;
    s->over = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int fail_as_writer(const parquet_sink *s, spate_error *err)
{
    if (s->rc == SPATE_OK) /* it cannot end by itself, but for an error */
        return sp_fail(err, SPATE_E_BUG, "DuckDB has ended \"%s\" before its rows", s->file.written_as);
    if (err)
        *err = s->error;
    return s->rc;
}

static int give(parquet_sink *s, const sp_batch *batch, spate_error *err)
{
    pthread_mutex_lock(&s->lock);
    s->given = s->over ? NULL : batch;
    pthread_cond_broadcast(&s->changed);
    while (s->given && !s->over)
        pthread_cond_wait(&s->changed, &s->lock);
    s->given = NULL;
    bool over = s->over;
    pthread_mutex_unlock(&s->lock);
    return over ? fail_as_writer(s, err) : SPATE_OK;
}

static void end_writer(parquet_sink *s, bool complete)
{
    if (!s->running)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopped = !complete;
    s->ended = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->writer, NULL);
    s->running = false;
}

/* ---- prepare -------------------------------------------------------------------------------------- */

static int check_tables(const parquet_sink *s, uint32_t n_tables, spate_error *err)
{
    const sp_sink_options *o = &s->base.options;
    const char *word = o->create ? "--create" : o->mode != SP_INSERT_DEFAULT ? "--insert-mode" : NULL;
    if (word)
        return sp_fail(err, SPATE_E_USAGE, "%s means nothing for parquet", word);
    if (n_tables != 1) {
        sp_fail(err, SPATE_E_USAGE, "one parquet file takes one table, and there are %u", n_tables);
        sp_error_hint(err, "choose one with --table");
        return SPATE_E_USAGE;
    }
    if (o->truncate || !sp_os_exists(s->file.path))
        return SPATE_OK;
    sp_fail(err, SPATE_E_USAGE, "file \"%s\" exists already", s->file.path);
    sp_error_hint(err, "--truncate replaces it");
    return SPATE_E_USAGE;
}

static int choose_columns(parquet_sink *s, spate_error *err)
{
    uint32_t n = s->schema->n_fields;
    s->columns = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->columns));
    if (!s->columns || !sp_sink_make_room(&s->base, &s->arena, 1))
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        if (!sp_duckdb_column_natural(&s->columns[i], &s->schema->fields[i].type, &s->arena))
            return sp_fail(err, SPATE_E_USAGE, "table \"%s\": DuckDB, which writes the file, has no type for column \"%s\"",
                           s->schema->table, s->schema->fields[i].name);
    uint64_t rows = SP_MAX(CHUNK_BYTES / (uint64_t)sp_schema_row_bytes(s->schema), (uint64_t)1);
    s->base.chunk_rows[0] = s->base.options.batch_rows ? s->base.options.batch_rows : sp_whole_batches(rows);
    return SPATE_OK;
}

static int start_writer(parquet_sink *s, spate_error *err)
{
    sp_duckdb_function fn = {.name = "spate_rows", .extra = s, .bind = on_bind, .init = on_init, .rows = on_rows};
    int rc = sp_output_create(&s->file, err);
    if (rc == SPATE_OK)
        rc = sp_output_close(&s->file, err); /* DuckDB opens it by its name, and locks it */
    if (rc == SPATE_OK)
        rc = sp_duckdb_add_function(s->conn, &fn, err);
    if (rc == SPATE_OK && pthread_create(&s->writer, NULL, write_file, s) != 0)
        rc = sp_fail(err, SPATE_E_IO, "could not start a thread");
    s->begun = s->running = rc == SPATE_OK;
    return rc;
}

static int prepare(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, spate_error *err)
{
    parquet_sink *s = (parquet_sink *)sink;
    int rc = check_tables(s, n_tables, err);
    if (rc != SPATE_OK)
        return rc;
    s->schema = tables[0];
    rc = choose_columns(s, err);
    return rc == SPATE_OK && !sink->options.dry_run ? start_writer(s, err) : rc;
}

/* ---- lanes ---------------------------------------------------------------------------------------- */

static int lane_open(sp_sink *sink, sp_lane **lane, spate_error *err)
{
    parquet_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = sink;
    *lane = &l->base;
    return SPATE_OK;
}

static int begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    (void)chunk;
    (void)err;
    ((parquet_lane *)lane)->n = 0;
    return SPATE_OK;
}

static sp_batch *next_batch(parquet_lane *l, spate_error *err)
{
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? 2 * l->cap : 8;
        sp_batch *grown = sp_realloc(l->batches, cap * sizeof(*grown));
        if (!grown) {
            (void)!sp_fail_nomem(err);
            return NULL;
        }
        l->batches = grown;
        l->cap = cap;
    }
    sp_batch *b = &l->batches[l->n];
    if (l->n < l->n_made)
        sp_batch_reset(b);
    else if (sp_batch_init(b, ((parquet_sink *)l->base.sink)->schema, err) == SPATE_OK)
        l->n_made++;
    else
        return NULL;
    l->n++;
    return b;
}

static int lane_write(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    if (batch->rows == 0) /* to DuckDB that would be the end */
        return SPATE_OK;
    sp_batch *own = next_batch((parquet_lane *)lane, err);
    if (!own)
        return SPATE_E_NOMEM;
    return sp_batch_append(own, batch, 0, batch->rows) ? sp_fail_nomem(err) : SPATE_OK;
}

static int commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    parquet_lane *l = (parquet_lane *)lane;
    int rc = SPATE_OK;
    (void)chunk;
    (void)rows;
    for (uint32_t i = 0; i < l->n && rc == SPATE_OK; i++)
        rc = give((parquet_sink *)lane->sink, &l->batches[i], err);
    l->n = 0;
    return rc;
}

static void rollback(sp_lane *lane)
{
    ((parquet_lane *)lane)->n = 0;
}

static void lane_close(sp_lane *lane)
{
    parquet_lane *l = (parquet_lane *)lane;
    for (uint32_t i = 0; i < l->n_made; i++)
        sp_batch_done(&l->batches[i]);
    sp_free(l->batches);
    sp_free(l);
}

/* ---- the end -------------------------------------------------------------------------------------- */

static int publish(parquet_sink *s, spate_error *err)
{
    uint64_t size = 0;
    int fd, rc = sp_os_open_input(s->file.written_as, &fd, err);
    if (rc != SPATE_OK)
        return rc;
    rc = sp_os_size(fd, s->file.written_as, &size, err);
    (void)!sp_os_close(&fd, NULL, NULL);
    if (rc == SPATE_OK)
        rc = sp_output_reopen(&s->file, size, err);
    if (rc == SPATE_OK)
        rc = sp_output_publish(&s->file, err);
    sp_sink_wrote(&s->base, 0, size);
    return rc;
}

static int table_done(sp_sink *sink, uint32_t table, spate_error *err)
{
    parquet_sink *s = (parquet_sink *)sink;
    (void)table;
    end_writer(s, true);
    int rc = s->rc == SPATE_OK ? publish(s, err) : fail_as_writer(s, err);
    s->published = rc == SPATE_OK;
    return rc;
}

static int finish(sp_sink *sink, bool complete, spate_error *err)
{
    parquet_sink *s = (parquet_sink *)sink;
    (void)complete; /* then it has been published */
    end_writer(s, false);
    return s->begun && !s->published ? sp_os_unlink(s->file.written_as, err) : SPATE_OK;
}

static void sink_close(sp_sink *sink)
{
    parquet_sink *s = (parquet_sink *)sink;
    end_writer(s, false);
    for (uint32_t i = 0; s->columns && i < s->schema->n_fields; i++)
        sp_duckdb_column_done(&s->columns[i]);
    if (s->conn)
        sp_duckdb.disconnect(&s->conn);
    if (s->db)
        sp_duckdb.close(&s->db);
    (void)!sp_output_close(&s->file, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    sp_arena_done(&s->arena);
    sp_free(s);
}

/* ---- opening -------------------------------------------------------------------------------------- */

static const sp_sink_ops ops = {
    .prepare = prepare,
    .lane_open = lane_open,
    .begin = begin,
    .write = lane_write,
    .commit = commit,
    .rollback = rollback,
    .lane_close = lane_close,
    .table_done = table_done,
    .finish = finish,
    .close = sink_close,
};

static int read_pack(sp_uri *uri, const char **pack, spate_error *err)
{
    static const char *const words[][2] = {
        {"zstd", "zstd"}, {"snappy", "snappy"}, {"gzip", "gzip"}, {"none", "uncompressed"}};
    const char *word = sp_uri_param_value(uri, "pack");
    for (size_t i = 0; i < SP_COUNT(words); i++)
        if (!word || strcmp(word, words[i][0]) == 0) {
            *pack = words[i][1];
            return SPATE_OK;
        }
    return sp_fail(err, SPATE_E_USAGE, "pack cannot be \"%s\"; it is zstd, snappy, gzip or none", word);
}

static int open_all(parquet_sink *s, sp_uri *uri, spate_error *err)
{
    int rc = read_pack(uri, &s->pack, err);
    if (rc != SPATE_OK)
        return rc;
    const char *path = sp_arena_strndup(&s->arena, uri->path, strlen(uri->path));
    path = sp_output_name(&s->arena, path, &s->base.options);
    s->base.shown = path ? sp_uri_shown(path, &s->arena) : NULL;
    rc = s->base.shown ? sp_output_init(&s->file, &s->arena, path, false, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK && s->file.direct)
        return sp_fail(err, SPATE_E_USAGE, "a Parquet file has to be a file, which \"%s\" is not", path);
    if (rc == SPATE_OK)
        rc = sp_duckdb_open(":memory:", false, 1, &s->db, err);
    if (rc == SPATE_OK && sp_duckdb.connect(s->db, &s->conn) == DuckDBError)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "could not connect to a database in memory");
    return rc == SPATE_OK ? sp_duckdb_run(s->conn, "SET TimeZone = 'UTC'", err) : rc;
}

static int sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    parquet_sink *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->file.fd = -1;
    s->base.ops = &ops;
    s->base.options = *options;
    s->base.order = SP_ORDER_TABLE;
    s->base.keeps_nothing = true;
    int rc = open_all(s, uri, err);
    if (rc == SPATE_OK)
        *sink = &s->base;
    else
        sink_close(&s->base);
    return rc;
}

const sp_endpoint sp_endpoint_parquet = {
    .schemes = {"parquet"},
    .params = "table, pack",
    .sink_open = sink_open,
    .source_open = sp_duckdb_source_open,
    .conditions = true,
};
