/* digits.h - digits of numbers, whole words of them at a time and without branches on the value. For base and gen. */
#ifndef SP_DIGITS_H
#define SP_DIGITS_H

#include "base/base.h"

/* Text is built in registers with the first character in the lowest byte, whatever the machine. */
static inline void sp_store_chars(char *p, uint64_t w)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    memcpy(p, &w, 8);
}

/* The eight digits of v < 10^8, first digit lowest, as numbers 0..9: three divisions for all digits together, by 10^4,
 * 100 and 10, each in more and narrower lanes of the word. The multipliers are exact for their lanes' ranges. */
static inline uint64_t sp_eight_digits(uint32_t v)
{
    uint64_t x = v / 10000 | (uint64_t)(v % 10000) << 32;
    uint64_t q = (x * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    x = q | (x - q * 100) << 16;
    q = (x * 103 >> 10) & UINT64_C(0x000f000f000f000f);
    return q | (x - q * 10) << 8;
}

#define SP_ASCII_ZEROS UINT64_C(0x3030303030303030)

/* v < 10^8 in exactly eight digits. */
static inline char *sp_put_eight(char *p, uint32_t v)
{
    sp_store_chars(p, sp_eight_digits(v) + SP_ASCII_ZEROS);
    return p + 8;
}

/* v < 10^digits in exactly digits digits, 1 to 19; may spoil eight bytes more. */
static inline char *sp_put_padded(char *p, uint64_t v, uint32_t digits)
{
    uint32_t first = (digits - 1) % 8 + 1; /* then whole words */
    for (; digits > 8; digits -= first, first = 8) {
        uint64_t unit = sp_pow10[digits - first];
        sp_store_chars(p, (sp_eight_digits((uint32_t)(v / unit)) + SP_ASCII_ZEROS) >> (64 - 8 * first));
        p += first;
        v %= unit;
    }
    sp_store_chars(p, (sp_eight_digits((uint32_t)v) + SP_ASCII_ZEROS) >> (64 - 8 * digits));
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
