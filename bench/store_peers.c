/* store_peers.c - what a store is measured against, written for these rows alone: records as they lie in memory; columns in batches as
 * Arrow has them; and rows as the seed of the idea had them: a name of two bytes, a type, the shortest number, field after field. */
#include "store_data.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 20, BATCH = 4096 };

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

_Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

int create_file(const char *path)
{
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
    if (fd < 0)
        die(path);
    return fd;
}

void write_all(int fd, const void *p, size_t n)
{
    const char *from = p;
    while (n > 0) {
        ssize_t put = write(fd, from, n < PIECE ? n : PIECE);
        if (put < 0)
            die("write");
        from += put;
        n -= (size_t)put;
    }
}

const char *map_file(const char *path, size_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        die(path);
    *size = (size_t)st.st_size;
    const char *p = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        die("mmap");
    close(fd);
    return p;
}

void finish_file(int fd, bool sync, took *t)
{
    struct stat st;
    if ((sync && fsync(fd) != 0) || fstat(fd, &st) != 0 || close(fd) != 0)
        die("close");
    t->bytes = (uint64_t)st.st_size;
}

__attribute__((target_clones("avx2", "default"))) static uint64_t sum_8(const uint64_t *v, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    return sum;
}

__attribute__((target_clones("avx2", "default"))) static uint64_t sum_4(const int32_t *v, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)(int64_t)v[i];
    return sum;
}

__attribute__((target_clones("avx2", "default"))) static uint64_t sum_2(const int16_t *v, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)(int64_t)v[i];
    return sum;
}

/* Sixty-four from base on; those behind the last of n are set. */
static uint64_t bits_at(const uint8_t *bits, size_t base, size_t n)
{
    uint64_t word = 0;
    if (n - base >= 64)
        return memcpy(&word, bits + base / 8, 8), word;
    memcpy(&word, bits + base / 8, (n - base + 7) / 8);
    return word | UINT64_MAX << (n - base);
}

uint64_t sum_cells(const void *p, size_t n, unsigned width, const uint8_t *bits)
{
    if (!bits)
        return width == 8 ? sum_8(p, n) : width == 4 ? sum_4(p, n) : sum_2(p, n);
    uint64_t sum = 0;
    for (size_t base = 0, to; base < n; base = to) {
        uint64_t word = bits_at(bits, base, n);
        for (to = base + 64; word == UINT64_MAX && to < n && bits_at(bits, to, n) == UINT64_MAX;)
            to += 64;
        if (word == UINT64_MAX)
            sum += sum_cells((const char *)p + base * width, (to < n ? to : n) - base, width, NULL);
        else
            for (; word; word &= word - 1) {
                size_t i = base + (size_t)__builtin_ctzll(word);
                sum += i < n ? cell_bits((const char *)p + i * width, width) : 0;
            }
    }
    return sum;
}

/* ---- records ------------------------------------------------------------------------------------- */

took struct_write(const rows *r, const char *path, bool sync)
{
    took t = {0};
    double start = seconds_now(), cpu = cpu_now();
    int fd = create_file(path);
    write_all(fd, r->bytes, r->size);
    finish_file(fd, sync, &t);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}

static uint64_t sum_record(const shape *s, const char *p)
{
    uint64_t sum = 0;
    const uint8_t *bits = s->null_bits == SPATE_NO_NULLS ? NULL : (const uint8_t *)p + s->null_bits;
    if (s->widths[0] == 8 && s->widths[s->n - 1] == 8)
        return sum_cells(p + s->fields[0].offset, s->n, 8, bits);
    for (size_t f = 0; f < s->n; f++)
        sum += !bits || bits[f >> 3] >> (f & 7) & 1 ? cell_bits(p + s->fields[f].offset, s->widths[f]) : 0;
    return sum;
}

