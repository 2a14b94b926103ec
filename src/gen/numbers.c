/* numbers.c - the catalogue's functions of numbers, moments and truth. Each is a choice among so many, so that all
 * of them know how many different values they have (domain.c). */
#include "gen/function.h"

/* ---- cells of a number ------------------------------------------------------------------------------------------ */

/* Integers, decimals and moments: min plus a number below span; span 0 means all 64 bits. */
typedef struct number_cell {
    sp_cell cell;
    int64_t min;
    uint64_t span;
} number_cell;

static inline int64_t number_at(const number_cell *c, uint64_t row)
{
    return (int64_t)((uint64_t)c->min + sp_bounded(sp_draw(c->cell.key, row), c->span));
}

/* Writes a value for each row; it may say i. */
#define FILL(ctype, n, value) \
    do { \
        ctype *v = out->data; \
        for (uint32_t i = 0; i < (n); i++) \
            v[i] = (ctype)(value); \
    } while (0)

/* One of so many choices, a different one for each number. */
static inline uint64_t chosen(const sp_cell *cell, const sp_apart *a, uint32_t i, uint64_t choices)
{
    sp_lot lot = sp_lot_of(cell, a, i);
    return sp_lot_even(&lot, choices);
}

static int number_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    const number_cell c = *(const number_cell *)cell;
    switch (cell->type.kind) {
    case SP_I16: FILL(int16_t, n, number_at(&c, rows[i])); break;
    case SP_I32: FILL(int32_t, n, number_at(&c, rows[i])); break;
    default: FILL(int64_t, n, number_at(&c, rows[i])); break;
    }
    return 0;
}

static int number_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    const number_cell *c = (const number_cell *)cell;
    uint64_t min = (uint64_t)c->min;
    switch (cell->type.kind) {
    case SP_I16: FILL(int16_t, a->n, min + chosen(cell, a, i, c->span)); break;
    case SP_I32: FILL(int32_t, a->n, min + chosen(cell, a, i, c->span)); break;
    default: FILL(int64_t, a->n, min + chosen(cell, a, i, c->span)); break;
    }
    return 0;
}

static char *number_text(const sp_cell *cell, uint64_t row, char *p)
{
    int64_t v = number_at((const number_cell *)cell, row);
    switch (cell->type.kind) {
    case SP_U64: return sp_put_u64(p, (uint64_t)v);
    case SP_DECIMAL: return sp_put_decimal(p, v, cell->type.scale);
    case SP_TIMESTAMPTZ: return sp_put_timestamptz(p, v);
    default: return sp_put_i64(p, v);
    }
}

static const sp_cell_ops number_ops = {number_fill, number_text, number_apart};

static uint32_t text_len(int64_t v)
{
    uint32_t n = v < 0 ? 2 : 1;
    for (; v > 9 || v < -9; v /= 10)
        n++;
    return n;
}

static sp_cell *new_number(const sp_func_env *env, uint64_t key, sp_type type, int64_t min, int64_t max)
{
    number_cell *c = sp_arena_alloc(env->arena, 1, sizeof *c);
    if (!c)
        return NULL;
    c->cell = (sp_cell){.ops = &number_ops, .key = key, .type = type};
    c->min = min;
    c->span = (uint64_t)max - (uint64_t)min + 1;
    c->cell.domain = c->span ? c->span : UINT64_MAX;
    c->cell.dense = type.kind != SP_U64;
    c->cell.first = min;
    c->cell.last = max;
    switch (type.kind) {
    case SP_DECIMAL:
        c->cell.text_max = SP_DECIMAL_TEXT_MAX;
        c->cell.bounds = (sp_bounds){.has_range = true, .min = min, .max = max};
        break;
    case SP_TIMESTAMPTZ: c->cell.text_max = SP_TIMESTAMP_TEXT_MAX; break;
    case SP_U64: c->cell.text_max = SP_I64_TEXT_MAX; break;
    default:
        c->cell.text_max = SP_MAX(text_len(min), text_len(max));
        c->cell.bounds = (sp_bounds){.has_range = true, .min = min, .max = max};
    }
    return &c->cell;
}

