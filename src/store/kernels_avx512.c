/* kernels_avx512.c - kernels.inc for processors with AVX-512 and its second set of byte instructions, which shift two registers as one:
 * bits that go over into a lane's next word come out like all others, so reading has no branch. */
#include "store/kernels_set.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#define WIDE "" /* no word of a function's target there */
#else
#define WIDE ",prefer-vector-width=512"
#endif
#define FEATURES      "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,fma,popcnt" WIDE
#define TARGET        __attribute__((target(FEATURES)))
#define WITHIN        __attribute__((target(FEATURES), always_inline)) static inline
#define K(name)       name##_avx512
#define DIVIDE(x, by) DIVIDE_FMA(x, by)
#define MANY_32       sixteen_32
#define MANY_64       eight_64
#define BEYOND(...) \
    if (exponent > EXACT_MAX) { \
        __VA_ARGS__; \
    }
#include "store/kernels.inc"

/* ---- packed bits out ----------------------------------------------------------------------------------------------------- */

/* Where reading is among the words of 32 lanes. */
typedef struct bits_32 {
    const uint32_t *in;
    __m512i mask, shift, width;
    unsigned bit, bits;
} bits_32;

WITHIN bits_32 bits_32_at(const uint32_t *in, unsigned width, unsigned first)
{
    uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
    return (bits_32){.in = width ? in : (const uint32_t *)nothing,
                     .mask = _mm512_set1_epi32((int)mask),
                     .shift = _mm512_set1_epi32((int)(first * width)),
                     .width = _mm512_set1_epi32((int)width),
                     .bit = first * width,
                     .bits = width};
}

/* The next place: a value of every lane. What lies behind a lane's last word is not read. */
WITHIN void next_32(bits_32 *b, __m512i r[2])
{
    const uint32_t *low = b->in + (size_t)(b->bit >> 5) * SP_LANES_32,
                   *high = low + ((b->bit & 31) + b->bits > 32 ? SP_LANES_32 : 0);
    for (unsigned i = 0; i < 2; i++)
        r[i] = _mm512_and_si512(
            _mm512_shrdv_epi32(_mm512_loadu_si512(low + 16 * i), _mm512_loadu_si512(high + 16 * i), b->shift), b->mask);
    b->bit += b->bits;
    b->shift = _mm512_add_epi32(b->shift, b->width);
}

/* The same of 16 lanes of 64 bits. */
typedef struct bits_64 {
    const uint64_t *in;
    __m512i mask, shift, width;
    unsigned bit, bits;
} bits_64;

WITHIN bits_64 bits_64_at(const uint64_t *in, unsigned width, unsigned first)
{
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    return (bits_64){.in = in,
                     .mask = _mm512_set1_epi64((int64_t)mask),
                     .shift = _mm512_set1_epi64((int64_t)first * width),
                     .width = _mm512_set1_epi64(width),
                     .bit = first * width,
                     .bits = width};
}

WITHIN void next_64(bits_64 *b, __m512i r[2])
{
    const uint64_t *low = b->in + (size_t)(b->bit >> 6) * SP_LANES_64,
                   *high = low + ((b->bit & 63) + b->bits > 64 ? SP_LANES_64 : 0);
    for (unsigned i = 0; i < 2; i++)
        r[i] = _mm512_and_si512(
            _mm512_shrdv_epi64(_mm512_loadu_si512(low + 8 * i), _mm512_loadu_si512(high + 8 * i), b->shift), b->mask);
    b->bit += b->bits;
    b->shift = _mm512_add_epi64(b->shift, b->width);
}

/* Thirty-two numbers of 32 bits as numbers of 64. */
WITHIN void widen(const __m512i r[2], __m512i out[4])
{
    for (unsigned i = 0; i < 4; i++)
        out[i] =
            _mm512_cvtepu32_epi64(i % 2 ? _mm512_extracti64x4_epi64(r[i / 2], 1) : _mm512_castsi512_si256(r[i / 2]));
}

/* A line's values of the lanes of a place, in registers of 8 or of 16; on: by how much they grow from place to place. */
WITHIN void start_64(sp_line line, unsigned lanes, __m512i at[4], __m512i *on)
{
    const __m512i ramp = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), step = _mm512_set1_epi64((int64_t)line.step);
    for (unsigned i = 0; i < lanes / 8; i++)
        at[i] = _mm512_add_epi64(_mm512_set1_epi64((int64_t)(line.base + 8 * i * line.step)),
                                 _mm512_mullo_epi64(ramp, step));
    *on = _mm512_set1_epi64((int64_t)(lanes * line.step));
}

