/* distribute.c - see distribute.h.
 *
 * Every shard has a thread with a flow of its own, from its slice of the rows to its server: made here, row by row, where they are a
 * plan's; asked of main by a condition where they are there already. So no shard waits for another, nothing is queued in between,
 * and each one's server remembers by itself what it has. */
#include "lab/distribute.h"

#include "lab/home.h"
#include "lab/numbers.h"
#include "lab/slice.h"

typedef struct shard_run {
    sp_spreading *d;
    unsigned shard;
    pthread_t thread;
    bool started;
    uint64_t log_from; /* what its server had said before */
    pthread_mutex_t *lock; /* of d->shards */
    sp_source *source;
    sp_sink *sink;
    sp_flow_table *tables;
    int rc;
    spate_error err;
} shard_run;

/* ---- where a shard's rows come from ---- */

static int add_condition(shard_run *r, sp_arena *arena, uint32_t table, const char **where)
{
    const sp_placement *p = r->d->layout->placements[table];
    const sp_schema *s = r->d->layout->schemas[table];
    sp_buf column = {0}, sql = {0};
    if (!p)
        return SPATE_OK;
    const sp_field *key = &s->fields[p->key[0]];
    int rc = sp_sql_name(&column, key->name) ? sp_fail_nomem(&r->err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = sp_placement_sql(p, key, sp_pg_string(&column), r->shard, &sql, &r->err);
    if (rc == SPATE_OK && !(*where = sp_arena_strndup(arena, sql.data, sql.len)))
        rc = sp_fail_nomem(&r->err);
    sp_buf_done(&column);
    sp_buf_done(&sql);
    return rc;
}

static int ask_main(shard_run *r)
{
    const sp_layout *l = r->d->layout;
    sp_arena arena;
    sp_arena_init(&arena);
    const char **names = sp_arena_alloc(&arena, l->n + 1, sizeof(*names)),
               **wheres = sp_arena_alloc(&arena, l->n + 1, sizeof(*wheres));
    int rc = names && wheres ? SPATE_OK : sp_fail_nomem(&r->err);
    for (uint32_t t = 0; t < l->n && rc == SPATE_OK; t++) {
        names[t] = l->schemas[t]->table;
        rc = add_condition(r, &arena, t, &wheres[t]);
    }
    sp_source_options options = {.tables = names, .n_tables = l->n, .wheres = wheres};
    if (rc == SPATE_OK)
        rc = sp_source_open(r->d->lab->servers[0].uri, &options, &r->source, &r->err);
    if (rc == SPATE_OK)
        r->source->tables = l->schemas; /* the same fields; without the foreign keys that go from shard to shard */
    sp_arena_done(&arena);
    return rc;
}

static int open_source(shard_run *r)
{
    const sp_layout *l = r->d->layout;
    if (!r->d->gen)
        return ask_main(r);
    sp_source whole = *r->d->whole;
    whole.tables = l->schemas;
    return sp_slice_open(r->d->gen, &whole, l->placements, r->shard, &r->source, &r->err);
}

static int open_sink(shard_run *r)
{
    const sp_spreading *d = r->d;
    sp_sink_options options = {.create = true,
                               .catalog = d->frame,
                               .truncate = d->replace,
                               .batch_rows = d->batch_rows,
                               .parts = 1,
                               .lanes = d->workers,
                               .job = d->job,
                               .job_of = d->job_of};
    return sp_sink_open(sp_lab_shard(d->lab, r->shard)->uri, &options, &r->sink, &r->err);
}

/* ---- progress ---- */

static uint64_t expected_rows(const shard_run *r, uint32_t t, const sp_flow_table *table)
{
    const sp_spreading *d = r->d;
    const sp_extent *e = &d->whole->extents[t];
    double shards = d->layout->placements[t] ? d->lab->map.shards : 1;
    double rows = e->units_a_row > 0 ? (double)e->end / e->units_a_row / shards : 0;
    return table->finished_us ? table->rows_done : SP_MAX((uint64_t)rows, table->rows_done);
}

static void note_progress(void *arg, const sp_flow_table *tables, uint32_t n)
{
    shard_run *r = arg;
    sp_shard_state *s = &r->d->shards[r->shard];
    pthread_mutex_lock(r->lock);
    s->rows = s->rows_done = s->bytes = 0;
    for (uint32_t t = 0; t < n; t++) {
        s->rows += expected_rows(r, t, &tables[t]);
        s->rows_done += tables[t].rows_done;
        s->bytes += tables[t].bytes;
    }
    pthread_mutex_unlock(r->lock);
}

static void *run_shard(void *arg)
{
    shard_run *r = arg;
    sp_spreading *d = r->d;
    sp_shard_state *state = &d->shards[r->shard];
    sp_flow_options options = {
        .workers = d->workers, .parts = 1, .cancel = d->cancel, .progress = note_progress, .arg = r};
    pthread_mutex_lock(r->lock);
    state->started_us = sp_os_monotonic_us();
    pthread_mutex_unlock(r->lock);
    r->rc = open_source(r);
    if (r->rc == SPATE_OK)
        r->rc = open_sink(r);
    if (r->rc == SPATE_OK)
        r->rc = sp_flow_run(r->source, r->sink, &options, r->tables, &r->err);
    if (r->source && r->sink)
        note_progress(r, r->tables, r->source->n_tables);
    pthread_mutex_lock(r->lock);
    state->finished_us = sp_os_monotonic_us();
    pthread_mutex_unlock(r->lock);
    return NULL;
}

/* ---- all shards ---- */

static bool all_finished(const sp_spreading *d)
{
    for (uint32_t s = 0; s < d->lab->map.shards; s++)
        if (!d->shards[s].finished_us)
            return false;
    return true;
}

static void watch(sp_spreading *d, pthread_mutex_t *lock)
{
    enum { LOOK_US = 10000 };
    sp_shard_state seen[SP_SHARDS_MAX];
    int64_t told = 0;
    for (bool done = false; !done;) {
        sp_os_sleep_us(LOOK_US);
        pthread_mutex_lock(lock);
        done = all_finished(d);
        memcpy(seen, d->shards, d->lab->map.shards * sizeof(*seen));
        pthread_mutex_unlock(lock);
        if (!d->progress || (!done && sp_os_monotonic_us() - told < SP_FLOW_TICK_US))
            continue;
        told = sp_os_monotonic_us();
        d->progress(d->arg, seen, d->lab->map.shards);
    }
}

static int start_all(sp_spreading *d, shard_run *runs, pthread_mutex_t *lock, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t s = 0; s < d->lab->map.shards; s++) {
        runs[s] = (shard_run){.d = d, .shard = s, .lock = lock, .log_from = sp_lab_log_size(sp_lab_shard(d->lab, s))};
        runs[s].tables = sp_alloc_zero(d->layout->n, sizeof(*runs[s].tables));
        if (rc == SPATE_OK && !runs[s].tables)
            rc = sp_fail_nomem(err);
        if (rc == SPATE_OK)
            rc = sp_os_thread_start(&runs[s].thread, run_shard, &runs[s], err);
        runs[s].started = rc == SPATE_OK;
        if (!runs[s].started) {
            pthread_mutex_lock(lock);
            d->shards[s].finished_us = 1; /* it never began */
            pthread_mutex_unlock(lock);
        }
    }
    return rc;
}

