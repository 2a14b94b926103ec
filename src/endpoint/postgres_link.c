/* postgres_link.c - connections to PostgreSQL, and the server's words turned into a spate_error.
 *
 * The user's connection string goes to libpq as it is, so that PG* variables, .pgpass and
 * service files work. libpq quotes a string it cannot read, password and all: that is not passed
 * on. */
#include "endpoint/postgres.h"
#include "os/host.h"

#include <stdio.h>
#include <stdlib.h>

/* Time as UTC, ISO dates and full floats, so that text means the same on every server; no
 * timeout of an interactive user. */
#define COMMON_SETTINGS \
    "SET client_encoding = 'UTF8'; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD';" \
    "SET intervalstyle = 'postgres'; SET extra_float_digits = 3; SET standard_conforming_strings " \
    "= on;" \
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"

static const sp_pg_dialect dialects[] = {
    /* Not yet tried on a live server; from its sources and manual: COPY BINARY is its slow path,
     * one transaction a COPY, 40001 asks for the whole chunk again, which flow makes anew. */
    {
        .name = "CockroachDB",
        .session = COMMON_SETTINGS,
        .sql = SP_SQL_COCKROACH,
        .copy_options = " WITH CSV",
        .copy_text = SP_TEXT_CSV,
        .keys_at_creation = true,
        .upsert_word = true,
    },
    {
        .name = "PostgreSQL",
        .session = COMMON_SETTINGS "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings"
                                   " WHERE name = 'idle_session_timeout'", /* since 14 */
        .lane = "SET synchronous_commit = off",
        /* A commit waits for the log up to itself, and so for all before it; but only a commit that
         * wrote something waits. */
        .flush = "SELECT set_config('synchronous_commit', 'on', false)"
                 " WHERE current_setting('synchronous_commit') = 'off';"
                 "SELECT pg_logical_emit_message(true, 'spate', '')",
        .sql = SP_SQL_POSTGRES,
        .copy_binary = true,
        .copy_options = "",
        .copy_text = SP_TEXT_COPY,
        .transactional_ddl = true,
    },
};

/* ---- errors ---------------------------------------------------------------------------------- */

