/* carry.c - the second pass: folders from the root down, then files folder by folder, further names of files that have several, and
 * at last the folders' own metadata from the leaves up, since whatever is made in a folder changes its time. What has the name in the
 * destination is looked at again right before it is replaced: the plan may be old. */
#include "tree/engine.h"

#include <errno.h>
#include <stdio.h>

/* ---- one node ---- */

static const char *name_of(sp_worker *w, const spate_node *node, spate_error *err)
{
    w->text.len = 0;
    if (sp_buf_add(&w->text, node->name.p, node->name.len) || sp_buf_add(&w->text, "", 1)) {
        sp_fail_nomem(err);
        return NULL;
    }
    return w->text.data;
}

static int enter(sp_walker *walker, spate_bytes path, spate_error *err)
{
    return walker->tree->ops->enter(walker, (sp_str){path.p, path.len}, err);
}

static int failed(sp_worker *w, const spate_node *node, const char *why, spate_error *err)
{
    atomic_fetch_add(&w->engine->failed, 1);
    int rc = sp_worker_change(w, SPATE_SET_COPY, SPATE_SRC, node->id, SPATE_COPY_FAILED, NULL, err);
    return rc == SPATE_OK ? sp_worker_change(w, SPATE_SET_NOTE, SPATE_SRC, node->id, 0, why, err) : rc;
}

static int settled(sp_worker *w, const spate_node *node, int status, const char *why, spate_error *err)
{
    int rc = sp_worker_change(w, SPATE_SET_COPY, SPATE_SRC, node->id, status, NULL, err);
    return rc == SPATE_OK && (why || node->note.len)
               ? sp_worker_change(w, SPATE_SET_NOTE, SPATE_SRC, node->id, 0, why ? why : "", err)
               : rc;
}

/* Gives what has the name another one: NAME.~1~, or with the first number that is free. */
static int put_aside(sp_walker *to, const char *name, spate_error *err)
{
    char aside[300];
    spate_error why;
    int rc = SPATE_E_IO;
    for (int i = 1; i < 1000 && rc != SPATE_OK; i++) {
        snprintf(aside, sizeof aside, "%.240s.~%d~", name, i);
        rc = to->tree->ops->rename(to, name, aside, false, &why);
        if (rc != SPATE_OK && why.os_errno != EEXIST)
            break;
    }
    if (rc != SPATE_OK && err)
        *err = why;
    return rc;
}

typedef enum verdict { COPY_NEW, COPY_OVER, MEND, LEAVE_SAME, LEAVE_SKIPPED, LEAVE_CONFLICT } verdict;

/* What is known to differ by more than a look tells. */
static bool content_differs(const spate_node *node)
{
    const size_t len = sizeof SP_TREE_CONTENT_DIFFERS - 1;
    return node->note.len == len && memcmp(node->note.p, SP_TREE_CONTENT_DIFFERS, len) == 0;
}

/* What is to be done about a name, by what the destination has of it now. */
static int judge(sp_worker *w, const spate_node *node, const char *name, sp_entry *src, const char **why, verdict *v,
                 spate_error *err)
{
    const sp_engine *e = w->engine;
    spate_conflict policy = e->options->conflict;
    sp_entry dst;
    int rc = w->from->tree->ops->stat(w->from, name, src, err);
    if (rc != SPATE_OK)
        return rc;
    spate_error none;
    *v = COPY_NEW;
    rc = w->to->tree->ops->stat(w->to, name, &dst, &none);
    if (rc != SPATE_OK) {
        if (none.os_errno == ENOENT)
            return SPATE_OK;
        *err = none;
        return rc;
    }
    sp_difference how = sp_compare(src, &dst, SP_MAX(e->src->time_grain_ns, e->dst->time_grain_ns), e->keep);
    *v = how == SP_SAME ? LEAVE_SAME : how == SP_DIFFERS_META && policy != SPATE_CONFLICT_SKIP ? MEND : COPY_OVER;
    bool target = how == SP_DIFFERS_META && src->type == SP_ENTRY_SYMLINK; /* may be another one of the same length */
    if (target || content_differs(node))
        *v = COPY_OVER;
    if (*v != COPY_OVER)
        return SPATE_OK;
    bool aside = policy == SPATE_CONFLICT_KEEP_BOTH;
    if (how == SP_DIFFERS_TYPE && !aside && (policy != SPATE_CONFLICT_OVERWRITE || dst.type == SP_ENTRY_FOLDER)) {
        *why = dst.type == SP_ENTRY_FOLDER ? "the destination has a folder of this name"
                                           : "the destination has something else of this name";
        *v = LEAVE_CONFLICT;
    } else if (policy == SPATE_CONFLICT_SKIP ||
               (policy == SPATE_CONFLICT_NEWER && dst.modified_ns > src->modified_ns)) {
        *why = policy == SPATE_CONFLICT_SKIP ? "the destination has one of its own" : "the destination's is newer";
        *v = LEAVE_SKIPPED;
    } else if (aside) {
        rc = put_aside(w->to, name, err);
        *v = COPY_NEW;
    }
    return rc;
}

