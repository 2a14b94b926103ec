/* each.c - see each.h. */
#include "lab/each.h"

#include "os/os.h"

typedef struct one_call {
    pthread_t thread;
    bool started;
    sp_each_call *fn;
    void *item;
    int rc;
    spate_error err;
} one_call;

static void *call_body(void *arg)
{
    one_call *c = arg;
    c->rc = c->fn(c->item, &c->err);
    return NULL;
}

int sp_lab_each(void *items, size_t size, uint32_t n, sp_each_call *fn, spate_error *err)
{
    one_call *calls = sp_alloc_zero(n, sizeof(*calls));
    int rc = calls || n == 0 ? SPATE_OK : sp_fail_nomem(err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        calls[i].fn = fn;
        calls[i].item = (char *)items + i * size;
        rc = sp_os_thread_start(&calls[i].thread, call_body, &calls[i], err);
        calls[i].started = rc == SPATE_OK;
    }
    for (uint32_t i = 0; calls && i < n && calls[i].started; i++) {
        pthread_join(calls[i].thread, NULL);
        if (rc == SPATE_OK && calls[i].rc != SPATE_OK) {
            rc = calls[i].rc;
            if (err)
                *err = calls[i].err;
        }
    }
    sp_free(calls);
    return rc;
}
