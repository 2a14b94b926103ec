/* myread.c - rows out of MariaDB's answers to prepared statements, whose values are binary.
 *
 * A column's type decides its kind and its reader once. Every length is checked before a byte is read, so that no answer of a
 * server can lead outside it. What a kind cannot hold is SPATE_E_DATA: a date of zeroes, a time of more than a day, a TINYINT(1) of 7.
 * The form: https://mariadb.com/kb/en/result-set-packets/#binary-resultset-row */
#include "codec/mybinary.h"

/* How a cell's bytes are read. Fixed widths come first. */
typedef enum form { F_1_TO_BOOL, F_1_TO_16, F_1U_TO_16, F_2, F_2U_TO_32, F_4, F_4U_TO_64, F_8, F_LENGTH } form;

typedef struct reading {
    form form;
    sp_my_class class;
    sp_kind kind;
    const char *name;
} reading;

/* Columns whose nulls are bits of one byte: of the first there are six. */
typedef struct group {
    uint32_t first, n;
    uint32_t width; /* of their values, where it does not depend on these; else 0 */
} group;

struct sp_myread {
    const sp_schema *schema;
    sp_my_reading how;
    reading *readings;
    group *groups;
    uint32_t n_groups;
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
    case 0xfb:
    case 0xff: return false;
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
    case SP_MY_DATE:
    case SP_MY_DATETIME:
    case SP_MY_TIMESTAMP: return get_moment(d, r, to, row, p, len);
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
    return r->kind == SP_TEXT || r->kind == SP_JSON || r->kind == SP_BYTES ? sp_cell_add_text(to, row, text)
                                                                           : sp_cell_read(to, row, text);
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

static const uint8_t widths[] = {[F_1_TO_16] = 1, [F_1U_TO_16] = 1, [F_2] = 2, [F_2U_TO_32] = 2,
                                 [F_4] = 4,       [F_4U_TO_64] = 4, [F_8] = 8, [F_LENGTH] = 0};

static void add_groups(sp_myread *d)
{
    uint32_t n = d->schema->n_fields;
    for (uint32_t i = 0; i < n; d->n_groups++) {
        group *g = &d->groups[d->n_groups];
        *g = (group){.first = i, .n = SP_MIN(i ? 8u : 6u, n - i)};
        bool fixed = true;
        for (uint32_t end = i + g->n; i < end; i++) {
            g->width += widths[d->readings[i].form];
            fixed &= widths[d->readings[i].form] != 0;
        }
        g->width = fixed ? g->width : 0;
    }
}

int sp_myread_new(const sp_schema *schema, const sp_my_type *types, const sp_my_reading *how, sp_myread **out,
                  spate_error *err)
{
    size_t n = schema->n_fields, groups = n / 8 + 2;
    sp_myread *d = sp_alloc_zero(1, sizeof(*d) + n * sizeof(reading) + groups * sizeof(group));
    if (!d)
        return sp_fail_nomem(err);
    *d = (sp_myread){.schema = schema, .how = *how, .readings = (reading *)(d + 1)};
    for (uint32_t i = 0; i < schema->n_fields; i++)
        d->readings[i] = (reading){form_of(&types[i]), types[i].class, schema->fields[i].type.kind, types[i].name};
    d->groups = (group *)(d->readings + n);
    add_groups(d);
    *out = d;
    return SPATE_OK;
}

void sp_myread_free(sp_myread *d)
{
    sp_free(d);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* The rows at hand: where each has been read up to. */
typedef struct strip {
    const uint8_t *nulls[SP_MYREAD_ROWS], *at[SP_MYREAD_ROWS], *end[SP_MYREAD_ROWS];
    uint32_t n;
    uint32_t failed; /* the row that did */
} strip;

static int fail_shape(const sp_myread *d, const sp_batch *b, const strip *s, spate_error *err)
{
    return sp_fail(err, SPATE_E_CORRUPT, "table \"%s\", row %llu: the server's answer is no row of %u binary values",
                   d->schema->table, (unsigned long long)(b->first_row + b->rows + s->failed + 1), d->schema->n_fields);
}

static const char *fault_of(const reading *r)
{
    switch (r->class) {
    case SP_MY_DATE:
    case SP_MY_DATETIME:
    case SP_MY_TIMESTAMP: return "is no day of the calendar";
    case SP_MY_TIME: return "is no time of day";
    default: return r->kind == SP_BOOL ? "is neither 0 nor 1" : "cannot be held exactly";
    }
}

static const char *way_out_of(const reading *r)
{
    switch (r->class) {
    case SP_MY_DATE:
    case SP_MY_DATETIME:
    case SP_MY_TIMESTAMP: return "with zero-dates=null in the URI, 0000-00-00 is read as null";
    case SP_MY_TIME: return "with time=interval in the URI, TIME is read as an interval";
    default: return r->kind == SP_BOOL ? "with tinyint1=smallint in the URI, TINYINT(1) is read as a number" : NULL;
    }
}

static int fail_cell(const sp_myread *d, const sp_batch *b, const strip *s, uint32_t i, spate_error *err)
{
    const reading *r = &d->readings[i];
    sp_fail(err, SPATE_E_DATA, "table \"%s\", column \"%s\", row %llu: this value of type %s %s", d->schema->table,
            d->schema->fields[i].name, (unsigned long long)(b->first_row + b->rows + s->failed + 1), r->name,
            fault_of(r));
    if (way_out_of(r))
        sp_error_hint(err, "%s", way_out_of(r));
    return SPATE_E_DATA;
}

static bool is_null(const strip *s, uint32_t k, uint32_t i)
{
    return sp_bit(s->nulls[k], i + 2);
}

_Static_assert(SP_MYREAD_ROWS <= 32, "a bit a row");

/* The rows of the strip whose i-th value is there, a bit each. The cells of the others become nulls of zeroes. */
static uint32_t present_rows(const strip *s, uint32_t i, sp_column *to, uint32_t first)
{
    uint32_t absent = 0, width = sp_kind_width(to->type.kind);
    for (uint32_t k = 0; k < s->n; k++)
        absent |= (uint32_t)is_null(s, k, i) << k;
    if (absent) {
        uint8_t *validity = sp_column_validity(to, to->rows_cap);
        for (uint32_t left = absent; left; left &= left - 1) {
            uint32_t row = first + (uint32_t)__builtin_ctz(left);
            validity[row >> 3] &= (uint8_t) ~(1u << (row & 7));
        }
        memset((char *)to->data + (size_t)first * width, 0, (size_t)s->n * width);
    }
    return ~absent & (uint32_t)((UINT64_C(1) << s->n) - 1);
}

/* One loop a width: a column's cells of all rows of the strip. CORRUPT: a row ends before its value does. */
#define EACH(width, store) \
    for (uint32_t left = present_rows(s, i, to, first); left; left &= left - 1) { \
        uint32_t k = (uint32_t)__builtin_ctz(left), row = first + k; \
        const uint8_t *p = s->at[k]; \
        s->failed = k; \
        if (SP_UNLIKELY(s->end[k] - p < (width))) \
            return SPATE_E_CORRUPT; \
        store; \
        s->at[k] = p + (width); \
    } \
    return SPATE_OK

static int get_small(form f, sp_column *to, uint32_t first, uint32_t i, strip *s)
{
    if (f == F_1_TO_16) {
        EACH(1, CELL(int16_t) = (int8_t)*p);
    } else if (f == F_1U_TO_16) {
        EACH(1, CELL(int16_t) = *p);
    }
    EACH(1, if (*p > 1) return SPATE_E_DATA; sp_cell_set_bool(to, row, *p));
}

static int get_fixed(form f, sp_column *to, uint32_t first, uint32_t i, strip *s)
{
    switch (f) {
    case F_2: EACH(2, memcpy(&CELL(int16_t), p, 2));
    case F_2U_TO_32: EACH(2, CELL(int32_t) = load16(p));
    case F_4: EACH(4, memcpy(&CELL(int32_t), p, 4));
    case F_4U_TO_64: EACH(4, CELL(int64_t) = load32(p));
    case F_8: EACH(8, memcpy(&CELL(int64_t), p, 8));
    default: return get_small(f, to, first, i, s);
    }
}

static int get_lengths(const sp_myread *d, sp_column *to, uint32_t first, uint32_t i, strip *s)
{
    for (uint32_t k = 0; k < s->n; k++) {
        size_t len;
        if (is_null(s, k, i)) {
            sp_cell_read_null(to, first + k);
            continue;
        }
        s->failed = k;
        if (!take_length(&s->at[k], s->end[k], &len))
            return SPATE_E_CORRUPT;
        int rc = get_counted(d, &d->readings[i], to, first + k, s->at[k], len);
        if (rc != SPATE_OK)
            return rc;
        s->at[k] += len;
    }
    return SPATE_OK;
}

/* A byte of zero, a bit for each column that is null, the values. False: one is not even that. */
static bool begin_rows(const sp_myread *d, const sp_str *rows, uint32_t n, strip *s)
{
    size_t head = 1 + (d->schema->n_fields + 9) / 8;
    s->n = n;
    for (uint32_t k = 0; k < n; k++) {
        const uint8_t *p = (const uint8_t *)rows[k].p;
        s->failed = k;
        if (rows[k].len < head || *p != 0)
            return false;
        s->nulls[k] = p + 1;
        s->at[k] = p + head;
        s->end[k] = p + rows[k].len;
    }
    return true;
}

static bool are_all_read(strip *s)
{
    for (uint32_t k = 0; k < s->n; k++) {
        s->failed = k;
        if (s->at[k] != s->end[k])
            return false;
    }
    return true;
}

/* Whether no column of the group is null in any row, and all rows have bytes for its values. */
static bool is_whole(const strip *s, const group *g, uint32_t byte)
{
    uint8_t nulls = 0;
    bool room = g->width != 0;
    for (uint32_t k = 0; k < s->n; k++) {
        nulls |= s->nulls[k][byte];
        room &= s->end[k] - s->at[k] >= (ptrdiff_t)g->width;
    }
    return room && !(nulls & (byte ? 0xff : 0xfc));
}

#define WHOLE(store) \
    for (uint32_t k = 0, row = first; k < s->n; k++, row++) { \
        const uint8_t *p = s->at[k] + offset; \
        store; \
    } \
    break

static void get_whole(const sp_myread *d, const group *g, sp_batch *b, strip *s)
{
    uint32_t first = b->rows, offset = 0;
    for (uint32_t i = g->first; i < g->first + g->n; i++) {
        sp_column *to = &b->columns[i];
        switch (d->readings[i].form) {
        case F_8: WHOLE(memcpy(&CELL(int64_t), p, 8));
        case F_4: WHOLE(memcpy(&CELL(int32_t), p, 4));
        case F_4U_TO_64: WHOLE(CELL(int64_t) = load32(p));
        case F_2: WHOLE(memcpy(&CELL(int16_t), p, 2));
        case F_2U_TO_32: WHOLE(CELL(int32_t) = load16(p));
        case F_1U_TO_16: WHOLE(CELL(int16_t) = *p);
        default: WHOLE(CELL(int16_t) = (int8_t)*p);
        }
        offset += widths[d->readings[i].form];
    }
    for (uint32_t k = 0; k < s->n; k++)
        s->at[k] += g->width;
}

static int get_group(const sp_myread *d, const group *g, sp_batch *b, strip *s, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = g->first; i < g->first + g->n && rc == SPATE_OK; i++) {
        form f = d->readings[i].form;
        rc = f < F_LENGTH ? get_fixed(f, &b->columns[i], b->rows, i, s) : get_lengths(d, &b->columns[i], b->rows, i, s);
        if (rc == SPATE_E_DATA)
            fail_cell(d, b, s, i, err);
        else if (rc == SPATE_E_CORRUPT)
            fail_shape(d, b, s, err);
        else if (rc != SPATE_OK)
            sp_fail_nomem(err);
    }
    return rc;
}

int sp_myread_rows(const sp_myread *d, const sp_str *rows, uint32_t n, sp_batch *b, spate_error *err)
{
    strip s;
    if (!begin_rows(d, rows, n, &s))
        return fail_shape(d, b, &s, err);
    for (uint32_t i = 0; i < d->n_groups; i++) {
        const group *g = &d->groups[i];
        int rc = SPATE_OK;
        if (is_whole(&s, g, i))
            get_whole(d, g, b, &s);
        else
            rc = get_group(d, g, b, &s, err);
        if (rc != SPATE_OK)
            return rc;
    }
    if (!are_all_read(&s))
        return fail_shape(d, b, &s, err);
    b->rows += n;
    return SPATE_OK;
}
