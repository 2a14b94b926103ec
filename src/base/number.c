/* number.c - numbers and identifiers to text and back, at a few nanoseconds a value.
 *
 * Writers store whole words and return where the text ends; the bytes behind it are theirs to spoil (SP_SLACK). No
 * locale, no allocation, no state. Digits come from SWAR division (all digits of a word at once), shortest floating point
 * from Schubfach. */
#include "base/base.h"
#include "base/digits.h"

#include <stdlib.h>
#include "pow10_tables.h"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#define HAVE_X86 1
#endif

const uint64_t sp_pow10[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* ---- words of digits ------------------------------------------------------------------------ */

void sp_eight_digits_many_scalar(const uint32_t *v, uint32_t n, uint64_t *digits)
{
    for (uint32_t i = 0; i < n; i++)
        digits[i] = sp_eight_digits(v[i]);
}

#ifdef HAVE_X86
/* The same divisions for four numbers at once, by the upper halves of products. */
__attribute__((target("avx2"))) static void eight_digits_many_avx2(const uint32_t *v, uint32_t n, uint64_t *digits)
{
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i x = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(v + i)));
        __m256i q = _mm256_srli_epi64(_mm256_mul_epu32(x, _mm256_set1_epi64x(3518437209)), 45);
        x = _mm256_or_si256(q,
                            _mm256_slli_epi64(_mm256_sub_epi64(x, _mm256_mul_epu32(q, _mm256_set1_epi64x(10000))), 32));
        q = _mm256_srli_epi16(_mm256_mulhi_epu16(x, _mm256_set1_epi16(5243)), 3);
        x = _mm256_or_si256(q,
                            _mm256_slli_epi32(_mm256_sub_epi16(x, _mm256_mullo_epi16(q, _mm256_set1_epi16(100))), 16));
        q = _mm256_mulhi_epu16(x, _mm256_set1_epi16(6554));
        x = _mm256_or_si256(q, _mm256_slli_epi16(_mm256_sub_epi16(x, _mm256_mullo_epi16(q, _mm256_set1_epi16(10))), 8));
        _mm256_storeu_si256((__m256i *)(digits + i), x);
    }
    sp_eight_digits_many_scalar(v + i, n - i, digits + i);
}
#endif

void sp_eight_digits_many(const uint32_t *v, uint32_t n, uint64_t *digits)
{
#ifdef HAVE_X86
    if (SP_LIKELY(__builtin_cpu_supports("avx2"))) {
        eight_digits_many_avx2(v, n, digits);
        return;
    }
#endif
    sp_eight_digits_many_scalar(v, n, digits);
}

/* Eight digits without leading zeros. */
static inline char *put_digits(char *p, uint64_t digits)
{
    unsigned zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) >> 3;
    sp_store_chars(p, (digits + SP_ASCII_ZEROS) >> (8 * zeros));
    return p + 8 - zeros;
}

/* v < 10^8 without leading zeros. */
static inline char *put_short(char *p, uint32_t v)
{
    return put_digits(p, sp_eight_digits(v));
}

char *sp_put_u64(char *p, uint64_t v)
{
    if (SP_LIKELY(v < 100000000))
        return put_short(p, (uint32_t)v);
    uint64_t high = v / 100000000;
    uint32_t low = (uint32_t)(v % 100000000);
    if (SP_LIKELY(high < 100000000))
        return sp_put_eight(put_short(p, (uint32_t)high), low);
    p = put_short(p, (uint32_t)(high / 100000000));
    return sp_put_eight(sp_put_eight(p, (uint32_t)(high % 100000000)), low);
}

