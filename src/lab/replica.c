/* replica.c - see replica.h. */
#include "lab/replica.h"

#include "lab/link.h"
#include "os/at.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static int find_primary(sp_lab *lab, const sp_lab_server *r, sp_lab_server **primary, spate_error *err)
{
    const sp_lab_server *found = NULL;
    int rc = sp_lab_find_server(lab, r->of, &found, err);
    *primary = rc == SPATE_OK ? &lab->servers[found - lab->servers] : NULL;
    return rc;
}

static void forget_name(sp_lab *lab, const sp_lab_server *r)
{
    size_t at = (size_t)(r - lab->replicas);
    memmove(&lab->replicas[at], &lab->replicas[at + 1], (lab->n_replicas - at - 1) * sizeof(*lab->replicas));
    lab->n_replicas--;
}

/* ---- the slot ---- */

/* One that is still in use is waited for: its sender ends a moment after the replica. */
static int drop_slot(const sp_lab_server *primary, const sp_lab_server *r, spate_error *err)
{
    enum { PAUSE_US = 20000, TRIES = 500 };
    char sql[256];
    snprintf(
        sql, sizeof(sql),
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'spate_%s' AND NOT active;"
        "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'spate_%s'",
        r->name, r->name);
    for (int i = 0; i < TRIES; i++) {
        PGresult *left = NULL;
        int rc = sp_lab_run_alone(primary, sql, &left, err, "dropping a slot");
        bool gone = rc == SPATE_OK && sp_pq.getvalue(left, 0, 0)[0] == '0';
        sp_pq.clear(left);
        if (rc != SPATE_OK || gone)
            return rc;
        sp_os_sleep_us(PAUSE_US);
    }
    return sp_fail(err, SPATE_E_UNREACHABLE, "%s: slot \"spate_%s\" is still in use", primary->name, r->name);
}

/* ---- what its primary knows of it ---- */

static int look_from_primary(const sp_lab_server *primary, PGconn *conn, const sp_lab_server *r, sp_replica_lag *lag,
                             spate_error *err)
{
    char sql[512];
    PGresult *res = NULL;
    snprintf(sql, sizeof(sql),
             "SELECT coalesce(r.state = 'streaming', false), greatest(pg_current_wal_lsn() - r.sent_lsn, 0)::bigint,"
             " greatest(pg_current_wal_lsn() - coalesce(r.replay_lsn, s.restart_lsn), 0)::bigint,"
             " greatest(pg_current_wal_lsn() - s.restart_lsn, 0)::bigint FROM pg_replication_slots s"
             " LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid WHERE s.slot_name = 'spate_%s'",
             r->name);
    int rc = sp_lab_run(primary, conn, sql, &res, err, "looking after replicas");
    if (rc == SPATE_OK && sp_pq.ntuples(res) == 1) {
        lag->streams = sp_pq.getvalue(res, 0, 0)[0] == 't';
        lag->unsent = strtoull(sp_pq.getvalue(res, 0, 1), NULL, 10);
        lag->unreplayed = strtoull(sp_pq.getvalue(res, 0, 2), NULL, 10);
        lag->kept = strtoull(sp_pq.getvalue(res, 0, 3), NULL, 10);
    }
    sp_pq.clear(res);
    return rc;
}

/* ---- made ---- */

static int run_basebackup(sp_lab *lab, const sp_lab_server *primary, const sp_lab_server *r, const char *folder,
                          const char *made, spate_error *err)
{
    sp_os_user user;
    char program[4200], log[4300], slot[64];
    int code = 0, rc = sp_lab_find_user(lab, &user, err);
    pid_t pid;
    snprintf(program, sizeof(program), "%s/pg_basebackup", lab->programs);
    snprintf(log, sizeof(log), "%s/basebackup.log", folder);
    snprintf(slot, sizeof(slot), "spate_%s", r->name);
    const char *const words[] = {program, "-D", made, "-d",   primary->uri, "-X", "stream", "-C",
                                 "-S",    slot, "-c", "fast", "--no-sync",  "-w", NULL};
    sp_os_child child = {.words = words, .directory = folder, .output = log, .user = &user};
    if (rc == SPATE_OK)
        rc = sp_lab_make_folder(folder, user, err);
    if (rc == SPATE_OK)
        rc = sp_os_child_start(&child, &pid, err);
    if (rc == SPATE_OK)
        rc = sp_os_child_wait(pid, &code, err);
    return rc == SPATE_OK && code ? sp_lab_fail_program(err, log, "pg_basebackup of %s failed", primary->name) : rc;
}

