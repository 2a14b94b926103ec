/* file.c - creating, opening, appending to and closing a file of blocks. */
#include "store/file.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* ---- bytes ------------------------------------------------------------------------------------- */

static int read_aside(sp_store *s, uint64_t at, size_t len, sp_buf *aside, const char **p, spate_error *err)
{
    aside->len = 0;
    if (sp_buf_reserve(aside, len + SP_SLACK) != SPATE_OK)
        return sp_fail_nomem(err);
    *p = aside->data;
    return sp_os_read_at(s->fd, aside->data, len, at, s->path, err);
}

static int view_mapped(sp_store *s, uint64_t at, const char **p)
{
    *p = s->map + at;
    return SPATE_OK;
}

int sp_store_view(sp_store *s, uint64_t at, size_t len, sp_buf *aside, const char **p, spate_error *err)
{
    return at + len <= s->map_len ? view_mapped(s, at, p) : read_aside(s, at, len, aside, p, err);
}

int sp_store_pick(sp_store *s, uint64_t at, size_t len, sp_buf *aside, const char **p, spate_error *err)
{
    return s->patched && at + len <= s->map_len ? view_mapped(s, at, p) : read_aside(s, at, len, aside, p, err);
}

static int not_sound(const sp_store *s, uint64_t at, spate_error *err)
{
    return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the block at byte %llu is damaged", s->path, (unsigned long long)at);
}

int sp_store_directory(sp_store *s, const sp_block_ref *b, sp_buf *aside, const char **p, spate_error *err)
{
    int rc = sp_store_view(s, b->at, sizeof(sp_block_header) + b->directory_bytes, aside, p, err);
    if (rc != SPATE_OK)
        return rc;
    const sp_block_header *h = sp_block_header_of(*p);
    if (!sp_block_header_plausible(h, s->super.file_id, b->at, b->at + b->size) ||
        h->directory_bytes != b->directory_bytes || h->rows != b->rows || h->table != b->table ||
        h->first_row != b->first_row || !sp_block_directory_sound(s->k, *p))
        return not_sound(s, b->at, err);
    return SPATE_OK;
}

int sp_store_check_block(sp_store *s, uint64_t at, uint64_t size, sp_buf *aside, spate_error *err)
{
    const char *p = NULL;
    int rc = sp_store_view(s, at, size, aside, &p, err);
    if (rc != SPATE_OK)
        return rc;
    const sp_block_header *h = sp_block_header_of(p);
    if (!sp_block_header_plausible(h, s->super.file_id, at, at + size) || h->size != size ||
        !sp_block_directory_sound(s->k, p) ||
        s->k->hash(p + h->payload_at, h->payload_bytes, 0) !=
            (h->payload_bytes ? h->payload_hash : s->k->hash(p, 0, 0)))
        return not_sound(s, at, err);
    if (h->type == SP_BLOCK_CHAPTER)
        return sp_chapter_sound(s->k, p) ? SPATE_OK : not_sound(s, at, err);
    const sp_segment_entry *e = sp_block_segments(p);
    for (uint32_t i = 0; h->type == SP_BLOCK_DATA && i < h->segments; i++)
        if (!sp_segment_whole(s->k, p + (uint64_t)e[i].at64 * SP_SEGMENT_ALIGN, e[i].bytes,
                              sp_segment_seed(h->extra, e[i].at64)))
            return not_sound(s, at, err);
    return SPATE_OK;
}

/* ---- blocks ------------------------------------------------------------------------------------ */

int sp_store_broken(sp_store *s, spate_error *err)
{
    if (err)
        *err = s->failed;
    return s->failed.status;
}

/* Remembers a failure to write: nothing may be written after it. */
static int broke(sp_store *s, const spate_error *why, spate_error *err)
{
    if (s->failed.status == SPATE_OK)
        s->failed = *why;
    return sp_store_broken(s, err);
}

