/* catalog_schema.c - the keys of a catalog's table in the terms of a schema that has some of its columns. */
#include "endpoint/catalog.h"

/* Columns of the table as fields of the schema; false when one is not among them, or for want of memory. */
static bool fields_of(sp_arena *arena, const sp_schema *schema, const sp_cat_table *from, const uint32_t *columns,
                      uint32_t n, const uint32_t **fields)
{
    uint32_t *made = sp_arena_alloc(arena, n + 1, sizeof(*made));
    for (uint32_t i = 0; made && i < n; i++) {
        int at = sp_schema_find(schema, from->columns[columns[i]].name);
        if (at < 0)
            return false;
        made[i] = (uint32_t)at;
    }
    *fields = made;
    return made != NULL;
}

static bool add_keys(sp_arena *arena, const sp_cat_table *from, sp_schema *schema)
{
    uint32_t *uniques = sp_arena_alloc(arena, from->n_keys + 1, sizeof(*uniques));
    schema->uniques = uniques;
    for (uint32_t i = 0; uniques && i < from->n_keys; i++) {
        const sp_cat_key *key = &from->keys[i];
        const uint32_t *fields;
        if (key->where || !fields_of(arena, schema, from, key->columns, key->n, &fields))
            continue;
        if (key->primary) {
            schema->primary_key = fields;
            schema->n_primary_key = key->n;
        } else if (key->n == 1) {
            uniques[schema->n_uniques++] = fields[0];
        }
    }
    return uniques != NULL;
}

static bool add_foreign_keys(sp_arena *arena, const sp_catalog *c, const sp_cat_table *from, sp_schema *schema)
{
    sp_foreign_key *keys = sp_arena_alloc(arena, from->n_foreign_keys + 1, sizeof(*keys));
    schema->foreign_keys = keys;
    for (uint32_t i = 0; keys && i < from->n_foreign_keys; i++) {
        const sp_cat_foreign_key *key = &from->foreign_keys[i];
        const sp_cat_table *parent = key->parent_table < 0 ? NULL : &c->tables[key->parent_table];
        const char **names = sp_arena_alloc(arena, key->n + 1, sizeof(*names));
        sp_foreign_key *made = &keys[schema->n_foreign_keys];
        if (!names)
            return false;
        if (!parent || !fields_of(arena, schema, from, key->columns, key->n, &made->columns))
            continue;
        for (uint32_t k = 0; k < key->n; k++)
            names[k] = parent->columns[key->parent_columns[k]].name;
        made->parent = parent->shown;
        made->n = key->n;
        made->parent_columns = names;
        schema->n_foreign_keys++;
    }
    return keys != NULL;
}

bool sp_catalog_add_schema_keys(sp_arena *arena, const sp_catalog *c, const sp_cat_table *from, sp_schema *schema)
{
    return add_keys(arena, from, schema) && add_foreign_keys(arena, c, from, schema);
}
