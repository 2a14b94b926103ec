/* mariadb_describe.c - the tables of a MariaDB or MySQL server as a catalog.
 *
 * The server says its tables as CREATE statements, which is all there is to know of them. It is asked in a session of its own,
 * in the mode in which it writes them as they are read here. */
#include "endpoint/endpoints.h"
#include "endpoint/mariadb.h"

#include <stdlib.h>

static const char what[] = "reading the schema";

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

/* The end of a comment that begins here; here, where none does. */
static const char *past_comment(const char *sql)
{
    bool line = strncmp(sql, "-- ", 3) == 0, block = strncmp(sql, "/*", 2) == 0;
    const char *end = line ? strchr(sql, '\n') : block ? strstr(sql + 2, "*/") : sql;
    return end ? end : sql + strlen(sql);
}

/* What comes out is never longer. */
void sp_my_put_plainly(char *sql)
{
    char *to = sql;
    for (char quote = 0; *sql; sql++) {
        if (quote == '\'' && *sql == '\\' && sql[1]) {
            static const char letters[] = "nrtbZ", means[] = "\n\r\t\b\032";
            const char *at = strchr(letters, *++sql);
            if (*sql == '\'')
                *to++ = '\'';
            *to++ = at ? means[at - letters] : *sql;
            continue;
        }
        for (const char *end = quote ? sql : past_comment(sql); sql < end; sql++)
            *to++ = *sql;
        if (!*sql)
            break;
        if (quote ? *sql == quote : *sql == '\'' || *sql == '`')
            quote = quote ? 0 : *sql;
        *to++ = *sql;
    }
    *to = '\0';
}

/* "`a`" behind "json_valid(", and nothing else: which column it is of; -1: it is another check. */
static int json_column(const sp_cat_table *t, const char *sql)
{
    static const char head[] = "json_valid(`";
    if (strncmp(sql, head, sizeof(head) - 1) != 0)
        return -1;
    sp_str name = {sql + sizeof(head) - 1, strcspn(sql + sizeof(head) - 1, "`")};
    return strcmp(name.p + name.len, "`)") == 0 ? sp_catalog_find_column(t, name) : -1;
}

/* MariaDB keeps JSON as text that has to be JSON: the type says so. */
static void mark_json(sp_cat_table *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_checks; i++) {
        int at = json_column(t, t->checks[i].sql);
        if (at < 0) {
            t->checks[n++] = t->checks[i];
            continue;
        }
        t->columns[at].type.class = SP_CAT_JSON;
        t->columns[at].type.spelled = "json";
        t->columns[at].collation = NULL;
    }
    t->n_checks = n;
}

