/* check.c - what must hold between columns: refs lead somewhere, and what is to be unique can be.
 * What columns are made from, and that it never goes in a circle, is depend.c's. What hangs on
 * numbers of rows is apart, because they can be changed after reading. */
#include "plan/document.h"

#include <stdio.h>

/* ---- "did you mean" ---- */

static const char *nearest_table(const spate_plan *plan, sp_str name)
{
    const char **names = sp_alloc(plan->n_tables * sizeof(*names));
    if (!names)
        return NULL;
    for (uint32_t i = 0; i < plan->n_tables; i++)
        names[i] = plan->tables[i].name;
    const char *near = sp_nearest(name, names, plan->n_tables);
    sp_free(names);
    return near;
}

const char *sp_plan_nearest_column(const sp_plan_table *table, sp_str name)
{
    const char **names = sp_alloc(table->n_columns * sizeof(*names));
    if (!names)
        return NULL;
    for (uint32_t i = 0; i < table->n_columns; i++)
        names[i] = table->columns[i].name;
    const char *near = sp_nearest(name, names, table->n_columns);
    sp_free(names);
    return near;
}

/* ---- what refs mean ---- */

/* The last dot before p[end], as an offset; 0: there is none (a name is not empty). */
static size_t last_dot(sp_str text, size_t end)
{
    while (end > 0 && text.p[end - 1] != '.')
        end--;
    return end > 0 ? end - 1 : 0;
}

/* Names of tables may have dots: the longest table name that fits is meant. */
static const sp_plan_table *find_parent(const sp_names *names, sp_str text, size_t *dot)
{
    for (*dot = last_dot(text, text.len); *dot > 0; *dot = last_dot(text, *dot)) {
        const sp_plan_table *t = sp_names_get(names, 0, (sp_str){text.p, *dot});
        if (t)
            return t;
    }
    return NULL;
}

static void no_such_table(spate_plan *plan, const sp_plan_column *c)
{
    sp_mistakes *m = &plan->mistakes;
    sp_str name = {c->text.p, last_dot(c->text, c->text.len)};
    const char *near = m->n < SP_MISTAKES_MAX ? nearest_table(plan, name) : NULL;
    sp_mistake(m, c->mode_mark, c->text, "refers to no table of this plan%s%s%s", near ? "; did you mean \"" : "",
               near ? near : "", near ? "\"?" : "");
}

