/* config_stats.c - what the server's statistics say of a column becomes a set with weights or a histogram.
 *
 * PostgreSQL keeps the commonest values with their shares, and bounds between which equal shares of the rest lie. Where the
 * commonest values are nearly all there are, they are the set; else numbers and moments get a histogram of both. Of lists it keeps
 * the same of their items, and how many they have. Of everything else the statistics say only how many values there are, and the name
 * and type say more. */
#include "job/config.h"

#include "plan/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BARS_MAX = 20, PEAKS_MAX = 20, VALUES_MAX = 100, POINTS_MAX = 1024 };
#define COVERED       0.95  /* of the rows, by the commonest values: no others matter */
#define COVERED_ITEMS 0.8   /* of all items, by the commonest ones */
#define OFTEN         0.01  /* of the rows: such a number stands by itself */
#define KNOWN         0.001 /* such a text is no secret */
#define SKEWED        1.5   /* so much oftener than others are the rows that are referred to most */
#define EVEN          1.15  /* bars that differ by less are all alike */
#define SEEN          30000 /* rows that the server has looked at, as a rule */
#define NEARLY_ALL    0.9   /* of the rows have a value of their own */
#define SOME          0.8   /* of the rows that would be referred to if all were so evenly: with less, some are never */

typedef struct bars {
    double bounds[BARS_MAX + 2 * PEAKS_MAX + 1];
    double weights[BARS_MAX + 2 * PEAKS_MAX];
    uint32_t n;
} bars;

/* ---- sets ------------------------------------------------------------------------------------ */

static double covered(const sp_cat_stats *s)
{
    double sum = s->null_rate;
    for (uint32_t i = 0; i < s->n_common; i++)
        sum += s->common_rates[i];
    return sum;
}

static bool is_plain(sp_cat_class class)
{
    return class == SP_CAT_BOOL || class == SP_CAT_INTEGER || class == SP_CAT_DECIMAL || class == SP_CAT_FLOAT ||
           class == SP_CAT_TEXT || class == SP_CAT_DATE || class == SP_CAT_ENUM || class == SP_CAT_JSON ||
           class == SP_CAT_UUID || class == SP_CAT_INET;
}

