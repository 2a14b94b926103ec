/* index.c - the ids of all nodes and their hash, for a journal that is replayed. Replay names nodes by number and needs neither. Ids are
 * made block by block: by the thread beside (ahead.c) while the next blocks are read, and what is left of them at the end on two
 * threads; then the table, in two halves. What would overflow a half's end is put in when both are there. */
#include "ledger/nodes.h"

#include <stdatomic.h>

enum { PARTS = 2, ALONE_BELOW = 1 << 14 /* nodes that are not worth a thread */ };

typedef struct work {
    sp_side *side;
    unsigned which; /* of the sides it is */
    _Atomic uint32_t block;
    _Atomic int status;
} work;

typedef struct part {
    work *work;
    void (*run)(struct part *p);
    unsigned nth;
    sp_buf spilled; /* numbers of nodes that found no room before the end of a half */
} part;

static void *run_part(void *arg)
{
    part *p = arg;
    p->run(p);
    return NULL;
}

/* Both parts at once; one after the other where there is no thread to be had, or little to do. */
static void run_parts(part parts[PARTS], void (*run)(part *p))
{
    pthread_t beside;
    parts[0].run = parts[1].run = run;
    bool two =
        parts[0].work->side->n >= ALONE_BELOW && sp_os_thread_start(&beside, run_part, &parts[1], NULL) == SPATE_OK;
    run(&parts[0]);
    if (two)
        pthread_join(beside, NULL);
    else
        run(&parts[1]);
}

/* ---- ids ---------------------------------------------------------------------------------------------------------------- */

/* The way into a folder, with room for any name behind it. */
static int path_into(const sp_side *s, uint32_t folder, sp_buf *path)
{
    path->len = 0;
    if (sp_memory_path(s, folder, path) || sp_buf_reserve(path, 1 + UINT16_MAX))
        return SPATE_E_NOMEM;
    if (path->len > 1)
        path->data[path->len++] = '/';
    return SPATE_OK;
}

int sp_memory_name_block(const sp_side *s, unsigned side, uint32_t block, uint32_t n, sp_buf *path)
{
    uint64_t first = (uint64_t)block << SP_NODE_BLOCK_BITS, end = SP_MIN(first + (1u << SP_NODE_BLOCK_BITS), n);
    uint32_t folder = 0;
    for (uint32_t i = (uint32_t)SP_MAX(first, UINT64_C(1)); i < end; i++) {
        sp_node *node = sp_node_at(s, i);
        if (!node->parent) /* the root got its own */
            continue;
        if (node->parent != folder && path_into(s, node->parent, path) != SPATE_OK)
            return SPATE_E_NOMEM;
        folder = node->parent;
        memcpy(path->data + path->len, sp_text_at(s, node->name), node->name_len);
        spate_bytes whole = {path->data, path->len + node->name_len};
        sp_id_split(spate_node_id_of(side, (spate_node_type)node->hi, whole), &node->hi, &node->lo);
    }
    return SPATE_OK;
}

static void run_ids(part *p)
{
    work *w = p->work;
    sp_side *s = w->side;
    sp_buf path;
    sp_buf_init(&path);
    for (uint32_t block; (block = atomic_fetch_add(&w->block, 1)) < s->n_blocks && w->status == SPATE_OK;)
        if (sp_memory_name_block(s, w->which, block, s->n, &path) != SPATE_OK)
            w->status = SPATE_E_NOMEM;
    sp_buf_done(&path);
}

/* ---- the table ------------------------------------------------------------------------------------------------------------ */

static int place(part *p, uint64_t from, uint64_t end, uint32_t i)
{
    sp_side *s = p->work->side;
    const sp_node *node = sp_node_at(s, i);
    uint32_t there = sp_hash_place_before(s, from, end, node->hi, node->lo, i);
    if (there == 0)
        return sp_buf_add(&p->spilled, &i, sizeof(i)) ? SPATE_E_NOMEM : SPATE_OK;
    return there == i ? SPATE_OK : SPATE_E_CORRUPT;
}

/* The nodes of this half's buckets, some of them at a time, so that their buckets are asked for before they are needed. Which half a
 * node is in is anybody's guess, so there is no branch on it. */
static void run_table(part *p)
{
    work *w = p->work;
    sp_side *s = w->side;
    uint64_t first = s->n_buckets * p->nth / PARTS, end = s->n_buckets * (p->nth + 1) / PARTS;
    memset(s->buckets + first, 0, (end - first) * sizeof(*s->buckets));
    int rc = SPATE_OK;
    for (uint32_t i = 1; i < s->n && rc == SPATE_OK;) {
        struct {
            uint32_t node;
            uint64_t bucket;
        } mine[SP_HASH_AHEAD];
        unsigned n = 0;
        for (; i < s->n && n < SP_HASH_AHEAD; i++) {
            uint64_t at = sp_hash_bucket(s, sp_node_at(s, i)->hi);
            mine[n].node = i;
            mine[n].bucket = at;
            n += (at >= first) & (at < end);
        }
        for (unsigned k = 0; k < n; k++)
            __builtin_prefetch(&s->buckets[mine[k].bucket], 1);
        for (unsigned k = 0; k < n && rc == SPATE_OK; k++)
            rc = place(p, mine[k].bucket, end, mine[k].node);
    }
    if (rc != SPATE_OK)
        w->status = rc;
}

static int place_spilled(part *p)
{
    sp_side *s = p->work->side;
    const uint32_t *spilled = (const uint32_t *)(const void *)p->spilled.data;
    for (size_t k = 0; k < p->spilled.len / sizeof(*spilled); k++) {
        const sp_node *node = sp_node_at(s, spilled[k]);
        if (sp_hash_place(s, node->hi, node->lo, spilled[k]) != spilled[k])
            return SPATE_E_CORRUPT;
    }
    return SPATE_OK;
}

static int index_parts(part parts[PARTS])
{
    work *w = parts[0].work;
    run_parts(parts, run_ids);
    if (w->status == SPATE_OK)
        run_parts(parts, run_table);
    for (unsigned k = 0; k < PARTS && w->status == SPATE_OK; k++)
        w->status = place_spilled(&parts[k]);
    return w->status;
}

int sp_memory_index(sp_side *s, unsigned side, spate_error *err)
{
    if (s->n == 1)
        return SPATE_OK;
    if (sp_hash_make(s, s->n + s->n / 16) != SPATE_OK)
        return sp_fail_nomem(err);
    work w = {.side = s, .which = side, .block = s->named};
    part parts[PARTS] = {{.work = &w, .nth = 0}, {.work = &w, .nth = 1}};
    for (unsigned k = 0; k < PARTS; k++)
        sp_buf_init(&parts[k].spilled);
    int rc = index_parts(parts);
    for (unsigned k = 0; k < PARTS; k++)
        sp_buf_done(&parts[k].spilled);
    return rc == SPATE_E_CORRUPT ? sp_fail(err, rc, "the journal has a node twice")
           : rc                  ? sp_fail_nomem(err)
                                 : SPATE_OK;
}
