/* printf.c - values as Go's fmt.Printf writes them: one verb with its flags, width and precision, and text around it. The
 * format is taken apart when the plan is compiled, and a cell is rewritten from its canonical text, digit by digit. For a moment
 * the format is a Go layout. A verb that does not go with the value is a mistake, where Go would print %!d(string=...). */
#include "gen/build.h"
#include "gen/regex.h"

enum { WIDTH_MAX = 1000, PRECISION_MAX = 100, NUMBER_MAX = 1024 };

typedef struct printf_cell {
    sp_cell cell;
    const sp_cell *inner;
    const sp_layout *layout; /* a moment */
    sp_str before, after;
    char verb;
    bool left, plus, space, zeros, sharp;
    uint32_t width;
    int precision; /* -1: none */
    uint32_t temp; /* inner's column, of a cell that is only filled */
} printf_cell;

/* ---- taking a format apart ---- */

/* Text up to a verb or the end, with %% as %. */
static sp_str take_literal(sp_arena *arena, sp_str *s)
{
    char *copy = sp_arena_alloc(arena, 1, s->len + SP_SLACK);
    size_t n = 0, i = 0;
    for (; copy && i < s->len && (s->p[i] != '%' || (i + 1 < s->len && s->p[i + 1] == '%')); i++) {
        i += s->p[i] == '%';
        copy[n++] = s->p[i];
    }
    s->p += i;
    s->len -= i;
    return (sp_str){copy, n};
}

static uint32_t take_count(sp_str *s, uint32_t most)
{
    uint32_t v = 0;
    for (; s->len && s->p[0] >= '0' && s->p[0] <= '9'; s->p++, s->len--)
        v = SP_MIN(v * 10 + (uint32_t)(s->p[0] - '0'), most);
    return v;
}

static void take_flags(printf_cell *c, sp_str *s)
{
    for (; s->len; s->p++, s->len--) {
        switch (s->p[0]) {
        case '-': c->left = true; break;
        case '+': c->plus = true; break;
        case ' ': c->space = true; break;
        case '0': c->zeros = true; break;
        case '#': c->sharp = true; break;
        default: return;
        }
    }
}

/* NULL, or what is wrong. */
static const char *take_verb(printf_cell *c, sp_str *s)
{
    if (!s->len)
        return "it has no verb, such as %d or %s";
    s->p++;
    s->len--;
    take_flags(c, s);
    c->width = take_count(s, WIDTH_MAX);
    c->precision = -1;
    if (s->len && s->p[0] == '.') {
        s->p++;
        s->len--;
        c->precision = (int)take_count(s, PRECISION_MAX);
    }
    if (!s->len)
        return "its verb is not complete";
    c->verb = s->p[0];
    s->p++;
    s->len--;
    return NULL;
}

static bool is_float(sp_kind k)
{
    return k == SP_F32 || k == SP_F64 || k == SP_DECIMAL;
}

static const char *check_verb(const printf_cell *c, sp_kind kind)
{
    const char *verbs = sp_kind_is_integer(kind) ? "dvxXobOcU"
                        : is_float(kind)         ? "fFvgGeE"
                        : kind == SP_BOOL        ? "tv"
                                                 : "svqxX";
    if (strchr(verbs, c->verb))
        return NULL;
    return sp_kind_is_integer(kind) ? "for whole numbers there are %d, %x, %X, %o, %O, %b, %c, %U and %v"
           : is_float(kind)         ? "for numbers with a point there are %f, %e, %g and %v"
           : kind == SP_BOOL        ? "for true and false there are %t and %v"
                                    : "for texts there are %s, %q, %x, %X and %v";
}

/* ---- digits ---- */

/* The digits of v to a base, without a sign. */
static uint32_t put_base(char *to, uint64_t v, unsigned base, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char reversed[64];
    uint32_t n = 0;
    do
        reversed[n++] = digits[v % base];
    while ((v /= base));
    for (uint32_t i = 0; i < n; i++)
        to[i] = reversed[n - 1 - i];
    return n;
}

/* Rounds the digits of text (123.456, no sign) to so many behind the point, half away from zero. Returns the new length. */
static uint32_t round_decimal(char *text, uint32_t len, uint32_t places)
{
    const char *dot = memchr(text, '.', len);
    uint32_t whole = dot ? (uint32_t)(dot - text) : len, have = dot ? len - whole - 1 : 0;
    if (!dot)
        text[len] = '.';
    for (; have < places; have++)
        text[whole + 1 + have] = '0';
    bool up = have > places && text[whole + 1 + places] >= '5';
    uint32_t n = places ? whole + 1 + places : whole;
    for (uint32_t i = n; up && i-- > 0;) {
        if (text[i] == '.')
            continue;
        up = text[i] == '9';
        text[i] = up ? '0' : (char)(text[i] + 1);
    }
    if (up) {
        memmove(text + 1, text, n);
        text[0] = '1';
        n++;
    }
    return n;
}

