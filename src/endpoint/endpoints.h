/* endpoints.h - private to the room: the endpoints that the registry knows. */
#ifndef SP_ENDPOINTS_H
#define SP_ENDPOINTS_H

#include "endpoint/catalog.h"

extern const sp_endpoint sp_endpoint_file; /* file.c: csv, ndjson, sql, dir, - */
extern const sp_endpoint sp_endpoint_postgres;
extern const sp_endpoint sp_endpoint_duckdb;
extern const sp_endpoint sp_endpoint_sqlite;
extern const sp_endpoint sp_endpoint_store;
extern const sp_endpoint sp_endpoint_parquet;
extern const sp_endpoint sp_endpoint_mariadb;
extern const sp_endpoint sp_endpoint_adbc;
extern const sp_endpoint sp_endpoint_plan; /* plan_source.c */

/* What their describe is. */
int sp_file_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err) SP_MUST_CHECK;
int sp_duckdb_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err) SP_MUST_CHECK;
int sp_store_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err) SP_MUST_CHECK;

/* What types and checks of tables that were read from statements mean to a server. SQLite: an INTEGER that is the whole primary key is
 * the row's own number, which it gives, and any word may be a type. MariaDB: text that must be JSON is of that type, and bits are numbers. */
void sp_sqlite_as_it_means(sp_cat_table *t);
void sp_my_as_it_means(sp_cat_table *t);
/* In place: texts in single quotes as the standard writes them, where a backslash is nothing but one. */
void sp_my_put_plainly(char *sql);

/* registry.c: the place of what is one file. */
int sp_place_of_file(sp_uri *uri, sp_arena *arena, const char **place, spate_error *err) SP_MUST_CHECK;

/* file_source.c: csv, ndjson, dir; arrow_source.c; sqlite_source.c; duckdb_source.c; store_source.c */
int sp_store_source_open(sp_uri *uri, const sp_source_options *options, sp_source **source,
                         spate_error *err) SP_MUST_CHECK;
int sp_file_source_open(sp_uri *uri, const sp_source_options *options, sp_source **source,
                        spate_error *err) SP_MUST_CHECK;
int sp_arrow_source_open(sp_uri *uri, const sp_source_options *options, sp_source **source,
                         spate_error *err) SP_MUST_CHECK;
int sp_sqlite_source_open(sp_uri *uri, const sp_source_options *options, sp_source **source,
                          spate_error *err) SP_MUST_CHECK;
int sp_duckdb_source_open(sp_uri *uri, const sp_source_options *options, sp_source **source,
                          spate_error *err) SP_MUST_CHECK;

#endif
