/* libpq.c - loads libpq. Without it a run that writes no PostgreSQL starts faster and needs no client installed. */
#include "client/libpq.h"
#include "os/os.h"

sp_libpq sp_pq;

int sp_libpq_load(spate_error *err)
{
    static const char *const names[] = {"libpq.so.5", "libpq.so", "libpq.5.dylib", NULL};
    static const sp_os_function functions[] = {
#define X(name, symbol) {#symbol, (void **)&sp_pq.name},
        SP_LIBPQ_FUNCTIONS(X)
#undef X
    };
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool loaded;
    pthread_mutex_lock(&lock);
    int status = loaded ? SPATE_OK : sp_os_library_load(names, functions, SP_COUNT(functions), err);
    loaded = status == SPATE_OK;
    pthread_mutex_unlock(&lock);
    if (status)
        sp_error_hint(err, "install PostgreSQL's client library (Debian: libpq5), version 14 or later");
    return status;
}
