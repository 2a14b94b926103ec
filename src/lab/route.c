/* route.c - see route.h. */
#include "lab/route.h"

#include <stdio.h>

/* lab.yaml as it was once read. */
typedef struct reading {
    struct reading *before;
    sp_lab lab;
} reading;

struct sp_route {
    pthread_mutex_t lock;
    const char *directory; /* in the first reading's lab */
    reading *last;
    bool other; /* the other placement of the last reading is taken to hold */
    uint64_t size;
    int64_t modified_ns;
};

static bool has_changed(sp_route *r)
{
    char path[4200];
    uint64_t size = 0;
    int64_t modified_ns = 0;
    snprintf(path, sizeof(path), "%s/lab.yaml", r->directory);
    if (sp_os_stamp(path, &size, &modified_ns, NULL) != SPATE_OK || (size == r->size && modified_ns == r->modified_ns))
        return false;
    r->size = size;
    r->modified_ns = modified_ns;
    return true;
}

static int read_again(sp_route *r, const char *directory, spate_error *err)
{
    reading *now = sp_alloc_zero(1, sizeof(*now));
    if (!now)
        return sp_fail_nomem(err);
    int rc = sp_lab_open(directory, &now->lab, err);
    if (rc != SPATE_OK) {
        sp_free(now);
        return rc;
    }
    now->before = r->last;
    r->last = now;
    r->other = false;
    return SPATE_OK;
}

int sp_route_open(const char *directory, sp_route **route, spate_error *err)
{
    sp_route *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    pthread_mutex_init(&r->lock, NULL);
    int rc = read_again(r, directory, err);
    if (rc == SPATE_OK) {
        r->directory = r->last->lab.directory;
        *route = r;
    } else {
        sp_route_close(r);
    }
    return rc;
}

void sp_route_close(sp_route *r)
{
    if (!r)
        return;
    for (reading *now = r->last; now;) {
        reading *before = now->before;
        sp_lab_done(&now->lab);
        sp_free(now);
        now = before;
    }
    pthread_mutex_destroy(&r->lock);
    sp_free(r);
}

const sp_lab *sp_route_lab(sp_route *r)
{
    pthread_mutex_lock(&r->lock);
    const sp_lab *lab = &r->last->lab;
    pthread_mutex_unlock(&r->lock);
    return lab;
}

static const sp_lab_server *server_of(const sp_route *r, int64_t key)
{
    const sp_lab *lab = &r->last->lab;
    sp_placement now = sp_lab_places(lab);
    return sp_lab_shard(lab, sp_placement_shard_of(r->other && lab->other ? lab->other : &now, key));
}

const sp_lab_server *sp_route_server(sp_route *r, int64_t key)
{
    pthread_mutex_lock(&r->lock);
    const sp_lab_server *s = server_of(r, key);
    pthread_mutex_unlock(&r->lock);
    return s;
}

void sp_route_look(sp_route *r)
{
    pthread_mutex_lock(&r->lock);
    if (has_changed(r))
        (void)!read_again(r, r->directory, NULL); /* what was known stays */
    pthread_mutex_unlock(&r->lock);
}

static bool is_same(const sp_lab_server *a, const sp_lab_server *b)
{
    return strcmp(a->uri, b->uri) == 0;
}

/* Somebody else may have told it first. */
void sp_route_refused(sp_route *r, int64_t key, const sp_lab_server *by)
{
    pthread_mutex_lock(&r->lock);
    if (is_same(server_of(r, key), by) && has_changed(r))
        (void)!read_again(r, r->directory, NULL);
    if (is_same(server_of(r, key), by))
        r->other = !r->other;
    pthread_mutex_unlock(&r->lock);
}
