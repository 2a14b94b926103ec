/* read_column.c - a mapping becomes a column of a plan: its mode, what belongs to the mode, and what is said of it besides. Keys are read in
 * a fixed order, so nothing hangs on the order in the file. What must be compared between columns is check.c's. */
#include "plan/document.h"

#include <math.h>

enum {
    C_NAME,
    C_MODES, /* in the order of sp_mode, which is the order of precedence */
    C_VALUE = C_MODES,
    C_RANGE,
    C_REF,
    C_SET,
    C_INC,
    C_ARRAY,
    C_EXPR,
    C_CASES,
    C_AFTER,
    C_PERSON,
    C_PLACE,
    C_PATTERN,
    C_LOOKUP,
    C_PROPS,
    C_NULL,
    C_WEIGHTS,
    C_UNIQUE,
    C_SORTED,
    C_PRIMARY_KEY,
    C_DISTRIBUTION,
    C_TYPE,
    C_BY,
    C_ELSE,
    C_COMMON,
    C_DRAW,
    C_HIDDEN,
    C_CHILDREN,
    C_TREE,
    C_GRAPH,
    C_DIFFERS,
    C_WITHIN,
    C_LOCALE,
    C_FORMAT,
    C_STOP,
    C_CUT,
    C_DISTINCT,
    C_PATH,
    C_COUNT
};
enum { MODES = SP_MODE_LOOKUP + 1 };
static const char *const column_names[C_COUNT] = {
    [C_NAME] = "name",
    [C_VALUE] = "value",
    [C_RANGE] = "range",
    [C_REF] = "ref",
    [C_SET] = "set",
    [C_INC] = "inc",
    [C_ARRAY] = "array",
    [C_EXPR] = "expr",
    [C_CASES] = "cases",
    [C_AFTER] = "after",
    [C_PERSON] = "person",
    [C_PLACE] = "place",
    [C_PATTERN] = "pattern",
    [C_LOOKUP] = "lookup",
    [C_PROPS] = "props",
    [C_NULL] = "null",
    [C_WEIGHTS] = "weights",
    [C_UNIQUE] = "unique",
    [C_SORTED] = "sorted",
    [C_PRIMARY_KEY] = "primary_key",
    [C_DISTRIBUTION] = "distribution",
    [C_TYPE] = "type",
    [C_BY] = "by",
    [C_ELSE] = "else",
    [C_COMMON] = "common",
    [C_DRAW] = "draw",
    [C_HIDDEN] = "hidden",
    [C_CHILDREN] = "children",
    [C_TREE] = "tree",
    [C_GRAPH] = "graph",
    [C_DIFFERS] = "differs_from",
    [C_WITHIN] = "unique_within",
    [C_LOCALE] = "locale",
    [C_FORMAT] = "format",
    [C_STOP] = "stop",
    [C_CUT] = "cut",
    [C_DISTINCT] = "distinct",
    [C_PATH] = "path",
};
static const sp_keys column_keys = {"a column", column_names, C_COUNT};

const char *sp_plan_mode_name(sp_mode mode)
{
    return column_names[C_MODES + mode];
}

/* dgs takes an empty text and inc: 0 for "not given". So do we when another mode is given. */
static bool is_zero(sp_mode mode, const sp_node *node)
{
    int64_t v;
    if (node->kind != SP_NODE_TEXT)
        return false;
    return node->text.len == 0 || (mode == SP_MODE_INC && sp_scalar_i64(node->text, &v) && v == 0);
}

/* The first mode given; -1: none. */
static int pick_mode(const sp_node *const *modes)
{
    int zero = -1;
    for (int i = MODES - 1; i >= 0; i--)
        if (modes[i] && is_zero((sp_mode)i, modes[i]))
            zero = i;
    for (int i = 0; i < MODES; i++)
        if (modes[i] && !is_zero((sp_mode)i, modes[i]))
            return i;
    return zero;
}

static void warn_other_modes(sp_plan_reader *r, const sp_node *const *modes, int used)
{
    for (int i = 0; i < MODES; i++)
        if (i != used && modes[i])
            sp_warning(r->m, modes[i]->mark, sp_str_of(column_names[C_MODES + i]),
                       "is not used, because \"%s\" is there", column_names[C_MODES + used]);
}

