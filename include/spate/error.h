/* spate/error.h - how a call of the library says that it failed.
 *
 * Every call that can fail returns a spate_status: 0 when it worked, a negative value when it did not, and the value
 * says what the caller can do about it. The last parameter of such a call is a spate_error that the caller owns (NULL
 * if the words do not matter); it is filled on failure and left alone on success. Filling it allocates nothing.
 * Threads: a spate_error belongs to one thread at a time; nothing here is shared. */
#ifndef SPATE_ERROR_H
#define SPATE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum spate_status {
    SPATE_OK = 0,
    SPATE_E_USAGE = -1,       /* the call, option or URI is wrong: fix the call */
    SPATE_E_CONFIG = -2,      /* the plan is wrong: fix the plan */
    SPATE_E_UNREACHABLE = -3, /* the endpoint cannot be reached, is full, or refused us: fix it and start again */
    SPATE_E_DATA = -4,        /* the endpoint refuses these rows: a constraint, a type, an encoding */
    SPATE_E_RETRY = -5,       /* transient (serialization, deadlock): the same work may succeed if sent again */
    SPATE_E_IO = -6,          /* the operating system refused: os_errno says why */
    SPATE_E_NOMEM = -7,       /* no memory */
    SPATE_E_INTERRUPTED = -8, /* the caller asked to stop; what was committed stays */
    SPATE_E_CORRUPT = -9,     /* a file is not what it claims to be */
    SPATE_E_BUG = -10,        /* an invariant of spate does not hold: report it */
} spate_status;

/* Sizes include the terminating NUL; longer text is cut at a character boundary. */
enum {
    SPATE_MESSAGE_MAX = 768,
    SPATE_DETAIL_MAX = 768,
    SPATE_HINT_MAX = 512,
};

typedef struct spate_error {
    spate_status status;
    int os_errno;                    /* errno of the failing system call, or 0 */
    char sqlstate[6];                /* the server's SQLSTATE, or "" */
    char message[SPATE_MESSAGE_MAX]; /* lower case, no full stop; outermost context first */
    char detail[SPATE_DETAIL_MAX];   /* the server's DETAIL and CONTEXT, verbatim, or "" */
    char hint[SPATE_HINT_MAX];       /* what to try, or "" */
} spate_error;

/* A word for the status, for logs and JSON: "ok", "usage", "config", "unreachable", "data", "retry", "io", ... */
const char *spate_status_name(spate_status status);

#ifdef __cplusplus
}
#endif
#endif
