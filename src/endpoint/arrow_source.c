/* arrow_source.c - rows out of an Arrow IPC stream or file (.arrows, .arrow), or standard input, as one table.
 *
 * A file is a stream between two magics, so both are read from front to back and the footer is not needed. A position is a byte of
 * the (unpacked) stream, a range ends between two messages. Whoever reads the next range takes over the open stream with its
 * dictionaries; one that is read again begins anew. */
#include "codec/arrow.h"
#include "codec/codec.h"
#include "endpoint/endpoints.h"
#include "endpoint/input.h"
#include "os/os.h"

#include <stdatomic.h>

typedef struct stream {
    sp_input *input;
    const char *path;
    sp_arrowread *reader;
    const sp_field *fields;
    uint32_t n_fields;
    sp_buf metadata, body;
    uint64_t offset;   /* of the next message */
    uint64_t rows, at; /* of the record batch at hand; how many have been given */
    uint64_t row;      /* rows in front of it */
    bool end;
} stream;

typedef struct arrow_source {
    sp_source base;
    sp_arena arena;
    const char *path;
    sp_schema schema;
    const sp_schema *tables[1];
    sp_extent extent;
    uint32_t *columns; /* of the stream's fields, those of the schema */
    stream *_Atomic parked;
} arrow_source;

typedef struct arrow_reader {
    sp_reader base;
    stream *stream;
    uint64_t last;
} arrow_reader;

/* ---- streams --------------------------------------------------------------------------------------- */

static void stream_close(stream *s)
{
    if (!s)
        return;
    sp_input_close(s->input);
    sp_arrowread_free(s->reader);
    sp_buf_done(&s->metadata);
    sp_buf_done(&s->body);
    sp_free(s);
}

/* All of len bytes, appended; *whole is false where the stream ends before the first. */
static int read_bytes(stream *s, sp_buf *to, size_t len, bool *whole, spate_error *err)
{
    enum { STEP = 1 << 20 }; /* a length is anybody's word until so much has come */
    size_t got, done = 0;
    *whole = true;
    while (done < len) {
        size_t step = SP_MIN(len - done, (size_t)STEP);
        if (sp_buf_reserve(to, step))
            return sp_fail_nomem(err);
        int rc = sp_input_read(s->input, to->data + to->len, step, &got, err);
        if (rc != SPATE_OK)
            return rc;
        *whole = got || done;
        if (got == 0)
            return done ? sp_fail(err, SPATE_E_DATA, "the Arrow stream ends in the middle of a message") : SPATE_OK;
        to->len += got;
        done += got;
    }
    s->offset += len;
    return SPATE_OK;
}

/* The next message's metadata and body; none when s->end has turned true: streams may end without a word. */
static int read_message(stream *s, sp_arrow_kind *kind, spate_error *err)
{
    uint32_t len, head;
    uint64_t body = 0;
    bool whole;
    s->metadata.len = s->body.len = 0;
    int rc = read_bytes(s, &s->metadata, SP_ARROW_HEAD_BYTES, &whole, err);
    if (rc != SPATE_OK || !whole) {
        s->end = rc == SPATE_OK;
        return rc;
    }
    rc = sp_arrow_head((const uint8_t *)s->metadata.data, &len, &head, err);
    s->end = len == 0;
    if (rc != SPATE_OK || s->end)
        return rc;
    memmove(s->metadata.data, s->metadata.data + head, SP_ARROW_HEAD_BYTES - head);
    s->metadata.len -= head;
    if (len < s->metadata.len)
        return sp_fail(err, SPATE_E_DATA, "a message of the Arrow stream is damaged");
    rc = read_bytes(s, &s->metadata, len - s->metadata.len, &whole, err);
    if (rc == SPATE_OK)
        rc = whole ? sp_arrowread_kind((sp_str){s->metadata.data, s->metadata.len}, kind, &body, err)
                   : sp_fail(err, SPATE_E_DATA, "the Arrow stream ends in the middle of a message");
    if (rc == SPATE_OK)
        rc = read_bytes(s, &s->body, body, &whole, err);
    return rc == SPATE_OK && !whole && body
               ? sp_fail(err, SPATE_E_DATA, "the Arrow stream ends in the middle of a message")
               : rc;
}

static sp_str bytes_of(const sp_buf *b)
{
    return (sp_str){b->data ? b->data : "", b->len};
}

