/* pattern.c - texts that a regular expression matches, in Go's and Perl's syntax. Of alternatives, repetitions and characters each
 * is as likely as the others; * and + repeat at most as often as the plan says; ^, $ and \b, which match no text, give none.
 * The expression becomes a tree when the plan is compiled; a cell walks it with a chain of draws. */
#include "gen/build.h"
#include "gen/regex.h"

enum { DEPTH_MAX = 64, LAST_CHARACTER = 0x10ffff };

typedef sp_regex_range range;
typedef sp_regex node;

typedef struct pattern_cell {
    sp_cell cell;
    const node *root;
    const sp_language *language; /* NULL: texts may come again */
} pattern_cell;

/* ---- reading ---- */

typedef struct parser {
    sp_arena *arena;
    const char *p, *end;
    uint32_t repeat_max, depth;
    bool any_case;
    const char *why; /* the first thing wrong */
    bool nomem;
} parser;

static bool is_to_match(const parser *r)
{
    return r->repeat_max == SP_REGEX_NO_END;
}

static node *new_node(parser *r, sp_regex_kind kind)
{
    node *n = sp_arena_alloc(r->arena, 1, sizeof(*n));
    if (n)
        n->kind = kind;
    r->nomem = r->nomem || !n;
    return n;
}

static void *fail(parser *r, const char *why)
{
    r->why = r->why ? r->why : why;
    return NULL;
}

static uint32_t take_character(parser *r)
{
    unsigned char c = (unsigned char)*r->p++;
    if (c < 0x80)
        return c;
    uint32_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1, v = c & (0x3fu >> more);
    while (more-- > 0 && r->p < r->end)
        v = v << 6 | ((unsigned char)*r->p++ & 0x3f);
    return v;
}

static bool take(parser *r, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, text, len) != 0)
        return false;
    r->p += len;
    return true;
}

/* ---- classes ---- */

enum { RANGES_MAX = 256 };
typedef struct set {
    range ranges[RANGES_MAX];
    uint32_t n;
} set;

static void add_range(set *s, uint32_t low, uint32_t high)
{
    if (s->n < RANGES_MAX)
        s->ranges[s->n++] = (range){low, high};
}

static bool has(const set *s, uint32_t c)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (c >= s->ranges[i].low && c <= s->ranges[i].high)
            return true;
    return false;
}

static void sort_ranges(set *s)
{
    for (uint32_t i = 1; i < s->n; i++)
        for (uint32_t j = i; j > 0 && s->ranges[j].low < s->ranges[j - 1].low; j--) {
            range swapped = s->ranges[j];
            s->ranges[j] = s->ranges[j - 1];
            s->ranges[j - 1] = swapped;
        }
}

/* All characters that are not in the set. */
static void complement(set *s)
{
    set out = {.n = 0};
    uint32_t from = 0;
    sort_ranges(s);
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->ranges[i].low > from)
            add_range(&out, from, s->ranges[i].low - 1);
        from = SP_MAX(from, s->ranges[i].high + 1);
    }
    if (from <= LAST_CHARACTER)
        add_range(&out, from, LAST_CHARACTER);
    *s = out;
}

/* To make texts, what is not in the set is chosen among what can be printed, tab and the ends of lines. */
static void negate(const parser *r, set *s)
{
    set out = {.n = 0};
    if (is_to_match(r)) {
        complement(s);
        return;
    }
    for (uint32_t c = '\t'; c <= '~'; c++)
        if ((c >= ' ' || c == '\t' || c == '\n' || c == '\r') && !has(s, c))
            add_range(&out, c, c);
    *s = out;
}

