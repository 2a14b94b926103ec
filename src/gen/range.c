/* range.c - numbers, times, strings, bytes and points between two bounds. min included, max not; min = max is that value. */
#include "gen/build.h"

#include "gen/maths.h"

#include <float.h>

/* ---- numbers: min + a choice of [0, max - min), stored in the width of the kind ---- */

typedef struct number_cell {
    sp_cell cell;
    sp_pick pick;
    int64_t min;
    int64_t unit;            /* what a choice of 1 is worth */
    const sp_layout *layout; /* timestamps shown in a layout of their own */
} number_cell;

static inline int64_t number_of(const number_cell *c, uint64_t choice)
{
    return (int64_t)((uint64_t)c->min + choice * (uint64_t)c->unit);
}

/* Loops that the compiler can make wide: nothing written can change what they read. */
#define NUMBERS(type) \
    do { \
        type *restrict v = out->data; \
        for (uint32_t i = 0; i < n && unit == 1; i++) \
            v[i] = (type)(min + choice[i]); \
        for (uint32_t i = 0; i < n && unit != 1; i++) \
            v[i] = (type)(min + choice[i] * unit); \
    } while (0)

static int64_t number_one(const number_cell *c, uint64_t row)
{
    return number_of(c, sp_pick_one(&c->pick, row));
}

static void write_numbers(const number_cell *c, const uint64_t *restrict choice, uint32_t n, sp_column *out)
{
    const uint64_t min = (uint64_t)c->min, unit = (uint64_t)c->unit;
    switch (sp_kind_width(c->cell.type.kind)) {
    case 2: NUMBERS(int16_t); break;
    case 4: NUMBERS(int32_t); break;
    default: NUMBERS(int64_t);
    }
}

static int number_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const number_cell *c = (const number_cell *)cell;
    uint64_t *choice = sp_scratch_push(scratch);
    sp_pick_many(&c->pick, rows, n, choice);
    write_numbers(c, choice, n, out);
    sp_scratch_pop(scratch);
    return SPATE_OK;
}

static int number_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    const number_cell *c = (const number_cell *)cell;
    uint32_t n = a->n;
    uint64_t *restrict choice = sp_scratch_push(scratch);
    for (uint32_t i = 0; i < n; i++) {
        sp_lot lot = sp_lot_of(cell, a, i);
        choice[i] = sp_lot_even(&lot, cell->domain);
    }
    write_numbers(c, choice, n, out);
    sp_scratch_pop(scratch);
    return SPATE_OK;
}

static char *number_text(const sp_cell *cell, uint64_t row, char *p)
{
    const number_cell *c = (const number_cell *)cell;
    int64_t v = number_one(c, row);
    switch (cell->type.kind) {
    case SP_DECIMAL: return sp_put_decimal(p, v, cell->type.scale);
    case SP_DATE: return sp_put_date(p, (int32_t)v);
    case SP_TIME: return sp_put_time(p, v);
    case SP_TIMESTAMP: return sp_put_timestamp(p, v);
    case SP_TIMESTAMPTZ: return sp_put_timestamptz(p, v);
    case SP_TEXT: return sp_layout_put(c->layout, v, p);
    default: return sp_put_i64(p, v);
    }
}

static const sp_cell_ops number_ops = {number_fill, number_text, number_apart};
static const sp_cell_ops layout_ops = {sp_cell_fill_text, number_text};

