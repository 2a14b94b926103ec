/* duckdb_column.c - which cells fit which DuckDB type, and the loops that write them.
 *
 * Three answers: the cells are written as the column's own type; or as the DuckDB type nearest to
 * them, and the INSERT casts (checked by DuckDB: out of range is an error); or they do not go in,
 * which is said before the first row. Rounding happens only where SQL's assignment rounds as well:
 * decimals of fewer places, float for double. */
#include "endpoint/duckdb_column.h"

#include <stdio.h>

/* ---- what fits ------------------------------------------------------------------------------- */

static bool is_integer(duckdb_type id)
{
    return (id >= DUCKDB_TYPE_TINYINT && id <= DUCKDB_TYPE_UBIGINT) || id == DUCKDB_TYPE_HUGEINT ||
           id == DUCKDB_TYPE_UHUGEINT;
}

static bool is_real(duckdb_type id)
{
    return id == DUCKDB_TYPE_FLOAT || id == DUCKDB_TYPE_DOUBLE || id == DUCKDB_TYPE_DECIMAL;
}

static bool is_timestamp(duckdb_type id)
{
    return id == DUCKDB_TYPE_TIMESTAMP || id == DUCKDB_TYPE_TIMESTAMP_TZ || id == DUCKDB_TYPE_TIMESTAMP_S ||
           id == DUCKDB_TYPE_TIMESTAMP_MS || id == DUCKDB_TYPE_TIMESTAMP_NS;
}

static duckdb_type natural_id(sp_kind kind)
{
    static const duckdb_type ids[SP_KINDS] = {
        [SP_BOOL] = DUCKDB_TYPE_BOOLEAN,        [SP_I16] = DUCKDB_TYPE_SMALLINT,
        [SP_I32] = DUCKDB_TYPE_INTEGER,         [SP_I64] = DUCKDB_TYPE_BIGINT,
        [SP_U64] = DUCKDB_TYPE_UBIGINT,         [SP_F32] = DUCKDB_TYPE_FLOAT,
        [SP_F64] = DUCKDB_TYPE_DOUBLE,          [SP_DECIMAL] = DUCKDB_TYPE_DECIMAL,
        [SP_DATE] = DUCKDB_TYPE_DATE,           [SP_TIME] = DUCKDB_TYPE_TIME,
        [SP_TIMESTAMP] = DUCKDB_TYPE_TIMESTAMP, [SP_TIMESTAMPTZ] = DUCKDB_TYPE_TIMESTAMP_TZ,
        [SP_INTERVAL] = DUCKDB_TYPE_INTERVAL,   [SP_UUID] = DUCKDB_TYPE_UUID,
        [SP_TEXT] = DUCKDB_TYPE_VARCHAR,        [SP_JSON] = DUCKDB_TYPE_VARCHAR,
        [SP_BYTES] = DUCKDB_TYPE_BLOB,          [SP_LIST] = DUCKDB_TYPE_LIST,
    };
    return ids[kind];
}

static bool castable(const sp_type *cells, duckdb_logical_type target);

static bool castable_list(const sp_type *cells, duckdb_logical_type target, duckdb_type id)
{
    if (id != DUCKDB_TYPE_LIST && id != DUCKDB_TYPE_ARRAY)
        return id == DUCKDB_TYPE_VARCHAR;
    duckdb_logical_type item =
        id == DUCKDB_TYPE_LIST ? sp_duckdb.list_type_child_type(target) : sp_duckdb.array_type_child_type(target);
    bool fits = castable(cells->item, item);
    sp_duckdb.destroy_logical_type(&item);
    return fits;
}

