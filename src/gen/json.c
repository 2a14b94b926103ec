/* json.c - is a text JSON? The grammar of RFC 8259, and nothing besides. */
#include "gen/build.h"

enum { DEPTH_MAX = 256 }; /* of lists and mappings in each other */

typedef struct scanner {
    const char *p, *end; /* the text is UTF-8: the plan room has seen to that */
    unsigned depth;
} scanner;

static bool take(scanner *s, char c)
{
    bool is = s->p < s->end && *s->p == c;
    s->p += is;
    return is;
}

static void skip_space(scanner *s)
{
    while (take(s, ' ') || take(s, '\t') || take(s, '\n') || take(s, '\r'))
        ;
}

static bool take_word(scanner *s, const char *word)
{
    while (*word && take(s, *word))
        word++;
    return !*word;
}

static bool take_digits(scanner *s)
{
    const char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > from;
}

static bool take_number(scanner *s)
{
    take(s, '-');
    if (!take(s, '0') && !take_digits(s))
        return false;
    if (take(s, '.') && !take_digits(s))
        return false;
    if (!take(s, 'e') && !take(s, 'E'))
        return true;
    if (!take(s, '+'))
        take(s, '-');
    return take_digits(s);
}

static bool take_escape(scanner *s)
{
    if (!take(s, 'u'))
        return s->p < s->end && *s->p && strchr("\"\\/bfnrt", *s->p++);
    for (int i = 0; i < 4; i++, s->p++)
        if (s->p == s->end || !*s->p || !strchr("0123456789abcdefABCDEF", *s->p))
            return false;
    return true;
}

static bool take_string(scanner *s)
{
    if (!take(s, '"'))
        return false;
    while (s->p < s->end && *s->p != '"') {
        unsigned char c = (unsigned char)*s->p++;
        if (c < ' ' || (c == '\\' && !take_escape(s)))
            return false;
    }
    return take(s, '"');
}

static bool take_value(scanner *s);

/* What stands between the brackets of a list, or of a mapping. */
static bool take_members(scanner *s, bool map, char close)
{
    skip_space(s);
    if (take(s, close))
        return true;
    do {
        skip_space(s);
        if (map && !take_string(s))
            return false;
        skip_space(s);
        if ((map && !take(s, ':')) || !take_value(s))
            return false;
    } while (take(s, ','));
    return take(s, close);
}

static bool take_value(scanner *s)
{
    skip_space(s);
    if (s->p == s->end || s->depth == DEPTH_MAX)
        return false;
    bool good;
    s->depth++;
    switch (*s->p) {
    case '{':
        s->p++;
        good = take_members(s, true, '}');
        break;
    case '[':
        s->p++;
        good = take_members(s, false, ']');
        break;
    case '"': good = take_string(s); break;
    case 't': good = take_word(s, "true"); break;
    case 'f': good = take_word(s, "false"); break;
    case 'n': good = take_word(s, "null"); break;
    default: good = take_number(s);
    }
    s->depth--;
    skip_space(s);
    return good;
}

bool sp_is_json(sp_str text)
{
    scanner s = {.p = text.p, .end = text.p + text.len};
    return take_value(&s) && s.p == s.end;
}
