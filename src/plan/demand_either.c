/* demand_either.c - OR: values and spans of one column are put together; else one side that is understood is demanded, which keeps the
 * condition, if not all that it allows. */
#include "plan/meaning.h"

#include <stdlib.h>

static const sp_term **sides_of(sp_meaning *m, const sp_term *n, uint32_t *count)
{
    uint32_t sides = 1, at;
    for (const sp_term *left = n; sp_term_is(left, "OR"); left = left->args[0])
        sides++;
    const sp_term **list = sp_mean_alloc(m, sides, sizeof(const sp_term *));
    for (at = sides; list && at-- > 1; n = n->args[0])
        list[at] = n->args[1];
    if (list)
        list[0] = n;
    *count = sides;
    return list;
}

/* Values of one column on all sides. */
static bool demand_any_value(sp_meaning *m, const sp_term *const *sides, uint32_t n)
{
    uint32_t column = UINT32_MAX;
    sp_term *first = NULL, **last = &first;
    for (uint32_t i = 0; i < n; i++) {
        bool one = sp_term_is(sides[i], "=") || sp_term_is(sides[i], "IN");
        const sp_term *left = one ? sp_mean_bare(sides[i]->args[0]) : NULL;
        if (!one || left->kind != N_COLUMN || (column != UINT32_MAX && column != left->column))
            return false;
        column = left->column;
        *last = sp_term_is(sides[i], "IN") ? sides[i]->args[1]->args[0] : sides[i]->args[1];
        while (*last)
            last = &(*last)->next;
    }
    return sp_mean_values(m, &m->d->columns[column], first);
}

/* What one side demands by itself. False: it is not understood. */
static bool demands_of_side(sp_meaning *m, const sp_term *side, sp_demands *out)
{
    *out = *m->d;
    out->columns = sp_mean_alloc(m, m->t->n_names, sizeof(*out->columns));
    out->n_orderings = 0;
    out->impossible = false;
    out->orderings = sp_mean_alloc(m, m->t->n_names * 4 + 64, sizeof(*out->orderings));
    if (!out->columns || !out->orderings)
        return false;
    for (uint32_t i = 0; i < m->t->n_names; i++)
        out->columns[i].length_max = -1;
    sp_meaning alone = {.arena = m->arena, .t = m->t, .d = out};
    bool understood = sp_mean(&alone, side);
    m->nomem = m->nomem || alone.nomem;
    return understood && !(m->t->plain && out->n_orderings);
}

typedef struct span {
    sp_str min, max; /* p NULL: no such bound */
    bool min_open, max_open;
    const sp_str *values;
    uint32_t n_values;
} span;

/* A side that demands bounds, or values, of one column, perhaps that it is there, and nothing else. */
static bool is_span(const sp_demands *d, uint32_t n, uint32_t *column, span *out)
{
    for (uint32_t i = 0; i < n; i++) {
        sp_demand c = d->columns[i];
        bool other = c.like.p || c.glob.p || c.regex.p || c.is_null || c.upper || c.lower || c.json_type.p || c.sum.p ||
                     c.length_min || c.length_max >= 0 || c.n_excluded || c.modulus || c.has_parts || c.one_word ||
                     c.date || c.moment;
        bool any = c.min.p || c.max.p || c.n_values || c.not_null;
        if (other || (any && *column != UINT32_MAX && *column != i))
            return false;
        if (!any)
            continue;
        *column = i;
        *out = (span){c.min, c.max, c.min_open, c.max_open, c.values, c.n_values};
    }
    return *column != UINT32_MAX && (out->n_values > 0) == (!out->min.p && !out->max.p);
}

static int compare_spans(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (!x->min.p || !y->min.p)
        return (x->min.p != NULL) - (y->min.p != NULL);
    return sp_mean_compare(x->min, y->min);
}

/* The values of all spans. */
static bool demand_all_values(sp_meaning *m, sp_demand *d, const span *spans, uint32_t n)
{
    uint32_t all = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++)
        all += spans[i].n_values;
    sp_str *values = sp_mean_alloc(m, all, sizeof(*values));
    for (uint32_t i = 0; values && i < n; i++)
        for (uint32_t j = 0; j < spans[i].n_values; j++)
            if (sp_mean_has(d, spans[i].values[j]))
                values[kept++] = spans[i].values[j];
    if (!kept)
        return false;
    d->values = values;
    d->n_values = kept;
    return true;
}