static int copy_file(sp_worker *w, const char *name, verdict v, sp_entry *entry, spate_error *err)
{
    sp_engine *e = w->engine;
    int rc = SPATE_OK;
    if (v == MEND) {
        rc = sp_copy_meta(&w->copier, w->from, w->to, name, err);
        atomic_fetch_add(&e->mended, rc == SPATE_OK);
    } else if (v == COPY_NEW || v == COPY_OVER) {
        rc = sp_copy_one(&w->copier, w->from, w->to, name, v == COPY_OVER, entry, err);
        atomic_fetch_add(&e->copied, rc == SPATE_OK);
    }
    return rc;
}

/* The first name of a file is copied, or found to be there; the others become links to it, also where the destination has a file of
 * its own that is just the same: a run that was killed may have left one. */
static int copy_or_link(sp_worker *w, const spate_node *node, const char *name, verdict v, sp_entry *entry,
                        spate_error *err)
{
    sp_engine *e = w->engine;
    spate_bytes key = sp_links_key(node);
    if (key.len == 0 || v == LEAVE_SKIPPED || v == LEAVE_CONFLICT)
        return copy_file(w, name, v, entry, err);
    sp_buf existing;
    sp_buf_init(&existing);
    sp_link_role role = sp_links_ask(e->links, key, &existing);
    int rc = SPATE_E_NOMEM;
    if (role == SP_LINK_TO) {
        rc = sp_copy_link(w->to, (sp_str){existing.data, existing.len}, name, v != COPY_NEW, err);
        atomic_fetch_add(&e->copied, rc == SPATE_OK);
    } else if (role == SP_LINK_COPY) {
        rc = copy_file(w, name, v, entry, err);
        sp_links_tell(e->links, key, node->path, rc == SPATE_OK);
    } else {
        sp_fail_nomem(err);
    }
    sp_buf_done(&existing);
    return rc;
}

/* Into a folder that the destination did not have: nothing is likely to have the name, and if something has, renaming tells.
 * *done false: it is to be looked at. */
static int copy_unseen(sp_worker *w, const spate_node *node, const char *name, bool *done, spate_error *err)
{
    sp_entry entry = {.type = node->type == SPATE_FILE ? SP_ENTRY_FILE : SP_ENTRY_SYMLINK};
    spate_error none = {0};
    *done = sp_links_key(node).len == 0;
    int rc = *done ? copy_file(w, name, COPY_NEW, &entry, &none) : SPATE_OK;
    *done &= rc == SPATE_OK || none.os_errno != EEXIST;
    if (*done && rc != SPATE_OK)
        *err = none;
    return *done ? rc : SPATE_OK;
}

static int copy_node(sp_worker *w, const spate_node *node, bool unseen, spate_error *err)
{
    const char *name = name_of(w, node, err), *why = NULL;
    sp_entry entry;
    verdict v = COPY_NEW;
    bool done = false;
    if (!name)
        return SPATE_E_NOMEM;
    spate_error problem = {0};
    uint64_t before = w->copier.bytes;
    int rc = unseen ? copy_unseen(w, node, name, &done, &problem) : SPATE_OK;
    if (!done)
        rc = judge(w, node, name, &entry, &why, &v, &problem);
    if (!done && rc == SPATE_OK)
        rc = copy_or_link(w, node, name, v, &entry, &problem);
    atomic_fetch_add(&w->engine->copied_bytes, w->copier.bytes - before);
    if (rc != SPATE_OK && !sp_worker_goes_on(rc, &problem)) {
        *err = problem;
        return rc;
    }
    if (rc != SPATE_OK)
        return failed(w, node, problem.message, err);
    return settled(w, node,
                   v == LEAVE_SKIPPED    ? SPATE_COPY_SKIPPED
                   : v == LEAVE_CONFLICT ? SPATE_COPY_CONFLICT
                                         : SPATE_COPY_SUCCESSFUL,
                   why, err);
}

