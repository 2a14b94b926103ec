/* texts.c - cells of any length: as a dictionary, compressed by symbols, or as they are. */
#include "store/segment.h"

enum {
    PLAN_AGE_MAX = 16,
    DICT_MAX = 65536,
    COMPRESS_MIN = 1024, /* bytes of all cells: less is not worth a table of symbols */
    WINDOW_CODES = 1024, /* read at once: their positions stay in the first cache */
};

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static uint64_t prefix_of(const char *p, size_t len)
{
    uint64_t v = 0;
    memcpy(&v, p, SP_MIN(len, (size_t)8));
    return __builtin_bswap64(v);
}

static void put_range(const sp_flat *f, sp_segment_entry *entry)
{
    uint64_t min = UINT64_MAX, max = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        uint64_t v = prefix_of(f->bytes + f->offsets[i], (size_t)(f->offsets[i + 1] - f->offsets[i]));
        min = SP_MIN(min, v);
        max = SP_MAX(max, v);
    }
    entry->min = min;
    entry->max = max;
    entry->flags |= SP_SEGMENT_HAS_RANGE;
}

/* Where each cell ends, counted from the first one's start. */
static int put_ends(sp_encoder *e, const int32_t *offsets, uint32_t n, sp_ints_plan *plan, sp_buf *out)
{
    e->ends.len = 0;
    if (sp_buf_reserve(&e->ends, (size_t)n * 4) != SPATE_OK)
        return SPATE_E_NOMEM;
    int32_t *ends = (int32_t *)e->ends.data;
    for (uint32_t i = 0; i < n; i++)
        ends[i] = offsets[i + 1] - offsets[0];
    sp_ints_source source = {.as = SP_AS_32, .data = ends, .count = n};
    return sp_ints_encode(e->k, &source, plan, out, NULL);
}

/* Compresses every cell into e->text, their ends into e->offsets-like ends. False: it does not pay. */
static int compress(sp_encoder *e, const sp_flat *f, bool *pays)
{
    size_t total = (size_t)(f->offsets[f->n] - f->offsets[0]);
    *pays = false;
    if (total < COMPRESS_MIN || e->presser) /* which finds more in texts as they are */
        return SPATE_OK;
    e->text.len = e->codes.len = 0;
    if (sp_buf_reserve(&e->text, total * SP_FSST_GROWS + SP_FSST_TABLE_MAX) != SPATE_OK ||
        sp_buf_reserve(&e->codes, ((size_t)f->n + 1) * 4) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (!e->fsst_learnt)
        sp_fsst_learn(e->fsst, f->bytes, f->offsets, f->n);
    int32_t *ends = (int32_t *)e->codes.data;
    char *p = e->text.data;
    ends[0] = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        p = sp_fsst_put(e->fsst, f->bytes + f->offsets[i], (size_t)(f->offsets[i + 1] - f->offsets[i]), p);
        ends[i + 1] = (int32_t)(p - e->text.data);
    }
    e->text.len = (size_t)(p - e->text.data);
    *pays = e->text.len + SP_FSST_TABLE_MAX < total - total / 10;
    return SPATE_OK;
}

static int put_plain(sp_encoder *e, const sp_flat *f, sp_ints_plan *plan, sp_buf *out, uint8_t *encoding)
{
    bool pays;
    int rc = compress(e, f, &pays);
    if (rc != SPATE_OK)
        return rc;
    *encoding = pays ? SP_ENC_FSST : SP_ENC_TEXT;
    rc = put_ends(e, pays ? (const int32_t *)e->codes.data : f->offsets, f->n, plan, out);
    if (rc != SPATE_OK)
        return rc;
    if (!pays)
        return sp_buf_add(out, f->bytes + f->offsets[0], (size_t)(f->offsets[f->n] - f->offsets[0]));
    if (sp_buf_reserve(out, SP_FSST_TABLE_MAX) != SPATE_OK)
        return SPATE_E_NOMEM;
    out->len += sp_fsst_put_table(e->fsst, out->data + out->len);
    return sp_buf_add(out, e->text.data, e->text.len);
}

/* The entries of a dictionary, gathered behind one another. */
static int gather_entries(sp_encoder *e, const sp_flat *f, const uint32_t *first, uint32_t n, sp_flat *entries)
{
    e->bytes.len = e->offsets.len = 0;
    if (sp_buf_reserve(&e->offsets, ((size_t)n + 1) * 4) != SPATE_OK)
        return SPATE_E_NOMEM;
    int32_t *offsets = (int32_t *)e->offsets.data;
    offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t len = (size_t)(f->offsets[first[i] + 1] - f->offsets[first[i]]);
        if (sp_buf_add(&e->bytes, f->bytes + f->offsets[first[i]], len) != SPATE_OK)
            return SPATE_E_NOMEM;
        offsets[i + 1] = (int32_t)e->bytes.len;
    }
    if (sp_buf_reserve(&e->bytes, 1) != SPATE_OK)
        return SPATE_E_NOMEM;
    *entries = (sp_flat){.type = f->type, .n = n, .offsets = offsets, .bytes = e->bytes.data};
    return SPATE_OK;
}

