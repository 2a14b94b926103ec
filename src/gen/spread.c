/* spread.c - distributions of numbers, by inversion: the number that lies at a place in [0, 1).
 *
 * A smooth distribution becomes a table of its quantiles, read with a straight line between two of them. The first and the last
 * cell of the table, where lines would not do, are tables again, and so on, five levels deep, to 2^-51. Bounds cut the
 * distribution off, they do not heap up what is beyond them. A histogram is read exactly: the bar, then the place in it.
 *
 * Quantiles are made from + - * / sqrt and maths.c alone, so tables are equal on every machine. */
#include "gen/pick.h"

#include "gen/maths.h"

#include <math.h> /* isfinite, INFINITY */

enum {
    MAIN_BITS = 11,
    TAIL_BITS = 8,
    TAIL_LEVELS = 5,
    MAIN_CELLS = 1 << MAIN_BITS,
    TAIL_CELLS = 1 << TAIL_BITS,
};

typedef struct piece {
    uint64_t begin;     /* its first place */
    double from, slope; /* the number there, and how much it grows from place to place */
} piece;

struct sp_quantile {
    sp_guide guide;      /* of the pieces */
    const piece *pieces; /* a histogram; NULL: the tables below */
    double most;         /* nothing is above */
    double main[MAIN_CELLS + 1];
    double low[TAIL_LEVELS][TAIL_CELLS + 1], high[TAIL_LEVELS][TAIL_CELLS + 1];
};

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static inline double between(const double *cell, double share)
{
    return cell[0] + share * (cell[1] - cell[0]);
}

/* rest: what is left of the place behind the bits used so far, at the top of the word. */
static double in_tail(const double tables[TAIL_LEVELS][TAIL_CELLS + 1], uint64_t inner, uint64_t rest)
{
    for (unsigned level = 0;; level++) {
        uint64_t cell = rest >> (64 - TAIL_BITS);
        rest <<= TAIL_BITS;
        if (cell != inner || level + 1 == TAIL_LEVELS)
            return between(&tables[level][cell], (double)(rest >> 11) * 0x1p-53);
    }
}

static inline double in_tables(const sp_quantile *q, uint64_t place)
{
    uint64_t cell = place >> (64 - MAIN_BITS), rest = place << MAIN_BITS;
    if (SP_UNLIKELY(cell - 1 >= MAIN_CELLS - 2))
        return cell == 0 ? in_tail(q->low, 0, rest) : in_tail(q->high, TAIL_CELLS - 1, rest);
    return between(&q->main[cell], (double)(rest >> 11) * 0x1p-53);
}

static inline double in_pieces(const sp_quantile *q, uint64_t place)
{
    const piece *p = &q->pieces[sp_guide_find(&q->guide, place)];
    double v = p->from + (double)(place - p->begin) * p->slope;
    return v < q->most ? v : q->most;
}

double sp_quantile_at(const sp_quantile *q, uint64_t place)
{
    return q->pieces ? in_pieces(q, place) : in_tables(q, place);
}

void sp_quantile_many(const sp_quantile *q, const uint64_t *places, uint32_t n, double *out)
{
    if (q->pieces)
        for (uint32_t i = 0; i < n; i++)
            out[i] = in_pieces(q, places[i]);
    else
        for (uint32_t i = 0; i < n; i++)
            out[i] = in_tables(q, places[i]);
}

/* ---- quantiles ------------------------------------------------------------------------------------------------------- */

static double ratio(const double *over, const double *under, double x)
{
    double a = 0, b = 0;
    for (int i = 7; i >= 0; i--) {
        a = a * x + over[i];
        b = b * x + under[i];
    }
    return a / b;
}

/* How many deviations below the mean the share p <= 1/2 of a normal distribution ends: algorithm AS 241 (Wichura, 1988), good to
 * 1e-16. */
static double normal_tail(double p)
{
    static const double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                               1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                               3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[] = {1.0,
                               4.2313330701600911252e1,
                               6.8718700749205790830e2,
                               5.3941960214247511077e3,
                               2.1213794301586595867e4,
                               3.9307895800092710610e4,
                               2.8729085735721942674e4,
                               5.2264952788528545610e3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                               3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                               2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = 0.5 - p;
    if (q <= 0.425)
        return q * ratio(a, b, 0.180625 - q * q);
    double r = __builtin_sqrt(-sp_log(p));
    return r <= 5 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5);
}

