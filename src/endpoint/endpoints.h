/* endpoints.h - private to the room: the endpoints that the registry knows. */
#ifndef SP_ENDPOINTS_H
#define SP_ENDPOINTS_H

#include "endpoint/endpoint.h"

extern const sp_endpoint sp_endpoint_file; /* file.c: csv, ndjson, sql, dir, - */
extern const sp_endpoint sp_endpoint_postgres;
extern const sp_endpoint sp_endpoint_duckdb;
extern const sp_endpoint sp_endpoint_sqlite;

#endif
