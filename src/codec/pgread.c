/* pgread.c - rows out of PostgreSQL's COPY BINARY tuples: the inverse of pgbinary.c.
 *
 * A column's type decides its kind once; then one function a cell, row by row as the server sends them. Every length is checked
 * before a byte is read, so that no answer of a server can lead outside it. What a kind cannot hold exactly (a numeric that is not
 * a number in a decimal, an array of two dimensions) is SPATE_E_DATA. Formats: the *send functions in src/backend/utils/adt. */
#include "codec/codec.h"

typedef struct plan plan;
typedef int get_fn(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len);

struct plan {
    get_fn *get;
    uint32_t item_oid;
    const plan *item;
};

struct sp_pgread {
    const sp_schema *schema;
    const sp_pg_type *types;
    plan *plans, *items;
};

#define CELL(type) (((type *)to->data)[row])

static uint16_t load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return __builtin_bswap16(v);
}

static uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return __builtin_bswap32(v);
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return __builtin_bswap64(v);
}

/* ---- fixed width --------------------------------------------------------------------------------- */

#define FIXED(name, type, width, value) \
    static int name(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len) \
    { \
        if (len != (width)) \
            return SPATE_E_DATA; \
        CELL(type) = (type)(value); \
        return SPATE_OK; \
    }
FIXED(get_int2, uint16_t, 2, load16(p))
FIXED(get_int4, uint32_t, 4, load32(p))
FIXED(get_int8, uint64_t, 8, load64(p))

static int get_bool(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    if (len != 1)
        return SPATE_E_DATA;
    sp_cell_set_bool(to, row, *p);
    return SPATE_OK;
}

static int get_uuid(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    if (len != 16)
        return SPATE_E_DATA;
    memcpy((uint8_t *)to->data + (size_t)row * 16, p, 16);
    return SPATE_OK;
}

enum { DAYS_TO_2000 = 10957 };

static int get_date(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    if (len != 4)
        return SPATE_E_DATA;
    int32_t days = (int32_t)load32(p);
    if (days == INT32_MAX)
        CELL(int32_t) = SP_DATE_INFINITY;
    else if (days == INT32_MIN)
        CELL(int32_t) = -SP_DATE_INFINITY;
    else if (days >= INT32_MAX - DAYS_TO_2000)
        return SPATE_E_DATA;
    else
        CELL(int32_t) = days + DAYS_TO_2000;
    return SPATE_OK;
}

static int get_instant(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    if (len != 8)
        return SPATE_E_DATA;
    int64_t us = (int64_t)load64(p);
    if (SP_LIKELY(us > INT64_MIN && us < INT64_MAX - DAYS_TO_2000 * SP_US_PER_DAY)) {
        CELL(int64_t) = us + DAYS_TO_2000 * SP_US_PER_DAY;
        return SPATE_OK;
    }
    if (us != INT64_MAX && us != INT64_MIN) /* the last years before 294277, which count from 1970 cannot reach */
        return SPATE_E_DATA;
    CELL(int64_t) = us > 0 ? SP_TIMESTAMP_INFINITY : -SP_TIMESTAMP_INFINITY;
    return SPATE_OK;
}

static int get_interval(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    if (len != 16)
        return SPATE_E_DATA;
    CELL(sp_interval) =
        (sp_interval){.us = (int64_t)load64(p), .days = (int32_t)load32(p + 8), .months = (int32_t)load32(p + 12)};
    return SPATE_OK;
}

/* ---- text and bytes -------------------------------------------------------------------------------- */

static int get_bytes(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    return sp_cell_add_text(to, row, (sp_str){(const char *)p, len});
}

static int get_jsonb(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    return len < 2 || p[0] != 1 ? SPATE_E_DATA : get_bytes(c, to, row, p + 1, len - 1);
}

/* ---- numeric: count of base-10000 digits, weight of the first, sign, digits shown behind the point ---- */

enum { NUMERIC_NEGATIVE = 0x4000, NUMERIC_NAN = 0xc000, NUMERIC_INFINITY = 0xd000, NUMERIC_MINUS_INFINITY = 0xf000 };

typedef struct numeric {
    const uint8_t *digits;
    int n, weight;
    uint16_t sign;
    int shown;
} numeric;

static bool read_numeric(const uint8_t *p, uint32_t len, numeric *v)
{
    if (len < 8)
        return false;
    *v = (numeric){.digits = p + 8,
                   .n = load16(p),
                   .weight = (int16_t)load16(p + 2),
                   .sign = load16(p + 4),
                   .shown = load16(p + 6)};
    if (len != 8 + 2 * (uint32_t)v->n || v->shown > 16383 || (v->sign != 0 && v->sign != NUMERIC_NEGATIVE && v->n))
        return false;
    for (int i = 0; i < v->n; i++)
        if (load16(v->digits + 2 * i) > 9999)
            return false;
    return true;
}