/* A cell over [min, max) in steps of unit. */
static number_cell *new_number(const sp_build *b, sp_type type, int64_t min, int64_t max, int64_t unit)
{
    number_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    uint64_t n = max > min ? ((uint64_t)max - (uint64_t)min + (uint64_t)unit - 1) / (uint64_t)unit : 1;
    double per_value =
        b->column->range == SP_RANGE_TIMESTAMP && type.kind == SP_DATE ? (double)SP_US_PER_DAY : 1; /* as in the plan */
    sp_domain domain = {.n = n, .min = (double)min * per_value, .unit = (double)unit * per_value};
    if (!c || !sp_build_pick(b, domain, &c->pick))
        return NULL;
    c->cell =
        (sp_cell){.ops = &number_ops, .key = b->key, .type = type, .text_max = sp_kind_text_max(type.kind), .depth = 1};
    c->cell.unique = b->column->unique || (b->column->sorted && n >= b->table->rows);
    c->cell.bounds = (sp_bounds){.has_range = true, .min = min, .max = max > min ? max - 1 : min};
    c->cell.domain = n;
    c->cell.dense = true;
    c->cell.first = min;
    c->cell.last = (int64_t)((uint64_t)min + (n - 1) * (uint64_t)unit);
    c->min = min;
    c->unit = unit;
    return c;
}

static const struct int_width {
    sp_kind kind;
    int64_t min, max;
} widths[] = {
    {SP_I16, INT16_MIN, INT16_MAX},
    {SP_I32, INT32_MIN, INT32_MAX},
    {SP_I64, INT64_MIN, INT64_MAX},
};

/* The width asked for, or the narrowest of integer and bigint that holds the range. */
static sp_kind int_kind(const sp_build *b)
{
    const sp_plan_column *col = b->column;
    int64_t last = col->max_i > col->min_i ? col->max_i - 1 : col->min_i;
    for (size_t i = 0; i < SP_COUNT(widths); i++) {
        bool holds = col->min_i >= widths[i].min && last <= widths[i].max;
        if (col->type ? col->type->kind == widths[i].kind && holds : i > 0 && holds)
            return widths[i].kind;
    }
    return SP_I64; /* sp_cast_cell says what does not fit */
}

static sp_cell *int_cell(const sp_build *b)
{
    number_cell *c = new_number(b, (sp_type){.kind = int_kind(b)}, b->column->min_i, b->column->max_i, 1);
    return c ? &c->cell : NULL;
}

static sp_cell *decimal_cell(const sp_build *b)
{
    uint8_t precision = 18;
    const sp_type *asked = b->column->type;
    if (asked && asked->kind == SP_DECIMAL && asked->scale == b->column->scale)
        precision = asked->precision;
    sp_type type = {.kind = SP_DECIMAL, .precision = precision, .scale = b->column->scale};
    number_cell *c = new_number(b, type, b->column->min_i, b->column->max_i, 1);
    return c ? &c->cell : NULL;
}

/* How far apart moments are that the layout tells apart: a second, a minute, an hour or a day. */
static int64_t layout_unit(sp_arena *arena, sp_str text)
{
    static const int64_t units[] = {86400 * SP_US_PER_SECOND, 3600 * SP_US_PER_SECOND, 60 * SP_US_PER_SECOND};
    const sp_layout *layout = sp_layout_new(arena, text);
    size_t most = layout ? sp_layout_text_max(layout) + SP_SLACK : 0;
    char *first = sp_arena_alloc(arena, most + 1, 1), *last = sp_arena_alloc(arena, most + 1, 1);
    for (size_t i = 0; layout && first && last && i < SP_COUNT(units); i++) {
        size_t n = (size_t)(sp_layout_put(layout, 0, first) - first),
               m = (size_t)(sp_layout_put(layout, units[i] - 1, last) - last);
        if (n == m && memcmp(first, last, n) == 0)
            return units[i];
    }
    return SP_US_PER_SECOND;
}

static int64_t floor_to(int64_t v, int64_t unit)
{
    return v - (v % unit + unit) % unit;
}

/* Whole seconds, as dgs draws them; days where the layout or the type says that only the day counts. A type goes before the layout, of
 * which, where it would make texts, then counts what it leaves out. */
