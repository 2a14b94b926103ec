/* rows.c - rows put together out of a window's columns: as values, or as records.
 *
 * Eight columns at once, while they are in the cache: what a column is gets decided once for all rows, and what is written of a row is
 * whole lines of the cache. As values, each goes where its row has come to, so absent cells cost nothing. As records, it goes where
 * the field lies, and a bit says whether it is there. */
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

/* A text's or a list's value of row at. */
static void value_apart(const window *w, const field *f, uint32_t at, uint64_t value[2])
{
    const sp_column *cells = f->cells;
    spate_value v;
    memcpy(&v, &f->head, sizeof f->head);
    v.len = (uint32_t)(cells->offsets[at + 1] - cells->offsets[at]);
    v.as.p = cells->bytes + cells->offsets[at];
    if (f->form == FORM_LIST) {
        spate_column *list = w->lists + w->n_lists + (size_t)f->list * w->rows_cap + at;
        *list = w->lists[f->list];
        list->offsets = cells->offsets + at;
        v.as.p = list;
    }
    memcpy(value, &v, sizeof v);
}

spate_value sp_rows_value(const window *w, uint32_t i, uint32_t at)
{
    const field *f = &w->fields[i];
    uint64_t value[2] = {f->head}, wide[1];
    spate_value v;
    if (f->form >= FORM_TEXT)
        value_apart(w, f, at, value);
    else
        value[1] = widen(f->cells, f->form, at, 1, wide)[0];
    memcpy(&v, value, sizeof v);
    return v;
}

/* ---- values ------------------------------------------------------------------------------------- */

/* The cells of one column, each to its row. */
static void put_column(const window *w, const field *f, uint32_t at, uint32_t n, uint64_t **to)
{
    const sp_column *cells = f->cells;
    uint64_t wide[ROWS_AT_ONCE];
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
            value_apart(w, f, at + r, to[r]);
        else
            to[r][1] = cell[r];
        to[r] += 2;
    }
}

static bool are_plain(const field *f)
{
    return f[0].plain && f[1].plain && f[2].plain && f[3].plain;
}

static void put_plain(const spate_cursor *c, const field *f, uint32_t at, uint32_t n, uint64_t **to)
{
    const uint64_t *cells[QUAD];
    uint64_t heads[QUAD];
    for (uint32_t q = 0; q < QUAD; q++) {
        cells[q] = (const uint64_t *)f[q].cells->data + at;
        heads[q] = f[q].head;
    }
    c->r.store->k->values4(cells, heads, n, to);
}

static void put_values(const spate_cursor *c, const window *w, uint32_t i, uint32_t end, uint32_t at, uint32_t n)
{
    uint64_t **to = w->to_row + at;
    for (const field *f = w->fields + i, *last = w->fields + end; f < last;) {
        bool four = f + QUAD <= last && are_plain(f);
        if (four)
            put_plain(c, f, at, n, to);
        else if (!f->hidden)
            put_column(w, f, at, n, to);
        f += four ? QUAD : 1;
    }
}

static uint64_t *row_of(const window *w, uint32_t at)
{
    return w->out + (size_t)at * w->group.n * 2;
}

const spate_value *sp_rows_values(const window *w, uint32_t at, size_t *n)
{
    *n = (size_t)(w->to_row[at] - row_of(w, at)) / 2;
    return (const spate_value *)row_of(w, at);
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

size_t sp_rows_record_max(uint32_t n, uint32_t of_16)
{
    return sp_round_up(((size_t)n + of_16) * 8 + sp_round_up(n, 64) / 8, RECORD_ALIGN);
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

/* Bits of eight fields from i on, of the n rows from at on: a square is turned at a time. */
static void put_gaps(const window *w, uint32_t i, uint32_t at, uint32_t n, char *bits)
{
    for (uint32_t r = 0; r < n; r += 8) {
        uint64_t square = 0;
        for (uint32_t f = 0; f < STRIPE && i + f < w->n_record; f++) {
            const uint8_t *validity = w->fields[i + f].cells->validity;
            square |= (uint64_t)(validity ? validity[(at + r) / 8] : 0xff) << 8 * f;
        }
        square = sp_turn_bits(square);
        for (uint32_t k = r; k < SP_MIN(r + 8, n); k++)
            bits[k * w->stride] = (char)(square >> 8 * (k - r));
    }
}

/* All cells are there, until gaps are put. Bits behind the last are 0. */
static void put_bits(const window *w, uint32_t n)
{
    size_t whole = w->n_record / 64 * 8;
    uint64_t rest = (UINT64_C(1) << w->n_record % 64) - 1;
    for (uint32_t r = 0; r < n; r++) {
        char *bits = (char *)w->out + r * w->stride + w->null_bits;
        memset(bits, 0xff, whole);
        if (rest)
            memcpy(bits + whole, &rest, sizeof rest);
    }
}

/* The cells of one column that is no part of four, each into its record. */
static void put_cells(const window *w, const field *f, uint32_t at, uint32_t n, char *to)
{
    for (uint32_t r = 0; r < n; r++, to += w->stride) {
        if (f->form == FORM_BOOL) {
            *to = (char)sp_bit(f->cells->data, at + r);
        } else if (f->form < FORM_TEXT) {
            size_t width = width_in_record(f->form);
            memcpy(to, (const char *)f->cells->data + (at + r) * width, width);
        } else {
            spate_value v;
            uint64_t value[2];
            value_apart(w, f, at + r, value);
            memcpy(&v, value, sizeof v);
            memcpy(to, &(spate_text){v.as.p, v.len}, sizeof(spate_text));
        }
    }
}

static void put_records(const spate_cursor *c, const window *w, uint32_t i, uint32_t end, uint32_t at, uint32_t n)
{
    char *records = (char *)w->out + at * w->stride;
    bool gaps = false;
    end = SP_MIN(end, w->n_record);
    for (uint32_t f = i; f < end; f++)
        gaps |= w->fields[f].cells->validity != NULL;
    if (gaps)
        put_gaps(w, i, at, n, records + w->null_bits + i / 8);
    while (i < end) {
        const field *f = &w->fields[i];
        bool four = f->leads && i + QUAD <= end;
        if (four)
            c->r.store->k->rows4((const uint64_t *const[QUAD]){(const uint64_t *)f[0].cells->data + at,
                                                               (const uint64_t *)f[1].cells->data + at,
                                                               (const uint64_t *)f[2].cells->data + at,
                                                               (const uint64_t *)f[3].cells->data + at},
                                 n, records + f->offset, w->stride);
        else
            put_cells(w, f, at, n, records + f->offset);
        i += four ? QUAD : 1;
    }
}

/* ---- windows ------------------------------------------------------------------------------------ */

void sp_rows_begin(window *w, uint32_t n)
{
    for (uint32_t r = 0; !w->as_records && r < n; r++)
        w->to_row[r] = row_of(w, r);
    if (w->as_records)
        put_bits(w, n);
}

void sp_rows_put(const spate_cursor *c, window *w, uint32_t i, uint32_t n)
{
    uint32_t end = SP_MIN(i + STRIPE, w->group.n);
    for (uint32_t at = 0; at < n; at += ROWS_AT_ONCE)
        (w->as_records ? put_records : put_values)(c, w, i, end, at, SP_MIN(n - at, (uint32_t)ROWS_AT_ONCE));
}
