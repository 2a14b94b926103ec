/* demand.c - what CHECK conditions demand of columns, as far as a generator can be told.
 *
 * A condition is parsed as SQL's precedence has it, in PostgreSQL's canonical spelling as well as in what people write, into
 * demands: bounds, lists of values, lengths, patterns, one column below another. AND adds demands up. OR is understood where
 * all but one side say that the column is null, or where all sides list values of the same column. What is not understood
 * makes its whole condition unread, never the table. */
#include "plan/demand.h"

/* ---- words ----------------------------------------------------------------------------------- */

typedef enum token_kind { T_END, T_WORD, T_NAME, T_NUMBER, T_TEXT, T_MARK } token_kind;

typedef struct token {
    token_kind kind;
    sp_str text; /* names, texts: without their quotes */
} token;

typedef enum node_kind { N_COLUMN, N_LITERAL, N_CALL, N_LIST, N_NULL, N_OP, N_UNKNOWN } node_kind;

/* N_CALL: text is the function in lower case; N_OP: the operator in upper case. */
typedef struct node {
    node_kind kind;
    sp_str text;
    uint32_t column;
    struct node *args[2], *next; /* next: in a list or among arguments, which begin at args[0] */
} node;

enum { DEPTH_MAX = 100 };

typedef struct parser {
    sp_arena *arena;
    const sp_conditions *t;
    int32_t value_column; /* what VALUE means, or -1 */
    const char *p, *end;
    token at;
    unsigned depth;
    bool failed, nomem;
} parser;

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (c & 0x80);
}

/* A text or name between quotes, with doubled ones undone. */
static sp_str unquote(parser *s, char close)
{
    char *to = sp_arena_alloc(s->arena, (size_t)(s->end - s->p) + 1, 1), *start = to;
    if (!to) {
        s->nomem = s->failed = true;
        return (sp_str){"", 0};
    }
    for (s->p++; s->p < s->end; s->p++) {
        if (*s->p == close && (s->p + 1 == s->end || s->p[1] != close))
            break;
        s->p += *s->p == close;
        *to++ = *s->p;
    }
    s->p += s->p < s->end;
    return (sp_str){start, (size_t)(to - start)};
}

static void advance(parser *s)
{
    static const char *const marks[] = {"::",  "<=",  ">=", "<>", "!=", "!~~*", "!~~",
                                        "~~*", "!~*", "!~", "~~", "~*", "||"};
    while (s->p < s->end && strchr(" \t\r\n", *s->p))
        s->p++;
    s->at = (token){T_END, {s->p, 0}};
    if (s->p == s->end)
        return;
    const char *from = s->p;
    char c = *from;
    if (c == '\'') {
        s->at = (token){T_TEXT, unquote(s, '\'')};
    } else if (c == '"' || c == '`') {
        s->at = (token){T_NAME, unquote(s, c)};
    } else if (c >= '0' && c <= '9') {
        while (s->p < s->end && (is_word_byte(*s->p) || *s->p == '.'))
            s->p++;
        s->at = (token){T_NUMBER, {from, (size_t)(s->p - from)}};
    } else if (is_word_byte(c)) {
        while (s->p < s->end && is_word_byte(*s->p))
            s->p++;
        s->at = (token){T_WORD, {from, (size_t)(s->p - from)}};
    } else {
        size_t len = 1;
        for (size_t i = 0; i < SP_COUNT(marks) && len == 1; i++) {
            size_t n = strlen(marks[i]);
            if ((size_t)(s->end - from) >= n && memcmp(from, marks[i], n) == 0)
                len = n;
        }
        s->p += len;
        s->at = (token){T_MARK, {from, len}};
    }
}

static bool is_mark(const parser *s, const char *mark)
{
    return s->at.kind == T_MARK && sp_str_is(s->at.text, mark);
}

static bool is_word(const parser *s, const char *word)
{
    return s->at.kind == T_WORD && sp_str_ieq(s->at.text, word);
}

static bool take_mark(parser *s, const char *mark)
{
    bool is = is_mark(s, mark);
    if (is)
        advance(s);
    return is;
}

static bool take_word(parser *s, const char *word)
{
    bool is = is_word(s, word);
    if (is)
        advance(s);
    return is;
}

