/* form_dg_fork.c - the processors that a fork of dg added (github.com/ericchaves/dg), as columns of our own.
 *
 * There, columns are made one after the other and each may look at all rows of those before. Here a cell hangs on its row alone, so what
 * looks at other rows is put as what it comes to: a count of occurrences, a row that is found by its value, as many children as a parent's
 * column says. How many rows a table with an fk has may then be known only when its parent's cells are made. */
#include "plan/form_dg.h"

#include <stdio.h>

#define DAY_LAYOUT "2006-01-02"

/* ---- parts ---- */

dg_scope sp_dg_scope_of(dg_column *d, const sp_plan_column *c, uint32_t *draws)
{
    const spate_plan *plan = d->r->plan;
    return (dg_scope){.r = d->r,
                      .table = d->table,
                      .column = c->name,
                      .format = c->format,
                      .parent = sp_str_of(""),
                      .tables = plan->tables,
                      .n_tables = (uint32_t)(d->table - plan->tables),
                      .draws = draws};
}

static bool is_yes(const dg_column *d, int key)
{
    return d->v[key] && sp_read_flag(d->r, d->v[key]);
}

/* A column is made of the expression, written as the format says; one that is a list gives its items row by row. */
static void set_written(dg_column *d, sp_plan_column *c, const dg_scope *s, const dg_value *v)
{
    sp_str format = sp_str_of("");
    sp_expr *e = v->kind == DG_LIST ? NULL : sp_dg_written(s, v, c->mode_mark, &format);
    for (uint32_t i = v->kind == DG_LIST ? v->n : 0; i-- > 0;) { /* item (row - 1) % n, the last one first */
        sp_str how = sp_str_of("");
        sp_expr *one = sp_dg_written(s, &v->items[i], c->mode_mark, &how);
        sp_expr *row = sp_make_expr(d->r, SP_EXPR_CALL, c->mode_mark, sp_str_of("row"), NULL, 0);
        sp_expr *turn = sp_dg_call(
            d->r, c->mode_mark, "%",
            sp_dg_call(d->r, c->mode_mark, "-", row, sp_dg_leaf(d->r, c->mode_mark, SP_EXPR_NUMBER, "1"), NULL),
            sp_dg_leaf(d->r, c->mode_mark, SP_EXPR_NUMBER, "%u", v->n), NULL);
        sp_expr *here =
            sp_dg_call(d->r, c->mode_mark, "=", turn, sp_dg_leaf(d->r, c->mode_mark, SP_EXPR_NUMBER, "%u", i), NULL);
        e = e ? sp_dg_call(d->r, c->mode_mark, "if", here, one, e) : one;
        format = how;
    }
    if (!e)
        sp_mistake(d->r->m, c->mode_mark, (sp_str){0}, "is no expression that gives a value");
    c->format = format;
    sp_dg_set_expr(c, e, c->mode_mark);
}

bool sp_dg_read_expression(dg_column *d, int key, const dg_scope *s, dg_value *v)
{
    sp_str text;
    return sp_dg_need(d, key, &text) && sp_dg_read_expr(s, text, d->v[key]->mark, v);
}

/* ---- cuid2, rand, dist, gen with a template ---- */

/* A small letter, then small letters and digits. */
void sp_dg_cuid2(dg_column *d, sp_plan_column *c)
{
    int64_t length = 0;
    if (!d->v[P_LENGTH])
        sp_mistake(d->r->m, d->mark, (sp_str){0}, "cuid2 needs a \"length\"");
    else if (sp_dg_whole(d, P_LENGTH, 1, &length) && length <= 1000) {
        const char *regex = sp_arena_printf(&d->r->plan->arena, "[a-z][a-z0-9]{%d}", (int)length - 1);
        c->mode = SP_MODE_PATTERN;
        c->text = regex ? sp_str_of(regex) : c->text;
        c->max_i = 1;
    }
    d->length = sp_dg_current_first(d);
}

static bool read_moment(dg_column *d, sp_str layout, int key, int64_t *us)
{
    const sp_layout *how = sp_layout_new(&d->r->plan->arena, layout);
    sp_str text;
    if (!sp_dg_need(d, key, &text))
        return false;
    if (how && sp_layout_parse(how, text, us))
        return true;
    sp_mistake(d->r->m, d->v[key]->mark, text, "is no date written as \"format\" says");
    return false;
}

