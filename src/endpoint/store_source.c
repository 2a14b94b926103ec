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

/* A range mostly begins where the one before ended, so the block that it ended in stays open: opening it again would be to check,
 * and to get ready, all of it for a few rows more. */
typedef struct store_reader {
    sp_reader reader;
    sp_block_reader blocks; /* of all rows of the table */
    uint32_t table;         /* whose they are; UINT32_MAX: none yet */
    sp_group_reading group; /* all rows of the open block; rows 0: none is */
    uint64_t row, last;     /* the next row, and the end of the range */
} store_reader;

/* ---- reading ----------------------------------------------------------------------------------- */

static int reader_open(sp_source *s, sp_reader **reader, spate_error *err)
{
    store_reader *r = sp_alloc_zero(1, sizeof *r);
    if (!r)
        return sp_fail_nomem(err);
    r->reader.source = s;
    r->table = UINT32_MAX;
    *reader = &r->reader;
    return SPATE_OK;
}

static void close_table(store_reader *r)
{
    r->group.rows = 0;
    if (r->table != UINT32_MAX)
        sp_block_reader_done(&r->blocks);
    r->table = UINT32_MAX;
}

static void reader_close(sp_reader *reader)
{
    store_reader *r = (store_reader *)reader;
    sp_group_reading_done(&r->group);
    close_table(r);
    sp_free(r);
}

static int open_table(store_reader *r, uint32_t table, spate_error *err)
{
    store_source *s = (store_source *)r->reader.source;
    const sp_schema *schema = s->source.tables[table];
    close_table(r);
    const char **fields = sp_alloc_zero(schema->n_fields, sizeof *fields);
    if (!fields)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        fields[i] = schema->fields[i].name;
    spate_scan_options o = {.table = s->numbers[table], .fields = fields, .n_fields = schema->n_fields};
    int rc = sp_block_reader_init(&r->blocks, s->store, &o, err);
    sp_free(fields);
    r->table = rc == SPATE_OK ? table : UINT32_MAX;
    return rc;
}

static int seek(sp_reader *reader, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    store_reader *r = (store_reader *)reader;
    r->row = first;
    r->last = last;
    return r->table == table ? SPATE_OK : open_table(r, table, err);
}

static bool is_at(const store_reader *r)
{
    return r->group.rows && r->row >= r->blocks.block.first_row && r->row - r->blocks.block.first_row < r->group.rows;
}

/* The block of the next row, or the first one behind it; there is none: the range is over. */
static int open_block(store_reader *r, uint32_t n_fields, spate_error *err)
{
    r->group.rows = 0;
    for (uint32_t i = sp_block_reader_block_of(&r->blocks, r->row); i < r->blocks.n_blocks; i++) {
        bool wanted;
        if (r->blocks.blocks[i].first_row >= r->last)
            break;
        int rc = sp_block_reader_open_block(&r->blocks, i, &wanted, err);
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
        r->row = SP_MAX(r->row, r->blocks.block.first_row);
        return SPATE_OK;
    }
    r->row = r->last;
    return SPATE_OK;
}

static int next(sp_reader *reader, sp_batch *batch, spate_error *err)
{
    store_reader *r = (store_reader *)reader;
    batch->rows = 0;
    if (r->row < r->last && !is_at(r)) {
        int rc = open_block(r, batch->schema->n_fields, err);
        if (rc != SPATE_OK)
            return rc;
    }
    if (r->row >= r->last)
        return SPATE_OK;
    uint32_t at = (uint32_t)(r->row - r->blocks.block.first_row), n = SP_MIN(r->group.rows - at, SP_BATCH_ROWS_MAX);
    n = (uint32_t)SP_MIN((uint64_t)n, r->last - r->row);
    for (uint32_t i = 0; i < r->group.n; i++) {
        sp_reading *c = &r->group.columns[i];
        int rc = sp_reading_open(&r->blocks, c, err);
        if (rc == SPATE_OK)
            rc = sp_segment_read(&c->cells, at, n, &batch->columns[i], err);
        if (rc != SPATE_OK)
            return rc;
    }
    batch->first_row = r->row;
    batch->rows = n;
    r->row += n;
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
    sp_field *fields = sp_arena_alloc(&s->arena, schema->n_fields + 1, sizeof *fields);
    uint32_t n = 0;
    if (!fields)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (sp_source_wants_column(o, schema->fields[i].name))
            fields[n++] = schema->fields[i];
    schema->fields = fields;
    schema->n_fields = n;
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
