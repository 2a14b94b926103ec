/* way.h - private to lab and those who bind it: the ways that a lab has to put questions to its servers. */
#ifndef SP_LAB_WAY_H
#define SP_LAB_WAY_H

#include "lab/asker.h"

typedef enum sp_way_kind {
    SP_WAY_MAIN,        /* main, which has everything */
    SP_WAY_SHARDS,      /* the router */
    SP_WAY_COORDINATOR, /* main, through the partitions that 'lab export --to fdw --load' has made there */
    SP_WAY_POOLED,      /* the router, with the pool before each shard */
    SP_WAY_CACHED,      /* the router, behind the cache */
    SP_WAY_REPLICAS,    /* main's replicas; writes go to main */
    SP_WAYS
} sp_way_kind;

const char *sp_way_name(sp_way_kind kind);
/* Whether the query can go that way: a cache knows what one key gives. */
bool sp_way_fits(const sp_way *way, const sp_query *query);
/* Lives in the lab's arena. SPATE_E_USAGE: the lab has no such thing, and how it would. */
int sp_way_make(sp_lab *lab, const sp_layout *layout, sp_way_kind kind, sp_way *way, spate_error *err) SP_MUST_CHECK;
/* To a server that is none of the lab's but has its tables. */
int sp_way_to(sp_lab *lab, const char *uri, sp_way *way, spate_error *err) SP_MUST_CHECK;
/* What a user writes who writes: a row of the table as it is, found by its key. */
int sp_way_writing(const sp_layout *layout, uint32_t table, sp_arena *arena, sp_writing *writing,
                   spate_error *err) SP_MUST_CHECK;

#endif
