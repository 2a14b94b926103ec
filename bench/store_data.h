/* store_data.h - rows in memory for the measurements of stores: records of one shape or of several, and the sum that every way of
 * keeping them must come to. */
#ifndef STORE_DATA_H
#define STORE_DATA_H

#include "spate/store.h"

enum { SHAPES_MAX = 17, FIELDS_MAX = 704 };

/* Records of a shape: fields at offsets, then (when null_bits is not SPATE_NO_NULLS) a bit a field. */
typedef struct shape {
    size_t n, stride, null_bits;
    spate_record_field fields[FIELDS_MAX];
    unsigned names[FIELDS_MAX], widths[FIELDS_MAX];
} shape;

typedef struct rows {
    shape shapes[SHAPES_MAX];
    unsigned n_shapes;
    uint8_t *of; /* the shape of each row; NULL: all are of the first */
    char *bytes; /* records, one behind the other */
    size_t n, size;
    uint64_t sum; /* of the bits of all cells that are there, wrapping */
    unsigned one; /* a field in the middle, and its sum */
    uint64_t one_sum;
} rows;

typedef struct took {
    double seconds, cpu; /* cpu: processor seconds of all threads */
    uint64_t bytes, sum;
} took;

double seconds_now(void);
double cpu_now(void);
_Noreturn void die(const char *what);
int create_file(const char *path);
void write_all(int fd, const void *p, size_t n);
/* A file of which every page is in the cache. */
const char *map_file(const char *path, size_t *size);
void finish_file(int fd, bool sync, took *t);

/* Wrapping sums of n cells of 2, 4 (signed) or 8 bytes; bits: which are there, or NULL. */
uint64_t sum_cells(const void *p, size_t n, unsigned width, const uint8_t *bits);
static inline uint64_t cell_bits(const char *p, unsigned width)
{
    int16_t a;
    int32_t b;
    uint64_t c;
    if (width == 8)
        return __builtin_memcpy(&c, p, 8), c;
    if (width == 4)
        return __builtin_memcpy(&b, p, 4), (uint64_t)(int64_t)b;
    return __builtin_memcpy(&a, p, 2), (uint64_t)(int64_t)a;
}

/* peers: store_peers.c */
took struct_write(const rows *r, const char *path, bool sync);
took struct_scan(const rows *r, const char *path);
took arrow_write(const rows *r, const char *path, bool sync);
took arrow_scan(const rows *r, const char *path, int one);
/* The same file, and the metadata that stands in front of each batch made into views of all its columns. */
took arrow_told_scan(const rows *r, const char *path, int one);
took seed_write(const rows *r, const char *path, bool sync);
took seed_scan(const rows *r, const char *path, int one);

/* databases: store_databases.c. How many of the rows they get; DuckDB where it was there to build with. */
size_t database_rows(const rows *r);
took sqlite_write(const rows *r, const char *path);
took sqlite_scan(const rows *r, const char *path);
took duckdb_write(const rows *r, const char *path);
took duckdb_sum(const rows *r, const char *path);

#endif
