/* config.c - a plan from a catalog: what is made of each table, written, and read again.
 *
 * The plan is compiled before anybody sees it. Where the reader or the generator finds a mistake in a column, or cells that may
 * be longer than their type, that column's next, plainer choice is taken and the plan written anew: what is handed out is
 * whole. */
#include "job/config.h"

#include "gen/gen.h"
#include "spate/config.h"

#include <math.h>

enum { ROUNDS_MAX = 8, INDENT_TABLE = 2, INDENT_KEY = 4, INDENT_COLUMN = 6, INDENT_WISH = 8 };

/* ---- drafts -------------------------------------------------------------------------------------- */

static bool are_moments(const sp_cat_column *a, const sp_cat_column *b)
{
    return a->type.class == b->type.class &&
           (a->type.class == SP_CAT_DATE || a->type.class == SP_CAT_TIMESTAMP || a->type.class == SP_CAT_TIMESTAMPTZ);
}

static bool is_before(const sp_draft *d, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < d->demands.n_orderings; i++)
        if (d->demands.orderings[i].low == a && d->demands.orderings[i].high == b)
            return true;
    return are_moments(&d->t->columns[a], &d->t->columns[b]) &&
           sp_words_before(d->t->columns[a].name, d->t->columns[b].name);
}

/* The longest way to each column along "comes before", and on from it. A circle of them (which no row could keep) ends where
 * the ways get longer than there are columns. */
static void find_steps(sp_draft *d, unsigned *after)
{
    uint32_t n = d->t->n_columns;
    bool moved = true;
    for (uint32_t round = 0; moved && round < SP_MIN(n, 16u); round++) {
        moved = false;
        for (uint32_t a = 0; a < n; a++)
            for (uint32_t b = 0; b < n; b++) {
                if (a == b || !is_before(d, a, b))
                    continue;
                moved = moved || d->step[b] < d->step[a] + 1 || after[a] < after[b] + 1;
                d->step[b] = SP_MAX(d->step[b], d->step[a] + 1);
                after[a] = SP_MAX(after[a], after[b] + 1);
            }
    }
    for (uint32_t i = 0; i < n; i++)
        d->steps[i] = d->step[i] + after[i] + 1;
}

/* What is below a column is below its bounds too: so that columns which come one after the other share a range. */
static void share_bounds(sp_draft *d)
{
    const sp_demands *all = &d->demands;
    for (uint32_t round = 0; round < SP_MIN(all->n_orderings, 16u); round++)
        for (uint32_t i = 0; i < all->n_orderings; i++) {
            sp_demand *low = &all->columns[all->orderings[i].low], *high = &all->columns[all->orderings[i].high];
            if (high->max.p)
                sp_demand_bound(low, true, high->max, high->max_open);
            if (low->min.p)
                sp_demand_bound(high, false, low->min, low->min_open);
        }
}

/* The names and conditions of a table, by themselves. */
static bool read_demands(sp_config *k, const sp_cat_table *t, sp_demands *out)
{
    sp_conditions own = {.names = sp_arena_alloc(k->arena, t->n_columns + 1, sizeof(*own.names)),
                         .n_names = t->n_columns,
                         .items = sp_arena_alloc(k->arena, t->n_checks + 2, sizeof(*own.items)),
                         .n = t->n_checks};
    if (!own.names || !own.items)
        return false;
    for (uint32_t i = 0; i < t->n_columns; i++)
        own.names[i] = t->columns[i].name;
    for (uint32_t i = 0; i < t->n_checks; i++)
        own.items[i] = (sp_condition){t->checks[i].sql, t->checks[i].column};
    if (t->partitions)
        own.items[own.n++] = (sp_condition){t->partitions, -1};
    return sp_demands_read(&own, k->arena, out);
}

static bool start_draft(sp_config *k, sp_draft *d, const sp_cat_table *t)
{
    uint32_t n = t->n_columns + 1;
    d->t = t;
    d->rows = SPATE_CONFIG_ROWS;
    d->choices = sp_arena_alloc(k->arena, n, sizeof(*d->choices));
    d->needed = sp_arena_alloc(k->arena, n, sizeof(*d->needed));
    d->apart = sp_arena_alloc(k->arena, n, sizeof(*d->apart));
    d->step = sp_arena_alloc(k->arena, n, sizeof(*d->step));
    d->steps = sp_arena_alloc(k->arena, n, sizeof(*d->steps));
    unsigned *after = sp_arena_alloc(k->arena, n, sizeof(*after));
    if (!d->choices || !d->needed || !d->apart || !d->step || !d->steps || !after || !read_demands(k, t, &d->demands))
        return false;
    share_bounds(d);
    find_steps(d, after);
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
            if (strcmp(k->c->tables[t].shown, o->rows[i].table) != 0 &&
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
        const char *dot = strchr(o->tables[i], '.');
        int at = sp_catalog_find_table(c, NULL, o->tables[i]);
        if (at < 0 && dot)
            at = sp_catalog_find_table(c, sp_arena_strndup(c->arena, o->tables[i], (size_t)(dot - o->tables[i])),
                                       dot + 1);
        if (at < 0)
            return sp_fail(err, SPATE_E_USAGE, "there is no table \"%s\"", o->tables[i]);
        want(c, (uint32_t)at, wanted);
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
            const char *whose = "", *facet = c->out || c->items || c->tries || strcmp(c->mode, "value")
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
        if (d->step[i] + 1 == d->step[column] && is_before(d, i, column) &&
            are_moments(&d->t->columns[i], &d->t->columns[column]) &&
            (d->t->columns[i].not_null || d->demands.columns[i].not_null || !d->t->columns[column].not_null))
            return (int)i;
    return -1;
}

static bool has_made(const sp_draft *d)
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
    for (uint32_t i = 0; i < d->t->n_columns; i++) {
        const sp_choice *c = &d->choices[i];
        if (c->out || c->most >= d->rows)
            continue;
        d->rows = c->most;
        d->rows_note = sp_config_printf(k, "as many as \"%.60s\" can have different values", d->t->columns[i].name);
    }
}

