/* expr.c - the tree of an expression becomes steps over columns, and the steps a cell.
 *
 * Every step has a type and a range that are known before any row is made, so an expression that may leave its type (a product
 * of more than 18 digits) is a mistake with a place, and not an error at some row. Integers and decimals are exact: what a
 * product's or a sum's scale is follows from the scales it is made of. A division is a double.
 *
 * A column that is named is its own cell's fill for the same rows; a column behind a dot is the fill of the row that the ref leads
 * to. Both run once, however often they are named. */
#include "gen/expr.h"

#include <math.h>

/* ---- mistakes ---- */

sp_step *sp_make_wrong(const sp_maker *m, const sp_expr *e, const char *what)
{
    sp_mistake(m->b->mistakes, e->mark, e->shown, "%s", what);
    return NULL;
}

const char *sp_step_words(const sp_step *s)
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

sp_step *sp_make_no_types(const sp_maker *m, const sp_expr *e, sp_step *const *args, uint32_t n)
{
    if (n == 1)
        sp_mistake(m->b->mistakes, e->mark, e->shown, "cannot be done with %s", sp_step_words(args[0]));
    else
        sp_mistake(m->b->mistakes, e->mark, e->shown, "cannot be done with %s and %s", sp_step_words(args[0]),
                   sp_step_words(args[1]));
    return NULL;
}

/* ---- steps ---- */

static sp_type stored_as(sp_type type)
{
    sp_kind kind = type.kind == SP_F64 || sp_kind_is_text(type.kind) ? type.kind : SP_I64;
    return (sp_type){.kind = kind};
}

