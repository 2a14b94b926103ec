/* rejects.c - see rejects.h. One lock on the file: who holds it has lines at its end that no commit stands for yet. */
#include "flow/rejects.h"

#include "os/os.h"

#include <pthread.h>
#include <stdio.h>

struct sp_rejects {
    const char *path; /* NULL: nobody is told */
    const char *job;  /* NULL: none */
    char *temporary;
    int fd;
    uint64_t length, max;
    uint64_t *of; /* a table; n of them */
    uint32_t n;
    uint64_t rows; /* in the file */
    bool ours;     /* it is locked, and held no other run's rows */
    pthread_mutex_t lock;
};

/* ---- opening ------------------------------------------------------------------------------------- */

static int refuse_used(const sp_rejects *r, spate_error *err)
{
    sp_fail(err, SPATE_E_USAGE, "\"%s\" holds rejected rows of another run", r->path);
    sp_error_hint(err, "copy them out of it, or name another file");
    return SPATE_E_USAGE;
}

static int open_file(sp_rejects *r, spate_error *err)
{
    if (!r->path)
        return SPATE_OK;
    size_t room = strlen(r->path) + sizeof(".partial");
    r->temporary = sp_alloc(room);
    if (!r->temporary)
        return sp_fail_nomem(err);
    snprintf(r->temporary, room, "%s.partial", r->path);
    int rc = sp_os_open(r->path, SP_OS_OPEN_MAKE, &r->fd, err);
    if (rc == SPATE_OK)
        rc = sp_os_size(r->fd, r->path, &r->length, err);
    bool alone = true;
    if (rc == SPATE_OK)
        rc = sp_os_lock_byte(r->fd, 0, SP_OS_LOCK_ALONE, false, &alone, r->path, err);
    if (rc == SPATE_OK && !alone)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "\"%s\" is being written by another run", r->path);
    if (rc == SPATE_OK && r->length && !r->job)
        rc = refuse_used(r, err);
    r->ours = rc == SPATE_OK;
    return rc == SPATE_OK ? sp_os_sync_parent(r->path, err) : rc;
}

int sp_rejects_open(const char *path, uint64_t max, const char *job, sp_rejects **out, spate_error *err)
{
    sp_rejects *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    pthread_mutex_init(&r->lock, NULL);
    r->path = path;
    r->job = job;
    r->fd = -1;
    r->max = max;
    int rc = open_file(r, err);
    if (rc == SPATE_OK)
        *out = r;
    else
        sp_rejects_close(r);
    return rc;
}

void sp_rejects_close(sp_rejects *r)
{
    if (!r)
        return;
    if (r->ours && r->length == 0)
        (void)!sp_os_unlink(r->path, NULL);
    (void)!sp_os_close(&r->fd, "", NULL);
    pthread_mutex_destroy(&r->lock);
    sp_free(r->temporary);
    sp_free(r->of);
    sp_free(r);
}

/* ---- what the runs before have left -------------------------------------------------------------- */

typedef struct leftover {
    sp_rejects *r;
    const sp_source *source;
    const sp_landed *landed;
    sp_buf bytes, kept, word;
    uint64_t line, dropped;
} leftover;

static bool has_landed(const sp_landed *l, uint64_t position)
{
    for (size_t i = 0; i < l->n; i++)
        if (position >= l->ranges[i].first && position < l->ranges[i].last)
            return true;
    return false;
}

static int judge_line(leftover *o, sp_str line, spate_error *err)
{
    sp_rejected_line told;
    o->line++;
    int rc = sp_reject_read(line, &o->word, &told, err);
    if (rc != SPATE_OK)
        return sp_fail_context(err, rc, "\"%s\", line %llu", o->r->path, (unsigned long long)o->line);
    if (!sp_str_is(told.job, o->r->job))
        return refuse_used(o->r, err);
    bool known = false, keep = true;
    for (uint32_t t = 0; t < o->source->n_tables && !known; t++) {
        known = sp_str_is(told.table, o->source->tables[t]->table);
        keep = !known || (o->landed && has_landed(&o->landed[t], told.position));
        o->r->of[t] += known && keep;
    }
    o->r->rows += keep;
    o->dropped += !keep;
    return keep && (sp_buf_add(&o->kept, line.p, line.len) || sp_buf_add(&o->kept, "\n", 1)) ? sp_fail_nomem(err)
                                                                                             : SPATE_OK;
}

/* Every line is looked at, and those that stay go into a file of their own, which takes the other's place if any was dropped. What
 * no line break ends was being written when the run died. */
static int look_through(leftover *o, int to, spate_error *err)
{
    enum { PIECE_BYTES = 1 << 20 };
    sp_rejects *r = o->r;
    uint64_t length = 0;
    int rc = SPATE_OK;
    for (uint64_t at = 0; at < r->length && rc == SPATE_OK;) {
        size_t n = (size_t)SP_MIN(r->length - at, (uint64_t)PIECE_BYTES);
        rc = sp_buf_reserve(&o->bytes, n) ? sp_fail_nomem(err)
                                          : sp_os_read_at(r->fd, o->bytes.data + o->bytes.len, n, at, r->path, err);
        at += n;
        o->bytes.len += rc == SPATE_OK ? n : 0;
        size_t used = 0;
        for (const char *end; rc == SPATE_OK && (end = memchr(o->bytes.data + used, '\n', o->bytes.len - used));) {
            size_t len = (size_t)(end - o->bytes.data) - used;
            rc = judge_line(o, (sp_str){o->bytes.data + used, len}, err);
            used += len + 1;
        }
        if (rc != SPATE_OK)
            break;
        memmove(o->bytes.data, o->bytes.data + used, o->bytes.len - used);
        o->bytes.len -= used;
        rc = sp_os_write_at(to, o->kept.data, o->kept.len, length, r->temporary, err);
        length += o->kept.len;
        o->kept.len = 0;
    }
    o->dropped += o->bytes.len > 0;
    r->length = rc == SPATE_OK ? length : r->length;
    return rc;
}

