/* arrow.c - scans as Arrow C streams. A batch owns what it was decoded into: its columns are moved into arrays, not copied, but for the
 * kinds that Arrow lays out in another way. Every array, also one within another, is released by itself. */
#include "spate/arrow.h"
#include "store/scan.h"

#include <errno.h>
#include <stdio.h>

enum { BATCH_ROWS = 16384, BUFFERS = 3 };

/* ---- schemas ----------------------------------------------------------------------------------- */

typedef struct schema_parts {
    sp_buf format, name, metadata;
} schema_parts;

static void release_schema(struct ArrowSchema *s)
{
    schema_parts *parts = s->private_data;
    for (int64_t i = 0; i < s->n_children; i++) {
        if (s->children[i]->release)
            s->children[i]->release(s->children[i]);
        sp_free(s->children[i]);
    }
    sp_buf_done(&parts->format);
    sp_buf_done(&parts->name);
    sp_buf_done(&parts->metadata);
    sp_free(s->children);
    sp_free(parts);
    s->release = NULL;
}

static int add_format(const sp_type *t, sp_buf *out)
{
    static const char *const formats[SP_KINDS] = {
        [SP_BOOL] = "b",
        [SP_I16] = "s",
        [SP_I32] = "i",
        [SP_I64] = "l",
        [SP_U64] = "L",
        [SP_F32] = "f",
        [SP_F64] = "g",
        [SP_DATE] = "tdD",
        [SP_TIME] = "ttu",
        [SP_TIMESTAMP] = "tsu:",
        [SP_TIMESTAMPTZ] = "tsu:UTC",
        [SP_INTERVAL] = "tin",
        [SP_UUID] = "w:16",
        [SP_TEXT] = "u",
        [SP_JSON] = "u",
        [SP_BYTES] = "z",
        [SP_LIST] = "+l",
    };
    char decimal[32];
    snprintf(decimal, sizeof decimal, "d:%u,%u", t->precision ? t->precision : 18, t->scale);
    return sp_buf_add(out, t->kind == SP_DECIMAL ? decimal : formats[t->kind],
                      1 + strlen(t->kind == SP_DECIMAL ? decimal : formats[t->kind]));
}

/* One key and its value, each with its length in front. */
static int add_extension(const sp_type *t, sp_buf *out)
{
    static const char key[] = "ARROW:extension:name";
    const char *value = t->kind == SP_UUID ? "arrow.uuid" : "arrow.json";
    int32_t one = 1, key_len = (int32_t)strlen(key), value_len = (int32_t)strlen(value);
    int rc = sp_buf_add(out, &one, 4);
    rc = rc == SPATE_OK ? sp_buf_add(out, &key_len, 4) : rc;
    rc = rc == SPATE_OK ? sp_buf_add(out, key, (size_t)key_len) : rc;
    rc = rc == SPATE_OK ? sp_buf_add(out, &value_len, 4) : rc;
    return rc == SPATE_OK ? sp_buf_add(out, value, (size_t)value_len) : rc;
}

/* Zeroed children behind out, n of them. */
static int add_children(struct ArrowSchema *out, int64_t n)
{
    out->children = sp_alloc_zero((size_t)n + 1, sizeof *out->children);
    for (int64_t i = 0; out->children && i < n; i++) {
        out->children[i] = sp_alloc_zero(1, sizeof **out->children);
        if (!out->children[i])
            return SPATE_E_NOMEM;
        out->n_children = i + 1;
    }
    return out->children ? SPATE_OK : SPATE_E_NOMEM;
}

