/* rowtext.c - rows as text: one engine for CSV, COPY text, NDJSON and INSERT.
 *
 * A row is a sequence of cells, and a cell is  lead  value  close : the lead holds the separator,
 * the key and the opening quote, the value comes from the column, the close is a quote or nothing.
 * Room for the worst case is reserved a block of rows at a time, so the writers check nothing and
 * store whole words.
 *
 * A block is written in two passes. First each column is brought into one form, text and where its
 * cells end: text in which a search finds nothing to escape is viewed where it lies, everything else
 * is spelt out into a small stage. Then the rows are copied together from these views, four cells at
 * a time, whatever their kinds. What has no view (too long for the stage, in too wide a table) or is
 * null between quotes is written cell by cell through a function chosen once for its kind and the
 * dialect (celltext.c). */
#include "codec/celltext.h"

#include <assert.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    SEARCH_NOTHING = -1,
    NO_TEXT_VIEW = -2,
    SEARCH_QUOTES = -3
}; /* in place of an escape; the last: cells as CSV need quotes at most */

enum {
    BLOCK_ROWS = 64, /* rows that share one reservation and one stage */
    VIEWS_MAX = 64,  /* columns that are viewed; tables with more are written cell by cell */
    STAGE_BYTES = 32 << 10,
    JOINT_MAX = 16,
    GROUP = 4,                 /* cells that are read before they are written */
    BLOCK_BYTES_MAX = 1 << 20, /* halved while its worst case is above this */
};

typedef struct cell {
    sp_cell_put *put;
    sp_put_many_fn *put_many; /* NULL: none for the kind */
    int search;               /* the escape that a block of text must not need to be viewed; or one of the above */
    const char *lead;         /* SP_SLACK readable bytes behind it */
    uint32_t lead_len;
    uint32_t null_lead_len; /* the lead without its opening quote */
    uint32_t joint_len;
    char joint[JOINT_MAX]; /* what stands behind the cell unless it or the next is null, if that is so short */
    char null_text[4];
    uint8_t null_len;
    char close;
    uint8_t close_len;
} cell;

struct sp_rowtext {
    const sp_schema *schema;
    sp_text_dialect dialect;
    char end[4]; /* of a row */
    uint32_t end_len;
    uint32_t frame_len; /* leads, closes and end of one row */
    bool whole_rows;    /* all columns have room for a view, and all joints are short */
    bool bare;          /* nothing stands in front of a row, and one byte behind each cell */
    sp_arena arena;
    cell cells[];
};

/* ---- building ------------------------------------------------------------------------------- */

/* The separator, the key and the opening quote of a column. NULL: no memory. */
static const char *build_lead(sp_rowtext *e, uint32_t column, uint32_t *len)
{
    const sp_dialect *d = &sp_dialects[e->dialect];
    const char *separator = column ? d->separator : d->row_start, *name = e->schema->fields[column].name;
    size_t name_len = d->keys ? strlen(name) : 0;
    char *lead = sp_arena_alloc(&e->arena, 6 * name_len + 16 + SP_SLACK, 1), *p = lead;
    /* put_escaped reads past the end, and a name has no slack. */
    char *key = sp_arena_alloc(&e->arena, name_len + SP_SLACK, 1);
    if (!lead || !key)
        return NULL;
    memcpy(key, name, name_len);
    p = stpcpy(p, separator);
    if (d->keys) {
        *p++ = '"';
        p = put_escaped(p, key, name_len, JSON_ESCAPE);
        *p++ = '"';
        *p++ = ':';
    }
    *p = d->quote;
    *len = (uint32_t)(p - lead);
    return lead;
}