/* 1.5e+21 becomes 1500000000000000000000, 2e-05 becomes 0.00002. */
static uint32_t without_exponent(char *text, uint32_t len)
{
    char digits[NUMBER_MAX];
    const char *e = memchr(text, 'e', len);
    if (!e)
        return len;
    int exponent = 0, n = 0, point;
    for (const char *p = e + 2; p < text + len; p++)
        exponent = exponent * 10 + (*p - '0');
    for (const char *p = text; p < e; p++)
        if (*p != '.')
            digits[n++] = *p;
    point = 1 + (e[1] == '-' ? -exponent : exponent);
    char *to = text;
    if (point <= 0) {
        memcpy(to, "0.", 2);
        memset(to + 2, '0', (size_t)-point);
        to += 2 - point;
    }
    for (int i = 0; i < SP_MAX(n, point); i++) {
        if (i == point && point > 0)
            *to++ = '.';
        *to++ = i < n ? digits[i] : '0';
    }
    return (uint32_t)(to - text);
}

/* The digits of text from the first that is not 0 on; *exponent: of the first one. */
static uint32_t take_digits(const char *text, uint32_t len, char *digits, int *exponent)
{
    const char *e = memchr(text, 'e', len), *end = e ? e : text + len, *dot = memchr(text, '.', (size_t)(end - text));
    int written = 0, leading = 0;
    uint32_t n = 0;
    for (const char *p = e ? e + 2 : text + len; p < text + len; p++)
        written = written * 10 + (*p - '0');
    for (const char *p = text; p < end; p++) {
        leading += n == 0 && *p == '0';
        if (*p != '.' && (n > 0 || *p != '0'))
            digits[n++] = *p;
    }
    *exponent = (int)((dot ? dot : end) - text) - leading - 1 + (e && e[1] == '-' ? -written : written);
    if (!n) {
        digits[n++] = '0';
        *exponent = 0;
    }
    return n;
}

/* So many digits of them, rounded half away from zero, or filled up with zeros. */
static void round_digits(char *digits, uint32_t n, uint32_t wanted, int *exponent)
{
    bool up = n > wanted && digits[wanted] >= '5';
    for (; n < wanted; n++)
        digits[n] = '0';
    for (uint32_t i = wanted; up && i-- > 0;) {
        up = digits[i] == '9';
        digits[i] = up ? '0' : (char)(digits[i] + 1);
    }
    if (up) {
        memmove(digits + 1, digits, wanted - 1);
        digits[0] = '1';
        ++*exponent;
    }
}

/* 1.50e+09, of n digits. */
static uint32_t put_scientific(char *to, const char *digits, uint32_t n, int exponent, char e)
{
    char *p = to;
    *p++ = digits[0];
    if (n > 1)
        *p++ = '.';
    p = mempcpy(p, digits + 1, n - 1);
    *p++ = e;
    *p++ = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    if (exponent < 10)
        *p++ = '0';
    return (uint32_t)(sp_put_i64(p, exponent) - to);
}

/* By an exponent, or of %g by so many digits in all, without zeros at the end: with an exponent where it is far from 0. */
static uint32_t rewrite_real(const printf_cell *c, char *text, uint32_t len)
{
    char digits[NUMBER_MAX + PRECISION_MAX];
    bool general = c->verb == 'g' || c->verb == 'G';
    uint32_t precision = c->precision < 0 ? 6 : (uint32_t)c->precision, wanted = general ? SP_MAX(precision, 1u) : precision + 1;
    int exponent;
    round_digits(digits, take_digits(text, len, digits, &exponent), wanted, &exponent);
    uint32_t n = wanted;
    while (general && n > 1 && digits[n - 1] == '0')
        n--;
    if (!general || exponent < -4 || exponent >= (int)wanted)
        return put_scientific(text, digits, n, exponent, c->verb == 'g' ? 'e' : c->verb == 'G' ? 'E' : c->verb);
    len = put_scientific(text, digits, n, exponent, 'e');
    return without_exponent(text, len);
}