static sp_cell *timestamp_cell(const sp_build *b)
{
    const sp_plan_column *col = b->column;
    sp_type type = {.kind = sp_layout_kind(col->format)};
    int64_t unit = SP_US_PER_SECOND, min = col->min_i, max = col->max_i;
    if (col->type && col->type->kind >= SP_DATE && col->type->kind <= SP_TIMESTAMPTZ) {
        unit = type.kind == SP_TEXT ? layout_unit(b->arena, col->format) : unit;
        type.kind = col->type->kind;
        min = unit > SP_US_PER_SECOND ? floor_to(min, unit) : min;
    }
    if (type.kind == SP_DATE) {
        unit = 1;
        min = min / SP_US_PER_DAY - (min % SP_US_PER_DAY < 0);
        max = max / SP_US_PER_DAY - (max % SP_US_PER_DAY < 0);
    } else if (type.kind == SP_TIME) { /* a whole day or more covers every time of day */
        bool all = max - min >= SP_US_PER_DAY;
        min = all ? 0 : (min % SP_US_PER_DAY + SP_US_PER_DAY) % SP_US_PER_DAY;
        max = all ? SP_US_PER_DAY : SP_MIN(min + (col->max_i - col->min_i), SP_US_PER_DAY);
    }
    number_cell *c = new_number(b, type, min, max, unit);
    if (!c)
        return NULL;
    c->cell.bounds.has_range = false;
    if (type.kind == SP_TEXT) {
        c->layout = sp_layout_new(b->arena, col->format);
        if (!c->layout)
            return NULL;
        c->cell.ops = &layout_ops;
        c->cell.unique = false; /* a layout may leave out what differs */
        c->cell.text_max = c->cell.bounds.text_max = sp_layout_text_max(c->layout);
    }
    return &c->cell;
}

/* ---- float ---- */

typedef struct float_cell {
    sp_cell cell;
    double min, span;
    uint64_t rows;               /* sorted: the number of strata; else 0 */
    const sp_quantile *quantile; /* NULL: uniform */
    sp_lattice lattice;
} float_cell;

static inline double float_one(const float_cell *c, uint64_t row)
{
    double u = sp_unit(sp_draw(c->cell.key, row));
    if (c->rows)
        u = ((double)row + u) / (double)c->rows;
    double v = c->min + u * c->span;
    return v;
}

static int float_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const float_cell *c = (const float_cell *)cell;
    double *v = out->data;
    for (uint32_t i = 0; i < n && !c->quantile; i++)
        v[i] = float_one(c, rows[i]);
    if (!c->quantile)
        return SPATE_OK;
    uint64_t *places = sp_scratch_push(scratch);
    sp_places(cell->key, c->rows, rows, n, places);
    sp_quantile_many(c->quantile, places, n, v);
    for (uint32_t i = 0; i < n; i++)
        v[i] += c->min;
    sp_scratch_pop(scratch);
    return SPATE_OK;
}

static char *float_text(const sp_cell *cell, uint64_t row, char *p)
{
    const float_cell *c = (const float_cell *)cell;
    uint64_t place;
    if (!c->quantile)
        return sp_put_f64(p, float_one(c, row));
    sp_places(cell->key, c->rows, &row, 1, &place);
    return sp_put_f64(p, c->min + sp_quantile_at(c->quantile, place));
}

static int float_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    const sp_lattice *l = &((const float_cell *)cell)->lattice;
    double *v = out->data;
    for (uint32_t i = 0; i < a->n; i++) {
        sp_lot lot = sp_lot_of(cell, a, i);
        v[i] = l->min + (double)sp_lot_even(&lot, l->n) * l->step;
    }
    return SPATE_OK;
}

static const sp_cell_ops float_ops = {float_fill, float_text, float_apart};

static sp_cell *new_float(const sp_build *b)
{
    float_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell =
        (sp_cell){.ops = &float_ops, .key = b->key, .type = {.kind = SP_F64}, .text_max = SP_F64_TEXT_MAX, .depth = 1};
    c->min = b->column->min_f;
    bool spread = b->column->distribution.spread != SP_SPREAD_UNIFORM && b->column->max_f > c->min;
    if (spread && !(c->quantile = sp_build_quantile(b, c->min, b->column->max_f)))
        return NULL;
    c->span = b->column->max_f - b->column->min_f;
    c->rows = b->column->sorted ? b->table->rows : 0;
    c->lattice = sp_lattice_of(c->min, b->column->max_f, DBL_MANT_DIG, 0);
    c->cell.domain = c->lattice.n;
    c->cell.has_float_range = c->cell.dense = true;
    c->cell.min_f = c->min;
    c->cell.max_f = SP_MAX(b->column->max_f, c->min + c->span);
    return &c->cell;
}

