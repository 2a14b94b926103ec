/* sqlite_lane.c - rows by INSERT: a transaction a chunk, up to 128 rows a statement. */
#include "endpoint/sqlite_cells.h"
#include "endpoint/sqlite_sink.h"

enum {
    STATEMENT_ROWS_MAX = 128, /* a power of two: a full batch divides into statements */
    STATEMENT_SIZES = 8,      /* 1, 2, 4 ... 128 */
};

typedef struct sqlite_lane {
    sp_lane base;
    const sp_sqlite_table *table; /* whose statements these are */
    uint32_t table_number;
    sqlite3_stmt *statements[STATEMENT_SIZES]; /* of 2^i rows, prepared when first needed */
    sp_buf made;                               /* text made for the cells of one statement */
    sp_buf list;
    bool in_chunk;
} sqlite_lane;

static sp_sqlite_sink *self_of(sp_sink *s)
{
    return (sp_sqlite_sink *)s;
}

static uint32_t power_of_two_below(uint32_t n)
{
    uint32_t power = 1;
    while (2 * power <= n)
        power *= 2;
    return power;
}

void sp_sqlite_size_statements(sp_sqlite_sink *s)
{
    const sp_sink_options *o = &s->base.options;
    uint32_t variables = (uint32_t)sp_sqlite.limit(s->db, SQLITE_LIMIT_VARIABLE_NUMBER, -1);
    bool asked = o->batch_rows && o->mode != SP_INSERT_DEFAULT && o->mode != SP_INSERT_COPY;
    for (uint32_t i = 0; i < s->n_tables; i++) {
        sp_sqlite_table *t = &s->tables[i];
        uint32_t fit = variables / SP_MAX(t->schema->n_fields, 1u),
                 rows = SP_MAX(SP_MIN(fit, (uint32_t)STATEMENT_ROWS_MAX), 1u);
        t->statement_rows = power_of_two_below(asked ? (uint32_t)SP_MIN(o->batch_rows, (uint64_t)rows) : rows);
    }
}

static void close_statements(sqlite_lane *l)
{
    for (int i = 0; i < STATEMENT_SIZES; i++) {
        sp_sqlite.finalize(l->statements[i]);
        l->statements[i] = NULL;
    }
}

static int add_tuples(sp_buf *sql, uint32_t columns, uint32_t rows)
{
    int rc = SPATE_OK;
    for (uint32_t r = 0; r < rows && rc == SPATE_OK; r++) {
        rc = sp_buf_adds(sql, r ? ",(?" : " (?");
        for (uint32_t c = 1; c < columns && rc == SPATE_OK; c++)
            rc = sp_buf_adds(sql, ",?");
        if (rc == SPATE_OK)
            rc = sp_buf_adds(sql, ")");
    }
    return rc;
}

static int prepare_statement(sqlite_lane *l, int size, spate_error *err)
{
    const sp_schema *schema = l->table->schema;
    sp_sqlite_sink *s = self_of(l->base.sink);
    sp_buf sql;
    sp_buf_init(&sql);
    int rc = sp_sql_insert_head(&sql, schema) || add_tuples(&sql, schema->n_fields, 1u << size) ||
             (s->base.options.mode == SP_INSERT_UPSERT && sp_sql_on_conflict(&sql, schema)) ||
             (s->base.options.mode == SP_INSERT_SKIP && sp_buf_adds(&sql, "ON CONFLICT DO NOTHING")) ||
             sp_buf_add(&sql, "", 1);
    if (rc)
        rc = sp_fail_nomem(err);
    else if (sp_sqlite.prepare_v2(s->db, sql.data, -1, &l->statements[size], NULL) != SQLITE_OK)
        rc = sp_sqlite_fail(err, s->db, s->path);
    sp_buf_done(&sql);
    return rc;
}

int sp_sqlite_lane_open(sp_sink *s, sp_lane **lane, spate_error *err)
{
    sqlite_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = s;
    sp_buf_init(&l->made);
    sp_buf_init(&l->list);
    *lane = &l->base;
    return SPATE_OK;
}

