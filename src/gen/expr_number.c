/* expr_number.c - expressions of numbers: exact ones with their scales and ranges, and doubles. */
#include "gen/expr.h"

#include <math.h>

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

static sp_step *real_sum(sp_maker *m, bool minus, sp_step *a, sp_step *b)
{
    if (!(a = sp_to_real(m, a)) || !(b = sp_to_real(m, b)))
        return NULL;
    sp_step *s = sp_add_binary(m, minus ? sp_run_real_subtract : sp_run_real_add, (sp_type){.kind = SP_F64}, a, b);
    if (s) {
        s->min_f = minus ? a->min_f - b->max_f : a->min_f + b->min_f;
        s->max_f = minus ? a->max_f - b->min_f : a->max_f + b->max_f;
    }
    return s;
}

static sp_step *number_sum(sp_maker *m, const sp_expr *e, bool minus, sp_step *a, sp_step *b)
{
    if (sp_step_is_float(a) || sp_step_is_float(b))
        return real_sum(m, minus, a, b);
    unsigned scale = SP_MAX(sp_step_scale(a), sp_step_scale(b));
    if (!(a = sp_to_scale(m, e, a, scale)) || !(b = sp_to_scale(m, e, b, scale)))
        return NULL;
    sp_step *s = sp_add_binary(m, minus ? sp_run_subtract : sp_run_add, sp_decimal_type(scale), a, b);
    return minus ? sp_in_range(m, e, s, a->min - b->max, a->max - b->min)
                 : sp_in_range(m, e, s, a->min + b->min, a->max + b->max);
}

/* Sums with a time in them. */
static sp_step *time_sum(sp_maker *m, const sp_expr *e, bool minus, sp_step *a, sp_step *b)
{
    sp_step_fn *run = minus ? sp_run_subtract : sp_run_add;
    sp_step *const given[] = {a, b};
    if (!minus && (sp_step_is(a, SP_INTERVAL) || sp_step_is_number(a)) && !sp_step_is(b, SP_INTERVAL)) {
        sp_step *swap = a;
        a = b;
        b = swap;
    }
    if (sp_step_is(b, SP_INTERVAL) && sp_step_is(a, SP_DATE))
        a = sp_to_moment(m, a);
    if (!a)
        return NULL;
    if (sp_step_is(b, SP_INTERVAL) && (sp_step_is_moment(a) || sp_step_is(a, SP_INTERVAL)))
        return sp_add_binary(m, run, a->type, a, b);
    if (sp_step_is(a, SP_DATE) && sp_step_is(b, SP_I64))
        return sp_add_binary(m, run, a->type, a, b);
    if (minus && sp_step_is(a, SP_DATE) && sp_step_is(b, SP_DATE)) {
        sp_step *days = sp_add_binary(m, run, sp_decimal_type(0), a, b);
        return sp_in_range(m, e, days, 2 * (__int128)INT32_MIN, 2 * (__int128)INT32_MAX);
    }
    sp_type interval = {.kind = SP_INTERVAL};
    bool moments = (sp_step_is_moment(a) || sp_step_is(a, SP_DATE)) && (sp_step_is_moment(b) || sp_step_is(b, SP_DATE));
    if (minus && (moments || (sp_step_is(a, SP_TIME) && sp_step_is(b, SP_TIME))))
        return (a = sp_to_moment(m, a)) && (b = sp_to_moment(m, b)) ? sp_add_binary(m, run, interval, a, b) : NULL;
    return sp_make_no_types(m, e, given, 2);
}

static sp_step *make_sum(sp_maker *m, const sp_expr *e, sp_step **args, bool minus)
{
    if (args[0]->is_null || args[1]->is_null)
        return sp_add_null(m, args[args[0]->is_null]->type);
    if (sp_step_is_number(args[0]) && sp_step_is_number(args[1]))
        return number_sum(m, e, minus, args[0], args[1]);
    return time_sum(m, e, minus, args[0], args[1]);
}

static sp_step *make_add(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return make_sum(m, e, args, false);
}

static sp_step *make_subtract(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return make_sum(m, e, args, true);
}

