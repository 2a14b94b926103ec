/* mariadb_schema.c - changes a MariaDB sink's tables: creates and empties them, gives them their keys and indexes, checks foreign keys.
 *
 * A statement that changes tables is a transaction of its own there, so each is one that can be run again: a table's indexes are added by
 * one, and so are its foreign keys. These are added without a look at the rows, which would copy the table, and then checked by a query,
 * which does not. */
#include "endpoint/mariadb.h"
#include "endpoint/at_once.h"

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
    return sp_my_run(m, on ? "SET SESSION foreign_key_checks = 0" : "SET SESSION foreign_key_checks = 1", err,
                     "setting up the session");
}

/* ---- statements of ddl.h ---- */

/* With the answer to the statement's question, a number, in the place of its %s. */
static int run_answered(sp_my_sink *s, MYSQL *m, const sp_ddl_statement *d, spate_error *err)
{
    MYSQL_RES *rows;
    int status = sp_my_ask(m, d->ask, &rows, err, "");
    if (status)
        return status;
    MYSQL_ROW row = sp_maria.fetch_row(rows);
    const char *gap = strstr(d->sql, "%s");
    const char *sql =
        sp_arena_printf(&s->arena, "%.*s%s%s", (int)(gap - d->sql), d->sql, row && row[0] ? row[0] : "1", gap + 2);
    sp_maria.free_result(rows);
    return sql ? sp_my_run(m, sql, err, "") : sp_fail_nomem(err);
}

/* That an index is there says that the killed run's statement, which makes all of a table's, has come to its end. */
static int run_statement(sp_my_sink *s, MYSQL *m, const sp_ddl_statement *d, spate_error *err)
{
    enum { ER_DUP_KEYNAME = 1061 };
    int status = d->ask ? run_answered(s, m, d, err) : sp_my_run(m, d->sql, err, "");
    if (status && s->memory.resumed && sp_maria.errno(m) == ER_DUP_KEYNAME)
        return SPATE_OK;
    return status ? sp_fail_context(err, status, "table \"%s\": %s", s->tables[d->table].schema->table, d->what)
                  : SPATE_OK;
}

static int run_step(sp_my_sink *s, MYSQL *m, sp_ddl_step step, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t i = 0; i < s->ddl.n && status == SPATE_OK; i++)
        if (s->ddl.statements[i].step == step)
            status = run_statement(s, m, &s->ddl.statements[i], err);
    return status;
}

/* What is there already was made by a run of this job that was stopped in the middle of it: presence has been checked. */
static int drop_tables(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        if (s->tables[i].live)
            status = run_for(m, "DROP TABLE IF EXISTS ", s->tables[i].schema->table, "replacing", err);
    return status;
}

int sp_my_create_tables(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    bool indexes = s->base.options.indexes_before;
    int status = without_keys(m, true, err);
    if (status == SPATE_OK)
        status = drop_tables(s, m, err);
    if (status == SPATE_OK)
        status = run_step(s, m, SP_DDL_TABLES, err);
    if (status == SPATE_OK && indexes)
        status = run_step(s, m, SP_DDL_INDEXES, err);
    if (status == SPATE_OK && indexes)
        status = run_step(s, m, SP_DDL_KEYS, err);
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

typedef struct works {
    sp_my_sink *sink;
    const sp_ddl_statement **statements;
} works;

static int open_link(void *arg, void **link, spate_error *err)
{
    MYSQL *m = NULL;
    int status = sp_my_connect(&((works *)arg)->sink->server, &m, err);
    *link = m;
    return status;
}

static void close_link(void *link)
{
    sp_maria.close(link);
}

static bool is_lost(MYSQL *m)
{
    unsigned number = sp_maria.errno(m);
    return number >= 2000 && number < 3000;
}

static int run_item(void *arg, void *link, uint32_t item, bool *lost, spate_error *err)
{
    works *w = arg;
    int status = run_statement(w->sink, link, w->statements[item], err);
    *lost = status && is_lost(link);
    return status;
}

static double rows_of(const sp_my_sink *s, const sp_ddl_statement *d)
{
    return s->tables[d->table].live->rows;
}

/* Indexes and keys, a table a statement, at once. The largest table goes first: nothing else is left to do when it ends. */
static int add_indexes(sp_my_sink *s, spate_error *err)
{
    works w = {s, sp_arena_alloc(&s->arena, s->ddl.n + 1, sizeof(*w.statements))};
    uint32_t n = 0;
    if (!w.statements)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < s->ddl.n; i++) {
        const sp_ddl_statement *d = &s->ddl.statements[i];
        if (d->step != SP_DDL_INDEXES && d->step != SP_DDL_KEYS)
            continue;
        uint32_t at = n++;
        for (; at > 0 && rows_of(s, w.statements[at - 1]) < rows_of(s, d); at--)
            w.statements[at] = w.statements[at - 1];
        w.statements[at] = d;
    }
    return sp_at_once_run(&(sp_at_once){n, s->base.options.lanes, &w, open_link, run_item, close_link}, err);
}

