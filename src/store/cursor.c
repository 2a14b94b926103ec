/* cursor.c - rows out, one by one and in order.
 *
 * Of every group of the open block a window of rows is decoded at a time, small enough that the windows of all groups stay in the
 * cache; a row is put together from them. */
#include "store/scan.h"

enum { WINDOW = 128 };

typedef struct window {
    sp_group_reading group;
    bool open, may;          /* may: rows of it can match */
    uint32_t next, from, to; /* the group's next row; rows that are decoded */
    spate_value *values;     /* a column's kind and name, filled in */
    uint32_t values_cap;
} window;

struct spate_cursor {
    sp_block_reader r;
    uint32_t shown;          /* fields at the front that are asked for; behind them those that conditions need */
    uint32_t block, last_block;
    bool in_block;
    uint32_t row;            /* of the block */
    window *windows;
    uint32_t n_windows;
    spate_value *out;
    spate_column *lists;
    uint32_t out_cap;
    sp_arena views;
};

/* ---- opening ----------------------------------------------------------------------------------- */

/* Conditions need their fields even where nobody asked for them. */
static int add_condition_fields(spate_cursor *c)
{
    sp_block_reader *r = &c->r;
    c->shown = r->n_fields;
    if (!r->fields || r->n_wheres == 0)
        return SPATE_OK;
    uint16_t *fields = sp_arena_alloc(&r->arena, r->n_fields + r->n_wheres, sizeof *fields);
    if (!fields)
        return SPATE_E_NOMEM;
    memcpy(fields, r->fields, r->n_fields * sizeof *fields);
    for (uint32_t w = 0; w < r->n_wheres; w++) {
        bool there = false;
        for (uint32_t i = 0; i < r->n_fields; i++)
            there |= fields[i] == r->wheres[w].name;
        if (!there)
            fields[r->n_fields++] = r->wheres[w].name;
    }
    r->fields = fields;
    return SPATE_OK;
}

int spate_cursor_open(spate_store *store, const spate_scan_options *options, spate_cursor **cursor, spate_error *err)
{
    spate_cursor *c = sp_alloc_zero(1, sizeof *c);
    if (!c)
        return sp_fail_nomem(err);
    sp_arena_init(&c->views);
    int rc = sp_block_reader_init(&c->r, store, options, err);
    if (rc == SPATE_OK && add_condition_fields(c) != SPATE_OK)
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = spate_cursor_seek(c, c->r.first, err);
    if (rc != SPATE_OK) {
        spate_cursor_close(c);
        return rc;
    }
    *cursor = c;
    return SPATE_OK;
}

void spate_cursor_close(spate_cursor *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->n_windows; i++) {
        sp_group_reading_done(&c->windows[i].group);
        sp_free(c->windows[i].values);
    }
    sp_free(c->windows);
    sp_free(c->out);
    sp_free(c->lists);
    sp_arena_done(&c->views);
    sp_block_reader_done(&c->r);
    sp_free(c);
}

spate_skipped spate_cursor_skipped(const spate_cursor *c)
{
    return c->r.skipped;
}

int spate_cursor_seek(spate_cursor *c, uint64_t row, spate_error *err)
{
    (void)err;
    c->r.first = row;
    c->block = sp_block_reader_block_of(&c->r, row);
    c->last_block = c->r.n_blocks;
    c->in_block = false;
    return SPATE_OK;
}

/* ---- blocks ------------------------------------------------------------------------------------ */

static int reserve_windows(spate_cursor *c, uint32_t n)
{
    if (n <= c->n_windows)
        return SPATE_OK;
    window *windows = sp_realloc(c->windows, n * sizeof *windows);
    if (!windows)
        return SPATE_E_NOMEM;
    memset(windows + c->n_windows, 0, (n - c->n_windows) * sizeof *windows);
    c->windows = windows;
    c->n_windows = n;
    return SPATE_OK;
}

