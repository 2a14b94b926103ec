/* time.c - the calendar: days and microseconds to civil time and back, and the texts people write times and durations
 * in. Proleptic Gregorian, UTC, no leap seconds, no clock. Exact for every int32 day. */
#include "base/base.h"
#include "base/civil.h"

/* The inverse of civil_from_days, after the same paper: years from March, months by the line (979 m - 2919) / 32. */
int32_t sp_days_from_civil(int32_t year, unsigned month, unsigned day)
{
    bool next_year = month <= 2;
    uint64_t y = (uint64_t)((int64_t)year + 400 * (int64_t)CIVIL_CYCLES) - next_year;
    uint64_t m = next_year ? month + 12 : month;
    uint64_t century = y / 100;
    uint64_t days = 1461 * y / 4 - century + century / 4 + (979 * m - 2919) / 32 + day - 1;
    return (int32_t)((int64_t)days - (int64_t)CIVIL_EPOCH_SHIFT);
}

void sp_civil_from_days(int32_t days, int32_t *year, unsigned *month, unsigned *day)
{
    civil_date d = civil_from_days(days);
    *year = d.year;
    *month = d.month;
    *day = d.day;
}

void sp_civil_from_us(int64_t us, sp_civil *c)
{
    int64_t days = us / SP_US_PER_DAY, rest = us % SP_US_PER_DAY;
    if (rest < 0) {
        days--;
        rest += SP_US_PER_DAY;
    }
    civil_date d = civil_from_days((int32_t)days);
    uint32_t seconds = (uint32_t)(rest / SP_US_PER_SECOND);
    *c = (sp_civil){.year = d.year,
                    .month = (uint8_t)d.month,
                    .day = (uint8_t)d.day,
                    .hour = (uint8_t)(seconds / 3600),
                    .minute = (uint8_t)(seconds / 60 % 60),
                    .second = (uint8_t)(seconds % 60),
                    .microsecond = (int32_t)(rest % SP_US_PER_SECOND)};
}

/* ---- reading: each take_ moves s behind what it took, or leaves it alone and says no -------- */

static bool take_char(sp_str *s, char c)
{
    if (s->len == 0 || s->p[0] != c)
        return false;
    *s = (sp_str){s->p + 1, s->len - 1};
    return true;
}

static unsigned leading_digits(sp_str s)
{
    unsigned n = 0;
    while (n < s.len && (unsigned)(s.p[n] - '0') < 10)
        n++;
    return n;
}

/* Between min and max (at most 9) digits. */
static bool take_number(sp_str *s, unsigned min, unsigned max, unsigned *v)
{
    unsigned n = leading_digits(*s);
    if (n < min || n > max)
        return false;
    *v = 0;
    for (unsigned i = 0; i < n; i++)
        *v = *v * 10 + (unsigned)(s->p[i] - '0');
    *s = (sp_str){s->p + n, s->len - n};
    return true;
}

static unsigned days_in_month(int32_t year, unsigned month)
{
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap);
}

