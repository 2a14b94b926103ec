/* config_order.c - how the tables of a catalog hang together: who comes first, and what has to be made for others' sake. */
#include "job/config.h"

static bool waits(const sp_config *k, uint32_t table, const bool *placed)
{
    const sp_cat_table *t = &k->c->tables[table];
    for (uint32_t i = 0; i < t->n_foreign_keys; i++) {
        int32_t parent = t->foreign_keys[i].parent_table;
        if (parent >= 0 && parent != (int32_t)table && !placed[parent])
            return true;
    }
    return false;
}

/* Parents before children, else as in the catalog. When all that are left wait for each other, the first of them goes on. */
bool sp_config_order(sp_config *k)
{
    uint32_t n = k->c->n_tables;
    bool *placed = sp_arena_alloc(k->arena, n + 1, sizeof(*placed));
    k->order = sp_arena_alloc(k->arena, n + 1, sizeof(*k->order));
    if (!placed || !k->order)
        return false;
    for (uint32_t done = 0; done < n;) {
        uint32_t before = done, first = UINT32_MAX;
        for (uint32_t i = 0; i < n; i++) {
            if (placed[i])
                continue;
            first = SP_MIN(first, i);
            if (waits(k, i, placed))
                continue;
            placed[i] = true;
            k->order[done++] = i;
        }
        if (done == before) {
            k->circles = placed[first] = true;
            k->order[done++] = first;
        }
    }
    return true;
}

/* ---- references ---------------------------------------------------------------------------------- */

static int place_in(const sp_cat_foreign_key *f, uint32_t column)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (f->columns[i] == column)
            return (int)i;
    return -1;
}

static bool is_own(const sp_cat_table *t, const sp_cat_foreign_key *f)
{
    return strcmp(f->parent, t->name) == 0;
}

/* The foreign key that a column takes part in; of several the one with the most columns, which brings the others' along, and rather
 * one to another table than to the own. */
static const sp_cat_foreign_key *widest(const sp_cat_table *t, uint32_t column)
{
    const sp_cat_foreign_key *best = NULL;
    for (uint32_t i = 0; i < t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &t->foreign_keys[i];
        if (f->parent_table < 0 || place_in(f, column) < 0)
            continue;
        bool inward = best && best->n == f->n && is_own(t, best) && !is_own(t, f);
        if (!best || f->n > best->n || inward)
            best = f;
    }
    return best;
}

const sp_cat_foreign_key *sp_config_reference(const sp_cat_table *t, uint32_t column, uint32_t *at, uint32_t *lead)
{
    const sp_cat_foreign_key *f = widest(t, column);
    if (!f)
        return NULL;
    *at = (uint32_t)place_in(f, column);
    *lead = column;
    for (uint32_t i = f->n; i-- > 0;)
        if (widest(t, f->columns[i]) == f)
            *lead = f->columns[i];
    return f;
}

int sp_config_kind(const sp_config *k, const sp_draft *d, const sp_cat_foreign_key *f, uint32_t *kinds)
{
    const sp_draft *parent = f->parent_table < 0 ? d : &k->drafts[f->parent_table];
    for (uint32_t i = 0; f->n > 1 && parent != d && d->n_ways == 1 && i < f->n; i++) {
        const sp_cat_type *type = &parent->t->columns[f->parent_columns[i]].type;
        const sp_demand *of = &parent->demands.columns[f->parent_columns[i]];
        *kinds = of->n_values ? of->n_values : type->class == SP_CAT_ENUM ? type->n_labels : 0;
        if (d->demands.columns[f->columns[i]].n_values == 1 && *kinds > 1)
            return (int)i;
    }
    return -1;
}

/* ---- needs --------------------------------------------------------------------------------------- */

static void need_references(sp_config *k, sp_draft *d)
{
    for (uint32_t i = 0; i < d->t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &d->t->foreign_keys[i];
        for (uint32_t j = 0; f->parent_table >= 0 && j < f->n; j++) {
            d->needed[f->columns[j]] = true;
            k->drafts[f->parent_table].needed[f->parent_columns[j]] = true;
        }
    }
}

static void need_keys(sp_draft *d)
{
    for (uint32_t i = 0; i < d->t->n_keys; i++)
        for (uint32_t j = 0; d->t->keys[i].n > 1 && j < d->t->keys[i].n; j++)
            d->needed[d->t->keys[i].columns[j]] = true;
}

