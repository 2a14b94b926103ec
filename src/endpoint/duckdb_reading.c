/* duckdb_reading.c - what DuckDB's types come as, and their cells, one after the other out of its vectors. */
#include "endpoint/duckdb_reading.h"
#include "codec/codec.h"

/* ---- cells: each takes cell at of a vector ------------------------------------------------------------ */

#define INTEGER(name, from, to) \
    static int name(const sp_duckdb_reading *how, sp_column *c, uint32_t row, const void *data, uint64_t at, \
                    duckdb_vector vector) \
    { \
        ((to *)c->data)[row] = (to)((const from *)data)[at]; \
        return SPATE_OK; \
    }
INTEGER(put_i8, int8_t, int16_t)
INTEGER(put_u8, uint8_t, int16_t)
INTEGER(put_i16, int16_t, int16_t)
INTEGER(put_u16, uint16_t, int32_t)
INTEGER(put_i32, int32_t, int32_t)
INTEGER(put_u32, uint32_t, int64_t)
INTEGER(put_i64, int64_t, int64_t)
INTEGER(put_decimal_i16, int16_t, int64_t)
INTEGER(put_decimal_i32, int32_t, int64_t)

static int put_bool(const sp_duckdb_reading *how, sp_column *c, uint32_t row, const void *data, uint64_t at,
                    duckdb_vector vector)
{
    sp_cell_set_bool(c, row, ((const uint8_t *)data)[at]);
    return SPATE_OK;
}

static int put_interval(const sp_duckdb_reading *how, sp_column *c, uint32_t row, const void *data, uint64_t at,
                        duckdb_vector vector)
{
    const duckdb_interval *v = (const duckdb_interval *)data + at;
    ((sp_interval *)c->data)[row] = (sp_interval){v->months, v->days, v->micros};
    return SPATE_OK;
}

/* A 128-bit number whose sign is flipped, so that it sorts as the text does. */
static int put_uuid(const sp_duckdb_reading *how, sp_column *c, uint32_t row, const void *data, uint64_t at,
                    duckdb_vector vector)
{
    const duckdb_hugeint *v = (const duckdb_hugeint *)data + at;
    uint64_t halves[2] = {__builtin_bswap64((uint64_t)v->upper ^ UINT64_C(1) << 63), __builtin_bswap64(v->lower)};
    memcpy((uint8_t *)c->data + (size_t)row * 16, halves, 16);
    return SPATE_OK;
}

static int put_string(const sp_duckdb_reading *how, sp_column *c, uint32_t row, const void *data, uint64_t at,
                      duckdb_vector vector)
{
    const duckdb_string_t *s = (const duckdb_string_t *)data + at;
    uint32_t len = s->value.inlined.length;
    return sp_cell_add_text(c, row, (sp_str){len <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr, len});
}

static int put_label(const sp_duckdb_reading *how, sp_column *c, uint32_t row, const void *data, uint64_t at,
                     duckdb_vector vector)
{
    uint64_t code = how->internal == DUCKDB_TYPE_UTINYINT    ? ((const uint8_t *)data)[at]
                    : how->internal == DUCKDB_TYPE_USMALLINT ? ((const uint16_t *)data)[at]
                                                             : ((const uint32_t *)data)[at];
    return code < how->n_labels ? sp_cell_add_text(c, row, how->labels[code]) : SPATE_E_DATA;
}

static int put_list(const sp_duckdb_reading *how, sp_column *c, uint32_t row, const void *data, uint64_t at,
                    duckdb_vector vector)
{
    const duckdb_list_entry *list = (const duckdb_list_entry *)data + at;
    duckdb_vector child = sp_duckdb.list_vector_get_child(vector);
    const void *items = sp_duckdb.vector_get_data(child);
    const uint64_t *valid = sp_duckdb.vector_get_validity(child);
    uint32_t to = (uint32_t)c->offsets[row];
    if (list->length > INT32_MAX || sp_column_reserve_items(c->child, to + (uint32_t)list->length))
        return SPATE_E_NOMEM;
    for (uint64_t i = list->offset; i < list->offset + list->length; i++, to++) {
        int rc = SPATE_OK;
        if (valid && !(valid[i / 64] >> (i % 64) & 1))
            sp_cell_read_null(c->child, to);
        else
            rc = how->item->put(how->item, c->child, to, items, i, child);
        if (rc != SPATE_OK)
            return rc;
    }
    c->offsets[row + 1] = (int32_t)to;
    return SPATE_OK;
}

/* ---- which type comes as what ----------------------------------------------------------------------------- */

static bool has_alias(duckdb_logical_type type, const char *want)
{
    char *alias = sp_duckdb.logical_type_get_alias(type);
    bool same = alias && strcmp(alias, want) == 0;
    if (alias)
        sp_duckdb.free(alias);
    return same;
}

