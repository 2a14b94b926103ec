/* form_dg_expr.c - the expressions of dg's fork, which are those of expr-lang, become trees of our own.
 *
 * All columns are texts to the fork, which are turned into numbers where that is said: int(age). Here a column has the type of its
 * cells, so what is meant follows from what stands beside it: a column beside a number is a number, beside a text a text, and + joins
 * texts unless one side is a number. What looks into other tables becomes hidden columns of this one. */
#include "plan/form_dg_expr.h"

#include <stdio.h>

enum { DEPTH_MAX = 64 };

/* ---- tokens ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void sp_dg_fail(parser *p, sp_str found, const char *message)
{
    if (!p->failed && !p->silent)
        sp_mistake(p->s->r->m, p->mark, found, "%s", message);
    p->failed = true;
}

static sp_str rest(const parser *p, size_t at)
{
    return (sp_str){p->source.p + at, p->source.len - at};
}

static size_t scan_text(parser *p, size_t i, token *t)
{
    char quote = p->source.p[i];
    char *to = sp_arena_strndup(&p->s->r->plan->arena, p->source.p + i, p->source.len - i);
    size_t len = 0, from = i++;
    if (!to) {
        p->s->r->nomem = p->s->r->stop = p->failed = true;
        return p->source.len;
    }
    for (; i < p->source.len && p->source.p[i] != quote; i++) {
        bool escaped = p->source.p[i] == '\\' && quote != '`' && i + 1 < p->source.len;
        i += escaped;
        char c = p->source.p[i];
        to[len++] = escaped && c == 'n' ? '\n' : escaped && c == 't' ? '\t' : escaped && c == 'r' ? '\r' : c;
    }
    if (i >= p->source.len)
        sp_dg_fail(p, rest(p, from), "lacks its closing quote");
    to[len] = '\0';
    *t = (token){T_TEXT, {to, len}, from};
    return i + 1;
}

static void advance(parser *p)
{
    static const char *const two[] = {"==", "!=", "<=", ">=", "&&", "||", "??", "?.", "..", "**"};
    while (p->at < p->source.len && strchr(" \t\r\n", p->source.p[p->at]))
        p->at++;
    size_t from = p->at, i = from;
    p->next = (token){T_END, {"", 0}, from};
    if (from >= p->source.len || p->failed)
        return;
    char c = p->source.p[from];
    if (c == '"' || c == '\'' || c == '`') {
        p->at = scan_text(p, from, &p->next);
        return;
    }
    if (is_digit(c))
        i = sp_expr_number_end(p->source, i);
    else
        while (i < p->source.len && is_word(p->source.p[i]))
            i++;
    p->next.kind = is_digit(c) ? T_NUMBER : i > from ? T_NAME : T_SIGN;
    for (size_t k = 0; i == from && k < SP_COUNT(two) && from + 1 < p->source.len; k++)
        if (memcmp(p->source.p + from, two[k], 2) == 0)
            i = from + 2;
    p->at = i == from ? from + 1 : i;
    p->next.text = (sp_str){p->source.p + from, p->at - from};
}

bool sp_dg_next_is(const parser *p, const char *text)
{
    return (p->next.kind == T_SIGN || p->next.kind == T_NAME) && sp_str_is(p->next.text, text);
}

bool sp_dg_take(parser *p, const char *text)
{
    if (p->failed || !sp_dg_next_is(p, text))
        return false;
    advance(p);
    return true;
}

void sp_dg_need_sign(parser *p, const char *text)
{
    char message[64];
    snprintf(message, sizeof(message),
             p->next.kind == T_END ? "lacks \"%s\" at its end" : "stands where \"%s\" should be", text);
    if (!sp_dg_take(p, text))
        sp_dg_fail(p, p->next.kind == T_END ? p->source : p->next.text, message);
}

/* ---- operators ---- */

static dg_value parse_level(parser *p, int least);

