/* text.c - comparing strings, UTF-8, and the nearest word for a misspelt one. */
#include "base/base.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool sp_str_among(sp_str s, const sp_str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sp_str_eq(list[i], s))
            return true;
    return false;
}

bool sp_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

sp_str sp_str_trim(sp_str s)
{
    while (s.len && sp_is_space(s.p[0]))
        s.p++, s.len--;
    while (s.len && sp_is_space(s.p[s.len - 1]))
        s.len--;
    return s;
}

bool sp_str_eq(sp_str a, sp_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool sp_str_ieq(sp_str a, const char *word)
{
    for (size_t i = 0; i < a.len; i++)
        if (word[i] == '\0' || lower(a.p[i]) != lower(word[i]))
            return false;
    return word[a.len] == '\0';
}

/* The bytes of the sequence at p (1..4), or 0 when it is not one: RFC 3629, table 3-7 of the Unicode standard. */
static size_t sequence_len(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
        return 0;
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool sp_utf8_valid(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    while (p < end) {
        uint64_t eight;
        while (end - p >= 8 && (memcpy(&eight, p, 8), (eight & UINT64_C(0x8080808080808080)) == 0))
            p += 8;
        if (p == end)
            break;
        size_t n = sequence_len(p, (size_t)(end - p));
        if (!n)
            return false;
        p += n;
    }
    return true;
}

/* Edits (insert, delete, replace, swap neighbours) between a and b, ASCII case ignored; more than 63 bytes: far apart. */
static unsigned edits(sp_str a, sp_str b)
{
    enum { LEN_MAX = 63 };
    if (a.len > LEN_MAX || b.len > LEN_MAX)
        return LEN_MAX;
    unsigned rows[3][LEN_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            char ca = lower(a.p[i - 1]), cb = lower(b.p[j - 1]);
            unsigned best = last[j - 1] + (ca != cb);
            best = SP_MIN(best, last[j] + 1);
            best = SP_MIN(best, now[j - 1] + 1);
            if (i > 1 && j > 1 && ca == lower(b.p[j - 2]) && lower(a.p[i - 2]) == cb)
                best = SP_MIN(best, before[j - 2] + 1);
            now[j] = best;
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b.len];
}

const char *sp_nearest(sp_str word, const char *const *words, size_t count)
{
    const char *best = NULL;
    unsigned least = (unsigned)SP_MAX(word.len / 3, (size_t)1) + 1;
    for (size_t i = 0; i < count; i++) {
        unsigned d = edits(word, sp_str_of(words[i]));
        if (d < least) {
            least = d;
            best = words[i];
        }
    }
    return best;
}
