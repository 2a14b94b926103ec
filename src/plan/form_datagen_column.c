/* form_datagen_column.c - how a column of a datagen schema is made: by its rules, distribution, pattern or generator, else by the
 * key it is part of, its name, its type, in this order; and its keys, nulls and type beside it.
 *
 * A foreign key goes before everything, since nothing else could keep it; a distribution then says which rows are referred to. */
#include "plan/form_datagen.h"
#include "plan/words.h"

#include <math.h>
#include <stdio.h>

#define NULLS   "5%" /* of a column that may be null */
#define YEAR_US (INT64_C(365) * SP_US_PER_DAY)
enum { LETTERS_MIN = 8, LETTERS_MAX = 12, PROSE_MIN = 24, TEXT_DEFAULT = 255, BYTES_DEFAULT = 64 };

const sp_node *sp_datagen_text(datagen_making *m, const char *text)
{
    return sp_make_text(m->d->r, m->to.at, sp_str_of(text));
}

static void put(datagen_making *m, const char *key, const char *text)
{
    sp_make_pair(&m->to, key, sp_datagen_text(m, text));
}

static void put_props(datagen_making *m, const sp_node *min, const sp_node *max, const char *key, const sp_node *value)
{
    sp_node_making props = {.r = m->d->r, .at = m->to.at};
    sp_make_pair(&props, "min", min);
    sp_make_pair(&props, "max", max);
    if (key)
        sp_make_pair(&props, key, value);
    sp_make_pair(&m->to, "props", sp_make_map(&props));
}

static bool is_date(const datagen_making *m)
{
    return m->c->type->kind == SP_DATE;
}

/* ---- numbers ---- */

static bool is_whole(double v)
{
    return v == floor(v);
}

/* What the type allows. */
static void type_limits(const sp_type *type, double *low, double *high)
{
    *high = type->kind == SP_I16 ? 32767 : type->kind == SP_I32 ? 2147483647 : 9007199254740991.0;
    if (type->kind == SP_DECIMAL)
        *high = pow(10, SP_MIN(type->precision - type->scale, 17 - SP_MIN(type->scale, 15))) -
                pow(10, -(double)type->scale);
    *low = -*high;
}

void sp_datagen_numbers(datagen_making *m, double min, double max, const sp_node *distribution)
{
    const sp_type *type = m->c->type;
    sp_plan_reader *r = m->d->r;
    bool text = type->kind == SP_TEXT, floats = type->kind == SP_F32 || type->kind == SP_F64;
    bool decimals = type->kind == SP_DECIMAL || (text && !(is_whole(min) && is_whole(max)));
    unsigned scale = text ? 2 : SP_MIN((unsigned)type->scale, 15u);
    double low, high;
    type_limits(type, &low, &high);
    min = SP_MAX(min, low);
    max = SP_MIN(max, high);
    put(m, "range", floats ? "float" : decimals ? "decimal" : "int");
    if (floats)
        put_props(m, sp_make_words(r, m->to.at, "%.17g", min), sp_make_words(r, m->to.at, "%.17g", max), NULL, NULL);
    else if (decimals)
        put_props(m, sp_make_words(r, m->to.at, "%.*f", (int)scale, min),
                  sp_make_words(r, m->to.at, "%.*f", (int)scale, max + pow(10, -(double)scale)), "scale",
                  sp_make_words(r, m->to.at, "%u", scale));
    else
        put_props(m, sp_make_words(r, m->to.at, "%.0f", ceil(min)), sp_make_words(r, m->to.at, "%.0f", floor(max) + 1),
                  NULL, NULL);
    sp_make_pair(&m->to, "distribution", distribution);
}

