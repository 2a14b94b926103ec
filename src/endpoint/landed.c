/* landed.c - see landed.h. */
#include "endpoint/landed.h"

#include "codec/codec.h"

#include <stdlib.h>

int sp_job_memory_init(sp_job_memory *m, sp_arena *arena, const sp_sink_options *options,
                       const sp_schema *const *tables, uint32_t n_tables, spate_error *err)
{
    *m = (sp_job_memory){.arena = arena, .tables = tables, .n_tables = n_tables};
    if (!options->job)
        return SPATE_OK;
    m->job = sp_arena_strndup(arena, options->job, strlen(options->job));
    m->of = sp_arena_strndup(arena, options->job_of, strlen(options->job_of));
    m->lists = sp_arena_alloc(arena, n_tables, sizeof(*m->lists));
    m->landed = sp_arena_alloc(arena, n_tables, sizeof(*m->landed));
    return m->job && m->of && m->lists && m->landed ? SPATE_OK : sp_fail_nomem(err);
}

int sp_job_refuse_other(const char *job, spate_error *err)
{
    sp_fail(
        err, SPATE_E_USAGE,
        "job \"%s\" was begun with another plan or source, or another choice of its rows; or they have changed since",
        job);
    sp_error_hint(err, "repeat the command that began it, or give this one another name");
    return SPATE_E_USAGE;
}

int sp_job_claimed(sp_job_memory *m, uint64_t epoch, bool complete, const char *of, spate_error *err)
{
    m->epoch = epoch;
    m->resumed = epoch > 1;
    m->complete = complete;
    return of && strcmp(of, m->of) == 0 ? SPATE_OK : sp_job_refuse_other(m->job, err);
}

static int list_add(sp_job_memory *m, sp_landed_list *l, uint32_t table, uint64_t first, uint64_t last, uint64_t rows)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 16;
        sp_chunk *more = sp_arena_alloc(m->arena, cap, sizeof(*more));
        if (!more)
            return SPATE_E_NOMEM;
        if (l->n)
            memcpy(more, l->ranges, l->n * sizeof(*more));
        l->ranges = more;
        l->cap = cap;
    }
    l->ranges[l->n++] = (sp_chunk){table, first, last};
    l->rows += rows;
    return SPATE_OK;
}

int sp_job_add(sp_job_memory *m, const char *table, uint64_t first, uint64_t last, uint64_t rows)
{
    if (!*table)
        return list_add(m, &m->steps, UINT32_MAX, first, last, rows);
    for (uint32_t t = 0; t < m->n_tables; t++)
        if (strcmp(m->tables[t]->table, table) == 0)
            return list_add(m, &m->lists[t], t, first, last, rows);
    return SPATE_OK;
}

/* Positive: jobs that were begun before have it so. */
static uint64_t step_of(const char *statement)
{
    return sp_hash64(statement, strlen(statement), 0) >> 1;
}

bool sp_job_has_step(const sp_job_memory *m, const char *statement)
{
    uint64_t step = step_of(statement);
    for (size_t i = 0; i < m->steps.n; i++)
        if (m->steps.ranges[i].first == step)
            return true;
    return false;
}

static int by_first(const void *a, const void *b)
{
    uint64_t x = ((const sp_chunk *)a)->first, y = ((const sp_chunk *)b)->first;
    return x < y ? -1 : x > y;
}

/* In order, and neighbours joined. */
static void tidy(sp_landed_list *l)
{
    size_t n = 0;
    if (l->n)
        qsort(l->ranges, l->n, sizeof(*l->ranges), by_first);
    for (size_t i = 0; i < l->n; i++) {
        if (n > 0 && l->ranges[i].first <= l->ranges[n - 1].last)
            l->ranges[n - 1].last = SP_MAX(l->ranges[n - 1].last, l->ranges[i].last);
        else
            l->ranges[n++] = l->ranges[i];
    }
    l->n = n;
}

const sp_landed *sp_job_landed(sp_job_memory *m)
{
    for (uint32_t t = 0; t < m->n_tables; t++) {
        uint64_t known = m->tables[t]->rows;
        if (m->complete && list_add(m, &m->lists[t], t, 0, UINT64_MAX, known == UINT64_MAX ? 0 : known))
            return NULL;
        tidy(&m->lists[t]);
        m->landed[t] = (sp_landed){m->lists[t].ranges, m->lists[t].n, m->lists[t].rows};
    }
    return m->landed;
}