/* A step of that type, with the widest range; its nulls are those of its arguments. */
sp_step *sp_add_step(sp_maker *m, sp_step_fn *run, sp_type type, sp_step *const *args, uint32_t n)
{
    sp_step *s = sp_arena_alloc(m->b->arena, 1, sizeof(*s));
    sp_step **list = sp_arena_alloc(m->b->arena, SP_MAX(n, 1u), sizeof(*list));
    int temp = sp_build_temp(m->b, stored_as(type), false);
    if (!s || !list || temp < 0)
        return NULL;
    *s = (sp_step){
        .run = run, .type = type, .temp = (uint32_t)temp, .args = list, .n_args = n, .min = WORD_MIN, .max = WORD_MAX};
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

sp_step *sp_add_unary(sp_maker *m, sp_step_fn *run, sp_kind kind, sp_step *a)
{
    return sp_add_step(m, run, (sp_type){.kind = kind}, &a, 1);
}

sp_step *sp_add_binary(sp_maker *m, sp_step_fn *run, sp_type type, sp_step *a, sp_step *b)
{
    return sp_add_step(m, run, type, (sp_step *[]){a, b}, 2);
}

sp_type sp_decimal_type(unsigned scale)
{
    return scale ? (sp_type){.kind = SP_DECIMAL, .precision = 18, .scale = (uint8_t)scale} : (sp_type){.kind = SP_I64};
}

/* Takes the range of exact values, unless they may leave their type. */
sp_step *sp_in_range(const sp_maker *m, const sp_expr *e, sp_step *s, __int128 min, __int128 max)
{
    bool decimals = s && s->type.kind == SP_DECIMAL;
    if (!s)
        return NULL;
    if (min < (decimals ? 1 - DECIMAL_END : WORD_MIN) || max > (decimals ? DECIMAL_END - 1 : WORD_MAX))
        return sp_make_wrong(m, e,
                             decimals
                                 ? "may have more than 18 digits; narrower ranges, round(x, scale) or float(x) help"
                                 : "may be larger than any bigint; narrower ranges or float(x) help");
    s->min = min;
    s->max = max;
    return s;
}

sp_step *sp_add_word(sp_maker *m, sp_type type, int64_t value)
{
    sp_step *s = sp_add_step(m, sp_run_constant, type, NULL, 0);
    if (s) {
        s->is_constant = true;
        s->min = s->max = s->word = value;
    }
    return s;
}

sp_step *sp_add_real(sp_maker *m, double value)
{
    sp_step *s = sp_add_step(m, sp_run_constant, (sp_type){.kind = SP_F64}, NULL, 0);
    if (s) {
        s->is_constant = true;
        s->min_f = s->max_f = s->real = value;
    }
    return s;
}

static sp_step *text(sp_maker *m, sp_str value)
{
    sp_step *s = sp_add_step(m, sp_run_constant, (sp_type){.kind = SP_TEXT}, NULL, 0);
    if (s) {
        s->is_constant = true;
        s->text = value;
        s->text_max = (uint32_t)value.len;
    }
    return s;
}

sp_step *sp_add_null(sp_maker *m, sp_type type)
{
    sp_step *s = sp_add_step(m, sp_run_constant, type, NULL, 0);
    if (s) {
        s->is_constant = s->is_null = s->nullable = true;
        s->text = sp_str_of("");
        s->min = s->max = 0;
        s->min_f = s->max_f = 0;
    }
    return s;
}

/* ---- conversions ---- */

sp_step *sp_to_scale(sp_maker *m, const sp_expr *e, sp_step *s, unsigned scale)
{
    unsigned from = sp_step_scale(s);
    if (from == scale)
        return s;
    __int128 unit = (__int128)sp_pow10[from < scale ? scale - from : from - scale];
    sp_step *to = sp_add_step(m, from < scale ? sp_run_scale_up : sp_run_scale_down, sp_decimal_type(scale), &s, 1);
    if (!to)
        return NULL;
    to->word = (int64_t)unit;
    return from < scale ? sp_in_range(m, e, to, s->min * unit, s->max * unit)
                        : sp_in_range(m, e, to, s->min / unit - 1, s->max / unit + 1);
}

sp_step *sp_to_real(sp_maker *m, sp_step *s)
{
    if (sp_step_is_float(s))
        return s;
    sp_step *to = sp_add_unary(m, sp_run_real, SP_F64, s);
    if (to) {
        to->real = (double)sp_pow10[sp_step_scale(s)];
        to->min_f = (double)s->min / to->real;
        to->max_f = (double)s->max / to->real;
    }
    return to;
}

/* The longest of whole numbers is the least or the largest of them. */
static uint32_t longest_text(const sp_step *s)
{
    char text[SP_I64_TEXT_MAX + SP_SLACK];
    if (s->type.kind != SP_I64)
        return sp_kind_text_max(s->type.kind);
    ptrdiff_t low = sp_put_i64(text, (int64_t)s->min) - text, high = sp_put_i64(text, (int64_t)s->max) - text;
    return (uint32_t)SP_MAX(low, high);
}

sp_step *sp_to_text(sp_maker *m, sp_step *s)
{
    if (sp_step_is_text(s))
        return s;
    sp_step *to = sp_add_unary(m, sp_run_text, SP_TEXT, s);
    if (to)
        to->text_max = longest_text(s);
    return to;
}

sp_step *sp_to_moment(sp_maker *m, sp_step *s)
{
    sp_step *to = s->type.kind == SP_DATE ? sp_add_unary(m, sp_run_midnight, SP_TIMESTAMP, s) : s;
    return to;
}

/* A constant text beside something else is read as one of that: created > '2024-01-01'. */
sp_step *sp_read_constant(sp_maker *m, const sp_expr *e, const sp_step *s, sp_type type)
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
        return sp_add_word(m, type, value);
    sp_mistake(m->b->mistakes, e->mark, e->shown, "is no %s",
               type.kind == SP_INTERVAL ? "duration" : sp_kind_name(type.kind));
    return NULL;
}

