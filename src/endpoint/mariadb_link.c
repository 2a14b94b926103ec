/* mariadb_link.c - connections to MariaDB and MySQL, and the server's words turned into a spate_error.
 *
 * mysql://user:password@host:port/database?socket=PATH; what the URI leaves out comes from the group [spate] of the client's
 * option files. Every session is strict about what a column can hold, knows no zone but UTC, quotes names with " and reads a
 * backslash as a backslash, so that SQL and times mean what they mean elsewhere. */
#include "endpoint/mariadb.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the URI --------------------------------------------------------------------------------- */

static const char *decoded(sp_arena *arena, const char *from, const char *to)
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
int sp_my_server_init(sp_my_server *s, sp_uri *uri, sp_arena *arena, spate_error *err)
{
    const char *p = strstr(uri->path, "://") + 3, *at = strrchr(p, '@'), *host = at ? at + 1 : p;
    const char *slash = strchr(host, '/'), *end = slash ? slash : host + strlen(host);
    const char *secret = at ? memchr(p, ':', (size_t)(at - p)) : NULL,
               *colon = memrchr(host, ':', (size_t)(end - host));
    const char *host_end = colon ? colon : end, *socket = sp_uri_param_value(uri, "socket");
    *s = (sp_my_server){.shown = sp_uri_shown(uri->text, arena)};
    if (at && p < (secret ? secret : at))
        s->user = decoded(arena, p, secret ? secret : at);
    if (secret)
        s->password = decoded(arena, secret + 1, at);
    if (host < host_end)
        s->host = decoded(arena, host, host_end);
    if (slash && slash[1])
        s->database = decoded(arena, slash + 1, slash + strlen(slash));
    if (socket)
        s->socket = sp_arena_strndup(arena, socket, strlen(socket));
    int64_t port = 0;
    if (colon && (!sp_parse_i64((sp_str){colon + 1, (size_t)(end - colon) - 1}, &port) || port < 1 || port > 65535))
        return sp_fail(err, SPATE_E_USAGE, "the port of a MariaDB URI is a number from 1 to 65535");
    s->port = (unsigned)port;
    return s->shown ? sp_mariadb_load(err) : sp_fail_nomem(err);
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* What the user can do about it: by the server's number where the SQLSTATE is too coarse, which for MariaDB it often is.
 * https://mariadb.com/kb/en/mariadb-error-code-reference/ */
static int status_of(unsigned number, const char *state)
{
    switch (number) {
    case 1205:
    case 1213:
    case 1020:
    case 1412: /* lock wait, deadlock, record or definition has changed */
        return number == 1412 ? SPATE_E_CONFIG : SPATE_E_RETRY;
    case 1044:
    case 1045:
    case 1142:
    case 1143:
    case 1227:
    case 1290:
    case 1370:
    case 1836: /* not allowed, read only */ return SPATE_E_UNREACHABLE;
    case 1111: /* an aggregate where none can be */ return SPATE_E_CONFIG;
    case 1265:
    case 1364:
    case 1365:
    case 1366:
    case 3819:
    case 4025:
    case 1118:
    case 1071: return number == 1364 || number == 1118 || number == 1071 ? SPATE_E_CONFIG : SPATE_E_DATA;
    default: break;
    }
    if (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 || strncmp(state, "01", 2) == 0)
        return SPATE_E_DATA;
    return strncmp(state, "42", 2) == 0 || strncmp(state, "0A", 2) == 0 ? SPATE_E_CONFIG : SPATE_E_UNREACHABLE;
}

int sp_my_fail(spate_error *err, MYSQL *m, MYSQL_STMT *stmt, const char *fmt, ...)
{
    char phrase[SPATE_MESSAGE_MAX / 2];
    va_list args;
    va_start(args, fmt);
    vsnprintf(phrase, sizeof(phrase), fmt, args);
    va_end(args);
    unsigned number = stmt ? sp_maria.stmt_errno(stmt) : sp_maria.errno(m);
    const char *state = stmt ? sp_maria.stmt_sqlstate(stmt) : sp_maria.sqlstate(m);
    int status = sp_fail(err, status_of(number, state), "%s%serror %u: %s", phrase, *phrase ? ": " : "", number,
                         stmt ? sp_maria.stmt_error(stmt) : sp_maria.error(m));
    if (err)
        snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", state);
    return status;
}

/* ---- statements ------------------------------------------------------------------------------ */

int sp_my_run(MYSQL *m, const char *sql, spate_error *err, const char *what)
{
    if (sp_maria.real_query(m, sql, strlen(sql)) != 0)
        return sp_my_fail(err, m, NULL, "%s", what);
    for (int more = 0; more == 0;) {
        sp_maria.free_result(sp_maria.store_result(m));
        more = sp_maria.next_result(m);
        if (more > 0)
            return sp_my_fail(err, m, NULL, "%s", what);
    }
    return SPATE_OK;
}

int sp_my_ask(MYSQL *m, const char *sql, MYSQL_RES **rows, spate_error *err, const char *what)
{
    *rows = NULL;
    if (sp_maria.real_query(m, sql, strlen(sql)) == 0)
        *rows = sp_maria.store_result(m);
    return *rows ? SPATE_OK : sp_my_fail(err, m, NULL, "%s", what);
}

int sp_my_ask_number(MYSQL *m, const char *sql, uint64_t *number, spate_error *err, const char *what)
{
    MYSQL_RES *rows;
    int status = sp_my_ask(m, sql, &rows, err, what);
    if (status)
        return status;
    MYSQL_ROW row = sp_maria.fetch_row(rows);
    *number = row && row[0] ? strtoull(row[0], NULL, 10) : 0;
    sp_maria.free_result(rows);
    return SPATE_OK;
}

/* ---- connections ----------------------------------------------------------------------------- */

#define SQL_MODE \
    "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO," \
    "NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ANSI_QUOTES,NO_BACKSLASH_ESCAPES"

static const char session[] =
    "SET SESSION sql_mode = '" SQL_MODE
    "', time_zone = '+00:00', sql_notes = 1, sql_warnings = 0, net_write_timeout = 31536000,"
    " net_read_timeout = 31536000, wait_timeout = 31536000, foreign_key_checks = 1, unique_checks = 1, autocommit = 1";

/* A server, or one of those in between that pretend to be one, may leave out what it does not know. */
static int check_session(MYSQL *m, spate_error *err)
{
    MYSQL_RES *rows;
    int status = sp_my_ask(m, "SELECT @@SESSION.sql_mode", &rows, err, "setting up the session");
    if (status)
        return status;
    MYSQL_ROW row = sp_maria.fetch_row(rows);
    static const char *const needed[] = {
        "STRICT_ALL_TABLES", "STRICT_TRANS_TABLES",  "NO_ZERO_DATE",          "NO_ZERO_IN_DATE",
        "ANSI_QUOTES",       "NO_BACKSLASH_ESCAPES", "NO_AUTO_VALUE_ON_ZERO", "ERROR_FOR_DIVISION_BY_ZERO"};
    for (size_t i = 0; i < SP_COUNT(needed) && status == SPATE_OK; i++)
        if (!row || !row[0] || !strstr(row[0], needed[i]))
            status =
                sp_fail(err, SPATE_E_UNREACHABLE,
                        "the server does not set the SQL mode %s, without which it changes values silently", needed[i]);
    sp_maria.free_result(rows);
    return status;
}

static int learn(sp_my_server *s, MYSQL *m, spate_error *err)
{
    const char *info = sp_maria.get_server_info(m);
    unsigned long version = sp_maria.get_server_version(m);
    uint64_t packet = 0;
    s->mariadb = strstr(info, "MariaDB") != NULL;
    s->array_binding = s->mariadb && version >= 100200;
    s->uuid = s->mariadb && version >= 100700;
    int status = sp_my_ask_number(m, "SELECT @@max_allowed_packet", &packet, err, "asking the server for its limits");
    s->packet_max = packet;
    return status;
}

static int set_up(sp_my_server *s, MYSQL *m, spate_error *err)
{
    int status = sp_my_run(m, session, err, "setting up the session");
    if (status == SPATE_OK)
        status = check_session(m, err);
    if (status == SPATE_OK && !s->packet_max)
        status = learn(s, m, err);
    /* What one of the two has, the other calls by another name. */
    if (status == SPATE_OK)
        status = sp_my_run(m, s->mariadb ? "SET SESSION max_statement_time = 0" : "SET SESSION max_execution_time = 0",
                           err, "setting up the session");
    return status;
}

/* A server may ask for any file of ours when it is told to load one: it gets none but what a lane hands it. */
static int no_file(void **mine, const char *name, void *lane)
{
    *mine = NULL;
    return 1;
}

static int no_bytes(void *mine, char *to, unsigned size)
{
    return -1;
}

static void no_end(void *mine) {}

static int no_words(void *mine, char *to, unsigned size)
{
    snprintf(to, size, "files are not given away");
    return 2000;
}

int sp_my_connect(sp_my_server *s, MYSQL **out, spate_error *err)
{
    MYSQL *m = sp_maria.init(NULL);
    if (!m)
        return sp_fail_nomem(err);
    unsigned seconds = 15, local = s->infile;
    sp_maria.options(m, MYSQL_READ_DEFAULT_GROUP, "spate");
    sp_maria.options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    sp_maria.options(m, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    sp_maria.options(m, MYSQL_OPT_LOCAL_INFILE, &local);
    sp_maria.set_local_infile_handler(m, no_file, no_bytes, no_end, no_words, NULL);
    int status = SPATE_OK;
    if (!sp_maria.real_connect(m, s->host, s->user, s->password, s->database, s->port, s->socket,
                               CLIENT_MULTI_STATEMENTS)) {
        sp_my_fail(err, m, NULL, "could not connect");
        status = SPATE_E_UNREACHABLE;
        if (err)
            err->status = status;
    }
    if (status == SPATE_OK)
        status = set_up(s, m, err);
    if (status == SPATE_OK)
        *out = m;
    else
        sp_maria.close(m);
    return status;
}
