/* sqlite_cells.h - private to the SQLite endpoint: cells as parameters of a prepared INSERT. */
#ifndef SP_SQLITE_CELLS_H
#define SP_SQLITE_CELLS_H

#include "client/libsqlite.h"
#include "codec/codec.h"
#include "codec/sqlitefile.h"

typedef struct sp_sqlite_cells {
    sqlite3_stmt *statement;
    const sp_column *column;
    sp_sqlite_target target;
    uint32_t from, rows;    /* of the batch */
    uint32_t first, stride; /* parameter number of the first cell, and from each to the next */
} sp_sqlite_cells;

enum { SP_SQLITE_SCRATCH = SP_CELL_TEXT_BYTES }; /* bytes a cell may take of made */

/* Binds the cells. Text of the batch is not copied. Text that has to be made goes to *made, which
 * is moved on and must stay until the statement has run: SP_SQLITE_SCRATCH bytes a cell are there.
 * list: for lists, which are copied. SPATE_E_DATA when SQLite has no such value. */
int sp_sqlite_bind(const sp_sqlite_cells *cells, char **made, sp_buf *list, spate_error *err) SP_MUST_CHECK;

#endif
