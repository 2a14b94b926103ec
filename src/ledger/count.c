/* count.c - how many nodes there are of what: by the counts that levels keep where those say it, by looking at each where not; and
 * statistics. */
#include "ledger/ledger.h"

/* ---- filters ------------------------------------------------------------------------------------------------------------------------- */

bool sp_fits(const spate_filter *f, uint16_t state)
{
    return !(state & SP_STATE_DELETED) && (!f->traversal || sp_state_traversal(state) == f->traversal) &&
           (!f->copy || sp_state_copy(state) == f->copy) && (!f->type || sp_state_type(state) == f->type) &&
           (!f->excluded || (f->excluded == SPATE_EXCLUDED_YES) == !!(state & SP_STATE_EXCLUDED));
}

uint64_t sp_fit_at_most(const spate_filter *f, const sp_level *level)
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
    uint64_t n = 0, most = sp_fit_at_most(f, level);
    bool either = !f->excluded || (f->excluded == SPATE_EXCLUDED_NO && !level->excluded);
    if (!most || (either && (!f->traversal || !f->copy)))
        return most;
    for (uint32_t i = 0; i < level->n; i++)
        n += sp_fits(f, *sp_state_at(s, level->members[i]));
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

enum {
    SUM_STATES = SP_STATE_EXCLUDED << 1, /* type, statuses and exclusion, as they stand in a node's state */
    SUM_FOUND = SUM_STATES,              /* beside them */
    SUMS = SUM_FOUND << 1
};

typedef struct summing {
    const sp_side *other;
    uint32_t folder; /* whose path is in path, with a slash behind it */
    sp_buf path;
    size_t base;
} summing;

static int is_found(summing *g, const sp_side *s, unsigned other, uint32_t i, bool *found)
{
    const sp_node *node = sp_node_at(s, i);
    if (g->folder != node->parent) {
        g->path.len = 0;
        if (sp_memory_path(s, node->parent, &g->path) != SPATE_OK)
            return SPATE_E_NOMEM;
        g->path.len -= g->path.len == 1;
        if (sp_buf_add(&g->path, "/", 1) != SPATE_OK)
            return SPATE_E_NOMEM;
        g->base = g->path.len;
        g->folder = node->parent;
    }
    g->path.len = g->base;
    if (sp_buf_add(&g->path, sp_text_at(s, node->name), node->name_len) != SPATE_OK)
        return SPATE_E_NOMEM;
    unsigned type = sp_state_type(*sp_state_at(s, i));
    spate_node_id id = spate_node_id_of(other, type, (spate_bytes){g->path.data, g->path.len});
    *found = sp_memory_find_id(g->other, id) != 0;
    return SPATE_OK;
}

static int sum_nodes(const sp_memory *m, unsigned side, spate_sum sums[SUMS])
{
    const sp_side *s = &m->side[side];
    summing g = {.other = &m->side[!side]};
    int rc = SPATE_OK;
    for (uint32_t i = 1; i < s->n && rc == SPATE_OK; i++) {
        uint16_t state = *sp_state_at(s, i);
        bool found = false;
        if (state & SP_STATE_DELETED || !sp_node_at(s, i)->parent)
            continue;
        if (sp_state_copy(state) == SPATE_COPY_PENDING && g.other->alive > 1)
            rc = is_found(&g, s, !side, i, &found);
        spate_sum *sum = &sums[state % SUM_STATES | (found ? SUM_FOUND : 0)];
        sum->nodes++;
        sum->bytes += (uint64_t)sp_node_at(s, i)->size;
    }
    sp_buf_done(&g.path);
    return rc;
}

int spate_ledger_sums(spate_ledger *l, spate_side side, int (*fn)(void *arg, const spate_sum *sum), void *arg,
                      spate_error *err)
{
    spate_sum *sums = sp_alloc_zero(SUMS, sizeof(*sums));
    pthread_rwlock_rdlock(&l->lock);
    int rc = sums ? sum_nodes(&l->memory, side, sums) : SPATE_E_NOMEM;
    pthread_rwlock_unlock(&l->lock);
    if (rc != SPATE_OK)
        (void)!sp_fail_nomem(err);
    for (unsigned k = 0; k < SUMS && rc == SPATE_OK; k++) {
        uint16_t state = (uint16_t)(k % SUM_STATES);
        if (!sums[k].nodes)
            continue;
        sums[k].type = (uint8_t)sp_state_type(state);
        sums[k].traversal = (uint8_t)sp_state_traversal(state);
        sums[k].copy = (uint8_t)sp_state_copy(state);
        sums[k].excluded = state & SP_STATE_EXCLUDED;
        sums[k].found = k & SUM_FOUND;
        rc = fn(arg, &sums[k]);
    }
    sp_free(sums);
    return rc;
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

int spate_ledger_stats_each(spate_ledger *l, spate_side side, int (*fn)(void *, int32_t, spate_stat, int64_t),
                            void *arg)
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