/* What AUTO_INCREMENT would give next, whatever rows are there. */
static bool keep_counter(sp_catalog *c, sp_cat_table *t)
{
    sp_cat_sequence *s = sp_arena_alloc(c->arena, 1, sizeof(*s));
    if (!s)
        return false;
    *s = (sp_cat_sequence){.start = 1,
                           .step = 1,
                           .min = 1,
                           .max = INT64_MAX,
                           .cache = 1,
                           .called = t->next_number > 1,
                           .last = t->next_number - 1};
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (t->columns[i].auto_number && !t->columns[i].default_sql)
            t->columns[i].sequence = s;
    return true;
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

void sp_my_as_it_means(sp_cat_table *t)
{
    mark_json(t);
    for (uint32_t i = 0; i < t->n_columns; i++)
        as_mariadb_means(&t->columns[i].type);
    sp_cat_short_floats(t);
}

/* One table's CREATE statement; its space is put in afterwards, for the server does not say it. */
static int read_table(MYSQL *m, sp_catalog *c, const char *space, const char *name, const char *rows, spate_error *err)
{
    const char *q = quoted(c->arena, space), *n = quoted(c->arena, name);
    const char *sql = q && n ? sp_arena_printf(c->arena, "SHOW CREATE TABLE %s.%s", q, n) : NULL;
    MYSQL_RES *result;
    int rc = sql ? sp_my_ask(m, sql, &result, err, what) : sp_fail_nomem(err);
    if (rc != SPATE_OK)
        return rc;
    MYSQL_ROW row = sp_maria.fetch_row(result);
    uint32_t before = c->n_tables;
    if (row && row[1]) {
        size_t len = strlen(row[1]);
        char *text = sp_arena_strndup(c->arena, row[1], len);
        if (text)
            sp_my_put_plainly(text);
        rc = text && sp_catalog_read_sql(c, text, strlen(text)) ? SPATE_OK : sp_fail_nomem(err);
    }
    sp_maria.free_result(result);
    if (rc != SPATE_OK || c->n_tables == before)
        return rc;
    sp_cat_table *t = &c->tables[before];
    t->space = space;
    t->rows = rows ? strtod(rows, NULL) : -1;
    sp_my_as_it_means(t);
    return keep_counter(c, t) ? SPATE_OK : sp_fail_nomem(err);
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
    int rc = sp_my_run(m, "SET SESSION sql_quote_show_create = 1, sql_mode = ''", err, what);
    if (rc == SPATE_OK)
        rc = sp_my_ask(m, sql, &result, err, what);
    if (rc != SPATE_OK)
        return rc;
    MYSQL_ROW row;
    while (rc == SPATE_OK && (row = sp_maria.fetch_row(result)) != NULL) {
        if (!is_wanted(o, row[0], row[3]))
            continue;
        const char *space = sp_arena_strndup(c->arena, row[0], strlen(row[0]));
        c->server = sp_arena_printf(c->arena, "%s %.*s", strstr(row[4], "MariaDB") ? "MariaDB" : "MySQL",
                                    (int)strcspn(row[4], "-"), row[4]);
        c->default_space = row[3] ? sp_arena_strndup(c->arena, row[3], strlen(row[3])) : "";
        rc = space && c->server && c->default_space ? read_table(m, c, space, row[1], row[2], err) : sp_fail_nomem(err);
    }
    sp_maria.free_result(result);
    return rc;
}

/* What belongs to a database and is no table, counted. */
static int read_others(MYSQL *m, sp_catalog *c, const sp_describe_options *o, spate_error *err)
{
    static const char sql[] =
        "SELECT x.space, x.name, if(x.what LIKE ' %', concat(count(*), x.what), x.what), DATABASE() FROM ("
        "SELECT event_object_schema AS space, event_object_table AS name, ' triggers' AS what FROM information_schema.triggers"
        " UNION ALL SELECT table_schema, table_name, 'its partitions: it becomes one table' FROM information_schema.tables"
        " WHERE create_options LIKE '%partitioned%'"
        " UNION ALL SELECT table_schema, table_name, 'its versions of rows, but the last' FROM information_schema.tables"
        " WHERE table_type = 'SYSTEM VERSIONED'"
        " UNION ALL SELECT table_schema, '', ' views' FROM information_schema.views"
        " UNION ALL SELECT routine_schema, '', ' functions' FROM information_schema.routines"
        " UNION ALL SELECT event_schema, '', ' events' FROM information_schema.events) AS x"
        " WHERE x.space NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') GROUP BY 1, 2, x.what ORDER BY 1, 2, x.what";
    MYSQL_RES *result;
    MYSQL_ROW row;
    int rc = sp_my_ask(m, sql, &result, err, what);
    if (rc != SPATE_OK)
        return rc;
    while (rc == SPATE_OK && (row = sp_maria.fetch_row(result)) != NULL) {
        if (!is_wanted(o, row[0], row[3]))
            continue;
        sp_cat_other *other = sp_catalog_add_other(c);
        if (!other || !(other->what = sp_arena_strndup(c->arena, row[2], strlen(row[2]))))
            rc = sp_fail_nomem(err);
        else if (*row[1])
            other->table = sp_catalog_find_table(c, row[0], row[1]);
    }
    sp_maria.free_result(result);
    return rc;
}

static int read_all(sp_my_server *s, sp_catalog *c, const sp_describe_options *options, spate_error *err)
{
    MYSQL *m = NULL;
    int rc = sp_my_connect(s, &m, err);
    if (rc != SPATE_OK)
        return rc;
    c->dialect = (int)sp_my_dialect(s);
    rc = read_tables(m, c, options, err);
    if (rc == SPATE_OK)
        rc = read_others(m, c, options, err);
    sp_maria.close(m);
    return rc;
}

int sp_my_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err)
{
    sp_my_server s;
    int rc = sp_my_server_init(&s, uri, c->arena, err);
    return rc == SPATE_OK ? read_all(&s, c, options, err) : rc;
}

