/* relations.c - which rows refer to which: children for each parent, trees, graphs, refs that differ from others, and keys of several
 * columns whose values never come together twice. What of it hangs on numbers of rows is found again when these change. */
#include "plan/document.h"

#include <math.h>

enum { DEPTH_MAX = 60, CHILDREN_MAX = 1 << 20 };

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static bool read_whole(sp_plan_reader *r, const sp_node *node, const char *key, int64_t least, int64_t most, int64_t *v)
{
    sp_str text;
    if (!sp_read_text(r, node, "a whole number", &text))
        return false;
    if (sp_scalar_i64(text, v) && *v >= least && *v <= most)
        return true;
    sp_mistake(r->m, node->mark, text, "is not a whole number from %lld to %lld as \"%s\"", (long long)least,
               (long long)most, key);
    return false;
}

static const char *const children_names[] = {"min", "max", "type", "column"};
static const sp_keys children_keys = {"children", children_names, SP_COUNT(children_names)};

/* How many children a parent has: a number, or {min, max}, or a distribution with or without min and max; both ends count; or what a
 * column of the parent says. */
static void read_children(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    sp_plan_column *count = sp_arena_alloc(&r->plan->arena, 1, sizeof(*count));
    int64_t least = 0, most = CHILDREN_MAX;
    double low, high;
    const sp_node *v[SP_COUNT(children_names)] = {0};
    if (!count) {
        r->nomem = r->stop = true;
        return;
    }
    *count = (sp_plan_column){.name = c->name,
                              .mark = c->mark,
                              .mode_mark = node->mark,
                              .mode = SP_MODE_RANGE,
                              .range = SP_RANGE_INT,
                              .text = sp_str_of(""),
                              .format = sp_str_of(""),
                              .draw = sp_str_of("")};
    if (node->kind == SP_NODE_TEXT) {
        if (!read_whole(r, node, "children", 0, CHILDREN_MAX, &least))
            return;
        most = least;
    } else if (sp_node_value(node, "column")) {
        if (!sp_read_text(r, sp_node_value(node, "column"), "the name of a column of the table referred to",
                          &c->children_of))
            return;
        if (node->n > 1)
            sp_mistake(r->m, node->mark, sp_str_of("children"), "are as many as the column says; nothing goes with it");
        most = CHILDREN_MAX;
    } else if (node->kind == SP_NODE_MAP) {
        const sp_node *min = sp_node_value(node, "min"), *max = sp_node_value(node, "max"),
                      *type = sp_node_value(node, "type");
        uint32_t said = r->m->n_said;
        if (type)
            sp_read_counts(r, count, node);
        else
            sp_read_keys(r, node, &children_keys, v);
        bool bounded = sp_distribution_bounds(&count->distribution, &low, &high);
        if (bounded) {
            least = (int64_t)low;
            most = (int64_t)SP_MIN(ceil(high) - 1, (double)CHILDREN_MAX);
        }
        if (r->m->n_said > said || (min && !read_whole(r, min, "min", 0, CHILDREN_MAX, &least)) ||
            (max && !read_whole(r, max, "max", least, CHILDREN_MAX, &most)))
            return;
        if (!bounded && !max) {
            sp_mistake(r->m, node->mark, (sp_str){0}, "children need a \"max\"");
            return;
        }
    } else {
        sp_mistake(r->m, node->mark, (sp_str){0},
                   "expected how many children: a number, {min: 1, max: 5} or a distribution");
        return;
    }
    count->min_i = least;
    count->max_i = most + 1;
    c->children = count;
}

enum { TREE_ROOTS, TREE_FAN_OUT, TREE_DEPTH, TREE_COUNT };
static const char *const tree_names[TREE_COUNT] = {
    [TREE_ROOTS] = "roots", [TREE_FAN_OUT] = "fan_out", [TREE_DEPTH] = "depth"};
static const sp_keys tree_keys = {"a tree", tree_names, TREE_COUNT};