static int build_cell(sp_rowtext *e, uint32_t column)
{
    const sp_dialect *d = &sp_dialects[e->dialect];
    const sp_field *field = &e->schema->fields[column];
    sp_kind kind = field->type.kind;
    sp_care care = kind == SP_TEXT ? field->bounds.care : SP_CARE_ESCAPES;
    sp_care harmless = d->search == CSV_SEARCH   ? SP_CARE_SQL
                       : d->search == SQL_ESCAPE ? SP_CARE_NOTHING
                                                 : SP_CARE_QUOTES;
    bool plain = care >= harmless;
    bool quotes = d->has_quotes && d->has_quotes(kind);
    uint32_t lead_len;
    const char *lead = build_lead(e, column, &lead_len);
    if (!lead)
        return SPATE_E_NOMEM;
    cell *c = &e->cells[column];
    *c = (cell){.put = plain ? sp_put_text_plain : d->puts[kind],
                .put_many = d->put_many[kind],
                .search = kind == SP_TEXT ? (int)d->search : NO_TEXT_VIEW,
                .lead = lead,
                .lead_len = lead_len + quotes,
                .null_lead_len = lead_len,
                .null_len = (uint8_t)strlen(d->null_text),
                .close = d->quote,
                .close_len = quotes};
    if (plain)
        c->search = SEARCH_NOTHING;
    else if (care == SP_CARE_QUOTES && d->search == CSV_SEARCH)
        c->search = SEARCH_QUOTES;
    else if (kind == SP_JSON)
        c->search = e->dialect == SP_TEXT_NDJSON ? (int)JSON_INLINE : (int)d->search;
    memcpy(c->null_text, d->null_text, strlen(d->null_text));
    e->frame_len += c->lead_len + 4;
    return SPATE_OK;
}

/* What stands behind a cell of a row without nulls: its close, and the next one's lead or the end of the row. */
static void build_joint(sp_rowtext *e, uint32_t column)
{
    cell *c = &e->cells[column];
    bool last = column + 1 == e->schema->n_fields;
    const char *next = last ? e->end : c[1].lead;
    uint32_t next_len = last ? e->end_len : c[1].lead_len;
    c->joint_len = c->close_len + next_len;
    if (c->joint_len <= JOINT_MAX) {
        c->joint[0] = c->close;
        memcpy(c->joint + c->close_len, next, next_len);
    }
    e->whole_rows = e->whole_rows && c->joint_len <= JOINT_MAX;
    e->bare = e->bare && c->joint_len == 1;
}

int sp_rowtext_new(const sp_schema *schema, sp_text_dialect dialect, sp_rowtext **out, spate_error *err)
{
    sp_rowtext *e = sp_alloc_zero(1, sizeof(*e) + schema->n_fields * sizeof(cell));
    if (!e)
        return sp_fail_nomem(err);
    e->schema = schema;
    e->dialect = dialect;
    e->end_len = (uint32_t)strlen(sp_dialects[dialect].row_end);
    memcpy(e->end, sp_dialects[dialect].row_end, e->end_len);
    e->frame_len = e->end_len + 4;
    sp_arena_init(&e->arena);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (build_cell(e, i) != SPATE_OK) {
            sp_rowtext_free(e);
            return sp_fail_nomem(err);
        }
    e->whole_rows = schema->n_fields <= VIEWS_MAX && e->cells[0].lead_len <= JOINT_MAX;
    e->bare = e->cells[0].lead_len == 0;
    for (uint32_t i = 0; i < schema->n_fields; i++)
        build_joint(e, i);
    *out = e;
    return SPATE_OK;
}

void sp_rowtext_free(sp_rowtext *e)
{
    if (!e)
        return;
    sp_arena_done(&e->arena);
    sp_free(e);
}

/* ---- bounds --------------------------------------------------------------------------------- */

static size_t block_bound(const sp_rowtext *e, const sp_batch *batch, uint32_t from, uint32_t to)
{
    size_t bytes = (size_t)e->frame_len * (to - from);
    for (uint32_t i = 0; i < e->schema->n_fields; i++)
        bytes += sp_value_bound(&batch->columns[i], from, to, e->dialect);
    return bytes;
}

/* ---- a block's columns ---------------------------------------------------------------------- */

/* Where a block's cells of a column stand ready: cell i of the block is bytes[offsets[i]..offsets[i + 1]]. */
typedef struct view {
    const char *bytes; /* NULL: no view, the cells are to be written one by one */
    const int32_t *offsets;
    const char *first; /* cell 0 */
    uint64_t joint_len;
    char joint[JOINT_MAX];
    uint64_t present; /* bit i: cell i is not null */
    /* the first of a group: all of the group's cells of row i are there; 0: nowhere if one has no view */
    uint64_t whole;
    uint32_t len_min, len_max; /* of this block's cells */
    uint32_t longest;          /* of the first of a group: the largest len_max in it */
} view;