/* s as a value of that type, beside which it stands. NULL: it cannot be one, and nothing was noted, or a mistake was. */
static sp_step *as_type(sp_maker *m, const sp_expr *e, sp_step *s, sp_type type)
{
    if (s->is_null)
        return sp_add_null(m, type);
    if (s->type.kind == type.kind && sp_step_scale(s) == type.scale)
        return s;
    if (type.kind == SP_F64 && sp_step_is_number(s))
        return sp_to_real(m, s);
    if ((type.kind == SP_DECIMAL || type.kind == SP_I64) && sp_step_is_exact(s))
        return sp_to_scale(m, e, s, type.kind == SP_DECIMAL ? type.scale : 0);
    bool moment = type.kind == SP_TIMESTAMP || type.kind == SP_TIMESTAMPTZ;
    if (moment && (sp_step_is(s, SP_DATE) || sp_step_is_moment(s))) {
        sp_step *to = sp_to_moment(m, s);
        return to && to->type.kind != type.kind ? sp_add_unary(m, sp_run_same, type.kind, to) : to;
    }
    if (s->is_constant && s->type.kind == SP_TEXT && type.kind >= SP_DATE && type.kind <= SP_INTERVAL)
        return sp_read_constant(m, e, s, type);
    return NULL;
}

/* The one type that all of them can have. False: there is none. */
static bool common_type(sp_step *const *args, uint32_t n, sp_type *type)
{
    bool real = false, any = false;
    unsigned scale = 0;
    for (uint32_t i = 0; i < n; i++) {
        const sp_step *s = args[i];
        if (s->is_null ||
            (s->is_constant && s->type.kind == SP_TEXT && any && type->kind >= SP_DATE && type->kind <= SP_INTERVAL))
            continue;
        bool literal = any && type->kind == SP_TEXT && s->type.kind >= SP_DATE && s->type.kind <= SP_INTERVAL;
        bool times = any && (sp_step_is_moment(s) || sp_step_is(s, SP_DATE)) &&
                     (type->kind == SP_DATE || type->kind == SP_TIMESTAMP || type->kind == SP_TIMESTAMPTZ);
        bool numbers =
            any && sp_step_is_number(s) && (type->kind == SP_I64 || type->kind == SP_DECIMAL || type->kind == SP_F64);
        if (any && !literal && !times && !numbers && s->type.kind != type->kind)
            return false;
        real = real || sp_step_is_float(s);
        scale = SP_MAX(scale, sp_step_scale(s));
        if (!any || literal || (times && s->type.kind > type->kind))
            *type = s->type;
        any = true;
        if (sp_step_is_number(s))
            *type = real ? (sp_type){.kind = SP_F64} : sp_decimal_type(scale);
    }
    if (!any)
        *type = (sp_type){.kind = SP_TEXT};
    return true;
}

/* Makes the arguments from first on of one type. */
bool sp_unify(sp_maker *m, const sp_expr *e, sp_step **args, uint32_t first, uint32_t n, sp_type *type)
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
    case SP_DECIMAL: return sp_decimal_type(cell->type.scale);
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
    if (cell->bounds.has_range && (sp_step_is_exact(s) || sp_step_is(s, SP_BOOL))) {
        s->min = cell->bounds.min;
        s->max = cell->bounds.max;
    } else if (cell->type.kind == SP_I16 || cell->type.kind == SP_I32 || cell->type.kind == SP_BOOL) {
        s->max = cell->type.kind == SP_I16 ? INT16_MAX : cell->type.kind == SP_I32 ? INT32_MAX : 1;
        s->min = cell->type.kind == SP_BOOL ? 0 : -s->max - 1;
    }
}

/* Is it of a kind that steps do not work on? */
static bool is_passed_on(const sp_cell *cell)
{
    return cell->type.kind == SP_LIST || cell->type.kind == SP_BYTES || cell->type.kind == SP_U64;
}

