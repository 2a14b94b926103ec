/* read.c - what is asked of the nodes in memory.
 *
 * An answer is copied out under the lock: nodes first, their text into one buffer, and when all is there, and the buffer moves no
 * more, the texts are pointed into it. */
#include "ledger/ledger.h"

typedef struct memory {
    sp_buf text;
    size_t cap;
} memory;

/* ---- copying nodes out ------------------------------------------------------------------------------------------------------- */

static memory *memory_of(spate_nodes *out, spate_error *err)
{
    if (!out->memory && !(out->memory = sp_alloc_zero(1, sizeof(memory))))
        (void)!sp_fail_nomem(err);
    memory *m = out->memory;
    if (m)
        m->text.len = out->n = 0;
    return m;
}

void spate_nodes_done(spate_nodes *out)
{
    memory *m = out->memory;
    if (m)
        sp_buf_done(&m->text);
    sp_free(m);
    sp_free(out->nodes);
    *out = (spate_nodes){0};
}

static int make_room(spate_nodes *out, size_t n)
{
    memory *m = out->memory;
    if (n <= m->cap)
        return SPATE_OK;
    size_t cap = SP_MAX(n, m->cap * 2);
    spate_node *more = sp_realloc(out->nodes, cap * sizeof(*more));
    if (!more)
        return SPATE_E_NOMEM;
    out->nodes = more;
    m->cap = cap;
    return SPATE_OK;
}

/* Until the buffer is done, p is a distance into it. */
static spate_bytes noted(const sp_buf *text, size_t at)
{
    return (spate_bytes){(const char *)at, text->len - at};
}

/* What the children of one folder have in common, as distances into the buffer. */
typedef struct above {
    spate_node_id id;
    spate_bytes path, service;
} above;

static int copy_above(const sp_side *s, uint32_t parent, sp_buf *text, above *a)
{
    *a = (above){{{0}}, {0}, {0}};
    if (!parent)
        return SPATE_OK;
    const sp_node *node = sp_node_at(s, parent);
    a->id = sp_id_join(node->hi, node->lo);
    size_t at = text->len;
    int rc = sp_memory_path(s, parent, text);
    a->path = noted(text, at);
    at = text->len;
    rc = rc ? rc : sp_memory_service(s, parent, text);
    a->service = noted(text, at);
    return rc;
}

/* parent, a slash and name, behind the text; its place. Room was made. */
static spate_bytes joined(sp_buf *text, spate_bytes parent, const char *name, size_t len)
{
    size_t at = text->len;
    const char *from = text->data + (size_t)parent.p;
    size_t stem = parent.len - (parent.len && from[parent.len - 1] == '/');
    memcpy(text->data + at, from, stem);
    text->data[at + stem] = '/';
    sp_copy_short(text->data + at + stem + 1, name, len);
    text->len += stem + 1 + len;
    return noted(text, at);
}

static int copy_texts(const sp_side *s, uint32_t i, const above *a, sp_buf *text, spate_node *to)
{
    const sp_node *node = sp_node_at(s, i);
    if (!node->parent) {
        size_t at = text->len;
        int rc = sp_memory_path(s, i, text);
        to->path = noted(text, at);
        at = text->len;
        rc = rc ? rc : sp_memory_service(s, i, text);
        to->service_id = noted(text, at);
        to->name = (spate_bytes){to->path.p + 1, 0};
        return rc;
    }
    if (sp_buf_reserve(text, a->path.len + a->service.len + 2 * (node->name_len + 1u)) != SPATE_OK)
        return SPATE_E_NOMEM;
    const char *name = sp_text_at(s, node->name);
    to->path = joined(text, a->path, name, node->name_len);
    to->name = (spate_bytes){to->path.p + to->path.len - node->name_len, node->name_len};
    if (!node->extra) {
        to->service_id = joined(text, a->service, name, node->name_len);
        return SPATE_OK;
    }
    size_t at = text->len;
    spate_bytes note = sp_memory_note(s, i);
    int rc = sp_memory_service(s, i, text);
    to->service_id = noted(text, at);
    at = text->len;
    rc = rc ? rc : sp_buf_add(text, note.len ? note.p : "", note.len);
    to->note = noted(text, at);
    return rc;
}

