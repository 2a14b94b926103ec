/* family.c - parents: by chance, as many children for each as a distribution says, in trees, in graphs.
 *
 * Children of a parent are neighbours, and how many it has is a draw of the parent's row. So that row r's parent can be found
 * without counting all before it, parents come in blocks of 1024, and each block has exactly its share of all rows; what the
 * draws of a block add up to is brought there by giving or taking a child here and there. A thread keeps the last block it
 * counted, so rows in order cost one draw a parent. */
#include "gen/family.h"

#include "gen/maths.h"

enum { BLOCK = 1024, BLOCK_NUMBER = BLOCK + 1, LEVELS_MAX = 61, COUNT_MAX = 1 << 20 };

typedef enum parents_kind { BY_PICK, BY_FAMILY, BY_FAN_OUT, BY_LEVEL, APART } parents_kind;
typedef enum shift_kind { AS_DRAWN, NOT_ITSELF, NOT_ANOTHERS } shift_kind;

struct sp_parents {
    parents_kind kind;
    shift_kind shift;          /* what is stepped over: then there is one choice less than rows */
    uint64_t key, n, rows;     /* n parents of so many rows */
    sp_pick pick;              /* BY_PICK: of the parent; BY_FAMILY: of a parent's children, above least */
    uint64_t least, most;      /* BY_FAMILY */
    const sp_counted *counted; /* BY_FAMILY: by a column of the parent; NULL: by the pick */
    uint32_t temp;             /* BY_FAMILY: the block counted last */
    const sp_parents *other;   /* NOT_ANOTHERS; APART: whose children these are */
    uint64_t roots, fan_out;   /* trees */
    uint32_t levels;
    uint64_t level[LEVELS_MAX + 1]; /* the first row of each, and behind the last */
};

/* ---- families -------------------------------------------------------------------------------------------------------- */

/* How many children each of n parents from first on has, as the column says: nothing and less is none. 0 or SPATE_E_NOMEM. */
static int read_counts(const sp_counted *c, uint64_t first, uint32_t n, uint64_t *counts, sp_gen_scratch *scratch)
{
    uint64_t parents[BLOCK];
    sp_column *temp = sp_scratch_temp(scratch, c->temp);
    if (!temp)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        parents[i] = first + i;
    temp->validity = NULL;
    if (c->counts->ops->fill(c->counts, parents, n, temp, scratch) != SPATE_OK)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        int64_t count = c->counts->type.kind == SP_I64   ? ((const int64_t *)temp->data)[i]
                        : c->counts->type.kind == SP_I32 ? ((const int32_t *)temp->data)[i]
                                                         : ((const int16_t *)temp->data)[i];
        counts[i] = sp_column_null(temp, i) || count < 0 ? 0 : SP_MIN((uint64_t)count, (uint64_t)COUNT_MAX);
    }
    return SPATE_OK;
}

/* The first row of a block. */
static uint64_t block_start(const sp_parents *p, uint64_t block)
{
    if (p->counted)
        return p->counted->starts[SP_MIN(block, (p->n + BLOCK - 1) / BLOCK)];
    uint64_t parent = block > p->n / BLOCK ? p->n : block * BLOCK;
    return sp_muldiv(SP_MIN(parent, p->n), p->rows, p->n);
}

/* Gives to, or takes from, one after the other until there are wanted in all. The bounds of all together allow it. */
static void settle(const sp_parents *p, uint64_t *counts, uint32_t n, uint64_t block, uint64_t wanted)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += counts[i];
    sp_permutation order = sp_permutation_of(p->key ^ sp_mix64(block), n);
    while (sum != wanted) {
        uint64_t gap = sum < wanted ? wanted - sum : sum - wanted, step = SP_MAX(gap / n, UINT64_C(1)), before = sum;
        for (uint32_t i = 0; i < n && sum != wanted; i++) {
            uint64_t *c = &counts[sp_permutation_at(&order, i)];
            uint64_t room = sum < wanted ? p->most - *c : *c - p->least;
            uint64_t change = SP_MIN(SP_MIN(step, room), sum < wanted ? wanted - sum : sum - wanted);
            *c = sum < wanted ? *c + change : *c - change;
            sum = sum < wanted ? sum + change : sum - change;
        }
        if (sum == before) { /* rounding left a block without room: the last takes what is over */
            counts[n - 1] += wanted - sum;
            break;
        }
    }
}

