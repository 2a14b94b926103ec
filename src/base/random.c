/* random.c - hashing names into keys, draws for many rows at once, and permutations of the row
 * number. */
#include "base/base.h"

#include <xxhash.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_X86 1
#endif

uint64_t sp_hash64(const void *p, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, len, seed);
}

/* ---- draws ----------------------------------------------------------------------------------- */

void sp_draw_many_scalar(uint64_t key, const uint64_t *rows, uint32_t count, uint64_t n,
                         uint64_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = sp_bounded(sp_draw(key, rows[i]), n);
}

#ifdef HAVE_X86
#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

/* Four products modulo 2^64, of three halves' products each. */
AVX2 __m256i times(__m256i a, uint64_t by)
{
    __m256i low = _mm256_set1_epi64x((long long)(by & UINT32_MAX)),
            high = _mm256_set1_epi64x((long long)(by >> 32));
    __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(a, high),
                                     _mm256_mul_epu32(_mm256_srli_epi64(a, 32), low));
    return _mm256_add_epi64(_mm256_mul_epu32(a, low), _mm256_slli_epi64(cross, 32));
}

AVX2 __m256i draw_four(__m256i key, const uint64_t *rows)
{
    __m256i z = _mm256_add_epi64(key, times(_mm256_loadu_si256((const __m256i *)rows), SP_PHI));
    z = times(_mm256_xor_si256(z, _mm256_srli_epi64(z, 30)), UINT64_C(0xbf58476d1ce4e5b9));
    z = times(_mm256_xor_si256(z, _mm256_srli_epi64(z, 27)), UINT64_C(0x94d049bb133111eb));
    return _mm256_xor_si256(z, _mm256_srli_epi64(z, 31));
}

/* The upper 64 bits of z * n, exactly; n < 2^32. */
AVX2 __m256i scale_four(__m256i z, __m256i n)
{
    __m256i low = _mm256_srli_epi64(_mm256_mul_epu32(z, n), 32);
    return _mm256_srli_epi64(_mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(z, 32), n), low),
                             32);
}

/* n < 2^32; what is left over from fours is drawn one by one. */
__attribute__((target("avx2"))) static void
draw_many_avx2(uint64_t key, const uint64_t *rows, uint32_t count, uint64_t n, uint64_t *out)
{
    const __m256i keys = _mm256_set1_epi64x((long long)key), ns = _mm256_set1_epi64x((long long)n);
    uint32_t i = 0;
    if (n == 0) {
        for (; i + 4 <= count; i += 4)
            _mm256_storeu_si256((__m256i *)(out + i), draw_four(keys, rows + i));
    } else {
        for (; i + 4 <= count; i += 4)
            _mm256_storeu_si256((__m256i *)(out + i), scale_four(draw_four(keys, rows + i), ns));
    }
    sp_draw_many_scalar(key, rows + i, count - i, n, out + i);
}
#endif

void sp_draw_many(uint64_t key, const uint64_t *rows, uint32_t count, uint64_t n, uint64_t *out)
{
#ifdef HAVE_X86
    if (n <= UINT32_MAX && __builtin_cpu_supports("avx2")) {
        draw_many_avx2(key, rows, count, n, out);
        return;
    }
#endif
    sp_draw_many_scalar(key, rows, count, n, out);
}

/* ---- permutations ---------------------------------------------------------------------------- */

/* One pass of a balanced Feistel network over 2 * half bits. */
static uint64_t feistel(uint64_t key, unsigned half, uint64_t x)
{
    uint64_t mask = (UINT64_C(1) << half) - 1;
    uint64_t left = x >> half, right = x & mask;
    for (unsigned round = 0; round < 4; round++) {
        uint64_t f = sp_mix64(right + key + round * SP_PHI) & mask;
        uint64_t next = left ^ f;
        left = right;
        right = next;
    }
    return left << half | right;
}

uint64_t sp_permute(uint64_t key, uint64_t n, uint64_t x)
{
    SP_ASSERT(n >= 1 && x < n);
    if (n == 1)
        return 0;
    unsigned bits = 64 - (unsigned)__builtin_clzll(n - 1);
    unsigned half = (bits + 1) / 2;
    /* The domain is less than four times n, so the walk takes less than four steps on average. */
    do
        x = feistel(key, half, x);
    while (x >= n);
    return x;
}

uint64_t sp_muldiv(uint64_t a, uint64_t b, uint64_t c)
{
#ifdef __SIZEOF_INT128__
    return (uint64_t)((unsigned __int128)a * b / c);
#else
    uint64_t high = sp_mulhi(a, b), low = a * b; /* long division of high:low, bit by bit */
    for (unsigned i = 0; i < 64; i++) {
        bool carry = high >> 63;
        high = high << 1 | low >> 63;
        low <<= 1;
        if (carry || high >= c) {
            high -= c;
            low |= 1;
        }
    }
    return low;
#endif
}
