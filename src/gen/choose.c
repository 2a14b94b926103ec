/* choose.c - from what a plan says of a column's distribution to the pick or the quantiles that make it. */
#include "gen/build.h"

#include "gen/maths.h"

enum { COUNTS_MAX = 1 << 20 }; /* of a distribution of counts: entries of its table */

/* Has the plan room said already that the column has too few values for its rows? */
static bool rows_are_wrong(const sp_build *b)
{
    for (uint32_t i = 0; i < b->mistakes->n; i++) {
        const sp_mistake_item *m = &b->mistakes->items[i];
        if (m->about_rows && m->shown.line == b->column->mode_mark.line &&
            m->shown.column == b->column->mode_mark.column)
            return true;
    }
    return false;
}

static bool nothing_there(const sp_build *b)
{
    sp_mistake(b->mistakes, b->column->distribution.mark, (sp_str){0},
               "the distribution has nothing between min and max");
    return false;
}

/* ---- counts: poisson and binomial ------------------------------------------------------------------------------------ */

/* How much rarer or commoner k + 1 is than k. */
static double growth(const sp_distribution *d, double k)
{
    if (d->spread == SP_SPREAD_POISSON)
        return d->a / (k + 1);
    return d->b >= 1 ? (double)0x1p500 : (d->a - k) / (k + 1) * (d->b / (1 - d->b));
}

/* The weights of counts from..from + n, compared with the likeliest of them, from which they are gone through both ways. */
static void count_weights(const sp_distribution *d, double from, uint32_t n, double *weights)
{
    double mean = d->spread == SP_SPREAD_POISSON ? d->a : d->a * d->b, peak = mean - from;
    uint32_t top = peak < 0 ? 0 : peak >= n ? n - 1 : (uint32_t)peak;
    if (d->spread == SP_SPREAD_BINOMIAL && from + top > d->a)
        top = d->a < from ? 0 : (uint32_t)(d->a - from);
    weights[top] = d->spread == SP_SPREAD_BINOMIAL && from + top > d->a ? 0 : 1;
    for (uint32_t i = top; i + 1 < n; i++)
        weights[i + 1] = weights[i] * SP_MAX(growth(d, from + i), 0);
    for (uint32_t i = top; i > 0; i--) {
        double g = growth(d, from + i - 1);
        weights[i - 1] = g > 0 ? weights[i] / g : 0;
    }
}

static bool pick_count(const sp_build *b, sp_domain domain, sp_pick *pick)
{
    const sp_distribution *d = &b->column->distribution;
    double mean = d->spread == SP_SPREAD_POISSON ? d->a : d->a * d->b;
    double reach = 12 * __builtin_sqrt(mean) + 40; /* what is farther away is less likely than 2^-64 */
    double from = SP_MAX(domain.min, mean - reach), to = SP_MIN(domain.min + (double)domain.n, mean + reach);
    from = (double)(int64_t)from;
    if (from < domain.min)
        from = domain.min;
    double n = (double)(int64_t)(to - from) + 1;
    if (n > COUNTS_MAX) {
        sp_mistake(b->mistakes, d->mark, (sp_str){0},
                   "the mean is too large for such a distribution; normal is as good there");
        return false;
    }
    uint32_t count = (uint32_t)SP_MIN(SP_MAX(n, 1), domain.min + (double)domain.n - from);
    double *weights = count ? sp_arena_alloc(b->arena, count, sizeof(*weights)) : NULL;
    if (!count)
        return nothing_there(b);
    if (!weights)
        return false;
    count_weights(d, from, count, weights);
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += weights[i];
    if (!(sum > 0))
        return nothing_there(b);
    if (!sp_pick_weighted(pick, b->arena, b->key, weights, count))
        return false;
    pick->base = (uint64_t)(from - domain.min);
    return true;
}

/* ---- all ------------------------------------------------------------------------------------------------------------- */