static void pad(sp_buf *out, size_t from)
{
    while ((out->len - from) % 8)
        out->data[out->len++] = 0; /* a buffer has room behind its end */
}

static int put_dict(sp_encoder *e, const sp_flat *f, sp_segment_plan *plan, sp_buf *out, sp_segment_header *h,
                    bool *done)
{
    uint32_t n = sp_dict_build(e->dict, f, SP_MIN(f->n / 4, (uint32_t)DICT_MAX), &e->data);
    *done = false;
    if (n == 0)
        return SPATE_OK;
    const uint32_t *code = (const uint32_t *)e->data.data, *first = code + f->n;
    sp_flat entries;
    int rc = gather_entries(e, f, first, n, &entries);
    if (rc != SPATE_OK)
        return rc;
    size_t total = (size_t)(f->offsets[f->n] - f->offsets[0]);
    if (e->bytes.len + (size_t)f->n * sp_bits_of(n) / 8 > total / 2)
        return SPATE_OK;
    *done = true;
    h->encoding = SP_ENC_DICT;
    size_t start = out->len;
    sp_segment_header inner = {.kind = (uint8_t)f->type.kind, .rows = n, .values = n};
    rc = sp_buf_add(out, &inner, sizeof inner);
    if (rc == SPATE_OK)
        rc = put_plain(e, &entries, NULL, out, &inner.encoding);
    if (rc != SPATE_OK || sp_buf_reserve(out, 8) != SPATE_OK)
        return SPATE_E_NOMEM;
    pad(out, start);
    inner.bytes = (uint32_t)(out->len - start);
    memcpy(out->data + start, &inner, sizeof inner);
    sp_ints_source codes = {.as = SP_AS_32, .data = code, .count = f->n};
    return sp_ints_encode(e->k, &codes, &plan->ints, out, NULL);
}

static bool all_equal(const sp_flat *f)
{
    size_t len = (size_t)(f->offsets[1] - f->offsets[0]);
    for (uint32_t i = 1; i < f->n; i++)
        if ((size_t)(f->offsets[i + 1] - f->offsets[i]) != len ||
            memcmp(f->bytes + f->offsets[i], f->bytes + f->offsets[0], len) != 0)
            return false;
    return true;
}

int sp_texts_encode(sp_encoder *e, const sp_flat *f, sp_segment_plan *plan, sp_buf *out, sp_segment_header *h,
                    sp_segment_entry *entry)
{
    put_range(f, entry);
    if (all_equal(f)) {
        h->encoding = SP_ENC_CONST;
        return sp_buf_add(out, f->bytes + f->offsets[0], (size_t)(f->offsets[1] - f->offsets[0]));
    }
    if (!plan->known || plan->age++ >= PLAN_AGE_MAX) {
        sp_segment_plan *item = plan->item;
        *plan = (sp_segment_plan){.known = true, .item = item, .encoding = SP_ENC_DICT};
    }
    if (plan->encoding == SP_ENC_DICT) {
        bool done;
        int rc = put_dict(e, f, plan, out, h, &done);
        if (rc != SPATE_OK || done)
            return rc;
        plan->encoding = SP_ENC_TEXT;
        plan->ints = (sp_ints_plan){0};
    }
    return put_plain(e, f, &plan->ints, out, &h->encoding);
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

bool sp_texts_open(sp_segment *s)
{
    if (s->encoding == SP_ENC_CONST) {
        s->text = s->body;
        s->text_bytes = s->body_bytes;
        return true;
    }
    if (!sp_ints_parse(s->body, s->body_bytes, 32, &s->ints) || s->ints.count != s->values)
        return false;
    s->text = s->body + s->ints.size;
    s->text_bytes = s->body_bytes - s->ints.size;
    if (s->encoding == SP_ENC_TEXT)
        return true;
    size_t used;
    if (!s->fsst)
        s->fsst = sp_alloc(sizeof *s->fsst);
    if (!s->fsst || !sp_fsst_parse(s->text, s->text_bytes, s->fsst, &used))
        return false;
    s->text += used;
    s->text_bytes -= used;
    return true;
}

static int reserve(sp_column *out, size_t more)
{
    size_t have = (size_t)out->offsets[0], cap = out->bytes_cap;
    (void)have;
    return more <= cap && out->bytes ? SPATE_OK
                                     : sp_column_reserve_bytes(out, SP_MAX(more, SP_MIN(2 * cap, (size_t)INT32_MAX)));
}

static int read_const(sp_segment *s, uint32_t n, sp_column *out)
{
    /* The padding behind a constant text is not its own: its length is in its header's param and values. */
    size_t len = s->text_bytes;
    if (n && len > INT32_MAX / n)
        return SPATE_E_CORRUPT;
    if (reserve(out, len * n) != SPATE_OK)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        memcpy(out->bytes + i * len, s->text, len);
        out->offsets[i + 1] = (int32_t)((i + 1) * len);
    }
    return SPATE_OK;
}

