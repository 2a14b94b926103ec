/* test_flow.c - the workers against a source and a sink that keep book: every row once, order where asked, parents first,
 * transient failures tried again, other failures and ^C leaving nothing half done; sources whose positions are not rows. */
#include "flow/flow.h"
#include "flow/pace.h"
#include "os/os.h"
#include "unit/check.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { TABLES = 4 };

static const sp_field field = {.name = "n", .type = {.kind = SP_I64}};
static sp_schema schemas[TABLES];
static const sp_schema *tables[TABLES];

/* ---- a source of row numbers ---- */

static sp_extent extents[TABLES];
enum { STRIDE = 7 }; /* sequential tables: row i is at position STRIDE * i, like lines of a file */

typedef struct reader {
    sp_reader base;
    uint64_t next, last; /* rows */
    bool sequential, at_end;
} reader;

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    reader *r = calloc(1, sizeof(*r));
    r->base.source = s;
    *out = &r->base;
    return SPATE_OK;
}

static int seek(sp_reader *base, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    reader *r = (reader *)base;
    uint64_t rows = schemas[table].rows;
    r->sequential = extents[table].sequential;
    if (r->sequential && first % STRIDE)
        return sp_fail(err, SPATE_E_BUG, "no row begins at %llu", (unsigned long long)first);
    r->next = r->sequential ? first / STRIDE : first;
    r->last = r->sequential ? SP_MIN((last + STRIDE - 1) / STRIDE, rows) : last;
    r->at_end = r->last == rows;
    return SPATE_OK;
}

static int next(sp_reader *base, sp_batch *batch, spate_error *err)
{
    reader *r = (reader *)base;
    batch->rows = (uint32_t)SP_MIN(r->last - r->next, UINT64_C(100));
    batch->first_row = r->next;
    for (uint32_t i = 0; i < batch->rows; i++)
        ((int64_t *)batch->columns[0].data)[i] = (int64_t)r->next++;
    if (batch->rows == 0 && r->sequential) {
        base->position = r->last * STRIDE;
        base->at_end = r->at_end;
    }
    return SPATE_OK;
}

static void reader_close(sp_reader *r)
{
    free(r);
}

static const sp_source_ops source_ops = {reader_open, seek, next, reader_close, NULL};

/* ---- a sink that keeps book ---- */

typedef struct book {
    sp_sink base;
    pthread_mutex_t lock;
    uint8_t *committed[TABLES]; /* how often each row */
    uint64_t last_committed[TABLES];
    bool out_of_order, parent_missing, commits_overlap;
    _Atomic int committing;
    bool done[TABLES];
    int lanes_open, finished, finished_complete;
    uint64_t fail_at; /* the n-th write fails with fail_status, 0: none */
    int fail_status;
    bool fail_finish;
    uint64_t fail_commit_at; /* the n-th commit is to be tried again, 0: none */
    _Atomic uint64_t writes, commits;
    _Atomic int fail_times;
} book;

typedef struct lane {
    sp_lane base;
    sp_chunk chunk;
    uint64_t from, got; /* rows */
    bool begun, torn;
} lane;

static int prepare(sp_sink *s, const sp_schema *const *t, uint32_t n, spate_error *err)
{
    return SPATE_OK;
}

static int lane_open(sp_sink *s, sp_lane **out, spate_error *err)
{
    book *b = (book *)s;
    lane *l = calloc(1, sizeof(*l));
    l->base.sink = s;
    pthread_mutex_lock(&b->lock);
    b->lanes_open++;
    pthread_mutex_unlock(&b->lock);
    *out = &l->base;
    return SPATE_OK;
}