void sp_read_template(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    if (!sp_read_text(r, node, "a text, such as ${uuid}", &c->text))
        return;
    if (c->text.len > SP_CELL_TEXT_MAX)
        sp_mistake(r->m, node->mark, c->text, "is longer than %d bytes", SP_CELL_TEXT_MAX);
}

static void read_inc(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    sp_str text;
    if (sp_read_text(r, node, "the first number to count from", &text) && !sp_scalar_i64(text, &c->inc_start))
        sp_read_mistake(r, node, "a whole number to count from");
}

static void read_item(sp_plan_reader *r, const sp_node *node, sp_plan_item *item)
{
    *item = (sp_plan_item){.mark = node->mark, .weight = 1, .text = sp_str_of("")};
    if (!sp_read_text(r, node, "a text as value of a set", &item->text))
        return;
    if (sp_node_is_null(node) && node->text.len) {
        sp_warning(r->m, node->mark, node->text,
                   "is an empty text in a set; for missing values there is \"null: 10%%\"");
        item->text.len = 0;
    }
    if (item->text.len > SP_CELL_TEXT_MAX)
        sp_mistake(r->m, node->mark, item->text, "is longer than %d bytes", SP_CELL_TEXT_MAX);
}

static void read_weight(sp_plan_reader *r, const sp_node *node, sp_plan_item *item)
{
    sp_str text;
    if (!sp_read_text(r, node, "a weight: a number, 0 or more", &text))
        return;
    if (!sp_scalar_f64(text, &item->weight) || item->weight < 0)
        sp_read_mistake(r, node, "a weight: a number, 0 or more");
}

static void read_weights(sp_plan_reader *r, sp_plan_item *items, uint32_t n, const sp_node *weights)
{
    double sum = 0;
    if (weights->kind != SP_NODE_LIST) {
        sp_read_mistake(r, weights, "a list of weights, such as [70, 20, 10]");
        return;
    }
    if (weights->n != n) {
        sp_mistake(r->m, weights->mark, (sp_str){0}, "expected as many weights as the set has values: %u, found %u", n,
                   weights->n);
        return;
    }
    uint32_t said = r->m->n_said;
    for (uint32_t i = 0; i < n; i++) {
        read_weight(r, weights->items[i], &items[i]);
        sum += items[i].weight;
    }
    if (said == r->m->n_said && (!isfinite(sum) || sum <= 0))
        sp_mistake(r->m, weights->mark, (sp_str){0}, "expected weights with a sum above 0");
}

void sp_read_set(sp_plan_reader *r, sp_plan_column *c, const sp_node *node, const sp_node *weights)
{
    if (node->kind != SP_NODE_LIST) {
        sp_read_mistake(r, node, "a list of values, such as [small, large]");
        return;
    }
    if (!sp_read_spend(r, node->n, node->mark))
        return;
    sp_plan_item *items = sp_read_make(r, SP_MAX(node->n, 1u), sizeof(*items));
    if (!items)
        return;
    if (node->n == 0) {
        sp_warning(r->m, node->mark, (sp_str){0}, "the set has no values, so every cell is an empty text");
        items[0] = (sp_plan_item){.text = sp_str_of(""), .mark = node->mark, .weight = 1};
    }
    for (uint32_t i = 0; i < node->n; i++)
        read_item(r, node->items[i], &items[i]);
    c->items = items;
    c->n_items = SP_MAX(node->n, 1u);
    c->weighted = weights != NULL;
    if (weights)
        read_weights(r, items, node->n, weights);
}

static bool takes_locale(sp_mode mode)
{
    return mode == SP_MODE_VALUE || mode == SP_MODE_ARRAY || mode == SP_MODE_EXPR || mode == SP_MODE_CASES ||
           mode == SP_MODE_PERSON || mode == SP_MODE_PLACE;
}

