/* expr.c - the text of an expression becomes a tree: price * quantity, if(a > b, 'x', 'y').
 *
 * The language is that of SQL expressions, so that nobody has to learn one. A tree says only what was written and where:
 * operators are calls by their sign, and which of them there are, and what types they take, is gen's business. The parser
 * descends by precedence; it stops at the first mistake of an expression, because what follows is guesswork. */
#include "plan/document.h"

enum {
    DEPTH_MAX = 64,   /* parentheses and signs in one another */
    ARGS_MAX = 256,   /* of one call */
    PARTS_MAX = 1000, /* of one expression: each has a column of working memory */
};

typedef enum token_kind {
    T_END,
    T_NUMBER,
    T_TEXT,     /* 'text' */
    T_NAME,     /* a word, or "any text" */
    T_WORD,     /* one of the words below */
    T_FUNCTION, /* ${name} */
    T_SIGN,
    T_WRONG, /* noted already */
} token_kind;

typedef struct token {
    token_kind kind;
    sp_str shown; /* as written */
    sp_str text;  /* what it stands for: a word in lower case, a text without its quotes */
    sp_mark mark;
} token;

typedef struct parser {
    sp_plan_reader *r;
    sp_str source;
    sp_mark start; /* of the first character */
    bool flat;     /* columns can be counted: the text is in the file as it is here */
    size_t at;
    token next;
    unsigned depth, parts;
    bool failed;
} parser;

static const char *const words[] = {"and",  "or",   "not",  "is",   "null", "in",   "between", "like",
                                    "case", "when", "then", "else", "end",  "true", "false"};

/* ---- tokens ---- */

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static sp_mark mark_of(const parser *p, size_t offset)
{
    sp_mark mark = p->start;
    for (size_t i = 0; p->flat && i < offset; i++)
        mark.column += (p->source.p[i] & 0xc0) != 0x80;
    return mark;
}

static void fail_at(parser *p, sp_mark mark, sp_str found, const char *message)
{
    if (!p->failed)
        sp_mistake(p->r->m, mark, found, "%s", message);
    p->failed = true;
}

/* What stands between quotes; a doubled one is one of them. */
static size_t quoted(parser *p, size_t from, token *t)
{
    char quote = p->source.p[from];
    char *to = sp_arena_strndup(&p->r->plan->arena, p->source.p + from, p->source.len - from);
    size_t len = 0, i = from + 1;
    if (!to) {
        p->r->nomem = p->r->stop = p->failed = true;
        return p->source.len;
    }
    for (; i < p->source.len; i++) {
        if (p->source.p[i] == quote && !(i + 1 < p->source.len && p->source.p[i + 1] == quote))
            break;
        i += p->source.p[i] == quote;
        to[len++] = p->source.p[i];
    }
    if (i >= p->source.len)
        fail_at(p, mark_of(p, from), (sp_str){p->source.p + from, p->source.len - from}, "lacks its closing quote");
    to[len] = '\0';
    t->text = (sp_str){to, len};
    return i + 1;
}

size_t sp_expr_number_end(sp_str text, size_t i)
{
    const char *s = text.p;
    size_t n = text.len;
    while (i < n && (is_digit(s[i]) || s[i] == '_'))
        i++;
    if (i + 1 < n && s[i] == '.' && is_digit(s[i + 1]))
        for (i++; i < n && is_digit(s[i]);)
            i++;
    bool sign = i + 1 < n && (s[i + 1] == '-' || s[i + 1] == '+');
    if (i + 1 + sign < n && (s[i] == 'e' || s[i] == 'E') && is_digit(s[i + 1 + sign]))
        for (i += 2 + sign; i < n && is_digit(s[i]);)
            i++;
    return i;
}

static void find_word(token *t)
{
    for (size_t i = 0; i < SP_COUNT(words); i++)
        if (sp_str_ieq(t->text, words[i])) {
            t->kind = T_WORD;
            t->text = sp_str_of(words[i]);
        }
}

static size_t sign_end(const parser *p, size_t i)
{
    static const char *const two[] = {"<=", ">=", "<>", "!=", "||", "=="};
    for (size_t k = 0; k < SP_COUNT(two) && i + 1 < p->source.len; k++)
        if (memcmp(p->source.p + i, two[k], 2) == 0)
            return i + 2;
    return p->source.p[i] && strchr("+-*/%=<>(),.", p->source.p[i]) ? i + 1 : i;
}