took struct_scan(const rows *r, const char *path)
{
    took t = {0};
    double start = seconds_now(), cpu = cpu_now();
    const char *file = map_file(path, &t.bytes), *p = file;
    for (size_t i = 0; i < r->n; i++) {
        const shape *s = &r->shapes[r->of ? r->of[i] : 0];
        t.sum += sum_record(s, p);
        p += s->stride;
    }
    munmap((void *)(uintptr_t)file, t.bytes);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}

/* ---- columns in batches: all cells' bits, then all cells ------------------------------------------- */

/* In front of each batch, as Arrow's files say it of each column: how many cells and nulls; where bits and cells lie, and how long. */
typedef struct told {
    int64_t length, nulls;
    struct {
        int64_t at, bytes;
    } bits, cells;
} told;

static size_t told_bytes(const shape *s)
{
    return (s->n * sizeof(told) + 63) / 64 * 64;
}

static size_t batch_bytes(const shape *s)
{
    size_t bytes = told_bytes(s);
    for (size_t f = 0; f < s->n; f++)
        bytes += (size_t)BATCH / 8 + (size_t)BATCH * s->widths[f];
    return bytes;
}

static char *put_column(char *p, const shape *s, size_t f, const char *records, size_t n)
{
    memset(p, 0xff, BATCH / 8);
    for (size_t i = 0; s->null_bits != SPATE_NO_NULLS && i < n; i++)
        if (!(records[i * s->stride + s->null_bits + f / 8] >> (f & 7) & 1))
            p[i >> 3] &= (char)~(1 << (i & 7));
    p += BATCH / 8;
    const char *from = records + s->fields[f].offset;
    if (s->widths[f] == 8)
        for (size_t i = 0; i < n; i++)
            memcpy(p + i * 8, from + i * s->stride, 8);
    else if (s->widths[f] == 4)
        for (size_t i = 0; i < n; i++)
            memcpy(p + i * 4, from + i * s->stride, 4);
    else
        for (size_t i = 0; i < n; i++)
            memcpy(p + i * 2, from + i * s->stride, 2);
    return p + (size_t)BATCH * s->widths[f];
}

static void tell_column(char *to, size_t n, int64_t at, int64_t bytes)
{
    told t = {.length = (int64_t)n, .nulls = -1, .bits = {at, BATCH / 8}, .cells = {at + BATCH / 8, bytes - BATCH / 8}};
    memcpy(to, &t, sizeof t);
}

took arrow_write(const rows *r, const char *path, bool sync)
{
    took t = {0};
    const shape *s = &r->shapes[0];
    size_t bytes = batch_bytes(s);
    char *buffer = malloc(bytes);
    double start = seconds_now(), cpu = cpu_now();
    int fd = create_file(path);
    for (size_t at = 0; at < r->n; at += BATCH) {
        size_t n = r->n - at < BATCH ? r->n - at : BATCH;
        char *p = buffer + told_bytes(s);
        for (size_t f = 0; f < s->n; f++) {
            char *from = p;
            p = put_column(p, s, f, r->bytes + at * s->stride, n);
            tell_column(buffer + f * sizeof(told), n, from - buffer, p - from);
        }
        write_all(fd, buffer, bytes);
    }
    finish_file(fd, sync, &t);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    free(buffer);
    return t;
}

static bool all_ones(const uint8_t *bits)
{
    uint64_t words[BATCH / 64], all = UINT64_MAX;
    memcpy(words, bits, sizeof words);
    for (size_t i = 0; i < BATCH / 64; i++)
        all &= words[i];
    return all == UINT64_MAX;
}

took arrow_scan(const rows *r, const char *path, int one)
{
    took t = {0};
    const shape *s = &r->shapes[0];
    double start = seconds_now(), cpu = cpu_now();
    const char *file = map_file(path, &t.bytes), *p = file;
    for (size_t at = 0; at < r->n; at += BATCH) {
        size_t n = r->n - at < BATCH ? r->n - at : BATCH;
        p += told_bytes(s);
        for (size_t f = 0; f < s->n; f++) {
            const uint8_t *bits = (const uint8_t *)p;
            p += BATCH / 8;
            if (one < 0 || (size_t)one == f)
                t.sum += sum_cells(p, n, s->widths[f], all_ones(bits) ? NULL : bits);
            p += (size_t)BATCH * s->widths[f];
        }
    }
    munmap((void *)(uintptr_t)file, t.bytes);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}