/* Is a moment written without its time of day? */
static bool is_of_days(sp_plan_reader *r, sp_str format, int64_t us)
{
    const sp_layout *layout = sp_layout_new(&r->plan->arena, format);
    size_t most = layout ? sp_layout_text_max(layout) : 0;
    char *first = sp_read_make(r, most + SP_SLACK, 1), *last = sp_read_make(r, most + SP_SLACK, 1);
    if (!layout || !first || !last)
        return false;
    size_t n = (size_t)(sp_layout_put(layout, us, first) - first),
           m = (size_t)(sp_layout_put(layout, us + SP_US_PER_DAY - 1, last) - last);
    return n == m && memcmp(first, last, n) == 0;
}

/* Both ends count: the last day as a whole. */
static void rand_date(dg_column *d, sp_plan_column *c)
{
    int64_t low, high;
    if (!c->format.len)
        c->format = sp_str_of(DAY_LAYOUT);
    c->range = SP_RANGE_TIMESTAMP;
    if (!read_moment(d, c->format, P_LOW, &low) || !read_moment(d, c->format, P_HIGH, &high))
        return;
    c->min_i = SP_MIN(low, high);
    c->max_i = SP_MAX(low, high) + (is_of_days(d->r, c->format, SP_MAX(low, high)) ? SP_US_PER_DAY : SP_US_PER_SECOND);
}

static bool read_real(dg_column *d, int key, double *v)
{
    sp_str text;
    if (!sp_dg_need(d, key, &text))
        return false;
    if (sp_scalar_f64(text, v))
        return true;
    sp_read_mistake(d->r, d->v[key], "a number");
    return false;
}

static void rand_real(dg_column *d, sp_plan_column *c)
{
    double low = 0, high = 0;
    if (!read_real(d, P_LOW, &low) || !read_real(d, P_HIGH, &high))
        return;
    c->range = SP_RANGE_FLOAT;
    c->min_f = SP_MIN(low, high);
    c->max_f = SP_MAX(low, high);
}

/* Both ends count. */
static void rand_whole(dg_column *d, sp_plan_column *c)
{
    int64_t low = 0, high = 0;
    if (!sp_dg_whole(d, P_LOW, INT64_MIN, &low) || !sp_dg_whole(d, P_HIGH, INT64_MIN, &high)) {
        if (!d->v[P_LOW] || !d->v[P_HIGH])
            sp_mistake(d->r->m, d->mark, (sp_str){0}, "rand needs \"low\" and \"high\"");
        return;
    }
    c->range = SP_RANGE_INT;
    c->min_i = SP_MIN(low, high);
    c->max_i = SP_MAX(low, high) == INT64_MAX ? INT64_MAX : SP_MAX(low, high) + 1;
}

void sp_dg_rand(dg_column *d, sp_plan_column *c)
{
    sp_str type;
    c->mode = SP_MODE_RANGE;
    sp_dg_format(d, c);
    d->length = sp_dg_count_first(d);
    if (!sp_dg_need(d, P_TYPE, &type))
        return;
    if (sp_str_is(type, "int"))
        rand_whole(d, c);
    else if (sp_str_is(type, "date"))
        rand_date(d, c);
    else if (sp_str_is(type, "float64"))
        rand_real(d, c);
    else
        sp_read_mistake(d->r, d->v[P_TYPE], "int, date or float64, which are drawn");
}

/* The values that an expression lists, as a list of nodes. */
static const sp_node *listed(dg_column *d, sp_plan_column *c)
{
    uint32_t draws = 0;
    dg_scope s = sp_dg_scope_of(d, c, &draws);
    dg_value v;
    const sp_node *items[64];
    if (!sp_dg_read_expression(d, P_EXPRESSION, &s, &v))
        return NULL;
    if (v.kind != DG_LIST || v.n > SP_COUNT(items)) {
        sp_mistake(d->r->m, d->v[P_EXPRESSION]->mark, (sp_str){0},
                   "expected a list of values that is written out, such as ['a', 'a', 'b']");
        return NULL;
    }
    for (uint32_t i = 0; i < v.n; i++)
        items[i] = sp_make_text(d->r, d->v[P_EXPRESSION]->mark, v.items[i].e ? v.items[i].e->text : sp_str_of(""));
    return sp_make_list(d->r, d->v[P_EXPRESSION]->mark, items, v.n);
}