/* Whether DuckDB's cast of such cells keeps their meaning. */
static bool castable(const sp_type *cells, duckdb_logical_type target)
{
    duckdb_type id = sp_duckdb.get_type_id(target);
    if (cells->kind == SP_LIST)
        return castable_list(cells, target, id);
    if (id == natural_id(cells->kind) || cells->kind == SP_TEXT)
        return true;
    switch (cells->kind) {
    case SP_BOOL: return is_integer(id) || id == DUCKDB_TYPE_VARCHAR;
    case SP_I16:
    case SP_I32:
    case SP_I64:
    case SP_U64: return is_integer(id) || is_real(id) || id == DUCKDB_TYPE_VARCHAR;
    case SP_F32:
    case SP_F64: return is_real(id) || id == DUCKDB_TYPE_VARCHAR;
    case SP_DECIMAL: return is_real(id) || id == DUCKDB_TYPE_VARCHAR || (cells->scale == 0 && is_integer(id));
    case SP_DATE: return is_timestamp(id) || id == DUCKDB_TYPE_VARCHAR;
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: return is_timestamp(id) || id == DUCKDB_TYPE_DATE || id == DUCKDB_TYPE_VARCHAR;
    case SP_TIME: return id == DUCKDB_TYPE_TIME_TZ || id == DUCKDB_TYPE_VARCHAR;
    case SP_INTERVAL:
    case SP_UUID: return id == DUCKDB_TYPE_VARCHAR;
    default: return false;
    }
}

static bool has_alias(duckdb_logical_type type, const char *want)
{
    char *alias = sp_duckdb.logical_type_get_alias(type);
    bool same = want ? alias && strcmp(alias, want) == 0 : alias == NULL;
    if (alias)
        sp_duckdb.free(alias);
    return same;
}

/* ---- written as the target's own type -------------------------------------------------------- */

static duckdb_logical_type copy_type(duckdb_logical_type type)
{
    /* The library has no copy; the item of a list of it is one. */
    duckdb_logical_type list = sp_duckdb.create_list_type(type);
    duckdb_logical_type copy = sp_duckdb.list_type_child_type(list);
    sp_duckdb.destroy_logical_type(&list);
    return copy;
}

static uint32_t width_of_id(duckdb_type id)
{
    switch (id) {
    case DUCKDB_TYPE_UTINYINT: return 1;
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_USMALLINT: return 2;
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_UINTEGER: return 4;
    case DUCKDB_TYPE_HUGEINT: return 16;
    default: return 8;
    }
}

static bool direct_decimal(sp_duckdb_column *column, const sp_type *cells, duckdb_logical_type target)
{
    if (sp_duckdb.decimal_scale(target) != cells->scale || cells->precision == 0 ||
        cells->precision > sp_duckdb.decimal_width(target))
        return false;
    column->width = width_of_id(sp_duckdb.decimal_internal_type(target));
    column->form = column->width == 8 ? SP_DUCKDB_SAME : SP_DUCKDB_DECIMAL;
    return true;
}

static uint32_t label_slot(const sp_duckdb_labels *labels, const char *p, size_t len);

static bool direct_enum(sp_duckdb_column *column, duckdb_logical_type target, sp_arena *arena)
{
    sp_duckdb_labels *labels = &column->labels;
    uint32_t n = sp_duckdb.enum_dictionary_size(target), slots = 8;
    while (slots < 2 * n)
        slots *= 2;
    labels->mask = slots - 1;
    labels->keys = sp_arena_alloc(arena, slots, sizeof(*labels->keys));
    labels->codes = sp_arena_alloc(arena, slots, sizeof(*labels->codes));
    if (!labels->keys || !labels->codes)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        char *word = sp_duckdb.enum_dictionary_value(target, i);
        size_t len = strlen(word);
        char *kept = sp_arena_strndup(arena, word, len);
        sp_duckdb.free(word);
        if (!kept)
            return false;
        uint32_t at = label_slot(labels, kept, len);
        labels->keys[at] = (sp_str){kept, len};
        labels->codes[at] = i;
    }
    column->form = SP_DUCKDB_ENUM;
    column->width = width_of_id(sp_duckdb.enum_internal_type(target));
    return true;
}

static bool direct(sp_duckdb_column *column, const sp_type *cells, duckdb_logical_type target, sp_arena *arena);

static bool direct_list(sp_duckdb_column *column, const sp_type *cells, duckdb_logical_type target, sp_arena *arena)
{
    duckdb_logical_type item = sp_duckdb.list_type_child_type(target);
    column->form = SP_DUCKDB_LIST;
    column->item = sp_arena_alloc(arena, 1, sizeof(*column->item));
    bool fits = column->item && direct(column->item, cells->item, item, arena);
    sp_duckdb.destroy_logical_type(&item);
    return fits;
}

