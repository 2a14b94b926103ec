/* landed.h - private to endpoint: what a target remembers of a job, and the statements that keep it in a database.
 *
 * Two tables beside the rows: spate_job has a row for each job, spate_chunk one for each chunk that a job has committed, written
 * in the chunk's own transaction. A run claims its job by raising the epoch; where several processes can write at once, every
 * chunk checks the epoch in its transaction, so that a run that was taken for dead cannot add rows behind its successor's back:
 * its chunk divides by zero instead. Statements that follow the rows are remembered like chunks, of a table without a name. */
#ifndef SP_ENDPOINT_LANDED_H
#define SP_ENDPOINT_LANDED_H

#include "endpoint/endpoint.h"

typedef struct sp_landed_list {
    sp_chunk *ranges;
    size_t n, cap;
    uint64_t rows;
} sp_landed_list;

typedef struct sp_job_memory {
    sp_arena *arena;
    const char *job; /* NULL: none, and the rest is empty */
    const char *of;  /* what it makes */
    const sp_schema *const *tables;
    uint32_t n_tables;
    uint64_t epoch; /* of this run; 0: not claimed */
    bool resumed;   /* a run before has claimed the job, and with it created and emptied the tables */
    bool complete;
    sp_landed_list *lists; /* a table */
    sp_landed *landed;     /* a table, made by sp_job_landed */
    sp_landed_list steps;  /* statements behind the rows that have run: a hash of each as its position */
} sp_job_memory;

int sp_job_memory_init(sp_job_memory *m, sp_arena *arena, const sp_sink_options *options,
                       const sp_schema *const *tables, uint32_t n_tables, spate_error *err) SP_MUST_CHECK;
/* What the claim has answered. SPATE_E_USAGE: the job was begun with something else to make. */
int sp_job_claimed(sp_job_memory *m, uint64_t epoch, bool complete, const char *of, spate_error *err) SP_MUST_CHECK;
/* Notes a committed range; tables that are not in this run are passed over. 0 or SPATE_E_NOMEM. */
int sp_job_add(sp_job_memory *m, const char *table, uint64_t first, uint64_t last, uint64_t rows) SP_MUST_CHECK;
/* Whether a run of the job has run the statement. */
bool sp_job_has_step(const sp_job_memory *m, const char *statement);
/* All of it in order, for sp_sink.landed; of a complete job, everything. NULL: no memory. */
const sp_landed *sp_job_landed(sp_job_memory *m);

/* ---- SQL: PostgreSQL, DuckDB and SQLite understand it alike; each 0 or SPATE_E_NOMEM, with a NUL behind the text ---- */

extern const char sp_job_tables_sql[]; /* makes the two tables unless they are there */
int sp_job_claim_sql(const sp_job_memory *m, sp_buf *sql) SP_MUST_CHECK;  /* answers epoch, complete, of */
int sp_job_chunks_sql(const sp_job_memory *m, sp_buf *sql) SP_MUST_CHECK; /* answers table, first, last, rows */
/* fenced: other processes may write at the same time. */
int sp_job_chunk_sql(const sp_job_memory *m, const sp_chunk *chunk, uint64_t rows, bool fenced,
                     sp_buf *sql) SP_MUST_CHECK;
int sp_job_step_sql(const sp_job_memory *m, const char *statement,
                    sp_buf *sql) SP_MUST_CHECK;                             /* in its transaction; fenced */
int sp_job_complete_sql(const sp_job_memory *m, sp_buf *sql) SP_MUST_CHECK; /* the job stays, its chunks go */
int sp_job_forget_sql(const sp_job_memory *m, sp_buf *sql) SP_MUST_CHECK;

#endif