/* An interval so many times: through doubles, rounded to microseconds. */
sp_step *sp_interval_times(sp_maker *m, sp_step *interval, sp_step *factor, sp_step_fn *run)
{
    sp_step *us = sp_add_unary(m, sp_run_real, SP_F64, interval);
    if (!us || !(factor = sp_to_real(m, factor)))
        return NULL;
    us->real = 1;
    sp_step *product = sp_add_binary(m, run, (sp_type){.kind = SP_F64}, us, factor);
    if (!product)
        return NULL;
    product->nullable = product->nullable || run == sp_run_real_divide;
    sp_step *s = sp_add_unary(m, sp_run_real_round, SP_INTERVAL, product);
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

static sp_step *make_multiply(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0], *b = args[1];
    if (sp_step_is(a, SP_INTERVAL) && sp_step_is_number(b))
        return sp_interval_times(m, a, b, sp_run_real_multiply);
    if (sp_step_is(b, SP_INTERVAL) && sp_step_is_number(a))
        return sp_interval_times(m, b, a, sp_run_real_multiply);
    if (!sp_step_is_number(a) || !sp_step_is_number(b))
        return sp_make_no_types(m, e, args, 2);
    unsigned scale = sp_step_scale(a) + sp_step_scale(b);
    if (!sp_step_is_float(a) && !sp_step_is_float(b)) {
        if (scale > 18)
            return sp_make_wrong(m, e, "has more than 18 digits behind the point; round(x, scale) or float(x) help");
        range128 r = product(a, b);
        return sp_in_range(m, e, sp_add_binary(m, sp_run_multiply, sp_decimal_type(scale), a, b), r.min, r.max);
    }
    if (!(a = sp_to_real(m, a)) || !(b = sp_to_real(m, b)))
        return NULL;
    sp_step *s = sp_add_binary(m, sp_run_real_multiply, (sp_type){.kind = SP_F64}, a, b);
    if (s)
        real_product_range(s, a, b);
    return s;
}

static sp_step *make_divide(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0], *b = args[1];
    if (sp_step_is(a, SP_INTERVAL) && sp_step_is_number(b))
        return sp_interval_times(m, a, b, sp_run_real_divide);
    if (!sp_step_is_number(a) || !sp_step_is_number(b))
        return sp_make_no_types(m, e, args, 2);
    double least =
        sp_step_is_exact(b) ? 1 / (double)sp_pow10[sp_step_scale(b)] : 0; /* the smallest divisor that is not zero */
    if (!(a = sp_to_real(m, a)) || !(b = sp_to_real(m, b)))
        return NULL;
    sp_step *s = sp_add_binary(m, sp_run_real_divide, (sp_type){.kind = SP_F64}, a, b);
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

static sp_step *make_modulo(sp_maker *m, const sp_expr *e, sp_step **args)
{
    if (!sp_step_is(args[0], SP_I64) || !sp_step_is(args[1], SP_I64))
        return sp_make_no_types(m, e, args, 2);
    sp_step *s = sp_add_binary(m, sp_run_modulo, sp_decimal_type(0), args[0], args[1]);
    if (!s)
        return NULL;
    s->nullable = s->nullable || (args[1]->min <= 0 && args[1]->max >= 0);
    return sp_in_range(m, e, s, SP_MIN(args[1]->min + 1, (__int128)0), SP_MAX(args[1]->max - 1, (__int128)0));
}

static sp_step *make_negate(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0], *s;
    if (sp_step_is_exact(a)) {
        s = sp_add_step(m, sp_run_negate, a->type, args, 1);
        return sp_in_range(m, e, s, -a->max, -a->min);
    }
    if (sp_step_is(a, SP_INTERVAL))
        return sp_add_unary(m, sp_run_negate, SP_INTERVAL, a);
    if (!sp_step_is_float(a))
        return sp_make_no_types(m, e, args, 1);
    s = sp_add_unary(m, sp_run_real_negate, SP_F64, a);
    if (s) {
        s->min_f = -a->max_f;
        s->max_f = -a->min_f;
    }
    return s;
}

