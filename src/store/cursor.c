/* cursor.c - rows out, in order: one by one as values, or a few at a time as records.
 *
 * Of every group of the open block a window of rows is decoded and put together at a time: eight columns are decoded, and go from the
 * cache to where their rows lie before the next ones come (rows.c). Handing a row out is giving a pointer to it. */
#include "store/cursor.h"

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
    c->sought = false;
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
    sp_free(w->record);
    sp_free(w->to_row);
}

void spate_cursor_close(spate_cursor *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->n_windows; i++) {
        sp_group_reading_done(&c->windows[i].group);
        sp_arena_done(&c->windows[i].views);
        free_rows(&c->windows[i]);
        sp_free(c->windows[i].out);
    }
    sp_free(c->windows);
    for (uint32_t i = 0; i < STRIPE; i++)
        for (unsigned kind = 0; kind < SP_KINDS; kind++)
            sp_column_done(&c->stripe[i][kind]);
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
    c->sought = true;
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

static form form_of(sp_kind kind)
{
    switch (kind) {
    case SP_BOOL: return FORM_BOOL;
    case SP_I16: return FORM_I16;
    case SP_I32:
    case SP_DATE: return FORM_I32;
    case SP_F32: return FORM_F32;
    case SP_INTERVAL:
    case SP_UUID: return FORM_16_BYTES;
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES: return FORM_TEXT;
    case SP_LIST: return FORM_LIST;
    default: return FORM_64;
    }
}

/* So many rows of so many bytes that a window stays in the cache, and those of all groups in the next one. */
static uint32_t window_rows(const spate_cursor *c, size_t row_bytes)
{
    uint32_t rows = WINDOW_MAX;
    size_t most = SP_MIN(WINDOW_BYTES, WINDOWS_BYTES / c->r.view.n_groups);
    while (rows > WINDOW_MIN && rows * row_bytes > most)
        rows /= 2;
    return rows;
}

static int reserve_out(window *w, size_t bytes)
{
    if (w->out && bytes <= w->out_cap)
        return SPATE_OK;
    sp_free(w->out);
    w->out = sp_alloc_large(SP_MAX(bytes, (size_t)1)); /* rows may have no fields */
    w->out_cap = w->out ? bytes : 0;
    return w->out ? SPATE_OK : SPATE_E_NOMEM;
}

/* Room for rows of a group; what was there is lost. */
static int reserve_rows(spate_cursor *c, window *w)
{
    uint32_t n = w->group.n, lists = 0, of_16 = 0;
    for (uint32_t i = 0; i < n; i++) {
        lists += w->group.columns[i].type.kind == SP_LIST;
        of_16 += form_of(w->group.columns[i].type.kind) >= FORM_16_BYTES;
    }
    size_t of_values = n * sizeof(spate_value), of_record = sp_rows_record_max(n, of_16);
    w->rows[false] = window_rows(c, of_values);
    w->rows[true] = window_rows(c, of_record);
    if (reserve_out(w, SP_MAX(w->rows[false] * of_values, w->rows[true] * of_record)) != SPATE_OK)
        return SPATE_E_NOMEM;
    uint32_t rows = SP_MAX(w->rows[false], w->rows[true]);
    if (n <= w->cap && lists <= w->n_lists && rows <= w->rows_cap)
        return SPATE_OK;
    free_rows(w);
    w->fields = sp_alloc(n * sizeof *w->fields);
    w->tested = sp_alloc((c->r.n_wheres + 1) * sizeof *w->tested);
    w->lists = sp_alloc((size_t)lists * (rows + 1) * sizeof *w->lists);
    w->record = sp_alloc(n * sizeof *w->record);
    w->to_row = sp_alloc(rows * sizeof *w->to_row);
    bool all = w->fields && w->tested && w->lists && w->record && w->to_row;
    w->cap = all ? n : 0;
    w->rows_cap = all ? rows : 0;
    w->n_lists = all ? lists : 0;
    return all ? SPATE_OK : SPATE_E_NOMEM;
}

static bool is_tested(const spate_cursor *c, uint16_t name)
{
    for (uint32_t k = 0; k < c->r.n_wheres; k++)
        if (c->r.wheres[k].name == name)
            return true;
    return false;
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
        spate_value v = {.name = x->name,
                         .kind = (uint8_t)x->type.kind,
                         .precision = x->type.precision,
                         .scale = x->type.scale,
                         .len = f == FORM_16_BYTES ? 16 : 0};
        w->fields[i] = (field){.form = f,
                               .hidden = !is_shown(c, x->name),
                               .kept = f >= FORM_16_BYTES || is_tested(c, x->name),
                               .list = f == FORM_LIST ? lists++ : 0};
        memcpy(&w->fields[i].head, &v, sizeof w->fields[i].head);
    }
    sp_rows_lay_out_record(c, w);
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

/* A list's value is a column of its items alone. Validity bits begin in the middle of a byte, so items are shown from the first on. */
static int decode(spate_cursor *c, window *w, uint32_t i, uint32_t n, spate_error *err)
{
    sp_reading *x = &w->group.columns[i];
    field *f = &w->fields[i];
    sp_column *cells = f->kept ? &x->out : &c->stripe[i % STRIPE][x->type.kind];
    int rc = sp_reading_open(&c->r, x, err);
    if (rc == SPATE_OK && sp_reading_ready(&x->type, n, cells) != SPATE_OK)
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_segment_read(&x->cells, w->from, n, cells, err);
    f->cells = cells;
    f->plain = f->form == FORM_64 && !f->hidden && !cells->validity;
    if (rc == SPATE_OK && f->form == FORM_LIST && sp_show_column(cells, &w->lists[f->list], &w->views) != SPATE_OK)
        rc = sp_fail_nomem(err);
    return rc;
}