/* Where n cells that lie one behind the other are: bounds has n + 1 places in the segment's text, which must rise. */
static bool are_bounds(const sp_segment *s, const uint32_t *bounds, uint32_t n)
{
    uint32_t falls = 0;
    for (uint32_t i = 0; i < n; i++)
        falls |= bounds[i + 1] < bounds[i];
    return !falls && bounds[n] <= s->text_bytes;
}

static int read_plain(sp_segment *s, const uint32_t *bounds, uint32_t n, sp_column *out)
{
    if (!are_bounds(s, bounds, n))
        return SPATE_E_CORRUPT;
    uint32_t start = bounds[0], len = bounds[n] - start;
    for (uint32_t i = 0; i <= n; i++)
        out->offsets[i] = (int32_t)(bounds[i] - start);
    if (reserve(out, len) != SPATE_OK)
        return SPATE_E_NOMEM;
    if (len)
        memcpy(out->bytes, s->text + start, len);
    return SPATE_OK;
}

/* The codes of all cells are read as if they were of one, a window at a time; where a cell ends is looked up behind that. */
static int read_compressed(sp_segment *s, const uint32_t *bounds, uint32_t n, sp_column *out)
{
    if (!are_bounds(s, bounds, n))
        return SPATE_E_CORRUPT;
    size_t most = (size_t)(bounds[n] - bounds[0]) * SP_FSST_SHRINKS + 8;
    if (most > INT32_MAX)
        return SPATE_E_CORRUPT;
    if (reserve(out, most) != SPATE_OK)
        return SPATE_E_NOMEM;
    uint32_t at[WINDOW_CODES + 1], from = bounds[0], end = bounds[n], bytes = 0;
    for (uint32_t i = 1, read; i <= n; from += read, bytes += at[read]) {
        uint32_t codes = SP_MIN(end - from, (uint32_t)WINDOW_CODES);
        read = sp_fsst_get(s->fsst, s->text + from, codes, out->bytes + bytes, at);
        if (read == 0 && codes > 0)
            return SPATE_E_CORRUPT;
        for (; i <= n && bounds[i] - from <= read; i++) {
            if (at[bounds[i] - from] == SP_FSST_INSIDE)
                return SPATE_E_CORRUPT;
            out->offsets[i] = (int32_t)(bytes + at[bounds[i] - from]);
        }
    }
    return SPATE_OK;
}

static int read_coded(sp_segment *s, const uint32_t *codes, uint32_t n, sp_column *out)
{
    const sp_column *entries = &s->entries;
    uint32_t n_entries = s->inner->values;
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (codes[i] >= n_entries)
            return SPATE_E_CORRUPT;
        total += (size_t)(entries->offsets[codes[i] + 1] - entries->offsets[codes[i]]);
        if (total > INT32_MAX)
            return SPATE_E_CORRUPT;
        out->offsets[i + 1] = (int32_t)total;
    }
    if (reserve(out, total) != SPATE_OK)
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const char *from = entries->bytes + entries->offsets[codes[i]];
        char *to = out->bytes + out->offsets[i];
        size_t len = (size_t)(out->offsets[i + 1] - out->offsets[i]);
        sp_copy_short(to, from, len); /* what is written behind it is written again by the next */
    }
    return SPATE_OK;
}

int sp_texts_read(sp_segment *s, uint32_t from, uint32_t n, sp_column *out)
{
    out->offsets[0] = 0;
    if (n == 0)
        return SPATE_OK;
    if (s->encoding == SP_ENC_CONST)
        return read_const(s, n, out);
    s->numbers.len = 0;
    if (sp_buf_reserve(&s->numbers, ((size_t)n + 1 + SP_LANES_32) * 4) != SPATE_OK)
        return SPATE_E_NOMEM;
    uint32_t *v = (uint32_t *)s->numbers.data;
    if (s->encoding == SP_ENC_DICT) {
        sp_ints_read(s->k, &s->ints, from, n, SP_AS_32, 0, v);
        return read_coded(s, v, n, out);
    }
    /* Where the first one starts is where the one before it ends. */
    v[0] = 0;
    sp_ints_read(s->k, &s->ints, from ? from - 1 : 0, from ? n + 1 : n, SP_AS_32, 0, from ? v : v + 1);
    return s->encoding == SP_ENC_FSST ? read_compressed(s, v, n, out) : read_plain(s, v, n, out);
}
