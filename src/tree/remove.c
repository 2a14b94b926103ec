/* remove.c - what only the destination has goes, when somebody asked for that. A folder among it goes with everything inside: its
 * folders are listed breadth first, then emptied and removed from the deepest up. */
#include "tree/engine.h"

typedef struct paths {
    char **paths;
    size_t n, cap;
} paths;

static int add_path(paths *p, sp_str folder, const char *name, size_t len)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 64;
        char **more = sp_realloc(p->paths, cap * sizeof *more);
        if (!more)
            return SPATE_E_NOMEM;
        p->paths = more;
        p->cap = cap;
    }
    char *path = sp_alloc(folder.len + len + 2);
    if (!path)
        return SPATE_E_NOMEM;
    memcpy(path, folder.p, folder.len);
    path[folder.len] = '/';
    memcpy(path + folder.len + 1, name, len);
    path[folder.len + 1 + len] = '\0';
    p->paths[p->n++] = path;
    return SPATE_OK;
}

typedef struct emptying {
    sp_walker *walker;
    paths folders, files; /* files: names in the folder at hand */
    sp_str folder;
} emptying;

static int sort_out(void *arg, const sp_entry *entries, size_t n, spate_error *err)
{
    emptying *m = arg;
    for (size_t i = 0; i < n; i++) {
        bool folder = entries[i].type == SP_ENTRY_FOLDER;
        if (add_path(folder ? &m->folders : &m->files, folder ? m->folder : (sp_str){"", 0}, entries[i].name,
                     entries[i].name_len))
            return sp_fail_nomem(err);
    }
    return SPATE_OK;
}

static void forget(paths *p)
{
    for (size_t i = 0; i < p->n; i++)
        sp_free(p->paths[i]);
    p->n = 0;
}

static int empty_folder(emptying *m, const char *path, spate_error *err)
{
    const sp_tree_ops *ops = m->walker->tree->ops;
    m->folder = sp_str_of(path);
    int rc = ops->enter(m->walker, m->folder, err);
    if (rc == SPATE_OK)
        rc = ops->list(m->walker, sort_out, m, err);
    for (size_t i = 0; i < m->files.n && rc == SPATE_OK; i++)
        rc = ops->remove(m->walker, m->files.paths[i] + 1, false, err);
    forget(&m->files);
    return rc;
}

static int remove_named(sp_walker *walker, const char *path, spate_error *err)
{
    const char *slash = strrchr(path, '/');
    sp_str parent = {slash == path ? "/" : path, slash == path ? 1 : (size_t)(slash - path)};
    int rc = walker->tree->ops->enter(walker, parent, err);
    return rc == SPATE_OK ? walker->tree->ops->remove(walker, slash + 1, true, err) : rc;
}

static int remove_folder(sp_walker *walker, spate_bytes path, spate_error *err)
{
    emptying m = {.walker = walker};
    int rc = add_path(&m.folders, (sp_str){"", 0}, path.p + 1, path.len - 1) ? sp_fail_nomem(err) : SPATE_OK;
    for (size_t i = 0; i < m.folders.n && rc == SPATE_OK; i++)
        rc = empty_folder(&m, m.folders.paths[i], err);
    for (size_t i = m.folders.n; i-- > 0 && rc == SPATE_OK;)
        rc = remove_named(walker, m.folders.paths[i], err);
    forget(&m.folders);
    sp_free(m.folders.paths);
    sp_free(m.files.paths);
    return rc;
}

static int remove_node(sp_worker *w, const spate_node *node, spate_error *err)
{
    spate_error why = {0};
    int rc;
    if (node->type == SPATE_FOLDER) {
        rc = remove_folder(w->to, node->path, &why);
    } else {
        w->text.len = 0;
        if (sp_buf_add(&w->text, node->name.p, node->name.len) || sp_buf_add(&w->text, "", 1))
            return sp_fail_nomem(err);
        rc = w->to->tree->ops->enter(w->to, (sp_str){node->parent_path.p, node->parent_path.len}, &why);
        if (rc == SPATE_OK)
            rc = w->to->tree->ops->remove(w->to, w->text.data, false, &why);
    }
    if (rc == SPATE_OK)
        return sp_worker_change(w, SPATE_DELETE, SPATE_DST, node->id, 0, NULL, err);
    if (!sp_worker_goes_on(rc, &why)) {
        *err = why;
        return rc;
    }
    atomic_fetch_add(&w->engine->failed, 1);
    return sp_worker_change(w, SPATE_SET_NOTE, SPATE_DST, node->id, 0, why.message, err);
}

static int remove_some(sp_engine *e, sp_worker *w, spate_error *err)
{
    int rc = sp_engine_lease(e, w, 0, 256, err);
    for (size_t i = 0; i < w->page.n && rc >= 0; i++) {
        int done = sp_engine_cancelled(e) ? sp_fail(err, SPATE_E_INTERRUPTED, "interrupted")
                                          : remove_node(w, &w->page.nodes[i], err);
        rc = done != SPATE_OK ? done : rc;
    }
    return rc;
}

int sp_delete_pass(sp_engine *e, uint64_t *deleted, spate_error *err)
{
    const spate_filter extra = {.side = SPATE_DST, .depth = -1, .traversal = SPATE_TRAVERSAL_NOT_ON_SRC};
    uint64_t before = spate_ledger_count(e->ledger, &extra);
    *deleted = 0;
    int rc = before ? sp_engine_set_unlike(e, err) : SPATE_OK;
    if (rc == SPATE_OK && before)
        rc = sp_engine_levels(e, extra, false, remove_some, err);
    *deleted = before - spate_ledger_count(e->ledger, &extra);
    return rc;
}
