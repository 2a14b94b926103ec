/* show.h - types and columns as the public headers show them: the same memory under other names. */
#ifndef SP_STORE_SHOW_H
#define SP_STORE_SHOW_H

#include "batch/batch.h"
#include "spate/store.h"

spate_type sp_show_type(const sp_type *t); /* a list's item is not told */
/* *out borrows the cells of c; columns of items are put into the arena. 0 or SPATE_E_NOMEM. */
int sp_show_column(const sp_column *c, spate_column *out, sp_arena *arena) SP_MUST_CHECK;

#endif
