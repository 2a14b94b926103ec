/* stage.c - columns that grow, and shapes. */
#include "store/stage.h"

enum {
    ROWS_FIRST = 64,
    LINE = 64,         /* bytes of a line of the cache */
    SHAPES_MAX = 64,   /* in a block, before the small ones are merged */
    MERGE_BELOW = 256, /* rows of a shape */
};

/* ---- cells ------------------------------------------------------------------------------------- */

int sp_cells_reserve(sp_column *c, uint32_t rows)
{
    if (rows <= c->rows_cap)
        return SPATE_OK;
    bool nulls = c->validity != NULL, first = c->rows_cap == 0;
    uint32_t had = c->rows_cap;
    if (sp_column_reserve_rows(c, SP_MAX(rows, SP_MIN(had * 2, (uint32_t)SP_BLOCK_ROWS_MAX))) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (first && c->offsets)
        c->offsets[0] = 0;
    if (nulls) {
        c->validity = c->own_validity;
        for (uint32_t i = had; i % 8 && i < c->rows_cap; i++)
            c->validity[i >> 3] |= (uint8_t)(1u << (i & 7));
        memset(c->validity + (had + 7) / 8, 0xff, (c->rows_cap + 7) / 8 - (had + 7) / 8);
    }
    return SPATE_OK;
}

static void set_null(sp_column *c, uint32_t i)
{
    sp_column_validity(c, c->rows_cap)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

void sp_cells_append_nulls(sp_column *c, uint32_t at, uint32_t n)
{
    for (uint32_t i = at; i < at + n; i++) {
        set_null(c, i);
        if (c->offsets)
            c->offsets[i + 1] = c->offsets[i];
        else if (c->type.kind == SP_BOOL)
            ((uint8_t *)c->data)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
    }
}

/* Room for more bytes, by doubling. */
static int reserve_bytes(sp_column *c, uint32_t at, size_t more)
{
    size_t want = (size_t)c->offsets[at] + more;
    if (want <= c->bytes_cap && c->bytes)
        return SPATE_OK;
    if (want > INT32_MAX)
        return SPATE_E_NOMEM;
    size_t cap = SP_MIN(SP_MAX(want, c->bytes_cap * 2), (size_t)INT32_MAX);
    return sp_column_reserve_bytes(c, SP_MAX(cap, (size_t)4096));
}

int sp_cells_append_text(sp_column *c, uint32_t at, const void *p, size_t len)
{
    if (reserve_bytes(c, at, len) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (len)
        memcpy(c->bytes + c->offsets[at], p, len);
    c->offsets[at + 1] = c->offsets[at] + (int32_t)len;
    return SPATE_OK;
}

static void append_bits(uint8_t *to, uint32_t at, const uint8_t *bits, uint32_t from, uint32_t n)
{
    uint32_t whole = at % 8 == 0 && from % 8 == 0 ? n / 8 : 0;
    if (whole)
        memcpy(to + at / 8, bits + from / 8, whole);
    for (uint32_t i = whole * 8; i < n; i++) {
        uint8_t bit = (uint8_t)(1u << ((at + i) & 7));
        to[(at + i) >> 3] = (uint8_t)((to[(at + i) >> 3] & ~bit) | (sp_bit(bits, from + i) ? bit : 0));
    }
}

/* The items of a null list are left out. */
static int append_lists(sp_column *c, uint32_t at, const sp_column *src, uint32_t from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        int32_t start = src->offsets[from + i],
                items = sp_column_null(src, from + i) ? 0 : src->offsets[from + i + 1] - start;
        if (c->offsets[at + i] > INT32_MAX - items)
            return SPATE_E_NOMEM;
        c->offsets[at + i + 1] = c->offsets[at + i] + items;
        if (items && sp_cells_append(c->child, (uint32_t)c->offsets[at + i], src->child, (uint32_t)start,
                                     (uint32_t)items) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

static int append_varying(sp_column *c, uint32_t at, const sp_column *src, uint32_t from, uint32_t n)
{
    if (c->type.kind == SP_LIST && src->validity)
        return append_lists(c, at, src, from, n);
    int32_t start = src->offsets[from], shift = c->offsets[at] - start;
    uint32_t more = (uint32_t)(src->offsets[from + n] - start);
    if ((int64_t)c->offsets[at] + more > INT32_MAX)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        c->offsets[at + i + 1] = src->offsets[from + i + 1] + shift;
    if (c->type.kind == SP_LIST)
        return sp_cells_append(c->child, (uint32_t)c->offsets[at], src->child, (uint32_t)start, more);
    if (reserve_bytes(c, at, more) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (more)
        memcpy(c->bytes + c->offsets[at], src->bytes + start, more);
    return SPATE_OK;
}

int sp_cells_append(sp_column *c, uint32_t at, const sp_column *src, uint32_t from, uint32_t n)
{
    if (sp_cells_reserve(c, at + n) != SPATE_OK)
        return SPATE_E_NOMEM;
    uint32_t width = sp_kind_width(c->type.kind);
    int rc = SPATE_OK;
    if (width)
        memcpy((char *)c->data + (size_t)at * width, (const char *)src->data + (size_t)from * width, (size_t)n * width);
    else if (c->type.kind == SP_BOOL)
        append_bits(c->data, at, src->data, from, n);
    else
        rc = append_varying(c, at, src, from, n);
    if (src->validity)
        append_bits(sp_column_validity(c, c->rows_cap), at, src->validity, from, n);
    else if (c->validity)
        for (uint32_t i = at; i < at + n; i++)
            c->validity[i >> 3] |= (uint8_t)(1u << (i & 7));
    return rc;
}

void sp_cells_clear(sp_column *c)
{
    c->validity = NULL;
    if (c->offsets)
        c->offsets[0] = 0;
    if (c->child)
        sp_cells_clear(c->child);
}

/* ---- shapes ------------------------------------------------------------------------------------ */

void sp_shape_init(sp_shape *s)
{
    *s = (sp_shape){0};
}

/* Columns of fixed width lie in lines, and do not grow by themselves. */
static bool in_lines(const sp_column *c)
{
    return sp_kind_width(c->type.kind) > 0;
}

void sp_shape_done(sp_shape *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (in_lines(&s->cells[i]))
            s->cells[i].own_data = s->cells[i].own_validity = NULL;
        sp_column_done(&s->cells[i]);
        sp_segment_plan_done(&s->plans[i]);
    }
    sp_free(s->lines);
    sp_free(s->keys);
    sp_free(s->types);
    sp_free(s->cells);
    sp_free(s->plans);
    *s = (sp_shape){0};
}

int sp_shape_make(sp_shape *s, const uint64_t *keys, const sp_type *types, uint32_t n)
{
    sp_shape_done(s);
    s->keys = sp_alloc_zero(n, sizeof *s->keys);
    s->types = sp_alloc_zero(n, sizeof *s->types);
    s->cells = sp_alloc_zero(n, sizeof *s->cells);
    s->plans = sp_alloc_zero(n, sizeof *s->plans);
    if (!s->keys || !s->types || !s->cells || !s->plans)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        s->keys[i] = keys[i];
        s->types[i] = types[i];
        s->cells[i] = (sp_column){.type = types[i]};
        if (!in_lines(&s->cells[i]) && sp_column_init(&s->cells[i], types[i], ROWS_FIRST, NULL) != SPATE_OK)
            return SPATE_E_NOMEM;
        s->n = i + 1;
        sp_cells_clear(&s->cells[i]);
    }
    return sp_shape_reserve(s, ROWS_FIRST);
}

static size_t bits_bytes(uint32_t rows)
{
    return ((size_t)rows + 63) / 64 * 8;
}

/* How far the next column's begin behind those of one: a line further than they reach. Cells of a row would otherwise all want the same few
 * places of the cache. */
static size_t bits_pitch(uint32_t rows)
{
    return sp_round_up(bits_bytes(rows), LINE) + LINE;
}

static size_t cells_pitch(const sp_column *c, uint32_t rows)
{
    return sp_round_up((size_t)rows * sp_kind_width(c->type.kind), LINE) + LINE;
}

/* The bits of all columns first, then their cells, in large pages: records are put into all of them at once. */
static int reserve_lines(sp_shape *s, uint32_t room)
{
    size_t bits = 0, cells = 0, had = bits_bytes(s->room);
    for (uint32_t i = 0; i < s->n; i++) {
        bits += in_lines(&s->cells[i]) ? bits_pitch(room) : 0;
        cells += in_lines(&s->cells[i]) ? cells_pitch(&s->cells[i], room) : 0;
    }
    if (cells == 0)
        return SPATE_OK;
    char *lines = sp_alloc_large(bits + cells), *next = lines + bits;
    if (!lines)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0, k = 0; i < s->n; i++) {
        sp_column *c = &s->cells[i];
        if (!in_lines(c))
            continue;
        c->own_validity = (uint8_t *)lines + k++ * bits_pitch(room);
        c->own_data = next;
        if (c->validity) {
            memcpy(c->own_validity, c->validity, had);
            memset(c->own_validity + had, 0xff, bits_bytes(room) - had);
            c->validity = c->own_validity;
        }
        if (s->rows)
            memcpy(c->own_data, c->data, (size_t)s->rows * sp_kind_width(c->type.kind));
        c->data = c->own_data;
        c->rows_cap = room;
        next += cells_pitch(c, room);
    }
    sp_free(s->lines);
    s->lines = lines;
    return SPATE_OK;
}

int sp_shape_reserve(sp_shape *s, uint32_t rows)
{
    if (rows <= s->room)
        return SPATE_OK;
    uint32_t room = SP_MAX(rows, SP_MIN(s->room * 2, (uint32_t)SP_BLOCK_ROWS_MAX));
    for (uint32_t i = 0; i < s->n; i++)
        if (!in_lines(&s->cells[i]) && sp_cells_reserve(&s->cells[i], room) != SPATE_OK)
            return SPATE_E_NOMEM;
    if (reserve_lines(s, room) != SPATE_OK)
        return SPATE_E_NOMEM;
    s->room = room;
    return SPATE_OK;
}

void sp_shape_clear(sp_shape *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        sp_cells_clear(&s->cells[i]);
    s->idle = s->rows ? 0 : s->idle + 1;
    s->rows = 0;
}

/* ---- merging ----------------------------------------------------------------------------------- */

static bool small(const sp_shape *s)
{
    return s->rows < MERGE_BELOW;
}

static uint32_t find_key(const uint64_t *keys, uint32_t n, uint64_t key)
{
    uint32_t i = 0;
    while (i < n && keys[i] != key)
        i++;
    return i;
}

/* The fields of all small shapes, each once. */
static int make_union(sp_shape *const *shapes, uint32_t n_shapes, sp_shape *all)
{
    uint32_t most = 0, n = 0;
    for (uint32_t i = 0; i < n_shapes; i++)
        most += small(shapes[i]) ? shapes[i]->n : 0;
    uint64_t *keys = sp_alloc_zero(most, sizeof *keys);
    sp_type *types = sp_alloc_zero(most, sizeof *types);
    for (uint32_t i = 0; keys && types && i < n_shapes; i++)
        for (uint32_t c = 0; small(shapes[i]) && c < shapes[i]->n; c++)
            if (find_key(keys, n, shapes[i]->keys[c]) == n) {
                keys[n] = shapes[i]->keys[c];
                types[n++] = shapes[i]->types[c];
            }
    int rc = keys && types ? sp_shape_make(all, keys, types, n) : SPATE_E_NOMEM;
    sp_free(keys);
    sp_free(types);
    return rc;
}

/* Row from of s becomes the next row of all; at: cells that each column of all has so far. */
static int move_row(const sp_shape *s, uint32_t from, sp_shape *all, uint32_t *at, const uint32_t *places)
{
    if (sp_shape_reserve(all, all->rows + 1) != SPATE_OK)
        return SPATE_E_NOMEM;
    for (uint32_t c = 0; c < s->n; c++) {
        sp_column *to = &all->cells[places[c]];
        sp_cells_append_nulls(to, at[places[c]], all->rows - at[places[c]]);
        if (sp_cells_append(to, all->rows, &s->cells[c], from, 1) != SPATE_OK)
            return SPATE_E_NOMEM;
        at[places[c]] = all->rows + 1;
    }
    all->rows++;
    return SPATE_OK;
}

typedef struct merger {
    uint32_t *at, *next; /* cells of a field of the union; rows taken from a shape */
    int32_t *number;     /* of a shape, when the small ones are gone; -1: small */
    uint32_t **places;   /* of a small shape's fields in the union */
} merger;

static int move_rows(sp_shape *const *shapes, sp_shape *all, merger *m, int32_t *order, uint32_t rows,
                     int32_t union_number)
{
    for (uint32_t i = 0; i < rows; i++) {
        int32_t from = order[i];
        uint32_t row = m->next[from]++;
        order[i] = m->number[from] < 0 ? union_number : m->number[from];
        if (m->number[from] < 0 && move_row(shapes[from], row, all, m->at, m->places[from]) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    for (uint32_t c = 0; c < all->n; c++)
        sp_cells_append_nulls(&all->cells[c], m->at[c], all->rows - m->at[c]);
    return SPATE_OK;
}

static bool place_fields(sp_shape *const *shapes, uint32_t n, const sp_shape *all, merger *m)
{
    int32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        m->number[i] = small(shapes[i]) ? -1 : kept++;
        if (m->number[i] >= 0)
            continue;
        m->places[i] = sp_alloc_zero(shapes[i]->n, sizeof **m->places);
        if (!m->places[i])
            return false;
        for (uint32_t c = 0; c < shapes[i]->n; c++)
            m->places[i][c] = find_key(all->keys, all->n, shapes[i]->keys[c]);
    }
    return true;
}

int sp_stage_merge(sp_shape **shapes, uint32_t *n_shapes, sp_shape *union_shape, int32_t *order, uint32_t rows)
{
    uint32_t n = *n_shapes, kept = 0;
    if (n <= SHAPES_MAX)
        return SPATE_OK;
    if (make_union(shapes, n, union_shape) != SPATE_OK)
        return SPATE_E_NOMEM;
    merger m = {sp_alloc_zero(union_shape->n, sizeof *m.at), sp_alloc_zero(n, sizeof *m.next),
                sp_alloc_zero(n, sizeof *m.number), sp_alloc_zero(n, sizeof *m.places)};
    int rc =
        m.at && m.next && m.number && m.places && place_fields(shapes, n, union_shape, &m) ? SPATE_OK : SPATE_E_NOMEM;
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++)
        kept += m.number[i] >= 0;
    if (rc == SPATE_OK)
        rc = move_rows(shapes, union_shape, &m, order, rows, (int32_t)kept);
    if (rc == SPATE_OK) {
        for (uint32_t i = 0; i < n; i++)
            if (m.number[i] >= 0)
                shapes[m.number[i]] = shapes[i];
        if (union_shape->rows)
            shapes[kept++] = union_shape;
        *n_shapes = kept;
    }
    for (uint32_t i = 0; m.places && i < n; i++)
        sp_free(m.places[i]);
    sp_free(m.at);
    sp_free(m.next);
    sp_free(m.number);
    sp_free(m.places);
    return rc;
}
