/* check.c - see check.h. */
#include "lab/check.h"

#include "lab/each.h"
#include "lab/link.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct server_check {
    sp_lab *lab;
    const sp_layout *layout;
    uint32_t server; /* 0: main */
    sp_table_count *counts;
    spate_error *err;
} server_check;

__int128 sp_read_sum(const char *text)
{
    __int128 v = 0;
    bool minus = *text == '-';
    for (text += minus; *text >= '0' && *text <= '9'; text++)
        v = v * 10 + (*text - '0');
    return minus ? -v : v;
}

/* ---- the question ---- */

/* Not for the key's shard: no row of main and none of a copied table is misplaced. */
static int add_judgement(server_check *c, uint32_t table, sp_buf *sql)
{
    const sp_placement *p = c->layout->placements[table];
    const sp_schema *s = c->layout->schemas[table];
    sp_buf column = {0};
    if (!p || c->server == 0)
        return sp_buf_adds(sql, "false") ? sp_fail_nomem(c->err) : SPATE_OK;
    const sp_field *key = &s->fields[p->key[0]];
    int rc = sp_sql_name(&column, key->name) || sp_buf_adds(sql, "NOT ") ? sp_fail_nomem(c->err) : SPATE_OK;
    if (rc == SPATE_OK && p->placing == SP_PLACE_HASH && sp_slot_map_is_fresh(&p->map))
        rc = sp_buf_printf(sql, "satisfies_hash_partition('pg_temp.spate_by'::regclass, %u, %u, %s)", p->map.shards,
                           c->server - 1, sp_pg_string(&column))
                 ? sp_fail_nomem(c->err)
                 : SPATE_OK;
    else if (rc == SPATE_OK)
        rc = sp_placement_sql(p, key, sp_pg_string(&column), c->server - 1, sql, c->err);
    sp_buf_done(&column);
    return rc;
}

static int add_row(const sp_schema *s, sp_buf *sql)
{
    int built = sp_buf_adds(sql, "ROW(");
    for (uint32_t i = 0; i < s->n_fields && !built; i++)
        built = sp_buf_adds(sql, i ? "," : "") || sp_sql_name(sql, s->fields[i].name);
    return built || sp_buf_adds(sql, ")");
}

