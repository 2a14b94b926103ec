/* test_rejects.c - rows that a sink refuses or a source cannot read, in every way in which a sink can refuse: all other rows arrive, those
 * are in the file with their cells, and nothing is told twice, even when runs of a job end between the file's sync and the commit. */
#include "flow/flow.h"
#include "os/os.h"
#include "unit/check.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROWS_MAX = 20000, UNREADABLE = 1, REFUSED = 2, REPEATED = 3 };

static const sp_type item = {.kind = SP_TEXT};
static const sp_field fields[] = {
    {.name = "n", .type = {.kind = SP_I64}},
    {.name = "t", .type = {.kind = SP_TEXT}, .nullable = true},
    {.name = "l", .type = {.kind = SP_LIST, .item = &item}, .nullable = true},
};
static sp_schema schema = {.table = "a \"table\"", .fields = fields, .n_fields = 3};
static const sp_schema *tables[] = {&schema};

static uint8_t fault[ROWS_MAX]; /* of each row */
static uint64_t rows;
static uint64_t rng;

static uint64_t draw(uint64_t n)
{
    return sp_bounded(sp_draw(rng++, 0), n);
}

/* ---- a source whose positions are rows ---- */

typedef struct reader {
    sp_reader base;
    uint64_t next, last;
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
    ((reader *)base)->next = first;
    ((reader *)base)->last = last;
    return SPATE_OK;
}

/* Row 7 k is null, row 7 k + 1 no UTF-8. */
static sp_str text_of(uint64_t row, char text[32])
{
    if (row % 7 == 0)
        return (sp_str){0};
    int n = row % 7 == 1 ? snprintf(text, 32, "\xff%llu", (unsigned long long)row)
                         : snprintf(text, 32, "\"%llu\\", (unsigned long long)row);
    return (sp_str){text, (size_t)n};
}

static int put_row(sp_batch *b, uint64_t row)
{
    char text[32];
    sp_str s = text_of(row, text);
    uint32_t i = b->rows++;
    ((int64_t *)b->columns[0].data)[i] = (int64_t)row;
    if (s.p) {
        char list[64];
        int n = snprintf(list, sizeof(list), "{%llu,NULL}", (unsigned long long)row);
        return sp_cell_add_text(&b->columns[1], i, s) || sp_cell_read(&b->columns[2], i, (sp_str){list, (size_t)n});
    }
    sp_cell_read_null(&b->columns[1], i);
    sp_cell_read_null(&b->columns[2], i);
    return SPATE_OK;
}

static int next(sp_reader *base, sp_batch *b, spate_error *err)
{
    reader *r = (reader *)base;
    b->first_row = r->next;
    for (; r->next < r->last && b->rows < 300 && fault[r->next] != UNREADABLE; r->next++)
        if (put_row(b, r->next))
            return sp_fail_nomem(err);
    if (b->rows == 0 && r->next < r->last)
        return sp_fail(err, SPATE_E_DATA, "row %llu is none", (unsigned long long)r->next);
    return SPATE_OK;
}

static int pass_over(sp_reader *base, sp_unread *row, spate_error *err)
{
    static _Thread_local char text[32];
    reader *r = (reader *)base;
    snprintf(text, sizeof(text), "bad %llu", (unsigned long long)r->next++);
    *row = (sp_unread){.file = "f", .line = r->next, .text = sp_str_of(text)};
    return SPATE_OK;
}

static void reader_close(sp_reader *r)
{
    free(r);
}

static const sp_source_ops source_ops = {
    .reader_open = reader_open, .seek = seek, .next = next, .reader_close = reader_close, .pass_over = pass_over};
static sp_extent extents[1];
static sp_source source = {.ops = &source_ops, .tables = tables, .extents = extents, .n_tables = 1, .unit = "rows"};

/* ---- a picky sink ---- */

