/* local.c - the adapter of trees that the kernel knows: folders by descriptor, names relative to them. No path is ever resolved
 * through a symbolic link, and no path is too long. What files have besides their bytes is in local_meta.c. */
#include "os/at.h"
#include "tree/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
    RECORDS_BYTES = 128 << 10,
    RECORD_MIN = 24, /* bytes of the shortest one */
};

static sp_local_tree *tree_of(const sp_walker *w)
{
    return (sp_local_tree *)w->tree;
}

int sp_local_failed(const sp_local_walker *w, const char *what, const char *name, int rc, spate_error *err)
{
    bool deep = w->path.len > 0;
    return sp_fail_errno(err, -rc, "could not %s \"%s%s%.*s%s%s\"", what, w->base.tree->shown, deep ? "/" : "",
                         (int)SP_MIN(w->path.len, (size_t)400), deep ? w->path.data : "", name[0] ? "/" : "", name);
}

/* ---- folders ---- */

enum { ANCHOR_ABOVE = 32 }; /* names between the anchor and the folder, when it is cast */

static bool leads_below(const char *path, size_t len, sp_str to)
{
    return len && to.len > len && to.p[len] == '/' && memcmp(path, to.p, len) == 0;
}

/* Where the last ANCHOR_ABOVE names of a long path begin; 0: it is short. */
static size_t anchor_of(sp_str path, size_t known)
{
    size_t at = path.len;
    for (unsigned names = 0; at > known && names < ANCHOR_ABOVE; names++) {
        const char *slash = memrchr(path.p + known, '/', at - known);
        at = slash ? (size_t)(slash - path.p) : known;
    }
    return at > known ? at : 0;
}

static void weigh_anchor(sp_local_walker *w)
{
    if (w->anchor >= 0)
        close(w->anchor);
    w->anchor = -1;
}

/* The folder at w->path, from the nearest one above it that is open. */
static int open_folder(sp_local_walker *w, int here, size_t here_len)
{
    sp_str path = {w->path.data, w->path.len};
    int from = tree_of(&w->base)->root;
    size_t known = 0;
    if (w->anchor >= 0 && leads_below(path.p, w->anchor_len, path)) {
        from = w->anchor;
        known = w->anchor_len + 1;
    }
    if (here >= 0 && here_len >= known) {
        from = here;
        known = here_len + 1;
    }
    size_t cast = anchor_of(path, known);
    if (cast) {
        w->path.data[cast] = '\0';
        int fd = sp_at_open_folder(from, path.p + known);
        w->path.data[cast] = '/';
        if (fd < 0)
            return fd;
        weigh_anchor(w);
        w->anchor = from = fd;
        w->anchor_len = cast;
        known = cast + 1;
    }
    return sp_at_open_folder(from, path.p + known);
}

static int local_enter(sp_walker *base, sp_str path, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    if (path.len && path.p[0] == '/')
        path = (sp_str){path.p + 1, path.len - 1};
    size_t here = w->path.len;
    if (w->folder >= 0 && path.len == here && memcmp(path.p, w->path.data, path.len) == 0)
        return SPATE_OK;
    bool below = w->folder >= 0 && leads_below(w->path.data, here, path);
    if (w->anchor >= 0 && !(leads_below(w->path.data, w->anchor_len, path)))
        weigh_anchor(w);
    int old = w->folder;
    w->folder = -1;
    w->inherits = INHERITS_UNKNOWN;
    w->born.known = false;
    w->path.len = 0;
    int fd = -ENOMEM;
    if (sp_buf_add(&w->path, path.p, path.len) == SPATE_OK && sp_buf_add(&w->path, "", 1) == SPATE_OK) {
        w->path.len--;
        fd = open_folder(w, below ? old : -1, here);
    }
    if (old >= 0)
        close(old);
    if (fd < 0)
        return sp_local_failed(w, "open folder", "", fd, err);
    w->folder = fd;
    return SPATE_OK;
}

static int64_t ns_of(struct statx_timestamp t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static sp_entry_type type_of(unsigned mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return SP_ENTRY_FOLDER;
    case S_IFREG: return SP_ENTRY_FILE;
    case S_IFLNK: return SP_ENTRY_SYMLINK;
    case S_IFSOCK: return SP_ENTRY_SOCKET;
    default: return SP_ENTRY_SPECIAL;
    }
}