/* Weights that are all 0, or none, are equal; those that are missing are 0. */
static const sp_node *full_weights(dg_column *d, const sp_node *weights, uint32_t n)
{
    const sp_node **items = sp_read_make(d->r, n, sizeof(*items));
    double sum = 0, one = 0;
    for (uint32_t i = 0; items && weights && weights->kind == SP_NODE_LIST && i < SP_MIN(n, weights->n); i++)
        sum += weights->items[i]->kind == SP_NODE_TEXT && sp_scalar_f64(weights->items[i]->text, &one) ? one : 0;
    if (!items || !weights || weights->kind != SP_NODE_LIST || !(sum > 0))
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        items[i] = i < weights->n ? weights->items[i] : sp_make_text(d->r, weights->mark, sp_str_of("0"));
    return sp_make_list(d->r, weights->mark, items, n);
}

/* Each value as often as its weight says, to the row. */
void sp_dg_dist(dg_column *d, sp_plan_column *c)
{
    const sp_node *values = d->v[P_EXPRESSION] ? listed(d, c) : d->v[P_VALUES];
    c->mode = SP_MODE_SET;
    d->length = sp_dg_count_first(d);
    if (!values || (values->kind == SP_NODE_LIST && values->n == 0)) {
        if (!d->v[P_EXPRESSION])
            sp_mistake(d->r->m, d->mark, (sp_str){0}, "dist needs \"values\"");
        return;
    }
    c->mode_mark = values->mark;
    sp_read_set(d->r, c, values, values->kind == SP_NODE_LIST ? full_weights(d, d->v[P_WEIGHTS], values->n) : NULL);
    c->distribution.spread = SP_SPREAD_EXACT;
}

void sp_dg_template(dg_column *d, sp_plan_column *c)
{
    uint32_t draws = 0;
    dg_scope s = sp_dg_scope_of(d, c, &draws);
    sp_str text;
    c->mode_mark = d->v[P_TEMPLATE]->mark;
    sp_expr *e = sp_dg_need(d, P_TEMPLATE, &text) ? sp_dg_go_template(&s, text, c->mode_mark) : NULL;
    sp_dg_set_expr(c, e, c->mode_mark);
}

/* ---- expr, case, rel_date, map ---- */

void sp_dg_expr_column(dg_column *d, sp_plan_column *c)
{
    uint32_t draws = 0;
    dg_value v;
    sp_dg_format(d, c);
    dg_scope s = sp_dg_scope_of(d, c, &draws);
    d->length = sp_dg_count_first(d);
    if (d->v[P_EXPRESSION])
        c->mode_mark = d->v[P_EXPRESSION]->mark;
    if (sp_dg_read_expression(d, P_EXPRESSION, &s, &v))
        set_written(d, c, &s, &v);
    c->mode = SP_MODE_EXPR;
}

static bool has_column(const dg_column *d, sp_str name)
{
    for (uint32_t i = 0; i < d->columns->n; i++) {
        const sp_node *own = sp_node_value(d->columns->items[i], "name");
        if (own && own->kind == SP_NODE_TEXT && sp_str_eq(own->text, name))
            return true;
    }
    return false;
}

/* One case: its condition, and a way to make the cell. What is no expression is the text that it is. */
static bool read_case(dg_column *d, sp_plan_column *c, const sp_node *node, uint32_t *draws)
{
    sp_plan_case *it = &c->cases[c->n_cases];
    const sp_node *when = sp_node_value(node, "when"), *then = sp_node_value(node, "then"),
                  *format = sp_node_value(node, "format");
    dg_value condition, value;
    then = then ? then : sp_node_value(node, "value");
    if (!when || !then || when->kind != SP_NODE_TEXT || then->kind != SP_NODE_TEXT) {
        sp_mistake(d->r->m, node->mark, (sp_str){0}, "expected a case: {when: \"int(age) < 18\", then: \"'minor'\"}");
        return false;
    }
    sp_plan_column *way = sp_read_make(d->r, 1, sizeof(*way));
    dg_scope s = sp_dg_scope_of(d, c, draws);
    if (!way || !sp_dg_read_expr(&s, when->text, when->mark, &condition))
        return false;
    *way = sp_read_new_column(d->r, then->mark);
    way->name = c->name;
    way->number = ++c->n_cases;
    if (format && sp_read_text(d->r, format, "a format", &s.format))
        way->format_mark = format->mark;
    if (!sp_dg_is_expr(&s, then->text))
        value = (dg_value){.kind = DG_TEXT, .e = sp_make_expr(d->r, SP_EXPR_TEXT, then->mark, then->text, NULL, 0)};
    else if (!sp_dg_read_expr(&s, then->text, then->mark, &value))
        return false;
    if (value.column && value.e->kind == SP_EXPR_COLUMN && sp_str_eq(value.e->text, then->text) &&
        !has_column(d, then->text))
        value = (dg_value){.kind = DG_TEXT, .e = sp_make_expr(d->r, SP_EXPR_TEXT, then->mark, then->text, NULL, 0)};
    sp_str how = sp_str_of("");
    sp_expr *e = sp_dg_written(&s, &value, then->mark, &how);
    way->format = how;
    sp_dg_set_expr(way,
                   format && how.len ? e
                   : value.kind == DG_TIME
                       ? e
                       : sp_dg_as_text(&s, &(dg_value){value.kind, value.column, .e = e}, then->mark),
                   then->mark);
    *it = (sp_plan_case){
        .label = sp_str_of(""), .when = sp_dg_as_truth(&s, &condition, when->mark), .mark = node->mark, .column = way};
    return way->expr && it->when;
}

