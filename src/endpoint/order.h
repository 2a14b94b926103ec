/* order.h - private to the room: the order of a source's tables. */
#ifndef SP_ORDER_H
#define SP_ORDER_H

#include "batch/batch.h"

/* tables[i] becomes the schema wanted[order[i]] without its foreign keys to tables that are not among the wanted; parents first,
 * otherwise as wanted. Both have room for n. False: no memory. */
bool sp_tables_in_order(sp_arena *arena, const sp_schema *const *wanted, uint32_t n, const sp_schema **tables, uint32_t *order);

#endif
