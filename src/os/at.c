/* at.c - see at.h. */
#include "os/at.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The result of a call that the fault table may fail and that a signal may interrupt, as a value or -errno. */
#define ATTEMPT(kind, call) \
    ({ \
        long got_; \
        do \
            got_ = sp_os_call_fails(kind) ? -1 : (long)(call); \
        while (got_ < 0 && errno == EINTR); \
        got_ < 0 ? -errno : got_; \
    })

int sp_at_open(int dir, const char *name, int flags, unsigned mode)
{
    return (int)ATTEMPT(SP_OS_OPEN, openat(dir, name, flags | O_CLOEXEC, mode));
}

/* ---- folders ---- */

enum { CHUNK_MAX = 4000 }; /* of a path in one call: below PATH_MAX */

static _Atomic bool no_openat2; /* an old kernel, or a sandbox that does not know the call */

/* One stretch of the path. Without openat2 only its last name is kept from being a link: the stretch has one name then. */
static int open_stretch(int dir, const char *path, int flags)
{
    if (atomic_load_explicit(&no_openat2, memory_order_relaxed))
        return sp_at_open(dir, path, flags | O_NOFOLLOW, 0);
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    return (int)ATTEMPT(SP_OS_OPEN, syscall(SYS_openat2, dir, path, &how, sizeof how));
}

/* How many bytes of path one call takes. */
static size_t stretch_of(const char *path, size_t len)
{
    if (atomic_load_explicit(&no_openat2, memory_order_relaxed)) {
        const char *slash = memchr(path, '/', len);
        return slash ? (size_t)(slash - path) : len;
    }
    if (len <= CHUNK_MAX)
        return len;
    const char *slash = memrchr(path, '/', CHUNK_MAX);
    return slash ? (size_t)(slash - path) : len;
}

int sp_at_open_folder(int dir, const char *path)
{
    char chunk[CHUNK_MAX + 1];
    size_t left = strlen(path);
    int at = dir;
    if (left == 0)
        return sp_at_open(dir, ".", O_RDONLY | O_DIRECTORY, 0);
    while (left > 0) {
        size_t len = stretch_of(path, left);
        if (len > CHUNK_MAX) {
            if (at != dir)
                close(at);
            return -ENAMETOOLONG;
        }
        memcpy(chunk, path, len);
        chunk[len] = '\0';
        int next = open_stretch(at, chunk, (len < left ? O_PATH : O_RDONLY) | O_DIRECTORY);
        if (next == -ENOSYS && !atomic_exchange(&no_openat2, true))
            continue;
        if (at != dir)
            close(at);
        if (next < 0)
            return next;
        at = next;
        path += len + (len < left);
        left -= len + (len < left);
    }
    return at;
}

ssize_t sp_at_list(int dir, void *records, size_t len)
{
    return ATTEMPT(SP_OS_LIST, syscall(SYS_getdents64, dir, records, len));
}

int sp_at_stat(int dir, const char *name, struct statx *st)
{
    int empty = name[0] ? 0 : AT_EMPTY_PATH; /* the kernel looks at the name twice where it may be */
    return (int)ATTEMPT(SP_OS_STAT,
                        statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | empty, STATX_BASIC_STATS, st));
}

ssize_t sp_at_read_link(int dir, const char *name, char *target, size_t len)
{
    return ATTEMPT(SP_OS_READ, readlinkat(dir, name, target, len));
}

int sp_at_make_folder(int dir, const char *name, unsigned mode)
{
    return (int)ATTEMPT(SP_OS_MKDIR, mkdirat(dir, name, mode));
}

int sp_at_make_symlink(int dir, const char *name, const char *target)
{
    return (int)ATTEMPT(SP_OS_LINK, symlinkat(target, dir, name));
}

int sp_at_make_special(int dir, const char *name, unsigned mode, uint64_t device)
{
    return (int)ATTEMPT(SP_OS_LINK, mknodat(dir, name, mode, (dev_t)device));
}

int sp_at_open_unnamed(int dir, unsigned mode)
{
    return sp_at_open(dir, ".", O_WRONLY | O_TMPFILE, mode);
}

/* By the descriptor alone takes a right that not everybody has; by its path in /proc does not. */
int sp_at_name(int fd, int dir, const char *name)
{
    int rc = (int)ATTEMPT(SP_OS_LINK, linkat(fd, "", dir, name, AT_EMPTY_PATH));
    if (rc != -ENOENT)
        return rc;
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return (int)ATTEMPT(SP_OS_LINK, linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW));
}

int sp_at_make_link(int from_dir, const char *from, int dir, const char *name)
{
    return (int)ATTEMPT(SP_OS_LINK, linkat(from_dir, from, dir, name, 0));
}

int sp_at_rename(int from_dir, const char *from, int dir, const char *name, bool replace)
{
    if (replace)
        return (int)ATTEMPT(SP_OS_RENAME, renameat(from_dir, from, dir, name));
    int rc = (int)ATTEMPT(SP_OS_RENAME, syscall(SYS_renameat2, from_dir, from, dir, name, RENAME_NOREPLACE));
    if (rc != -EINVAL && rc != -ENOSYS)
        return rc;
    struct statx st; /* a file system that cannot do both at once: look first */
    if (sp_at_stat(dir, name, &st) == 0)
        return -EEXIST;
    return (int)ATTEMPT(SP_OS_RENAME, renameat(from_dir, from, dir, name));
}

