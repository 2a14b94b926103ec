/* condition.c - CHECK conditions as trees: with SQL's precedence, in PostgreSQL's canonical spelling as well as in what people write.
 * What is not understood becomes a term that is unknown, or makes the whole condition unread. */
#include "plan/condition.h"

/* ---- words ----------------------------------------------------------------------------------- */

typedef enum token_kind { T_END, T_WORD, T_NAME, T_NUMBER, T_TEXT, T_MARK } token_kind;

typedef struct token {
    token_kind kind;
    sp_str text; /* names, texts: without their quotes */
} token;

typedef sp_term node;

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

/* [Unit Price], as SQLite takes it: a name, if there is such a column. */
static bool bracketed(const parser *s, sp_str *name)
{
    const char *close = memchr(s->p, ']', (size_t)(s->end - s->p));
    *name = (sp_str){s->p + 1, close ? (size_t)(close - s->p) - 1 : 0};
    return close && find_column(s->t, *name) >= 0;
}

static void advance(parser *s)
{
    static const char *const marks[] = {"::",  "<=",  ">=",  "<>", "!=", "==", "!~~*",
                                        "!~~", "~~*", "!~*", "!~", "~~", "~*", "||"};
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
    } else if (c == '[' && bracketed(s, &s->at.text)) {
        s->at.kind = T_NAME;
        s->p += s->at.text.len + 2;
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

static node *make(parser *s, sp_term_kind kind, const char *text)
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
static node *negated(parser *s, node *n);

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

/* SIMILAR TO's pattern as a regular expression: % and _ are LIKE's, the rest is nearly the same. */
static node *similar(parser *s, const node *pattern)
{
    node *n = make(s, N_LITERAL, "");
    char *to = sp_arena_alloc(s->arena, 2 * pattern->text.len + 16, 1), *p = to;
    if (!to) {
        s->nomem = s->failed = true;
        return n;
    }
    p = stpcpy(p, "^(?:");
    for (size_t i = 0; i < pattern->text.len; i++) {
        char c = pattern->text.p[i];
        if (c == '%')
            *p++ = '.';
        if (strchr(".^$", c))
            *p++ = '\\';
        *p++ = c == '%' ? '*' : c == '_' ? '.' : c;
        if (c == '\\' && i + 1 < pattern->text.len)
            *p++ = pattern->text.p[++i];
    }
    p = stpcpy(p, ")$");
    n->text = (sp_str){to, (size_t)(p - to)};
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
    bool is_similar = sp_str_is(n->text, "similar_to_escape") || sp_str_is(n->text, "similar_escape");
    return is_similar && n->args[0] && n->args[0]->kind == N_LITERAL ? similar(s, n->args[0]) : n;
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

/* POSITION(needle IN text): as position(needle, text). */
static node *parse_position(parser *s)
{
    node *n = make(s, N_CALL, "position");
    expect(s, "(");
    n->args[0] = parse_sum(s);
    if (!take_word(s, "in"))
        expect(s, ",");
    n->args[0]->next = parse_sum(s);
    expect(s, ")");
    return n;
}

/* EXTRACT(part FROM x): as date_part('part', x). */
static node *parse_extract(parser *s)
{
    node *n = make(s, N_CALL, "date_part"), *part = make(s, N_LITERAL, "");
    expect(s, "(");
    part->text = s->at.text;
    advance(s);
    if (!take_word(s, "from"))
        s->failed = true;
    n->args[0] = part;
    part->next = parse_or(s);
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

/* CASE WHEN a THEN x WHEN b THEN y ELSE z END, as a truth: a and x, or not a but b and y, or neither, and z. Without ELSE anything will
 * do then, and so it will where a result is null. */

/* NULL: nothing is said. */
static node *both(parser *s, node *a, node *b)
{
    return a && b ? make_op(s, "AND", a, b) : a ? a : b;
}

/* A comparison that holds is not one of a null, which CASE passes over. */
static node *holding(parser *s, node *n)
{
    if (n->kind == N_OP && sp_str_is(n->text, "AND"))
        return make_op(s, "AND", holding(s, n->args[0]), holding(s, n->args[1]));
    bool compares = n->kind == N_OP && n->args[1] && n->args[0]->kind == N_COLUMN;
    return compares ? make_op(s, "AND", n, make_op(s, "IS NOT NULL", n->args[0], NULL)) : n;
}

/* Another way: on this condition, that result. */
static node *add_way(parser *s, node *ways, node *when, node *then)
{
    bool no = then && then->kind == N_LITERAL && (sp_str_is(then->text, "0") || sp_str_ieq(then->text, "false"));
    bool any = !then || then->kind == N_NULL || then->kind == N_LITERAL;
    node *way = both(s, when, any ? NULL : then);
    if (no)
        return ways;
    return ways && way ? make_op(s, "OR", ways, way) : way ? way : ways;
}

static node *parse_case(parser *s)
{
    node *of = is_word(s, "when") ? NULL : parse_or(s), *no = NULL, *ways = NULL, *rest = NULL;
    while (!s->failed && take_word(s, "when")) {
        node *when = parse_or(s);
        when = of ? make_op(s, "=", of, when) : when;
        s->failed = s->failed || !take_word(s, "then");
        ways = add_way(s, ways, both(s, no, holding(s, when)), parse_or(s));
        no = both(s, no, negated(s, when));
    }
    if (take_word(s, "else"))
        rest = parse_or(s);
    s->failed = s->failed || !no || !take_word(s, "end");
    ways = add_way(s, ways, no, rest);
    return ways ? ways : make(s, N_UNKNOWN, "");
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
    if (take_word(s, "case"))
        return parse_case(s);
    if (take_word(s, "position"))
        return parse_position(s);
    if (is_word(s, "extract")) {
        advance(s);
        return parse_extract(s);
    }
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

static node *parse_product(parser *s)
{
    node *n = parse_primary(s);
    while (!s->failed &&
           (is_mark(s, "*") || is_mark(s, "/") || is_mark(s, "%") || is_word(s, "mod") || is_word(s, "div"))) {
        const char *op = is_mark(s, "*") ? "*" : is_mark(s, "%") || is_word(s, "mod") ? "%" : "/";
        advance(s);
        n = make_op(s, op, n, parse_primary(s));
    }
    return n;
}

/* What stands between is only passed over, but for sums, differences and products. */
static node *parse_sum(parser *s)
{
    node *n = parse_product(s);
    while (!s->failed && s->at.kind == T_MARK && s->at.text.len <= 2 && strchr("+-|&#", s->at.text.p[0])) {
        const char *op = is_mark(s, "+") ? "+" : is_mark(s, "-") ? "-" : "?";
        advance(s);
        n = make_op(s, op, n, parse_product(s));
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

/* = ANY (ARRAY[...]), <> ALL (ARRAY[...]) */
static node *parse_any(parser *s, node *left, const char *op)
{
    expect(s, "(");
    node *list = parse_or(s);
    expect(s, ")");
    return make_op(s, list->kind == N_LIST ? op : "?", left, list);
}

static node *parse_between(parser *s, node *left)
{
    node *low = parse_sum(s);
    if (!take_word(s, "and"))
        s->failed = true;
    return make_op(s, "AND", make_op(s, ">=", left, low), make_op(s, "<=", left, parse_sum(s)));
}

static node *parse_is(parser *s, node *left)
{
    bool no = take_word(s, "not");
    if (take_word(s, "null"))
        return make_op(s, no ? "IS NOT NULL" : "IS NULL", left, NULL);
    if (take_word(s, no ? "false" : "true"))
        return left;
    if (take_word(s, no ? "true" : "false"))
        return negated(s, left);
    if (is_word(s, "distinct") || is_word(s, "unknown"))
        return make(s, N_UNKNOWN, "");
    return make_op(s, no ? "<>" : "=", left, parse_sum(s)); /* SQLite's: as of nulls, too */
}

static const char *operator_at(const parser *s)
{
    static const char *const marks[][2] = {
        {"=", "="},           {"==", "="},         {"<", "<"},       {"<=", "<="},    {">", ">"}, {">=", ">="},
        {"<>", "<>"},         {"!=", "<>"},        {"~~", "LIKE"},   {"~~*", "LIKE"}, {"~", "~"}, {"~*", "~"},
        {"!~~*", "NOT LIKE"}, {"!~~", "NOT LIKE"}, {"!~*", "NOT ~"}, {"!~", "NOT ~"}};
    for (size_t i = 0; s->at.kind == T_MARK && i < SP_COUNT(marks); i++)
        if (sp_str_is(s->at.text, marks[i][0]))
            return marks[i][1];
    return is_word(s, "like") || is_word(s, "ilike")     ? "LIKE"
           : is_word(s, "glob")                          ? "GLOB"
           : is_word(s, "regexp") || is_word(s, "rlike") ? "~"
                                                         : NULL;
}

/* What is true where n is false; of nulls both may be neither. */
static node *negated(parser *s, node *n)
{
    static const char *const opposites[][2] = {
        {"=", "<>"},      {"<", ">="},          {">", "<="},    {"IS NULL", "IS NOT NULL"},
        {"IN", "NOT IN"}, {"LIKE", "NOT LIKE"}, {"~", "NOT ~"}, {"GLOB", "NOT GLOB"}};
    if (n->kind == N_COLUMN) {
        node *no = make(s, N_LITERAL, "false");
        return make_op(s, "=", n, no);
    }
    if (n->kind == N_OP && (sp_str_is(n->text, "AND") || sp_str_is(n->text, "OR")))
        return make_op(s, sp_str_is(n->text, "AND") ? "OR" : "AND", negated(s, n->args[0]), negated(s, n->args[1]));
    for (size_t i = 0; n->kind == N_OP && i < SP_COUNT(opposites); i++)
        for (int side = 0; side < 2; side++)
            if (sp_str_is(n->text, opposites[i][side]))
                return make_op(s, opposites[i][!side], n->args[0], n->args[1]);
    return make(s, N_UNKNOWN, "");
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

/* What stands behind left; NULL: nothing that compares. */
static node *parse_behind(parser *s, node *left)
{
    if (take_word(s, "is"))
        return parse_is(s, left);
    if (take_word(s, "in"))
        return parse_in(s, left);
    if (take_word(s, "between"))
        return parse_between(s, left);
    if (take_word(s, "similar")) {
        s->failed = s->failed || !take_word(s, "to");
        node *pattern = parse_sum(s);
        return make_op(s, "~", left, pattern->kind == N_LITERAL ? similar(s, pattern) : pattern);
    }
    const char *op = take_operator(s);
    if (!op || s->failed)
        return NULL;
    if (sp_str_is(sp_str_of(op), "=") && (take_word(s, "any") || take_word(s, "some")))
        return parse_any(s, left, "IN");
    if (sp_str_is(sp_str_of(op), "<>") && take_word(s, "all"))
        return parse_any(s, left, "NOT IN");
    return make_op(s, op, left, parse_sum(s));
}

static node *parse_comparison(parser *s)
{
    node *left = parse_sum(s);
    for (;;) {
        bool no = take_word(s, "not"); /* not in, not like, not between; SQLite's a NOT NULL */
        bool there = (no && take_word(s, "null")) || take_word(s, "notnull"), absent = take_word(s, "isnull");
        if (there || absent) {
            left = make_op(s, there ? "IS NOT NULL" : "IS NULL", left, NULL);
            continue;
        }
        node *whole = parse_behind(s, left);
        s->failed = s->failed || (no && !whole);
        if (!whole || s->failed)
            return left;
        left = no ? negated(s, whole) : whole;
    }
}

static node *parse_not(parser *s)
{
    if (!take_word(s, "not"))
        return parse_comparison(s);
    return negated(s, parse_not(s));
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

const sp_term *sp_condition_read(const sp_conditions *t, const sp_condition *check, sp_arena *arena, bool *nomem)
{
    parser s = {
        .arena = arena, .t = t, .value_column = check->column, .p = check->sql, .end = check->sql + strlen(check->sql)};
    advance(&s);
    node *n = parse_or(&s);
    *nomem = *nomem || s.nomem;
    return s.failed || s.at.kind != T_END ? NULL : n;
}

bool sp_condition_names(const sp_conditions *t, const char *sql, sp_arena *arena, bool *named)
{
    parser s = {.arena = arena, .t = t, .value_column = -1, .p = sql, .end = sql + strlen(sql)};
    bool any = false;
    for (advance(&s); s.at.kind != T_END && !s.failed;) {
        token name = s.at;
        advance(&s);
        bool is_name = name.kind == T_NAME || (name.kind == T_WORD && !is_mark(&s, "("));
        int at = is_name ? find_column(t, name.text) : -1;
        if (at >= 0)
            any = named[at] = true;
    }
    return any;
}

uint32_t sp_condition_prefix(const sp_conditions *t, const char *sql, sp_arena *arena)
{
    bool nomem = false;
    int64_t n;
    const sp_term *call = sp_condition_read(t, &(sp_condition){sql, -1}, arena, &nomem),
                  *of = call && call->kind == N_CALL ? call->args[0] : NULL, *count = of ? of->next : NULL;
    bool left = of && sp_str_is(call->text, "left"),
         sub = of && (sp_str_is(call->text, "substr") || sp_str_is(call->text, "substring"));
    if (sub && count && count->kind == N_LITERAL && sp_str_is(count->text, "1"))
        count = count->next;
    else if (!left)
        return 0;
    bool good = of->kind == N_COLUMN && count && count->kind == N_LITERAL && sp_parse_i64(count->text, &n) && n > 0;
    return good ? (uint32_t)SP_MIN(n, INT64_C(1) << 20) : 0;
}