static double rate_of(const sp_cat_stats *s, sp_str value)
{
    for (uint32_t i = 0; i < s->n_common; i++)
        if (sp_str_eq(s->common[i], value))
            return s->common_rates[i];
    return 0;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Lengths are few, so each has a bar of its own; where there are more, the longest share the last. */
const char *sp_config_lengths(sp_config *k, const sp_cat_stats *s)
{
    sp_buf bounds = {0}, weights = {0};
    uint32_t bars = 0, same;
    int rc = SPATE_OK;
    for (uint32_t i = 0; s && i < s->n_lengths && bars < BARS_MAX && !rc; i += same, bars++) {
        for (same = 1; i + same < s->n_lengths && (s->lengths[i + same] <= s->lengths[i] || bars + 1 == BARS_MAX);)
            same++;
        rc = sp_buf_printf(&bounds, "%.0f, ", s->lengths[i]) ||
             sp_buf_printf(&weights, "%s%.3g", bars ? ", " : "", 100.0 * same / s->n_lengths);
    }
    const char *kept =
        !bars || rc ? NULL
                    : sp_config_printf(k, "{type: histogram, bounds: [%.*s%.0f], weights: [%.*s]}", (int)bounds.len,
                                       bounds.data, s->lengths[s->n_lengths - 1] + 1, (int)weights.len, weights.data);
    k->nomem = k->nomem || rc;
    sp_buf_done(&bounds);
    sp_buf_done(&weights);
    return kept;
}

static const char *list_type(const sp_cat_type *item)
{
    switch (item->class) {
    case SP_CAT_INTEGER: return item->bits == 64 ? "bigint[]" : item->bits == 16 ? "smallint[]" : "integer[]";
    case SP_CAT_TEXT: return "text[]";
    case SP_CAT_UUID: return "uuid[]";
    case SP_CAT_DATE: return "date[]";
    case SP_CAT_BOOL: return "boolean[]";
    case SP_CAT_FLOAT: return item->bits == 32 ? "real[]" : "double precision[]";
    default: return NULL;
    }
}

/* Lists of items whose commonest are nearly all there are. */
static bool common_items(sp_config *k, const sp_cat_column *c, sp_choice *out)
{
    const sp_cat_stats *s = c->stats;
    double sum = 0;
    for (uint32_t i = 0; i < s->n_items; i++)
        sum += s->item_rates[i];
    out->type = c->type.item->domain ? NULL : list_type(c->type.item);
    out->distribution =
        out->type && s->n_items <= VALUES_MAX && sum >= COVERED_ITEMS * s->mean_length ? sp_config_lengths(k, s) : NULL;
    if (!out->distribution) {
        out->type = NULL;
        return false;
    }
    double *weights = sp_arena_alloc(k->arena, s->n_items + 1, sizeof(*weights));
    k->nomem = k->nomem || !weights;
    for (uint32_t i = 0; weights && i < s->n_items; i++)
        weights[i] = 100 * s->item_rates[i];
    out->mode = "array";
    out->items = s->items;
    out->weights = weights;
    out->n_items = s->n_items;
    return true;
}

static bool weigh(sp_config *k, const sp_cat_stats *s, const sp_str *values, uint32_t n, sp_choice *out)
{
    double *weights = sp_arena_alloc(k->arena, n + 1, sizeof(*weights));
    k->nomem = k->nomem || !weights;
    for (uint32_t i = 0; weights && i < n; i++)
        weights[i] = 100 * rate_of(s, values[i]);
    out->mode = "set";
    out->items = values;
    out->weights = weights;
    out->n_items = n;
    return true;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* ---- histograms ------------------------------------------------------------------------------ */

static bool is_moment(sp_cat_class class)
{
    return class == SP_CAT_DATE || class == SP_CAT_TIMESTAMP || class == SP_CAT_TIMESTAMPTZ;
}

static bool number_of(sp_cat_class class, sp_str text, double *v)
{
    return is_moment(class) ? sp_config_moment(text, v) : sp_parse_f64(text, v);
}

/* Where anything begins or ends: the histogram's bounds, and both sides of each common value. */
static uint32_t find_points(const sp_cat_stats *s, sp_cat_class class, double unit, double *points)
{
    uint32_t n = 0;
    double v;
    for (uint32_t i = 0; i < s->n_bounds && n + 1 < POINTS_MAX; i++)
        if (number_of(class, s->bounds[i], &v))
            points[n++] = i + 1 < s->n_bounds ? v : v + unit; /* the last bound is a value too */
    for (uint32_t i = 0; i < s->n_common && n + 2 < POINTS_MAX; i++)
        if (number_of(class, s->common[i], &v)) {
            points[n++] = v;
            points[n++] = v + unit;
        }
    qsort(points, n, sizeof(*points), compare_doubles);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || points[i] > points[kept - 1])
            points[kept++] = points[i];
    return kept;
}

/* The share of rows in [from, to), which lies in one bar of the histogram and does not cut a common value. */
static double share_between(const sp_cat_stats *s, sp_cat_class class, double from, double to)
{
    double share = 0, each = s->n_bounds > 1 ? (1 - covered(s)) / (s->n_bounds - 1) : 0, v, low, high;
    for (uint32_t i = 0; i < s->n_common; i++)
        if (number_of(class, s->common[i], &v) && v >= from && v < to)
            share += s->common_rates[i];
    for (uint32_t i = 0; i + 1 < s->n_bounds; i++)
        if (number_of(class, s->bounds[i], &low) && number_of(class, s->bounds[i + 1], &high) && high > low &&
            low < to && high > from)
            share += each * (SP_MIN(high, to) - SP_MAX(low, from)) / (high - low);
    return share;
}

/* Neighbours are put together until a bar has its part of all; single values with a share of peak, or more, stand alone. */
static void build_bars(const sp_cat_stats *s, sp_cat_class class, double unit, double peak, bars *b)
{
    double points[POINTS_MAX];
    uint32_t n = find_points(s, class, unit, points), peaks = 0, parts = 0;
    bool begun = false;
    if (n < 2)
        return;
    b->bounds[0] = points[0];
    for (uint32_t i = 0; i + 1 < n; i++) {
        double share = share_between(s, class, points[i], points[i + 1]);
        bool alone = share >= peak && points[i + 1] - points[i] <= unit && peaks < PEAKS_MAX;
        b->n += alone && begun;
        b->weights[b->n] += share;
        b->bounds[b->n + 1] = points[i + 1];
        bool full = !alone && b->weights[b->n] >= (1 - s->null_rate) / BARS_MAX && parts + 1 < BARS_MAX;
        bool ends = (alone || full) && i + 2 < n;
        peaks += alone;
        parts += full;
        b->n += ends;
        begun = !ends;
    }
    b->n++;
}

static int add_bound(sp_config *k, sp_buf *out, const sp_cat_type *type, double v)
{
    if (is_moment(type->class))
        return sp_buf_adds(out, sp_config_shown_moment(k, v, type->class == SP_CAT_DATE));
    return sp_buf_printf(out, "%.*f",
                         type->class == SP_CAT_DECIMAL ? (int)(type->precision ? SP_MIN(type->scale, 15) : 2)
                         : type->class == SP_CAT_FLOAT ? 6
                                                       : 0,
                         v);
}

static const char *histogram_yaml(sp_config *k, const sp_cat_type *type, const bars *b)
{
    sp_buf text = {0};
    int rc = sp_buf_adds(&text, "{type: histogram, bounds: [");
    for (uint32_t i = 0; i <= b->n && !rc; i++)
        rc = (i && sp_buf_adds(&text, ", ")) || add_bound(k, &text, type, b->bounds[i]);
    rc = rc || sp_buf_adds(&text, "],\n                       weights: [");
    for (uint32_t i = 0; i < b->n && !rc; i++)
        rc = sp_buf_printf(&text, "%s%.3g", i ? ", " : "", 100 * b->weights[i]);
    rc = rc || sp_buf_adds(&text, "]}");
    const char *kept = rc ? NULL : sp_arena_strndup(k->arena, text.data, text.len);
    sp_buf_done(&text);
    k->nomem = k->nomem || !kept;
    return kept;
}

static double unit_of(const sp_cat_type *type)
{
    switch (type->class) {
    case SP_CAT_INTEGER: return 1;
    case SP_CAT_DECIMAL: return pow(10, -(double)(type->precision ? SP_MIN(type->scale, 15) : 2));
    case SP_CAT_DATE: return 86400;
    case SP_CAT_FLOAT: return 1e-6;
    default: return 1;
    }
}

/* How much higher the highest bar is than the lowest. */
static double unevenness(const bars *b)
{
    double least = INFINITY, most = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        double each = b->weights[i] / (b->bounds[i + 1] - b->bounds[i]);
        least = SP_MIN(least, each);
        most = SP_MAX(most, each);
    }
    return b->n > 1 ? most / least : 1;
}