static void read_mode(sp_plan_reader *r, sp_plan_column *c, const sp_node *const *v)
{
    const sp_node *node = v[C_MODES + c->mode];
    sp_str name;
    switch (c->mode) {
    case SP_MODE_VALUE: sp_read_template(r, c, node); break;
    case SP_MODE_RANGE:
        if (sp_read_text(r, node, "a range, such as int", &name))
            sp_read_range(r, c, name, v[C_PROPS], v[C_DISTRIBUTION]);
        break;
    case SP_MODE_REF: sp_read_text(r, node, "a ref: table.column", &c->text); break;
    case SP_MODE_SET: sp_read_set(r, c, node, v[C_WEIGHTS]); break;
    case SP_MODE_INC:
        read_inc(r, c, node);
        sp_read_inc_props(r, c, v[C_PROPS]);
        break;
    case SP_MODE_ARRAY:
        if (node->kind == SP_NODE_LIST)
            sp_read_set(r, c, node, v[C_WEIGHTS]);
        else
            sp_read_template(r, c, node);
        sp_read_array(r, c, v[C_PROPS], v[C_DISTRIBUTION]);
        break;
    case SP_MODE_EXPR:
        c->expr = sp_read_expr(r, node);
        c->text = node->kind == SP_NODE_TEXT ? node->text : c->text;
        break;
    case SP_MODE_CASES: sp_read_cases(r, c, node, v[C_BY], v[C_ELSE]); break;
    case SP_MODE_AFTER:
        if (sp_read_text(r, node, "the name of a column", &c->text)) {
            c->expr = sp_expr_after(r, c->text, node->mark);
            sp_read_delay(r, c, v[C_PROPS], v[C_DISTRIBUTION]);
        }
        break;
    case SP_MODE_PERSON:
    case SP_MODE_PLACE: sp_read_text(r, node, "what of it, such as city", &c->text); break;
    case SP_MODE_PATTERN:
        sp_read_template(r, c, node);
        sp_read_pattern_props(r, c, v[C_PROPS]);
        break;
    case SP_MODE_LOOKUP:
        sp_read_text(r, node, "where to look: table.column", &c->text);
        sp_read_lookup_props(r, c, v[C_PROPS]);
        break;
    }
    bool range = c->mode == SP_MODE_RANGE || c->mode == SP_MODE_ARRAY || c->mode == SP_MODE_AFTER;
    if (v[C_PROPS] && !range && c->mode != SP_MODE_PATTERN && c->mode != SP_MODE_LOOKUP && c->mode != SP_MODE_INC)
        sp_warning(r->m, v[C_PROPS]->mark, sp_str_of("props"),
                   "is not used: it belongs to range, array, after, pattern, lookup and inc");
    if (v[C_LOCALE] && !takes_locale(c->mode))
        sp_warning(r->m, v[C_LOCALE]->mark, sp_str_of("locale"),
                   "means nothing here: such cells are the same everywhere");
    for (int k = C_BY; k <= C_ELSE; k++)
        if (v[k] && c->mode != SP_MODE_CASES && !(r->there && k == C_BY))
            sp_mistake(r->m, v[k]->mark, sp_str_of(column_names[k]), "has a meaning only beside \"cases\"");
    if (v[C_WEIGHTS] && c->mode != SP_MODE_SET && !(c->mode == SP_MODE_ARRAY && c->n_items))
        sp_mistake(r->m, v[C_WEIGHTS]->mark, sp_str_of("weights"),
                   "has a meaning only beside a set, or an array that is a list");
}

/* ---- what a column may have besides its mode ---- */

static void read_null_rate(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    sp_str text;
    double v;
    if (!node || !sp_read_text(r, node, "how many cells are null: 0.05 or 5%", &text))
        return;
    if (sp_scalar_rate(text, &v) && v >= 0 && v <= 1)
        c->null_rate = v;
    else
        sp_read_mistake(r, node, "the share of cells that are null: 0 to 1, or 0% to 100%");
}

/* A time of day that is kept as a number has no zone, so values that have one are for the target to read. */
static void read_zones(sp_plan_reader *r, sp_plan_column *c)
{
    static const sp_type of_target = {.kind = SP_TEXT, .other = true};
    sp_plan_item only = {.text = c->text, .mark = c->mode_mark};
    const sp_plan_item *items = c->mode == SP_MODE_SET ? c->items : &only;
    uint32_t n = c->mode == SP_MODE_SET ? c->n_items : c->mode == SP_MODE_VALUE, zoned = 0;
    int64_t time;
    for (uint32_t i = 0; i < n; i++)
        zoned += sp_is_zoned_time(items[i].text);
    for (uint32_t i = 0; zoned && i < n; i++)
        if (items[i].text.p && !sp_is_zoned_time(items[i].text) && !sp_parse_time(items[i].text, &time))
            sp_mistake(r->m, items[i].mark, items[i].text, "is no timetz");
    if (zoned) {
        c->type = &of_target;
        c->sql_type = "timetz";
    }
}

