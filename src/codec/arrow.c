/* arrow.c - batches as Arrow IPC messages.
 *
 * The metadata is a flatbuffer, laid down from front to back: a table with its vtable right in front of it, what it points to
 * behind it, each pointer filled in once its target has a place. */
#include "codec/arrow.h"

enum {
    VERSION_5 = 4,
    HEADER_SCHEMA = 1,
    HEADER_BATCH = 3,
    TYPE_INT = 2,
    TYPE_FLOAT = 3,
    TYPE_BINARY = 4,
    TYPE_UTF8 = 5,
    TYPE_BOOL = 6,
    TYPE_DECIMAL = 7,
    TYPE_DATE = 8,
    TYPE_TIME = 9,
    TYPE_TIMESTAMP = 10,
    TYPE_INTERVAL = 11,
    TYPE_LIST = 12,
    TYPE_FIXED = 15,
    UNIT_MICRO = 2,
    INTERVAL_MONTH_DAY_NANO = 2,
    TABLE_FIELDS_MAX = 8,
    BODY_ALIGN = 8,
};

const char sp_arrow_magic[8] = "ARROW1\0";

/* ---- flatbuffers ------------------------------------------------------------------------------- */

typedef struct flat {
    sp_buf *out;
    size_t base; /* where the flatbuffer begins: what everything is aligned to */
    bool nomem;
} flat;

typedef struct table {
    size_t at;                      /* of the table */
    size_t field[TABLE_FIELDS_MAX]; /* of each field in it */
} table;

static size_t end_of(const flat *f)
{
    return f->out->len - f->base;
}

static void add_zeros(flat *f, size_t n)
{
    static const char zeros[64];
    for (; n && !f->nomem; n -= SP_MIN(n, sizeof(zeros)))
        f->nomem = sp_buf_add(f->out, zeros, SP_MIN(n, sizeof(zeros))) != SPATE_OK;
}

/* Until what is behind lead more bytes is aligned. */
static void align(flat *f, size_t to, size_t lead)
{
    add_zeros(f, (to - (end_of(f) + lead) % to) % to);
}

static void put(flat *f, size_t at, const void *value, size_t bytes)
{
    if (!f->nomem)
        memcpy(f->out->data + f->base + at, value, bytes);
}

static void put_u8(flat *f, size_t at, uint8_t v)
{
    put(f, at, &v, sizeof(v));
}

static void put_i16(flat *f, size_t at, int16_t v)
{
    put(f, at, &v, sizeof(v));
}

static void put_i32(flat *f, size_t at, int32_t v)
{
    put(f, at, &v, sizeof(v));
}

static void put_i64(flat *f, size_t at, int64_t v)
{
    put(f, at, &v, sizeof(v));
}

static void link_to(flat *f, size_t at, size_t target)
{
    put_i32(f, at, (int32_t)(target - at));
}

/* widths: of each field, a byte each; "\0" for one that is left out. */
static table add_table(flat *f, const char *widths, unsigned n)
{
    table t = {0};
    uint16_t vtable[2 + TABLE_FIELDS_MAX] = {(uint16_t)(4 + 2 * n)}, size = 4;
    for (unsigned i = 0; i < n; i++) {
        unsigned width = (unsigned char)widths[i];
        if (!width)
            continue;
        size = (uint16_t)((size + width - 1) / width * width);
        vtable[2 + i] = size;
        size = (uint16_t)(size + width);
    }
    vtable[1] = size;
    align(f, 8, 4 + 2 * n);
    f->nomem = f->nomem || sp_buf_add(f->out, vtable, 4 + 2 * n);
    t.at = end_of(f);
    add_zeros(f, size);
    put_i32(f, t.at, (int32_t)(4 + 2 * n)); /* the vtable is so far in front of it */
    for (unsigned i = 0; i < n; i++)
        t.field[i] = t.at + vtable[2 + i];
    return t;
}

