/* asker.c - see asker.h.
 *
 * Where an answer is on several shards, all are asked before the first is listened to. Behind a cache a miss asks the shard and leaves the
 * answer there; a write takes it away. */
#include "lab/asker.h"

#include "lab/cache.h"

#include <stdlib.h>

struct sp_asker {
    const sp_way *way;
    const sp_query *query;
    const sp_writing *writing;
    PGconn **conns; /* a door each, the writer's last */
    sp_cache *cache;
    uint32_t turn; /* the door that is next, where one is as good as another */
    sp_ask_counts counts;
};

/* ---- coming in ---- */

static const sp_lab_server *door_of(const sp_asker *a, uint32_t door)
{
    return door < a->way->n_doors ? &a->way->doors[door] : a->way->writer;
}

static int prepare_one(const sp_asker *a, uint32_t door, const char *name, const char *sql, spate_error *err)
{
    PGresult *res = sp_pq.prepare(a->conns[door], name, sql, 0, NULL);
    int rc = sp_pq.result_status(res) == PGRES_COMMAND_OK
                 ? SPATE_OK
                 : sp_pg_fail(err, a->conns[door], res, "%s: query \"%s\"", door_of(a, door)->name, a->query->name);
    sp_pq.clear(res);
    return rc;
}

static int prepare(const sp_asker *a, uint32_t door, spate_error *err)
{
    const sp_way *w = a->way;
    bool writes = a->writing && (!w->writer || door == w->n_doors);
    int rc = w->session ? sp_lab_run(door_of(a, door), a->conns[door], w->session, NULL, err, "beginning") : SPATE_OK;
    if (w->unprepared)
        return rc;
    if (rc == SPATE_OK && door < w->n_doors)
        rc = prepare_one(a, door, "q", a->query->sql, err);
    if (rc == SPATE_OK && writes)
        rc = prepare_one(a, door, "w", a->writing->update, err);
    if (rc == SPATE_OK && a->writing && w->writer && door < w->n_doors)
        rc = prepare_one(a, door, "l", a->writing->look, err);
    return rc;
}

int sp_asker_open(const sp_way *way, const sp_query *query, const sp_writing *writing, unsigned number, sp_asker **out,
                  spate_error *err)
{
    uint32_t n = way->n_doors + (way->writer && writing);
    sp_asker *a = sp_alloc_zero(1, sizeof(*a));
    PGconn **conns = sp_alloc_zero(n, sizeof(PGconn *));
    if (!a || !conns) {
        sp_free(a);
        sp_free(conns);
        return sp_fail_nomem(err);
    }
    *a = (sp_asker){.way = way, .query = query, .writing = writing, .conns = conns, .turn = number};
    int rc = way->cache ? sp_cache_open(way->cache, &a->cache, err) : SPATE_OK;
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        rc = sp_lab_connect(door_of(a, i), &conns[i], err);
        if (rc == SPATE_OK)
            rc = prepare(a, i, err);
    }
    if (rc == SPATE_OK)
        *out = a;
    else
        sp_asker_close(a);
    return rc;
}

void sp_asker_close(sp_asker *a)
{
    if (!a)
        return;
    for (uint32_t i = 0; i <= a->way->n_doors; i++) {
        if (i == a->way->n_doors && !(a->way->writer && a->writing))
            break;
        if (a->conns[i])
            sp_pq.finish(a->conns[i]);
    }
    sp_cache_close(a->cache);
    sp_free(a->conns);
    sp_free(a);
}

static void come_back(sp_asker *a, uint32_t door)
{
    enum { PAUSE_US = 20000 };
    if (sp_pq.status(a->conns[door]) == CONNECTION_OK)
        return;
    sp_os_sleep_us(PAUSE_US);
    sp_pq.reset(a->conns[door]);
    if (sp_pq.status(a->conns[door]) == CONNECTION_OK)
        (void)!prepare(a, door, NULL);
}

/* ---- asking ---- */

static int send_to(sp_asker *a, uint32_t door, const char *name, const char *sql, const sp_key *key, spate_error *err)
{
    const char *values[] = {key ? key->text : NULL};
    int n = key ? 1 : 0;
    int sent = a->way->unprepared ? sp_pq.send_query_params(a->conns[door], sql, n, NULL, values, NULL, NULL, 0)
                                  : sp_pq.send_query_prepared(a->conns[door], name, n, values, NULL, NULL, 0);
    return sent == 1 ? SPATE_OK : sp_pg_fail(err, a->conns[door], NULL, "%s", door_of(a, door)->name);
}