/* Conditions narrow what the name or the type says. */
static void apply_demand(const sp_demand *d, double unit, double *min, double *max)
{
    double v, width = SP_MAX(*max - *min, unit);
    bool has_min = d->min.p && sp_parse_f64(d->min, &v);
    double low = has_min ? v + (d->min_open ? unit : 0) : -INFINITY;
    bool has_max = d->max.p && sp_parse_f64(d->max, &v);
    double high = has_max ? v - (d->max_open ? unit : 0) : INFINITY;
    if (has_min && has_max) {
        *min = low;
        *max = high;
        return;
    }
    *min = *min < low || *min > high ? (has_min ? low : high - width) : *min;
    *max = *max > high || *max < *min ? (has_max ? high : *min + width) : *max;
}

static void choose_number(datagen_making *m)
{
    const sp_type *type = m->c->type;
    bool whole = sp_kind_is_signed(type->kind) || (type->kind == SP_DECIMAL && !type->scale);
    double low, high, min = 0, max = 1000;
    type_limits(type, &low, &high);
    if (m->unique || !sp_words_number(m->c->name.p, &min, &max)) /* a name's numbers are few */
        max = whole ? SP_MIN(high, 2147483647) : m->unique ? SP_MIN(high, 1e9) : SP_MIN(high, 1000);
    apply_demand(&m->t->demands.columns[m->c - m->t->columns], whole ? 1 : pow(10, -(double)SP_MIN(type->scale, 15)),
                 &min, &max);
    sp_datagen_numbers(m, min, max, NULL);
}

/* ---- moments ---- */

void sp_datagen_moments(datagen_making *m, const char *min, const char *max, const sp_node *distribution)
{
    put(m, "range", "timestamp");
    put_props(m, sp_datagen_text(m, min), sp_datagen_text(m, max), is_date(m) ? "format" : NULL,
              is_date(m) ? sp_datagen_text(m, "2006-01-02") : NULL);
    sp_make_pair(&m->to, "distribution", distribution);
}

static bool is_moment(const datagen_column *c)
{
    return c->type && (c->type->kind == SP_DATE || c->type->kind == SP_TIMESTAMP || c->type->kind == SP_TIMESTAMPTZ);
}

/* Made by its name or type alone. */
static bool is_free(const datagen_column *c)
{
    return !c->v[D_GENERATOR] && !c->v[D_CONFIG] && !c->v[D_DISTRIBUTION] && !c->v[D_PATTERN] && !c->v[D_RULES] &&
           !c->foreign;
}

static bool is_before(const datagen_table *t, uint32_t a, uint32_t b)
{
    const datagen_column *early = &t->columns[a], *late = &t->columns[b];
    if (a == b || !is_moment(early) || early->type->kind != late->type->kind || (early->nullable && !late->nullable))
        return false;
    for (uint32_t i = 0; i < t->demands.n_orderings; i++)
        if (t->demands.orderings[i].low == a && t->demands.orderings[i].high == b)
            return true;
    return sp_words_before(early->name.p, late->name.p) && !sp_words_before(late->name.p, early->name.p);
}

/* The moment that this one follows: of several, the one that itself follows most. -1: none. */
static int find_before(const datagen_table *t, uint32_t column)
{
    int best = -1;
    unsigned most = 0;
    for (uint32_t a = 0; a < t->n; a++) {
        unsigned follows = 1;
        if (!is_before(t, a, column) || is_before(t, column, a))
            continue;
        for (uint32_t i = 0; i < t->n; i++)
            follows += is_before(t, i, a);
        if (follows > most) {
            most = follows;
            best = (int)a;
        }
    }
    return best;
}

static bool choose_after(datagen_making *m)
{
    uint32_t column = (uint32_t)(m->c - m->t->columns);
    int before = m->unique || !is_free(m->c) ? -1 : find_before(m->t, column);
    if (before < 0)
        return false;
    sp_make_pair(&m->to, "after", sp_make_text(m->d->r, m->to.at, m->t->columns[before].name));
    put_props(m, sp_datagen_text(m, is_date(m) ? "24h" : "1h"), sp_datagen_text(m, is_date(m) ? "2160h" : "720h"), NULL,
              NULL);
    return true;
}

