/* postgres_lane.c - one connection, and the chunk that goes through it.
 *
 * A chunk is one transaction: a COPY (binary wherever every column has a binary form), or a
 * pipeline of multi-row statements between BEGIN and COMMIT. Nothing here is tried again: flow
 * makes the chunk's rows anew if the failure was transient.
 *
 *           begin            write...           commit
 *     IDLE -------> COPYING -------> COPYING ---------> IDLE     rollback: to IDLE from anywhere;
 *     IDLE -------> PIPED   -------> PIPED   ---------> IDLE     begin mends a lost connection
 *
 * A careful lane has a savepoint: begin, check and undo leave it SAVED, and write goes from there to COPYING or PIPED. */
#include "endpoint/postgres.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* A message of COPY: 8 to 256 KiB measured equal, single rows three times dearer. */
enum { PIECE_BYTES = 64 << 10 };

typedef enum state { IDLE, COPYING, PIPED, SAVED } state;

typedef struct pg_lane {
    sp_lane base;
    PGconn *conn;
    state state;
    sp_chunk chunk;
    sp_pg_table *table;
    sp_buf rows;    /* encoded: of the batch at hand (COPYING), of the statement at hand (PIPED) */
    sp_buf job_sql; /* with a job: what remembers the chunk at hand, and COMMIT */
    /* of the chunk's rows, as the server counts them: without those that a trigger, a rule or a key there kept out */
    uint64_t kept;
    uint64_t checked; /* of those, at the savepoint */

    /* PIPED */
    uint32_t have;       /* rows in rows */
    uint32_t statements; /* sent since BEGIN */
    bool *prepared;      /* a table: its full statement is known to the server */
    size_t *at;          /* text parameters: where in rows each begins; SIZE_MAX: NULL */
    const char **values;
    int *lengths, *formats;
    Oid *types;
} pg_lane;

static pg_lane *lane_of(sp_lane *l)
{
    return (pg_lane *)l;
}

static sp_pg_sink *sink_of(sp_sink *s)
{
    return (sp_pg_sink *)s;
}

static sp_pg_sink *sink_of_lane(const pg_lane *l)
{
    return sink_of(l->base.sink);
}

/* ---- lanes ----------------------------------------------------------------------------------- */

void sp_pg_lane_close(sp_lane *lane)
{
    pg_lane *l = lane_of(lane);
    if (l->conn)
        sp_pq.finish(l->conn);
    sp_buf_done(&l->rows);
    sp_buf_done(&l->job_sql);
    sp_free(l->prepared);
    sp_free(l->at);
    sp_free(l->values);
    sp_free(l->lengths);
    sp_free(l->formats);
    sp_free(l->types);
    sp_free(l);
}

static bool lane_parameters(pg_lane *l)
{
    size_t n = 0;
    for (uint32_t i = 0; i < sink_of_lane(l)->n_tables; i++) {
        const sp_pg_table *t = &sink_of_lane(l)->tables[i];
        n = SP_MAX(n, (size_t)t->statement_rows * t->schema->n_fields);
    }
    l->prepared = sp_alloc_zero(sink_of_lane(l)->n_tables, sizeof(*l->prepared));
    l->at = sp_alloc_zero(n, sizeof(*l->at));
    l->values = sp_alloc_zero(n, sizeof(*l->values));
    l->lengths = sp_alloc_zero(n, sizeof(*l->lengths));
    l->formats = sp_alloc_zero(n, sizeof(*l->formats));
    l->types = sp_alloc_zero(n, sizeof(*l->types));
    return l->prepared && l->at && l->values && l->lengths && l->formats && l->types;
}

int sp_pg_lane_open(sp_sink *sink, sp_lane **lane, spate_error *err)
{
    pg_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = sink;
    sp_buf_init(&l->rows);
    int status = sp_pg_copies(sink_of(sink)) || lane_parameters(l) ? SPATE_OK : sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = sp_pg_connect(&sink_of(sink)->server, true, &l->conn, err);
    if (status)
        sp_pg_lane_close(&l->base);
    else
        *lane = &l->base;
    return status;
}

/* ---- failures of a chunk --------------------------------------------------------------------- */

static bool lost(const pg_lane *l)
{
    return sp_pq.status(l->conn) != CONNECTION_OK;
}

