/* config_type.c - values of each type, where no name and no condition says more. */
#include "job/config.h"

#include "codec/codec.h"

#include <math.h>
#include <stdio.h>

static void choose_bytes(sp_making *m)
{
    uint32_t max = m->type->length ? SP_MIN(m->type->length, 1u << 20) : 64;
    max = m->unique && m->prefix ? SP_MIN(max, m->prefix) : max;
    max = m->demand->length_max >= 0 ? (uint32_t)SP_MIN(m->demand->length_max, (int64_t)max) : max;
    if (m->unique && max >= 37 &&
        m->demand->length_min <= 37) { /* a range of bytes cannot be; the bytes of a text can */
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
    uint32_t min = m->type->fixed || m->unique ? max : SP_MIN(max, 16u),
             least = (uint32_t)SP_MIN(m->demand->length_min, INT64_C(1) << 20);
    min = SP_MAX(min, least);
    max = SP_MAX(max, min);
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
    static const char *const values[][2] = {
        {"array", "[${uint8}, ${uint8}]"}, {"number", "${uint16}"}, {"boolean", "${bool}"}, {"string", "\"${noun}\""}};
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

/* Where a row's own part of numbers or of time begins and ends. */
static bool own_part(const sp_cat_type *type, const char **from, const char **to)
{
    switch (type ? type->class : SP_CAT_OTHER) {
    case SP_CAT_INTEGER:
    case SP_CAT_DECIMAL:
        *from = "row() * 10";
        *to = "row() * 10 + 9";
        return true;
    case SP_CAT_DATE:
        *from = "date('2020-01-01') + row() * 2";
        *to = "date('2020-01-01') + row() * 2 + 1";
        return true;
    default:
        *from = "timestamp('2020-01-01') + hours(row())";
        *to = "timestamp('2020-01-01') + hours(row()) + minutes(45)";
        return type && (type->class == SP_CAT_TIMESTAMP || type->class == SP_CAT_TIMESTAMPTZ);
    }
}

/* Ranges that overlap with none of another row. */
static void choose_exclusive(sp_making *m)
{
    const char *from, *to, *zone = m->type->item && m->type->item->class == SP_CAT_TIMESTAMPTZ ? " || '+00'" : "";
    own_part(m->type->item, &from, &to);
    sp_making_mode(m, "expr",
                   sp_config_printf(m->k, "'[' || text(%s)%s || ',' || text(%s)%s || ')'", from, zone, to, zone));
    m->out->note = "no two rows overlap";
}

bool sp_making_slot(sp_making *m)
{
    const char *from, *to;
    bool low = m->column == m->d->slot_low, high = m->column == m->d->slot_high;
    if (!m->d->has_slot || (!low && !high) || m->out->tries || !own_part(m->type, &from, &to))
        return false;
    sp_making_mode(m, "expr", low ? from : to);
    m->out->note = "no two rows overlap";
    m->out->type = m->type->class == SP_CAT_INTEGER       ? m->type->bits > 32 ? "bigint" : "integer"
                   : m->type->class == SP_CAT_TIMESTAMPTZ ? "timestamptz"
                                                          : NULL;
    return true;
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

/* Numbers of so many bytes, the least first, as digits of bytes. */
static int put_bytes(sp_buf *out, uint64_t number, unsigned bytes)
{
    int rc = SPATE_OK;
    for (unsigned i = 0; i < bytes && !rc; i++)
        rc = sp_buf_printf(out, "%02x", (unsigned)(number >> 8 * i & 0xff));
    return rc;
}

static int put_corner(sp_buf *out, double x, double y)
{
    uint64_t bits[2];
    memcpy(&bits[0], &x, sizeof(x));
    memcpy(&bits[1], &y, sizeof(y));
    return put_bytes(out, bits[0], 8) || put_bytes(out, bits[1], 8);
}

/* What the number of a shape says in "well-known binary": 1 a point, 2 a line, 3 a polygon, 4 to 7 one of these, or any, in a list. */
static int put_shape(sp_buf *out, unsigned kind, double x, double y)
{
    int rc = sp_buf_adds(out, "01") || put_bytes(out, kind, 4);
    if (kind > 3)
        return rc || put_bytes(out, 1, 4) || put_shape(out, kind == 7 ? 1 : kind - 3, x, y);
    if (kind > 1)
        rc = rc || (kind == 3 && put_bytes(out, 1, 4)) || put_bytes(out, kind == 3 ? 4 : 2, 4);
    rc = rc || put_corner(out, x, y);
    if (kind > 1)
        rc = rc || put_corner(out, x + 0.25, y);
    return kind == 3 ? rc || put_corner(out, x, y + 0.5) || put_corner(out, x, y) : rc;
}

/* MariaDB's shapes, as the server keeps them: where on earth they are (nowhere), and their well-known binary. */
static bool choose_shape_bytes(sp_making *m)
{
    static const char *const names[] = {"geometry",   "point",           "linestring",   "polygon",
                                        "multipoint", "multilinestring", "multipolygon", "geometrycollection"};
    static const double places[][2] = {{13.375, 52.5}, {-0.125, 51.5}, {2.25, 48.75}};
    unsigned kind = 0;
    while (kind < SP_COUNT(names) && strcmp(m->type->name, names[kind]) != 0)
        kind++;
    sp_str *values = sp_arena_alloc(m->k->arena, SP_COUNT(places), sizeof(*values));
    m->k->nomem = m->k->nomem || !values;
    if (!values || kind == SP_COUNT(names) || !sp_sql_is_mariadb((sp_sql_dialect)m->k->c->dialect) || m->unique)
        return false;
    for (size_t i = 0; i < SP_COUNT(places); i++) {
        sp_buf text = {0};
        int rc = sp_buf_adds(&text, "\\x00000000") || put_shape(&text, SP_MAX(kind, 1u), places[i][0], places[i][1]);
        values[i] = (sp_str){rc ? NULL : sp_arena_strndup(m->k->arena, text.data, text.len), text.len};
        m->k->nomem = m->k->nomem || !values[i].p;
        sp_buf_done(&text);
    }
    m->out->mode = "set";
    m->out->items = values;
    m->out->n_items = (uint32_t)SP_COUNT(places);
    m->out->type = "bytea";
    m->out->note = "shapes as the server keeps them";
    return !m->k->nomem;
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
    bool of_lists = m->k->c->brackets && strstr(m->type->spelled, "][");
    if ((of_lists || item->class == SP_CAT_OTHER) && sp_making_nested(m))
        return;
    if (of_lists) {
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
void sp_making_truths(sp_making *m, const sp_str *values, uint32_t n)
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

/* is_secure IN (TRUE, FALSE), where truths are numbers. */
static const sp_str *as_numbers(sp_making *m, const sp_str *values, uint32_t n)
{
    sp_str *numbers = sp_arena_alloc(m->k->arena, n + 1, sizeof(*numbers));
    m->k->nomem = m->k->nomem || !numbers;
    for (uint32_t i = 0; numbers && i < n; i++)
        numbers[i] = sp_str_ieq(values[i], "true")    ? sp_str_of("1")
                     : sp_str_ieq(values[i], "false") ? sp_str_of("0")
                                                      : values[i];
    return numbers ? numbers : values;
}

void sp_making_values(sp_making *m, const sp_str *values, uint32_t n)
{
    m->out->mode = "set";
    m->out->items = m->type->class == SP_CAT_INTEGER ? as_numbers(m, values, n) : values;
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

/* float(7,2) rounds what it is given, but for whole numbers. */
static void choose_rounded(sp_making *m)
{
    unsigned precision = 0, scale = 0;
    const char *open = strchr(m->type->spelled, '(');
    bool known = open && sscanf(open, "(%u,%u)", &precision, &scale) == 2 && scale <= precision && precision <= 255;
    if (!known || m->unique || m->demand->min.p || m->demand->max.p || m->demand->n_values) {
        sp_making_leave_out(m, sp_config_printf(m->k, "its type %s rounds what it is given", m->type->spelled));
        return;
    }
    sp_making_mode(m, "range", "int");
    m->out->props = sp_config_printf(m->k, "{min: 0, max: %.0f}", pow(10, SP_MIN(precision - scale, 3u)));
    m->out->type = "smallint";
    m->out->note = "whole: nothing is rounded";
}

void sp_making_by_class(sp_making *m)
{
    switch (m->type->class) {
    case SP_CAT_BOOL: choose_truth(m); break;
    case SP_CAT_INTEGER:
    case SP_CAT_YEAR: sp_making_integer(m); break;
    case SP_CAT_FLOAT:
        if (strchr(m->type->spelled, ',')) /* float(7,2) */
            choose_rounded(m);
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
    case SP_CAT_OTHER:
        if (!sp_making_nested(m) && !choose_shape_bytes(m))
            sp_making_leave_out(m, sp_config_printf(m->k, "its type %s is not known", m->type->spelled));
        break;
    }
}
