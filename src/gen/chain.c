/* chain.c - text made of words one behind the other.
 *
 * Words stand in slots of one size, 16, 32 or 64 bytes, with their length in the last byte (tools/words.mjs): a word is one
 * multiplication to choose it, one wide copy and one look at its length, from one cache line. Fixed text around the words of a
 * short list is copied into slots of the chain's own; elsewhere it becomes a list of one word. The draws that the links share
 * are made for a block of rows at a time. */
#include "gen/chain.h"

enum {
    SLOT_TEXT_MAX = 63,
    JOINED_MAX = 16 << 10, /* bytes of a list copied for the text around it: half of an L1 cache */
    DRAWS_MAX = 8,         /* different draws in a chain */
    BLOCK_ROWS = 64,
};

typedef struct link {
    uint64_t behind;
    uint64_t reach; /* the size of all slots: scaled to it, a draw chooses a slot and a place in it */
    uint64_t stride;
    const char *slots;
    uint32_t draw;
} link;

struct sp_chain {
    uint64_t keys[DRAWS_MAX];
    uint32_t n_draws, n;
    uint32_t stride; /* of the longest slot */
    bool even;       /* all slots have this stride */
    link links[];
};

/* ---- writing -------------------------------------------------------------------------------- */

static inline const char *slot_of(const link *l, uint64_t draw, uint64_t stride)
{
    return l->slots + (sp_mulhi(draw * l->behind, l->reach) & -stride);
}

char *sp_chain_put(const sp_chain *c, uint64_t row, char *p)
{
    uint64_t draw = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        const link *l = &c->links[i];
        if (i == 0 || l->draw != l[-1].draw)
            draw = sp_draw(c->keys[l->draw], row);
        const char *slot = slot_of(l, draw, l->stride);
        memcpy(p, slot, SLOT_TEXT_MAX + 1);
        p += (uint8_t)slot[l->stride - 1];
    }
    return p;
}

typedef struct draws {
    uint64_t of[DRAWS_MAX][BLOCK_ROWS];
} draws;

#define INLINE __attribute__((always_inline)) static inline
#define UNROLL _Pragma("GCC unroll 4")

/* Each filling stands here twice: for any processor, where a copy of 32 bytes is two of 16, and for one that copies them at once. */
#if defined(__x86_64__)
#define WIDE    __attribute__((target("avx2,bmi2"))) static
#define IS_WIDE (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
#else
#define WIDE    static
#define IS_WIDE false
#endif

typedef char text_16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef char text_32 __attribute__((vector_size(32), aligned(1), may_alias));

typedef struct cursor {
    const draws *d;
    char *p, *base;
    int32_t *ends; /* of the block's rows */
} cursor;

/* Words of n links for each of some rows, at most four in all. Slots have stride bytes, and there is one draw; or each link has its
 * own of both, when stride is 0. All words are read before any is written: where one is written depends on the lengths of those
 * before it, and a processor holds reads back that come behind writes to places not known yet. */
INLINE void put_words(cursor *c, const link *l, uint32_t n, uint32_t row, uint32_t rows, uint64_t stride, uint32_t wide)
{
    text_16 narrow[4];
    text_32 text[4][2];
    uint64_t len[4];
    UNROLL for (uint32_t k = 0; k < n * rows; k++)
    {
        const link *from = &l[k % n];
        uint64_t size = stride ? stride : from->stride, draw = c->d->of[stride ? 0 : from->draw][row + k / n];
        const char *slot = slot_of(from, draw, size);
        if (wide == 16)
            narrow[k] = *(const text_16 *)slot;
        UNROLL for (uint32_t i = 0; i < wide / 32; i++) text[k][i] = *(const text_32 *)(slot + 32 * i);
        len[k] = (uint8_t)slot[size - 1];
    }
    char *p = c->p;
    UNROLL for (uint32_t k = 0; k < n * rows; k++)
    {
        if (wide == 16)
            *(text_16 *)p = narrow[k];
        UNROLL for (uint32_t i = 0; i < wide / 32; i++) * (text_32 *)(p + 32 * i) = text[k][i];
        p += len[k];
        if (k % n == n - 1)
            c->ends[row + k / n] = (int32_t)(p - c->base);
    }
    c->p = p;
}

