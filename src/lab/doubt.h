/* doubt.h - private to lab and those who bind it: transactions that were prepared on several servers, and how they end.
 *
 * A transaction of spate's that changes rows of two shards is prepared on both as NAME_0 and NAME_1, and then decided by a row in a table of
 * main, spate_check.decision, that says commit or rollback: whoever puts its row there first has decided, for good. So one who finds
 * prepared transactions and nobody who ends them may do that: it puts "rollback" there, and goes by what the row then says. A
 * transaction that has another's name is none of ours: it is told of and never ended. */
#ifndef SP_LAB_DOUBT_H
#define SP_LAB_DOUBT_H

#include "lab/link.h"

enum { SP_GID_MAX = 200 + 1 }; /* PostgreSQL's limit, and a NUL */

typedef enum sp_fate { SP_FATE_FOREIGN, SP_FATE_ROLLBACK, SP_FATE_COMMIT } sp_fate;

typedef struct sp_doubt {
    char gid[SP_GID_MAX];
    double age; /* seconds since it was prepared, by the server's clock */
    bool ours;
} sp_doubt;

/* What the names of this lab's transactions begin with: PostgreSQL has them a cluster. */
void sp_doubt_prefix(const sp_lab *lab, char prefix[32]);
/* The name that the decision has: *gid without the part's number. */
void sp_doubt_name(const char *gid, char name[SP_GID_MAX]);

/* Makes the table of decisions on main, unless it is there. */
int sp_doubt_make(const sp_lab_server *main, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* The transactions that have been prepared on a server for older seconds or more. *all: the caller's to sp_free. */
int sp_doubt_list(const sp_lab *lab, const sp_lab_server *server, PGconn *conn, double older, sp_doubt **all, size_t *n,
                  spate_error *err) SP_MUST_CHECK;
/* What is recorded of it: SP_FATE_ROLLBACK also when that is nothing. There need be no table. */
int sp_doubt_look(const sp_lab_server *main, PGconn *conn, const sp_doubt *d, sp_fate *fate,
                  spate_error *err) SP_MUST_CHECK;
/* The same, for good: where nothing was decided, from now on it is rollback. */
int sp_doubt_decide(const sp_lab_server *main, PGconn *conn, const char *name, sp_fate *fate,
                    spate_error *err) SP_MUST_CHECK;
/* Ends it on the server so. One that has ended meanwhile is no failure. */
int sp_doubt_end(const sp_lab_server *server, PGconn *conn, const char *gid, sp_fate fate,
                 spate_error *err) SP_MUST_CHECK;

#endif
