/* form_dg_each.c - functions of each item in the expressions of dg's fork: any([1, 2, 3], {# > 2}).
 *
 * Lists are written out, so the body is read once for each item. Of a list that was filtered every item stays, with the condition on
 * which it is there. */
#include "plan/form_dg_expr.h"

typedef enum closure { MAP, ANY, ALL, NONE, ONE, COUNT, FIND, SUM, FILTER, REDUCE } closure;
static const char *const closure_names[] = {"map", "any", "all", "none", "one", "count", "find", "sum", "filter", "reduce"};

static int find_closure(sp_str name)
{
    for (size_t i = 0; i < SP_COUNT(closure_names); i++)
        if (sp_str_is(name, closure_names[i]))
            return (int)i;
    return -1;
}

bool sp_dg_is_each(sp_str name)
{
    return find_closure(name) >= 0;
}

bool sp_dg_is_filtered(const dg_value *list)
{
    for (uint32_t i = 0; list->kind == DG_LIST && i < list->n; i++)
        if (list->items[i].when)
            return true;
    return false;
}

static sp_expr *both(parser *p, sp_expr *a, sp_expr *b)
{
    return a && b ? sp_dg_call(p->s->r, p->mark, "and", a, b, NULL) : a ? a : b;
}

/* How many of the truths hold. */
static sp_expr *count_true(parser *p, sp_expr *const *truths, uint32_t n)
{
    sp_expr *sum = NULL;
    for (uint32_t i = 0; i < n; i++) {
        sp_expr *one = sp_dg_call(p->s->r, p->mark, "if", truths[i], sp_dg_number_leaf(p->s, p->mark, 1),
                                  sp_dg_number_leaf(p->s, p->mark, 0));
        sum = sum ? sp_dg_call(p->s->r, p->mark, "+", sum, one, NULL) : one;
    }
    return sum;
}

sp_expr *sp_dg_length(parser *p, const dg_value *list)
{
    sp_expr *there[DG_ARGS_MAX], *sum;
    uint32_t n = 0, always = 0;
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i].when)
            there[n++] = list->items[i].when;
        else
            always++;
    sum = sp_dg_number_leaf(p->s, p->mark, always);
    return n ? sp_dg_call(p->s->r, p->mark, "+", sum, count_true(p, there, n), NULL) : sum;
}

/* The first item whose truth holds, else null. */
static dg_value find_item(parser *p, const dg_value *list, sp_expr *const *truths)
{
    sp_expr *e = sp_make_expr(p->s->r, SP_EXPR_NULL, p->mark, sp_str_of("nil"), NULL, 0);
    for (uint32_t i = list->n; i-- > 0;)
        e = truths[i] ? sp_dg_call(p->s->r, p->mark, "if", truths[i], list->items[i].e, e) : list->items[i].e;
    return value_of(list->items[0].kind, e);
}

dg_value sp_dg_first_of(parser *p, const dg_value *list)
{
    sp_expr *truths[DG_ARGS_MAX];
    for (uint32_t i = 0; i < list->n; i++)
        truths[i] = list->items[i].when;
    return find_item(p, list, truths);
}

static dg_value any_of(parser *p, const char *sign, sp_expr *const *truths, uint32_t n)
{
    sp_expr *e = NULL;
    for (uint32_t i = 0; i < n; i++)
        e = e ? sp_dg_call(p->s->r, p->mark, sign, e, truths[i], NULL) : truths[i];
    return value_of(DG_TRUTH, e);
}

dg_value sp_dg_among(parser *p, const dg_value *a, const dg_value *list)
{
    sp_expr *truths[DG_ARGS_MAX];
    for (uint32_t i = 0; i < list->n; i++) {
        const dg_value *b = &list->items[i];
        bool texts = a->kind == DG_TEXT && b->kind == DG_TEXT;
        sp_expr *same = sp_dg_call(p->s->r, p->mark, "=", texts ? sp_dg_as_text(p->s, a, p->mark) : a->e,
                                   texts ? sp_dg_as_text(p->s, b, p->mark) : b->e, NULL);
        truths[i] = both(p, b->when, same);
    }
    return any_of(p, "or", truths, list->n);
}

/* The list with a condition more on each item, or with other items. */
static dg_value list_of(parser *p, const dg_value *list, const dg_value *items, sp_expr *const *whens)
{
    dg_value out = {.kind = DG_LIST, .n = list->n, .items = sp_read_make(p->s->r, list->n, sizeof(*out.items))};
    for (uint32_t i = 0; out.items && i < list->n; i++) {
        out.items[i] = items[i];
        out.items[i].when = whens ? whens[i] : list->items[i].when;
    }
    return out;
}

static dg_value sum_of(parser *p, const dg_value *list, const dg_value *v)
{
    sp_expr *sum = NULL, *none_of_it = sp_dg_number_leaf(p->s, p->mark, 0);
    for (uint32_t i = 0; i < list->n; i++) {
        sp_expr *one = sp_dg_as_number(p->s, &v[i], p->mark), *when = list->items[i].when;
        one = when ? sp_dg_call(p->s->r, p->mark, "if", when, one, none_of_it) : one;
        sum = sum ? sp_dg_call(p->s->r, p->mark, "+", sum, one, NULL) : one;
    }
    return value_of(DG_NUMBER, sum);
}

