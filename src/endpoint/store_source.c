/* store_source.c - a store of rows as a source: tables with declared columns, by row number, anywhere and on any number of threads.
 * Cells are decoded straight into the batch. */
#include "endpoint/endpoints.h"
#include "store/scan.h"

typedef struct store_source {
    sp_source source;
    sp_arena arena;
    sp_store *store;
    const uint32_t *numbers; /* of the tables in the store */
} store_source;

typedef struct store_reader {
    sp_reader reader;
    sp_block_reader blocks;
    bool open; /* blocks has been set up */
    sp_group_reading group;
    uint32_t block, last_block, at; /* the next block; rows of the open group that have been read */
} store_reader;

/* ---- reading ----------------------------------------------------------------------------------- */

static int reader_open(sp_source *s, sp_reader **reader, spate_error *err)
{
    store_reader *r = sp_alloc_zero(1, sizeof *r);
    if (!r)
        return sp_fail_nomem(err);
    r->reader.source = s;
    *reader = &r->reader;
    return SPATE_OK;
}

static void reader_close(sp_reader *reader)
{
    store_reader *r = (store_reader *)reader;
    sp_group_reading_done(&r->group);
    if (r->open)
        sp_block_reader_done(&r->blocks);
    sp_free(r);
}

static int seek(sp_reader *reader, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    store_reader *r = (store_reader *)reader;
    store_source *s = (store_source *)reader->source;
    const sp_schema *schema = s->source.tables[table];
    spate_scan_options o = {
        .table = s->numbers[table], .first_row = first, .last_row = last, .n_fields = schema->n_fields};
    const char **fields = sp_alloc_zero(schema->n_fields, sizeof *fields);
    if (!fields)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        fields[i] = schema->fields[i].name;
    o.fields = fields;
    if (r->open)
        sp_block_reader_done(&r->blocks);
    int rc = sp_block_reader_init(&r->blocks, s->store, &o, err);
    sp_free(fields);
    r->open = rc == SPATE_OK;
    r->group.rows = r->at = 0;
    if (rc != SPATE_OK)
        return rc;
    r->block = sp_block_reader_block_of(&r->blocks, first);
    r->last_block = r->blocks.n_blocks;
    return SPATE_OK;
}

/* The next block that has rows of the range; rows stay 0 at the end. */
static int open_block(store_reader *r, uint32_t n_fields, spate_error *err)
{
    r->group.rows = r->at = 0;
    while (r->block < r->last_block && r->group.rows == 0) {
        bool wanted;
        int rc = sp_block_reader_open_block(&r->blocks, r->block++, &wanted, err);
        if (rc != SPATE_OK)
            return rc;
        if (!wanted || r->blocks.view.n_groups != 1)
            continue;
        rc = sp_block_reader_open_group(&r->blocks, 0, &r->group, err);
        if (rc != SPATE_OK)
            return rc;
        if (r->group.n != n_fields)
            return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": a block has other columns than its table",
                           r->blocks.store->path);
    }
    return SPATE_OK;
}

static int next(sp_reader *reader, sp_batch *batch, spate_error *err)
{
    store_reader *r = (store_reader *)reader;
    batch->rows = 0;
    if (r->at == r->group.rows) {
        int rc = open_block(r, batch->schema->n_fields, err);
        if (rc != SPATE_OK)
            return rc;
    }
    uint32_t n = SP_MIN(r->group.rows - r->at, (uint32_t)SP_BATCH_ROWS_MAX);
    if (n == 0)
        return SPATE_OK;
    for (uint32_t i = 0; i < r->group.n; i++) {
        sp_reading *c = &r->group.columns[i];
        int rc = sp_reading_open(&r->blocks, c, err);
        if (rc == SPATE_OK)
            rc = sp_segment_read(&c->cells, r->group.start + r->at, n, &batch->columns[i], err);
        if (rc != SPATE_OK)
            return rc;
    }
    batch->first_row = r->blocks.block.first_row + r->group.start + r->at;
    batch->rows = n;
    r->at += n;
    return SPATE_OK;
}

