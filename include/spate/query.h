/* spate/query.h - asking a file that rows were written to: DuckDB and SQLite, opened for reading only.
 *
 * DuckDB files come without a command line client on many systems; this is the least that is needed to look inside. */
#ifndef SPATE_QUERY_H
#define SPATE_QUERY_H

#include <stddef.h>
#include "spate/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spate_cell {
    const char *text; /* UTF-8, not necessarily NUL-terminated; NULL: the SQL NULL */
    size_t len;
} spate_cell;

/* Called first with the names of the columns, then once a row. Cells live until it returns. Anything but 0 ends the query, and
 * spate_query returns it. */
typedef int (*spate_query_fn)(void *arg, const spate_cell *cells, size_t n_cells);

/* Runs one SQL statement on the file that uri names (duckdb:path, sqlite:path, or a path whose ending tells) and hands its rows
 * to fn as text. Binary values are shown as hexadecimal digits by SQLite and as DuckDB shows them by DuckDB. Rows are not
 * collected: memory stays the same however many there are.
 * SPATE_E_USAGE: the URI is neither, or the database does not take the statement (its own words are in err).
 * SPATE_E_UNREACHABLE: no such file, or another process is writing to it. Any thread. */
int spate_query(const char *uri, const char *sql, spate_query_fn fn, void *arg, spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
