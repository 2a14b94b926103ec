/* language.c - the texts of a regular expression, each of them once. An expression can make the same text in several
 * ways: (a|ab)(c|bc) makes abc twice. So it becomes steps (one character each, or a fork), and these, set by set of
 * those that can be reached with the same characters, become states: from a state, a character leads to one other
 * state only. Repetitions end, so there are no circles, and how many texts go on from a state is a sum over where
 * its characters lead.
 *
 * The texts asked for are shared out at each state, between ending there and its ways on, by their shapes: texts
 * that differ only in which character of a class they have are of one shape. None gets more than it has. So all
 * lengths are there, as they are where texts may repeat, until the short ones are used up. Where there are too many
 * states to count, as of .+@.+, each repetition is given one number of times. */
#include "gen/regex.h"

#include <stdlib.h>

enum {
    END = 0, /* the step behind the last */
    NONE = UINT32_MAX,
    STEPS_MAX = 1 << 17,
    STATES_MAX = 1 << 16,
    MEMBERS_MAX = 1 << 24, /* of all states together */
    FIXED_TIMES = 8,       /* where that is allowed: a text of eight characters that can be printed has 2^52 others */
};
#define WORK_MAX (UINT64_C(1) << 26)

typedef struct step {
    const sp_regex *class; /* NULL: a fork, to next and to other */
    uint32_t next, other;
} step;

typedef struct state {
    uint32_t first_way, n_ways;
    uint64_t words;
    double shapes;
} state;

/* A way on from a state, or its end. */
typedef struct way {
    uint32_t to; /* NONE: the text ends */
    uint32_t characters, first_range, n_ranges;
    uint64_t words, rest; /* of this one, and of those behind it */
    double part;          /* its shapes, of those of the ways from here on */
} way;

struct sp_language {
    const state *states; /* the first is where texts begin */
    const way *ways;
    const sp_regex_range *ranges;
};

/* ---- lists that grow -------------------------------------------------------------------------------------------- */

typedef struct list {
    void *items;
    size_t n, room;
} list;

/* Room for n items more; NULL: no memory. */
static void *more(list *l, size_t n, size_t width)
{
    if (l->n + n > l->room) {
        size_t room = SP_MAX(l->room * 2, l->n + n + 64);
        void *items = sp_realloc(l->items, room * width);
        if (!items)
            return NULL;
        l->items = items;
        l->room = room;
    }
    l->n += n;
    return (char *)l->items + (l->n - n) * width;
}

/* The steps that a state stands for: members from..from + n. */
typedef struct span {
    uint32_t from, n;
} span;

typedef struct piece { /* characters that lead to one state */
    uint32_t to;
    sp_regex_range range;
} piece;

typedef struct maker {
    list steps, spans, members, states, ways, ranges;
    list marks, pieces;      /* of the state that is looked at */
    uint32_t *table, places; /* of states, by what they stand for; 0: free, else the state and 1 */
    uint32_t *seen, *stack;  /* of steps: the last time they were reached */
    uint32_t time;
    uint64_t work;
    bool fixed; /* each repetition has one number of times */
    bool hard, nomem;
} maker;

static const step *steps_of(const maker *m)
{
    return m->steps.items;
}

/* ---- steps, the last first -------------------------------------------------------------------------------------- */

static uint32_t add_step(maker *m, step s)
{
    m->hard = m->hard || m->steps.n >= STEPS_MAX;
    step *to = m->hard ? NULL : more(&m->steps, 1, sizeof(s));
    m->nomem = m->nomem || (!to && !m->hard);
    if (!to)
        return END;
    *to = s;
    return (uint32_t)m->steps.n - 1;
}

static uint32_t build(maker *m, const sp_regex *r, uint32_t next);

static uint32_t build_sequence(maker *m, const sp_regex *r, uint32_t next)
{
    list children = {0};
    for (const sp_regex *child = r->first; child; child = child->next) {
        const sp_regex **to = more(&children, 1, sizeof(*to));
        m->nomem = m->nomem || !to;
        if (to)
            *to = child;
    }
    for (size_t i = m->nomem ? 0 : children.n; i-- > 0;)
        next = build(m, ((const sp_regex **)children.items)[i], next);
    sp_free(children.items);
    return next;
}

static uint32_t build_repeat(maker *m, const sp_regex *r, uint32_t next)
{
    uint32_t at = next, most = m->fixed ? SP_MIN(r->most, SP_MAX(r->least, FIXED_TIMES)) : r->most;
    for (uint32_t i = most; i-- > 0 && !m->hard && !m->nomem;) {
        at = build(m, r->first, at);
        if (i >= r->least && !m->fixed)
            at = add_step(m, (step){.next = at, .other = next});
    }
    return at;
}