WITHIN void start_32(sp_line line, __m512i at[2], __m512i *on)
{
    const __m512i ramp = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                  step = _mm512_set1_epi32((int)(uint32_t)line.step);
    for (unsigned i = 0; i < 2; i++)
        at[i] = _mm512_add_epi32(_mm512_set1_epi32((int)(uint32_t)(line.base + 16 * i * line.step)),
                                 _mm512_mullo_epi32(ramp, step));
    *on = _mm512_set1_epi32((int)(uint32_t)(SP_LANES_32 * line.step));
}

TARGET static void unpack32_avx512(const uint32_t *in, unsigned width, unsigned first, unsigned places, uint32_t *out)
{
    bits_32 b = bits_32_at(in, width, first);
    for (__m512i r[2]; places; places--, out += SP_LANES_32) {
        next_32(&b, r);
        _mm512_storeu_si512(out, r[0]);
        _mm512_storeu_si512(out + 16, r[1]);
    }
}

TARGET static void unpack64_avx512(const uint64_t *in, unsigned width, unsigned first, unsigned places, uint64_t *out)
{
    bits_64 b = bits_64_at(in, width, first);
    for (__m512i r[2]; places; places--, out += SP_LANES_64) {
        next_64(&b, r);
        _mm512_storeu_si512(out, r[0]);
        _mm512_storeu_si512(out + 8, r[1]);
    }
}

TARGET static void read32_16_avx512(const uint32_t *in, unsigned width, unsigned first, unsigned places, sp_line line,
                                    uint16_t *out)
{
    bits_32 b = bits_32_at(in, width, first);
    __m512i r[2], at[2], on;
    start_32(line, at, &on);
    for (; places; places--, out += SP_LANES_32) {
        next_32(&b, r);
        for (unsigned i = 0; i < 2; i++) {
            __m256i low = _mm512_cvtepi32_epi16(_mm512_add_epi32(r[i], at[i]));
            _mm256_storeu_si256((__m256i *)(out + 16 * i), low);
            at[i] = _mm512_add_epi32(at[i], on);
        }
    }
}

TARGET static void read32_32_avx512(const uint32_t *in, unsigned width, unsigned first, unsigned places, sp_line line,
                                    unsigned shift, uint32_t *out)
{
    bits_32 b = bits_32_at(in, width, first);
    __m512i r[2], at[2], on;
    start_32(line, at, &on);
    for (; places; places--, out += SP_LANES_32) {
        next_32(&b, r);
        for (unsigned i = 0; i < 2; i++) {
            _mm512_storeu_si512(out + 16 * i, _mm512_slli_epi32(_mm512_add_epi32(r[i], at[i]), shift));
            at[i] = _mm512_add_epi32(at[i], on);
        }
    }
}

TARGET static void read32_64_avx512(const uint32_t *in, unsigned width, unsigned first, unsigned places, sp_line line,
                                    unsigned shift, uint64_t *out)
{
    bits_32 b = bits_32_at(in, width, first);
    __m512i r[2], wide[4], at[4], on;
    start_64(line, SP_LANES_32, at, &on);
    for (; places; places--, out += SP_LANES_32) {
        next_32(&b, r);
        widen(r, wide);
        for (unsigned i = 0; i < 4; i++) {
            _mm512_storeu_si512(out + 8 * i, _mm512_slli_epi64(_mm512_add_epi64(wide[i], at[i]), shift));
            at[i] = _mm512_add_epi64(at[i], on);
        }
    }
}

TARGET static void read64_64_avx512(const uint64_t *in, unsigned width, unsigned first, unsigned places, sp_line line,
                                    unsigned shift, uint64_t *out)
{
    bits_64 b = bits_64_at(in, width, first);
    __m512i r[2], at[4], on;
    start_64(line, SP_LANES_64, at, &on);
    for (; places; places--, out += SP_LANES_64) {
        next_64(&b, r);
        for (unsigned i = 0; i < 2; i++) {
            _mm512_storeu_si512(out + 8 * i, _mm512_slli_epi64(_mm512_add_epi64(r[i], at[i]), shift));
            at[i] = _mm512_add_epi64(at[i], on);
        }
    }
}

typedef struct tenth_512 {
    __m512d high, low;
} tenth_512;

WITHIN tenth_512 tenth_of(unsigned exponent)
{
    return (tenth_512){_mm512_set1_pd(sp_tenths[exponent].high), _mm512_set1_pd(sp_tenths[exponent].low)};
}

/* Bits of sums with MAGIC, as decimals. */
WITHIN __m512d divide_512(__m512i bits, tenth_512 by)
{
    __m512d whole = _mm512_sub_pd(_mm512_castsi512_pd(bits), _mm512_set1_pd(MAGIC));
    return _mm512_fmadd_pd(whole, by.high, _mm512_mul_pd(whole, by.low));
}

