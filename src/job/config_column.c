/* config_column.c - one column of a catalog becomes one of a plan.
 *
 * What a column says is looked at from the strictest to the vaguest: foreign keys, what the server fills by itself, conditions,
 * statistics, the name, the type. Where a choice did not hold (the plan is read again after it was written), the next, plainer
 * one is made; the last is to leave the column out and say so. */
#include "job/config.h"

#include "codec/codec.h"

#include <math.h>
#include <stdio.h>

enum { TRIES_MAX = 3 };

char *sp_config_printf(sp_config *k, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    char *kept = sp_arena_strndup(k->arena, text, SP_MIN((size_t)SP_MAX(len, 0), sizeof(text) - 1));
    k->nomem = k->nomem || !kept;
    return kept ? kept : "";
}

static void leave_out(sp_making *m, const char *why)
{
    m->out->out = true;
    m->out->out_why = why;
}

/* ---- the type in the plan ------------------------------------------------------------------------ */

static const char *numbered(sp_making *m, const char *name, uint32_t n)
{
    return n ? sp_config_printf(m->k, "%s(%u)", name, n) : name;
}

static const char *integer_type(const sp_cat_type *t)
{
    if (t->is_unsigned)
        return t->bits >= 32 ? "bigint" : "integer";
    return t->bits > 32 ? "bigint" : t->bits > 16 ? "integer" : "smallint";
}

static const char *decimal_type(sp_making *m)
{
    const sp_cat_type *t = m->type;
    return t->precision && t->scale <= t->precision ? sp_config_printf(m->k, "numeric(%u,%u)", t->precision, t->scale)
                                                    : NULL;
}

/* What the plan's own cells would not be by themselves. */
static const char *plan_type(sp_making *m)
{
    const sp_cat_type *t = m->type;
    bool set = m->out->items != NULL, range = !set && strcmp(m->out->mode, "range") == 0;
    if (strcmp(m->out->mode, "array") == 0)
        return NULL;
    switch (t->class) {
    case SP_CAT_BOOL: return set ? "boolean" : NULL;
    case SP_CAT_DATE: return set ? "date" : NULL;
    case SP_CAT_TIME: return set ? "time" : NULL;
    case SP_CAT_TIMESTAMPTZ: return set ? "timestamptz" : NULL;
    case SP_CAT_INTEGER: return integer_type(t);
    case SP_CAT_YEAR: return "smallint";
    case SP_CAT_DECIMAL: return decimal_type(m);
    case SP_CAT_FLOAT: return t->bits == 32 ? "real" : "double precision";
    case SP_CAT_TEXT:
        return t->length ? numbered(m, t->fixed ? "char" : "varchar", t->length) : set || range ? NULL : "text";
    case SP_CAT_TIMESTAMP: return "timestamp";
    case SP_CAT_BYTES: return set ? "bytea" : NULL;
    case SP_CAT_UUID: return set ? "uuid" : NULL;
    case SP_CAT_JSON: return "jsonb";
    case SP_CAT_MONEY: return "money";
    case SP_CAT_TIMETZ: return "timetz";
    case SP_CAT_XML: return "xml";
    case SP_CAT_HSTORE: return "hstore";
    case SP_CAT_INET: return "inet";
    case SP_CAT_CIDR: return "cidr";
    case SP_CAT_MACADDR: return "macaddr";
    case SP_CAT_MACADDR8: return "macaddr8";
    case SP_CAT_TSVECTOR: return "tsvector";
    case SP_CAT_TSQUERY: return "tsquery";
    case SP_CAT_BITS: return numbered(m, t->fixed ? "bit" : "varbit", t->length);
    case SP_CAT_GEOMETRY: return "geometry";
    case SP_CAT_SHAPE:
    case SP_CAT_RANGE:
    case SP_CAT_MULTIRANGE: return t->name;
    default: return NULL;
    }
}

/* ---- types with a form of their own ---------------------------------------------------------------- */

static void choose_bytes(sp_making *m)
{
    uint32_t max = m->type->length ? SP_MIN(m->type->length, 1u << 20) : 64;
    if (m->unique && max >= 37) { /* a range of bytes cannot be; the bytes of a text can */
        sp_making_mode(m, "value", "b${uuid}");
        return;
    }
    if (m->unique && max >= 12) {
        m->out->note = "unique because there are so many";
        m->out->unique = m->out->primary_key = m->unique = false;
        sp_making_mode(m, "range", "bytes");
        m->out->props = sp_config_printf(m->k, "{min: %u, max: %u}", max, max + 1);
        return;
    }
    sp_making_mode(m, "range", "bytes");
    uint32_t min = m->type->fixed || m->unique ? max : SP_MIN(max, 16u);
    m->out->props = sp_config_printf(m->k, "{min: %u, max: %u}", min, max + 1);
}

