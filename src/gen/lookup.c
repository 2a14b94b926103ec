/* lookup.c - rows found by what they hold: the value of the row of another table that has the same key, how often a value comes, and the
 * rows of a table that differ from all before.
 *
 * All are answered by hashes of 128 bits, made once when the plan is compiled, so their memory grows with the table that is
 * looked into; that is bounded (SP_PLAN_LOOKUP_MAX, SP_PLAN_DISTINCT_MAX). */
#include "gen/build.h"

enum { KEY_BYTES_MAX = 4096, BATCH_BYTES = 4 << 20 };

typedef struct hash {
    uint64_t a, b;
} hash;

/* ---- hashes of cells ---- */

/* The cell as text, or as bytes; NULL: no memory, or it cannot be (and a mistake was noted). */
static const sp_cell *as_text(const sp_build *b, const sp_cell *cell)
{
    static const sp_type text = {.kind = SP_TEXT};
    if (sp_kind_is_text(cell->type.kind) || cell->type.kind == SP_BYTES) /* which lie alike */
        return cell->bounds.text_max <= KEY_BYTES_MAX ? cell : NULL;
    if (cell->type.kind == SP_LIST)
        return NULL;
    return sp_cast_cell(b, (sp_cell *)(uintptr_t)cell, &text);
}

/* Mixes the text of each row's cell into its hash. */
static int add_hashes(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *temp, sp_gen_scratch *scratch,
                      hash *hashes)
{
    temp->validity = NULL;
    int rc = cell->ops->fill(cell, rows, n, temp, scratch);
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++) {
        sp_str s = sp_column_null(temp, i) ? (sp_str){"", 0} : sp_column_str(temp, i);
        hashes[i].a = sp_hash64(s.p, s.len, hashes[i].a + 1);
        hashes[i].b = sp_hash64(s.p, s.len, hashes[i].b + 2);
    }
    return rc;
}

/* Hashes of rows 0..n of the cells together, a batch after the other, given to take. */
static int hash_rows(const sp_build *b, const sp_cell *const *cells, uint32_t n_cells, uint64_t rows,
                     void (*take)(void *arg, uint64_t row, hash h), void *arg)
{
    sp_gen_scratch *scratch = NULL;
    sp_column temp = {0};
    uint64_t *numbers = sp_alloc(SP_BATCH_ROWS_MAX * sizeof(*numbers));
    hash *hashes = sp_alloc(SP_BATCH_ROWS_MAX * sizeof(*hashes));
    uint32_t depth = 1;
    for (uint32_t c = 0; c < n_cells; c++)
        depth = SP_MAX(depth, cells[c]->depth);
    int rc = numbers && hashes ? sp_build_scratch(b, depth, &scratch) : SPATE_E_NOMEM;
    if (rc == SPATE_OK)
        rc = sp_column_init(&temp, (sp_type){.kind = SP_TEXT}, SP_BATCH_ROWS_MAX, NULL);
    uint32_t batch = SP_MIN(BATCH_BYTES / KEY_BYTES_MAX, SP_BATCH_ROWS_MAX);
    for (uint64_t first = 0; rc == SPATE_OK && first < rows; first += batch) {
        uint32_t n = (uint32_t)SP_MIN((uint64_t)batch, rows - first);
        memset(hashes, 0, n * sizeof(*hashes));
        for (uint32_t i = 0; i < n; i++)
            numbers[i] = first + i;
        sp_frame before = sp_scratch_enter(scratch, numbers, n);
        for (uint32_t c = 0; rc == SPATE_OK && c < n_cells; c++)
            rc = add_hashes(cells[c], numbers, n, &temp, scratch, hashes);
        sp_scratch_leave(scratch, before);
        for (uint32_t i = 0; rc == SPATE_OK && i < n; i++)
            take(arg, first + i, hashes[i]);
    }
    sp_column_done(&temp);
    sp_gen_scratch_free(scratch);
    sp_free(hashes);
    sp_free(numbers);
    return rc;
}

/* ---- a map from hash to row ---- */

typedef struct slot {
    hash hash;
    uint64_t row; /* + 1; 0: free */
} slot;

typedef struct map {
    slot *slots;
    uint64_t mask;
} map;

static bool map_init(map *m, sp_arena *arena, uint64_t rows)
{
    uint64_t n = 16;
    while (n < 2 * rows)
        n *= 2;
    *m = (map){sp_arena_alloc(arena, n, sizeof(*m->slots)), n - 1};
    return m->slots != NULL;
}

/* The slot of the hash, or the free one where it belongs. */
static slot *map_find(const map *m, hash h)
{
    uint64_t at = h.a & m->mask;
    while (m->slots[at].row && (m->slots[at].hash.a != h.a || m->slots[at].hash.b != h.b))
        at = (at + 1) & m->mask;
    return &m->slots[at];
}

/* ---- occurrences ---- */

/* How often each value has come: numbers[row] is which time this is, from 1. */
typedef struct tally {
    map counts; /* slot.row: how many so far */
    uint32_t *numbers;
} tally;