/* That it is a replica. */
static int put_signal(sp_lab *lab, const char *made, spate_error *err)
{
    sp_os_user user;
    char path[4300];
    snprintf(path, sizeof(path), "%s/standby.signal", made);
    int rc = sp_lab_find_user(lab, &user, err);
    return rc == SPATE_OK ? sp_lab_write_file(path, sp_str_of(""), O_TRUNC, user, err) : rc;
}

static int make_data(sp_lab *lab, const sp_lab_server *primary, const sp_lab_server *r, spate_error *err)
{
    const char *folder = sp_lab_path(lab, r->name), *made = sp_arena_printf(&lab->arena, "%s.new", r->data);
    int rc = folder && made ? sp_lab_remove_tree(made, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = drop_slot(primary, r, err); /* of one that was begun before */
    if (rc == SPATE_OK)
        rc = run_basebackup(lab, primary, r, folder, made, err);
    if (rc == SPATE_OK)
        rc = put_signal(lab, made, err);
    return rc == SPATE_OK ? sp_os_publish(made, r->data, err) : rc;
}

/* A server that answers may not have found its primary yet. */
static int wait_for_stream(const sp_lab_server *primary, const sp_lab_server *r, spate_error *err)
{
    enum { PAUSE_US = 10000, LIMIT_US = 120 * 1000000 };
    PGconn *conn = NULL;
    sp_replica_lag lag = {0};
    int rc = sp_lab_connect(primary, &conn, err);
    for (int64_t from = sp_os_monotonic_us(); rc == SPATE_OK && !lag.streams;) {
        rc = look_from_primary(primary, conn, r, &lag, err);
        if (rc != SPATE_OK || lag.streams)
            break;
        if (sp_os_monotonic_us() - from > LIMIT_US)
            rc = sp_fail(err, SPATE_E_UNREACHABLE, "%s runs, but does not stream from %s: see its log", r->name,
                         primary->name);
        sp_os_sleep_us(PAUSE_US);
    }
    if (conn)
        sp_pq.finish(conn);
    return rc;
}

int sp_replica_make(sp_lab *lab, spate_error *err)
{
    sp_lab_server *r = &lab->replicas[lab->n_replicas - 1], *primary = NULL;
    int rc = find_primary(lab, r, &primary, err);
    if (rc == SPATE_OK)
        rc = make_data(lab, primary, r, err);
    if (rc == SPATE_OK)
        rc = sp_lab_start(lab, &r, 1, err);
    if (rc == SPATE_OK)
        rc = wait_for_stream(primary, r, err);
    if (rc == SPATE_OK)
        return rc;
    (void)!sp_lab_stop(lab, &r, 1, NULL);
    if (primary)
        (void)!drop_slot(primary, r, NULL);
    (void)!sp_lab_remove_cluster(lab, r, NULL);
    return rc;
}

/* ---- away ---- */

int sp_replica_drop(sp_lab *lab, const sp_lab_server *replica, spate_error *err)
{
    sp_lab_server *r = &lab->replicas[replica - lab->replicas], *primary;
    int rc = find_primary(lab, r, &primary, err);
    if (rc == SPATE_OK && !sp_lab_server_pid(primary)) {
        rc = sp_fail(err, SPATE_E_USAGE, "%s does not run, and would keep its log for %s for ever", primary->name,
                     r->name);
        sp_error_hint(err, "'spate lab up %s' first", primary->name);
    }
    if (rc == SPATE_OK)
        rc = sp_lab_stop(lab, &r, 1, err);
    if (rc == SPATE_OK)
        rc = drop_slot(primary, r, err);
    if (rc == SPATE_OK)
        rc = sp_lab_remove_cluster(lab, r, err);
    if (rc != SPATE_OK)
        return rc;
    forget_name(lab, r);
    return sp_lab_save(lab, err);
}

/* ---- in its primary's place ---- */

static int check_promotion(const sp_lab *lab, const sp_lab_server *r, spate_error *err)
{
    for (uint32_t i = 0; i < lab->n_replicas; i++)
        if (&lab->replicas[i] != r && strcmp(lab->replicas[i].of, r->of) == 0) {
            int rc = sp_fail(err, SPATE_E_USAGE, "%s follows %s, too, and could not follow %s", lab->replicas[i].name,
                             r->of, r->name);
            sp_error_hint(err, "'spate lab replica drop %s' first", lab->replicas[i].name);
            return rc;
        }
    return SPATE_OK;
}

/* From here on it is a server of its own. A primary that stops sends all it has first, to whom it streams to. */
static int part(sp_lab *lab, sp_lab_server *primary, sp_lab_server *r, spate_error *err)
{
    int rc = sp_lab_start(lab, &r, 1, err);
    if (rc == SPATE_OK)
        rc = sp_lab_stop(lab, &primary, 1, err);
    if (rc == SPATE_OK)
        rc = sp_lab_run_alone(r, "SELECT pg_promote(true, 120) FROM pg_control_recovery() WHERE pg_is_in_recovery()",
                              NULL, err, "promoting");
    PGresult *state = NULL;
    if (rc == SPATE_OK)
        rc = sp_lab_run_alone(r, "SELECT pg_is_in_recovery()", &state, err, "promoting");
    if (rc == SPATE_OK && sp_pq.getvalue(state, 0, 0)[0] == 't')
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "%s does not come out of recovery: see its log", r->name);
    sp_pq.clear(state);
    return rc == SPATE_OK ? sp_lab_stop(lab, &r, 1, err) : rc;
}