static int take_over(leftover *o, spate_error *err)
{
    sp_rejects *r = o->r;
    int to = -1;
    bool alone;
    int rc = sp_os_create(r->temporary, &to, err);
    if (rc == SPATE_OK)
        rc = look_through(o, to, err);
    if (rc == SPATE_OK && o->dropped)
        rc = sp_os_sync(to, r->temporary, err);
    if (rc == SPATE_OK && o->dropped)
        rc = sp_os_publish(r->temporary, r->path, err);
    if (rc == SPATE_OK && o->dropped) {
        (void)!sp_os_close(&r->fd, r->path, NULL);
        rc = sp_os_open(r->path, SP_OS_OPEN_UPDATE, &r->fd, err);
        if (rc == SPATE_OK)
            rc = sp_os_lock_byte(r->fd, 0, SP_OS_LOCK_ALONE, false, &alone, r->path, err);
    } else {
        (void)!sp_os_unlink(r->temporary, NULL);
    }
    (void)!sp_os_close(&to, "", NULL);
    return rc;
}

int sp_rejects_resume(sp_rejects *r, const sp_source *source, const sp_landed *landed, spate_error *err)
{
    r->n = source->n_tables;
    r->of = sp_alloc_zero(r->n + 1, sizeof(*r->of));
    if (!r->of)
        return sp_fail_nomem(err);
    if (r->length == 0)
        return SPATE_OK;
    leftover o = {.r = r, .source = source, .landed = landed};
    int rc = take_over(&o, err);
    sp_buf_done(&o.bytes);
    sp_buf_done(&o.kept);
    sp_buf_done(&o.word);
    return rc;
}

uint64_t sp_rejects_of(sp_rejects *r, uint32_t table)
{
    return r->of && table < r->n ? __atomic_load_n(&r->of[table], __ATOMIC_RELAXED) : 0;
}

/* ---- a chunk's rows ------------------------------------------------------------------------------ */

void sp_rejected_reset(sp_rejected *of)
{
    of->lines.len = 0;
    of->rows = 0;
}

void sp_rejected_done(sp_rejected *of)
{
    sp_buf_done(&of->lines);
    of->rows = 0;
}

/* Another row of the chunk: is there room for it? */
static int count_row(sp_rejects *r, sp_rejected *to, const spate_error *why, spate_error *err)
{
    if (__atomic_load_n(&r->rows, __ATOMIC_RELAXED) + ++to->rows > r->max) {
        if (err)
            *err = *why;
        return sp_fail_context(err, SPATE_E_DATA, "more than %llu row%s rejected (--max-rejects), the last for",
                               (unsigned long long)r->max, r->max == 1 ? " was" : "s were");
    }
    if (to->lines.len > SP_REJECTED_BYTES_MAX)
        return sp_fail(err, SPATE_E_DATA, "the rejected rows of a single chunk are more than %d MiB",
                       SP_REJECTED_BYTES_MAX >> 20);
    return SPATE_OK;
}

int sp_rejects_add_row(sp_rejects *r, sp_rejected *to, const sp_reject *place, const spate_error *why,
                       const sp_batch *b, uint32_t row, spate_error *err)
{
    sp_reject at = *place;
    at.job = r->job;
    int rc = count_row(r, to, why, err);
    return rc == SPATE_OK && r->path && sp_reject_row(&to->lines, &at, why, b, row) ? sp_fail_nomem(err) : rc;
}

int sp_rejects_add_line(sp_rejects *r, sp_rejected *to, const sp_reject *place, const spate_error *why,
                        const sp_unread *line, spate_error *err)
{
    sp_reject at = *place;
    at.job = r->job;
    int rc = count_row(r, to, why, err);
    return rc == SPATE_OK && r->path && sp_reject_line(&to->lines, &at, why, line) ? sp_fail_nomem(err) : rc;
}

int sp_rejects_before_commit(sp_rejects *r, const sp_rejected *of, spate_error *err)
{
    if (of->rows == 0 || !r->path)
        return SPATE_OK;
    pthread_mutex_lock(&r->lock);
    int rc = r->rows + of->rows > r->max
                 ? sp_fail(err, SPATE_E_DATA, "more than %llu rows were rejected (--max-rejects)",
                           (unsigned long long)r->max)
                 : SPATE_OK;
    if (rc == SPATE_OK)
        rc = sp_os_write_at(r->fd, of->lines.data, of->lines.len, r->length, r->path, err);
    if (rc == SPATE_OK)
        rc = sp_os_sync(r->fd, r->path, err);
    if (rc != SPATE_OK) {
        (void)!sp_os_truncate(r->fd, r->length, r->path, NULL);
        pthread_mutex_unlock(&r->lock);
    }
    return rc;
}

/* After a failure that leaves open what the target has done, the lines stay: better a row told of that is there than one lost. */
static bool surely_not_committed(int rc)
{
    return rc == SPATE_E_RETRY || rc == SPATE_E_DATA || rc == SPATE_E_INTERRUPTED;
}

int sp_rejects_after_commit(sp_rejects *r, const sp_rejected *of, uint32_t table, int rc, spate_error *err)
{
    if (of->rows == 0 || !r->path)
        return rc;
    if (surely_not_committed(rc)) {
        (void)!sp_os_truncate(r->fd, r->length, r->path, NULL);
    } else {
        r->length += of->lines.len;
        __atomic_fetch_add(&r->rows, of->rows, __ATOMIC_RELAXED);
        __atomic_fetch_add(&r->of[table], of->rows, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}
