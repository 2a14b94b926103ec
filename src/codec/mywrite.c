/* mywrite.c - rows as MariaDB takes them: values bound to the parameters of COM_STMT_BULK_EXECUTE, or lines for LOAD DATA.
 *
 * What a column would change without a word is looked for first, a column at a time; then rows are put down without a way to fail,
 * in room that was reserved for the longest they can be. Values: https://mariadb.com/kb/en/com_stmt_bulk_execute/ and
 * .../result-set-packets/#binary-resultset-row. */
#include "codec/mybinary.h"

#include <math.h>

typedef struct cursor cursor;
typedef uint8_t *put_fn(const cursor *c, uint32_t row, uint8_t *p);

struct cursor { /* a column of the batch at hand */
    put_fn *put;
    const uint8_t *validity;
    const void *data;
    const int32_t *offsets;
    const char *bytes;
    const sp_column *column;
    uint32_t width;
};

struct sp_mywrite {
    const sp_schema *schema;
    const sp_my_type *types;
    sp_my_route *routes;
    cursor *cursors;
    sp_buf *made;        /* of each field: the JSON of lists */
    int32_t **made_ends; /* where each begins and ends; lists only */
};

/* ---- looking cells over ---------------------------------------------------------------------- */

static int64_t integer_at(const sp_column *c, uint32_t row)
{
    switch (c->type.kind) {
    case SP_I16: return ((const int16_t *)c->data)[row];
    case SP_I32: return ((const int32_t *)c->data)[row];
    case SP_U64: return ((const uint64_t *)c->data)[row] > INT64_MAX ? INT64_MAX : ((const int64_t *)c->data)[row];
    default: return ((const int64_t *)c->data)[row];
    }
}

static double real_at(const sp_column *c, uint32_t row)
{
    return c->type.kind == SP_F32 ? (double)((const float *)c->data)[row] : ((const double *)c->data)[row];
}

static bool is_label(const sp_my_type *type, sp_str s, uint32_t *from)
{
    for (uint32_t i = *from; i < type->n_labels; i++)
        if (sp_str_eq(type->labels[i], s)) {
            *from = i + 1;
            return true;
        }
    return false;
}

/* A set's labels stand in the set's order, with commas between. */
static bool is_labelled(const sp_my_type *type, sp_str s)
{
    uint32_t from = 0;
    if (type->class == SP_MY_ENUM)
        return is_label(type, s, &from);
    while (s.len) {
        const char *comma = memchr(s.p, ',', s.len);
        sp_str label = {s.p, comma ? (size_t)(comma - s.p) : s.len};
        if (!is_label(type, label, &from) || (comma && label.len + 1 == s.len))
            return false;
        s = comma ? (sp_str){comma + 1, s.len - label.len - 1} : (sp_str){0};
    }
    return true;
}

static bool has_day(const sp_column *c, uint32_t row)
{
    static const int64_t first = -719162, last = 2932896; /* 0001-01-01 and 9999-12-31 */
    if (c->type.kind == SP_DATE)
        return ((const int32_t *)c->data)[row] >= first && ((const int32_t *)c->data)[row] <= last;
    int64_t us = ((const int64_t *)c->data)[row];
    return us >= first * SP_US_PER_DAY && us < (last + 1) * SP_US_PER_DAY;
}

static bool has_fraction(const sp_column *c, uint32_t row, unsigned places)
{
    int64_t us = c->type.kind == SP_INTERVAL ? ((const sp_interval *)c->data)[row].us : ((const int64_t *)c->data)[row];
    return us % (int64_t)sp_pow10[6 - places] != 0;
}

static bool is_span(sp_interval v)
{
    const int64_t most = (INT64_C(838) * 3600 + 59 * 60 + 59) * SP_US_PER_SECOND + 999999;
    return v.months == 0 && v.days == 0 && v.us >= -most && v.us <= most;
}

