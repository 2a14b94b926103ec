/* distribution.c - how values are spread: the distributions by name, what each needs, and what it may be used for.
 *
 * A parameter is a value of the column (a mean), a difference of two (a deviation) or a number by itself (a shape). The first two
 * are written as the column's own values are: numbers, timestamps and durations, durations. */
#include "plan/document.h"

#include <math.h>

#define ZIPF_EXPONENT_DEFAULT 1.1
enum { BARS_MAX = 1 << 20 };

enum {
    D_TYPE,
    D_EXPONENT,
    D_MEAN,
    D_DEVIATION,
    D_MEDIAN,
    D_SIGMA,
    D_SCALE,
    D_SHAPE,
    D_PEAK,
    D_TRIALS,
    D_CHANCE,
    D_BOUNDS,
    D_WEIGHTS,
    D_VALUES,
    D_GROWTH,
    D_WEEKDAYS,
    D_HOURS,
    D_MIN, /* of children: read there */
    D_MAX,
    D_STEP,
    D_EVERY,
    D_COUNT
};
static const char *const key_names[D_COUNT] = {
    [D_TYPE] = "type",       [D_EXPONENT] = "exponent", [D_MEAN] = "mean",     [D_DEVIATION] = "deviation",
    [D_MEDIAN] = "median",   [D_SIGMA] = "sigma",       [D_SCALE] = "scale",   [D_SHAPE] = "shape",
    [D_PEAK] = "peak",       [D_TRIALS] = "trials",     [D_CHANCE] = "chance", [D_BOUNDS] = "bounds",
    [D_WEIGHTS] = "weights", [D_VALUES] = "values",     [D_MIN] = "min",       [D_MAX] = "max",
    [D_GROWTH] = "growth",   [D_WEEKDAYS] = "weekdays", [D_HOURS] = "hours",   [D_STEP] = "step",
    [D_EVERY] = "every",
};
static const sp_keys keys = {"a distribution", key_names, D_COUNT};

typedef enum measure {
    VALUE, /* of the column */
    POSITIVE_VALUE,
    DIFFERENCE, /* above 0 */
    NUMBER,     /* above 0 */
    WHOLE,      /* above 0 */
    SHARE,
} measure;

typedef struct parameter {
    int key; /* 0: none */
    measure measure;
    double otherwise; /* 0: it is needed */
} parameter;

typedef struct kind {
    const char *name;
    sp_spread spread;
    parameter a, b;
    bool of_choices; /* only whole choices: range int, set, ref, lengths */
    bool of_ratios;  /* values are compared with 0, which timestamps have nothing to do with */
} kind;

static const kind kinds[] = {
    {"uniform", SP_SPREAD_UNIFORM, {0}, {0}, false, false},
    {"zipf", SP_SPREAD_ZIPF, {D_EXPONENT, NUMBER, ZIPF_EXPONENT_DEFAULT}, {0}, true, false},
    {"normal", SP_SPREAD_NORMAL, {D_MEAN, VALUE, 0}, {D_DEVIATION, DIFFERENCE, 0}, false, false},
    {"lognormal", SP_SPREAD_LOGNORMAL, {D_MEDIAN, POSITIVE_VALUE, 0}, {D_SIGMA, NUMBER, 0}, false, true},
    {"exponential", SP_SPREAD_EXPONENTIAL, {D_MEAN, DIFFERENCE, 0}, {0}, false, false},
    {"pareto", SP_SPREAD_PARETO, {D_SCALE, POSITIVE_VALUE, 0}, {D_SHAPE, NUMBER, 0}, false, true},
    {"triangular", SP_SPREAD_TRIANGULAR, {D_PEAK, VALUE, 0}, {0}, false, false},
    {"poisson", SP_SPREAD_POISSON, {D_MEAN, NUMBER, 0}, {0}, true, false},
    {"binomial", SP_SPREAD_BINOMIAL, {D_TRIALS, WHOLE, 0}, {D_CHANCE, SHARE, 0}, true, false},
    {"cycle", SP_SPREAD_CYCLE, {D_STEP, DIFFERENCE, 1}, {D_EVERY, WHOLE, 1}, false, false},
    {"even", SP_SPREAD_EVEN, {0}, {0}, false, false},
    {"exact", SP_SPREAD_EXACT, {0}, {0}, true, false},
    {"histogram", SP_SPREAD_HISTOGRAM, {0}, {0}, false, false},
    {"rhythm", SP_SPREAD_RHYTHM, {0}, {0}, false, false},
    {"percentiles", SP_SPREAD_HISTOGRAM, {0}, {0}, false, false},
};

