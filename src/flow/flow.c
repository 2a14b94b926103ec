/* flow.c - the workers and what they share.
 *
 * One mutex guards the schedule; it is taken once or twice a chunk, never a row. The life of a chunk:
 *
 *      take_chunk -> make_chunk (begin, fill, write ...) -> wait_for_turn -> commit -> chunk_done
 *           ^                |                                                 |
 *           |                +-- SPATE_E_RETRY: rollback, back off, make again +
 *           +------------------------------- next ----------------------------+
 *
 * Any other failure stops the run: the first one is kept, the other workers roll back and leave. */
#include "flow/flow.h"

#include "os/os.h"

#include <stdatomic.h>

typedef struct table_state {
    uint64_t first_row, end_row; /* of this part */
    uint64_t next_row;           /* the first that no chunk has taken */
    uint64_t commit_row;         /* SP_ORDER_TABLE, SP_ORDER_ALL: the row whose chunk may commit next */
    uint64_t rows_done;
    unsigned workers;            /* making chunks of it now */
    bool done;                   /* every chunk committed and table_done called */
    int64_t started_us, finished_us;
} table_state;

typedef struct flow {
    sp_source *source;
    sp_sink *sink;
    const sp_flow_options *options;
    table_state *tables;
    uint32_t n_tables;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a chunk was committed, a table is done, or the run stops */
    pthread_cond_t left;    /* a worker has ended */
    unsigned running;
    _Atomic bool stop;
    spate_error error;      /* the first failure */
} flow;

typedef struct worker {
    flow *f;
    pthread_t thread;
    sp_reader *reader;
    sp_lane *lane;
    sp_batch batch; /* of table; made anew when the worker goes to another one */
    int table;      /* -1: none yet */
} worker;

/* ---- the schedule (under the lock) ---- */

static bool stopping(const flow *f)
{
    return atomic_load_explicit(&f->stop, memory_order_relaxed) ||
           (f->options->cancel && __atomic_load_n(f->options->cancel, __ATOMIC_RELAXED));
}

static bool parents_done(const flow *f, uint32_t table)
{
    const sp_sink_deps *deps = &f->sink->deps[table];
    for (uint32_t i = 0; i < deps->n; i++)
        if (!f->tables[deps->tables[i]].done)
            return false;
    return true;
}

/* With SP_ORDER_ALL only the first table that is not done can be worked on, so that the bytes come out table by table; its
 * successor may start once every chunk has been taken, because commits wait for their turn. */
static bool in_order(const flow *f, uint32_t table)
{
    if (f->sink->order != SP_ORDER_ALL)
        return true;
    for (uint32_t t = 0; t < table; t++)
        if (f->tables[t].next_row < f->tables[t].end_row)
            return false;
    return true;
}

/* The ready table with the fewest workers: spreading over tables scales better than sharing one. Ties: the one this worker has
 * been at (last), so that it keeps its batch; then the first. */
static int choose_table(const flow *f, int last)
{
    int best = -1;
    for (uint32_t t = 0; t < f->n_tables; t++) {
        const table_state *s = &f->tables[t];
        if (s->next_row >= s->end_row || !in_order(f, t) || !parents_done(f, t))
            continue;
        bool fewer = best < 0 || s->workers < f->tables[best].workers;
        if (fewer || ((int)t == last && s->workers == f->tables[best].workers))
            best = (int)t;
    }
    return best;
}

static bool all_taken(const flow *f)
{
    for (uint32_t t = 0; t < f->n_tables; t++)
        if (f->tables[t].next_row < f->tables[t].end_row)
            return false;
    return true;
}

/* Chunks end at multiples of the sink's chunk size, counted from row 0 of the whole table, so that their borders (and with them
 * the statements of an SQL file) do not depend on workers or parts. */
static uint64_t chunk_end(const flow *f, uint32_t table, uint64_t first)
{
    uint64_t size = f->sink->chunk_rows[table];
    uint64_t end = first - first % size;
    end = UINT64_MAX - end < size ? UINT64_MAX : end + size;
    return SP_MIN(end, f->tables[table].end_row);
}

