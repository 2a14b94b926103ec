/* sqlite_cells.c - cells as parameters. The choice of a form is made once for all cells of a column
 * in a statement. */
#include "endpoint/sqlite_cells.h"

#include <math.h>
#include <strings.h>

static bool contains(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (; *text; text++)
        if (strncasecmp(text, word, n) == 0)
            return true;
    return false;
}

/* The five rules, in SQLite's order. */
sp_sqlite_affine sp_sqlite_affinity(const char *type)
{
    if (contains(type, "INT"))
        return SP_SQLITE_INTEGER;
    if (contains(type, "CHAR") || contains(type, "CLOB") || contains(type, "TEXT"))
        return SP_SQLITE_TEXT;
    if (!*type || contains(type, "BLOB"))
        return SP_SQLITE_NONE;
    if (contains(type, "REAL") || contains(type, "FLOA") || contains(type, "DOUB"))
        return SP_SQLITE_REAL;
    return SP_SQLITE_NUMERIC;
}

/* The loop around the binding of one cell: row is its row, at its parameter; bad gathers result
 * codes. */
#define EACH_CELL(c, row, at)                                                                      \
    for (uint32_t row = (c)->from, at = (c)->first; row < (c)->from + (c)->rows;                   \
         row++, at += (c)->stride)                                                                 \
        if (sp_column_null((c)->column, row))                                                      \
            bad |= sp_sqlite.bind_null((c)->statement, (int)at);                                   \
        else

static int bind_integers(const sp_sqlite_cells *c)
{
    const void *data = c->column->data;
    int bad = 0;
    switch (c->column->type.kind) {
    case SP_BOOL:
        EACH_CELL(c, row, at) bad |= sp_sqlite.bind_int64(c->statement, (int)at, sp_bit(data, row));
        break;
    case SP_I16:
        EACH_CELL(c, row, at)
        bad |= sp_sqlite.bind_int64(c->statement, (int)at, ((const int16_t *)data)[row]);
        break;
    case SP_I32:
        EACH_CELL(c, row, at)
        bad |= sp_sqlite.bind_int64(c->statement, (int)at, ((const int32_t *)data)[row]);
        break;
    default:
        EACH_CELL(c, row, at)
        bad |= sp_sqlite.bind_int64(c->statement, (int)at, ((const int64_t *)data)[row]);
        break;
    }
    return bad;
}

static int bind_unsigned(const sp_sqlite_cells *c, spate_error *err)
{
    const uint64_t *data = c->column->data;
    for (uint32_t row = c->from; row < c->from + c->rows; row++)
        if (!sp_column_null(c->column, row) && data[row] > INT64_MAX)
            return sp_fail(err, SPATE_E_DATA, "SQLite has no integer as large as %llu",
                           (unsigned long long)data[row]);
    return bind_integers(c);
}

static double real_at(const sp_column *c, uint32_t row)
{
    return c->type.kind == SP_F32 ? (double)((const float *)c->data)[row]
                                  : ((const double *)c->data)[row];
}

static int bind_reals(const sp_sqlite_cells *c, spate_error *err)
{
    int bad = 0;
    EACH_CELL(c, row, at)
    {
        double v = real_at(c->column, row);
        if (isnan(v))
            return sp_fail(err, SPATE_E_DATA, "SQLite has no NaN: it would store NULL");
        bad |= sp_sqlite.bind_double(c->statement, (int)at, v);
    }
    return bad;
}

/* The double nearest to v / 10^scale: one rounding as long as v has 53 bits, else by way of its
 * digits. */
static double decimal_real(int64_t v, unsigned scale)
{
    double real = (double)v / (double)sp_pow10[scale];
    if (v > -(INT64_C(1) << 53) && v < INT64_C(1) << 53)
        return real;
    char text[SP_DECIMAL_TEXT_MAX + SP_SLACK];
    char *end = sp_put_decimal(text, v, scale);
    (void)sp_parse_f64((sp_str){text, (size_t)(end - text)}, &real);
    return real;
}

/* Fifteen digits always come back from a double; of more, some do. */
static bool is_exact(int64_t v, unsigned scale, double real)
{
    char text[SP_F64_TEXT_MAX + SP_SLACK];
    int64_t back;
    if (v > -INT64_C(1000000000000000) && v < INT64_C(1000000000000000))
        return true;
    return sp_parse_decimal((sp_str){text, (size_t)(sp_put_f64(text, real) - text)}, scale, &back) && back == v;
}

