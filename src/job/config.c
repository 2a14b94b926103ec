/* config.c - a plan from a catalog: what is made of each table, written, and read again.
 *
 * The plan is compiled before anybody sees it. Where the reader or the generator finds a mistake in a column, or cells that may
 * be longer than their type, that column's next, plainer choice is taken and the plan written anew: what is handed out is
 * whole. */
#include "job/config.h"

#include "gen/gen.h"
#include "spate/config.h"

#include <math.h>

enum { ROUNDS_MAX = 8 };

/* ---- drafts -------------------------------------------------------------------------------------- */

static bool are_moments(const sp_cat_column *a, const sp_cat_column *b)
{
    return a->type.class == b->type.class &&
           (a->type.class == SP_CAT_DATE || a->type.class == SP_CAT_TIMESTAMP || a->type.class == SP_CAT_TIMESTAMPTZ);
}

bool sp_config_before(const sp_draft *d, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < d->demands.n_orderings; i++)
        if (d->demands.orderings[i].low == a && d->demands.orderings[i].high == b && !d->demands.orderings[i].differ)
            return true;
    return are_moments(&d->t->columns[a], &d->t->columns[b]) &&
           sp_words_before(d->t->columns[a].name, d->t->columns[b].name);
}

static bool start_draft(sp_config *k, sp_draft *d, const sp_cat_table *t)
{
    uint32_t n = t->n_columns + 1;
    d->t = t;
    d->rows = k->counted && t->rows >= 1 ? (uint64_t)t->rows : SPATE_CONFIG_ROWS;
    d->needed = sp_arena_alloc(k->arena, n, sizeof(*d->needed));
    d->apart = sp_arena_alloc(k->arena, n, sizeof(*d->apart));
    d->spread = sp_arena_alloc(k->arena, n, sizeof(*d->spread));
    if (!d->needed || !d->apart || !d->spread || !sp_config_narrow(k, d) || !sp_config_ways(k, d))
        return false;
    d->has_slot = sp_config_slot(k, t, &d->slot_low, &d->slot_high);
    if (d->has_slot) /* without an end it would overlap */
        d->needed[d->slot_low] = d->needed[d->slot_high] = true;
    for (uint32_t way = 0; d->has_slot && way < d->n_ways; way++)
        d->ways[way].demands.columns[d->slot_low].not_null = d->ways[way].demands.columns[d->slot_high].not_null = true;
    return true;
}

static int start_drafts(sp_config *k, const spate_config_options *o, spate_error *err)
{
    k->drafts = sp_arena_alloc(k->arena, k->c->n_tables + 1, sizeof(*k->drafts));
    bool ok = k->drafts && sp_config_order(k);
    for (uint32_t i = 0; ok && i < k->c->n_tables; i++)
        ok = start_draft(k, &k->drafts[i], &k->c->tables[i]);
    if (!ok)
        return sp_fail_nomem(err);
    for (size_t i = 0; i < o->n_rows; i++) {
        bool found = false;
        for (uint32_t t = 0; t < k->c->n_tables; t++) {
            if (!sp_names_table(o->rows[i].table, k->c->default_space, k->c->tables[t].shown) &&
                strcmp(k->c->tables[t].name, o->rows[i].table) != 0)
                continue;
            k->drafts[t].rows = o->rows[i].rows;
            k->drafts[t].rows_given = found = true;
        }
        if (!found && !o->rows_anyway)
            return sp_fail(err, SPATE_E_USAGE, "there is no table \"%s\"", o->rows[i].table);
    }
    sp_config_needs(k);
    return SPATE_OK;
}

/* ---- which tables -------------------------------------------------------------------------------- */

static void want(const sp_catalog *c, uint32_t table, bool *wanted)
{
    wanted[table] = true;
    for (uint32_t i = 0; i < c->tables[table].n_foreign_keys; i++) {
        int32_t parent = c->tables[table].foreign_keys[i].parent_table;
        if (parent >= 0 && !wanted[parent])
            want(c, (uint32_t)parent, wanted);
    }
}

/* Takes out the tables nobody asked for, but keeps those that the others refer to. */
static int select_tables(sp_catalog *c, const spate_config_options *o, spate_error *err)
{
    bool *wanted = sp_arena_alloc(c->arena, c->n_tables + 1, sizeof(*wanted));
    int32_t *moved = sp_arena_alloc(c->arena, c->n_tables + 1, sizeof(*moved));
    if (!wanted || !moved)
        return sp_fail_nomem(err);
    for (size_t i = 0; i < o->n_tables; i++) {
        uint32_t at;
        int status = sp_catalog_find_named(c, o->tables[i], &at, err);
        if (status)
            return status;
        want(c, at, wanted);
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_tables; i++) {
        moved[i] = wanted[i] ? (int32_t)n : -1;
        if (wanted[i])
            c->tables[n++] = c->tables[i];
    }
    c->n_tables = n;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < c->tables[i].n_foreign_keys; j++)
            if (c->tables[i].foreign_keys[j].parent_table >= 0)
                c->tables[i].foreign_keys[j].parent_table = moved[c->tables[i].foreign_keys[j].parent_table];
    return SPATE_OK;
}

