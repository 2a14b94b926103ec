/* postgres_job.c - what a PostgreSQL database remembers of a job: two tables beside the rows (landed.h), in the first schema of the
 * search path. */
#include "endpoint/postgres.h"

#include <stdlib.h>

/* Runs what a builder of landed.h has built. */
static int run_built(PGconn *conn, sp_buf *sql, int built, PGresult **res, spate_error *err)
{
    int status = built ? sp_fail_nomem(err) : sp_pg_run(conn, sql->data, res, err, "remembering the job");
    sp_buf_done(sql);
    return status;
}

static uint64_t number_at(const PGresult *res, int row, int column)
{
    return strtoull(sp_pq.getvalue(res, row, column), NULL, 10);
}

static int read_landed(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    PGresult *res = NULL;
    sp_buf sql = {0};
    int status = run_built(conn, &sql, sp_job_chunks_sql(&s->memory, &sql), &res, err);
    if (status)
        return status;
    for (int i = 0; i < sp_pq.ntuples(res) && status == SPATE_OK; i++)
        if (sp_job_add(&s->memory, sp_pq.getvalue(res, i, 0), number_at(res, i, 1), number_at(res, i, 2),
                       number_at(res, i, 3)))
            status = sp_fail_nomem(err);
    sp_pq.clear(res);
    s->base.landed = status ? NULL : sp_job_landed(&s->memory);
    return status == SPATE_OK && !s->base.landed ? sp_fail_nomem(err) : status;
}

int sp_pg_claim_job(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    if (!s->memory.job || s->memory.epoch || s->base.options.dry_run)
        return SPATE_OK;
    PGresult *res = NULL;
    sp_buf sql = {0};
    int status = sp_pg_run(conn, sp_job_tables_sql, NULL, err, "making the memory of jobs");
    if (status == SPATE_OK)
        status = run_built(conn, &sql, sp_job_claim_sql(&s->memory, &sql), &res, err);
    if (status)
        return status;
    status = sp_job_claimed(&s->memory, number_at(res, 0, 0), sp_pq.getvalue(res, 0, 1)[0] == 't',
                            sp_pq.getvalue(res, 0, 2), err);
    sp_pq.clear(res);
    return status ? status : read_landed(s, conn, err);
}

bool sp_pg_is_fenced(const sp_pg_sink *s, const spate_error *err)
{
    static const char division_by_zero[] = "22012";
    return s->memory.job && err && strcmp(err->sqlstate, division_by_zero) == 0;
}

int sp_pg_fail_fenced(const sp_pg_sink *s, spate_error *err)
{
    return sp_fail(err, SPATE_E_DATA, "another run has taken over job \"%s\"", s->memory.job);
}

int sp_pg_complete_job(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    sp_buf sql = {0};
    return s->memory.job ? run_built(conn, &sql, sp_job_complete_sql(&s->memory, &sql), NULL, err) : SPATE_OK;
}

/* Under a lock, so that no other run's claim falls between the look and the drop. */
static int forget(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    static const char lock[] = "BEGIN; LOCK TABLE spate_job, spate_chunk IN ACCESS EXCLUSIVE MODE";
    static const char what[] = "forgetting the job";
    PGresult *res = NULL;
    sp_buf sql = {0};
    int status = sp_pg_run(conn, lock, NULL, err, what);
    if (status == SPATE_OK)
        status = run_built(conn, &sql, sp_job_forget_sql(&s->memory, &sql), NULL, err);
    if (status == SPATE_OK)
        status = sp_pg_run(conn, "SELECT 1 FROM spate_job LIMIT 1", &res, err, what);
    if (status)
        return status;
    bool last = sp_pq.ntuples(res) == 0;
    sp_pq.clear(res);
    return sp_pg_run(conn, last ? "DROP TABLE spate_chunk, spate_job; COMMIT" : "COMMIT", NULL, err, what);
}

static int is_there(PGconn *conn, bool *there, spate_error *err)
{
    PGresult *res = NULL;
    int status =
        sp_pg_run(conn, "SELECT to_regclass('spate_job') IS NOT NULL", &res, err, "looking for the memory of jobs");
    *there = status == SPATE_OK && *sp_pq.getvalue(res, 0, 0) == 't';
    sp_pq.clear(res);
    return status;
}

int sp_pg_abandon_job(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, bool remove, spate_error *err)
{
    sp_pg_sink *s = (sp_pg_sink *)sink;
    PGconn *conn = NULL;
    bool there = false;
    int status = sp_job_memory_init(&s->memory, &s->arena, &sink->options, tables, n_tables, err);
    if (status == SPATE_OK)
        status = sp_pg_connect(&s->server, false, &conn, err);
    if (status == SPATE_OK)
        status = is_there(conn, &there, err);
    if (status == SPATE_OK && there)
        status = forget(s, conn, err);
    if (conn)
        sp_pq.finish(conn);
    return status;
}

int sp_pg_forget_job(sp_sink *sink, spate_error *err)
{
    sp_pg_sink *s = (sp_pg_sink *)sink;
    PGconn *conn = NULL;
    int status = sp_pg_connect(&s->server, false, &conn, err);
    if (status == SPATE_OK)
        status = forget(s, conn, err);
    if (conn)
        sp_pq.finish(conn);
    return status;
}
