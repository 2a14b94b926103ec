/* plan.c - the first pass: both trees listed level by level, the destination some rounds behind the source, so that whatever it
 * has can be compared with what the source has there. A listing and all that follows from it is one record of the ledger; of a very
 * large folder, several, of which only the last one says that it is done. */
#include "tree/engine.h"

#include <stdio.h>

enum { TEXT_BYTES = SP_TREE_CHILDREN * 320, ENTRY_TEXT_MAX = 600 };

typedef struct listing {
    sp_engine *e;
    sp_worker *w;
    const spate_node *folder;
    spate_side side;
    sp_buf path; /* of the folder with a slash behind it, then of the child at hand */
    size_t base;
} listing;

static uint8_t node_type(sp_entry_type type)
{
    return type == SP_ENTRY_FOLDER    ? SPATE_FOLDER
           : type == SP_ENTRY_FILE    ? SPATE_FILE
           : type == SP_ENTRY_SYMLINK ? SPATE_SYMLINK
                                      : SPATE_OTHER;
}

/* What of a file is kept beside its data and told by a listing, as one number: a node's attributes. */
static uint64_t attributes_of(const sp_engine *e, const sp_entry *entry)
{
    uint64_t mode = entry->type == SP_ENTRY_SYMLINK ? 0 : entry->mode;
    uint64_t owner = e->keep & SP_KEEP_OWNER ? (uint64_t)entry->user << 32 | entry->group : 0;
    return sp_mix64(sp_mix64(owner + 1) + mode) | 1;
}

static spate_bytes keep_text(sp_worker *w, const char *p, size_t len)
{
    char *to = w->text.data + w->text.len;
    memcpy(to, p, len);
    w->text.len += len;
    return (spate_bytes){to, len};
}

static spate_bytes keep_words(sp_worker *w, const char *words)
{
    return keep_text(w, words, strlen(words));
}

static int add_child(listing *l, const sp_entry *entry, spate_node **node, spate_error *err)
{
    sp_worker *w = l->w;
    l->path.len = l->base;
    if (sp_buf_add(&l->path, entry->name, entry->name_len))
        return sp_fail_nomem(err);
    *node = &w->found[w->n_found++];
    **node = (spate_node){
        .name = keep_text(w, entry->name, entry->name_len),
        .size = (int64_t)entry->size,
        .mtime_ns = entry->modified_ns,
        .attributes = attributes_of(l->e, entry),
        .type = node_type(entry->type),
    };
    return SPATE_OK;
}

static bool is_full(const sp_worker *w)
{
    return w->n_found == SP_TREE_CHILDREN || w->text.len + ENTRY_TEXT_MAX > TEXT_BYTES;
}

static void forget_found(sp_worker *w)
{
    w->n_found = 0;
    w->text.len = 0;
}

static int record(listing *l, bool last, spate_error *err)
{
    sp_worker *w = l->w;
    sp_batch_point(&w->batch);
    spate_task task = {
        .side = l->side,
        .id = l->folder->id,
        .traversal = last ? SPATE_TRAVERSAL_SUCCESSFUL : 0,
        .children = w->found,
        .n_children = w->n_found,
        .changes = w->batch.changes,
        .n_changes = w->batch.n,
    };
    int rc = spate_ledger_done(l->e->ledger, &task, err);
    atomic_fetch_add_explicit(&l->e->listed, w->n_found, memory_order_relaxed);
    forget_found(w);
    sp_batch_empty(&w->batch);
    w->unsynced_us = 0;
    return rc;
}

/* ---- the source ---- */

static void leave_out(sp_worker *w, spate_node *node, const char *why)
{
    node->traversal = SPATE_TRAVERSAL_EXCLUDED;
    node->copy = SPATE_COPY_SKIPPED;
    node->note = keep_words(w, why);
}

