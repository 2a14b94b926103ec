/* libmariadb.c - see libmariadb.h. */
#include "client/libmariadb.h"

#include "os/os.h"

sp_mariadb_library sp_maria;

int sp_mariadb_load(spate_error *err)
{
    static const char *const names[] = {"libmariadb.so.3", "libmariadb.so", NULL};
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool loaded;
    static const sp_os_function functions[] = {
#define X(name) {"mysql_" #name, (void **)&sp_maria.name},
        SP_MARIADB_FUNCTIONS(X)
#undef X
    };
    pthread_mutex_lock(&lock);
    int rc = loaded ? SPATE_OK : sp_os_library_load(names, functions, SP_COUNT(functions), err);
    loaded = rc == SPATE_OK;
    pthread_mutex_unlock(&lock);
    return rc;
}
