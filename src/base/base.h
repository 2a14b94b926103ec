/* base.h - what every room stands on: errors, memory, strings, hash, random, calendar, numbers to and from text.
 *
 * Pure: no system call, no clock, no locale, no global state. All functions may be called from any thread; objects
 * belong to one thread at a time. */
#ifndef SP_BASE_H
#define SP_BASE_H

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "spate/error.h"

#define SP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define SP_MUST_CHECK        __attribute__((warn_unused_result))
#define SP_LIKELY(x)         __builtin_expect(!!(x), 1)
#define SP_UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define SP_COUNT(a)          (sizeof(a) / sizeof((a)[0]))
#define SP_MIN(a, b)         ((a) < (b) ? (a) : (b))
#define SP_MAX(a, b)         ((a) > (b) ? (a) : (b))

/* Invariants that stay on in release builds. Never on input. */
#define SP_ASSERT(cond) ((cond) ? (void)0 : sp_assert_failed(#cond, __FILE__, __LINE__))
_Noreturn void sp_assert_failed(const char *cond, const char *file, int line);

/* ---- limits -------------------------------------------------------------------------------------------------- */

enum {
    SP_BATCH_ROWS_MAX = 2048, /* rows in a batch: DuckDB's vector size, and what keeps a batch in the L2 cache */
    SP_SLACK = 64,            /* bytes that may be written past the end of a text buffer (wide copies) */
    SP_COLUMNS_MAX = 4096,    /* columns in a table */
    SP_TABLES_MAX = 4096,     /* tables in a plan */
    SP_WORKERS_MAX = 256,
    SP_CELL_TEXT_MAX = 8 << 20,   /* bytes of text one generated cell can have */
    SP_PLAN_BYTES_MAX = 64 << 20, /* a plan file */
};

/* ---- errors (error.c) ---------------------------------------------------------------------------------------- */

/* Fills err (NULL allowed) and returns status. */
int sp_fail(spate_error *err, int status, const char *fmt, ...) SP_PRINTF(3, 4);
/* The same for a failed system call: keeps os_errno and appends its text. */
int sp_fail_errno(spate_error *err, int os_errno, const char *fmt, ...) SP_PRINTF(3, 4);
int sp_fail_nomem(spate_error *err);
/* Puts "phrase: " before the message: one phrase of context a layer. Returns err's status. */
int sp_fail_context(spate_error *err, int status, const char *fmt, ...) SP_PRINTF(3, 4);
void sp_error_hint(spate_error *err, const char *fmt, ...) SP_PRINTF(2, 3);
void sp_error_detail(spate_error *err, const char *fmt, ...) SP_PRINTF(2, 3);

/* ---- memory (memory.c) --------------------------------------------------------------------------------------- */

/* malloc and friends by way of one table, so that tests can make the n-th one fail. NULL when there is none. */
void *sp_alloc(size_t bytes);
void *sp_alloc_zero(size_t count, size_t bytes);
void *sp_realloc(void *old, size_t bytes);
/* Whole pages: what the system copies to and from comes twice as fast there. From 2 MiB on, where it can, pages of 2 MiB, which are
 * found faster when they are read here and there. */
void *sp_alloc_large(size_t bytes);
void sp_free(void *p);
/* Test hook: the n-th allocation from now on (1 = the next) fails once; 0 switches it off. */
void sp_alloc_fail_at(uint64_t nth);

/* Arena: allocations that die together. Zeroed memory, 16-byte aligned. */
typedef struct sp_arena {
    struct sp_arena_block *head;
    size_t used;
} sp_arena;
void sp_arena_init(sp_arena *a);
void sp_arena_done(sp_arena *a);
void *sp_arena_alloc(sp_arena *a, size_t count, size_t bytes); /* NULL: no memory */
char *sp_arena_strndup(sp_arena *a, const char *s, size_t len);
char *sp_arena_printf(sp_arena *a, const char *fmt, ...) SP_PRINTF(2, 3);