static int begin(sp_lane *base, const sp_chunk *chunk, spate_error *err)
{
    lane *l = (lane *)base;
    book *b = (book *)base->sink;
    if (l->begun)
        return sp_fail(err, SPATE_E_BUG, "begun twice");
    *l = (lane){.base = l->base, .chunk = *chunk, .begun = true};
    for (uint32_t i = 0; i < b->base.deps[chunk->table].n; i++)
        if (!b->done[b->base.deps[chunk->table].tables[i]])
            b->parent_missing = true;
    return SPATE_OK;
}

static int write_batch(sp_lane *base, const sp_batch *batch, spate_error *err)
{
    lane *l = (lane *)base;
    book *b = (book *)base->sink;
    uint64_t n = atomic_fetch_add(&b->writes, 1) + 1;
    if (b->fail_at && n >= b->fail_at && atomic_fetch_sub(&b->fail_times, 1) > 0)
        return sp_fail(err, b->fail_status, "write %llu failed", (unsigned long long)n);
    if (l->got == 0)
        l->from = batch->first_row;
    for (uint32_t i = 0; i < batch->rows; i++)
        l->torn = l->torn || (uint64_t)((int64_t *)batch->columns[0].data)[i] != l->from + l->got++;
    return SPATE_OK;
}

static int commit(sp_lane *base, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    lane *l = (lane *)base;
    book *b = (book *)base->sink;
    const sp_chunk *c = chunk;
    bool sequential = extents[c->table].sequential;
    if (l->torn || rows != l->got || c->first != l->chunk.first ||
        (!sequential && (l->from != c->first || l->got != c->last - c->first)))
        return sp_fail(err, SPATE_E_BUG, "rows of the chunk are missing");
    if (atomic_fetch_add(&b->commits, 1) + 1 == b->fail_commit_at)
        return sp_fail(err, SPATE_E_RETRY, "serialization failure");
    bool alone = atomic_fetch_add(&b->committing, 1) == 0;
    pthread_mutex_lock(&b->lock);
    b->commits_overlap = b->commits_overlap || !alone;
    b->out_of_order = b->out_of_order || (l->got && l->from != b->last_committed[c->table]);
    for (uint32_t t = 0; t < c->table; t++)
        if (b->base.order == SP_ORDER_ALL && !b->done[t])
            b->out_of_order = true;
    b->last_committed[c->table] = l->from + l->got;
    for (uint64_t r = l->from; r < l->from + l->got; r++)
        b->committed[c->table][r]++;
    pthread_mutex_unlock(&b->lock);
    atomic_fetch_sub(&b->committing, 1);
    l->begun = false;
    return SPATE_OK;
}

static void rollback(sp_lane *base)
{
    ((lane *)base)->begun = false;
}

static void lane_close(sp_lane *base)
{
    book *b = (book *)base->sink;
    pthread_mutex_lock(&b->lock);
    b->lanes_open--;
    pthread_mutex_unlock(&b->lock);
    free(base);
}

static int table_done(sp_sink *s, uint32_t table, spate_error *err)
{
    ((book *)s)->done[table] = true;
    return SPATE_OK;
}

static int finish(sp_sink *s, bool complete, spate_error *err)
{
    book *b = (book *)s;
    b->finished++;
    b->finished_complete += complete;
    if (b->fail_finish)
        return sp_fail(err, SPATE_E_UNREACHABLE, "keys are still away");
    return b->lanes_open ? sp_fail(err, SPATE_E_BUG, "finish while lanes are open") : SPATE_OK;
}

static const sp_sink_ops sink_ops = {.prepare = prepare,
                                     .lane_open = lane_open,
                                     .begin = begin,
                                     .write = write_batch,
                                     .commit = commit,
                                     .rollback = rollback,
                                     .lane_close = lane_close,
                                     .table_done = table_done,
                                     .finish = finish};

/* ---- a run ---- */

static uint64_t chunk_rows[TABLES] = {1000, 700, 333, 100000};
static uint64_t bytes[TABLES], left_out[TABLES];
static sp_sink_deps deps[TABLES];
static sp_source source = {&source_ops, tables, extents, TABLES, "rows"};