/* The number in text, rewritten there as the verb asks, without its sign. */
static uint32_t rewrite(const printf_cell *c, char *text, uint32_t len)
{
    unsigned base = c->verb == 'x' || c->verb == 'X' || c->verb == 'U'   ? 16
                    : c->verb == 'o' || c->verb == 'O'                   ? 8
                    : c->verb == 'b'                                     ? 2
                                                                         : 10;
    if (sp_kind_is_integer(c->inner->type.kind)) {
        uint64_t v = 0;
        for (uint32_t i = 0; base != 10 && i < len; i++)
            v = v * 10 + (uint64_t)(text[i] - '0');
        if (base != 10)
            len = put_base(text, v, base, c->verb == 'X' || c->verb == 'U');
        uint32_t least = c->verb == 'U' ? (uint32_t)SP_MAX(c->precision, 4) : (uint32_t)SP_MAX(c->precision, 0);
        if (len < least) {
            memmove(text + least - len, text, len);
            memset(text, '0', least - len);
            len = least;
        }
        return len;
    }
    if (text[0] < '0' || text[0] > '9')
        return len; /* no number, or infinite */
    if (c->verb == 'f' || c->verb == 'F')
        return round_decimal(text, without_exponent(text, len), c->precision < 0 ? 6 : (uint32_t)c->precision);
    if (strchr("eE", c->verb) || (strchr("gG", c->verb) && c->precision >= 0))
        return rewrite_real(c, text, len);
    return len;
}

/* What stands before the digits. */
static const char *prefix_of(const printf_cell *c)
{
    if (!sp_kind_is_integer(c->inner->type.kind))
        return "";
    switch (c->verb) {
    case 'x': return c->sharp ? "0x" : "";
    case 'X': return c->sharp ? "0X" : "";
    case 'b': return c->sharp ? "0b" : "";
    case 'o': return c->sharp ? "0" : "";
    case 'O': return "0o";
    case 'U': return "U+";
    default: return "";
    }
}

/* ---- writing ---- */

static char *put_spaces(char *p, uint32_t n)
{
    memset(p, ' ', n);
    return p + n;
}

/* The number in text, which is room for a longer one. */
static char *put_number(const printf_cell *c, char *text, uint32_t len, char *p)
{
    char *from = text;
    bool minus = len && text[0] == '-';
    from += minus;
    len = rewrite(c, from, len - minus);
    const char *prefix = prefix_of(c);
    uint32_t before = (uint32_t)strlen(prefix);
    char sign = minus ? '-' : c->plus && c->verb != 'U' ? '+' : c->space && c->verb != 'U' ? ' ' : 0;
    uint32_t full = len + (sign != 0) + (c->zeros ? 0 : before), pad = c->width > full ? c->width - full : 0;
    if (pad && !c->left && !c->zeros)
        p = put_spaces(p, pad);
    if (sign)
        *p++ = sign;
    p = mempcpy(p, prefix, before);
    if (c->zeros && !c->left) {
        memset(p, '0', pad);
        p += pad;
    }
    memcpy(p, from, len);
    p += len;
    return c->left ? put_spaces(p, pad) : p;
}

