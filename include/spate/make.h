/* spate/make.h - makes rows of a plan and hands them to a function of yours: nothing is written anywhere.
 *
 * Rows come as columns in Arrow's layout, a batch of at most 2,048 at a time and in order, on the calling thread. The cells are those
 * that spate_generate would put into a target: a pure function of (seed, table, column, row). So any range can be made alone, and
 * ranges made by several threads, each with a plan of its own that it has opened, fit together. */
#ifndef SPATE_MAKE_H
#define SPATE_MAKE_H

#include "spate/plan.h"
#include "spate/store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spate_make_options {
    const char *table;            /* as the plan names it; one that is hidden may be asked for too */
    uint64_t first_row, last_row; /* [first, last), from 0; last_row 0, or more than the table has: to the end */
    const uint64_t *seed;         /* NULL: the plan's */
} spate_make_options;

/* Rows [first_row, first_row + rows) of a table. All of it is good until the function returns: what should stay is copied. columns say
 * what the cells are, and are the same in each batch; spate_append_columns takes cells as they are. */
typedef struct spate_batch {
    const spate_column_def *columns;
    const spate_column *cells; /* of each column */
    size_t n_columns;
    size_t rows; /* at least 1 */
    uint64_t first_row;
} spate_batch;

/* Anything but 0 ends the making, and spate_make returns it; err is that of the call, to be filled by who fails. */
typedef int spate_batch_fn(void *arg, const spate_batch *batch, spate_error *err);

/* Makes rows of one table and hands them over. SPATE_E_USAGE: the plan has no such table, or its rows are of a table elsewhere and are
 * not made. SPATE_E_CONFIG: the plan has mistakes (spate_plan_mistake), of which some only show now. SPATE_E_NOMEM. One plan is used by
 * one call at a time. */
int spate_make(spate_plan *plan, const spate_make_options *options, spate_batch_fn *fn, void *arg, spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