static void set_up(book *b, uint64_t rows, sp_order order)
{
    *b = (book){.base = {.ops = &sink_ops,
                         .order = order,
                         .chunk_rows = chunk_rows,
                         .deps = deps,
                         .bytes_written = bytes,
                         .left_out = left_out}};
    pthread_mutex_init(&b->lock, NULL);
    memset(deps, 0, sizeof(deps));
    for (uint32_t t = 0; t < TABLES; t++) {
        static const char *const names[TABLES] = {"a", "b", "c", "d"};
        schemas[t] = (sp_schema){.table = names[t], .fields = &field, .n_fields = 1, .rows = t == 2 ? 0 : rows};
        tables[t] = &schemas[t];
        extents[t] = (sp_extent){.end = schemas[t].rows, .units_a_row = 1};
        b->committed[t] = calloc(rows + 1, 1);
    }
}

/* Of the rows that were committed, one after the other. */
static sp_sum sum_of(const book *b, uint32_t t)
{
    sp_sum sum = {0};
    sp_batch batch;
    CHECK_INT(sp_batch_init(&batch, tables[t], NULL), 0);
    for (uint64_t r = 0; r < schemas[t].rows; r++) {
        sp_batch_reset(&batch);
        *(int64_t *)batch.columns[0].data = (int64_t)r;
        batch.rows = 1;
        for (unsigned times = 0; times < b->committed[t][r]; times++)
            sp_sum_add(&sum, &batch, tables[t], NULL);
    }
    sp_batch_done(&batch);
    return sum;
}

static int run(book *b, sp_flow_options o, spate_error *err)
{
    sp_flow_table out[TABLES];
    sp_sum sums[TABLES] = {0};
    o.sums = sums;
    int rc = sp_flow_run(&source, &b->base, &o, out, err);
    for (uint32_t t = 0; t < TABLES; t++) { /* what flow says is done is what was committed */
        uint64_t n = 0;
        for (uint64_t r = 0; r < schemas[t].rows; r++)
            n += b->committed[t][r];
        sp_sum sum = sum_of(b, t);
        CHECK_INT(out[t].rows_done, n);
        CHECK_INT(sums[t].rows, n - (b->base.landed ? b->base.landed[t].rows : 0));
        CHECK(b->base.landed || sums[t].checksum == sum.checksum);
    }
    return rc;
}

static void tear_down(book *b)
{
    pthread_mutex_destroy(&b->lock);
    for (uint32_t t = 0; t < TABLES; t++)
        free(b->committed[t]);
}

static bool every_row_once(const book *b, uint64_t rows)
{
    for (uint32_t t = 0; t < TABLES; t++)
        for (uint64_t r = 0; r < schemas[t].rows; r++)
            if (b->committed[t][r] != 1)
                return false;
    return true;
}

static void every_row_arrives_once(void)
{
    static const sp_order orders[] = {SP_ORDER_NONE, SP_ORDER_TABLE, SP_ORDER_ALL};
    for (size_t o = 0; o < SP_COUNT(orders); o++)
        for (unsigned workers = 1; workers <= 8; workers *= 2) {
            book b;
            set_up(&b, 20000, orders[o]);
            spate_error err;
            CHECK_INT(run(&b, (sp_flow_options){.workers = workers}, &err), 0);
            CHECK(every_row_once(&b, 20000));
            CHECK(b.finished == 1 && b.finished_complete == 1);
            CHECK(orders[o] == SP_ORDER_NONE || !b.out_of_order);
            CHECK(orders[o] != SP_ORDER_ALL || !b.commits_overlap);
            tear_down(&b);
        }
}

