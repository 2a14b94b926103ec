/* query.h - private to lab and those who bind it: the questions that are put to one server, or to the shards and merged.
 *
 * What spate merges is this and no more: rows of all shards together; totals, where a column's name says how it adds up (count_,
 * sum_, min_, max_, and avg_x out of sum_x and count_x); and the top of an order. Anything wider is an engine's business. */
#ifndef SP_LAB_QUERY_H
#define SP_LAB_QUERY_H

#include "lab/layout.h"
#include "lab/link.h"

typedef enum sp_answer_kind { SP_ANSWER_ROWS, SP_ANSWER_TOTALS, SP_ANSWER_TOP } sp_answer_kind;

enum { SP_TOTALS_MAX = 16, SP_TOP_MAX = 100 };

typedef struct sp_query {
    const char *name, *sql; /* $1, if there is one, is a key */
    bool has_key, by_key;   /* by_key: all that it asks for is on the key's shard */
    sp_answer_kind kind;
    uint32_t top; /* SP_ANSWER_TOP: so many, by the first column */
    bool descending;
} sp_query;

/* What can be told of an answer without keeping it: the same, whoever gave it. */
typedef struct sp_answer {
    uint64_t rows, hash; /* hash: of all cells, whatever their order; of the top, of the first column in order */
    uint32_t n_totals;
    double totals[SP_TOTALS_MAX];
} sp_answer;

/* Merges the answers of n servers, one a server, into one. whole: the hash too. */
int sp_answer_merge(const sp_query *q, PGresult *const *parts, uint32_t n, bool whole, sp_answer *answer,
                    spate_error *err) SP_MUST_CHECK;
bool sp_answer_same(const sp_query *q, const sp_answer *a, const sp_answer *b);

/* The built-in queries that the lab's tables allow: point, range, join, total, top. They live in the arena. */
int sp_queries_built_in(const sp_layout *layout, sp_arena *arena, const sp_query **queries, uint32_t *n,
                        uint32_t *key_table, spate_error *err) SP_MUST_CHECK;
/* Those of a text: statements ended by semicolons, each with a line "-- NAME" before it, or "-- NAME top N" when the answer is to be
 * the first N by its first column, descending. With $1 a statement is asked of the key's shard alone. */
int sp_queries_read(const char *file, const char *text, sp_arena *arena, const sp_query **queries, uint32_t *n,
                    spate_error *err) SP_MUST_CHECK;

#endif