static bool direct(sp_duckdb_column *column, const sp_type *cells, duckdb_logical_type target, sp_arena *arena)
{
    duckdb_type id = sp_duckdb.get_type_id(target);
    column->form = SP_DUCKDB_SAME;
    column->width = sp_kind_width(cells->kind);
    /* The same 64 bits: a timestamp without a zone counts as UTC, as it does everywhere in spate.
     */
    if ((cells->kind == SP_TIMESTAMP && id == DUCKDB_TYPE_TIMESTAMP_TZ) ||
        (cells->kind == SP_TIMESTAMPTZ && id == DUCKDB_TYPE_TIMESTAMP))
        return true;
    if (cells->kind == SP_TEXT && id == DUCKDB_TYPE_ENUM)
        return direct_enum(column, target, arena);
    if (id != natural_id(cells->kind))
        return false;
    switch (cells->kind) {
    case SP_BOOL: column->form = SP_DUCKDB_BOOL; return true;
    case SP_UUID: column->form = SP_DUCKDB_UUID; return true;
    case SP_DECIMAL: return direct_decimal(column, cells, target);
    case SP_TEXT:
    case SP_BYTES: column->form = SP_DUCKDB_STRING; return has_alias(target, NULL);
    case SP_JSON: column->form = SP_DUCKDB_STRING; return has_alias(target, NULL) || has_alias(target, "JSON");
    case SP_LIST: return direct_list(column, cells, target, arena);
    default: return true;
    }
}

/* ---- written as the nearest type, then cast -------------------------------------------------- */

