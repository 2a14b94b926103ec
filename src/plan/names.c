/* names.c - a hash map from names to pointers, for finding doubles and what a reference means. Open
 * addressing; names are never taken out. */
#include "plan/document.h"

typedef struct sp_name_slot {
    uint64_t hash;
    uint64_t scope;
    sp_str name;
    const void *value;
    bool used;
} sp_name_slot;

static sp_name_slot *find(sp_name_slot *slots, size_t cap, uint64_t hash, uint64_t scope, sp_str name)
{
    for (size_t i = hash & (cap - 1);; i = (i + 1) & (cap - 1)) {
        sp_name_slot *s = &slots[i];
        if (!s->used || (s->hash == hash && s->scope == scope && sp_str_eq(s->name, name)))
            return s;
    }
}

static bool grow(sp_names *names)
{
    size_t cap = names->cap ? names->cap * 2 : 64;
    sp_name_slot *slots = sp_alloc_zero(cap, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; i < names->cap; i++) {
        const sp_name_slot *s = &names->slots[i];
        if (s->used)
            *find(slots, cap, s->hash, s->scope, s->name) = *s;
    }
    sp_free(names->slots);
    names->slots = slots;
    names->cap = cap;
    return true;
}

const void **sp_names_slot(sp_names *names, uint64_t scope, sp_str name)
{
    if (names->n * 2 >= names->cap && !grow(names))
        return NULL;
    uint64_t hash = sp_hash64(name.p, name.len, scope);
    sp_name_slot *s = find(names->slots, names->cap, hash, scope, name);
    if (!s->used) {
        *s = (sp_name_slot){.hash = hash, .scope = scope, .name = name, .used = true};
        names->n++;
    }
    return &s->value;
}

const void *sp_names_get(const sp_names *names, uint64_t scope, sp_str name)
{
    if (!names->cap)
        return NULL;
    return find(names->slots, names->cap, sp_hash64(name.p, name.len, scope), scope, name)->value;
}

void sp_names_done(sp_names *names)
{
    sp_free(names->slots);
    *names = (sp_names){0};
}