/* Between the end of one span and the beginning of another: a single number, too. */
static bool is_gap(const span *a, const span *b)
{
    int order = a->max.p ? sp_mean_compare(b->min, a->max) : -1;
    return order > 0 || (order == 0 && a->max_open && b->min_open);
}

/* Spans of one column, as of a table's partitions: those that follow one upon the other are one; or all values. */
static bool demand_spans(sp_meaning *m, const sp_term *const *sides, uint32_t n)
{
    span *spans = sp_mean_alloc(m, n, sizeof(*spans));
    uint32_t column = UINT32_MAX, best = 0, listed = 0;
    sp_demands of;
    for (uint32_t i = 0; i < n; i++) {
        if (!spans || !demands_of_side(m, sides[i], &of) || !is_span(&of, m->t->n_names, &column, &spans[i]))
            return false;
        listed += spans[i].n_values > 0;
    }
    if (listed)
        return listed == n && demand_all_values(m, &m->d->columns[column], spans, n);
    qsort(spans, n, sizeof(*spans), compare_spans);
    uint32_t runs = 0, *lengths = sp_mean_alloc(m, n, sizeof(*lengths));
    for (uint32_t from = 0, to; lengths && from < n; from = to, runs++) {
        for (to = from + 1; to < n && !is_gap(&spans[from], &spans[to]); to++)
            if (!spans[to].max.p || (spans[from].max.p && sp_mean_compare(spans[to].max, spans[from].max) > 0)) {
                spans[from].max = spans[to].max;
                spans[from].max_open = spans[to].max_open;
            }
        spans[runs] = spans[from];
        lengths[runs] = to - from;
        if (lengths[runs] > lengths[best])
            best = runs;
    }
    if (!runs)
        return false;
    best = (best + sp_mean_side(m, runs)) % runs; /* the longest one first */
    if (spans[best].min.p)
        sp_demand_bound(&m->d->columns[column], false, spans[best].min, spans[best].min_open);
    if (spans[best].max.p)
        sp_demand_bound(&m->d->columns[column], true, spans[best].max, spans[best].max_open);
    return true;
}

/* One of the sides that are understood and that the rest allows. */
static bool demand_one_side(sp_meaning *m, const sp_term *const *sides, uint32_t n)
{
    sp_demands of;
    const sp_term **known = sp_mean_alloc(m, n, sizeof(const sp_term *));
    uint32_t n_known = 0;
    for (uint32_t i = 0; known && i < n; i++)
        if (demands_of_side(m, sides[i], &of) && !of.impossible)
            known[n_known++] = sides[i];
    m->narrowed = m->narrowed || n_known < n;
    return n_known && sp_mean(m, known[sp_mean_side(m, n_known)]);
}

static bool mentions(const sp_term *n, uint32_t column)
{
    if (!n)
        return false;
    return (n->kind == N_COLUMN && n->column == column) || mentions(n->args[0], column) ||
           mentions(n->args[1], column) || mentions(n->next, column);
}

/* Nulls of a column that another side is about pass by that side, too. */
static bool is_let_through(const sp_term *const *sides, uint32_t n, uint32_t at)
{
    if (!sp_term_is(sides[at], "IS NULL") || sides[at]->args[0]->kind != N_COLUMN)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (i != at && !sp_term_tests_null(sides[i]) && !sp_term_is(sides[i], "AND") &&
            mentions(sides[i], sides[at]->args[0]->column))
            return true;
    return false;
}

/* What all sides come to, or one of them. */
bool sp_mean_either(sp_meaning *m, const sp_term *n)
{
    uint32_t count, kept = 0;
    const sp_term **all = sides_of(m, n, &count), **sides = sp_mean_alloc(m, count, sizeof(const sp_term *));
    for (uint32_t i = 0; all && sides && i < count; i++)
        if (!is_let_through(all, count, i))
            sides[kept++] = all[i];
    if (kept == 1) {
        bool passes = m->null_passes;
        m->null_passes = passes || count > 1;
        bool understood = sp_mean(m, sides[0]);
        m->null_passes = passes;
        return understood;
    }
    return kept &&
           (demand_any_value(m, sides, kept) || demand_spans(m, sides, kept) || demand_one_side(m, sides, kept));
}
