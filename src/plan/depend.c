/* depend.c - what each column is made from: the columns of its row that an expression names, the columns of other tables that a
 * ref leads to.
 *
 * Columns and what they are made from are a graph. A cell is made by going down it, so it must have no circle, and no path
 * longer than SP_PLAN_HOPS_MAX. One walk, depth first and on a stack of its own, finds both. */
#include "plan/document.h"

#include <stdio.h>

/* ---- what an expression names ---- */

typedef struct gather {
    spate_plan *plan;
    const sp_names *names;
    uint32_t table;
    sp_plan_column *column;
    sp_plan_dep *deps; /* NULL: they are only counted */
    uint32_t n;
} gather;

static void add_dep(gather *g, uint32_t table, uint32_t column, sp_mark mark, sp_str text)
{
    if (g->deps)
        g->deps[g->n] = (sp_plan_dep){table, column, mark, text};
    g->n++;
}

static void no_column(const gather *g, const sp_plan_table *t, sp_mark mark, sp_str name)
{
    sp_mistakes *m = &g->plan->mistakes;
    const char *near = m->n < SP_MISTAKES_MAX ? sp_plan_nearest_column(t, name) : NULL;
    sp_mistake(m, mark, name, "is no column of the table \"%.60s\"%s%s%s", t->name, near ? "; did you mean \"" : "",
               near ? near : "", near ? "\"?" : "");
    g->column->wrong = true;
}

/* The number of the column called name, or SP_PLAN_NO_REF and a mistake. */
static uint32_t find_column(const gather *g, uint32_t table, sp_mark mark, sp_str name)
{
    const sp_plan_table *t = &g->plan->tables[table];
    const sp_plan_column *found = sp_names_get(g->names, (uint64_t)table + 1, name);
    if (found)
        return (uint32_t)(found - t->columns);
    no_column(g, t, mark, name);
    return SP_PLAN_NO_REF;
}

/* ref.column: what the row that ref leads to has in that column. */
static void resolve_field(gather *g, sp_expr *e)
{
    const sp_plan_column *ref = &g->plan->tables[g->table].columns[e->column];
    if (ref->mode != SP_MODE_REF) {
        sp_mistake(&g->plan->mistakes, e->mark, e->text, "is no ref, so there is nothing behind its dot");
        g->column->wrong = true;
    } else if (ref->ref_table == SP_PLAN_NO_REF) {
        g->column->wrong = true; /* said there */
    } else {
        e->field_column = find_column(g, ref->ref_table, e->mark, e->field);
    }
}

static void gather_expr(gather *g, sp_expr *e)
{
    if (e->kind == SP_EXPR_COLUMN && !g->deps) {
        e->column = find_column(g, g->table, e->mark, e->text);
        if (e->column != SP_PLAN_NO_REF && e->field.len)
            resolve_field(g, e);
    }
    if (e->kind == SP_EXPR_COLUMN && e->column != SP_PLAN_NO_REF) {
        const sp_plan_column *c = &g->plan->tables[g->table].columns[e->column];
        if (!e->field.len)
            add_dep(g, g->table, e->column, e->mark, e->text);
        else if (e->field_column != SP_PLAN_NO_REF)
            add_dep(g, c->ref_table, e->field_column, e->mark, e->text);
    }
    for (uint32_t i = 0; i < e->n_args; i++)
        gather_expr(g, e->args[i]);
}

/* A lookup's: what is looked for, and where it is found. */
static void gather_lookup(gather *g, sp_plan_column *c)
{
    if (!g->deps) {
        c->key_column = find_column(g, g->table, c->mode_mark, c->key);
        c->by_column = find_column(g, c->ref_table, c->mode_mark, c->by);
    }
    if (c->key_column != SP_PLAN_NO_REF)
        add_dep(g, g->table, c->key_column, c->mode_mark, c->key);
    if (c->by_column != SP_PLAN_NO_REF)
        add_dep(g, c->ref_table, c->by_column, c->mode_mark, c->by);
}

/* c: the column, or a way to make it. */
static void gather_column(gather *g, sp_plan_column *c)
{
    if (c->mode == SP_MODE_LOOKUP && c->key.len && c->by.len && c->ref_table != SP_PLAN_NO_REF)
        gather_lookup(g, c);
    if ((c->mode == SP_MODE_REF || c->mode == SP_MODE_LOOKUP) && c->ref_table != SP_PLAN_NO_REF)
        add_dep(g, c->ref_table, c->ref_column, c->mode_mark, c->text);
    if (c->children_column != SP_PLAN_NO_REF)
        add_dep(g, c->ref_table, c->children_column, c->children->mode_mark, c->children_of);
    if (c->expr)
        gather_expr(g, c->expr);
    if (c->differs_column !=
        SP_PLAN_NO_REF) /* what that ref chooses, not what it gives; but it comes first all the same */
        add_dep(g, g->table, c->differs_column, c->differs_mark, c->differs);
    if (c->within_column != SP_PLAN_NO_REF)
        add_dep(g, g->table, c->within_column, c->within_mark, c->within);
    if (c->mode == SP_MODE_CASES && c->text.len) {
        c->by_column = g->deps ? c->by_column : find_column(g, g->table, c->mode_mark, c->text);
        if (c->by_column != SP_PLAN_NO_REF)
            add_dep(g, g->table, c->by_column, c->mode_mark, c->text);
    }
    for (uint32_t i = 0; i < c->n_cases; i++) {
        if (c->cases[i].when)
            gather_expr(g, c->cases[i].when);
        gather_column(g, c->cases[i].column);
    }
}

