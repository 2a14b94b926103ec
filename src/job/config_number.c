/* config_number.c - the ranges of numbers and moments: what is usual, within what is allowed.
 *
 * The name and the statistics say what is usual, the type and the conditions what is allowed. Columns that come one after the
 * other in every row follow by a delay, or have a span each of one range. */
#include "job/config.h"

#include "codec/codec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SPAN_FROM "2020-01-01"
#define SPAN_TO   "2026-01-01"

/* ---- numbers ------------------------------------------------------------------------------------- */

typedef struct limits {
    double min, max;  /* both included */
    double low, high; /* what the type and the conditions allow */
    bool named;       /* the name says what is usual */
    bool counted;     /* the statistics do */
} limits;

static void clip(limits *l)
{
    double width = SP_MAX(l->max - l->min, 1.0);
    if (l->min > l->high) {
        l->min = SP_MAX(l->low, l->high - width);
        l->max = l->high;
    }
    if (l->min < l->low) {
        l->min = l->low;
        l->max = l->max > l->min ? l->max : l->min + width;
    }
    if (l->max > l->high) {
        l->max = l->high;
        l->min = l->min < l->max ? l->min : SP_MAX(l->low, l->max - width);
    }
}

/* Conditions narrow what is allowed; where they give both ends, they are what is usual. unit: the next number. */
static void apply_demand(sp_making *m, limits *l, double unit)
{
    double v;
    bool has_min = m->demand->min.p && sp_parse_f64(m->demand->min, &v);
    if (has_min)
        l->low = SP_MAX(l->low, m->demand->min_open ? v + unit : v);
    bool has_max = m->demand->max.p && sp_parse_f64(m->demand->max, &v);
    if (has_max)
        l->high = SP_MIN(l->high, m->demand->max_open ? v - unit : v);
    if (has_min && has_max && !l->counted) {
        l->min = l->low;
        l->max = l->high;
    }
    clip(l);
}

/* Single numbers that are not allowed: the larger part beside each is left. */
static void step_aside(sp_making *m, limits *l, double unit)
{
    double v;
    for (uint32_t i = 0; i < m->demand->n_excluded; i++) {
        if (!sp_parse_f64(m->demand->excluded[i], &v) || v < l->min || v > l->max)
            continue;
        if (v - l->min > l->max - v)
            l->max = v - unit;
        else
            l->min = v + unit;
    }
}

/* Histogram bounds and common values say what is usual, too. */
static void apply_stats(sp_making *m, limits *l)
{
    const sp_cat_stats *s = m->c->stats;
    double lowest = INFINITY, highest = -INFINITY, v;
    for (uint32_t i = 0; s && i < s->n_bounds + s->n_common; i++) {
        sp_str text = i < s->n_bounds ? s->bounds[i] : s->common[i - s->n_bounds];
        if (!sp_parse_f64(text, &v))
            continue;
        lowest = SP_MIN(lowest, v);
        highest = SP_MAX(highest, v);
    }
    if (lowest > highest)
        return;
    l->min = lowest;
    l->max = highest;
    l->counted = true;
}

/* The share of a range that is this column's, where several come one after the other. */
static void take_step(sp_making *m, limits *l)
{
    if (m->d->afters)
        return;
    unsigned steps = m->d->steps[m->column], step = m->d->step[m->column];
    if (steps < 2)
        return;
    double width = (l->max - l->min) / steps;
    double min = l->min;
    l->min = step ? min + width * step : min;
    l->max = min + width * (step + 1);
}

/* What comes after a column whose bound is far out has room up to there, too. */
static void reach_out(const sp_making *m, limits *l)
{
    const sp_demands *all = &m->d->demands;
    double v;
    for (uint32_t i = 0; i < all->n_orderings && !m->demand->max.p; i++) {
        const sp_demand *low = &all->columns[all->orderings[i].low];
        if (all->orderings[i].high == m->column && !all->orderings[i].differ && low->max.p &&
            sp_parse_f64(low->max, &v))
            l->max = SP_MIN(SP_MAX(l->max, v), l->high);
    }
}