static void choose_table(sp_config *k, sp_draft *d)
{
    d->afters = can_follow(d);
    sp_config_keys(k, d);
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        sp_config_choose(k, d, i);
    for (uint32_t i = 0; i < d->t->n_columns && !has_made(d);
         i++) { /* a table of numbered columns alone: one must be given */
        d->needed[i] = d->t->columns[i].generated_sql == NULL;
        sp_config_choose(k, d, i);
    }
    join_facets(d, "person");
    join_facets(d, "place");
    limit_rows(k, d);
    d->chosen = true;
}

/* ---- writing ------------------------------------------------------------------------------------- */

static void write_items(sp_config *k, sp_emit *e, const sp_choice *c)
{
    sp_buf list = {0};
    if (sp_emit_list(&list, c->items, c->n_items))
        k->nomem = true;
    else
        sp_emit_raw(e, INDENT_WISH, c->mode, sp_arena_printf(k->arena, "%.*s", (int)list.len, list.data), c->note);
    sp_buf_done(&list);
}

static void write_weights(sp_config *k, sp_emit *e, const sp_choice *c)
{
    sp_buf list = {0};
    int rc = sp_buf_adds(&list, "[");
    for (uint32_t i = 0; i < c->n_items && !rc; i++)
        rc = sp_buf_printf(&list, "%s%.6g", i ? ", " : "", c->weights[i]);
    rc = rc || sp_buf_adds(&list, "]");
    k->nomem = k->nomem || rc;
    if (!rc)
        sp_emit_raw(e, INDENT_WISH, "weights", sp_arena_printf(k->arena, "%.*s", (int)list.len, list.data), NULL);
    sp_buf_done(&list);
}

static void write_column(sp_config *k, sp_emit *e, const char *name, sp_choice *c)
{
    c->line = e->line;
    sp_emit_key(e, INDENT_COLUMN, true, "name", sp_str_of(name), NULL);
    if (c->items)
        write_items(k, e, c);
    else
        sp_emit_key(e, INDENT_WISH, false, c->mode, sp_str_of(c->text), c->note);
    if (c->weights)
        write_weights(k, e, c);
    if (c->props)
        sp_emit_raw(e, INDENT_WISH, "props", c->props, NULL);
    if (c->type)
        sp_emit_key(e, INDENT_WISH, false, "type", sp_str_of(c->type), NULL);
    if (c->draw)
        sp_emit_key(e, INDENT_WISH, false, "draw", sp_str_of(c->draw), NULL);
    if (c->tree)
        sp_emit_raw(e, INDENT_WISH, "tree", c->tree, NULL);
    if (c->distribution)
        sp_emit_raw(e, INDENT_WISH, "distribution", c->distribution, NULL);
    if (c->sorted)
        sp_emit_raw(e, INDENT_WISH, "sorted", "true", NULL);
    if (c->null_rate > 0)
        sp_emit_raw(e, INDENT_WISH, "\"null\"", sp_config_printf(k, "%.4g%%", 100 * c->null_rate), NULL);
    if (c->primary_key)
        sp_emit_raw(e, INDENT_WISH, "primary_key", "true", NULL);
    if (c->unique)
        sp_emit_raw(e, INDENT_WISH, "unique", "true", NULL);
    c->last_line = e->line - 1;
}

/* "left to the server: id (identity), created (default now())" */
static void write_left_out(sp_config *k, sp_emit *e, const sp_draft *d)
{
    sp_buf line = {0};
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < d->t->n_columns && !rc; i++)
        if (d->choices[i].out)
            rc = sp_buf_printf(&line, "%s%s (%s)", line.len ? ", " : "not made: ", d->t->columns[i].name,
                               d->choices[i].out_why);
    k->nomem = k->nomem || rc;
    if (line.len && !rc)
        sp_emit_comment(e, INDENT_KEY, sp_arena_printf(k->arena, "%.*s", (int)line.len, line.data));
    sp_buf_done(&line);
}

static const char *grouped(sp_config *k, uint64_t n)
{
    char text[32], digits[24];
    int len = (int)(sp_put_u64(digits, n) - digits), to = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0 && len > 4)
            text[to++] = '_';
        text[to++] = digits[i];
    }
    return sp_config_printf(k, "%.*s", to, text);
}