/* ---- folders ---- */

static int make_folder(sp_worker *w, const char *name, spate_error *err)
{
    const sp_engine *e = w->engine;
    const sp_entry folder = {.type = SP_ENTRY_FOLDER};
    spate_error why;
    int rc = w->to->tree->ops->make(w->to, name, &folder, NULL, &why);
    sp_entry there;
    if (rc == SPATE_OK || why.os_errno != EEXIST || w->to->tree->ops->stat(w->to, name, &there, err) != SPATE_OK) {
        if (rc != SPATE_OK && err)
            *err = why;
        return rc;
    }
    if (there.type == SP_ENTRY_FOLDER)
        return SPATE_OK;
    if (e->options->conflict == SPATE_CONFLICT_KEEP_BOTH)
        rc = put_aside(w->to, name, err);
    else if (e->options->conflict == SPATE_CONFLICT_OVERWRITE)
        rc = w->to->tree->ops->remove(w->to, name, false, err);
    else
        rc = sp_fail(err, SPATE_E_DATA, "the destination has something else of this name");
    return rc == SPATE_OK ? w->to->tree->ops->make(w->to, name, &folder, NULL, err) : rc;
}

static int copy_folder(sp_worker *w, const spate_node *node, spate_error *err)
{
    sp_engine *e = w->engine;
    spate_error why = {0};
    int rc = SPATE_OK;
    if (node->depth > 0) {
        const char *name = name_of(w, node, err);
        if (!name)
            return SPATE_E_NOMEM;
        rc = enter(w->to, node->parent_path, &why);
        if (rc == SPATE_OK)
            rc = make_folder(w, name, &why);
    }
    if (rc != SPATE_OK && !sp_worker_goes_on(rc, &why)) {
        *err = why;
        return rc;
    }
    atomic_fetch_add(&e->copied, rc == SPATE_OK);
    return rc == SPATE_OK ? settled(w, node, SPATE_COPY_SUCCESSFUL, NULL, err) : failed(w, node, why.message, err);
}

typedef int node_fn(sp_worker *w, const spate_node *node, spate_error *err);

static int each_of_page(sp_engine *e, sp_worker *w, size_t limit, node_fn *fn, spate_error *err)
{
    int rc = sp_engine_lease(e, w, 0, limit, err);
    for (size_t i = 0; i < w->page.n && rc >= 0; i++) {
        if (sp_engine_cancelled(e))
            return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
        int done = fn(w, &w->page.nodes[i], err);
        if (done == SPATE_OK)
            done = sp_worker_settle(w, false, err);
        rc = done != SPATE_OK ? done : rc;
    }
    return rc;
}

static int copy_folders(sp_engine *e, sp_worker *w, spate_error *err)
{
    return each_of_page(e, w, 256, copy_folder, err);
}

/* ---- files ---- */

static bool wants_copy(const spate_node *node)
{
    return node->type != SPATE_FOLDER && node->copy == SPATE_COPY_PENDING && !node->excluded;
}

/* What lies in a folder that the destination has not. */
static int give_up(sp_worker *w, const spate_node *folder, const char *why, spate_error *err)
{
    int rc = SPATE_OK;
    for (size_t i = 0; i < w->children.n && rc == SPATE_OK; i++)
        if (wants_copy(&w->children.nodes[i]))
            rc = folder->copy == SPATE_COPY_CONFLICT ? settled(w, &w->children.nodes[i], SPATE_COPY_CONFLICT, why, err)
                                                     : failed(w, &w->children.nodes[i], why, err);
    return rc;
}