/* A cell of at most PLACED_MAX bytes as put_group wants it: where it begins, from its block's first on, and how far the next cell is
 * from it in the row: (length + joint) << 16 | start. */
typedef uint32_t place;
enum {
    TEXT_WIDE = 64,                                  /* of put_group's cells */
    PLACED_MAX = (1 << 16) / BLOCK_ROWS - JOINT_MAX, /* of cells whose place is known: it counts with sixteen bits */
};

/* What a block is made of; lives on the stack while it is written. */
typedef struct stage stage;
/* What is compiled once for every processor and once for wider registers, and called out of line. */
typedef struct hands {
    char *(*put_any_group)(char *p, const stage *s, const view *v, size_t i);
    char *(*quote)(char *p, const view *v, uint32_t rows, int32_t *offsets);
} hands;

struct stage {
    const hands *hands;
    view views[VIEWS_MAX + GROUP];
    alignas(32) place places[VIEWS_MAX + GROUP][BLOCK_ROWS];
    uint32_t n; /* of them, filled up to whole groups */
    uint32_t used;
    /* bit i: row i is written from views: all columns have one, and in rows that are not bare no cell is null */
    uint64_t whole;
    char start[JOINT_MAX]; /* in front of a row */
    uint32_t start_len;
    bool bare;
    char separator; /* if bare */
    char null_text[4];
    uint32_t null_len;
    alignas(32) char room[STAGE_BYTES + SP_SLACK];
};

INLINE bool text_needs_escapes(const char *s, size_t len, int how)
{
    switch (how) {
    case CSV_SEARCH: return has_special(s, len, CSV_SEARCH);
    case COPY_ESCAPE: return has_special(s, len, COPY_ESCAPE);
    case JSON_ESCAPE: return has_special(s, len, JSON_ESCAPE);
    case SQL_ESCAPE: return has_special(s, len, SQL_ESCAPE);
    case JSON_INLINE: return has_special(s, len, JSON_INLINE);
    default: return true;
    }
}

/* The shortest and the longest of a view's cells, and the places of all. */
INLINE void measure(view *v, place *restrict places, uint32_t rows)
{
    const int32_t *restrict offsets = v->offsets;
    const int32_t first = offsets[0], joint_len = (int32_t)v->joint_len;
    int32_t low = INT32_MAX, high = 0;
    for (uint32_t i = 0; i < rows; i++) {
        int32_t len = offsets[i + 1] - offsets[i];
        low = SP_MIN(low, len);
        high = SP_MAX(high, len);
        places[i] = (uint32_t)(len + joint_len) << 16 | (uint32_t)(offsets[i] - first);
    }
    v->first = v->bytes + first;
    v->len_min = (uint32_t)low;
    v->len_max = (uint32_t)high;
}

/* Views the block's text where it lies, if it can be copied as it is. */
INLINE bool view_text(view *v, stage *s, const cell *cell, const sp_column *c, uint32_t from, uint32_t rows)
{
    if (cell->search == NO_TEXT_VIEW)
        return false;
    v->bytes = c->bytes;
    v->offsets = c->offsets + from;
    measure(v, s->places[v - s->views], rows);
    if (cell->search == SEARCH_NOTHING || cell->search == SEARCH_QUOTES)
        return cell->search == SEARCH_NOTHING;
    if (cell->search == CSV_SEARCH && v->len_min == 0) /* "" is not null */
        return false;
    return !text_needs_escapes(c->bytes + v->offsets[0], (size_t)(v->offsets[rows] - v->offsets[0]), cell->search);
}

typedef char bytes_16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef char bytes_32 __attribute__((vector_size(32), aligned(1), may_alias));