/* The year before now, unless the name knows better. */
static void choose_moment(datagen_making *m)
{
    char from[SP_TIMESTAMP_TEXT_MAX + SP_SLACK], to[SP_TIMESTAMP_TEXT_MAX + SP_SLACK];
    int64_t now = m->d->r->plan->now_us;
    double null_rate;
    const char *min = from, *max = to;
    if (choose_after(m))
        return;
    *sp_put_timestamptz_iso(from, now - YEAR_US) = '\0';
    *sp_put_timestamptz_iso(to, now) = '\0';
    if (!m->unique)
        sp_words_time(m->c->name.p, &min, &max, &null_rate);
    sp_datagen_moments(m, min, max, NULL);
}

/* ---- texts ---- */

static void put_alternatives(datagen_making *m, const char *text)
{
    const sp_node *items[64];
    uint32_t n = 0;
    for (const char *p = text; *p && n < SP_COUNT(items);) {
        size_t len = strcspn(p, "|");
        items[n++] = sp_make_text(m->d->r, m->to.at, (sp_str){p, len});
        p += len + (p[len] == '|');
    }
    sp_make_pair(&m->to, "set", sp_make_list(m->d->r, m->to.at, items, n));
}

/* A text with ${functions} as an expression: texts that are made unique are expressions. */
static void put_expression(datagen_making *m, const char *text)
{
    sp_buf out = {0};
    int rc = SPATE_OK;
    for (const char *p = text; *p && !rc;) {
        const char *close = p[0] == '$' && p[1] == '{' ? strchr(p, '}') : NULL;
        const char *next = close ? close + 1 : strstr(p + 1, "${") ? strstr(p + 1, "${") : p + strlen(p);
        rc = sp_buf_printf(&out, close ? "%s%.*s" : "%s'%.*s'", out.len ? " || " : "", (int)(next - p), p);
        p = next;
    }
    if (rc)
        m->d->r->nomem = m->d->r->stop = true;
    else
        sp_make_pair(&m->to, "expr", sp_make_text(m->d->r, m->to.at, (sp_str){out.data, out.len}));
    sp_buf_done(&out);
}

/* How many columns of the table are about the same person, or place. */
static unsigned facets_of(const datagen_table *t, const char *of)
{
    unsigned n = 0;
    const char *whose;
    for (uint32_t i = 0; i < t->n; i++)
        n += t->columns[i].words && sp_words_facet(t->columns[i].words, &whose) && strcmp(whose, of) == 0;
    return n;
}

void sp_datagen_template(datagen_making *m, const char *text)
{
    const char *of, *facet = sp_words_facet(text, &of);
    bool typed = m->c->type->kind != SP_TEXT; /* ${uuid}, ${bool} */
    if (strchr(text, '|'))
        put_alternatives(m, text);
    else if (facet && m->c->words && strcmp(m->c->words, text) == 0 && facets_of(m->t, of) > 1)
        put(m, of, facet);
    else if (m->unique && !typed && strcmp(text, "${uuid}") != 0)
        put_expression(m, text);
    else
        put(m, "value", text);
}

static void put_letters(datagen_making *m, uint32_t min, uint32_t max)
{
    put(m, "range", "string");
    put_props(m, sp_make_words(m->d->r, m->to.at, "%u", min), sp_make_words(m->d->r, m->to.at, "%u", max + 1), NULL,
              NULL);
}

static bool is_fixed(sp_str sql)
{
    return sql.len >= 4 && sp_str_ieq((sp_str){sql.p, 4}, "char") &&
           !(sql.len >= 9 && sp_str_ieq((sp_str){sql.p, 9}, "character") && strstr(sql.p, "ary"));
}

