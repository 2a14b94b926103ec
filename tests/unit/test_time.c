/* test_time.c - the calendar against a naive one that counts day by day, and the texts of times and durations. */
#include "base/base.h"
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

static bool leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_length(int64_t year, unsigned month)
{
    static const unsigned lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && leap(year));
}

static bool day_agrees(int32_t days, int32_t year, unsigned month, unsigned day)
{
    int32_t y;
    unsigned m, d;
    sp_civil_from_days(days, &y, &m, &d);
    bool same = y == year && m == month && d == day && sp_days_from_civil(year, month, day) == days;
    if (!same)
        printf("# day %d is %d-%u-%u, expected %d-%u-%u\n", days, y, m, d, year, month, day);
    return same;
}

/* Every day of the years -4800..9999, counted. */
static void every_day_of_history(void)
{
    int64_t days = 0;
    for (int64_t year = 1969; year >= -4800; year--)
        days -= leap(year) ? 366 : 365;
    bool same = true;
    for (int32_t year = -4800; year <= 9999 && same; year++)
        for (unsigned month = 1; month <= 12; month++)
            for (unsigned day = 1; day <= month_length(year, month); day++)
                same &= day_agrees((int32_t)days++, year, month, day);
    CHECK(same);
}

/* The first and last day of every month of every year that has an int32 day: where an error would show. */
static void every_month_of_int32(void)
{
    int64_t days = 0;
    int32_t first_year = 1970;
    while (days >= INT32_MIN)
        days -= leap(--first_year) ? 366 : 365;
    bool same = true;
    for (int32_t year = first_year; days <= INT32_MAX && same; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            unsigned last = month_length(year, month);
            if (days >= INT32_MIN && days <= INT32_MAX)
                same &= day_agrees((int32_t)days, year, month, 1);
            days += last;
            if (days - 1 >= INT32_MIN && days - 1 <= INT32_MAX)
                same &= day_agrees((int32_t)(days - 1), year, month, last);
        }
    }
    CHECK(same);
    CHECK(day_agrees(INT32_MAX, 5881580, 7, 11));
    CHECK(day_agrees(INT32_MIN, -5877641, 6, 23));
}

static void microseconds(void)
{
    sp_civil c;
    sp_civil_from_us(-1, &c);
    CHECK_INT(c.year, 1969);
    CHECK_INT(c.month * 100 + c.day, 1231);
    CHECK_INT(c.hour * 10000 + c.minute * 100 + c.second, 235959);
    CHECK_INT(c.microsecond, 999999);
    sp_civil_from_us(INT64_MAX, &c);
    CHECK_INT(c.year, 294247);
    CHECK_INT(c.microsecond, 775807);
    sp_civil_from_us(INT64_MIN, &c);
    CHECK_INT(c.year, -290308);
    CHECK_INT(c.microsecond, 224192);
}

#define AT(y, mo, d, h, mi, s, us) \
    (sp_days_from_civil(y, mo, d) * SP_US_PER_DAY + ((h)*3600 + (mi)*60 + (s)) * SP_US_PER_SECOND + (us))

static void timestamps_read(void)
{
    static const struct {
        const char *text;
        int y, mo, d, h, mi, s, us;
    } cases[] = {
        {"2024-02-29", 2024, 2, 29, 0, 0, 0, 0},
        {"2024-02-29T10:11:12.5Z", 2024, 2, 29, 10, 11, 12, 500000},
        {"2024-02-29 10:11:12+02:00", 2024, 2, 29, 8, 11, 12, 0},
        {"2024-02-29 10:11:12 -0530", 2024, 2, 29, 15, 41, 12, 0},
        {"2024-02-29t10:11:12-5", 2024, 2, 29, 15, 11, 12, 0},
        {"2001-12-14 21:59:43.10 -5", 2001, 12, 15, 2, 59, 43, 100000},
        {"2001-1-2 1:02:03.1234569", 2001, 1, 2, 1, 2, 3, 123456},
        {"0001-01-01 00:00", 1, 1, 1, 0, 0, 0, 0},
        {"2024-12-31T24:00:00Z", 2025, 1, 1, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        int64_t us = 0;
        if (!CHECK(sp_parse_timestamp(sp_str_of(cases[i].text), &us) &&
                   us == AT(cases[i].y, cases[i].mo, cases[i].d, cases[i].h, cases[i].mi, cases[i].s, cases[i].us)))
            printf("# of \"%s\"\n", cases[i].text);
    }
}

static void timestamps_refused(void)
{
    static const char *const bad[] = {"",
                                      "2023-02-29",
                                      "2024-13-01",
                                      "2024-00-01",
                                      "2024-1",
                                      "24-01-01",
                                      "2024-01-01T",
                                      "2024-01-01T25:00:00",
                                      "2024-01-32",
                                      "2024-01-01 10:60:00",
                                      "2024-01-01 10:00:60",
                                      "2024-01-01 10:00:00.",
                                      "2024-01-01x",
                                      "2024-01-01 10",
                                      "2024-01-01 10:00:00+",
                                      "2024-01-01 10:00:00+2x",
                                      "1900-02-29",
                                      "2024-01-01 24:00:01",
                                      "999999-01-01",
                                      "2024-01-01 10:00:00Zz"};
    int64_t us;
    for (size_t i = 0; i < SP_COUNT(bad); i++)
        if (!CHECK(!sp_parse_timestamp(sp_str_of(bad[i]), &us)))
            printf("# read \"%s\"\n", bad[i]);
    int32_t days;
    CHECK(!sp_parse_date(sp_str_of("2024-01-01 10:00"), &days));
    CHECK(sp_parse_date(sp_str_of("1969-12-31"), &days) && days == -1);
    CHECK(sp_parse_time(sp_str_of("10:11:12.25"), &us) && us == INT64_C(36672250000));
    CHECK(!sp_parse_time(sp_str_of("10"), &us) && !sp_parse_time(sp_str_of("10:11:12Z"), &us));
}

static void durations(void)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"1h30m", INT64_C(5400000000000)},
        {"250ms", 250000000},
        {"-1.5h", INT64_C(-5400000000000)},
        {"+5s", INT64_C(5000000000)},
        {"42", 42},
        {"-42", -42},
        {"0", 0},
        {"1us", 1000},
        {"1\u00b5s", 1000},
        {"1\u03bcs", 1000},
        {".5s", 500000000},
        {"1.s", INT64_C(1000000000)},
        {"1h2m3.004005006s", INT64_C(3723004005006)},
        {"2562047h47m16.854775807s", INT64_MAX},
        {"-2562047h47m16.854775808s", INT64_MIN},
        {"0.000000001s", 1},
        {"1.9ns", 1},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        int64_t ns = 0;
        if (!CHECK(sp_parse_duration_ns(sp_str_of(cases[i].text), &ns) && ns == cases[i].ns))
            printf("# of \"%s\": %" PRId64 "\n", cases[i].text, ns);
    }
    static const char *const bad[] = {
        "", "-", "h", "1x", "1h30", ".s", "1h 30m", "--1h", "2562047h47m16.854775808s", "99999999999999999999h"};
    int64_t ns;
    for (size_t i = 0; i < SP_COUNT(bad); i++)
        if (!CHECK(!sp_parse_duration_ns(sp_str_of(bad[i]), &ns)))
            printf("# read \"%s\"\n", bad[i]);
}

int main(void)
{
    RUN(every_day_of_history);
    RUN(every_month_of_int32);
    RUN(microseconds);
    RUN(timestamps_read);
    RUN(timestamps_refused);
    RUN(durations);
    return check_done();
}