static void read_type(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    sp_str text;
    char why[SP_TYPE_WHY_MAX];
    if (!node)
        return;
    c->type_mark = node->mark;
    if (!sp_read_text(r, node, "a SQL type", &text))
        return;
    if (sp_str_ieq(text, "enum")) {
        c->is_enum = true;
        if (c->mode != SP_MODE_SET)
            sp_mistake(r->m, node->mark, text, "needs a set in the same column: it gives the labels");
        return;
    }
    c->type = sp_type_parse(text, &r->plan->arena, why);
    if (!c->type && why[0])
        sp_mistake(r->m, node->mark, text, "%s", text.len ? why : "expected a SQL type");
    else if (!c->type)
        r->nomem = r->stop = true;
    if (!c->type)
        return;
    c->sql_type = text.p;
    if (sp_type_is_timetz(text))
        read_zones(r, c);
}

static bool can_sort(const sp_plan_column *c)
{
    if (c->mode == SP_MODE_RANGE)
        return c->range == SP_RANGE_INT || c->range == SP_RANGE_FLOAT || c->range == SP_RANGE_DECIMAL ||
               c->range == SP_RANGE_TIMESTAMP;
    return sp_column_is_uuid(c) || c->mode == SP_MODE_INC;
}

static void read_format(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    bool good = c->mode == SP_MODE_VALUE || c->mode == SP_MODE_INC || c->mode == SP_MODE_EXPR ||
                (c->mode == SP_MODE_RANGE && c->range <= SP_RANGE_DECIMAL);
    if (!node)
        return;
    if (!good)
        sp_mistake(
            r->m, node->mark, sp_str_of("format"),
            "goes only with value, inc, expr and the ranges int, float and decimal; that of a timestamp stands in props");
    else if (sp_read_text(r, node, "a format, such as %05d or 2006-01-02", &c->format))
        c->format_mark = node->mark;
}

static void read_cut(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    c->cut = sp_read_flag(r, node);
    if (c->cut && !(c->type && c->type->kind == SP_TEXT && c->type->length && !c->type->other))
        sp_mistake(r->m, node->mark, sp_str_of("cut"),
                   "goes with a type of text that has a length, such as varchar(20)");
}

static void read_stop(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    sp_str text;
    int64_t rows;
    if (!node || !sp_read_text(r, node, "a number of rows", &text))
        return;
    if (sp_scalar_rows(text, &rows) && rows >= 0)
        c->stop = (uint64_t)rows;
    else
        sp_read_mistake(r, node, "the row from which on cells are null: a whole number");
}

static void read_distinct(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    bool good =
        c->mode == SP_MODE_VALUE || c->mode == SP_MODE_PERSON || c->mode == SP_MODE_PLACE || c->mode == SP_MODE_PATTERN;
    sp_str text;
    int64_t n;
    if (!node)
        return;
    if (!good)
        sp_mistake(r->m, node->mark, sp_str_of("distinct"), "goes only with value, person, place and pattern");
    else if (!sp_read_text(r, node, "how many different values there are", &text))
        return;
    else if (sp_scalar_rows(text, &n) && n > 0 && n <= SP_PLAN_VALUES_MAX)
        c->n_values = (uint64_t)n;
    else
        sp_mistake(r->m, node->mark, text, "is not how many different values there are: 1 to %d", SP_PLAN_VALUES_MAX);
}