/* The server's last words arrive before libpq notices that nobody is there any more. */
static bool last_words(const PGresult *res)
{
    const char *severity = res ? sp_pq.result_field(res, PG_DIAG_SEVERITY_NONLOCALIZED) : NULL;
    return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

/* "COPY users, line 12, column age": the digits behind the table's name, whatever the language.
 * 0: it says no line. */
static uint64_t line_of(const pg_lane *l, const PGresult *res)
{
    const char *context = res ? sp_pq.result_field(res, PG_DIAG_CONTEXT) : NULL;
    const char *at = context ? strstr(context, "COPY ") : NULL;
    size_t name = strlen(l->table->name);
    if (!at || strncmp(at + 5, l->table->name, name) != 0)
        return 0;
    at += 5 + name;
    at += strcspn(at, "0123456789\n");
    return strtoull(at, NULL, 10);
}

/* Says which row it was, when the server does, or which rows if those are fewer than the
 * chunk's: the caller names the chunk. */
static int fail_rows(pg_lane *l, const PGresult *res, uint64_t first, uint64_t last, spate_error *err)
{
    uint64_t line = line_of(l, res);
    char where[64] = "";
    l->base.refused = line;
    if (l->base.careful) /* the rows are known to whoever writes so few of them */
        return sp_pg_fail(err, l->conn, res, "%s", where);
    if (line && line <= last - first)
        snprintf(where, sizeof(where), "row %llu", (unsigned long long)(first + line));
    else if (last - first < l->chunk.last - l->chunk.first)
        snprintf(where, sizeof(where), "rows %llu to %llu", (unsigned long long)(first + 1), (unsigned long long)last);
    return sp_pg_fail(err, l->conn, res, "%s", where);
}

/* The connection is gone. committing: the server may have committed before it fell silent; if it
 * said why it hung up, it has not. */
static int fail_lost(const pg_lane *l, const PGresult *res, bool committing, spate_error *err)
{
    int status = sp_pg_fail(err, l->conn, res, "connection lost");
    if (!err)
        return status;
    char said[SPATE_DETAIL_MAX];
    memcpy(said, err->detail, sizeof(said));
    bool unknown = committing && !*err->sqlstate;
    sp_error_detail(err, "%s%s%s",
                    unknown ? "whether these rows were committed is not known" : "these rows were not committed",
                    *said ? "\n" : "", said);
    return status;
}

static int fail_chunk(pg_lane *l, const PGresult *res, bool committing, spate_error *err)
{
    if (lost(l) || last_words(res))
        return fail_lost(l, res, committing, err);
    return fail_rows(l, res, l->chunk.first, l->chunk.last, err);
}

/* ---- COPY ------------------------------------------------------------------------------------ */

static uint64_t rows_kept(PGresult *res)
{
    return res ? strtoull(sp_pq.cmd_tuples(res), NULL, 10) : 0;
}

/* Takes results until there are none. The first failure is told. */
static int drain(pg_lane *l, bool committing, spate_error *err)
{
    int status = SPATE_OK;
    bool answered = false;
    for (PGresult *res; (res = sp_pq.get_result(l->conn)); sp_pq.clear(res)) {
        ExecStatusType got = sp_pq.result_status(res);
        l->kept += rows_kept(res);
        answered |= got == PGRES_COMMAND_OK;
        if (got != PGRES_COMMAND_OK && status == SPATE_OK)
            status = fail_chunk(l, res, committing, err);
        if (got == PGRES_COPY_IN)
            break;
    }
    if (status == SPATE_OK && !answered)
        status = fail_lost(l, NULL, committing, err);
    return status;
}

static int send_rows(pg_lane *l, spate_error *err)
{
    for (size_t at = 0; at < l->rows.len; at += PIECE_BYTES) {
        size_t len = SP_MIN(l->rows.len - at, (size_t)PIECE_BYTES);
        if (sp_pq.put_copy_data(l->conn, l->rows.data + at, (int)len) == 1)
            continue;
        if (lost(l)) /* libpq looks for the server's last words only when no COPY is under way */
            (void)!sp_pq.put_copy_end(l->conn, "the chunk was given up");
        int status = drain(l, false, err);
        return status ? status : fail_lost(l, NULL, false, err);
    }
    sp_sink_wrote(l->base.sink, l->chunk.table, l->rows.len);
    l->rows.len = 0;
    return SPATE_OK;
}

/* exec gives the last result: of "BEGIN; COPY ...", the COPY's. */
static int copy_begin(pg_lane *l, const char *copy_sql, spate_error *err)
{
    PGresult *res = sp_pq.exec(l->conn, copy_sql);
    int status = SPATE_OK;
    if (sp_pq.result_status(res) != PGRES_COPY_IN)
        status = fail_chunk(l, res, false, err);
    sp_pq.clear(res);
    if (status)
        return status;
    l->state = COPYING;
    l->rows.len = 0;
    return l->table->binary && sp_pgbinary_header(&l->rows) ? sp_fail_nomem(err) : SPATE_OK;
}

static int copy_write(pg_lane *l, const sp_batch *batch, spate_error *err)
{
    int status;
    if (l->table->binary)
        status = sp_pgbinary_encode(l->table->binary, batch, 0, batch->rows, &l->rows, err);
    else if ((status = sp_rowtext_encode(l->table->text, batch, 0, batch->rows, &l->rows)))
        sp_fail_nomem(err);
    return status ? status : send_rows(l, err);
}

static int run(pg_lane *l, const char *sql, bool committing, spate_error *err)
{
    PGresult *res = sp_pq.exec(l->conn, sql);
    int status = sp_pq.result_status(res) == PGRES_COMMAND_OK ? SPATE_OK : fail_chunk(l, res, committing, err);
    sp_pq.clear(res);
    return status;
}

static int copy_end(pg_lane *l, bool committing, spate_error *err)
{
    if (l->table->binary && sp_pgbinary_trailer(&l->rows))
        return sp_fail_nomem(err);
    int status = send_rows(l, err);
    if (status)
        return status;
    if (sp_pq.put_copy_end(l->conn, NULL) != 1)
        return drain(l, false, err) ? err ? (int)err->status : SPATE_E_UNREACHABLE : fail_lost(l, NULL, false, err);
    return drain(l, committing, err);
}

/* A COPY alone commits itself; of a job, what remembers the chunk stands behind it. */
static int copy_commit(pg_lane *l, spate_error *err)
{
    bool job = sink_of_lane(l)->memory.job;
    int status = copy_end(l, !job, err);
    if (status == SPATE_OK && job)
        status = run(l, sp_pg_string(&l->job_sql), true, err);
    if (status == SPATE_OK)
        l->state = IDLE;
    return status;
}

static void end_transaction(pg_lane *l)
{
    if (!lost(l) && sp_pq.transaction_status(l->conn) != PQTRANS_IDLE)
        sp_pq.clear(sp_pq.exec(l->conn, "ROLLBACK"));
}

static void copy_abort(pg_lane *l)
{
    if (!lost(l))
        sp_pq.put_copy_end(l->conn, "the chunk was given up");
    for (PGresult *res; (res = sp_pq.get_result(l->conn));) {
        bool still = sp_pq.result_status(res) == PGRES_COPY_IN;
        sp_pq.clear(res);
        if (still && sp_pq.put_copy_end(l->conn, "the chunk was given up") != 1)
            break;
    }
}

/* ---- statements ------------------------------------------------------------------------------ */

/* head ($1, $2), ($3, $4), ... tail */
static int build_statement(const sp_pg_table *t, uint32_t rows, sp_buf *sql)
{
    uint32_t n = t->schema->n_fields, parameter = 1;
    int built = sp_buf_adds(sql, t->insert_head);
    for (uint32_t row = 0; row < rows && !built; row++) {
        for (uint32_t i = 0; i < n && !built; i++)
            built = sp_buf_printf(sql, "%s$%u", i ? ", " : row ? ", (" : "(", parameter++);
        built = built || sp_buf_adds(sql, ")");
    }
    return built || sp_buf_adds(sql, t->insert_tail);
}

static uint32_t parameters(const pg_lane *l)
{
    return l->have * l->table->schema->n_fields;
}

/* The tuples that the encoder wrote are read back as what they are: a count, then (length,
 * bytes) for each parameter. */
static void point_at_binary(pg_lane *l)
{
    const char *p = l->rows.data;
    uint32_t n = l->table->schema->n_fields, k = 0;
    for (uint32_t row = 0; row < l->have; row++) {
        p += 2;
        for (uint32_t i = 0; i < n; i++, k++) {
            uint32_t len;
            memcpy(&len, p, 4);
            len = __builtin_bswap32(len);
            p += 4;
            l->values[k] = len == UINT32_MAX ? NULL : p;
            l->lengths[k] = len == UINT32_MAX ? 0 : (int)len;
            p += l->lengths[k];
        }
    }
}

static void point_at_text(pg_lane *l)
{
    for (uint32_t k = 0; k < parameters(l); k++) {
        l->values[k] = l->at[k] == SIZE_MAX ? NULL : l->rows.data + l->at[k];
        l->lengths[k] = 0;
    }
}

/* Types are told to the server for binary values, which mean nothing without; text it reads as
 * the column's type. */
static void set_types(pg_lane *l, uint32_t rows)
{
    const sp_pg_table *t = l->table;
    uint32_t n = t->schema->n_fields;
    for (uint32_t k = 0; k < rows * n; k++) {
        l->types[k] = t->binary ? t->types[k % n].oid : 0;
        l->formats[k] = t->binary != NULL;
    }
}

static void statement_name(const pg_lane *l, char name[32])
{
    snprintf(name, 32, "spate_%u", l->chunk.table);
}

static int prepare_statement(pg_lane *l, spate_error *err)
{
    const sp_pg_table *t = l->table;
    set_types(l, t->statement_rows);
    if (l->prepared[l->chunk.table])
        return SPATE_OK;
    char name[32];
    statement_name(l, name);
    sp_buf sql;
    sp_buf_init(&sql);
    int status = SPATE_OK;
    if (build_statement(t, t->statement_rows, &sql)) {
        status = sp_fail_nomem(err);
    } else {
        PGresult *res =
            sp_pq.prepare(l->conn, name, sp_pg_string(&sql), (int)(t->statement_rows * t->schema->n_fields), l->types);
        if (sp_pq.result_status(res) != PGRES_COMMAND_OK)
            status = fail_chunk(l, res, false, err);
        sp_pq.clear(res);
    }
    sp_buf_done(&sql);
    l->prepared[l->chunk.table] = status == SPATE_OK;
    return status;
}

static int send_word(pg_lane *l, const char *sql, spate_error *err)
{
    if (sp_pq.send_query_params(l->conn, sql, 0, NULL, NULL, NULL, NULL, 0) == 1)
        return SPATE_OK;
    return fail_chunk(l, NULL, false, err);
}

/* The last statement of a table is shorter than the prepared one and goes as it is. */
static int send_short(pg_lane *l)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int sent = build_statement(l->table, l->have, &sql)
                   ? 0
                   : sp_pq.send_query_params(l->conn, sp_pg_string(&sql), (int)parameters(l), l->types, l->values,
                                             l->lengths, l->formats, 0);
    sp_buf_done(&sql);
    return sent;
}