/* A text of which nothing is known but how long it may be. */
static void choose_text(datagen_making *m)
{
    uint32_t max = m->c->type->length ? m->c->type->length : TEXT_DEFAULT;
    bool fixed = m->c->type->length && is_fixed(m->c->sql);
    const char *said = m->c->words;
    int64_t letters;
    if (said && *said == '#' && sp_parse_i64(sp_str_of(said + 1), &letters))
        put_letters(m, SP_MIN((uint32_t)letters, max), SP_MIN((uint32_t)letters, max));
    else if (said && !(m->unique && strchr(said, '|')))
        sp_datagen_template(m, said);
    else if (fixed || m->unique || max < PROSE_MIN || sp_words_is_code(m->c->name.p))
        put_letters(m, fixed ? max : SP_MIN(max, m->unique ? (uint32_t)LETTERS_MAX : LETTERS_MIN),
                    fixed ? max : SP_MIN(max, LETTERS_MAX));
    else
        sp_datagen_template(m, m->c->type->length ? "${adjective} ${noun}" : "${lorem_sentence}");
}

/* ---- other types ---- */

/* The words of a type's name, without what stands in parentheses. */
static const char *bare_type(datagen_making *m, char name[32])
{
    size_t n = 0;
    for (; n < m->c->sql.len && n < 31 && m->c->sql.p[n] != '(' && m->c->sql.p[n] != '['; n++)
        name[n] = (char)(m->c->sql.p[n] >= 'A' && m->c->sql.p[n] <= 'Z' ? m->c->sql.p[n] + 32 : m->c->sql.p[n]);
    while (n && name[n - 1] == ' ')
        n--;
    name[n] = '\0';
    return name;
}

static void choose_other(datagen_making *m)
{
    char name[32];
    const char *said = sp_words_type(bare_type(m, name));
    if (said && m->unique && strcmp(name, "inet") == 0)
        sp_datagen_template(m, "${ipv6_address}");
    else if (said)
        sp_datagen_template(m, said);
    else if (strcmp(name, "money") == 0 || strcmp(name, "numeric") == 0 || strcmp(name, "decimal") == 0)
        sp_datagen_numbers(m, 1, 1000.5, NULL);
    else if (strcmp(name, "bit") == 0 || strcmp(name, "varbit") == 0 || strcmp(name, "bit varying") == 0) {
        uint32_t n = SP_MAX(m->c->type->length, 1u);
        sp_make_pair(&m->to, "pattern", sp_make_words(m->d->r, m->to.at, "[01]{%u}", n));
    } else
        sp_mistake(m->d->r->m, m->c->v[D_TYPE]->mark, m->c->sql,
                   "has no values of its own: say how they are made, with a generator or a pattern");
}

static void choose_list(datagen_making *m)
{
    static const char *const items[SP_KINDS] = {[SP_BOOL] = "${bool}",     [SP_I16] = "${uint8}",
                                                [SP_I32] = "${uint16}",    [SP_I64] = "${uint32}",
                                                [SP_F32] = "${float32}",   [SP_F64] = "${float64}",
                                                [SP_DECIMAL] = "${price}", [SP_UUID] = "${uuid}",
                                                [SP_TEXT] = "${noun}",     [SP_TIMESTAMPTZ] = "${past_date}"};
    const sp_type *item = m->c->type->item;
    if (!items[item->kind] || item->other)
        sp_mistake(m->d->r->m, m->c->v[D_TYPE]->mark, m->c->sql, "is a list of what no values can be made of");
    else {
        put(m, "array", items[item->kind]);
        put_props(m, sp_datagen_text(m, "0"), sp_datagen_text(m, "5"), NULL, NULL);
    }
}