/* Growing bytes. data has SP_SLACK bytes of room behind cap, so wide copies may overrun. */
typedef struct sp_buf {
    char *data;
    size_t len, cap;
} sp_buf;
void sp_buf_init(sp_buf *b);
void sp_buf_done(sp_buf *b);
int sp_buf_reserve(sp_buf *b, size_t more) SP_MUST_CHECK; /* room for more bytes behind len: 0 or SPATE_E_NOMEM */
int sp_buf_add(sp_buf *b, const void *bytes, size_t len) SP_MUST_CHECK;
int sp_buf_adds(sp_buf *b, const char *s) SP_MUST_CHECK;
int sp_buf_printf(sp_buf *b, const char *fmt, ...) SP_PRINTF(2, 3) SP_MUST_CHECK;
int sp_buf_add_json(sp_buf *b, const char *s, size_t len) SP_MUST_CHECK; /* as a string of JSON, with its quotes */

/* ---- strings (text.c) ---------------------------------------------------------------------------------------- */

typedef struct sp_str {
    const char *p; /* not necessarily NUL-terminated */
    size_t len;
} sp_str;
static inline sp_str sp_str_of(const char *s)
{
    return (sp_str){s, strlen(s)};
}
static inline bool sp_str_is(sp_str s, const char *word)
{
    return s.len == strlen(word) && memcmp(s.p, word, s.len) == 0;
}
bool sp_str_eq(sp_str a, sp_str b);
bool sp_str_ieq(sp_str a, const char *word); /* ASCII case folded */
bool sp_str_among(sp_str s, const sp_str *list, size_t n);
bool sp_is_space(char c);                      /* a blank, a tab, the end of a line */
sp_str sp_str_trim(sp_str s);                  /* without those at its ends */
bool sp_utf8_valid(const char *p, size_t len); /* RFC 3629, no surrogates */
/* The nearest word within a third of its length of edits, or NULL: "did you mean". */
const char *sp_nearest(sp_str word, const char *const *words, size_t count);

/* ---- hash and random (random.c) ------------------------------------------------------------------------------ */

/* XXH3, 64 bits. The same on every machine. */
uint64_t sp_hash64(const void *p, size_t len, uint64_t seed);
/* The same of bytes that come in pieces, with seed 0. */
typedef struct sp_hasher {
    alignas(64) uint8_t state[576];
} sp_hasher;
void sp_hasher_init(sp_hasher *h);
void sp_hasher_add(sp_hasher *h, const void *p, size_t len);
uint64_t sp_hasher_end(const sp_hasher *h);

/* The finaliser of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014; constants by
 * Stafford, variant 13). A bijection on 64 bits, so distinct inputs give distinct outputs. */
static inline uint64_t sp_mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
#define SP_PHI UINT64_C(0x9e3779b97f4a7c15)

/* The draw of a cell: a pure function of the column's key and the row. For a fixed key it is a bijection of the row. */
static inline uint64_t sp_draw(uint64_t key, uint64_t row)
{
    return sp_mix64(key + row * SP_PHI);
}
/* out[i] = sp_bounded(sp_draw(key, rows[i]), n), by the widest registers there are; and the
 * portable form of it, for tests. */
void sp_draw_many(uint64_t key, const uint64_t *rows, uint32_t count, uint64_t n, uint64_t *out);
void sp_draw_many_scalar(uint64_t key, const uint64_t *rows, uint32_t count, uint64_t n, uint64_t *out);
/* A version 4 uuid (RFC 9562) of a draw, and of many; no two draws give equal uuids. */
void sp_uuid4(uint64_t draw, uint8_t bytes[16]);
void sp_uuid4_many(const uint64_t *draws, uint32_t n, uint8_t *bytes);
/* A further, independent draw from a draw. */
static inline uint64_t sp_draw_next(uint64_t z)
{
    return sp_mix64(z + UINT64_C(0xd1342543de82ef95));
}
static inline uint64_t sp_mulhi(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    return (uint64_t)(((unsigned __int128)a * b) >> 64);
#else
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
    uint64_t mid = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;
    return ah * bh + (lh >> 32) + (hl >> 32) + (mid >> 32);
#endif
}
/* z scaled to [0, n): Lemire's multiplication, without rejection (bias at most n / 2^64). n = 0 means all 2^64. */
static inline uint64_t sp_bounded(uint64_t z, uint64_t n)
{
    return n ? sp_mulhi(z, n) : z;
}
/* Takes a number in [0, n) out of *z and leaves the rest of its randomness in *z: a cheap chain of small draws. The
 * product of all n taken from one draw must stay far below 2^64. */
