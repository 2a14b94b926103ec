/* nodes.c - the nodes in memory: lines, text, links, and the counts of each level. */
#include "ledger/nodes.h"

#include <stdio.h>

/* ---- room -------------------------------------------------------------------------------------------------------------- */

static int grow(void **array, uint32_t *cap, uint32_t want, size_t width)
{
    if (want <= *cap)
        return SPATE_OK;
    uint32_t more = SP_MAX(want, *cap + *cap / 8 + 8);
    void *bigger = sp_realloc(*array, (size_t)more * width);
    if (!bigger)
        return SPATE_E_NOMEM;
    *array = bigger;
    *cap = more;
    return SPATE_OK;
}

/* The first block of anything is small change for a small job; from the second on memory is asked for in large pages. */
static void *block_alloc(const sp_side *s, sp_block_kind kind, uint32_t nth, size_t bytes)
{
    void *ready = nth ? sp_ahead_take(s->ahead, kind) : NULL;
    return ready ? ready : nth ? sp_alloc_large(bytes) : sp_alloc(bytes);
}

enum { BLOCKS_MAX = 1 << (32 - SP_NODE_BLOCK_BITS), TEXTS_MAX = 1 << (34 - SP_TEXT_BLOCK_BITS) };

/* A megabyte of addresses; of memory, the pages that are used. */
static int lists_reserve(sp_side *s)
{
    if (!s->blocks)
        s->blocks = sp_alloc(BLOCKS_MAX * sizeof(*s->blocks));
    if (!s->states)
        s->states = sp_alloc(BLOCKS_MAX * sizeof(*s->states));
    if (!s->text)
        s->text = sp_alloc(TEXTS_MAX * sizeof(*s->text));
    return s->blocks && s->states && s->text ? SPATE_OK : SPATE_E_NOMEM;
}

static int nodes_reserve(sp_side *s, uint32_t more)
{
    if (s->n > UINT32_MAX - more - 1 || (s->n_blocks == 0 && lists_reserve(s) != SPATE_OK))
        return SPATE_E_NOMEM;
    uint32_t blocks = ((s->n + more) >> SP_NODE_BLOCK_BITS) + 1;
    sp_ahead_full(s->ahead, s);
    while (s->n_blocks < blocks) {
        sp_node *block = block_alloc(s, SP_BLOCK_NODES, s->n_blocks, sizeof(sp_node) << SP_NODE_BLOCK_BITS);
        uint16_t *state = sp_alloc((size_t)sizeof(uint16_t) << SP_NODE_BLOCK_BITS);
        if (!block || !state) {
            sp_free(block);
            sp_free(state);
            return SPATE_E_NOMEM;
        }
        s->blocks[s->n_blocks] = block;
        s->states[s->n_blocks++] = state;
    }
    return SPATE_OK;
}

/* Room for len bytes in one block. */
static int text_reserve(sp_side *s, size_t len)
{
    size_t block = (size_t)1 << SP_TEXT_BLOCK_BITS;
    size_t used = s->text_used & (block - 1);
    if (s->n_text && used && used + len + SP_SLACK <= block)
        return SPATE_OK;
    if (len + SP_SLACK > block || s->n_text >= TEXTS_MAX ||
        !(s->text[s->n_text] = block_alloc(s, SP_BLOCK_TEXT, s->n_text, block)))
        return SPATE_E_NOMEM;
    /* Place 0 says that there is no text, so the first block begins with four bytes that are nobody's. */
    s->text_used = s->n_text ? (uint64_t)s->n_text * block : 4;
    s->n_text++;
    return SPATE_OK;
}

static char *text_take(sp_side *s, size_t len, uint32_t *at)
{
    *at = (uint32_t)(s->text_used >> 2);
    char *p = (char *)sp_text_at(s, *at);
    s->text_used += (len + 3) & ~(size_t)3;
    return p;
}