char *sp_put_i64(char *p, int64_t v)
{
    *p = '-';
    p += v < 0;
    return sp_put_u64(p, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* Eight digits with a point in front of the last 1..7. One word of digits is stored twice, around
 * the point. */
static inline char *put_decimal_digits(char *p, uint64_t digits, unsigned scale)
{
    unsigned fixed = 8 * (7 - scale); /* bits before the digit in front of the point, which is always written */
    unsigned zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << fixed) >> 3;
    digits += SP_ASCII_ZEROS;
    sp_store_chars(p, digits >> (8 * zeros));
    p += 8 - scale - zeros;
    *p = '.';
    sp_store_chars(p + 1, digits >> (8 * (8 - scale)));
    return p + 1 + scale;
}

char *sp_put_decimal(char *p, int64_t v, unsigned scale)
{
    if (scale == 0)
        return sp_put_i64(p, v);
    uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
    *p = '-';
    p += v < 0;
    if (SP_LIKELY(u < 100000000 && scale < 8))
        return put_decimal_digits(p, sp_eight_digits((uint32_t)u), scale);
    uint64_t unit = sp_pow10[scale], whole = u / unit;
    p = sp_put_u64(p, whole);
    *p++ = '.';
    return sp_put_padded(p, u - whole * unit, scale);
}

/* ---- floating point ---------------------------------------------------------------------------
 * Raffaello Giulietti, "The Schubfach way to render doubles" (2020), in the shape Alexander Bolz gave it (Drachennest).
 * Names follow the paper: the value is c * 2^q, the rounding interval is scaled to [vbl, vbr] around vb, all times 4,
 * and the candidates are the multiples of 10^(k+1) and 10^k next to it. */

typedef struct decimal {
    uint64_t digits;
    int exponent; /* value = digits * 10^exponent; digits may end in zeros */
} decimal;

static inline int floor_log2_pow10(int e)
{
    return e * 1741647 >> 19;
}

/* The interval around c * 2^q in units of 10^k / 4, inclusive. */
typedef struct interval {
    uint64_t lower, middle, upper;
} interval;

static inline decimal shortest_within(interval v, int k)
{
    uint64_t s = v.middle / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool down = v.lower <= 40 * tens, up = 40 * tens + 40 <= v.upper;
        if (down != up)
            return (decimal){tens + up, k + 1};
    }
    bool down = v.lower <= 4 * s, up = 4 * s + 4 <= v.upper;
    if (down == up) { /* both or neither: the nearer one, ties to even */
        uint64_t half = 4 * s + 2;
        up = v.middle > half || (v.middle == half && (s & 1));
    }
    return (decimal){s + up, k};
}

/* floor(g * c / 2^128) with the lowest bit set when anything was cut off. */
static inline uint64_t round_to_odd_128(unsigned k_index, uint64_t c)
{
    uint64_t lo_hi = sp_mulhi(pow10_table[k_index].lo, c);
    uint64_t lo = pow10_table[k_index].hi * c, hi = sp_mulhi(pow10_table[k_index].hi, c);
    lo += lo_hi;
    hi += lo < lo_hi;
    return hi | (lo > 1);
}

static inline uint32_t round_to_odd_64(uint64_t g, uint32_t c)
{
    uint64_t hi = sp_mulhi(g, (uint64_t)c << 32); /* = floor(g * c / 2^32) */
    return (uint32_t)(hi >> 32) | ((uint32_t)hi > 1);
}

static inline int floor_log10_interval(int q, bool narrow_below)
{
    return (q * 1262611 - (narrow_below ? 524031 : 0)) >> 22;
}

static decimal shortest_f64(uint64_t fraction, unsigned exponent)
{
    uint64_t c = exponent ? fraction | UINT64_C(1) << 52 : fraction;
    int q = (exponent ? (int)exponent : 1) - 1075;
    if (q <= 0 && q > -53 && (c & ((UINT64_C(1) << -q) - 1)) == 0 && exponent)
        return (decimal){c >> -q, 0}; /* an integer below 2^53 */

    /* Below a power of two the neighbours are twice as close. */
    bool narrow_below = fraction == 0 && exponent > 1, odd = c & 1;
    int k = floor_log10_interval(q, narrow_below);
    int h = q + floor_log2_pow10(-k) + 1;
    unsigned g = (unsigned)(-k - POW10_MIN);
    return shortest_within((interval){round_to_odd_128(g, (4 * c - 2 + narrow_below) << h) + odd,
                                      round_to_odd_128(g, 4 * c << h), round_to_odd_128(g, (4 * c + 2) << h) - odd},
                           k);
}

static decimal shortest_f32(uint32_t fraction, unsigned exponent)
{
    uint32_t c = exponent ? fraction | UINT32_C(1) << 23 : fraction;
    int q = (exponent ? (int)exponent : 1) - 150;
    if (q <= 0 && q > -24 && (c & ((UINT32_C(1) << -q) - 1)) == 0 && exponent)
        return (decimal){c >> -q, 0};

    bool narrow_below = fraction == 0 && exponent > 1, odd = c & 1;
    int k = floor_log10_interval(q, narrow_below);
    int h = q + floor_log2_pow10(-k) + 1;
    /* Giulietti's 64-bit g(k) for floats is the upper half of the 128-bit one, rounded up. */
    unsigned i = (unsigned)(-k - POW10_MIN);
    uint64_t g = pow10_table[i].hi + (pow10_table[i].lo != 0);
    return shortest_within((interval){round_to_odd_64(g, (4 * c - 2 + narrow_below) << h) + odd,
                                      round_to_odd_64(g, 4 * c << h), round_to_odd_64(g, (4 * c + 2) << h) - odd},
                           k);
}

