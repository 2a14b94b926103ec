/* eval.c - the steps of expressions: each makes one column out of others, in one loop. Those that make texts are in eval_text.c.
 *
 * A value under a null may be anything, so no step may fail on one: words wrap around, a division by zero is a null. That the
 * words of present values do not wrap is known beforehand, from their ranges (expr.c). Rows are in the inner loop and what a step
 * does is decided outside of it. */
#include "gen/eval.h"

#include "gen/maths.h"

bool sp_step_is_text(const sp_step *s)
{
    return sp_kind_is_text(s->type.kind);
}

bool sp_step_is_float(const sp_step *s)
{
    return s->type.kind == SP_F64;
}

/* ---- leaves ---- */

int sp_run_load(const sp_step *s, const sp_rows *r, sp_column *out)
{
    sp_type own = out->type; /* of any kind that is as wide: other steps have it too */
    out->type = s->cell->type;
    int rc = s->cell->ops->fill(s->cell, r->rows, r->n, out, r->scratch);
    out->type = own;
    return rc;
}

#define WIDEN(from, to) \
    for (uint32_t i = 0; i < r->n; i++) \
    ((to *)out->data)[i] = (to)((const from *)aux->data)[i]

static int widen_to_text(const sp_column *aux, const sp_rows *r, sp_column *out)
{
    uint32_t width = sp_kind_width(aux->type.kind), most = sp_kind_text_max(aux->type.kind);
    if (sp_column_reserve_bytes(out, (size_t)r->n * most) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        p = sp_put_value(p, aux->type, (const char *)aux->data + (size_t)i * width);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    return SPATE_OK;
}

int sp_run_load_wide(const sp_step *s, const sp_rows *r, sp_column *out)
{
    sp_column *aux = sp_scratch_temp(r->scratch, s->aux);
    if (!aux)
        return SPATE_E_NOMEM;
    aux->validity = NULL;
    if (s->cell->ops->fill(s->cell, r->rows, r->n, aux, r->scratch) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (aux->validity)
        memcpy(sp_column_validity(out, r->n), aux->validity, (r->n + 7) / 8);
    switch (aux->type.kind) {
    case SP_BOOL:
        for (uint32_t i = 0; i < r->n; i++)
            ((int64_t *)out->data)[i] = sp_bit(aux->data, i);
        break;
    case SP_I16: WIDEN(int16_t, int64_t); break;
    case SP_I32:
    case SP_DATE: WIDEN(int32_t, int64_t); break;
    case SP_F32: WIDEN(float, double); break;
    case SP_INTERVAL:
        for (uint32_t i = 0; i < r->n; i++) {
            sp_interval v = ((const sp_interval *)aux->data)[i];
            ((int64_t *)out->data)[i] = (v.months * INT64_C(30) + v.days) * SP_US_PER_DAY + v.us;
        }
        break;
    default: return widen_to_text(aux, r, out);
    }
    return SPATE_OK;
}

static int constant_text(const sp_step *s, const sp_rows *r, sp_column *out)
{
    if (sp_column_reserve_bytes(out, r->n * s->text.len) != SPATE_OK)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i <= r->n; i++)
        out->offsets[i] = (int32_t)(i * s->text.len);
    for (uint32_t i = 0; i < r->n; i++)
        memcpy(out->bytes + out->offsets[i], s->text.p, s->text.len);
    return SPATE_OK;
}

int sp_run_constant(const sp_step *s, const sp_rows *r, sp_column *out)
{
    if (s->is_null)
        memset(sp_column_validity(out, r->n), 0, (r->n + 7) / 8);
    if (sp_step_is_text(s))
        return constant_text(s, r, out);
    for (uint32_t i = 0; i < r->n && sp_step_is_float(s); i++)
        ((double *)out->data)[i] = s->real;
    for (uint32_t i = 0; i < r->n && !sp_step_is_float(s); i++)
        ((int64_t *)out->data)[i] = s->word;
    return SPATE_OK;
}

int sp_run_row(const sp_step *s, const sp_rows *r, sp_column *out)
{
    for (uint32_t i = 0; i < r->n; i++)
        ((int64_t *)out->data)[i] = (int64_t)r->rows[i] + 1;
    return SPATE_OK;
}

int sp_run_nth(const sp_step *s, const sp_rows *r, sp_column *out)
{
    uint64_t *parents = sp_scratch_push(r->scratch);
    int rc = sp_parents_many(s->parents, r->rows, r->n, parents, out->data, r->scratch);
    for (uint32_t i = 0; rc == SPATE_OK && i < r->n; i++)
        ((uint64_t *)out->data)[i]++;
    sp_scratch_pop(r->scratch);
    return rc;
}

int sp_run_random_word(const sp_step *s, const sp_rows *r, sp_column *out)
{
    uint64_t span = (uint64_t)(s->max - s->min) + 1;
    sp_draw_many(s->key, r->rows, r->n, span, out->data);
    for (uint32_t i = 0; i < r->n; i++)
        ((uint64_t *)out->data)[i] += (uint64_t)s->min;
    return SPATE_OK;
}

int sp_run_random_real(const sp_step *s, const sp_rows *r, sp_column *out)
{
    for (uint32_t i = 0; i < r->n; i++)
        ((double *)out->data)[i] = sp_unit(sp_draw(s->key, r->rows[i]));
    return SPATE_OK;
}

/* ---- words and doubles ---- */

#define UNARY(name, from, to, value) \
    int name(const sp_step *s, const sp_rows *r, sp_column *out) \
    { \
        const from *a = sp_step_arg(s, r, 0)->data; \
        to *v = out->data; \
        sp_join_nulls(s, r, out); \
        for (uint32_t i = 0; i < r->n; i++) \
            v[i] = (to)(value); \
        return SPATE_OK; \
    }
#define BINARY(name, type, value) \
    int name(const sp_step *s, const sp_rows *r, sp_column *out) \
    { \
        const type *a = sp_step_arg(s, r, 0)->data, *b = sp_step_arg(s, r, 1)->data; \
        type *v = out->data; \
        sp_join_nulls(s, r, out); \
        for (uint32_t i = 0; i < r->n; i++) \
            v[i] = (value); \
        return SPATE_OK; \
    }

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t scale_down(int64_t v, int64_t unit)
{
    return (v < 0 ? v - unit / 2 : v + unit / 2) / unit;
}

/* The nearest whole number, halves away from zero. What no word can hold becomes the nearest one that can. */
static int64_t nearest(double v)
{
    double limit = 9.2e18;
    if (!(v == v))
        return 0;
    v = v > limit ? limit : v < -limit ? -limit : v;
    return (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
}

static double floor_of(double v)
{
    if (!(v > -0x1p52 && v < 0x1p52))
        return v;
    double whole = (double)(int64_t)v;
    return whole > v ? whole - 1 : whole;
}

BINARY(sp_run_add, uint64_t, a[i] + b[i])
BINARY(sp_run_subtract, uint64_t, a[i] - b[i])
BINARY(sp_run_multiply, uint64_t, a[i] * b[i])
UNARY(sp_run_scale_up, uint64_t, uint64_t, a[i] * (uint64_t)s->word)
UNARY(sp_run_scale_down, int64_t, int64_t, scale_down(a[i], s->word))
UNARY(sp_run_floor_to, int64_t, int64_t, floor_div(a[i], s->word))
UNARY(sp_run_ceil_to, int64_t, int64_t, floor_div(a[i], s->word) + (a[i] % s->word != 0))
UNARY(sp_run_abs, int64_t, int64_t, a[i] < 0 ? -(uint64_t)a[i] : (uint64_t)a[i])
UNARY(sp_run_sign, int64_t, int64_t, (a[i] > 0) - (a[i] < 0))
UNARY(sp_run_negate, uint64_t, uint64_t, -a[i])
UNARY(sp_run_same, int64_t, int64_t, a[i])
UNARY(sp_run_real, int64_t, double, (double)a[i] / s->real)
BINARY(sp_run_real_add, double, a[i] + b[i])
BINARY(sp_run_real_subtract, double, a[i] - b[i])
BINARY(sp_run_real_multiply, double, a[i] * b[i])
UNARY(sp_run_real_abs, double, double, a[i] < 0 ? -a[i] : a[i])
UNARY(sp_run_real_negate, double, double, -a[i])
UNARY(sp_run_real_round, double, int64_t, nearest(a[i] * s->real))
UNARY(sp_run_real_floor, double, int64_t, nearest(floor_of(a[i])))
UNARY(sp_run_real_ceil, double, int64_t, nearest(-floor_of(-a[i])))
UNARY(sp_run_real_exp, double, double, sp_exp(a[i] < 709 ? a[i] : 709))

/* Where a result does not exist there is a null. */
#define NULL_WHERE(condition, otherwise) \
    for (uint32_t i = 0; i < r->n; i++) { \
        bool none = (condition); \
        v[i] = none ? 0 : (otherwise); \
        if (SP_UNLIKELY(none)) \
            sp_set_null(out, r, i); \
    }

int sp_run_modulo(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const int64_t *a = sp_step_arg(s, r, 0)->data, *b = sp_step_arg(s, r, 1)->data;
    int64_t *v = out->data;
    sp_join_nulls(s, r, out);
    NULL_WHERE(b[i] == 0, b[i] == -1 ? 0 : a[i] % b[i] + ((a[i] % b[i] != 0 && (a[i] ^ b[i]) < 0) ? b[i] : 0))
    return SPATE_OK;
}

int sp_run_real_divide(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const double *a = sp_step_arg(s, r, 0)->data, *b = sp_step_arg(s, r, 1)->data;
    double *v = out->data;
    sp_join_nulls(s, r, out);
    NULL_WHERE(b[i] == 0, a[i] / b[i])
    return SPATE_OK;
}

int sp_run_real_sqrt(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const double *a = sp_step_arg(s, r, 0)->data;
    double *v = out->data;
    sp_join_nulls(s, r, out);
    NULL_WHERE(!(a[i] >= 0), __builtin_sqrt(a[i]))
    return SPATE_OK;
}

int sp_run_real_log(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const double *a = sp_step_arg(s, r, 0)->data;
    double *v = out->data;
    sp_join_nulls(s, r, out);
    NULL_WHERE(!(a[i] >= 0x1p-1022), sp_log(a[i]))
    return SPATE_OK;
}

/* By squaring for whole exponents, which is exact as long as products are. */
static double power(double x, double y)
{
    if (y == floor_of(y) && y >= 0 && y <= 64) {
        double result = 1;
        for (unsigned n = (unsigned)y; n; n >>= 1, x *= x)
            result = n & 1 ? result * x : result;
        return result;
    }
    double e = sp_log(x) * y;
    return sp_exp(e < 709 ? e : 709);
}

int sp_run_real_power(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const double *a = sp_step_arg(s, r, 0)->data, *b = sp_step_arg(s, r, 1)->data;
    double *v = out->data;
    sp_join_nulls(s, r, out);
    NULL_WHERE(!(a[i] >= 0x1p-1022) && !(b[i] == floor_of(b[i]) && b[i] >= 0 && b[i] <= 64), power(a[i], b[i]))
    return SPATE_OK;
}

/* ---- truth ---- */

static int compare_texts(sp_str a, sp_str b)
{
    int c = memcmp(a.p, b.p, SP_MIN(a.len, b.len));
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

#define COMPARE(sign) \
    do { \
        const sp_column *x = sp_step_arg(s, r, 0), *y = sp_step_arg(s, r, 1); \
        int64_t *v = out->data; \
        sp_join_nulls(s, r, out); \
        if (sp_step_is_text(s->args[0])) { \
            for (uint32_t i = 0; i < r->n; i++) \
                v[i] = compare_texts(sp_column_str(x, i), sp_column_str(y, i)) sign 0; \
        } else if (sp_step_is_float(s->args[0])) { \
            for (uint32_t i = 0; i < r->n; i++) \
                v[i] = ((const double *)x->data)[i] sign((const double *)y->data)[i]; \
        } else { \
            for (uint32_t i = 0; i < r->n; i++) \
                v[i] = ((const int64_t *)x->data)[i] sign((const int64_t *)y->data)[i]; \
        } \
    } while (0)

int sp_run_equal(const sp_step *s, const sp_rows *r, sp_column *out)
{
    COMPARE(==);
    return SPATE_OK;
}

int sp_run_less(const sp_step *s, const sp_rows *r, sp_column *out)
{
    COMPARE(<);
    return SPATE_OK;
}

/* Of three values, as SQL has them: false and null is false, true or null is true. deciding: the value that decides alone. */
static void junction(const sp_step *s, const sp_rows *r, sp_column *out, int64_t deciding)
{
    const sp_column *x = sp_step_arg(s, r, 0), *y = sp_step_arg(s, r, 1);
    const int64_t *a = x->data, *b = y->data;
    int64_t *v = out->data;
    for (uint32_t i = 0; i < r->n; i++)
        v[i] = deciding ? a[i] | b[i] : a[i] & b[i];
    if (!x->validity && !y->validity)
        return;
    for (uint32_t i = 0; i < r->n; i++) {
        bool no_a = sp_column_null(x, i), no_b = sp_column_null(y, i);
        bool decided = (!no_a && a[i] == deciding) || (!no_b && b[i] == deciding);
        if (decided)
            v[i] = deciding;
        else if (no_a || no_b)
            sp_set_null(out, r, i);
    }
}

int sp_run_and(const sp_step *s, const sp_rows *r, sp_column *out)
{
    junction(s, r, out, 0);
    return SPATE_OK;
}

int sp_run_or(const sp_step *s, const sp_rows *r, sp_column *out)
{
    junction(s, r, out, 1);
    return SPATE_OK;
}

UNARY(sp_run_not, int64_t, int64_t, !a[i])

int sp_run_is_null(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const sp_column *x = sp_step_arg(s, r, 0);
    for (uint32_t i = 0; i < r->n; i++)
        ((int64_t *)out->data)[i] = sp_column_null(x, i);
    return SPATE_OK;
}

/* % stands for any characters, _ for one. Where a % took too few, it takes one more. */
static bool is_like(sp_str s, sp_str pattern)
{
    size_t i = 0, k = 0, star = SIZE_MAX, from = 0;
    while (i < s.len) {
        if (k < pattern.len && pattern.p[k] == '%') {
            star = k++;
            from = i;
        } else if (k < pattern.len && (pattern.p[k] == '_' || pattern.p[k] == s.p[i])) {
            bool any = pattern.p[k++] == '_';
            for (i++; any && i < s.len && (s.p[i] & 0xc0) == 0x80;)
                i++;
        } else if (star != SIZE_MAX) {
            k = star + 1;
            i = ++from;
        } else {
            return false;
        }
    }
    while (k < pattern.len && pattern.p[k] == '%')
        k++;
    return k == pattern.len;
}

static bool contains(sp_str s, sp_str part)
{
    return part.len == 0 || memmem(s.p, s.len, part.p, part.len);
}

static bool starts(sp_str s, sp_str part)
{
    return s.len >= part.len && memcmp(s.p, part.p, part.len) == 0;
}

#define OF_TEXTS(name, call) \
    int name(const sp_step *s, const sp_rows *r, sp_column *out) \
    { \
        const sp_column *a = sp_step_arg(s, r, 0), *b = sp_step_arg(s, r, 1); \
        sp_join_nulls(s, r, out); \
        for (uint32_t i = 0; i < r->n; i++) \
            ((int64_t *)out->data)[i] = call(sp_column_str(a, i), sp_column_str(b, i)); \
        return SPATE_OK; \
    }
OF_TEXTS(sp_run_like, is_like)
OF_TEXTS(sp_run_starts, starts)
OF_TEXTS(sp_run_contains, contains)

/* ---- choices: one of several columns for each row ---- */

/* Which argument row i is taken from, or n_args: none, a null. */
typedef uint32_t choose_fn(const sp_step *s, const sp_rows *r, uint32_t i);

static void take_words(const sp_step *s, const sp_rows *r, sp_column *out, const uint64_t *choice)
{
    for (uint32_t i = 0; i < r->n; i++)
        ((uint64_t *)out->data)[i] =
            choice[i] < s->n_args ? ((const uint64_t *)sp_step_arg(s, r, (uint32_t)choice[i])->data)[i] : 0;
}

static int take_texts(const sp_step *s, const sp_rows *r, sp_column *out, const uint64_t *choice)
{
    if (sp_column_reserve_bytes(out, (size_t)r->n * s->text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        if (choice[i] < s->n_args) {
            sp_str v = sp_column_str(sp_step_arg(s, r, (uint32_t)choice[i]), i);
            memcpy(p, v.p, v.len);
            p += v.len;
        }
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    return SPATE_OK;
}

static int take(const sp_step *s, const sp_rows *r, sp_column *out, choose_fn *choose)
{
    uint64_t *choice = sp_scratch_push(r->scratch);
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < r->n; i++) {
        choice[i] = choose(s, r, i);
        if (choice[i] == s->n_args || sp_column_null(sp_step_arg(s, r, (uint32_t)choice[i]), i))
            sp_set_null(out, r, i);
    }
    if (sp_step_is_text(s))
        rc = take_texts(s, r, out, choice);
    else
        take_words(s, r, out, choice);
    sp_scratch_pop(r->scratch);
    return rc;
}

static uint32_t choose_if(const sp_step *s, const sp_rows *r, uint32_t i)
{
    const sp_column *c = sp_step_arg(s, r, 0);
    return ((const int64_t *)c->data)[i] && !sp_column_null(c, i) ? 1 : 2;
}

/* The whole loop for the commonest choice. */
static void if_words(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const int64_t *c = sp_step_arg(s, r, 0)->data;
    const uint64_t *a = sp_step_arg(s, r, 1)->data, *b = sp_step_arg(s, r, 2)->data;
    for (uint32_t i = 0; i < r->n; i++)
        ((uint64_t *)out->data)[i] = c[i] ? a[i] : b[i];
}

int sp_run_if(const sp_step *s, const sp_rows *r, sp_column *out)
{
    bool nulls = sp_step_arg(s, r, 0)->validity || sp_step_arg(s, r, 1)->validity || sp_step_arg(s, r, 2)->validity;
    if (nulls || sp_step_is_text(s))
        return take(s, r, out, choose_if);
    if_words(s, r, out);
    return SPATE_OK;
}

static uint32_t choose_present(const sp_step *s, const sp_rows *r, uint32_t i)
{
    uint32_t a = 0;
    while (a < s->n_args && sp_column_null(sp_step_arg(s, r, a), i))
        a++;
    return a;
}

int sp_run_coalesce(const sp_step *s, const sp_rows *r, sp_column *out)
{
    return take(s, r, out, choose_present);
}

static int compare(const sp_step *s, const sp_rows *r, uint32_t x, uint32_t y, uint32_t i)
{
    const sp_column *a = sp_step_arg(s, r, x), *b = sp_step_arg(s, r, y);
    if (sp_step_is_text(s->args[x]))
        return compare_texts(sp_column_str(a, i), sp_column_str(b, i));
    if (sp_step_is_float(s->args[x])) {
        double p = ((const double *)a->data)[i], q = ((const double *)b->data)[i];
        return (p > q) - (p < q);
    }
    int64_t p = ((const int64_t *)a->data)[i], q = ((const int64_t *)b->data)[i];
    return (p > q) - (p < q);
}

static uint32_t choose_unequal(const sp_step *s, const sp_rows *r, uint32_t i)
{
    bool null = sp_column_null(sp_step_arg(s, r, 0), i),
         same = !sp_column_null(sp_step_arg(s, r, 1), i) && compare(s, r, 0, 1, i) == 0;
    return null || same ? s->n_args : 0;
}

int sp_run_null_if(const sp_step *s, const sp_rows *r, sp_column *out)
{
    return take(s, r, out, choose_unequal);
}

/* The least of those that are there; word -1: the greatest. */
static uint32_t choose_least(const sp_step *s, const sp_rows *r, uint32_t i)
{
    uint32_t best = s->n_args;
    for (uint32_t a = 0; a < s->n_args; a++)
        if (!sp_column_null(sp_step_arg(s, r, a), i) && (best == s->n_args || compare(s, r, a, best, i) * s->word < 0))
            best = a;
    return best;
}

int sp_run_least(const sp_step *s, const sp_rows *r, sp_column *out)
{
    return take(s, r, out, choose_least);
}

/* ---- times ---- */

UNARY(sp_run_days, int64_t, int64_t, floor_div(a[i], SP_US_PER_DAY))
UNARY(sp_run_midnight, int64_t, int64_t, (uint64_t)a[i] * (uint64_t)SP_US_PER_DAY)

static int64_t part_of(int64_t us, int64_t part)
{
    sp_civil c;
    sp_civil_from_us(us, &c);
    switch (part) {
    case SP_PART_YEAR: return c.year;
    case SP_PART_MONTH: return c.month;
    case SP_PART_DAY: return c.day;
    case SP_PART_HOUR: return c.hour;
    case SP_PART_MINUTE: return c.minute;
    case SP_PART_SECOND: return c.second;
    default: return (floor_div(us, SP_US_PER_DAY) % 7 + 10) % 7 + 1; /* 1970-01-01 was a Thursday, which is 4 */
    }
}

UNARY(sp_run_part, int64_t, int64_t, part_of(a[i], s->word))

/* The same day so many months later, or the month's last. */
static int64_t later(int64_t us, int64_t months)
{
    int64_t day = floor_div(us, SP_US_PER_DAY);
    int32_t year;
    unsigned month, d;
    sp_civil_from_days((int32_t)day, &year, &month, &d);
    int64_t count = (int64_t)year * 12 + (int64_t)month - 1 + months;
    int32_t y = (int32_t)floor_div(count, 12);
    unsigned m = (unsigned)(count - (int64_t)y * 12) + 1;
    int32_t first = sp_days_from_civil(y, m, 1),
            next = m == 12 ? sp_days_from_civil(y + 1, 1, 1) : sp_days_from_civil(y, m + 1, 1);
    int64_t at = SP_MIN((int64_t)first + d - 1, (int64_t)next - 1);
    return at * SP_US_PER_DAY + (us - day * SP_US_PER_DAY);
}

int sp_run_add_months(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const int64_t *from = sp_step_arg(s, r, 0)->data, *by = sp_step_arg(s, r, 1)->data;
    sp_join_nulls(s, r, out);
    for (uint32_t i = 0; i < r->n; i++) {
        int64_t months = by[i];
        months =
            SP_MIN(SP_MAX(months, INT64_C(-120000)), INT64_C(120000)); /* what stands under a null may be anything */
        ((int64_t *)out->data)[i] = later(from[i], months);
    }
    return SPATE_OK;
}
