/* cast.c - a cell of the type that the plan asks for, out of a cell of another type. What cannot be converted, or would not fit,
 * is a mistake in the plan and never an error at some row. */
#include "gen/build.h"

#include <float.h>

typedef struct cast_cell {
    sp_cell cell;
    const sp_cell *inner;
    uint32_t temp;
    sp_lattice lattice; /* of values that differ, where different ones of the inner cell may become equal */
} cast_cell;

/* The cells of rows into the cast's temporary column. NULL: no memory. */
static const sp_column *fill_inner(const cast_cell *c, const uint64_t *rows, uint32_t n, sp_gen_scratch *scratch)
{
    sp_column *temp = sp_scratch_temp(scratch, c->temp);
    if (!temp)
        return NULL;
    temp->validity = NULL;
    return c->inner->ops->fill(c->inner, rows, n, temp, scratch) == SPATE_OK ? temp : NULL;
}

static const sp_column *apart_inner(const cast_cell *c, const sp_apart *a, sp_gen_scratch *scratch)
{
    sp_column *temp = sp_scratch_temp(scratch, c->temp);
    if (!temp)
        return NULL;
    temp->validity = NULL;
    return c->inner->ops->apart(c->inner, a, temp, scratch) == SPATE_OK ? temp : NULL;
}

static void copy_nulls(const sp_column *from, sp_column *to, uint32_t n)
{
    if (from->validity)
        memcpy(sp_column_validity(to, n), from->validity, (n + 7) / 8);
}

/* ---- to text ---- */

static char *put_one(char *p, const sp_column *from, uint32_t i)
{
    uint8_t truth;
    if (from->type.kind != SP_BOOL)
        return sp_put_value(p, from->type, (const char *)from->data + (size_t)i * sp_kind_width(from->type.kind));
    truth = sp_bit(from->data, i);
    return sp_put_value(p, from->type, &truth);
}

static int write_text(const sp_cell *cell, const sp_column *temp, uint32_t n, sp_column *out)
{
    if (!temp || sp_column_reserve_bytes(out, (size_t)n * cell->text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    copy_nulls(temp, out, n);
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        p = put_one(p, temp, i);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    return SPATE_OK;
}

static int text_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    return write_text(cell, fill_inner((const cast_cell *)cell, rows, n, scratch), n, out);
}

static int text_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    return write_text(cell, apart_inner((const cast_cell *)cell, a, scratch), a->n, out);
}

static const sp_cell_ops to_text_ops = {text_fill, NULL};
static const sp_cell_ops to_text_apart_ops = {text_fill, NULL, text_apart};

/* One kind of text as another: they are kept alike. */
static int same_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const sp_cell *inner = ((const cast_cell *)cell)->inner;
    return inner->ops->fill(inner, rows, n, out, scratch);
}

static int same_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    const sp_cell *inner = ((const cast_cell *)cell)->inner;
    return inner->ops->apart(inner, a, out, scratch);
}

static const sp_cell_ops same_ops = {same_fill, NULL};
static const sp_cell_ops same_apart_ops = {same_fill, NULL, same_apart};

/* ---- between fixed-width types: by way of int64, or of double when one side has a fraction ---- */

static bool is_float(sp_kind k)
{
    return k == SP_F32 || k == SP_F64;
}

static bool is_time(sp_kind k)
{
    return k == SP_DATE || k == SP_TIMESTAMP || k == SP_TIMESTAMPTZ;
}

static int64_t load_int(const sp_column *c, uint32_t i)
{
    switch (c->type.kind) {
    case SP_BOOL: return sp_bit(c->data, i);
    case SP_I16: return ((const int16_t *)c->data)[i];
    case SP_I32:
    case SP_DATE: return ((const int32_t *)c->data)[i];
    default: return ((const int64_t *)c->data)[i];
    }
}

static void store_int(sp_column *c, uint32_t i, int64_t v)
{
    switch (c->type.kind) {
    case SP_I16: ((int16_t *)c->data)[i] = (int16_t)v; break;
    case SP_I32:
    case SP_DATE: ((int32_t *)c->data)[i] = (int32_t)v; break;
    default: ((int64_t *)c->data)[i] = v;
    }
}

static double load_double(const sp_column *c, uint32_t i)
{
    switch (c->type.kind) {
    case SP_F32: return (double)((const float *)c->data)[i];
    case SP_F64: return ((const double *)c->data)[i];
    case SP_U64: return (double)((const uint64_t *)c->data)[i];
    case SP_DECIMAL: return (double)load_int(c, i) / (double)sp_pow10[c->type.scale];
    default: return (double)load_int(c, i);
    }
}

