/* demand.c - what CHECK conditions demand of columns, as far as a generator can be told: bounds, lists of values, lengths, patterns,
 * one column below another, nulls, sums. AND adds demands up. Of OR, values and spans of one column are put together; else one side
 * that is understood is demanded, which keeps the condition, if not all that it allows. */
#include "plan/condition.h"

#include <stdlib.h>

typedef sp_term node;

typedef struct meaning {
    sp_arena *arena;
    const sp_conditions *t;
    sp_demands *d; /* where demands go */
    bool narrowed; /* by the condition that is read: to one of the ways that it allows */
    bool nomem;
} meaning;

static bool demand(meaning *m, const node *n);

static void *make(meaning *m, size_t n, size_t size)
{
    void *p = sp_arena_alloc(m->arena, n + 1, size);
    m->nomem = m->nomem || !p;
    return p;
}

static bool is_op(const node *n, const char *op)
{
    return n->kind == N_OP && sp_str_is(n->text, op);
}

static bool is_call(const node *n, const char *name)
{
    return n->kind == N_CALL && sp_str_is(n->text, name);
}

static bool is_one_of(sp_str text, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sp_str_is(text, names[i]))
            return true;
    return false;
}

/* Functions that leave a text's length and order as they are. */
static const node *bare(const node *n)
{
    static const char *const same[] = {"lower", "upper", "lcase", "ucase", "trim", "btrim", "date", "coalesce"};
    bool is_same = n && n->kind == N_CALL && is_one_of(n->text, same, SP_COUNT(same));
    return is_same && n->args[0] && n->args[0]->kind == N_COLUMN ? n->args[0] : n;
}

static const node *length_of(const node *n)
{
    static const char *const names[] = {"length", "char_length", "character_length", "octet_length",
                                        "len",    "cardinality", "array_length"};
    bool is = n->kind == N_CALL && is_one_of(n->text, names, SP_COUNT(names)) && n->args[0];
    return is && bare(n->args[0])->kind == N_COLUMN ? bare(n->args[0]) : NULL;
}

/* ---- one column and a literal -------------------------------------------------------------------- */

