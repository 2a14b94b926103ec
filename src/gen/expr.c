/* expr.c - the tree of an expression becomes steps over columns, and the steps a cell.
 *
 * Every step has a type and a range that are known before any row is made, so an expression that may leave its type (a product
 * of more than 18 digits) is a mistake with a place, and not an error at some row. Integers and decimals are exact: what a
 * product's or a sum's scale is follows from the scales it is made of. A division is a double.
 *
 * A column that is named is its own cell's fill for the same rows; a column behind a dot is the fill of the row that the ref leads
 * to. Both run once, however often they are named. */
#include "gen/eval.h"

#include <math.h>

#define DECIMAL_END ((__int128)1000000000000000000) /* 10^18 */
#define WORD_MIN ((__int128)INT64_MIN)
#define WORD_MAX ((__int128)INT64_MAX)

typedef struct maker {
    const sp_build *b;
    sp_step *first, **last; /* in the order they run */
    uint32_t draws;         /* calls of random so far: each has a key of its own */
} maker;

/* ---- mistakes ---- */

static sp_step *wrong(const maker *m, const sp_expr *e, const char *what)
{
    sp_mistake(m->b->mistakes, e->mark, e->shown, "%s", what);
    return NULL;
}

static const char *words_for(const sp_step *s)
{
    switch (s->type.kind) {
    case SP_BOOL: return "a truth value";
    case SP_F64:
    case SP_DECIMAL:
    case SP_I64: return "a number";
    case SP_DATE: return "a date";
    case SP_TIME: return "a time of day";
    case SP_INTERVAL: return "an interval";
    case SP_TEXT: return "a text";
    default: return "a timestamp";
    }
}

static sp_step *no_such_types(const maker *m, const sp_expr *e, sp_step *const *args, uint32_t n)
{
    if (n == 1)
        sp_mistake(m->b->mistakes, e->mark, e->shown, "cannot be done with %s", words_for(args[0]));
    else
        sp_mistake(m->b->mistakes, e->mark, e->shown, "cannot be done with %s and %s", words_for(args[0]), words_for(args[1]));
    return NULL;
}

/* ---- steps ---- */

static bool is_number(const sp_step *s)
{
    return s->type.kind == SP_I64 || s->type.kind == SP_DECIMAL || s->type.kind == SP_F64;
}

static bool is_exact(const sp_step *s)
{
    return s->type.kind == SP_I64 || s->type.kind == SP_DECIMAL;
}

static bool is_moment(const sp_step *s)
{
    return s->type.kind == SP_TIMESTAMP || s->type.kind == SP_TIMESTAMPTZ;
}

static bool is_kind(const sp_step *s, sp_kind kind)
{
    return s->type.kind == kind;
}

static sp_type stored_as(sp_type type)
{
    sp_kind kind = type.kind == SP_F64 || sp_kind_is_text(type.kind) ? type.kind : SP_I64;
    return (sp_type){.kind = kind};
}

/* A step of that type, with the widest range; its nulls are those of its arguments. */
static sp_step *add_step(maker *m, sp_step_fn *run, sp_type type, sp_step *const *args, uint32_t n)
{
    sp_step *s = sp_arena_alloc(m->b->arena, 1, sizeof(*s));
    sp_step **list = sp_arena_alloc(m->b->arena, SP_MAX(n, 1u), sizeof(*list));
    int temp = sp_build_temp(m->b, stored_as(type));
    if (!s || !list || temp < 0)
        return NULL;
    *s = (sp_step){.run = run, .type = type, .temp = (uint32_t)temp, .args = list, .n_args = n, .min = WORD_MIN, .max = WORD_MAX};
    s->min_f = -INFINITY;
    s->max_f = INFINITY;
    if (type.kind == SP_DECIMAL) {
        s->min = 1 - DECIMAL_END;
        s->max = DECIMAL_END - 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        list[i] = args[i];
        s->nullable = s->nullable || args[i]->nullable;
    }
    *m->last = s;
    m->last = &s->next;
    return s;
}

static sp_step *unary(maker *m, sp_step_fn *run, sp_kind kind, sp_step *a)
{
    return add_step(m, run, (sp_type){.kind = kind}, &a, 1);
}

static sp_step *binary(maker *m, sp_step_fn *run, sp_type type, sp_step *a, sp_step *b)
{
    return add_step(m, run, type, (sp_step *[]){a, b}, 2);
}

static sp_type decimal(unsigned scale)
{
    return scale ? (sp_type){.kind = SP_DECIMAL, .precision = 18, .scale = (uint8_t)scale} : (sp_type){.kind = SP_I64};
}

/* Takes the range of exact values, unless they may leave their type. */
static sp_step *bounded(const maker *m, const sp_expr *e, sp_step *s, __int128 min, __int128 max)
{
    bool decimals = s && s->type.kind == SP_DECIMAL;
    if (!s)
        return NULL;
    if (min < (decimals ? 1 - DECIMAL_END : WORD_MIN) || max > (decimals ? DECIMAL_END - 1 : WORD_MAX))
        return wrong(m, e, decimals ? "may have more than 18 digits; narrower ranges, round(x, scale) or float(x) help"
                                    : "may be larger than any bigint; narrower ranges or float(x) help");
    s->min = min;
    s->max = max;
    return s;
}

static sp_step *word(maker *m, sp_type type, int64_t value)
{
    sp_step *s = add_step(m, sp_run_constant, type, NULL, 0);
    if (s) {
        s->is_constant = true;
        s->min = s->max = s->word = value;
    }
    return s;
}

static sp_step *real(maker *m, double value)
{
    sp_step *s = add_step(m, sp_run_constant, (sp_type){.kind = SP_F64}, NULL, 0);
    if (s) {
        s->is_constant = true;
        s->min_f = s->max_f = s->real = value;
    }
    return s;
}

static sp_step *text(maker *m, sp_str value)
{
    sp_step *s = add_step(m, sp_run_constant, (sp_type){.kind = SP_TEXT}, NULL, 0);
    if (s) {
        s->is_constant = true;
        s->text = value;
        s->text_max = (uint32_t)value.len;
    }
    return s;
}

static sp_step *null_of(maker *m, sp_type type)
{
    sp_step *s = add_step(m, sp_run_constant, type, NULL, 0);
    if (s) {
        s->is_constant = s->is_null = s->nullable = true;
        s->min = s->max = 0;
        s->min_f = s->max_f = 0;
    }
    return s;
}

/* ---- conversions ---- */

static unsigned scale_of(const sp_step *s)
{
    return s->type.kind == SP_DECIMAL ? s->type.scale : 0;
}

static sp_step *to_scale(maker *m, const sp_expr *e, sp_step *s, unsigned scale)
{
    unsigned from = scale_of(s);
    if (from == scale)
        return s;
    __int128 unit = (__int128)sp_pow10[from < scale ? scale - from : from - scale];
    sp_step *to = add_step(m, from < scale ? sp_run_scale_up : sp_run_scale_down, decimal(scale), &s, 1);
    if (!to)
        return NULL;
    to->word = (int64_t)unit;
    return from < scale ? bounded(m, e, to, s->min * unit, s->max * unit) : bounded(m, e, to, s->min / unit - 1, s->max / unit + 1);
}

static sp_step *to_real(maker *m, sp_step *s)
{
    if (sp_step_is_float(s))
        return s;
    sp_step *to = unary(m, sp_run_real, SP_F64, s);
    if (to) {
        to->real = (double)sp_pow10[scale_of(s)];
        to->min_f = (double)s->min / to->real;
        to->max_f = (double)s->max / to->real;
    }
    return to;
}