static int64_t round_half_away(double v)
{
    double limit = 9.2e18;
    v = v > limit ? limit : v < -limit ? -limit : v;
    return (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
}

static void store_double(sp_column *c, uint32_t i, double v)
{
    switch (c->type.kind) {
    case SP_F32: ((float *)c->data)[i] = (float)v; break;
    case SP_F64: ((double *)c->data)[i] = v; break;
    case SP_DECIMAL: store_int(c, i, round_half_away(v * (double)sp_pow10[c->type.scale])); break;
    default: store_int(c, i, round_half_away(v));
    }
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t convert_time(int64_t v, sp_kind from, sp_kind to)
{
    if (from == to || (from != SP_DATE && to != SP_DATE))
        return v;
    return to == SP_DATE ? floor_div(v, SP_US_PER_DAY) : v * SP_US_PER_DAY;
}

/* Decimal to decimal, or integer to decimal, exactly; digits that the new scale has no room for are rounded away from zero. */
static int64_t rescale(int64_t v, unsigned from, unsigned to)
{
    if (to >= from)
        return v * (int64_t)sp_pow10[to - from];
    int64_t unit = (int64_t)sp_pow10[from - to];
    return (v + (v < 0 ? -unit / 2 : unit / 2)) / unit;
}

static bool is_exact(sp_kind k)
{
    return sp_kind_is_signed(k) || k == SP_BOOL || k == SP_DECIMAL;
}

static void convert(const sp_column *from, sp_column *to, uint32_t i)
{
    sp_kind a = from->type.kind, b = to->type.kind;
    if (is_time(a))
        store_int(to, i, convert_time(load_int(from, i), a, b));
    else if (is_exact(a) && is_exact(b))
        store_int(to, i, rescale(load_int(from, i), from->type.scale, to->type.scale));
    else
        store_double(to, i, load_double(from, i));
}

static int write_fixed(const sp_column *temp, uint32_t n, sp_column *out)
{
    if (!temp)
        return SPATE_E_NOMEM;
    copy_nulls(temp, out, n);
    for (uint32_t i = 0; i < n; i++)
        convert(temp, out, i);
    return SPATE_OK;
}

static int fixed_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    return write_fixed(fill_inner((const cast_cell *)cell, rows, n, scratch), n, out);
}

static int fixed_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    return write_fixed(apart_inner((const cast_cell *)cell, a, scratch), a->n, out);
}

/* What may become equal is not converted: the values are those of the new type that lie between the inner cell's. */
static int between_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    const sp_lattice *l = &((const cast_cell *)cell)->lattice;
    for (uint32_t i = 0; i < a->n; i++) {
        sp_lot lot = sp_lot_of(cell, a, i);
        uint64_t at = sp_lot_even(&lot, l->n);
        if (is_float(cell->type.kind))
            store_double(out, i, l->min + (double)at * l->step);
        else
            store_int(out, i, (int64_t)((uint64_t)cell->first + at));
    }
    return SPATE_OK;
}

static const sp_cell_ops fixed_ops = {fixed_fill, NULL};
static const sp_cell_ops fixed_apart_ops = {fixed_fill, NULL, fixed_apart};
static const sp_cell_ops between_ops = {fixed_fill, NULL, between_apart};

static bool convertible(sp_kind from, sp_kind to)
{
    if (is_time(from))
        return is_time(to);
    bool from_number =
        sp_kind_is_signed(from) || is_float(from) || from == SP_DECIMAL || from == SP_U64 || from == SP_BOOL;
    bool to_number = sp_kind_is_signed(to) || is_float(to) || to == SP_DECIMAL;
    return from_number && to_number;
}

/* Is the text of these cells JSON as it stands? */
static bool is_json_text(const sp_cell *cell)
{
    sp_kind k = cell->type.kind;
    return is_exact(k) || k == SP_U64 || k == SP_JSON || (is_float(k) && cell->has_float_range);
}

static bool same_type(const sp_type *a, const sp_type *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == SP_DECIMAL)
        return a->precision == b->precision && a->scale == b->scale;
    return a->kind != SP_LIST || same_type(a->item, b->item);
}

/* ---- what is known to fit ---- */

typedef struct exact_range { /* in units of the type's last digit */
    __int128 min, max;
} exact_range;