/* Texts of a form that has no room for a number: drawn from so many that none comes twice. */
static void choose_random_enough(sp_making *m, const char *value, const char *unique_value)
{
    sp_making_mode(m, "value", m->unique ? unique_value : value);
    if (!m->unique)
        return;
    m->out->note = "unique because there are so many";
    m->out->unique = m->out->primary_key = m->unique = false;
}

static void choose_json(sp_making *m)
{
    sp_str type = m->demand->json_type;
    static const char *const values[][2] = {{"array", "[${uint8}, ${uint8}]"},
                                            {"number", "${uint16}"},
                                            {"boolean", "${bool}"},
                                            {"string", "\"${noun}\""}};
    for (size_t i = 0; type.p && !m->unique && i < SP_COUNT(values); i++)
        if (sp_str_ieq(type, values[i][0])) {
            sp_making_mode(m, "value", values[i][1]);
            return;
        }
    sp_making_mode(m, "value",
                   m->unique ? "{\"id\": ${uuid}}"
                             : "{\"name\": ${noun}, \"${noun}\": {\"is\": ${adjective}, \"count\": ${uint8}}}");
    m->out->note = "a guess";
}

static const char *range_values(const sp_cat_type *item)
{
    switch (item ? item->class : SP_CAT_OTHER) {
    case SP_CAT_INTEGER: return "[1,10)|[10,100)|[100,1000)|[5,)";
    case SP_CAT_DECIMAL: return "[0.5,1.5)|[1.5,99.99)|[100,200]|(,0)";
    case SP_CAT_DATE: return "[2024-01-01,2024-02-01)|[2024-06-15,2025-01-01)|[2025-03-01,)";
    default:
        return "[2024-01-01 08:00:00,2024-01-01 17:00:00)|[2024-06-15 00:00:00,2025-01-01 00:00:00)|[2025-03-01 12:00:00,)";
    }
}

static const char *multirange_values(const sp_cat_type *item)
{
    switch (item ? item->class : SP_CAT_OTHER) {
    case SP_CAT_INTEGER: return "{[1,10)}|{[1,5),[10,20)}|{}";
    case SP_CAT_DECIMAL: return "{[0.5,1.5)}|{[1,2),[3,4)}|{}";
    default: return "{[2024-01-01,2024-02-01)}|{[2024-01-01,2024-02-01),[2024-06-15,2025-01-01)}|{}";
    }
}

/* Does an exclusion constraint keep the column's ranges from overlapping? It says: name WITH &&. */
static bool is_exclusive(const sp_making *m)
{
    const char *quoted = sp_config_printf(m->k, "\"%s\" WITH &&", m->c->name),
               *plain = sp_config_printf(m->k, "%s WITH &&", m->c->name);
    for (uint32_t i = 0; i < m->d->t->n_indexes; i++) {
        const char *sql = m->d->t->indexes[i].sql;
        if (sql && strncmp(sql, "EXCLUDE", 7) == 0 && (strstr(sql, quoted) || strstr(sql, plain)))
            return true;
    }
    return false;
}

/* Ranges that overlap with none of another row: its own part of numbers or of time. */
static void choose_exclusive(sp_making *m)
{
    const char *from, *to, *zone = m->type->item && m->type->item->class == SP_CAT_TIMESTAMPTZ ? " || '+00'" : "";
    switch (m->type->item ? m->type->item->class : SP_CAT_OTHER) {
    case SP_CAT_INTEGER:
    case SP_CAT_DECIMAL:
        from = "row() * 10";
        to = "row() * 10 + 9";
        break;
    case SP_CAT_DATE:
        from = "date('2020-01-01') + row() * 2";
        to = "date('2020-01-01') + row() * 2 + 1";
        break;
    default:
        from = "timestamp('2020-01-01') + hours(row())";
        to = "timestamp('2020-01-01') + hours(row()) + minutes(45)";
    }
    sp_making_mode(m, "expr",
                   sp_config_printf(m->k, "'[' || text(%s)%s || ',' || text(%s)%s || ')'", from, zone, to, zone));
    m->out->note = "no two rows overlap";
}

