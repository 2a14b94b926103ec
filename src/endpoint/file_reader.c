/* file_reader.c - rows of a file, range by range.
 *
 * Whoever reads the next range of a file that is read from front to back takes over the open file with what is in its buffer. Rows in
 * front of one that cannot be read are given first; then it is a failure of its own. */
#include "endpoint/file_source.h"

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    sp_file_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->base.source = s;
    sp_arena_init(&r->line);
    *out = &r->base;
    return SPATE_OK;
}

/* The stream at first: the parked one if it stands there, else a new one. */
static int point_sequential(sp_file_reader *r, uint64_t first, spate_error *err)
{
    sp_file_table *t = r->table;
    r->stream = atomic_exchange(&t->parked, NULL);
    uint64_t at = SP_MAX(first, t->start);
    int rc = SPATE_OK;
    if (!r->stream || !sp_file_stream_back(r->stream, at)) {
        sp_file_stream_close(r->stream);
        r->stream = NULL;
        rc = sp_file_stream_open(t->path, t->plain ? at : 0, &r->stream,
                                 err); /* from the beginning the lines are counted */
        if (rc == SPATE_OK)
            rc = sp_file_stream_go_to(r->stream, at, err);
    }
    if (rc == SPATE_OK && t->once)
        sp_file_stream_keep(r->stream);
    return rc;
}

static int point_anywhere(sp_file_reader *r, uint64_t first, spate_error *err)
{
    sp_file_table *t = r->table;
    uint64_t at = SP_MAX(first, t->start);
    int rc = sp_file_stream_open(t->path, at == t->start ? at : at - 1, &r->stream, err);
    return rc == SPATE_OK && at > t->start ? sp_file_stream_skip_to_line(r->stream, err) : rc;
}

static int go_to_table(sp_file_reader *r, uint32_t table, spate_error *err)
{
    sp_file_source *s = (sp_file_source *)r->base.source;
    if (r->table == &s->tables[table])
        return SPATE_OK;
    sp_rowread_free(r->decoder);
    r->decoder = NULL;
    r->table = &s->tables[table];
    return sp_rowread_new(&r->table->schema, &r->table->form, r->table->fields, r->table->n_fields, &r->decoder, err);
}

static int seek(sp_reader *base, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    sp_file_reader *r = (sp_file_reader *)base;
    if (r->stream && r->table->once)
        sp_file_stream_close(atomic_exchange(&r->table->parked, r->stream));
    else
        sp_file_stream_close(r->stream);
    r->stream = NULL;
    r->bad = false;
    int rc = go_to_table(r, table, err);
    r->last = last;
    if (rc != SPATE_OK)
        return rc;
    return base->source->extents[table].sequential ? point_sequential(r, first, err) : point_anywhere(r, first, err);
}

/* More bytes for a row that is not whole yet. */
static int read_more(sp_file_reader *r, spate_error *err)
{
    sp_file_stream *s = r->stream;
    size_t left = s->buf.len - s->at;
    if (left > SP_FILE_ROW_BYTES_MAX)
        return sp_fail(err, SPATE_E_DATA,
                       "\"%s\": the row at byte %llu does not end within %d MiB: is a quote not closed?",
                       r->table->path, (unsigned long long)s->here.offset, SP_FILE_ROW_BYTES_MAX >> 20);
    return sp_file_stream_fill(s, SP_MAX((size_t)SP_FILE_BUFFER_BYTES, 2 * left), err);
}

/* The range is read: where that is, and the stream left to whoever goes on. */
static int end_range(sp_file_reader *r, spate_error *err)
{
    sp_file_stream *s = r->stream;
    if (!s->end && s->at == s->buf.len) { /* is there anything more? */
        int rc = sp_file_stream_fill(s, SP_FILE_BUFFER_BYTES, err);
        if (rc != SPATE_OK)
            return rc;
    }
    r->base.position = s->here.offset;
    r->base.at_end = s->end && s->at == s->buf.len;
    if (r->base.source->extents[r->table - ((sp_file_source *)r->base.source)->tables].sequential)
        sp_file_stream_close(atomic_exchange(&r->table->parked, s));
    else
        sp_file_stream_close(s);
    r->stream = NULL;
    return SPATE_OK;
}

static int next(sp_reader *base, sp_batch *batch, spate_error *err)
{
    sp_file_reader *r = (sp_file_reader *)base;
    sp_file_stream *s = r->stream;
    if (!s)
        return SPATE_OK;
    batch->first_row = s->here.row;
    for (size_t used = 1; !sp_rowread_full(batch) && s->here.offset < r->last;) {
        if (!s->end && (used == 0 || sp_file_stream_bytes(s).len == 0)) {
            int rc = read_more(r, err);
            if (rc != SPATE_OK)
                return rc;
        }
        sp_str bytes = sp_file_stream_bytes(s);
        if (s->end && bytes.len == 0)
            break;
        int rc = sp_rowread_decode(r->decoder, bytes, s->end, r->last - s->here.offset, batch, &used, err);
        sp_file_stream_skip(s, used);
        if (rc == SPATE_E_DATA && batch->rows) /* those before it first */
            break;
        r->bad = rc == SPATE_E_DATA;
        if (rc != SPATE_OK)
            return sp_fail_context(err, rc, "\"%s\"", r->table->path);
        SP_ASSERT(used || !s->end);
    }
    s->here.row += batch->rows;
    return batch->rows ? SPATE_OK : end_range(r, err);
}

static void reader_close(sp_reader *base)
{
    sp_file_reader *r = (sp_file_reader *)base;
    sp_arena_done(&r->line);
    sp_file_stream_close(r->stream);
    sp_rowread_free(r->decoder);
    sp_free(r);
}

void sp_file_source_close(sp_source *base)
{
    sp_file_source *s = (sp_file_source *)base;
    for (uint32_t i = 0; i < s->base.n_tables; i++) {
        sp_file_stream_close(s->tables[i].parked);
        pthread_mutex_destroy(&s->tables[i].lock);
    }
    sp_arena_done(&s->arena);
    sp_free(s);
}

const sp_source_ops sp_file_source_ops = {.reader_open = reader_open,
                                          .seek = seek,
                                          .next = next,
                                          .reader_close = reader_close,
                                          .close = sp_file_source_close,
                                          .pass_over = sp_file_pass_over};
