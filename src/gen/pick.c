/* pick.c - the spreads.
 *
 * Weighted: Walker's alias table as Vose builds it ("A linear algorithm for generating random numbers with a given distribution",
 * 1991): one draw falls on an entry and, with its remaining bits, stays or goes to the entry's other.
 *
 * Zipf: Hormann and Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions" (1996). Exact
 * for any n and exponent without tables; about 1.1 draws a number. H is the integral of x^-exponent, shifted so that exponent 1
 * needs no case of its own: H(x) = expm1((1 - e) ln x) / (1 - e). */
#include "gen/pick.h"

#include "gen/maths.h"

/* ---- zipf ---- */

/* expm1(x) / x and log1p(x) / x, continued through 0. */
static double expm1_over(double x)
{
    return x > 1e-8 || x < -1e-8 ? sp_expm1(x) / x : 1 + x / 2 * (1 + x / 3);
}

static double log1p_over(double x)
{
    return x > 1e-8 || x < -1e-8 ? sp_log1p(x) / x : 1 - x / 2 + x * x / 3;
}

static double h_integral(double exponent, double x)
{
    double log_x = sp_log(x);
    return expm1_over((1 - exponent) * log_x) * log_x;
}

static double h_inverse(double exponent, double x)
{
    double t = x * (1 - exponent);
    if (t < -1)
        t = -1 + 1e-15; /* rounding at the far end */
    return sp_exp(log1p_over(t) * x);
}

static double h(double exponent, double x)
{
    return sp_exp(-exponent * sp_log(x));
}

sp_pick sp_pick_zipf(uint64_t key, uint64_t n, double exponent, bool scattered)
{
    sp_pick p = {.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_ZIPF, .key = key, .n = n, .scattered = scattered};
    p.zipf.exponent = exponent;
    p.zipf.n = (double)n;
    p.zipf.h_low = h_integral(exponent, 1.5) - 1;
    p.zipf.h_n = h_integral(exponent, (double)n + 0.5);
    p.zipf.s = 2 - h_inverse(exponent, h_integral(exponent, 2.5) - h(exponent, 2));
    return p;
}

static uint64_t zipf_rank(const sp_zipf *z, uint64_t draw)
{
    for (;;) {
        double u = z->h_n + sp_unit(draw) * (z->h_low - z->h_n);
        double x = h_inverse(z->exponent, u);
        double k = (double)(uint64_t)(x + 0.5);
        k = k < 1 ? 1 : k > z->n ? z->n : k;
        if (k - x <= z->s || u >= h_integral(z->exponent, k + 0.5) - h(z->exponent, k))
            return (uint64_t)k - 1;
        draw = sp_draw_next(draw);
    }
}

static uint64_t pick_zipf(const sp_pick *p, uint64_t row)
{
    uint64_t rank = zipf_rank(&p->zipf, sp_draw(p->key, row));
    rank = SP_MIN(rank, p->n - 1);
    return p->scattered ? sp_permute(p->key, p->n, rank) : rank;
}

/* ---- weighted ---- */

/* Vose: entries that are too light are filled up by ones that are too heavy. */
static void build_aliases(sp_alias *aliases, double *share, uint64_t *stack, uint64_t n)
{
    uint64_t n_light = 0, n_heavy = 0; /* one stack grows from each end */
    for (uint64_t i = 0; i < n; i++)
        if (share[i] < 1)
            stack[n_light++] = i;
        else
            stack[n - ++n_heavy] = i;
    while (n_light && n_heavy) {
        uint64_t light = stack[--n_light], heavy = stack[n - n_heavy];
        aliases[light] = (sp_alias){(uint64_t)(share[light] * 0x1p64), heavy};
        share[heavy] -= 1 - share[light];
        if (share[heavy] < 1) {
            n_heavy--;
            stack[n_light++] = heavy;
        }
    }
    while (n_heavy) /* what is left is 1 but for rounding */
        aliases[stack[n - n_heavy]] = (sp_alias){UINT64_MAX, stack[n - n_heavy]}, n_heavy--;
    while (n_light)
        n_light--, aliases[stack[n_light]] = (sp_alias){UINT64_MAX, stack[n_light]};
}