/* n bits, the i-th of a few. */
static void choose_bits(sp_making *m)
{
    uint32_t n = m->type->length ? SP_MIN(m->type->length, 64u) : 8, count = n == 1 ? 2 : 6;
    sp_buf text = {0};
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < count && !rc; i++) {
        rc = i && sp_buf_adds(&text, "|");
        for (uint32_t b = 0; b < n && !rc; b++)
            rc = sp_buf_adds(&text, n == 1 ? (i ? "1" : "0") : sp_mix64(i * 64 + b) & 1 ? "1" : "0");
    }
    m->k->nomem = m->k->nomem || rc;
    sp_making_alternatives(m, sp_config_printf(m->k, "%.*s", (int)text.len, text.data ? text.data : ""));
    sp_buf_done(&text);
}

/* What only its target reads: alternatives, or a template. */
static void choose_type(sp_making *m, const char *type)
{
    const char *values = sp_words_type(type);
    if (strchr(values, '|'))
        sp_making_alternatives(m, values);
    else
        sp_making_mode(m, "value", values);
}

static void choose_geometry(sp_making *m)
{
    sp_making_mode(m, "range", "point");
    m->out->props = "{lat: 51.5, lon: -0.12, distance_km: 20}";
}

static bool is_excluded(const sp_making *m, sp_str value)
{
    for (uint32_t i = 0; i < m->demand->n_excluded; i++)
        if (sp_str_eq(m->demand->excluded[i], value))
            return true;
    return false;
}

static void choose_labels(sp_making *m)
{
    sp_str *labels = sp_arena_alloc(m->k->arena, m->type->n_labels + 1, sizeof(*labels));
    m->k->nomem = m->k->nomem || !labels;
    m->out->mode = "set";
    m->out->items = labels;
    for (uint32_t i = 0; labels && i < m->type->n_labels; i++)
        if (!is_excluded(m, m->type->labels[i]))
            labels[m->out->n_items++] = m->type->labels[i];
    m->out->most = m->out->n_items;
    m->out->distribution = m->d->spread[m->column] ? "{type: cycle}" : NULL;
    if (m->type->class == SP_CAT_ENUM)
        m->out->type = "enum";
}

/* ---- lists --------------------------------------------------------------------------------------- */

static const char *item_value(const sp_cat_type *item)
{
    switch (item->class) {
    case SP_CAT_TEXT: return item->length && item->length < 16 ? NULL : "${noun}";
    case SP_CAT_INTEGER: return item->bits == 16 ? "${uint8}" : "${uint16}";
    case SP_CAT_FLOAT:
    case SP_CAT_DECIMAL:
        return item->class == SP_CAT_DECIMAL && item->precision && item->precision - item->scale < 2 ? NULL
                                                                                                     : "${price}";
    case SP_CAT_BOOL: return "${bool}";
    case SP_CAT_UUID: return "${uuid}";
    case SP_CAT_INET: return "${ipv4_address}";
    case SP_CAT_TIMESTAMPTZ: return "${past_date}";
    default: return NULL;
    }
}

static const char *literal_item(const sp_cat_type *item)
{
    switch (item->class) {
    case SP_CAT_DATE: return "2024-01-31";
    case SP_CAT_TIME:
    case SP_CAT_TIMETZ: return "12:30:00";
    case SP_CAT_TIMESTAMP:
    case SP_CAT_TIMESTAMPTZ: return "2024-01-31 12:30:00";
    case SP_CAT_INTERVAL: return "1 day";
    case SP_CAT_JSON: return "1";
    case SP_CAT_MACADDR: return "08:00:2b:01:02:03";
    case SP_CAT_CIDR: return "10.0.0.0/8";
    case SP_CAT_TEXT: return "a";
    case SP_CAT_DECIMAL: return "0";
    case SP_CAT_MONEY: return "1.5";
    default: return NULL;
    }
}

/* A text in PostgreSQL's array text. */
static const char *quoted_item(sp_making *m, sp_str s)
{
    char *text = sp_arena_alloc(m->k->arena, 2 * s.len + 3, 1), *p = text;
    if (!text) {
        m->k->nomem = true;
        return "";
    }
    *p++ = '"';
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            *p++ = '\\';
        *p++ = s.p[i];
    }
    *p = '"';
    return text;
}