static dg_value join(parser *p, const dg_value *a, const dg_value *b)
{
    return value_of(DG_TEXT, sp_dg_call(p->s->r, p->mark, "||", sp_dg_as_text(p->s, a, p->mark),
                                        sp_dg_as_text(p->s, b, p->mark), NULL));
}

/* A sum; of texts, what they are one behind the other. */
static dg_value add(parser *p, const dg_value *a, const dg_value *b)
{
    bool times = a->kind == DG_TIME || b->kind == DG_TIME || a->kind == DG_SPAN || b->kind == DG_SPAN;
    bool literal = (a->kind == DG_TEXT && !a->column) || (b->kind == DG_TEXT && !b->column);
    if (!times && (literal || (a->kind == DG_TEXT && b->kind == DG_TEXT)))
        return join(p, a, b);
    dg_kind kind = a->kind == DG_TIME || b->kind == DG_TIME ? DG_TIME : times ? DG_SPAN : DG_NUMBER;
    return value_of(kind, sp_dg_call(p->s->r, p->mark, "+", a->e, b->e, NULL));
}

static dg_value subtract(parser *p, const dg_value *a, const dg_value *b)
{
    dg_kind kind = a->kind != DG_TIME   ? (a->kind == DG_SPAN ? DG_SPAN : DG_NUMBER)
                   : b->kind == DG_TIME ? DG_SPAN
                                        : DG_TIME;
    bool numbers = kind == DG_NUMBER;
    return value_of(kind, sp_dg_call(p->s->r, p->mark, "-", numbers ? sp_dg_as_number(p->s, a, p->mark) : a->e,
                                     numbers ? sp_dg_as_number(p->s, b, p->mark) : b->e, NULL));
}

static dg_value compute(parser *p, const char *sign, const dg_value *a, const dg_value *b)
{
    return value_of(DG_NUMBER, sp_dg_call(p->s->r, p->mark, sign, sp_dg_as_number(p->s, a, p->mark),
                                          sp_dg_as_number(p->s, b, p->mark), NULL));
}

/* Beside a number a column is what it is, beside a text a text; two columns are compared as what they are. */
static dg_value compare(parser *p, const char *sign, const dg_value *a, const dg_value *b)
{
    if (a->kind == DG_NIL || b->kind == DG_NIL)
        return value_of(DG_TRUTH, sp_dg_call(p->s->r, p->mark, strcmp(sign, "=") == 0 ? "is null" : "is not null",
                                             a->kind == DG_NIL ? b->e : a->e, NULL, NULL));
    bool literal = (a->kind == DG_TEXT && !a->column) || (b->kind == DG_TEXT && !b->column);
    bool texts = literal && a->kind == DG_TEXT && b->kind == DG_TEXT;
    return value_of(DG_TRUTH, sp_dg_call(p->s->r, p->mark, sign, texts ? sp_dg_as_text(p->s, a, p->mark) : a->e,
                                         texts ? sp_dg_as_text(p->s, b, p->mark) : b->e, NULL));
}

dg_value sp_dg_negate(parser *p, dg_value v)
{
    return value_of(DG_TRUTH, sp_dg_call(p->s->r, p->mark, "not", sp_dg_as_truth(p->s, &v, p->mark), NULL, NULL));
}

/* Makes two values of one kind, so that either may be had. */
static dg_kind agree(parser *p, dg_value *a, dg_value *b)
{
    if (a->kind == b->kind && a->column == b->column)
        return a->kind;
    if (a->kind == DG_NIL || b->kind == DG_NIL)
        return a->kind == DG_NIL ? b->kind : a->kind;
    bool texts = a->kind == DG_TEXT || b->kind == DG_TEXT;
    if (texts && (a->kind == DG_NUMBER || b->kind == DG_NUMBER) && (a->column || b->column))
        return DG_NUMBER; /* a column beside a number */
    if (!texts)
        return a->kind;
    a->e = sp_dg_as_text(p->s, a, p->mark);
    b->e = sp_dg_as_text(p->s, b, p->mark);
    a->column = b->column = false;
    return DG_TEXT;
}

