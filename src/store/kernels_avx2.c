/* kernels_avx2.c - kernels.inc for processors with AVX2 and FMA, and what their compiler makes too little of. */
#include "store/kernels_set.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET        __attribute__((target("avx2,fma")))
#define K(name)       name##_avx2
#define DIVIDE(x, by) DIVIDE_FMA(x, by)
#define MANY_32       eight_32
#define MANY_64       eight_64
#define BEYOND(...) \
    if (exponent > EXACT_MAX) { \
        __VA_ARGS__; \
    }
#include "store/kernels.inc"
#include "store/kernels_read.inc"

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

/* Lines of which all is written go past the cache, where they begin as such: they would be fetched first otherwise, and be gone again
 * before anyone reads them. The fence is for readers on other threads. */
TARGET void sp_columns_avx2(const char *records, size_t stride, uint32_t rows, uint32_t n, uint64_t *out, size_t pitch)
{
    uint32_t c = 0, whole = rows / 4 * 4, past = ((uintptr_t)out | pitch) % 64 == 0 ? rows / 8 * 8 : 0;
    for (; c + 4 <= n; c += 4, records += 32, out = (uint64_t *)((char *)out + 4 * pitch)) {
        const char *from = records;
        for (uint32_t r = 0; r < whole; r += 4, from += 4 * stride) {
            __m256i turned[4];
            const void *const four[4] = {from, from + stride, from + 2 * stride, from + 3 * stride};
            turn(four, turned);
            for (unsigned i = 0; i < 4; i++) {
                __m256i *to = (__m256i *)((char *)(out + r) + i * pitch);
                if (r < past)
                    _mm256_stream_si256(to, turned[i]);
                else
                    _mm256_storeu_si256(to, turned[i]);
            }
        }
        sp_kernels_portable.columns(from, stride, rows - whole, 4, out + whole, pitch);
    }
    sp_kernels_portable.columns(records, stride, rows, n - c, out, pitch);
    _mm_sfence();
}

TARGET void sp_values4_avx2(const uint64_t *const columns[4], const uint64_t heads[4], uint32_t rows, uint64_t **to)
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
    sp_kernels_portable.values4(rest, heads, rows - r, to);
}

TARGET void sp_rows4_avx2(const uint64_t *const columns[4], uint32_t rows, char *records, size_t stride)
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
    sp_kernels_portable.rows4(rest, rows - r, records, stride);
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
    sp_kernels_portable.range(lows, 4, min, &rest_high);
    sp_kernels_portable.range(highs, 4, &rest_low, max);
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
    sp_kernels_portable.range_f64(lows, 4, min, &unused);
    sp_kernels_portable.range_f64(highs, 4, &unused, max);
    sp_kernels_portable.range_f64(v + i, n - i, &rest_low, &rest_high);
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
        return sp_kernels_portable.to_decimal(v, n, exponent, out, bad, low, high);
    const tenth by = sp_tenths[exponent];
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
    sp_kernels_portable.range(lows, 4, low, &unused);
    sp_kernels_portable.range(highs, 4, &unused, high);
    *low = (int64_t)((uint64_t)*low - MAGIC_BITS);
    *high = (int64_t)((uint64_t)*high - MAGIC_BITS);
    return 0;
}

#define columns_avx2 sp_columns_avx2
#define values4_avx2 sp_values4_avx2
#define rows4_avx2   sp_rows4_avx2
#define hash_avx2    sp_hash_avx2
static const sp_kernels kernels_avx2 = TABLE(avx2);
#endif

const sp_kernels *sp_kernels_avx2(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &kernels_avx2;
#endif
    return NULL;
}