static void fill_entry(sp_entry *e, const struct statx *st)
{
    e->type = type_of(st->stx_mode);
    e->os_errno = 0;
    e->mode = st->stx_mode & 07777;
    e->user = st->stx_uid;
    e->group = st->stx_gid;
    e->links = st->stx_nlink;
    e->size = e->type == SP_ENTRY_FOLDER ? 0 : st->stx_size;
    e->stored = st->stx_blocks * 512;
    e->device = (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
    e->inode = st->stx_ino;
    e->special = e->type == SP_ENTRY_SPECIAL
                     ? (uint64_t)makedev(st->stx_rdev_major, st->stx_rdev_minor) << 32 | st->stx_mode
                     : 0;
    e->accessed_ns = ns_of(st->stx_atime);
    e->modified_ns = ns_of(st->stx_mtime);
    e->changed_ns = ns_of(st->stx_ctime);
}

/* A child that cannot be looked at is told as unknown; one that has gone in between is not told at all. */
static size_t look_at_records(sp_local_walker *w, size_t len)
{
    size_t n = 0;
    for (size_t at = 0; at < len;) {
        struct dirent64 *d = (struct dirent64 *)(w->records + at);
        at += d->d_reclen;
        if (sp_at_is_dots(d->d_name))
            continue;
        struct statx st;
        int rc = sp_at_stat(w->folder, d->d_name, &st);
        if (rc == -ENOENT)
            continue;
        sp_entry *e = &w->entries[n++];
        if (rc == 0)
            fill_entry(e, &st);
        else
            *e = (sp_entry){.type = SP_ENTRY_UNKNOWN, .os_errno = -rc};
        e->name = d->d_name;
        e->name_len = (uint32_t)strlen(d->d_name);
    }
    return n;
}

static int local_list(sp_walker *base, sp_entries_fn *take, void *arg, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    if (lseek(w->folder, 0, SEEK_SET) < 0)
        return sp_local_failed(w, "list folder", "", -errno, err);
    for (;;) {
        ssize_t len = sp_at_list(w->folder, w->records, RECORDS_BYTES);
        if (len < 0)
            return sp_local_failed(w, "list folder", "", (int)len, err);
        if (len == 0)
            return SPATE_OK;
        size_t n = look_at_records(w, (size_t)len);
        int rc = n ? take(arg, w->entries, n, err) : SPATE_OK;
        if (rc != SPATE_OK)
            return rc;
    }
}

static int local_stat(sp_walker *base, const char *name, sp_entry *entry, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    struct statx st;
    int rc = sp_at_stat(w->folder, name, &st);
    if (rc != 0)
        return sp_local_failed(w, "look at", name, rc, err);
    fill_entry(entry, &st);
    return SPATE_OK;
}

static int local_read_link(sp_walker *base, const char *name, sp_buf *target, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    target->len = 0;
    if (sp_buf_reserve(target, PATH_MAX + 1))
        return sp_fail_nomem(err);
    ssize_t len = sp_at_read_link(w->folder, name, target->data, PATH_MAX);
    if (len < 0)
        return sp_local_failed(w, "read symbolic link", name, (int)len, err);
    target->len = (size_t)len;
    target->data[len] = '\0';
    return SPATE_OK;
}

/* ---- files ---- */

static void local_close_file(sp_walker *base)
{
    sp_local_walker *w = (sp_local_walker *)base;
    if (w->file >= 0)
        close(w->file);
    w->file = -1;
}

static void remember_file(sp_local_walker *w, int fd, const char *name)
{
    w->file = fd;
    size_t len = SP_MIN(strlen(name), sizeof w->file_name - 1);
    memcpy(w->file_name, name, len);
    w->file_name[len] = '\0';
}

static int local_look_again(sp_walker *base, sp_entry *entry, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    struct statx st;
    int rc = sp_at_stat(w->file, "", &st);
    if (rc != 0)
        return sp_local_failed(w, "look at", w->file_name, rc, err);
    fill_entry(entry, &st);
    return SPATE_OK;
}

/* O_NONBLOCK: a pipe that took the file's place since it was listed must not hold us up. */
static int local_open_file(sp_walker *base, const char *name, sp_entry *entry, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    int fd = w->no_noatime ? -EPERM : sp_at_open(w->folder, name, flags | O_NOATIME, 0);
    if (fd == -EPERM) {
        w->no_noatime = true;
        fd = sp_at_open(w->folder, name, flags, 0);
    }
    if (fd < 0)
        return sp_local_failed(w, "open", name, fd, err);
    remember_file(w, fd, name);
    int rc = local_look_again(base, entry, err);
    w->file_device = rc == SPATE_OK ? entry->device : 0;
    if (rc == SPATE_OK && entry->type != SP_ENTRY_FILE)
        rc = sp_local_failed(w, "open", name, -ESTALE, err); /* no file any more */
    if (rc != SPATE_OK)
        local_close_file(base);
    return rc;
}

static int local_next_data(sp_walker *base, uint64_t offset, uint64_t *start, uint64_t *end, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    int rc = sp_at_next_data(w->file, offset, start, end);
    if (rc == -ENXIO) {
        *start = *end = offset;
        rc = 0;
    }
    return rc ? sp_local_failed(w, "find the data of", w->file_name, rc, err) : SPATE_OK;
}

static int local_read(sp_walker *base, void *to, size_t len, uint64_t offset, size_t *got, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    ssize_t n = sp_at_read(w->file, to, len, offset);
    if (n < 0)
        return sp_local_failed(w, "read", w->file_name, (int)n, err);
    *got = (size_t)n;
    return SPATE_OK;
}

enum { RESERVE_MIN = 1 << 20 }; /* smaller files are laid out well enough by the file system */

/* What will be another's is nobody else's to read before. */
static unsigned first_mode(const sp_local_tree *t, const sp_entry *like)
{
    return like->user == t->user && like->group == t->group ? like->mode & 0777 : 0600;
}

static void begin_file(sp_local_walker *w, int fd, const char *name, const sp_entry *like, unsigned mode)
{
    remember_file(w, fd, name);
    w->asked_mode = mode;
    if (like->size >= RESERVE_MIN && like->stored >= like->size)
        sp_at_reserve(fd, like->size);
}

static int local_create(sp_walker *base, const char *name, const sp_entry *like, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    const int flags = O_WRONLY | O_CREAT | O_EXCL;
    unsigned mode = first_mode(tree_of(base), like);
    int fd = sp_at_open(w->folder, name, flags, mode);
    if (fd == -EEXIST && sp_at_remove(w->folder, name, false) == 0)
        fd = sp_at_open(w->folder, name, flags, mode);
    if (fd < 0)
        return sp_local_failed(w, "create", name, fd, err);
    begin_file(w, fd, name, like, mode);
    return SPATE_OK;
}

static int local_create_unnamed(sp_walker *base, const sp_entry *like, bool *can, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    *can = false;
    if (w->no_unnamed)
        return SPATE_OK;
    unsigned mode = first_mode(tree_of(base), like);
    int fd = sp_at_open_unnamed(w->folder, mode);
    w->no_unnamed = sp_local_unsupported(fd) || fd == -EISDIR || fd == -EINVAL || fd == -ENOENT;
    if (w->no_unnamed)
        return SPATE_OK;
    if (fd < 0)
        return sp_local_failed(w, "create a file in", "", fd, err);
    *can = true;
    begin_file(w, fd, "a new file", like, mode);
    return SPATE_OK;
}

static int local_give_name(sp_walker *base, const char *name, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    int rc = sp_at_name(w->file, w->folder, name);
    return rc ? sp_local_failed(w, "give a finished file the name", name, rc, err) : SPATE_OK;
}

static int local_write(sp_walker *base, const void *bytes, size_t len, uint64_t offset, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    int rc = sp_at_write(w->file, bytes, len, offset);
    return rc ? sp_local_failed(w, "write to", w->file_name, rc, err) : SPATE_OK;
}

/* The kernel refuses between some file systems: then for all files of that device. */
static bool refuses(long rc)
{
    return rc == -EXDEV || rc == -EINVAL || rc == -EPERM || rc == -EBADF || sp_local_unsupported(rc);
}

static int local_take(sp_walker *base, sp_walker *from_base, uint64_t offset, uint64_t len, uint64_t *took,
                      spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base, *from = (sp_local_walker *)from_base;
    *took = 0;
    if (w->no_take_from == from->file_device && from->file_device)
        return SPATE_OK;
    ssize_t n = sp_at_copy_range(from->file, w->file, offset, (size_t)SP_MIN(len, UINT64_C(1) << 30));
    if (refuses(n)) {
        w->no_take_from = from->file_device;
        return SPATE_OK;
    }
    if (n < 0)
        return sp_local_failed(w, "write to", w->file_name, (int)n, err);
    *took = (uint64_t)n;
    return SPATE_OK;
}

static int local_set_size(sp_walker *base, uint64_t size, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    int rc = sp_at_set_size(w->file, size);
    return rc ? sp_local_failed(w, "set the size of", w->file_name, rc, err) : SPATE_OK;
}

static int local_sync_file(sp_walker *base, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    int rc = sp_at_sync(w->file);
    return rc ? sp_local_failed(w, "sync", w->file_name, rc, err) : SPATE_OK;
}

/* ---- names ---- */

static int local_make(sp_walker *base, const char *name, const sp_entry *what, const char *target, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    int rc = what->type == SP_ENTRY_FOLDER ? sp_at_make_folder(w->folder, name, 0700)
             : what->type == SP_ENTRY_SYMLINK
                 ? sp_at_make_symlink(w->folder, name, target)
                 : sp_at_make_special(w->folder, name, (unsigned)(what->special & 0xffffffff & ~07777u) | 0600,
                                      what->special >> 32);
    return rc ? sp_local_failed(w, "create", name, rc, err) : SPATE_OK;
}

static int local_link(sp_walker *base, sp_str existing, const char *name, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    const char *slash = memrchr(existing.p, '/', existing.len);
    char *folder = strndup(existing.p + 1, slash > existing.p ? (size_t)(slash - existing.p - 1) : 0);
    char *last = strndup(slash + 1, existing.len - (size_t)(slash + 1 - existing.p));
    int fd = folder && last ? sp_at_open_folder(tree_of(base)->root, folder) : -ENOMEM;
    int rc = fd < 0 ? fd : sp_at_make_link(fd, last, w->folder, name);
    if (fd >= 0)
        close(fd);
    free(folder);
    free(last);
    return rc ? sp_local_failed(w, "link", name, rc, err) : SPATE_OK;
}

static int local_rename(sp_walker *base, const char *from, const char *to, bool replace, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    int rc = sp_at_rename(w->folder, from, w->folder, to, replace);
    return rc ? sp_local_failed(w, "rename a finished file to", to, rc, err) : SPATE_OK;
}

static int local_remove(sp_walker *base, const char *name, bool folder, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    int rc = sp_at_remove(w->folder, name, folder);
    return rc && rc != -ENOENT ? sp_local_failed(w, "remove", name, rc, err) : SPATE_OK;
}

/* ---- walkers and trees ---- */

static void local_leave(sp_walker *base)
{
    sp_local_walker *w = (sp_local_walker *)base;
    if (!w)
        return;
    local_close_file(base);
    if (w->folder >= 0)
        close(w->folder);
    weigh_anchor(w);
    sp_buf_done(&w->path);
    sp_free(w->records);
    sp_free(w->entries);
    sp_free(w->values);
    sp_free(w);
}

static int local_open_walker(sp_tree *tree, sp_walker **walker, spate_error *err)
{
    sp_local_walker *w = sp_alloc_zero(1, sizeof *w);
    if (!w)
        return sp_fail_nomem(err);
    w->base.tree = tree;
    w->folder = w->file = w->anchor = -1;
    w->records = sp_alloc_large(RECORDS_BYTES);
    w->entries = sp_alloc_zero(RECORDS_BYTES / RECORD_MIN, sizeof *w->entries);
    w->values = sp_alloc(2 * SP_LOCAL_ATTRIBUTES_MAX);
    if (!w->records || !w->entries || !w->values) {
        local_leave(&w->base);
        return sp_fail_nomem(err);
    }
    *walker = &w->base;
    return SPATE_OK;
}

static int open_root(sp_local_tree *t, spate_error *err)
{
    t->root = sp_at_open(AT_FDCWD, t->path, O_RDONLY | O_DIRECTORY, 0);
    t->tree.exists = t->root >= 0;
    return t->root >= 0 ? SPATE_OK : sp_fail_errno(err, -t->root, "could not open folder \"%s\"", t->path);
}

static int local_make_root(sp_tree *tree, spate_error *err)
{
    sp_local_tree *t = (sp_local_tree *)tree;
    int rc = sp_os_make_dirs(t->path, err);
    return rc == SPATE_OK ? open_root(t, err) : rc;
}

static int local_sync(sp_tree *tree, spate_error *err)
{
    int rc = sp_at_sync_system(((sp_local_tree *)tree)->root);
    return rc ? sp_fail_errno(err, -rc, "could not sync \"%s\" to disk", tree->shown) : SPATE_OK;
}

/* The deepest folder of the path that exists: where one that does not would come to lie. */
static int open_nearest(const sp_local_tree *t)
{
    if (t->root >= 0)
        return dup(t->root);
    char path[PATH_MAX];
    size_t len = strlen(t->path);
    if (len >= sizeof path)
        return -1;
    memcpy(path, t->path, len + 1);
    for (;;) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return sp_at_open(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0);
        slash[slash == path] = '\0';
        int fd = sp_at_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
        if (fd >= 0 || strcmp(path, "/") == 0)
            return fd;
    }
}