static size_t scan(parser *p, size_t i, token *t)
{
    const char *s = p->source.p;
    size_t from = i, n = p->source.len;
    if (is_digit(s[i])) {
        t->kind = T_NUMBER;
        return sp_expr_number_end(p->source, i);
    }
    if (s[i] == '\'' || s[i] == '"' || s[i] == '`') {
        t->kind = s[i] == '\'' ? T_TEXT : T_NAME;
        return quoted(p, i, t);
    }
    if (is_name_start(s[i])) {
        t->kind = T_NAME;
        while (i < n && (is_name_start(s[i]) || is_digit(s[i])))
            i++;
        t->text = (sp_str){s + from, i - from};
        find_word(t);
        return i;
    }
    if (s[i] == '$' && i + 1 < n && s[i + 1] == '{') {
        const char *close = memchr(s + i, '}', n - i);
        t->kind = T_FUNCTION;
        if (close) {
            t->text = (sp_str){s + i + 2, (size_t)(close - s) - i - 2};
            return (size_t)(close - s) + 1;
        }
    }
    t->kind = T_SIGN;
    i = sign_end(p, i);
    if (i == from)
        fail_at(p, mark_of(p, from), (sp_str){s + from, n - from},
                "begins with a sign that means nothing in an expression");
    return SP_MAX(i, from + 1);
}

static void advance(parser *p)
{
    const char *s = p->source.p;
    while (p->at < p->source.len && strchr(" \t\r\n", s[p->at]) && s[p->at])
        p->at++;
    size_t from = p->at;
    p->next = (token){.kind = T_END, .mark = mark_of(p, from)};
    if (from >= p->source.len)
        return;
    p->at = scan(p, from, &p->next);
    p->next.shown = (sp_str){s + from, SP_MIN(p->at, p->source.len) - from};
    if (!p->next.text.p)
        p->next.text = p->next.shown;
    if (p->failed)
        p->next.kind = T_WRONG;
}

static bool next_is(const parser *p, token_kind kind, const char *text)
{
    return p->next.kind == kind && sp_str_is(p->next.text, text);
}

static bool take(parser *p, token_kind kind, const char *text)
{
    if (p->failed || !next_is(p, kind, text))
        return false;
    advance(p);
    return true;
}

static void need(parser *p, token_kind kind, const char *text)
{
    char message[64];
    if (take(p, kind, text) || p->failed)
        return;
    strcpy(message, p->next.kind == T_END ? "expected \"" : "stands where \"");
    strcat(message, text);
    strcat(message, p->next.kind == T_END ? "\" at the end of the expression" : "\" should be");
    fail_at(p, p->next.mark, p->next.shown, message);
}

/* ---- the tree ---- */

static sp_expr *new_expr(parser *p, sp_expr_kind kind, const token *t, uint32_t n_args)
{
    if (++p->parts > PARTS_MAX)
        fail_at(p, t->mark, t->shown, "makes the expression too long: it has 1000 parts at most");
    if (p->failed || !sp_read_spend(p->r, 1, t->mark)) {
        p->failed = true;
        return NULL;
    }
    sp_expr *e = sp_arena_alloc(&p->r->plan->arena, 1, sizeof(*e));
    sp_expr **args = e ? sp_arena_alloc(&p->r->plan->arena, SP_MAX(n_args, 1u), sizeof(*args)) : NULL;
    if (!args) {
        p->r->nomem = p->r->stop = p->failed = true;
        return NULL;
    }
    *e = (sp_expr){.kind = kind, .mark = t->mark, .shown = t->shown, .text = t->text, .args = args, .n_args = n_args};
    e->column = e->field_column = SP_PLAN_NO_REF;
    return e;
}

/* A call by name with up to three arguments; NULL when one of those is. */
static sp_expr *call(parser *p, const token *t, const char *name, sp_expr *a, sp_expr *b, sp_expr *c)
{
    uint32_t n = 1 + (b != NULL) + (c != NULL);
    sp_expr *e = p->failed || !a ? NULL : new_expr(p, SP_EXPR_CALL, t, n);
    if (!e)
        return NULL;
    e->text = sp_str_of(name);
    sp_expr *given[] = {a, b, c};
    memcpy(e->args, given, n * sizeof(*given));
    return e;
}

static sp_expr *parse_any(parser *p);

/* Arguments up to the closing parenthesis, behind those given already. */
static sp_expr *parse_call(parser *p, const token *name, sp_expr *first)
{
    sp_expr *args[ARGS_MAX];
    uint32_t n = 0;
    if (first)
        args[n++] = first;
    bool more = !next_is(p, T_SIGN, ")");
    while (more && !p->failed) {
        if (n == ARGS_MAX) {
            fail_at(p, p->next.mark, p->next.shown, "is one argument too many: there are 256 at most");
            break;
        }
        args[n++] = parse_any(p);
        more = take(p, T_SIGN, ",");
    }
    need(p, T_SIGN, ")");
    sp_expr *e = p->failed ? NULL : new_expr(p, SP_EXPR_CALL, name, n);
    if (e)
        memcpy(e->args, args, n * sizeof(*args));
    return e;
}