/* Some writers leave the schema of a file out of its stream: it is in the footer, whose length stands in front of the last magic. */
static int read_footer(stream *s, spate_error *err)
{
    enum { TAIL_BYTES = 10 };
    int fd = -1;
    uint64_t size = 0;
    uint8_t tail[TAIL_BYTES];
    uint32_t len = 0;
    s->metadata.len = 0;
    int rc = sp_os_open(s->path, SP_OS_OPEN_READ, &fd, err);
    if (rc == SPATE_OK)
        rc = sp_os_size(fd, s->path, &size, err);
    if (rc == SPATE_OK && size > TAIL_BYTES)
        rc = sp_os_read_at(fd, tail, TAIL_BYTES, size - TAIL_BYTES, s->path, err);
    if (rc == SPATE_OK && size > TAIL_BYTES)
        memcpy(&len, tail, sizeof(len));
    if (rc == SPATE_OK && (len == 0 || len > SP_ARROW_METADATA_MAX || len > size - TAIL_BYTES ||
                           memcmp(tail + 4, sp_arrow_magic, 6) != 0))
        rc = sp_fail(err, SPATE_E_DATA, "the Arrow file does not end with a footer");
    if (rc == SPATE_OK && sp_buf_reserve(&s->metadata, len))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_os_read_at(fd, s->metadata.data, len, size - TAIL_BYTES - len, s->path, err);
    (void)!sp_os_close(&fd, s->path, NULL);
    return rc == SPATE_OK
               ? sp_arrowread_footer(s->reader, (sp_str){s->metadata.data, len}, &s->fields, &s->n_fields, err)
               : rc;
}

/* Back to the first message of a file whose schema came from its end. */
static int begin_behind_magic(stream *s, spate_error *err)
{
    int rc = read_footer(s, err);
    sp_input_close(s->input);
    s->input = NULL;
    s->offset = sizeof(sp_arrow_magic);
    s->end = false;
    return rc == SPATE_OK ? sp_input_open(s->path, s->offset, &s->input, err) : rc;
}

/* The magic of a file, or the first message: the schema. */
static int read_schema(stream *s, spate_error *err)
{
    sp_arrow_kind kind = SP_ARROW_END;
    bool whole, file = false;
    int rc = sp_arrowread_new(&s->reader, err);
    if (rc == SPATE_OK)
        rc = sp_input_open(s->path, 0, &s->input, err);
    if (rc == SPATE_OK)
        rc = sp_input_peek_magic(s->input, sp_arrow_magic, sizeof(sp_arrow_magic), &file, err);
    if (rc == SPATE_OK && file)
        rc = read_bytes(s, &s->metadata, sizeof(sp_arrow_magic), &whole, err);
    if (rc == SPATE_OK)
        rc = read_message(s, &kind, err);
    if (rc == SPATE_OK && file && (s->end || kind != SP_ARROW_SCHEMA))
        return begin_behind_magic(s, err);
    if (rc == SPATE_OK && (s->end || kind != SP_ARROW_SCHEMA))
        return sp_fail(err, SPATE_E_DATA, "it does not begin as an Arrow stream does, with a schema");
    return rc == SPATE_OK ? sp_arrowread_schema(s->reader, bytes_of(&s->metadata), &s->fields, &s->n_fields, err) : rc;
}

static int stream_open(const char *path, stream **out, spate_error *err)
{
    stream *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    s->path = path;
    int rc = read_schema(s, err);
    if (rc == SPATE_OK)
        *out = s;
    else
        stream_close(s);
    return rc;
}

/* Goes on to the next record batch, over dictionaries. */
static int next_batch(stream *s, spate_error *err)
{
    sp_arrow_kind kind;
    s->row += s->rows;
    s->rows = s->at = 0;
    int rc = read_message(s, &kind, err);
    if (rc != SPATE_OK || s->end)
        return rc;
    if (kind == SP_ARROW_DICTIONARY)
        return sp_arrowread_dictionary(s->reader, bytes_of(&s->metadata), bytes_of(&s->body), err);
    if (kind == SP_ARROW_SCHEMA)
        return sp_fail(err, SPATE_E_DATA, "the Arrow stream has a second schema");
    return sp_arrowread_batch(s->reader, bytes_of(&s->metadata), bytes_of(&s->body), &s->rows, err);
}

/* ---- a reader ----------------------------------------------------------------------------------------- */

static arrow_source *source_of(const sp_reader *r)
{
    return (arrow_source *)r->source;
}

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    arrow_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->base.source = s;
    *out = &r->base;
    return SPATE_OK;
}

static void reader_close(sp_reader *base)
{
    stream_close(((arrow_reader *)base)->stream);
    sp_free(base);
}

static int seek(sp_reader *base, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    arrow_reader *r = (arrow_reader *)base;
    arrow_source *s = source_of(base);
    stream_close(r->stream);
    r->stream = atomic_exchange(&s->parked, NULL);
    r->last = last;
    if (r->stream && (r->stream->offset == first || (first == 0 && r->stream->row + r->stream->rows == 0)))
        return SPATE_OK;
    stream_close(r->stream);
    r->stream = NULL;
    int rc = stream_open(s->path, &r->stream, err);
    while (rc == SPATE_OK && r->stream->offset < first && !r->stream->end)
        rc = next_batch(r->stream, err);
    if (rc == SPATE_OK)
        r->stream->at = r->stream->rows;
    return rc == SPATE_OK ? rc : sp_fail_context(err, rc, "\"%s\"", s->path);
}

