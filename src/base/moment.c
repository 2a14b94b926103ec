/* moment.c - dates and times to text.
 *
 * The years 1900..2099 come from tables of days and are written in a few words; all others go through the calendar. Whole columns of
 * moments without fractions are taken apart several at a time in floating point, which is exact for the numbers at hand, and their
 * digits put in place by one shuffle. */
#include "base/base.h"
#include "base/civil.h"
#include "base/digits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_X86 1
#endif

/* Two digits and what may stand around them, as a piece of a word. */
static const char two_digits[200] __attribute__((nonstring)) = "0001020304050607080910111213141516171819"
                                                               "2021222324252627282930313233343536373839"
                                                               "4041424344454647484950515253545556575859"
                                                               "6061626364656667686970717273747576777879"
                                                               "8081828384858687888990919293949596979899";

static inline uint64_t two(unsigned v)
{
    uint16_t w;
    memcpy(&w, two_digits + 2 * (size_t)v, 2);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap16(w);
#endif
    return w;
}

/* The 1461 days of a leap-year cycle, from 1 March 1900 on. DAY gets how many new years have passed, the month and the day. */
#define DAYS_4(y, m, d) DAY(y, m, d), DAY(y, m, (d) + 1), DAY(y, m, (d) + 2), DAY(y, m, (d) + 3)
#define DAYS_28(y, m) \
    DAYS_4(y, m, 1), DAYS_4(y, m, 5), DAYS_4(y, m, 9), DAYS_4(y, m, 13), DAYS_4(y, m, 17), DAYS_4(y, m, 21), \
        DAYS_4(y, m, 25)
#define DAYS_30(y, m) DAYS_28(y, m), DAY(y, m, 29), DAY(y, m, 30)
#define DAYS_31(y, m) DAYS_30(y, m), DAY(y, m, 31)
#define YEAR_FROM_MARCH(y) \
    DAYS_31(y, 3), DAYS_30(y, 4), DAYS_31(y, 5), DAYS_30(y, 6), DAYS_31(y, 7), DAYS_31(y, 8), DAYS_30(y, 9), \
        DAYS_31(y, 10), DAYS_30(y, 11), DAYS_31(y, 12), DAYS_31((y) + 1, 1), DAYS_28((y) + 1, 2)
#define CYCLE YEAR_FROM_MARCH(0), YEAR_FROM_MARCH(1), YEAR_FROM_MARCH(2), YEAR_FROM_MARCH(3), DAY(4, 2, 29)
enum { CYCLE_DAYS = 1461 };

/* As the text "-MM-DD", with the years in the highest byte. */
typedef struct cycle_day {
    char text[7];
    uint8_t years;
} cycle_day;
#define DAY(y, m, d) \
    { \
        {'-', '0' + (m) / 10, '0' + (m) % 10, '-', '0' + (d) / 10, '0' + (d) % 10, 0}, y \
    }
static const cycle_day cycle_days[CYCLE_DAYS] = {CYCLE};
#undef DAY

#ifdef HAVE_X86
/* As four bytes: the years, nothing, the month, the day. */
#define DAY(y, m, d) (y) | (m) << 16 | (d) << 24
static const int32_t cycle_parts[CYCLE_DAYS] = {CYCLE};
#undef DAY
#endif

enum {
    NEAR_EPOCH = 25508, /* days from 1900-03-01 to 1970-01-01 */
    NEAR_DAYS = 72990,  /* and to 2100-01-01 */
};