/* What is wrong with a cell, or NULL. */
static const char *fault_of(const sp_my_type *type, unsigned checks, const sp_column *c, uint32_t row)
{
    if (sp_column_null(c, row))
        return checks & SP_MY_CHECK_NULL ? "null in a column that is NOT NULL" : NULL;
    if (checks & SP_MY_CHECK_FINITE && !isfinite(real_at(c, row)))
        return "there is no NaN and no infinity in MariaDB";
    if (checks & SP_MY_CHECK_SINGLE && (double)(float)real_at(c, row) != real_at(c, row))
        return "the number would be rounded";
    if (checks & SP_MY_CHECK_WHOLE &&
        (integer_at(c, row) > INT64_C(1) << 53 || integer_at(c, row) < -(INT64_C(1) << 53)))
        return "the number would be rounded";
    if (checks & SP_MY_CHECK_DAY && !has_day(c, row))
        return "the year is not one of 1 to 9999";
    if (checks & SP_MY_CHECK_SPAN && !is_span(((const sp_interval *)c->data)[row]))
        return "the interval is no time of at most 838:59:59";
    if (checks & SP_MY_CHECK_FRACTION && has_fraction(c, row, type->scale))
        return "the fraction of the second would be cut off";
    if (checks & SP_MY_CHECK_LABEL && !is_labelled(type, sp_column_str(c, row)))
        return "this is not one of the column's labels";
    if (checks & SP_MY_CHECK_LENGTH && sp_column_str(c, row).len != type->length)
        return "bytes of another length than the column's would be filled up with zeroes";
    if (checks & SP_MY_CHECK_YEAR && integer_at(c, row) != 0 &&
        (integer_at(c, row) < 1901 || integer_at(c, row) > 2155))
        return "the year is not one of 1901 to 2155";
    if (checks & SP_MY_CHECK_SPACE && (c->type.kind == SP_TEXT || c->type.kind == SP_JSON)) {
        sp_str s = sp_column_str(c, row);
        return s.len && s.p[s.len - 1] == ' ' ? "spaces at the end would be lost" : NULL;
    }
    return NULL;
}

static int check_column(const sp_mywrite *e, uint32_t i, const sp_batch *b, uint32_t from, uint32_t to,
                        spate_error *err)
{
    for (uint32_t row = from; row < to; row++) {
        const char *fault = fault_of(&e->types[i], e->routes[i].checks, &b->columns[i], row);
        if (fault)
            return sp_fail(err, SPATE_E_DATA, "row %llu: column \"%s\", which is %s: %s",
                           (unsigned long long)(b->first_row + row + 1), e->schema->fields[i].name, e->types[i].name,
                           fault);
    }
    return SPATE_OK;
}

int sp_mywrite_check(sp_mywrite *e, const sp_batch *b, uint32_t from, uint32_t to, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < e->schema->n_fields && rc == SPATE_OK; i++) {
        unsigned checks = e->routes[i].checks;
        if (!b->columns[i].validity)
            checks &= ~(unsigned)SP_MY_CHECK_NULL;
        rc = checks ? check_column(e, i, b, from, to, err) : SPATE_OK;
    }
    return rc;
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint8_t *put16(uint8_t *p, unsigned v)
{
    uint16_t w = (uint16_t)v;
    memcpy(p, &w, 2);
    return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
    return p + 4;
}

static uint8_t *put_bit(const cursor *c, uint32_t row, uint8_t *p)
{
    *p = sp_bit(c->data, row);
    return p + 1;
}

#define FIXED(name, width) \
    static uint8_t *name(const cursor *c, uint32_t row, uint8_t *p) \
    { \
        memcpy(p, (const char *)c->data + (size_t)row * (width), width); \
        return p + (width); \
    }
FIXED(put_2, 2)
FIXED(put_4, 4)
FIXED(put_8, 8)

static uint8_t *put_day(uint8_t *p, int32_t days)
{
    int32_t year;
    unsigned month, day;
    sp_civil_from_days(days, &year, &month, &day);
    p = put16(p, (unsigned)year);
    *p++ = (uint8_t)month;
    *p++ = (uint8_t)day;
    return p;
}

/* Of a second's fraction nothing is sent when it is none. */
static uint8_t *put_clock(uint8_t *p, uint64_t us)
{
    uint32_t seconds = (uint32_t)(us / (uint64_t)SP_US_PER_SECOND),
             fraction = (uint32_t)(us % (uint64_t)SP_US_PER_SECOND);
    *p++ = (uint8_t)(seconds / 3600);
    *p++ = (uint8_t)(seconds / 60 % 60);
    *p++ = (uint8_t)(seconds % 60);
    return fraction ? put32(p, fraction) : p;
}

static uint8_t *put_date(const cursor *c, uint32_t row, uint8_t *p)
{
    *p = 4;
    return put_day(p + 1, ((const int32_t *)c->data)[row]);
}