/* Arrays of enumerations and of what no function makes: a few whole arrays to choose from. */
static void choose_whole_lists(sp_making *m, const char *first, const char *last)
{
    const char *open = m->k->c->brackets ? "[" : "{", *close = m->k->c->brackets ? "]" : "}";
    sp_buf text = {0};
    int rc = SPATE_OK;
    uint32_t n = m->type->length;
    for (uint32_t i = n ? n : 0; i <= (n ? n : 2u) && !rc; i++) { /* of the type's length, or of 0, 1 and 2 items */
        rc = sp_buf_printf(&text, "%s%s", text.len ? "|" : "", open);
        for (uint32_t j = 0; j < i && !rc; j++)
            rc = sp_buf_printf(&text, "%s%s", j ? "," : "", j % 2 ? last : first);
        rc = rc || sp_buf_adds(&text, close);
        if (!first)
            break;
    }
    char *kept = rc ? NULL : sp_arena_strndup(m->k->arena, text.data, text.len); /* labels may be long */
    m->k->nomem = m->k->nomem || !kept;
    sp_making_alternatives(m, kept ? kept : "{}");
    sp_buf_done(&text);
    m->out->note = "a few arrays to choose from";
}

/* As long as conditions have it; else up to 4 items. */
static const char *list_lengths(sp_making *m)
{
    int64_t min = SP_MAX(m->demand->length_min, INT64_C(0)), max = m->demand->length_max;
    max = max >= 0 ? SP_MAX(SP_MIN(max, min + 4), min) : min + 4;
    return sp_config_printf(m->k, "{min: %lld, max: %lld}", (long long)min, (long long)max + 1);
}

static void choose_list(sp_making *m)
{
    const sp_cat_type *item = m->type->item;
    if (m->k->c->brackets && strstr(m->type->spelled, "][")) { /* lists of lists */
        choose_whole_lists(m, NULL, NULL);
        return;
    }
    const char *value = m->out->tries == 0 ? item_value(item) : NULL, *word = literal_item(item);
    if (value) {
        sp_making_mode(m, "array", value);
        uint32_t n = m->type->length;
        m->out->distribution = n ? NULL : sp_config_lengths(m->k, m->c->stats);
        if (!m->out->distribution)
            m->out->props = n ? sp_config_printf(m->k, "{min: %u, max: %u}", n, n + 1) : list_lengths(m);
    } else if (item->class == SP_CAT_ENUM && item->n_labels) {
        choose_whole_lists(m, quoted_item(m, item->labels[0]), quoted_item(m, item->labels[item->n_labels - 1]));
    } else if (word) {
        word = quoted_item(m, sp_str_of(word));
        choose_whole_lists(m, word, word);
    } else {
        choose_whole_lists(m, NULL, NULL);
    }
}

/* ---- choosing ------------------------------------------------------------------------------------ */

/* A truth is any of both, or, where SQLite's columns have words for it, a word. */
static void choose_truths(sp_making *m, const sp_str *values, uint32_t n)
{
    bool yes = false, no = false;
    for (uint32_t i = 0; i < n; i++) {
        bool is_yes = sp_str_is(values[i], "1") || sp_str_ieq(values[i], "true") || sp_str_is(values[i], "t"),
             is_no = sp_str_is(values[i], "0") || sp_str_ieq(values[i], "false") || sp_str_is(values[i], "f");
        if (!is_yes && !is_no) {
            m->out->mode = "set";
            m->out->items = values;
            m->out->most = m->out->n_items = n;
            m->out->type = "text";
            return;
        }
        yes = yes || is_yes;
        no = no || is_no;
    }
    if (yes && no)
        sp_making_mode(m, "value", "${bool}");
    else
        sp_making_alternatives(m, yes ? "true" : "false");
    m->out->most = yes && no ? 2 : 1;
}

static void choose_values(sp_making *m, const sp_str *values, uint32_t n)
{
    m->out->mode = "set";
    m->out->items = values;
    m->out->n_items = n;
    m->out->most = n;
    m->out->distribution = m->d->spread[m->column] ? "{type: cycle}" : NULL;
    if (m->type->class == SP_CAT_ENUM)
        m->out->type = "enum";
}

static void choose_truth(sp_making *m)
{
    bool no_true = is_excluded(m, sp_str_of("true")), no_false = is_excluded(m, sp_str_of("false"));
    if (no_true || no_false) {
        sp_making_alternatives(m, no_true ? "false" : "true");
        return;
    }
    sp_making_mode(m, "value", "${bool}");
    m->out->most = 2;
}

