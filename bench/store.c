/* store.c - a store against its peers, in one process: rows of a plan are read into memory once, and then written and scanned by each
 * side in turn, round after round. Every scan must come to the same sum of the bits of all cells.
 *
 *   store wind|sensor|sparse FILE.spate DIR ROUNDS [SIDE...]
 *
 * prints one line of JSON a round and side (twice, of a scan); with names of sides, of those alone and without databases. */
#include "store_data.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static spate_error err;

static void ok(int status)
{
    if (status == SPATE_OK)
        return;
    fprintf(stderr, "bench_store: %s\n", err.message);
    exit(1);
}

/* ---- rows ---------------------------------------------------------------------------------------- */

static unsigned width_of(spate_kind kind)
{
    return kind == SPATE_I16 ? 2 : kind == SPATE_I32 || kind == SPATE_F32 || kind == SPATE_DATE ? 4 : 8;
}

/* Singles become doubles: that is how such rows come. */
static spate_kind kind_of(spate_kind kind)
{
    return kind == SPATE_F32 ? SPATE_F64 : kind;
}

static void layout(shape *s, const spate_column_def *columns, size_t n, bool nulls)
{
    size_t at = 0;
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        spate_type type = columns[i].type;
        type.kind = kind_of(type.kind);
        s->widths[i] = width_of(type.kind);
        s->names[i] = (unsigned)i;
        at = (at + s->widths[i] - 1) / s->widths[i] * s->widths[i];
        s->fields[i] = (spate_record_field){strdup(columns[i].name), type, at};
        at += s->widths[i];
    }
    s->null_bits = nulls ? (at + 7) / 8 * 8 : SPATE_NO_NULLS;
    s->stride = nulls ? s->null_bits + (n + 63) / 64 * 8 : (at + 3) / 4 * 4;
}

static void fill_column(const rows *r, size_t f, const spate_column *c, size_t first, size_t n)
{
    const shape *s = &r->shapes[0];
    char *to = r->bytes + first * s->stride;
    for (size_t i = 0; i < n; i++, to += s->stride) {
        if (c->validity && !(c->validity[i >> 3] >> (i & 7) & 1))
            continue;
        if (c->type.kind == SPATE_F32) {
            double d = (double)((const float *)c->data)[i];
            memcpy(to + s->fields[f].offset, &d, 8);
        } else {
            memcpy(to + s->fields[f].offset, (const char *)c->data + i * s->widths[f], s->widths[f]);
        }
        if (s->null_bits != SPATE_NO_NULLS)
            to[s->null_bits + f / 8] |= (char)(1 << (f & 7));
    }
}

static void load(rows *r, const char *path)
{
    spate_store *store;
    spate_table t;
    spate_scan *scan;
    uint32_t n;
    ok(spate_store_open(path, false, &store, &err));
    ok(spate_store_table(store, 0, &t, &err));
    bool nulls = false;
    for (size_t i = 0; i < t.n_columns; i++)
        nulls |= t.columns[i].nullable;
    layout(&r->shapes[0], t.columns, t.n_columns, nulls);
    r->n_shapes = 1;
    r->n = t.rows;
    r->size = r->n * r->shapes[0].stride;
    r->bytes = calloc(1, r->size + 64);
    if (!r->bytes)
        die("memory");
    ok(spate_scan_open(store, &(spate_scan_options){0}, &scan, &err));
    for (size_t at = 0; spate_scan_next(scan, &n, &err) == SPATE_OK && n; at += n)
        for (uint32_t f = 0; f < spate_scan_columns(scan); f++) {
            spate_column c;
            ok(spate_scan_read(scan, f, 0, n, &c, &err));
            fill_column(r, f, &c, at, n);
        }
    spate_scan_close(scan);
    spate_table_done(&t);
    spate_store_close(store);
}

/* The sparse case: seventeen shapes of 41 of the fields, the time and the turbine always among them; which shape is a matter of the
 * turbine. A row in fifty is missing. */
