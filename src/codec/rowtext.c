/* rowtext.c - rows as text: one engine for CSV, COPY text, NDJSON and INSERT.
 *
 * A row is a sequence of cells, and a cell is  lead  value  close : the lead holds the separator, the key and the
 * opening quote, the value is written by a function chosen once for the column's kind and the dialect, the close is a
 * quote or nothing. Room for the worst case is reserved a block of rows at a time, so the writers check nothing and
 * store whole words.
 *
 * Text is copied and searched for characters to escape in one pass, sixteen bytes at a time; columns whose maker
 * promises plain text skip the search. Array text is written behind its place first and then escaped into it like any
 * other text. */
#include "codec/codec.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef char *put_fn(char *p, const sp_column *c, uint32_t row);

typedef struct cell {
    put_fn *put;
    const char *lead; /* SP_SLACK readable bytes behind it */
    uint32_t lead_len;
    uint32_t null_lead_len; /* the lead without its opening quote */
    char null_text[4];
    uint8_t null_len;
    char close;
    uint8_t close_len;
} cell;

struct sp_rowtext {
    const sp_schema *schema;
    sp_text_dialect dialect;
    char end[4]; /* of a row */
    uint32_t end_len;
    uint32_t frame_len; /* leads, closes and end of one row */
    sp_arena arena;
    cell cells[];
};

enum {
    BLOCK_ROWS = 128,          /* rows that share one reservation */
    BLOCK_BYTES_MAX = 1 << 20, /* halved while its worst case is above this */
    LIST_GAP = 32,             /* between the place of an array and its text before escaping: two wide stores */
};

/* ---- escaping ------------------------------------------------------------------------------- */

typedef enum escape {
    CSV_PROBE,  /* what makes a CSV field need quotes */
    CSV_QUOTED, /* inside them: " becomes "" */
    COPY_ESCAPE,
    JSON_ESCAPE,
    SQL_ESCAPE,   /* ' becomes '' */
    JSON_INLINE,  /* JSON kept on one line: line breaks, legal between tokens only, become spaces */
    ARRAY_QUOTED, /* inside a quoted array element: \" and \\ */
} escape;

static inline bool is_special(uint8_t c, escape how)
{
    switch (how) {
    case CSV_PROBE: return c == '"' || c == ',' || c == '\n' || c == '\r';
    case CSV_QUOTED: return c == '"';
    case COPY_ESCAPE: return c == '\\' || c == '\t' || c == '\n' || c == '\r';
    case JSON_ESCAPE: return c == '"' || c == '\\' || c < 0x20;
    case SQL_ESCAPE: return c == '\'';
    case JSON_INLINE: return c == '\n' || c == '\r';
    case ARRAY_QUOTED: return c == '"' || c == '\\';
    }
    return false;
}

/* Copies sixteen bytes; bit i of the result is set when byte i needs escaping. */
#if defined(__SSE2__)
static inline unsigned copy_and_search(char *to, const char *from, escape how)
{
    __m128i x = _mm_loadu_si128((const __m128i *)from), hit = _mm_setzero_si128();
    _mm_storeu_si128((__m128i *)to, x);
#define LOOK_FOR(c) hit = _mm_or_si128(hit, _mm_cmpeq_epi8(x, _mm_set1_epi8(c)))
    if (how == CSV_PROBE || how == CSV_QUOTED || how == JSON_ESCAPE || how == ARRAY_QUOTED)
        LOOK_FOR('"');
    if (how == COPY_ESCAPE || how == JSON_ESCAPE || how == ARRAY_QUOTED)
        LOOK_FOR('\\');
    if (how == CSV_PROBE || how == COPY_ESCAPE || how == JSON_INLINE) {
        LOOK_FOR('\n');
        LOOK_FOR('\r');
    }
    if (how == CSV_PROBE)
        LOOK_FOR(',');
    if (how == COPY_ESCAPE)
        LOOK_FOR('\t');
    if (how == SQL_ESCAPE)
        LOOK_FOR('\'');
    if (how == JSON_ESCAPE) /* below 0x20 as unsigned bytes */
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x));
#undef LOOK_FOR
    return (unsigned)_mm_movemask_epi8(hit);
}
#else
static inline unsigned copy_and_search(char *to, const char *from, escape how)
{
    unsigned hits = 0;
    for (unsigned i = 0; i < 16; i++) {
        to[i] = from[i];
        hits |= (unsigned)is_special((uint8_t)from[i], how) << i;
    }
    return hits;
}
#endif

