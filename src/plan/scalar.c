/* scalar.c - the texts of a plan as numbers. A plan's numbers are written by people: grouped with
 * "_", or as 10k and 5%. */
#include "plan/document.h"

#include <math.h>

enum { DIGITS_MAX = 64 };

/* Without the "_" between digits. False when one stands elsewhere, or when it is too long for a
 * number. */
static bool ungroup(sp_str s, char buf[DIGITS_MAX], sp_str *plain)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '_') {
            bool between = i > 0 && i + 1 < s.len && s.p[i - 1] != '_' && s.p[i - 1] != '.';
            if (!between || s.p[i + 1] == '.')
                return false;
            continue;
        }
        if (n == DIGITS_MAX)
            return false;
        buf[n++] = s.p[i];
    }
    *plain = (sp_str){buf, n};
    return n > 0;
}

static bool parse_hex(sp_str s, uint64_t *v)
{
    if (s.len < 3 || s.len > 18 || s.p[0] != '0' || (s.p[1] != 'x' && s.p[1] != 'X'))
        return false;
    uint64_t sum = 0;
    for (size_t i = 2; i < s.len; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF", *found = strchr(digits, s.p[i]);
        if (!found || !*found)
            return false;
        sum = sum << 4 | ((size_t)(found - digits) & 15);
    }
    *v = sum;
    return true;
}

/* 5.0 and 1e6 are whole numbers too. */
static bool parse_whole(sp_str s, int64_t *v)
{
    uint64_t hex;
    double f;
    if (sp_parse_i64(s, v))
        return true;
    if (parse_hex(s, &hex)) {
        *v = (int64_t)hex;
        return hex <= INT64_MAX;
    }
    if (!sp_parse_f64(s, &f) || !(fabs(f) <= 0x1p53) || f != floor(f))
        return false;
    *v = (int64_t)f;
    return true;
}

bool sp_scalar_i64(sp_str s, int64_t *v)
{
    char buf[DIGITS_MAX];
    return ungroup(s, buf, &s) && parse_whole(s, v);
}

bool sp_scalar_u64(sp_str s, uint64_t *v)
{
    char buf[DIGITS_MAX];
    int64_t whole;
    if (!ungroup(s, buf, &s))
        return false;
    if (sp_parse_u64(s, v) || parse_hex(s, v))
        return true;
    if (!parse_whole(s, &whole) || whole < 0)
        return false;
    *v = (uint64_t)whole;
    return true;
}

bool sp_scalar_f64(sp_str s, double *v)
{
    char buf[DIGITS_MAX];
    double f;
    if (!ungroup(s, buf, &s) || !sp_parse_f64(s, &f) || !isfinite(f))
        return false;
    *v = f;
    return true;
}

bool sp_scalar_decimal(sp_str s, unsigned scale, int64_t *v)
{
    char buf[DIGITS_MAX];
    return ungroup(s, buf, &s) && sp_parse_decimal(s, scale, v);
}

bool sp_scalar_rows(sp_str s, int64_t *v)
{
    static const struct {
        char letter;
        unsigned zeros;
    } suffixes[] = {{'k', 3}, {'m', 6}, {'g', 9}};
    char buf[DIGITS_MAX];
    if (!ungroup(s, buf, &s))
        return false;
    for (size_t i = 0; i < SP_COUNT(suffixes); i++)
        if ((s.p[s.len - 1] | 0x20) == suffixes[i].letter)
            return sp_parse_decimal((sp_str){s.p, s.len - 1}, suffixes[i].zeros, v);
    return parse_whole(s, v);
}

bool sp_scalar_rate(sp_str s, double *v)
{
    bool percent = s.len > 1 && s.p[s.len - 1] == '%';
    if (percent)
        s.len--;
    while (percent && s.len && s.p[s.len - 1] == ' ')
        s.len--;
    if (!sp_scalar_f64(s, v))
        return false;
    *v /= percent ? 100 : 1;
    return true;
}