static int copy_below(const sp_side *s, uint32_t i, const above *a, spate_nodes *out)
{
    memory *m = out->memory;
    const sp_node *node = sp_node_at(s, i);
    uint16_t state = *sp_state_at(s, i);
    if (make_room(out, out->n + 1) != SPATE_OK)
        return SPATE_E_NOMEM;
    spate_node *to = &out->nodes[out->n];
    *to = (spate_node){.id = sp_id_join(node->hi, node->lo), .parent_id = a->id, .parent_path = a->path, .parent_service_id = a->service,
                       .size = node->size, .mtime_ns = node->mtime_ns,
                       .checksum = node->checksum, .depth = node->level, .type = (uint8_t)sp_state_type(state),
                       .traversal = (uint8_t)sp_state_traversal(state), .copy = (uint8_t)sp_state_copy(state),
                       .excluded = state & SP_STATE_EXCLUDED};
    int rc = copy_texts(s, i, a, &m->text, to);
    out->n += rc == SPATE_OK;
    return rc;
}

static int copy_node(const sp_side *s, uint32_t i, spate_nodes *out)
{
    above a;
    int rc = copy_above(s, sp_node_at(s, i)->parent, &((memory *)out->memory)->text, &a);
    return rc ? rc : copy_below(s, i, &a, out);
}

static int copies_done(spate_nodes *out, int rc, spate_error *err)
{
    const char *base = ((memory *)out->memory)->text.data;
    for (size_t i = 0; i < out->n && base; i++) {
        spate_node *n = &out->nodes[i];
        spate_bytes *texts[] = {&n->path, &n->parent_path, &n->name, &n->service_id, &n->parent_service_id, &n->note};
        for (unsigned k = 0; k < SP_COUNT(texts); k++)
            texts[k]->p = base + (size_t)texts[k]->p;
    }
    return rc ? sp_fail_nomem(err) : SPATE_OK;
}

/* ---- points ---------------------------------------------------------------------------------------------------------------------- */

int spate_ledger_get_many(spate_ledger *l, spate_side side, const spate_node_id *ids, size_t n, spate_nodes *out, int64_t *rows,
                          spate_error *err)
{
    if (!memory_of(out, err))
        return SPATE_E_NOMEM;
    int rc = SPATE_OK;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        uint32_t node = sp_memory_find_id(s, ids[i]);
        if (rows)
            rows[i] = node ? (int64_t)out->n : -1;
        rc = node ? copy_node(s, node, out) : SPATE_OK;
    }
    pthread_rwlock_unlock(&l->lock);
    return copies_done(out, rc, err);
}

int spate_ledger_get(spate_ledger *l, spate_side side, spate_node_id id, spate_nodes *out, spate_error *err)
{
    return spate_ledger_get_many(l, side, &id, 1, out, NULL, err);
}

int spate_ledger_get_path(spate_ledger *l, spate_side side, spate_bytes path, spate_node_type type, spate_nodes *out, spate_error *err)
{
    if (!memory_of(out, err))
        return SPATE_E_NOMEM;
    pthread_rwlock_rdlock(&l->lock);
    uint32_t i = sp_memory_find_path(&l->memory, side, path, type);
    int rc = i ? copy_node(&l->memory.side[side], i, out) : SPATE_OK;
    pthread_rwlock_unlock(&l->lock);
    return copies_done(out, rc, err);
}

int spate_ledger_root(spate_ledger *l, spate_side side, spate_nodes *out, spate_error *err)
{
    return spate_ledger_get_path(l, side, (spate_bytes){"/", 1}, SPATE_FOLDER, out, err);
}