static uint32_t characters(const char *p, const char *end)
{
    uint32_t n = 0;
    for (; p < end; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return n;
}

/* ---- texts between quotes, in hexadecimal digits; numbers that are characters ---- */

/* Is it one that Go would not print as it is? */
static bool is_hidden(uint32_t c)
{
    return (c >= 0x7f && c <= 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static char *put_hidden(char *p, uint32_t c)
{
    static const char digits[] = "0123456789abcdef";
    *p++ = '\\';
    *p++ = c < 0x80 ? 'x' : 'u';
    for (int shift = c < 0x80 ? 4 : 12; shift >= 0; shift -= 4)
        *p++ = digits[c >> shift & 15];
    return p;
}

static char *put_quoted(sp_str s, char *p)
{
    static const char meant[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";
    const char *at;
    *p++ = '"';
    for (size_t i = 0, len; i < s.len; i += len) {
        uint32_t c = (unsigned char)s.p[i];
        len = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        len = SP_MIN(len, s.len - i);
        if (len == 2 || len == 3)
            c = len == 2 ? (c & 31) << 6 | (s.p[i + 1] & 63) : (c & 15) << 12 | (uint32_t)(s.p[i + 1] & 63) << 6 | (s.p[i + 2] & 63);
        if (c && c < 0x80 && (at = strchr(meant, (int)c))) {
            *p++ = '\\';
            *p++ = letters[at - meant];
        } else if (c < ' ' || (len < 4 && is_hidden(c))) {
            p = put_hidden(p, c);
        } else {
            memmove(p, s.p + i, len);
            p += len;
        }
    }
    *p++ = '"';
    return p;
}

static char *put_hex(const printf_cell *c, sp_str s, char *p)
{
    const char *digits = c->verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t n = c->precision >= 0 ? SP_MIN(s.len, (size_t)c->precision) : s.len;
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)s.p[i];
        if (c->space && i > 0)
            *p++ = ' ';
        if (c->sharp && (c->space || i == 0)) {
            *p++ = '0';
            *p++ = c->verb;
        }
        *p++ = digits[byte >> 4];
        *p++ = digits[byte & 15];
    }
    return p;
}

/* How many bytes may become of one. */
static uint32_t growth_of(const printf_cell *c)
{
    return c->verb == 'q' ? 4 : c->verb == 'x' || c->verb == 'X' ? 5 : 1;
}

static char *put_character(const printf_cell *c, sp_str digits, char *p)
{
    int64_t v;
    bool good = sp_parse_i64(digits, &v) && v >= 0 && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
    char *end = sp_regex_put_character(p, good ? (uint32_t)v : 0xfffd);
    uint32_t pad = c->width > 1 ? c->width - 1 : 0;
    if (c->left)
        return put_spaces(end, pad);
    memmove(p + pad, p, (size_t)(end - p));
    memset(p, c->zeros ? '0' : ' ', pad);
    return end + pad;
}

/* The text from p to end, which stands there already. */
static char *put_text(const printf_cell *c, char *p, char *end)
{
    if (c->precision >= 0)
        for (char *q = p; q <= end; q++)
            if (q < end && ((unsigned char)*q & 0xc0) != 0x80 && characters(p, q) == (uint32_t)c->precision)
                end = q;
    uint32_t n = characters(p, end), pad = c->width > n ? c->width - n : 0;
    if (c->left)
        return put_spaces(end, pad);
    memmove(p + pad, p, (size_t)(end - p));
    put_spaces(p, pad);
    return end + pad;
}

/* A text that stands elsewhere, or so far behind p that what becomes of it does not reach it. */
static char *put_other(const printf_cell *c, sp_str s, char *p)
{
    char *end = c->verb == 'q' ? put_quoted(s, p) : put_hex(c, s, p);
    uint32_t n = characters(p, end), pad = c->width > n ? c->width - n : 0;
    if (c->left)
        return put_spaces(end, pad);
    memmove(p + pad, p, (size_t)(end - p));
    put_spaces(p, pad);
    return end + pad;
}

static char *put_moment(const printf_cell *c, sp_str text, char *p)
{
    int64_t us = 0;
    return sp_parse_timestamp(text, &us) ? sp_layout_put(c->layout, us, p) : p;
}

static bool is_number(const printf_cell *c)
{
    return sp_kind_is_integer(c->inner->type.kind) || is_float(c->inner->type.kind);
}

static char *printf_text(const sp_cell *cell, uint64_t row, char *p)
{
    const printf_cell *c = (const printf_cell *)cell;
    char text[NUMBER_MAX + SP_SLACK], *end = text;
    if (c->layout || is_number(c))
        end = c->inner->ops->text(c->inner, row, text);
    if (c->layout)
        return put_moment(c, (sp_str){text, (size_t)(end - text)}, p);
    p = mempcpy(p, c->before.p, c->before.len);
    if (growth_of(c) > 1 && !is_number(c)) {
        char *from = p + (size_t)(growth_of(c) - 1) * c->inner->text_max + 2;
        end = c->inner->ops->text(c->inner, row, from);
        p = put_other(c, (sp_str){from, (size_t)(end - from)}, p);
    } else if (c->verb == 'c') {
        p = put_character(c, (sp_str){text, (size_t)(end - text)}, p);
    } else {
        p = is_number(c) ? put_number(c, text, (uint32_t)(end - text), p)
                         : put_text(c, p, c->inner->ops->text(c->inner, row, p));
    }
    return mempcpy(p, c->after.p, c->after.len);
}

static const sp_cell_ops printf_ops = {sp_cell_fill_text, printf_text};

/* The canonical text of value i. */
static sp_str value_text(const sp_column *from, uint32_t i, char *text)
{
    if (sp_kind_is_text(from->type.kind))
        return sp_column_str(from, i);
    uint8_t truth = from->type.kind == SP_BOOL ? sp_bit(from->data, i) : 0;
    const void *value = from->type.kind == SP_BOOL
                            ? (const char *)&truth
                            : (const char *)from->data + (size_t)i * sp_kind_width(from->type.kind);
    return (sp_str){text, (size_t)(sp_put_value(text, from->type, value) - text)};
}

static char *put_value(const printf_cell *c, sp_str value, char *text, char *p)
{
    if (c->layout)
        return put_moment(c, value, p);
    p = mempcpy(p, c->before.p, c->before.len);
    if (growth_of(c) > 1 && !is_number(c))
        p = put_other(c, value, p);
    else if (c->verb == 'c')
        p = put_character(c, value, p);
    else
        p = is_number(c) ? put_number(c, text, (uint32_t)value.len, p)
                         : put_text(c, p, (char *)mempcpy(p, value.p, value.len));
    return mempcpy(p, c->after.p, c->after.len);
}

/* Of a cell that is only filled: all values first, then their texts. */
static int printf_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const printf_cell *c = (const printf_cell *)cell;
    sp_column *from = sp_scratch_temp(scratch, c->temp);
    char text[NUMBER_MAX + SP_SLACK];
    if (!from)
        return SPATE_E_NOMEM;
    from->validity = NULL;
    if (c->inner->ops->fill(c->inner, rows, n, from, scratch) != SPATE_OK ||
        sp_column_reserve_bytes(out, (size_t)n * c->cell.text_max + SP_SLACK) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!sp_column_null(from, i))
            p = put_value(c, value_text(from, i, text), text, p);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    if (from->validity)
        memcpy(sp_column_validity(out, n), from->validity, (n + 7) / 8);
    return SPATE_OK;
}

static const sp_cell_ops printf_fill_ops = {printf_fill, NULL};

bool sp_printf_fill(const sp_build *b, sp_cell *made)
{
    printf_cell *c = (printf_cell *)made;
    int temp = sp_build_temp(b, c->inner->type, false);
    c->temp = (uint32_t)temp;
    c->cell.ops = &printf_fill_ops;
    c->cell.work_text = SP_MAX(c->inner->work_text, c->inner->bounds.text_max);
    return temp >= 0;
}

static const char *take_apart(sp_arena *arena, printf_cell *c, sp_str format)
{
    sp_kind kind = c->inner->type.kind;
    if (kind == SP_LIST || kind == SP_BYTES || kind == SP_TIME || kind == SP_INTERVAL)
        return "such values have no format";
    if (kind == SP_DATE || kind == SP_TIMESTAMP || kind == SP_TIMESTAMPTZ) {
        c->layout = sp_layout_new(arena, format);
        return NULL;
    }
    c->before = take_literal(arena, &format);
    const char *why = take_verb(c, &format);
    why = why ? why : check_verb(c, kind);
    c->after = take_literal(arena, &format);
    return why ? why : format.len ? "it has more than one verb" : NULL;
}

/* The longest number, as it is rewritten. */
static uint32_t number_max(const printf_cell *c)
{
    const sp_cell *inner = c->inner;
    char text[SP_I64_TEXT_MAX + SP_SLACK];
    if (is_float(inner->type.kind))
        return 340 + 18 + PRECISION_MAX;
    if (!sp_kind_is_integer(inner->type.kind) || !inner->bounds.has_range || (c->verb != 'd' && c->verb != 'v'))
        return inner->text_max + 64;
    size_t least = (size_t)(sp_put_i64(text, inner->bounds.min) - text),
           most = (size_t)(sp_put_i64(text, inner->bounds.max) - text);
    return (uint32_t)SP_MAX(least, most) + c->plus + c->space;
}

sp_cell *sp_printf_cell(sp_arena *arena, const sp_cell *inner, sp_str format, const char **why)
{
    printf_cell *c = sp_arena_alloc(arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->inner = inner;
    *why = take_apart(arena, c, format);
    if (*why || (!c->layout && (!c->before.p || !c->after.p)))
        return NULL;
    bool number = sp_kind_is_integer(inner->type.kind) || is_float(inner->type.kind);
    uint32_t longest = c->layout ? 0 : number_max(c) + (uint32_t)SP_MAX(c->precision, 0) + (number ? 2 : 0);
    if (!c->layout && !number && growth_of(c) > 1)
        longest = growth_of(c) * inner->text_max + 2;
    uint32_t most = c->layout ? sp_layout_text_max(c->layout) : number ? SP_MAX(longest, c->width) : longest + c->width;
    c->cell = *inner;
    c->cell.ops = &printf_ops;
    c->cell.type = (sp_type){.kind = SP_TEXT};
    c->cell.text_max = most + (uint32_t)(c->before.len + c->after.len);
    c->cell.bounds = (sp_bounds){.text_max = c->cell.text_max};
    c->cell.has_float_range = false;
    c->cell.unique =
        inner->unique && sp_kind_is_integer(inner->type.kind) && c->cell.type.kind == SP_TEXT && !c->layout && c->verb != 'c';
    return &c->cell;
}
