/* demand.c - what CHECK conditions demand of columns, as far as a generator can be told: bounds, lists of values, lengths, patterns,
 * one column below another, nulls, sums. AND adds demands up. Of OR, values and spans of one column are put together; else one side
 * that is understood is demanded, which keeps the condition, if not all that it allows. */
#include "plan/condition.h"

#include <stdlib.h>

typedef sp_term node;

typedef struct meaning {
    sp_arena *arena;
    const sp_conditions *t;
    const sp_condition *check; /* that is read */
    sp_demands *d; /* where demands go */
    sp_way *way;   /* which sides are taken; NULL: the first ones */
    uint32_t fork; /* that comes next */
    bool narrowed; /* by the condition that is read: to one of the ways that it allows */
    bool forked;   /* the same, but other ways take the others */
    bool nomem;
} meaning;

bool sp_way_next(sp_way *way)
{
    while (way->n && way->side[way->n - 1] + 1 >= way->of[way->n - 1])
        way->n--;
    if (way->n)
        way->side[way->n - 1]++;
    return way->n > 0;
}

/* Which of n sides is taken. */
static uint32_t take_side(meaning *m, uint32_t n)
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
    if (!n && !d->n_values)
        return false;
    m->d->impossible = m->d->impossible || !n;
    d->values = n ? values : d->values;
    d->n_values = n ? n : d->n_values;
    return true;
}

/* None of these values, whatever else is demanded. */
static bool demand_no_value(meaning *m, sp_demand *d, const node *list)
{
    uint32_t n = d->n_excluded;
    for (const node *at = list; at; at = at->next, n++)
        if (at->kind != N_LITERAL)
            return false;
    sp_str *values = make(m, n, sizeof(*values));
    if (!values || m->t->plain)
        return m->t->plain && !list->next;
    if (d->n_excluded)
        memcpy(values, d->excluded, d->n_excluded * sizeof(*values));
    n = d->n_excluded;
    for (const node *at = list; at; at = at->next)
        values[n++] = at->text;
    d->excluded = values;
    d->n_excluded = n;
    return true;
}

/* A text that has no blank, or some other sign that words are without. */
static bool demand_one_word(sp_demand *d, sp_str pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.p[i];
        bool blank = c == '\\' && i + 1 < pattern.len && pattern.p[i + 1] == 's';
        i += blank;
        if (!blank && ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
                       c == '^' || c == '\\' || c == ':'))
            return false;
    }
    d->one_word = true;
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

/* abs(column) <= literal */
static bool demand_near_zero(meaning *m, const node *of, sp_str op, const node *value)
{
    const char *low = sp_arena_printf(m->arena, "-%.*s", (int)value->text.len, value->text.p);
    if (!of || of->kind != N_COLUMN || !low)
        return false;
    sp_demand_bound(&m->d->columns[of->column], false, sp_str_of(low), op.len == 1);
    sp_demand_bound(&m->d->columns[of->column], true, value->text, op.len == 1);
    return true;
}

/* SQLite's GLOB, as a regular expression: * and ? are what they are in names of files. */
static bool demand_glob(meaning *m, sp_demand *d, sp_str glob)
{
    sp_buf text = {0};
    bool in_class = false;
    int rc = sp_buf_adds(&text, "^");
    for (size_t i = 0; i < glob.len && !rc; i++) {
        char c = glob.p[i];
        bool special = !in_class && strchr(".+(){}|^$\\", c);
        in_class = c == '[' || (in_class && c != ']');
        rc = in_class   ? sp_buf_add(&text, &c, 1)
             : c == '*' ? sp_buf_adds(&text, ".*")
             : c == '?' ? sp_buf_adds(&text, ".")
                        : (special && sp_buf_adds(&text, "\\")) || sp_buf_add(&text, &c, 1);
    }
    rc = rc || sp_buf_adds(&text, "$");
    char *kept = rc ? NULL : sp_arena_strndup(m->arena, text.data, text.len);
    m->nomem = m->nomem || !kept;
    if (kept)
        d->regex = sp_str_of(kept);
    sp_buf_done(&text);
    return kept != NULL;
}

