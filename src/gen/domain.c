/* domain.c - columns whose values all differ. A cell that knows its domain (how many different values it can have) makes
 * as many of them as there are rows; which one is a row's is a permutation of the row. So nothing is remembered, and too
 * many rows are refused when the plan is compiled.
 *
 * The values that are made are shared out: a choice among n parts, each with as much room as another, gives every part
 * its even share of the values still to be made, and goes on with that of its part. Where only one is left to be made,
 * the rest is drawn. */
#include "gen/build.h"

#include "gen/maths.h"

#include <math.h>

/* ---- lots ------------------------------------------------------------------------------------------------------- */

/* The last of n parts that begins at this number or before: part i begins at of * i / n. */
static uint64_t part_of(uint64_t number, uint64_t of, uint64_t n)
{
    if (SP_LIKELY((of | n) <= UINT32_MAX))
        return (number * n + n - 1) / of;
    return (uint64_t)(((unsigned __int128)number * n + n - 1) / of);
}

uint64_t sp_lot_even(sp_lot *lot, uint64_t n)
{
    n = n ? n : UINT64_MAX;
    if (n >= lot->of) { /* a stretch of the parts is this value's own */
        uint64_t first = sp_muldiv(lot->number, n, lot->of), end = sp_muldiv(lot->number + 1, n, lot->of);
        lot->z = sp_draw_next(lot->z);
        lot->number = 0;
        lot->of = 1;
        return first + sp_bounded(lot->z, end - first);
    }
    uint64_t part = part_of(lot->number, lot->of, n);
    uint64_t first = sp_muldiv(part, lot->of, n), end = sp_muldiv(part + 1, lot->of, n);
    lot->number -= first;
    lot->of = end - first;
    return part;
}

/* Short words are soon all taken; from the length on that has room for an even share, so have all that are longer. */
uint64_t sp_lot_length(sp_lot *lot, const sp_word_room *room)
{
    uint64_t words = room->shortest, more = 0;
    for (; words < (lot->of - 1) / (room->lengths - more) + 1; more++) {
        if (lot->number < words) {
            lot->of = words;
            return room->len_min + more;
        }
        lot->number -= words;
        lot->of -= words;
        words = sp_count_times(words, room->letters);
    }
    return room->len_min + more + sp_lot_even(lot, room->lengths - more);
}

uint64_t sp_word_room_of(sp_word_room *room, uint64_t letters, uint64_t len_min, uint64_t lengths)
{
    uint64_t words = 1, all = 0;
    for (uint64_t i = 0; i < len_min && words < UINT64_MAX && letters > 1; i++)
        words = sp_count_times(words, letters);
    *room = (sp_word_room){.letters = letters, .len_min = len_min, .lengths = lengths, .shortest = words};
    for (uint64_t i = 0; i < lengths && all < UINT64_MAX; i++, words = sp_count_times(words, letters))
        all = sp_count_plus(all, words);
    return all;
}

/* Two doubles that are this far apart are still two when they are rounded, with something else added, to so many
 * digits. */
sp_lattice sp_lattice_of(double min, double max, int digits, double step_least)
{
    double span = max - min, most = SP_MAX(SP_MAX(fabs(min), fabs(max)), span);
    int exponent;
    frexp(most, &exponent);
    sp_lattice l = {.min = min, .step = SP_MAX(ldexp(1, SP_MAX(exponent - digits + 1, -1000)), step_least), .n = 1};
    if (span > 0)
        l.n = (uint64_t)ceil(span / l.step);
    return l;
}

/* ---- a column's cells, apart ------------------------------------------------------------------------------------ */

int sp_cell_apart_text(const sp_cell *cell, const sp_apart *a, sp_column *out,
                       char *(*put)(const sp_cell *, sp_lot *, char *))
{
    if (sp_column_reserve_bytes(out, (size_t)a->n * cell->text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        sp_lot lot = sp_lot_of(cell, a, i);
        p = put(cell, &lot, p);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    return SPATE_OK;
}

typedef struct apart_cell {
    sp_cell cell;
    const sp_cell *inner;
    sp_pick number; /* below the table's rows */
    uint64_t rows;
} apart_cell;

static int apart_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const apart_cell *c = (const apart_cell *)cell;
    uint64_t *numbers = sp_scratch_push(scratch);
    sp_pick_many(&c->number, rows, n, numbers);
    int rc = c->inner->ops->apart(c->inner, &(sp_apart){.numbers = numbers, .n = n, .of = c->rows}, out, scratch);
    sp_scratch_pop(scratch);
    return rc;
}

static const sp_cell_ops apart_ops = {apart_fill, NULL};

static void too_few(const sp_build *b, uint64_t domain)
{
    const sp_plan_column *col = b->column;
    sp_str found = col->text.len ? col->text : sp_str_of(col->name);
    if (b->table->from)
        sp_mistake(b->mistakes, col->mode_mark, found,
                   "has %llu different values, which is too few to give whatever there is one of its own",
                   (unsigned long long)domain);
    else
        sp_mistake(b->mistakes, col->mode_mark, found, "has %llu different values, and the table %llu rows",
                   (unsigned long long)domain, (unsigned long long)b->table->rows);
}

sp_cell *sp_apart_cell(const sp_build *b, const sp_cell *inner)
{
    uint64_t rows = SP_MAX(b->table->rows, (uint64_t)1);
    if (rows > sp_cell_domain(inner)) {
        too_few(b, sp_cell_domain(inner));
        return NULL;
    }
    apart_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell = *inner;
    c->cell.ops = &apart_ops;
    c->cell.depth = inner->depth + 1;
    c->cell.unique = true;
    c->inner = inner;
    c->rows = rows;
    c->number = b->column->sorted ? sp_pick_cycle(rows, 1, 1) : sp_pick_permutation(b->key, rows);
    return &c->cell;
}
