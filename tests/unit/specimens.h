/* specimens.h - a table with a column of every kind, filled with the values most likely to go wrong, and what DuckDB and SQLite
 * must show for each. Row r has specimen (r + column) % SPECIMENS, or NULL in every seventh row of a nullable column. */
#ifndef SPECIMENS_H
#define SPECIMENS_H

#include "batch/batch.h"
#include <stdio.h>
#include <stdlib.h>

enum { SPECIMENS = 5 };

typedef struct specimen {
    sp_field field;
    const void *values; /* fixed width: SPECIMENS of them */
    const char *duckdb[SPECIMENS], *sqlite[SPECIMENS];
    const char *strings[SPECIMENS]; /* text, JSON; bytes: with a length in lengths */
    int lengths[SPECIMENS];
} specimen;

#define LONG_10              "0123456789"
#define LONG_100             LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 "it's \"ten\""
#define SAME(a, b, c, d, e)  .duckdb = {a, b, c, d, e}, .sqlite = {a, b, c, d, e}
#define TEXTS(a, b, c, d, e) .strings = {a, b, c, d, e}, SAME(a, b, c, d, e)

static const sp_type i32_item = {.kind = SP_I32};
static const sp_type text_item = {.kind = SP_TEXT};
static const sp_str mood_labels[] = {{"new", 3}, {"paid", 4}, {"sent back, broken", 17}};