int sp_store_put(sp_store *s, sp_buf *block, uint64_t *at, spate_error *err)
{
    spate_error why = {0};
    *at = s->end;
    sp_block_seal(s->k, block, (sp_place){.at = s->end, .file_id = s->super.file_id, .sequence = s->super.sequence++});
    if (sp_os_write_at(s->fd, block->data, block->len, s->end, s->path, &why) != SPATE_OK)
        return broke(s, &why, err);
    s->end += block->len;
    return SPATE_OK;
}

static int put_wrapped(sp_store *s, sp_block_type type, const sp_buf *payload, uint64_t *at, spate_error *err)
{
    if (sp_block_wrap(s->k, type, payload->data, payload->len, 0, &s->wrapped) != SPATE_OK)
        return sp_fail_nomem(err);
    return sp_store_put(s, &s->wrapped, at, err);
}

/* Names and tables that no block has yet: they come before the first block that needs them. */
static int write_news(sp_store *s, spate_error *err)
{
    uint64_t at;
    if (s->catalog.news.len == 0)
        return SPATE_OK;
    int rc = put_wrapped(s, SP_BLOCK_CATALOG, &s->catalog.news, &at, err);
    if (rc == SPATE_OK)
        s->catalog.news.len = 0;
    return rc;
}

/* Takes a place in the file for a block. */
static int reserve_place(sp_store *s, uint64_t size, sp_place *place, spate_error *err)
{
    int rc = s->failed.status ? sp_store_broken(s, err) : write_news(s, err);
    if (rc != SPATE_OK)
        return rc;
    place->at = s->end;
    place->file_id = s->super.file_id;
    place->sequence = s->super.sequence++;
    s->end += size;
    s->changed = true;
    return SPATE_OK;
}

