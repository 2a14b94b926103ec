/* move.h - private to the room: what generating and copying have in common, from an open source and sink to a report. */
#ifndef SP_MOVE_H
#define SP_MOVE_H

#include "flow/flow.h"
#include "job/job.h"
#include "spate/generate.h"

typedef struct sp_move {
    sp_source *source;
    sp_sink *sink;
    sp_arena *arena; /* the report's */
    spate_generate_report *report;
    unsigned workers; /* as the caller said: 0: as many as there are processors */
    uint32_t part, parts;
    uint64_t rate_rows, rate_bytes;
    sp_rejects *rejects; /* NULL: a row that is refused ends the run */
    sp_sum *sums;        /* as flow's; NULL: not wanted */
    const int *cancel;
    void (*progress)(void *arg, const spate_table_progress *tables, size_t n_tables, double seconds);
    void *arg;
    sp_job *job; /* NULL: none, or nobody lists it */
    sp_flow_table *tables;
    int64_t start_us;
} sp_move;

unsigned sp_move_workers(unsigned asked);
int sp_move_check_workers(unsigned asked, spate_error *err) SP_MUST_CHECK;
sp_insert_mode sp_move_mode(spate_insert_mode mode);
/* Opens the sink and puts where it is into the report. */
int sp_move_open_target(sp_move *m, const char *to, const sp_sink_options *options, spate_error *err) SP_MUST_CHECK;
/* With a job: enters the run into its ledger, unless there is no folder for that. *done: there is nothing left to do. */
int sp_move_enter(sp_move *m, const sp_job_run *run, bool *done, spate_error *err) SP_MUST_CHECK;
/* The run has come to its end, in success or failure: the ledger is told, and of a complete job the target forgets. Returns status, or
 * what went wrong then. */
int sp_move_leave(sp_move *m, const sp_job_run *run, int status, spate_error *err) SP_MUST_CHECK;
/* Moves all rows; the report is filled on success and on failure. */
int sp_move_rows(sp_move *m, spate_error *err) SP_MUST_CHECK;
/* Closes source, sink and the file of rejected rows. */
void sp_move_done(sp_move *m);

#endif
