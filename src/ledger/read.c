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

/* What the children of one folder have in common. Mostly their service ids are the root's and their paths: then one text holds all
 * that a child has, and the folder's too, because it begins with it. */
typedef struct stem {
    bool made;
    uint32_t folder;
    spate_node_id id;
    bool root;           /* the folder is */
    bool plain;          /* neither it nor what is above it, but for the root, has a service id of its own */
    size_t at, len;      /* in the buffer: [the root's service id] and the folder's path, without a last slash */
    size_t path;         /* where in this text paths begin */
    spate_bytes service; /* the folder's, as a distance into the buffer, where it is not plain */
    size_t root_service; /* bytes */
} stem;

static uint32_t copy_above(const sp_side *s, uint32_t folder, size_t *len, bool *plain)
{
    uint32_t top = folder;
    for (*len = 0, *plain = true; sp_node_at(s, top)->parent; top = sp_node_at(s, top)->parent) {
        *len += sp_node_at(s, top)->name_len + 1u;
        *plain &= !sp_node_at(s, top)->extra || !sp_memory_own_service(s, top).len;
    }
    return top;
}

static int make_stem(const sp_side *s, uint32_t folder, sp_buf *text, stem *st)
{
    size_t below;
    *st = (stem){.made = true, .folder = folder, .at = text->len};
    if (!folder)
        return SPATE_OK;
    const sp_node *node = sp_node_at(s, folder);
    uint32_t top = copy_above(s, folder, &below, &st->plain);
    spate_bytes own = sp_memory_own_service(s, top);
    st->id = sp_id_join(node->hi, node->lo);
    st->root = !node->parent;
    st->root_service = own.len;
    st->path = st->plain && own.len ? own.len - (own.p[own.len - 1] == '/') : 0;
    st->len = st->path + below;
    int rc = sp_buf_reserve(text, st->len);
    if (rc != SPATE_OK)
        return rc;
    if (st->path)
        memcpy(text->data + text->len, own.p, st->path);
    text->len += st->len;
    char *end = text->data + text->len;
    for (uint32_t k = folder; k != top; k = sp_node_at(s, k)->parent) {
        const sp_node *part = sp_node_at(s, k);
        end -= part->name_len;
        memcpy(end, sp_text_at(s, part->name), part->name_len);
        *--end = '/';
    }
    if (st->plain)
        return SPATE_OK;
    size_t at = text->len;
    rc = sp_memory_service(s, folder, text);
    st->service = noted(text, at);
    return rc;
}

static int copy_root(const sp_side *s, uint32_t i, sp_buf *text, spate_node *to)
{
    size_t at = text->len;
    int rc = sp_buf_add(text, "/", 1);
    to->path = noted(text, at);
    to->name = (spate_bytes){to->path.p + 1, 0};
    at = text->len;
    rc = rc ? rc : sp_memory_service(s, i, text);
    to->service_id = noted(text, at);
    return rc;
}

static spate_bytes part_of(size_t at, size_t len)
{
    return (spate_bytes){(const char *)at, len};
}

static int copy_extra(const sp_side *s, uint32_t i, sp_buf *text, spate_node *to)
{
    spate_bytes own = sp_memory_own_service(s, i), note = sp_memory_note(s, i);
    size_t at = text->len;
    int rc = own.len ? sp_buf_add(text, own.p, own.len) : SPATE_OK;
    to->service_id = own.len ? noted(text, at) : to->service_id;
    at = text->len;
    rc = rc ? rc : sp_buf_add(text, note.len ? note.p : "", note.len);
    to->note = noted(text, at);
    to->checksum = sp_memory_checksum(s, i);
    return rc;
}