static dg_value in_list(parser *p, const dg_value *a, const dg_value *b)
{
    sp_expr *args[DG_ARGS_MAX + 1];
    if (b->kind != DG_LIST || !b->n || b->n > DG_ARGS_MAX) {
        sp_dg_fail(p, p->source, "has an \"in\" without a list of values behind it");
        return none();
    }
    if (sp_dg_is_filtered(b))
        return sp_dg_among(p, a, b);
    bool texts = a->kind == DG_TEXT && b->items[0].kind == DG_TEXT;
    args[0] = texts ? sp_dg_as_text(p->s, a, p->mark) : a->e;
    for (uint32_t i = 0; i < b->n; i++)
        args[i + 1] = texts ? sp_dg_as_text(p->s, &b->items[i], p->mark) : b->items[i].e;
    return value_of(DG_TRUTH, sp_make_expr(p->s->r, SP_EXPR_CALL, p->mark, sp_str_of("in"), args, b->n + 1));
}

/* Whole numbers from a to b that are written out. */
static dg_value span_of(parser *p, const dg_value *a, const dg_value *b)
{
    int64_t from = 0, to = 0;
    bool known = a->e && b->e && a->e->kind == SP_EXPR_NUMBER && b->e->kind == SP_EXPR_NUMBER &&
                 sp_parse_i64(a->e->text, &from) && sp_parse_i64(b->e->text, &to);
    if (!known || to < from || to - from >= DG_ARGS_MAX) {
        sp_dg_fail(p, p->source,
                   "has a list from one number to another, which must be written out and 64 apart at most");
        return none();
    }
    dg_value list = {.kind = DG_LIST, .n = (uint32_t)(to - from) + 1};
    list.items = sp_read_make(p->s->r, list.n, sizeof(*list.items));
    for (uint32_t i = 0; list.items && i < list.n; i++)
        list.items[i] = value_of(DG_NUMBER, sp_dg_number_leaf(p->s, p->mark, from + i));
    return list;
}

typedef enum operation { ADD, SUBTRACT, COMPUTE, COMPARE, JUNCTION, OF_TEXTS, IN, SPAN, ELSE_OF } operation;
static const struct binary {
    const char *sign, *name;
    int level;
    operation does;
} binaries[] = {
    {"or", "or", 10, JUNCTION},
    {"||", "or", 10, JUNCTION},
    {"and", "and", 15, JUNCTION},
    {"&&", "and", 15, JUNCTION},
    {"==", "=", 20, COMPARE},
    {"!=", "<>", 20, COMPARE},
    {"<", "<", 20, COMPARE},
    {">", ">", 20, COMPARE},
    {"<=", "<=", 20, COMPARE},
    {">=", ">=", 20, COMPARE},
    {"in", "in", 20, IN},
    {"contains", "contains", 20, OF_TEXTS},
    {"startsWith", "starts_with", 20, OF_TEXTS},
    {"endsWith", "ends_with", 20, OF_TEXTS},
    {"matches", "matches", 20, OF_TEXTS},
    {"..", "..", 25, SPAN},
    {"+", "+", 30, ADD},
    {"-", "-", 30, SUBTRACT},
    {"*", "*", 60, COMPUTE},
    {"/", "/", 60, COMPUTE},
    {"%", "%", 60, COMPUTE},
    {"**", "power", 100, COMPUTE},
    {"^", "power", 100, COMPUTE},
    {"??", "coalesce", 500, ELSE_OF},
};

static const struct binary *find_binary(const parser *p)
{
    for (size_t i = 0; i < SP_COUNT(binaries); i++)
        if (sp_dg_next_is(p, binaries[i].sign))
            return &binaries[i];
    return NULL;
}

