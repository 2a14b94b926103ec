/* myfit.c - which kinds go into which MariaDB columns and come out of them, and on what road.
 *
 * MariaDB changes many values without an error even when it is strict: decimals and seconds are rounded, spaces cut off, bytes
 * filled up, 70 is a year and '2' an enumeration's second label. A road is there only where either the column keeps every cell as
 * it is, or the server refuses it in strict mode, or a check here tells which cells it would change. */
#include "codec/mybinary.h"

#include <stdio.h>

/* ---- in -------------------------------------------------------------------------------------- */

static sp_my_route fixed(sp_kind kind, unsigned checks)
{
    static const uint8_t wires[SP_KINDS] = {
        [SP_I16] = SP_MY_WIRE_SHORT,       [SP_I32] = SP_MY_WIRE_LONG,  [SP_I64] = SP_MY_WIRE_LONGLONG,
        [SP_U64] = SP_MY_WIRE_LONGLONG,    [SP_F32] = SP_MY_WIRE_FLOAT, [SP_F64] = SP_MY_WIRE_DOUBLE,
        [SP_DECIMAL] = SP_MY_WIRE_LONGLONG};
    return (sp_my_route){SP_MY_ROAD_FIXED, wires[kind], kind == SP_U64, checks};
}

static sp_my_route numbers(const sp_field *f, const sp_my_type *type)
{
    sp_kind kind = f->type.kind;
    bool whole = sp_kind_is_integer(kind) || (kind == SP_DECIMAL && f->type.scale == 0);
    unsigned digits = f->type.precision ? f->type.precision : 18;
    switch (type->class) {
    case SP_MY_INTEGER:
    case SP_MY_BIT:
        return kind == SP_BOOL ? (sp_my_route){SP_MY_ROAD_BIT, SP_MY_WIRE_TINY, false, 0}
               : whole         ? fixed(kind, 0)
                               : (sp_my_route){0};
    case SP_MY_YEAR: return whole ? fixed(kind, SP_MY_CHECK_YEAR) : (sp_my_route){0};
    case SP_MY_FLOAT:
        if (type->rounded) /* to so many digits behind the point, of which whole numbers have none */
            return kind == SP_I16 ? fixed(kind, 0) : (sp_my_route){0};
        if (kind == SP_F32 || kind == SP_F64)
            return fixed(kind, SP_MY_CHECK_FINITE | (kind == SP_F64 && type->bits == 32 ? SP_MY_CHECK_SINGLE : 0u));
        if (type->bits == 64 && (sp_kind_is_integer(kind) || (kind == SP_DECIMAL && f->type.scale == 0)))
            return fixed(kind, kind == SP_I16 || kind == SP_I32 ? 0 : SP_MY_CHECK_WHOLE);
        return kind == SP_DECIMAL && type->bits == 64 && digits <= 15
                   ? (sp_my_route){SP_MY_ROAD_DECIMAL, SP_MY_WIRE_DECIMAL, false, 0}
                   : (sp_my_route){0};
    case SP_MY_DECIMAL:
        if (sp_kind_is_integer(kind))
            return fixed(kind, 0);
        if (kind == SP_DECIMAL && f->type.scale <= type->scale)
            return (sp_my_route){SP_MY_ROAD_DECIMAL, SP_MY_WIRE_DECIMAL, false, 0};
        return kind == SP_TEXT ? (sp_my_route){SP_MY_ROAD_BYTES, SP_MY_WIRE_DECIMAL, false, 0} : (sp_my_route){0};
    default: return (sp_my_route){0};
    }
}

static sp_my_route moments(const sp_field *f, const sp_my_type *type)
{
    sp_kind kind = f->type.kind;
    bool instant = kind == SP_TIMESTAMP || kind == SP_TIMESTAMPTZ;
    unsigned fraction = type->scale < 6 ? SP_MY_CHECK_FRACTION : 0;
    if (type->class == SP_MY_TIME && kind == SP_TIME)
        return (sp_my_route){SP_MY_ROAD_TIME, SP_MY_WIRE_TIME, false, fraction};
    if (type->class == SP_MY_TIME && kind == SP_INTERVAL)
        return (sp_my_route){SP_MY_ROAD_INTERVAL, SP_MY_WIRE_TIME, false, SP_MY_CHECK_SPAN | fraction};
    if (kind == SP_DATE && type->class != SP_MY_TIME)
        return (sp_my_route){SP_MY_ROAD_DATE, SP_MY_WIRE_DATE, false, SP_MY_CHECK_DAY};
    if (instant && (type->class == SP_MY_DATETIME || type->class == SP_MY_TIMESTAMP))
        return (sp_my_route){SP_MY_ROAD_DATETIME, SP_MY_WIRE_DATETIME, false, SP_MY_CHECK_DAY | fraction};
    return (sp_my_route){0};
}

/* Everything has a text. */
static sp_my_route text(const sp_field *f, const sp_my_type *type)
{
    sp_kind kind = f->type.kind;
    unsigned checks = type->fixed ? SP_MY_CHECK_SPACE : 0;
    if (kind == SP_BYTES)
        return (sp_my_route){0};
    return (sp_my_route){kind == SP_TEXT || kind == SP_JSON ? SP_MY_ROAD_BYTES
                         : kind == SP_LIST                  ? SP_MY_ROAD_JSON
                                                            : SP_MY_ROAD_SHOWN,
                         SP_MY_WIRE_STRING, false, checks};
}