int sp_my_read_catalog(sp_my_server *s, sp_arena *arena, const char *const *names, uint32_t n, sp_catalog *c,
                       spate_error *err)
{
    const char **spaces = sp_arena_alloc(arena, (size_t)n + 1, sizeof(*spaces));
    sp_describe_options options = {.spaces = spaces};
    sp_catalog_init(c, arena);
    if (!spaces)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; s->database && i < n; i++) {
        const char *dot = strchr(names[i], '.'), *from = names[i];
        size_t len = dot ? (size_t)(dot - from) : 0;
        bool quoted = len > 1 && (*from == '"' || *from == '`') && from[len - 1] == *from;
        if (dot && !(spaces[options.n_spaces++] = sp_arena_strndup(arena, from + quoted, len - 2 * quoted)))
            return sp_fail_nomem(err);
    }
    if (options.n_spaces)
        spaces[options.n_spaces++] = s->database;
    int rc = read_all(s, c, &options, err);
    return rc == SPATE_OK && !sp_catalog_link(c) ? sp_fail_nomem(err) : rc;
}

int sp_my_qualified(sp_buf *out, const sp_cat_table *t)
{
    return sp_sql_name(out, t->space) || sp_buf_adds(out, ".") || sp_sql_name(out, t->name);
}

/* ---- types in the codec's terms ---------------------------------------------------------------- */

static sp_my_class class_of(const sp_cat_type *t)
{
    static const struct {
        const char *name;
        sp_my_class class;
    } names[] = {{"bit", SP_MY_BIT},
                 {"timestamp", SP_MY_TIMESTAMP},
                 {"inet4", SP_MY_WORD},
                 {"inet6", SP_MY_WORD},
                 {"geometry", SP_MY_SHAPE},
                 {"point", SP_MY_SHAPE},
                 {"linestring", SP_MY_SHAPE},
                 {"polygon", SP_MY_SHAPE},
                 {"multipoint", SP_MY_SHAPE},
                 {"multilinestring", SP_MY_SHAPE},
                 {"multipolygon", SP_MY_SHAPE},
                 {"geometrycollection", SP_MY_SHAPE}};
    for (size_t i = 0; i < SP_COUNT(names); i++)
        if (strcmp(t->name, names[i].name) == 0)
            return names[i].class;
    switch (t->class) {
    case SP_CAT_BOOL:
    case SP_CAT_INTEGER: return SP_MY_INTEGER;
    case SP_CAT_FLOAT: return SP_MY_FLOAT;
    case SP_CAT_DECIMAL: return SP_MY_DECIMAL;
    case SP_CAT_YEAR: return SP_MY_YEAR;
    case SP_CAT_DATE: return SP_MY_DATE;
    case SP_CAT_TIME: return SP_MY_TIME;
    case SP_CAT_TIMESTAMP: return SP_MY_DATETIME;
    case SP_CAT_TEXT: return SP_MY_TEXT;
    case SP_CAT_BYTES: return SP_MY_BYTES;
    case SP_CAT_JSON: return SP_MY_JSON;
    case SP_CAT_ENUM: return SP_MY_ENUM;
    case SP_CAT_SET: return SP_MY_SET;
    case SP_CAT_UUID: return SP_MY_UUID;
    default: return SP_MY_NEVER;
    }
}

/* The number in "datetime(3)". */
static uint8_t places_of(const char *spelled)
{
    const char *open = strchr(spelled, '(');
    return open ? (uint8_t)strtoul(open + 1, NULL, 10) : 0;
}

sp_my_type sp_my_type_of(const sp_cat_column *c)
{
    const sp_cat_type *t = &c->type;
    sp_my_class class = class_of(t);
    bool clock = class == SP_MY_TIME || class == SP_MY_DATETIME || class == SP_MY_TIMESTAMP;
    return (sp_my_type){
        .class = class,
        .bits = t->class == SP_CAT_BOOL ? 1 : (uint8_t)t->bits,
        .is_unsigned = t->is_unsigned,
        .fixed = t->fixed,
        .rounded = class == SP_MY_FLOAT && strchr(t->spelled, '('),
        .not_null = c->not_null,
        .precision = (uint8_t)(class == SP_MY_DECIMAL && !t->precision ? 10 : t->precision),
        .scale = clock ? places_of(t->spelled) : (uint8_t)t->scale,
        .length = t->length,
        .labels = t->labels,
        .n_labels = t->n_labels,
        .name = t->spelled,
    };
}
