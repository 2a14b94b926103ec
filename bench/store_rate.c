/* store_rate.c - the store's own rates: a table's blocks scanned, and its batches, which then lie in memory, appended to a new store.
 *
 *   bench_store_rate FILE.spate TABLE NEW.spate
 *
 * One thread, nothing but the store's calls. Prints rows, and seconds by the clock and by the processor of either, as JSON. */
#include "endpoint/endpoint.h"
#include "os/os.h"
#include "store/append.h"
#include "store/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static spate_error err;

static void ok(int status)
{
    if (status == SPATE_OK)
        return;
    fprintf(stderr, "bench_store_rate: %s\n", err.message);
    exit(1);
}

typedef struct rows {
    const sp_schema *schema;
    sp_batch *batches;
    size_t n, cap;
    uint64_t rows;
} rows;

static void read_all(sp_source *s, rows *to)
{
    sp_reader *r;
    ok(s->ops->reader_open(s, &r, &err));
    ok(s->ops->seek(r, 0, 0, s->extents[0].end, &err));
    to->schema = s->tables[0];
    for (uint32_t got = 1; got; to->n += got > 0) {
        if (to->n == to->cap) {
            to->cap = to->cap ? 2 * to->cap : 64;
            to->batches = realloc(to->batches, to->cap * sizeof(*to->batches));
        }
        sp_batch *b = &to->batches[to->n];
        ok(sp_batch_init(b, to->schema, &err));
        ok(s->ops->next(r, b, &err));
        got = b->rows;
        to->rows += got;
    }
    s->ops->reader_close(r);
}

static void scan(const char *path, const char *table)
{
    spate_store *store;
    spate_scan *scan;
    uint32_t n, number;
    ok(spate_store_open(path, false, &store, &err));
    ok(spate_store_find_table(store, table, &number, &err));
    ok(spate_scan_open(store, &(spate_scan_options){.table = number}, &scan, &err));
    while (spate_scan_next(scan, &n, &err) == SPATE_OK && n)
        for (uint32_t f = 0; f < spate_scan_columns(scan); f++) {
            spate_column c;
            ok(spate_scan_read(scan, f, 0, n, &c, &err));
        }
    spate_scan_close(scan);
    spate_store_close(store);
}

static void append(const rows *r, const char *path)
{
    spate_store *store;
    spate_appender *a;
    uint32_t number;
    ok(sp_store_create(path, 0, &store, &err));
    ok(sp_store_add_table(store, r->schema, &number, &err));
    ok(spate_appender_open(store, number, &a, &err));
    for (size_t i = 0; i < r->n; i++)
        ok(sp_append_columns(a, r->batches[i].columns, 0, r->batches[i].rows, &err));
    ok(spate_appender_flush(a, &err));
    spate_appender_close(a);
    ok(sp_store_finish(store, &err));
    sp_store_close(store);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const char *table = argv[2];
    sp_source *source;
    rows r = {0};
    ok(sp_source_open(argv[1], &(sp_source_options){.tables = &table, .n_tables = 1, .readers = 1}, &source, &err));
    read_all(source, &r);
    double wall[3], cpu[3];
    for (int i = 0; i < 3; i++) {
        wall[i] = now(CLOCK_MONOTONIC);
        cpu[i] = now(CLOCK_PROCESS_CPUTIME_ID);
        if (i == 0)
            scan(argv[1], table);
        else if (i == 1)
            append(&r, argv[3]);
    }
    printf("{\"rows\": %llu, \"scan_s\": %.4f, \"scan_cpu\": %.4f, \"write_s\": %.4f, \"write_cpu\": %.4f}\n",
           (unsigned long long)r.rows, wall[1] - wall[0], cpu[1] - cpu[0], wall[2] - wall[1], cpu[2] - cpu[1]);
    sp_source_close(source);
    return 0;
}
