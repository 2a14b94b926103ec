/* verify.c - looking at every byte of a store, and leaving out what is damaged. */
#include "store/scan.h"

typedef struct checking {
    sp_store *store;
    spate_found_fn *found;
    void *arg;
    spate_check *totals;
    sp_buf aside;
    sp_segment cells;
} checking;

/* Hashes say that the bytes are those that were written; this, that they are what they should be. */
static bool segments_sound(checking *c, const char *block, uint32_t table)
{
    const sp_block_header *h = sp_block_header_of(block);
    const sp_segment_entry *e = sp_block_segments(block);
    const sp_group_entry *g = sp_block_groups(block);
    for (uint32_t i = 0; i < h->groups; i++)
        for (uint32_t s = g[i].first_segment; s < g[i].first_segment + g[i].segments; s++) {
            sp_type type = sp_block_reader_type(c->store, table, &e[s]);
            if (type.kind == SP_LIST && !type.item)
                continue;
            if (sp_segment_open(&c->cells, type, block + (uint64_t)e[s].at64 * SP_SEGMENT_ALIGN, e[s].bytes, NULL) !=
                    SPATE_OK ||
                c->cells.rows != g[i].rows)
                return false;
        }
    return true;
}

static int check_block(checking *c, const sp_block_ref *b, bool *sound, spate_error *err)
{
    const char *p = NULL;
    int rc = sp_store_check_block(c->store, b->at, b->size, &c->aside, err);
    if (rc == SPATE_OK)
        rc = sp_store_view(c->store, b->at, b->size, &c->aside, &p, err);
    *sound = rc == SPATE_OK && (b->type != SP_BLOCK_DATA || segments_sound(c, p, b->table));
    return rc == SPATE_E_CORRUPT ? SPATE_OK : rc;
}

static void tell(checking *c, const spate_damage *d)
{
    c->totals->damaged++;
    c->totals->rows_lost += d->last_row - d->first_row;
    if (c->found)
        c->found(c->arg, d);
}

static const char *table_name(const sp_store *s, uint32_t table)
{
    return table < s->catalog.n_tables ? s->catalog.tables[table].schema->table : NULL;
}

/* Chapters say nothing that blocks do not: a damaged one costs no row. */
static int check_chapters(checking *c, spate_error *err)
{
    sp_store *s = c->store;
    for (uint32_t i = 0; i < s->n_chapters; i++) {
        const sp_index_chapter *x = &s->chapters[i];
        int rc = sp_store_check_block(s, x->at, x->size, &c->aside, err);
        c->totals->bytes += x->size;
        if (rc == SPATE_E_CORRUPT)
            tell(c, &(spate_damage){.at = x->at, .bytes = x->size});
        else if (rc != SPATE_OK)
            return rc;
    }
    return SPATE_OK;
}

/* drop: blocks that are not sound leave the list. */
static int check_all(checking *c, bool drop, spate_error *err)
{
    sp_store *s = c->store;
    uint32_t kept = 0;
    if (drop)
        sp_chapters_forget(s);
    for (uint32_t i = 0; i < s->n_blocks; i++) {
        sp_block_ref b = s->blocks[i];
        bool sound;
        int rc = check_block(c, &b, &sound, err);
        if (rc != SPATE_OK)
            return rc;
        bool data = b.type == SP_BLOCK_DATA;
        c->totals->bytes += b.size;
        c->totals->blocks += data;
        if (sound)
            c->totals->rows += data ? b.rows : 0;
        else
            tell(c, &(spate_damage){data ? table_name(s, b.table) : NULL, b.first_row,
                                    data ? b.first_row + b.rows : b.first_row, b.at, b.size});
        if (sound || !drop)
            s->blocks[kept++] = b;
    }
    s->n_blocks = kept;
    for (uint32_t i = 0; i < s->n_damage; i++)
        tell(c, &(spate_damage){.at = s->damage[i].from, .bytes = s->damage[i].to - s->damage[i].from});
    return SPATE_OK;
}

static int check(sp_store *s, bool drop, spate_found_fn *found, void *arg, spate_check *totals, spate_error *err)
{
    checking c = {.store = s, .found = found, .arg = arg, .totals = totals};
    *totals = (spate_check){0};
    sp_segment_init(&c.cells);
    int rc = check_chapters(&c, err);
    if (rc == SPATE_OK)
        rc = sp_store_list(s, err);
    if (rc == SPATE_OK)
        rc = check_all(&c, drop, err);
    sp_segment_done(&c.cells);
    sp_buf_done(&c.aside);
    return rc;
}

int spate_store_verify(spate_store *s, spate_found_fn *found, void *arg, spate_check *totals, spate_error *err)
{
    int rc = check(s, false, found, arg, totals, err);
    if (rc == SPATE_OK && totals->damaged)
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\" is damaged", s->path);
    return rc;
}

int spate_store_repair(spate_store *s, spate_found_fn *found, void *arg, spate_check *totals, spate_error *err)
{
    if (!s->writable)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is open for reading only", s->path);
    int rc = check(s, true, found, arg, totals, err);
    if (rc != SPATE_OK)
        return rc;
    s->changed = true; /* a new index, without what was lost */
    rc = sp_store_finish(s, err);
    if (rc == SPATE_OK)
        s->n_damage = 0;
    return rc;
}
