/* tree.c - which adapter a tree's name asks for. */
#include "tree/adapter.h"

int sp_tree_open(const char *url, bool to_write, sp_tree **tree, spate_error *err)
{
    const char *scheme_end = strstr(url, "://");
    if (!scheme_end || memchr(url, '/', (size_t)(scheme_end - url)))
        return sp_local_open(url, to_write, tree, err);
    if (strncmp(url, "file://", 7) == 0)
        return sp_local_open(url + 7, to_write, tree, err);
    return sp_fail(err, SPATE_E_USAGE, "cannot migrate \"%.*s\": trees are local folders", (int)(scheme_end - url),
                   url);
}

void sp_tree_close(sp_tree *tree)
{
    if (tree)
        tree->ops->close(tree);
}

bool sp_trees_apart(const sp_tree *a, const sp_tree *b, spate_error *err)
{
    if (a->ops != b->ops)
        return true;
    const sp_tree *inner = a->ops->inside(a, b) ? a : b->ops->inside(b, a) ? b : NULL;
    if (inner)
        sp_fail(err, SPATE_E_USAGE, "cannot migrate between \"%s\" and \"%s\": \"%s\" lies inside of the other",
                a->shown, b->shown, inner->shown);
    return !inner;
}
