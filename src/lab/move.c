/* move.c - see move.h. */
#include "lab/move.h"

#include "lab/each.h"
#include "lab/frame.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- connections ---- */

bool sp_lab_move_gives(const sp_lab_move *m, unsigned shard)
{
    for (uint32_t i = 0; i < m->r->n_pairs; i++)
        if (m->r->pairs[i].from == shard)
            return true;
    return false;
}

bool sp_lab_move_takes(const sp_lab_move *m, unsigned shard)
{
    for (uint32_t i = 0; i < m->r->n_pairs; i++)
        if (m->r->pairs[i].to == shard)
            return true;
    return false;
}

int sp_lab_move_interrupted(const sp_lab_move *m, spate_error *err)
{
    bool stop = m->cancel && __atomic_load_n(m->cancel, __ATOMIC_RELAXED);
    return stop ? sp_fail(err, SPATE_E_INTERRUPTED, "interrupted") : SPATE_OK;
}

static int open_pair(sp_lab_move_pair *p, const sp_reshard *r, const sp_reshard_pair *pair, spate_error *err)
{
    p->pair = pair;
    sp_stream_name(&p->forth, r, pair, false);
    sp_stream_name(&p->back, r, pair, true);
    snprintf(p->name, sizeof(p->name), "shard%u to shard%u", pair->from, pair->to);
    int rc = sp_lab_connect(sp_stream_source(&p->forth), &p->from, err);
    return rc == SPATE_OK ? sp_lab_connect(sp_stream_target(&p->forth), &p->to, err) : rc;
}

int sp_lab_move_open(sp_lab_move *m, const sp_reshard *r, spate_error *err)
{
    m->r = r;
    m->shards = SP_MAX(r->before.map.shards, r->after.map.shards);
    m->pairs = sp_alloc_zero(r->n_pairs + 1, sizeof(*m->pairs));
    int rc = m->pairs ? SPATE_OK : sp_fail_nomem(err);
    for (unsigned s = 0; s < m->shards && rc == SPATE_OK; s++)
        rc = sp_lab_connect(sp_lab_shard(r->lab, s), &m->conns[s], err);
    for (uint32_t i = 0; i < r->n_pairs && rc == SPATE_OK; i++)
        rc = open_pair(&m->pairs[i], r, &r->pairs[i], err);
    return rc;
}

void sp_lab_move_done(sp_lab_move *m)
{
    for (unsigned s = 0; s < m->shards; s++)
        if (m->conns[s])
            sp_pq.finish(m->conns[s]);
    for (uint32_t i = 0; m->pairs && i < m->r->n_pairs; i++) {
        if (m->pairs[i].from)
            sp_pq.finish(m->pairs[i].from);
        if (m->pairs[i].to)
            sp_pq.finish(m->pairs[i].to);
    }
    sp_free(m->pairs);
    m->pairs = NULL;
    m->shards = 0;
}

/* ---- what forbids it ---- */

typedef struct server_facts {
    int version, slots, senders, workers;
    bool logical, superuser;
} server_facts;

static int read_facts(const sp_lab_server *server, server_facts *f, spate_error *err)
{
    static const char sql[] =
        "SELECT current_setting('server_version_num'), current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots),"
        " current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication),"
        " current_setting('max_logical_replication_workers')::int - (SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL),"
        " current_setting('wal_level') = 'logical', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)";
    PGresult *res = NULL;
    int rc = sp_lab_run_alone(server, sql, &res, err, "asking for settings");
    if (rc == SPATE_OK) {
        int *const numbers[] = {&f->version, &f->slots, &f->senders, &f->workers};
        for (int i = 0; i < 4; i++)
            *numbers[i] = atoi(sp_pq.getvalue(res, 0, i));
        f->logical = sp_pq.getvalue(res, 0, 4)[0] == 't';
        f->superuser = sp_pq.getvalue(res, 0, 5)[0] == 't';
        sp_pq.clear(res);
    }
    return rc;
}

typedef struct objections {
    void (*fn)(void *arg, const char *what);
    void *arg;
    const char *server;
} objections;

static void object(const objections *o, bool applies, const char *fmt, int number)
{
    char what[256], text[320];
    if (!applies)
        return;
    snprintf(what, sizeof(what), fmt, number);
    snprintf(text, sizeof(text), "%s %s", o->server, what);
    o->fn(o->arg, text);
}

