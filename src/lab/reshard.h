/* reshard.h - private to lab and those who bind it: rows moved between shards while nobody writes.
 *
 * The map in lab.yaml is the truth, and rows that it does not give to a shard are litter there. So a move is: sweep; copy what the
 * new map gives away, each pair of shards in one transaction of the taker, checked before it commits; put the new map in place;
 * sweep again. Whatever kills us, beginning anew is enough: before the map is in place, copies are litter; behind it, the
 * originals are. */
#ifndef SP_LAB_RESHARD_H
#define SP_LAB_RESHARD_H

#include "lab/layout.h"

typedef struct sp_reshard_pair {
    unsigned from, to;
    uint32_t slots;
    uint64_t rows, bytes; /* bytes: about */
} sp_reshard_pair;

typedef struct sp_reshard {
    sp_lab *lab;             /* its servers: those of both maps */
    const sp_layout *layout; /* by the lab's map */
    sp_slot_map map;         /* the new one */
    sp_reshard_pair *pairs;  /* in the lab's arena */
    uint32_t n_pairs;
} sp_reshard;

/* Finds the pairs and counts their rows. */
int sp_reshard_plan(sp_reshard *r, spate_error *err) SP_MUST_CHECK;
/* Deletes from the first shards what the map does not give to them. */
int sp_reshard_sweep(const sp_reshard *r, const sp_slot_map *map, unsigned shards, spate_error *err) SP_MUST_CHECK;
/* Copies and checks. SPATE_E_DATA: a taker has not what the giver has, and has thrown it away again. */
int sp_reshard_copy(const sp_reshard *r, spate_error *err) SP_MUST_CHECK;

#endif
