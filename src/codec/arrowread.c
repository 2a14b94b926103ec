/* arrowread.c - Arrow IPC messages: a schema becomes a tree of nodes; a record batch hangs its buffers on them, once every length has
 * been checked against the body. Cells are arrow_cells.c's. */
#include "codec/arrow_node.h"

enum { HEADER_SCHEMA = 1, HEADER_DICTIONARY = 2, HEADER_BATCH = 3 };

/* ---- flatbuffers, not to be trusted ------------------------------------------------------------------ */

typedef struct flat {
    const uint8_t *p;
    size_t len;
    bool bad;
} flat;

typedef struct table {
    size_t at, vtable, vtable_bytes, bytes;
} table;

static uint64_t get(flat *f, size_t at, unsigned bytes)
{
    uint64_t v = 0;
    if (f->bad || at > f->len || f->len - at < bytes) {
        f->bad = true;
        return 0;
    }
    memcpy(&v, f->p + at, bytes);
    return v;
}

static table table_at(flat *f, size_t at)
{
    table t = {.at = at};
    int32_t back = (int32_t)get(f, at, 4);
    int64_t vtable = (int64_t)at - back;
    if (vtable < 0 || vtable >= (int64_t)f->len)
        f->bad = true;
    t.vtable = f->bad ? 0 : (size_t)vtable;
    t.vtable_bytes = get(f, t.vtable, 2);
    t.bytes = get(f, t.vtable + 2, 2);
    return t;
}

/* Where a field of so many bytes is; 0: the table has it not. */
static size_t field_of(flat *f, const table *t, unsigned id, unsigned bytes)
{
    size_t slot = 4 + 2 * (size_t)id, offset = slot + 2 <= t->vtable_bytes ? get(f, t->vtable + slot, 2) : 0;
    if (offset && offset + bytes > t->bytes)
        f->bad = true;
    return offset && !f->bad ? t->at + offset : 0;
}

static int64_t number(flat *f, const table *t, unsigned id, unsigned bytes, int64_t otherwise)
{
    size_t at = field_of(f, t, id, bytes);
    uint64_t v = at ? get(f, at, bytes) : 0;
    unsigned shift = 64 - 8 * bytes;
    return at ? (int64_t)(v << shift) >> shift : otherwise;
}

/* Where a pointer of the table leads to; 0: there is none. */
static size_t target(flat *f, const table *t, unsigned id)
{
    size_t at = field_of(f, t, id, 4);
    uint64_t to = at ? at + get(f, at, 4) : 0;
    if (to >= f->len)
        f->bad = to != 0;
    return f->bad ? 0 : (size_t)to;
}

static sp_str text_at(flat *f, size_t at)
{
    uint64_t len = at ? get(f, at, 4) : 0;
    if (at && !f->bad && len > f->len - at - 4)
        f->bad = true;
    return at && !f->bad ? (sp_str){(const char *)f->p + at + 4, len} : (sp_str){"", 0};
}

/* n elements of so many bytes; the place of the first. */
static size_t vector_at(flat *f, size_t at, size_t bytes, uint64_t *n)
{
    *n = at ? get(f, at, 4) : 0;
    if (at && !f->bad && *n > (f->len - at - 4) / bytes)
        f->bad = true;
    *n = f->bad ? 0 : *n;
    return at + 4;
}

static table element(flat *f, size_t list, uint64_t i)
{
    size_t at = list + 4 * i;
    return table_at(f, at + get(f, at, 4));
}

static int fail_flat(spate_error *err)
{
    return sp_fail(err, SPATE_E_DATA, "a message of the Arrow stream is damaged");
}

int sp_arrow_head(const uint8_t bytes[SP_ARROW_HEAD_BYTES], uint32_t *metadata, uint32_t *head, spate_error *err)
{
    uint32_t words[2];
    memcpy(words, bytes, sizeof(words));
    *head = words[0] == UINT32_MAX ? 8 : 4; /* before version 0.15 there was no mark */
    *metadata = words[0] == UINT32_MAX ? words[1] : words[0];
    return *metadata > SP_ARROW_METADATA_MAX ? fail_flat(err) : SPATE_OK;
}

static flat flat_of(sp_str metadata)
{
    return (flat){(const uint8_t *)metadata.p, metadata.len, metadata.len < 8};
}

static table message_of(flat *f, uint8_t *header, uint64_t *body, table *what)
{
    table m = table_at(f, get(f, 0, 4));
    *header = (uint8_t)number(f, &m, 1, 1, 0);
    *body = (uint64_t)number(f, &m, 3, 8, 0);
    size_t at = target(f, &m, 2);
    f->bad = f->bad || !at;
    *what = table_at(f, at);
    return m;
}

