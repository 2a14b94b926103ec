/* duckdb_blame.c - which row of a batch DuckDB means when it refuses all of it.
 *
 * It names no row, but a key, a column or a value, in words that are not promised to anybody. So what is found here is a hint: the row is
 * tried like any other, and where nothing is found the batch is halved. */
#include "endpoint/duckdb_sink.h"

/* What is between the first head and the last tail behind it, on the first line. */
static bool between(const char *text, const char *head, const char *tail, sp_str *out)
{
    const char *p = strstr(text, head), *end = text + strcspn(text, "\n"), *last = NULL;
    if (!p || p >= end)
        return false;
    p += strlen(head);
    for (const char *at = p; (at = strstr(at, tail)) && at < end; at++)
        last = at;
    *out = (sp_str){p, last ? (size_t)(last - p) : 0};
    return last != NULL;
}

static bool is_at(sp_str text, size_t at, sp_str word)
{
    return text.len - at >= word.len && memcmp(text.p + at, word.p, word.len) == 0;
}

/* Where the value of a column begins in "a: 1, b: x"; 0: it is not in there. */
static size_t value_of(sp_str key, const char *name)
{
    size_t len = strlen(name);
    for (size_t at = 0; at + len + 2 <= key.len; at++) {
        bool begins = at == 0 || (at >= 2 && key.p[at - 2] == ',' && key.p[at - 1] == ' ');
        if (begins && is_at(key, at, (sp_str){name, len}) && key.p[at + len] == ':' && key.p[at + len + 1] == ' ')
            return at + len + 2;
    }
    return 0;
}

static size_t value_of_first(sp_str key)
{
    const char *colon = memchr(key.p, ':', key.len);
    return colon && colon + 2 <= key.p + key.len ? (size_t)(colon + 2 - key.p) : 0;
}

/* A column of the key, and where its value begins in DuckDB's words; whole: nothing is behind it. */
typedef struct part {
    uint32_t field;
    size_t at;
    bool whole;
} part;

static bool has_value(const sp_batch *b, const part *p, uint32_t row, sp_str key, sp_buf *text)
{
    const sp_column *c = &b->columns[p->field];
    text->len = 0;
    if (sp_column_null(c, row) || sp_cell_text(c, row, text) || !is_at(key, p->at, (sp_str){text->data, text->len}))
        return false;
    size_t end = p->at + text->len;
    return end == key.len || (!p->whole && key.len - end >= 2 && key.p[end] == ',');
}

/* The second row that has all the values, for what is there twice; else the only one. From 1; 0: none. */
static uint64_t with_values(const sp_batch *b, const part *parts, size_t n, sp_str key, sp_buf *text)
{
    uint64_t first = 0;
    for (uint32_t i = 0; i < b->rows; i++) {
        size_t same = 0;
        while (same < n && has_value(b, &parts[same], i, key, text))
            same++;
        if (same == n && first)
            return i + 1;
        first = same == n ? i + 1 : first;
    }
    return first;
}

/* Of a key "a: 1, b: x". */
static uint64_t with_key(const sp_batch *b, sp_str key, sp_buf *text)
{
    enum { PARTS_MAX = 16 };
    part parts[PARTS_MAX];
    size_t n = 0, at;
    for (uint32_t f = 0; f < b->schema->n_fields && n < PARTS_MAX; f++)
        if ((at = value_of(key, b->schema->fields[f].name)))
            parts[n++] = (part){f, at, false};
    return n ? with_values(b, parts, n, key, text) : 0;
}

/* Of a value alone, in whichever column it is. */
static uint64_t with_any(const sp_batch *b, sp_str value, size_t at, sp_buf *text)
{
    uint64_t row = 0;
    for (uint32_t f = 0; f < b->schema->n_fields && !row; f++)
        row = with_values(b, &(part){f, at, true}, 1, value, text);
    return row;
}

static uint64_t with_null(const sp_batch *b, sp_str column)
{
    for (uint32_t f = 0; f < b->schema->n_fields; f++) {
        const char *name = b->schema->fields[f].name;
        if (strlen(name) != column.len || memcmp(name, column.p, column.len) != 0)
            continue;
        for (uint32_t i = 0; i < b->rows; i++)
            if (sp_column_null(&b->columns[f], i))
                return i + 1;
    }
    return 0;
}

uint64_t sp_duckdb_blame(const sp_batch *b, const char *message)
{
    sp_str what;
    sp_buf text = {0};
    uint64_t row = 0;
    const char *null = strstr(message, "NOT NULL constraint failed: "), *dot = null ? strrchr(null, '.') : NULL;
    if (between(message, "Duplicate key \"", "\" violates", &what))
        row = with_key(b, what, &text);
    else if (between(message, "duplicate key \"", "\"", &what) ||
             between(message, "Could not convert string '", "' to ", &what))
        row = with_any(b, what, 0, &text);
    else if (between(message, "because key \"", "\" does not exist", &what)) /* the parent's columns, not the row's */
        row = with_any(b, what, value_of_first(what), &text);
    else if (dot)
        row = with_null(b, (sp_str){dot + 1, strcspn(dot + 1, "\n")});
    sp_buf_done(&text);
    return row;
}