/* A wide copy for text of any length: writes at least 64 bytes, and at most 63 behind it. */
INLINE char *copy_long(char *to, const char *from, size_t len)
{
    char *end = to + len;
    do {
        bytes_32 low = *(const bytes_32 *)from, high = *(const bytes_32 *)(from + 32);
        *(bytes_32 *)to = low;
        *(bytes_32 *)(to + 32) = high;
        to += 64;
        from += 64;
    } while (SP_UNLIKELY(to < end));
    return end;
}

/* The block's cells as CSV, of which some are to stand between quotes and none has a quote in it. All are searched before any is
 * written, for the reason that put_group says. */
INLINE char *quote_csv(char *p, const view *v, uint32_t rows, int32_t *offsets,
                       bool (*has_comma)(const char *s, size_t len))
{
    uint64_t quoted = 0;
    for (uint32_t i = 0; i < rows; i++)
        quoted |= (uint64_t)has_comma(v->bytes + v->offsets[i], (size_t)(v->offsets[i + 1] - v->offsets[i])) << i;
    char *base = p;
    for (uint32_t i = 0; i < rows; i++, quoted >>= 1) {
        *p = '"';
        p = copy_long(p + (quoted & 1), v->bytes + v->offsets[i], (size_t)(v->offsets[i + 1] - v->offsets[i]));
        *p = '"';
        p += quoted & 1;
        offsets[i + 1] = (int32_t)(p - base);
    }
    return p;
}

/* Writes the block's cells into the stage, if they have room there. */
INLINE bool spell_out(view *v, stage *s, const cell *cell, const sp_column *c, uint32_t from, uint32_t rows,
                      size_t bound)
{
    size_t offsets_size = (rows + 1) * sizeof(int32_t);
    if (s->used + offsets_size + bound > STAGE_BYTES)
        return false;
    int32_t *offsets = (int32_t *)(void *)(s->room + s->used);
    char *text = s->room + s->used + offsets_size, *end = text;
    offsets[0] = 0;
    if (cell->search == SEARCH_QUOTES) {
        end = s->hands->quote(text, v, rows, offsets);
    } else if (cell->put_many) {
        const char *values = (const char *)c->data + (size_t)from * sp_kind_width(c->type.kind);
        end = cell->put_many(text, values, rows, c->type.scale, offsets + 1);
    } else {
        for (uint32_t i = 0; i < rows; i++) {
            if (!sp_column_null(c, from + i))
                end = cell->put(end, c, from + i);
            offsets[i + 1] = (int32_t)(end - text);
        }
    }
    s->used = (uint32_t)(end - s->room + 15) & ~15u;
    v->bytes = text;
    v->offsets = offsets;
    measure(v, s->places[v - s->views], rows);
    return true;
}

/* Bits [from, from + rows) of a bitmap, rows <= 64. */
static uint64_t some_bits(const uint8_t *bits, uint32_t from, uint32_t rows)
{
    uint64_t low = 0, high = 0;
    uint32_t skip = from & 7, bytes = (skip + rows + 7) / 8;
    memcpy(&low, bits + (from >> 3), SP_MIN(bytes, 8u));
    if (bytes > 8)
        high = bits[(from >> 3) + 8];
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    low = __builtin_bswap64(low);
#endif
    return skip ? low >> skip | high << (64 - skip) : low;
}

/* Fills the last group up with views of nothing, and finds the longest cell of each. */
static void close_groups(stage *s, uint32_t n)
{
    static const int32_t no_offsets[BLOCK_ROWS + 1];
    static const char no_bytes[SP_SLACK];
    for (s->n = n; s->n % GROUP; s->n++) {
        s->views[s->n] = (view){.bytes = no_bytes, .first = no_bytes, .offsets = no_offsets, .present = ~UINT64_C(0)};
        memset(s->places[s->n], 0, sizeof s->places[s->n]);
    }
    for (view *v = s->views; v < s->views + s->n; v += GROUP) {
        v->whole = v->present;
        v->longest = v->len_max;
        for (uint32_t i = 1; i < GROUP; i++) {
            v->longest = SP_MAX(v->longest, v[i].len_max);
            v->whole &= v[i].present;
        }
        s->whole &= s->bare ? ~UINT64_C(0) : v->whole;
    }
}

