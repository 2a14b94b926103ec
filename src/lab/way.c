/* way.c - see way.h. */
#include "lab/way.h"

#include "endpoint/endpoint.h"
#include "lab/daemon.h"

static const char *const names[SP_WAYS] = {"main", "shards", "coordinator", "pooled", "cached", "replicas"};

const char *sp_way_name(sp_way_kind kind)
{
    return names[kind];
}

bool sp_way_fits(const sp_way *way, const sp_query *q)
{
    return !way->cache || (q->by_key && q->kind == SP_ANSWER_ROWS);
}

static int refuse(spate_error *err, const char *what, const char *how)
{
    int rc = sp_fail(err, SPATE_E_USAGE, "%s", what);
    sp_error_hint(err, "%s", how);
    return rc;
}

/* Names of main's tables that say their schema go past what the search path finds. */
static int make_coordinator(sp_lab *lab, const sp_layout *layout, sp_way *way, spate_error *err)
{
    PGresult *res = NULL;
    for (uint32_t t = 0; t < layout->n; t++)
        if (strchr(layout->schemas[t]->table, '.'))
            return sp_fail(err, SPATE_E_USAGE,
                           "table \"%s\" says its schema: it cannot be asked for through a coordinator",
                           layout->schemas[t]->table);
    int rc = sp_lab_run_alone(&lab->servers[0], "SELECT to_regnamespace('spate_fdw') IS NOT NULL", &res, err,
                              "looking for partitions");
    bool there = rc == SPATE_OK && sp_pq.getvalue(res, 0, 0)[0] == 't';
    sp_pq.clear(res);
    if (rc == SPATE_OK && !there)
        rc = refuse(err, "main is no coordinator: it has no partitions that lead to the shards",
                    "'spate lab export --to fdw --load' makes them");
    way->session = "SET search_path = spate_fdw, public";
    return rc;
}

static int make_pooled(sp_lab *lab, sp_way *way, spate_error *err)
{
    sp_lab_server *doors = sp_arena_alloc(&lab->arena, way->n_doors + 1, sizeof(*doors));
    if (!sp_daemon_pid(lab, SP_DAEMON_POOL))
        return refuse(err, "the lab has no pool that runs", "'spate lab pool up' makes one");
    int rc =
        doors ? sp_daemon_start(lab, SP_DAEMON_POOL, err) : sp_fail_nomem(err); /* it may not know all shards yet */
    if (rc != SPATE_OK)
        return rc;
    for (uint32_t i = 0; i < way->n_doors; i++) {
        const char *through = sp_lab_pool_uri(lab, &way->doors[i]);
        doors[i] = (sp_lab_server){.name = way->doors[i].name, .uri = through, .public_uri = through, .attached = true};
        if (!through)
            return sp_fail_nomem(err);
    }
    way->doors = doors;
    way->unprepared = true;
    return SPATE_OK;
}

static int make_cached(sp_lab *lab, sp_way *way, spate_error *err)
{
    char socket[4300];
    if (!sp_daemon_pid(lab, SP_DAEMON_CACHE))
        return refuse(err, "the lab has no cache that runs", "'spate lab cache up' makes one");
    way->cache = sp_arena_printf(&lab->arena, "%s", sp_daemon_socket(lab, SP_DAEMON_CACHE, socket, sizeof(socket)));
    return way->cache ? SPATE_OK : sp_fail_nomem(err);
}

static int make_replicas(sp_lab *lab, sp_way *way, spate_error *err)
{
    sp_lab_server *doors = sp_arena_alloc(&lab->arena, lab->n_replicas + 1, sizeof(*doors));
    uint32_t n = 0;
    if (!doors)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < lab->n_replicas; i++)
        if (strcmp(lab->replicas[i].of, lab->servers[0].name) == 0)
            doors[n++] = lab->replicas[i];
    way->doors = doors;
    way->n_doors = n;
    way->writer = &lab->servers[0];
    return n ? SPATE_OK : refuse(err, "main has no replica", "'spate lab replica add' makes one");
}

int sp_way_make(sp_lab *lab, const sp_layout *layout, sp_way_kind kind, sp_way *way, spate_error *err)
{
    bool sharded = kind == SP_WAY_SHARDS || kind == SP_WAY_POOLED || kind == SP_WAY_CACHED;
    *way = (sp_way){.name = names[kind],
                    .doors = lab->servers + sharded,
                    .n_doors = sharded ? lab->n_servers - 1 : 1,
                    .sharded = sharded};
    switch (kind) {
    case SP_WAY_COORDINATOR: return make_coordinator(lab, layout, way, err);
    case SP_WAY_POOLED: return make_pooled(lab, way, err);
    case SP_WAY_CACHED: return make_cached(lab, way, err);
    case SP_WAY_REPLICAS: return make_replicas(lab, way, err);
    default: return SPATE_OK;
    }
}

int sp_way_to(sp_lab *lab, const char *uri, sp_way *way, spate_error *err)
{
    sp_lab_server *door = sp_arena_alloc(&lab->arena, 1, sizeof(*door));
    const char *shown = sp_uri_shown(uri, &lab->arena);
    if (!door || !shown)
        return sp_fail_nomem(err);
    *door = (sp_lab_server){.name = "engine", .uri = uri, .public_uri = shown, .attached = true};
    *way = (sp_way){.name = door->name, .doors = door, .n_doors = 1};
    return SPATE_OK;
}

int sp_way_writing(const sp_layout *layout, uint32_t table, sp_arena *arena, sp_writing *w, spate_error *err)
{
    const sp_schema *s = layout->schemas[table];
    uint32_t key = layout->placements[table]->key[0];
    sp_buf name = {0}, column = {0}, by = {0};
    int built = sp_sql_ident(&name, s->table) || sp_sql_name(&by, s->fields[key].name) ||
                sp_sql_name(&column, s->fields[(key + 1) % s->n_fields].name);
    if (!built) {
        w->update =
            sp_arena_printf(arena, "UPDATE %s SET %s = %s WHERE %s = $1 RETURNING txid_current() & 4294967295",
                            sp_pg_string(&name), sp_pg_string(&column), sp_pg_string(&column), sp_pg_string(&by));
        w->look = sp_arena_printf(arena, "SELECT xmin::text::bigint FROM %s WHERE %s = $1", sp_pg_string(&name),
                                  sp_pg_string(&by));
    }
    sp_buf_done(&name);
    sp_buf_done(&column);
    sp_buf_done(&by);
    return built || !w->update || !w->look ? sp_fail_nomem(err) : SPATE_OK;
}
