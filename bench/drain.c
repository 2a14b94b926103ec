/* drain.c - reads every row of a source and forgets it: what a source costs without a target.
 *
 *   bench_drain URI TABLE [READERS]
 *
 * Prints rows, and seconds by the clock and by the processor, as JSON. Readers are threads that take ranges of 20,000 rows in turn. */
#include "endpoint/endpoint.h"
#include "os/os.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RANGE_ROWS = 20000, READERS_MAX = 16 };

typedef struct drain {
    sp_source *source;
    uint64_t next, rows; /* atomic */
} drain;

static void die(const spate_error *err)
{
    fprintf(stderr, "bench_drain: %s\n", err->message);
    exit(1);
}

static uint64_t read_range(sp_reader *r, sp_batch *b, uint64_t first, uint64_t last)
{
    spate_error err = {0};
    uint64_t rows = 0;
    if (r->source->ops->seek(r, 0, first, last, &err))
        die(&err);
    do {
        sp_batch_reset(b);
        if (r->source->ops->next(r, b, &err))
            die(&err);
        rows += b->rows;
    } while (b->rows);
    return rows;
}

static void *work(void *arg)
{
    drain *d = arg;
    const sp_extent *e = &d->source->extents[0];
    spate_error err = {0};
    sp_reader *r;
    sp_batch b;
    uint64_t step = e->sequential ? e->end : (uint64_t)(RANGE_ROWS * e->units_a_row), rows = 0, first;
    if (d->source->ops->reader_open(d->source, &r, &err) || sp_batch_init(&b, d->source->tables[0], &err))
        die(&err);
    while ((first = __atomic_fetch_add(&d->next, step, __ATOMIC_RELAXED)) < e->end)
        rows += read_range(r, &b, first, SP_MIN(e->end - first, step) + first);
    __atomic_fetch_add(&d->rows, rows, __ATOMIC_RELAXED);
    sp_batch_done(&b);
    d->source->ops->reader_close(r);
    return NULL;
}

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    const char *table = argv[2];
    unsigned readers = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
    sp_source_options options = {.tables = &table, .n_tables = 1, .readers = readers};
    pthread_t threads[READERS_MAX];
    spate_error err = {0};
    drain d = {0};
    if (sp_source_open(argv[1], &options, &d.source, &err))
        die(&err);
    int64_t start = sp_os_monotonic_us();
    double cpu = cpu_now();
    for (unsigned i = 0; i < readers && i < READERS_MAX; i++)
        pthread_create(&threads[i], NULL, work, &d);
    for (unsigned i = 0; i < readers && i < READERS_MAX; i++)
        pthread_join(threads[i], NULL);
    double seconds = (double)(sp_os_monotonic_us() - start) / 1e6;
    printf("{\"rows\": %llu, \"seconds\": %.4f, \"cpu\": %.4f, \"rows_per_s\": %.0f}\n", (unsigned long long)d.rows,
           seconds, cpu_now() - cpu, (double)d.rows / seconds);
    sp_source_close(d.source);
    return 0;
}
