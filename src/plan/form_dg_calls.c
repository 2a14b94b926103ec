/* form_dg_calls.c - the functions that expressions of dg's fork may call, and how values become what is wanted of them.
 *
 * Functions are calls of our own by another name, or a few of them. Those that look into other tables put hidden columns beside the one
 * that is read: what is looked for, and what is found there. */
#include "plan/form_dg_expr.h"

#include <stdio.h>

/* ---- parts of trees ---- */

sp_expr *sp_dg_call(sp_plan_reader *r, sp_mark at, const char *name, sp_expr *a, sp_expr *b, sp_expr *c)
{
    sp_expr *args[] = {a, b, c};
    return a ? sp_make_expr(r, SP_EXPR_CALL, at, sp_str_of(name), args, c ? 3 : b ? 2 : 1) : NULL;
}

sp_expr *sp_dg_leaf(sp_plan_reader *r, sp_mark at, sp_expr_kind kind, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    char *kept = sp_arena_strndup(&r->plan->arena, text, SP_MIN((size_t)SP_MAX(len, 0), sizeof(text) - 1));
    if (!kept)
        r->nomem = r->stop = true;
    return kept ? sp_make_expr(r, kind, at, sp_str_of(kept), NULL, 0) : NULL;
}

sp_expr *sp_dg_text_leaf(const dg_scope *s, sp_mark at, sp_str text)
{
    return sp_make_expr(s->r, SP_EXPR_TEXT, at, text, NULL, 0);
}

sp_expr *sp_dg_number_leaf(const dg_scope *s, sp_mark at, long long n)
{
    sp_expr *e =
        sp_dg_leaf(s->r, at, SP_EXPR_NUMBER, "%llu", n < 0 ? 0 - (unsigned long long)n : (unsigned long long)n);
    return n < 0 ? sp_dg_call(s->r, at, "negate", e, NULL, NULL) : e;
}

sp_expr *sp_dg_as_text(const dg_scope *s, const dg_value *v, sp_mark at)
{
    return v->kind == DG_TEXT && !v->column ? v->e : sp_dg_call(s->r, at, "text", v->e, NULL, NULL);
}

sp_expr *sp_dg_as_number(const dg_scope *s, const dg_value *v, sp_mark at)
{
    if (v->kind == DG_TRUTH)
        return sp_dg_call(s->r, at, "int", v->e, NULL, NULL);
    return v->kind == DG_TEXT && !v->column ? sp_dg_call(s->r, at, "float", v->e, NULL, NULL) : v->e;
}

sp_expr *sp_dg_as_truth(const dg_scope *s, const dg_value *v, sp_mark at)
{
    if (v->kind == DG_TEXT)
        return sp_dg_call(s->r, at, "<>", sp_dg_as_text(s, v, at), sp_dg_text_leaf(s, at, sp_str_of("")), NULL);
    if (v->kind == DG_NUMBER)
        return sp_dg_call(s->r, at, "<>", v->e, sp_dg_number_leaf(s, at, 0), NULL);
    return v->kind == DG_TRUTH ? v->e : sp_dg_call(s->r, at, "is not null", v->e, NULL, NULL);
}

/* A text is read by the layout, or, where that has no date in it, as the fork would: 2006-01-02. Cells that are moments are that. */
sp_expr *sp_dg_as_time(const dg_scope *s, const dg_value *v, sp_str layout, sp_mark at)
{
    if (v->kind == DG_TIME)
        return v->e;
    if (v->kind == DG_NUMBER) /* seconds since 1970 */
        return sp_dg_call(
            s->r, at, "+",
            sp_dg_call(s->r, at, "timestamp", sp_dg_text_leaf(s, at, sp_str_of("1970-01-01")), NULL, NULL),
            sp_dg_call(s->r, at, "seconds", v->e, NULL, NULL), NULL);
    bool plain = !layout.len || sp_str_is(layout, "2006-01-02");
    sp_expr *how = plain ? NULL : sp_dg_text_leaf(s, at, layout);
    return sp_dg_call(s->r, at, "timestamp", plain ? v->e : sp_dg_as_text(s, v, at), how, NULL);
}