static int send_statement(pg_lane *l, spate_error *err)
{
    if (l->have == 0)
        return SPATE_OK;
    if (l->table->binary)
        point_at_binary(l);
    else
        point_at_text(l);
    char name[32];
    statement_name(l, name);
    int sent = l->have < l->table->statement_rows
                   ? send_short(l)
                   : sp_pq.send_query_prepared(l->conn, name, (int)parameters(l), l->values, l->lengths, l->formats, 0);
    if (sent != 1)
        return fail_chunk(l, NULL, false, err);
    sp_sink_wrote(l->base.sink, l->chunk.table, l->rows.len);
    l->statements++;
    l->have = 0;
    l->rows.len = 0;
    return SPATE_OK;
}

static int piped_enter(pg_lane *l, spate_error *err)
{
    if (sp_pq.enter_pipeline(l->conn) != 1)
        return fail_chunk(l, NULL, false, err);
    l->state = PIPED;
    l->have = 0;
    l->statements = 0;
    l->rows.len = 0;
    return SPATE_OK;
}

static int piped_begin(pg_lane *l, spate_error *err)
{
    int status = prepare_statement(l, err);
    if (status == SPATE_OK)
        status = piped_enter(l, err);
    return status == SPATE_OK ? send_word(l, "BEGIN", err) : status;
}

