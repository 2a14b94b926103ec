/* json.c - the tokens of JSON: values passed over and checked on the way, strings without their escapes. */
#include "codec/json.h"

/* ---- tokens ------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_digits(sp_json *j)
{
    while (j->p < j->end && is_digit(*j->p))
        j->p++;
}

static bool skip_number(sp_json *j)
{
    const char *start = j->p;
    if (j->p < j->end && *j->p == '-')
        j->p++;
    const char *whole = j->p;
    skip_digits(j);
    if (j->p == whole || (*whole == '0' && j->p > whole + 1))
        return false;
    if (j->p < j->end && *j->p == '.') {
        const char *fraction = ++j->p;
        skip_digits(j);
        if (j->p == fraction)
            return false;
    }
    if (j->p < j->end && (*j->p | 0x20) == 'e') {
        j->p++;
        if (j->p < j->end && (*j->p == '+' || *j->p == '-'))
            j->p++;
        const char *exponent = j->p;
        skip_digits(j);
        if (j->p == exponent)
            return false;
    }
    return j->p > start;
}

bool sp_json_skip_word(sp_json *j, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(j->end - j->p) < len || memcmp(j->p, word, len) != 0)
        return false;
    j->p += len;
    return true;
}

static int hex4(const char *p, const char *end)
{
    uint8_t bytes[2];
    size_t n;
    return end - p >= 4 && sp_parse_hex((sp_str){p, 4}, bytes, &n) ? bytes[0] << 8 | bytes[1] : -1;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* Eight characters at a time while none of them is special. */
static void skip_plain(sp_json *j)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    for (uint64_t x; j->end - j->p >= 8; j->p += 8) {
        memcpy(&x, j->p, 8);
        uint64_t quote = x ^ ones * '"', slash = x ^ ones * '\\';
        if (((quote - ones) & ~quote & high) || ((slash - ones) & ~slash & high) || ((x - ones * 0x20) & ~x & high))
            break;
    }
    while (j->p < j->end && is_plain(*j->p))
        j->p++;
}

bool sp_json_take_string(sp_json *j, sp_str *raw, bool *escapes)
{
    const char *start = j->p;
    *escapes = false;
    for (;; j->p++) {
        skip_plain(j);
        if (j->p == j->end || (unsigned char)*j->p < 0x20)
            return false;
        if (*j->p == '"')
            break;
        *escapes = true;
        j->p++;
        if (j->p == j->end || !*j->p || !strchr("\"\\/bfnrtu", *j->p))
            return false;
        if (*j->p == 'u' && hex4(j->p + 1, j->end) < 0)
            return false;
    }
    *raw = (sp_str){start, (size_t)(j->p - start)};
    j->p++;
    return true;
}

static bool skip_members(sp_json *j, char close, unsigned depth)
{
    sp_str key;
    bool escapes;
    if (depth == SP_JSON_DEPTH_MAX)
        return false;
    if (sp_json_take(j, close))
        return true;
    do {
        if (close == '}' && !(sp_json_take(j, '"') && sp_json_take_string(j, &key, &escapes) && sp_json_take(j, ':')))
            return false;
        if (!sp_json_skip_value(j, depth + 1))
            return false;
    } while (sp_json_take(j, ','));
    return sp_json_take(j, close);
}

bool sp_json_skip_value(sp_json *j, unsigned depth)
{
    sp_str raw;
    bool escapes;
    sp_json_skip_space(j);
    switch (j->p < j->end ? *j->p : '\0') {
    case '{': j->p++; return skip_members(j, '}', depth);
    case '[': j->p++; return skip_members(j, ']', depth);
    case '"': j->p++; return sp_json_take_string(j, &raw, &escapes);
    case 't': return sp_json_skip_word(j, "true");
    case 'f': return sp_json_skip_word(j, "false");
    case 'n': return sp_json_skip_word(j, "null");
    default: return skip_number(j);
    }
}

bool sp_json_valid(sp_str text)
{
    sp_json j = {text.p, text.p + text.len};
    if (!sp_json_skip_value(&j, 0))
        return false;
    sp_json_skip_space(&j);
    return j.p == j.end;
}

/* ---- strings without their escapes ----------------------------------------------------------------- */

static char *put_utf8(char *p, uint32_t c)
{
    if (c < 0x80) {
        *p++ = (char)c;
        return p;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    *p++ = (char)(lead[more] | c >> 6 * more);
    while (more--)
        *p++ = (char)(0x80 | (c >> 6 * more & 0x3f));
    return p;
}

/* \uXXXX at s[*i]; half a surrogate pair alone is no character. */
static bool take_unicode(sp_str s, size_t *i, uint32_t *c)
{
    const char *end = s.p + s.len;
    *c = (uint32_t)hex4(s.p + *i + 2, end);
    *i += 6;
    if (*c < 0xd800 || *c > 0xdfff)
        return *c != 0;
    if (*c > 0xdbff || *i + 6 > s.len || s.p[*i] != '\\' || s.p[*i + 1] != 'u')
        return false;
    int low = hex4(s.p + *i + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return false;
    *c = 0x10000 + ((*c - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    *i += 6;
    return true;
}

int sp_json_unescape(sp_str raw, sp_buf *out)
{
    out->len = 0;
    if (sp_buf_reserve(out, raw.len + 4))
        return SPATE_E_NOMEM;
    char *p = out->data;
    for (size_t i = 0; i < raw.len;) {
        uint32_t c;
        if (raw.p[i] != '\\') {
            *p++ = raw.p[i++];
        } else if (raw.p[i + 1] == 'u') {
            if (!take_unicode(raw, &i, &c))
                return SPATE_E_DATA;
            p = put_utf8(p, c);
        } else {
            static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
            const char *letter = strchr(letters, raw.p[i + 1]);
            *p++ = letter ? values[letter - letters] : raw.p[i + 1];
            i += 2;
        }
    }
    out->len = (size_t)(p - out->data);
    return SPATE_OK;
}
