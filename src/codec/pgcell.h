/* pgcell.h - one cell as a field of PostgreSQL's COPY BINARY: its length and its bytes, for every kind and every type it goes into.
 *
 * Written into room reserved for the worst case, so that no store is checked. Forms: the *recv functions in src/backend/utils/adt of
 * PostgreSQL. For pgbinary.c alone. */
#ifndef SP_CODEC_PGCELL_H
#define SP_CODEC_PGCELL_H

#include "codec/codec.h"

#include <math.h>

/* ---- stores ---------------------------------------------------------------------------------- */

static inline uint8_t *put16(uint8_t *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(p, &v, sizeof(v));
    return p + sizeof(v);
}

static inline uint8_t *put32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof(v));
    return p + sizeof(v);
}

static inline uint8_t *put64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof(v));
    return p + sizeof(v);
}

/* A field is its length and its bytes; these write both. */
static inline uint8_t *put_null(uint8_t *p)
{
    return put32(p, UINT32_MAX);
}

static inline uint8_t *put_field16(uint8_t *p, uint16_t v)
{
    return put16(put32(p, 2), v);
}

static inline uint8_t *put_field32(uint8_t *p, uint32_t v)
{
    return put64(p, UINT64_C(4) << 32 | v);
}

static inline uint8_t *put_field64(uint8_t *p, uint64_t v)
{
    return put64(put32(p, 8), v);
}

static inline uint8_t *put_float4(uint8_t *p, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof(bits));
    return put_field32(p, bits);
}

static inline uint8_t *put_float8(uint8_t *p, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    return put_field64(p, bits);
}

/* ---- one column while rows are written ------------------------------------------------------- */

typedef enum hot { HOT_NOT, HOT_BYTES, HOT_UUID, HOT_INSTANT } hot;
typedef struct cursor cursor;
typedef uint8_t *(*put_fn)(const cursor *c, uint32_t row, uint8_t *p);

struct cursor {
    put_fn put;
    const uint8_t *validity; /* NULL: every cell is present */
    const void *data;
    const int32_t *offsets;
    const char *bytes;
    const cursor *item; /* lists */
    uint32_t item_oid;
    uint8_t scale;
    hot hot;
};

#define CELL(type) (((const type *)c->data)[row])

/* Closes a field whose bytes were put at p + 4 and end at end. */
static inline uint8_t *close_field(uint8_t *p, void *end)
{
    put32(p, (uint32_t)((uint8_t *)end - p - 4));
    return end;
}

/* ---- numeric ------------------------------------------------------------------------------------
 * int16 count of base-10000 digits, weight of the first, sign, digits shown behind the point, then
 * the digits. */

enum {
    NUMERIC_ROOM = 4 + 8 + 2 * 6,
    NUMERIC_POSITIVE = 0x0000,
    NUMERIC_NEGATIVE = 0x4000,
    NUMERIC_NAN = 0xc000,
    NUMERIC_INFINITY = 0xd000,
    NUMERIC_MINUS_INFINITY = 0xf000,
};

static uint8_t *put_numeric_head(uint8_t *p, unsigned n, int weight, uint16_t sign, unsigned shown)
{
    p = put32(p, 8 + 2 * n);
    return put64(p, (uint64_t)n << 48 | (uint64_t)(uint16_t)weight << 32 | (uint64_t)sign << 16 | shown);
}

/* magnitude times 10^exponent. The exponent is split into one of 10000 and up to three zeros,
 * which go behind the last decimal digits without ever multiplying the whole magnitude: nothing
 * can overflow. */