/* Whole numbers that count the rows, perhaps in steps. */
static bool counts_rows(sp_config *k, const sp_cat_table *t, const sp_cat_stats *s, const bars *b, sp_choice *out)
{
    double span = b->bounds[b->n] - 1 - b->bounds[0], step = t->rows > 1 ? floor(span / (t->rows - 1) + 0.5) : 0;
    if (s->null_rate > 0 || s->distinct < IN_ORDER * t->rows || step < 1 ||
        fabs(span - step * (t->rows - 1)) > (1 - IN_ORDER) * span)
        return false;
    out->mode = "inc";
    out->text = sp_config_printf(k, "%.0f", b->bounds[0]);
    out->props = step > 1 ? sp_config_printf(k, "{step: %.0f}", step) : NULL;
    out->sorted = false; /* which it is anyway */
    return true;
}

/* The commonest values, down to a share of the rows, go by themselves; returns what is left of the statistics. */
static sp_cat_stats split_common(sp_config *k, const sp_cat_stats *s, double least, sp_choice *out)
{
    sp_cat_stats rest = *s;
    double *rates = sp_arena_alloc(k->arena, s->n_common + 1, sizeof(*rates));
    k->nomem = k->nomem || !rates;
    out->common = s->common;
    out->common_rates = rates;
    for (; rates && rest.n_common && *rest.common_rates >= least && out->n_common < VALUES_MAX; out->n_common++) {
        rates[out->n_common] = *rest.common_rates / (1 - s->null_rate); /* of those that are not null */
        rest.null_rate += *rest.common_rates;
        rest.common++;
        rest.common_rates++;
        rest.n_common--;
    }
    return rest;
}

/* From the first bound to the last: "{min: 1, max: 10}". */
static const char *range_props(sp_config *k, const sp_cat_type *type, const bars *b)
{
    sp_buf text = {0};
    int rc = sp_buf_adds(&text, "{min: ") || add_bound(k, &text, type, b->bounds[0]) || sp_buf_adds(&text, ", max: ") ||
             add_bound(k, &text, type, b->bounds[b->n]);
    if (!rc && type->class == SP_CAT_DATE)
        rc = sp_buf_adds(&text, ", format: 2006-01-02");
    if (!rc && type->class == SP_CAT_DECIMAL)
        rc = sp_buf_printf(&text, ", scale: %u", type->precision ? SP_MIN(type->scale, 15) : 2);
    rc = rc || sp_buf_adds(&text, "}");
    const char *kept = rc ? NULL : sp_arena_strndup(k->arena, text.data, text.len);
    sp_buf_done(&text);
    k->nomem = k->nomem || !kept;
    return kept;
}