static int add_text_rows(pg_lane *l, const sp_batch *batch, uint32_t from, uint32_t to)
{
    uint32_t n = l->table->schema->n_fields, k = parameters(l);
    for (uint32_t row = from; row < to; row++)
        for (uint32_t i = 0; i < n; i++, k++) {
            const sp_column *c = &batch->columns[i];
            bool null = sp_column_null(c, row);
            l->at[k] = null ? SIZE_MAX : l->rows.len;
            if (!null && (sp_cell_text(c, row, &l->rows) || sp_buf_add(&l->rows, "", 1)))
                return SPATE_E_NOMEM;
        }
    return SPATE_OK;
}

static int add_rows(pg_lane *l, const sp_batch *batch, uint32_t from, uint32_t to, spate_error *err)
{
    int status;
    if (l->table->binary)
        status = sp_pgbinary_encode(l->table->binary, batch, from, to, &l->rows, err);
    else if ((status = add_text_rows(l, batch, from, to)))
        sp_fail_nomem(err);
    l->have += to - from;
    return status;
}

static int piped_write(pg_lane *l, const sp_batch *batch, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t from = 0, to; from < batch->rows && status == SPATE_OK; from = to) {
        to = from + SP_MIN(batch->rows - from, l->table->statement_rows - l->have);
        status = add_rows(l, batch, from, to, err);
        if (status == SPATE_OK && l->have == l->table->statement_rows)
            status = send_statement(l, err);
    }
    return status;
}

