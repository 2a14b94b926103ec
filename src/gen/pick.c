/* pick.c - the spreads of choices.
 *
 * Zipf has as many weights as there are choices, so only the first have entries of their own. The others lie in segments that
 * grow by a fixed ratio. A segment's weight is exact (its sum by the midpoint rule with its first correction, which is good to
 * 1e-12 from the first segment on); within one, a number is drawn evenly and kept as often as its weight says, compared with the
 * segment's first. Segments are so narrow that nearly every number is kept at sight. */
#include "gen/pick.h"

#include "gen/maths.h"

/* ---- places ---------------------------------------------------------------------------------------------------------- */

/* Row i of n has the places from i / n to (i + 1) / n for itself, and one of them. */
static inline uint64_t stratum(uint64_t key, uint64_t n, uint64_t rows, uint64_t row)
{
    uint64_t i = row % rows;
    uint64_t low = sp_muldiv(i, n, rows), high = sp_muldiv(i + 1, n, rows);
    return low + (high > low ? sp_bounded(sp_draw(key, row), high - low) : 0);
}

void sp_places(uint64_t key, uint64_t rows_total, const uint64_t *rows, uint32_t count, uint64_t *out)
{
    if (!rows_total) {
        sp_draw_many(key, rows, count, 0, out);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        out[i] = stratum(key, UINT64_MAX, rows_total, rows[i]);
}

/* ---- guides ---------------------------------------------------------------------------------------------------------- */

enum { GUIDE_BITS_MIN = 8, GUIDE_BITS_MAX = 22 };

/* The place behind a share of all weights. */
static uint64_t place_of(double share)
{
    return share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1p64);
}

/* Entries without weight get no place: they end where the entry before them does, and those at the front are never begun with. */
static void end_entries(uint64_t *last, const double *weights, uint32_t n)
{
    double sum = 0, cum = 0;
    uint32_t end = n;
    while (weights[end - 1] == 0)
        end--;
    for (uint32_t i = 0; i < end; i++)
        sum += weights[i];
    for (uint32_t i = 0; i < n; i++) {
        cum += i < end ? weights[i] : 0;
        uint64_t behind = i + 1 >= end ? UINT64_MAX : place_of(cum / sum);
        last[i] = i + 1 >= end ? UINT64_MAX : behind ? behind - 1 : 0;
    }
}

bool sp_guide_build(sp_guide *g, sp_arena *arena, const double *weights, uint32_t n)
{
    unsigned bits = GUIDE_BITS_MIN;
    while (bits < GUIDE_BITS_MAX && UINT64_C(1) << bits < (uint64_t)n * 8)
        bits++;
    uint64_t *last = sp_arena_alloc(arena, n, sizeof(*last));
    uint32_t *first = sp_arena_alloc(arena, (size_t)1 << bits, sizeof(*first));
    if (!last || !first)
        return false;
    *g = (sp_guide){.last = last, .first = first, .shift = 64 - bits, .n = n};
    end_entries(last, weights, n);
    uint32_t entry = 0;
    while (weights[entry] == 0)
        entry++;
    for (uint64_t cell = 0; cell >> bits == 0; cell++) {
        while (last[entry] < cell << g->shift)
            entry++;
        first[cell] = entry;
    }
    return true;
}

/* ---- zipf ------------------------------------------------------------------------------------------------------------ */

enum { ZIPF_HEAD = 512, ZIPF_SEGMENTS = 1536 };

typedef struct segment {
    uint64_t first, count; /* numbers, from 0 */
    uint64_t sure;         /* draws below are kept at sight */
} segment;

struct sp_zipf {
    sp_guide guide;
    double exponent;
    segment segments[];
};

/* x^-exponent */
static double weight_at(double exponent, double x)
{
    return sp_exp(-exponent * sp_log(x));
}

/* The integral of x^-exponent from a to b: a^(1-e) (r^(1-e) - 1) / (1-e), where r = b/a, which goes through 1 smoothly. */
static double integral(double exponent, double a, double b)
{
    double log_ratio = sp_log(b / a), x = (1 - exponent) * log_ratio;
    double grown = x > 1e-8 || x < -1e-8 ? sp_expm1(x) / x : 1 + x / 2 * (1 + x / 3);
    return sp_exp((1 - exponent) * sp_log(a)) * grown * log_ratio;
}

