/* at_once.c - see at_once.h. The caller's thread works too; a thread that cannot be started is one less. */
#include "endpoint/at_once.h"

#include "os/os.h"

#include <stdatomic.h>

enum { THREADS_MAX = 16 };

typedef struct running {
    const sp_at_once *work;
    _Atomic uint32_t next;
    pthread_mutex_t lock;
    int status; /* of the first failure, which is err's */
    spate_error err;
} running;

static void keep_failure(running *r, int status, const spate_error *err)
{
    pthread_mutex_lock(&r->lock);
    if (r->status == SPATE_OK) {
        r->status = status;
        r->err = *err;
    }
    pthread_mutex_unlock(&r->lock);
}

static void *run_some(void *arg)
{
    running *r = arg;
    const sp_at_once *work = r->work;
    void *link = NULL;
    spate_error err = {0};
    bool lost = false;
    int status = work->open(work->arg, &link, &err);
    if (status)
        keep_failure(r, status, &err);
    for (uint32_t i; status == SPATE_OK && !lost && (i = atomic_fetch_add(&r->next, 1)) < work->n;) {
        int failed = work->run(work->arg, link, i, &lost, &err);
        if (failed)
            keep_failure(r, failed, &err);
    }
    if (link)
        work->close(link);
    return NULL;
}

int sp_at_once_run(const sp_at_once *work, spate_error *err)
{
    running r = {.work = work, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS_MAX];
    unsigned want = SP_MIN(SP_MIN(work->links, work->n), (unsigned)THREADS_MAX + 1), started = 0;
    while (started + 1 < want && sp_os_thread_start(&threads[started], run_some, &r, NULL) == SPATE_OK)
        started++;
    if (work->n)
        run_some(&r);
    while (started)
        pthread_join(threads[--started], NULL);
    if (r.status && err)
        *err = r.err;
    return r.status;
}
