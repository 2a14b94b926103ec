/* celltext.c - one cell as text, for each kind and dialect.
 *
 * Writers check for no room and may store whole words: sp_value_bound says how much room there must be. Array text is written
 * behind its place first and then escaped into it like any other. */
#include "codec/celltext.h"

enum { LIST_GAP = 32 }; /* between the place of an array and its text before escaping: two wide stores */

/* ---- values that are the same everywhere ---------------------------------------------------- */

#define VALUE(type) (((const type *)c->data)[row])

static char *put_bool(char *p, const sp_column *c, uint32_t row)
{
    bool v = sp_bit(c->data, row);
    memcpy(p, v ? "true\0" : "false", 5);
    return p + 5 - v;
}

static char *put_bool_short(char *p, const sp_column *c, uint32_t row)
{
    *p = sp_bit(c->data, row) ? 't' : 'f';
    return p + 1;
}

static char *put_i16(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_i64(p, VALUE(int16_t));
}

static char *put_i32(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_i64(p, VALUE(int32_t));
}

static char *put_i64(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_i64(p, VALUE(int64_t));
}

static char *put_u64(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_u64(p, VALUE(uint64_t));
}

static char *put_f32(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_f32(p, VALUE(float));
}

static char *put_f64(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_f64(p, VALUE(double));
}

/* Numbers bare, NaN and the infinities between quotes. */
static inline char *quote_unless_finite(char *p, char *end, char quote)
{
    char last = end[-1];
    if (SP_LIKELY(last >= '0' && last <= '9'))
        return end;
    memmove(p + 1, p, (size_t)(end - p));
    *p = quote;
    end[1] = quote;
    return end + 2;
}

static char *put_f32_json(char *p, const sp_column *c, uint32_t row)
{
    return quote_unless_finite(p, sp_put_f32(p, VALUE(float)), '"');
}

static char *put_f64_json(char *p, const sp_column *c, uint32_t row)
{
    return quote_unless_finite(p, sp_put_f64(p, VALUE(double)), '"');
}

static char *put_f32_sql(char *p, const sp_column *c, uint32_t row)
{
    return quote_unless_finite(p, sp_put_f32(p, VALUE(float)), '\'');
}

static char *put_f64_sql(char *p, const sp_column *c, uint32_t row)
{
    return quote_unless_finite(p, sp_put_f64(p, VALUE(double)), '\'');
}

static char *put_decimal(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_decimal(p, VALUE(int64_t), c->type.scale);
}

static char *put_date(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_date(p, VALUE(int32_t));
}

static char *put_date_json(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_date_iso(p, VALUE(int32_t));
}

static char *put_time(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_time(p, VALUE(int64_t));
}

static char *put_timestamp(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_timestamp(p, VALUE(int64_t));
}

static char *put_timestamptz(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_timestamptz(p, VALUE(int64_t));
}

static char *put_timestamp_json(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_timestamp_iso(p, VALUE(int64_t));
}

static char *put_timestamptz_json(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_timestamptz_iso(p, VALUE(int64_t));
}

static char *put_uuid(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_uuid(p, (const uint8_t *)c->data + (size_t)row * 16);
}

static char *put_interval(char *p, const sp_column *c, uint32_t row)
{
    return sp_put_interval(p, VALUE(sp_interval));
}

/* ---- bytes and text ------------------------------------------------------------------------- */

static inline char *put_bytes_behind(char *p, const char *prefix, const sp_column *c, uint32_t row)
{
    sp_str s = sp_column_str(c, row);
    size_t len = strlen(prefix);
    memcpy(p, prefix, len);
    return sp_put_hex(p + len, (const uint8_t *)s.p, s.len);
}

static char *put_bytes(char *p, const sp_column *c, uint32_t row)
{
    return put_bytes_behind(p, "\\x", c, row);
}

static char *put_bytes_copy(char *p, const sp_column *c, uint32_t row)
{
    return put_bytes_behind(p, "\\\\x", c, row);
}

