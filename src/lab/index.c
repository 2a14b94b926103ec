/* index.c - see index.h. */
#include "lab/index.h"

#include "codec/codec.h"
#include "lab/each.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct one_server {
    const sp_lab_server *server;
    const sp_index_trial *trial;
    uint64_t bytes[SP_INDEX_MAX];
} one_server;

static int drop_all(const sp_lab_server *s, PGconn *conn, spate_error *err)
{
    static const char sql[] =
        "DO $$ DECLARE i regclass; BEGIN FOR i IN SELECT oid FROM pg_class WHERE relkind = 'i' AND relname ~ '^spate_try_[0-9]+$'"
        " LOOP EXECUTE 'DROP INDEX ' || i; END LOOP; END $$";
    return sp_lab_run(s, conn, sql, NULL, err, "dropping what was tried");
}

static int drop_on(void *item, spate_error *err)
{
    const one_server *o = item;
    PGconn *conn = NULL;
    int rc = sp_lab_connect(o->server, &conn, err);
    if (rc == SPATE_OK)
        rc = drop_all(o->server, conn, err);
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

static int make_one(one_server *o, PGconn *conn, uint32_t i, spate_error *err)
{
    sp_buf sql = {0};
    PGresult *res = NULL;
    int built =
        sp_buf_printf(&sql, "CREATE INDEX spate_try_%u ON ", i) || sp_buf_adds(&sql, o->trial->definitions[i]) ||
        sp_buf_printf(&sql, "; SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relname = 'spate_try_%u'", i);
    int rc = built ? sp_fail_nomem(err)
                   : sp_lab_run(o->server, conn, sp_pg_string(&sql), &res, err, "making the index to try");
    if (rc == SPATE_OK)
        o->bytes[i] = strtoull(sp_pq.getvalue(res, 0, 0), NULL, 10);
    sp_pq.clear(res);
    sp_buf_done(&sql);
    return rc;
}

static int make_on(void *item, spate_error *err)
{
    one_server *o = item;
    PGconn *conn = NULL;
    int rc = sp_lab_connect(o->server, &conn, err);
    if (rc == SPATE_OK)
        rc = drop_all(o->server, conn, err);
    for (uint32_t i = 0; i < o->trial->n && rc == SPATE_OK; i++)
        rc = make_one(o, conn, i, err);
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

static uint32_t choose(const sp_lab *lab, const sp_index_trial *trial, one_server all[1 + SP_SHARDS_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < lab->n_servers; i++)
        if (i ? trial->shards : trial->main)
            all[n++] = (one_server){.server = &lab->servers[i], .trial = trial};
    return n;
}

int sp_index_drop(const sp_lab *lab, const sp_index_trial *trial, spate_error *err)
{
    one_server all[1 + SP_SHARDS_MAX];
    uint32_t n = choose(lab, trial, all);
    return sp_lab_each(all, sizeof(*all), n, drop_on, err);
}

int sp_index_make(const sp_lab *lab, sp_index_trial *trial, spate_error *err)
{
    one_server all[1 + SP_SHARDS_MAX];
    uint32_t n = choose(lab, trial, all);
    int64_t start = sp_os_monotonic_us();
    int rc = sp_lab_each(all, sizeof(*all), n, make_on, err);
    if (rc != SPATE_OK) {
        (void)!sp_index_drop(lab, trial, NULL);
        return rc;
    }
    trial->seconds = (double)(sp_os_monotonic_us() - start) / 1e6;
    for (uint32_t i = 0; i < trial->n; i++) {
        trial->main_bytes[i] = trial->shard_bytes[i] = 0;
        for (uint32_t s = 0; s < n; s++)
            *(all[s].server == lab->servers ? &trial->main_bytes[i] : &trial->shard_bytes[i]) += all[s].bytes[i];
    }
    return SPATE_OK;
}

/* ---- plans ---- */

static int take_lines(const PGresult *res, sp_arena *arena, const char **plan, spate_error *err)
{
    sp_buf text = {0};
    int built = SPATE_OK;
    for (int i = 0; i < sp_pq.ntuples(res) && !built; i++)
        built = sp_buf_adds(&text, i ? "\n" : "") || sp_buf_adds(&text, sp_pq.getvalue(res, i, 0));
    *plan = built ? NULL : sp_arena_strndup(arena, text.len ? text.data : "", text.len);
    sp_buf_done(&text);
    return *plan ? SPATE_OK : sp_fail_nomem(err);
}

int sp_index_explain(const sp_lab_server *s, const sp_query *q, const char *key, sp_arena *arena, const char **plan,
                     spate_error *err)
{
    PGresult *res = NULL;
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, "PREPARE spate_try AS ") || sp_buf_adds(&sql, q->sql) ||
                sp_buf_adds(&sql, "; EXPLAIN EXECUTE spate_try");
    if (key)
        built = built || sp_buf_adds(&sql, "(") || sp_sql_literal(&sql, sp_str_of(key)) || sp_buf_adds(&sql, ")");
    int rc = built ? sp_fail_nomem(err) : sp_lab_run_alone(s, sp_pg_string(&sql), &res, err, "explaining");
    if (rc == SPATE_OK)
        rc = take_lines(res, arena, plan, err);
    sp_pq.clear(res);
    sp_buf_done(&sql);
    return rc;
}