/* The weights of numbers first..first+count, together. */
static double segment_weight(double exponent, uint64_t first, uint64_t count)
{
    double a = (double)first + 0.5, b = (double)first + (double)count + 0.5;
    if (count == 1)
        return weight_at(exponent, (double)first + 1);
    return integral(exponent, a, b) + exponent / 24 * (weight_at(exponent + 1, b) - weight_at(exponent + 1, a));
}

static segment new_segment(double exponent, uint64_t first, uint64_t end)
{
    double least = sp_exp(-exponent * sp_log((double)end / ((double)first + 1))) * (1 - 0x1p-30);
    return (segment){first, end - first, end - first == 1 ? UINT64_MAX : place_of(least)};
}

static uint32_t cut_segments(sp_zipf *z, uint64_t n, double *weights)
{
    uint32_t k = 0;
    uint64_t at = 0;
    double ratio = n > ZIPF_HEAD ? sp_exp(sp_log((double)n / ZIPF_HEAD) / ZIPF_SEGMENTS) : 1;
    while (at < n) {
        double far = (double)at * ratio;
        uint64_t end = at < ZIPF_HEAD ? at + 1 : far >= 0x1p63 ? n : SP_MAX((uint64_t)far, at + 1);
        end = k + 1 == ZIPF_HEAD + ZIPF_SEGMENTS ? n : SP_MIN(end, n);
        z->segments[k] = new_segment(z->exponent, at, end);
        weights[k] = segment_weight(z->exponent, at, end - at);
        k++;
        at = end;
    }
    return k;
}

bool sp_pick_zipf(sp_pick *p, sp_arena *arena, uint64_t key, uint64_t n, double exponent, bool scattered)
{
    sp_zipf *z = sp_arena_alloc(arena, 1, sizeof(*z) + (ZIPF_HEAD + ZIPF_SEGMENTS) * sizeof(segment));
    double *weights = sp_arena_alloc(arena, ZIPF_HEAD + ZIPF_SEGMENTS, sizeof(*weights));
    if (!z || !weights)
        return false;
    *p = (sp_pick){.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_ZIPF, .key = key, .n = n, .scattered = scattered, .zipf = z};
    p->permutation = sp_permutation_of(key, n);
    z->exponent = exponent;
    return sp_guide_build(&z->guide, arena, weights, cut_segments(z, n, weights));
}

/* Is a number kept that was not at sight? draw: how high it was thrown. */
static bool is_kept(const sp_zipf *z, const segment *s, uint64_t number, uint64_t draw)
{
    return sp_unit(draw) < sp_exp(-z->exponent * sp_log(((double)number + 1) / ((double)s->first + 1)));
}

static inline uint64_t zipf_number(const sp_zipf *z, uint64_t place)
{
    const segment *s = &z->segments[sp_guide_find(&z->guide, place)];
    for (;;) {
        place = sp_draw_next(place);
        uint64_t within = place, number = s->first + sp_take(&within, s->count);
        if (SP_LIKELY(within <= s->sure) || is_kept(z, s, number, within))
            return number;
    }
}

static inline uint64_t zipf_of(const sp_pick *p, uint64_t place)
{
    uint64_t number = zipf_number(p->zipf, place);
    return p->scattered ? sp_permutation_at(&p->permutation, number) : number;
}

/* ---- the others ------------------------------------------------------------------------------------------------------ */

bool sp_pick_weighted(sp_pick *p, sp_arena *arena, uint64_t key, const double *weights, uint32_t n)
{
    *p = (sp_pick){.kind = SP_PICK_WEIGHTED, .key = key, .n = n};
    return sp_guide_build(&p->guide, arena, weights, n);
}

sp_pick sp_pick_quantile(uint64_t key, uint64_t n, const sp_quantile *quantile)
{
    return (sp_pick){.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_QUANTILE, .key = key, .n = n, .quantile = quantile};
}

sp_pick sp_pick_uniform(uint64_t key, uint64_t n)
{
    return (sp_pick){.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_UNIFORM, .key = key, .n = n};
}

