/* mariadb.c - the tables of a MariaDB or MySQL server as a catalog.
 *
 * mysql://user:password@host:port/database?socket=PATH; what the URI leaves out comes from the group [spate] of the client's
 * option files. The server says its tables as CREATE statements, which is all there is to know of them. Rows cannot go there
 * yet. */
#include "endpoint/catalog.h"
#include "endpoint/endpoints.h"
#include "client/libmariadb.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the URI --------------------------------------------------------------------------------- */

typedef struct address {
    char *user, *password, *host, *database, *socket;
    unsigned port;
} address;

static char *decoded(sp_arena *arena, const char *from, const char *to)
{
    char *text = sp_arena_alloc(arena, (size_t)(to - from) + 1, 1), *p = text;
    for (; text && from < to; from++) {
        uint8_t byte;
        size_t n;
        if (*from == '%' && to - from > 2 && sp_parse_hex((sp_str){from + 1, 2}, &byte, &n)) {
            *p++ = (char)byte;
            from += 2;
        } else {
            *p++ = *from;
        }
    }
    return text;
}

/* user:password@host:port/database, each of them or none. */
static int take_apart(sp_uri *uri, sp_arena *arena, address *a, spate_error *err)
{
    const char *p = strstr(uri->path, "://") + 3, *at = strrchr(p, '@'), *host = at ? at + 1 : p;
    const char *slash = strchr(host, '/'), *end = slash ? slash : host + strlen(host);
    const char *secret = at ? memchr(p, ':', (size_t)(at - p)) : NULL, *colon = memrchr(host, ':', (size_t)(end - host));
    const char *host_end = colon ? colon : end;
    *a = (address){0};
    if (at && p < (secret ? secret : at))
        a->user = decoded(arena, p, secret ? secret : at);
    if (secret)
        a->password = decoded(arena, secret + 1, at);
    if (host < host_end)
        a->host = decoded(arena, host, host_end);
    if (slash && slash[1])
        a->database = decoded(arena, slash + 1, slash + strlen(slash));
    a->socket = (char *)sp_uri_param_value(uri, "socket");
    int64_t port = 0;
    if (colon && (!sp_parse_i64((sp_str){colon + 1, (size_t)(end - colon) - 1}, &port) || port < 1 || port > 65535))
        return sp_fail(err, SPATE_E_USAGE, "the port of a MariaDB URI is a number from 1 to 65535");
    a->port = (unsigned)port;
    return SPATE_OK;
}

/* ---- talking to the server ------------------------------------------------------------------- */

static int fail(spate_error *err, MYSQL *m, int status, const char *what)
{
    status = sp_fail(err, status, "%s: %s", what, sp_maria.error(m));
    if (err)
        snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sp_maria.sqlstate(m));
    return status;
}