static int compare_numbers(sp_str a, sp_str b)
{
    double x, y;
    if (sp_parse_f64(a, &x) && sp_parse_f64(b, &y))
        return x < y ? -1 : x > y;
    int order = memcmp(a.p, b.p, SP_MIN(a.len, b.len));
    return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

void sp_demand_bound(sp_demand *d, bool is_max, sp_str value, bool open)
{
    sp_str *at = is_max ? &d->max : &d->min;
    int order = at->p ? compare_numbers(value, *at) : 0;
    if (at->p && (is_max ? order > 0 : order < 0))
        return;
    *at = value;
    *(is_max ? &d->max_open : &d->min_open) = open;
}

static bool demand_length(sp_demand *d, sp_str op, sp_str value)
{
    double v;
    if (!sp_parse_f64(value, &v))
        return false;
    int64_t n = (int64_t)v;
    if (sp_str_is(op, "=")) {
        d->length_min = d->length_max = n;
        return true;
    }
    int64_t low = op.p[0] == '>' ? n + (op.len == 1) : 0, high = op.p[0] == '<' ? n - (op.len == 1) : -1;
    d->length_min = SP_MAX(d->length_min, low);
    if (high >= 0 && (d->length_max < 0 || high < d->length_max))
        d->length_max = high;
    return true;
}

static bool has_value(const sp_demand *d, sp_str value)
{
    for (uint32_t i = 0; i < d->n_values; i++)
        if (sp_str_eq(d->values[i], value))
            return true;
    return d->n_values == 0;
}

/* One of these values, and, where others were demanded before, one of both. False: that is none. */
static bool demand_values(meaning *m, sp_demand *d, const node *list)
{
    uint32_t n = 0;
    for (const node *at = list; at; at = at->next) {
        if (at->kind != N_LITERAL && at->kind != N_NULL)
            return false;
        n++;
    }
    sp_str *values = make(m, n, sizeof(*values));
    n = 0;
    for (const node *at = list; values && at; at = at->next)
        if (at->kind == N_LITERAL && has_value(d, at->text))
            values[n++] = at->text;
    if (!n)
        return false;
    d->values = values;
    d->n_values = n;
    return true;
}

/* The column is just this. */
static bool demand_value(meaning *m, const node *column, const char *text)
{
    node *value = make(m, 1, sizeof(*value));
    if (!value)
        return false;
    *value = (node){.kind = N_LITERAL, .text = sp_str_of(text)};
    return demand_values(m, &m->d->columns[column->column], value);
}

/* left op literal */
static bool demand_bound(meaning *m, const node *left, sp_str op, const node *value)
{
    const node *measured = length_of(left);
    if (measured)
        return sp_str_is(op, "<>") || demand_length(&m->d->columns[measured->column], op, value->text);
    if (is_call(left, "jsonb_typeof") || is_call(left, "json_typeof")) {
        const node *of = left->args[0];
        if (sp_str_is(op, "=") && of && of->kind == N_COLUMN)
            m->d->columns[of->column].json_type = value->text;
        return sp_str_is(op, "=") && of && of->kind == N_COLUMN && !m->t->plain;
    }
    left = bare(left);
    if (left->kind != N_COLUMN)
        return false;
    sp_demand *d = &m->d->columns[left->column];
    if (sp_str_is(op, "="))
        return demand_values(m, d, value);
    if (sp_str_is(op, "<>"))
        return true; /* made values rarely are just this one; an empty text never */
    if (sp_str_is(op, "LIKE"))
        d->like = value->text;
    else if (sp_str_is(op, "~"))
        d->regex = value->text;
    else
        sp_demand_bound(d, op.p[0] == '<', value->text, op.len == 1);
    return !sp_str_is(op, "?") && !(m->t->plain && d->regex.p);
}

/* ---- columns among themselves -------------------------------------------------------------------- */

static bool demand_order(meaning *m, sp_str op, uint32_t left, uint32_t right)
{
    if (op.p[0] != '<' && op.p[0] != '>')
        return false;
    bool less = op.p[0] == '<';
    m->d->orderings[m->d->n_orderings++] = (sp_ordering){less ? left : right, less ? right : left};
    return true;
}

static sp_str mirrored(sp_str op)
{
    return sp_str_is(op, "<")    ? sp_str_of(">")
           : sp_str_is(op, "<=") ? sp_str_of(">=")
           : sp_str_is(op, ">")  ? sp_str_of("<")
           : sp_str_is(op, ">=") ? sp_str_of("<=")
                                 : op;
}

/* code = upper(code) */
static bool demand_case(meaning *m, const node *turned, uint32_t column)
{
    sp_demand *d = &m->d->columns[column];
    d->upper = d->upper || is_call(turned, "upper") || is_call(turned, "ucase");
    d->lower = d->lower || is_call(turned, "lower") || is_call(turned, "lcase");
    return turned->kind == N_CALL && !is_call(turned, "date") && !is_call(turned, "coalesce");
}

/* A sum or product of columns and numbers, as plans write it: every part in brackets. */
static bool write_sum(meaning *m, const node *n, sp_buf *out, bool *in_sums)
{
    if (n->kind == N_COLUMN) {
        in_sums[n->column] = true;
        return !sp_buf_printf(out, "\"%s\"", m->t->names[n->column]);
    }
    double number;
    if (n->kind == N_LITERAL)
        return sp_parse_f64(n->text, &number) && !sp_buf_printf(out, "%.*s", (int)n->text.len, n->text.p);
    if (!is_op(n, "+") && !is_op(n, "-") && !is_op(n, "*"))
        return false;
    return !sp_buf_adds(out, "(") && write_sum(m, n->args[0], out, in_sums) &&
           !sp_buf_printf(out, " %.*s ", (int)n->text.len, n->text.p) && write_sum(m, n->args[1], out, in_sums) &&
           !sp_buf_adds(out, ")");
}

/* total = quantity * price */
static bool demand_sum(meaning *m, const node *column, const node *sum)
{
    sp_demand *d = &m->d->columns[column->column];
    bool *in_sums = make(m, m->t->n_names, sizeof(*in_sums));
    sp_buf text = {0};
    bool good = in_sums && sum->kind == N_OP && !d->sum.p && !m->d->in_sums[column->column] &&
                write_sum(m, sum, &text, in_sums) && !in_sums[column->column];
    for (uint32_t i = 0; good && i < m->t->n_names; i++)
        good = !in_sums[i] || !m->d->columns[i].sum.p; /* sums of sums may go in a circle */
    char *kept = good ? sp_arena_strndup(m->arena, text.data, text.len) : NULL;
    m->nomem = m->nomem || (good && !kept);
    for (uint32_t i = 0; kept && i < m->t->n_names; i++)
        m->d->in_sums[i] = m->d->in_sums[i] || in_sums[i];
    if (kept)
        d->sum = sp_str_of(kept);
    sp_buf_done(&text);
    return kept != NULL;
}

static bool demand_comparison(meaning *m, const node *n)
{
    const node *a = bare(n->args[0]), *b = bare(n->args[1]);
    bool equal = is_op(n, "=");
    if (b->kind == N_LITERAL)
        return demand_bound(m, n->args[0], n->text, b);
    if (a->kind == N_LITERAL)
        return demand_bound(m, n->args[1], mirrored(n->text), a);
    if (a->kind == N_COLUMN && b->kind == N_COLUMN && a->column == b->column)
        return equal && !m->t->plain && demand_case(m, n->args[0] == a ? n->args[1] : n->args[0], a->column);
    if (m->t->plain && equal)
        return false;
    if (equal && a->kind == N_COLUMN && b->kind == N_OP)
        return demand_sum(m, a, b);
    if (equal && b->kind == N_COLUMN && a->kind == N_OP)
        return demand_sum(m, b, a);
    return a->kind == N_COLUMN && b->kind == N_COLUMN && demand_order(m, n->text, a->column, b->column);
}

/* ---- nulls --------------------------------------------------------------------------------------- */

static bool demand_null(meaning *m, const node *column, bool null)
{
    column = bare(column);
    if (column->kind != N_COLUMN || (null && m->t->plain))
        return false;
    sp_demand *d = &m->d->columns[column->column];
    *(null ? &d->is_null : &d->not_null) = true;
    return true;
}

static bool is_null_test(const node *n)
{
    return is_op(n, "IS NULL") || is_op(n, "IS NOT NULL");
}

/* num_nonnulls(a, b, c) = 1: the first are there, the others not. */
static bool demand_count(meaning *m, const node *call, sp_str op, const node *number)
{
    int64_t n;
    uint32_t all = 0, i = 0;
    bool there = is_call(call, "num_nonnulls"), good = (there || is_call(call, "num_nulls")) &&
                                                       number->kind == N_LITERAL && sp_parse_i64(number->text, &n);
    for (const node *at = call->args[0]; good && at; at = at->next, all++)
        good = at->kind == N_COLUMN;
    if (!good || sp_str_is(op, "<>"))
        return false;
    n += op.len == 1 ? (op.p[0] == '>') - (op.p[0] == '<') : 0;
    if (n < 0 || n > all)
        return false;
    uint32_t first = (uint32_t)(there ? n : all - n);
    for (const node *at = call->args[0]; at; at = at->next, i++)
        demand_null(m, at, i >= first);
    m->narrowed = true;
    return true;
}

/* (a IS NOT NULL)::int + (b IS NOT NULL)::int = 1: how many, and the first of them is the one. */
static bool demand_null_sum(meaning *m, const node *n, bool *found)
{
    if (is_op(n, "+"))
        return demand_null_sum(m, n->args[0], found) && demand_null_sum(m, n->args[1], found);
    if (!is_op(n, "IS NOT NULL"))
        return false;
    bool first = !*found;
    *found = m->narrowed = true;
    return demand_null(m, n->args[0], !first);
}

/* (a IS NULL) <> (b IS NULL), (state = 'closed') = (closed IS NOT NULL): two truths that agree or do not. */
static bool demand_agreement(meaning *m, const node *n)
{
    const node *a = n->args[0], *b = n->args[1];
    m->narrowed = true;
    if (is_op(n, "=") && is_op(a, "IS NULL") && is_op(b, "IS NULL"))
        return (int)demand_null(m, a->args[0], false) & (int)demand_null(m, b->args[0], false);
    if (is_op(n, "="))
        return (int)demand(m, a) & (int)demand(m, b);
    const node *denied = is_null_test(b) ? b : a, *said = denied == b ? a : b;
    if (is_op(a, "IS NULL") && denied == b && is_op(b, "IS NULL")) /* rather the first one than the second */
        return (int)demand_null(m, a->args[0], false) & (int)demand_null(m, b->args[0], true);
    return is_null_test(denied) &&
           ((int)demand_null(m, denied->args[0], !is_op(denied, "IS NULL")) & (int)demand(m, said));
}

static bool is_truth(const node *n)
{
    static const char *const ops[] = {"=", "<>", "<", "<=", ">", ">=", "LIKE", "~", "IN", "IS NULL", "IS NOT NULL"};
    return n->kind == N_OP && is_one_of(n->text, ops, SP_COUNT(ops));
}

/* ---- either of several --------------------------------------------------------------------------- */

/* The sides of a chain of ORs, the first one first. */
static const node **sides_of(meaning *m, const node *n, uint32_t *count)
{
    uint32_t sides = 1, at;
    for (const node *left = n; is_op(left, "OR"); left = left->args[0])
        sides++;
    const node **list = make(m, sides, sizeof(const node *));
    for (at = sides; list && at-- > 1; n = n->args[0])
        list[at] = n->args[1];
    if (list)
        list[0] = n;
    *count = sides;
    return list;
}

/* Values of one column on all sides. */
static bool demand_any_value(meaning *m, const node *const *sides, uint32_t n)
{
    uint32_t column = UINT32_MAX;
    node *first = NULL, **last = &first;
    for (uint32_t i = 0; i < n; i++) {
        bool one = is_op(sides[i], "=") || is_op(sides[i], "IN");
        const node *left = one ? bare(sides[i]->args[0]) : NULL;
        if (!one || left->kind != N_COLUMN || (column != UINT32_MAX && column != left->column))
            return false;
        column = left->column;
        *last = is_op(sides[i], "IN") ? sides[i]->args[1]->args[0] : sides[i]->args[1];
        while (*last)
            last = &(*last)->next;
    }
    return demand_values(m, &m->d->columns[column], first);
}

/* What one side demands by itself. False: it is not understood. */
static bool demands_of_side(meaning *m, const node *side, sp_demands *out)
{
    *out = *m->d;
    out->columns = make(m, m->t->n_names, sizeof(*out->columns));
    out->n_orderings = 0;
    if (!out->columns)
        return false;
    for (uint32_t i = 0; i < m->t->n_names; i++)
        out->columns[i].length_max = -1;
    meaning alone = {.arena = m->arena, .t = m->t, .d = out};
    bool understood = demand(&alone, side);
    m->nomem = m->nomem || alone.nomem;
    return understood && !out->n_orderings;
}

typedef struct span {
    sp_str min, max; /* p NULL: no such bound */
    bool max_open;
    const sp_str *values;
    uint32_t n_values;
} span;

/* A side that demands bounds, or values, of one column, perhaps that it is there, and nothing else. */
static bool is_span(const sp_demands *d, uint32_t n, uint32_t *column, span *out)
{
    for (uint32_t i = 0; i < n; i++) {
        sp_demand c = d->columns[i];
        bool other = c.like.p || c.regex.p || c.is_null || c.upper || c.lower || c.json_type.p || c.sum.p ||
                     c.length_min || c.length_max >= 0;
        bool any = c.min.p || c.max.p || c.n_values || c.not_null;
        if (other || (any && *column != UINT32_MAX && *column != i))
            return false;
        if (!any)
            continue;
        *column = i;
        *out = (span){c.min, c.max, c.max_open, c.values, c.n_values};
    }
    return *column != UINT32_MAX && (out->n_values > 0) == (!out->min.p && !out->max.p);
}

static int compare_spans(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (!x->min.p || !y->min.p)
        return (x->min.p != NULL) - (y->min.p != NULL);
    return compare_numbers(x->min, y->min);
}

/* The values of all spans. */
static bool demand_all_values(meaning *m, sp_demand *d, const span *spans, uint32_t n)
{
    uint32_t all = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++)
        all += spans[i].n_values;
    sp_str *values = make(m, all, sizeof(*values));
    for (uint32_t i = 0; values && i < n; i++)
        for (uint32_t j = 0; j < spans[i].n_values; j++)
            if (has_value(d, spans[i].values[j]))
                values[kept++] = spans[i].values[j];
    if (!kept)
        return false;
    d->values = values;
    d->n_values = kept;
    return true;
}