static bool pick_smooth(const sp_build *b, sp_domain domain, sp_pick *pick)
{
    const double hours_max = 876600; /* a hundred years: each has an entry in a table */
    if (b->column->distribution.spread == SP_SPREAD_RHYTHM && (double)domain.n * domain.unit > hours_max * 3600e6) {
        sp_mistake(b->mistakes, b->column->distribution.mark, (sp_str){0}, "a rhythm spans at most a hundred years");
        return false;
    }
    bool none, to_nearest = b->column->distribution.spread == SP_SPREAD_NORMAL;
    double max = domain.min + (double)domain.n * domain.unit;
    const sp_quantile *q = sp_quantile_new(b->arena, &b->column->distribution, domain.min, max,
                                           to_nearest ? domain.unit / 2 : 0, domain.unit, &none);
    if (none)
        return nothing_there(b);
    *pick = sp_pick_quantile(b->key, domain.n, q);
    return q != NULL;
}

/* A step through time is a difference, in units of the plan; of other choices it is their number. */
static sp_pick pick_cycle(const sp_build *b, sp_domain domain)
{
    const sp_distribution *d = &b->column->distribution;
    double step = d->a / domain.unit;
    return sp_pick_cycle(domain.n, d->b < 1 ? 1 : (uint64_t)d->b, step < 1 ? 1 : (uint64_t)step);
}

static bool pick_distributed(const sp_build *b, sp_domain domain, sp_pick *pick)
{
    bool good;
    switch (b->column->distribution.spread) {
    case SP_SPREAD_UNIFORM:
        *pick =
            b->column->sorted ? sp_pick_sorted(b->key, domain.n, b->table->rows) : sp_pick_uniform(b->key, domain.n);
        return true;
    case SP_SPREAD_ZIPF:
        return sp_pick_zipf(pick, b->arena, b->key, domain.n, b->column->distribution.a, domain.scattered);
    case SP_SPREAD_CYCLE: *pick = pick_cycle(b, domain); return true;
    case SP_SPREAD_EVEN: /* numbers go from the first to the last; times in steps of which one more would reach the end */
        *pick = sp_pick_even(domain.n, b->table->rows,
                             b->column->mode == SP_MODE_RANGE && b->column->range <= SP_RANGE_DECIMAL);
        return true;
    case SP_SPREAD_POISSON:
    case SP_SPREAD_BINOMIAL: good = pick_count(b, domain, pick); break;
    default: good = pick_smooth(b, domain, pick);
    }
    pick->rows = b->column->sorted ? SP_MAX(b->table->rows, (uint64_t)1) : 0;
    return good;
}

bool sp_build_pick(const sp_build *b, sp_domain domain, sp_pick *pick)
{
    const sp_plan_column *col = b->column;
    const sp_plan_digit *d = &col->digit;
    if (d->base) {
        uint64_t table = sp_hash64(b->table->name, strlen(b->table->name), ~sp_build_seed(b));
        *pick = sp_pick_digit(table, b->key, domain.n, d->all, d->unit, d->base);
        return true;
    }
    bool own_order = col->sorted || col->distribution.spread ==
                                        SP_SPREAD_CYCLE; /* a sample's values, row by row, are unique as they are */
    if (!col->unique || own_order)
        if (!pick_distributed(b, domain, pick))
            return false;
    if (col->unique && !own_order)
        *pick = sp_pick_permutation(b->key, domain.n);
    if (col->unique && domain.n && domain.n < b->table->rows) {
        if (!rows_are_wrong(b))
            sp_mistake(b->mistakes, col->mode_mark, sp_str_of(col->name),
                       "has only %llu different values for %llu unique rows", (unsigned long long)domain.n,
                       (unsigned long long)b->table->rows);
        return false;
    }
    return true;
}

/* Being unique and sorted is about the texts, not about their lengths. */
bool sp_build_length(const sp_build *b, uint64_t lengths, sp_pick *length)
{
    sp_plan_column plain = *b->column;
    sp_build of_length = *b;
    plain.unique = plain.sorted = false;
    of_length.column = &plain;
    return sp_build_pick(&of_length, (sp_domain){.n = lengths, .min = (double)b->column->min_i, .unit = 1}, length);
}

const sp_quantile *sp_build_quantile(const sp_build *b, double min, double max)
{
    bool none;
    const sp_quantile *q = sp_quantile_new(b->arena, &b->column->distribution, min, max, 0, 1, &none);
    if (none)
        nothing_there(b);
    return q;
}