int sp_memory_level(sp_memory *m, unsigned side, int32_t depth, sp_level **level, spate_error *err)
{
    sp_side *s = &m->side[side];
    SP_ASSERT(depth >= 0 && depth <= SP_LEVELS_MAX);
    if ((uint32_t)depth >= s->n_levels) {
        uint32_t n = (uint32_t)depth + 1 + s->n_levels / 2;
        sp_level **more = sp_realloc(s->levels, n * sizeof(*more));
        if (!more)
            return sp_fail_nomem(err);
        memset(more + s->n_levels, 0, (n - s->n_levels) * sizeof(*more));
        s->levels = more;
        s->n_levels = n;
    }
    if (!s->levels[depth] && !(s->levels[depth] = sp_alloc_zero(1, sizeof(sp_level))))
        return sp_fail_nomem(err);
    *level = s->levels[depth];
    return SPATE_OK;
}

int sp_memory_init(sp_memory *m)
{
    *m = (sp_memory){0};
    m->side[0].n = m->side[1].n = 1;
    return SPATE_OK;
}

void sp_memory_done(sp_memory *m)
{
    for (unsigned k = 0; k < 2; k++) {
        sp_side *s = &m->side[k];
        for (uint32_t i = 0; i < s->n_blocks; i++) {
            sp_free(s->blocks[i]);
            sp_free(s->states[i]);
        }
        for (uint32_t i = 0; i < s->n_text; i++)
            sp_free(s->text[i]);
        for (uint32_t i = 0; i < s->n_levels; i++)
            if (s->levels[i]) {
                sp_free(s->levels[i]->members);
                sp_free(s->levels[i]->dirty);
                sp_free(s->levels[i]);
            }
        sp_free(s->blocks);
        sp_free(s->states);
        sp_free(s->text);
        sp_free(s->levels);
        sp_free(s->buckets);
    }
    for (size_t i = 0; i < m->n_words; i++)
        sp_free(m->words[i]);
    sp_free(m->words);
    sp_buf_done(&m->path);
    sp_buf_done(&m->service);
}

uint64_t sp_memory_bytes(const sp_memory *m)
{
    uint64_t bytes = 0;
    for (unsigned k = 0; k < 2; k++) {
        const sp_side *s = &m->side[k];
        bytes += ((uint64_t)s->n_blocks * (sizeof(sp_node) + sizeof(uint16_t)) << SP_NODE_BLOCK_BITS) +
                 s->n_buckets * sizeof(sp_bucket) + ((uint64_t)s->n_text << SP_TEXT_BLOCK_BITS);
        for (uint32_t i = 0; i < s->n_levels; i++)
            if (s->levels[i])
                bytes += sizeof(sp_level) + ((uint64_t)s->levels[i]->cap + s->levels[i]->cap_dirty) * sizeof(uint32_t);
    }
    return bytes;
}

/* ---- ids, paths -------------------------------------------------------------------------------------------------------- */

void sp_id_split(spate_node_id id, uint64_t *hi, uint64_t *lo)
{
    memcpy(hi, id.b, 8);
    memcpy(lo, id.b + 8, 8);
    *hi = __builtin_bswap64(*hi);
    *lo = __builtin_bswap64(*lo);
}

spate_node_id sp_id_join(uint64_t hi, uint64_t lo)
{
    spate_node_id id;
    hi = __builtin_bswap64(hi);
    lo = __builtin_bswap64(lo);
    memcpy(id.b, &hi, 8);
    memcpy(id.b + 8, &lo, 8);
    return id;
}

uint32_t sp_memory_find_id(const sp_side *s, spate_node_id id)
{
    uint64_t hi, lo;
    sp_id_split(id, &hi, &lo);
    uint32_t i = sp_hash_find(s, hi, lo);
    return sp_node_alive(s, i) ? i : 0;
}

uint32_t sp_memory_find_path(const sp_memory *m, unsigned side, spate_bytes path, unsigned type)
{
    for (unsigned t = type ? type : SPATE_FOLDER; t <= (type ? type : SPATE_OTHER); t++) {
        uint32_t i = sp_memory_find_id(&m->side[side], spate_node_id_of(side, t, path));
        if (i)
            return i;
    }
    return 0;
}