/* The number below which (upper: above which) the share p lies. min, max: a triangle's corners, an exponential's beginning. */
static double quantile(const sp_distribution *d, double min, double max, double p, bool upper)
{
    double z, side = upper ? 1 : -1;
    if (p > 0.5) { /* exactly from the other side */
        p = 1 - p;
        upper = !upper;
        side = -side;
    }
    if (p < 0x1p-1000)
        p = 0x1p-1000;
    switch (d->spread) {
    case SP_SPREAD_NORMAL: return d->a + side * d->b * normal_tail(p);
    case SP_SPREAD_LOGNORMAL: return d->a * sp_exp(side * d->b * normal_tail(p));
    case SP_SPREAD_EXPONENTIAL: return min + d->a * (upper ? -sp_log(p) : -sp_log1p(-p));
    case SP_SPREAD_PARETO: z = (upper ? -sp_log(p) : -sp_log1p(-p)) / d->b; return d->a * sp_exp(z);
    case SP_SPREAD_TRIANGULAR:
        z = (d->a - min) / (max - min); /* the share below the peak */
        if (upper ? p > 1 - z : p <= z)
            return min + __builtin_sqrt((upper ? 1 - p : p) * (max - min) * (d->a - min));
        return max - __builtin_sqrt((upper ? p : 1 - p) * (max - min) * (max - d->a));
    default: return min + (upper ? 1 - p : p) * (max - min);
    }
}

/* The share below x, or above it: the smaller of the two. */
static double share_beyond(const sp_distribution *d, double min, double max, double x, bool *upper)
{
    *upper = x > quantile(d, min, max, 0.5, false);
    double low = -700, high = sp_log(0.5); /* logarithms of shares */
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2, at = quantile(d, min, max, sp_exp(middle), *upper);
        if (*upper ? at > x : at < x)
            low = middle;
        else
            high = middle;
    }
    return sp_exp(low);
}

/* What is between the bounds, as shares counted from the nearer end. */
typedef struct window {
    const sp_distribution *d;
    double min, max;
    double below, above;         /* shares cut off */
    bool below_upper, above_low; /* counted from the other end */
    double width;
} window;

static window new_window(const sp_distribution *d, double min, double max)
{
    window w = {.d = d, .min = min, .max = max};
    bool upper, low;
    w.below = share_beyond(d, min, max, min, &upper);
    w.below_upper = upper;
    w.above = share_beyond(d, min, max, max, &low);
    w.above_low = !low;
    if (w.below_upper)
        w.width = w.below - w.above;
    else if (w.above_low)
        w.width = w.above - w.below;
    else
        w.width = 1 - w.below - w.above;
    return w;
}

/* The number at the place u = 1 - v within the window. */
static double within(const window *w, double u, double v)
{
    double x;
    if (w->below_upper)
        x = quantile(w->d, w->min, w->max, w->above + v * w->width, true);
    else if (w->above_low || w->below + u * w->width <= 0.5)
        x = quantile(w->d, w->min, w->max, w->below + u * w->width, false);
    else
        x = quantile(w->d, w->min, w->max, w->above + v * w->width, true);
    return x < w->min ? w->min : x > w->max ? w->max : x;
}

typedef struct scale {
    double shift, min, unit;
} scale;

static double scaled(const scale *s, double x)
{
    return (x + s->shift - s->min) / s->unit;
}

static void fill_tables(sp_quantile *q, const window *w, const scale *s)
{
    for (int i = 0; i <= MAIN_CELLS; i++)
        q->main[i] = scaled(s, within(w, i / (double)MAIN_CELLS, (MAIN_CELLS - i) / (double)MAIN_CELLS));
    double step = 1.0 / MAIN_CELLS / TAIL_CELLS;
    for (int level = 0; level < TAIL_LEVELS; level++, step /= TAIL_CELLS)
        for (int i = 0; i <= TAIL_CELLS; i++) {
            double far = (TAIL_CELLS - i) * step;
            q->low[level][i] = scaled(s, within(w, i * step, 1 - i * step));
            q->high[level][i] = scaled(s, within(w, 1 - far, far));
        }
}

/* ---- histograms ------------------------------------------------------------------------------------------------------ */