static void judge_source(listing *l, const sp_entry *entry, spate_node *node)
{
    sp_worker *w = l->w;
    const char *reason = sp_filter_excludes(&l->e->filter, (sp_str){l->path.data, l->path.len}, entry);
    if (reason) {
        leave_out(w, node, reason);
    } else if (entry->type == SP_ENTRY_SOCKET) {
        leave_out(w, node, "a socket belongs to a running program");
    } else if (entry->type == SP_ENTRY_UNKNOWN) {
        spate_error why;
        sp_fail_errno(&why, entry->os_errno, "could not look at it");
        node->traversal = SPATE_TRAVERSAL_FAILED;
        node->copy = SPATE_COPY_FAILED;
        node->note = keep_words(w, why.message);
        atomic_fetch_add(&l->e->failed, 1);
    }
    if (entry->type != SP_ENTRY_FOLDER && entry->links > 1) {
        char key[48];
        snprintf(key, sizeof key, "#%llx:%llx", (unsigned long long)entry->device, (unsigned long long)entry->inode);
        node->service_id = keep_words(w, key);
        atomic_store(&l->e->linked, true);
    }
}

static int take_source(void *arg, const sp_entry *entries, size_t n, spate_error *err)
{
    listing *l = arg;
    int rc = SPATE_OK;
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        if (is_full(l->w))
            rc = record(l, false, err);
        spate_node *node;
        if (rc == SPATE_OK)
            rc = add_child(l, &entries[i], &node, err);
        if (rc == SPATE_OK)
            judge_source(l, &entries[i], node);
    }
    return rc;
}

/* ---- the destination ---- */

static int set_source(sp_worker *w, const spate_node *src, int status, const char *note, spate_error *err)
{
    if (src->copy == status)
        return SPATE_OK;
    int rc = sp_worker_change(w, SPATE_SET_COPY, SPATE_SRC, src->id, status, NULL, err);
    return rc == SPATE_OK && note ? sp_worker_change(w, SPATE_SET_NOTE, SPATE_SRC, src->id, 0, note, err) : rc;
}

static bool same_data(const sp_engine *e, const spate_node *src, const sp_entry *dst)
{
    int64_t late =
        src->mtime_ns > dst->modified_ns ? src->mtime_ns - dst->modified_ns : dst->modified_ns - src->mtime_ns;
    bool sized = src->type == SPATE_OTHER || src->size == (int64_t)dst->size;
    return sized && late < SP_MAX(e->src->time_grain_ns, e->dst->time_grain_ns);
}

static int judge_same_type(listing *l, const spate_node *src, const sp_entry *dst, spate_node *node, spate_error *err)
{
    sp_engine *e = l->e;
    spate_conflict policy = e->options->conflict;
    if (src->type == SPATE_FOLDER) {
        bool alike = same_data(e, src, dst) && src->attributes == node->attributes;
        int rc = alike ? SPATE_OK : sp_engine_set_unlike(e, err);
        return rc == SPATE_OK ? set_source(l->w, src, SPATE_COPY_SUCCESSFUL, NULL, err) : rc;
    }
    node->traversal = SPATE_TRAVERSAL_SUCCESSFUL;
    if (sp_links_key(src).len && dst->links < 2 && policy != SPATE_CONFLICT_SKIP)
        return SPATE_OK; /* the same or not, it lacks its other names */
    if (same_data(e, src, dst))
        return src->attributes == node->attributes || policy == SPATE_CONFLICT_SKIP
                   ? set_source(l->w, src, SPATE_COPY_SUCCESSFUL, NULL, err)
                   : SPATE_OK;
    if (policy == SPATE_CONFLICT_SKIP)
        return set_source(l->w, src, SPATE_COPY_SKIPPED, "the destination has one of its own", err);
    if (policy == SPATE_CONFLICT_NEWER && dst->modified_ns > src->mtime_ns)
        return set_source(l->w, src, SPATE_COPY_SKIPPED, "the destination's is newer", err);
    return SPATE_OK;
}

