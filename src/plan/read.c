/* read.c - the tree of a document becomes the tables and columns of a plan.
 *
 * Each mapping (the plan, a table, a column, a distribution) is sorted into an array by its table
 * of keys, and then read key by key in a fixed order, so nothing hangs on the order in the file. A
 * mistake never ends the reading: the column is marked wrong, and the next one is read. What must
 * be compared between columns is check.c's. */
#include "plan/document.h"

#include <math.h>

enum { COLUMN_COST = 16 }; /* of the budget: a column takes as much room as so many texts */

void sp_read_mistake(sp_plan_reader *r, const sp_node *node, const char *expected)
{
    bool shown = node->kind == SP_NODE_TEXT && node->text.len;
    sp_mistake(r->m, node->mark, shown ? node->text : (sp_str){0}, "%s %s%s", shown ? "is not" : "expected", expected,
               node->kind == SP_NODE_LIST  ? node->n ? ", found a list" : ", found an empty list"
               : node->kind == SP_NODE_MAP ? ", found a mapping"
                                           : "");
}

bool sp_read_text(sp_plan_reader *r, const sp_node *node, const char *what, sp_str *text)
{
    if (node->kind != SP_NODE_TEXT) {
        sp_read_mistake(r, node, what);
        return false;
    }
    *text = node->text;
    return true;
}

bool sp_read_spend(sp_plan_reader *r, uint32_t n, sp_mark at)
{
    if (!r->stop && r->budget < n) {
        sp_mistake(r->m, at, (sp_str){0}, "the plan is too large: its aliases repeat too much");
        r->stop = true;
    }
    if (r->stop)
        return false;
    r->budget -= n;
    return true;
}

void *sp_read_make(sp_plan_reader *r, size_t n, size_t bytes)
{
    void *p = sp_arena_alloc(&r->plan->arena, n, bytes);
    if (!p)
        r->nomem = r->stop = true;
    return p;
}

/* ---- keys ---- */

const sp_node *sp_node_value(const sp_node *map, const char *key)
{
    for (uint32_t i = 0; map->kind == SP_NODE_MAP && i < map->n; i++)
        if (sp_str_is(map->pairs[i].key->text, key))
            return map->pairs[i].value;
    return NULL;
}

