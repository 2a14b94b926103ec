/* schema.c - what a table is to its target: its fields, its keys and its foreign keys, out of the plan and the cells made from it. */
#include "gen/build.h"

enum { KEY_COLUMNS_MAX = 32 };

typedef struct maker {
    sp_arena *arena;
    const spate_plan *plan;
    sp_gen_table *tables;
} maker;

/* ---- fields ---- */

static sp_field field_of(const sp_plan_column *col, const sp_cell *cell)
{
    sp_field f = {.name = col->name, .type = cell->type, .nullable = cell->nullable, .bounds = cell->bounds};
    f.bounds.has_range = f.bounds.has_range && cell->type.kind <= SP_U64; /* decimals' units are gen's own business */
    f.sql_type = col->is_enum ? NULL : col->sql_type;
    return f;
}

/* The labels of an enumeration: its set's values, in order, each once. */
static bool set_labels(sp_arena *arena, const sp_plan_column *col, sp_field *f)
{
    sp_str *labels = sp_arena_alloc(arena, col->n_items, sizeof(*labels));
    if (!labels)
        return false;
    f->labels = labels;
    for (uint32_t i = 0; i < col->n_items; i++) {
        bool seen = false;
        for (uint32_t j = 0; j < f->n_labels; j++)
            seen = seen || sp_str_eq(labels[j], col->items[i].text);
        if (!seen)
            labels[f->n_labels++] = col->items[i].text;
    }
    return true;
}

/* A text that stands in the plan, and that nothing changes on its way to a cell. */
static bool has_values(const sp_plan_table *t, const sp_plan_column *col, const sp_cell *cell)
{
    bool text = col->mode == SP_MODE_SET || (col->mode == SP_MODE_VALUE && !sp_build_has_function(col->text));
    return text && cell->type.kind == SP_TEXT && !col->cut && t->rows && col->null_rate < 1 && col->stop;
}

/* The decimals that a column reaches. */
static bool set_extremes(sp_arena *arena, const sp_cell *cell, sp_field *f)
{
    sp_str *values = sp_arena_alloc(arena, 2, sizeof(*values));
    f->values = values;
    for (uint32_t i = 0; values && i < 2; i++) {
        char text[SP_DECIMAL_TEXT_MAX];
        int64_t value = i ? cell->bounds.max : cell->bounds.min;
        size_t len = (size_t)(sp_put_value(text, cell->type, &value) - text);
        values[i] = (sp_str){sp_arena_strndup(arena, text, len), len};
        if (!values[i].p)
            return false;
        f->n_values++;
    }
    return values != NULL;
}

static bool set_values(sp_arena *arena, const sp_plan_column *col, sp_field *f)
{
    uint32_t n = col->mode == SP_MODE_SET ? col->n_items : 0;
    sp_str *values = sp_arena_alloc(arena, n + 1, sizeof(*values));
    f->values = values;
    if (!values)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (col->items[i].text.p && col->items[i].weight > 0)
            values[f->n_values++] = col->items[i].text;
    if (col->mode == SP_MODE_VALUE)
        values[f->n_values++] = col->text;
    return true;
}

/* Hidden columns are no fields. */
static bool make_fields(maker *m, uint32_t table)
{
    sp_gen_table *t = &m->tables[table];
    const sp_plan_table *pt = &m->plan->tables[table];
    sp_field *fields = sp_arena_alloc(m->arena, pt->n_columns, sizeof(*fields));
    if (!fields)
        return false;
    t->schema = (sp_schema){.table = pt->name, .fields = fields, .rows = t->kept ? t->n_kept : pt->rows};
    t->hidden = pt->hidden;
    t->masked = pt->from != NULL;
    for (uint32_t i = 0; i < pt->n_columns; i++) {
        t->field[i] = SP_PLAN_NO_REF;
        if (pt->columns[i].hidden)
            continue;
        sp_field *f = &fields[t->schema.n_fields];
        *f = field_of(&pt->columns[i], t->cells[i]);
        if (pt->columns[i].is_enum && !set_labels(m->arena, &pt->columns[i], f))
            return false;
        if (has_values(pt, &pt->columns[i], t->cells[i]) && !set_values(m->arena, &pt->columns[i], f))
            return false;
        if (f->type.kind == SP_DECIMAL && t->cells[i]->bounds.has_range && !set_extremes(m->arena, t->cells[i], f))
            return false;
        t->shown[t->schema.n_fields] = i;
        t->field[i] = t->schema.n_fields++;
    }
    return true;
}

/* ---- the types of enumerations ---- */