static int open_block(spate_cursor *c, spate_error *err)
{
    bool wanted = false;
    while (c->block < c->last_block && !wanted) {
        int rc = sp_block_reader_open_block(&c->r, c->block++, &wanted, err);
        if (rc != SPATE_OK)
            return rc;
    }
    if (!wanted)
        return SPATE_OK;
    uint32_t groups = c->r.view.n_groups;
    int rc = sp_block_reader_order(&c->r, err);
    if (rc != SPATE_OK)
        return rc;
    if (reserve_windows(c, groups) != SPATE_OK)
        return sp_fail_nomem(err);
    for (uint32_t g = 0; g < groups; g++)
        c->windows[g].open = false;
    /* Rows in front of the first one count for where their group stands. */
    for (uint32_t g = 0; g < groups; g++)
        c->windows[g].next = groups == 1 ? c->r.from : 0;
    for (uint32_t i = 0; groups > 1 && i < c->r.from; i++)
        c->windows[c->r.order[i]].next++;
    c->row = c->r.from;
    c->in_block = true;
    return SPATE_OK;
}

static int reserve_values(spate_cursor *c, window *w)
{
    uint32_t n = w->group.n;
    if (n > w->values_cap) {
        spate_value *values = sp_realloc(w->values, n * sizeof *values);
        if (!values)
            return SPATE_E_NOMEM;
        w->values = values;
        w->values_cap = n;
    }
    if (n > c->out_cap) {
        spate_value *out = sp_realloc(c->out, n * sizeof *out);
        spate_column *lists = out ? sp_realloc(c->lists, n * sizeof *lists) : NULL;
        c->out = out ? out : c->out;
        c->lists = lists ? lists : c->lists;
        if (!lists)
            return SPATE_E_NOMEM;
        c->out_cap = n;
    }
    return SPATE_OK;
}

static int open_window(spate_cursor *c, uint32_t g, spate_error *err)
{
    window *w = &c->windows[g];
    /* All rows of the group: which of them are asked for is decided row by row. */
    uint32_t from = c->r.from, to = c->r.to;
    c->r.from = 0;
    c->r.to = c->r.block.rows;
    int rc = sp_block_reader_open_group(&c->r, g, &w->group, err);
    c->r.from = from;
    c->r.to = to;
    if (rc != SPATE_OK)
        return rc;
    w->open = true;
    w->may = w->group.rows > 0;
    w->from = w->to = 0;
    if (!w->may)
        return SPATE_OK;
    if (reserve_values(c, w) != SPATE_OK)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < w->group.n; i++) {
        const sp_reading *x = &w->group.columns[i];
        w->values[i] = (spate_value){.name = x->name, .kind = (uint8_t)x->type.kind, .precision = x->type.precision, .scale = x->type.scale};
    }
    return SPATE_OK;
}