/* Base-10000 digit that stands for 10000^power. */
static unsigned digit_at(const numeric *v, int power)
{
    int i = v->weight - power;
    return i >= 0 && i < v->n ? load16(v->digits + 2 * i) : 0;
}

/* Horner over the groups that reach scale; the last one is cut to the digits that count, the others of it must be zero. */
static int get_decimal(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    numeric v;
    if (!read_numeric(p, len, &v) || (v.sign != 0 && v.sign != NUMERIC_NEGATIVE))
        return SPATE_E_DATA;
    int scale = to->type.scale, last = -((scale + 3) / 4), spare = -last * 4 - scale;
    if (v.n && v.weight > 4)
        return SPATE_E_DATA;
    uint64_t n = 0;
    for (int power = v.n ? v.weight : 0; power >= last; power--) {
        unsigned digit = digit_at(&v, power), take = 4;
        if (power == last && spare) {
            if (digit % (unsigned)sp_pow10[spare])
                return SPATE_E_DATA;
            digit /= (unsigned)sp_pow10[spare];
            take = 4 - (unsigned)spare;
        }
        if (__builtin_mul_overflow(n, sp_pow10[take], &n) || __builtin_add_overflow(n, (uint64_t)digit, &n))
            return SPATE_E_DATA;
    }
    if (n >= sp_pow10[18] || v.weight - v.n + 1 < last)
        return SPATE_E_DATA;
    CELL(int64_t) = v.sign ? -(int64_t)n : (int64_t)n;
    return SPATE_OK;
}

static char *put_group(char *p, unsigned digit)
{
    *p++ = (char)('0' + digit / 1000);
    *p++ = (char)('0' + digit / 100 % 10);
    *p++ = (char)('0' + digit / 10 % 10);
    *p++ = (char)('0' + digit % 10);
    return p;
}

static int put_word(sp_column *to, uint32_t row, const char *word)
{
    return sp_cell_add_text(to, row, sp_str_of(word));
}