/* out is zeroed. Whatever comes of it, release_schema takes it apart. */
static int fill_schema(struct ArrowSchema *out, const sp_type *type, const char *format, const char *name)
{
    schema_parts *parts = sp_alloc_zero(1, sizeof *parts);
    if (!parts)
        return SPATE_E_NOMEM;
    out->private_data = parts;
    out->release = release_schema;
    out->flags = ARROW_FLAG_NULLABLE;
    int rc = type ? add_format(type, &parts->format) : sp_buf_add(&parts->format, format, strlen(format) + 1);
    if (rc == SPATE_OK)
        rc = sp_buf_add(&parts->name, name, strlen(name) + 1);
    if (rc == SPATE_OK && type && (type->kind == SP_UUID || type->kind == SP_JSON))
        rc = add_extension(type, &parts->metadata);
    out->format = parts->format.data;
    out->name = parts->name.data;
    out->metadata = parts->metadata.len ? parts->metadata.data : NULL;
    if (rc == SPATE_OK && type && type->kind == SP_LIST)
        rc = add_children(out, 1);
    return rc == SPATE_OK && out->n_children ? fill_schema(out->children[0], type->item, NULL, "item") : rc;
}

/* ---- arrays ------------------------------------------------------------------------------------ */

/* What an array owns. */
typedef struct array_parts {
    sp_column column;
    void *wide; /* cells that Arrow has otherwise */
    const void *buffers[BUFFERS];
} array_parts;

static void release_array(struct ArrowArray *a)
{
    array_parts *parts = a->private_data;
    for (int64_t i = 0; i < a->n_children; i++) {
        if (a->children[i]->release)
            a->children[i]->release(a->children[i]);
        sp_free(a->children[i]);
    }
    sp_column_done(&parts->column);
    sp_free(parts->wide);
    sp_free(a->children);
    sp_free(parts);
    a->release = NULL;
}

static int begin_array(struct ArrowArray *out, int64_t length, int64_t n_children)
{
    *out = (struct ArrowArray){.length = length, .null_count = -1};
    array_parts *parts = sp_alloc_zero(1, sizeof *parts);
    if (!parts)
        return SPATE_E_NOMEM;
    out->private_data = parts;
    out->buffers = parts->buffers;
    out->release = release_array;
    out->children = sp_alloc_zero((size_t)n_children + 1, sizeof *out->children);
    for (int64_t i = 0; out->children && i < n_children; i++) {
        out->children[i] = sp_alloc_zero(1, sizeof **out->children);
        if (!out->children[i])
            return SPATE_E_NOMEM;
        out->n_children = i + 1;
    }
    return out->children ? SPATE_OK : SPATE_E_NOMEM;
}

static int widen_decimals(array_parts *p, uint32_t n)
{
    const int64_t *from = p->column.data;
    __int128 *to = p->wide = sp_alloc(((size_t)n + 1) * sizeof *to);
    for (uint32_t i = 0; to && i < n; i++)
        memcpy(&to[i], &(__int128){from[i]}, sizeof *to);
    return to ? SPATE_OK : SPATE_E_NOMEM;
}

static int widen_intervals(array_parts *p, uint32_t n)
{
    const sp_interval *from = p->column.data;
    sp_interval *to = p->wide = sp_alloc(((size_t)n + 1) * sizeof *to);
    if (!to)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        to[i] = (sp_interval){.months = from[i].months, .days = from[i].days};
        bool there = !p->column.validity || sp_bit(p->column.validity, i);
        if (there && __builtin_mul_overflow(from[i].us, 1000, &to[i].us))
            return SPATE_E_DATA;
    }
    return SPATE_OK;
}

static int take_column(struct ArrowArray *out, sp_column *column, uint32_t n);

static int take_items(struct ArrowArray *out, array_parts *p, uint32_t n)
{
    sp_column *items = p->column.child;
    p->column.child = NULL;
    int rc = take_column(out->children[0], items, (uint32_t)p->column.offsets[n]);
    sp_column_done(items);
    sp_free(items);
    return rc;
}

