/* scan.c - columns out, piece by piece. */
#include "store/scan.h"

#include <stdatomic.h>

/* Blocks that scans take turns at. */
typedef struct work {
    _Atomic uint32_t next, users;
    uint32_t last;
} work;

struct spate_scan {
    sp_block_reader r;
    work *work;
    sp_group_reading group;
    uint32_t g, groups;       /* the next group of the open block, and how many it has */
    uint32_t g_open;          /* the group that is read */
    sp_column outs[SP_KINDS]; /* one after the other is read into the same memory, which stays in the cache */
    sp_arena views;           /* children of columns of lists */
};

static spate_scan *scan_new(void)
{
    spate_scan *s = sp_alloc_zero(1, sizeof *s);
    if (s)
        sp_arena_init(&s->views);
    return s;
}

/* Some columns: what lies between them is not worth reading ahead. */
static void advise(const sp_block_reader *r)
{
    if (r->store->map && r->n_fields)
        sp_os_map_scattered(r->store->map, r->store->map_len, true);
}

int spate_scan_open(spate_store *store, const spate_scan_options *options, spate_scan **scan, spate_error *err)
{
    spate_scan *s = scan_new();
    if (!s)
        return sp_fail_nomem(err);
    int rc = sp_block_reader_init(&s->r, store, options, err);
    if (rc == SPATE_OK) {
        s->work = sp_alloc_zero(1, sizeof *s->work);
        rc = s->work ? SPATE_OK : sp_fail_nomem(err);
    }
    if (rc != SPATE_OK) {
        spate_scan_close(s);
        return rc;
    }
    s->work->users = 1;
    s->work->next = sp_block_reader_block_of(&s->r, s->r.first);
    s->work->last = s->r.n_blocks;
    advise(&s->r);
    *scan = s;
    return SPATE_OK;
}

