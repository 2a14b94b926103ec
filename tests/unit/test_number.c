/* test_number.c - numbers to text and back: exact expectations, the C library as a second opinion, and random bits. */
#include "base/base.h"
#include "check.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

static uint64_t seed, counter;

static uint64_t random64(void)
{
    return sp_draw(seed, counter++);
}

/* Text ends where the writer said; what it spoiled behind that must stay within the slack. */
static char text[256 + SP_SLACK];
enum { FENCE = 0x5a };

static char *fenced(void)
{
    memset(text, FENCE, sizeof text);
    return text;
}

static bool within_slack(const char *end)
{
    for (const char *p = end + SP_SLACK; p < text + sizeof text; p++)
        if (*p != FENCE)
            return false;
    return true;
}

#define CHECK_PUT(end_expr, want) \
    do { \
        char *end_ = (fenced(), (end_expr)); \
        CHECK_STRN(text, (size_t)(end_ - text), want); \
        CHECK(within_slack(end_)); \
    } while (0)

static void pow10_table(void)
{
    uint64_t power = 1;
    for (int i = 0; i < 20; i++, power *= 10)
        CHECK(sp_pow10[i] == power);
}

/* ---- whole columns against single values ---- */

static void digits_of_many(void)
{
    uint32_t v[64 + 3];
    uint64_t wide[SP_COUNT(v)], scalar[SP_COUNT(v)];
    bool same = true;
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t n = 1 + round % SP_COUNT(v);
        for (uint32_t i = 0; i < n; i++) /* every power of ten and its neighbours, then anything */
            v[i] = round < 24 ? (uint32_t)(sp_pow10[round / 3] + round % 3 + i - 1) % 100000000
                              : (uint32_t)(random64() % 100000000);
        sp_eight_digits_many(v, n, wide);
        sp_eight_digits_many_scalar(v, n, scalar);
        same &= memcmp(wide, scalar, n * sizeof *wide) == 0;
    }
    CHECK(same);
}

enum { MANY = 130 }; /* more than two blocks */

/* Values of a magnitude that the round decides, of either sign, or anything at all. */
static int64_t random_value(uint32_t round)
{
    uint64_t v = random64() % sp_pow10[1 + round % 19];
    return round % 7 == 6 ? (int64_t)random64() : random64() & 1 ? -(int64_t)v : (int64_t)v;
}

#define CHECK_MANY(many, type, scale_, put_v) \
    for (uint32_t round = 0; round < 400; round++) { \
        static char all[MANY * SP_TIMESTAMP_TEXT_MAX + SP_SLACK]; \
        type values[MANY]; \
        int32_t ends[MANY], from = 0; \
        uint32_t n = round % MANY + 1; \
        bool same = true; \
        for (uint32_t i = 0; i < n; i++) \
            values[i] = (type)random_value(round); \
        char *end = many(all, values, n, scale_, ends); \
        for (uint32_t i = 0; i < n; from = ends[i], i++) { \
            type v = values[i]; \
            char *p = text; \
            size_t len = (size_t)((put_v)-text); \
            same &= (size_t)(ends[i] - from) == len && memcmp(all + from, text, len) == 0; \
        } \
        CHECK(same &&end == all + from); \
    }

static void columns_of_numbers(void)
{
    CHECK_MANY(sp_put_i16_many, int16_t, 0, sp_put_i64(p, v))
    CHECK_MANY(sp_put_i32_many, int32_t, 0, sp_put_i64(p, v))
    CHECK_MANY(sp_put_i64_many, int64_t, 0, sp_put_i64(p, v))
    CHECK_MANY(sp_put_u64_many, uint64_t, 0, sp_put_u64(p, v))
    for (unsigned scale = 0; scale <= 18; scale++)
        CHECK_MANY(sp_put_decimal_many, int64_t, scale, sp_put_decimal(p, v, scale))
}

static void columns_of_times(void)
{
    CHECK_MANY(sp_put_date_many, int32_t, 0, sp_put_date(p, v))
    CHECK_MANY(sp_put_date_iso_many, int32_t, 0, sp_put_date_iso(p, v))
    CHECK_MANY(sp_put_timestamp_many, int64_t, 0, sp_put_timestamp(p, v))
    CHECK_MANY(sp_put_timestamp_iso_many, int64_t, 0, sp_put_timestamp_iso(p, v))
    CHECK_MANY(sp_put_timestamptz_many, int64_t, 0, sp_put_timestamptz(p, v))
    CHECK_MANY(sp_put_timestamptz_iso_many, int64_t, 0, sp_put_timestamptz_iso(p, v))
}

