/* kernels.c - kernels.inc for any processor, and for those with AVX2 and FMA. */
#include "store/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_X86 1
#endif

#define XXH_INLINE_ALL
#include <xxhash.h>

const double sp_ten_to[SP_DECIMAL_EXPONENT_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                       1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

/* 10^e, and its reciprocal as a sum of two doubles: the nearest one, and what is left when that is taken away. */
typedef struct tenth {
    double ten, high, low;
} tenth;

static const tenth tenths[SP_DECIMAL_EXPONENT_MAX + 1] = {
    {1e0, 0x1.0000000000000p+0, 0x0.0p+0},
    {1e1, 0x1.999999999999ap-4, -0x1.999999999999ap-58},
    {1e2, 0x1.47ae147ae147bp-7, -0x1.eb851eb851eb8p-63},
    {1e3, 0x1.0624dd2f1a9fcp-10, -0x1.89374bc6a7efap-66},
    {1e4, 0x1.a36e2eb1c432dp-14, -0x1.6a161e4f765fep-68},
    {1e5, 0x1.4f8b588e368f1p-17, -0x1.ee78183f91e64p-71},
    {1e6, 0x1.0c6f7a0b5ed8dp-20, 0x1.b5a63f9a49c2cp-75},
    {1e7, 0x1.ad7f29abcaf48p-24, 0x1.5e1e99483b023p-78},
    {1e8, 0x1.5798ee2308c3ap-27, -0x1.03023df2d4c94p-82},
    {1e9, 0x1.12e0be826d695p-30, -0x1.34674bfabb83bp-84},
    {1e10, 0x1.b7cdfd9d7bdbbp-34, -0x1.20a5465df8d2cp-88},
    {1e11, 0x1.5fd7fe1796495p-37, 0x1.7f7bc7b4d28aap-91},
    {1e12, 0x1.19799812dea11p-40, 0x1.97f27f0f6e886p-96},
    {1e13, 0x1.c25c268497682p-44, -0x1.ecd79a5a0df95p-99},
    {1e14, 0x1.6849b86a12b9bp-47, 0x1.ea70909833de7p-107},
    {1e15, 0x1.203af9ee75616p-50, -0x1.937831647f5a0p-104},
    {1e16, 0x1.cd2b297d889bcp-54, 0x1.5b4c2ebe68799p-109},
    {1e17, 0x1.70ef54646d497p-57, -0x1.db7b2080a3029p-111},
    {1e18, 0x1.2725dd1d243acp-60, -0x1.7c628066e8ceep-114},
};

/* Bits of vectors whose width is 0: those have none. */
static const uint64_t nothing[SP_LANES_64];

/* 1.5 * 2^52: a double whose lowest bit is worth one, with room below and above. */
#define MAGIC      6755399441055744.0
#define MAGIC_BITS UINT64_C(0x4338000000000000)

static inline double as_double(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}
static inline uint64_t as_bits(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* Eight that lie anywhere. */
typedef uint32_t uint32_t_eight __attribute__((vector_size(32), aligned(4)));
typedef uint64_t uint64_t_eight __attribute__((vector_size(64), aligned(8)));

#define TARGET
#define K(name)       name##_portable
#define DIVIDE(x, by) ((x) / (by).ten)
#define BEYOND(...)
#include "store/kernels.inc"
#undef TARGET
#undef K
#undef DIVIDE
#undef BEYOND

static void range_portable(const int64_t *v, uint32_t n, int64_t *min, int64_t *max)
{
    int64_t low = v[0], high = v[0];
    for (uint32_t i = 0; i < n; i++) {
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    *min = low;
    *max = high;
}

static void range_f64_portable(const double *v, uint32_t n, double *min, double *max)
{
    double low = __builtin_inf(), high = -__builtin_inf();
    for (uint32_t i = 0; i < n; i++) {
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    *min = low;
    *max = high;
}

static uint32_t to_decimal_portable(const double *v, uint32_t n, unsigned exponent, int64_t *out, uint8_t *bad,
                                    int64_t *low, int64_t *high)
{
    const tenth by = tenths[exponent];
    uint64_t any = 0;
#define DIVIDE(x, by) ((x) / (by).ten)
    for (uint32_t i = 0; i < n; i++) {
        WHOLE(v[i], whole, differs);
        out[i] = (int64_t)whole;
        any |= differs;
    }
#undef DIVIDE
    if (any)
        return flag_bad_portable(v, n, exponent, bad);
    range_portable(out, n, low, high);
    return 0;
}

static void columns4_portable(const char *records, size_t stride, uint32_t rows, uint64_t *const out[4])
{
    for (uint32_t r = 0; r < rows; r++, records += stride)
        for (unsigned c = 0; c < 4; c++)
            memcpy(&out[c][r], records + 8 * c, 8);
}

static void values4_portable(const uint64_t *const columns[4], const uint64_t heads[4], uint32_t rows, uint64_t **to)
{
    for (uint32_t r = 0; r < rows; r++, to++)
        for (unsigned c = 0; c < 4; c++, *to += 2) {
            (*to)[0] = heads[c];
            (*to)[1] = columns[c][r];
        }
}

static void rows4_portable(const uint64_t *const columns[4], uint32_t rows, char *records, size_t stride)
{
    for (uint32_t r = 0; r < rows; r++, records += stride)
        for (unsigned c = 0; c < 4; c++)
            memcpy(records + 8 * c, &columns[c][r], 8);
}

static uint64_t hash_portable(const void *p, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, len, seed);
}

#define TABLE(for_) \
    { \
        .pack32 = pack32_##for_, .pack64 = pack64_##for_, .unpack32 = unpack32_##for_, .unpack64 = unpack64_##for_, \
        .read32_16 = read32_16_##for_, .read32_32 = read32_32_##for_, .read32_64 = read32_64_##for_, \
        .read64_64 = read64_64_##for_, .read32_decimal = read32_decimal_##for_, \
        .read64_decimal = read64_decimal_##for_, .to_doubles = to_doubles_##for_, .lag32 = lag32_##for_, \
        .lag64 = lag64_##for_, .unlag32 = unlag32_##for_, .unlag64 = unlag64_##for_, .decimals32 = decimals32_##for_, \
        .sums32 = sums32_##for_, .sums64 = sums64_##for_, .times64 = times64_##for_, .shift64 = shift64_##for_, \
        .shift32 = shift32_##for_, .to_decimal = to_decimal_##for_, .range = range_##for_, .range16 = range16_##for_, \
        .range32 = range32_##for_, .range_f64 = range_f64_##for_, .residuals32 = residuals32_##for_, \
        .residuals64 = residuals64_##for_, .widen16 = widen16_##for_, .widen32 = widen32_##for_, \
        .narrow16 = narrow16_##for_, .narrow32 = narrow32_##for_, .least_delta32 = least_delta32_##for_, \
        .deltas32 = deltas32_##for_, .level32 = level32_##for_, .count_beyond = count_beyond_##for_, \
        .bits64 = bits64_##for_, .bits32 = bits32_##for_, .any64 = any64_##for_, .columns4 = columns4_##for_, \
        .values4 = values4_##for_, .rows4 = rows4_##for_, .hash = hash_##for_, .name = #for_ \
    }

const sp_kernels sp_kernels_portable = TABLE(portable);

#ifdef HAVE_X86
/* x / 10^e without dividing, correctly rounded for whole x below 2^53 and e up to EXACT_MAX. The two parts of the reciprocal are off by
 * 2^-106 of it, so is the product before its one rounding. That cannot cross over to another double: a point halfway between two is an
 * odd m * 2^t of 54 bits, and x 2^-t - m 10^e is a whole number, not 0 (m has more bits than x), so they are 2^-54 / 10^e apart, of
 * the quotient, at least: more than 2^-106 up to 10^15. */
enum { EXACT_MAX = 15 };
__attribute__((target("avx2,fma"), always_inline)) static inline double divide_fma(double x, tenth by)
{
    return __builtin_fma(x, by.high, x * by.low);
}

#define TARGET        __attribute__((target("avx2,fma")))
#define K(name)       name##_avx2
#define DIVIDE(x, by) divide_fma(x, by)
#define BEYOND(...) \
    if (exponent > EXACT_MAX) { \
        __VA_ARGS__; \
    }
#include "store/kernels.inc"

/* Four times 32 bytes, turned: a square of 8-byte cells. */
TARGET static void turn(const void *const rows[4], __m256i out[4])
{
    __m256i a = _mm256_loadu_si256(rows[0]), b = _mm256_loadu_si256(rows[1]), c = _mm256_loadu_si256(rows[2]),
            d = _mm256_loadu_si256(rows[3]);
    __m256i ab0 = _mm256_unpacklo_epi64(a, b), ab1 = _mm256_unpackhi_epi64(a, b), cd0 = _mm256_unpacklo_epi64(c, d),
            cd1 = _mm256_unpackhi_epi64(c, d);
    out[0] = _mm256_permute2x128_si256(ab0, cd0, 0x20);
    out[1] = _mm256_permute2x128_si256(ab1, cd1, 0x20);
    out[2] = _mm256_permute2x128_si256(ab0, cd0, 0x31);
    out[3] = _mm256_permute2x128_si256(ab1, cd1, 0x31);
}

TARGET static void columns4_avx2(const char *records, size_t stride, uint32_t rows, uint64_t *const out[4])
{
    uint32_t r = 0;
    for (; r + 4 <= rows; r += 4, records += 4 * stride) {
        __m256i turned[4];
        const void *const four[4] = {records, records + stride, records + 2 * stride, records + 3 * stride};
        turn(four, turned);
        for (unsigned c = 0; c < 4; c++)
            _mm256_storeu_si256((__m256i *)(out[c] + r), turned[c]);
    }
    uint64_t *const rest[4] = {out[0] + r, out[1] + r, out[2] + r, out[3] + r};
    columns4_portable(records, stride, rows - r, rest);
}

TARGET static void values4_avx2(const uint64_t *const columns[4], const uint64_t heads[4], uint32_t rows, uint64_t **to)
{
    __m256i head = _mm256_loadu_si256((const __m256i *)heads);
    uint32_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        __m256i turned[4];
        const void *const four[4] = {columns[0] + r, columns[1] + r, columns[2] + r, columns[3] + r};
        turn(four, turned);
        for (unsigned i = 0; i < 4; i++, to++) {
            __m256i even = _mm256_unpacklo_epi64(head, turned[i]), odd = _mm256_unpackhi_epi64(head, turned[i]);
            _mm256_storeu_si256((__m256i *)*to, _mm256_permute2x128_si256(even, odd, 0x20));
            _mm256_storeu_si256((__m256i *)*to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
            *to += 8;
        }
    }
    const uint64_t *const rest[4] = {columns[0] + r, columns[1] + r, columns[2] + r, columns[3] + r};
    values4_portable(rest, heads, rows - r, to);
}

TARGET static void rows4_avx2(const uint64_t *const columns[4], uint32_t rows, char *records, size_t stride)
{
    uint32_t r = 0;
    for (; r + 4 <= rows; r += 4, records += 4 * stride) {
        __m256i turned[4];
        const void *const four[4] = {columns[0] + r, columns[1] + r, columns[2] + r, columns[3] + r};
        turn(four, turned);
        for (unsigned i = 0; i < 4; i++)
            _mm256_storeu_si256((__m256i *)(records + i * stride), turned[i]);
    }
    const uint64_t *const rest[4] = {columns[0] + r, columns[1] + r, columns[2] + r, columns[3] + r};
    rows4_portable(rest, rows - r, records, stride);
}

/* The lower and the higher of two of each, 64-bit integers having no instruction of their own. */
TARGET static __m256i lower(__m256i a, __m256i b)
{
    return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}

TARGET static __m256i higher(__m256i a, __m256i b)
{
    return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
}

TARGET static void range_avx2(const int64_t *v, uint32_t n, int64_t *min, int64_t *max)
{
    __m256i low[2], high[2];
    low[0] = low[1] = high[0] = high[1] = _mm256_set1_epi64x(v[0]);
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (unsigned l = 0; l < 2; l++) {
            __m256i x = _mm256_loadu_si256((const __m256i *)(v + i + 4 * l));
            low[l] = lower(low[l], x);
            high[l] = higher(high[l], x);
        }
    int64_t lows[4], highs[4], rest_low, rest_high;
    _mm256_storeu_si256((__m256i *)lows, lower(low[0], low[1]));
    _mm256_storeu_si256((__m256i *)highs, higher(high[0], high[1]));
    range_portable(lows, 4, min, &rest_high);
    range_portable(highs, 4, &rest_low, max);
    for (; i < n; i++) {
        *min = v[i] < *min ? v[i] : *min;
        *max = v[i] > *max ? v[i] : *max;
    }
}

/* The instruction gives its second operand when one is NaN: what there was so far. */
TARGET static void range_f64_avx2(const double *v, uint32_t n, double *min, double *max)
{
    __m256d low[2], high[2];
    low[0] = low[1] = _mm256_set1_pd(__builtin_inf());
    high[0] = high[1] = _mm256_set1_pd(-__builtin_inf());
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (unsigned l = 0; l < 2; l++) {
            __m256d x = _mm256_loadu_pd(v + i + 4 * l);
            low[l] = _mm256_min_pd(x, low[l]);
            high[l] = _mm256_max_pd(x, high[l]);
        }
    double lows[4], highs[4], unused, rest_low, rest_high;
    _mm256_storeu_pd(lows, _mm256_min_pd(low[0], low[1]));
    _mm256_storeu_pd(highs, _mm256_max_pd(high[0], high[1]));
    range_f64_portable(lows, 4, min, &unused);
    range_f64_portable(highs, 4, &unused, max);
    range_f64_portable(v + i, n - i, &rest_low, &rest_high);
    *min = rest_low < *min ? rest_low : *min;
    *max = rest_high > *max ? rest_high : *max;
}

/* Of doubles that are made whole: whether any was not, and the range of the sums with MAGIC, which are in the order of the whole numbers. */
typedef struct whole_avx2 {
    __m256d ten, near, rest, least, most;
    __m256i any;
} whole_avx2;

__attribute__((target("avx2,fma"), always_inline)) static inline void four_whole(whole_avx2 *w, const double *v,
                                                                                 int64_t *out)
{
    const __m256d magic = _mm256_set1_pd(MAGIC);
    __m256d x = _mm256_loadu_pd(v), shifted = _mm256_add_pd(_mm256_mul_pd(x, w->ten), magic),
            back = _mm256_sub_pd(shifted, magic);
    __m256i bits = _mm256_sub_epi64(_mm256_castpd_si256(shifted), _mm256_set1_epi64x(MAGIC_BITS));
    back = _mm256_fmadd_pd(back, w->near, _mm256_mul_pd(back, w->rest));
    _mm256_storeu_si256((__m256i *)out, bits);
    w->any = _mm256_or_si256(w->any, _mm256_castpd_si256(_mm256_xor_pd(back, x)));
    w->any =
        _mm256_or_si256(w->any, _mm256_srli_epi64(_mm256_add_epi64(bits, _mm256_set1_epi64x(INT64_C(1) << 51)), 52));
    w->least = _mm256_min_pd(shifted, w->least);
    w->most = _mm256_max_pd(shifted, w->most);
}

TARGET static uint32_t to_decimal_avx2(const double *v, uint32_t n, unsigned exponent, int64_t *out, uint8_t *bad,
                                       int64_t *low, int64_t *high)
{
    if (exponent > EXACT_MAX || n < 4)
        return to_decimal_portable(v, n, exponent, out, bad, low, high);
    const tenth by = tenths[exponent];
    whole_avx2 w = {_mm256_set1_pd(by.ten),          _mm256_set1_pd(by.high),          _mm256_set1_pd(by.low),
                    _mm256_set1_pd(__builtin_inf()), _mm256_set1_pd(-__builtin_inf()), _mm256_setzero_si256()};
    for (uint32_t i = 0; i + 8 <= n; i += 8) {
        four_whole(&w, v + i, out + i);
        four_whole(&w, v + i + 4, out + i + 4);
    }
    if (n % 8 > 4)
        four_whole(&w, v + n / 8 * 8, out + n / 8 * 8);
    if (n % 8)
        four_whole(&w, v + n - 4, out + n - 4);
    if (!_mm256_testz_si256(w.any, w.any))
        return flag_bad_avx2(v, n, exponent, bad);
    int64_t lows[4], highs[4], unused;
    _mm256_storeu_si256((__m256i *)lows, _mm256_castpd_si256(w.least));
    _mm256_storeu_si256((__m256i *)highs, _mm256_castpd_si256(w.most));
    range_portable(lows, 4, low, &unused);
    range_portable(highs, 4, &unused, high);
    *low = (int64_t)((uint64_t)*low - MAGIC_BITS);
    *high = (int64_t)((uint64_t)*high - MAGIC_BITS);
    return 0;
}

uint64_t sp_hash_avx2(const void *p, size_t len, uint64_t seed);
#define hash_avx2 sp_hash_avx2
static const sp_kernels kernels_avx2 = TABLE(avx2);
#endif
#undef WHOLE

const sp_kernels *sp_kernels_best(void)
{
#ifdef HAVE_X86
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &kernels_avx2;
#endif
    return &sp_kernels_portable;
}
