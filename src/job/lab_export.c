/* lab_export.c - spate_lab_export: a lab's layout as another engine's configuration, and what main can load of it, loaded. */
#include "spate/lab.h"

#include "job/lab.h"
#include "lab/check.h"
#include "lab/export.h"
#include "lab/link.h"

#include <stdio.h>
#include <stdlib.h>

static int write_text(sp_lab *lab, const sp_layout *layout, spate_lab_engine to, sp_buf *out, spate_error *err)
{
    switch (to) {
    case SPATE_LAB_FDW: return sp_export_fdw(lab, layout, out, err);
    case SPATE_LAB_PLPROXY: return sp_export_plproxy(lab, layout, out, err);
    case SPATE_LAB_CITUS: return sp_export_citus(lab, layout, out, err);
    case SPATE_LAB_PGDOG: return sp_export_pgdog(lab, layout, out, err);
    case SPATE_LAB_COMPOSE: return sp_export_compose(lab, out, err);
    }
    return sp_fail(err, SPATE_E_USAGE, "there is no such engine");
}

/* ---- loading, and looking through it ---- */

static int count_through(sp_lab *lab, PGconn *conn, const char *sql, uint64_t *rows, spate_error *err)
{
    PGresult *res = NULL;
    int rc = sp_lab_run(&lab->servers[0], conn, sql, &res, err, "counting rows through it");
    if (rc == SPATE_OK) {
        *rows = strtoull(sp_pq.getvalue(res, 0, 0), NULL, 10);
        sp_pq.clear(res);
    }
    return rc;
}

static uint64_t rows_on_shards(const sp_lab *lab, const sp_layout *layout, const sp_table_count *counts, uint32_t t)
{
    uint64_t rows = 0;
    for (uint32_t i = 1; i < lab->n_servers; i++)
        rows = layout->placements[t] ? rows + counts[i * layout->n + t].rows : counts[i * layout->n + t].rows;
    return rows;
}

/* What main says of each table through the engine is what the shards say themselves. */
static int compare(sp_lab *lab, const sp_layout *layout, spate_lab_engine to, PGconn *conn, spate_error *err)
{
    sp_table_count *counts = sp_arena_alloc(&lab->arena, (size_t)lab->n_servers * layout->n + 1, sizeof(*counts));
    int rc = counts ? sp_lab_count(lab, layout, counts, err) : sp_fail_nomem(err);
    for (uint32_t t = 0; t < layout->n && rc == SPATE_OK; t++) {
        sp_buf sql = {0};
        uint64_t rows = 0, there = rows_on_shards(lab, layout, counts, t);
        if (to == SPATE_LAB_PLPROXY && !layout->placements[t])
            continue;
        rc = sp_export_count_sql(layout, t, to == SPATE_LAB_PLPROXY, &sql) ? sp_fail_nomem(err) : SPATE_OK;
        if (rc == SPATE_OK)
            rc = count_through(lab, conn, sp_pg_string(&sql), &rows, err);
        if (rc == SPATE_OK && rows != there)
            rc = sp_fail(err, SPATE_E_DATA, "table \"%s\" has %llu rows through main, and %llu on the shards",
                         layout->schemas[t]->table, (unsigned long long)rows, (unsigned long long)there);
        sp_buf_done(&sql);
    }
    return rc;
}

static int load(sp_lab *lab, const sp_layout *layout, spate_lab_engine to, sp_buf *text, spate_error *err)
{
    PGconn *conn = NULL;
    if (to != SPATE_LAB_FDW && to != SPATE_LAB_PLPROXY)
        return sp_fail(err, SPATE_E_USAGE, "only postgres_fdw and PL/Proxy can be loaded into main");
    int rc = sp_lab_connect(&lab->servers[0], &conn, err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(&lab->servers[0], conn, sp_pg_string(text), NULL, err,
                        "loading"); /* one message: one transaction */
    if (rc == SPATE_OK)
        rc = compare(lab, layout, to, conn, err);
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

int spate_lab_export(spate_lab *lab, spate_lab_engine to, bool into_main, char **text, spate_error *err)
{
    sp_source *source = NULL;
    sp_layout layout = {0};
    sp_buf out = {0};
    int rc = sp_lab_refuse_moving(&lab->lab, err); /* an engine would see rows twice */
    if (rc == SPATE_OK && to != SPATE_LAB_COMPOSE)
        rc = sp_lab_layout(&lab->lab, &source, &layout, err); /* containers know of no tables */
    if (rc == SPATE_OK)
        rc = write_text(&lab->lab, &layout, to, &out, err);
    if (rc == SPATE_OK && into_main)
        rc = load(&lab->lab, &layout, to, &out, err);
    if (rc == SPATE_OK && !(*text = strdup(sp_pg_string(&out))))
        rc = sp_fail_nomem(err);
    sp_buf_done(&out);
    sp_source_close(source);
    return rc;
}