/* Whole seconds of the years that have a way of their own, and of those next to them: every day and every second of a day. */
static void columns_of_whole_seconds(void)
{
    enum { FROM = -25600, DAYS = 73200, SECONDS = 86400 };
    static char all[SECONDS * SP_TIMESTAMP_TEXT_MAX + SP_SLACK];
    static int64_t moments[SECONDS];
    static int32_t days[DAYS], ends[SECONDS];
    for (uint32_t round = 0; round < 3; round++) {
        uint32_t n = round == 0 ? SECONDS : DAYS;
        for (uint32_t i = 0; i < n; i++) {
            int64_t day = round == 0 ? (int64_t)(random64() % 70000) - 25000 : FROM + (int64_t)i;
            int64_t second = round == 0 ? i : round == 1 ? (int64_t)(i & 1) * 86399 : (int64_t)(random64() % SECONDS);
            moments[i] = (day * SECONDS + second) * SP_US_PER_SECOND + (round == 2 && i % 1000 == 0);
            if (round)
                days[i] = (int32_t)day;
        }
        CHECK(sp_put_timestamptz_many(all, moments, n, 0, ends) == all + ends[n - 1]);
        bool same = true;
        for (uint32_t i = 0, from = 0; i < n; from = (uint32_t)ends[i], i++) {
            size_t len = (size_t)(sp_put_timestamptz(text, moments[i]) - text);
            same &= ends[i] - (int32_t)from == (int32_t)len && memcmp(all + from, text, len) == 0;
        }
        CHECK(same);
    }
    CHECK(sp_put_date_many(all, days, DAYS, 0, ends) == all + ends[DAYS - 1]);
    bool same = true;
    for (uint32_t i = 0, from = 0; i < DAYS; from = (uint32_t)ends[i], i++) {
        size_t len = (size_t)(sp_put_date(text, days[i]) - text);
        same &= ends[i] - (int32_t)from == (int32_t)len && memcmp(all + from, text, len) == 0;
    }
    CHECK(same);
}

static void columns_of_uuids(void)
{
    uint64_t ids[MANY][2];
    char all[MANY * SP_UUID_TEXT + SP_SLACK];
    int32_t ends[MANY];
    for (int i = 0; i < MANY; i++)
        ids[i][0] = random64(), ids[i][1] = random64();
    CHECK(sp_put_uuid_many(all, ids, MANY, 0, ends) == all + MANY * SP_UUID_TEXT);
    bool same = true;
    for (int i = 0; i < MANY; i++) {
        sp_put_uuid_scalar(text, (const uint8_t *)ids[i]);
        same &= ends[i] == (i + 1) * SP_UUID_TEXT && memcmp(all + (size_t)i * SP_UUID_TEXT, text, SP_UUID_TEXT) == 0;
    }
    CHECK(same);
}

static bool ints_agree(uint64_t u)
{
    char want[32];
    int n = snprintf(want, sizeof want, "%" PRIu64, u);
    bool same = sp_put_u64(fenced(), u) == text + n && memcmp(text, want, (size_t)n) == 0 && within_slack(text + n);
    n = snprintf(want, sizeof want, "%" PRId64, (int64_t)u);
    same &= sp_put_i64(fenced(), (int64_t)u) == text + n && memcmp(text, want, (size_t)n) == 0;
    uint64_t read_u;
    int64_t read_i;
    same &= sp_parse_i64((sp_str){text, (size_t)n}, &read_i) && read_i == (int64_t)u;
    n = (int)(sp_put_u64(text, u) - text);
    return same && sp_parse_u64((sp_str){text, (size_t)n}, &read_u) && read_u == u;
}

static void integers(void)
{
    CHECK_PUT(sp_put_i64(text, INT64_MIN), "-9223372036854775808");
    CHECK_PUT(sp_put_u64(text, UINT64_MAX), "18446744073709551615");
    CHECK_PUT(sp_put_i64(text, 0), "0");
    bool same = true;
    for (unsigned digits = 0; digits < 20; digits++)
        for (uint64_t near = 0; near < 5; near++)
            same &= ints_agree(sp_pow10[digits] - 2 + near);
    for (uint64_t v = 0; v < 200000; v++)
        same &= ints_agree(v);
    for (int i = 0; i < 1000000; i++)
        same &= ints_agree(random64() >> (random64() & 63));
    CHECK(same);
}

