/* celljson.c - single cells as plain text and as JSON, for targets that have no type for them. */
#include "codec/codec.h"

#include <math.h>

static double real_at(const sp_column *c, uint32_t row)
{
    return c->type.kind == SP_F32 ? (double)((const float *)c->data)[row] : ((const double *)c->data)[row];
}

char *sp_cell_put_fixed(char *p, const sp_column *c, uint32_t row)
{
    const void *data = c->data;
    switch (c->type.kind) {
    case SP_DECIMAL: return sp_put_decimal(p, ((const int64_t *)data)[row], c->type.scale);
    case SP_DATE: return sp_put_date(p, ((const int32_t *)data)[row]);
    case SP_TIME: return sp_put_time(p, ((const int64_t *)data)[row]);
    case SP_TIMESTAMP: return sp_put_timestamp(p, ((const int64_t *)data)[row]);
    case SP_TIMESTAMPTZ:
        p = sp_put_timestamp(p, ((const int64_t *)data)[row]);
        *p++ = 'Z'; /* which SQLite's date functions read, as they do not read +00 */
        return p;
    case SP_INTERVAL: return sp_put_interval(p, ((const sp_interval *)data)[row]);
    case SP_UUID: return sp_put_uuid(p, (const uint8_t *)data + (size_t)row * 16);
    case SP_I16: return sp_put_i64(p, ((const int16_t *)data)[row]);
    case SP_I32: return sp_put_i64(p, ((const int32_t *)data)[row]);
    case SP_U64: return sp_put_u64(p, ((const uint64_t *)data)[row]);
    case SP_F32: return sp_put_f32(p, ((const float *)data)[row]);
    case SP_F64: return sp_put_f64(p, ((const double *)data)[row]);
    case SP_BOOL:
        return sp_copy_short(
            p, sp_bit(data, row) ? "true                                " : "false                               ",
            sp_bit(data, row) ? 4 : 5);
    default: return sp_put_i64(p, ((const int64_t *)data)[row]);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

int sp_json_string(sp_buf *out, sp_str s)
{
    static const char hex[] = "0123456789abcdef";
    if (sp_buf_reserve(out, 6 * s.len + 2))
        return SPATE_E_NOMEM;
    char *p = out->data + out->len;
    *p++ = '"';
    for (size_t i = 0; i < s.len; i++) {
        unsigned char b = (unsigned char)s.p[i];
        if (b == '"' || b == '\\')
            *p++ = '\\';
        if (b >= 0x20) {
            *p++ = (char)b;
            continue;
        }
        memcpy(p, "\\u00", 4);
        p[4] = hex[b >> 4];
        p[5] = hex[b & 15];
        p += 6;
    }
    *p++ = '"';
    out->len = (size_t)(p - out->data);
    return SPATE_OK;
}

static bool is_bare(const sp_column *c, uint32_t row)
{
    sp_kind kind = c->type.kind;
    if (kind == SP_F32 || kind == SP_F64)
        return isfinite(real_at(c, row));
    return kind <= SP_U64 || kind == SP_DECIMAL;
}

static int json_list(sp_buf *out, const sp_column *c, uint32_t row)
{
    int rc = sp_buf_adds(out, "[");
    for (int32_t i = c->offsets[row]; i < c->offsets[row + 1] && rc == SPATE_OK; i++) {
        rc = i > c->offsets[row] ? sp_buf_adds(out, ",") : SPATE_OK;
        if (rc == SPATE_OK)
            rc = sp_cell_json(out, c->child, (uint32_t)i);
    }
    return rc == SPATE_OK ? sp_buf_adds(out, "]") : rc;
}

int sp_cell_json(sp_buf *out, const sp_column *c, uint32_t row)
{
    char text[SP_CELL_TEXT_BYTES + SP_SLACK];
    if (sp_column_null(c, row))
        return sp_buf_adds(out, "null");
    switch (c->type.kind) {
    case SP_LIST: return json_list(out, c, row);
    case SP_TEXT: return sp_json_string(out, sp_column_str(c, row));
    case SP_JSON: return sp_buf_add(out, sp_column_str(c, row).p, sp_column_str(c, row).len);
    case SP_BYTES: {
        sp_str s = sp_column_str(c, row);
        if (sp_buf_adds(out, "\"") || sp_buf_reserve(out, 2 * s.len + 1))
            return SPATE_E_NOMEM;
        out->len = (size_t)(sp_put_hex(out->data + out->len, (const uint8_t *)s.p, s.len) - out->data);
        return sp_buf_adds(out, "\"");
    }
    default: {
        sp_str s = {text, (size_t)(sp_cell_put_fixed(text, c, row) - text)};
        return is_bare(c, row) ? sp_buf_add(out, s.p, s.len) : sp_json_string(out, s);
    }
    }
}
