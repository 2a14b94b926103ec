/* duckdb_describe.c - the tables of a DuckDB file as a catalog: DuckDB says them, their types and their indexes as SQL. */
#include "client/libduckdb.h"
#include "codec/codec.h"
#include "endpoint/endpoints.h"

/* Pieces of a text that is SQL: a name in its quotes; and, at its end, a text in its quotes. */
/* clang-format off */
#define NAME(column) "\"' || replace(" column ", '\"', '\"\"') || '\""
/* A table as its CREATE statement calls it: in the schema main without that. */
#define OWN "CASE schema_name WHEN 'main' THEN '' ELSE '" NAME("schema_name") ".' END || '" NAME("table_name") "'"
#define PARENT "CASE schema_name WHEN 'main' THEN '' ELSE '" NAME("schema_name") ".' END || '" NAME("CASE constraint_text WHEN '' THEN table_name ELSE referenced_table END") "'"
#define NAMES(columns) "array_to_string(list_transform(" columns ", c -> '\"' || replace(c, '\"', '\"\"') || '\"'), ', ')"
#define TEXT(column) "''' || replace(" column ", '''', '''''') || ''''"

/* Types come first, for columns name them; then what has a schema of its own. */
static const char statements_sql[] =
    "SELECT 'CREATE TYPE \"' || type_name || '\" AS ENUM (' || array_to_string(list_transform(labels, l -> '''' || replace(l, '''', '''''')"
    " || ''''), ', ') || ')', 'main', NULL, NULL FROM duckdb_types() WHERE NOT internal AND labels IS NOT NULL"
    " UNION ALL SELECT sql, schema_name, table_name, comment FROM (FROM duckdb_tables() WHERE NOT internal AND NOT temporary ORDER BY table_oid)"
    " UNION ALL SELECT sql, schema_name, NULL, NULL FROM duckdb_indexes()"
    " UNION ALL SELECT 'ALTER TABLE ' || " OWN " || ' ADD FOREIGN KEY (' || " NAMES("constraint_column_names") " || ') REFERENCES ' || " PARENT " || ' (' || " NAMES("referenced_column_names") " || ')', schema_name, NULL, NULL FROM duckdb_constraints()"
    " WHERE constraint_type = 'FOREIGN KEY' AND (constraint_text = ''" /* to the own table: the table's SQL has lost it; others' quotes, too */
    " OR NOT regexp_full_match(schema_name || referenced_table, '\\w+'))"
    " UNION ALL SELECT 'COMMENT ON TABLE " NAME("schema_name") "." NAME("table_name") " IS " TEXT("comment") ", schema_name, table_name, NULL"
    " FROM duckdb_tables() WHERE NOT internal AND comment IS NOT NULL"
    " UNION ALL SELECT 'COMMENT ON COLUMN " NAME("schema_name") "." NAME("table_name") "." NAME("column_name") " IS " TEXT("comment")
    ", schema_name, table_name, NULL FROM duckdb_columns() WHERE NOT internal AND comment IS NOT NULL"
    " AND NOT regexp_matches(comment, '^references .*\\(.*\\)$')"; /* the sink's own words for a foreign key */
/* clang-format on */

static bool is_wanted(const sp_describe_options *o, const char *space, bool table)
{
    for (uint32_t i = 0; i < o->n_spaces; i++)
        if (strcmp(o->spaces[i], space) == 0)
            return true;
    return o->n_spaces == 0 || !table;
}

/* The whole script at once: a type is known only to the statements of the same one. */
static int build_script(duckdb_result *rows, const sp_describe_options *o, sp_buf *script)
{
    int rc = SPATE_OK;
    for (idx_t i = 0; i < sp_duckdb.row_count(rows) && rc == SPATE_OK; i++) {
        char *sql = sp_duckdb.value_varchar(rows, 0, i), *space = sp_duckdb.value_varchar(rows, 1, i);
        if (sql && space && is_wanted(o, space, !sp_duckdb.value_is_null(rows, 2, i)))
            rc = sp_buf_adds(script, sql) || sp_buf_adds(script, ";\n") ? SPATE_E_NOMEM : SPATE_OK;
        sp_duckdb.free(sql);
        sp_duckdb.free(space);
    }
    return rc;
}

/* DuckDB's own words for a foreign key have lost the quotes of "a.b"; then the one that is added after it is meant. */
static bool is_said_again(const sp_cat_table *t, uint32_t at)
{
    const sp_cat_foreign_key *key = &t->foreign_keys[at];
    size_t space = strlen(key->parent_space);
    for (uint32_t i = at + 1; i < t->n_foreign_keys && space; i++) {
        const sp_cat_foreign_key *other = &t->foreign_keys[i];
        if (other->n == key->n && memcmp(other->columns, key->columns, key->n * sizeof(*key->columns)) == 0 &&
            strncmp(other->parent, key->parent_space, space) == 0 && other->parent[space] == '.' &&
            strcmp(other->parent + space + 1, key->parent) == 0)
            return true;
    }
    return false;
}

static void take_out_misread(sp_cat_table *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_foreign_keys; i++)
        if (!is_said_again(t, i))
            t->foreign_keys[n++] = t->foreign_keys[i];
    t->n_foreign_keys = n;
}

static int read_script(duckdb_connection conn, const sp_describe_options *o, sp_catalog *c, spate_error *err)
{
    duckdb_result rows;
    int rc = sp_duckdb_ask(conn, statements_sql, &rows, err);
    if (rc != SPATE_OK)
        return rc;
    sp_buf script = {0};
    rc = build_script(&rows, o, &script);
    char *kept = rc == SPATE_OK ? sp_arena_strndup(c->arena, script.data ? script.data : "", script.len) : NULL;
    rc = kept && sp_catalog_read_sql(c, kept, script.len) ? SPATE_OK : sp_fail_nomem(err);
    sp_buf_done(&script);
    sp_duckdb.destroy_result(&rows);
    for (uint32_t i = 0; i < c->n_tables; i++) {
        if (!*c->tables[i].space)
            c->tables[i].space = "main";
        sp_cat_short_floats(&c->tables[i]);
        take_out_misread(&c->tables[i]);
    }
    return rc;
}

int sp_duckdb_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err)
{
    duckdb_database db = NULL;
    duckdb_connection conn = NULL;
    int rc = sp_duckdb_open(uri->path, true, 1, &db, err);
    if (rc != SPATE_OK)
        return rc;
    c->default_space = "main";
    c->dialect = SP_SQL_DUCKDB;
    c->brackets = true;
    c->server = sp_arena_printf(c->arena, "DuckDB %s", sp_duckdb.library_version());
    rc = !c->server || sp_duckdb.connect(db, &conn) == DuckDBError ? sp_fail_nomem(err)
                                                                   : read_script(conn, options, c, err);
    sp_duckdb.disconnect(&conn);
    sp_duckdb.close(&db);
    return rc;
}