static void read_tree(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    const sp_node *v[TREE_COUNT] = {0};
    int64_t roots = 1, fan_out = 0, depth = 0;
    if (node->kind != SP_NODE_MAP) {
        sp_mistake(r->m, node->mark, node->kind == SP_NODE_TEXT ? node->text : (sp_str){0},
                   "expected a tree, such as {depth: 4} or {fan_out: 5}");
        return;
    }
    sp_read_keys(r, node, &tree_keys, v);
    if ((v[TREE_ROOTS] && !read_whole(r, v[TREE_ROOTS], "roots", 1, INT64_MAX, &roots)) ||
        (v[TREE_FAN_OUT] && !read_whole(r, v[TREE_FAN_OUT], "fan_out", 1, INT64_MAX, &fan_out)) ||
        (v[TREE_DEPTH] && !read_whole(r, v[TREE_DEPTH], "depth", 1, DEPTH_MAX, &depth)))
        return;
    if (!fan_out == !depth) {
        sp_mistake(r->m, node->mark, (sp_str){0}, "a tree needs either \"fan_out\" or \"depth\"");
        return;
    }
    c->tree = (sp_plan_tree){(uint64_t)roots, (uint64_t)fan_out, (uint32_t)depth, node->mark};
}

static void only_refs(sp_plan_reader *r, const sp_plan_column *c, const sp_node *node, const char *key)
{
    if (node && c->mode != SP_MODE_REF)
        sp_mistake(r->m, node->mark, sp_str_of(key), "has a meaning only beside a ref");
}

void sp_read_relations(sp_plan_reader *r, sp_plan_column *c, const sp_relation_nodes *v)
{
    only_refs(r, c, v->children, "children");
    only_refs(r, c, v->tree, "tree");
    only_refs(r, c, v->graph, "graph");
    only_refs(r, c, v->differs, "differs_from");
    only_refs(r, c, v->within, "unique_within");
    if (v->children)
        read_children(r, c, v->children);
    if (v->tree)
        read_tree(r, c, v->tree);
    sp_str text;
    if (v->graph && (!sp_read_text(r, v->graph, "true or false", &text) || !sp_parse_bool(text, &c->graph)))
        sp_mistake(r->m, v->graph->mark, v->graph->kind == SP_NODE_TEXT ? v->graph->text : (sp_str){0},
                   "is not true or false");
    if (v->differs && sp_read_text(r, v->differs, "the name of a column", &c->differs))
        c->differs_mark = v->differs->mark;
    if (v->within && sp_read_text(r, v->within, "the name of a column", &c->within))
        c->within_mark = v->within->mark;
    bool spread = c->distribution.spread != SP_SPREAD_UNIFORM;
    if (c->children && (spread || c->unique || c->differs.len || c->tree.roots || c->graph || c->within.len))
        sp_mistake(r->m, v->children->mark, sp_str_of("children"),
                   "says all about this ref; it goes with no other way to choose rows");
    if (c->within.len && (spread || c->unique || c->weighted))
        sp_mistake(r->m, c->within_mark, sp_str_of("unique_within"),
                   "does not go with unique, weights or a distribution");
}

/* ---- what the names mean --------------------------------------------------------------------------------------------- */

static void wrong(spate_plan *plan, sp_plan_column *c, sp_mark at, sp_str found, const char *words)
{
    sp_mistake(&plan->mistakes, at, found, "%s", words);
    c->wrong = true;
}

static void check_self(spate_plan *plan, uint32_t table, sp_plan_column *c)
{
    bool self = c->ref_table == table;
    if (c->tree.roots && !self)
        wrong(plan, c, c->tree.mark, sp_str_of("tree"), "needs a ref to the own table");
    if (c->graph && !self)
        wrong(plan, c, c->mode_mark, c->text, "is no ref to the own table, so it makes no graph");
    if (c->children && self)
        wrong(plan, c, c->mode_mark, c->text, "is a ref to the own table, for which there is \"tree\"");
}

