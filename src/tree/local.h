/* local.h - private to the adapter of local trees (local.c, local_meta.c): where a walker stands, and what it has learned there. */
#ifndef SP_TREE_LOCAL_H
#define SP_TREE_LOCAL_H

#include "tree/adapter.h"

#include <errno.h>
#include <limits.h>

enum { SP_LOCAL_ATTRIBUTES_MAX = 64 << 10 }; /* names together, and each value: the kernel's own limits */

typedef struct sp_local_tree {
    sp_tree tree;
    int root;             /* -1: does not exist yet */
    uint32_t user, group; /* ours: what new files get, most often */
    char path[];
} sp_local_tree;

typedef struct sp_local_walker {
    sp_walker base;
    sp_buf path; /* of the folder it stands in, without the leading '/' */
    int folder;  /* -1: nowhere */
    int anchor;  /* some folders above it, so that the way to its neighbours is short however deep they are; -1: none */
    size_t anchor_len; /* how much of path leads there */
    int file;          /* -1: none open */
    char file_name[NAME_MAX + 1];
    enum {
        INHERITS_UNKNOWN,
        INHERITS,
        INHERITS_NOT
    } inherits;          /* what is made in the folder gets an access list from it */
    unsigned asked_mode; /* of the new file that is open */
    struct {
        bool known;
        unsigned asked;
        uint32_t user, group, mode;
    } born;                             /* what a new file of the folder is, when it was asked for with a mode */
    bool no_noatime;                    /* the files are not ours */
    bool no_unnamed;                    /* this file system has no files without a name */
    uint64_t file_device, no_take_from; /* a device that the kernel would not copy from */
    char *records;
    sp_entry *entries;
    char *values; /* SP_LOCAL_ATTRIBUTES_MAX * 2: names, then one value */
} sp_local_walker;

/* Of a call that ended with -errno: "could not <what> <the tree's path to name>". */
int sp_local_failed(const sp_local_walker *w, const char *what, const char *name, int rc, spate_error *err);
/* This file system has no such thing, or the kernel. */
static inline bool sp_local_unsupported(long rc)
{
    return rc == -EOPNOTSUPP || rc == -ENOSYS;
}

/* ---- local_meta.c: these two of sp_tree_ops ---- */

int sp_local_attributes(sp_walker *walker, const char *of, sp_buf *attributes, spate_error *err) SP_MUST_CHECK;
int sp_local_set_meta(sp_walker *walker, const char *of, const sp_entry *entry, const sp_buf *attributes, unsigned keep,
                      spate_error *err) SP_MUST_CHECK;

#endif