/* The answer, or NULL with err filled; all that the connection has to say is taken. */
static PGresult *listen_to(sp_asker *a, uint32_t door, spate_error *err)
{
    PGresult *answer = NULL;
    for (PGresult *res; (res = sp_pq.get_result(a->conns[door]));) {
        sp_pq.clear(answer);
        answer = res;
    }
    if (answer && sp_pq.result_status(answer) == PGRES_TUPLES_OK)
        return answer;
    sp_pg_fail(err, a->conns[door], answer, "%s", door_of(a, door)->name);
    sp_pq.clear(answer);
    return NULL;
}

/* The doors [*first, *end) that have the answer. */
static void find_doors(sp_asker *a, const sp_key *key, uint32_t *first, uint32_t *end)
{
    *first = 0;
    *end = a->way->n_doors;
    if (a->way->sharded && !a->query->by_key)
        return;
    *first = a->way->sharded ? key->shard : a->turn++ % a->way->n_doors;
    *end = *first + 1;
}

static int ask_servers(sp_asker *a, const sp_key *key, bool whole, sp_answer *answer, PGresult **kept, spate_error *err)
{
    uint32_t first, end, n = 0;
    PGresult *parts[1 + SP_SHARDS_MAX] = {NULL};
    bool sent[1 + SP_SHARDS_MAX] = {false};
    int rc = SPATE_OK;
    find_doors(a, key, &first, &end);
    for (uint32_t i = first; i < end && rc == SPATE_OK; i++) {
        rc = send_to(a, i, "q", a->query->sql, a->query->has_key ? key : NULL, err);
        sent[i] = rc == SPATE_OK;
    }
    for (uint32_t i = first; i < end; i++) {
        PGresult *part = sent[i] ? listen_to(a, i, rc == SPATE_OK ? err : NULL) : NULL;
        if (part)
            parts[n++] = part;
        else
            rc = rc == SPATE_OK ? SPATE_E_UNREACHABLE : rc;
        come_back(a, i);
    }
    if (rc == SPATE_OK)
        rc = sp_answer_merge(a->query, parts, n, whole, answer, err);
    if (rc == SPATE_OK && kept)
        *kept = parts[--n]; /* with a cache in front there is one */
    while (n)
        sp_pq.clear(parts[--n]);
    return rc;
}

int sp_ask(sp_asker *a, const sp_key *key, bool whole, sp_answer *answer, spate_error *err)
{
    bool found = false;
    PGresult *rows = NULL;
    if (!a->cache)
        return ask_servers(a, key, whole, answer, NULL, err);
    int rc = sp_cache_get(a->cache, a->query, key->text, whole, &found, answer, err);
    a->counts.hits += found;
    if (rc != SPATE_OK || found)
        return rc;
    a->counts.misses++;
    rc = ask_servers(a, key, whole, answer, &rows, err);
    if (rc == SPATE_OK)
        rc = sp_cache_put(a->cache, a->query, key->text, rows, err);
    sp_pq.clear(rows);
    return rc;
}

/* ---- writing ---- */

static int ask_number(sp_asker *a, uint32_t door, const char *name, const char *sql, const sp_key *key,
                      uint32_t *number, spate_error *err)
{
    int rc = send_to(a, door, name, sql, key, err);
    PGresult *res = rc == SPATE_OK ? listen_to(a, door, err) : NULL;
    *number = res && sp_pq.ntuples(res) ? (uint32_t)strtoull(sp_pq.getvalue(res, 0, 0), NULL, 10) : 0;
    if (!res)
        rc = rc == SPATE_OK ? SPATE_E_UNREACHABLE : rc;
    sp_pq.clear(res);
    come_back(a, door);
    return rc;
}

int sp_ask_write(sp_asker *a, const sp_key *key, spate_error *err)
{
    const sp_way *w = a->way;
    uint32_t door = w->writer ? w->n_doors : w->sharded ? key->shard : a->turn++ % w->n_doors, own = 0, seen = 0;
    int rc = ask_number(a, door, "w", a->writing->update, key, &own, err);
    if (rc == SPATE_OK && a->cache)
        rc = sp_cache_drop(a->cache, a->query, key->text, err);
    if (rc == SPATE_OK)
        a->counts.writes++;
    if (rc != SPATE_OK || !w->writer)
        return rc;
    rc = ask_number(a, a->turn++ % w->n_doors, "l", a->writing->look, key, &seen, err);
    a->counts.own_unseen +=
        rc == SPATE_OK && (int32_t)(seen - own) < 0; /* numbers go round; another one may have written since */
    return rc;
}

const sp_ask_counts *sp_ask_counts_of(const sp_asker *a)
{
    return &a->counts;
}
