/* mariadb_schema.c - changes a MariaDB sink's tables: creates and empties them, gives them their keys, checks foreign keys.
 *
 * A statement that changes tables is a transaction of its own there, so each is one that can be run again. Foreign keys are added
 * without a look at the rows, which would copy the table, and then checked by a query, which does not. */
#include "endpoint/mariadb.h"

#include <stdio.h>

sp_sql_dialect sp_my_dialect(const sp_my_server *s)
{
    return s->uuid ? SP_SQL_MARIADB : SP_SQL_MYSQL;
}

/* Runs what was built, and frees it. */
static int run_built(MYSQL *m, sp_buf *sql, int built, const char *what, const char *table, spate_error *err)
{
    int status = built ? sp_fail_nomem(err) : SPATE_OK;
    if (status == SPATE_OK && sql->len)
        status = sp_my_run(m, sp_my_string(sql), err, "");
    sp_buf_done(sql);
    return status ? sp_fail_context(err, status, "%s table \"%s\"", what, table) : status;
}

static int run_for(MYSQL *m, const char *head, const char *table, const char *what, spate_error *err)
{
    sp_buf sql = {0};
    return run_built(m, &sql, sp_buf_adds(&sql, head) || sp_sql_ident(&sql, table), what, table, err);
}

/* ---- create and empty ------------------------------------------------------------------------ */

/* In any order, and with others that still refer to them. */
static int without_keys(MYSQL *m, bool on, spate_error *err)
{
    return sp_my_run(m, on ? "SET SESSION foreign_key_checks = 0" : "SET SESSION foreign_key_checks = 1", err, "setting up the session");
}

/* What is there already was made by a run of this job that was stopped in the middle of it: presence has been checked. */
int sp_my_create_tables(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    int status = without_keys(m, true, err);
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++) {
        const sp_schema *schema = s->tables[i].schema;
        if (s->tables[i].live)
            status = run_for(m, "DROP TABLE IF EXISTS ", schema->table, "replacing", err);
        sp_buf sql = {0};
        if (status == SPATE_OK)
            status = run_built(m, &sql, sp_sql_create_table(&sql, sp_my_dialect(&s->server), schema, false), "creating", schema->table, err);
    }
    int back = without_keys(m, false, status ? NULL : err);
    return status ? status : back;
}

/* Whether a table that is not emptied too refers to this one: its rows decide what may go. */
static bool is_held(const sp_my_sink *s, const sp_my_table *t)
{
    for (uint32_t i = 0; i < s->catalog.n_tables; i++) {
        const sp_cat_table *other = &s->catalog.tables[i];
        bool emptied = false;
        for (uint32_t k = 0; k < s->n_tables; k++)
            emptied |= s->tables[k].live == other;
        for (uint32_t k = 0; k < other->n_foreign_keys && !emptied; k++)
            if (other->foreign_keys[k].parent_table == t->live - s->catalog.tables)
                return true;
    }
    return false;
}

/* TRUNCATE is refused where foreign keys lead to a table, even from itself or from empty ones, while these are checked. */
int sp_my_empty_tables(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t i = s->n_tables; i-- > 0 && status == SPATE_OK;) { /* children are behind their parents */
        const sp_my_table *t = &s->tables[i];
        bool held = !s->base.options.defer_constraints && is_held(s, t);
        status = without_keys(m, !held, err);
        if (status == SPATE_OK)
            status = run_for(m, held ? "DELETE FROM " : "TRUNCATE TABLE ", t->schema->table, "emptying", err);
    }
    int back = without_keys(m, false, status ? NULL : err);
    return status ? status : back;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static bool has_unique(const sp_cat_table *live, const char *column)
{
    for (uint32_t i = 0; i < live->n_keys; i++)
        if (live->keys[i].n == 1 && strcmp(live->columns[live->keys[i].columns[0]].name, column) == 0)
            return true;
    return false;
}

static bool has_all_uniques(const sp_my_table *t)
{
    for (uint32_t i = 0; i < t->schema->n_uniques; i++)
        if (!has_unique(t->live, t->schema->fields[t->schema->uniques[i]].name))
            return false;
    return true;
}

static int add_table_keys(const sp_my_sink *s, const sp_my_table *t, MYSQL *m, bool foreign, spate_error *err)
{
    sp_sql_dialect dialect = sp_my_dialect(&s->server);
    bool there = foreign ? t->live->n_foreign_keys > 0 : has_all_uniques(t); /* from a run of the job that was stopped here */
    sp_buf sql = {0};
    int built = there ? SPATE_OK : foreign ? sp_sql_add_foreign_keys(&sql, dialect, t->schema) : sp_sql_add_keys(&sql, dialect, t->schema);
    return run_built(m, &sql, built, foreign ? "adding the foreign keys of" : "adding the unique keys of", t->schema->table, err);
}

int sp_my_add_keys(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    int status = sp_my_find_tables(s, err);
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        if (!s->tables[i].live)
            status = sp_fail(err, SPATE_E_CONFIG, "table \"%s\" is gone", s->tables[i].schema->table);
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        status = add_table_keys(s, &s->tables[i], m, false, err);
    if (status == SPATE_OK)
        status = without_keys(m, true, err);
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        status = add_table_keys(s, &s->tables[i], m, true, err);
    int back = without_keys(m, false, status ? NULL : err);
    status = status ? status : back;
    if (status == SPATE_OK)
        status = sp_my_find_tables(s, err);
    if (status == SPATE_OK)
        status = sp_my_order_tables(s, err);
    return status;
}

/* ---- foreign keys checked -------------------------------------------------------------------- */

static int add_orphans(sp_buf *sql, const sp_my_sink *s, const sp_my_foreign_key *key)
{
    int built = sp_buf_adds(sql, "SELECT count(*) FROM ") || sp_sql_ident(sql, s->tables[key->child].schema->table) ||
                sp_buf_adds(sql, " AS c LEFT JOIN ") || sp_buf_adds(sql, key->parent) || sp_buf_adds(sql, " AS p ON ");
    for (uint32_t i = 0; i < key->n && !built; i++)
        built = sp_buf_adds(sql, i ? " AND c." : "c.") || sp_sql_name(sql, key->columns[i]) || sp_buf_adds(sql, " = p.") ||
                sp_sql_name(sql, key->parent_columns[i]);
    built = built || sp_buf_adds(sql, " WHERE p.") || sp_sql_name(sql, key->parent_columns[0]) || sp_buf_adds(sql, " IS NULL");
    for (uint32_t i = 0; i < key->n && !built; i++)
        built = sp_buf_adds(sql, " AND c.") || sp_sql_name(sql, key->columns[i]) || sp_buf_adds(sql, " IS NOT NULL");
    return built;
}

int sp_my_check_foreign_keys(const sp_my_sink *s, MYSQL *m, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t i = 0; i < s->n_foreign_keys && status == SPATE_OK; i++) {
        const sp_my_foreign_key *key = &s->foreign_keys[i];
        uint64_t orphans = 0;
        sp_buf sql = {0};
        status = add_orphans(&sql, s, key) ? sp_fail_nomem(err) : sp_my_ask_number(m, sp_my_string(&sql), &orphans, err, "checking foreign keys");
        sp_buf_done(&sql);
        if (status == SPATE_OK && orphans)
            status = sp_fail(err, SPATE_E_DATA, "foreign key of table \"%s\" (\"%s\"): %llu rows refer to no row of %s",
                             s->tables[key->child].schema->table, key->columns[0], (unsigned long long)orphans, key->parent);
    }
    return status;
}