/* The bars of d, cut to [min, max]: their weights, edges[i] to edges[i + 1]. Returns how many have a weight. */
static uint32_t cut_bars(const sp_distribution *d, double min, double max, double *edges, double *weights)
{
    uint32_t any = 0;
    edges[0] = SP_MIN(SP_MAX(d->edges[0], min), max);
    for (uint32_t i = 0; i < d->n; i++) {
        double whole = d->edges[i + 1] - d->edges[i];
        edges[i + 1] = SP_MIN(SP_MAX(d->edges[i + 1], min), max);
        double part = edges[i + 1] - edges[i];
        bool inside = d->edges[i] >= min && d->edges[i] < max;
        weights[i] = whole > 0 ? d->weights[i] * (part / whole) : inside ? d->weights[i] : 0;
        any += weights[i] > 0;
    }
    return any;
}

static bool fill_pieces(sp_quantile *q, sp_arena *arena, const sp_distribution *d, double min, double max,
                        const scale *s, bool *none)
{
    double *edges = sp_arena_alloc(arena, d->n + 1, sizeof(*edges)),
           *weights = sp_arena_alloc(arena, d->n, sizeof(*weights));
    piece *pieces = sp_arena_alloc(arena, d->n, sizeof(*pieces));
    if (!edges || !weights || !pieces)
        return false;
    *none = cut_bars(d, min, max, edges, weights) == 0;
    if (*none || !sp_guide_build(&q->guide, arena, weights, d->n))
        return false;
    for (uint32_t i = 0; i < d->n; i++) {
        uint64_t begin = i && q->guide.last[i - 1] ? q->guide.last[i - 1] + 1 : 0;
        double places = (double)(q->guide.last[i] - begin) + 1;
        double from = scaled(s, edges[i]), to = scaled(s, edges[i + 1]);
        pieces[i] = (piece){begin, from, places > 0 ? (to - from) / places : 0};
    }
    q->pieces = pieces;
    return true;
}

/* ---- rhythms --------------------------------------------------------------------------------------------------------- */

#define US_PER_HOUR 3600e6
#define US_PER_YEAR (365.2425 * 24 * US_PER_HOUR)

/* A rhythm is a histogram of hours. 1970-01-01 was a Thursday, three days behind a Monday. */
static bool hours_of(sp_arena *arena, const sp_distribution *d, double min, double max, sp_distribution *hours)
{
    int64_t first = (int64_t)(min / US_PER_HOUR) - 1, last = (int64_t)(max / US_PER_HOUR) + 1;
    uint32_t n = (uint32_t)(last - first);
    double *edges = sp_arena_alloc(arena, n + 1, sizeof(*edges)), *weights = sp_arena_alloc(arena, n, sizeof(*weights));
    if (!edges || !weights)
        return false;
    for (uint32_t i = 0; i <= n; i++)
        edges[i] = (double)(first + i) * US_PER_HOUR;
    for (uint32_t i = 0; i < n; i++) {
        int64_t of_week = ((first + i + 3 * 24) % 168 + 168) % 168;
        weights[i] = d->weights[of_week] * sp_exp(sp_log(1 + d->a) * (edges[i] - min) / US_PER_YEAR);
    }
    *hours = (sp_distribution){.spread = SP_SPREAD_HISTOGRAM, .edges = edges, .weights = weights, .n = n};
    return true;
}

const sp_quantile *sp_quantile_new(sp_arena *arena, const sp_distribution *d, double min, double max, double shift,
                                   double unit, bool *none)
{
    sp_quantile *q = sp_arena_alloc(arena, 1, sizeof(*q));
    scale s = {shift, min, unit};
    *none = false;
    if (!q)
        return NULL;
    min -= shift;
    max -= shift;
    q->most = scaled(&s, max);
    sp_distribution hours;
    if (d->spread == SP_SPREAD_RHYTHM) {
        if (!hours_of(arena, d, min, max, &hours))
            return NULL;
        d = &hours;
    }
    if (d->spread == SP_SPREAD_HISTOGRAM)
        return fill_pieces(q, arena, d, min, max, &s, none) ? q : NULL;
    window w = new_window(d, min, max);
    *none = !(w.width > 1e-12);
    if (*none)
        return NULL;
    fill_tables(q, &w, &s);
    return q;
}
