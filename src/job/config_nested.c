/* config_nested.c - structs, maps, unions, and lists of them, as DuckDB reads them from texts: {'a': 1}, {k=1}, [1, 2].
 *
 * The type is read as it is spelled, and a few values are written of it, to choose from. Of what is in it and not known, the values have
 * a null. */
#include "job/config.h"

#include <ctype.h>

enum { NESTED_MAX = 16, VALUES = 3 };

typedef struct writer {
    sp_making *m;
    sp_str text;    /* what is left of the type */
    unsigned which; /* of the values */
    sp_buf out;
    bool bad;
} writer;

static void skip_blanks(writer *w)
{
    while (w->text.len && *w->text.p == ' ') {
        w->text.p++;
        w->text.len--;
    }
}

static bool take(writer *w, char c)
{
    skip_blanks(w);
    if (!w->text.len || *w->text.p != c)
        return false;
    w->text.p++;
    w->text.len--;
    return true;
}

static bool take_head(writer *w, const char *word)
{
    size_t len = strlen(word);
    skip_blanks(w);
    if (w->text.len <= len || !sp_str_ieq((sp_str){w->text.p, len}, word) || w->text.p[len] != '(')
        return false;
    w->text.p += len + 1;
    w->text.len -= len + 1;
    return true;
}

static void put(writer *w, const char *text, size_t len)
{
    w->m->k->nomem = w->m->k->nomem || sp_buf_add(&w->out, text, len);
}

/* The name of a field, which may be in double quotes; one with a quote in it is too odd. */
static sp_str take_name(writer *w)
{
    skip_blanks(w);
    bool quoted = take(w, '"');
    size_t len = 0;
    while (len < w->text.len && (quoted ? w->text.p[len] != '"' : w->text.p[len] != ' '))
        len++;
    sp_str name = {w->text.p, len};
    w->text.p += len;
    w->text.len -= len;
    w->bad = w->bad || !len || memchr(name.p, '\'', len) || (quoted && !take(w, '"')) ||
             (quoted && w->text.len && *w->text.p == '"');
    return name;
}

/* How long the type is that stands first: up to a bracket, a comma or the end. */
static size_t scalar_length(sp_str text)
{
    size_t i = 0;
    int open = 0;
    for (bool quoted = false; i < text.len; i++) {
        char c = text.p[i];
        quoted ^= c == '\'' || c == '"';
        if (!quoted && !open && (c == ',' || c == ')' || c == '['))
            break;
        open += !quoted && c == '(';
        open -= !quoted && c == ')';
    }
    return i;
}

static void write_scalar(writer *w)
{
    static const char *const ints[] = {"1", "20", "117"}, *const numbers[] = {"0", "0.5", "0.25"},
                             *const words[] = {"'red'", "'green'", "'blue'"},
                             *const days[] = {"2024-01-31", "2024-06-15", "2025-03-01"};
    sp_cat_type type = {0};
    size_t len = scalar_length(w->text);
    w->bad = w->bad || !len;
    w->m->k->nomem = w->m->k->nomem || !sp_cat_type_parse((sp_str){w->text.p, len}, w->m->k->arena, &type);
    w->text.p += len;
    w->text.len -= len;
    const char *value = "NULL";
    switch (type.class) {
    case SP_CAT_INTEGER: value = ints[w->which]; break;
    case SP_CAT_FLOAT:
    case SP_CAT_DECIMAL: value = numbers[w->which]; break;
    case SP_CAT_TEXT: value = words[w->which]; break;
    case SP_CAT_DATE:
    case SP_CAT_TIMESTAMP:
    case SP_CAT_TIMESTAMPTZ: value = days[w->which]; break;
    case SP_CAT_TIME: value = "12:30:00"; break;
    case SP_CAT_BOOL: value = w->which ? "true" : "false"; break;
    default: break;
    }
    put(w, value, strlen(value));
}

static void write_value(writer *w, unsigned depth);

static void write_fields(writer *w, unsigned depth)
{
    put(w, "{", 1);
    do {
        sp_str name = take_name(w);
        put(w, "'", 1);
        put(w, name.p, name.len);
        put(w, "': ", 3);
        write_value(w, depth + 1);
        if (take(w, ')'))
            break;
        put(w, ", ", 2);
    } while (!w->bad && (take(w, ',') || !(w->bad = true)));
    put(w, "}", 1);
}

/* A map of one; a key is not null. */
static void write_map(writer *w, unsigned depth)
{
    put(w, "{", 1);
    write_value(w, depth + 1);
    w->bad = w->bad || !take(w, ',');
    put(w, "=", 1);
    write_value(w, depth + 1);
    w->bad = w->bad || !take(w, ')');
    put(w, "}", 1);
}

/* Of a union its first member. */
static void write_member(writer *w, unsigned depth)
{
    take_name(w);
    write_value(w, depth + 1);
    size_t len = w->out.len;
    while (!w->bad && take(w, ',')) {
        take_name(w);
        write_value(w, depth + 1);
        w->out.len = len;
    }
    w->bad = w->bad || !take(w, ')');
}

/* "[]" or "[3]" behind a type: what was written of it from there on becomes a list. */
static void wrap_list(writer *w, size_t from)
{
    unsigned n = 0;
    for (; w->text.len && isdigit((unsigned char)*w->text.p) && n < 1000; w->text.p++, w->text.len--)
        n = 10 * n + (unsigned)(*w->text.p - '0');
    w->bad = w->bad || !take(w, ']') || n > 64;
    sp_str item = {sp_arena_strndup(w->m->k->arena, w->out.data + from, w->out.len - from), w->out.len - from};
    w->m->k->nomem = w->m->k->nomem || !item.p;
    w->out.len = from;
    put(w, "[", 1);
    for (unsigned i = 0; item.p && i < (n ? n : 1 + w->which % 2) && !w->bad; i++) {
        put(w, ", ", i ? 2 : 0);
        put(w, item.p, item.len);
    }
    put(w, "]", 1);
}

static void write_value(writer *w, unsigned depth)
{
    size_t from = w->out.len;
    w->bad = w->bad || depth > NESTED_MAX || w->m->k->nomem;
    if (w->bad)
        return;
    if (take_head(w, "struct"))
        write_fields(w, depth);
    else if (take_head(w, "map"))
        write_map(w, depth);
    else if (take_head(w, "union"))
        write_member(w, depth);
    else
        write_scalar(w);
    while (!w->bad && take(w, '['))
        wrap_list(w, from);
}

bool sp_making_nested(sp_making *m)
{
    sp_str *values = sp_arena_alloc(m->k->arena, VALUES, sizeof(*values));
    m->k->nomem = m->k->nomem || !values;
    if (!values || m->k->c->dialect != SP_SQL_DUCKDB || m->unique || m->out->tries)
        return false;
    bool good = true;
    for (unsigned i = 0; i < VALUES && good; i++) {
        writer w = {.m = m, .text = sp_str_of(m->type->spelled), .which = i};
        write_value(&w, 0);
        skip_blanks(&w);
        good = !w.bad && !w.text.len && !m->k->nomem && !(w.out.len == 4 && memcmp(w.out.data, "NULL", 4) == 0);
        values[i] = (sp_str){good ? sp_arena_strndup(m->k->arena, w.out.data, w.out.len) : "", good ? w.out.len : 0};
        sp_buf_done(&w.out);
    }
    if (good) {
        m->out->mode = "set";
        m->out->items = values;
        m->out->n_items = VALUES;
        m->out->most = VALUES;
        m->out->note = "a few to choose from";
    }
    return good;
}