INLINE void stage_columns(stage *s, const sp_rowtext *e, const sp_column *columns, uint32_t from, uint32_t rows)
{
    uint32_t n = SP_MIN(e->schema->n_fields, (uint32_t)VIEWS_MAX);
    bool complete = e->whole_rows;
    s->used = 0;
    for (uint32_t i = 0; i < n; i++) {
        const cell *cell = &e->cells[i];
        const sp_column *c = &columns[i];
        view *v = &s->views[i];
        memcpy(v->joint, cell->joint, JOINT_MAX);
        v->joint_len = cell->joint_len;
        if (!view_text(v, s, cell, c, from, rows) &&
            !spell_out(v, s, cell, c, from, rows, sp_value_bound(c, from, from + rows, e->dialect))) {
            v->bytes = NULL;
            complete = false;
        }
        v->present = c->validity ? some_bits(c->validity, from, rows) : ~UINT64_C(0);
    }
    s->whole = complete ? ~UINT64_C(0) : 0;
    s->bare = e->bare;
    if (complete)
        close_groups(s, n);
    s->null_len = e->cells[0].null_len;
    memcpy(s->null_text, e->cells[0].null_text, sizeof s->null_text);
    s->separator = e->cells[0].joint[0];
    s->start_len = complete ? e->cells[0].lead_len : 0;
    memcpy(s->start, e->cells[0].lead, s->start_len);
}

/* ---- a block's rows ------------------------------------------------------------------------- */

static inline char *put_lead(char *p, const char *lead, uint32_t len)
{
    memcpy(p, lead, 16);
    if (SP_UNLIKELY(len > 16))
        memcpy(p + 16, lead + 16, len - 16);
    return p + len;
}

/* Any cell, of a view or not, null or not. */
static inline char *put_cell(char *p, const cell *cell, const view *v, uint32_t i, const sp_column *c, uint32_t row)
{
    if (sp_column_null(c, row)) {
        p = put_lead(p, cell->lead, cell->null_lead_len);
        memcpy(p, cell->null_text, sizeof cell->null_text);
        return p + cell->null_len;
    }
    p = put_lead(p, cell->lead, cell->lead_len);
    if (v && v->bytes)
        p = sp_copy_short(p, v->bytes + v->offsets[i], (size_t)(v->offsets[i + 1] - v->offsets[i]));
    else
        p = cell->put(p, c, row);
    *p = cell->close;
    return p + cell->close_len;
}

static __attribute__((noinline)) char *put_any_row(char *p, const sp_rowtext *e, const stage *s,
                                                   const sp_column *columns, uint32_t from, uint32_t i)
{
    for (uint32_t column = 0; column < e->schema->n_fields; column++)
        p = put_cell(p, &e->cells[column], column < VIEWS_MAX ? &s->views[column] : NULL, i, &columns[column],
                     from + i);
    memcpy(p, e->end, sizeof e->end);
    return p + e->end_len;
}

#define UNROLL _Pragma("GCC unroll 4")

/* n cells of row i, none longer than wide, and their joints. All is read before anything is written: where a cell is written
 * depends on the lengths of those before it, and a processor holds reads back that come behind writes to places not known yet. */
INLINE char *put_group(char *p, const view *v, const place (*places)[BLOCK_ROWS], uint32_t n, size_t i, uint32_t wide,
                       bool bare, char separator)
{
    bytes_16 joint[GROUP], narrow[GROUP];
    bytes_32 text[GROUP][2];
    uint64_t step[GROUP], joint_len[GROUP];
    __asm__(
        ""
        : "+r"(v)); /* or addresses are worked out in front of the choice of a width, and kept in memory meanwhile */
    UNROLL for (uint32_t k = 0; k < n; k++)
    {
        const char *from = v[k].first + (uint16_t)places[k][i];
        step[k] = places[k][i] >> 16;
        if (!bare) {
            joint[k] = *(const bytes_16 *)v[k].joint;
            joint_len[k] = v[k].joint_len;
        }
        if (wide == 16)
            narrow[k] = *(const bytes_16 *)from;
        UNROLL for (uint32_t j = 0; j < wide / 32; j++) text[k][j] = *(const bytes_32 *)(from + 32 * j);
    }
    UNROLL for (uint32_t k = 0; k < n; k++)
    {
        if (wide == 16)
            *(bytes_16 *)p = narrow[k];
        if (wide >= 32)
            *(bytes_32 *)p = text[k][0];
        if (wide == 64 && v[k].len_max > 32)
            *(bytes_32 *)(p + 32) = text[k][1];
        p += step[k];
        if (bare)
            p[-1] = separator;
        else
            *(bytes_16 *)(p - joint_len[k]) = joint[k];
    }
    return p;
}

