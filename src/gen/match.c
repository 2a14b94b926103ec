/* match.c - has a text a part that a regular expression matches?
 *
 * The tree becomes steps: a character of a class, a fork, a place. A text is gone through once, character by character, with the set of
 * steps that its parts so far lead to, so the time is the text's length times the expression's whatever stands in either. The set is
 * on the stack; nothing is allocated for a text. */
#include "gen/regex.h"

enum { STEPS_MAX = 2000, REGEX_MAX = 4000 };

typedef enum kind { CHARACTER, FORK, PLACE, FOUND } kind;
typedef struct step {
    kind kind;
    uint16_t next, other; /* FORK: both are gone */
    sp_regex_place place;
    uint64_t ascii[2]; /* CHARACTER: which of the first 128 */
    const sp_regex *class;
} step;

struct sp_matcher {
    step *steps;
    uint16_t n, first;
    bool at_start;      /* parts begin where the text does */
    bool anywhere;      /* it is not known which characters parts begin with; else: */
    uint64_t begins[2]; /* those of the first 128; all others may, too */
};

/* ---- steps of a tree, made from its end ---- */

/* Puts a step there; its number, or 0 where there are too many. The first one is FOUND. */
static uint16_t add(sp_matcher *m, step s)
{
    if (m->n == STEPS_MAX || !m->n)
        return m->n = 0;
    m->steps[m->n] = s;
    return m->n++;
}

static uint16_t add_class(sp_matcher *m, const sp_regex *r, uint16_t next)
{
    step s = {.kind = CHARACTER, .next = next, .class = r};
    for (uint32_t i = 0; i < r->n_ranges; i++)
        for (uint32_t c = r->ranges[i].low; c <= SP_MIN(r->ranges[i].high, 127u); c++)
            s.ascii[c >> 6] |= UINT64_C(1) << (c & 63);
    return add(m, s);
}

static uint16_t build(sp_matcher *m, const sp_regex *r, uint16_t next);

static uint16_t build_repeat(sp_matcher *m, const sp_regex *r, uint16_t next)
{
    if (r->most == SP_REGEX_NO_END) { /* round and round */
        uint16_t fork = add(m, (step){.kind = FORK, .other = next}), body = build(m, r->first, fork);
        m->steps[fork].next = body;
        next = fork;
    }
    for (uint32_t i = r->least; m->n && r->most != SP_REGEX_NO_END && i < r->most; i++)
        next = add(m, (step){.kind = FORK, .next = build(m, r->first, next), .other = next});
    for (uint32_t i = 0; m->n && i < r->least; i++)
        next = build(m, r->first, next);
    return next;
}

static uint16_t build_sequence(sp_matcher *m, const sp_regex *child, uint16_t next)
{
    return child ? build(m, child, build_sequence(m, child->next, next)) : next;
}

static uint16_t build_choice(sp_matcher *m, const sp_regex *child, uint16_t next)
{
    uint16_t one = build(m, child, next);
    return child->next ? add(m, (step){.kind = FORK, .next = one, .other = build_choice(m, child->next, next)}) : one;
}

static uint16_t build(sp_matcher *m, const sp_regex *r, uint16_t next)
{
    switch (r->kind) {
    case SP_REGEX_CLASS: return add_class(m, r, next);
    case SP_REGEX_PLACE: return add(m, (step){.kind = PLACE, .next = next, .place = r->place});
    case SP_REGEX_SEQUENCE: return build_sequence(m, r->first, next);
    case SP_REGEX_CHOICE: return build_choice(m, r->first, next);
    case SP_REGEX_REPEAT: break;
    }
    return build_repeat(m, r, next);
}

/* What parts begin with: the characters of the steps that are reached without one. depth: forks still followed. */
static void take_begin(sp_matcher *m, uint16_t i, unsigned depth)
{
    const step *it = &m->steps[i];
    if (it->kind == CHARACTER) {
        m->begins[0] |= it->ascii[0];
        m->begins[1] |= it->ascii[1];
    } else if (it->kind != FORK || !depth) {
        m->anywhere = true;
    } else {
        take_begin(m, it->next, depth - 1);
        take_begin(m, it->other, depth - 1);
    }
}

