/* stats.c - what a store says of its fields: read from directories alone, no cell is decoded. */
#include "store/scan.h"

typedef struct stats {
    spate_field_stats *fields;
    size_t n, cap;
} stats;

static spate_field_stats *find(stats *s, const sp_segment_entry *e)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->fields[i].name == e->name && (int)s->fields[i].type.kind == e->kind &&
            s->fields[i].type.scale == e->scale)
            return &s->fields[i];
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 32;
        spate_field_stats *fields = sp_realloc(s->fields, cap * sizeof *fields);
        if (!fields)
            return NULL;
        s->fields = fields;
        s->cap = cap;
    }
    s->fields[s->n] = (spate_field_stats){
        .name = e->name, .type = {.kind = (spate_kind)e->kind, .precision = e->precision, .scale = e->scale}};
    return &s->fields[s->n++];
}

static spate_value value_of(const sp_segment_entry *e, uint64_t bits)
{
    spate_value v = {.name = e->name, .kind = e->kind, .precision = e->precision, .scale = e->scale};
    if (e->kind == SP_F32) {
        double d;
        memcpy(&d, &bits, 8);
        v.as.f32 = (float)d;
    } else {
        v.as.u = bits;
    }
    return v;
}

/* Numbers only: of text, the first bytes are known. */
static void widen(spate_field_stats *f, const sp_segment_entry *e)
{
    sp_where below = {.op = SPATE_LT, .value = f->min}, above = {.op = SPATE_GT, .value = f->max};
    spate_value min = value_of(e, e->min), max = value_of(e, e->max);
    if (!(e->flags & SP_SEGMENT_HAS_RANGE) || e->kind >= SP_INTERVAL)
        return;
    if (!f->has_range || sp_where_holds(&below, &min))
        f->min = min;
    if (!f->has_range || sp_where_holds(&above, &max))
        f->max = max;
    f->has_range = true;
}

static int add_block(stats *s, const char *directory)
{
    const sp_block_header *h = sp_block_header_of(directory);
    const sp_segment_entry *e = sp_block_segments(directory);
    const sp_group_entry *g = sp_block_groups(directory);
    for (uint32_t i = 0; i < h->groups; i++)
        for (uint32_t x = g[i].first_segment; x < g[i].first_segment + g[i].segments; x++) {
            spate_field_stats *f = find(s, &e[x]);
            if (!f)
                return SPATE_E_NOMEM;
            f->cells += g[i].rows - e[x].nulls;
            f->nulls += e[x].nulls;
            f->bytes += e[x].bytes;
            f->segments++;
            f->encodings |= 1u << e[x].encoding;
            widen(f, &e[x]);
        }
    return SPATE_OK;
}

int spate_store_stats(spate_store *store, uint32_t table, spate_field_stats **fields, size_t *n, uint64_t *blocks,
                      uint64_t *bytes, spate_error *err)
{
    stats s = {0};
    sp_block_reader r;
    int rc = sp_block_reader_init(&r, store, &(spate_scan_options){.table = table, .skip_damaged = true}, err);
    if (rc != SPATE_OK)
        return rc;
    *blocks = r.n_blocks;
    *bytes = 0;
    for (uint32_t i = 0; rc == SPATE_OK && i < r.n_blocks; i++) {
        const char *directory;
        *bytes += r.blocks[i].size;
        rc = sp_store_directory(store, &r.blocks[i], &r.aside, &directory, err);
        if (rc == SPATE_OK)
            rc = add_block(&s, directory) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
        else if (rc == SPATE_E_CORRUPT)
            rc = SPATE_OK; /* verify tells */
    }
    sp_block_reader_done(&r);
    if (rc != SPATE_OK) {
        sp_free(s.fields);
        return rc;
    }
    *fields = s.fields;
    *n = s.n;
    return SPATE_OK;
}

const char *spate_encoding_name(unsigned encoding)
{
    static const char *const names[] = {"none", "const", "raw",  "int",      "decimal", "bits",
                                        "dict", "text",  "fsst", "interval", "list"};
    static_assert(SP_COUNT(names) == SP_ENCODINGS, "all of them");
    return encoding < SP_COUNT(names) ? names[encoding] : NULL;
}

const char *spate_kind_name(spate_kind kind)
{
    return (unsigned)kind < SP_KINDS ? sp_kind_name((sp_kind)kind) : NULL;
}

int spate_store_field_type(spate_store *store, uint32_t table, const char *field, spate_type *type, spate_error *err)
{
    const sp_schema *schema = store->catalog.tables[table].schema;
    int declared = sp_schema_find(schema, field);
    if (declared >= 0) {
        const sp_type *t = &schema->fields[declared].type;
        *type = (spate_type){.kind = (spate_kind)t->kind, .precision = t->precision, .scale = t->scale};
        return SPATE_OK;
    }
    int name = sp_lexicon_find_name(&store->catalog, sp_str_of(field));
    spate_field_stats *fields = NULL;
    size_t n = 0, found = SIZE_MAX;
    uint64_t blocks, bytes;
    int rc = spate_store_stats(store, table, &fields, &n, &blocks, &bytes, err);
    for (size_t i = 0; rc == SPATE_OK && i < n; i++)
        if (fields[i].name == name && (found == SIZE_MAX || fields[i].cells > fields[found].cells))
            found = i;
    if (rc == SPATE_OK && (name < 0 || found == SIZE_MAX))
        rc = sp_fail(err, SPATE_E_USAGE, "table \"%s\" of \"%s\" has no field \"%s\"", schema->table, store->path,
                     field);
    if (rc == SPATE_OK)
        *type = fields[found].type;
    sp_free(fields);
    return rc;
}
