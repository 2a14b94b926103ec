/* recover.c - finding out what is in a file: from its index, and behind what was committed from the blocks themselves.
 *
 * A block counts when all its hashes fit. What is no block is skipped to the next page that begins one, and remembered as damage;
 * a patch that was not finished is finished, in the file by a writer and in memory by a reader. */
#include "store/file.h"

#include <stdlib.h>

/* ---- the list of blocks ------------------------------------------------------------------------ */

int sp_store_add_block(sp_store *s, const sp_block_ref *b)
{
    if (s->n_blocks == s->blocks_cap) {
        uint32_t cap = s->blocks_cap ? s->blocks_cap * 2 : 64;
        sp_block_ref *blocks = sp_realloc(s->blocks, (size_t)cap * sizeof *blocks);
        if (!blocks)
            return SPATE_E_NOMEM;
        s->blocks = blocks;
        s->blocks_cap = cap;
    }
    s->blocks[s->n_blocks++] = *b;
    s->unsorted = true;
    return SPATE_OK;
}

static int by_place(const void *a, const void *b)
{
    const sp_block_ref *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    return x->first_row < y->first_row ? -1 : x->first_row > y->first_row ? 1 : x->at < y->at ? -1 : x->at > y->at;
}

void sp_store_sort(sp_store *s)
{
    bool sorted = true;
    for (uint32_t i = 1; s->unsorted && sorted && i < s->n_blocks; i++)
        sorted = by_place(&s->blocks[i - 1], &s->blocks[i]) < 0;
    if (!sorted)
        qsort(s->blocks, s->n_blocks, sizeof *s->blocks, by_place);
    s->unsorted = false;
}

/* ---- blocks themselves ------------------------------------------------------------------------- */

static int add_damage(sp_store *s, uint64_t from, uint64_t to)
{
    if (s->n_damage == s->damage_cap) {
        uint32_t cap = s->damage_cap ? s->damage_cap * 2 : 16;
        sp_damage *damage = sp_realloc(s->damage, cap * sizeof *damage);
        if (!damage)
            return SPATE_E_NOMEM;
        s->damage = damage;
        s->damage_cap = cap;
    }
    s->damage[s->n_damage++] = (sp_damage){from, to};
    return SPATE_OK;
}

static void count_rows(sp_store *s, const sp_block_ref *e)
{
    if (e->type != SP_BLOCK_DATA || e->table >= s->catalog.n_tables)
        return;
    sp_table *t = &s->catalog.tables[e->table];
    t->rows = SP_MAX(t->rows, e->first_row + e->rows);
}

/* The payload of a block that has nothing else. */
static int read_payload(sp_store *s, uint64_t at, sp_block_type type, sp_buf *aside, const char **payload, size_t *len,
                        spate_error *err)
{
    const char *p;
    sp_block_header h;
    int rc = sp_store_view(s, at, sizeof h, aside, &p, err);
    if (rc != SPATE_OK)
        return rc;
    memcpy(&h, p, sizeof h);
    if (!sp_block_header_plausible(&h, s->super.file_id, at, s->end) || h.type != type)
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": no block of kind %d at byte %llu", s->path, type,
                       (unsigned long long)at);
    rc = sp_store_check_block(s, at, h.size, aside, err);
    if (rc == SPATE_OK)
        rc = sp_store_view(s, at, h.size, aside, &p, err);
    if (rc == SPATE_OK) {
        *payload = p + h.payload_at;
        *len = h.payload_bytes;
    }
    return rc;
}

static int take_catalog(sp_store *s, uint64_t at, sp_buf *aside, spate_error *err)
{
    const char *p = NULL;
    size_t len = 0;
    int rc = read_payload(s, at, SP_BLOCK_CATALOG, aside, &p, &len, err);
    if (rc == SPATE_OK && !sp_lexicon_take(&s->catalog, p, len))
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the names and tables at byte %llu are not sound", s->path,
                       (unsigned long long)at);
    return rc;
}

static bool index_sound(const sp_store *s, const char *p, size_t len)
{
    sp_index_head h;
    if (len < sizeof h)
        return false;
    memcpy(&h, p, sizeof h);
    if (h.tables > s->catalog.n_tables ||
        len != sizeof h + h.tables * sizeof(uint64_t) + h.chapters * sizeof(sp_index_chapter))
        return false;
    const sp_index_chapter *c = (const sp_index_chapter *)(p + sizeof h + h.tables * sizeof(uint64_t));
    for (uint32_t i = 0; i < h.chapters; i++)
        if (c[i].at % SP_STORE_PAGE || c[i].at > s->end || c[i].size > s->end - c[i].at)
            return false;
    return true;
}

