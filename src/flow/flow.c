/* flow.c - the workers and what they share.
 *
 * One mutex guards the schedule; it is taken a few times a chunk, never a row. A chunk lives in a slot, which holds the lane
 * that takes its rows:
 *
 *      take -> make (begin, fill, write ...) -> in turn? -> commit -> count, then the parked slot whose turn that made it
 *        ^       |                                |            |
 *        |       +-- SPATE_E_RETRY: rollback, ----|------------+
 *        |           back off, make again         +-- no: park the slot
 *        +------------- next -----------------------------+
 *
 * SPATE_E_DATA, where rows may be rejected, makes the chunk once more without those that are to blame (sift.h).
 *
 * Where a sink wants order there are more slots than workers, so that a worker goes on while its finished chunk waits; whoever
 * commits the chunk before commits that one too. Any failure but SPATE_E_RETRY stops the run: the first one is kept, the other
 * workers roll back and leave. */
#include "flow/flow.h"

#include "flow/pace.h"
#include "flow/sift.h"
#include "os/os.h"

#include <stdatomic.h>

typedef struct table_state {
    uint64_t first, end; /* positions of this part; end: UINT64_MAX while not known */
    uint64_t next;       /* the first that no chunk has taken */
    uint64_t turn;       /* SP_ORDER_TABLE, SP_ORDER_ALL: the position whose chunk may commit next */
    uint64_t chunk_units;
    size_t passed; /* ranges that had landed before this run, and that next has passed */
    uint64_t rows_done;
    unsigned open;    /* chunks taken and not committed */
    unsigned workers; /* making chunks of it now */
    bool reading;     /* sequential: a chunk is being made, nobody knows yet where the next one begins */
    bool done;        /* every chunk committed and table_done called */
    int64_t started_us, finished_us;
} table_state;

typedef enum slot_state { SLOT_FREE, SLOT_BUSY, SLOT_PARKED } slot_state;

typedef struct slot {
    sp_lane *lane; /* NULL: not opened yet */
    slot_state state;
    sp_chunk chunk;
    uint64_t rows;
    sp_sum sum;   /* of them, where sums are wanted and it is not sifted */
    bool made;    /* its rows are in the lane */
    bool careful; /* rows of it are to blame for a failure: it is sifted */
    sp_rejected rejected;
} slot;

typedef struct flow {
    sp_source *source;
    sp_sink *sink;
    const sp_flow_options *options;
    table_state *tables;
    uint32_t n_tables;
    slot *slots;
    unsigned n_slots;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a chunk was made or committed, a table is done, or the run stops */
    pthread_cond_t left;    /* a worker has ended */
    unsigned running;
    sp_pace rows, bytes;
    _Atomic uint64_t bytes_paced; /* of those written, what bytes has been asked for */
    _Atomic bool stop;
    spate_error error; /* the first failure */
} flow;