/* ---- expressions ----------------------------------------------------------------------------- */

static node *make(parser *s, node_kind kind, const char *text)
{
    static node unknown = {.kind = N_UNKNOWN};
    node *n = sp_arena_alloc(s->arena, 1, sizeof(*n));
    if (!n) {
        s->nomem = s->failed = true;
        return &unknown;
    }
    *n = (node){.kind = kind, .text = sp_str_of(text)};
    return n;
}

static node *make_op(parser *s, const char *op, node *a, node *b)
{
    node *n = make(s, N_OP, op);
    if (n->kind == N_OP) {
        n->args[0] = a;
        n->args[1] = b;
    }
    return n;
}

static node *parse_or(parser *s);
static node *parse_sum(parser *s);

static void expect(parser *s, const char *mark)
{
    if (!take_mark(s, mark))
        s->failed = true;
}

/* Items up to the closing mark, which is taken. */
static node *parse_items(parser *s, const char *close)
{
    node *first = NULL, **last = &first;
    if (take_mark(s, close))
        return NULL;
    do {
        *last = parse_or(s);
        last = &(*last)->next;
    } while (!s->failed && take_mark(s, ","));
    expect(s, close);
    return first;
}

/* Behind "::": words, numbers in parentheses, brackets. */
static void skip_type(parser *s)
{
    while (s->at.kind == T_WORD || s->at.kind == T_NAME) {
        if (is_word(s, "and") || is_word(s, "or") || is_word(s, "between") || is_word(s, "is") || is_word(s, "in") ||
            is_word(s, "not") || is_word(s, "like") || is_word(s, "then") || is_word(s, "else") || is_word(s, "end"))
            return;
        advance(s);
        take_mark(s, ".");
    }
    if (take_mark(s, "("))
        parse_items(s, ")");
    while (take_mark(s, "["))
        expect(s, "]");
    if (is_word(s, "without") || is_word(s, "with"))
        while (s->at.kind == T_WORD && !is_word(s, "and") && !is_word(s, "or"))
            advance(s);
}

/* A column as SQL compares names: as written, or else without regard to case. */
static int find_column(const sp_conditions *t, sp_str name)
{
    for (uint32_t i = 0; i < t->n_names; i++)
        if (sp_str_is(name, t->names[i]))
            return (int)i;
    for (uint32_t i = 0; i < t->n_names; i++)
        if (sp_str_ieq(name, t->names[i]))
            return (int)i;
    return -1;
}

static node *column_or_word(parser *s, token name)
{
    if (s->value_column >= 0 && sp_str_ieq(name.text, "value")) {
        node *n = make(s, N_COLUMN, "");
        n->column = (uint32_t)s->value_column;
        return n;
    }
    int at = find_column(s->t, name.text);
    node *n = make(s, at < 0 ? N_UNKNOWN : N_COLUMN, "");
    n->column = at < 0 ? 0 : (uint32_t)at;
    return n;
}