sp_cell *sp_make_number(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    return new_number(env, key, f->type, f->min, f->max);
}

/* All 64 bits of the draw, which is a bijection of the row. */
sp_cell *sp_make_uint64(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    sp_cell *cell = new_number(env, key, (sp_type){.kind = SP_U64}, 0, -1);
    if (cell)
        cell->unique = true;
    return cell;
}

sp_cell *sp_make_year(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return new_number(env, key, (sp_type){.kind = SP_I32}, 1900, sp_func_this_year(env));
}

sp_cell *sp_make_date(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    int64_t from = sp_days_from_civil(1900, 1, 1) * SP_US_PER_DAY;
    int64_t to = sp_days_from_civil(sp_func_this_year(env) + 1, 1, 1) * SP_US_PER_DAY;
    return new_number(env, key, (sp_type){.kind = SP_TIMESTAMPTZ}, from, to - 1);
}

/* 1 to 12 hours before now (argument -1) or after it (1). */
sp_cell *sp_make_near_date(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    const int64_t hour = 3600 * SP_US_PER_SECOND;
    int64_t a = env->now_us + f->min * hour, b = env->now_us + f->min * 12 * hour;
    return new_number(env, key, (sp_type){.kind = SP_TIMESTAMPTZ}, SP_MIN(a, b), SP_MAX(a, b));
}

/* One number of a table: HTTP status codes. */
typedef struct pick_cell {
    sp_cell cell;
    const int16_t *of;
    uint32_t n;
} pick_cell;

static inline int32_t pick_at(const pick_cell *c, uint64_t row)
{
    return c->of[sp_bounded(sp_draw(c->cell.key, row), c->n)];
}

static int pick_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    int32_t *v = out->data;
    for (uint32_t i = 0; i < n; i++)
        v[i] = pick_at((const pick_cell *)cell, rows[i]);
    return 0;
}

static int pick_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    const pick_cell *c = (const pick_cell *)cell;
    FILL(int32_t, a->n, c->of[chosen(cell, a, i, c->n)]);
    return 0;
}

static char *pick_text(const sp_cell *cell, uint64_t row, char *p)
{
    return sp_put_i64(p, pick_at((const pick_cell *)cell, row));
}

static const sp_cell_ops pick_ops = {pick_fill, pick_text, pick_apart};

sp_cell *sp_make_status(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    static const int16_t all[] = {100, 101, 200, 201, 202, 204, 206, 301, 302, 304, 307, 308, 400, 401,
                                  403, 404, 405, 409, 410, 415, 422, 429, 500, 501, 502, 503, 504};
    static const int16_t simple[] = {200, 301, 302, 400, 404, 500};
    pick_cell *c = sp_arena_alloc(env->arena, 1, sizeof *c);
    if (!c)
        return NULL;
    c->of = f->min ? simple : all;
    c->n = f->min ? SP_COUNT(simple) : SP_COUNT(all);
    c->cell = (sp_cell){.ops = &pick_ops,
                        .key = key,
                        .type = {.kind = SP_I32},
                        .text_max = 3,
                        .domain = c->n,
                        .bounds = {.has_range = true, .min = c->of[0], .max = c->of[c->n - 1]}};
    return &c->cell;
}

/* ---- cells without anything but a key --------------------------------------------------------------------------- */

static inline bool bool_at(const sp_cell *cell, uint64_t row)
{
    return sp_draw(cell->key, row) >> 63;
}

static int bool_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    uint8_t *bits = out->data;
    for (uint32_t i = 0; i < n; i += 8) {
        uint32_t some = SP_MIN(n - i, 8), byte = 0;
        for (uint32_t j = 0; j < some; j++)
            byte |= (uint32_t)bool_at(cell, rows[i + j]) << j;
        bits[i / 8] = (uint8_t)byte;
    }
    return 0;
}

static int bool_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    uint8_t *bits = out->data;
    memset(bits, 0, (a->n + 7) / 8);
    for (uint32_t i = 0; i < a->n; i++)
        bits[i / 8] |= (uint8_t)(chosen(cell, a, i, 2) << (i & 7));
    return 0;
}

