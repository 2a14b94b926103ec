/* myread.c - rows out of MariaDB's answers to prepared statements, whose values are binary.
 *
 * A column's type decides its kind and its reader once. Every length is checked before a byte is read, so that no answer of a
 * server can lead outside it. What a kind cannot hold is SPATE_E_DATA: a date of zeroes, a time of more than a day, a TINYINT(1) of 7.
 * The form: https://mariadb.com/kb/en/result-set-packets/#binary-resultset-row */
#include "codec/mybinary.h"

#include <stdio.h>

/* How a cell's bytes are read. Fixed widths come first. */
typedef enum form { F_1_TO_BOOL, F_1_TO_16, F_1U_TO_16, F_2, F_2U_TO_32, F_4, F_4U_TO_64, F_8, F_LENGTH } form;

typedef struct reading {
    form form;
    sp_my_class class;
    sp_kind kind;
    const char *name;
} reading;

struct sp_myread {
    const sp_schema *schema;
    sp_my_reading how;
    reading *readings;
};

#define CELL(type) (((type *)to->data)[row])

static uint16_t load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* ---- values with a length -------------------------------------------------------------------- */

/* The length in front of a text. False: it is none, or longer than what is left. */
static bool take_length(const uint8_t **p, const uint8_t *end, size_t *len)
{
    size_t left = (size_t)(end - *p), width = 0;
    if (left == 0)
        return false;
    switch (**p) {
    case 0xfc: width = 2; break;
    case 0xfd: width = 3; break;
    case 0xfe: width = 8; break;
    case 0xfb: case 0xff: return false;
    default: *len = **p;
    }
    if (left <= width)
        return false;
    uint64_t v = 0;
    memcpy(&v, *p + 1, width);
    *len = width ? (size_t)v : *len;
    *p += 1 + width;
    return *len <= (size_t)(end - *p);
}

