/* recover.c - finding out what is in a file: from its index, and behind what was committed from the blocks themselves.
 *
 * A block counts when all its hashes fit. What is no block is skipped to the next page that begins one, and remembered as damage;
 * a patch that was not finished is finished, in the file by a writer and in memory by a reader. */
#include "store/file.h"

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

static void count_rows(sp_store *s, const sp_index_entry *e)
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
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": no block of kind %d at byte %llu", s->path, type, (unsigned long long)at);
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
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the names and tables at byte %llu are not sound", s->path, (unsigned long long)at);
    return rc;
}

static int take_index(sp_store *s, uint64_t at, sp_buf *aside, spate_error *err)
{
    const char *p = NULL;
    size_t len = 0;
    int rc = read_payload(s, at, SP_BLOCK_INDEX, aside, &p, &len, err);
    for (size_t i = 0; rc == SPATE_OK && i + sizeof(sp_index_entry) <= len; i += sizeof(sp_index_entry)) {
        sp_index_entry e;
        memcpy(&e, p + i, sizeof e);
        if (e.at % SP_STORE_PAGE || e.at > s->end || e.size > s->end - e.at || e.directory_bytes > e.size)
            return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the index at byte %llu is not sound", s->path, (unsigned long long)at);
        rc = sp_store_add_block(s, &e) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
        count_rows(s, &e);
    }
    return rc;
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
            return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the patch at byte %llu is not sound", s->path, (unsigned long long)at);
        if (s->map && where + bytes <= s->map_len)
            memcpy(s->map + where, p + i + 16, bytes);
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
    sp_index_entry e = {h->at, h->size, h->first_row, h->table, h->rows, (uint32_t)h->directory_bytes, h->type};
    s->super.sequence = SP_MAX(s->super.sequence, h->sequence + 1);
    switch ((sp_block_type)h->type) {
    case SP_BLOCK_DATA:
    case SP_BLOCK_FIELD:
        count_rows(s, &e);
        return sp_store_add_block(s, &e) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    case SP_BLOCK_CATALOG:
        return take_catalog(s, h->at, aside, err);
    case SP_BLOCK_PATCH:
        return finish_patch(s, h->at, aside, err);
    case SP_BLOCK_INDEX:
        break; /* of blocks that are known already */
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
        if (!sp_block_header_plausible(&h, s->super.file_id, at, size) || sp_store_check_block(s, at, h.size, aside, NULL) != SPATE_OK) {
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

static int load(sp_store *s, uint64_t size, sp_buf *aside, spate_error *err)
{
    int rc = SPATE_OK;
    s->end = SP_MIN(s->super.committed, size);
    if (s->super.catalog_at)
        rc = take_catalog(s, s->super.catalog_at, aside, err);
    if (rc == SPATE_OK && s->super.index_at)
        rc = take_index(s, s->super.index_at, aside, err);
    if (rc == SPATE_OK && s->super.index_at)
        return scan(s, s->super.committed, size, aside, err);
    if (rc == SPATE_OK)
        rc = scan(s, s->super.blocks_at, size, aside, err);
    return rc;
}

int sp_store_load(sp_store *s, uint64_t size, spate_error *err)
{
    sp_buf aside = {0};
    spate_error why = {0};
    int rc = load(s, size, &aside, &why);
    /* A lost index or list of names is no lost row: the blocks themselves tell. */
    if (rc == SPATE_E_CORRUPT) {
        sp_lexicon_done(&s->catalog);
        sp_lexicon_init(&s->catalog);
        s->n_blocks = s->n_damage = 0;
        s->end = s->super.blocks_at;
        rc = scan(s, s->super.blocks_at, size, &aside, &why);
        if (rc == SPATE_OK && size < s->super.committed && add_damage(s, size, s->super.committed) != SPATE_OK)
            rc = sp_fail_nomem(&why);
    }
    if (rc != SPATE_OK && err)
        *err = why;
    /* Rows are counted again: tables may have come behind the blocks that use them. */
    for (uint32_t i = 0; i < s->n_blocks; i++)
        count_rows(s, &s->blocks[i]);
    sp_store_sort(s);
    sp_buf_done(&aside);
    return rc;
}