static void end_range(arrow_reader *r)
{
    arrow_source *s = source_of(&r->base);
    r->base.position = r->stream->offset;
    r->base.at_end = r->stream->end;
    stream_close(atomic_exchange(&s->parked, r->stream));
    r->stream = NULL;
}

static int next(sp_reader *base, sp_batch *batch, spate_error *err)
{
    arrow_reader *r = (arrow_reader *)base;
    stream *s = r->stream;
    int rc = SPATE_OK;
    if (!s)
        return rc;
    while (rc == SPATE_OK && s->at == s->rows && !s->end && s->offset < r->last)
        rc = next_batch(s, err);
    batch->first_row = s->row + s->at;
    uint64_t n = SP_MIN(s->rows - s->at, (uint64_t)SP_BATCH_ROWS_MAX);
    if (rc == SPATE_OK && n)
        rc = sp_arrowread_rows(s->reader, source_of(base)->columns, s->at, s->at + n, batch, err);
    if (rc != SPATE_OK)
        return sp_fail_context(err, rc, "\"%s\"", s->path);
    s->at += n;
    if (n)
        return sp_batch_check_text(batch, err);
    end_range(r);
    return SPATE_OK;
}

static void source_close(sp_source *base)
{
    arrow_source *s = (arrow_source *)base;
    stream_close(s->parked);
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, source_close};

/* ---- opening --------------------------------------------------------------------------------------------- */

/* The reader knows the types; their names stay with its stream, so the schema keeps its own. */
static int make_schema(arrow_source *s, const sp_source_options *o, spate_error *err)
{
    const stream *from = s->parked;
    sp_field *fields = sp_arena_alloc(&s->arena, from->n_fields + 1, sizeof(*fields));
    s->columns = sp_arena_alloc(&s->arena, from->n_fields + 1, sizeof(*s->columns));
    if (!fields || !s->columns)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < from->n_fields; i++) {
        sp_field *f = &fields[s->schema.n_fields];
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(from->fields[k].name, from->fields[i].name) == 0)
                return sp_fail(err, SPATE_E_DATA, "two columns are called \"%s\"", from->fields[i].name);
        if (!sp_source_wants_column(o, from->fields[i].name))
            continue;
        *f = (sp_field){.nullable = from->fields[i].nullable};
        if (sp_field_copy_type(&s->arena, &from->fields[i], f) ||
            !(f->name = sp_arena_strndup(&s->arena, from->fields[i].name, strlen(from->fields[i].name))))
            return sp_fail_nomem(err);
        s->columns[s->schema.n_fields++] = i;
    }
    s->schema.fields = fields;
    s->schema.rows = UINT64_MAX;
    for (uint32_t i = 0; i < o->n_columns; i++)
        if (sp_schema_find(&s->schema, o->columns[i]) < 0)
            return sp_fail(err, SPATE_E_USAGE, "there is no column \"%s\" in it", o->columns[i]);
    return s->schema.n_fields ? SPATE_OK : sp_fail(err, SPATE_E_DATA, "there is no column in it");
}

static int name_table(arrow_source *s, sp_uri *uri, const sp_source_options *o, spate_error *err)
{
    const char *called = sp_uri_param_value(uri, "table"), *slash = strrchr(s->path, '/'),
               *name = slash ? slash + 1 : s->path;
    size_t len;
    sp_pack_of_name(name, &len);
    const char *dot = memrchr(name, '.', len);
    called = called ? called : o->called ? o->called : strcmp(s->path, "-") == 0 ? "stdin" : NULL;
    s->schema.table = called ? sp_arena_strndup(&s->arena, called, strlen(called))
                             : sp_arena_strndup(&s->arena, name, dot && dot > name ? (size_t)(dot - name) : len);
    return s->schema.table ? SPATE_OK : sp_fail_nomem(err);
}

static int open_all(arrow_source *s, sp_uri *uri, const sp_source_options *o, spate_error *err)
{
    s->path = sp_arena_strndup(&s->arena, uri->path, strlen(uri->path));
    s->base.shown = sp_uri_shown(uri->text, &s->arena);
    stream *first = NULL;
    int rc = s->path && s->base.shown ? name_table(s, uri, o, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = stream_open(s->path, &first, err);
    s->parked = first;
    if (rc == SPATE_OK)
        rc = make_schema(s, o, err);
    return rc == SPATE_OK ? rc : sp_fail_context(err, rc, "\"%s\"", uri->path);
}

int sp_arrow_source_open(sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    arrow_source *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &ops;
    s->base.unit = "bytes";
    int rc = open_all(s, uri, options, err);
    s->tables[0] = &s->schema;
    s->base.tables = s->tables;
    s->base.extents = &s->extent;
    s->base.n_tables = 1;
    s->extent = (sp_extent){
        .end = UINT64_MAX, .units_a_row = rc == SPATE_OK ? sp_schema_row_bytes(&s->schema) : 1, .sequential = true};
    if (rc == SPATE_OK)
        *out = &s->base;
    else
        source_close(&s->base);
    return rc;
}
