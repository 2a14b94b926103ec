/* config_ways.c - the ways that a table's conditions leave open: CHECK (num_nonnulls(card, iban) = 1) has rows with a card and rows with
 * an IBAN. Each way is chosen for by itself, as if it were the only one; a hidden column of the plan says which one a row goes. */
#include "job/config.h"

enum { WAYS_MAX = 4, TRIED_MAX = 400 }; /* more of them would be hard to read */

/* ---- finding them -------------------------------------------------------------------------------- */

/* The longest way to each column along "comes before", and on from it. A circle of them (which no row could keep) ends where
 * the ways get longer than there are columns. */
static void find_steps(sp_draft *d, unsigned *after)
{
    uint32_t n = d->t->n_columns;
    bool moved = true;
    for (uint32_t round = 0; moved && round < SP_MIN(n, 16u); round++) {
        moved = false;
        for (uint32_t a = 0; a < n; a++)
            for (uint32_t b = 0; b < n; b++) {
                if (a == b || !sp_config_before(d, a, b))
                    continue;
                moved = moved || d->step[b] < d->step[a] + 1 || after[a] < after[b] + 1;
                d->step[b] = SP_MAX(d->step[b], d->step[a] + 1);
                after[a] = SP_MAX(after[a], after[b] + 1);
            }
    }
    for (uint32_t i = 0; i < n; i++)
        d->steps[i] = d->step[i] + after[i] + 1;
}

/* What is below a column is below its bounds too: so that columns which come one after the other share a range. */
static void share_bounds(sp_draft *d)
{
    const sp_demands *all = &d->demands;
    for (uint32_t round = 0; round < SP_MIN(all->n_orderings, 16u); round++)
        for (uint32_t i = 0; i < all->n_orderings; i++) {
            if (all->orderings[i].differ)
                continue;
            sp_demand *low = &all->columns[all->orderings[i].low], *high = &all->columns[all->orderings[i].high];
            if (high->max.p)
                sp_demand_bound(low, true, high->max, high->max_open);
            if (low->min.p)
                sp_demand_bound(high, false, low->min, low->min_open);
            low->not_null = low->not_null || (high->not_null && !low->is_null); /* what is there follows on something */
        }
}

static bool read_names(sp_config *k, const sp_cat_table *t, sp_conditions *own)
{
    *own = (sp_conditions){.names = sp_arena_alloc(k->arena, t->n_columns + 1, sizeof(*own->names)),
                           .n_names = t->n_columns,
                           .items = sp_arena_alloc(k->arena, t->n_checks + 2, sizeof(*own->items)),
                           .n = t->n_checks,
                           .nulls_invalid = k->c->dialect == SP_SQL_SQLITE};
    if (!own->names || !own->items)
        return false;
    for (uint32_t i = 0; i < t->n_columns; i++)
        own->names[i] = t->columns[i].name;
    for (uint32_t i = 0; i < t->n_checks; i++)
        own->items[i] = (sp_condition){t->checks[i].sql, t->checks[i].column};
    if (t->partitions)
        own->items[own->n++] = (sp_condition){t->partitions, -1};
    return true;
}

/* x > 4 AND x < 5 */
static bool lacks_numbers(const sp_demand *d)
{
    double low, high;
    return d->min.p && d->max.p && sp_parse_f64(d->min, &low) && sp_parse_f64(d->max, &high) &&
           low + d->min_open > high - d->max_open;
}

/* Nothing must be null that cannot be, and there must be a number between others. */
static bool can_be(const sp_cat_table *t, const sp_demands *of)
{
    bool can = !of->impossible;
    for (uint32_t i = 0; i < t->n_columns; i++)
        can = can && !(of->columns[i].is_null && t->columns[i].not_null) &&
              !(t->columns[i].type.class == SP_CAT_INTEGER && lacks_numbers(&of->columns[i]));
    return can;
}

static bool add_way(sp_config *k, sp_draft *d, const sp_demands *demands)
{
    uint32_t n = d->t->n_columns + 1;
    sp_config_way *way = &d->ways[d->n_ways];
    *way = (sp_config_way){.demands = *demands,
                           .choices = sp_arena_alloc(k->arena, n, sizeof(*way->choices)),
                           .step = sp_arena_alloc(k->arena, n, sizeof(*way->step)),
                           .steps = sp_arena_alloc(k->arena, n, sizeof(*way->steps))};
    unsigned *after = sp_arena_alloc(k->arena, n, sizeof(*after));
    if (!way->choices || !way->step || !way->steps || !after)
        return false;
    sp_config_enter(d, d->n_ways++);
    share_bounds(d);
    find_steps(d, after);
    return true;
}

