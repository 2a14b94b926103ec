/* local_meta.c - what local files have besides their bytes: owner, mode, times and extended attributes, access lists among these.
 *
 * Attributes are compared as bytes, so they are told in the order of their names: each a name with its NUL, a length of four bytes
 * and the value. Of a file that was made a moment ago most is right already; how such files are born is looked at once a folder. */
#include "os/at.h"
#include "tree/local.h"

/* What the calls of at.h take for a name of ours: "" and NULL are descriptors. */
static int descriptor_of(const sp_local_walker *w, const char **name)
{
    int fd = *name ? w->folder : w->file;
    if (*name && !(*name)[0])
        *name = NULL;
    return fd;
}

/* Sorted insertion: there are few. */
static size_t sort_names(char *names, size_t len, const char **sorted, size_t max)
{
    size_t n = 0;
    for (size_t at = 0; at < len && n < max; at += strlen(names + at) + 1) {
        size_t i = n++;
        for (; i > 0 && strcmp(sorted[i - 1], names + at) > 0; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = names + at;
    }
    return n;
}

enum { ATTRIBUTES_COUNT_MAX = 1024 };

static int add_attribute(sp_local_walker *w, int fd, const char *name, const char *attribute, sp_buf *out,
                         spate_error *err)
{
    char *value = w->values + SP_LOCAL_ATTRIBUTES_MAX;
    ssize_t len = sp_at_get_attribute(fd, name, attribute, value, SP_LOCAL_ATTRIBUTES_MAX);
    if (len == -ENODATA || sp_local_unsupported(len))
        return SPATE_OK;
    if (len < 0)
        return sp_local_failed(w, "read an attribute of", name ? name : w->file_name, (int)len, err);
    uint32_t size = (uint32_t)len;
    if (sp_buf_add(out, attribute, strlen(attribute) + 1) || sp_buf_add(out, &size, sizeof size) ||
        sp_buf_add(out, value, size))
        return sp_fail_nomem(err);
    return SPATE_OK;
}

int sp_local_attributes(sp_walker *base, const char *of, sp_buf *attributes, spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    const char *name = of;
    int fd = descriptor_of(w, &name);
    attributes->len = 0;
    ssize_t len = sp_at_list_attributes(fd, name, w->values, SP_LOCAL_ATTRIBUTES_MAX);
    if (len == 0 || sp_local_unsupported(len))
        return SPATE_OK;
    if (len < 0)
        return sp_local_failed(w, "list the attributes of", of ? of : w->file_name, (int)len, err);
    const char *sorted[ATTRIBUTES_COUNT_MAX];
    size_t n = sort_names(w->values, (size_t)len, sorted, ATTRIBUTES_COUNT_MAX);
    int rc = SPATE_OK;
    for (size_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = add_attribute(w, fd, name, sorted[i], attributes, err);
    return rc;
}

static bool has_attribute(const sp_buf *attributes, const char *name)
{
    for (size_t at = 0; at < attributes->len;) {
        const char *have = attributes->data + at;
        uint32_t size;
        at += strlen(have) + 1;
        memcpy(&size, attributes->data + at, sizeof size);
        at += sizeof size + size;
        if (strcmp(have, name) == 0)
            return true;
    }
    return false;
}

/* What the new file inherited from its folder, or the old one had, and the source has not. Labels of the security modules stay:
 * they are the system's own, here. */
static int drop_others(sp_local_walker *w, int fd, const char *name, const sp_buf *attributes)
{
    ssize_t len = sp_at_list_attributes(fd, name, w->values, SP_LOCAL_ATTRIBUTES_MAX);
    if (len <= 0)
        return sp_local_unsupported(len) ? 0 : (int)len;
    for (char *have = w->values; have < w->values + len; have += strlen(have) + 1) {
        if (strncmp(have, "security.", 9) == 0 || has_attribute(attributes, have))
            continue;
        int rc = sp_at_drop_attribute(fd, name, have);
        if (rc != 0 && rc != -ENODATA)
            return rc;
    }
    return 0;
}

static int set_attributes(sp_local_walker *w, int fd, const char *name, const sp_buf *attributes)
{
    int rc = drop_others(w, fd, name, attributes);
    for (size_t at = 0; at < attributes->len && rc == 0;) {
        const char *attribute = attributes->data + at;
        uint32_t size;
        at += strlen(attribute) + 1;
        memcpy(&size, attributes->data + at, sizeof size);
        at += sizeof size;
        rc = sp_at_set_attribute(fd, name, attribute, attributes->data + at, size);
        at += size;
        if ((sp_local_unsupported(rc) || rc == -EPERM) && strncmp(attribute, "security.", 9) == 0)
            rc = 0;
    }
    return rc;
}

static bool folder_inherits(sp_local_walker *w)
{
    if (w->inherits == INHERITS_UNKNOWN) {
        long len = sp_at_get_attribute(w->folder, NULL, "system.posix_acl_default", NULL, 0);
        w->inherits = len == -ENODATA || sp_local_unsupported(len) ? INHERITS_NOT : INHERITS;
    }
    return w->inherits == INHERITS;
}

/* How the open file was born: looked at once for all of the folder that were asked for alike. */
static int look_at_new(sp_local_walker *w)
{
    struct statx st;
    if (w->born.known && w->born.asked == w->asked_mode)
        return 0;
    int rc = sp_at_stat(w->file, "", &st);
    w->born.known = rc == 0;
    if (rc == 0) {
        w->born.asked = w->asked_mode;
        w->born.user = st.stx_uid;
        w->born.group = st.stx_gid;
        w->born.mode = st.stx_mode & 07777;
    }
    return rc;
}

/* Of the open file, which was made a moment ago: most of it is right already. */
static int set_meta_of_new(sp_local_walker *w, const sp_entry *entry, const sp_buf *attributes, unsigned keep,
                           const char **what)
{
    *what = "look at";
    int rc = look_at_new(w);
    bool owner = keep & SP_KEEP_OWNER && (w->born.user != entry->user || w->born.group != entry->group);
    bool more = keep & SP_KEEP_ATTRIBUTES && attributes && (attributes->len || folder_inherits(w));
    if (rc == 0 && owner) {
        *what = "set the owner of";
        rc = sp_at_set_owner(w->file, NULL, entry->user, entry->group);
    }
    if (rc == 0 && more) {
        *what = "set the attributes of";
        rc = set_attributes(w, w->file, NULL, attributes);
    }
    if (rc == 0 && (owner || more || w->born.mode != entry->mode)) {
        *what = "set the mode of";
        rc = sp_at_set_mode(w->file, NULL, entry->mode);
    }
    if (rc != 0)
        return rc;
    *what = "set the times of";
    return sp_at_set_times(w->file, NULL, entry->accessed_ns, entry->modified_ns);
}

static int set_meta_of(sp_local_walker *w, const char *of, const sp_entry *entry, const sp_buf *attributes,
                       unsigned keep, const char **what)
{
    const char *name = of;
    int fd = descriptor_of(w, &name);
    *what = "set the owner of";
    int rc = keep & SP_KEEP_OWNER ? sp_at_set_owner(fd, name, entry->user, entry->group) : 0;
    if (rc == 0 && keep & SP_KEEP_ATTRIBUTES && attributes) {
        *what = "set the attributes of";
        rc = set_attributes(w, fd, name, attributes);
    }
    if (rc == 0 && entry->type != SP_ENTRY_SYMLINK) {
        *what = "set the mode of";
        rc = sp_at_set_mode(fd, name, entry->mode);
    }
    if (rc != 0)
        return rc;
    *what = "set the times of";
    return sp_at_set_times(fd, name, entry->accessed_ns, entry->modified_ns);
}

int sp_local_set_meta(sp_walker *base, const char *of, const sp_entry *entry, const sp_buf *attributes, unsigned keep,
                      spate_error *err)
{
    sp_local_walker *w = (sp_local_walker *)base;
    const char *what;
    int rc =
        of ? set_meta_of(w, of, entry, attributes, keep, &what) : set_meta_of_new(w, entry, attributes, keep, &what);
    return rc ? sp_local_failed(w, what, of ? of : w->file_name, rc, err) : SPATE_OK;
}
