/* tally.c - see tally.h. */
#include "lab/tally.h"

#include "lab/bank.h"
#include "lab/doubt.h"
#include "lab/fence.h"
#include "lab/made.h"

#include <stdlib.h>

#define BANK_GATE "482671453286" /* of pg_advisory_lock: "spate" and one */

const char sp_tally_enter[] = "SELECT pg_advisory_lock_shared(" BANK_GATE ")";
const char sp_tally_leave_all[] = "SELECT pg_advisory_unlock_all()";

enum { DOUBT_S = 2 };

static const char session_sql[] =
    "SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '60s'; SET idle_session_timeout = 0";

/* ---- connections ---- */

static void drop(PGconn **conn)
{
    if (*conn)
        sp_pq.finish(*conn);
    *conn = NULL;
}

/* All anew after a failure: so nothing is held that somebody waits for. */
void sp_tally_done(sp_tally *t)
{
    drop(&t->main);
    for (unsigned s = 0; s < SP_SHARDS_MAX; s++)
        drop(&t->conns[s]);
}

static int open_one(const sp_lab_server *server, PGconn **conn, spate_error *err)
{
    int rc = sp_lab_connect(server, conn, err);
    return rc == SPATE_OK ? sp_lab_run(server, *conn, session_sql, NULL, err, "preparing to read") : rc;
}

/* By any other than hash all shards have rows. */
static bool is_owner(const sp_placement *p, unsigned shard)
{
    return p->placing == SP_PLACE_HASH ? sp_slot_map_owns(&p->map, shard) : shard < p->map.shards;
}

/* Shards that come with the open move need not be there yet. */
static int connect_all(sp_tally *t, const sp_lab *lab, spate_error *err)
{
    const sp_placement now = sp_lab_places(lab);
    int rc = t->main ? SPATE_OK : open_one(&lab->servers[0], &t->main, err);
    for (unsigned s = 0; s + 1 < lab->n_servers && rc == SPATE_OK; s++) {
        const sp_lab_server *server = sp_lab_shard(lab, s);
        bool needed = is_owner(&now, s), useful = lab->other && is_owner(lab->other, s);
        if (t->conns[s] && (strcmp(t->uris[s], server->uri) != 0 || (!needed && !useful)))
            drop(&t->conns[s]);
        t->uris[s] = server->uri;
        if (t->conns[s] || (!needed && !useful))
            continue;
        int got = open_one(server, &t->conns[s], needed ? err : NULL);
        if (got != SPATE_OK)
            drop(&t->conns[s]);
        rc = needed ? got : SPATE_OK;
    }
    for (unsigned s = lab->n_servers - 1; s < SP_SHARDS_MAX; s++)
        drop(&t->conns[s]);
    return rc;
}

/* One statement for all shards at once; rows: NULL, or takes SP_SHARDS_MAX results by shard. */
static int say_to_all(sp_tally *t, const sp_lab *lab, const char *sql, PGresult **rows, spate_error *err,
                      const char *what)
{
    sp_lab_question all[SP_SHARDS_MAX];
    PGresult *answers[SP_SHARDS_MAX];
    uint32_t n = 0;
    for (unsigned s = 0; s + 1 < lab->n_servers; s++)
        if (t->conns[s])
            all[n++] = (sp_lab_question){sp_lab_shard(lab, s), t->conns[s], sql};
    int rc = sp_lab_ask_all(all, n, rows ? answers : NULL, err, what);
    n = 0;
    for (unsigned s = 0; rows && s < SP_SHARDS_MAX; s++)
        rows[s] = t->conns[s] && s + 1 < lab->n_servers ? answers[n++] : NULL;
    return rc;
}

/* ---- what is in doubt ---- */

/* With the gate alone nobody is carrying out what was decided: so who was, has died, or has lost a shard on the way. */
static int settle_shard(sp_tally *t, const sp_lab *lab, unsigned shard, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(lab, shard), *main = &lab->servers[0];
    sp_doubt *all = NULL;
    size_t n = 0;
    int rc = sp_doubt_list(lab, server, t->conns[shard], 0, &all, &n, err);
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        char name[SP_GID_MAX];
        sp_fate fate;
        sp_doubt_name(all[i].gid, name);
        rc = sp_doubt_look(main, t->main, &all[i], &fate, err);
        if (rc == SPATE_OK && fate == SP_FATE_ROLLBACK && (t->hurry || all[i].age >= DOUBT_S))
            rc = sp_doubt_decide(main, t->main, name, &fate, err);
        else if (fate != SP_FATE_COMMIT)
            continue;
        if (rc == SPATE_OK)
            rc = sp_doubt_end(server, t->conns[shard], all[i].gid, fate, err);
        t->settled += rc == SPATE_OK;
    }
    sp_free(all);
    return rc;
}

static int settle(sp_tally *t, const sp_lab *lab, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s + 1 < lab->n_servers && rc == SPATE_OK; s++)
        rc = t->conns[s] ? settle_shard(t, lab, s, err) : SPATE_OK;
    return rc;
}

/* ---- which placement holds ---- */

