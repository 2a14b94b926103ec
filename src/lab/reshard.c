/* reshard.c - see reshard.h. */
#include "lab/reshard.h"

#include "lab/each.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- statements ---- */

/* Which rows of a table the placement gives to the shard. */
static int add_condition(const sp_reshard *r, uint32_t table, const sp_placement *places, unsigned shard,
                         const char *of, sp_buf *sql, spate_error *err)
{
    sp_placement p = *places;
    const sp_schema *s = r->layout->schemas[table];
    sp_buf column = {0};
    p.key = r->layout->placements[table]->key;
    p.n_key = 1;
    int rc = sp_buf_adds(&column, of) || sp_sql_name(&column, s->fields[p.key[0]].name) ? sp_fail_nomem(err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = sp_placement_sql(&p, &s->fields[p.key[0]], sp_pg_string(&column), shard, sql, err);
    sp_buf_done(&column);
    return rc;
}

static bool is_by_slots(const sp_reshard *r)
{
    return r->before.placing == SP_PLACE_HASH && r->after.placing == SP_PLACE_HASH;
}

/* The slots that go from one shard to the other, as shard 1 of a map of two. */
static uint32_t map_of_pair(const sp_reshard *r, unsigned from, unsigned to, sp_slot_map *map)
{
    uint32_t n = 0;
    map->shards = 2;
    for (unsigned slot = 0; slot < SP_SLOTS; slot++) {
        map->owner[slot] = r->before.map.owner[slot] == from && r->after.map.owner[slot] == to;
        n += map->owner[slot];
    }
    return n;
}

int sp_reshard_condition(const sp_reshard *r, const sp_reshard_pair *pair, uint32_t table, const char *of, sp_buf *sql,
                         spate_error *err)
{
    sp_placement slots = {.placing = SP_PLACE_HASH};
    if (is_by_slots(r)) {
        map_of_pair(r, pair->from, pair->to, &slots.map);
        return add_condition(r, table, &slots, 1, of, sql, err);
    }
    int rc = sp_buf_adds(sql, "(") ? sp_fail_nomem(err) : add_condition(r, table, &r->before, pair->from, of, sql, err);
    if (rc == SPATE_OK && sp_buf_adds(sql, " AND "))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = add_condition(r, table, &r->after, pair->to, of, sql, err);
    return rc == SPATE_OK && sp_buf_adds(sql, ")") ? sp_fail_nomem(err) : rc;
}

/* By slots as one list of them; else by where both placements have it. */
int sp_reshard_leaving(const sp_reshard *r, unsigned shard, bool gives, uint32_t table, sp_buf *sql, spate_error *err)
{
    const sp_placement *here = gives ? &r->before : &r->after, *there = gives ? &r->after : &r->before;
    sp_placement slots = {.placing = SP_PLACE_HASH, .map.shards = 2};
    for (unsigned slot = 0; slot < SP_SLOTS; slot++)
        slots.map.owner[slot] = here->map.owner[slot] == shard && there->map.owner[slot] != shard;
    if (is_by_slots(r))
        return add_condition(r, table, &slots, 1, "", sql, err);
    int rc = sp_buf_adds(sql, "(") ? sp_fail_nomem(err) : add_condition(r, table, here, shard, "", sql, err);
    if (rc == SPATE_OK && sp_buf_adds(sql, " AND NOT "))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = add_condition(r, table, there, shard, "", sql, err);
    return rc == SPATE_OK && sp_buf_adds(sql, ")") ? sp_fail_nomem(err) : rc;
}

int sp_reshard_columns(const sp_schema *s, sp_buf *sql)
{
    int built = SPATE_OK;
    for (uint32_t i = 0; i < s->n_fields && !built; i++)
        built = sp_buf_adds(sql, i ? ", " : "") || sp_sql_name(sql, s->fields[i].name);
    return built;
}

/* Begins a transaction that writes. Rows come and go together with those that refer to them, so where we may, no trigger looks after
 * foreign keys row by row: without an index on the referring side that would be a scan for each. */
int sp_reshard_begin(const sp_lab_server *server, PGconn *conn, spate_error *err)
{
    return sp_lab_run(server, conn,
                      "BEGIN; SELECT set_config('session_replication_role', 'replica', true) FROM pg_catalog.pg_roles"
                      " WHERE rolname = current_user AND rolsuper",
                      NULL, err, "beginning");
}

/* ---- a pair ---- */

typedef struct pair_run {
    const sp_reshard *r;
    const sp_reshard_pair *pair;
    PGconn *from, *to;
    uint64_t rows; /* that have been copied */
    spate_error *err;
} pair_run;

static const sp_lab_server *giver(const pair_run *p)
{
    return sp_lab_shard(p->r->lab, p->pair->from);
}

static const sp_lab_server *taker(const pair_run *p)
{
    return sp_lab_shard(p->r->lab, p->pair->to);
}

typedef struct tally {
    uint64_t rows;
    char sum[64];
} tally;

static int count_rows(pair_run *p, const sp_lab_server *server, PGconn *conn, uint32_t table, tally *t)
{
    const sp_schema *s = p->r->layout->schemas[table];
    sp_buf sql = {0};
    PGresult *res = NULL;
    int built = sp_buf_adds(&sql, "SELECT count(*), coalesce(sum(hashtextextended(ROW(") ||
                sp_reshard_columns(s, &sql) || sp_buf_adds(&sql, ")::text, 0)::numeric), 0) FROM ") ||
                sp_sql_ident(&sql, s->table) || sp_buf_adds(&sql, " WHERE ");
    int rc = built ? sp_fail_nomem(p->err) : sp_reshard_condition(p->r, p->pair, table, "", &sql, p->err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(server, conn, sp_pg_string(&sql), &res, p->err, "counting rows");
    if (rc == SPATE_OK) {
        t->rows = strtoull(sp_pq.getvalue(res, 0, 0), NULL, 10);
        snprintf(t->sum, sizeof(t->sum), "%.63s", sp_pq.getvalue(res, 0, 1));
        sp_pq.clear(res);
    }
    sp_buf_done(&sql);
    return rc;
}

static int check_table(pair_run *p, uint32_t table)
{
    tally given, taken;
    int rc = count_rows(p, giver(p), p->from, table, &given);
    if (rc == SPATE_OK)
        rc = count_rows(p, taker(p), p->to, table, &taken);
    if (rc == SPATE_OK && (given.rows != taken.rows || strcmp(given.sum, taken.sum) != 0))
        rc = sp_fail(p->err, SPATE_E_DATA,
                     "table \"%s\": %s has %llu rows for %s, and there are %llu, or others, after copying them",
                     p->r->layout->schemas[table]->table, giver(p)->name, (unsigned long long)given.rows,
                     taker(p)->name, (unsigned long long)taken.rows);
    return rc;
}

/* ---- copying: what one server sends goes to the other as it is ---- */

static int begin_copy(pair_run *p, const sp_lab_server *server, PGconn *conn, sp_buf *sql, ExecStatusType expected)
{
    PGresult *res = sp_pq.exec(conn, sp_pg_string(sql));
    int rc =
        sp_pq.result_status(res) == expected ? SPATE_OK : sp_pg_fail(p->err, conn, res, "%s: copying", server->name);
    sp_pq.clear(res);
    return rc;
}

static int end_copy(pair_run *p, const sp_lab_server *server, PGconn *conn)
{
    int rc = SPATE_OK;
    for (PGresult *res; (res = sp_pq.get_result(conn)); sp_pq.clear(res))
        if (sp_pq.result_status(res) != PGRES_COMMAND_OK && rc == SPATE_OK)
            rc = sp_pg_fail(p->err, conn, res, "%s: copying", server->name);
        else if (conn == p->to)
            p->rows += strtoull(sp_pq.cmd_tuples(res), NULL, 10);
    return rc;
}

static int pump(pair_run *p)
{
    char *bytes = NULL;
    int len, rc = SPATE_OK;
    while ((len = sp_pq.get_copy_data(p->from, &bytes, 0)) > 0) {
        if (rc == SPATE_OK && sp_pq.put_copy_data(p->to, bytes, len) != 1)
            rc = sp_pg_fail(p->err, p->to, NULL, "%s: copying", taker(p)->name);
        sp_pq.freemem(bytes);
    }
    int read = end_copy(p, giver(p), p->from);
    rc = rc == SPATE_OK ? read : rc;
    sp_pq.put_copy_end(p->to, rc == SPATE_OK ? NULL : "the copy was given up");
    int written = end_copy(p, taker(p), p->to);
    return rc == SPATE_OK ? written : rc;
}

static int copy_table(pair_run *p, uint32_t table)
{
    const sp_schema *s = p->r->layout->schemas[table];
    sp_buf out = {0}, in = {0};
    int built = sp_buf_adds(&out, "COPY (SELECT ") || sp_reshard_columns(s, &out) || sp_buf_adds(&out, " FROM ") ||
                sp_sql_ident(&out, s->table) || sp_buf_adds(&out, " WHERE ") || sp_buf_adds(&in, "COPY ") ||
                sp_sql_ident(&in, s->table) || sp_buf_adds(&in, " (") || sp_reshard_columns(s, &in) ||
                sp_buf_adds(&in, ") FROM STDIN (FORMAT binary)");
    int rc = built ? sp_fail_nomem(p->err) : sp_reshard_condition(p->r, p->pair, table, "", &out, p->err);
    if (rc == SPATE_OK && sp_buf_adds(&out, ") TO STDOUT (FORMAT binary)"))
        rc = sp_fail_nomem(p->err);
    if (rc == SPATE_OK)
        rc = begin_copy(p, taker(p), p->to, &in, PGRES_COPY_IN);
    if (rc == SPATE_OK)
        rc = begin_copy(p, giver(p), p->from, &out, PGRES_COPY_OUT);
    if (rc == SPATE_OK)
        rc = pump(p);
    sp_buf_done(&out);
    sp_buf_done(&in);
    return rc;
}

int sp_reshard_copy_table(const sp_reshard *r, const sp_reshard_pair *pair, uint32_t table, PGconn *from, PGconn *to,
                          uint64_t *rows, spate_error *err)
{
    pair_run p = {.r = r, .pair = pair, .from = from, .to = to, .err = err};
    int rc = copy_table(&p, table);
    *rows += p.rows;
    return rc;
}

/* All tables of a pair, parents first, in one transaction of each side: the giver's sees one moment. */
static int copy_pair(pair_run *p)
{
    const sp_layout *l = p->r->layout;
    int rc =
        sp_lab_run(giver(p), p->from, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, p->err, "beginning");
    if (rc == SPATE_OK)
        rc = sp_reshard_begin(taker(p), p->to, p->err);
    for (uint32_t t = 0; t < l->n && rc == SPATE_OK; t++)
        rc = l->placements[t] ? copy_table(p, t) : SPATE_OK;
    for (uint32_t t = 0; t < l->n && rc == SPATE_OK; t++)
        rc = l->placements[t] ? check_table(p, t) : SPATE_OK;
    return rc == SPATE_OK ? sp_lab_run(taker(p), p->to, "COMMIT", NULL, p->err, "committing") : rc;
}

static int run_pair(void *item, spate_error *err)
{
    pair_run *p = item;
    p->err = err;
    int rc = sp_lab_connect(giver(p), &p->from, err);
    if (rc == SPATE_OK)
        rc = sp_lab_connect(taker(p), &p->to, err);
    if (rc == SPATE_OK)
        rc = copy_pair(p);
    if (p->from)
        sp_pq.finish(p->from);
    if (p->to)
        sp_pq.finish(p->to);
    return rc;
}

int sp_reshard_copy(const sp_reshard *r, spate_error *err)
{
    pair_run *runs = sp_alloc_zero(r->n_pairs, sizeof(*runs));
    if (!runs)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < r->n_pairs; i++)
        runs[i] = (pair_run){.r = r, .pair = &r->pairs[i]};
    int rc = sp_lab_each(runs, sizeof(*runs), r->n_pairs, run_pair, err);
    sp_free(runs);
    return rc;
}

/* ---- the plan ---- */

/* Rows of the pair on the giver, and about how many bytes they take: their share of the table. */
static int count_pair(const sp_reshard *r, sp_reshard_pair *pair, PGconn *conn, uint32_t table, spate_error *err)
{
    sp_buf name = {0}, sql = {0};
    PGresult *res = NULL;
    int built =
        sp_sql_ident(&name, r->layout->schemas[table]->table) ||
        sp_buf_adds(
            &sql,
            "SELECT n, (bytes * (n::float8 / greatest(total, 1)))::bigint, (disk * (n::float8 / greatest(total, 1)))::bigint"
            " FROM (SELECT count(*) AS total, count(*) FILTER (WHERE ");
    int rc = built ? sp_fail_nomem(err) : sp_reshard_condition(r, pair, table, "", &sql, err);
    if (rc == SPATE_OK &&
        (sp_buf_adds(&sql, ") AS n, pg_table_size(") || sp_sql_literal(&sql, (sp_str){name.data, name.len}) ||
         sp_buf_adds(&sql, ") AS bytes, pg_total_relation_size(") ||
         sp_sql_literal(&sql, (sp_str){name.data, name.len}) || sp_buf_adds(&sql, ") AS disk FROM ") ||
         sp_buf_add(&sql, name.data, name.len) || sp_buf_adds(&sql, ") t")))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(sp_lab_shard(r->lab, pair->from), conn, sp_pg_string(&sql), &res, err, "counting rows");
    if (rc == SPATE_OK) {
        pair->rows += strtoull(sp_pq.getvalue(res, 0, 0), NULL, 10);
        pair->bytes += strtoull(sp_pq.getvalue(res, 0, 1), NULL, 10);
        pair->disk += strtoull(sp_pq.getvalue(res, 0, 2), NULL, 10);
        sp_pq.clear(res);
    }
    sp_buf_done(&name);
    sp_buf_done(&sql);
    return rc;
}

int sp_reshard_pairs(sp_reshard *r, spate_error *err)
{
    unsigned n = SP_MAX(r->before.map.shards, r->after.map.shards);
    sp_slot_map map;
    r->pairs = sp_arena_alloc(&r->lab->arena, (size_t)n * n, sizeof(*r->pairs));
    if (!r->pairs)
        return sp_fail_nomem(err);
    for (unsigned from = 0; from < n; from++)
        for (unsigned to = 0; to < n; to++)
            if (sp_placement_may_move(&r->before, &r->after, from, to))
                r->pairs[r->n_pairs++] = (sp_reshard_pair){
                    .from = from, .to = to, .slots = is_by_slots(r) ? map_of_pair(r, from, to, &map) : 0};
    return SPATE_OK;
}

static int count_all_of(const sp_reshard *r, sp_reshard_pair *pair, spate_error *err)
{
    PGconn *conn = NULL;
    int rc = sp_lab_connect(sp_lab_shard(r->lab, pair->from), &conn, err);
    for (uint32_t t = 0; t < r->layout->n && rc == SPATE_OK; t++)
        if (r->layout->placements[t])
            rc = count_pair(r, pair, conn, t, err);
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

int sp_reshard_plan(sp_reshard *r, spate_error *err)
{
    int rc = sp_reshard_pairs(r, err);
    for (uint32_t i = 0; i < r->n_pairs && rc == SPATE_OK; i++)
        rc = count_all_of(r, &r->pairs[i], err);
    return rc;
}

/* ---- sweeping ---- */

/* ---- what is done on shards ---- */

typedef struct visit {
    const sp_reshard *r;
    const sp_placement *places;
    unsigned shard;
    int (*fn)(const struct visit *v, PGconn *conn, spate_error *err);
} visit;

static int run_visit(void *item, spate_error *err)
{
    const visit *v = item;
    PGconn *conn = NULL;
    int rc = sp_lab_connect(sp_lab_shard(v->r->lab, v->shard), &conn, err);
    if (rc == SPATE_OK)
        rc = v->fn(v, conn, err);
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

/* The first shards, all at once. */
static int visit_shards(const visit *like, unsigned shards, spate_error *err)
{
    visit *all = sp_alloc_zero(shards + 1, sizeof(*all));
    if (!all)
        return sp_fail_nomem(err);
    for (unsigned s = 0; s < shards; s++) {
        all[s] = *like;
        all[s].shard = s;
    }
    int rc = sp_lab_each(all, sizeof(*all), shards, run_visit, err);
    sp_free(all);
    return rc;
}

/* Children first, so that no foreign key is in the way. */
static int sweep_shard(const visit *v, PGconn *conn, spate_error *err)
{
    const sp_layout *l = v->r->layout;
    const sp_lab_server *server = sp_lab_shard(v->r->lab, v->shard);
    int rc = sp_reshard_begin(server, conn, err);
    for (uint32_t t = l->n; t-- > 0 && rc == SPATE_OK;) {
        sp_buf sql = {0};
        if (!l->placements[t])
            continue;
        if (sp_buf_adds(&sql, "DELETE FROM ") || sp_sql_ident(&sql, l->schemas[t]->table) ||
            sp_buf_adds(&sql, " WHERE NOT "))
            rc = sp_fail_nomem(err);
        if (rc == SPATE_OK)
            rc = add_condition(v->r, t, v->places, v->shard, "", &sql, err);
        if (rc == SPATE_OK)
            rc = sp_lab_run(server, conn, sp_pg_string(&sql), NULL, err, "removing rows that are on another shard");
        sp_buf_done(&sql);
    }
    return rc == SPATE_OK ? sp_lab_run(server, conn, "COMMIT", NULL, err, "committing") : rc;
}

int sp_reshard_sweep(const sp_reshard *r, const sp_placement *places, unsigned shards, spate_error *err)
{
    return visit_shards(&(visit){.r = r, .places = places, .fn = sweep_shard}, shards, err);
}

int sp_reshard_analyse_shard(const sp_reshard *r, unsigned shard, PGconn *conn, spate_error *err)
{
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, "ANALYZE ");
    for (uint32_t t = 0; t < r->layout->n && !built; t++)
        built = sp_buf_adds(&sql, t ? ", " : "") || sp_sql_ident(&sql, r->layout->schemas[t]->table);
    int rc = built ? sp_fail_nomem(err)
                   : sp_lab_run(sp_lab_shard(r->lab, shard), conn, sp_pg_string(&sql), NULL, err, "analysing");
    sp_buf_done(&sql);
    return rc;
}

static int analyse_shard(const visit *v, PGconn *conn, spate_error *err)
{
    return sp_reshard_analyse_shard(v->r, v->shard, conn, err);
}

int sp_reshard_analyse(const sp_reshard *r, unsigned shards, spate_error *err)
{
    return visit_shards(&(visit){.r = r, .fn = analyse_shard}, shards, err);
}