static inline uint64_t sp_take(uint64_t *z, uint64_t n)
{
    uint64_t hi = sp_mulhi(*z, n);
    *z *= n;
    return hi;
}
/* [0, 1) with 53 bits. */
static inline double sp_unit(uint64_t z)
{
    return (double)(z >> 11) * 0x1p-53;
}
/* floor(a * b / c) without overflow in between; c > 0 and the result must fit 64 bits. */
uint64_t sp_muldiv(uint64_t a, uint64_t b, uint64_t c);
/* A keyed permutation of [0, n), n >= 1: a Feistel network of four rounds over two digits, of which one counts to a power of two
 * and the other so far that hardly more than n pairs exist; what falls outside goes through again (Black and Rogaway, "Ciphers
 * with arbitrary finite domains", 2002). */
typedef struct sp_permutation {
    uint64_t n;
    uint64_t high_end; /* the high digit is below */
    unsigned low_bits;
    uint32_t keys[4];
} sp_permutation;
sp_permutation sp_permutation_of(uint64_t key, uint64_t n);
uint64_t sp_permutation_at(const sp_permutation *p, uint64_t x); /* x < n */
/* out[i] = the permutation of rows[i] % n, by the widest registers there are; and the portable form of it, for tests. */
void sp_permute_many(const sp_permutation *p, const uint64_t *rows, uint32_t count, uint64_t *out);
void sp_permute_many_scalar(const sp_permutation *p, const uint64_t *rows, uint32_t count, uint64_t *out);

/* ---- calendar (time.c): proleptic Gregorian, UTC, no leap seconds -------------------------------------------------- */

#define SP_US_PER_SECOND INT64_C(1000000)
#define SP_US_PER_DAY    INT64_C(86400000000)
/* Behind all days: PostgreSQL's and DuckDB's 'infinity'; its negative is '-infinity'. Written as these words. */
#define SP_DATE_INFINITY      INT32_MAX
#define SP_TIMESTAMP_INFINITY INT64_MAX
typedef struct sp_civil {
    int32_t year; /* astronomical: 0 is 1 BC */
    uint8_t month, day, hour, minute, second;
    int32_t microsecond;
} sp_civil;
int32_t sp_days_from_civil(int32_t year, unsigned month, unsigned day); /* days since 1970-01-01 */
void sp_civil_from_days(int32_t days, int32_t *year, unsigned *month, unsigned *day);
void sp_civil_from_us(int64_t us, sp_civil *c); /* microseconds since the epoch */
/* 2024-02-29, 2024-02-29T10:11:12.5Z, 2024-02-29 10:11:12+02:00, as YAML 1.2 and ISO 8601 write them; no zone means UTC.
 * False when it is none of these, or no such day. */
bool sp_parse_timestamp(sp_str s, int64_t *us);
bool sp_parse_date(sp_str s, int32_t *days);
bool sp_parse_time(sp_str s, int64_t *us); /* 10:11:12.25 since midnight */
bool sp_is_zoned_time(sp_str s);           /* the same with a zone behind it: 10:11:12+02:00 */
/* Go durations: 1h30m, 250ms, -1.5h; a plain integer is nanoseconds. */
bool sp_parse_duration_ns(sp_str s, int64_t *ns);

/* ---- Go's time layouts (layout.c): 2006-01-02 15:04:05 ------------------------------------------------------------- */

typedef struct sp_layout sp_layout;
const sp_layout *sp_layout_new(sp_arena *arena, sp_str layout); /* NULL: no memory */
uint32_t sp_layout_text_max(const sp_layout *l);
char *sp_layout_put(const sp_layout *l, int64_t us, char *p); /* in UTC */
/* Reads a text that is written so. Parts that the layout leaves out are those of 0000-01-01 00:00:00 UTC. */
bool sp_layout_parse(const sp_layout *l, sp_str s, int64_t *us);

/* ---- numbers and text (number.c; dates and times: moment.c) --------------------------------------------------------
 * sp_put_* write at p without a NUL, return the end, and may scribble up to SP_SLACK bytes past it. */

