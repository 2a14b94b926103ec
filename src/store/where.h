/* where.h - conditions: what a block's statistics rule out, and whether a row matches. */
#ifndef SP_STORE_WHERE_H
#define SP_STORE_WHERE_H

#include "spate/store.h"
#include "store/block.h"

typedef struct sp_where {
    uint16_t name;
    spate_compare op;
    spate_value value;
} sp_where;

/* False: no cell of the segment can match. */
bool sp_where_possible(const sp_where *w, const sp_segment_entry *e, uint32_t rows);
bool sp_where_holds(const sp_where *w, const spate_value *v);

#endif
