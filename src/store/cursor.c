/* cursor.c - rows out, one by one and in order.
 *
 * Of every group of the open block a window of rows is decoded at a time, four columns together, and turned into a matrix of rows; a row
 * of it is then zipped with the names and kinds, which are the same for all rows. Absent cells are dropped on the way. What does not fit
 * into eight bytes (text, lists) stays in its column. */
#include "store/scan.h"

enum { WINDOW = 256, QUAD = 4 };

/* How the cells of a column lie, and what becomes of them. */
typedef enum form { FORM_64, FORM_I32, FORM_F32, FORM_I16, FORM_BOOL, FORM_16_BYTES, FORM_TEXT, FORM_LIST } form;

typedef struct window {
    sp_group_reading group;
    bool open, may;          /* may: rows of it can match */
    uint32_t next, from, to; /* the group's next row; rows that are decoded */
    uint32_t stride, words;  /* of a row: cells, a multiple of four; words of absent */
    uint64_t *cells;         /* WINDOW rows */
    uint64_t *absent;        /* of each row a bit a column */
    uint64_t *hidden;        /* columns that nobody asked for, but a condition */
    uint64_t *heads;         /* the first half of each column's values: name, kind, length */
    uint32_t *apart;         /* columns of text and lists */
    uint32_t n_apart;
    uint32_t *tested;        /* the column of each condition */
} window;

struct spate_cursor {
    sp_block_reader r;
    uint32_t shown;          /* fields at the front that are asked for; behind them those that conditions need */
    uint32_t block;
    bool open, in_block;     /* a block is open; there are rows left of it */
    uint32_t row;            /* of the block */
    window *windows;
    uint32_t n_windows;
    sp_column quad[QUAD][SP_KINDS]; /* what is decoded, until it is turned */
    uint64_t *wide[QUAD];    /* the same in 64 bits, WINDOW of each */
    spate_value *out;        /* the row that is handed out */
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
    c->wide[0] = sp_alloc((size_t)QUAD * WINDOW * sizeof(uint64_t));
    for (unsigned q = 1; q < QUAD; q++)
        c->wide[q] = c->wide[0] + q * WINDOW;
    int rc = c->wide[0] ? sp_block_reader_init(&c->r, store, options, err) : sp_fail_nomem(err);
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
    sp_free(w->cells);
    sp_free(w->absent);
    sp_free(w->heads);
    sp_free(w->apart);
    sp_free(w->tested);
}

void spate_cursor_close(spate_cursor *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->n_windows; i++) {
        sp_group_reading_done(&c->windows[i].group);
        free_rows(&c->windows[i]);
    }
    for (unsigned q = 0; q < QUAD; q++)
        for (unsigned kind = 0; kind < SP_KINDS; kind++)
            sp_column_done(&c->quad[q][kind]);
    sp_free(c->wide[0]);
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
    memset(windows + c->n_windows, 0, (n - c->n_windows) * sizeof *windows);
    c->windows = windows;
    c->n_windows = n;
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
    uint32_t n = w->group.n, stride = (n + QUAD - 1) / QUAD * QUAD, words = (n + 63) / 64;
    if (stride > w->stride || !w->tested) {
        free_rows(w);
        w->cells = sp_alloc((size_t)WINDOW * stride * sizeof *w->cells);
        w->absent = sp_alloc((size_t)(WINDOW + 1) * words * sizeof *w->absent);
        w->heads = sp_alloc(stride * sizeof *w->heads);
        w->apart = sp_alloc(stride * sizeof *w->apart);
        w->tested = sp_alloc((c->r.n_wheres + 1) * sizeof *w->tested);
        if (!w->cells || !w->absent || !w->heads || !w->apart || !w->tested)
            return SPATE_E_NOMEM;
    }
    w->stride = stride;
    w->words = words;
    w->hidden = w->absent + (size_t)WINDOW * words;
    if (n <= c->out_cap)
        return SPATE_OK;
    sp_free(c->out);
    sp_free(c->lists);
    c->out = sp_alloc(n * sizeof *c->out);
    c->lists = sp_alloc(n * sizeof *c->lists);
    c->out_cap = c->out && c->lists ? n : 0;
    return c->out_cap ? SPATE_OK : SPATE_E_NOMEM;
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
    memset(w->hidden, 0, w->words * sizeof *w->hidden);
    w->n_apart = 0;
    for (uint32_t i = 0; i < w->group.n; i++) {
        const sp_reading *x = &w->group.columns[i];
        form f = form_of(x->type.kind);
        spate_value v = {.name = x->name, .kind = (uint8_t)x->type.kind, .precision = x->type.precision, .scale = x->type.scale,
                         .len = f == FORM_16_BYTES ? 16 : 0};
        memcpy(&w->heads[i], &v, sizeof w->heads[i]);
        if (f >= FORM_TEXT)
            w->apart[w->n_apart++] = i;
        if (!is_shown(c, x->name))
            w->hidden[i / 64] |= UINT64_C(1) << i % 64;
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
    w->from = w->to = 0;
    if (w->may && reserve_rows(c, w) != SPATE_OK)
        return sp_fail_nomem(err);
    if (w->may)
        lay_out(c, w);
    return SPATE_OK;
}