static dg_value combine(parser *p, const struct binary *b, dg_value left, dg_value right)
{
    if (p->failed)
        return none();
    if ((left.kind >= DG_LIST && b->does != SPAN) || (right.kind >= DG_LIST && b->does != IN)) {
        sp_dg_fail(p, p->source, "has a list, a map or a record where a value should be");
        return none();
    }
    sp_plan_reader *r = p->s->r;
    switch (b->does) {
    case ADD: return add(p, &left, &right);
    case SUBTRACT: return subtract(p, &left, &right);
    case COMPUTE: return compute(p, b->name, &left, &right);
    case COMPARE: return compare(p, b->name, &left, &right);
    case OF_TEXTS: return sp_dg_of_texts(p, b->name, &left, &right);
    case IN: return in_list(p, &left, &right);
    case SPAN: return span_of(p, &left, &right);
    case ELSE_OF: {
        dg_kind kind = agree(p, &left, &right);
        return value_of(kind, sp_dg_call(r, p->mark, b->name, left.e, right.e, NULL));
    }
    case JUNCTION: break;
    }
    return value_of(DG_TRUTH, sp_dg_call(r, p->mark, b->name, sp_dg_as_truth(p->s, &left, p->mark),
                                         sp_dg_as_truth(p->s, &right, p->mark), NULL));
}

/* ---- arguments ---- */

static uint32_t parse_args(parser *p, dg_value *args, uint32_t n, const char *end)
{
    while (!p->failed && !sp_dg_next_is(p, end)) {
        if (n == DG_ARGS_MAX) {
            sp_dg_fail(p, p->source, "has a call with more than 64 arguments");
            break;
        }
        args[n++] = sp_dg_parse_any(p);
        if (!sp_dg_take(p, ","))
            break;
    }
    sp_dg_need_sign(p, end);
    return n;
}

/* ---- members: date(x).Year(), parent.name, get_record('t', 1).name ---- */

static const struct method {
    const char *name, *ours;
} methods[] = {{"Year", "year"}, {"Month", "month"},   {"Day", "day"},
               {"Hour", "hour"}, {"Minute", "minute"}, {"Second", "second"}};

static dg_value call_method(parser *p, dg_value of, sp_str name)
{
    dg_value args[DG_ARGS_MAX];
    uint32_t n = parse_args(p, args, 0, ")");
    sp_plan_reader *r = p->s->r;
    if (p->failed)
        return none();
    for (size_t i = 0; i < SP_COUNT(methods); i++)
        if (sp_str_is(name, methods[i].name) && n == 0)
            return value_of(DG_NUMBER, sp_dg_call(r, p->mark, methods[i].ours, of.e, NULL, NULL));
    if (sp_str_is(name, "Weekday") && n == 0) /* 0 is Sunday */
        return value_of(DG_NUMBER, sp_dg_call(r, p->mark, "%", sp_dg_call(r, p->mark, "weekday", of.e, NULL, NULL),
                                              sp_dg_number_leaf(p->s, p->mark, 7), NULL));
    if (sp_str_is(name, "Format") && n == 1)
        return value_of(DG_TEXT, sp_dg_call(r, p->mark, "format", of.e, args[0].e, NULL));
    if (sp_str_is(name, "AddDate") && n == 3)
        return sp_dg_later(p, &args[0], &args[1], &args[2], of.e);
    if (sp_str_is(name, "Add") && n == 1)
        return value_of(DG_TIME, sp_dg_call(r, p->mark, "+", of.e, args[0].e, NULL));
    if (sp_str_is(name, "Sub") && n == 1)
        return value_of(DG_SPAN, sp_dg_call(r, p->mark, "-", of.e, args[0].e, NULL));
    sp_dg_fail(
        p, name,
        "is no method of dates that is known here: Year, Month, Day, Hour, Minute, Second, Weekday, Format, AddDate, Add and Sub are");
    return none();
}

