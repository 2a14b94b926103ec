/* demand_value.c - what conditions demand of one column by literals: bounds, lists of values, lengths, patterns. */
#include "plan/meaning.h"

static const sp_term *length_of(const sp_term *n)
{
    static const char *const names[] = {"length", "char_length", "character_length", "octet_length",
                                        "len",    "cardinality", "array_length"};
    bool is = n->kind == N_CALL && sp_is_one_of(n->text, names, SP_COUNT(names)) && n->args[0];
    return is && sp_mean_bare(n->args[0])->kind == N_COLUMN ? sp_mean_bare(n->args[0]) : NULL;
}

int sp_mean_compare(sp_str a, sp_str b)
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
    int order = at->p ? sp_mean_compare(value, *at) : 0;
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

bool sp_mean_has(const sp_demand *d, sp_str value)
{
    for (uint32_t i = 0; i < d->n_values; i++)
        if (sp_str_eq(d->values[i], value))
            return true;
    return d->n_values == 0;
}

/* One of these values, and, where others were demanded before, one of both. False: that is none. */
bool sp_mean_values(sp_meaning *m, sp_demand *d, const sp_term *list)
{
    uint32_t n = 0;
    for (const sp_term *at = list; at; at = at->next) {
        if (at->kind != N_LITERAL && at->kind != N_NULL)
            return false;
        n++;
    }
    sp_str *values = sp_mean_alloc(m, n, sizeof(*values));
    n = 0;
    for (const sp_term *at = list; values && at; at = at->next)
        if (at->kind == N_LITERAL && sp_mean_has(d, at->text))
            values[n++] = at->text;
    if (!n && !d->n_values)
        return false;
    m->d->impossible = m->d->impossible || !n;
    d->values = n ? values : d->values;
    d->n_values = n ? n : d->n_values;
    return true;
}

