/* heat.h - private to lab: how many of a table's rows each slot has on a shard, and how many more than when they were counted before. */
#ifndef SP_LAB_HEAT_H
#define SP_LAB_HEAT_H

#include "lab/ask.h"

typedef struct sp_heat sp_heat;

/* out: NULL where rows have no slots there: on main, copied tables, placements other than by hash, keys that servers cannot hash. quoted: the
 * table, as SQL names it. */
int sp_heat_new(const sp_lab *lab, const sp_lab_server *server, PGconn *conn, const char *table, const char *quoted,
                sp_patience p, sp_heat **out, spate_error *err) SP_MUST_CHECK;
void sp_heat_free(sp_heat *h); /* NULL is fine */
/* What to ask the server, and what to do with its answer: returns how many rows there are. */
const char *sp_heat_question(const sp_heat *h);
uint64_t sp_heat_take(sp_heat *h, const PGresult *answer);
/* Appends ,"slots":[rows of each],"got":[[slot, rows more], ...],"got_s":seconds; the last two after the second count. */
int sp_heat_put(const sp_heat *h, sp_buf *out) SP_MUST_CHECK;

#endif
