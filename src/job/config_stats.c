/* config_stats.c - what the server's statistics say of a column becomes a set with weights or a histogram.
 *
 * PostgreSQL keeps the commonest values with their shares, and bounds between which equal shares of the rest lie. Where the
 * commonest values are nearly all there are, they are the set; else numbers and moments get a histogram of both. Of lists it keeps
 * the same of their items, and how many they have. Of everything else the statistics say only how many values there are, and the name
 * and type say more. */
#include "job/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BARS_MAX = 20, VALUES_MAX = 100, POINTS_MAX = 1024 };
#define COVERED       0.95  /* of the rows, by the commonest values: no others matter */
#define COVERED_ITEMS 0.8   /* of all items, by the commonest ones */
#define OFTEN         0.01  /* of the rows: such a number stands by itself */
#define KNOWN         0.001 /* such a text is no secret */
#define IN_ORDER      0.99  /* rows lie in the order of such a column */
#define SKEWED        1.5   /* so much oftener than others are the rows that are referred to most */

typedef struct bars {
    double bounds[BARS_MAX + 1];
    double weights[BARS_MAX];
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

/* Neighbours are put together until a bar has its part of all. */
static void build_bars(const sp_cat_stats *s, sp_cat_class class, double unit, bars *b)
{
    double points[POINTS_MAX];
    uint32_t n = find_points(s, class, unit, points);
    if (n < 2)
        return;
    b->bounds[0] = points[0];
    for (uint32_t i = 0; i + 1 < n; i++) {
        b->weights[b->n] += share_between(s, class, points[i], points[i + 1]);
        b->bounds[b->n + 1] = points[i + 1];
        bool full = b->weights[b->n] >= (1 - s->null_rate) / BARS_MAX;
        if (full && b->n + 1 < BARS_MAX && i + 2 < n)
            b->n++;
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

static bool histogram(sp_config *k, const sp_cat_type *type, const sp_cat_stats *s, sp_choice *out)
{
    static const char *const ranges[] = {
        [SP_CAT_INTEGER] = "int", [SP_CAT_FLOAT] = "float", [SP_CAT_DECIMAL] = "decimal"};
    bool moment = is_moment(type->class);
    if (s->n_bounds < 2 || (!moment && (type->class >= SP_COUNT(ranges) || !ranges[type->class])))
        return false;
    out->sorted = s->correlation > IN_ORDER;
    sp_cat_stats rest = out->sorted || moment ? *s : split_common(k, s, OFTEN, out);
    bars b = {0};
    build_bars(&rest, type->class, unit_of(type), &b);
    if (b.n == 0)
        return false;
    out->mode = "range";
    out->text = moment ? "timestamp" : ranges[type->class];
    out->distribution = histogram_yaml(k, type, &b);
    if (type->class == SP_CAT_DATE)
        out->props = "{format: 2006-01-02}";
    if (type->class == SP_CAT_DECIMAL)
        out->props = sp_config_printf(k, "{scale: %u}", type->precision ? SP_MIN(type->scale, 15) : 2);
    return out->distribution != NULL;
}

uint64_t sp_config_common_texts(sp_config *k, const sp_cat_stats *s, sp_choice *out)
{
    if (!s)
        return 0;
    split_common(k, s, KNOWN, out);
    return s->distinct > out->n_common ? (uint64_t)s->distinct - out->n_common : 0;
}

bool sp_config_from_stats(sp_config *k, const sp_cat_column *c, sp_choice *out)
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
    return histogram(k, &c->type, s, out);
}

/* ---- references ------------------------------------------------------------------------------- */

/* The commonest rows are the first ones: bars over their ranks, and one for all the others. */
static void build_ranks(const sp_cat_stats *s, bars *b)
{
    double rest = 1 - covered(s);
    for (uint32_t i = 0; i < s->n_common; i++) {
        b->weights[b->n] += s->common_rates[i];
        b->bounds[b->n + 1] = i + 1;
        if (b->weights[b->n] >= (1 - s->null_rate) / BARS_MAX && b->n + 2 < BARS_MAX && i + 1 < s->n_common)
            b->n++;
    }
    b->n += s->n_common > 0;
    if (rest > 0.001 && s->distinct > s->n_common) {
        b->bounds[b->n + 1] = floor(s->distinct);
        b->weights[b->n++] = rest;
    }
}

/* Are rows in some bars much oftener than in others? */
static bool is_skewed(const bars *b)
{
    double least = INFINITY, most = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        double each = b->weights[i] / (b->bounds[i + 1] - b->bounds[i]);
        least = SP_MIN(least, each);
        most = SP_MAX(most, each);
    }
    return b->n > 1 && most > SKEWED * least;
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

const char *sp_config_shares(sp_config *k, const sp_cat_stats *s, uint64_t rows, bool counted)
{
    static const sp_cat_type number = {.class = SP_CAT_INTEGER};
    bars b = {0};
    if (!s)
        return NULL;
    bool by_value = counted && are_rows(s, rows);
    if (by_value)
        build_bars(s, SP_CAT_INTEGER, 1, &b);
    else
        build_ranks(s, &b);
    for (uint32_t i = 0; by_value && i <= b.n; i++)
        b.bounds[i] -= 1; /* choices are counted from 0 */
    return is_skewed(&b) ? histogram_yaml(k, &number, &b) : NULL;
}
