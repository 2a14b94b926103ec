/* job.h - private to the room: a run's ledger, where the job is named and listed, and what has landed is written down.
 *
 * Nodes of the ledger: the root; a folder for each table, at an odd depth, deeper than those it waits for; below it a file for each
 * range that has landed, called as its first position, with its rows as size and the position behind its last as checksum. Ranges
 * that touch are one. What else there is to know is remembered by key. */
#ifndef SP_JOB_H
#define SP_JOB_H

#include "flow/flow.h"
#include "spate/ledger.h"

typedef struct sp_job sp_job;

/* What a run is. The texts live as long as it does. */
typedef struct sp_job_run {
    const char *folder; /* of the ledgers */
    const char *name, *of;
    const char *kind;        /* "generate", "copy" */
    const char *source, *to; /* URIs; they are kept without passwords */
    uint32_t part, parts;
    const char *const *words; /* the command; NULL: there is none to repeat */
    size_t n_words;
} sp_job_run;

/* Checks the name that was asked for; "auto" becomes one made of the digest and the target. */
int sp_job_name(sp_arena *arena, const char *asked, uint64_t digest, const char *to, const char **name, const char **of,
                spate_error *err) SP_MUST_CHECK;

/* Enters the run as the job's. SPATE_E_USAGE: the job was begun as another one; SPATE_E_UNREACHABLE: it is running. */
int sp_job_open(const sp_job_run *run, sp_job **job, spate_error *err) SP_MUST_CHECK;
/* It has been done: nothing is left to do. */
bool sp_job_is_done(const sp_job *job);
/* The sink is prepared: tables and their rounds, and what the target says has landed, which is taken for the truth. */
int sp_job_plan(sp_job *job, const sp_source *source, const sp_sink *sink, spate_error *err) SP_MUST_CHECK;
/* As sp_flow_options.committed. */
int sp_job_note(sp_job *job, const sp_chunk *chunk, uint64_t rows, spate_error *err) SP_MUST_CHECK;
/* The run has ended: how. Done, it is on disk when this returns; then the target may forget. */
int sp_job_ended(sp_job *job, int status, const spate_error *why, const sp_flow_table *tables,
                 spate_error *err) SP_MUST_CHECK;
/* Of a job that is done: has the target forget it, unless that is known to have happened. */
int sp_job_forget(sp_job *job, const char *name, const char *to, spate_error *err) SP_MUST_CHECK;
int sp_job_sync(sp_job *job, spate_error *err) SP_MUST_CHECK;
int sp_job_close(sp_job *job, spate_error *err); /* NULL is fine */

/* job_source.c: the sink is prepared: whether what has landed is of the source as it is now. SPATE_E_DATA: it is not. job: NULL when
 * nobody lists it. */
int sp_job_check_source(sp_job *job, sp_source *source, const sp_sink *sink, sp_rejects *rejects,
                        spate_error *err) SP_MUST_CHECK;
/* What is remembered of a table of the source: of the moment that what has landed is of. */
int sp_job_recall_mark(sp_job *job, const char *table, sp_buf *mark, bool *known, spate_error *err) SP_MUST_CHECK;
int sp_job_remember_mark(sp_job *job, const char *table, const char *mark, spate_error *err) SP_MUST_CHECK;

/* ---- shared with whoever reads a ledger ---- */

char *sp_job_path(sp_arena *arena, const char *folder, const char *name); /* of the ledger */
/* A text of the ledger, or NULL: none, or no memory. */
char *sp_job_recall(spate_ledger *l, sp_arena *arena, const char *key);
uint64_t sp_job_recall_number(spate_ledger *l, const char *key);
/* Has the target of a stopped job forget it. to: its URI, or NULL for the one in the ledger. remove: unfinished files go too. */
int sp_job_abandon(spate_ledger *l, sp_arena *arena, const char *name, const char *to, bool remove,
                   spate_error *err) SP_MUST_CHECK;
/* "/name", as the table's folder is called. */
char *sp_job_table_path(sp_arena *arena, const char *table);

#endif
