/* family.h - private to gen: which row of a table a row refers to. */
#ifndef SP_GEN_FAMILY_H
#define SP_GEN_FAMILY_H

#include "gen/build.h"

typedef struct sp_parents sp_parents;

/* How b->column, a ref, chooses among the rows of its table. NULL: no memory, or a mistake was noted. */
const sp_parents *sp_parents_new(const sp_build *b);
/* The rows that rows refer to; for one that refers to none, some row. nth, if not NULL: the how manieth child of its parent each
 * is, from 0 (only of a ref that says how many children there are). 0 or SPATE_E_NOMEM. */
int sp_parents_many(const sp_parents *p, const uint64_t *rows, uint32_t n, uint64_t *out, uint64_t *nth,
                    sp_gen_scratch *scratch) SP_MUST_CHECK;
bool sp_parents_orphans(const sp_parents *p); /* some rows refer to none */
bool sp_parents_orphan(const sp_parents *p, uint64_t row);
bool sp_parents_unique(const sp_parents *p);
uint32_t sp_parents_depth(const sp_parents *p); /* as a cell's */
/* Those of another ref of the same table. */
const sp_parents *sp_build_parents(const sp_build *b, uint32_t column);

/* ---- children as a column of the parent counts them ---- */

typedef struct sp_counted {
    const sp_cell *counts;  /* a parent's */
    uint64_t parents, rows; /* rows: children of all of them */
    uint64_t *starts;       /* of each block of parents: the children before it; and behind the last block, rows */
    uint32_t temp;
} sp_counted;
/* Counts once, over all parents. NULL: no memory, or a mistake was noted. */
const sp_counted *sp_counted_new(const sp_build *b, const sp_cell *counts, uint64_t parents);
/* What was counted for b->column (gen.c). */
const sp_counted *sp_build_counted(const sp_build *b);

#endif
