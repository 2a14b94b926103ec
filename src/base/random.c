/* random.c - hashing names into keys, draws for many rows at once, and permutations of the row
 * number. */
#include "base/base.h"

#include <assert.h>
#define XXH_STATIC_LINKING_ONLY /* the size of its state */
#include <xxhash.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_X86 1
#endif

uint64_t sp_hash64(const void *p, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, len, seed);
}

static_assert(sizeof(XXH3_state_t) <= sizeof(sp_hasher) && alignof(XXH3_state_t) <= alignof(sp_hasher),
              "the library's state fits");

void sp_hasher_init(sp_hasher *h)
{
    memset(h, 0, sizeof *h); /* the library reads a flag of the state before it sets it */
    XXH3_64bits_reset((XXH3_state_t *)h->state);
}

void sp_hasher_add(sp_hasher *h, const void *p, size_t len)
{
    XXH3_64bits_update((XXH3_state_t *)h->state, p, len);
}

uint64_t sp_hasher_end(const sp_hasher *h)
{
    return XXH3_64bits_digest((const XXH3_state_t *)h->state);
}

/* ---- draws ----------------------------------------------------------------------------------- */

void sp_draw_many_scalar(uint64_t key, const uint64_t *rows, uint32_t count, uint64_t n, uint64_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = sp_bounded(sp_draw(key, rows[i]), n);
}

#ifdef HAVE_X86
#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

/* Four products modulo 2^64, of three halves' products each. */
AVX2 __m256i times(__m256i a, uint64_t by)
{
    __m256i low = _mm256_set1_epi64x((long long)(by & UINT32_MAX)), high = _mm256_set1_epi64x((long long)(by >> 32));
    __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(a, high), _mm256_mul_epu32(_mm256_srli_epi64(a, 32), low));
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
    return _mm256_srli_epi64(_mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(z, 32), n), low), 32);
}

/* n < 2^32; what is left over from fours is drawn one by one. */
__attribute__((target("avx2"))) static void draw_many_avx2(uint64_t key, const uint64_t *rows, uint32_t count,
                                                           uint64_t n, uint64_t *out)
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

/* ---- uuids ----------------------------------------------------------------------------------- */

/* Bytes in the order of a little-endian machine's two words. All 64 bits of the draw are in them, the four that the version
 * displaces having moved to the second word, beside 58 bits stirred once more: no two draws give equal uuids. */
#define VERSION_MASK (UINT64_C(15) << 52)
#define VERSION_4    (UINT64_C(4) << 52)
#define SECOND_MASK  UINT64_C(0xcf) /* of the variant and the displaced bits */
#define VARIANT      UINT64_C(0x80)

void sp_uuid4(uint64_t draw, uint8_t bytes[16])
{
    uint64_t stirred = (draw ^ draw >> 32) * SP_PHI;
    stirred ^= stirred >> 32;
    uint64_t first = (draw & ~VERSION_MASK) | VERSION_4;
    uint64_t second = (stirred & ~SECOND_MASK) | (draw >> 52 & 15) | VARIANT;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    first = __builtin_bswap64(first);
    second = __builtin_bswap64(second);
#endif
    memcpy(bytes, &first, 8);
    memcpy(bytes + 8, &second, 8);
}

#ifdef HAVE_X86
AVX2 __m256i all_four(uint64_t v)
{
    return _mm256_set1_epi64x((long long)v);
}

__attribute__((target("avx2"))) static void uuid4_many_avx2(const uint64_t *draws, uint32_t n, uint8_t *bytes)
{
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i draw = _mm256_loadu_si256((const __m256i *)(draws + i));
        __m256i stirred = times(_mm256_xor_si256(draw, _mm256_srli_epi64(draw, 32)), SP_PHI);
        stirred = _mm256_xor_si256(stirred, _mm256_srli_epi64(stirred, 32));
        __m256i displaced = _mm256_and_si256(_mm256_srli_epi64(draw, 52), all_four(15));
        __m256i first = _mm256_or_si256(_mm256_andnot_si256(all_four(VERSION_MASK), draw), all_four(VERSION_4));
        __m256i second = _mm256_or_si256(_mm256_andnot_si256(all_four(SECOND_MASK), stirred), all_four(VARIANT));
        second = _mm256_or_si256(second, displaced);
        __m256i even = _mm256_unpacklo_epi64(first, second),
                odd = _mm256_unpackhi_epi64(first, second); /* 0 and 2, 1 and 3 */
        __m256i *to = (__m256i *)(bytes + (size_t)i * 16);
        _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
        _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
    }
    for (; i < n; i++)
        sp_uuid4(draws[i], bytes + (size_t)i * 16);
}
#endif

void sp_uuid4_many(const uint64_t *draws, uint32_t n, uint8_t *bytes)
{
#ifdef HAVE_X86
    if (SP_LIKELY(__builtin_cpu_supports("avx2"))) {
        uuid4_many_avx2(draws, n, bytes);
        return;
    }
#endif
    for (uint32_t i = 0; i < n; i++)
        sp_uuid4(draws[i], bytes + (size_t)i * 16);
}

/* ---- permutations ---------------------------------------------------------------------------- */

