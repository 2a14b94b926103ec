/* duckdb_job.c - what a DuckDB file remembers of a job: two tables beside the rows (landed.h). One process writes to a file at a
 * time, so no chunk can come from a run that was taken for dead. */
#include "codec/codec.h"
#include "endpoint/duckdb_sink.h"

/* Runs what a builder of landed.h has built. rows: NULL, or takes the answer. */
static int run_built(sp_duckdb_sink *s, sp_buf *sql, int built, duckdb_result *rows, spate_error *err)
{
    int rc = built  ? sp_fail_nomem(err)
             : rows ? sp_duckdb_ask(s->conn, sql->data, rows, err)
                    : sp_duckdb_run(s->conn, sql->data, err);
    sp_buf_done(sql);
    return rc;
}

static int read_landed(sp_duckdb_sink *s, spate_error *err)
{
    duckdb_result found;
    sp_buf sql = {0};
    int rc = run_built(s, &sql, sp_job_chunks_sql(&s->memory, &sql), &found, err);
    if (rc != SPATE_OK)
        return rc;
    for (idx_t i = 0; i < sp_duckdb.row_count(&found) && rc == SPATE_OK; i++) {
        char *table = sp_duckdb.value_varchar(&found, 0, i);
        if (!table ||
            sp_job_add(&s->memory, table, (uint64_t)sp_duckdb.value_int64(&found, 1, i),
                       (uint64_t)sp_duckdb.value_int64(&found, 2, i), (uint64_t)sp_duckdb.value_int64(&found, 3, i)))
            rc = sp_fail_nomem(err);
        sp_duckdb.free(table);
    }
    sp_duckdb.destroy_result(&found);
    s->base.landed = rc == SPATE_OK ? sp_job_landed(&s->memory) : NULL;
    return rc == SPATE_OK && !s->base.landed ? sp_fail_nomem(err) : rc;
}

int sp_duckdb_claim_job(sp_duckdb_sink *s, spate_error *err)
{
    if (!s->memory.job || s->memory.epoch || s->base.options.dry_run)
        return SPATE_OK;
    duckdb_result claim;
    sp_buf sql = {0};
    int rc = sp_duckdb_run(s->conn, sp_job_tables_sql, err);
    if (rc == SPATE_OK)
        rc = run_built(s, &sql, sp_job_claim_sql(&s->memory, &sql), &claim, err);
    if (rc != SPATE_OK)
        return rc;
    char *of = sp_duckdb.value_varchar(&claim, 2, 0);
    rc = sp_job_claimed(&s->memory, (uint64_t)sp_duckdb.value_int64(&claim, 0, 0),
                        sp_duckdb.value_boolean(&claim, 1, 0), of, err);
    sp_duckdb.free(of);
    sp_duckdb.destroy_result(&claim);
    return rc == SPATE_OK ? read_landed(s, err) : rc;
}

bool sp_duckdb_any(sp_duckdb_sink *s, sp_buf *sql, int built)
{
    duckdb_result found;
    if (run_built(s, sql, built || sp_buf_add(sql, "", 1), &found, NULL) != SPATE_OK)
        return false;
    bool any = sp_duckdb.row_count(&found) > 0;
    sp_duckdb.destroy_result(&found);
    return any;
}

bool sp_duckdb_job_is_known(sp_duckdb_sink *s)
{
    sp_buf sql = {0};
    int built =
        sp_buf_adds(&sql, "SELECT 1 FROM spate_job WHERE job = ") || sp_sql_literal(&sql, sp_str_of(s->memory.job));
    return sp_duckdb_any(s, &sql, built);
}

int sp_duckdb_complete_job(sp_duckdb_sink *s, spate_error *err)
{
    sp_buf sql = {0};
    return s->memory.job ? run_built(s, &sql, sp_job_complete_sql(&s->memory, &sql), NULL, err) : SPATE_OK;
}

int sp_duckdb_forget_job(sp_sink *sink, spate_error *err)
{
    sp_duckdb_sink *s = (sp_duckdb_sink *)sink;
    sp_buf sql = {0};
    int rc = run_built(s, &sql, sp_job_forget_sql(&s->memory, &sql), NULL, err);
    if (rc == SPATE_OK && !sp_duckdb_any(s, &sql, sp_buf_adds(&sql, "SELECT 1 FROM spate_job LIMIT 1")))
        rc = sp_duckdb_run(s->conn, "BEGIN TRANSACTION; DROP TABLE spate_chunk; DROP TABLE spate_job; COMMIT", err);
    return rc == SPATE_OK ? sp_duckdb_run(s->conn, "CHECKPOINT", err) : rc;
}

int sp_duckdb_abandon_job(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, bool remove,
                          spate_error *err)
{
    sp_duckdb_sink *s = (sp_duckdb_sink *)sink;
    sp_buf sql = {0};
    int rc = sp_job_memory_init(&s->memory, &s->arena, &sink->options, tables, n_tables, err);
    bool there =
        sp_duckdb_any(s, &sql, sp_buf_adds(&sql, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'spate_job'"));
    return rc == SPATE_OK && there ? sp_duckdb_forget_job(sink, err) : rc;
}
