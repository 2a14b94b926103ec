/* libpack.c - loads zlib, libzstd and liblz4, each when it is first asked for. */
#include "client/libpack.h"

#include "os/os.h"

sp_zlib_library sp_zlib;
sp_zstd_library sp_zstd;
sp_lz4_library sp_lz4;

int sp_zlib_load(spate_error *err)
{
    static const char *const names[] = {"libz.so.1", "libz.so", NULL};
    static const sp_os_function functions[] = {
#define X(name) {#name, (void **)&sp_zlib.name},
        SP_ZLIB_FUNCTIONS(X)
#undef X
    };
    static sp_os_library library = {names, functions, SP_COUNT(functions), .hint = "install it (Debian: zlib1g)"};
    return sp_os_library_load(&library, err);
}

int sp_zstd_load(spate_error *err)
{
    static const char *const names[] = {"libzstd.so.1", "libzstd.so", NULL};
    static const sp_os_function functions[] = {
#define X(name) {"ZSTD_" #name, (void **)&sp_zstd.name},
        SP_ZSTD_FUNCTIONS(X)
#undef X
    };
    static sp_os_library library = {names, functions, SP_COUNT(functions), .hint = "install it (Debian: libzstd1)"};
    return sp_os_library_load(&library, err);
}

int sp_lz4_load(spate_error *err)
{
    static const char *const names[] = {"liblz4.so.1", "liblz4.so", NULL};
    static const sp_os_function functions[] = {
#define X(name) {"LZ4_" #name, (void **)&sp_lz4.name},
        SP_LZ4_FUNCTIONS(X)
#undef X
    };
    static sp_os_library library = {names, functions, SP_COUNT(functions), .hint = "install it (Debian: liblz4-1)"};
    return sp_os_library_load(&library, err);
}