/* A column of a batch as Arrow's C data interface has it: an array of its own, with its buffers, released when the batch is done. */
typedef struct array {
    int64_t length, nulls, offset, n_buffers, n_children;
    const void **buffers;
    struct array **children;
    struct array *dictionary;
    void (*release)(struct array *);
    void *own;
} array;

static void release(array *a)
{
    free(a->buffers);
    for (int64_t i = 0; i < a->n_children; i++) {
        a->children[i]->release(a->children[i]);
        free(a->children[i]);
    }
    free(a->children);
    a->release = NULL;
}

static array *view_column(const told *t, const char *batch, size_t left)
{
    if (t->bits.at < 0 || t->cells.at < t->bits.at || t->cells.bytes < 0 ||
        (uint64_t)t->cells.at + (uint64_t)t->cells.bytes > left || t->length > BATCH)
        die("a batch");
    array *a = calloc(1, sizeof *a);
    const void **buffers = malloc(2 * sizeof *buffers);
    if (!a || !buffers)
        die("memory");
    buffers[0] = batch + t->bits.at;
    buffers[1] = batch + t->cells.at;
    *a = (array){.length = t->length, .nulls = t->nulls, .n_buffers = 2, .buffers = buffers, .release = release};
    return a;
}

took arrow_told_scan(const rows *r, const char *path, int one)
{
    took t = {0};
    const shape *s = &r->shapes[0];
    size_t bytes = batch_bytes(s);
    double start = seconds_now(), cpu = cpu_now();
    const char *file = map_file(path, &t.bytes);
    for (const char *p = file; p < file + t.bytes; p += bytes) {
        array batch = {.n_children = (int64_t)s->n, .children = malloc(s->n * sizeof(array *)), .release = release};
        for (size_t f = 0; f < s->n; f++) {
            told of;
            memcpy(&of, p + f * sizeof of, sizeof of);
            batch.children[f] = view_column(&of, p, (size_t)(file + t.bytes - p));
        }
        for (size_t f = 0; f < s->n; f++) {
            const array *a = batch.children[f];
            if (one < 0 || (size_t)one == f)
                t.sum += sum_cells(a->buffers[1], (size_t)a->length, s->widths[f],
                                   all_ones(a->buffers[0]) ? NULL : a->buffers[0]);
        }
        batch.release(&batch);
    }
    munmap((void *)(uintptr_t)file, t.bytes);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}

/* ---- the seed's rows: size (24 bits), fields (16), then name (16), type (8), value --------------------- */

enum { SEED_INT = 8, SEED_F32 = 25, SEED_F64 = 26, OBJECT_MAX = 64 << 10, RECORD = 64 << 20 };

/* Type 8 + n: a signed integer of n bytes. */
static char *put_int(char *p, int64_t v)
{
    uint64_t magnitude = (uint64_t)(v < 0 ? ~v : v);
    unsigned bytes = magnitude ? (unsigned)(64 - __builtin_clzll(magnitude)) / 8 + 1 : 1;
    *p++ = (char)(SEED_INT + bytes);
    memcpy(p, &v, 8);
    return p + bytes;
}

static char *put_seed_cell(char *p, const char *cell, unsigned width, spate_kind kind)
{
    double d;
    if (kind != SPATE_F64)
        return put_int(p, (int64_t)cell_bits(cell, width));
    memcpy(&d, cell, 8);
    if (d == floor(d) && fabs(d) < 9e15 && !(d == 0 && signbit(d)))
        return put_int(p, (int64_t)d);
    float f = (float)d;
    if ((double)f == d) {
        *p++ = SEED_F32;
        memcpy(p, &f, 4);
        return p + 4;
    }
    *p++ = SEED_F64;
    memcpy(p, &d, 8);
    return p + 8;
}

