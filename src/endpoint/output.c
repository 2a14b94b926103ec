/* output.c - see output.h. */
#include "endpoint/output.h"

#include "endpoint/pack.h"

#include <stdio.h>
#include <unistd.h>

enum { MEMORY_BYTES_MAX = 1 << 20 };

bool sp_output_is_standard(const char *path)
{
    static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
    for (size_t i = 0; i < SP_COUNT(names); i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return false;
}

const char *sp_output_name(sp_arena *arena, const char *path, const sp_sink_options *options)
{
    if (options->parts <= 1 || !path)
        return path;
    size_t len;
    sp_pack_of_name(path, &len);
    const char *slash = strrchr(path, '/'), *begin = slash ? slash : path,
               *dot = memrchr(begin, '.', (size_t)(path + len - begin));
    int stem = (int)(dot ? (size_t)(dot - path) : strlen(path));
    return sp_arena_printf(arena, "%.*s.%u-of-%u%s", stem, path, options->part, options->parts, dot ? dot : "");
}

static int refuse_directory(const char *path, spate_error *err)
{
    sp_fail(err, SPATE_E_USAGE, "\"%s\" is a directory", path);
    sp_error_hint(err, "\"%s/\" writes a file for each table into it", path);
    return SPATE_E_USAGE;
}

static int refuse_job(const sp_output *o, spate_error *err)
{
    return sp_fail(err, SPATE_E_USAGE, "%s%s%s cannot remember which rows of a job it has", o->standard ? "" : "\"",
                   o->standard ? "standard output" : o->path, o->standard ? "" : "\"");
}

int sp_output_init(sp_output *o, sp_arena *arena, const char *path, bool job, spate_error *err)
{
    sp_os_kind kind = SP_OS_NOTHING;
    *o = (sp_output){.fd = -1, .path = path};
    if (!path)
        return sp_fail_nomem(err);
    o->standard = sp_output_is_standard(path);
    int rc = o->standard ? SPATE_OK : sp_os_kind_of(path, &kind, err);
    if (rc != SPATE_OK)
        return rc;
    if (kind == SP_OS_DIR)
        return refuse_directory(path, err);
    o->direct = o->standard || kind == SP_OS_OTHER;
    if (o->direct && job)
        return refuse_job(o, err);
    o->written_as = o->direct ? o->path : sp_arena_printf(arena, "%s.partial", o->path);
    o->memory = job ? sp_arena_printf(arena, "%s.job", o->path) : NULL;
    return o->written_as && (o->memory || !job) ? SPATE_OK : sp_fail_nomem(err);
}

/* Whoever else writes it keeps it. */
static int open_alone(sp_output *o, spate_error *err)
{
    bool got = false;
    int rc = sp_os_open(o->written_as, SP_OS_OPEN_MAKE, &o->fd, err);
    if (rc == SPATE_OK)
        rc = sp_os_lock_byte(o->fd, 0, SP_OS_LOCK_ALONE, false, &got, o->written_as, err);
    return rc == SPATE_OK && !got
               ? sp_fail(err, SPATE_E_UNREACHABLE, "another process is writing \"%s\"", o->written_as)
               : rc;
}

int sp_output_create(sp_output *o, spate_error *err)
{
    if (o->direct && !o->standard)
        return sp_os_create(o->written_as, &o->fd, err);
    if (!o->standard) {
        int rc = open_alone(o, err);
        return rc == SPATE_OK ? sp_os_truncate(o->fd, 0, o->written_as, err) : rc;
    }
    o->fd = STDOUT_FILENO;
    return SPATE_OK;
}

int sp_output_reopen(sp_output *o, uint64_t length, spate_error *err)
{
    uint64_t size = 0;
    int rc = open_alone(o, err);
    if (rc == SPATE_OK)
        rc = sp_os_size(o->fd, o->written_as, &size, err);
    if (rc == SPATE_OK && size < length)
        rc = sp_fail(err, SPATE_E_CORRUPT, "file \"%s\" has lost its end: %llu bytes of %llu are left", o->written_as,
                     (unsigned long long)size, (unsigned long long)length);
    if (rc == SPATE_OK)
        rc = sp_os_truncate(o->fd, length, o->written_as, err);
    if (rc == SPATE_OK)
        rc = sp_os_seek(o->fd, length, o->written_as, err);
    o->length = o->remembered = rc == SPATE_OK ? length : 0;
    return rc;
}

int sp_output_append(sp_output *o, const sp_buf *bytes, spate_error *err)
{
    int rc = sp_os_write_all(o->fd, bytes->data, bytes->len, o->written_as, err);
    if (rc != SPATE_OK) {
        if (!o->direct)
            (void)!sp_os_truncate(o->fd, o->length, o->written_as, NULL); /* the first error is the one to tell */
        return rc;
    }
    if (!o->direct)
        sp_os_write_behind(o->fd, o->length, bytes->len);
    o->length += bytes->len;
    return SPATE_OK;
}

int sp_output_close(sp_output *o, spate_error *err)
{
    int fd = o->standard ? -1 : o->fd;
    o->fd = -1;
    return sp_os_close(&fd, o->written_as, err);
}

int sp_output_publish(sp_output *o, spate_error *err)
{
    int rc = o->direct ? SPATE_OK : sp_os_sync(o->fd, o->written_as, err);
    if (rc == SPATE_OK)
        rc = sp_output_close(o, err);
    return rc == SPATE_OK && !o->direct ? sp_os_publish(o->written_as, o->path, err) : rc;
}

/* ---- the memory of a job ---- */

static int write_memory(const char *path, const sp_buf *text, spate_error *err)
{
    int fd = -1, rc = sp_os_create(path, &fd, err);
    if (rc == SPATE_OK)
        rc = sp_os_write_all(fd, text->data, text->len, path, err);
    if (rc == SPATE_OK)
        rc = sp_os_sync(fd, path, err);
    int closed = sp_os_close(&fd, path, rc == SPATE_OK ? err : NULL);
    return rc == SPATE_OK ? closed : rc;
}

int sp_output_remember(sp_output *o, const sp_buf *text, spate_error *err)
{
    char fresh[4096];
    if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", o->memory) >= sizeof(fresh))
        return sp_fail(err, SPATE_E_USAGE, "the path \"%.200s...\" is too long", o->path);
    int rc = sp_os_sync(o->fd, o->written_as, err);
    if (rc == SPATE_OK)
        rc = write_memory(fresh, text, err);
    if (rc == SPATE_OK)
        rc = sp_os_publish(fresh, o->memory, err);
    if (rc == SPATE_OK)
        o->remembered = o->length;
    return rc;
}

int sp_output_recall(const sp_output *o, sp_output_found *found, sp_buf *text, spate_error *err)
{
    *found = SP_OUTPUT_NEW;
    if (!o->memory || !sp_os_exists(o->memory))
        return SPATE_OK;
    *found = sp_os_exists(o->written_as) ? SP_OUTPUT_PARTIAL : sp_os_exists(o->path) ? SP_OUTPUT_WHOLE : SP_OUTPUT_NEW;
    return *found == SP_OUTPUT_NEW ? SPATE_OK : sp_os_read_file(o->memory, MEMORY_BYTES_MAX, text, err);
}

bool sp_output_is_line(const char *line, const char *word, const char *value)
{
    size_t w = strlen(word), v = strlen(value);
    return strncmp(line, word, w) == 0 && strncmp(line + w, value, v) == 0 && line[w + v] == '\n';
}

int sp_output_forget(const sp_output *o, spate_error *err)
{
    return o->memory ? sp_os_unlink(o->memory, err) : SPATE_OK;
}
