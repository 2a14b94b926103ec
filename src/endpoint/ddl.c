/* ddl.c - see ddl.h.
 *
 * A table's statements are built one behind the other and sorted by step at the end, so that everything about a table stands together
 * in the files that build them. Names of types, sequences and tables lose the source's default schema, as the tables' own names do. */
#include "endpoint/ddl_build.h"

#include <stdio.h>

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

static void build_table(sp_ddl_builder *b)
{
    b->made = sp_arena_alloc(b->d->arena, b->t->n_columns + 1, sizeof(*b->made));
    if (!b->made) {
        b->nomem = true;
        return;
    }
    for (uint32_t i = 0; i < b->t->n_columns; i++)
        b->made[i] = b->whole && b->t->columns[i].generated_sql;
    b->counter = sp_ddl_find_counter(b);
    sp_ddl_drop_unmade(b);
    sp_ddl_add_schema(b);
    sp_ddl_add_column_types(b);
    sp_ddl_add_sequences(b);
    sp_ddl_add_table(b);
    sp_ddl_add_numbering(b);
    sp_ddl_add_keys(b);
    if (b->d->keys != SP_DDL_KEYS_NONE)
        sp_ddl_add_indexes(b);
    sp_ddl_add_foreign_keys(b);
    sp_ddl_add_unchecked(b);
    sp_ddl_end_clauses(b);
    sp_ddl_add_comments(b);
    sp_ddl_add_settings(b);
    for (uint32_t i = 0; i < b->c->n_others; i++)
        if (b->c->others[i].table == (int32_t)(b->t - b->c->tables))
            sp_ddl_note(b, "table \"%s\": %s", b->schema->table, b->c->others[i].what);
}

/* What codec/sql.c makes of a schema: statements of their own, each ended by ";\n". False: nothing. */
static bool add_words(sp_ddl_builder *b, sp_ddl_step step, int built, const char *what)
{
    b->nomem = b->nomem || built;
    b->sql.len -= b->sql.len >= 2 ? 2 : 0;
    bool any = b->sql.len > 0;
    if (any)
        sp_ddl_add(b, step, NULL, "%s", what);
    return any;
}

static void build_from_schema(sp_ddl_builder *b)
{
    sp_sql_dialect dialect = b->d->dialect;
    const sp_schema *s = b->schema;
    bool inside = b->d->keys == SP_DDL_KEYS_INSIDE;
    sp_ddl_add_space_of_name(b);
    add_words(b, SP_DDL_TABLES, sp_sql_create_types(&b->sql, dialect, s), "creating its types");
    add_words(b, SP_DDL_TABLES, sp_sql_create_table(&b->sql, dialect, s, inside), "creating the table");
    if (b->d->keys != SP_DDL_KEYS_AFTER)
        return;
    if (dialect == SP_SQL_DUCKDB) { /* where a key has to come before any index */
        sp_schema primary = *s, uniques = *s;
        primary.n_uniques = uniques.n_primary_key = 0;
        add_words(b, SP_DDL_KEYS, sp_sql_add_keys(&b->sql, dialect, &primary), "building its primary key");
        add_words(b, SP_DDL_INDEXES, sp_sql_add_keys(&b->sql, dialect, &uniques), "building its unique keys");
    } else {
        add_words(b, SP_DDL_KEYS, sp_sql_add_keys(&b->sql, dialect, s), "building its keys");
    }
    if (sp_ddl_is_mariadb(b)) {
        add_words(b, SP_DDL_FOREIGN_KEYS, sp_sql_add_foreign_keys(&b->sql, dialect, s), "adding its foreign keys");
        return;
    }
    for (uint32_t i = 0; i < s->n_foreign_keys; i++) {
        sp_schema one = *s;
        one.foreign_keys = &s->foreign_keys[i];
        one.n_foreign_keys = 1;
        char what[200];
        snprintf(what, sizeof(what), "adding its foreign key to \"%.100s\"", s->foreign_keys[i].parent);
        if (add_words(b, SP_DDL_FOREIGN_KEYS, sp_sql_add_foreign_keys(&b->sql, dialect, &one), what))
            sp_ddl_refers_to(b, one.foreign_keys->parent);
    }
}

/* Stable: within a step in the order of the tables. */
static void sort_by_step(sp_ddl *d, sp_ddl_statement *sorted)
{
    uint32_t n = 0;
    for (sp_ddl_step step = SP_DDL_TABLES; step <= SP_DDL_END; step++)
        for (uint32_t i = 0; i < d->n; i++)
            if (d->statements[i].step == step)
                sorted[n++] = d->statements[i];
    d->statements = sorted;
}

int sp_ddl_build(sp_ddl *d, sp_arena *arena, sp_sql_dialect dialect, sp_ddl_keys keys, const sp_schema *const *tables,
                 uint32_t n, const sp_catalog *catalog, spate_error *err)
{
    *d = (sp_ddl){.arena = arena, .dialect = dialect, .keys = keys, .home = d->home};
    sp_ddl_builder b = {
        .d = d, .tables = tables, .n_tables = n, .c = catalog, .same = catalog && catalog->dialect == (int)dialect};
    bool all = catalog != NULL;
    for (b.number = 0; b.number < n && !b.nomem; b.number++) {
        b.schema = tables[b.number];
        b.t = sp_catalog_shown(catalog, b.schema->table);
        all = all && b.t;
        b.whole = b.t && sp_ddl_is_whole(&b);
        if (b.t)
            build_table(&b);
        else
            build_from_schema(&b);
    }
    for (uint32_t i = 0; all && n == catalog->n_tables && i < catalog->n_others; i++)
        if (catalog->others[i].table < 0)
            sp_ddl_note(&b, "%s", catalog->others[i].what);
    sp_ddl_statement *sorted = sp_arena_alloc(arena, d->n + 1, sizeof(*sorted));
    sp_buf_done(&b.sql);
    sp_buf_done(&b.clauses[0]);
    sp_buf_done(&b.clauses[1]);
    if (b.nomem || !sorted)
        return sp_fail_nomem(err);
    sort_by_step(d, sorted);
    return SPATE_OK;
}

int sp_ddl_script(const sp_ddl *d, sp_ddl_step step, uint32_t first, uint32_t last, sp_buf *out)
{
    int built = SPATE_OK;
    for (uint32_t i = 0; i < d->n && !built; i++)
        if (d->statements[i].step == step && d->statements[i].table >= first && d->statements[i].table < last)
            built = sp_buf_adds(out, d->statements[i].sql) || sp_buf_adds(out, ";\n");
    return built ? SPATE_E_NOMEM : SPATE_OK;
}
