/* key.c - keys and the references to them. A reference is a choice of a parent row and that row's cell, computed again. */
#include "gen/family.h"

/* ---- inc: start, start + step, ... ---- */

typedef struct inc_cell {
    sp_cell cell;
    int64_t start, step;
} inc_cell;

static int inc_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const inc_cell *c = (const inc_cell *)cell;
    int64_t *v = out->data;
    for (uint32_t i = 0; i < n; i++)
        v[i] = (int64_t)((uint64_t)c->start + rows[i] * (uint64_t)c->step);
    return SPATE_OK;
}

static char *inc_text(const sp_cell *cell, uint64_t row, char *p)
{
    const inc_cell *c = (const inc_cell *)cell;
    return sp_put_i64(p, (int64_t)((uint64_t)c->start + row * (uint64_t)c->step));
}

static const sp_cell_ops inc_ops = {inc_fill, inc_text};

sp_cell *sp_inc_cell(const sp_build *b)
{
    inc_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    uint64_t rows = b->table->rows ? b->table->rows - 1 : 0;
    int64_t first = b->column->inc_start, last = first;
    if (rows > INT64_MAX || __builtin_mul_overflow((int64_t)rows, b->column->inc_step, &last) ||
        __builtin_add_overflow(first, last, &last)) {
        sp_mistake(b->mistakes, b->column->mode_mark, sp_str_of("inc"), "counts beyond the largest bigint");
        return NULL;
    }
    c->cell = (sp_cell){
        .ops = &inc_ops, .key = b->key, .type = {.kind = SP_I64}, .text_max = SP_I64_TEXT_MAX, .unique = true};
    c->start = first;
    c->step = b->column->inc_step;
    c->cell.bounds = (sp_bounds){.has_range = true, .min = SP_MIN(first, last), .max = SP_MAX(first, last)};
    return &c->cell;
}

/* ---- uuids in increasing order: version 4, every row in its own stratum of the leading 60 random bits ---- */

typedef struct sorted_uuid_cell {
    sp_cell cell;
    sp_pick leading;
} sorted_uuid_cell;

static void sorted_uuid_one(const sorted_uuid_cell *c, uint64_t row, uint8_t *to)
{
    uint64_t lead = sp_pick_one(&c->leading, row);
    uint64_t high = (lead >> 12) << 16 | 0x4000 | (lead & 0xfff);
    uint64_t low = UINT64_C(1) << 63 | sp_draw(~c->cell.key, row) >> 2;
    high = __builtin_bswap64(high);
    low = __builtin_bswap64(low);
    memcpy(to, &high, 8);
    memcpy(to + 8, &low, 8);
}

static int sorted_uuid_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out,
                            sp_gen_scratch *scratch)
{
    uint8_t *v = out->data;
    for (uint32_t i = 0; i < n; i++)
        sorted_uuid_one((const sorted_uuid_cell *)cell, rows[i], v + 16 * (size_t)i);
    return SPATE_OK;
}

static char *sorted_uuid_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint8_t bytes[16];
    sorted_uuid_one((const sorted_uuid_cell *)cell, row, bytes);
    return sp_put_uuid(p, bytes);
}

static const sp_cell_ops sorted_uuid_ops = {sorted_uuid_fill, sorted_uuid_text};

sp_cell *sp_sorted_uuid_cell(const sp_build *b)
{
    sorted_uuid_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = (sp_cell){
        .ops = &sorted_uuid_ops, .key = b->key, .type = {.kind = SP_UUID}, .text_max = SP_UUID_TEXT, .unique = true};
    c->leading = sp_pick_sorted(b->key, UINT64_C(1) << 60, b->table->rows);
    return &c->cell;
}

/* ---- ref ---- */

typedef struct ref_cell {
    sp_cell cell;
    const sp_parents *parents;
    const sp_cell *parent;
} ref_cell;

/* Roots refer to nothing. */
static void null_orphans(const ref_cell *c, const uint64_t *rows, uint32_t n, sp_column *out)
{
    for (uint32_t i = 0; i < n; i++)
        if (sp_parents_orphan(c->parents, rows[i]))
            sp_column_validity(out, n)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

static int ref_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const ref_cell *c = (const ref_cell *)cell;
    uint64_t *parents = sp_scratch_push(scratch);
    int rc = sp_parents_many(c->parents, rows, n, parents, NULL, scratch);
    sp_frame before = sp_scratch_enter(scratch, parents, n);
    if (rc == SPATE_OK)
        rc = c->parent->ops->fill(c->parent, parents, n, out, scratch);
    sp_scratch_leave(scratch, before);
    sp_scratch_pop(scratch);
    if (rc == SPATE_OK && sp_parents_orphans(c->parents))
        null_orphans(c, rows, n, out);
    return rc;
}

static const sp_cell_ops ref_ops = {ref_fill, NULL};

sp_cell *sp_ref_cell(const sp_build *b, const sp_cell *parent)
{
    ref_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    const sp_parents *parents = c ? sp_parents_new(b) : NULL;
    if (!parents)
        return NULL;
    c->cell = *parent;
    c->cell.ops = &ref_ops;
    c->cell.key = b->key;
    c->cell.depth = parent->depth + sp_parents_depth(parents) + 1;
    c->cell.nullable = parent->nullable || sp_parents_orphans(parents);
    c->cell.unique = parent->unique && sp_parents_unique(parents);
    c->parents = parents;
    c->parent = parent;
    return &c->cell;
}
