/* catalog.c - putting a catalog together: growing lists, names looked up, foreign keys led to their tables. */
#include "endpoint/catalog.h"

#include <stdio.h>

void sp_catalog_init(sp_catalog *c, sp_arena *arena)
{
    *c = (sp_catalog){.arena = arena, .dialect = -1, .server = "", .default_space = ""};
}

/* The next item of a list in the arena, which doubles when it is full: what it leaves behind is less than what it has. */
static void *add_item(sp_arena *arena, void **items, uint32_t *n, uint32_t *cap, size_t bytes)
{
    if (*n == *cap) {
        uint32_t more = *cap ? *cap * 2 : 4;
        void *grown = sp_arena_alloc(arena, more, bytes);
        if (!grown)
            return NULL;
        if (*n)
            memcpy(grown, *items, *n * bytes);
        *items = grown;
        *cap = more;
    }
    return (char *)*items + (size_t)(*n)++ * bytes;
}

#define ADD(arena, owner, list) \
    add_item(arena, (void **)&(owner)->list, &(owner)->n_##list, &(owner)->cap_##list, sizeof(*(owner)->list))

sp_cat_table *sp_catalog_add_table(sp_catalog *c, const char *space, const char *name)
{
    sp_cat_table *t = ADD(c->arena, c, tables);
    if (t)
        *t = (sp_cat_table){.space = space, .name = name, .shown = name, .rows = -1};
    return t;
}

sp_cat_column *sp_catalog_add_column(sp_catalog *c, sp_cat_table *t, const char *name)
{
    sp_cat_column *column = ADD(c->arena, t, columns);
    if (column)
        *column = (sp_cat_column){.name = name, .type = {.name = "", .spelled = ""}};
    return column;
}

sp_cat_key *sp_catalog_add_key(sp_catalog *c, sp_cat_table *t)
{
    return ADD(c->arena, t, keys);
}

sp_cat_foreign_key *sp_catalog_add_foreign_key(sp_catalog *c, sp_cat_table *t)
{
    sp_cat_foreign_key *key = ADD(c->arena, t, foreign_keys);
    if (key)
        *key = (sp_cat_foreign_key){.name = "", .parent_space = "", .parent = "", .parent_table = -1};
    return key;
}

sp_cat_check *sp_catalog_add_check(sp_catalog *c, sp_cat_table *t)
{
    sp_cat_check *check = ADD(c->arena, t, checks);
    if (check)
        *check = (sp_cat_check){.name = "", .sql = "", .column = -1};
    return check;
}

sp_cat_index *sp_catalog_add_index(sp_catalog *c, sp_cat_table *t)
{
    return ADD(c->arena, t, indexes);
}

sp_cat_setting *sp_catalog_add_setting(sp_catalog *c, sp_cat_table *t)
{
    return ADD(c->arena, t, settings);
}

sp_cat_other *sp_catalog_add_other(sp_catalog *c)
{
    sp_cat_other *other = ADD(c->arena, c, others);
    if (other)
        *other = (sp_cat_other){.table = -1, .what = ""};
    return other;
}

bool sp_catalog_note(sp_catalog *c, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    const char **note = ADD(c->arena, c, notes);
    return note && (*note = sp_arena_strndup(c->arena, line, strlen(line)));
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b, bool folded)
{
    return folded ? sp_str_ieq(sp_str_of(a), b) : strcmp(a, b) == 0;
}

static int find_table(const sp_catalog *c, const char *space, const char *name, bool folded)
{
    for (uint32_t i = 0; i < c->n_tables; i++)
        if (same(c->tables[i].name, name, folded) && (!space || same(c->tables[i].space, space, folded)))
            return (int)i;
    return -1;
}

sp_cat_table *sp_catalog_shown(const sp_catalog *c, const char *shown)
{
    for (uint32_t i = 0; c && i < c->n_tables; i++)
        if (strcmp(c->tables[i].shown, shown) == 0)
            return &c->tables[i];
    return NULL;
}

int sp_catalog_find_table(const sp_catalog *c, const char *space, const char *name)
{
    bool any = !space || !*space;
    int found = find_table(c, any ? c->default_space : space, name, false);
    if (found < 0)
        found = find_table(c, any ? c->default_space : space, name, true);
    if (found < 0 && any)
        found = find_table(c, NULL, name, false);
    if (found < 0 && any)
        found = find_table(c, NULL, name, true);
    return found;
}

/* Letters of another case, or another space than the one that names go without. */
static bool may_mean(const sp_catalog *c, const sp_cat_table *t, const char *name, bool anywhere)
{
    const char *dot = strchr(name, '.');
    const char *space = *t->space ? t->space : c->default_space;
    bool here = dot ? sp_str_ieq((sp_str){name, (size_t)(dot - name)}, space) : anywhere || t->shown == t->name;
    return here && sp_str_ieq(sp_str_of(dot ? dot + 1 : name), t->name);
}

int sp_catalog_find_named(const sp_catalog *c, const char *name, uint32_t *table, spate_error *err)
{
    for (*table = 0; *table < c->n_tables; ++*table)
        if (sp_names_table(name, c->default_space, c->tables[*table].shown))
            return SPATE_OK;
    uint32_t n = 0;
    for (unsigned anywhere = 0; anywhere < 2 && n == 0; anywhere++)
        for (uint32_t i = 0; i < c->n_tables; i++) {
            if (!may_mean(c, &c->tables[i], name, anywhere))
                continue;
            if (n++)
                return sp_fail(err, SPATE_E_USAGE, "\"%s\" may be \"%s\" and \"%s\"", name, c->tables[*table].shown,
                               c->tables[i].shown);
            *table = i;
        }
    return n ? SPATE_OK : sp_fail(err, SPATE_E_USAGE, "there is no table \"%s\"", name);
}

int sp_catalog_find_column(const sp_cat_table *t, sp_str name)
{
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (sp_str_is(name, t->columns[i].name))
            return (int)i;
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (sp_str_ieq(name, t->columns[i].name))
            return (int)i;
    return -1;
}

/* ---- linking --------------------------------------------------------------------------------- */

static void primary_first(sp_cat_table *t)
{
    for (uint32_t i = 1; i < t->n_keys; i++) {
        if (!t->keys[i].primary)
            continue;
        sp_cat_key first = t->keys[i];
        memmove(&t->keys[1], &t->keys[0], i * sizeof(first));
        t->keys[0] = first;
    }
}

static bool is_unreadable(sp_catalog *c, const sp_cat_table *t, const sp_cat_foreign_key *key)
{
    return sp_catalog_note(c, "table %s: the columns that its foreign key to %s refers to were not found", t->name,
                           key->parent);
}

/* Columns by name, or those of the parent's primary key. */
static bool link_columns(sp_catalog *c, const sp_cat_table *t, sp_cat_foreign_key *key, const sp_cat_table *parent)
{
    uint32_t *columns = sp_arena_alloc(c->arena, key->n, sizeof(*columns));
    if (!columns)
        return false;
    bool by_key = !key->parent_names;
    if (by_key && !(parent->n_keys && parent->keys[0].primary && parent->keys[0].n == key->n))
        return is_unreadable(c, t, key);
    for (uint32_t i = 0; i < key->n; i++) {
        int at =
            by_key ? (int)parent->keys[0].columns[i] : sp_catalog_find_column(parent, sp_str_of(key->parent_names[i]));
        if (at < 0)
            return is_unreadable(c, t, key);
        columns[i] = (uint32_t)at;
    }
    key->parent_columns = columns;
    key->parent_table = (int32_t)(parent - c->tables);
    return true;
}

static bool link_foreign_key(sp_catalog *c, const sp_cat_table *t, sp_cat_foreign_key *key)
{
    int parent = *key->parent_space ? -1 : sp_catalog_find_table(c, t->space, key->parent);
    if (parent < 0)
        parent = sp_catalog_find_table(c, key->parent_space, key->parent);
    return parent < 0 || link_columns(c, t, key, &c->tables[parent]);
}

/* What runs leave in a target to find their way again (landed.h, postgres_schema.c) is not of the user's making. */
static bool is_ours(const char *table)
{
    static const char *const names[] = {"spate_job", "spate_chunk", "spate_deferred_constraint"};
    for (size_t i = 0; i < SP_COUNT(names); i++)
        if (strcmp(table, names[i]) == 0)
            return true;
    return false;
}

static void take_out_ours(sp_catalog *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_tables; i++) {
        bool ours = is_ours(c->tables[i].name);
        for (uint32_t k = 0; k < c->n_others && ours; k++)
            c->others[k].table -= c->others[k].table > (int32_t)n;
        if (!ours)
            c->tables[n++] = c->tables[i];
    }
    c->n_tables = n;
}

