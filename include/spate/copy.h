/* spate/copy.h - copies tables from one place to another.
 *
 * Caveats first. spate_copy runs threads of its own and returns when they have ended. It installs no signal handler and prints
 * nothing. A value that the target cannot hold exactly stops the copy with an error; nothing is rounded, cut or guessed. A
 * database is read as it was at one moment, whatever is written to it meanwhile.
 *
 * Both sides are URIs, or paths whose endings say what they are: docs/reference/pairs.md lists which can be copied to which. */
#ifndef SPATE_COPY_H
#define SPATE_COPY_H

#include "spate/generate.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum spate_verify {
    SPATE_VERIFY_NONE,
    SPATE_VERIFY_COUNT,    /* as many rows as were copied */
    SPATE_VERIFY_CHECKSUM, /* and the same cells, in whatever order */
} spate_verify;

typedef struct spate_copy_options {
    const char *from, *to;     /* URIs */
    const char *const *tables; /* only these, n_tables of them; 0: all that the source has */
    size_t n_tables;
    const char *const *columns; /* only these, of one table; 0: all that can be written again */
    size_t n_columns;
    const char *where;   /* only rows for which this holds, in the source's SQL; of one table. NULL: all */
    unsigned workers;    /* threads, each with a connection to either side; 0: as many as there are processors */
    uint64_t batch_rows; /* as for spate_generate */
    /* at most so many a second, on the average; bytes as the target is given them. 0: any */
    uint64_t rate_rows, rate_bytes;
    spate_insert_mode insert_mode;
    bool create;              /* create the tables, with all that the source knows of them */
    bool append;              /* into tables that are there, behind the rows that they have: says that this is meant */
    bool indexes_before;      /* with create: keys and indexes before the rows, not after them */
    const char *const *casts; /* with create: "table.column=TYPE", the column's type in the target's words */
    size_t n_casts;
    bool truncate;          /* empty them first; for files: replace them */
    bool defer_constraints; /* do not let foreign keys of the target order the tables */
    bool dry_run;           /* check everything, change nothing */
    spate_verify verify;    /* needs create or truncate: what was there before cannot be told from what came */
    /* A file for rows that the target refuses for their own sake (a constraint, a type, an encoding), or that a file that is read does
     * not hold whole: instead of ending the copy each becomes a line of JSON there, with the reason, from which it can be copied
     * again. A file that is there is that of a run of the same job before. NULL: the first such row ends the copy. */
    const char *rejects;
    const uint64_t *max_rejects; /* one more ends the copy with SPATE_E_DATA; NULL: there may be any number */
    const char *job;             /* a name to go on by: as for spate_generate, and so are the next three */
    const char *jobs;            /* without it, only what cannot change can be gone on with */
    const char *const *command;
    size_t n_command;
    const int *cancel; /* watched while running; not 0: stop. May be NULL. May be set in a signal handler */
    void (*progress)(void *arg, const spate_table_progress *tables, size_t n_tables,
                     double seconds); /* as for spate_generate */
    void *arg;
} spate_copy_options;

typedef struct spate_verified {
    const char *name;
    uint64_t rows_from, rows_to;
    uint64_t checksum_from, checksum_to; /* 0 without SPATE_VERIFY_CHECKSUM */
    bool same;
} spate_verified;

typedef struct spate_copy_report {
    spate_generate_report moved; /* what was copied, as spate_generate would tell it */
    const char *source;          /* where from, without any password */
    const char *const *notes;    /* of tables that were created: what of the source's is not there, a line each */
    size_t n_notes;
    const char *const *plan; /* of a dry run: tables, columns and statements, a line each */
    size_t n_plan;
    spate_verified *verified; /* in the order of the tables; none without verification */
    size_t n_verified;
} spate_copy_report;

/* Runs the copy. The report is filled on success and on failure as far as the run came, and must be handed to
 * spate_copy_report_done in both cases. Failures: SPATE_E_USAGE (options, URIs), SPATE_E_CONFIG (a table or type that the
 * target's does not fit), SPATE_E_UNREACHABLE, SPATE_E_DATA (a value that cannot be read or held; or the verification found a
 * difference: then a table's same is false), SPATE_E_IO, SPATE_E_INTERRUPTED, SPATE_E_NOMEM. */
int spate_copy(const spate_copy_options *options, spate_copy_report *report, spate_error *err);
void spate_copy_report_done(spate_copy_report *report);

#ifdef __cplusplus
}
#endif
#endif