static const char *name_of(sp_spread spread)
{
    return kinds[spread].name; /* in the order of sp_spread */
}

/* ---- values ---- */

static bool is_range(const sp_plan_column *c, sp_range range)
{
    return (c->mode == SP_MODE_RANGE || c->mode == SP_MODE_AFTER) && c->range == range;
}

static bool parse_value(const sp_plan_column *c, sp_str s, double *v)
{
    int64_t i;
    if (is_range(c, SP_RANGE_TIMESTAMP) || is_range(c, SP_RANGE_INTERVAL)) {
        bool good = c->range == SP_RANGE_TIMESTAMP ? sp_parse_timestamp(s, &i) : sp_parse_duration_ns(s, &i);
        *v = (double)i;
        return good;
    }
    if (!sp_scalar_f64(s, v))
        return false;
    if (is_range(c, SP_RANGE_DECIMAL))
        *v *= (double)sp_pow10[c->scale];
    return true;
}

static bool parse_difference(const sp_plan_column *c, sp_str s, double *v)
{
    int64_t ns;
    if (!is_range(c, SP_RANGE_TIMESTAMP))
        return parse_value(c, s, v) && *v > 0;
    if (!sp_parse_duration_ns(s, &ns) || ns < 1000)
        return false;
    *v = (double)(ns / 1000);
    return true;
}

static bool parse(const sp_plan_column *c, measure m, sp_str s, double *v)
{
    switch (m) {
    case VALUE: return parse_value(c, s, v);
    case POSITIVE_VALUE: return parse_value(c, s, v) && *v > 0;
    case DIFFERENCE: return parse_difference(c, s, v);
    case NUMBER: return sp_scalar_f64(s, v) && *v > 0;
    case WHOLE: return sp_scalar_f64(s, v) && *v > 0 && *v <= 0x1p53 && *v == floor(*v);
    case SHARE: return sp_scalar_rate(s, v) && *v >= 0 && *v <= 1;
    }
    return false;
}

static const char *words_for(const sp_plan_column *c, measure m)
{
    bool duration = is_range(c, SP_RANGE_INTERVAL) || (m == DIFFERENCE && is_range(c, SP_RANGE_TIMESTAMP));
    switch (m) {
    case VALUE:
        return duration                          ? "a duration, such as 1h30m"
               : is_range(c, SP_RANGE_TIMESTAMP) ? "a timestamp, such as 2024-01-31"
                                                 : "a number";
    case WHOLE: return "a whole number above 0";
    case SHARE: return "a share: 0 to 1, or 0% to 100%";
    default: return duration ? "a duration above 0, such as 1h30m" : "a number above 0";
    }
}

static bool read_value(sp_plan_reader *r, const sp_plan_column *c, const char *key, const sp_node *node, measure m,
                       double *v)
{
    sp_str text;
    if (!sp_read_text(r, node, words_for(c, m), &text))
        return false;
    if (parse(c, m, text, v))
        return true;
    sp_mistake(r->m, node->mark, text, "%s %s as \"%s\"", text.len ? "is not" : "expected", words_for(c, m), key);
    return false;
}

static void read_parameter(sp_plan_reader *r, sp_plan_column *c, const parameter *p, const sp_node *const *v,
                           double *to)
{
    if (!p->key)
        return;
    *to = p->otherwise;
    if (v[p->key])
        read_value(r, c, key_names[p->key], v[p->key], p->measure, to);
    else if (!p->otherwise)
        sp_mistake(r->m, c->distribution.mark, (sp_str){0}, "%s needs \"%s\": %s", name_of(c->distribution.spread),
                   key_names[p->key], words_for(c, p->measure));
}

