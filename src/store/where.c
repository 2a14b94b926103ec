/* where.c - comparing values with conditions. Numbers of all kinds compare by value; what does not compare does not match. */
#include "store/where.h"

typedef enum order { LESS, EQUAL, GREATER, NEITHER } order;

static bool is_number(sp_kind kind)
{
    return kind == SP_BOOL || kind == SP_I16 || kind == SP_I32 || kind == SP_I64 || kind == SP_U64 || kind == SP_F32 ||
           kind == SP_F64 || kind == SP_DECIMAL;
}

/* 64 bits of mantissa where the processor has them: every integer is exact. */
static long double number_of(const spate_value *v)
{
    switch ((sp_kind)v->kind) {
    case SP_BOOL: return v->as.b;
    case SP_U64: return (long double)v->as.u;
    case SP_F32: return (long double)v->as.f32;
    case SP_F64: return (long double)v->as.f;
    case SP_DECIMAL: return (long double)v->as.i / (long double)sp_pow10[v->scale];
    default: return (long double)v->as.i;
    }
}

static order order_of(long double a, long double b)
{
    return a < b ? LESS : a > b ? GREATER : a == b ? EQUAL : NEITHER;
}

static order compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int c = memcmp(a, b, SP_MIN(a_len, b_len));
    if (c == 0)
        return a_len < b_len ? LESS : a_len > b_len ? GREATER : EQUAL;
    return c < 0 ? LESS : GREATER;
}

static order compare(const spate_value *a, const spate_value *b)
{
    sp_kind x = (sp_kind)a->kind, y = (sp_kind)b->kind;
    if (sp_kind_has_bytes(x) && sp_kind_has_bytes(y))
        return compare_bytes(a->as.p, a->len, b->as.p, b->len);
    if (x == y && (x == SP_UUID || x == SP_INTERVAL))
        return compare_bytes(a->as.p, 16, b->as.p, 16);
    if (x == y && x == SP_DECIMAL && a->scale == b->scale)
        return order_of(a->as.i, b->as.i);
    if ((is_number(x) && is_number(y)) || x == y)
        return order_of(number_of(a), number_of(b));
    return NEITHER;
}

static bool admits(spate_compare op, order o)
{
    switch (op) {
    case SPATE_EQ: return o == EQUAL;
    case SPATE_NE: return o != EQUAL && o != NEITHER;
    case SPATE_LT: return o == LESS;
    case SPATE_LE: return o == LESS || o == EQUAL;
    case SPATE_GT: return o == GREATER;
    case SPATE_GE: return o == GREATER || o == EQUAL;
    }
    return false;
}

bool sp_where_holds(const sp_where *w, const spate_value *v)
{
    return admits(w->op, compare(v, &w->value));
}

/* The ends of a segment's range, as values. */
static spate_value end_of(const sp_segment_entry *e, uint64_t bits)
{
    spate_value v = {.kind = e->kind, .precision = e->precision, .scale = e->scale};
    v.as.u = bits;
    if (e->kind == SP_F32) { /* kept as a double */
        v.kind = SP_F64;
        memcpy(&v.as.f, &bits, 8);
    }
    return v;
}

static uint64_t prefix_of(const spate_value *v)
{
    uint64_t p = 0;
    memcpy(&p, v->as.p, SP_MIN((size_t)v->len, (size_t)8));
    return __builtin_bswap64(p);
}

static bool possible_text(const sp_where *w, const sp_segment_entry *e)
{
    uint64_t p = prefix_of(&w->value);
    switch (w->op) {
    case SPATE_EQ: return e->min <= p && p <= e->max;
    case SPATE_LT:
    case SPATE_LE: return e->min <= p;
    case SPATE_GT:
    case SPATE_GE: return e->max >= p;
    case SPATE_NE: break;
    }
    return true;
}

bool sp_where_possible(const sp_where *w, const sp_segment_entry *e, uint32_t rows)
{
    if (e->nulls == rows)
        return false;
    if (!(e->flags & SP_SEGMENT_HAS_RANGE) || w->op == SPATE_NE)
        return true;
    if (sp_kind_has_bytes((sp_kind)e->kind))
        return sp_kind_has_bytes((sp_kind)w->value.kind) && possible_text(w, e);
    spate_value low = end_of(e, e->min), high = end_of(e, e->max);
    order at_low = compare(&low, &w->value), at_high = compare(&high, &w->value);
    switch (w->op) {
    case SPATE_EQ: return (at_low == LESS || at_low == EQUAL) && (at_high == GREATER || at_high == EQUAL);
    case SPATE_LT:
    case SPATE_LE: return admits(w->op, at_low);
    case SPATE_GT:
    case SPATE_GE: return admits(w->op, at_high);
    case SPATE_NE: break;
    }
    return true;
}