void sp_dg_set_expr(sp_plan_column *c, sp_expr *e, sp_mark at)
{
    c->mode = SP_MODE_EXPR;
    c->mode_mark = at;
    c->expr = e;
    c->text = e ? e->shown : sp_str_of("");
    c->wrong = c->wrong || !e;
}

/* ---- calls ---- */

dg_value sp_dg_of_texts(parser *p, const char *name, const dg_value *a, const dg_value *b)
{
    return value_of(DG_TRUTH, sp_dg_call(p->s->r, p->mark, name, sp_dg_as_text(p->s, a, p->mark),
                                         sp_dg_as_text(p->s, b, p->mark), NULL));
}

static bool want(parser *p, sp_str name, uint32_t n, uint32_t least, uint32_t most)
{
    char message[96];
    if (n >= least && n <= most)
        return true;
    snprintf(message, sizeof(message), "takes %u%s%.0u argument%s, and here are %u", least, most > least ? " to " : "",
             most > least ? most : 0, most == 1 ? "" : "s", n);
    sp_dg_fail(p, name, message);
    return false;
}

/* The text of an argument that must be written out. */
static bool constant_text(parser *p, const dg_value *v, sp_str *text)
{
    if (!is_constant_text(v)) {
        sp_dg_fail(p, p->source, "has an argument that must be a text written out, such as 'orders'");
        return false;
    }
    *text = v->e->text;
    return true;
}

static const sp_plan_table *find_table(const dg_scope *s, sp_str name)
{
    for (uint32_t i = 0; i < s->n_tables; i++)
        if (sp_str_is(name, s->tables[i].name))
            return &s->tables[i];
    return NULL;
}

/* A hidden column that has the value in it, or the column that it is. */
static sp_str column_for(parser *p, const dg_value *v)
{
    if (v->column && v->e && !v->e->field.len)
        return v->e->text;
    sp_plan_column c = sp_read_new_column(p->s->r, p->mark);
    sp_dg_set_expr(&c, v->e, p->mark);
    return sp_dg_hide(p->s->r, p->s->table, p->s->column, &c);
}

/* What is found in the first row of a table where by has the value: a hidden column. */
static dg_value look_up(parser *p, sp_str table, sp_str by, const dg_value *value, sp_str field)
{
    sp_plan_column c = sp_read_new_column(p->s->r, p->mark);
    const char *place =
        sp_arena_printf(&p->s->r->plan->arena, "%.*s.%.*s", (int)table.len, table.p, (int)field.len, field.p);
    if (p->failed || p->silent || !value->e || !place)
        return value_of(DG_TEXT, value->e);
    c.mode = SP_MODE_LOOKUP;
    c.text = sp_str_of(place);
    c.key = column_for(p, value);
    c.by = by;
    c.which = SP_LOOKUP_FIRST;
    sp_str name = sp_dg_hide(p->s->r, p->s->table, p->s->column, &c);
    return (dg_value){
        .kind = DG_TEXT, .column = true, .e = sp_make_expr(p->s->r, SP_EXPR_COLUMN, p->mark, name, NULL, 0)};
}

static dg_value call_match(parser *p, dg_value *a)
{
    sp_str table = {0}, by = {0}, field = {0};
    if (!constant_text(p, &a[0], &table) || !constant_text(p, &a[1], &by) || !constant_text(p, &a[3], &field))
        return none();
    return look_up(p, table, by, &a[2], field);
}

/* get_record('t', i): the row of a table, of which a field is asked; without a row, get_model('t'): the table. */
static dg_value call_record(parser *p, const dg_value *a, const dg_value *row)
{
    sp_str table = {0};
    const sp_plan_table *t = constant_text(p, &a[0], &table) ? find_table(p->s, table) : NULL;
    if (!p->failed && !t)
        sp_dg_fail(p, table, "is no table or input before this one");
    return (dg_value){.kind = DG_RECORD, .table = (sp_plan_table *)(uintptr_t)t, .e = row ? row->e : NULL};
}

