/* kernels.h - the loops over cells: bits in and out, decimals, ranges. Plain C, compiled once for any processor (the reference)
 * and once each for AVX2 with FMA and for AVX-512; which set runs is chosen by the processor. All give the same bits, tests see to it.
 *
 * Packed bits: value i of a vector is in lane i % L at place i / L, where L is 32 lanes of 32-bit words for widths up to 32 and 16
 * lanes of 64-bit words above. A lane's values are packed one behind the other from the lowest bit, and word k of all lanes
 * lies together. So a loop over lanes is a loop over neighbours, and places can be unpacked from anywhere. */
#ifndef SP_STORE_KERNELS_H
#define SP_STORE_KERNELS_H

#include "base/base.h"

enum { SP_LANES_32 = 32, SP_LANES_64 = 16, SP_ROW_BYTES = 128 }; /* a word of every lane */

static inline uint32_t sp_lanes(unsigned width)
{
    return width <= 32 ? SP_LANES_32 : SP_LANES_64;
}
/* Bytes of count packed values. */
static inline size_t sp_packed_bytes(uint32_t count, unsigned width)
{
    uint32_t places = (count + sp_lanes(width) - 1) / sp_lanes(width), word = width <= 32 ? 32 : 64;
    return ((size_t)places * width + word - 1) / word * SP_ROW_BYTES;
}
static inline unsigned sp_bits_of(uint64_t v)
{
    return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

/* A square of eight times eight bits, turned: byte i has bit i of every byte. */
static inline uint64_t sp_turn_bits(uint64_t x)
{
    uint64_t t = (x ^ x >> 7) & UINT64_C(0x00aa00aa00aa00aa);
    x ^= t ^ t << 7;
    t = (x ^ x >> 14) & UINT64_C(0x0000cccc0000cccc);
    x ^= t ^ t << 14;
    t = (x ^ x >> 28) & UINT64_C(0x00000000f0f0f0f0);
    return x ^ t ^ t << 28;
}

/* How values come out of residuals: out[i] = base + i * step + r[i], then shifted to the left, or as decimals. */
typedef struct sp_line {
    uint64_t base, step;
} sp_line;

typedef struct sp_kernels {
    const char *name;
    /* places * L values each; what is behind a vector's last value is whatever lies there. */
    void (*pack32)(const uint32_t *v, unsigned width, unsigned places, uint32_t *out);
    void (*pack64)(const uint64_t *v, unsigned width, unsigned places, uint64_t *out);
    void (*unpack32)(const uint32_t *in, unsigned width, unsigned first, unsigned places, uint32_t *out);
    void (*unpack64)(const uint64_t *in, unsigned width, unsigned first, unsigned places, uint64_t *out);
    /* The same, and the line's values out of those residuals, in one go. */
    void (*read32_16)(const uint32_t *in, unsigned width, unsigned first, unsigned places, sp_line line, uint16_t *out);
    void (*read32_32)(const uint32_t *in, unsigned width, unsigned first, unsigned places, sp_line line, unsigned shift,
                      uint32_t *out);
    void (*read32_64)(const uint32_t *in, unsigned width, unsigned first, unsigned places, sp_line line, unsigned shift,
                      uint64_t *out);
    void (*read64_64)(const uint64_t *in, unsigned width, unsigned first, unsigned places, sp_line line, unsigned shift,
                      uint64_t *out);
    /* The same, then / 10^exponent; values are below 2^51. */
    void (*read32_decimal)(const uint32_t *in, unsigned width, unsigned first, unsigned places, sp_line line,
                           unsigned exponent, double *out);
    void (*read64_decimal)(const uint64_t *in, unsigned width, unsigned first, unsigned places, sp_line line,
                           unsigned exponent, double *out);
    void (*to_doubles)(const uint64_t *v, uint32_t n, unsigned exponent, double *out);
    /* In place: v[0] = base, v[i] = v[i - 1] + step + v[i]. */
    void (*sums32)(uint32_t *v, uint32_t n, sp_line line);
    void (*sums64)(uint64_t *v, uint32_t n, sp_line line);
    /* Values out of those of rows before, by runs (format.h, sp_lagged_head), and back. Of what is read and made there is room
     * for 16 more behind the last. */
    void (*lag32)(const uint8_t *runs, uint32_t n_runs, uint32_t lag, const uint32_t *first, const uint32_t *difference,
                  uint32_t *out);
    void (*lag64)(const uint8_t *runs, uint32_t n_runs, uint32_t lag, const uint64_t *first, const uint64_t *difference,
                  uint64_t *out);
    void (*unlag32)(const uint8_t *runs, uint32_t n_runs, uint32_t lag, const int64_t *v, uint32_t *first,
                    uint32_t *difference);
    void (*unlag64)(const uint8_t *runs, uint32_t n_runs, uint32_t lag, const uint64_t *v, uint64_t *first,
                    uint64_t *difference);
    void (*decimals32)(const int32_t *v, uint32_t n, unsigned exponent, double *out);
    void (*times64)(uint64_t *v, uint32_t n, uint64_t by);
    void (*shift64)(uint64_t *v, uint32_t n, unsigned by);
    void (*shift32)(uint32_t *v, uint32_t n, unsigned by);
    /* out[i] = v[i] * 10^exponent where that is exact; returns how many are not, and if any, which (bad[i] = 1). If none, low and high
     * are the smallest and the largest of out. */
    uint32_t (*to_decimal)(const double *v, uint32_t n, unsigned exponent, int64_t *out, uint8_t *bad, int64_t *low,
                           int64_t *high);
    void (*range)(const int64_t *v, uint32_t n, int64_t *min, int64_t *max);
    uint32_t (*count_beyond)(const int64_t *v, uint32_t n, int64_t low,
                             int64_t high); /* how many are not low to high */
    void (*range16)(const int16_t *v, uint32_t n, int64_t *min, int64_t *max);
    void (*range32)(const int32_t *v, uint32_t n, int64_t *min, int64_t *max);
    void (*range_f64)(const double *v, uint32_t n, double *min,
                      double *max); /* without NaN; infinities the wrong way round: none */
    void (*residuals32)(const int64_t *v, uint32_t n, sp_line line, uint32_t *out);
    void (*residuals64)(const int64_t *v, uint32_t n, sp_line line, uint64_t *out);
    void (*narrow16)(const int16_t *v, uint32_t n, uint32_t base, uint32_t *out); /* v - base */
    void (*narrow32)(const int32_t *v, uint32_t n, uint32_t base, uint32_t *out);
    void (*level32)(const int32_t *v, uint32_t n, sp_line line, int32_t *out); /* v less the line, of 32 bits */
    /* Of neighbours' differences, which are taken as of 32 bits: the smallest; all less step (out[0] = 0), and what they are or-ed. */
    int32_t (*least_delta32)(const int32_t *v, uint32_t n);
    uint32_t (*deltas32)(const int32_t *v, uint32_t n, uint32_t step, uint32_t *out);
    void (*bits64)(const uint64_t *v, uint32_t n, unsigned by, int64_t *out); /* shifted to the right */
    void (*bits32)(const uint32_t *v, uint32_t n, unsigned by, int64_t *out);
    void (*widen16)(const int16_t *v, uint32_t n, int64_t *out);
    void (*widen32)(const int32_t *v, uint32_t n, int64_t *out);
    uint64_t (*any64)(const uint64_t *v, uint32_t n); /* all or-ed */
    /* rows records of stride bytes to n columns that begin pitch bytes apart: out[r] of column c = the 8 bytes at 8 * c of record r. */
    void (*columns)(const char *records, size_t stride, uint32_t rows, uint32_t n, uint64_t *out, size_t pitch);
    /* And back, as values of two words: to[r] gets heads[0], cell r of columns[0], heads[1], ..., and moves behind them. */
    void (*values4)(const uint64_t *const columns[4], const uint64_t heads[4], uint32_t rows, uint64_t **to);
    /* The inverse of columns, for four that lie anywhere: the 8 bytes at 8 * c of record r = columns[c][r]. */
    void (*rows4)(const uint64_t *const columns[4], uint32_t rows, char *records, size_t stride);
    uint64_t (*hash)(const void *p, size_t len, uint64_t seed); /* XXH3, 64 bits */
} sp_kernels;

extern const sp_kernels sp_kernels_portable;
const sp_kernels *sp_kernels_best(void);
/* Set i of those that this processor can run, the portable one first; NULL: there are no more. */
const sp_kernels *sp_kernels_set(unsigned i);

/* Doubles that are powers of ten, exactly; and the reciprocals nearest to them. */
enum { SP_DECIMAL_EXPONENT_MAX = 18 };
extern const double sp_ten_to[SP_DECIMAL_EXPONENT_MAX + 1];
#define SP_DECIMAL_LIMIT (INT64_C(1) << 51)

#endif