static char *put_json_escape(char *p, uint8_t c)
{
    static const char short_forms[] = "btn?fr"; /* for 8..13 */
    *p++ = '\\';
    if (c == '"' || c == '\\') {
        *p++ = (char)c;
    } else if (c >= 8 && c <= 13 && c != 11) {
        *p++ = short_forms[c - 8];
    } else {
        memcpy(p, "u00", 3);
        p = sp_put_hex(p + 3, &c, 1);
    }
    return p;
}

static inline char *put_escaped_char(char *p, char c, escape how)
{
    switch (how) {
    case JSON_ESCAPE: return put_json_escape(p, (uint8_t)c);
    case JSON_INLINE: *p++ = ' '; return p;
    case COPY_ESCAPE:
        *p++ = '\\';
        *p++ = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c;
        return p;
    case ARRAY_QUOTED:
        *p++ = '\\';
        *p++ = c;
        return p;
    default:
        *p++ = c;
        *p++ = c;
        return p;
    }
}

/* Reads and writes up to fifteen bytes past the end. */
static inline __attribute__((always_inline)) char *put_escaped(char *p, const char *s, size_t len, escape how)
{
    for (;;) {
        unsigned hits = copy_and_search(p, s, how);
        if (len < 16)
            hits &= (1u << len) - 1;
        if (SP_LIKELY(hits == 0)) {
            if (len <= 16)
                return p + len;
            p += 16, s += 16, len -= 16;
            continue;
        }
        unsigned plain = (unsigned)__builtin_ctz(hits);
        p = put_escaped_char(p + plain, s[plain], how);
        s += plain + 1, len -= plain + 1;
    }
}

static __attribute__((noinline)) char *put_csv_quoted(char *p, const char *s, size_t len)
{
    *p++ = '"';
    p = put_escaped(p, s, len, CSV_QUOTED);
    *p++ = '"';
    return p;
}

/* "\." alone on a line ends the data for PostgreSQL's \copy, so it is quoted as the server itself does. */
static inline char *put_csv(char *p, const char *s, size_t len)
{
    char *to = p;
    const char *from = s;
    for (size_t left = len;; to += 16, from += 16, left -= 16) {
        unsigned hits = copy_and_search(to, from, CSV_PROBE);
        if (left < 16)
            hits &= (1u << left) - 1;
        if (SP_UNLIKELY(hits))
            return put_csv_quoted(p, s, len);
        if (left <= 16)
            break;
    }
    if (SP_UNLIKELY(len == 0 || (len == 2 && s[0] == '\\' && s[1] == '.')))
        return put_csv_quoted(p, s, len);
    return p + len;
}

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
    p = sp_put_timestamp_iso(p, VALUE(int64_t));
    *p++ = 'Z';
    return p;
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

static char *put_text_plain(char *p, const sp_column *c, uint32_t row)
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

static put_fn *const plain_puts[SP_KINDS];
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
static put_fn *const json_puts[SP_KINDS];