/* Text that is put together from the end: the root's first part has length 0 and gives the slash that every part begins with. */
int sp_memory_path(const sp_side *s, uint32_t i, sp_buf *buf)
{
    size_t len = 0;
    for (uint32_t k = i; sp_node_at(s, k)->parent; k = sp_node_at(s, k)->parent)
        len += sp_node_at(s, k)->name_len + 1u;
    if (len == 0)
        return sp_buf_add(buf, "/", 1);
    if (sp_buf_reserve(buf, len) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *end = buf->data + buf->len + len;
    for (uint32_t k = i; sp_node_at(s, k)->parent; k = sp_node_at(s, k)->parent) {
        const sp_node *node = sp_node_at(s, k);
        end -= node->name_len;
        memcpy(end, sp_text_at(s, node->name), node->name_len);
        *--end = '/';
    }
    buf->len += len;
    return SPATE_OK;
}

/* What few nodes have, as it lies in the text: two lengths, the checksum, service id and note. */
typedef struct extra {
    spate_bytes service, note;
    uint64_t checksum;
} extra;
enum { EXTRA_FIXED = 16 };

static extra extra_of(const sp_side *s, uint32_t i)
{
    const sp_node *node = sp_node_at(s, i);
    if (!node->extra)
        return (extra){{NULL, 0}, {NULL, 0}, 0};
    const char *p = sp_text_at(s, node->extra);
    uint32_t len[2];
    extra x;
    memcpy(len, p, sizeof(len));
    memcpy(&x.checksum, p + 8, 8);
    x.service = (spate_bytes){p + EXTRA_FIXED, len[0]};
    x.note = (spate_bytes){p + EXTRA_FIXED + len[0], len[1]};
    return x;
}

spate_bytes sp_memory_own_service(const sp_side *s, uint32_t i)
{
    return extra_of(s, i).service;
}

spate_bytes sp_memory_note(const sp_side *s, uint32_t i)
{
    return extra_of(s, i).note;
}

uint64_t sp_memory_checksum(const sp_side *s, uint32_t i)
{
    return extra_of(s, i).checksum;
}

int sp_memory_service(const sp_side *s, uint32_t i, sp_buf *buf)
{
    uint32_t top = i; /* the nearest one that has its own */
    while (!extra_of(s, top).service.len && sp_node_at(s, top)->parent)
        top = sp_node_at(s, top)->parent;
    spate_bytes own = extra_of(s, top).service;
    if (sp_buf_add(buf, own.p, own.len) != SPATE_OK)
        return SPATE_E_NOMEM;
    size_t below = 0;
    for (uint32_t k = i; k != top; k = sp_node_at(s, k)->parent)
        below += sp_node_at(s, k)->name_len + 1u;
    if (below && own.len && own.p[own.len - 1] == '/')
        buf->len--;
    if (sp_buf_reserve(buf, below) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *end = buf->data + buf->len + below;
    for (uint32_t k = i; k != top; k = sp_node_at(s, k)->parent) {
        const sp_node *node = sp_node_at(s, k);
        end -= node->name_len;
        memcpy(end, sp_text_at(s, node->name), node->name_len);
        *--end = '/';
    }
    buf->len += below;
    return SPATE_OK;
}

uint32_t sp_memory_below(const sp_side *s, uint32_t top, uint32_t i)
{
    if (sp_node_at(s, i)->child)
        return sp_node_at(s, i)->child;
    while (i != top && !sp_node_at(s, i)->sibling)
        i = sp_node_at(s, i)->parent;
    return i == top ? 0 : sp_node_at(s, i)->sibling;
}

/* ---- statuses and counts ------------------------------------------------------------------------------------------------- */

static void count(sp_side *s, sp_level *level, uint16_t state, uint32_t by)
{
    if (state & SP_STATE_DELETED)
        return;
    level->alive += by;
    s->alive += by;
    level->by_traversal[sp_state_type(state)][sp_state_traversal(state)] += by;
    level->by_copy[sp_state_type(state)][sp_state_copy(state)] += by;
    if (state & SP_STATE_EXCLUDED)
        level->excluded += by;
}

/* Notes that DuckDB's row of a node is out of date. Room was made before. */
static void mark_dirty(sp_side *s, sp_level *level, uint32_t i)
{
    uint16_t *state = sp_state_at(s, i);
    if (!level->mirrored || *state & SP_STATE_DIRTY)
        return;
    *state |= SP_STATE_DIRTY;
    level->dirty[level->n_dirty++] = i;
}

static int dirty_reserve(sp_level *level, uint32_t more)
{
    return level->mirrored ? grow((void **)&level->dirty, &level->cap_dirty, level->n_dirty + more, sizeof(uint32_t))
                           : SPATE_OK;
}

static bool now_pending(uint16_t old, uint16_t fresh)
{
    return (old ^ fresh) & SP_STATE_DELETED ||
           (sp_state_traversal(fresh) == SPATE_TRAVERSAL_PENDING &&
            sp_state_traversal(old) != SPATE_TRAVERSAL_PENDING) ||
           (sp_state_copy(fresh) == SPATE_COPY_PENDING && sp_state_copy(old) != SPATE_COPY_PENDING) ||
           (old ^ fresh) & SP_STATE_EXCLUDED;
}

static void set_state(sp_side *s, uint32_t i, uint16_t fresh)
{
    sp_level *level = s->levels[sp_node_at(s, i)->level];
    uint16_t *state = sp_state_at(s, i), old = *state;
    fresh = (uint16_t)((fresh & ~SP_STATE_DIRTY) | (old & SP_STATE_DIRTY));
    if (fresh == old)
        return;
    count(s, level, old, (uint32_t)-1);
    *state = fresh;
    count(s, level, fresh, 1);
    level->generation += now_pending(old, fresh);
}

void sp_memory_recount(sp_level *level, unsigned side)
{
    static const uint8_t traversal[] = {SPATE_TRAVERSAL_PENDING, SPATE_TRAVERSAL_SUCCESSFUL, SPATE_TRAVERSAL_FAILED,
                                        SPATE_TRAVERSAL_NOT_ON_SRC, SPATE_TRAVERSAL_EXCLUDED};
    static const uint8_t copy[] = {SPATE_COPY_PENDING, SPATE_COPY_SUCCESSFUL, SPATE_COPY_FAILED, SPATE_COPY_SKIPPED,
                                   SPATE_COPY_CONFLICT};
    for (unsigned k = 0; k < 5; k++) {
        int64_t t = 0, c = 0;
        for (unsigned type = 0; type < 5; type++) {
            t += level->by_traversal[type][traversal[k]];
            c += level->by_copy[type][copy[k]];
        }
        if (k == 0) /* a copy under way is nobody's success yet */
            for (unsigned type = 0; type < 5; type++)
                c += level->by_copy[type][SPATE_COPY_IN_PROGRESS];
        level->stat[SPATE_STAT_PENDING + k] = t;
        level->stat[SPATE_STAT_COPY_PENDING + k] = c;
    }
    unsigned there = (1u << SPATE_STAT_COPY_PENDING) - 1;
    if (side == SPATE_SRC)
        there = (1u << SPATE_STAT_COMPLETED) - 1;
    level->stat_there |= there;
    level->stats_dirty = true;
}

/* ---- what records do ------------------------------------------------------------------------------------------------------- */

static uint16_t born(unsigned side, const spate_node *n)
{
    unsigned traversal = n->traversal              ? n->traversal
                         : n->type == SPATE_FOLDER ? SPATE_TRAVERSAL_PENDING
                                                   : SPATE_TRAVERSAL_SUCCESSFUL;
    unsigned copy = side == SPATE_DST ? SPATE_COPY_ANY : n->copy ? n->copy : SPATE_COPY_PENDING;
    return (uint16_t)(n->type | traversal << SP_STATE_TRAVERSAL_SHIFT | copy << SP_STATE_COPY_SHIFT |
                      (n->excluded ? SP_STATE_EXCLUDED : 0));
}

/* The state of a known node that was found again. */
static uint16_t found_again(unsigned side, uint16_t state, const spate_node *n)
{
    if (state & SP_STATE_DELETED)
        return born(side, n);
    if (n->traversal)
        state = sp_state_with_traversal(state, n->traversal);
    if (n->copy && side == SPATE_SRC)
        state = sp_state_with_copy(state, n->copy);
    return n->excluded ? state | SP_STATE_EXCLUDED : state;
}

static bool same_text(spate_bytes a, spate_bytes b)
{
    return a.len == b.len && (a.len == 0 || !memcmp(a.p, b.p, a.len));
}

/* What an extra takes of the text. */
static size_t extra_room(extra x)
{
    return (EXTRA_FIXED + x.service.len + x.note.len + 3) & ~(size_t)3;
}

static void drop_extra(sp_side *s, uint32_t i)
{
    if (sp_node_at(s, i)->extra)
        s->text_dead += extra_room(extra_of(s, i));
    sp_node_at(s, i)->extra = 0;
}

/* Both texts may lie there already, where they were: so the second one is moved first. */
static void put_extra(char *p, extra x)
{
    uint32_t len[2] = {(uint32_t)x.service.len, (uint32_t)x.note.len};
    if (x.note.len)
        memmove(p + EXTRA_FIXED + x.service.len, x.note.p, x.note.len);
    if (x.service.len)
        memmove(p + EXTRA_FIXED, x.service.p, x.service.len);
    memcpy(p, len, sizeof(len));
    memcpy(p + 8, &x.checksum, 8);
}

/* Texts may be in the text already: it does not move. What has room in its old place stays there. */
static int set_extra(sp_side *s, uint32_t i, extra x)
{
    if (!x.service.len && !x.note.len && !x.checksum) {
        drop_extra(s, i);
        return SPATE_OK;
    }
    extra old = extra_of(s, i);
    if (same_text(old.service, x.service) && same_text(old.note, x.note) && old.checksum == x.checksum)
        return SPATE_OK;
    uint32_t at = sp_node_at(s, i)->extra;
    if (at && extra_room(x) == extra_room(old)) {
        put_extra((char *)sp_text_at(s, at), x);
        return SPATE_OK;
    }
    if (text_reserve(s, extra_room(x)) != SPATE_OK)
        return SPATE_E_NOMEM;
    put_extra(text_take(s, extra_room(x), &at), x);
    drop_extra(s, i);
    sp_node_at(s, i)->extra = at;
    return SPATE_OK;
}

/* A line, a name and a place in the level for node number s->n. Room for all of them was made. */
static void make_node(sp_side *s, sp_level *level, int32_t depth, uint32_t parent, uint64_t hi, uint64_t lo,
                      const spate_node *n, uint16_t state)
{
    uint32_t i = s->n++;
    sp_node *node = sp_node_at(s, i);
    *node = (sp_node){.hi = hi,
                      .lo = lo,
                      .parent = parent,
                      .size = n->size,
                      .mtime_ns = n->mtime_ns,
                      .attributes = n->attributes,
                      .name_len = (uint16_t)n->name.len,
                      .level = (uint16_t)depth};
    memcpy(text_take(s, n->name.len, &node->name), n->name.p, n->name.len);
    if (parent) {
        node->sibling = sp_node_at(s, parent)->child;
        sp_node_at(s, parent)->child = i;
    }
    *sp_state_at(s, i) = state;
    count(s, level, state, 1);
    level->members[level->n++] = i;
    level->generation++;
    level->version++;
}

/* The service id to keep: none when it is the parent's, a slash and the name. */
static spate_bytes own_service(const sp_buf *parent, const spate_node *n)
{
    spate_bytes id = n->service_id;
    size_t stem = parent->len - (parent->len && parent->data[parent->len - 1] == '/');
    bool follows = id.len == stem + 1 + n->name.len && !memcmp(id.p, parent->data, stem) && id.p[stem] == '/' &&
                   !memcmp(id.p + stem + 1, n->name.p, n->name.len);
    return follows ? (spate_bytes){NULL, 0} : id;
}

/* What few nodes have, from what was found; what was not said stays as it is. */
static int note_extra(sp_memory *m, unsigned side, uint32_t i, const spate_node *n)
{
    sp_side *s = &m->side[side];
    if (SP_LIKELY(!n->service_id.len && !n->note.len && !n->checksum))
        return SPATE_OK;
    extra x = extra_of(s, i);
    m->service.len = 0;
    if (n->service_id.len && sp_memory_service(s, sp_node_at(s, i)->parent, &m->service) != SPATE_OK)
        return SPATE_E_NOMEM;
    x.service = n->service_id.len ? own_service(&m->service, n) : (spate_bytes){NULL, 0};
    x.note = n->note.len ? n->note : x.note;
    x.checksum = n->checksum ? n->checksum : x.checksum;
    return set_extra(s, i, x);
}

int sp_memory_again(sp_memory *m, unsigned side, uint32_t i, const spate_node *n, spate_error *err)
{
    sp_side *s = &m->side[side];
    sp_node *node = sp_node_at(s, i);
    sp_level *level = s->levels[node->level];
    if (dirty_reserve(level, 1) != SPATE_OK)
        return sp_fail_nomem(err);
    bool back = *sp_state_at(s, i) & SP_STATE_DELETED;
    set_state(s, i, found_again(side, *sp_state_at(s, i), n));
    if (back)
        drop_extra(s, i);
    node->size = n->size;
    node->mtime_ns = n->mtime_ns;
    node->attributes = n->attributes;
    level->version++;
    mark_dirty(s, level, i);
    return note_extra(m, side, i, n) ? sp_fail_nomem(err) : SPATE_OK;
}

/* Room for one more node of the level, but for its line and its slot in the hash. */
static int room_for_one(sp_side *s, sp_level *level, size_t name_len)
{
    return text_reserve(s, name_len) || grow((void **)&level->members, &level->cap, level->n + 1, sizeof(uint32_t)) ||
                   dirty_reserve(level, 1)
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

static int add_one(sp_memory *m, unsigned side, uint32_t parent, const spate_node *n, uint64_t hi, uint64_t lo,
                   uint32_t *known, spate_error *err)
{
    sp_side *s = &m->side[side];
    sp_level *level = NULL;
    int32_t depth = n->depth ? n->depth : sp_node_at(s, parent)->level + 1;
    int rc = sp_memory_level(m, side, depth, &level, err);
    if (rc != SPATE_OK)
        return rc;
    if (room_for_one(s, level, n->name.len) != SPATE_OK)
        return sp_fail_nomem(err);
    uint32_t i = s->n, there = sp_hash_place(s, hi, lo, i);
    *known = there == i ? 0 : there;
    if (there != i) {
        const sp_node *node = sp_node_at(s, there);
        if (node->parent == parent && node->name_len == n->name.len &&
            !memcmp(sp_text_at(s, node->name), n->name.p, n->name.len))
            return sp_memory_again(m, side, there, n, err);
        return sp_fail(err, SPATE_E_BUG, "two paths have one id: \"%.*s\" is one of them", (int)n->name.len, n->name.p);
    }
    make_node(s, level, depth, parent, hi, lo, n, born(side, n));
    mark_dirty(s, level, i);
    return note_extra(m, side, i, n) ? sp_fail_nomem(err) : SPATE_OK;
}

/* Without ids: index.c makes them. Most often all are of one level. */
static int add_unnamed(sp_memory *m, unsigned side, uint32_t parent, const spate_node *children, size_t n,
                       spate_error *err)
{
    sp_side *s = &m->side[side];
    sp_level *level = NULL;
    int32_t below = sp_node_at(s, parent)->level + 1, at = -1;
    for (size_t k = 0; k < n; k++) {
        const spate_node *child = &children[k];
        int32_t depth = child->depth ? child->depth : below;
        int rc = depth == at ? SPATE_OK : sp_memory_level(m, side, depth, &level, err);
        if (rc != SPATE_OK)
            return rc;
        if (room_for_one(s, level, child->name.len) != SPATE_OK)
            return sp_fail_nomem(err);
        at = depth;
        make_node(s, level, depth, parent, child->type, 0, child, born(side, child));
        if (note_extra(m, side, s->n - 1, child) != SPATE_OK)
            return sp_fail_nomem(err);
    }
    return SPATE_OK;
}

enum { ADD_AHEAD = 32 }; /* ids computed, and their buckets asked for, before the first of them is needed */

int sp_memory_add(sp_memory *m, unsigned side, uint32_t parent, const spate_node *children, size_t n, uint32_t *known,
                  spate_error *err)
{
    sp_side *s = &m->side[side];
    if (n > UINT32_MAX || nodes_reserve(s, (uint32_t)n))
        return sp_fail_nomem(err);
    if (!known)
        return add_unnamed(m, side, parent, children, n, err);
    m->path.len = 0;
    if (sp_hash_reserve(s, s->n + n) || sp_memory_path(s, parent, &m->path) || sp_buf_reserve(&m->path, 1 + UINT16_MAX))
        return sp_fail_nomem(err);
    if (m->path.len > 1)
        m->path.data[m->path.len++] = '/';
    char *end = m->path.data + m->path.len;
    int rc = SPATE_OK;
    for (size_t from = 0; from < n && rc == SPATE_OK; from += ADD_AHEAD) {
        uint64_t hi[ADD_AHEAD], lo[ADD_AHEAD];
        size_t count = SP_MIN(n - from, (size_t)ADD_AHEAD);
        for (size_t k = 0; k < count; k++) {
            const spate_node *child = &children[from + k];
            memcpy(end, child->name.p, child->name.len);
            sp_id_split(spate_node_id_of(side, child->type, (spate_bytes){m->path.data, m->path.len + child->name.len}),
                        &hi[k], &lo[k]);
            sp_hash_soon(s, hi[k]);
        }
        for (size_t k = 0; k < count && rc == SPATE_OK; k++)
            rc = add_one(m, side, parent, &children[from + k], hi[k], lo[k], &known[from + k], err);
    }
    return rc;
}

int sp_memory_root(sp_memory *m, unsigned side, const spate_node *given, spate_error *err)
{
    sp_side *s = &m->side[side];
    sp_level *level = NULL;
    int rc = sp_memory_level(m, side, 0, &level, err);
    if (rc != SPATE_OK)
        return rc;
    uint64_t hi, lo;
    sp_id_split(spate_node_id_of(side, SPATE_FOLDER, (spate_bytes){"/", 1}), &hi, &lo);
    spate_node root = *given;
    root.type = SPATE_FOLDER;
    root.traversal = root.copy = SPATE_TRAVERSAL_ANY;
    if (nodes_reserve(s, 1) || sp_hash_reserve(s, s->n + 1) || room_for_one(s, level, 0))
        return sp_fail_nomem(err);
    make_node(s, level, 0, 0, hi, lo, &root, born(side, &root));
    if (!m->replaying)
        (void)sp_hash_place(s, hi, lo, 1);
    level->stat[SPATE_STAT_PENDING] = 1;
    level->stat_there |= 1u << SPATE_STAT_PENDING;
    level->stats_dirty = true;
    return set_extra(s, 1, (extra){.service = given->service_id}) ? sp_fail_nomem(err) : SPATE_OK;
}

static int change_one(sp_memory *m, unsigned side, uint32_t i, unsigned kind, int64_t value, spate_bytes note)
{
    sp_side *s = &m->side[side];
    sp_node *node = sp_node_at(s, i);
    sp_level *level = s->levels[node->level];
    uint16_t state = *sp_state_at(s, i);
    extra x = extra_of(s, i);
    int rc = dirty_reserve(level, 1);
    if (rc != SPATE_OK)
        return rc;
    switch (kind) {
    case SPATE_SET_TRAVERSAL: state = sp_state_with_traversal(state, (unsigned)value); break;
    case SPATE_SET_COPY: state = sp_state_with_copy(state, (unsigned)value); break;
    case SPATE_SET_EXCLUDED:
    case SPATE_SET_EXCLUDED_BELOW:
        state = (uint16_t)(value ? state | SP_STATE_EXCLUDED : state & ~SP_STATE_EXCLUDED);
        break;
    case SPATE_SET_SIZE: node->size = value; break;
    case SPATE_SET_MTIME: node->mtime_ns = value; break;
    case SPATE_SET_ATTRIBUTES: node->attributes = (uint64_t)value; break;
    case SPATE_SET_CHECKSUM:
        x.checksum = (uint64_t)value;
        rc = set_extra(s, i, x);
        break;
    case SPATE_SET_NOTE:
        x.note = note;
        rc = set_extra(s, i, x);
        break;
    default: state |= SP_STATE_DELETED; break;
    }
    set_state(s, i, state);
    level->version += kind != SPATE_SET_COPY || value != SPATE_COPY_IN_PROGRESS;
    mark_dirty(s, level, i);
    return rc;
}

int sp_memory_change(sp_memory *m, unsigned side, uint32_t i, unsigned kind, int64_t value, spate_bytes note,
                     spate_error *err)
{
    const sp_side *s = &m->side[side];
    int rc = kind == SPATE_DELETE_BELOW ? SPATE_OK : change_one(m, side, i, kind, value, note);
    if (kind != SPATE_SET_EXCLUDED_BELOW && kind != SPATE_DELETE && kind != SPATE_DELETE_BELOW)
        return rc ? sp_fail_nomem(err) : SPATE_OK;
    for (uint32_t k = sp_memory_below(s, i, i); k && rc == SPATE_OK; k = sp_memory_below(s, i, k))
        if (sp_node_alive(s, k))
            rc = change_one(m, side, k, kind, value, note);
    return rc ? sp_fail_nomem(err) : SPATE_OK;
}

/* ---- words to find again --------------------------------------------------------------------------------------------------- */

static size_t word_at(const sp_memory *m, const char *key, size_t len)
{
    size_t i = 0;
    while (i < m->n_words && (strlen(m->words[i]) != len || memcmp(m->words[i], key, len) != 0))
        i += 2;
    return i;
}

const char *sp_memory_recall(const sp_memory *m, const char *key)
{
    size_t i = word_at(m, key, strlen(key));
    return i < m->n_words ? m->words[i + 1] : NULL;
}

static char *copied(spate_bytes text)
{
    char *copy = sp_alloc(text.len + 1);
    if (copy) {
        memcpy(copy, text.len ? text.p : "", text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

int sp_memory_remember(sp_memory *m, spate_bytes key, spate_bytes value, bool away, spate_error *err)
{
    size_t i = word_at(m, key.p, key.len);
    if (away) {
        if (i == m->n_words)
            return SPATE_OK;
        sp_free(m->words[i]);
        sp_free(m->words[i + 1]);
        m->n_words -= 2;
        memmove(m->words + i, m->words + i + 2, (m->n_words - i) * sizeof(*m->words));
        return SPATE_OK;
    }
    char *v = copied(value), *k = NULL;
    char **more = i < m->n_words ? m->words : sp_realloc(m->words, (m->n_words + 2) * sizeof(*more));
    m->words = more ? more : m->words;
    if (!v || !more || (i == m->n_words && !(k = copied(key)))) {
        sp_free(v);
        return sp_fail_nomem(err);
    }
    if (i == m->n_words) {
        m->words[i] = k;
        m->n_words += 2;
    } else {
        sp_free(m->words[i + 1]);
    }
    m->words[i + 1] = v;
    return SPATE_OK;
}