/* A child's texts; st is its folder's. */
static int copy_texts(const sp_side *s, uint32_t i, const stem *st, sp_buf *text, spate_node *to)
{
    const sp_node *node = sp_node_at(s, i);
    size_t name = node->name_len, at = text->len, len = st->len + 1 + name;
    if (sp_buf_reserve(text, len + (st->plain ? 0 : st->service.len + 1 + name)) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = text->data + at;
    memcpy(p, text->data + st->at, st->len);
    p[st->len] = '/';
    sp_copy_short(p + st->len + 1, sp_text_at(s, node->name), name);
    text->len += len;
    to->name = part_of(at + st->len + 1, name);
    to->path = part_of(at + st->path, len - st->path);
    to->parent_path = part_of(at + st->path, st->root ? 1 : st->len - st->path);
    to->service_id = part_of(at, len);
    to->parent_service_id = part_of(at, st->root ? st->root_service : st->len);
    if (!st->plain) {
        spate_bytes above = st->service;
        to->parent_service_id = above;
        at = text->len;
        above.len -= above.len && text->data[(size_t)above.p + above.len - 1] == '/';
        memcpy(text->data + at, text->data + (size_t)above.p, above.len);
        text->data[at + above.len] = '/';
        sp_copy_short(text->data + at + above.len + 1, sp_text_at(s, node->name), name);
        text->len += above.len + 1 + name;
        to->service_id = noted(text, at);
    }
    return node->extra ? copy_extra(s, i, text, to) : SPATE_OK;
}

/* All but what takes text. */
static int copy_bare(const sp_side *s, uint32_t i, spate_nodes *out)
{
    const sp_node *node = sp_node_at(s, i);
    uint16_t state = *sp_state_at(s, i);
    if (make_room(out, out->n + 1) != SPATE_OK)
        return SPATE_E_NOMEM;
    out->nodes[out->n++] = (spate_node){.id = sp_id_join(node->hi, node->lo),
                                        .size = node->size,
                                        .mtime_ns = node->mtime_ns,
                                        .attributes = node->attributes,
                                        .depth = node->level,
                                        .type = (uint8_t)sp_state_type(state),
                                        .traversal = (uint8_t)sp_state_traversal(state),
                                        .copy = (uint8_t)sp_state_copy(state),
                                        .excluded = state & SP_STATE_EXCLUDED};
    return SPATE_OK;
}

static int copy_below(const sp_side *s, uint32_t i, const stem *st, spate_nodes *out)
{
    memory *m = out->memory;
    if (copy_bare(s, i, out) != SPATE_OK)
        return SPATE_E_NOMEM;
    spate_node *to = &out->nodes[out->n - 1];
    to->parent_id = st->id;
    int rc = sp_node_at(s, i)->parent ? copy_texts(s, i, st, &m->text, to) : copy_root(s, i, &m->text, to);
    out->n -= rc != SPATE_OK;
    return rc;
}

/* st: of the node before, and used again where that has the same parent. */
static int copy_next(const sp_side *s, uint32_t i, stem *st, spate_nodes *out)
{
    uint32_t parent = sp_node_at(s, i)->parent;
    int rc = st->made && st->folder == parent ? SPATE_OK : make_stem(s, parent, &((memory *)out->memory)->text, st);
    return rc ? rc : copy_below(s, i, st, out);
}

static int copy_node(const sp_side *s, uint32_t i, spate_nodes *out)
{
    stem st = {0};
    return copy_next(s, i, &st, out);
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

enum { IDS_AHEAD = 16 };

/* A node without the texts that others share. */
static int copy_facts(const sp_side *s, uint32_t i, spate_nodes *out)
{
    if (copy_bare(s, i, out) != SPATE_OK)
        return SPATE_E_NOMEM;
    sp_buf *text = &((memory *)out->memory)->text;
    spate_bytes own = sp_memory_own_service(s, i);
    size_t at = text->len;
    if (own.len && sp_buf_add(text, own.p, own.len) != SPATE_OK)
        return SPATE_E_NOMEM;
    out->nodes[out->n - 1].service_id = noted(text, at);
    return SPATE_OK;
}

static int get_some(spate_ledger *l, spate_side side, const spate_node_id *ids, size_t n, bool whole, spate_nodes *out,
                    int64_t *rows, spate_error *err)
{
    if (!memory_of(out, err))
        return SPATE_E_NOMEM;
    int rc = SPATE_OK;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    stem st = {0};
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        uint64_t hi, lo;
        if (i + IDS_AHEAD < n) {
            sp_id_split(ids[i + IDS_AHEAD], &hi, &lo);
            sp_hash_soon(s, hi);
        }
        uint32_t node = sp_memory_find_id(s, ids[i]);
        if (rows)
            rows[i] = node ? (int64_t)out->n : -1;
        if (node)
            rc = whole ? copy_next(s, node, &st, out) : copy_facts(s, node, out);
    }
    pthread_rwlock_unlock(&l->lock);
    return copies_done(out, rc, err);
}

int spate_ledger_get_many(spate_ledger *l, spate_side side, const spate_node_id *ids, size_t n, spate_nodes *out,
                          int64_t *rows, spate_error *err)
{
    return get_some(l, side, ids, n, true, out, rows, err);
}

int spate_ledger_facts_many(spate_ledger *l, spate_side side, const spate_node_id *ids, size_t n, spate_nodes *out,
                            int64_t *rows, spate_error *err)
{
    return get_some(l, side, ids, n, false, out, rows, err);
}

int spate_ledger_get(spate_ledger *l, spate_side side, spate_node_id id, spate_nodes *out, spate_error *err)
{
    return spate_ledger_get_many(l, side, &id, 1, out, NULL, err);
}

int spate_ledger_get_path(spate_ledger *l, spate_side side, spate_bytes path, spate_node_type type, spate_nodes *out,
                          spate_error *err)
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

int spate_ledger_counterparts(spate_ledger *l, spate_side side, const spate_node_id *ids, size_t n, spate_node_id *out,
                              bool *found, spate_error *err)
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

/* Gives up the largest of the chosen ones for a smaller one: a heap, so that some of a million cost no memory. */
static void choose(const sp_side *s, uint32_t *heap, size_t n, bool *ordered, uint32_t i)
{
    for (size_t at = n / 2; !*ordered && at-- > 0;)
        sift(s, heap, n, at);
    *ordered = true;
    if (!after_in_order(s, heap[0], i))
        return;
    heap[0] = i;
    sift(s, heap, n, 0);
}

enum { SORTED_BY_HAND = 48 };

static int sort_few(const sp_side *s, uint32_t *nodes, size_t n)
{
    if (n > SORTED_BY_HAND)
        return sp_order_nodes(s, nodes, (uint32_t)n);
    for (size_t i = 1; i < n; i++) {
        uint32_t node = nodes[i];
        size_t k = i;
        for (; k > 0 && after_in_order(s, nodes[k - 1], node); k--)
            nodes[k] = nodes[k - 1];
        nodes[k] = node;
    }
    return SPATE_OK;
}

/* The first limit children (0: all) in the order of ids. */
static int sorted_children(const sp_side *s, uint32_t parent, size_t limit, sp_buf *list, size_t *count)
{
    size_t n = 0;
    bool heap = false;
    list->len = 0;
    for (uint32_t i = sp_node_at(s, parent)->child; i; i = sp_node_at(s, i)->sibling) {
        if (!sp_node_alive(s, i))
            continue;
        if (limit && n == limit) {
            choose(s, (uint32_t *)(void *)list->data, n, &heap, i);
            continue;
        }
        if (sp_buf_add(list, &i, sizeof(i)) != SPATE_OK)
            return SPATE_E_NOMEM;
        n++;
    }
    *count = n;
    return sort_few(s, (uint32_t *)(void *)list->data, n);
}

static int copy_children(const sp_side *s, uint32_t parent, size_t limit, sp_buf *list, spate_nodes *out)
{
    size_t n = 0;
    stem st;
    int rc = parent ? sorted_children(s, parent, limit, list, &n) : SPATE_OK;
    if (n && rc == SPATE_OK)
        rc = make_stem(s, parent, &((memory *)out->memory)->text, &st);
    for (size_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = copy_below(s, ((uint32_t *)(void *)list->data)[i], &st, out);
    return rc;
}

int spate_ledger_children_some(spate_ledger *l, spate_side side, spate_node_id parent, spate_child_cursor *cursor,
                               size_t limit, spate_nodes *out, spate_error *err)
{
    if (!memory_of(out, err))
        return SPATE_E_NOMEM;
    stem st;
    int rc = SPATE_OK;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    uint32_t folder = sp_memory_find_id(s, parent), i = cursor->next;
    if (folder && !cursor->started)
        i = sp_node_at(s, folder)->child;
    if (folder && i)
        rc = make_stem(s, folder, &((memory *)out->memory)->text, &st);
    for (; folder && i && out->n < limit && rc == SPATE_OK; i = sp_node_at(s, i)->sibling)
        if (sp_node_alive(s, i))
            rc = copy_below(s, i, &st, out);
    cursor->next = folder ? i : 0;
    cursor->started = true;
    pthread_rwlock_unlock(&l->lock);
    return copies_done(out, rc, err);
}

/* Children of n folders, by ids or by paths. */
static int children_of(spate_ledger *l, unsigned side, const spate_node_id *ids, const spate_bytes *paths, size_t n,
                       size_t limit, spate_nodes *out, size_t *first, spate_error *err)
{
    if (!memory_of(out, err))
        return SPATE_E_NOMEM;
    sp_buf heap = {0};
    int rc = SPATE_OK;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        uint32_t parent =
            ids ? sp_memory_find_id(s, ids[i]) : sp_memory_find_path(&l->memory, side, paths[i], SPATE_FOLDER);
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

int spate_ledger_children(spate_ledger *l, spate_side side, spate_node_id parent, size_t limit, spate_nodes *out,
                          spate_error *err)
{
    return children_of(l, side, &parent, NULL, 1, limit, out, NULL, err);
}

int spate_ledger_children_path(spate_ledger *l, spate_side side, spate_bytes parent, size_t limit, spate_nodes *out,
                               spate_error *err)
{
    return children_of(l, side, NULL, &parent, 1, limit, out, NULL, err);
}

int spate_ledger_children_many(spate_ledger *l, spate_side side, const spate_node_id *parents, size_t n,
                               spate_nodes *out, size_t *first, spate_error *err)
{
    return children_of(l, side, parents, NULL, n, 0, out, first, err);
}

int spate_ledger_children_paths(spate_ledger *l, spate_side side, const spate_bytes *parents, size_t n,
                                spate_nodes *out, size_t *first, spate_error *err)
{
    return children_of(l, side, NULL, parents, n, 0, out, first, err);
}

/* ---- pages ------------------------------------------------------------------------------------------------------------------------- */

static bool is_sorted(const sp_level *level)
{
    return level->n == (level->runs ? level->run_end[level->runs - 1] : 0);
}

/* Locks for reading, with the filter's level sorted if it may have what the filter asks for: whoever finds it unsorted sorts it.
 * NULL: there is no such level. */
static int lock_sorted(spate_ledger *l, unsigned side, const spate_filter *f, sp_level **level, spate_error *err)
{
    int rc = SPATE_OK;
    for (;;) {
        pthread_rwlock_rdlock(&l->lock);
        *level = sp_level_at(&l->memory.side[side], f->depth);
        if (rc != SPATE_OK || !*level || is_sorted(*level) || !sp_fit_at_most(f, *level))
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

static int copy_page(const sp_side *s, const sp_level *level, const spate_filter *f, spate_cursor *cursor, size_t limit,
                     spate_nodes *out)
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
            if (sp_fits(f, *sp_state_at(s, i))) {
                group[n++] = i;
                __builtin_prefetch(sp_node_at(s, i));
            }
        rc = copy_group(s, group, n, out);
    }
    return rc;
}

/* Under the lock. */
static int fill_page(const sp_side *s, const sp_level *level, const spate_filter *f, spate_cursor *cursor, size_t limit,
                     spate_nodes *out)
{
    int rc = SPATE_OK;
    if (!level)
        return SPATE_OK;
    if (!cursor->started)
        cursor->generation = level->generation;
    if (sp_fit_at_most(f, level))
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
    int rc = lock_sorted(l, filter->side, filter, &level, err);
    rc = rc ? rc : fill_page(&l->memory.side[filter->side], level, filter, cursor, limit, out);
    pthread_rwlock_unlock(&l->lock);
    return copies_done(out, rc, err);
}

/* The source's children for nodes of a page, from one on: ids first, then all lookups, then what they lead to, so that the memory
 * has been asked for each before it is needed. */
static int copy_joined(const sp_side *src, const spate_nodes *page, size_t from, size_t n, sp_buf *list,
                       spate_nodes *children, size_t *first)
{
    uint64_t hi[PAGE_AHEAD], lo[PAGE_AHEAD];
    uint32_t folder[PAGE_AHEAD];
    int rc = SPATE_OK;
    for (size_t i = 0; i < n; i++) {
        sp_id_split(spate_node_id_of(SPATE_SRC, SPATE_FOLDER, page->nodes[from + i].path), &hi[i], &lo[i]);
        sp_hash_soon(src, hi[i]);
    }
    for (size_t i = 0; i < n; i++) {
        folder[i] = sp_hash_find(src, hi[i], lo[i]);
        folder[i] = sp_node_alive(src, folder[i]) ? folder[i] : 0;
        uint32_t child = folder[i] ? sp_node_at(src, folder[i])->child : 0;
        for (uint32_t k = child; k && k + 20 > child && (k & ((1u << SP_NODE_BLOCK_BITS) - 1)); k--)
            __builtin_prefetch(sp_node_at(src, k)); /* children of one listing are neighbours */
    }
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        first[from + i] = children->n;
        rc = copy_children(src, folder[i], 0, list, children);
    }
    return rc;
}

int spate_ledger_page_joined(spate_ledger *l, const spate_filter *filter, spate_cursor *cursor, size_t limit,
                             spate_nodes *out, spate_nodes *children, size_t *first, spate_error *err)
{
    sp_level *level;
    sp_buf heap = {0};
    if (!memory_of(out, err) || !memory_of(children, err))
        return SPATE_E_NOMEM;
    const sp_side *src = &l->memory.side[SPATE_SRC];
    int rc = lock_sorted(l, SPATE_DST, filter, &level, err);
    rc = rc ? rc : fill_page(&l->memory.side[SPATE_DST], level, filter, cursor, limit, out);
    rc = copies_done(out, rc, err);
    for (size_t i = 0; i < out->n && rc == SPATE_OK; i += PAGE_AHEAD)
        rc = copy_joined(src, out, i, SP_MIN((size_t)PAGE_AHEAD, out->n - i), &heap, children, first);
    first[out->n] = children->n;
    pthread_rwlock_unlock(&l->lock);
    sp_buf_done(&heap);
    return copies_done(children, rc, err);
}