static void take_count(void *arg, uint64_t row, hash h)
{
    tally *t = arg;
    slot *s = map_find(&t->counts, h);
    *s = (slot){h, s->row + 1};
    t->numbers[row] = (uint32_t)s->row;
}

static void take_total(void *arg, uint64_t row, hash h)
{
    tally *t = arg;
    t->numbers[row] = (uint32_t)map_find(&t->counts, h)->row;
}

bool sp_build_can_look_into(const sp_build *b, sp_mark at, sp_str found, uint64_t rows)
{
    if (rows > SP_PLAN_LOOKUP_MAX)
        sp_mistake(b->mistakes, at, found, "is of a table of more than %d rows, which cannot be looked into",
                   SP_PLAN_LOOKUP_MAX);
    return rows <= SP_PLAN_LOOKUP_MAX;
}

static uint32_t *count_rows(const sp_build *b, const sp_cell *cell, uint64_t rows, bool all)
{
    sp_arena temporary;
    tally t = {.numbers = sp_arena_alloc(b->arena, SP_MAX(rows, (uint64_t)1), sizeof(*t.numbers))};
    sp_arena_init(&temporary);
    bool good =
        t.numbers && map_init(&t.counts, &temporary, rows) && hash_rows(b, &cell, 1, rows, take_count, &t) == SPATE_OK;
    good = good && (!all || hash_rows(b, &cell, 1, rows, take_total, &t) == SPATE_OK);
    sp_arena_done(&temporary);
    return good ? t.numbers : NULL;
}

const uint32_t *sp_build_occurrences(const sp_build *b, const sp_expr *e, const sp_cell *cell, bool all)
{
    if (!sp_build_can_look_into(b, e->mark, e->shown, b->table->rows))
        return NULL;
    cell = as_text(b, cell);
    if (!cell)
        sp_mistake(b->mistakes, e->mark, e->shown, "cannot be counted: it has lists, or texts of more than %d bytes",
                   KEY_BYTES_MAX);
    return cell ? count_rows(b, cell, b->table->rows, all) : NULL;
}

/* ---- lookup ---- */

/* Rows of one key, one behind the other in the table's order. */
typedef struct group {
    uint32_t first, n;
} group;

typedef struct lookup_cell {
    sp_cell cell;
    const sp_cell *value, *key;
    uint32_t temp;
    map rows;              /* slot.row: the row, or the group's number */
    const group *groups;   /* in turn; else NULL */
    const uint32_t *turn;  /* which row of the group a row gets, from 1 */
    const uint32_t *order; /* rows by group */
    uint64_t n_turns;
} lookup_cell;

/* The row that answers row, or 0 where none does; from 1. */
static uint64_t answer_of(const lookup_cell *c, uint64_t row, hash h)
{
    uint64_t found = map_find(&c->rows, h)->row;
    if (!c->groups || !found || row >= c->n_turns)
        return found;
    const group *g = &c->groups[found - 1];
    return (uint64_t)c->order[g->first + (c->turn[row] - 1) % g->n] + 1;
}

static int lookup_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const lookup_cell *c = (const lookup_cell *)cell;
    hash hashes[SP_BATCH_ROWS_MAX];
    sp_column *temp = sp_scratch_temp(scratch, c->temp);
    memset(hashes, 0, n * sizeof(*hashes));
    int rc = temp ? add_hashes(c->key, rows, n, temp, scratch, hashes) : SPATE_E_NOMEM;
    if (rc != SPATE_OK)
        return rc;
    uint64_t *found = sp_scratch_push(scratch), *from = sp_scratch_push(scratch);
    for (uint32_t i = 0; i < n; i++) {
        found[i] = answer_of(c, rows[i], hashes[i]);
        from[i] = found[i] ? found[i] - 1 : 0;
    }
    rc = c->value->ops->fill(c->value, from, n, out, scratch);
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++)
        if (!found[i])
            sp_column_validity(out, n)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
    sp_scratch_pop(scratch);
    sp_scratch_pop(scratch);
    return rc;
}

static const sp_cell_ops lookup_ops = {lookup_fill, NULL};

static void take_last(void *arg, uint64_t row, hash h)
{
    *map_find(arg, h) = (slot){h, row + 1};
}

static void take_first(void *arg, uint64_t row, hash h)
{
    slot *s = map_find(arg, h);
    *s = s->row ? *s : (slot){h, row + 1};
}

/* ---- in turn: a key's first row gets the first row that has the key, its second row the second ---- */

typedef struct grouping {
    lookup_cell *c;
    group *groups;
    uint32_t *of; /* a row: its group */
    uint32_t n;
} grouping;

static void take_group(void *arg, uint64_t row, hash h)
{
    grouping *g = arg;
    slot *s = map_find(&g->c->rows, h);
    if (!s->row)
        *s = (slot){h, ++g->n};
    g->of[row] = (uint32_t)s->row - 1;
    g->groups[g->of[row]].n++;
}

typedef struct exhaustion {
    const lookup_cell *c;
    uint64_t row; /* from 1: the first that finds its group used up */
} exhaustion;