/* The rows before each of the block's parents, and behind the last. */
static const int64_t *count_block(const sp_parents *p, uint64_t block, sp_gen_scratch *scratch)
{
    sp_column *temp = sp_scratch_temp(scratch, p->temp);
    if (!temp)
        return NULL;
    int64_t *before = temp->data;
    if (temp->validity && before[BLOCK_NUMBER] == (int64_t)block) /* a validity says that there is a block at all */
        return before;
    uint64_t parents[BLOCK], counts[BLOCK];
    uint32_t n = (uint32_t)SP_MIN(p->n - block * BLOCK, (uint64_t)BLOCK);
    for (uint32_t i = 0; i < n; i++)
        parents[i] = block * BLOCK + i;
    if (p->counted) {
        if (read_counts(p->counted, block * BLOCK, n, counts, scratch) != SPATE_OK)
            return NULL;
    } else {
        sp_pick_many(&p->pick, parents, n, counts);
        for (uint32_t i = 0; i < n; i++)
            counts[i] += p->least;
        settle(p, counts, n, block, block_start(p, block + 1) - block_start(p, block));
    }
    before[0] = 0;
    for (uint32_t i = 0; i < BLOCK; i++)
        before[i + 1] = before[i] + (i < n ? (int64_t)counts[i] : 0);
    before[BLOCK_NUMBER] = (int64_t)block;
    sp_column_validity(temp, 1);
    return before;
}

static uint32_t find_in_block(const int64_t *before, int64_t at)
{
    uint32_t low = 0, high = BLOCK;
    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;
        if (before[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The block that has this child. */
static uint64_t find_block(const sp_parents *p, uint64_t row)
{
    uint64_t block = sp_muldiv(row, p->n, p->rows) / BLOCK, low = 0, high = (p->n + BLOCK - 1) / BLOCK;
    if (p->counted) { /* anywhere */
        while (low + 1 < high) {
            uint64_t middle = (low + high) / 2;
            if (p->counted->starts[middle] <= row)
                low = middle;
            else
                high = middle;
        }
        return low;
    }
    while (block_start(p, block) > row)
        block--;
    while (block_start(p, block + 1) <= row)
        block++;
    return block;
}

static int family_many(const sp_parents *p, const uint64_t *rows, uint32_t n, uint64_t *out, uint64_t *nth,
                       sp_gen_scratch *scratch)
{
    uint64_t begin = 1, end = 0, block = 0;
    uint32_t at = 0;
    const int64_t *before = NULL;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t row = rows[i] < p->rows ? rows[i] : rows[i] % p->rows;
        if (row < begin || row >= end) {
            block = find_block(p, row);
            begin = block_start(p, block);
            end = block_start(p, block + 1);
            if (!(before = count_block(p, block, scratch)))
                return SPATE_E_NOMEM;
            at = find_in_block(before, (int64_t)(row - begin));
        }
        int64_t in = (int64_t)(row - begin);
        while (in >= before[at + 1] && in < before[at + 1] + 64)
            at++;
        if (in < before[at] || in >= before[at + 1])
            at = find_in_block(before, in);
        out[i] = block * BLOCK + at;
        if (nth)
            nth[i] = (uint64_t)(in - before[at]);
    }
    return SPATE_OK;
}

/* ---- trees ----------------------------------------------------------------------------------------------------------- */

static uint64_t in_level(const sp_parents *p, uint64_t row)
{
    uint32_t level = 1;
    while (level + 1 < p->levels && row >= p->level[level + 1])
        level++;
    uint64_t above = p->level[level - 1];
    return above + sp_bounded(sp_draw(p->key, row), p->level[level] - above);
}

/* Levels that grow by the same ratio, from the roots to all rows. */
static void cut_levels(sp_parents *p, uint32_t depth)
{
    double low = 0, high = (double)p->rows + 1, n = (double)p->rows, at;
    for (int i = 0; i < 200; i++) {
        double ratio = (low + high) / 2, size = (double)p->roots, sum = 0;
        for (uint32_t d = 0; d < depth && sum <= n; d++, size *= ratio)
            sum += size;
        if (sum > n)
            high = ratio;
        else
            low = ratio;
    }
    double size = (double)p->roots;
    at = size;
    p->levels = depth;
    p->level[1] = p->roots;
    for (uint32_t d = 2; d <= depth; d++) {
        size *= low;
        at += size;
        uint64_t end = at < n ? (uint64_t)at : p->rows;
        p->level[d] = SP_MIN(SP_MAX(end, p->level[d - 1] + 1), p->rows - (depth - d)); /* at least a row each */
    }
    p->level[depth] = p->rows;
}

/* ---- all ------------------------------------------------------------------------------------------------------------- */

static int apart_many(const sp_parents *p, const uint64_t *rows, uint32_t n, uint64_t *out, sp_gen_scratch *scratch)
{
    uint64_t *nth = sp_scratch_push(scratch);
    int rc = sp_parents_many(p->other, rows, n, out, nth, scratch);
    sp_permutation order = {0};
    uint64_t last = 0;
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++) {
        if (!i || out[i] != last) {
            last = out[i];
            order = sp_permutation_of(p->key ^ sp_mix64(last), p->n);
        }
        out[i] = sp_permutation_at(&order, nth[i] % p->n);
    }
    sp_scratch_pop(scratch);
    return rc;
}

static int step_over(const sp_parents *p, const uint64_t *rows, uint32_t n, uint64_t *out, sp_gen_scratch *scratch)
{
    const uint64_t *skipped = rows;
    uint64_t *others = NULL;
    int rc = SPATE_OK;
    if (p->shift == NOT_ANOTHERS) {
        others = sp_scratch_push(scratch);
        rc = sp_parents_many(p->other, rows, n, others, NULL, scratch);
        skipped = others;
    }
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++)
        out[i] += out[i] >= skipped[i];
    if (others)
        sp_scratch_pop(scratch);
    return rc;
}