static inline unsigned count_digits(uint64_t v)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(v | 1);
    unsigned n = bits * 1233 >> 12; /* log10(2) = 1233 / 4096, rounded up */
    return n + (v >= sp_pow10[n]);
}

static inline decimal without_trailing_zeros(decimal d)
{
    while (d.digits % 10000 == 0)
        d = (decimal){d.digits / 10000, d.exponent + 4};
    while (d.digits % 10 == 0)
        d = (decimal){d.digits / 10, d.exponent + 1};
    return d;
}

/* d.ddde+xx, at least two digits of exponent, as C and PostgreSQL write it. */
static char *put_scientific(char *p, decimal d, unsigned n)
{
    int exponent = d.exponent + (int)n - 1;
    char *end = sp_put_padded(p + 1, d.digits, n);
    p[0] = p[1];
    p[1] = '.';
    p = n > 1 ? end : p + 1;
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    unsigned e = exponent < 0 ? (unsigned)-exponent : (unsigned)exponent;
    return sp_put_padded(p, e, e < 100 ? 2 : 3);
}

static char *put_finite(char *p, decimal d)
{
    if (d.exponent == 0 && d.digits < UINT64_C(1) << 53)
        return sp_put_u64(p, d.digits);
    d = without_trailing_zeros(d);
    unsigned n = count_digits(d.digits);
    int point = d.exponent + (int)n; /* digits in front of the point */
    if (point < -3 || point > 21)
        return put_scientific(p, d, n);
    if (d.exponent >= 0) {
        p = sp_put_padded(p, d.digits, n);
        memset(p, '0', (size_t)d.exponent);
        return p + d.exponent;
    }
    if (point > 0) {
        uint64_t unit = sp_pow10[-d.exponent], whole = d.digits / unit;
        p = sp_put_u64(p, whole);
        *p++ = '.';
        return sp_put_padded(p, d.digits - whole * unit, (unsigned)-d.exponent);
    }
    memcpy(p, "0.000", 5);
    return sp_put_padded(p + 2 - point, d.digits, n);
}

static char *put_word(char *p, const char *word)
{
    size_t len = strlen(word);
    memcpy(p, word, len);
    return p + len;
}

static char *put_not_finite(char *p, bool nan, bool negative)
{
    return put_word(p, nan ? "NaN" : negative ? "-Infinity" : "Infinity");
}

char *sp_put_f64(char *p, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    unsigned exponent = bits >> 52 & 0x7ff;
    bool negative = bits >> 63;
    if (SP_UNLIKELY(exponent == 0x7ff))
        return put_not_finite(p, fraction != 0, negative);
    *p = '-';
    p += negative;
    if (SP_UNLIKELY(bits << 1 == 0))
        return put_word(p, "0");
    return put_finite(p, shortest_f64(fraction, exponent));
}

char *sp_put_f32(char *p, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    uint32_t fraction = bits & ((UINT32_C(1) << 23) - 1);
    unsigned exponent = bits >> 23 & 0xff;
    bool negative = bits >> 31;
    if (SP_UNLIKELY(exponent == 0xff))
        return put_not_finite(p, fraction != 0, negative);
    *p = '-';
    p += negative;
    if (SP_UNLIKELY(bits << 1 == 0))
        return put_word(p, "0");
    return put_finite(p, shortest_f32(fraction, exponent));
}

/* ---- hexadecimal ---------------------------------------------------------------------------- */

static const char hex_digits[] = "0123456789abcdef";

char *sp_put_hex(char *p, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *p++ = hex_digits[bytes[i] >> 4];
        *p++ = hex_digits[bytes[i] & 15];
    }
    return p;
}

char *sp_put_uuid_scalar(char *p, const uint8_t bytes[16])
{
    static const uint8_t group_ends[5] = {4, 6, 8, 10, 16};
    for (unsigned i = 0, group = 0; group < 5; group++) {
        p = sp_put_hex(p, bytes + i, group_ends[group] - i);
        i = group_ends[group];
        if (group < 4)
            *p++ = '-';
    }
    return p;
}

