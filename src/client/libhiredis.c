/* libhiredis.c - loads the library that speaks to Redis servers. */
#include "client/libhiredis.h"
#include "os/os.h"

sp_libhiredis sp_redis;

int sp_redis_load(spate_error *err)
{
    static const char *const names[] = {"libhiredis.so.0.14", "libhiredis.so.1.1.0", "libhiredis.so.1.0.0",
                                        "libhiredis.so", NULL};
    static const sp_os_function functions[] = {
#define X(name, symbol) {#symbol, (void **)&sp_redis.name},
        SP_HIREDIS_FUNCTIONS(X)
#undef X
    };
    static sp_os_library library = {names, functions, SP_COUNT(functions),
                                    .hint = "install hiredis (Debian: libhiredis0.14)"};
    return sp_os_library_load(&library, err);
}