/* A field of a record: found by the number of the row, which the table gets a hidden column for. */
dg_value sp_dg_field_of(parser *p, const dg_value *record, sp_str field)
{
    sp_plan_table *t = record->table;
    sp_str by = sp_str_of("(row)");
    if (p->failed || p->silent)
        return none();
    if (sp_plan_find_column(t, by) < 0) {
        sp_plan_column c = sp_read_new_column(p->s->r, p->mark);
        c.name = "(row)";
        c.mode = SP_MODE_INC;
        c.hidden = true;
        sp_dg_add_column(p->s->r, t, &c);
    }
    if (!record->e) {
        sp_dg_fail(p, field, "is a column of a table of which no row is named: get_model('orders')[0].id names one");
        return none();
    }
    dg_value row = value_of(DG_NUMBER, record->e);
    return look_up(p, sp_str_of(t->name), by, &row, field);
}

/* The numbers below n, in any order, each once: a list that only a whole expression can be. */
static dg_value call_permutation(parser *p, const dg_value *a)
{
    sp_plan_column c = sp_read_new_column(p->s->r, p->mark);
    if (p->silent)
        return none();
    if (!a->e || a->e->kind != SP_EXPR_NUMBER || !sp_parse_i64(a->e->text, &c.max_i) || c.max_i < 1) {
        sp_dg_fail(p, p->source, "mixes so many numbers as are not written out");
        return none();
    }
    c.mode = SP_MODE_RANGE;
    c.range = SP_RANGE_INT;
    c.unique = true;
    sp_str name = sp_dg_hide(p->s->r, p->s->table, p->s->column, &c);
    return (dg_value){
        .kind = DG_NUMBER, .column = true, .e = sp_make_expr(p->s->r, SP_EXPR_COLUMN, p->mark, name, NULL, 0)};
}

/* A column of another table, value for value: a list that only a whole expression can be. */
static dg_value call_column(parser *p, dg_value *a)
{
    sp_str table = {0}, field = {0};
    sp_plan_column c = sp_read_new_column(p->s->r, p->mark);
    if (!constant_text(p, &a[0], &table) || !constant_text(p, &a[1], &field) || p->silent)
        return none();
    const char *place =
        sp_arena_printf(&p->s->r->plan->arena, "%.*s.%.*s", (int)table.len, table.p, (int)field.len, field.p);
    c.mode = SP_MODE_REF;
    c.text = place ? sp_str_of(place) : c.text;
    c.distribution = (sp_distribution){.spread = SP_SPREAD_CYCLE, .a = 1, .b = 1};
    sp_str name = sp_dg_hide(p->s->r, p->s->table, p->s->column, &c);
    return (dg_value){
        .kind = DG_TEXT, .column = true, .e = sp_make_expr(p->s->r, SP_EXPR_COLUMN, p->mark, name, NULL, 0)};
}

dg_value sp_dg_later(parser *p, const dg_value *years, const dg_value *months, const dg_value *days, sp_expr *from)
{
    sp_plan_reader *r = p->s->r;
    sp_expr *in_years = sp_dg_call(r, p->mark, "*", sp_dg_call(r, p->mark, "int", years->e, NULL, NULL),
                                   sp_dg_number_leaf(p->s, p->mark, 12), NULL);
    sp_expr *all = sp_dg_call(r, p->mark, "+", in_years, sp_dg_call(r, p->mark, "int", months->e, NULL, NULL), NULL);
    sp_expr *moved = sp_dg_call(r, p->mark, "add_months", from, all, NULL);
    return value_of(DG_TIME, sp_dg_call(r, p->mark, "+", moved,
                                        sp_dg_call(r, p->mark, "days",
                                                   sp_dg_call(r, p->mark, "int", days->e, NULL, NULL), NULL, NULL),
                                        NULL));
}

static dg_value call_random(parser *p, sp_expr *low, sp_expr *high)
{
    return value_of(DG_NUMBER, sp_dg_call(p->s->r, p->mark, "random", low, high, NULL));
}