int sp_arrowread_kind(sp_str metadata, sp_arrow_kind *kind, uint64_t *body, spate_error *err)
{
    flat f = flat_of(metadata);
    uint8_t header;
    table what;
    message_of(&f, &header, body, &what);
    if (f.bad || header < HEADER_SCHEMA || header > HEADER_BATCH)
        return f.bad ? fail_flat(err)
                     : sp_fail(err, SPATE_E_DATA, "the Arrow stream has a message of a kind that is not read");
    *kind = header == HEADER_SCHEMA       ? SP_ARROW_SCHEMA
            : header == HEADER_DICTIONARY ? SP_ARROW_DICTIONARY
                                          : SP_ARROW_BATCH;
    return *body > SP_ARROW_BODY_MAX
               ? sp_fail(err, SPATE_E_DATA, "a record batch of more than %d MiB is not read", SP_ARROW_BODY_MAX >> 20)
               : SPATE_OK;
}

bool sp_arrow_measure(sp_str bytes, sp_arrow_block *block)
{
    uint32_t metadata, head;
    uint8_t header;
    table what;
    if (bytes.len < SP_ARROW_HEAD_BYTES || sp_arrow_head((const uint8_t *)bytes.p, &metadata, &head, NULL) ||
        !metadata || bytes.len - head < metadata)
        return false;
    flat f = flat_of((sp_str){bytes.p + head, metadata});
    message_of(&f, &header, &block->body, &what);
    block->metadata = head + metadata;
    return !f.bad;
}

/* ---- the schema -------------------------------------------------------------------------------------------- */

typedef struct schema_reader {
    sp_arrowread *r;
    flat *f;
    const char *column;
    spate_error *err;
} schema_reader;

static int refuse_type(const schema_reader *s, sp_arrow_type type)
{
    return sp_arrow_refuse(type, s->column, s->err);
}

static sp_str extension_of(flat *f, const table *field)
{
    uint64_t n;
    size_t list = vector_at(f, target(f, field, 6), 4, &n);
    for (uint64_t i = 0; i < n && !f->bad; i++) {
        table pair = element(f, list, i);
        if (sp_str_is(text_at(f, target(f, &pair, 0)), "ARROW:extension:name"))
            return text_at(f, target(f, &pair, 1));
    }
    return (sp_str){"", 0};
}

/* What the type's own table says. */
static void read_type(sp_arrow_node *n, flat *f, const table *t)
{
    switch (n->type) {
    case A_INT:
        n->bits = (uint32_t)number(f, t, 0, 4, 0);
        n->is_signed = number(f, t, 1, 1, 0) != 0;
        break;
    case A_FLOAT: {
        int64_t precision = number(f, t, 0, 2, 0);
        n->bits = precision == 0 ? 16 : precision == 1 ? 32 : 64;
        break;
    }
    case A_DECIMAL:
        n->precision = (int32_t)number(f, t, 0, 4, 0);
        n->scale = (int32_t)number(f, t, 1, 4, 0);
        n->bits = (uint32_t)number(f, t, 2, 4, 128);
        break;
    case A_DATE: n->bits = number(f, t, 0, 2, 1) == 0 ? 32 : 64; break;
    case A_TIME:
        n->unit = number(f, t, 0, 2, 1);
        n->bits = (uint32_t)number(f, t, 1, 4, 32);
        break;
    case A_TIMESTAMP:
        n->unit = number(f, t, 0, 2, 0);
        n->zoned = target(f, t, 1) != 0;
        break;
    case A_DURATION: n->unit = number(f, t, 0, 2, 1); break;
    case A_INTERVAL: n->unit = number(f, t, 0, 2, 0); break;
    case A_FIXED:
    case A_FIXED_LIST: n->width = (int32_t)number(f, t, 0, 4, 0); break;
    default: break;
    }
}

static int read_field(schema_reader *s, const table *field, sp_arrow_node *n, unsigned depth);

static int read_item(schema_reader *s, const table *field, sp_arrow_node *n, unsigned depth)
{
    uint64_t children;
    size_t list = vector_at(s->f, target(s->f, field, 5), 4, &children);
    n->item = sp_arena_alloc(&s->r->arena, 1, sizeof(*n->item));
    if (!n->item)
        return sp_fail_nomem(s->err);
    if (children != 1 || s->f->bad)
        return fail_flat(s->err);
    table child = element(s->f, list, 0);
    int rc = read_field(s, &child, n->item, depth + 1);
    if (rc == SPATE_OK && n->item->as.kind == SP_LIST)
        return refuse_type(s, A_LIST);
    n->as.item = &n->item->as;
    return rc;
}