bool sp_config_ways(sp_config *k, sp_draft *d)
{
    sp_conditions own;
    sp_way way = {0};
    sp_demands demands, first;
    bool ok = read_names(k, d->t, &own);
    d->ways = sp_arena_alloc(k->arena, WAYS_MAX, sizeof(*d->ways));
    for (uint32_t tried = 0; ok && d->ways; tried++) {
        ok = sp_demands_read(&own, &way, k->arena, &demands);
        first = tried ? first : demands;
        if (ok && can_be(d->t, &demands) && d->n_ways < WAYS_MAX)
            ok = add_way(k, d, &demands);
        if (!sp_way_next(&way))
            break;
        d->ways_cut = tried == TRIED_MAX || d->n_ways == WAYS_MAX;
        if (d->ways_cut)
            break;
    }
    if (ok && d->ways && !d->n_ways)
        ok = add_way(k, d, &first);
    if (ok && d->ways)
        sp_config_enter(d, 0);
    return ok && d->ways;
}

void sp_config_enter(sp_draft *d, uint32_t way)
{
    d->demands = d->ways[way].demands;
    d->choices = d->ways[way].choices;
    d->step = d->ways[way].step;
    d->steps = d->ways[way].steps;
}

/* ---- after choosing ------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_items(const sp_choice *a, const sp_choice *b)
{
    bool same = a->n_items == b->n_items && !a->items == !b->items;
    for (uint32_t i = 0; same && i < a->n_items; i++)
        same = sp_str_eq(a->items[i], b->items[i]);
    return same;
}

/* The same cells, where they are not null. */
static bool same_cells(const sp_choice *a, const sp_choice *b)
{
    if (a->out || b->out)
        return a->out == b->out;
    bool modes = a->items ? b->items != NULL : !b->items && same_text(a->mode, b->mode) && same_text(a->text, b->text);
    return modes && same_items(a, b) && !a->weights == !b->weights && same_text(a->props, b->props) &&
           same_text(a->type, b->type) && same_text(a->distribution, b->distribution) && same_text(a->draw, b->draw) &&
           same_text(a->tree, b->tree) && same_text(a->differs, b->differs) && a->unique == b->unique &&
           a->primary_key == b->primary_key && a->sorted == b->sorted && a->n_common == b->n_common;
}

static bool is_always_null(const sp_choice *c)
{
    return c->null_rate >= 1;
}

bool sp_config_same(const sp_choice *a, const sp_choice *b)
{
    return (is_always_null(a) && is_always_null(b)) || (same_cells(a, b) && a->null_rate == b->null_rate);
}

uint32_t sp_config_commonest(const sp_draft *d, uint32_t column)
{
    uint32_t best = 0, most = 0;
    for (uint32_t way = 0; way < d->n_ways; way++) {
        uint32_t n = 0;
        for (uint32_t other = 0; other < d->n_ways; other++)
            n += sp_config_same(&d->ways[way].choices[column], &d->ways[other].choices[column]);
        if (is_always_null(&d->ways[way].choices[column]))
            return d->n_ways;
        if (n >= most) {
            most = n;
            best = way;
        }
    }
    return best;
}

bool sp_config_differs(const sp_draft *d, uint32_t column)
{
    for (uint32_t way = 1; way < d->n_ways; way++)
        if (!sp_config_same(&d->ways[way].choices[column], &d->ways[0].choices[column]))
            return true;
    return false;
}

/* What is made for the whole table at once, by a permutation or together with other columns, has one form; it can be null in some ways. */
static bool is_whole(const sp_draft *d, uint32_t column, const sp_choice *c)
{
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        if (same_text(d->choices[i].differs, d->t->columns[column].name))
            return true;
    return c->unique || c->draw || c->tree || c->differs || c->helper || (c->primary_key && d->combined);
}