static duckdb_logical_type natural_type(const sp_type *cells, duckdb_type target)
{
    if (cells->kind == SP_DECIMAL)
        return sp_duckdb.create_decimal_type(18, cells->scale);
    if (cells->kind == SP_TIMESTAMPTZ && target != DUCKDB_TYPE_VARCHAR) /* a cast to date must not depend on a zone */
        return sp_duckdb.create_logical_type(DUCKDB_TYPE_TIMESTAMP);
    if (cells->kind != SP_LIST)
        return sp_duckdb.create_logical_type(natural_id(cells->kind));
    duckdb_logical_type item = natural_type(cells->item, DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type list = sp_duckdb.create_list_type(item);
    sp_duckdb.destroy_logical_type(&item);
    return list;
}

static bool by_cast(sp_duckdb_column *column, const sp_type *cells, duckdb_type target, sp_arena *arena)
{
    sp_type wide = *cells;
    wide.precision = 18;
    *column = (sp_duckdb_column){.cast = true, .type = natural_type(cells, target)};
    return direct(column, cells->kind == SP_DECIMAL ? &wide : cells, column->type, arena);
}

/* ---- the choice ------------------------------------------------------------------------------ */

static bool range_fits(const sp_field *field, duckdb_type id)
{
    static const struct {
        duckdb_type id;
        int64_t min, max;
    } ranges[] = {
        {DUCKDB_TYPE_TINYINT, INT8_MIN, INT8_MAX},   {DUCKDB_TYPE_SMALLINT, INT16_MIN, INT16_MAX},
        {DUCKDB_TYPE_INTEGER, INT32_MIN, INT32_MAX}, {DUCKDB_TYPE_UTINYINT, 0, UINT8_MAX},
        {DUCKDB_TYPE_USMALLINT, 0, UINT16_MAX},      {DUCKDB_TYPE_UINTEGER, 0, UINT32_MAX},
        {DUCKDB_TYPE_UBIGINT, 0, INT64_MAX},         {DUCKDB_TYPE_UHUGEINT, 0, INT64_MAX},
    };
    if (!field->bounds.has_range || field->type.kind == SP_U64)
        return true;
    for (size_t i = 0; i < SP_COUNT(ranges); i++)
        if (ranges[i].id == id)
            return field->bounds.min >= ranges[i].min && field->bounds.max <= ranges[i].max;
    return true;
}

/* Every label that the column will be given must be one of the target's. */
static bool labels_fit(const sp_duckdb_column *column, const sp_field *field, char why[160])
{
    for (uint32_t i = 0; i < field->n_labels; i++) {
        sp_str word = field->labels[i];
        if (!column->labels.keys[label_slot(&column->labels, word.p, word.len)].p) {
            snprintf(why, 160, "its type has no value '%.*s'", (int)SP_MIN(word.len, (size_t)100), word.p);
            return false;
        }
    }
    return true;
}

bool sp_duckdb_column_init(sp_duckdb_column *column, const sp_field *field, duckdb_logical_type target, sp_arena *arena,
                           char why[160])
{
    duckdb_type id = sp_duckdb.get_type_id(target);
    *column = (sp_duckdb_column){0};
    if (!castable(&field->type, target)) {
        snprintf(why, 160, "no conversion keeps their meaning");
        return false;
    }
    if (!range_fits(field, id)) {
        snprintf(why, 160, "cells from %lld to %lld are out of its range", (long long)field->bounds.min,
                 (long long)field->bounds.max);
        return false;
    }
    if (direct(column, &field->type, target, arena)) {
        column->type = copy_type(target);
        return column->form != SP_DUCKDB_ENUM || labels_fit(column, field, why);
    }
    return by_cast(column, &field->type, id, arena);
}

bool sp_duckdb_column_natural(sp_duckdb_column *column, const sp_type *cells, sp_arena *arena)
{
    return by_cast(column, cells, DUCKDB_TYPE_VARCHAR, arena);
}

void sp_duckdb_column_done(sp_duckdb_column *column)
{
    if (column->type)
        sp_duckdb.destroy_logical_type(&column->type);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* A string is 16 bytes: its length, then up to 12 bytes of it (the rest zero), or its first 4 bytes
 * and a pointer. */
static void fill_strings(const sp_column *cells, uint32_t rows, char *out)
{
    _Static_assert(sizeof(duckdb_string_t) == 16, "DuckDB's string header");
    const int32_t *offsets = cells->offsets;
    for (uint32_t i = 0; i < rows; i++, out += 16) {
        const char *p = cells->bytes + offsets[i];
        uint32_t len = (uint32_t)(offsets[i + 1] - offsets[i]);
        if (len > 12) {
            memcpy(out, &len, 4);
            memcpy(out + 4, p, 4);
            memcpy(out + 8, &p, 8);
            continue;
        }
        uint64_t first, last = 0; /* the bytes behind short text are readable: SP_SLACK */
        uint32_t tail = 0;
        memcpy(&first, p, 8);
        memcpy(&tail, p + 8, 4);
        first &= len >= 8 ? ~UINT64_C(0) : (UINT64_C(1) << 8 * len) - 1;
        tail &= len <= 8 ? 0 : (uint32_t)((UINT64_C(1) << 8 * (len - 8)) - 1);
        last = first >> 32 | (uint64_t)tail << 32;
        first = first << 32 | len;
        memcpy(out, &first, 8);
        memcpy(out + 8, &last, 8);
    }
}

static void fill_bools(const uint8_t *bits, uint32_t rows, uint8_t *out)
{
    for (uint32_t i = 0; i < rows; i++)
        out[i] = bits[i >> 3] >> (i & 7) & 1;
}

static void fill_uuids(const uint8_t *in, uint32_t rows, uint64_t *out)
{
    for (uint32_t i = 0; i < rows; i++, in += 16, out += 2) {
        uint64_t high, low;
        memcpy(&high, in, 8);
        memcpy(&low, in + 8, 8);
        out[0] = __builtin_bswap64(low);
        out[1] = __builtin_bswap64(high) ^ (UINT64_C(1) << 63);
    }
}

static int fill_decimals(const sp_duckdb_column *column, const sp_column *cells, uint32_t rows, void *out,
                         spate_error *err)
{
    const int64_t *in = cells->data;
    uint64_t lost = 0;
    for (uint32_t i = 0; i < rows; i++) {
        int64_t v = cells->validity && !sp_bit(cells->validity, i) ? 0 : in[i];
        if (column->width == 2) {
            ((int16_t *)out)[i] = (int16_t)v;
            lost |= (uint64_t)(v ^ (int16_t)v);
        } else if (column->width == 4) {
            ((int32_t *)out)[i] = (int32_t)v;
            lost |= (uint64_t)(v ^ (int32_t)v);
        } else {
            ((duckdb_hugeint *)out)[i] = (duckdb_hugeint){(uint64_t)v, v >> 63};
        }
    }
    return lost ? sp_fail(err, SPATE_E_DATA, "a decimal has more digits than its column") : SPATE_OK;
}

/* The slot where the text is, or where it would be. */
static uint32_t label_slot(const sp_duckdb_labels *labels, const char *p, size_t len)
{
    uint64_t z = len;
    for (size_t i = 0; i < len; i++)
        z = (z ^ (uint8_t)p[i]) * UINT64_C(0x100000001b3);
    uint32_t at = (uint32_t)(z ^ z >> 32) & labels->mask;
    while (labels->keys[at].p && !(labels->keys[at].len == len && memcmp(labels->keys[at].p, p, len) == 0))
        at = (at + 1) & labels->mask;
    return at;
}

static int fill_enums(const sp_duckdb_column *column, const sp_column *cells, uint32_t rows, void *out,
                      spate_error *err)
{
    const sp_duckdb_labels *labels = &column->labels;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t code = 0;
        if (!sp_column_null(cells, i)) {
            sp_str word = sp_column_str(cells, i);
            uint32_t at = label_slot(labels, word.p, word.len);
            if (!labels->keys[at].p)
                return sp_fail(err, SPATE_E_DATA, "an enumeration has no value '%.*s'",
                               (int)SP_MIN(word.len, (size_t)100), word.p);
            code = labels->codes[at];
        }
        if (column->width == 1)
            ((uint8_t *)out)[i] = (uint8_t)code;
        else if (column->width == 2)
            ((uint16_t *)out)[i] = (uint16_t)code;
        else
            ((uint32_t *)out)[i] = code;
    }
    return SPATE_OK;
}

static int fill_lists(const sp_duckdb_column *column, const sp_column *cells, uint32_t rows, duckdb_vector vector,
                      spate_error *err)
{
    duckdb_list_entry *out = sp_duckdb.vector_get_data(vector);
    uint32_t items = (uint32_t)cells->offsets[rows];
    for (uint32_t i = 0; i < rows; i++)
        out[i] =
            (duckdb_list_entry){(uint64_t)cells->offsets[i], (uint64_t)(cells->offsets[i + 1] - cells->offsets[i])};
    if (sp_duckdb.list_vector_reserve(vector, items) == DuckDBError ||
        sp_duckdb.list_vector_set_size(vector, items) == DuckDBError)
        return sp_fail_nomem(err);
    return sp_duckdb_fill(column->item, cells->child, items, sp_duckdb.list_vector_get_child(vector), err);
}

/* Arrow's bitmaps are DuckDB's. Once a vector has one it keeps it, so it must be set again when all
 * cells are present. */
static int fill_validity(const sp_column *cells, uint32_t rows, duckdb_vector vector, spate_error *err)
{
    uint64_t *bits = sp_duckdb.vector_get_validity(vector);
    if (!cells->validity) {
        if (bits)
            memset(bits, 0xff, (rows + 7) / 8);
        return SPATE_OK;
    }
    if (!bits) {
        sp_duckdb.vector_ensure_validity_writable(vector);
        bits = sp_duckdb.vector_get_validity(vector);
        if (!bits)
            return sp_fail_nomem(err);
    }
    memcpy(bits, cells->validity, (rows + 7) / 8);
    return SPATE_OK;
}

int sp_duckdb_fill(const sp_duckdb_column *column, const sp_column *cells, uint32_t rows, duckdb_vector vector,
                   spate_error *err)
{
    void *out = sp_duckdb.vector_get_data(vector);
    int rc = fill_validity(cells, rows, vector, err);
    if (rc != SPATE_OK)
        return rc;
    switch (column->form) {
    case SP_DUCKDB_SAME:
        if (cells->data != out)
            memcpy(out, cells->data, (size_t)rows * column->width);
        return SPATE_OK;
    case SP_DUCKDB_BOOL: fill_bools(cells->data, rows, out); return SPATE_OK;
    case SP_DUCKDB_UUID: fill_uuids(cells->data, rows, out); return SPATE_OK;
    case SP_DUCKDB_DECIMAL: return fill_decimals(column, cells, rows, out, err);
    case SP_DUCKDB_ENUM: return fill_enums(column, cells, rows, out, err);
    case SP_DUCKDB_STRING: fill_strings(cells, rows, out); return SPATE_OK;
    case SP_DUCKDB_LIST: return fill_lists(column, cells, rows, vector, err);
    }
    return sp_fail(err, SPATE_E_BUG, "unknown form of a DuckDB column");
}
