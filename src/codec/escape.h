/* escape.h - private to codec: characters that a dialect has to escape, looked for sixteen at a time while text is copied.
 *
 * Text is read, and written, up to fifteen bytes past its end: whoever calls has SP_SLACK behind both. */
#ifndef SP_CODEC_ESCAPE_H
#define SP_CODEC_ESCAPE_H

#include "base/base.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define INLINE __attribute__((always_inline)) static inline

typedef enum escape {
    CSV_PROBE,  /* what makes a CSV field need quotes */
    CSV_SEARCH, /* and what may, for put_csv to decide */
    CSV_COMMA,  /* the same, in text that may stand between quotes as it is */
    CSV_QUOTED, /* inside them: " becomes "" */
    COPY_ESCAPE,
    JSON_ESCAPE,
    SQL_ESCAPE,   /* ' becomes '' */
    JSON_INLINE,  /* JSON kept on one line: line breaks, legal between tokens only, become spaces */
    ARRAY_QUOTED, /* inside a quoted array element: \" and \\ */
} escape;

static inline bool is_special(uint8_t c, escape how)
{
    switch (how) {
    case CSV_PROBE: return c == '"' || c == ',' || c == '\n' || c == '\r';
    case CSV_SEARCH: return is_special(c, CSV_PROBE) || c == '\\';
    case CSV_COMMA: return c == ',';
    case CSV_QUOTED: return c == '"';
    case COPY_ESCAPE: return c == '\\' || c == '\t' || c == '\n' || c == '\r';
    case JSON_ESCAPE: return c == '"' || c == '\\' || c < 0x20;
    case SQL_ESCAPE: return c == '\'';
    case JSON_INLINE: return c == '\n' || c == '\r';
    case ARRAY_QUOTED: return c == '"' || c == '\\';
    }
    return false;
}

/* Copies sixteen bytes; bit i of the result is set when byte i needs escaping. */
#if defined(__SSE2__)
static inline __m128i special_bytes(__m128i x, escape how)
{
    __m128i hit = _mm_setzero_si128();
#define LOOK_FOR(c) hit = _mm_or_si128(hit, _mm_cmpeq_epi8(x, _mm_set1_epi8(c)))
    if (how == CSV_PROBE || how == CSV_SEARCH || how == CSV_QUOTED || how == JSON_ESCAPE || how == ARRAY_QUOTED)
        LOOK_FOR('"');
    if (how == CSV_SEARCH || how == COPY_ESCAPE || how == JSON_ESCAPE || how == ARRAY_QUOTED)
        LOOK_FOR('\\');
    if (how == CSV_PROBE || how == CSV_SEARCH || how == COPY_ESCAPE || how == JSON_INLINE) {
        LOOK_FOR('\n');
        LOOK_FOR('\r');
    }
    if (how == CSV_PROBE || how == CSV_SEARCH || how == CSV_COMMA)
        LOOK_FOR(',');
    if (how == COPY_ESCAPE)
        LOOK_FOR('\t');
    if (how == SQL_ESCAPE)
        LOOK_FOR('\'');
    if (how == JSON_ESCAPE) /* below 0x20 as unsigned bytes */
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x));
#undef LOOK_FOR
    return hit;
}

static inline unsigned copy_and_search(char *to, const char *from, escape how)
{
    __m128i x = _mm_loadu_si128((const __m128i *)from);
    _mm_storeu_si128((__m128i *)to, x);
    return (unsigned)_mm_movemask_epi8(special_bytes(x, how));
}

/* Is there anything to escape in a whole column's text? Reads up to fifteen bytes past the end. */
INLINE bool has_special(const char *s, size_t len, escape how)
{
    __m128i hit = _mm_setzero_si128();
    for (; len >= 16; s += 16, len -= 16)
        hit = _mm_or_si128(hit, special_bytes(_mm_loadu_si128((const __m128i *)s), how));
    unsigned last = (unsigned)_mm_movemask_epi8(special_bytes(_mm_loadu_si128((const __m128i *)s), how));
    return _mm_movemask_epi8(hit) != 0 || (last & ((1u << len) - 1)) != 0;
}
#else
static inline unsigned copy_and_search(char *to, const char *from, escape how)
{
    unsigned hits = 0;
    for (unsigned i = 0; i < 16; i++) {
        to[i] = from[i];
        hits |= (unsigned)is_special((uint8_t)from[i], how) << i;
    }
    return hits;
}

static inline bool has_special(const char *s, size_t len, escape how)
{
    bool found = false;
    for (size_t i = 0; i < len; i++)
        found |= is_special((uint8_t)s[i], how);
    return found;
}
#endif

static inline char *put_json_escape(char *p, uint8_t c)
{
    static const char short_forms[] = "btn?fr"; /* for 8..13 */
    *p++ = '\\';
    if (c == '"' || c == '\\') {
        *p++ = (char)c;
    } else if (c >= 8 && c <= 13 && c != 11) {
        *p++ = short_forms[c - 8];
    } else {
        memcpy(p, "u00", 3);
        p = sp_put_hex(p + 3, &c, 1);
    }
    return p;
}

static inline char *put_escaped_char(char *p, char c, escape how)
{
    switch (how) {
    case JSON_ESCAPE: return put_json_escape(p, (uint8_t)c);
    case JSON_INLINE: *p++ = ' '; return p;
    case COPY_ESCAPE:
        *p++ = '\\';
        *p++ = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c;
        return p;
    case ARRAY_QUOTED:
        *p++ = '\\';
        *p++ = c;
        return p;
    default:
        *p++ = c;
        *p++ = c;
        return p;
    }
}

/* Reads and writes up to fifteen bytes past the end. */
INLINE char *put_escaped(char *p, const char *s, size_t len, escape how)
{
    for (;;) {
        unsigned hits = copy_and_search(p, s, how);
        if (len < 16)
            hits &= (1u << len) - 1;
        if (SP_LIKELY(hits == 0)) {
            if (len <= 16)
                return p + len;
            p += 16, s += 16, len -= 16;
            continue;
        }
        unsigned plain = (unsigned)__builtin_ctz(hits);
        p = put_escaped_char(p + plain, s[plain], how);
        s += plain + 1, len -= plain + 1;
    }
}

static __attribute__((noinline, unused)) char *put_csv_quoted(char *p, const char *s, size_t len)
{
    *p++ = '"';
    p = put_escaped(p, s, len, CSV_QUOTED);
    *p++ = '"';
    return p;
}

/* "\." alone on a line ends the data for PostgreSQL's \copy, so it is quoted as the server itself does. */
static inline char *put_csv(char *p, const char *s, size_t len)
{
    char *to = p;
    const char *from = s;
    for (size_t left = len;; to += 16, from += 16, left -= 16) {
        unsigned hits = copy_and_search(to, from, CSV_PROBE);
        if (left < 16)
            hits &= (1u << left) - 1;
        if (SP_UNLIKELY(hits))
            return put_csv_quoted(p, s, len);
        if (left <= 16)
            break;
    }
    if (SP_UNLIKELY(len == 0 || (len == 2 && s[0] == '\\' && s[1] == '.')))
        return put_csv_quoted(p, s, len);
    return p + len;
}

#endif
