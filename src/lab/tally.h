/* tally.h - private to lab: the sum over the bank's accounts at one moment of all shards.
 *
 * A reading defers the move's turns on each shard, so that no side changes meanwhile, then takes the bank's gate on main alone, so that no
 * transfer is half committed, and lets each shard take a snapshot. Then turns and transfers go on, and the shards add up what was theirs at that moment, by the placement that held then. What was decided and not carried out, because somebody died, is carried out
 * first; what has been in doubt for seconds is decided. */
#ifndef SP_LAB_TALLY_H
#define SP_LAB_TALLY_H

#include "lab/link.h"
#include "lab/route.h"

typedef struct sp_tally {
    sp_route *route;
    bool hurry;       /* what is in doubt is decided at once */
    uint64_t settled; /* transactions that were in doubt */
    int64_t gate_us;  /* the longest that transfers were kept waiting */
    PGconn *main, *conns[SP_SHARDS_MAX];
    const char *uris[SP_SHARDS_MAX];
} sp_tally;

/* SPATE_E_RETRY: not now: a server does not answer, or a turn is half done. */
int sp_tally_read(sp_tally *t, int64_t *total, spate_error *err) SP_MUST_CHECK;
void sp_tally_done(sp_tally *t);

/* For transfers: statements on main that enter the bank's gate, and leave it. */
extern const char sp_tally_enter[], sp_tally_leave_all[];

#endif