#ifdef HAVE_X86
/* Sixteen nibbles become characters by one shuffle of the digits; the middle sixteen bytes of the
 * text, with all four dashes, are gathered from both halves. */
__attribute__((target("ssse3"))) static inline char *put_uuid_ssse3(char *p, const uint8_t bytes[16])
{
    const __m128i digits = _mm_loadu_si128((const __m128i *)hex_digits);
    const __m128i nibble = _mm_set1_epi8(15);
    const __m128i from_first = _mm_setr_epi8(-1, 8, 9, 10, 11, -1, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1);
    const __m128i from_second = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, -1);
    const __m128i dashes = _mm_setr_epi8('-', 0, 0, 0, 0, '-', 0, 0, 0, 0, '-', 0, 0, 0, 0, '-');

    __m128i x = _mm_loadu_si128((const __m128i *)bytes);
    __m128i high = _mm_and_si128(_mm_srli_epi16(x, 4), nibble), low = _mm_and_si128(x, nibble);
    __m128i first = _mm_shuffle_epi8(digits, _mm_unpacklo_epi8(high, low));
    __m128i second = _mm_shuffle_epi8(digits, _mm_unpackhi_epi8(high, low));
    __m128i middle = _mm_or_si128(_mm_shuffle_epi8(first, from_first), _mm_shuffle_epi8(second, from_second));
    _mm_storeu_si128((__m128i *)p, first);
    _mm_storeu_si128((__m128i *)(p + 8), _mm_or_si128(middle, dashes));
    _mm_storeu_si128((__m128i *)(p + 24), _mm_srli_si128(second, 4));
    return p + SP_UUID_TEXT;
}

/* Two at a time, each in its half of the registers. */
__attribute__((target("avx2"))) static char *put_uuids_avx2(char *p, const uint8_t *bytes, uint32_t n)
{
#define BOTH(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))
    const __m256i digits = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)hex_digits));
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i from_head = BOTH(0, 1, 2, 3, 4, 5, 6, 7, -1, 8, 9, 10, 11, -1, 12, 13);
    const __m256i head_dashes = BOTH(0, 0, 0, 0, 0, 0, 0, 0, '-', 0, 0, 0, 0, '-', 0, 0);
    const __m256i from_middle = BOTH(0, 1, -1, 2, 3, 4, 5, -1, 6, 7, 8, 9, 10, 11, 12, 13);
    const __m256i middle_dashes = BOTH(0, 0, '-', 0, 0, 0, 0, '-', 0, 0, 0, 0, 0, 0, 0, 0);
#undef BOTH
    for (; n >= 2; n -= 2, bytes += 32, p += 2 * SP_UUID_TEXT) {
        __m256i x = _mm256_loadu_si256((const __m256i *)bytes);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble), low = _mm256_and_si256(x, nibble);
        __m256i first = _mm256_shuffle_epi8(digits, _mm256_unpacklo_epi8(high, low));
        __m256i second = _mm256_shuffle_epi8(digits, _mm256_unpackhi_epi8(high, low));
        __m256i head = _mm256_or_si256(_mm256_shuffle_epi8(first, from_head), head_dashes);
        __m256i middle = _mm256_shuffle_epi8(_mm256_alignr_epi8(second, first, 14), from_middle);
        middle = _mm256_or_si256(middle, middle_dashes);
        _mm_storeu_si128((__m128i *)(p + 20), _mm256_castsi256_si128(second));
        _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(head));
        _mm_storeu_si128((__m128i *)(p + 16), _mm256_castsi256_si128(middle));
        _mm_storeu_si128((__m128i *)(p + SP_UUID_TEXT + 20), _mm256_extracti128_si256(second, 1));
        _mm_storeu_si128((__m128i *)(p + SP_UUID_TEXT), _mm256_extracti128_si256(head, 1));
        _mm_storeu_si128((__m128i *)(p + SP_UUID_TEXT + 16), _mm256_extracti128_si256(middle, 1));
    }
    return n ? put_uuid_ssse3(p, bytes) : p;
}
#endif

static char *put_uuids(char *p, const uint8_t *bytes, uint32_t n)
{
#ifdef HAVE_X86
    if (SP_LIKELY(__builtin_cpu_supports("avx2")))
        return put_uuids_avx2(p, bytes, n);
#endif
    for (uint32_t i = 0; i < n; i++)
        p = sp_put_uuid(p, bytes + (size_t)i * 16);
    return p;
}