/* case when a then b when c then d else e end: if(a, b, if(c, d, e)). Each step down the chain is a level of the tree. */
static sp_expr *parse_case(parser *p, const token *t)
{
    sp_expr *whens[DEPTH_MAX], *thens[DEPTH_MAX];
    token marks[DEPTH_MAX];
    uint32_t n = 0;
    do {
        if (n == DEPTH_MAX) {
            fail_at(p, p->next.mark, p->next.shown, "is one \"when\" too many: there are 64 at most");
            return NULL;
        }
        marks[n] = p->next;
        need(p, T_WORD, "when");
        whens[n] = parse_any(p);
        need(p, T_WORD, "then");
        thens[n++] = parse_any(p);
    } while (!p->failed && next_is(p, T_WORD, "when"));
    sp_expr *e = p->failed ? NULL : take(p, T_WORD, "else") ? parse_any(p) : new_expr(p, SP_EXPR_NULL, t, 0);
    need(p, T_WORD, "end");
    while (n-- > 0 && !p->failed)
        e = call(p, &marks[n], "if", whens[n], thens[n], e);
    return e;
}

/* A column, with a dot: of the row that the column before the dot refers to. */
static sp_expr *parse_name(parser *p, const token *t)
{
    if (take(p, T_SIGN, "("))
        return parse_call(p, t, NULL);
    sp_expr *e = new_expr(p, SP_EXPR_COLUMN, t, 0);
    if (e && take(p, T_SIGN, ".")) {
        if (p->next.kind != T_NAME && p->next.kind != T_WORD)
            fail_at(p, p->next.mark, p->next.shown, "expected the name of a column behind the dot");
        e->field = p->next.kind == T_WORD ? p->next.shown : p->next.text;
        advance(p);
    }
    return e;
}

static sp_expr *parse_word(parser *p, const token *t)
{
    if (sp_str_is(t->text, "case"))
        return parse_case(p, t);
    if (sp_str_is(t->text, "null"))
        return new_expr(p, SP_EXPR_NULL, t, 0);
    if (sp_str_is(t->text, "true") || sp_str_is(t->text, "false"))
        return new_expr(p, SP_EXPR_BOOL, t, 0);
    fail_at(p, t->mark, t->shown, "stands where a value should be");
    return NULL;
}

static sp_expr *parse_primary(parser *p)
{
    token t = p->next;
    if (p->failed)
        return NULL;
    if (take(p, T_SIGN, "(")) {
        sp_expr *e = parse_any(p);
        need(p, T_SIGN, ")");
        return e;
    }
    advance(p);
    switch (t.kind) {
    case T_NUMBER: return new_expr(p, SP_EXPR_NUMBER, &t, 0);
    case T_TEXT: return new_expr(p, SP_EXPR_TEXT, &t, 0);
    case T_FUNCTION: return new_expr(p, SP_EXPR_FUNCTION, &t, 0);
    case T_NAME: return parse_name(p, &t);
    case T_WORD: return parse_word(p, &t);
    case T_END: fail_at(p, t.mark, t.shown, "expected a value at the end of the expression"); break;
    default: fail_at(p, t.mark, t.shown, "stands where a value should be");
    }
    return NULL;
}

static sp_expr *parse_signed(parser *p)
{
    token t = p->next;
    if (!take(p, T_SIGN, "-"))
        return parse_primary(p);
    if (++p->depth > DEPTH_MAX)
        fail_at(p, t.mark, t.shown, "is nested too deeply: 64 levels at most");
    sp_expr *e = call(p, &t, "negate", parse_signed(p), NULL, NULL);
    p->depth--;
    return e;
}

/* One level of operators that group to the left. */
static sp_expr *parse_level(parser *p, const char *const *signs, size_t n, sp_expr *(*below)(parser *p))
{
    sp_expr *e = below(p);
    for (size_t i = 0; i < n && !p->failed; i++) {
        token t = p->next;
        if (!take(p, T_SIGN, signs[i]))
            continue;
        sp_expr *right = below(p);
        e = right ? call(p, &t, signs[i], e, right, NULL) : NULL;
        i = (size_t)-1;
    }
    return e;
}

static sp_expr *parse_product(parser *p)
{
    static const char *const signs[] = {"*", "/", "%"};
    return parse_level(p, signs, SP_COUNT(signs), parse_signed);
}

static sp_expr *parse_sum(parser *p)
{
    static const char *const signs[] = {"+", "-"};
    return parse_level(p, signs, SP_COUNT(signs), parse_product);
}

static sp_expr *parse_concat(parser *p)
{
    static const char *const signs[] = {"||"};
    return parse_level(p, signs, SP_COUNT(signs), parse_sum);
}

