/* share.c - a source around a source, of which several runs, that know nothing of each other, each take their own rows.
 *
 * Pages, keys and bytes of a place that others write to mean other rows a moment later, so such tables cannot be cut by position. Their
 * rows are dealt out by what they hold: by a hash of the primary key, else of the first column that is unique, else of all cells. So a row
 * belongs to one part, whenever it is read and however it moves about; the price is that each part reads the whole table. */
#include "endpoint/share.h"

#include "codec/codec.h"

typedef struct table {
    bool dealt;        /* else all of its rows are given, to be cut by position */
    uint32_t *columns; /* that say whose a row is */
    uint32_t n_columns;
} table;

typedef struct shared {
    sp_source source;
    sp_arena arena;
    sp_source *whole;
    sp_share share;
    table *tables;
} shared;

typedef struct shared_reader {
    sp_reader reader;
    sp_reader *whole;
    sp_batch *batches; /* as they were read: a table, made when it is first needed */
    uint32_t at;
    uint64_t hashes[SP_BATCH_ROWS_MAX];
    sp_buf text;
} shared_reader;

/* ---- readers ---- */

static void reader_close(sp_reader *reader)
{
    shared_reader *r = (shared_reader *)reader;
    const shared *s = (const shared *)reader->source;
    if (r->whole)
        s->whole->ops->reader_close(r->whole);
    for (uint32_t t = 0; r->batches && t < s->source.n_tables; t++)
        if (r->batches[t].columns)
            sp_batch_done(&r->batches[t]);
    sp_buf_done(&r->text);
    sp_free(r->batches);
    sp_free(r);
}

static int reader_open(sp_source *source, sp_reader **out, spate_error *err)
{
    const shared *s = (const shared *)source;
    shared_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->reader.source = source;
    r->batches = sp_alloc_zero(source->n_tables + 1, sizeof(*r->batches));
    int rc = r->batches ? s->whole->ops->reader_open(s->whole, &r->whole, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        *out = &r->reader;
    else
        reader_close(&r->reader);
    return rc;
}

static int seek(sp_reader *reader, uint32_t t, uint64_t first, uint64_t last, spate_error *err)
{
    shared_reader *r = (shared_reader *)reader;
    const shared *s = (const shared *)reader->source;
    int rc = SPATE_OK;
    r->at = t;
    if (s->tables[t].dealt && !r->batches[t].columns)
        rc = sp_batch_init(&r->batches[t], s->whole->tables[t], err);
    return rc == SPATE_OK ? s->whole->ops->seek(r->whole, t, first, last, err) : rc;
}

/* Mixes a column's cells into the hashes of their rows. */
static int add_hashes(shared_reader *r, const sp_column *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        r->text.len = 0;
        if (sp_cell_text(c, i, &r->text))
            return SPATE_E_NOMEM;
        r->hashes[i] = sp_hash64(r->text.data, r->text.len, r->hashes[i] + !sp_column_null(c, i));
    }
    return SPATE_OK;
}

/* This part's rows of from, behind those of batch. */
static int take_own(shared_reader *r, const sp_batch *from, sp_batch *batch)
{
    const shared *s = (const shared *)r->reader.source;
    const table *t = &s->tables[r->at];
    int rc = SPATE_OK;
    memset(r->hashes, 0, from->rows * sizeof(*r->hashes));
    for (uint32_t i = 0; i < t->n_columns && !rc; i++)
        rc = add_hashes(r, &from->columns[t->columns[i]], from->rows);
    for (uint32_t i = 0, n; i < from->rows && !rc; i += n + 1) { /* as many neighbours at once as there are */
        for (n = 0; i + n < from->rows && sp_bounded(r->hashes[i + n], s->share.parts) == s->share.part;)
            n++;
        rc = n ? sp_batch_append(batch, from, i, n) : SPATE_OK;
    }
    return rc;
}

