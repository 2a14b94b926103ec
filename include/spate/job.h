/* spate/job.h - the jobs of a folder: what runs with a name have done, are doing, and were told.
 *
 * Caveats first. What has landed is known by the target, which remembers it together with the rows; a job's ledger here says the
 * same as of the last time that a run looked, and besides that what the target does not know: the command, the source, times, the
 * last error. A running job is read as of a tenth of a second ago. Passwords are not kept: not in the command, nor anywhere.
 *
 * A job is the file NAME.journal in the folder. Calls may come from any thread; one process at a time runs a job. */
#ifndef SPATE_JOB_H
#define SPATE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spate/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum spate_job_state {
    SPATE_JOB_RUNNING,
    SPATE_JOB_PAUSED, /* stopped by a signal, or its process is gone without a word */
    SPATE_JOB_FAILED, /* error says why; it can be resumed once that is mended */
    SPATE_JOB_DONE,
    SPATE_JOB_CANCELLED,
} spate_job_state;
const char *spate_job_state_name(spate_job_state state);

typedef struct spate_job_range {
    uint64_t first, last; /* positions of the source: [first, last) */
    uint64_t rows;
} spate_job_range;

typedef struct spate_job_table {
    const char *name;
    unsigned round; /* tables of a round wait for those of the rounds before; from 0 */
    bool complete;
    uint64_t rows; /* that there are to be; UINT64_MAX: the source does not know */
    uint64_t rows_done;
    uint64_t end;                  /* positions of the source are [0, end); UINT64_MAX: it does not know */
    const spate_job_range *ranges; /* that have landed, in order */
    size_t n_ranges;
} spate_job_table;

typedef struct spate_job {
    const char *name;
    spate_job_state state;
    const char *kind;            /* "generate" or "copy" */
    const char *source, *target; /* safe to print */
    const char *of;              /* a digest of what it makes or moves */
    const char *error;           /* of the last run that failed; "" */
    const char *unit;            /* what a position counts: "rows", "pages", "bytes" */
    const char *directory;       /* where the command was given */
    const char *const *words;    /* the command behind the program's name, passwords left out */
    size_t n_words;
    bool secret_left_out; /* there was a password in them */
    /* since 1970: the first run, the last run, and the last time it landed or said anything */
    int64_t made_us, began_us, seen_us;
    long pid;    /* of the last run */
    uint64_t rows, rows_done; /* of all tables; rows: UINT64_MAX when one is not known */
    double rate;              /* rows a second of the last run */
    spate_job_table *tables;  /* none before the first run has come to its target */
    size_t n_tables;
    void *memory;
} spate_job;

/* Names every job of the folder, in order. A folder that is not there has none. Not 0 from fn ends it and is returned. */
int spate_job_each(const char *folder, int (*fn)(void *arg, const char *name), void *arg, spate_error *err);
/* SPATE_E_USAGE: there is no such job. */
int spate_job_read(const char *folder, const char *name, spate_job *job, spate_error *err);
void spate_job_done(spate_job *job);

typedef struct spate_job_cancel_options {
    bool remove;      /* also unfinished files of the target; rows in databases stay in any case */
    unsigned wait_ms; /* for a running one to stop, at each of two signals; 0: 10,000 */
    const char *to;   /* the target's URI, where the job's needs a password; NULL: the job's */
} spate_job_cancel_options;
/* Stops a job that runs (SIGTERM, and once more when it does not end), and has its target forget it. It is listed as cancelled, and
 * the same command begins anew. One that is done or cancelled is taken off the list. SPATE_E_UNREACHABLE: the process does not end, or
 * the target cannot be reached: then the job stays as it is. */
int spate_job_cancel(const char *folder, const char *name, const spate_job_cancel_options *options, spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