static node *parse_call(parser *s, sp_str name)
{
    node *n = make(s, N_CALL, "");
    char *lower = sp_arena_strndup(s->arena, name.p, name.len);
    for (char *c = lower; c && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    n->text = sp_str_of(lower ? lower : "");
    n->args[0] = parse_items(s, ")");
    return n;
}

static node *parse_cast(parser *s)
{
    expect(s, "(");
    node *n = parse_or(s);
    if (!take_word(s, "as"))
        s->failed = true;
    skip_type(s);
    expect(s, ")");
    return n;
}

static node *literal(parser *s)
{
    node *n = make(s, N_LITERAL, "");
    n->text = s->at.text;
    advance(s);
    return n;
}

static node *parse_name(parser *s)
{
    token name = s->at;
    if (take_word(s, "null"))
        return make(s, N_NULL, "");
    if (is_word(s, "true") || is_word(s, "false"))
        return literal(s);
    if (take_word(s, "cast"))
        return parse_cast(s);
    if (take_word(s, "array")) {
        node *n = make(s, N_LIST, "");
        expect(s, "[");
        n->args[0] = parse_items(s, "]");
        return n;
    }
    advance(s);
    if (name.kind == T_WORD && s->at.kind == T_TEXT &&
        !sp_str_ieq(name.text, "in")) /* date '2020-01-01', _utf8mb4'a' */
        return literal(s);
    while (take_mark(s, ".")) { /* schema.function, table.column */
        name = s->at;
        advance(s);
    }
    return take_mark(s, "(") ? parse_call(s, name.text) : column_or_word(s, name);
}

static node *parse_primary(parser *s)
{
    node *n;
    if (++s->depth > DEPTH_MAX)
        s->failed = true;
    if (s->failed) {
        s->depth--;
        return make(s, N_UNKNOWN, "");
    }
    if (take_mark(s, "(")) {
        n = parse_items(s, ")");
        if (n && n->next) { /* (a, b) */
            node *list = make(s, N_LIST, "");
            list->args[0] = n;
            n = list;
        }
    } else if (take_mark(s, "-")) {
        n = parse_primary(s);
        if (n->kind == N_LITERAL) {
            const char *text = sp_arena_printf(s->arena, "-%.*s", (int)n->text.len, n->text.p);
            n->text = sp_str_of(text ? text : "");
        } else {
            n = make(s, N_UNKNOWN, "");
        }
    } else if (s->at.kind == T_NUMBER || s->at.kind == T_TEXT) {
        n = literal(s);
    } else if (s->at.kind == T_WORD || s->at.kind == T_NAME) {
        n = parse_name(s);
    } else {
        s->failed = true;
        n = make(s, N_UNKNOWN, "");
    }
    while (take_mark(s, "::"))
        skip_type(s);
    if (take_word(s, "collate"))
        advance(s);
    s->depth--;
    return n ? n : make(s, N_UNKNOWN, "");
}

/* Sums and the like are only passed over. */
static node *parse_sum(parser *s)
{
    node *n = parse_primary(s);
    while (!s->failed && s->at.kind == T_MARK && s->at.text.len <= 2 && strchr("+-*/%|&#", s->at.text.p[0])) {
        advance(s);
        parse_primary(s);
        n = make(s, N_UNKNOWN, "");
    }
    return n;
}

static node *parse_in(parser *s, node *left)
{
    expect(s, "(");
    node *list = make(s, N_LIST, "");
    list->args[0] = parse_items(s, ")");
    return make_op(s, "IN", left, list);
}

/* = ANY (ARRAY[...]) */
static node *parse_any(parser *s, node *left)
{
    expect(s, "(");
    node *list = parse_or(s);
    expect(s, ")");
    return make_op(s, list->kind == N_LIST ? "IN" : "?", left, list);
}

static node *parse_is(parser *s, node *left)
{
    bool no = take_word(s, "not");
    if (take_word(s, "null"))
        return make_op(s, no ? "IS NOT NULL" : "IS NULL", left, NULL);
    parse_sum(s);
    return make(s, N_UNKNOWN, "");
}

static const char *operator_at(const parser *s)
{
    static const char *const marks[][2] = {{"=", "="},     {"==", "="},     {"<", "<"},   {"<=", "<="},
                                           {">", ">"},     {">=", ">="},    {"<>", "<>"}, {"!=", "<>"},
                                           {"~~", "LIKE"}, {"~~*", "LIKE"}, {"~", "~"},   {"~*", "~"}};
    for (size_t i = 0; s->at.kind == T_MARK && i < SP_COUNT(marks); i++)
        if (sp_str_is(s->at.text, marks[i][0]))
            return marks[i][1];
    return is_word(s, "like") || is_word(s, "ilike")        ? "LIKE"
           : is_word(s, "regexp") || is_word(s, "rlike")    ? "~"
           : s->at.kind == T_MARK && s->at.text.p[0] == '!' ? "?"
                                                            : NULL;
}

/* Takes an operator; NULL: there is none. OPERATOR(public.~~) is how PostgreSQL writes one out of another schema. */
static const char *take_operator(parser *s)
{
    bool wrapped = take_word(s, "operator");
    if (wrapped)
        expect(s, "(");
    while (wrapped && (s->at.kind == T_WORD || s->at.kind == T_NAME)) {
        advance(s);
        expect(s, ".");
    }
    const char *op = operator_at(s);
    if (op)
        advance(s);
    if (wrapped)
        expect(s, ")");
    return op;
}

static node *parse_comparison(parser *s)
{
    node *left = parse_sum(s);
    for (;;) {
        if (take_word(s, "is")) {
            left = parse_is(s, left);
        } else if (take_word(s, "in")) {
            left = parse_in(s, left);
        } else if (take_word(s, "between")) {
            node *low = parse_sum(s);
            if (!take_word(s, "and"))
                s->failed = true;
            left = make_op(s, "AND", make_op(s, ">=", left, low), make_op(s, "<=", left, parse_sum(s)));
        } else if (take_word(s, "not")) { /* not in, not like, not between */
            s->failed = true;
        } else {
            const char *op = take_operator(s);
            if (!op || s->failed)
                return left;
            if (*op == '=' && (take_word(s, "any") || take_word(s, "some")))
                left = parse_any(s, left);
            else
                left = make_op(s, op, left, parse_sum(s));
        }
        if (s->failed)
            return left;
    }
}

static node *parse_not(parser *s)
{
    if (!take_word(s, "not"))
        return parse_comparison(s);
    node *n = parse_not(s);
    if (n->kind == N_OP && sp_str_is(n->text, "IS NULL"))
        return make_op(s, "IS NOT NULL", n->args[0], NULL);
    return make(s, N_UNKNOWN, "");
}

static node *parse_and(parser *s)
{
    node *n = parse_not(s);
    while (!s->failed && take_word(s, "and"))
        n = make_op(s, "AND", n, parse_not(s));
    return n;
}

static node *parse_or(parser *s)
{
    if (++s->depth > DEPTH_MAX)
        s->failed = true;
    node *n = s->failed ? make(s, N_UNKNOWN, "") : parse_and(s);
    while (!s->failed && take_word(s, "or"))
        n = make_op(s, "OR", n, parse_and(s));
    s->depth--;
    return n;
}

/* ---- demands --------------------------------------------------------------------------------- */

typedef struct meaning {
    sp_arena *arena;
    sp_demands *d; /* where demands go */
    bool nomem;
} meaning;

static bool is_op(const node *n, const char *op)
{
    return n->kind == N_OP && sp_str_is(n->text, op);
}

/* Functions that leave a text's length and order as they are. */
static const node *bare(const node *n)
{
    static const char *const same[] = {"lower", "upper", "trim", "btrim", "date", "coalesce"};
    for (size_t i = 0; n && n->kind == N_CALL && i < SP_COUNT(same); i++)
        if (sp_str_is(n->text, same[i]))
            return n->args[0] && n->args[0]->kind == N_COLUMN ? n->args[0] : n;
    return n;
}

static const node *length_of(const node *n)
{
    static const char *const names[] = {"length", "char_length", "character_length", "octet_length", "len"};
    for (size_t i = 0; n->kind == N_CALL && i < SP_COUNT(names); i++)
        if (sp_str_is(n->text, names[i]) && n->args[0] && bare(n->args[0])->kind == N_COLUMN)
            return bare(n->args[0]);
    return NULL;
}

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

static bool demand_values(meaning *m, sp_demand *d, const node *list)
{
    uint32_t n = 0;
    for (const node *at = list; at; at = at->next) {
        if (at->kind != N_LITERAL && at->kind != N_NULL)
            return false;
        n += at->kind == N_LITERAL;
    }
    sp_str *values = sp_arena_alloc(m->arena, n + 1, sizeof(*values));
    if (!values) {
        m->nomem = true;
        return false;
    }
    n = 0;
    for (const node *at = list; at; at = at->next)
        if (at->kind == N_LITERAL)
            values[n++] = at->text;
    d->values = values;
    d->n_values = n;
    return n > 0;
}

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

/* left op literal */
static bool demand_bound(meaning *m, const node *left, sp_str op, const node *value)
{
    const node *measured = length_of(left);
    if (measured)
        return op.p[0] != '<' || !sp_str_is(op, "<>") ? demand_length(&m->d->columns[measured->column], op, value->text)
                                                      : true;
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
    return !sp_str_is(op, "?");
}

static bool demand_comparison(meaning *m, const node *n)
{
    const node *a = bare(n->args[0]), *b = bare(n->args[1]);
    if (b->kind == N_LITERAL)
        return demand_bound(m, a, n->text, b);
    if (a->kind == N_LITERAL)
        return demand_bound(m, b, mirrored(n->text), a);
    return a->kind == N_COLUMN && b->kind == N_COLUMN && a->column != b->column &&
           demand_order(m, n->text, a->column, b->column);
}

static bool demand(meaning *m, const node *n);

/* Values of one column on all sides, or else the only side that does not say IS NULL. */
static bool demand_either(meaning *m, const node *n)
{
    const node *a = n->args[0], *b = n->args[1];
    if (is_op(a, "IS NULL"))
        return demand(m, b);
    if (is_op(b, "IS NULL"))
        return demand(m, a);
    const node *flat[64];
    uint32_t count = 0, column = UINT32_MAX;
    node *first = NULL, **last = &first;
    flat[count++] = n;
    while (count) {
        const node *at = flat[--count];
        if (is_op(at, "OR") && count + 2 < SP_COUNT(flat)) {
            flat[count++] = at->args[1];
            flat[count++] = at->args[0];
            continue;
        }
        bool one = is_op(at, "=") || is_op(at, "IN");
        const node *left = one ? bare(at->args[0]) : NULL;
        if (!one || left->kind != N_COLUMN || (column != UINT32_MAX && column != left->column))
            return false;
        column = left->column;
        *last = is_op(at, "IN") ? at->args[1]->args[0] : at->args[1];
        while (*last)
            last = &(*last)->next;
    }
    return demand_values(m, &m->d->columns[column], first);
}

static bool demand(meaning *m, const node *n)
{
    if (is_op(n, "AND")) /* both, even when one is not understood: what is demanded is demanded */
        return (int)demand(m, n->args[0]) & (int)demand(m, n->args[1]);
    if (is_op(n, "OR"))
        return demand_either(m, n);
    if (is_op(n, "IS NOT NULL") && n->args[0]->kind == N_COLUMN) {
        m->d->columns[n->args[0]->column].not_null = true;
        return true;
    }
    if (is_op(n, "IN") && bare(n->args[0])->kind == N_COLUMN && n->args[1]->kind == N_LIST)
        return demand_values(m, &m->d->columns[bare(n->args[0])->column], n->args[1]->args[0]);
    return n->kind == N_OP && n->args[1] && demand_comparison(m, n);
}

/* json_valid(column), as MariaDB writes for its JSON columns, asks for nothing that is not made anyway. */
static bool is_granted(const node *n)
{
    return n->kind == N_CALL && sp_str_is(n->text, "json_valid");
}

static bool read_condition(const sp_conditions *t, const sp_condition *check, meaning *m)
{
    parser s = {.arena = m->arena,
                .t = t,
                .value_column = check->column,
                .p = check->sql,
                .end = check->sql + strlen(check->sql)};
    advance(&s);
    node *n = parse_or(&s);
    m->nomem = m->nomem || s.nomem;
    if (s.failed || s.at.kind != T_END)
        return false;
    return is_granted(n) || demand(m, n);
}

bool sp_demands_read(const sp_conditions *t, sp_arena *arena, sp_demands *out)
{
    size_t most = 0; /* comparisons there can be */
    for (uint32_t i = 0; i < t->n; i++)
        most += strlen(t->items[i].sql);
    *out = (sp_demands){.columns = sp_arena_alloc(arena, t->n_names + 1, sizeof(*out->columns)),
                        .orderings = sp_arena_alloc(arena, most + 1, sizeof(*out->orderings)),
                        .unread = sp_arena_alloc(arena, t->n + 1, sizeof(*out->unread))};
    if (!out->columns || !out->orderings || !out->unread)
        return false;
    for (uint32_t i = 0; i < t->n_names; i++)
        out->columns[i].length_max = -1;
    meaning m = {.arena = arena, .d = out};
    for (uint32_t i = 0; i < t->n && !m.nomem; i++)
        if (!read_condition(t, &t->items[i], &m))
            out->unread[out->n_unread++] = &t->items[i];
    return !m.nomem;
}