static int copy_reader(const sp_block_reader *from, sp_block_reader *to)
{
    *to = (sp_block_reader){.store = from->store,
                            .table = from->table,
                            .n_fields = from->n_fields,
                            .n_wheres = from->n_wheres,
                            .first = from->first,
                            .last = from->last,
                            .skip_damaged = from->skip_damaged,
                            .unverified = from->unverified};
    sp_arena_init(&to->arena);
    sp_block_ref *blocks = sp_arena_alloc(&to->arena, from->n_blocks, sizeof *blocks);
    to->fields = from->fields ? sp_arena_alloc(&to->arena, from->n_fields, sizeof *to->fields) : NULL;
    to->wheres = sp_arena_alloc(&to->arena, from->n_wheres, sizeof *to->wheres);
    if ((from->fields && !to->fields) || !to->wheres || !blocks)
        return SPATE_E_NOMEM;
    memcpy(blocks, from->blocks, from->n_blocks * sizeof *blocks);
    to->blocks = blocks;
    to->n_blocks = from->n_blocks;
    if (from->fields)
        memcpy(to->fields, from->fields, from->n_fields * sizeof *to->fields);
    for (uint32_t i = 0; i < from->n_wheres; i++) {
        to->wheres[i] = from->wheres[i];
        sp_kind kind = (sp_kind)to->wheres[i].value.kind;
        if (kind < SP_INTERVAL)
            continue;
        size_t len = kind == SP_UUID || kind == SP_INTERVAL ? 16 : to->wheres[i].value.len;
        to->wheres[i].value.as.p = sp_arena_strndup(&to->arena, from->wheres[i].value.as.p, len);
        if (!to->wheres[i].value.as.p)
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

int spate_scan_share(spate_scan *scan, spate_scan **other, spate_error *err)
{
    spate_scan *s = scan_new();
    if (!s)
        return sp_fail_nomem(err);
    s->work = scan->work;
    s->work->users++;
    if (copy_reader(&scan->r, &s->r) != SPATE_OK) {
        spate_scan_close(s);
        return sp_fail_nomem(err);
    }
    *other = s;
    return SPATE_OK;
}

void spate_scan_close(spate_scan *s)
{
    if (!s)
        return;
    if (s->work && atomic_fetch_sub(&s->work->users, 1) == 1)
        sp_free(s->work);
    for (unsigned kind = 0; kind < SP_KINDS; kind++)
        sp_column_done(&s->outs[kind]);
    sp_group_reading_done(&s->group);
    sp_block_reader_done(&s->r);
    sp_arena_done(&s->views);
    sp_free(s);
}

/* Tells the system what is wanted of the block behind the next ones, while this one is read. */
static void read_ahead(const spate_scan *s, uint32_t i)
{
    enum { AHEAD = 4 };
    const sp_store *store = s->r.store;
    if (!store->map || !s->r.n_fields || s->r.lookup || i + AHEAD >= s->work->last)
        return;
    const sp_block_ref *b = &s->r.blocks[i + AHEAD];
    if (b->at + b->size <= store->map_len)
        sp_os_map_soon(store->map + b->at, sizeof(sp_block_header) + b->directory_bytes);
}

static int next_block(spate_scan *s, bool *end, spate_error *err)
{
    for (;;) {
        uint32_t i = atomic_fetch_add(&s->work->next, 1);
        bool wanted = false;
        *end = i >= s->work->last;
        if (*end)
            return SPATE_OK;
        read_ahead(s, i);
        int rc = sp_block_reader_open_block(&s->r, i, &wanted, err);
        if (rc != SPATE_OK)
            return rc;
        if (wanted) {
            s->g = 0;
            s->groups = s->r.view.n_groups;
            return SPATE_OK;
        }
    }
}

int spate_scan_next(spate_scan *s, uint32_t *rows, spate_error *err)
{
    *rows = 0;
    for (;;) {
        if (s->g == s->groups) {
            bool end;
            int rc = next_block(s, &end, err);
            if (rc != SPATE_OK || end)
                return rc;
            continue;
        }
        s->g_open = s->g++;
        int rc = sp_block_reader_open_group(&s->r, s->g_open, &s->group, err);
        if (rc != SPATE_OK)
            return rc;
        if (s->group.rows) {
            *rows = s->group.rows;
            return SPATE_OK;
        }
    }
}

uint32_t spate_scan_columns(const spate_scan *s)
{
    return s->group.n;
}

uint16_t spate_scan_name(const spate_scan *s, uint32_t column)
{
    return s->group.columns[column].name;
}

spate_type spate_scan_type(const spate_scan *s, uint32_t column)
{
    return sp_show_type(&s->group.columns[column].type);
}

sp_type sp_scan_type(const spate_scan *s, uint32_t column)
{
    return s->group.columns[column].type;
}

int sp_scan_read_into(spate_scan *s, uint32_t column, uint32_t from, uint32_t n, sp_column *cells, spate_error *err)
{
    if (column >= s->group.n || from > s->group.rows || n > s->group.rows - from)
        return sp_fail(err, SPATE_E_USAGE, "the piece has %u columns of %u rows", s->group.n, s->group.rows);
    sp_reading *c = &s->group.columns[column];
    int rc = sp_reading_open(&s->r, c, err);
    if (rc == SPATE_OK && sp_reading_ready(&c->type, SP_VECTOR, cells) != SPATE_OK)
        rc = sp_fail_nomem(err);
    return rc == SPATE_OK ? sp_segment_read(&c->cells, s->group.start + from, n, cells, err) : rc;
}

int spate_scan_read(spate_scan *s, uint32_t column, uint32_t from, uint32_t n, spate_column *out, spate_error *err)
{
    sp_column *cells = &s->outs[column < s->group.n ? s->group.columns[column].type.kind : 0];
    int rc = sp_scan_read_into(s, column, from, n, cells, err);
    if (rc != SPATE_OK)
        return rc;
    if (cells->child) {
        sp_arena_done(&s->views);
        sp_arena_init(&s->views);
    }
    return sp_show_column(cells, out, &s->views) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
}

int spate_scan_row_numbers(spate_scan *s, uint32_t from, uint32_t n, uint64_t *out, spate_error *err)
{
    uint64_t first = s->r.block.first_row;
    if (s->groups == 1) {
        for (uint32_t i = 0; i < n; i++)
            out[i] = first + s->group.start + from + i;
        return SPATE_OK;
    }
    int rc = sp_block_reader_order(&s->r, err);
    uint32_t skip = s->group.start + from;
    for (uint32_t i = 0, put = 0; rc == SPATE_OK && put < n; i++) {
        if (s->r.order[i] != (int32_t)s->g_open)
            continue;
        if (skip)
            skip--;
        else
            out[put++] = first + i;
    }
    return rc;
}

spate_skipped spate_scan_skipped(const spate_scan *s)
{
    return s->r.skipped;
}