static int write_block(sp_store *s, sp_place *place, sp_buf *block, spate_error *err)
{
    spate_error why = {0};
    sp_block_header *h = (sp_block_header *)block->data;
    pthread_mutex_lock(&s->lock);
    sp_table *t = &s->catalog.tables[place->table];
    if (place->first_row == UINT64_MAX)
        place->first_row = t->rows;
    int rc = reserve_place(s, block->len, place, err);
    if (rc == SPATE_OK && h->type == SP_BLOCK_DATA)
        t->rows = SP_MAX(t->rows, place->first_row + h->rows);
    pthread_mutex_unlock(&s->lock);
    if (rc != SPATE_OK)
        return rc;
    sp_block_seal(s->k, block, *place);
    rc = sp_os_write_at(s->fd, block->data, block->len, place->at, s->path, &why);
    pthread_mutex_lock(&s->lock);
    if (rc == SPATE_OK) {
        sp_block_ref b = {place->at, block->len, place->first_row, h->extra, place->table, h->rows, h->directory_bytes,
                          h->type,   h->groups,  SP_NO_CHAPTER,    0};
        rc = sp_store_add_block(s, &b) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    } else {
        rc = broke(s, &why, err);
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

int sp_store_append(sp_store *s, uint32_t table, uint64_t first_row, sp_buf *block, spate_error *err)
{
    sp_place place = {.table = table, .first_row = first_row};
    return write_block(s, &place, block, err);
}

int sp_store_name(sp_store *s, sp_str text, uint16_t *name, spate_error *err)
{
    pthread_mutex_lock(&s->lock);
    int rc = sp_lexicon_name(&s->catalog, text, name, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

int sp_store_add_table(sp_store *s, const sp_schema *schema, uint32_t *table, spate_error *err)
{
    pthread_mutex_lock(&s->lock);
    int rc = sp_lexicon_add_table(&s->catalog, schema, table, err);
    s->changed = true;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void sp_store_note_features(sp_store *s, uint32_t compat, uint32_t incompat)
{
    pthread_mutex_lock(&s->lock);
    s->super.compat |= compat;
    s->super.incompat |= incompat;
    s->changed = true;
    pthread_mutex_unlock(&s->lock);
}

/* ---- superblocks ------------------------------------------------------------------------------- */

static uint64_t super_hash(const sp_kernels *k, const sp_superblock *b)
{
    return k->hash(b, offsetof(sp_superblock, hash), 0);
}

int sp_store_write_super(sp_store *s, spate_error *err)
{
    spate_error why = {0};
    s->super.generation++;
    s->super.hash = super_hash(s->k, &s->super);
    uint64_t at = (s->super.generation & 1) * SP_STORE_PAGE;
    if (sp_os_write_at(s->fd, &s->super, sizeof s->super, at, s->path, &why) != SPATE_OK ||
        sp_os_sync(s->fd, s->path, &why) != SPATE_OK)
        return broke(s, &why, err);
    return SPATE_OK;
}

static int sync_data(sp_store *s, spate_error *err)
{
    spate_error why = {0};
    if (s->failed.status)
        return sp_store_broken(s, err);
    if (sp_os_sync(s->fd, s->path, &why) != SPATE_OK)
        return broke(s, &why, err);
    return SPATE_OK;
}

int sp_store_commit(sp_store *s, spate_error *err)
{
    pthread_mutex_lock(&s->lock);
    int rc = s->failed.status ? sp_store_broken(s, err) : write_news(s, err);
    if (rc == SPATE_OK)
        rc = sync_data(s, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static int write_index(sp_store *s, spate_error *err)
{
    sp_buf all = {0};
    sp_index_head head = {.chapters = s->n_chapters, .tables = s->catalog.n_tables};
    int rc = sp_buf_add(&all, &head, sizeof head);
    for (uint32_t i = 0; rc == SPATE_OK && i < head.tables; i++)
        rc = sp_buf_add(&all, &s->catalog.tables[i].rows, sizeof(uint64_t));
    if (rc == SPATE_OK)
        rc = sp_buf_add(&all, s->chapters, s->n_chapters * sizeof *s->chapters);
    rc = rc == SPATE_OK ? put_wrapped(s, SP_BLOCK_INDEX, &all, &s->super.index_at, err) : sp_fail_nomem(err);
    all.len = 0;
    if (rc == SPATE_OK)
        rc = sp_lexicon_write(&s->catalog, &all) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = put_wrapped(s, SP_BLOCK_CATALOG, &all, &s->super.catalog_at, err);
    sp_buf_done(&all);
    return rc;
}

int sp_store_finish(sp_store *s, spate_error *err)
{
    if (s->failed.status)
        return sp_store_broken(s, err);
    if (!s->changed)
        return SPATE_OK;
    s->catalog.news.len = 0; /* all of them are written anew */
    sp_superblock before = s->super;
    int rc = sp_chapters_write(s, err);
    if (rc == SPATE_OK)
        rc = write_index(s, err);
    if (rc == SPATE_OK)
        rc = sync_data(s, err);
    if (rc == SPATE_OK) {
        /* Both pages: either alone says the same. */
        s->super.committed = s->end;
        rc = sp_store_write_super(s, err);
        if (rc == SPATE_OK)
            rc = sp_store_write_super(s, err);
    } else {
        s->super = before;
    }
    s->changed = s->changed && rc != SPATE_OK;
    return rc;
}

/* ---- creating and opening ---------------------------------------------------------------------- */

static sp_store *store_new(const char *path)
{
    sp_store *s = sp_alloc_zero(1, sizeof *s);
    if (!s)
        return NULL;
    s->fd = -1;
    s->k = sp_kernels_best();
    s->path = sp_alloc(strlen(path) + 1);
    sp_lexicon_init(&s->catalog);
    pthread_mutex_init(&s->lock, NULL);
    if (!s->path) {
        sp_store_close(s);
        return NULL;
    }
    memcpy(s->path, path, strlen(path) + 1);
    return s;
}

void sp_store_close(sp_store *s)
{
    if (!s)
        return;
    sp_os_unmap(s->map, s->map_len);
    int ignored = sp_os_close(&s->fd, s->path, NULL);
    (void)ignored;
    sp_lexicon_done(&s->catalog);
    sp_free(s->chapters);
    sp_free(s->blocks);
    sp_free(s->damage);
    sp_buf_done(&s->wrapped);
    pthread_mutex_destroy(&s->lock);
    sp_free(s->path);
    sp_free(s);
}

/* Different for every file that ever was on this disk: blocks of an older one must not look like this one's. */
static uint64_t new_file_id(const sp_store *s)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return sp_mix64((uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec) ^ sp_mix64((uint64_t)(uintptr_t)s) ^
           sp_hash64(s->path, strlen(s->path), (uint64_t)sp_os_monotonic_us());
}

static int lock_for_writing(sp_store *s, spate_error *err)
{
    bool got;
    int rc = sp_os_lock_byte(s->fd, SP_LOCK_WRITER, SP_OS_LOCK_ALONE, false, &got, s->path, err);
    if (rc == SPATE_OK && !got)
        return sp_fail(err, SPATE_E_UNREACHABLE, "another process is writing to \"%s\"", s->path);
    return rc;
}

static int create(sp_store *s, uint64_t user_capacity, spate_error *err)
{
    int rc = sp_os_open(s->path, SP_OS_OPEN_NEW, &s->fd, err);
    if (rc == SPATE_OK)
        rc = lock_for_writing(s, err);
    if (rc != SPATE_OK)
        return rc;
    user_capacity = sp_round_up(user_capacity, SP_STORE_PAGE);
    s->writable = s->changed = true;
    s->super = (sp_superblock){.version = SP_STORE_VERSION,
                               .file_id = new_file_id(s),
                               .user_capacity = user_capacity,
                               .user_hash = s->k->hash("", 0, 0),
                               .blocks_at = SP_USER_AT + 2 * user_capacity};
    memcpy(s->super.magic, SP_STORE_MAGIC, sizeof s->super.magic);
    s->end = s->super.committed = s->super.blocks_at;
    /* Both pages, then the room for the user, so that the file is as long as it says. */
    rc = sp_os_truncate(s->fd, s->super.blocks_at, s->path, err);
    if (rc == SPATE_OK)
        rc = sp_store_write_super(s, err);
    return rc == SPATE_OK ? sp_store_write_super(s, err) : rc;
}

int sp_store_create(const char *path, uint64_t user_capacity, sp_store **store, spate_error *err)
{
    sp_store *s = store_new(path);
    if (!s)
        return sp_fail_nomem(err);
    int rc = user_capacity > UINT64_C(1) << 40
                 ? sp_fail(err, SPATE_E_USAGE, "a user section cannot be larger than 1 TiB")
                 : create(s, user_capacity, err);
    bool made = s->fd >= 0;
    if (rc == SPATE_OK) {
        *store = s;
        return SPATE_OK;
    }
    sp_store_close(s);
    if (made) {
        int ignored = sp_os_unlink(path, NULL);
        (void)ignored;
    }
    return rc;
}

static bool super_sound(const sp_kernels *k, const sp_superblock *b)
{
    return memcmp(b->magic, SP_STORE_MAGIC, sizeof b->magic) == 0 && b->hash == super_hash(k, b) &&
           b->user_capacity <= UINT64_C(1) << 40 && b->user_copy < 2 && b->user_len <= b->user_capacity &&
           b->blocks_at == SP_USER_AT + 2 * b->user_capacity && b->committed >= b->blocks_at &&
           b->index_at < b->committed && b->catalog_at < b->committed && b->committed % SP_STORE_PAGE == 0;
}

static int check_version(const sp_store *s, const sp_superblock *b, spate_error *err)
{
    if (b->version != SP_STORE_VERSION)
        return sp_fail(err, SPATE_E_DATA, "\"%s\" is a store of version %u; this program reads version %d", s->path,
                       b->version, SP_STORE_VERSION);
    if (b->incompat & ~(uint32_t)SP_FEATURES_INCOMPAT)
        return sp_fail(err, SPATE_E_DATA, "\"%s\" uses features (0x%x) that this program does not know", s->path,
                       b->incompat & ~(uint32_t)SP_FEATURES_INCOMPAT);
    if (s->writable && b->ro_compat & ~(uint32_t)SP_FEATURES_RO_COMPAT)
        return sp_fail(err, SPATE_E_DATA, "\"%s\" uses features (0x%x) that this program cannot write", s->path,
                       b->ro_compat & ~(uint32_t)SP_FEATURES_RO_COMPAT);
    return SPATE_OK;
}

static int read_super(sp_store *s, uint64_t size, spate_error *err)
{
    sp_superblock both[2];
    if (size == 0)
        return sp_fail(err, SPATE_E_DATA, "\"%s\" is empty, no store of rows", s->path);
    memset(both, 0, sizeof both);
    int rc = sp_os_read_at(s->fd, both, SP_MIN(size, sizeof both), 0, s->path, err);
    if (rc != SPATE_OK)
        return rc;
    bool sound[2] = {super_sound(s->k, &both[0]), super_sound(s->k, &both[1])};
    if (!sound[0] && !sound[1]) {
        bool ours = memcmp(both[0].magic, SP_STORE_MAGIC, 8) == 0 || memcmp(both[1].magic, SP_STORE_MAGIC, 8) == 0;
        return ours ? sp_fail(err, SPATE_E_CORRUPT, "\"%s\": both superblocks are damaged", s->path)
                    : sp_fail(err, SPATE_E_DATA, "\"%s\" is no store of rows (.spate)", s->path);
    }
    unsigned best = sound[1] && (!sound[0] || both[1].generation > both[0].generation);
    s->super = both[best];
    return check_version(s, &s->super, err);
}

/* Cuts off what a crash left behind the last whole block. */
static int trim(sp_store *s, uint64_t size, spate_error *err)
{
    if (size <= s->end)
        return SPATE_OK;
    s->changed = true;
    while (s->n_damage && s->damage[s->n_damage - 1].to > s->end)
        s->n_damage--;
    return sp_os_truncate(s->fd, s->end, s->path, err);
}

static int open_it(sp_store *s, spate_error *err)
{
    uint64_t size = 0;
    bool got;
    int rc = sp_os_open(s->path, s->writable ? SP_OS_OPEN_UPDATE : SP_OS_OPEN_READ, &s->fd, err);
    if (rc == SPATE_OK)
        rc = s->writable ? lock_for_writing(s, err)
                         : sp_os_lock_byte(s->fd, SP_LOCK_READERS, SP_OS_LOCK_SHARED, true, &got, s->path, err);
    if (rc == SPATE_OK)
        rc = sp_os_size(s->fd, s->path, &size, err);
    if (rc == SPATE_OK)
        rc = read_super(s, size, err);
    if (rc != SPATE_OK)
        return rc;
    if (!s->writable) {
        s->map = sp_os_map(s->fd, size, s->path, err);
        s->map_len = s->map ? size : 0;
        if (!s->map)
            return err ? (int)err->status : SPATE_E_IO;
    }
    rc = sp_store_load(s, size, err);
    return rc == SPATE_OK && s->writable ? trim(s, size, err) : rc;
}

int sp_store_open(const char *path, bool write, sp_store **store, spate_error *err)
{
    spate_error why = {0};
    sp_store *s = store_new(path);
    if (!s)
        return sp_fail_nomem(err);
    s->writable = write;
    int rc = open_it(s, &why);
    if (rc == SPATE_OK) {
        *store = s;
        return SPATE_OK;
    }
    sp_store_close(s);
    if (err)
        *err = why;
    return rc;
}

/* ---- the user's section ------------------------------------------------------------------------ */

static uint64_t user_at(const sp_store *s, unsigned copy)
{
    return SP_USER_AT + copy * s->super.user_capacity;
}

int sp_store_user_read(sp_store *s, sp_buf *out, spate_error *err)
{
    out->len = 0;
    if (sp_buf_reserve(out, s->super.user_len) != SPATE_OK)
        return sp_fail_nomem(err);
    int rc = sp_os_read_at(s->fd, out->data, s->super.user_len, user_at(s, s->super.user_copy), s->path, err);
    if (rc != SPATE_OK)
        return rc;
    out->len = s->super.user_len;
    if (s->k->hash(out->data, out->len, 0) != s->super.user_hash)
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the user section is damaged", s->path);
    return SPATE_OK;
}

int sp_store_user_write(sp_store *s, const void *bytes, size_t len, spate_error *err)
{
    spate_error why = {0};
    if (s->failed.status)
        return sp_store_broken(s, err);
    if (len > s->super.user_capacity)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has a user section of %llu bytes, too small for %zu", s->path,
                       (unsigned long long)s->super.user_capacity, len);
    unsigned copy = !s->super.user_copy;
    if (sp_os_write_at(s->fd, bytes, len, user_at(s, copy), s->path, &why) != SPATE_OK ||
        sp_os_sync(s->fd, s->path, &why) != SPATE_OK)
        return broke(s, &why, err);
    s->super.user_copy = copy;
    s->super.user_len = len;
    s->super.user_hash = s->k->hash(bytes, len, 0);
    return sp_store_write_super(s, err);
}

/* ---- patches ----------------------------------------------------------------------------------- */

int sp_patch_add(sp_buf *patches, uint64_t at, const void *bytes, uint32_t len)
{
    static const char zeros[8];
    uint32_t head[4] = {(uint32_t)at, (uint32_t)(at >> 32), len, 0};
    int rc = sp_buf_add(patches, head, sizeof head);
    rc = rc == SPATE_OK ? sp_buf_add(patches, bytes, len) : rc;
    return rc == SPATE_OK ? sp_buf_add(patches, zeros, (8 - len % 8) % 8) : rc;
}

static int apply(sp_store *s, const sp_buf *patches, spate_error *err)
{
    int rc = SPATE_OK;
    for (size_t i = 0; rc == SPATE_OK && i < patches->len;) {
        uint64_t at;
        uint32_t len;
        memcpy(&at, patches->data + i, 8);
        memcpy(&len, patches->data + i + 8, 4);
        rc = sp_os_write_at(s->fd, patches->data + i + 16, len, at, s->path, err);
        i += 16 + sp_round_up(len, 8);
    }
    return rc;
}

/* The patch goes to the end of the file first, as a block; when that is on disk the bytes are changed; then it is cut off. */
int sp_store_patch(sp_store *s, const sp_buf *patches, spate_error *err)
{
    spate_error why = {0};
    bool got;
    uint64_t at, end = s->end;
    if (s->failed.status)
        return sp_store_broken(s, err);
    int rc = sp_os_lock_byte(s->fd, SP_LOCK_READERS, SP_OS_LOCK_ALONE, true, &got, s->path, err);
    if (rc == SPATE_OK)
        rc = put_wrapped(s, SP_BLOCK_PATCH, patches, &at, err);
    if (rc == SPATE_OK)
        rc = sync_data(s, err);
    if (rc != SPATE_OK)
        return rc;
    if (apply(s, patches, &why) != SPATE_OK || sp_os_sync(s->fd, s->path, &why) != SPATE_OK ||
        sp_os_truncate(s->fd, end, s->path, &why) != SPATE_OK)
        return broke(s, &why, err);
    s->end = end;
    return sp_os_lock_byte(s->fd, SP_LOCK_READERS, SP_OS_LOCK_NONE, false, &got, s->path, err);
}