/* How many rows there are, and where the chapters are, which nobody needs yet. */
static int take_index(sp_store *s, uint64_t at, sp_buf *aside, spate_error *err)
{
    const char *p = NULL;
    size_t len = 0;
    int rc = read_payload(s, at, SP_BLOCK_INDEX, aside, &p, &len, err);
    if (rc != SPATE_OK)
        return rc;
    if (!index_sound(s, p, len))
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the index at byte %llu is not sound", s->path,
                       (unsigned long long)at);
    sp_index_head h;
    memcpy(&h, p, sizeof h);
    p += sizeof h;
    for (uint32_t t = 0; t < h.tables; t++, p += sizeof(uint64_t))
        memcpy(&s->catalog.tables[t].rows, p, sizeof(uint64_t));
    s->chapters = sp_alloc_zero(h.chapters + 1, sizeof *s->chapters);
    if (!s->chapters)
        return sp_fail_nomem(err);
    memcpy(s->chapters, p, h.chapters * sizeof *s->chapters);
    s->n_chapters = s->n_unlisted = h.chapters;
    s->chapters_cap = h.chapters + 1;
    s->listing = h.chapters ? SP_LIST_FROM_CHAPTERS : SP_LISTED;
    return SPATE_OK;
}

/* Puts what a patch says over the mapping, and for a writer over the file. */
static int finish_patch(sp_store *s, uint64_t at, sp_buf *aside, spate_error *err)
{
    const char *p = NULL;
    size_t len = 0, i = 0;
    int rc = read_payload(s, at, SP_BLOCK_PATCH, aside, &p, &len, err);
    while (rc == SPATE_OK && i + 16 <= len) {
        uint64_t where;
        uint32_t bytes;
        memcpy(&where, p + i, 8);
        memcpy(&bytes, p + i + 8, 4);
        if (bytes > len - i - 16 || where > at || bytes > at - where)
            return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the patch at byte %llu is not sound", s->path,
                           (unsigned long long)at);
        if (s->map && where + bytes <= s->map_len) {
            memcpy(s->map + where, p + i + 16, bytes);
            s->patched = true;
        }
        if (s->writable)
            rc = sp_os_write_at(s->fd, p + i + 16, bytes, where, s->path, err);
        i += 16 + sp_round_up(bytes, 8);
    }
    if (rc == SPATE_OK && s->writable)
        rc = sp_os_sync(s->fd, s->path, err);
    return rc == SPATE_OK && s->writable ? sp_os_truncate(s->fd, at, s->path, err) : rc;
}

/* One whole block behind what was committed. */
static int take_block(sp_store *s, const sp_block_header *h, sp_buf *aside, spate_error *err)
{
    sp_block_ref e = {h->at,   h->size,   h->first_row,  h->extra, h->table, h->rows, h->directory_bytes,
                      h->type, h->groups, SP_NO_CHAPTER, 0};
    s->super.sequence = SP_MAX(s->super.sequence, h->sequence + 1);
    switch ((sp_block_type)h->type) {
    case SP_BLOCK_DATA:
    case SP_BLOCK_FIELD:
        count_rows(s, &e);
        return sp_store_add_block(s, &e) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    case SP_BLOCK_CATALOG: return take_catalog(s, h->at, aside, err);
    case SP_BLOCK_PATCH: return finish_patch(s, h->at, aside, err);
    case SP_BLOCK_INDEX:
    case SP_BLOCK_CHAPTER: break; /* of blocks that are known already */
    }
    return SPATE_OK;
}

/* The blocks from at on; the last byte of the last whole one becomes the end. Damage at the very end is a torn tail. */
static int scan(sp_store *s, uint64_t at, uint64_t size, sp_buf *aside, spate_error *err)
{
    uint64_t whole = at, end = s->end;
    while (at + sizeof(sp_block_header) <= size) {
        sp_block_header h;
        const char *p;
        int rc = sp_store_view(s, at, sizeof h, aside, &p, err);
        if (rc != SPATE_OK)
            return rc;
        memcpy(&h, p, sizeof h);
        if (!sp_block_header_plausible(&h, s->super.file_id, at, size) ||
            sp_store_check_block(s, at, h.size, aside, NULL) != SPATE_OK) {
            at += SP_STORE_PAGE;
            continue;
        }
        if (at > whole && add_damage(s, whole, at) != SPATE_OK)
            return sp_fail_nomem(err);
        s->end = SP_MAX(end, at + h.size);
        rc = take_block(s, &h, aside, err);
        if (rc != SPATE_OK)
            return rc;
        bool patch = h.type == SP_BLOCK_PATCH; /* is over and done with */
        at = patch ? at : at + h.size;
        whole = end = s->end = at;
        if (patch)
            size = at;
    }
    if (size > whole && add_damage(s, whole, size) != SPATE_OK)
        return sp_fail_nomem(err);
    return SPATE_OK;
}