static void choose_by_type(datagen_making *m)
{
    const sp_type *type = m->c->type;
    switch (type->kind) {
    case SP_BOOL: put(m, "value", "${bool}"); break;
    case SP_I16:
    case SP_I32:
    case SP_I64:
    case SP_U64:
    case SP_F32:
    case SP_F64:
    case SP_DECIMAL: choose_number(m); break;
    case SP_DATE:
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: choose_moment(m); break;
    case SP_TIME:
        put(m, "range", "timestamp");
        put_props(m, sp_datagen_text(m, "2024-01-01"), sp_datagen_text(m, "2024-01-02"), "format",
                  sp_datagen_text(m, "15:04:05"));
        break;
    case SP_INTERVAL:
        put(m, "range", "interval");
        put_props(m, sp_datagen_text(m, "1m"), sp_datagen_text(m, "24h"), NULL, NULL);
        break;
    case SP_UUID: put(m, "value", "${uuid}"); break;
    case SP_JSON:
        put(m, "value", "{\"name\": ${noun}, \"${noun}\": {\"is\": ${adjective}, \"count\": ${uint8}}}");
        break;
    case SP_BYTES:
        put(m, "range", "bytes");
        put_props(m, sp_datagen_text(m, "1"), sp_make_words(m->d->r, m->to.at, "%d", BYTES_DEFAULT), NULL, NULL);
        break;
    case SP_LIST: choose_list(m); break;
    case SP_TEXT:
        if (type->other)
            choose_other(m);
        else
            choose_text(m);
        break;
    }
}

/* ---- keys ---- */

static bool is_serial(const datagen_column *c)
{
    return sp_str_ieq(c->sql, "serial") || sp_str_ieq(c->sql, "bigserial") || sp_str_ieq(c->sql, "smallserial");
}

/* An expression for a column's name. */
static const sp_node *quoted(datagen_making *m, sp_str name)
{
    return sp_make_words(m->d->r, m->to.at, "\"%.*s\"", (int)SP_MIN(name.len, (size_t)400), name.p);
}

/* A distribution says which rows are referred to oftener, as far as rows have an order: zipf. */
static void put_popularity(datagen_making *m)
{
    const sp_node *node = m->c->v[D_DISTRIBUTION], *type = node ? sp_node_value(node, "type") : NULL;
    if (!type || m->unique || type->kind != SP_NODE_TEXT)
        return;
    if (!sp_str_ieq(type->text, "zipf")) {
        sp_warning(m->d->r->m, node->mark, m->c->name,
                   "is a foreign key, of which the distribution zipf alone can say something");
        return;
    }
    sp_node_making zipf = {.r = m->d->r, .at = node->mark};
    sp_make_pair(&zipf, "type", type);
    sp_make_pair(&zipf, "exponent", sp_node_value(node, "alpha"));
    if (!(m->c->primary && m->t->n_primary > 1) && !m->c->combines) /* combinations are chosen evenly */
        sp_make_pair(&m->to, "distribution", sp_make_map(&zipf));
}

static void choose_reference(datagen_making *m)
{
    const datagen_foreign *f = m->c->foreign;
    sp_str target = f->targets[m->c->foreign_at]->text;
    bool self = sp_str_eq(f->parent, m->t->name);
    if (self && !m->c->nullable && !sp_str_eq(target, m->c->name)) { /* the first row has none before it */
        sp_make_pair(&m->to, "expr", quoted(m, target));
        return;
    }
    sp_make_pair(&m->to, "ref",
                 sp_make_words(m->d->r, f->mark, "%.*s.%.*s", (int)SP_MIN(f->parent.len, (size_t)200), f->parent.p,
                               (int)SP_MIN(target.len, (size_t)200), target.p));
    if (f->n > 1)
        sp_make_pair(&m->to, "draw", sp_make_text(m->d->r, m->to.at, m->t->columns[f->columns[0]].name));
    else if (self && !m->unique) {
        sp_node_making tree = {.r = m->d->r, .at = m->to.at};
        sp_make_pair(&tree, "depth", sp_datagen_text(m, m->t->n_rows < 8 ? "2" : "4"));
        sp_make_pair(&m->to, "tree", sp_make_map(&tree));
    } else
        put_popularity(m);
}

/* ---- rules ---- */