int sp_at_remove(int dir, const char *name, bool folder)
{
    return (int)ATTEMPT(SP_OS_UNLINK, unlinkat(dir, name, folder ? AT_REMOVEDIR : 0));
}

/* ---- data ---- */

ssize_t sp_at_read(int fd, void *to, size_t len, uint64_t offset)
{
    size_t done = 0;
    while (done < len) {
        long got = ATTEMPT(SP_OS_READ, pread(fd, (char *)to + done, len - done, (off_t)(offset + done)));
        if (got < 0)
            return got;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

int sp_at_write(int fd, const void *from, size_t len, uint64_t offset)
{
    for (size_t done = 0; done < len;) {
        long put = ATTEMPT(SP_OS_WRITE, pwrite(fd, (const char *)from + done, len - done, (off_t)(offset + done)));
        if (put < 0)
            return (int)put;
        done += (size_t)put;
    }
    return 0;
}

int sp_at_next_data(int fd, uint64_t offset, uint64_t *start, uint64_t *end)
{
    long data = ATTEMPT(SP_OS_READ, lseek(fd, (off_t)offset, SEEK_DATA));
    if (data == -EINVAL) {
        *start = offset;
        *end = UINT64_MAX;
        return 0;
    }
    if (data < 0)
        return (int)data;
    long hole = ATTEMPT(SP_OS_READ, lseek(fd, data, SEEK_HOLE));
    if (hole < 0)
        return (int)hole;
    *start = (uint64_t)data;
    *end = (uint64_t)hole;
    return 0;
}

ssize_t sp_at_copy_range(int from, int to, uint64_t offset, size_t len)
{
    loff_t in = (loff_t)offset, out = (loff_t)offset;
    return ATTEMPT(SP_OS_CLONE, copy_file_range(from, &in, to, &out, len, 0));
}

int sp_at_set_size(int fd, uint64_t size)
{
    return (int)ATTEMPT(SP_OS_TRUNCATE, ftruncate(fd, (off_t)size));
}

void sp_at_reserve(int fd, uint64_t size)
{
    (void)!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
}

/* ---- what is kept beside the data ---- */

int sp_at_set_owner(int fd, const char *name, uint32_t user, uint32_t group)
{
    return (int)ATTEMPT(SP_OS_META,
                        fchownat(fd, name ? name : "", user, group, name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH));
}

int sp_at_set_mode(int fd, const char *name, unsigned mode)
{
    return (int)ATTEMPT(SP_OS_META, name ? fchmodat(fd, name, mode, 0) : fchmod(fd, mode));
}

static struct timespec timespec_of(int64_t ns)
{
    int64_t seconds = ns / 1000000000, rest = ns % 1000000000;
    if (rest < 0) {
        seconds--;
        rest += 1000000000;
    }
    return (struct timespec){seconds, rest};
}

int sp_at_set_times(int fd, const char *name, int64_t accessed_ns, int64_t modified_ns)
{
    struct timespec times[2] = {timespec_of(accessed_ns), timespec_of(modified_ns)};
    return (int)ATTEMPT(SP_OS_META, name ? utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW) : futimens(fd, times));
}

enum { PROC_PATH_MAX = 300 };

/* There are no calls on attributes relative to a descriptor, but this path leads to what they would. */
static const char *proc_path(int dir, const char *name, char path[PROC_PATH_MAX])
{
    snprintf(path, PROC_PATH_MAX, "/proc/self/fd/%d/%s", dir, name);
    return path;
}

ssize_t sp_at_list_attributes(int fd, const char *name, char *names, size_t len)
{
    char path[PROC_PATH_MAX];
    return ATTEMPT(SP_OS_META, name ? llistxattr(proc_path(fd, name, path), names, len) : flistxattr(fd, names, len));
}

ssize_t sp_at_get_attribute(int fd, const char *name, const char *attribute, void *value, size_t len)
{
    char path[PROC_PATH_MAX];
    return ATTEMPT(SP_OS_META, name ? lgetxattr(proc_path(fd, name, path), attribute, value, len)
                                    : fgetxattr(fd, attribute, value, len));
}

int sp_at_set_attribute(int fd, const char *name, const char *attribute, const void *value, size_t len)
{
    char path[PROC_PATH_MAX];
    return (int)ATTEMPT(SP_OS_META, name ? lsetxattr(proc_path(fd, name, path), attribute, value, len, 0)
                                         : fsetxattr(fd, attribute, value, len, 0));
}

int sp_at_drop_attribute(int fd, const char *name, const char *attribute)
{
    char path[PROC_PATH_MAX];
    return (int)ATTEMPT(SP_OS_META,
                        name ? lremovexattr(proc_path(fd, name, path), attribute) : fremovexattr(fd, attribute));
}

int sp_at_sync(int fd)
{
    return (int)ATTEMPT(SP_OS_FSYNC, fsync(fd));
}

int sp_at_sync_system(int fd)
{
    return (int)ATTEMPT(SP_OS_FSYNC, syncfs(fd));
}