static bool class_is(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

/* What the user can do about an SQLSTATE:
 * https://www.postgresql.org/docs/current/errcodes-appendix.html */
static int status_of(const char *state)
{
    static const struct {
        const char *prefix;
        int status;
    } map[] = {
        {"40001", SPATE_E_RETRY},       {"40P01", SPATE_E_RETRY},       {"40003", SPATE_E_UNREACHABLE},
        {"42501", SPATE_E_UNREACHABLE}, {"25006", SPATE_E_UNREACHABLE}, {"21", SPATE_E_DATA},
        {"22", SPATE_E_DATA},           {"23", SPATE_E_DATA},           {"44", SPATE_E_DATA},
        {"54", SPATE_E_DATA},           {"P0", SPATE_E_DATA},           {"42", SPATE_E_CONFIG},
        {"0A", SPATE_E_CONFIG},         {"2B", SPATE_E_CONFIG},         {"3F", SPATE_E_CONFIG},
    };
    for (size_t i = 0; i < SP_COUNT(map); i++)
        if (class_is(state, map[i].prefix))
            return map[i].status;
    return SPATE_E_UNREACHABLE; /* 08, 28, 3D, 53, 55, 57, 58, XX: the server cannot, or does not
                                   want to */
}

static const char *field_of(const PGresult *res, int field)
{
    const char *text = res ? sp_pq.result_field(res, field) : NULL;
    return text ? text : "";
}

/* libpq's own words: the first line is the message, the rest advice. What the server said last
 * before it hung up may be among them, as "FATAL:  57P01: terminating ...". */
static int fail_by_connection(spate_error *err, const char *said, const char *phrase)
{
    const char *fatal = strstr(said, "FATAL:  "), *state = NULL;
    if (fatal && strlen(fatal) > 15 && fatal[13] == ':') {
        state = fatal + 8;
        said = fatal + 15;
    }
    size_t line = strcspn(said, "\n");
    const char *more = said + line + strspn(said + line, "\n\t ");
    sp_fail(err, SPATE_E_UNREACHABLE, "%s%.*s", phrase, line ? (int)line : 29,
            line ? said : "the server hung up without a word");
    size_t len = strcspn(more, "\n");
    if (len && !state)
        sp_error_hint(err, "%.*s", (int)len, more);
    if (err && state)
        snprintf(err->sqlstate, sizeof(err->sqlstate), "%.5s", state);
    return SPATE_E_UNREACHABLE;
}

static int fail_by_result(spate_error *err, const PGresult *res, const char *phrase)
{
    const char *state = field_of(res, PG_DIAG_SQLSTATE);
    const char *detail = field_of(res, PG_DIAG_MESSAGE_DETAIL), *context = field_of(res, PG_DIAG_CONTEXT);
    int status = sp_fail(err, status_of(state), "%s%s", phrase, field_of(res, PG_DIAG_MESSAGE_PRIMARY));
    if (!err)
        return status;
    snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", state);
    if (*detail || *context)
        sp_error_detail(err, "%s%s%s", detail, *detail && *context ? "\n" : "", context);
    if (*field_of(res, PG_DIAG_MESSAGE_HINT))
        sp_error_hint(err, "%s", field_of(res, PG_DIAG_MESSAGE_HINT));
    return status;
}

int sp_pg_fail(spate_error *err, const PGconn *conn, const PGresult *res, const char *fmt, ...)
{
    char phrase[SPATE_MESSAGE_MAX / 2];
    va_list args;
    va_start(args, fmt);
    vsnprintf(phrase, sizeof(phrase) - 2, fmt, args);
    va_end(args);
    if (*phrase)
        strcat(phrase, ": ");
    if (*field_of(res, PG_DIAG_SQLSTATE))
        return fail_by_result(err, res, phrase);
    return fail_by_connection(err, sp_pq.error_message(conn), phrase);
}

/* ---- passwords ------------------------------------------------------------------------------- */

/* A password with an unescaped / or @ may have come to stand where libpq looks for the host or the
 * database. */
static bool misread(const PQconninfoOption *options)
{
    for (; options->keyword; options++)
        if (options->val && strchr(options->val, '@') &&
            (strcmp(options->keyword, "host") == 0 || strcmp(options->keyword, "dbname") == 0))
            return true;
    return false;
}

/* What libpq says about a string that it cannot read, or reads otherwise than it was meant, quotes
 * pieces of it. Where there is a password in the string, nothing of that is passed on. */
int sp_pg_fail_connecting(const sp_pg_server *s, const PGconn *conn, const char *phrase, spate_error *err)
{
    PQconninfoOption *options = sp_pq.conninfo_parse(s->uri, NULL);
    bool readable = options != NULL, secret = strcmp(s->shown, s->uri) != 0;
    bool hide = secret && (!readable || misread(options));
    if (options)
        sp_pq.conninfo_free(options);
    int status = sp_pg_fail(err, conn, NULL, "%s", phrase);
    if (hide) {
        sp_fail(err, status, "%s: libpq cannot read this connection string", phrase);
        sp_error_hint(
            err, "behind a ? only libpq's own keys may stand; special characters in the user name and the password "
                 "are written percent-encoded: %%2F for /, %%40 for @, %%3A for :, %%25 for %%, %%3F for ?");
    }
    if (!readable)
        status = SPATE_E_USAGE;
    if (err)
        err->status = (spate_status)status;
    return status;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void swallow_notice(void *unused, const char *message)
{
    (void)unused;
    (void)message;
}

int sp_pg_run(PGconn *conn, const char *sql, PGresult **rows, spate_error *err, const char *what)
{
    PGresult *res = sp_pq.exec(conn, sql);
    ExecStatusType got = sp_pq.result_status(res);
    int status = SPATE_OK;
    if (got != PGRES_TUPLES_OK && got != PGRES_COMMAND_OK)
        status = sp_pg_fail(err, conn, res, "%s", what);
    if (rows && status == SPATE_OK)
        *rows = res;
    else
        sp_pq.clear(res);
    return status;
}

static int find_dialect(sp_pg_server *s, PGconn *conn, spate_error *err)
{
    PGresult *res;
    int status = sp_pg_run(conn, "SELECT version()", &res, err, "asking for the server's version");
    if (status)
        return status;
    const char *version = sp_pq.getvalue(res, 0, 0);
    s->dialect = &dialects[strstr(version, "CockroachDB") ? 0 : 1];
    sp_pq.clear(res);
    return SPATE_OK;
}

static int set_up(sp_pg_server *s, bool lane, PGconn *conn, spate_error *err)
{
    int status = s->dialect ? SPATE_OK : find_dialect(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_run(conn, s->dialect->session, NULL, err, "setting up the session");
    if (status == SPATE_OK && lane && s->dialect->lane)
        status = sp_pg_run(conn, s->dialect->lane, NULL, err, "setting up the session");
    if (lane)
        sp_os_socket_deepen(sp_pq.socket(conn));
    return status;
}

int sp_pg_connect(sp_pg_server *s, bool lane, PGconn **out, spate_error *err)
{
    const char *const keys[] = {"fallback_application_name", "dbname", NULL};
    const char *const values[] = {"spate", s->uri, NULL};
    PGconn *conn = sp_pq.connectdb_params(keys, values, 1);
    if (!conn)
        return sp_fail_nomem(err);
    sp_pq.set_notice_processor(conn, swallow_notice, NULL);
    int status;
    if (sp_pq.status(conn) != CONNECTION_OK) {
        status = sp_pg_fail_connecting(s, conn, "could not connect", err);
    } else {
        sp_pq.set_error_verbosity(conn, PQERRORS_VERBOSE); /* puts the SQLSTATE into messages that are only text */
        status = set_up(s, lane, conn, err);
    }
    if (status == SPATE_OK)
        *out = conn;
    else
        sp_pq.finish(conn);
    return status;
}

int sp_pg_reconnect(sp_pg_server *s, PGconn *conn, spate_error *err)
{
    sp_pq.reset(conn);
    if (sp_pq.status(conn) == CONNECTION_OK)
        return set_up(s, true, conn, err);
    return sp_pg_fail_connecting(s, conn, "could not connect again", err);
}

/* ---- names ----------------------------------------------------------------------------------- */

int sp_pg_qualified(sp_buf *out, const char *space, const char *name)
{
    int status = sp_sql_name(out, space);
    if (status == SPATE_OK)
        status = sp_buf_adds(out, ".");
    return status ? status : sp_sql_name(out, name);
}