static char *put_bytes_json(char *p, const sp_column *c, uint32_t row)
{
    return put_bytes_behind(p, "", c, row);
}

char *sp_put_text_plain(char *p, const sp_column *c, uint32_t row)
{
    sp_str s = sp_column_str(c, row);
    return sp_copy_short(p, s.p, s.len);
}

static char *put_text_csv(char *p, const sp_column *c, uint32_t row)
{
    sp_str s = sp_column_str(c, row);
    return put_csv(p, s.p, s.len);
}

static char *put_text_copy(char *p, const sp_column *c, uint32_t row)
{
    sp_str s = sp_column_str(c, row);
    return put_escaped(p, s.p, s.len, COPY_ESCAPE);
}

static char *put_text_json(char *p, const sp_column *c, uint32_t row)
{
    sp_str s = sp_column_str(c, row);
    return put_escaped(p, s.p, s.len, JSON_ESCAPE);
}

static char *put_text_sql(char *p, const sp_column *c, uint32_t row)
{
    sp_str s = sp_column_str(c, row);
    return put_escaped(p, s.p, s.len, SQL_ESCAPE);
}

static char *put_json_inline(char *p, const sp_column *c, uint32_t row)
{
    sp_str s = sp_column_str(c, row);
    return put_escaped(p, s.p, s.len, JSON_INLINE);
}

/* ---- lists ---------------------------------------------------------------------------------- */

/* Upper bound for the array text of rows [from, to): braces and commas, and elements quoted with every byte escaped. */
static size_t array_bound(const sp_column *c, uint32_t from, uint32_t to)
{
    size_t rows = to - from;
    switch (c->type.kind) {
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES: return 2 * (size_t)(c->offsets[to] - c->offsets[from]) + 8 * rows;
    case SP_LIST: return 4 * rows + array_bound(c->child, (uint32_t)c->offsets[from], (uint32_t)c->offsets[to]);
    default: return ((size_t)sp_kind_text_max(c->type.kind) + 8) * rows;
    }
}

/* As PostgreSQL's array_out decides: empty, the word NULL, or anything that has a meaning in array text. */
static bool element_needs_quotes(sp_str s)
{
    if (s.len == 0 || sp_str_ieq(s, "null"))
        return true;
    for (size_t i = 0; i < s.len; i++) {
        if (strchr("{},\"\\ \t\n\r\v\f", s.p[i]))
            return true;
    }
    return false;
}

static char *put_element_text(char *p, sp_str s)
{
    if (!element_needs_quotes(s))
        return put_escaped(p, s.p, s.len, ARRAY_QUOTED);
    *p++ = '"';
    p = put_escaped(p, s.p, s.len, ARRAY_QUOTED);
    *p++ = '"';
    return p;
}

static sp_cell_put *const plain_puts[SP_KINDS];
static char *put_array(char *p, const sp_column *c, uint32_t row);

static char *put_element(char *p, const sp_column *c, uint32_t row)
{
    if (sp_column_null(c, row)) {
        memcpy(p, "NULL", 4);
        return p + 4;
    }
    switch (c->type.kind) {
    case SP_TEXT:
    case SP_JSON: return put_element_text(p, sp_column_str(c, row));
    case SP_BYTES: p = put_bytes_behind(p, "\"\\\\x", c, row); break;
    case SP_DATE: /* "... BC" */
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ:
    case SP_INTERVAL:
        *p++ = '"';
        p = plain_puts[c->type.kind](p, c, row);
        break;
    default: return plain_puts[c->type.kind](p, c, row);
    }
    *p++ = '"';
    return p;
}

static char *put_array(char *p, const sp_column *c, uint32_t row)
{
    *p++ = '{';
    for (int32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
        if (i > c->offsets[row])
            *p++ = ',';
        p = put_element(p, c->child, (uint32_t)i);
    }
    *p++ = '}';
    return p;
}

/* The array's text, placed so far behind p that escaping it to p, at most doubling it, never overtakes what is still
 * unread. */
