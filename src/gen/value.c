/* value.c - one fixed-width value, to and from text. Sets are read with it, and columns of a type are written with it. */
#include "gen/build.h"

#include "codec/codec.h"

bool sp_parse_value(sp_str s, sp_type type, void *to)
{
    int64_t i;
    switch (type.kind) {
    case SP_BOOL: return sp_parse_bool(s, to);
    case SP_I16:
        if (!sp_parse_i64(s, &i) || i < INT16_MIN || i > INT16_MAX)
            return false;
        *(int16_t *)to = (int16_t)i;
        return true;
    case SP_I32:
        if (!sp_parse_i64(s, &i) || i < INT32_MIN || i > INT32_MAX)
            return false;
        *(int32_t *)to = (int32_t)i;
        return true;
    case SP_I64: return sp_parse_i64(s, to);
    case SP_U64: return sp_parse_u64(s, to);
    case SP_F32: {
        double d;
        if (!sp_parse_f64(s, &d))
            return false;
        *(float *)to = (float)d;
        return true;
    }
    case SP_F64: return sp_parse_f64(s, to);
    case SP_DECIMAL: {
        uint64_t limit = sp_pow10[type.precision];
        if (!sp_parse_decimal(s, type.scale, &i) || (uint64_t)(i < 0 ? -i : i) >= limit)
            return false;
        *(int64_t *)to = i;
        return true;
    }
    case SP_DATE: return sp_parse_date(s, to);
    case SP_TIME: return sp_parse_time(s, to);
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: return sp_parse_timestamp(s, to);
    case SP_INTERVAL:
        if (!sp_parse_duration_ns(s, &i))
            return sp_read_interval(s, to);
        *(sp_interval *)to = (sp_interval){.us = i / 1000};
        return true;
    case SP_UUID: return sp_parse_uuid(s, to);
    default: return false;
    }
}

char *sp_put_value(char *p, sp_type type, const void *from)
{
    switch (type.kind) {
    case SP_BOOL: {
        bool v = *(const uint8_t *)from;
        memcpy(p, v ? "true" : "false", 5);
        return p + (v ? 4 : 5);
    }
    case SP_I16: return sp_put_i64(p, *(const int16_t *)from);
    case SP_I32: return sp_put_i64(p, *(const int32_t *)from);
    case SP_I64: return sp_put_i64(p, *(const int64_t *)from);
    case SP_U64: return sp_put_u64(p, *(const uint64_t *)from);
    case SP_F32: return sp_put_f32(p, *(const float *)from);
    case SP_F64: return sp_put_f64(p, *(const double *)from);
    case SP_DECIMAL: return sp_put_decimal(p, *(const int64_t *)from, type.scale);
    case SP_DATE: return sp_put_date(p, *(const int32_t *)from);
    case SP_TIME: return sp_put_time(p, *(const int64_t *)from);
    case SP_TIMESTAMP: return sp_put_timestamp(p, *(const int64_t *)from);
    case SP_TIMESTAMPTZ: return sp_put_timestamptz(p, *(const int64_t *)from);
    case SP_INTERVAL: return sp_put_interval(p, *(const sp_interval *)from);
    case SP_UUID: return sp_put_uuid(p, from);
    default: return p;
    }
}

static int64_t as_i64(sp_kind kind, const void *values, uint32_t i)
{
    switch (kind) {
    case SP_I16: return ((const int16_t *)values)[i];
    case SP_I32: return ((const int32_t *)values)[i];
    default: return ((const int64_t *)values)[i];
    }
}

sp_bounds sp_value_bounds(sp_type type, const void *values, uint32_t n)
{
    if (type.kind != SP_I16 && type.kind != SP_I32 && type.kind != SP_I64 && type.kind != SP_DECIMAL)
        return (sp_bounds){0};
    sp_bounds b = {.has_range = true, .min = INT64_MAX, .max = INT64_MIN};
    for (uint32_t i = 0; i < n; i++) {
        int64_t v = as_i64(type.kind, values, i);
        b.min = SP_MIN(b.min, v);
        b.max = SP_MAX(b.max, v);
    }
    return b;
}

sp_kind sp_layout_kind(sp_str s)
{
    static const struct {
        const char *layout;
        sp_kind kind;
    } known[] = {
        {"", SP_TIMESTAMPTZ},
        {"2006-01-02", SP_DATE},
        {"15:04:05", SP_TIME},
        {"15:04:05Z", SP_TIME},
        {"2006-01-02T15:04:05", SP_TIMESTAMP},
        {"2006-01-02 15:04:05", SP_TIMESTAMP},
        {"2006-01-02T15:04:05Z", SP_TIMESTAMPTZ},
        {"2006-01-02 15:04:05Z", SP_TIMESTAMPTZ},
        {"2006-01-02T15:04:05Z07:00", SP_TIMESTAMPTZ},
        {"2006-01-02 15:04:05Z07:00", SP_TIMESTAMPTZ},
        {"2006-01-02T15:04:05-07:00", SP_TIMESTAMPTZ},
        {"2006-01-02 15:04:05-07:00", SP_TIMESTAMPTZ},
        {"2006-01-02 15:04:05-07", SP_TIMESTAMPTZ},
        {"2006-01-02 15:04:05 -0700 MST", SP_TIMESTAMPTZ},
    };
    for (size_t i = 0; i < SP_COUNT(known); i++)
        if (sp_str_is(s, known[i].layout))
            return known[i].kind;
    return SP_TEXT;
}
