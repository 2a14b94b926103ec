/* printf.c - values as Go's fmt.Printf writes them: one verb with its flags, width and precision, and text around it. The
 * format is taken apart when the plan is compiled, and a cell is rewritten from its canonical text, digit by digit. For a moment
 * the format is a Go layout. A verb that does not go with the value is a mistake, where Go would print %!d(string=...). */
#include "gen/build.h"

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
    const char *verbs = sp_kind_is_integer(kind) ? "dvxXob" : is_float(kind) ? "fFvgG" : kind == SP_BOOL ? "tv" : "sv";
    if (strchr(verbs, c->verb))
        return NULL;
    return sp_kind_is_integer(kind) ? "for whole numbers there are %d, %x, %X, %o, %b and %v"
           : is_float(kind)         ? "for numbers with a point there are %f, %g and %v"
           : kind == SP_BOOL        ? "for true and false there are %t and %v"
                                    : "for texts there are %s and %v";
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

/* The number in text, rewritten there as the verb asks, without its sign. */
static uint32_t rewrite(const printf_cell *c, char *text, uint32_t len)
{
    unsigned base = c->verb == 'x' || c->verb == 'X' ? 16 : c->verb == 'o' ? 8 : c->verb == 'b' ? 2 : 10;
    if (sp_kind_is_integer(c->inner->type.kind)) {
        uint64_t v = 0;
        for (uint32_t i = 0; base != 10 && i < len; i++)
            v = v * 10 + (uint64_t)(text[i] - '0');
        if (base != 10)
            len = put_base(text, v, base, c->verb == 'X');
        uint32_t least = c->precision > 0 ? (uint32_t)c->precision : 0;
        if (len < least) {
            memmove(text + least - len, text, len);
            memset(text, '0', least - len);
            len = least;
        }
        return len;
    }
    if ((c->verb == 'f' || c->verb == 'F') && text[0] >= '0' && text[0] <= '9')
        len = round_decimal(text, without_exponent(text, len), c->precision < 0 ? 6 : (uint32_t)c->precision);
    return len;
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
    char sign = minus ? '-' : c->plus ? '+' : c->space ? ' ' : 0;
    uint32_t full = len + (sign != 0), pad = c->width > full ? c->width - full : 0;
    if (pad && !c->left && !c->zeros)
        p = put_spaces(p, pad);
    if (sign)
        *p++ = sign;
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
    p = is_number(c) ? put_number(c, text, (uint32_t)(end - text), p)
                     : put_text(c, p, c->inner->ops->text(c->inner, row, p));
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
    uint32_t longest = c->layout ? 0 : number_max(c) + (uint32_t)SP_MAX(c->precision, 0);
    uint32_t most = c->layout ? sp_layout_text_max(c->layout) : number ? SP_MAX(longest, c->width) : longest + c->width;
    c->cell = *inner;
    c->cell.ops = &printf_ops;
    c->cell.type = (sp_type){.kind = SP_TEXT};
    c->cell.text_max = most + (uint32_t)(c->before.len + c->after.len);
    c->cell.bounds = (sp_bounds){.text_max = c->cell.text_max};
    c->cell.has_float_range = false;
    c->cell.unique =
        inner->unique && sp_kind_is_integer(inner->type.kind) && c->cell.type.kind == SP_TEXT && !c->layout;
    return &c->cell;
}
