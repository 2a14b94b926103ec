/* lab_act.c - see lab_act.h. */
#include "job/lab_act.h"

#include "os/os.h"
#include "spate/lab.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64 };

typedef enum kind { ACT_NONE, ACT_UP, ACT_DOWN, ACT_BENCH } kind;

struct sp_act {
    char *directory;
    pthread_t thread;
    bool started;         /* there is a thread to be joined */
    int cancel;           /* of a bench; only touched with atomic operations */
    pthread_mutex_t lock; /* of what follows */
    bool busy;
    kind kind;
    char server[NAME_MAX_BYTES];
    int status; /* of the last one */
    spate_error err;
};

/* ---- doing ---- */

static int ask_questions(sp_act *a, spate_lab *lab, spate_error *err)
{
    spate_lab_bench_options options = {.seed = 1, .cancel = &a->cancel};
    spate_lab_bench_report report;
    int rc = spate_lab_bench(lab, &options, &report, err);
    spate_lab_bench_report_done(&report);
    return rc == SPATE_E_INTERRUPTED ? SPATE_OK : rc; /* as it was asked to be */
}

static int act(sp_act *a, spate_error *err)
{
    spate_lab *lab = NULL;
    const char *name = a->server;
    int rc = spate_lab_open(a->directory, &lab, err);
    if (rc == SPATE_OK)
        rc = a->kind == ACT_UP     ? spate_lab_up(lab, &name, 1, err)
             : a->kind == ACT_DOWN ? spate_lab_down(lab, &name, 1, err)
                                   : ask_questions(a, lab, err);
    spate_lab_close(lab);
    return rc;
}

static void *run(void *arg)
{
    sp_act *a = arg;
    spate_error err = {0};
    int rc = act(a, &err);
    pthread_mutex_lock(&a->lock);
    a->status = rc;
    a->err = err;
    a->busy = false;
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* ---- beginning ---- */

static bool read_what(const char *what, kind *kind, char server[NAME_MAX_BYTES])
{
    const char *name = strchr(what, '/');
    server[0] = '\0';
    *kind = strcmp(what, "bench") == 0       ? ACT_BENCH
            : strncmp(what, "up/", 3) == 0   ? ACT_UP
            : strncmp(what, "down/", 5) == 0 ? ACT_DOWN
                                             : ACT_NONE;
    if (*kind == ACT_UP || *kind == ACT_DOWN) {
        if (strlen(name + 1) >= NAME_MAX_BYTES)
            return false;
        snprintf(server, NAME_MAX_BYTES, "%s", name + 1);
    }
    return *kind != ACT_NONE;
}

/* With the lock. The thread before has ended, or is about to, and takes the lock no more. */
static int start(sp_act *a, kind kind, const char *server, spate_error *err)
{
    if (a->started)
        pthread_join(a->thread, NULL);
    a->kind = kind;
    memcpy(a->server, server, sizeof(a->server));
    __atomic_store_n(&a->cancel, 0, __ATOMIC_RELAXED);
    int rc = sp_os_thread_start(&a->thread, run, a, err);
    a->started = a->busy = rc == SPATE_OK;
    return rc;
}

int sp_act_begin(sp_act *a, const char *what, spate_error *err)
{
    kind kind;
    char server[NAME_MAX_BYTES];
    bool stop = strcmp(what, "stop") == 0;
    if (!stop && !read_what(what, &kind, server))
        return sp_fail(err, SPATE_E_USAGE, "there is no such thing to do");
    pthread_mutex_lock(&a->lock);
    int rc = SPATE_OK;
    if (stop && a->busy && a->kind == ACT_BENCH)
        __atomic_store_n(&a->cancel, 1, __ATOMIC_RELAXED);
    else if (stop)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "no bench was begun here");
    else if (a->busy)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "something is being done already");
    else
        rc = start(a, kind, server, err);
    pthread_mutex_unlock(&a->lock);
    return rc;
}

/* ---- telling ---- */

int sp_act_put(sp_act *a, sp_buf *out)
{
    static const char *const names[] = {[ACT_UP] = "up", [ACT_DOWN] = "down", [ACT_BENCH] = "bench"};
    pthread_mutex_lock(&a->lock);
    const char *error = a->busy || a->status == SPATE_OK ? "" : a->err.message;
    int built = sp_buf_adds(out, ",\"act\":");
    if (a->kind == ACT_NONE)
        built = built || sp_buf_adds(out, "null");
    else
        built = built ||
                sp_buf_printf(out, "{\"what\":\"%s\",\"busy\":%s,\"server\":", names[a->kind],
                              a->busy ? "true" : "false") ||
                sp_buf_add_json(out, a->server, strlen(a->server)) || sp_buf_adds(out, ",\"error\":") ||
                sp_buf_add_json(out, error, strlen(error)) || sp_buf_adds(out, "}");
    pthread_mutex_unlock(&a->lock);
    return built ? SPATE_E_NOMEM : SPATE_OK;
}

/* ---- the whole ---- */

int sp_act_new(const char *directory, sp_act **out, spate_error *err)
{
    sp_act *a = sp_alloc_zero(1, sizeof(*a));
    char *copy = realpath(directory, NULL);
    if (!a || !copy) {
        sp_free(a);
        free(copy);
        return sp_fail_nomem(err);
    }
    a->directory = copy;
    pthread_mutex_init(&a->lock, NULL);
    *out = a;
    return SPATE_OK;
}

void sp_act_free(sp_act *a)
{
    if (!a)
        return;
    __atomic_store_n(&a->cancel, 1, __ATOMIC_RELAXED);
    if (a->started)
        pthread_join(a->thread, NULL);
    pthread_mutex_destroy(&a->lock);
    free(a->directory);
    sp_free(a);
}
