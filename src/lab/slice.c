/* slice.c - see slice.h. */
#include "lab/slice.h"

typedef struct slice {
    sp_source source;
    const sp_gen *gen;
    const sp_placement *const *placements;
    unsigned shard;
    sp_arena arena;
    uint32_t *gen_table; /* a table of the source -> its number in the generator */
} slice;

typedef struct slice_reader {
    sp_reader reader;
    sp_gen_scratch *scratch;
    uint32_t table;
    uint64_t next, last;
    sp_batch keys;  /* of keys_table: the batch that keys are made in */
    int keys_table; /* -1: none yet */
    uint64_t window[SP_BATCH_ROWS_MAX], chosen[2 * SP_BATCH_ROWS_MAX];
    uint8_t shards[SP_BATCH_ROWS_MAX];
    uint32_t n_chosen;
} slice_reader;

static const slice *slice_of(const sp_reader *r)
{
    return (const slice *)r->source;
}

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    slice_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->reader.source = s;
    r->keys_table = -1;
    int rc = sp_gen_scratch_new(((const slice *)s)->gen, &r->scratch, err);
    if (rc == SPATE_OK)
        *out = &r->reader;
    else
        sp_free(r);
    return rc;
}

static int seek(sp_reader *reader, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    slice_reader *r = (slice_reader *)reader;
    r->table = table;
    r->next = first;
    r->last = last;
    r->n_chosen = 0;
    if (!slice_of(reader)->placements[table] || r->keys_table == (int)table)
        return SPATE_OK;
    if (r->keys_table >= 0)
        sp_batch_done(&r->keys);
    r->keys_table = -1;
    int rc = sp_batch_init(&r->keys, reader->source->tables[table], err);
    r->keys_table = rc == SPATE_OK ? (int)table : -1;
    return rc;
}

/* Walks on by at most a batch of rows, and notes those that are this shard's. */
static int choose(slice_reader *r, uint32_t batch_rows, spate_error *err)
{
    const slice *s = slice_of(&r->reader);
    const sp_placement *p = s->placements[r->table];
    sp_gen_wish wish = {.rows = r->window, .n = (uint32_t)SP_MIN(r->last - r->next, (uint64_t)batch_rows)};
    for (uint32_t i = 0; i < wish.n; i++)
        r->window[i] = r->next++;
    if (p) {
        wish.fields = p->key;
        wish.n_fields = p->n_key;
        sp_batch_reset(&r->keys);
        int rc = sp_gen_fill_wish(s->gen, s->gen_table[r->table], &wish, r->scratch, &r->keys, err);
        if (rc != SPATE_OK)
            return rc;
        sp_placement_route(p, &r->keys, r->shards);
    }
    for (uint32_t i = 0; i < wish.n; i++) {
        r->chosen[r->n_chosen] = r->window[i];
        r->n_chosen += !p || r->shards[i] == s->shard;
    }
    return SPATE_OK;
}

/* Full batches, so that the cost of a batch is spread over many rows; what is chosen beyond one waits for the next. */
static int next(sp_reader *reader, sp_batch *batch, spate_error *err)
{
    slice_reader *r = (slice_reader *)reader;
    const slice *s = slice_of(reader);
    uint32_t most = sp_gen_batch_rows(s->gen, s->gen_table[r->table]);
    int rc = SPATE_OK;
    while (rc == SPATE_OK && r->n_chosen < most && r->next < r->last)
        rc = choose(r, most, err);
    sp_gen_wish wish = {.rows = r->chosen, .n = SP_MIN(r->n_chosen, most)};
    batch->rows = 0;
    if (rc != SPATE_OK || wish.n == 0)
        return rc;
    rc = sp_gen_fill_wish(s->gen, s->gen_table[r->table], &wish, r->scratch, batch, err);
    r->n_chosen -= wish.n;
    memmove(r->chosen, r->chosen + wish.n, r->n_chosen * sizeof(*r->chosen));
    return rc;
}

static void reader_close(sp_reader *reader)
{
    slice_reader *r = (slice_reader *)reader;
    if (r->keys_table >= 0)
        sp_batch_done(&r->keys);
    sp_gen_scratch_free(r->scratch);
    sp_free(r);
}

static void source_close(sp_source *source)
{
    slice *s = (slice *)source;
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, source_close};

static uint32_t number_in(const sp_gen *gen, const char *table)
{
    uint32_t t = 0;
    while (strcmp(sp_gen_schema(gen, t)->table, table) != 0)
        t++;
    return t;
}

/* How many of a placed table's rows come is only known at the end: about a share, on the average. */
static int take_tables(slice *s, const sp_source *whole)
{
    uint32_t n = whole->n_tables;
    const sp_schema **tables = sp_arena_alloc(&s->arena, n, sizeof(*tables));
    sp_extent *extents = sp_arena_alloc(&s->arena, n, sizeof(*extents));
    s->gen_table = sp_arena_alloc(&s->arena, n, sizeof(*s->gen_table));
    if (!tables || !extents || !s->gen_table)
        return SPATE_E_NOMEM;
    for (uint32_t t = 0; t < n; t++) {
        const sp_placement *p = s->placements[t];
        sp_schema *schema = sp_arena_alloc(&s->arena, 1, sizeof(*schema));
        if (!schema)
            return SPATE_E_NOMEM;
        *schema = *whole->tables[t];
        schema->rows = p ? UINT64_MAX : schema->rows;
        tables[t] = schema;
        extents[t] = whole->extents[t];
        extents[t].units_a_row = p ? p->map.shards : 1;
        s->gen_table[t] = number_in(s->gen, schema->table);
    }
    s->source = (sp_source){.ops = &ops, .tables = tables, .extents = extents, .n_tables = n, .unit = whole->unit};
    return SPATE_OK;
}

int sp_slice_open(const sp_gen *gen, const sp_source *whole, const sp_placement *const *placements, unsigned shard,
                  sp_source **source, spate_error *err)
{
    slice *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->gen = gen;
    s->placements = placements;
    s->shard = shard;
    int rc = take_tables(s, whole) ? sp_fail_nomem(err) : SPATE_OK;
    if (rc == SPATE_OK)
        *source = &s->source;
    else
        source_close(&s->source);
    return rc;
}