static sp_step *to_text(maker *m, sp_step *s)
{
    if (sp_step_is_text(s))
        return s;
    sp_step *to = unary(m, sp_run_text, SP_TEXT, s);
    if (to)
        to->text_max = sp_kind_text_max(s->type.kind);
    return to;
}

static sp_step *to_moment(maker *m, sp_step *s)
{
    sp_step *to = s->type.kind == SP_DATE ? unary(m, sp_run_midnight, SP_TIMESTAMP, s) : s;
    return to;
}

/* A constant text beside something else is read as one of that: created > '2024-01-01'. */
static sp_step *read_constant(maker *m, const sp_expr *e, const sp_step *s, sp_type type)
{
    int64_t value = 0;
    int32_t day;
    bool good;
    if (type.kind == SP_DATE) {
        good = sp_parse_date(s->text, &day);
        value = good ? day : 0;
    } else if (type.kind == SP_INTERVAL) {
        good = sp_parse_duration_ns(s->text, &value);
        value /= 1000;
    } else {
        good = sp_parse_value(s->text, type, &value);
    }
    if (good)
        return word(m, type, value);
    sp_mistake(m->b->mistakes, e->mark, e->shown, "is no %s", type.kind == SP_INTERVAL ? "duration" : sp_kind_name(type.kind));
    return NULL;
}

/* s as a value of that type, beside which it stands. NULL: it cannot be one, and nothing was noted, or a mistake was. */
static sp_step *as_type(maker *m, const sp_expr *e, sp_step *s, sp_type type)
{
    if (s->is_null)
        return null_of(m, type);
    if (s->type.kind == type.kind && scale_of(s) == type.scale)
        return s;
    if (type.kind == SP_F64 && is_number(s))
        return to_real(m, s);
    if ((type.kind == SP_DECIMAL || type.kind == SP_I64) && is_exact(s))
        return to_scale(m, e, s, type.kind == SP_DECIMAL ? type.scale : 0);
    bool moment = type.kind == SP_TIMESTAMP || type.kind == SP_TIMESTAMPTZ;
    if (moment && (is_kind(s, SP_DATE) || is_moment(s))) {
        sp_step *to = to_moment(m, s);
        return to && to->type.kind != type.kind ? unary(m, sp_run_same, type.kind, to) : to;
    }
    if (s->is_constant && s->type.kind == SP_TEXT && type.kind >= SP_DATE && type.kind <= SP_INTERVAL)
        return read_constant(m, e, s, type);
    return NULL;
}

/* The one type that all of them can have. False: there is none. */
static bool common_type(sp_step *const *args, uint32_t n, sp_type *type)
{
    bool real = false, any = false;
    unsigned scale = 0;
    for (uint32_t i = 0; i < n; i++) {
        const sp_step *s = args[i];
        if (s->is_null || (s->is_constant && s->type.kind == SP_TEXT && any && type->kind >= SP_DATE && type->kind <= SP_INTERVAL))
            continue;
        bool literal = any && type->kind == SP_TEXT && s->type.kind >= SP_DATE && s->type.kind <= SP_INTERVAL;
        bool times = any && (is_moment(s) || is_kind(s, SP_DATE)) &&
                     (type->kind == SP_DATE || type->kind == SP_TIMESTAMP || type->kind == SP_TIMESTAMPTZ);
        bool numbers = any && is_number(s) && (type->kind == SP_I64 || type->kind == SP_DECIMAL || type->kind == SP_F64);
        if (any && !literal && !times && !numbers && s->type.kind != type->kind)
            return false;
        real = real || sp_step_is_float(s);
        scale = SP_MAX(scale, scale_of(s));
        if (!any || literal || (times && s->type.kind > type->kind))
            *type = s->type;
        any = true;
        if (is_number(s))
            *type = real ? (sp_type){.kind = SP_F64} : decimal(scale);
    }
    if (!any)
        *type = (sp_type){.kind = SP_TEXT};
    return true;
}

/* Makes the arguments from first on of one type. */
static bool unify(maker *m, const sp_expr *e, sp_step **args, uint32_t first, uint32_t n, sp_type *type)
{
    if (!common_type(args + first, n - first, type)) {
        sp_mistake(m->b->mistakes, e->mark, e->shown, "has values of kinds that do not go together");
        return false;
    }
    for (uint32_t i = first; i < n; i++) {
        uint32_t said = m->b->mistakes->n_said;
        sp_step *as = as_type(m, e->n_args == n ? e->args[i] : e, args[i], *type);
        if (!as && m->b->mistakes->n_said == said)
            sp_mistake(m->b->mistakes, e->mark, e->shown, "has values of kinds that do not go together");
        if (!as)
            return false;
        args[i] = as;
    }
    return true;
}

/* ---- leaves ---- */

static sp_type step_type(const sp_cell *cell)
{
    switch (cell->type.kind) {
    case SP_I16:
    case SP_I32: return (sp_type){.kind = SP_I64};
    case SP_F32: return (sp_type){.kind = SP_F64};
    case SP_UUID:
    case SP_JSON: return (sp_type){.kind = SP_TEXT};
    case SP_DECIMAL: return decimal(cell->type.scale);
    default: return cell->type;
    }
}

static bool is_wide(sp_kind kind)
{
    return kind == SP_I64 || kind == SP_F64 || kind == SP_DECIMAL || kind == SP_TIME || kind == SP_TIMESTAMP ||
           kind == SP_TIMESTAMPTZ || sp_kind_is_text(kind);
}

static void take_range(sp_step *s, const sp_cell *cell)
{
    s->nullable = cell->nullable;
    s->text_max = cell->type.kind == SP_UUID ? SP_UUID_TEXT : cell->bounds.text_max;
    if (cell->has_float_range) {
        s->min_f = cell->min_f;
        s->max_f = cell->max_f;
    }
    if (cell->bounds.has_range && (is_exact(s) || is_kind(s, SP_BOOL))) {
        s->min = cell->bounds.min;
        s->max = cell->bounds.max;
    } else if (cell->type.kind == SP_I16 || cell->type.kind == SP_I32 || cell->type.kind == SP_BOOL) {
        s->max = cell->type.kind == SP_I16 ? INT16_MAX : cell->type.kind == SP_I32 ? INT32_MAX : 1;
        s->min = cell->type.kind == SP_BOOL ? 0 : -s->max - 1;
    }
}

static sp_step *load(maker *m, const sp_expr *e, const sp_cell *cell)
{
    if (!cell)
        return NULL;
    sp_kind kind = cell->type.kind;
    if (kind == SP_LIST || kind == SP_BYTES || kind == SP_U64)
        return wrong(m, e, "is of a kind that expressions do not know");
    if (sp_kind_is_text(kind) && !cell->bounds.text_max)
        return wrong(m, e, "is a text of unknown length");
    sp_step *s = add_step(m, is_wide(kind) ? sp_run_load : sp_run_load_wide, step_type(cell), NULL, 0);
    int aux = s && !is_wide(kind) ? sp_build_temp(m->b, cell->type) : 0;
    if (!s || aux < 0)
        return NULL;
    s->cell = cell;
    s->aux = (uint32_t)aux;
    s->column = s->field = SP_PLAN_NO_REF;
    take_range(s, cell);
    return s;
}