/* The result of the k-th statement since BEGIN, which is number 0, failed. */
static int fail_statement(pg_lane *l, const PGresult *res, uint32_t k, spate_error *err)
{
    if (lost(l) || last_words(res) || k == 0 || k > l->statements)
        return fail_chunk(l, res, k > l->statements, err);
    uint64_t first = l->chunk.first + (uint64_t)(k - 1) * l->table->statement_rows;
    return fail_rows(l, res, first, SP_MIN(first + l->table->statement_rows, l->chunk.last), err);
}

/* Reads what came of n statements and the sync behind them. */
static int piped_results(pg_lane *l, uint32_t n, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t k = 0; k < n && !lost(l);) {
        PGresult *res = sp_pq.get_result(l->conn);
        ExecStatusType got = res ? sp_pq.result_status(res) : PGRES_COMMAND_OK;
        if (status == SPATE_OK && got != PGRES_COMMAND_OK && got != PGRES_TUPLES_OK && got != PGRES_PIPELINE_ABORTED)
            status = fail_statement(l, res, k, err);
        if (l->base.careful || k <= l->statements) /* not what remembers the chunk */
            l->kept += rows_kept(res);
        k += res == NULL;
        sp_pq.clear(res);
    }
    if (lost(l))
        return status ? status : fail_lost(l, NULL, true, err);
    sp_pq.clear(sp_pq.get_result(l->conn)); /* the sync */
    return status;
}

static int piped_commit(pg_lane *l, spate_error *err)
{
    bool job = sink_of_lane(l)->memory.job;
    int status = send_statement(l, err);
    if (status == SPATE_OK && job)
        status = send_word(l, sp_pg_string(&l->job_sql), err);
    if (status == SPATE_OK)
        status = send_word(l, "COMMIT", err);
    if (status)
        return status;
    if (sp_pq.pipeline_sync(l->conn) != 1)
        return fail_chunk(l, NULL, true, err);
    status = piped_results(l, l->statements + 2 + job, err);
    if (lost(l))
        return status ? status : SPATE_E_UNREACHABLE;
    sp_pq.exit_pipeline(l->conn);
    if (status == SPATE_OK)
        l->state = IDLE;
    return status;
}

/* words: statements beside those with rows whose results are on their way. */
static void piped_leave(pg_lane *l, uint32_t words)
{
    if (sp_pq.pipeline_status(l->conn) == PQ_PIPELINE_OFF || lost(l))
        return;
    if (sp_pq.pipeline_sync(l->conn) == 1)
        (void)!piped_results(l, l->statements + words, NULL);
    sp_pq.exit_pipeline(l->conn);
}

/* ---- careful lanes --------------------------------------------------------------------------- */

/* What would be looked at when the transaction ends is looked at when a statement does. */
static int careful_begin(pg_lane *l, spate_error *err)
{
    sp_pg_sink *s = sink_of_lane(l);
    int status = sp_pg_copies(s) ? SPATE_OK : prepare_statement(l, err);
    bool deferrable = s->server.dialect->sql == SP_SQL_POSTGRES;
    if (status == SPATE_OK)
        status = run(l, deferrable ? "BEGIN; SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT spate" : "BEGIN; SAVEPOINT spate",
                     false, err);
    if (status == SPATE_OK)
        l->state = SAVED;
    return status;
}

static int careful_go_on(pg_lane *l, spate_error *err)
{
    const sp_pg_sink *s = sink_of_lane(l);
    if (!sp_pg_copies(s))
        return piped_enter(l, err);
    return copy_begin(l, l->table->copy_sql + (s->memory.job ? strlen(SP_PG_BEGIN) : 0), err);
}