/* Year of four to six digits, month and day of one or two (YAML 1.2 timestamps allow one). */
static bool take_date(sp_str *s, int32_t *days)
{
    unsigned year, month, day;
    if (!take_number(s, 4, 6, &year) || !take_char(s, '-') || !take_number(s, 1, 2, &month) || !take_char(s, '-') ||
        !take_number(s, 1, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month((int32_t)year, month))
        return false;
    *days = sp_days_from_civil((int32_t)year, month, day);
    return true;
}

/* ".25" in units of 10^-digits; what is finer is cut off. True when there is no fraction at all. */
static bool take_fraction(sp_str *s, unsigned digits, int64_t *v)
{
    *v = 0;
    if (!take_char(s, '.'))
        return true;
    unsigned n = leading_digits(*s);
    for (unsigned i = 0; i < digits; i++)
        *v = *v * 10 + (i < n ? s->p[i] - '0' : 0);
    *s = (sp_str){s->p + n, s->len - n};
    return n > 0;
}

/* 10:11, 10:11:12, 10:11:12.25; 24:00:00 is the end of a day. */
static bool take_time(sp_str *s, int64_t *us)
{
    unsigned hour, minute, second = 0;
    int64_t fraction = 0;
    if (!take_number(s, 1, 2, &hour) || !take_char(s, ':') || !take_number(s, 2, 2, &minute))
        return false;
    if (take_char(s, ':') && !(take_number(s, 2, 2, &second) && take_fraction(s, 6, &fraction)))
        return false;
    if (hour > 24 || minute > 59 || second > 59)
        return false;
    *us = (int64_t)(hour * 3600 + minute * 60 + second) * SP_US_PER_SECOND + fraction;
    return *us <= SP_US_PER_DAY;
}

/* Z, +02, +02:00, +0200 or nothing, as microseconds east of Greenwich. */
static bool take_zone(sp_str *s, int64_t *us)
{
    *us = 0;
    while (take_char(s, ' '))
        ;
    if (s->len == 0 || take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    bool west = s->p[0] == '-';
    if (!take_char(s, '-') && !take_char(s, '+'))
        return false;
    unsigned hours, minutes = 0;
    if (take_number(s, 4, 4, &hours)) {
        minutes = hours % 100;
        hours /= 100;
    } else if (!take_number(s, 1, 2, &hours) || (take_char(s, ':') && !take_number(s, 2, 2, &minutes))) {
        return false;
    }
    if (hours > 15 || minutes > 59)
        return false;
    *us = (int64_t)(hours * 3600 + minutes * 60) * SP_US_PER_SECOND * (west ? -1 : 1);
    return true;
}

bool sp_parse_date(sp_str s, int32_t *days)
{
    int32_t d;
    if (!take_date(&s, &d) || s.len > 0)
        return false;
    *days = d;
    return true;
}

bool sp_parse_time(sp_str s, int64_t *us)
{
    int64_t t;
    if (!take_time(&s, &t) || s.len > 0)
        return false;
    *us = t;
    return true;
}

bool sp_is_zoned_time(sp_str s)
{
    int64_t time, zone;
    return take_time(&s, &time) && s.len > 0 && take_zone(&s, &zone) && s.len == 0;
}

bool sp_parse_timestamp(sp_str s, int64_t *us)
{
    int32_t days;
    int64_t time = 0, zone = 0;
    if (!take_date(&s, &days))
        return false;
    if (s.len > 0) {
        if (!take_char(&s, 'T') && !take_char(&s, 't') && !take_char(&s, ' '))
            return false;
        while (take_char(&s, ' '))
            ;
        if (!take_time(&s, &time) || !take_zone(&s, &zone) || s.len > 0)
            return false;
    }
    if (days > 106000000) /* the year 292188: what int64 microseconds hold, and a little less */
        return false;
    *us = days * SP_US_PER_DAY + time - zone;
    return true;
}

/* ---- durations ------------------------------------------------------------------------------ */

static int64_t take_duration_unit(sp_str *s)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        {"ns", 1},         {"us", 1000},      {"\u00b5s", 1000}, /* micro sign */
        {"\u03bcs", 1000},                                       /* Greek mu */
        {"ms", 1000000},   {"s", 1000000000}, {"m", INT64_C(60000000000)}, {"h", INT64_C(3600000000000)},
    };
    for (size_t i = 0; i < SP_COUNT(units); i++) {
        size_t n = strlen(units[i].name);
        if (s->len >= n && memcmp(s->p, units[i].name, n) == 0) {
            *s = (sp_str){s->p + n, s->len - n};
            return units[i].ns;
        }
    }
    return 0;
}

/* One "1.5h". The fraction is worked out in integers: digits beyond a nanosecond are cut off, as Go does. */
static bool take_duration_part(sp_str *s, uint64_t *total)
{
    unsigned n = leading_digits(*s);
    uint64_t whole = 0, fraction = 0;
    if (n > 0 && !sp_parse_u64((sp_str){s->p, n}, &whole))
        return false;
    *s = (sp_str){s->p + n, s->len - n};
    unsigned behind = 0;
    if (take_char(s, '.')) {
        behind = leading_digits(*s);
        for (unsigned i = 0; i < 15; i++)
            fraction = fraction * 10 + (i < behind ? (uint64_t)(s->p[i] - '0') : 0);
        *s = (sp_str){s->p + behind, s->len - behind};
    }
    uint64_t unit = (uint64_t)take_duration_unit(s);
    if (n + behind == 0 || unit == 0)
        return false;
    /* fraction * unit / 10^15, exactly: the product has up to 92 bits. */
    uint64_t part = (uint64_t)((unsigned __int128)fraction * unit / sp_pow10[15]);
    return !__builtin_mul_overflow(whole, unit, &whole) && !__builtin_add_overflow(*total, whole, total) &&
           !__builtin_add_overflow(*total, part, total);
}

bool sp_parse_duration_ns(sp_str s, int64_t *ns)
{
    if (sp_parse_i64(s, ns))
        return true;
    bool negative = s.len > 0 && s.p[0] == '-';
    if (!take_char(&s, '-'))
        take_char(&s, '+');
    uint64_t total = 0;
    if (s.len == 0)
        return false;
    while (s.len > 0) {
        if (!take_duration_part(&s, &total))
            return false;
    }
    if (total > (uint64_t)INT64_MAX + negative)
        return false;
    *ns = (int64_t)(negative ? -total : total);
    return true;
}
