/* file_describe.c - a file of CREATE statements as a catalog: whose server's they are, and what that means by them. */
#include "codec/codec.h"
#include "endpoint/catalog.h"
#include "endpoint/endpoints.h"
#include "os/os.h"

enum { SCRIPT_BYTES_MAX = 256 << 20, JUDGED_BYTES_MAX = 1 << 20 };

/* ---- whose script it is -------------------------------------------------------------------------- */

/* Dumps say so in their head; else it is told by what no other server takes. */
static const struct {
    int dialect;
    const char *sign;
} signs[] = {
    {SP_SQL_POSTGRES, "-- PostgreSQL database"},
    {SP_SQL_MARIADB, "-- MariaDB dump"},
    {SP_SQL_MYSQL, "-- MySQL dump"},
    {SP_SQL_MARIADB, ") ENGINE="},
    {SP_SQL_POSTGRES, "pg_catalog."},
    {SP_SQL_POSTGRES, "::regclass"},
    {SP_SQL_SQLITE, "CREATE TABLE sqlite_sequence"},
    {SP_SQL_SQLITE, "CREATE VIRTUAL TABLE"},
    {SP_SQL_SQLITE, " AUTOINCREMENT"},
    {SP_SQL_SQLITE, "WITHOUT ROWID"},
    {SP_SQL_SQLITE, ") STRICT"},
    {SP_SQL_SQLITE, "PRAGMA foreign_keys"},
};

static bool has_sign(const char *text, size_t len, const char *sign)
{
    size_t n = strlen(sign);
    for (size_t i = 0; i + n <= len; i++)
        if ((text[i] | 32) == (*sign | 32) && sp_str_ieq((sp_str){text + i, n}, sign))
            return true;
    return false;
}

/* EXPORT DATABASE of DuckDB writes a schema.sql without a head, and a load.sql beside it. */
static bool is_exported(sp_uri *uri, sp_arena *arena)
{
    static const char name[] = "schema.sql";
    size_t len = strlen(uri->path), n = sizeof(name) - 1;
    if (len < n || strcmp(uri->path + len - n, name) != 0 || (len > n && uri->path[len - n - 1] != '/'))
        return false;
    const char *beside = sp_arena_printf(arena, "%.*sload.sql", (int)(len - n), uri->path);
    return beside && sp_os_exists(beside);
}

static int dialect_of(sp_uri *uri, sp_arena *arena, const char *text, size_t len)
{
    len = SP_MIN(len, (size_t)JUDGED_BYTES_MAX);
    for (size_t i = 0; i < SP_COUNT(signs); i++)
        if (has_sign(text, len, signs[i].sign))
            return signs[i].dialect;
    return is_exported(uri, arena) ? (int)SP_SQL_DUCKDB : -1;
}

/* ---- what that server means by it ----------------------------------------------------------------- */

static void as_server_means(sp_catalog *c)
{
    switch (c->dialect) {
    case SP_SQL_POSTGRES: c->server = "PostgreSQL"; break;
    case SP_SQL_MARIADB: c->server = "MariaDB"; break;
    case SP_SQL_MYSQL: c->server = "MySQL"; break;
    case SP_SQL_SQLITE: c->server = "SQLite"; break;
    case SP_SQL_DUCKDB: c->server = "DuckDB"; break;
    default: break;
    }
    c->brackets = c->dialect == SP_SQL_DUCKDB;
    for (uint32_t i = 0; i < c->n_tables; i++) {
        sp_cat_table *t = &c->tables[i];
        if (sp_sql_is_mariadb((sp_sql_dialect)c->dialect))
            sp_my_as_it_means(t);
        else if (c->dialect == SP_SQL_SQLITE)
            sp_sqlite_as_it_means(t);
        else if (c->dialect == SP_SQL_DUCKDB)
            sp_cat_short_floats(t);
    }
}

/* What names without a schema mean: pg_dump names every one, and what it calls public is where such are looked for. */
static void name_spaces(sp_catalog *c)
{
    bool has_public = false;
    for (uint32_t i = 0; i < c->n_tables; i++)
        has_public = has_public || strcmp(c->tables[i].space, "public") == 0;
    c->default_space = has_public ? "public" : c->dialect == SP_SQL_DUCKDB ? "main" : "";
    for (uint32_t i = 0; *c->default_space && i < c->n_tables; i++)
        if (!*c->tables[i].space)
            c->tables[i].space = c->default_space;
}

static int read_script(sp_uri *uri, sp_catalog *c, char *script, size_t len)
{
    c->dialect = dialect_of(uri, c->arena, script, len);
    if (sp_sql_is_mariadb((sp_sql_dialect)c->dialect)) {
        sp_my_put_plainly(script);
        len = strlen(script);
    }
    if (!sp_catalog_read_sql(c, script, len))
        return SPATE_E_NOMEM;
    as_server_means(c);
    name_spaces(c);
    return SPATE_OK;
}

int sp_file_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err)
{
    (void)options; /* names say their schema, or have none */
    if (strcmp(uri->scheme, "sql") != 0 && strcmp(uri->scheme, "-") != 0) {
        sp_fail(err, SPATE_E_USAGE, "\"%s\" has no schema that could be described", uri->text);
        sp_error_hint(err, "a file of CREATE statements ends in .sql; - is standard input");
        return SPATE_E_USAGE;
    }
    sp_buf text;
    sp_buf_init(&text);
    int rc = sp_os_read_file(uri->path, SCRIPT_BYTES_MAX, &text, err);
    char *kept = rc == SPATE_OK ? sp_arena_strndup(c->arena, text.data, text.len) : NULL;
    if (rc == SPATE_OK && (!kept || read_script(uri, c, kept, text.len)))
        rc = sp_fail_nomem(err);
    sp_buf_done(&text);
    return rc;
}
