/* distribute.h - private to lab and those who bind it: rows onto every shard at once, a flow for each. */
#ifndef SP_LAB_DISTRIBUTE_H
#define SP_LAB_DISTRIBUTE_H

#include "flow/flow.h"
#include "gen/gen.h"
#include "lab/frame.h"

typedef struct sp_shard_state {
    uint64_t rows, rows_done, bytes; /* rows: about, until the shard is done */
    int64_t started_us, finished_us; /* monotonic; 0: not yet */
} sp_shard_state;

typedef struct sp_spreading {
    sp_lab *lab;
    const sp_layout *layout;
    const sp_gen *gen;        /* rows are made: of this plan, whose tables are whole's */
    const sp_source *whole;   /* all rows: made, or main's */
    const sp_catalog
        *frame; /* what main has around them; NULL: rows are made, and what the plan says is all there is */
    const char *job, *job_of; /* what the shards remember it by */
    bool replace;             /* tables that are there already are replaced */
    uint64_t batch_rows;
    unsigned workers; /* of each shard */
    const int *cancel;
    void (*progress)(void *arg, const sp_shard_state *shards,
                     uint32_t n); /* ten times a second, on the calling thread */
    void *arg;

    sp_shard_state *shards; /* out: caller's, as many as there are shards */
    uint64_t *rows;         /* out: caller's, a table of a shard: rows[shard * tables + table] */
} sp_spreading;

/* When a shard fails the others go on to their ends; then the first failure is told. The same call again makes what is missing. */
int sp_distribute(sp_spreading *d, spate_error *err) SP_MUST_CHECK;

#endif