static limits number_limits(sp_making *m, double low, double high, double unit)
{
    limits l = {.min = SP_MAX(low, 0.0), .max = SP_MIN(high, 1000.0), .low = low, .high = high};
    if (m->type->class == SP_CAT_YEAR)
        sp_words_number("year", &l.min, &l.max);
    if (m->d->steps[m->column] < 2) { /* columns that come one after the other share one range */
        l.named = m->out->tries == 0 && sp_words_number(m->c->name, &l.min, &l.max);
        apply_stats(m, &l);
    }
    apply_demand(m, &l, unit);
    reach_out(m, &l);
    take_step(m, &l);
    step_aside(m, &l, unit);
    return l;
}

static double two_to(unsigned bits)
{
    return ldexp(1, (int)bits);
}

/* n % 5 = 3: so many fives, and three. */
static bool choose_multiple(sp_making *m, const limits *l)
{
    double by = (double)m->demand->modulus, rest = (double)m->demand->remainder;
    double first = ceil((SP_MAX(l->min, 0.0) - rest) / by), last = floor((l->max - rest) / by);
    if (last < first)
        return false;
    if (m->unique) {
        sp_making_mode(m, "inc", sp_config_printf(m->k, "%.0f", first * by + rest > 0 ? first * by + rest : by));
        m->out->props = sp_config_printf(m->k, "{step: %.0f}", by);
        m->out->most = (uint64_t)SP_MAX(floor((l->high - rest) / by) - first, 1.0);
        return true;
    }
    sp_making_mode(m, "expr",
                   rest > 0 ? sp_config_printf(m->k, "%.0f * random(%.0f, %.0f) + %.0f", by, first, last, rest)
                            : sp_config_printf(m->k, "%.0f * random(%.0f, %.0f)", by, first, last));
    return true;
}

static bool has_no_value_twice(const sp_draft *d, uint32_t column)
{
    bool once = d->apart[column];
    for (uint32_t i = 0; i < d->t->n_keys; i++)
        once = once || (d->t->keys[i].n == 1 && !d->t->keys[i].sum && d->t->keys[i].columns[0] == column);
    return once;
}

/* Numbers with no value twice need more room than their part of a range that columns share: what is above such a column is so by adding. */
static bool choose_above(sp_making *m)
{
    const sp_demand *own = m->demand;
    if (!m->d->step[m->column] || m->unique || m->out->tries || own->max.p || own->n_values || own->n_excluded ||
        own->modulus)
        return false;
    for (uint32_t i = 0; i < m->d->t->n_columns; i++) {
        const sp_cat_column *below = &m->d->t->columns[i];
        bool before = m->d->step[i] + 1 == m->d->step[m->column] && sp_config_before(m->d, i, m->column);
        if (!before || below->type.class != SP_CAT_INTEGER || !has_no_value_twice(m->d, i) || m->type->bits < 32 ||
            (m->c->not_null && !below->not_null))
            continue;
        sp_making_mode(m, "expr", sp_config_printf(m->k, "\"%s\" + random(1, 1000)", below->name));
        return true;
    }
    return false;
}

/* Integers are exact in a double up to 2^53, which is far enough for what is made up. */
void sp_making_integer(sp_making *m)
{
    unsigned bits = SP_MIN(m->type->bits ? m->type->bits : 32, 53u);
    double high = m->type->class == SP_CAT_YEAR ? 2155 : two_to(m->type->is_unsigned ? bits : bits - 1) - 1;
    double low = m->type->class == SP_CAT_YEAR ? 1901 : m->type->is_unsigned ? 0 : -high - 1;
    if (choose_above(m))
        return;
    limits l = number_limits(m, low, high, 1);
    if (!l.named && !l.counted && l.max == 1000 && l.min == 0 && !m->demand->min.p && !m->demand->max.p &&
        m->d->steps[m->column] < 2 && !m->d->demands.in_sums[m->column] &&
        !m->d->narrow[m->column]) /* sums have room beside 1000 */
        l.max = SP_MIN(high, 1e6);
    bool last = m->d->step[m->column] + 1 >= m->d->steps[m->column];
    l.min = ceil(l.min);
    l.max = last ? floor(l.max) : ceil(l.max) - 1;
    if (m->unique && l.max - l.min + 1 < 10.0 * (double)m->d->rows)
        l.max = SP_MIN(l.high, l.min + 10.0 * (double)m->d->rows);
    if (m->unique && l.max - l.min + 1 < (double)m->d->rows)
        l.min = SP_MAX(l.low, l.max - (double)m->d->rows);
    if (m->demand->modulus && choose_multiple(m, &l))
        return;
    sp_making_mode(m, "range", "int");
    m->out->props = sp_config_printf(m->k, "{min: %.0f, max: %.0f}", l.min, l.max + 1);
    m->out->most = (uint64_t)SP_MAX(l.max - l.min + 1, 1.0);
}

