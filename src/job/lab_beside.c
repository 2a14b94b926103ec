/* lab_beside.c - spate_lab_pool_*, spate_lab_cache_*: what runs beside a lab's servers comes and goes. */
#include "spate/lab.h"

#include "job/lab.h"
#include "lab/daemon.h"

enum { POOL_SIZE = 8, CACHE_BYTES = 64 << 20, CACHE_BYTES_MIN = 1 << 20 };

/* What lab.yaml says of them, to put it back. */
typedef struct wanted {
    unsigned port, size;
    uint64_t bytes;
} wanted;

static wanted take(const sp_lab *lab)
{
    return (wanted){lab->pool_port, lab->pool_size, lab->cache_bytes};
}

static void put(sp_lab *lab, const wanted *w)
{
    lab->pool_port = w->port;
    lab->pool_size = w->size;
    lab->cache_bytes = w->bytes;
}

static int check_servers(const sp_lab *lab, spate_error *err)
{
    if (lab->servers[0].attached)
        return sp_fail(err, SPATE_E_USAGE,
                       "a pool and a cache are put beside servers of the lab's own: these are attached");
    return sp_lab_check_path(lab, err);
}

/* lab.yaml first: whatever happens to us then, 'down' and 'destroy' know what there may be. What does not start is not kept. */
static int change(sp_lab *lab, sp_daemon d, const wanted *now, spate_error *err)
{
    const wanted before = take(lab);
    int rc = sp_daemon_stop(lab, d, err);
    if (rc != SPATE_OK)
        return rc;
    put(lab, now);
    rc = sp_lab_save(lab, err);
    if (rc == SPATE_OK && sp_daemon_wanted(lab, d))
        rc = sp_daemon_start(lab, d, err);
    if (rc != SPATE_OK) {
        put(lab, &before);
        (void)!sp_lab_save(lab, NULL);
    }
    return rc;
}

static int remove_folder(sp_lab *lab, sp_daemon d, spate_error *err)
{
    const char *folder = sp_lab_path(lab, sp_daemon_name(d));
    return folder ? sp_lab_remove_tree(folder, err) : sp_fail_nomem(err);
}

static int bring_down(spate_lab *l, sp_daemon d, spate_error *err)
{
    int lock = -1, rc = sp_lab_lock(l->lab.directory, &lock, err);
    wanted now = take(&l->lab);
    if (d == SP_DAEMON_POOL)
        now.port = now.size = 0;
    else
        now.bytes = 0;
    if (rc == SPATE_OK)
        rc = change(&l->lab, d, &now, err);
    if (rc == SPATE_OK)
        rc = remove_folder(&l->lab, d, err);
    sp_lab_unlock(lock);
    return rc;
}

int spate_lab_pool_up(spate_lab *l, unsigned size, spate_error *err)
{
    wanted now = take(&l->lab);
    int lock = -1, rc = check_servers(&l->lab, err);
    if (rc == SPATE_OK && size > SP_LAB_POOL_SIZE_MAX)
        rc = sp_fail(err, SPATE_E_USAGE, "a pool has 1 to %d connections to a server, not %u", SP_LAB_POOL_SIZE_MAX,
                     size);
    if (rc == SPATE_OK)
        rc = sp_lab_lock(l->lab.directory, &lock, err);
    if (rc == SPATE_OK && !now.port)
        rc = sp_lab_find_ports(&l->lab, 1, &now.port, err);
    now.size = size ? size : now.size ? now.size : POOL_SIZE;
    if (rc == SPATE_OK)
        rc = change(&l->lab, SP_DAEMON_POOL, &now, err);
    sp_lab_unlock(lock);
    return rc;
}

int spate_lab_pool_down(spate_lab *l, spate_error *err)
{
    return bring_down(l, SP_DAEMON_POOL, err);
}

int spate_lab_cache_up(spate_lab *l, uint64_t bytes, spate_error *err)
{
    wanted now = take(&l->lab);
    int lock = -1, rc = check_servers(&l->lab, err);
    if (rc == SPATE_OK && bytes && (bytes < CACHE_BYTES_MIN || bytes > INT64_MAX))
        rc = sp_fail(err, SPATE_E_USAGE, "a cache has at least 1 MiB");
    if (rc == SPATE_OK)
        rc = sp_lab_lock(l->lab.directory, &lock, err);
    now.bytes = bytes ? bytes : now.bytes ? now.bytes : CACHE_BYTES;
    if (rc == SPATE_OK)
        rc = change(&l->lab, SP_DAEMON_CACHE, &now, err);
    sp_lab_unlock(lock);
    return rc;
}

int spate_lab_cache_down(spate_lab *l, spate_error *err)
{
    return bring_down(l, SP_DAEMON_CACHE, err);
}