static void no_such_column(spate_plan *plan, const sp_plan_column *c, const sp_plan_table *parent, sp_str name)
{
    sp_mistakes *m = &plan->mistakes;
    const char *near = m->n < SP_MISTAKES_MAX ? sp_plan_nearest_column(parent, name) : NULL;
    sp_mistake(m, c->mode_mark, c->text, "refers to no column of the table \"%.60s\"%s%s%s", parent->name,
               near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void resolve(spate_plan *plan, const sp_names *names, sp_plan_column *c)
{
    size_t dot = last_dot(c->text, c->text.len);
    if (dot == 0 || dot + 1 == c->text.len) {
        sp_mistake(&plan->mistakes, c->mode_mark, c->text, "%s, which is written table.column",
                   c->text.len ? "is no ref" : "expected a ref");
        return;
    }
    const sp_plan_table *parent = find_parent(names, c->text, &dot);
    if (!parent) {
        no_such_table(plan, c);
        return;
    }
    if (parent->from) {
        sp_mistake(&plan->mistakes, c->mode_mark, c->text,
                   "refers to a table whose rows are elsewhere; an input can sample it");
        return;
    }
    sp_str name = {c->text.p + dot + 1, c->text.len - dot - 1};
    uint32_t table = (uint32_t)(parent - plan->tables);
    const sp_plan_column *target = sp_names_get(names, (uint64_t)table + 1, name);
    if (!target) {
        no_such_column(plan, c, parent, name);
        return;
    }
    c->ref_table = table;
    c->ref_column = (uint32_t)(target - parent->columns);
}

/* The column that a ref leads to, NULL: it is none, or leads nowhere. */
static const sp_plan_column *target_of(const spate_plan *plan, const sp_plan_column *c)
{
    if (c->mode != SP_MODE_REF || c->ref_table == SP_PLAN_NO_REF)
        return NULL;
    return &plan->tables[c->ref_table].columns[c->ref_column];
}

/* ---- uniqueness ---- */

static bool is_unique(const sp_plan_column *c)
{
    return c->unique || c->mode == SP_MODE_INC || sp_column_is_uuid(c);
}

/* A value made by functions may be unique by itself; gen knows. */
static void check_unique_ref(spate_plan *plan, const sp_plan_column *c)
{
    const sp_plan_column *parent = target_of(plan, c);
    if (!c->unique || !parent || is_unique(parent) || parent->mode == SP_MODE_VALUE)
        return;
    if (plan->tables[c->ref_table].fixed_rows) { /* an input's values are there: gen looks whether they differ */
        plan->tables[c->ref_table].columns[c->ref_column].unique = true;
        return;
    }
    sp_mistake(&plan->mistakes, c->mode_mark, c->text,
               "is not unique, so a unique ref cannot lead to it: say unique: true there too");
}

static int check_labels(spate_plan *plan, const sp_plan_column *c)
{
    sp_names seen = {0};
    int status = SPATE_OK;
    for (uint32_t i = 0; i < c->n_items && status == SPATE_OK; i++) {
        const sp_plan_item *it = &c->items[i], *first;
        const void **slot = sp_names_slot(&seen, 0, it->text);
        if (!slot) {
            status = SPATE_E_NOMEM;
        } else if (!*slot) {
            *slot = it;
        } else {
            first = *slot;
            sp_mistake(&plan->mistakes, it->mark, it->text, "is in the set already, in line %u, column %u; %s",
                       first->mark.line, first->mark.column,
                       c->is_enum ? "labels of an enum differ" : "the values of a unique set differ");
        }
    }
    sp_names_done(&seen);
    return status;
}

static void check_primary_key(spate_plan *plan, const sp_plan_table *t)
{
    const sp_plan_column *first = NULL;
    if (sp_plan_combines(plan, t) || sp_plan_is_family(t))
        return;
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const sp_plan_column *c = &t->columns[i];
        if (!c->primary_key)
            continue;
        if (is_unique(c) || c->wrong || c->mode == SP_MODE_VALUE)
            return;
        first = first ? first : c;
    }
    if (first)
        sp_warning(&plan->mistakes, first->mark, sp_str_of(first->name),
                   "is not unique, nor is any other column of the primary key of \"%.60s\", so "
                   "rows may have the same key",
                   t->name);
}

/* Sets that draw together have a value for each choice of the others, and the weights of whichever says some. */
static void check_draw(spate_plan *plan, const sp_plan_table *t, sp_plan_column *c)
{
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const sp_plan_column *with = &t->columns[i];
        if (with == c || with->mode != SP_MODE_SET || !with->n_items || !sp_str_eq(with->draw, c->draw))
            continue;
        if (with->n_items != c->n_items && with < c) {
            sp_mistake(&plan->mistakes, c->mode_mark, sp_str_of(c->name),
                       "has %u values, and \"%.60s\", which draws with it, has %u", c->n_items, with->name,
                       with->n_items);
            return;
        }
        for (uint32_t k = 0; k < c->n_items && with->weighted && !c->weighted && with->n_items == c->n_items; k++)
            ((sp_plan_item *)(uintptr_t)c->items)[k].weight =
                with->items[k].weight; /* the plan's own, and still being made */
        if (with->distribution.spread != SP_SPREAD_UNIFORM && c->distribution.spread == SP_SPREAD_UNIFORM)
            c->distribution = with->distribution;
    }
}

static int link_column(spate_plan *plan, const sp_names *names, sp_plan_column *c)
{
    uint32_t said = plan->mistakes.n_said;
    int status = SPATE_OK;
    if ((c->mode == SP_MODE_REF || c->mode == SP_MODE_LOOKUP) && !(c->wrong && c->text.len == 0))
        resolve(plan, names, c);
    if (c->mode == SP_MODE_SET && (c->unique || c->is_enum))
        status = check_labels(plan, c);
    for (uint32_t i = 0; i < c->n_cases && status == SPATE_OK; i++)
        status = link_column(plan, names, c->cases[i].column);
    c->wrong |= plan->mistakes.n_said > said;
    return status;
}

