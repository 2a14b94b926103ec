/* arrow_cells.c - cells of Arrow arrays into a batch's columns, and which type comes as which kind.
 *
 * Buffers are as long as whoever hung them has checked; what is inside them (offsets, indexes, numbers beyond a kind) is checked
 * here, cell by cell. Types that Arrow has and batches have not are widened, or read as text; what would lose something is refused. */
#include "codec/arrow_node.h"

#include "codec/codec.h"

/* ---- cells ---------------------------------------------------------------------------------------------- */

static int64_t integer_at(const sp_arrow_node *n, uint64_t at)
{
    int64_t v = 0;
    uint32_t bytes = n->bits / 8;
    memcpy(&v, n->data + bytes * at, bytes);
    unsigned shift = 64 - n->bits;
    return n->is_signed ? (int64_t)((uint64_t)v << shift) >> shift : v;
}

static int put_null(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    sp_cell_read_null(c, row);
    return SPATE_OK;
}

static int put_bool(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    sp_cell_set_bool(c, row, n->data[at / 8] >> (at % 8) & 1);
    return SPATE_OK;
}

static int put_integer(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    int64_t v = integer_at(n, at);
    switch (c->type.kind) {
    case SP_I16: ((int16_t *)c->data)[row] = (int16_t)v; break;
    case SP_I32: ((int32_t *)c->data)[row] = (int32_t)v; break;
    default: ((int64_t *)c->data)[row] = v; break;
    }
    return SPATE_OK;
}

/* Sign, five bits of exponent, ten of fraction. */
static float half_of(uint16_t h)
{
    unsigned exponent = h >> 10 & 31, fraction = h & 1023;
    float v = exponent == 0    ? (float)fraction * 0x1p-24f
              : exponent == 31 ? (fraction ? __builtin_nanf("") : __builtin_inff())
                               : (float)(1024 + fraction) * 0x1p-25f * (float)(UINT64_C(1) << exponent);
    return h >> 15 ? -v : v;
}

static int put_float(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    uint16_t half;
    if (n->bits == 16) {
        memcpy(&half, n->data + 2 * at, 2);
        ((float *)c->data)[row] = half_of(half);
    } else if (n->bits == 32) {
        memcpy((float *)c->data + row, n->data + 4 * at, 4);
    } else {
        memcpy((double *)c->data + row, n->data + 8 * at, 8);
    }
    return SPATE_OK;
}

/* What offsets lead to; false: they lead outside. */
static bool range_of(const sp_arrow_node *n, uint64_t at, uint64_t most, uint64_t *from, uint64_t *to)
{
    if (n->type == A_FIXED_LIST) {
        *from = at * (uint64_t)n->width;
        *to = *from + (uint64_t)n->width;
    } else if (n->bits == 64) {
        memcpy(from, n->data + 8 * at, 8);
        memcpy(to, n->data + 8 * (at + 1), 8);
    } else {
        uint32_t two[2];
        memcpy(two, n->data + 4 * at, 8);
        *from = two[0];
        *to = two[1];
    }
    return *from <= *to && *to <= most && *to - *from <= INT32_MAX;
}

static int put_bytes(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    uint64_t from, to;
    if (!range_of(n, at, n->more_bytes, &from, &to))
        return SPATE_E_DATA;
    sp_str s = {(const char *)n->more + from, to - from};
    return c->type.kind == SP_JSON && !sp_json_valid(s) ? SPATE_E_DATA : sp_cell_add_text(c, row, s);
}

static int put_fixed(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    const uint8_t *bytes = n->data + at * (uint64_t)n->width;
    if (c->type.kind != SP_UUID)
        return sp_cell_add_text(c, row, (sp_str){(const char *)bytes, (size_t)n->width});
    memcpy((uint8_t *)c->data + 16 * (size_t)row, bytes, 16);
    return SPATE_OK;
}

