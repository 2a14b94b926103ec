/* check.h - private to lab and those who bind it: whether every row is where its key says, and all of main's are there. */
#ifndef SP_LAB_CHECK_H
#define SP_LAB_CHECK_H

#include "lab/layout.h"

typedef struct sp_table_count { /* of a table on one server */
    bool is_there;
    uint64_t rows, misplaced;
    char sum[64]; /* of all cells, whatever the order of the rows */
} sp_table_count;
/* Sums of hashes of 64 bits, as servers write them: enough for 2^63 rows. */
__int128 sp_read_sum(const char *text);

/* The servers count and judge by themselves: PARTITION BY HASH's own test where the map is as it would be, else their hash functions.
 * counts: caller's, counts[server * layout->n + table]; a table that main has not is not there, and one with other columns
 * has no sum; one that a shard has not is an error. */
int sp_lab_count(sp_lab *lab, const sp_layout *layout, sp_table_count *counts, spate_error *err) SP_MUST_CHECK;

#endif