/* year, month, day: zeroes are no day. */
static bool get_days(const uint8_t *p, int32_t *days)
{
    unsigned year = load16(p), month = p[2], day = p[3];
    int32_t y;
    unsigned m, d;
    if (year == 0 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *days = sp_days_from_civil((int32_t)year, month, day);
    sp_civil_from_days(*days, &y, &m, &d);
    return m == month;
}

/* hour, minute, second, and a fraction if there are bytes for it. */
static int64_t get_clock(const uint8_t *p, size_t len)
{
    int64_t seconds = (int64_t)p[0] * 3600 + (int64_t)p[1] * 60 + p[2];
    return seconds * SP_US_PER_SECOND + (len == 7 ? (int64_t)load32(p + 3) : 0);
}

static bool is_zero_date(const uint8_t *p, size_t len)
{
    return len == 0 || (len >= 4 && load16(p) == 0 && p[2] == 0 && p[3] == 0);
}

static int get_moment(const sp_myread *d, const reading *r, sp_column *to, uint32_t row, const uint8_t *p, size_t len)
{
    int32_t days;
    if (d->how.zero_date_null && is_zero_date(p, len)) {
        sp_cell_read_null(to, row);
        return SPATE_OK;
    }
    if ((len != 4 && len != 7 && len != 11) || !get_days(p, &days))
        return SPATE_E_DATA;
    if (r->kind == SP_DATE)
        CELL(int32_t) = days;
    else
        CELL(int64_t) = days * SP_US_PER_DAY + (len > 4 ? get_clock(p + 4, len - 4) : 0);
    return SPATE_OK;
}

/* A sign, days and a clock: at most 838:59:59 either way, of which a day is a time of day. */
static int get_time(const reading *r, sp_column *to, uint32_t row, const uint8_t *p, size_t len)
{
    int64_t us = 0;
    if ((len != 0 && len != 8 && len != 12) || (len && load32(p + 1) > 35))
        return SPATE_E_DATA;
    if (len)
        us = (int64_t)load32(p + 1) * SP_US_PER_DAY + get_clock(p + 5, len - 5);
    us = len && p[0] ? -us : us;
    if (r->kind == SP_INTERVAL) {
        CELL(sp_interval) = (sp_interval){.us = us};
        return SPATE_OK;
    }
    CELL(int64_t) = us;
    return us < 0 || us > SP_US_PER_DAY ? SPATE_E_DATA : SPATE_OK;
}

/* The highest byte first. */
static int get_bits(sp_column *to, uint32_t row, const uint8_t *p, size_t len)
{
    uint64_t v = 0;
    if (len > 8)
        return SPATE_E_DATA;
    for (size_t i = 0; i < len; i++)
        v = v << 8 | p[i];
    switch (to->type.kind) {
    case SP_BOOL: sp_cell_set_bool(to, row, v != 0); break;
    case SP_I16: CELL(int16_t) = (int16_t)v; break;
    case SP_I32: CELL(int32_t) = (int32_t)v; break;
    default: CELL(uint64_t) = v; break;
    }
    return SPATE_OK;
}

static int get_counted(const sp_myread *d, const reading *r, sp_column *to, uint32_t row, const uint8_t *p, size_t len)
{
    sp_str text = {(const char *)p, len};
    switch (r->class) {
    case SP_MY_DATE: case SP_MY_DATETIME: case SP_MY_TIMESTAMP: return get_moment(d, r, to, row, p, len);
    case SP_MY_TIME: return get_time(r, to, row, p, len);
    case SP_MY_BIT: return get_bits(to, row, p, len);
    case SP_MY_BYTES:
        if (r->kind != SP_UUID)
            break;
        if (len == 16)
            memcpy((uint8_t *)to->data + (size_t)row * 16, p, 16);
        return len == 16 ? SPATE_OK : SPATE_E_DATA;
    default: break;
    }
    return r->kind == SP_TEXT || r->kind == SP_JSON || r->kind == SP_BYTES ? sp_cell_add_text(to, row, text) : sp_cell_read(to, row, text);
}

/* ---- which type comes as what ------------------------------------------------------------------ */

static form form_of(const sp_my_type *t)
{
    if (t->class == SP_MY_YEAR)
        return F_2;
    if (t->class == SP_MY_FLOAT)
        return t->bits == 32 ? F_4 : F_8;
    if (t->class != SP_MY_INTEGER)
        return F_LENGTH;
    switch (t->bits) {
    case 1: return F_1_TO_BOOL;
    case 8: return t->is_unsigned ? F_1U_TO_16 : F_1_TO_16;
    case 16: return t->is_unsigned ? F_2U_TO_32 : F_2;
    case 24: return F_4;
    case 32: return t->is_unsigned ? F_4U_TO_64 : F_4;
    default: return F_8;
    }
}

int sp_myread_new(const sp_schema *schema, const sp_my_type *types, const sp_my_reading *how, sp_myread **out, spate_error *err)
{
    sp_myread *d = sp_alloc_zero(1, sizeof(*d) + schema->n_fields * sizeof(reading));
    if (!d)
        return sp_fail_nomem(err);
    *d = (sp_myread){.schema = schema, .how = *how, .readings = (reading *)(d + 1)};
    for (uint32_t i = 0; i < schema->n_fields; i++)
        d->readings[i] = (reading){form_of(&types[i]), types[i].class, schema->fields[i].type.kind, types[i].name};
    *out = d;
    return SPATE_OK;
}

void sp_myread_free(sp_myread *d)
{
    sp_free(d);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int fail_shape(const sp_myread *d, const sp_batch *b, spate_error *err)
{
    return sp_fail(err, SPATE_E_CORRUPT, "table \"%s\", row %llu: the server's answer is no row of %u binary values", d->schema->table,
                   (unsigned long long)(b->first_row + b->rows + 1), d->schema->n_fields);
}

static int fail_cell(const sp_myread *d, const sp_batch *b, uint32_t i, int rc, spate_error *err)
{
    const reading *r = &d->readings[i];
    if (rc != SPATE_E_DATA)
        return sp_fail_nomem(err);
    bool day = r->class == SP_MY_DATE || r->class == SP_MY_DATETIME || r->class == SP_MY_TIMESTAMP;
    sp_fail(err, SPATE_E_DATA, "table \"%s\", column \"%s\", row %llu: this value of type %s %s", d->schema->table, d->schema->fields[i].name,
            (unsigned long long)(b->first_row + b->rows + 1), r->name,
            day                      ? "is no day of the calendar"
            : r->class == SP_MY_TIME ? "is no time of day"
            : r->kind == SP_BOOL     ? "is neither 0 nor 1"
                                     : "cannot be held exactly");
    if (day)
        sp_error_hint(err, "with zero-dates=null in the URI, 0000-00-00 is read as null");
    if (r->class == SP_MY_TIME)
        sp_error_hint(err, "with time=interval in the URI, TIME is read as an interval");
    if (r->kind == SP_BOOL)
        sp_error_hint(err, "with tinyint1=smallint in the URI, TINYINT(1) is read as a number");
    return SPATE_E_DATA;
}

/* The bytes that a value has in front of it or that its type has. */
static const uint8_t widths[] = {1, 1, 1, 2, 2, 4, 4, 8};

static int get_fixed(form f, sp_column *to, uint32_t row, const uint8_t *p)
{
    switch (f) {
    case F_1_TO_BOOL: sp_cell_set_bool(to, row, *p == 1); return *p <= 1 ? SPATE_OK : SPATE_E_DATA;
    case F_1_TO_16: CELL(int16_t) = (int8_t)*p; return SPATE_OK;
    case F_1U_TO_16: CELL(int16_t) = *p; return SPATE_OK;
    case F_2: memcpy(&CELL(int16_t), p, 2); return SPATE_OK;
    case F_2U_TO_32: CELL(int32_t) = load16(p); return SPATE_OK;
    case F_4: memcpy(&CELL(int32_t), p, 4); return SPATE_OK;
    case F_4U_TO_64: CELL(int64_t) = load32(p); return SPATE_OK;
    default: memcpy(&CELL(int64_t), p, 8); return SPATE_OK;
    }
}

int sp_myread_row(const sp_myread *d, sp_str bytes, sp_batch *b, spate_error *err)
{
    const uint32_t n = d->schema->n_fields, row = b->rows;
    const uint8_t *nulls = (const uint8_t *)bytes.p + 1, *end = (const uint8_t *)bytes.p + bytes.len, *p = nulls + (n + 9) / 8;
    if (bytes.len < 1 + (n + 9) / 8 || *bytes.p != 0)
        return fail_shape(d, b, err);
    for (uint32_t i = 0; i < n; i++) {
        sp_column *to = &b->columns[i];
        form f = d->readings[i].form;
        if (sp_bit(nulls, i + 2)) {
            sp_cell_read_null(to, row);
            continue;
        }
        size_t len;
        int rc;
        if (SP_LIKELY(f < F_LENGTH)) {
            len = widths[f];
            if (len > (size_t)(end - p))
                return fail_shape(d, b, err);
            rc = get_fixed(f, to, row, p);
        } else {
            if (!take_length(&p, end, &len))
                return fail_shape(d, b, err);
            rc = get_counted(d, &d->readings[i], to, row, p, len);
        }
        if (rc != SPATE_OK)
            return fail_cell(d, b, i, rc, err);
        p += len;
    }
    b->rows++;
    return p == end ? SPATE_OK : fail_shape(d, b, err);
}
