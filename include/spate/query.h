/* spate/query.h - SQL over rows, wherever they are: DuckDB and SQLite files, opened for reading only, and the tables of any other
 * source, which DuckDB reads while it answers. */
#ifndef SPATE_QUERY_H
#define SPATE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include "spate/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spate_cell {
    const char *text; /* UTF-8, not necessarily NUL-terminated; NULL: the SQL NULL */
    size_t len;
    bool bare; /* a finite number or a boolean: it can stand in JSON without quotes. Not of names */
} spate_cell;

/* Called first with the names of the columns, then once a row. Cells live until it returns. Anything but 0 ends the query, and
 * spate_query returns it. */
typedef int (*spate_query_fn)(void *arg, const spate_cell *cells, size_t n_cells);

/* Runs one SQL statement on what uri names and hands its rows to fn as text. duckdb:path and sqlite:path, or a path whose ending tells,
 * answer in their own SQL; any other source of spate_copy (spate/copy.h) is a DuckDB of its tables, whose rows are read when the
 * statement wants them. Binary values are shown as hexadecimal digits by SQLite and as DuckDB shows them by DuckDB. Rows are not
 * collected: memory stays the same however many there are.
 * SPATE_E_USAGE: no such source, or the database does not take the statement (its own words are in err). SPATE_E_UNREACHABLE: no such
 * file or server, or another process is writing to it. SPATE_E_DATA and others: what a source says of its rows. Any thread. */
int spate_query(const char *uri, const char *sql, spate_query_fn fn, void *arg, spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