int sp_sqlite_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    sp_sqlite_sink *s = self_of(lane->sink);
    const sp_sqlite_table *t = &s->tables[chunk->table];
    SP_ASSERT(!l->in_chunk);
    if (l->table != t)
        close_statements(l);
    l->table = t;
    l->table_number = chunk->table;
    /* Deferred to the COMMIT: rows of a table may refer to later rows of the same chunk. A careful lane wants to hear of it at once. */
    int rc = sp_sqlite_do(
        s, lane->careful ? "BEGIN IMMEDIATE; SAVEPOINT spate" : "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON", err);
    l->in_chunk = rc == SPATE_OK;
    return rc;
}

/* Inserts rows [from, from + 2^size) in one statement. */
static int write_statement(sqlite_lane *l, const sp_batch *batch, uint32_t from, int size, spate_error *err)
{
    if (!l->statements[size]) {
        int rc = prepare_statement(l, size, err);
        if (rc != SPATE_OK)
            return rc;
    }
    sqlite3_stmt *statement = l->statements[size];
    uint32_t rows = 1u << size, columns = batch->schema->n_fields;
    if (sp_buf_reserve(&l->made, (size_t)rows * columns * SP_SQLITE_SCRATCH)) /* all at once: it must not move */
        return sp_fail_nomem(err);
    char *made = l->made.data;
    for (uint32_t c = 0; c < columns; c++) {
        sp_sqlite_cells cells = {statement, &batch->columns[c], l->table->targets[c], from, rows, c + 1, columns};
        int rc = sp_sqlite_bind(&cells, &made, &l->list, err);
        if (rc != SPATE_OK)
            return sp_fail_context(err, rc, "column \"%s\"", batch->schema->fields[c].name);
    }
    int step = sp_sqlite.step(statement);
    int rc =
        step == SQLITE_DONE ? SPATE_OK : sp_sqlite_fail(err, self_of(l->base.sink)->db, self_of(l->base.sink)->path);
    sp_sqlite.reset(statement);
    return rc;
}

int sp_sqlite_write(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    uint32_t most = l->table->statement_rows;
    for (uint32_t at = 0; at < batch->rows;) {
        uint32_t rows = power_of_two_below(SP_MIN(batch->rows - at, most));
        int rc = write_statement(l, batch, at, __builtin_ctz(rows), err);
        if (rc != SPATE_OK)
            return rc;
        at += rows;
    }
    uint64_t bytes = 0;
    for (uint32_t c = 0; c < batch->schema->n_fields; c++)
        bytes += batch->columns[c].offsets
                     ? (uint64_t)batch->columns[c].offsets[batch->rows]
                     : (uint64_t)batch->rows * SP_MAX(sp_kind_width(batch->columns[c].type.kind), 1u);
    sp_sink_wrote(lane->sink, l->table_number, bytes);
    return SPATE_OK;
}

int sp_sqlite_check(sp_lane *lane, spate_error *err)
{
    return sp_sqlite_do(self_of(lane->sink), "RELEASE spate; SAVEPOINT spate", err);
}

int sp_sqlite_undo(sp_lane *lane, spate_error *err)
{
    return sp_sqlite_do(self_of(lane->sink), "ROLLBACK TO spate", err);
}

void sp_sqlite_rollback(sp_lane *lane)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    close_statements(l);
    if (l->in_chunk) /* fails when SQLite has rolled back by itself: full disk, no memory */
        (void)!sp_sqlite_do(self_of(lane->sink), "ROLLBACK", NULL);
    l->in_chunk = false;
}

int sp_sqlite_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    sp_sqlite_sink *s = self_of(lane->sink);
    sp_buf sql = {0};
    int rc = !s->memory.job                                           ? SPATE_OK
             : sp_job_chunk_sql(&s->memory, chunk, rows, false, &sql) ? sp_fail_nomem(err)
                                                                      : sp_sqlite_do(s, sql.data, err);
    sp_buf_done(&sql);
    if (rc == SPATE_OK)
        rc = sp_sqlite_do(s, "COMMIT", err);
    if (rc != SPATE_OK)
        sp_sqlite_rollback(lane);
    l->in_chunk = false;
    return rc;
}

void sp_sqlite_lane_close(sp_lane *lane)
{
    sqlite_lane *l = (sqlite_lane *)lane;
    if (!l)
        return;
    sp_sqlite_rollback(lane);
    sp_buf_done(&l->made);
    sp_buf_done(&l->list);
    sp_free(l);
}
