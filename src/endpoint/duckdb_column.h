/* duckdb_column.h - private to the DuckDB endpoint: how cells go into the vectors of a column. */
#ifndef SP_DUCKDB_COLUMN_H
#define SP_DUCKDB_COLUMN_H

#include "batch/batch.h"
#include "client/libduckdb.h"

/* How a vector's values are made from a column's. */
typedef enum sp_duckdb_form {
    SP_DUCKDB_SAME,    /* the same bytes: the vector is lent to whoever fills the batch */
    SP_DUCKDB_BOOL,    /* bits to bytes */
    SP_DUCKDB_UUID,    /* network order to a 128-bit integer with its sign flipped */
    SP_DUCKDB_DECIMAL, /* int64 to the int16, int32 or int128 of the column's precision */
    SP_DUCKDB_ENUM,    /* text to its place among the labels */
    SP_DUCKDB_STRING,  /* text and bytes to string headers that point into the batch */
    SP_DUCKDB_LIST,
} sp_duckdb_form;

/* A text -> code table for an enumeration: open addressing, at most half full. */
typedef struct sp_duckdb_labels {
    sp_str *keys; /* p NULL: empty */
    uint32_t *codes;
    uint32_t mask;
} sp_duckdb_labels;

typedef struct sp_duckdb_column {
    sp_duckdb_form form;
    duckdb_logical_type type; /* of the vector: the target's own, or (cast) the one nearest to the cells */
    uint32_t width;           /* bytes of a value */
    bool cast;                /* DuckDB casts it to the target's type when it inserts */
    sp_duckdb_labels labels;
    struct sp_duckdb_column *item;
} sp_duckdb_column;

/* Chooses how cells of field go into a column of type target. False, and a few words in why, when
 * they cannot, or when some would be changed beyond what an SQL assignment may change. Column
 * memory is the arena's; the type is destroyed by sp_duckdb_column_done. */
bool sp_duckdb_column_init(sp_duckdb_column *column, const sp_field *field, duckdb_logical_type target, sp_arena *arena,
                           char why[160]);
/* The same into a type that is nearest to the cells. */
bool sp_duckdb_column_natural(sp_duckdb_column *column, const sp_type *cells, sp_arena *arena);
void sp_duckdb_column_done(sp_duckdb_column *column);

/* Writes rows cells into vector. Text stays in the batch: append the chunk before the batch
 * changes. The vector must be one that is never reset, so that its memory stays where it is.
 * SPATE_E_DATA when a cell does not fit. */
int sp_duckdb_fill(const sp_duckdb_column *column, const sp_column *cells, uint32_t rows, duckdb_vector vector,
                   spate_error *err) SP_MUST_CHECK;

#endif