static sp_str array_behind(char *p, const sp_column *c, uint32_t row)
{
    char *text = p + array_bound(c, row, row + 1) + LIST_GAP;
    return (sp_str){text, (size_t)(put_array(text, c, row) - text)};
}

static char *put_list_csv(char *p, const sp_column *c, uint32_t row)
{
    sp_str s = array_behind(p, c, row);
    return put_csv(p, s.p, s.len);
}

static char *put_list_copy(char *p, const sp_column *c, uint32_t row)
{
    sp_str s = array_behind(p, c, row);
    return put_escaped(p, s.p, s.len, COPY_ESCAPE);
}

static char *put_list_sql(char *p, const sp_column *c, uint32_t row)
{
    sp_str s = array_behind(p, c, row);
    return put_escaped(p, s.p, s.len, SQL_ESCAPE);
}

static bool json_has_quotes(sp_kind kind);
static sp_cell_put *const json_puts[SP_KINDS];

static char *put_list_json(char *p, const sp_column *c, uint32_t row)
{
    const sp_column *items = c->child;
    sp_cell_put *put = json_puts[items->type.kind];
    bool quotes = json_has_quotes(items->type.kind);
    *p++ = '[';
    for (int32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
        if (i > c->offsets[row])
            *p++ = ',';
        if (sp_column_null(items, (uint32_t)i)) {
            memcpy(p, "null", 4);
            p += 4;
            continue;
        }
        *p = '"';
        p = put(p + quotes, items, (uint32_t)i);
        *p = '"';
        p += quotes;
    }
    *p++ = ']';
    return p;
}

/* ---- dialects ------------------------------------------------------------------------------- */

#define NUMBERS_AND_TIMES \
    [SP_I16] = put_i16, [SP_I32] = put_i32, [SP_I64] = put_i64, [SP_U64] = put_u64, [SP_DECIMAL] = put_decimal, \
    [SP_TIME] = put_time, [SP_INTERVAL] = put_interval, [SP_UUID] = put_uuid
#define SQL_TIMES [SP_DATE] = put_date, [SP_TIMESTAMP] = put_timestamp, [SP_TIMESTAMPTZ] = put_timestamptz

static sp_cell_put *const plain_puts[SP_KINDS] = {
    NUMBERS_AND_TIMES,
    SQL_TIMES,
    [SP_BOOL] = put_bool,
    [SP_F32] = put_f32,
    [SP_F64] = put_f64,
    [SP_TEXT] = sp_put_text_plain,
    [SP_JSON] = sp_put_text_plain,
    [SP_BYTES] = put_bytes,
    [SP_LIST] = put_array,
};
static sp_cell_put *const csv_puts[SP_KINDS] = {
    NUMBERS_AND_TIMES,        SQL_TIMES,
    [SP_BOOL] = put_bool,     [SP_F32] = put_f32,
    [SP_F64] = put_f64,       [SP_TEXT] = put_text_csv,
    [SP_JSON] = put_text_csv, [SP_BYTES] = put_bytes,
    [SP_LIST] = put_list_csv,
};
static sp_cell_put *const copy_puts[SP_KINDS] = {
    NUMBERS_AND_TIMES,          SQL_TIMES,
    [SP_BOOL] = put_bool_short, [SP_F32] = put_f32,
    [SP_F64] = put_f64,         [SP_TEXT] = put_text_copy,
    [SP_JSON] = put_text_copy,  [SP_BYTES] = put_bytes_copy,
    [SP_LIST] = put_list_copy,
};
static sp_cell_put *const json_puts[SP_KINDS] = {
    NUMBERS_AND_TIMES,
    [SP_DATE] = put_date_json,
    [SP_TIMESTAMP] = put_timestamp_json,
    [SP_TIMESTAMPTZ] = put_timestamptz_json,
    [SP_BOOL] = put_bool,
    [SP_F32] = put_f32_json,
    [SP_F64] = put_f64_json,
    [SP_TEXT] = put_text_json,
    [SP_JSON] = put_json_inline,
    [SP_BYTES] = put_bytes_json,
    [SP_LIST] = put_list_json,
};
static sp_cell_put *const sql_puts[SP_KINDS] = {
    NUMBERS_AND_TIMES,        SQL_TIMES,
    [SP_BOOL] = put_bool,     [SP_F32] = put_f32_sql,
    [SP_F64] = put_f64_sql,   [SP_TEXT] = put_text_sql,
    [SP_JSON] = put_text_sql, [SP_BYTES] = put_bytes,
    [SP_LIST] = put_list_sql,
};

