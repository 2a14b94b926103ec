/* order.h - private to the room: the order of tables. */
#ifndef SP_ORDER_H
#define SP_ORDER_H

#include "endpoint/endpoint.h"

/* tables[i] becomes the schema wanted[order[i]] without its foreign keys to tables that are not among the wanted; parents first,
 * otherwise as wanted. Both have room for n. False: no memory. */
bool sp_tables_in_order(sp_arena *arena, const sp_schema *const *wanted, uint32_t n, const sp_schema **tables,
                        uint32_t *order);
/* The same for what a source keeps by a table's number, structs of its own of size bytes, besides schemas and extents; base gets the
 * last two. tables: where the source has the address of its structs; it becomes that of copies in the new order. The old ones stay,
 * for schemas may lie in them. */
int sp_source_in_order(sp_source *base, sp_arena *arena, void *tables, size_t size, const sp_schema *const *schemas,
                       const sp_extent *extents, spate_error *err) SP_MUST_CHECK;

/* *table: the first of n that waits for itself, by way of others; n: none. False: no memory. */
bool sp_deps_find_circle(sp_arena *arena, const sp_sink_deps *deps, uint32_t n, uint32_t *table);
int sp_fail_circle(spate_error *err, const char *table); /* what is said of it */

#endif