enum {
    SP_I64_TEXT_MAX = 20,
    SP_F64_TEXT_MAX = 25,
    SP_UUID_TEXT = 36,
    SP_DATE_TEXT_MAX = 16,
    SP_TIMESTAMP_TEXT_MAX = 40, /* 292278-01-10 04:00:54.775807+00 BC is 34 */
    SP_DECIMAL_TEXT_MAX = 24,
    SP_INTERVAL_TEXT_MAX = 80,
};
char *sp_put_u64(char *p, uint64_t v);
char *sp_put_i64(char *p, int64_t v);
/* v / 10^scale, always with scale digits behind the point. */
char *sp_put_decimal(char *p, int64_t v, unsigned scale);
/* Shortest text that reads back as the same number; 1e+21 and below 1e-4 with exponent; NaN, Infinity, -Infinity. */
char *sp_put_f64(char *p, double v);
char *sp_put_f32(char *p, float v);
char *sp_put_uuid(char *p, const uint8_t bytes[16]);         /* lower case, by the widest registers there are */
char *sp_put_uuid_scalar(char *p, const uint8_t bytes[16]);  /* the portable form of it, for tests */
char *sp_put_hex(char *p, const uint8_t *bytes, size_t len); /* lower case */
char *sp_put_date(char *p, int32_t days);      /* 2024-02-29; years outside 0001..9999 as PostgreSQL writes them */
char *sp_put_time(char *p, int64_t us);        /* 10:11:12[.ffffff], no trailing zeros */
char *sp_put_timestamp(char *p, int64_t us);   /* 2024-02-29 10:11:12[.ffffff] */
char *sp_put_timestamptz(char *p, int64_t us); /* the same with +00 behind it, in front of any " BC" */
/* ISO 8601 as ECMAScript writes it: 2024-02-29 and 2024-02-29T10:11:12[.ffffff]; years outside 0001..9999 as +010000, -000043. */
char *sp_put_date_iso(char *p, int32_t days);
char *sp_put_timestamp_iso(char *p, int64_t us);
char *sp_put_timestamptz_iso(char *p, int64_t us); /* with a Z behind it */

/* The eight digits of each v < 10^8 as numbers 0..9, the first in the lowest byte; and the portable
 * form of it, for tests. */
void sp_eight_digits_many(const uint32_t *v, uint32_t n, uint64_t *digits);
void sp_eight_digits_many_scalar(const uint32_t *v, uint32_t n, uint64_t *digits);

/* Columns of values, written one behind the other without a gap: the loops that the processor can
 * overlap, which calls for single cells prevent. values has n of the type; scale is the decimals';
 * ends[i] becomes the end of value i, counted from p. */
typedef char *sp_put_many_fn(char *p, const void *values, uint32_t n, unsigned scale, int32_t *ends);
sp_put_many_fn sp_put_i16_many, sp_put_i32_many, sp_put_i64_many, sp_put_u64_many, sp_put_decimal_many,
    sp_put_date_many, sp_put_date_iso_many, sp_put_timestamp_many, sp_put_timestamp_iso_many, sp_put_timestamptz_many,
    sp_put_timestamptz_iso_many, sp_put_uuid_many;

bool sp_parse_i64(sp_str s, int64_t *v); /* whole text, decimal, optional sign; false when it does not fit */
bool sp_parse_u64(sp_str s, uint64_t *v);
bool sp_parse_f64(sp_str s, double *v);
bool sp_parse_decimal(sp_str s, unsigned scale, int64_t *v); /* exact: false when digits behind scale are not zero */
bool sp_parse_uuid(sp_str s, uint8_t bytes[16]);
bool sp_parse_hex(sp_str s, uint8_t *bytes, size_t *len);
bool sp_parse_bool(sp_str s, bool *v); /* true, false, t, f, yes, no, on, off */

/* 10^n for n in 0..19. */
extern const uint64_t sp_pow10[20];

/* A wide copy for short text: writes at least 32 bytes. Source and target need SP_SLACK readable and writable bytes. */
static inline char *sp_copy_short(char *to, const char *from, size_t len)
{
    memcpy(to, from, 32);
    if (SP_UNLIKELY(len > 32))
        memcpy(to + 32, from + 32, len - 32);
    return to + len;
}

/* ---- SHA-256 (sha256.c) ---- */

enum { SP_SHA256_TEXT = 64 };
void sp_sha256_hex(sp_str text, char to[SP_SHA256_TEXT]); /* small hexadecimal digits, no NUL behind them */

#endif