/* A value in an expression, as the column that it is compared with has it. */
static int add_literal(sp_buf *out, const datagen_column *c, const sp_node *value)
{
    sp_str s = value->text;
    double number;
    bool truth, bare = c && c->type && c->type->kind != SP_TEXT &&
                       (sp_scalar_f64(s, &number) || (c->type->kind == SP_BOOL && sp_parse_bool(s, &truth)));
    if (bare)
        return sp_buf_printf(out, "%.*s", (int)s.len, s.p);
    int rc = sp_buf_adds(out, "'");
    for (size_t i = 0; i < s.len && !rc; i++)
        rc = sp_buf_add(out, &s.p[i], 1) || (s.p[i] == '\'' && sp_buf_adds(out, "'"));
    return rc || sp_buf_adds(out, "'");
}

/* {"col": value, ...}: all of them. NULL: it is none. */
static const sp_node *condition_of(datagen_making *m, const sp_node *node)
{
    sp_buf out = {0};
    int rc = SPATE_OK;
    if (!node || node->kind != SP_NODE_MAP || !node->n) {
        sp_mistake(m->d->r->m, node ? node->mark : m->to.at, (sp_str){0}, "a rule needs \"if\": {\"column\": value}");
        return NULL;
    }
    for (uint32_t i = 0; i < node->n && !rc; i++) {
        const sp_node *key = node->pairs[i].key, *value = node->pairs[i].value;
        int at = sp_datagen_find_column(m->t, key->text);
        if (at < 0)
            sp_mistake(m->d->r->m, key->mark, key->text, "is no column of the table \"%.*s\"", SP_SHOW(m->t->name));
        if (value->kind != SP_NODE_TEXT)
            sp_read_mistake(m->d->r, value, "a value to compare with");
        if (at < 0 || value->kind != SP_NODE_TEXT) {
            sp_buf_done(&out);
            return NULL;
        }
        rc = sp_buf_printf(&out, "%s\"%s\" ", i ? " and " : "", key->text.p);
        if (!rc)
            rc = sp_node_is_null(value) ? sp_buf_adds(&out, "is null")
                                        : sp_buf_adds(&out, "= ") || add_literal(&out, &m->t->columns[at], value);
    }
    const sp_node *made = rc ? NULL : sp_make_text(m->d->r, node->mark, (sp_str){out.data, out.len});
    m->d->r->nomem = m->d->r->nomem || rc;
    sp_buf_done(&out);
    return made;
}

/* {"value": x}, {"min": a, "max": b} or {"generator": name, "config": {...}}, or a value alone. */
static const sp_node *outcome_of(datagen_making *m, const sp_node *node)
{
    const sp_node *value = node->kind == SP_NODE_MAP ? sp_node_value(node, "value") : node,
                  *min = sp_node_value(node, "min"), *max = sp_node_value(node, "max"),
                  *generator = sp_node_value(node, "generator");
    const sp_node *config =
        sp_node_value(node, "config") ? sp_node_value(node, "config") : sp_node_value(node, "generator_config");
    datagen_making way = *m;
    double low = 0, high = 0;
    way.to = (sp_node_making){.r = m->d->r, .at = node->mark};
    way.unique = false;
    if (value) {
        bool null = sp_node_is_null(value);
        const sp_node *one = null ? sp_datagen_text(m, "0") : value;
        sp_make_pair(&way.to, "set", sp_make_list(m->d->r, value->mark, &one, 1));
        sp_make_pair(&way.to, "null", null ? sp_datagen_text(m, "1") : NULL);
    } else if (min && max && min->kind == SP_NODE_TEXT && max->kind == SP_NODE_TEXT && sp_scalar_f64(min->text, &low) &&
               sp_scalar_f64(max->text, &high)) {
        sp_datagen_numbers(&way, low, high, NULL);
    } else if (!generator || generator->kind != SP_NODE_TEXT || !sp_datagen_generator(&way, generator->text, config)) {
        sp_mistake(m->d->r->m, node->mark, (sp_str){0},
                   "expected {\"value\": x}, {\"min\": 1, \"max\": 9} or {\"generator\": \"email\"}");
        return NULL;
    }
    return sp_make_map(&way.to);
}