/* Each character once, so that all are as likely. */
static node *class_node(parser *r, const set *s)
{
    set once = {.n = 0};
    uint32_t characters = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        range a = s->ranges[i];
        bool apart = true;
        for (uint32_t j = 0; j < i; j++)
            apart = apart && (a.high < s->ranges[j].low || a.low > s->ranges[j].high);
        if (apart || is_to_match(r))
            add_range(&once, a.low, a.high);
        for (uint32_t c = a.low; !apart && !is_to_match(r) && c <= a.high; c++)
            if (!has(&once, c))
                add_range(&once, c, c);
    }
    for (uint32_t i = 0; i < once.n; i++)
        characters += once.ranges[i].high - once.ranges[i].low + 1;
    node *n = new_node(r, SP_REGEX_CLASS);
    range *copy = sp_arena_alloc(r->arena, SP_MAX(once.n, 1u), sizeof(*copy));
    if (!characters)
        return fail(r, "a class has no characters");
    r->nomem = r->nomem || !copy;
    if (!n || !copy)
        return NULL;
    memcpy(copy, once.ranges, once.n * sizeof(*copy));
    n->ranges = copy;
    n->n_ranges = once.n;
    n->characters = characters;
    return n;
}

static bool add_perl_class(const parser *r, set *s, char name)
{
    set inner = {.n = 0};
    switch (name | 0x20) {
    case 'd': add_range(&inner, '0', '9'); break;
    case 'w':
        add_range(&inner, '0', '9');
        add_range(&inner, 'A', 'Z');
        add_range(&inner, 'a', 'z');
        add_range(&inner, '_', '_');
        break;
    case 's':
        add_range(&inner, '\t', '\n');
        add_range(&inner, '\f', '\r');
        add_range(&inner, ' ', ' ');
        break;
    default: return false;
    }
    if (name >= 'A' && name <= 'Z')
        negate(r, &inner);
    for (uint32_t i = 0; i < inner.n; i++)
        add_range(s, inner.ranges[i].low, inner.ranges[i].high);
    return true;
}

static bool add_posix_class(parser *r, set *s)
{
    static const struct {
        const char *name, *ranges; /* pairs of ends */
    } classes[] = {
        {"[:alnum:]", "09AZaz"},   {"[:alpha:]", "AZaz"},   {"[:ascii:]", "\x01\x7f"}, {"[:blank:]", "\t\t  "},
        {"[:digit:]", "09"},       {"[:graph:]", "!~"},     {"[:lower:]", "az"},       {"[:print:]", " ~"},
        {"[:punct:]", "!/:@[`{~"}, {"[:space:]", "\t\r  "}, {"[:upper:]", "AZ"},       {"[:word:]", "09AZaz__"},
        {"[:xdigit:]", "09AFaf"},
    };
    for (size_t i = 0; i < SP_COUNT(classes); i++)
        if (take(r, classes[i].name)) {
            for (const char *p = classes[i].ranges; *p; p += 2)
                add_range(s, (unsigned char)p[0], (unsigned char)p[1]);
            return true;
        }
    return false;
}

static const char hex[] = "0123456789abcdef";

static const char *hex_digit(char c)
{
    bool digit = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
    return digit ? strchr(hex, c >= 'A' ? c | 0x20 : c) : NULL;
}

/* The character that an escape stands for; the backslash has been taken. */
static uint32_t escaped(parser *r)
{
    static const char letters[] = "tnrfav", meant[] = "\t\n\r\f\a\v";
    const char *at;
    if (r->p == r->end) {
        fail(r, "it ends in a backslash");
        return 0;
    }
    if (*r->p == 'x') {
        uint32_t v = 0;
        r->p++;
        bool braces = take(r, "{");
        for (int i = 0; r->p < r->end && i < (braces ? 6 : 2) && (at = hex_digit(*r->p)); i++, r->p++)
            v = v * 16 + (uint32_t)(at - hex);
        if (braces && !take(r, "}"))
            fail(r, "\\x{ is not closed");
        return v;
    }
    if (*r->p && (at = strchr(letters, *r->p))) {
        r->p++;
        return (unsigned char)meant[at - letters];
    }
    if (((*r->p | 0x20) >= 'a' && (*r->p | 0x20) <= 'z') || (*r->p >= '0' && *r->p <= '9'))
        fail(r, "it has an escape that is not known here");
    return take_character(r);
}

