/* duckdb_lane.c - one connection that appends chunks, each a transaction.
 *
 * A lane keeps one table open: an appender, and one data chunk whose vectors are written over and
 * over and never reset, so their memory can be lent. DuckDB copies the chunk when it is appended.
 * Rows go to DuckDB in flushes of at most a row group, which keeps a lane's memory bounded whatever
 * the chunk is.
 *
 *      idle --begin--> open --write...--> open --commit--> idle
 *                       +----------------rollback----------^
 */
#include "endpoint/duckdb_sink.h"

typedef struct duckdb_lane {
    sp_lane base;
    duckdb_connection conn;
    const sp_duckdb_table *table; /* that is open, or NULL */
    uint32_t table_number;
    duckdb_appender appender;
    duckdb_data_chunk rows;
    uint32_t unflushed;
    const sp_batch *tried; /* of a careful lane: what was written last */
    bool in_chunk;
} duckdb_lane;

static sp_duckdb_sink *sink_of(const duckdb_lane *l)
{
    return (sp_duckdb_sink *)l->base.sink;
}

static int fail_appender(duckdb_lane *l, spate_error *err)
{
    duckdb_error_data data = sp_duckdb.appender_error_data(l->appender);
    const char *message = sp_duckdb.error_data_message(data);
    int rc = sp_duckdb_fail(err, sp_duckdb.error_data_error_type(data), message);
    if (l->base.careful && l->tried && rc == SPATE_E_DATA)
        l->base.refused = sp_duckdb_blame(l->tried, message);
    sp_duckdb.destroy_error_data(&data);
    return rc;
}

/* Destroying an appender flushes it: call this before the transaction ends that the rows must go
 * down with. */
static void close_table(duckdb_lane *l)
{
    if (l->appender)
        sp_duckdb.appender_destroy(&l->appender);
    if (l->rows)
        sp_duckdb.destroy_data_chunk(&l->rows);
    l->table = NULL;
    l->unflushed = 0;
}

static int open_table(duckdb_lane *l, uint32_t number, spate_error *err)
{
    const sp_duckdb_table *t = &sink_of(l)->tables[number];
    idx_t n = t->schema->n_fields;
    if (l->table == t)
        return SPATE_OK;
    close_table(l);
    if (sp_duckdb.appender_create_query(l->conn, t->insert, n, t->types, "spate_rows", t->names, &l->appender) ==
        DuckDBError)
        return l->appender ? fail_appender(l, err) : sp_fail_nomem(err);
    l->rows = sp_duckdb.create_data_chunk(t->types, n);
    if (!l->rows)
        return sp_fail_nomem(err);
    l->table = t;
    l->table_number = number;
    return SPATE_OK;
}

int sp_duckdb_lane_open(sp_sink *s, sp_lane **lane, spate_error *err)
{
    duckdb_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = s;
    if (sp_duckdb.connect(sink_of(l)->db, &l->conn) == DuckDBError) {
        sp_free(l);
        return sp_fail(err, SPATE_E_UNREACHABLE, "could not connect to \"%s\"", s->shown);
    }
    /* Casts of text to timestamptz read a text without a zone as UTC, on every machine. */
    int rc = sp_duckdb_run(l->conn, "SET TimeZone = 'UTC'", err);
    if (rc != SPATE_OK) {
        sp_duckdb_lane_close(&l->base);
        return rc;
    }
    *lane = &l->base;
    return SPATE_OK;
}

/* The INSERT of a flush is planned anew each time. Optimized, it reads the rows where they lie instead of copying them once more; of a
 * careful lane, which flushes a few rows at a time, planning costs more than copying. */
int sp_duckdb_lane_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    duckdb_lane *l = (duckdb_lane *)lane;
    SP_ASSERT(!l->in_chunk);
    int rc = open_table(l, chunk->table, err);
    if (rc == SPATE_OK)
        rc = sp_duckdb_run(l->conn,
                           lane->careful ? "PRAGMA disable_optimizer; BEGIN TRANSACTION"
                                         : "PRAGMA enable_optimizer; BEGIN TRANSACTION",
                           err);
    l->in_chunk = rc == SPATE_OK;
    return rc;
}