TARGET static void read32_decimal_avx512(const uint32_t *in, unsigned width, unsigned first, unsigned places,
                                         sp_line line, unsigned exponent, double *out)
{
    BEYOND(sp_kernels_portable.read32_decimal(in, width, first, places, line, exponent, out); return )
    bits_32 b = bits_32_at(in, width, first);
    const tenth_512 by = tenth_of(exponent);
    __m512i r[2], wide[4], at[4], on;
    line.base += MAGIC_BITS;
    start_64(line, SP_LANES_32, at, &on);
    for (; places; places--, out += SP_LANES_32) {
        next_32(&b, r);
        widen(r, wide);
        for (unsigned i = 0; i < 4; i++) {
            _mm512_storeu_pd(out + 8 * i, divide_512(_mm512_add_epi64(wide[i], at[i]), by));
            at[i] = _mm512_add_epi64(at[i], on);
        }
    }
}

TARGET static void read64_decimal_avx512(const uint64_t *in, unsigned width, unsigned first, unsigned places,
                                         sp_line line, unsigned exponent, double *out)
{
    BEYOND(sp_kernels_portable.read64_decimal(in, width, first, places, line, exponent, out); return )
    bits_64 b = bits_64_at(in, width, first);
    const tenth_512 by = tenth_of(exponent);
    __m512i r[2], at[4], on;
    line.base += MAGIC_BITS;
    start_64(line, SP_LANES_64, at, &on);
    for (; places; places--, out += SP_LANES_64) {
        next_64(&b, r);
        for (unsigned i = 0; i < 2; i++) {
            _mm512_storeu_pd(out + 8 * i, divide_512(_mm512_add_epi64(r[i], at[i]), by));
            at[i] = _mm512_add_epi64(at[i], on);
        }
    }
}

/* ---- ranges, and whole numbers of decimals --------------------------------------------------------------------------------- */

WITHIN __mmask8 first_of_8(uint32_t n)
{
    return n < 8 ? (__mmask8)((1u << n) - 1) : (__mmask8)0xff;
}

TARGET static void range_avx512(const int64_t *v, uint32_t n, int64_t *min, int64_t *max)
{
    __m512i low[2], high[2];
    low[0] = low[1] = high[0] = high[1] = _mm512_set1_epi64(v[0]);
    uint32_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (unsigned l = 0; l < 2; l++) {
            __m512i x = _mm512_loadu_si512(v + i + 8 * l);
            low[l] = _mm512_min_epi64(low[l], x);
            high[l] = _mm512_max_epi64(high[l], x);
        }
    for (; i < n; i += 8) {
        __m512i x = _mm512_mask_loadu_epi64(low[0], first_of_8(n - i), v + i);
        low[0] = _mm512_min_epi64(low[0], x);
        high[0] = _mm512_mask_max_epi64(high[0], first_of_8(n - i), high[0], x);
    }
    *min = _mm512_reduce_min_epi64(_mm512_min_epi64(low[0], low[1]));
    *max = _mm512_reduce_max_epi64(_mm512_max_epi64(high[0], high[1]));
}

/* The instruction gives its second operand when one is NaN: what there was so far. */
TARGET static void range_f64_avx512(const double *v, uint32_t n, double *min, double *max)
{
    __m512d low[2], high[2];
    low[0] = low[1] = _mm512_set1_pd(__builtin_inf());
    high[0] = high[1] = _mm512_set1_pd(-__builtin_inf());
    uint32_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (unsigned l = 0; l < 2; l++) {
            __m512d x = _mm512_loadu_pd(v + i + 8 * l);
            low[l] = _mm512_min_pd(x, low[l]);
            high[l] = _mm512_max_pd(x, high[l]);
        }
    for (; i < n; i += 8) {
        __m512d x = _mm512_mask_loadu_pd(_mm512_set1_pd(__builtin_nan("")), first_of_8(n - i), v + i);
        low[0] = _mm512_min_pd(x, low[0]);
        high[0] = _mm512_max_pd(x, high[0]);
    }
    *min = _mm512_reduce_min_pd(_mm512_min_pd(low[0], low[1]));
    *max = _mm512_reduce_max_pd(_mm512_max_pd(high[0], high[1]));
}

/* As that of kernels_avx2.c, eight at a time. */
typedef struct whole_512 {
    __m512d ten, least, most;
    tenth_512 by;
    __m512i any;
} whole_512;