static bool read_labels(sp_arena *arena, duckdb_logical_type type, sp_duckdb_reading *how)
{
    uint32_t n = sp_duckdb.enum_dictionary_size(type);
    sp_str *labels = sp_arena_alloc(arena, n + 1, sizeof(*labels));
    for (uint32_t i = 0; labels && i < n; i++) {
        char *word = sp_duckdb.enum_dictionary_value(type, i);
        labels[i] = (sp_str){sp_arena_strndup(arena, word, strlen(word)), strlen(word)};
        sp_duckdb.free(word);
        if (!labels[i].p)
            return false;
    }
    how->labels = labels;
    how->n_labels = n;
    how->internal = sp_duckdb.enum_internal_type(type);
    return labels != NULL;
}

static sp_kind decimal_reading(duckdb_logical_type type, sp_type *out, sp_duckdb_reading *how)
{
    out->precision = sp_duckdb.decimal_width(type);
    out->scale = sp_duckdb.decimal_scale(type);
    how->internal = sp_duckdb.decimal_internal_type(type);
    how->put = how->internal == DUCKDB_TYPE_SMALLINT  ? put_decimal_i16
               : how->internal == DUCKDB_TYPE_INTEGER ? put_decimal_i32
                                                      : put_i64;
    return SP_DECIMAL;
}

static int list_reading(sp_arena *arena, duckdb_logical_type type, sp_type *out, sp_duckdb_reading *how, bool *known);

int sp_duckdb_reading_of(sp_arena *arena, duckdb_logical_type type, sp_type *out, sp_duckdb_reading *how, bool *known)
{
    static const struct {
        duckdb_type id;
        sp_kind kind;
        sp_duckdb_put_fn *put;
    } map[] = {
        {DUCKDB_TYPE_BOOLEAN, SP_BOOL, put_bool},
        {DUCKDB_TYPE_TINYINT, SP_I16, put_i8},
        {DUCKDB_TYPE_SMALLINT, SP_I16, put_i16},
        {DUCKDB_TYPE_INTEGER, SP_I32, put_i32},
        {DUCKDB_TYPE_BIGINT, SP_I64, put_i64},
        {DUCKDB_TYPE_UTINYINT, SP_I16, put_u8},
        {DUCKDB_TYPE_USMALLINT, SP_I32, put_u16},
        {DUCKDB_TYPE_UINTEGER, SP_I64, put_u32},
        {DUCKDB_TYPE_UBIGINT, SP_U64, put_i64},
        {DUCKDB_TYPE_FLOAT, SP_F32, put_i32},
        {DUCKDB_TYPE_DOUBLE, SP_F64, put_i64},
        {DUCKDB_TYPE_DATE, SP_DATE, put_i32},
        {DUCKDB_TYPE_TIME, SP_TIME, put_i64},
        {DUCKDB_TYPE_TIMESTAMP, SP_TIMESTAMP, put_i64},
        {DUCKDB_TYPE_TIMESTAMP_TZ, SP_TIMESTAMPTZ, put_i64},
        {DUCKDB_TYPE_INTERVAL, SP_INTERVAL, put_interval},
        {DUCKDB_TYPE_UUID, SP_UUID, put_uuid},
        {DUCKDB_TYPE_VARCHAR, SP_TEXT, put_string},
        {DUCKDB_TYPE_BLOB, SP_BYTES, put_string},
    };
    duckdb_type id = sp_duckdb.get_type_id(type);
    *known = true;
    for (size_t i = 0; i < SP_COUNT(map); i++) {
        if (map[i].id != id)
            continue;
        *out = (sp_type){.kind = map[i].kind == SP_TEXT && has_alias(type, "JSON") ? SP_JSON : map[i].kind};
        how->put = map[i].put;
        return SPATE_OK;
    }
    if (id == DUCKDB_TYPE_DECIMAL && sp_duckdb.decimal_width(type) <= 18) {
        out->kind = decimal_reading(type, out, how);
        return SPATE_OK;
    }
    if (id == DUCKDB_TYPE_LIST)
        return list_reading(arena, type, out, how, known);
    *known = id == DUCKDB_TYPE_ENUM;
    *out = (sp_type){.kind = SP_TEXT};
    how->put = *known ? put_label : put_string;
    return !*known || read_labels(arena, type, how) ? SPATE_OK : SPATE_E_NOMEM;
}

static int list_reading(sp_arena *arena, duckdb_logical_type type, sp_type *out, sp_duckdb_reading *how, bool *known)
{
    sp_type *item = sp_arena_alloc(arena, 1, sizeof(*item));
    how->item = sp_arena_alloc(arena, 1, sizeof(*how->item));
    if (!item || !how->item)
        return SPATE_E_NOMEM;
    duckdb_logical_type child = sp_duckdb.list_type_child_type(type);
    int rc = sp_duckdb_reading_of(arena, child, item, how->item, known);
    sp_duckdb.destroy_logical_type(&child);
    *known = *known && item->kind != SP_LIST;
    *out = *known ? (sp_type){.kind = SP_LIST, .item = item} : (sp_type){.kind = SP_TEXT};
    how->put = *known ? put_list : put_string;
    return rc;
}
