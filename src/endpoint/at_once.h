/* at_once.h - statements that need no order, on several connections at once. */
#ifndef SP_AT_ONCE_H
#define SP_AT_ONCE_H

#include "base/base.h"

typedef struct sp_at_once {
    uint32_t n;     /* statements */
    unsigned links; /* connections at most */
    void *arg;      /* for the calls below, which come from any thread */
    int (*open)(void *arg, void **link, spate_error *err);
    /* *lost: the connection is of no use any more. */
    int (*run)(void *arg, void *link, uint32_t item, bool *lost, spate_error *err);
    void (*close)(void *link);
} sp_at_once;

/* Runs them all, in their order as far as connections are free. One that fails keeps no other from being run; the first failure is told. */
int sp_at_once_run(const sp_at_once *work, spate_error *err) SP_MUST_CHECK;

#endif