/* One of a list that is written out. */
static dg_value item_of(parser *p, const dg_value *list, const dg_value *which)
{
    int64_t i = -1;
    if (sp_dg_is_filtered(list) && which->e && which->e->kind == SP_EXPR_NUMBER && sp_str_is(which->e->text, "0"))
        return sp_dg_first_of(p, list);
    if (!sp_dg_is_filtered(list) && which->e && which->e->kind == SP_EXPR_NUMBER && sp_parse_i64(which->e->text, &i) && i >= 0 &&
        (uint64_t)i < list->n)
        return list->items[i];
    sp_dg_fail(p, p->source, "takes an item of a list by what is no number of one");
    return none();
}

static dg_value parse_members(parser *p, dg_value v)
{
    while (!p->failed) {
        bool dot = sp_dg_take(p, ".") || sp_dg_take(p, "?.");
        if (!dot && !sp_dg_take(p, "["))
            return v;
        if (!dot) {
            dg_value which = sp_dg_parse_any(p);
            sp_dg_need_sign(p, "]");
            if (v.kind == DG_RECORD && !v.e) /* get_model('t')[0] is get_record('t', 0) */
                v.e = which.e;
            else
                v = v.kind == DG_RECORD && is_constant_text(&which) ? sp_dg_field_of(p, &v, which.e->text)
                                                                    : item_of(p, &v, &which);
            continue;
        }
        token name = p->next;
        if (name.kind != T_NAME) {
            sp_dg_fail(p, name.text, "stands where a name should be, behind a dot");
            return none();
        }
        advance(p);
        if (sp_dg_take(p, "("))
            v = call_method(p, v, name.text);
        else if (v.kind == DG_RECORD)
            v = sp_dg_field_of(p, &v, name.text);
        else
            sp_dg_fail(p, name.text, "stands behind a dot, and before it is nothing that has such a part");
    }
    return none();
}

/* ---- values ---- */

static dg_value column_value(parser *p, sp_str name)
{
    return (dg_value){
        .kind = DG_TEXT, .column = true, .e = sp_make_expr(p->s->r, SP_EXPR_COLUMN, p->mark, name, NULL, 0)};
}

static dg_value row_number(parser *p, long long first)
{
    sp_expr *row = sp_make_expr(p->s->r, SP_EXPR_CALL, p->mark, sp_str_of("row"), NULL, 0);
    return value_of(DG_NUMBER,
                    first ? row : sp_dg_call(p->s->r, p->mark, "-", row, sp_dg_number_leaf(p->s, p->mark, 1), NULL));
}

static dg_value parent_value(parser *p)
{
    if (!sp_dg_take(p, ".") && !sp_dg_take(p, "?.")) {
        sp_dg_fail(p, p->s->parent, "needs a dot and the name of a column behind it");
        return none();
    }
    token name = p->next;
    advance(p);
    return column_value(p, name.text);
}

static dg_value parse_name(parser *p, const token *t)
{
    dg_value args[DG_ARGS_MAX];
    if (sp_dg_take(p, "(")) {
        if (sp_dg_is_each(t->text))
            return sp_dg_parse_each(p, t->text, NULL);
        uint32_t n = parse_args(p, args, 0, ")");
        return p->failed ? none() : sp_dg_call_named(p, t->text, args, n);
    }
    for (uint32_t i = p->n_lets; i-- > 0;)
        if (sp_str_is(t->text, p->lets[i].name))
            return p->lets[i].value;
    for (uint32_t i = 0; i < p->s->n_variables; i++)
        if (sp_str_is(t->text, p->s->variables[i].name))
            return p->s->variables[i].value;
    if (sp_str_is(t->text, "true") || sp_str_is(t->text, "false"))
        return value_of(DG_TRUTH, sp_make_expr(p->s->r, SP_EXPR_BOOL, p->mark, t->text, NULL, 0));
    if (sp_str_is(t->text, "nil"))
        return value_of(DG_NIL, sp_make_expr(p->s->r, SP_EXPR_NULL, p->mark, t->text, NULL, 0));
    if (sp_str_is(t->text, "row_number") || sp_str_is(t->text, "LN"))
        return row_number(p, 0);
    if (p->s->parent.len && sp_str_eq(t->text, p->s->parent))
        return parent_value(p);
    if (p->s->parent.len) {
        sp_dg_fail(p, t->text, "is not known before rows are counted; columns of the row referred to are");
        return none();
    }
    return column_value(p, t->text);
}