static sp_step *column_step(maker *m, const sp_expr *e)
{
    uint32_t field = e->field.len ? e->field_column : SP_PLAN_NO_REF;
    for (sp_step *s = m->first; s; s = s->next)
        if (s->cell && s->column == e->column && s->field == field)
            return s;
    const sp_cell *cell = e->field.len ? sp_build_follow(m->b, e->column, e->field_column) : sp_build_sibling(m->b, e->column);
    sp_step *s = load(m, e, cell);
    if (s) {
        s->column = e->column;
        s->field = field;
    }
    return s;
}

static sp_step *function_step(maker *m, const sp_expr *e)
{
    const sp_func *f = sp_func_find(e->text);
    if (f)
        return load(m, e, sp_func_cell(f, &m->b->env, sp_hash64(e->text.p, e->text.len, m->b->key)));
    size_t count;
    const char *const *names = sp_func_names(&count);
    const char *near = sp_nearest(e->text, names, count);
    sp_mistake(m->b->mistakes, e->mark, e->text, "is no function%s%s%s", near ? "; did you mean \"${" : "", near ? near : "",
               near ? "}\"?" : "");
    return NULL;
}

static sp_step *number_step(maker *m, const sp_expr *e)
{
    char digits[64];
    size_t n = 0, point = 0, scale = 0;
    int64_t value;
    double f;
    for (size_t i = 0; i < e->text.len && n < sizeof(digits); i++)
        if (e->text.p[i] != '_')
            digits[n++] = e->text.p[i];
    sp_str plain = {digits, n};
    while (point < n && digits[point] != '.')
        point++;
    scale = point < n ? n - point - 1 : 0;
    if (sp_parse_i64(plain, &value))
        return word(m, decimal(0), value);
    if (scale && scale <= 18 && sp_parse_decimal(plain, (unsigned)scale, &value) && !memchr(digits, 'e', n) && !memchr(digits, 'E', n))
        return bounded(m, e, word(m, decimal((unsigned)scale), value), value, value);
    if (sp_parse_f64(plain, &f) && isfinite(f))
        return real(m, f);
    return wrong(m, e, "is no number");
}

/* ---- arithmetic ---- */

typedef struct range128 {
    __int128 min, max;
} range128;

/* Products of 64-bit words fit 128 bits; ranges here are those of words. */
static range128 product(const sp_step *a, const sp_step *b)
{
    __int128 p[4] = {a->min * b->min, a->min * b->max, a->max * b->min, a->max * b->max};
    range128 r = {p[0], p[0]};
    for (int i = 1; i < 4; i++) {
        r.min = SP_MIN(r.min, p[i]);
        r.max = SP_MAX(r.max, p[i]);
    }
    return r;
}

static sp_step *real_sum(maker *m, bool minus, sp_step *a, sp_step *b)
{
    if (!(a = to_real(m, a)) || !(b = to_real(m, b)))
        return NULL;
    sp_step *s = binary(m, minus ? sp_run_real_subtract : sp_run_real_add, (sp_type){.kind = SP_F64}, a, b);
    if (s) {
        s->min_f = minus ? a->min_f - b->max_f : a->min_f + b->min_f;
        s->max_f = minus ? a->max_f - b->min_f : a->max_f + b->max_f;
    }
    return s;
}

static sp_step *number_sum(maker *m, const sp_expr *e, bool minus, sp_step *a, sp_step *b)
{
    if (sp_step_is_float(a) || sp_step_is_float(b))
        return real_sum(m, minus, a, b);
    unsigned scale = SP_MAX(scale_of(a), scale_of(b));
    if (!(a = to_scale(m, e, a, scale)) || !(b = to_scale(m, e, b, scale)))
        return NULL;
    sp_step *s = binary(m, minus ? sp_run_subtract : sp_run_add, decimal(scale), a, b);
    return minus ? bounded(m, e, s, a->min - b->max, a->max - b->min) : bounded(m, e, s, a->min + b->min, a->max + b->max);
}

/* Sums with a time in them. */
static sp_step *time_sum(maker *m, const sp_expr *e, bool minus, sp_step *a, sp_step *b)
{
    sp_step_fn *run = minus ? sp_run_subtract : sp_run_add;
    sp_step *const given[] = {a, b};
    if (!minus && (is_kind(a, SP_INTERVAL) || is_number(a)) && !is_kind(b, SP_INTERVAL)) {
        sp_step *swap = a;
        a = b;
        b = swap;
    }
    if (is_kind(b, SP_INTERVAL) && is_kind(a, SP_DATE))
        a = to_moment(m, a);
    if (!a)
        return NULL;
    if (is_kind(b, SP_INTERVAL) && (is_moment(a) || is_kind(a, SP_INTERVAL)))
        return binary(m, run, a->type, a, b);
    if (is_kind(a, SP_DATE) && is_kind(b, SP_I64))
        return binary(m, run, a->type, a, b);
    if (minus && is_kind(a, SP_DATE) && is_kind(b, SP_DATE)) {
        sp_step *days = binary(m, run, decimal(0), a, b);
        return bounded(m, e, days, 2 * (__int128)INT32_MIN, 2 * (__int128)INT32_MAX);
    }
    sp_type interval = {.kind = SP_INTERVAL};
    bool moments = (is_moment(a) || is_kind(a, SP_DATE)) && (is_moment(b) || is_kind(b, SP_DATE));
    if (minus && (moments || (is_kind(a, SP_TIME) && is_kind(b, SP_TIME))))
        return (a = to_moment(m, a)) && (b = to_moment(m, b)) ? binary(m, run, interval, a, b) : NULL;
    return no_such_types(m, e, given, 2);
}

static sp_step *make_sum(maker *m, const sp_expr *e, sp_step **args, bool minus)
{
    if (args[0]->is_null || args[1]->is_null)
        return null_of(m, args[args[0]->is_null]->type);
    if (is_number(args[0]) && is_number(args[1]))
        return number_sum(m, e, minus, args[0], args[1]);
    return time_sum(m, e, minus, args[0], args[1]);
}

static sp_step *make_add(maker *m, const sp_expr *e, sp_step **args)
{
    return make_sum(m, e, args, false);
}

static sp_step *make_subtract(maker *m, const sp_expr *e, sp_step **args)
{
    return make_sum(m, e, args, true);
}

/* An interval so many times: through doubles, rounded to microseconds. */
static sp_step *interval_times(maker *m, sp_step *interval, sp_step *factor, sp_step_fn *run)
{
    sp_step *us = unary(m, sp_run_real, SP_F64, interval);
    if (!us || !(factor = to_real(m, factor)))
        return NULL;
    us->real = 1;
    sp_step *product = binary(m, run, (sp_type){.kind = SP_F64}, us, factor);
    if (!product)
        return NULL;
    product->nullable = product->nullable || run == sp_run_real_divide;
    sp_step *s = unary(m, sp_run_real_round, SP_INTERVAL, product);
    if (s)
        s->real = 1;
    return s;
}

static void real_product_range(sp_step *s, const sp_step *a, const sp_step *b)
{
    if (!isfinite(a->min_f) || !isfinite(a->max_f) || !isfinite(b->min_f) || !isfinite(b->max_f))
        return;
    double p[4] = {a->min_f * b->min_f, a->min_f * b->max_f, a->max_f * b->min_f, a->max_f * b->max_f};
    s->min_f = fmin(fmin(p[0], p[1]), fmin(p[2], p[3]));
    s->max_f = fmax(fmax(p[0], p[1]), fmax(p[2], p[3]));
}