static sp_expr *whole(parser *p, const dg_value *v)
{
    return v->e && v->e->kind == SP_EXPR_NUMBER ? v->e : sp_dg_call(p->s->r, p->mark, "int", v->e, NULL, NULL);
}

/* What is paid each period for a loan: as spreadsheets have it, so the sign is the other one. */
static dg_value call_pmt(parser *p, dg_value *a, uint32_t n)
{
    const dg_scope *s = p->s;
    sp_plan_reader *r = s->r;
    sp_mark at = p->mark;
    sp_expr *v[5];
    for (uint32_t i = 0; i < 5; i++)
        v[i] = i < n ? sp_dg_call(r, at, "float", a[i].e, NULL, NULL)
                     : sp_dg_call(r, at, "float", sp_dg_number_leaf(s, at, 0), NULL, NULL);
    sp_expr *one = sp_dg_number_leaf(s, at, 1),
            *grown = sp_dg_call(r, at, "power", sp_dg_call(r, at, "+", one, v[0], NULL), v[1], NULL);
    sp_expr *owed = sp_dg_call(r, at, "+", sp_dg_call(r, at, "*", v[2], grown, NULL), v[3], NULL);
    sp_expr *shares =
        sp_dg_call(r, at, "*", sp_dg_call(r, at, "+", one, sp_dg_call(r, at, "*", v[0], v[4], NULL), NULL),
                   sp_dg_call(r, at, "-", grown, one, NULL), NULL);
    sp_expr *with = sp_dg_call(r, at, "/", sp_dg_call(r, at, "*", v[0], owed, NULL), shares, NULL);
    sp_expr *without = sp_dg_call(r, at, "/", sp_dg_call(r, at, "+", v[2], v[3], NULL), v[1], NULL);
    sp_expr *which =
        sp_dg_call(r, at, "if", sp_dg_call(r, at, "=", v[0], sp_dg_number_leaf(s, at, 0), NULL), without, with);
    return value_of(DG_NUMBER, sp_dg_call(r, at, "negate", which, NULL, NULL));
}

/* What is paid down of a total, a percentage of it, and each of so many instalments of the rest. */
static dg_value call_payments(parser *p, dg_value *a)
{
    sp_plan_reader *r = p->s->r;
    sp_mark at = p->mark;
    sp_expr *total = sp_dg_call(r, at, "float", a[0].e, NULL, NULL), *hundred = sp_dg_number_leaf(p->s, at, 100);
    sp_expr *down = sp_dg_call(
        r, at, "*", total, sp_dg_call(r, at, "/", sp_dg_call(r, at, "float", a[2].e, NULL, NULL), hundred, NULL), NULL);
    sp_expr *each = sp_dg_call(r, at, "/", sp_dg_call(r, at, "-", total, down, NULL),
                               sp_dg_call(r, at, "float", a[1].e, NULL, NULL), NULL);
    dg_value list = {.kind = DG_LIST, .n = 2, .items = sp_read_make(r, 2, sizeof(*list.items))};
    if (list.items) {
        list.items[0] = value_of(DG_NUMBER, down);
        list.items[1] = value_of(DG_NUMBER, each);
    }
    return list;
}