/* A table whose name looks like that of another one in another schema has its schema in front, too. */
static bool tell_apart(sp_catalog *c, sp_cat_table *t)
{
    if (t->shown != t->name || !*t->space || !strchr(t->name, '.'))
        return true;
    for (uint32_t i = 0; i < c->n_tables; i++)
        if (&c->tables[i] != t && strcmp(c->tables[i].shown, t->shown) == 0) {
            t->shown = sp_arena_printf(c->arena, "%s.%s", t->space, t->name);
            return t->shown;
        }
    return true;
}

bool sp_catalog_link(sp_catalog *c)
{
    take_out_ours(c);
    for (uint32_t i = 0; i < c->n_tables; i++)
        primary_first(&c->tables[i]);
    for (uint32_t i = 0; i < c->n_tables; i++) {
        sp_cat_table *t = &c->tables[i];
        for (uint32_t k = 0; k < t->n_foreign_keys; k++)
            if (!link_foreign_key(c, t, &t->foreign_keys[k]))
                return false;
        bool bare = !*t->space || strcmp(t->space, c->default_space) == 0;
        t->shown = bare ? t->name : sp_arena_printf(c->arena, "%s.%s", t->space, t->name);
        if (!t->shown)
            return false;
    }
    for (uint32_t i = 0; i < c->n_tables; i++)
        if (!tell_apart(c, &c->tables[i]))
            return false;
    return true;
}
