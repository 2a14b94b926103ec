/* cache.h - private to lab: answers kept in a Redis server, under the query's name and the key. */
#ifndef SP_LAB_CACHE_H
#define SP_LAB_CACHE_H

#include "lab/query.h"

typedef struct sp_cache sp_cache;
/* Loads hiredis when that has not been done. */
int sp_cache_open(const char *socket, sp_cache **cache, spate_error *err) SP_MUST_CHECK;
void sp_cache_close(sp_cache *cache);                                /* NULL is fine */
int sp_cache_clear(sp_cache *cache, spate_error *err) SP_MUST_CHECK; /* of everything */
int sp_cache_get(sp_cache *cache, const sp_query *query, const char *key, bool whole, bool *found, sp_answer *answer,
                 spate_error *err) SP_MUST_CHECK;
int sp_cache_put(sp_cache *cache, const sp_query *query, const char *key, const PGresult *rows,
                 spate_error *err) SP_MUST_CHECK;
int sp_cache_drop(sp_cache *cache, const sp_query *query, const char *key, spate_error *err) SP_MUST_CHECK;

#endif
