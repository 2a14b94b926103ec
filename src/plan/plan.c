/* plan.c - what others may ask a plan, and the calls that spate/plan.h promises. */
#include "plan/document.h"

/* Says of a plan with mistakes how many there are and which is the first: all that fits one line.
 */
int sp_plan_refuse(const spate_plan *plan, spate_error *err)
{
    const sp_mistakes *m = &plan->mistakes;
    uint32_t i = 0;
    while (i < m->n && !m->items[i].shown.fatal)
        i++;
    if (i == m->n)
        return sp_fail(err, SPATE_E_CONFIG, "the plan \"%s\" has mistakes", plan->path);
    const spate_mistake *first = &m->items[i].shown;
    const char *lead = m->n_errors == 1 ? "" : "the first of them: ";
    return sp_fail(err, SPATE_E_CONFIG, "the plan \"%s\" has %u mistake%s; %sline %u, column %u: %s%s%s%s", plan->path,
                   m->n_errors, m->n_errors == 1 ? "" : "s", lead, first->line, first->column,
                   first->found[0] ? "\"" : "", first->found, first->found[0] ? "\" " : "", first->message);
}

bool spate_parse_count(const char *text, uint64_t *value)
{
    sp_str s = sp_str_of(text);
    int64_t rows;
    if (sp_scalar_u64(s, value))
        return true;
    if (!sp_scalar_rows(s, &rows) || rows < 0)
        return false;
    *value = (uint64_t)rows;
    return true;
}

void spate_plan_free(spate_plan *plan)
{
    if (!plan)
        return;
    sp_mistakes_done(&plan->mistakes);
    sp_arena_done(&plan->arena);
    sp_free(plan);
}

const char *spate_plan_database(const spate_plan *plan)
{
    return plan->database;
}

size_t spate_plan_tables(const spate_plan *plan)
{
    return plan->n_tables;
}

const char *spate_plan_table_name(const spate_plan *plan, size_t table)
{
    return table < plan->n_tables ? plan->tables[table].name : NULL;
}

uint64_t spate_plan_table_rows(const spate_plan *plan, size_t table)
{
    return table < plan->n_tables ? plan->tables[table].rows : 0;
}

spate_table_role spate_plan_table_role(const spate_plan *plan, size_t table)
{
    const sp_plan_table *t = &plan->tables[table];
    return t->fixed_rows ? SPATE_TABLE_INPUT : t->hidden ? SPATE_TABLE_HIDDEN : SPATE_TABLE_MADE;
}

size_t spate_plan_columns(const spate_plan *plan, size_t table)
{
    return table < plan->n_tables ? plan->tables[table].n_columns : 0;
}

const char *spate_plan_column(const spate_plan *plan, size_t table, size_t column, const char **kind, bool *hidden)
{
    if (column >= spate_plan_columns(plan, table))
        return NULL;
    const sp_plan_column *c = &plan->tables[table].columns[column];
    if (kind)
        *kind = sp_plan_mode_name(c->mode);
    if (hidden)
        *hidden = c->hidden;
    return c->name;
}

static void hint_table(const spate_plan *plan, const char *name, spate_error *err)
{
    const char **names = sp_alloc(plan->n_tables * sizeof(*names));
    if (!names)
        return;
    for (uint32_t i = 0; i < plan->n_tables; i++)
        names[i] = plan->tables[i].name;
    const char *near = sp_nearest(sp_str_of(name), names, plan->n_tables);
    if (near)
        sp_error_hint(err, "did you mean \"%s\"?", near);
    sp_free(names);
}

int spate_plan_set_rows(spate_plan *plan, const char *table, uint64_t rows, spate_error *err)
{
    int t = sp_plan_find_table(plan, table);
    if (t < 0) {
        sp_fail(err, SPATE_E_USAGE, "the plan \"%s\" has no table \"%s\"", plan->path, table);
        hint_table(plan, table, err);
        return SPATE_E_USAGE;
    }
    if (rows > INT64_MAX)
        return sp_fail(err, SPATE_E_USAGE, "a table cannot have more than 9223372036854775807 rows");
    if (plan->tables[t].fixed_rows)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is an input, which has the rows of its file", table);
    if (plan->tables[t].from)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has the rows of the table that it comes from", table);
    plan->tables[t].rows = plan->tables[t].rows_most = rows;
    plan->tables[t].rows_follow = false;
    return sp_plan_check_rows(plan, err);
}

int sp_plan_find_table(const spate_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->n_tables; i++)
        if (strcmp(plan->tables[i].name, name) == 0)
            return (int)i;
    return -1;
}

int sp_plan_find_column(const sp_plan_table *table, sp_str name)
{
    for (uint32_t i = 0; i < table->n_columns; i++)
        if (sp_str_is(name, table->columns[i].name))
            return (int)i;
    return -1;
}