/* ---- SQL ---- */

const char sp_job_tables_sql[] =
    "CREATE TABLE IF NOT EXISTS spate_job (job TEXT PRIMARY KEY, made_of TEXT NOT NULL, epoch BIGINT NOT NULL,"
    " complete BOOLEAN NOT NULL);\n"
    "CREATE TABLE IF NOT EXISTS spate_chunk (job TEXT NOT NULL, table_name TEXT NOT NULL, first_position BIGINT NOT NULL,"
    " last_position BIGINT NOT NULL, row_count BIGINT NOT NULL, PRIMARY KEY (job, table_name, first_position))";

static int literal(sp_buf *sql, const char *text)
{
    return sp_sql_literal(sql, sp_str_of(text));
}

static int end(sp_buf *sql, int built)
{
    if (built || sp_buf_reserve(sql, 1))
        return SPATE_E_NOMEM;
    sql->data[sql->len] = '\0';
    return SPATE_OK;
}

int sp_job_claim_sql(const sp_job_memory *m, sp_buf *sql)
{
    return end(sql, sp_buf_adds(sql, "INSERT INTO spate_job (job, made_of, epoch, complete) VALUES (") ||
                        literal(sql, m->job) || sp_buf_adds(sql, ", ") || literal(sql, m->of) ||
                        sp_buf_adds(sql, ", 1, false) ON CONFLICT (job) DO UPDATE SET epoch = spate_job.epoch + 1"
                                         " RETURNING epoch, complete, made_of"));
}

int sp_job_chunks_sql(const sp_job_memory *m, sp_buf *sql)
{
    return end(
        sql,
        sp_buf_adds(sql, "SELECT table_name, first_position, last_position, row_count FROM spate_chunk WHERE job = ") ||
            literal(sql, m->job));
}

/* Positions beyond what a bigint holds, as keys of 64 bits have them, are kept as the negative numbers of the same bits. */
static int remember_sql(const sp_job_memory *m, const char *table, uint64_t first, uint64_t last, uint64_t rows,
                        bool fenced, sp_buf *sql)
{
    int built =
        sp_buf_adds(sql,
                    "INSERT INTO spate_chunk (job, table_name, first_position, last_position, row_count) SELECT ") ||
        literal(sql, m->job) || sp_buf_adds(sql, ", ") || literal(sql, table) ||
        sp_buf_printf(sql, ", %lld, %lld, %lld", (long long)first, (long long)last, (long long)rows);
    if (fenced)
        built = built || sp_buf_adds(sql, " / (SELECT count(*) FROM (SELECT 1 FROM spate_job WHERE job = ") ||
                literal(sql, m->job) ||
                sp_buf_printf(sql, " AND epoch = %llu FOR SHARE) AS claimed)", (unsigned long long)m->epoch);
    return end(sql, built);
}

int sp_job_chunk_sql(const sp_job_memory *m, const sp_chunk *chunk, uint64_t rows, bool fenced, sp_buf *sql)
{
    return remember_sql(m, m->tables[chunk->table]->table, chunk->first, chunk->last, rows, fenced, sql);
}

int sp_job_step_sql(const sp_job_memory *m, const char *statement, sp_buf *sql)
{
    uint64_t step = step_of(statement);
    return remember_sql(m, "", step, step, 0, true, sql);
}

int sp_job_complete_sql(const sp_job_memory *m, sp_buf *sql)
{
    return end(sql, sp_buf_adds(sql, "UPDATE spate_job SET complete = true WHERE job = ") || literal(sql, m->job) ||
                        sp_buf_adds(sql, ";\nDELETE FROM spate_chunk WHERE job = ") || literal(sql, m->job));
}

int sp_job_forget_sql(const sp_job_memory *m, sp_buf *sql)
{
    return end(sql, sp_buf_adds(sql, "DELETE FROM spate_chunk WHERE job = ") || literal(sql, m->job) ||
                        sp_buf_adds(sql, ";\nDELETE FROM spate_job WHERE job = ") || literal(sql, m->job));
}
