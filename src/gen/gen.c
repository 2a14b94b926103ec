/* gen.c - compiling a plan: every column becomes a cell, every table a schema. Columns that are referred to are compiled before
 * the columns that refer to them, wherever they stand in the file (the plan room has refused cycles). Rows are made of the cells in
 * fill.c. */
#include "gen/family.h"
#include "gen/function.h"
#include "gen/locale.h"

enum {
    BATCH_TEXT_BYTES = 4 << 20, /* text that one batch may need at worst: bounds memory, not speed */
};

/* ---- cells ---- */

static void unknown_function(void *arg, sp_str name)
{
    const sp_build *b = arg;
    size_t count;
    const char *const *names = sp_func_names(&count);
    const char *near = sp_nearest(name, names, count);
    sp_warning(b->mistakes, b->column->mode_mark, name, "is no function, so the text stays as it is%s%s%s",
               near ? "; did you mean \"${" : "", near ? near : "", near ? "}\"?" : "");
}

bool sp_build_has_function(sp_str text)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.p[i] == '$' && text.p[i + 1] == '{')
            return true;
    return false;
}

static void bad_format(void *arg, sp_str name, const char *why)
{
    const sp_build *b = arg;
    sp_mistake(b->mistakes, b->column->format_mark, b->column->format, "does not fit ${%.*s}: %s",
               (int)SP_MIN(name.len, (size_t)60), name.p, why);
}

static sp_cell *template_cell(const sp_build *b)
{
    sp_template t = {.text = b->column->text,
                     .format = b->column->format,
                     .unknown = unknown_function,
                     .bad_format = bad_format,
                     .arg = (void *)(uintptr_t)b};
    return sp_template_cell(&b->env, b->key, &t);
}

/* The cell of a number, as the column's format writes it. */
static sp_cell *formatted(const sp_build *b, sp_cell *cell)
{
    const char *why = NULL;
    if (!cell || b->column->format.len == 0)
        return cell;
    sp_cell *made = sp_printf_cell(b->arena, cell, b->column->format, &why);
    if (!made && why)
        sp_mistake(b->mistakes, b->column->format_mark, b->column->format, "does not fit this column: %s", why);
    return made && !cell->ops->text && !sp_printf_fill(b, made) ? NULL : made;
}

static sp_cell *value_cell(const sp_build *b)
{
    const sp_plan_column *col = b->column;
    if (!sp_build_has_function(col->text))
        return sp_set_cell(b);
    if (col->type && col->type->kind == SP_JSON)
        return sp_document_cell(b);
    sp_cell *cell = template_cell(b);
    if (!cell)
        return NULL;
    if (col->sorted && cell->type.kind == SP_UUID)
        return sp_sorted_uuid_cell(b);
    return cell;
}

typedef struct compiler {
    sp_gen *gen;
    spate_plan *plan;
    uint64_t seed;
    uint32_t hops; /* of refs, while they are followed */
} compiler;

static const sp_cell *column_cell(compiler *c, uint32_t table, uint32_t column);

static const sp_cell *outer_cell(compiler *c, uint32_t table, uint32_t column);
static uint64_t rows_of(compiler *c, uint32_t table);
static void ensure_counted(compiler *c, uint32_t table);

static uint32_t number_of(const sp_build *b)
{
    return (uint32_t)(b->table - b->plan->tables);
}

static sp_cell *ref_cell(compiler *c, const sp_build *b)
{
    const sp_plan_column *col = b->column;
    if (col->ref_table == SP_PLAN_NO_REF)
        return NULL;
    bool self = col->ref_table == number_of(b);
    const sp_cell *parent =
        self ? column_cell(c, col->ref_table, col->ref_column) : outer_cell(c, col->ref_table, col->ref_column);
    return parent ? sp_ref_cell(b, parent) : NULL;
}

