/* libpack.c - loads zlib and libzstd, each when it is first asked for. */
#include "client/libpack.h"

#include "os/os.h"

sp_zlib_library sp_zlib;
sp_zstd_library sp_zstd;

static int load_once(bool *loaded, const char *const *names, const sp_os_function *functions, size_t n, const char *package, spate_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    int rc = *loaded ? SPATE_OK : sp_os_library_load(names, functions, n, err);
    *loaded = rc == SPATE_OK;
    pthread_mutex_unlock(&lock);
    if (rc != SPATE_OK)
        sp_error_hint(err, "install it (Debian: %s)", package);
    return rc;
}

int sp_zlib_load(spate_error *err)
{
    static const char *const names[] = {"libz.so.1", "libz.so", NULL};
    static const sp_os_function functions[] = {
#define X(name) {#name, (void **)&sp_zlib.name},
        SP_ZLIB_FUNCTIONS(X)
#undef X
    };
    static bool loaded;
    return load_once(&loaded, names, functions, SP_COUNT(functions), "zlib1g", err);
}

int sp_zstd_load(spate_error *err)
{
    static const char *const names[] = {"libzstd.so.1", "libzstd.so", NULL};
    static const sp_os_function functions[] = {
#define X(name) {"ZSTD_" #name, (void **)&sp_zstd.name},
        SP_ZSTD_FUNCTIONS(X)
#undef X
    };
    static bool loaded;
    return load_once(&loaded, names, functions, SP_COUNT(functions), "libzstd1", err);
}