/* Which numbers and keys a shard gives by itself follows from the rows of all. */
static int share_numbers(const sp_spreading *d, spate_error *err)
{
    const sp_placement now = sp_lab_places(d->lab);
    uint32_t n = d->lab->map.shards;
    if (!d->frame)
        return SPATE_OK;
    int rc = sp_numbers_share(d->lab, d->layout, d->frame, SP_NUMBERS_OF_MAIN, 0, n, err);
    return rc == SPATE_OK ? sp_home_keep_all(d->layout, d->lab, n, &now, NULL, err) : rc;
}

/* Only now that every shard has everything is the job forgotten: until then a run that begins anew finds what is done. */
static int forget_job(shard_run *runs, uint32_t n, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t s = 0; s < n && rc == SPATE_OK; s++)
        rc = runs[s].sink->ops->forget(runs[s].sink, err);
    return rc;
}

static int end_all(sp_spreading *d, shard_run *runs, int rc, spate_error *err)
{
    uint32_t n = d->lab->map.shards, tables = d->layout->n;
    for (uint32_t s = 0; s < n; s++) {
        shard_run *r = &runs[s];
        if (r->started)
            pthread_join(r->thread, NULL);
        for (uint32_t t = 0; r->tables && t < tables; t++)
            d->rows[s * tables + t] = r->tables[t].rows_done;
        bool worse =
            rc == SPATE_OK || rc == SPATE_E_INTERRUPTED; /* what failed says more than that the others were stopped */
        if (r->started && r->rc != SPATE_OK && worse) {
            rc = r->rc;
            if (err)
                *err = r->err;
            sp_lab_add_last_words(sp_lab_shard(d->lab, s), r->log_from, err);
            sp_fail_context(err, rc, "%s", sp_lab_shard(d->lab, s)->name);
        }
    }
    if (rc == SPATE_E_CONFIG && err && strstr(err->message, "exists already"))
        sp_error_hint(err, "--replace replaces the tables of the shards");
    if (rc == SPATE_OK)
        rc = share_numbers(d, err);
    return rc == SPATE_OK ? forget_job(runs, n, err) : rc;
}

int sp_distribute(sp_spreading *d, spate_error *err)
{
    uint32_t n = d->lab->map.shards;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    shard_run *runs = sp_alloc_zero(n, sizeof(*runs));
    if (!runs)
        return sp_fail_nomem(err);
    int rc = start_all(d, runs, &lock, err);
    watch(d, &lock);
    rc = end_all(d, runs, rc, err);
    for (uint32_t s = 0; s < n; s++) {
        sp_sink_close(runs[s].sink);
        sp_source_close(runs[s].source);
        sp_free(runs[s].tables);
    }
    sp_free(runs);
    pthread_mutex_destroy(&lock);
    return rc;
}
