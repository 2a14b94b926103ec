/* eval_text.c - steps that make texts, and the length of one: a row's text at a time, into a column that has room for the longest.
 *
 * Characters are those of UTF-8. Letters have another case where both are as long: ASCII, Latin, Greek and Cyrillic. */
#include "gen/eval.h"

/* A step that makes each row's text by one call of put, which writes it at p and returns its end. */
typedef char *put_fn(const sp_step *s, const sp_rows *r, uint32_t i, char *p);

static int put_texts(const sp_step *s, const sp_rows *r, sp_column *out, put_fn *put)
{
    sp_join_nulls(s, r, out);
    if (sp_column_reserve_bytes(out, (size_t)r->n * s->text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        p = put(s, r, i, p);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    return SPATE_OK;
}
#define TEXTS(name, put) \
    int name(const sp_step *s, const sp_rows *r, sp_column *out) \
    { \
        return put_texts(s, r, out, put); \
    }

static sp_str text_of(const sp_step *s, const sp_rows *r, uint32_t a, uint32_t i)
{
    return sp_column_str(sp_step_arg(s, r, a), i);
}

static int64_t word_of(const sp_step *s, const sp_rows *r, uint32_t a, uint32_t i)
{
    return ((const int64_t *)sp_step_arg(s, r, a)->data)[i];
}

static char *put(char *p, sp_str text)
{
    return sp_copy_short(p, text.p, text.len); /* columns have room to read and to write behind their texts */
}

/* Any value as text. */
static char *put_text(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    const sp_step *from = s->args[0];
    if (sp_step_is_float(from))
        return sp_put_f64(p, ((const double *)sp_step_arg(s, r, 0)->data)[i]);
    int64_t v = word_of(s, r, 0, i);
    uint8_t truth = v != 0;
    int32_t day = (int32_t)v;
    sp_interval interval = {.us = v};
    switch (from->type.kind) {
    case SP_BOOL: return sp_put_value(p, from->type, &truth);
    case SP_DATE: return sp_put_value(p, from->type, &day);
    case SP_INTERVAL: return sp_put_value(p, from->type, &interval);
    default: return sp_put_value(p, from->type, &v);
    }
}

static char *put_concat(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    for (uint32_t a = 0; a < s->n_args; a++)
        p = put(p, text_of(s, r, a, i));
    return p;
}

/* The other case of letters of two bytes and less: ASCII, Latin, Greek and Cyrillic. Their lengths are the same. */
static bool is_pair(unsigned c, unsigned *first)
{
    bool even = (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14a && c <= 0x177);
    bool odd = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
    *first = even ? c & ~1u : ((c + 1) & ~1u) - 1; /* the capital letter stands before the small one */
    return even || odd;
}

static unsigned lower_of(unsigned c)
{
    unsigned first;
    bool by_32 = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
                 (c >= 0x410 && c <= 0x42f);
    return by_32 ? c + 32 : c >= 0x400 && c <= 0x40f ? c + 80 : is_pair(c, &first) ? first + 1 : c;
}

static unsigned upper_of(unsigned c)
{
    unsigned first;
    bool by_32 = (c >= 'a' && c <= 'z') || (c >= 0xe0 && c <= 0xfe && c != 0xf7) ||
                 (c >= 0x3b1 && c <= 0x3c9 && c != 0x3c2) || (c >= 0x430 && c <= 0x44f);
    return by_32 ? c - 32 : c >= 0x450 && c <= 0x45f ? c - 80 : is_pair(c, &first) ? first : c;
}

/* One character from *from to p, in the case that turn gives it. */
static char *put_character(char *p, const char **from, const char *end, unsigned (*turn)(unsigned))
{
    unsigned a = (uint8_t) * (*from)++;
    if (a < 0x80) {
        *p++ = (char)turn(a);
        return p;
    }
    if ((a & 0xe0) == 0xc0 && *from < end) {
        unsigned c = turn((a & 0x1f) << 6 | ((uint8_t) * (*from)++ & 0x3f));
        *p++ = (char)(0xc0 | c >> 6);
        *p++ = (char)(0x80 | (c & 0x3f));
        return p;
    }
    *p++ = (char)a;
    while (*from < end && (**from & 0xc0) == 0x80)
        *p++ = *(*from)++;
    return p;
}

void sp_capitalize(char *p, const char *end)
{
    put_character(p, (const char *[]){p}, end, upper_of); /* is as long as the small one */
}

#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight ASCII letters at once: a letter from first on, of 26, has its bit of 32 turned. */
static inline uint64_t turn_eight(uint64_t x, uint8_t first)
{
    uint64_t above = x + EIGHT(0x80 - first), beyond = x + EIGHT(0x80 - first - 26);
    return x ^ ((above & ~beyond & EIGHT(0x80)) >> 2);
}

/* first: the letter that turn begins with, in ASCII. */
static char *put_turned(sp_str v, char *p, unsigned (*turn)(unsigned), uint8_t first)
{
    const char *from = v.p, *end = v.p + v.len;
    uint64_t x;
    while (from < end) {
        memcpy(&x, from, 8); /* columns have room to read behind their texts */
        if (x & EIGHT(0x80)) {
            p = put_character(p, &from, end, turn);
            continue;
        }
        x = turn_eight(x, first);
        memcpy(p, &x, 8);
        size_t n = SP_MIN((size_t)(end - from), (size_t)8);
        p += n;
        from += n;
    }
    return p;
}

static char *put_lower(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    return put_turned(text_of(s, r, 0, i), p, lower_of, 'A');
}

static char *put_upper(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    return put_turned(text_of(s, r, 0, i), p, upper_of, 'a');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The first letter of every word large, the others small. */
static char *put_title(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    sp_str v = text_of(s, r, 0, i);
    const char *from = v.p, *end = v.p + v.len;
    bool inside = false;
    while (from < end) {
        bool letter = is_letter(*from) || is_digit(*from) || *from == '\'';
        p = put_character(p, &from, end, inside ? lower_of : upper_of);
        inside = letter;
    }
    return p;
}

/* Letters and digits of ASCII in lower case, with one - for whatever stands between them: for addresses and file names. */
static char *put_slug(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    sp_str v = text_of(s, r, 0, i);
    char *begin = p;
    bool gap = false;
    for (size_t k = 0; k < v.len; k++) {
        char c = v.p[k];
        if (c == '\'' || (c & 0x80))
            continue;
        bool good = is_letter(c) || is_digit(c);
        if (good && gap && p > begin)
            *p++ = '-';
        if (good)
            *p++ = (char)lower_of((unsigned)c);
        gap = !good;
    }
    return p;
}

static char *put_trim(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    sp_str v = text_of(s, r, 0, i);
    while (v.len && strchr(" \t\r\n", v.p[v.len - 1]))
        v.len--;
    while (v.len && strchr(" \t\r\n", *v.p))
        v.p++, v.len--;
    return put(p, v);
}

/* Where character number at begins; the end when there are fewer. */
static size_t offset_of(sp_str v, uint64_t at)
{
    size_t i = 0;
    while (i < v.len && at > 0) {
        for (i++; i < v.len && (v.p[i] & 0xc0) == 0x80;)
            i++;
        at--;
    }
    return i;
}

static uint64_t characters(sp_str v)
{
    uint64_t n = 0;
    for (size_t i = 0; i < v.len; i++)
        n += (v.p[i] & 0xc0) != 0x80;
    return n;
}

static char *put_part(char *p, sp_str v, uint64_t from, uint64_t count)
{
    size_t a = offset_of(v, from);
    sp_str rest = {v.p + a, v.len - a};
    return put(p, (sp_str){rest.p, offset_of(rest, count)});
}

/* From a character, counted from 1, so many; all that follow when it is not said. */
static char *put_substr(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    int64_t from = word_of(s, r, 1, i) - 1, count = s->n_args > 2 ? word_of(s, r, 2, i) : INT64_MAX / 2;
    if (from < 0) {
        count += from;
        from = 0;
    }
    return count > 0 ? put_part(p, text_of(s, r, 0, i), (uint64_t)from, (uint64_t)count) : p;
}

static char *put_left(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    int64_t count = word_of(s, r, 1, i);
    return count > 0 ? put_part(p, text_of(s, r, 0, i), 0, (uint64_t)count) : p;
}

static char *put_right(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    sp_str v = text_of(s, r, 0, i);
    uint64_t all = characters(v), count = (uint64_t)SP_MAX(word_of(s, r, 1, i), INT64_C(0));
    return put_part(p, v, all > count ? all - count : 0, count);
}

/* As many characters as s->word says, filled up in front with the first one of the third argument. */
static char *put_pad(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    sp_str v = text_of(s, r, 0, i), fill = text_of(s, r, 2, i);
    fill.len = offset_of(fill, 1);
    for (uint64_t n = characters(v); n < (uint64_t)s->word; n++)
        p = put(p, fill);
    return put(p, v);
}

static char *put_replaced(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    sp_str v = text_of(s, r, 0, i), old = text_of(s, r, 1, i), new = text_of(s, r, 2, i);
    const char *end = v.p + v.len, *hit;
    while (old.len && (hit = memmem(v.p, (size_t)(end - v.p), old.p, old.len))) {
        p = put(put(p, (sp_str){v.p, (size_t)(hit - v.p)}), new);
        v.p = hit + old.len;
    }
    return put(p, (sp_str){v.p, (size_t)(end - v.p)});
}

static char *put_sha256(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    sp_sha256_hex(text_of(s, r, 0, i), p);
    return p + SP_SHA256_TEXT;
}

static char *put_formatted(const sp_step *s, const sp_rows *r, uint32_t i, char *p)
{
    return sp_layout_put(s->layout, word_of(s, r, 0, i), p);
}

TEXTS(sp_run_text, put_text)
TEXTS(sp_run_concat, put_concat)
TEXTS(sp_run_lower, put_lower)
TEXTS(sp_run_upper, put_upper)
TEXTS(sp_run_title, put_title)
TEXTS(sp_run_slug, put_slug)
TEXTS(sp_run_trim, put_trim)
TEXTS(sp_run_substr, put_substr)
TEXTS(sp_run_left, put_left)
TEXTS(sp_run_right, put_right)
TEXTS(sp_run_pad, put_pad)
TEXTS(sp_run_replace, put_replaced)
TEXTS(sp_run_sha256, put_sha256)
TEXTS(sp_run_format, put_formatted)

int sp_run_length(const sp_step *s, const sp_rows *r, sp_column *out)
{
    sp_join_nulls(s, r, out);
    for (uint32_t i = 0; i < r->n; i++)
        ((int64_t *)out->data)[i] = (int64_t)characters(text_of(s, r, 0, i));
    return SPATE_OK;
}
