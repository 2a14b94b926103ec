/* replica.h - private to lab and those who bind it: servers that follow another one by streaming replication.
 *
 * A replica is made of a base backup of its primary and has a physical slot there, so that the primary keeps the log that it has not
 * had yet. Whom it follows is lab.yaml's to say and is written into its configuration at each start. */
#ifndef SP_LAB_REPLICA_H
#define SP_LAB_REPLICA_H

#include "lab/lab.h"

/* Makes the last of the lab's replicas, which has no data yet, and returns when its primary streams to it. When that fails
 * nothing is left of it but its name. */
int sp_replica_make(sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* Removes a replica, its slot and its name. SPATE_E_USAGE: its primary does not run, and would keep the slot for ever. */
int sp_replica_drop(sp_lab *lab, const sp_lab_server *replica, spate_error *err) SP_MUST_CHECK;
/* The primary stops, and sends what it still has; the replica takes its place: its name, its address, its data's folder. Of a primary that
 * does not run, what it had not sent is gone. Interrupted, it is to be called again. */
int sp_replica_promote(sp_lab *lab, const sp_lab_server *replica, spate_error *err) SP_MUST_CHECK;

typedef struct sp_replica_lag {
    bool streams;
    uint64_t unsent, unreplayed, kept; /* bytes of the log: not sent yet, not replayed yet, kept for it */
    /* until the replica shows what has just been committed: the median, and the longest of some tries */
    double seen_ms, seen_most_ms;
} sp_replica_lag;
int sp_replica_look(sp_lab *lab, const sp_lab_server *replica, sp_replica_lag *lag, spate_error *err) SP_MUST_CHECK;

#endif