/* A range of decimals has at most 18 digits. */
void sp_making_decimal(sp_making *m, unsigned precision, unsigned scale)
{
    scale = SP_MIN(precision ? scale : 2, 15u);
    scale = m->demand->rounded ? SP_MIN(scale, m->demand->digits) : scale;
    int whole = precision ? SP_MIN((int)precision - (int)m->type->scale, 17 - (int)scale) : 12;
    double unit = pow(10, -(double)scale), high = pow(10, whole) - unit;
    limits l = number_limits(m, -high, high, unit);
    if (m->unique && (l.max - l.min) / unit < (double)m->d->rows)
        l.max = SP_MIN(l.high, l.min + 10.0 * (double)m->d->rows * unit);
    sp_making_mode(m, "range", "decimal");
    m->out->props =
        sp_config_printf(m->k, "{min: %.*f, max: %.*f, scale: %u}", (int)scale, l.min, (int)scale, l.max, scale);
    m->out->most = (uint64_t)SP_MAX((l.max - l.min) / unit, 1.0);
}

void sp_making_float(sp_making *m)
{
    if (m->unique || m->demand->rounded) { /* a float cannot be, a decimal can, and fits */
        sp_making_decimal(m, 12, 6);
        return;
    }
    limits l = number_limits(m, -1e15, 1e15, 1e-3);
    sp_making_mode(m, "range", "float");
    m->out->props = sp_config_printf(m->k, "{min: %.10g, max: %.10g}", l.min, l.max);
}

/* ---- time ---------------------------------------------------------------------------------------- */

static double seconds_of(const char *text)
{
    int64_t us = 0;
    sp_parse_timestamp(sp_str_of(text), &us);
    return floor((double)us / 1e6);
}

bool sp_config_moment(sp_str text, double *seconds)
{
    int64_t us;
    char plain[64];
    size_t len = SP_MIN(text.len, sizeof(plain) - 4);
    memcpy(plain, text.p, len);
    if (len > 3 && (plain[len - 3] == '+' || plain[len - 3] == '-') && len > 16)
        len += (size_t)snprintf(plain + len, 4, ":00");
    if (!sp_parse_timestamp((sp_str){plain, len}, &us))
        return false;
    *seconds = floor((double)us / 1e6);
    return true;
}

static void apply_moments(sp_making *m, limits *l)
{
    const sp_cat_stats *s = m->d->steps[m->column] < 2 ? m->c->stats : NULL;
    double lowest = INFINITY, highest = -INFINITY, v;
    for (uint32_t i = 0; s && i < s->n_bounds + s->n_common; i++) {
        if (!sp_config_moment(i < s->n_bounds ? s->bounds[i] : s->common[i - s->n_bounds], &v))
            continue;
        lowest = SP_MIN(lowest, v);
        highest = SP_MAX(highest, v);
    }
    if (lowest < highest) {
        l->min = lowest;
        l->max = highest;
    }
    if (m->demand->min.p && sp_config_moment(m->demand->min, &v))
        l->low = v + (m->demand->min_open ? 86400 : 0);
    if (m->demand->max.p && sp_config_moment(m->demand->max, &v))
        l->high = v - (m->demand->max_open ? 86400 : 0);
    clip(l);
}