static void make_sparse(const rows *wide, rows *r, size_t n)
{
    enum { FIELDS = 41 };
    const shape *w = &wide->shapes[0];
    r->n_shapes = SHAPES_MAX;
    for (unsigned k = 0; k < SHAPES_MAX; k++) {
        shape *s = &r->shapes[k];
        s->n = FIELDS;
        s->null_bits = SPATE_NO_NULLS;
        s->stride = FIELDS * 8;
        for (unsigned f = 0; f < FIELDS; f++) {
            unsigned from = f < 2 ? f : 2 + (k * 37 + f * 15 + f * f % 7) % 610; /* those that are dense */
            s->names[f] = from;
            s->fields[f] = (spate_record_field){w->fields[from].name, w->fields[from].type, f * 8};
            s->widths[f] = 8;
        }
        for (unsigned f = 2; f < FIELDS; f++) /* each once */
            for (unsigned g = 2; g < f; g++)
                if (s->names[g] == s->names[f]) {
                    s->names[f] = 2 + (s->names[f] - 1) % 610;
                    s->fields[f] =
                        (spate_record_field){w->fields[s->names[f]].name, w->fields[s->names[f]].type, f * 8};
                    g = 1;
                }
    }
    r->n = n;
    r->of = malloc(n);
    r->size = n * FIELDS * 8;
    r->bytes = malloc(r->size);
    if (!r->of || !r->bytes)
        die("memory");
    char *to = r->bytes;
    uint64_t state = 1, at = 0;
    for (size_t i = 0; i < n; i++, at++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        at += (state >> 33) % 50 == 0;
        const char *from = wide->bytes + at % wide->n * w->stride;
        r->of[i] = (uint8_t)(cell_bits(from + w->fields[1].offset, 8) % SHAPES_MAX);
        const shape *s = &r->shapes[r->of[i]];
        for (unsigned f = 0; f < FIELDS; f++, to += 8)
            memcpy(to, from + w->fields[s->names[f]].offset, 8);
        uint64_t ts = 1704067200000000u + at * 1000000; /* rows are in order of time */
        memcpy(to - FIELDS * 8, &ts, 8);
    }
}

static void sum_rows(rows *r)
{
    const char *p = r->bytes;
    r->sum = r->one_sum = 0;
    for (size_t i = 0; i < r->n; i++) {
        const shape *s = &r->shapes[r->of ? r->of[i] : 0];
        for (size_t f = 0; f < s->n; f++) {
            if (s->null_bits != SPATE_NO_NULLS && !(p[s->null_bits + f / 8] >> (f & 7) & 1))
                continue;
            uint64_t bits = cell_bits(p + s->fields[f].offset, s->widths[f]);
            r->sum += bits;
            r->one_sum += s->names[f] == r->one ? bits : 0;
        }
        p += s->stride;
    }
}

/* ---- the store ------------------------------------------------------------------------------------ */

typedef struct worker {
    pthread_t thread;
    const rows *r;
    spate_store *store;
    spate_scan *scan;
    uint32_t table;
    size_t first, last;
    uint64_t sum;
} worker;

static void *append(void *arg)
{
    worker *w = arg;
    const rows *r = w->r;
    spate_appender *a;
    spate_record *record[SHAPES_MAX];
    ok(spate_appender_open(w->store, w->table, &a, &err));
    for (unsigned k = 0; k < r->n_shapes; k++)
        ok(spate_record_define(a, r->shapes[k].fields, r->shapes[k].n, r->shapes[k].null_bits, &record[k], &err));
    const char *p = r->bytes + w->first * r->shapes[0].stride; /* all strides are alike */
    if (!r->of)
        ok(spate_append_records(a, record[0], p, r->shapes[0].stride, w->last - w->first, &err));
    for (size_t i = w->first; r->of && i < w->last; i++, p += r->shapes[0].stride)
        ok(spate_append_records(a, record[r->of[i]], p, r->shapes[0].stride, 1, &err));
    ok(spate_appender_flush(a, &err));
    spate_appender_close(a);
    return NULL;
}

