/* value.c - a single value as text and back, as the command line and other programs show and take them. */
#include "codec/codec.h"
#include "store/file.h"
#include "spate/store.h"

#include <math.h>

struct spate_line {
    sp_buf text;
};

spate_line *spate_line_new(void)
{
    return sp_alloc_zero(1, sizeof(spate_line));
}

void spate_line_free(spate_line *l)
{
    if (l)
        sp_buf_done(&l->text);
    sp_free(l);
}

void spate_line_clear(spate_line *l)
{
    l->text.len = 0;
}

int spate_line_add(spate_line *l, const char *text)
{
    return sp_buf_adds(&l->text, text);
}

const char *spate_line_text(const spate_line *l, size_t *len)
{
    *len = l->text.len;
    return l->text.len ? l->text.data : "";
}

/* ---- values as columns of one cell, which codec writes ------------------------------------------ */

/* A value's cell where its kind keeps it; list items and texts stay where they are. */
typedef struct one_cell {
    sp_column column, child;
    union {
        char bytes[16];
        uint64_t number;
    } data;
    int32_t offsets[2];
} one_cell;

static void to_cell(const spate_value *v, one_cell *c)
{
    sp_kind kind = (sp_kind)v->kind;
    *c = (one_cell){.column = {.type = {.kind = kind, .precision = v->precision, .scale = v->scale}}};
    c->column.data = c->data.bytes;
    if (sp_kind_has_bytes(kind)) {
        c->offsets[1] = (int32_t)v->len;
        c->column.offsets = c->offsets;
        c->column.bytes = (char *)(uintptr_t)v->as.p;
    } else if (kind == SP_UUID || kind == SP_INTERVAL) {
        memcpy(c->data.bytes, v->as.p, 16);
    } else if (kind == SP_F32) {
        memcpy(c->data.bytes, &v->as.f32, 4);
    } else {
        c->data.number = kind == SP_BOOL ? v->as.b : v->as.u; /* the low bytes are the narrow kinds' */
    }
}

static int put_plain(const spate_value *v, sp_buf *out)
{
    one_cell c;
    if (v->kind == SP_TEXT || v->kind == SP_JSON)
        return sp_buf_add(out, v->as.p, v->len);
    to_cell(v, &c);
    return sp_cell_text(&c.column, 0, out);
}

static int put_json_string(const char *p, size_t len, sp_buf *out)
{
    static const char hex[] = "0123456789abcdef";
    if (sp_buf_reserve(out, len * 6 + 2) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *to = out->data + out->len;
    *to++ = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = (char)c;
        } else if (c < 0x20 || c == 0x7f) {
            memcpy(to, "\\u00", 4);
            to[4] = hex[c >> 4];
            to[5] = hex[c & 15];
            to += 6;
        } else {
            *to++ = (char)c;
        }
    }
    *to++ = '"';
    out->len = (size_t)(to - out->data);
    return SPATE_OK;
}

static int put_json(const spate_value *v, sp_buf *out);

static spate_value item_of(const spate_column *c, uint32_t i)
{
    spate_value v = {.kind = (uint8_t)c->type.kind, .precision = c->type.precision, .scale = c->type.scale};
    const char *data = c->data;
    uint32_t width = sp_kind_width((sp_kind)c->type.kind);
    if (c->type.kind == SPATE_BOOL) {
        v.as.u = sp_bit(c->data, i);
    } else if (width == 16) {
        v.as.p = data + (size_t)i * 16;
    } else if (width == 2) {
        v.as.i = ((const int16_t *)c->data)[i];
    } else if (c->type.kind == SPATE_I32 || c->type.kind == SPATE_DATE) {
        v.as.i = ((const int32_t *)c->data)[i];
    } else if (width) {
        memcpy(&v.as, data + (size_t)i * width, width);
    } else {
        v.len = (uint32_t)(c->offsets[i + 1] - c->offsets[i]);
        v.as.p = c->bytes + c->offsets[i];
    }
    return v;
}

/* list: offsets[0] and [1] are the cell's; its items are rows of its child. */
static int put_list(const spate_column *list, sp_buf *out)
{
    int rc = sp_buf_adds(out, "[");
    for (int32_t i = list->offsets[0]; rc == SPATE_OK && i < list->offsets[1]; i++) {
        const spate_column *items = list->child;
        if (i > list->offsets[0])
            rc = sp_buf_adds(out, ",");
        if (rc != SPATE_OK)
            break;
        if (items->validity && !sp_bit(items->validity, (uint32_t)i)) {
            rc = sp_buf_adds(out, "null");
        } else if (items->type.kind == SPATE_LIST) {
            spate_column inner = *items;
            inner.offsets += i;
            rc = put_list(&inner, out);
        } else {
            spate_value v = item_of(items, (uint32_t)i);
            rc = put_json(&v, out);
        }
    }
    return rc == SPATE_OK ? sp_buf_adds(out, "]") : rc;
}

static bool is_bare(const spate_value *v)
{
    switch ((sp_kind)v->kind) {
    case SP_F32: return isfinite(v->as.f32);
    case SP_F64: return isfinite(v->as.f);
    default: return v->kind <= SP_DECIMAL || v->kind == SP_JSON;
    }
}

