/* libsqlite.c - finds the library, opens files, and turns SQLite's result codes into ours. */
#include "client/libsqlite.h"

#include "os/os.h"

sp_sqlite_library sp_sqlite;

enum { BUSY_TIMEOUT_MS = 5000 };

int sp_sqlite_load(spate_error *err)
{
    static const char *const names[] = {"libsqlite3.so.0", "libsqlite3.so", NULL};
    static const sp_os_function functions[] = {
#define X(name) {"sqlite3_" #name, (void **)&sp_sqlite.name},
        SP_SQLITE_FUNCTIONS(X)
#undef X
    };
    static sp_os_library library = {names, functions, SP_COUNT(functions),
                                    .hint = "install SQLite (Debian: libsqlite3-0)"};
    return sp_os_library_load(&library, err);
}

static int status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG: return SPATE_E_DATA;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return SPATE_E_UNREACHABLE;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_FULL: return SPATE_E_IO;
    case SQLITE_NOMEM: return SPATE_E_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return SPATE_E_CORRUPT;
    case SQLITE_INTERRUPT: return SPATE_E_INTERRUPTED;
    case SQLITE_ERROR: return SPATE_E_USAGE;
    default: return SPATE_E_BUG;
    }
}

int sp_sqlite_fail(spate_error *err, sqlite3 *db, const char *shown)
{
    int code = sp_sqlite.extended_errcode(db), low = code & 0xff;
    int rc = sp_fail(err, status_of(code), "SQLite: \"%s\": %s", shown, sp_sqlite.errmsg(db));
    if (low == SQLITE_BUSY || low == SQLITE_LOCKED)
        sp_error_hint(err, "another process writes to the file (waited %d s): close it and start again",
                      BUSY_TIMEOUT_MS / 1000);
    else if (low == SQLITE_CANTOPEN)
        sp_error_hint(err, "is the directory there, and may it be written to?");
    else if (low == SQLITE_NOTADB)
        sp_error_hint(err, "name a file that does not exist yet, or remove this one");
    return rc;
}

int sp_sqlite_open(const char *path, int flags, sqlite3 **db, spate_error *err)
{
    int rc = sp_sqlite_load(err);
    if (rc != SPATE_OK)
        return rc;
    if (sp_sqlite.open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        rc = *db ? sp_sqlite_fail(err, *db, path) : sp_fail_nomem(err);
        sp_sqlite.close_v2(*db);
        *db = NULL;
        return rc;
    }
    sp_sqlite.extended_result_codes(*db, 1);
    sp_sqlite.busy_timeout(*db, BUSY_TIMEOUT_MS);
    return SPATE_OK;
}

int sp_sqlite_run(sqlite3 *db, const char *sql, const char *shown, spate_error *err)
{
    return sp_sqlite.exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SPATE_OK : sp_sqlite_fail(err, db, shown);
}