static int judge_other_type(listing *l, const spate_node *src, const sp_entry *dst, spate_node *node, spate_error *err)
{
    spate_conflict policy = l->e->options->conflict;
    node->traversal = SPATE_TRAVERSAL_EXCLUDED;
    node->note = keep_words(l->w, "the source has something else of this name");
    bool replaceable =
        policy == SPATE_CONFLICT_KEEP_BOTH || (policy == SPATE_CONFLICT_OVERWRITE && dst->type != SP_ENTRY_FOLDER);
    if (replaceable || src->copy != SPATE_COPY_PENDING)
        return SPATE_OK;
    return set_source(l->w, src, SPATE_COPY_CONFLICT,
                      dst->type == SP_ENTRY_FOLDER ? "the destination has a folder of this name"
                                                   : "the destination has no folder but something else of this name",
                      err);
}

static int judge_destination(listing *l, const spate_node *src, const sp_entry *dst, spate_node *node, spate_error *err)
{
    if (!src) {
        node->traversal = SPATE_TRAVERSAL_NOT_ON_SRC;
        return SPATE_OK;
    }
    if (src->traversal == SPATE_TRAVERSAL_EXCLUDED) {
        node->traversal = SPATE_TRAVERSAL_EXCLUDED;
        return SPATE_OK;
    }
    return src->type == node->type ? judge_same_type(l, src, dst, node, err) : judge_other_type(l, src, dst, node, err);
}

/* The nodes of the source for so many entries: by type and path, else by path alone. */
static int look_up(listing *l, const sp_entry *entries, size_t n, spate_error *err)
{
    sp_worker *w = l->w;
    for (size_t i = 0; i < n; i++) {
        l->path.len = l->base;
        if (sp_buf_add(&l->path, entries[i].name, entries[i].name_len))
            return sp_fail_nomem(err);
        w->ids[i] = spate_node_id_of(SPATE_SRC, node_type(entries[i].type), (spate_bytes){l->path.data, l->path.len});
    }
    return spate_ledger_facts_many(l->e->ledger, SPATE_SRC, w->ids, n, &w->known, w->rows, err);
}

static int take_one_of_destination(listing *l, const sp_entry *entry, int64_t row, spate_error *err)
{
    sp_worker *w = l->w;
    spate_node *node;
    int rc = add_child(l, entry, &node, err);
    if (rc != SPATE_OK)
        return rc;
    if (row >= 0)
        return judge_destination(l, &w->known.nodes[row], entry, node, err);
    rc = spate_ledger_get_path(l->e->ledger, SPATE_SRC, (spate_bytes){l->path.data, l->path.len}, SPATE_TYPE_ANY,
                               &w->children, err);
    return rc == SPATE_OK ? judge_destination(l, w->children.n ? w->children.nodes : NULL, entry, node, err) : rc;
}

static int take_destination(void *arg, const sp_entry *entries, size_t n, spate_error *err)
{
    listing *l = arg;
    int rc = SPATE_OK;
    while (n > 0 && rc == SPATE_OK) {
        size_t some = SP_MIN(n, (size_t)SP_TREE_CHILDREN);
        rc = look_up(l, entries, some, err);
        for (size_t i = 0; i < some && rc == SPATE_OK; i++) {
            if (is_full(l->w))
                rc = record(l, false, err);
            if (rc == SPATE_OK)
                rc = take_one_of_destination(l, &entries[i], l->w->rows[i], err);
        }
        entries += some;
        n -= some;
    }
    return rc;
}

/* ---- tasks ---- */

static int list_once(listing *l, spate_error *err)
{
    bool source = l->side == SPATE_SRC;
    sp_walker *walker = source ? l->w->from : l->w->to;
    forget_found(l->w);
    sp_batch_empty(&l->w->batch);
    int rc = walker->tree->ops->enter(walker, (sp_str){l->folder->path.p, l->folder->path.len}, err);
    return rc == SPATE_OK ? walker->tree->ops->list(walker, source ? take_source : take_destination, l, err) : rc;
}