char *sp_put_uuid(char *p, const uint8_t bytes[16])
{
#ifdef HAVE_X86
    if (SP_LIKELY(__builtin_cpu_supports("ssse3")))
        return put_uuid_ssse3(p, bytes);
#endif
    return sp_put_uuid_scalar(p, bytes);
}

/* ---- whole columns -------------------------------------------------------------------------- */

#define PUT_MANY(name, type, put_v) \
    char *name(char *p, const void *values, uint32_t n, unsigned scale, int32_t *ends) \
    { \
        (void)scale; \
        const type *value = values; \
        char *start = p; \
        for (uint32_t i = 0; i < n; i++) { \
            type v = value[i]; \
            p = put_v; \
            ends[i] = (int32_t)(p - start); \
        } \
        return p; \
    }

/* Whole numbers, whose digits are made a block at a time where all of the block are below 10^8. */
enum { DIGITS_BLOCK = 64 };

#define PUT_MANY_DIGITS(name, type, put_v, put_d) \
    char *name(char *p, const void *values, uint32_t n, unsigned scale, int32_t *ends) \
    { \
        (void)scale; \
        const type *value = values; \
        char *start = p; \
        for (uint32_t done = 0, some; done < n; done += some, value += some, ends += some) { \
            uint32_t u[DIGITS_BLOCK]; \
            uint64_t digits[DIGITS_BLOCK], large = 0; \
            some = SP_MIN(n - done, (uint32_t)DIGITS_BLOCK); \
            for (uint32_t i = 0; i < some; i++) { \
                uint64_t v = value[i] < 0 ? -(uint64_t)value[i] : (uint64_t)value[i]; \
                u[i] = (uint32_t)v; \
                large |= v >= 100000000; \
            } \
            if (!large) \
                sp_eight_digits_many(u, some, digits); \
            for (uint32_t i = 0; i < some; i++) { \
                type v = value[i]; \
                if (SP_UNLIKELY(large)) { \
                    p = put_v; \
                } else { \
                    uint64_t d = digits[i]; \
                    *p = '-'; \
                    p += v < 0; \
                    p = put_d; \
                } \
                ends[i] = (int32_t)(p - start); \
            } \
        } \
        return p; \
    }
PUT_MANY(sp_put_i16_many, int16_t, sp_put_i64(p, v))
PUT_MANY(sp_put_u64_many, uint64_t, sp_put_u64(p, v))
PUT_MANY_DIGITS(sp_put_i32_many, int32_t, sp_put_i64(p, v), put_digits(p, d))
PUT_MANY_DIGITS(sp_put_i64_many, int64_t, sp_put_i64(p, v), put_digits(p, d))
static PUT_MANY(put_long_decimal_many, int64_t,
                sp_put_decimal(p, v, scale)) static PUT_MANY_DIGITS(put_short_decimal_many, int64_t,
                                                                    sp_put_decimal(p, v, scale),
                                                                    put_decimal_digits(p, d, scale))

    char *sp_put_decimal_many(char *p, const void *values, uint32_t n, unsigned scale, int32_t *ends)
{
    return (scale > 0 && scale < 8 ? put_short_decimal_many : put_long_decimal_many)(p, values, n, scale, ends);
}
#undef PUT_MANY
#undef PUT_MANY_DIGITS

char *sp_put_uuid_many(char *p, const void *values, uint32_t n, unsigned scale, int32_t *ends)
{
    (void)scale;
    for (uint32_t i = 0; i < n; i++)
        ends[i] = (int32_t)((i + 1) * SP_UUID_TEXT);
    return put_uuids(p, values, n);
}

/* ---- reading -------------------------------------------------------------------------------- */

static inline bool is_digit(char c)
{
    return (unsigned)(c - '0') < 10;
}

bool sp_parse_u64(sp_str s, uint64_t *v)
{
    if (s.len > 0 && s.p[0] == '+')
        s = (sp_str){s.p + 1, s.len - 1};
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.p[i]) || __builtin_mul_overflow(n, (uint64_t)10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(s.p[i] - '0'), &n))
            return false;
    }
    if (s.len == 0)
        return false;
    *v = n;
    return true;
}

/* A sign in front is taken off; then a second sign is no number. */
static bool take_sign(sp_str *s, bool *negative)
{
    *negative = s->len > 0 && s->p[0] == '-';
    if (s->len > 0 && (s->p[0] == '-' || s->p[0] == '+'))
        *s = (sp_str){s->p + 1, s->len - 1};
    return s->len > 0 && s->p[0] != '-' && s->p[0] != '+';
}