/* A block of rows, so many rows at a time; rest links are left over from fours. */
INLINE char *put_block(const sp_chain *c, uint32_t rest, uint32_t at_a_time, uint64_t stride, uint32_t wide, cursor to,
                       uint32_t rows)
{
    const link *last = c->links + c->n - rest;
    uint32_t i = 0;
    for (; i + at_a_time <= rows; i += at_a_time) {
        for (const link *l = c->links; l < last; l += 4)
            put_words(&to, l, 4, i, 1, stride, wide);
        put_words(&to, last, rest, i, at_a_time, stride, wide);
    }
    for (; i < rows; i++)
        put_words(&to, last, rest, i, 1, stride, wide);
    return to.p;
}

INLINE char *put_some(const sp_chain *c, uint64_t stride, uint32_t wide, cursor to, uint32_t rows)
{
    if (c->n == 1)
        return put_block(c, 1, 4, stride, wide, to, rows);
    if (c->n == 2)
        return put_block(c, 2, 2, stride, wide, to, rows);
    switch (c->n % 4) {
    case 1: return put_block(c, 1, 1, stride, wide, to, rows);
    case 2: return put_block(c, 2, 1, stride, wide, to, rows);
    case 3: return put_block(c, 3, 1, stride, wide, to, rows);
    default: return put_block(c, 0, 1, stride, wide, to, rows);
    }
}

/* What is known of the chain when this is compiled makes a loop of its own. */
INLINE char *put_rows(const sp_chain *c, cursor to, uint32_t rows)
{
    if (c->even && c->stride == 16 && c->n_draws == 1)
        return put_some(c, 16, 16, to, rows);
    return c->stride <= 32 ? put_some(c, 0, 32, to, rows) : put_some(c, 0, 64, to, rows);
}

INLINE void fill_chain(const sp_chain *c, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets)
{
    draws d;
    char *p = base;
    offsets[0] = 0;
    for (uint32_t done = 0, some; done < n; done += some) {
        some = SP_MIN(n - done, (uint32_t)BLOCK_ROWS);
        for (uint32_t k = 0; k < c->n_draws; k++)
            sp_draw_many(c->keys[k], rows + done, some, 0, d.of[k]);
        p = put_rows(c, (cursor){&d, p, base, offsets + done + 1}, some);
    }
}

WIDE void fill_chain_wide(const sp_chain *c, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets)
{
    fill_chain(c, rows, n, base, offsets);
}

void sp_chain_fill_portable(const sp_chain *c, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets)
{
    fill_chain(c, rows, n, base, offsets);
}

void sp_chain_fill(const sp_chain *c, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets)
{
    if (IS_WIDE)
        fill_chain_wide(c, rows, n, base, offsets);
    else
        sp_chain_fill_portable(c, rows, n, base, offsets);
}

/* ---- building ------------------------------------------------------------------------------- */

static uint32_t stride_of(uint64_t text_max)
{
    return text_max < 16 ? 16 : text_max < 32 ? 32 : 64;
}

static uint64_t longest(const sp_link *l)
{
    return l->before.len + l->words->len_max + l->behind.len;
}

/* Word i with the text around it. */
static char *put_link(char *p, const sp_link *l, uint64_t i)
{
    sp_str word = sp_word(l->words, i);
    p = mempcpy(p, l->before.p, l->before.len);
    p = mempcpy(p, word.p, word.len);
    return mempcpy(p, l->behind.p, l->behind.len);
}

/* Words with text around them, in slots of their own. False: no memory. */
static bool join(sp_arena *arena, const sp_link *from, link *l)
{
    const sp_words *w = from->words;
    uint32_t stride = stride_of(longest(from));
    char *slots = sp_arena_alloc(arena, (size_t)w->count * stride + SP_SLACK, 1), *slot = slots;
    if (!slots)
        return false;
    for (uint32_t i = 0; i < w->count; i++, slot += stride)
        slot[stride - 1] = (char)(put_link(slot, from, i) - slot);
    l->slots = slots;
    l->stride = stride;
    l->reach = (uint64_t)w->count * stride;
    return true;
}

/* Lists of one word, which take nothing from a draw. False: no memory. */
static bool add_literal(sp_arena *arena, sp_chain *c, sp_str text)
{
    static const sp_words one = {.slots = "", .stride = 1, .count = 1}; /* the empty word */
    while (text.len) {
        sp_str some = {text.p, SP_MIN(text.len, (size_t)SLOT_TEXT_MAX)};
        link *l = &c->links[c->n];
        *l = (link){.behind = 1, .draw = c->n ? l[-1].draw : 0};
        c->n++;
        if (!join(arena, &(sp_link){.words = &one, .before = some, .behind = {"", 0}}, l))
            return false;
        text = (sp_str){text.p + some.len, text.len - some.len};
    }
    return true;
}