/* ---- interval ---- */

typedef struct interval_cell {
    sp_cell cell;
    sp_pick pick;
    int64_t min_ns;
    int64_t unit_ns; /* what a choice of 1 is worth */
} interval_cell;

static inline sp_interval interval_one(const interval_cell *c, uint64_t row)
{
    int64_t ns = (int64_t)((uint64_t)c->min_ns + sp_pick_one(&c->pick, row) * (uint64_t)c->unit_ns);
    return (sp_interval){.us = ns / 1000};
}

static int interval_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const interval_cell *c = (const interval_cell *)cell;
    sp_interval *v = out->data;
    for (uint32_t i = 0; i < n; i++)
        v[i] = interval_one(c, rows[i]);
    return SPATE_OK;
}

static char *interval_text(const sp_cell *cell, uint64_t row, char *p)
{
    return sp_put_interval(p, interval_one((const interval_cell *)cell, row));
}

static const sp_cell_ops interval_ops = {interval_fill, interval_text};

static sp_cell *new_interval(const sp_build *b)
{
    interval_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    bool unique = b->column->unique; /* then whole microseconds are drawn: what is left of a nanosecond */
    int64_t unit = unique ? 1000 : 1, min = b->column->min_i;
    uint64_t n = ((uint64_t)b->column->max_i - (uint64_t)min) / (uint64_t)unit;
    sp_domain domain = {.n = n ? n : 1, .min = (double)min, .unit = (double)unit};
    if (!c || !sp_build_pick(b, domain, &c->pick))
        return NULL;
    c->cell =
        (sp_cell){.ops = &interval_ops, .key = b->key, .type = {.kind = SP_INTERVAL}, .text_max = SP_INTERVAL_TEXT_MAX};
    c->cell.unique = unique;
    c->min_ns = unique && n ? min + (1000 - min % 1000) % 1000 : min;
    c->unit_ns = unit;
    return &c->cell;
}

/* ---- strings and bytes of a length in [min, max) ---- */

typedef struct string_cell {
    sp_cell cell;
    uint64_t len_min;
    sp_pick length; /* above len_min; uniform ones are the beginning of the cell's own draw */
    sp_word_room room;
} string_cell;

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
enum { LETTERS = sizeof(alphabet) - 1, LETTERS_A_DRAW = 8 /* 62^8 < 2^48 */ };

static char *put_letters(char *p, const char *end, uint64_t z)
{
    while (p < end) {
        z = sp_draw_next(z);
        uint64_t rest = z;
        for (unsigned i = 0; i < LETTERS_A_DRAW && p < end; i++)
            *p++ = alphabet[sp_take(&rest, LETTERS)];
    }
    return p;
}

static char *string_text(const sp_cell *cell, uint64_t row, char *p)
{
    const string_cell *c = (const string_cell *)cell;
    return put_letters(p, p + c->len_min + sp_pick_one(&c->length, row), sp_draw(cell->key, row));
}

/* The first letters keep the values apart; those behind them are drawn as ever. */
static char *string_apart_one(const sp_cell *cell, sp_lot *lot, char *p)
{
    const char *end = p + sp_lot_length(lot, &((const string_cell *)cell)->room);
    while (p < end && lot->of > 1)
        *p++ = alphabet[sp_lot_even(lot, LETTERS)];
    return put_letters(p, end, lot->z);
}

static int string_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    return sp_cell_apart_text(cell, a, out, string_apart_one);
}

