/* cursor.c - rows out, one by one and in order.
 *
 * Of every group of the open block a window of rows is decoded at a time, column by column. A few rows of it are then put together at
 * once, column by column too: the value of each goes where the row has come to, so absent cells cost nothing, and what a column
 * is gets decided once for all of them. The rows fit into the cache; handing one out is giving a pointer to it. */
#include "store/scan.h"

enum { WINDOW = 256, HANDFUL = 64, HANDFUL_WIDE = 16, WIDE = 128, QUAD = 4 }; /* wide: rows of more fields */
static_assert(WINDOW % HANDFUL == 0 && WINDOW % HANDFUL_WIDE == 0 && HANDFUL <= 64, "handfuls are cut out of windows");

/* How the cells of a column lie, and what becomes of them. */
typedef enum form { FORM_64, FORM_I32, FORM_F32, FORM_I16, FORM_BOOL, FORM_16_BYTES, FORM_TEXT, FORM_LIST } form;

/* A column of a window: what is the same for all its values. */
typedef struct field {
    uint64_t head;           /* the first half of a value: name, kind, length */
    form form;
    bool hidden;             /* nobody asked for it, but a condition */
    bool plain;              /* of 64 bits, asked for, and all cells of the window are there */
    uint32_t list;           /* of a list: its number */
} field;

typedef struct window {
    sp_group_reading group;
    bool open, may;          /* may: rows of it can match */
    uint32_t next, from, to; /* the group's next row; rows that are decoded */
    uint32_t handful, out_from, out_to; /* rows that are put together: at most, and which */
    field *fields;
    uint32_t *tested;        /* the column of each condition */
    uint32_t n_lists, cap;
    spate_column *lists;     /* HANDFUL of each list, and one as it is shown */
    sp_arena views;          /* columns below them */
    uint64_t *out;           /* HANDFUL rows of values */
    uint32_t counts[HANDFUL];
} window;

struct spate_cursor {
    sp_block_reader r;
    uint32_t shown;          /* fields at the front that are asked for; behind them those that conditions need */
    uint32_t block;
    bool open, in_block;     /* a block is open; there are rows left of it */
    uint32_t row;            /* of the block */
    window *windows;
    uint32_t n_windows;
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

static void free_rows(window *w)
{
    sp_free(w->fields);
    sp_free(w->tested);
    sp_free(w->lists);
    sp_free(w->out);
}

void spate_cursor_close(spate_cursor *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->n_windows; i++) {
        sp_group_reading_done(&c->windows[i].group);
        sp_arena_done(&c->windows[i].views);
        free_rows(&c->windows[i]);
    }
    sp_free(c->windows);
    sp_block_reader_done(&c->r);
    sp_free(c);
}

spate_skipped spate_cursor_skipped(const spate_cursor *c)
{
    return c->r.skipped;
}

/* Where each group stands at a row of the open block. */
static void place_windows(spate_cursor *c, uint32_t row)
{
    uint32_t groups = c->r.view.n_groups;
    for (uint32_t g = 0; g < groups; g++)
        c->windows[g].next = groups == 1 ? row : 0;
    for (uint32_t i = 0; groups > 1 && i < row; i++)
        c->windows[c->r.order[i]].next++;
    c->row = row;
    c->in_block = true;
}

int spate_cursor_seek(spate_cursor *c, uint64_t row, spate_error *err)
{
    (void)err;
    c->r.first = row;
    c->in_block = false;
    if (c->open && row >= c->r.block.first_row && row - c->r.block.first_row < c->r.block.rows)
        place_windows(c, (uint32_t)(row - c->r.block.first_row));
    else
        c->block = sp_block_reader_block_of(&c->r, row);
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
    c->windows = windows;
    for (; c->n_windows < n; c->n_windows++) {
        windows[c->n_windows] = (window){0};
        sp_arena_init(&windows[c->n_windows].views);
    }
    return SPATE_OK;
}