static int piped_check(pg_lane *l, spate_error *err)
{
    int status = send_statement(l, err);
    if (status == SPATE_OK && sp_pq.pipeline_sync(l->conn) != 1)
        status = fail_chunk(l, NULL, false, err);
    if (status == SPATE_OK)
        status = piped_results(l, l->statements, err);
    if (!lost(l))
        sp_pq.exit_pipeline(l->conn);
    return status;
}

int sp_pg_check(sp_lane *lane, spate_error *err)
{
    pg_lane *l = lane_of(lane);
    int status = l->state == COPYING ? copy_end(l, false, err) : l->state == PIPED ? piped_check(l, err) : SPATE_OK;
    if (status == SPATE_OK)
        status = run(l, "RELEASE SAVEPOINT spate; SAVEPOINT spate", false, err);
    if (status == SPATE_OK) {
        l->state = SAVED;
        l->checked = l->kept;
    }
    return status;
}

int sp_pg_undo(sp_lane *lane, spate_error *err)
{
    pg_lane *l = lane_of(lane);
    if (l->state == COPYING)
        copy_abort(l);
    else if (l->state == PIPED)
        piped_leave(l, 0);
    int status = run(l, "ROLLBACK TO SAVEPOINT spate", false, err);
    l->kept = l->checked;
    if (status == SPATE_OK)
        l->state = SAVED;
    return status;
}

/* All rows have been checked. */
static int careful_commit(pg_lane *l, spate_error *err)
{
    int status = run(l, sink_of_lane(l)->memory.job ? sp_pg_string(&l->job_sql) : "COMMIT", true, err);
    if (status == SPATE_OK)
        l->state = IDLE;
    return status;
}

/* ---- chunks ---------------------------------------------------------------------------------- */

int sp_pg_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    pg_lane *l = lane_of(lane);
    sp_pg_sink *s = sink_of_lane(l);
    l->chunk = *chunk;
    l->kept = l->checked = 0;
    l->table = &s->tables[chunk->table];
    if (lost(l)) {
        int status = sp_pg_reconnect(&s->server, l->conn, err);
        if (status)
            return status;
        if (l->prepared)
            memset(l->prepared, 0, s->n_tables * sizeof(*l->prepared));
    }
    if (lane->careful)
        return careful_begin(l, err);
    return sp_pg_copies(s) ? copy_begin(l, l->table->copy_sql, err) : piped_begin(l, err);
}

int sp_pg_write(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    pg_lane *l = lane_of(lane);
    int status = l->state == SAVED ? careful_go_on(l, err) : SPATE_OK;
    if (status)
        return status;
    return l->state == COPYING ? copy_write(l, batch, err) : piped_write(l, batch, err);
}

void sp_pg_rollback(sp_lane *lane)
{
    pg_lane *l = lane_of(lane);
    if (l->state == COPYING)
        copy_abort(l);
    else if (l->state == PIPED)
        piped_leave(l, !lane->careful);
    end_transaction(l);
    l->state = IDLE;
}

/* The statement that remembers the chunk; behind a COPY, the COMMIT goes in the same message. */
static int build_job_sql(pg_lane *l, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    const sp_job_memory *memory = &sink_of_lane(l)->memory;
    if (!memory->job)
        return SPATE_OK;
    l->job_sql.len = 0;
    int built = sp_job_chunk_sql(memory, chunk, rows, true, &l->job_sql) ||
                (l->state != PIPED && sp_buf_adds(&l->job_sql, "; COMMIT"));
    return built ? sp_fail_nomem(err) : SPATE_OK;
}

int sp_pg_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    pg_lane *l = lane_of(lane);
    int status = build_job_sql(l, chunk, rows, err);
    if (status == SPATE_OK)
        status = l->state == SAVED     ? careful_commit(l, err)
                 : l->state == COPYING ? copy_commit(l, err)
                                       : piped_commit(l, err);
    if (status)
        sp_pg_rollback(lane);
    else if (l->kept < rows)
        atomic_fetch_add((_Atomic uint64_t *)&lane->sink->left_out[chunk->table], rows - l->kept);
    return status && sp_pg_is_fenced(sink_of_lane(l), err) ? sp_pg_fail_fenced(sink_of_lane(l), err) : status;
}