static sp_arrow_dictionary *find_dictionary(sp_arrowread *r, int64_t id)
{
    for (uint32_t i = 0; i < r->n_dictionaries; i++)
        if (r->dictionaries[i].id == id)
            return &r->dictionaries[i];
    return NULL;
}

/* The node becomes one of indexes, and what it was the node of the values. */
static int read_encoding(schema_reader *s, const table *field, sp_arrow_node *n)
{
    size_t at = target(s->f, field, 4);
    n->dictionary = -1;
    if (!at)
        return SPATE_OK;
    table encoding = table_at(s->f, at);
    size_t index_at = target(s->f, &encoding, 1);
    table index = index_at ? table_at(s->f, index_at) : (table){0};
    sp_arrow_node *values = sp_arena_alloc(&s->r->arena, 1, sizeof(*values));
    int64_t id = number(s->f, &encoding, 0, 8, 0);
    if (!values)
        return sp_fail_nomem(s->err);
    if (n->as.kind == SP_LIST || find_dictionary(s->r, id) || id < 0)
        return sp_fail(s->err, SPATE_E_CONFIG, "column \"%s\": dictionaries of lists, and shared ones, are not read",
                       s->column);
    bool is_signed = !index_at || number(s->f, &index, 1, 1, 0) != 0;
    uint32_t bits = index_at ? (uint32_t)number(s->f, &index, 0, 4, 0) : 32;
    if (bits != 8 && bits != 16 && bits != 32 && bits != 64)
        return fail_flat(s->err);
    sp_arrow_make_indexed(n, values, id, bits, is_signed);
    s->r->dictionaries[s->r->n_dictionaries++] = (sp_arrow_dictionary){.id = id, .values = values};
    return s->f->bad ? fail_flat(s->err) : SPATE_OK;
}

static int read_field(schema_reader *s, const table *field, sp_arrow_node *n, unsigned depth)
{
    flat *f = s->f;
    int64_t type = number(f, field, 2, 1, 0);
    size_t at = target(f, field, 3);
    if (f->bad || depth > SP_ARROW_DEPTH_MAX)
        return fail_flat(s->err);
    table t = at ? table_at(f, at) : (table){0};
    n->type = type > 0 && type < A_TYPES ? (sp_arrow_type)type : A_TYPES;
    n->dictionary = -1;
    read_type(n, f, &t);
    if (!at || !sp_arrow_settle(n, extension_of(f, field)))
        return f->bad ? fail_flat(s->err) : refuse_type(s, n->type);
    int rc = n->as.kind == SP_LIST ? read_item(s, field, n, depth) : SPATE_OK;
    return rc == SPATE_OK ? read_encoding(s, field, n) : rc;
}

static int read_column(schema_reader *s, const table *field, uint32_t i)
{
    sp_arrowread *r = s->r;
    sp_str name = text_at(s->f, target(s->f, field, 0));
    bool fine = sp_utf8_valid(name.p, name.len) && !memchr(name.p, '\0', name.len) && name.len;
    s->column = fine ? sp_arena_strndup(&r->arena, name.p, name.len) : NULL;
    if (!s->column)
        return fine ? sp_fail_nomem(s->err)
                    : sp_fail(s->err, SPATE_E_DATA, "the name of column %u is %s", i + 1,
                              name.len ? "no text" : "empty");
    int rc = read_field(s, field, &r->nodes[i], 0);
    r->fields[i] = (sp_field){.name = s->column, .type = r->nodes[i].as, .nullable = number(s->f, field, 1, 1, 0) != 0};
    if (rc == SPATE_OK && r->nodes[i].type == A_DECIMAL)
        r->fields[i].sql_type = sp_arena_printf(&r->arena, "numeric(%d,%d)", r->nodes[i].precision, r->nodes[i].scale);
    return rc;
}

