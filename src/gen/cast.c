/* cast.c - a cell of the type that the plan asks for, out of a cell of another type. What cannot be converted, or would not fit,
 * is a mistake in the plan and never an error at some row. */
#include "gen/build.h"

typedef struct cast_cell {
    sp_cell cell;
    const sp_cell *inner;
    uint32_t temp;
} cast_cell;

/* ---- to text: the cell's own text ---- */

static char *text_text(const sp_cell *cell, uint64_t row, char *p)
{
    const cast_cell *c = (const cast_cell *)cell;
    return c->inner->ops->text(c->inner, row, p);
}

static const sp_cell_ops to_text_ops = {sp_cell_fill_text, text_text};

/* ---- between fixed-width types: by way of int64, or of double when one side has a fraction ---- */

static bool is_int(sp_kind k)
{
    return k == SP_I16 || k == SP_I32 || k == SP_I64;
}

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
    return is_int(k) || k == SP_BOOL || k == SP_DECIMAL;
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

static int fixed_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const cast_cell *c = (const cast_cell *)cell;
    sp_column *temp = sp_scratch_temp(scratch, c->temp);
    temp->validity = NULL;
    int rc = c->inner->ops->fill(c->inner, rows, n, temp, scratch);
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++)
        convert(temp, out, i);
    return rc;
}

/* Not on any hot path: casts of parts of a template do not exist, and references to cast columns fill. */
static char *fixed_text(const sp_cell *cell, uint64_t row, char *p)
{
    const cast_cell *c = (const cast_cell *)cell;
    char text[SP_INTERVAL_TEXT_MAX + SP_SLACK];
    char *end = c->inner->ops->text(c->inner, row, text);
    uint64_t from_bytes[2], to_bytes[2] = {0};
    sp_column from = {.type = c->inner->type, .data = from_bytes}, to = {.type = cell->type, .data = to_bytes};
    if (!sp_parse_value((sp_str){text, (size_t)(end - text)}, from.type, from_bytes))
        return p;
    convert(&from, &to, 0);
    return sp_put_value(p, to.type, to_bytes);
}

static const sp_cell_ops fixed_ops = {fixed_fill, fixed_text};

static bool convertible(sp_kind from, sp_kind to)
{
    if (is_time(from))
        return is_time(to);
    bool from_number = is_int(from) || is_float(from) || from == SP_DECIMAL || from == SP_U64 || from == SP_BOOL;
    bool to_number = is_int(to) || is_float(to) || to == SP_DECIMAL;
    return from_number && to_number;
}

static bool same_type(const sp_type *a, const sp_type *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == SP_DECIMAL)
        return a->precision == b->precision && a->scale == b->scale;
    return a->kind != SP_LIST || same_type(a->item, b->item);
}

/* Do all cells fit the type? Only what is known beforehand to fit is let through. */
static bool fits(const sp_build *b, const sp_cell *inner, const sp_type *to)
{
    const sp_plan_column *col = b->column;
    int64_t min = to->kind == SP_I16 ? INT16_MIN : to->kind == SP_I32 ? INT32_MIN : INT64_MIN;
    int64_t max = to->kind == SP_I16 ? INT16_MAX : to->kind == SP_I32 ? INT32_MAX : INT64_MAX;
    if (to->kind == SP_DECIMAL && (is_int(inner->type.kind) || inner->type.kind == SP_DECIMAL)) {
        /* whole digits of the source against those of the target */
        max = (int64_t)sp_pow10[to->precision - to->scale] - 1;
        min = -max;
    } else if (!is_int(to->kind)) {
        return true;
    }
    int64_t unit = inner->type.kind == SP_DECIMAL ? (int64_t)sp_pow10[inner->type.scale] : 1;
    if (!inner->bounds.has_range && (is_int(inner->type.kind) || inner->type.kind == SP_U64))
        return true;
    if (!inner->bounds.has_range || (inner->bounds.min / unit >= min && inner->bounds.max / unit <= max))
        return true;
    sp_mistake(b->mistakes, col->type_mark, sp_str_of(col->sql_type), "too small for values between %lld and %lld",
               (long long)(inner->bounds.min / unit), (long long)(inner->bounds.max / unit));
    return false;
}

static sp_cell *new_cast(const sp_build *b, sp_cell *inner, const sp_type *to)
{
    cast_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->inner = inner;
    c->cell = *inner;
    c->cell.type = *to;
    if (sp_kind_is_text(to->kind)) {
        c->cell.ops = &to_text_ops;
        c->cell.bounds = (sp_bounds){.text_max = SP_MAX(inner->text_max, 1u)};
        return &c->cell;
    }
    c->cell.ops = &fixed_ops;
    c->cell.text_max = sp_kind_text_max(to->kind);
    c->cell.unique = inner->unique && is_int(inner->type.kind) && is_exact(to->kind);
    if (!is_int(to->kind))
        c->cell.bounds = (sp_bounds){0};
    int temp = sp_build_temp(b, inner->type);
    c->temp = (uint32_t)temp;
    return temp < 0 ? NULL : &c->cell;
}

sp_cell *sp_cast_cell(const sp_build *b, sp_cell *inner, const sp_type *to)
{
    if (same_type(&inner->type, to))
        return inner;
    bool to_text = sp_kind_is_text(to->kind) && inner->type.kind != SP_LIST && inner->type.kind != SP_BYTES;
    if (!to_text && !convertible(inner->type.kind, to->kind)) {
        sp_mistake(b->mistakes, b->column->type_mark, sp_str_of(b->column->sql_type), "cannot be made from %s cells",
                   sp_kind_name(inner->type.kind));
        return NULL;
    }
    return fits(b, inner, to) ? new_cast(b, inner, to) : NULL;
}