static sp_step *load(sp_maker *m, const sp_expr *e, const sp_cell *cell)
{
    if (!cell)
        return NULL;
    sp_kind kind = cell->type.kind;
    if (is_passed_on(cell)) {
        sp_mistake(m->b->mistakes, e->mark, e->shown,
                   "is a column of %s: an expression can be all of it, as it is, and do nothing with it",
                   kind == SP_LIST ? "lists" : kind == SP_BYTES ? "bytes" : "whole numbers beyond bigint");
        return NULL;
    }
    if (sp_kind_is_text(kind) && !cell->bounds.text_max)
        return sp_make_wrong(m, e, "is a text of unknown length");
    sp_step *s = sp_add_step(m, is_wide(kind) ? sp_run_load : sp_run_load_wide, step_type(cell), NULL, 0);
    int aux = s && !is_wide(kind) ? sp_build_temp(m->b, cell->type, false) : 0;
    if (!s || aux < 0)
        return NULL;
    s->cell = cell;
    s->aux = (uint32_t)aux;
    s->column = s->field = SP_PLAN_NO_REF;
    take_range(s, cell);
    return s;
}

static const sp_cell *column_cell(const sp_build *b, const sp_expr *e)
{
    return e->field.len ? sp_build_follow(b, e->column, e->field_column) : sp_build_sibling(b, e->column);
}

static sp_step *column_step(sp_maker *m, const sp_expr *e)
{
    uint32_t field = e->field.len ? e->field_column : SP_PLAN_NO_REF;
    for (sp_step *s = m->first; s; s = s->next)
        if (s->cell && s->column == e->column && s->field == field)
            return s;
    sp_step *s = load(m, e, column_cell(m->b, e));
    if (s) {
        s->column = e->column;
        s->field = field;
    }
    return s;
}

static sp_step *function_step(sp_maker *m, const sp_expr *e)
{
    const char *hash = memchr(e->text.p, '#', e->text.len); /* ${word#2}: a second draw */
    const sp_func *f = sp_func_find((sp_str){e->text.p, hash ? (size_t)(hash - e->text.p) : e->text.len});
    if (f)
        return load(m, e, sp_func_cell(f, &m->b->env, sp_hash64(e->text.p, e->text.len, m->b->key)));
    size_t count;
    const char *const *names = sp_func_names(&count);
    const char *near = sp_nearest(e->text, names, count);
    sp_mistake(m->b->mistakes, e->mark, e->text, "is no function%s%s%s", near ? "; did you mean \"${" : "",
               near ? near : "", near ? "}\"?" : "");
    return NULL;
}

static sp_step *number_step(sp_maker *m, const sp_expr *e)
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
        return sp_add_word(m, sp_decimal_type(0), value);
    if (scale && scale <= 18 && sp_parse_decimal(plain, (unsigned)scale, &value) && !memchr(digits, 'e', n) &&
        !memchr(digits, 'E', n))
        return sp_in_range(m, e, sp_add_word(m, sp_decimal_type((unsigned)scale), value), value, value);
    if (sp_parse_f64(plain, &f) && isfinite(f))
        return sp_add_real(m, f);
    return sp_make_wrong(m, e, "is no number");
}

/* ---- calls ---- */

enum { CALLS_MAX = 128 };

static const sp_call *find_call(const sp_maker *m, const sp_expr *e)
{
    static const sp_call *const tables[] = {sp_number_calls, sp_truth_calls, sp_text_calls, sp_time_calls};
    const char *names[CALLS_MAX];
    size_t n = 0;
    for (size_t t = 0; t < SP_COUNT(tables); t++)
        for (const sp_call *c = tables[t]; c->name; c++) {
            if (sp_str_ieq(e->text, c->name))
                return c;
            SP_ASSERT(n < CALLS_MAX);
            names[n++] = c->name;
        }
    const char *near = sp_nearest(e->text, names, n);
    sp_mistake(m->b->mistakes, e->mark, e->text, "is no function of expressions%s%s%s", near ? "; did you mean \"" : "",
               near ? near : "", near ? "\"?" : "");
    return NULL;
}

static sp_step *make_step(sp_maker *m, const sp_expr *e);