static int fill_window(spate_cursor *c, window *w, spate_error *err)
{
    w->from = w->next / WINDOW * WINDOW;
    w->to = SP_MIN(w->from + WINDOW, w->group.rows);
    for (uint32_t i = 0; i < w->group.n; i++) {
        sp_reading *x = &w->group.columns[i];
        int rc = sp_reading_open(&c->r, x, err);
        if (rc == SPATE_OK && sp_reading_ready(&x->type, &x->out) != SPATE_OK)
            rc = sp_fail_nomem(err);
        if (rc == SPATE_OK)
            rc = sp_segment_read(&x->cells, w->from, w->to - w->from, &x->out, err);
        if (rc != SPATE_OK)
            return rc;
    }
    return SPATE_OK;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static int show_list(const sp_column *c, spate_column *out, sp_arena *arena)
{
    *out = (spate_column){.type = {.kind = (spate_kind)c->type.kind, .precision = c->type.precision, .scale = c->type.scale},
                          .validity = c->validity, .data = c->data, .offsets = c->offsets, .bytes = c->bytes};
    if (!c->child)
        return SPATE_OK;
    spate_column *child = sp_arena_alloc(arena, 1, sizeof *child);
    out->child = child;
    return child ? show_list(c->child, child, arena) : SPATE_E_NOMEM;
}

/* A list's value: a column of its items alone. Validity bits begin in the middle of a byte, so items are shown from the first on. */
static int put_list(spate_cursor *c, const sp_column *column, uint32_t at, uint32_t i, spate_value *v)
{
    if (show_list(column, &c->lists[i], &c->views) != SPATE_OK)
        return SPATE_E_NOMEM;
    c->lists[i].offsets = column->offsets + at;
    v->as.p = &c->lists[i];
    v->len = (uint32_t)(column->offsets[at + 1] - column->offsets[at]);
    return SPATE_OK;
}

static inline int put_cell(spate_cursor *c, const sp_column *column, uint32_t at, uint32_t i, spate_value *v)
{
    const char *data = column->data;
    switch ((sp_kind)v->kind) {
    case SP_BOOL:
        v->as.u = sp_bit(column->data, at);
        break;
    case SP_I16:
        v->as.i = ((const int16_t *)column->data)[at];
        break;
    case SP_I32:
    case SP_DATE:
        v->as.i = ((const int32_t *)column->data)[at];
        break;
    case SP_F32:
        v->as.f32 = ((const float *)column->data)[at];
        break;
    case SP_INTERVAL:
    case SP_UUID:
        v->as.p = data + (size_t)at * 16;
        v->len = 16;
        break;
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES:
        v->as.p = column->bytes + column->offsets[at];
        v->len = (uint32_t)(column->offsets[at + 1] - column->offsets[at]);
        break;
    case SP_LIST:
        return put_list(c, column, at, i, v);
    default:
        v->as.u = ((const uint64_t *)column->data)[at];
    }
    return SPATE_OK;
}

static int put_row(spate_cursor *c, const window *w, uint32_t at, uint32_t *n, spate_error *err)
{
    spate_value *out = c->out;
    for (uint32_t i = 0; i < w->group.n; i++) {
        const sp_column *column = &w->group.columns[i].out;
        if (column->validity && !sp_bit(column->validity, at))
            continue;
        *out = w->values[i];
        if (put_cell(c, column, at, i, out) != SPATE_OK)
            return sp_fail_nomem(err);
        out++;
    }
    *n = (uint32_t)(out - c->out);
    return SPATE_OK;
}

static bool matches(const sp_block_reader *r, const spate_value *values, uint32_t n)
{
    for (uint32_t w = 0; w < r->n_wheres; w++) {
        bool holds = false;
        for (uint32_t i = 0; !holds && i < n; i++)
            holds = values[i].name == r->wheres[w].name && sp_where_holds(&r->wheres[w], &values[i]);
        if (!holds)
            return false;
    }
    return true;
}

/* Drops the fields that only conditions asked for. */
static uint32_t keep_shown(const spate_cursor *c, spate_value *values, uint32_t n)
{
    uint32_t kept = 0;
    if (!c->r.fields || c->shown == c->r.n_fields)
        return n;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t f = 0; f < c->shown; f++)
            if (values[i].name == c->r.fields[f]) {
                values[kept++] = values[i];
                break;
            }
    return kept;
}

/* The row that stands next in the open block. *n SIZE_MAX: it does not match. */
static int take_row(spate_cursor *c, size_t *n, spate_error *err)
{
    uint32_t g = c->r.view.n_groups == 1 ? 0 : (uint32_t)c->r.order[c->row], some = 0;
    window *w = &c->windows[g];
    int rc = w->open ? SPATE_OK : open_window(c, g, err);
    *n = SIZE_MAX;
    if (rc != SPATE_OK || !w->may) {
        w->next++;
        return rc;
    }
    if (w->next >= w->to || w->next < w->from)
        rc = fill_window(c, w, err);
    if (rc == SPATE_OK)
        rc = put_row(c, w, w->next - w->from, &some, err);
    w->next++;
    if (rc == SPATE_OK && matches(&c->r, c->out, some))
        *n = keep_shown(c, c->out, some);
    return rc;
}

int spate_cursor_next(spate_cursor *c, const spate_value **values, size_t *n, uint64_t *row, spate_error *err)
{
    static const spate_value nothing;
    *values = NULL;
    *n = 0;
    if (c->views.head) {
        sp_arena_done(&c->views);
        sp_arena_init(&c->views);
    }
    for (;;) {
        if (!c->in_block) {
            int rc = open_block(c, err);
            if (rc != SPATE_OK || !c->in_block)
                return rc;
        }
        while (c->row < c->r.to) {
            size_t some;
            uint64_t number = c->r.block.first_row + c->row;
            int rc = take_row(c, &some, err);
            c->row++;
            if (rc != SPATE_OK)
                return rc;
            if (some == SIZE_MAX)
                continue;
            *values = some ? c->out : &nothing;
            *n = some;
            if (row)
                *row = number;
            return SPATE_OK;
        }
        c->in_block = false;
    }
}