/* The fences' word, where they have one: it comes before lab.yaml's. While a turn is half done some say neither, and those who say after have
 * the last word, as sp_lab_move_settle goes by. */
static sp_placement places_of(const sp_lab *lab, PGresult *const *sides)
{
    bool before = false, after = false;
    for (unsigned s = 0; s + 1 < lab->n_servers; s++) {
        const char *side = sides[s] && !sp_pq.getisnull(sides[s], 0, 0) ? sp_pq.getvalue(sides[s], 0, 0) : "";
        before |= *side == '1' || *side == '3';
        after |= *side == '2';
    }
    return !lab->other || (!before && !after) || after == lab->turned ? sp_lab_places(lab) : *lab->other;
}

/* ---- one moment ---- */

static const char begin_sql[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/* The first question takes the snapshot; NULL: no fence, or one that has not been turned. */
static const char side_sql[] = "SELECT pg_sequence_last_value(to_regclass('spate_lab.side'))";

/* One shard after the other, as movers do: so neither waits for the other in a circle. */
static int defer_turns(sp_tally *t, const sp_lab *lab, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s + 1 < lab->n_servers && rc == SPATE_OK; s++)
        if (t->conns[s])
            rc = sp_lab_run(sp_lab_shard(lab, s), t->conns[s], sp_right_defer, NULL, err, "waiting for a turn");
    return rc;
}

static int take_snapshots(sp_tally *t, const sp_lab **lab, PGresult **sides, spate_error *err)
{
    const sp_lab *known = *lab;
    int64_t start;
    int rc = defer_turns(t, known, err);
    sp_route_look(t->route); /* what lab.yaml says now holds until we leave */
    *lab = sp_route_lab(t->route);
    if (rc == SPATE_OK && (*lab)->n_servers != known->n_servers)
        return sp_fail(err, SPATE_E_RETRY, "servers have come or gone");
    start = sp_os_monotonic_us();
    if (rc == SPATE_OK)
        rc = sp_lab_run(&known->servers[0], t->main, "SELECT pg_advisory_lock(" BANK_GATE ")", NULL, err,
                        "waiting for transfers");
    if (rc == SPATE_OK)
        rc = settle(t, known, err);
    if (rc == SPATE_OK)
        rc = say_to_all(t, known, begin_sql, NULL, err, "taking a snapshot");
    if (rc == SPATE_OK)
        rc = say_to_all(t, known, side_sql, sides, err, "taking a snapshot");
    if (rc == SPATE_OK)
        rc = sp_lab_run(&known->servers[0], t->main, sp_tally_leave_all, NULL, err, "leaving the gate");
    t->gate_us = SP_MAX(t->gate_us, sp_os_monotonic_us() - start);
    return rc == SPATE_OK ? say_to_all(t, known, sp_right_allow, NULL, err, "letting shards be turned") : rc;
}

static int add_up_shard(sp_tally *t, const sp_lab *lab, const sp_placement *places, unsigned shard, int64_t *total,
                        spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(lab, shard);
    sp_buf sql = {0};
    PGresult *res = NULL;
    int rc = sp_buf_adds(&sql, "SELECT coalesce(sum(balance), 0) FROM " SP_BANK_TABLE " WHERE ")
                 ? sp_fail_nomem(err)
                 : sp_made_condition(places, shard, &sql, err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(server, t->conns[shard], sp_pg_string(&sql), &res, err, "adding up");
    if (rc == SPATE_OK) {
        *total += strtoll(sp_pq.getvalue(res, 0, 0), NULL, 10);
        sp_pq.clear(res);
    }
    sp_buf_done(&sql);
    return rc;
}

static int add_up(sp_tally *t, const sp_lab *lab, PGresult *const *sides, int64_t *total, spate_error *err)
{
    const sp_placement places = places_of(lab, sides);
    int rc = SPATE_OK;
    *total = 0;
    for (unsigned s = 0; s + 1 < lab->n_servers && rc == SPATE_OK; s++) {
        if (!is_owner(&places, s))
            continue;
        rc = t->conns[s] ? add_up_shard(t, lab, &places, s, total, err)
                         : sp_fail(err, SPATE_E_RETRY, "shard%u does not answer", s);
    }
    return rc == SPATE_OK ? say_to_all(t, lab, "COMMIT", NULL, err, "adding up") : rc;
}

int sp_tally_read(sp_tally *t, int64_t *total, spate_error *err)
{
    const sp_lab *lab = sp_route_lab(t->route);
    PGresult *sides[SP_SHARDS_MAX] = {NULL};
    spate_error why = {0};
    int rc = connect_all(t, lab, &why);
    if (rc == SPATE_OK)
        rc = take_snapshots(t, &lab, sides, &why);
    if (rc == SPATE_OK)
        rc = add_up(t, lab, sides, total, &why);
    for (unsigned s = 0; s < SP_SHARDS_MAX; s++)
        sp_pq.clear(sides[s]);
    if (rc == SPATE_OK)
        return SPATE_OK;
    sp_tally_done(t);
    sp_route_look(t->route);
    return sp_fail(err, SPATE_E_RETRY, "%s", why.message);
}
