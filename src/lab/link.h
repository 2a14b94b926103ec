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

/* The same on a connection of its own. */
int sp_lab_run_alone(const sp_lab_server *server, const char *sql, PGresult **rows, spate_error *err,
                     const char *what) SP_MUST_CHECK;

typedef struct sp_lab_question {
    const sp_lab_server *server;
    PGconn *conn;    /* each in one question only */
    const char *sql; /* statements: one transaction, unless they say otherwise; the last one's result is theirs */
} sp_lab_question;

/* Sends all before it listens to the first; all are listened to in any case. rows: NULL, or takes n results (caller clears), each NULL
 * where that one failed. The first failure is the call's. */
int sp_lab_ask_all(const sp_lab_question *questions, uint32_t n, PGresult **rows, spate_error *err,
                   const char *what) SP_MUST_CHECK;

#endif