/* Until some rows are this part's, or there are none left. */
static int next(sp_reader *reader, sp_batch *batch, spate_error *err)
{
    shared_reader *r = (shared_reader *)reader;
    const shared *s = (const shared *)reader->source;
    sp_batch *from = s->tables[r->at].dealt ? &r->batches[r->at] : batch;
    int rc;
    do {
        if (from != batch)
            sp_batch_reset(from);
        rc = s->whole->ops->next(r->whole, from, err);
        if (rc == SPATE_OK && from != batch && take_own(r, from, batch))
            rc = sp_fail_nomem(err);
    } while (rc == SPATE_OK && from->rows && !batch->rows);
    batch->first_row = from->first_row;
    reader->position = r->whole->position;
    reader->at_end = r->whole->at_end;
    return rc;
}

static int pass_over(sp_reader *reader, sp_unread *row, spate_error *err)
{
    const shared *s = (const shared *)reader->source;
    return s->whole->ops->pass_over ? s->whole->ops->pass_over(((shared_reader *)reader)->whole, row, err)
                                    : SPATE_E_DATA;
}

/* A source tells whether rows have changed by how many there are, and not by how many of them are this part's. */
static int mark(sp_source *source, uint32_t t, sp_buf *text, spate_error *err)
{
    const shared *s = (const shared *)source;
    if (!s->tables[t].dealt && s->whole->ops->mark)
        return s->whole->ops->mark(s->whole, t, text, err);
    sp_fail(err, SPATE_E_USAGE, "a part of \"%s\" cannot be a job: its rows are dealt out as they are read",
            source->tables[t]->table);
    sp_error_hint(err, "leave --job out, or cut the table by a plan a part, each with a where of its own");
    return SPATE_E_USAGE;
}

static int unchanged(sp_source *source, uint32_t t, const char *text, const sp_landed *landed, spate_error *err)
{
    sp_source *whole = ((shared *)source)->whole;
    return whole->ops->unchanged(whole, t, text, landed, err);
}

static void source_close(sp_source *source)
{
    shared *s = (shared *)source;
    sp_source_close(s->whole);
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, source_close, mark, unchanged, pass_over};

/* ---- opening ---- */

static int deal(shared *s, uint32_t t)
{
    const sp_schema *schema = s->whole->tables[t];
    table *own = &s->tables[t];
    const uint32_t *named = schema->n_primary_key ? schema->primary_key : schema->uniques;
    uint32_t n = schema->n_primary_key ? schema->n_primary_key : SP_MIN(schema->n_uniques, 1u);
    own->dealt = true;
    own->n_columns = n ? n : schema->n_fields;
    own->columns = sp_arena_alloc(&s->arena, own->n_columns + 1, sizeof(*own->columns));
    for (uint32_t i = 0; own->columns && i < own->n_columns; i++)
        own->columns[i] = n ? named[i] : i;
    return own->columns ? SPATE_OK : SPATE_E_NOMEM;
}

static int open_tables(shared *s, spate_error *err)
{
    sp_extent *extents = sp_arena_alloc(&s->arena, s->whole->n_tables + 1, sizeof(*extents));
    s->tables = sp_arena_alloc(&s->arena, s->whole->n_tables + 1, sizeof(*s->tables));
    if (!extents || !s->tables)
        return sp_fail_nomem(err);
    memcpy(extents, s->whole->extents, s->whole->n_tables * sizeof(*extents));
    for (uint32_t t = 0; t < s->whole->n_tables; t++) {
        const sp_extent *e = &s->whole->extents[t];
        if (e->constant || (e->file && !e->sequential))
            continue;
        extents[t].dealt = true;
        if (deal(s, t))
            return sp_fail_nomem(err);
    }
    s->source.extents = extents;
    return SPATE_OK;
}

int sp_share_open(sp_source *whole, sp_share share, sp_source **out, spate_error *err)
{
    *out = whole;
    if (share.parts <= 1)
        return SPATE_OK;
    shared *s = sp_alloc_zero(1, sizeof(*s));
    if (!s) {
        sp_source_close(whole);
        *out = NULL;
        return sp_fail_nomem(err);
    }
    sp_arena_init(&s->arena);
    s->whole = whole;
    s->share = share;
    s->source = *whole;
    s->source.ops = &ops;
    int rc = open_tables(s, err);
    *out = &s->source;
    if (rc != SPATE_OK) {
        source_close(&s->source);
        *out = NULL;
    }
    return rc;
}