/* The column that c names, a ref as c wants it; or a mistake. */
static uint32_t find_ref(spate_plan *plan, uint32_t table, sp_plan_column *c, sp_str name, sp_mark at)
{
    const sp_plan_table *t = &plan->tables[table];
    int found = sp_plan_find_column(t, name);
    if (found < 0) {
        const char *near = sp_plan_nearest_column(t, name);
        sp_mistake(&plan->mistakes, at, name, "is no column of the table \"%.60s\"%s%s%s", t->name,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        c->wrong = true;
        return SP_PLAN_NO_REF;
    }
    if (t->columns[found].mode != SP_MODE_REF || &t->columns[found] == c) {
        wrong(plan, c, at, name, "is no other ref of this table");
        return SP_PLAN_NO_REF;
    }
    return (uint32_t)found;
}

/* The column of the parent that says how many children it has. */
static void find_counts(spate_plan *plan, uint32_t table, sp_plan_column *c)
{
    const sp_plan_table *parent = &plan->tables[c->ref_table];
    int found = sp_plan_find_column(parent, c->children_of);
    const char *near = found < 0 ? sp_plan_nearest_column(parent, c->children_of) : NULL;
    plan->tables[table].rows_counted = true;
    if (found >= 0) {
        c->children_column = (uint32_t)found;
        return;
    }
    sp_mistake(&plan->mistakes, c->children->mode_mark, c->children_of, "is no column of the table \"%.60s\"%s%s%s",
               parent->name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    c->wrong = true;
}

void sp_plan_relate(spate_plan *plan, uint32_t table, sp_plan_column *c)
{
    const sp_plan_table *t = &plan->tables[table];
    if (c->children_of.len && c->ref_table != SP_PLAN_NO_REF)
        find_counts(plan, table, c);
    if (c->mode == SP_MODE_REF && c->ref_table != SP_PLAN_NO_REF)
        check_self(plan, table, c);
    if (c->differs.len) {
        c->differs_column = find_ref(plan, table, c, c->differs, c->differs_mark);
        if (c->differs_column != SP_PLAN_NO_REF && t->columns[c->differs_column].ref_table != c->ref_table)
            wrong(plan, c, c->differs_mark, c->differs, "leads to another table, so it differs anyway");
    }
    if (c->within.len) {
        c->within_column = find_ref(plan, table, c, c->within, c->within_mark);
        const sp_plan_column *within = c->within_column == SP_PLAN_NO_REF ? NULL : &t->columns[c->within_column];
        if (within && !within->children)
            wrong(plan, c, c->within_mark, c->within, "does not say how many children each row has");
        else if (within && within->children_of.len)
            wrong(plan, c, c->within_mark, c->within,
                  "has children by a column, which may be more than there are values to tell them apart");
    }
}

/* ---- keys of several columns ----------------------------------------------------------------------------------------- */

/* How many values the column chooses among, evenly and freely; 0: not so. */
static uint64_t free_choices(const spate_plan *plan, const sp_plan_table *t, const sp_plan_column *c)
{
    bool plain = c->distribution.spread == SP_SPREAD_UNIFORM && !c->sorted && !c->unique && !c->n_common &&
                 !c->weighted && !c->children && !c->within.len && !c->null_rate;
    if (!plain)
        return 0;
    if (c->mode == SP_MODE_SET)
        return c->n_items;
    if (c->mode == SP_MODE_RANGE && (c->range == SP_RANGE_INT || (c->range == SP_RANGE_DECIMAL && !c->type)))
        return c->max_i > c->min_i ? (uint64_t)c->max_i - (uint64_t)c->min_i : 1;
    if (c->mode != SP_MODE_REF || c->ref_table == SP_PLAN_NO_REF || plan->tables[c->ref_table].rows == 0)
        return 0;
    const sp_plan_column *target = &plan->tables[c->ref_table].columns[c->ref_column];
    if (!target->unique && target->mode != SP_MODE_INC && target->mode != SP_MODE_VALUE)
        return 0;
    bool self = &plan->tables[c->ref_table] == t;
    uint64_t rows = plan->tables[c->ref_table].rows;
    if (self && !c->graph)
        return 0;
    return rows - (self || c->differs.len ? 1 : 0);
}

bool sp_plan_combines(const spate_plan *plan, const sp_plan_table *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_columns; i++) {
        if (!t->columns[i].primary_key)
            continue;
        n++;
        if (t->columns[i].wrong || !free_choices(plan, t, &t->columns[i]))
            return false;
    }
    return n > 1;
}

/* Children's keys: the parent, and what tells its children apart. */
bool sp_plan_is_family(const sp_plan_table *t)
{
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const sp_plan_column *c = &t->columns[i];
        bool apart = c->primary_key && c->within.len &&
                     t->columns[c->within_column == SP_PLAN_NO_REF ? i : c->within_column].primary_key;
        bool counted = c->primary_key && c->mode == SP_MODE_EXPR && c->expr && c->expr->kind == SP_EXPR_CALL &&
                       sp_str_ieq(c->expr->text, "nth");
        if (apart || counted)
            return true;
    }
    return false;
}