static sp_step *make_abs(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (sp_step_is_float(a)) {
        sp_step *s = sp_add_unary(m, sp_run_real_abs, SP_F64, a);
        if (s) {
            s->min_f = 0;
            s->max_f = fmax(fabs(a->min_f), fabs(a->max_f));
        }
        return s;
    }
    if (!sp_step_is_exact(a) && !sp_step_is(a, SP_INTERVAL))
        return sp_make_no_types(m, e, args, 1);
    sp_step *s = sp_add_step(m, sp_run_abs, a->type, args, 1);
    return sp_step_is_exact(a) ? sp_in_range(m, e, s, 0, SP_MAX(-a->min, a->max)) : s;
}

static sp_step *make_sign(sp_maker *m, const sp_expr *e, sp_step **args)
{
    if (!sp_step_is_exact(args[0]))
        return sp_make_no_types(m, e, args, 1);
    return sp_in_range(m, e, sp_add_step(m, sp_run_sign, sp_decimal_type(0), args, 1), -1, 1);
}

/* A constant whole number from least to most as argument i. */
bool sp_constant_in(sp_maker *m, const sp_expr *e, sp_step *const *args, uint32_t i, int64_t least, int64_t most,
                    int64_t *v)
{
    const sp_step *s = args[i];
    *v = s->word;
    if (s->is_constant && s->type.kind == SP_I64 && *v >= least && *v <= most)
        return true;
    sp_mistake(m->b->mistakes, e->args[i]->mark, e->args[i]->shown,
               "is not a whole number from %lld to %lld, written out", (long long)least, (long long)most);
    return false;
}