static void integers_refused(void)
{
    static const char *const bad[] = {"",     "-",  "+", "--1", "+-1", "1 ", " 1", "1x", "9223372036854775808",
                                      "0x10", "1.0"};
    int64_t v = 7;
    uint64_t u = 7;
    for (size_t i = 0; i < SP_COUNT(bad); i++)
        if (!CHECK(!sp_parse_i64(sp_str_of(bad[i]), &v)))
            printf("# read \"%s\"\n", bad[i]);
    CHECK_INT(v, 7);
    CHECK(!sp_parse_u64(sp_str_of("18446744073709551616"), &u) && !sp_parse_u64(sp_str_of("-1"), &u));
    CHECK(!sp_parse_i64(sp_str_of("-9223372036854775809"), &v));
    CHECK(sp_parse_i64(sp_str_of("-9223372036854775808"), &v) && v == INT64_MIN);
    CHECK(sp_parse_i64(sp_str_of("+0042"), &v) && v == 42);
}

static void decimals(void)
{
    CHECK_PUT(sp_put_decimal(text, 12345, 2), "123.45");
    CHECK_PUT(sp_put_decimal(text, -5, 2), "-0.05");
    CHECK_PUT(sp_put_decimal(text, 0, 2), "0.00");
    CHECK_PUT(sp_put_decimal(text, 12345, 0), "12345");
    CHECK_PUT(sp_put_decimal(text, INT64_MIN, 18), "-9.223372036854775808");
    CHECK_PUT(sp_put_decimal(text, INT64_MAX, 1), "922337203685477580.7");
    CHECK_PUT(sp_put_decimal(text, 1, 18), "0.000000000000000001");
    CHECK_PUT(sp_put_decimal(text, 1000000007, 9), "1.000000007");
    CHECK_PUT(sp_put_decimal(text, INT64_MIN, 2), "-92233720368547758.08");
    bool same = true;
    for (int i = 0; i < 500000; i++) {
        int64_t v = (int64_t)(random64() >> (random64() & 63)), back;
        unsigned scale = (unsigned)(random64() % 19);
        char *end = sp_put_decimal(fenced(), v, scale);
        same &= within_slack(end) && sp_parse_decimal((sp_str){text, (size_t)(end - text)}, scale, &back) && back == v;
        same &= end - text <= SP_DECIMAL_TEXT_MAX && (scale == 0 || end[-(int)scale - 1] == '.');
    }
    CHECK(same);
}

static void decimals_read(void)
{
    int64_t v = 0;
    CHECK(sp_parse_decimal(sp_str_of("1.5"), 3, &v) && v == 1500);
    CHECK(sp_parse_decimal(sp_str_of("1.500"), 1, &v) && v == 15);
    CHECK(sp_parse_decimal(sp_str_of(".5"), 1, &v) && v == 5);
    CHECK(sp_parse_decimal(sp_str_of("-2."), 1, &v) && v == -20);
    CHECK(sp_parse_decimal(sp_str_of("0"), 18, &v) && v == 0);
    CHECK(!sp_parse_decimal(sp_str_of("1.55"), 1, &v));
    CHECK(!sp_parse_decimal(sp_str_of("."), 1, &v));
    CHECK(!sp_parse_decimal(sp_str_of("1.2.3"), 4, &v));
    CHECK(!sp_parse_decimal(sp_str_of("1e3"), 4, &v));
    CHECK(!sp_parse_decimal(sp_str_of("9223372036854775807"), 1, &v));
    CHECK(!sp_parse_decimal(sp_str_of(""), 1, &v));
}

