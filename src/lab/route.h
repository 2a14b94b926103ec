/* route.h - private to lab and those who bind it: a client's way to the shard of a key, a whole number, while rows move.
 *
 * lab.yaml says which of its two placements holds a moment after the shards' fences do. So a client asks the shard that it thinks of; when that
 * refuses the row, or has it no more, it tells the route and asks again. All threads of a client share one route, and what it has handed
 * out stays until the route goes. */
#ifndef SP_LAB_ROUTE_H
#define SP_LAB_ROUTE_H

#include "lab/lab.h"

typedef struct sp_route sp_route;

int sp_route_open(const char *directory, sp_route **route, spate_error *err) SP_MUST_CHECK;
void sp_route_close(sp_route *r); /* NULL is fine */
/* The lab as it was read last. */
const sp_lab *sp_route_lab(sp_route *r);
/* The key's shard, as far as is known. */
const sp_lab_server *sp_route_server(sp_route *r, int64_t key);
/* That server has not, or does not take, the row: lab.yaml is looked at, and if it says the same still, the other placement holds. */
void sp_route_refused(sp_route *r, int64_t key, const sp_lab_server *by);
/* Reads lab.yaml if it has changed: to be called now and then, so that a client knows both before it needs them. */
void sp_route_look(sp_route *r);

#endif