static inline uint64_t load_word(const void *p)
{
    uint64_t w;
    memcpy(&w, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    return w;
}

/* "YYYY-MM-" is stored at p; what follows, "DD", is returned. day counts from 1900-03-01. */
static inline uint64_t put_near_date(char *p, uint32_t day)
{
    uint32_t cycle = day / CYCLE_DAYS;
    uint64_t entry = load_word(&cycle_days[day - cycle * CYCLE_DAYS]);
    uint32_t year = 4 * cycle + (uint32_t)(entry >> 56); /* since 1900 */
    uint64_t century = year < 100 ? '1' | '9' << 8 : '2' | '0' << 8;
    sp_store_chars(p, century | two(year < 100 ? year : year - 100) << 16 | entry << 32);
    return entry >> 32 & 0xffff;
}

/* ".5" or ".000001" or nothing. */
static inline char *put_fraction(char *p, uint32_t us)
{
    if (us == 0)
        return p;
    uint64_t digits = sp_eight_digits(us * 100);
    *p = '.';
    sp_store_chars(p + 1, digits + SP_ASCII_ZEROS);
    return p + 1 + 8 - (__builtin_clzll(digits) >> 3);
}

static inline char *put_clock(char *p, uint32_t seconds)
{
    unsigned hour = seconds / 3600, minute = seconds / 60 % 60, second = seconds % 60;
    sp_store_chars(p, two(hour) | (uint64_t)':' << 16 | two(minute) << 24 | (uint64_t)':' << 40 | two(second) << 48);
    return p + 8;
}

/* The year as PostgreSQL writes it: at least four digits, and years before 1 counted back from 1 BC. */
static char *put_year_bc(char *p, int32_t year)
{
    uint32_t shown = year > 0 ? (uint32_t)year : 1 - (uint32_t)year;
    return shown < 10000 ? sp_put_padded(p, shown, 4) : sp_put_u64(p, shown);
}

/* The year as ECMAScript extends ISO 8601: 1 BC is year 0, and what has not four digits has a sign and at least six. */
static char *put_year_signed(char *p, int32_t year)
{
    uint32_t shown = year < 0 ? -(uint32_t)year : (uint32_t)year;
    *p++ = year < 0 ? '-' : '+';
    return shown < 1000000 ? sp_put_padded(p, shown, 6) : sp_put_u64(p, shown);
}

static inline char *put_civil_date(char *p, civil_date d, char *(*put_odd_year)(char *, int32_t))
{
    if (SP_LIKELY((uint32_t)(d.year - 1) < 9999)) {
        unsigned year = (unsigned)d.year;
        sp_store_chars(p, two(year / 100) | two(year % 100) << 16);
        p += 4;
    } else {
        p = put_odd_year(p, d.year);
    }
    sp_store_chars(p, '-' | two(d.month) << 8 | (uint64_t)'-' << 24 | two(d.day) << 32);
    return p + 6;
}

static inline char *put_era(char *p, int32_t year)
{
    return SP_LIKELY(year > 0) ? p : (char *)memcpy(p, " BC", 3) + 3;
}

static char *put_infinity(char *p, bool minus)
{
    return stpcpy(p, minus ? "-infinity" : "infinity");
}

static inline bool is_infinite(int64_t us)
{
    return us == SP_TIMESTAMP_INFINITY || us == -SP_TIMESTAMP_INFINITY;
}

char *sp_put_date(char *p, int32_t days)
{
    uint32_t near = (uint32_t)days + NEAR_EPOCH;
    if (SP_LIKELY(near < NEAR_DAYS)) {
        sp_store_chars(p + 8, put_near_date(p, near));
        return p + 10;
    }
    if (days == SP_DATE_INFINITY || days == -SP_DATE_INFINITY)
        return put_infinity(p, days < 0);
    civil_date date = civil_from_days(days);
    return put_era(put_civil_date(p, date, put_year_bc), date.year);
}

char *sp_put_date_iso(char *p, int32_t days)
{
    if (SP_LIKELY((uint32_t)days + NEAR_EPOCH < NEAR_DAYS)) /* where both ways of writing agree */
        return sp_put_date(p, days);
    if (days == SP_DATE_INFINITY || days == -SP_DATE_INFINITY)
        return put_infinity(p, days < 0);
    return put_civil_date(p, civil_from_days(days), put_year_signed);
}

static inline char *put_time(char *p, int64_t us)
{
    uint64_t seconds = (uint64_t)us / 1000000;
    uint32_t fraction = (uint32_t)((uint64_t)us - seconds * 1000000);
    if (SP_UNLIKELY(seconds >=
                    100 * 3600)) { /* no time of day: extra hours in front, so that nobody takes it for one */
        p = sp_put_u64(p, seconds / 3600);
        *p++ = ':';
        seconds %= 3600;
    }
    return put_fraction(put_clock(p, (uint32_t)seconds), fraction);
}

char *sp_put_time(char *p, int64_t us)
{
    return put_time(p, us);
}

/* A moment of the years 1900..2099: three words and the fraction. */
static inline char *put_near_moment(char *p, uint64_t us, char separator)
{
    uint64_t seconds = us / 1000000;
    uint32_t fraction = (uint32_t)(us - seconds * 1000000), day = (uint32_t)(seconds / 86400);
    uint32_t second = (uint32_t)(seconds - (uint64_t)day * 86400), minute = second / 60, hour = second / 3600;
    second -= minute * 60;
    minute -= hour * 60;
    uint64_t day_digits = put_near_date(p, day);
    sp_store_chars(p + 8, day_digits | (uint64_t)(uint8_t)separator << 16 | two(hour) << 24 | (uint64_t)':' << 40 |
                              two(minute) << 48);
    sp_store_chars(p + 16, ':' | two(second) << 8);
    return put_fraction(p + 19, fraction);
}

/* Date, separator, clock, fraction. The year is returned for the era, which comes last of all. */
static inline char *put_moment(char *p, int64_t us, char separator, char *(*put_odd_year)(char *, int32_t),
                               int32_t *year)
{
    uint64_t near = (uint64_t)us + NEAR_EPOCH * (uint64_t)SP_US_PER_DAY;
    if (SP_LIKELY(near < NEAR_DAYS * (uint64_t)SP_US_PER_DAY)) {
        *year = 1;
        return put_near_moment(p, near, separator);
    }
    int64_t days = us / SP_US_PER_DAY, rest = us % SP_US_PER_DAY;
    bool before = rest < 0;
    civil_date date = civil_from_days((int32_t)(days - before));
    *year = date.year;
    p = put_civil_date(p, date, put_odd_year);
    *p++ = separator;
    return put_time(p, rest + (before ? SP_US_PER_DAY : 0));
}

char *sp_put_timestamp(char *p, int64_t us)
{
    int32_t year;
    if (SP_UNLIKELY(is_infinite(us)))
        return put_infinity(p, us < 0);
    p = put_moment(p, us, ' ', put_year_bc, &year);
    return put_era(p, year);
}

char *sp_put_timestamptz(char *p, int64_t us)
{
    int32_t year;
    if (SP_UNLIKELY(is_infinite(us)))
        return put_infinity(p, us < 0);
    p = put_moment(p, us, ' ', put_year_bc, &year);
    memcpy(p, "+00", 3);
    return put_era(p + 3, year);
}

char *sp_put_timestamp_iso(char *p, int64_t us)
{
    int32_t year;
    if (SP_UNLIKELY(is_infinite(us)))
        return put_infinity(p, us < 0);
    return put_moment(p, us, 'T', put_year_signed, &year);
}

char *sp_put_timestamptz_iso(char *p, int64_t us)
{
    p = sp_put_timestamp_iso(p, us);
    *p = 'Z';
    return p + !is_infinite(us);
}

/* ---- whole columns -------------------------------------------------------------------------- */

enum {
    BLOCK = 64,
    DATE_LEN = 10,
    MOMENT_MAX = 22, /* with "+00" */
};

#ifdef HAVE_X86
#define AVX2        __attribute__((target("avx2"))) static
#define AVX2_INLINE __attribute__((target("avx2"), always_inline)) static inline

/* floor(v / by) of a whole number v: half is added, so that the quotient is never so near a whole number that rounding could bring
 * it to the other side. */
AVX2_INLINE __m256d divided(__m256d v, double by)
{
    return _mm256_floor_pd(_mm256_mul_pd(_mm256_add_pd(v, _mm256_set1_pd(0.5)), _mm256_set1_pd(1 / by)));
}

/* Bytes below 100, each the lower of two, become two digits each. */
AVX2_INLINE __m256i two_digits_each(__m256i v)
{
    __m256i tens = _mm256_srli_epi16(_mm256_mullo_epi16(v, _mm256_set1_epi16(205)), 11);
    __m256i ones = _mm256_sub_epi16(v, _mm256_mullo_epi16(tens, _mm256_set1_epi16(10)));
    return _mm256_or_si256(tens, _mm256_slli_epi16(ones, 8));
}

/* A block's moments in numbers: days since 1900-03-01 as cycles and days of a cycle, and the seconds of the day. Worked out for all
 * rows before any is written: each step waits for the one before it, and rows in such short loops overlap. */
typedef struct numbers {
    alignas(16) uint32_t cycles[BLOCK], days[BLOCK], seconds[BLOCK];
} numbers;

AVX2_INLINE void split_days(__m256d day, __m256d cycle, numbers *to, uint32_t at)
{
    day = _mm256_sub_pd(day, _mm256_mul_pd(cycle, _mm256_set1_pd(CYCLE_DAYS)));
    _mm_store_si128((__m128i *)(void *)(to->cycles + at), _mm256_cvttpd_epi32(cycle));
    _mm_store_si128((__m128i *)(void *)(to->days + at), _mm256_cvttpd_epi32(day));
}

/* Four dates as century and year (below) and month and day (above), numbers of sixteen bits. The table is asked for one at a time: a
 * gather takes longer. */
AVX2_INLINE __m256i four_dates(const numbers *from, uint32_t at)
{
    const uint32_t *day = from->days + at;
    __m128i parts = _mm_setr_epi32(cycle_parts[day[0]], cycle_parts[day[1]], cycle_parts[day[2]], cycle_parts[day[3]]);
    __m128i years = _mm_slli_epi32(_mm_load_si128((const __m128i *)(const void *)(from->cycles + at)), 2);
    years = _mm_add_epi32(years, _mm_and_si128(parts, _mm_set1_epi32(0xff))); /* since 1900 */
    __m128i late = _mm_cmpgt_epi32(years, _mm_set1_epi32(99));
    years = _mm_add_epi32(_mm_slli_epi32(years, 16), _mm_set1_epi32(19));
    years = _mm_add_epi32(years, _mm_and_si128(late, _mm_set1_epi32(1 - (100 << 16))));
    __m128i days = _mm_shuffle_epi8(parts, _mm_setr_epi8(2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15, -1));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(years), days, 1);
}

