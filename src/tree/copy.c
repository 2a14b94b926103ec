/* copy.c - see copy.h. */
#include "tree/copy.h"

#include <errno.h>

enum { BUFFER_BYTES = 256 << 10 };

int sp_copier_open(sp_copier *c, spate_error *err)
{
    c->bytes = 0;
    sp_buf_init(&c->attributes);
    sp_buf_init(&c->target);
    c->buffer = sp_alloc_large(BUFFER_BYTES);
    return c->buffer ? SPATE_OK : sp_fail_nomem(err);
}

void sp_copier_close(sp_copier *c)
{
    sp_free(c->buffer);
    sp_buf_done(&c->attributes);
    sp_buf_done(&c->target);
}

void sp_copy_temp_name(const char *name, char temp[SP_COPY_TEMP_NAME])
{
    uint64_t hash = sp_hash64(name, strlen(name), 0);
    char *p = temp;
    memcpy(p, ".spate-", 7);
    p = sp_put_hex(p + 7, (const uint8_t *)&hash, sizeof hash);
    memcpy(p, ".part", 6);
}

static bool stopped(const sp_copier *c)
{
    return c->cancel && __atomic_load_n(c->cancel, __ATOMIC_RELAXED);
}

/* ---- data ---- */

static int pump(sp_copier *c, sp_walker *from, sp_walker *to, uint64_t offset, uint64_t end, spate_error *err)
{
    while (offset < end) {
        if (stopped(c))
            return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
        size_t got;
        int rc = from->tree->ops->read(from, c->buffer, (size_t)SP_MIN(end - offset, (uint64_t)BUFFER_BYTES), offset,
                                       &got, err);
        if (rc == SPATE_OK && got)
            rc = to->tree->ops->write(to, c->buffer, got, offset, err);
        if (rc != SPATE_OK || got == 0)
            return rc;
        offset += got;
        c->bytes += got;
    }
    return SPATE_OK;
}

static int copy_stretch(sp_copier *c, sp_walker *from, sp_walker *to, uint64_t offset, uint64_t end, spate_error *err)
{
    while (offset < end && from->tree->ops == to->tree->ops) {
        if (stopped(c))
            return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
        uint64_t took;
        int rc = to->tree->ops->take(to, from, offset, end - offset, &took, err);
        if (rc != SPATE_OK)
            return rc;
        if (took == 0)
            break;
        offset += took;
        c->bytes += took;
    }
    return pump(c, from, to, offset, end, err);
}

/* Holes stay holes; the size is set at the end, because the last one has no byte to be written. */
static int copy_sparse(sp_copier *c, sp_walker *from, sp_walker *to, uint64_t size, spate_error *err)
{
    uint64_t start = 0, end = 0;
    for (;;) {
        int rc = from->tree->ops->next_data(from, end, &start, &end, err);
        if (rc != SPATE_OK)
            return rc;
        if (start == end || start >= size)
            return to->tree->ops->set_size(to, size, err);
        end = SP_MIN(end, size);
        rc = copy_stretch(c, from, to, start, end, err);
        if (rc != SPATE_OK)
            return rc;
    }
}

static int copy_data(sp_copier *c, sp_walker *from, sp_walker *to, const sp_entry *entry, spate_error *err)
{
    if (entry->stored < entry->size)
        return copy_sparse(c, from, to, entry->size, err);
    return copy_stretch(c, from, to, 0, entry->size, err);
}

static bool changed(const sp_entry *before, const sp_entry *after)
{
    return before->size != after->size || before->modified_ns != after->modified_ns ||
           before->changed_ns != after->changed_ns;
}

/* ---- files ---- */

/* Both files are open. SPATE_E_RETRY: the source changed. */
static int fill_file(sp_copier *c, sp_walker *from, sp_walker *to, const sp_entry *entry, spate_error *err)
{
    int rc = copy_data(c, from, to, entry, err);
    if (rc == SPATE_OK && c->keep & SP_KEEP_ATTRIBUTES)
        rc = from->tree->ops->attributes(from, NULL, &c->attributes, err);
    sp_entry after;
    if (rc == SPATE_OK)
        rc = from->tree->ops->look_again(from, &after, err);
    if (rc == SPATE_OK && changed(entry, &after))
        return sp_fail(err, SPATE_E_RETRY, "the file changed while it was copied");
    if (rc == SPATE_OK)
        rc = to->tree->ops->set_meta(to, NULL, entry, &c->attributes, c->keep, err);
    if (rc == SPATE_OK && c->sync_each)
        rc = to->tree->ops->sync_file(to, err);
    return rc;
}

