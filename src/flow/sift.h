/* sift.h - private to the room: a chunk made once more, without the rows that are to blame.
 *
 * Batch by batch, each checked by the target before the next: one that is refused is halved until single rows are. They are rejected,
 * with what the target said of just them; rows that the source cannot read are too. What is left of the chunk is in the lane. */
#ifndef SP_SIFT_H
#define SP_SIFT_H

#include "flow/rejects.h"

typedef struct sp_sift {
    sp_reader *reader;
    sp_lane *lane;
    sp_batch *batch; /* of the chunk's table */
    sp_chunk chunk;
    sp_rejects *rejects;
    sp_rejected *rejected; /* becomes what is rejected of the chunk */
    bool (*stopping)(void *arg);
    void (*keep_pace)(void *arg, uint64_t rows);
    void *arg;
} sp_sift;

/* Of a lane that holds nothing. *rows: those that it takes. */
int sp_sift_chunk(const sp_sift *s, uint64_t *rows, spate_error *err) SP_MUST_CHECK;

#endif
