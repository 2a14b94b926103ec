/* sum.h - private to the room: a sink that keeps nothing of its rows but how many there were and a checksum of their cells. */
#ifndef SP_SUM_H
#define SP_SUM_H

#include "endpoint/endpoint.h"

/* For tables of a source; as: of each, the schema whose fields the checksum is of, in their order, found by name. sums: a table,
 * complete when the flow is. cells: rows are not only counted. */
int sp_sum_sink_open(const sp_schema *const *as, uint32_t n_tables, bool cells, sp_sum *sums, sp_sink **sink,
                     spate_error *err) SP_MUST_CHECK;

#endif
