/* guess.c - kinds guessed from text: a kind is ruled out by the first cell that it would not give back as it was.
 *
 * So 007 is no number, 1.50 is a decimal and no float, and a number too long for any kind stays text. */
#include "endpoint/guess.h"

/* In the order of preference. */
static const sp_kind candidates[] = {SP_BOOL, SP_I64,       SP_DECIMAL,     SP_F64, SP_UUID,
                                     SP_DATE, SP_TIMESTAMP, SP_TIMESTAMPTZ, SP_TIME};

enum { DECIMAL_DIGITS = 18 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* -12.50: a number as it would be written again. *exponent: and one behind it. */
static bool is_number(sp_str s, unsigned *whole, unsigned *fraction, bool *exponent)
{
    size_t i = s.len && s.p[0] == '-', start = i;
    *fraction = 0;
    while (i < s.len && is_digit(s.p[i]))
        i++;
    *whole = (unsigned)(i - start);
    if (*whole == 0 || (*whole > 1 && s.p[start] == '0'))
        return false;
    if (i < s.len && s.p[i] == '.') {
        size_t point = i++;
        while (i < s.len && is_digit(s.p[i]))
            i++;
        *fraction = (unsigned)(i - point - 1);
        if (*fraction == 0)
            return false;
    }
    *exponent = i < s.len && (s.p[i] | 0x20) == 'e';
    double v;
    return i == s.len ? !(s.len == 2 && s.p[0] == '-' && s.p[1] == '0') : *exponent && sp_parse_f64(s, &v);
}

/* Behind the clock: Z or an offset. */
static bool has_zone(sp_str s)
{
    for (size_t i = 16; i < s.len; i++)
        if (s.p[i] == 'Z' || s.p[i] == '+' || s.p[i] == '-')
            return true;
    return false;
}

static int reads_as(sp_kind kind, sp_str s, bool *reads)
{
    sp_column c;
    int rc = sp_column_init(&c, (sp_type){.kind = kind}, 1, NULL);
    if (rc == SPATE_OK)
        *reads = sp_cell_read(&c, 0, s) == SPATE_OK;
    sp_column_done(&c);
    return rc;
}

/* Whether a cell could be of the kind and be written again as it stands. */
static int could_be(sp_guess *g, sp_kind kind, sp_str s, bool bare, bool *could)
{
    unsigned whole = 0, fraction = 0;
    bool exponent = false;
    *could = false;
    switch (kind) {
    case SP_BOOL: *could = bare && (sp_str_is(s, "true") || sp_str_is(s, "false")); return SPATE_OK;
    case SP_I64:
    case SP_DECIMAL:
    case SP_F64:
        if (!bare || !is_number(s, &whole, &fraction, &exponent))
            return SPATE_OK;
        g->whole = SP_MAX(g->whole, whole);
        g->fraction = SP_MAX(g->fraction, fraction);
        *could =
            kind == SP_F64 ? whole + fraction <= 15 || exponent : !exponent && (kind == SP_DECIMAL || fraction == 0);
        return *could && kind == SP_I64 ? reads_as(kind, s, could) : SPATE_OK;
    case SP_TIMESTAMP: return s.len > 10 && !has_zone(s) ? reads_as(kind, s, could) : SPATE_OK;
    case SP_TIMESTAMPTZ: return has_zone(s) ? reads_as(kind, s, could) : SPATE_OK;
    case SP_UUID: return s.len == SP_UUID_TEXT ? reads_as(kind, s, could) : SPATE_OK;
    case SP_TIME: return s.len >= 8 && s.p[2] == ':' ? reads_as(kind, s, could) : SPATE_OK;
    default: return reads_as(kind, s, could);
    }
}

int sp_guess_see(sp_guess *g, sp_str cell, bool bare)
{
    bool nested = bare && cell.len && (*cell.p == '{' || *cell.p == '[') && sp_json_valid(cell);
    g->seen = true;
    g->not |= nested ? 0 : 1u << SP_JSON;
    for (size_t i = 0; i < SP_COUNT(candidates); i++) {
        bool could;
        if (g->not >> candidates[i] & 1)
            continue;
        int rc = could_be(g, candidates[i], cell, bare, &could);
        if (rc != SPATE_OK)
            return rc;
        g->not |= could ? 0 : 1u << candidates[i];
    }
    return SPATE_OK;
}

sp_type sp_guess_type(const sp_guess *g)
{
    if (g->seen && !(g->not >> SP_JSON & 1))
        return (sp_type){.kind = SP_JSON};
    for (size_t i = 0; g->seen && i < SP_COUNT(candidates); i++) {
        sp_kind kind = candidates[i];
        if (g->not >> kind & 1 || (kind == SP_DECIMAL && g->whole + g->fraction > DECIMAL_DIGITS))
            continue;
        if (kind == SP_DECIMAL)
            return (sp_type){.kind = kind, .precision = DECIMAL_DIGITS, .scale = (uint8_t)g->fraction};
        return (sp_type){.kind = kind};
    }
    return (sp_type){.kind = SP_TEXT};
}

bool sp_guess_is_long(const sp_guess *g)
{
    enum { DOUBLE_DIGITS = 15 };
    return g->whole + g->fraction > DOUBLE_DIGITS;
}
