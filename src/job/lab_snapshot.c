/* lab_snapshot.c - spate_lab_snapshot_*: under the lab's lock. */
#include "spate/lab.h"

#include "job/lab.h"
#include "lab/snapshot.h"

typedef int on_snapshot(sp_lab *lab, const char *name, spate_error *err);

static int with_lock(spate_lab *l, const char *name, on_snapshot *fn, spate_error *err)
{
    int lock = -1, rc = sp_lab_lock(l->lab.directory, &lock, err);
    if (rc == SPATE_OK)
        rc = fn(&l->lab, name, err);
    sp_lab_unlock(lock);
    return rc;
}

static int save_at_rest(sp_lab *lab, const char *name, spate_error *err)
{
    int rc = sp_lab_refuse_moving(lab, err); /* the move's ledger would not be in it */
    return rc == SPATE_OK ? sp_snapshot_save(lab, name, err) : rc;
}

int spate_lab_snapshot_save(spate_lab *l, const char *name, spate_error *err)
{
    return with_lock(l, name, save_at_rest, err);
}

int spate_lab_snapshot_restore(spate_lab *l, const char *name, spate_error *err)
{
    return with_lock(l, name, sp_snapshot_restore, err);
}

int spate_lab_snapshot_drop(spate_lab *l, const char *name, spate_error *err)
{
    return with_lock(l, name, sp_snapshot_drop, err);
}

int spate_lab_snapshots(spate_lab *l, void (*fn)(void *arg, const char *name), void *arg, spate_error *err)
{
    char **names;
    uint32_t n;
    int rc = sp_snapshot_list(&l->lab, &names, &n, err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++)
        fn(arg, names[i]);
    return rc;
}