/* A new server will have what shard0 has. */
int sp_lab_move_check(const sp_reshard *r, void (*fn)(void *arg, const char *what), void *arg, spate_error *err)
{
    const sp_lab_move m = {.r = r, .shards = SP_MAX(r->before.map.shards, r->after.map.shards)};
    server_facts f = {0};
    int rc = SPATE_OK;
    for (unsigned s = 0; s < m.shards && rc == SPATE_OK; s++) {
        char name[16];
        objections o = {fn, arg, name};
        int streams = 0;
        snprintf(name, sizeof(name), "shard%u", s);
        rc = s + 1 < r->lab->n_servers ? read_facts(sp_lab_shard(r->lab, s), &f, err) : SPATE_OK;
        for (uint32_t i = 0; i < r->n_pairs; i++)
            streams += r->pairs[i].from == s || r->pairs[i].to == s;
        if (rc != SPATE_OK || streams == 0)
            continue;
        object(&o, f.version < 150000, "is of version %d: a stream of chosen rows needs PostgreSQL 15",
               f.version / 10000);
        object(&o, !f.logical, "has not wal_level = logical", 0);
        object(&o, !f.superuser, "lets us in without the rights of a superuser, which subscriptions need", 0);
        object(&o, f.slots < streams, "has too few replication slots left: max_replication_slots must leave %d",
               streams);
        object(&o, f.senders < streams, "has too few senders left: max_wal_senders must leave %d", streams);
        object(&o, f.workers < streams, "has too few workers left: max_logical_replication_workers must leave %d",
               streams);
    }
    return rc;
}

/* ---- copying ---- */

typedef struct copying {
    sp_lab_move *m;
    sp_lab_move_pair *p;
    PGconn *holder; /* of the slot's snapshot */
} copying;

/* What a copy before this one has left is litter; children first. */
static int sweep_pair(const copying *c, spate_error *err)
{
    const sp_layout *l = c->m->r->layout;
    int rc = SPATE_OK;
    for (uint32_t t = l->n; t-- > 0 && rc == SPATE_OK;) {
        sp_buf sql = {0};
        if (!l->placements[t])
            continue;
        rc = sp_buf_adds(&sql, "DELETE FROM ") || sp_sql_ident(&sql, l->schemas[t]->table) ||
                     sp_buf_adds(&sql, " WHERE ")
                 ? sp_fail_nomem(err)
                 : sp_reshard_condition(c->m->r, c->p->pair, t, "", &sql, err);
        if (rc == SPATE_OK)
            rc = sp_lab_run(sp_stream_target(&c->p->forth), c->p->to, sp_pg_string(&sql), NULL, err, "sweeping");
        sp_buf_done(&sql);
    }
    return rc;
}

static int begin_both(copying *c, spate_error *err)
{
    const sp_stream *s = &c->p->forth;
    char snapshot[64] = "", sql[160];
    int rc = sp_stream_slot(s, &c->holder, snapshot, err);
    snprintf(sql, sizeof(sql), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s'",
             snapshot);
    if (rc == SPATE_OK)
        rc = sp_lab_run(sp_stream_source(s), c->p->from, sql, NULL, err, "taking over the slot's snapshot");
    return rc == SPATE_OK ? sp_reshard_begin(sp_stream_target(s), c->p->to, err) : rc;
}

static int copy_rows(copying *c, spate_error *err)
{
    const sp_layout *l = c->m->r->layout;
    c->p->rows = 0;
    int rc = sweep_pair(c, err);
    for (uint32_t t = 0; t < l->n && rc == SPATE_OK; t++) {
        rc = sp_lab_move_interrupted(c->m, err);
        if (rc == SPATE_OK && l->placements[t])
            rc = sp_reshard_copy_table(c->m->r, c->p->pair, t, c->p->from, c->p->to, &c->p->rows, err);
    }
    if (rc == SPATE_OK)
        rc = sp_lab_run(sp_stream_target(&c->p->forth), c->p->to, "COMMIT", NULL, err, "committing");
    return rc;
}

/* The publication comes before the slot: what the slot has of a time without it could not be read. */
static int copy_pair(void *item, spate_error *err)
{
    copying *c = item;
    const sp_stream *s = &c->p->forth;
    int rc = sp_stream_unsubscribe(s, c->p->to, err);
    if (rc == SPATE_OK)
        rc = sp_stream_drop_slot(s, c->p->from, err);
    if (rc == SPATE_OK)
        rc = sp_stream_publish(s, c->p->from, err);
    if (rc == SPATE_OK)
        rc = begin_both(c, err);
    if (rc == SPATE_OK)
        rc = copy_rows(c, err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(sp_stream_source(s), c->p->from, "COMMIT", NULL, err, "committing");
    if (c->holder)
        sp_pq.finish(c->holder);
    return rc == SPATE_OK ? c->m->copied(c->m->arg, c->p, err) : rc;
}

int sp_lab_move_copy(sp_lab_move *m, const bool *left_out, spate_error *err)
{
    uint32_t n = 0;
    copying *all = sp_alloc_zero(m->r->n_pairs + 1, sizeof(*all));
    if (!all)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < m->r->n_pairs; i++)
        if (!left_out[i])
            all[n++] = (copying){.m = m, .p = &m->pairs[i]};
    int rc = sp_lab_each(all, sizeof(*all), n, copy_pair, err);
    sp_free(all);
    return rc;
}