int sp_parents_many(const sp_parents *p, const uint64_t *rows, uint32_t n, uint64_t *out, uint64_t *nth,
                    sp_gen_scratch *scratch)
{
    int rc = SPATE_OK;
    switch (p->kind) {
    case BY_PICK: sp_pick_many(&p->pick, rows, n, out); break;
    case BY_FAMILY: rc = family_many(p, rows, n, out, nth, scratch); break;
    case BY_FAN_OUT:
        for (uint32_t i = 0; i < n; i++)
            out[i] = rows[i] < p->roots ? 0 : (rows[i] - p->roots) / p->fan_out;
        break;
    case BY_LEVEL:
        for (uint32_t i = 0; i < n; i++)
            out[i] = rows[i] < p->roots ? 0 : in_level(p, rows[i]);
        break;
    case APART: rc = apart_many(p, rows, n, out, scratch); break;
    }
    return rc == SPATE_OK && p->shift != AS_DRAWN ? step_over(p, rows, n, out, scratch) : rc;
}

bool sp_parents_orphan(const sp_parents *p, uint64_t row)
{
    return row < p->roots;
}

bool sp_parents_orphans(const sp_parents *p)
{
    return p->roots > 0;
}

bool sp_parents_unique(const sp_parents *p)
{
    bool in_turn = p->pick.kind == SP_PICK_CYCLE && p->pick.every == 1 && p->pick.step == 1 && p->rows <= p->n;
    return p->kind == BY_PICK && (p->pick.kind == SP_PICK_PERMUTATION || in_turn) && p->shift == AS_DRAWN;
}

uint32_t sp_parents_depth(const sp_parents *p)
{
    if (p->counted)
        return 1 + p->counted->counts->depth;
    return p->kind == APART || p->shift == NOT_ANOTHERS ? 2 + sp_parents_depth(p->other) : 1;
}

static int count_all(sp_counted *c, sp_gen_scratch *scratch)
{
    uint64_t counts[BLOCK];
    int rc = SPATE_OK;
    for (uint64_t first = 0, block = 0; rc == SPATE_OK && first < c->parents; first += BLOCK, block++) {
        uint32_t n = (uint32_t)SP_MIN(c->parents - first, (uint64_t)BLOCK);
        c->starts[block] = c->rows;
        rc = read_counts(c, first, n, counts, scratch);
        for (uint32_t i = 0; rc == SPATE_OK && i < n; i++)
            c->rows += counts[i];
        c->starts[block + 1] = c->rows;
    }
    return rc;
}

