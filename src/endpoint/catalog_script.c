/* catalog_script.c - a script of CREATE statements as a row of words: names, texts, numbers and marks, in the quotes of every server. Knows
 * nothing of statements. */
#include "endpoint/catalog_script.h"

void *sp_script_add(script *s, void **items, uint32_t *n, uint32_t *cap, size_t bytes)
{
    if (*n == *cap) {
        uint32_t more = *cap ? *cap * 2 : 8;
        void *grown = sp_arena_alloc(s->arena, more, bytes);
        s->nomem = s->nomem || !grown;
        if (!grown)
            return NULL;
        if (*n)
            memcpy(grown, *items, *n * bytes);
        *items = grown;
        *cap = more;
    }
    return (char *)*items + (size_t)(*n)++ * bytes;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (c & 0x80);
}

/* MySQL has partitions in a comment that only servers who know them read. */
static bool opens_partitions(const script *s)
{
    static const char by[] = "PARTITION BY";
    const char *p = s->p;
    if (s->end - p < 24 || memcmp(p, "/*!", 3) != 0)
        return false;
    for (p += 3; p < s->end && ((*p >= '0' && *p <= '9') || sp_is_space(*p)); p++)
        ;
    return (size_t)(s->end - p) > sizeof(by) && memcmp(p, by, sizeof(by) - 1) == 0;
}

static void skip_blank(script *s)
{
    while (s->p < s->end) {
        size_t left = (size_t)(s->end - s->p);
        const char *close;
        if (strchr(" \t\r\n", *s->p)) {
            s->p++;
        } else if ((left > 1 && s->p[0] == '-' && s->p[1] == '-') ||
                   (*s->p == '#' && (s->p == s->begin || s->p[-1] == '\n'))) {
            close = memchr(s->p, '\n', left);
            s->p = close ? close + 1 : s->end;
        } else if (opens_partitions(s)) {
            s->p += strcspn(s->p, "Pp");
            return;
        } else if (left > 1 && s->p[0] == '/' && s->p[1] == '*') {
            close = memmem(s->p + 2, left - 2, "*/", 2);
            s->p = close ? close + 2 : s->end;
        } else {
            return;
        }
    }
}

/* Between quotes, doubled ones undone; escaped: a backslash takes the next byte along. */
static sp_str unquote(script *s, char close, bool escaped)
{
    const char *from = s->p + 1, *q = from;
    while (q < s->end && (*q != close || (q + 1 < s->end && q[1] == close)))
        q += 1 + (q + 1 < s->end && (*q == close || (escaped && *q == '\\')));
    q = SP_MIN(q, s->end);
    char *text = sp_arena_alloc(s->arena, (size_t)(q - from) + 1, 1);
    size_t len = 0;
    for (const char *p = from; text && p < q; p++) {
        p += p + 1 < q && (*p == close || (escaped && *p == '\\'));
        text[len++] = *p;
    }
    s->p = q + (q < s->end);
    s->nomem = s->nomem || !text;
    return text ? (sp_str){text, len} : (sp_str){"", 0};
}

/* $tag$...$tag$ */
static bool dollar_text(script *s)
{
    const char *tag = s->p + 1;
    while (tag < s->end && *tag != '$' && is_word_byte(*tag))
        tag++;
    if (*s->p != '$' || tag == s->end || *tag != '$')
        return false;
    size_t len = (size_t)(tag - s->p) + 1;
    const char *close = memmem(tag + 1, (size_t)(s->end - tag) - 1, s->p, len);
    s->at.kind = T_TEXT;
    s->at.text = (sp_str){tag + 1, close ? (size_t)(close - tag) - 1 : 0};
    s->p = close ? close + len : s->end;
    return true;
}

/* [name], as SQLite takes it too; not the [3] of an array. */
static bool begins_bracketed(const script *s)
{
    return *s->p == '[' && s->p + 1 < s->end && is_word_byte(s->p[1]) && !(s->p[1] >= '0' && s->p[1] <= '9');
}

void sp_script_advance(script *s)
{
    skip_blank(s);
    const char *from = s->p;
    s->at = (token){.kind = T_END, .raw = {from, 0}};
    if (from == s->end)
        return;
    if (*from == '\'' || ((*from == 'E' || *from == 'e') && from + 1 < s->end && from[1] == '\'')) {
        bool escaped = *from != '\'';
        s->p += escaped;
        s->at.kind = T_TEXT;
        s->at.text = unquote(s, '\'', escaped);
    } else if (*from == '"' || *from == '`' || begins_bracketed(s)) {
        s->at.kind = T_NAME;
        s->at.text = unquote(s, *from == '[' ? ']' : *from, false);
    } else if (!dollar_text(s)) {
        bool word = is_word_byte(*from);
        s->at.kind = !word ? T_MARK : *from >= '0' && *from <= '9' ? T_NUMBER : T_WORD;
        for (s->p++; word && s->p < s->end && (is_word_byte(*s->p) || (s->at.kind == T_NUMBER && *s->p == '.')); s->p++)
            ;
        s->at.text = (sp_str){from, (size_t)(s->p - from)};
    }
    s->at.raw.len = (size_t)(s->p - from);
}

bool sp_script_is_mark(const script *s, char mark)
{
    return s->at.kind == T_MARK && s->at.raw.p[0] == mark;
}

bool sp_script_is_word(const script *s, const char *word)
{
    return s->at.kind == T_WORD && sp_str_ieq(s->at.text, word);
}

bool sp_script_take_mark(script *s, char mark)
{
    bool is = sp_script_is_mark(s, mark);
    if (is)
        sp_script_advance(s);
    return is;
}

bool sp_script_take(script *s, const char *words)
{
    script before = *s;
    while (*words) {
        char word[32];
        size_t len = strcspn(words, " ");
        memcpy(word, words, len);
        word[len] = '\0';
        if (!sp_script_is_word(s, word)) {
            s->p = before.p;
            s->at = before.at;
            return false;
        }
        sp_script_advance(s);
        words += len + (words[len] == ' ');
    }
    return true;
}

const char *sp_script_keep(script *s, sp_str text)
{
    const char *kept = sp_arena_strndup(s->arena, text.p, text.len);
    s->nomem = s->nomem || !kept;
    return kept ? kept : "";
}

const char *sp_script_take_name(script *s)
{
    if (s->at.kind != T_WORD && s->at.kind != T_NAME &&
        s->at.kind != T_TEXT) { /* SQLite takes a text for a name, too */
        s->bad = true;
        return "";
    }
    const char *name = sp_script_keep(s, s->at.text);
    sp_script_advance(s);
    return name;
}

const char *sp_script_take_qualified(script *s, const char **space)
{
    const char *name = sp_script_take_name(s);
    *space = "";
    while (!s->bad && sp_script_take_mark(s, '.')) {
        *space = name;
        name = sp_script_take_name(s);
    }
    return name;
}

sp_str sp_script_take_inside(script *s)
{
    unsigned depth = 0;
    const char *from = s->p;
    if (!sp_script_is_mark(s, '(')) {
        s->bad = true;
        return (sp_str){"", 0};
    }
    do {
        depth += sp_script_is_mark(s, '(');
        depth -= sp_script_is_mark(s, ')');
        if (depth)
            sp_script_advance(s);
    } while (depth && s->at.kind != T_END);
    sp_str inside = {from, (size_t)(s->at.raw.p - from)};
    sp_script_advance(s);
    return inside;
}