sp_pick sp_pick_permutation(uint64_t key, uint64_t n)
{
    return (sp_pick){.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_PERMUTATION,
                     .key = key,
                     .n = n,
                     .permutation = sp_permutation_of(key, n)};
}

sp_pick sp_pick_sorted(uint64_t key, uint64_t n, uint64_t rows)
{
    return (sp_pick){
        .kind = n == 1 ? SP_PICK_ONLY : SP_PICK_SORTED, .key = key, .n = n, .rows = SP_MAX(rows, (uint64_t)1)};
}

sp_pick sp_pick_digit(uint64_t key, uint64_t own, uint64_t n, uint64_t all, uint64_t unit, uint64_t base)
{
    return (sp_pick){.kind = SP_PICK_DIGIT,
                     .key = own,
                     .n = n,
                     .permutation = sp_permutation_of(key, all),
                     .digit_unit = unit,
                     .digit_base = base};
}

sp_pick sp_pick_cycle(uint64_t n, uint64_t every, uint64_t step)
{
    return (sp_pick){.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_CYCLE, .n = n, .every = every, .step = step};
}

sp_pick sp_pick_even(uint64_t n, uint64_t rows, bool ends)
{
    bool few = n == 1 || rows <= 1;
    return (sp_pick){
        .kind = few ? SP_PICK_ONLY : SP_PICK_EVEN, .n = ends ? n - 1 : n, .rows = rows, .every = rows - ends};
}

bool sp_pick_exact(sp_pick *pick, sp_arena *arena, uint64_t key, const double *weights, uint32_t n, uint64_t rows)
{
    uint64_t *ends = sp_arena_alloc(arena, n, sizeof(*ends)), all = 0;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += weights[i];
    for (uint32_t i = 0; ends && i < n; i++)
        all += ends[i] = (uint64_t)(weights[i] * (double)rows / sum);
    for (uint32_t i = 0; ends && all < rows; i = (i + 1) % n) {
        uint64_t more = weights[i] > 0 ? SP_MAX((rows - all) / n, UINT64_C(1)) : 0;
        ends[i] += more;
        all += more;
    }
    for (uint32_t i = 1; ends && i < n; i++)
        ends[i] += ends[i - 1];
    *pick = (sp_pick){.kind = rows ? SP_PICK_EXACT : SP_PICK_ONLY,
                      .n = n,
                      .ends = ends,
                      .permutation = sp_permutation_of(key, SP_MAX(rows, UINT64_C(1)))};
    return ends != NULL;
}

sp_pick sp_pick_below(uint64_t key)
{
    return (sp_pick){.kind = SP_PICK_BELOW, .key = key};
}

/* n = 0 stands for 2^64, whose strata are cut from 2^64 - 1. */
static inline uint64_t pick_sorted(const sp_pick *p, uint64_t row)
{
    return stratum(p->key, p->n ? p->n : UINT64_MAX, p->rows, row);
}

/* number: the row's in the permutation. */
static inline uint64_t pick_digit(const sp_pick *p, uint64_t row, uint64_t number)
{
    uint64_t digit = number / p->digit_unit % p->digit_base;
    if (p->digit_base == p->n)
        return digit;
    uint64_t low = sp_muldiv(digit, p->n, p->digit_base), high = sp_muldiv(digit + 1, p->n, p->digit_base);
    return low + sp_bounded(sp_draw(p->key, row), high - low);
}

static inline uint64_t pick_below(const sp_pick *p, uint64_t row)
{
    return row ? sp_bounded(sp_draw(p->key, row), row) : 0;
}

static inline uint64_t quantile_of(const sp_pick *p, double value)
{
    uint64_t number = value > 0 ? (uint64_t)value : 0;
    return SP_MIN(number, p->n - 1);
}

static inline uint64_t place_at(const sp_pick *p, uint64_t row)
{
    return p->rows ? stratum(p->key, UINT64_MAX, p->rows, row) : sp_draw(p->key, row);
}

static inline uint64_t pick_cycle(const sp_pick *p, uint64_t row)
{
    uint64_t at = row / p->every * p->step;
    return p->n ? at % p->n : at;
}

static inline uint64_t pick_even(const sp_pick *p, uint64_t row)
{
    return sp_muldiv(row % p->rows, p->n, p->every);
}