/* n cells become an array, which owns them from now on; nothing is left in column. */
static int take_column(struct ArrowArray *out, sp_column *column, uint32_t n)
{
    sp_kind kind = column->type.kind;
    int rc = begin_array(out, n, kind == SP_LIST);
    if (rc != SPATE_OK)
        return rc;
    array_parts *p = out->private_data;
    p->column = *column;
    *column = (sp_column){.type = p->column.type};
    out->null_count = p->column.validity ? -1 : 0;
    if (kind == SP_DECIMAL)
        rc = widen_decimals(p, n);
    else if (kind == SP_INTERVAL)
        rc = widen_intervals(p, n);
    else if (kind == SP_LIST)
        rc = take_items(out, p, n);
    p->buffers[0] = p->column.validity;
    p->buffers[1] = p->wide ? p->wide : p->column.offsets ? (void *)p->column.offsets : p->column.data;
    p->buffers[2] = p->column.bytes;
    out->n_buffers = p->column.offsets && kind != SP_LIST ? 3 : 2;
    return rc;
}

/* ---- streams ----------------------------------------------------------------------------------- */

typedef struct stream {
    sp_store *store;
    spate_scan *scan;
    sp_arena arena;
    uint16_t *names;
    sp_type *types;
    uint32_t n;
    uint32_t rows, at; /* of the piece */
    spate_error err;
} stream;

/* What other programs make of a failure. */
static int failed(int rc)
{
    return rc == SPATE_OK ? 0 : rc == SPATE_E_NOMEM ? ENOMEM : rc == SPATE_E_IO || rc == SPATE_E_CORRUPT ? EIO : EINVAL;
}

static int make_schema(const stream *s, struct ArrowSchema *out)
{
    int rc = fill_schema(out, NULL, "+s", "");
    if (rc == SPATE_OK)
        rc = add_children(out, s->n);
    out->flags = 0;
    for (uint32_t i = 0; rc == SPATE_OK && i < s->n; i++)
        rc = fill_schema(out->children[i], &s->types[i], NULL, s->store->catalog.names[s->names[i]].p);
    return rc;
}

static int get_schema(struct ArrowArrayStream *stream_, struct ArrowSchema *out)
{
    stream *s = stream_->private_data;
    *out = (struct ArrowSchema){0};
    int rc = make_schema(s, out);
    if (rc == SPATE_OK)
        return 0;
    if (out->release)
        out->release(out);
    return failed(sp_fail_nomem(&s->err));
}

static bool same_type(const sp_type *a, const sp_type *b)
{
    return a->kind == b->kind && (a->kind != SP_DECIMAL || a->scale == b->scale);
}

/* The column of the piece that has a field; UINT32_MAX: its rows do not. */
static int find_column(stream *s, uint32_t field, uint32_t *column)
{
    const char *name = s->store->catalog.names[s->names[field]].p;
    *column = UINT32_MAX;
    for (uint32_t i = 0; i < spate_scan_columns(s->scan); i++) {
        sp_type type = sp_scan_type(s->scan, i);
        if (spate_scan_name(s->scan, i) != s->names[field])
            continue;
        if (!same_type(&type, &s->types[field]))
            return sp_fail(&s->err, SPATE_E_DATA, "field \"%s\" has cells of several types", name);
        *column = i;
    }
    return SPATE_OK;
}

static int all_absent(sp_column *cells, uint32_t n)
{
    if (sp_column_reserve_rows(cells, n) != SPATE_OK)
        return SPATE_E_NOMEM;
    memset(sp_column_validity(cells, n), 0, ((size_t)n + 7) / 8);
    if (cells->offsets)
        memset(cells->offsets, 0, ((size_t)n + 1) * sizeof *cells->offsets);
    else
        memset(cells->data, 0,
               cells->type.kind == SP_BOOL ? ((size_t)n + 7) / 8 : (size_t)n * sp_kind_width(cells->type.kind));
    return SPATE_OK;
}

static int fill_column(stream *s, uint32_t field, uint32_t n, struct ArrowArray *out)
{
    sp_column cells = {0};
    uint32_t column;
    int rc = find_column(s, field, &column);
    if (rc == SPATE_OK)
        rc = sp_column_init(&cells, s->types[field], n, &s->err);
    if (rc == SPATE_OK && column == UINT32_MAX)
        rc = all_absent(&cells, n) == SPATE_OK ? SPATE_OK : sp_fail_nomem(&s->err);
    else if (rc == SPATE_OK)
        rc = sp_scan_read_into(s->scan, column, s->at, n, &cells, &s->err);
    if (rc == SPATE_OK) {
        rc = take_column(out, &cells, n);
        if (rc == SPATE_E_DATA)
            sp_fail(&s->err, rc, "an interval does not fit into nanoseconds");
        else if (rc != SPATE_OK)
            rc = sp_fail_nomem(&s->err);
    }
    sp_column_done(&cells);
    return rc;
}

