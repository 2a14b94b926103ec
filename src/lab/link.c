/* link.c - see link.h. */
#include "lab/link.h"

static int name_server(const sp_lab_server *server, int rc, spate_error *err)
{
    return rc == SPATE_OK ? rc : sp_fail_context(err, rc, "%s", server->name);
}

int sp_lab_connect(const sp_lab_server *server, PGconn **conn, spate_error *err)
{
    int rc = sp_libpq_load(err);
    sp_pg_server to = {.uri = server->uri, .shown = server->public_uri};
    return rc == SPATE_OK ? name_server(server, sp_pg_connect(&to, false, conn, err), err) : rc;
}

int sp_lab_run(const sp_lab_server *server, PGconn *conn, const char *sql, PGresult **rows, spate_error *err,
               const char *what)
{
    return name_server(server, sp_pg_run(conn, sql, rows, err, what), err);
}

int sp_lab_run_alone(const sp_lab_server *server, const char *sql, PGresult **rows, spate_error *err, const char *what)
{
    PGconn *conn = NULL;
    int rc = sp_lab_connect(server, &conn, err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(server, conn, sql, rows, err, what);
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

/* The last result of what was sent; NULL with err filled: it failed. */
static PGresult *listen_to(const sp_lab_question *q, spate_error *err, const char *what)
{
    PGresult *answer = NULL;
    for (PGresult *res; (res = sp_pq.get_result(q->conn));) {
        sp_pq.clear(answer);
        answer = res;
    }
    ExecStatusType got = sp_pq.result_status(answer);
    if (got == PGRES_TUPLES_OK || got == PGRES_COMMAND_OK)
        return answer;
    sp_pg_fail(err, q->conn, answer, "%s: %s", q->server->name, what);
    sp_pq.clear(answer);
    return NULL;
}

int sp_lab_ask_all(const sp_lab_question *questions, uint32_t n, PGresult **rows, spate_error *err, const char *what)
{
    spate_error first = {0}, *room = &first;
    for (uint32_t i = 0; i < n; i++) /* one that cannot be sent has no result, and says why below */
        (void)sp_pq.send_query(questions[i].conn, questions[i].sql);
    for (uint32_t i = 0; i < n; i++) {
        PGresult *answer = listen_to(&questions[i], room, what);
        if (!answer)
            room = NULL;
        if (rows)
            rows[i] = answer;
        else
            sp_pq.clear(answer);
    }
    if (first.status && err)
        *err = first;
    return first.status;
}
