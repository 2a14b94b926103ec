/* make.c - spate_make: rows of a plan for a function of the caller's. The batch that the generator fills is shown as it lies. */
#include "spate/make.h"

#include "gen/gen.h"
#include "store/show.h"

typedef struct making {
    sp_gen *gen;
    sp_gen_scratch *scratch;
    uint32_t table;
    sp_batch batch;
    sp_arena arena; /* the columns' definitions */
    sp_arena views; /* of lists, anew for each batch */
    spate_column_def *defs;
    spate_column *cells;
} making;

static int find_table(const spate_plan *plan, const char *name, uint32_t *table, spate_error *err)
{
    int at = name ? sp_plan_find_table(plan, name) : -1;
    if (at < 0)
        return sp_fail(err, SPATE_E_USAGE, "the plan has no table \"%s\"", name ? name : "");
    if (plan->tables[at].from)
        return sp_fail(err, SPATE_E_USAGE, "the rows of table \"%s\" come from elsewhere, and are not made", name);
    *table = (uint32_t)at;
    return SPATE_OK;
}

/* With the items of lists, whatever they are lists of. */
static int define_type(sp_arena *arena, const sp_type *from, spate_type *to)
{
    *to = sp_show_type(from);
    if (from->kind != SP_LIST)
        return SPATE_OK;
    spate_type *item = sp_arena_alloc(arena, 1, sizeof(*item));
    to->item = item;
    return item ? define_type(arena, from->item, item) : SPATE_E_NOMEM;
}

static int define_columns(making *m, const sp_schema *schema)
{
    m->defs = sp_arena_alloc(&m->arena, schema->n_fields + 1, sizeof(*m->defs));
    m->cells = sp_arena_alloc(&m->arena, schema->n_fields + 1, sizeof(*m->cells));
    if (!m->defs || !m->cells)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const sp_field *f = &schema->fields[i];
        m->defs[i] = (spate_column_def){.name = f->name, .nullable = f->nullable};
        if (define_type(&m->arena, &f->type, &m->defs[i].type))
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

static int show_cells(making *m)
{
    sp_arena_done(&m->views);
    sp_arena_init(&m->views);
    for (uint32_t i = 0; i < m->batch.schema->n_fields; i++)
        if (sp_show_column(&m->batch.columns[i], &m->cells[i], &m->views))
            return SPATE_E_NOMEM;
    return SPATE_OK;
}

static int hand_over(making *m, uint64_t first, uint64_t last, spate_batch_fn *fn, void *arg, spate_error *err)
{
    uint32_t step = sp_gen_batch_rows(m->gen, m->table);
    int status = SPATE_OK;
    for (uint32_t rows; first < last && status == SPATE_OK; first += rows) {
        rows = (uint32_t)SP_MIN((uint64_t)step, last - first);
        sp_batch_reset(&m->batch);
        status = sp_gen_fill(m->gen, m->table, first, rows, m->scratch, &m->batch, err);
        if (status == SPATE_OK && show_cells(m))
            status = sp_fail_nomem(err);
        spate_batch shown = {m->defs, m->cells, m->batch.schema->n_fields, rows, first};
        if (status == SPATE_OK)
            status = fn(arg, &shown, err);
    }
    return status;
}

static int make_rows(making *m, const spate_plan *plan, const spate_make_options *o, spate_batch_fn *fn, void *arg,
                     spate_error *err)
{
    const sp_schema *schema = sp_gen_schema(m->gen, m->table);
    uint64_t all = plan->tables[m->table].rows, last = o->last_row ? SP_MIN(o->last_row, all) : all;
    int status = sp_batch_init(&m->batch, schema, err);
    if (status)
        return status;
    status = sp_gen_scratch_new(m->gen, &m->scratch, err);
    if (status == SPATE_OK && define_columns(m, schema))
        status = sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = hand_over(m, o->first_row, last, fn, arg, err);
    sp_gen_scratch_free(m->scratch);
    sp_batch_done(&m->batch);
    return status;
}

int spate_make(spate_plan *plan, const spate_make_options *options, spate_batch_fn *fn, void *arg, spate_error *err)
{
    making m = {0};
    sp_arena_init(&m.arena);
    sp_arena_init(&m.views);
    int status = find_table(plan, options->table, &m.table, err);
    if (status == SPATE_OK)
        status = sp_gen_new(plan, options->seed ? *options->seed : plan->seed, &m.gen, err);
    if (status == SPATE_OK)
        status = make_rows(&m, plan, options, fn, arg, err);
    sp_gen_free(m.gen);
    sp_arena_done(&m.views);
    sp_arena_done(&m.arena);
    return status;
}
