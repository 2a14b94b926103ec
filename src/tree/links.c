/* links.c - files with several names: who copies, and who links to the copy. A table under one lock; only files that have more
 * than one name come here. */
#include "tree/engine.h"

typedef struct link {
    uint64_t hash;
    char *key, *path; /* path NULL: being copied */
    size_t key_len, path_len;
} link;

struct sp_links {
    pthread_mutex_t lock;
    pthread_cond_t told;
    link *slots;
    size_t n, cap; /* cap: a power of two, or 0 */
};

sp_links *sp_links_new(void)
{
    sp_links *l = sp_alloc_zero(1, sizeof *l);
    if (l) {
        pthread_mutex_init(&l->lock, NULL);
        pthread_cond_init(&l->told, NULL);
    }
    return l;
}

void sp_links_free(sp_links *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->cap; i++) {
        sp_free(l->slots[i].key);
        sp_free(l->slots[i].path);
    }
    sp_free(l->slots);
    pthread_cond_destroy(&l->told);
    pthread_mutex_destroy(&l->lock);
    sp_free(l);
}

spate_bytes sp_links_key(const spate_node *node)
{
    bool linked = node->service_id.len > 1 && node->service_id.p[0] == '#';
    return linked ? node->service_id : (spate_bytes){NULL, 0};
}

static link *slot_of(link *slots, size_t cap, uint64_t hash, spate_bytes key)
{
    size_t i = hash & (cap - 1);
    while (slots[i].key &&
           !(slots[i].hash == hash && slots[i].key_len == key.len && memcmp(slots[i].key, key.p, key.len) == 0))
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static bool grow(sp_links *l)
{
    size_t cap = l->cap ? 2 * l->cap : 1024;
    link *slots = sp_alloc_zero(cap, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < l->cap; i++)
        if (l->slots[i].key)
            *slot_of(slots, cap, l->slots[i].hash, (spate_bytes){l->slots[i].key, l->slots[i].key_len}) = l->slots[i];
    sp_free(l->slots);
    l->slots = slots;
    l->cap = cap;
    return true;
}

/* The slot of a key; a new one has no key yet. NULL: no memory. */
static link *find(sp_links *l, spate_bytes key)
{
    if (2 * (l->n + 1) > l->cap && !grow(l))
        return NULL;
    return slot_of(l->slots, l->cap, sp_hash64(key.p, key.len, 0), key);
}

static bool claim(sp_links *l, link *s, spate_bytes key)
{
    char *copy = sp_alloc(key.len);
    if (!copy)
        return false;
    memcpy(copy, key.p, key.len);
    *s = (link){.hash = sp_hash64(key.p, key.len, 0), .key = copy, .key_len = key.len};
    l->n++;
    return true;
}

sp_link_role sp_links_ask(sp_links *l, spate_bytes key, sp_buf *path)
{
    pthread_mutex_lock(&l->lock);
    link *s;
    while ((s = find(l, key)) && s->key && !s->path && s->path_len == 0)
        pthread_cond_wait(&l->told, &l->lock);
    sp_link_role role = SP_LINK_COPY;
    if (!s || (!s->key && !claim(l, s, key)))
        role = SP_LINK_NOMEM;
    else if (s->path) {
        path->len = 0;
        role = sp_buf_add(path, s->path, s->path_len) ? SP_LINK_NOMEM : SP_LINK_TO;
    } else {
        s->path_len = 0; /* the one before could not copy it: our turn */
    }
    pthread_mutex_unlock(&l->lock);
    return role;
}

/* Without memory for the path the next one copies too: two files instead of two names, and nothing lost. */
void sp_links_tell(sp_links *l, spate_bytes key, spate_bytes path, bool there)
{
    pthread_mutex_lock(&l->lock);
    link *s = find(l, key);
    if (s && (s->key || claim(l, s, key)) && !s->path) {
        s->path = there ? sp_alloc(path.len) : NULL;
        s->path_len = s->path ? path.len : SIZE_MAX; /* SIZE_MAX: free to be copied by another */
        if (s->path)
            memcpy(s->path, path.p, path.len);
    }
    pthread_cond_broadcast(&l->told);
    pthread_mutex_unlock(&l->lock);
}