static uint32_t build_choice(maker *m, const sp_regex *r, uint32_t next)
{
    uint32_t at = build(m, r->first, next);
    for (const sp_regex *child = r->first->next; child; child = child->next) {
        uint32_t other = build(m, child, next);
        at = add_step(m, (step){.next = at, .other = other});
    }
    return at;
}

/* The step where r begins, if next is what comes behind it. A step's number is above those that it leads to. */
static uint32_t build(maker *m, const sp_regex *r, uint32_t next)
{
    m->hard = m->hard || ++m->work > WORK_MAX; /* a repetition of nothing makes no steps */
    if (m->hard || m->nomem)
        return END;
    switch (r->kind) {
    case SP_REGEX_CLASS: return add_step(m, (step){.class = r, .next = next});
    case SP_REGEX_REPEAT: return build_repeat(m, r, next);
    case SP_REGEX_SEQUENCE: return build_sequence(m, r, next);
    case SP_REGEX_PLACE: return next;
    case SP_REGEX_CHOICE: return build_choice(m, r, next);
    }
    return END;
}

/* ---- states ----------------------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Adds the steps that take a character, and the end, that are reached from at by forks. */
static void reach(maker *m, uint32_t at)
{
    uint32_t n = 0;
    m->stack[n++] = at;
    while (n > 0) {
        at = m->stack[--n];
        if (m->seen[at] == m->time)
            continue;
        m->seen[at] = m->time;
        const step *s = &steps_of(m)[at];
        if (at != END && !s->class) {
            m->stack[n++] = s->next;
            m->stack[n++] = s->other;
            continue;
        }
        uint32_t *to = more(&m->members, 1, sizeof(*to));
        m->nomem = m->nomem || !to;
        if (to)
            *to = at;
    }
}

static bool grow_table(maker *m)
{
    uint32_t places = m->places ? m->places * 4 : 1024;
    uint32_t *table = sp_alloc_zero(places, sizeof(*table));
    if (!table)
        return false;
    const span *spans = m->spans.items;
    for (uint32_t i = 0; i < m->spans.n; i++) {
        const uint32_t *members = (const uint32_t *)m->members.items + spans[i].from;
        uint32_t at = (uint32_t)sp_hash64(members, spans[i].n * sizeof(*members), 0) & (places - 1);
        while (table[at])
            at = (at + 1) & (places - 1);
        table[at] = i + 1;
    }
    sp_free(m->table);
    m->table = table;
    m->places = places;
    return true;
}

/* The state of the members from there to the end; if it is there already they are taken back. */
static uint32_t state_of(maker *m, uint32_t from)
{
    span s = {from, (uint32_t)m->members.n - from};
    uint32_t *members = (uint32_t *)m->members.items + from;
    qsort(members, s.n, sizeof(*members), by_number);
    if (m->spans.n * 2 >= m->places && !grow_table(m))
        m->nomem = true;
    if (m->nomem)
        return 0;
    uint32_t at = (uint32_t)sp_hash64(members, s.n * sizeof(*members), 0) & (m->places - 1);
    for (; m->table[at]; at = (at + 1) & (m->places - 1)) {
        const span *other = (const span *)m->spans.items + m->table[at] - 1;
        if (other->n != s.n || memcmp((uint32_t *)m->members.items + other->from, members, s.n * sizeof(*members)))
            continue;
        m->members.n = from;
        return m->table[at] - 1;
    }
    span *to = more(&m->spans, 1, sizeof(*to));
    m->nomem = m->nomem || !to;
    m->hard = m->hard || m->spans.n > STATES_MAX || m->members.n > MEMBERS_MAX;
    if (!to)
        return 0;
    *to = s;
    m->table[at] = (uint32_t)m->spans.n;
    return (uint32_t)m->spans.n - 1;
}

static bool has(const sp_regex *class, uint32_t c)
{
    for (uint32_t i = 0; i < class->n_ranges; i++)
        if (c >= class->ranges[i].low && c <= class->ranges[i].high)
            return true;
    return false;
}

/* Where the characters of a state's classes begin to be others, in order and once. */
static void mark_changes(maker *m, span s)
{
    m->marks.n = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        const sp_regex *class = steps_of(m)[((uint32_t *)m->members.items)[s.from + i]].class;
        uint32_t *to = class ? more(&m->marks, (size_t) class->n_ranges * 2, sizeof(*to)) : NULL;
        m->nomem = m->nomem || (class && !to);
        for (uint32_t k = 0; to && k < class->n_ranges; k++) {
            *to++ = class->ranges[k].low;
            *to++ = class->ranges[k].high + 1;
        }
    }
    uint32_t *marks = m->marks.items;
    size_t once = 0;
    if (m->marks.n)
        qsort(marks, m->marks.n, sizeof(*marks), by_number);
    for (size_t i = 0; i < m->marks.n; i++)
        if (once == 0 || marks[once - 1] != marks[i])
            marks[once++] = marks[i];
    m->marks.n = once;
}