static void doubles(void)
{
    static const struct {
        double v;
        const char *want;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.3, "0.3"},
        {0.1 + 0.2, "0.30000000000000004"},
        {123456.789, "123456.789"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-05"},
        {1.5e-7, "1.5e-07"},
        {1e15, "1000000000000000"},
        {1e20, "100000000000000000000"},
        {123456789012345680000.0, "123456789012345680000"},
        {1e21, "1e+21"},
        {1.2345e22, "1.2345e+22"},
        {1e23, "1e+23"},
        {9007199254740991.0, "9007199254740991"},
        {9007199254740993.0, "9007199254740992"},
        {18014398509481984.0, "18014398509481984"},
        {9.5367431640625e-07, "9.5367431640625e-07"},
        {4.9406564584124654e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {2.2250738585072011e-308, "2.225073858507201e-308"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {-1.7976931348623157e308, "-1.7976931348623157e+308"},
        {5e-324 * 3, "1.5e-323"},
        {8.41e21, "8.41e+21"},
        {2.0919495182368195e19, "20919495182368195000"},
        {9.2917835541968554e18, "9291783554196855000"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++)
        CHECK_PUT(sp_put_f64(text, cases[i].v), cases[i].want);
    CHECK_PUT(sp_put_f64(text, NAN), "NaN");
    CHECK_PUT(sp_put_f64(text, INFINITY), "Infinity");
    CHECK_PUT(sp_put_f64(text, -INFINITY), "-Infinity");
}

static double double_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, 8);
    return v;
}

/* The digits of a number's text without leading and trailing zeros, into to (NUL-terminated); how many. */
static size_t significant_digits(const char *from, const char *end, char *to)
{
    size_t n = 0;
    for (; from < end && *from != 'e'; from++)
        if (*from >= '0' && *from <= '9' && (n > 0 || *from != '0'))
            to[n++] = *from;
    while (n > 0 && to[n - 1] == '0')
        n--;
    to[n] = 0;
    return n;
}

/* v rounded to n digits, by the C library. */
static size_t rounded(double v, size_t n, char to[40], char digits[40])
{
    int len = snprintf(to, 40, "%.*e", (int)n - 1, v);
    return significant_digits(to, to + len, digits);
}

/* Reads back as the same bits, no text of one digit less does, and none of as many digits is nearer. */
static bool f64_is_shortest(double v)
{
    char *end = sp_put_f64(fenced(), v);
    double back;
    bool ok = within_slack(end) && end - text <= SP_F64_TEXT_MAX;
    ok &= sp_parse_f64((sp_str){text, (size_t)(end - text)}, &back) && memcmp(&back, &v, 8) == 0;
    char digits[400], other[40], other_digits[40];
    size_t n = significant_digits(text, end, digits);
    ok &= n == 0 || (rounded(v, n, other, other_digits) == n && strcmp(digits, other_digits) == 0) ||
          strtod(other, NULL) != v; /* the nearer one can be another double's: 2^-1017 */
    ok &= n <= 1 || (rounded(v, n - 1, other, other_digits) < n && strtod(other, NULL) != v);
    if (!ok)
        printf("# %a came out as %.*s\n", v, (int)(end - text), text);
    return ok;
}

static void doubles_round_trip(void)
{
    bool ok = true;
    for (int i = 0; i < 1000000 && ok; i++) {
        double v = double_of(random64());
        ok &= !isfinite(v) || f64_is_shortest(v);
    }
    for (int i = 0; i < 200000 && ok; i++) {
        double v = (double)(int64_t)(random64() >> (random64() & 63)) / (double)sp_pow10[random64() % 20];
        ok &= f64_is_shortest(v);
    }
    for (int e = 0; e < 2047 && ok; e++) /* powers of two and their neighbours */
        for (int near = -1; near <= 1; near++)
            ok &= e == 0 || f64_is_shortest(double_of(((uint64_t)e << 52) + (uint64_t)(int64_t)near));
    for (int e = -323; e <= 308 && ok; e++) {
        char power[16];
        snprintf(power, sizeof power, "1e%d", e);
        ok &= f64_is_shortest(strtod(power, NULL));
    }
    CHECK(ok);
}

static void floats(void)
{
    CHECK_PUT(sp_put_f32(text, 0.1f), "0.1");
    CHECK_PUT(sp_put_f32(text, 16777216.0f), "16777216");
    CHECK_PUT(sp_put_f32(text, 3.4028235e38f), "3.4028235e+38");
    CHECK_PUT(sp_put_f32(text, 1e-45f), "1e-45");
    CHECK_PUT(sp_put_f32(text, 1.17549435e-38f), "1.1754944e-38");
    CHECK_PUT(sp_put_f32(text, -0.0f), "-0");
    CHECK_PUT(sp_put_f32(text, 33554432.0f), "33554432");
    CHECK_PUT(sp_put_f32(text, -INFINITY), "-Infinity");
    bool ok = true;
    for (int i = 0; i < 1000000 && ok; i++) {
        uint32_t bits = (uint32_t)random64();
        float v;
        memcpy(&v, &bits, 4);
        if (!isfinite(v))
            continue;
        char *end = sp_put_f32(fenced(), v);
        ok &= within_slack(end);
        *end = 0;
        float back = strtof(text, NULL);
        ok &= memcmp(&back, &v, 4) == 0;
        char digits[400], other[40], other_digits[40];
        size_t n = significant_digits(text, end, digits);
        ok &= n == 0 || (rounded((double)v, n, other, other_digits) == n && strcmp(digits, other_digits) == 0) ||
              strtof(other, NULL) != v;
        ok &= n <= 1 || (rounded((double)v, n - 1, other, other_digits) < n && strtof(other, NULL) != v);
        if (!ok)
            printf("# %a came out as %s\n", (double)v, text);
    }
    CHECK(ok);
}

static void doubles_refused(void)
{
    static const char *const bad[] = {"",  "-",    "e5", "1e",   "1e+",  "0x1p3", " 1",    "1 ",    "1,5",
                                      ".", "+.e1", "1_", "nanx", "-nan", "--1",   "1e999", "infin", "1.2.3"};
    double v;
    for (size_t i = 0; i < SP_COUNT(bad); i++)
        if (!CHECK(!sp_parse_f64(sp_str_of(bad[i]), &v)))
            printf("# read \"%s\"\n", bad[i]);
    CHECK(sp_parse_f64(sp_str_of("-inf"), &v) && v == -INFINITY);
    CHECK(sp_parse_f64(sp_str_of("NaN"), &v) && isnan(v));
    CHECK(sp_parse_f64(sp_str_of("-.5E1"), &v) && v == -5);
    CHECK(sp_parse_f64(sp_str_of("1."), &v) && v == 1);
    CHECK(sp_parse_f64(sp_str_of("1e-999"), &v) && v == 0);
}

static void uuids(void)
{
    static const uint8_t bytes[16] = {0x00, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde,
                                      0xf0, 0x0f, 0xed, 0xcb, 0xa9, 0x87, 0x65, 0x43};
    CHECK_PUT(sp_put_uuid(text, bytes), "00123456-789a-bcde-f00f-edcba9876543");
    CHECK_PUT(sp_put_uuid_scalar(text, bytes), "00123456-789a-bcde-f00f-edcba9876543");
    bool same = true;
    for (int i = 0; i < 100000; i++) {
        uint64_t id[2] = {random64(), random64()};
        char other[36 + SP_SLACK];
        uint8_t back[16];
        char *end = sp_put_uuid(fenced(), (const uint8_t *)id);
        sp_put_uuid_scalar(other, (const uint8_t *)id);
        same &= end == text + 36 && within_slack(end) && memcmp(text, other, 36) == 0;
        same &= sp_parse_uuid((sp_str){text, 36}, back) && memcmp(back, id, 16) == 0;
    }
    CHECK(same);
    uint8_t back[16];
    CHECK(sp_parse_uuid(sp_str_of("00123456789ABCDEF00FEDCBA9876543"), back) && memcmp(back, bytes, 16) == 0);
    CHECK(!sp_parse_uuid(sp_str_of("00123456-789a-bcde-f00f-edcba987654g"), back));
    CHECK(!sp_parse_uuid(sp_str_of("001234567-89a-bcde-f00f-edcba9876543"), back));
    CHECK(!sp_parse_uuid(sp_str_of("{0123456-789a-bcde-f00f-edcba9876543"), back));
}

static void hex(void)
{
    uint8_t back[8];
    size_t len = 0;
    CHECK_PUT(sp_put_hex(text, (const uint8_t *)"\x00\xff\x1a", 3), "00ff1a");
    CHECK_PUT(sp_put_hex(text, (const uint8_t *)"", 0), "");
    CHECK(sp_parse_hex(sp_str_of("00fF1a"), back, &len) && len == 3 && memcmp(back, "\x00\xff\x1a", 3) == 0);
    CHECK(!sp_parse_hex(sp_str_of("0"), back, &len) && !sp_parse_hex(sp_str_of("0g"), back, &len));
}

static void booleans(void)
{
    bool v = false;
    CHECK(sp_parse_bool(sp_str_of("TRUE"), &v) && v);
    CHECK(sp_parse_bool(sp_str_of("off"), &v) && !v);
    CHECK(!sp_parse_bool(sp_str_of("truely"), &v) && !sp_parse_bool(sp_str_of(""), &v));
}

static void dates(void)
{
    CHECK_PUT(sp_put_date(text, 0), "1970-01-01");
    CHECK_PUT(sp_put_date(text, 19782), "2024-02-29");
    CHECK_PUT(sp_put_date(text, sp_days_from_civil(1, 1, 1)), "0001-01-01");
    CHECK_PUT(sp_put_date(text, sp_days_from_civil(0, 12, 31)), "0001-12-31 BC");
    CHECK_PUT(sp_put_date(text, sp_days_from_civil(-43, 3, 15)), "0044-03-15 BC");
    CHECK_PUT(sp_put_date(text, sp_days_from_civil(9999, 12, 31)), "9999-12-31");
    CHECK_PUT(sp_put_date(text, sp_days_from_civil(10000, 1, 1)), "10000-01-01");
    CHECK_PUT(sp_put_date(text, INT32_MAX - 1), "5881580-07-10");
    CHECK_PUT(sp_put_date(text, SP_DATE_INFINITY), "infinity");
    CHECK_PUT(sp_put_date_iso(text, -SP_DATE_INFINITY), "-infinity");
    CHECK_PUT(sp_put_date(text, INT32_MIN), "5877642-06-23 BC");
    CHECK_PUT(sp_put_date_iso(text, 19782), "2024-02-29");
    CHECK_PUT(sp_put_date_iso(text, sp_days_from_civil(-43, 3, 15)), "-000043-03-15");
    CHECK_PUT(sp_put_date_iso(text, sp_days_from_civil(12345, 3, 15)), "+012345-03-15");
}

static void timestamps(void)
{
    int64_t noon = 19782 * SP_US_PER_DAY + (10 * 3600 + 11 * 60 + 12) * SP_US_PER_SECOND;
    CHECK_PUT(sp_put_timestamp(text, noon), "2024-02-29 10:11:12");
    CHECK_PUT(sp_put_timestamp(text, noon + 500000), "2024-02-29 10:11:12.5");
    CHECK_PUT(sp_put_timestamp(text, noon + 1), "2024-02-29 10:11:12.000001");
    CHECK_PUT(sp_put_timestamp(text, noon + 123456), "2024-02-29 10:11:12.123456");
    CHECK_PUT(sp_put_timestamptz(text, noon + 500000), "2024-02-29 10:11:12.5+00");
    CHECK_PUT(sp_put_timestamp_iso(text, noon + 500000), "2024-02-29T10:11:12.5");
    CHECK_PUT(sp_put_timestamp(text, -1), "1969-12-31 23:59:59.999999");
    CHECK_PUT(sp_put_timestamptz(text, INT64_MAX - 1), "294247-01-10 04:00:54.775806+00");
    CHECK_PUT(sp_put_timestamptz(text, SP_TIMESTAMP_INFINITY), "infinity");
    CHECK_PUT(sp_put_timestamptz_iso(text, -SP_TIMESTAMP_INFINITY), "-infinity");
    CHECK_PUT(sp_put_timestamptz(text, INT64_MIN), "290309-12-21 19:59:05.224192+00 BC");
    CHECK_PUT(sp_put_time(text, 0), "00:00:00");
    CHECK_PUT(sp_put_time(text, SP_US_PER_DAY), "24:00:00");
    CHECK_PUT(sp_put_time(text, SP_US_PER_DAY - 10), "23:59:59.99999");
    CHECK(sp_put_time(fenced(), INT64_MIN) - text <= SP_TIMESTAMP_TEXT_MAX);
    bool same = true;
    for (int i = 0; i < 300000; i++) {
        time_t seconds = (time_t)(random64() % UINT64_C(253402300800)); /* until 9999 */
        struct tm tm;
        char want[64];
        gmtime_r(&seconds, &tm);
        size_t n = strftime(want, sizeof want, "%Y-%m-%d %H:%M:%S", &tm);
        char *end = sp_put_timestamp(fenced(), (int64_t)seconds * SP_US_PER_SECOND);
        same &= (size_t)(end - text) == n && memcmp(text, want, n) == 0 && within_slack(end);
    }
    CHECK(same);
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    printf("# seed %" PRIu64 " (give it as the argument to repeat)\n", seed);
    RUN(pow10_table);
    RUN(integers);
    RUN(integers_refused);
    RUN(decimals);
    RUN(decimals_read);
    RUN(doubles);
    RUN(doubles_round_trip);
    RUN(floats);
    RUN(doubles_refused);
    RUN(uuids);
    RUN(digits_of_many);
    RUN(columns_of_numbers);
    RUN(columns_of_times);
    RUN(columns_of_whole_seconds);
    RUN(columns_of_uuids);
    RUN(hex);
    RUN(booleans);
    RUN(dates);
    RUN(timestamps);
    return check_done();
}