static bool same_file(const struct statx *a, const struct statx *b)
{
    return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

static bool local_inside(const sp_tree *tree, const sp_tree *other)
{
    struct statx root, here, above;
    if (!other->exists || sp_at_stat(((const sp_local_tree *)other)->root, "", &root) != 0)
        return false;
    bool found = false;
    int fd = open_nearest((const sp_local_tree *)tree);
    int rc = fd < 0 ? fd : sp_at_stat(fd, "", &here);
    while (rc == 0 && !(found = same_file(&here, &root))) {
        int up = sp_at_open(fd, "..", O_RDONLY | O_DIRECTORY, 0);
        close(fd);
        fd = up;
        rc = up < 0 ? up : sp_at_stat(up, "", &above);
        if (rc == 0 && same_file(&here, &above)) /* the root of the system */
            break;
        here = above;
    }
    if (fd >= 0)
        close(fd);
    return found;
}

static void local_close(sp_tree *tree)
{
    sp_local_tree *t = (sp_local_tree *)tree;
    if (t->root >= 0)
        close(t->root);
    sp_free(t);
}

static const sp_tree_ops local_ops = {
    .scheme = "file",
    .open_walker = local_open_walker,
    .make_root = local_make_root,
    .sync = local_sync,
    .inside = local_inside,
    .close = local_close,
    .enter = local_enter,
    .list = local_list,
    .stat = local_stat,
    .read_link = local_read_link,
    .attributes = sp_local_attributes,
    .open = local_open_file,
    .look_again = local_look_again,
    .next_data = local_next_data,
    .read = local_read,
    .create = local_create,
    .create_unnamed = local_create_unnamed,
    .give_name = local_give_name,
    .write = local_write,
    .take = local_take,
    .set_size = local_set_size,
    .set_meta = sp_local_set_meta,
    .sync_file = local_sync_file,
    .close_file = local_close_file,
    .make = local_make,
    .link = local_link,
    .rename = local_rename,
    .remove = local_remove,
    .leave = local_leave,
};

int sp_local_open(const char *path, bool to_write, sp_tree **tree, spate_error *err)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0)
        return sp_fail(err, SPATE_E_USAGE, "a tree needs the path of a folder, not \"\"");
    sp_local_tree *t = sp_alloc_zero(1, sizeof *t + len + 1);
    if (!t)
        return sp_fail_nomem(err);
    memcpy(t->path, path, len);
    t->user = geteuid();
    t->group = getegid();
    t->tree = (sp_tree){.ops = &local_ops, .shown = t->path, .keeps_owner = t->user == 0, .time_grain_ns = 1};
    spate_error why;
    int rc = open_root(t, &why);
    if (rc != SPATE_OK && to_write && why.os_errno == ENOENT)
        rc = SPATE_OK;
    if (rc != SPATE_OK) {
        local_close(&t->tree);
        if (err)
            *err = why;
        return rc;
    }
    *tree = &t->tree;
    return SPATE_OK;
}