#define ROUND_A 0x9e3779b1u /* odd; what they are multiplied with is folded onto itself */
#define ROUND_B 0x85ebca6bu

sp_permutation sp_permutation_of(uint64_t key, uint64_t n)
{
    SP_ASSERT(n >= 1);
    sp_permutation p = {.n = n};
    unsigned bits = n > 1 ? 64 - (unsigned)__builtin_clzll(n - 1) : 1;
    p.low_bits = bits / 2;
    p.high_end = ((n - 1) >> p.low_bits) + 1;
    for (unsigned i = 0; i < 4; i++)
        p.keys[i] = (uint32_t)(sp_mix64(key + i * SP_PHI) >> 32);
    return p;
}

/* 32 bits that hang on a digit and the round's key. */
static inline uint32_t round_of(uint32_t digit, uint32_t key)
{
    uint64_t t = (uint64_t)(digit + key) * ROUND_A;
    t = (uint64_t)((uint32_t)(t >> 32) ^ (uint32_t)t ^ key) * ROUND_B;
    return (uint32_t)(t >> 32) ^ (uint32_t)t;
}

/* high_end is 2^32 only when n is more than 2^64 - 2^32; then a sum wraps by itself. */
static inline uint64_t permute_once(const sp_permutation *p, uint64_t x)
{
    uint64_t high = x >> p->low_bits, mask = (UINT64_C(1) << p->low_bits) - 1, low = x & mask;
    for (unsigned i = 0; i < 4; i += 2) {
        high += round_of((uint32_t)low, p->keys[i]) * p->high_end >> 32;
        high -= high >= p->high_end ? p->high_end : 0;
        low = (low + round_of((uint32_t)high, p->keys[i + 1])) & mask;
    }
    return high << p->low_bits | low;
}

uint64_t sp_permutation_at(const sp_permutation *p, uint64_t x)
{
    SP_ASSERT(x < p->n);
    do
        x = permute_once(p, x);
    while (x >= p->n);
    return x;
}

void sp_permute_many_scalar(const sp_permutation *p, const uint64_t *rows, uint32_t count, uint64_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = sp_permutation_at(p, rows[i] < p->n ? rows[i] : rows[i] % p->n);
}

#ifdef HAVE_X86
AVX2 __m256i round_four(__m256i digit, uint32_t key)
{
    const __m256i keys = _mm256_set1_epi64x(key);
    __m256i t = _mm256_mul_epu32(_mm256_add_epi32(digit, keys), _mm256_set1_epi64x(ROUND_A));
    t = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(t, 32), t), keys);
    t = _mm256_mul_epu32(t, _mm256_set1_epi64x(ROUND_B));
    return _mm256_xor_si256(_mm256_srli_epi64(t, 32), t); /* the lower half of each counts */
}

/* For n < 2^62, so that both digits fit 31 bits and comparisons need no care with signs. */
__attribute__((target("avx2"))) static void permute_many_avx2(const sp_permutation *p, const uint64_t *rows,
                                                              uint32_t count, uint64_t *out)
{
    const __m128i bits = _mm_cvtsi32_si128((int)p->low_bits);
    const __m256i mask = _mm256_set1_epi64x((long long)((UINT64_C(1) << p->low_bits) - 1));
    const __m256i end = _mm256_set1_epi64x((long long)p->high_end), n = _mm256_set1_epi64x((long long)p->n);
    uint32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(rows + i));
        if (SP_UNLIKELY(_mm256_movemask_epi8(_mm256_cmpgt_epi64(n, x)) != -1 ||
                        _mm256_movemask_pd(_mm256_castsi256_pd(x)))) {
            sp_permute_many_scalar(p, rows + i, 4, out + i);
            continue;
        }
        __m256i high = _mm256_srl_epi64(x, bits), low = _mm256_and_si256(x, mask);
        for (unsigned r = 0; r < 4; r += 2) {
            __m256i f = _mm256_srli_epi64(_mm256_mul_epu32(round_four(low, p->keys[r]), end), 32);
            high = _mm256_add_epi64(high, f);
            high = _mm256_sub_epi64(high, _mm256_andnot_si256(_mm256_cmpgt_epi64(end, high), end));
            low = _mm256_and_si256(_mm256_add_epi64(low, round_four(high, p->keys[r + 1])), mask);
        }
        x = _mm256_or_si256(_mm256_sll_epi64(high, bits), low);
        _mm256_storeu_si256((__m256i *)(out + i), x);
        unsigned outside = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(n, x))) ^ 15;
        for (; SP_UNLIKELY(outside); outside &= outside - 1) {
            uint32_t lane = i + (uint32_t)__builtin_ctz(outside);
            while (out[lane] >= p->n)
                out[lane] = permute_once(p, out[lane]);
        }
    }
    sp_permute_many_scalar(p, rows + i, count - i, out + i);
}
#endif

void sp_permute_many(const sp_permutation *p, const uint64_t *rows, uint32_t count, uint64_t *out)
{
#ifdef HAVE_X86
    if (p->n >> 62 == 0 && __builtin_cpu_supports("avx2")) {
        permute_many_avx2(p, rows, count, out);
        return;
    }
#endif
    sp_permute_many_scalar(p, rows, count, out);
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