/* A lost index, chapter or list of names is no lost row: the blocks themselves tell. */
static int look_at_all(sp_store *s, uint64_t size, sp_buf *aside, spate_error *err)
{
    s->n_blocks = s->n_damage = s->n_chapters = 0;
    s->end = s->super.blocks_at;
    int rc = scan(s, s->super.blocks_at, size, aside, err);
    if (rc == SPATE_OK && size < s->super.committed && add_damage(s, size, s->super.committed) != SPATE_OK)
        rc = sp_fail_nomem(err);
    s->listing = rc == SPATE_OK ? SP_LISTED : SP_LIST_FROM_BLOCKS;
    return rc;
}

static int load(sp_store *s, uint64_t size, sp_buf *aside, spate_error *err)
{
    s->end = SP_MIN(s->super.committed, size);
    int rc = s->super.catalog_at ? take_catalog(s, s->super.catalog_at, aside, err) : SPATE_OK;
    if (rc == SPATE_OK && s->super.index_at)
        rc = take_index(s, s->super.index_at, aside, err);
    if (rc == SPATE_OK)
        rc = scan(s, s->super.index_at ? s->super.committed : s->super.blocks_at, size, aside, err);
    return rc;
}

int sp_store_load(sp_store *s, uint64_t size, spate_error *err)
{
    sp_buf aside = {0};
    spate_error why = {0};
    int rc = load(s, size, &aside, &why);
    if (rc == SPATE_E_CORRUPT) {
        sp_lexicon_done(&s->catalog);
        sp_lexicon_init(&s->catalog);
        rc = look_at_all(s, size, &aside, &why);
    }
    if (rc != SPATE_OK && err)
        *err = why;
    /* Rows are counted again: tables may have come behind the blocks that use them. */
    for (uint32_t i = 0; i < s->n_blocks; i++)
        count_rows(s, &s->blocks[i]);
    sp_buf_done(&aside);
    return rc;
}

/* ---- chapters ---------------------------------------------------------------------------------- */

static int take_chapter(sp_store *s, uint32_t number, sp_chapter *c, spate_error *err)
{
    int rc = sp_chapter_open(s, number, c, err);
    for (uint32_t i = 0; rc == SPATE_OK && i < c->head->blocks; i++) {
        const sp_block_entry *e = &c->blocks[i];
        if (e->at % SP_STORE_PAGE || e->at > s->end || e->size > s->end - e->at || e->directory_bytes > e->size)
            return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the chapter at byte %llu is not sound", s->path,
                           (unsigned long long)c->at);
        sp_block_ref b = {e->at,   e->size,   e->first_row, e->extra, e->table, e->rows, e->directory_bytes,
                          e->type, e->groups, number,       i};
        rc = sp_store_add_block(s, &b) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    }
    return rc;
}

/* All of them, or none. */
static int take_chapters(sp_store *s, spate_error *err)
{
    sp_chapter c = {0};
    uint32_t before = s->n_blocks;
    int rc = SPATE_OK;
    for (uint32_t i = 0; rc == SPATE_OK && i < s->n_unlisted; i++)
        rc = take_chapter(s, i, &c, err);
    sp_chapter_done(&c);
    s->n_blocks = rc == SPATE_OK ? s->n_blocks : before;
    return rc;
}

int sp_store_list(sp_store *s, spate_error *err)
{
    spate_error why = {0};
    int rc = SPATE_OK;
    if (s->listing == SP_LIST_FROM_CHAPTERS) {
        rc = take_chapters(s, &why);
        s->listing = rc == SPATE_OK ? SP_LISTED : rc == SPATE_E_CORRUPT ? SP_LIST_FROM_BLOCKS : s->listing;
    }
    if (s->listing == SP_LIST_FROM_BLOCKS) {
        sp_buf aside = {0};
        uint64_t end = s->end;
        rc = look_at_all(s, s->map ? s->map_len : end, &aside, &why);
        s->end = SP_MAX(end, s->end);
        sp_buf_done(&aside);
    }
    if (rc != SPATE_OK && err)
        *err = why;
    sp_store_sort(s);
    return rc;
}