/* Letters, large and small. */
static void fold(set *s)
{
    for (uint32_t i = 0, n = s->n; i < n; i++)
        for (uint32_t c = SP_MAX(s->ranges[i].low, (uint32_t)'A'); c <= SP_MIN(s->ranges[i].high, (uint32_t)'z'); c++)
            if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && !has(s, c ^ 0x20))
                add_range(s, c ^ 0x20, c ^ 0x20);
}

static node *read_class(parser *r)
{
    set s = {.n = 0};
    bool negated = take(r, "^"), first = true;
    for (; r->p < r->end && (first || *r->p != ']') && !r->why; first = false) {
        if (*r->p == '[' && add_posix_class(r, &s))
            continue;
        if (*r->p == '\\' && r->p + 1 < r->end && add_perl_class(r, &s, r->p[1])) {
            r->p += 2;
            continue;
        }
        uint32_t low = take(r, "\\") ? escaped(r) : take_character(r), high = low;
        if (r->p + 1 < r->end && r->p[0] == '-' && r->p[1] != ']') {
            r->p++;
            high = take(r, "\\") ? escaped(r) : take_character(r);
        }
        if (high < low)
            return fail(r, "a range in a class goes backwards");
        add_range(&s, low, high);
    }
    if (!take(r, "]"))
        return fail(r, "a [ is not closed");
    if (s.n == RANGES_MAX)
        return fail(r, "a class is too long");
    if (r->any_case && is_to_match(r))
        fold(&s);
    if (negated)
        negate(r, &s);
    return class_node(r, &s);
}

static node *character_node(parser *r, uint32_t c)
{
    set s = {.n = 0};
    add_range(&s, c, c);
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 0x80;
    if (r->any_case && letter)
        add_range(&s, c ^ 0x20, c ^ 0x20);
    return class_node(r, &s);
}

/* ---- the tree ---- */

static node *read_choice(parser *r);

/* What stands behind "(?": a name, flags, or a colon. */
static void skip_group_head(parser *r)
{
    bool named = take(r, "P<") || take(r, "<");
    for (; r->p < r->end && *r->p != ')'; r->p++) {
        if (named ? *r->p == '>' : *r->p == ':') {
            r->p++;
            return;
        }
        r->any_case = r->any_case || (!named && *r->p == 'i');
    }
}

static node *read_group(parser *r)
{
    bool any_case = r->any_case, only_flags = false;
    if (take(r, "?")) {
        skip_group_head(r);
        only_flags = r->p < r->end && *r->p == ')';
    }
    if (++r->depth > DEPTH_MAX)
        return fail(r, "its brackets are too deep");
    node *n = read_choice(r);
    r->depth--;
    if (!take(r, ")"))
        return fail(r, "a ( is not closed");
    if (!only_flags)
        r->any_case = any_case;
    return n;
}

/* Everything that is printed: letters, digits, punctuation, space and tab. To match: all but the end of a line. */
static node *any_character(parser *r)
{
    set s = {.n = 0};
    if (is_to_match(r)) {
        add_range(&s, '\n', '\n');
        complement(&s);
        return class_node(r, &s);
    }
    add_range(&s, ' ', '~');
    add_range(&s, '\t', '\t');
    return class_node(r, &s);
}

/* What has no characters: nothing at all to texts that are made. False: it is no such. */
static bool read_place(parser *r, node **n)
{
    static const struct {
        const char *sign;
        sp_regex_place place;
    } places[] = {{"^", SP_AT_START},   {"$", SP_AT_END},           {"\\b", SP_AT_WORD_EDGE}, {"\\B", SP_AT_NO_WORD_EDGE},
                  {"\\A", SP_AT_START}, {"\\z", SP_AT_END}};
    for (size_t i = 0; i < SP_COUNT(places); i++)
        if (take(r, places[i].sign)) {
            *n = new_node(r, is_to_match(r) ? SP_REGEX_PLACE : SP_REGEX_SEQUENCE);
            if (*n)
                (*n)->place = places[i].place;
            return true;
        }
    return false;
}