static void choose_by_class(sp_making *m)
{
    switch (m->type->class) {
    case SP_CAT_BOOL: choose_truth(m); break;
    case SP_CAT_INTEGER:
    case SP_CAT_YEAR: sp_making_integer(m); break;
    case SP_CAT_FLOAT:
        if (strchr(m->type->spelled, ',')) /* float(7,2) */
            leave_out(m, sp_config_printf(m->k, "its type %s rounds what it is given", m->type->spelled));
        else
            sp_making_float(m);
        break;
    case SP_CAT_DECIMAL: sp_making_decimal(m, m->type->precision, m->type->scale); break;
    case SP_CAT_MONEY: sp_making_decimal(m, 12, 2); break;
    case SP_CAT_TEXT:
        if (m->demand->json_type.p && m->out->tries == 0) {
            choose_json(m);
            m->out->type = "jsonb";
        } else {
            sp_making_text(m);
        }
        break;
    case SP_CAT_BYTES: choose_bytes(m); break;
    case SP_CAT_BITS: choose_bits(m); break;
    case SP_CAT_DATE:
    case SP_CAT_TIMESTAMP:
    case SP_CAT_TIMESTAMPTZ: sp_making_moment(m); break;
    case SP_CAT_TIME:
    case SP_CAT_TIMETZ: sp_making_time(m); break;
    case SP_CAT_INTERVAL:
        sp_making_mode(m, "range", "interval");
        m->out->props = "{min: 1m, max: 24h}";
        break;
    case SP_CAT_UUID: sp_making_mode(m, "value", "${uuid}"); break;
    case SP_CAT_JSON: choose_json(m); break;
    case SP_CAT_XML: choose_random_enough(m, sp_words_type("xml"), "<id>${uuid}</id>"); break;
    case SP_CAT_HSTORE: choose_random_enough(m, sp_words_type("hstore"), "id => \"${uuid}\""); break;
    case SP_CAT_INET:
        choose_random_enough(m, sp_words_type(strcmp(m->type->name, "inet6") == 0 ? "inet6" : "inet"),
                             "${ipv6_address}");
        break;
    case SP_CAT_CIDR: choose_type(m, "cidr"); break;
    case SP_CAT_MACADDR: choose_random_enough(m, sp_words_type("macaddr"), sp_words_type("macaddr")); break;
    case SP_CAT_MACADDR8: choose_type(m, "macaddr8"); break;
    case SP_CAT_TSVECTOR: choose_type(m, "tsvector"); break;
    case SP_CAT_TSQUERY: choose_type(m, "tsquery"); break;
    case SP_CAT_SHAPE: choose_type(m, m->type->name); break;
    case SP_CAT_GEOMETRY: choose_geometry(m); break;
    case SP_CAT_RANGE:
        if (is_exclusive(m))
            choose_exclusive(m);
        else
            sp_making_alternatives(m, range_values(m->type->item));
        break;
    case SP_CAT_MULTIRANGE: sp_making_alternatives(m, multirange_values(m->type->item)); break;
    case SP_CAT_ENUM:
    case SP_CAT_SET: choose_labels(m); break;
    case SP_CAT_LIST: choose_list(m); break;
    case SP_CAT_OTHER: leave_out(m, sp_config_printf(m->k, "its type %s is not known", m->type->spelled)); break;
    }
}

bool sp_config_is_made(const sp_config *k, const sp_draft *d)
{
    bool any = false;
    for (uint32_t i = 0; i < d->t->n_columns; i++) {
        const sp_cat_column *c = &d->t->columns[i];
        if (*k->c->server && d->choices[i].out && c->not_null && !c->default_sql && !c->generated_sql &&
            !c->auto_number && c->identity == SP_CAT_NO_IDENTITY)
            return false;
        any = any || !d->choices[i].out;
    }
    return any;
}

static bool is_default(const sp_cat_column *c)
{
    return c->default_sql && !sp_str_ieq((sp_str){c->default_sql, SP_MIN(strlen(c->default_sql), 4)}, "null");
}

static bool is_numbered(const sp_cat_column *c)
{
    return c->auto_number || c->identity != SP_CAT_NO_IDENTITY;
}

static bool is_key(const sp_making *m)
{
    for (uint32_t i = 0; i < m->d->t->n_keys; i++)
        if (m->d->t->keys[i].n == 1 && m->d->t->keys[i].columns[0] == m->column)
            return true;
    return false;
}

/* A default that is the same in every row: a number, a text, a truth. */
static bool is_constant(const char *sql)
{
    const char *p = sql + strspn(sql, "( ");
    sp_str four = {p, SP_MIN(strlen(p), 4)}, five = {p, SP_MIN(strlen(p), 5)};
    return sp_str_ieq(four, "true") || sp_str_ieq(five, "false") || *p == '\'' || *p == '-' || (*p >= '0' && *p <= '9') || ((*p | 32) == 'b' && p[1] == '\'');
}