/* Conditions, each cut to what a line of comment holds. */
static void write_conditions(sp_config *k, sp_emit *e, const char *what, const sp_condition *const *list, uint32_t n)
{
    enum { SHOWN_MAX = 300 };
    for (uint32_t i = 0; i < n; i++)
        sp_emit_comment(e, INDENT_KEY,
                        sp_config_printf(k, "%s: %.*s%s", what, SHOWN_MAX, list[i]->sql,
                                         strlen(list[i]->sql) > SHOWN_MAX ? "..." : ""));
}

static void write_table(sp_config *k, sp_emit *e, sp_draft *d)
{
    sp_emit_blank(e);
    sp_emit_key(e, INDENT_TABLE, true, "name", sp_str_of(d->t->shown),
                d->t->comment && *d->t->comment ? d->t->comment : NULL);
    const char *there =
        k->counted && d->t->rows >= 0 ? sp_config_printf(k, "about %s there", grouped(k, (uint64_t)d->t->rows)) : NULL;
    sp_emit_raw(e, INDENT_KEY, "rows", grouped(k, d->rows), d->rows_note ? d->rows_note : there);
    write_left_out(k, e, d);
    write_conditions(k, e, "a check that is not kept on purpose", d->demands.unread, d->demands.n_unread);
    write_conditions(k, e, "a check that is kept in one of the ways it allows", d->demands.narrowed,
                     d->demands.n_narrowed);
    sp_emit_head(e, INDENT_KEY, "columns");
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        if (!d->choices[i].out)
            write_column(k, e, d->t->columns[i].name, &d->choices[i]);
}

/* A table that cannot have rows: of nothing but what the server fills, or with a column that must have a value nobody can make. */
static void write_unmade(sp_config *k, sp_emit *e, const sp_draft *d)
{
    if (!has_made(d))
        return;
    sp_emit_blank(e);
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        if (d->choices[i].out && d->t->columns[i].not_null && !d->t->columns[i].default_sql &&
            !d->t->columns[i].generated_sql)
            sp_emit_comment(e, INDENT_TABLE,
                            sp_config_printf(k, "%s is not made: %s must have a value, and none is made (%s)",
                                             d->t->shown, d->t->columns[i].name, d->choices[i].out_why));
}

static void write_head(sp_config *k, sp_emit *e, const char *shown)
{
    const sp_catalog *c = k->c;
    sp_emit_comment(e, 0,
                    sp_config_printf(k, "The tables of %s%s%s%s.", shown, *c->server ? " (" : "", c->server,
                                     *c->server ? ")" : ""));
    sp_emit_comment(e, 0, "");
    sp_emit_comment(
        e, 0, sp_config_printf(k, "    spate generate PLAN --to URI%s", k->circles ? " --defer-constraints" : ""));
    if (k->circles)
        sp_emit_comment(e, 0,
                        "Foreign keys go in a circle here: they are taken away for the load, and put back after it.");
    for (uint32_t i = 0; i < c->n_notes; i++)
        sp_emit_comment(e, 0, sp_config_printf(k, "Not understood: %s", c->notes[i]));
    sp_emit_blank(e);
    sp_emit_raw(e, 0, "seed", "1", NULL);
    sp_emit_head(e, 0, "tables");
}

static int write_plan(sp_config *k, const char *shown, sp_emit *e, spate_error *err)
{
    sp_emit_init(e);
    for (uint32_t i = 0; i < k->c->n_tables; i++)
        choose_table(k, &k->drafts[k->order[i]]);
    write_head(k, e, shown);
    for (uint32_t i = 0; i < k->c->n_tables; i++)
        if (sp_config_is_made(k, &k->drafts[k->order[i]]))
            write_table(k, e, &k->drafts[k->order[i]]);
        else
            write_unmade(k, e, &k->drafts[k->order[i]]);
    return k->nomem || e->nomem ? sp_fail_nomem(err) : SPATE_OK;
}

/* ---- reading it again ---------------------------------------------------------------------------- */

static sp_choice *choice_at(sp_config *k, unsigned line)
{
    for (uint32_t t = 0; t < k->c->n_tables; t++)
        for (uint32_t i = 0; i < k->c->tables[t].n_columns; i++) {
            sp_choice *c = &k->drafts[t].choices[i];
            if (!c->out && c->line <= line && line <= c->last_line)
                return c;
        }
    return NULL;
}

/* A mistake, or a type that cells may be too long for. */
static bool is_bad(const spate_mistake *m, const sp_choice *c)
{
    return m->fatal || (c->type && strcmp(m->found, c->type) == 0);
}

/* Lets every column with a mistake try again; how many do. */
static uint32_t try_again(sp_config *k, const sp_mistakes *m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        sp_choice *c = choice_at(k, m->items[i].shown.line);
        if (!c || !is_bad(&m->items[i].shown, c) || c->tries == UINT32_MAX)
            continue;
        c->tries++;
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
    if (status == SPATE_OK)
        status = start_drafts(&k, o, err);
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