/* Four times of day as hour and minute (below), second and nothing (above). Products and shifts divide seconds of a day by 3600 and
 * those of an hour by 60 exactly. */
AVX2_INLINE __m256i four_times(const numbers *from, uint32_t at)
{
    __m128i second = _mm_load_si128((const __m128i *)(const void *)(from->seconds + at));
    __m128i hour = _mm_srli_epi32(_mm_mullo_epi32(second, _mm_set1_epi32(37283)), 27);
    second = _mm_sub_epi32(second, _mm_mullo_epi32(hour, _mm_set1_epi32(3600)));
    __m128i minute = _mm_srli_epi32(_mm_mullo_epi32(second, _mm_set1_epi32(34953)), 21);
    second = _mm_sub_epi32(second, _mm_mullo_epi32(minute, _mm_set1_epi32(60)));
    __m128i clock = _mm_or_si128(hour, _mm_slli_epi32(minute, 16));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(clock), second, 1);
}

/* Numbers below 2^53 as doubles: both halves are put into the fractions of large powers of two, which are taken off again. */
AVX2_INLINE __m256d as_doubles(__m256i v)
{
    const __m256d power_52 = _mm256_set1_pd(0x1p52), power_84 = _mm256_set1_pd(0x1p84);
    __m256i high = _mm256_or_si256(_mm256_srli_epi64(v, 32), _mm256_castpd_si256(power_84));
    __m256i low = _mm256_blend_epi32(v, _mm256_castpd_si256(power_52), 0xaa);
    return _mm256_add_pd(_mm256_sub_pd(_mm256_castsi256_pd(high), _mm256_add_pd(power_84, power_52)),
                         _mm256_castsi256_pd(low));
}

