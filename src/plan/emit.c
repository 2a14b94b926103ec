/* emit.c - see emit.h. */
#include "plan/emit.h"

enum { WIDTH = 120, WRAP_LIST = 110 };

void sp_emit_init(sp_emit *e)
{
    *e = (sp_emit){.line = 1};
}

void sp_emit_done(sp_emit *e)
{
    sp_buf_done(&e->out);
}

/* ---- scalars --------------------------------------------------------------------------------- */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

/* Whether a text means itself without quotes. Narrower than YAML would be: what is quoted in vain still reads well. */
static bool is_plain(sp_str s, bool inside)
{
    if (s.len == 0 || sp_str_is(s, "~") || sp_str_ieq(s, "null") || !(is_alnum(s.p[0]) || strchr("_$(/.+", s.p[0])))
        return sp_str_is(s, "-") ? false
                                 : s.len > 1 && s.p[0] == '-' && s.p[1] >= '0' && s.p[1] <= '9' &&
                                       is_plain((sp_str){s.p + 1, s.len - 1}, inside);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i], next = i + 1 < s.len ? s.p[i + 1] : ' ';
        bool fine = is_alnum(c) || strchr("_-./+()@%$;=", c) || (c == ' ' && next != ' ' && next != '#') ||
                    (c == ':' && next != ' ' && !inside) || (!inside && strchr("{},", c) && c);
        if (!fine || !c)
            return false;
    }
    return true;
}

static int add_escaped(sp_buf *out, char c)
{
    switch (c) {
    case '"': return sp_buf_adds(out, "\\\"");
    case '\\': return sp_buf_adds(out, "\\\\");
    case '\n': return sp_buf_adds(out, "\\n");
    case '\t': return sp_buf_adds(out, "\\t");
    case '\r': return sp_buf_adds(out, "\\r");
    default:
        return (unsigned char)c < 32 || c == 127 ? sp_buf_printf(out, "\\x%02x", (unsigned char)c)
                                                 : sp_buf_add(out, &c, 1);
    }
}

int sp_emit_scalar(sp_buf *out, sp_str s, bool inside)
{
    if (is_plain(s, inside))
        return sp_buf_add(out, s.p, s.len);
    bool single = s.len && memchr(s.p, '"', s.len); /* JSON reads better between single quotes */
    for (size_t i = 0; i < s.len; i++)
        single = single && (unsigned char)s.p[i] >= 32 && s.p[i] != 127;
    int rc = sp_buf_adds(out, single ? "'" : "\"");
    for (size_t i = 0; i < s.len && !rc; i++)
        rc = !single ? add_escaped(out, s.p[i])
                     : sp_buf_add(out, &s.p[i], 1) || (s.p[i] == '\'' && sp_buf_adds(out, "'"));
    return rc || sp_buf_adds(out, single ? "'" : "\"") ? SPATE_E_NOMEM : SPATE_OK;
}

int sp_emit_list(sp_buf *out, const sp_str *items, uint32_t n)
{
    size_t line = out->len;
    int rc = sp_buf_adds(out, "[");
    for (uint32_t i = 0; i < n && !rc; i++) {
        bool fold = i && out->len - line > WRAP_LIST;
        line = fold ? out->len : line;
        rc = (i && sp_buf_adds(out, fold ? ",\n              " : ", ")) || sp_emit_scalar(out, items[i], true);
    }
    return rc || sp_buf_adds(out, "]") ? SPATE_E_NOMEM : SPATE_OK;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void add(sp_emit *e, const char *p, size_t len)
{
    if (!e->nomem && sp_buf_add(&e->out, p, len))
        e->nomem = true;
    for (size_t i = 0; i < len; i++)
        e->line += p[i] == '\n';
}

static void adds(sp_emit *e, const char *text)
{
    add(e, text, strlen(text));
}

static void add_indent(sp_emit *e, unsigned indent)
{
    for (unsigned i = 0; i < indent; i++)
        add(e, " ", 1);
}

void sp_emit_blank(sp_emit *e)
{
    add(e, "\n", 1);
}

/* How much of a line's text fits, cut at a space where there is one. */
static size_t fold(const char *text, size_t len, size_t room)
{
    if (len <= room)
        return len;
    size_t cut = room;
    while (cut > 0 && text[cut] != ' ')
        cut--;
    return cut ? cut : len;
}

void sp_emit_comment(sp_emit *e, unsigned indent, const char *text)
{
    do {
        size_t len = strcspn(text, "\n");
        const char *line = text;
        do {
            size_t take = fold(line, len, WIDTH - indent - 2);
            add_indent(e, indent);
            adds(e, take ? "# " : "#");
            add(e, line, take);
            add(e, "\n", 1);
            take += take < len && line[take] == ' ';
            line += take;
            len -= take;
        } while (len);
        text = *(line + len) == '\n' ? line + len + 1 : line + len;
    } while (*text);
}

static void add_note(sp_emit *e, const char *note)
{
    if (note) {
        adds(e, "  # ");
        for (; *note; note++)
            add(e, *note == '\n' ? " " : note, 1);
    }
    add(e, "\n", 1);
}

static void add_key(sp_emit *e, unsigned indent, bool item, const char *key)
{
    add_indent(e, indent);
    adds(e, item ? "- " : "");
    adds(e, key);
    adds(e, ":");
}

void sp_emit_head(sp_emit *e, unsigned indent, const char *key)
{
    add_key(e, indent, false, key);
    add(e, "\n", 1);
}

void sp_emit_raw(sp_emit *e, unsigned indent, const char *key, const char *yaml, const char *note)
{
    add_key(e, indent, false, key);
    adds(e, " ");
    adds(e, yaml);
    add_note(e, note);
}

void sp_emit_key(sp_emit *e, unsigned indent, bool item, const char *key, sp_str value, const char *note)
{
    sp_buf text = {0};
    add_key(e, indent, item, key);
    adds(e, " ");
    if (sp_emit_scalar(&text, value, false))
        e->nomem = true;
    else if (text.len)
        add(e, text.data, text.len);
    sp_buf_done(&text);
    add_note(e, note);
}
