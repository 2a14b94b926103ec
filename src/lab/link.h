/* link.h - private to lab and those who bind it: connections to a lab's servers. */
#ifndef SP_LAB_LINK_H
#define SP_LAB_LINK_H

#include "endpoint/postgres_link.h"
#include "lab/lab.h"

/* Loads libpq when that has not been done. What fails names the server. */
int sp_lab_connect(const sp_lab_server *server, PGconn **conn, spate_error *err) SP_MUST_CHECK;
/* sp_pg_run, with the server's name in front of what fails. */
int sp_lab_run(const sp_lab_server *server, PGconn *conn, const char *sql, PGresult **rows, spate_error *err,
               const char *what) SP_MUST_CHECK;

#endif