/* The number of the draw with that key. */
static uint32_t find_draw(sp_chain *c, uint64_t key)
{
    uint32_t i = 0;
    while (i < c->n_draws && c->keys[i] != key)
        i++;
    if (i == c->n_draws)
        c->keys[c->n_draws++] = key;
    return i;
}

/* Adds the words with what fits of the text around them, if they are few enough to be copied for that; what does not is words of their
 * own. False: no memory. */
static bool add_link(sp_arena *arena, sp_chain *c, const sp_link *from)
{
    const sp_words *w = from->words;
    size_t around = from->before.len + from->behind.len, len = SP_MIN(around + w->len_max, (size_t)SLOT_TEXT_MAX);
    size_t room = (uint64_t)w->count * stride_of(len) <= JOINED_MAX ? SLOT_TEXT_MAX - w->len_max : 0;
    size_t behind = SP_MIN(from->behind.len, room), before = SP_MIN(from->before.len, room - behind),
           apart = from->before.len - before;
    if (!add_literal(arena, c, (sp_str){from->before.p, apart}))
        return false;
    link *l = &c->links[c->n++];
    *l = (link){.behind = from->share.behind, .draw = find_draw(c, from->share.key)};
    l->slots = w->slots;
    l->stride = w->stride;
    l->reach = (uint64_t)w->count * l->stride;
    sp_link joined = {.words = w, .before = {from->before.p + apart, before}, .behind = {from->behind.p, behind}};
    if (before + behind > 0 && !join(arena, &joined, l))
        return false;
    return add_literal(arena, c, (sp_str){from->behind.p + behind, from->behind.len - behind});
}

/* Is b what a has left of their draw, and are all their pairs a short list? */
static bool is_pair(const sp_link *a, const sp_link *b)
{
    uint64_t len = longest(a) + longest(b);
    return a->share.key == b->share.key && a->share.behind * a->share.n == b->share.behind && len <= SLOT_TEXT_MAX &&
           a->share.n <= JOINED_MAX / stride_of(len) / b->share.n;
}

/* Two links as one that chooses a pair: of z, a part of n, then of what is left a part of m, is a part of n * m. False: no memory. */
static bool make_pair(sp_arena *arena, sp_link *a, const sp_link *b)
{
    uint32_t len_max = (uint32_t)(longest(a) + longest(b)), stride = stride_of(len_max);
    uint64_t count = a->share.n * b->share.n;
    sp_words *w = sp_arena_alloc(arena, 1, sizeof *w);
    char *slots = sp_arena_alloc(arena, count * stride + SP_SLACK, 1);
    if (!w || !slots)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        char *slot = slots + i * stride, *end = put_link(slot, a, i / b->share.n);
        slot[stride - 1] = (char)(put_link(end, b, i % b->share.n) - slot);
    }
    *w = (sp_words){.slots = slots, .stride = stride, .count = (uint32_t)count, .len_max = len_max};
    *a = (sp_link){.share = {a->share.key, a->share.behind, count}, .words = w, .before = {"", 0}, .behind = {"", 0}};
    return true;
}

/* Fewer links with the same text. False: no memory. */
static bool make_pairs(sp_arena *arena, sp_link *links, uint32_t *n)
{
    uint32_t kept = 0;
    for (uint32_t i = 1; i < *n; i++)
        if (!is_pair(&links[kept], &links[i]))
            links[++kept] = links[i];
        else if (!make_pair(arena, &links[kept], &links[i]))
            return false;
    *n = *n ? kept + 1 : 0;
    return true;
}

static bool is_possible(const sp_link *links, uint32_t n)
{
    uint64_t keys[DRAWS_MAX];
    uint32_t n_keys = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 0;
        while (k < n_keys && keys[k] != links[i].share.key)
            k++;
        if (k == DRAWS_MAX)
            return false;
        keys[k] = links[i].share.key;
        n_keys = SP_MAX(n_keys, k + 1);
    }
    return n > 0;
}

