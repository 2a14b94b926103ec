/* ask.c - see ask.h. */
#include "lab/ask.h"

#include <poll.h>
#include <stdatomic.h>

enum { LOOK_MS = 100 };

/* Until there is something to read (POLLIN) or room to write (POLLOUT). */
static int wait_for(const sp_lab_server *s, PGconn *conn, short what, sp_patience p, spate_error *err)
{
    struct pollfd fd = {.fd = sp_pq.socket(conn), .events = what};
    for (;;) {
        int64_t left_ms = (p.until_us - sp_os_monotonic_us()) / 1000;
        if (atomic_load(p.stop))
            return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
        if (left_ms <= 0)
            return sp_fail(err, SPATE_E_UNREACHABLE, "%s does not answer", s->name);
        if (poll(&fd, 1, (int)SP_MIN(left_ms + 1, (int64_t)LOOK_MS)) > 0)
            return SPATE_OK;
    }
}

int sp_lab_connect_within(const sp_lab_server *s, sp_patience p, PGconn **out, spate_error *err)
{
    const char *const keys[] = {"dbname", "application_name", "client_encoding", NULL};
    const char *const values[] = {s->uri, "spate lab serve", "UTF8", NULL};
    const sp_pg_server to = {.uri = s->uri, .shown = s->public_uri};
    PGconn *conn = sp_pq.connect_start(keys, values, 1);
    int rc = conn ? SPATE_OK : sp_fail_nomem(err);
    for (PostgresPollingStatusType at = PGRES_POLLING_WRITING; rc == SPATE_OK && at != PGRES_POLLING_OK;) {
        if (at == PGRES_POLLING_FAILED || sp_pq.status(conn) == CONNECTION_BAD)
            rc = sp_pg_fail_connecting(&to, conn, s->name, err);
        else
            rc = wait_for(s, conn, at == PGRES_POLLING_READING ? POLLIN : POLLOUT, p, err);
        at = rc == SPATE_OK ? sp_pq.connect_poll(conn) : at;
    }
    if (rc == SPATE_OK)
        *out = conn;
    else if (conn)
        sp_pq.finish(conn);
    return rc;
}

/* All results are taken, so that the connection can be asked again; the last one counts. */
static int take_results(const sp_lab_server *s, PGconn *conn, sp_patience p, PGresult **last, spate_error *err)
{
    for (;;) {
        while (sp_pq.is_busy(conn)) {
            int rc = wait_for(s, conn, POLLIN, p, err);
            if (rc != SPATE_OK)
                return rc;
            if (!sp_pq.consume_input(conn))
                return sp_pg_fail(err, conn, NULL, "%s", s->name);
        }
        PGresult *next = sp_pq.get_result(conn);
        if (!next)
            return SPATE_OK;
        sp_pq.clear(*last);
        *last = next;
    }
}

int sp_lab_ask_within(const sp_lab_server *s, PGconn *conn, const char *sql, sp_patience p, PGresult **rows,
                      spate_error *err)
{
    PGresult *last = NULL;
    int rc =
        sp_pq.send_query(conn, sql) ? take_results(s, conn, p, &last, err) : sp_pg_fail(err, conn, NULL, "%s", s->name);
    ExecStatusType got = sp_pq.result_status(last);
    if (rc == SPATE_OK && got != PGRES_TUPLES_OK && got != PGRES_COMMAND_OK)
        rc = sp_pg_fail(err, conn, last, "%s", s->name);
    if (rc == SPATE_OK)
        *rows = last;
    else
        sp_pq.clear(last);
    return rc;
}
