/* caller.c - see caller.h. */
#include "lab/caller.h"

#include "lab/fence.h"

#include <stdlib.h>

static unsigned number_of(const sp_lab_server *server)
{
    return strncmp(server->name, "shard", 5) == 0 ? 1 + (unsigned)strtoul(server->name + 5, NULL, 10) : 0;
}

PGconn *sp_caller_link(sp_caller *c, const sp_lab_server *server)
{
    unsigned i = number_of(server);
    PGconn **conn = &c->links[i].conn;
    bool fits = *conn && strcmp(c->links[i].uri, server->uri) == 0 && sp_pq.status(*conn) == CONNECTION_OK;
    if (fits)
        return *conn;
    if (*conn)
        sp_pq.finish(*conn);
    *conn = NULL;
    c->links[i].uri = server->uri;
    return sp_lab_connect(server, conn, NULL) == SPATE_OK ? *conn : NULL;
}

void sp_caller_leave(sp_caller *c)
{
    for (size_t i = 0; i < SP_COUNT(c->links); i++)
        if (c->links[i].conn)
            sp_pq.finish(c->links[i].conn);
    *c = (sp_caller){0};
}

/* Classes 57, the server is going down, and 08, the connection: whether it has happened is open. */
static sp_answer meaning_of(const PGresult *res)
{
    const char *state = res ? sp_pq.result_field(res, PG_DIAG_SQLSTATE) : NULL;
    if (state && strcmp(state, SP_FENCE_STATE) == 0)
        return SP_ANSWER_REFUSED;
    return state && strncmp(state, "57", 2) != 0 && strncmp(state, "08", 2) != 0 ? SP_ANSWER_FAILED : SP_ANSWER_UNKNOWN;
}

sp_answer sp_caller_ask(PGconn *conn, const char *sql, int64_t *number)
{
    PGresult *res = sp_pq.exec(conn, sql);
    bool told = sp_pq.result_status(res) == PGRES_TUPLES_OK, has = told && sp_pq.ntuples(res) == 1;
    sp_answer out = has ? SP_ANSWER_DONE : told ? SP_ANSWER_NO_ROW : meaning_of(res);
    if (has)
        *number = strtoll(sp_pq.getvalue(res, 0, 0), NULL, 10);
    sp_pq.clear(res);
    return out;
}

sp_answer sp_caller_say(PGconn *conn, const char *sql)
{
    PGresult *res = sp_pq.exec(conn, sql);
    ExecStatusType got = sp_pq.result_status(res);
    sp_answer out = got == PGRES_COMMAND_OK || got == PGRES_TUPLES_OK ? SP_ANSWER_DONE : meaning_of(res);
    sp_pq.clear(res);
    return out;
}