static bool can_differ(const sp_draft *d, uint32_t column)
{
    const sp_choice *one = NULL;
    for (uint32_t way = 0; way < d->n_ways; way++) {
        const sp_choice *c = &d->ways[way].choices[column];
        if (c->out != d->choices[column].out)
            return false;
        if (is_always_null(c))
            continue;
        if (one && !same_cells(one, c) && (is_whole(d, column, one) || is_whole(d, column, c)))
            return false;
        one = c;
    }
    return true;
}

static bool is_as(const sp_draft *d, uint32_t a, uint32_t b)
{
    bool same = true;
    for (uint32_t i = 0; same && i < d->t->n_columns; i++)
        same = sp_config_same(&d->ways[a].choices[i], &d->ways[b].choices[i]);
    return same;
}

static void leave_out_doubles(sp_draft *d)
{
    uint32_t n = 0;
    for (uint32_t way = 0; way < d->n_ways; way++) {
        bool again = false;
        for (uint32_t before = 0; before < n; before++)
            again = again || is_as(d, before, way);
        if (!again)
            d->ways[n++] = d->ways[way];
    }
    d->n_ways = n;
}

/* Where cells are the same, nulls are as rare as in the way that has the fewest: that no case is for them alone. */
static void even_out_nulls(sp_draft *d, uint32_t column)
{
    const sp_choice *one = NULL;
    double least = 1;
    for (uint32_t way = 0; way < d->n_ways; way++) {
        const sp_choice *c = &d->ways[way].choices[column];
        if (is_always_null(c))
            continue;
        if (one && !same_cells(one, c))
            return;
        one = c;
        least = SP_MIN(least, c->null_rate);
    }
    for (uint32_t way = 0; way < d->n_ways; way++)
        if (!is_always_null(&d->ways[way].choices[column]))
            d->ways[way].choices[column].null_rate = least;
}

/* A name that no column has. */
static const char *free_name(sp_config *k, const sp_cat_table *t, const char *wanted)
{
    const char *name = wanted;
    for (unsigned n = 2; sp_catalog_find_column(t, sp_str_of(name)) >= 0 && n < 1000; n++)
        name = sp_config_printf(k, "%s_%u", wanted, n);
    return name;
}

/* Its cells are those of a hidden column, in the ways that have it. */
static void hide_whole(sp_config *k, sp_draft *d, uint32_t column)
{
    sp_choice *one = NULL;
    sp_buf ways = {0};
    int rc = SPATE_OK;
    uint32_t n = 0;
    for (uint32_t way = 0; way < d->n_ways && !rc; way++) {
        sp_choice *c = &d->ways[way].choices[column];
        if (is_always_null(c))
            continue;
        one = c;
        rc = sp_buf_printf(&ways, "%s'%u'", n++ ? ", " : "", way + 1);
    }
    sp_choice *helper = sp_arena_alloc(k->arena, 1, sizeof(*helper));
    k->nomem = k->nomem || rc || !helper;
    if (!k->nomem && one && is_whole(d, column, one) && !one->helper) {
        const char *name = d->t->columns[column].name,
                   *hidden = free_name(k, d->t, sp_config_printf(k, "%s_if_any", name));
        *helper = *one;
        helper->note = NULL;
        d->choices[column] = (sp_choice){.mode = "expr",
                                         .text = sp_config_printf(k, "if(%s in (%.*s), \"%s\", null)", d->way_name,
                                                                  (int)ways.len, ways.data, hidden),
                                         .helper_name = hidden,
                                         .helper = helper,
                                         .type = one->type};
        for (uint32_t way = 0; way < d->n_ways; way++) {
            d->ways[way].choices[column] = d->choices[column];
            for (uint32_t i = 0; i < d->t->n_columns; i++)
                if (same_text(d->ways[way].choices[i].differs, name))
                    d->ways[way].choices[i].differs = hidden;
        }
    }
    sp_buf_done(&ways);
}

void sp_config_unite(sp_config *k, sp_draft *d)
{
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        even_out_nulls(d, i);
    leave_out_doubles(d);
    bool can = true;
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        can = can && can_differ(d, i);
    if (!can) {
        d->n_ways = 1;
        d->ways_cut = true;
    }
    d->way_name = free_name(k, d->t, "way");
    sp_config_enter(d, 0);
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        if (sp_config_differs(d, i))
            hide_whole(k, d, i);
}
