/* postgres_mark.c - whether a table is what it was when a run before read some of it.
 *
 * A snapshot ends with its session. What a run has read at one moment, S, is still what the next one sees at T if the pages that were
 * read have as many rows as then, and none of them was written by a transaction that S may not have seen: whatever is deleted is
 * missing, whatever is written over or new has a newer xmin, even when it is frozen. Then the ranges that landed are those of T, and so
 * will be all. Pages must be numbered as they were: the same files, and all heaps but the last as long as they were. */
#include "endpoint/postgres_source.h"

#include <stdlib.h>

enum { XID_AGE_MAX = 2000000000 }; /* transactions that can be told from each other */

/* What is asked for in the snapshot. One row of text. */
static int ask_one(sp_pg_source *s, const char *sql, PGresult **res, spate_error *err)
{
    return sp_pg_run(s->keeper, sql, res, err, "looking for changes");
}

static int append_files(sp_pg_source *s, const sp_pg_relation *t, sp_buf *text, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t i = 0; i < t->n_leaves && status == SPATE_OK; i++) {
        sp_buf sql = {0};
        PGresult *res = NULL;
        int built = sp_buf_adds(&sql, "SELECT pg_catalog.pg_relation_filenode(") ||
                    sp_sql_literal(&sql, sp_str_of(t->leaves[i].quoted)) || sp_buf_adds(&sql, "::regclass)");
        status = built ? sp_fail_nomem(err) : ask_one(s, sp_pg_string(&sql), &res, err);
        sp_buf_done(&sql);
        uint64_t pages = i + 1 < t->n_leaves ? t->leaves[i].last - t->leaves[i].first : 0; /* the last one may grow */
        if (status == SPATE_OK && sp_buf_printf(text, " %s:%llu", sp_pq.getvalue(res, 0, 0), (unsigned long long)pages))
            status = sp_fail_nomem(err);
        sp_pq.clear(res);
    }
    return status;
}

/* "xmin server.database file:pages ..." */
int sp_pg_mark(sp_source *base, uint32_t table, sp_buf *text, spate_error *err)
{
    sp_pg_source *s = (sp_pg_source *)base;
    PGresult *res = NULL;
    int status =
        ask_one(s,
                "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), system_identifier, oid"
                " FROM pg_catalog.pg_control_system(), pg_catalog.pg_database WHERE datname = current_database()",
                &res, err);
    if (status)
        return status;
    int built = sp_buf_printf(text, "%s %s.%s", sp_pq.getvalue(res, 0, 0), sp_pq.getvalue(res, 0, 1),
                              sp_pq.getvalue(res, 0, 2));
    sp_pq.clear(res);
    status = built ? sp_fail_nomem(err) : append_files(s, &s->tables[table], text, err);
    return status == SPATE_OK && sp_buf_add(text, "", 1) ? sp_fail_nomem(err) : status;
}

static int has_changed(const sp_pg_relation *t, const char *how, spate_error *err)
{
    sp_fail(err, SPATE_E_DATA, "table \"%s\" has changed since rows of it were copied: %s", t->schema.table, how);
    sp_error_hint(err, "what has landed and what is left are of two moments: cancel the job, and copy anew");
    return SPATE_E_DATA;
}

/* Rows of pages [first, last) of the table, and whether any may have been written behind the old snapshot's back. */
static int count_rows(sp_pg_source *s, const sp_pg_relation *t, const sp_pg_heap *l, uint64_t first, uint64_t last,
                      uint64_t xmin, uint64_t *rows, bool *newer, spate_error *err)
{
    PGresult *res = NULL;
    sp_buf sql = {0};
    int status = SPATE_OK;
    if (sp_buf_printf(&sql,
                      "SELECT count(*), COALESCE(bool_or(age(xmin) BETWEEN 0 AND age('%u'::xid)), false) FROM ONLY %s"
                      " WHERE ctid >= '(%llu,0)' AND ctid < '(%llu,0)'%s",
                      (uint32_t)xmin, l->quoted, (unsigned long long)(first - l->first),
                      (unsigned long long)(last - l->first), t->where))
        status = sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = ask_one(s, sp_pg_string(&sql), &res, err);
    sp_buf_done(&sql);
    if (status)
        return status;
    *rows += strtoull(sp_pq.getvalue(res, 0, 0), NULL, 10);
    *newer |= *sp_pq.getvalue(res, 0, 1) == 't';
    sp_pq.clear(res);
    return status;
}

static int check_ranges(sp_pg_source *s, const sp_pg_relation *t, uint64_t xmin, const sp_landed *landed,
                        spate_error *err)
{
    uint64_t rows = 0;
    bool newer = false;
    int status = SPATE_OK;
    for (size_t i = 0; i < landed->n; i++)
        for (uint32_t k = 0; k < t->n_leaves && status == SPATE_OK; k++) {
            const sp_pg_heap *l = &t->leaves[k];
            uint64_t first = SP_MAX(landed->ranges[i].first, l->first), last = SP_MIN(landed->ranges[i].last, l->last);
            if (first < last)
                status = count_rows(s, t, l, first, last, xmin, &rows, &newer, err);
        }
    if (status)
        return status;
    if (rows != landed->rows)
        return has_changed(t, rows < landed->rows ? "some are missing" : "there are more", err);
    return newer ? has_changed(t, "some may have been written since", err) : SPATE_OK;
}

int sp_pg_unchanged(sp_source *base, uint32_t table, const char *old, const sp_landed *landed, spate_error *err)
{
    sp_pg_source *s = (sp_pg_source *)base;
    const sp_pg_relation *t = &s->tables[table];
    sp_buf now = {0};
    int status = sp_pg_mark(base, table, &now, err);
    if (status == SPATE_OK) {
        uint64_t then = strtoull(old, NULL, 10), today = strtoull(now.data, NULL, 10);
        if (!strchr(old, ' ') || strcmp(strchr(old, ' '), strchr(now.data, ' ')) != 0)
            status = has_changed(t, "it was written anew, or a partition of it has grown", err);
        else if (today - then > XID_AGE_MAX)
            status = has_changed(t, "too many transactions have passed to tell whether its rows did", err);
        else
            status = check_ranges(s, t, then, landed, err);
    }
    sp_buf_done(&now);
    return status;
}