/* Spans of one column, as of a table's partitions: of those that follow one upon the other the most; or all values. */
static bool demand_spans(meaning *m, const node *const *sides, uint32_t n)
{
    span *spans = make(m, n, sizeof(*spans));
    uint32_t column = UINT32_MAX, best = 0, best_n = 0, listed = 0;
    sp_demands of;
    for (uint32_t i = 0; i < n; i++) {
        if (!spans || !demands_of_side(m, sides[i], &of) || !is_span(&of, m->t->n_names, &column, &spans[i]))
            return false;
        listed += spans[i].n_values > 0;
    }
    if (listed)
        return listed == n && demand_all_values(m, &m->d->columns[column], spans, n);
    qsort(spans, n, sizeof(*spans), compare_spans);
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n; to++) {
            if (spans[from].max.p && compare_numbers(spans[to].min, spans[from].max) > 0)
                break;
            if (!spans[to].max.p || (spans[from].max.p && compare_numbers(spans[to].max, spans[from].max) > 0)) {
                spans[from].max = spans[to].max;
                spans[from].max_open = spans[to].max_open;
            }
        }
        if (to - from > best_n) {
            best = from;
            best_n = to - from;
        }
    }
    m->narrowed = m->narrowed || best_n < n;
    if (spans[best].min.p)
        sp_demand_bound(&m->d->columns[column], false, spans[best].min, false);
    if (spans[best].max.p)
        sp_demand_bound(&m->d->columns[column], true, spans[best].max, spans[best].max_open);
    return true;
}

