/* duckdb_schema.c - the tables of a DuckDB file changed: created, replaced, emptied; keys when all rows are there.
 *
 * DuckDB keeps PRIMARY KEY and FOREIGN KEY in indexes that it searches for every row: with both in place a load is an order of
 * magnitude slower, so by default (keys=primary) primary and unique keys are added after the last row, and foreign keys, which DuckDB
 * cannot add to a table that is there, are checked once by a join and noted as comments on their columns. keys=all has all of
 * them from the start, keys=none has none. */
#include "endpoint/duckdb_sink.h"

#include "os/os.h"

#include <stdio.h>

/* Runs head table tail; the table's name is quoted. */
static int run_for(sp_duckdb_sink *s, const char *head, const char *table, const char *tail, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int rc = sp_buf_adds(&sql, head) || sp_buf_adds(&sql, table) || sp_buf_adds(&sql, tail) || sp_buf_add(&sql, "", 1)
                 ? sp_fail_nomem(err)
                 : sp_duckdb_run(s->conn, sql.data, err);
    sp_buf_done(&sql);
    return rc;
}

bool sp_duckdb_table_exists(sp_duckdb_sink *s, const sp_duckdb_table *t)
{
    return run_for(s, "SELECT * FROM ", t->sql, " LIMIT 0", NULL) == SPATE_OK;
}

static int drop_types(sp_duckdb_sink *s, const sp_schema *schema, spate_error *err)
{
    int rc = SPATE_OK;
    sp_buf sql;
    sp_buf_init(&sql);
    for (uint32_t f = 0; f < schema->n_fields && rc == SPATE_OK; f++) {
        if (schema->fields[f].n_labels == 0)
            continue;
        sql.len = 0;
        rc = sp_buf_adds(&sql, "DROP TYPE IF EXISTS ") || sp_sql_type(&sql, SP_SQL_DUCKDB, schema, f) ||
                     sp_buf_add(&sql, "", 1)
                 ? sp_fail_nomem(err)
                 : sp_duckdb_run(s->conn, sql.data, err);
    }
    sp_buf_done(&sql);
    return rc;
}

/* Children are behind their parents in the list, so they go first. */
static int drop_tables(sp_duckdb_sink *s, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = s->n_tables; i-- > 0 && rc == SPATE_OK;) {
        if (sp_duckdb_table_exists(s, &s->tables[i]))
            rc = run_for(s, "DROP TABLE ", s->tables[i].sql, "", err);
        if (rc == SPATE_OK)
            rc = drop_types(s, s->tables[i].schema, err);
        if (rc != SPATE_OK)
            return sp_fail_context(err, rc, "replacing table \"%s\"", s->tables[i].schema->table);
    }
    return rc;
}

static bool has_primary_key(sp_duckdb_sink *s, const sp_duckdb_table *t)
{
    sp_buf sql = {0};
    int built =
        sp_buf_adds(&sql,
                    "SELECT 1 FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' AND table_name = ") ||
        sp_sql_literal(&sql, sp_str_of(t->name));
    return sp_duckdb_any(s, &sql, built);
}

/* With the answer to the statement's question in the place of its %s. */
static int run_answered(sp_duckdb_sink *s, const sp_ddl_statement *d, spate_error *err)
{
    duckdb_result answer;
    int rc = sp_duckdb_ask(s->conn, d->ask, &answer, err);
    if (rc != SPATE_OK)
        return rc;
    char *value = sp_duckdb.value_varchar(&answer, 0, 0);
    const char *gap = strstr(d->sql, "%s");
    char *sql = sp_arena_printf(&s->arena, "%.*s%s%s", (int)(gap - d->sql), d->sql, value ? value : "1", gap + 2);
    sp_duckdb.free(value);
    sp_duckdb.destroy_result(&answer);
    return sql ? sp_duckdb_run(s->conn, sql, err) : sp_fail_nomem(err);
}

static int run_step(sp_duckdb_sink *s, sp_ddl_step step, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < s->ddl.n && rc == SPATE_OK; i++) {
        const sp_ddl_statement *d = &s->ddl.statements[i];
        const sp_schema *schema = s->tables[d->table].schema;
        bool is_there = step == SP_DDL_KEYS && s->memory.resumed &&
                        has_primary_key(s, &s->tables[d->table]); /* of a run that was killed here */
        if (d->step != step || !s->tables[d->table].created || is_there)
            continue;
        rc = d->ask ? run_answered(s, d, err) : sp_duckdb_run(s->conn, d->sql, err);
        if (rc == SPATE_E_NOMEM && step > SP_DDL_TABLES)
            sp_error_hint(err, "all rows are in the file; ?keys=none needs no memory for indexes");
        if (rc != SPATE_OK)
            return sp_fail_context(err, rc, "table \"%s\": %s", schema->table, d->what);
    }
    return rc;
}

int sp_duckdb_create_tables(sp_duckdb_sink *s, spate_error *err)
{
    int rc = s->base.options.truncate ? drop_tables(s, err) : SPATE_OK;
    for (uint32_t i = 0; i < s->n_tables && rc == SPATE_OK; i++) {
        sp_buf name = {0};
        if (s->tables[i].space)
            rc = sp_sql_name(&name, s->tables[i].space) || sp_buf_add(&name, "", 1)
                     ? sp_fail_nomem(err)
                     : run_for(s, "CREATE SCHEMA IF NOT EXISTS ", name.data, "", err);
        sp_buf_done(&name);
        s->tables[i].created = rc == SPATE_OK;
    }
    if (rc == SPATE_OK)
        rc = run_step(s, SP_DDL_TABLES, err);
    return rc == SPATE_OK && s->base.options.indexes_before ? run_step(s, SP_DDL_INDEXES, err) : rc;
}

