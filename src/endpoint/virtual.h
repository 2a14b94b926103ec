/* virtual.h - the tables of any source as tables of a DuckDB in memory: SQL over rows that stay where they are. */
#ifndef SP_ENDPOINT_VIRTUAL_H
#define SP_ENDPOINT_VIRTUAL_H

#include "client/libduckdb.h"

typedef struct sp_virtual sp_virtual;

/* A database whose tables are views of those that uri's source gives, under their names. Rows are read while a statement asks for them,
 * of the columns that it names alone, by several threads where the source lets ranges be read in any order. Nothing is kept. */
int sp_virtual_open(const char *uri, sp_virtual **out, spate_error *err) SP_MUST_CHECK;
void sp_virtual_close(sp_virtual *v);                 /* NULL is fine */
duckdb_connection sp_virtual_connection(sp_virtual *v); /* the caller's until close */
/* After a statement failed: why the source could not give rows. SPATE_OK: it was not the source. */
int sp_virtual_why(sp_virtual *v, spate_error *err);

#endif
