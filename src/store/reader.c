/* reader.c - opening blocks and groups: which are wanted, and that they are what they claim to be. */
#include "store/scan.h"

/* ---- what is asked for ------------------------------------------------------------------------- */

static int find_field(const sp_store *s, const char *name, uint16_t *number, spate_error *err)
{
    int found = sp_lexicon_find_name(&s->catalog, sp_str_of(name));
    if (found < 0)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no field \"%s\"", s->path, name);
    *number = (uint16_t)found;
    return SPATE_OK;
}

static int take_condition(sp_block_reader *r, const spate_condition *c, sp_where *w, spate_error *err)
{
    *w = (sp_where){.op = c->op, .value = c->value};
    sp_kind kind = (sp_kind)c->value.kind;
    size_t len = kind == SP_UUID || kind == SP_INTERVAL ? 16 : kind == SP_TEXT || kind == SP_JSON || kind == SP_BYTES ? c->value.len : 0;
    if (kind >= SP_LIST)
        return sp_fail(err, SPATE_E_USAGE, "field \"%s\" cannot be compared with a list", c->field);
    if (len || kind >= SP_INTERVAL) {
        w->value.as.p = sp_arena_strndup(&r->arena, c->value.as.p, len);
        if (!w->value.as.p)
            return sp_fail_nomem(err);
    }
    return find_field(r->store, c->field, &w->name, err);
}

/* Damage in what was once whole is not passed over in silence. */
static int refuse_damage(const sp_store *s, spate_error *err)
{
    for (uint32_t i = 0; i < s->n_damage; i++)
        if (s->damage[i].from < s->super.committed)
            return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": bytes %llu to %llu are damaged or missing", s->path,
                           (unsigned long long)s->damage[i].from, (unsigned long long)s->damage[i].to);
    return SPATE_OK;
}

int sp_block_reader_init(sp_block_reader *r, sp_store *store, const spate_scan_options *o, spate_error *err)
{
    *r = (sp_block_reader){.store = store, .table = o->table, .first = o->first_row, .last = o->last_row ? o->last_row : UINT64_MAX,
                     .skip_damaged = o->skip_damaged, .unverified = o->unverified};
    sp_arena_init(&r->arena);
    if (o->table >= store->catalog.n_tables)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no table number %u", store->path, o->table);
    int rc = o->skip_damaged ? SPATE_OK : refuse_damage(store, err);
    sp_store_sort(store);
    if (rc == SPATE_OK && o->n_fields) {
        r->fields = sp_arena_alloc(&r->arena, o->n_fields, sizeof *r->fields);
        rc = r->fields ? SPATE_OK : sp_fail_nomem(err);
        for (size_t i = 0; rc == SPATE_OK && i < o->n_fields; i++)
            rc = find_field(store, o->fields[i], &r->fields[i], err);
        r->n_fields = (uint32_t)o->n_fields;
    }
    if (rc == SPATE_OK && o->n_conditions) {
        r->wheres = sp_arena_alloc(&r->arena, o->n_conditions, sizeof *r->wheres);
        rc = r->wheres ? SPATE_OK : sp_fail_nomem(err);
        for (size_t i = 0; rc == SPATE_OK && i < o->n_conditions; i++)
            rc = take_condition(r, &o->conditions[i], &r->wheres[i], err);
        r->n_wheres = (uint32_t)o->n_conditions;
    }
    if (rc != SPATE_OK)
        sp_block_reader_done(r);
    return rc;
}

void sp_block_reader_done(sp_block_reader *r)
{
    sp_arena_done(&r->arena);
    sp_buf_done(&r->aside);
    sp_buf_done(&r->segment_aside);
    sp_buf_done(&r->order_aside);
    sp_free(r->order);
    r->order = NULL;
}

/* ---- blocks ------------------------------------------------------------------------------------ */