static char *put_bytes(char *p, char *end, uint64_t z)
{
    for (; p < end; p += 8) {
        z = sp_draw_next(z);
        memcpy(p, &z, 8); /* up to 7 bytes too many: SP_SLACK allows it */
    }
    return end;
}

static char *bytes_raw(const sp_cell *cell, uint64_t row, char *p)
{
    const string_cell *c = (const string_cell *)cell;
    return put_bytes(p, p + c->len_min + sp_pick_one(&c->length, row), sp_draw(cell->key, row));
}

static char *bytes_apart_one(const sp_cell *cell, sp_lot *lot, char *p)
{
    char *end = p + sp_lot_length(lot, &((const string_cell *)cell)->room);
    while (p < end && lot->of > 1)
        *p++ = (char)(uint8_t)sp_lot_even(lot, 256);
    return put_bytes(p, end, lot->z);
}

static int bytes_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    return sp_cell_apart_text(cell, a, out, bytes_apart_one);
}

static int bytes_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    if (sp_column_reserve_bytes(out, (size_t)n * cell->text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        p = bytes_raw(cell, rows[i], p);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    return SPATE_OK;
}

/* As text, bytes are hex behind \x: made at the far end of the cell's room, then spelt out from the front. */
static char *bytes_text(const sp_cell *cell, uint64_t row, char *p)
{
    char *raw = p + cell->text_max / 2;
    char *end = bytes_raw(cell, row, raw);
    size_t len = (size_t)(end - raw);
    *p++ = '\\';
    *p++ = 'x';
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)raw[i];
        *p++ = digits[byte >> 4];
        *p++ = digits[byte & 15];
    }
    return p;
}

static const sp_cell_ops string_ops = {sp_cell_fill_text, string_text, string_apart};
static const sp_cell_ops bytes_ops = {bytes_fill, bytes_text, bytes_apart};

static sp_cell *new_string(const sp_build *b, bool bytes)
{
    string_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    const sp_plan_column *col = b->column;
    c->len_min = (uint64_t)col->min_i;
    uint64_t lengths = col->max_i > col->min_i ? (uint64_t)(col->max_i - col->min_i) : 1;
    uint64_t len_max = c->len_min + lengths - 1;
    if (!sp_build_length(b, lengths, &c->length))
        return NULL;
    if (len_max > SP_CELL_TEXT_MAX / 2) {
        sp_mistake(b->mistakes, col->mode_mark, sp_str_of(bytes ? "bytes" : "string"),
                   "lengths above %d are not supported", SP_CELL_TEXT_MAX / 2);
        return NULL;
    }
    c->cell =
        (sp_cell){.ops = bytes ? &bytes_ops : &string_ops, .key = b->key, .type = {.kind = bytes ? SP_BYTES : SP_TEXT}};
    c->cell.text_max = bytes ? (uint32_t)len_max * 2 + 2 + 8 : (uint32_t)len_max;
    c->cell.bounds = (sp_bounds){.text_max = (uint32_t)SP_MAX(len_max, (uint64_t)1),
                                 .care = !bytes && c->len_min > 0 ? SP_CARE_NOTHING : SP_CARE_ESCAPES};
    c->cell.domain = sp_word_room_of(&c->room, bytes ? 256 : LETTERS, c->len_min, lengths);
    return &c->cell;
}

/* ---- points around a centre ---- */

typedef struct point_cell {
    sp_cell cell;
    double sin_lat, cos_lat, lon;
    double angle_max; /* distance over the earth's radius */
} point_cell;

enum { POINT_TEXT_MAX = 48 };
#define EARTH_RADIUS_KM 6371.0088
#define DEGREES         57.295779513082321

/* POINT(lon lat), six decimals (11 cm), at an angle from the centre and in a direction, both in radians. It lies so
 * far up the earth's axis, and so far out from it and east, of the meridian of the centre. */