/* The first side that is understood. */
static bool demand_one_side(meaning *m, const node *const *sides, uint32_t n)
{
    sp_demands of;
    for (uint32_t i = 0; i < n; i++)
        if (demands_of_side(m, sides[i], &of)) {
            m->narrowed = true;
            return demand(m, sides[i]);
        }
    return false;
}

/* Nulls are let through, and else the other side holds; or what all sides come to. */
static bool demand_either(meaning *m, const node *n)
{
    const node *a = n->args[0], *b = n->args[1];
    if (is_op(a, "IS NULL"))
        return demand(m, b);
    if (is_op(b, "IS NULL"))
        return demand(m, a);
    uint32_t count;
    const node **sides = sides_of(m, n, &count);
    return sides && (demand_any_value(m, sides, count) || demand_spans(m, sides, count) ||
                     demand_one_side(m, sides, count));
}

/* ---- the whole ----------------------------------------------------------------------------------- */

/* json_valid(column), as MariaDB writes for its JSON columns, asks for nothing that is not made anyway; and what part of a hash a
 * partition has, all of them together take. A pattern may be a function, too. */
static bool demand_call(meaning *m, const node *n)
{
    static const char *const granted[] = {"json_valid", "satisfies_hash_partition"},
                            *const patterns[] = {"regexp_like", "regexp_matches", "regexp_full_match"};
    const node *column = n->args[0], *text = column ? column->next : NULL;
    if (is_one_of(n->text, granted, SP_COUNT(granted)))
        return true;
    return is_one_of(n->text, patterns, SP_COUNT(patterns)) && text && text->kind == N_LITERAL &&
           demand_bound(m, column, sp_str_of("~"), text);
}