static uint8_t *put_datetime(const cursor *c, uint32_t row, uint8_t *p)
{
    int64_t us = ((const int64_t *)c->data)[row], days = us / SP_US_PER_DAY, rest = us % SP_US_PER_DAY;
    days -= rest < 0;
    rest += rest < 0 ? SP_US_PER_DAY : 0;
    uint8_t *end = put_clock(put_day(p + 1, (int32_t)days), (uint64_t)rest);
    *p = (uint8_t)(end - p - 1);
    return end;
}

static uint8_t *put_span(uint8_t *p, bool minus, uint64_t us)
{
    uint8_t *q = p + 1;
    *q++ = minus;
    q = put32(q, (uint32_t)(us / (uint64_t)SP_US_PER_DAY));
    q = put_clock(q, us % (uint64_t)SP_US_PER_DAY);
    *p = (uint8_t)(q - p - 1);
    return q;
}

static uint8_t *put_time(const cursor *c, uint32_t row, uint8_t *p)
{
    return put_span(p, false, ((const uint64_t *)c->data)[row]);
}

static uint8_t *put_interval(const cursor *c, uint32_t row, uint8_t *p)
{
    int64_t us = ((const sp_interval *)c->data)[row].us;
    return put_span(p, us < 0, us < 0 ? 0 - (uint64_t)us : (uint64_t)us);
}

static uint8_t *put_decimal(const cursor *c, uint32_t row, uint8_t *p)
{
    char *end = sp_put_decimal((char *)p + 1, ((const int64_t *)c->data)[row], c->column->type.scale);
    *p = (uint8_t)((uint8_t *)end - p - 1);
    return (uint8_t *)end;
}

static uint8_t *put_uuid(const cursor *c, uint32_t row, uint8_t *p)
{
    *p = 16;
    memcpy(p + 1, (const char *)c->data + (size_t)row * 16, 16);
    return p + 17;
}

/* Up to 250 the length is a byte. */
static uint8_t *put_length(uint8_t *p, uint32_t len)
{
    if (SP_LIKELY(len < 251)) {
        *p = (uint8_t)len;
        return p + 1;
    }
    *p = len <= UINT16_MAX ? 0xfc : 0xfe;
    return len <= UINT16_MAX ? put16(p + 1, len) : put32(put32(p + 1, len), 0);
}

static uint8_t *put_bytes(const cursor *c, uint32_t row, uint8_t *p)
{
    int32_t from = c->offsets[row];
    uint32_t len = (uint32_t)(c->offsets[row + 1] - from);
    p = put_length(p, len);
    if (len)
        memcpy(p, c->bytes + from, len);
    return p + len;
}

static uint8_t *put_shown(const cursor *c, uint32_t row, uint8_t *p)
{
    uint8_t *end = (uint8_t *)sp_cell_put_fixed((char *)p + 1, c->column, row);
    *p = (uint8_t)(end - p - 1);
    return end;
}

static put_fn *put_of(sp_my_road road, uint32_t width)
{
    switch (road) {
    case SP_MY_ROAD_BIT: return put_bit;
    case SP_MY_ROAD_FIXED: return width == 2 ? put_2 : width == 4 ? put_4 : put_8;
    case SP_MY_ROAD_DATE: return put_date;
    case SP_MY_ROAD_TIME: return put_time;
    case SP_MY_ROAD_INTERVAL: return put_interval;
    case SP_MY_ROAD_DATETIME: return put_datetime;
    case SP_MY_ROAD_DECIMAL: return put_decimal;
    case SP_MY_ROAD_UUID: return put_uuid;
    case SP_MY_ROAD_SHOWN: return put_shown;
    default: return put_bytes;
    }
}

/* ---- the encoder ----------------------------------------------------------------------------- */