static const sp_plan_column *drawn_with(const sp_plan_table *t, const sp_plan_column *c)
{
    for (const sp_plan_column *o = t->columns; o < c; o++)
        if (o->primary_key && c->draw.len && sp_str_eq(o->draw, c->draw))
            return o;
    return NULL;
}

/* Rows are numbers, and the columns of the key their digits, each to the base of its choices. Where there are far more
 * combinations than numbers, the last digits are drawn freely, or are parts of their choices. */
static void combine(spate_plan *plan, sp_plan_table *t)
{
    const uint64_t most = UINT64_C(1) << 62;
    uint64_t all = 1;
    sp_plan_column *first = NULL;
    for (uint32_t i = 0; i < t->n_columns; i++) {
        sp_plan_column *c = &t->columns[i];
        const sp_plan_column *with = c->primary_key ? drawn_with(t, c) : NULL;
        c->digit = with ? with->digit : (sp_plan_digit){0};
        if (!c->primary_key || with)
            continue;
        first = first ? first : c;
        uint64_t choices = free_choices(plan, t, c), base = SP_MIN(choices, most / all);
        if (base < 2 && choices > 1)
            continue; /* enough already: this one is free */
        c->digit = (sp_plan_digit){.unit = all, .base = base};
        all *= base;
    }
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (t->columns[i].digit.base)
            t->columns[i].digit.all = all;
    if (all < t->rows)
        sp_mistake(
            &plan->mistakes, first->mark, sp_str_of(first->name),
            "and the other columns of the primary key of \"%.60s\" have %llu combinations, and there are %llu rows",
            t->name, (unsigned long long)all, (unsigned long long)t->rows);
}

/* ---- numbers of rows ------------------------------------------------------------------------------------------------- */

/* How many children a parent has on average, as the plan says. */
static double mean_of(const sp_plan_column *count)
{
    const sp_distribution *d = &count->distribution;
    double least = (double)count->min_i, most = (double)count->max_i - 1, sum = 0, weights = 0;
    switch (d->spread) {
    case SP_SPREAD_POISSON: return SP_MIN(SP_MAX(d->a, least), most);
    case SP_SPREAD_BINOMIAL: return SP_MIN(SP_MAX(d->a * d->b, least), most);
    case SP_SPREAD_ZIPF:
        for (double k = least; k <= most; k++) {
            double w = pow(k - least + 1, -d->a);
            sum += k * w;
            weights += w;
        }
        return sum / weights;
    case SP_SPREAD_HISTOGRAM: /* rounded down: of a bar of whole numbers, the middle of its first and its last */
        for (uint32_t i = 0; i < d->n; i++) {
            sum += d->weights[i] * SP_MAX((d->edges[i] + d->edges[i + 1] - 1) / 2, d->edges[i]);
            weights += d->weights[i];
        }
        return sum / weights;
    default: return (least + most) / 2;
    }
}

