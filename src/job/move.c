/* move.c - runs the flow between a source and a sink and keeps the report up to date. */
#include "job/move.h"

#include "os/os.h"

_Static_assert((int)SPATE_WORKERS_MAX == (int)SP_WORKERS_MAX, "what the header promises");

unsigned sp_move_workers(unsigned asked)
{
    unsigned n = asked ? asked : sp_os_processors();
    return SP_MIN(n, (unsigned)SP_WORKERS_MAX);
}

int sp_move_check_workers(unsigned asked, spate_error *err)
{
    if (asked > SPATE_WORKERS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "%u workers are too many: at most %d", asked, SPATE_WORKERS_MAX);
    return SPATE_OK;
}

sp_insert_mode sp_move_mode(spate_insert_mode mode)
{
    static const sp_insert_mode modes[] = {
        [SPATE_INSERT_DEFAULT] = SP_INSERT_DEFAULT, [SPATE_INSERT_COPY] = SP_INSERT_COPY,
        [SPATE_INSERT_INSERT] = SP_INSERT_INSERT,   [SPATE_INSERT_UPSERT] = SP_INSERT_UPSERT,
        [SPATE_INSERT_SKIP] = SP_INSERT_SKIP,
    };
    return modes[mode];
}

/* ---- progress ---- */

static double seconds_since(int64_t start_us, int64_t us)
{
    return us ? (double)SP_MAX(us - start_us, (int64_t)1) / 1e6 : 0;
}

/* Where the source does not know, what its positions suggest; the truth once the table is done. */
static uint64_t rows_of(const sp_move *m, size_t table, const sp_flow_table *t)
{
    const sp_extent *e = &m->source->extents[table];
    if (t->rows != UINT64_MAX)
        return t->rows;
    if (t->finished_us)
        return t->rows_done + t->rejected;
    return SP_MAX((uint64_t)sp_extent_rows(e), t->rows_done + 1);
}

static void copy_progress(sp_move *m, const sp_flow_table *from)
{
    for (size_t t = 0; t < m->report->n_tables; t++) {
        spate_table_progress *p = &m->report->tables[t];
        p->rows = rows_of(m, t, &from[t]);
        p->rows_done = from[t].rows_done;
        p->rejected = from[t].rejected;
        p->left_out = from[t].left_out;
        p->bytes = from[t].bytes;
        p->started = seconds_since(m->start_us, from[t].started_us);
        p->finished = seconds_since(m->start_us, from[t].finished_us);
    }
    m->report->seconds = seconds_since(m->start_us, sp_os_monotonic_us());
}

static void on_progress(void *arg, const sp_flow_table *tables, uint32_t n)
{
    sp_move *m = arg;
    copy_progress(m, tables);
    if (m->progress)
        m->progress(m->arg, m->report->tables, n, m->report->seconds);
}

/* ---- the run ---- */

int sp_move_open_target(sp_move *m, const char *to, const sp_sink_options *options, spate_error *err)
{
    int rc = sp_sink_open(to, options, &m->sink, err);
    if (rc != SPATE_OK)
        return rc;
    const char *shown = m->sink->shown, *query = m->sink->how_to_query;
    m->report->to_stdout = m->sink->to_stdout;
    m->report->target = sp_arena_strndup(m->arena, shown, strlen(shown));
    m->report->how_to_query = query ? sp_arena_strndup(m->arena, query, strlen(query)) : NULL;
    return m->report->target && (m->report->how_to_query || !query) ? SPATE_OK : sp_fail_nomem(err);
}

static int name_tables(sp_move *m, spate_error *err)
{
    uint32_t n = m->source->n_tables;
    m->report->tables = sp_arena_alloc(m->arena, n, sizeof(*m->report->tables));
    m->tables = sp_arena_alloc(m->arena, n, sizeof(*m->tables));
    if (!m->report->tables || !m->tables)
        return sp_fail_nomem(err);
    for (uint32_t t = 0; t < n; t++) {
        const char *name = m->source->tables[t]->table;
        m->report->tables[t].name = sp_arena_strndup(m->arena, name, strlen(name));
        if (!m->report->tables[t].name)
            return sp_fail_nomem(err);
    }
    m->report->n_tables = n;
    return SPATE_OK;
}