static char *put_list_json(char *p, const sp_column *c, uint32_t row)
{
    const sp_column *items = c->child;
    put_fn *put = json_puts[items->type.kind];
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

#define NUMBERS_AND_TIMES                                                                                              \
    [SP_I16] = put_i16, [SP_I32] = put_i32, [SP_I64] = put_i64, [SP_U64] = put_u64, [SP_DECIMAL] = put_decimal,        \
    [SP_TIME] = put_time, [SP_INTERVAL] = put_interval, [SP_UUID] = put_uuid
#define SQL_TIMES [SP_DATE] = put_date, [SP_TIMESTAMP] = put_timestamp, [SP_TIMESTAMPTZ] = put_timestamptz

static put_fn *const plain_puts[SP_KINDS] = {
    NUMBERS_AND_TIMES,          SQL_TIMES,
    [SP_BOOL] = put_bool,       [SP_F32] = put_f32,
    [SP_F64] = put_f64,         [SP_TEXT] = put_text_plain,
    [SP_JSON] = put_text_plain, [SP_BYTES] = put_bytes,
    [SP_LIST] = put_array,
};
static put_fn *const csv_puts[SP_KINDS] = {
    NUMBERS_AND_TIMES,        SQL_TIMES,
    [SP_BOOL] = put_bool,     [SP_F32] = put_f32,
    [SP_F64] = put_f64,       [SP_TEXT] = put_text_csv,
    [SP_JSON] = put_text_csv, [SP_BYTES] = put_bytes,
    [SP_LIST] = put_list_csv,
};
static put_fn *const copy_puts[SP_KINDS] = {
    NUMBERS_AND_TIMES,          SQL_TIMES,
    [SP_BOOL] = put_bool_short, [SP_F32] = put_f32,
    [SP_F64] = put_f64,         [SP_TEXT] = put_text_copy,
    [SP_JSON] = put_text_copy,  [SP_BYTES] = put_bytes_copy,
    [SP_LIST] = put_list_copy,
};
static put_fn *const json_puts[SP_KINDS] = {
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
static put_fn *const sql_puts[SP_KINDS] = {
    NUMBERS_AND_TIMES,        SQL_TIMES,
    [SP_BOOL] = put_bool,     [SP_F32] = put_f32_sql,
    [SP_F64] = put_f64_sql,   [SP_TEXT] = put_text_sql,
    [SP_JSON] = put_text_sql, [SP_BYTES] = put_bytes,
    [SP_LIST] = put_list_sql,
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

/* What a dialect has around its cells. */
static const struct dialect {
    put_fn *const *puts;
    const char *row_start, *separator, *row_end, *null_text;
    bool keys;
    char quote;
    bool (*has_quotes)(sp_kind kind);
} dialects[] = {
    [SP_TEXT_CSV] = {csv_puts, "", ",", "\n", "", .quote = 0},
    [SP_TEXT_COPY] = {copy_puts, "", "\t", "\n", "\\N", .quote = 0},
    [SP_TEXT_NDJSON] = {json_puts, "{", ",", "}\n", "null", true, '"', json_has_quotes},
    [SP_TEXT_INSERT] = {sql_puts, "  (", ", ", "),\n", "NULL", false, '\'', sql_has_quotes},
};

/* ---- building ------------------------------------------------------------------------------- */

static int build_cell(sp_rowtext *e, uint32_t column)
{
    const struct dialect *d = &dialects[e->dialect];
    const sp_field *field = &e->schema->fields[column];
    sp_kind kind = field->type.kind;
    bool plain = kind == SP_TEXT && field->bounds.plain, quotes = d->has_quotes && d->has_quotes(kind);

    size_t name_len = strlen(field->name);
    char *lead = sp_arena_alloc(&e->arena, 6 * name_len + 16 + SP_SLACK, 1), *p = lead;
    if (!lead)
        return SPATE_E_NOMEM;
    const char *separator = column ? d->separator : d->row_start;
    p = (char *)memcpy(p, separator, strlen(separator)) + strlen(separator);
    if (d->keys) {
        /* put_escaped reads past the end, and a name has no slack. */
        char *name = sp_arena_alloc(&e->arena, name_len + SP_SLACK, 1);
        if (!name)
            return SPATE_E_NOMEM;
        memcpy(name, field->name, name_len);
        if (column)
            p = lead + strlen(separator);
        *p++ = '"';
        p = put_escaped(p, name, name_len, JSON_ESCAPE);
        *p++ = '"';
        *p++ = ':';
    }
    *p = d->quote;
    e->cells[column] = (cell){.put = plain ? put_text_plain : d->puts[kind],
                              .lead = lead,
                              .lead_len = (uint32_t)(p - lead) + quotes,
                              .null_lead_len = (uint32_t)(p - lead),
                              .null_len = (uint8_t)strlen(d->null_text),
                              .close = d->quote,
                              .close_len = quotes};
    memcpy(e->cells[column].null_text, d->null_text, strlen(d->null_text));
    e->frame_len += e->cells[column].lead_len + 4;
    return SPATE_OK;
}

int sp_rowtext_new(const sp_schema *schema, sp_text_dialect dialect, sp_rowtext **out, spate_error *err)
{
    sp_rowtext *e = sp_alloc_zero(1, sizeof(*e) + schema->n_fields * sizeof(cell));
    if (!e)
        return sp_fail_nomem(err);
    e->schema = schema;
    e->dialect = dialect;
    e->end_len = (uint32_t)strlen(dialects[dialect].row_end);
    memcpy(e->end, dialects[dialect].row_end, e->end_len);
    e->frame_len = e->end_len + 4;
    sp_arena_init(&e->arena);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (build_cell(e, i) != SPATE_OK) {
            sp_rowtext_free(e);
            return sp_fail_nomem(err);
        }
    }
    *out = e;
    return SPATE_OK;
}

void sp_rowtext_free(sp_rowtext *e)
{
    if (!e)
        return;
    sp_arena_done(&e->arena);
    sp_free(e);
}

/* ---- encoding ------------------------------------------------------------------------------- */

/* Upper bound for the values of rows [from, to) in any dialect: JSON's \u00xx is the longest escape. */
static size_t value_bound(const sp_column *c, uint32_t from, uint32_t to, sp_text_dialect dialect)
{
    size_t rows = to - from;
    switch (c->type.kind) {
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES: return (size_t)(c->offsets[to] - c->offsets[from]) * (dialect == SP_TEXT_NDJSON ? 6 : 2) + 6 * rows;
    case SP_LIST:
        if (dialect == SP_TEXT_NDJSON)
            return 4 * rows + value_bound(c->child, (uint32_t)c->offsets[from], (uint32_t)c->offsets[to], dialect);
        return 2 * array_bound(c, from, to) + (LIST_GAP + 4) * rows;
    default: return ((size_t)sp_kind_text_max(c->type.kind) + 8) * rows;
    }
}

static size_t block_bound(const sp_rowtext *e, const sp_batch *batch, uint32_t from, uint32_t to)
{
    size_t bytes = (size_t)e->frame_len * (to - from);
    for (uint32_t i = 0; i < e->schema->n_fields; i++)
        bytes += value_bound(&batch->columns[i], from, to, e->dialect);
    return bytes;
}

static inline char *put_lead(char *p, const char *lead, uint32_t len)
{
    memcpy(p, lead, 16);
    if (SP_UNLIKELY(len > 16))
        memcpy(p + 16, lead + 16, len - 16);
    return p + len;
}

static inline char *put_null(char *p, const cell *cell)
{
    p = put_lead(p, cell->lead, cell->null_lead_len);
    memcpy(p, cell->null_text, sizeof cell->null_text);
    return p + cell->null_len;
}

static inline char *put_row(char *p, const sp_rowtext *e, const sp_column *columns, uint32_t row)
{
    const cell *cell = e->cells, *last = cell + e->schema->n_fields;
    for (const sp_column *c = columns; cell < last; cell++, c++) {
        if (c->validity && !sp_bit(c->validity, row)) {
            p = put_null(p, cell);
            continue;
        }
        p = cell->put(put_lead(p, cell->lead, cell->lead_len), c, row);
        *p = cell->close;
        p += cell->close_len;
    }
    memcpy(p, e->end, sizeof e->end);
    return p + e->end_len;
}

int sp_rowtext_encode(const sp_rowtext *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out)
{
    while (from < to) {
        uint32_t block = SP_MIN(to - from, (uint32_t)BLOCK_ROWS);
        size_t bytes = block_bound(e, batch, from, from + block);
        while (bytes > BLOCK_BYTES_MAX && block > 1) {
            block /= 2;
            bytes = block_bound(e, batch, from, from + block);
        }
        if (sp_buf_reserve(out, bytes) != SPATE_OK)
            return SPATE_E_NOMEM;
        char *p = out->data + out->len;
        for (uint32_t row = from; row < from + block; row++)
            p = put_row(p, e, batch->columns, row);
        out->len = (size_t)(p - out->data);
        from += block;
    }
    return SPATE_OK;
}

int sp_rowtext_header(const sp_rowtext *e, sp_buf *out)
{
    if (e->dialect != SP_TEXT_CSV)
        return SPATE_OK;
    for (uint32_t i = 0; i < e->schema->n_fields; i++) {
        const char *name = e->schema->fields[i].name;
        size_t len = strlen(name);
        /* The name is copied behind its place, for put_csv reads past the end. */
        if (sp_buf_reserve(out, 4 * len + 8 + SP_SLACK) != SPATE_OK)
            return SPATE_E_NOMEM;
        char *p = out->data + out->len, *copy = p + 3 * len + 8;
        memcpy(copy, name, len);
        if (i)
            *p++ = ',';
        p = put_csv(p, copy, len);
        *p++ = i + 1 < e->schema->n_fields ? ' ' : '\n';
        out->len = (size_t)(p - out->data) - (i + 1 < e->schema->n_fields);
    }
    return SPATE_OK;
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