/* ---- windows ----------------------------------------------------------------------------------- */

/* Cells in 64 bits each; text and lists are none. */
static const uint64_t *widen(const sp_column *cells, form f, uint32_t n, uint64_t *wide)
{
    switch (f) {
    case FORM_64:
        return cells->data;
    case FORM_I32:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = (uint64_t)(int64_t)((const int32_t *)cells->data)[r];
        break;
    case FORM_F32:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = ((const uint32_t *)cells->data)[r];
        break;
    case FORM_I16:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = (uint64_t)(int64_t)((const int16_t *)cells->data)[r];
        break;
    case FORM_BOOL:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = sp_bit(cells->data, r);
        break;
    case FORM_16_BYTES:
        for (uint32_t r = 0; r < n; r++)
            wide[r] = (uint64_t)(uintptr_t)((const char *)cells->data + (size_t)r * 16);
        break;
    case FORM_TEXT:
    case FORM_LIST:
        break;
    }
    return wide;
}

static void note_absent(const window *w, uint32_t column, const uint8_t *validity, uint32_t n)
{
    uint64_t *absent = w->absent + column / 64, bit = UINT64_C(1) << column % 64;
    for (uint32_t base = 0; validity && base < n; base += 64) {
        uint64_t there = 0, all = n - base < 64 ? (UINT64_C(1) << (n - base)) - 1 : UINT64_MAX;
        memcpy(&there, validity + base / 8, SP_MIN((size_t)8, (size_t)(n - base + 7) / 8));
        for (uint64_t gone = ~there & all; gone; gone &= gone - 1)
            absent[(size_t)(base + (uint32_t)__builtin_ctzll(gone)) * w->words] |= bit;
    }
}

/* Decodes a column's part of the window. Numbers go through memory that stays in the cache; what is pointed into is the column's own. */
static int decode(spate_cursor *c, window *w, uint32_t i, uint32_t n, const uint64_t **wide, spate_error *err)
{
    sp_reading *x = &w->group.columns[i];
    form f = form_of(x->type.kind);
    sp_column *cells = f >= FORM_16_BYTES ? &x->out : &c->quad[i % QUAD][x->type.kind];
    int rc = sp_reading_open(&c->r, x, err);
    if (rc == SPATE_OK && sp_reading_ready(&x->type, cells) != SPATE_OK)
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_segment_read(&x->cells, w->from, n, cells, err);
    if (rc != SPATE_OK)
        return rc;
    note_absent(w, i, cells->validity, n);
    *wide = widen(cells, f, n, c->wide[i % QUAD]);
    return SPATE_OK;
}