static void choose_base(datagen_making *m);

static void choose_by_rules(datagen_making *m, const sp_node *rules)
{
    const sp_node **cases = sp_read_make(m->d->r, rules->n, sizeof(*cases)), *otherwise = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; cases && i < rules->n; i++) {
        const sp_node *it = rules->items[i], *then = sp_node_value(it, "then"), *other = sp_node_value(it, "else");
        if (!then) {
            sp_mistake(m->d->r->m, it->mark, (sp_str){0},
                       "expected a rule: {\"if\": {\"column\": value}, \"then\": {\"value\": x}}");
            continue;
        }
        sp_node_making one = {.r = m->d->r, .at = it->mark};
        const sp_node *when = condition_of(m, sp_node_value(it, "if")), *how = outcome_of(m, then);
        otherwise = otherwise || !other ? otherwise : outcome_of(m, other);
        sp_make_pair(&one, "when", when);
        sp_make_pair(&one, "then", how);
        if (when && how)
            cases[n++] = sp_make_map(&one);
    }
    if (!n)
        return;
    if (!otherwise) {
        datagen_making base = *m;
        base.to = (sp_node_making){.r = m->d->r, .at = m->to.at};
        base.unique = false;
        choose_base(&base);
        otherwise = sp_make_map(&base.to);
    }
    sp_make_pair(&m->to, "cases", sp_make_list(m->d->r, rules->mark, cases, n));
    sp_make_pair(&m->to, "else", otherwise);
}

/* ---- the order of all that ---- */

const char *sp_datagen_words(datagen *d, const datagen_table *t, const datagen_column *c)
{
    const sp_node *generator = c->v[D_GENERATOR];
    if (!c->type || c->type->kind != SP_TEXT || c->type->other || c->labels || c->foreign || c->v[D_DISTRIBUTION] ||
        c->v[D_PATTERN] || c->v[D_CONFIG])
        return NULL;
    const char *named =
        generator && generator->kind == SP_NODE_TEXT ? sp_datagen_generator_words(generator->text) : NULL;
    if (named || (generator && generator->kind == SP_NODE_TEXT && generator->text.len &&
                  !sp_datagen_nearest_generator(generator->text)))
        return named;
    const char *said = sp_words_text(t->name.p, c->name.p);
    return said ? said : sp_str_is(c->name, "name") ? "${name}" : NULL;
}

