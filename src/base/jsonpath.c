/* jsonpath.c - the text of a path becomes its steps: what RFC 9535 calls names, indices and wildcards, and its descendants. Slices,
 * filters and indices from the end are not read: they are none of the places that a plan can name for good. */
#include "base/jsonpath.h"

typedef struct parser {
    const char *p, *end;
    sp_arena *arena;
    sp_json_step *steps;
    uint32_t n;
    const char *why;
    bool nomem;
} parser;

static bool fail(parser *s, const char *why)
{
    s->why = s->why ? s->why : why;
    return false;
}

static bool take(parser *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool ends_name(char c)
{
    return c == '.' || c == '[' || c == ']' || c == '\'' || c == '"' || c == '*' || c == '$' || sp_is_space(c);
}

static bool plain_name(parser *s, sp_json_step *step)
{
    step->name.p = s->p;
    while (s->p < s->end && !ends_name(*s->p))
        s->p++;
    step->name.len = (size_t)(s->p - step->name.p);
    return step->name.len || fail(s, "expected a name: letters, digits, - and _, or any text as ['it is']");
}

/* Behind its opening quote, up to and with the closing one. */
static bool quoted_name(parser *s, char quote, sp_json_step *step)
{
    char *name = sp_arena_alloc(s->arena, (size_t)(s->end - s->p) + 1, 1), *to = name;
    if (!name) {
        s->nomem = true;
        return false;
    }
    while (s->p < s->end && *s->p != quote) {
        s->p += *s->p == '\\' && s->p + 1 < s->end;
        *to++ = *s->p++;
    }
    step->name = (sp_str){name, (size_t)(to - name)};
    return take(s, quote) || fail(s, "a quote is not closed");
}

static bool name(parser *s, sp_json_step *step)
{
    step->kind = SP_JSON_NAMED;
    if (take(s, '*')) {
        step->kind = SP_JSON_ANY;
        return true;
    }
    return take(s, '"') ? quoted_name(s, '"', step) : plain_name(s, step);
}

static bool bracket(parser *s, sp_json_step *step)
{
    const char *digits = s->p;
    bool good = true;
    if (take(s, '*')) {
        step->kind = SP_JSON_ANY;
    } else if (take(s, '\'')) {
        good = quoted_name(s, '\'', step);
    } else if (take(s, '"')) {
        good = quoted_name(s, '"', step);
    } else {
        while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
            s->p++;
        step->kind = SP_JSON_ITEM;
        good = sp_parse_u64((sp_str){digits, (size_t)(s->p - digits)}, &step->item) ||
               fail(s, "expected [*], [0] or ['a name']");
    }
    return good && (take(s, ']') || fail(s, "expected a ]"));
}

/* first: of a path without $, whose first name has no dot. */
static bool read_step(parser *s, bool first)
{
    sp_json_step *step = &s->steps[s->n++];
    *step = (sp_json_step){.kind = SP_JSON_NAMED, .name = {"", 0}};
    if (take(s, '['))
        return bracket(s, step);
    if (!take(s, '.'))
        return first ? name(s, step) : fail(s, "expected a dot or a [ between two steps");
    step->deep = take(s, '.');
    return step->deep && take(s, '[') ? bracket(s, step) : name(s, step);
}

bool sp_json_path_parse(sp_arena *arena, sp_str text, sp_json_path *path, const char **why)
{
    parser s = {.p = text.p, .end = text.p + text.len, .arena = arena};
    s.steps = sp_arena_alloc(arena, text.len + 1, sizeof(*s.steps));
    *why = NULL;
    if (!s.steps)
        return false;
    bool bare = !take(&s, '$'), good = true;
    while (good && s.p < s.end)
        good = read_step(&s, bare && s.n == 0);
    if (good && s.n == 0)
        good = fail(&s, "it leads to the whole document, which is what a column without a path is");
    *why = s.nomem ? NULL : s.why;
    *path = (sp_json_path){s.steps, s.n};
    return good;
}

bool sp_json_path_eq(const sp_json_path *a, const sp_json_path *b)
{
    bool same = a->n == b->n;
    for (uint32_t i = 0; same && i < a->n; i++)
        same = a->steps[i].kind == b->steps[i].kind && a->steps[i].deep == b->steps[i].deep &&
               a->steps[i].item == b->steps[i].item && sp_str_eq(a->steps[i].name, b->steps[i].name);
    return same;
}