static sp_step *make_multiply(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0], *b = args[1];
    if (is_kind(a, SP_INTERVAL) && is_number(b))
        return interval_times(m, a, b, sp_run_real_multiply);
    if (is_kind(b, SP_INTERVAL) && is_number(a))
        return interval_times(m, b, a, sp_run_real_multiply);
    if (!is_number(a) || !is_number(b))
        return no_such_types(m, e, args, 2);
    unsigned scale = scale_of(a) + scale_of(b);
    if (!sp_step_is_float(a) && !sp_step_is_float(b)) {
        if (scale > 18)
            return wrong(m, e, "has more than 18 digits behind the point; round(x, scale) or float(x) help");
        range128 r = product(a, b);
        return bounded(m, e, binary(m, sp_run_multiply, decimal(scale), a, b), r.min, r.max);
    }
    if (!(a = to_real(m, a)) || !(b = to_real(m, b)))
        return NULL;
    sp_step *s = binary(m, sp_run_real_multiply, (sp_type){.kind = SP_F64}, a, b);
    if (s)
        real_product_range(s, a, b);
    return s;
}

static sp_step *make_divide(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0], *b = args[1];
    if (is_kind(a, SP_INTERVAL) && is_number(b))
        return interval_times(m, a, b, sp_run_real_divide);
    if (!is_number(a) || !is_number(b))
        return no_such_types(m, e, args, 2);
    double least = is_exact(b) ? 1 / (double)sp_pow10[scale_of(b)] : 0; /* the smallest divisor that is not zero */
    if (!(a = to_real(m, a)) || !(b = to_real(m, b)))
        return NULL;
    sp_step *s = binary(m, sp_run_real_divide, (sp_type){.kind = SP_F64}, a, b);
    if (!s)
        return NULL;
    s->nullable = s->nullable || (b->min_f <= 0 && b->max_f >= 0);
    least = b->min_f > 0 ? b->min_f : b->max_f < 0 ? -b->max_f : least;
    if (least > 0) {
        s->max_f = fmax(fabs(a->min_f), fabs(a->max_f)) / least;
        s->min_f = a->min_f >= 0 && b->min_f >= 0 ? 0 : -s->max_f;
    }
    return s;
}

static sp_step *make_modulo(maker *m, const sp_expr *e, sp_step **args)
{
    if (!is_kind(args[0], SP_I64) || !is_kind(args[1], SP_I64))
        return no_such_types(m, e, args, 2);
    sp_step *s = binary(m, sp_run_modulo, decimal(0), args[0], args[1]);
    if (!s)
        return NULL;
    s->nullable = s->nullable || (args[1]->min <= 0 && args[1]->max >= 0);
    return bounded(m, e, s, SP_MIN(args[1]->min + 1, (__int128)0), SP_MAX(args[1]->max - 1, (__int128)0));
}

static sp_step *make_negate(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0], *s;
    if (is_exact(a)) {
        s = add_step(m, sp_run_negate, a->type, args, 1);
        return bounded(m, e, s, -a->max, -a->min);
    }
    if (is_kind(a, SP_INTERVAL))
        return unary(m, sp_run_negate, SP_INTERVAL, a);
    if (!sp_step_is_float(a))
        return no_such_types(m, e, args, 1);
    s = unary(m, sp_run_real_negate, SP_F64, a);
    if (s) {
        s->min_f = -a->max_f;
        s->max_f = -a->min_f;
    }
    return s;
}

static sp_step *make_abs(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (sp_step_is_float(a)) {
        sp_step *s = unary(m, sp_run_real_abs, SP_F64, a);
        if (s) {
            s->min_f = 0;
            s->max_f = fmax(fabs(a->min_f), fabs(a->max_f));
        }
        return s;
    }
    if (!is_exact(a) && !is_kind(a, SP_INTERVAL))
        return no_such_types(m, e, args, 1);
    sp_step *s = add_step(m, sp_run_abs, a->type, args, 1);
    return is_exact(a) ? bounded(m, e, s, 0, SP_MAX(-a->min, a->max)) : s;
}

static sp_step *make_sign(maker *m, const sp_expr *e, sp_step **args)
{
    if (!is_exact(args[0]))
        return no_such_types(m, e, args, 1);
    return bounded(m, e, add_step(m, sp_run_sign, decimal(0), args, 1), -1, 1);
}

/* A constant whole number from least to most as argument i. */
static bool constant_in(maker *m, const sp_expr *e, sp_step *const *args, uint32_t i, int64_t least, int64_t most, int64_t *v)
{
    const sp_step *s = args[i];
    *v = s->word;
    if (s->is_constant && s->type.kind == SP_I64 && *v >= least && *v <= most)
        return true;
    sp_mistake(m->b->mistakes, e->args[i]->mark, e->args[i]->shown, "is not a whole number from %lld to %lld, written out",
               (long long)least, (long long)most);
    return false;
}

/* A double, rounded to so many digits. What is too large for 18 digits becomes the largest. */
static sp_step *round_real(maker *m, sp_step *a, unsigned scale)
{
    sp_step *s = add_step(m, sp_run_real_round, decimal(scale), &a, 1);
    if (!s)
        return NULL;
    s->real = (double)sp_pow10[scale];
    double most = scale ? 1e18 : 9.2e18;
    if (a->min_f * s->real > -most && a->max_f * s->real < most) {
        s->min = (__int128)(a->min_f * s->real) - 1;
        s->max = (__int128)(a->max_f * s->real) + 1;
    }
    return s;
}

static sp_step *make_round(maker *m, const sp_expr *e, sp_step **args)
{
    int64_t scale = 0;
    if (!is_number(args[0]))
        return no_such_types(m, e, args, 1);
    if (e->n_args > 1 && !constant_in(m, e, args, 1, 0, 18, &scale))
        return NULL;
    if (sp_step_is_float(args[0]))
        return round_real(m, args[0], (unsigned)scale);
    return to_scale(m, e, args[0], (unsigned)scale);
}

static sp_step *whole(maker *m, const sp_expr *e, sp_step **args, sp_step_fn *exact, sp_step_fn *inexact)
{
    sp_step *a = args[0], *s;
    if (sp_step_is_float(a)) {
        s = unary(m, inexact, SP_I64, a);
        if (s && a->min_f > -9.2e18 && a->max_f < 9.2e18) {
            s->min = (__int128)a->min_f - 1;
            s->max = (__int128)a->max_f + 1;
        }
        return s;
    }
    if (!is_exact(a))
        return no_such_types(m, e, args, 1);
    s = unary(m, exact, SP_I64, a);
    if (!s)
        return NULL;
    s->word = (int64_t)sp_pow10[scale_of(a)];
    return bounded(m, e, s, a->min / s->word - (a->min < 0), a->max / s->word + (a->max > 0 && s->word > 1));
}

static sp_step *make_floor(maker *m, const sp_expr *e, sp_step **args)
{
    return whole(m, e, args, sp_run_floor_to, sp_run_real_floor);
}

static sp_step *make_ceil(maker *m, const sp_expr *e, sp_step **args)
{
    return whole(m, e, args, sp_run_ceil_to, sp_run_real_ceil);
}

static sp_step *real_function(maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run, bool nullable)
{
    sp_step *a;
    if (!is_number(args[0]))
        return no_such_types(m, e, args, 1);
    if (!(a = to_real(m, args[0])))
        return NULL;
    sp_step *s = unary(m, run, SP_F64, a);
    if (s)
        s->nullable = s->nullable || nullable;
    return s;
}