static took store_write(const rows *r, const char *path, unsigned threads, bool sync)
{
    took t = {0};
    worker w[2];
    uint32_t table;
    spate_store *s;
    unlink(path);
    double start = seconds_now(), cpu = cpu_now();
    ok(spate_store_create(path, 4096, &s, &err));
    static spate_column_def columns[FIELDS_MAX]; /* rows of one shape have a declared table */
    for (size_t i = 0; i < r->shapes[0].n; i++)
        columns[i] = (spate_column_def){r->shapes[0].fields[i].name, r->shapes[0].fields[i].type, true};
    ok(spate_store_add_table(s, "t", columns, r->n_shapes == 1 ? r->shapes[0].n : 0, &table, &err));
    for (unsigned i = 0; i < threads; i++) {
        w[i] =
            (worker){.r = r, .store = s, .table = table, .first = r->n * i / threads, .last = r->n * (i + 1) / threads};
        if (i + 1 < threads)
            pthread_create(&w[i].thread, NULL, append, &w[i]);
        else
            append(&w[i]);
    }
    for (unsigned i = 0; i + 1 < threads; i++)
        pthread_join(w[i].thread, NULL);
    if (sync)
        ok(spate_store_finish(s, &err));
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    if (!sync)
        ok(spate_store_finish(s, &err)); /* its syncs are no part of a write to the cache */
    spate_store_close(s);
    struct stat st;
    if (stat(path, &st) != 0)
        die(path);
    t.bytes = (uint64_t)st.st_size;
    return t;
}

static void *scan_all(void *arg)
{
    enum { STEP = 2048 };
    worker *w = arg;
    uint32_t n;
    while (ok(spate_scan_next(w->scan, &n, &err)), n)
        for (uint32_t c = 0; c < spate_scan_columns(w->scan); c++)
            for (uint32_t at = 0; at < n; at += STEP) {
                spate_column out;
                uint32_t some = n - at < STEP ? n - at : STEP;
                ok(spate_scan_read(w->scan, c, at, some, &out, &err));
                w->sum += sum_cells(out.data, some, width_of(out.type.kind), out.validity);
            }
    return NULL;
}

static took store_scan(const char *path, const char *field, unsigned threads, bool unverified)
{
    took t = {0};
    worker w[2] = {{0}};
    spate_store *s;
    double start = seconds_now(), cpu = cpu_now();
    ok(spate_store_open(path, false, &s, &err));
    ok(spate_scan_open(s, &(spate_scan_options){.fields = &field, .n_fields = field != NULL, .unverified = unverified},
                       &w[0].scan, &err));
    if (threads > 1) {
        ok(spate_scan_share(w[0].scan, &w[1].scan, &err));
        pthread_create(&w[1].thread, NULL, scan_all, &w[1]);
    }
    scan_all(&w[0]);
    if (threads > 1)
        pthread_join(w[1].thread, NULL);
    t.sum = w[0].sum + w[1].sum;
    spate_scan_close(w[0].scan);
    spate_scan_close(w[1].scan);
    spate_store_close(s);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}

/* Cell by cell of each record, as whoever visits rows does. */
static uint64_t sum_records(const spate_rows *x)
{
    const char *p = x->records;
    uint64_t sum = 0;
    bool wide = x->null_bits == x->n_fields * 8; /* no field is narrower */
    for (size_t r = 0; r < x->rows; r++, p += x->stride) {
        const uint8_t *bits = (const uint8_t *)p + x->null_bits;
        if (wide)
            sum += sum_cells(p, x->n_fields, 8, bits);
        for (size_t f = 0; !wide && f < x->n_fields; f++)
            sum +=
                bits[f >> 3] >> (f & 7) & 1 ? cell_bits(p + x->fields[f].offset, width_of(x->fields[f].type.kind)) : 0;
    }
    return sum;
}