sp_matcher *sp_matcher_new(sp_arena *arena, sp_str regex, const char **why)
{
    sp_matcher *m = sp_arena_alloc(arena, 1, sizeof(*m));
    step *steps = sp_arena_alloc(arena, STEPS_MAX, sizeof(*steps));
    if (regex.len > REGEX_MAX) {
        *why = "it is too long";
        return NULL;
    }
    const sp_regex *root = m && steps ? sp_regex_read(arena, regex, SP_REGEX_NO_END, why) : NULL;
    if (!root)
        return NULL;
    steps[0] = (step){.kind = FOUND};
    *m = (sp_matcher){.steps = steps, .n = 1};
    m->first = build(m, root, 0);
    m->at_start = m->steps[m->first].kind == PLACE && m->steps[m->first].place == SP_AT_START;
    take_begin(m, m->first, 8);
    if (!m->n)
        *why = "it is too long, with what it repeats";
    return m->n ? m : NULL;
}

/* ---- texts ---- */

typedef struct set {
    uint16_t steps[STEPS_MAX];
    uint32_t n;
} set;

typedef struct search {
    const sp_matcher *m;
    sp_str text;
    size_t at;
    set sets[2];
    uint32_t seen[STEPS_MAX]; /* the round in which a step was put in */
    uint32_t round;
} search;

static bool is_word(sp_str text, size_t at)
{
    unsigned char c = at < text.len ? (unsigned char)text.p[at] : 0;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_at(const search *s, sp_regex_place place)
{
    bool edge = is_word(s->text, s->at) != (s->at > 0 && is_word(s->text, s->at - 1));
    switch (place) {
    case SP_AT_START: return s->at == 0;
    case SP_AT_END: return s->at == s->text.len;
    case SP_AT_WORD_EDGE: return edge;
    case SP_AT_NO_WORD_EDGE: break;
    }
    return !edge;
}

/* Puts a step into the set, or those that it leads to without a character. True: the end is among them. */
static bool put(search *s, set *to, uint16_t first)
{
    uint16_t open[STEPS_MAX + 1];
    uint32_t n = 0;
    open[n++] = first;
    while (n > 0) {
        uint16_t i = open[--n];
        const step *it = &s->m->steps[i];
        if (s->seen[i] == s->round)
            continue;
        s->seen[i] = s->round;
        if (it->kind == FOUND)
            return true;
        if (it->kind == CHARACTER)
            to->steps[to->n++] = i;
        else if (it->kind == FORK || is_at(s, it->place))
            open[n++] = it->next;
        if (it->kind == FORK && s->seen[it->other] != s->round)
            open[n++] = it->other;
    }
    return false;
}

/* The character at the place, and how long it is; a byte that is none stands for itself. */
static uint32_t character_at(sp_str text, size_t at, size_t *len)
{
    unsigned char c = (unsigned char)text.p[at];
    *len = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (at + *len > text.len)
        *len = 1;
    if (*len == 1)
        return c;
    uint32_t v = c & (0x7fu >> *len);
    for (size_t i = 1; i < *len; i++)
        v = v << 6 | ((unsigned char)text.p[at + i] & 0x3f);
    return v;
}

static bool is_of(const step *it, uint32_t c)
{
    if (c < 128)
        return it->ascii[c >> 6] >> (c & 63) & 1;
    for (uint32_t i = 0; i < it->class->n_ranges; i++)
        if (c >= it->class->ranges[i].low && c <= it->class->ranges[i].high)
            return true;
    return false;
}

/* May a part begin here? */
static bool may_begin(const search *s)
{
    unsigned char c = s->at < s->text.len ? (unsigned char)s->text.p[s->at] : 0x80;
    return s->m->anywhere || c >= 0x80 || (s->m->begins[c >> 6] >> (c & 63) & 1);
}

bool sp_matcher_finds(const sp_matcher *m, sp_str text)
{
    search s;
    set *now = &s.sets[0], *then = &s.sets[1];
    s.m = m;
    s.text = text;
    s.at = 0;
    s.round = 1;
    memset(s.seen, 0, m->n * sizeof(*s.seen));
    now->n = 0;
    if (put(&s, now, m->first))
        return true;
    while (s.at < text.len && (now->n || !m->at_start)) {
        size_t len;
        uint32_t c = character_at(text, s.at, &len);
        s.at += len;
        s.round++;
        then->n = 0;
        for (uint32_t i = 0; i < now->n; i++)
            if (is_of(&m->steps[now->steps[i]], c) && put(&s, then, m->steps[now->steps[i]].next))
                return true;
        if (!m->at_start && may_begin(&s) && put(&s, then, m->first))
            return true;
        set *swapped = now;
        now = then;
        then = swapped;
    }
    return false;
}