static void parents_come_first(void)
{
    static uint32_t a[] = {0}, bc[] = {1, 2};
    book b;
    set_up(&b, 30000, SP_ORDER_NONE);
    deps[1] = (sp_sink_deps){a, 1};
    deps[3] = (sp_sink_deps){bc, 2};
    spate_error err;
    CHECK_INT(run(&b, (sp_flow_options){.workers = 4}, &err), 0);
    CHECK(!b.parent_missing && every_row_once(&b, 30000));
    tear_down(&b);
}

static void a_rate_is_kept(void)
{
    book b;
    set_up(&b, 4000, SP_ORDER_NONE); /* three tables have that many */
    spate_error err;
    int64_t start = sp_os_monotonic_us();
    CHECK_INT(run(&b, (sp_flow_options){.workers = 4, .rate_rows = 40000}, &err), 0);
    int64_t took = sp_os_monotonic_us() - start;
    CHECK(every_row_once(&b, 4000));
    CHECK(took >= 200000); /* 12,000 rows take 300 ms, less the 100 ms that may be saved up */
    CHECK(took < 20000000);
    tear_down(&b);
}

/* With a clock of its own: however it is asked, no more goes through than the rate and a tenth of a second allow. */
static void a_pace_is_exact(void)
{
    for (uint64_t step = 1; step <= 5000; step = step * 3 + 1) {
        sp_pace p;
        int64_t now = 1000;
        uint64_t taken = 0;
        sp_pace_init(&p, 10000, now);
        for (unsigned i = 0; i < 2000; i++) {
            int64_t wait = sp_pace_take(&p, step, now);
            taken += step;
            now += wait + (i % 500 == 499 ? 3000000 : 0); /* a pause now and then, of which no more than 100 ms count */
            double most = 10000 * ((double)(now - 1000) / 1e6) + 1;
            CHECK((double)taken <= most);
        }
        double pauses = 4 * 2.9, seconds = (double)(now - 1000) / 1e6;
        CHECK((double)taken >= 10000 * (seconds - pauses - 0.5) - (double)step);
        sp_pace_done(&p);
    }
}

static void parts_make_the_whole(void)
{
    book b;
    set_up(&b, 10007, SP_ORDER_NONE);
    spate_error err;
    sp_flow_table out[TABLES];
    for (uint32_t part = 0; part < 3; part++) {
        sp_flow_options o = {.workers = 2, .part = part, .parts = 3};
        memset(b.done, 0, sizeof(b.done));
        CHECK_INT(sp_flow_run(&source, &b.base, &o, out, &err), 0);
    }
    CHECK(every_row_once(&b, 10007));
    tear_down(&b);
}

static void transient_failures_are_tried_again(void)
{
    book b;
    set_up(&b, 5000, SP_ORDER_TABLE);
    b.fail_at = 7;
    b.fail_times = 3;
    b.fail_status = SPATE_E_RETRY;
    spate_error err;
    CHECK_INT(run(&b, (sp_flow_options){.workers = 2}, &err), 0);
    CHECK(every_row_once(&b, 5000) && b.fail_times <= 0);
    tear_down(&b);
}

static void a_failure_stops_the_run_and_is_told(void)
{
    for (uint64_t nth = 1; nth < 120; nth += 13) {
        book b;
        set_up(&b, 5000, SP_ORDER_NONE);
        b.fail_at = nth;
        b.fail_times = 1;
        b.fail_status = SPATE_E_DATA;
        spate_error err = {0};
        CHECK_INT(run(&b, (sp_flow_options){.workers = 3}, &err), SPATE_E_DATA);
        CHECK(strncmp(err.message, "table \"", 7) == 0 && strstr(err.message, ", rows ") &&
              strstr(err.message, "failed"));
        CHECK(b.finished == 1 && b.finished_complete == 0);
        tear_down(&b);
    }
}