/* "2024-01-31", or with the time of day. */
const char *sp_config_shown_moment(sp_config *k, double seconds, bool date)
{
    char text[SP_TIMESTAMP_TEXT_MAX + SP_SLACK];
    char *end = date || fmod(seconds, 86400) == 0 ? sp_put_date_iso(text, (int32_t)floor(seconds / 86400))
                                                  : sp_put_timestamptz_iso(text, (int64_t)seconds * SP_US_PER_SECOND);
    return sp_config_printf(k, "%.*s", (int)(end - text), text);
}

/* Some time after another moment of the row: days, or hours. */
static bool choose_after(sp_making *m, double null_rate)
{
    int before = m->d->afters && m->d->step[m->column] ? sp_config_follows(m->d, m->column) : -1;
    if (before < 0)
        return false;
    bool date = m->type->class == SP_CAT_DATE,
         whole = !date && sp_sql_is_mariadb((sp_sql_dialect)m->k->c->dialect) && !strchr(m->type->spelled, '(');
    m->d->needed[before] = true;
    if (whole) { /* a datetime without a fraction takes none */
        sp_making_mode(
            m, "expr",
            sp_config_printf(m->k, "\"%s\" + seconds(random(3600, 2592000))", m->d->t->columns[before].name));
        if (null_rate >= 0 && !m->c->not_null && !m->c->stats)
            m->out->null_rate = null_rate;
        return true;
    }
    sp_making_mode(m, "after", m->d->t->columns[before].name);
    m->out->props = date ? "{min: 24h, max: 2160h}" : "{min: 1h, max: 720h}";
    m->out->type = date ? "date" : NULL;
    if (null_rate >= 0 && !m->c->not_null && !m->c->stats)
        m->out->null_rate = null_rate;
    return true;
}

/* "15 * random(0, 3)", or a number, if there is but one. */
static const char *one_step(sp_making *m, const sp_steps *s, int less)
{
    int low = s->low - less, count = (s->high - s->low) / s->step;
    if (count <= 0)
        return sp_config_printf(m->k, "%d", low);
    if (s->step == 1)
        return sp_config_printf(m->k, "random(%d, %d)", low, low + count);
    return low ? sp_config_printf(m->k, "(%d * random(0, %d) + %d)", s->step, count, low)
               : sp_config_printf(m->k, "%d * random(0, %d)", s->step, count);
}

/* A day of the months, or of the weeks, that conditions allow. */
static const char *choose_day(sp_making *m, const limits *l)
{
    const sp_steps *parts = m->demand->parts,
                   month = parts[SP_PART_MONTH].step ? parts[SP_PART_MONTH] : (sp_steps){1, 12, 1},
                   day = parts[SP_PART_DAY].step ? parts[SP_PART_DAY] : (sp_steps){1, 28, 1};
    double first = floor(l->min / 86400), days = SP_MAX(floor(l->max / 86400) - first, 1.0);
    if (parts[SP_PART_WEEKDAY].step) {
        double monday = first + fmod(11 - fmod(first, 7), 7); /* 1970 began on a Thursday */
        return sp_config_printf(m->k, "date('%s') + 7 * random(0, %.0f) + %s",
                                sp_config_shown_moment(m->k, monday * 86400, true), SP_MAX(floor((days - 13) / 7), 0.0),
                                one_step(m, &parts[SP_PART_WEEKDAY], 1));
    }
    if (!parts[SP_PART_MONTH].step && !parts[SP_PART_DAY].step)
        return sp_config_printf(m->k, "date('%s') + random(0, %.0f)", sp_config_shown_moment(m->k, l->min, true),
                                days - 1);
    int year = atoi(sp_config_shown_moment(m->k, l->min, true)), years = SP_MAX((int)(days / 365.2425 + 0.5), 1);
    const char *months = parts[SP_PART_MONTH].step
                             ? sp_config_printf(m->k, "12 * random(0, %d) + %s", years - 1, one_step(m, &month, 1))
                             : sp_config_printf(m->k, "random(0, %d)", 12 * years - 1);
    const char *within = day.low == 1 && day.high == 1 ? "" : sp_config_printf(m->k, " + %s", one_step(m, &day, 1));
    return sp_config_printf(m->k, "add_months(date('%04d-01-01'), %s)%s", year, months, within);
}