/* Labels that are promised may be told apart before a row moves; cells are looked at all the same, for a file promises nothing. */
static sp_my_route labels(const sp_field *f, const sp_my_type *type, char why[160])
{
    for (uint32_t i = 0; type->class == SP_MY_ENUM && i < f->n_labels; i++)
        if (!sp_str_among(f->labels[i], type->labels, type->n_labels)) {
            snprintf(why, 160, "\"%.*s\" is not a label of %.60s", (int)SP_MIN(f->labels[i].len, 40), f->labels[i].p,
                     type->name);
            return (sp_my_route){0};
        }
    return f->type.kind == SP_TEXT ? (sp_my_route){SP_MY_ROAD_BYTES, SP_MY_WIRE_STRING, false, SP_MY_CHECK_LABEL}
                                   : (sp_my_route){0};
}

static sp_my_route route_of(const sp_field *f, const sp_my_type *type, char why[160])
{
    sp_kind kind = f->type.kind;
    switch (type->class) {
    case SP_MY_INTEGER:
    case SP_MY_FLOAT:
    case SP_MY_DECIMAL:
    case SP_MY_BIT:
    case SP_MY_YEAR: return numbers(f, type);
    case SP_MY_DATE:
    case SP_MY_TIME:
    case SP_MY_DATETIME:
    case SP_MY_TIMESTAMP: return moments(f, type);
    case SP_MY_TEXT: return text(f, type);
    case SP_MY_JSON: return kind == SP_JSON || kind == SP_LIST || kind == SP_TEXT ? text(f, type) : (sp_my_route){0};
    case SP_MY_ENUM:
    case SP_MY_SET: return labels(f, type, why);
    case SP_MY_UUID:
        if (kind == SP_TEXT)
            return text(f, type);
        return kind == SP_UUID ? (sp_my_route){SP_MY_ROAD_UUID, SP_MY_WIRE_BLOB, false, 0} : (sp_my_route){0};
    case SP_MY_WORD: return kind == SP_TEXT ? text(f, type) : (sp_my_route){0};
    case SP_MY_SHAPE:
        return kind == SP_BYTES ? (sp_my_route){SP_MY_ROAD_BYTES, SP_MY_WIRE_BLOB, false, 0} : (sp_my_route){0};
    case SP_MY_BYTES:
        if (kind == SP_UUID && type->length == 16)
            return (sp_my_route){SP_MY_ROAD_UUID, SP_MY_WIRE_BLOB, false, 0};
        return kind == SP_BYTES
                   ? (sp_my_route){SP_MY_ROAD_BYTES, SP_MY_WIRE_BLOB, false, type->fixed ? SP_MY_CHECK_LENGTH : 0}
                   : (sp_my_route){0};
    default: return (sp_my_route){0};
    }
}

sp_my_route sp_my_route_of(const sp_field *field, const sp_my_type *type, char why[160])
{
    snprintf(why, 160, "its cells are %s, the column is %.80s", sp_kind_name(field->type.kind), type->name);
    if (field->type.kind == SP_DECIMAL && type->class == SP_MY_DECIMAL && field->type.scale > type->scale)
        snprintf(why, 160, "its cells have %u places, %.60s keeps %u", field->type.scale, type->name, type->scale);
    sp_my_route r = route_of(field, type, why);
    r.checks |= type->not_null ? SP_MY_CHECK_NULL : 0u;
    return r;
}

bool sp_my_fits(const sp_field *field, const sp_my_type *type, char why[160])
{
    return sp_my_route_of(field, type, why).road != SP_MY_ROAD_NONE;
}

/* ---- out ------------------------------------------------------------------------------------- */

static sp_kind integer_kind(unsigned bits, bool is_unsigned)
{
    if (bits == 1)
        return SP_BOOL;
    bits += is_unsigned;
    return bits <= 16 ? SP_I16 : bits <= 32 ? SP_I32 : bits <= 64 ? SP_I64 : SP_U64;
}

static sp_kind kind_of(const sp_my_type *t)
{
    switch (t->class) {
    case SP_MY_INTEGER: return integer_kind(t->bits, t->is_unsigned);
    case SP_MY_BIT: return integer_kind(t->length, t->length > 1);
    case SP_MY_YEAR: return SP_I16;
    case SP_MY_FLOAT: return t->bits == 32 ? SP_F32 : SP_F64;
    case SP_MY_DECIMAL: return t->precision <= 18 ? SP_DECIMAL : SP_TEXT;
    case SP_MY_DATE: return SP_DATE;
    case SP_MY_TIME: return SP_TIME;
    case SP_MY_DATETIME: return SP_TIMESTAMP;
    case SP_MY_TIMESTAMP: return SP_TIMESTAMPTZ;
    case SP_MY_BYTES: return SP_BYTES;
    case SP_MY_JSON: return SP_JSON;
    case SP_MY_UUID: return SP_UUID;
    default: return SP_TEXT;
    }
}

bool sp_my_kind(const sp_my_type *type, sp_type *out)
{
    if (type->class == SP_MY_NEVER || type->class == SP_MY_SHAPE)
        return false;
    *out = (sp_type){.kind = kind_of(type)};
    if (out->kind == SP_DECIMAL) {
        out->precision = type->precision;
        out->scale = type->scale;
    }
    if (type->class == SP_MY_TEXT)
        out->length = type->length;
    out->other = type->class == SP_MY_DECIMAL && out->kind == SP_TEXT;
    return true;
}
