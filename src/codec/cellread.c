/* cellread.c - cells out of text: what rowtext.c and PostgreSQL, DuckDB and SQLite write for each kind is read back.
 *
 * Exact or refused: digits that the kind cannot keep, a number out of range or a day that is none are SPATE_E_DATA, never a
 * rounded value. Text columns grow by doubling, so that a batch's storage settles after a few batches. */
#include "codec/codec.h"

#include <math.h>

#define CELL(type) (((type *)c->data)[row])

/* ---- room ------------------------------------------------------------------------------------- */

int sp_cell_add_text(sp_column *c, uint32_t row, sp_str text)
{
    size_t from = (size_t)c->offsets[row], end = from + text.len;
    if (SP_UNLIKELY(end > c->bytes_cap)) {
        size_t cap = SP_MIN(SP_MAX(end, 2 * c->bytes_cap), (size_t)INT32_MAX);
        if (end > INT32_MAX || sp_column_reserve_bytes(c, cap) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    if (text.len)
        memcpy(c->bytes + from, text.p, text.len);
    c->offsets[row + 1] = (int32_t)end;
    return SPATE_OK;
}

void sp_cell_read_null(sp_column *c, uint32_t row)
{
    uint8_t *validity = sp_column_validity(c, c->rows_cap);
    validity[row >> 3] &= (uint8_t) ~(1u << (row & 7));
    uint32_t width = sp_kind_width(c->type.kind);
    if (c->offsets)
        c->offsets[row + 1] = c->offsets[row];
    else if (width)
        memset((char *)c->data + (size_t)row * width, 0, width);
}

/* ---- numbers ---------------------------------------------------------------------------------- */

void sp_cell_set_bool(sp_column *c, uint32_t row, bool v)
{
    uint8_t *byte = (uint8_t *)c->data + (row >> 3), bit = (uint8_t)(1u << (row & 7));
    *byte = v ? *byte | bit : *byte & (uint8_t)~bit;
}

static int read_bool(sp_column *c, uint32_t row, sp_str s)
{
    bool v = s.len == 1 && *s.p == '1';
    if (!v && !(s.len == 1 && *s.p == '0') && !sp_parse_bool(s, &v))
        return SPATE_E_DATA;
    sp_cell_set_bool(c, row, v);
    return SPATE_OK;
}

/* Up to 18 digits without a look at overflow; the rest by the book. */
static bool parse_int(sp_str s, int64_t *v)
{
    size_t i = s.len && *s.p == '-';
    bool minus = i;
    uint64_t n = 0;
    if (s.len - i - 1 >= 18)
        return sp_parse_i64(s, v);
    for (; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';
        if (digit > 9)
            return sp_parse_i64(s, v);
        n = n * 10 + digit;
    }
    *v = minus ? -(int64_t)n : (int64_t)n;
    return true;
}

#define INTEGER(name, type) \
    static int name(sp_column *c, uint32_t row, sp_str s) \
    { \
        int64_t v; \
        if (!parse_int(s, &v) || v != (type)v) \
            return SPATE_E_DATA; \
        CELL(type) = (type)v; \
        return SPATE_OK; \
    }
INTEGER(read_i16, int16_t)
INTEGER(read_i32, int32_t)
INTEGER(read_i64, int64_t)

static int read_u64(sp_column *c, uint32_t row, sp_str s)
{
    return sp_parse_u64(s, &CELL(uint64_t)) ? SPATE_OK : SPATE_E_DATA;
}

static int read_f64(sp_column *c, uint32_t row, sp_str s)
{
    return sp_parse_f64(s, &CELL(double)) ? SPATE_OK : SPATE_E_DATA;
}

static int read_f32(sp_column *c, uint32_t row, sp_str s)
{
    double v;
    if (!sp_parse_f64(s, &v) || (isfinite(v) && !isfinite((float)v)))
        return SPATE_E_DATA;
    CELL(float) = (float)v;
    return SPATE_OK;
}

static int read_decimal(sp_column *c, uint32_t row, sp_str s)
{
    int64_t v, limit = (int64_t)sp_pow10[c->type.precision ? c->type.precision : 18];
    if (!sp_parse_decimal(s, c->type.scale, &v) || v >= limit || v <= -limit)
        return SPATE_E_DATA;
    CELL(int64_t) = v;
    return SPATE_OK;
}

/* ---- calendar ---------------------------------------------------------------------------------- */

static bool take(sp_str *s, char c)
{
    if (s->len == 0 || *s->p != c)
        return false;
    s->p++;
    s->len--;
    return true;
}

/* Between min and max (at most 9) digits. */
static bool take_digits(sp_str *s, unsigned min, unsigned max, unsigned *v)
{
    unsigned n = 0, value = 0;
    for (; n < s->len && n < max && (unsigned)(unsigned char)(s->p[n] - '0') <= 9; n++)
        value = value * 10 + (unsigned)(s->p[n] - '0');
    if (n < min)
        return false;
    *v = value;
    s->p += n;
    s->len -= n;
    return true;
}

static bool take_bc(sp_str *s)
{
    if (s->len < 3 || memcmp(s->p + s->len - 3, " BC", 3) != 0)
        return false;
    s->len -= 3;
    return true;
}

static bool is_day(int32_t year, unsigned month, unsigned day)
{
    int32_t y;
    unsigned m, d;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    sp_civil_from_days(sp_days_from_civil(year, month, day), &y, &m, &d);
    return m == month;
}

/* 2024-02-29, +010000-01-01, -000043-01-01; bc: the year counts from 1 BC backwards. */
static bool take_date(sp_str *s, bool bc, int32_t *days)
{
    bool minus = take(s, '-'), sign = minus || take(s, '+');
    unsigned year, month, day;
    if (!take_digits(s, 4, 7, &year) || !take(s, '-') || !take_digits(s, 2, 2, &month) || !take(s, '-') ||
        !take_digits(s, 2, 2, &day) || (bc && (sign || year == 0)))
        return false;
    int32_t y = minus ? -(int32_t)year : bc ? 1 - (int32_t)year : (int32_t)year;
    if (y > 5881580 || y < -5877640 || !is_day(y, month, day)) /* what int32 days reach */
        return false;
    *days = sp_days_from_civil(y, month, day);
    return true;
}

/* ".25": microseconds. False when finer digits than those are not zero. */
static bool take_fraction(sp_str *s, int64_t *us)
{
    *us = 0;
    if (!take(s, '.'))
        return true;
    size_t n = 0;
    for (int64_t unit = 100000; n < s->len && (unsigned)(unsigned char)(s->p[n] - '0') <= 9; n++, unit /= 10) {
        if (unit == 0 && s->p[n] != '0')
            return false;
        *us += unit * (s->p[n] - '0');
    }
    s->p += n;
    s->len -= n;
    return n > 0;
}

/* 10:11, 10:11:12.25; hours as many as there are digits for. */
static bool take_clock(sp_str *s, unsigned hour_digits, int64_t *us)
{
    unsigned hour, minute, second = 0;
    int64_t fraction = 0;
    if (!take_digits(s, 1, hour_digits, &hour) || !take(s, ':') || !take_digits(s, 2, 2, &minute) || minute > 59)
        return false;
    if (take(s, ':') && (!take_digits(s, 2, 2, &second) || second > 59 || !take_fraction(s, &fraction)))
        return false;
    *us = ((int64_t)hour * 3600 + minute * 60 + second) * SP_US_PER_SECOND + fraction;
    return true;
}

/* Z, +02, +02:00, +0200, +02:00:30: microseconds east of Greenwich; false when there is none. */
static bool take_zone(sp_str *s, int64_t *us)
{
    unsigned hours, minutes = 0, seconds = 0;
    *us = 0;
    take(s, ' ');
    if (take(s, 'Z') || take(s, 'z'))
        return true;
    bool west = take(s, '-');
    if ((!west && !take(s, '+')) || !take_digits(s, 2, 2, &hours))
        return false;
    bool colon = take(s, ':');
    if ((colon || s->len >= 2) && !take_digits(s, 2, 2, &minutes))
        return false;
    if (take(s, ':') && !take_digits(s, 2, 2, &seconds))
        return false;
    if (hours > 18 || minutes > 59 || seconds > 59)
        return false;
    *us = (int64_t)(hours * 3600 + minutes * 60 + seconds) * SP_US_PER_SECOND * (west ? -1 : 1);
    return true;
}

/* 1: infinity; -1: -infinity; 0: neither. */
static int infinite(sp_str s)
{
    return sp_str_ieq(s, "infinity") ? 1 : sp_str_ieq(s, "-infinity") ? -1 : 0;
}

static int read_date(sp_column *c, uint32_t row, sp_str s)
{
    int32_t days;
    int far = infinite(s);
    if (far) {
        CELL(int32_t) = far > 0 ? SP_DATE_INFINITY : -SP_DATE_INFINITY;
        return SPATE_OK;
    }
    bool bc = take_bc(&s);
    if (!take_date(&s, bc, &days) || s.len)
        return SPATE_E_DATA;
    CELL(int32_t) = days;
    return SPATE_OK;
}

static int read_time(sp_column *c, uint32_t row, sp_str s)
{
    int64_t us;
    if (!take_clock(&s, 2, &us) || s.len || us > SP_US_PER_DAY)
        return SPATE_E_DATA;
    CELL(int64_t) = us;
    return SPATE_OK;
}

/* zoned: an offset is taken into account. Without a zone an offset other than 0 would be lost. */
static int read_instant(sp_column *c, uint32_t row, sp_str s, bool zoned)
{
    int32_t days;
    int64_t clock = 0, zone = 0, us;
    int far = infinite(s);
    if (far) {
        CELL(int64_t) = far > 0 ? SP_TIMESTAMP_INFINITY : -SP_TIMESTAMP_INFINITY;
        return SPATE_OK;
    }
    bool bc = take_bc(&s);
    if (!take_date(&s, bc, &days))
        return SPATE_E_DATA;
    if (s.len &&
        !((take(&s, ' ') || take(&s, 'T') || take(&s, 't')) && take_clock(&s, 2, &clock) && clock <= SP_US_PER_DAY))
        return SPATE_E_DATA;
    if (s.len && (!take_zone(&s, &zone) || s.len || (!zoned && zone)))
        return SPATE_E_DATA;
    if (__builtin_mul_overflow((int64_t)days, SP_US_PER_DAY, &us) || __builtin_add_overflow(us, clock - zone, &us) ||
        us == SP_TIMESTAMP_INFINITY || us <= -SP_TIMESTAMP_INFINITY)
        return SPATE_E_DATA;
    CELL(int64_t) = us;
    return SPATE_OK;
}

static int read_timestamp(sp_column *c, uint32_t row, sp_str s)
{
    return read_instant(c, row, s, false);
}

static int read_timestamptz(sp_column *c, uint32_t row, sp_str s)
{
    return read_instant(c, row, s, true);
}

/* [+-]digits and a unit's word. */
static bool take_quantity(sp_str *s, sp_interval *v)
{
    static const struct {
        const char *word;
        int months, days;
    } units[] = {{"year", 12, 0}, {"mon", 1, 0}, {"month", 1, 0}, {"day", 0, 1}};
    sp_str rest = *s;
    bool minus = take(&rest, '-');
    unsigned n;
    if (!minus)
        take(&rest, '+');
    if (!take_digits(&rest, 1, 9, &n) || !take(&rest, ' '))
        return false;
    sp_str word = {rest.p, 0};
    while (word.len < rest.len && rest.p[word.len] != ' ')
        word.len++;
    rest.p += word.len;
    rest.len -= word.len;
    word.len -= word.len > 1 && word.p[word.len - 1] == 's';
    for (size_t i = 0; i < SP_COUNT(units); i++) {
        if (!sp_str_is(word, units[i].word))
            continue;
        int32_t signed_n = minus ? -(int32_t)n : (int32_t)n, months;
        if (__builtin_mul_overflow(signed_n, units[i].months, &months) ||
            __builtin_add_overflow(v->months, months, &v->months) ||
            __builtin_add_overflow(v->days, signed_n * units[i].days, &v->days))
            return false;
        take(&rest, ' ');
        *s = rest;
        return true;
    }
    return false;
}

bool sp_read_interval(sp_str s, sp_interval *interval)
{
    sp_interval v = {0};
    if (s.len == 0)
        return false;
    while (take_quantity(&s, &v))
        ;
    if (s.len) {
        bool minus = take(&s, '-');
        if (!minus)
            take(&s, '+');
        if (!take_clock(&s, 9, &v.us) || s.len)
            return false;
        v.us = minus ? -v.us : v.us;
    }
    *interval = v;
    return true;
}

static int read_interval(sp_column *c, uint32_t row, sp_str s)
{
    return sp_read_interval(s, &CELL(sp_interval)) ? SPATE_OK : SPATE_E_DATA;
}

/* ---- bytes ------------------------------------------------------------------------------------ */

static int read_uuid(sp_column *c, uint32_t row, sp_str s)
{
    return sp_parse_uuid(s, (uint8_t *)c->data + (size_t)row * 16) ? SPATE_OK : SPATE_E_DATA;
}

static int read_text(sp_column *c, uint32_t row, sp_str s)
{
    return sp_cell_add_text(c, row, s);
}

static int read_json(sp_column *c, uint32_t row, sp_str s)
{
    return sp_json_valid(s) ? sp_cell_add_text(c, row, s) : SPATE_E_DATA;
}

/* Hexadecimal digits, with or without \x in front. */
static int read_bytes(sp_column *c, uint32_t row, sp_str s)
{
    size_t len;
    if (s.len >= 2 && s.p[0] == '\\' && s.p[1] == 'x')
        s = (sp_str){s.p + 2, s.len - 2};
    int rc = sp_cell_add_text(c, row, (sp_str){s.p, s.len / 2}); /* for the room; overwritten */
    if (rc != SPATE_OK)
        return rc;
    return sp_parse_hex(s, (uint8_t *)c->bytes + c->offsets[row], &len) ? SPATE_OK : SPATE_E_DATA;
}

/* ---- lists: PostgreSQL's array text ------------------------------------------------------------- */

/* The element at *s, up to the comma or brace behind it, without quotes and escapes, at the end of the child's bytes. */
static int take_element(sp_str *s, sp_buf *word, bool *quoted)
{
    word->len = 0;
    *quoted = take(s, '"');
    while (s->len) {
        char b = *s->p;
        if (*quoted ? b == '"' : b == ',' || b == '}')
            break;
        if (!*quoted && (b == '{' || b == '"'))
            return SPATE_E_DATA;
        take(s, b);
        if (b == '\\') {
            if (s->len == 0)
                return SPATE_E_DATA;
            b = *s->p;
            take(s, b);
        }
        if (sp_buf_add(word, &b, 1) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    return !*quoted || take(s, '"') ? SPATE_OK : SPATE_E_DATA;
}

static int add_element(sp_column *child, uint32_t at, const sp_buf *word, bool quoted)
{
    sp_str text = {word->data, word->len};
    if (sp_column_reserve_items(child, at + 1) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (!quoted && sp_str_ieq(text, "null")) {
        sp_cell_read_null(child, at);
        return SPATE_OK;
    }
    return quoted || word->len ? sp_cell_read(child, at, text) : SPATE_E_DATA;
}

static int read_elements(sp_column *c, uint32_t row, sp_str s, sp_buf *word)
{
    uint32_t at = (uint32_t)c->offsets[row];
    if (!take(&s, '{'))
        return SPATE_E_DATA;
    for (bool more = !take(&s, '}'), quoted; more; at++) {
        int rc = take_element(&s, word, &quoted);
        if (rc == SPATE_OK)
            rc = add_element(c->child, at, word, quoted);
        if (rc != SPATE_OK)
            return rc;
        more = take(&s, ',');
        if (!more && !take(&s, '}'))
            return SPATE_E_DATA;
    }
    c->offsets[row + 1] = (int32_t)at;
    return s.len ? SPATE_E_DATA : SPATE_OK;
}

static int read_list(sp_column *c, uint32_t row, sp_str s)
{
    if (s.len && *s.p == '[')
        return sp_json_read_list(c, row, s);
    sp_buf word = {0};
    int rc = read_elements(c, row, s, &word);
    sp_buf_done(&word);
    return rc;
}

/* ---- the choice ------------------------------------------------------------------------------- */

static sp_cell_read_fn *const readers[SP_KINDS] = {
    [SP_BOOL] = read_bool,
    [SP_I16] = read_i16,
    [SP_I32] = read_i32,
    [SP_I64] = read_i64,
    [SP_U64] = read_u64,
    [SP_F32] = read_f32,
    [SP_F64] = read_f64,
    [SP_DECIMAL] = read_decimal,
    [SP_DATE] = read_date,
    [SP_TIME] = read_time,
    [SP_TIMESTAMP] = read_timestamp,
    [SP_TIMESTAMPTZ] = read_timestamptz,
    [SP_INTERVAL] = read_interval,
    [SP_UUID] = read_uuid,
    [SP_TEXT] = read_text,
    [SP_JSON] = read_json,
    [SP_BYTES] = read_bytes,
    [SP_LIST] = read_list,
};

sp_cell_read_fn *sp_cell_reader(sp_kind kind)
{
    return readers[kind];
}

int sp_cell_read(sp_column *c, uint32_t row, sp_str text)
{
    return readers[c->type.kind](c, row, text);
}

/* ---- text is UTF-8 ------------------------------------------------------------------------------ */

static bool is_clean(sp_str s)
{
    return sp_utf8_valid(s.p, s.len) && !memchr(s.p, '\0', s.len);
}

/* The whole column at once: valid as a whole, and no cell begins in the middle of a character. */
static bool column_is_clean(const sp_column *c, uint32_t rows)
{
    size_t len = (size_t)c->offsets[rows];
    bool clean = len == 0 || is_clean((sp_str){c->bytes, len});
    for (uint32_t i = 1; i < rows && clean; i++)
        clean = (size_t)c->offsets[i] == len || ((unsigned char)c->bytes[c->offsets[i]] & 0xc0) != 0x80;
    return clean;
}

/* The row of the first cell, or element of a list, that is no text; or last. */
static uint32_t first_unclean(const sp_column *c, uint32_t last)
{
    const sp_column *text = c->child ? c->child : c;
    uint32_t n = c->child ? (uint32_t)c->offsets[last] : last, at = 0, row = 0;
    if (!sp_kind_is_text(text->type.kind) || column_is_clean(text, n))
        return last;
    while (at < n && is_clean(sp_column_str(text, at)))
        at++;
    if (!c->child)
        return at;
    while (row < last && (uint32_t)c->offsets[row + 1] <= at)
        row++;
    return row;
}

uint32_t sp_batch_clean_rows(const sp_batch *b, spate_error *err)
{
    const sp_schema *schema = b->schema;
    uint32_t clean = b->rows;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const sp_column *c = &b->columns[i];
        uint32_t row = first_unclean(c, clean);
        if (row == clean)
            continue;
        clean = row;
        sp_str s = c->child ? (sp_str){0} : sp_column_str(c, row);
        sp_fail(err, SPATE_E_DATA, "table \"%s\", column \"%s\", row %llu: %s", schema->table, schema->fields[i].name,
                (unsigned long long)(b->first_row + row + 1),
                c->child                   ? "an element is no UTF-8 text"
                : memchr(s.p, '\0', s.len) ? "the text has a zero byte in it"
                                           : "the text is not UTF-8");
    }
    return clean;
}

int sp_batch_check_text(const sp_batch *b, spate_error *err)
{
    return sp_batch_clean_rows(b, err) == b->rows ? SPATE_OK : SPATE_E_DATA;
}