static node *read_atom(parser *r)
{
    set s = {.n = 0};
    node *n;
    if (take(r, "("))
        return read_group(r);
    if (take(r, "["))
        return read_class(r);
    if (take(r, "."))
        return any_character(r);
    if (read_place(r, &n))
        return n;
    if (*r->p == '*' || *r->p == '+' || *r->p == '?')
        return fail(r, "there is nothing to repeat");
    if (take(r, "\\")) {
        if (r->p < r->end && add_perl_class(r, &s, *r->p)) {
            r->p++;
            return class_node(r, &s);
        }
        return character_node(r, escaped(r));
    }
    return character_node(r, take_character(r));
}

/* {3}, {3,}, {3,5}. False: it is none, and stands for itself. */
static bool read_counts(parser *r, uint32_t *least, uint32_t *most)
{
    const char *p = r->p + 1;
    uint32_t v[2] = {0, 0};
    bool comma = false, digits = false;
    for (; p < r->end && *p != '}'; p++) {
        if (*p == ',' && !comma && digits)
            comma = true;
        else if (*p >= '0' && *p <= '9')
            v[comma] = SP_MIN(v[comma] * 10 + (uint32_t)(*p - '0'), 100000u);
        else
            return false;
        digits = true;
    }
    if (p == r->end || !digits)
        return false;
    bool open = comma && p[-1] == ',';
    *least = v[0];
    *most = open && is_to_match(r) ? SP_REGEX_NO_END : open || !comma ? v[0] : v[1];
    r->p = p + 1;
    if (*most < *least || *least > 1000 || (*most > 1000 && *most != SP_REGEX_NO_END))
        fail(r, "a repetition is above 1000, or goes backwards");
    return true;
}

static node *read_repeated(parser *r)
{
    node *n = read_atom(r);
    while (n && r->p < r->end && !r->why) {
        uint32_t least = 0, most = r->repeat_max;
        if (take(r, "+"))
            least = 1;
        else if (take(r, "?"))
            most = 1;
        else if (!take(r, "*") && !(*r->p == '{' && read_counts(r, &least, &most)))
            break;
        take(r, "?"); /* as few as possible: the same here */
        node *repeat = new_node(r, SP_REGEX_REPEAT);
        if (!repeat)
            return NULL;
        repeat->first = n;
        repeat->least = least;
        repeat->most = most;
        n = repeat;
    }
    return n;
}

static node *read_sequence(parser *r)
{
    node *n = new_node(r, SP_REGEX_SEQUENCE), **end = n ? &n->first : NULL;
    while (end && r->p < r->end && *r->p != '|' && *r->p != ')' && !r->why) {
        *end = read_repeated(r);
        end = *end ? &(*end)->next : NULL;
    }
    return end ? n : NULL;
}

static node *read_choice(parser *r)
{
    node *n = new_node(r, SP_REGEX_CHOICE), **end = n ? &n->first : NULL;
    do {
        if (!end || !(*end = read_sequence(r)))
            return NULL;
        end = &(*end)->next;
        n->n++;
    } while (take(r, "|"));
    return n;
}

/* The longest text of a node, in bytes. */
static uint64_t text_max(const node *n)
{
    uint64_t most = 0, sum = 0;
    for (const node *child = n->first; child; child = child->next) {
        uint64_t len = text_max(child);
        most = SP_MAX(most, len);
        sum += len;
    }
    for (uint32_t i = 0; i < n->n_ranges; i++) {
        uint32_t c = n->ranges[i].high;
        most = SP_MAX(most, (uint64_t)(c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4));
    }
    if (n->kind == SP_REGEX_REPEAT)
        most *= n->most;
    return SP_MIN(n->kind == SP_REGEX_SEQUENCE ? sum : most, (uint64_t)UINT32_MAX);
}

/* ---- writing ---- */

char *sp_regex_put_character(char *p, uint32_t c)
{
    if (c < 0x80) {
        *p++ = (char)c;
        return p;
    }
    uint32_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *p++ = (char)((0xff00u >> (more + 1) & 0xff) | c >> (6 * more));
    while (more-- > 0)
        *p++ = (char)(0x80 | (c >> (6 * more) & 0x3f));
    return p;
}