/* Sums and what they are made of; and all that was chosen so that a condition holds. */
static void need_demands(sp_draft *d)
{
    const sp_demands *all = &d->demands;
    for (uint32_t i = 0; i < all->n_orderings; i++)
        d->needed[all->orderings[i].low] = d->needed[all->orderings[i].high] = true;
    for (uint32_t i = 0; i < d->t->n_columns; i++) {
        const sp_demand *of = &all->columns[i];
        bool some = of->is_null || of->not_null || of->n_values || of->n_excluded || of->min.p || of->max.p;
        bool chosen = (all->n_narrowed || all->n_forked) && some;
        d->needed[i] = d->needed[i] || of->sum.p || all->in_sums[i] || chosen;
    }
}

/* What a reference must be, all that it refers to is: there, where it cannot be null or its columns must be null together; and within
 * the same bounds, or of the same values. */
static void pass_on(const sp_demand *from, sp_demand *to, bool not_null)
{
    to->not_null = to->not_null || (not_null && !to->is_null);
    if (from->min.p)
        sp_demand_bound(to, false, from->min, from->min_open);
    if (from->max.p)
        sp_demand_bound(to, true, from->max, from->max_open);
    if (from->n_values && !to->n_values) {
        to->values = from->values;
        to->n_values = from->n_values;
    }
}

static void pass_on_demands(sp_config *k, const sp_draft *d)
{
    for (uint32_t i = 0; i < d->t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &d->t->foreign_keys[i];
        sp_draft *parent = f->parent_table < 0 ? NULL : &k->drafts[f->parent_table];
        uint32_t kinds = 0;
        int kind = sp_config_kind(k, d, f, &kinds);
        if (kind >= 0) /* each kind has as many rows as the next */
            parent->spread[f->parent_columns[kind]] = true;
        for (uint32_t j = 0; parent && parent != d && kind < 0 && j < f->n; j++)
            for (uint32_t way = 0; way < parent->n_ways; way++) {
                sp_demand none = {0}, *to = &parent->ways[way].demands.columns[f->parent_columns[j]];
                bool one_way = d->n_ways == 1 && !(f->n == 1 && d->demands.columns[f->columns[j]].is_null);
                pass_on(one_way ? &d->demands.columns[f->columns[j]] : &none, to,
                        f->full || d->t->columns[f->columns[j]].not_null);
            }
    }
}

/* Each row of what the column refers to shall have a row here, and so on up. */
static void spread_out(sp_config *k, sp_draft *d, uint32_t column)
{
    uint32_t at, lead;
    const sp_cat_foreign_key *f = sp_config_reference(d->t, column, &at, &lead);
    if (!f || d->spread[column] || &k->drafts[f->parent_table] == d)
        return;
    for (uint32_t i = 0; i < f->n; i++)
        d->spread[f->columns[i]] =
            d->spread[f->columns[i]] || sp_config_reference(d->t, f->columns[i], &at, &lead) == f;
    d->spread[column] = true;
    spread_out(k, &k->drafts[f->parent_table], f->parent_columns[(uint32_t)place_in(f, column)]);
}

/* A key that is looked up by a column that another key brings finds a row for each value, where there may be no null. */
static void need_rows_to_look_up(sp_config *k, const sp_draft *d)
{
    for (uint32_t i = 0; i < d->t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &d->t->foreign_keys[i];
        uint32_t at, lead, shared = f->n;
        bool must = false;
        for (uint32_t j = 0; f->parent_table >= 0 && j < f->n; j++)
            if (sp_config_reference(d->t, f->columns[j], &at, &lead) != f)
                shared = j;
            else
                must = must || d->t->columns[f->columns[j]].not_null;
        if (must && shared < f->n)
            spread_out(k, &k->drafts[f->parent_table], f->parent_columns[shared]);
    }
}

void sp_config_needs(sp_config *k)
{
    for (uint32_t i = k->c->n_tables;
         i-- > 0;) /* children first: what they demand of parents, those demand of theirs */
        pass_on_demands(k, &k->drafts[k->order[i]]);
    for (uint32_t i = 0; i < k->c->n_tables; i++) {
        need_references(k, &k->drafts[i]);
        need_rows_to_look_up(k, &k->drafts[i]);
        need_keys(&k->drafts[i]);
        for (uint32_t way = k->drafts[i].n_ways; way-- > 0;) {
            sp_config_enter(&k->drafts[i], way);
            need_demands(&k->drafts[i]);
        }
    }
}
