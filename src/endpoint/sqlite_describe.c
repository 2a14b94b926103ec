/* sqlite_describe.c - the tables of an SQLite file as a catalog: SQLite keeps them as the statements that made them. */
#include "client/libsqlite.h"
#include "codec/codec.h"
#include "endpoint/endpoints.h"

void sp_sqlite_as_it_means(sp_cat_table *t)
{
    for (uint32_t i = 0; i < t->n_columns; i++) {
        sp_cat_type_by_letters(&t->columns[i].type);
        if (t->columns[i].type.class == SP_CAT_FLOAT)
            t->columns[i].type.bits = 64;
    }
    for (uint32_t i = 0; i < t->n_keys; i++) {
        sp_cat_column *c = &t->columns[t->keys[i].columns[0]];
        if (t->keys[i].primary && t->keys[i].n == 1 && strcmp(c->type.name, "integer") == 0)
            c->auto_number = true;
        if (c->type.class == SP_CAT_INTEGER && strcmp(c->type.name, "integer") == 0)
            c->type.bits = 64;
    }
}

static int read_statements(sqlite3 *db, const char *shown, sp_catalog *c, spate_error *err)
{
    static const char sql[] =
        "SELECT sql FROM sqlite_master m WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " AND type IN ('table', 'index') AND EXISTS (SELECT 1 FROM pragma_table_list(m.tbl_name) l WHERE l.type = 'table')"
        " ORDER BY type DESC, rowid"; /* not the tables that virtual ones keep their rows in */
    sqlite3_stmt *row = NULL;
    int rc = sp_sqlite.prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK ? SPATE_OK : sp_sqlite_fail(err, db, shown);
    int step = SQLITE_DONE;
    while (rc == SPATE_OK && (step = sp_sqlite.step(row)) == SQLITE_ROW) {
        const char *text = (const char *)sp_sqlite.column_text(row, 0);
        size_t len = (size_t)sp_sqlite.column_bytes(row, 0);
        char *kept = sp_arena_strndup(c->arena, text, len);
        rc = kept && sp_catalog_read_sql(c, kept, len) ? SPATE_OK : sp_fail_nomem(err);
    }
    if (rc == SPATE_OK && step != SQLITE_DONE)
        rc = sp_sqlite_fail(err, db, shown);
    sp_sqlite.finalize(row);
    return rc;
}

static int read_others(sqlite3 *db, const char *shown, sp_catalog *c, spate_error *err)
{
    static const char sql[] =
        "SELECT CASE type WHEN 'view' THEN '' ELSE tbl_name END, count(*) || ' ' || type || 's' FROM sqlite_master"
        " WHERE type IN ('trigger', 'view') GROUP BY 1, type";
    sqlite3_stmt *row = NULL;
    int rc = sp_sqlite.prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK ? SPATE_OK : sp_sqlite_fail(err, db, shown);
    while (rc == SPATE_OK && sp_sqlite.step(row) == SQLITE_ROW) {
        const char *table = (const char *)sp_sqlite.column_text(row, 0),
                   *what = (const char *)sp_sqlite.column_text(row, 1);
        sp_cat_other *other = sp_catalog_add_other(c);
        rc = other && (other->what = sp_arena_strndup(c->arena, what, strlen(what))) ? SPATE_OK : sp_fail_nomem(err);
        if (rc == SPATE_OK && *table)
            other->table = sp_catalog_find_table(c, NULL, table);
    }
    sp_sqlite.finalize(row);
    return rc;
}

int sp_sqlite_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err)
{
    (void)options; /* there is one schema */
    sqlite3 *db = NULL;
    int rc = sp_sqlite_open(uri->path, SQLITE_OPEN_READONLY, &db, err);
    if (rc != SPATE_OK)
        return rc;
    c->server = "SQLite";
    c->dialect = SP_SQL_SQLITE;
    c->loose = true;
    rc = read_statements(db, uri->path, c, err);
    if (rc == SPATE_OK)
        rc = read_others(db, uri->path, c, err);
    sp_sqlite.close_v2(db);
    for (uint32_t i = 0; i < c->n_tables; i++)
        sp_sqlite_as_it_means(&c->tables[i]);
    return rc;
}