/* To databases, a table's name is a type's name too. */
static bool is_taken(const maker *m, const char *name, const sp_field *but)
{
    for (uint32_t t = 0; t < m->plan->n_tables; t++) {
        const sp_schema *s = &m->tables[t].schema;
        if (sp_str_ieq(sp_str_of(name), sp_table_bare(s->table)))
            return true;
        for (uint32_t i = 0; i < s->n_fields; i++)
            if (&s->fields[i] != but && s->fields[i].enum_name && sp_str_ieq(sp_str_of(name), s->fields[i].enum_name))
                return true;
    }
    return false;
}

static bool name_enum(maker *m, const sp_schema *s, sp_field *f)
{
    const char *name = sp_arena_printf(m->arena, "%s_%s", sp_table_bare(s->table), f->name);
    for (unsigned n = 1; name && is_taken(m, name, f); n++)
        name = n == 1 ? sp_arena_printf(m->arena, "%s_%s_enum", sp_table_bare(s->table), f->name)
                      : sp_arena_printf(m->arena, "%s_%s_enum%u", sp_table_bare(s->table), f->name, n);
    f->enum_name = name;
    return name != NULL;
}

static bool name_enums(maker *m)
{
    for (uint32_t t = 0; t < m->plan->n_tables; t++)
        for (uint32_t i = 0; i < m->tables[t].schema.n_fields; i++) {
            sp_field *f = (sp_field *)&m->tables[t].schema.fields[i]; /* ours, and not yet shared */
            if (f->n_labels && !name_enum(m, &m->tables[t].schema, f))
                return false;
        }
    return true;
}

/* ---- keys ---- */

/* Marks the columns that another table's column, or its own, is a ref to. */
static void mark_referred(maker *m)
{
    for (uint32_t t = 0; t < m->plan->n_tables; t++)
        for (uint32_t i = 0; i < m->plan->tables[t].n_columns; i++) {
            const sp_plan_column *c = &m->plan->tables[t].columns[i];
            if (c->mode == SP_MODE_REF && !c->hidden)
                m->tables[c->ref_table].referred[c->ref_column] = true;
        }
}

static bool can_be_key(const sp_gen_table *t, uint32_t column)
{
    return t->field[column] != SP_PLAN_NO_REF && t->cells[column]->unique && !t->cells[column]->nullable;
}

/* The primary key: the columns that say so; else a unique column "id"; else the first unique column that is referred to. */
static uint32_t find_primary_key(const sp_plan_table *pt, const sp_gen_table *t, uint32_t *key)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < pt->n_columns && n < KEY_COLUMNS_MAX; i++)
        if (pt->columns[i].primary_key)
            key[n++] = t->field[i];
    for (uint32_t i = 0; i < pt->n_columns && n == 0; i++)
        if (strcmp(pt->columns[i].name, "id") == 0 && can_be_key(t, i))
            key[n++] = t->field[i];
    for (uint32_t i = 0; i < pt->n_columns && n == 0; i++)
        if (can_be_key(t, i) && t->referred[i])
            key[n++] = t->field[i];
    return n;
}

static bool is_key_alone(const sp_schema *s, uint32_t field)
{
    if (s->n_primary_key == 1 && s->primary_key[0] == field)
        return true;
    for (uint32_t i = 0; i < s->n_uniques; i++)
        if (s->uniques[i] == field)
            return true;
    return false;
}

static bool make_keys(maker *m, uint32_t table)
{
    sp_gen_table *t = &m->tables[table];
    const sp_plan_table *pt = &m->plan->tables[table];
    uint32_t *key = sp_arena_alloc(m->arena, KEY_COLUMNS_MAX, sizeof(*key));
    uint32_t *uniques = sp_arena_alloc(m->arena, pt->n_columns, sizeof(*uniques));
    if (!key || !uniques)
        return false;
    t->schema.primary_key = key;
    t->schema.n_primary_key = find_primary_key(pt, t, key);
    t->schema.uniques = uniques;
    for (uint32_t i = 0; i < pt->n_columns; i++) {
        bool wanted = (pt->columns[i].unique || t->referred[i]) && t->field[i] != SP_PLAN_NO_REF;
        if (wanted && t->cells[i]->unique && !is_key_alone(&t->schema, t->field[i]))
            uniques[t->schema.n_uniques++] = t->field[i];
    }
    return true;
}

/* ---- foreign keys ---- */

typedef struct key_list {
    sp_foreign_key *keys;
    uint32_t n;
    uint32_t *columns; /* room for the columns of all keys */
    const char **names;
    uint32_t n_columns;
} key_list;

static void begin_key(key_list *l, const char *parent)
{
    l->keys[l->n] = (sp_foreign_key){parent, 0, &l->columns[l->n_columns], &l->names[l->n_columns]};
}

static void add_column(key_list *l, uint32_t field, const char *name)
{
    l->columns[l->n_columns] = field;
    l->names[l->n_columns++] = name;
    l->keys[l->n].n++;
}