/* None of these values, whatever else is demanded. */
bool sp_mean_no_value(sp_meaning *m, sp_demand *d, const sp_term *list)
{
    uint32_t n = d->n_excluded;
    for (const sp_term *at = list; at; at = at->next, n++)
        if (at->kind != N_LITERAL)
            return false;
    sp_str *values = sp_mean_alloc(m, n, sizeof(*values));
    if (!values || m->t->plain)
        return m->t->plain && !list->next;
    if (d->n_excluded)
        memcpy(values, d->excluded, d->n_excluded * sizeof(*values));
    n = d->n_excluded;
    for (const sp_term *at = list; at; at = at->next)
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
bool sp_mean_just(sp_meaning *m, const sp_term *column, const char *text)
{
    sp_term *value = sp_mean_alloc(m, 1, sizeof(*value));
    if (!value)
        return false;
    *value = (sp_term){.kind = N_LITERAL, .text = sp_str_of(text)};
    return sp_mean_values(m, &m->d->columns[column->column], value);
}

/* abs(column) <= literal */
static bool demand_near_zero(sp_meaning *m, const sp_term *of, sp_str op, const sp_term *value)
{
    const char *low = sp_arena_printf(m->arena, "-%.*s", (int)value->text.len, value->text.p);
    if (!of || of->kind != N_COLUMN || !low)
        return false;
    sp_demand_bound(&m->d->columns[of->column], false, sp_str_of(low), op.len == 1);
    sp_demand_bound(&m->d->columns[of->column], true, value->text, op.len == 1);
    return true;
}

/* NOT GLOB '*[^0-9]*': nothing but such letters, of which there are some. */
static bool demand_only(sp_meaning *m, sp_demand *d, sp_str glob)
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

/* A text with this in it: LIKE's pattern. before, after: what may stand there. */
static bool demand_text(sp_meaning *m, const sp_term *of, const char *before, sp_str text, const char *after)
{
    of = sp_mean_bare(of);
    if (!of || of->kind != N_COLUMN || m->t->plain || m->d->columns[of->column].like.p ||
        memchr(text.p, '%', text.len) || memchr(text.p, '_', text.len))
        return false;
    const char *like = sp_arena_printf(m->arena, "%s%.*s%s", before, (int)text.len, text.p, after);
    m->nomem = m->nomem || !like;
    m->d->columns[of->column].like = sp_str_of(like ? like : "");
    return true;
}

/* position('@' in c) > 1, instr(c, '@') <> 0: there it is, behind so many letters. */
static bool demand_found(sp_meaning *m, const sp_term *call, sp_str op, const sp_term *value)
{
    static const char *const names[] = {"position", "locate", "charindex", "strpos", "instr"};
    static const char *const before[] = {"%", "_%", "__%", "___%"};
    const sp_term *a = call->args[0], *b = a ? a->next : NULL;
    int64_t from;
    if (!b || b->next || !sp_is_one_of(call->text, names, SP_COUNT(names)) || !sp_parse_i64(value->text, &from))
        return false;
    bool needle_first = a->kind == N_LITERAL; /* servers do not agree on that */
    from += sp_str_is(op, ">") || sp_str_is(op, "<>");
    const sp_term *needle = needle_first ? a : b;
    bool behind =
        (op.p[0] == '>' || (sp_str_is(op, "<>") && from == 1)) && from >= 1 && from <= (int64_t)SP_COUNT(before);
    return behind && needle->kind == N_LITERAL &&
           demand_text(m, needle_first ? b : a, before[from - 1], needle->text, "%");
}

/* substr(c, 1, 3) = 'abc', left(c, 3) = 'abc', right(c, 3) = 'abc' */
static bool demand_end(sp_meaning *m, const sp_term *call, const sp_term *value)
{
    static const char *const parts[] = {"substr", "substring", "left", "right"};
    const sp_term *of = call->args[0], *at = of ? of->next : NULL;
    bool part = sp_is_one_of(call->text, parts, SP_COUNT(parts)), from = part && call->text.p[0] == 's';
    if (!part || !at || (from && !(at->kind == N_LITERAL && sp_str_is(at->text, "1"))))
        return false;
    bool right = sp_str_is(call->text, "right");
    return demand_text(m, of, right ? "%" : "", value->text, right ? "" : "%");
}

/* left op literal */
bool sp_mean_bound(sp_meaning *m, const sp_term *left, sp_str op, const sp_term *value)
{
    const sp_term *measured = length_of(left);
    if (measured)
        return sp_str_is(op, "<>") || demand_length(&m->d->columns[measured->column], op, value->text);
    if (sp_term_calls(left, "jsonb_typeof") || sp_term_calls(left, "json_typeof") || sp_term_calls(left, "json_type")) {
        const sp_term *of = left->args[0];
        if (sp_str_is(op, "=") && of && of->kind == N_COLUMN)
            m->d->columns[of->column].json_type = value->text;
        return sp_str_is(op, "=") && of && of->kind == N_COLUMN && !m->t->plain;
    }
    if (sp_term_calls(left, "typeof")) /* what is made is of the column's type */
        return sp_str_is(op, "=") && !m->t->plain;
    if (sp_term_calls(left, "abs") && op.p[0] == '<')
        return demand_near_zero(m, left->args[0], op, value);
    left = sp_mean_bare(left);
    if (left->kind == N_CALL &&
        (demand_found(m, left, op, value) || (sp_str_is(op, "=") && demand_end(m, left, value))))
        return true;
    if (left->kind != N_COLUMN)
        return !m->t->plain && sp_demand_part(m->arena, m->d, left, op, value);
    sp_demand *d = &m->d->columns[left->column];
    if (sp_str_is(op, "="))
        return sp_mean_values(m, d, value);
    if (sp_str_is(op, "<>"))
        return sp_mean_no_value(m, d, value);
    if (sp_str_is(op, "NOT LIKE") || sp_str_is(op, "NOT ~"))
        return !m->t->plain && demand_one_word(d, value->text);
    if (sp_str_is(op, "NOT GLOB"))
        return !m->t->plain && demand_only(m, d, value->text);
    if (sp_str_is(op, "GLOB"))
        d->glob = value->text;
    else if (sp_str_is(op, "LIKE"))
        d->like = value->text;
    else if (sp_str_is(op, "~"))
        d->regex = value->text;
    else if (op.p[0] == '<' || op.p[0] == '>')
        sp_demand_bound(d, op.p[0] == '<', value->text, op.len == 1);
    else
        return false;
    return !(m->t->plain && (d->regex.p || d->glob.p));
}

/* json_valid(column): any JSON will do. What part of a hash a partition has, all of them together take. A pattern, and the beginning or
 * the end of a text, may be functions, too. */
bool sp_mean_call(sp_meaning *m, const sp_term *call)
{
    static const char *const granted[] = {"satisfies_hash_partition"}, *const patterns[] = {"regexp_like",
                                                                                            "regexp_matches",
                                                                                            "regexp_full_match"};
    static const struct {
        const char *name, *before, *after;
    } texts[] = {{"starts_with", "", "%"},
                 {"prefix", "", "%"},
                 {"ends_with", "%", ""},
                 {"suffix", "%", ""},
                 {"contains", "%", "%"}};
    const sp_term *column = call->args[0], *text = column ? column->next : NULL;
    if (sp_term_calls(call, "json_valid") && column && column->kind == N_COLUMN) {
        sp_demand *d = &m->d->columns[column->column];
        d->json_type = d->json_type.p ? d->json_type : sp_str_of("");
        d->not_null = d->not_null || (m->t->nulls_invalid && !m->null_passes);
        return true;
    }
    for (size_t i = 0; text && text->kind == N_LITERAL && i < SP_COUNT(texts); i++)
        if (sp_term_calls(call, texts[i].name))
            return demand_text(m, column, texts[i].before, text->text, texts[i].after);
    if (sp_is_one_of(call->text, granted, SP_COUNT(granted)))
        return true;
    return sp_is_one_of(call->text, patterns, SP_COUNT(patterns)) && text && text->kind == N_LITERAL &&
           sp_mean_bound(m, column, sp_str_of("~"), text);
}
