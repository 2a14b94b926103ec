/* lists.c - one of some lists, which are written as rows as text have them: {1,2} or [1,2].
 *
 * They are read once, here, into one column; a cell is a row of it, copied. */
#include "gen/build.h"

#include "codec/codec.h"

#include <stdlib.h>

typedef struct lists_cell {
    sp_cell cell;
    sp_pick pick;
    sp_column values; /* in the generator's memory */
} lists_cell;

/* ---- cells ---- */

static int write_chosen(const lists_cell *c, const uint64_t *choice, uint32_t n, sp_column *out)
{
    int rc = SPATE_OK;
    out->offsets[0] = 0;
    sp_column_reset(out->child);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = sp_column_append(out, i, &c->values, (uint32_t)choice[i], 1);
    return rc;
}

static int lists_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const lists_cell *c = (const lists_cell *)cell;
    uint64_t *choice = sp_scratch_push(scratch);
    sp_pick_many(&c->pick, rows, n, choice);
    int rc = write_chosen(c, choice, n, out);
    sp_scratch_pop(scratch);
    return rc;
}

static const sp_cell_ops lists_ops = {lists_fill, NULL, NULL};

/* ---- building ---- */

static void *keep(sp_arena *arena, const void *from, size_t n, size_t bytes, size_t slack)
{
    char *to = from ? sp_arena_alloc(arena, n * bytes + slack, 1) : NULL;
    if (to && n)
        memcpy(to, from, n * bytes);
    return to;
}

/* A column of rows rows that lives in the arena. False: no memory. */
static bool keep_column(sp_arena *arena, const sp_column *from, uint32_t rows, sp_column *to)
{
    size_t width = sp_kind_width(from->type.kind), bits = (rows + 7) / 8;
    *to = (sp_column){.type = from->type};
    to->validity = keep(arena, from->validity, bits, 1, 1);
    to->data = keep(arena, from->data, width ? rows : bits, SP_MAX(width, (size_t)1), SP_SLACK);
    to->offsets = keep(arena, from->offsets, (size_t)rows + 1, sizeof(*from->offsets), 0);
    to->bytes = keep(arena, from->bytes, from->bytes ? (size_t)from->offsets[rows] : 0, 1, SP_SLACK);
    if ((from->validity && !to->validity) || (from->data && !to->data) || (from->offsets && !to->offsets) ||
        (from->bytes && !to->bytes))
        return false;
    if (!from->child)
        return true;
    to->child = sp_arena_alloc(arena, 1, sizeof(*to->child));
    return to->child && keep_column(arena, from->child, (uint32_t)from->offsets[rows], to->child);
}

static int read_items(const sp_build *b, const sp_plan_item *items, uint32_t n, sp_column *values)
{
    int rc = sp_column_reserve_rows(values, n);
    values->offsets[0] = 0;
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        if (!items[i].text.p) {
            sp_cell_read_null(values, i);
            continue;
        }
        rc = sp_cell_read(values, i, items[i].text);
        if (rc == SPATE_E_DATA)
            sp_mistake(b->mistakes, items[i].mark, items[i].text, "is no %s, such as {1,2} or [1,2]",
                       b->column->sql_type ? b->column->sql_type : "list");
    }
    return rc;
}

/* The longest one as text, as every format has it at most; and what tells the values apart. */
static int measure(sp_column *values, uint32_t n, uint64_t *longest, sp_value_key *keys)
{
    sp_buf text = {0};
    int rc = SPATE_OK;
    *longest = 1;
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        uint64_t items = (uint64_t)(values->offsets[i + 1] - values->offsets[i]);
        text.len = 0;
        rc = sp_cell_text(values, i, &text);
        keys[i] = (sp_value_key){sp_hash64(text.data, text.len, 1), sp_hash64(text.data, text.len, 2), i};
        *longest = SP_MAX(*longest, 2 * (uint64_t)text.len + 4 * items);
    }
    sp_buf_done(&text);
    return rc;
}

/* False: no memory, or a mistake was noted. */
static bool build(const sp_build *b, lists_cell *c, const sp_plan_item *items, uint32_t n, bool differ)
{
    sp_column values;
    uint64_t longest = 0;
    sp_value_key *keys = sp_arena_alloc(b->arena, n, sizeof(*keys));
    if (!keys || sp_column_init(&values, c->cell.type, SP_MIN(n, (uint32_t)SP_BATCH_ROWS_MAX), NULL) != SPATE_OK)
        return false;
    int rc = read_items(b, items, n, &values);
    rc = rc == SPATE_OK ? measure(&values, n, &longest, keys) : rc;
    bool good = rc == SPATE_OK && keep_column(b->arena, &values, n, &c->values);
    c->cell.nullable = values.validity != NULL;
    sp_column_done(&values);
    if (good && longest > SP_CELL_TEXT_MAX / 2) {
        sp_mistake(b->mistakes, b->column->mode_mark, sp_str_of(b->column->name), "has a list that is too long");
        return false;
    }
    c->cell.bounds.text_max = c->cell.text_max = (uint32_t)longest;
    return good && (!differ || sp_values_differ(b, items, keys, n));
}

sp_cell *sp_lists_cell(const sp_build *b, const sp_plan_item *items, uint32_t n, bool differ)
{
    lists_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = (sp_cell){.ops = &lists_ops, .key = b->key, .type = *b->column->type, .depth = 1, .unique = b->column->unique};
    return build(b, c, items, n, differ) && sp_set_pick(b, items, n, &c->pick) ? &c->cell : NULL;
}
