/* cases.c - cells that are made in one of several ways. A batch's rows are sorted by the way they are made, each way fills its rows
 * alone, and the cells are put back in order; so a way costs what its rows cost. */
#include "gen/build.h"

typedef struct cases_cell cases_cell;

/* Which way each row is made, or n_ways: not at all, a null. 0 or SPATE_E_NOMEM. */
typedef int choose_fn(const cases_cell *c, const uint64_t *rows, uint32_t n, uint64_t *way, sp_gen_scratch *scratch);

typedef struct label {
    uint64_t hash;
    sp_str text;
    uint32_t way;
    bool used;
} label;

struct cases_cell {
    sp_cell cell;
    choose_fn *choose;
    uint32_t n_ways, otherwise; /* the way that is left, or n_ways */
    const sp_cell **ways;
    uint32_t *temps;        /* of each way's cells */
    const sp_cell *by;      /* labels: the texts to be looked up */
    const sp_cell **whens;  /* conditions, one for each way but "else" */
    uint32_t n_whens, temp; /* of the texts, or of a condition */
    const label *labels;    /* open addressing */
    uint64_t mask;
    uint64_t below; /* common values: the places that are theirs */
    uint64_t key;   /* locales: the same for all columns of the table */
    sp_guide locales;
};

/* ---- choosing -------------------------------------------------------------------------------------------------------- */

static uint32_t look_up(const cases_cell *c, sp_str text)
{
    uint64_t hash = sp_hash64(text.p, text.len, 0);
    for (uint64_t i = hash & c->mask; c->labels[i].used; i = (i + 1) & c->mask)
        if (c->labels[i].hash == hash && sp_str_eq(c->labels[i].text, text))
            return c->labels[i].way;
    return c->otherwise;
}

static int choose_by(const cases_cell *c, const uint64_t *rows, uint32_t n, uint64_t *way, sp_gen_scratch *scratch)
{
    sp_column *texts = sp_scratch_temp(scratch, c->temp);
    if (!texts)
        return SPATE_E_NOMEM;
    texts->validity = NULL;
    if (c->by->ops->fill(c->by, rows, n, texts, scratch) != SPATE_OK)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        way[i] = sp_column_null(texts, i) ? c->otherwise : look_up(c, sp_column_str(texts, i));
    return SPATE_OK;
}

/* The last condition first, so that the first that holds is what stays. */
static int choose_when(const cases_cell *c, const uint64_t *rows, uint32_t n, uint64_t *way, sp_gen_scratch *scratch)
{
    sp_column *truth = sp_scratch_temp(scratch, c->temp);
    if (!truth)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        way[i] = c->otherwise;
    for (uint32_t w = c->n_whens; w-- > 0;) {
        truth->validity = NULL;
        if (c->whens[w]->ops->fill(c->whens[w], rows, n, truth, scratch) != SPATE_OK)
            return SPATE_E_NOMEM;
        for (uint32_t i = 0; i < n; i++)
            way[i] = sp_bit(truth->data, i) && !sp_column_null(truth, i) ? w : way[i];
    }
    return SPATE_OK;
}

static int choose_common(const cases_cell *c, const uint64_t *rows, uint32_t n, uint64_t *way, sp_gen_scratch *scratch)
{
    sp_draw_many(c->cell.key, rows, n, 0, way);
    for (uint32_t i = 0; i < n; i++)
        way[i] = way[i] >= c->below;
    return SPATE_OK;
}

static int choose_locale(const cases_cell *c, const uint64_t *rows, uint32_t n, uint64_t *way, sp_gen_scratch *scratch)
{
    sp_draw_many(c->key, rows, n, 0, way);
    for (uint32_t i = 0; i < n; i++)
        way[i] = sp_guide_find(&c->locales, way[i]);
    return SPATE_OK;
}

/* ---- filling --------------------------------------------------------------------------------------------------------- */

/* The rows that are made by one way, in order. */
static uint32_t select_rows(const uint64_t *rows, uint32_t n, const uint64_t *way, uint32_t which, uint64_t *out)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        out[k] = rows[i];
        k += way[i] == which;
    }
    return k;
}

typedef struct sixteen {
    uint64_t a, b;
} sixteen;
#define SCATTER(type) \
    for (uint32_t i = 0, k = 0; i < n; i++) \
        if (way[i] == which) \
            ((type *)out->data)[i] = ((const type *)from->data)[k++];

static void scatter(const sp_column *from, const uint64_t *way, uint32_t which, uint32_t n, sp_column *out)
{
    switch (sp_kind_width(out->type.kind)) {
    case 2: SCATTER(uint16_t) break;
    case 4: SCATTER(uint32_t) break;
    case 8: SCATTER(uint64_t) break;
    case 16: SCATTER(sixteen) break;
    default: /* bits, which begin as zeros */
        for (uint32_t i = 0, k = 0; i < n; i++)
            if (way[i] == which)
                ((uint8_t *)out->data)[i >> 3] |= (uint8_t)(sp_bit(from->data, k++) << (i & 7));
    }
}