bool sp_pick_weighted(sp_pick *pick, sp_arena *arena, uint64_t key, const double *weights, uint64_t n)
{
    sp_alias *aliases = sp_arena_alloc(arena, n, sizeof(*aliases));
    double *share = sp_arena_alloc(arena, n, sizeof(*share));
    uint64_t *stack = sp_arena_alloc(arena, n, sizeof(*stack));
    if (!aliases || !share || !stack)
        return false;
    double sum = 0;
    for (uint64_t i = 0; i < n; i++)
        sum += weights[i];
    for (uint64_t i = 0; i < n; i++)
        share[i] = weights[i] / sum * (double)n;
    build_aliases(aliases, share, stack, n);
    for (uint64_t i = 0; i < n; i++) /* an item without weight is never kept, whatever rounding left of it */
        if (weights[i] == 0)
            aliases[i].keep = 0;
    *pick = (sp_pick){.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_WEIGHTED, .key = key, .n = n, .aliases = aliases};
    return true;
}

/* Which of the two is as good as unpredictable, so they are chosen by a mask and not by a branch.
 */
static inline uint64_t weighted_of(const sp_pick *p, uint64_t z)
{
    uint64_t i = sp_take(&z, p->n);
    const sp_alias *a = &p->aliases[i];
    return i ^ ((i ^ a->other) & -(uint64_t)(z >= a->keep));
}

/* ---- the others ---- */

sp_pick sp_pick_uniform(uint64_t key, uint64_t n)
{
    return (sp_pick){.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_UNIFORM, .key = key, .n = n};
}

sp_pick sp_pick_permutation(uint64_t key, uint64_t n)
{
    return (sp_pick){.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_PERMUTATION, .key = key, .n = n};
}

sp_pick sp_pick_sorted(uint64_t key, uint64_t n, uint64_t rows)
{
    return (sp_pick){.kind = n == 1 ? SP_PICK_ONLY : SP_PICK_SORTED, .key = key, .n = n, .rows = SP_MAX(rows, (uint64_t)1)};
}

sp_pick sp_pick_below(uint64_t key)
{
    return (sp_pick){.kind = SP_PICK_BELOW, .key = key};
}

/* n = 0 stands for 2^64, whose strata are cut from 2^64 - 1. */
static inline uint64_t pick_sorted(const sp_pick *p, uint64_t row)
{
    uint64_t n = p->n ? p->n : UINT64_MAX;
    uint64_t i = row % p->rows;
    uint64_t low = sp_muldiv(i, n, p->rows), high = sp_muldiv(i + 1, n, p->rows);
    return low + (high > low ? sp_bounded(sp_draw(p->key, row), high - low) : 0);
}

static inline uint64_t pick_below(const sp_pick *p, uint64_t row)
{
    return row ? sp_bounded(sp_draw(p->key, row), row) : 0;
}

uint64_t sp_pick_one(const sp_pick *p, uint64_t row)
{
    switch (p->kind) {
    case SP_PICK_ONLY: return 0;
    case SP_PICK_UNIFORM: return sp_bounded(sp_draw(p->key, row), p->n);
    case SP_PICK_WEIGHTED:
        return weighted_of(p, sp_draw(p->key, row));
    case SP_PICK_ZIPF: return pick_zipf(p, row);
    case SP_PICK_PERMUTATION: return sp_permute(p->key, p->n, row % p->n);
    case SP_PICK_SORTED: return pick_sorted(p, row);
    case SP_PICK_BELOW: return pick_below(p, row);
    }
    return 0;
}

void sp_pick_many(const sp_pick *p, const uint64_t *rows, uint32_t count, uint64_t *out)
{
    switch (p->kind) { /* the common spreads get a loop that the compiler sees whole */
    case SP_PICK_ONLY:
        memset(out, 0, count * sizeof(*out));
        break;
    case SP_PICK_UNIFORM:
        sp_draw_many(p->key, rows, count, p->n, out);
        break;
    case SP_PICK_WEIGHTED:
        sp_draw_many(p->key, rows, count, 0, out);
        for (uint32_t i = 0; i < count; i++)
            out[i] = weighted_of(p, out[i]);
        break;
    default:
        for (uint32_t i = 0; i < count; i++)
            out[i] = sp_pick_one(p, rows[i]);
    }
}