static size_t add_string(flat *f, const char *s)
{
    uint32_t len = (uint32_t)strlen(s);
    align(f, 4, 0);
    size_t at = end_of(f);
    f->nomem = f->nomem || sp_buf_add(f->out, &len, sizeof(len)) || sp_buf_add(f->out, s, len + 1);
    return at;
}

/* n zeroed elements behind a length; aligned to width, at most 8. */
static size_t add_vector(flat *f, uint32_t n, size_t bytes, size_t width)
{
    align(f, width, 4);
    size_t at = end_of(f);
    f->nomem = f->nomem || sp_buf_add(f->out, &n, sizeof(n));
    add_zeros(f, n * bytes);
    return at;
}

/* The message: magic and length, the root, and what of the header can be said here. at: of its length. */
static table begin_message(flat *f, uint8_t header, size_t *at)
{
    static const char head[] = "\xff\xff\xff\xff\0\0\0";
    f->nomem = f->nomem || sp_buf_add(f->out, head, sizeof(head));
    *at = f->out->len - 4;
    f->base = f->out->len;
    add_zeros(f, 8); /* the root's offset */
    table t = add_table(f, "\2\1\4\10", 4);
    link_to(f, 0, t.at);
    put_i16(f, t.field[0], VERSION_5);
    put_u8(f, t.field[1], header);
    return t;
}

static int end_message(flat *f, size_t at)
{
    align(f, 8, 0);
    uint32_t len = (uint32_t)end_of(f);
    if (!f->nomem)
        memcpy(f->out->data + at, &len, sizeof(len));
    return f->nomem ? SPATE_E_NOMEM : SPATE_OK;
}

/* ---- schema ------------------------------------------------------------------------------------------ */

static uint8_t type_number(sp_kind kind)
{
    static const uint8_t numbers[SP_KINDS] = {
        [SP_BOOL] = TYPE_BOOL,
        [SP_I16] = TYPE_INT,
        [SP_I32] = TYPE_INT,
        [SP_I64] = TYPE_INT,
        [SP_U64] = TYPE_INT,
        [SP_F32] = TYPE_FLOAT,
        [SP_F64] = TYPE_FLOAT,
        [SP_DECIMAL] = TYPE_DECIMAL,
        [SP_DATE] = TYPE_DATE,
        [SP_TIME] = TYPE_TIME,
        [SP_TIMESTAMP] = TYPE_TIMESTAMP,
        [SP_TIMESTAMPTZ] = TYPE_TIMESTAMP,
        [SP_INTERVAL] = TYPE_INTERVAL,
        [SP_UUID] = TYPE_FIXED,
        [SP_TEXT] = TYPE_UTF8,
        [SP_JSON] = TYPE_UTF8,
        [SP_BYTES] = TYPE_BINARY,
        [SP_LIST] = TYPE_LIST,
    };
    return numbers[kind];
}

static size_t add_type(flat *f, const sp_type *type)
{
    table t;
    switch (type->kind) {
    case SP_I16:
    case SP_I32:
    case SP_I64:
    case SP_U64:
        t = add_table(f, "\4\1", 2);
        put_i32(f, t.field[0], type->kind == SP_I16 ? 16 : type->kind == SP_I32 ? 32 : 64);
        put_u8(f, t.field[1], type->kind != SP_U64);
        return t.at;
    case SP_F32:
    case SP_F64:
        t = add_table(f, "\2", 1);
        put_i16(f, t.field[0], type->kind == SP_F32 ? 1 : 2);
        return t.at;
    case SP_DECIMAL:
        t = add_table(f, "\4\4\4", 3);
        put_i32(f, t.field[0], type->precision ? type->precision : 18);
        put_i32(f, t.field[1], type->scale);
        put_i32(f, t.field[2], 128);
        return t.at;
    case SP_DATE: return add_table(f, "\2", 1).at; /* in days: 0 */
    case SP_TIME:
        t = add_table(f, "\2\4", 2);
        put_i16(f, t.field[0], UNIT_MICRO);
        put_i32(f, t.field[1], 64);
        return t.at;
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ:
        t = add_table(f, type->kind == SP_TIMESTAMP ? "\2\0" : "\2\4", 2);
        put_i16(f, t.field[0], UNIT_MICRO);
        if (type->kind == SP_TIMESTAMPTZ)
            link_to(f, t.field[1], add_string(f, "UTC"));
        return t.at;
    case SP_INTERVAL:
        t = add_table(f, "\2", 1);
        put_i16(f, t.field[0], INTERVAL_MONTH_DAY_NANO);
        return t.at;
    case SP_UUID:
        t = add_table(f, "\4", 1);
        put_i32(f, t.field[0], 16);
        return t.at;
    default: return add_table(f, "", 0).at;
    }
}