/* The characters from there to the next mark: they lead to the steps behind those members that take them. */
static void follow(maker *m, span s, sp_regex_range range)
{
    uint32_t from = (uint32_t)m->members.n;
    m->time++;
    for (uint32_t i = 0; i < s.n && !m->nomem; i++) {
        const step *at = &steps_of(m)[((uint32_t *)m->members.items)[s.from + i]];
        m->work += at->class ? at->class->n_ranges : 1;
        if (at->class && has(at->class, range.low))
            reach(m, at->next);
    }
    m->hard = m->hard || m->work > WORK_MAX;
    if (m->members.n == from || m->nomem)
        return;
    piece found = {state_of(m, from), range}, *to = more(&m->pieces, 1, sizeof(*to));
    m->nomem = m->nomem || !to;
    if (to)
        *to = found;
}

static int by_target(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return (x->range.low > y->range.low) - (x->range.low < y->range.low);
}

static void add_way(maker *m, way w)
{
    way *to = more(&m->ways, 1, sizeof(*to));
    m->nomem = m->nomem || !to;
    if (to)
        *to = w;
}

/* The pieces of a state as its ways: those that lead to one state are one. */
static void add_ways(maker *m)
{
    const piece *pieces = m->pieces.items;
    if (m->pieces.n)
        qsort(m->pieces.items, m->pieces.n, sizeof(*pieces), by_target);
    for (size_t i = 0, end; i < m->pieces.n && !m->nomem; i = end) {
        way w = {.to = pieces[i].to, .first_range = (uint32_t)m->ranges.n};
        for (end = i; end < m->pieces.n && pieces[end].to == w.to && !m->nomem; end++) {
            sp_regex_range *to = more(&m->ranges, 1, sizeof(*to));
            m->nomem = m->nomem || !to;
            if (to)
                *to = pieces[end].range;
            w.characters += pieces[end].range.high - pieces[end].range.low + 1;
            w.n_ranges++;
        }
        add_way(m, w);
    }
}

static void look_at(maker *m, uint32_t number)
{
    span s = ((const span *)m->spans.items)[number];
    state *to = more(&m->states, 1, sizeof(*to));
    m->nomem = m->nomem || !to;
    if (!to)
        return;
    *to = (state){.first_way = (uint32_t)m->ways.n};
    if (((uint32_t *)m->members.items)[s.from] == END)
        add_way(m, (way){.to = NONE});
    m->pieces.n = 0;
    mark_changes(m, s);
    for (size_t i = 0; i + 1 < m->marks.n && !m->nomem && !m->hard; i++) {
        const uint32_t *marks = m->marks.items;
        follow(m, s, (sp_regex_range){marks[i], marks[i + 1] - 1});
    }
    add_ways(m);
    to->n_ways = (uint32_t)m->ways.n - to->first_way;
}

/* ---- counting --------------------------------------------------------------------------------------------------- */

/* From the last way to the first, since each knows of those behind it. What they lead to has been counted. */
static void count_state(maker *m, state *s)
{
    const state *states = m->states.items;
    for (uint32_t i = s->n_ways; i-- > 0;) {
        way *w = (way *)m->ways.items + s->first_way + i;
        const state *to = w->to == NONE ? NULL : &states[w->to];
        double shapes = to ? to->shapes : 1;
        w->words = to ? sp_count_times(w->characters, to->words) : 1;
        w->rest = s->words;
        s->words = sp_count_plus(s->words, w->words);
        s->shapes += shapes;
        w->part = shapes / s->shapes;
    }
}

typedef struct rank {
    uint32_t highest, state;
} rank;

static int by_highest(const void *a, const void *b)
{
    const rank *x = a, *y = b;
    return (x->highest > y->highest) - (x->highest < y->highest);
}

/* A state's highest step is above those of the states it leads to. */
static void count_states(maker *m)
{
    const span *spans = m->spans.items;
    rank *ranks = sp_alloc(m->spans.n * sizeof(*ranks));
    m->nomem = m->nomem || !ranks;
    for (uint32_t i = 0; ranks && i < m->spans.n; i++)
        ranks[i] = (rank){((uint32_t *)m->members.items)[spans[i].from + spans[i].n - 1], i};
    if (ranks)
        qsort(ranks, m->spans.n, sizeof(*ranks), by_highest);
    for (uint32_t i = 0; ranks && i < m->spans.n; i++)
        count_state(m, (state *)m->states.items + ranks[i].state);
    sp_free(ranks);
}

