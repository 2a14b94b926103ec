/* spate/generate.h - makes the rows of a plan and puts them somewhere.
 *
 * Caveats first. spate_generate runs threads of its own and returns when they have ended. It installs no signal handler and
 * prints nothing. One plan may be generated from by one call at a time.
 *
 * The cells are a pure function of (seed, table, column, row): the same plan and seed give the same rows, whatever the target,
 * the number of workers, the batch size or the part. */
#ifndef SPATE_GENERATE_H
#define SPATE_GENERATE_H

#include "spate/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SPATE_WORKERS_MAX = 256, SPATE_JOB_NAME_MAX = 64 };

typedef enum spate_insert_mode {
    SPATE_INSERT_DEFAULT, /* the target's fastest way */
    SPATE_INSERT_COPY,    /* the target's bulk load, or fail */
    SPATE_INSERT_INSERT,  /* INSERT statements of several rows */
    SPATE_INSERT_UPSERT,  /* the same, replacing rows that have the key already */
    SPATE_INSERT_SKIP,    /* the same, leaving out those whose key is there already */
} spate_insert_mode;

/* Where a table stands. rows: to make in this run. Times are seconds since the run started; 0: not yet. */
typedef struct spate_table_progress {
    const char *name;
    uint64_t rows, rows_done; /* done: committed */
    uint64_t rejected;        /* by spate_copy */
    uint64_t left_out;        /* of the done, in this run: the target took them and says that it did not keep them */
    uint64_t bytes;           /* given to the target */
    double started, finished;
} spate_table_progress;

typedef struct spate_generate_options {
    const char *to;            /* URI of the target; NULL: a DuckDB file beside the plan, replaced if it is there */
    /* threads, each with a connection of its own; at most SPATE_WORKERS_MAX; 0: as many as there are processors */
    unsigned workers;
    uint64_t batch_rows;       /* rows a statement, or a transaction where the target copies; 0: the target's choice */
    const uint64_t *seed;      /* NULL: the plan's */
    const char *const *tables; /* only these, n_tables of them; 0: all */
    size_t n_tables;
    uint32_t part, parts; /* makes part (from 0) of parts; parts 0 or 1: all */
    spate_insert_mode insert_mode;
    bool create;            /* create the tables */
    bool truncate;          /* empty them first; for files: replace them */
    bool defer_constraints; /* do not let foreign keys of the target order the tables */
    bool dry_run;           /* check everything, change nothing */
    /* A name for the run, which makes it one that goes on: the target remembers which rows of the job it has, and a run of the
     * same name, plan and options makes the rest, however the one before ended; of a job that is complete, nothing. Letters,
     * digits, '-', '_' and '.', at most SPATE_JOB_NAME_MAX. "auto": a name made of the plan and these options. NULL: none. */
    const char *job;
    /* With a job: the folder of the ledgers that list it (spate/job.h), where the run is written down; once all is done the target
     * need not remember it any more. NULL: only the target knows, and knows for ever. */
    const char *jobs;
    /* the words that began the run, n_command of them, for whoever resumes it; NULL: none */
    const char *const *command;
    size_t n_command;
    const int *cancel; /* watched while running; not 0: stop. May be NULL. May be set in a signal handler */
    /* Called on the calling thread ten times a second and once at the end. May be NULL. */
    void (*progress)(void *arg, const spate_table_progress *tables, size_t n_tables, double seconds);
    void *arg;
} spate_generate_options;

typedef struct spate_generate_report {
    spate_table_progress *tables; /* in the order they were made */
    size_t n_tables;
    double seconds;
    const char *target; /* where the rows went, without any password; after a stop, where those are that were made */
    const char *how_to_query; /* a line to show after success, or NULL */
    const char *job;          /* its name, once the target has been asked to remember it; NULL: none */
    bool already_done;        /* the job was complete before: nothing was done */
    bool to_stdout;           /* the rows went to standard output: print nothing else there */
    void *memory;
} spate_generate_report;

/* Runs the plan. The report is filled on success and on failure as far as the run came, and must be handed to
 * spate_generate_report_done in both cases. Failures: SPATE_E_USAGE (options, URI), SPATE_E_CONFIG (the plan, see
 * spate_plan_mistake, or it does not fit the target's tables), SPATE_E_UNREACHABLE, SPATE_E_DATA, SPATE_E_IO,
 * SPATE_E_INTERRUPTED, SPATE_E_NOMEM. Rows counted as done stay in the target whatever happens later. */
int spate_generate(spate_plan *plan, const spate_generate_options *options, spate_generate_report *report,
                   spate_error *err);
void spate_generate_report_done(spate_generate_report *report);

#ifdef __cplusplus
}
#endif
#endif