int spate_ledger_counterparts(spate_ledger *l, spate_side side, const spate_node_id *ids, size_t n, spate_node_id *out, bool *found,
                              spate_error *err)
{
    sp_buf path = {0};
    int rc = SPATE_OK;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        uint32_t node = sp_memory_find_id(s, ids[i]);
        found[i] = false;
        path.len = 0;
        if (!node || (rc = sp_memory_path(s, node, &path)) != SPATE_OK)
            continue;
        out[i] = spate_node_id_of(!side, sp_state_type(*sp_state_at(s, node)), (spate_bytes){path.data, path.len});
        found[i] = sp_memory_find_id(&l->memory.side[!side], out[i]) != 0;
    }
    pthread_rwlock_unlock(&l->lock);
    sp_buf_done(&path);
    return rc ? sp_fail_nomem(err) : SPATE_OK;
}

/* ---- children -------------------------------------------------------------------------------------------------------------------- */

static bool after_in_order(const sp_side *s, uint32_t a, uint32_t b)
{
    const sp_node *x = sp_node_at(s, a), *y = sp_node_at(s, b);
    return x->hi != y->hi ? x->hi > y->hi : x->lo > y->lo;
}

/* Moves heap[at] down to where no child is larger. */
static void sift(const sp_side *s, uint32_t *heap, size_t n, size_t at)
{
    for (size_t k; (k = 2 * at + 1) < n; at = k) {
        k += k + 1 < n && after_in_order(s, heap[k + 1], heap[k]);
        if (!after_in_order(s, heap[k], heap[at]))
            return;
        uint32_t swap = heap[at];
        heap[at] = heap[k];
        heap[k] = swap;
    }
}

/* The smallest limit children, sorted: a heap of the best so far, so that a folder of a million costs no memory. */
static int smallest_children(const sp_side *s, uint32_t parent, size_t limit, sp_buf *heap, size_t *count)
{
    size_t n = 0;
    heap->len = 0;
    for (uint32_t i = sp_node_at(s, parent)->child; i; i = sp_node_at(s, i)->sibling) {
        if (!sp_node_alive(s, i))
            continue;
        if (!limit || n < limit) {
            if (sp_buf_add(heap, &i, sizeof(i)) != SPATE_OK)
                return SPATE_E_NOMEM;
            uint32_t *h = (uint32_t *)(void *)heap->data;
            for (size_t at = n++; at && after_in_order(s, h[at], h[(at - 1) / 2]); at = (at - 1) / 2) {
                uint32_t swap = h[at];
                h[at] = h[(at - 1) / 2];
                h[(at - 1) / 2] = swap;
            }
        } else if (after_in_order(s, *(uint32_t *)(void *)heap->data, i)) {
            *(uint32_t *)(void *)heap->data = i;
            sift(s, (uint32_t *)(void *)heap->data, n, 0);
        }
    }
    uint32_t *h = (uint32_t *)(void *)heap->data;
    for (size_t left = n; left > 1;) {
        uint32_t last = h[--left];
        h[left] = h[0];
        h[0] = last;
        sift(s, h, left, 0);
    }
    *count = n;
    return SPATE_OK;
}

static int copy_children(const sp_side *s, uint32_t parent, size_t limit, sp_buf *heap, spate_nodes *out)
{
    size_t n = 0;
    above a;
    int rc = parent ? smallest_children(s, parent, limit, heap, &n) : SPATE_OK;
    if (n && rc == SPATE_OK)
        rc = copy_above(s, parent, &((memory *)out->memory)->text, &a);
    for (size_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = copy_below(s, ((uint32_t *)(void *)heap->data)[i], &a, out);
    return rc;
}

/* Children of n folders, by ids or by paths. */
static int children_of(spate_ledger *l, unsigned side, const spate_node_id *ids, const spate_bytes *paths, size_t n, size_t limit,
                       spate_nodes *out, size_t *first, spate_error *err)
{
    if (!memory_of(out, err))
        return SPATE_E_NOMEM;
    sp_buf heap = {0};
    int rc = SPATE_OK;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        uint32_t parent = ids ? sp_memory_find_id(s, ids[i]) : sp_memory_find_path(&l->memory, side, paths[i], SPATE_FOLDER);
        if (first)
            first[i] = out->n;
        rc = copy_children(s, parent, limit, &heap, out);
    }
    pthread_rwlock_unlock(&l->lock);
    if (first)
        first[n] = out->n;
    sp_buf_done(&heap);
    return copies_done(out, rc, err);
}

