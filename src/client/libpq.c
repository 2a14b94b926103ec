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
    static sp_os_library library = {names, functions, SP_COUNT(functions),
                                    .hint =
                                        "install PostgreSQL's client library (Debian: libpq5), version 14 or later"};
    return sp_os_library_load(&library, err);
}