/* NOT GLOB '*[^0-9]*': nothing but such letters, of which there are some. */
static bool demand_only(meaning *m, sp_demand *d, sp_str glob)
{
    if (glob.len < 7 || memcmp(glob.p, "*[^", 3) != 0 || memcmp(glob.p + glob.len - 2, "]*", 2) != 0 ||
        memchr(glob.p, ']', glob.len - 2))
        return false;
    int64_t min = SP_MAX(d->length_min, INT64_C(1)),
            max = d->length_max >= min ? d->length_max : SP_MAX(min, INT64_C(8));
    char *regex =
        sp_arena_printf(m->arena, "^[%.*s{%lld,%lld}$", (int)glob.len - 4, glob.p + 3, (long long)min, (long long)max);
    m->nomem = m->nomem || !regex;
    if (regex)
        d->regex = sp_str_of(regex);
    return regex != NULL;
}

/* left op literal */
static bool demand_bound(meaning *m, const node *left, sp_str op, const node *value)
{
    const node *measured = length_of(left);
    if (measured)
        return sp_str_is(op, "<>") || demand_length(&m->d->columns[measured->column], op, value->text);
    if (is_call(left, "jsonb_typeof") || is_call(left, "json_typeof") || is_call(left, "json_type")) {
        const node *of = left->args[0];
        if (sp_str_is(op, "=") && of && of->kind == N_COLUMN)
            m->d->columns[of->column].json_type = value->text;
        return sp_str_is(op, "=") && of && of->kind == N_COLUMN && !m->t->plain;
    }
    if (is_call(left, "typeof")) /* what is made is of the column's type */
        return sp_str_is(op, "=") && !m->t->plain;
    if (is_call(left, "abs") && op.p[0] == '<')
        return demand_near_zero(m, left->args[0], op, value);
    left = bare(left);
    if (left->kind != N_COLUMN)
        return !m->t->plain && sp_demand_part(m->arena, m->d, left, op, value);
    sp_demand *d = &m->d->columns[left->column];
    if (sp_str_is(op, "="))
        return demand_values(m, d, value);
    if (sp_str_is(op, "<>"))
        return demand_no_value(m, d, value);
    if (sp_str_is(op, "NOT LIKE") || sp_str_is(op, "NOT ~"))
        return !m->t->plain && demand_one_word(d, value->text);
    if (sp_str_is(op, "NOT GLOB"))
        return !m->t->plain && demand_only(m, d, value->text);
    if (sp_str_is(op, "GLOB"))
        return !m->t->plain && demand_glob(m, d, value->text);
    if (sp_str_is(op, "LIKE"))
        d->like = value->text;
    else if (sp_str_is(op, "~"))
        d->regex = value->text;
    else if (op.p[0] == '<' || op.p[0] == '>')
        sp_demand_bound(d, op.p[0] == '<', value->text, op.len == 1);
    else
        return false;
    return !(m->t->plain && d->regex.p);
}

/* ---- columns among themselves -------------------------------------------------------------------- */

static bool demand_order(meaning *m, sp_str op, uint32_t left, uint32_t right)
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
static bool demand_moment_text(sp_demand *d, const node *call)
{
    bool date = is_call(call, "date"), moment = is_call(call, "datetime");
    d->date = d->date || date;
    d->moment = d->moment || moment;
    return date || moment;
}