static sp_cell *lookup_cell(compiler *c, const sp_build *b)
{
    const sp_plan_column *col = b->column;
    const sp_cell *value = outer_cell(c, col->ref_table, col->ref_column),
                  *by = outer_cell(c, col->ref_table, col->by_column);
    const sp_cell *key = column_cell(c, number_of(b), col->key_column);
    return value && by && key ? sp_lookup_cell(b, value, key, by, rows_of(c, col->ref_table)) : NULL;
}

/* Texts of a domain that is not known, as items of arrays that are to differ: no item comes twice, in whatever
 * array. */
static sp_cell *unique_items(const sp_build *b, sp_cell *item)
{
    sp_plan_table *items = sp_arena_alloc(b->arena, 1, sizeof(*items));
    sp_build own = *b;
    if (!items)
        return NULL;
    *items = *b->table;
    if (__builtin_mul_overflow(items->rows, (uint64_t)SP_MAX(b->column->max_i, (int64_t)1), &items->rows))
        items->rows = UINT64_MAX;
    own.table = items;
    return sp_unique_text_cell(&own, item);
}

/* The items of an array: values that are listed, or a template's. */
static sp_cell *item_cell(const sp_build *b)
{
    const sp_type *list = b->column->type && b->column->type->kind == SP_LIST ? b->column->type : NULL;
    if (!b->column->n_items) {
        sp_cell *cell = template_cell(b);
        if (cell && list)
            cell = sp_cast_cell(b, cell, list->item);
        bool number = cell && b->column->unique && cell->type.kind == SP_TEXT && !sp_cell_domain(cell) && !cell->unique;
        return number ? unique_items(b, cell) : cell;
    }
    sp_plan_column *set = sp_arena_alloc(b->arena, 1, sizeof(*set));
    sp_build own = *b;
    if (!set)
        return NULL;
    *set = *b->column;
    set->mode = SP_MODE_SET;
    set->distribution = (sp_distribution){0}; /* which is of lengths */
    set->type = list ? list->item : set->type;
    own.column = set;
    own.key = sp_mix64(b->key ^ UINT64_C(0x6974656d));
    return sp_set_items_cell(&own);
}

static sp_cell *natural_cell(compiler *c, const sp_build *b)
{
    sp_cell *item;
    switch (b->column->mode) {
    case SP_MODE_VALUE: return value_cell(b);
    case SP_MODE_RANGE:
        item = sp_range_cell(b);
        return b->column->range == SP_RANGE_TIMESTAMP ? item : formatted(b, item);
    case SP_MODE_SET: return sp_set_cell(b);
    case SP_MODE_INC: return formatted(b, sp_inc_cell(b));
    case SP_MODE_REF: return ref_cell(c, b);
    case SP_MODE_ARRAY: item = item_cell(b); return item ? sp_array_cell(b, item) : NULL;
    case SP_MODE_EXPR:
    case SP_MODE_AFTER: return b->column->expr ? formatted(b, sp_expr_cell(b, b->column->expr)) : NULL;
    case SP_MODE_CASES: return sp_cases_cell(b);
    case SP_MODE_PERSON: return sp_person_cell(b);
    case SP_MODE_PLACE: return sp_place_cell(b);
    case SP_MODE_PATTERN: return sp_pattern_cell(b);
    case SP_MODE_LOOKUP: return lookup_cell(c, b);
    }
    return NULL;
}

/* What the draws of a column hang on: names, so that other columns may come and go. Columns that draw together have one key; the
 * ways to make a column have one each. */
static uint64_t column_key(uint64_t seed, const sp_plan_table *t, const sp_plan_column *col)
{
    uint64_t key = sp_hash64(t->name, strlen(t->name), sp_mix64(seed));
    key = col->draw.len ? sp_hash64(col->draw.p, col->draw.len, ~key) : sp_hash64(col->name, strlen(col->name), key);
    return col->number ? sp_mix64(key + col->number * SP_PHI) : key;
}