static sp_step *make_sqrt(maker *m, const sp_expr *e, sp_step **args)
{
    return real_function(m, e, args, sp_run_real_sqrt, true);
}

static sp_step *make_exp(maker *m, const sp_expr *e, sp_step **args)
{
    return real_function(m, e, args, sp_run_real_exp, false);
}

static sp_step *make_ln(maker *m, const sp_expr *e, sp_step **args)
{
    return real_function(m, e, args, sp_run_real_log, true);
}

static sp_step *make_power(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a, *b;
    if (!is_number(args[0]) || !is_number(args[1]))
        return no_such_types(m, e, args, 2);
    if (!(a = to_real(m, args[0])) || !(b = to_real(m, args[1])))
        return NULL;
    sp_step *s = binary(m, sp_run_real_power, (sp_type){.kind = SP_F64}, a, b);
    if (s)
        s->nullable = true;
    return s;
}

/* random(): [0, 1). random(a, b): a whole number, both ends included. Every call draws for itself. */
static sp_step *make_random(maker *m, const sp_expr *e, sp_step **args)
{
    int64_t low = 0, high = 0;
    if (e->n_args == 1)
        return wrong(m, e, "takes no arguments, or two: random(1, 6)");
    if (e->n_args == 2 && (!constant_in(m, e, args, 0, INT64_MIN / 2, INT64_MAX / 2, &low) ||
                           !constant_in(m, e, args, 1, low, INT64_MAX / 2, &high)))
        return NULL;
    sp_type type = {.kind = e->n_args ? SP_I64 : SP_F64};
    sp_step *s = add_step(m, e->n_args ? sp_run_random_word : sp_run_random_real, type, NULL, 0);
    if (!s)
        return NULL;
    s->key = sp_mix64(m->b->key + ++m->draws * SP_PHI);
    s->min = low;
    s->max = high;
    s->min_f = 0;
    s->max_f = 1;
    return s;
}

static sp_step *make_row(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = add_step(m, sp_run_row, decimal(0), args, 0);
    return s ? bounded(m, e, s, 1, (__int128)m->b->table->rows) : NULL;
}

/* nth(ref): which of its parent's children a row is, from 1. */
static sp_step *make_nth(maker *m, const sp_expr *e, sp_step **args)
{
    const sp_expr *ref = e->args[0];
    const sp_plan_column *col = ref->kind == SP_EXPR_COLUMN && !ref->field.len ? &m->b->table->columns[ref->column] : NULL;
    if (!col || !col->children)
        return wrong(m, ref, "is no ref that says how many children there are");
    const sp_parents *parents = sp_build_parents(m->b, ref->column);
    sp_step *s = parents ? add_step(m, sp_run_nth, decimal(0), args, 0) : NULL;
    if (s)
        s->parents = parents;
    return s ? bounded(m, e, s, 1, SP_MAX(col->children->max_i - 1, INT64_C(1))) : NULL;
}

/* ---- truth ---- */

static sp_step *truth(sp_step *s)
{
    if (s) {
        s->min = 0;
        s->max = 1;
    }
    return s;
}

static sp_step *comparison(maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run, bool swap)
{
    sp_type type, truth_type = {.kind = SP_BOOL};
    if (!unify(m, e, args, 0, 2, &type))
        return NULL;
    return truth(binary(m, run, truth_type, args[swap], args[!swap]));
}

static sp_step *not_step(maker *m, sp_step *a)
{
    return a ? truth(unary(m, sp_run_not, SP_BOOL, a)) : NULL;
}

static sp_step *make_equal(maker *m, const sp_expr *e, sp_step **args)
{
    return comparison(m, e, args, sp_run_equal, false);
}

static sp_step *make_unequal(maker *m, const sp_expr *e, sp_step **args)
{
    return not_step(m, make_equal(m, e, args));
}

static sp_step *make_less(maker *m, const sp_expr *e, sp_step **args)
{
    return comparison(m, e, args, sp_run_less, false);
}

static sp_step *make_greater(maker *m, const sp_expr *e, sp_step **args)
{
    return comparison(m, e, args, sp_run_less, true);
}

static sp_step *make_at_most(maker *m, const sp_expr *e, sp_step **args)
{
    return not_step(m, make_greater(m, e, args));
}

static sp_step *make_at_least(maker *m, const sp_expr *e, sp_step **args)
{
    return not_step(m, make_less(m, e, args));
}

static bool all_truth(const maker *m, const sp_expr *e, sp_step *const *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!is_kind(args[i], SP_BOOL)) {
            sp_mistake(m->b->mistakes, e->args[i]->mark, e->args[i]->shown, "is %s where a condition should be", words_for(args[i]));
            return false;
        }
    return true;
}

static sp_step *make_and(maker *m, const sp_expr *e, sp_step **args)
{
    return all_truth(m, e, args, 2) ? truth(binary(m, sp_run_and, args[0]->type, args[0], args[1])) : NULL;
}

static sp_step *make_or(maker *m, const sp_expr *e, sp_step **args)
{
    return all_truth(m, e, args, 2) ? truth(binary(m, sp_run_or, args[0]->type, args[0], args[1])) : NULL;
}

static sp_step *make_not(maker *m, const sp_expr *e, sp_step **args)
{
    return all_truth(m, e, args, 1) ? not_step(m, args[0]) : NULL;
}

static sp_step *make_is_null(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = truth(unary(m, sp_run_is_null, SP_BOOL, args[0]));
    if (s)
        s->nullable = false;
    return s;
}

static sp_step *make_is_not_null(maker *m, const sp_expr *e, sp_step **args)
{
    return not_step(m, make_is_null(m, e, args));
}

static sp_step *make_between(maker *m, const sp_expr *e, sp_step **args)
{
    sp_type type, truth_type = {.kind = SP_BOOL};
    if (!unify(m, e, args, 0, 3, &type))
        return NULL;
    sp_step *low = not_step(m, truth(binary(m, sp_run_less, truth_type, args[0], args[1])));
    sp_step *high = not_step(m, truth(binary(m, sp_run_less, truth_type, args[2], args[0])));
    return low && high ? truth(binary(m, sp_run_and, truth_type, low, high)) : NULL;
}

static sp_step *make_in(maker *m, const sp_expr *e, sp_step **args)
{
    sp_type type, truth_type = {.kind = SP_BOOL};
    sp_step *any = NULL;
    if (!unify(m, e, args, 0, e->n_args, &type))
        return NULL;
    for (uint32_t i = 1; i < e->n_args; i++) {
        sp_step *is = truth(binary(m, sp_run_equal, truth_type, args[0], args[i]));
        any = any && is ? truth(binary(m, sp_run_or, truth_type, any, is)) : is;
        if (!any)
            return NULL;
    }
    return any;
}

static bool all_text(maker *m, const sp_expr *e, sp_step **args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (args[i]->is_null)
            args[i] = null_of(m, (sp_type){.kind = SP_TEXT});
        if (args[i] && sp_step_is_text(args[i]))
            continue;
        if (args[i])
            sp_mistake(m->b->mistakes, e->args[i]->mark, e->args[i]->shown, "is %s where a text should be; text(x) makes one",
                       words_for(args[i]));
        return false;
    }
    return true;
}

static sp_step *of_texts(maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run)
{
    return all_text(m, e, args, 2) ? truth(binary(m, run, (sp_type){.kind = SP_BOOL}, args[0], args[1])) : NULL;
}