static char *bool_text(const sp_cell *cell, uint64_t row, char *p)
{
    bool yes = bool_at(cell, row);
    memcpy(p, yes ? "true\0" : "false", 5);
    return p + (yes ? 4 : 5);
}

static const sp_cell_ops bool_ops = {bool_fill, bool_text, bool_apart};

sp_cell *sp_make_bool(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    sp_cell *cell = sp_func_new_cell(env, key, &bool_ops, SP_BOOL, 5);
    if (cell)
        cell->domain = 2;
    return cell;
}

static inline float float32_at(const sp_cell *cell, uint64_t row)
{
    return (float)(sp_draw(cell->key, row) >> 40) * 0x1p-24f;
}

static int float32_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    float *v = out->data;
    for (uint32_t i = 0; i < n; i++)
        v[i] = float32_at(cell, rows[i]);
    return 0;
}

static char *float32_text(const sp_cell *cell, uint64_t row, char *p)
{
    return sp_put_f32(p, float32_at(cell, row));
}

static int float64_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    double *v = out->data;
    for (uint32_t i = 0; i < n; i++)
        v[i] = sp_unit(sp_draw(cell->key, rows[i]));
    return 0;
}

static char *float64_text(const sp_cell *cell, uint64_t row, char *p)
{
    return sp_put_f64(p, sp_unit(sp_draw(cell->key, row)));
}

enum { FLOAT32_BITS = 24, FLOAT64_BITS = 53 };

static int float32_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    FILL(float, a->n, (float)chosen(cell, a, i, UINT64_C(1) << FLOAT32_BITS) * 0x1p-24f);
    return 0;
}

static int float64_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    FILL(double, a->n, (double)chosen(cell, a, i, UINT64_C(1) << FLOAT64_BITS) * 0x1p-53);
    return 0;
}

static const sp_cell_ops float32_ops = {float32_fill, float32_text, float32_apart};
static const sp_cell_ops float64_ops = {float64_fill, float64_text, float64_apart};

sp_cell *sp_make_float(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    sp_cell *cell =
        sp_func_new_cell(env, key, f->min == SP_F32 ? &float32_ops : &float64_ops, (sp_kind)f->min, SP_F64_TEXT_MAX);
    if (cell) {
        cell->has_float_range = cell->dense = true;
        cell->max_f = 1;
        cell->domain = UINT64_C(1) << (f->min == SP_F32 ? FLOAT32_BITS : FLOAT64_BITS);
    }
    return cell;
}

/* Quarters of an hour that some place has, or has had, as its distance from UTC. */
static const int8_t quarters[] = {-48, -44, -40, -38, -36, -32, -28, -24, -20, -18, -16, -14, -12, -8, -4, 0,  4, 8,
                                  12,  14,  16,  18,  20,  22,  23,  24,  26,  28,  32,  36,  38,  40, 44, 48, 52};

static inline float zone_offset_at(const sp_cell *cell, uint64_t row)
{
    return (float)quarters[sp_bounded(sp_draw(cell->key, row), SP_COUNT(quarters))] * 0.25f;
}

static int zone_offset_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out,
                            sp_gen_scratch *scratch)
{
    (void)scratch;
    float *v = out->data;
    for (uint32_t i = 0; i < n; i++)
        v[i] = zone_offset_at(cell, rows[i]);
    return 0;
}

static int zone_offset_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    FILL(float, a->n, (float)quarters[chosen(cell, a, i, SP_COUNT(quarters))] * 0.25f);
    return 0;
}

static char *zone_offset_text(const sp_cell *cell, uint64_t row, char *p)
{
    return sp_put_f32(p, zone_offset_at(cell, row));
}

static const sp_cell_ops zone_offset_ops = {zone_offset_fill, zone_offset_text, zone_offset_apart};

sp_cell *sp_make_zone_offset(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    sp_cell *cell = sp_func_new_cell(env, key, &zone_offset_ops, SP_F32, SP_F64_TEXT_MAX);
    if (cell) {
        cell->has_float_range = true;
        cell->domain = SP_COUNT(quarters);
        cell->min_f = -12;
        cell->max_f = 13;
    }
    return cell;
}