#define MANY_NUMBERS \
    [SP_I16] = sp_put_i16_many, [SP_I32] = sp_put_i32_many, [SP_I64] = sp_put_i64_many, [SP_U64] = sp_put_u64_many, \
    [SP_DECIMAL] = sp_put_decimal_many, [SP_UUID] = sp_put_uuid_many

static sp_put_many_fn *const sql_put_many[SP_KINDS] = {
    MANY_NUMBERS,
    [SP_DATE] = sp_put_date_many,
    [SP_TIMESTAMP] = sp_put_timestamp_many,
    [SP_TIMESTAMPTZ] = sp_put_timestamptz_many,
};
static sp_put_many_fn *const json_put_many[SP_KINDS] = {
    MANY_NUMBERS,
    [SP_DATE] = sp_put_date_iso_many,
    [SP_TIMESTAMP] = sp_put_timestamp_iso_many,
    [SP_TIMESTAMPTZ] = sp_put_timestamptz_iso_many,
};

static bool is_number_or_bool(sp_kind kind)
{
    return kind <= SP_DECIMAL;
}

static bool json_has_quotes(sp_kind kind)
{
    return !is_number_or_bool(kind) && kind != SP_JSON && kind != SP_LIST;
}

static bool sql_has_quotes(sp_kind kind)
{
    return !is_number_or_bool(kind);
}

const sp_dialect sp_dialects[] = {
    [SP_TEXT_CSV] = {csv_puts, sql_put_many, CSV_SEARCH, "", ",", "\n", "", .quote = 0},
    [SP_TEXT_COPY] = {copy_puts, sql_put_many, COPY_ESCAPE, "", "\t", "\n", "\\N", .quote = 0},
    [SP_TEXT_NDJSON] = {json_puts, json_put_many, JSON_ESCAPE, "{", ",", "}\n", "null", true, '"', json_has_quotes},
    [SP_TEXT_INSERT] = {sql_puts, sql_put_many, SQL_ESCAPE, "  (", ", ", "),\n", "NULL", false, '\'', sql_has_quotes},
};

/* ---- bounds and single cells ---------------------------------------------------------------- */

/* \u00xx of JSON is the longest escape. */
size_t sp_value_bound(const sp_column *c, uint32_t from, uint32_t to, sp_text_dialect dialect)
{
    size_t rows = to - from;
    switch (c->type.kind) {
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES: return (size_t)(c->offsets[to] - c->offsets[from]) * (dialect == SP_TEXT_NDJSON ? 6 : 2) + 6 * rows;
    case SP_LIST:
        if (dialect == SP_TEXT_NDJSON)
            return 4 * rows + sp_value_bound(c->child, (uint32_t)c->offsets[from], (uint32_t)c->offsets[to], dialect);
        return 2 * array_bound(c, from, to) + (LIST_GAP + 4) * rows;
    default: return ((size_t)sp_kind_text_max(c->type.kind) + 8) * rows;
    }
}

int sp_cell_text(const sp_column *c, uint32_t row, sp_buf *out)
{
    if (sp_column_null(c, row))
        return SPATE_OK;
    if (sp_buf_reserve(out, array_bound(c, row, row + 1)) != SPATE_OK)
        return SPATE_E_NOMEM;
    out->len = (size_t)(plain_puts[c->type.kind](out->data + out->len, c, row) - out->data);
    return SPATE_OK;
}
