/* index.h - private to lab and those who bind it: indexes that are there only while somebody measures what they bring.
 *
 * They are called spate_try_0, spate_try_1, ...: so those that a killed run has left are known, and go before the next ones come. */
#ifndef SP_LAB_INDEX_H
#define SP_LAB_INDEX_H

#include "lab/query.h"

enum { SP_INDEX_MAX = 16 };

typedef struct sp_index_trial {
    const char *const *definitions; /* what comes behind ON: "orders (user_id)" */
    uint32_t n;
    bool main, shards;                                            /* where */
    uint64_t main_bytes[SP_INDEX_MAX], shard_bytes[SP_INDEX_MAX]; /* found; of all shards together */
    double seconds;                                               /* found: until all were there */
} sp_index_trial;

/* Makes them on all servers at once. When that fails none is left. */
int sp_index_make(const sp_lab *lab, sp_index_trial *trial, spate_error *err) SP_MUST_CHECK;
int sp_index_drop(const sp_lab *lab, const sp_index_trial *trial, spate_error *err) SP_MUST_CHECK;
/* The server's plan of a query, a line a row; key: NULL where it has none. In the arena. */
int sp_index_explain(const sp_lab_server *server, const sp_query *query, const char *key, sp_arena *arena,
                     const char **plan, spate_error *err) SP_MUST_CHECK;

#endif