static const specimen specimens[] = {
    {.field = {"b", {SP_BOOL}, true},
     .values = (const uint8_t[]){1, 0, 0, 1, 1},
     .duckdb = {"true", "false", "false", "true", "true"},
     .sqlite = {"1", "0", "0", "1", "1"}},
    {.field = {"i16", {SP_I16}, true},
     .values = (const int16_t[]){INT16_MIN, INT16_MAX, 0, -1, 42},
     SAME("-32768", "32767", "0", "-1", "42")},
    {.field = {"i32", {SP_I32}, true},
     .values = (const int32_t[]){INT32_MIN, INT32_MAX, 0, -1, 42},
     SAME("-2147483648", "2147483647", "0", "-1", "42")},
    {.field = {"i64", {SP_I64}, true},
     .values = (const int64_t[]){INT64_MIN, INT64_MAX, 0, -1, 42},
     SAME("-9223372036854775808", "9223372036854775807", "0", "-1", "42")},
    {.field = {"u64", {SP_U64}, true},
     .values = (const uint64_t[]){0, INT64_MAX, 1, 2, 3},
     SAME("0", "9223372036854775807", "1", "2", "3")},
    {.field = {"f32", {SP_F32}, true},
     .values = (const float[]){0.5f, -1.25f, 0, 1, 1024.5f},
     .duckdb = {"0.5", "-1.25", "0.0", "1.0", "1024.5"},
     .sqlite = {"0.5", "-1.25", "0.0", "1.0", "1024.5"}},
    {.field = {"f64", {SP_F64}, true},
     .values = (const double[]){0.1, -1.5, 1e300, -0.001, 12345.678},
     .duckdb = {"0.1", "-1.5", "1e+300", "-0.001", "12345.678"},
     .sqlite = {"0.1", "-1.5", "1.0e+300", "-0.001", "12345.678"}},
    {.field = {"d4", {SP_DECIMAL, 4, 1}, true},
     .values = (const int64_t[]){0, 1, -1, 9999, -9999},
     .duckdb = {"0.0", "0.1", "-0.1", "999.9", "-999.9"},
     .sqlite = {"0", "0.1", "-0.1", "999.9", "-999.9"}},
    {.field = {"d9", {SP_DECIMAL, 9, 3}, true},
     .values = (const int64_t[]){0, 1, -1, 999999999, -999999999},
     .duckdb = {"0.000", "0.001", "-0.001", "999999.999", "-999999.999"},
     .sqlite = {"0", "0.001", "-0.001", "999999.999", "-999999.999"}},
    {.field = {"d12", {SP_DECIMAL, 12, 2}, true},
     .values = (const int64_t[]){0, 1, -1, 999999999999, -999999999999},
     .duckdb = {"0.00", "0.01", "-0.01", "9999999999.99", "-9999999999.99"},
     .sqlite = {"0", "0.01", "-0.01", "9999999999.99", "-9999999999.99"}},
    {.field = {"d18", {SP_DECIMAL, 18, 0}, true},
     .values = (const int64_t[]){0, 1, -1, 999999999999999999, 10},
     SAME("0", "1", "-1", "999999999999999999", "10")},
    {.field = {"day", {SP_DATE}, true},
     .values = (const int32_t[]){0, 19782, -719162, 2932896, -1},
     SAME("1970-01-01", "2024-02-29", "0001-01-01", "9999-12-31", "1969-12-31")},
    {.field = {"t", {SP_TIME}, true},
     .values = (const int64_t[]){0, 1, 86399999999, 36672500000, 60000000},
     SAME("00:00:00", "00:00:00.000001", "23:59:59.999999", "10:11:12.5", "00:01:00")},
    {.field = {"ts", {SP_TIMESTAMP}, true},
     .values = (const int64_t[]){0, 1, -1, 1709201472500000, -62135596800000000},
     SAME("1970-01-01 00:00:00", "1970-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999", "2024-02-29 10:11:12.5",
          "0001-01-01 00:00:00")},
    {.field = {"tz", {SP_TIMESTAMPTZ}, true},
     .values = (const int64_t[]){0, 1, -1, 1709201472500000, 60000000},
     .duckdb = {"1970-01-01 00:00:00+00", "1970-01-01 00:00:00.000001+00", "1969-12-31 23:59:59.999999+00",
                "2024-02-29 10:11:12.5+00", "1970-01-01 00:01:00+00"},
     .sqlite = {"1970-01-01 00:00:00Z", "1970-01-01 00:00:00.000001Z", "1969-12-31 23:59:59.999999Z",
                "2024-02-29 10:11:12.5Z", "1970-01-01 00:01:00Z"}},
    {.field = {"uid", {SP_UUID}, true},
     .values = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
               "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
               "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"
               "\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
               "\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe",
     SAME("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
          "01234567-89ab-cdef-0123-456789abcdef", "80000000-0000-0000-0000-000000000001",
          "7fffffff-ffff-ffff-ffff-fffffffffffe")},
    {.field = {"s", {SP_TEXT}, true},
     TEXTS("", "a", "twelve bytes", "na\xc3\xafve \xe2\x98\x95 \xe6\x97\xa5\xe6\x9c\xac", LONG_100 LONG_100)},
    {.field = {"must", {SP_TEXT}, false}, TEXTS("12345678", "1234567", "thirteen byte", "123456789", "eleven byte")},
    {.field = {"j", {SP_JSON}, true}, TEXTS("{}", "{\"a\": [1, \"x'y\"]}", "null", "[]", "\"caf\xc3\xa9\"")},
    {.field = {"raw", {SP_BYTES}, true},
     .strings = {"", "\0\xff", "abc", "0123456789abcdef", "\\"},
     .lengths = {0, 2, 3, 16, 1},
     .duckdb = {"", "\\x00\\xFF", "abc", "0123456789abcdef", "\\x5C"},
     .sqlite = {"", "00ff", "616263", "30313233343536373839616263646566", "5c"}},
    {.field = {"mood", {SP_TEXT}, true, .labels = mood_labels, .n_labels = 3},
     TEXTS("new", "paid", "sent back, broken", "new", "new")},
    {.field = {"li", {SP_LIST, .item = &i32_item}, true},
     .duckdb = {"[]", "[0]", "[1, NULL]", "[2, NULL, 4]", "[3, NULL, 5, 6]"},
     .sqlite = {"[]", "[0]", "[1,null]", "[2,null,4]", "[3,null,5,6]"}},
    {.field = {"lt", {SP_LIST, .item = &text_item}, true},
     .duckdb = {"[]", "[abc]", "[abc, abcdefghijklmnop]", "[abc]", "[abc]"},
     .sqlite = {"[]", "[\"abc\"]", "[\"abc\",\"abcdefghijklmnop\"]", "[\"abc\"]", "[\"abc\"]"}},
    {.field = {"gap", {SP_INTERVAL}, true},
     .values = (const sp_interval[]){{0, 0, 0}, {1, 0, 0}, {0, -2, 0}, {14, 3, 3000000}, {0, 0, 1500000}},
     .duckdb = {"00:00:00", "1 month", "-2 days", "1 year 2 months 3 days 00:00:03", "00:00:01.5"},
     .sqlite = {"00:00:00", "1 mon", "-2 days", "1 year 2 mons 3 days 00:00:03", "00:00:01.5"}},
};
enum { SPECIMEN_COLUMNS = SP_COUNT(specimens) };

