/* pghash.c - see pghash.h. */
#include "lab/pghash.h"

static const uint64_t PARTITION_SEED = UINT64_C(0x7a5b22367996dcfd);
enum { POSTGRES_EPOCH_DAYS = 10957 }; /* 2000-01-01, from 1970-01-01 */
static const int64_t DAY_US = INT64_C(86400) * 1000000;

/* ---- lookup3, 64 bits wide, with a seed ---- */

typedef struct state {
    uint32_t a, b, c;
} state;

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static void mix(state *s)
{
    s->a -= s->c, s->a ^= rotate(s->c, 4), s->c += s->b;
    s->b -= s->a, s->b ^= rotate(s->a, 6), s->a += s->c;
    s->c -= s->b, s->c ^= rotate(s->b, 8), s->b += s->a;
    s->a -= s->c, s->a ^= rotate(s->c, 16), s->c += s->b;
    s->b -= s->a, s->b ^= rotate(s->a, 19), s->a += s->c;
    s->c -= s->b, s->c ^= rotate(s->b, 4), s->b += s->a;
}

static uint64_t finish(state *s)
{
    s->c ^= s->b, s->c -= rotate(s->b, 14);
    s->a ^= s->c, s->a -= rotate(s->c, 11);
    s->b ^= s->a, s->b -= rotate(s->a, 25);
    s->c ^= s->b, s->c -= rotate(s->b, 16);
    s->a ^= s->c, s->a -= rotate(s->c, 4);
    s->b ^= s->a, s->b -= rotate(s->a, 14);
    s->c ^= s->b, s->c -= rotate(s->b, 24);
    return (uint64_t)s->b << 32 | s->c;
}

static state start(size_t len)
{
    uint32_t n = 0x9e3779b9 + (uint32_t)len + 3923095;
    state s = {n, n, n};
    s.a += (uint32_t)(PARTITION_SEED >> 32);
    s.b += (uint32_t)PARTITION_SEED;
    mix(&s);
    return s;
}

/* The last bytes, fewer than twelve, as little-endian words of zeroes. The lowest byte of c stays free for the length, so the ninth
 * byte goes into its second one. */
static void add_tail(state *s, const uint8_t *p, size_t len)
{
    uint32_t words[3] = {0, 0, 0};
    for (size_t i = 0; i < len; i++) {
        size_t at = i < 8 ? i : i + 1;
        words[at / 4] |= (uint32_t)p[i] << (8 * (at % 4));
    }
    s->a += words[0];
    s->b += words[1];
    s->c += words[2];
}

uint64_t sp_pghash_bytes(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    state s = start(len);
    for (; len >= 12; p += 12, len -= 12) {
        uint32_t w[3];
        memcpy(w, p, 12);
        s.a += w[0], s.b += w[1], s.c += w[2];
        mix(&s);
    }
    add_tail(&s, p, len);
    return finish(&s);
}

static uint64_t hash_word(uint32_t v)
{
    state s = start(4);
    s.a += v;
    return finish(&s);
}

uint64_t sp_pghash_int4(int32_t v)
{
    return hash_word((uint32_t)v);
}

/* Folded so that an int8 hashes like the int4 of the same value. */
uint64_t sp_pghash_int8(int64_t v)
{
    uint32_t low = (uint32_t)v, high = (uint32_t)((uint64_t)v >> 32);
    return hash_word(low ^ (v >= 0 ? high : ~high));
}

/* ---- the forms of other types ---- */

static uint64_t hash_double(double v)
{
    if (v == 0) /* both zeroes */
        return PARTITION_SEED;
    if (v != v)
        v = __builtin_nan("");
    return sp_pghash_bytes(&v, sizeof(v));
}

/* The microseconds of an interval, months counted as 30 days; it wraps like the server's. */
static uint64_t hash_interval(sp_interval v)
{
    uint64_t days = (uint64_t)v.months * 30 + (uint64_t)v.days;
    return sp_pghash_int8((int64_t)((uint64_t)v.us + days * (uint64_t)DAY_US));
}

/* A numeric is hashed by its base-10000 digits without zeroes at either end, and by the place of the first one, so that 1.50 and
 * 1.5 are equal. value = unscaled / 10^scale. */
static uint64_t hash_numeric(int64_t unscaled, unsigned scale)
{
    int16_t digits[8], *first = digits + 8;
    uint64_t left = unscaled < 0 ? -(uint64_t)unscaled : (uint64_t)unscaled;
    if (left == 0)
        return PARTITION_SEED - 1;
    static const uint64_t pow10[] = {1, 10, 100, 1000};
    unsigned pad = (4 - scale % 4) % 4; /* zeroes that fill the last digit up */
    int weight = -(int)((scale + 3) / 4);
    unsigned __int128 whole = (unsigned __int128)left * pow10[pad];
    for (; whole; whole /= 10000, weight++)
        *--first = (int16_t)(whole % 10000);
    size_t n = (size_t)(digits + 8 - first);
    while (first[n - 1] == 0)
        n--;
    return sp_pghash_bytes(first, n * sizeof(*first)) ^ (uint64_t)(int64_t)(weight - 1);
}

/* ---- columns ---- */

bool sp_pghash_knows(sp_type type)
{
    return type.kind != SP_LIST && type.kind != SP_JSON && type.kind != SP_U64;
}

/* The loop is written out for each kind, so that none asks for its kind a row. */
#define EACH(hash_of_row) \
    for (uint32_t row = 0; row < rows; row++) \
        if (!sp_column_null(column, row)) \
    hashes[row] = sp_pghash_combine(hashes[row], hash_of_row)

void sp_pghash_column(const sp_column *column, uint32_t rows, uint64_t *hashes)
{
    const void *data = column->data;
    switch (column->type.kind) {
    case SP_BOOL: EACH(hash_word(sp_bit(data, row))); break;
    case SP_I16: EACH(sp_pghash_int4(((const int16_t *)data)[row])); break;
    case SP_I32: EACH(sp_pghash_int4(((const int32_t *)data)[row])); break;
    case SP_I64: EACH(sp_pghash_int8(((const int64_t *)data)[row])); break;
    case SP_F32: EACH(hash_double((double)((const float *)data)[row])); break;
    case SP_F64: EACH(hash_double(((const double *)data)[row])); break;
    case SP_DECIMAL: EACH(hash_numeric(((const int64_t *)data)[row], column->type.scale)); break;
    case SP_DATE: EACH(sp_pghash_int4(((const int32_t *)data)[row] - POSTGRES_EPOCH_DAYS)); break;
    case SP_TIME: EACH(sp_pghash_int8(((const int64_t *)data)[row])); break;
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: EACH(sp_pghash_int8(((const int64_t *)data)[row] - POSTGRES_EPOCH_DAYS * DAY_US)); break;
    case SP_INTERVAL: EACH(hash_interval(((const sp_interval *)data)[row])); break;
    case SP_UUID: EACH(sp_pghash_bytes((const uint8_t *)data + 16 * (size_t)row, 16)); break;
    case SP_TEXT:
    case SP_BYTES: EACH(sp_pghash_bytes(sp_column_str(column, row).p, sp_column_str(column, row).len)); break;
    default: SP_ASSERT(sp_pghash_knows(column->type));
    }
}
