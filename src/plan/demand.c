/* demand.c - what CHECK conditions demand of columns, as far as a generator can be told: bounds, lists of values, lengths, patterns,
 * one column below another, nulls, sums. AND adds demands up. */
#include "plan/meaning.h"

bool sp_way_next(sp_way *way)
{
    while (way->n && way->side[way->n - 1] + 1 >= way->of[way->n - 1])
        way->n--;
    if (way->n)
        way->side[way->n - 1]++;
    return way->n > 0;
}

/* Which of n sides is taken. */
uint32_t sp_mean_side(sp_meaning *m, uint32_t n)
{
    sp_way *way = m->way;
    if (n < 2)
        return 0;
    if (!way || m->fork == SP_WAY_FORKS_MAX || n > SP_WAY_SIDES_MAX) {
        m->narrowed = true;
        return 0;
    }
    m->forked = true;
    if (m->fork == way->n) {
        way->side[way->n] = 0;
        way->of[way->n++] = (uint8_t)n;
    }
    return way->side[m->fork++];
}

void *sp_mean_alloc(sp_meaning *m, size_t n, size_t size)
{
    void *p = sp_arena_alloc(m->arena, n + 1, size);
    m->nomem = m->nomem || !p;
    return p;
}

/* Functions that leave a text's length and order as they are. */
const sp_term *sp_mean_bare(const sp_term *n)
{
    static const char *const same[] = {"lower", "upper", "lcase", "ucase", "trim", "btrim", "date", "coalesce"};
    bool is_same = n && n->kind == N_CALL && sp_is_one_of(n->text, same, SP_COUNT(same));
    return is_same && n->args[0] && n->args[0]->kind == N_COLUMN ? n->args[0] : n;
}

/* ---- columns among themselves -------------------------------------------------------------------- */

