/* arrow_c.c - see arrow_c.h. A schema's format strings become the nodes that arrow_cells.c takes cells of; and back. */
#include "codec/arrow_c.h"

#include "codec/arrow_node.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- schemas in ------------------------------------------------------------------------------------ */

static int64_t unit_of(char c)
{
    static const char units[] = "smun";
    const char *at = c ? strchr(units, c) : NULL;
    return at ? at - units : -1;
}

/* "t..." */
static void parse_time(sp_arrow_node *n, const char *f)
{
    n->bits = 64;
    n->unit = f[1] ? unit_of(f[2]) : -1;
    if (f[1] == 'd') {
        n->type = A_DATE;
        n->bits = f[2] == 'D' ? 32 : 64;
    } else if (f[1] == 't') {
        n->type = A_TIME;
        n->bits = n->unit < 2 ? 32 : 64;
    } else if (f[1] == 's') {
        n->type = A_TIMESTAMP;
        n->zoned = f[2] && f[3] == ':' && f[4];
    } else if (f[1] == 'D') {
        n->type = A_DURATION;
    } else if (f[1] == 'i') {
        n->type = A_INTERVAL;
        n->unit = f[2] == 'M' ? 0 : f[2] == 'D' ? 1 : f[2] == 'n' ? 2 : -1;
    }
}

static void parse_format(sp_arrow_node *n, const char *f)
{
    static const char integers[] = "cCsSiIlL", singles[] = "nbefgzZuU";
    static const sp_arrow_type types[] = {A_NULL,   A_BOOL,         A_FLOAT, A_FLOAT,     A_FLOAT,
                                          A_BINARY, A_LARGE_BINARY, A_UTF8,  A_LARGE_UTF8};
    const char *at;
    n->type = A_TYPES;
    if (*f && !f[1] && (at = strchr(integers, *f))) {
        n->type = A_INT;
        n->bits = 8u << ((at - integers) / 2);
        n->is_signed = (at - integers) % 2 == 0;
    } else if (*f && !f[1] && (at = strchr(singles, *f))) {
        n->type = types[at - singles];
        n->bits = *f == 'e' ? 16 : *f == 'f' ? 32 : 64;
    } else if (*f == 't') {
        parse_time(n, f);
    } else if (f[0] == 'd' && f[1] == ':') {
        n->type = A_DECIMAL;
        n->bits = 128;
        (void)sscanf(f + 2, "%d,%d,%u", &n->precision, &n->scale, &n->bits);
    } else if (f[0] == 'w' && f[1] == ':') {
        n->type = A_FIXED;
        n->width = atoi(f + 2);
    } else if (f[0] == 'v') {
        n->type = f[1] == 'u' ? A_UTF8_VIEW : A_BINARY_VIEW;
    } else if (f[0] == '+') {
        n->type = f[1] == 'l'   ? A_LIST
                  : f[1] == 'L' ? A_LARGE_LIST
                  : f[1] == 'w' ? A_FIXED_LIST
                  : f[1] == 's' ? A_STRUCT
                  : f[1] == 'm' ? A_MAP
                                : A_UNION;
        n->width = f[1] == 'w' && f[2] ? atoi(f + 3) : 0;
    }
}

/* Pairs of texts with their lengths in front. */
static sp_str extension_in(const char *metadata)
{
    int32_t n, len[2];
    if (!metadata)
        return (sp_str){"", 0};
    memcpy(&n, metadata, 4);
    for (const char *p = metadata + 4; n > 0; n--) {
        memcpy(&len[0], p, 4);
        sp_str key = {p + 4, (size_t)len[0]};
        p += 4 + len[0];
        memcpy(&len[1], p, 4);
        if (sp_str_is(key, "ARROW:extension:name"))
            return (sp_str){p + 4, (size_t)len[1]};
        p += 4 + len[1];
    }
    return (sp_str){"", 0};
}

static int read_node(sp_arrowread *r, const struct ArrowSchema *s, const char *column, sp_arrow_node *n,
                     spate_error *err)
{
    const struct ArrowSchema *values = s->dictionary ? s->dictionary : s;
    n->dictionary = -1;
    parse_format(n, values->format);
    if (!sp_arrow_settle(n, extension_in(values->metadata ? values->metadata : s->metadata)))
        return sp_arrow_refuse(n->type, column, err);
    if (n->as.kind == SP_LIST) {
        n->item = sp_arena_alloc(&r->arena, 1, sizeof(*n->item));
        if (!n->item)
            return sp_fail_nomem(err);
        int rc = read_node(r, values->children[0], column, n->item, err);
        if (rc == SPATE_OK && n->item->as.kind == SP_LIST)
            rc = sp_arrow_refuse(A_LIST, column, err);
        if (rc != SPATE_OK)
            return rc;
        n->as.item = &n->item->as;
    }
    if (!s->dictionary)
        return SPATE_OK;
    sp_arrow_node *of_values = sp_arena_alloc(&r->arena, 1, sizeof(*of_values)), index = {0};
    if (!of_values)
        return sp_fail_nomem(err);
    parse_format(&index, s->format);
    sp_arrow_make_indexed(n, of_values, 0, index.bits, index.is_signed);
    return SPATE_OK;
}