static sp_step *call_step(sp_maker *m, const sp_expr *e)
{
    const sp_call *call = find_call(m, e);
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
static sp_step *make_step(sp_maker *m, const sp_expr *e)
{
    switch (e->kind) {
    case SP_EXPR_NUMBER: return number_step(m, e);
    case SP_EXPR_TEXT: return text(m, e->text);
    case SP_EXPR_BOOL: return sp_truth(sp_add_word(m, (sp_type){.kind = SP_BOOL}, sp_str_ieq(e->text, "true")));
    case SP_EXPR_NULL: return sp_add_null(m, (sp_type){.kind = SP_TEXT});
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
        if (!to)
            return SPATE_E_NOMEM;
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

static bool is_fixed(const sp_step *s)
{
    if (s->is_constant)
        return !s->is_null;
    return (s->run == sp_run_scale_up || s->run == sp_run_negate) && is_fixed(s->args[0]);
}

/* Has the step no value twice, as far as can be seen: what differs, and what that is times, plus or minus a constant? */
static bool has_no_value_twice(const sp_step *s)
{
    const sp_step *a = s->n_args > 0 ? s->args[0] : NULL, *b = s->n_args > 1 ? s->args[1] : NULL;
    if (s->nullable)
        return false;
    if (s->run == sp_run_row)
        return true;
    if (s->cell)
        return s->field == SP_PLAN_NO_REF && s->column != SP_PLAN_NO_REF && s->cell->unique;
    if (s->run == sp_run_negate || s->run == sp_run_scale_up || s->run == sp_run_same || s->run == sp_run_midnight)
        return has_no_value_twice(a);
    const sp_step *varying = b && is_fixed(b) ? a : b, *constant = b && is_fixed(b) ? b : a;
    bool moved = s->run == sp_run_add || s->run == sp_run_subtract,
         stretched = s->run == sp_run_multiply && constant->is_constant && constant->word != 0;
    return (moved || stretched) && is_fixed(constant) && has_no_value_twice(varying);
}

/* A column as it is. */
typedef struct passed_cell {
    sp_cell cell;
    const sp_cell *inner;
} passed_cell;

static int passed_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const sp_cell *inner = ((const passed_cell *)cell)->inner;
    return inner->ops->fill(inner, rows, n, out, scratch);
}

static const sp_cell_ops passed_ops = {passed_fill, NULL};

static sp_cell *pass_on(const sp_build *b, const sp_cell *inner)
{
    passed_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = *inner;
    c->cell.ops = &passed_ops;
    c->cell.unique = false;
    c->inner = inner;
    return &c->cell;
}

sp_cell *sp_expr_cell(const sp_build *b, const sp_expr *e)
{
    sp_maker m = {.b = b};
    const sp_cell *column = e->kind == SP_EXPR_COLUMN ? column_cell(b, e) : NULL;
    if (column && is_passed_on(column))
        return pass_on(b, column);
    m.last = &m.first;
    expr_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    sp_step *result = c ? make_step(&m, e) : NULL;
    if (!result)
        return NULL;
    c->first = only_needed(m.first, result);
    c->result = result;
    c->cell =
        (sp_cell){.ops = &expr_ops, .key = b->key, .type = result->type, .depth = 1, .nullable = result->nullable};
    if (sp_step_is_exact(result)) {
        bool narrow = result->type.kind == SP_I64 && result->min >= INT32_MIN && result->max <= INT32_MAX;
        c->cell.type.kind = narrow ? SP_I32 : result->type.kind;
        c->cell.bounds = (sp_bounds){.has_range = true, .min = (int64_t)result->min, .max = (int64_t)result->max};
    }
    c->cell.unique = has_no_value_twice(result);
    c->cell.has_float_range = sp_step_is_float(result) && isfinite(result->min_f) && isfinite(result->max_f);
    c->cell.min_f = result->min_f;
    c->cell.max_f = result->max_f;
    c->cell.text_max = sp_step_is_text(result) ? SP_MAX(result->text_max, 1u) : sp_kind_text_max(c->cell.type.kind);
    c->cell.bounds.text_max = sp_step_is_text(result) ? c->cell.text_max : 0;
    take_needs(c);
    return &c->cell;
}