/* What the server fills by itself stays its own, unless something hangs on it, or its rows would be alike where they must not be. */
static bool left_to_server(sp_making *m)
{
    if (m->c->generated_sql) {
        leave_out(m, "generated");
        return true;
    }
    if (m->d->needed[m->column])
        return false;
    if (is_numbered(m->c))
        leave_out(m, m->c->identity ? "identity" : "numbered by the server");
    else if (is_default(m->c) && !m->k->defaults && !(is_constant(m->c->default_sql) && is_key(m)) &&
             !(m->c->stats && m->c->stats->distinct > 1))
        leave_out(m, sp_config_printf(m->k, "default %.60s", m->c->default_sql));
    return m->out->out;
}

/* A column's name in an expression. */
static const char *expr_name(sp_making *m, const char *name)
{
    bool plain = !(name[0] >= '0' && name[0] <= '9');
    for (const char *p = name; *p; p++)
        plain = plain && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_');
    return plain ? name : sp_config_printf(m->k, "\"%s\"", name);
}

/* A column's name within braces of YAML. */
static const char *quoted_name(sp_making *m, const char *name)
{
    const char *plain = expr_name(m, name);
    if (*plain != '"')
        return plain;
    sp_buf text = {0};
    int rc = sp_buf_adds(&text, "'");
    for (const char *p = name; *p && !rc; p++)
        rc = *p == '\'' ? sp_buf_adds(&text, "''") : sp_buf_add(&text, p, 1);
    rc = rc || sp_buf_adds(&text, "'");
    const char *kept = rc ? NULL : sp_arena_strndup(m->k->arena, text.data, text.len);
    m->k->nomem = m->k->nomem || !kept;
    sp_buf_done(&text);
    return kept ? kept : "''";
}

/* A key one of whose columns another key brings along, such as the tenant that all keys have in common: a row of the parent that has
 * the same there. The own table's rows are not looked into. */
static bool choose_shared(sp_making *m, const sp_cat_foreign_key *f, const sp_draft *parent, const sp_cat_column *to)
{
    uint32_t at, lead, shared = f->n;
    for (uint32_t i = 0; i < f->n; i++)
        if (sp_config_reference(m->d->t, f->columns[i], &at, &lead) != f)
            shared = i;
    if (shared == f->n || m->unique || m->out->tries)
        return false;
    const char *key = m->d->t->columns[f->columns[shared]].name,
               *by = parent->t->columns[f->parent_columns[shared]].name;
    m->out->absent = parent == m->d;
    m->out->note = m->out->absent ? "null: another key chooses a part of this one" : "null where no row fits";
    if (m->out->absent)
        return true;
    sp_making_mode(m, "lookup", sp_config_printf(m->k, "%s.%s", parent->t->shown, to->name));
    m->out->props = sp_config_printf(m->k, "{key: %s, by: %s, which: cycle}", quoted_name(m, key), quoted_name(m, by));
    return true;
}

/* A row of a kind refers to a parent's row of that kind: each to its own, where none may be referred to twice. */
static void choose_of_kind(sp_making *m, const sp_cat_foreign_key *f, uint32_t kind, uint32_t kinds, const char *to)
{
    const sp_draft *parent = &m->k->drafts[f->parent_table];
    const char *key = m->d->t->columns[f->columns[kind]].name, *by = parent->t->columns[f->parent_columns[kind]].name;
    sp_making_mode(m, "lookup", sp_config_printf(m->k, "%s.%s", parent->t->shown, to));
    m->out->props = sp_config_printf(m->k, "{key: %s, by: %s, which: cycle}", quoted_name(m, key), quoted_name(m, by));
    if (m->unique) {
        m->out->note = "one after the other: unique, as long as there are no more rows than there";
        m->out->unique = m->out->primary_key = false;
        m->out->most = SP_MAX(parent->rows / kinds, (uint64_t)1);
    }
}

/* Do both refer to the same column of another table, each by itself? */
static bool are_alike(const sp_draft *d, uint32_t a, uint32_t b)
{
    uint32_t at, lead;
    const sp_cat_foreign_key *f = sp_config_reference(d->t, a, &at, &lead),
                             *g = sp_config_reference(d->t, b, &at, &lead);
    return f && g && f->n == 1 && g->n == 1 && f->parent_table == g->parent_table &&
           f->parent_columns[0] == g->parent_columns[0] && !d->apart[a] && !d->apart[b];
}