static sp_step *make_like(maker *m, const sp_expr *e, sp_step **args)
{
    return of_texts(m, e, args, sp_run_like);
}

static sp_step *make_starts(maker *m, const sp_expr *e, sp_step **args)
{
    return of_texts(m, e, args, sp_run_starts);
}

static sp_step *make_contains(maker *m, const sp_expr *e, sp_step **args)
{
    return of_texts(m, e, args, sp_run_contains);
}

/* ---- choices ---- */

/* One of the arguments from first on. */
static sp_step *choice(maker *m, const sp_expr *e, sp_step **args, uint32_t first, sp_step_fn *run)
{
    sp_type type;
    if (!unify(m, e, args, first, e->n_args, &type))
        return NULL;
    sp_step *s = add_step(m, run, type, args, e->n_args);
    if (!s)
        return NULL;
    for (uint32_t i = first; i < e->n_args; i++) {
        const sp_step *a = args[i];
        bool start = i == first;
        s->min = start ? a->min : SP_MIN(s->min, a->min);
        s->max = start ? a->max : SP_MAX(s->max, a->max);
        s->min_f = start ? a->min_f : fmin(s->min_f, a->min_f);
        s->max_f = start ? a->max_f : fmax(s->max_f, a->max_f);
        s->text_max = SP_MAX(s->text_max, a->text_max);
    }
    return s;
}

static sp_step *make_if(maker *m, const sp_expr *e, sp_step **args)
{
    if (!all_truth(m, e, args, 1))
        return NULL;
    sp_step *s = choice(m, e, args, 1, sp_run_if);
    if (s)
        s->nullable = args[1]->nullable || args[2]->nullable;
    return s;
}

static sp_step *make_coalesce(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = choice(m, e, args, 0, sp_run_coalesce);
    for (uint32_t i = 0; s && i < e->n_args; i++)
        s->nullable = s->nullable && args[i]->nullable;
    return s;
}

static sp_step *make_null_if(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = choice(m, e, args, 0, sp_run_null_if);
    if (s)
        s->nullable = true;
    return s;
}

static sp_step *least(maker *m, const sp_expr *e, sp_step **args, int64_t direction)
{
    sp_step *s = choice(m, e, args, 0, sp_run_least);
    bool all = true;
    for (uint32_t i = 0; s && i < e->n_args; i++) {
        all = all && args[i]->nullable;
        s->min = direction > 0 || args[i]->nullable ? s->min : SP_MAX(s->min, args[i]->min);
        s->max = direction < 0 || args[i]->nullable ? s->max : SP_MIN(s->max, args[i]->max);
        s->min_f = direction > 0 || args[i]->nullable ? s->min_f : fmax(s->min_f, args[i]->min_f);
        s->max_f = direction < 0 || args[i]->nullable ? s->max_f : fmin(s->max_f, args[i]->max_f);
    }
    if (s) {
        s->nullable = all;
        s->word = direction;
    }
    return s;
}

static sp_step *make_least(maker *m, const sp_expr *e, sp_step **args)
{
    return least(m, e, args, 1);
}

static sp_step *make_greatest(maker *m, const sp_expr *e, sp_step **args)
{
    return least(m, e, args, -1);
}

/* ---- texts ---- */

static sp_step *text_step(maker *m, const sp_expr *e, sp_step_fn *run, sp_step *const *args, uint32_t n, uint64_t text_max)
{
    if (text_max > SP_CELL_TEXT_MAX)
        return wrong(m, e, "may be longer than 8388608 bytes");
    sp_step *s = add_step(m, run, (sp_type){.kind = SP_TEXT}, args, n);
    if (s)
        s->text_max = (uint32_t)text_max;
    return s;
}

/* Whatever is joined becomes text first. */
static sp_step *make_concat(maker *m, const sp_expr *e, sp_step **args)
{
    uint64_t longest = 0;
    for (uint32_t i = 0; i < e->n_args; i++) {
        args[i] = args[i]->is_null ? null_of(m, (sp_type){.kind = SP_TEXT}) : to_text(m, args[i]);
        if (!args[i])
            return NULL;
        longest += args[i]->text_max;
    }
    return text_step(m, e, sp_run_concat, args, e->n_args, longest);
}

static sp_step *turned(maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run)
{
    return all_text(m, e, args, 1) ? text_step(m, e, run, args, 1, args[0]->text_max) : NULL;
}

static sp_step *make_lower(maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_lower);
}

static sp_step *make_upper(maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_upper);
}

static sp_step *make_title(maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_title);
}

static sp_step *make_slug(maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_slug);
}

static sp_step *make_trim(maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_trim);
}

static bool is_whole(const maker *m, const sp_expr *e, sp_step *const *args, uint32_t i)
{
    if (i >= e->n_args || is_kind(args[i], SP_I64))
        return true;
    sp_mistake(m->b->mistakes, e->args[i]->mark, e->args[i]->shown, "is %s where a whole number should be", words_for(args[i]));
    return false;
}

static sp_step *cut(maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run)
{
    if (!all_text(m, e, args, 1) || !is_whole(m, e, args, 1) || !is_whole(m, e, args, 2))
        return NULL;
    const sp_step *count = args[e->n_args - 1];
    uint64_t longest = args[0]->text_max;
    if (count->max >= 0 && count->max < SP_CELL_TEXT_MAX / 4 && (e->n_args > 2 || run != sp_run_substr))
        longest = SP_MIN(longest, (uint64_t)count->max * 4);
    return text_step(m, e, run, args, e->n_args, longest);
}

static sp_step *make_substr(maker *m, const sp_expr *e, sp_step **args)
{
    return cut(m, e, args, sp_run_substr);
}

static sp_step *make_left(maker *m, const sp_expr *e, sp_step **args)
{
    return cut(m, e, args, sp_run_left);
}

static sp_step *make_right(maker *m, const sp_expr *e, sp_step **args)
{
    return cut(m, e, args, sp_run_right);
}

static sp_step *make_pad(maker *m, const sp_expr *e, sp_step **args)
{
    int64_t width;
    if (!(args[0] = to_text(m, args[0])) || !constant_in(m, e, args, 1, 0, 1000, &width))
        return NULL;
    if (!is_kind(args[2], SP_TEXT))
        return wrong(m, e->args[2], "is not the text to fill up with, such as '0'");
    sp_step *s = text_step(m, e, sp_run_pad, args, 3, args[0]->text_max + (uint64_t)width * 4);
    if (s)
        s->word = width;
    return s;
}

static sp_step *make_replace(maker *m, const sp_expr *e, sp_step **args)
{
    if (!all_text(m, e, args, 3))
        return NULL;
    return text_step(m, e, sp_run_replace, args, 3, (uint64_t)args[0]->text_max * SP_MAX(args[2]->text_max, 1u));
}

static sp_step *make_length(maker *m, const sp_expr *e, sp_step **args)
{
    if (!all_text(m, e, args, 1))
        return NULL;
    return bounded(m, e, unary(m, sp_run_length, SP_I64, args[0]), 0, args[0]->text_max);
}

static sp_step *make_text(maker *m, const sp_expr *e, sp_step **args)
{
    return args[0]->is_null ? null_of(m, (sp_type){.kind = SP_TEXT}) : to_text(m, args[0]);
}

static sp_step *make_float(maker *m, const sp_expr *e, sp_step **args)
{
    return is_number(args[0]) ? to_real(m, args[0]) : no_such_types(m, e, args, 1);
}