static int open_block(spate_cursor *c, spate_error *err)
{
    bool wanted = false;
    c->open = false;
    while (c->block < c->r.n_blocks && !wanted) {
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
    c->open = true;
    place_windows(c, c->r.from);
    return SPATE_OK;
}

/* Room for rows of a group; what was there is lost. */
static int reserve_rows(spate_cursor *c, window *w)
{
    uint32_t n = w->group.n, lists = 0;
    w->handful = n > WIDE ? HANDFUL_WIDE : HANDFUL;
    for (uint32_t i = 0; i < n; i++)
        lists += w->group.columns[i].type.kind == SP_LIST;
    if (n <= w->cap && (n > WIDE || w->cap <= WIDE) && lists <= w->n_lists && w->tested)
        return SPATE_OK;
    free_rows(w);
    w->fields = sp_alloc(n * sizeof *w->fields);
    w->tested = sp_alloc((c->r.n_wheres + 1) * sizeof *w->tested);
    w->lists = sp_alloc((size_t)lists * (HANDFUL + 1) * sizeof *w->lists);
    w->out = sp_alloc((size_t)w->handful * n * sizeof(spate_value));
    w->cap = n;
    w->n_lists = lists;
    return w->fields && w->tested && w->lists && w->out ? SPATE_OK : SPATE_E_NOMEM;
}

static form form_of(sp_kind kind)
{
    switch (kind) {
    case SP_BOOL:
        return FORM_BOOL;
    case SP_I16:
        return FORM_I16;
    case SP_I32:
    case SP_DATE:
        return FORM_I32;
    case SP_F32:
        return FORM_F32;
    case SP_INTERVAL:
    case SP_UUID:
        return FORM_16_BYTES;
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES:
        return FORM_TEXT;
    case SP_LIST:
        return FORM_LIST;
    default:
        return FORM_64;
    }
}

static bool is_shown(const spate_cursor *c, uint16_t name)
{
    for (uint32_t f = 0; c->r.fields && f < c->shown; f++)
        if (c->r.fields[f] == name)
            return true;
    return !c->r.fields;
}

static_assert(sizeof(spate_value) == 16 && offsetof(spate_value, as) == 8, "a head and a cell");

/* What is the same for all rows of a group. */
static void lay_out(const spate_cursor *c, window *w)
{
    uint32_t lists = 0;
    for (uint32_t i = 0; i < w->group.n; i++) {
        const sp_reading *x = &w->group.columns[i];
        form f = form_of(x->type.kind);
        spate_value v = {.name = x->name, .kind = (uint8_t)x->type.kind, .precision = x->type.precision, .scale = x->type.scale,
                         .len = f == FORM_16_BYTES ? 16 : 0};
        w->fields[i] = (field){.form = f, .hidden = !is_shown(c, x->name), .list = f == FORM_LIST ? lists++ : 0};
        memcpy(&w->fields[i].head, &v, sizeof w->fields[i].head);
    }
    for (uint32_t k = 0; k < c->r.n_wheres; k++)
        for (w->tested[k] = 0; w->tested[k] < w->group.n && w->group.columns[w->tested[k]].name != c->r.wheres[k].name;)
            w->tested[k]++;
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
    w->from = w->to = w->out_from = w->out_to = 0;
    if (w->may && reserve_rows(c, w) != SPATE_OK)
        return sp_fail_nomem(err);
    if (w->may)
        lay_out(c, w);
    return SPATE_OK;
}

/* ---- windows ----------------------------------------------------------------------------------- */

/* A list's value is a column of its items alone. Validity bits begin in the middle of a byte, so items are shown from the first on. */
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

static int decode(spate_cursor *c, window *w, uint32_t i, uint32_t n, spate_error *err)
{
    sp_reading *x = &w->group.columns[i];
    int rc = sp_reading_open(&c->r, x, err);
    if (rc == SPATE_OK && sp_reading_ready(&x->type, WINDOW, &x->out) != SPATE_OK)
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_segment_read(&x->cells, w->from, n, &x->out, err);
    w->fields[i].plain = w->fields[i].form == FORM_64 && !w->fields[i].hidden && !x->out.validity;
    if (rc == SPATE_OK && w->fields[i].form == FORM_LIST &&
        show_list(&x->out, &w->lists[w->fields[i].list * (HANDFUL + 1) + HANDFUL], &w->views) != SPATE_OK)
        rc = sp_fail_nomem(err);
    return rc;
}

static int fill_window(spate_cursor *c, window *w, spate_error *err)
{
    w->from = w->next / WINDOW * WINDOW;
    w->to = w->from; /* until all of it is there */
    w->out_from = w->out_to = 0;
    if (w->views.head) {
        sp_arena_done(&w->views);
        sp_arena_init(&w->views);
    }
    uint32_t n = SP_MIN((uint32_t)WINDOW, w->group.rows - w->from);
    for (uint32_t i = 0; i < w->group.n; i++) {
        int rc = decode(c, w, i, n, err);
        if (rc != SPATE_OK)
            return rc;
    }
    w->to = w->from + n;
    return SPATE_OK;
}

/* ---- rows -------------------------------------------------------------------------------------- */

/* Which of the n cells from at on are there; at is a multiple of 8. */
static uint64_t present_cells(const sp_column *cells, uint32_t at, uint32_t n)
{
    uint64_t all = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1, there = all;
    if (cells->validity)
        memcpy(&there, cells->validity + at / 8, (n + 7) / 8);
    return there & all;
}

/* n cells in 64 bits each; text and lists are none. */
static const uint64_t *widen(const sp_column *cells, form f, uint32_t at, uint32_t n, uint64_t *wide)
{
    switch (f) {
    case FORM_64:
        return (const uint64_t *)cells->data + at;
    case FORM_I32:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = (uint64_t)(int64_t)((const int32_t *)cells->data)[at + r];
        break;
    case FORM_F32:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = ((const uint32_t *)cells->data)[at + r];
        break;
    case FORM_I16:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = (uint64_t)(int64_t)((const int16_t *)cells->data)[at + r];
        break;
    case FORM_BOOL:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = sp_bit(cells->data, at + r);
        break;
    case FORM_16_BYTES:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = (uint64_t)(uintptr_t)((const char *)cells->data + (size_t)(at + r) * 16);
        break;
    case FORM_TEXT:
    case FORM_LIST:
        break;
    }
    return wide;
}

/* A text's or a list's value of row at, which is row r of the handful. */
static void value_apart(const window *w, const field *f, const sp_column *cells, uint32_t at, uint32_t r, uint64_t value[2])
{
    spate_value v;
    memcpy(&v, &f->head, sizeof f->head);
    v.len = (uint32_t)(cells->offsets[at + 1] - cells->offsets[at]);
    v.as.p = cells->bytes + cells->offsets[at];
    if (f->form == FORM_LIST) {
        spate_column *lists = w->lists + f->list * (HANDFUL + 1);
        lists[r] = lists[HANDFUL];
        lists[r].offsets = cells->offsets + at;
        v.as.p = &lists[r];
    }
    memcpy(value, &v, sizeof v);
}

/* The cells of one column, each to its row. */
static void put_column(const window *w, uint32_t i, uint32_t at, uint32_t n, uint64_t **to)
{
    const field *f = &w->fields[i];
    const sp_column *cells = &w->group.columns[i].out;
    uint64_t wide[HANDFUL];
    uint64_t there = present_cells(cells, at, n);
    const uint64_t *cell = there ? widen(cells, f->form, at, n, wide) : wide;
    if (!cells->validity && f->form < FORM_TEXT) {
        for (uint32_t r = 0; r < n; r++, to[r - 1] += 2) {
            to[r][0] = f->head;
            to[r][1] = cell[r];
        }
        return;
    }
    for (; there; there &= there - 1) {
        uint32_t r = (uint32_t)__builtin_ctzll(there);
        to[r][0] = f->head;
        if (f->form >= FORM_TEXT)
            value_apart(w, f, cells, at + r, r, to[r]);
        else
            to[r][1] = cell[r];
        to[r] += 2;
    }
}

/* From i on, so many columns that are asked for, of 64 bits, and of which every cell of the window is there. */
static uint32_t count_plain(const window *w, uint32_t i)
{
    uint32_t n = 0;
    while (i + n < w->group.n && w->fields[i + n].plain)
        n++;
    return n;
}

/* Four columns at a time; those behind them, which lie far apart, are fetched meanwhile. */
static void put_plain(const spate_cursor *c, const window *w, uint32_t i, uint32_t quads, uint32_t at, uint32_t n, uint64_t **to)
{
    const uint64_t *cells[QUAD];
    uint64_t heads[QUAD];
    for (const sp_reading *x = w->group.columns + i, *end = x + quads * QUAD; x < end; x += QUAD, i += QUAD) {
        for (uint32_t q = 0; q < QUAD; q++) {
            cells[q] = (const uint64_t *)x[q].out.data + at;
            heads[q] = w->fields[i + q].head;
            if (x + QUAD < end)
                for (uint32_t line = 0; line < HANDFUL_WIDE; line += 8)
                    __builtin_prefetch((const uint64_t *)x[q + QUAD].out.data + at + line);
        }
        c->r.store->k->values4(cells, heads, n, to);
    }
}

static void put_rows(const spate_cursor *c, window *w)
{
    uint32_t n = SP_MIN(w->handful, w->to - w->out_from), at = w->out_from - w->from, stride = w->group.n * 2;
    uint64_t *to[HANDFUL];
    for (uint32_t r = 0; r < n; r++)
        to[r] = w->out + (size_t)r * stride;
    for (uint32_t i = 0; i < w->group.n;) {
        uint32_t quads = count_plain(w, i) / QUAD;
        put_plain(c, w, i, quads, at, n, to);
        i += quads * QUAD;
        for (uint32_t more = QUAD; i < w->group.n && more > 0; more--, i++)
            if (!w->fields[i].hidden)
                put_column(w, i, at, n, to);
    }
    for (uint32_t r = 0; r < n; r++)
        w->counts[r] = (uint32_t)(to[r] - (w->out + (size_t)r * stride)) / 2;
    w->out_to = w->out_from + n;
}

/* Row at of the window meets all conditions. */
static bool matches(const spate_cursor *c, const window *w, uint32_t at)
{
    for (uint32_t k = 0; k < c->r.n_wheres; k++) {
        uint32_t i = w->tested[k];
        uint64_t value[2], wide[1];
        spate_value v;
        if (i >= w->group.n)
            return false;
        const field *f = &w->fields[i];
        const sp_column *cells = &w->group.columns[i].out;
        if (sp_column_null(cells, at))
            return false;
        value[0] = f->head;
        if (f->form >= FORM_TEXT)
            value_apart(w, f, cells, at, 0, value);
        else
            value[1] = widen(cells, f->form, at, 1, wide)[0];
        memcpy(&v, value, sizeof v);
        if (!sp_where_holds(&c->r.wheres[k], &v))
            return false;
    }
    return true;
}

/* The row that stands next in the open block. *values NULL: it does not match. */
static int take_row(spate_cursor *c, const spate_value **values, size_t *n, spate_error *err)
{
    static const spate_value nothing;
    window *w = &c->windows[c->r.view.n_groups == 1 ? 0 : (uint32_t)c->r.order[c->row]];
    int rc = w->open ? SPATE_OK : open_window(c, (uint32_t)(w - c->windows), err);
    *values = NULL;
    if (rc == SPATE_OK && w->may && (w->next >= w->to || w->next < w->from))
        rc = fill_window(c, w, err);
    uint32_t row = w->next++;
    if (rc != SPATE_OK || !w->may || !matches(c, w, row - w->from))
        return rc;
    if (row >= w->out_to || row < w->out_from) {
        w->out_from = row / w->handful * w->handful;
        put_rows(c, w);
    }
    row -= w->out_from;
    *n = w->counts[row];
    *values = *n == 0 ? &nothing : (const spate_value *)(w->out + (size_t)row * w->group.n * 2);
    return SPATE_OK;
}

int spate_cursor_next(spate_cursor *c, const spate_value **values, size_t *n, uint64_t *row, spate_error *err)
{
    *values = NULL;
    *n = 0;
    for (;;) {
        if (!c->in_block) {
            int rc = open_block(c, err);
            if (rc != SPATE_OK || !c->open)
                return rc;
        }
        while (c->row < c->r.to) {
            uint64_t number = c->r.block.first_row + c->row;
            int rc = take_row(c, values, n, err);
            c->row++;
            if (rc != SPATE_OK)
                return rc;
            if (!*values)
                continue;
            if (row)
                *row = number;
            return SPATE_OK;
        }
        c->in_block = false;
    }
}
