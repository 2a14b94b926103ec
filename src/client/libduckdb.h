/* libduckdb.h - DuckDB's C library, loaded when a run first opens a DuckDB file. Private to the
 * DuckDB endpoint and to the ledger: duckdb.h is included here and nowhere else. Calls read
 * sp_duckdb.query(...) for duckdb_query(...). */
#ifndef SP_LIBDUCKDB_H
#define SP_LIBDUCKDB_H

#include "base/base.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <duckdb.h>
#pragma GCC diagnostic pop

/* Every function of the library that is called. An older library without one of them is refused. */
/* clang-format off */
#define SP_DUCKDB_FUNCTIONS(X)                                                                     \
    X(create_config)                                                                               \
    X(create_table_function) X(destroy_table_function) X(register_table_function)                  \
    X(table_function_set_name) X(table_function_set_extra_info) X(table_function_set_bind)         \
    X(table_function_set_init) X(table_function_set_function)                                      \
    X(table_function_set_local_init) X(table_function_supports_projection_pushdown)                \
    X(bind_get_extra_info) X(bind_add_result_column) X(bind_set_cardinality)                       \
    X(init_get_extra_info) X(init_get_column_count) X(init_get_column_index)                       \
    X(init_set_init_data) X(init_set_max_threads) X(init_set_error)                                \
    X(function_get_extra_info) X(function_get_init_data) X(function_get_local_init_data)           \
    X(function_set_error)                                                                          \
    X(set_config) X(destroy_config) X(open_ext) X(close) X(connect) X(disconnect) X(free) X(query) \
        X(destroy_result) X(result_error) X(result_error_type) X(row_count) X(column_count) X(     \
            column_name) X(column_type) X(column_logical_type) X(value_varchar) X(value_int64) X(value_boolean)   \
            X(value_is_null) X(fetch_chunk) X(prepare) X(prepare_error) X(destroy_prepare) X(      \
                prepared_statement_type) X(prepared_statement_column_count)                        \
                X(prepared_statement_column_name) X(prepared_statement_column_type) X(execute_prepared_streaming) X(                 \
                    create_logical_type) X(create_decimal_type) X(create_list_type)                \
                    X(destroy_logical_type) X(get_type_id) X(logical_type_get_alias) X(            \
                        decimal_width) X(decimal_scale) X(decimal_internal_type)                   \
                        X(list_type_child_type) X(array_type_child_type) X(enum_internal_type) X(  \
                            enum_dictionary_size) X(enum_dictionary_value) X(create_data_chunk)    \
                            X(destroy_data_chunk) X(data_chunk_get_vector) X(data_chunk_set_size)  \
                                X(data_chunk_get_size) X(data_chunk_get_column_count)              \
                                    X(vector_get_data) X(vector_get_validity)                      \
                                        X(vector_ensure_validity_writable)                         \
                                            X(list_vector_get_child) X(list_vector_reserve)        \
                                                X(list_vector_set_size) X(appender_create_query) X(appender_create) X(bind_varchar_length) X(execute_prepared)   \
                                                    X(appender_flush) X(appender_destroy)          \
                                                        X(appender_error_data)                     \
                                                            X(append_data_chunk)                   \
                                                                X(error_data_error_type)           \
                                                                    X(error_data_message)          \
                                                                        X(destroy_error_data)      \
                                                                            X(library_version)
/* clang-format on */

typedef struct sp_duckdb_library {
#define X(name) __typeof__(&duckdb_##name) name;
    SP_DUCKDB_FUNCTIONS(X)
#undef X
} sp_duckdb_library;
extern sp_duckdb_library sp_duckdb;

/* Loads an installed libduckdb.so, or the one that came with the build. Any thread, any number of
 * times. */
int sp_duckdb_load(spate_error *err) SP_MUST_CHECK;

/* What the caller can do about an error of DuckDB's. text: DuckDB's words, kept verbatim: the first
 * line becomes the message, the rest the detail. */
int sp_duckdb_fail(spate_error *err, duckdb_error_type type, const char *text);
/* Opens a database file. threads: DuckDB's own, beside those that call it; 0: as many as there are
 * processors. */
int sp_duckdb_open(const char *path, bool read_only, unsigned threads, duckdb_database *db,
                   spate_error *err) SP_MUST_CHECK;
/* A function that SQL calls as name() and that gives rows. */
typedef struct sp_duckdb_function {
    const char *name;
    void *extra; /* for all of them: ..._get_extra_info */
    duckdb_table_function_bind_t bind;
    duckdb_table_function_init_t init;        /* of one reading */
    duckdb_table_function_init_t init_thread; /* of a thread of it; NULL: there is nothing to it */
    duckdb_table_function_t rows;
    bool narrow; /* only of the columns that a statement wants: init_get_column_index tells which */
} sp_duckdb_function;
int sp_duckdb_add_function(duckdb_connection conn, const sp_duckdb_function *f, spate_error *err) SP_MUST_CHECK;
/* Runs SQL whose rows do not matter. */
int sp_duckdb_run(duckdb_connection conn, const char *sql, spate_error *err) SP_MUST_CHECK;
/* Runs SQL and keeps its rows: for small answers. On success the caller destroys the result. */
int sp_duckdb_ask(duckdb_connection conn, const char *sql, duckdb_result *result, spate_error *err) SP_MUST_CHECK;

#endif
