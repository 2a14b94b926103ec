/* engine.c - the pool of workers, leases, and the changes that workers gather. See engine.h. */
#include "tree/engine.h"

#include <errno.h>

/* ---- workers ---- */

static void close_worker(sp_worker *w)
{
    if (w->from)
        w->engine->src->ops->leave(w->from);
    if (w->to)
        w->engine->dst->ops->leave(w->to);
    sp_copier_close(&w->copier);
    spate_nodes_done(&w->page);
    spate_nodes_done(&w->children);
    spate_nodes_done(&w->known);
    sp_free(w->found);
    sp_free(w->changes);
    sp_free(w->ids);
    sp_free(w->rows);
    sp_buf_done(&w->text);
    sp_buf_done(&w->notes);
}

static int open_worker(sp_worker *w, sp_engine *e, spate_error *err)
{
    w->engine = e;
    w->copier = (sp_copier){.keep = e->keep, .sync_each = e->options->sync == SPATE_SYNC_FILE, .cancel = e->options->cancel};
    sp_buf_init(&w->text);
    sp_buf_init(&w->notes);
    w->found = sp_alloc(SP_TREE_CHILDREN * sizeof *w->found);
    w->ids = sp_alloc(SP_TREE_CHILDREN * sizeof *w->ids);
    w->rows = sp_alloc(SP_TREE_CHILDREN * sizeof *w->rows);
    int rc = sp_copier_open(&w->copier, err);
    if (rc == SPATE_OK && (!w->found || !w->ids || !w->rows))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = e->src->ops->open_walker(e->src, &w->from, err);
    return rc == SPATE_OK ? e->dst->ops->open_walker(e->dst, &w->to, err) : rc;
}

static void keep_failure(sp_engine *e, int status, const spate_error *why)
{
    if (e->status == SPATE_OK) {
        e->status = status;
        e->error = *why;
    }
}

bool sp_engine_cancelled(const sp_engine *e)
{
    return e->options->cancel && __atomic_load_n(e->options->cancel, __ATOMIC_RELAXED);
}

static int work_until_nothing(sp_engine *e, sp_worker *w, spate_error *err)
{
    int rc = 1;
    while (rc > 0 && e->status == SPATE_OK)
        rc = sp_engine_cancelled(e) ? sp_fail(err, SPATE_E_INTERRUPTED, "interrupted") : e->work(e, w, err);
    spate_error later;
    int settled = sp_worker_settle(w, true, rc < 0 ? &later : err); /* also what was done before a failure */
    return rc < 0 ? rc : settled;
}