int sp_arrowread_c_schema(sp_arrowread *r, const struct ArrowSchema *schema, const sp_field **fields, uint32_t *n,
                          spate_error *err)
{
    if (schema->n_children > SP_COLUMNS_MAX)
        return sp_fail(err, SPATE_E_CONFIG, "more than %d columns", SP_COLUMNS_MAX);
    r->n = (uint32_t)schema->n_children;
    r->nodes = sp_arena_alloc(&r->arena, r->n + 1, sizeof(*r->nodes));
    r->fields = sp_arena_alloc(&r->arena, r->n + 1, sizeof(*r->fields));
    int rc = r->nodes && r->fields ? SPATE_OK : sp_fail_nomem(err);
    for (uint32_t i = 0; i < r->n && rc == SPATE_OK; i++) {
        enum { NULLABLE = 2 };
        const struct ArrowSchema *s = schema->children[i];
        const char *name = sp_arena_strndup(&r->arena, s->name ? s->name : "", s->name ? strlen(s->name) : 0);
        rc = name ? read_node(r, s, name, &r->nodes[i], err) : sp_fail_nomem(err);
        r->fields[i] = (sp_field){.name = name, .type = r->nodes[i].as, .nullable = (s->flags & NULLABLE) != 0};
        if (rc == SPATE_OK && r->nodes[i].type == A_DECIMAL)
            r->fields[i].sql_type =
                sp_arena_printf(&r->arena, "numeric(%d,%d)", r->nodes[i].precision, r->nodes[i].scale);
    }
    *fields = r->fields;
    *n = r->n;
    return rc;
}

/* ---- arrays in ---------------------------------------------------------------------------------------- */

static uint64_t last_offset(const sp_arrow_node *n)
{
    uint64_t end = n->start + n->rows;
    int64_t wide;
    int32_t narrow;
    if (n->rows == 0 || !n->data)
        return 0;
    if (n->bits == 64) {
        memcpy(&wide, n->data + 8 * end, 8);
        return (uint64_t)wide;
    }
    memcpy(&narrow, n->data + 4 * end, 4);
    return (uint64_t)narrow;
}

static void hang(sp_arrow_node *n, const struct ArrowArray *a, int64_t outer)
{
    static const uint8_t none[16];
    bool text = n->type == A_UTF8 || n->type == A_LARGE_UTF8 || n->type == A_BINARY || n->type == A_LARGE_BINARY;
    n->rows = (uint64_t)a->length;
    n->start = (uint64_t)(a->offset + outer);
    n->valid = a->null_count != 0 && a->n_buffers > 0 ? a->buffers[0] : NULL;
    n->data = a->n_buffers > 1 && a->buffers[1] ? a->buffers[1] : none;
    n->more = none;
    if (n->dictionary >= 0) {
        hang(n->values, a->dictionary, 0);
    } else if (n->type == A_LIST || n->type == A_LARGE_LIST || n->type == A_FIXED_LIST) {
        hang(n->item, a->children[0], 0);
    } else if (text) {
        n->more = a->n_buffers > 2 && a->buffers[2] ? a->buffers[2] : none;
        n->more_bytes = last_offset(n);
    }
}

int sp_arrowread_c_batch(sp_arrowread *r, const struct ArrowArray *array, uint64_t *rows, spate_error *err)
{
    if (array->n_children != r->n)
        return sp_fail(err, SPATE_E_DATA, "an Arrow array has %lld columns, not %u", (long long)array->n_children,
                       r->n);
    for (uint32_t i = 0; i < r->n; i++) {
        hang(&r->nodes[i], array->children[i], array->offset);
        r->nodes[i].rows = (uint64_t)array->length;
    }
    *rows = (uint64_t)array->length;
    return SPATE_OK;
}

/* ---- schemas out ------------------------------------------------------------------------------------------ */

typedef struct made_schema {
    sp_arena arena; /* of the whole tree */
} made_schema;

static void release_child_schema(struct ArrowSchema *s)
{
    s->release = NULL;
}

static void release_schema(struct ArrowSchema *s)
{
    made_schema *m = s->private_data;
    for (int64_t i = 0; i < s->n_children; i++)
        if (s->children[i]->release)
            s->children[i]->release(s->children[i]);
    s->release = NULL;
    sp_arena_done(&m->arena);
    sp_free(m);
}

static const char *format_of(sp_arena *arena, const sp_type *type)
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
    if (type->kind == SP_DECIMAL)
        return sp_arena_printf(arena, "d:%u,%u", type->precision ? type->precision : 18u, type->scale);
    return formats[type->kind];
}