/* Keys of files with several names become known on the way; how many of the children are to be copied now. */
static size_t look_through(sp_worker *w, bool links)
{
    sp_engine *e = w->engine;
    size_t wanted = 0;
    for (size_t i = 0; i < w->children.n; i++) {
        const spate_node *node = &w->children.nodes[i];
        spate_bytes key = sp_links_key(node);
        if (!links && key.len) {
            atomic_store(&e->linked, true);
            if (node->copy == SPATE_COPY_SUCCESSFUL)
                sp_links_tell(e->links, key, node->path, true);
        }
        wanted += wants_copy(node) && (key.len > 0) == links;
    }
    return wanted;
}

static int enter_both(sp_worker *w, const spate_node *folder, spate_error *err)
{
    int rc = enter(w->from, folder->path, err);
    return rc == SPATE_OK ? enter(w->to, folder->path, err) : rc;
}

static int copy_children(sp_worker *w, const spate_node *folder, bool links, spate_error *err)
{
    sp_engine *e = w->engine;
    if (look_through(w, links) == 0)
        return SPATE_OK;
    if (folder->copy != SPATE_COPY_SUCCESSFUL)
        return give_up(w, folder, "its folder is not in the destination", err);
    spate_error why;
    int rc = enter_both(w, folder, &why);
    if (rc != SPATE_OK && sp_worker_goes_on(rc, &why))
        return give_up(w, folder, why.message, err);
    if (rc != SPATE_OK)
        *err = why;
    else
        rc = spate_ledger_get_path(e->ledger, SPATE_DST, folder->path, SPATE_FOLDER, &w->known, err);
    bool unseen = rc == SPATE_OK && w->known.n == 0;
    for (size_t i = 0; i < w->children.n && rc == SPATE_OK; i++) {
        const spate_node *node = &w->children.nodes[i];
        if (!wants_copy(node) || (sp_links_key(node).len > 0) != links)
            continue;
        rc =
            sp_engine_cancelled(e) ? sp_fail(err, SPATE_E_INTERRUPTED, "interrupted") : copy_node(w, node, unseen, err);
        if (rc == SPATE_OK)
            rc = sp_worker_settle(w, false, err);
    }
    return rc;
}

static int copy_files_of(sp_worker *w, const spate_node *folder, spate_error *err)
{
    return copy_children(w, folder, false, err);
}

static int copy_links_of(sp_worker *w, const spate_node *folder, spate_error *err)
{
    return copy_children(w, folder, true, err);
}

static int copy_files(sp_engine *e, sp_worker *w, spate_error *err)
{
    return sp_engine_each_folder(e, w, copy_files_of, err);
}

static int copy_links(sp_engine *e, sp_worker *w, spate_error *err)
{
    return sp_engine_each_folder(e, w, copy_links_of, err);
}

/* ---- what folders keep ---- */

/* Not recorded: it is done again after a stop, and costs a look at both sides. Where nothing was made and the plan saw nothing
 * that differs, only the roots are looked at, which no listing has. */
static int finish_folder(sp_worker *w, const spate_node *folder, spate_error *err)
{
    const sp_engine *e = w->engine;
    sp_entry a, b;
    spate_error why = {0};
    if (!e->unlike && folder->depth > 0)
        return SPATE_OK;
    int rc = enter_both(w, folder, &why);
    if (rc == SPATE_OK)
        rc = w->from->tree->ops->stat(w->from, "", &a, &why);
    if (rc == SPATE_OK)
        rc = w->to->tree->ops->stat(w->to, "", &b, &why);
    if (rc == SPATE_OK && sp_compare(&a, &b, SP_MAX(e->src->time_grain_ns, e->dst->time_grain_ns), e->keep) != SP_SAME)
        rc = sp_copy_meta(&w->copier, w->from, w->to, "", &why);
    if (rc == SPATE_OK)
        return SPATE_OK;
    if (sp_worker_goes_on(rc, &why))
        return failed(w, folder, why.message, err);
    *err = why;
    return rc;
}

static int finish_folders(sp_engine *e, sp_worker *w, spate_error *err)
{
    return each_of_page(e, w, 256, finish_folder, err);
}

/* ---- the pass ---- */