/* Of a column that replaces values: equal ways to make it give equal values for equal ones, in whatever table. */
static uint64_t mask_key(uint64_t seed, const sp_plan_column *col)
{
    uint64_t numbers[] = {(uint64_t)col->mode,  (uint64_t)col->range, (uint64_t)col->min_i,
                          (uint64_t)col->max_i, col->scale,           col->n_items};
    uint64_t key = sp_mix64(~seed);
    if (col->draw.len)
        return sp_hash64(col->draw.p, col->draw.len, key);
    key = sp_hash64(numbers, sizeof(numbers), sp_hash64(col->text.p, col->text.len, key));
    key = sp_hash64(&col->min_f, sizeof(double), sp_hash64(&col->max_f, sizeof(double), key));
    for (uint32_t i = 0; i < col->n_items; i++)
        key = sp_hash64(col->items[i].text.p, col->items[i].text.len, key);
    return key;
}

/* What the plan promises of a column, its cells must keep. */
static bool keeps_promises(const sp_build *b, const sp_cell *cell)
{
    const sp_plan_column *col = b->column;
    if (col->unique && !cell->unique && col->mode == SP_MODE_EXPR)
        sp_mistake(b->mistakes, col->mode_mark, sp_str_of(col->name),
                   "cannot be kept unique: its values differ for sure only where the expression is row() or a unique column, times, plus "
                   "or minus numbers that are written out, or a text");
    else if (col->unique && !cell->unique)
        sp_mistake(b->mistakes, col->mode_mark, sp_str_of(col->name),
                   "cannot be kept unique; use inc, range: int, ${uuid} or a set, in a type that keeps values apart");
    else if (col->primary_key && cell->nullable)
        sp_mistake(b->mistakes, col->mode_mark, sp_str_of(col->name),
                   "a primary key cannot be null, and what this refers to can");
    else
        return true;
    return false;
}

/* Made text is not cut: a target may refuse what is longer than its column. */
static void warn_of_length(const sp_build *b, const sp_cell *cell)
{
    const sp_plan_column *col = b->column;
    if (col->type->kind == SP_TEXT && col->type->length && cell->bounds.text_max > col->type->length)
        sp_warning(b->mistakes, col->type_mark, sp_str_of(col->sql_type),
                   "may be too short: cells may have up to %u bytes", cell->bounds.text_max);
}

/* ---- locales ---- */