static took store_rows(const char *path)
{
    took t = {0};
    spate_store *s;
    spate_cursor *c;
    spate_rows rows;
    double start = seconds_now(), cpu = cpu_now();
    ok(spate_store_open(path, false, &s, &err));
    ok(spate_cursor_open(s, &(spate_scan_options){0}, &c, &err));
    while (ok(spate_cursor_next_rows(c, &rows, &err)), rows.rows)
        t.sum += sum_records(&rows);
    spate_cursor_close(c);
    spate_store_close(s);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}

static took store_values(const char *path)
{
    took t = {0};
    spate_store *s;
    spate_cursor *c;
    const spate_value *v;
    size_t n;
    double start = seconds_now(), cpu = cpu_now();
    ok(spate_store_open(path, false, &s, &err));
    ok(spate_cursor_open(s, &(spate_scan_options){0}, &c, &err));
    while (ok(spate_cursor_next(c, &v, &n, NULL, &err)), v)
        for (size_t i = 0; i < n; i++)
            t.sum += v[i].as.u;
    spate_cursor_close(c);
    spate_store_close(s);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}

static void evict(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fsync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        die(path);
    close(fd);
}

/* A narrow field of rows all over, changed to another row's value; deferred hashing, one flush. */
static took store_set(const rows *r, const char *path, unsigned field, size_t sets)
{
    took t = {0};
    spate_store *s;
    spate_updater *u;
    spate_value v = {.kind = (uint8_t)r->shapes[0].fields[field].type.kind};
    double start = seconds_now(), cpu = cpu_now();
    ok(spate_store_open(path, true, &s, &err));
    ok(spate_store_name(s, r->shapes[0].fields[field].name, &v.name, &err));
    ok(spate_updater_open(s, 0, &u, &err));
    for (size_t i = 0; i < sets; i++) {
        v.as.i = (int64_t)(i % 100);
        ok(spate_updater_set(u, i * 5 % r->n, &v, &err));
    }
    ok(spate_updater_flush(u, &err));
    spate_updater_close(u);
    spate_store_close(s);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}

/* ---- the run --------------------------------------------------------------------------------------- */

static void tell(const rows *r, const char *side, took t)
{
    printf(
        "{\"side\": \"%s\", \"rows\": %zu, \"seconds\": %.6f, \"cpu\": %.6f, \"rows_per_s\": %.0f, \"bytes\": %llu}\n",
        side, r->n, t.seconds, t.cpu, (double)r->n / t.seconds, (unsigned long long)t.bytes);
    fflush(stdout);
}

/* Of as many rows as a database got. */
static void tell_some(const rows *r, const char *side, took t)
{
    rows some = {.n = database_rows(r)};
    tell(&some, side, t);
}

static void check_sum(const char *side, took t, uint64_t want)
{
    if (t.sum == want)
        return;
    fprintf(stderr, "bench_store: %s: the sum is %llx, not %llx\n", side, (unsigned long long)t.sum,
            (unsigned long long)want);
    exit(1);
}

typedef struct trial {
    const rows *r;
    const char *field; /* the one that is read alone */
    char of_struct[512], of_arrow[512], of_seed[512], of_store[512];
} trial;

/* Writes: from records in memory to a closed file in the page cache, or on the disk where synced. */
static took write_struct(const trial *t)
{
    return struct_write(t->r, t->of_struct, false);
}
static took write_struct_synced(const trial *t)
{
    return struct_write(t->r, t->of_struct, true);
}
static took write_store(const trial *t)
{
    return store_write(t->r, t->of_store, 1, false);
}
static took write_store_2(const trial *t)
{
    return store_write(t->r, t->of_store, 2, false);
}
static took write_store_synced(const trial *t)
{
    return store_write(t->r, t->of_store, 1, true);
}
static took write_seed(const trial *t)
{
    return seed_write(t->r, t->of_seed, false);
}
static took write_arrow(const trial *t)
{
    return arrow_write(t->r, t->of_arrow, false);
}