/* ---- histograms and percentiles ---- */

static double *numbers(sp_plan_reader *r, uint32_t n, sp_mark at)
{
    if (n > BARS_MAX) {
        sp_mistake(r->m, at, (sp_str){0}, "a distribution has at most %d bars", BARS_MAX);
        return NULL;
    }
    double *v = sp_read_spend(r, n, at) ? sp_arena_alloc(&r->plan->arena, SP_MAX(n, 1u), sizeof(*v)) : NULL;
    if (!v && !r->stop)
        r->nomem = r->stop = true;
    return v;
}

/* what: the words for a list of another length. */
static void read_weights(sp_plan_reader *r, const sp_node *node, double *weights, uint32_t n, const char *what)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        weights[i] = 1;
    if (!node)
        return;
    if (node->kind != SP_NODE_LIST || node->n != n) {
        sp_mistake(r->m, node->mark, (sp_str){0}, "expected a list of %u weights, %s", n, what);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        sp_str text;
        if (!sp_read_text(r, node->items[i], "a weight: a number, 0 or more", &text))
            return;
        if (!sp_scalar_f64(text, &weights[i]) || weights[i] < 0) {
            sp_mistake(r->m, node->items[i]->mark, text, "is not a weight: a number, 0 or more");
            return;
        }
        sum += weights[i];
    }
    if (!(sum > 0) || isinf(sum))
        sp_mistake(r->m, node->mark, (sp_str){0}, "expected weights with a sum above 0");
}

static bool ascends(sp_plan_reader *r, const sp_node *node, const double *edges, uint32_t i)
{
    if (i == 0 || edges[i] >= edges[i - 1])
        return true;
    sp_mistake(r->m, node->mark, node->text, "is less than the one before; they must ascend");
    return false;
}

static void read_bars(sp_plan_reader *r, sp_plan_column *c, const sp_node *bounds, const sp_node *weights)
{
    sp_distribution *d = &c->distribution;
    if (!bounds || bounds->kind != SP_NODE_LIST || bounds->n < 2) {
        sp_mistake(r->m, bounds ? bounds->mark : d->mark, (sp_str){0},
                   "histogram needs \"bounds\": a list of two values or more");
        return;
    }
    uint32_t n = bounds->n - 1;
    double *edges = numbers(r, n + 1, bounds->mark), *w = edges ? numbers(r, n, bounds->mark) : NULL;
    if (!w)
        return;
    for (uint32_t i = 0; i <= n; i++)
        if (!read_value(r, c, "bounds", bounds->items[i], VALUE, &edges[i]) || !ascends(r, bounds->items[i], edges, i))
            return;
    read_weights(r, weights, w, n, "one less than there are bounds");
    *d = (sp_distribution){.spread = d->spread, .mark = d->mark, .edges = edges, .weights = w, .n = n};
}

/* The hours of a week, as often as their weekday and their hour say together. */
static void read_rhythm(sp_plan_reader *r, sp_plan_column *c, const sp_node *const *v)
{
    sp_distribution *d = &c->distribution;
    double weekdays[7], hours[24], *w = numbers(r, 7 * 24, d->mark);
    sp_str text;
    if (v[D_GROWTH] && sp_read_text(r, v[D_GROWTH], "a rate of growth, such as 30%", &text) &&
        (!sp_scalar_rate(text, &d->a) || d->a <= -1 || d->a > 1000))
        sp_mistake(r->m, v[D_GROWTH]->mark, text, "is not the growth of a year, such as 30%% or -0.2");
    read_weights(r, v[D_WEEKDAYS], weekdays, 7, "from Monday to Sunday");
    read_weights(r, v[D_HOURS], hours, 24, "from midnight on");
    for (uint32_t i = 0; w && i < 7 * 24; i++)
        w[i] = weekdays[i / 24] * hours[i % 24];
    d->weights = w;
    d->n = 7 * 24;
}