int spate_ledger_children(spate_ledger *l, spate_side side, spate_node_id parent, size_t limit, spate_nodes *out, spate_error *err)
{
    return children_of(l, side, &parent, NULL, 1, limit, out, NULL, err);
}

int spate_ledger_children_path(spate_ledger *l, spate_side side, spate_bytes parent, size_t limit, spate_nodes *out, spate_error *err)
{
    return children_of(l, side, NULL, &parent, 1, limit, out, NULL, err);
}

int spate_ledger_children_many(spate_ledger *l, spate_side side, const spate_node_id *parents, size_t n, spate_nodes *out,
                               size_t *first, spate_error *err)
{
    return children_of(l, side, parents, NULL, n, 0, out, first, err);
}

int spate_ledger_children_paths(spate_ledger *l, spate_side side, const spate_bytes *parents, size_t n, spate_nodes *out,
                                size_t *first, spate_error *err)
{
    return children_of(l, side, NULL, parents, n, 0, out, first, err);
}

/* ---- pages ------------------------------------------------------------------------------------------------------------------------- */

static bool fits(const spate_filter *f, uint16_t state)
{
    return !(state & SP_STATE_DELETED) && (!f->traversal || sp_state_traversal(state) == f->traversal) &&
           (!f->copy || sp_state_copy(state) == f->copy) && (!f->type || sp_state_type(state) == f->type) &&
           (!f->excluded || (f->excluded == SPATE_EXCLUDED_YES) == !!(state & SP_STATE_EXCLUDED));
}

/* An upper bound from the counts: 0 means that no scan is needed. */
static uint64_t fit_at_most(const spate_filter *f, const sp_level *level)
{
    uint64_t traversal = 0, copy = 0;
    for (unsigned type = f->type; type < (f->type ? f->type + 1u : 5u); type++) {
        for (unsigned k = 0; k < 8; k++) {
            traversal += !f->traversal || k == f->traversal ? level->by_traversal[type][k] : 0;
            copy += !f->copy || k == f->copy ? level->by_copy[type][k] : 0;
        }
    }
    return SP_MIN(traversal, copy);
}

/* Locks for reading, with the level sorted: whoever finds it unsorted sorts it. NULL: there is no such level. */
static int lock_sorted(spate_ledger *l, unsigned side, int32_t depth, sp_level **level, spate_error *err)
{
    int rc = SPATE_OK;
    for (;;) {
        pthread_rwlock_rdlock(&l->lock);
        *level = sp_level_at(&l->memory.side[side], depth);
        if (rc != SPATE_OK || !*level || ((*level)->runs && (*level)->run_end[(*level)->runs - 1] == (*level)->n) || !(*level)->n)
            return rc;
        pthread_rwlock_unlock(&l->lock);
        pthread_rwlock_wrlock(&l->lock);
        rc = sp_level_sort(&l->memory.side[side], *level, err);
        pthread_rwlock_unlock(&l->lock);
    }
}

enum { PAGE_AHEAD = 64 };