static sp_step *make_int(maker *m, const sp_expr *e, sp_step **args)
{
    if (is_kind(args[0], SP_BOOL))
        return bounded(m, e, unary(m, sp_run_same, SP_I64, args[0]), 0, 1);
    return make_round(m, e, args);
}

/* ---- times ---- */

static sp_step *make_now(maker *m, const sp_expr *e, sp_step **args)
{
    return word(m, (sp_type){.kind = SP_TIMESTAMPTZ}, m->b->env.now_us);
}

static sp_step *make_date(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (a->is_constant && is_kind(a, SP_TEXT))
        return read_constant(m, e->args[0], a, (sp_type){.kind = SP_DATE});
    if (is_moment(a))
        return unary(m, sp_run_days, SP_DATE, a);
    return is_kind(a, SP_DATE) ? a : no_such_types(m, e, args, 1);
}

static sp_step *make_timestamp(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (a->is_constant && is_kind(a, SP_TEXT))
        return read_constant(m, e->args[0], a, (sp_type){.kind = SP_TIMESTAMP});
    return is_moment(a) || is_kind(a, SP_DATE) ? to_moment(m, a) : no_such_types(m, e, args, 1);
}

static sp_step *make_interval(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (a->is_constant && is_kind(a, SP_TEXT))
        return read_constant(m, e->args[0], a, (sp_type){.kind = SP_INTERVAL});
    return is_kind(a, SP_INTERVAL) ? a : no_such_types(m, e, args, 1);
}

static sp_step *duration(maker *m, const sp_expr *e, sp_step **args, int64_t unit_us)
{
    if (!is_number(args[0]))
        return no_such_types(m, e, args, 1);
    sp_step *unit = word(m, (sp_type){.kind = SP_INTERVAL}, unit_us);
    return unit ? interval_times(m, unit, args[0], sp_run_real_multiply) : NULL;
}

static sp_step *make_days(maker *m, const sp_expr *e, sp_step **args)
{
    return duration(m, e, args, SP_US_PER_DAY);
}

static sp_step *make_hours(maker *m, const sp_expr *e, sp_step **args)
{
    return duration(m, e, args, 3600 * SP_US_PER_SECOND);
}

static sp_step *make_minutes(maker *m, const sp_expr *e, sp_step **args)
{
    return duration(m, e, args, 60 * SP_US_PER_SECOND);
}

static sp_step *make_seconds(maker *m, const sp_expr *e, sp_step **args)
{
    return duration(m, e, args, SP_US_PER_SECOND);
}

static sp_step *part(maker *m, const sp_expr *e, sp_step **args, int64_t part, __int128 min, __int128 max)
{
    sp_step *a = args[0];
    if (!is_moment(a) && !is_kind(a, SP_DATE) && !is_kind(a, SP_TIME))
        return no_such_types(m, e, args, 1);
    if (!(a = to_moment(m, a)))
        return NULL;
    sp_step *s = bounded(m, e, unary(m, sp_run_part, SP_I64, a), min, max);
    if (s)
        s->word = part;
    return s;
}

static sp_step *make_year(maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_YEAR, -300000, 300000);
}

static sp_step *make_month(maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_MONTH, 1, 12);
}

static sp_step *make_day(maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_DAY, 1, 31);
}

static sp_step *make_hour(maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_HOUR, 0, 23);
}

static sp_step *make_minute(maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_MINUTE, 0, 59);
}

static sp_step *make_second(maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_SECOND, 0, 59);
}

static sp_step *make_weekday(maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_WEEKDAY, 1, 7);
}

static sp_step *make_add_months(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    bool date = is_kind(a, SP_DATE);
    if (!date && !is_moment(a))
        return no_such_types(m, e, args, 2);
    if (!is_whole(m, e, args, 1) || !(a = to_moment(m, a)))
        return NULL;
    sp_step *s = binary(m, sp_run_add_months, a->type, a, args[1]);
    return s && date ? unary(m, sp_run_days, SP_DATE, s) : s;
}

static sp_step *make_format(maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (!is_moment(a) && !is_kind(a, SP_DATE))
        return no_such_types(m, e, args, 1);
    if (!args[1]->is_constant || !is_kind(args[1], SP_TEXT))
        return wrong(m, e->args[1], "is not a layout written out, such as '2006-01-02'");
    const sp_layout *layout = sp_layout_new(m->b->arena, args[1]->text);
    if (!layout || !(a = to_moment(m, a)))
        return NULL;
    sp_step *s = text_step(m, e, sp_run_format, &a, 1, sp_layout_text_max(layout));
    if (s)
        s->layout = layout;
    return s;
}

/* ---- calls ---- */

static const struct call {
    const char *name;
    uint32_t least, most; /* arguments */
    sp_step *(*make)(maker *m, const sp_expr *e, sp_step **args);
} calls[] = {
    {"+", 2, 2, make_add},
    {"-", 2, 2, make_subtract},
    {"*", 2, 2, make_multiply},
    {"/", 2, 2, make_divide},
    {"%", 2, 2, make_modulo},
    {"negate", 1, 1, make_negate},
    {"||", 2, 2, make_concat},
    {"=", 2, 2, make_equal},
    {"<>", 2, 2, make_unequal},
    {"<", 2, 2, make_less},
    {">", 2, 2, make_greater},
    {"<=", 2, 2, make_at_most},
    {">=", 2, 2, make_at_least},
    {"and", 2, 2, make_and},
    {"or", 2, 2, make_or},
    {"not", 1, 1, make_not},
    {"is null", 1, 1, make_is_null},
    {"is not null", 1, 1, make_is_not_null},
    {"between", 3, 3, make_between},
    {"in", 2, 256, make_in},
    {"like", 2, 2, make_like},
    {"starts_with", 2, 2, make_starts},
    {"contains", 2, 2, make_contains},
    {"if", 3, 3, make_if},
    {"coalesce", 1, 256, make_coalesce},
    {"nullif", 2, 2, make_null_if},
    {"least", 1, 256, make_least},
    {"greatest", 1, 256, make_greatest},
    {"abs", 1, 1, make_abs},
    {"sign", 1, 1, make_sign},
    {"round", 1, 2, make_round},
    {"floor", 1, 1, make_floor},
    {"ceil", 1, 1, make_ceil},
    {"sqrt", 1, 1, make_sqrt},
    {"exp", 1, 1, make_exp},
    {"ln", 1, 1, make_ln},
    {"power", 2, 2, make_power},
    {"random", 0, 2, make_random},
    {"row", 0, 0, make_row},
    {"nth", 1, 1, make_nth},
    {"concat", 1, 256, make_concat},
    {"lower", 1, 1, make_lower},
    {"upper", 1, 1, make_upper},
    {"title", 1, 1, make_title},
    {"slug", 1, 1, make_slug},
    {"trim", 1, 1, make_trim},
    {"substr", 2, 3, make_substr},
    {"left", 2, 2, make_left},
    {"right", 2, 2, make_right},
    {"pad", 3, 3, make_pad},
    {"replace", 3, 3, make_replace},
    {"length", 1, 1, make_length},
    {"text", 1, 1, make_text},
    {"int", 1, 1, make_int},
    {"float", 1, 1, make_float},
    {"now", 0, 0, make_now},
    {"date", 1, 1, make_date},
    {"timestamp", 1, 1, make_timestamp},
    {"interval", 1, 1, make_interval},
    {"days", 1, 1, make_days},
    {"hours", 1, 1, make_hours},
    {"minutes", 1, 1, make_minutes},
    {"seconds", 1, 1, make_seconds},
    {"year", 1, 1, make_year},
    {"month", 1, 1, make_month},
    {"day", 1, 1, make_day},
    {"hour", 1, 1, make_hour},
    {"minute", 1, 1, make_minute},
    {"second", 1, 1, make_second},
    {"weekday", 1, 1, make_weekday},
    {"add_months", 2, 2, make_add_months},
    {"format", 2, 2, make_format},
};

