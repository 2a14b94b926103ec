/* adapter.h - what a tree of folders and files must offer to be migrated from or to.
 *
 * One contract for a local folder today and for remote trees later: the engine knows nothing else of a tree. A *walker* is one
 * thread's way into a tree. It stands in one folder at a time, and everything but a path to enter is a name in that folder, so
 * that the cost of a path is paid once a folder. It has at most one file open. Paths begin with '/', which is the tree's root, and
 * are bytes of any value but NUL; nothing here ever goes through a symbolic link. Failures carry os_errno and name the path. */
#ifndef SP_TREE_ADAPTER_H
#define SP_TREE_ADAPTER_H

#include "base/base.h"

typedef enum sp_entry_type {
    SP_ENTRY_FOLDER,
    SP_ENTRY_FILE,
    SP_ENTRY_SYMLINK,
    SP_ENTRY_SPECIAL, /* a device or a pipe */
    SP_ENTRY_SOCKET,  /* belongs to a running program: cannot be copied */
    SP_ENTRY_UNKNOWN, /* the tree would not tell: os_errno says why */
} sp_entry_type;

/* What a folder's listing says of a child. What a tree does not know is 0. */
typedef struct sp_entry {
    const char *name;
    uint32_t name_len;
    sp_entry_type type;
    int os_errno;  /* of SP_ENTRY_UNKNOWN */
    uint32_t mode; /* permission bits, set-user-ID and the like; no type */
    uint32_t user, group;
    uint32_t links; /* names this file has */
    uint64_t size;
    uint64_t stored; /* bytes it takes: less than size, and there are holes */
    uint64_t device, inode;
    uint64_t special; /* SP_ENTRY_SPECIAL: mode with type, and device number above bit 32 */
    int64_t accessed_ns, modified_ns, changed_ns;
} sp_entry;

/* Children of one folder, any number of times a folder. Everything is gone when it returns; a status but SPATE_OK ends the listing. */
typedef int sp_entries_fn(void *arg, const sp_entry *entries, size_t n, spate_error *err);

/* What of a file is kept beside its data. */
typedef enum sp_keep { SP_KEEP_OWNER = 1, SP_KEEP_ATTRIBUTES = 2 } sp_keep;

typedef struct sp_walker sp_walker;
typedef struct sp_tree sp_tree;

typedef struct sp_tree_ops {
    const char *scheme;

    /* -- the tree; any thread -- */
    int (*open_walker)(sp_tree *tree, sp_walker **walker, spate_error *err);
    int (*make_root)(sp_tree *tree, spate_error *err); /* when it does not exist */
    int (*sync)(sp_tree *tree, spate_error *err);      /* all that any walker has published survives a power cut */
    bool (*inside)(const sp_tree *tree, const sp_tree *other); /* of the same scheme: tree is other or lies below it */
    void (*close)(sp_tree *tree);

    /* -- reading; one thread a walker -- */
    int (*enter)(sp_walker *w, sp_str path, spate_error *err);
    int (*list)(sp_walker *w, sp_entries_fn *take, void *arg, spate_error *err);
    int (*stat)(sp_walker *w, const char *name, sp_entry *entry,
                spate_error *err); /* "": the folder itself; name is not set */
    int (*read_link)(sp_walker *w, const char *name, sp_buf *target, spate_error *err); /* with a NUL behind it */
    /* Attributes of name ("": the folder; NULL: the open file), sorted by name: name NUL, length (4 bytes), value, and again. */
    int (*attributes)(sp_walker *w, const char *name, sp_buf *attributes, spate_error *err);
    int (*open)(sp_walker *w, const char *name, sp_entry *entry, spate_error *err);
    int (*look_again)(sp_walker *w, sp_entry *entry, spate_error *err); /* stat of the open file */
    int (*next_data)(sp_walker *w, uint64_t offset, uint64_t *start, uint64_t *end,
                     spate_error *err); /* start = end: no more */
    int (*read)(sp_walker *w, void *to, size_t len, uint64_t offset, size_t *got,
                spate_error *err); /* short only at the end */

    /* -- writing; NULL in a tree that can only be read -- */
    /* Opens an empty file, whatever was there. like: what it is going to be, so that room can be reserved and what can be right from
     * the start is. */
    int (*create)(sp_walker *w, const char *name, const sp_entry *like, spate_error *err);
    /* The same without a name, so that nothing is left of it when it gets none; and its name, which nothing may have yet (EEXIST).
     * *can false: not here. NULL: no file of this tree can be without one. */
    int (*create_unnamed)(sp_walker *w, const sp_entry *like, bool *can, spate_error *err);
    int (*give_name)(sp_walker *w, const char *name, spate_error *err);
    int (*write)(sp_walker *w, const void *bytes, size_t len, uint64_t offset, spate_error *err);
    /* Bytes that go from a walker's open file to ours without passing through this program, if from is of the same scheme. *took 0:
     * not possible here, read and write. */
    int (*take)(sp_walker *w, sp_walker *from, uint64_t offset, uint64_t len, uint64_t *took, spate_error *err);
    int (*set_size)(sp_walker *w, uint64_t size, spate_error *err);
    /* Of name ("": the folder; NULL: the open file) everything that entry says but size; attributes as above, NULL: leave. */
    int (*set_meta)(sp_walker *w, const char *name, const sp_entry *entry, const sp_buf *attributes, unsigned keep,
                    spate_error *err);
    int (*sync_file)(sp_walker *w, spate_error *err);
    void (*close_file)(sp_walker *w); /* no file open: nothing */
    int (*make)(sp_walker *w, const char *name, const sp_entry *what, const char *target,
                spate_error *err); /* no file */
    int (*link)(sp_walker *w, sp_str existing_path, const char *name, spate_error *err);
    int (*rename)(sp_walker *w, const char *from, const char *to, bool replace, spate_error *err);
    int (*remove)(sp_walker *w, const char *name, bool folder, spate_error *err); /* a missing name is no error */
    void (*leave)(sp_walker *w);                                                  /* frees it */
} sp_tree_ops;

struct sp_tree {
    const sp_tree_ops *ops;
    const char *shown;     /* how messages name it */
    bool exists;           /* its root does */
    bool keeps_owner;      /* files can be given away to other users */
    int64_t time_grain_ns; /* times differ when they differ by at least this */
};
struct sp_walker {
    sp_tree *tree;
};

/* Opens a tree. url: a folder's path today. The root of a tree to write to need not exist. */
int sp_tree_open(const char *url, bool to_write, sp_tree **tree, spate_error *err) SP_MUST_CHECK;
void sp_tree_close(sp_tree *tree);
/* False and an error in words when one is the other, or lies inside of it. */
bool sp_trees_apart(const sp_tree *a, const sp_tree *b, spate_error *err);

int sp_local_open(const char *path, bool to_write, sp_tree **tree, spate_error *err) SP_MUST_CHECK; /* local.c */

#endif
