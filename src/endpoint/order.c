/* order.c - tables in an order in which parents come before their children, where foreign keys allow one. */
#include "endpoint/order.h"

#include <stdlib.h>

/* Tables in the order of their names, for finding them. */
typedef struct by_name {
    const char *name;
    uint32_t table;
} by_name;

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const by_name *)a)->name, ((const by_name *)b)->name);
}

static by_name *sort_names(sp_arena *arena, const sp_schema *const *tables, uint32_t n)
{
    by_name *names = sp_arena_alloc(arena, n, sizeof(*names));
    for (uint32_t i = 0; names && i < n; i++)
        names[i] = (by_name){tables[i]->table, i};
    if (names)
        qsort(names, n, sizeof(*names), compare_names);
    return names;
}

/* The number of the table, or -1. */
static int64_t find(const by_name *names, uint32_t n, const char *name)
{
    by_name wanted = {.name = name};
    const by_name *found = bsearch(&wanted, names, n, sizeof(*names), compare_names);
    return found ? (int64_t)found->table : -1;
}

/* A table's schema without the foreign keys to tables that are not made in this run. */
static const sp_schema *without_absent_parents(sp_arena *arena, const sp_schema *s, const by_name *names, uint32_t n)
{
    sp_schema *copy = sp_arena_alloc(arena, 1, sizeof(*copy));
    sp_foreign_key *keys = sp_arena_alloc(arena, s->n_foreign_keys, sizeof(*keys));
    if (!copy || !keys)
        return NULL;
    *copy = *s;
    copy->foreign_keys = keys;
    copy->n_foreign_keys = 0;
    for (uint32_t i = 0; i < s->n_foreign_keys; i++)
        if (find(names, n, s->foreign_keys[i].parent) >= 0)
            keys[copy->n_foreign_keys++] = s->foreign_keys[i];
    return copy;
}

/* Which tables wait for which: the children of table t are children[first[t]..first[t + 1]], a child once for each of its keys. */
typedef struct waiting {
    uint32_t *first, *children;
    uint32_t *parents; /* a table: how many it still waits for */
    uint32_t *heap;    /* those that wait for none, the first of the plan on top */
    uint32_t n_heap;
} waiting;

static bool find_children(sp_arena *arena, const sp_schema *const *all, uint32_t n, const by_name *names, waiting *w)
{
    size_t keys = 0;
    for (uint32_t i = 0; i < n; i++)
        keys += all[i]->n_foreign_keys;
    int64_t *parent = sp_arena_alloc(arena, keys, sizeof(*parent)), *p = parent;
    w->first = sp_arena_alloc(arena, (size_t)n + 2, sizeof(*w->first));
    w->children = sp_arena_alloc(arena, keys, sizeof(*w->children));
    w->parents = sp_arena_alloc(arena, n, sizeof(*w->parents));
    w->heap = sp_arena_alloc(arena, n, sizeof(*w->heap));
    if (!parent || !w->first || !w->children || !w->parents || !w->heap)
        return false;
    uint32_t *end = w->first + 1; /* while they are filled: end[t] is where the next child of t goes */
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < all[i]->n_foreign_keys; k++, p++) {
            *p = find(names, n, all[i]->foreign_keys[k].parent);
            if (*p >= 0 && *p != (int64_t)i) {
                end[*p + 1]++;
                w->parents[i]++;
            }
        }
    for (uint32_t i = 0; i < n; i++)
        end[i + 1] += end[i];
    p = parent;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < all[i]->n_foreign_keys; k++, p++)
            if (*p >= 0 && *p != (int64_t)i)
                w->children[end[*p]++] = i;
    return true;
}

static void heap_push(waiting *w, uint32_t table)
{
    uint32_t at = w->n_heap++;
    for (; at > 0 && w->heap[(at - 1) / 2] > table; at = (at - 1) / 2)
        w->heap[at] = w->heap[(at - 1) / 2];
    w->heap[at] = table;
}