static const sp_plan_column *family_of(const sp_plan_table *t)
{
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (t->columns[i].children && t->columns[i].ref_table != SP_PLAN_NO_REF)
            return &t->columns[i];
    return NULL;
}

/* Tables that do not say their rows have those that their parents' children make. From parents to children, as far as a chain can
 * be. */
static void count_rows(spate_plan *plan)
{
    for (uint32_t round = 0, changed = 1; changed && round < plan->n_tables; round++) {
        changed = 0;
        for (uint32_t t = 0; t < plan->n_tables; t++) {
            sp_plan_table *table = &plan->tables[t];
            const sp_plan_column *c = table->rows_follow || table->rows_counted ? family_of(table) : NULL;
            if (c && table->rows_counted) { /* a guess until gen has counted */
                uint64_t guess = SP_MIN(plan->tables[c->ref_table].rows, table->rows_most);
                changed |= guess != table->rows;
                table->rows = guess;
                continue;
            }
            double rows = c ? (double)plan->tables[c->ref_table].rows * mean_of(c->children) + 0.5 : 0;
            uint64_t n = rows < 9.2e18 ? (uint64_t)rows : (uint64_t)INT64_MAX;
            if (!c || n == table->rows)
                continue;
            table->rows = n;
            changed = 1;
        }
    }
}

static void check_family(spate_plan *plan, const sp_plan_table *t, const sp_plan_column *c)
{
    double parents = (double)plan->tables[c->ref_table].rows, rows = (double)t->rows;
    double least = parents * (double)c->children->min_i, most = parents * (double)(c->children->max_i - 1);
    if (rows < least || rows > most)
        sp_mistake(&plan->mistakes, c->mode_mark, c->text,
                   "has %.0f rows, whose children would be %.0f to %.0f, and there are %.0f rows here", parents, least,
                   most, rows);
}

static void check_within(spate_plan *plan, const sp_plan_table *t, const sp_plan_column *c)
{
    uint64_t most = (uint64_t)t->columns[c->within_column].children->max_i - 1, choices = UINT64_MAX;
    sp_plan_column plain = *c;
    plain.within = sp_str_of("");
    choices = free_choices(plan, t, &plain);
    if (choices && choices < most)
        sp_mistake(&plan->mistakes, c->within_mark, c->within,
                   "may have %llu children, and there are only %llu values to tell them apart",
                   (unsigned long long)most, (unsigned long long)choices);
}

static void check_tree(spate_plan *plan, const sp_plan_table *t, const sp_plan_column *c)
{
    if (t->rows && c->tree.roots > t->rows)
        sp_mistake(&plan->mistakes, c->tree.mark, sp_str_of("tree"), "has more roots than \"%.60s\" has rows", t->name);
    else if (t->rows && c->tree.depth && c->tree.roots + c->tree.depth - 1 > t->rows)
        sp_mistake(&plan->mistakes, c->tree.mark, sp_str_of("tree"), "is deeper than \"%.60s\" has rows for", t->name);
}

void sp_plan_count(spate_plan *plan)
{
    count_rows(plan);
    for (uint32_t i = 0; i < plan->n_tables; i++) {
        sp_plan_table *t = &plan->tables[i];
        for (uint32_t k = 0; k < t->n_columns; k++) {
            const sp_plan_column *c = &t->columns[k];
            if (c->wrong)
                continue;
            if (c->children && !t->rows_counted && c->ref_table != SP_PLAN_NO_REF)
                check_family(plan, t, c);
            if (c->within.len && c->within_column != SP_PLAN_NO_REF)
                check_within(plan, t, c);
            if (c->tree.roots)
                check_tree(plan, t, c);
            bool two = !c->differs.len && !c->graph;
            if (!two && c->ref_table != SP_PLAN_NO_REF && t->rows && plan->tables[c->ref_table].rows == 1)
                sp_mistake(&plan->mistakes, c->mode_mark, c->text, "has 1 row, so no two rows of it can differ");
        }
        if (sp_plan_combines(plan, t))
            combine(plan, t);
    }
}