/* False: nothing left for this worker. */
static bool take_chunk(flow *f, int last, sp_chunk *chunk)
{
    bool taken = false;
    pthread_mutex_lock(&f->lock);
    while (!stopping(f)) {
        int t = choose_table(f, last);
        if (t >= 0) {
            table_state *s = &f->tables[t];
            if (!s->started_us)
                s->started_us = sp_os_monotonic_us();
            *chunk = (sp_chunk){(uint32_t)t, s->next_row, chunk_end(f, (uint32_t)t, s->next_row)};
            s->next_row = chunk->last_row;
            s->workers++;
            taken = true;
            break;
        }
        if (all_taken(f))
            break;
        pthread_cond_wait(&f->changed, &f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return taken;
}

static bool is_turn(const flow *f, const sp_chunk *chunk)
{
    if (f->sink->order == SP_ORDER_NONE)
        return true;
    for (uint32_t t = 0; f->sink->order == SP_ORDER_ALL && t < chunk->table; t++)
        if (!f->tables[t].done)
            return false;
    return f->tables[chunk->table].commit_row == chunk->first_row;
}

/* False: the run stops. No deadlock: the chunk whose turn it is was taken earlier, and its worker waits for nothing. */
static bool wait_for_turn(flow *f, const sp_chunk *chunk)
{
    if (f->sink->order == SP_ORDER_NONE)
        return true;
    pthread_mutex_lock(&f->lock);
    while (!is_turn(f, chunk) && !stopping(f))
        pthread_cond_wait(&f->changed, &f->lock);
    bool turn = is_turn(f, chunk);
    pthread_mutex_unlock(&f->lock);
    return turn;
}

static void fail(flow *f, const spate_error *err)
{
    pthread_mutex_lock(&f->lock);
    if (!atomic_load(&f->stop)) {
        f->error = *err;
        atomic_store(&f->stop, true);
    }
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void chunk_given_up(flow *f, const sp_chunk *chunk)
{
    pthread_mutex_lock(&f->lock);
    f->tables[chunk->table].workers--;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* Without the lock: the sink may sync a file here. */
static int table_done(flow *f, uint32_t table, spate_error *err)
{
    int rc = f->sink->ops->table_done ? f->sink->ops->table_done(f->sink, table, err) : SPATE_OK;
    pthread_mutex_lock(&f->lock);
    f->tables[table].done = rc == SPATE_OK;
    f->tables[table].finished_us = sp_os_monotonic_us();
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return rc;
}

/* Counts the chunk; whoever commits the last one of a table completes the table. */
static int chunk_done(flow *f, const sp_chunk *chunk, spate_error *err)
{
    pthread_mutex_lock(&f->lock);
    table_state *s = &f->tables[chunk->table];
    s->workers--;
    s->rows_done += chunk->last_row - chunk->first_row;
    s->commit_row = chunk->last_row;
    bool last = s->rows_done == s->end_row - s->first_row;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return last ? table_done(f, chunk->table, err) : SPATE_OK;
}

/* ---- a worker ---- */

static int interrupted(spate_error *err)
{
    return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
}

static int go_to_table(worker *w, uint32_t table, spate_error *err)
{
    if (w->table == (int)table)
        return SPATE_OK;
    if (w->table >= 0)
        sp_batch_done(&w->batch);
    w->table = -1;
    int rc = sp_batch_init(&w->batch, w->f->source->tables[table], err);
    if (rc == SPATE_OK)
        w->table = (int)table;
    return rc;
}

/* begin, and every batch of the chunk. */
static int make_chunk(worker *w, const sp_chunk *chunk, spate_error *err)
{
    const sp_sink_ops *sink = w->f->sink->ops;
    const sp_source_ops *source = w->f->source->ops;
    sp_batch *batch = &w->batch;
    int rc = go_to_table(w, chunk->table, err);
    if (rc == SPATE_OK)
        rc = source->seek(w->reader, chunk->table, chunk->first_row, chunk->last_row, err);
    if (rc == SPATE_OK)
        rc = sink->begin(w->lane, chunk, err);
    while (rc == SPATE_OK) {
        if (stopping(w->f))
            return interrupted(err);
        sp_batch_reset(batch);
        if (sink->lend)
            rc = sink->lend(w->lane, batch, err);
        if (rc == SPATE_OK)
            rc = source->next(w->reader, batch, err);
        if (rc != SPATE_OK || batch->rows == 0)
            break;
        rc = sink->write(w->lane, batch, err);
    }
    return rc;
}

static void back_off(unsigned attempt, const sp_chunk *chunk)
{
    uint64_t jitter = sp_bounded(sp_mix64(chunk->first_row ^ ((uint64_t)attempt << 32) ^ (uint64_t)sp_os_monotonic_us()), 512);
    sp_os_sleep_us(((int64_t)SP_FLOW_BACKOFF_US << attempt) * (int64_t)(768 + jitter) / 1024);
}

static int deliver_chunk(worker *w, const sp_chunk *chunk, spate_error *err)
{
    const sp_sink_ops *sink = w->f->sink->ops;
    for (unsigned attempt = 0;; attempt++) {
        int rc = make_chunk(w, chunk, err);
        if (rc == SPATE_OK && !wait_for_turn(w->f, chunk))
            rc = interrupted(err);
        if (rc == SPATE_OK)
            rc = sink->commit(w->lane, err);
        if (rc == SPATE_OK)
            return SPATE_OK;
        sink->rollback(w->lane);
        if (rc != SPATE_E_RETRY || attempt + 1 == SP_FLOW_ATTEMPTS_MAX)
            return rc;
        back_off(attempt, chunk);
    }
}

static void fail_chunk(worker *w, const sp_chunk *chunk, spate_error *err)
{
    chunk_given_up(w->f, chunk);
    if (err->status == SPATE_E_INTERRUPTED)
        return;
    const sp_schema *table = w->f->source->tables[chunk->table];
    sp_fail_context(err, err->status, "table \"%s\", rows %llu to %llu", table->table,
                    (unsigned long long)chunk->first_row + 1, (unsigned long long)chunk->last_row);
    fail(w->f, err);
}

static int worker_open(worker *w, spate_error *err)
{
    flow *f = w->f;
    int rc = f->source->ops->reader_open(f->source, &w->reader, err);
    return rc == SPATE_OK ? f->sink->ops->lane_open(f->sink, &w->lane, err) : rc;
}

static void worker_close(worker *w)
{
    if (w->lane)
        w->f->sink->ops->lane_close(w->lane);
    if (w->reader)
        w->f->source->ops->reader_close(w->reader);
    if (w->table >= 0)
        sp_batch_done(&w->batch);
}

static void *worker_body(void *arg)
{
    worker *w = arg;
    spate_error err = {0};
    if (worker_open(w, &err) != SPATE_OK)
        fail(w->f, &err);
    sp_chunk chunk;
    while (take_chunk(w->f, w->table, &chunk)) {
        if (deliver_chunk(w, &chunk, &err) != SPATE_OK) {
            fail_chunk(w, &chunk, &err);
            break;
        }
        if (chunk_done(w->f, &chunk, &err) != SPATE_OK)
            fail(w->f, &err);
    }
    worker_close(w);
    pthread_mutex_lock(&w->f->lock);
    w->f->running--;
    pthread_cond_signal(&w->f->left);
    pthread_mutex_unlock(&w->f->lock);
    return NULL;
}

/* ---- the run ---- */

static uint64_t part_row(uint64_t rows, uint32_t part, uint32_t parts)
{
    return sp_muldiv(rows, part, parts);
}

static void plan_tables(flow *f)
{
    uint32_t parts = SP_MAX(f->options->parts, 1u);
    for (uint32_t t = 0; t < f->n_tables; t++) {
        table_state *s = &f->tables[t];
        uint64_t rows = f->source->tables[t]->rows;
        s->first_row = part_row(rows, f->options->part, parts);
        s->end_row = part_row(rows, f->options->part + 1, parts);
        s->next_row = s->commit_row = s->first_row;
    }
}

/* Tables without rows are complete before any worker starts. */
static int finish_empty_tables(flow *f, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < f->n_tables && rc == SPATE_OK; t++)
        if (f->tables[t].first_row == f->tables[t].end_row)
            rc = table_done(f, t, err);
    return rc;
}

static void snapshot(flow *f, sp_flow_table *out)
{
    for (uint32_t t = 0; t < f->n_tables; t++) {
        const table_state *s = &f->tables[t];
        out[t] = (sp_flow_table){s->end_row - s->first_row, s->rows_done,
                                 __atomic_load_n(&f->sink->bytes_written[t], __ATOMIC_RELAXED), s->started_us, s->finished_us};
    }
}

static void tell_progress(flow *f, sp_flow_table *out)
{
    snapshot(f, out);
    if (!f->options->progress)
        return;
    pthread_mutex_unlock(&f->lock); /* the caller may take its time */
    f->options->progress(f->options->arg, out, f->n_tables);
    pthread_mutex_lock(&f->lock);
}

static struct timespec tick_from_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += (long)SP_FLOW_TICK_US * 1000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* The calling thread watches: tells progress, and wakes waiting workers when the caller asks to stop. */
static void watch(flow *f, sp_flow_table *out)
{
    pthread_mutex_lock(&f->lock);
    while (f->running > 0) {
        struct timespec tick = tick_from_now();
        pthread_cond_timedwait(&f->left, &f->lock, &tick);
        if (stopping(f))
            pthread_cond_broadcast(&f->changed);
        tell_progress(f, out);
    }
    pthread_mutex_unlock(&f->lock);
}

static unsigned worker_count(const flow *f)
{
    unsigned n = SP_MIN(SP_MAX(f->options->workers, 1u), (unsigned)SP_WORKERS_MAX);
    return f->sink->lanes_max ? SP_MIN(n, f->sink->lanes_max) : n;
}

static int run_workers(flow *f, sp_flow_table *out, spate_error *err)
{
    unsigned wanted = worker_count(f), started = 0;
    worker *workers = sp_alloc_zero(wanted, sizeof(*workers));
    if (!workers)
        return sp_fail_nomem(err);
    spate_error start_error;
    for (; started < wanted; started++) {
        workers[started].f = f;
        workers[started].table = -1;
        pthread_mutex_lock(&f->lock);
        f->running++;
        pthread_mutex_unlock(&f->lock);
        if (sp_os_thread_start(&workers[started].thread, worker_body, &workers[started], &start_error) != SPATE_OK) {
            pthread_mutex_lock(&f->lock);
            f->running--;
            pthread_mutex_unlock(&f->lock);
            fail(f, &start_error);
            break;
        }
    }
    watch(f, out);
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    sp_free(workers);
    if (atomic_load(&f->stop)) {
        if (err)
            *err = f->error;
        return f->error.status;
    }
    return SPATE_OK;
}

static bool all_done(const flow *f)
{
    for (uint32_t t = 0; t < f->n_tables; t++)
        if (!f->tables[t].done)
            return false;
    return true;
}

/* What finish could not put right goes where the user looks for what to do; the failure itself stays the first one's. */
static void add_finish_error(spate_error *err, const spate_error *finish)
{
    if (!err)
        return;
    char old[SPATE_HINT_MAX];
    memcpy(old, err->hint, sizeof(old));
    sp_error_hint(err, "after that, finishing failed too: %.*s%s%s", SPATE_HINT_MAX * 3 / 4, finish->message, *old ? "; " : "", old);
}

static int run(flow *f, sp_flow_table *out, spate_error *err)
{
    plan_tables(f);
    int rc = finish_empty_tables(f, err);
    if (rc == SPATE_OK)
        rc = run_workers(f, out, err);
    if (rc == SPATE_OK && !all_done(f))
        rc = interrupted(err);
    spate_error finish_error = {0};
    int finished = f->sink->ops->finish(f->sink, rc == SPATE_OK, &finish_error);
    snapshot(f, out);
    if (rc == SPATE_OK && finished != SPATE_OK && err)
        *err = finish_error;
    else if (finished != SPATE_OK)
        add_finish_error(err, &finish_error);
    return rc == SPATE_OK ? finished : rc;
}

int sp_flow_run(sp_source *source, sp_sink *sink, const sp_flow_options *options, sp_flow_table *tables, spate_error *err)
{
    memset(tables, 0, source->n_tables * sizeof(*tables));
    int rc = sink->ops->prepare(sink, source->tables, source->n_tables, err);
    if (rc != SPATE_OK || sink->options.dry_run)
        return rc;
    flow f = {.source = source, .sink = sink, .options = options, .n_tables = source->n_tables};
    f.tables = sp_alloc_zero(f.n_tables, sizeof(*f.tables));
    if (!f.tables)
        return sp_fail_nomem(err);
    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.changed, NULL);
    pthread_cond_init(&f.left, NULL);
    rc = run(&f, tables, err);
    pthread_cond_destroy(&f.left);
    pthread_cond_destroy(&f.changed);
    pthread_mutex_destroy(&f.lock);
    sp_free(f.tables);
    return rc;
}
