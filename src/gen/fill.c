/* fill.c - rows made with a compiled plan: batches filled cell by cell, and the working memory that a thread needs for it. What is
 * compiled is only read here, so that any number of threads may do so. */
#include "gen/family.h"

/* ---- scratch ---- */

/* Columns of one kind. The first taken of them are in use. */
typedef struct pool {
    sp_column **columns;
    uint32_t n, cap, taken;
} pool;

/* Many columns may be asked for by all cells together, few by those that make one column: these are made when they are first asked
 * for, and given back when the column is done. */
struct sp_gen_scratch {
    uint64_t *rows;  /* the rows of the batch */
    uint64_t *stack; /* depth * SP_BATCH_ROWS_MAX */
    uint32_t used, depth;
    const sp_temp **temps;
    sp_column **at;  /* a temp: its column, or NULL: nobody has asked */
    uint32_t *asked; /* temps that have columns to give back */
    uint32_t n_asked;
    pool pools[SP_KINDS];
    pool kept;
    sp_frame frame;
    uint64_t frames; /* there have been */
    uint64_t *filled; /* a shared cell: the frame for which it was made last */
};

uint64_t *sp_scratch_push(sp_gen_scratch *s)
{
    SP_ASSERT(s->used < s->depth);
    return s->stack + (size_t)s->used++ * SP_BATCH_ROWS_MAX;
}

void sp_scratch_pop(sp_gen_scratch *s)
{
    SP_ASSERT(s->used > 0);
    s->used--;
}

sp_frame sp_scratch_enter(sp_gen_scratch *s, const uint64_t *rows, uint32_t n)
{
    sp_frame before = s->frame;
    s->frame = (sp_frame){rows, n, ++s->frames};
    return before;
}

void sp_scratch_leave(sp_gen_scratch *s, sp_frame before)
{
    s->frame = before;
}

sp_shared sp_scratch_shared(const sp_gen_scratch *s, uint32_t number, const uint64_t *rows, uint32_t n)
{
    if (!s->frame.number || rows != s->frame.rows || n != s->frame.n)
        return SP_SHARED_NOT;
    return s->filled[number] == s->frame.number ? SP_SHARED_FILLED : SP_SHARED_EMPTY;
}

void sp_scratch_set_shared(sp_gen_scratch *s, uint32_t number)
{
    s->filled[number] = s->frame.number;
}

static sp_column *add_column(pool *p, sp_type type)
{
    if (p->n == p->cap) {
        uint32_t cap = p->cap ? 2 * p->cap : 8;
        sp_column **grown = sp_realloc(p->columns, cap * sizeof(*grown));
        if (!grown)
            return NULL;
        p->columns = grown;
        p->cap = cap;
    }
    sp_column *c = sp_alloc(sizeof(*c));
    if (c && sp_column_init(c, type, SP_BATCH_ROWS_MAX, NULL) != SPATE_OK) {
        sp_free(c);
        return NULL;
    }
    return c ? p->columns[p->n++] = c : NULL;
}

static void free_pool(pool *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        sp_column_done(p->columns[i]);
        sp_free(p->columns[i]);
    }
    sp_free(p->columns);
}

/* A list is of its items' type as well, so it goes to nobody else. */
static bool is_kept(const sp_temp *t)
{
    return t->keep || t->type.kind == SP_LIST;
}

sp_column *sp_scratch_temp(sp_gen_scratch *s, uint32_t temp)
{
    if (SP_LIKELY(s->at[temp]))
        return s->at[temp];
    const sp_temp *t = s->temps[temp];
    if (is_kept(t))
        return s->at[temp] = add_column(&s->kept, t->type);
    pool *p = &s->pools[t->type.kind];
    sp_column *c = p->taken < p->n ? p->columns[p->taken] : add_column(p, t->type);
    if (!c)
        return NULL;
    p->taken++;
    c->type = t->type;
    s->asked[s->n_asked++] = temp;
    return s->at[temp] = c;
}

/* One of a plan's columns, from nothing that an earlier one has left. */
static int fill_column(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *s)
{
    int rc = cell->ops->fill(cell, rows, n, out, s);
    for (uint32_t i = 0; i < s->n_asked; i++) {
        s->pools[s->temps[s->asked[i]]->type.kind].taken = 0;
        s->at[s->asked[i]] = NULL;
    }
    s->n_asked = 0;
    return rc;
}

int sp_build_temp(const sp_build *b, sp_type type, bool keep)
{
    sp_temp *t = sp_arena_alloc(b->arena, 1, sizeof(*t));
    if (!t)
        return -1;
    *t = (sp_temp){type, keep, b->gen->temps};
    b->gen->temps = t;
    return (int)b->gen->n_temps++;
}

int sp_build_scratch(const sp_build *b, uint32_t depth, sp_gen_scratch **scratch)
{
    b->gen->depth = SP_MAX(b->gen->depth, depth);
    return sp_gen_scratch_new(b->gen, scratch, NULL);
}