const sp_counted *sp_counted_new(const sp_build *b, const sp_cell *counts, uint64_t parents)
{
    sp_gen_scratch *scratch = NULL;
    if (!sp_kind_is_signed(counts->type.kind)) {
        sp_mistake(b->mistakes, b->column->children->mode_mark, b->column->children_of,
                   "is no column of whole numbers");
        return NULL;
    }
    sp_counted *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    int temp = sp_build_temp(b, counts->type, false);
    if (!c || temp < 0)
        return NULL;
    *c = (sp_counted){.counts = counts,
                      .parents = parents,
                      .temp = (uint32_t)temp,
                      .starts = sp_arena_alloc(b->arena, parents / BLOCK + 2, sizeof(*c->starts))};
    int rc = c->starts ? sp_build_scratch(b, counts->depth, &scratch) : SPATE_E_NOMEM;
    if (rc == SPATE_OK)
        rc = count_all(c, scratch);
    sp_gen_scratch_free(scratch);
    return rc == SPATE_OK ? c : NULL;
}

static bool make_family(const sp_build *b, sp_parents *p)
{
    const sp_plan_column *count = b->column->children;
    sp_build of_count = *b;
    int temp = sp_build_temp(b, (sp_type){.kind = SP_I64}, true);
    if (b->column->children_of.len) {
        const sp_counted *c = sp_build_counted(b);
        if (c && c->rows) /* else nobody has any, and the column is null or the table empty */
            *p = (sp_parents){.kind = BY_FAMILY,
                              .key = b->key,
                              .temp = (uint32_t)temp,
                              .counted = c,
                              .n = c->parents,
                              .rows = c->rows};
        return temp >= 0 && c;
    }
    of_count.column = count;
    of_count.key = sp_mix64(b->key ^ UINT64_C(0x6368696c64));
    p->kind = BY_FAMILY;
    p->temp = (uint32_t)temp;
    p->least = (uint64_t)count->min_i;
    p->most = (uint64_t)count->max_i - 1;
    sp_domain domain = {.n = p->most - p->least + 1, .min = (double)p->least, .unit = 1};
    return temp >= 0 && sp_build_pick(&of_count, domain, &p->pick);
}

static void make_tree(const sp_build *b, sp_parents *p)
{
    const sp_plan_tree *tree = &b->column->tree;
    p->roots = tree->roots;
    p->fan_out = tree->fan_out;
    p->kind = tree->fan_out ? BY_FAN_OUT : BY_LEVEL;
    if (!tree->fan_out && p->rows)
        cut_levels(p, tree->depth);
    if (tree->depth == 1)
        p->roots = SP_MAX(p->rows, UINT64_C(1));
}

static bool make_choice(const sp_build *b, sp_parents *p)
{
    const sp_plan_column *col = b->column;
    uint64_t choices = p->n - (p->shift != AS_DRAWN && p->n > 1);
    if (col->within.len) {
        p->kind = APART;
        p->n = choices;
        return (p->other = sp_build_parents(b, col->within_column)) != NULL;
    }
    return sp_build_pick(b, (sp_domain){.n = choices, .unit = 1, .scattered = true}, &p->pick);
}

const sp_parents *sp_parents_new(const sp_build *b)
{
    const sp_plan_column *col = b->column;
    const sp_plan_table *parent = &b->plan->tables[col->ref_table];
    sp_parents *p = sp_arena_alloc(b->arena, 1, sizeof(*p));
    if (!p)
        return NULL;
    *p = (sp_parents){.key = b->key, .n = SP_MAX(sp_build_parent_rows(b), UINT64_C(1)), .rows = b->table->rows};
    p->shift = col->differs.len ? NOT_ANOTHERS : col->graph ? NOT_ITSELF : AS_DRAWN;
    if (col->differs.len && !(p->other = sp_build_parents(b, col->differs_column)))
        return NULL;
    if (col->children)
        return p->rows && !make_family(b, p) ? NULL : p;
    if (parent == b->table && col->tree.roots) {
        make_tree(b, p);
        return p;
    }
    if (parent == b->table && !col->graph && !col->any_row) {
        p->roots = 1;
        p->pick = sp_pick_below(b->key);
        return p;
    }
    return make_choice(b, p) ? p : NULL;
}