/* Their indexes are there, so that none of these goes through the rows. */
static int add_foreign_keys(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    int status = without_keys(m, true, err);
    for (uint32_t i = 0; i < s->ddl.n && status == SPATE_OK; i++) {
        const sp_ddl_statement *d = &s->ddl.statements[i];
        if (d->step == SP_DDL_FOREIGN_KEYS &&
            s->tables[d->table].live->n_foreign_keys == 0) /* else a run that was killed has done it */
            status = run_statement(s, m, d, err);
    }
    int back = without_keys(m, false, status ? NULL : err);
    return status ? status : back;
}

static int list_tables(const sp_my_sink *s, sp_buf *sql, const char *head, const char *tail)
{
    int built = sp_buf_adds(sql, head);
    for (uint32_t i = 0; i < s->n_tables && !built; i++)
        built =
            sp_buf_adds(sql, i ? ", " : "") || sp_sql_ident(sql, s->tables[i].schema->table) || sp_buf_adds(sql, tail);
    return built;
}

/* The server does not notice a client's death before its statement ends. Whoever may not lock tables waits at each of them. */
static int wait_for_killed_run(const sp_my_sink *s, MYSQL *m, spate_error *err)
{
    sp_buf sql = {0};
    if (!s->memory.resumed || !s->n_tables)
        return SPATE_OK;
    int built = list_tables(s, &sql, "LOCK TABLES ", " WRITE");
    if (!built)
        (void)!sp_my_run(m, sp_my_string(&sql), NULL, "");
    sp_buf_done(&sql);
    return built ? sp_fail_nomem(err) : sp_my_run(m, "UNLOCK TABLES", err, "waiting for a run that was killed");
}

/* Before foreign keys are checked, which is a join of tables. */
static int analyze(const sp_my_sink *s, MYSQL *m, spate_error *err)
{
    sp_buf sql = {0};
    int status = SPATE_OK;
    if (s->n_tables)
        status = list_tables(s, &sql, "ANALYZE NO_WRITE_TO_BINLOG TABLE ", "")
                     ? sp_fail_nomem(err)
                     : sp_my_run(m, sp_my_string(&sql), err, "analysing");
    sp_buf_done(&sql);
    return status;
}

static int find_all(sp_my_sink *s, spate_error *err)
{
    int status = sp_my_find_tables(s, err);
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        if (!s->tables[i].live)
            status = sp_fail(err, SPATE_E_CONFIG, "table \"%s\" is gone", s->tables[i].schema->table);
    return status;
}

int sp_my_add_keys(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    int status = wait_for_killed_run(s, m, err);
    if (status == SPATE_OK)
        status = find_all(s, err);
    if (status == SPATE_OK && !s->base.options.indexes_before)
        status = add_indexes(s, err);
    if (status == SPATE_OK)
        status = analyze(s, m, err);
    if (status == SPATE_OK)
        status = add_foreign_keys(s, m, err);
    if (status == SPATE_OK)
        status = run_step(s, m, SP_DDL_END, err);
    if (status == SPATE_OK)
        status = find_all(s, err);
    return status == SPATE_OK ? sp_my_order_tables(s, err) : status;
}

/* ---- foreign keys checked -------------------------------------------------------------------- */

static int add_orphans(sp_buf *sql, const sp_my_sink *s, const sp_my_foreign_key *key)
{
    int built = sp_buf_adds(sql, "SELECT count(*) FROM ") || sp_sql_ident(sql, s->tables[key->child].schema->table) ||
                sp_buf_adds(sql, " AS c LEFT JOIN ") || sp_buf_adds(sql, key->parent) || sp_buf_adds(sql, " AS p ON ");
    for (uint32_t i = 0; i < key->n && !built; i++)
        built = sp_buf_adds(sql, i ? " AND c." : "c.") || sp_sql_name(sql, key->columns[i]) ||
                sp_buf_adds(sql, " = p.") || sp_sql_name(sql, key->parent_columns[i]);
    built = built || sp_buf_adds(sql, " WHERE p.") || sp_sql_name(sql, key->parent_columns[0]) ||
            sp_buf_adds(sql, " IS NULL");
    for (uint32_t i = 0; i < key->n && !built; i++)
        built = sp_buf_adds(sql, " AND c.") || sp_sql_name(sql, key->columns[i]) || sp_buf_adds(sql, " IS NOT NULL");
    return built;
}

static int check_item(void *arg, void *link, uint32_t item, bool *lost, spate_error *err)
{
    const sp_my_sink *s = ((works *)arg)->sink;
    const sp_my_foreign_key *key = &s->foreign_keys[item];
    uint64_t orphans = 0;
    sp_buf sql = {0};
    int status = add_orphans(&sql, s, key)
                     ? sp_fail_nomem(err)
                     : sp_my_ask_number(link, sp_my_string(&sql), &orphans, err, "checking foreign keys");
    sp_buf_done(&sql);
    *lost = status && is_lost(link);
    if (status == SPATE_OK && orphans)
        status =
            sp_fail(err, SPATE_E_DATA, "foreign key of table \"%s\" (\"%s\"): %llu rows refer to no row of %s",
                    s->tables[key->child].schema->table, key->columns[0], (unsigned long long)orphans, key->parent);
    return status;
}

int sp_my_check_foreign_keys(sp_my_sink *s, spate_error *err)
{
    works w = {.sink = s};
    return sp_at_once_run(
        &(sp_at_once){s->n_foreign_keys, s->base.options.lanes, &w, open_link, check_item, close_link}, err);
}
