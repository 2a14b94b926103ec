/* journal.c - groups on their way to disk, and back. */
#include "ledger/journal.h"

#include "os/at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char file_magic[16] = "spate ledger 2\n";
static const char group_magic[4] = "SLG1";

static uint64_t group_hash(const sp_journal *j, uint64_t number, const char *payload, uint32_t len)
{
    return sp_hash64(payload, len, sp_mix64(j->salt + number * SP_PHI) ^ len);
}

static void group_header(const sp_journal *j, char head[SP_GROUP_HEADER], const char *payload, uint32_t len)
{
    uint64_t hash = group_hash(j, j->number, payload, len);
    memcpy(head, group_magic, 4);
    memcpy(head + 4, &len, 4);
    memcpy(head + 8, &j->number, 8);
    memcpy(head + 16, &hash, 8);
}

static char *path_with(const char *path, const char *end)
{
    size_t len = strlen(path) + strlen(end) + 1;
    char *whole = sp_alloc(len);
    if (whole)
        snprintf(whole, len, "%s%s", path, end);
    return whole;
}

static char *fresh_path(const char *path)
{
    return path_with(path, ".new");
}

static uint64_t padded(uint64_t len)
{
    return (len + 7) & ~(uint64_t)7;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

/* The length of the whole group at p, or 0. any: of whatever number. */
static uint64_t whole_group(const sp_journal *j, const char *p, uint64_t left, uint64_t number, bool any)
{
    uint32_t len;
    uint64_t its, hash;
    if (left < SP_GROUP_HEADER || memcmp(p, group_magic, 4) != 0)
        return 0;
    memcpy(&len, p + 4, 4);
    memcpy(&its, p + 8, 8);
    memcpy(&hash, p + 16, 8);
    if (len > left - SP_GROUP_HEADER || (!any && its != number) || hash != group_hash(j, its, p + SP_GROUP_HEADER, len))
        return 0;
    return SP_MIN(padded(SP_GROUP_HEADER + (uint64_t)len), left);
}

/* What a crash leaves is an unfinished last group; with a whole one behind it, it is damage. */
static int check_tail(const sp_journal *j, const char *map, uint64_t at, uint64_t size, spate_error *err)
{
    for (uint64_t k = padded(at + 1); k + SP_GROUP_HEADER <= size; k += 8)
        if (whole_group(j, map + k, size - k, 0, true)) {
            sp_fail(err, SPATE_E_CORRUPT, "\"%s\" is damaged at byte %llu: group %llu is not what was written", j->path,
                    (unsigned long long)at, (unsigned long long)j->number);
            sp_error_hint(err, "whole groups follow from byte %llu on; restore the file from a copy",
                          (unsigned long long)k);
            return SPATE_E_CORRUPT;
        }
    return SPATE_OK;
}

static int read_groups(sp_journal *j, uint64_t size, sp_journal_fn fn, void *arg, uint64_t *end, spate_error *err)
{
    char *map = sp_os_map(j->fd, size, j->path, err);
    if (!map)
        return err ? err->status : SPATE_E_IO;
    uint64_t at = SP_JOURNAL_HEADER, len;
    int rc = SPATE_OK;
    j->number = 0;
    while (rc == SPATE_OK && (len = whole_group(j, map + at, size - at, j->number, false)) != 0) {
        uint32_t payload;
        memcpy(&payload, map + at + 4, 4);
        rc = fn(arg, map + at + SP_GROUP_HEADER, payload, err);
        at += len;
        j->number++;
    }
    if (rc == SPATE_OK && at < size)
        rc = check_tail(j, map, at, size, err);
    sp_os_unmap(map, size);
    *end = at;
    return rc;
}

static int write_header(const sp_journal *j, spate_error *err)
{
    char head[SP_JOURNAL_HEADER] = {0};
    memcpy(head, file_magic, sizeof(file_magic));
    memcpy(head + 16, &j->salt, 8);
    uint64_t hash = sp_hash64(head, 24, 0);
    memcpy(head + 24, &hash, 8);
    return sp_os_write_all(j->fd, head, sizeof(head), j->path, err);
}

static int begin(sp_journal *j, spate_error *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    j->salt = sp_mix64((uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec) ^ sp_mix64((uint64_t)getpid());
    j->size = SP_JOURNAL_HEADER;
    int rc = sp_os_truncate(j->fd, 0, j->path, err);
    rc = rc ? rc : write_header(j, err);
    j->young = rc == SPATE_OK;
    return rc;
}

static int read_header(sp_journal *j, spate_error *err)
{
    char head[SP_JOURNAL_HEADER];
    uint64_t hash;
    int rc = sp_os_read_at(j->fd, head, sizeof(head), 0, j->path, err);
    if (rc != SPATE_OK)
        return rc;
    memcpy(&hash, head + 24, 8);
    if (memcmp(head, file_magic, sizeof(file_magic)) != 0 || hash != sp_hash64(head, 24, 0))
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\" is not the journal of a ledger", j->path);
    memcpy(&j->salt, head + 16, 8);
    return SPATE_OK;
}

static int lock_file(sp_journal *j, spate_error *err)
{
    bool got = false;
    int rc = sp_os_lock_byte(j->fd, 0, SP_OS_LOCK_ALONE, false, &got, j->path, err);
    return rc == SPATE_OK && !got
               ? sp_fail(err, SPATE_E_UNREACHABLE, "another process has the ledger \"%s\" open", j->path)
               : rc;
}

static int load(sp_journal *j, sp_journal_fn fn, void *arg, bool *fresh, uint64_t *cut, spate_error *err)
{
    uint64_t size = 0;
    *cut = 0;
    int rc = sp_os_size(j->fd, j->path, &size, err);
    *fresh = size < SP_JOURNAL_HEADER;
    if (rc != SPATE_OK || *fresh)
        return rc == SPATE_OK ? begin(j, err) : rc;
    rc = read_header(j, err);
    if (rc == SPATE_OK)
        rc = read_groups(j, size, fn, arg, &j->size, err);
    if (rc != SPATE_OK)
        return rc;
    *cut = size - j->size;
    return sp_os_truncate(j->fd, j->size, j->path, err);
}

/* ---- writing --------------------------------------------------------------------------------------------------------------- */

static int write_group(sp_journal *j, spate_error *err)
{
    uint32_t len = (uint32_t)(j->out.len - SP_GROUP_HEADER);
    group_header(j, j->out.data, j->out.data + SP_GROUP_HEADER, len);
    memset(j->out.data + j->out.len, 0, 8); /* into the slack */
    j->number++;
    return sp_os_write_all(j->fd, j->out.data, padded(j->out.len), j->path, err);
}

/* A new file comes to the disk, and its name, before any group follows; whoever opened it has begun its work meanwhile. */
static void settle(sp_journal *j)
{
    spate_error err = {0};
    if (!j->young)
        return;
    pthread_mutex_unlock(&j->lock);
    int rc = sp_os_sync(j->fd, j->path, &err);
    rc = rc ? rc : sp_os_sync_parent(j->path, &err);
    pthread_mutex_lock(&j->lock);
    if (rc != SPATE_OK)
        j->failure = err;
    j->young = false;
    pthread_cond_broadcast(&j->done);
}

static void *write_groups(void *arg)
{
    sp_journal *j = arg;
    pthread_mutex_lock(&j->lock);
    settle(j);
    for (;;) {
        while (j->gather.len <= SP_GROUP_HEADER && !j->stop)
            pthread_cond_wait(&j->work, &j->lock);
        if (j->gather.len <= SP_GROUP_HEADER)
            break;
        while (!j->hurry && !j->stop && j->gather.len < SP_GROUP_BYTES && sp_os_monotonic_us() < j->due_us)
            (void)sp_os_cond_wait_until(&j->work, &j->lock, j->due_us);
        sp_buf swap = j->gather;
        j->gather = j->out;
        j->out = swap;
        j->gather.len = SP_GROUP_HEADER;
        j->hurry = false;
        uint64_t covers = j->appended;
        bool dead = j->failure.status != SPATE_OK;
        spate_error err = {0};
        pthread_mutex_unlock(&j->lock);
        int rc = dead ? SPATE_OK : write_group(j, &err);
        rc = rc || dead ? rc : sp_os_sync(j->fd, j->path, &err);
        pthread_mutex_lock(&j->lock);
        if (rc != SPATE_OK)
            j->failure = err;
        j->synced = covers;
        pthread_cond_broadcast(&j->done);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static int failure_of(const sp_journal *j, spate_error *err)
{
    if (j->failure.status != SPATE_OK && err)
        *err = j->failure;
    return j->failure.status;
}

int sp_journal_append(sp_journal *j, const sp_buf *payload, spate_error *err)
{
    if (!j->path)
        return SPATE_OK;
    pthread_mutex_lock(&j->lock);
    while (j->gather.len > SP_GATHERED_MAX && j->failure.status == SPATE_OK)
        pthread_cond_wait(&j->done, &j->lock);
    int rc = failure_of(j, err);
    if (rc == SPATE_OK && payload->len > UINT32_MAX / 2)
        rc = sp_fail(err, SPATE_E_USAGE, "%zu bytes are too many for one record", payload->len);
    if (rc == SPATE_OK && sp_buf_add(&j->gather, payload->data, payload->len) != SPATE_OK) {
        rc = sp_fail_nomem(err); /* memory has what the journal lacks: nothing may follow it */
        sp_fail_nomem(&j->failure);
    }
    if (rc == SPATE_OK) {
        if (j->gather.len == SP_GROUP_HEADER + payload->len)
            j->due_us = sp_os_monotonic_us() + j->sync_ms * INT64_C(1000);
        j->appended += payload->len;
        j->bytes += payload->len;
        if (j->gather.len == SP_GROUP_HEADER + payload->len || j->gather.len >= SP_GROUP_BYTES)
            pthread_cond_signal(&j->work);
    }
    pthread_mutex_unlock(&j->lock);
    return rc;
}

void sp_journal_poison(sp_journal *j, int status, const spate_error *why)
{
    if (!j->path)
        return;
    pthread_mutex_lock(&j->lock);
    if (why)
        j->failure = *why;
    else
        (void)!sp_fail(&j->failure, status, "a record could not be finished");
    pthread_cond_broadcast(&j->done);
    pthread_mutex_unlock(&j->lock);
}

int sp_journal_sync(sp_journal *j, spate_error *err)
{
    if (!j->path)
        return SPATE_OK;
    pthread_mutex_lock(&j->lock);
    uint64_t want = j->appended;
    while ((j->young || j->synced < want) && j->failure.status == SPATE_OK) {
        j->hurry = true;
        pthread_cond_signal(&j->work);
        pthread_cond_wait(&j->done, &j->lock);
    }
    int rc = failure_of(j, err);
    pthread_mutex_unlock(&j->lock);
    return rc;
}

static int look(sp_journal *j, sp_journal_fn fn, void *arg, spate_error *err)
{
    uint64_t size, end;
    int rc = sp_os_open(j->path, SP_OS_OPEN_READ, &j->fd, err);
    if (rc == SPATE_OK)
        rc = sp_os_size(j->fd, j->path, &size, err);
    if (rc == SPATE_OK && size >= SP_JOURNAL_HEADER) {
        rc = read_header(j, err);
        if (rc == SPATE_OK)
            rc = read_groups(j, size, fn, arg, &end, err);
    }
    return rc;
}

uint64_t sp_journal_bytes(const char *path)
{
    uint64_t size = 0;
    int64_t modified_ns;
    char *name = path ? path_with(path, ".journal") : NULL;
    if (name && sp_os_stamp(name, &size, &modified_ns, NULL) != SPATE_OK)
        size = 0;
    sp_free(name);
    return size;
}

/* By its name, for it may be written anew meanwhile. */
int sp_journal_read(sp_journal *j, sp_journal_fn fn, void *arg, spate_error *err)
{
    sp_journal reader = {.path = j->path, .fd = -1};
    int rc = look(&reader, fn, arg, err);
    (void)!sp_os_close(&reader.fd, reader.path, NULL);
    return rc;
}

int sp_journal_look(const char *path, sp_journal_fn fn, void *arg, spate_error *err)
{
    sp_journal j = {.fd = -1, .path = path_with(path, ".journal")};
    if (!j.path)
        return sp_fail_nomem(err);
    int rc = look(&j, fn, arg, err);
    (void)!sp_os_close(&j.fd, j.path, NULL);
    sp_free(j.path);
    return rc;
}

/* ---- written anew -------------------------------------------------------------------------------------------------------------- */

int sp_journal_put(sp_journal *fresh, spate_error *err)
{
    if (fresh->out.len < SP_GROUP_BYTES)
        return SPATE_OK;
    fresh->bytes += padded(fresh->out.len);
    int rc = write_group(fresh, err);
    fresh->out.len = SP_GROUP_HEADER;
    return rc;
}

/* Whoever may read the old file may read the new one, and nobody else. A name that is a link stays one. */
static int take_after(const sp_journal *fresh, const sp_journal *j, spate_error *err)
{
    struct statx was, is, named;
    int rc = sp_at_stat(j->fd, "", &was);
    rc = rc ? rc : sp_at_stat(fresh->fd, "", &is);
    rc = rc ? rc : sp_at_stat(AT_FDCWD, j->path, &named);
    if (rc == 0 && named.stx_ino != was.stx_ino)
        rc = -ESTALE;
    if (rc == 0 && (was.stx_uid != is.stx_uid || was.stx_gid != is.stx_gid))
        rc = sp_at_set_owner(fresh->fd, NULL, was.stx_uid, was.stx_gid);
    rc = rc ? rc : sp_at_set_mode(fresh->fd, NULL, was.stx_mode & 07777);
    return rc ? sp_fail_errno(err, -rc, "could not write \"%s\" anew", j->path) : SPATE_OK;
}

/* The whole of it, on the disk, and locked before anybody else can see it. */
static int write_fresh(sp_journal *fresh, const sp_journal *j, sp_journal_write_fn fn, void *arg, spate_error *err)
{
    int rc = sp_os_unlink(fresh->path, err);
    rc = rc ? rc : sp_os_open(fresh->path, SP_OS_OPEN_NEW, &fresh->fd, err);
    rc = rc ? rc : take_after(fresh, j, err);
    rc = rc ? rc : lock_file(fresh, err);
    rc = rc ? rc : write_header(fresh, err);
    if (rc == SPATE_OK && sp_buf_reserve(&fresh->out, SP_GROUP_BYTES) != SPATE_OK)
        rc = sp_fail_nomem(err);
    fresh->out.len = SP_GROUP_HEADER;
    rc = rc ? rc : fn(arg, fresh, err);
    if (rc == SPATE_OK && fresh->out.len > SP_GROUP_HEADER) {
        fresh->bytes += padded(fresh->out.len);
        rc = write_group(fresh, err);
    }
    return rc ? rc : sp_os_sync(fresh->fd, fresh->path, err);
}

/* From here on the old file is nobody's. A new name that a power cut may take back is no place to promise anything in. */
static int replace(sp_journal *j, sp_journal *fresh, spate_error *err)
{
    pthread_mutex_lock(&j->lock);
    (void)!sp_os_close(&j->fd, j->path, NULL);
    j->fd = fresh->fd;
    j->number = fresh->number;
    j->bytes = fresh->bytes;
    fresh->fd = -1;
    pthread_mutex_unlock(&j->lock);
    int rc = sp_os_sync_parent(j->path, err);
    if (rc != SPATE_OK)
        sp_journal_poison(j, rc, err);
    return rc;
}

int sp_journal_rewrite(sp_journal *j, sp_journal_write_fn fn, void *arg, bool *done, spate_error *err)
{
    sp_journal fresh = {.fd = -1, .salt = j->salt, .bytes = SP_JOURNAL_HEADER};
    *done = false;
    int rc = sp_journal_sync(j, err); /* its thread has nothing to do now, nor will it get anything */
    if (rc != SPATE_OK)
        return rc;
    fresh.path = fresh_path(j->path);
    rc = fresh.path ? write_fresh(&fresh, j, fn, arg, NULL) : SPATE_E_NOMEM;
    *done = rc == SPATE_OK && sp_at_rename(AT_FDCWD, fresh.path, AT_FDCWD, j->path, true) == 0;
    rc = *done ? replace(j, &fresh, err) : SPATE_OK;
    if (!*done && fresh.path) {
        (void)!sp_os_close(&fresh.fd, fresh.path, NULL);
        (void)!sp_os_unlink(fresh.path, NULL);
    }
    sp_buf_done(&fresh.out);
    sp_free(fresh.path);
    return rc;
}

/* ---- life ---------------------------------------------------------------------------------------------------------------------- */

static int start(sp_journal *j, spate_error *err)
{
    pthread_mutex_init(&j->lock, NULL);
    sp_os_cond_init(&j->work);
    pthread_cond_init(&j->done, NULL);
    if (sp_buf_reserve(&j->gather, SP_GROUP_BYTES) != SPATE_OK || sp_buf_reserve(&j->out, SP_GROUP_BYTES) != SPATE_OK)
        return sp_fail_nomem(err);
    j->gather.len = j->out.len = SP_GROUP_HEADER;
    int rc = sp_os_thread_start(&j->thread, write_groups, j, err);
    j->running = rc == SPATE_OK;
    return rc;
}

/* Opens and locks what has the name; what had it when it was opened may have been written anew before it could be locked. */
static int open_locked(sp_journal *j, spate_error *err)
{
    int rc;
    do {
        (void)!sp_os_close(&j->fd, j->path, NULL);
        rc = sp_os_open(j->path, sp_os_exists(j->path) ? SP_OS_OPEN_UPDATE : SP_OS_OPEN_NEW, &j->fd, err);
        rc = rc ? rc : lock_file(j, err);
    } while (rc == SPATE_OK && !sp_os_leads_to(j->path, j->fd));
    return rc;
}

/* What a crash may have left of a journal that was written anew. */
static int clear_fresh(const sp_journal *j, spate_error *err)
{
    char *path = fresh_path(j->path);
    int rc = path ? sp_os_unlink(path, err) : sp_fail_nomem(err);
    sp_free(path);
    return rc;
}

int sp_journal_open(sp_journal *j, const char *path, unsigned sync_ms, sp_journal_fn fn, void *arg, bool *fresh,
                    uint64_t *cut, spate_error *err)
{
    *j = (sp_journal){.fd = -1, .sync_ms = sync_ms};
    *fresh = true;
    *cut = 0;
    if (!path)
        return SPATE_OK;
    if (!(j->path = path_with(path, ".journal")))
        return sp_fail_nomem(err);
    int rc = open_locked(j, err);
    rc = rc ? rc : clear_fresh(j, err);
    rc = rc ? rc : load(j, fn, arg, fresh, cut, err);
    j->bytes = j->size;
    return rc == SPATE_OK ? start(j, err) : rc;
}

void sp_journal_stop(sp_journal *j)
{
    if (!j->running)
        return;
    pthread_mutex_lock(&j->lock);
    j->stop = true;
    pthread_cond_broadcast(&j->work);
    pthread_mutex_unlock(&j->lock);
}

int sp_journal_close(sp_journal *j, spate_error *err)
{
    int rc = SPATE_OK;
    sp_journal_stop(j);
    if (j->running) {
        pthread_join(j->thread, NULL);
        rc = failure_of(j, err);
    }
    if (j->path) {
        int closed = sp_os_close(&j->fd, j->path, rc == SPATE_OK ? err : NULL);
        rc = rc == SPATE_OK ? closed : rc;
    }
    sp_buf_done(&j->gather);
    sp_buf_done(&j->out);
    sp_free(j->path);
    j->path = NULL;
    return rc;
}