/* Scans: from a file in the page cache, opened and closed again, to the sum of all cells; one: of those of one field. The store checks
 * every hash but where it is said not to; no peer has any. All sum columns by the same loop (sum_cells); seed's and struct's rows are
 * summed cell by cell as they lie. told: with what Arrow's readers make of a batch's metadata. */
static took scan_struct(const trial *t)
{
    return struct_scan(t->r, t->of_struct);
}
static took scan_store(const trial *t)
{
    return store_scan(t->of_store, NULL, 1, false);
}
static took scan_store_unverified(const trial *t)
{
    return store_scan(t->of_store, NULL, 1, true);
}
static took scan_store_2(const trial *t)
{
    return store_scan(t->of_store, NULL, 2, false);
}
static took scan_seed(const trial *t)
{
    return seed_scan(t->r, t->of_seed, -1);
}
static took scan_arrow(const trial *t)
{
    return arrow_scan(t->r, t->of_arrow, -1);
}
static took scan_arrow_told(const trial *t)
{
    return arrow_told_scan(t->r, t->of_arrow, -1);
}
static took one_store(const trial *t)
{
    return store_scan(t->of_store, t->field, 1, false);
}
static took one_seed(const trial *t)
{
    return seed_scan(t->r, t->of_seed, (int)t->r->one);
}
static took one_arrow(const trial *t)
{
    return arrow_scan(t->r, t->of_arrow, (int)t->r->one);
}
static took one_arrow_told(const trial *t)
{
    return arrow_told_scan(t->r, t->of_arrow, (int)t->r->one);
}

/* Row after row through a cursor: records, a handful at a call; values, a row at a call. To compare with the seed's scan, which is
 * row after row as well. */
static took rows_store(const trial *t)
{
    return store_rows(t->of_store);
}
static took values_store(const trial *t)
{
    return store_values(t->of_store);
}

static took one_cold(const trial *t)
{
    evict(t->of_store);
    return one_store(t);
}

enum { SETS = 5000000 };

static took set_store(const trial *t)
{
    took took = store_set(t->r, t->of_store, 2, SETS);
    write_store(t); /* what was set would change later sums */
    return took;
}

typedef enum sum { NO_SUM, OF_ALL, OF_ONE } sum;
typedef enum whose { ALL_ROWS, OF_ONE_SHAPE, SENSORS } whose; /* rows that a side is for */

typedef struct side {
    const char *name;
    took (*run)(const trial *);
    sum sum;
    whose whose;
} side;

/* A round goes through them in this order, so that what is compared is near each other in time. */
static const side sides[] = {
    {"struct write", write_struct, NO_SUM, ALL_ROWS},
    {"store write", write_store, NO_SUM, ALL_ROWS},
    {"store write 2", write_store_2, NO_SUM, ALL_ROWS},
    {"seed write", write_seed, NO_SUM, ALL_ROWS},
    {"arrow write", write_arrow, NO_SUM, OF_ONE_SHAPE},
    {"struct write synced", write_struct_synced, NO_SUM, ALL_ROWS},
    {"store write synced", write_store_synced, NO_SUM, ALL_ROWS},
    {"struct scan", scan_struct, OF_ALL, ALL_ROWS},
    {"store scan", scan_store, OF_ALL, ALL_ROWS},
    {"store scan unverified", scan_store_unverified, OF_ALL, ALL_ROWS},
    {"store scan 2", scan_store_2, OF_ALL, ALL_ROWS},
    {"arrow scan", scan_arrow, OF_ALL, OF_ONE_SHAPE},
    {"arrow told scan", scan_arrow_told, OF_ALL, OF_ONE_SHAPE},
    {"seed scan", scan_seed, OF_ALL, ALL_ROWS},
    {"store rows", rows_store, OF_ALL, ALL_ROWS},
    {"store values", values_store, OF_ALL, ALL_ROWS},
    {"store one", one_store, OF_ONE, ALL_ROWS},
    {"arrow one", one_arrow, OF_ONE, OF_ONE_SHAPE},
    {"arrow told one", one_arrow_told, OF_ONE, OF_ONE_SHAPE},
    {"seed one", one_seed, OF_ONE, ALL_ROWS},
    {"store one cold", one_cold, OF_ONE, ALL_ROWS},
    {"store set", set_store, NO_SUM, SENSORS},
};
enum { SIDES = sizeof sides / sizeof *sides };