int sp_chain_new(sp_arena *arena, sp_link *links, uint32_t n, const sp_chain **out)
{
    *out = NULL;
    if (!is_possible(links, n))
        return SPATE_OK;
    if (!make_pairs(arena, links, &n))
        return SPATE_E_NOMEM;
    size_t most = n;
    for (uint32_t i = 0; i < n; i++)
        most += links[i].before.len / SLOT_TEXT_MAX + 1 + links[i].behind.len / SLOT_TEXT_MAX + 1;
    sp_chain *c = sp_arena_alloc(arena, 1, sizeof *c + most * sizeof *c->links);
    if (!c)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        if (!add_link(arena, c, &links[i]))
            return SPATE_E_NOMEM;
    c->even = true;
    for (uint32_t i = 0; i < c->n; i++) {
        c->even = c->even && c->links[i].stride == c->links[0].stride;
        c->stride = SP_MAX(c->stride, (uint32_t)c->links[i].stride);
    }
    *out = c;
    return SPATE_OK;
}

/* ---- forks ----------------------------------------------------------------------------------- */

/* Which chain a row takes cannot be foreseen, and a processor that guesses wrong loses more than the text costs. So all chains have the
 * same number of links, the shorter ones empty words at their ends, and rows differ only in where their links are. */

enum { FORK_WAYS_MAX = 16, FORK_CHAINS_MAX = 32 };

typedef struct turn {
    uint64_t shift;    /* of its key: see below */
    uint32_t first, n; /* its chains; n = 1: no draw */
} turn;

/* Rows of different chains are drawn together. The draw of a key is that of key 0 some rows further: key + row * phi = (row + shift) * phi. */
#define PHI_INVERSE UINT64_C(0xf1de83e19937733d)
_Static_assert(SP_PHI *PHI_INVERSE == 1, "modulo 2^64");

struct sp_fork {
    uint64_t key;
    uint32_t n_turns, n_chains, n_draws, n_links; /* draws and links: of the chain that has most */
    bool nested;                                  /* some turn has several chains */
    turn turns[FORK_WAYS_MAX];
    uint64_t shifts[DRAWS_MAX][FORK_CHAINS_MAX]; /* of each draw's key */
    const link *links;                           /* of each chain, n_links */
    uint8_t *wide; /* the longest slot of the chains' first links, their second ones, and so on */
    const sp_chain *chains[FORK_CHAINS_MAX];
};

/* The next few words of a row: where they lie, where they go, and only then the copies. */
INLINE char *put_few(const link *l, uint32_t n, const draws *d, uint32_t row, char *p, const uint8_t *wide)
{
    const char *slots[4];
    char *to[4];
    UNROLL for (uint32_t k = 0; k < n; k++)
    {
        slots[k] = slot_of(&l[k], d->of[l[k].draw][row], l[k].stride);
        to[k] = p;
        p += (uint8_t)slots[k][l[k].stride - 1];
    }
    UNROLL for (uint32_t k = 0; k < n; k++)
    {
        if (wide[k] == 16)
            *(text_16 *)to[k] = *(const text_16 *)slots[k];
        else
            *(text_32 *)to[k] = *(const text_32 *)slots[k];
        if (wide[k] > 32)
            *(text_32 *)(to[k] + 32) = *(const text_32 *)(slots[k] + 32);
    }
    return p;
}

INLINE char *put_row(const sp_fork *f, uint32_t chain, const draws *d, uint32_t row, char *p)
{
    const link *l = f->links + (size_t)chain * f->n_links, *last = l + f->n_links - f->n_links % 4;
    const uint8_t *wide = f->wide;
    for (; l < last; l += 4, wide += 4)
        p = put_few(l, 4, d, row, p, wide);
    switch (f->n_links % 4) {
    case 1: return put_few(l, 1, d, row, p, wide);
    case 2: return put_few(l, 2, d, row, p, wide);
    case 3: return put_few(l, 3, d, row, p, wide);
    default: return p;
    }
}

/* The chain of each of n rows. */
INLINE void choose_chains(const sp_fork *f, const uint64_t *rows, uint32_t n, uint32_t *chains)
{
    uint64_t which[BLOCK_ROWS], shifted[BLOCK_ROWS], draw[BLOCK_ROWS];
    sp_draw_many(f->key, rows, n, f->n_turns, which);
    for (uint32_t i = 0; i < n; i++)
        chains[i] = f->turns[which[i]].first;
    if (!f->nested)
        return;
    for (uint32_t i = 0; i < n; i++)
        shifted[i] = rows[i] + f->turns[which[i]].shift;
    sp_draw_many(0, shifted, n, 0, draw);
    for (uint32_t i = 0; i < n; i++)
        chains[i] += (uint32_t)sp_mulhi(draw[i], f->turns[which[i]].n);
}