static void take_exhausted(void *arg, uint64_t row, hash h)
{
    exhaustion *x = arg;
    uint64_t found = map_find(&x->c->rows, h)->row;
    if (!x->row && found && x->c->turn[row] > x->c->groups[found - 1].n)
        x->row = row + 1;
}

/* Nothing is given out twice. */
static bool check_once(const sp_build *b, const lookup_cell *c)
{
    exhaustion x = {.c = c};
    if (hash_rows(b, &c->key, 1, b->table->rows, take_exhausted, &x) != SPATE_OK)
        return false;
    if (x.row)
        sp_mistake(b->mistakes, b->column->mode_mark, b->column->text,
                   "has no row left for row %llu: each may be given out once only", (unsigned long long)x.row);
    return !x.row;
}

static bool make_groups(const sp_build *b, lookup_cell *c, const sp_cell *by, uint64_t rows)
{
    sp_arena temporary;
    uint32_t *order = sp_arena_alloc(b->arena, rows + 1, sizeof(*order));
    grouping g = {.c = c, .groups = sp_arena_alloc(b->arena, rows + 1, sizeof(*g.groups))};
    sp_arena_init(&temporary);
    g.of = sp_arena_alloc(&temporary, rows + 1, sizeof(*g.of));
    bool good = order && g.groups && g.of && hash_rows(b, &by, 1, rows, take_group, &g) == SPATE_OK;
    for (uint32_t i = 1; good && i < g.n; i++)
        g.groups[i].first = g.groups[i - 1].first + g.groups[i - 1].n;
    for (uint32_t i = 0; good && i < g.n; i++)
        g.groups[i].n = 0;
    for (uint64_t row = 0; good && row < rows; row++) {
        group *to = &g.groups[g.of[row]];
        order[to->first + to->n++] = (uint32_t)row;
    }
    sp_arena_done(&temporary);
    c->groups = g.groups;
    c->order = order;
    c->n_turns = b->table->rows;
    return good && (c->turn = count_rows(b, c->key, c->n_turns, false)) &&
           (b->column->which != SP_LOOKUP_ONCE || check_once(b, c));
}

sp_cell *sp_lookup_cell(const sp_build *b, const sp_cell *value, const sp_cell *key, const sp_cell *by, uint64_t rows)
{
    const sp_plan_column *col = b->column;
    bool in_turn = col->which >= SP_LOOKUP_CYCLE;
    if (!sp_build_can_look_into(b, col->mode_mark, col->text, in_turn ? SP_MAX(rows, b->table->rows) : rows))
        return NULL;
    key = as_text(b, key);
    by = as_text(b, by);
    if (!key || !by) {
        sp_mistake(b->mistakes, col->mode_mark, col->text,
                   "cannot be looked up by lists, or texts of more than %d bytes", KEY_BYTES_MAX);
        return NULL;
    }
    lookup_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    int temp = sp_build_temp(b, (sp_type){.kind = SP_TEXT}, false);
    if (!c || temp < 0 || !map_init(&c->rows, b->arena, rows))
        return NULL;
    c->cell = *value;
    c->cell.ops = &lookup_ops;
    c->cell.depth = SP_MAX(value->depth + 2, key->depth);
    c->cell.nullable = true;
    c->cell.unique = false;
    c->value = value;
    c->key = key;
    c->temp = (uint32_t)temp;
    bool good = in_turn ? make_groups(b, c, by, rows)
                        : hash_rows(b, &by, 1, rows, col->which == SP_LOOKUP_FIRST ? take_first : take_last,
                                    &c->rows) == SPATE_OK;
    return good ? &c->cell : NULL;
}

/* ---- distinct rows ---- */

typedef struct distinct {
    map seen;
    uint64_t *kept, n;
} distinct;

static void take_new(void *arg, uint64_t row, hash h)
{
    distinct *d = arg;
    slot *s = map_find(&d->seen, h);
    if (!s->row)
        d->kept[d->n++] = row;
    *s = (slot){h, row + 1};
}

bool sp_build_distinct(const sp_build *b, const sp_cell **cells, uint32_t n_cells, uint64_t rows, uint64_t **kept,
                       uint64_t *n_kept)
{
    sp_arena temporary;
    distinct d = {.kept = sp_arena_alloc(b->arena, SP_MAX(rows, (uint64_t)1), sizeof(*d.kept))};
    bool good = d.kept != NULL;
    for (uint32_t i = 0; good && i < n_cells; i++)
        good = (cells[i] = as_text(b, cells[i])) != NULL;
    if (!good && d.kept)
        sp_mistake(b->mistakes, b->table->mark, sp_str_of(b->table->name),
                   "cannot be kept distinct by lists, or texts of more than %d bytes", KEY_BYTES_MAX);
    sp_arena_init(&temporary);
    good = good && map_init(&d.seen, &temporary, rows) && hash_rows(b, cells, n_cells, rows, take_new, &d) == SPATE_OK;
    sp_arena_done(&temporary);
    *kept = d.kept;
    *n_kept = d.n;
    return good;
}