static char *put_point(const point_cell *c, double angle, double bearing, char *p)
{
    double sin_a = sp_sin(angle), cos_a = sp_cos(angle);
    double cos_b = sp_cos(bearing), east = sp_sin(bearing) * sin_a;
    double out = c->cos_lat * cos_a - c->sin_lat * sin_a * cos_b;
    double up = c->sin_lat * cos_a + c->cos_lat * sin_a * cos_b;
    double lat = sp_atan2(up, __builtin_sqrt(out * out + east * east)) * DEGREES;
    double lon = c->lon + sp_atan2(east, out) * DEGREES;
    lon = lon >= 180 ? lon - 360 : lon < -180 ? lon + 360 : lon;
    memcpy(p, "POINT(", 6);
    p = sp_put_decimal(p + 6, (int64_t)(lon * 1e6), 6);
    *p++ = ' ';
    p = sp_put_decimal(p, (int64_t)(lat * 1e6), 6);
    *p++ = ')';
    return p;
}

/* The bearing is uniform, and so is the distance, as dgs has it. */
static char *point_text(const sp_cell *cell, uint64_t row, char *p)
{
    const point_cell *c = (const point_cell *)cell;
    uint64_t z = sp_draw(cell->key, row);
    return put_point(c, sp_unit(z) * c->angle_max, sp_unit(sp_draw_next(z)) * (360 / DEGREES), p);
}

/* Points that differ lie on rings, half a metre from one to the next and from one point of a ring to the next. So
 * they have the same density everywhere, and the decimals tell them apart. Ring i has the points from ring_start(i)
 * to that of the next. */
#define RING_GAP (0.0005 / EARTH_RADIUS_KM)

static uint64_t ring_start(double ring)
{
    double half = sp_sin(ring * RING_GAP / 2);
    return (uint64_t)(4 * (180 / DEGREES) / (RING_GAP * RING_GAP) * half * half);
}

static uint64_t rings_of(const point_cell *c)
{
    return SP_MAX((uint64_t)(c->angle_max / RING_GAP), (uint64_t)1);
}

static char *point_apart_one(const sp_cell *cell, sp_lot *lot, char *p)
{
    const point_cell *c = (const point_cell *)cell;
    uint64_t point = sp_lot_even(lot, cell->domain), low = 0, high = rings_of(c);
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (ring_start((double)middle) <= point)
            low = middle;
        else
            high = middle;
    }
    uint64_t first = ring_start((double)low), end = ring_start((double)low + 1);
    double share = (double)(point - first) / (double)(end - first);
    return put_point(c, SP_MIN(((double)low + 0.5) * RING_GAP, c->angle_max), share * (360 / DEGREES), p);
}

static int point_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    return sp_cell_apart_text(cell, a, out, point_apart_one);
}

static const sp_cell_ops point_ops = {sp_cell_fill_text, point_text, point_apart};

static sp_cell *new_point(const sp_build *b)
{
    point_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = (sp_cell){.ops = &point_ops, .key = b->key, .type = {.kind = SP_TEXT}, .text_max = POINT_TEXT_MAX};
    c->cell.bounds.text_max = POINT_TEXT_MAX;
    c->sin_lat = sp_sin(b->column->lat / DEGREES);
    c->cos_lat = sp_cos(b->column->lat / DEGREES);
    c->lon = b->column->lon;
    c->angle_max = b->column->distance_km / EARTH_RADIUS_KM;
    c->cell.domain = c->angle_max < RING_GAP ? 1 : ring_start((double)rings_of(c));
    return &c->cell;
}

sp_cell *sp_range_cell(const sp_build *b)
{
    switch (b->column->range) {
    case SP_RANGE_INT: return int_cell(b);
    case SP_RANGE_FLOAT: return new_float(b);
    case SP_RANGE_DECIMAL: return decimal_cell(b);
    case SP_RANGE_STRING: return new_string(b, false);
    case SP_RANGE_BYTES: return new_string(b, true);
    case SP_RANGE_TIMESTAMP: return timestamp_cell(b);
    case SP_RANGE_INTERVAL: return new_interval(b);
    case SP_RANGE_POINT: return new_point(b);
    }
    return NULL;
}