typedef enum shape { TEXT_TO_TEXT, TEXT_TO_NUMBER, NUMBER_TO_NUMBER, TEXTS_TO_TEXT, TEXTS_TO_TRUTH, CHOOSE, OWN } shape;
enum own {
    O_INT,
    O_FLOAT,
    O_STRING,
    O_NOW,
    O_DATE,
    O_DURATION,
    O_ROUND,
    O_RAND,
    O_RANDR,
    O_RANDF,
    O_RANDN,
    O_MATCH,
    O_ADD_DATE,
    O_RECORD,
    O_MODEL,
    O_PERM,
    O_COLUMN,
    O_PMT,
    O_PAYMENTS,
    O_FAKEIT,
    O_PAD,
    O_SLUG
};
static const struct named {
    const char *name, *ours;
    shape shape;
    uint32_t least, most;
    enum own own;
} nameds[] = {
    {"upper", "upper", TEXT_TO_TEXT, 1, 1, 0},
    {"lower", "lower", TEXT_TO_TEXT, 1, 1, 0},
    {"trim", "trim", TEXT_TO_TEXT, 1, 1, 0},
    {"len", "length", TEXT_TO_NUMBER, 1, 1, 0},
    {"abs", "abs", NUMBER_TO_NUMBER, 1, 1, 0},
    {"ceil", "ceil", NUMBER_TO_NUMBER, 1, 1, 0},
    {"floor", "floor", NUMBER_TO_NUMBER, 1, 1, 0},
    {"replace", "replace", TEXTS_TO_TEXT, 3, 3, 0},
    {"hasPrefix", "starts_with", TEXTS_TO_TRUTH, 2, 2, 0},
    {"hasSuffix", "ends_with", TEXTS_TO_TRUTH, 2, 2, 0},
    {"min", "least", CHOOSE, 1, DG_ARGS_MAX, 0},
    {"max", "greatest", CHOOSE, 1, DG_ARGS_MAX, 0},
    {"int", "", OWN, 1, 1, O_INT},
    {"float", "", OWN, 1, 1, O_FLOAT},
    {"string", "", OWN, 1, 1, O_STRING},
    {"now", "", OWN, 0, 0, O_NOW},
    {"date", "", OWN, 1, 3, O_DATE},
    {"duration", "", OWN, 1, 1, O_DURATION},
    {"round", "", OWN, 1, 1, O_ROUND},
    {"rand", "", OWN, 0, 1, O_RAND},
    {"randr", "", OWN, 2, 2, O_RANDR},
    {"rand_range", "", OWN, 2, 2, O_RANDR},
    {"randf64", "", OWN, 0, 0, O_RANDF},
    {"rand_float64", "", OWN, 0, 0, O_RANDF},
    {"randn", "", OWN, 1, 1, O_RANDN},
    {"match", "", OWN, 4, 4, O_MATCH},
    {"add_date", "", OWN, 4, 4, O_ADD_DATE},
    {"get_record", "", OWN, 2, 2, O_RECORD},
    {"get_model", "", OWN, 1, 1, O_MODEL},
    {"randp", "", OWN, 1, 1, O_PERM},
    {"rand_perm", "", OWN, 1, 1, O_PERM},
    {"get_column", "", OWN, 2, 2, O_COLUMN},
    {"pmt", "", OWN, 3, 5, O_PMT},
    {"payments", "", OWN, 3, 3, O_PAYMENTS},
    {"fakeit", "", OWN, 1, 2, O_FAKEIT},
    {"pad", "", OWN, 4, 4, O_PAD},
    {"slug", "", OWN, 1, 2, O_SLUG},
    {"sha256", "sha256", TEXT_TO_TEXT, 1, 1, 0},
};

/* pad(s, ' ', 8, true): filled up in front, or behind. */
static dg_value call_pad(parser *p, dg_value *a)
{
    sp_plan_reader *r = p->s->r;
    bool left = !(a[3].e && a[3].e->kind == SP_EXPR_BOOL && sp_str_is(a[3].e->text, "false"));
    int64_t width = 0;
    sp_expr *text = sp_dg_as_text(p->s, &a[0], p->mark);
    if (left)
        return value_of(DG_TEXT, sp_dg_call(r, p->mark, "pad", text, a[2].e, a[1].e));
    if (!is_constant_text(&a[1]) || !a[1].e->text.len || !a[2].e || !sp_parse_i64(a[2].e->text, &width) || width < 0 ||
        width > 1000) {
        sp_dg_fail(p, p->source, "pads with something that is not a text and a length written out");
        return none();
    }
    char *fill = sp_arena_alloc(&r->plan->arena, (size_t)width + 1, 1);
    if (!fill)
        return none();
    memset(fill, a[1].e->text.p[0], (size_t)width);
    sp_expr *longer =
        sp_dg_call(r, p->mark, "||", text, sp_dg_text_leaf(p->s, p->mark, (sp_str){fill, (size_t)width}), NULL);
    sp_expr *wide =
        sp_dg_call(r, p->mark, "greatest", sp_dg_call(r, p->mark, "length", text, NULL, NULL), a[2].e, NULL);
    return value_of(DG_TEXT, sp_dg_call(r, p->mark, "left", longer, wide, NULL));
}