static void *run_worker(void *arg)
{
    sp_worker *w = arg;
    sp_engine *e = w->engine;
    unsigned done = 0;
    pthread_mutex_lock(&e->lock);
    for (;;) {
        while (!e->stop && e->generation == done)
            pthread_cond_wait(&e->changed, &e->lock);
        if (e->stop)
            break;
        done = e->generation;
        pthread_mutex_unlock(&e->lock);
        spate_error err;
        int rc = work_until_nothing(e, w, &err);
        pthread_mutex_lock(&e->lock);
        if (rc < 0)
            keep_failure(e, rc, &err);
        if (++e->idle == e->started)
            pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

int sp_engine_start(sp_engine *e, spate_error *err)
{
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    e->workers = sp_alloc_zero(e->n_workers, sizeof *e->workers);
    e->links = sp_links_new();
    int rc = e->workers && e->links ? SPATE_OK : sp_fail_nomem(err);
    for (unsigned i = 0; i < e->n_workers && rc == SPATE_OK; i++) {
        rc = open_worker(&e->workers[i], e, err);
        if (rc == SPATE_OK)
            rc = sp_os_thread_start(&e->workers[i].thread, run_worker, &e->workers[i], err);
        if (rc == SPATE_OK)
            e->started++;
    }
    return rc;
}

void sp_engine_stop(sp_engine *e)
{
    if (!e->workers)
        return;
    pthread_mutex_lock(&e->lock);
    e->stop = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    for (unsigned i = 0; i < e->started; i++)
        pthread_join(e->workers[i].thread, NULL);
    for (unsigned i = 0; i < e->n_workers; i++)
        if (e->workers[i].engine)
            close_worker(&e->workers[i]);
    sp_free(e->workers);
    e->workers = NULL;
    sp_links_free(e->links);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
}

/* ---- rounds ---- */

int sp_engine_round(sp_engine *e, int (*work)(sp_engine *, sp_worker *, spate_error *), spate_error *err)
{
    pthread_mutex_lock(&e->lock);
    e->work = work;
    e->status = SPATE_OK;
    e->idle = 0;
    e->generation++;
    pthread_cond_broadcast(&e->changed);
    while (e->idle < e->started)
        pthread_cond_wait(&e->changed, &e->lock);
    int rc = e->status;
    if (rc != SPATE_OK && err)
        *err = e->error;
    pthread_mutex_unlock(&e->lock);
    return rc;
}

void sp_engine_set_lease(sp_engine *e, int i, const spate_filter *filter)
{
    e->leased_all[i] = !filter;
    if (filter)
        e->lease[i] = *filter;
    e->cursor[i] = (spate_cursor){0};
}

int sp_engine_lease(sp_engine *e, sp_worker *w, int i, size_t limit, spate_error *err)
{
    int rc = SPATE_OK;
    w->page.n = 0;
    pthread_mutex_lock(&e->lock);
    if (!e->leased_all[i]) {
        rc = spate_ledger_page(e->ledger, &e->lease[i], &e->cursor[i], limit, &w->page, err);
        e->leased_all[i] = rc == SPATE_OK && w->page.n < limit;
    }
    pthread_mutex_unlock(&e->lock);
    return rc != SPATE_OK ? rc : w->page.n > 0;
}

int sp_engine_levels(sp_engine *e, spate_filter filter, bool up, int (*work)(sp_engine *, sp_worker *, spate_error *),
                     spate_error *err)
{
    size_t n = spate_ledger_levels(e->ledger, filter.side, NULL, 0);
    int32_t *depths = sp_alloc((n + 1) * sizeof *depths);
    if (!depths)
        return sp_fail_nomem(err);
    n = SP_MIN(n, spate_ledger_levels(e->ledger, filter.side, depths, n));
    int rc = SPATE_OK;
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        filter.depth = depths[up ? n - 1 - i : i];
        sp_engine_set_lease(e, 0, &filter);
        rc = sp_engine_round(e, work, err);
    }
    sp_free(depths);
    return rc;
}

/* ---- changes ---- */

int sp_worker_change(sp_worker *w, spate_change_kind kind, spate_side side, spate_node_id id, int64_t value, const char *note,
                     spate_error *err)
{
    if (w->n_changes == w->cap_changes) {
        size_t cap = w->cap_changes ? 2 * w->cap_changes : 256;
        spate_change *more = sp_realloc(w->changes, cap * sizeof *more);
        if (!more)
            return sp_fail_nomem(err);
        w->changes = more;
        w->cap_changes = cap;
    }
    spate_change *c = &w->changes[w->n_changes];
    *c = (spate_change){.kind = kind, .side = side, .id = id, .value = value};
    if (note) {
        c->note = (spate_bytes){NULL, strlen(note)};
        c->value = (int64_t)w->notes.len; /* until the text has come to rest */
        if (sp_buf_add(&w->notes, note, c->note.len))
            return sp_fail_nomem(err);
    }
    w->n_changes++;
    if (!w->unsynced_us)
        w->unsynced_us = sp_os_monotonic_us();
    return SPATE_OK;
}

int sp_worker_settle(sp_worker *w, bool now, spate_error *err)
{
    sp_engine *e = w->engine;
    bool full = w->n_changes >= SP_TREE_CHILDREN;
    if (w->n_changes == 0 || !(now || full || sp_os_monotonic_us() - w->unsynced_us >= SP_TREE_GROUP_US))
        return SPATE_OK;
    int rc = e->options->sync == SPATE_SYNC_GROUP && e->dst->exists ? e->dst->ops->sync(e->dst, err) : SPATE_OK;
    for (size_t i = 0; i < w->n_changes; i++)
        if (w->changes[i].kind == SPATE_SET_NOTE && w->changes[i].note.len)
            w->changes[i].note.p = w->notes.data + w->changes[i].value;
    if (rc == SPATE_OK)
        rc = spate_ledger_apply(e->ledger, w->changes, w->n_changes, err);
    w->n_changes = 0;
    w->notes.len = 0;
    w->unsynced_us = 0;
    return rc;
}

/* A destination that is full, read-only or gone fails everything alike: there the migration stops and can go on later. */
bool sp_worker_goes_on(int status, const spate_error *err)
{
    if (status == SPATE_E_DATA || status == SPATE_E_RETRY)
        return true;
    int no = err->os_errno;
    return status == SPATE_E_IO && no != ENOSPC && no != EDQUOT && no != EROFS && no != EMFILE && no != ENFILE && no != ENOMEM;
}