/* Counts first, so that the list has its size when it is made. */
static bool find_deps(spate_plan *plan, const sp_names *names, uint32_t table, sp_plan_column *c)
{
    gather g = {.plan = plan, .names = names, .table = table, .column = c};
    gather_column(&g, c);
    if (!g.n)
        return true;
    g.deps = sp_arena_alloc(&plan->arena, g.n, sizeof(*g.deps));
    if (!g.deps)
        return false;
    g.n = 0;
    gather_column(&g, c);
    c->deps = g.deps;
    c->n_deps = g.n;
    return true;
}

/* ---- circles and long chains ---- */

typedef struct visit {
    uint32_t table, column;
    uint32_t next;   /* of its deps */
    uint32_t height; /* hops to the farthest column it is made from */
    bool open, done;
} visit;

typedef struct walk {
    spate_plan *plan;
    const uint32_t *first; /* of each table's columns among all */
    visit *visits;         /* of every column */
    uint32_t *path;        /* those that are open, from the first */
    uint32_t n_path;
} walk;

static sp_plan_column *column_of(const walk *w, const visit *v)
{
    return &w->plan->tables[v->table].columns[v->column];
}

/* "a.x -> b.y -> a.x": the path from its place from, and back there. */
static void describe_circle(const walk *w, uint32_t from, char *text, size_t size)
{
    size_t len = 0;
    for (uint32_t i = from; i <= w->n_path; i++) {
        const visit *v = &w->visits[w->path[i < w->n_path ? i : from]];
        const char *table = w->plan->tables[v->table].name, *name = column_of(w, v)->name;
        if (i < w->n_path && len + 200 >= size) {
            len += (size_t)snprintf(text + len, size - len, "... -> ");
            i = w->n_path - 1;
            continue;
        }
        len += (size_t)snprintf(text + len, size - len, "%.40s.%.40s%s", table, name, i < w->n_path ? " -> " : "");
    }
}

/* The last column of the path is made from one that is on the path already. */
static void note_circle(const walk *w, uint32_t target)
{
    char text[400];
    uint32_t from = w->n_path - 1;
    while (w->path[from] != target)
        from--;
    visit *v = &w->visits[target];
    sp_plan_column *c = column_of(w, v);
    const sp_plan_dep *dep = &c->deps[v->next - 1];
    c->wrong = true;
    if (from == w->n_path - 1) {
        sp_mistake(&w->plan->mistakes, dep->mark, dep->text, "is this column, which cannot be made from itself");
        return;
    }
    describe_circle(w, from, text, sizeof(text));
    sp_mistake(&w->plan->mistakes, dep->mark, dep->text, "closes a circle: %s", text);
}

static void leave(walk *w, visit *v)
{
    sp_plan_column *c = column_of(w, v);
    v->open = false;
    v->done = true;
    if (v->height == SP_PLAN_HOPS_MAX + 1)
        sp_mistake(&w->plan->mistakes, c->mode_mark, c->text, "goes through more than %d columns, one after the other",
                   SP_PLAN_HOPS_MAX);
    c->wrong |= v->height > SP_PLAN_HOPS_MAX;
    w->n_path--;
    if (w->n_path) {
        visit *above = &w->visits[w->path[w->n_path - 1]];
        above->height = SP_MAX(above->height, v->height + 1);
    }
}

static void step(walk *w)
{
    visit *v = &w->visits[w->path[w->n_path - 1]];
    const sp_plan_column *c = column_of(w, v);
    if (v->next == c->n_deps) {
        leave(w, v);
        return;
    }
    const sp_plan_dep *dep = &c->deps[v->next++];
    uint32_t target = w->first[dep->table] + dep->column;
    visit *to = &w->visits[target];
    if (to->open) {
        note_circle(w, target);
    } else if (to->done) {
        v->height = SP_MAX(v->height, to->height + 1);
    } else {
        to->open = true;
        w->path[w->n_path++] = target;
    }
}

static void walk_all(walk *w)
{
    uint32_t id = 0;
    for (uint32_t t = 0; t < w->plan->n_tables; t++)
        for (uint32_t c = 0; c < w->plan->tables[t].n_columns; c++, id++) {
            w->visits[id].table = t;
            w->visits[id].column = c;
        }
    for (uint32_t i = 0; i < id; i++) {
        if (w->visits[i].done)
            continue;
        w->visits[i].open = true;
        w->path[w->n_path++] = i;
        while (w->n_path)
            step(w);
    }
}

static int find_circles(spate_plan *plan)
{
    uint32_t n = 0;
    uint32_t *first = sp_alloc((plan->n_tables + 1) * sizeof(*first));
    for (uint32_t t = 0; first && t < plan->n_tables; t++) {
        first[t] = n;
        n += plan->tables[t].n_columns;
    }
    visit *visits = sp_alloc_zero(n, sizeof(*visits));
    uint32_t *path = sp_alloc_zero(n, sizeof(*path));
    walk w = {.plan = plan, .first = first, .visits = visits, .path = path};
    if (first && visits && path)
        walk_all(&w);
    int status = first && visits && path ? SPATE_OK : SPATE_E_NOMEM;
    sp_free(first);
    sp_free(visits);
    sp_free(path);
    return status;
}

int sp_plan_depend(spate_plan *plan, const sp_names *names)
{
    for (uint32_t t = 0; t < plan->n_tables; t++)
        for (uint32_t c = 0; c < plan->tables[t].n_columns; c++)
            if (!find_deps(plan, names, t, &plan->tables[t].columns[c]))
                return SPATE_E_NOMEM;
    return find_circles(plan);
}