static void add_extension(flat *f, size_t at, const char *name)
{
    static const char *const keys[] = {"ARROW:extension:name", "ARROW:extension:metadata"};
    const char *const values[] = {name, ""};
    size_t list = add_vector(f, 2, 4, 4);
    link_to(f, at, list);
    for (unsigned i = 0; i < 2; i++) {
        table pair = add_table(f, "\4\4", 2);
        link_to(f, list + 4 + 4 * i, pair.at);
        link_to(f, pair.field[0], add_string(f, keys[i]));
        link_to(f, pair.field[1], add_string(f, values[i]));
    }
}

/* name, nullable, type_type, type, dictionary, children, metadata */
static size_t add_field(flat *f, const char *name, const sp_type *type, bool nullable)
{
    const char *extension = type->kind == SP_UUID ? "arrow.uuid" : type->kind == SP_JSON ? "arrow.json" : NULL;
    table t = add_table(f, extension ? "\4\1\1\4\0\4\4" : "\4\1\1\4\0\4\0", 7);
    put_u8(f, t.field[1], nullable);
    put_u8(f, t.field[2], type_number(type->kind));
    link_to(f, t.field[0], add_string(f, name));
    link_to(f, t.field[3], add_type(f, type));
    size_t children = add_vector(f, type->kind == SP_LIST, 4, 4);
    link_to(f, t.field[5], children);
    if (type->kind == SP_LIST)
        link_to(f, children + 4, add_field(f, "item", type->item, true));
    if (extension)
        add_extension(f, t.field[6], extension);
    return t.at;
}

static size_t add_schema(flat *f, const sp_schema *schema)
{
    table s = add_table(f, "\2\4", 2);
    size_t list = add_vector(f, schema->n_fields, 4, 4);
    link_to(f, s.field[1], list);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        link_to(f, list + 4 + 4 * (size_t)i,
                add_field(f, schema->fields[i].name, &schema->fields[i].type, schema->fields[i].nullable));
    return s.at;
}

int sp_arrow_schema(const sp_schema *schema, sp_buf *out)
{
    flat f = {.out = out};
    size_t at;
    table message = begin_message(&f, HEADER_SCHEMA, &at);
    link_to(&f, message.field[2], add_schema(&f, schema));
    return end_message(&f, at);
}

int sp_arrow_end(sp_buf *out)
{
    return sp_buf_add(out, "\xff\xff\xff\xff\0\0\0\0", 8);
}

/* version, schema, dictionaries, recordBatches; then its length and the magic again. */
int sp_arrow_footer(const sp_schema *schema, const sp_arrow_block *blocks, uint32_t n, sp_buf *out)
{
    flat f = {.out = out, .base = out->len};
    add_zeros(&f, 8);
    table t = add_table(&f, "\2\4\4\4", 4);
    link_to(&f, 0, t.at);
    put_i16(&f, t.field[0], VERSION_5);
    link_to(&f, t.field[1], add_schema(&f, schema));
    link_to(&f, t.field[2], add_vector(&f, 0, 24, 8));
    size_t list = add_vector(&f, n, 24, 8);
    link_to(&f, t.field[3], list);
    for (uint32_t i = 0; i < n; i++) {
        size_t at = list + 4 + 24 * (size_t)i;
        put_i64(&f, at, (int64_t)blocks[i].offset);
        put_i32(&f, at + 8, (int32_t)blocks[i].metadata);
        put_i64(&f, at + 16, (int64_t)blocks[i].body);
    }
    uint32_t len = (uint32_t)end_of(&f);
    return f.nomem || sp_buf_add(out, &len, sizeof(len)) || sp_buf_add(out, sp_arrow_magic, 6) ? SPATE_E_NOMEM
                                                                                               : SPATE_OK;
}