void sp_dg_case(dg_column *d, sp_plan_column *c)
{
    uint32_t draws = 0;
    c->mode = SP_MODE_CASES;
    d->length = sp_dg_count_first(d);
    if (!d->list || !d->list->n) {
        sp_mistake(d->r->m, d->mark, (sp_str){0},
                   "expected a list of cases, such as [{when: \"int(age) < 18\", then: \"'minor'\"}]");
        return;
    }
    c->cases = sp_read_spend(d->r, d->list->n * 16, d->mark) ? sp_read_make(d->r, d->list->n, sizeof(*c->cases)) : NULL;
    for (uint32_t i = 0; c->cases && i < d->list->n; i++)
        if (!read_case(d, c, d->list->items[i], &draws)) {
            c->n_cases = 0;
            return;
        }
}

/* A date as one of the ways in which the fork writes them. */
static bool literal_date(dg_column *d, sp_str text, sp_str format, int64_t *us)
{
    static const char *const layouts[] = {
        "2006-01-02T15:04:05Z07:00", "2006/01/02", DAY_LAYOUT, "02/01/2006", "01/02/2006", "2006-01-02 15:04:05"};
    const sp_layout *own = format.len ? sp_layout_new(&d->r->plan->arena, format) : NULL;
    bool good = own && sp_layout_parse(own, text, us);
    for (size_t i = 0; !good && i < SP_COUNT(layouts); i++) {
        const sp_layout *layout = sp_layout_new(&d->r->plan->arena, sp_str_of(layouts[i]));
        good = layout && sp_layout_parse(layout, text, us);
    }
    return good;
}

static sp_expr *reference_date(dg_column *d, const dg_scope *s, sp_mark at)
{
    sp_str text = sp_str_of("now");
    char iso[64];
    int64_t us;
    dg_value v;
    if (d->v[P_DATE] && !sp_read_text(d->r, d->v[P_DATE], "a date, or an expression", &text))
        return NULL;
    if (!text.len || sp_str_is(text, "now") || sp_str_is(text, "now()"))
        return sp_make_expr(d->r, SP_EXPR_CALL, at, sp_str_of("now"), NULL, 0);
    if (literal_date(d, text, s->format, &us)) {
        *sp_put_timestamp(iso, us) = '\0';
        return sp_dg_call(d->r, at, "timestamp", sp_dg_leaf(d->r, at, SP_EXPR_TEXT, "%s", iso), NULL, NULL);
    }
    return sp_dg_read_expr(s, text, d->v[P_DATE]->mark, &v) ? sp_dg_as_time(s, &v, s->format, at) : NULL;
}

static sp_expr *offset_of(dg_column *d, int key, const dg_scope *s, sp_mark at)
{
    sp_str text = sp_str_of("0");
    dg_value v;
    if (d->v[key] && !sp_read_text(d->r, d->v[key], "a whole number, or an expression", &text))
        return NULL;
    if (!sp_dg_read_expr(s, text.len ? text : sp_str_of("0"), d->v[key] ? d->v[key]->mark : at, &v))
        return NULL;
    return sp_dg_call(d->r, at, "int", sp_dg_as_number(s, &v, at), NULL, NULL);
}

