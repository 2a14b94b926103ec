/* rows.c - rows put together out of a window's columns: as values, or as records.
 *
 * A handful of rows at once, column by column: what a column is gets decided once for all of them, and the rows fit into the cache.
 * As values, each goes where its row has come to, so absent cells cost nothing. As records, it goes where the field lies, and a bit
 * says whether it is there. */
#include "store/cursor.h"

/* ---- cells ------------------------------------------------------------------------------------- */

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
    case FORM_64: return (const uint64_t *)cells->data + at;
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
    case FORM_LIST: break;
    }
    return wide;
}

/* A text's or a list's value of row at, which is row r of the handful. */
static void value_apart(const window *w, const field *f, const sp_column *cells, uint32_t at, uint32_t r,
                        uint64_t value[2])
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

spate_value sp_rows_value(const window *w, uint32_t i, uint32_t at)
{
    const field *f = &w->fields[i];
    const sp_column *cells = &w->group.columns[i].out;
    uint64_t value[2] = {f->head}, wide[1];
    spate_value v;
    if (f->form >= FORM_TEXT)
        value_apart(w, f, cells, at, 0, value);
    else
        value[1] = widen(cells, f->form, at, 1, wide)[0];
    memcpy(&v, value, sizeof v);
    return v;
}

/* ---- values ------------------------------------------------------------------------------------- */

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
static void put_plain(const spate_cursor *c, const window *w, uint32_t i, uint32_t quads, uint32_t at, uint32_t n,
                      uint64_t **to)
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

void sp_rows_put_values(const spate_cursor *c, window *w)
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

/* ---- records ------------------------------------------------------------------------------------- */

static size_t width_in_record(form f)
{
    switch (f) {
    case FORM_BOOL: return 1;
    case FORM_I16: return 2;
    case FORM_I32:
    case FORM_F32: return 4;
    case FORM_64: return 8;
    case FORM_16_BYTES:
    case FORM_TEXT:
    case FORM_LIST: break;
    }
    return 16;
}

enum { RECORD_ALIGN = 64 };

size_t sp_rows_record_max(uint32_t n)
{
    return sp_round_up((size_t)n * 16 + sp_round_up(n, 64) / 8, RECORD_ALIGN);
}

void sp_rows_lay_out_record(const spate_cursor *c, window *w)
{
    size_t at = 0;
    w->n_record = 0;
    for (uint32_t i = 0; i < w->group.n && !w->fields[i].hidden; i++) {
        const sp_reading *x = &w->group.columns[i];
        size_t width = width_in_record(w->fields[i].form);
        at = sp_round_up(at, SP_MIN(width, (size_t)8));
        w->fields[i].offset = (uint32_t)at;
        spate_type type = {.kind = (spate_kind)x->type.kind, .precision = x->type.precision, .scale = x->type.scale};
        w->record[w->n_record++] = (spate_record_field){spate_store_name_text(c->r.store, x->name), type, at};
        at += width;
    }
    w->null_bits = sp_round_up(at, 8);
    w->stride = sp_round_up(w->null_bits + sp_round_up(w->n_record, 64) / 8, RECORD_ALIGN);
    for (uint32_t i = 0; i < w->n_record; i++) {
        w->fields[i].leads = i + QUAD <= w->n_record;
        for (uint32_t q = 0; q < QUAD && w->fields[i].leads; q++)
            w->fields[i].leads = w->fields[i + q].form == FORM_64;
    }
}

void sp_rows_find_gaps(window *w)
{
    w->n_gaps = 0;
    for (uint32_t i = 0; i < w->n_record; i += 8) {
        bool gap = false;
        for (uint32_t f = i; f < SP_MIN(i + 8, w->n_record); f++)
            gap |= w->group.columns[f].out.validity != NULL;
        if (gap)
            w->gaps[w->n_gaps++] = i;
    }
}

/* Bits of eight fields from i on, of the n rows from at on: a square is turned at a time. */
static void put_gaps(const window *w, uint32_t i, uint32_t at, uint32_t n, char *bits)
{
    for (uint32_t r = 0; r < n; r += 8) {
        uint64_t square = 0;
        for (uint32_t f = 0; f < 8 && i + f < w->n_record; f++) {
            const uint8_t *validity = w->group.columns[i + f].out.validity;
            square |= (uint64_t)(validity ? validity[(at + r) / 8] : 0xff) << 8 * f;
        }
        square = sp_turn_bits(square);
        for (uint32_t k = r; k < SP_MIN(r + 8, n); k++)
            bits[k * w->stride] = (char)(square >> 8 * (k - r));
    }
}

/* Which cells are there: all of them, but for gaps. Bits behind the last are 0. */
static void put_bits(const window *w, uint32_t at, uint32_t n, char *records)
{
    size_t whole = w->n_record / 64 * 8;
    uint64_t rest = (UINT64_C(1) << w->n_record % 64) - 1;
    for (uint32_t r = 0; r < n; r++) {
        char *bits = records + r * w->stride + w->null_bits;
        memset(bits, 0xff, whole);
        if (rest)
            memcpy(bits + whole, &rest, sizeof rest);
    }
    for (uint32_t g = 0; g < w->n_gaps; g++)
        put_gaps(w, w->gaps[g], at, n, records + w->null_bits + w->gaps[g] / 8);
}

/* The cells of one column that is no part of four, each into its record. */
static void put_cells(const window *w, uint32_t i, uint32_t at, uint32_t n, char *to)
{
    const field *f = &w->fields[i];
    const sp_column *cells = &w->group.columns[i].out;
    for (uint32_t r = 0; r < n; r++, to += w->stride) {
        if (f->form == FORM_BOOL) {
            *to = (char)sp_bit(cells->data, at + r);
        } else if (f->form < FORM_TEXT) {
            size_t width = width_in_record(f->form);
            memcpy(to, (const char *)cells->data + (at + r) * width, width);
        } else {
            spate_value v;
            uint64_t value[2];
            value_apart(w, f, cells, at + r, r, value);
            memcpy(&v, value, sizeof v);
            memcpy(to, &(spate_text){v.as.p, v.len}, sizeof(spate_text));
        }
    }
}

static void put_four(const spate_cursor *c, const window *w, uint32_t i, uint32_t at, uint32_t n, char *to)
{
    const uint64_t *cells[QUAD];
    const sp_reading *x = w->group.columns + i;
    uint32_t ahead = i + 2 * QUAD <= w->n_record ? QUAD : 0; /* the next four lie far apart */
    for (uint32_t q = 0; q < QUAD; q++) {
        const uint64_t *next = (const uint64_t *)x[q + ahead].out.data + at;
        cells[q] = (const uint64_t *)x[q].out.data + at;
        __builtin_prefetch(next);
        __builtin_prefetch(next + 8);
    }
    c->r.store->k->rows4(cells, n, to, w->stride);
}

void sp_rows_put_records(const spate_cursor *c, window *w)
{
    uint32_t n = SP_MIN(w->handful, w->to - w->out_from), at = w->out_from - w->from;
    char *records = (char *)w->out;
    for (uint32_t i = 0; i < w->n_record;) {
        char *to = records + w->fields[i].offset;
        if (w->fields[i].leads)
            put_four(c, w, i, at, n, to);
        else
            put_cells(w, i, at, n, to);
        i += w->fields[i].leads ? QUAD : 1;
    }
    put_bits(w, at, n, records);
    w->out_to = w->out_from + n;
}
