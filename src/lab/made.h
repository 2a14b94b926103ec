/* made.h - private to lab: tables of numbered rows that spate itself makes on the shards, to try them: (id bigint PRIMARY KEY, a number). */
#ifndef SP_LAB_MADE_H
#define SP_LAB_MADE_H

#include "lab/caller.h"

typedef struct sp_made_table {
    const char *name, *column;
    unsigned rows; /* from 0 */
    int64_t value; /* that each begins with */
} sp_made_table;

/* Makes the table's rows on the shards of the lab, which is by anything but a list, and tells lab.yaml; those that are there stay. */
int sp_made_table_make(sp_lab *lab, const sp_made_table *table, spate_error *err) SP_MUST_CHECK;
/* The condition that a row is on the shard by that placement. */
int sp_made_condition(const sp_placement *places, unsigned shard, sp_buf *sql, spate_error *err) SP_MUST_CHECK;

#endif
