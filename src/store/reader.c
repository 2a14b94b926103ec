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
    size_t len = kind == SP_UUID || kind == SP_INTERVAL ? 16 : sp_kind_has_bytes((sp_kind)kind) ? c->value.len : 0;
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

/* The blocks of the table as they are now: appenders may go on meanwhile. */
static int take_blocks(sp_block_reader *r, spate_error *err)
{
    sp_store *s = r->store;
    pthread_mutex_lock(&s->lock);
    int rc = sp_store_list(s, err);
    if (rc == SPATE_OK && !r->skip_damaged)
        rc = refuse_damage(s, err);
    uint32_t first = 0;
    while (first < s->n_blocks && !(s->blocks[first].type == SP_BLOCK_DATA && s->blocks[first].table == r->table))
        first++;
    while (first + r->n_blocks < s->n_blocks && s->blocks[first + r->n_blocks].type == SP_BLOCK_DATA &&
           s->blocks[first + r->n_blocks].table == r->table)
        r->n_blocks++;
    sp_block_ref *blocks = rc == SPATE_OK ? sp_arena_alloc(&r->arena, r->n_blocks, sizeof *blocks) : NULL;
    if (blocks && r->n_blocks > 0)
        memcpy(blocks, s->blocks + first, r->n_blocks * sizeof *blocks);
    pthread_mutex_unlock(&s->lock);
    r->blocks = blocks;
    return rc != SPATE_OK || blocks ? rc : sp_fail_nomem(err);
}

static int take_fields(sp_block_reader *r, const spate_scan_options *o, spate_error *err)
{
    if (o->n_fields == 0)
        return SPATE_OK;
    r->fields = sp_arena_alloc(&r->arena, o->n_fields, sizeof *r->fields);
    r->n_fields = (uint32_t)o->n_fields;
    int rc = r->fields ? SPATE_OK : sp_fail_nomem(err);
    for (size_t i = 0; rc == SPATE_OK && i < o->n_fields; i++)
        rc = find_field(r->store, o->fields[i], &r->fields[i], err);
    return rc;
}

static int take_conditions(sp_block_reader *r, const spate_scan_options *o, spate_error *err)
{
    r->wheres = sp_arena_alloc(&r->arena, o->n_conditions, sizeof *r->wheres);
    r->n_wheres = (uint32_t)o->n_conditions;
    int rc = r->wheres ? SPATE_OK : sp_fail_nomem(err);
    for (size_t i = 0; rc == SPATE_OK && i < o->n_conditions; i++)
        rc = take_condition(r, &o->conditions[i], &r->wheres[i], err);
    return rc;
}

int sp_block_reader_init(sp_block_reader *r, sp_store *store, const spate_scan_options *o, spate_error *err)
{
    *r = (sp_block_reader){.store = store,
                           .table = o->table,
                           .first = o->first_row,
                           .last = o->last_row ? o->last_row : UINT64_MAX,
                           .skip_damaged = o->skip_damaged,
                           .unverified = o->unverified};
    sp_arena_init(&r->arena);
    if (o->table >= store->catalog.n_tables)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no table number %u", store->path, o->table);
    int rc = take_blocks(r, err);
    if (rc == SPATE_OK)
        rc = take_fields(r, o, err);
    if (rc == SPATE_OK)
        rc = take_conditions(r, o, err);
    if (rc != SPATE_OK)
        sp_block_reader_done(r);
    return rc;
}

void sp_block_reader_done(sp_block_reader *r)
{
    sp_lookup_free(r->lookup);
    r->lookup = NULL;
    sp_arena_done(&r->arena);
    sp_buf_done(&r->aside);
    sp_buf_done(&r->order_aside);
    sp_free(r->order);
    r->order = NULL;
}

/* ---- blocks ------------------------------------------------------------------------------------ */

uint32_t sp_block_reader_block_of(const sp_block_reader *r, uint64_t row)
{
    uint32_t low = 0, high = r->n_blocks;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->blocks[middle].first_row + r->blocks[middle].rows <= row)
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

static int damaged_field(const sp_block_reader *r, const sp_segment_entry *e, spate_error *err)
{
    const sp_lexicon *c = &r->store->catalog;
    return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": field \"%s\" of rows %llu to %llu is damaged", r->store->path,
                   e->name < c->n_names ? c->names[e->name].p : "?", (unsigned long long)r->block.first_row,
                   (unsigned long long)(r->block.first_row + r->block.rows));
}

/* A segment's bytes, checked: in the mapping, or read into aside. */
static int view_segment(sp_block_reader *r, const sp_segment_entry *e, sp_buf *aside, const char **bytes,
                        spate_error *err)
{
    const sp_store *s = r->store;
    uint64_t at = r->block.at + (uint64_t)e->at64 * SP_SEGMENT_ALIGN;
    int rc = (r->directory ? sp_store_view : sp_store_pick)(r->store, at, e->bytes, aside, bytes, err);
    if (rc == SPATE_OK && !r->unverified &&
        !sp_segment_whole(s->k, *bytes, e->bytes, sp_segment_seed(r->block.extra, e->at64)))
        return damaged_field(r, e, err);
    return rc;
}

/* Everything that will be read of a block, before any of it is handed out. */
static int check_all(sp_block_reader *r, spate_error *err)
{
    const char *bytes;
    int rc = SPATE_OK;
    for (uint32_t i = 0; rc == SPATE_OK && i < r->view.n_segments; i++)
        if (is_wanted(r, r->view.segments[i].name))
            rc = view_segment(r, &r->view.segments[i], &r->order_aside, &bytes, err);
    return rc == SPATE_OK ? sp_block_reader_order(r, err) : rc;
}