static int record_failure(listing *l, const spate_error *why, spate_error *err)
{
    spate_change note = {SPATE_SET_NOTE, l->side, l->folder->id, 0, {why->message, strlen(why->message)}};
    spate_task task = {
        .side = l->side, .id = l->folder->id, .traversal = SPATE_TRAVERSAL_FAILED, .changes = &note, .n_changes = 1};
    l->path.len = l->base;
    int rc = sp_buf_add(&l->path, "", 1) ? sp_fail_nomem(err) : spate_ledger_done(l->e->ledger, &task, err);
    spate_task_error error = {
        l->side == SPATE_SRC ? "src" : "dst", "plan", why->message, l->path.data, l->folder->id, SP_TREE_TRIES};
    if (rc == SPATE_OK)
        rc = spate_ledger_task_error(l->e->ledger, &error, err);
    forget_found(l->w);
    sp_batch_empty(&l->w->batch);
    atomic_fetch_add(&l->e->failed, 1);
    return rc;
}

static int list_folder(sp_engine *e, sp_worker *w, const spate_node *folder, spate_side side, spate_error *err)
{
    listing l = {.e = e, .w = w, .folder = folder, .side = side};
    sp_buf_init(&l.path);
    int rc = sp_buf_add(&l.path, folder->path.p, folder->path.len);
    if (rc == SPATE_OK && folder->path.len > 1)
        rc = sp_buf_add(&l.path, "/", 1);
    if (rc == SPATE_OK && !w->text.data)
        rc = sp_buf_reserve(&w->text, TEXT_BYTES);
    if (rc != SPATE_OK)
        rc = sp_fail_nomem(err);
    l.base = l.path.len;
    spate_error why = {0};
    int listed = rc;
    for (int i = 0; i < SP_TREE_TRIES && rc == SPATE_OK; i++) {
        listed = list_once(&l, &why);
        if (listed == SPATE_OK || !sp_worker_goes_on(listed, &why) || i + 1 == SP_TREE_TRIES)
            break;
        sp_os_sleep_us(SP_TREE_BACKOFF_US << i);
    }
    if (rc == SPATE_OK && listed == SPATE_OK)
        rc = record(&l, true, err);
    else if (rc == SPATE_OK && sp_worker_goes_on(listed, &why))
        rc = record_failure(&l, &why, err);
    else if (rc == SPATE_OK) {
        rc = listed;
        *err = why;
    }
    sp_buf_done(&l.path);
    return rc;
}

static int list_some(sp_engine *e, sp_worker *w, spate_error *err)
{
    for (int side = 0; side < 2; side++) {
        int got = sp_engine_lease(e, w, side, SP_TREE_LEASE, err);
        if (got < 0)
            return got;
        for (size_t i = 0; i < w->page.n; i++) {
            int rc = list_folder(e, w, &w->page.nodes[i], (spate_side)side, err);
            if (rc != SPATE_OK)
                return rc;
            if (sp_engine_cancelled(e))
                return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
        }
        if (got)
            return 1;
    }
    return 0;
}

/* ---- rounds ---- */

static void lease_level(sp_engine *e, spate_side side, int32_t depth)
{
    spate_filter filter = {.side = side, .depth = depth, .traversal = SPATE_TRAVERSAL_PENDING};
    sp_engine_set_lease(e, (int)side, depth >= 0 ? &filter : NULL);
}

static int seal(sp_engine *e, spate_side side, int32_t depth, spate_error *err)
{
    return depth < 0 ? SPATE_OK : spate_ledger_seal(e->ledger, side, depth, -1, err);
}

int sp_plan_pass(sp_engine *e, spate_error *err)
{
    for (;;) {
        spate_ledger_resume state;
        spate_ledger_state(e->ledger, &state);
        int32_t src = state.pending_depth[SPATE_SRC], dst = state.pending_depth[SPATE_DST];
        if (src >= 0 && dst > src - SP_TREE_LAG)
            dst = -1;
        if (src < 0 && dst < 0)
            return SPATE_OK;
        lease_level(e, SPATE_SRC, src);
        lease_level(e, SPATE_DST, dst);
        int rc = sp_engine_round(e, list_some, err);
        if (rc == SPATE_OK)
            rc = seal(e, SPATE_SRC, src, err);
        if (rc == SPATE_OK)
            rc = seal(e, SPATE_DST, dst, err);
        if (rc != SPATE_OK)
            return rc;
    }
}
