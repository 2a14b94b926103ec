/* pick.h - private to gen: which of n. Every choice of a row (an item of a set, a parent row, a number of a range) is a number
 * below n that depends on the row alone; how it is spread is decided here, once, for all of them. */
#ifndef SP_GEN_PICK_H
#define SP_GEN_PICK_H

#include "gen/cell.h"

typedef enum sp_pick_kind {
    SP_PICK_ONLY,        /* n = 1 */
    SP_PICK_UNIFORM,
    SP_PICK_WEIGHTED,    /* alias table */
    SP_PICK_ZIPF,        /* number k with weight 1 / (k + 1)^exponent */
    SP_PICK_PERMUTATION, /* row -> permutation of [0, n): no number twice while row < n */
    SP_PICK_SORTED,      /* row -> one of its own stratum of [0, n): increasing with the row, strictly if rows <= n */
    SP_PICK_BELOW,       /* a number below the row itself; row 0 gives 0 */
} sp_pick_kind;

typedef struct sp_alias {
    uint64_t keep; /* of 2^64: how often this entry keeps the draw that fell on it */
    uint64_t other;
} sp_alias;

typedef struct sp_zipf { /* rejection-inversion, see pick.c */
    double exponent, n;
    double h_low, h_n, s;
} sp_zipf;

typedef struct sp_pick {
    sp_pick_kind kind;
    bool scattered; /* ZIPF: frequent numbers lie anywhere, not first */
    uint64_t key, n;
    uint64_t rows;  /* SORTED */
    const sp_alias *aliases;
    sp_zipf zipf;
} sp_pick;

sp_pick sp_pick_uniform(uint64_t key, uint64_t n);
sp_pick sp_pick_permutation(uint64_t key, uint64_t n);
sp_pick sp_pick_sorted(uint64_t key, uint64_t n, uint64_t rows);
sp_pick sp_pick_below(uint64_t key);
sp_pick sp_pick_zipf(uint64_t key, uint64_t n, double exponent, bool scattered);
/* weights: n of them, not negative, not all zero. False: no memory. */
bool sp_pick_weighted(sp_pick *pick, sp_arena *arena, uint64_t key, const double *weights, uint64_t n);

uint64_t sp_pick_one(const sp_pick *pick, uint64_t row);
void sp_pick_many(const sp_pick *pick, const uint64_t *rows, uint32_t count, uint64_t *out);

#endif