/* The entry that this number is below the end of. */
static inline uint64_t pick_exact(const sp_pick *p, uint64_t number)
{
    uint64_t low = 0, high = p->n - 1;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (number < p->ends[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint64_t sp_pick_one(const sp_pick *p, uint64_t row)
{
    switch (p->kind) {
    case SP_PICK_ONLY: return 0;
    case SP_PICK_UNIFORM: return sp_bounded(sp_draw(p->key, row), p->n);
    case SP_PICK_WEIGHTED: return p->base + sp_guide_find(&p->guide, place_at(p, row));
    case SP_PICK_ZIPF: return zipf_of(p, sp_draw(p->key, row));
    case SP_PICK_QUANTILE: return quantile_of(p, sp_quantile_at(p->quantile, place_at(p, row)));
    case SP_PICK_PERMUTATION: return sp_permutation_at(&p->permutation, row % p->n);
    case SP_PICK_DIGIT: return pick_digit(p, row, sp_permutation_at(&p->permutation, row % p->permutation.n));
    case SP_PICK_SORTED: return pick_sorted(p, row);
    case SP_PICK_CYCLE: return pick_cycle(p, row);
    case SP_PICK_EVEN: return pick_even(p, row);
    case SP_PICK_EXACT: return pick_exact(p, sp_permutation_at(&p->permutation, row % p->permutation.n));
    case SP_PICK_BELOW: return pick_below(p, row);
    }
    return 0;
}

static void pick_quantiles(const sp_pick *p, uint32_t count, uint64_t *out)
{
    double values[256];
    for (uint32_t i = 0; i < count; i += SP_COUNT(values)) {
        uint32_t n = SP_MIN(count - i, (uint32_t)SP_COUNT(values));
        sp_quantile_many(p->quantile, out + i, n, values);
        for (uint32_t k = 0; k < n; k++)
            out[i + k] = quantile_of(p, values[k]);
    }
}

/* One loop a spread, so that the compiler sees it whole. */
void sp_pick_many(const sp_pick *p, const uint64_t *rows, uint32_t count, uint64_t *out)
{
    switch (p->kind) {
    case SP_PICK_ONLY: memset(out, 0, count * sizeof(*out)); break;
    case SP_PICK_UNIFORM: sp_draw_many(p->key, rows, count, p->n, out); break;
    case SP_PICK_WEIGHTED:
        sp_places(p->key, p->rows, rows, count, out);
        for (uint32_t i = 0; i < count; i++)
            out[i] = p->base + sp_guide_find(&p->guide, out[i]);
        break;
    case SP_PICK_ZIPF:
        sp_draw_many(p->key, rows, count, 0, out);
        for (uint32_t i = 0; i < count; i++)
            out[i] = zipf_number(p->zipf, out[i]);
        if (p->scattered)
            sp_permute_many(&p->permutation, out, count, out);
        break;
    case SP_PICK_QUANTILE:
        sp_places(p->key, p->rows, rows, count, out);
        pick_quantiles(p, count, out);
        break;
    case SP_PICK_PERMUTATION: sp_permute_many(&p->permutation, rows, count, out); break;
    case SP_PICK_DIGIT:
        sp_permute_many(&p->permutation, rows, count, out);
        for (uint32_t i = 0; i < count; i++)
            out[i] = pick_digit(p, rows[i], out[i]);
        break;
    case SP_PICK_SORTED:
        for (uint32_t i = 0; i < count; i++)
            out[i] = pick_sorted(p, rows[i]);
        break;
    case SP_PICK_CYCLE:
        for (uint32_t i = 0; i < count; i++)
            out[i] = pick_cycle(p, rows[i]);
        break;
    case SP_PICK_EVEN:
        for (uint32_t i = 0; i < count; i++)
            out[i] = pick_even(p, rows[i]);
        break;
    case SP_PICK_EXACT:
        sp_permute_many(&p->permutation, rows, count, out);
        for (uint32_t i = 0; i < count; i++)
            out[i] = pick_exact(p, out[i]);
        break;
    case SP_PICK_BELOW:
        for (uint32_t i = 0; i < count; i++)
            out[i] = pick_below(p, rows[i]);
        break;
    }
}