static void *kept(sp_arena *arena, const list *l, size_t width)
{
    void *copy = sp_arena_alloc(arena, SP_MAX(l->n, (size_t)1), width);
    if (copy && l->n)
        memcpy(copy, l->items, l->n * width);
    return copy;
}

static void make_states(maker *m, uint32_t begin)
{
    m->seen = sp_alloc_zero(m->steps.n, sizeof(*m->seen));
    m->stack =
        sp_alloc((m->steps.n + 1) * 2 * sizeof(*m->stack)); /* a step is put there by each fork that leads to it */
    m->nomem = m->nomem || !m->seen || !m->stack;
    m->time = 1;
    if (!m->nomem)
        reach(m, begin);
    if (!m->nomem)
        state_of(m, 0);
    for (uint32_t i = 0; i < m->spans.n && !m->nomem && !m->hard; i++)
        look_at(m, i);
}

static void maker_done(maker *m)
{
    list *lists[] = {&m->steps, &m->spans, &m->members, &m->states, &m->ways, &m->ranges, &m->marks, &m->pieces};
    for (size_t i = 0; i < SP_COUNT(lists); i++)
        sp_free(lists[i]->items);
    sp_free(m->table);
    sp_free(m->seen);
    sp_free(m->stack);
}

/* NULL: no memory, or *hard. */
static sp_language *count_texts(sp_arena *arena, const sp_regex *root, bool fixed, bool *hard)
{
    maker m = {.fixed = fixed};
    add_step(&m, (step){0});
    uint32_t begin = build(&m, root, END);
    if (!m.nomem && !m.hard)
        make_states(&m, begin);
    if (!m.nomem && !m.hard)
        count_states(&m);
    sp_language *l = m.nomem || m.hard ? NULL : sp_arena_alloc(arena, 1, sizeof(*l));
    if (l) {
        l->states = kept(arena, &m.states, sizeof(state));
        l->ways = kept(arena, &m.ways, sizeof(way));
        l->ranges = kept(arena, &m.ranges, sizeof(sp_regex_range));
    }
    *hard = m.hard && !m.nomem;
    maker_done(&m);
    return l && l->states && l->ways && l->ranges ? l : NULL;
}

sp_language *sp_language_new(sp_arena *arena, const sp_regex *root, const char **why)
{
    bool hard;
    sp_language *l = count_texts(arena, root, false, &hard);
    if (hard)
        l = count_texts(arena, root, true, &hard);
    *why = hard ? "it can make one text in too many ways" : NULL;
    return l;
}

uint64_t sp_language_words(const sp_language *l)
{
    return l->states->words;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* How many of those left go this way. even: in [0, 1), the same for all that come here. */
static uint64_t share_of(const way *w, uint64_t left, double even)
{
    double wish = (double)left * w->part + even;
    uint64_t share = wish >= (double)w->words ? w->words : (uint64_t)wish;
    share = SP_MIN(share, SP_MIN(w->words, left));
    return left - share > w->rest ? left - w->rest : share;
}

static const way *shared_way(const way *w, sp_lot *lot, double even)
{
    for (;; w++) {
        uint64_t share = share_of(w, lot->of, even);
        if (lot->number < share) {
            lot->of = share;
            return w;
        }
        lot->number -= share;
        lot->of -= share;
    }
}

static const way *drawn_way(const way *w, sp_lot *lot)
{
    for (; w->rest; w++) {
        lot->z = sp_draw_next(lot->z);
        if (sp_unit(lot->z) < w->part)
            break;
    }
    return w;
}

char *sp_language_put(const sp_language *l, uint64_t key, sp_lot *lot, char *p)
{
    const state *at = l->states;
    uint64_t path = key; /* what was chosen so far */
    for (;;) {
        const way *ways = l->ways + at->first_way;
        const way *w = lot->of > 1 ? shared_way(ways, lot, sp_unit(path)) : drawn_way(ways, lot);
        if (w->to == NONE)
            return p;
        uint64_t i = sp_lot_even(lot, w->characters);
        path = sp_draw_next(path ^ (i << 20 | (uint64_t)(w - ways)));
        const sp_regex_range *a = l->ranges + w->first_range;
        for (; i > a->high - a->low; a++)
            i -= a->high - a->low + 1;
        p = sp_regex_put_character(p, a->low + (uint32_t)i);
        at = l->states + w->to;
    }
}
