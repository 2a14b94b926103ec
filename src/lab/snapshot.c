/* snapshot.c - see snapshot.h. */
#include "lab/snapshot.h"

#include "lab/each.h"
#include "os/at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* ---- names and places ---- */

static int check_name(const sp_lab *lab, const char *name, spate_error *err)
{
    size_t len = strlen(name), fit = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    if (lab->servers[0].attached)
        return sp_fail(err, SPATE_E_USAGE, "servers that are only attached cannot be stopped and copied");
    if (len == 0 || fit < len || len > SP_SNAPSHOT_NAME_MAX || name[0] == '.')
        return sp_fail(err, SPATE_E_USAGE,
                       "\"%s\" is no name for a snapshot: it takes letters, digits, -, _ and ., at most %d", name,
                       SP_SNAPSHOT_NAME_MAX);
    return SPATE_OK;
}

static const char *place_of(sp_lab *lab, const char *name)
{
    return sp_arena_printf(&lab->arena, "%s/snapshots/%s", lab->directory, name);
}

static int find_snapshot(sp_lab *lab, const char *name, const char **place, spate_error *err)
{
    int rc = check_name(lab, name, err);
    if (rc != SPATE_OK)
        return rc;
    *place = place_of(lab, name);
    if (!*place)
        return sp_fail_nomem(err);
    return sp_os_is_dir(*place) ? SPATE_OK : sp_fail(err, SPATE_E_USAGE, "there is no snapshot \"%s\"", name);
}

int sp_snapshot_list(sp_lab *lab, char ***names, uint32_t *n, spate_error *err)
{
    const char *folder = sp_lab_path(lab, "snapshots");
    *n = 0;
    if (!folder)
        return sp_fail_nomem(err);
    return sp_os_is_dir(folder) ? sp_os_list(folder, &lab->arena, names, n, err) : SPATE_OK;
}

/* ---- a moment without servers ---- */

typedef struct halt {
    sp_lab_server *ran[1 + SP_SHARDS_MAX];
    uint32_t n;
} halt;

static int stop_all(sp_lab *lab, halt *h, spate_error *err)
{
    h->n = 0;
    for (uint32_t i = 0; i < lab->n_servers; i++)
        if (sp_lab_server_pid(&lab->servers[i]))
            h->ran[h->n++] = &lab->servers[i];
    return sp_lab_stop(lab, h->ran, h->n, err);
}

/* ---- many clones at once ---- */

typedef struct cloning {
    const char *from, *to;
    sp_os_user user;
} cloning;

static int clone_one(void *item, spate_error *err)
{
    const cloning *c = item;
    return sp_lab_clone_tree(c->from, c->to, c->user, err);
}

/* ---- saving ---- */

static int copy_data(sp_lab *lab, const char *making, spate_error *err)
{
    cloning *all = sp_arena_alloc(&lab->arena, lab->n_servers, sizeof(*all));
    sp_os_user user;
    int rc = all ? sp_lab_find_user(lab, &user, err) : sp_fail_nomem(err);
    for (uint32_t i = 0; i < lab->n_servers && rc == SPATE_OK; i++) {
        all[i] = (cloning){.from = lab->servers[i].data,
                           .user = user,
                           .to = sp_arena_printf(&lab->arena, "%s/%s", making, lab->servers[i].name)};
        rc = all[i].to ? SPATE_OK : sp_fail_nomem(err);
    }
    return rc == SPATE_OK ? sp_lab_each(all, sizeof(*all), lab->n_servers, clone_one, err) : rc;
}

static int save(sp_lab *lab, const char *place, spate_error *err)
{
    const char *making = place_of(lab, ".making");
    int rc = making ? sp_lab_remove_tree(making, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_os_make_dirs(making, err);
    if (rc == SPATE_OK)
        rc = copy_data(lab, making, err);
    if (rc == SPATE_OK)
        rc = sp_lab_save_as(lab, making, err);
    if (rc == SPATE_OK)
        rc = sp_os_publish(making, place, err);
    if (rc != SPATE_OK && making)
        (void)!sp_lab_remove_tree(making, NULL);
    return rc;
}

int sp_snapshot_save(sp_lab *lab, const char *name, spate_error *err)
{
    halt h;
    int rc = check_name(lab, name, err);
    const char *place = rc == SPATE_OK ? place_of(lab, name) : NULL;
    if (rc == SPATE_OK && !place)
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK && sp_os_exists(place))
        rc = sp_fail(err, SPATE_E_USAGE, "there is a snapshot \"%s\" already", name);
    if (rc == SPATE_OK)
        rc = stop_all(lab, &h, err);
    if (rc != SPATE_OK)
        return rc;
    rc = save(lab, place, err);
    int started = sp_lab_start(lab, h.ran, h.n, rc == SPATE_OK ? err : NULL);
    return rc == SPATE_OK ? started : rc;
}

