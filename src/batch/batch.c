/* batch.c - the storage of batches: one allocation a column at the start, text buffers that grow to a working size. */
#include "batch/batch.h"

static size_t bitmap_bytes(uint32_t rows)
{
    return ((size_t)rows + 63) / 64 * 8; /* whole words, so that sinks can take 64 rows at a time */
}

static size_t data_bytes(sp_kind kind, uint32_t rows)
{
    return kind == SP_BOOL ? bitmap_bytes(rows) : (size_t)rows * sp_kind_width(kind);
}

static bool has_offsets(sp_kind kind)
{
    return kind == SP_TEXT || kind == SP_JSON || kind == SP_BYTES || kind == SP_LIST;
}

static void show_own(sp_column *c)
{
    c->validity = NULL;
    c->data = c->own_data;
    c->offsets = c->own_offsets;
}

/* Grows *p to bytes (and slack for wide stores), keeping its contents. */
static int grow(void *p, size_t bytes)
{
    void **slot = p;
    void *bigger = sp_realloc(*slot, bytes + SP_SLACK);
    if (!bigger)
        return SPATE_E_NOMEM;
    *slot = bigger;
    return SPATE_OK;
}

int sp_column_reserve_rows(sp_column *c, uint32_t rows)
{
    if (rows <= c->rows_cap)
        return SPATE_OK;
    if (grow(&c->own_validity, bitmap_bytes(rows)) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (has_offsets(c->type.kind)) {
        if (grow(&c->own_offsets, ((size_t)rows + 1) * sizeof(int32_t)) != SPATE_OK)
            return SPATE_E_NOMEM;
    } else if (grow(&c->own_data, data_bytes(c->type.kind, rows)) != SPATE_OK) {
        return SPATE_E_NOMEM;
    }
    c->rows_cap = rows;
    show_own(c);
    return SPATE_OK;
}

int sp_column_reserve_bytes(sp_column *c, size_t cap)
{
    if (cap <= c->bytes_cap && c->bytes)
        return SPATE_OK;
    if (cap > INT32_MAX || grow(&c->bytes, cap) != SPATE_OK)
        return SPATE_E_NOMEM;
    c->bytes_cap = cap;
    return SPATE_OK;
}

/* The storage of a list's elements moves when it grows; nulls set so far move along. */
int sp_column_reserve_items(sp_column *child, uint32_t rows)
{
    if (SP_LIKELY(rows <= child->rows_cap))
        return SPATE_OK;
    uint32_t cap = SP_MAX(rows, 2 * child->rows_cap), old = child->rows_cap;
    bool nulls = child->validity != NULL;
    if (rows > INT32_MAX / 2 || sp_column_reserve_rows(child, cap) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (nulls) {
        child->validity = child->own_validity;
        for (uint32_t i = old; i < cap; i++)
            child->validity[i >> 3] |= (uint8_t)(1u << (i & 7));
    }
    return SPATE_OK;
}

uint8_t *sp_column_validity(sp_column *c, uint32_t rows)
{
    if (!c->validity) {
        c->validity = c->own_validity;
        memset(c->validity, 0xff, bitmap_bytes(rows));
    }
    return c->validity;
}

int sp_column_init(sp_column *c, sp_type type, uint32_t rows_cap, spate_error *err)
{
    *c = (sp_column){.type = type};
    if (sp_column_reserve_rows(c, rows_cap) != SPATE_OK)
        goto nomem;
    if (c->offsets)
        c->offsets[0] = 0; /* rows can be added behind none */
    if (has_offsets(type.kind) && type.kind != SP_LIST && sp_column_reserve_bytes(c, 0) != SPATE_OK)
        goto nomem;
    if (type.kind == SP_LIST) {
        c->child = sp_alloc_zero(1, sizeof(*c->child));
        if (!c->child || sp_column_init(c->child, *type.item, rows_cap, NULL) != SPATE_OK)
            goto nomem;
    }
    return SPATE_OK;
nomem:
    sp_column_done(c);
    return sp_fail_nomem(err);
}

void sp_column_done(sp_column *c)
{
    if (c->child) {
        sp_column_done(c->child);
        sp_free(c->child);
    }
    sp_free(c->own_validity);
    sp_free(c->own_data);
    sp_free(c->own_offsets);
    sp_free(c->bytes);
    *c = (sp_column){0};
}

int sp_batch_init(sp_batch *b, const sp_schema *schema, spate_error *err)
{
    *b = (sp_batch){.schema = schema};
    b->columns = sp_alloc_zero(schema->n_fields, sizeof(*b->columns));
    if (!b->columns)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        int rc = sp_column_init(&b->columns[i], schema->fields[i].type, SP_BATCH_ROWS_MAX, err);
        if (rc != SPATE_OK) {
            sp_batch_done(b);
            return rc;
        }
    }
    return SPATE_OK;
}

void sp_batch_done(sp_batch *b)
{
    for (uint32_t i = 0; b->columns && i < b->schema->n_fields; i++)
        sp_column_done(&b->columns[i]);
    sp_free(b->columns);
    *b = (sp_batch){0};
}

void sp_column_reset(sp_column *c)
{
    show_own(c);
    if (c->offsets)
        c->offsets[0] = 0;
    if (c->child)
        sp_column_reset(c->child);
}

void sp_batch_reset(sp_batch *b)
{
    b->rows = 0;
    for (uint32_t i = 0; i < b->schema->n_fields; i++)
        sp_column_reset(&b->columns[i]);
}

/* ---- rows of another batch ----------------------------------------------------------------------- */

static void append_nulls(sp_column *c, uint32_t at, const sp_column *from, uint32_t first, uint32_t n)
{
    if (!from->validity && !c->validity)
        return;
    for (uint32_t i = 0; i < n; i++) {
        bool null = sp_column_null(from, first + i);
        if (!null && !c->validity)
            continue;
        uint8_t *byte = sp_column_validity(c, c->rows_cap) + ((at + i) >> 3), bit = (uint8_t)(1u << ((at + i) & 7));
        *byte = null ? *byte & (uint8_t)~bit : *byte | bit;
    }
}

static void append_bits(sp_column *c, uint32_t at, const sp_column *from, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *byte = (uint8_t *)c->data + ((at + i) >> 3), bit = (uint8_t)(1u << ((at + i) & 7));
        *byte = sp_bit(from->data, first + i) ? *byte | bit : *byte & (uint8_t)~bit;
    }
}

