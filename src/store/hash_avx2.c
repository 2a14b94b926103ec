/* hash_avx2.c - XXH3 again, in registers of 32 bytes: the library of the distribution is built for any x86-64. */
#include "store/kernels_set.h"

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif
#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX2
#include <xxhash.h>

uint64_t sp_hash_avx2(const void *p, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, len, seed);
}
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