/* Of two tables that a plan would call the same, as "a.b".c and a."b.c", the first one is made. False: no memory. */
static bool find_namesakes(sp_config *k, sp_catalog *c)
{
    for (uint32_t i = 0; i < c->n_tables; i++)
        for (uint32_t j = 0; j < i && strchr(c->tables[i].shown, '.') && !k->drafts[i].alike; j++) {
            k->drafts[i].alike = strcmp(c->tables[i].shown, c->tables[j].shown) == 0;
            if (k->drafts[i].alike &&
                !sp_catalog_note(c, "table %s: another one would be called so, too", c->tables[i].shown))
                return false;
        }
    return true;
}

/* ---- choosing ------------------------------------------------------------------------------------ */

/* Columns of one table that are about a person are about the same one, and so with places: where there are two at least, and each
 * is another side of it. */
static void join_facets(sp_draft *d, const char *of)
{
    for (uint32_t round = 0, found = 0; round < 2; round++) {
        const char *seen[32];
        uint32_t n = 0;
        for (uint32_t i = 0; i < d->t->n_columns; i++) {
            sp_choice *c = &d->choices[i];
            const char *whose = "", *facet = c->out || c->items || c->tries || (c->n_values && !c->in_turn) ||
                                                     strcmp(c->mode, "value")
                                                 ? NULL
                                                 : sp_words_facet(c->text, &whose);
            if (!facet || strcmp(whose, of) != 0 || n == SP_COUNT(seen))
                continue;
            bool again = false;
            for (uint32_t j = 0; j < n; j++)
                again = again || strcmp(seen[j], facet) == 0;
            if (again)
                continue;
            seen[n++] = facet;
            if (round && found > 1) {
                c->mode = of;
                c->text = facet;
                c->n_values = 0; /* persons differ enough */
                c->distribution = NULL;
            }
        }
        found = n;
    }
}

/* Each moment is later than another by a delay, where nothing else bounds it and nulls of the one allow nulls of the other. */
static bool can_follow(const sp_draft *d)
{
    for (uint32_t i = 0; i < d->t->n_columns; i++) {
        const sp_demand *demand = &d->demands.columns[i];
        if (d->steps[i] < 2)
            continue;
        if (!are_moments(&d->t->columns[i], &d->t->columns[i]) || demand->min.p || demand->max.p ||
            d->choices[i].tries || (d->step[i] && sp_config_follows(d, i) < 0))
            return false;
    }
    return true;
}

int sp_config_follows(const sp_draft *d, uint32_t column)
{
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        if (d->step[i] + 1 == d->step[column] && sp_config_before(d, i, column) &&
            are_moments(&d->t->columns[i], &d->t->columns[column]) &&
            (d->t->columns[i].not_null || d->demands.columns[i].not_null ||
             !(d->t->columns[column].not_null || d->demands.columns[column].not_null)))
            return (int)i;
    return -1;
}

bool sp_config_has_made(const sp_draft *d)
{
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        if (!d->choices[i].out)
            return true;
    return false;
}

/* How many combinations a combined primary key has. */
static double combinations(const sp_config *k, const sp_draft *d)
{
    double n = 1;
    for (uint32_t j = 0; j < d->t->keys[0].n; j++) {
        uint32_t at, lead, column = d->t->keys[0].columns[j];
        const sp_cat_foreign_key *f = sp_config_reference(d->t, column, &at, &lead);
        n *= f ? (double)k->drafts[f->parent_table].rows : (double)d->choices[column].values;
    }
    return n;
}

/* No table has more rows than one of its keys has values. */
static void limit_rows(sp_config *k, sp_draft *d)
{
    double most = d->combined ? combinations(k, d) : INFINITY;
    if (most < (double)d->rows) {
        d->rows = (uint64_t)most;
        d->rows_note = "as many as the primary key has combinations";
    }
    if (d->turn && k->drafts[d->turn->parent_table].rows < d->rows) {
        d->rows = k->drafts[d->turn->parent_table].rows;
        d->rows_note = "as many as there are in the table that its key refers to";
    }
    for (uint32_t i = 0; i < d->t->n_columns; i++) {
        const sp_choice *c = &d->choices[i];
        if (c->out || c->most >= d->rows)
            continue;
        d->rows = c->most;
        d->rows_note = sp_config_printf(k, "as many as \"%.60s\" can have different values", d->t->columns[i].name);
    }
}

static void choose_columns(sp_config *k, sp_draft *d)
{
    d->afters = can_follow(d);
    sp_config_keys(k, d);
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        sp_config_choose(k, d, i);
    for (uint32_t i = 0; i < d->t->n_columns && !sp_config_has_made(d);
         i++) { /* a table of numbered columns alone: one must be given */
        d->needed[i] = d->t->columns[i].generated_sql == NULL;
        sp_config_choose(k, d, i);
    }
    join_facets(d, "person");
    join_facets(d, "place");
    limit_rows(k, d);
}