/* CHECK (a <> b) of two references: never the same row. CHECK (a < b): the lesser and the greater of two that differ. */
static bool choose_pair(sp_making *m, const sp_cat_foreign_key *f, const char *parent)
{
    const sp_demands *all = &m->d->demands;
    for (uint32_t i = 0; i < all->n_orderings && !m->unique && !m->out->tries; i++) {
        uint32_t low = all->orderings[i].low, high = all->orderings[i].high;
        bool is_low = low == m->column;
        if ((!is_low && high != m->column) || f->parent_table == (int32_t)(m->d - m->k->drafts) ||
            !are_alike(m->d, low, high))
            continue;
        const char *a = m->d->t->columns[low].name, *b = m->d->t->columns[high].name;
        if (all->orderings[i].differ && !is_low) {
            sp_making_mode(m, "ref", parent);
            m->out->differs = a;
            return true;
        }
        if (all->orderings[i].differ || (m->d->combined && m->out->primary_key))
            continue;
        const char *one = sp_config_printf(m->k, "one_%s", a), *other = sp_config_printf(m->k, "other_%s", b);
        sp_choice *helper = sp_arena_alloc(m->k->arena, 1, sizeof(*helper));
        if (!helper) {
            m->k->nomem = true;
            return false;
        }
        *helper = (sp_choice){.mode = "ref", .text = parent, .differs = is_low ? NULL : one};
        m->out->helper = helper;
        m->out->helper_name = is_low ? one : other;
        sp_making_mode(m, "expr",
                       sp_config_printf(m->k, "%s(\"%s\", \"%s\")", is_low ? "least" : "greatest", one, other));
        return true;
    }
    return false;
}

/* The columns of a foreign key with several draw together: they are of one row. */
static bool choose_reference(sp_making *m)
{
    uint32_t at, lead;
    const sp_cat_foreign_key *f = sp_config_reference(m->d->t, m->column, &at, &lead);
    if (!f)
        return false;
    const sp_draft *parent = &m->k->drafts[f->parent_table];
    if (parent != m->d && parent->chosen && !sp_config_is_made(m->k, parent)) {
        m->out->absent = true;
        if (m->c->not_null)
            leave_out(m, sp_config_printf(m->k, "it refers to %s, which is not made", parent->t->shown));
        return m->c->not_null;
    }
    const sp_cat_column *to = &parent->t->columns[f->parent_columns[at]];
    if (to->generated_sql || (parent == m->d && f->parent_columns[at] == m->column))
        return false;
    if (parent == m->d && m->k->c->dialect == SP_SQL_DUCKDB && !m->c->not_null) {
        m->out->absent = true; /* it looks for rows of before the load alone */
        m->out->note = "null: DuckDB takes no row that refers to one of the same load";
        return false;
    }
    if (parent == m->d && m->c->not_null) { /* a ref to the own table has nothing to refer to in the first row */
        sp_making_mode(m, "expr", expr_name(m, to->name));
        m->out->note = "every row is its own: there may be no null here";
        return true;
    }
    uint32_t kinds = 0;
    int kind = m->out->tries ? -1 : sp_config_kind(m->k, m->d, f, &kinds);
    if (kind == (int)at)
        return false;
    if (kind >= 0) {
        choose_of_kind(m, f, (uint32_t)kind, kinds, to->name);
        return true;
    }
    if (choose_shared(m, f, parent, to))
        return !m->out->absent;
    if (f->n == 1 && choose_pair(m, f, sp_config_printf(m->k, "%s.%s", parent->t->shown, to->name)))
        return true;
    sp_making_mode(m, "ref", sp_config_printf(m->k, "%s.%s", parent->t->shown, to->name));
    m->out->draw = f->n > 1 ? m->d->t->columns[lead].name : NULL;
    if (parent == m->d && f->n == 1 && !m->unique && m->out->tries == 0)
        m->out->tree = "{depth: 4}";
    m->out->most = m->unique ? parent->rows : UINT64_MAX;
    if (!m->unique && m->out->tries == 0 && !m->out->tree && !(m->d->combined && m->out->primary_key))
        m->out->distribution = m->d->spread[m->column] ? "{type: cycle}" : sp_config_zipf(m->k, m->c->stats);
    return true;
}

static void note_absent_parent(sp_making *m)
{
    for (uint32_t i = 0; i < m->d->t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &m->d->t->foreign_keys[i];
        for (uint32_t j = 0; f->parent_table < 0 && j < f->n; j++)
            if (f->columns[j] == m->column)
                m->out->note = sp_config_printf(m->k, "refers to %s, which is not in this plan", f->parent);
        bool nowhere =
            f->parent_table < 0 && m->k->c->dialect == SP_SQL_SQLITE; /* which lets tables refer to what is not there */
        for (uint32_t j = 0; nowhere && j < f->n; j++)
            m->out->absent = m->out->absent || f->columns[j] == m->column;
    }
}