static int bind_decimals(const sp_sqlite_cells *c, spate_error *err)
{
    const int64_t *data = c->column->data;
    unsigned scale = c->column->type.scale;
    int bad = 0;
    EACH_CELL(c, row, at)
    {
        double real = decimal_real(data[row], scale);
        if (!is_exact(data[row], scale, real)) {
            char text[SP_DECIMAL_TEXT_MAX + SP_SLACK];
            sp_fail(err, SPATE_E_DATA, "SQLite's numbers cannot hold %.*s exactly", (int)(sp_put_decimal(text, data[row], scale) - text), text);
            sp_error_hint(err, "a column declared TEXT keeps every digit");
            return SPATE_E_DATA;
        }
        bad |= sp_sqlite.bind_double(c->statement, (int)at, real);
    }
    return bad;
}

/* Seconds since 1970, rounded down. */
static int bind_epoch(const sp_sqlite_cells *c)
{
    const int64_t *data = c->column->data;
    int bad = 0;
    EACH_CELL(c, row, at)
    {
        int64_t seconds = data[row] / SP_US_PER_SECOND - (data[row] % SP_US_PER_SECOND < 0);
        bad |= sp_sqlite.bind_int64(c->statement, (int)at, seconds);
    }
    return bad;
}

static int bind_made_text(const sp_sqlite_cells *c, char **made)
{
    char *p = *made;
    int bad = 0;
    EACH_CELL(c, row, at)
    {
        char *end = sp_cell_put_fixed(p, c->column, row);
        bad |= sp_sqlite.bind_text(c->statement, (int)at, p, (int)(end - p), SQLITE_STATIC);
        p = end;
    }
    *made = p;
    return bad;
}

static int bind_strings(const sp_sqlite_cells *c)
{
    bool text = c->column->type.kind != SP_BYTES;
    int bad = 0;
    EACH_CELL(c, row, at)
    {
        sp_str s = sp_column_str(c->column, row);
        bad |= text ? sp_sqlite.bind_text(c->statement, (int)at, s.p, (int)s.len, SQLITE_STATIC)
                    : sp_sqlite.bind_blob(c->statement, (int)at, s.p, (int)s.len, SQLITE_STATIC);
    }
    return bad;
}

static int bind_uuid_blobs(const sp_sqlite_cells *c)
{
    const uint8_t *data = c->column->data;
    int bad = 0;
    EACH_CELL(c, row, at)
    bad |= sp_sqlite.bind_blob(c->statement, (int)at, data + (size_t)row * 16, 16, SQLITE_STATIC);
    return bad;
}

static int bind_lists(const sp_sqlite_cells *c, sp_buf *list, spate_error *err)
{
    int bad = 0;
    EACH_CELL(c, row, at)
    {
        list->len = 0;
        if (sp_cell_json(list, c->column, row))
            return sp_fail_nomem(err);
        bad |= sp_sqlite.bind_text(c->statement, (int)at, list->data, (int)list->len,
                                   SQLITE_TRANSIENT);
    }
    return bad;
}

/* ---- the choice ------------------------------------------------------------------------------ */

static int bind_kind(const sp_sqlite_cells *c, char **made, sp_buf *list, spate_error *err)
{
    bool text = c->target.affinity == SP_SQLITE_TEXT;
    switch (c->column->type.kind) {
    case SP_BOOL:
    case SP_I16:
    case SP_I32:
    case SP_I64:
        return bind_integers(c);
    case SP_U64:
        return text ? bind_made_text(c, made) : bind_unsigned(c, err);
    case SP_F32:
    case SP_F64:
        return bind_reals(c, err);
    case SP_DECIMAL:
        if (text)
            return bind_made_text(c, made);
        return c->column->type.scale == 0 ? bind_integers(c) : bind_decimals(c, err);
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ:
        return c->target.affinity == SP_SQLITE_INTEGER ? bind_epoch(c) : bind_made_text(c, made);
    case SP_UUID:
        return c->target.blob ? bind_uuid_blobs(c) : bind_made_text(c, made);
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES:
        return bind_strings(c);
    case SP_LIST:
        return bind_lists(c, list, err);
    default:
        return bind_made_text(c, made);
    }
}

int sp_sqlite_bind(const sp_sqlite_cells *cells, char **made, sp_buf *list, spate_error *err)
{
    int bad = bind_kind(cells, made, list, err);
    if (bad == SQLITE_OK || bad < 0) /* SQLite's codes are positive, ours negative */
        return bad;
    return bad == SQLITE_NOMEM ? sp_fail_nomem(err)
                               : sp_fail(err, SPATE_E_DATA, "a cell is too long for SQLite");
}