took seed_write(const rows *r, const char *path, bool sync)
{
    took t = {0};
    static char *buffer;
    if (!buffer)
        buffer = malloc(RECORD / 16 + OBJECT_MAX);
    double start = seconds_now(), cpu = cpu_now();
    int fd = create_file(path);
    const char *from = r->bytes;
    char *p = buffer;
    for (size_t i = 0; i < r->n; i++) {
        const shape *s = &r->shapes[r->of ? r->of[i] : 0];
        const uint8_t *bits = s->null_bits == SPATE_NO_NULLS ? NULL : (const uint8_t *)from + s->null_bits;
        char *object = p;
        uint16_t fields = 0;
        p += 5;
        for (size_t f = 0; f < s->n; f++) {
            if (bits && !(bits[f >> 3] >> (f & 7) & 1))
                continue;
            uint16_t name = (uint16_t)s->names[f];
            memcpy(p, &name, 2);
            p = put_seed_cell(p + 2, from + s->fields[f].offset, s->widths[f], s->fields[f].type.kind);
            fields++;
        }
        uint32_t size = (uint32_t)(p - object);
        memcpy(object, &size, 3);
        memcpy(object + 3, &fields, 2);
        from += s->stride;
        if (p > buffer + RECORD / 16) {
            write_all(fd, buffer, (size_t)(p - buffer));
            p = buffer;
        }
    }
    write_all(fd, buffer, (size_t)(p - buffer));
    finish_file(fd, sync, &t);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}

/* The bits of a cell of the type that the row had before it was narrowed. */
static uint64_t seed_bits(const char *p, unsigned type, bool as_double)
{
    float f;
    double d;
    uint64_t bits;
    int64_t v = 0;
    if (type == SEED_F64)
        return memcpy(&bits, p, 8), bits;
    if (type == SEED_F32) {
        memcpy(&f, p, 4);
        d = f;
    } else {
        unsigned bytes = type - SEED_INT;
        memcpy(&v, p, 8);
        v = (int64_t)((uint64_t)v << (64 - 8 * bytes)) >> (64 - 8 * bytes);
        d = (double)v;
        if (!as_double)
            return (uint64_t)v;
    }
    memcpy(&bits, &d, 8);
    return bits;
}

took seed_scan(const rows *r, const char *path, int one)
{
    took t = {0};
    static bool as_double[65536];
    for (unsigned s = 0; s < r->n_shapes; s++)
        for (size_t f = 0; f < r->shapes[s].n; f++)
            as_double[r->shapes[s].names[f]] = r->shapes[s].fields[f].type.kind == SPATE_F64;
    double start = seconds_now(), cpu = cpu_now();
    const char *file = map_file(path, &t.bytes), *end = file + t.bytes;
    for (const char *object = file; object < end;) {
        uint32_t size = 0;
        uint16_t fields, name;
        memcpy(&size, object, 3);
        memcpy(&fields, object + 3, 2);
        const char *p = object + 5;
        for (unsigned f = 0; f < fields; f++) {
            memcpy(&name, p, 2);
            unsigned type = (unsigned char)p[2], bytes = type == SEED_F64 ? 8 : type == SEED_F32 ? 4 : type - SEED_INT;
            if (one < 0)
                t.sum += seed_bits(p + 3, type, as_double[name]);
            else if (name == one) {
                t.sum += seed_bits(p + 3, type, as_double[name]);
                break;
            }
            p += 3 + bytes;
        }
        object += size;
    }
    munmap((void *)(uintptr_t)file, t.bytes);
    t.seconds = seconds_now() - start;
    t.cpu = cpu_now() - cpu;
    return t;
}