static int fill_window(spate_cursor *c, window *w, spate_error *err)
{
    w->from = w->next / WINDOW * WINDOW;
    w->to = w->from; /* until all of it is there */
    uint32_t n = SP_MIN((uint32_t)WINDOW, w->group.rows - w->from);
    const uint64_t *wide[QUAD] = {c->wide[0], c->wide[1], c->wide[2], c->wide[3]};
    memset(w->absent, 0, (size_t)n * w->words * sizeof *w->absent);
    for (uint32_t i = 0; i < w->group.n; i += QUAD) {
        for (uint32_t q = 0; q < QUAD && i + q < w->group.n; q++) {
            int rc = decode(c, w, i + q, n, &wide[q], err);
            if (rc != SPATE_OK)
                return rc;
        }
        c->r.store->k->rows4(wide, n, w->cells + i, w->stride);
    }
    w->to = w->from + n;
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
static int put_list(spate_cursor *c, const sp_column *column, uint32_t at, uint32_t i)
{
    if (show_list(column, &c->lists[i], &c->views) != SPATE_OK)
        return SPATE_E_NOMEM;
    c->lists[i].offsets = column->offsets + at;
    return SPATE_OK;
}

/* Texts and lists of row at: their lengths into the heads, where they are into the cells. */
static int put_apart(spate_cursor *c, const window *w, uint32_t at, uint64_t *cells)
{
    int rc = SPATE_OK;
    for (uint32_t k = 0; rc == SPATE_OK && k < w->n_apart; k++) {
        uint32_t i = w->apart[k], len;
        const sp_column *column = &w->group.columns[i].out;
        bool list = column->type.kind == SP_LIST;
        len = (uint32_t)(column->offsets[at + 1] - column->offsets[at]);
        memcpy((char *)&w->heads[i] + offsetof(spate_value, len), &len, sizeof len);
        cells[i] = (uint64_t)(uintptr_t)(list ? (const char *)&c->lists[i] : column->bytes + column->offsets[at]);
        rc = list ? put_list(c, column, at, i) : SPATE_OK;
    }
    return rc;
}

static bool matches(const spate_cursor *c, const window *w, const uint64_t *cells, const uint64_t *absent)
{
    for (uint32_t k = 0; k < c->r.n_wheres; k++) {
        uint32_t i = w->tested[k];
        spate_value v;
        if (i >= w->group.n || absent[i / 64] >> i % 64 & 1)
            return false;
        memcpy(&v, &w->heads[i], sizeof w->heads[i]);
        memcpy(&v.as, &cells[i], sizeof v.as);
        if (!sp_where_holds(&c->r.wheres[k], &v))
            return false;
    }
    return true;
}

/* The cells of a row that are there and asked for, side by side; how many. */
static uint32_t put_row(const spate_cursor *c, const window *w, const uint64_t *cells, const uint64_t *absent)
{
    const sp_kernels *k = c->r.store->k;
    uint64_t *out = (uint64_t *)c->out;
    uint32_t from = 0;
    for (uint32_t word = 0; word < w->words; word++)
        for (uint64_t bits = absent[word] | w->hidden[word]; bits; bits &= bits - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(bits);
            k->zip(w->heads + from, cells + from, i - from, out);
            out += (size_t)(i - from) * 2;
            from = i + 1;
        }
    k->zip(w->heads + from, cells + from, w->group.n - from, out);
    return (uint32_t)(out - (uint64_t *)c->out) / 2 + w->group.n - from;
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
    uint32_t at = w->next++ - w->from;
    if (rc != SPATE_OK || !w->may)
        return rc;
    const uint64_t *absent = w->absent + (size_t)at * w->words;
    uint64_t *cells = w->cells + (size_t)at * w->stride;
    if (put_apart(c, w, at, cells) != SPATE_OK)
        return sp_fail_nomem(err);
    if (!matches(c, w, cells, absent))
        return SPATE_OK;
    *n = put_row(c, w, cells, absent);
    *values = *n == 0 ? &nothing : c->out;
    return SPATE_OK;
}

int spate_cursor_next(spate_cursor *c, const spate_value **values, size_t *n, uint64_t *row, spate_error *err)
{
    *values = NULL;
    *n = 0;
    if (c->views.head) {
        sp_arena_done(&c->views);
        sp_arena_init(&c->views);
    }
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