int sp_duckdb_lane_lend(sp_lane *lane, sp_batch *batch, spate_error *err)
{
    duckdb_lane *l = (duckdb_lane *)lane;
    for (uint32_t i = 0; i < l->table->schema->n_fields; i++)
        if (l->table->columns[i].form == SP_DUCKDB_SAME)
            batch->columns[i].data = sp_duckdb.vector_get_data(sp_duckdb.data_chunk_get_vector(l->rows, i));
    return SPATE_OK;
}

static uint64_t cells_bytes(const sp_column *c, uint32_t rows)
{
    if (c->type.kind == SP_LIST)
        return 8 * rows + cells_bytes(c->child, (uint32_t)c->offsets[rows]);
    if (c->offsets)
        return (uint64_t)(c->offsets[rows] - c->offsets[0]);
    return c->type.kind == SP_BOOL ? rows : (uint64_t)rows * sp_kind_width(c->type.kind);
}

static int flush(duckdb_lane *l, spate_error *err)
{
    if (l->unflushed == 0)
        return SPATE_OK;
    l->unflushed = 0;
    return sp_duckdb.appender_flush(l->appender) == DuckDBError ? fail_appender(l, err) : SPATE_OK;
}

int sp_duckdb_lane_write(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    duckdb_lane *l = (duckdb_lane *)lane;
    const sp_schema *schema = l->table->schema;
    uint64_t bytes = 0;
    l->tried = batch;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        int rc = sp_duckdb_fill(&l->table->columns[i], &batch->columns[i], batch->rows,
                                sp_duckdb.data_chunk_get_vector(l->rows, i), err);
        if (rc != SPATE_OK)
            return sp_fail_context(err, rc, "column \"%s\"", schema->fields[i].name);
        bytes += cells_bytes(&batch->columns[i], batch->rows);
    }
    sp_duckdb.data_chunk_set_size(l->rows, batch->rows);
    if (sp_duckdb.append_data_chunk(l->appender, l->rows) == DuckDBError)
        return fail_appender(l, err);
    l->unflushed += batch->rows;
    sp_sink_wrote(l->base.sink, l->table_number, bytes);
    return l->unflushed >= l->table->flush_rows ? flush(l, err) : SPATE_OK;
}

/* Keys and conditions are looked at when rows are flushed. What fails then has ended the transaction: there is no undo. */
int sp_duckdb_lane_check(sp_lane *lane, spate_error *err)
{
    duckdb_lane *l = (duckdb_lane *)lane;
    int rc = flush(l, err);
    l->tried = NULL;
    return rc;
}

static int remember(duckdb_lane *l, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    const sp_job_memory *memory = &sink_of(l)->memory;
    if (!memory->job)
        return SPATE_OK;
    sp_buf sql = {0};
    int rc =
        sp_job_chunk_sql(memory, chunk, rows, false, &sql) ? sp_fail_nomem(err) : sp_duckdb_run(l->conn, sql.data, err);
    sp_buf_done(&sql);
    return rc;
}

int sp_duckdb_lane_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    duckdb_lane *l = (duckdb_lane *)lane;
    int rc = flush(l, err);
    if (rc == SPATE_OK)
        rc = remember(l, chunk, rows, err);
    if (rc == SPATE_OK)
        rc = sp_duckdb_run(l->conn, "COMMIT", err);
    if (rc != SPATE_OK)
        sp_duckdb_lane_rollback(lane);
    l->in_chunk = false;
    return rc;
}

void sp_duckdb_lane_rollback(sp_lane *lane)
{
    duckdb_lane *l = (duckdb_lane *)lane;
    close_table(l);
    if (l->in_chunk) /* fails when a failed COMMIT has ended the transaction already */
        (void)!sp_duckdb_run(l->conn, "ROLLBACK", NULL);
    l->in_chunk = false;
}

void sp_duckdb_lane_close(sp_lane *lane)
{
    duckdb_lane *l = (duckdb_lane *)lane;
    if (!l)
        return;
    sp_duckdb_lane_rollback(lane);
    if (l->conn)
        sp_duckdb.disconnect(&l->conn);
    sp_free(l);
}
