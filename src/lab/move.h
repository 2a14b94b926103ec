/* move.h - private to lab and those who bind it: rows moved between shards while others write them.
 *
 *     fences up -> slot and snapshot -> COPY -> indexes -> the stream follows -> compared -> turned -> the way back follows -> compared
 *
 * move.c copies and streams, compare.c compares, turn.c turns: at a gate behind which nobody writes for a moment, where
 * rows leave to neither side first, so that at no time two shards take writes of one row. What is done by several calls in a row can be done again from
 * the last one that came to its end; what each has left behind, the next replaces. Nothing here knows what has been done: steps.h. */
#ifndef SP_LAB_MOVE_H
#define SP_LAB_MOVE_H

#include "lab/stream.h"

typedef struct sp_lab_move_pair {
    const sp_reshard_pair *pair;
    sp_stream forth, back;
    PGconn *from, *to; /* on the giver, on the taker */
    char name[40];
    uint64_t rows; /* that were copied last */
} sp_lab_move_pair;

typedef struct sp_lab_move {
    const sp_reshard *r;
    unsigned shards; /* of both placements */
    PGconn *conns[SP_SHARDS_MAX];
    sp_lab_move_pair *pairs;      /* r->n_pairs */
    PGconn *gates[SP_SHARDS_MAX]; /* while they are closed: whoever dies opens them */
    sp_side sides[SP_SHARDS_MAX]; /* as they were before */
    int64_t closed_us, limit_us;  /* since when, and when they are to be open again at the latest */
    int64_t pause_us;             /* the longest one so far */
    const int *cancel;
    int (*copied)(void *arg, const sp_lab_move_pair *pair,
                  spate_error *err); /* called when a pair's rows are there, from any thread */
    void *arg;
} sp_lab_move;

/* Connects; cancel, copied and arg are the caller's to set before. */
int sp_lab_move_open(sp_lab_move *m, const sp_reshard *r, spate_error *err) SP_MUST_CHECK;
void sp_lab_move_done(sp_lab_move *m);
bool sp_lab_move_gives(const sp_lab_move *m, unsigned shard);
bool sp_lab_move_takes(const sp_lab_move *m, unsigned shard);
int sp_lab_move_interrupted(const sp_lab_move *m,
                            spate_error *err) SP_MUST_CHECK; /* SPATE_E_INTERRUPTED when the caller asked to stop */

/* ---- move.c ---- */

/* What forbids a move while others write, each to fn: settings, rights, versions. Only servers that are there are asked. */
int sp_lab_move_check(const sp_reshard *r, void (*fn)(void *arg, const char *what), void *arg,
                      spate_error *err) SP_MUST_CHECK;
/* The rows of those pairs that are not left out, all at once; pair->rows says how many. Leaves a slot a pair on the giver. */
int sp_lab_move_copy(sp_lab_move *m, const bool *left_out, spate_error *err) SP_MUST_CHECK;
/* Takes keys and indexes off the shard's tables; puts on what a shard that has rows has, and analyses. */
int sp_lab_move_strip(sp_lab_move *m, unsigned shard, spate_error *err) SP_MUST_CHECK;
int sp_lab_move_index(sp_lab_move *m, unsigned shard, unsigned like, spate_error *err) SP_MUST_CHECK;
int sp_lab_move_stream(sp_lab_move *m, spate_error *err) SP_MUST_CHECK; /* all flow; the ways back are published */
int sp_lab_move_stream_back(sp_lab_move *m,
                            spate_error *err) SP_MUST_CHECK; /* after the turn: only the way back is left */
int sp_lab_move_unstream(sp_lab_move *m, spate_error *err) SP_MUST_CHECK; /* neither is */

/* ---- turn.c ---- */

/* Waits until the streams, forth or back, are as good as at their sources. */
int sp_lab_move_catch_up(sp_lab_move *m, bool back, spate_error *err) SP_MUST_CHECK;
/* A moment at which nobody writes and the streams have come to their ends: fn is called in it. It is tried until it is short enough. */
typedef struct sp_lab_move_rest {
    int (*prepare)(void *arg, spate_error *err); /* before each try, while others write */
    int (*fn)(sp_lab_move *m, void *arg, spate_error *err);
    void *arg;
} sp_lab_move_rest;
int sp_lab_move_at_rest(sp_lab_move *m, bool back, const sp_lab_move_rest *rest, spate_error *err) SP_MUST_CHECK;
/* From now on the takers have the rows; the slots for the way back are there before. On failure see sp_lab_move_settle. */
int sp_lab_move_turn(sp_lab_move *m, spate_error *err) SP_MUST_CHECK;
int sp_lab_move_turn_back(sp_lab_move *m, spate_error *err) SP_MUST_CHECK;
/* Whatever a turn that was interrupted has left: finished if it went so far that a taker has taken writes, else undone. */
int sp_lab_move_settle(sp_lab_move *m, bool *turned, spate_error *err) SP_MUST_CHECK;

/* ---- compare.c ---- */

/* The rows of all pairs at one moment on both sides, slot by slot; rows: how many were looked at on both together, in how many seconds.
 * SPATE_E_DATA: they differ, and where. */
int sp_lab_move_compare(sp_lab_move *m, bool back, uint64_t *rows, double *seconds, spate_error *err) SP_MUST_CHECK;

#endif
