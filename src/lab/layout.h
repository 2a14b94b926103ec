/* layout.h - private to lab and those who bind it: which shard the rows of each table of a source live on.
 *
 * A table lives by a column's value, or as a whole on every shard. What lab.yaml says of a table holds; else a child follows its
 * parent's key, so that both are on one shard; a small table that others refer to is copied to every shard; any other lives by its
 * primary key. Foreign keys that shards could not check by themselves are left out of the schemas for shards, and noted. */
#ifndef SP_LAB_LAYOUT_H
#define SP_LAB_LAYOUT_H

#include "endpoint/endpoint.h"
#include "lab/lab.h"

enum { SP_LAB_SMALL_ROWS = 1000 }; /* a table with at most so many is copied when others refer to it */

typedef struct sp_layout {
    uint32_t n; /* tables, as in the source */
    const sp_schema **schemas;
    const sp_placement **placements; /* NULL: on every shard */
    const char **notes;
    uint32_t n_notes;
} sp_layout;

/* Lives in the lab's arena; what it decides is added to the lab's tables. SPATE_E_CONFIG: a table has no key to live by, or lab.yaml
 * names one that it has not or that cannot be. */
int sp_layout_make(sp_lab *lab, const sp_source *source, sp_layout *layout, spate_error *err) SP_MUST_CHECK;

/* The condition in PostgreSQL's SQL that a row lives on that shard, for use in a WHERE clause; column: as the statement names the
 * key. SPATE_E_CONFIG: a key of that type cannot be told in SQL. */
int sp_placement_sql(const sp_placement *p, const sp_field *key, const char *column, unsigned shard, sp_buf *out,
                     spate_error *err) SP_MUST_CHECK;
/* The slot of a key, from 0: hash placement. */
int sp_placement_slot_sql(const sp_field *key, const char *column, sp_buf *out, spate_error *err) SP_MUST_CHECK;

#endif
