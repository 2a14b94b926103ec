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
    sp_free(w->ids);
    sp_free(w->rows);
    sp_buf_done(&w->text);
    sp_free(w->batch.changes);
    sp_free(w->group.changes);
    sp_buf_done(&w->batch.notes);
    sp_buf_done(&w->group.notes);
}

static int open_worker(sp_worker *w, sp_engine *e, spate_error *err)
{
    w->engine = e;
    w->copier =
        (sp_copier){.keep = e->keep, .sync_each = e->options->sync == SPATE_SYNC_FILE, .cancel = e->options->cancel};
    sp_buf_init(&w->text);
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
    int settled =
        sp_worker_settle(w, rc < 0 || e->finish, rc < 0 ? &later : err); /* also what was done before a failure */
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
        if (done == e->generation && ++e->idle == e->started) /* otherwise there is something new to look for */
            pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* ---- the group commit ---- */

static bool take_groups(sp_engine *e, bool taken[SP_WORKERS_MAX])
{
    bool any = false;
    for (unsigned i = 0; i < e->n_workers; i++)
        any |= taken[i] = e->workers[i].grouped;
    return any;
}

static int record_batch(sp_engine *e, sp_batch *b, spate_error *err)
{
    sp_batch_point(b);
    int rc = b->n ? spate_ledger_apply(e->ledger, b->changes, b->n, err) : SPATE_OK;
    sp_batch_empty(b);
    return rc;
}

static void *sync_groups(void *arg)
{
    sp_engine *e = arg;
    bool taken[SP_WORKERS_MAX];
    pthread_mutex_lock(&e->sync_lock);
    for (;;) {
        while (!take_groups(e, taken) && !e->sync_stop)
            pthread_cond_wait(&e->sync_changed, &e->sync_lock);
        if (!take_groups(e, taken))
            break;
        pthread_mutex_unlock(&e->sync_lock);
        spate_error why = {0};
        int rc = e->dst->ops->sync(e->dst, &why);
        for (unsigned i = 0; i < e->n_workers; i++) {
            sp_worker *w = &e->workers[i];
            if (!taken[i])
                continue;
            w->group_status = rc;
            w->group_error = why;
            if (rc == SPATE_OK)
                w->group_status = record_batch(e, &w->group, &w->group_error);
        }
        pthread_mutex_lock(&e->sync_lock);
        for (unsigned i = 0; i < e->n_workers; i++)
            e->workers[i].grouped &= !taken[i];
        pthread_cond_broadcast(&e->sync_changed);
    }
    pthread_mutex_unlock(&e->sync_lock);
    return NULL;
}

/* Waits for the group before, and hands over the next one. */
static int hand_over(sp_worker *w, bool and_wait, spate_error *err)
{
    sp_engine *e = w->engine;
    pthread_mutex_lock(&e->sync_lock);
    while (w->grouped)
        pthread_cond_wait(&e->sync_changed, &e->sync_lock);
    int rc = w->group_status;
    if (rc == SPATE_OK && w->batch.n) {
        sp_batch swap = w->group;
        w->group = w->batch;
        w->batch = swap;
        w->grouped = true;
        pthread_cond_broadcast(&e->sync_changed);
        while (and_wait && w->grouped)
            pthread_cond_wait(&e->sync_changed, &e->sync_lock);
        rc = w->grouped ? SPATE_OK : w->group_status;
    }
    if (rc != SPATE_OK && err)
        *err = w->group_error;
    pthread_mutex_unlock(&e->sync_lock);
    return rc;
}

static int start_syncer(sp_engine *e, spate_error *err)
{
    int rc = sp_os_thread_start(&e->syncer, sync_groups, e, err);
    e->syncing = rc == SPATE_OK;
    return rc;
}

static void stop_syncer(sp_engine *e)
{
    if (e->syncing) {
        pthread_mutex_lock(&e->sync_lock);
        e->sync_stop = true;
        pthread_cond_broadcast(&e->sync_changed);
        pthread_mutex_unlock(&e->sync_lock);
        pthread_join(e->syncer, NULL);
    }
    pthread_cond_destroy(&e->sync_changed);
    pthread_mutex_destroy(&e->sync_lock);
}

/* ---- the pool ---- */

int sp_engine_start(sp_engine *e, spate_error *err)
{
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    pthread_mutex_init(&e->sync_lock, NULL);
    pthread_cond_init(&e->sync_changed, NULL);
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
    return rc == SPATE_OK && e->options->sync == SPATE_SYNC_GROUP ? start_syncer(e, err) : rc;
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
    stop_syncer(e);
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
    e->large = false;
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

int sp_engine_set_unlike(sp_engine *e, spate_error *err)
{
    if (atomic_load(&e->unlike))
        return SPATE_OK;
    int rc = spate_ledger_remember(e->ledger, "folders", "unlike", err);
    if (rc == SPATE_OK)
        atomic_store(&e->unlike, true);
    return rc;
}

/* ---- children ---- */

/* From here on whoever has nothing to do takes pieces of this folder. One at a time: false, there is one already. */
static bool share(sp_engine *e, const spate_node *folder, spate_child_cursor from)
{
    pthread_mutex_lock(&e->lock);
    bool shared = !e->large;
    if (shared) {
        e->large = true;
        e->large_id = folder->id;
        e->large_at = from;
        e->generation++; /* those who found nothing look again */
        e->idle = 0;
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    return shared;
}

/* The next piece of the shared folder: 1, with the folder in w->page, or 0 or a failure. */
static int next_piece(sp_engine *e, sp_worker *w, spate_error *err)
{
    int rc = SPATE_OK;
    bool got = false;
    pthread_mutex_lock(&e->lock);
    spate_node_id folder = e->large_id;
    if (e->large) {
        rc =
            spate_ledger_children_some(e->ledger, SPATE_SRC, folder, &e->large_at, SP_TREE_CHILDREN, &w->children, err);
        got = rc == SPATE_OK;
        e->large = got && e->large_at.next;
    }
    pthread_mutex_unlock(&e->lock);
    if (got)
        rc = spate_ledger_get(e->ledger, SPATE_SRC, folder, &w->page, err);
    return rc != SPATE_OK ? rc : got && w->page.n;
}

static int in_pieces(sp_engine *e, sp_worker *w, const spate_node *folder, sp_children_fn *fn, spate_error *err)
{
    spate_child_cursor at = {0};
    int rc;
    do {
        rc = spate_ledger_children_some(e->ledger, SPATE_SRC, folder->id, &at, SP_TREE_CHILDREN, &w->children, err);
        if (rc == SPATE_OK && at.next && share(e, folder, at))
            at.next = 0;
        if (rc == SPATE_OK && w->children.n)
            rc = fn(w, folder, err);
    } while (rc == SPATE_OK && at.next);
    return rc;
}

int sp_engine_each_folder(sp_engine *e, sp_worker *w, sp_children_fn *fn, spate_error *err)
{
    int got = next_piece(e, w, err);
    if (got < 0)
        return got;
    if (got) {
        int rc = fn(w, w->page.nodes, err);
        return rc == SPATE_OK ? 1 : rc;
    }
    got = sp_engine_lease(e, w, 0, SP_TREE_LEASE, err);
    for (size_t i = 0; i < w->page.n && got > 0; i++) {
        int rc = in_pieces(e, w, &w->page.nodes[i], fn, err);
        got = rc == SPATE_OK ? got : rc;
    }
    return got;
}

static int no_work(sp_engine *e, sp_worker *w, spate_error *err)
{
    return 0;
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
    e->finish = true;
    if (rc == SPATE_OK)
        rc = sp_engine_round(e, no_work, err);
    e->finish = false;
    return rc;
}

/* ---- changes ---- */

int sp_worker_change(sp_worker *w, spate_change_kind kind, spate_side side, spate_node_id id, int64_t value,
                     const char *note, spate_error *err)
{
    sp_batch *b = &w->batch;
    if (b->n == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 256;
        spate_change *more = sp_realloc(b->changes, cap * sizeof *more);
        if (!more)
            return sp_fail_nomem(err);
        b->changes = more;
        b->cap = cap;
    }
    spate_change *c = &b->changes[b->n];
    *c = (spate_change){.kind = kind, .side = side, .id = id, .value = value};
    if (note) {
        c->note = (spate_bytes){NULL, strlen(note)};
        c->value = (int64_t)b->notes.len; /* until the text has come to rest */
        if (sp_buf_add(&b->notes, note, c->note.len))
            return sp_fail_nomem(err);
    }
    b->n++;
    if (!w->unsynced_us)
        w->unsynced_us = sp_os_monotonic_us();
    return SPATE_OK;
}

void sp_batch_point(sp_batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->changes[i].kind == SPATE_SET_NOTE && b->changes[i].note.len)
            b->changes[i].note.p = b->notes.data + b->changes[i].value;
}

void sp_batch_empty(sp_batch *b)
{
    b->n = 0;
    b->notes.len = 0;
}

int sp_worker_settle(sp_worker *w, bool now, spate_error *err)
{
    sp_engine *e = w->engine;
    bool due =
        now || w->batch.n >= SP_TREE_GROUP || (w->batch.n && sp_os_monotonic_us() - w->unsynced_us >= SP_TREE_GROUP_US);
    if (!due)
        return SPATE_OK;
    w->unsynced_us = 0;
    return e->syncing && e->dst->exists ? hand_over(w, now, err) : record_batch(e, &w->batch, err);
}

/* A destination that is full, read-only or gone fails everything alike: there the migration stops and can go on later. */
bool sp_worker_goes_on(int status, const spate_error *err)
{
    if (status == SPATE_E_DATA || status == SPATE_E_RETRY)
        return true;
    int no = err->os_errno;
    return status == SPATE_E_IO && no != ENOSPC && no != EDQUOT && no != EROFS && no != EMFILE && no != ENFILE &&
           no != ENOMEM;
}