/* Conditions on the parts of a moment: EXTRACT(minute FROM slot) IN (0, 15, 30, 45). */
static bool choose_parts(sp_making *m, const limits *l)
{
    static const sp_steps any[] = {{0, 23, 1}, {0, 59, 1}, {0, 59, 1}};
    static const char *const units[] = {"hours", "minutes", "seconds"};
    if (!m->demand->has_parts || m->unique || m->out->tries)
        return false;
    for (int i = 0; i < SP_PARTS; i++)
        if (m->demand->parts[i].step && m->demand->parts[i].low > m->demand->parts[i].high)
            return false;
    const char *text = choose_day(m, l);
    if (m->type->class != SP_CAT_DATE) {
        text = sp_config_printf(m->k, "timestamp(%s)", text);
        for (int i = 0; i < 3; i++) {
            const sp_steps *s = &m->demand->parts[SP_PART_HOUR + i];
            s = s->step ? s : &any[i];
            if (s->low || s->high)
                text = sp_config_printf(m->k, "%s + %s(%s)", text, units[i], one_step(m, s, 0));
        }
        m->out->type = m->type->class == SP_CAT_TIMESTAMPTZ ? "timestamptz" : "timestamp";
    }
    sp_making_mode(m, "expr", text);
    return true;
}

void sp_making_moment(sp_making *m)
{
    bool date = m->type->class == SP_CAT_DATE;
    const char *from = SPAN_FROM, *to = SPAN_TO;
    double null_rate = -1;
    const char *usual_from = from, *usual_to = to;
    if (sp_words_time(m->c->name, &usual_from, &usual_to, &null_rate) && m->d->steps[m->column] < 2) {
        from = usual_from;
        to = usual_to;
    }
    if (choose_after(m, null_rate))
        return;
    limits l = {.min = seconds_of(from),
                .max = seconds_of(to),
                .low = seconds_of("0002-01-01"),
                .high = seconds_of("9998-01-01")};
    apply_moments(m, &l);
    take_step(m, &l);
    if (choose_parts(m, &l))
        return;
    if (null_rate >= 0 && !m->c->not_null && !m->c->stats)
        m->out->null_rate = null_rate;
    sp_making_mode(m, "range", "timestamp");
    m->out->props = sp_config_printf(m->k, date ? "{min: %s, max: %s, format: 2006-01-02}" : "{min: %s, max: %s}",
                                     sp_config_shown_moment(m->k, l.min, date),
                                     sp_config_shown_moment(m->k, date ? l.max + 86399 : l.max, date));
    m->out->most = (uint64_t)SP_MAX((l.max - l.min) / (date ? 86400 : 1), 1.0);
}

/* "08:00", perhaps with seconds: seconds since midnight. */
static bool time_of_day(sp_str text, double *seconds)
{
    int64_t hour, minute;
    if (text.len < 5 || text.p[2] != ':' || !sp_parse_i64((sp_str){text.p, 2}, &hour) ||
        !sp_parse_i64((sp_str){text.p + 3, 2}, &minute))
        return false;
    *seconds = (double)(hour * 3600 + minute * 60);
    return hour < 24 && minute < 60;
}

void sp_making_time(sp_making *m)
{
    double from = 6 * 3600, to = 22 * 3600, v;
    if (m->demand->min.p && time_of_day(m->demand->min, &v)) {
        from = v + (m->demand->min_open ? 60 : 0);
        to = to > from ? to : 86399;
    }
    if (m->demand->max.p && time_of_day(m->demand->max, &v)) {
        to = v; /* the last second is not made */
        from = from < to ? from : 0;
    }
    int low = (int)from, high = (int)to;
    sp_making_mode(m, "range", "timestamp");
    m->out->props = sp_config_printf(
        m->k, "{min: 2024-01-01T%02d:%02d:%02dZ, max: 2024-01-01T%02d:%02d:%02dZ, format: \"15:04:05\"}", low / 3600,
        low / 60 % 60, low % 60, high / 3600, high / 60 % 60, high % 60);
    m->out->most = (uint64_t)SP_MAX(high - low, 1);
}
