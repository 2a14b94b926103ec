/* lab_work.c - see lab_work.h. */
#include "job/lab_work.h"

#include "codec/codec.h"
#include "job/runner.h"
#include "os/at.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { TELL_US = 250000, FILE_MAX = 1 << 20 };

/* ---- telling ---- */

static void write_text(const sp_work *w)
{
    int fd = sp_at_open(AT_FDCWD, w->parked, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    bool written = fd >= 0 && sp_at_write(fd, w->text.data, w->text.len, 0) == 0;
    if (fd >= 0)
        close(fd);
    if (written)
        (void)!sp_at_rename(AT_FDCWD, w->parked, AT_FDCWD, w->path, true);
}

static void put_file(sp_work *w, const char *state, const char *error)
{
    w->told_us = sp_os_monotonic_us();
    w->text.len = 0;
    int built = sp_buf_printf(&w->text, "{\"kind\":\"%s\",", w->kind) || sp_runner_put(&w->text) ||
                sp_buf_printf(&w->text,
                              "\"began_us\":%lld,\"seen_us\":%lld,\"state\":\"%s\",\"error\":", (long long)w->began_us,
                              (long long)sp_os_wall_us(), state) ||
                sp_buf_add_json(&w->text, error, strlen(error)) || sp_buf_adds(&w->text, ",\"parts\":[") ||
                sp_buf_add(&w->text, w->parts.data, w->parts.len) || sp_buf_adds(&w->text, "]}");
    if (!built)
        write_text(w);
}

void sp_work_begin(sp_work *w, const sp_lab *lab, const char *kind)
{
    *w = (sp_work){.kind = kind, .began_us = sp_os_wall_us()};
    snprintf(w->path, sizeof(w->path), "%s/work.json", lab->directory);
    snprintf(w->parked, sizeof(w->parked), "%s/.work.json", lab->directory);
    put_file(w, "running", "");
}

void sp_work_tell(sp_work *w, const spate_table_progress *parts, size_t n)
{
    int built = 0;
    w->parts.len = 0;
    for (size_t i = 0; i < n && !built; i++)
        built = sp_buf_adds(&w->parts, i ? ",{\"name\":" : "{\"name\":") ||
                sp_buf_add_json(&w->parts, parts[i].name, strlen(parts[i].name)) ||
                sp_buf_printf(&w->parts, ",\"done\":%llu,\"all\":%llu}", (unsigned long long)parts[i].rows_done,
                              (unsigned long long)parts[i].rows);
    if (built)
        w->parts.len = 0;
    if (sp_os_monotonic_us() - w->told_us >= TELL_US)
        put_file(w, "running", "");
}

void sp_work_end(sp_work *w, int status, const spate_error *err)
{
    if (!w->kind)
        return;
    bool failed = status != SPATE_OK && status != SPATE_E_INTERRUPTED;
    put_file(w, status == SPATE_OK ? "done" : failed ? "failed" : "interrupted", failed && err ? err->message : "");
    sp_buf_done(&w->parts);
    sp_buf_done(&w->text);
    w->kind = NULL;
}

/* ---- reading ---- */

typedef struct reading {
    sp_os_process runner;
    bool runs;
} reading;

static int take_member(void *arg, sp_str key, sp_str value, bool string)
{
    reading *r = arg;
    (void)string;
    if (!sp_runner_take(&r->runner, key, value) && sp_str_is(key, "state"))
        r->runs = sp_str_is(value, "running");
    return SPATE_OK;
}

int sp_work_put(const char *directory, sp_arena *arena, sp_buf *out)
{
    const char *path = sp_arena_printf(arena, "%s/work.json", directory);
    reading r = {0};
    sp_buf text = {0};
    if (!path)
        return SPATE_E_NOMEM;
    bool read = sp_os_exists(path) && sp_os_read_file(path, FILE_MAX, &text, NULL) == SPATE_OK &&
                sp_json_line((sp_str){text.data, text.len}, take_member, &r, NULL) == SPATE_OK;
    int built = sp_buf_adds(out, ",\"work\":") ||
                (read ? sp_buf_add(out, text.data, text.len) : sp_buf_adds(out, "null")) ||
                sp_buf_printf(out, ",\"working\":%s", r.runs && sp_os_process_lives(&r.runner) ? "true" : "false");
    sp_buf_done(&text);
    return built ? SPATE_E_NOMEM : SPATE_OK;
}
