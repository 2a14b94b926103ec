/* nemesis.h - private to lab and those who bind it: what goes wrong on purpose while clients look whether anything comes of it.
 *
 * Shards are killed, all processes at once, and started again, or halted and let go on; moves of rows are begun by a command of their own, which
 * is killed and begun again until it is through. When and what follows from a seed; how far the others are by then does not. When it
 * returns, all servers run and no move is open. */
#ifndef SP_LAB_NEMESIS_H
#define SP_LAB_NEMESIS_H

#include "lab/lab.h"
#include "lab/stage.h"

typedef struct sp_nemesis {
    const char *directory; /* of the lab */
    sp_stage *stage;       /* which counts us as a disturber as long as we run; the caller does */
    uint64_t seed;
    bool kill, stop;                           /* what is done to shards */
    const char *program;                       /* for moves: spate itself */
    void (*told)(void *arg, const char *what); /* called with what is done, from any thread. May be NULL */
    void *arg;
    uint64_t kills, stops, movers; /* done */
    uint64_t moves;                /* of rows, to their ends */
} sp_nemesis;

/* Shards. The lab's own. SPATE_E_UNREACHABLE: one does not come back. */
int sp_nemesis_shards(sp_nemesis *n, spate_error *err) SP_MUST_CHECK;
/* Movers: to one shard more, and back. SPATE_E_DATA: a move has found its rows different on both sides. */
int sp_nemesis_movers(sp_nemesis *n, spate_error *err) SP_MUST_CHECK;

#endif