static int put_json_bytes(const spate_value *v, sp_buf *out)
{
    if (sp_buf_reserve(out, (size_t)v->len * 2 + 8) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->data + out->len;
    memcpy(p, "\"\\\\x", 4);
    p = sp_put_hex(p + 4, v->as.p, v->len);
    *p++ = '"';
    out->len = (size_t)(p - out->data);
    return SPATE_OK;
}

/* Dates and times as ISO 8601 writes them; other kinds as they are. */
static int put_json_time(const spate_value *v, sp_buf *out)
{
    if (v->kind != SP_DATE && v->kind != SP_TIMESTAMP && v->kind != SP_TIMESTAMPTZ)
        return put_plain(v, out);
    if (sp_buf_reserve(out, SP_TIMESTAMP_TEXT_MAX) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->data + out->len;
    p = v->kind == SP_DATE        ? sp_put_date_iso(p, (int32_t)v->as.i)
        : v->kind == SP_TIMESTAMP ? sp_put_timestamp_iso(p, v->as.i)
                                  : sp_put_timestamptz_iso(p, v->as.i);
    out->len = (size_t)(p - out->data);
    return SPATE_OK;
}

static int put_json(const spate_value *v, sp_buf *out)
{
    if (v->kind == SP_LIST)
        return put_list(v->as.p, out);
    if (is_bare(v))
        return put_plain(v, out);
    if (v->kind == SP_TEXT)
        return put_json_string(v->as.p, v->len, out);
    if (v->kind == SP_BYTES)
        return put_json_bytes(v, out);
    int rc = sp_buf_adds(out, "\"");
    rc = rc == SPATE_OK ? put_json_time(v, out) : rc;
    return rc == SPATE_OK ? sp_buf_adds(out, "\"") : rc;
}

/* A field of CSV: in quotes where it needs them, and where it is empty, for nothing at all is null. */
static int put_csv(const spate_value *v, sp_buf *out)
{
    size_t start = out->len;
    int rc = v->kind == SP_LIST ? put_list(v->as.p, out) : put_plain(v, out);
    size_t len = out->len - start, quotes = 0;
    bool quoted = len == 0;
    for (size_t i = start; rc == SPATE_OK && i < out->len; i++) {
        quotes += out->data[i] == '"';
        quoted |= memchr("\",\n\r", out->data[i], 4) != NULL;
    }
    if (rc != SPATE_OK || !quoted)
        return rc;
    if (sp_buf_reserve(out, quotes + 2) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *from = out->data + out->len, *to = from + quotes + 1, *p = out->data + start;
    out->len = (size_t)(to + 1 - out->data);
    *to-- = '"';
    while (from > p) {
        *to-- = *--from;
        if (*from == '"')
            *to-- = '"';
    }
    *p = '"';
    return SPATE_OK;
}

int spate_line_add_value(spate_line *l, const spate_value *v, spate_form form)
{
    static int (*const ways[])(const spate_value *, sp_buf *) = {put_plain, put_json, put_csv};
    if (form == SPATE_FORM_PLAIN && v->kind == SP_LIST)
        return put_list(v->as.p, &l->text);
    return ways[form](v, &l->text);
}

int spate_line_add_string(spate_line *l, const char *text)
{
    return put_json_string(text, strlen(text), &l->text);
}

/* ---- text to values ------------------------------------------------------------------------------ */

static bool parse_number(sp_str s, const spate_type *type, spate_value *v)
{
    switch ((sp_kind)type->kind) {
    case SP_BOOL: v->as.u = 0; return sp_parse_bool(s, &v->as.b);
    case SP_I16: return sp_parse_i64(s, &v->as.i) && v->as.i >= INT16_MIN && v->as.i <= INT16_MAX;
    case SP_I32: return sp_parse_i64(s, &v->as.i) && v->as.i >= INT32_MIN && v->as.i <= INT32_MAX;
    case SP_I64: return sp_parse_i64(s, &v->as.i);
    case SP_U64: return sp_parse_u64(s, &v->as.u);
    case SP_F32:
        if (!sp_parse_f64(s, &v->as.f))
            return false;
        v->as.f32 = (float)v->as.f;
        return true;
    case SP_F64: return sp_parse_f64(s, &v->as.f);
    case SP_DECIMAL: return sp_parse_decimal(s, type->scale, &v->as.i);
    case SP_TIME: return sp_parse_time(s, &v->as.i);
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: return sp_parse_timestamp(s, &v->as.i);
    case SP_DATE: {
        int32_t days;
        bool ok = sp_parse_date(s, &days);
        v->as.i = days;
        return ok;
    }
    default: return false;
    }
}

int spate_value_parse(const char *text, spate_type type, char *room, spate_value *v, spate_error *err)
{
    sp_str s = sp_str_of(text);
    size_t len = 0;
    *v = (spate_value){.kind = (uint8_t)type.kind, .precision = type.precision, .scale = type.scale};
    if (type.kind == SPATE_TEXT || type.kind == SPATE_JSON) {
        v->as.p = text;
        v->len = (uint32_t)s.len;
        return SPATE_OK;
    }
    bool ok = false;
    if (type.kind == SPATE_UUID) {
        ok = sp_parse_uuid(s, (uint8_t *)room);
        v->as.p = room;
        v->len = 16;
    } else if (type.kind == SPATE_BYTES) {
        ok = sp_parse_hex(s, (uint8_t *)room, &len);
        v->as.p = room;
        v->len = (uint32_t)len;
    } else {
        ok = parse_number(s, &type, v);
    }
    return ok ? SPATE_OK : sp_fail(err, SPATE_E_USAGE, "\"%s\" is no %s", text, sp_kind_name((sp_kind)type.kind));
}
