/* libpack.h - zlib, libzstd and liblz4, loaded when what is packed is first read or written. For endpoint/pack.c and store/pack.c; their
 * headers are included here and nowhere else. Calls read sp_zlib.inflate(...), sp_zstd.compressStream2(...). */
#ifndef SP_LIBPACK_H
#define SP_LIBPACK_H

#include "base/base.h"

#include <lz4.h>
#include <zlib.h>
#include <zstd.h>

/* clang-format off */
#define SP_ZLIB_FUNCTIONS(X) \
    X(inflateInit2_) X(inflate) X(inflateReset) X(inflateEnd) X(deflateInit2_) X(deflate) X(deflateReset) X(deflateEnd)
/* clang-format on */
/* clang-format off */
#define SP_ZSTD_FUNCTIONS(X)                                                                                                   \
    X(createDStream) X(freeDStream) X(decompressStream) X(createCCtx) X(freeCCtx) X(CCtx_setParameter) X(CCtx_reset) X(compressStream2) \
        X(compressCCtx) X(decompress) X(isError) X(getErrorName)
/* clang-format on */
/* clang-format off */
#define SP_LZ4_FUNCTIONS(X) X(compress_default) X(decompress_safe)
/* clang-format on */

typedef struct sp_zlib_library {
#define X(name) __typeof__(&name) name;
    SP_ZLIB_FUNCTIONS(X)
#undef X
} sp_zlib_library;
extern sp_zlib_library sp_zlib;

typedef struct sp_zstd_library {
#define X(name) __typeof__(&ZSTD_##name) name;
    SP_ZSTD_FUNCTIONS(X)
#undef X
} sp_zstd_library;
extern sp_zstd_library sp_zstd;

typedef struct sp_lz4_library {
#define X(name) __typeof__(&LZ4_##name) name;
    SP_LZ4_FUNCTIONS(X)
#undef X
} sp_lz4_library;
extern sp_lz4_library sp_lz4;

int sp_zlib_load(spate_error *err) SP_MUST_CHECK;
int sp_zstd_load(spate_error *err) SP_MUST_CHECK;
int sp_lz4_load(spate_error *err) SP_MUST_CHECK;

#endif
