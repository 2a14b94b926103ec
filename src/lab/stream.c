/* stream.c - see stream.h. */
#include "lab/stream.h"

#include <stdio.h>

enum { LET_GO_US = 10000000, LET_GO_LOOK_US = 5000 };

/* Slots are a cluster's, which may have several labs' shards in it: the name says whose. */
void sp_stream_name(sp_stream *s, const sp_reshard *r, const sp_reshard_pair *pair, bool back)
{
    uint64_t lab = sp_hash64(r->lab->directory, strlen(r->lab->directory), 0);
    *s = (sp_stream){.r = r, .pair = pair, .back = back};
    snprintf(s->name, sizeof(s->name), "spate_%08x_%u_%u%s", (unsigned)lab, pair->from, pair->to, back ? "_back" : "");
}

const sp_lab_server *sp_stream_source(const sp_stream *s)
{
    return sp_lab_shard(s->r->lab, s->back ? s->pair->to : s->pair->from);
}

const sp_lab_server *sp_stream_target(const sp_stream *s)
{
    return sp_lab_shard(s->r->lab, s->back ? s->pair->from : s->pair->to);
}

/* ---- on the source ---- */

static int add_tables(const sp_stream *s, sp_buf *sql, spate_error *err)
{
    const sp_layout *l = s->r->layout;
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < l->n && rc == SPATE_OK; t++) {
        if (!l->placements[t])
            continue;
        if (sp_sql_ident(sql, l->schemas[t]->table) || sp_buf_adds(sql, " WHERE ("))
            return sp_fail_nomem(err);
        rc = sp_reshard_condition(s->r, s->pair, t, "", sql, err);
        if (rc == SPATE_OK && sp_buf_adds(sql, "), "))
            rc = sp_fail_nomem(err);
    }
    return rc;
}

/* The filter is written out: PostgreSQL takes no functions there but its own. */
int sp_stream_publish(const sp_stream *s, PGconn *source, spate_error *err)
{
    sp_buf sql = {0};
    int rc = sp_stream_unpublish(s, source, err);
    if (rc == SPATE_OK && sp_buf_printf(&sql, "CREATE PUBLICATION %s FOR TABLE ", s->name))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = add_tables(s, &sql, err);
    if (rc == SPATE_OK &&
        sp_buf_printf(&sql, "spate_lab.marker WHERE (pair = '%s') WITH (publish = 'insert, update, delete')", s->name))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(sp_stream_source(s), source, sp_pg_string(&sql), NULL, err, "publishing the rows that move");
    sp_buf_done(&sql);
    return rc;
}

int sp_stream_unpublish(const sp_stream *s, PGconn *source, spate_error *err)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "SET client_min_messages = warning; DROP PUBLICATION IF EXISTS %s", s->name);
    return sp_lab_run(sp_stream_source(s), source, sql, NULL, err, "dropping the publication");
}

/* Only the replication protocol exports a slot's snapshot. */
static int connect_to_replicate(const sp_lab_server *server, PGconn **conn, spate_error *err)
{
    sp_buf uri = {0};
    bool is_uri = strstr(server->uri, "://") != NULL;
    const char *between = !is_uri ? " " : strchr(server->uri, '?') ? "&" : "?";
    sp_lab_server to = *server;
    int rc = sp_buf_adds(&uri, server->uri) || sp_buf_adds(&uri, between) || sp_buf_adds(&uri, "replication=database")
                 ? sp_fail_nomem(err)
                 : SPATE_OK;
    to.uri = sp_pg_string(&uri);
    if (rc == SPATE_OK)
        rc = sp_lab_connect(&to, conn, err);
    sp_buf_done(&uri);
    return rc;
}

int sp_stream_slot(const sp_stream *s, PGconn **holder, char snapshot[64], spate_error *err)
{
    const sp_lab_server *server = sp_stream_source(s);
    char sql[128];
    PGresult *res = NULL;
    snprintf(sql, sizeof(sql), "CREATE_REPLICATION_SLOT %s LOGICAL pgoutput (SNAPSHOT 'export')", s->name);
    int rc = connect_to_replicate(server, holder, err);
    if (rc == SPATE_OK)
        rc = sp_lab_run(server, *holder, sql, &res, err, "making a replication slot");
    if (rc == SPATE_OK) {
        snprintf(snapshot, 64, "%.63s", sp_pq.getvalue(res, 0, 2));
        sp_pq.clear(res);
    }
    return rc;
}

