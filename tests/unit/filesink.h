/* filesink.h - for tests of sinks that write database files: a file a test, lanes that write
 * specimens, and questions asked back. The test program defines SCHEME ("duckdb", "sqlite"), WANTED
 * (the specimens' column of expected text) and LANES. */
#ifndef FILESINK_H
#define FILESINK_H

#include "check.h"
#include "endpoint/endpoint.h"
#include "os/os.h"
#include "spate/query.h"
#include "specimens.h"

#include <unistd.h>

static char dir[64], file[96], uri[128];

static void fresh_file(const char *query)
{
    static int n;
    snprintf(file, sizeof(file), "%s/t%d." SCHEME, dir, n++);
    snprintf(uri, sizeof(uri), SCHEME ":%s%s", file, query);
}

/* ---- asking ---- */

typedef struct answer {
    char text[4096]; /* cells ended by |, rows by a new line, NULL as ~; the names are left out */
    size_t len;
    uint64_t rows;
} answer;

static int take_row(void *arg, const spate_cell *cells, size_t n)
{
    answer *a = arg;
    if (a->rows++ == 0)
        return 0;
    for (size_t i = 0; i < n && a->len + cells[i].len + 4 < sizeof(a->text); i++) {
        memcpy(a->text + a->len, cells[i].text ? cells[i].text : "~", cells[i].text ? cells[i].len : 1);
        a->len += cells[i].text ? cells[i].len : 1;
        a->text[a->len++] = '|';
    }
    a->text[a->len++] = '\n';
    return 0;
}

static const char *ask(const char *sql)
{
    static answer a;
    spate_error err = {0};
    char plain[128];
    snprintf(plain, sizeof(plain), SCHEME ":%s", file);
    memset(&a, 0, sizeof(a));
    if (spate_query(plain, sql, take_row, &a, &err) != SPATE_OK)
        snprintf(a.text, sizeof(a.text), "error: %s", err.message);
    else if (a.len)
        a.text[a.len - 1] = '\0';
    return a.text;
}

/* ---- loading ---- */

static int open_sink(sp_sink_options options, const sp_schema *const *tables, uint32_t n, sp_sink **sink,
                     spate_error *err)
{
    *sink = NULL;
    *err = (spate_error){0};
    int rc = sp_sink_open(uri, &options, sink, err);
    return rc == SPATE_OK ? (*sink)->ops->prepare(*sink, tables, n, err) : rc;
}

static int write_rows(sp_lane *lane, sp_batch *batch, uint64_t first, uint64_t last, spate_error *err)
{
    const sp_sink_ops *ops = lane->sink->ops;
    int rc = SPATE_OK;
    while (rc == SPATE_OK && first < last) {
        uint32_t n = (uint32_t)SP_MIN(last - first, (uint64_t)SP_BATCH_ROWS_MAX);
        sp_batch_reset(batch);
        rc = ops->lend ? ops->lend(lane, batch, err) : SPATE_OK;
        specimen_batch(batch, first, n);
        if (rc == SPATE_OK)
            rc = ops->write(lane, batch, err);
        first += n;
    }
    return rc;
}

typedef struct lane_work {
    sp_sink *sink;
    const sp_schema *schema;
    uint64_t first, last, step;
    spate_error err;
    int rc;
} lane_work;

static void *run_lane(void *arg)
{
    lane_work *w = arg;
    const sp_sink_ops *ops = w->sink->ops;
    sp_lane *lane = NULL;
    sp_batch batch;
    w->rc = sp_batch_init(&batch, w->schema, &w->err);
    if (w->rc == SPATE_OK)
        w->rc = ops->lane_open(w->sink, &lane, &w->err);
    for (uint64_t at = w->first; at < w->last && w->rc == SPATE_OK; at += w->step) {
        sp_chunk chunk = {0, at, SP_MIN(at + w->step, w->last)};
        w->rc = ops->begin(lane, &chunk, &w->err);
        if (w->rc == SPATE_OK)
            w->rc = write_rows(lane, &batch, chunk.first, chunk.last, &w->err);
        if (w->rc == SPATE_OK)
            w->rc = ops->commit(lane, &chunk, chunk.last - chunk.first, &w->err);
        if (w->rc != SPATE_OK)
            ops->rollback(lane);
    }
    if (lane)
        ops->lane_close(lane);
    sp_batch_done(&batch);
    return NULL;
}

static int finish_and_close(sp_sink *sink, bool complete, spate_error *err)
{
    int rc = sink->ops->finish(sink, complete, err);
    sp_sink_close(sink);
    return rc;
}

/* ---- a table of every kind ---- */

typedef struct compared {
    uint64_t row;
    int wrong;
} compared;