static bool is_named(const char *name, char **names)
{
    if (!*names)
        return true;
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names;
}

static bool is_for(whose whose, const rows *r)
{
    return whose == ALL_ROWS || (r->n_shapes == 1 && (whose == OF_ONE_SHAPE || r->shapes[0].n == 3));
}

static void run_side(const side *s, const trial *t)
{
    took took = s->run(t);
    if (s->sum != NO_SUM)
        check_sum(s->name, took, s->sum == OF_ALL ? t->r->sum : t->r->one_sum);
    rows of = {.n = s->run == set_store ? SETS : t->r->n};
    tell(&of, s->name, took);
}

static void unlink_all(const trial *t)
{
    unlink(t->of_struct);
    unlink(t->of_arrow);
    unlink(t->of_seed);
    unlink(t->of_store);
}

/* Every file is written once before, to be there for scans and so that no side is the first one in fresh memory. Scans come twice a
 * round: what was just synced may still be on its way. */
static void rounds(const rows *r, const char *dir, const char *name, int n, char **names)
{
    trial t = {.r = r};
    snprintf(t.of_struct, sizeof t.of_struct, "%s/%s.struct", dir, name);
    snprintf(t.of_arrow, sizeof t.of_arrow, "%s/%s.arrow", dir, name);
    snprintf(t.of_seed, sizeof t.of_seed, "%s/%s.seed", dir, name);
    snprintf(t.of_store, sizeof t.of_store, "%s/%s.store", dir, name);
    for (size_t f = 0; f < r->shapes[0].n; f++)
        if (r->shapes[0].names[f] == r->one)
            t.field = r->shapes[0].fields[f].name;
    write_struct(&t);
    write_store(&t);
    write_seed(&t);
    if (is_for(OF_ONE_SHAPE, r))
        write_arrow(&t);
    for (int i = 0; i < n; i++)
        for (unsigned pass = 0; pass < 2; pass++)
            for (unsigned s = 0; s < SIDES; s++)
                if (is_for(sides[s].whose, r) && is_named(sides[s].name, names) &&
                    (pass == 0 || sides[s].sum != NO_SUM))
                    run_side(&sides[s], &t);
    unlink_all(&t);
}

/* Databases take so long that once will do. */
static void databases(const rows *r, const char *dir, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.database", dir, name);
    tell_some(r, "sqlite write", sqlite_write(r, path));
    took t = sqlite_scan(r, path);
    if (database_rows(r) == r->n)
        check_sum("sqlite scan", t, r->sum);
    tell_some(r, "sqlite scan", t);
    unlink(path);
#ifdef HAVE_DUCKDB
    tell_some(r, "duckdb write", duckdb_write(r, path));
    tell_some(r, "duckdb sum", duckdb_sum(r, path));
    unlink(path);
#endif
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bench_store wind|sensor|sparse FILE.spate DIR ROUNDS [SIDE...]\n");
        return 2;
    }
    static rows wide, sparse;
    load(&wide, argv[2]);
    rows *r = &wide;
    wide.one = wide.shapes[0].n > 300 ? 350 : 1;
    if (strcmp(argv[1], "sparse") == 0) {
        make_sparse(&wide, &sparse, 1000000);
        free(wide.bytes);
        r = &sparse;
        r->one = r->shapes[0].names[20];
    }
    sum_rows(r);
    rounds(r, argv[3], argv[1], atoi(argv[4]), argv + 5);
    if (argc == 5)
        databases(r, argv[3], argv[1]);
    return 0;
}