static bool parse_percent(sp_str s, double *percent)
{
    if (s.len > 1 && (s.p[0] == 'p' || s.p[0] == 'P'))
        s = (sp_str){s.p + 1, s.len - 1};
    return sp_scalar_f64(s, percent) && *percent >= 0 && *percent <= 100;
}

/* {0: 1, 50: 20, 100: 900}: as a histogram, a bar from each to the next. */
static void read_percentiles(sp_plan_reader *r, sp_plan_column *c, const sp_node *values)
{
    sp_distribution *d = &c->distribution;
    if (!values || values->kind != SP_NODE_MAP || values->n < 2) {
        sp_mistake(r->m, values ? values->mark : d->mark, (sp_str){0},
                   "percentiles needs \"values\": a mapping such as {0: 1, 50: 20, 100: 900}");
        return;
    }
    uint32_t n = values->n - 1;
    double *edges = numbers(r, n + 1, values->mark), *w = edges ? numbers(r, n, values->mark) : NULL, before = 0;
    for (uint32_t i = 0; w && i <= n; i++) {
        const sp_node *key = values->pairs[i].key, *value = values->pairs[i].value;
        double percent;
        bool good = parse_percent(key->text, &percent) && (i > 0 ? percent > before : percent == 0) &&
                    (i < n || percent == 100);
        if (!good) {
            sp_mistake(r->m, key->mark, key->text, "is not the percentage expected: they ascend from 0 to 100");
            return;
        }
        if (!read_value(r, c, "values", value, VALUE, &edges[i]) || !ascends(r, value, edges, i))
            return;
        if (i > 0)
            w[i - 1] = percent - before;
        before = percent;
    }
    if (w)
        *d = (sp_distribution){.spread = d->spread, .mark = d->mark, .edges = edges, .weights = w, .n = n};
}

/* ---- the whole ---- */

