/* dict.c - the distinct cells of a column, in the order they first come. */
#include "store/segment.h"

struct sp_dict {
    uint32_t *slots; /* 1 + entry */
    uint32_t slots_cap;
};

sp_dict *sp_dict_new(void)
{
    return sp_alloc_zero(1, sizeof(sp_dict));
}

void sp_dict_free(sp_dict *d)
{
    if (d)
        sp_free(d->slots);
    sp_free(d);
}

static bool make_room(sp_dict *d, uint32_t max)
{
    uint32_t want = 64;
    while (want < 4 * max)
        want *= 2;
    if (want > d->slots_cap) {
        uint32_t *slots = sp_realloc(d->slots, (size_t)want * sizeof *slots);
        if (!slots)
            return false;
        d->slots = slots;
        d->slots_cap = want;
    }
    memset(d->slots, 0, (size_t)d->slots_cap * sizeof *d->slots);
    return true;
}

static sp_str cell_of(const sp_flat *f, uint32_t width, uint32_t i)
{
    if (width)
        return (sp_str){(const char *)f->data + (size_t)i * width, width};
    return (sp_str){f->bytes + f->offsets[i], (size_t)(f->offsets[i + 1] - f->offsets[i])};
}

static uint64_t hash_of(sp_str s)
{
    if (s.len != 8)
        return sp_hash64(s.p, s.len, 0);
    uint64_t v;
    memcpy(&v, s.p, 8);
    return sp_mix64(v);
}

uint32_t sp_dict_build(sp_dict *d, const sp_flat *f, uint32_t max, sp_buf *codes)
{
    codes->len = 0;
    if (sp_buf_reserve(codes, ((size_t)f->n + max) * 4) != SPATE_OK || !make_room(d, max))
        return 0;
    uint32_t *code = (uint32_t *)codes->data, *first = code + f->n, n = 0, mask = d->slots_cap - 1;
    uint32_t width = sp_kind_width(f->type.kind);
    for (uint32_t i = 0; i < f->n; i++) {
        sp_str s = cell_of(f, width, i);
        uint32_t at = (uint32_t)hash_of(s) & mask;
        while (d->slots[at] && !sp_str_eq(s, cell_of(f, width, first[d->slots[at] - 1])))
            at = (at + 1) & mask;
        if (!d->slots[at]) {
            if (n == max)
                return 0;
            first[n] = i;
            d->slots[at] = ++n;
        }
        code[i] = d->slots[at] - 1;
    }
    return n;
}
