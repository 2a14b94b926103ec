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

int sp_lab_run(const sp_lab_server *server, PGconn *conn, const char *sql, PGresult **rows, spate_error *err, const char *what)
{
    return name_server(server, sp_pg_run(conn, sql, rows, err, what), err);
}