static bool demand_order(sp_meaning *m, sp_str op, uint32_t left, uint32_t right)
{
    bool differ = sp_str_is(op, "<>");
    if ((op.p[0] != '<' && op.p[0] != '>') || (differ && m->t->plain))
        return false;
    bool less = op.p[0] == '<';
    m->d->orderings[m->d->n_orderings++] =
        (sp_ordering){.low = less ? left : right, .high = less ? right : left, .differ = differ, .of = m->check};
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

/* day = date(day), datetime(at) IS NOT NULL: what SQLite has for a date is a text. */
static bool demand_moment_text(sp_demand *d, const sp_term *call)
{
    bool date = sp_term_calls(call, "date"), moment = sp_term_calls(call, "datetime");
    d->date = d->date || date;
    d->moment = d->moment || moment;
    return date || moment;
}

/* price = round(price, 2): no more digits than that. */
static bool demand_digits(sp_meaning *m, const sp_term *column, const sp_term *call)
{
    if (column->kind != N_COLUMN || call->kind != N_CALL || !call->args[0] || call->args[0]->kind != N_COLUMN ||
        call->args[0]->column != column->column || m->t->plain)
        return false;
    sp_demand *d = &m->d->columns[column->column];
    static const char *const names[] = {"round", "trunc", "truncate", "floor", "ceil", "ceiling"};
    const sp_term *digits = call->args[0]->next;
    int64_t n = 0;
    if (!sp_is_one_of(call->text, names, SP_COUNT(names)) ||
        (digits && (digits->kind != N_LITERAL || !sp_parse_i64(digits->text, &n) || n < 0)))
        return false;
    d->digits = d->rounded ? SP_MIN(d->digits, (uint32_t)SP_MIN(n, 18)) : (uint32_t)SP_MIN(n, 18);
    d->rounded = true;
    return true;
}

/* at = strftime('%Y-%m-%d', at) */
static bool demand_form(sp_meaning *m, const sp_term *column, const sp_term *call)
{
    const sp_term *form = sp_term_calls(call, "strftime") ? call->args[0] : NULL, *of = form ? form->next : NULL;
    if (column->kind != N_COLUMN || !of || of->kind != N_COLUMN || of->column != column->column ||
        form->kind != N_LITERAL)
        return false;
    bool date = sp_str_is(form->text, "%Y-%m-%d"), moment = sp_str_is(form->text, "%Y-%m-%d %H:%M:%S");
    m->d->columns[column->column].date |= date;
    m->d->columns[column->column].moment |= moment;
    return date || moment;
}

/* code = upper(code) */
static bool demand_case(sp_meaning *m, const sp_term *turned, uint32_t column)
{
    sp_demand *d = &m->d->columns[column];
    d->upper = d->upper || sp_term_calls(turned, "upper") || sp_term_calls(turned, "ucase");
    d->lower = d->lower || sp_term_calls(turned, "lower") || sp_term_calls(turned, "lcase");
    return demand_moment_text(d, turned) || (turned->kind == N_CALL && !sp_term_calls(turned, "coalesce"));
}

/* A sum or product of columns and numbers, as plans write it: every part in brackets. */
static bool write_sum(sp_meaning *m, const sp_term *n, sp_buf *out, bool *in_sums)
{
    if (n->kind == N_COLUMN) {
        in_sums[n->column] = true;
        return !sp_buf_printf(out, "\"%s\"", m->t->names[n->column]);
    }
    double number;
    if (n->kind == N_LITERAL)
        return sp_parse_f64(n->text, &number) && !sp_buf_printf(out, "%.*s", (int)n->text.len, n->text.p);
    bool division = m->whole && sp_term_is(n, "/"), rest = m->whole && sp_term_is(n, "%");
    if (!sp_term_is(n, "+") && !sp_term_is(n, "-") && !sp_term_is(n, "*") && !division && !rest)
        return false;
    return !sp_buf_adds(out, division ? "floor(" : "(") && write_sum(m, n->args[0], out, in_sums) &&
           !sp_buf_printf(out, " %.*s ", (int)n->text.len, n->text.p) && write_sum(m, n->args[1], out, in_sums) &&
           !sp_buf_adds(out, ")");
}

const char *sp_condition_sum(const sp_conditions *t, const char *sql, bool whole, sp_arena *arena)
{
    sp_meaning m = {.arena = arena, .t = t, .whole = whole};
    bool *named = sp_mean_alloc(&m, t->n_names, sizeof(*named));
    const sp_term *sum = named ? sp_condition_read(t, &(sp_condition){sql, -1}, arena, &m.nomem) : NULL;
    sp_buf text = {0};
    const char *kept = sum && sum->kind == N_OP && write_sum(&m, sum, &text, named)
                           ? sp_arena_strndup(arena, text.data, text.len)
                           : NULL;
    sp_buf_done(&text);
    return kept;
}

/* total = quantity * price */
static bool demand_sum(sp_meaning *m, const sp_term *column, const sp_term *sum)
{
    sp_demand *d = &m->d->columns[column->column];
    bool *in_sums = sp_mean_alloc(m, m->t->n_names, sizeof(*in_sums));
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

/* high - low < 100: so much more than that, at most. */
static bool demand_span(sp_meaning *m, const sp_term *difference, sp_str op, const sp_term *value)
{
    const sp_term *a = difference->args[0], *b = difference->args[1];
    int64_t most;
    if (a->kind != N_COLUMN || b->kind != N_COLUMN || a->column == b->column || op.p[0] != '<' || sp_str_is(op, "<>") ||
        m->t->plain || !sp_parse_i64(value->text, &most) || most - (op.len == 1) < 0)
        return false;
    sp_demand *d = &m->d->columns[a->column];
    if (d->sum.p || m->d->in_sums[a->column] || m->d->columns[b->column].sum.p)
        return false;
    const char *sum =
        sp_arena_printf(m->arena, "\"%s\" + random(0, %lld)", m->t->names[b->column], (long long)most - (op.len == 1));
    m->nomem = m->nomem || !sum;
    m->d->in_sums[b->column] = true;
    d->sum = sp_str_of(sum ? sum : "");
    return true;
}

/* debit + credit > 0: one of them is, and none is below zero. */
static bool demand_some(sp_meaning *m, const sp_term *sum, sp_str op, const sp_term *value)
{
    const sp_term *parts[16];
    uint32_t n = 0;
    for (; sp_term_is(sum, "+") && n + 1 < SP_COUNT(parts); sum = sum->args[0])
        parts[n++] = sum->args[1];
    parts[n++] = sum;
    double v;
    bool good = op.p[0] == '>' && !m->t->plain && sp_parse_f64(value->text, &v) && v >= 0;
    for (uint32_t i = 0; i < n; i++)
        good = good && parts[i]->kind == N_COLUMN;
    if (!good)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        sp_demand_bound(&m->d->columns[parts[i]->column], false, sp_str_of("0"), false);
        m->d->columns[parts[i]->column].not_null = true;
    }
    sp_demand_bound(&m->d->columns[parts[sp_mean_side(m, n)]->column], false, value->text, op.len == 1);
    return true;
}

/* credit * debit = 0: one of them is. */
static bool demand_nothing(sp_meaning *m, const sp_term *product, const sp_term *value)
{
    double v;
    const sp_term *a = product->args[0], *b = product->args[1];
    if (a->kind != N_COLUMN || b->kind != N_COLUMN || m->t->plain || !sp_parse_f64(value->text, &v) || v != 0)
        return false;
    return sp_mean_just(m, sp_mean_side(m, 2) ? b : a, "0");
}

static bool demand_comparison(sp_meaning *m, const sp_term *n)
{
    const sp_term *a = sp_mean_bare(n->args[0]), *b = sp_mean_bare(n->args[1]);
    bool equal = sp_term_is(n, "=");
    if (b->kind == N_LITERAL && sp_term_is(a, "+") && demand_some(m, a, n->text, b))
        return true;
    if (b->kind == N_LITERAL && sp_term_is(a, "-"))
        return demand_span(m, a, n->text, b);
    if (b->kind == N_LITERAL && equal && sp_term_is(a, "*"))
        return demand_nothing(m, a, b);
    if (b->kind == N_LITERAL)
        return sp_mean_bound(m, n->args[0], n->text, b);
    if (a->kind == N_LITERAL)
        return sp_mean_bound(m, n->args[1], mirrored(n->text), a);
    if (a->kind == N_COLUMN && b->kind == N_COLUMN && a->column == b->column)
        return equal && !m->t->plain && demand_case(m, n->args[0] == a ? n->args[1] : n->args[0], a->column);
    if (m->t->plain && equal)
        return false;
    if (equal && (sp_demand_truncated(m->d, a, b) || sp_demand_truncated(m->d, b, a)))
        return true;
    if (equal && (demand_digits(m, a, b) || demand_digits(m, b, a) || demand_form(m, a, b) || demand_form(m, b, a)))
        return true;
    if (equal && a->kind == N_COLUMN && b->kind == N_OP)
        return demand_sum(m, a, b);
    if (equal && b->kind == N_COLUMN && a->kind == N_OP)
        return demand_sum(m, b, a);
    return a->kind == N_COLUMN && b->kind == N_COLUMN && demand_order(m, n->text, a->column, b->column);
}

/* ---- nulls --------------------------------------------------------------------------------------- */

static bool demand_null(sp_meaning *m, const sp_term *column, bool null)
{
    const sp_term *call =
        column->kind == N_CALL && column->args[0] && column->args[0]->kind == N_COLUMN ? column : NULL;
    if (call && !null && demand_moment_text(&m->d->columns[call->args[0]->column], call))
        column = call->args[0];
    column = sp_mean_bare(column);
    if (column->kind != N_COLUMN || (null && m->t->plain))
        return false;
    sp_demand *d = &m->d->columns[column->column];
    *(null ? &d->is_null : &d->not_null) = true;
    return true;
}

/* num_nonnulls(a, b, c) = 1: one after the other is there, or so many that stand together. */
static bool demand_count(sp_meaning *m, const sp_term *call, sp_str op, const sp_term *number)
{
    int64_t n;
    uint32_t all = 0, i = 0;
    bool there = sp_term_calls(call, "num_nonnulls"), good = (there || sp_term_calls(call, "num_nulls")) &&
                                                             number->kind == N_LITERAL &&
                                                             sp_parse_i64(number->text, &n);
    for (const sp_term *at = call->args[0]; good && at; at = at->next, all++)
        good = at->kind == N_COLUMN;
    if (!good || sp_str_is(op, "<>"))
        return false;
    n += op.len == 1 ? (op.p[0] == '>') - (op.p[0] == '<') : 0;
    if (n < 0 || n > all)
        return false;
    uint32_t some = (uint32_t)(there ? n : all - n), from = sp_mean_side(m, some && some < all ? all : 1);
    m->narrowed = m->narrowed || op.len > 1 || op.p[0] != '=' || (some > 1 && some + 1 < all);
    for (const sp_term *at = call->args[0]; at; at = at->next, i++)
        demand_null(m, at, (i + all - from) % all >= some);
    return true;
}

/* (a IS NOT NULL)::int + (b IS NOT NULL)::int = 1: one of them is there. */
static bool demand_null_sum(sp_meaning *m, sp_str op, const sp_term *sum)
{
    if (!sp_str_is(op, "=") && !sp_str_is(op, "<=") && !sp_str_is(op, ">="))
        return false;
    const sp_term *parts[16];
    uint32_t n = 0;
    for (; sp_term_is(sum, "+") && n + 1 < SP_COUNT(parts); sum = sum->args[0])
        parts[n++] = sum->args[1];
    parts[n++] = sum;
    for (uint32_t i = 0; i < n; i++)
        if (!sp_term_is(parts[i], "IS NOT NULL") || parts[i]->args[0]->kind != N_COLUMN)
            return false;
    bool none = op.p[0] == '<'; /* may be there, too */
    m->narrowed = m->narrowed || op.p[0] == '>';
    uint32_t side = sp_mean_side(m, n + none);
    for (uint32_t i = 0; i < n; i++)
        demand_null(m, parts[i]->args[0], i != n - 1 - side);
    return true;
}

/* What is true where n is not; NULL: that is not known. */
static const sp_term *opposite(sp_meaning *m, const sp_term *n)
{
    static const char *const pairs[][2] = {
        {"=", "<>"}, {"<", ">="}, {">", "<="}, {"IS NULL", "IS NOT NULL"}, {"IN", "NOT IN"}};
    for (size_t i = 0; i < SP_COUNT(pairs); i++)
        for (int side = 0; side < 2; side++) {
            sp_term *other = sp_term_is(n, pairs[i][side]) ? sp_mean_alloc(m, 1, sizeof(*other)) : NULL;
            if (other) {
                *other = *n;
                other->text = sp_str_of(pairs[i][!side]);
                return other;
            }
        }
    return NULL;
}

/* (a IS NULL) <> (b IS NULL), (state = 'closed') = (closed IS NOT NULL): two truths that agree or do not. Either both of a pair
 * hold, or their opposites do. */
static bool demand_agreement(sp_meaning *m, const sp_term *n)
{
    const sp_term *a = n->args[0], *b = n->args[1], *not_a = opposite(m, a), *not_b = opposite(m, b);
    if (sp_term_is(n, "<>")) {
        const sp_term *kept = b;
        b = not_b;
        not_b = kept;
    }
    bool first = a && b && !sp_term_is(a, "IS NULL"), can_first = a && b, can_second = not_a && not_b;
    if (!can_first && !can_second)
        return false;
    m->narrowed = m->narrowed || can_first != can_second;
    uint32_t side = sp_mean_side(m, (uint32_t)can_first + (uint32_t)can_second);
    bool as_said = can_first && (!can_second || (side == 0) == first);
    return as_said ? (int)sp_mean(m, a) & (int)sp_mean(m, b) : (int)sp_mean(m, not_a) & (int)sp_mean(m, not_b);
}

static bool is_truth(const sp_term *n)
{
    static const char *const ops[] = {
        "=", "<>", "<", "<=", ">", ">=", "LIKE", "~", "IN", "NOT IN", "IS NULL", "IS NOT NULL"};
    return n->kind == N_OP && sp_is_one_of(n->text, ops, SP_COUNT(ops));
}

/* ---- the whole ----------------------------------------------------------------------------------- */

static bool demand_listed(sp_meaning *m, const sp_term *n)
{
    const sp_term *left = sp_mean_bare(n->args[0]), *values = n->args[1]->args[0];
    bool in = sp_term_is(n, "IN");
    if (in && sp_term_calls(left, "typeof") && !m->t->plain) /* what is made is of the column's type */
        return true;
    if (left->kind != N_COLUMN)
        return in && values && !m->t->plain && sp_demand_part(m->arena, m->d, left, n->text, values);
    sp_demand *d = &m->d->columns[left->column];
    return in ? sp_mean_values(m, d, values) : values && !m->t->plain && sp_mean_no_value(m, d, values);
}

static bool is_yes(const sp_term *n)
{
    return n->kind == N_LITERAL && (sp_str_is(n->text, "1") || sp_str_ieq(n->text, "true"));
}

bool sp_mean(sp_meaning *m, const sp_term *n)
{
    if (n->kind == N_COLUMN) /* a truth by itself */
        return sp_mean_just(m, n, "true");
    if (n->kind == N_CALL)
        return sp_mean_call(m, n);
    if (sp_term_is(n, "AND")) /* both, even when one is not understood: what is demanded is demanded */
        return (int)sp_mean(m, n->args[0]) & (int)sp_mean(m, n->args[1]);
    if (sp_term_is(n, "OR"))
        return sp_mean_either(m, n);
    if (sp_term_tests_null(n))
        return demand_null(m, n->args[0], sp_term_is(n, "IS NULL"));
    if ((sp_term_is(n, "IN") || sp_term_is(n, "NOT IN")) && n->args[1]->kind == N_LIST)
        return demand_listed(m, n);
    if (n->kind != N_OP || !n->args[1])
        return false;
    if ((sp_term_is(n, "=") || sp_term_is(n, "<>")) && is_truth(n->args[0]) && is_truth(n->args[1]))
        return demand_agreement(m, n);
    if (sp_term_is(n, "=") && (sp_term_is(n->args[0], "AND") || sp_term_is(n->args[0], "OR")) && is_yes(n->args[1]))
        return sp_mean(m, n->args[0]);
    if (n->args[0]->kind == N_CALL && demand_count(m, n->args[0], n->text, n->args[1]))
        return true;
    if (sp_term_is(n->args[0], "+") && sp_str_is(n->args[1]->text, "1") && demand_null_sum(m, n->text, n->args[0]))
        return true;
    return demand_comparison(m, n);
}

static bool read_condition(const sp_condition *check, sp_meaning *m)
{
    const sp_term *n = sp_condition_read(m->t, check, m->arena, &m->nomem);
    m->narrowed = m->forked = false;
    m->check = check;
    return n && sp_mean(m, n);
}

static bool is_within(const sp_demand *d, sp_str value)
{
    double v, bound;
    for (uint32_t i = 0; i < d->n_excluded; i++)
        if (sp_str_eq(d->excluded[i], value))
            return false;
    if (!sp_parse_f64(value, &v))
        return true;
    bool low = d->min.p && sp_parse_f64(d->min, &bound) && (d->min_open ? v <= bound : v < bound);
    bool high = d->max.p && sp_parse_f64(d->max, &bound) && (d->max_open ? v >= bound : v > bound);
    return !low && !high;
}

/* What is demanded of a column all together: values that nothing else forbids, and whether there is any. */
static void settle(sp_meaning *m, sp_demand *d, bool in_sums)
{
    double low, high;
    sp_str *values = d->n_values ? sp_mean_alloc(m, d->n_values, sizeof(*values)) : NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; values && i < d->n_values; i++)
        if (is_within(d, d->values[i]))
            values[n++] = d->values[i];
    bool none = values && !n;
    bool crossed = d->min.p && d->max.p && sp_parse_f64(d->min, &low) && sp_parse_f64(d->max, &high) && low > high;
    m->d->impossible = m->d->impossible || none || crossed || (d->is_null && (d->not_null || in_sums));
    if (n) {
        d->values = values;
        d->n_values = n;
    }
}

