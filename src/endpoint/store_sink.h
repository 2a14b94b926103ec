/* store_sink.h - private to the endpoint of stores: the sink (store.c), and what its file remembers of a job (store_job.c).
 *
 * A job writes a new store. Beside NAME.spate.partial there is NAME.spate.job, as beside any file of a job (output.h): how much of the
 * partial store is surely on disk, and which rows that is. The next run cuts off what is behind, and the store finds its blocks again. */
#ifndef SP_STORE_SINK_H
#define SP_STORE_SINK_H

#include "endpoint/landed.h"
#include "endpoint/output.h"
#include "store/append.h"

/* What of a table is in the file. */
typedef struct sp_store_written {
    uint64_t first, last, rows;
} sp_store_written;

typedef struct sp_store_sink {
    sp_sink base;
    sp_arena arena;
    const char *path, *written_as;
    sp_store *store;
    const sp_schema *const *tables;
    uint32_t n_tables;
    uint32_t *numbers; /* of the tables in the store */
    bool fresh;        /* the file is new: written_as is not path */
    int decimals;      /* floats are rounded to; -1: they are not */
    spate_packing packing;
    bool whole; /* a run of the job before has written all of it */
    sp_job_memory memory;
    sp_output output;          /* names, with a job; the store has the file open, not this */
    sp_store_written *written; /* a table */
    pthread_mutex_t lock;      /* with a job: on commits, so that what is remembered is what is there */
} sp_store_sink;

/* Opens what a run before has left, if it has left anything, and sets what has landed. */
int sp_store_job_recall(sp_store_sink *s, spate_error *err) SP_MUST_CHECK;
/* A chunk has been appended; under the lock. */
int sp_store_job_commit(sp_store_sink *s, const sp_chunk *chunk, uint64_t rows, spate_error *err) SP_MUST_CHECK;
/* Before the store is finished, or left as it is. */
int sp_store_job_stop(sp_store_sink *s, bool complete, spate_error *err) SP_MUST_CHECK;
int sp_store_job_forget(sp_sink *sink, spate_error *err) SP_MUST_CHECK;
int sp_store_job_abandon(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, bool remove,
                         spate_error *err) SP_MUST_CHECK;

#endif