static const kind *find_kind(sp_plan_reader *r, const sp_node *node)
{
    sp_str name;
    const char *names[SP_COUNT(kinds)];
    if (!sp_read_text(r, node, "a distribution, such as normal", &name))
        return NULL;
    for (size_t i = 0; i < SP_COUNT(kinds); i++) {
        names[i] = kinds[i].name;
        if (sp_str_ieq(name, names[i]))
            return &kinds[i];
    }
    const char *near = sp_nearest(name, names, SP_COUNT(names));
    sp_mistake(
        r->m, node->mark, name,
        "is none of the distributions uniform, zipf, normal, lognormal, exponential, pareto, triangular, poisson, binomial, "
        "cycle, even, exact, histogram, rhythm, percentiles%s%s%s",
        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

static bool goes_with(const sp_plan_column *c, const kind *k)
{
    bool lengths = is_range(c, SP_RANGE_STRING) || is_range(c, SP_RANGE_BYTES) || c->mode == SP_MODE_ARRAY;
    bool choices =
        c->mode == SP_MODE_REF || c->mode == SP_MODE_SET || c->n_values || lengths || is_range(c, SP_RANGE_INT);
    if (k->spread == SP_SPREAD_EXACT)
        return c->mode == SP_MODE_SET;
    if (k->spread == SP_SPREAD_UNIFORM || (choices && k->spread != SP_SPREAD_RHYTHM))
        return true;
    bool range = c->mode == SP_MODE_RANGE || c->mode == SP_MODE_AFTER;
    bool in_order = k->spread == SP_SPREAD_CYCLE || k->spread == SP_SPREAD_EVEN;
    if (!range || c->range == SP_RANGE_POINT || k->of_choices ||
        (in_order && (c->range == SP_RANGE_FLOAT || c->mode == SP_MODE_AFTER)))
        return false;
    return !(k->of_ratios && c->range == SP_RANGE_TIMESTAMP) &&
           (k->spread != SP_SPREAD_RHYTHM || c->range == SP_RANGE_TIMESTAMP);
}

static void warn_of_others(sp_plan_reader *r, const kind *k, const sp_node *const *v)
{
    for (int i = D_TYPE + 1; i < D_MIN; i++) {
        bool bars = k->spread == SP_SPREAD_HISTOGRAM &&
                    (k == &kinds[SP_COUNT(kinds) - 1] ? i == D_VALUES : i == D_BOUNDS || i == D_WEIGHTS);
        bool rhythm = k->spread == SP_SPREAD_RHYTHM && i >= D_GROWTH && i <= D_HOURS;
        if (v[i] && i != k->a.key && i != k->b.key && !bars && !rhythm)
            sp_warning(r->m, v[i]->mark, sp_str_of(key_names[i]), "is not used by %s", k->name);
    }
}

void sp_read_distribution(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    const sp_node *v[D_COUNT] = {node};
    if (!node)
        return;
    c->distribution.mark = node->mark;
    if (node->kind == SP_NODE_MAP) {
        v[D_TYPE] = NULL;
        sp_read_keys(r, node, &keys, v);
    }
    if (!v[D_TYPE]) {
        sp_mistake(r->m, node->mark, (sp_str){0}, "a distribution needs a \"type\", such as normal");
        return;
    }
    const kind *k = find_kind(r, v[D_TYPE]);
    if (!k)
        return;
    c->distribution.spread = k->spread;
    if (!goes_with(c, k)) {
        sp_mistake(r->m, v[D_TYPE]->mark, v[D_TYPE]->text,
                   k->spread == SP_SPREAD_EXACT ? "goes only with a set"
                   : k->of_choices              ? "goes only with ref, set, distinct, range int and lengths"
                                                : "does not go with this column");
        return;
    }
    warn_of_others(r, k, v);
    if (k == &kinds[SP_COUNT(kinds) - 1])
        read_percentiles(r, c, v[D_VALUES]);
    else if (k->spread == SP_SPREAD_RHYTHM)
        read_rhythm(r, c, v);
    else if (k->spread == SP_SPREAD_HISTOGRAM)
        read_bars(r, c, v[D_BOUNDS], v[D_WEIGHTS]);
    read_parameter(r, c, &k->a, v, &c->distribution.a);
    read_parameter(r, c, &k->b, v, &c->distribution.b);
}

void sp_read_counts(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    sp_read_distribution(r, c, node);
    sp_spread s = c->distribution.spread;
    if (s != SP_SPREAD_UNIFORM && s != SP_SPREAD_POISSON && s != SP_SPREAD_BINOMIAL && s != SP_SPREAD_ZIPF &&
        s != SP_SPREAD_HISTOGRAM)
        sp_mistake(r->m, node->mark, (sp_str){0},
                   "children are counted by uniform, poisson, binomial, zipf, histogram or percentiles");
}

/* Where nearly all values are: what is beyond comes once in 2^53 draws or less. */
bool sp_distribution_bounds(const sp_distribution *d, double *min, double *max)
{
    switch (d->spread) {
    case SP_SPREAD_NORMAL:
        *min = d->a - 8.3 * d->b;
        *max = d->a + 8.3 * d->b;
        return true;
    case SP_SPREAD_LOGNORMAL:
        *min = 0;
        *max = d->a * exp(8.3 * d->b);
        return true;
    case SP_SPREAD_EXPONENTIAL:
        *min = 0;
        *max = 37 * d->a;
        return true;
    case SP_SPREAD_PARETO:
        *min = d->a;
        *max = d->a * exp2(53 / d->b);
        return true;
    case SP_SPREAD_POISSON:
        *min = 0;
        *max = d->a + 12 * sqrt(d->a) + 40;
        return true;
    case SP_SPREAD_BINOMIAL:
        *min = 0;
        *max = d->a + 1;
        return true;
    case SP_SPREAD_HISTOGRAM:
        *min = d->n ? d->edges[0] : 0;
        *max = d->n ? d->edges[d->n] : 0;
        return d->n > 0;
    default: return false;
    }
}