/* ---- restoring ---- */

/* Beside what is there: nothing is lost before all of it has come. */
static int bring_data(sp_lab *to, const char *place, spate_error *err)
{
    cloning *all = sp_arena_alloc(&to->arena, to->n_servers, sizeof(*all));
    sp_os_user user;
    int rc = all ? sp_lab_find_user(to, &user, err) : sp_fail_nomem(err);
    for (uint32_t i = 0; i < to->n_servers && rc == SPATE_OK; i++) {
        const char *folder = sp_lab_path(to, to->servers[i].name);
        all[i] = (cloning){.from = sp_arena_printf(&to->arena, "%s/%s", place, to->servers[i].name),
                           .user = user,
                           .to = sp_arena_printf(&to->arena, "%s.new", to->servers[i].data)};
        rc = all[i].from && all[i].to && folder ? sp_lab_make_folder(folder, user, err) : sp_fail_nomem(err);
        if (rc == SPATE_OK)
            rc = sp_lab_remove_tree(all[i].to, err);
    }
    return rc == SPATE_OK ? sp_lab_each(all, sizeof(*all), to->n_servers, clone_one, err) : rc;
}

static int put_in_place(sp_lab *to, const sp_lab_server *s, spate_error *err)
{
    const char *made = sp_arena_printf(&to->arena, "%s.new", s->data);
    int rc = made ? sp_lab_remove_tree(s->data, err) : sp_fail_nomem(err);
    return rc == SPATE_OK ? sp_os_publish(made, s->data, err) : rc;
}

static bool knows(const sp_lab *lab, const char *name)
{
    const sp_lab_server *found;
    return sp_lab_find_server(lab, name, &found, NULL) == SPATE_OK;
}

/* Servers that the snapshot has not known go. */
static int drop_others(sp_lab *now, const sp_lab *then, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < now->n_servers && rc == SPATE_OK; i++)
        if (!knows(then, now->servers[i].name))
            rc = sp_lab_remove_cluster(now, &now->servers[i], err);
    return rc;
}

static int restore(sp_lab *now, sp_lab *then, const char *place, spate_error *err)
{
    int rc = bring_data(then, place, err);
    for (uint32_t i = 0; i < then->n_servers && rc == SPATE_OK; i++)
        rc = put_in_place(then, &then->servers[i], err);
    if (rc == SPATE_OK)
        rc = drop_others(now, then, err);
    return rc == SPATE_OK ? sp_lab_save(then, err) : rc;
}

static int start_those_that_ran(sp_lab *then, const halt *h, spate_error *err)
{
    sp_lab_server *all[1 + SP_SHARDS_MAX];
    for (uint32_t i = 0; i < then->n_servers; i++)
        all[i] = &then->servers[i];
    return h->n ? sp_lab_start(then, all, then->n_servers, err) : SPATE_OK;
}

static int refuse_replicas(const sp_lab *lab, spate_error *err)
{
    int rc = sp_fail(err, SPATE_E_USAGE, "%s follows %s and cannot follow it back", lab->replicas[0].name,
                     lab->replicas[0].of);
    sp_error_hint(err, "'spate lab replica drop %s', and add one again afterwards", lab->replicas[0].name);
    return rc;
}

/* What stands beside the servers is as it is now; a snapshot has nothing of it. */
static void keep_beside(const sp_lab *now, sp_lab *then)
{
    then->n_replicas = 0;
    then->pool_port = now->pool_port;
    then->pool_size = now->pool_size;
    then->cache_bytes = now->cache_bytes;
}

int sp_snapshot_restore(sp_lab *lab, const char *name, spate_error *err)
{
    const char *place;
    sp_lab then;
    halt h;
    int rc = find_snapshot(lab, name, &place, err);
    if (rc == SPATE_OK && lab->n_replicas)
        return refuse_replicas(lab, err);
    if (rc == SPATE_OK)
        rc = sp_lab_open_copy(lab->directory, place, &then, err);
    if (rc != SPATE_OK)
        return rc;
    keep_beside(lab, &then);
    rc = stop_all(lab, &h, err);
    if (rc == SPATE_OK)
        rc = restore(lab, &then, place, err);
    if (rc == SPATE_OK)
        rc = start_those_that_ran(&then, &h, err);
    if (rc == SPATE_OK) {
        sp_lab_done(lab);
        *lab = then;
    } else {
        sp_lab_done(&then);
    }
    return rc;
}

int sp_snapshot_drop(sp_lab *lab, const char *name, spate_error *err)
{
    const char *place;
    int rc = find_snapshot(lab, name, &place, err);
    return rc == SPATE_OK ? sp_lab_remove_tree(place, err) : rc;
}