int sp_gen_scratch_new(const sp_gen *gen, sp_gen_scratch **out, spate_error *err)
{
    sp_gen_scratch *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    s->depth = gen->depth + 1; /* one for the rows that a table keeps */
    s->rows = sp_alloc(SP_BATCH_ROWS_MAX * sizeof(*s->rows));
    s->stack = sp_alloc((size_t)s->depth * SP_BATCH_ROWS_MAX * sizeof(*s->stack));
    s->temps = sp_alloc((gen->n_temps + 1) * sizeof(*s->temps));
    s->at = sp_alloc_zero(gen->n_temps + 1, sizeof(*s->at));
    s->asked = sp_alloc((gen->n_temps + 1) * sizeof(*s->asked));
    s->filled = sp_alloc_zero(gen->n_shared + 1, sizeof(*s->filled));
    if (!s->rows || !s->stack || !s->temps || !s->at || !s->asked || !s->filled) {
        sp_gen_scratch_free(s);
        return sp_fail_nomem(err);
    }
    const sp_temp *t = gen->temps;
    for (uint32_t i = gen->n_temps; i-- > 0; t = t->next)
        s->temps[i] = t;
    *out = s;
    return SPATE_OK;
}

void sp_gen_scratch_free(sp_gen_scratch *s)
{
    if (!s)
        return;
    for (unsigned k = 0; k < SP_KINDS; k++)
        free_pool(&s->pools[k]);
    free_pool(&s->kept);
    sp_free(s->temps);
    sp_free(s->at);
    sp_free(s->asked);
    sp_free(s->filled);
    sp_free(s->stack);
    sp_free(s->rows);
    sp_free(s);
}

/* ---- rows ---- */

uint32_t sp_gen_tables(const sp_gen *gen)
{
    return gen->n_tables;
}

int sp_gen_fill_column(const sp_gen *gen, uint32_t table, uint32_t column, const uint64_t *rows, uint32_t n,
                       sp_gen_scratch *scratch, sp_column *out)
{
    sp_frame before = sp_scratch_enter(scratch, rows, n);
    int rc = fill_column(gen->tables[table].cells[column], rows, n, out, scratch);
    sp_scratch_leave(scratch, before);
    return rc;
}

const sp_type *sp_gen_column_type(const sp_gen *gen, uint32_t table, uint32_t column)
{
    return &gen->tables[table].cells[column]->type;
}

bool sp_gen_hidden(const sp_gen *gen, uint32_t table)
{
    return gen->tables[table].hidden;
}

bool sp_gen_masked(const sp_gen *gen, uint32_t table)
{
    return gen->tables[table].masked;
}

sp_arena *sp_gen_arena(sp_gen *gen)
{
    return &gen->arena;
}

const sp_schema *sp_gen_schema(const sp_gen *gen, uint32_t table)
{
    return &gen->tables[table].schema;
}

uint32_t sp_gen_batch_rows(const sp_gen *gen, uint32_t table)
{
    return gen->tables[table].batch_rows;
}

int sp_gen_fill_wish(const sp_gen *gen, uint32_t table, const sp_gen_wish *wish, sp_gen_scratch *scratch,
                     sp_batch *batch, spate_error *err)
{
    const sp_gen_table *t = &gen->tables[table];
    SP_ASSERT(wish->n <= t->batch_rows);
    const uint64_t *rows = wish->rows;
    uint64_t *kept = t->kept ? sp_scratch_push(scratch) : NULL;
    for (uint32_t i = 0; kept && i < wish->n; i++)
        kept[i] = t->kept[rows[i]];
    rows = kept ? kept : rows;
    batch->rows = wish->n;
    batch->first_row = wish->n ? wish->rows[0] : 0;
    uint32_t n = wish->fields ? wish->n_fields : t->schema.n_fields;
    sp_frame before = sp_scratch_enter(scratch, rows, wish->n);
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        uint32_t field = wish->fields ? wish->fields[i] : i, column = t->shown[field];
        sp_column *out = &batch->columns[field];
        out->validity = NULL;
        rc = fill_column(t->shared[column] ? t->shared[column] : t->cells[column], rows, wish->n, out, scratch);
    }
    sp_scratch_leave(scratch, before);
    if (kept)
        sp_scratch_pop(scratch);
    return rc == SPATE_OK ? rc : sp_fail_nomem(err);
}

int sp_gen_fill(const sp_gen *gen, uint32_t table, uint64_t first, uint32_t rows, sp_gen_scratch *scratch,
                sp_batch *batch, spate_error *err)
{
    SP_ASSERT(rows <= gen->tables[table].batch_rows);
    for (uint32_t i = 0; i < rows; i++)
        scratch->rows[i] = first + i;
    return sp_gen_fill_wish(gen, table, &(sp_gen_wish){.rows = scratch->rows, .n = rows}, scratch, batch, err);
}