static uint64_t next_below(uint64_t *z, uint64_t n)
{
    if (n <= 1)
        return 0;
    *z = sp_draw_next(*z);
    return sp_bounded(*z, n);
}

static char *put_class(const node *n, uint64_t *z, char *p)
{
    uint64_t i = next_below(z, n->characters);
    const range *a = n->ranges;
    for (; i > a->high - a->low; a++)
        i -= a->high - a->low + 1;
    return sp_regex_put_character(p, a->low + (uint32_t)i);
}

static char *put(const node *n, uint64_t *z, char *p)
{
    const node *child = n->first;
    uint64_t times;
    switch (n->kind) {
    case SP_REGEX_CLASS: return put_class(n, z, p);
    case SP_REGEX_REPEAT:
        times = n->least + next_below(z, (uint64_t)n->most - n->least + 1);
        while (times-- > 0)
            p = put(child, z, p);
        return p;
    case SP_REGEX_CHOICE:
        for (uint64_t skip = next_below(z, n->n); skip > 0; skip--)
            child = child->next;
        return put(child, z, p);
    case SP_REGEX_SEQUENCE:
        for (; child; child = child->next)
            p = put(child, z, p);
        return p;
    case SP_REGEX_PLACE: break;
    }
    return p;
}

static char *pattern_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint64_t z = sp_draw(cell->key, row);
    return put(((const pattern_cell *)cell)->root, &z, p);
}

static char *pattern_apart_one(const sp_cell *cell, sp_lot *lot, char *p)
{
    return sp_language_put(((const pattern_cell *)cell)->language, cell->key, lot, p);
}

static int pattern_apart(const sp_cell *cell, const sp_apart *a, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    return sp_cell_apart_text(cell, a, out, pattern_apart_one);
}

static const sp_cell_ops pattern_ops = {sp_cell_fill_text, pattern_text};
static const sp_cell_ops pattern_apart_ops = {sp_cell_fill_text, pattern_text, pattern_apart};

/* Counting takes some time, so it is done where it is asked for. False: no memory, or a mistake was noted. */
static bool count_texts(const sp_build *b, pattern_cell *c)
{
    const char *why = NULL;
    c->language = sp_language_new(b->arena, c->root, &why);
    if (why)
        sp_mistake(b->mistakes, b->column->mode_mark, b->column->text, "cannot be unique: %s", why);
    if (!c->language)
        return false;
    c->cell.ops = &pattern_apart_ops;
    c->cell.domain = sp_language_words(c->language);
    return true;
}

sp_regex *sp_regex_read(sp_arena *arena, sp_str text, uint32_t repeat_max, const char **why)
{
    parser r = {.arena = arena, .p = text.p, .end = text.p + text.len, .repeat_max = repeat_max};
    node *root = read_choice(&r);
    if (root && r.p < r.end && !r.why)
        r.why = "a ) closes nothing";
    *why = r.why;
    return r.why ? NULL : root;
}

sp_cell *sp_pattern_cell(const sp_build *b)
{
    const sp_plan_column *col = b->column;
    const char *why = NULL;
    pattern_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    node *root = c ? sp_regex_read(b->arena, col->text, (uint32_t)col->max_i, &why) : NULL;
    if (root && text_max(root) > SP_CELL_TEXT_MAX)
        why = "its texts can get too long";
    if (why)
        sp_mistake(b->mistakes, col->mode_mark, col->text, "is no regular expression that can be made: %s", why);
    if (!root || why)
        return NULL;
    uint32_t most = (uint32_t)text_max(root);
    c->cell = (sp_cell){.ops = &pattern_ops,
                        .key = b->key,
                        .type = {.kind = SP_TEXT},
                        .text_max = most,
                        .bounds = {.text_max = SP_MAX(most, 1u)}};
    c->root = root;
    return !col->unique || count_texts(b, c) ? &c->cell : NULL;
}