static const struct call *find_call(const maker *m, const sp_expr *e)
{
    const char *names[SP_COUNT(calls)];
    for (size_t i = 0; i < SP_COUNT(calls); i++) {
        names[i] = calls[i].name;
        if (sp_str_ieq(e->text, names[i]))
            return &calls[i];
    }
    const char *near = sp_nearest(e->text, names, SP_COUNT(names));
    sp_mistake(m->b->mistakes, e->mark, e->text, "is no function of expressions%s%s%s", near ? "; did you mean \"" : "",
               near ? near : "", near ? "\"?" : "");
    return NULL;
}

static sp_step *make_step(maker *m, const sp_expr *e);

static sp_step *call_step(maker *m, const sp_expr *e)
{
    const struct call *call = find_call(m, e);
    if (!call)
        return NULL;
    if (e->n_args < call->least || e->n_args > call->most) {
        sp_mistake(m->b->mistakes, e->mark, e->text, "takes %u%s%.0u argument%s, and here are %u", call->least,
                   call->most > call->least ? " or more, up to " : "", call->most > call->least ? call->most : 0,
                   call->most == 1 ? "" : "s", e->n_args);
        return NULL;
    }
    sp_step **args = sp_arena_alloc(m->b->arena, SP_MAX(e->n_args, 1u), sizeof(*args));
    bool complete = args != NULL;
    for (uint32_t i = 0; args && i < e->n_args; i++)
        complete = (args[i] = make_step(m, e->args[i])) && complete;
    return complete ? call->make(m, e, args) : NULL;
}

/* The step that makes e's values, with those it needs before it. NULL: a mistake was noted, or no memory. */
static sp_step *make_step(maker *m, const sp_expr *e)
{
    switch (e->kind) {
    case SP_EXPR_NUMBER: return number_step(m, e);
    case SP_EXPR_TEXT: return text(m, e->text);
    case SP_EXPR_BOOL: return truth(word(m, (sp_type){.kind = SP_BOOL}, sp_str_ieq(e->text, "true")));
    case SP_EXPR_NULL: return null_of(m, (sp_type){.kind = SP_TEXT});
    case SP_EXPR_FUNCTION: return function_step(m, e);
    case SP_EXPR_OWN: return load(m, e, sp_range_cell(m->b));
    case SP_EXPR_COLUMN: return column_step(m, e);
    case SP_EXPR_CALL: return call_step(m, e);
    }
    return NULL;
}

/* ---- the cell ---- */

typedef struct expr_cell {
    sp_cell cell;
    const sp_step *first, *result;
} expr_cell;

/* From words to the cells of a narrower or wider kind. */
static void pack(const sp_step *s, const sp_rows *r, const sp_column *from, sp_column *out)
{
    const int64_t *v = from->data;
    if (from->validity)
        memcpy(sp_column_validity(out, r->n), from->validity, (r->n + 7) / 8);
    switch (out->type.kind) {
    case SP_BOOL:
        memset(out->data, 0, (r->n + 7) / 8);
        for (uint32_t i = 0; i < r->n; i++)
            ((uint8_t *)out->data)[i >> 3] |= (uint8_t)((v[i] != 0) << (i & 7));
        break;
    case SP_INTERVAL:
        for (uint32_t i = 0; i < r->n; i++)
            ((sp_interval *)out->data)[i] = (sp_interval){.us = v[i]};
        break;
    default:
        for (uint32_t i = 0; i < r->n; i++)
            ((int32_t *)out->data)[i] = (int32_t)v[i];
    }
}

static bool is_packed(sp_kind kind)
{
    return kind == SP_BOOL || kind == SP_INTERVAL || kind == SP_DATE || kind == SP_I32;
}

static int expr_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const expr_cell *c = (const expr_cell *)cell;
    const sp_rows r = {rows, n, scratch};
    for (const sp_step *s = c->first; s; s = s->next) {
        bool last = s == c->result && !is_packed(cell->type.kind);
        sp_column *to = last ? out : sp_scratch_temp(scratch, s->temp);
        if (!last)
            to->validity = NULL;
        if (s->run(s, &r, to) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    if (is_packed(cell->type.kind))
        pack(c->result, &r, sp_scratch_temp(scratch, c->result->temp), out);
    return SPATE_OK;
}

static const sp_cell_ops expr_ops = {expr_fill, NULL};

/* What one batch may need for texts that are made on the way, and how deep the cells go that are asked. */
static void take_needs(expr_cell *c)
{
    for (const sp_step *s = c->first; s; s = s->next) {
        c->cell.work_text = SP_MAX(c->cell.work_text, sp_step_is_text(s) ? s->text_max : 0);
        if (s->parents)
            c->cell.depth = SP_MAX(c->cell.depth, sp_parents_depth(s->parents) + 1);
        if (s->cell) {
            c->cell.work_text = SP_MAX(c->cell.work_text, s->cell->work_text);
            c->cell.depth = SP_MAX(c->cell.depth, s->cell->depth + 1);
        }
    }
}

/* Marks what the result is made from. */
static void mark_needed(sp_step *s)
{
    if (s->needed)
        return;
    s->needed = true;
    for (uint32_t i = 0; i < s->n_args; i++)
        mark_needed(s->args[i]);
}

/* Takes out the steps that were only looked at, such as the 2 of round(x, 2). What is left ends with the result. */
static sp_step *only_needed(sp_step *first, sp_step *result)
{
    sp_step *kept = NULL, **last = &kept;
    mark_needed(result);
    for (sp_step *s = first; s; s = s->next)
        if (s->needed) {
            *last = s;
            last = &s->next;
        }
    *last = NULL;
    return kept;
}

sp_cell *sp_expr_cell(const sp_build *b, const sp_expr *e)
{
    maker m = {.b = b};
    m.last = &m.first;
    expr_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    sp_step *result = c ? make_step(&m, e) : NULL;
    if (!result)
        return NULL;
    c->first = only_needed(m.first, result);
    c->result = result;
    c->cell = (sp_cell){.ops = &expr_ops, .key = b->key, .type = result->type, .depth = 1, .nullable = result->nullable};
    if (is_exact(result)) {
        bool narrow = result->type.kind == SP_I64 && result->min >= INT32_MIN && result->max <= INT32_MAX;
        c->cell.type.kind = narrow ? SP_I32 : result->type.kind;
        c->cell.bounds = (sp_bounds){.has_range = true, .min = (int64_t)result->min, .max = (int64_t)result->max};
    }
    c->cell.has_float_range = sp_step_is_float(result) && isfinite(result->min_f) && isfinite(result->max_f);
    c->cell.min_f = result->min_f;
    c->cell.max_f = result->max_f;
    c->cell.text_max = sp_step_is_text(result) ? SP_MAX(result->text_max, 1u) : sp_kind_text_max(c->cell.type.kind);
    c->cell.bounds.text_max = sp_step_is_text(result) ? c->cell.text_max : 0;
    take_needs(c);
    return &c->cell;
}