/* v / 10^scale of up to 38 digits. */
static char *put_wide(char *p, __int128 v, int32_t scale)
{
    char digits[48], *d = digits + sizeof(digits);
    unsigned __int128 left = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    int32_t n = 0;
    if (v < 0)
        *p++ = '-';
    for (; left || n <= scale; n++) {
        if (n == scale && scale)
            *--d = '.';
        *--d = (char)('0' + (int)(left % 10));
        left /= 10;
    }
    size_t len = (size_t)(digits + sizeof(digits) - d);
    memcpy(p, d, len);
    return p + len;
}

static int put_decimal(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    __int128 v = 0;
    if (n->bits == 128)
        memcpy(&v, n->data + 16 * at, 16);
    else
        v = n->bits == 64 ? *(const int64_t *)memcpy(&(int64_t){0}, n->data + 8 * at, 8)
                          : *(const int32_t *)memcpy(&(int32_t){0}, n->data + 4 * at, 4);
    if (c->type.kind == SP_TEXT) {
        char text[64];
        return sp_cell_add_text(c, row, (sp_str){text, (size_t)(put_wide(text, v, n->scale) - text)});
    }
    ((int64_t *)c->data)[row] = (int64_t)v;
    return v == (int64_t)v && v < (__int128)sp_pow10[18] && v > -(__int128)sp_pow10[18] ? SPATE_OK : SPATE_E_DATA;
}

/* Units to microseconds; false: it is none exactly. */
static bool to_us(const sp_arrow_node *n, int64_t v, int64_t *us)
{
    static const int64_t factors[] = {1000000, 1000, 1};
    if (n->unit < 3)
        return !__builtin_mul_overflow(v, factors[n->unit], us);
    *us = v / 1000;
    return v % 1000 == 0;
}

static int put_date(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    int64_t v = integer_at(n, at), a_day = 86400000;
    if (n->bits == 64 && v % a_day)
        return SPATE_E_DATA;
    v = n->bits == 64 ? v / a_day : v;
    ((int32_t *)c->data)[row] = (int32_t)v;
    return v > -SP_DATE_INFINITY && v < SP_DATE_INFINITY ? SPATE_OK : SPATE_E_DATA;
}

static int put_moment(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    int64_t us;
    bool ok = to_us(n, integer_at(n, at), &us) && us > -SP_TIMESTAMP_INFINITY && us < SP_TIMESTAMP_INFINITY;
    if (ok && c->type.kind == SP_TIME)
        ok = us >= 0 && us <= SP_US_PER_DAY;
    ((int64_t *)c->data)[row] = ok ? us : 0;
    return ok ? SPATE_OK : SPATE_E_DATA;
}

static int put_duration(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    sp_interval *v = (sp_interval *)c->data + row;
    *v = (sp_interval){0};
    return to_us(n, integer_at(n, at), &v->us) ? SPATE_OK : SPATE_E_DATA;
}

static int put_months(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    ((sp_interval *)c->data)[row] = (sp_interval){.months = (int32_t)integer_at(n, at)};
    return SPATE_OK;
}

static int put_day_time(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    int32_t v[2];
    memcpy(v, n->data + 8 * at, 8);
    ((sp_interval *)c->data)[row] = (sp_interval){.days = v[0], .us = (int64_t)v[1] * 1000};
    return SPATE_OK;
}

static int put_month_day_nano(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    int32_t v[2];
    int64_t ns;
    memcpy(v, n->data + 16 * at, 8);
    memcpy(&ns, n->data + 16 * at + 8, 8);
    ((sp_interval *)c->data)[row] = (sp_interval){v[0], v[1], ns / 1000};
    return ns % 1000 == 0 ? SPATE_OK : SPATE_E_DATA;
}

static int put_cell(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    at += n->start;
    if (n->valid && !(n->valid[at / 8] >> (at % 8) & 1))
        return put_null(n, at, c, row);
    return n->put(n, at, c, row);
}

static int put_indexed(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    uint64_t index = (uint64_t)integer_at(n, at);
    return index < n->values->rows ? put_cell(n->values, index, c, row) : SPATE_E_DATA;
}

