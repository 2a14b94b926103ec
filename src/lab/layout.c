/* layout.c - see layout.h. */
#include "lab/layout.h"

typedef struct maker {
    sp_lab *lab;
    const sp_source *source;
    sp_layout *layout;
    spate_error *err;
} maker;

static int find_table(const maker *m, const char *name)
{
    for (uint32_t t = 0; t < m->source->n_tables; t++)
        if (strcmp(m->source->tables[t]->table, name) == 0)
            return (int)t;
    return -1;
}

/* ---- which key ---- */

/* The columns of this foreign key are the keys of both tables: a row is on the shard of the row it refers to. */
static bool leads_home(const maker *m, const sp_foreign_key *f, uint32_t child_key)
{
    int parent = find_table(m, f->parent);
    const sp_placement *p = parent < 0 ? NULL : m->layout->placements[parent];
    return p && f->n == 1 && f->columns[0] == child_key &&
           strcmp(m->source->tables[parent]->fields[p->key[0]].name, f->parent_columns[0]) == 0;
}

static int key_of_parent(const maker *m, const sp_schema *s)
{
    for (uint32_t i = 0; i < s->n_foreign_keys; i++)
        if (s->foreign_keys[i].n == 1 && leads_home(m, &s->foreign_keys[i], s->foreign_keys[i].columns[0]))
            return (int)s->foreign_keys[i].columns[0];
    return -1;
}

static bool is_referred_to(const maker *m, uint32_t table)
{
    for (uint32_t t = 0; t < m->source->n_tables; t++)
        for (uint32_t i = 0; t != table && i < m->source->tables[t]->n_foreign_keys; i++)
            if (strcmp(m->source->tables[t]->foreign_keys[i].parent, m->source->tables[table]->table) == 0)
                return true;
    return false;
}

static bool is_small(const maker *m, uint32_t table)
{
    const sp_schema *s = m->source->tables[table];
    const sp_extent *e = &m->source->extents[table];
    double rows = s->rows != UINT64_MAX ? (double)s->rows : e->units_a_row > 0 ? (double)e->end / e->units_a_row : 1e18;
    return rows <= SP_LAB_SMALL_ROWS;
}

static int no_key(const sp_schema *s, spate_error *err)
{
    int rc =
        sp_fail(err, SPATE_E_CONFIG, "table \"%s\" has no primary key of one column to place its rows by", s->table);
    sp_error_hint(err, "name a column: --by %s=COLUMN, or copy it to every shard: --copied %s", s->table, s->table);
    return rc;
}

/* *key: a field, or -1: copied. */
static int choose_key(const maker *m, uint32_t table, int *key)
{
    const sp_schema *s = m->source->tables[table];
    const sp_lab_table *asked = sp_lab_find_table(m->lab, s->table);
    *key = -1;
    if (asked && asked->key && (*key = sp_schema_find(s, asked->key)) < 0)
        return sp_fail(m->err, SPATE_E_CONFIG, "table \"%s\" has no column \"%s\" to place its rows by", s->table,
                       asked->key);
    if (asked)
        return SPATE_OK;
    *key = key_of_parent(m, s);
    if (*key >= 0 || (is_small(m, table) && is_referred_to(m, table)))
        return SPATE_OK;
    if (s->n_primary_key != 1)
        return no_key(s, m->err);
    *key = (int)s->primary_key[0];
    return SPATE_OK;
}

/* ---- the lab's tables ---- */

static int remember(maker *m, const sp_schema *s, int key)
{
    sp_lab *lab = m->lab;
    if (sp_lab_find_table(lab, s->table))
        return SPATE_OK;
    const char *column = key < 0 ? NULL : s->fields[key].name;
    return sp_lab_set_table(lab, s->table, column, m->err);
}

/* ---- placements and schemas ---- */

static int place(maker *m, uint32_t table, int key)
{
    const sp_lab *lab = m->lab;
    if (key < 0)
        return SPATE_OK;
    sp_placement *p = sp_arena_alloc(&m->lab->arena, 1, sizeof(*p));
    uint32_t *fields = sp_arena_alloc(&m->lab->arena, 1, sizeof(*fields));
    if (!p || !fields)
        return sp_fail_nomem(m->err);
    *fields = (uint32_t)key;
    *p = sp_lab_places(lab);
    p->key = fields;
    p->n_key = 1;
    m->layout->placements[table] = p;
    return sp_placement_check(p, m->source->tables[table], m->err);
}

static bool holds_on_a_shard(const maker *m, uint32_t table, const sp_foreign_key *f)
{
    int parent = find_table(m, f->parent);
    const sp_placement *p = m->layout->placements[table];
    return parent < 0 || !m->layout->placements[parent] || (p && leads_home(m, f, p->key[0]));
}

static int note_lost(maker *m, const sp_schema *s, const sp_foreign_key *f)
{
    const char *column = s->fields[f->columns[0]].name;
    const char *note =
        sp_arena_printf(&m->lab->arena, "%s.%s refers to %s, whose rows may be on other shards: no foreign key",
                        s->table, column, f->parent);
    if (!note)
        return sp_fail_nomem(m->err);
    m->layout->notes[m->layout->n_notes++] = note;
    return SPATE_OK;
}

static int schema_for_shards(maker *m, uint32_t table)
{
    const sp_schema *whole = m->source->tables[table];
    sp_schema *s = sp_arena_alloc(&m->lab->arena, 1, sizeof(*s));
    sp_foreign_key *kept = sp_arena_alloc(&m->lab->arena, whole->n_foreign_keys + 1, sizeof(*kept));
    int rc = s && kept ? SPATE_OK : sp_fail_nomem(m->err);
    if (rc != SPATE_OK)
        return rc;
    *s = *whole;
    s->foreign_keys = kept;
    s->n_foreign_keys = 0;
    for (uint32_t i = 0; i < whole->n_foreign_keys && rc == SPATE_OK; i++) {
        if (holds_on_a_shard(m, table, &whole->foreign_keys[i]))
            kept[s->n_foreign_keys++] = whole->foreign_keys[i];
        else
            rc = note_lost(m, whole, &whole->foreign_keys[i]);
    }
    m->layout->schemas[table] = s;
    return rc;
}

static uint32_t count_foreign_keys(const sp_source *source)
{
    uint32_t n = 0;
    for (uint32_t t = 0; t < source->n_tables; t++)
        n += source->tables[t]->n_foreign_keys;
    return n;
}

int sp_layout_make(sp_lab *lab, const sp_source *source, sp_layout *layout, spate_error *err)
{
    uint32_t n = source->n_tables;
    *layout = (sp_layout){.n = n};
    layout->schemas = sp_arena_alloc(&lab->arena, n + 1, sizeof(*layout->schemas));
    layout->placements = sp_arena_alloc(&lab->arena, n + 1, sizeof(*layout->placements));
    layout->notes = sp_arena_alloc(&lab->arena, count_foreign_keys(source) + 1, sizeof(*layout->notes));
    if (!layout->schemas || !layout->placements || !layout->notes)
        return sp_fail_nomem(err);
    maker m = {lab, source, layout, err};
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < n && rc == SPATE_OK; t++) { /* parents come first */
        int key;
        rc = choose_key(&m, t, &key);
        if (rc == SPATE_OK)
            rc = place(&m, t, key);
        if (rc == SPATE_OK)
            rc = remember(&m, source->tables[t], key);
    }
    for (uint32_t t = 0; t < n && rc == SPATE_OK; t++)
        rc = schema_for_shards(&m, t);
    return rc;
}