static void what_finish_could_not_mend_is_told_too(void)
{
    book b;
    set_up(&b, 100000, SP_ORDER_NONE);
    b.fail_at = b.fail_times = 1;
    b.fail_status = SPATE_E_DATA;
    b.fail_finish = true;
    spate_error err;
    CHECK_INT(run(&b, (sp_flow_options){.workers = 2}, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "write 1 failed") && strstr(err.hint, "keys are still away"));
    tear_down(&b);
    set_up(&b, 100000, SP_ORDER_NONE);
    b.fail_finish = true;
    CHECK_INT(run(&b, (sp_flow_options){.workers = 2}, &err), SPATE_E_UNREACHABLE);
    CHECK_STR(err.message, "keys are still away");
    tear_down(&b);
}

static void retries_end(void)
{
    book b;
    set_up(&b, 100, SP_ORDER_NONE);
    b.fail_at = 1;
    b.fail_times = 1000;
    b.fail_status = SPATE_E_RETRY;
    spate_error err;
    CHECK_INT(run(&b, (sp_flow_options){.workers = 1}, &err), SPATE_E_RETRY);
    CHECK_INT(1000 - b.fail_times, SP_FLOW_ATTEMPTS_MAX);
    tear_down(&b);
}

/* Whoever brings a parked chunk up makes it again, too. */
static void commits_are_tried_again(void)
{
    for (uint64_t nth = 1; nth < 40; nth += 3) {
        book b;
        set_up(&b, 20000, SP_ORDER_TABLE);
        b.fail_commit_at = nth;
        spate_error err;
        CHECK_INT(run(&b, (sp_flow_options){.workers = 3}, &err), 0);
        CHECK(every_row_once(&b, 20000) && !b.out_of_order);
        tear_down(&b);
    }
}

/* ---- positions that are not rows ---- */

static void set_up_sequential(book *b, uint64_t rows, sp_order order)
{
    set_up(b, rows, order);
    for (uint32_t t = 0; t < TABLES; t++)
        extents[t] =
            (sp_extent){.end = t == 1 ? rows * STRIDE : UINT64_MAX, .units_a_row = STRIDE - 0.4, .sequential = true};
    extents[1].sequential = false;
    extents[1].end = rows;
    extents[1].units_a_row = 1;
}

static void tables_without_a_known_end_arrive_whole(void)
{
    static const sp_order orders[] = {SP_ORDER_NONE, SP_ORDER_TABLE, SP_ORDER_ALL};
    for (size_t o = 0; o < SP_COUNT(orders); o++)
        for (unsigned workers = 1; workers <= 4; workers *= 2) {
            book b;
            set_up_sequential(&b, 20000, orders[o]);
            b.fail_commit_at = 5;
            spate_error err = {0};
            CHECK_INT(run(&b, (sp_flow_options){.workers = workers}, &err), 0);
            CHECK(every_row_once(&b, 20000) && b.finished_complete == 1);
            CHECK(orders[o] == SP_ORDER_NONE || !b.out_of_order);
            tear_down(&b);
        }
}

/* ---- going on where a run was stopped ---- */

typedef struct diary {
    sp_chunk chunks[1000];
    uint64_t rows[1000];
    size_t n, stop_after;
    pthread_mutex_t lock;
} diary;

static int write_diary(void *arg, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    diary *d = arg;
    pthread_mutex_lock(&d->lock);
    d->chunks[d->n] = *chunk;
    d->rows[d->n++] = rows;
    bool stop = d->n == d->stop_after;
    pthread_mutex_unlock(&d->lock);
    return stop ? sp_fail(err, SPATE_E_IO, "the diary is full") : SPATE_OK;
}

static int compare_chunks(const void *a, const void *b)
{
    const sp_chunk *x = a, *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* The diary's chunks of a table, neighbours joined. */
static size_t spans_of(const diary *d, uint32_t table, sp_chunk *spans)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        const sp_chunk *c = &d->chunks[i];
        if (c->table == table && n > 0 && spans[n - 1].last == c->first)
            spans[n - 1].last = c->last;
        else if (c->table == table)
            spans[n++] = *c;
    }
    return n;
}