static uint8_t *put_numeric(uint8_t *p, uint16_t sign, uint64_t magnitude, int exponent, unsigned shown)
{
    uint16_t digits[6]; /* least significant first */
    unsigned n = 0, zeros = (unsigned)exponent & 3;
    int weight = (exponent - (int)zeros) / 4;
    if (zeros) {
        uint64_t step = sp_pow10[4 - zeros];
        digits[n++] = (uint16_t)(magnitude % step * sp_pow10[zeros]);
        magnitude /= step;
    }
    for (; magnitude; magnitude /= 10000)
        digits[n++] = (uint16_t)(magnitude % 10000);
    unsigned skip = 0; /* zero digits at the end are not sent */
    while (skip < n && digits[skip] == 0)
        skip++;
    if (skip == n)
        return put_numeric_head(p, 0, 0, NUMERIC_POSITIVE, shown);
    p = put_numeric_head(p, n - skip, weight + (int)n - 1, sign, shown);
    while (n > skip)
        p = put16(p, digits[--n]);
    return p;
}

static uint8_t *put_numeric_i64(uint8_t *p, int64_t v, unsigned scale)
{
    uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    return put_numeric(p, v < 0 ? NUMERIC_NEGATIVE : NUMERIC_POSITIVE, magnitude, -(int)scale, scale);
}

static uint8_t *put_numeric_special(uint8_t *p, double v)
{
    uint16_t sign = isnan(v) ? NUMERIC_NAN : v > 0 ? NUMERIC_INFINITY : NUMERIC_MINUS_INFINITY;
    return put_numeric_head(p, 0, 0, sign, 0);
}

/* The number that text shows, text being what sp_put_f64 writes: digits[.digits][e[+-]digits]. */
static uint8_t *put_numeric_text(uint8_t *p, const char *text, const char *end)
{
    uint16_t sign = *text == '-' ? NUMERIC_NEGATIVE : NUMERIC_POSITIVE;
    uint64_t magnitude = 0;
    int exponent = 0, scientific = 0, behind = 0;
    for (text += *text == '-'; text < end && (*text | 0x20) != 'e'; text++) {
        if (*text == '.') {
            behind = 1;
        } else if (magnitude < UINT64_C(100000000000000000)) {
            magnitude = magnitude * 10 + (uint64_t)(*text - '0');
            exponent -= behind;
        } else {
            exponent += 1 - behind; /* only zeros come after 17 digits */
        }
    }
    if (text < end) {
        bool minus = *++text == '-';
        for (text += *text == '-' || *text == '+'; text < end; text++)
            scientific = scientific * 10 + (*text - '0');
        exponent += minus ? -scientific : scientific;
    }
    return put_numeric(p, sign, magnitude, exponent, exponent < 0 ? (unsigned)-exponent : 0);
}

static uint8_t *f64_numeric(const cursor *c, uint32_t row, uint8_t *p)
{
    char text[SP_F64_TEXT_MAX + SP_SLACK];
    double v = CELL(double);
    return isfinite(v) ? put_numeric_text(p, text, sp_put_f64(text, v)) : put_numeric_special(p, v);
}

static uint8_t *f32_numeric(const cursor *c, uint32_t row, uint8_t *p)
{
    char text[SP_F64_TEXT_MAX + SP_SLACK];
    float v = CELL(float);
    return isfinite(v) ? put_numeric_text(p, text, sp_put_f32(text, v)) : put_numeric_special(p, v);
}

/* ---- integers, decimals, floats, booleans ---------------------------------------------------- */

#define INTEGER_ROUTES(kind, type) \
    static uint8_t *kind##_int2(const cursor *c, uint32_t row, uint8_t *p) \
    { \
        return put_field16(p, (uint16_t)CELL(type)); \
    } \
    static uint8_t *kind##_int4(const cursor *c, uint32_t row, uint8_t *p) \
    { \
        return put_field32(p, (uint32_t)CELL(type)); \
    } \
    static uint8_t *kind##_int8(const cursor *c, uint32_t row, uint8_t *p) \
    { \
        return put_field64(p, (uint64_t)CELL(type)); \
    } \
    static uint8_t *kind##_float4(const cursor *c, uint32_t row, uint8_t *p) \
    { \
        return put_float4(p, (float)CELL(type)); \
    } \
    static uint8_t *kind##_float8(const cursor *c, uint32_t row, uint8_t *p) \
    { \
        return put_float8(p, (double)CELL(type)); \
    }