/* So many days, months or years from a date, between two offsets, which count both. */
void sp_dg_relative_date(dg_column *d, sp_plan_column *c)
{
    uint32_t draws = 0;
    sp_str unit = sp_str_of("day"), format;
    sp_dg_format(d, c);
    c->format = c->format.len ? c->format : sp_str_of(DAY_LAYOUT);
    c->mode = SP_MODE_EXPR;
    d->length = sp_dg_count_first(d);
    dg_scope s = sp_dg_scope_of(d, c, &draws);
    sp_mark at = c->mode_mark;
    if (d->v[P_UNIT] && !sp_read_text(d->r, d->v[P_UNIT], "day, month or year", &unit))
        return;
    sp_expr *from = reference_date(d, &s, at), *after = offset_of(d, P_AFTER, &s, at),
            *before = offset_of(d, P_BEFORE, &s, at);
    if (!from || !after || !before)
        return;
    sp_expr *offset = sp_dg_call(d->r, at, "random", after, before, NULL);
    bool months = sp_str_is(unit, "month"), years = sp_str_is(unit, "year");
    if (years)
        offset = sp_dg_call(d->r, at, "*", offset, sp_dg_leaf(d->r, at, SP_EXPR_NUMBER, "12"), NULL);
    sp_expr *moved = months || years
                         ? sp_dg_call(d->r, at, "add_months", from, offset, NULL)
                         : sp_dg_call(d->r, at, "+", from, sp_dg_call(d->r, at, "days", offset, NULL, NULL), NULL);
    sp_dg_set_expr(c, sp_dg_written(&s, &(dg_value){.kind = DG_TIME, .e = moved}, at, &format), at);
    c->format = format;
}

/* The column that map and its like look at: of this table, or row by row of another one. */
static sp_str source_of(dg_column *d, sp_plan_column *c)
{
    sp_str table = sp_str_of(""), column = sp_str_of("");
    bool distinct;
    if ((d->v[P_TABLE] && !sp_read_text(d->r, d->v[P_TABLE], "the name of a table", &table)) ||
        !sp_dg_need(d, P_COLUMN, &column))
        return (sp_str){0};
    d->length = d->current ? d->current : d->count;
    if (!table.len || sp_str_is(table, d->table->name))
        return column;
    sp_plan_column hidden = sp_read_new_column(d->r, c->mode_mark);
    if (!sp_dg_source_length(d, table, column, &d->length, &distinct) || !sp_dg_place(d, P_TABLE, P_COLUMN, &hidden))
        return (sp_str){0};
    hidden.mode = SP_MODE_REF;
    hidden.distribution = (sp_distribution){.spread = SP_SPREAD_CYCLE, .a = 1, .b = 1};
    return sp_dg_hide(d->r, d->table, c->name, &hidden);
}

/* An expression over a value, how often it comes, and which time this is. */
void sp_dg_map(dg_column *d, sp_plan_column *c)
{
    uint32_t draws = 0;
    dg_value v;
    sp_dg_format(d, c);
    c->mode = SP_MODE_EXPR;
    sp_mark at = c->mode_mark;
    sp_str name = source_of(d, c);
    if (!name.p)
        return;
    sp_expr *value = sp_make_expr(d->r, SP_EXPR_COLUMN, at, name, NULL, 0);
    dg_value is = {.kind = DG_TEXT, .column = true, .e = value},
             all = {.kind = DG_NUMBER, .e = sp_dg_call(d->r, at, "occurrences", value, NULL, NULL)},
             nth = {.kind = DG_NUMBER, .e = sp_dg_call(d->r, at, "occurrence", value, NULL, NULL)};
    const dg_variable variables[] = {{"value", is},  {"VALUE", is},  {"count", all},
                                     {"COUNT", all}, {"index", nth}, {"ITN", nth}};
    dg_scope s = sp_dg_scope_of(d, c, &draws);
    s.variables = variables;
    s.n_variables = SP_COUNT(variables);
    if (sp_dg_read_expression(d, P_EXPRESSION, &s, &v))
        set_written(d, c, &s, &v);
}

/* ---- pick, lookup ---- */

/* The values of a key in turn: round again, or each once. */
void sp_dg_pick(dg_column *d, sp_plan_column *c)
{
    c->mode = SP_MODE_LOOKUP;
    c->which = is_yes(d, P_UNIQUE) || is_yes(d, P_EXACTLY) ? SP_LOOKUP_ONCE : SP_LOOKUP_CYCLE;
    sp_dg_place(d, P_SOURCE_TABLE, P_SOURCE_VALUE, c);
    sp_dg_need(d, P_SOURCE_COLUMN, &c->by);
    sp_dg_need(d, P_MATCH_COLUMN, &c->key);
    d->length = sp_dg_count_first(d);
}