static dg_value parse_list(parser *p)
{
    dg_value items[DG_ARGS_MAX], list = {.kind = DG_LIST};
    list.n = parse_args(p, items, 0, "]");
    list.items = p->failed ? NULL : sp_read_make(p->s->r, list.n, sizeof(*list.items));
    if (list.items && list.n)
        memcpy(list.items, items, list.n * sizeof(*items));
    return list;
}

static dg_value parse_map(parser *p)
{
    dg_value items[DG_ARGS_MAX], map = {.kind = DG_MAP};
    while (!p->failed && !sp_dg_next_is(p, "}") && map.n < DG_ARGS_MAX) {
        token key = p->next;
        advance(p);
        sp_dg_need_sign(p, ":");
        items[map.n] = sp_dg_parse_any(p);
        items[map.n++].name = key.text;
        if (!sp_dg_take(p, ","))
            break;
    }
    sp_dg_need_sign(p, "}");
    map.items = p->failed ? NULL : sp_read_make(p->s->r, map.n, sizeof(*map.items));
    if (map.items && map.n)
        memcpy(map.items, items, map.n * sizeof(*items));
    return map;
}

static dg_value parse_primary(parser *p)
{
    token t = p->next;
    dg_value v = none();
    if (p->failed)
        return v;
    advance(p);
    if (t.kind == T_NUMBER) {
        sp_expr *number = sp_make_expr(p->s->r, SP_EXPR_NUMBER, p->mark, t.text, NULL, 0);
        bool real = memchr(t.text.p, '.', t.text.len) != NULL; /* a float there, and no exact decimal */
        v = value_of(DG_NUMBER, real ? sp_dg_call(p->s->r, p->mark, "float", number, NULL, NULL) : number);
    } else if (t.kind == T_TEXT)
        v = value_of(DG_TEXT, sp_dg_text_leaf(p->s, p->mark, t.text));
    else if (t.kind == T_NAME)
        v = parse_name(p, &t);
    else if (sp_str_is(t.text, "(")) {
        v = sp_dg_parse_any(p);
        sp_dg_need_sign(p, ")");
    } else if (sp_str_is(t.text, "#") && p->item) {
        v = sp_dg_item_word(p);
    } else if (sp_str_is(t.text, "[")) {
        v = parse_list(p);
    } else if (sp_str_is(t.text, "{")) {
        v = parse_map(p);
    } else {
        sp_dg_fail(p, t.kind == T_END ? p->source : t.text,
                   t.kind == T_END ? "ends where a value should be" : "stands where a value should be");
    }
    return parse_members(p, v);
}

static dg_value parse_signed(parser *p)
{
    enum { NOT_LEVEL = 50, SIGN_LEVEL = 90 };
    if (sp_dg_take(p, "not") || sp_dg_take(p, "!"))
        return sp_dg_negate(p, parse_level(p, NOT_LEVEL));
    if (sp_dg_take(p, "-")) {
        dg_value v = parse_level(p, SIGN_LEVEL);
        return value_of(v.kind == DG_SPAN ? DG_SPAN : DG_NUMBER,
                        sp_dg_call(p->s->r, p->mark, "negate", sp_dg_as_number(p->s, &v, p->mark), NULL, NULL));
    }
    if (sp_dg_take(p, "+"))
        return parse_level(p, SIGN_LEVEL);
    return parse_primary(p);
}