static void no_locale(const sp_build *b, const sp_plan_item *said)
{
    const char **codes = sp_arena_alloc(b->arena, sp_locale_count, sizeof(*codes));
    for (uint32_t i = 0; codes && i < sp_locale_count; i++)
        codes[i] = sp_locale_names[i].code;
    const char *near = codes ? sp_nearest(said->text, codes, sp_locale_count) : NULL;
    sp_mistake(b->mistakes, said->mark, said->text, "is no locale%s%s%s; \"spate functions --locales\" lists them",
               near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

bool sp_build_locale(sp_build *b, uint32_t which)
{
    const sp_plan_item *said = &b->column->locales.items[which];
    const sp_locale_name *name = sp_locale_find(said->text);
    b->env.locale = NULL;
    if (!name) {
        no_locale(b, said);
        return false;
    }
    if (strcmp(name->code, "en") == 0)
        return true; /* which is inside the program */
    sp_locale *l = b->gen->locales;
    while (l && l->name != name)
        l = l->next;
    spate_error err = {0};
    if (!l && sp_locale_load(b->arena, name, &l, &err) == SPATE_OK) {
        l->next = b->gen->locales;
        b->gen->locales = l;
    }
    if (!l && err.status != SPATE_E_NOMEM)
        sp_mistake(b->mistakes, said->mark, said->text, "has words that could not be read: %s", err.message);
    b->env.locale = l;
    return l != NULL;
}

static bool has_functions(const sp_expr *e)
{
    bool has = e && e->kind == SP_EXPR_FUNCTION;
    for (uint32_t i = 0; e && i < e->n_args && !has; i++)
        has = has_functions(e->args[i]);
    return has;
}

/* Do its cells hang on the locale? */
static bool is_local(const sp_plan_column *col)
{
    switch (col->mode) {
    case SP_MODE_VALUE:
    case SP_MODE_ARRAY: return sp_build_has_function(col->text);
    case SP_MODE_EXPR: return has_functions(col->expr);
    case SP_MODE_PERSON:
    case SP_MODE_PLACE: return true;
    default: return false;
    }
}

const sp_cell *sp_build_local(const sp_build *b, uint32_t which, bool *local)
{
    sp_plan_column *col = sp_arena_alloc(b->arena, 1, sizeof(*col));
    sp_build own = *b;
    if (!col)
        return NULL;
    *col = *b->column;
    col->unique = false; /* what is made of all locales together may be */
    own.column = col;
    own.env.local = local;
    return sp_build_locale(&own, which) ? natural_cell(b->compiler, &own) : NULL;
}

static sp_cell *local_cell(compiler *c, sp_build *b)
{
    const sp_plan_column *col = b->column;
    if (!is_local(col) || col->locales.n == 0)
        return natural_cell(c, b);
    if (col->locales.n == 1)
        return sp_build_locale(b, 0) ? natural_cell(c, b) : NULL;
    if (col->mode == SP_MODE_ARRAY) {
        sp_mistake(b->mistakes, col->locales.items[0].mark, (sp_str){0}, "an array takes one locale, not several");
        return NULL;
    }
    bool local;
    uint32_t said = b->mistakes->n_said;
    sp_cell *cell = sp_locales_cell(b, &local);
    if (!local && b->mistakes->n_said == said)
        return natural_cell(c, b);
    return cell;
}

static sp_build build_of(compiler *c, const sp_plan_table *t, const sp_plan_column *col)
{
    return (sp_build){
        .arena = &c->gen->arena,
        .mistakes = &c->plan->mistakes,
        .plan = c->plan,
        .table = t,
        .column = col,
        .gen = c->gen,
        .key = t->from ? mask_key(c->seed, col) : column_key(c->seed, t, col),
        .env = {.arena = &c->gen->arena, .now_us = c->plan->now_us},
        .compiler = c,
    };
}

/* Text of a domain that is not known gets a number where it is to be unique, and that must fit in too. */
static bool needs_number(const sp_plan_column *col, const sp_cell *cell)
{
    return col->unique && !cell->unique && !sp_cell_domain(cell) && cell->type.kind == SP_TEXT &&
           (col->mode == SP_MODE_VALUE || (col->mode >= SP_MODE_EXPR && col->mode != SP_MODE_PATTERN));
}

/* Unique, if the column is to be and there is a way. */
static sp_cell *told_apart(const sp_build *b, sp_cell *cell)
{
    if (needs_number(b->column, cell))
        return sp_unique_text_cell(b, cell);
    return b->column->unique && !cell->unique && sp_cell_domain(cell) ? sp_apart_cell(b, cell) : cell;
}

/* Not longer than its type, if the column asks for that. */
static sp_cell *cut_to_type(const sp_build *b, sp_cell *cell)
{
    const sp_plan_column *col = b->column;
    uint32_t room = col->type->length, digits = needs_number(col, cell) ? sp_unique_digits(b) : 0;
    if (!col->cut || cell->type.kind != SP_TEXT || cell->bounds.text_max <= room - SP_MIN(room, digits))
        return cell;
    if (digits > room) {
        sp_mistake(b->mistakes, col->type_mark, sp_str_of(col->sql_type),
                   "is too short for %u digits that keep the rows apart", digits);
        return NULL;
    }
    return sp_cut_cell(b, cell, room - digits);
}

/* The cell as the column describes it: of its type, unique, with its common values and its nulls. */
static sp_cell *described_cell(const sp_build *b, sp_cell *cell)
{
    const sp_plan_column *col = b->column;
    bool is_set = col->mode == SP_MODE_SET ||
                  (col->mode == SP_MODE_VALUE && !sp_build_has_function(col->text)); /* has read its type */
    if (cell && col->type && !is_set)
        cell = sp_cast_cell(b, cell, col->type);
    if (cell && col->type && !is_set)
        cell = cut_to_type(b, cell);
    if (cell)
        cell = col->n_values ? sp_few_cell(b, cell) : told_apart(b, cell);
    if (cell && col->type && !is_set && !col->cut)
        warn_of_length(b, cell);
    if (cell && !keeps_promises(b, cell))
        return NULL;
    if (cell && col->n_common)
        cell = sp_common_cell(b, cell);
    if (cell && col->null_rate > 0)
        cell = sp_null_cell(b, cell);
    return cell && col->stop < b->table->rows ? sp_stop_cell(b, cell) : cell;
}

static sp_cell *compile_column(compiler *c, uint32_t table, const sp_plan_column *col)
{
    sp_build b = build_of(c, &c->plan->tables[table], col);
    return described_cell(&b, local_cell(c, &b));
}

static const sp_cell broken; /* stands for a cell that could not be made, so that its mistake is noted once */

/* Each cell once. While it is made it counts as broken, and refs are followed so far only, because a plan with mistakes may have
 * circles and endless chains. */
static const sp_cell *column_cell(compiler *c, uint32_t table, uint32_t column)
{
    ensure_counted(c, table);
    const sp_cell **slot = &c->gen->tables[table].cells[column];
    if (!*slot) {
        *slot = &broken;
        c->hops++;
        bool wrong = c->plan->tables[table].columns[column].wrong || c->hops > SP_PLAN_HOPS_MAX + 1;
        const sp_cell *cell = wrong ? NULL : compile_column(c, table, &c->plan->tables[table].columns[column]);
        c->hops--;
        if (cell)
            *slot = cell;
        c->gen->depth = SP_MAX(c->gen->depth, (*slot)->depth);
    }
    return *slot == &broken ? NULL : *slot;
}

/* ---- children that are counted ---- */

/* What the column's parents say they have. NULL: none, or a mistake was noted. */
static const sp_counted *count_children(compiler *c, uint32_t table, const sp_plan_column *col)
{
    sp_build b = build_of(c, &c->plan->tables[table], col);
    const sp_cell *counts = col->wrong || col->children_column == SP_PLAN_NO_REF
                                ? NULL
                                : outer_cell(c, col->ref_table, col->children_column);
    return counts ? sp_counted_new(&b, counts, sp_build_parent_rows(&b)) : NULL;
}

/* The table has as many rows as its parents have children: of several parents, as the one that has most. */
static void ensure_counted(compiler *c, uint32_t table)
{
    sp_plan_table *t = &c->plan->tables[table];
    sp_gen_table *made = &c->gen->tables[table];
    if (!t->rows_counted || made->counted)
        return;
    made->counted = sp_arena_alloc(&c->gen->arena, t->n_columns, sizeof(*made->counted));
    uint64_t rows = 0;
    for (uint32_t i = 0; made->counted && i < t->n_columns; i++) {
        if (!t->columns[i].children_of.len || !(made->counted[i] = count_children(c, table, &t->columns[i])))
            continue;
        rows = SP_MAX(rows, made->counted[i]->rows);
    }
    t->rows = SP_MIN(rows, t->rows_most);
    for (uint32_t i = 0; made->counted && i < t->n_columns; i++)
        if (made->counted[i])
            t->columns[i].stop = made->counted[i]->rows < t->rows ? made->counted[i]->rows : SP_PLAN_NO_STOP;
}

const sp_counted *sp_build_counted(const sp_build *b)
{
    const sp_gen_table *made = &b->gen->tables[number_of(b)];
    for (uint32_t i = 0; made->counted && i < b->table->n_columns; i++)
        if (strcmp(b->table->columns[i].name, b->column->name) == 0)
            return made->counted[i];
    return NULL;
}

/* ---- distinct rows ---- */

/* The rows of a table whose distinct columns together have not been so in an earlier one. Those columns are made twice: here,
 * and later for good. False: no memory, or a mistake was noted. */
static bool keep_distinct(compiler *c, uint32_t table)
{
    const sp_plan_table *t = &c->plan->tables[table];
    sp_gen_table *made = &c->gen->tables[table];
    const sp_cell **cells = sp_arena_alloc(&c->gen->arena, t->n_columns, sizeof(*cells));
    uint32_t n = 0;
    for (uint32_t i = 0; cells && i < t->n_columns; i++)
        if (t->columns[i].distinct && !(cells[n++] = column_cell(c, table, i)))
            return false;
    sp_build b = build_of(c, t, &t->columns[0]);
    return cells && sp_build_distinct(&b, cells, n, t->rows, &made->kept, &made->n_kept);
}

static bool ensure_kept(compiler *c, uint32_t table)
{
    return !c->plan->tables[table].is_distinct || c->gen->tables[table].kept || keep_distinct(c, table);
}

static uint64_t rows_of(compiler *c, uint32_t table)
{
    ensure_counted(c, table);
    const sp_gen_table *t = &c->gen->tables[table];
    return t->kept ? t->n_kept : c->plan->tables[table].rows;
}

/* A column as other tables see it: rows are numbered without those that are not kept. */
static const sp_cell *outer_cell(compiler *c, uint32_t table, uint32_t column)
{
    if (!ensure_kept(c, table))
        return NULL;
    const sp_cell *cell = column_cell(c, table, column);
    const sp_gen_table *t = &c->gen->tables[table];
    return cell && t->kept ? sp_kept_cell(&c->gen->arena, cell, t->kept) : cell;
}

/* Of a table that is not the column's own, those there are at last; and no more than the column referred to has values. */
uint64_t sp_build_parent_rows(const sp_build *b)
{
    const sp_plan_column *col = b->column;
    uint64_t rows = col->ref_table == number_of(b) ? b->table->rows : rows_of(b->compiler, col->ref_table);
    return SP_MIN(rows, b->plan->tables[col->ref_table].columns[col->ref_column].stop);
}

uint64_t sp_build_seed(const sp_build *b)
{
    return sp_mix64(b->compiler->seed);
}

const sp_cell *sp_build_sibling(const sp_build *b, uint32_t column)
{
    const sp_cell *cell = column_cell(b->compiler, number_of(b), column);
    const sp_cell **shared = &b->gen->tables[number_of(b)].shared[column];
    if (cell && !*shared)
        *shared = sp_shared_cell(b, cell);
    return cell ? *shared : NULL;
}

const sp_cell *sp_build_way(const sp_build *b, const sp_plan_column *way)
{
    sp_plan_column *col = sp_arena_alloc(b->arena, 1, sizeof(*col));
    if (!col)
        return NULL;
    *col = *way;
    if (!col->type) {
        col->type = b->column->type;
        col->sql_type = b->column->sql_type;
        col->type_mark = b->column->type_mark;
    }
    return compile_column(b->compiler, (uint32_t)(b->table - b->plan->tables), col);
}

const sp_parents *sp_build_parents(const sp_build *b, uint32_t column)
{
    const sp_plan_column *col = &b->table->columns[column];
    sp_build of_column = build_of(b->compiler, b->table, col);
    return col->wrong || col->ref_table == SP_PLAN_NO_REF ? NULL : sp_parents_new(&of_column);
}

/* A ref to another column, by the same choice of rows. */
const sp_cell *sp_build_follow(const sp_build *b, uint32_t ref, uint32_t field)
{
    compiler *c = b->compiler;
    sp_plan_column *col = sp_arena_alloc(b->arena, 1, sizeof(*col));
    if (!col)
        return NULL;
    *col = b->table->columns[ref];
    col->ref_column = field;
    sp_build follow = build_of(c, b->table, col);
    sp_cell *cell = col->wrong ? NULL : ref_cell(c, &follow);
    return cell && col->null_rate > 0 ? sp_null_cell(&follow, cell) : cell;
}

/* ---- compiling ---- */

/* Rows that fit one batch. Hidden cells need their room too when others ask for them: it is in those cells' own needs. */
static uint32_t batch_rows(const sp_gen_table *t)
{
    uint64_t text = 0, rows = SP_BATCH_ROWS_MAX;
    for (uint32_t i = 0; i < t->schema.n_fields; i++) {
        const sp_cell *cell = t->cells[t->shown[i]];
        text += SP_MAX(cell->bounds.text_max, cell->work_text);
        rows = SP_MIN(rows, (uint64_t)SP_BATCH_ROWS_MAX / SP_MAX(cell->items_max, 1u));
    }
    if (text)
        rows = SP_MIN(rows, BATCH_TEXT_BYTES / text);
    return (uint32_t)SP_MAX(rows, (uint64_t)1);
}

static bool allocate_tables(compiler *c)
{
    sp_gen *gen = c->gen;
    gen->n_tables = c->plan->n_tables;
    gen->tables = sp_arena_alloc(&gen->arena, gen->n_tables, sizeof(*gen->tables));
    for (uint32_t t = 0; gen->tables && t < gen->n_tables; t++) {
        uint32_t n = c->plan->tables[t].n_columns;
        sp_gen_table *table = &gen->tables[t];
        table->cells = sp_arena_alloc(&gen->arena, n, sizeof(*table->cells));
        table->shared = sp_arena_alloc(&gen->arena, n, sizeof(*table->shared));
        table->referred = sp_arena_alloc(&gen->arena, n, sizeof(*table->referred));
        table->shown = sp_arena_alloc(&gen->arena, n, sizeof(*table->shown));
        table->field = sp_arena_alloc(&gen->arena, n, sizeof(*table->field));
        if (!table->cells || !table->shared || !table->referred || !table->shown || !table->field)
            return false;
    }
    return gen->tables != NULL;
}

static int compile(compiler *c, spate_error *err)
{
    if (!allocate_tables(c))
        return sp_fail_nomem(err);
    bool complete = true;
    for (uint32_t t = 0; t < c->gen->n_tables; t++)
        for (uint32_t i = 0; i < c->plan->tables[t].n_columns; i++)
            complete = column_cell(c, t, i) && complete;
    for (uint32_t t = 0; t < c->gen->n_tables && complete; t++)
        complete = ensure_kept(c, t);
    if (c->plan->mistakes.n_errors)
        return sp_fail(err, SPATE_E_CONFIG, "plan \"%s\" has %u mistake%s", c->plan->path, c->plan->mistakes.n_errors,
                       c->plan->mistakes.n_errors == 1 ? "" : "s");
    complete = complete && sp_gen_schemas(&c->gen->arena, c->plan, c->gen->tables);
    for (uint32_t t = 0; complete && t < c->gen->n_tables; t++)
        c->gen->tables[t].batch_rows = batch_rows(&c->gen->tables[t]);
    return complete ? SPATE_OK : sp_fail_nomem(err);
}

int sp_gen_new(spate_plan *plan, uint64_t seed, sp_gen **out, spate_error *err)
{
    sp_gen *gen = sp_alloc_zero(1, sizeof(*gen));
    if (!gen)
        return sp_fail_nomem(err);
    sp_arena_init(&gen->arena);
    compiler c = {.gen = gen, .plan = plan, .seed = seed};
    int rc = compile(&c, err);
    if (rc != SPATE_OK) {
        sp_gen_free(gen);
        return rc;
    }
    *out = gen;
    return SPATE_OK;
}

void sp_gen_free(sp_gen *gen)
{
    if (!gen)
        return;
    sp_arena_done(&gen->arena);
    sp_free(gen);
}