/* What a condition says is the sum, or the like, of others. */
static bool choose_sum(sp_making *m)
{
    if (!m->demand->sum.p || m->out->tries || m->unique)
        return false;
    sp_making_mode(m, "expr", m->demand->sum.p);
    m->out->type = plan_type(m);
    return true;
}

static void choose_value(sp_making *m)
{
    if (choose_reference(m) || choose_sum(m))
        return;
    if (m->unique && m->type->class == SP_CAT_INTEGER && m->out->tries == 0 && !m->demand->max.p &&
        !m->demand->n_values && !m->demand->modulus && (m->out->primary_key || is_numbered(m->c))) {
        int64_t from;
        sp_making_mode(m, "inc",
                       m->demand->min.p && sp_parse_i64(m->demand->min, &from)
                           ? sp_config_printf(m->k, "%lld", (long long)from + 1)
                           : "1");
        unsigned bits = SP_MIN(m->type->bits, 63u);
        m->out->most = (uint64_t)(ldexp(1, (int)(m->type->is_unsigned || bits == 63 ? bits : bits - 1)) - 1);
    } else if (!m->unique && m->out->tries == 0 && !(m->d->combined && m->out->primary_key) &&
               m->d->steps[m->column] < 2 && sp_config_from_stats(m->k, m->c, m->out)) {
        m->out->sorted = !m->out->items && m->c->stats->correlation > 0.99;
    } else if (m->demand->n_values) {
        (m->type->class == SP_CAT_BOOL ? choose_truths : choose_values)(m, m->demand->values, m->demand->n_values);
    } else {
        choose_by_class(m);
    }
    if (!m->out->out && !m->out->type)
        m->out->type = plan_type(m);
    note_absent_parent(m);
}

/* The only one of a key's columns without a value twice, where nulls count as values. */
static bool keeps_nulls_apart(const sp_making *m)
{
    for (uint32_t i = 0; i < m->d->t->n_keys && m->unique; i++) {
        const sp_cat_key *key = &m->d->t->keys[i];
        for (uint32_t j = 0; (key->nulls_alike || key->computed) && j < key->n; j++)
            if (key->columns[j] == m->column)
                return true;
    }
    return false;
}

static void choose_nulls(sp_making *m)
{
    bool needed = m->c->not_null || m->demand->not_null || m->d->demands.in_sums[m->column] || keeps_nulls_apart(m);
    if (m->demand->is_null && !needed)
        m->out->tree = NULL;
    if (m->out->out || needed || m->out->primary_key || m->out->tree)
        m->out->null_rate = 0; /* of a tree, the roots are null */
    else if (m->out->absent || m->demand->is_null) /* there is nothing to refer to, or there must be nothing */
        m->out->null_rate = 1;
    else if (m->c->stats)
        m->out->null_rate = m->c->stats->null_rate;
    else if (m->out->null_rate <= 0)
        m->out->null_rate = 0.05;
}

static void choose_keys(sp_making *m)
{
    for (uint32_t i = 0; i < m->d->t->n_keys; i++) {
        const sp_cat_key *key = &m->d->t->keys[i];
        for (uint32_t j = 0; j < key->n; j++) {
            if (key->columns[j] != m->column)
                continue;
            m->out->primary_key = m->out->primary_key || key->primary;
            m->unique = m->unique || key->n == 1;
        }
    }
    m->unique = m->unique || m->d->apart[m->column];
    m->out->unique = m->unique && !(m->out->primary_key && m->d->t->keys[0].n == 1);
}

void sp_config_choose(sp_config *k, sp_draft *d, uint32_t column)
{
    sp_choice *out = &d->choices[column];
    unsigned tries = out->tries;
    *out = (sp_choice){.tries = tries, .most = UINT64_MAX};
    sp_making m = {.k = k,
                   .d = d,
                   .column = column,
                   .c = &d->t->columns[column],
                   .type = &d->t->columns[column].type,
                   .demand = &d->demands.columns[column],
                   .out = out};
    if (left_to_server(&m))
        return;
    choose_keys(&m);
    if (tries < TRIES_MAX)
        choose_value(&m);
    else
        leave_out(&m, "no values could be made for it");
    choose_nulls(&m);
    out->values = out->most;
    if (m.unique && !out->out)
        out->most = SP_MAX(out->most, (uint64_t)1);
    else
        out->most = UINT64_MAX;
}
