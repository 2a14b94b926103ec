/* store_describe.c - the tables of a store as a catalog: what it keeps of them is said as CREATE statements of PostgreSQL, and those are read. */
#include "endpoint/ddl.h"
#include "endpoint/endpoints.h"
#include "store/file.h"

/* Tables that declare columns, and how many rows they have; the others are noted. */
static int take_tables(const sp_store *s, sp_catalog *c, const sp_schema ***tables, uint64_t **rows, uint32_t *n)
{
    const sp_schema **all = sp_arena_alloc(c->arena, s->catalog.n_tables, sizeof *all);
    uint64_t *counts = sp_arena_alloc(c->arena, s->catalog.n_tables, sizeof *counts);
    bool ok = all && counts;
    *n = 0;
    for (uint32_t i = 0; ok && i < s->catalog.n_tables; i++) {
        const sp_table *t = &s->catalog.tables[i];
        if (t->schema->n_fields) {
            all[*n] = t->schema;
            counts[(*n)++] = t->rows;
        } else {
            ok = sp_catalog_note(c, "table \"%s\" declares no columns", t->schema->table);
        }
    }
    *tables = all;
    *rows = counts;
    return ok ? SPATE_OK : SPATE_E_NOMEM;
}

static int read_as_sql(sp_catalog *c, const sp_schema *const *tables, uint32_t n, spate_error *err)
{
    sp_ddl ddl = {0};
    sp_buf script = {0};
    int rc = sp_ddl_build(&ddl, c->arena, SP_SQL_POSTGRES, SP_DDL_KEYS_INSIDE, tables, n, NULL, err);
    for (sp_ddl_step step = SP_DDL_TABLES; rc == SPATE_OK && step <= SP_DDL_END; step++)
        rc = sp_ddl_script(&ddl, step, 0, n, &script) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    char *kept = rc == SPATE_OK ? sp_arena_strndup(c->arena, script.len ? script.data : "", script.len)
                                : NULL; /* the catalog points into it */
    if (rc == SPATE_OK && !(kept && sp_catalog_read_sql(c, kept, script.len)))
        rc = sp_fail_nomem(err);
    sp_buf_done(&script);
    return rc;
}

int sp_store_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err)
{
    sp_store *s = NULL;
    const sp_schema **tables;
    uint64_t *rows;
    uint32_t n;
    (void)options; /* a store has no schemas to choose from */
    int rc = sp_store_open(uri->path, false, &s, err);
    if (rc != SPATE_OK)
        return rc;
    c->default_space = "";
    c->dialect = SP_SQL_POSTGRES;
    c->server = "a store of rows";
    rc = take_tables(s, c, &tables, &rows, &n) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = read_as_sql(c, tables, n, err);
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++) {
        int found = sp_catalog_find_table(c, NULL, tables[i]->table);
        if (found >= 0)
            c->tables[found].rows = (double)rows[i];
    }
    sp_store_close(s);
    return rc;
}