/* As numeric_out writes it. */
static int get_numeric_text(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    numeric v;
    if (!read_numeric(p, len, &v))
        return SPATE_E_DATA;
    switch (v.sign) {
    case 0:
    case NUMERIC_NEGATIVE: break;
    case NUMERIC_NAN: return put_word(to, row, "NaN");
    case NUMERIC_INFINITY: return put_word(to, row, "Infinity");
    case NUMERIC_MINUS_INFINITY: return put_word(to, row, "-Infinity");
    default: return SPATE_E_DATA;
    }
    size_t whole = v.weight >= 0 ? 4 * ((size_t)v.weight + 1) : 1, room = whole + (size_t)v.shown + 8;
    if ((size_t)to->offsets[row] + room > to->bytes_cap) {
        size_t cap = SP_MAX((size_t)to->offsets[row] + room, 2 * to->bytes_cap);
        if (sp_column_reserve_bytes(to, cap) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    char *start = to->bytes + to->offsets[row], *out = start;
    if (v.sign)
        *out++ = '-';
    char *first = out;
    for (int power = v.weight; power >= 0; power--)
        out = put_group(out, digit_at(&v, power));
    char *zeros = first;
    while (zeros < out && *zeros == '0')
        zeros++;
    memmove(first, zeros, (size_t)(out - zeros));
    out -= zeros - first;
    if (out == first)
        *out++ = '0';
    if (v.shown) {
        *out++ = '.';
        char *fraction = out;
        for (int power = -1; out < fraction + v.shown; power--)
            out = put_group(out, digit_at(&v, power)); /* three too many at most, which the room has */
        out = fraction + v.shown;
    }
    to->offsets[row + 1] = (int32_t)(out - to->bytes);
    return SPATE_OK;
}

/* ---- arrays of one dimension ------------------------------------------------------------------------ */

static int get_items(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, const uint8_t *end, uint32_t n)
{
    uint32_t at = (uint32_t)to->offsets[row];
    if (n > (uint32_t)(end - p) / 4 || sp_column_reserve_items(to->child, at + n) != SPATE_OK)
        return n > (uint32_t)(end - p) / 4 ? SPATE_E_DATA : SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++, at++) {
        if (end - p < 4)
            return SPATE_E_DATA;
        uint32_t len = load32(p);
        p += 4;
        if (len == UINT32_MAX) {
            sp_cell_read_null(to->child, at);
            continue;
        }
        if (len > (size_t)(end - p))
            return SPATE_E_DATA;
        int rc = c->item->get(c->item, to->child, at, p, len);
        if (rc != SPATE_OK)
            return rc;
        p += len;
    }
    to->offsets[row + 1] = (int32_t)at;
    return p == end ? SPATE_OK : SPATE_E_DATA;
}

static int get_array(const plan *c, sp_column *to, uint32_t row, const uint8_t *p, uint32_t len)
{
    if (len < 12 || load32(p + 8) != c->item_oid)
        return SPATE_E_DATA;
    uint32_t dimensions = load32(p);
    if (dimensions == 0)
        return get_items(c, to, row, p + 12, p + len, 0);
    if (dimensions != 1 || len < 20 || load32(p + 16) != 1)
        return SPATE_E_DATA;
    return get_items(c, to, row, p + 20, p + len, load32(p + 12));
}

/* ---- which type comes as what -------------------------------------------------------------------------- */

typedef struct reading {
    sp_kind kind;
    get_fn *get;
} reading;

/* A numeric's modifier: (precision << 16 | scale) + 4, the scale of eleven bits with its sign. */
static bool is_short_decimal(int32_t typmod, unsigned *precision, unsigned *scale)
{
    *precision = (uint32_t)(typmod - 4) >> 16;
    *scale = (uint32_t)(typmod - 4) & 0x7ff;
    return typmod >= 4 && *precision <= 18 && *scale <= *precision;
}

static bool reading_of(uint32_t oid, int32_t typmod, bool is_enum, reading *out)
{
    unsigned precision, scale;
    if (is_enum) {
        *out = (reading){SP_TEXT, get_bytes};
        return true;
    }
    switch (oid) {
    case 16: *out = (reading){SP_BOOL, get_bool}; return true;
    case 17: *out = (reading){SP_BYTES, get_bytes}; return true;
    case 20: *out = (reading){SP_I64, get_int8}; return true;
    case 21: *out = (reading){SP_I16, get_int2}; return true;
    case 23: *out = (reading){SP_I32, get_int4}; return true;
    case 19:
    case 25:
    case 1042:
    case 1043: *out = (reading){SP_TEXT, get_bytes}; return true;
    case 114: *out = (reading){SP_JSON, get_bytes}; return true;
    case 700: *out = (reading){SP_F32, get_int4}; return true;
    case 701: *out = (reading){SP_F64, get_int8}; return true;
    case 1082: *out = (reading){SP_DATE, get_date}; return true;
    case 1083: *out = (reading){SP_TIME, get_int8}; return true;
    case 1114: *out = (reading){SP_TIMESTAMP, get_instant}; return true;
    case 1184: *out = (reading){SP_TIMESTAMPTZ, get_instant}; return true;
    case 1186: *out = (reading){SP_INTERVAL, get_interval}; return true;
    case 2950: *out = (reading){SP_UUID, get_uuid}; return true;
    case 3802: *out = (reading){SP_JSON, get_jsonb}; return true;
    case 1700:
        *out = is_short_decimal(typmod, &precision, &scale) ? (reading){SP_DECIMAL, get_decimal}
                                                            : (reading){SP_TEXT, get_numeric_text};
        return true;
    default: return false;
    }
}

static bool reading_of_type(const sp_pg_type *type, reading *out)
{
    if (type->category != 'A')
        return reading_of(type->oid, type->typmod, type->is_enum, out);
    if (!reading_of(type->item_oid, type->typmod, type->is_enum, out))
        return false;
    out->get = get_array;
    return true;
}

static sp_type kind_type(sp_kind kind, const sp_pg_type *type)
{
    sp_type t = {.kind = kind};
    unsigned precision, scale;
    if (kind == SP_DECIMAL && is_short_decimal(type->typmod, &precision, &scale)) {
        t.precision = (uint8_t)precision;
        t.scale = (uint8_t)scale;
    }
    uint32_t oid = type->category == 'A' ? type->item_oid : type->oid;
    if (oid == 1043 && type->typmod >= 4)
        t.length = (uint32_t)type->typmod - 4;
    return t;
}

bool sp_pgread_type(const sp_pg_type *type, sp_arena *arena, sp_type *out)
{
    reading r;
    if (!reading_of_type(type, &r))
        return false;
    *out = kind_type(r.kind, type);
    if (type->category != 'A')
        return true;
    sp_type *item = sp_arena_alloc(arena, 1, sizeof(*item));
    if (!item)
        return false;
    *item = *out;
    *out = (sp_type){.kind = SP_LIST, .item = item};
    return true;
}

int sp_pgread_new(const sp_schema *schema, const sp_pg_type *types, sp_pgread **out, spate_error *err)
{
    uint32_t n = schema->n_fields;
    sp_pgread *d = sp_alloc_zero(1, sizeof(*d) + (size_t)n * 2 * sizeof(plan));
    if (!d)
        return sp_fail_nomem(err);
    *d = (sp_pgread){.schema = schema, .types = types, .plans = (plan *)(d + 1)};
    d->items = d->plans + n;
    for (uint32_t i = 0; i < n; i++) {
        reading r, item;
        if (!reading_of_type(&types[i], &r)) { /* read through a cast to text */
            d->plans[i].get = get_bytes;
            continue;
        }
        d->plans[i] = (plan){.get = r.get, .item_oid = types[i].item_oid, .item = &d->items[i]};
        if (types[i].category == 'A' && reading_of(types[i].item_oid, types[i].typmod, types[i].is_enum, &item))
            d->items[i].get = item.get;
    }
    *out = d;
    return SPATE_OK;
}

void sp_pgread_free(sp_pgread *d)
{
    sp_free(d);
}

/* ---- tuples ------------------------------------------------------------------------------------------- */

static int fail_shape(const sp_pgread *d, const sp_batch *b, spate_error *err)
{
    return sp_fail(err, SPATE_E_CORRUPT,
                   "table \"%s\", row %llu: the server's answer is no COPY BINARY tuple of %u columns",
                   d->schema->table, (unsigned long long)(b->first_row + b->rows + 1), d->schema->n_fields);
}

static int fail_cell(const sp_pgread *d, const sp_batch *b, uint32_t i, int rc, spate_error *err)
{
    const sp_field *f = &d->schema->fields[i];
    if (rc != SPATE_E_DATA)
        return sp_fail_nomem(err);
    sp_fail(err, SPATE_E_DATA, "table \"%s\", column \"%s\", row %llu: this value of type %s cannot be held as %s",
            d->schema->table, f->name, (unsigned long long)(b->first_row + b->rows + 1),
            d->types[i].name ? d->types[i].name : "?", sp_kind_name(f->type.kind));
    if (f->type.kind == SP_LIST)
        sp_error_hint(err, "a list has one dimension, which begins at 1; a column declared with two goes as text, whatever it holds:"
                           " ALTER COLUMN ... TYPE ...[][] says so, and reads no row");
    return SPATE_E_DATA;
}

int sp_pgread_header(sp_str bytes, size_t *used, spate_error *err)
{
    static const char signature[] = "PGCOPY\n\377\r\n"; /* and its NUL */
    if (bytes.len < 19 || memcmp(bytes.p, signature, 11) != 0)
        return sp_fail(err, SPATE_E_CORRUPT, "the server's answer does not begin as COPY BINARY does");
    uint32_t more = load32((const uint8_t *)bytes.p + 15);
    if (more > bytes.len - 19)
        return sp_fail(err, SPATE_E_CORRUPT, "the server's answer does not begin as COPY BINARY does");
    *used = 19 + (size_t)more;
    return SPATE_OK;
}

int sp_pgread_tuple(const sp_pgread *d, sp_str bytes, sp_batch *batch, size_t *used, spate_error *err)
{
    const uint8_t *p = (const uint8_t *)bytes.p, *end = p + bytes.len;
    uint32_t row = batch->rows;
    if (bytes.len < 2)
        return fail_shape(d, batch, err);
    if (load16(p) == UINT16_MAX) {
        *used = 2;
        return SPATE_OK;
    }
    if (load16(p) != d->schema->n_fields)
        return fail_shape(d, batch, err);
    p += 2;
    for (uint32_t i = 0; i < d->schema->n_fields; i++) {
        if (end - p < 4)
            return fail_shape(d, batch, err);
        uint32_t len = load32(p);
        p += 4;
        if (len == UINT32_MAX) {
            sp_cell_read_null(&batch->columns[i], row);
            continue;
        }
        if (len > (size_t)(end - p))
            return fail_shape(d, batch, err);
        int rc = d->plans[i].get(&d->plans[i], &batch->columns[i], row, p, len);
        if (rc != SPATE_OK)
            return fail_cell(d, batch, i, rc, err);
        p += len;
    }
    batch->rows++;
    *used = (size_t)(p - (const uint8_t *)bytes.p);
    return SPATE_OK;
}