static int fill_batch(stream *s, struct ArrowArray *out)
{
    uint32_t n = SP_MIN(s->rows - s->at, (uint32_t)BATCH_ROWS);
    int rc = begin_array(out, n, s->n) == SPATE_OK ? SPATE_OK : sp_fail_nomem(&s->err);
    out->null_count = 0;
    out->n_buffers = 1;
    for (uint32_t i = 0; rc == SPATE_OK && i < s->n; i++)
        rc = fill_column(s, i, n, out->children[i]);
    s->at += n;
    return rc;
}

static int get_next(struct ArrowArrayStream *stream_, struct ArrowArray *out)
{
    stream *s = stream_->private_data;
    *out = (struct ArrowArray){0};
    int rc = SPATE_OK;
    if (s->at == s->rows) {
        s->at = 0;
        rc = spate_scan_next(s->scan, &s->rows, &s->err);
    }
    if (rc == SPATE_OK && s->rows)
        rc = fill_batch(s, out);
    if (rc != SPATE_OK && out->release)
        out->release(out);
    return failed(rc);
}

static const char *get_last_error(struct ArrowArrayStream *stream_)
{
    stream *s = stream_->private_data;
    return s->err.status == SPATE_OK ? NULL : s->err.message;
}

static void release_stream(struct ArrowArrayStream *stream_)
{
    stream *s = stream_->private_data;
    spate_scan_close(s->scan);
    sp_arena_done(&s->arena);
    sp_free(s);
    stream_->release = NULL;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static int add_field(stream *s, const sp_schema *schema, uint32_t table, const char *name, spate_error *err)
{
    int number = sp_lexicon_find_name(&s->store->catalog, sp_str_of(name)), declared = sp_schema_find(schema, name);
    spate_type type;
    if (number < 0)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no field \"%s\"", s->store->path, name);
    s->names[s->n] = (uint16_t)number;
    if (declared >= 0) {
        s->types[s->n++] = schema->fields[declared].type;
        return SPATE_OK;
    }
    int rc = spate_store_field_type(s->store, table, name, &type, err);
    if (rc == SPATE_OK)
        s->types[s->n++] = (sp_type){.kind = (sp_kind)type.kind, .precision = type.precision, .scale = type.scale};
    return rc;
}

static int add_fields(stream *s, const spate_scan_options *o, spate_error *err)
{
    const sp_schema *schema = s->store->catalog.tables[o->table].schema;
    size_t n = o->n_fields ? o->n_fields : schema->n_fields;
    if (n == 0)
        return sp_fail(err, SPATE_E_USAGE, "table \"%s\" declares no columns: which fields?", schema->table);
    s->names = sp_arena_alloc(&s->arena, n, sizeof *s->names);
    s->types = sp_arena_alloc(&s->arena, n, sizeof *s->types);
    int rc = s->names && s->types ? SPATE_OK : sp_fail_nomem(err);
    for (size_t i = 0; rc == SPATE_OK && i < n; i++)
        rc = add_field(s, schema, o->table, o->n_fields ? o->fields[i] : schema->fields[i].name, err);
    return rc;
}

int spate_store_arrow(spate_store *store, const spate_scan_options *options, struct ArrowArrayStream *out,
                      spate_error *err)
{
    stream *s = sp_alloc_zero(1, sizeof *s);
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->store = store;
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, s};
    int rc = spate_scan_open(store, options, &s->scan, err);
    if (rc == SPATE_OK)
        rc = add_fields(s, options, err);
    if (rc != SPATE_OK)
        release_stream(out);
    return rc;
}
