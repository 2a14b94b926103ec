/* spate/migrate.h - moves a tree of folders and files: plan, review, copy, verify, on a ledger that survives anything.
 *
 * Caveats first. One way: what is in the source comes into the destination, and nothing there is deleted unless it is asked for.
 * The source should rest: a file that changes while it is copied is tried again and then reported. Threads of its own run inside
 * the calls and have ended when these return; no signal handler, nothing printed. One call at a time on one migration.
 *
 * A migration is a pair of trees and a ledger. Whatever the ledger has is not done again: the same call after kill -9 goes on. */
#ifndef SPATE_MIGRATE_H
#define SPATE_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spate/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum spate_conflict {                           /* a file that is on both sides and differs */
                              SPATE_CONFLICT_NEWER,     /* the source's wins unless the destination's is newer */
                              SPATE_CONFLICT_OVERWRITE, /* the source's wins */
                              SPATE_CONFLICT_SKIP,      /* the destination's stays */
                              SPATE_CONFLICT_KEEP_BOTH, /* the destination's is renamed to NAME.~1~ first */
} spate_conflict;

typedef enum spate_migrate_proof { SPATE_PROOF_SIZE, SPATE_PROOF_HASH, SPATE_PROOF_NONE } spate_migrate_proof;
typedef enum spate_sync { SPATE_SYNC_GROUP, SPATE_SYNC_FILE, SPATE_SYNC_NONE } spate_sync;

typedef struct spate_migrate_pattern {
    const char *text;
    bool include; /* as "!text" in a .gitignore */
    bool is_file; /* text is a file of such lines */
} spate_migrate_pattern;

typedef struct spate_migrate_progress {
    const char *phase; /* "plan", "copy", "verify", "delete" */
    uint64_t listed, copied, bytes, verified, failed;
    double seconds;
} spate_migrate_progress;

typedef struct spate_migrate_options {
    const char *source, *destination;
    const char *ledger; /* its file; NULL: in memory */
    bool fresh;         /* forget what the ledger has */
    bool sql;           /* keep the ledger's DuckDB file too */
    unsigned workers;   /* 0: two a processor for listing */
    const spate_migrate_pattern *patterns;
    size_t n_patterns;
    uint64_t size_min, size_max;              /* size_max 0: any */
    int64_t modified_from_ns, modified_to_ns; /* each 0: any */
    spate_conflict conflict;
    spate_migrate_proof verify;
    spate_sync sync;
    bool no_owner, no_attributes;
    const int *cancel; /* watched while running; not 0: stop. May be set in a signal handler */
    void (*progress)(
        void *arg,
        const spate_migrate_progress *progress); /* about ten times a second, on a thread of its own. May be NULL */
    void *arg;
} spate_migrate_options;

/* What a plan says of one path. */
typedef enum spate_migrate_outcome {
    SPATE_SAME,      /* on both sides, or copied */
    SPATE_MISSING,   /* not in the destination */
    SPATE_DIFFERS,   /* in both, and will be copied */
    SPATE_SKIPPED,   /* in both, and stays by the policy */
    SPATE_CONFLICTS, /* a folder on one side, something else on the other */
    SPATE_EXCLUDED,  /* by a filter or by hand */
    SPATE_FAILED,    /* could not be listed or copied: see the note */
    SPATE_EXTRA,     /* only in the destination */
    SPATE_OUTCOMES
} spate_migrate_outcome;
const char *spate_migrate_outcome_name(spate_migrate_outcome outcome);

typedef struct spate_migrate_count {
    uint64_t folders, files, bytes; /* files: all that are not folders */
} spate_migrate_count;

typedef struct spate_migrate_report {
    spate_migrate_count counts[SPATE_OUTCOMES];
    uint64_t listed, copied, bytes, mended, verified, differed, deleted; /* by this process */
    bool planned, complete;
    double seconds;
} spate_migrate_report;

typedef struct spate_migrate_item {
    const char *path; /* bytes as they are */
    size_t path_len;
    const char *type; /* "folder", "file", "symlink", "other" */
    spate_migrate_outcome outcome;
    uint64_t size;
    int64_t mtime_ns;
    const char *note; /* why; "" */
    size_t note_len;
} spate_migrate_item;

typedef struct spate_migrate spate_migrate;

/* Opens both trees and the ledger. The destination need not exist. SPATE_E_USAGE: the trees overlap, or the ledger is of another
 * migration; SPATE_E_IO; SPATE_E_UNREACHABLE: the ledger is in use. */
int spate_migrate_open(const spate_migrate_options *options, spate_migrate **migration, spate_error *err);
/* Closes the ledger, which syncs it. NULL is fine. */
int spate_migrate_close(spate_migrate *m, spate_error *err);

/* Lists both trees as far as the ledger has not. Changes nothing but the ledger. */
int spate_migrate_plan(spate_migrate *m, spate_error *err);
/* Plans what is left to plan, copies, verifies, and sweeps once more over what failed. SPATE_OK also when single things failed:
 * the report counts them. SPATE_E_INTERRUPTED: go on with the same call. */
int spate_migrate_run(spate_migrate *m, spate_error *err);
/* Deletes what is only in the destination. Refuses while any folder could not be listed, or the source is empty. */
int spate_migrate_delete_extra(spate_migrate *m, spate_error *err);

/* Counts all nodes by outcome. */
int spate_migrate_review(spate_migrate *m, spate_migrate_report *report, spate_error *err);
/* The children of a folder, folders first, by name; both sides. fn: not 0 ends it and is returned. */
int spate_migrate_list(spate_migrate *m, const char *path, size_t path_len,
                       int (*fn)(void *arg, const spate_migrate_item *item), void *arg, spate_error *err);
/* Every path of an outcome, level by level. */
int spate_migrate_each(spate_migrate *m, spate_migrate_outcome outcome,
                       int (*fn)(void *arg, const spate_migrate_item *item), void *arg, spate_error *err);
/* Leaves a path, and what is below it, out of the copy; or takes it in again. */
int spate_migrate_exclude(spate_migrate *m, const char *path, size_t path_len, bool excluded, spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