static dg_value call_own(parser *p, const struct named *f, dg_value *a, uint32_t n)
{
    const dg_scope *s = p->s;
    sp_plan_reader *r = s->r;
    sp_mark at = p->mark;
    sp_str text = {0};
    dg_value v;
    switch (f->own) {
    case O_INT: return value_of(DG_NUMBER, sp_dg_call(r, at, "int", a[0].e, NULL, NULL));
    case O_FLOAT: return value_of(DG_NUMBER, sp_dg_call(r, at, "float", a[0].e, NULL, NULL));
    case O_STRING: return value_of(DG_TEXT, sp_dg_as_text(s, &a[0], at));
    case O_NOW: return value_of(DG_TIME, sp_make_expr(r, SP_EXPR_CALL, at, sp_str_of("now"), NULL, 0));
    case O_DATE:
        if (n > 1 && !constant_text(p, &a[1], &text))
            return none();
        return value_of(DG_TIME, sp_dg_as_time(s, &a[0], text, at));
    case O_DURATION: return value_of(DG_SPAN, sp_dg_call(r, at, "interval", a[0].e, NULL, NULL));
    case O_ROUND: return value_of(DG_NUMBER, sp_dg_call(r, at, "round", sp_dg_as_number(s, &a[0], at), NULL, NULL));
    case O_RAND:
        if (!n)
            return call_random(p, sp_dg_number_leaf(s, at, 0), sp_dg_number_leaf(s, at, INT64_MAX / 2));
        return call_random(p, sp_dg_number_leaf(s, at, 0),
                           sp_dg_call(r, at, "-", whole(p, &a[0]), sp_dg_number_leaf(s, at, 1), NULL));
    case O_RANDR: return call_random(p, whole(p, &a[0]), whole(p, &a[1]));
    case O_RANDF: return value_of(DG_NUMBER, sp_make_expr(r, SP_EXPR_CALL, at, sp_str_of("random"), NULL, 0));
    case O_RANDN:
        return call_random(
            p, whole(p, &a[0]),
            sp_dg_call(r, at, "+", whole(p, &a[0]), sp_dg_call(r, at, "abs", whole(p, &a[0]), NULL, NULL), NULL));
    case O_MATCH: return call_match(p, a);
    case O_ADD_DATE: return sp_dg_later(p, &a[0], &a[1], &a[2], sp_dg_as_time(s, &a[3], s->format, at));
    case O_RECORD: return call_record(p, a, &a[1]);
    case O_MODEL: return call_record(p, a, NULL);
    case O_PERM: return call_permutation(p, a);
    case O_COLUMN: return call_column(p, a);
    case O_PMT: return call_pmt(p, a, n);
    case O_PAYMENTS: return call_payments(p, a);
    case O_PAD: return call_pad(p, a);
    case O_SLUG: return value_of(DG_TEXT, sp_dg_call(r, at, "slug", sp_dg_as_text(s, &a[0], at), NULL, NULL));
    case O_FAKEIT:
        if (!constant_text(p, &a[0], &text) || p->silent)
            return none();
        p->failed = !sp_dg_faker(s, at, text, n > 1 ? a[1].items : NULL, n > 1 ? a[1].n : 0, &v);
        return v;
    }
    return none();
}

static dg_value call_chosen(parser *p, const struct named *f, dg_value *a, uint32_t n)
{
    sp_expr *args[DG_ARGS_MAX];
    if (n == 1 && a[0].kind == DG_LIST) {
        n = a[0].n;
        a = a[0].items;
    }
    for (uint32_t i = 0; i < n; i++) {
        args[i] = sp_dg_as_number(p->s, &a[i], p->mark);
        if (a[i].when) /* nulls are passed over */
            args[i] = sp_dg_call(p->s->r, p->mark, "if", a[i].when, args[i],
                                 sp_make_expr(p->s->r, SP_EXPR_NULL, p->mark, sp_str_of("nil"), NULL, 0));
    }
    return value_of(DG_NUMBER, sp_make_expr(p->s->r, SP_EXPR_CALL, p->mark, sp_str_of(f->ours), args, n));
}