/* A hidden column of another table: an expression over its rows. */
static sp_str column_there(dg_column *d, sp_plan_column *c, sp_plan_table *t, const sp_node *node, bool condition,
                           sp_str by)
{
    uint32_t draws = 0;
    dg_value v;
    dg_scope s = sp_dg_scope_of(d, c, &draws);
    sp_plan_column hidden = sp_read_new_column(d->r, node->mark);
    sp_str text;
    s.table = t;
    if (!sp_read_text(d->r, node, "an expression", &text) || !sp_dg_read_expr(&s, text, node->mark, &v))
        return (sp_str){0};
    sp_expr *e = v.e;
    if (condition) { /* rows that are not wanted have no key */
        dg_value key = {
            .kind = DG_TEXT, .column = true, .e = sp_make_expr(d->r, SP_EXPR_COLUMN, node->mark, by, NULL, 0)};
        e = sp_dg_call(d->r, node->mark, "if", sp_dg_as_truth(&s, &v, node->mark), sp_dg_as_text(&s, &key, node->mark),
                       sp_make_expr(d->r, SP_EXPR_NULL, node->mark, sp_str_of("null"), NULL, 0));
    }
    sp_dg_set_expr(&hidden, e, node->mark);
    return sp_dg_hide(d->r, t, c->name, &hidden);
}

enum { L_TABLE, L_COLUMN, L_VALUE, L_EXPRESSION, L_PREDICATE, L_FORMAT, L_COUNT };
static const char *const step_names[L_COUNT] = {
    [L_TABLE] = "source_table",    [L_COLUMN] = "source_column", [L_VALUE] = "source_value",
    [L_EXPRESSION] = "expression", [L_PREDICATE] = "predicate",  [L_FORMAT] = "format"};
static const sp_keys step_keys = {"a step of a lookup", step_names, L_COUNT};

/* One join of a chain: c becomes what is found where by is the value of the column key. */
static bool read_step(dg_column *d, sp_plan_column *of, const sp_node *node, sp_str key, sp_plan_column *c)
{
    const sp_node *v[L_COUNT] = {0};
    sp_str table, value = sp_str_of("");
    if (node->kind != SP_NODE_MAP) {
        sp_read_mistake(d->r, node,
                        "a step of a lookup: {source_table: orders, source_column: id, source_value: total}");
        return false;
    }
    sp_read_keys(d->r, node, &step_keys, v);
    if (!v[L_TABLE] || !v[L_COLUMN] || (!v[L_VALUE] && !v[L_EXPRESSION])) {
        sp_mistake(d->r->m, node->mark, (sp_str){0},
                   "a step of a lookup needs source_table, source_column, and source_value or expression");
        return false;
    }
    if (!sp_read_text(d->r, v[L_TABLE], "a table", &table) || !sp_read_text(d->r, v[L_COLUMN], "a column", &c->by) ||
        (v[L_VALUE] && !sp_read_text(d->r, v[L_VALUE], "a column", &value)))
        return false;
    sp_plan_table *there = sp_dg_earlier(d, table);
    if (!there && (v[L_EXPRESSION] || v[L_PREDICATE])) {
        sp_mistake(d->r->m, v[L_TABLE]->mark, table, "is no table or input before this one");
        return false;
    }
    if (v[L_EXPRESSION])
        value = column_there(d, of, there, v[L_EXPRESSION], false, c->by);
    if (v[L_PREDICATE])
        c->by = column_there(d, of, there, v[L_PREDICATE], true, c->by);
    const char *place =
        sp_arena_printf(&d->r->plan->arena, "%.*s.%.*s", (int)table.len, table.p, (int)value.len, value.p);
    c->mode = SP_MODE_LOOKUP;
    c->mode_mark = v[L_TABLE]->mark;
    c->text = place ? sp_str_of(place) : c->text;
    c->key = key;
    c->which = SP_LOOKUP_FIRST;
    return value.p && c->by.p && place;
}