static bool demand(meaning *m, const node *n)
{
    bool found = false;
    if (n->kind == N_COLUMN) /* a truth by itself */
        return demand_value(m, n, "true");
    if (n->kind == N_CALL)
        return demand_call(m, n);
    if (is_op(n, "AND")) /* both, even when one is not understood: what is demanded is demanded */
        return (int)demand(m, n->args[0]) & (int)demand(m, n->args[1]);
    if (is_op(n, "OR"))
        return demand_either(m, n);
    if (is_null_test(n))
        return demand_null(m, n->args[0], is_op(n, "IS NULL"));
    if (is_op(n, "IN") && bare(n->args[0])->kind == N_COLUMN && n->args[1]->kind == N_LIST)
        return demand_values(m, &m->d->columns[bare(n->args[0])->column], n->args[1]->args[0]);
    if (n->kind != N_OP || !n->args[1])
        return false;
    if ((is_op(n, "=") || is_op(n, "<>")) && is_truth(n->args[0]) && is_truth(n->args[1]))
        return demand_agreement(m, n);
    if (n->args[0]->kind == N_CALL && demand_count(m, n->args[0], n->text, n->args[1]))
        return true;
    if (is_op(n, "=") && is_op(n->args[0], "+") && sp_str_is(n->args[1]->text, "1") &&
        demand_null_sum(m, n->args[0], &found))
        return true;
    return demand_comparison(m, n);
}