static const char *extension_out(sp_arena *arena, sp_kind kind)
{
    static const char key[] = "ARROW:extension:name";
    const char *value = kind == SP_UUID ? "arrow.uuid" : kind == SP_JSON ? "arrow.json" : NULL;
    char *out = value ? sp_arena_alloc(arena, 4 + 4 + sizeof(key) + 4 + 16, 1) : NULL, *p = out;
    int32_t n = 1, len[2] = {sizeof(key) - 1, value ? (int32_t)strlen(value) : 0};
    if (!out)
        return NULL;
    memcpy(p, &n, 4);
    memcpy(p + 4, &len[0], 4);
    memcpy(p + 8, key, (size_t)len[0]);
    memcpy(p + 8 + len[0], &len[1], 4);
    memcpy(p + 12 + len[0], value, (size_t)len[1]);
    return out;
}

static bool make_schema(sp_arena *arena, const char *name, const sp_type *type, bool nullable, struct ArrowSchema *s)
{
    *s = (struct ArrowSchema){.format = format_of(arena, type),
                              .name = sp_arena_strndup(arena, name, strlen(name)),
                              .metadata = extension_out(arena, type->kind),
                              .flags = nullable ? 2 : 0,
                              .release = release_child_schema};
    if (type->kind != SP_LIST)
        return s->format && s->name;
    s->n_children = 1;
    s->children = sp_arena_alloc(arena, 1, sizeof(*s->children));
    struct ArrowSchema *item = sp_arena_alloc(arena, 1, sizeof(*item));
    if (!s->children || !item)
        return false;
    s->children[0] = item;
    return make_schema(arena, "item", type->item, true, item);
}

int sp_arrow_c_schema(const sp_schema *schema, struct ArrowSchema *out, spate_error *err)
{
    made_schema *m = sp_alloc_zero(1, sizeof(*m));
    if (!m)
        return sp_fail_nomem(err);
    sp_arena_init(&m->arena);
    struct ArrowSchema *fields = sp_arena_alloc(&m->arena, schema->n_fields + 1, sizeof(*fields));
    *out = (struct ArrowSchema){.format = "+s",
                                .name = "",
                                .n_children = schema->n_fields,
                                .release = release_schema,
                                .private_data = m,
                                .children = sp_arena_alloc(&m->arena, schema->n_fields + 1, sizeof(*out->children))};
    bool ok = fields && out->children;
    for (uint32_t i = 0; ok && i < schema->n_fields; i++) {
        out->children[i] = &fields[i];
        ok = make_schema(&m->arena, schema->fields[i].name, &schema->fields[i].type, schema->fields[i].nullable,
                         &fields[i]);
    }
    if (ok)
        return SPATE_OK;
    sp_arena_done(&m->arena);
    sp_free(m);
    return sp_fail_nomem(err);
}

/* ---- arrays out --------------------------------------------------------------------------------------------- */

static void release_child_array(struct ArrowArray *a)
{
    a->release = NULL;
}

static void release_array(struct ArrowArray *a)
{
    sp_arena *arena = a->private_data;
    for (int64_t i = 0; i < a->n_children; i++)
        if (a->children[i]->release)
            a->children[i]->release(a->children[i]);
    a->release = NULL;
    sp_arena_done(arena);
    sp_free(arena);
}

static bool make_array(sp_arena *arena, const sp_arrow_node *n, struct ArrowArray *a)
{
    bool list = n->type == A_LIST, text = n->type == A_UTF8 || n->type == A_BINARY;
    const void **buffers = sp_arena_alloc(arena, 3, sizeof(*buffers));
    *a = (struct ArrowArray){.length = (int64_t)n->rows,
                             .null_count = n->valid ? -1 : 0,
                             .n_buffers = text ? 3 : 2,
                             .buffers = buffers,
                             .release = release_child_array};
    if (!buffers)
        return false;
    buffers[0] = n->valid;
    buffers[1] = n->data;
    buffers[2] = n->more;
    if (!list)
        return true;
    a->n_children = 1;
    a->children = sp_arena_alloc(arena, 1, sizeof(*a->children));
    struct ArrowArray *item = sp_arena_alloc(arena, 1, sizeof(*item));
    if (!a->children || !item)
        return false;
    a->children[0] = item;
    return make_array(arena, n->item, item);
}

int sp_arrow_c_array(const sp_arrowread *r, uint64_t rows, struct ArrowArray *out, spate_error *err)
{
    sp_arena *arena = sp_alloc_zero(1, sizeof(*arena));
    if (!arena)
        return sp_fail_nomem(err);
    sp_arena_init(arena);
    const void **buffers = sp_arena_alloc(arena, 1, sizeof(*buffers));
    struct ArrowArray *columns = sp_arena_alloc(arena, r->n + 1, sizeof(*columns));
    *out = (struct ArrowArray){.length = (int64_t)rows,
                               .n_buffers = 1,
                               .buffers = buffers,
                               .n_children = r->n,
                               .release = release_array,
                               .private_data = arena,
                               .children = sp_arena_alloc(arena, r->n + 1, sizeof(*out->children))};
    bool ok = buffers && columns && out->children;
    for (uint32_t i = 0; ok && i < r->n; i++) {
        out->children[i] = &columns[i];
        ok = make_array(arena, &r->nodes[i], &columns[i]);
    }
    if (ok)
        return SPATE_OK;
    sp_arena_done(arena);
    sp_free(arena);
    return sp_fail_nomem(err);
}