int sp_replica_promote(sp_lab *lab, const sp_lab_server *replica, spate_error *err)
{
    sp_lab_server *r = &lab->replicas[replica - lab->replicas], *primary;
    int rc = check_promotion(lab, r, err);
    if (rc == SPATE_OK)
        rc = find_primary(lab, r, &primary, err);
    if (rc == SPATE_OK && sp_os_is_dir(r->data)) {
        rc = part(lab, primary, r, err);
        if (rc == SPATE_OK)
            rc = sp_lab_remove_tree(primary->data, err);
        if (rc == SPATE_OK)
            rc = sp_os_publish(r->data, primary->data, err);
    }
    if (rc == SPATE_OK)
        rc = sp_lab_remove_cluster(lab, r, err);
    if (rc != SPATE_OK)
        return rc;
    forget_name(lab, r);
    rc = sp_lab_save(lab, err);
    return rc == SPATE_OK ? sp_lab_start(lab, &primary, 1, err) : rc;
}

/* ---- how far behind ---- */

/* A commit that changes nothing, and how long until the replica has replayed it. */
static int time_commit(const sp_lab_server *primary, PGconn *there, const sp_lab_server *r, PGconn *here, double *ms,
                       spate_error *err)
{
    enum { LIMIT_US = 30 * 1000000 };
    char sql[160];
    PGresult *res = NULL;
    int rc = sp_lab_run(primary, there, "SELECT pg_logical_emit_message(true, 'spate', '')", &res, err, "committing");
    int64_t from = sp_os_monotonic_us();
    if (rc == SPATE_OK)
        snprintf(sql, sizeof(sql), "SELECT pg_last_wal_replay_lsn() >= '%.32s'", sp_pq.getvalue(res, 0, 0));
    for (bool seen = false; rc == SPATE_OK && !seen;) {
        sp_pq.clear(res);
        res = NULL;
        rc = sp_lab_run(r, here, sql, &res, err, "looking for a commit");
        seen = rc == SPATE_OK && sp_pq.getvalue(res, 0, 0)[0] == 't';
        if (rc == SPATE_OK && !seen && sp_os_monotonic_us() - from > LIMIT_US)
            rc = sp_fail(err, SPATE_E_UNREACHABLE, "%s does not follow: a commit of %s is not there after %d s",
                         r->name, r->of, LIMIT_US / 1000000);
    }
    sp_pq.clear(res);
    *ms = (double)(sp_os_monotonic_us() - from) / 1e3;
    return rc;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int time_commits(const sp_lab_server *primary, PGconn *there, const sp_lab_server *r, sp_replica_lag *lag,
                        spate_error *err)
{
    enum { TRIES = 21 };
    double ms[TRIES];
    PGconn *here = NULL;
    int rc = sp_lab_connect(r, &here, err);
    for (int i = 0; i < TRIES && rc == SPATE_OK; i++)
        rc = time_commit(primary, there, r, here, &ms[i], err);
    if (here)
        sp_pq.finish(here);
    if (rc != SPATE_OK)
        return rc;
    qsort(ms, TRIES, sizeof(*ms), by_value);
    lag->seen_ms = ms[TRIES / 2];
    lag->seen_most_ms = ms[TRIES - 1];
    return SPATE_OK;
}

int sp_replica_look(sp_lab *lab, const sp_lab_server *r, sp_replica_lag *lag, spate_error *err)
{
    sp_lab_server *primary;
    PGconn *there = NULL;
    *lag = (sp_replica_lag){0};
    int rc = find_primary(lab, r, &primary, err);
    if (rc == SPATE_OK)
        rc = sp_lab_connect(primary, &there, err);
    if (rc == SPATE_OK)
        rc = look_from_primary(primary, there, r, lag, err);
    if (rc == SPATE_OK && lag->streams)
        rc = time_commits(primary, there, r, lag, err);
    if (there)
        sp_pq.finish(there);
    return rc;
}