static uint8_t there[ROWS_MAX]; /* committed, how often */
static sp_chunk landed_ranges[ROWS_MAX];
static sp_landed landed;
static int dies_in; /* commits until one fails so that nobody knows; before or behind it */
static bool dies_behind;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct lane {
    sp_lane base;
    uint64_t took[ROWS_MAX]; /* since begin; the first kept of them for good until rollback */
    size_t n, kept;
    bool broken; /* it has refused a row, and says nothing else until rollback or undo */
} lane;

static int by_first(const void *a, const void *b)
{
    const sp_chunk *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* What had landed before the run, in order. */
static int prepare(sp_sink *s, const sp_schema *const *t, uint32_t n, spate_error *err)
{
    static sp_chunk ranges[ROWS_MAX];
    static sp_landed before;
    qsort(landed_ranges, landed.n, sizeof(*landed_ranges), by_first);
    memcpy(ranges, landed_ranges, landed.n * sizeof(*ranges));
    before = (sp_landed){ranges, landed.n, landed.rows};
    s->landed = &before;
    return SPATE_OK;
}

static int lane_open(sp_sink *s, sp_lane **out, spate_error *err)
{
    lane *l = calloc(1, sizeof(*l));
    l->base.sink = s;
    *out = &l->base;
    return SPATE_OK;
}

static int begin(sp_lane *base, const sp_chunk *chunk, spate_error *err)
{
    lane *l = (lane *)base;
    CHECK(!l->broken);
    l->n = l->kept = 0;
    return SPATE_OK;
}

/* A repeated row is refused only because the one before it in its chunk was taken. */
static bool refuses(const lane *l, uint64_t row)
{
    for (size_t i = 0; i < l->n && fault[row] == REPEATED; i++)
        if (l->took[i] + 1 == row)
            return true;
    return fault[row] == REFUSED;
}

static int look(lane *l, size_t from, spate_error *err)
{
    size_t all = l->n;
    for (l->n = from; l->n < all; l->n++)
        if (refuses(l, l->took[l->n])) {
            l->broken = true;
            return sp_fail(err, SPATE_E_DATA, "row %llu is refused", (unsigned long long)l->took[l->n]);
        }
    return SPATE_OK;
}

static int write_batch(sp_lane *base, const sp_batch *b, spate_error *err)
{
    lane *l = (lane *)base;
    size_t before = l->n;
    CHECK(!l->broken);
    for (uint32_t i = 0; i < b->rows; i++)
        l->took[l->n++] = (uint64_t)((int64_t *)b->columns[0].data)[i];
    if (base->sink->ops->check) /* this one says it later */
        return SPATE_OK;
    int rc = look(l, before, err);
    l->n = rc == SPATE_OK ? l->n : before;
    l->broken = false;
    return rc;
}

static int check(sp_lane *base, spate_error *err)
{
    lane *l = (lane *)base;
    int rc = look(l, l->kept, err);
    l->kept = rc == SPATE_OK ? l->n : l->kept;
    return rc;
}

static int undo(sp_lane *base, spate_error *err)
{
    lane *l = (lane *)base;
    l->n = l->kept;
    l->broken = false;
    return SPATE_OK;
}

static void rollback(sp_lane *base)
{
    ((lane *)base)->n = 0;
    ((lane *)base)->broken = false;
}

static int commit(sp_lane *base, const sp_chunk *chunk, uint64_t n, spate_error *err)
{
    lane *l = (lane *)base;
    int rc = look(l, l->kept, err);
    if (rc != SPATE_OK)
        return rc;
    CHECK_INT(n, l->n);
    pthread_mutex_lock(&lock);
    bool dies = --dies_in == 0;
    if (!dies || dies_behind) {
        for (size_t i = 0; i < l->n; i++)
            there[l->took[i]]++;
        landed_ranges[landed.n++] = *chunk;
        landed.rows += n;
    }
    pthread_mutex_unlock(&lock);
    return dies ? sp_fail(err, SPATE_E_UNREACHABLE, "the line was cut") : SPATE_OK;
}

static void lane_close(sp_lane *base)
{
    free(base);
}

static int finish(sp_sink *s, bool complete, spate_error *err)
{
    return SPATE_OK;
}

#define OPS \
    .prepare = prepare, .lane_open = lane_open, .begin = begin, .write = write_batch, .commit = commit, \
    .rollback = rollback, .lane_close = lane_close, .finish = finish
static const sp_sink_ops kinds[] = {
    {OPS},                               /* write says it all */
    {OPS, .check = check, .undo = undo}, /* a savepoint */
    {OPS, .check = check},               /* the whole chunk is given up */
};

/* ---- a run ---- */

static char path[64];

static void set_up(uint64_t n, unsigned per_mille)
{
    rows = schema.rows = n;
    extents[0] = (sp_extent){.end = n, .units_a_row = 1};
    memset(there, 0, sizeof(there));
    landed = (sp_landed){.ranges = landed_ranges};
    for (uint64_t i = 0; i < n; i++)
        fault[i] = draw(1000) < per_mille ? 1 + draw(3) : 0;
    dies_in = 0;
    unlink(path);
}

static int run(size_t kind, uint64_t chunk, const char *job, uint64_t max, spate_error *err)
{
    static uint64_t bytes[1], left_out[1];
    static sp_sink_deps deps[1];
    sp_flow_table out;
    sp_rejects *r = NULL;
    sp_sink sink = {
        .ops = &kinds[kind], .chunk_rows = &chunk, .deps = deps, .bytes_written = bytes, .left_out = left_out};
    int rc = sp_rejects_open(path, max, job, &r, err);
    if (rc != SPATE_OK)
        return rc;
    rc = sp_flow_run(&source, &sink, &(sp_flow_options){.workers = 1 + (unsigned)draw(3), .rejects = r}, &out, err);
    sp_rejects_close(r);
    return rc;
}

/* Every line of the file is one row that is not there; and its cells, where it has any, are that row's. */
static void check_file(void)
{
    sp_buf text = {0}, word = {0};
    static uint8_t told[ROWS_MAX];
    memset(told, 0, sizeof(told));
    if (access(path, F_OK) == 0)
        CHECK_INT(sp_os_read_file(path, 64 << 20, &text, NULL), 0);
    sp_text_form form = sp_text_form_of(SP_TEXT_NDJSON);
    form.rejected = schema.table;
    sp_rowread *reads = NULL;
    sp_batch b, like;
    CHECK_INT(sp_rowread_new(&schema, &form, NULL, 0, &reads, NULL) || sp_batch_init(&b, &schema, NULL) ||
                  sp_batch_init(&like, &schema, NULL),
              0);
    for (size_t at = 0; at < text.len;) {
        const char *line = text.data + at, *end = memchr(line, '\n', text.len - at);
        sp_rejected_line what;
        unsigned long long row = 0;
        size_t used;
        if (!CHECK(end))
            break;
        CHECK_INT(sp_reject_read((sp_str){line, (size_t)(end - line)}, &word, &what, NULL), 0);
        CHECK(sp_str_is(what.table, schema.table));
        const char *bad = strstr(line, "\"text\":\"bad ");
        sp_batch_reset(&b);
        int rc = sp_rowread_decode(reads, (sp_str){line, (size_t)(end + 1 - line)}, true, UINT64_MAX, &b, &used, NULL);
        if (bad && bad < end) {
            CHECK(sscanf(bad, "\"text\":\"bad %llu", &row) == 1 && rc == SPATE_E_DATA);
        } else {
            const char *n = strstr(line, "\"n\":\"");
            CHECK(n && n < end && sscanf(n, "\"n\":\"%llu", &row) == 1);
            sp_batch_reset(&like);
            CHECK_INT(put_row(&like, row), 0);
            CHECK_INT(rc, row % 7 == 1 ? SPATE_E_DATA : SPATE_OK); /* what is no text must be mended */
            for (uint32_t c = 1; c < 3 && rc == SPATE_OK; c++) {
                sp_buf is = {0}, should = {0};
                CHECK_INT(sp_cell_text(&b.columns[c], 0, &is) || sp_cell_text(&like.columns[c], 0, &should), 0);
                CHECK(is.len == should.len && (is.len == 0 || memcmp(is.data, should.data, is.len) == 0));
                CHECK(sp_column_null(&b.columns[c], 0) == sp_column_null(&like.columns[c], 0));
                sp_buf_done(&is);
                sp_buf_done(&should);
            }
        }
        told[row]++;
        at += (size_t)(end + 1 - line);
    }
    for (uint64_t i = 0; i < rows; i++) {
        if (there[i] + told[i] != 1)
            printf("# row %llu fault %d there %d told %d\n", (unsigned long long)i, fault[i], there[i], told[i]);
        if (!CHECK_INT(there[i] + told[i], 1) || !CHECK(!told[i] || fault[i]) ||
            !CHECK(!there[i] || fault[i] == 0 || fault[i] == REPEATED))
            break;
    }
    sp_rowread_free(reads);
    sp_batch_done(&b);
    sp_batch_done(&like);
    sp_buf_done(&text);
    sp_buf_done(&word);
}

static void good_and_rejected_are_all(void)
{
    for (size_t round = 0; round < 30; round++) {
        static const unsigned shares[] = {0, 1, 20, 300, 1000};
        set_up(1 + draw(ROWS_MAX / 4), shares[round % SP_COUNT(shares)]);
        spate_error err = {0};
        CHECK_INT(run(round % SP_COUNT(kinds), 1 + draw(5000), NULL, UINT64_MAX, &err), 0);
        check_file();
    }
}

/* Nobody knows whether the commit was done: lines stay, and the next run finds out. */
static void what_is_cut_off_is_told_once(void)
{
    for (size_t round = 0; round < 30; round++) {
        set_up(1 + draw(ROWS_MAX / 4), 30);
        int rc = SPATE_E_UNREACHABLE;
        for (int runs = 0; rc != SPATE_OK && runs < 200; runs++) {
            spate_error err = {0};
            dies_in = 1 + (int)draw(4);
            dies_behind = draw(2);
            rc = run(round % SP_COUNT(kinds), 1 + draw(1500), "job", UINT64_MAX, &err);
            CHECK(rc == SPATE_OK || rc == SPATE_E_UNREACHABLE);
        }
        CHECK_INT(rc, 0);
        check_file();
    }
}

static void one_too_many_ends_the_run(void)
{
    set_up(5000, 0);
    for (uint64_t i = 0; i < 5000; i += 100)
        fault[i] = REFUSED;
    for (size_t kind = 0; kind < SP_COUNT(kinds); kind++) {
        spate_error err = {0};
        memset(there, 0, sizeof(there));
        landed.n = 0;
        unlink(path);
        CHECK_INT(run(kind, 1000, NULL, 25, &err), SPATE_E_DATA);
        CHECK(strstr(err.message, "more than 25 rows were rejected") && strstr(err.message, "is refused"));
    }
    unlink(path);
    spate_error err = {0};
    memset(there, 0, sizeof(there));
    landed.n = 0;
    CHECK_INT(run(1, 1000, NULL, 50, &err), 0);
    CHECK_INT(run(1, 1000, NULL, 50, &err), SPATE_E_USAGE); /* the file is another run's */
    CHECK_INT(run(1, 1000, "job", 50, &err), SPATE_E_USAGE);
}

int main(void)
{
    const char *seed = getenv("SPATE_TEST_SEED");
    rng = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
    printf("# seed %llu\n", (unsigned long long)rng);
    snprintf(path, sizeof(path), "/tmp/spate-test-%d.rejects", (int)getpid());
    RUN(good_and_rejected_are_all);
    RUN(what_is_cut_off_is_told_once);
    RUN(one_too_many_ends_the_run);
    unlink(path);
    return check_done();
}