/* Whose cells a column has: those of the column that it is a ref to, or that it reads of a row which a ref of its own leads to.
 * False: nobody else's. */
static bool follow(const maker *m, uint32_t *table, uint32_t *column)
{
    const sp_plan_table *t = &m->plan->tables[*table];
    const sp_plan_column *c = &t->columns[*column];
    const sp_expr *e =
        c->mode == SP_MODE_EXPR && c->expr && c->expr->kind == SP_EXPR_COLUMN && c->expr->field.len ? c->expr : NULL;
    if (c->mode != SP_MODE_REF && !e)
        return false;
    *table = e ? t->columns[e->column].ref_table : c->ref_table;
    *column = e ? e->field_column : c->ref_column;
    return true;
}

/* A column whose cells are those of a key of one column, perhaps by way of others. */
static void add_single(const maker *m, uint32_t table, uint32_t column, key_list *l)
{
    uint32_t at = table, key = column;
    for (unsigned hops = 0; hops < SP_PLAN_HOPS_MAX && follow(m, &at, &key); hops++) {
        const sp_gen_table *parent = &m->tables[at];
        uint32_t field = parent->field[key];
        if (at == table && hops) /* a way that comes back says nothing of its own table */
            return;
        if (field == SP_PLAN_NO_REF || !is_key_alone(&parent->schema, field))
            continue;
        if (parent->cells[key]->type.kind != m->tables[table].cells[column]->type.kind)
            return;
        begin_key(l, parent->schema.table);
        add_column(l, m->tables[table].field[column], parent->schema.fields[field].name);
        l->n++;
        return;
    }
}

/* The column of the same draw that is a ref to that field of the same table, or -1. */
static int partner(const maker *m, uint32_t table, const sp_plan_column *c, uint32_t parent_field)
{
    const sp_plan_table *pt = &m->plan->tables[table];
    for (uint32_t i = 0; i < pt->n_columns; i++) {
        const sp_plan_column *p = &pt->columns[i];
        bool same = p->mode == SP_MODE_REF && !p->hidden && p->ref_table == c->ref_table && sp_str_eq(p->draw, c->draw);
        if (same && m->tables[c->ref_table].field[p->ref_column] == parent_field)
            return (int)i;
    }
    return -1;
}

/* Refs that draw together lead to one row, so together they may be a foreign key to a key of several columns. */
static void add_composite(const maker *m, uint32_t table, uint32_t column, key_list *l)
{
    const sp_plan_column *c = &m->plan->tables[table].columns[column];
    const sp_schema *parent = &m->tables[c->ref_table].schema;
    if (!c->draw.len || parent->n_primary_key < 2)
        return;
    for (uint32_t k = 0; k < parent->n_primary_key; k++) {
        int p = partner(m, table, c, parent->primary_key[k]);
        if (p < 0 || (k == 0 && p != (int)column)) /* begun by the column of the first */
            return;
    }
    begin_key(l, parent->table);
    for (uint32_t k = 0; k < parent->n_primary_key; k++)
        add_column(l, m->tables[table].field[partner(m, table, c, parent->primary_key[k])],
                   parent->fields[parent->primary_key[k]].name);
    l->n++;
}

/* A column is a foreign key when it has the cells of a key. */
static bool make_foreign_keys(maker *m, uint32_t table)
{
    const sp_plan_table *pt = &m->plan->tables[table];
    key_list l = {.keys = sp_arena_alloc(m->arena, 2 * pt->n_columns, sizeof(*l.keys)),
                  .columns = sp_arena_alloc(m->arena, 2 * pt->n_columns, sizeof(*l.columns)),
                  .names = sp_arena_alloc(m->arena, 2 * pt->n_columns, sizeof(*l.names))};
    if (!l.keys || !l.columns || !l.names)
        return false;
    for (uint32_t i = 0; i < pt->n_columns; i++) {
        if (pt->columns[i].hidden)
            continue;
        add_single(m, table, i, &l);
        if (pt->columns[i].mode == SP_MODE_REF)
            add_composite(m, table, i, &l);
    }
    m->tables[table].schema.foreign_keys = l.keys;
    m->tables[table].schema.n_foreign_keys = l.n;
    return true;
}

bool sp_gen_schemas(sp_arena *arena, const spate_plan *plan, sp_gen_table *tables)
{
    maker m = {arena, plan, tables};
    bool good = true;
    for (uint32_t t = 0; t < plan->n_tables && good; t++)
        good = make_fields(&m, t);
    if (good)
        mark_referred(&m);
    for (uint32_t t = 0; t < plan->n_tables && good; t++)
        good = make_keys(&m, t);
    for (uint32_t t = 0; t < plan->n_tables && good; t++)
        good = make_foreign_keys(&m, t);
    return good && name_enums(&m);
}