static bool histogram(sp_config *k, const sp_cat_table *t, const sp_cat_type *type, const sp_cat_stats *s,
                      sp_choice *out)
{
    static const char *const ranges[] = {
        [SP_CAT_INTEGER] = "int", [SP_CAT_FLOAT] = "float", [SP_CAT_DECIMAL] = "decimal"};
    bool moment = is_moment(type->class);
    if (s->n_bounds < 2 || (!moment && (type->class >= SP_COUNT(ranges) || !ranges[type->class])))
        return false;
    out->sorted = s->correlation > IN_ORDER;
    sp_cat_stats rest = out->sorted || moment ? *s : split_common(k, s, OFTEN, out);
    bars b = {0};
    build_bars(&rest, type->class, unit_of(type), INFINITY, &b);
    if (b.n == 0)
        return false;
    bool even = unevenness(&b) <= EVEN;
    if (even && out->sorted && type->class == SP_CAT_INTEGER && counts_rows(k, t, s, &b, out))
        return true;
    out->mode = "range";
    out->text = moment ? "timestamp" : ranges[type->class];
    out->distribution = even ? NULL : histogram_yaml(k, type, &b);
    if (even)
        out->props = range_props(k, type, &b);
    else if (type->class == SP_CAT_DATE)
        out->props = "{format: 2006-01-02}";
    else if (type->class == SP_CAT_DECIMAL)
        out->props = sp_config_printf(k, "{scale: %u}", type->precision ? SP_MIN(type->scale, 15) : 2);
    return true;
}

bool sp_config_counts(sp_config *k, const sp_cat_table *t, const sp_cat_column *c, sp_choice *out)
{
    bars b = {0};
    if (!c->stats || c->stats->correlation <= IN_ORDER)
        return false;
    build_bars(c->stats, SP_CAT_INTEGER, 1, INFINITY, &b);
    return b.n && unevenness(&b) <= EVEN && counts_rows(k, t, c->stats, &b, out);
}

void sp_config_common(sp_config *k, const sp_cat_stats *s, sp_choice *out)
{
    split_common(k, s, KNOWN, out);
}

bool sp_config_from_stats(sp_config *k, const sp_cat_table *t, const sp_cat_column *c, sp_choice *out)
{
    const sp_cat_stats *s = c->stats;
    if (!s || c->type.domain)
        return false;
    if (c->type.class == SP_CAT_ENUM && s->n_common) {
        out->type = "enum";
        return weigh(k, s, c->type.labels, c->type.n_labels, out);
    }
    if (c->type.class == SP_CAT_LIST)
        return common_items(k, c, out);
    bool all = covered(s) >= 0.9999 || s->n_bounds < 2 || c->type.class == SP_CAT_TEXT;
    if (is_plain(c->type.class) && s->n_common && s->n_common <= VALUES_MAX && covered(s) >= COVERED && all)
        return weigh(k, s, s->common, s->n_common, out);
    return histogram(k, t, &c->type, s, out);
}

/* ---- how many different values --------------------------------------------------------------- */

/* How many values there would be in the plan's rows: as many as there are, or the same share of the rows. */
static double distinct(const sp_draft *d, const sp_cat_stats *s)
{
    return s->grows && d->t->rows > 0 ? s->distinct * (double)d->rows / d->t->rows : s->distinct;
}

/* Of n values, each as likely as any other, how many come in so many rows. */
static double drawn(double n, double rows)
{
    return n > 0 ? -n * expm1(-rows / n) : 0;
}

/* The other way round: a few more than come. */
static double to_draw_from(double come, double rows)
{
    double low = come, high = come;
    while (drawn(high, rows) < come)
        high *= 2;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        *(drawn(middle, rows) < come ? &low : &high) = middle;
    }
    return floor(high + 0.5);
}