static uint32_t heap_pop(waiting *w)
{
    uint32_t top = w->heap[0], last = w->heap[--w->n_heap], at = 0;
    for (uint32_t child; (child = 2 * at + 1) < w->n_heap; at = child) {
        if (child + 1 < w->n_heap && w->heap[child + 1] < w->heap[child])
            child++;
        if (w->heap[child] >= last)
            break;
        w->heap[at] = w->heap[child];
    }
    w->heap[at] = last;
    return top;
}

/* Parents first, otherwise as in the plan; where all that are left wait for each other, the plan's first goes on. */
static void order_tables(waiting *w, uint32_t n, bool *placed, uint32_t *order)
{
    uint32_t first_left = 0;
    for (uint32_t i = 0; i < n; i++)
        if (w->parents[i] == 0)
            heap_push(w, i);
    for (uint32_t done = 0; done < n; done++) {
        while (first_left < n && placed[first_left])
            first_left++;
        uint32_t table = w->n_heap ? heap_pop(w) : first_left;
        placed[table] = true;
        order[done] = table;
        for (uint32_t k = w->first[table]; k < w->first[table + 1]; k++)
            if (--w->parents[w->children[k]] == 0 && !placed[w->children[k]])
                heap_push(w, w->children[k]);
    }
}

bool sp_tables_in_order(sp_arena *arena, const sp_schema *const *wanted, uint32_t n, const sp_schema **tables,
                        uint32_t *order)
{
    bool *placed = sp_arena_alloc(arena, n, sizeof(*placed));
    by_name *names = sort_names(arena, wanted, n);
    waiting w = {0};
    if (!placed || !names || !find_children(arena, wanted, n, names, &w))
        return false;
    order_tables(&w, n, placed, order);
    for (uint32_t i = 0; i < n; i++) {
        tables[i] = without_absent_parents(arena, wanted[order[i]], names, n);
        if (!tables[i])
            return false;
    }
    return true;
}

int sp_source_in_order(sp_source *base, sp_arena *arena, void *tables, size_t size, const sp_schema *const *schemas,
                       const sp_extent *extents, spate_error *err)
{
    uint32_t n = base->n_tables, *order = sp_arena_alloc(arena, n + 1, sizeof(*order));
    char *own = sp_arena_alloc(arena, n + 1, size), *from;
    const sp_schema **ordered = sp_arena_alloc(arena, n + 1, sizeof(*ordered));
    sp_extent *reach = sp_arena_alloc(arena, n + 1, sizeof(*reach));
    if (!order || !own || !ordered || !reach || !sp_tables_in_order(arena, schemas, n, ordered, order))
        return sp_fail_nomem(err);
    memcpy(&from, tables, sizeof(from));
    for (uint32_t i = 0; i < n; i++) {
        memcpy(own + i * size, from + order[i] * size, size);
        reach[i] = extents[order[i]];
    }
    memcpy(tables, &own, sizeof(own));
    base->tables = ordered;
    base->extents = reach;
    return SPATE_OK;
}

/* ---- circles --------------------------------------------------------------------------------- */

/* Whether from leads back to goal; path marks what is being looked at. */
static bool leads_to(const sp_sink_deps *deps, uint32_t from, uint32_t goal, bool *path)
{
    path[from] = true;
    for (uint32_t i = 0; i < deps[from].n; i++) {
        uint32_t next = deps[from].tables[i];
        if (next == goal || (!path[next] && leads_to(deps, next, goal, path)))
            return true;
    }
    return false;
}

bool sp_deps_find_circle(sp_arena *arena, const sp_sink_deps *deps, uint32_t n, uint32_t *table)
{
    bool *path = sp_arena_alloc(arena, n + 1, sizeof(*path));
    if (!path)
        return false;
    for (*table = 0; *table < n && !leads_to(deps, *table, *table, path); ++*table)
        memset(path, 0, n * sizeof(*path));
    return true;
}

int sp_fail_circle(spate_error *err, const char *table)
{
    sp_fail(err, SPATE_E_CONFIG, "the foreign keys of table \"%s\" lead back to it: no order of loading satisfies them",
            table);
    sp_error_hint(err, "--defer-constraints checks them when all rows are there");
    return SPATE_E_CONFIG;
}