void sp_dg_lookup(dg_column *d, sp_plan_column *c)
{
    sp_str key;
    const sp_node *steps = d->v[P_TABLES];
    c->mode = SP_MODE_LOOKUP;
    d->length = sp_dg_count_first(d);
    if (!sp_dg_need(d, P_MATCH_COLUMN, &key))
        return;
    if (!steps || steps->kind != SP_NODE_LIST || !steps->n) {
        sp_mistake(d->r->m, d->mark, (sp_str){0},
                   "lookup needs \"tables\": a list of where to look, one after the other");
        return;
    }
    for (uint32_t i = 0; i + 1 < steps->n; i++) {
        sp_plan_column hidden = sp_read_new_column(d->r, steps->items[i]->mark);
        if (!read_step(d, c, steps->items[i], key, &hidden))
            return;
        key = sp_dg_hide(d->r, d->table, c->name, &hidden);
    }
    read_step(d, c, steps->items[steps->n - 1], key, c);
}

/* ---- range, from where another table's ends, or from what a program says ---- */

/* The last value of the column of this name in an earlier table; false: it is not known before rows are made. */
static bool last_value(const sp_plan_table *t, const sp_plan_column *c, int64_t *last)
{
    uint64_t rows = SP_MIN(t->rows, c->stop);
    bool even = c->mode == SP_MODE_RANGE && c->distribution.spread == SP_SPREAD_EVEN,
         cycle = c->mode == SP_MODE_RANGE && c->distribution.spread == SP_SPREAD_CYCLE;
    if (t->rows_counted || t->is_distinct || !rows)
        return false;
    if (c->mode == SP_MODE_INC)
        *last = c->inc_start + (int64_t)rows - 1;
    else if (even && c->range == SP_RANGE_INT)
        *last = c->max_i - 1;
    else if (even && c->range == SP_RANGE_TIMESTAMP)
        *last = c->min_i + (int64_t)((__int128)(c->max_i - c->min_i) * (rows - 1) / rows);
    else if (cycle && (c->range == SP_RANGE_INT || c->range == SP_RANGE_TIMESTAMP))
        *last = c->min_i + (int64_t)((double)(rows - 1) * c->distribution.a);
    else if (c->mode == SP_MODE_SET)
        return sp_parse_i64(c->items[(rows - 1) % c->n_items].text, last);
    else
        return false;
    return true;
}

/* The rows go on behind the last value of the column of this name in another table. */
void sp_dg_range_on(dg_column *d, sp_plan_column *c)
{
    sp_str table, type = sp_str_of("int");
    int64_t last = 0, step = 1, to = 0;
    c->mode = SP_MODE_INC;
    d->length = sp_dg_current_first(d);
    if (d->v[P_FROM])
        sp_mistake(d->r->m, d->v[P_FROM]->mark, sp_str_of("from"), "does not go with \"table\": say one of them");
    if (!sp_dg_need(d, P_TABLE, &table) || !sp_dg_need(d, P_TYPE, &type))
        return;
    const sp_plan_table *t = sp_dg_earlier(d, table);
    int column = t ? sp_plan_find_column(t, sp_str_of(c->name)) : -1;
    if (column < 0 || !last_value(t, &t->columns[column], &last)) {
        sp_mistake(d->r->m, d->v[P_TABLE]->mark, table,
                   column < 0 ? "is no table or input before this one that has a column \"%s\""
                              : "has a column \"%s\" whose last value is not known before it is made",
                   c->name);
        return;
    }
    bool date = sp_str_is(type, "date");
    sp_dg_format(d, c);
    if (date) {
        c->mode = SP_MODE_RANGE;
        c->range = SP_RANGE_TIMESTAMP;
        c->distribution.spread = SP_SPREAD_EVEN;
        if (!read_moment(d, c->format, P_TO, &c->max_i))
            return;
        c->min_i = last + (c->max_i - last) /
                              ((int64_t)SP_MIN(d->length, (uint64_t)INT64_MAX - 1) + 1); /* the first step behind it */
        return;
    }
    if (d->v[P_TO] && sp_dg_whole(d, P_TO, INT64_MIN, &to)) {
        step = d->length ? (to - last) / (int64_t)SP_MIN(d->length, (uint64_t)INT64_MAX) : 1;
        c->mode = SP_MODE_RANGE;
        c->range = SP_RANGE_INT;
        c->distribution.spread = SP_SPREAD_EVEN;
        c->min_i = last + SP_MAX(step, INT64_C(1));
        c->max_i = SP_MAX(to, c->min_i) + 1;
        return;
    }
    c->inc_start = last + 1;
}