/* A few fields of many are looked up in a chapter; when it cannot tell, the block can. */
static int view_block(sp_block_reader *r, spate_error *err)
{
    enum { WORTH = 4 };
    uint64_t wanted = (uint64_t)r->n_fields + r->n_wheres;
    r->directory = NULL;
    if (r->fields && r->block.chapter != SP_NO_CHAPTER &&
        wanted * WORTH * sizeof(sp_segment_entry) < r->block.directory_bytes) {
        int rc = sp_lookup_view(r, err);
        if (rc != SPATE_E_CORRUPT)
            return rc;
    }
    int rc = sp_store_directory(r->store, &r->block, &r->aside, &r->directory, err);
    if (rc != SPATE_OK)
        return rc;
    const sp_block_header *h = sp_block_header_of(r->directory);
    r->view = (sp_block_view){sp_block_groups(r->directory), sp_block_segments(r->directory), h->groups, h->segments};
    return SPATE_OK;
}

int sp_block_reader_open_block(sp_block_reader *r, uint32_t i, bool *wanted, spate_error *err)
{
    r->block = r->blocks[i];
    uint64_t from = SP_MAX(r->first, r->block.first_row), to = SP_MIN(r->last, r->block.first_row + r->block.rows);
    *wanted = from < to;
    if (!*wanted)
        return SPATE_OK;
    r->from = (uint32_t)(from - r->block.first_row);
    r->to = (uint32_t)(to - r->block.first_row);
    int rc = view_block(r, err);
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

static int damaged_order(const sp_block_reader *r, spate_error *err)
{
    return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the order of rows %llu to %llu is damaged", r->store->path,
                   (unsigned long long)r->block.first_row, (unsigned long long)(r->block.first_row + r->block.rows));
}

/* As many rows of each group as it has. */
static bool order_sound(const sp_block_reader *r)
{
    uint32_t counts[SP_BLOCK_GROUPS_MAX] = {0};
    for (uint32_t i = 0; i < r->block.rows; i++) {
        if ((uint32_t)r->order[i] >= r->view.n_groups)
            return false;
        counts[r->order[i]]++;
    }
    for (uint32_t g = 0; g < r->view.n_groups; g++)
        if (counts[g] != r->view.groups[g].rows)
            return false;
    return true;
}

static int reserve_order(sp_block_reader *r)
{
    if (r->order_cap >= r->block.rows)
        return SPATE_OK;
    int32_t *order = sp_realloc(r->order, (size_t)r->block.rows * sizeof *order);
    if (!order)
        return SPATE_E_NOMEM;
    r->order = order;
    r->order_cap = r->block.rows;
    return SPATE_OK;
}

static int read_order(sp_block_reader *r, sp_segment *s, const char *bytes, uint32_t len)
{
    sp_column out = {0};
    const sp_type type = {.kind = SP_I32};
    if (sp_segment_open(s, type, bytes, len, NULL) != SPATE_OK || s->rows != r->block.rows || s->validity)
        return SPATE_E_CORRUPT;
    int rc = sp_column_init(&out, type, r->block.rows, NULL);
    if (rc == SPATE_OK)
        rc = sp_segment_read(s, 0, r->block.rows, &out, NULL);
    if (rc == SPATE_OK)
        memcpy(r->order, out.data, r->block.rows * sizeof *r->order);
    sp_column_done(&out);
    return rc;
}

int sp_block_reader_order(sp_block_reader *r, spate_error *err)
{
    if (r->view.n_groups <= 1)
        return SPATE_OK;
    const sp_segment_entry *e = &r->view.segments[r->view.n_segments - 1];
    const char *bytes;
    sp_segment s;
    if (reserve_order(r) != SPATE_OK)
        return sp_fail_nomem(err);
    int rc = view_segment(r, e, &r->order_aside, &bytes, err);
    if (rc != SPATE_OK)
        return rc;
    sp_segment_init(&s);
    rc = read_order(r, &s, bytes, e->bytes);
    sp_segment_done(&s);
    if (rc == SPATE_E_NOMEM)
        return sp_fail_nomem(err);
    return rc == SPATE_OK && order_sound(r) ? SPATE_OK : damaged_order(r, err);
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
    const sp_segment_entry *e = r->view.segments + group->first_segment;
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
    const sp_segment_entry *e = &r->view.segments[segment];
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
    return SPATE_OK;
}

int sp_reading_ready(const sp_type *type, uint32_t rows, sp_column *out)
{
    if (out->own_validity && out->type.kind == type->kind && type->kind != SP_LIST) {
        out->type = *type;
        return SPATE_OK;
    }
    sp_column_done(out);
    return sp_column_init(out, *type, rows, NULL);
}

/* Rows of group g among the rows of the block that are asked for. */
static int take_rows(sp_block_reader *r, uint32_t g, sp_group_reading *group, spate_error *err)
{
    group->start = 0;
    group->rows = r->view.groups[g].rows;
    if (r->from == 0 && r->to == r->block.rows)
        return SPATE_OK;
    if (r->view.n_groups == 1) {
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
    const sp_group_entry *entry = &r->view.groups[g];
    const sp_segment_entry *e = r->view.segments;
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
    const sp_segment_entry *e = &r->view.segments[c->segment];
    if (c->type.kind == SP_LIST && !c->type.item)
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": what the list \"%s\" holds is not known any more", r->store->path,
                       c->name < r->store->catalog.n_names ? r->store->catalog.names[c->name].p : "?");
    int rc = view_segment(r, e, &c->own, &bytes, err);
    if (rc == SPATE_OK)
        rc = sp_segment_open(&c->cells, c->type, bytes, e->bytes, err);
    if (rc == SPATE_OK && c->cells.rows != c->rows)
        rc = sp_fail(err, SPATE_E_CORRUPT, "a segment is not sound");
    c->open = rc == SPATE_OK;
    return rc;
}
