/* lookup.c - rows found by what they hold: the value of the row of another table that has the same key, and the rows of a table
 * that differ from all before.
 *
 * Both are answered by hashes of 128 bits, made once when the plan is compiled, so their memory grows with the table that is
 * looked into; that is bounded (SP_PLAN_LOOKUP_MAX, SP_PLAN_DISTINCT_MAX). Of rows with the same key the last one counts. */
#include "gen/build.h"

enum { KEY_BYTES_MAX = 4096, BATCH_BYTES = 4 << 20 };

typedef struct hash {
    uint64_t a, b;
} hash;

/* ---- hashes of cells ---- */

/* The cell as text; NULL: no memory, or it cannot be (and a mistake was noted). */
static const sp_cell *as_text(const sp_build *b, const sp_cell *cell)
{
    static const sp_type text = {.kind = SP_TEXT};
    if (sp_kind_is_text(cell->type.kind))
        return cell->bounds.text_max <= KEY_BYTES_MAX ? cell : NULL;
    if (cell->type.kind == SP_LIST || cell->type.kind == SP_BYTES)
        return NULL;
    return sp_cast_cell(b, (sp_cell *)(uintptr_t)cell, &text);
}

/* Mixes the text of each row's cell into its hash. */
static int add_hashes(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *temp, sp_gen_scratch *scratch, hash *hashes)
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
        for (uint32_t c = 0; rc == SPATE_OK && c < n_cells; c++)
            rc = add_hashes(cells[c], numbers, n, &temp, scratch, hashes);
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

/* ---- lookup ---- */

typedef struct lookup_cell {
    sp_cell cell;
    const sp_cell *value, *key;
    uint32_t temp;
    map rows;
} lookup_cell;

static int lookup_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const lookup_cell *c = (const lookup_cell *)cell;
    hash hashes[SP_BATCH_ROWS_MAX];
    memset(hashes, 0, n * sizeof(*hashes));
    int rc = add_hashes(c->key, rows, n, sp_scratch_temp(scratch, c->temp), scratch, hashes);
    if (rc != SPATE_OK)
        return rc;
    uint64_t *found = sp_scratch_push(scratch), *from = sp_scratch_push(scratch);
    for (uint32_t i = 0; i < n; i++) {
        found[i] = map_find(&c->rows, hashes[i])->row;
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

static void take_key(void *arg, uint64_t row, hash h)
{
    *map_find(arg, h) = (slot){h, row + 1};
}

sp_cell *sp_lookup_cell(const sp_build *b, const sp_cell *value, const sp_cell *key, const sp_cell *by, uint64_t rows)
{
    const sp_plan_column *col = b->column;
    if (rows > SP_PLAN_LOOKUP_MAX) {
        sp_mistake(b->mistakes, col->mode_mark, col->text, "leads to a table of more than %d rows, which cannot be looked into",
                   SP_PLAN_LOOKUP_MAX);
        return NULL;
    }
    key = as_text(b, key);
    by = as_text(b, by);
    if (!key || !by) {
        sp_mistake(b->mistakes, col->mode_mark, col->text, "cannot be looked up by lists, bytes, or texts of more than %d bytes",
                   KEY_BYTES_MAX);
        return NULL;
    }
    lookup_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    int temp = sp_build_temp(b, (sp_type){.kind = SP_TEXT});
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
    return hash_rows(b, &by, 1, rows, take_key, &c->rows) == SPATE_OK ? &c->cell : NULL;
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

bool sp_build_distinct(const sp_build *b, const sp_cell **cells, uint32_t n_cells, uint64_t rows, uint64_t **kept, uint64_t *n_kept)
{
    sp_arena temporary;
    distinct d = {.kept = sp_arena_alloc(b->arena, SP_MAX(rows, (uint64_t)1), sizeof(*d.kept))};
    bool good = d.kept != NULL;
    for (uint32_t i = 0; good && i < n_cells; i++)
        good = (cells[i] = as_text(b, cells[i])) != NULL;
    if (!good && d.kept)
        sp_mistake(b->mistakes, b->table->mark, sp_str_of(b->table->name),
                   "cannot be kept distinct by lists, bytes, or texts of more than %d bytes", KEY_BYTES_MAX);
    sp_arena_init(&temporary);
    good = good && map_init(&d.seen, &temporary, rows) && hash_rows(b, cells, n_cells, rows, take_new, &d) == SPATE_OK;
    sp_arena_done(&temporary);
    *kept = d.kept;
    *n_kept = d.n;
    return good;
}
