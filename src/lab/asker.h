/* asker.h - private to lab and those who bind it: one user's connections to those who answer, and a question put to them.
 *
 * A way says who is asked: main; the shards, by a router that goes by the key or asks all and merges; either of them through a pool or
 * behind a cache; replicas that have what main has. A pool that hands out servers a transaction at a time cannot keep prepared
 * statements (pgbouncer before 1.21), so nothing is prepared through it: every question is parsed and planned again. */
#ifndef SP_LAB_ASKER_H
#define SP_LAB_ASKER_H

#include "lab/query.h"

typedef struct sp_key {
    const char *text;
    uint8_t shard;
} sp_key;

typedef struct sp_way {
    const char *name;
    const sp_lab_server *doors; /* sharded: one a shard; else each has everything, and they are asked in turn */
    uint32_t n_doors;
    bool sharded;
    const sp_lab_server *writer; /* who is written to; NULL: who is asked */
    const char *session;         /* SQL for each connection before anything else; NULL: none */
    bool unprepared;
    const char *cache; /* a Redis server's socket: asked first for what one key gives. NULL: none */
} sp_way;

/* A question that writes, and what came of it; both by key. */
typedef struct sp_writing {
    const char *update; /* gives the transaction's number */
    const char *look;   /* gives that of the row's last writer */
} sp_writing;

typedef struct sp_ask_counts {
    uint64_t hits, misses; /* of the cache */
    /* own_unseen: what its writer, who looked at once, did not see. Only with a way that has a writer */
    uint64_t writes, own_unseen;
} sp_ask_counts;

typedef struct sp_asker sp_asker;
/* writing: NULL, nothing is written. number: users with different ones begin at different doors. */
int sp_asker_open(const sp_way *way, const sp_query *query, const sp_writing *writing, unsigned number,
                  sp_asker **asker, spate_error *err) SP_MUST_CHECK;
void sp_asker_close(sp_asker *asker); /* NULL is fine */
/* whole: with the answer's hash. A connection that was lost is made again for the next question. */
int sp_ask(sp_asker *asker, const sp_key *key, bool whole, sp_answer *answer, spate_error *err) SP_MUST_CHECK;
/* Writes the key's row as it is; with a writer, looks then whether a door shows it. */
int sp_ask_write(sp_asker *asker, const sp_key *key, spate_error *err) SP_MUST_CHECK;
const sp_ask_counts *sp_ask_counts_of(const sp_asker *asker);

#endif