static int put_list(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    uint64_t from, to;
    uint32_t out = (uint32_t)c->offsets[row];
    if (!range_of(n, at, n->item->rows, &from, &to) || to - from > INT32_MAX - out)
        return SPATE_E_DATA;
    if (sp_column_reserve_items(c->child, out + (uint32_t)(to - from)))
        return SPATE_E_NOMEM;
    int rc = SPATE_OK;
    for (; from < to && rc == SPATE_OK; from++)
        rc = put_cell(n->item, from, c->child, out++);
    c->offsets[row + 1] = (int32_t)out;
    return rc;
}

/* ---- which type comes as what --------------------------------------------------------------------------- */

static bool settle_integer(sp_arrow_node *n)
{
    uint32_t room = n->bits + !n->is_signed; /* that its values take with a sign */
    n->put = put_integer;
    n->as.kind = room <= 16 ? SP_I16 : room <= 32 ? SP_I32 : room <= 64 ? SP_I64 : SP_U64;
    return n->bits == 8 || n->bits == 16 || n->bits == 32 || n->bits == 64;
}

static bool settle_decimal(sp_arrow_node *n)
{
    n->put = put_decimal;
    n->as = n->precision <= 18
                ? (sp_type){.kind = SP_DECIMAL, .precision = (uint8_t)n->precision, .scale = (uint8_t)n->scale}
                : (sp_type){.kind = SP_TEXT};
    return (n->bits == 128 || n->bits == 64 || n->bits == 32) && n->precision >= 1 && n->precision <= 38 &&
           n->scale >= 0 && n->scale <= n->precision;
}

static bool settle_interval(sp_arrow_node *n)
{
    static sp_arrow_put_fn *const puts[] = {put_months, put_day_time, put_month_day_nano};
    static const uint32_t bits[] = {32, 64, 128};
    if (n->unit < 0 || n->unit > 2)
        return false;
    n->as.kind = SP_INTERVAL;
    n->put = puts[n->unit];
    n->bits = bits[n->unit];
    n->is_signed = true;
    return true;
}

static bool settle_time(sp_arrow_node *n, sp_kind kind, sp_arrow_put_fn *put)
{
    n->as.kind = kind;
    n->put = put;
    n->is_signed = true;
    return n->unit >= 0 && n->unit <= 3 && (n->bits == 64 || (n->bits == 32 && kind == SP_TIME));
}

static bool settle_as(sp_arrow_node *n, sp_kind kind, sp_arrow_put_fn *put)
{
    n->as.kind = kind;
    n->put = put;
    return true;
}

bool sp_arrow_settle(sp_arrow_node *n, sp_str extension)
{
    bool json = sp_str_is(extension, "arrow.json"), uuid = n->width == 16 && sp_str_is(extension, "arrow.uuid");
    bool wide = n->width < 0 || n->width > 1 << 20;
    switch (n->type) {
    case A_NULL: return settle_as(n, SP_TEXT, put_null);
    case A_INT: return settle_integer(n);
    case A_FLOAT: return settle_as(n, n->bits == 64 ? SP_F64 : SP_F32, put_float);
    case A_LARGE_BINARY:
    case A_BINARY: n->bits = n->type == A_BINARY ? 32 : 64; return settle_as(n, SP_BYTES, put_bytes);
    case A_LARGE_UTF8:
    case A_UTF8: n->bits = n->type == A_UTF8 ? 32 : 64; return settle_as(n, json ? SP_JSON : SP_TEXT, put_bytes);
    case A_BOOL: return settle_as(n, SP_BOOL, put_bool);
    case A_DECIMAL: return settle_decimal(n);
    case A_DATE: n->is_signed = true; return settle_as(n, SP_DATE, put_date);
    case A_TIME: return settle_time(n, SP_TIME, put_moment);
    case A_TIMESTAMP: n->bits = 64; return settle_time(n, n->zoned ? SP_TIMESTAMPTZ : SP_TIMESTAMP, put_moment);
    case A_DURATION: n->bits = 64; return settle_time(n, SP_INTERVAL, put_duration);
    case A_INTERVAL: return settle_interval(n);
    case A_FIXED: return settle_as(n, uuid ? SP_UUID : SP_BYTES, put_fixed) && !wide;
    case A_LIST:
    case A_LARGE_LIST:
    case A_FIXED_LIST: n->bits = n->type == A_LARGE_LIST ? 64 : 32; return settle_as(n, SP_LIST, put_list) && !wide;
    default: return false;
    }
}