/* ---- a record batch ------------------------------------------------------------------------------------- */

typedef struct counts {
    uint32_t nodes, buffers;
} counts;

/* Columns and buffers in the order of a walk through the tree: validity, then offsets and data, then children. */
static void count_type(const sp_type *type, counts *n)
{
    n->nodes++;
    n->buffers += type->kind == SP_LIST ? 2 : sp_kind_has_bytes(type->kind) ? 3 : 2;
    if (type->kind == SP_LIST)
        count_type(type->item, n);
}

typedef struct body {
    flat *f;
    size_t nodes, buffers; /* where the next of either is described */
    size_t start;          /* of the body in the output */
    sp_buf *bytes;
    spate_error *err;
    int rc;
} body;

static uint32_t count_nulls(const sp_column *c, uint32_t rows)
{
    uint32_t valid = 0;
    for (uint32_t i = 0; c->validity && i < rows; i++)
        valid += sp_bit(c->validity, i);
    return c->validity ? rows - valid : 0;
}

/* Room for a buffer's bytes, described and padded. NULL when there is no memory, or nothing to write. */
static char *add_buffer(body *b, size_t bytes)
{
    size_t at = b->bytes->len - b->start, padded = (bytes + BODY_ALIGN - 1) / BODY_ALIGN * BODY_ALIGN;
    if (b->rc != SPATE_OK || sp_buf_reserve(b->bytes, padded)) {
        b->rc = b->rc == SPATE_OK ? sp_fail_nomem(b->err) : b->rc;
        return NULL;
    }
    put_i64(b->f, b->buffers, (int64_t)at);
    put_i64(b->f, b->buffers + 8, (int64_t)bytes);
    b->buffers += 16;
    char *to = b->bytes->data + b->bytes->len;
    memset(to + bytes, 0, padded - bytes);
    b->bytes->len += padded;
    return to;
}

static void copy_buffer(body *b, const void *from, size_t bytes)
{
    char *to = add_buffer(b, bytes);
    if (to && bytes)
        memcpy(to, from, bytes);
}

/* The bits of rows beyond the last are zero, whatever they are in the batch. */
static void copy_bits(body *b, const uint8_t *bits, uint32_t rows)
{
    char *to = add_buffer(b, bits ? (rows + 7) / 8 : 0);
    if (!to || !bits || !rows)
        return;
    memcpy(to, bits, (rows + 7) / 8);
    if (rows % 8)
        to[rows / 8] = (char)(to[rows / 8] & ((1u << rows % 8) - 1));
}

static void copy_decimals(body *b, const sp_column *c, uint32_t rows)
{
    int64_t *to = (int64_t *)add_buffer(b, (size_t)rows * 16);
    for (uint32_t i = 0; to && i < rows; i++) {
        int64_t v = sp_column_null(c, i) ? 0 : ((const int64_t *)c->data)[i];
        to[2 * i] = v;
        to[2 * i + 1] = v < 0 ? -1 : 0;
    }
}