int sp_mywrite_new(const sp_schema *schema, const sp_my_type *types, sp_mywrite **out, spate_error *err)
{
    uint32_t n = schema->n_fields;
    char why[160];
    sp_mywrite *e = sp_alloc_zero(1, sizeof(*e));
    if (!e)
        return sp_fail_nomem(err);
    *e = (sp_mywrite){.schema = schema, .types = types};
    e->routes = sp_alloc_zero(n, sizeof(*e->routes));
    e->cursors = sp_alloc_zero(n, sizeof(*e->cursors));
    e->made = sp_alloc_zero(n, sizeof(*e->made));
    e->made_ends = sp_alloc_zero(n, sizeof(*e->made_ends));
    int rc = e->routes && e->cursors && e->made && e->made_ends ? SPATE_OK : sp_fail_nomem(err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        e->routes[i] = sp_my_route_of(&schema->fields[i], &types[i], why);
        if (e->routes[i].road == SP_MY_ROAD_NONE)
            rc = sp_fail(err, SPATE_E_BUG, "column \"%s\" of \"%s\" has no road to %s", schema->fields[i].name,
                         schema->table, types[i].name);
        else if (e->routes[i].road == SP_MY_ROAD_JSON &&
                 !(e->made_ends[i] = sp_alloc_zero(SP_BATCH_ROWS_MAX + 1, sizeof(int32_t))))
            rc = sp_fail_nomem(err);
    }
    if (rc == SPATE_OK)
        *out = e;
    else
        sp_mywrite_free(e);
    return rc;
}

void sp_mywrite_free(sp_mywrite *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; i < e->schema->n_fields; i++) {
        if (e->made)
            sp_buf_done(&e->made[i]);
        if (e->made_ends)
            sp_free(e->made_ends[i]);
    }
    sp_free(e->routes);
    sp_free(e->cursors);
    sp_free(e->made);
    sp_free(e->made_ends);
    sp_free(e);
}

int sp_mywrite_types(const sp_mywrite *e, sp_buf *out)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < e->schema->n_fields && rc == SPATE_OK; i++)
        rc = sp_buf_add(out, (const uint8_t[]){e->routes[i].wire, e->routes[i].is_unsigned ? 0x80 : 0}, 2);
    return rc;
}

static int make_lists(sp_mywrite *e, uint32_t i, const sp_column *c, uint32_t from, uint32_t to)
{
    sp_buf *made = &e->made[i];
    made->len = 0;
    for (uint32_t row = from; row < to; row++) {
        e->made_ends[i][row] = (int32_t)made->len;
        if (!sp_column_null(c, row) && sp_cell_json(made, c, row))
            return SPATE_E_NOMEM;
        if (made->len > INT32_MAX)
            return SPATE_E_NOMEM;
        e->made_ends[i][row + 1] = (int32_t)made->len;
    }
    return SPATE_OK;
}

/* Points the cursor at the column's cells, or at what is made of them; *bytes: how many there are of texts. */
static int point(sp_mywrite *e, uint32_t i, const sp_batch *b, uint32_t from, uint32_t to, size_t *bytes)
{
    const sp_column *column = &b->columns[i];
    cursor *c = &e->cursors[i];
    *c = (cursor){.validity = column->validity,
                  .data = column->data,
                  .offsets = column->offsets,
                  .bytes = column->bytes,
                  .column = column,
                  .width = sp_kind_width(column->type.kind)};
    c->put = put_of(e->routes[i].road, c->width);
    if (e->routes[i].road == SP_MY_ROAD_JSON) {
        if (make_lists(e, i, column, from, to))
            return SPATE_E_NOMEM;
        c->offsets = e->made_ends[i];
        c->bytes = e->made[i].data;
    }
    *bytes = c->offsets ? (size_t)(c->offsets[to] - c->offsets[from]) : 0;
    return SPATE_OK;
}

/* A value's bytes beside its text: the mark in front, and a length or whatever is of fixed width. */
static size_t room_of(sp_my_road road)
{
    return road == SP_MY_ROAD_SHOWN ? SP_CELL_TEXT_BYTES : road == SP_MY_ROAD_DECIMAL ? 2 + SP_DECIMAL_TEXT_MAX : 18;
}

int sp_mywrite_rows(sp_mywrite *e, const sp_batch *b, uint32_t from, uint32_t to, sp_buf *out)
{
    uint32_t n = e->schema->n_fields;
    size_t room = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t bytes;
        if (point(e, i, b, from, to, &bytes))
            return SPATE_E_NOMEM;
        room += bytes + (to - from) * room_of(e->routes[i].road);
    }
    if (sp_buf_reserve(out, room))
        return SPATE_E_NOMEM;
    uint8_t *p = (uint8_t *)out->data + out->len;
    for (uint32_t row = from; row < to; row++) {
        for (const cursor *c = e->cursors, *end = c + n; c < end; c++) {
            bool null = c->validity && !sp_bit(c->validity, row);
            *p++ = null;
            p = null ? p : c->put(c, row, p);
        }
    }
    out->len = (size_t)(p - (uint8_t *)out->data);
    return SPATE_OK;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool as_hex(const sp_mywrite *e, uint32_t i)
{
    return e->types[i].class == SP_MY_BYTES || e->types[i].class == SP_MY_SHAPE;
}

