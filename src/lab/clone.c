/* clone.c - trees of a cluster's files, copied and removed.
 *
 * The kernel copies: where the file system can share blocks, a clone costs only names. Nothing is synced: until a server has
 * written its first checkpoint over it, a clone is no more than its template again. */
#include "lab/lab.h"
#include "os/at.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { LIST_BYTES = 32 << 10, NAMES_DEPTH_MAX = 64 };

typedef struct listing { /* struct linux_dirent64, which no header has */
    uint64_t inode, offset;
    uint16_t len;
    uint8_t type;
    char name[];
} listing;

/* Calls fn for each name of a folder. Removing on the way is allowed. 0, or the first -errno. */
static int each_name(int dir, int (*fn)(void *arg, int dir, const char *name), void *arg)
{
    _Alignas(8) char room[LIST_BYTES];
    ssize_t got;
    while ((got = sp_at_list(dir, room, sizeof(room))) > 0)
        for (ssize_t at = 0; at < got;) {
            const listing *l = (const listing *)(room + at);
            int rc = sp_at_is_dots(l->name) ? 0 : fn(arg, dir, l->name);
            if (rc < 0)
                return rc;
            at += l->len;
        }
    return (int)got;
}

/* ---- copying ---- */

typedef struct copy {
    sp_os_user user;
    bool change_owner;
    int to; /* the folder that is being filled */
    unsigned depth;
} copy;

/* Where the kernel cannot copy between two files by itself. */
static int copy_by_hand(int from, int to, uint64_t size)
{
    enum { PIECE = 256 << 10 };
    char *room = sp_alloc(PIECE);
    int rc = room ? 0 : -ENOMEM;
    for (uint64_t at = 0; rc == 0 && at < size;) {
        ssize_t got = sp_at_read(from, room, PIECE, at);
        rc = got > 0 ? sp_at_write(to, room, (size_t)got, at) : got < 0 ? (int)got : -EIO;
        at += got > 0 ? (uint64_t)got : 0;
    }
    sp_free(room);
    return rc;
}

static int copy_bytes(int from, int to, uint64_t size)
{
    for (uint64_t at = 0; at < size;) {
        ssize_t got = sp_at_copy_range(from, to, at, size - at);
        if (got == 0 || got == -EXDEV || got == -ENOSYS || got == -EINVAL || got == -EOPNOTSUPP)
            return copy_by_hand(from, to, size);
        if (got < 0)
            return (int)got;
        at += (uint64_t)got;
    }
    return 0;
}

static int copy_file(const copy *c, int dir, const char *name, const struct statx *st)
{
    int from = sp_at_open(dir, name, O_RDONLY | O_NOFOLLOW, 0), rc = from;
    if (from < 0)
        return rc;
    int to = rc = sp_at_open(c->to, name, O_WRONLY | O_CREAT | O_EXCL, st->stx_mode & 07777);
    if (to >= 0) {
        rc = copy_bytes(from, to, st->stx_size);
        if (rc == 0 && c->change_owner)
            rc = sp_at_set_owner(to, NULL, c->user.user, c->user.group);
        if (close(to) != 0 && rc == 0)
            rc = -errno;
    }
    close(from);
    return rc;
}

static int copy_link(const copy *c, int dir, const char *name)
{
    char target[4096];
    ssize_t len = sp_at_read_link(dir, name, target, sizeof(target) - 1);
    if (len < 0)
        return (int)len;
    target[len] = '\0';
    return sp_at_make_symlink(c->to, name, target);
}

static int copy_name(void *arg, int dir, const char *name);

/* A folder and all below it, under another name perhaps. */
static int copy_folder(copy *c, int dir, const char *name, const char *called)
{
    struct statx st;
    int outer = c->to, into = -1, from = sp_at_open(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), rc = from;
    if (rc >= 0)
        rc = c->depth == NAMES_DEPTH_MAX ? -ELOOP : sp_at_stat(from, "", &st);
    if (rc >= 0)
        rc = sp_at_make_folder(outer, called, st.stx_mode & 07777);
    if (rc >= 0)
        rc = into = sp_at_open(outer, called, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (rc >= 0 && c->change_owner)
        rc = sp_at_set_owner(into, NULL, c->user.user, c->user.group);
    if (rc >= 0) {
        c->to = into;
        c->depth++;
        rc = each_name(from, copy_name, c);
        c->depth--;
        c->to = outer;
    }
    if (from >= 0)
        close(from);
    if (into >= 0)
        close(into);
    return rc;
}

static int copy_name(void *arg, int dir, const char *name)
{
    copy *c = arg;
    struct statx st;
    int rc = sp_at_stat(dir, name, &st);
    if (rc < 0)
        return rc;
    switch (st.stx_mode & S_IFMT) {
    case S_IFDIR: return copy_folder(c, dir, name, name);
    case S_IFREG: return copy_file(c, dir, name, &st);
    case S_IFLNK: return copy_link(c, dir, name);
    default: return 0; /* sockets: of a server, not of its data */
    }
}

int sp_lab_clone_tree(const char *from, const char *to, sp_os_user user, spate_error *err)
{
    copy c = {.user = user, .change_owner = user.user != sp_os_self().user, .to = AT_FDCWD};
    int rc = copy_folder(&c, AT_FDCWD, from, to);
    return rc < 0 ? sp_fail_errno(err, -rc, "could not copy \"%s\" to \"%s\"", from, to) : SPATE_OK;
}

/* ---- removing ---- */

static int remove_name(void *arg, int dir, const char *name)
{
    unsigned *depth = arg;
    int rc = sp_at_remove(dir, name, false);
    if (rc != -EISDIR && rc != -EPERM)
        return rc == -ENOENT ? 0 : rc;
    int folder = *depth == NAMES_DEPTH_MAX ? -ELOOP : sp_at_open(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (folder < 0)
        return folder;
    ++*depth;
    rc = each_name(folder, remove_name, depth);
    --*depth;
    close(folder);
    return rc < 0 ? rc : sp_at_remove(dir, name, true);
}

int sp_lab_remove_tree(const char *path, spate_error *err)
{
    unsigned depth = 0;
    int rc = remove_name(&depth, AT_FDCWD, path);
    return rc < 0 ? sp_fail_errno(err, -rc, "could not remove \"%s\"", path) : SPATE_OK;
}