/* The same for a group with long cells or, in bare rows, with nulls. A function of its own, or it takes registers from the others. */
INLINE char *put_any_group(char *p, const stage *s, const view *v, size_t i)
{
    const place(*places)[BLOCK_ROWS] = s->places + (v - s->views);
    if (v->longest <= PLACED_MAX && v->whole >> i & 1) {
        UNROLL for (uint32_t k = 0; k < GROUP; k++)
        {
            size_t step = places[k][i] >> 16, len = step - v[k].joint_len;
            copy_long(p, v[k].first + (uint16_t)places[k][i], len);
            *(bytes_16 *)(p + len) = *(const bytes_16 *)v[k].joint;
            p += step;
        }
        return p;
    }
    for (const view *last = v + GROUP; v < last; v++) {
        if (v->present >> i & 1) {
            p = copy_long(p, v->bytes + v->offsets[i], (uint32_t)(v->offsets[i + 1] - v->offsets[i]));
        } else {
            memcpy(p, s->null_text, sizeof s->null_text);
            p += s->null_len;
        }
        *(bytes_16 *)p = *(const bytes_16 *)v->joint;
        p += v->joint_len;
    }
    return p;
}

/* Rows [from, to) of the block, of columns that all have views: nothing depends on a column's kind. Bare rows have a separator
 * behind each cell, the last of which becomes the end of the row; others need more registers a cell, and have no nulls here,
 * because what stands around a null has no quotes. */
INLINE char *put_whole_rows(char *p, const stage *s, size_t from, size_t to, bool bare)
{
    const view *last = s->views + s->n;
    for (size_t i = from; i < to; i++) {
        if (!bare) {
            memcpy(p, s->start, JOINT_MAX);
            p += s->start_len;
        }
        const place(*at)[BLOCK_ROWS] = s->places;
        for (const view *v = s->views; v < last; v += GROUP, at += GROUP) {
            if (SP_UNLIKELY(v->longest > TEXT_WIDE || (bare && !(v->whole >> i & 1))))
                p = s->hands->put_any_group(p, s, v, i);
            else if (v->longest <= 16)
                p = put_group(p, v, at, GROUP, i, 16, bare, s->separator);
            else if (bare && v->longest <= 32)
                p = put_group(p, v, at, GROUP, i, 32, bare, s->separator);
            else if (bare)
                p = put_group(p, v, at, GROUP, i, 64, bare, s->separator);
            else
                p = put_group(put_group(p, v, at, 2, i, 64, bare, 0), v + 2, at + 2, 2, i, 64, bare, 0);
        }
        if (bare)
            p[-1] = '\n';
    }
    return p;
}

INLINE char *put_block(char *p, const sp_rowtext *e, const sp_column *columns, uint32_t from, uint32_t rows,
                       const hands *hands)
{
    stage s;
    s.hands = hands;
    stage_columns(&s, e, columns, from, rows);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t others = ~s.whole >> i;
        uint32_t to = others ? SP_MIN(i + (uint32_t)__builtin_ctzll(others), rows) : rows;
        if (to > i)
            p = s.bare ? put_whole_rows(p, &s, i, to, true) : put_whole_rows(p, &s, i, to, false);
        i = to;
        if (i < rows)
            p = put_any_row(p, e, &s, columns, from, i);
    }
    return p;
}

typedef char *put_block_fn(char *p, const sp_rowtext *e, const sp_column *columns, uint32_t from, uint32_t rows);

static __attribute__((noinline)) char *put_any_group_portable(char *p, const stage *s, const view *v, size_t i)
{
    return put_any_group(p, s, v, i);
}