/* Texts cannot be scattered: each row's is copied from where its way has come to. at: of each way. */
static int gather_texts(const cases_cell *c, const uint64_t *way, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    if (sp_column_reserve_bytes(out, (size_t)n * c->cell.bounds.text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    uint64_t *at = sp_scratch_push(scratch);
    char *p = out->bytes;
    memset(at, 0, SP_MIN(c->n_ways, (uint32_t)SP_BATCH_ROWS_MAX) * sizeof(*at));
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (way[i] < c->n_ways) {
            sp_str s = sp_column_str(sp_scratch_temp(scratch, c->temps[way[i]]), (uint32_t)at[way[i]]++);
            p = sp_copy_short(p, s.p, s.len);
        }
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    sp_scratch_pop(scratch);
    return SPATE_OK;
}

static void copy_nulls(const sp_column *from, const uint64_t *way, uint32_t which, uint32_t n, sp_column *out)
{
    for (uint32_t i = 0, k = 0; i < n && from->validity; i++)
        if (way[i] == which && !sp_bit(from->validity, k++))
            sp_column_validity(out, n)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

static void null_rest(const cases_cell *c, const uint64_t *way, uint32_t n, sp_column *out)
{
    for (uint32_t i = 0; i < n; i++)
        if (way[i] == c->n_ways)
            sp_column_validity(out, n)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

static int fill_way(const cases_cell *c, uint32_t which, const uint64_t *rows, uint32_t n, const uint64_t *way,
                    sp_column *out, sp_gen_scratch *scratch)
{
    sp_column *temp = sp_scratch_temp(scratch, c->temps[which]);
    if (!temp)
        return SPATE_E_NOMEM;
    uint64_t *mine = sp_scratch_push(scratch);
    uint32_t count = select_rows(rows, n, way, which, mine);
    temp->validity = NULL;
    int rc = count ? c->ways[which]->ops->fill(c->ways[which], mine, count, temp, scratch) : SPATE_OK;
    sp_scratch_pop(scratch);
    if (rc != SPATE_OK || !count)
        return rc;
    copy_nulls(temp, way, which, n, out);
    if (sp_kind_width(out->type.kind) || out->type.kind == SP_BOOL)
        scatter(temp, way, which, n, out);
    return SPATE_OK;
}

static int cases_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const cases_cell *c = (const cases_cell *)cell;
    uint64_t *way = sp_scratch_push(scratch);
    int rc = c->choose(c, rows, n, way, scratch);
    if (cell->type.kind == SP_BOOL)
        memset(out->data, 0, (n + 7) / 8);
    for (uint32_t w = 0; w < c->n_ways && rc == SPATE_OK; w++)
        rc = fill_way(c, w, rows, n, way, out, scratch);
    if (rc == SPATE_OK && cell->nullable)
        null_rest(c, way, n, out);
    if (rc == SPATE_OK && !sp_kind_width(cell->type.kind) && cell->type.kind != SP_BOOL)
        rc = gather_texts(c, way, n, out, scratch);
    sp_scratch_pop(scratch);
    return rc;
}

static const sp_cell_ops cases_ops = {cases_fill, NULL};

/* ---- building -------------------------------------------------------------------------------------------------------- */

static cases_cell *new_cases(const sp_build *b, uint32_t n)
{
    cases_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->ways = sp_arena_alloc(b->arena, n, sizeof(*c->ways));
    c->temps = sp_arena_alloc(b->arena, n, sizeof(*c->temps));
    c->n_ways = c->otherwise = n;
    return c->ways && c->temps ? c : NULL;
}

static bool same_type(const sp_type *a, const sp_type *b)
{
    return a->kind == b->kind && (a->kind != SP_DECIMAL || (a->scale == b->scale && a->precision == b->precision));
}

/* Integers of different widths are made the widest; other types must agree. */
static bool agree(const sp_build *b, cases_cell *c, const sp_plan_case *cases)
{
    sp_type widest = c->ways[0]->type;
    for (uint32_t i = 1; i < c->n_ways; i++) {
        const sp_type *t = &c->ways[i]->type;
        if (widest.kind <= SP_I64 && widest.kind >= SP_I16 && t->kind <= SP_I64 && t->kind >= SP_I16)
            widest.kind = SP_MAX(widest.kind, t->kind);
        else if (!same_type(t, &widest)) {
            sp_mistake(b->mistakes, cases[i].mark, (sp_str){0},
                       "makes %s cells, and the first case %s cells: say a type", sp_kind_name(t->kind),
                       sp_kind_name(widest.kind));
            return false;
        }
    }
    if (widest.kind == SP_LIST) {
        sp_mistake(b->mistakes, cases[0].mark, (sp_str){0}, "arrays cannot be made by cases");
        return false;
    }
    sp_type *type = sp_arena_alloc(b->arena, 1, sizeof(*type));
    if (!type)
        return false;
    *type = widest;
    for (uint32_t i = 0; i < c->n_ways; i++)
        if (!(c->ways[i] = sp_cast_cell(b, (sp_cell *)(uintptr_t)c->ways[i], type)))
            return false;
    return true;
}

/* What is known of all ways together. */
static bool finish(const sp_build *b, cases_cell *c, const sp_cell *asked)
{
    sp_cell *cell = &c->cell;
    *cell = *c->ways[0];
    cell->ops = &cases_ops;
    cell->key = b->key;
    cell->unique = false;
    cell->nullable = c->otherwise == c->n_ways;
    cell->depth = 0;
    for (uint32_t i = 0; i < c->n_ways; i++) {
        const sp_cell *way = c->ways[i];
        int temp = sp_build_temp(b, way->type, false);
        if (temp < 0)
            return false;
        c->temps[i] = (uint32_t)temp;
        cell->nullable = cell->nullable || way->nullable;
        cell->text_max = SP_MAX(cell->text_max, way->text_max);
        cell->work_text = SP_MAX(cell->work_text, way->work_text);
        cell->depth = SP_MAX(cell->depth, way->depth);
        cell->bounds.has_range = cell->bounds.has_range && way->bounds.has_range;
        cell->bounds.min = SP_MIN(cell->bounds.min, way->bounds.min);
        cell->bounds.max = SP_MAX(cell->bounds.max, way->bounds.max);
        cell->bounds.text_max = SP_MAX(cell->bounds.text_max, way->bounds.text_max);
        cell->bounds.care = SP_MIN(cell->bounds.care, way->bounds.care);
        cell->has_float_range = cell->has_float_range && way->has_float_range;
        cell->min_f = SP_MIN(cell->min_f, way->min_f);
        cell->max_f = SP_MAX(cell->max_f, way->max_f);
    }
    if (cell->nullable)
        cell->bounds.care = SP_CARE_ESCAPES;
    cell->depth = SP_MAX(cell->depth, asked ? asked->depth : 0) + 2; /* the ways, and one way's rows */
    return true;
}

static bool index_labels(const sp_build *b, cases_cell *c, const sp_plan_case *cases, uint32_t n)
{
    uint64_t cap = 16;
    while (cap < 2 * (uint64_t)n)
        cap *= 2;
    label *labels = sp_arena_alloc(b->arena, cap, sizeof(*labels));
    if (!labels)
        return false;
    c->labels = labels;
    c->mask = cap - 1;
    for (uint32_t w = 0; w < n; w++) {
        sp_str text = cases[w].label;
        uint64_t hash = sp_hash64(text.p, text.len, 0), i = hash & c->mask;
        while (labels[i].used)
            i = (i + 1) & c->mask;
        labels[i] = (label){hash, text, w, true};
    }
    return true;
}

/* A set's values, if the column is one that is no surprise. */
static void check_labels(const sp_build *b, const sp_plan_column *by)
{
    const sp_plan_column *col = b->column;
    if (by->mode != SP_MODE_SET || by->n_common)
        return;
    for (uint32_t w = 0; w + col->has_else < col->n_cases; w++) {
        bool known = false;
        for (uint32_t i = 0; i < by->n_items && !known; i++)
            known = sp_str_eq(by->items[i].text, col->cases[w].label);
        if (!known)
            sp_warning(b->mistakes, col->cases[w].mark, col->cases[w].label,
                       "is no value of the column \"%.60s\", so this case never comes", by->name);
    }
}

static bool build_by(const sp_build *b, cases_cell *c)
{
    const sp_plan_column *col = b->column;
    static const sp_type text = {.kind = SP_TEXT};
    const sp_cell *by = sp_build_sibling(b, col->by_column);
    if (!by)
        return false;
    check_labels(b, &b->table->columns[col->by_column]);
    c->by = sp_cast_cell(b, (sp_cell *)(uintptr_t)by, &text);
    int temp = c->by ? sp_build_temp(b, text, false) : -1;
    c->temp = (uint32_t)temp;
    c->choose = choose_by;
    return temp >= 0 && index_labels(b, c, col->cases, col->n_cases - col->has_else);
}

static bool build_whens(const sp_build *b, cases_cell *c)
{
    const sp_plan_column *col = b->column;
    uint32_t n = col->n_cases - col->has_else;
    c->whens = sp_arena_alloc(b->arena, SP_MAX(n, 1u), sizeof(*c->whens));
    int temp = c->whens ? sp_build_temp(b, (sp_type){.kind = SP_BOOL}, false) : -1;
    c->temp = (uint32_t)temp;
    c->choose = choose_when;
    c->n_whens = n;
    bool good = temp >= 0;
    for (uint32_t w = 0; w < n && temp >= 0; w++) {
        c->whens[w] = sp_expr_cell(b, col->cases[w].when);
        good = good && c->whens[w];
        if (c->whens[w] && c->whens[w]->type.kind != SP_BOOL) {
            sp_mistake(b->mistakes, col->cases[w].when->mark, col->cases[w].when->shown, "is no condition");
            good = false;
        }
    }
    return good;
}

/* The deepest of the cells that are asked to choose. */
static const sp_cell *deepest(const cases_cell *c)
{
    const sp_cell *most = c->by;
    for (uint32_t w = 0; w < c->n_whens; w++)
        most = !most || c->whens[w]->depth > most->depth ? c->whens[w] : most;
    return most;
}

sp_cell *sp_cases_cell(const sp_build *b)
{
    const sp_plan_column *col = b->column;
    cases_cell *c = col->n_cases ? new_cases(b, col->n_cases) : NULL;
    if (!c)
        return NULL;
    bool complete = true;
    for (uint32_t w = 0; w < col->n_cases; w++)
        complete = (c->ways[w] = sp_build_way(b, col->cases[w].column)) && complete;
    c->otherwise = col->has_else ? col->n_cases - 1 : col->n_cases;
    complete = (col->text.len ? build_by(b, c) : build_whens(b, c)) && complete;
    if (!complete || !agree(b, c, col->cases) || !finish(b, c, deepest(c)))
        return NULL;
    return &c->cell;
}

/* ---- common values besides others ------------------------------------------------------------------------------------ */

sp_cell *sp_common_cell(const sp_build *b, sp_cell *others)
{
    const sp_plan_column *col = b->column;
    cases_cell *c = new_cases(b, 2);
    sp_plan_column *set = sp_arena_alloc(b->arena, 1, sizeof(*set));
    sp_type *type = sp_arena_alloc(b->arena, 1, sizeof(*type));
    if (!c || !set || !type)
        return NULL;
    *type = others->type;
    *set = (sp_plan_column){.name = col->name,
                            .mark = col->mark,
                            .mode = SP_MODE_SET,
                            .mode_mark = col->mode_mark,
                            .type = type,
                            .type_mark = col->mark,
                            .sql_type = sp_kind_name(type->kind),
                            .items = col->common,
                            .n_items = col->n_common};
    sp_build of_set = *b;
    of_set.column = set;
    of_set.key = sp_mix64(b->key ^ UINT64_C(0x636f6d6d6f6e));
    c->ways[0] = sp_set_cell(&of_set);
    c->ways[1] = others;
    c->choose = choose_common;
    c->otherwise = 1;
    double share = 0;
    for (uint32_t i = 0; i < col->n_common; i++)
        share += col->common[i].weight;
    c->below = share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1p64);
    if (!c->ways[0] || !finish(b, c, NULL))
        return NULL;
    c->cell.key = sp_mix64(of_set.key);
    return &c->cell;
}

/* ---- several locales ------------------------------------------------------------------------------------------------- */

/* A row's locale is drawn by a key of the table, so that all its columns agree. */
static bool build_locales(const sp_build *b, cases_cell *c)
{
    static const char what[] = "locale";
    const sp_plan_locales *l = &b->column->locales;
    double *weights = sp_arena_alloc(b->arena, l->n, sizeof(*weights));
    for (uint32_t i = 0; weights && i < l->n; i++)
        weights[i] = l->items[i].weight;
    c->key = sp_hash64(what, sizeof(what) - 1, sp_hash64(b->table->name, strlen(b->table->name), sp_build_seed(b)));
    c->choose = choose_locale;
    return weights && sp_guide_build(&c->locales, b->arena, weights, l->n);
}

sp_cell *sp_locales_cell(const sp_build *b, bool *local)
{
    const sp_plan_locales *l = &b->column->locales;
    cases_cell *c = new_cases(b, l->n);
    sp_plan_case *ways = sp_arena_alloc(b->arena, l->n, sizeof(*ways));
    bool complete = c && ways;
    *local = false;
    for (uint32_t i = 0; c && ways && i < l->n; i++) {
        complete = (c->ways[i] = sp_build_local(b, i, local)) && complete;
        ways[i].mark = l->items[i].mark;
    }
    if (!complete || !*local || !agree(b, c, ways) || !build_locales(b, c) || !finish(b, c, NULL))
        return NULL;
    return &c->cell;
}
