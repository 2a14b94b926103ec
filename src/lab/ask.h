/* ask.h - private to lab: connecting and asking with an end to patience, for whoever must not hang where a server does. */
#ifndef SP_LAB_ASK_H
#define SP_LAB_ASK_H

#include "lab/link.h"

typedef struct sp_patience {
    int64_t until_us;         /* of the steady clock */
    const _Atomic bool *stop; /* looked at ten times a second */
} sp_patience;

/* SPATE_E_UNREACHABLE: refused, or patience came to its end. libpq must have been loaded. */
int sp_lab_connect_within(const sp_lab_server *server, sp_patience p, PGconn **conn, spate_error *err) SP_MUST_CHECK;
/* The last result of sql; the caller clears it. After a failure the connection is of use only when it is still CONNECTION_OK. When
 * patience ends it is in the middle of something: finish it. */
int sp_lab_ask_within(const sp_lab_server *server, PGconn *conn, const char *sql, sp_patience p, PGresult **rows,
                      spate_error *err) SP_MUST_CHECK;

#endif