/* ---- keys and indexes ---- */

int sp_lab_move_index(sp_lab_move *m, unsigned shard, unsigned like, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(m->r->lab, shard);
    int rc = sp_frame_strip(m->r->layout, server, m->conns[shard], err);
    if (rc == SPATE_OK)
        rc = sp_frame_make(m->r->layout, sp_lab_shard(m->r->lab, like), server, m->conns[shard], m->cancel, err);
    return rc == SPATE_OK ? sp_reshard_analyse_shard(m->r, shard, m->conns[shard], err) : rc;
}

int sp_lab_move_strip(sp_lab_move *m, unsigned shard, spate_error *err)
{
    return sp_frame_strip(m->r->layout, sp_lab_shard(m->r->lab, shard), m->conns[shard], err);
}

/* ---- streams ---- */

/* The shard's subscriptions, each of a pair. */
static int let_flow(sp_lab_move *m, bool back, unsigned shard, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(m->r->lab, shard);
    int rc = sp_lab_run(server, m->conns[shard], "BEGIN", NULL, err, "enabling subscriptions");
    for (uint32_t i = 0; i < m->r->n_pairs && rc == SPATE_OK; i++) {
        const sp_lab_move_pair *p = &m->pairs[i];
        if ((back ? p->pair->from : p->pair->to) == shard)
            rc = sp_stream_let_flow(back ? &p->back : &p->forth, m->conns[shard], err);
    }
    int ended = sp_lab_run(server, m->conns[shard], rc == SPATE_OK ? "COMMIT" : "ROLLBACK", NULL,
                           rc == SPATE_OK ? err : NULL, "enabling subscriptions");
    return rc == SPATE_OK ? ended : rc;
}

static int let_all_flow(sp_lab_move *m, bool back, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned s = 0; s < m->shards && rc == SPATE_OK; s++)
        if (back ? sp_lab_move_gives(m, s) : sp_lab_move_takes(m, s))
            rc = let_flow(m, back, s, err);
    return rc;
}

int sp_lab_move_stream(sp_lab_move *m, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < m->r->n_pairs && rc == SPATE_OK; i++) {
        rc = sp_stream_subscribe(&m->pairs[i].forth, m->pairs[i].to, err);
        if (rc == SPATE_OK)
            rc = sp_stream_publish(&m->pairs[i].back, m->pairs[i].to, err);
    }
    return rc == SPATE_OK ? let_all_flow(m, false, err) : rc;
}

static int end_forth(sp_lab_move_pair *p, spate_error *err)
{
    int rc = sp_stream_unsubscribe(&p->forth, p->to, err);
    if (rc == SPATE_OK)
        rc = sp_stream_drop_slot(&p->forth, p->from, err);
    return rc == SPATE_OK ? sp_stream_unpublish(&p->forth, p->from, err) : rc;
}

static int end_back(sp_lab_move_pair *p, spate_error *err)
{
    int rc = sp_stream_unsubscribe(&p->back, p->from, err);
    if (rc == SPATE_OK)
        rc = sp_stream_drop_slot(&p->back, p->to, err);
    return rc == SPATE_OK ? sp_stream_unpublish(&p->back, p->to, err) : rc;
}

/* A row that came back would go forth again: so no stream goes forth when the first begins to come back. */
int sp_lab_move_stream_back(sp_lab_move *m, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < m->r->n_pairs && rc == SPATE_OK; i++)
        rc = end_forth(&m->pairs[i], err);
    for (uint32_t i = 0; i < m->r->n_pairs && rc == SPATE_OK; i++) {
        rc = sp_stream_subscribe(&m->pairs[i].back, m->pairs[i].from, err);
        if (rc == SPATE_OK)
            rc = sp_stream_begin_at_turn(&m->pairs[i].back, m->pairs[i].to, m->pairs[i].from, err);
    }
    return rc == SPATE_OK ? let_all_flow(m, true, err) : rc;
}

int sp_lab_move_unstream(sp_lab_move *m, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < m->r->n_pairs && rc == SPATE_OK; i++) {
        rc = end_forth(&m->pairs[i], err);
        if (rc == SPATE_OK)
            rc = end_back(&m->pairs[i], err);
    }
    return rc;
}