/* While rows move, a shard may have those that the other map gives it: they do not count. */
static int add_exception(server_check *c, uint32_t table, sp_buf *sql)
{
    const sp_schema *s = c->layout->schemas[table];
    if (!c->lab->other || !c->layout->placements[table] || c->server == 0)
        return SPATE_OK;
    sp_placement p = *c->layout->placements[table], other = *c->lab->other;
    const sp_field *key = &s->fields[p.key[0]];
    sp_buf column = {0};
    other.key = p.key;
    other.n_key = p.n_key;
    int rc = sp_sql_name(&column, key->name) || sp_buf_adds(sql, " WHERE ") ? sp_fail_nomem(c->err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = sp_placement_sql(&p, key, sp_pg_string(&column), c->server - 1, sql, c->err);
    if (rc == SPATE_OK && sp_buf_adds(sql, " OR NOT "))
        rc = sp_fail_nomem(c->err);
    if (rc == SPATE_OK)
        rc = sp_placement_sql(&other, key, sp_pg_string(&column), c->server - 1, sql, c->err);
    sp_buf_done(&column);
    return rc;
}

/* SELECT rows, misplaced rows, sum of hashes. */
static int build_question(server_check *c, uint32_t table, sp_buf *sql)
{
    const sp_schema *s = c->layout->schemas[table];
    int rc = sp_buf_adds(sql, "SELECT count(*), count(*) FILTER (WHERE ") ? sp_fail_nomem(c->err)
                                                                          : add_judgement(c, table, sql);
    if (rc == SPATE_OK && (sp_buf_adds(sql, "), coalesce(sum(hashtextextended(") || add_row(s, sql) ||
                           sp_buf_adds(sql, "::text, 0)::numeric), 0) FROM ") || sp_sql_ident(sql, s->table)))
        rc = sp_fail_nomem(c->err);
    return rc == SPATE_OK ? add_exception(c, table, sql) : rc;
}

/* ---- the answer ---- */

static int is_there(server_check *c, PGconn *conn, uint32_t table, bool *there)
{
    sp_buf name = {0}, sql = {0};
    PGresult *res = NULL;
    int built = sp_sql_ident(&name, c->layout->schemas[table]->table) || sp_buf_adds(&sql, "SELECT to_regclass(") ||
                sp_sql_literal(&sql, (sp_str){name.data, name.len}) || sp_buf_adds(&sql, ") IS NOT NULL");
    int rc =
        built ? sp_fail_nomem(c->err)
              : sp_lab_run(&c->lab->servers[c->server], conn, sp_pg_string(&sql), &res, c->err, "looking for a table");
    if (rc == SPATE_OK) {
        *there = sp_pq.getvalue(res, 0, 0)[0] == 't';
        sp_pq.clear(res);
    }
    sp_buf_done(&name);
    sp_buf_done(&sql);
    return rc;
}

/* Whose columns' hash the server's own test is to take; gone with the session. */
static int make_judge(server_check *c, PGconn *conn, uint32_t table)
{
    const sp_placement *p = c->layout->placements[table];
    char sql[256];
    if (!p || c->server == 0)
        return SPATE_OK;
    snprintf(sql, sizeof(sql),
             "DROP TABLE IF EXISTS pg_temp.spate_by; CREATE TEMP TABLE spate_by (k %s) PARTITION BY HASH (k)",
             c->layout->schemas[table]->fields[p->key[0]].sql_type);
    return sp_lab_run(&c->lab->servers[c->server], conn, sql, NULL, c->err, "preparing the check");
}

static int count_table(server_check *c, PGconn *conn, uint32_t table)
{
    sp_table_count *out = &c->counts[c->server * c->layout->n + table];
    const char *name = c->layout->schemas[table]->table;
    sp_buf sql = {0};
    PGresult *res = NULL;
    int rc = is_there(c, conn, table, &out->is_there);
    if (rc != SPATE_OK || (!out->is_there && c->server == 0))
        return rc;
    if (!out->is_there)
        return sp_fail(c->err, SPATE_E_CONFIG, "%s has no table \"%s\"", c->lab->servers[c->server].name, name);
    bool own_test = c->lab->placing == SP_PLACE_HASH && sp_slot_map_is_fresh(&c->lab->map);
    rc = own_test ? make_judge(c, conn, table) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = build_question(c, table, &sql);
    if (rc == SPATE_OK)
        rc = sp_lab_run(&c->lab->servers[c->server], conn, sp_pg_string(&sql), &res, c->err, "counting rows");
    if (rc == SPATE_E_CONFIG && c->server == 0) /* another table of that name: not the same, whatever is in it */
        rc = SPATE_OK;
    else if (rc == SPATE_OK) {
        out->rows = strtoull(sp_pq.getvalue(res, 0, 0), NULL, 10);
        out->misplaced = strtoull(sp_pq.getvalue(res, 0, 1), NULL, 10);
        snprintf(out->sum, sizeof(out->sum), "%.63s", sp_pq.getvalue(res, 0, 2));
        sp_pq.clear(res);
    }
    sp_buf_done(&sql);
    return rc;
}

static int check_server(void *item, spate_error *err)
{
    server_check *c = item;
    PGconn *conn = NULL;
    c->err = err;
    int rc = sp_lab_connect(&c->lab->servers[c->server], &conn, err);
    for (uint32_t t = 0; t < c->layout->n && rc == SPATE_OK; t++)
        rc = count_table(c, conn, t);
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

int sp_lab_count(sp_lab *lab, const sp_layout *layout, sp_table_count *counts, spate_error *err)
{
    server_check *all = sp_alloc_zero(lab->n_servers, sizeof(*all));
    if (!all)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < lab->n_servers; i++)
        all[i] = (server_check){.lab = lab, .layout = layout, .server = i, .counts = counts};
    int rc = sp_lab_each(all, sizeof(*all), lab->n_servers, check_server, err);
    sp_free(all);
    return rc;
}