static void choose_table(sp_config *k, sp_draft *d)
{
    for (uint32_t way = d->n_ways; way-- > 0;) { /* the first one last: it stays in view */
        sp_config_enter(d, way);
        choose_columns(k, d);
    }
    sp_config_unite(k, d);
    d->chosen = true;
}

static int write_plan(sp_config *k, const char *shown, sp_emit *e, spate_error *err)
{
    sp_emit_init(e);
    for (uint32_t i = 0; i < k->c->n_tables; i++)
        choose_table(k, &k->drafts[k->order[i]]);
    return sp_config_write(k, shown, e, err);
}

/* ---- reading it again ---------------------------------------------------------------------------- */

/* The column that was written there. */
static sp_draft *draft_at(sp_config *k, unsigned line, uint32_t *column)
{
    for (uint32_t t = 0; t < k->c->n_tables; t++)
        for (uint32_t i = 0; i < k->c->tables[t].n_columns; i++) {
            const sp_choice *c = &k->drafts[t].choices[i];
            if (c->out || line < c->line || line > c->last_line)
                continue;
            *column = i;
            return &k->drafts[t];
        }
    return NULL;
}

/* A mistake, or a type that cells may be too long for. */
static bool is_bad(const spate_mistake *m, const sp_choice *c)
{
    return m->fatal || (c->type && strcmp(m->found, c->type) == 0);
}

/* Lets every column with a mistake try again; how many do. One that differs from way to way has but one of them then. */
static uint32_t try_again(sp_config *k, const sp_mistakes *m)
{
    uint32_t n = 0, column;
    for (uint32_t i = 0; i < m->n; i++) {
        sp_draft *d = draft_at(k, m->items[i].shown.line, &column);
        sp_choice *c = d ? &d->choices[column] : NULL;
        if (!c || !is_bad(&m->items[i].shown, c))
            continue;
        bool ways = sp_config_differs(d, column);
        for (uint32_t way = 0; way < d->n_ways && !ways; way++)
            d->ways[way].choices[column].tries++;
        d->ways_cut = d->ways_cut || ways;
        d->n_ways = ways ? 1 : d->n_ways;
        c->line = UINT32_MAX; /* once is enough for a round */
        n++;
    }
    return n;
}

static int check_plan(sp_config *k, const sp_emit *e, uint32_t *again, spate_error *err)
{
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    int status = sp_plan_parse("plan", e->out.data, e->out.len, &plan, err);
    if (status)
        return status;
    status = sp_gen_new(plan, plan->seed, &gen, err);
    *again = try_again(k, &plan->mistakes);
    sp_gen_free(gen);
    spate_plan_free(plan);
    return status == SPATE_E_CONFIG ? SPATE_OK : status;
}

static int make_plan(sp_config *k, const char *shown, sp_emit *e, spate_error *err)
{
    uint32_t again = 1;
    int status = SPATE_OK;
    for (unsigned round = 0; again && round < ROUNDS_MAX && status == SPATE_OK; round++) {
        sp_emit_done(e);
        status = write_plan(k, shown, e, err);
        if (status == SPATE_OK)
            status = check_plan(k, e, &again, err);
    }
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------------- */

static int config(sp_arena *arena, const char *uri, const spate_config_options *o, sp_emit *e, spate_error *err)
{
    sp_catalog catalog;
    sp_config k = {.arena = arena, .c = &catalog, .defaults = o->defaults, .counted = o->stats};
    sp_describe_options describe = {.spaces = o->schemas, .n_spaces = (uint32_t)o->n_schemas, .stats = o->stats};
    const char *shown = sp_uri_shown(uri, arena);
    int status = shown ? sp_describe(uri, &describe, arena, &catalog, err) : sp_fail_nomem(err);
    if (status == SPATE_OK && o->n_tables)
        status = select_tables(&catalog, o, err);
    if (status == SPATE_OK && catalog.n_tables == 0)
        return sp_fail(err, SPATE_E_USAGE, "there are no tables in \"%s\"", shown);
    if (status == SPATE_OK && !sp_config_unfold(&catalog))
        return sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = start_drafts(&k, o, err);
    if (status == SPATE_OK && !find_namesakes(&k, &catalog))
        return sp_fail_nomem(err);
    return status ? status : make_plan(&k, shown, e, err);
}

int spate_config(const char *uri, const spate_config_options *options, char **text, size_t *len, spate_error *err)
{
    sp_arena arena;
    sp_emit e;
    sp_arena_init(&arena);
    sp_emit_init(&e);
    int status = config(&arena, uri, options, &e, err);
    if (status == SPATE_OK && sp_buf_add(&e.out, "", 1))
        status = sp_fail_nomem(err);
    if (status == SPATE_OK) {
        *text = e.out.data;
        *len = e.out.len - 1;
    } else {
        sp_emit_done(&e);
    }
    sp_arena_done(&arena);
    return status;
}

void spate_config_free(char *text)
{
    sp_free(text);
}