static int make_all(sp_engine *e, spate_error *err)
{
    const spate_filter folders = {.side = SPATE_SRC, .type = SPATE_FOLDER, .excluded = SPATE_EXCLUDED_NO};
    spate_filter pending = folders;
    pending.copy = SPATE_COPY_PENDING;
    int rc = sp_engine_set_unlike(e, err);
    if (rc == SPATE_OK)
        rc = sp_engine_levels(e, pending, false, copy_folders, err);
    if (rc == SPATE_OK)
        rc = sp_engine_levels(e, folders, false, copy_files, err);
    return rc == SPATE_OK && e->linked ? sp_engine_levels(e, folders, false, copy_links, err) : rc;
}

int sp_copy_pass(sp_engine *e, spate_error *err)
{
    const spate_filter todo = {
        .side = SPATE_SRC, .depth = -1, .copy = SPATE_COPY_PENDING, .excluded = SPATE_EXCLUDED_NO};
    const spate_filter there = {
        .side = SPATE_SRC, .type = SPATE_FOLDER, .copy = SPATE_COPY_SUCCESSFUL, .excluded = SPATE_EXCLUDED_NO};
    int rc = e->dst->exists ? SPATE_OK : e->dst->ops->make_root(e->dst, err);
    if (spate_ledger_recall(e->ledger, "folders", NULL, 0) >= 0)
        e->unlike = true;
    if (rc == SPATE_OK && spate_ledger_count(e->ledger, &todo) > 0)
        rc = make_all(e, err);
    return rc == SPATE_OK ? sp_engine_levels(e, there, true, finish_folders, err) : rc;
}

/* ---- the sweep ---- */

static int try_again(sp_worker *w, const spate_node *node, spate_error *err)
{
    bool unlisted = node->traversal == SPATE_TRAVERSAL_FAILED;
    int rc = SPATE_OK;
    if (unlisted && node->type != SPATE_FOLDER) { /* nobody knows what it is: its folder is listed again */
        rc = sp_worker_change(w, SPATE_DELETE, SPATE_SRC, node->id, 0, NULL, err);
        return rc ? rc
                  : sp_worker_change(w, SPATE_SET_TRAVERSAL, SPATE_SRC, node->parent_id, SPATE_TRAVERSAL_PENDING, NULL,
                                     err);
    }
    if (unlisted)
        rc = sp_worker_change(w, SPATE_SET_TRAVERSAL, SPATE_SRC, node->id, SPATE_TRAVERSAL_PENDING, NULL, err);
    if (rc == SPATE_OK && node->copy == SPATE_COPY_FAILED)
        rc = sp_worker_change(w, SPATE_SET_COPY, SPATE_SRC, node->id, SPATE_COPY_PENDING, NULL, err);
    return rc;
}

static int list_again(sp_worker *w, const spate_node *node, spate_error *err)
{
    return sp_worker_change(w, SPATE_SET_TRAVERSAL, SPATE_DST, node->id, SPATE_TRAVERSAL_PENDING, NULL, err);
}

static int try_some_again(sp_engine *e, sp_worker *w, spate_error *err)
{
    return each_of_page(e, w, 256, try_again, err);
}

static int list_some_again(sp_engine *e, sp_worker *w, spate_error *err)
{
    return each_of_page(e, w, 256, list_again, err);
}

int sp_retry_failed(sp_engine *e, uint64_t *again, spate_error *err)
{
    const spate_filter copies = {.side = SPATE_SRC, .depth = -1, .copy = SPATE_COPY_FAILED};
    const spate_filter listings = {.side = SPATE_SRC, .depth = -1, .traversal = SPATE_TRAVERSAL_FAILED};
    spate_filter there = listings;
    there.side = SPATE_DST;
    uint64_t n[] = {spate_ledger_count(e->ledger, &copies), spate_ledger_count(e->ledger, &listings),
                    spate_ledger_count(e->ledger, &there)};
    *again = n[0] + n[1] + n[2];
    int rc = n[0] ? sp_engine_levels(e, copies, false, try_some_again, err) : SPATE_OK;
    if (rc == SPATE_OK && n[1])
        rc = sp_engine_levels(e, listings, false, try_some_again, err);
    return rc == SPATE_OK && n[2] ? sp_engine_levels(e, there, false, list_some_again, err) : rc;
}
