/* libmicrohttpd.c - loads the library that speaks HTTP, for the runs that serve something. */
#include "client/libmicrohttpd.h"
#include "os/os.h"

sp_libmicrohttpd sp_mhd;

int sp_mhd_load(spate_error *err)
{
    static const char *const names[] = {"libmicrohttpd.so.12", "libmicrohttpd.so", NULL};
    static const sp_os_function functions[] = {
#define X(name, symbol) {#symbol, (void **)&sp_mhd.name},
        SP_MHD_FUNCTIONS(X)
#undef X
    };
    static sp_os_library library = {names, functions, SP_COUNT(functions),
                                    .hint = "install GNU libmicrohttpd (Debian: libmicrohttpd12)"};
    return sp_os_library_load(&library, err);
}