static void a_stopped_run_goes_on(void)
{
    static const sp_order orders[] = {SP_ORDER_NONE, SP_ORDER_TABLE, SP_ORDER_ALL};
    for (size_t o = 0; o < SP_COUNT(orders); o++)
        for (size_t stop_after = 1; stop_after < 50; stop_after += 6) {
            book b;
            set_up(&b, 20000, orders[o]);
            diary d = {.stop_after = stop_after};
            pthread_mutex_init(&d.lock, NULL);
            spate_error err;
            CHECK_INT(run(&b, (sp_flow_options){.workers = 3, .committed = write_diary, .arg = &d}, &err), SPATE_E_IO);
            qsort(d.chunks, d.n, sizeof(d.chunks[0]), compare_chunks);
            sp_landed landed[TABLES];
            static sp_chunk spans[TABLES][1000];
            for (uint32_t t = 0; t < TABLES; t++) {
                landed[t] = (sp_landed){spans[t], spans_of(&d, t, spans[t]), 0};
                for (size_t i = 0; i < landed[t].n; i++)
                    landed[t].rows += spans[t][i].last - spans[t][i].first;
                CHECK(orders[o] == SP_ORDER_NONE || landed[t].n <= 1);
            }
            chunk_rows[0] *= 3; /* what another machine's sink might want */
            b.base.landed = landed;
            CHECK_INT(run(&b, (sp_flow_options){.workers = 2}, &err), 0);
            chunk_rows[0] /= 3;
            CHECK(every_row_once(&b, 20000) && b.finished_complete == 1);
            CHECK(orders[o] == SP_ORDER_NONE || !b.out_of_order);
            pthread_mutex_destroy(&d.lock);
            tear_down(&b);
        }
}

static int cancel_asked;

static void cancel_at_first_progress(void *arg, const sp_flow_table *t, uint32_t n)
{
    __atomic_store_n(&cancel_asked, 1, __ATOMIC_RELAXED);
}

static void cancelling_leaves_whole_chunks(void)
{
    cancel_asked = 0;
    book b;
    set_up(&b, 40000000, SP_ORDER_TABLE);
    schemas[1].rows = schemas[3].rows = extents[1].end = extents[3].end = 1000;
    spate_error err;
    sp_flow_options o = {.workers = 2, .cancel = &cancel_asked, .progress = cancel_at_first_progress};
    CHECK_INT(run(&b, o, &err), SPATE_E_INTERRUPTED);
    CHECK(b.finished == 1 && b.finished_complete == 0 && !b.out_of_order);
    CHECK_INT(b.last_committed[0] % chunk_rows[0], 0);
    tear_down(&b);
}

static void threads_that_do_not_start_are_told(void)
{
    for (uint64_t nth = 1; nth <= 3; nth++) {
        book b;
        set_up(&b, 100000, SP_ORDER_NONE);
        sp_os_fail_at(SP_OS_THREAD, nth, 11);
        spate_error err;
        CHECK_INT(run(&b, (sp_flow_options){.workers = 3}, &err), SPATE_E_IO);
        CHECK(strstr(err.message, "could not start a thread"));
        CHECK_INT(b.lanes_open, 0);
        tear_down(&b);
    }
}

int main(void)
{
    RUN(every_row_arrives_once);
    RUN(parents_come_first);
    RUN(a_rate_is_kept);
    RUN(a_pace_is_exact);
    RUN(parts_make_the_whole);
    RUN(transient_failures_are_tried_again);
    RUN(a_failure_stops_the_run_and_is_told);
    RUN(what_finish_could_not_mend_is_told_too);
    RUN(retries_end);
    RUN(commits_are_tried_again);
    RUN(tables_without_a_known_end_arrive_whole);
    RUN(a_stopped_run_goes_on);
    RUN(cancelling_leaves_whole_chunks);
    RUN(threads_that_do_not_start_are_told);
    return check_done();
}
