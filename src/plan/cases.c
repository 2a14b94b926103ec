/* cases.c - columns that are made in one of several ways: by the value of another column, by conditions, or with some common values
 * among the others. Each way is a column of its own without a name: a text, or what a column would say. */
#include "plan/document.h"

#include <math.h>

enum { CASES_MAX = 1000, CASE_COST = 16 };

static sp_plan_case *new_cases(sp_plan_reader *r, sp_plan_column *c, uint32_t n, sp_mark at)
{
    if (n > CASES_MAX) {
        sp_mistake(r->m, at, (sp_str){0}, "a column has at most %d cases", CASES_MAX);
        return NULL;
    }
    if (!sp_read_spend(r, (n + 1) * CASE_COST, at))
        return NULL;
    c->cases = sp_arena_alloc(&r->plan->arena, n + 1, sizeof(*c->cases)); /* one more for "else" */
    if (!c->cases)
        r->nomem = r->stop = true;
    return c->cases;
}

static void add_case(sp_plan_reader *r, sp_plan_column *c, sp_str label, sp_expr *when, const sp_node *node)
{
    sp_plan_case *it = &c->cases[c->n_cases];
    *it = (sp_plan_case){.label = label, .mark = node->mark, .when = when};
    it->column = sp_read_body(r, c, node, ++c->n_cases);
}

/* {label: how, ...}, by the value of the column that "by" names. */
static void read_labels(sp_plan_reader *r, sp_plan_column *c, const sp_node *cases)
{
    for (uint32_t i = 0; i < cases->n && !r->stop; i++)
        add_case(r, c, cases->pairs[i].key->text, NULL, cases->pairs[i].value);
}

/* [{when: condition, then: how}, ...], the first whose condition holds. */
static void read_conditions(sp_plan_reader *r, sp_plan_column *c, const sp_node *cases)
{
    for (uint32_t i = 0; i < cases->n && !r->stop; i++) {
        const sp_node *it = cases->items[i], *when = sp_node_value(it, "when"), *then = sp_node_value(it, "then");
        if (!when || !then || it->n != 2) {
            sp_mistake(r->m, it->mark, (sp_str){0}, "expected a case: {when: condition, then: how}");
            continue;
        }
        sp_expr *condition = sp_read_expr(r, when);
        if (condition)
            add_case(r, c, sp_str_of(""), condition, then);
    }
}

void sp_read_cases(sp_plan_reader *r, sp_plan_column *c, const sp_node *cases, const sp_node *by,
                   const sp_node *otherwise)
{
    sp_node_kind wanted = by ? SP_NODE_MAP : SP_NODE_LIST;
    if (by && !sp_read_text(r, by, "the name of a column", &c->text))
        return;
    if (cases->kind != wanted || !cases->n) {
        sp_mistake(r->m, cases->mark, cases->kind == SP_NODE_TEXT ? cases->text : (sp_str){0}, "%s",
                   by ? "expected cases by value, such as {book: \"A story\", tool: \"Of steel\"}"
                      : "expected a list of cases, such as [{when: price > 100, then: dear}], or \"by\" a column");
        return;
    }
    if (by)
        c->mode_mark = by->mark;
    if (!new_cases(r, c, cases->n, cases->mark))
        return;
    if (by)
        read_labels(r, c, cases);
    else
        read_conditions(r, c, cases);
    c->has_else = otherwise != NULL;
    if (otherwise && !r->stop)
        add_case(r, c, sp_str_of(""), NULL, otherwise);
}

/* {value: share, ...}: these values make up these shares of all cells. */
void sp_read_common(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    double sum = 0;
    if (node->kind != SP_NODE_MAP || !node->n) {
        sp_mistake(r->m, node->mark, node->kind == SP_NODE_TEXT ? node->text : (sp_str){0},
                   "expected values and their shares, such as {0: 30%%, 100: 5%%}");
        return;
    }
    sp_plan_item *items =
        sp_read_spend(r, node->n, node->mark) ? sp_arena_alloc(&r->plan->arena, node->n, sizeof(*items)) : NULL;
    if (!items) {
        r->nomem = r->nomem || !r->stop;
        r->stop = true;
        return;
    }
    for (uint32_t i = 0; i < node->n; i++) {
        const sp_node *key = node->pairs[i].key, *value = node->pairs[i].value;
        sp_str text;
        items[i] = (sp_plan_item){.text = key->text, .mark = key->mark};
        if (!sp_read_text(r, value, "a share: 0 to 1, or 0% to 100%", &text))
            return;
        if (!sp_scalar_rate(text, &items[i].weight) || items[i].weight < 0) {
            sp_mistake(r->m, value->mark, text, "is not a share: 0 to 1, or 0%% to 100%%");
            return;
        }
        sum += items[i].weight;
    }
    if (!(sum > 0 && sum <= 1 + 1e-9)) {
        sp_mistake(r->m, node->mark, (sp_str){0}, "the shares must add up to more than 0%% and no more than 100%%");
        return;
    }
    c->common = items;
    c->n_common = node->n;
}

/* ---- locales --------------------------------------------------------------------------------------------------------- */

static bool read_weighted_locale(sp_plan_reader *r, const sp_pair *pair, sp_plan_item *item)
{
    sp_str text;
    *item = (sp_plan_item){.text = pair->key->text, .mark = pair->key->mark};
    if (!sp_read_text(r, pair->value, "a weight: a number, 0 or more", &text))
        return false;
    if (sp_scalar_f64(text, &item->weight) && item->weight >= 0)
        return true;
    sp_mistake(r->m, pair->value->mark, text, "is not a weight: a number, 0 or more");
    return false;
}

void sp_read_locale(sp_plan_reader *r, const sp_node *node, sp_plan_locales *locales)
{
    uint32_t n = node->kind == SP_NODE_TEXT ? 1 : node->n;
    if (node->kind == SP_NODE_LIST || !n) {
        sp_mistake(r->m, node->mark, (sp_str){0},
                   "expected a locale, such as de, or locales and weights, such as {de: 3, fr: 1}");
        return;
    }
    sp_plan_item *items = sp_read_spend(r, n, node->mark) ? sp_arena_alloc(&r->plan->arena, n, sizeof(*items)) : NULL;
    if (!items) {
        r->nomem = r->nomem || !r->stop;
        r->stop = true;
        return;
    }
    double sum = 0;
    if (node->kind == SP_NODE_TEXT)
        items[0] = (sp_plan_item){.text = node->text, .mark = node->mark, .weight = sum = 1};
    for (uint32_t i = 0; node->kind == SP_NODE_MAP && i < n; i++) {
        if (!read_weighted_locale(r, &node->pairs[i], &items[i]))
            return;
        sum += items[i].weight;
    }
    if (sum > 0 && isfinite(sum))
        *locales = (sp_plan_locales){items, n};
    else
        sp_mistake(r->m, node->mark, (sp_str){0}, "expected weights with a sum above 0");
}