/* Wishes that do not go together. */
static void check_wishes(sp_plan_reader *r, sp_plan_column *c, const sp_node *const *v)
{
    if (c->sorted && !can_sort(c))
        sp_mistake(r->m, v[C_SORTED]->mark, sp_str_of("sorted"),
                   "goes only with value ${uuid}, inc, and the ranges int, float, decimal and "
                   "timestamp");
    const sp_distribution *d = &c->distribution;
    bool spread = d->spread != SP_SPREAD_UNIFORM, in_turn = d->spread == SP_SPREAD_CYCLE && d->a <= 1 && d->b <= 1;
    if (c->sorted && c->distribution.spread == SP_SPREAD_ZIPF)
        sp_mistake(r->m, v[C_SORTED]->mark, sp_str_of("sorted"), "does not go with zipf");
    if (c->unique && spread && !(in_turn && c->mode == SP_MODE_REF))
        sp_mistake(r->m, v[C_UNIQUE] ? v[C_UNIQUE]->mark : c->mode_mark, sp_str_of("unique"),
                   "does not go with a distribution, which repeats values");
    if (v[C_WEIGHTS] && c->mode == SP_MODE_SET && spread && c->distribution.spread != SP_SPREAD_EXACT)
        sp_mistake(r->m, v[C_WEIGHTS]->mark, sp_str_of("weights"), "does not go with a distribution: say one of them");
    if (v[C_WEIGHTS] && c->mode == SP_MODE_SET && c->unique)
        sp_mistake(r->m, v[C_WEIGHTS]->mark, sp_str_of("weights"), "does not go with unique: weighted values repeat");
    if (c->mode == SP_MODE_REF && v[C_COMMON])
        sp_mistake(r->m, v[C_COMMON]->mark, sp_str_of("common"),
                   "does not go with ref, whose values are those of the other table");
    if (c->unique && v[C_COMMON])
        sp_mistake(r->m, v[C_COMMON]->mark, sp_str_of("common"), "does not go with unique: common values repeat");
    if (c->sorted && v[C_COMMON])
        sp_mistake(r->m, v[C_COMMON]->mark, sp_str_of("common"), "does not go with sorted");
    if (c->n_values && (c->unique || c->sorted || c->primary_key))
        sp_mistake(r->m, v[C_DISTINCT]->mark, sp_str_of("distinct"), "does not go with %s: values come again",
                   c->unique   ? "unique"
                   : c->sorted ? "sorted"
                               : "primary_key");
    if (c->primary_key && c->hidden)
        sp_mistake(r->m, v[C_HIDDEN]->mark, sp_str_of("hidden"), "does not go with primary_key");
    if (c->sorted && (c->distribution.spread == SP_SPREAD_CYCLE || c->distribution.spread == SP_SPREAD_EVEN))
        sp_mistake(r->m, v[C_SORTED]->mark, sp_str_of("sorted"),
                   "does not go with cycle or even, which have an order of their own");
    if (c->primary_key && v[C_STOP])
        sp_mistake(r->m, v[C_STOP]->mark, sp_str_of("stop"), "makes nulls, and a primary key has none");
    if (c->primary_key && c->null_rate > 0)
        sp_mistake(r->m, v[C_NULL]->mark, v[C_NULL]->text, "is a share of nulls, and a primary key has none");
}

static void read_wishes(sp_plan_reader *r, sp_plan_column *c, const sp_node *const *v)
{
    read_null_rate(r, c, v[C_NULL]);
    c->unique = sp_read_flag(r, v[C_UNIQUE]);
    c->sorted = sp_read_flag(r, v[C_SORTED]);
    c->primary_key = sp_read_flag(r, v[C_PRIMARY_KEY]);
    read_distinct(r, c, v[C_DISTINCT]); /* before the distribution, which is then of these values */
    if (c->mode != SP_MODE_RANGE && c->mode != SP_MODE_ARRAY &&
        c->mode != SP_MODE_AFTER) /* which have read it with their bounds */
        sp_read_distribution(r, c, v[C_DISTRIBUTION]);
    read_type(r, c, v[C_TYPE]);
    c->hidden = sp_read_flag(r, v[C_HIDDEN]);
    read_cut(r, c, v[C_CUT]);
    read_format(r, c, v[C_FORMAT]);
    read_stop(r, c, v[C_STOP]);
    if (v[C_DRAW])
        sp_read_text(r, v[C_DRAW], "a name for what is drawn together", &c->draw);
    if (v[C_COMMON])
        sp_read_common(r, c, v[C_COMMON]);
    check_wishes(r, c, v);
    sp_read_relations(r, c, &(sp_relation_nodes){v[C_CHILDREN], v[C_TREE], v[C_GRAPH], v[C_DIFFERS], v[C_WITHIN]});
    c->unique |= c->sorted && sp_column_is_uuid(c);
}

