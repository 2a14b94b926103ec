/* shared.c - a column that others of its table are made of: the first who asks for it, in a batch, makes it, and everybody else copies.
 *
 * Without that a column would be made once for each way in which another one comes to it, and there are as many ways as there are
 * paths through columns that are made of columns. */
#include "gen/cell.h"

#include "gen/build.h"

typedef struct shared_cell {
    sp_cell cell;
    const sp_cell *inner;
    uint32_t number, temp;
} shared_cell;

static int shared_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const shared_cell *c = (const shared_cell *)cell;
    sp_shared state = sp_scratch_shared(scratch, c->number, rows, n);
    if (state == SP_SHARED_NOT)
        return c->inner->ops->fill(c->inner, rows, n, out, scratch);
    sp_column *made = sp_scratch_temp(scratch, c->temp);
    if (!made)
        return SPATE_E_NOMEM;
    if (state == SP_SHARED_EMPTY) {
        made->validity = NULL;
        int rc = c->inner->ops->fill(c->inner, rows, n, made, scratch);
        if (rc != SPATE_OK)
            return rc;
        sp_scratch_set_shared(scratch, c->number);
    }
    if (out->offsets)
        out->offsets[0] = 0;
    return sp_column_append(out, 0, made, 0, n);
}

static const sp_cell_ops shared_ops = {shared_fill, NULL};

const sp_cell *sp_shared_cell(const sp_build *b, const sp_cell *inner)
{
    shared_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    int temp = c ? sp_build_temp(b, inner->type, true) : -1;
    if (temp < 0)
        return NULL;
    c->cell = *inner;
    c->cell.ops = &shared_ops;
    c->inner = inner;
    c->temp = (uint32_t)temp;
    c->number = b->gen->n_shared++;
    return &c->cell;
}