static int put_parsed(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row)
{
    uint64_t from, to;
    if (!range_of(n, at, n->more_bytes, &from, &to))
        return SPATE_E_DATA;
    return sp_cell_read(c, row, (sp_str){(const char *)n->more + from, to - from});
}

bool sp_arrow_parse_as(sp_arrow_node *n, sp_kind kind)
{
    bool text = (n->type == A_UTF8 || n->type == A_LARGE_UTF8) && n->dictionary < 0;
    if (!text || (kind != SP_JSON && kind != SP_UUID))
        return false;
    n->as.kind = kind;
    n->put = put_parsed;
    return true;
}

void sp_arrow_make_indexed(sp_arrow_node *n, sp_arrow_node *values, int64_t id, uint32_t bits, bool is_signed)
{
    *values = *n;
    values->dictionary = -1;
    *n = (sp_arrow_node){.type = A_INT,
                         .bits = bits,
                         .is_signed = is_signed,
                         .dictionary = id,
                         .values = values,
                         .as = values->as,
                         .put = put_indexed};
}

int sp_arrow_refuse(sp_arrow_type type, const char *column, spate_error *err)
{
    static const char *const names[A_TYPES] = {
        [A_STRUCT] = "structs",
        [A_UNION] = "unions",
        [A_MAP] = "maps",
        [A_RUN_END] = "run-end encoded arrays",
        [A_BINARY_VIEW] = "binary views",
        [A_UTF8_VIEW] = "text views",
        [A_DECIMAL] = "decimals of more than 38 digits",
        [A_LIST] = "lists of lists",
    };
    sp_fail(err, SPATE_E_CONFIG, "column \"%s\": Arrow's %s are not read", column,
            type < A_TYPES && names[type] ? names[type] : "types of that kind");
    sp_error_hint(err, "--column takes only the columns that are named");
    return SPATE_E_CONFIG;
}

/* ---- columns --------------------------------------------------------------------------------------------- */

/* Fixed-width values without nulls, laid out as ours are. */
static bool can_be_copied(const sp_arrow_node *n, sp_kind kind)
{
    bool plain = n->put == put_integer || n->put == put_float || (n->put == put_fixed && kind == SP_UUID);
    uint32_t width = n->put == put_fixed ? 16 : n->bits / 8;
    return plain && !n->valid && width == sp_kind_width(kind) && n->rows;
}

static int take_column(const sp_arrow_node *n, uint64_t from, uint64_t to, sp_column *c, uint32_t row, uint64_t *at)
{
    size_t width = sp_kind_width(c->type.kind);
    if (can_be_copied(n, c->type.kind)) {
        memcpy((char *)c->data + row * width, n->data + (from + n->start) * width, (to - from) * width);
        return SPATE_OK;
    }
    int rc = SPATE_OK;
    for (*at = from; *at < to && rc == SPATE_OK; ++*at, row++)
        rc = put_cell(n, *at, c, row);
    return rc;
}

int sp_arrow_take(const sp_arrow_node *nodes, const uint32_t *columns, uint64_t from, uint64_t to, sp_batch *batch,
                  spate_error *err)
{
    for (uint32_t i = 0; i < batch->schema->n_fields; i++) {
        uint64_t at = from;
        int rc = take_column(&nodes[columns[i]], from, to, &batch->columns[i], batch->rows, &at);
        if (rc == SPATE_E_DATA)
            return sp_fail(err, rc, "column \"%s\", row %llu: the value cannot be read exactly, or is damaged",
                           batch->schema->fields[i].name,
                           (unsigned long long)(batch->first_row + batch->rows + (at - from)));
        if (rc != SPATE_OK)
            return sp_fail_nomem(err);
    }
    batch->rows += (uint32_t)(to - from);
    return SPATE_OK;
}
