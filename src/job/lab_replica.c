/* lab_replica.c - spate_lab_replica_*: under the lab's lock, but for looking. */
#include "spate/lab.h"

#include "job/lab.h"
#include "lab/replica.h"

static int check_primary(const sp_lab *lab, const char *of, spate_error *err)
{
    const sp_lab_server *s = NULL;
    int rc = sp_lab_find_server(lab, of, &s, err);
    if (rc != SPATE_OK)
        return rc;
    if (s->attached || s->of)
        return sp_fail(err, SPATE_E_USAGE, "%s is %s: a replica follows main or a shard of the lab's own", of,
                       s->of ? "a replica" : "attached");
    rc = sp_lab_check_path(lab, err);
    if (rc == SPATE_OK && !sp_lab_server_pid(s)) {
        rc = sp_fail(err, SPATE_E_USAGE, "%s does not run: a replica begins with what it has", of);
        sp_error_hint(err, "'spate lab up %s'", of);
    }
    return rc;
}

/* lab.yaml first, so that what was begun and not finished can be dropped. */
static int add(sp_lab *lab, const char *of, spate_error *err)
{
    unsigned port = 0;
    const char *kept = sp_arena_printf(&lab->arena, "%s", of);
    int rc = kept ? sp_lab_find_ports(lab, 1, &port, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_add_replica(lab, kept, port, err);
    if (rc != SPATE_OK)
        return rc;
    rc = sp_lab_save(lab, err);
    if (rc == SPATE_OK)
        rc = sp_replica_make(lab, err);
    if (rc != SPATE_OK) {
        lab->n_replicas--;
        (void)!sp_lab_save(lab, NULL);
    }
    return rc;
}

int spate_lab_replica_add(spate_lab *l, const char *of, const char **name, spate_error *err)
{
    of = of ? of : l->lab.servers[0].name;
    int lock = -1, rc = check_primary(&l->lab, of, err);
    if (rc == SPATE_OK)
        rc = sp_lab_lock(l->lab.directory, &lock, err);
    if (rc == SPATE_OK)
        rc = add(&l->lab, of, err);
    if (rc == SPATE_OK)
        *name = l->lab.replicas[l->lab.n_replicas - 1].name;
    sp_lab_unlock(lock);
    return rc;
}

static int find_replica(const sp_lab *lab, const char *name, const sp_lab_server **r, spate_error *err)
{
    for (uint32_t i = 0; i < lab->n_replicas; i++)
        if (strcmp(lab->replicas[i].name, name) == 0) {
            *r = &lab->replicas[i];
            return SPATE_OK;
        }
    return sp_fail(err, SPATE_E_USAGE, "the lab has no replica \"%s\"", name);
}

typedef int on_replica(sp_lab *lab, const sp_lab_server *replica, spate_error *err);

static int with_lock(spate_lab *l, const char *name, on_replica *fn, spate_error *err)
{
    const sp_lab_server *r = NULL;
    int lock = -1, rc = find_replica(&l->lab, name, &r, err);
    if (rc == SPATE_OK)
        rc = sp_lab_lock(l->lab.directory, &lock, err);
    if (rc == SPATE_OK)
        rc = sp_lab_refuse_moving(&l->lab, err); /* its slots would not come over */
    if (rc == SPATE_OK)
        rc = fn(&l->lab, r, err);
    sp_lab_unlock(lock);
    return rc;
}

int spate_lab_replica_drop(spate_lab *l, const char *name, spate_error *err)
{
    return with_lock(l, name, sp_replica_drop, err);
}

int spate_lab_replica_promote(spate_lab *l, const char *name, spate_error *err)
{
    return with_lock(l, name, sp_replica_promote, err);
}

int spate_lab_replica_lag(spate_lab *l, void (*fn)(void *arg, const spate_lab_lag *lag), void *arg, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < l->lab.n_replicas && rc == SPATE_OK; i++) {
        const sp_lab_server *r = &l->lab.replicas[i];
        sp_replica_lag lag;
        rc = sp_replica_look(&l->lab, r, &lag, err);
        if (rc == SPATE_OK)
            fn(arg, &(spate_lab_lag){r->name, r->of, lag.streams, lag.unsent, lag.unreplayed, lag.kept, lag.seen_ms,
                                     lag.seen_most_ms});
    }
    return rc;
}