static void copy_intervals(body *b, const sp_column *c, uint32_t rows)
{
    char *to = add_buffer(b, (size_t)rows * 16);
    for (uint32_t i = 0; to && i < rows; i++) {
        sp_interval v = sp_column_null(c, i) ? (sp_interval){0} : ((const sp_interval *)c->data)[i];
        int64_t ns;
        if (__builtin_mul_overflow(v.us, INT64_C(1000), &ns)) {
            b->rc = sp_fail(b->err, SPATE_E_DATA,
                            "row %u of the batch: Arrow has no interval as long, it counts nanoseconds", i + 1);
            return;
        }
        memcpy(to + 16 * (size_t)i, &v.months, 4);
        memcpy(to + 16 * (size_t)i + 4, &v.days, 4);
        memcpy(to + 16 * (size_t)i + 8, &ns, 8);
    }
}

/* Days and moments behind all others have no word in Arrow. */
static void refuse_infinity(body *b, const sp_column *c, uint32_t rows)
{
    bool day = c->type.kind == SP_DATE, moment = c->type.kind == SP_TIMESTAMP || c->type.kind == SP_TIMESTAMPTZ;
    for (uint32_t i = 0; (day || moment) && i < rows && b->rc == SPATE_OK; i++) {
        int64_t v = day ? ((const int32_t *)c->data)[i] : ((const int64_t *)c->data)[i];
        int64_t end = day ? SP_DATE_INFINITY : SP_TIMESTAMP_INFINITY;
        if ((v == end || v == -end) && !sp_column_null(c, i))
            b->rc =
                sp_fail(b->err, SPATE_E_DATA, "row %u of the batch: Arrow has no infinity of dates and times", i + 1);
    }
}

static void add_column(body *b, const sp_column *c, uint32_t rows)
{
    uint32_t nulls = count_nulls(c, rows);
    put_i64(b->f, b->nodes, rows);
    put_i64(b->f, b->nodes + 8, nulls);
    b->nodes += 16;
    copy_bits(b, nulls ? c->validity : NULL, rows);
    refuse_infinity(b, c, rows);
    switch (c->type.kind) {
    case SP_BOOL: copy_bits(b, c->data, rows); break;
    case SP_DECIMAL: copy_decimals(b, c, rows); break;
    case SP_INTERVAL: copy_intervals(b, c, rows); break;
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES:
        copy_buffer(b, c->offsets, 4 * ((size_t)rows + 1));
        copy_buffer(b, c->bytes, (size_t)c->offsets[rows]);
        break;
    case SP_LIST:
        copy_buffer(b, c->offsets, 4 * ((size_t)rows + 1));
        add_column(b, c->child, (uint32_t)c->offsets[rows]);
        break;
    default: copy_buffer(b, c->data, (size_t)rows * sp_kind_width(c->type.kind)); break;
    }
}

/* length, nodes, buffers; the body's length is known at the end. */
int sp_arrow_batch(const sp_batch *batch, sp_buf *out, spate_error *err)
{
    flat f = {.out = out};
    counts n = {0};
    size_t at;
    for (uint32_t i = 0; i < batch->schema->n_fields; i++)
        count_type(&batch->schema->fields[i].type, &n);
    table message = begin_message(&f, HEADER_BATCH, &at);
    table t = add_table(&f, "\10\4\4", 3);
    link_to(&f, message.field[2], t.at);
    put_i64(&f, t.field[0], batch->rows);
    size_t nodes = add_vector(&f, n.nodes, 16, 8), buffers = add_vector(&f, n.buffers, 16, 8);
    link_to(&f, t.field[1], nodes);
    link_to(&f, t.field[2], buffers);
    if (end_message(&f, at))
        return sp_fail_nomem(err);
    body b = {.f = &f, .nodes = nodes + 4, .buffers = buffers + 4, .start = out->len, .bytes = out, .err = err};
    for (uint32_t i = 0; i < batch->schema->n_fields && b.rc == SPATE_OK; i++) {
        add_column(&b, &batch->columns[i], batch->rows);
        if (b.rc == SPATE_E_DATA)
            return sp_fail_context(err, b.rc, "column \"%s\"", batch->schema->fields[i].name);
    }
    put_i64(&f, message.field[3], (int64_t)(out->len - b.start));
    return b.rc;
}