/* A schema of id bigint and then columns of the specimens. Freed with the arena. */
static sp_schema *specimen_schema(sp_arena *a, const char *table, uint64_t rows)
{
    static const uint32_t first[] = {0};
    sp_schema *s = sp_arena_alloc(a, 1, sizeof(*s));
    sp_field *fields = sp_arena_alloc(a, SPECIMEN_COLUMNS + 1, sizeof(*fields));
    fields[0] = (sp_field){"id", {SP_I64}, false};
    for (uint32_t i = 0; i < SPECIMEN_COLUMNS; i++)
        fields[i + 1] = specimens[i].field;
    *s = (sp_schema){.table = table,
                     .fields = fields,
                     .n_fields = SPECIMEN_COLUMNS + 1,
                     .primary_key = first,
                     .n_primary_key = 1,
                     .rows = rows};
    return s;
}

static bool specimen_null(uint32_t column, uint64_t row)
{
    return specimens[column].field.nullable && (row + column) % 7 == 0;
}

static unsigned specimen_at(uint32_t column, uint64_t row)
{
    return (unsigned)((row + column) % SPECIMENS);
}

static void put_string(sp_column *c, uint32_t row, const char *p, size_t len)
{
    size_t at = (size_t)c->offsets[row];
    if (at + len > c->bytes_cap)
        (void)!sp_column_reserve_bytes(c, 2 * (at + len));
    memcpy(c->bytes + at, p, len);
    c->offsets[row + 1] = (int32_t)(at + len);
}

static void put_list(sp_column *c, uint32_t row, unsigned which)
{
    uint32_t at = (uint32_t)c->offsets[row];
    unsigned n = c->child->type.kind == SP_TEXT && which > 2 ? 1 : which;
    (void)!sp_column_reserve_rows(c->child, at + n + 1);
    if (c->child->offsets)
        c->child->offsets[0] = 0;
    for (unsigned i = 0; i < n; i++, at++) {
        if (c->child->type.kind == SP_TEXT) {
            put_string(c->child, at, "abcdefghijklmnop", i == 1 ? 16 : 3);
            continue;
        }
        ((int32_t *)c->child->data)[at] = (int32_t)(which - 1 + i);
        if (i == 1)
            c->child->own_validity[at / 8] &= (uint8_t) ~(1u << at % 8);
        c->child->validity = c->child->own_validity;
    }
    c->offsets[row + 1] = (int32_t)at;
}

static void put_specimen(sp_column *c, uint32_t column, uint32_t row, uint64_t number)
{
    const specimen *s = &specimens[column];
    unsigned which = specimen_at(column, number);
    bool null = specimen_null(column, number);
    uint32_t width = sp_kind_width(c->type.kind);
    if (null)
        sp_column_validity(c, SP_BATCH_ROWS_MAX)[row / 8] &= (uint8_t) ~(1u << row % 8);
    if (c->type.kind == SP_LIST)
        put_list(c, row, null ? 0 : which);
    else if (c->offsets)
        put_string(c, row, null ? "" : s->strings[which],
                   null                       ? 0
                   : c->type.kind == SP_BYTES ? (size_t)s->lengths[which]
                                              : strlen(s->strings[which]));
    else if (width)
        memcpy((char *)c->data + (size_t)row * width, (const char *)s->values + which * width, width);
    else if (((const uint8_t *)s->values)[which])
        ((uint8_t *)c->data)[row / 8] |= (uint8_t)(1u << row % 8);
    else
        ((uint8_t *)c->data)[row / 8] &= (uint8_t) ~(1u << row % 8);
}

/* Rows [first, first + n) into batch, which has been reset (and perhaps lent). */
static void specimen_batch(sp_batch *batch, uint64_t first, uint32_t n)
{
    for (uint32_t c = 0; c < batch->schema->n_fields; c++)
        if (batch->columns[c].offsets)
            batch->columns[c].offsets[0] = 0;
    for (uint32_t c = 1; c < batch->schema->n_fields; c++)
        if (batch->columns[c].child) {
            (void)!sp_column_reserve_rows(batch->columns[c].child, 5 * SP_BATCH_ROWS_MAX);
            memset(batch->columns[c].child->own_validity, 0xff, 5 * SP_BATCH_ROWS_MAX / 8);
        }
    for (uint32_t r = 0; r < n; r++) {
        ((int64_t *)batch->columns[0].data)[r] = (int64_t)(first + r);
        for (uint32_t c = 1; c < batch->schema->n_fields; c++)
            put_specimen(&batch->columns[c], c - 1, r, first + r);
    }
    batch->first_row = first;
    batch->rows = n;
}

#endif
