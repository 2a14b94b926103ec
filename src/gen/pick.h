/* pick.h - private to gen: which of n. Every choice of a row (an item of a set, a parent row, a number of a range) is a number
 * below n that depends on the row alone; how it is spread is decided here, once, for all of them.
 *
 * All uneven spreads are inversions: 64 random bits are read as a place in [0, 1), and a table, made once, says what lies there.
 * So a draw costs the same whatever the spread, and bits that ascend with the row give numbers that do. */
#ifndef SP_GEN_PICK_H
#define SP_GEN_PICK_H

#include "gen/cell.h"

/* Entries with weights: entry i has the places up to last[i]. */
typedef struct sp_guide {
    const uint64_t *last;
    const uint32_t *first; /* of the places that begin with these bits: the first entry they may belong to */
    unsigned shift;
    uint32_t n;
} sp_guide;

/* weights: n of them, not negative, their sum finite and not zero. False: no memory. */
bool sp_guide_build(sp_guide *g, sp_arena *arena, const double *weights, uint32_t n);
static inline uint32_t sp_guide_find(const sp_guide *g, uint64_t place)
{
    uint32_t i = g->first[place >> g->shift];
    while (place > g->last[i])
        i++;
    return i;
}

/* A number by its distribution, as a function of the place (spread.c). */
typedef struct sp_quantile sp_quantile;
double sp_quantile_at(const sp_quantile *q, uint64_t place);
/* out[i] = sp_quantile_at(q, places[i]); they may be the same memory. */
void sp_quantile_many(const sp_quantile *q, const uint64_t *places, uint32_t n, double *out);
/* The distribution d within [min, max), moved and scaled: (value + shift - min) / unit. NULL and *none: it has nothing there;
 * else NULL: no memory. */
const sp_quantile *sp_quantile_new(sp_arena *arena, const sp_distribution *d, double min, double max, double shift,
                                   double unit, bool *none);

typedef enum sp_pick_kind {
    SP_PICK_ONLY, /* n = 1 */
    SP_PICK_UNIFORM,
    SP_PICK_WEIGHTED, /* base + an entry of the guide */
    SP_PICK_ZIPF,     /* number k with weight 1 / (k + 1)^exponent */
    SP_PICK_QUANTILE,
    SP_PICK_PERMUTATION, /* row -> permutation of [0, n): no number twice while row < n */
    SP_PICK_DIGIT,       /* a digit of a permutation of the row: several columns together have no combination twice */
    SP_PICK_SORTED,      /* row -> one of its own stratum of [0, n): increasing with the row, strictly if rows <= n */
    SP_PICK_CYCLE,       /* row / every * step, round and round [0, n) */
    SP_PICK_EVEN,        /* row * n / every: from 0 on in equal steps */
    SP_PICK_EXACT,       /* the entry that a permutation of the row falls into */
    SP_PICK_BELOW,       /* a number below the row itself; row 0 gives 0 */
} sp_pick_kind;

typedef struct sp_zipf sp_zipf;
typedef struct sp_pick {
    sp_pick_kind kind;
    bool scattered; /* ZIPF: frequent numbers lie anywhere, not first */
    uint64_t key, n;
    uint64_t rows;        /* SORTED; WEIGHTED and QUANTILE: if not 0, ascending over so many rows */
    uint64_t every, step; /* CYCLE; EVEN: every is the number of steps, rows those there are */
    uint64_t base;        /* WEIGHTED: the number of the first entry */
    sp_guide guide;
    const uint64_t *ends; /* EXACT: of n entries */
    const sp_zipf *zipf;
    const sp_quantile *quantile;
    sp_permutation permutation;      /* PERMUTATION, DIGIT, and ZIPF scattered */
    uint64_t digit_unit, digit_base; /* DIGIT: number / unit % base; each a part of n if base is less */
} sp_pick;

sp_pick sp_pick_uniform(uint64_t key, uint64_t n);
sp_pick sp_pick_permutation(uint64_t key, uint64_t n);
sp_pick sp_pick_sorted(uint64_t key, uint64_t n, uint64_t rows);
/* key: that of the table, since columns share the permutation; of numbers below all. own: the column's key. */
sp_pick sp_pick_digit(uint64_t key, uint64_t own, uint64_t n, uint64_t all, uint64_t unit, uint64_t base);
sp_pick sp_pick_cycle(uint64_t n, uint64_t every, uint64_t step);
/* ends: over rows the first choice is 0 and the last n - 1; else equal steps, of which the next would be n. */
sp_pick sp_pick_even(uint64_t n, uint64_t rows, bool ends);
sp_pick sp_pick_below(uint64_t key);
/* False: no memory. Of rows, each of n choices gets its share, rounded down; what is left goes to the first ones, one each. */
bool sp_pick_exact(sp_pick *pick, sp_arena *arena, uint64_t key, const double *weights, uint32_t n, uint64_t rows);
bool sp_pick_zipf(sp_pick *pick, sp_arena *arena, uint64_t key, uint64_t n, double exponent, bool scattered);
bool sp_pick_weighted(sp_pick *pick, sp_arena *arena, uint64_t key, const double *weights, uint32_t n);
sp_pick sp_pick_quantile(uint64_t key, uint64_t n, const sp_quantile *quantile);

uint64_t sp_pick_one(const sp_pick *pick, uint64_t row);
void sp_pick_many(const sp_pick *pick, const uint64_t *rows, uint32_t count, uint64_t *out);
/* The places of rows, for those who invert them themselves: random, or ascending when rows_total is not 0. */
void sp_places(uint64_t key, uint64_t rows_total, const uint64_t *rows, uint32_t count, uint64_t *out);

#endif