INTEGER_ROUTES(i16, int16_t)
INTEGER_ROUTES(i32, int32_t)
INTEGER_ROUTES(i64, int64_t)
INTEGER_ROUTES(u64, uint64_t)

static uint8_t *i16_numeric(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_numeric_i64(p, CELL(int16_t), 0);
}

static uint8_t *i32_numeric(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_numeric_i64(p, CELL(int32_t), 0);
}

static uint8_t *i64_numeric(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_numeric_i64(p, CELL(int64_t), 0);
}

static uint8_t *u64_numeric(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_numeric(p, NUMERIC_POSITIVE, CELL(uint64_t), 0, 0);
}

static uint8_t *decimal_numeric(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_numeric_i64(p, CELL(int64_t), c->scale);
}

static uint8_t *decimal_float8(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_float8(p, (double)CELL(int64_t) / (double)sp_pow10[c->scale]);
}

static uint8_t *decimal_float4(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_float4(p, (float)((double)CELL(int64_t) / (double)sp_pow10[c->scale]));
}

static uint8_t *f32_float4(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_float4(p, CELL(float));
}

static uint8_t *f32_float8(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_float8(p, (double)CELL(float));
}

static uint8_t *f64_float4(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_float4(p, (float)CELL(double));
}

static uint8_t *f64_float8(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_float8(p, CELL(double));
}

static uint8_t *bool_bool(const cursor *c, uint32_t row, uint8_t *p)
{
    p = put32(p, 1);
    *p = sp_bit(c->data, row);
    return p + 1;
}

/* ---- calendar: PostgreSQL counts from 2000-01-01 ------------------------------------------------
 * Unsigned, so that what no server takes wraps to something else no server takes. */

#define DAYS_TO_2000 10957
#define US_TO_2000   ((uint64_t)(DAYS_TO_2000 * SP_US_PER_DAY))

static inline int64_t floor_days(int64_t us)
{
    return us / SP_US_PER_DAY - (us % SP_US_PER_DAY < 0);
}

/* Infinities are the ends of the range on both sides, though -INT_MAX here is INT_MIN there. */
static inline uint32_t pg_days(int32_t days)
{
    bool far = days == SP_DATE_INFINITY || days == -SP_DATE_INFINITY;
    return far ? (uint32_t)days - (days < 0) : (uint32_t)days - DAYS_TO_2000;
}

static inline uint64_t pg_us(int64_t us)
{
    bool far = us == SP_TIMESTAMP_INFINITY || us == -SP_TIMESTAMP_INFINITY;
    return far ? (uint64_t)us - (us < 0) : (uint64_t)us - US_TO_2000;
}

static uint8_t *date_date(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_field32(p, pg_days(CELL(int32_t)));
}

static uint8_t *date_timestamp(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_field64(p, (uint64_t)(((int64_t)CELL(int32_t) - DAYS_TO_2000) * SP_US_PER_DAY));
}

static uint8_t *timestamp_timestamp(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_field64(p, pg_us(CELL(int64_t)));
}

static uint8_t *timestamp_date(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_field32(p, (uint32_t)(floor_days(CELL(int64_t)) - DAYS_TO_2000));
}

static uint8_t *timestamp_time(const cursor *c, uint32_t row, uint8_t *p)
{
    int64_t us = CELL(int64_t);
    return put_field64(p, (uint64_t)(us - floor_days(us) * SP_US_PER_DAY));
}

static uint8_t *time_time(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_field64(p, CELL(uint64_t));
}

static uint8_t *time_timetz(const cursor *c, uint32_t row, uint8_t *p)
{
    return put32(put64(put32(p, 12), CELL(uint64_t)), 0);
}

static uint8_t *put_interval(uint8_t *p, int32_t months, int32_t days, int64_t us)
{
    p = put64(put32(p, 16), (uint64_t)us);
    return put32(put32(p, (uint32_t)days), (uint32_t)months);
}

static uint8_t *time_interval(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_interval(p, 0, 0, CELL(int64_t));
}

static uint8_t *interval_interval(const cursor *c, uint32_t row, uint8_t *p)
{
    const sp_interval *v = &CELL(sp_interval);
    return put_interval(p, v->months, v->days, v->us);
}