static bool with_sign(uint64_t magnitude, bool negative, int64_t *v)
{
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *v = (int64_t)(negative ? -magnitude : magnitude);
    return true;
}

bool sp_parse_i64(sp_str s, int64_t *v)
{
    bool negative;
    uint64_t magnitude;
    return take_sign(&s, &negative) && sp_parse_u64(s, &magnitude) && with_sign(magnitude, negative, v);
}

bool sp_parse_decimal(sp_str s, unsigned scale, int64_t *v)
{
    bool negative, point = false, any = false;
    if (!take_sign(&s, &negative))
        return false;
    uint64_t n = 0;
    unsigned behind = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(s.p[i]))
            return false;
        any = true;
        unsigned digit = (unsigned)(s.p[i] - '0');
        if (point && behind == scale) {
            if (digit)
                return false;
            continue;
        }
        behind += point;
        if (__builtin_mul_overflow(n, (uint64_t)10, &n) || __builtin_add_overflow(n, (uint64_t)digit, &n))
            return false;
    }
    for (; any && n && behind < scale; behind++) {
        if (__builtin_mul_overflow(n, (uint64_t)10, &n))
            return false;
    }
    return any && with_sign(n, negative, v);
}

static bool parse_not_finite(sp_str s, double *v)
{
    bool negative = s.len > 0 && s.p[0] == '-';
    sp_str word = s;
    if (s.len > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        word = (sp_str){s.p + 1, s.len - 1};
    if (sp_str_ieq(word, "infinity") || sp_str_ieq(word, "inf")) {
        *v = negative ? -__builtin_inf() : __builtin_inf();
        return true;
    }
    if (sp_str_ieq(s, "nan")) {
        *v = __builtin_nan("");
        return true;
    }
    return false;
}

/* [sign] digits [. digits] [e [sign] digits] with a digit on one side of the point: strtod takes more than that. */
static bool looks_like_f64(sp_str s)
{
    size_t i = 0, digits = 0;
    i += i < s.len && (s.p[i] == '-' || s.p[i] == '+');
    for (; i < s.len && is_digit(s.p[i]); i++)
        digits++;
    i += i < s.len && s.p[i] == '.';
    for (; i < s.len && is_digit(s.p[i]); i++)
        digits++;
    if (digits == 0 || i == s.len)
        return digits > 0;
    if (s.p[i] != 'e' && s.p[i] != 'E')
        return false;
    i++;
    i += i < s.len && (s.p[i] == '-' || s.p[i] == '+');
    size_t exponent = i;
    while (i < s.len && is_digit(s.p[i]))
        i++;
    return i == s.len && i > exponent;
}

bool sp_parse_f64(sp_str s, double *v)
{
    /* The longest exact decimal text of a double has some 1080 characters; what is longer is not a number we wrote.
     * strtod rounds correctly, and the locale is "C" because nothing here calls setlocale. */
    char text[1100];
    if (s.len >= sizeof text || !looks_like_f64(s))
        return parse_not_finite(s, v);
    memcpy(text, s.p, s.len);
    text[s.len] = 0;
    double n = strtod(text, NULL);
    if (__builtin_isinf(n))
        return false; /* too large for a double */
    *v = n;
    return true;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sp_parse_hex(sp_str s, uint8_t *bytes, size_t *len)
{
    if (s.len % 2)
        return false;
    for (size_t i = 0; i < s.len; i += 2) {
        int high = hex_value(s.p[i]), low = hex_value(s.p[i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    *len = s.len / 2;
    return true;
}

bool sp_parse_uuid(sp_str s, uint8_t bytes[16])
{
    char hex[32];
    uint8_t parsed[16];
    size_t n = 0, len;
    if (s.len != SP_UUID_TEXT && s.len != 32)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool dash_here = s.len == SP_UUID_TEXT && (i == 8 || i == 13 || i == 18 || i == 23);
        if ((s.p[i] == '-') != dash_here)
            return false;
        if (!dash_here)
            hex[n++] = s.p[i];
    }
    if (!sp_parse_hex((sp_str){hex, n}, parsed, &len))
        return false;
    memcpy(bytes, parsed, 16);
    return true;
}

bool sp_parse_bool(sp_str s, bool *v)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"t", true},  {"f", false},
                 {"yes", true},  {"no", false},    {"on", true}, {"off", false}};
    for (size_t i = 0; i < SP_COUNT(words); i++) {
        if (sp_str_ieq(s, words[i].word)) {
            *v = words[i].value;
            return true;
        }
    }
    return false;
}