/* What the values, one for each item, come to together. */
static dg_value close_over(parser *p, closure what, const dg_value *list, dg_value *v)
{
    sp_plan_reader *r = p->s->r;
    sp_expr *truths[DG_ARGS_MAX];
    uint32_t n = list->n;
    if (what == MAP)
        return list_of(p, list, v, NULL);
    if (what == SUM)
        return sum_of(p, list, v);
    for (uint32_t i = 0; i < n; i++) {
        sp_expr *when = list->items[i].when, *truth = sp_dg_as_truth(p->s, &v[i], p->mark);
        truths[i] = what != ALL || !when ? both(p, when, truth)
                                         : sp_dg_call(r, p->mark, "or",
                                                      sp_dg_call(r, p->mark, "not", when, NULL, NULL), truth, NULL);
    }
    switch (what) {
    case FILTER: return list_of(p, list, list->items, truths);
    case FIND: return find_item(p, list, truths);
    case COUNT: return value_of(DG_NUMBER, count_true(p, truths, n));
    case ONE:
        return value_of(DG_TRUTH, sp_dg_call(r, p->mark, "=", count_true(p, truths, n),
                                             sp_dg_number_leaf(p->s, p->mark, 1), NULL));
    case ALL: return any_of(p, "and", truths, n);
    case NONE: return sp_dg_negate(p, any_of(p, "or", truths, n));
    default: return any_of(p, "or", truths, n);
    }
}

/* A list that is written out, of values. */
static bool is_written_out(parser *p, const dg_value *list)
{
    bool good = !p->failed && list->kind == DG_LIST && list->n > 0 && list->items;
    for (uint32_t i = 0; good && i < list->n; i++)
        good = list->items[i].kind < DG_LIST && list->items[i].e;
    if (!good)
        sp_dg_fail(p, p->source, "looks at each item of what is no list of values that is written out");
    return good;
}

/* #, #index, #acc: the sign has been taken. */
dg_value sp_dg_item_word(parser *p)
{
    if (sp_dg_take(p, "index"))
        return value_of(DG_NUMBER, sp_dg_number_leaf(p->s, p->mark, p->index));
    if (!p->acc || !sp_dg_take(p, "acc"))
        return *p->item;
    p->acc_uses++;
    return *p->acc;
}

/* The body once more, from where it begins. */
static dg_value read_body(parser *p, const parser *body, const dg_value *list, uint32_t i)
{
    p->at = body->at;
    p->next = body->next;
    p->n_lets = body->n_lets;
    p->item = &list->items[i];
    p->index = i;
    dg_value v = sp_dg_parse_any(p);
    if (!p->failed && (v.kind >= DG_LIST || !v.e))
        sp_dg_fail(p, p->source, "makes of an item what is no value");
    return v;
}

static void leave_body(parser *p, const parser *body)
{
    p->item = body->item;
    p->index = body->index;
    p->acc = body->acc;
    p->n_lets = body->n_lets;
}

/* What came out is in the tree as often as #acc stands in the body, each time anew. */
static bool is_short_enough(uint32_t uses, uint32_t n)
{
    uint64_t all = 1;
    for (uint32_t i = 0; i < n && all <= DG_BODIES_MAX; i++)
        all *= SP_MAX(uses, 1u);
    return all <= DG_BODIES_MAX;
}

/* reduce([1, 2, 3], {#acc + #}, 0): what the body made of the items before is #acc; first what stands behind it, or the first item. */
static dg_value parse_reduce(parser *p, const dg_value *list, bool braces)
{
    const parser body = *p;
    dg_value acc = list->items[0];
    p->acc = &acc;
    p->acc_uses = 0;
    read_body(p, &body, list, 0); /* for what stands behind */
    uint32_t uses = p->acc_uses;
    leave_body(p, &body);
    if (braces)
        sp_dg_need_sign(p, "}");
    bool given = sp_dg_take(p, ",");
    if (given)
        acc = sp_dg_parse_any(p);
    sp_dg_need_sign(p, ")");
    if (!p->failed && (acc.kind >= DG_LIST || !acc.e || (!given && list->items[0].when)))
        sp_dg_fail(p, p->source, "begins a reduce with no value: one may stand behind the body");
    if (!is_short_enough(uses, list->n))
        sp_dg_fail(p, p->source, "has #acc in a reduce too often for a list so long");
    const parser behind = *p;
    p->acc = &acc;
    for (uint32_t i = given ? 0 : 1; i < list->n && !p->failed; i++) {
        dg_value next = read_body(p, &body, list, i);
        sp_expr *when = list->items[i].when;
        if (!p->failed && when)
            next.e = sp_dg_call(p->s->r, p->mark, "if", when, next.e, acc.e);
        acc = next;
    }
    p->at = behind.at;
    p->next = behind.next;
    leave_body(p, &body);
    return p->failed ? none() : acc;
}

/* piped: what stood before a pipe, or NULL; then the list is the first argument. */
dg_value sp_dg_parse_each(parser *p, sp_str name, const dg_value *piped)
{
    closure what = (closure)find_closure(name);
    dg_value v[DG_ARGS_MAX], list = piped ? *piped : sp_dg_parse_any(p);
    if (!is_written_out(p, &list))
        return none();
    if (what == SUM && sp_dg_take(p, ")"))
        return close_over(p, what, &list, list.items);
    if (!piped)
        sp_dg_need_sign(p, ",");
    if ((p->bodies += list.n) > DG_BODIES_MAX)
        sp_dg_fail(p, p->source, "looks at items of lists within lists more than 4096 times");
    bool braces = sp_dg_take(p, "{");
    if (what == REDUCE)
        return parse_reduce(p, &list, braces);
    const parser body = *p;
    for (uint32_t i = 0; i < list.n && !p->failed; i++)
        v[i] = read_body(p, &body, &list, i);
    leave_body(p, &body);
    if (braces)
        sp_dg_need_sign(p, "}");
    sp_dg_need_sign(p, ")");
    return p->failed ? none() : close_over(p, what, &list, v);
}