/* What the generator that the column names makes. */
static bool choose_by_generator(datagen_making *m)
{
    const sp_node *name = m->c->v[D_GENERATOR], *config = m->c->v[D_CONFIG];
    const sp_node *kind = config ? sp_node_value(config, "type") : NULL;
    if (config && config->kind != SP_NODE_MAP) {
        sp_read_mistake(m->d->r, config, "an object as generator_config");
        return false;
    }
    name = name && name->kind == SP_NODE_TEXT && name->text.len ? name : kind;
    if (!name || name->kind != SP_NODE_TEXT || !name->text.len)
        return false;
    if (sp_datagen_generator(m, name->text, config))
        return true;
    const char *near = sp_datagen_nearest_generator(name->text);
    sp_warning(m->d->r->m, name->mark, name->text, "is no generator, so the name and the type say what is made%s%s%s",
               near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return false;
}

/* As its sequence counts. */
static void put_counted(datagen_making *m)
{
    const sp_node *start = sp_datagen_count(m->c->sequence, DATAGEN_START),
                  *step = sp_datagen_count(m->c->sequence, DATAGEN_INCREMENT);
    sp_node_making props = {.r = m->d->r, .at = m->to.at};
    sp_make_pair(&m->to, "inc", start ? start : sp_datagen_text(m, "1"));
    sp_make_pair(&props, "step", step);
    if (step)
        sp_make_pair(&m->to, "props", sp_make_map(&props));
}

static void choose_base(datagen_making *m)
{
    const sp_demand *demand = &m->t->demands.columns[m->c - m->t->columns];
    if (m->c->v[D_DISTRIBUTION])
        sp_datagen_distribution(m, m->c->v[D_DISTRIBUTION]);
    else if (m->c->v[D_PATTERN])
        sp_datagen_pattern(m, m->c->v[D_PATTERN]);
    else if (choose_by_generator(m))
        return;
    else if (m->c->sequence)
        put_counted(m);
    else if (m->c->labels)
        sp_make_pair(&m->to, "set", m->c->labels);
    else if (is_serial(m->c) || (m->c->primary && m->unique && sp_kind_is_signed(m->c->type->kind)))
        put(m, "inc", "1");
    else if (demand->n_values && !m->unique) {
        const sp_node **items = sp_read_make(m->d->r, demand->n_values, sizeof(*items));
        for (uint32_t i = 0; items && i < demand->n_values; i++)
            items[i] = sp_make_text(m->d->r, m->to.at, demand->values[i]);
        sp_make_pair(&m->to, "set", items ? sp_make_list(m->d->r, m->to.at, items, demand->n_values) : NULL);
    } else
        choose_by_type(m);
}

static void put_wishes(datagen_making *m)
{
    bool hidden_nulls = m->c->foreign && sp_str_eq(m->c->foreign->parent, m->t->name) && m->c->foreign->n == 1 &&
                        !m->unique; /* the roots of a tree */
    if (!m->c->fields)
        sp_make_pair(&m->to, "type", sp_make_text(m->d->r, m->c->v[D_TYPE]->mark, m->c->sql));
    if (m->c->type->kind == SP_TEXT && m->c->type->length && !m->c->type->other && !m->c->foreign)
        put(m, "cut", "true");
    if (m->c->primary || m->c->combines)
        put(m, "primary_key", "true");
    if (m->unique && !(m->c->primary && m->t->n_primary == 1))
        put(m, "unique", "true");
    if (m->c->nullable && !hidden_nulls)
        put(m, "null", NULLS);
}

/* ---- a column ---- */

/* A column that says in spate's own words how it is made. */
static const sp_node *own_column(datagen *d, const datagen_column *c)
{
    const sp_node *plan = c->v[D_PLAN];
    sp_node_making m = {.r = d->r, .at = c->mark};
    sp_make_pair(&m, "name", sp_make_text(d->r, c->mark, c->name));
    for (uint32_t i = 0; i < plan->n && m.n + 1 < SP_NODE_PAIRS; i++)
        sp_make_pair(&m, plan->pairs[i].key->text.p, plan->pairs[i].value);
    return sp_make_map(&m);
}

void sp_datagen_column(datagen *d, const datagen_table *t, uint32_t column, datagen_list *list)
{
    datagen_column *c = &t->columns[column];
    datagen_making m = {.d = d, .t = t, .c = c, .to = {.r = d->r, .at = c->mark}, .list = list};
    const sp_node *rules = c->v[D_RULES];
    list->hidden = 0;
    if (c->v[D_PLAN] && c->type) {
        list->items[list->n++] = own_column(d, c);
        return;
    }
    m.unique = c->unique || (c->primary && t->n_primary == 1);
    sp_make_pair(&m.to, "name", sp_make_text(d->r, c->mark, c->name));
    if (!c->type) { /* which was said */
        put(&m, "value", "?");
        list->items[list->n++] = sp_make_map(&m.to);
        return;
    }
    if (c->foreign)
        choose_reference(&m);
    else if (c->fields)
        sp_datagen_row(&m);
    else if (rules && rules->kind == SP_NODE_LIST && rules->n)
        choose_by_rules(&m, rules);
    else
        choose_base(&m);
    if (rules && rules->kind != SP_NODE_LIST)
        sp_read_mistake(d->r, rules, "a list of rules");
    if (m.to.n == 1) /* a mistake was noted */
        put(&m, "value", "?");
    else
        put_wishes(&m);
    list->items[list->n++] = sp_make_map(&m.to);
}
