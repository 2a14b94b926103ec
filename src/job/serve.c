/* serve.c - spate_serve: files of a directory over HTTP.
 *
 * Every request is answered from the file system as it is then. A path is taken apart before it is used: a part that begins with a
 * dot is refused, so nothing above the directory can be named. Owns the daemon and its one thread. */
#include "spate/serve.h"

#include "client/libmicrohttpd.h"
#include "os/os.h"

#include <errno.h>

enum { WATCH_US = 100000, PORT_MAX = 65535 };

static const char not_found[] = "404 page not found\n", not_allowed[] = "405 only GET and HEAD\n";

/* ---- answers ---- */

static const char *type_of(const char *path)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".csv", "text/csv; charset=utf-8"},   {".txt", "text/plain; charset=utf-8"},
        {".sql", "text/plain; charset=utf-8"}, {".html", "text/html; charset=utf-8"},
        {".json", "application/json"},         {".ndjson", "application/x-ndjson"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < SP_COUNT(types); i++)
        if (strcmp(types[i].ending, dot) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned code, const char *type, struct MHD_Response *r)
{
    if (!r)
        return MHD_NO;
    enum MHD_Result ok = sp_mhd.add_header(r, "Content-Type", type) == MHD_YES ? sp_mhd.queue(c, code, r) : MHD_NO;
    sp_mhd.destroy(r);
    return ok;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned code, const char *text)
{
    return answer(c, code, "text/plain; charset=utf-8",
                  sp_mhd.response_of_text(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result answer_file(struct MHD_Connection *c, const char *path)
{
    int fd = -1;
    uint64_t size;
    if (sp_os_open(path, SP_OS_OPEN_READ, &fd, NULL) != SPATE_OK)
        return answer_text(c, MHD_HTTP_NOT_FOUND, not_found);
    bool sized = sp_os_size(fd, path, &size, NULL) == SPATE_OK;
    struct MHD_Response *r = sized ? sp_mhd.response_of_fd(size, fd) : NULL; /* closes the file at its end */
    if (!r && sp_os_close(&fd, path, NULL))
        return MHD_NO;
    return answer(c, MHD_HTTP_OK, type_of(path), r);
}

/* As a part of an address, and as text of a page. */
static int add_link(sp_buf *page, const char *name, const char *slash)
{
    int rc = sp_buf_adds(page, "<a href=\"");
    for (const char *p = name; *p && !rc; p++)
        rc = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || strchr("-_.~", *p)
                 ? sp_buf_add(page, p, 1)
                 : sp_buf_printf(page, "%%%02X", (unsigned char)*p);
    rc = rc || sp_buf_printf(page, "%s\">", slash);
    for (const char *p = name; *p && !rc; p++)
        rc = *p == '<' ? sp_buf_adds(page, "&lt;") : *p == '&' ? sp_buf_adds(page, "&amp;") : sp_buf_add(page, p, 1);
    return rc || sp_buf_printf(page, "%s</a>\n", slash);
}

static enum MHD_Result answer_list(struct MHD_Connection *c, const char *path, sp_arena *arena)
{
    char **names;
    uint32_t n;
    sp_buf page = {0};
    if (sp_os_list(path, arena, &names, &n, NULL) != SPATE_OK)
        return answer_text(c, MHD_HTTP_NOT_FOUND, not_found);
    int rc = sp_buf_adds(&page, "<!doctype html>\n<pre>\n");
    for (uint32_t i = 0; i < n && !rc; i++) {
        const char *below = sp_arena_printf(arena, "%s/%s", path, names[i]);
        rc = below ? add_link(&page, names[i], sp_os_is_dir(below) ? "/" : "") : SPATE_E_NOMEM;
    }
    rc = rc || sp_buf_adds(&page, "</pre>\n");
    enum MHD_Result ok = rc ? MHD_NO
                            : answer(c, MHD_HTTP_OK, "text/html; charset=utf-8",
                                     sp_mhd.response_of_text(page.len, page.data, MHD_RESPMEM_MUST_COPY));
    sp_buf_done(&page);
    return ok;
}

/* ---- requests ---- */

/* A path without parts that begin with a dot: it stays below the directory. */
static bool stays_below(const char *url)
{
    return url[0] == '/' && strstr(url, "/.") == NULL;
}

static enum MHD_Result on_request(void *directory, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *len, void **state)
{
    sp_arena arena;
    (void)version, (void)data, (void)len, (void)state;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, not_allowed);
    if (!stays_below(url))
        return answer_text(c, MHD_HTTP_NOT_FOUND, not_found);
    sp_arena_init(&arena);
    sp_os_kind kind = SP_OS_NOTHING;
    enum MHD_Result ok = MHD_NO;
    const char *path = sp_arena_printf(&arena, "%s%s", (const char *)directory, url);
    if (path && sp_os_kind_of(path, &kind, NULL) != SPATE_OK)
        kind = SP_OS_NOTHING;
    if (path)
        ok = kind == SP_OS_FILE  ? answer_file(c, path)
             : kind == SP_OS_DIR ? answer_list(c, path, &arena)
                                 : answer_text(c, MHD_HTTP_NOT_FOUND, not_found);
    sp_arena_done(&arena);
    return ok;
}

int spate_serve(const char *directory, unsigned port, const int *cancel, spate_error *err)
{
    if (!sp_os_is_dir(directory))
        return sp_fail(err, SPATE_E_USAGE, "there is no directory \"%s\"", directory);
    if (port == 0 || port > PORT_MAX)
        return sp_fail(err, SPATE_E_USAGE, "there is no port %u", port);
    int status = sp_mhd_load(err);
    if (status)
        return status;
    struct MHD_Daemon *daemon = sp_mhd.start(MHD_USE_INTERNAL_POLLING_THREAD, (uint16_t)port, NULL, NULL, on_request,
                                             (void *)(uintptr_t)directory, MHD_OPTION_END);
    if (!daemon)
        return sp_fail_errno(err, errno, "cannot serve on port %u", port);
    while (!cancel || !__atomic_load_n(cancel, __ATOMIC_RELAXED))
        sp_os_sleep_us(WATCH_US);
    sp_mhd.stop(daemon);
    return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
}
