/* verify.c - the third pass: whatever counts as copied is looked at on both sides again, by type, size, time, mode and owner or by
 * content as well. What does not hold is a failure of that file, and the sweep copies it again. */
#include "tree/engine.h"

static int differs(sp_worker *w, const spate_node *node, const char *why, spate_error *err)
{
    atomic_fetch_add(&w->engine->differed, 1);
    int rc = sp_worker_change(w, SPATE_SET_COPY, SPATE_SRC, node->id, SPATE_COPY_FAILED, NULL, err);
    return rc == SPATE_OK ? sp_worker_change(w, SPATE_SET_NOTE, SPATE_SRC, node->id, 0, why, err) : rc;
}

static const char *words_of(sp_difference how)
{
    return how == SP_DIFFERS_META ? "verify: mode, owner or time differs" : "verify: size, time or type differs";
}

/* In words what is wrong with name, or "". */
static int compare_name(sp_worker *w, const spate_node *node, const char *name, const char **why, spate_error *err)
{
    const sp_engine *e = w->engine;
    int64_t grain = SP_MAX(e->src->time_grain_ns, e->dst->time_grain_ns);
    bool content = e->options->verify == SPATE_PROOF_HASH && node->type != SPATE_OTHER, same = true;
    sp_difference how;
    *why = "";
    int rc = content ? sp_compare_content(&w->copier, w->from, w->to, name, node->type == SPATE_SYMLINK, grain, e->keep,
                                          &how, &same, err)
                     : sp_compare_name(w->from, w->to, name, grain, e->keep, &how, err);
    if (rc == SPATE_OK && how != SP_SAME)
        *why = words_of(how);
    else if (rc == SPATE_OK && !same)
        *why = SP_TREE_CONTENT_DIFFERS;
    return rc;
}

static int verify_node(sp_worker *w, const spate_node *node, spate_error *err)
{
    const char *why = "";
    spate_error problem = {0};
    w->text.len = 0;
    if (sp_buf_add(&w->text, node->name.p, node->name.len) || sp_buf_add(&w->text, "", 1))
        return sp_fail_nomem(err);
    int rc = compare_name(w, node, w->text.data, &why, &problem);
    if (rc != SPATE_OK && !sp_worker_goes_on(rc, &problem)) {
        *err = problem;
        return rc;
    }
    atomic_fetch_add(&w->engine->verified, 1);
    const char *wrong = rc != SPATE_OK ? problem.message : why;
    return wrong[0] ? differs(w, node, wrong, err) : SPATE_OK;
}

static int verify_children(sp_worker *w, const spate_node *folder, spate_error *err)
{
    sp_engine *e = w->engine;
    int rc = w->from->tree->ops->enter(w->from, (sp_str){folder->path.p, folder->path.len}, err);
    if (rc == SPATE_OK)
        rc = w->to->tree->ops->enter(w->to, (sp_str){folder->path.p, folder->path.len}, err);
    for (size_t i = 0; i < w->children.n && rc == SPATE_OK; i++) {
        const spate_node *node = &w->children.nodes[i];
        if (sp_engine_cancelled(e))
            return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
        if (node->type != SPATE_FOLDER && node->copy == SPATE_COPY_SUCCESSFUL && !node->excluded)
            rc = verify_node(w, node, err);
    }
    return rc;
}

static int verify_folder(sp_worker *w, const spate_node *folder, spate_error *err)
{
    spate_error problem = {0};
    int rc = verify_children(w, folder, &problem);
    if (rc != SPATE_OK && sp_worker_goes_on(rc, &problem))
        return differs(w, folder, problem.message, err);
    if (rc != SPATE_OK)
        *err = problem;
    return rc;
}

static int verify_some(sp_engine *e, sp_worker *w, spate_error *err)
{
    return sp_engine_each_folder(e, w, verify_folder, err);
}

int sp_verify_pass(sp_engine *e, spate_error *err)
{
    if (e->options->verify == SPATE_PROOF_NONE)
        return SPATE_OK;
    const spate_filter folders = {
        .side = SPATE_SRC, .type = SPATE_FOLDER, .copy = SPATE_COPY_SUCCESSFUL, .excluded = SPATE_EXCLUDED_NO};
    return sp_engine_levels(e, folders, false, verify_some, err);
}
