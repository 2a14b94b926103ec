/* caller.h - private to lab: one thread's connections to the shards that a route names, and what an answer of theirs means. */
#ifndef SP_LAB_CALLER_H
#define SP_LAB_CALLER_H

#include "lab/link.h"
#include "lab/route.h"

typedef struct sp_caller {
    struct {
        const char *uri; /* whose connection it is */
        PGconn *conn;
    } links[1 + SP_SHARDS_MAX]; /* main, then the shards */
} sp_caller;

/* The connection to that server; one that is lost is made again. NULL: not now. */
PGconn *sp_caller_link(sp_caller *c, const sp_lab_server *server);
void sp_caller_leave(sp_caller *c);

typedef enum sp_answer {
    SP_ANSWER_DONE,
    SP_ANSWER_NO_ROW,  /* the shard has no such row */
    SP_ANSWER_REFUSED, /* its fence says that the row lives elsewhere */
    SP_ANSWER_FAILED,  /* it has not happened */
    SP_ANSWER_UNKNOWN, /* the connection was lost on the way */
} sp_answer;

/* Asks for one row with one number. */
sp_answer sp_caller_ask(PGconn *conn, const char *sql, int64_t *number);
/* The same of statements that give no rows. */
sp_answer sp_caller_say(PGconn *conn, const char *sql);

#endif