/* What stands in any moment, and where its digits CCYYMMDDhhmmss go. */
typedef struct frame {
    __m128i place, around, place_end, around_end;
    uint32_t len;
} frame;

AVX2_INLINE frame frame_of(char separator, const char end[8])
{
    return (frame){
        .place = _mm_setr_epi8(0, 1, 2, 3, -1, 4, 5, -1, 6, 7, -1, 8, 9, -1, 10, 11),
        .around = _mm_setr_epi8('0', '0', '0', '0', '-', '0', '0', '-', '0', '0', separator, '0', '0', ':', '0', '0'),
        .place_end = _mm_setr_epi8(-1, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1),
        .around_end = _mm_loadl_epi64((const __m128i *)(const void *)end),
        .len = 16 + (uint32_t)strlen(end),
    };
}

AVX2_INLINE char *put_framed(char *p, const frame *f, __m128i digits)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm_or_si128(_mm_shuffle_epi8(digits, f->place), f->around));
    _mm_storel_epi64((__m128i *)(void *)(p + 16), _mm_or_si128(_mm_shuffle_epi8(digits, f->place_end), f->around_end));
    return p + f->len;
}

/* False if one of four moments is outside the table's years or has a fraction of a second. */
AVX2_INLINE bool split_four_moments(const int64_t us[4], numbers *to, uint32_t at)
{
    const __m256i shift = _mm256_set1_epi64x(NEAR_EPOCH * SP_US_PER_DAY),
                  last = _mm256_set1_epi64x(NEAR_DAYS * SP_US_PER_DAY - 1);
    __m256i near = _mm256_add_epi64(_mm256_loadu_si256((const __m256i *)us), shift);
    __m256i outside = _mm256_or_si256(near, _mm256_sub_epi64(last, near)); /* its sign counts */
    __m256d v = as_doubles(near);
    __m256d seconds =
        _mm256_round_pd(_mm256_mul_pd(v, _mm256_set1_pd(1e-6)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256d broken = _mm256_cmp_pd(_mm256_mul_pd(seconds, _mm256_set1_pd(1e6)), v, _CMP_NEQ_UQ);
    __m256d day = divided(seconds, 86400);
    __m256d second = _mm256_sub_pd(seconds, _mm256_mul_pd(day, _mm256_set1_pd(86400)));
    if (SP_UNLIKELY(_mm256_movemask_pd(_mm256_or_pd(broken, _mm256_castsi256_pd(outside)))))
        return false;
    split_days(day, divided(seconds, CYCLE_DAYS * 86400.0), to, at);
    _mm_store_si128((__m128i *)(void *)(to->seconds + at), _mm256_cvttpd_epi32(second));
    return true;
}

AVX2_INLINE char *put_four_moments(char *p, const numbers *from, uint32_t at, const frame *f)
{
    __m256i dates = two_digits_each(four_dates(from, at)), times = two_digits_each(four_times(from, at));
    __m128i years = _mm256_castsi256_si128(dates), days = _mm256_extracti128_si256(dates, 1);
    __m128i clocks = _mm256_castsi256_si128(times), ends = _mm256_extracti128_si256(times, 1);
    __m128i dates_01 = _mm_unpacklo_epi32(years, days), dates_23 = _mm_unpackhi_epi32(years, days);
    __m128i times_01 = _mm_unpacklo_epi32(clocks, ends), times_23 = _mm_unpackhi_epi32(clocks, ends);
    p = put_framed(p, f, _mm_unpacklo_epi64(dates_01, times_01));
    p = put_framed(p, f, _mm_unpackhi_epi64(dates_01, times_01));
    p = put_framed(p, f, _mm_unpacklo_epi64(dates_23, times_23));
    return put_framed(p, f, _mm_unpackhi_epi64(dates_23, times_23));
}

AVX2 bool put_plain_moments(char *p, const int64_t *us, uint32_t n, char separator, const char end[8])
{
    const frame f = frame_of(separator, end);
    numbers split;
    uint32_t fours = n & ~3u;
    for (uint32_t i = 0; i < fours; i += 4)
        if (!split_four_moments(us + i, &split, i))
            return false;
    if (fours < n) {
        int64_t rest[4];
        for (uint32_t k = 0; k < 4; k++)
            rest[k] = us[SP_MIN(fours + k, n - 1)];
        if (!split_four_moments(rest, &split, fours))
            return false;
    }
    for (uint32_t i = 0; i < fours; i += 4)
        p = put_four_moments(p, &split, i, &f);
    if (fours < n) {
        char text[4 * MOMENT_MAX + SP_SLACK];
        put_four_moments(text, &split, fours, &f);
        memcpy(p, text, (n - fours) * (size_t)f.len);
    }
    return true;
}

/* False if one of four days is outside the table's years. */
AVX2_INLINE bool split_four_days(const int32_t days[4], numbers *to, uint32_t at)
{
    __m128i near = _mm_add_epi32(_mm_loadu_si128((const __m128i *)days), _mm_set1_epi32(NEAR_EPOCH));
    __m128i outside = _mm_or_si128(near, _mm_sub_epi32(_mm_set1_epi32(NEAR_DAYS - 1), near)); /* its sign counts */
    __m256d day = _mm256_cvtepi32_pd(near);
    split_days(day, divided(day, CYCLE_DAYS), to, at);
    return !_mm_movemask_ps(_mm_castsi128_ps(outside));
}

AVX2_INLINE char *put_four_days(char *p, const numbers *from, uint32_t at)
{
    const __m128i place = _mm_setr_epi8(0, 1, 2, 3, -1, 4, 5, -1, 6, 7, -1, -1, -1, -1, -1, -1);
    const __m128i around = _mm_setr_epi8('0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 0, 0, 0, 0, 0, 0);
    __m256i dates = two_digits_each(four_dates(from, at));
    __m128i years = _mm256_castsi256_si128(dates), days = _mm256_extracti128_si256(dates, 1);
    __m128i rows[2] = {_mm_unpacklo_epi32(years, days), _mm_unpackhi_epi32(years, days)};
    for (unsigned i = 0; i < 4; i++, p += DATE_LEN) {
        __m128i digits = i & 1 ? _mm_srli_si128(rows[i / 2], 8) : rows[i / 2];
        _mm_storeu_si128((__m128i *)(void *)p, _mm_or_si128(_mm_shuffle_epi8(digits, place), around));
    }
    return p;
}

AVX2 bool put_plain_days(char *p, const int32_t *days, uint32_t n)
{
    numbers split;
    uint32_t fours = n & ~3u;
    for (uint32_t i = 0; i < fours; i += 4)
        if (!split_four_days(days + i, &split, i))
            return false;
    if (fours < n) {
        int32_t rest[4];
        for (uint32_t k = 0; k < 4; k++)
            rest[k] = days[SP_MIN(fours + k, n - 1)];
        if (!split_four_days(rest, &split, fours))
            return false;
    }
    for (uint32_t i = 0; i < fours; i += 4)
        p = put_four_days(p, &split, i);
    if (fours < n) {
        char text[4 * DATE_LEN + SP_SLACK];
        put_four_days(text, &split, fours);
        memcpy(p, text, (n - fours) * DATE_LEN);
    }
    return true;
}

static char *even_ends(int32_t *ends, uint32_t n, char *p, const char *base, uint32_t len)
{
    int32_t from = (int32_t)(p - base);
    for (uint32_t i = 0; i < n; i++)
        ends[i] = from + (int32_t)((i + 1) * len);
    return p + (size_t)n * len;
}
#endif

/* n moments, at most a block. end is what follows the minutes, its digits being 0. */
static char *put_some_moments(char *p, const int64_t *us, uint32_t n, char separator, const char end[8],
                              char *(*put)(char *, int64_t), char *base, int32_t *ends)
{
#ifdef HAVE_X86
    if (__builtin_cpu_supports("avx2") && put_plain_moments(p, us, n, separator, end))
        return even_ends(ends, n, p, base, 16 + (uint32_t)strlen(end));
#endif
    for (uint32_t i = 0; i < n; i++) {
        p = put(p, us[i]);
        ends[i] = (int32_t)(p - base);
    }
    return p;
}

static char *put_some_days(char *p, const int32_t *days, uint32_t n, char *(*put)(char *, int32_t), char *base,
                           int32_t *ends)
{
#ifdef HAVE_X86
    if (__builtin_cpu_supports("avx2") && put_plain_days(p, days, n))
        return even_ends(ends, n, p, base, DATE_LEN);
#endif
    for (uint32_t i = 0; i < n; i++) {
        p = put(p, days[i]);
        ends[i] = (int32_t)(p - base);
    }
    return p;
}

#define PUT_MANY(name, type, put_some) \
    char *name(char *p, const void *values, uint32_t n, unsigned scale, int32_t *ends) \
    { \
        (void)scale; \
        char *base = p; \
        for (uint32_t done = 0, some; done < n; done += some) { \
            some = SP_MIN(n - done, (uint32_t)BLOCK); \
            const type *v = (const type *)values + done; \
            int32_t *e = ends + done; \
            p = put_some; \
        } \
        return p; \
    }
PUT_MANY(sp_put_date_many, int32_t, put_some_days(p, v, some, sp_put_date, base, e))
PUT_MANY(sp_put_date_iso_many, int32_t, put_some_days(p, v, some, sp_put_date_iso, base, e))
PUT_MANY(sp_put_timestamp_many, int64_t, put_some_moments(p, v, some, ' ', ":00\0\0\0\0", sp_put_timestamp, base, e))
PUT_MANY(sp_put_timestamp_iso_many, int64_t,
         put_some_moments(p, v, some, 'T', ":00\0\0\0\0", sp_put_timestamp_iso, base, e))
PUT_MANY(sp_put_timestamptz_many, int64_t, put_some_moments(p, v, some, ' ', ":00+00\0", sp_put_timestamptz, base, e))
PUT_MANY(sp_put_timestamptz_iso_many, int64_t,
         put_some_moments(p, v, some, 'T', ":00Z\0\0\0", sp_put_timestamptz_iso, base, e))
