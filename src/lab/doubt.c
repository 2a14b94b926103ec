/* doubt.c - see doubt.h. */
#include "lab/doubt.h"

#include <stdio.h>
#include <stdlib.h>

void sp_doubt_prefix(const sp_lab *lab, char prefix[32])
{
    snprintf(prefix, 32, "spate_%08x_", (unsigned)sp_hash64(lab->directory, strlen(lab->directory), 0));
}

void sp_doubt_name(const char *gid, char name[SP_GID_MAX])
{
    const char *part = strrchr(gid, '_');
    snprintf(name, SP_GID_MAX, "%.*s", (int)(part ? part - gid : (ptrdiff_t)strlen(gid)), gid);
}

int sp_doubt_make(const sp_lab_server *main, PGconn *conn, spate_error *err)
{
    return sp_lab_run(main, conn,
                      "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS spate_check;"
                      " CREATE TABLE IF NOT EXISTS spate_check.decision (name text PRIMARY KEY, fate text NOT NULL,"
                      " decided timestamptz NOT NULL DEFAULT now())",
                      NULL, err, "making the table of decisions");
}

/* ---- found ---- */

int sp_doubt_list(const sp_lab *lab, const sp_lab_server *server, PGconn *conn, double older, sp_doubt **all, size_t *n,
                  spate_error *err)
{
    char sql[256], prefix[32];
    PGresult *res = NULL;
    snprintf(
        sql, sizeof(sql),
        "SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float8 FROM pg_prepared_xacts WHERE database ="
        " current_database() AND clock_timestamp() - prepared >= %.6f * interval '1 s' ORDER BY prepared, gid",
        older);
    int rc = sp_lab_run(server, conn, sql, &res, err, "looking for prepared transactions");
    if (rc != SPATE_OK)
        return rc;
    int found = sp_pq.ntuples(res);
    sp_doubt *out = sp_alloc_zero((size_t)found + 1, sizeof(*out));
    sp_doubt_prefix(lab, prefix);
    for (int i = 0; out && i < found; i++) {
        snprintf(out[i].gid, sizeof(out[i].gid), "%s", sp_pq.getvalue(res, i, 0));
        out[i].age = strtod(sp_pq.getvalue(res, i, 1), NULL);
        out[i].ours = strncmp(out[i].gid, prefix, strlen(prefix)) == 0;
    }
    sp_pq.clear(res);
    *all = out;
    *n = out ? (size_t)found : 0;
    return out ? SPATE_OK : sp_fail_nomem(err);
}

/* ---- decided ---- */

/* before, the text as a literal, behind. */
static int run_about(const sp_lab_server *server, PGconn *conn, const char *before, const char *text,
                     const char *behind, PGresult **res, spate_error *err, const char *what)
{
    sp_buf sql = {0};
    int rc = sp_buf_adds(&sql, before) || sp_sql_literal(&sql, sp_str_of(text)) || sp_buf_adds(&sql, behind)
                 ? sp_fail_nomem(err)
                 : SPATE_OK;
    if (rc == SPATE_OK)
        rc = sp_lab_run(server, conn, sp_pg_string(&sql), res, err, what);
    sp_buf_done(&sql);
    return rc;
}

static int read_fate(const sp_lab_server *main, PGconn *conn, const char *name, sp_fate *fate, spate_error *err)
{
    PGresult *res = NULL;
    int rc = run_about(main, conn, "SELECT fate FROM spate_check.decision WHERE name = ", name, "", &res, err,
                       "asking for a decision");
    if (rc != SPATE_OK)
        return rc;
    *fate = sp_pq.ntuples(res) && strcmp(sp_pq.getvalue(res, 0, 0), "commit") == 0 ? SP_FATE_COMMIT : SP_FATE_ROLLBACK;
    sp_pq.clear(res);
    return SPATE_OK;
}

int sp_doubt_look(const sp_lab_server *main, PGconn *conn, const sp_doubt *d, sp_fate *fate, spate_error *err)
{
    char name[SP_GID_MAX];
    PGresult *res = NULL;
    *fate = d->ours ? SP_FATE_ROLLBACK : SP_FATE_FOREIGN;
    if (!d->ours)
        return SPATE_OK;
    int rc = sp_lab_run(main, conn, "SELECT to_regclass('spate_check.decision') IS NOT NULL", &res, err,
                        "asking for a decision");
    bool there = rc == SPATE_OK && sp_pq.getvalue(res, 0, 0)[0] == 't';
    if (rc == SPATE_OK)
        sp_pq.clear(res);
    sp_doubt_name(d->gid, name);
    return there ? read_fate(main, conn, name, fate, err) : rc;
}

int sp_doubt_decide(const sp_lab_server *main, PGconn *conn, const char *name, sp_fate *fate, spate_error *err)
{
    int rc = run_about(main, conn, "INSERT INTO spate_check.decision VALUES (", name,
                       ", 'rollback') ON CONFLICT DO NOTHING", NULL, err, "deciding on a transaction");
    return rc == SPATE_OK ? read_fate(main, conn, name, fate, err) : rc;
}

int sp_doubt_end(const sp_lab_server *server, PGconn *conn, const char *gid, sp_fate fate, spate_error *err)
{
    spate_error why = {0};
    SP_ASSERT(fate != SP_FATE_FOREIGN);
    int rc = run_about(server, conn, fate == SP_FATE_COMMIT ? "COMMIT PREPARED " : "ROLLBACK PREPARED ", gid, "", NULL,
                       &why, "ending a prepared transaction");
    if (rc != SPATE_OK && strcmp(why.sqlstate, "42704") == 0) /* somebody else has ended it */
        return SPATE_OK;
    if (rc != SPATE_OK && err)
        *err = why;
    return rc;
}