static bool read_condition(const sp_condition *check, meaning *m)
{
    const node *n = sp_condition_read(m->t, check, m->arena, &m->nomem);
    m->narrowed = false;
    return n && demand(m, n);
}

bool sp_demands_read(const sp_conditions *t, sp_arena *arena, sp_demands *out)
{
    size_t most = 0; /* comparisons there can be */
    for (uint32_t i = 0; i < t->n; i++)
        most += strlen(t->items[i].sql);
    *out = (sp_demands){.columns = sp_arena_alloc(arena, t->n_names + 1, sizeof(*out->columns)),
                        .orderings = sp_arena_alloc(arena, most + 1, sizeof(*out->orderings)),
                        .unread = sp_arena_alloc(arena, t->n + 1, sizeof(*out->unread)),
                        .narrowed = sp_arena_alloc(arena, t->n + 1, sizeof(*out->narrowed)),
                        .in_sums = sp_arena_alloc(arena, t->n_names + 1, sizeof(*out->in_sums))};
    if (!out->columns || !out->orderings || !out->unread || !out->narrowed || !out->in_sums)
        return false;
    for (uint32_t i = 0; i < t->n_names; i++)
        out->columns[i].length_max = -1;
    meaning m = {.arena = arena, .t = t, .d = out};
    for (uint32_t i = 0; i < t->n && !m.nomem; i++)
        if (!read_condition(&t->items[i], &m))
            out->unread[out->n_unread++] = &t->items[i];
        else if (m.narrowed)
            out->narrowed[out->n_narrowed++] = &t->items[i];
    return !m.nomem;
}
