/* libduckdb.c - finds the library, opens files, and turns DuckDB's errors into ours. */
#include "client/libduckdb.h"

#include "locales/paths.h"
#include "os/os.h"

#include <stdio.h>

sp_duckdb_library sp_duckdb;

int sp_duckdb_load(spate_error *err)
{
    static const char *const names[] = {"libduckdb.so", SP_DUCKDB_BUILT, SP_DUCKDB_INSTALLED, NULL};
    static const sp_os_function functions[] = {
#define X(name) {"duckdb_" #name, (void **)&sp_duckdb.name},
        SP_DUCKDB_FUNCTIONS(X)
#undef X
    };
    static sp_os_library library = {names, functions, SP_COUNT(functions), .hint = NULL};
    return sp_os_library_load(&library, err);
}

static int status_of(duckdb_error_type type, const char *text)
{
    switch (type) {
    case DUCKDB_ERROR_CONSTRAINT:
    case DUCKDB_ERROR_CONVERSION:
    case DUCKDB_ERROR_OUT_OF_RANGE:
    case DUCKDB_ERROR_INVALID_INPUT:
    case DUCKDB_ERROR_MISMATCH_TYPE: return SPATE_E_DATA;
    case DUCKDB_ERROR_TRANSACTION: /* a key that another lane committed meanwhile is found at COMMIT
                                    */
        return strstr(text, "onstraint") ? SPATE_E_DATA : SPATE_E_RETRY;
    case DUCKDB_ERROR_IO: return strstr(text, "not a valid DuckDB") ? SPATE_E_CORRUPT : SPATE_E_IO;
    case DUCKDB_ERROR_SERIALIZATION: return SPATE_E_CORRUPT;
    case DUCKDB_ERROR_OUT_OF_MEMORY: return SPATE_E_NOMEM;
    case DUCKDB_ERROR_INTERRUPT: return SPATE_E_INTERRUPTED;
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL: return SPATE_E_BUG;
    case DUCKDB_ERROR_PARSER:
    case DUCKDB_ERROR_SYNTAX:
    case DUCKDB_ERROR_BINDER:
    case DUCKDB_ERROR_CATALOG: return SPATE_E_USAGE;
    default: return SPATE_E_UNREACHABLE;
    }
}

int sp_duckdb_fail(spate_error *err, duckdb_error_type type, const char *text)
{
    text = text ? text : "unknown error";
    int first = (int)strcspn(text, "\n");
    int rc = sp_fail(err, status_of(type, text), "DuckDB: %.*s", first, text);
    const char *rest = text + first + strspn(text + first, "\n");
    if (*rest)
        sp_error_detail(err, "%s", rest);
    return rc;
}

/* duckdb_open_ext gives words only; these are the ones that a user can do something about. */
static int fail_open(spate_error *err, const char *path, const char *text)
{
    if (strstr(text, "Could not set lock")) {
        int rc = sp_fail(err, SPATE_E_UNREACHABLE, "\"%s\" is in use by another process", path);
        sp_error_detail(err, "%s", text);
        sp_error_hint(err, "DuckDB lets one process write to a file: close the other one and start again");
        return rc;
    }
    if (strstr(text, "not a valid DuckDB")) {
        sp_fail(err, SPATE_E_CORRUPT, "\"%s\" is not a DuckDB file", path);
        sp_error_hint(err, "name a file that does not exist yet, or remove this one");
        return SPATE_E_CORRUPT;
    }
    sp_fail(err, strstr(text, "IO Error") ? SPATE_E_IO : SPATE_E_UNREACHABLE, "could not open \"%s\"", path);
    sp_error_detail(err, "%s", text);
    if (strstr(text, "No such file"))
        sp_error_hint(err, "is the directory there?");
    return strstr(text, "IO Error") ? SPATE_E_IO : SPATE_E_UNREACHABLE;
}

int sp_duckdb_open(const char *path, bool read_only, unsigned threads, duckdb_database *db, spate_error *err)
{
    duckdb_config config = NULL;
    char *why = NULL, number[16];
    int rc = sp_duckdb_load(err);
    if (rc != SPATE_OK)
        return rc;
    snprintf(number, sizeof(number), "%u", threads);
    if (sp_duckdb.create_config(&config) == DuckDBError)
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK && read_only)
        sp_duckdb.set_config(config, "access_mode", "READ_ONLY");
    if (rc == SPATE_OK && threads)
        sp_duckdb.set_config(config, "threads", number);
    if (rc == SPATE_OK && sp_duckdb.open_ext(path, db, config, &why) == DuckDBError)
        rc = fail_open(err, path, why ? why : "unknown error");
    if (why)
        sp_duckdb.free(why);
    sp_duckdb.destroy_config(&config);
    return rc;
}

int sp_duckdb_ask(duckdb_connection conn, const char *sql, duckdb_result *result, spate_error *err)
{
    if (sp_duckdb.query(conn, sql, result) == DuckDBSuccess)
        return SPATE_OK;
    int rc = sp_duckdb_fail(err, sp_duckdb.result_error_type(result), sp_duckdb.result_error(result));
    sp_duckdb.destroy_result(result);
    return rc;
}

int sp_duckdb_run(duckdb_connection conn, const char *sql, spate_error *err)
{
    duckdb_result result;
    int rc = sp_duckdb_ask(conn, sql, &result, err);
    if (rc == SPATE_OK)
        sp_duckdb.destroy_result(&result);
    return rc;
}

int sp_duckdb_add_function(duckdb_connection conn, const sp_duckdb_function *f, spate_error *err)
{
    duckdb_table_function fn = sp_duckdb.create_table_function();
    sp_duckdb.table_function_set_name(fn, f->name);
    sp_duckdb.table_function_set_extra_info(fn, f->extra, NULL);
    sp_duckdb.table_function_set_bind(fn, f->bind);
    sp_duckdb.table_function_set_init(fn, f->init);
    if (f->init_thread)
        sp_duckdb.table_function_set_local_init(fn, f->init_thread);
    sp_duckdb.table_function_set_function(fn, f->rows);
    sp_duckdb.table_function_supports_projection_pushdown(fn, f->narrow);
    duckdb_state made = sp_duckdb.register_table_function(conn, fn);
    sp_duckdb.destroy_table_function(&fn);
    return made == DuckDBError ? sp_fail(err, SPATE_E_BUG, "DuckDB does not take the function %s", f->name) : SPATE_OK;
}