static int connect_to(sp_uri *uri, sp_arena *arena, MYSQL **out, spate_error *err)
{
    address a;
    int rc = take_apart(uri, arena, &a, err);
    if (rc == SPATE_OK)
        rc = sp_mariadb_load(err);
    if (rc != SPATE_OK)
        return rc;
    MYSQL *m = sp_maria.init(NULL);
    if (!m)
        return sp_fail_nomem(err);
    unsigned seconds = 15;
    sp_maria.options(m, MYSQL_READ_DEFAULT_GROUP, "spate");
    sp_maria.options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    sp_maria.options(m, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    if (!sp_maria.real_connect(m, a.host, a.user, a.password, a.database, a.port, a.socket, 0)) {
        rc = fail(err, m, SPATE_E_UNREACHABLE, "could not connect");
        sp_maria.close(m);
        return rc;
    }
    *out = m;
    return SPATE_OK;
}

static int ask(MYSQL *m, const char *sql, MYSQL_RES **rows, spate_error *err)
{
    *rows = NULL;
    if (sp_maria.real_query(m, sql, strlen(sql)) != 0)
        return fail(err, m, SPATE_E_UNREACHABLE, "reading the schema");
    *rows = sp_maria.store_result(m);
    return *rows ? SPATE_OK : fail(err, m, SPATE_E_UNREACHABLE, "reading the schema");
}

static int run(MYSQL *m, const char *sql, spate_error *err)
{
    return sp_maria.real_query(m, sql, strlen(sql)) == 0 ? SPATE_OK : fail(err, m, SPATE_E_UNREACHABLE, "setting up the session");
}

/* `name` */
static const char *quoted(sp_arena *arena, const char *name)
{
    char *text = sp_arena_alloc(arena, 2 * strlen(name) + 3, 1), *p = text;
    if (!text)
        return NULL;
    *p++ = '`';
    for (; *name; name++) {
        *p++ = *name;
        if (*name == '`')
            *p++ = '`';
    }
    *p = '`';
    return text;
}

/* ---- describing ------------------------------------------------------------------------------ */

/* MariaDB keeps JSON as text that has to be JSON. */
static bool is_json_check(const char *sql)
{
    return strncmp(sql, "json_valid(", 11) == 0;
}

static void mark_json(sp_cat_table *t)
{
    for (uint32_t i = 0; i < t->n_checks; i++) {
        sp_str name = {t->checks[i].sql + 12, strcspn(t->checks[i].sql + (is_json_check(t->checks[i].sql) ? 12 : 0), "`")};
        int at = is_json_check(t->checks[i].sql) ? sp_catalog_find_column(t, name) : -1;
        if (at >= 0)
            t->columns[at].type.class = SP_CAT_JSON;
    }
}

/* Bits are numbers here, as far as anybody writes them; and there is no text for a shape. */
static void as_mariadb_means(sp_cat_type *type)
{
    if (type->class == SP_CAT_BITS) {
        type->class = type->length == 1 ? SP_CAT_BOOL : SP_CAT_INTEGER;
        type->bits = type->length;
        type->is_unsigned = true;
    } else if (type->class == SP_CAT_SHAPE || type->class == SP_CAT_GEOMETRY) {
        type->class = SP_CAT_OTHER;
    }
}

/* One table's CREATE statement; its space is put in afterwards, for the server does not say it. */
static int read_table(MYSQL *m, sp_catalog *c, const char *space, const char *name, const char *rows, spate_error *err)
{
    const char *q = quoted(c->arena, space), *n = quoted(c->arena, name);
    const char *sql = q && n ? sp_arena_printf(c->arena, "SHOW CREATE TABLE %s.%s", q, n) : NULL;
    MYSQL_RES *result;
    int rc = sql ? ask(m, sql, &result, err) : sp_fail_nomem(err);
    if (rc != SPATE_OK)
        return rc;
    MYSQL_ROW row = sp_maria.fetch_row(result);
    uint32_t before = c->n_tables;
    if (row && row[1]) {
        size_t len = strlen(row[1]);
        char *text = sp_arena_strndup(c->arena, row[1], len);
        rc = text && sp_catalog_read_sql(c, text, len) ? SPATE_OK : sp_fail_nomem(err);
    }
    sp_maria.free_result(result);
    if (rc != SPATE_OK || c->n_tables == before)
        return rc;
    sp_cat_table *t = &c->tables[before];
    t->space = space;
    t->rows = rows ? strtod(rows, NULL) : -1;
    mark_json(t);
    for (uint32_t i = 0; i < t->n_columns; i++)
        as_mariadb_means(&t->columns[i].type);
    sp_cat_short_floats(t);
    return SPATE_OK;
}

static bool is_wanted(const sp_describe_options *o, const char *space, const char *current)
{
    for (uint32_t i = 0; i < o->n_spaces; i++)
        if (strcmp(o->spaces[i], space) == 0)
            return true;
    return o->n_spaces == 0 && (!current || strcmp(space, current) == 0);
}

static int read_tables(MYSQL *m, sp_catalog *c, const sp_describe_options *o, spate_error *err)
{
    static const char sql[] =
        "SELECT table_schema, table_name, table_rows, DATABASE(), VERSION() FROM information_schema.tables"
        " WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
        " AND table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY table_schema, create_time,"
        " table_name";
    MYSQL_RES *result;
    int rc = run(m, "SET SESSION sql_quote_show_create = 1, sql_mode = ''", err);
    if (rc == SPATE_OK)
        rc = ask(m, sql, &result, err);
    if (rc != SPATE_OK)
        return rc;
    MYSQL_ROW row;
    while (rc == SPATE_OK && (row = sp_maria.fetch_row(result)) != NULL) {
        if (!is_wanted(o, row[0], row[3]))
            continue;
        const char *space = sp_arena_strndup(c->arena, row[0], strlen(row[0]));
        c->server = sp_arena_printf(c->arena, "MariaDB %.*s", (int)strcspn(row[4], "-"), row[4]);
        c->default_space = row[3] ? sp_arena_strndup(c->arena, row[3], strlen(row[3])) : "";
        rc = space && c->server && c->default_space ? read_table(m, c, space, row[1], row[2], err) : sp_fail_nomem(err);
    }
    sp_maria.free_result(result);
    return rc;
}

static int describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err)
{
    MYSQL *m = NULL;
    int rc = connect_to(uri, c->arena, &m, err);
    if (rc != SPATE_OK)
        return rc;
    rc = read_tables(m, c, options, err);
    sp_maria.close(m);
    return rc;
}

const sp_endpoint sp_endpoint_mariadb = {
    .schemes = {"mysql", NULL},
    .params = "socket",
    .describe = describe,
};