static dg_value parse_level(parser *p, int least)
{
    if (++p->depth > DEPTH_MAX)
        sp_dg_fail(p, p->source, "is nested too deeply: 64 levels at most");
    dg_value v = parse_signed(p);
    while (!p->failed) {
        bool is_not = sp_dg_next_is(p, "not") && least <= 20;
        if (is_not)
            advance(p);
        const struct binary *b = find_binary(p);
        if (!b || b->level < least) {
            if (is_not)
                sp_dg_fail(p, p->next.text, "stands where \"in\", \"contains\" or the like should be, behind \"not\"");
            break;
        }
        advance(p);
        v = combine(p, b, v, parse_level(p, b->level + 1));
        v = is_not ? sp_dg_negate(p, v) : v;
    }
    p->depth--;
    return v;
}

static dg_value parse_choice(parser *p, dg_value condition)
{
    dg_value a = sp_dg_parse_any(p), b;
    sp_dg_need_sign(p, ":");
    b = sp_dg_parse_any(p);
    if (p->failed)
        return none();
    dg_kind kind = agree(p, &a, &b);
    return value_of(kind, sp_dg_call(p->s->r, p->mark, "if", sp_dg_as_truth(p->s, &condition, p->mark), a.e, b.e));
}

/* let x = 1; what x is in. */
static dg_value parse_let(parser *p)
{
    token name = p->next;
    advance(p);
    sp_dg_need_sign(p, "=");
    dg_value v = sp_dg_parse_any(p);
    sp_dg_need_sign(p, ";");
    const char *kept = sp_arena_strndup(&p->s->r->plan->arena, name.text.p, name.text.len);
    if (p->n_lets == DG_LETS_MAX || !kept)
        sp_dg_fail(p, name.text, "is one name too many: 16 may be given by \"let\"");
    else
        p->lets[p->n_lets++] = (dg_variable){kept, v};
    return sp_dg_parse_any(p);
}

dg_value sp_dg_parse_any(parser *p)
{
    if (sp_dg_take(p, "let"))
        return parse_let(p);
    dg_value v = parse_level(p, 0);
    while (sp_dg_take(p, "|")) { /* x | upper() is upper(x) */
        dg_value args[DG_ARGS_MAX] = {v};
        token name = p->next;
        advance(p);
        uint32_t n = 1;
        bool open = sp_dg_take(p, "(");
        if (open && sp_dg_is_each(name.text)) {
            v = sp_dg_parse_each(p, name.text, &v);
            continue;
        }
        if (open)
            n = parse_args(p, args, 1, ")");
        v = p->failed ? none() : sp_dg_call_named(p, name.text, args, n);
    }
    return sp_dg_take(p, "?") ? parse_choice(p, v) : v;
}

static bool parse(parser *p, dg_value *v)
{
    advance(p);
    *v = sp_dg_parse_any(p);
    if (!p->failed && p->next.kind != T_END)
        sp_dg_fail(p, p->next.text, "stands where an operator or the end should be");
    if (sp_dg_is_filtered(v))
        sp_dg_fail(p, p->source, "is a list that was filtered: [0] of it, len() and the like are values");
    if (v->kind == DG_RECORD)
        sp_dg_fail(p, p->source, "is a record or a table as a whole: a column of a row is a value");
    return !p->failed && (v->kind == DG_LIST || v->kind == DG_MAP || v->e || p->silent);
}

bool sp_dg_read_expr(const dg_scope *s, sp_str text, sp_mark at, dg_value *v)
{
    parser p = {.s = s, .source = text, .mark = at};
    return parse(&p, v);
}

bool sp_dg_is_expr(const dg_scope *s, sp_str text)
{
    dg_value v;
    parser p = {.s = s, .source = text, .silent = true};
    return parse(&p, &v);
}