/* What may stand behind a value: is null, in (...), between a and b, each with a not. */
static sp_expr *parse_predicate(parser *p, sp_expr *e)
{
    token t = p->next;
    if (take(p, T_WORD, "is")) {
        bool is_not = take(p, T_WORD, "not");
        need(p, T_WORD, "null");
        return call(p, &t, is_not ? "is not null" : "is null", e, NULL, NULL);
    }
    bool is_not = take(p, T_WORD, "not");
    if (take(p, T_WORD, "in")) {
        need(p, T_SIGN, "(");
        e = parse_call(p, &t, e);
        if (e)
            e->text = sp_str_of("in");
    } else if (take(p, T_WORD, "like")) {
        e = call(p, &t, "like", e, parse_concat(p), NULL);
    } else {
        need(p, T_WORD, "between");
        sp_expr *low = parse_concat(p);
        need(p, T_WORD, "and");
        sp_expr *high = parse_concat(p);
        e = call(p, &t, "between", e, low, high);
    }
    return is_not ? call(p, &t, "not", e, NULL, NULL) : e;
}

static sp_expr *parse_comparison(parser *p)
{
    static const struct {
        const char *sign, *name;
    } signs[] = {{"=", "="},   {"==", "="},  {"<>", "<>"}, {"!=", "<>"},
                 {"<=", "<="}, {">=", ">="}, {"<", "<"},   {">", ">"}};
    sp_expr *e = parse_concat(p);
    token t = p->next;
    for (size_t i = 0; i < SP_COUNT(signs) && !p->failed; i++)
        if (take(p, T_SIGN, signs[i].sign))
            return call(p, &t, signs[i].name, e, parse_concat(p), NULL);
    bool predicate = next_is(p, T_WORD, "is") || next_is(p, T_WORD, "not") || next_is(p, T_WORD, "in") ||
                     next_is(p, T_WORD, "between") || next_is(p, T_WORD, "like");
    return predicate && !p->failed ? parse_predicate(p, e) : e;
}

static sp_expr *parse_not(parser *p)
{
    token t = p->next;
    if (!take(p, T_WORD, "not"))
        return parse_comparison(p);
    if (++p->depth > DEPTH_MAX)
        fail_at(p, t.mark, t.shown, "is nested too deeply: 64 levels at most");
    sp_expr *e = call(p, &t, "not", parse_not(p), NULL, NULL);
    p->depth--;
    return e;
}

static sp_expr *parse_and(parser *p)
{
    sp_expr *e = parse_not(p);
    for (token t = p->next; take(p, T_WORD, "and"); t = p->next)
        e = call(p, &t, "and", e, parse_not(p), NULL);
    return e;
}

static sp_expr *parse_any(parser *p)
{
    if (p->failed)
        return NULL;
    if (++p->depth > DEPTH_MAX)
        fail_at(p, p->next.mark, p->next.shown, "is nested too deeply: 64 levels at most");
    sp_expr *e = parse_and(p);
    for (token t = p->next; take(p, T_WORD, "or"); t = p->next)
        e = call(p, &t, "or", e, parse_and(p), NULL);
    p->depth--;
    return p->failed ? NULL : e;
}

sp_expr *sp_read_expr(sp_plan_reader *r, const sp_node *node)
{
    sp_str text;
    if (!sp_read_text(r, node, "an expression, such as price * quantity", &text))
        return NULL;
    parser p = {.r = r, .source = text, .start = node->mark, .flat = !node->made && !memchr(text.p, '\n', text.len)};
    p.start.column += p.flat && !node->plain;
    advance(&p);
    sp_expr *e = parse_any(&p);
    if (!p.failed && p.next.kind != T_END)
        fail_at(&p, p.next.mark, p.next.shown, "stands where an operator or the end should be");
    return p.failed ? NULL : e;
}

sp_expr *sp_expr_after(sp_plan_reader *r, sp_str name, sp_mark at)
{
    parser p = {.r = r};
    token column = {.shown = name, .text = name, .mark = at}, sum = {.shown = name, .mark = at};
    sp_expr *base = new_expr(&p, SP_EXPR_COLUMN, &column, 0),
            *delay = base ? new_expr(&p, SP_EXPR_OWN, &column, 0) : NULL;
    return delay ? call(&p, &sum, "+", base, delay, NULL) : NULL;
}

sp_expr *sp_make_expr(sp_plan_reader *r, sp_expr_kind kind, sp_mark at, sp_str text, sp_expr *const *args, uint32_t n)
{
    parser p = {.r = r};
    token t = {.shown = text, .text = text, .mark = at};
    for (uint32_t i = 0; i < n; i++)
        if (!args[i])
            return NULL;
    sp_expr *e = new_expr(&p, kind, &t, n);
    if (e && n)
        memcpy(e->args, args, n * sizeof(*args));
    return e;
}