static void unknown_key(sp_plan_reader *r, const sp_node *key, const sp_keys *keys)
{
    if (key->text.len >= 2 && (key->text.p[0] == 'x' && key->text.p[1] == '-'))
        return; /* x-anything is the user's own: a place for anchors */
    const char *near = sp_nearest(key->text, keys->names, keys->n);
    sp_warning(r->m, key->mark, key->text, "is no key of %s and is ignored%s%s%s", keys->of,
               near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

void sp_read_keys(sp_plan_reader *r, const sp_node *map, const sp_keys *keys, const sp_node **values)
{
    for (uint32_t i = 0; i < map->n; i++) {
        uint32_t k = 0;
        while (k < keys->n && !sp_str_is(map->pairs[i].key->text, keys->names[k]))
            k++;
        if (k == keys->n)
            unknown_key(r, map->pairs[i].key, keys);
        else if (!sp_node_is_null(map->pairs[i].value))
            values[k] = map->pairs[i].value;
    }
}

/* ---- a column ---- */

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
    if (v[C_WEIGHTS] && c->mode != SP_MODE_SET)
        sp_mistake(r->m, v[C_WEIGHTS]->mark, sp_str_of("weights"), "has a meaning only beside a set");
}

/* ---- what a column may have besides its mode ---- */

bool sp_read_flag(sp_plan_reader *r, const sp_node *node)
{
    bool v = false;
    sp_str text;
    if (node && sp_read_text(r, node, "true or false", &text) && !sp_parse_bool(text, &v))
        sp_read_mistake(r, node, "true or false");
    return v;
}

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
    if (c->type)
        c->sql_type = text.p;
    else if (why[0])
        sp_mistake(r->m, node->mark, text, "%s", text.len ? why : "expected a SQL type");
    else
        r->nomem = r->stop = true;
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

/* Wishes that do not go together. */
static void check_wishes(sp_plan_reader *r, sp_plan_column *c, const sp_node *const *v)
{
    if (c->sorted && !can_sort(c))
        sp_mistake(r->m, v[C_SORTED]->mark, sp_str_of("sorted"),
                   "goes only with value ${uuid}, inc, and the ranges int, float, decimal and "
                   "timestamp");
    bool spread = c->distribution.spread != SP_SPREAD_UNIFORM;
    if (c->sorted && c->distribution.spread == SP_SPREAD_ZIPF)
        sp_mistake(r->m, v[C_SORTED]->mark, sp_str_of("sorted"), "does not go with zipf");
    if (c->unique && spread)
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

/* A name: not empty. node NULL: there is none. */
const char *sp_read_name(sp_plan_reader *r, const sp_node *node, sp_mark at, const char *of, sp_mark *mark)
{
    sp_str text;
    *mark = node ? node->mark : at;
    if (!node) {
        sp_mistake(r->m, at, (sp_str){0}, "%s needs a \"name\"", of);
        return "";
    }
    if (!sp_read_text(r, node, "a name", &text))
        return "";
    if (text.len == 0)
        sp_mistake(r->m, node->mark, text, "expected a name that is not empty");
    return text.p;
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
        sp_read_mask(r, c, v[C_BY]);
    }
}

static void read_column(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
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

/* ---- a table ---- */

enum { T_NAME, T_ROWS, T_COLUMNS, T_LOCALE, T_HIDDEN, T_DISTINCT, T_FROM, T_TABLE, T_WHERE, T_COUNT };
static const char *const table_names[T_COUNT] = {
    [T_NAME] = "name",         [T_ROWS] = "rows", [T_COLUMNS] = "columns", [T_LOCALE] = "locale", [T_HIDDEN] = "hidden",
    [T_DISTINCT] = "distinct", [T_FROM] = "from", [T_TABLE] = "table",     [T_WHERE] = "where"};
static const sp_keys table_keys = {"a table", table_names, T_COUNT};

/* follow: they may follow from children. */
static void read_rows(sp_plan_reader *r, sp_plan_table *t, const sp_node *node, bool follow)
{
    sp_str text;
    int64_t rows;
    t->rows_most = UINT64_MAX;
    if (!node && follow)
        t->rows_follow = true;
    else if (!node)
        sp_mistake(r->m, t->mark, sp_str_of(t->name), "needs \"rows\": how many");
    else if (!sp_read_text(r, node, "a number of rows", &text))
        return;
    else if (!sp_scalar_rows(text, &rows) || rows < 0)
        sp_read_mistake(r, node, "a number of rows, 0 or more, such as 500, 10_000, 10k or 1.5M");
    else
        t->rows = t->rows_most = (uint64_t)rows;
}

/* A primary key of one column is unique; of several, their combination is, which needs one of them
 * unique. */
static void imply_unique(sp_plan_table *t)
{
    sp_plan_column *only = NULL;
    for (uint32_t i = 0; i < t->n_columns; i++) {
        if (!t->columns[i].primary_key)
            continue;
        if (only)
            return;
        only = &t->columns[i];
    }
    if (only)
        only->unique = true;
}

bool sp_read_make_columns(sp_plan_reader *r, sp_plan_table *t, uint32_t n, sp_mark at)
{
    if (n > SP_COLUMNS_MAX) {
        sp_mistake(r->m, at, (sp_str){0}, "expected at most %d columns, found %u", SP_COLUMNS_MAX, n);
        return false;
    }
    return sp_read_spend(r, n * COLUMN_COST, at) && (t->columns = sp_read_make(r, n, sizeof(*t->columns)));
}

static void read_columns(sp_plan_reader *r, sp_plan_table *t, const sp_node *node)
{
    if (!node || (node->kind == SP_NODE_LIST && node->n == 0)) {
        sp_mistake(r->m, node ? node->mark : t->mark, sp_str_of(t->name), "needs \"columns\": a list");
        return;
    }
    if (node->kind != SP_NODE_LIST) {
        sp_read_mistake(r, node, "a list of columns");
        return;
    }
    if (!sp_read_make_columns(r, t, node->n, node->mark))
        return;
    for (uint32_t i = 0; i < node->n && !r->stop; i++) {
        uint32_t said = r->m->n_said;
        read_column(r, &t->columns[i], node->items[i]);
        t->columns[i].wrong = r->m->n_said > said;
        t->n_columns = i + 1;
    }
    imply_unique(t);
}

void sp_read_distinct(sp_plan_reader *r, sp_plan_table *t, const sp_node *node)
{
    sp_str name;
    if (node && node->kind != SP_NODE_LIST) {
        sp_read_mistake(r, node, "a list of columns, such as [a, b]");
        return;
    }
    for (uint32_t i = 0; node && i < node->n; i++) {
        int column = sp_read_text(r, node->items[i], "the name of a column", &name) ? sp_plan_find_column(t, name) : -2;
        if (column == -1)
            sp_warning(r->m, node->items[i]->mark, name, "is no column of this table and is ignored");
        if (column < 0)
            continue;
        t->columns[column].distinct = true;
        t->is_distinct = true;
    }
    if (t->is_distinct && t->rows > SP_PLAN_DISTINCT_MAX)
        sp_mistake(r->m, t->mark, sp_str_of(t->name),
                   "has distinct columns, and at most %d rows can be compared; for more there is unique: true",
                   SP_PLAN_DISTINCT_MAX);
}

/* A table whose rows are those of a table elsewhere, with the columns replaced. How many there are is known when they are read. */
static void read_masked(sp_plan_reader *r, sp_plan_table *t, const sp_node *const *v)
{
    static const int not_here[] = {T_ROWS, T_HIDDEN, T_DISTINCT};
    for (size_t i = 0; i < SP_COUNT(not_here); i++)
        if (v[not_here[i]])
            sp_mistake(r->m, v[not_here[i]]->mark, sp_str_of(table_names[not_here[i]]),
                       "does not go with from: the rows are those there");
    t->from = sp_read_from(r, &(sp_from_nodes){.from = v[T_FROM], .table = v[T_TABLE], .where = v[T_WHERE]}, t->name);
    r->there = t->from ? sp_read_there(r, t->from, v[T_FROM]) : NULL;
    t->rows = UINT64_MAX;
    sp_plan_locales plans = r->locales;
    if (v[T_LOCALE])
        sp_read_locale(r, v[T_LOCALE], &r->locales);
    if (r->there && v[T_COLUMNS])
        read_columns(r, t, v[T_COLUMNS]);
    r->locales = plans;
    r->there = NULL;
}

void sp_read_table(sp_plan_reader *r, sp_plan_table *t, const sp_node *node)
{
    const sp_node *v[T_COUNT] = {0};
    *t = (sp_plan_table){.name = "", .mark = node->mark};
    if (node->kind != SP_NODE_MAP) {
        sp_read_mistake(r, node, "a table: a mapping with name, rows and columns");
        return;
    }
    sp_read_keys(r, node, &table_keys, v);
    t->name = sp_read_name(r, v[T_NAME], node->mark, "a table", &t->mark);
    if (v[T_FROM]) {
        read_masked(r, t, v);
        return;
    }
    for (int i = T_TABLE; i <= T_WHERE; i++)
        if (v[i])
            sp_mistake(r->m, v[i]->mark, sp_str_of(table_names[i]), "goes only with from");
    sp_plan_locales plans = r->locales;
    if (v[T_LOCALE])
        sp_read_locale(r, v[T_LOCALE], &r->locales);
    read_columns(r, t, v[T_COLUMNS]);
    r->locales = plans;
    bool follow = false;
    for (uint32_t i = 0; i < t->n_columns; i++)
        follow = follow || t->columns[i].children;
    read_rows(r, t, v[T_ROWS], follow);
    t->hidden = sp_read_flag(r, v[T_HIDDEN]);
    sp_read_distinct(r, t, v[T_DISTINCT]);
}

/* ---- the plan ---- */

enum { R_TABLES, R_SEED, R_NOW, R_LOCALE, R_INPUTS, R_COUNT };
static const char *const root_names[R_COUNT] = {
    [R_TABLES] = "tables", [R_SEED] = "seed", [R_NOW] = "now", [R_LOCALE] = "locale", [R_INPUTS] = "inputs"};
static const sp_keys root_keys = {"a plan", root_names, R_COUNT};

bool sp_read_make_tables(sp_plan_reader *r, uint32_t n, const sp_node *at)
{
    spate_plan *plan = r->plan;
    if (n > SP_TABLES_MAX) {
        sp_mistake(r->m, at->mark, (sp_str){0}, "expected at most %d tables, found %u", SP_TABLES_MAX, n);
        return false;
    }
    plan->tables = sp_read_make(r, n, sizeof(*plan->tables));
    return plan->tables != NULL;
}

static void read_tables(sp_plan_reader *r, const sp_node *node, const sp_node *inputs)
{
    spate_plan *plan = r->plan;
    if (node->kind != SP_NODE_LIST || node->n == 0) {
        sp_read_mistake(r, node, "a list of tables");
        return;
    }
    if (!sp_read_make_tables(r, node->n + sp_inputs_count(inputs), node))
        return;
    sp_read_inputs(r, inputs);
    for (uint32_t i = 0; i < node->n && !r->stop; i++)
        sp_read_table(r, &plan->tables[plan->n_tables++], node->items[i]);
}

static void read_seed(sp_plan_reader *r, const sp_node *node)
{
    sp_str text;
    if (sp_read_text(r, node, "a seed", &text) && !sp_scalar_u64(text, &r->plan->seed))
        sp_read_mistake(r, node, "a seed: a whole number from 0 to 18446744073709551615");
}

static void read_now(sp_plan_reader *r, const sp_node *node)
{
    sp_str text;
    if (sp_read_text(r, node, "a timestamp", &text) && !sp_parse_timestamp(text, &r->plan->now_us))
        sp_read_mistake(r, node, "a timestamp, such as 2026-01-01 or 2026-01-01T12:00:00Z");
}

static void read_root(sp_plan_reader *r, const sp_node *root)
{
    const sp_node *v[R_COUNT] = {0};
    if (sp_is_dg_form(root)) {
        sp_read_dg_form(r, root);
        return;
    }
    if (sp_is_datagen_form(root)) {
        sp_read_datagen_form(r, root);
        return;
    }
    if (root->kind != SP_NODE_MAP) {
        sp_read_mistake(r, root, "a mapping with the key \"tables\"");
        return;
    }
    sp_read_keys(r, root, &root_keys, v);
    if (v[R_SEED])
        read_seed(r, v[R_SEED]);
    if (v[R_NOW])
        read_now(r, v[R_NOW]);
    if (v[R_LOCALE])
        sp_read_locale(r, v[R_LOCALE], &r->locales);
    if (v[R_TABLES])
        read_tables(r, v[R_TABLES], v[R_INPUTS]);
    else
        sp_mistake(r->m, root->mark, (sp_str){0}, "a plan needs \"tables\": a list of tables");
}

/* ---- doubles, and the whole ---- */

static void check_double(sp_plan_reader *r, sp_names *names, uint64_t scope, const char *name, sp_mark mark,
                         const void *value, const char *kind)
{
    if (!name[0])
        return;
    const void **slot = sp_names_slot(names, scope, sp_str_of(name));
    if (!slot) {
        r->nomem = r->stop = true;
    } else if (*slot) {
        sp_mark first = scope ? ((const sp_plan_column *)*slot)->mark : ((const sp_plan_table *)*slot)->mark;
        sp_mistake(r->m, mark, sp_str_of(name), "names a %s already, in line %u", kind, first.line);
    } else {
        *slot = value;
    }
}

static void check_hidden(sp_plan_reader *r)
{
    const spate_plan *plan = r->plan;
    bool shown = false;
    for (uint32_t t = 0; t < plan->n_tables; t++) {
        const sp_plan_table *table = &plan->tables[t];
        uint32_t hidden = 0;
        shown = shown || !table->hidden;
        for (uint32_t i = 0; i < table->n_columns; i++)
            hidden += table->columns[i].hidden;
        if (!table->hidden && hidden && hidden == table->n_columns)
            sp_mistake(r->m, table->mark, sp_str_of(table->name),
                       "has only hidden columns, so there is nothing to write");
    }
    if (!shown && plan->n_tables)
        sp_mistake(r->m, plan->tables[0].mark, (sp_str){0}, "every table is hidden, so there is nothing to write");
}

static void enter_names(sp_plan_reader *r, sp_names *names)
{
    for (uint32_t t = 0; t < r->plan->n_tables && !r->nomem; t++) {
        const sp_plan_table *table = &r->plan->tables[t];
        check_double(r, names, 0, table->name, table->mark, table, "table");
        for (uint32_t c = 0; c < table->n_columns && !r->nomem; c++)
            check_double(r, names, t + 1, table->columns[c].name, table->columns[c].mark, &table->columns[c], "column");
    }
}

static int read_document(sp_plan_reader *r, const char *text, size_t len, spate_error *err)
{
    sp_arena nodes;
    sp_names names = {0};
    const sp_node *root = NULL;
    sp_arena_init(&nodes);
    r->nodes = &nodes;
    int status = sp_document_load(text, len, &nodes, &r->plan->arena, r->m, &root, err);
    if (status == SPATE_OK && root) {
        read_root(r, root);
        check_hidden(r);
        enter_names(r, &names);
        if (r->nomem || (!r->failed && sp_plan_link(r->plan, &names) != SPATE_OK))
            status = sp_fail_nomem(err);
        else
            status = r->failed;
    } else if (status == SPATE_OK && !r->m->n_errors) {
        sp_mistake(r->m, (sp_mark){1, 1}, (sp_str){0}, "the plan is empty; it needs \"tables\": a list of tables");
    }
    sp_names_done(&names);
    sp_arena_done(&nodes);
    return status;
}

static spate_plan *new_plan(const char *path)
{
    spate_plan *plan = sp_alloc_zero(1, sizeof(*plan));
    if (!plan)
        return NULL;
    sp_arena_init(&plan->arena);
    plan->path = sp_arena_strndup(&plan->arena, path, strlen(path));
    plan->now_us = SP_PLAN_NOW_US;
    sp_mistakes_init(&plan->mistakes, plan->path);
    if (!plan->path) {
        spate_plan_free(plan);
        return NULL;
    }
    return plan;
}

int sp_plan_parse(const char *path, const char *text, size_t len, spate_plan **out, spate_error *err)
{
    return sp_plan_parse_with(path, text, len, NULL, out, err);
}

int sp_plan_parse_with(const char *path, const char *text, size_t len, sp_plan_look *look, spate_plan **out,
                       spate_error *err)
{
    spate_plan *plan = new_plan(path);
    if (!plan)
        return sp_fail_nomem(err);
    plan->digest = sp_hash64(text, len, 0);
    sp_plan_reader r = {.plan = plan, .m = &plan->mistakes, .budget = SP_DOCUMENT_NODES_MAX, .look = look, .err = err};
    int status = SPATE_OK;
    if (len > SP_PLAN_BYTES_MAX)
        sp_mistake(r.m, (sp_mark){0}, (sp_str){0}, "expected at most %d bytes of plan", SP_PLAN_BYTES_MAX);
    else
        status = read_document(&r, text, len, err);
    if (status == SPATE_OK)
        status = sp_plan_check_rows(plan, err);
    if (status == SPATE_OK && plan->mistakes.nomem)
        status = sp_fail_nomem(err);
    if (status != SPATE_OK) {
        spate_plan_free(plan);
        return status;
    }
    *out = plan;
    return SPATE_OK;
}