/* Where nothing is to be replaced, and where the file system can, the file has no name until it is finished. */
static int open_target(sp_walker *to, const char *temp, bool replace, const sp_entry *entry, bool *unnamed,
                       spate_error *err)
{
    int rc = SPATE_OK;
    *unnamed = false;
    if (!replace && to->tree->ops->create_unnamed)
        rc = to->tree->ops->create_unnamed(to, entry, unnamed, err);
    return rc == SPATE_OK && !*unnamed ? to->tree->ops->create(to, temp, entry, err) : rc;
}

static int name_target(sp_walker *to, const char *name, const char *temp, bool replace, bool unnamed, spate_error *err)
{
    return unnamed ? to->tree->ops->give_name(to, name, err) : to->tree->ops->rename(to, temp, name, replace, err);
}

static int make_file(sp_copier *c, sp_walker *from, sp_walker *to, const char *name, const char *temp, bool replace,
                     sp_entry *entry, spate_error *err)
{
    bool unnamed;
    int rc = from->tree->ops->open(from, name, entry, err);
    if (rc != SPATE_OK)
        return rc;
    rc = open_target(to, temp, replace, entry, &unnamed, err);
    if (rc == SPATE_OK) {
        rc = fill_file(c, from, to, entry, err);
        if (rc == SPATE_OK)
            rc = name_target(to, name, temp, replace, unnamed, err);
        to->tree->ops->close_file(to);
    }
    from->tree->ops->close_file(from);
    return rc;
}

/* ---- links and special files ---- */

static int make_other(sp_copier *c, sp_walker *from, sp_walker *to, const char *name, const char *temp, bool replace,
                      const sp_entry *entry, spate_error *err)
{
    int rc = SPATE_OK;
    if (entry->type == SP_ENTRY_SYMLINK)
        rc = from->tree->ops->read_link(from, name, &c->target, err);
    if (rc == SPATE_OK && c->keep & SP_KEEP_ATTRIBUTES)
        rc = from->tree->ops->attributes(from, name, &c->attributes, err);
    if (rc == SPATE_OK)
        rc = to->tree->ops->remove(to, temp, false, err);
    if (rc == SPATE_OK)
        rc = to->tree->ops->make(to, temp, entry, c->target.data, err);
    if (rc == SPATE_OK)
        rc = to->tree->ops->set_meta(to, temp, entry, &c->attributes, c->keep, err);
    return rc == SPATE_OK ? to->tree->ops->rename(to, temp, name, replace, err) : rc;
}

static int make_one(sp_copier *c, sp_walker *from, sp_walker *to, const char *name, const char *temp, bool replace,
                    sp_entry *entry, spate_error *err)
{
    if (entry->type == SP_ENTRY_FILE)
        return make_file(c, from, to, name, temp, replace, entry, err);
    int rc = from->tree->ops->stat(from, name, entry, err);
    if (rc != SPATE_OK)
        return rc;
    if (entry->type == SP_ENTRY_FILE)
        return make_file(c, from, to, name, temp, replace, entry, err);
    if (entry->type != SP_ENTRY_SYMLINK && entry->type != SP_ENTRY_SPECIAL)
        return sp_fail(err, SPATE_E_DATA, "\"%s\" is something else than it was when it was listed", name);
    return make_other(c, from, to, name, temp, replace, entry, err);
}

int sp_copy_one(sp_copier *c, sp_walker *from, sp_walker *to, const char *name, bool replace, sp_entry *entry,
                spate_error *err)
{
    char temp[SP_COPY_TEMP_NAME];
    sp_copy_temp_name(name, temp);
    int rc = SPATE_E_RETRY;
    for (int i = 0; i < SP_COPY_TRIES && rc == SPATE_E_RETRY; i++)
        rc = make_one(c, from, to, name, temp, replace, entry, err);
    if (rc != SPATE_OK)
        (void)to->tree->ops->remove(to, temp, false, NULL); /* what is left is overwritten by the next try */
    return rc == SPATE_E_RETRY ? sp_fail_context(err, SPATE_E_DATA, "\"%s\", %d times", name, SP_COPY_TRIES) : rc;
}

int sp_copy_meta(sp_copier *c, sp_walker *from, sp_walker *to, const char *name, spate_error *err)
{
    sp_entry entry;
    int rc = from->tree->ops->stat(from, name, &entry, err);
    if (rc == SPATE_OK && c->keep & SP_KEEP_ATTRIBUTES)
        rc = from->tree->ops->attributes(from, name, &c->attributes, err);
    return rc == SPATE_OK ? to->tree->ops->set_meta(to, name, &entry, &c->attributes, c->keep, err) : rc;
}

/* Linking never replaces, so the new name goes through a temporary one too. Renaming one name of a file to another of the same
 * file does nothing at all: the temporary name is removed in any case. */