int sp_stream_keep(const sp_stream *s, PGconn *source, spate_error *err)
{
    char sql[256];
    snprintf(
        sql, sizeof(sql),
        "SELECT pg_create_logical_replication_slot('%s', 'pgoutput') WHERE NOT EXISTS (SELECT FROM pg_replication_slots"
        " WHERE slot_name = '%s')",
        s->name, s->name);
    return sp_lab_run(sp_stream_source(s), source, sql, NULL, err, "making a replication slot");
}

/* Whoever reads it is sent away first, and may need a moment to go. */
int sp_stream_drop_slot(const sp_stream *s, PGconn *source, spate_error *err)
{
    char sql[384];
    int64_t until = sp_os_monotonic_us() + LET_GO_US;
    spate_error why = {0};
    snprintf(
        sql, sizeof(sql),
        "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '%s' AND active_pid IS NOT NULL;"
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '%s'",
        s->name, s->name);
    int rc;
    while ((rc = sp_lab_run(sp_stream_source(s), source, sql, NULL, &why, "dropping a replication slot")) != SPATE_OK &&
           strcmp(why.sqlstate, "55006") == 0 && sp_os_monotonic_us() < until)
        sp_os_sleep_us(LET_GO_LOOK_US);
    if (rc != SPATE_OK && err)
        *err = why;
    return rc;
}

/* ---- on the target ---- */

static int is_subscribed(const sp_stream *s, PGconn *target, bool *there, spate_error *err)
{
    char sql[256];
    PGresult *res = NULL;
    snprintf(
        sql, sizeof(sql),
        "SELECT 1 FROM pg_subscription WHERE subname = '%s' AND subdbid = (SELECT oid FROM pg_database WHERE datname ="
        " current_database())",
        s->name);
    int rc = sp_lab_run(sp_stream_target(s), target, sql, &res, err, "looking for a subscription");
    *there = rc == SPATE_OK && sp_pq.ntuples(res) > 0;
    if (rc == SPATE_OK)
        sp_pq.clear(res);
    return rc;
}

/* One that is there knows how far it has come, which the slot may not: another would bring rows twice. */
int sp_stream_subscribe(const sp_stream *s, PGconn *target, spate_error *err)
{
    sp_buf sql = {0};
    bool there;
    int rc = is_subscribed(s, target, &there, err);
    if (rc != SPATE_OK || there)
        return rc;
    if (sp_buf_printf(&sql, "CREATE SUBSCRIPTION %s CONNECTION ", s->name) ||
        sp_sql_literal(&sql, sp_str_of(sp_stream_source(s)->uri)) ||
        sp_buf_printf(
            &sql, " PUBLICATION %s WITH (create_slot = false, slot_name = '%s', copy_data = false, enabled = false)",
            s->name, s->name))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc =
            sp_lab_run(sp_stream_target(s), target, sp_pg_string(&sql), NULL, err, "subscribing to the rows that move");
    sp_buf_done(&sql);
    return rc;
}

int sp_stream_let_flow(const sp_stream *s, PGconn *target, spate_error *err)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "ALTER SUBSCRIPTION %s ENABLE", s->name);
    return sp_lab_run(sp_stream_target(s), target, sql, NULL, err, "enabling a subscription");
}

/* The origin is where a subscription has come to: a new one has none. The slot alone would not do, whose place may fall back in a crash. */
int sp_stream_begin_at_turn(const sp_stream *s, PGconn *source, PGconn *target, spate_error *err)
{
    char sql[320];
    PGresult *res = NULL;
    int rc = sp_lab_run(sp_stream_source(s), source, "SELECT last_value FROM spate_lab.turned_at", &res, err,
                        "asking for the turn");
    if (rc != SPATE_OK)
        return rc;
    snprintf(
        sql, sizeof(sql),
        "SELECT pg_replication_origin_advance('pg_' || oid, '0/0'::pg_lsn + %.20s) FROM pg_subscription WHERE subname = '%s'"
        " AND pg_replication_origin_progress('pg_' || oid, false) IS NULL",
        sp_pq.getvalue(res, 0, 0), s->name);
    sp_pq.clear(res);
    return sp_lab_run(sp_stream_target(s), target, sql, NULL, err, "saying where the stream begins");
}

/* The slot is the source's to drop: it may be down. */
int sp_stream_unsubscribe(const sp_stream *s, PGconn *target, spate_error *err)
{
    char sql[384];
    bool there;
    int rc = is_subscribed(s, target, &there, err);
    snprintf(sql, sizeof(sql),
             "ALTER SUBSCRIPTION %s DISABLE; ALTER SUBSCRIPTION %s SET (slot_name = NONE); DROP SUBSCRIPTION %s",
             s->name, s->name, s->name);
    return rc == SPATE_OK && there ? sp_lab_run(sp_stream_target(s), target, sql, NULL, err, "dropping a subscription")
                                   : rc;
}