/* A double, rounded to so many digits. What is too large for 18 digits becomes the largest. */
static sp_step *round_real(sp_maker *m, sp_step *a, unsigned scale)
{
    sp_step *s = sp_add_step(m, sp_run_real_round, sp_decimal_type(scale), &a, 1);
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

static sp_step *make_round(sp_maker *m, const sp_expr *e, sp_step **args)
{
    int64_t scale = 0;
    if (!sp_step_is_number(args[0]))
        return sp_make_no_types(m, e, args, 1);
    if (e->n_args > 1 && !sp_constant_in(m, e, args, 1, 0, 18, &scale))
        return NULL;
    if (sp_step_is_float(args[0]))
        return round_real(m, args[0], (unsigned)scale);
    return sp_to_scale(m, e, args[0], (unsigned)scale);
}

/* What a text says; as many digits as it may have, but 18 at most. */
static sp_step *read_word(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = sp_add_unary(m, sp_run_read_word, SP_I64, args[0]);
    __int128 end = (__int128)sp_pow10[SP_MIN(args[0]->text_max, 18u)];
    if (s)
        s->nullable = true;
    return sp_in_range(m, e, s, 1 - end, end - 1);
}

static sp_step *make_int(sp_maker *m, const sp_expr *e, sp_step **args)
{
    if (sp_step_is_text(args[0]) && !args[0]->is_null)
        return read_word(m, e, args);
    if (sp_step_is(args[0], SP_BOOL))
        return sp_in_range(m, e, sp_add_unary(m, sp_run_same, SP_I64, args[0]), 0, 1);
    return make_round(m, e, args);
}

static sp_step *whole(sp_maker *m, const sp_expr *e, sp_step **args, sp_step_fn *exact, sp_step_fn *inexact)
{
    sp_step *a = args[0], *s;
    if (sp_step_is_float(a)) {
        s = sp_add_unary(m, inexact, SP_I64, a);
        if (s && a->min_f > -9.2e18 && a->max_f < 9.2e18) {
            s->min = (__int128)a->min_f - 1;
            s->max = (__int128)a->max_f + 1;
        }
        return s;
    }
    if (!sp_step_is_exact(a))
        return sp_make_no_types(m, e, args, 1);
    s = sp_add_unary(m, exact, SP_I64, a);
    if (!s)
        return NULL;
    s->word = (int64_t)sp_pow10[sp_step_scale(a)];
    return sp_in_range(m, e, s, a->min / s->word - (a->min < 0), a->max / s->word + (a->max > 0 && s->word > 1));
}

static sp_step *make_floor(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return whole(m, e, args, sp_run_floor_to, sp_run_real_floor);
}

static sp_step *make_ceil(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return whole(m, e, args, sp_run_ceil_to, sp_run_real_ceil);
}

static sp_step *real_function(sp_maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run, bool nullable)
{
    sp_step *a;
    if (!sp_step_is_number(args[0]))
        return sp_make_no_types(m, e, args, 1);
    if (!(a = sp_to_real(m, args[0])))
        return NULL;
    sp_step *s = sp_add_unary(m, run, SP_F64, a);
    if (s)
        s->nullable = s->nullable || nullable;
    return s;
}

static sp_step *make_sqrt(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return real_function(m, e, args, sp_run_real_sqrt, true);
}

static sp_step *make_exp(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return real_function(m, e, args, sp_run_real_exp, false);
}

static sp_step *make_ln(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return real_function(m, e, args, sp_run_real_log, true);
}

static sp_step *make_power(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a, *b;
    if (!sp_step_is_number(args[0]) || !sp_step_is_number(args[1]))
        return sp_make_no_types(m, e, args, 2);
    if (!(a = sp_to_real(m, args[0])) || !(b = sp_to_real(m, args[1])))
        return NULL;
    sp_step *s = sp_add_binary(m, sp_run_real_power, (sp_type){.kind = SP_F64}, a, b);
    if (s)
        s->nullable = true;
    return s;
}

/* random(a, b) of columns. */
static sp_step *random_between(sp_maker *m, const sp_expr *e, sp_step **args)
{
    if (!sp_arg_is_whole(m, e, args, 0) || !sp_arg_is_whole(m, e, args, 1))
        return NULL;
    sp_step *s = sp_add_step(m, sp_run_random_between, (sp_type){.kind = SP_I64}, args, 2);
    if (s)
        s->key = sp_mix64(m->b->key + ++m->draws * SP_PHI);
    return sp_in_range(m, e, s, SP_MIN(args[0]->min, args[1]->min), SP_MAX(args[0]->max, args[1]->max));
}

/* random(): [0, 1). random(a, b): a whole number, both ends included. Every call draws for itself. */
static sp_step *make_random(sp_maker *m, const sp_expr *e, sp_step **args)
{
    int64_t low = 0, high = 0;
    if (e->n_args == 1)
        return sp_make_wrong(m, e, "takes no arguments, or two: random(1, 6)");
    if (e->n_args == 2 && (!args[0]->is_constant || !args[1]->is_constant || args[0]->is_null || args[1]->is_null))
        return random_between(m, e, args);
    if (e->n_args == 2 && (!sp_constant_in(m, e, args, 0, INT64_MIN / 2, INT64_MAX / 2, &low) ||
                           !sp_constant_in(m, e, args, 1, low, INT64_MAX / 2, &high)))
        return NULL;
    sp_type type = {.kind = e->n_args ? SP_I64 : SP_F64};
    sp_step *s = sp_add_step(m, e->n_args ? sp_run_random_word : sp_run_random_real, type, NULL, 0);
    if (!s)
        return NULL;
    s->key = sp_mix64(m->b->key + ++m->draws * SP_PHI);
    s->min = low;
    s->max = high;
    s->min_f = 0;
    s->max_f = 1;
    return s;
}

/* drift(t), drift(t, of): [0, 1). Every call, and every number of, has a path of its own. */
static sp_step *make_drift(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *own[2] = {args[0], e->n_args > 1 ? args[1] : NULL};
    if (!sp_step_is_number(own[0]))
        return sp_make_no_types(m, e, args, e->n_args);
    if ((own[1] && !sp_arg_is_whole(m, e, args, 1)) || !(own[0] = sp_to_real(m, own[0])))
        return NULL;
    sp_step *s = sp_add_step(m, sp_run_drift, (sp_type){.kind = SP_F64}, own, e->n_args);
    if (!s)
        return NULL;
    s->key = sp_mix64(m->b->key + ++m->draws * SP_PHI);
    s->min_f = 0;
    s->max_f = 1;
    return s;
}

static sp_step *make_row(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = sp_add_step(m, sp_run_row, sp_decimal_type(0), args, 0);
    return s ? sp_in_range(m, e, s, 1, (__int128)m->b->table->rows) : NULL;
}

/* nth(ref): which of its parent's children a row is, from 1. */
static sp_step *make_nth(sp_maker *m, const sp_expr *e, sp_step **args)
{
    const sp_expr *ref = e->args[0];
    const sp_plan_column *col =
        ref->kind == SP_EXPR_COLUMN && !ref->field.len ? &m->b->table->columns[ref->column] : NULL;
    if (!col || !col->children)
        return sp_make_wrong(m, ref, "is no ref that says how many children there are");
    const sp_parents *parents = sp_build_parents(m->b, ref->column);
    sp_step *s = parents ? sp_add_step(m, sp_run_nth, sp_decimal_type(0), args, 0) : NULL;
    if (s)
        s->parents = parents;
    return s ? sp_in_range(m, e, s, 1, SP_MAX(col->children->max_i - 1, INT64_C(1))) : NULL;
}

/* occurrence(column): the how manieth row with this value a row is, from 1; occurrences(column): how many there are. */
static sp_step *counted(sp_maker *m, const sp_expr *e, sp_step **args, bool all)
{
    const sp_expr *of = e->args[0];
    const sp_cell *cell = of->kind == SP_EXPR_COLUMN && !of->field.len ? sp_build_sibling(m->b, of->column) : NULL;
    if (of->kind != SP_EXPR_COLUMN || of->field.len)
        return sp_make_wrong(m, of, "is no column of this table");
    const uint32_t *numbers = cell ? sp_build_occurrences(m->b, of, cell, all) : NULL;
    sp_step *s = numbers ? sp_add_step(m, sp_run_number, sp_decimal_type(0), args, 0) : NULL;
    if (!s)
        return NULL;
    s->numbers = numbers;
    s->n_numbers = m->b->table->rows;
    return sp_in_range(m, e, s, 0, (__int128)s->n_numbers);
}

static sp_step *make_occurrence(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return counted(m, e, args, false);
}

static sp_step *make_occurrences(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return counted(m, e, args, true);
}

/* What is counted while rows are gone through in their order, of which a condition may say what is counted further on. */
static sp_step *number_of_row(sp_maker *m, const sp_expr *e, __int128 most)
{
    uint64_t rows = m->b->table->rows;
    if (!m->left_out && sp_build_can_look_into(m->b, e->mark, e->shown, rows))
        m->left_out = sp_arena_alloc(m->b->arena, SP_MAX(rows, (uint64_t)1), sizeof(*m->left_out));
    sp_step *s = m->left_out ? sp_add_step(m, sp_run_number, sp_decimal_type(0), NULL, 0) : NULL;
    if (!s)
        return NULL;
    s->numbers = m->left_out;
    s->n_numbers = rows;
    return sp_in_range(m, e, s, 0, most);
}

/* Within the condition of "left out": how many rows before this one were. */
static sp_step *make_so_far(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return number_of_row(m, e, m->b->table->rows);
}

/* Twice how many rows before this one the condition does not hold for, and one more if it does not for this one. */
static sp_step *make_left_out(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = number_of_row(m, e, 2 * (__int128)m->b->table->rows + 1);
    if (!s || !sp_step_is(args[0], SP_BOOL))
        return s ? sp_make_wrong(m, e->args[0], "is no condition") : NULL;
    return sp_eval_left_out(m->b, m->first, args[0], m->left_out) ? s : NULL;
}

const sp_call sp_number_calls[] = {
    {"+", 2, 2, make_add},
    {"-", 2, 2, make_subtract},
    {"*", 2, 2, make_multiply},
    {"/", 2, 2, make_divide},
    {"%", 2, 2, make_modulo},
    {"negate", 1, 1, make_negate},
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
    {"drift", 1, 2, make_drift},
    {"row", 0, 0, make_row},
    {"nth", 1, 1, make_nth},
    {"occurrence", 1, 1, make_occurrence},
    {"occurrences", 1, 1, make_occurrences},
    {"left out", 1, 1, make_left_out},
    {"left out so far", 0, 0, make_so_far},
    {"int", 1, 1, make_int},
    {0},
};