sp_plan_column sp_read_new_column(const sp_plan_reader *r, sp_mark mark)
{
    return (sp_plan_column){.name = "",
                            .mark = mark,
                            .mode_mark = mark,
                            .text = sp_str_of(""),
                            .format = sp_str_of(""),
                            .draw = sp_str_of(""),
                            .locales = r->locales,
                            .ref_table = SP_PLAN_NO_REF,
                            .ref_column = SP_PLAN_NO_REF,
                            .differs = sp_str_of(""),
                            .within = sp_str_of(""),
                            .by_column = SP_PLAN_NO_REF,
                            .differs_column = SP_PLAN_NO_REF,
                            .within_column = SP_PLAN_NO_REF,
                            .key = sp_str_of(""),
                            .by = sp_str_of(""),
                            .key_column = SP_PLAN_NO_REF,
                            .inc_step = 1,
                            .children_of = sp_str_of(""),
                            .children_column = SP_PLAN_NO_REF,
                            .stop = SP_PLAN_NO_STOP};
}

#define MODES_SHOWN "value, range, ref, set, inc, array, expr, cases, after, person, place, pattern, lookup"

static void read_keys(sp_plan_reader *r, sp_plan_column *c, const sp_node *const *v)
{
    int mode = pick_mode(v + C_MODES);
    if (mode < 0) {
        sp_mistake(r->m, c->mark, sp_str_of(c->name),
                   c->number ? "expected one of " MODES_SHOWN : "needs one of " MODES_SHOWN);
        return;
    }
    c->mode = (sp_mode)mode;
    c->mode_mark = v[C_MODES + mode]->mark;
    if (v[C_LOCALE])
        sp_read_locale(r, v[C_LOCALE], &c->locales);
    warn_other_modes(r, v + C_MODES, mode);
    read_mode(r, c, v);
    read_wishes(r, c, v);
    if (r->there && !c->number) {
        sp_check_mask(r, c);
        sp_read_mask(r, c, v[C_BY], v[C_PATH]);
    } else if (v[C_PATH]) {
        sp_mistake(r->m, v[C_PATH]->mark, sp_str_of("path"),
                   "goes only with a column of a table that has \"from\": it says what of a document is replaced");
    }
}

void sp_read_column(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    const sp_node *v[C_COUNT] = {0};
    *c = sp_read_new_column(r, node->mark);
    if (node->kind != SP_NODE_MAP) {
        sp_read_mistake(r, node, "a column: a mapping with a name and how it is made");
        return;
    }
    sp_read_keys(r, node, &column_keys, v);
    c->name = sp_read_name(r, v[C_NAME], node->mark, "a column", &c->mark);
    read_keys(r, c, v);
}

/* What is said of the column as a whole, and not of one way to make it. */
static void check_body(sp_plan_reader *r, const sp_node *const *v)
{
    static const int not_here[] = {C_NAME, C_UNIQUE, C_SORTED,  C_PRIMARY_KEY, C_HIDDEN, C_CHILDREN,
                                   C_TREE, C_GRAPH,  C_DIFFERS, C_WITHIN,      C_STOP,   C_CUT};
    for (size_t i = 0; i < SP_COUNT(not_here); i++)
        if (v[not_here[i]])
            sp_mistake(r->m, v[not_here[i]]->mark, sp_str_of(column_names[not_here[i]]),
                       "is said of the column, not of a case");
}

sp_plan_column *sp_read_body(sp_plan_reader *r, const sp_plan_column *of, const sp_node *node, uint32_t number)
{
    const sp_node *v[C_COUNT] = {0};
    sp_plan_column *c = sp_read_make(r, 1, sizeof(*c));
    if (!c)
        return NULL;
    *c = sp_read_new_column(r, node->mark);
    c->locales = of->locales;
    c->name = of->name;
    c->number = number;
    if (node->kind == SP_NODE_LIST) {
        sp_read_mistake(r, node, "a text, or a mapping that says how the cells are made");
    } else if (node->kind == SP_NODE_TEXT) {
        c->mode = SP_MODE_VALUE;
        sp_read_template(r, c, node);
    } else {
        sp_read_keys(r, node, &column_keys, v);
        check_body(r, v);
        read_keys(r, c, v);
    }
    return c;
}