/* ---- which tables and columns -------------------------------------------------------------------- */

static void close_source(sp_source *source)
{
    store_source *s = (store_source *)source;
    sp_store_close(s->store);
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, close_source};

static bool among(const char *word, const char *const *words, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

/* Some columns of a table: keys that other columns belong to are left out. */
static int some_columns(store_source *s, const sp_source_options *o, sp_schema *schema, spate_error *err)
{
    sp_field *fields = sp_arena_alloc(&s->arena, o->n_columns, sizeof *fields);
    if (!fields)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < o->n_columns; i++) {
        int found = sp_schema_find(schema, o->columns[i]);
        if (found < 0)
            return sp_fail(err, SPATE_E_USAGE, "table \"%s\" of \"%s\" has no column \"%s\"", schema->table,
                           s->store->path, o->columns[i]);
        fields[i] = schema->fields[found];
    }
    schema->fields = fields;
    schema->n_fields = o->n_columns;
    schema->n_primary_key = schema->n_uniques = schema->n_foreign_keys = 0;
    return SPATE_OK;
}

static int add_table(store_source *s, const sp_source_options *o, uint32_t number, const sp_schema **tables,
                     uint32_t *numbers, sp_extent *extents, spate_error *err)
{
    const sp_table *t = &s->store->catalog.tables[number];
    uint32_t n = s->source.n_tables;
    if (o->n_tables && !among(t->schema->table, o->tables, o->n_tables))
        return SPATE_OK;
    if (t->schema->n_fields == 0)
        return sp_fail(err, SPATE_E_USAGE,
                       "table \"%s\" of \"%s\" has no declared columns: 'spate store scan' shows its rows",
                       t->schema->table, s->store->path);
    sp_schema *schema = sp_arena_alloc(&s->arena, 1, sizeof *schema);
    if (!schema)
        return sp_fail_nomem(err);
    *schema = *t->schema;
    schema->rows = t->rows;
    tables[n] = schema;
    numbers[n] = number;
    extents[n] = (sp_extent){.end = t->rows, .units_a_row = 1, .file = s->source.shown};
    s->source.n_tables++;
    return o->n_columns ? some_columns(s, o, schema, err) : SPATE_OK;
}

static int add_tables(store_source *s, const sp_source_options *o, spate_error *err)
{
    uint32_t n = s->store->catalog.n_tables, *numbers = sp_arena_alloc(&s->arena, n, sizeof *numbers);
    const sp_schema **tables = sp_arena_alloc(&s->arena, n, sizeof *tables);
    sp_extent *extents = sp_arena_alloc(&s->arena, n, sizeof *extents);
    if (!numbers || !tables || !extents)
        return sp_fail_nomem(err);
    s->source.tables = tables;
    s->source.extents = extents;
    s->numbers = numbers;
    int rc = SPATE_OK;
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++)
        rc = add_table(s, o, i, tables, numbers, extents, err);
    for (uint32_t i = 0; rc == SPATE_OK && i < o->n_tables; i++)
        if (sp_lexicon_find_table(&s->store->catalog, o->tables[i]) < 0)
            rc = sp_fail(err, SPATE_E_USAGE, "\"%s\" has no table \"%s\"", s->store->path, o->tables[i]);
    return rc;
}

int sp_store_source_open(sp_uri *uri, const sp_source_options *options, sp_source **source, spate_error *err)
{
    store_source *s = sp_alloc_zero(1, sizeof *s);
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->source.ops = &ops;
    s->source.unit = "rows";
    s->source.shown = sp_arena_printf(&s->arena, "%s", uri->path);
    int rc = s->source.shown ? sp_store_open(uri->path, false, &s->store, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = add_tables(s, options, err);
    if (rc != SPATE_OK) {
        close_source(&s->source);
        return rc;
    }
    *source = &s->source;
    return SPATE_OK;
}