WITHIN void eight_whole(whole_512 *w, const double *v, __mmask8 of, int64_t *out)
{
    __m512d x = _mm512_maskz_loadu_pd(of, v), shifted = _mm512_add_pd(_mm512_mul_pd(x, w->ten), _mm512_set1_pd(MAGIC));
    __m512i bits = _mm512_sub_epi64(_mm512_castpd_si512(shifted), _mm512_set1_epi64((int64_t)MAGIC_BITS));
    __m512d back = divide_512(_mm512_castpd_si512(shifted), w->by);
    _mm512_mask_storeu_epi64(out, of, bits);
    __m512i beyond = _mm512_srli_epi64(_mm512_add_epi64(bits, _mm512_set1_epi64(INT64_C(1) << 51)), 52);
    w->any = _mm512_or_si512(_mm512_or_si512(w->any, beyond), _mm512_castpd_si512(_mm512_xor_pd(back, x)));
    w->least = _mm512_mask_min_pd(w->least, of, shifted, w->least);
    w->most = _mm512_mask_max_pd(w->most, of, shifted, w->most);
}

TARGET static uint32_t to_decimal_avx512(const double *v, uint32_t n, unsigned exponent, int64_t *out, uint8_t *bad,
                                         int64_t *low, int64_t *high)
{
    if (exponent > EXACT_MAX)
        return sp_kernels_portable.to_decimal(v, n, exponent, out, bad, low, high);
    whole_512 w = {.ten = _mm512_set1_pd(sp_tenths[exponent].ten),
                   .least = _mm512_set1_pd(__builtin_inf()),
                   .most = _mm512_set1_pd(-__builtin_inf()),
                   .by = tenth_of(exponent),
                   .any = _mm512_setzero_si512()};
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8)
        eight_whole(&w, v + i, 0xff, out + i);
    if (i < n)
        eight_whole(&w, v + i, first_of_8(n - i), out + i);
    if (_mm512_test_epi64_mask(w.any, w.any))
        return flag_bad_avx512(v, n, exponent, bad);
    *low = (int64_t)(as_bits(_mm512_reduce_min_pd(w.least)) - MAGIC_BITS);
    *high = (int64_t)(as_bits(_mm512_reduce_max_pd(w.most)) - MAGIC_BITS);
    return 0;
}

/* ---- records ------------------------------------------------------------------------------------------------------------- */

/* Eight times 64 bytes, turned: a square of 8-byte cells. */
WITHIN void turn_512(__m512i x[8])
{
    __m512i pairs[8], fours[8];
    for (unsigned i = 0; i < 8; i += 2) {
        pairs[i] = _mm512_unpacklo_epi64(x[i], x[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 1]);
    }
    for (unsigned i = 0; i < 8; i += 4)
        for (unsigned odd = 0; odd < 2; odd++) {
            fours[i + odd] = _mm512_shuffle_i64x2(pairs[i + odd], pairs[i + 2 + odd], 0x88);
            fours[i + 2 + odd] = _mm512_shuffle_i64x2(pairs[i + odd], pairs[i + 2 + odd], 0xdd);
        }
    for (unsigned i = 0; i < 4; i++) {
        x[i] = _mm512_shuffle_i64x2(fours[i], fours[i + 4], 0x88);
        x[i + 4] = _mm512_shuffle_i64x2(fours[i], fours[i + 4], 0xdd);
    }
}

/* Eight records of eight cells: a line of each column, past the cache as in kernels_avx2.c. What comes next of the records is fetched
 * meanwhile. */
TARGET static void columns_avx512(const char *records, size_t stride, uint32_t rows, uint32_t n, uint64_t *out,
                                  size_t pitch)
{
    uint32_t c = 0, whole = ((uintptr_t)out | pitch) % 64 == 0 ? rows / 8 * 8 : 0;
    for (; c + 8 <= n; c += 8, records += 64, out = (uint64_t *)((char *)out + 8 * pitch)) {
        const char *from = records;
        for (uint32_t r = 0; r < whole; r += 8, from += 8 * stride) {
            __m512i x[8];
            for (unsigned i = 0; i < 8; i++) {
                x[i] = _mm512_loadu_si512(from + i * stride);
                __builtin_prefetch(from + (8 + i) * stride, 0, 2);
            }
            turn_512(x);
            for (unsigned i = 0; i < 8; i++)
                _mm512_stream_si512((void *)((char *)(out + r) + i * pitch), x[i]);
        }
        if (whole < rows)
            sp_columns_avx2(from, stride, rows - whole, 8, out + whole, pitch);
    }
    sp_columns_avx2(records, stride, rows, n - c, out, pitch); /* and its fence */
}

#define values4_avx512 sp_values4_avx2
#define rows4_avx512   sp_rows4_avx2
#define hash_avx512    sp_hash_avx512
static const sp_kernels kernels_avx512 = TABLE(avx512);
#endif

const sp_kernels *sp_kernels_avx512(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2") && sp_kernels_avx2())
        return &kernels_avx512;
#endif
    return NULL;
}
