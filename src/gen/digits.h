/* digits.h - private to gen: digits of a known or a small number, whole words at a time and without branches on the value. */
#ifndef SP_GEN_DIGITS_H
#define SP_GEN_DIGITS_H

#include "base/base.h"

/* Stores the low byte of x first, whatever the machine. */
static inline void sp_store_chars(char *p, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    memcpy(p, &x, 8);
}

/* v < 10^8 as eight characters, the first in the low byte: halves, then quarters, then digits, all of a level at once. */
static inline uint64_t sp_eight_digits(uint32_t v)
{
    uint64_t x = v / 10000 | (uint64_t)(v % 10000) << 32;
    uint64_t high = (x * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    x = high | (x - 100 * high) << 16;
    high = (x * 103 >> 10) & UINT64_C(0x000f000f000f000f);
    x = high | (x - 10 * high) << 8;
    return x | UINT64_C(0x3030303030303030);
}

/* v < 10^digits in exactly digits digits, 1 to 19; may spoil eight bytes more. */
static inline char *sp_put_padded(char *p, uint64_t v, uint32_t digits)
{
    if (digits > 16) {
        sp_store_chars(p, sp_eight_digits((uint32_t)(v / sp_pow10[16])) >> (192 - 8 * digits));
        p += digits - 16;
        v %= sp_pow10[16];
        digits = 16;
    }
    if (digits > 8) {
        sp_store_chars(p, sp_eight_digits((uint32_t)(v / 100000000)) >> (128 - 8 * digits));
        p += digits - 8;
        v %= 100000000;
        digits = 8;
    }
    sp_store_chars(p, sp_eight_digits((uint32_t)v) >> (64 - 8 * digits));
    return p + digits;
}

/* v < 1000 in as many digits as it takes, and the character after behind it, which is not counted. */
static inline char *sp_put_below_1000(char *p, uint32_t v, char after)
{
    uint32_t zeros = (uint32_t)(v < 10) + (v < 100);
    uint32_t tens = v / 10, hundreds = v / 100;
    uint32_t x = hundreds | (tens - 10 * hundreds) << 8 | (v - 10 * tens) << 16;
    x = (x | 0x303030 | (uint32_t)(unsigned char)after << 24) >> 8 * zeros;
    sp_store_chars(p, x);
    return p + 3 - zeros;
}

#endif