int sp_copy_link(sp_walker *to, sp_str existing_path, const char *name, bool replace, spate_error *err)
{
    char temp[SP_COPY_TEMP_NAME];
    sp_copy_temp_name(name, temp);
    const sp_tree_ops *ops = to->tree->ops;
    int rc = ops->remove(to, temp, false, err);
    if (rc == SPATE_OK)
        rc = ops->link(to, existing_path, temp, err);
    if (rc == SPATE_OK)
        rc = ops->rename(to, temp, name, replace, err);
    int cleaned = ops->remove(to, temp, false, rc == SPATE_OK ? err : NULL);
    return rc != SPATE_OK ? rc : cleaned;
}

/* ---- comparing ---- */

static bool times_differ(int64_t a, int64_t b, int64_t grain)
{
    return a > b ? a - b >= grain : b - a >= grain;
}

sp_difference sp_compare(const sp_entry *a, const sp_entry *b, int64_t grain_ns, unsigned keep)
{
    if (a->type != b->type)
        return SP_DIFFERS_TYPE;
    bool late = times_differ(a->modified_ns, b->modified_ns, grain_ns);
    if (a->type == SP_ENTRY_FILE && (a->size != b->size || late))
        return SP_DIFFERS_DATA;
    if ((a->type == SP_ENTRY_SYMLINK && a->size != b->size) || a->special != b->special)
        return SP_DIFFERS_DATA;
    bool owner = keep & SP_KEEP_OWNER && (a->user != b->user || a->group != b->group);
    bool mode = a->type != SP_ENTRY_SYMLINK && a->mode != b->mode;
    return owner || mode || late ? SP_DIFFERS_META : SP_SAME;
}

int sp_compare_name(sp_walker *a, sp_walker *b, const char *name, int64_t grain_ns, unsigned keep, sp_difference *how,
                    spate_error *err)
{
    sp_entry left, right;
    int rc = a->tree->ops->stat(a, name, &left, err);
    if (rc == SPATE_OK)
        rc = b->tree->ops->stat(b, name, &right, err);
    if (rc == SPATE_OK)
        *how = sp_compare(&left, &right, grain_ns, keep);
    return rc;
}

/* Of the open file, size bytes as it had when it was opened. */
static int hash_open(sp_copier *c, sp_walker *w, uint64_t size, uint64_t *hash, spate_error *err)
{
    int rc = SPATE_OK;
    sp_hasher h;
    sp_hasher_init(&h);
    size_t got = 1;
    for (uint64_t at = 0; rc == SPATE_OK && got && at < size; at += got) {
        rc = stopped(c)
                 ? sp_fail(err, SPATE_E_INTERRUPTED, "interrupted")
                 : w->tree->ops->read(w, c->buffer, (size_t)SP_MIN(size - at, (uint64_t)BUFFER_BYTES), at, &got, err);
        if (rc == SPATE_OK)
            sp_hasher_add(&h, c->buffer, got);
    }
    *hash = sp_hasher_end(&h);
    return rc;
}

static int compare_open(sp_copier *c, sp_walker *a, sp_walker *b, const sp_entry *left, const char *name,
                        int64_t grain_ns, unsigned keep, sp_difference *how, bool *same, spate_error *err)
{
    sp_entry right;
    uint64_t hash[2] = {0, 0};
    int rc = b->tree->ops->open(b, name, &right, err);
    if (rc != SPATE_OK)
        return rc;
    *how = sp_compare(left, &right, grain_ns, keep);
    if (*how == SP_SAME)
        rc = hash_open(c, a, left->size, &hash[0], err);
    if (*how == SP_SAME && rc == SPATE_OK)
        rc = hash_open(c, b, right.size, &hash[1], err);
    b->tree->ops->close_file(b);
    *same = hash[0] == hash[1];
    return rc;
}

static int compare_links(sp_copier *c, sp_walker *a, sp_walker *b, const char *name, bool *same, spate_error *err)
{
    int rc = a->tree->ops->read_link(a, name, &c->target, err);
    uint64_t hash = rc == SPATE_OK ? sp_hash64(c->target.data, c->target.len, 0) : 0;
    if (rc == SPATE_OK)
        rc = b->tree->ops->read_link(b, name, &c->target, err);
    *same = rc == SPATE_OK && hash == sp_hash64(c->target.data, c->target.len, 0);
    return rc;
}

int sp_compare_content(sp_copier *c, sp_walker *a, sp_walker *b, const char *name, bool symlink, int64_t grain_ns,
                       unsigned keep, sp_difference *how, bool *same, spate_error *err)
{
    sp_entry left;
    if (symlink) {
        int rc = sp_compare_name(a, b, name, grain_ns, keep, how, err);
        return rc == SPATE_OK && *how == SP_SAME ? compare_links(c, a, b, name, same, err) : rc;
    }
    int rc = a->tree->ops->open(a, name, &left, err);
    if (rc != SPATE_OK)
        return rc;
    rc = compare_open(c, a, b, &left, name, grain_ns, keep, how, same, err);
    a->tree->ops->close_file(a);
    return rc;
}
