/* kernels.c - kernels.inc for any processor; and which set of kernels this one runs. */
#include "store/kernels_set.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

const double sp_ten_to[SP_DECIMAL_EXPONENT_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                       1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

const tenth sp_tenths[SP_DECIMAL_EXPONENT_MAX + 1] = {
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

#define TARGET
#define K(name)       name##_portable
#define DIVIDE(x, by) ((x) / (by).ten)
#define MANY_32       eight_32
#define MANY_64       eight_64
#define BEYOND(...)
#include "store/kernels.inc"
#include "store/kernels_read.inc"
#undef TARGET
#undef K
#undef DIVIDE
#undef MANY_32
#undef MANY_64
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
    const tenth by = sp_tenths[exponent];
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

static void columns_portable(const char *records, size_t stride, uint32_t rows, uint32_t n, uint64_t *out, size_t pitch)
{
    for (uint32_t c = 0; c < n; c++, records += 8, out = (uint64_t *)((char *)out + pitch))
        for (uint32_t r = 0; r < rows; r++)
            memcpy(&out[r], records + r * stride, 8);
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

const sp_kernels sp_kernels_portable = TABLE(portable);

const sp_kernels *sp_kernels_set(unsigned i)
{
    const sp_kernels *const sets[] = {&sp_kernels_portable, sp_kernels_avx2(), sp_kernels_avx512()};
    for (unsigned at = 0; at < SP_COUNT(sets); at++)
        if (sets[at] && i-- == 0)
            return sets[at];
    return NULL;
}

const sp_kernels *sp_kernels_best(void)
{
    const sp_kernels *best = sp_kernels_avx512();
    if (!best)
        best = sp_kernels_avx2();
    return best ? best : &sp_kernels_portable;
}