static int read_schema(sp_arrowread *r, flat *f, const table *schema, const sp_field **fields, uint32_t *n,
                       spate_error *err)
{
    uint64_t count;
    size_t list = vector_at(f, target(f, schema, 1), 4, &count);
    if (f->bad || r->nodes)
        return fail_flat(err);
    if (count > SP_COLUMNS_MAX)
        return sp_fail(err, SPATE_E_CONFIG, "more than %d columns", SP_COLUMNS_MAX);
    if (number(f, schema, 0, 2, 0) != 0)
        return sp_fail(err, SPATE_E_CONFIG, "an Arrow stream of a big-endian machine is not read");
    r->n = (uint32_t)count;
    r->nodes = sp_arena_alloc(&r->arena, count + 1, sizeof(*r->nodes));
    r->fields = sp_arena_alloc(&r->arena, count + 1, sizeof(*r->fields));
    r->dictionaries = sp_arena_alloc(&r->arena, (count + 1) * (SP_ARROW_DEPTH_MAX + 2), sizeof(*r->dictionaries));
    if (!r->nodes || !r->fields || !r->dictionaries)
        return sp_fail_nomem(err);
    schema_reader s = {.r = r, .f = f, .err = err};
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < r->n && rc == SPATE_OK; i++) {
        table field = element(f, list, i);
        rc = f->bad ? fail_flat(err) : read_column(&s, &field, i);
    }
    *fields = r->fields;
    *n = r->n;
    return rc == SPATE_OK && f->bad ? fail_flat(err) : rc;
}

int sp_arrowread_schema(sp_arrowread *r, sp_str metadata, const sp_field **fields, uint32_t *n, spate_error *err)
{
    flat f = flat_of(metadata);
    uint8_t header;
    uint64_t body;
    table schema;
    message_of(&f, &header, &body, &schema);
    return f.bad || header != HEADER_SCHEMA ? fail_flat(err) : read_schema(r, &f, &schema, fields, n, err);
}

int sp_arrowread_footer(sp_arrowread *r, sp_str footer, const sp_field **fields, uint32_t *n, spate_error *err)
{
    flat f = flat_of(footer);
    table t = table_at(&f, get(&f, 0, 4));
    size_t at = target(&f, &t, 1);
    if (f.bad || !at)
        return fail_flat(err);
    table schema = table_at(&f, at);
    return read_schema(r, &f, &schema, fields, n, err);
}

/* ---- record batches ------------------------------------------------------------------------------------------ */

typedef struct batch_reader {
    flat f;
    sp_str body;
    size_t nodes, buffers;
    uint64_t n_nodes, n_buffers;
    bool bad;
} batch_reader;

/* The next buffer, at least so long. NULL for an empty one. */
static const uint8_t *take_buffer(batch_reader *b, uint64_t least, uint64_t *len)
{
    if (b->bad || b->n_buffers == 0) {
        b->bad = true;
        return NULL;
    }
    uint64_t at = get(&b->f, b->buffers, 8), bytes = get(&b->f, b->buffers + 8, 8);
    b->buffers += 16;
    b->n_buffers--;
    b->bad = b->f.bad || at > b->body.len || bytes > b->body.len - at || bytes < least;
    *len = bytes;
    return b->bad || bytes == 0 ? NULL : (const uint8_t *)b->body.p + at;
}

static uint64_t bytes_of(uint64_t rows, uint64_t bits)
{
    return rows > UINT64_C(1) << 40 ? UINT64_MAX : (rows * bits + 7) / 8;
}

static void hang_buffers(batch_reader *b, sp_arrow_node *n, unsigned depth)
{
    static const uint8_t none[16];
    uint64_t len, offsets;
    if (b->bad || b->n_nodes == 0 || depth > SP_ARROW_DEPTH_MAX) {
        b->bad = true;
        return;
    }
    n->rows = get(&b->f, b->nodes, 8);
    uint64_t nulls = get(&b->f, b->nodes + 8, 8);
    b->nodes += 16;
    b->n_nodes--;
    b->bad = b->f.bad || n->rows > INT64_MAX || nulls > n->rows;
    if (n->type == A_NULL || b->bad)
        return; /* has no buffer */
    offsets = n->rows ? bytes_of(n->rows + 1, n->bits) : 0;
    n->valid = take_buffer(b, nulls ? bytes_of(n->rows, 1) : 0, &len);
    n->valid = nulls ? n->valid : NULL;
    n->more = NULL;
    n->more_bytes = 0;
    switch (n->type) {
    case A_BOOL: n->data = take_buffer(b, bytes_of(n->rows, 1), &len); break;
    case A_FIXED: n->data = take_buffer(b, bytes_of(n->rows, 8 * (uint64_t)n->width), &len); break;
    case A_UTF8:
    case A_BINARY:
    case A_LARGE_UTF8:
    case A_LARGE_BINARY:
        n->data = take_buffer(b, offsets, &len);
        n->more = take_buffer(b, 0, &n->more_bytes);
        break;
    case A_LIST:
    case A_LARGE_LIST:
        n->data = take_buffer(b, offsets, &len);
        hang_buffers(b, n->item, depth + 1);
        break;
    case A_FIXED_LIST: hang_buffers(b, n->item, depth + 1); break;
    default: n->data = take_buffer(b, bytes_of(n->rows, n->bits), &len); break;
    }
    n->data = n->data ? n->data : none; /* of no bytes, or for no rows */
    n->more = n->more ? n->more : none;
}

