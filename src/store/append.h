/* append.h - an appender, for this room and the endpoint. */
#ifndef SP_STORE_APPEND_H
#define SP_STORE_APPEND_H

#include "spate/store.h"
#include "store/file.h"
#include "store/stage.h"

typedef struct spate_appender sp_appender;

/* Rows of a batch, whose columns are those of the table. */
int sp_append_columns(sp_appender *a, const sp_column *columns, uint32_t from, uint32_t n,
                      spate_error *err) SP_MUST_CHECK;
/* From now on a full block is kept in memory, encoded, until spate_appender_flush writes all of them. */
void sp_appender_hold(sp_appender *a);
/* Forgets what was gathered. */
void sp_appender_drop(sp_appender *a);
/* Rows that a block of this table takes when they come as batches. */
uint32_t sp_appender_block_rows(const sp_schema *schema);
uint64_t sp_appender_bytes(const sp_appender *a); /* written so far */

#endif
