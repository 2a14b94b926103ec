/* file.c - files by descriptor. Every call goes through call_fails() first, where tests make the n-th one of a kind fail. */
#include "os/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static _Atomic uint64_t fail_countdown[SP_OS_CALLS];
static _Atomic int fail_errno[SP_OS_CALLS];

void sp_os_fail_at(sp_os_call call, uint64_t nth, int os_errno)
{
    atomic_store(&fail_errno[call], os_errno);
    atomic_store(&fail_countdown[call], nth);
}

/* True, with errno set, when a test wants this call to fail. */
bool sp_os_call_fails(sp_os_call call)
{
    if (SP_LIKELY(atomic_load_explicit(&fail_countdown[call], memory_order_relaxed) == 0))
        return false;
    if (atomic_fetch_sub(&fail_countdown[call], 1) != 1)
        return false;
    errno = atomic_load(&fail_errno[call]);
    return true;
}

static int open_retrying(const char *path, int flags)
{
    int fd;
    do
        fd = sp_os_call_fails(SP_OS_OPEN) ? -1 : open(path, flags | O_CLOEXEC, 0666);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static ssize_t read_retrying(int fd, void *to, size_t len)
{
    ssize_t got;
    do
        got = sp_os_call_fails(SP_OS_READ) ? -1 : read(fd, to, len);
    while (got < 0 && errno == EINTR);
    return got;
}

static int read_to_end(int fd, const char *path, size_t max, sp_buf *buf, spate_error *err)
{
    for (;;) {
        if (sp_buf_reserve(buf, 64 << 10) != SPATE_OK)
            return sp_fail_nomem(err);
        ssize_t got = read_retrying(fd, buf->data + buf->len, buf->cap - buf->len);
        if (got < 0)
            return sp_fail_errno(err, errno, "could not read file \"%s\"", path);
        buf->len += (size_t)got;
        if (buf->len > max)
            return sp_fail(err, SPATE_E_CONFIG, "file \"%s\" is larger than %zu bytes", path, max);
        if (got == 0)
            break;
    }
    if (sp_buf_reserve(buf, 1) != SPATE_OK)
        return sp_fail_nomem(err);
    buf->data[buf->len] = '\0';
    return SPATE_OK;
}

int sp_os_read_file(const char *path, size_t max, sp_buf *buf, spate_error *err)
{
    if (strcmp(path, "-") == 0)
        return read_to_end(STDIN_FILENO, "standard input", max, buf, err);
    int fd = open_retrying(path, O_RDONLY);
    if (fd < 0)
        return sp_fail_errno(err, errno, "could not open file \"%s\"", path);
    int rc = read_to_end(fd, path, max, buf, err);
    close(fd);
    return rc;
}

int sp_os_open(const char *path, sp_os_open_how how, int *fd, spate_error *err)
{
    static const int flags[] = {O_RDONLY, O_RDWR, O_RDWR | O_CREAT | O_EXCL, O_RDWR | O_CREAT};
    int got = open_retrying(path, flags[how]);
    if (got < 0)
        return sp_fail_errno(
            err, errno, how >= SP_OS_OPEN_NEW ? "could not create file \"%s\"" : "could not open file \"%s\"", path);
    *fd = got;
    return SPATE_OK;
}

int sp_os_size(int fd, const char *path, uint64_t *size, spate_error *err)
{
    struct stat st;
    if (sp_os_call_fails(SP_OS_STAT) || fstat(fd, &st) != 0)
        return sp_fail_errno(err, errno, "could not look at \"%s\"", path);
    *size = (uint64_t)st.st_size;
    return SPATE_OK;
}

int sp_os_read_at(int fd, void *bytes, size_t len, uint64_t at, const char *path, spate_error *err)
{
    char *p = bytes;
    while (len > 0) {
        ssize_t got = sp_os_call_fails(SP_OS_READ) ? -1 : pread(fd, p, len, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sp_fail_errno(err, errno, "could not read file \"%s\"", path);
        if (got == 0)
            return sp_fail(err, SPATE_E_CORRUPT, "file \"%s\" ends before byte %llu", path,
                           (unsigned long long)(at + len));
        p += got;
        at += (uint64_t)got;
        len -= (size_t)got;
    }
    return SPATE_OK;
}

int sp_os_write_at(int fd, const void *bytes, size_t len, uint64_t at, const char *path, spate_error *err)
{
    const char *p = bytes;
    while (len > 0) {
        ssize_t put = sp_os_call_fails(SP_OS_WRITE) ? -1 : pwrite(fd, p, len, (off_t)at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return sp_fail_errno(err, errno, "could not write to \"%s\"", path);
        p += put;
        at += (uint64_t)put;
        len -= (size_t)put;
    }
    return SPATE_OK;
}

int sp_os_lock_byte(int fd, uint64_t byte, sp_os_lock lock, bool wait, bool *got, const char *path, spate_error *err)
{
    static const short kinds[] = {F_UNLCK, F_RDLCK, F_WRLCK};
    struct flock l = {.l_type = kinds[lock], .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
    int rc;
    do
        rc = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l);
    while (rc != 0 && errno == EINTR);
    *got = rc == 0 || errno == EINVAL || errno == ENOLCK || errno == EOPNOTSUPP;
    if (*got || errno == EAGAIN || errno == EACCES)
        return SPATE_OK;
    return sp_fail_errno(err, errno, "could not lock \"%s\"", path);
}

void *sp_os_map(int fd, size_t len, const char *path, spate_error *err)
{
    void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (map != MAP_FAILED)
        return map;
    sp_fail_errno(err, errno, "could not map file \"%s\"", path);
    return NULL;
}

void sp_os_unmap(void *map, size_t len)
{
    if (map)
        munmap(map, len);
}

void sp_os_map_soon(const void *p, size_t len)
{
    uintptr_t from = (uintptr_t)p & ~(uintptr_t)4095;
    madvise((void *)from, (uintptr_t)p + len - from, MADV_WILLNEED);
}

void sp_os_map_scattered(void *map, size_t len, bool scattered)
{
    madvise(map, len, scattered ? MADV_RANDOM : MADV_NORMAL);
}

int sp_os_open_input(const char *path, int *fd, spate_error *err)
{
    int opened = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open_retrying(path, O_RDONLY);
    if (opened < 0)
        return sp_fail_errno(err, errno, "could not open file \"%s\"", path);
    *fd = opened;
    return SPATE_OK;
}

int sp_os_seek(int fd, uint64_t offset, const char *path, spate_error *err)
{
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return sp_fail_errno(err, errno, "could not go back in \"%s\"", path);
    return SPATE_OK;
}

int sp_os_read(int fd, void *to, size_t len, const char *path, size_t *got, spate_error *err)
{
    ssize_t n = read_retrying(fd, to, len);
    if (n < 0)
        return sp_fail_errno(err, errno, "could not read file \"%s\"", path);
    *got = (size_t)n;
    return SPATE_OK;
}

int sp_os_input_size(const char *path, uint64_t *size, bool *regular, spate_error *err)
{
    struct stat st;
    if (sp_os_call_fails(SP_OS_STAT) || (strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st)) != 0)
        return sp_fail_errno(err, errno, "could not look at \"%s\"", path);
    *regular = S_ISREG(st.st_mode);
    *size = *regular ? (uint64_t)st.st_size : 0;
    return SPATE_OK;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int sp_os_list(const char *path, sp_arena *arena, char ***names, uint32_t *n, spate_error *err)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_shown, alphasort);
    if (count < 0)
        return sp_fail_errno(err, errno, "could not list directory \"%s\"", path);
    *names = sp_arena_alloc(arena, (size_t)count + 1, sizeof(**names));
    *n = 0;
    bool ok = *names != NULL;
    for (int i = 0; i < count; i++) {
        char *name = ok ? sp_arena_strndup(arena, entries[i]->d_name, strlen(entries[i]->d_name)) : NULL;
        ok = ok && name;
        if (ok)
            (*names)[(*n)++] = name;
        free(entries[i]);
    }
    free(entries);
    return ok ? SPATE_OK : sp_fail_nomem(err);
}

int sp_os_create(const char *path, int *fd, spate_error *err)
{
    int made = open_retrying(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (made < 0)
        return sp_fail_errno(err, errno, "could not create file \"%s\"", path);
    *fd = made;
    return SPATE_OK;
}

int sp_os_write_all(int fd, const void *bytes, size_t len, const char *path, spate_error *err)
{
    const char *p = bytes;
    while (len > 0) {
        ssize_t put = sp_os_call_fails(SP_OS_WRITE) ? -1 : write(fd, p, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return sp_fail_errno(err, errno, "could not write to \"%s\"", path);
        p += put;
        len -= (size_t)put;
    }
    return SPATE_OK;
}

int sp_os_sync(int fd, const char *path, spate_error *err)
{
    if (sp_os_call_fails(SP_OS_FSYNC) || fsync(fd) != 0)
        return sp_fail_errno(err, errno, "could not sync \"%s\" to disk", path);
    return SPATE_OK;
}

void sp_os_write_behind(int fd, uint64_t offset, uint64_t len)
{
    (void)!sync_file_range(fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

int sp_os_truncate(int fd, uint64_t len, const char *path, spate_error *err)
{
    if (sp_os_call_fails(SP_OS_TRUNCATE) || ftruncate(fd, (off_t)len) != 0 || lseek(fd, (off_t)len, SEEK_SET) < 0)
        return sp_fail_errno(err, errno, "could not cut \"%s\" to %llu bytes", path, (unsigned long long)len);
    return SPATE_OK;
}

int sp_os_close(int *fd, const char *path, spate_error *err)
{
    if (*fd < 0)
        return SPATE_OK;
    int rc = close(*fd); /* the descriptor is gone whatever close says */
    *fd = -1;
    if (sp_os_call_fails(SP_OS_CLOSE) || (rc != 0 && errno != EINTR))
        return sp_fail_errno(err, errno, "could not close \"%s\"", path);
    return SPATE_OK;
}

/* Syncs the directory that path is in, where the system can do that. */
int sp_os_sync_parent(const char *path, spate_error *err)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof(dir))
        return sp_fail_errno(err, ENAMETOOLONG, "cannot sync the directory of \"%s\"", path);
    memcpy(dir, path, len);
    dir[len] = '\0';
    const char *name = !slash ? "." : len == 0 ? "/" : dir;
    int fd = open_retrying(name, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return sp_fail_errno(err, errno, "could not open directory \"%s\"", name);
    int failed = sp_os_call_fails(SP_OS_FSYNC) || (fsync(fd) != 0 && errno != EINVAL && errno != EROFS);
    int why = errno;
    close(fd);
    return failed ? sp_fail_errno(err, why, "could not sync directory \"%s\" to disk", name) : SPATE_OK;
}

int sp_os_publish(const char *from, const char *to, spate_error *err)
{
    if (sp_os_call_fails(SP_OS_RENAME) || rename(from, to) != 0)
        return sp_fail_errno(err, errno, "could not rename \"%s\" to \"%s\"", from, to);
    return sp_os_sync_parent(to, err);
}

int sp_os_unlink(const char *path, spate_error *err)
{
    if (sp_os_call_fails(SP_OS_UNLINK) || (unlink(path) != 0 && errno != ENOENT))
        return sp_fail_errno(err, errno, "could not remove \"%s\"", path);
    return SPATE_OK;
}

int sp_os_make_dirs(const char *path, spate_error *err)
{
    char dir[4096];
    size_t len = strlen(path);
    if (len >= sizeof(dir))
        return sp_fail_errno(err, ENAMETOOLONG, "cannot create directory \"%s\"", path);
    memcpy(dir, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (dir[i] != '/' && dir[i] != '\0')
            continue;
        char kept = dir[i];
        dir[i] = '\0';
        if (sp_os_call_fails(SP_OS_MKDIR) || (mkdir(dir, 0777) != 0 && errno != EEXIST))
            return sp_fail_errno(err, errno, "could not create directory \"%s\"", dir);
        dir[i] = kept;
    }
    return sp_os_is_dir(path) ? SPATE_OK : sp_fail_errno(err, ENOTDIR, "cannot create directory \"%s\"", path);
}

int sp_os_kind_of(const char *path, sp_os_kind *kind, spate_error *err)
{
    struct stat st;
    if (sp_os_call_fails(SP_OS_STAT) || stat(path, &st) != 0) {
        *kind = SP_OS_NOTHING;
        return errno == ENOENT || errno == ENOTDIR ? SPATE_OK
                                                   : sp_fail_errno(err, errno, "could not look at \"%s\"", path);
    }
    *kind = S_ISREG(st.st_mode) ? SP_OS_FILE : S_ISDIR(st.st_mode) ? SP_OS_DIR : SP_OS_OTHER;
    return SPATE_OK;
}

bool sp_os_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool sp_os_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

bool sp_os_leads_to(const char *path, int fd)
{
    struct stat named, open;
    return stat(path, &named) == 0 && fstat(fd, &open) == 0 && named.st_ino == open.st_ino &&
           named.st_dev == open.st_dev;
}

char *sp_os_directory(sp_arena *arena)
{
    char here[PATH_MAX];
    return getcwd(here, sizeof(here)) ? sp_arena_strndup(arena, here, strlen(here)) : NULL;
}

int sp_os_free_bytes(const char *path, uint64_t *bytes, spate_error *err)
{
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return sp_fail_errno(err, errno, "could not look at \"%s\"", path);
    *bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return SPATE_OK;
}

int sp_os_stamp(const char *path, uint64_t *size, int64_t *modified_ns, spate_error *err)
{
    struct stat st = {0};
    if ((sp_os_call_fails(SP_OS_STAT) || stat(path, &st) != 0) && errno != ENOENT)
        return sp_fail_errno(err, errno, "could not look at \"%s\"", path);
    *size = (uint64_t)st.st_size;
    *modified_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return SPATE_OK;
}
