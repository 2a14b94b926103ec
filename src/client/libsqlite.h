/* libsqlite.h - SQLite's library, loaded when a run first opens an SQLite file. Private to the
 * SQLite endpoint: sqlite3.h is included here and nowhere else. Calls read sp_sqlite.step(...) for
 * sqlite3_step(...). */
#ifndef SP_LIBSQLITE_H
#define SP_LIBSQLITE_H

#include "base/base.h"

#include <sqlite3.h>

/* clang-format off */
#define SP_SQLITE_FUNCTIONS(X)                                                                     \
    X(open_v2)                                                                                     \
    X(close_v2) X(errmsg) X(extended_errcode) X(extended_result_codes) X(busy_timeout) X(limit)    \
        X(exec) X(prepare_v2) X(step) X(reset) X(finalize) X(changes) X(libversion_number)         \
            X(bind_null) X(bind_int64) X(bind_double) X(bind_text) X(bind_blob) X(clear_bindings)  \
                X(column_count) X(column_name) X(column_type) X(column_int64) X(column_text)       \
                    X(column_blob) X(column_bytes) X(column_double) X(free)
/* clang-format on */

typedef struct sp_sqlite_library {
#define X(name) __typeof__(&sqlite3_##name) name;
    SP_SQLITE_FUNCTIONS(X)
#undef X
} sp_sqlite_library;
extern sp_sqlite_library sp_sqlite;

int sp_sqlite_load(spate_error *err) SP_MUST_CHECK;
/* An error of SQLite's as ours: db's message, and what the caller can do about it. */
int sp_sqlite_fail(spate_error *err, sqlite3 *db, const char *shown);
/* flags: SQLITE_OPEN_... On failure *db is NULL. */
int sp_sqlite_open(const char *path, int flags, sqlite3 **db, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_run(sqlite3 *db, const char *sql, const char *shown, spate_error *err) SP_MUST_CHECK;
/* A cell of the row at hand as text; "" for NULL. */
static inline const char *sp_sqlite_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sp_sqlite.column_text(row, column);
    return text ? text : "";
}

#endif