/* Behind what is there: the bytes of text, or the elements of lists. */
static int append_long(sp_column *c, uint32_t at, const sp_column *from, uint32_t first, uint32_t n)
{
    int32_t begin = from->offsets[first], shift = c->offsets[at] - begin;
    uint32_t len = (uint32_t)(from->offsets[first + n] - begin), have = (uint32_t)c->offsets[at];
    if (have + (uint64_t)len > INT32_MAX)
        return SPATE_E_NOMEM;
    if (c->type.kind == SP_LIST) {
        if (sp_column_reserve_items(c->child, have + len) ||
            sp_column_append(c->child, have, from->child, (uint32_t)begin, len))
            return SPATE_E_NOMEM;
    } else {
        if (have + len > c->bytes_cap && sp_column_reserve_bytes(c, SP_MAX((size_t)have + len, 2 * c->bytes_cap)))
            return SPATE_E_NOMEM;
        memcpy(c->bytes + have, from->bytes + begin, len);
    }
    for (uint32_t i = 1; i <= n; i++)
        c->offsets[at + i] = from->offsets[first + i] + shift;
    return SPATE_OK;
}

int sp_column_append(sp_column *c, uint32_t at, const sp_column *from, uint32_t first, uint32_t n)
{
    size_t width = sp_kind_width(c->type.kind);
    append_nulls(c, at, from, first, n);
    if (has_offsets(c->type.kind))
        return append_long(c, at, from, first, n);
    if (c->type.kind == SP_BOOL)
        append_bits(c, at, from, first, n);
    else
        memcpy((char *)c->data + at * width, (const char *)from->data + first * width, n * width);
    return SPATE_OK;
}

int sp_batch_append(sp_batch *b, const sp_batch *from, uint32_t first, uint32_t n)
{
    SP_ASSERT(b->rows + n <= SP_BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < b->schema->n_fields; i++)
        if (sp_column_append(&b->columns[i], b->rows, &from->columns[i], first, n) != SPATE_OK)
            return SPATE_E_NOMEM;
    b->rows += n;
    return SPATE_OK;
}