int sp_plan_link(spate_plan *plan, const sp_names *names)
{
    int status = SPATE_OK;
    for (uint32_t t = 0; t < plan->n_tables; t++)
        for (uint32_t c = 0; c < plan->tables[t].n_columns && status == SPATE_OK; c++)
            status = link_column(plan, names, &plan->tables[t].columns[c]);
    for (uint32_t t = 0; t < plan->n_tables; t++) {
        for (uint32_t c = 0; c < plan->tables[t].n_columns; c++) {
            uint32_t said = plan->mistakes.n_said;
            sp_plan_relate(plan, t, &plan->tables[t].columns[c]);
            check_unique_ref(plan, &plan->tables[t].columns[c]);
            if (plan->tables[t].columns[c].draw.len && plan->tables[t].columns[c].mode == SP_MODE_SET)
                check_draw(plan, &plan->tables[t], &plan->tables[t].columns[c]);
            plan->tables[t].columns[c].wrong |= plan->mistakes.n_said > said;
        }
        check_primary_key(plan, &plan->tables[t]);
    }
    return status == SPATE_OK ? sp_plan_depend(plan, names) : status;
}

/* ---- what hangs on numbers of rows ---- */

/* How many different cells a column can have, UINT64_MAX: not known here. unit: what of, in words.
 */
static uint64_t capacity(const spate_plan *plan, const sp_plan_column *c, const char **unit)
{
    uint64_t span = (uint64_t)c->max_i - (uint64_t)c->min_i;
    if (c->mode == SP_MODE_SET) {
        *unit = "values in the set";
        return c->n_items;
    }
    if (c->mode == SP_MODE_REF) {
        *unit = "rows to refer to";
        return plan->tables[c->ref_table].rows;
    }
    if (c->mode != SP_MODE_RANGE)
        return UINT64_MAX;
    switch (c->range) {
    case SP_RANGE_INT: *unit = "whole numbers in the range (max is not one of them)"; return SP_MAX(span, UINT64_C(1));
    case SP_RANGE_DECIMAL: *unit = "decimals in the range (max is not one of them)"; return SP_MAX(span, UINT64_C(1));
    case SP_RANGE_TIMESTAMP: *unit = "whole seconds in the range"; return SP_MAX(span / SP_US_PER_SECOND, UINT64_C(1));
    case SP_RANGE_INTERVAL: *unit = "microseconds in the range"; return SP_MAX(span / 1000, UINT64_C(1));
    default: return UINT64_MAX;
    }
}

static void check_column_rows(spate_plan *plan, const sp_plan_table *t, const sp_plan_column *c)
{
    const char *unit = "";
    if (c->mode == SP_MODE_REF && !target_of(plan, c))
        return;
    if (c->mode == SP_MODE_REF && t->rows > 0 && plan->tables[c->ref_table].rows == 0) {
        sp_mistake(&plan->mistakes, c->mode_mark, c->text,
                   "refers to a table with 0 rows, so there is nothing to refer to");
        return;
    }
    for (uint32_t i = 0; i < c->n_cases; i++)
        check_column_rows(plan, t, c->cases[i].column);
    if (!c->unique)
        return;
    uint64_t most = capacity(plan, c, &unit);
    if (most < t->rows)
        sp_mistake(&plan->mistakes, c->mode_mark, sp_str_of(c->name),
                   "has %llu unique rows; they need as many %s, and there are only %llu", (unsigned long long)t->rows,
                   unit, (unsigned long long)most);
}

int sp_plan_check_rows(spate_plan *plan, spate_error *err)
{
    sp_mistakes_forget_rows(&plan->mistakes);
    plan->mistakes.about_rows = true;
    sp_plan_count(plan);
    for (uint32_t t = 0; t < plan->n_tables; t++)
        for (uint32_t c = 0; c < plan->tables[t].n_columns; c++)
            if (!plan->tables[t].columns[c].wrong)
                check_column_rows(plan, &plan->tables[t], &plan->tables[t].columns[c]);
    plan->mistakes.about_rows = false;
    return plan->mistakes.nomem ? sp_fail_nomem(err) : SPATE_OK;
}