/* Copies a run of nodes whose lines were asked for: then their names, then what is above them, then the copies. */
static int copy_group(const sp_side *s, const uint32_t *nodes, size_t n, spate_nodes *out)
{
    int rc = SPATE_OK;
    for (size_t i = 0; i < n; i++) {
        const sp_node *node = sp_node_at(s, nodes[i]);
        __builtin_prefetch(sp_text_at(s, node->name));
        if (node->parent)
            __builtin_prefetch(sp_node_at(s, node->parent));
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t parent = sp_node_at(s, nodes[i])->parent;
        if (parent)
            __builtin_prefetch(sp_text_at(s, sp_node_at(s, parent)->name));
    }
    for (size_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = copy_node(s, nodes[i], out);
    return rc;
}

static int copy_page(const sp_side *s, const sp_level *level, const spate_filter *f, spate_cursor *cursor, size_t limit, spate_nodes *out)
{
    uint64_t hi, lo;
    sp_walk walk;
    uint32_t group[PAGE_AHEAD], i = 1;
    int rc = SPATE_OK;
    sp_id_split(cursor->after, &hi, &lo);
    sp_walk_start(&walk, s, level, cursor->started, hi, lo);
    while (i && out->n < limit && rc == SPATE_OK) {
        size_t n = 0;
        while (n < SP_MIN((size_t)PAGE_AHEAD, limit - out->n) && (i = sp_walk_next(&walk)) != 0)
            if (fits(f, *sp_state_at(s, i))) {
                group[n++] = i;
                __builtin_prefetch(sp_node_at(s, i));
            }
        rc = copy_group(s, group, n, out);
    }
    return rc;
}

/* Under the lock. */
static int fill_page(const sp_side *s, const sp_level *level, const spate_filter *f, spate_cursor *cursor, size_t limit, spate_nodes *out)
{
    int rc = SPATE_OK;
    if (!level)
        return SPATE_OK;
    if (!cursor->started)
        cursor->generation = level->generation;
    if (fit_at_most(f, level))
        rc = copy_page(s, level, f, cursor, limit, out);
    cursor->missed |= cursor->generation != level->generation;
    cursor->started = true;
    if (out->n)
        cursor->after = out->nodes[out->n - 1].id;
    return rc;
}

int spate_ledger_page(spate_ledger *l, const spate_filter *filter, spate_cursor *cursor, size_t limit, spate_nodes *out,
                      spate_error *err)
{
    sp_level *level;
    if (!memory_of(out, err))
        return SPATE_E_NOMEM;
    int rc = lock_sorted(l, filter->side, filter->depth, &level, err);
    rc = rc ? rc : fill_page(&l->memory.side[filter->side], level, filter, cursor, limit, out);
    pthread_rwlock_unlock(&l->lock);
    return copies_done(out, rc, err);
}

int spate_ledger_page_joined(spate_ledger *l, const spate_filter *filter, spate_cursor *cursor, size_t limit, spate_nodes *out,
                             spate_nodes *children, size_t *first, spate_error *err)
{
    sp_level *level;
    sp_buf heap = {0};
    if (!memory_of(out, err) || !memory_of(children, err))
        return SPATE_E_NOMEM;
    const sp_side *src = &l->memory.side[SPATE_SRC];
    int rc = lock_sorted(l, SPATE_DST, filter->depth, &level, err);
    rc = rc ? rc : fill_page(&l->memory.side[SPATE_DST], level, filter, cursor, limit, out);
    rc = copies_done(out, rc, err);
    for (size_t i = 0; i < out->n && rc == SPATE_OK; i++) {
        first[i] = children->n;
        rc = copy_children(src, sp_memory_find_path(&l->memory, SPATE_SRC, out->nodes[i].path, SPATE_FOLDER), 0, &heap, children);
    }
    first[out->n] = children->n;
    pthread_rwlock_unlock(&l->lock);
    sp_buf_done(&heap);
    return copies_done(children, rc, err);
}

/* ---- counts -------------------------------------------------------------------------------------------------------------------------- */

static void count_node(const sp_side *s, uint32_t i, spate_subtree *out)
{
    uint16_t state = *sp_state_at(s, i);
    if (state & SP_STATE_DELETED)
        return;
    out->nodes++;
    out->folders += sp_state_type(state) == SPATE_FOLDER;
    out->files += sp_state_type(state) != SPATE_FOLDER;
    out->excluded += !!(state & SP_STATE_EXCLUDED);
    out->depth_max = SP_MAX(out->depth_max, (int32_t)sp_node_at(s, i)->level);
}

int spate_ledger_subtree(spate_ledger *l, spate_side side, spate_bytes root, spate_subtree *out, spate_error *err)
{
    *out = (spate_subtree){0};
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    for (unsigned type = SPATE_FOLDER; type <= SPATE_OTHER; type++) {
        uint32_t top = sp_memory_find_path(&l->memory, side, root, type);
        for (uint32_t i = top; i; i = sp_memory_below(s, top, i))
            count_node(s, i, out);
    }
    pthread_rwlock_unlock(&l->lock);
    return SPATE_OK;
}

static uint64_t count_level(const sp_side *s, const sp_level *level, const spate_filter *f)
{
    uint64_t n = 0;
    if (!f->excluded && (!f->traversal || !f->copy))
        return fit_at_most(f, level);
    for (uint32_t i = 0; i < level->n; i++)
        n += fits(f, *sp_state_at(s, level->members[i]));
    return n;
}

uint64_t spate_ledger_count(spate_ledger *l, const spate_filter *filter)
{
    uint64_t n = 0;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[filter->side];
    for (uint32_t d = 0; d < s->n_levels; d++)
        if (s->levels[d] && (filter->depth < 0 || filter->depth == (int32_t)d))
            n += count_level(s, s->levels[d], filter);
    pthread_rwlock_unlock(&l->lock);
    return n;
}

uint64_t spate_ledger_bytes(spate_ledger *l)
{
    pthread_rwlock_rdlock(&l->lock);
    uint64_t bytes = sp_memory_bytes(&l->memory);
    pthread_rwlock_unlock(&l->lock);
    return bytes;
}

size_t spate_ledger_levels(spate_ledger *l, spate_side side, int32_t *depths, size_t cap)
{
    size_t n = 0;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    for (uint32_t d = 0; d < s->n_levels; d++)
        if (s->levels[d] && s->levels[d]->alive && n++ < cap)
            depths[n - 1] = (int32_t)d;
    pthread_rwlock_unlock(&l->lock);
    return n;
}

/* ---- statistics ---------------------------------------------------------------------------------------------------------------------- */

typedef int stat_fn(void *arg, int32_t depth, spate_stat stat, int64_t count);

/* A sealed level's statistics follow its nodes. */
static int each_stat(spate_ledger *l, unsigned side, stat_fn *fn, void *arg)
{
    int rc = 0;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    for (uint32_t d = 0; d < s->n_levels && rc == 0; d++) {
        if (!s->levels[d])
            continue;
        sp_level now = *s->levels[d];
        if (now.sealed)
            sp_memory_recount(&now, side);
        for (unsigned k = 0; k < SPATE_STATS && rc == 0; k++)
            if (now.stat_there >> k & 1)
                rc = fn(arg, (int32_t)d, k, now.stat[k]);
    }
    pthread_rwlock_unlock(&l->lock);
    return rc;
}

int spate_ledger_stats_each(spate_ledger *l, spate_side side, int (*fn)(void *, int32_t, spate_stat, int64_t), void *arg)
{
    return each_stat(l, side, fn, arg);
}

typedef struct wanted {
    int32_t depth, deepest;
    spate_stat stat;
    int64_t sum;
} wanted;

static int add_up(void *arg, int32_t depth, spate_stat stat, int64_t count)
{
    wanted *w = arg;
    w->deepest = depth;
    w->sum += stat == w->stat && (w->depth < 0 || w->depth == depth) ? count : 0;
    return 0;
}

int64_t spate_ledger_stat(spate_ledger *l, spate_side side, int32_t depth, spate_stat stat)
{
    wanted w = {.depth = depth, .stat = stat};
    each_stat(l, side, add_up, &w);
    return w.sum;
}

int32_t spate_ledger_stat_depth(spate_ledger *l, spate_side side)
{
    wanted w = {.depth = -1, .stat = SPATE_STATS};
    each_stat(l, side, add_up, &w);
    return w.deepest;
}