/* What LOAD DATA would not read as it is meant: bytes in the file's encoding, and the digits of bits as bits themselves. */
static bool is_converted(const sp_mywrite *e, uint32_t i)
{
    return as_hex(e, i) || e->types[i].class == SP_MY_BIT;
}

static int add_conversion(const sp_mywrite *e, uint32_t i, sp_buf *out)
{
    return sp_sql_name(out, e->schema->fields[i].name) ||
           (as_hex(e, i) ? sp_buf_printf(out, " = UNHEX(@b%u)", i)
                         : sp_buf_printf(out, " = CAST(@b%u AS UNSIGNED)", i));
}

int sp_mywrite_columns(const sp_mywrite *e, sp_buf *out)
{
    uint32_t converted = 0;
    for (uint32_t i = 0; i < e->schema->n_fields; i++)
        if (sp_buf_adds(out, i ? ", " : " (") ||
            (is_converted(e, i) ? sp_buf_printf(out, "@b%u", i) : sp_sql_name(out, e->schema->fields[i].name)))
            return SPATE_E_NOMEM;
    if (sp_buf_adds(out, ")"))
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < e->schema->n_fields; i++)
        if (is_converted(e, i) && (sp_buf_adds(out, converted++ ? ", " : " SET ") || add_conversion(e, i, out)))
            return SPATE_E_NOMEM;
    return SPATE_OK;
}

/* Twice as many bytes at most. */
static char *put_escaped(char *p, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char byte = text[i];
        bool special = byte == '\\' || byte == '\t' || byte == '\n';
        *p = '\\';
        p += special;
        *p++ = byte == '\n' ? 'n' : byte == '\t' ? 't' : byte;
    }
    return p;
}

static char *put_line_cell(const sp_mywrite *e, uint32_t i, uint32_t row, char *p)
{
    const cursor *c = &e->cursors[i];
    if (c->validity && !sp_bit(c->validity, row)) {
        memcpy(p, "\\N", 2);
        return p + 2;
    }
    switch (e->routes[i].road) {
    case SP_MY_ROAD_BIT: *p = sp_bit(c->data, row) ? '1' : '0'; return p + 1;
    case SP_MY_ROAD_FIXED: /* the shortest text of a float may be above the greatest one, to who reads it as a double */
        return c->column->type.kind == SP_F32 ? sp_put_f64(p, real_at(c->column, row))
                                              : sp_cell_put_fixed(p, c->column, row);
    case SP_MY_ROAD_DATETIME: return sp_put_timestamp(p, ((const int64_t *)c->data)[row]);
    case SP_MY_ROAD_UUID:
        return as_hex(e, i) ? sp_put_hex(p, (const uint8_t *)c->data + (size_t)row * 16, 16)
                            : sp_cell_put_fixed(p, c->column, row);
    case SP_MY_ROAD_BYTES:
    case SP_MY_ROAD_JSON: {
        const char *text = c->bytes + c->offsets[row];
        size_t len = (size_t)(c->offsets[row + 1] - c->offsets[row]);
        return as_hex(e, i) ? sp_put_hex(p, (const uint8_t *)text, len) : put_escaped(p, text, len);
    }
    default: return sp_cell_put_fixed(p, c->column, row);
    }
}

int sp_mywrite_lines(sp_mywrite *e, const sp_batch *b, uint32_t from, uint32_t to, sp_buf *out)
{
    uint32_t n = e->schema->n_fields;
    size_t room = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t bytes;
        if (point(e, i, b, from, to, &bytes))
            return SPATE_E_NOMEM;
        room += 2 * bytes + (to - from) * (size_t)(SP_CELL_TEXT_BYTES + 1);
    }
    if (sp_buf_reserve(out, room))
        return SPATE_E_NOMEM;
    char *p = out->data + out->len;
    for (uint32_t row = from; row < to; row++) {
        for (uint32_t i = 0; i < n; i++) {
            p = put_line_cell(e, i, row, p);
            *p++ = i + 1 < n ? '\t' : '\n';
        }
    }
    out->len = (size_t)(p - out->data);
    return SPATE_OK;
}