static exact_range type_range(const sp_type *type)
{
    int64_t all_nines = (int64_t)sp_pow10[type->precision] - 1;
    switch (type->kind) {
    case SP_BOOL: return (exact_range){0, 1};
    case SP_I16: return (exact_range){INT16_MIN, INT16_MAX};
    case SP_I32: return (exact_range){INT32_MIN, INT32_MAX};
    case SP_U64: return (exact_range){0, UINT64_MAX};
    case SP_DECIMAL: return (exact_range){-all_nines, all_nines};
    default: return (exact_range){INT64_MIN, INT64_MAX};
    }
}

static exact_range cell_range(const sp_cell *cell)
{
    return cell->bounds.has_range ? (exact_range){cell->bounds.min, cell->bounds.max} : type_range(&cell->type);
}

static __int128 rescale_bound(__int128 v, unsigned from, unsigned to)
{
    if (to >= from)
        return v * (__int128)sp_pow10[to - from];
    __int128 unit = (__int128)sp_pow10[from - to];
    return (v + (v < 0 ? -unit / 2 : unit / 2)) / unit;
}

static bool is_small(double v, double limit)
{
    return v >= -limit && v <= limit; /* false for what is no number */
}

static bool to_float_range(const sp_cell *from, sp_cell *to)
{
    to->has_float_range = true;
    if (!is_float(from->type.kind)) {
        exact_range r = cell_range(from);
        to->min_f = (double)r.min / (double)sp_pow10[from->type.scale];
        to->max_f = (double)r.max / (double)sp_pow10[from->type.scale];
    } else {
        to->has_float_range = from->has_float_range;
    }
    if (to->type.kind == SP_F64)
        return true;
    if (!to->has_float_range || !is_small(to->min_f, FLT_MAX) || !is_small(to->max_f, FLT_MAX))
        return false;
    to->min_f = (double)(float)to->min_f;
    to->max_f = (double)(float)to->max_f;
    return true;
}

/* Converting never changes the order of two values, so what becomes of the bounds bounds what becomes of the cells. */
static bool to_exact_range(const sp_cell *from, sp_cell *to)
{
    exact_range limit = type_range(&to->type), r = cell_range(from);
    if (is_float(from->type.kind)) {
        double unit = (double)sp_pow10[to->type.scale], min = from->min_f * unit, max = from->max_f * unit;
        if (!from->has_float_range || !is_small(min, 9.2e18) || !is_small(max, 9.2e18))
            return false;
        r = (exact_range){round_half_away(min), round_half_away(max)};
    } else {
        r.min = rescale_bound(r.min, from->type.scale, to->type.scale);
        r.max = rescale_bound(r.max, from->type.scale, to->type.scale);
    }
    if (r.min < limit.min || r.max > limit.max)
        return false;
    to->has_float_range = false;
    to->bounds = (sp_bounds){.has_range = true, .min = (int64_t)r.min, .max = (int64_t)r.max};
    return true;
}

/* Do all cells of from fit the type of to? Only what is known beforehand to fit is let through. Sets what is known of to. */
static bool fits(const sp_cell *from, sp_cell *to)
{
    to->bounds = (sp_bounds){0};
    if (is_time(from->type.kind))
        return true;
    return is_float(to->type.kind) ? to_float_range(from, to) : to_exact_range(from, to);
}

static void put_bounds(const sp_cell *cell, char *min, char *max)
{
    if (is_float(cell->type.kind)) {
        *sp_put_f64(min, cell->min_f) = '\0';
        *sp_put_f64(max, cell->max_f) = '\0';
    } else if (cell->type.kind == SP_U64) {
        *sp_put_u64(min, 0) = '\0';
        *sp_put_u64(max, UINT64_MAX) = '\0';
    } else {
        exact_range r = cell_range(cell);
        *sp_put_decimal(min, (int64_t)r.min, cell->type.scale) = '\0';
        *sp_put_decimal(max, (int64_t)r.max, cell->type.scale) = '\0';
    }
}

static void note_too_small(const sp_build *b, const sp_cell *from)
{
    char min[64 + SP_SLACK], max[64 + SP_SLACK];
    const sp_plan_column *col = b->column;
    put_bounds(from, min, max);
    if (is_float(from->type.kind) && !from->has_float_range)
        sp_mistake(b->mistakes, col->type_mark, sp_str_of(col->sql_type),
                   "may be too small: it is not known how large the values are");
    else
        sp_mistake(b->mistakes, col->type_mark, sp_str_of(col->sql_type), "is too small for values between %s and %s",
                   min, max);
}

