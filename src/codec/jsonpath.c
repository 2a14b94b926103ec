/* jsonpath.c - finds the values that paths lead to, in one pass over a document, whatever the number of paths.
 *
 * Each path is so many places in a set: place i of it means that its first i steps have led to the value at hand. All paths share one
 * set of bits, and each depth of the document has a set of its own, made of the one above it. Where a path's last place is reached, the
 * value is told and passed over. */
#include "codec/json.h"

struct sp_json_finder {
    const sp_json_step **steps; /* of a bit: the step that goes on from there; NULL: the path ends there */
    uint32_t *path;             /* of a bit */
    uint32_t n_bits, n_words;
    uint64_t *sets; /* SP_JSON_DEPTH_MAX + 2 of n_words */
    sp_buf key, text;
    sp_json_found_fn *found;
    void *arg;
};

int sp_json_finder_new(const sp_json_path *const *paths, uint32_t n, sp_json_finder **out, spate_error *err)
{
    sp_json_finder *f = sp_alloc_zero(1, sizeof(*f));
    if (!f)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        f->n_bits += paths[i]->n + 1;
    f->n_words = f->n_bits / 64 + 1;
    f->steps = sp_alloc_zero(f->n_bits, sizeof(*f->steps));
    f->path = sp_alloc_zero(f->n_bits, sizeof(*f->path));
    f->sets = sp_alloc_zero((size_t)f->n_words * (SP_JSON_DEPTH_MAX + 2), sizeof(*f->sets));
    if (!f->steps || !f->path || !f->sets) {
        sp_json_finder_free(f);
        return sp_fail_nomem(err);
    }
    for (uint32_t i = 0, bit = 0; i < n; i++) {
        f->sets[bit / 64] |= UINT64_C(1) << bit % 64; /* nothing of any path is gone yet */
        for (uint32_t k = 0; k <= paths[i]->n; k++, bit++) {
            f->steps[bit] = k < paths[i]->n ? &paths[i]->steps[k] : NULL;
            f->path[bit] = i;
        }
    }
    *out = f;
    return SPATE_OK;
}

void sp_json_finder_free(sp_json_finder *f)
{
    if (!f)
        return;
    sp_buf_done(&f->key);
    sp_buf_done(&f->text);
    sp_free(f->steps);
    sp_free(f->path);
    sp_free(f->sets);
    sp_free(f);
}

/* ---- sets ---- */

static bool leads(const sp_json_step *s, bool member, sp_str key, uint64_t item)
{
    switch (s->kind) {
    case SP_JSON_NAMED: return member && sp_str_eq(s->name, key);
    case SP_JSON_ITEM: return !member && s->item == item;
    case SP_JSON_ANY: return true;
    }
    return false;
}

/* Makes the set of a member or an item of a value that is depth deep. The path that ends there, or -1; *more: some path goes on. */
static int64_t enter(sp_json_finder *f, unsigned depth, bool member, sp_str key, uint64_t item, bool *more)
{
    const uint64_t *from = f->sets + (size_t)depth * f->n_words;
    uint64_t *to = f->sets + (size_t)(depth + 1) * f->n_words;
    int64_t ends = -1;
    *more = false;
    memset(to, 0, f->n_words * sizeof(*to));
    for (uint32_t w = 0; w < f->n_words; w++)
        for (uint64_t left = from[w]; left; left &= left - 1) {
            uint32_t bit = w * 64 + (uint32_t)__builtin_ctzll(left);
            const sp_json_step *s = f->steps[bit];
            if (!s)
                continue;
            if (s->deep)
                to[bit / 64] |= UINT64_C(1) << bit % 64;
            *more = *more || s->deep;
            if (!leads(s, member, key, item))
                continue;
            *more = true;
            to[(bit + 1) / 64] |= UINT64_C(1) << (bit + 1) % 64;
            if (!f->steps[bit + 1] && ends < 0)
                ends = f->path[bit + 1];
        }
    return ends;
}

/* ---- the document ---- */

static int walk(sp_json_finder *f, sp_json *j, unsigned depth);

/* What is between quotes without its escapes; with them, if they are no text. */
static int plain(sp_str raw, sp_buf *room, sp_str *text)
{
    int rc = sp_json_unescape(raw, room);
    *text = rc == SPATE_OK ? (sp_str){room->data, room->len} : raw;
    return rc == SPATE_E_DATA ? SPATE_OK : rc;
}

static int tell(sp_json_finder *f, sp_json *j, unsigned depth, uint32_t path)
{
    sp_json_skip_space(j);
    const char *start = j->p;
    if (!sp_json_skip_value(j, depth))
        return SPATE_E_DATA;
    sp_str raw = {start, (size_t)(j->p - start)}, text = raw;
    if (*start == 'n')
        return SPATE_OK;
    int rc = *start == '"' ? plain((sp_str){raw.p + 1, raw.len - 2}, &f->text, &text) : SPATE_OK;
    return rc == SPATE_OK ? f->found(f->arg, path, raw, text) : rc;
}

static int child(sp_json_finder *f, sp_json *j, unsigned depth, bool member, sp_str key, uint64_t item)
{
    bool more;
    int64_t ends = enter(f, depth, member, key, item, &more);
    if (ends >= 0)
        return tell(f, j, depth + 1, (uint32_t)ends);
    if (more)
        return walk(f, j, depth + 1);
    return sp_json_skip_value(j, depth + 1) ? SPATE_OK : SPATE_E_DATA;
}

static int member(sp_json_finder *f, sp_json *j, unsigned depth)
{
    sp_str key;
    bool escapes;
    if (!sp_json_take(j, '"') || !sp_json_take_string(j, &key, &escapes) || !sp_json_take(j, ':'))
        return SPATE_E_DATA;
    int rc = escapes ? plain(key, &f->key, &key) : SPATE_OK;
    return rc == SPATE_OK ? child(f, j, depth, true, key, 0) : rc;
}

static int inside(sp_json_finder *f, sp_json *j, char close, unsigned depth)
{
    int rc = depth == SP_JSON_DEPTH_MAX ? SPATE_E_DATA : SPATE_OK;
    if (rc == SPATE_OK && sp_json_take(j, close))
        return rc;
    bool more = true;
    for (uint64_t item = 0; rc == SPATE_OK && more; item++) {
        rc = close == '}' ? member(f, j, depth) : child(f, j, depth, false, (sp_str){"", 0}, item);
        more = rc == SPATE_OK && sp_json_take(j, ',');
    }
    return rc == SPATE_OK && !sp_json_take(j, close) ? SPATE_E_DATA : rc;
}

static int walk(sp_json_finder *f, sp_json *j, unsigned depth)
{
    sp_json_skip_space(j);
    char c = j->p < j->end ? *j->p : '\0';
    if (c != '{' && c != '[')
        return sp_json_skip_value(j, depth) ? SPATE_OK : SPATE_E_DATA;
    j->p++;
    return inside(f, j, c == '{' ? '}' : ']', depth);
}

int sp_json_find(sp_json_finder *f, sp_str document, sp_json_found_fn *found, void *arg)
{
    sp_json j = {document.p, document.p + document.len};
    f->found = found;
    f->arg = arg;
    int rc = walk(f, &j, 0);
    sp_json_skip_space(&j);
    return rc == SPATE_OK && j.p < j.end ? SPATE_E_DATA : rc;
}
