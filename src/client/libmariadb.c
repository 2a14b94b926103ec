/* libmariadb.c - see libmariadb.h. */
#include "client/libmariadb.h"

#include "os/os.h"

sp_mariadb_library sp_maria;

int sp_mariadb_load(spate_error *err)
{
    static const char *const names[] = {"libmariadb.so.3", "libmariadb.so", NULL};
    static const sp_os_function functions[] = {
#define X(name) {"mysql_" #name, (void **)&sp_maria.name},
        SP_MARIADB_FUNCTIONS(X)
#undef X
    };
    static sp_os_library library = {names, functions, SP_COUNT(functions),
                                    .hint = "install MariaDB's client library (Debian: libmariadb3)"};
    return sp_os_library_load(&library, err);
}