/* A conversion that gives different values for different values. */
static bool keeps_apart(const sp_cell *from, const sp_type *to)
{
    if (is_time(from->type.kind))
        return to->kind != SP_DATE;
    if (is_float(from->type.kind))
        return from->type.kind == SP_F32 && to->kind == SP_F64;
    if (is_float(to->kind) && sp_kind_is_signed(from->type.kind)) {
        double whole = to->kind == SP_F64 ? 0x1p53 : 0x1p24; /* all integers up to it are floats */
        exact_range r = cell_range(from);
        return is_small((double)r.min, whole - 1) && is_small((double)r.max, whole - 1);
    }
    return is_exact(from->type.kind) && is_exact(to->kind) && to->scale >= from->type.scale;
}

/* The whole numbers, in units of the new type, that the dense inner cell's values become. */
static void between_whole(cast_cell *c)
{
    const sp_cell *from = c->inner;
    sp_cell *to = &c->cell;
    if (is_time(from->type.kind)) {
        to->first = convert_time(from->first, from->type.kind, to->type.kind);
        to->last = convert_time(from->last, from->type.kind, to->type.kind);
    } else { /* fits() has found them */
        to->first = to->bounds.min;
        to->last = to->bounds.max;
    }
    uint64_t others = (uint64_t)to->last - (uint64_t)to->first;
    c->lattice.n = others == UINT64_MAX ? others : others + 1;
}

/* Floating point numbers between the inner cell's, not closer together than its own. */
static void between_floats(cast_cell *c)
{
    const sp_cell *from = c->inner;
    bool whole = !is_float(from->type.kind);
    double unit = whole ? (double)sp_pow10[from->type.scale] : 1,
           min = whole ? (double)from->first / unit : from->min_f;
    double max = whole ? ((double)from->last + 1) / unit : from->max_f;
    c->lattice =
        sp_lattice_of(min, max, c->cell.type.kind == SP_F32 ? FLT_MANT_DIG : DBL_MANT_DIG, whole ? 1 / unit : 0);
}

/* What is known of how many different values the cells have. */
static void count_values(cast_cell *c)
{
    const sp_cell *from = c->inner;
    bool text = sp_kind_is_text(c->cell.type.kind);
    c->cell.dense = false;
    if (sp_cell_domain(from) && (text || keeps_apart(from, &c->cell.type))) {
        c->cell.ops = !text ? &fixed_apart_ops : c->cell.ops == &same_ops ? &same_apart_ops : &to_text_apart_ops;
        return;
    }
    if (text || !from->dense)
        return;
    c->cell.ops = &between_ops;
    if (is_float(c->cell.type.kind))
        between_floats(c);
    else
        between_whole(c);
    c->cell.domain = c->lattice.n;
}

static sp_cell *new_cast(const sp_build *b, sp_cell *inner, const sp_type *to)
{
    cast_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->inner = inner;
    c->cell = *inner;
    c->cell.type = *to;
    bool to_text = sp_kind_is_text(to->kind);
    bool same = to_text && sp_kind_is_text(inner->type.kind);
    int temp = same ? 0 : sp_build_temp(b, inner->type, false);
    if (temp < 0)
        return NULL;
    c->temp = (uint32_t)temp;
    if (to_text) {
        c->cell.ops = same ? &same_ops : &to_text_ops;
        c->cell.text_max = SP_MAX(inner->text_max, 1u);
        c->cell.bounds = (sp_bounds){.text_max = c->cell.text_max};
        count_values(c);
        return &c->cell;
    }
    c->cell.ops = &fixed_ops;
    c->cell.text_max = sp_kind_text_max(to->kind);
    if (!fits(inner, &c->cell)) {
        note_too_small(b, inner);
        return NULL;
    }
    c->cell.unique = inner->unique && keeps_apart(inner, to);
    count_values(c);
    return &c->cell;
}

sp_cell *sp_cast_cell(const sp_build *b, sp_cell *inner, const sp_type *to)
{
    if (same_type(&inner->type, to) || (to->other && inner->type.kind != SP_LIST))
        return inner; /* what the target reads from text may as well come as what it is: a number for a long numeric */
    bool to_text = sp_kind_is_text(to->kind) && inner->type.kind != SP_LIST && inner->type.kind != SP_BYTES;
    if (!to_text && !convertible(inner->type.kind, to->kind)) {
        sp_mistake(b->mistakes, b->column->type_mark, sp_str_of(b->column->sql_type), "cannot be made from %s cells",
                   sp_kind_name(inner->type.kind));
        return NULL;
    }
    if (to->kind == SP_JSON && !is_json_text(inner)) {
        sp_mistake(b->mistakes, b->column->type_mark, sp_str_of(b->column->sql_type),
                   "needs cells that are JSON: numbers, truth values, or a value or set of JSON texts");
        return NULL;
    }
    return new_cast(b, inner, to);
}