static int begin_batch(batch_reader *b, const table *batch, uint64_t *rows, spate_error *err)
{
    flat *f = &b->f;
    *rows = (uint64_t)number(f, batch, 0, 8, 0);
    b->nodes = vector_at(f, target(f, batch, 1), 16, &b->n_nodes);
    b->buffers = vector_at(f, target(f, batch, 2), 16, &b->n_buffers);
    if (target(f, batch, 3) && !f->bad)
        return sp_fail(err, SPATE_E_CONFIG, "an Arrow stream with compressed buffers is not read");
    return f->bad || *rows > INT64_MAX ? fail_flat(err) : SPATE_OK;
}

int sp_arrowread_batch(sp_arrowread *r, sp_str metadata, sp_str body, uint64_t *rows, spate_error *err)
{
    batch_reader b = {.f = flat_of(metadata), .body = body};
    uint8_t header;
    uint64_t len;
    table batch;
    message_of(&b.f, &header, &len, &batch);
    if (b.f.bad || header != HEADER_BATCH)
        return fail_flat(err);
    int rc = begin_batch(&b, &batch, rows, err);
    for (uint32_t i = 0; i < r->n && rc == SPATE_OK && !b.bad; i++) {
        hang_buffers(&b, &r->nodes[i], 0);
        b.bad = b.bad || r->nodes[i].rows != *rows;
    }
    for (uint32_t i = 0; i < r->n_dictionaries && rc == SPATE_OK; i++)
        if (!r->dictionaries[i].filled)
            rc = sp_fail(err, SPATE_E_DATA, "a record batch comes before its dictionary");
    return rc == SPATE_OK && b.bad ? fail_flat(err) : rc;
}

int sp_arrowread_dictionary(sp_arrowread *r, sp_str metadata, sp_str body, spate_error *err)
{
    flat f = flat_of(metadata);
    uint8_t header;
    uint64_t len, rows;
    table outer;
    message_of(&f, &header, &len, &outer);
    sp_arrow_dictionary *d = f.bad ? NULL : find_dictionary(r, number(&f, &outer, 0, 8, 0));
    size_t at = target(&f, &outer, 1);
    if (!d || !at || f.bad || header != HEADER_DICTIONARY)
        return fail_flat(err);
    if (number(&f, &outer, 2, 1, 0))
        return sp_fail(err, SPATE_E_CONFIG, "an Arrow stream with dictionaries that grow is not read");
    char *kept = sp_alloc(body.len + 1);
    if (!kept)
        return sp_fail_nomem(err);
    memcpy(kept, body.p, body.len);
    sp_free(d->body);
    d->body = kept;
    table batch = table_at(&f, at);
    batch_reader b = {.f = f, .body = {kept, body.len}};
    int rc = begin_batch(&b, &batch, &rows, err);
    if (rc == SPATE_OK)
        hang_buffers(&b, d->values, 0);
    d->filled = rc == SPATE_OK && !b.bad && d->values->rows == rows;
    return rc == SPATE_OK && !d->filled ? fail_flat(err) : rc;
}

int sp_arrowread_rows(const sp_arrowread *r, const uint32_t *columns, uint64_t from, uint64_t to, sp_batch *batch,
                      spate_error *err)
{
    return sp_arrow_take(r->nodes, columns, from, to, batch, err);
}

bool sp_arrowread_as(sp_arrowread *r, uint32_t column, sp_kind kind)
{
    return column < r->n && sp_arrow_parse_as(&r->nodes[column], kind);
}

int sp_arrowread_new(sp_arrowread **out, spate_error *err)
{
    sp_arrowread *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    sp_arena_init(&r->arena);
    *out = r;
    return SPATE_OK;
}

void sp_arrowread_free(sp_arrowread *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->n_dictionaries; i++)
        sp_free(r->dictionaries[i].body);
    sp_arena_done(&r->arena);
    sp_free(r);
}