/* ---- bytes and text -------------------------------------------------------------------------- */

static uint8_t *uuid_uuid(const cursor *c, uint32_t row, uint8_t *p)
{
    p = put32(p, 16);
    memcpy(p, (const uint8_t *)c->data + (size_t)row * 16, 16);
    return p + 16;
}

/* Copies SP_SLACK bytes whatever the length: names, e-mails and words differ in length from row
 * to row, and a branch on it would be mispredicted. */
static inline uint8_t *put_bytes(const cursor *c, uint32_t row, uint8_t *p)
{
    int32_t from = c->offsets[row];
    size_t len = (size_t)(c->offsets[row + 1] - from);
    memcpy(p, c->bytes + from, SP_SLACK);
    if (SP_UNLIKELY(len > SP_SLACK))
        memcpy(p + SP_SLACK, c->bytes + from + SP_SLACK, len - SP_SLACK);
    return p + len;
}

static uint8_t *bytes_bytes(const cursor *c, uint32_t row, uint8_t *p)
{
    put32(p, (uint32_t)(c->offsets[row + 1] - c->offsets[row]));
    return put_bytes(c, row, p + 4);
}

static uint8_t *text_jsonb(const cursor *c, uint32_t row, uint8_t *p)
{
    p[4] = 1; /* version */
    return close_field(p, put_bytes(c, row, p + 5));
}

#define TEXT_ROUTE(name, expression) \
    static uint8_t *name(const cursor *c, uint32_t row, uint8_t *p) \
    { \
        char *at = (char *)p + 4; \
        return close_field(p, expression); \
    }
TEXT_ROUTE(i16_text, sp_put_i64(at, CELL(int16_t)))
TEXT_ROUTE(i32_text, sp_put_i64(at, CELL(int32_t)))
TEXT_ROUTE(i64_text, sp_put_i64(at, CELL(int64_t)))
TEXT_ROUTE(u64_text, sp_put_u64(at, CELL(uint64_t)))
TEXT_ROUTE(f32_text, sp_put_f32(at, CELL(float)))
TEXT_ROUTE(f64_text, sp_put_f64(at, CELL(double)))
TEXT_ROUTE(decimal_text, sp_put_decimal(at, CELL(int64_t), c->scale))
TEXT_ROUTE(date_text, sp_put_date(at, CELL(int32_t)))
TEXT_ROUTE(time_text, sp_put_time(at, CELL(int64_t)))
TEXT_ROUTE(timestamp_text, sp_put_timestamp(at, CELL(int64_t)))
TEXT_ROUTE(uuid_text, sp_put_uuid(at, (const uint8_t *)c->data + (size_t)row * 16))

static uint8_t *timestamptz_text(const cursor *c, uint32_t row, uint8_t *p)
{
    char *end = sp_put_timestamp((char *)p + 4, CELL(int64_t));
    memcpy(end, "+00", 3);
    return close_field(p, end + 3);
}

static uint8_t *bool_text(const cursor *c, uint32_t row, uint8_t *p)
{
    bool v = sp_bit(c->data, row);
    memcpy(p + 4, v ? "true " : "false", 5);
    return close_field(p, p + (v ? 8 : 9));
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Dimensions, has-nulls, element type, then (length, lower bound) of the one dimension, and the
 * elements. */

enum { ARRAY_ROOM = 4 + 12 + 8 };

static uint8_t *list_array(const cursor *c, uint32_t row, uint8_t *p)
{
    const cursor *item = c->item;
    uint32_t from = (uint32_t)c->offsets[row], to = (uint32_t)c->offsets[row + 1];
    uint8_t *at = put32(p + 4, from < to);
    at = put32(put32(at, item->validity != NULL), c->item_oid);
    if (from < to)
        at = put32(put32(at, to - from), 1);
    for (uint32_t i = from; i < to; i++)
        at = item->validity && !sp_bit(item->validity, i) ? put_null(at) : item->put(item, i, at);
    return close_field(p, at);
}

#endif
