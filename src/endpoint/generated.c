/* generated.c - a plan as a source: ranges of rows are made when they are asked for, anywhere, in any order. */
#include "endpoint/generated.h"

#include "endpoint/order.h"

typedef struct generated {
    sp_source source;
    const sp_gen *gen;
    sp_arena arena;
    const uint32_t *gen_table; /* a table of the source -> its number in the generator */
} generated;

typedef struct generated_reader {
    sp_reader reader;
    sp_gen_scratch *scratch;
    uint32_t table;
    uint64_t next, last;
} generated_reader;

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    const generated *g = (const generated *)s;
    generated_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->reader.source = s;
    int rc = sp_gen_scratch_new(g->gen, &r->scratch, err);
    if (rc != SPATE_OK) {
        sp_free(r);
        return rc;
    }
    *out = &r->reader;
    return SPATE_OK;
}

static int seek(sp_reader *reader, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    generated_reader *r = (generated_reader *)reader;
    r->table = ((const generated *)reader->source)->gen_table[table];
    r->next = first;
    r->last = last;
    return SPATE_OK;
}

static int next(sp_reader *reader, sp_batch *batch, spate_error *err)
{
    generated_reader *r = (generated_reader *)reader;
    const sp_gen *gen = ((const generated *)reader->source)->gen;
    uint64_t left = r->last - r->next;
    uint32_t rows = (uint32_t)SP_MIN(left, (uint64_t)sp_gen_batch_rows(gen, r->table));
    batch->rows = 0;
    if (rows == 0)
        return SPATE_OK;
    int rc = sp_gen_fill(gen, r->table, r->next, rows, r->scratch, batch, err);
    r->next += rows;
    return rc;
}

static void reader_close(sp_reader *reader)
{
    generated_reader *r = (generated_reader *)reader;
    sp_gen_scratch_free(r->scratch);
    sp_free(r);
}

static void source_close(sp_source *s)
{
    generated *g = (generated *)s;
    sp_arena_done(&g->arena);
    sp_free(g);
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, source_close};

/* ---- which tables, and in which order ---- */

/* Hidden tables are wanted only by name. */
static bool is_wanted(const sp_gen *gen, uint32_t t, const char *const *only, size_t n_only)
{
    const char *table = sp_gen_schema(gen, t)->table;
    if (sp_gen_masked(gen, t))
        return false;
    for (size_t i = 0; i < n_only; i++)
        if (strcmp(only[i], table) == 0)
            return true;
    return n_only == 0 && !sp_gen_hidden(gen, t);
}

static bool select_tables(generated *g, const char *const *only, size_t n_only)
{
    uint32_t total = sp_gen_tables(g->gen), n = 0;
    const sp_schema **wanted = sp_arena_alloc(&g->arena, total, sizeof(*wanted));
    const sp_schema **tables = sp_arena_alloc(&g->arena, total, sizeof(*tables));
    sp_extent *extents = sp_arena_alloc(&g->arena, total, sizeof(*extents));
    uint32_t *number = sp_arena_alloc(&g->arena, total, sizeof(*number));
    uint32_t *order = sp_arena_alloc(&g->arena, total, sizeof(*order));
    if (!wanted || !tables || !extents || !number || !order)
        return false;
    for (uint32_t t = 0; t < total; t++)
        if (is_wanted(g->gen, t, only, n_only)) {
            wanted[n] = sp_gen_schema(g->gen, t);
            number[n++] = t;
        }
    if (!sp_tables_in_order(&g->arena, wanted, n, tables, order))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        order[i] = number[order[i]];
        extents[i] = (sp_extent){.end = tables[i]->rows, .units_a_row = 1, .constant = true};
    }
    g->source.tables = tables;
    g->source.extents = extents;
    g->source.unit = "rows";
    g->source.n_tables = n;
    g->gen_table = order;
    return true;
}

int sp_generated_open(const sp_gen *gen, const char *const *only, size_t n_only, sp_source **out, spate_error *err)
{
    generated *g = sp_alloc_zero(1, sizeof(*g));
    if (!g)
        return sp_fail_nomem(err);
    g->source.ops = &ops;
    g->gen = gen;
    sp_arena_init(&g->arena);
    if (!select_tables(g, only, n_only)) {
        source_close(&g->source);
        return sp_fail_nomem(err);
    }
    *out = &g->source;
    return SPATE_OK;
}
