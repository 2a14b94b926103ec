/* lab_reshard.h - private to job: what the ways to another number of shards share. */
#ifndef SP_JOB_LAB_RESHARD_H
#define SP_JOB_LAB_RESHARD_H

#include "lab/reshard.h"
#include "spate/lab.h"

typedef struct sp_resharding {
    sp_lab *lab;
    const spate_lab_reshard_options *options;
    spate_lab_reshard_report *report;
    unsigned shards; /* how many there are to be */
    sp_arena *arena; /* the report's */
    sp_source *source;
    sp_layout layout;
    sp_reshard moves;
} sp_resharding;

/* ---- lab_reshard.c ---- */

/* So that there are as many shards; they come into lab.yaml first, without slots: then 'destroy' knows them, whatever happens to us. */
int sp_resharding_add(sp_resharding *r, unsigned shards, spate_error *err) SP_MUST_CHECK;
/* Starts the lab's servers, and makes those that are not there yet. */
int sp_resharding_start(sp_resharding *r, spate_error *err) SP_MUST_CHECK;
/* Tables on a new shard: empty where rows are placed, whole where they are copied. */
int sp_resharding_tables(sp_resharding *r, unsigned shard, spate_error *err) SP_MUST_CHECK;
/* Takes away the shards behind the first ones, if they own nothing. */
int sp_resharding_drop(sp_resharding *r, unsigned shards, spate_error *err) SP_MUST_CHECK;
/* Tells the report which pairs there are. */
int sp_resharding_tell(sp_resharding *r, spate_error *err) SP_MUST_CHECK;
int sp_resharding_sweep(sp_resharding *r, const sp_placement *places, unsigned shards, spate_error *err) SP_MUST_CHECK;
/* Where rows are to live, as the options say; the lab's tables can live so. */
int sp_resharding_aim(sp_resharding *r, sp_placement *after, spate_error *err) SP_MUST_CHECK;

/* ---- lab_move.c: while others write ---- */

int sp_resharding_objections(sp_resharding *r, spate_error *err) SP_MUST_CHECK; /* into the report's notes */
int sp_resharding_online(sp_resharding *r, spate_error *err) SP_MUST_CHECK;     /* and the open one's end, either one */

#endif