INLINE bool has_comma(const char *s, size_t len)
{
    return has_special(s, len, CSV_COMMA);
}

static char *quote_csv_portable(char *p, const view *v, uint32_t rows, int32_t *offsets)
{
    return quote_csv(p, v, rows, offsets, has_comma);
}

static char *put_block_portable(char *p, const sp_rowtext *e, const sp_column *columns, uint32_t from, uint32_t rows)
{
    static const hands hands = {put_any_group_portable, quote_csv_portable};
    return put_block(p, e, columns, from, rows, &hands);
}

#if defined(__x86_64__)
/* The same with registers of 32 bytes. What is called for each row has to have them too: going from one kind to the other costs more than
 * a row does. */
#define AVX2 __attribute__((target("avx2")))

AVX2 static __attribute__((noinline)) char *put_any_group_avx2(char *p, const stage *s, const view *v, size_t i)
{
    return put_any_group(p, s, v, i);
}

AVX2 INLINE bool has_comma_avx2(const char *s, size_t len)
{
    const __m256i comma = _mm256_set1_epi8(',');
    __m256i hit = _mm256_setzero_si256();
    for (; len >= 32; s += 32, len -= 32)
        hit = _mm256_or_si256(hit, _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)s), comma));
    uint32_t last =
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)s), comma));
    return !_mm256_testz_si256(hit, hit) || (last & (uint32_t)((UINT64_C(1) << len) - 1)) != 0;
}

AVX2 static __attribute__((noinline)) char *quote_csv_avx2(char *p, const view *v, uint32_t rows, int32_t *offsets)
{
    return quote_csv(p, v, rows, offsets, has_comma_avx2);
}

AVX2 static char *put_block_avx2(char *p, const sp_rowtext *e, const sp_column *columns, uint32_t from, uint32_t rows)
{
    static const hands hands = {put_any_group_avx2, quote_csv_avx2};
    return put_block(p, e, columns, from, rows, &hands);
}
#endif

static int encode(const sp_rowtext *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out,
                  put_block_fn *put)
{
    while (from < to) {
        uint32_t block = SP_MIN(to - from, (uint32_t)BLOCK_ROWS);
        size_t bytes = block_bound(e, batch, from, from + block);
        while (bytes > BLOCK_BYTES_MAX && block > 1) {
            block /= 2;
            bytes = block_bound(e, batch, from, from + block);
        }
        if (sp_buf_reserve(out, bytes) != SPATE_OK)
            return SPATE_E_NOMEM;
        char *end = put(out->data + out->len, e, batch->columns, from, block);
        out->len = (size_t)(end - out->data);
        from += block;
    }
    return SPATE_OK;
}

int sp_rowtext_encode(const sp_rowtext *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out)
{
#if defined(__x86_64__)
    if (SP_LIKELY(__builtin_cpu_supports("avx2")))
        return encode(e, batch, from, to, out, put_block_avx2);
#endif
    return encode(e, batch, from, to, out, put_block_portable);
}

int sp_rowtext_encode_portable(const sp_rowtext *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out)
{
    return encode(e, batch, from, to, out, put_block_portable);
}

int sp_rowtext_header(const sp_rowtext *e, sp_buf *out)
{
    if (e->dialect != SP_TEXT_CSV)
        return SPATE_OK;
    for (uint32_t i = 0; i < e->schema->n_fields; i++) {
        const char *name = e->schema->fields[i].name;
        size_t len = strlen(name);
        /* The name is copied behind its place, for put_csv reads past the end; so far behind that what it writes past its own does not
         * reach it. */
        if (sp_buf_reserve(out, 4 * len + 8 + 2 * SP_SLACK) != SPATE_OK)
            return SPATE_E_NOMEM;
        char *p = out->data + out->len, *copy = p + 3 * len + 8 + SP_SLACK;
        memcpy(copy, name, len);
        if (i)
            *p++ = ',';
        p = put_csv(p, copy, len);
        *p++ = i + 1 < e->schema->n_fields ? ' ' : '\n';
        out->len = (size_t)(p - out->data) - (i + 1 < e->schema->n_fields);
    }
    return SPATE_OK;
}
