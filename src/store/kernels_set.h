/* kernels_set.h - what the sets of kernels share: constants, and the table that a set is. Private to kernels*.c. */
#ifndef SP_STORE_KERNELS_SET_H
#define SP_STORE_KERNELS_SET_H

#include "store/kernels.h"

/* 10^e, and its reciprocal as a sum of two doubles: the nearest one, and what is left when that is taken away. */
typedef struct tenth {
    double ten, high, low;
} tenth;

extern const tenth sp_tenths[SP_DECIMAL_EXPONENT_MAX + 1];

/* Bits of vectors whose width is 0: those have none. */
static const uint64_t nothing[SP_LANES_64];

/* 1.5 * 2^52: a double whose lowest bit is worth one, with room below and above. */
#define MAGIC      6755399441055744.0
#define MAGIC_BITS UINT64_C(0x4338000000000000)

/* Whole numbers below 2^51 become doubles by their bits: there is no instruction for it before AVX-512. MAGIC_BITS are in the base. */
#define TO_DOUBLE(bits) (as_double(bits) - MAGIC)

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

/* So many that lie anywhere. */
typedef uint32_t eight_32 __attribute__((vector_size(32), aligned(4)));
typedef uint32_t sixteen_32 __attribute__((vector_size(64), aligned(4)));
typedef uint64_t eight_64 __attribute__((vector_size(64), aligned(8)));

/* x / 10^e without dividing, correctly rounded for whole x below 2^53 and e up to EXACT_MAX. The two parts of the reciprocal are off by
 * 2^-106 of it, so is the product before its one rounding. That cannot cross over to another double: a point halfway between two is an
 * odd m * 2^t of 54 bits, and x 2^-t - m 10^e is a whole number, not 0 (m has more bits than x), so they are 2^-54 / 10^e apart, of
 * the quotient, at least: more than 2^-106 up to 10^15. */
enum { EXACT_MAX = 15 };
#define DIVIDE_FMA(x, by) __builtin_fma((x), (by).high, (x) * (by).low)

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
        .bits64 = bits64_##for_, .bits32 = bits32_##for_, .any64 = any64_##for_, .columns = columns_##for_, \
        .values4 = values4_##for_, .rows4 = rows4_##for_, .hash = hash_##for_, .name = #for_ \
    }

/* NULL: not for this processor. */
const sp_kernels *sp_kernels_avx2(void);
const sp_kernels *sp_kernels_avx512(void);
/* Of AVX2, for those who have nothing better. */
void sp_columns_avx2(const char *records, size_t stride, uint32_t rows, uint32_t n, uint64_t *out, size_t pitch);
void sp_values4_avx2(const uint64_t *const columns[4], const uint64_t heads[4], uint32_t rows, uint64_t **to);
void sp_rows4_avx2(const uint64_t *const columns[4], uint32_t rows, char *records, size_t stride);
uint64_t sp_hash_avx2(const void *p, size_t len, uint64_t seed);
uint64_t sp_hash_avx512(const void *p, size_t len, uint64_t seed);

#endif
