/* form_dg_fk.c - the processor fk of dg's fork: as many rows for each row of another table as that row says.
 *
 * What it says becomes a hidden column of that table, and the rows are its children: how many there are is known when the column's
 * cells are made. A filter may speak of how many rows before it were left out, which is counted once, row by row. */
#include "plan/form_dg_expr.h"

static int fk_table_key(const dg_column *d)
{
    return d->v[P_TABLE] ? P_TABLE : P_REFERENCE;
}

/* A number of times that is written out; without one, 1. */
static bool constant_repeat(const dg_column *d, int64_t *times)
{
    *times = 1;
    return !d->v[P_REPEAT] || (d->v[P_REPEAT]->kind == SP_NODE_TEXT && sp_scalar_i64(d->v[P_REPEAT]->text, times));
}

bool sp_dg_fk_counts(const dg_column *d)
{
    int64_t times;
    const sp_node *table = d->v[fk_table_key(d)];
    const sp_plan_table *parent = table && table->kind == SP_NODE_TEXT ? sp_dg_earlier(d, table->text) : NULL;
    return d->v[P_FILTER] || !constant_repeat(d, &times) || (parent && parent->rows_counted);
}

/* How many parents before one the filter leaves out, of which the filter may speak, and whether it leaves this one out, as one number: a
 * hidden column of the parent's table. */
static sp_str skipped_column(dg_column *d, const dg_scope *s, sp_plan_table *parent, const char *name)
{
    static const sp_type bigint = {.kind = SP_I64};
    sp_plan_column hidden = sp_read_new_column(d->r, d->mark);
    sp_expr *so_far = sp_make_expr(d->r, SP_EXPR_CALL, d->mark, sp_str_of("left out so far"), NULL, 0);
    const dg_variable skipped = {name, {.kind = DG_NUMBER, .e = so_far}};
    dg_scope within = *s;
    dg_value filter;
    within.variables = &skipped;
    within.n_variables = 1;
    if (!sp_dg_read_expression(d, P_FILTER, &within, &filter))
        return (sp_str){0};
    if (parent->is_distinct) {
        sp_mistake(d->r->m, d->v[P_FILTER]->mark, sp_str_of(name),
                   "cannot be counted of a table with unique_columns, or one that combines such tables");
        return (sp_str){0};
    }
    sp_dg_set_expr(&hidden,
                   sp_dg_call(d->r, d->mark, "left out", sp_dg_as_truth(&within, &filter, d->mark), NULL, NULL), d->mark);
    hidden.type = &bigint;
    hidden.sql_type = "bigint";
    return sp_dg_hide(d->r, parent, d->table->name, &hidden);
}

/* Is the name in the text? Where it only seems so, something is counted for nothing. */
static bool speaks_of(const sp_node *node, const char *name)
{
    size_t len = strlen(name);
    sp_str text = node && node->kind == SP_NODE_TEXT ? node->text : sp_str_of("");
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.p + i, name, len) == 0)
            return true;
    return false;
}

