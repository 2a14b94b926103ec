/* rejects.h - the file of rejected rows.
 *
 * A chunk gathers what is rejected of it, and its lines come into the file, synced, before the rest of it is committed; so whatever
 * dies when, no row is in neither. Lines of chunks that were not committed after all are cut off: at once if that is known, else by
 * the next run of the job, which knows what has landed. A line is therefore there once for each row that is not in the target. */
#ifndef SP_REJECTS_H
#define SP_REJECTS_H

#include "endpoint/endpoint.h"

enum { SP_REJECTED_BYTES_MAX = 64 << 20 }; /* of a chunk's lines, which are in memory */

typedef struct sp_rejects sp_rejects;

/* What of one chunk is rejected. All zero: nothing. */
typedef struct sp_rejected {
    sp_buf lines;
    uint64_t rows;
} sp_rejected;

/* path: a file that is not there or is empty; of a job, one that its runs before may have written. NULL: rejected rows are passed over
 * and nobody is told. max: how many may be rejected, runs before included. job: NULL: none. Path and job live as long as it does. */
int sp_rejects_open(const char *path, uint64_t max, const char *job, sp_rejects **out, spate_error *err) SP_MUST_CHECK;
void sp_rejects_close(sp_rejects *r); /* a file without a line is taken away */
/* The sink is prepared: lines of chunks that have not landed go, the others are counted. */
int sp_rejects_resume(sp_rejects *r, const sp_source *source, const sp_landed *landed, spate_error *err) SP_MUST_CHECK;
/* How many rows of a table are in the file; table: its number in the source. */
uint64_t sp_rejects_of(sp_rejects *r, uint32_t table);

/* A row more of a chunk that has been read. SPATE_E_DATA, as why says: it is one too many. */
int sp_rejects_add_row(sp_rejects *r, sp_rejected *to, const sp_reject *place, const spate_error *why,
                       const sp_batch *b, uint32_t row, spate_error *err) SP_MUST_CHECK;
int sp_rejects_add_line(sp_rejects *r, sp_rejected *to, const sp_reject *place, const spate_error *why,
                        const sp_unread *line, spate_error *err) SP_MUST_CHECK;
void sp_rejected_reset(sp_rejected *of);
void sp_rejected_done(sp_rejected *of);

/* Around a chunk's commit, whose result is rc; with nothing rejected nothing happens. Between the two no other chunk with rejected
 * rows is committed. */
int sp_rejects_before_commit(sp_rejects *r, const sp_rejected *of, spate_error *err) SP_MUST_CHECK;
int sp_rejects_after_commit(sp_rejects *r, const sp_rejected *of, uint32_t table, int rc,
                            spate_error *err) SP_MUST_CHECK;

#endif