/* code = upper(code) */
static bool demand_case(meaning *m, const node *turned, uint32_t column)
{
    sp_demand *d = &m->d->columns[column];
    d->upper = d->upper || is_call(turned, "upper") || is_call(turned, "ucase");
    d->lower = d->lower || is_call(turned, "lower") || is_call(turned, "lcase");
    return demand_moment_text(d, turned) || (turned->kind == N_CALL && !is_call(turned, "coalesce"));
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

/* debit + credit > 0: one of them is, and none is below zero. */
static bool demand_some(meaning *m, const node *sum, sp_str op, const node *value)
{
    const node *parts[16];
    uint32_t n = 0;
    for (; is_op(sum, "+") && n + 1 < SP_COUNT(parts); sum = sum->args[0])
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
    sp_demand_bound(&m->d->columns[parts[take_side(m, n)]->column], false, value->text, op.len == 1);
    return true;
}

/* credit * debit = 0: one of them is. */
static bool demand_nothing(meaning *m, const node *product, const node *value)
{
    double v;
    const node *a = product->args[0], *b = product->args[1];
    if (a->kind != N_COLUMN || b->kind != N_COLUMN || m->t->plain || !sp_parse_f64(value->text, &v) || v != 0)
        return false;
    return demand_value(m, take_side(m, 2) ? b : a, "0");
}

static bool demand_comparison(meaning *m, const node *n)
{
    const node *a = bare(n->args[0]), *b = bare(n->args[1]);
    bool equal = is_op(n, "=");
    if (b->kind == N_LITERAL && is_op(a, "+") && demand_some(m, a, n->text, b))
        return true;
    if (b->kind == N_LITERAL && equal && is_op(a, "*"))
        return demand_nothing(m, a, b);
    if (b->kind == N_LITERAL)
        return demand_bound(m, n->args[0], n->text, b);
    if (a->kind == N_LITERAL)
        return demand_bound(m, n->args[1], mirrored(n->text), a);
    if (a->kind == N_COLUMN && b->kind == N_COLUMN && a->column == b->column)
        return equal && !m->t->plain && demand_case(m, n->args[0] == a ? n->args[1] : n->args[0], a->column);
    if (m->t->plain && equal)
        return false;
    if (equal && (sp_demand_truncated(m->d, a, b) || sp_demand_truncated(m->d, b, a)))
        return true;
    if (equal && a->kind == N_COLUMN && b->kind == N_OP)
        return demand_sum(m, a, b);
    if (equal && b->kind == N_COLUMN && a->kind == N_OP)
        return demand_sum(m, b, a);
    return a->kind == N_COLUMN && b->kind == N_COLUMN && demand_order(m, n->text, a->column, b->column);
}

/* ---- nulls --------------------------------------------------------------------------------------- */

static bool demand_null(meaning *m, const node *column, bool null)
{
    const node *call = column->kind == N_CALL && column->args[0] && column->args[0]->kind == N_COLUMN ? column : NULL;
    if (call && !null && demand_moment_text(&m->d->columns[call->args[0]->column], call))
        column = call->args[0];
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

/* num_nonnulls(a, b, c) = 1: one after the other is there, or so many that stand together. */
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
    uint32_t some = (uint32_t)(there ? n : all - n), from = take_side(m, some && some < all ? all : 1);
    m->narrowed = m->narrowed || op.len > 1 || op.p[0] != '=' || (some > 1 && some + 1 < all);
    for (const node *at = call->args[0]; at; at = at->next, i++)
        demand_null(m, at, (i + all - from) % all >= some);
    return true;
}

/* (a IS NOT NULL)::int + (b IS NOT NULL)::int = 1: one of them is there. */
static bool demand_null_sum(meaning *m, const node *sum)
{
    const node *parts[16];
    uint32_t n = 0;
    for (; is_op(sum, "+") && n + 1 < SP_COUNT(parts); sum = sum->args[0])
        parts[n++] = sum->args[1];
    parts[n++] = sum;
    for (uint32_t i = 0; i < n; i++)
        if (!is_op(parts[i], "IS NOT NULL") || parts[i]->args[0]->kind != N_COLUMN)
            return false;
    uint32_t there = n - 1 - take_side(m, n);
    for (uint32_t i = 0; i < n; i++)
        demand_null(m, parts[i]->args[0], i != there);
    return true;
}

/* What is true where n is not; NULL: that is not known. */
static const node *opposite(meaning *m, const node *n)
{
    static const char *const pairs[][2] = {
        {"=", "<>"}, {"<", ">="}, {">", "<="}, {"IS NULL", "IS NOT NULL"}, {"IN", "NOT IN"}};
    for (size_t i = 0; i < SP_COUNT(pairs); i++)
        for (int side = 0; side < 2; side++) {
            node *other = is_op(n, pairs[i][side]) ? make(m, 1, sizeof(*other)) : NULL;
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
static bool demand_agreement(meaning *m, const node *n)
{
    const node *a = n->args[0], *b = n->args[1], *not_a = opposite(m, a), *not_b = opposite(m, b);
    if (is_op(n, "<>")) {
        const node *kept = b;
        b = not_b;
        not_b = kept;
    }
    bool first = a && b && !is_op(a, "IS NULL"), can_first = a && b, can_second = not_a && not_b;
    if (!can_first && !can_second)
        return false;
    m->narrowed = m->narrowed || can_first != can_second;
    uint32_t side = take_side(m, (uint32_t)can_first + (uint32_t)can_second);
    bool as_said = can_first && (!can_second || (side == 0) == first);
    return as_said ? (int)demand(m, a) & (int)demand(m, b) : (int)demand(m, not_a) & (int)demand(m, not_b);
}

static bool is_truth(const node *n)
{
    static const char *const ops[] = {
        "=", "<>", "<", "<=", ">", ">=", "LIKE", "~", "IN", "NOT IN", "IS NULL", "IS NOT NULL"};
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
    out->impossible = false;
    out->orderings = make(m, m->t->n_names * 4 + 64, sizeof(*out->orderings));
    if (!out->columns || !out->orderings)
        return false;
    for (uint32_t i = 0; i < m->t->n_names; i++)
        out->columns[i].length_max = -1;
    meaning alone = {.arena = m->arena, .t = m->t, .d = out};
    bool understood = demand(&alone, side);
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
        bool other = c.like.p || c.regex.p || c.is_null || c.upper || c.lower || c.json_type.p || c.sum.p ||
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

/* Between the end of one span and the beginning of another: a single number, too. */
static bool is_gap(const span *a, const span *b)
{
    int order = a->max.p ? compare_numbers(b->min, a->max) : -1;
    return order > 0 || (order == 0 && a->max_open && b->min_open);
}

/* Spans of one column, as of a table's partitions: those that follow one upon the other are one; or all values. */
static bool demand_spans(meaning *m, const node *const *sides, uint32_t n)
{
    span *spans = make(m, n, sizeof(*spans));
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
    uint32_t runs = 0, *lengths = make(m, n, sizeof(*lengths));
    for (uint32_t from = 0, to; lengths && from < n; from = to, runs++) {
        for (to = from + 1; to < n && !is_gap(&spans[from], &spans[to]); to++)
            if (!spans[to].max.p || (spans[from].max.p && compare_numbers(spans[to].max, spans[from].max) > 0)) {
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
    best = (best + take_side(m, runs)) % runs; /* the longest one first */
    if (spans[best].min.p)
        sp_demand_bound(&m->d->columns[column], false, spans[best].min, spans[best].min_open);
    if (spans[best].max.p)
        sp_demand_bound(&m->d->columns[column], true, spans[best].max, spans[best].max_open);
    return true;
}

/* One of the sides that are understood and that the rest allows. */
static bool demand_one_side(meaning *m, const node *const *sides, uint32_t n)
{
    sp_demands of;
    const node **known = make(m, n, sizeof(const node *));
    uint32_t n_known = 0;
    for (uint32_t i = 0; known && i < n; i++)
        if (demands_of_side(m, sides[i], &of) && !of.impossible)
            known[n_known++] = sides[i];
    m->narrowed = m->narrowed || n_known < n;
    return n_known && demand(m, known[take_side(m, n_known)]);
}

static bool mentions(const node *n, uint32_t column)
{
    if (!n)
        return false;
    return (n->kind == N_COLUMN && n->column == column) || mentions(n->args[0], column) ||
           mentions(n->args[1], column) || mentions(n->next, column);
}

/* Nulls of a column that another side is about pass by that side, too. */
static bool is_let_through(const node *const *sides, uint32_t n, uint32_t at)
{
    if (!is_op(sides[at], "IS NULL") || sides[at]->args[0]->kind != N_COLUMN)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (i != at && !is_null_test(sides[i]) && !is_op(sides[i], "AND") &&
            mentions(sides[i], sides[at]->args[0]->column))
            return true;
    return false;
}

/* What all sides come to, or one of them. */
static bool demand_either(meaning *m, const node *n)
{
    uint32_t count, kept = 0;
    const node **all = sides_of(m, n, &count), **sides = make(m, count, sizeof(const node *));
    for (uint32_t i = 0; all && sides && i < count; i++)
        if (!is_let_through(all, count, i))
            sides[kept++] = all[i];
    if (kept == 1)
        return demand(m, sides[0]);
    return kept &&
           (demand_any_value(m, sides, kept) || demand_spans(m, sides, kept) || demand_one_side(m, sides, kept));
}

/* ---- the whole ----------------------------------------------------------------------------------- */

/* json_valid(column): any JSON will do. What part of a hash a partition has, all of them together take. A pattern may be a function,
 * too. */
static bool demand_call(meaning *m, const node *n)
{
    static const char *const granted[] = {"satisfies_hash_partition"}, *const patterns[] = {"regexp_like",
                                                                                            "regexp_matches",
                                                                                            "regexp_full_match"};
    const node *column = n->args[0], *text = column ? column->next : NULL;
    if (is_call(n, "json_valid") && column && column->kind == N_COLUMN) {
        sp_demand *d = &m->d->columns[column->column];
        d->json_type = d->json_type.p ? d->json_type : sp_str_of("");
        d->not_null = true; /* of a null SQLite says that it is not valid */
        return true;
    }
    if (is_one_of(n->text, granted, SP_COUNT(granted)))
        return true;
    return is_one_of(n->text, patterns, SP_COUNT(patterns)) && text && text->kind == N_LITERAL &&
           demand_bound(m, column, sp_str_of("~"), text);
}

static bool demand_listed(meaning *m, const node *n)
{
    const node *left = bare(n->args[0]), *values = n->args[1]->args[0];
    bool in = is_op(n, "IN");
    if (left->kind != N_COLUMN)
        return in && values && !m->t->plain && sp_demand_part(m->arena, m->d, left, n->text, values);
    sp_demand *d = &m->d->columns[left->column];
    return in ? demand_values(m, d, values) : values && !m->t->plain && demand_no_value(m, d, values);
}

static bool demand(meaning *m, const node *n)
{
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
    if ((is_op(n, "IN") || is_op(n, "NOT IN")) && n->args[1]->kind == N_LIST)
        return demand_listed(m, n);
    if (n->kind != N_OP || !n->args[1])
        return false;
    if ((is_op(n, "=") || is_op(n, "<>")) && is_truth(n->args[0]) && is_truth(n->args[1]))
        return demand_agreement(m, n);
    if (n->args[0]->kind == N_CALL && demand_count(m, n->args[0], n->text, n->args[1]))
        return true;
    if (is_op(n, "=") && is_op(n->args[0], "+") && sp_str_is(n->args[1]->text, "1") && demand_null_sum(m, n->args[0]))
        return true;
    return demand_comparison(m, n);
}

static bool read_condition(const sp_condition *check, meaning *m)
{
    const node *n = sp_condition_read(m->t, check, m->arena, &m->nomem);
    m->narrowed = m->forked = false;
    m->check = check;
    return n && demand(m, n);
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
static void settle(meaning *m, sp_demand *d, bool in_sums)
{
    double low, high;
    sp_str *values = d->n_values ? make(m, d->n_values, sizeof(*values)) : NULL;
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
    meaning m = {.arena = arena, .t = t, .d = out, .way = way};
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
