/* random.c - hashing names into keys, and permutations of the row number. */
#include "base/base.h"

#include <xxhash.h>

uint64_t sp_hash64(const void *p, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, len, seed);
}

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