/* A run that was stopped: what of it is where. */
static int tell_what_is_kept(sp_move *m, int rc, spate_error *err)
{
    uint64_t rows = 0, done = 0;
    for (size_t t = 0; t < m->report->n_tables; t++) {
        rows += m->report->tables[t].rows;
        done += m->report->tables[t].rows_done;
        if (m->sink->keeps_nothing)
            m->report->tables[t].rows_done = 0;
    }
    const char *partial = m->sink->shown_partial;
    const char *kept = partial && done ? sp_arena_strndup(m->arena, partial, strlen(partial)) : NULL;
    m->report->target = kept ? kept : m->report->target;
    if (rc != SPATE_E_INTERRUPTED)
        return rc;
    if (m->sink->keeps_nothing)
        return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted; nothing is left of %llu of %llu rows",
                       (unsigned long long)done, (unsigned long long)rows);
    return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted; %llu of %llu rows are in %s", (unsigned long long)done,
                   (unsigned long long)rows, m->report->target);
}

/* ---- the job ---- */

int sp_move_enter(sp_move *m, const sp_job_run *run, bool *done, spate_error *err)
{
    *done = false;
    if (!run->name || !run->folder)
        return SPATE_OK;
    int rc = sp_job_open(run, &m->job, err);
    *done = rc == SPATE_OK && sp_job_is_done(m->job);
    if (!*done)
        return rc;
    m->report->job = run->name;
    m->report->target = sp_uri_shown(run->to, m->arena);
    m->report->already_done = true;
    return m->report->target ? sp_job_forget(m->job, run->name, run->to, err) : sp_fail_nomem(err);
}

/* First the ledger knows that all is done, then the target forgets, then the ledger knows that too: a run killed in between finds
 * either the one or the other to say that there is nothing left to do. */
int sp_move_leave(sp_move *m, const sp_job_run *run, int status, spate_error *err)
{
    spate_error ignored = {0}, *why = err ? err : &ignored;
    if (!m->job || m->report->already_done)
        return status;
    int rc = sp_job_ended(m->job, status, why, m->tables, status == SPATE_OK ? err : &ignored);
    sp_sink_close(m->sink); /* it lets its files go */
    m->sink = NULL;
    if (status == SPATE_OK && rc == SPATE_OK)
        rc = sp_job_forget(m->job, run->name, run->to, err);
    return status == SPATE_OK ? rc : status;
}

static int on_prepared(void *arg, spate_error *err)
{
    sp_move *m = arg;
    int rc = m->sink->options.job ? sp_job_check_source(m->job, m->source, m->sink, m->rejects, err) : SPATE_OK;
    return rc == SPATE_OK && m->job ? sp_job_plan(m->job, m->source, m->sink, err) : rc;
}

static int on_committed(void *arg, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    sp_move *m = arg;
    return m->job ? sp_job_note(m->job, chunk, rows, err) : SPATE_OK;
}

int sp_move_rows(sp_move *m, spate_error *err)
{
    sp_flow_options options = {
        .workers = sp_move_workers(m->workers),
        .part = m->part,
        .parts = SP_MAX(m->parts, 1u),
        .rate_rows = m->rate_rows,
        .rate_bytes = m->rate_bytes,
        .rejects = m->rejects,
        .sums = m->sums,
        .cancel = m->cancel,
        .prepared = on_prepared,
        .committed = on_committed,
        .progress = on_progress,
        .arg = m,
    };
    int rc = name_tables(m, err);
    if (rc != SPATE_OK)
        return rc;
    m->start_us = sp_os_monotonic_us();
    rc = sp_flow_run(m->source, m->sink, &options, m->tables, err);
    copy_progress(m, m->tables);
    return rc == SPATE_OK ? rc : tell_what_is_kept(m, rc, err);
}

void sp_move_done(sp_move *m)
{
    sp_rejects_close(m->rejects);
    m->rejects = NULL;
    sp_sink_close(m->sink);
    sp_source_close(m->source);
    (void)sp_job_close(m->job, NULL); /* what it had to say has been synced */
    m->job = NULL;
    m->sink = NULL;
    m->source = NULL;
}