static int compare_row(void *arg, const spate_cell *cells, size_t n)
{
    compared *c = arg;
    if (c->row++ == 0)
        return 0;
    uint64_t row = c->row - 2;
    for (uint32_t i = 0; i < SPECIMEN_COLUMNS && i + 1 < n; i++) {
        const char *want = specimen_null(i, row) ? NULL : specimens[i].WANTED[specimen_at(i, row)];
        const spate_cell *got = &cells[i + 1];
        bool same = want ? got->text && got->len == strlen(want) && memcmp(got->text, want, got->len) == 0 : !got->text;
        if (!same && c->wrong++ < 10)
            printf("# row %llu column %s: got \"%.*s\", expected \"%s\"\n", (unsigned long long)row,
                   specimens[i].field.name, got->text ? (int)got->len : 4, got->text ? got->text : "NULL",
                   want ? want : "NULL");
    }
    return 0;
}

static void check_specimens(uint64_t rows)
{
    compared c = {0};
    spate_error err = {0};
    char plain[128];
    snprintf(plain, sizeof(plain), SCHEME ":%s", file);
    CHECK_INT(spate_query(plain, "SELECT * FROM every ORDER BY id; -- all", compare_row, &c, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_INT(c.row, rows + 1);
    CHECK_INT(c.wrong, 0);
}

static void load_specimens(sp_sink_options options, uint64_t rows, uint64_t step)
{
    sp_arena arena;
    sp_sink *sink;
    spate_error err;
    sp_arena_init(&arena);
    const sp_schema *schema = specimen_schema(&arena, "every", rows);
    CHECK_INT(open_sink(options, &schema, 1, &sink, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_STR(err.detail, "");
    uint64_t share = (rows / LANES + step - 1) / step * step; /* whole chunks */
    lane_work works[LANES];
    pthread_t threads[LANES];
    for (int i = 0; i < LANES; i++) {
        uint64_t first = SP_MIN(share * (uint64_t)i, rows), last = i + 1 < LANES ? SP_MIN(first + share, rows) : rows;
        works[i] = (lane_work){sink, schema, first, last, step, {0}, 0};
        CHECK_INT(sp_os_thread_start(&threads[i], run_lane, &works[i], &err), SPATE_OK);
    }
    for (int i = 0; i < LANES; i++) {
        pthread_join(threads[i], NULL);
        CHECK_STR(works[i].err.message, "");
    }
    CHECK(sink->bytes_written[0] > rows * 100);
    CHECK_INT(finish_and_close(sink, true, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    sp_arena_done(&arena);
}

/* ---- a table of a few columns ---- */

static const sp_field plain_fields[] = {{"id", {SP_I64}, false},
                                        {"amount", {SP_DECIMAL, 12, 2}, false},
                                        {"seen", {SP_TIMESTAMPTZ}, false},
                                        {"note", {SP_TEXT}, false}};
static const uint32_t plain_key[] = {0};
static const sp_schema plain = {
    .table = "plain", .fields = plain_fields, .n_fields = 4, .primary_key = plain_key, .n_primary_key = 1, .rows = 3};

static void plain_batch(sp_batch *batch, const int64_t ids[3], const char *const notes[3])
{
    sp_batch_reset(batch);
    batch->columns[3].offsets[0] = 0;
    for (uint32_t r = 0; r < 3; r++) {
        ((int64_t *)batch->columns[0].data)[r] = ids[r];
        ((int64_t *)batch->columns[1].data)[r] = 1000 * ids[r] + 5;
        ((int64_t *)batch->columns[2].data)[r] = 1000000 * ids[r];
        put_string(&batch->columns[3], r, notes[r], strlen(notes[r]));
    }
    batch->rows = 3;
}

static int load_plain(sp_sink_options options, const int64_t ids[3], const char *const notes[3], bool commit,
                      spate_error *err)
{
    const sp_schema *schema = &plain;
    sp_sink *sink;
    sp_lane *lane = NULL;
    sp_batch batch;
    int rc = open_sink(options, &schema, 1, &sink, err);
    if (rc == SPATE_OK)
        rc = sp_batch_init(&batch, schema, err);
    if (rc == SPATE_OK) {
        sp_chunk chunk = {0, 0, 3};
        rc = sink->ops->lane_open(sink, &lane, err);
        if (rc == SPATE_OK)
            rc = sink->ops->begin(lane, &chunk, err);
        plain_batch(&batch, ids, notes);
        if (rc == SPATE_OK)
            rc = sink->ops->write(lane, &batch, err);
        if (rc == SPATE_OK && commit)
            rc = sink->ops->commit(lane, &chunk, 3, err);
        if (lane)
            sink->ops->rollback(lane);
        sink->ops->lane_close(lane);
        sp_batch_done(&batch);
        int end = sink->ops->finish(sink, rc == SPATE_OK && commit, err);
        rc = rc == SPATE_OK ? end : rc;
    }
    sp_sink_close(sink);
    return rc;
}

static const int64_t ids123[] = {1, 2, 3};
static const char *const notes123[] = {"one", "two, and a bit longer", "three"};

/* ---- the program's frame ---- */

static int make_dir(void)
{
    spate_error err = {0};
    snprintf(dir, sizeof(dir), "/tmp/spate-test-" SCHEME "-%d", (int)getpid());
    return sp_os_make_dirs(dir, &err);
}

static int remove_dir(void)
{
    char command[96];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) != 0;
}

#endif