INLINE void fill_fork(const sp_fork *f, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets)
{
    draws d;
    uint32_t chains[BLOCK_ROWS];
    uint64_t shifted[BLOCK_ROWS];
    char *p = base;
    offsets[0] = 0;
    for (uint32_t done = 0, some; done < n; done += some) {
        some = SP_MIN(n - done, (uint32_t)BLOCK_ROWS);
        choose_chains(f, rows + done, some, chains);
        for (uint32_t k = 0; k < f->n_draws; k++) {
            for (uint32_t i = 0; i < some; i++)
                shifted[i] = rows[done + i] + f->shifts[k][chains[i]];
            sp_draw_many(0, shifted, some, 0, d.of[k]);
        }
        for (uint32_t i = 0; i < some; i++) {
            p = put_row(f, chains[i], &d, i, p);
            offsets[done + i + 1] = (int32_t)(p - base);
        }
    }
}

WIDE void fill_fork_wide(const sp_fork *f, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets)
{
    fill_fork(f, rows, n, base, offsets);
}

void sp_fork_fill_portable(const sp_fork *f, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets)
{
    fill_fork(f, rows, n, base, offsets);
}

void sp_fork_fill(const sp_fork *f, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets)
{
    if (IS_WIDE)
        fill_fork_wide(f, rows, n, base, offsets);
    else
        sp_fork_fill_portable(f, rows, n, base, offsets);
}

/* As many links for every chain. False: no memory. */
static bool lay_links(sp_arena *arena, sp_fork *f)
{
    static const char nothing[SLOT_TEXT_MAX + 1];
    const link empty = {.behind = 1, .reach = 16, .stride = 16, .slots = nothing};
    for (uint32_t i = 0; i < f->n_chains; i++) {
        f->n_links = SP_MAX(f->n_links, f->chains[i]->n);
        f->n_draws = SP_MAX(f->n_draws, f->chains[i]->n_draws);
    }
    link *links = sp_arena_alloc(arena, (size_t)f->n_chains * f->n_links, sizeof *links);
    f->wide = sp_arena_alloc(arena, f->n_links, 1);
    for (uint32_t i = 0; links && f->wide && i < f->n_chains; i++) {
        for (uint32_t k = 0; k < f->chains[i]->n_draws; k++)
            f->shifts[k][i] = f->chains[i]->keys[k] * PHI_INVERSE;
        for (uint32_t k = 0; k < f->n_links; k++) {
            link *l = &links[i * f->n_links + k];
            *l = k < f->chains[i]->n ? f->chains[i]->links[k] : empty;
            f->wide[k] = (uint8_t)SP_MAX(f->wide[k], l->stride);
        }
    }
    f->links = links;
    return links && f->wide;
}

static bool add_turn(sp_fork *f, const sp_way *way)
{
    turn *t = &f->turns[f->n_turns++];
    *t = (turn){.first = f->n_chains,
                .n = way->fork ? way->fork->n_chains : 1,
                .shift = way->fork ? way->fork->key * PHI_INVERSE : 0};
    if ((way->fork && way->fork->nested) || f->n_chains + t->n > FORK_CHAINS_MAX)
        return false;
    f->nested = f->nested || way->fork;
    for (uint32_t i = 0; i < t->n; i++)
        f->chains[f->n_chains++] = way->fork ? way->fork->chains[i] : way->chain;
    return true;
}

int sp_fork_new(sp_arena *arena, uint64_t key, const sp_way *ways, uint32_t n, const sp_fork **out)
{
    *out = NULL;
    if (n > FORK_WAYS_MAX)
        return SPATE_OK;
    sp_fork *f = sp_arena_alloc(arena, 1, sizeof *f);
    if (!f)
        return SPATE_E_NOMEM;
    f->key = key;
    for (uint32_t i = 0; i < n; i++)
        if ((!ways[i].chain && !ways[i].fork) || !add_turn(f, &ways[i]))
            return SPATE_OK;
    if (!lay_links(arena, f))
        return SPATE_E_NOMEM;
    *out = f;
    return SPATE_OK;
}