/* What is known of a column, and its bytes, lie far from those of the one before: they are fetched while others are decoded. */
static void fetch_ahead(const window *w, uint32_t i)
{
    enum { LINE = 64, LINES = 8 };
    const sp_reading *x = w->group.columns + i;
    if (i + 2 < w->group.n)
        for (size_t at = 0; at < sizeof *x; at += LINE)
            __builtin_prefetch((const char *)(x + 2) + at);
    if (i + 1 == w->group.n || !x[1].open)
        return;
    const sp_segment *s = &x[1].cells;
    const char *bytes = s->body + s->body_bytes * (uint64_t)w->from / SP_MAX(s->rows, 1u);
    for (unsigned line = 0; line < LINES; line++)
        __builtin_prefetch(bytes + (size_t)line * LINE);
    __builtin_prefetch(s->whole.data);
}

static int fill_window(spate_cursor *c, window *w, bool as_records, spate_error *err)
{
    uint32_t rows = c->sought ? WINDOW_MIN : w->rows[as_records];
    c->sought = false;
    w->as_records = as_records;
    w->from = w->next / rows * rows;
    w->to = w->from; /* until all of it is there */
    if (w->views.head) {
        sp_arena_done(&w->views);
        sp_arena_init(&w->views);
    }
    uint32_t n = SP_MIN(rows, w->group.rows - w->from);
    sp_rows_begin(w, n);
    for (uint32_t i = 0; i < w->group.n; i++) {
        fetch_ahead(w, i);
        int rc = decode(c, w, i, n, err);
        if (rc != SPATE_OK)
            return rc;
        if (i % STRIPE == STRIPE - 1 || i + 1 == w->group.n)
            sp_rows_put(c, w, i / STRIPE * STRIPE, n);
    }
    w->to = w->from + n;
    return SPATE_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------- */

/* Row at of the window meets all conditions. */
static bool matches(const spate_cursor *c, const window *w, uint32_t at)
{
    for (uint32_t k = 0; k < c->r.n_wheres; k++) {
        uint32_t i = w->tested[k];
        if (i >= w->group.n || sp_column_null(&w->group.columns[i].out, at))
            return false;
        spate_value v = sp_rows_value(w, i, at);
        if (!sp_where_holds(&c->r.wheres[k], &v))
            return false;
    }
    return true;
}

/* The window of the row that stands next in the open block. */
static window *window_of(const spate_cursor *c)
{
    return &c->windows[c->r.view.n_groups == 1 ? 0 : (uint32_t)c->r.order[c->row]];
}

/* That row of the window it is in; *found NULL: it does not match. */
static int take_row(spate_cursor *c, bool as_records, window **found, uint32_t *row, spate_error *err)
{
    window *w = window_of(c);
    int rc = w->open ? SPATE_OK : open_window(c, (uint32_t)(w - c->windows), err);
    if (rc == SPATE_OK && w->may && (w->next >= w->to || w->next < w->from || w->as_records != as_records))
        rc = fill_window(c, w, as_records, err);
    *row = w->next++;
    *found = rc == SPATE_OK && w->may && matches(c, w, *row - w->from) ? w : NULL;
    return rc;
}

/* The next row that matches, wherever it is; *found NULL at the end. */
static int find_row(spate_cursor *c, bool as_records, window **found, uint32_t *row, uint64_t *number, spate_error *err)
{
    *found = NULL;
    for (;;) {
        if (!c->in_block) {
            int rc = open_block(c, err);
            if (rc != SPATE_OK || !c->open)
                return rc;
        }
        while (c->row < c->r.to) {
            *number = c->r.block.first_row + c->row;
            int rc = take_row(c, as_records, found, row, err);
            c->row++;
            if (rc != SPATE_OK || *found)
                return rc;
        }
        c->in_block = false;
    }
}

int spate_cursor_next(spate_cursor *c, const spate_value **values, size_t *n, uint64_t *row, spate_error *err)
{
    static const spate_value nothing;
    window *w;
    uint32_t at;
    uint64_t number;
    *values = NULL;
    *n = 0;
    int rc = find_row(c, false, &w, &at, &number, err);
    if (rc != SPATE_OK || !w)
        return rc;
    const spate_value *first = sp_rows_values(w, at - w->from, n);
    *values = *n == 0 ? &nothing : first;
    if (row)
        *row = number;
    return SPATE_OK;
}

int spate_cursor_next_rows(spate_cursor *c, spate_rows *rows, spate_error *err)
{
    window *w;
    uint32_t at;
    *rows = (spate_rows){0};
    int rc = find_row(c, true, &w, &at, &rows->first_row, err);
    if (rc != SPATE_OK || !w)
        return rc;
    uint32_t end = at + 1;
    for (; end < w->to && c->row < c->r.to && window_of(c) == w && matches(c, w, end - w->from); end++, c->row++)
        w->next++;
    *rows = (spate_rows){.fields = w->record,
                         .n_fields = w->n_record,
                         .null_bits = w->null_bits,
                         .stride = w->stride,
                         .records = (const char *)w->out + (at - w->from) * w->stride,
                         .rows = end - at,
                         .first_row = rows->first_row};
    return SPATE_OK;
}