dg_value sp_dg_call_named(parser *p, sp_str name, dg_value *a, uint32_t n)
{
    const char *names[SP_COUNT(nameds)];
    const struct named *f = NULL;
    sp_plan_reader *r = p->s->r;
    for (size_t i = 0; i < SP_COUNT(nameds); i++) {
        names[i] = nameds[i].name;
        f = sp_str_is(name, nameds[i].name) ? &nameds[i] : f;
    }
    if (!f) {
        const char *near = sp_nearest(name, names, SP_COUNT(names));
        char message[128];
        snprintf(message, sizeof(message), "is no function that is known here%s%s%s", near ? "; did you mean \"" : "",
                 near ? near : "", near ? "\"?" : "");
        sp_dg_fail(p, name, message);
    }
    if (p->failed || !want(p, name, n, f->least, f->most))
        return none();
    switch (f->shape) {
    case TEXT_TO_TEXT:
        return value_of(DG_TEXT, sp_dg_call(r, p->mark, f->ours, sp_dg_as_text(p->s, &a[0], p->mark), NULL, NULL));
    case TEXT_TO_NUMBER:
        if (a[0].kind == DG_LIST)
            return value_of(DG_NUMBER, sp_dg_length(p, &a[0]));
        return value_of(DG_NUMBER, sp_dg_call(r, p->mark, f->ours, sp_dg_as_text(p->s, &a[0], p->mark), NULL, NULL));
    case NUMBER_TO_NUMBER:
        return value_of(DG_NUMBER, sp_dg_call(r, p->mark, f->ours, sp_dg_as_number(p->s, &a[0], p->mark), NULL, NULL));
    case TEXTS_TO_TEXT:
        return value_of(DG_TEXT, sp_dg_call(r, p->mark, f->ours, sp_dg_as_text(p->s, &a[0], p->mark),
                                            sp_dg_as_text(p->s, &a[1], p->mark), sp_dg_as_text(p->s, &a[2], p->mark)));
    case TEXTS_TO_TRUTH: return sp_dg_of_texts(p, f->ours, &a[0], &a[1]);
    case CHOOSE: return call_chosen(p, f, a, n);
    case OWN: break;
    }
    return call_own(p, f, a, n);
}

/* ---- how values are written ---- */

static char verb_of(sp_str format)
{
    for (size_t i = 0; i + 1 < format.len; i++) {
        if (format.p[i] != '%')
            continue;
        size_t k = i + 1;
        while (k < format.len && strchr("+-# 0123456789.", format.p[k]))
            k++;
        if (k < format.len && format.p[k] != '%')
            return format.p[k];
        i = k;
    }
    return '\0';
}

sp_expr *sp_dg_written(const dg_scope *s, const dg_value *v, sp_mark at, sp_str *format)
{
    *format = sp_str_of("");
    if (v->kind == DG_TIME) {
        bool day = !s->format.len || sp_str_is(s->format, "2006-01-02");
        return day ? sp_dg_call(s->r, at, "date", v->e, NULL, NULL)
                   : sp_dg_call(s->r, at, "format", v->e, sp_dg_text_leaf(s, at, s->format), NULL);
    }
    char verb = verb_of(s->format);
    bool number = v->kind == DG_NUMBER || (v->kind == DG_TEXT && v->column);
    if (v->kind == DG_LIST || v->kind == DG_MAP || v->kind == DG_RECORD || !verb)
        return v->e;
    *format = s->format;
    if (number && strchr("feEgG", verb))
        return sp_dg_call(s->r, at, "float", v->e, NULL, NULL);
    if (number && strchr("dxXob", verb))
        return sp_dg_call(s->r, at, "int", v->e, NULL, NULL);
    return verb == 's' ? sp_dg_as_text(s, v, at) : v->e;
}
