/* libadbc.c - finds a driver's library and its entry point. */
#include "client/libadbc.h"

#include "locales/paths.h"
#include "os/os.h"

#include <stdio.h>

typedef AdbcStatusCode init_fn(int version, void *driver, struct AdbcError *err);

int sp_adbc_load(const char *library, const char *entry, struct AdbcDriver *driver, spate_error *err)
{
    bool duckdb = strcmp(library, "duckdb") == 0;
    char with_lib[300];
    init_fn *init = NULL;
    snprintf(with_lib, sizeof(with_lib), "lib%.280s.so", library);
    const char *const names[] = {library, with_lib, duckdb ? SP_DUCKDB_BUILT : with_lib,
                                 duckdb ? SP_DUCKDB_INSTALLED : with_lib, NULL};
    entry = entry ? entry : duckdb ? "duckdb_adbc_init" : "AdbcDriverInit";
    const sp_os_function functions[] = {{entry, (void **)&init}};
    sp_os_library wanted = {names, functions, SP_COUNT(functions), .hint = NULL};
    int rc = sp_os_library_load(&wanted, err);
    if (rc != SPATE_OK) {
        sp_error_hint(err, "adbc:LIBRARY?entrypoint=NAME names the driver and its entry point, which here is \"%.80s\"",
                      entry);
        return rc;
    }
    struct AdbcError failed = {0};
    *driver = (struct AdbcDriver){0};
    if (init(ADBC_VERSION_1_0_0, driver, &failed) == ADBC_STATUS_OK)
        return SPATE_OK;
    rc = sp_fail(err, SPATE_E_UNREACHABLE, "the ADBC driver \"%s\" does not start: %.300s", library,
                 failed.message ? failed.message : "it says not why");
    if (failed.release)
        failed.release(&failed);
    return rc;
}
