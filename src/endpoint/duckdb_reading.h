/* duckdb_reading.h - private to the source of DuckDB: its types as ours, and cells out of its vectors. */
#ifndef SP_DUCKDB_READING_H
#define SP_DUCKDB_READING_H

#include "batch/batch.h"
#include "client/libduckdb.h"

struct sp_duckdb_reading;

/* Takes cell at of a vector, whose values are at data, as the row's cell of c. SPATE_E_NOMEM, or SPATE_E_DATA: a label that the type does
 * not have. */
typedef int sp_duckdb_put_fn(const struct sp_duckdb_reading *how, sp_column *c, uint32_t row, const void *data,
                             uint64_t at, duckdb_vector vector);

/* How the cells of a column are taken from its vectors. */
typedef struct sp_duckdb_reading {
    sp_duckdb_put_fn *put;
    duckdb_type internal;           /* decimals, enumerations: what their vectors hold */
    struct sp_duckdb_reading *item; /* lists */
    const sp_str *labels;
    uint32_t n_labels;
} sp_duckdb_reading;

/* The type that cells of a column come as, and how they are taken; labels and items are put into the arena. *known is false of a type
 * that has to be cast to text, and then is read as that. 0 or SPATE_E_NOMEM. */
int sp_duckdb_reading_of(sp_arena *arena, duckdb_logical_type type, sp_type *out, sp_duckdb_reading *how,
                         bool *known) SP_MUST_CHECK;

#endif
