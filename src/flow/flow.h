/* flow.h - moves a source's tables into a sink, chunk by chunk, on several threads.
 *
 * Flow owns the order of things: which chunk a worker takes next, when a table's parents are complete, whose turn it is to
 * commit where a sink wants order, when a transient failure is tried again. It owns no connection and formats nothing.
 * Promise: a chunk's rows count as done only after the sink's commit returned; what a crash can repeat is at most the chunks in
 * flight, one a worker. */
#ifndef SP_FLOW_H
#define SP_FLOW_H

#include "flow/rejects.h"

enum {
    SP_FLOW_ATTEMPTS_MAX = 8,       /* of a chunk, when the sink says SPATE_E_RETRY */
    SP_FLOW_BACKOFF_US = 20 * 1000, /* before the second attempt; doubled (with jitter) for each further one */
    SP_FLOW_TICK_US = 100 * 1000,   /* how often progress is told */
    SP_FLOW_LANES_A_WORKER = 3,     /* where a sink wants order: chunks made ahead of their turn */
};

typedef struct sp_flow_table {
    uint64_t rows;      /* of this part, or UINT64_MAX: not known */
    uint64_t rows_done; /* committed */
    uint64_t rejected;
    uint64_t left_out; /* of those done: as the sink has it */
    uint64_t bytes;
    int64_t started_us, finished_us; /* monotonic; 0: not yet */
} sp_flow_table;

typedef struct sp_flow_options {
    unsigned workers;     /* threads, at most SP_WORKERS_MAX */
    uint32_t part, parts; /* this run makes positions [end * part / parts, end * (part + 1) / parts) of every table */
    /* a second, all workers together, as bytes are counted to the target; 0: as fast as it goes */
    uint64_t rate_rows, rate_bytes;
    /* where rows go that the target refuses or the source cannot read; NULL: such a row ends the run */
    sp_rejects *rejects;
    /* a table: of the rows that this run has committed, but for chunks that were sifted; NULL: not wanted */
    sp_sum *sums;
    /* read now and then; not 0: stop after the batch at hand, roll back the chunks in flight. May be NULL */
    const int *cancel;
    /* The sink is prepared: what had landed before is known, and of that what was rejected. A failure ends the run before any row is moved. May be NULL. */
    int (*prepared)(void *arg, spate_error *err);
    /* The sink has committed these positions, with so many rows. On the thread that committed, before anybody counts them; with
     * a sink that wants order, in that order. A failure stops the run. May be NULL. */
    int (*committed)(void *arg, const sp_chunk *chunk, uint64_t rows, spate_error *err);
    /* Told about every SP_FLOW_TICK_US on the calling thread, and once at the end. May be NULL. */
    void (*progress)(void *arg, const sp_flow_table *tables, uint32_t n_tables);
    void *arg;
} sp_flow_options;

/* Prepares the sink, moves everything that has not landed yet, finishes. tables: n_tables of the source, filled in any case. On failure the sink has been
 * finished as incomplete and err says what went wrong first, in which table and rows. */
int sp_flow_run(sp_source *source, sp_sink *sink, const sp_flow_options *options, sp_flow_table *tables,
                spate_error *err) SP_MUST_CHECK;

#endif