bool sp_demands_read(const sp_conditions *t, sp_way *way, sp_arena *arena, sp_demands *out)
{
    size_t most = 0; /* comparisons there can be */
    for (uint32_t i = 0; i < t->n; i++)
        most += strlen(t->items[i].sql);
    *out = (sp_demands){.columns = sp_arena_alloc(arena, t->n_names + 1, sizeof(*out->columns)),
                        .orderings = sp_arena_alloc(arena, most + 1, sizeof(*out->orderings)),
                        .unread = sp_arena_alloc(arena, t->n + 1, sizeof(*out->unread)),
                        .narrowed = sp_arena_alloc(arena, t->n + 1, sizeof(*out->narrowed)),
                        .forked = sp_arena_alloc(arena, t->n + 1, sizeof(*out->forked)),
                        .in_sums = sp_arena_alloc(arena, t->n_names + 1, sizeof(*out->in_sums))};
    if (!out->columns || !out->orderings || !out->unread || !out->narrowed || !out->forked || !out->in_sums)
        return false;
    for (uint32_t i = 0; i < t->n_names; i++)
        out->columns[i].length_max = -1;
    sp_meaning m = {.arena = arena, .t = t, .d = out, .way = way};
    for (uint32_t i = 0; i < t->n && !m.nomem; i++)
        if (!read_condition(&t->items[i], &m))
            out->unread[out->n_unread++] = &t->items[i];
        else if (m.narrowed)
            out->narrowed[out->n_narrowed++] = &t->items[i];
        else if (m.forked)
            out->forked[out->n_forked++] = &t->items[i];
    for (uint32_t i = 0; i < t->n_names; i++)
        settle(&m, &out->columns[i], out->in_sums[i]);
    return !m.nomem;
}