uint64_t sp_config_few(const sp_making *m, bool *each)
{
    const sp_cat_stats *s = m->c->stats;
    double rows = s ? (double)m->d->rows * (1 - s->null_rate) : 0, left = rows;
    for (uint32_t i = 0; i < m->out->n_common; i++)
        left -= rows * m->out->common_rates[i];
    double come = s ? distinct(m->d, s) - m->out->n_common : 0;
    *each = come > NEARLY_ALL * left;
    if (come < 1 || left < 1 || come > SP_PLAN_VALUES_MAX)
        return 0;
    double from =
        *each ? SP_MIN(come / left, 1.0) * (double)m->d->rows : to_draw_from(come, left); /* nulls have a turn, too */
    return (uint64_t)SP_MIN(from, (double)SP_PLAN_VALUES_MAX);
}

/* ---- references ------------------------------------------------------------------------------- */

/* A share that is no accident of which rows the server has looked at. */
static double notable(const sp_cat_stats *s, double rows)
{
    double seen = rows > 0 ? SP_MIN(rows, SEEN) : SEEN, usual = seen * (1 - s->null_rate) / SP_MAX(s->distinct, 1.0);
    return (usual + 6 * sqrt(usual) + 3) / seen;
}

/* Bars that the first n values by rank need, when a bar ends where a value is rarer by this than its first. */
static uint32_t ranks_needed(const sp_cat_stats *s, uint32_t n, double by)
{
    uint32_t needed = 0;
    double first = INFINITY;
    for (uint32_t i = 0; i < n; i++)
        if (s->common_rates[i] < by * first) {
            first = s->common_rates[i];
            needed++;
        }
    return needed;
}

/* The commonest rows are the first ones: bars over their ranks, each of values about as common, and one for all the others, up to last. */
static void build_ranks(const sp_cat_stats *s, double least, double last, bars *b)
{
    bool all = covered(s) >= 0.999;
    uint32_t n = 0;
    double by = 1, first = INFINITY, rest = 1 - s->null_rate;
    while (n < s->n_common && n + 1 <= last && (all || s->common_rates[n] >= least))
        n++;
    while (ranks_needed(s, n, by) > BARS_MAX)
        by *= 0.95;
    for (uint32_t i = 0; i < n; i++) {
        bool begins = s->common_rates[i] < by * first;
        first = begins ? s->common_rates[i] : first;
        b->n += begins;
        b->weights[b->n - 1] += s->common_rates[i];
        b->bounds[b->n] = i + 1;
        rest -= s->common_rates[i];
    }
    if (rest > 0.001 && last > n) {
        b->bounds[b->n + 1] = floor(last);
        b->weights[b->n++] = rest;
    }
}

/* Whole numbers that are all among 1 to rows: the key's rows by their number. */
static bool are_rows(const sp_cat_stats *s, uint64_t rows)
{
    double v;
    for (uint32_t i = 0; i < s->n_bounds + s->n_common; i++) {
        sp_str text = i < s->n_bounds ? s->bounds[i] : s->common[i - s->n_bounds];
        if (!sp_parse_f64(text, &v) || v < 1 || v > (double)rows)
            return false;
    }
    return s->n_bounds + s->n_common > 1;
}

const char *sp_config_shares(sp_config *k, const sp_draft *d, const sp_cat_stats *s, const sp_draft *parent,
                             bool counted)
{
    static const sp_cat_type number = {.class = SP_CAT_INTEGER};
    bars b = {0};
    if (!s || s->distinct < 1)
        return NULL;
    bool known = d->t->rows > 0 && parent->t->rows > 0;
    double even = known ? drawn(parent->t->rows, d->t->rows * (1 - s->null_rate)) : 0, least = notable(s, d->t->rows),
           size = known ? (double)parent->rows / parent->t->rows : 1;
    bool some = s->distinct < SOME * even;
    bool by_value = counted && are_rows(s, parent->rows) && s->distinct >= even / 2;
    if (by_value) {
        if (s->n_common > PEAKS_MAX)
            least = SP_MAX(least, s->common_rates[PEAKS_MAX - 1]);
        build_bars(s, SP_CAT_INTEGER, 1, least, &b);
    } else {
        build_ranks(s, least, SP_MIN(SP_MAX(s->distinct * size, 1.0), (double)parent->rows), &b);
    }
    for (uint32_t i = 0; by_value && i <= b.n; i++)
        b.bounds[i] -= 1; /* choices are counted from 0 */
    if (b.n && (some || unevenness(&b) > SKEWED))
        return histogram_yaml(k, &number, &b);
    return counted && s->correlation > IN_ORDER ? "{type: even}" : NULL;
}
