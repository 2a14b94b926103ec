/* document.c - JSON with functions in it: a template that is a JSON text whatever its functions give.
 *
 * Between quotes a function's value is escaped; elsewhere it is a value by itself, a number or a truth value as it is and
 * anything else as a string. Whether the whole is JSON is asked once, with a digit in the place of every function. */
#include "gen/build.h"

#include "codec/codec.h"

typedef struct piece {
    sp_str literal; /* in front */
    const sp_cell *cell;
    bool quoted, escaped; /* quotes around it; its text may hold what JSON escapes */
} piece;

typedef struct document_cell {
    sp_cell cell;
    piece *pieces;
    uint32_t n;
    sp_str tail;
} document_cell;

enum { ESCAPED_MAX = 6 }; /* \u001f */

static uint32_t escaped_size(unsigned char c)
{
    return c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r' ? 2 : c < ' ' ? ESCAPED_MAX : 1;
}

static char *put_escaped_back(char *end, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    uint32_t size = escaped_size(c);
    if (size == 1) {
        *--end = (char)c;
    } else if (size == 2) {
        *--end = c == '\n' ? 'n' : c == '\t' ? 't' : c == '\r' ? 'r' : (char)c;
        *--end = '\\';
    } else {
        *--end = hex[c & 15];
        *--end = hex[c >> 4];
        end -= 4;
        memcpy(end, "\\u00", 4);
    }
    return end;
}

/* Escapes the text from p to end where it stands, from its end on; returns the new end. */
static char *escape(char *p, char *end)
{
    size_t size = 0;
    for (char *q = p; q < end; q++)
        size += escaped_size((unsigned char)*q);
    char *to = p + size, *new_end = to;
    while (end > p && to > end)
        to = put_escaped_back(to, (unsigned char)*--end);
    return new_end;
}

static char *document_text(const sp_cell *cell, uint64_t row, char *p)
{
    const document_cell *c = (const document_cell *)cell;
    for (const piece *a = c->pieces, *end = a + c->n; a < end; a++) {
        memcpy(p, a->literal.p, a->literal.len);
        p += a->literal.len;
        if (a->quoted)
            *p++ = '"';
        char *from = p;
        p = a->cell->ops->text(a->cell, row, p);
        p = a->escaped ? escape(from, p) : p;
        if (a->quoted)
            *p++ = '"';
    }
    memcpy(p, c->tail.p, c->tail.len);
    return p + c->tail.len;
}

static const sp_cell_ops document_ops = {sp_cell_fill_text, document_text};

/* ---- compiling --------------------------------------------------------------------------------------------------------- */

static bool is_bare(sp_kind kind)
{
    return kind == SP_BOOL || kind == SP_JSON || (kind >= SP_I16 && kind <= SP_DECIMAL);
}

/* Goes over literal text and says whether it ends between quotes. */
static bool ends_in_string(bool in_string, sp_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (in_string && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            in_string = !in_string;
    }
    return in_string;
}

/* The next ${function} at or behind p: the name; p NULL when there is none. */
static sp_str next_function(const char *p, const char *end)
{
    for (; p + 2 < end; p++) {
        const char *close = p[0] == '$' && p[1] == '{' ? memchr(p, '}', (size_t)(end - p)) : NULL;
        sp_str name = close ? (sp_str){p + 2, (size_t)(close - p) - 2} : (sp_str){0};
        if (name.p && sp_func_find(name))
            return name;
    }
    return (sp_str){0};
}

static bool add_piece(const sp_build *b, document_cell *c, sp_str literal, sp_str name, bool in_string)
{
    piece *a = &c->pieces[c->n++];
    uint64_t key = sp_mix64(b->key ^ sp_hash64(name.p, name.len, 0));
    a->literal = literal;
    a->cell = sp_func_cell(sp_func_find(name), &b->env, key);
    if (!a->cell)
        return false;
    bool bare = is_bare(a->cell->type.kind);
    a->quoted = !in_string && !bare;
    a->escaped = !(bare && !in_string) && a->cell->bounds.care == SP_CARE_ESCAPES;
    c->cell.unique = c->cell.unique || a->cell->unique;
    return true;
}

static uint64_t longest(const document_cell *c)
{
    uint64_t sum = c->tail.len;
    for (uint32_t i = 0; i < c->n; i++)
        sum += c->pieces[i].literal.len + 2 +
               (uint64_t)c->pieces[i].cell->text_max * (c->pieces[i].escaped ? ESCAPED_MAX : 1);
    return sum;
}

/* With digits for its functions; NULL: no memory. */
static const char *probe(const sp_build *b, const document_cell *c, size_t *len)
{
    size_t size = c->tail.len + c->n;
    for (uint32_t i = 0; i < c->n; i++)
        size += c->pieces[i].literal.len;
    char *text = sp_arena_alloc(b->arena, size + 1, 1), *p = text;
    for (uint32_t i = 0; text && i < c->n; i++) {
        memcpy(p, c->pieces[i].literal.p, c->pieces[i].literal.len);
        p += c->pieces[i].literal.len;
        *p++ = '1';
    }
    if (text)
        memcpy(p, c->tail.p, c->tail.len);
    *len = size;
    return text;
}

sp_cell *sp_document_cell(const sp_build *b)
{
    sp_str text = b->column->text;
    const char *p = text.p, *end = text.p + text.len;
    document_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (c)
        c->pieces = sp_arena_alloc(b->arena, text.len / 4 + 1, sizeof(*c->pieces));
    if (!c || !c->pieces)
        return NULL;
    bool in_string = false;
    for (sp_str name = next_function(p, end); name.p; name = next_function(p, end)) {
        sp_str literal = {p, (size_t)(name.p - p) - 2};
        in_string = ends_in_string(in_string, literal);
        if (!add_piece(b, c, literal, name, in_string))
            return NULL;
        p = name.p + name.len + 1;
    }
    c->tail = (sp_str){p, (size_t)(end - p)};
    size_t len;
    const char *tried = probe(b, c, &len);
    if (!tried)
        return NULL;
    if (!sp_json_valid((sp_str){tried, len}) || longest(c) > SP_CELL_TEXT_MAX) {
        sp_mistake(b->mistakes, b->column->mode_mark, text, "is not JSON, or too long, with its functions filled in");
        return NULL;
    }
    bool unique = c->cell.unique;
    uint32_t text_max = (uint32_t)longest(c);
    c->cell = (sp_cell){.ops = &document_ops,
                        .key = b->key,
                        .type = {.kind = SP_JSON},
                        .text_max = text_max,
                        .unique = unique,
                        .bounds = {.text_max = text_max}};
    return &c->cell;
}
