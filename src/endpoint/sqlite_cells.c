/* sqlite_cells.c - cells as parameters. The choice of a form is made once for all cells of a column
 * in a statement. */
#include "endpoint/sqlite_cells.h"

/* The loop around the binding of one cell: row is its row, at its parameter; bad gathers result
 * codes. */
#define EACH_CELL(c, row, at) \
    for (uint32_t row = (c)->from, at = (c)->first; row < (c)->from + (c)->rows; row++, at += (c)->stride) \
        if (sp_column_null((c)->column, row)) \
            bad |= sp_sqlite.bind_null((c)->statement, (int)at); \
        else

static int bind_integers(const sp_sqlite_cells *c)
{
    const void *data = c->column->data;
    int bad = 0;
    switch (c->column->type.kind) {
    case SP_BOOL: EACH_CELL(c, row, at) bad |= sp_sqlite.bind_int64(c->statement, (int)at, sp_bit(data, row)); break;
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
    int rc = SPATE_OK;
    for (uint32_t row = c->from; row < c->from + c->rows && rc == SPATE_OK; row++)
        rc = sp_column_null(c->column, row) ? SPATE_OK : sp_sqlite_check_unsigned(data[row], err);
    return rc == SPATE_OK ? bind_integers(c) : rc;
}

static int bind_numbers(const sp_sqlite_cells *c, int (*number)(const sp_column *, uint32_t, double *, spate_error *),
                        spate_error *err)
{
    int bad = 0;
    EACH_CELL(c, row, at)
    {
        double v;
        int rc = number(c->column, row, &v, err);
        if (rc != SPATE_OK)
            return rc;
        bad |= sp_sqlite.bind_double(c->statement, (int)at, v);
    }
    return bad;
}

static int bind_epoch(const sp_sqlite_cells *c)
{
    int bad = 0;
    EACH_CELL(c, row, at)
    bad |= sp_sqlite.bind_int64(c->statement, (int)at, sp_sqlite_epoch(c->column, row));
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
        bad |= sp_sqlite.bind_text(c->statement, (int)at, list->data, (int)list->len, SQLITE_TRANSIENT);
    }
    return bad;
}

/* ---- the choice ------------------------------------------------------------------------------ */

static int bind_form(const sp_sqlite_cells *c, char **made, sp_buf *list, spate_error *err)
{
    switch (sp_sqlite_form_of(&c->column->type, &c->target)) {
    case SP_SQLITE_AS_INTEGER: return bind_integers(c);
    case SP_SQLITE_AS_UNSIGNED: return bind_unsigned(c, err);
    case SP_SQLITE_AS_REAL: return bind_numbers(c, sp_sqlite_real, err);
    case SP_SQLITE_AS_DECIMAL: return bind_numbers(c, sp_sqlite_decimal, err);
    case SP_SQLITE_AS_EPOCH: return bind_epoch(c);
    case SP_SQLITE_AS_TEXT:
    case SP_SQLITE_AS_BLOB: return bind_strings(c);
    case SP_SQLITE_AS_UUID: return bind_uuid_blobs(c);
    case SP_SQLITE_AS_LIST: return bind_lists(c, list, err);
    default: return bind_made_text(c, made);
    }
}

int sp_sqlite_bind(const sp_sqlite_cells *cells, char **made, sp_buf *list, spate_error *err)
{
    int bad = bind_form(cells, made, list, err);
    if (bad == SQLITE_OK || bad < 0) /* SQLite's codes are positive, ours negative */
        return bad;
    return bad == SQLITE_NOMEM ? sp_fail_nomem(err) : sp_fail(err, SPATE_E_DATA, "a cell is too long for SQLite");
}