/* How many rows each parent gets: a hidden column of the parent's table. */
static sp_str count_column(dg_column *d, sp_plan_column *c, sp_plan_table *parent)
{
    static const sp_type bigint = {.kind = SP_I64};
    uint32_t draws = 0;
    dg_value filter, repeat = {.kind = DG_NUMBER, .e = sp_dg_leaf(d->r, d->mark, SP_EXPR_NUMBER, "1")};
    sp_expr *holds = NULL;
    dg_scope s = sp_dg_scope_of(d, c, &draws);
    sp_str as, skipped_as = sp_str_of("skipped");
    s.table = parent;
    s.parent = sp_str_of("parent");
    if (d->v[P_REFERENCE_AS] && sp_read_text(d->r, d->v[P_REFERENCE_AS], "a name", &as) && as.len)
        s.parent = as;
    if (d->v[P_SKIPPED_AS] && sp_read_text(d->r, d->v[P_SKIPPED_AS], "a name", &as) && as.len)
        skipped_as = as;
    dg_variable skipped = {sp_arena_strndup(&d->r->plan->arena, skipped_as.p, skipped_as.len), {.kind = DG_NUMBER}};
    if (skipped.name && d->v[P_FILTER] && (speaks_of(d->v[P_FILTER], skipped.name) || speaks_of(d->v[P_REPEAT], skipped.name))) {
        sp_str column = skipped_column(d, &s, parent, skipped.name);
        if (!column.p)
            return column;
        sp_expr *two = sp_dg_number_leaf(&s, d->mark, 2), *both = sp_make_expr(d->r, SP_EXPR_COLUMN, d->mark, column, NULL, 0);
        skipped.value.e = sp_dg_call(d->r, d->mark, "floor", sp_dg_call(d->r, d->mark, "/", both, two, NULL), NULL, NULL);
        holds = sp_dg_call(d->r, d->mark, "=", sp_dg_call(d->r, d->mark, "%", both, two, NULL), sp_dg_number_leaf(&s, d->mark, 0), NULL);
        s.variables = &skipped;
        s.n_variables = 1;
    } else if (d->v[P_FILTER]) {
        if (!sp_dg_read_expression(d, P_FILTER, &s, &filter))
            return (sp_str){0};
        holds = sp_dg_as_truth(&s, &filter, d->mark);
    }
    if (d->v[P_REPEAT] && !sp_dg_read_expression(d, P_REPEAT, &s, &repeat))
        return (sp_str){0};
    sp_expr *times = sp_dg_as_number(&s, &repeat, d->mark);
    if (holds)
        times = sp_dg_call(d->r, d->mark, "if", holds, times, sp_dg_number_leaf(&s, d->mark, 0));
    sp_plan_column hidden = sp_read_new_column(d->r, d->mark);
    sp_dg_set_expr(&hidden, sp_dg_call(d->r, d->mark, "int", times, NULL, NULL), d->mark);
    hidden.type = &bigint;
    hidden.sql_type = "bigint";
    return times ? sp_dg_hide(d->r, parent, d->table->name, &hidden) : (sp_str){0};
}

/* As many rows for each parent as a column of it says. */
static void counted(dg_column *d, sp_plan_column *c, sp_plan_table *parent)
{
    sp_plan_column *children = sp_read_make(d->r, 1, sizeof(*children));
    sp_str counts = count_column(d, c, parent);
    if (!children || !counts.p)
        return;
    *children = sp_read_new_column(d->r, d->mark);
    children->name = c->name;
    children->mode = SP_MODE_RANGE;
    children->range = SP_RANGE_INT;
    children->max_i = (1 << 20) + 1;
    c->children = children;
    c->children_of = counts;
    d->table->rows_counted = true;
    d->table->rows_most = d->count ? d->count : UINT64_MAX;
}

void sp_dg_fk(dg_column *d, sp_plan_column *c)
{
    int key = fk_table_key(d);
    int64_t times = 1;
    uint64_t n = 0;
    sp_str table;
    bool distinct;
    c->mode = SP_MODE_REF;
    if (!d->v[key] || !sp_dg_place(d, key, P_COLUMN, c) || !sp_read_text(d->r, d->v[key], "a table", &table))
        return;
    sp_plan_table *parent = sp_dg_earlier(d, table);
    if (!parent) {
        sp_mistake(d->r->m, d->v[key]->mark, table, "is no table or input before this one");
        return;
    }
    if (d->table->rows_counted) {
        counted(d, c, parent);
        return;
    }
    constant_repeat(d, &times);
    times = SP_MAX(times, INT64_C(1));
    c->distribution = (sp_distribution){.spread = SP_SPREAD_CYCLE, .a = 1, .b = (double)times};
    if (!sp_dg_source_length(d, table, d->v[P_COLUMN]->text, &n, &distinct))
        return;
    if (__builtin_mul_overflow(n, (uint64_t)times, &d->length))
        d->length = UINT64_MAX / 2;
    d->count = d->count && d->count < d->length ? d->count : d->count ? d->length : 0; /* no more rows than there are */
    d->length = d->count ? SP_MIN(d->length, d->count) : d->length;
}