typedef struct worker {
    flow *f;
    pthread_t thread;
    sp_reader *reader;
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

static bool all_taken_of(const table_state *s)
{
    return !s->reading && s->next >= s->end;
}

/* With SP_ORDER_ALL only the first table that is not done can be worked on, so that the bytes come out table by table; its
 * successor may start once every chunk has been taken, because commits wait for their turn. */
static bool in_order(const flow *f, uint32_t table)
{
    if (f->sink->order != SP_ORDER_ALL)
        return true;
    for (uint32_t t = 0; t < table; t++)
        if (!all_taken_of(&f->tables[t]))
            return false;
    return true;
}

/* About how much the run has to give, landed or not. */
static double bytes_of(const flow *f, uint32_t table)
{
    const table_state *s = &f->tables[table];
    return (double)(s->end - s->first) / f->source->extents[table].units_a_row *
           sp_schema_row_bytes(f->source->tables[table]);
}

/* Is it better to go on with table t than with u? Where nothing follows a table's rows, with the one that fewer workers are at:
 * spreading over tables scales better than sharing one. Where something does, with the larger one: what follows takes the longer, and
 * can run while others still get their rows. */
static bool is_better(const flow *f, uint32_t t, uint32_t u, int last)
{
    const table_state *a = &f->tables[t], *b = &f->tables[u];
    if (!f->sink->builds_meanwhile && a->workers != b->workers)
        return a->workers < b->workers;
    if (!f->sink->builds_meanwhile)
        return (int)t == last; /* it keeps its batch */
    return bytes_of(f, t) > bytes_of(f, u);
}

static int choose_table(const flow *f, int last)
{
    int best = -1;
    for (uint32_t t = 0; t < f->n_tables; t++) {
        const table_state *s = &f->tables[t];
        bool ready = !s->reading && s->next < s->end && in_order(f, t) && parents_done(f, t);
        if (ready && (best < 0 || is_better(f, t, (uint32_t)best, last)))
            best = (int)t;
    }
    return best;
}

static bool all_taken(const flow *f)
{
    for (uint32_t t = 0; t < f->n_tables; t++)
        if (!all_taken_of(&f->tables[t]))
            return false;
    return true;
}

/* A slot that holds no chunk, with a lane if there is such a one. */
static slot *free_slot(flow *f)
{
    slot *best = NULL;
    for (unsigned i = 0; i < f->n_slots; i++)
        if (f->slots[i].state == SLOT_FREE && (!best || (!best->lane && f->slots[i].lane)))
            best = &f->slots[i];
    return best;
}

/* What of the table had landed before this run and is still ahead, or NULL. */
static const sp_chunk *landed_ahead(const flow *f, uint32_t table)
{
    const sp_landed *l = f->sink->landed ? &f->sink->landed[table] : NULL;
    return l && f->tables[table].passed < l->n ? &l->ranges[f->tables[table].passed] : NULL;
}

static void skip_landed(flow *f, uint32_t table)
{
    table_state *s = &f->tables[table];
    for (const sp_chunk *l; (l = landed_ahead(f, table)) && l->first <= s->next; s->passed++)
        s->next = SP_MIN(SP_MAX(s->next, l->last), s->end);
}

/* Chunks end at multiples of their size, counted from position 0 of the whole table, so that their borders (and with them the
 * statements of an SQL file) do not depend on workers or parts; and before what has landed. */
static uint64_t chunk_end(const flow *f, uint32_t table)
{
    const table_state *s = &f->tables[table];
    const sp_chunk *landed = landed_ahead(f, table);
    uint64_t size = s->chunk_units, end = s->next - s->next % size;
    end = UINT64_MAX - end < size ? UINT64_MAX : end + size;
    return SP_MIN(end, landed ? SP_MIN(landed->first, s->end) : s->end);
}

static void take_chunk(flow *f, uint32_t table, slot *to)
{
    table_state *s = &f->tables[table];
    if (!s->started_us)
        s->started_us = sp_os_monotonic_us();
    sp_rejected_reset(&to->rejected);
    *to = (slot){
        .lane = to->lane, .state = SLOT_BUSY, .chunk = {table, s->next, chunk_end(f, table)}, .rejected = to->rejected};
    s->reading = f->source->extents[table].sequential;
    s->next = to->chunk.last;
    if (!s->reading)
        skip_landed(f, table);
    s->open++;
    s->workers++;
}

/* A slot with the next chunk for this worker. NULL: nothing left for it. */
static slot *take(flow *f, int last)
{
    slot *taken = NULL;
    pthread_mutex_lock(&f->lock);
    while (!stopping(f) && !all_taken(f)) {
        int t = choose_table(f, last);
        taken = t >= 0 ? free_slot(f) : NULL;
        if (taken) {
            take_chunk(f, (uint32_t)t, taken);
            break;
        }
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
    return f->tables[chunk->table].turn == chunk->first;
}

/* The rows of the slot are in its lane. False: it is not its turn, and the slot is parked for whoever brings it up. */
static bool in_turn(flow *f, slot *s)
{
    if (f->sink->order == SP_ORDER_NONE)
        return true;
    pthread_mutex_lock(&f->lock);
    bool turn = is_turn(f, &s->chunk);
    if (!turn)
        s->state = SLOT_PARKED;
    pthread_mutex_unlock(&f->lock);
    return turn;
}

/* The parked slot whose turn it is, or NULL. */
static slot *next_parked(flow *f)
{
    slot *found = NULL;
    if (f->sink->order == SP_ORDER_NONE)
        return NULL;
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < f->n_slots && !found && !stopping(f); i++)
        if (f->slots[i].state == SLOT_PARKED && is_turn(f, &f->slots[i].chunk))
            found = &f->slots[i];
    if (found)
        found->state = SLOT_BUSY;
    pthread_mutex_unlock(&f->lock);
    return found;
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

/* The worker leaves the table; of a sequential one it knows now where the chunk ended. */
static void chunk_made(worker *w, slot *s)
{
    flow *f = w->f;
    pthread_mutex_lock(&f->lock);
    table_state *t = &f->tables[s->chunk.table];
    t->workers--;
    if (t->reading) {
        t->reading = false;
        s->chunk.last = t->next = w->reader->position;
        if (w->reader->at_end)
            t->end = t->next;
        skip_landed(f, s->chunk.table);
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    s->made = true;
}

static void chunk_given_up(flow *f, slot *s)
{
    pthread_mutex_lock(&f->lock);
    f->tables[s->chunk.table].workers -= !s->made;
    s->state = SLOT_FREE;
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
static int chunk_done(flow *f, slot *s, spate_error *err)
{
    sp_chunk chunk = s->chunk;
    int rc = f->options->committed ? f->options->committed(f->options->arg, &chunk, s->rows, err) : SPATE_OK;
    pthread_mutex_lock(&f->lock);
    table_state *t = &f->tables[chunk.table];
    t->rows_done += s->rows;
    if (f->options->sums) {
        f->options->sums[chunk.table].rows += s->sum.rows;
        f->options->sums[chunk.table].checksum += s->sum.checksum;
    }
    t->turn = chunk.last;
    bool last = --t->open == 0 && all_taken_of(t);
    s->state = SLOT_FREE;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return rc == SPATE_OK && last ? table_done(f, chunk.table, err) : rc;
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

/* What was written since anybody asked last. */
static uint64_t bytes_to_pace(flow *f)
{
    uint64_t written = 0;
    for (uint32_t t = 0; t < f->n_tables; t++)
        written += __atomic_load_n(&f->sink->bytes_written[t], __ATOMIC_RELAXED);
    uint64_t before = atomic_exchange(&f->bytes_paced, written);
    return written > before ? written - before : 0;
}

/* Waits until rows and bytes may go on, or the run stops. */
static void keep_pace(flow *f, uint64_t rows)
{
    enum { STEP_US = 50000 };
    if (!f->rows.rate && !f->bytes.rate)
        return;
    int64_t now = sp_os_monotonic_us(), until = now + sp_pace_take(&f->rows, rows, now);
    if (f->bytes.rate)
        until = SP_MAX(until, now + sp_pace_take(&f->bytes, bytes_to_pace(f), now));
    for (; now < until && !stopping(f); now = sp_os_monotonic_us())
        sp_os_sleep_us(SP_MIN(until - now, (int64_t)STEP_US));
}

static bool sift_stopping(void *arg)
{
    return stopping(arg);
}

static void sift_paced(void *arg, uint64_t rows)
{
    keep_pace(arg, rows);
}

static int sift_chunk(worker *w, slot *s, spate_error *err)
{
    flow *f = w->f;
    sp_sift sift = {.reader = w->reader,
                    .lane = s->lane,
                    .batch = &w->batch,
                    .chunk = s->chunk,
                    .rejects = f->options->rejects,
                    .rejected = &s->rejected,
                    .stopping = sift_stopping,
                    .keep_pace = sift_paced,
                    .arg = f};
    return sp_sift_chunk(&sift, &s->rows, err);
}

/* begin, and every batch of the chunk. */
static int make_chunk(worker *w, slot *s, spate_error *err)
{
    const sp_sink_ops *sink = w->f->sink->ops;
    const sp_source_ops *source = w->f->source->ops;
    sp_batch *batch = &w->batch;
    int rc = go_to_table(w, s->chunk.table, err);
    s->sum = (sp_sum){0};
    if (rc == SPATE_OK && s->careful)
        return sift_chunk(w, s, err);
    if (rc == SPATE_OK)
        rc = source->seek(w->reader, s->chunk.table, s->chunk.first, s->chunk.last, err);
    s->lane->careful = false;
    if (rc == SPATE_OK)
        rc = sink->begin(s->lane, &s->chunk, err);
    s->rows = 0;
    while (rc == SPATE_OK) {
        if (stopping(w->f))
            return interrupted(err);
        sp_batch_reset(batch);
        if (sink->lend)
            rc = sink->lend(s->lane, batch, err);
        if (rc == SPATE_OK)
            rc = source->next(w->reader, batch, err);
        if (rc != SPATE_OK || batch->rows == 0)
            break;
        if (w->f->options->sums)
            sp_sum_add(&s->sum, batch, batch->schema, NULL);
        rc = sink->write(s->lane, batch, err);
        s->rows += batch->rows;
        keep_pace(w->f, batch->rows);
    }
    return rc;
}

static void back_off(unsigned attempt, const sp_chunk *chunk)
{
    uint64_t jitter =
        sp_bounded(sp_mix64(chunk->first ^ ((uint64_t)attempt << 32) ^ (uint64_t)sp_os_monotonic_us()), 512);
    sp_os_sleep_us(((int64_t)SP_FLOW_BACKOFF_US << attempt) * (int64_t)(768 + jitter) / 1024);
}

/* What turned out to lie behind a file's last row has no positions, and is nothing to remember. */
static int commit_chunk(flow *f, slot *s, spate_error *err)
{
    sp_rejects *rejects = f->options->rejects;
    if (s->chunk.first == s->chunk.last) {
        f->sink->ops->rollback(s->lane);
        return SPATE_OK;
    }
    int rc = rejects ? sp_rejects_before_commit(rejects, &s->rejected, err) : SPATE_OK;
    if (rc != SPATE_OK)
        return rc;
    rc = f->sink->ops->commit(s->lane, &s->chunk, s->rows, err);
    return rejects ? sp_rejects_after_commit(rejects, &s->rejected, s->chunk.table, rc, err) : rc;
}

/* What to do about a failure: nothing more, or to make the chunk again. */
typedef enum remedy { GIVE_UP, TRY_AGAIN, SIFT } remedy;

/* Sifted rows that a commit refuses are so because of what another lane has committed meanwhile. */
static remedy remedy_for(const flow *f, const slot *s, int rc, bool committing, unsigned attempt)
{
    if (rc == SPATE_E_DATA && f->options->rejects && !s->careful)
        return SIFT;
    bool transient = rc == SPATE_E_RETRY || (rc == SPATE_E_DATA && s->careful && committing);
    return transient && attempt + 1 < SP_FLOW_ATTEMPTS_MAX ? TRY_AGAIN : GIVE_UP;
}

/* Makes the slot's chunk unless it is made, and commits it if it is its turn. A chunk made again has the borders it had. */
static int deliver(worker *w, slot *s, spate_error *err)
{
    const sp_sink_ops *sink = w->f->sink->ops;
    bool in_lane = s->made;
    for (unsigned attempt = 0;; attempt++) {
        int rc = in_lane ? SPATE_OK : make_chunk(w, s, err);
        if (rc == SPATE_OK && !s->made)
            chunk_made(w, s);
        if (rc == SPATE_OK && !in_turn(w->f, s))
            return SPATE_OK;
        bool committing = rc == SPATE_OK;
        if (committing)
            rc = commit_chunk(w->f, s, err);
        if (rc == SPATE_OK) {
            keep_pace(w->f, 0); /* sinks may count bytes only now */
            return chunk_done(w->f, s, err);
        }
        sink->rollback(s->lane);
        remedy to_do = remedy_for(w->f, s, rc, committing, attempt);
        if (to_do == GIVE_UP) {
            sp_fail_context(err, rc, "table \"%s\", %s %llu to %llu", w->f->source->tables[s->chunk.table]->table,
                            w->f->source->unit, (unsigned long long)s->chunk.first + 1,
                            (unsigned long long)s->chunk.last);
            chunk_given_up(w->f, s);
            return rc;
        }
        in_lane = false;
        s->careful |= to_do == SIFT;
        if (to_do == TRY_AGAIN)
            back_off(attempt, &s->chunk);
    }
}

static int open_lane(flow *f, slot *s, spate_error *err)
{
    int rc = s->lane ? SPATE_OK : f->sink->ops->lane_open(f->sink, &s->lane, err);
    if (rc != SPATE_OK)
        chunk_given_up(f, s);
    return rc;
}

/* Chunk after chunk, and behind each the parked ones that it kept waiting. */
static int work(worker *w, spate_error *err)
{
    flow *f = w->f;
    int rc = f->source->ops->reader_open(f->source, &w->reader, err);
    for (slot *s; rc == SPATE_OK && (s = take(f, w->table));) {
        rc = open_lane(f, s, err);
        for (; rc == SPATE_OK && s; s = next_parked(f))
            rc = deliver(w, s, err);
    }
    return rc;
}

static void *worker_body(void *arg)
{
    worker *w = arg;
    flow *f = w->f;
    spate_error err = {0};
    int rc = work(w, &err);
    if (rc != SPATE_OK && rc != SPATE_E_INTERRUPTED)
        fail(f, &err);
    if (w->reader)
        f->source->ops->reader_close(w->reader);
    if (w->table >= 0)
        sp_batch_done(&w->batch);
    pthread_mutex_lock(&f->lock);
    f->running--;
    pthread_cond_signal(&f->left);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- the run ---- */

static uint64_t part_of(uint64_t whole, uint32_t part, uint32_t parts)
{
    return sp_muldiv(whole, part, parts);
}

static void plan_tables(flow *f)
{
    uint32_t part = f->options->part, parts = SP_MAX(f->options->parts, 1u);
    for (uint32_t t = 0; t < f->n_tables; t++) {
        table_state *s = &f->tables[t];
        uint64_t end = f->source->extents[t].end;
        bool whole = f->source->extents[t].dealt;
        s->first = s->next = whole ? 0 : part_of(end, part, parts);
        s->end = whole ? end : part_of(end, part + 1, parts);
        s->chunk_units = sp_extent_units(&f->source->extents[t], f->sink->chunk_rows[t]);
        s->rows_done = f->sink->landed ? f->sink->landed[t].rows : 0;
        skip_landed(f, t);
        s->turn = s->next;
    }
}

/* Tables without anything left to do are complete before any worker starts. */
static int finish_empty_tables(flow *f, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < f->n_tables && rc == SPATE_OK; t++)
        if (all_taken_of(&f->tables[t]))
            rc = table_done(f, t, err);
    return rc;
}

static uint64_t rows_of_part(const flow *f, uint32_t table)
{
    uint64_t rows = f->source->tables[table]->rows;
    uint32_t part = f->options->part, parts = SP_MAX(f->options->parts, 1u);
    return rows == UINT64_MAX ? rows : part_of(rows, part + 1, parts) - part_of(rows, part, parts);
}

static void snapshot(flow *f, sp_flow_table *out)
{
    for (uint32_t t = 0; t < f->n_tables; t++) {
        const table_state *s = &f->tables[t];
        uint64_t rejected = f->options->rejects ? sp_rejects_of(f->options->rejects, t) : 0;
        out[t] = (sp_flow_table){.rows = rows_of_part(f, t),
                                 .rows_done = s->rows_done,
                                 .rejected = rejected,
                                 .left_out = __atomic_load_n(&f->sink->left_out[t], __ATOMIC_RELAXED),
                                 .bytes = __atomic_load_n(&f->sink->bytes_written[t], __ATOMIC_RELAXED),
                                 .started_us = s->started_us,
                                 .finished_us = s->finished_us};
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

/* The calling thread watches: tells progress, and wakes waiting workers when the caller asks to stop. */
static void watch(flow *f, sp_flow_table *out)
{
    pthread_mutex_lock(&f->lock);
    while (f->running > 0) {
        (void)sp_os_cond_wait_until(&f->left, &f->lock, sp_os_monotonic_us() + SP_FLOW_TICK_US);
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

/* A worker a lane, unless there is order to wait for. */
static int make_slots(flow *f, unsigned workers, spate_error *err)
{
    unsigned wanted = f->sink->order == SP_ORDER_NONE ? workers : workers * SP_FLOW_LANES_A_WORKER;
    unsigned n = f->sink->lanes_max ? SP_MIN(wanted, f->sink->lanes_max) : wanted;
    f->slots = sp_alloc_zero(n, sizeof(*f->slots));
    f->n_slots = f->slots ? n : 0;
    return f->slots ? SPATE_OK : sp_fail_nomem(err);
}

/* What is parked still when the run stops is given up. */
static void close_lanes(flow *f)
{
    for (unsigned i = 0; i < f->n_slots; i++) {
        slot *s = &f->slots[i];
        if (s->state == SLOT_PARKED)
            f->sink->ops->rollback(s->lane);
        if (s->lane)
            f->sink->ops->lane_close(s->lane);
        sp_rejected_done(&s->rejected);
    }
    sp_free(f->slots);
}

static int start_worker(worker *w, flow *f, spate_error *err)
{
    *w = (worker){.f = f, .table = -1};
    pthread_mutex_lock(&f->lock);
    f->running++;
    pthread_mutex_unlock(&f->lock);
    int rc = sp_os_thread_start(&w->thread, worker_body, w, err);
    if (rc == SPATE_OK)
        return rc;
    pthread_mutex_lock(&f->lock);
    f->running--;
    pthread_mutex_unlock(&f->lock);
    return rc;
}

static int run_workers(flow *f, sp_flow_table *out, spate_error *err)
{
    unsigned wanted = worker_count(f), started = 0;
    worker *workers = sp_alloc_zero(wanted, sizeof(*workers));
    int rc = workers ? make_slots(f, wanted, err) : sp_fail_nomem(err);
    spate_error start_error = {0};
    for (; rc == SPATE_OK && started < wanted; started++) {
        if (start_worker(&workers[started], f, &start_error) != SPATE_OK) {
            fail(f, &start_error);
            break;
        }
    }
    watch(f, out);
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    sp_free(workers);
    close_lanes(f);
    if (rc == SPATE_OK && atomic_load(&f->stop)) {
        if (err)
            *err = f->error;
        return f->error.status;
    }
    return rc;
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
    sp_error_hint(err, "after that, finishing failed too: %.*s%s%s", SPATE_HINT_MAX * 3 / 4, finish->message,
                  *old ? "; " : "", old);
}

static int run(flow *f, sp_flow_table *out, spate_error *err)
{
    sp_rejects *rejects = f->options->rejects;
    int rc = rejects ? sp_rejects_resume(rejects, f->source, f->sink->landed, err) : SPATE_OK;
    if (rc == SPATE_OK && f->options->prepared)
        rc = f->options->prepared(f->options->arg, err);
    plan_tables(f);
    if (rc == SPATE_OK)
        rc = finish_empty_tables(f, err);
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

int sp_flow_run(sp_source *source, sp_sink *sink, const sp_flow_options *options, sp_flow_table *tables,
                spate_error *err)
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
    sp_os_cond_init(&f.left);
    sp_pace_init(&f.rows, options->rate_rows, sp_os_monotonic_us());
    sp_pace_init(&f.bytes, options->rate_bytes, sp_os_monotonic_us());
    rc = run(&f, tables, err);
    sp_pace_done(&f.rows);
    sp_pace_done(&f.bytes);
    pthread_cond_destroy(&f.left);
    pthread_cond_destroy(&f.changed);
    pthread_mutex_destroy(&f.lock);
    sp_free(f.tables);
    return rc;
}