/* Blocks are sorted by type, table and first row. */
static uint32_t lower_bound(const sp_store *s, uint32_t type, uint32_t table)
{
    uint32_t low = 0, high = s->n_blocks;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const sp_index_entry *b = &s->blocks[middle];
        if (b->type < type || (b->type == type && b->table < table))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t sp_block_reader_blocks(const sp_block_reader *r, uint32_t *first)
{
    *first = lower_bound(r->store, SP_BLOCK_DATA, r->table);
    return lower_bound(r->store, SP_BLOCK_DATA, r->table + 1) - *first;
}

uint32_t sp_block_reader_block_of(const sp_block_reader *r, uint64_t row)
{
    uint32_t first, n = sp_block_reader_blocks(r, &first), low = first, high = first + n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const sp_index_entry *b = &r->store->blocks[middle];
        if (b->first_row + b->rows <= row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_wanted(const sp_block_reader *r, uint16_t name)
{
    for (uint32_t i = 0; i < r->n_wheres; i++)
        if (r->wheres[i].name == name)
            return true;
    if (!r->fields)
        return true;
    for (uint32_t i = 0; i < r->n_fields; i++)
        if (r->fields[i] == name)
            return true;
    return false;
}

static int check_segment(sp_block_reader *r, uint32_t segment, const char **bytes, spate_error *err)
{
    const sp_segment_entry *e = &sp_block_segments(r->directory)[segment];
    uint64_t at = r->block.at + (uint64_t)e->at64 * SP_SEGMENT_ALIGN;
    int rc = sp_store_view(r->store, at, e->bytes, &r->segment_aside, bytes, err);
    if (rc == SPATE_OK && !r->unverified && r->store->k->hash(*bytes, e->bytes, 0) != e->hash)
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": field \"%s\" of rows %llu to %llu is damaged", r->store->path,
                       e->name < r->store->catalog.n_names ? r->store->catalog.names[e->name].p : "?",
                       (unsigned long long)r->block.first_row, (unsigned long long)(r->block.first_row + r->block.rows));
    return rc;
}

/* Everything that will be read of a block, before any of it is handed out. */
static int check_all(sp_block_reader *r, spate_error *err)
{
    const sp_segment_entry *e = sp_block_segments(r->directory);
    const char *bytes;
    int rc = SPATE_OK;
    for (uint32_t i = 0; rc == SPATE_OK && i < sp_block_header_of(r->directory)->segments; i++)
        if (is_wanted(r, e[i].name))
            rc = check_segment(r, i, &bytes, err);
    return rc == SPATE_OK ? sp_block_reader_order(r, err) : rc;
}

int sp_block_reader_open_block(sp_block_reader *r, uint32_t i, bool *wanted, spate_error *err)
{
    r->block = r->store->blocks[i];
    uint64_t from = SP_MAX(r->first, r->block.first_row), to = SP_MIN(r->last, r->block.first_row + r->block.rows);
    *wanted = from < to;
    if (!*wanted)
        return SPATE_OK;
    r->from = (uint32_t)(from - r->block.first_row);
    r->to = (uint32_t)(to - r->block.first_row);
    int rc = sp_store_directory(r->store, &r->block, &r->aside, &r->directory, err);
    if (rc == SPATE_OK && r->skip_damaged)
        rc = check_all(r, err);
    if (rc != SPATE_E_CORRUPT || !r->skip_damaged)
        return rc;
    *wanted = false;
    r->skipped.blocks++;
    r->skipped.rows += r->to - r->from;
    r->skipped.bytes += r->block.size;
    return SPATE_OK;
}

int sp_block_reader_order(sp_block_reader *r, spate_error *err)
{
    const sp_block_header *h = sp_block_header_of(r->directory);
    const char *bytes;
    sp_ints codes;
    if (h->groups <= 1)
        return SPATE_OK;
    if (r->order_cap < h->rows) {
        int32_t *order = sp_realloc(r->order, ((size_t)h->rows + SP_LANES_32) * sizeof *order);
        if (!order)
            return sp_fail_nomem(err);
        r->order = order;
        r->order_cap = h->rows;
    }
    int rc = sp_store_view(r->store, r->block.at + h->payload_at, h->payload_bytes, &r->order_aside, &bytes, err);
    if (rc != SPATE_OK)
        return rc;
    bool sound = r->store->k->hash(bytes, h->payload_bytes, 0) == h->payload_hash &&
                 sp_ints_parse(bytes, h->payload_bytes, 32, &codes) && codes.count == h->rows;
    if (sound)
        sp_ints_read(r->store->k, &codes, 0, h->rows, SP_AS_32, 0, r->order);
    /* As many rows of each group as it has. */
    const sp_group_entry *groups = sp_block_groups(r->directory);
    uint32_t counts[SP_BLOCK_GROUPS_MAX] = {0};
    for (uint32_t i = 0; sound && i < h->rows; i++) {
        sound = (uint32_t)r->order[i] < h->groups;
        if (sound)
            counts[r->order[i]]++;
    }
    for (uint32_t g = 0; sound && g < h->groups; g++)
        sound = counts[g] == groups[g].rows;
    return sound ? SPATE_OK : sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the order of rows %llu to %llu is damaged", r->store->path,
                                      (unsigned long long)r->block.first_row, (unsigned long long)(r->block.first_row + h->rows));
}

/* ---- groups ------------------------------------------------------------------------------------ */

void sp_group_reading_done(sp_group_reading *g)
{
    for (uint32_t i = 0; i < g->cap; i++) {
        sp_segment_done(&g->columns[i].cells);
        sp_column_done(&g->columns[i].out);
        sp_buf_done(&g->columns[i].own);
    }
    sp_free(g->columns);
    *g = (sp_group_reading){0};
}

static bool possible(const sp_block_reader *r, const sp_group_entry *group)
{
    const sp_segment_entry *e = sp_block_segments(r->directory) + group->first_segment;
    for (uint32_t w = 0; w < r->n_wheres; w++) {
        bool may = false;
        for (uint32_t i = 0; !may && i < group->segments; i++)
            may = e[i].name == r->wheres[w].name && sp_where_possible(&r->wheres[w], &e[i], group->rows);
        if (!may)
            return false;
    }
    return true;
}

sp_type sp_block_reader_type(const sp_store *s, uint32_t table, const sp_segment_entry *e)
{
    const sp_table *t = &s->catalog.tables[table];
    for (uint32_t i = 0; e->kind == SP_LIST && i < t->schema->n_fields; i++)
        if (t->names[i] == e->name)
            return t->schema->fields[i].type;
    return (sp_type){.kind = (sp_kind)e->kind, .precision = e->precision, .scale = e->scale};
}

static int add_column(sp_block_reader *r, sp_group_reading *g, uint32_t segment, uint32_t rows)
{
    const sp_segment_entry *e = &sp_block_segments(r->directory)[segment];
    if (g->n == g->cap) {
        uint32_t cap = g->cap ? g->cap * 2 : 8;
        sp_reading *columns = sp_realloc(g->columns, cap * sizeof *columns);
        if (!columns)
            return SPATE_E_NOMEM;
        for (uint32_t i = g->cap; i < cap; i++) {
            columns[i] = (sp_reading){0};
            sp_segment_init(&columns[i].cells);
        }
        g->columns = columns;
        g->cap = cap;
    }
    sp_reading *c = &g->columns[g->n++];
    c->segment = segment;
    c->rows = rows;
    c->name = e->name;
    c->open = false;
    c->type = sp_block_reader_type(r->store, r->table, e);
    if (c->out.own_validity && c->out.type.kind == c->type.kind && c->type.kind != SP_LIST) {
        c->out.type = c->type;
        return SPATE_OK;
    }
    sp_column_done(&c->out);
    return sp_column_init(&c->out, c->type, SP_VECTOR, NULL);
}

/* Rows of group g among the rows of the block that are asked for. */
static int take_rows(sp_block_reader *r, uint32_t g, sp_group_reading *group, spate_error *err)
{
    const sp_block_header *h = sp_block_header_of(r->directory);
    group->start = 0;
    group->rows = sp_block_groups(r->directory)[g].rows;
    if (r->from == 0 && r->to == h->rows)
        return SPATE_OK;
    if (h->groups == 1) {
        group->start = r->from;
        group->rows = r->to - r->from;
        return SPATE_OK;
    }
    int rc = sp_block_reader_order(r, err);
    group->rows = 0;
    for (uint32_t i = 0; rc == SPATE_OK && i < r->to; i++) {
        group->start += i < r->from && r->order[i] == (int32_t)g;
        group->rows += i >= r->from && r->order[i] == (int32_t)g;
    }
    return rc;
}

int sp_block_reader_open_group(sp_block_reader *r, uint32_t g, sp_group_reading *group, spate_error *err)
{
    const sp_group_entry *entry = &sp_block_groups(r->directory)[g];
    const sp_segment_entry *e = sp_block_segments(r->directory);
    group->n = group->rows = 0;
    if (!possible(r, entry))
        return SPATE_OK;
    int rc = take_rows(r, g, group, err);
    if (rc != SPATE_OK)
        return rc;
    uint32_t last = entry->first_segment + entry->segments;
    if (!r->fields) {
        for (uint32_t i = entry->first_segment; i < last; i++)
            if (add_column(r, group, i, entry->rows) != SPATE_OK)
                return sp_fail_nomem(err);
        return SPATE_OK;
    }
    for (uint32_t f = 0; f < r->n_fields; f++)
        for (uint32_t i = entry->first_segment; i < last; i++)
            if (e[i].name == r->fields[f] && add_column(r, group, i, entry->rows) != SPATE_OK)
                return sp_fail_nomem(err);
    return SPATE_OK;
}

int sp_reading_open(sp_block_reader *r, sp_reading *c, spate_error *err)
{
    const char *bytes;
    if (c->open)
        return SPATE_OK;
    if (c->type.kind == SP_LIST && !c->type.item)
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": what the list \"%s\" holds is not known any more", r->store->path,
                       c->name < r->store->catalog.n_names ? r->store->catalog.names[c->name].p : "?");
    int rc = check_segment(r, c->segment, &bytes, err);
    if (rc != SPATE_OK)
        return rc;
    const sp_segment_entry *e = &sp_block_segments(r->directory)[c->segment];
    if (bytes == r->segment_aside.data) { /* the next column is read to the same place */
        c->own.len = 0;
        if (sp_buf_add(&c->own, bytes, e->bytes) != SPATE_OK)
            return sp_fail_nomem(err);
        bytes = c->own.data;
    }
    rc = sp_segment_open(&c->cells, c->type, bytes, e->bytes, err);
    if (rc == SPATE_OK && c->cells.rows != c->rows)
        rc = sp_fail(err, SPATE_E_CORRUPT, "a segment is not sound");
    c->open = rc == SPATE_OK;
    return rc;
}