/* A statement a table, each its own transaction: DuckDB checks foreign keys against rows that the
 * same transaction deleted. */
int sp_duckdb_empty_tables(sp_duckdb_sink *s, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = s->n_tables; i-- > 0 && rc == SPATE_OK;)
        rc = run_for(s, "DELETE FROM ", s->tables[i].sql, "", err);
    return rc;
}

/* ---- keys and foreign keys, behind the rows -------------------------------------------------- */

static int run_for_key(sp_duckdb_sink *s, sp_buf *sql, int built, spate_error *err)
{
    int rc = built || sp_buf_add(sql, "", 1) ? sp_fail_nomem(err) : sp_duckdb_run(s->conn, sql->data, err);
    sp_buf_done(sql);
    return rc;
}

/* SELECT count(*) of the rows whose key is complete and in no parent row. */
static int orphans_sql(sp_buf *sql, const sp_schema *schema, const sp_foreign_key *key)
{
    int rc = sp_buf_adds(sql, "SELECT count(*) FROM ") || sp_sql_ident(sql, schema->table) ||
             sp_buf_adds(sql, " AS c WHERE ");
    for (uint32_t i = 0; i < key->n && !rc; i++)
        rc = sp_buf_adds(sql, "c.") || sp_sql_name(sql, schema->fields[key->columns[i]].name) ||
             sp_buf_adds(sql, " IS NOT NULL AND ");
    rc = rc || sp_buf_adds(sql, "NOT EXISTS (SELECT 1 FROM ") || sp_sql_ident(sql, key->parent) ||
         sp_buf_adds(sql, " AS p WHERE ");
    for (uint32_t i = 0; i < key->n && !rc; i++)
        rc = sp_buf_adds(sql, i ? " AND p." : "p.") || sp_sql_name(sql, key->parent_columns[i]) ||
             sp_buf_adds(sql, " = c.") || sp_sql_name(sql, schema->fields[key->columns[i]].name);
    return rc || sp_buf_add(sql, ")", 2);
}

static int check_foreign_key(sp_duckdb_sink *s, const sp_schema *schema, const sp_foreign_key *key, spate_error *err)
{
    duckdb_result count;
    sp_buf sql;
    sp_buf_init(&sql);
    int rc = orphans_sql(&sql, schema, key) ? sp_fail_nomem(err) : sp_duckdb_ask(s->conn, sql.data, &count, err);
    sp_buf_done(&sql);
    if (rc != SPATE_OK)
        return rc;
    int64_t orphans = sp_duckdb.value_int64(&count, 0, 0);
    sp_duckdb.destroy_result(&count);
    if (orphans == 0)
        return SPATE_OK;
    return sp_fail(err, SPATE_E_DATA, "%lld rows of table \"%s\" refer by \"%s\" to no row of table \"%s\"",
                   (long long)orphans, schema->table, schema->fields[key->columns[0]].name, key->parent);
}

/* COMMENT ON COLUMN "t"."c" IS 'references p(k)': where a reader of the schema will look. */
static int note_foreign_key(sp_duckdb_sink *s, const sp_schema *schema, const sp_foreign_key *key, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < key->n && rc == SPATE_OK; i++) {
        char *note = sp_arena_printf(&s->arena, "references %s(%s)", key->parent, key->parent_columns[i]);
        sp_buf sql;
        sp_buf_init(&sql);
        int built = !note || sp_buf_adds(&sql, "COMMENT ON COLUMN ") || sp_sql_ident(&sql, schema->table) ||
                    sp_buf_adds(&sql, ".") || sp_sql_name(&sql, schema->fields[key->columns[i]].name) ||
                    sp_buf_adds(&sql, " IS ") || sp_sql_literal(&sql, sp_str_of(note));
        rc = run_for_key(s, &sql, built, err);
    }
    return rc;
}

static int finish_foreign_keys(sp_duckdb_sink *s, const sp_schema *schema, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < schema->n_foreign_keys && rc == SPATE_OK; i++) {
        if (s->base.options.parts <= 1) /* else the parent's rows may come with another part */
            rc = check_foreign_key(s, schema, &schema->foreign_keys[i], err);
        if (rc == SPATE_OK)
            rc = note_foreign_key(s, schema, &schema->foreign_keys[i], err);
    }
    return rc;
}

static int finish_keys(sp_duckdb_sink *s, spate_error *err)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "RESET memory_limit; SET threads = %u", SP_MAX(sp_os_processors(), 1u));
    int rc = sp_duckdb_run(s->conn, sql, err);
    for (uint32_t i = 0; i < s->n_tables && rc == SPATE_OK; i++)
        if (s->tables[i].created)
            rc = finish_foreign_keys(s, s->tables[i].schema, err);
    if (rc == SPATE_OK)
        rc = run_step(s, SP_DDL_KEYS, err);
    return rc == SPATE_OK ? run_step(s, SP_DDL_INDEXES, err) : rc;
}

/* In the order that DuckDB asks for: nothing about a table can be changed once it has an index. */
int sp_duckdb_finish_tables(sp_duckdb_sink *s, spate_error *err)
{
    int rc = run_step(s, SP_DDL_DEFAULTS, err);
    if (rc == SPATE_OK && s->ddl.keys == SP_DDL_KEYS_AFTER)
        rc = finish_keys(s, err);
    return rc == SPATE_OK ? run_step(s, SP_DDL_END, err) : rc;
}
