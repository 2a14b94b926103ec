/* order.c - a level in the order of ids, while nodes join it.
 *
 * What has joined since the last page is sorted into a run of its own; runs are sorted together when one is not twice as large as
 * the next, so that there are few of them and a node is sorted a logarithmic number of times. A walk takes the smallest head of
 * all runs. Sorting is by radix over the first half's upper 32 bits; ids are hashes, so almost nothing is left to put right. */
#include "ledger/nodes.h"

typedef struct key {
    uint64_t hi;
    uint32_t node;
} key;

static bool before(const sp_side *s, uint32_t a, uint32_t b)
{
    const sp_node *x = sp_node_at(s, a), *y = sp_node_at(s, b);
    return x->hi != y->hi ? x->hi < y->hi : x->lo < y->lo;
}

static void radix_pass(const key *from, key *to, uint32_t n, unsigned shift)
{
    uint32_t at[2048] = {0}, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        at[from[i].hi >> shift & 2047]++;
    for (unsigned d = 0; d < 2048; d++) {
        uint32_t here = at[d];
        at[d] = sum;
        sum += here;
    }
    for (uint32_t i = 0; i < n; i++)
        to[at[from[i].hi >> shift & 2047]++] = from[i];
}

int sp_order_nodes(const sp_side *s, uint32_t *members, uint32_t n)
{
    key *a = sp_alloc((size_t)n * sizeof(*a)), *b = sp_alloc((size_t)n * sizeof(*b));
    if (a && b) {
        for (uint32_t i = 0; i < n; i++)
            a[i] = (key){sp_node_at(s, members[i])->hi, members[i]};
        radix_pass(a, b, n, 31);
        radix_pass(b, a, n, 42);
        radix_pass(a, b, n, 53);
        for (uint32_t i = 0; i < n; i++)
            members[i] = b[i].node;
        for (uint32_t i = 1; i < n; i++)
            for (uint32_t k = i; k && b[k].hi <= b[k - 1].hi && before(s, members[k], members[k - 1]); k--) {
                uint32_t swap = members[k];
                key swapped = b[k];
                members[k] = members[k - 1];
                b[k] = b[k - 1];
                members[k - 1] = swap;
                b[k - 1] = swapped;
            }
    }
    int rc = a && b ? SPATE_OK : SPATE_E_NOMEM;
    sp_free(a);
    sp_free(b);
    return rc;
}

static uint32_t run_start(const sp_level *level, unsigned run)
{
    return run ? level->run_end[run - 1] : 0;
}

int sp_level_sort(const sp_side *s, sp_level *level, spate_error *err)
{
    uint32_t from = level->runs ? level->run_end[level->runs - 1] : 0;
    if (from == level->n)
        return SPATE_OK;
    unsigned runs = level->runs;
    while (runs && from - run_start(level, runs - 1) < 2 * (level->n - from))
        from = run_start(level, --runs);
    SP_ASSERT(runs < SP_RUNS_MAX);
    if (sp_order_nodes(s, level->members + from, level->n - from) != SPATE_OK)
        return sp_fail_nomem(err);
    level->run_end[runs] = level->n;
    level->runs = runs + 1;
    return SPATE_OK;
}

void sp_walk_start(sp_walk *w, const sp_side *s, const sp_level *level, bool after, uint64_t hi, uint64_t lo)
{
    w->side = s;
    w->level = level;
    for (unsigned r = 0; r < level->runs; r++) {
        uint32_t from = run_start(level, r), to = level->run_end[r];
        while (after && from < to) {
            uint32_t mid = from + (to - from) / 2;
            const sp_node *node = sp_node_at(s, level->members[mid]);
            if (node->hi < hi || (node->hi == hi && node->lo <= lo))
                from = mid + 1;
            else
                to = mid;
        }
        w->at[r] = from;
    }
}

uint32_t sp_walk_next(sp_walk *w)
{
    const sp_level *level = w->level;
    if (level->runs == 1)
        return w->at[0] < level->run_end[0] ? level->members[w->at[0]++] : 0;
    int best = -1;
    for (unsigned r = 0; r < level->runs; r++)
        if (w->at[r] < level->run_end[r] &&
            (best < 0 || before(w->side, level->members[w->at[r]], level->members[w->at[best]])))
            best = (int)r;
    return best < 0 ? 0 : level->members[w->at[best]++];
}
