/* segment.c - the parts that all encodings share: which cells are present, lists, and who reads what. */
#include "store/segment.h"

enum {
    DENSE_FROM = 8, /* one absent number in so many, and absent ones are left out instead of filled */
    PACK_AGAIN = 8, /* segments after one that did not get smaller */
};

/* ---- bits -------------------------------------------------------------------------------------------------------------- */

static uint32_t count_bits(const uint8_t *bits, uint32_t from, uint32_t to)
{
    uint32_t n = 0;
    for (; from < to && from % 64; from++)
        n += sp_bit(bits, from);
    for (; from + 64 <= to; from += 64) {
        uint64_t word;
        memcpy(&word, bits + from / 8, 8);
        n += (uint32_t)__builtin_popcountll(word);
    }
    for (; from < to; from++)
        n += sp_bit(bits, from);
    return n;
}

/* n bits from position from of in, to position 0 of out; the bits behind them in the last byte are 0. */
static void copy_bits(const uint8_t *in, uint32_t from, uint32_t n, uint8_t *out)
{
    uint32_t shift = from % 8, bytes = (n + 7) / 8, last = (from + n + 7) / 8;
    in += from / 8;
    last -= from / 8;
    if (shift == 0)
        memcpy(out, in, bytes);
    else
        for (uint32_t i = 0; i < bytes; i++)
            out[i] = (uint8_t)(in[i] >> shift | (i + 1 < last ? in[i + 1] << (8 - shift) : 0));
    if (n % 8)
        out[bytes - 1] &= (uint8_t)((1u << n % 8) - 1);
}

static size_t bitmap_bytes(uint32_t n)
{
    return ((size_t)n + 63) / 64 * 8;
}

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

sp_encoder *sp_encoder_new(void)
{
    sp_encoder *e = sp_alloc_zero(1, sizeof *e);
    if (!e)
        return NULL;
    e->k = sp_kernels_best();
    e->dict = sp_dict_new();
    e->fsst = sp_fsst_maker_new();
    if (!e->dict || !e->fsst) {
        sp_encoder_free(e);
        return NULL;
    }
    return e;
}

void sp_encoder_free(sp_encoder *e)
{
    if (!e)
        return;
    sp_dict_free(e->dict);
    sp_fsst_maker_free(e->fsst);
    sp_presser_close(e->presser);
    sp_lags_done(&e->lags);
    sp_buf *const bufs[] = {&e->data, &e->offsets,      &e->bytes,      &e->codes, &e->ends,
                            &e->text, &e->flat_offsets, &e->flat_bytes, &e->whole};
    for (size_t i = 0; i < SP_COUNT(bufs); i++)
        sp_buf_done(bufs[i]);
    sp_free(e);
}

int sp_encoder_pack(sp_encoder *e, spate_packing with, spate_error *err)
{
    sp_presser *presser = NULL;
    int rc = with == SPATE_PACKED_NOT ? SPATE_OK : sp_presser_open(with, &presser, err);
    if (rc != SPATE_OK)
        return rc;
    sp_presser_close(e->presser);
    e->presser = presser;
    return SPATE_OK;
}

void sp_encoder_take_rows(sp_encoder *e, const sp_group *group)
{
    sp_lags_find(&e->lags, group);
}

bool sp_encoder_has_lagged(const sp_encoder *e)
{
    return e->has_lagged;
}

const sp_kernels *sp_encoder_kernels(const sp_encoder *e)
{
    return e->k;
}

void sp_segment_plan_done(sp_segment_plan *p)
{
    if (p->item) {
        sp_segment_plan_done(p->item);
        sp_free(p->item);
    }
    *p = (sp_segment_plan){0};
}

static int put_bools(const sp_column *c, uint32_t rows, sp_buf *out, sp_segment_header *h)
{
    uint32_t set = count_bits(c->data, 0, rows);
    if (set == 0 || set == rows) {
        char value[16] = {set != 0};
        h->encoding = SP_ENC_CONST;
        return sp_buf_add(out, value, sizeof value);
    }
    h->encoding = SP_ENC_RAW;
    size_t bytes = bitmap_bytes(rows);
    if (sp_buf_reserve(out, bytes) != SPATE_OK)
        return SPATE_E_NOMEM;
    memset(out->data + out->len, 0, bytes);
    copy_bits(c->data, 0, rows, (uint8_t *)out->data + out->len);
    out->len += bytes;
    return SPATE_OK;
}

static int encode(sp_encoder *e, const sp_column *c, uint32_t rows, unsigned depth, sp_segment_plan *plan, sp_buf *out,
                  sp_segment_entry *entry, spate_error *err);

static int put_list(sp_encoder *e, const sp_column *c, const sp_flat *f, unsigned depth, sp_segment_plan *plan,
                    sp_buf *out, sp_segment_header *h, spate_error *err)
{
    if (depth == SP_LIST_DEPTH_MAX)
        return sp_fail(err, SPATE_E_USAGE, "lists of lists deeper than %d cannot be stored", SP_LIST_DEPTH_MAX);
    if (!plan->item && !(plan->item = sp_alloc_zero(1, sizeof *plan->item)))
        return sp_fail_nomem(err);
    h->encoding = SP_ENC_LIST;
    e->ends.len = 0;
    if (sp_buf_reserve(&e->ends, (size_t)f->n * 4) != SPATE_OK)
        return sp_fail_nomem(err);
    int32_t *ends = (int32_t *)e->ends.data;
    for (uint32_t i = 0; i < f->n; i++)
        ends[i] = f->offsets[i + 1];
    sp_ints_source source = {.as = SP_AS_32, .data = ends, .count = f->n};
    if (sp_ints_encode(e->k, &source, &plan->ints, out, NULL) != SPATE_OK)
        return sp_fail_nomem(err);
    sp_segment_entry unused = {0};
    return encode(e, c->child, (uint32_t)f->offsets[f->n], depth + 1, plan->item, out, &unused, err);
}

static int put_present(sp_encoder *e, const sp_column *c, uint32_t rows, uint32_t nulls, unsigned depth,
                       sp_segment_plan *plan, sp_buf *out, sp_segment_header *h, sp_segment_entry *entry,
                       spate_error *err)
{
    sp_flat f = {
        .type = c->type, .n = rows, .data = c->data, .offsets = c->offsets, .bytes = c->bytes, .child = c->child};
    uint32_t width = sp_kind_width(c->type.kind);
    int rc = SPATE_OK;
    bool nulls_hold = false;
    if (c->type.kind == SP_BOOL)
        return put_bools(c, rows, out, h);
    if (nulls && width) {
        bool dense = nulls > rows / DENSE_FROM;
        h->flags |= dense ? SP_SEGMENT_DENSE : 0;
        rc = sp_flatten_numbers(e, c, rows, width, dense, &f);
    } else if (nulls) {
        h->flags |= SP_SEGMENT_DENSE;
        rc = sp_flatten_offsets(e, c, rows, &f, &nulls_hold);
        if (rc == SPATE_OK && nulls_hold && c->type.kind == SP_LIST)
            return sp_fail(err, SPATE_E_USAGE, "a list that is null cannot have items");
        if (rc == SPATE_OK && nulls_hold)
            rc = sp_flatten_texts(e, c, rows, &f);
    }
    h->values = f.n;
    if (rc == SPATE_OK)
        rc = c->type.kind == SP_LIST ? put_list(e, c, &f, depth, plan, out, h, err)
             : width                 ? sp_numbers_encode(e, &f, plan, out, h, entry)
                                     : sp_texts_encode(e, &f, plan, out, h, entry);
    return rc == SPATE_E_NOMEM ? sp_fail_nomem(err) : rc;
}

static int encode(sp_encoder *e, const sp_column *c, uint32_t rows, unsigned depth, sp_segment_plan *plan, sp_buf *out,
                  sp_segment_entry *entry, spate_error *err)
{
    size_t start = out->len;
    uint32_t nulls = c->validity ? rows - count_bits(c->validity, 0, rows) : 0;
    sp_segment_header h = {.kind = (uint8_t)c->type.kind, .rows = rows, .values = rows};
    bool bitmap = nulls > 0 && nulls < rows;
    if (sp_buf_reserve(out, sizeof h + (bitmap ? bitmap_bytes(rows) : 0)) != SPATE_OK)
        return sp_fail_nomem(err);
    out->len += sizeof h;
    if (bitmap) {
        h.flags |= SP_SEGMENT_NULLS;
        memset(out->data + out->len, 0, bitmap_bytes(rows));
        copy_bits(c->validity, 0, rows, (uint8_t *)out->data + out->len);
        out->len += bitmap_bytes(rows);
    }
    entry->nulls = nulls;
    if (nulls == rows) {
        h.values = 0;
    } else {
        int rc = put_present(e, c, rows, nulls, depth, plan, out, &h, entry, err);
        if (rc != SPATE_OK)
            return rc;
    }
    if (out->len - start > SP_BLOCK_BYTES_MAX / 2)
        return sp_fail(err, SPATE_E_DATA, "a column of a block is larger than %llu bytes",
                       (unsigned long long)(SP_BLOCK_BYTES_MAX / 2));
    h.bytes = (uint32_t)(out->len - start); /* without the padding: a constant text ends here */
    memcpy(out->data + start, &h, sizeof h);
    if (sp_buf_reserve(out, 8) != SPATE_OK)
        return sp_fail_nomem(err);
    while ((out->len - start) % 8)
        out->data[out->len++] = 0;
    entry->encoding = h.encoding;
    return SPATE_OK;
}

int sp_segment_encode(sp_encoder *e, const sp_column *c, uint32_t rows, sp_segment_plan *plan, sp_buf *out,
                      sp_segment_entry *entry, spate_error *err)
{
    entry->flags = 0;
    entry->min = entry->max = 0;
    size_t start = out->len;
    bool pays;
    int rc = encode(e, c, rows, 0, plan, out, entry, err);
    if (rc != SPATE_OK || !e->presser)
        return rc;
    if (plan->as_it_is > 0) {
        plan->as_it_is--;
        return SPATE_OK;
    }
    if (sp_segment_pack(e->presser, out, start, &pays) != SPATE_OK)
        return sp_fail_nomem(err);
    plan->as_it_is = pays ? 0 : PACK_AGAIN;
    return SPATE_OK;
}

/* ---- hashes ------------------------------------------------------------------------------------------------------------ */

static uint64_t hash_of(const sp_kernels *k, const char *bytes, size_t len, uint64_t seed)
{
    const size_t skip = sizeof(uint64_t); /* the hash itself */
    return k->hash(bytes + skip, len - skip, seed);
}

void sp_segment_seal(const sp_kernels *k, char *bytes, size_t len, uint64_t seed)
{
    uint64_t hash = hash_of(k, bytes, len, seed);
    memcpy(bytes + offsetof(sp_segment_header, hash), &hash, sizeof hash);
}

bool sp_segment_whole(const sp_kernels *k, const char *bytes, size_t len, uint64_t seed)
{
    uint64_t hash;
    if (len < sizeof(sp_segment_header))
        return false;
    memcpy(&hash, bytes + offsetof(sp_segment_header, hash), sizeof hash);
    return hash == hash_of(k, bytes, len, seed);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

void sp_segment_init(sp_segment *s)
{
    *s = (sp_segment){.k = sp_kernels_best()};
}

void sp_segment_done(sp_segment *s)
{
    if (s->inner) {
        sp_segment_done(s->inner);
        sp_free(s->inner);
    }
    sp_column_done(&s->entries);
    sp_free(s->fsst);
    sp_buf_done(&s->aside);
    sp_buf_done(&s->numbers);
    sp_buf_done(&s->unpacked);
    sp_buf_done(&s->whole);
    *s = (sp_segment){0};
}

static bool open_at(sp_segment *s, sp_type type, const char *bytes, size_t len, unsigned depth, size_t *used);

static bool open_inner(sp_segment *s, sp_type type, const char *bytes, size_t len, unsigned depth, size_t *used)
{
    if (!s->inner) {
        s->inner = sp_alloc(sizeof *s->inner);
        if (!s->inner)
            return false;
        sp_segment_init(s->inner);
        s->inner->k = s->k;
    }
    return depth <= SP_LIST_DEPTH_MAX && open_at(s->inner, type, bytes, len, depth + 1, used);
}

/* Entries first, then codes. An entry is never absent, nor itself coded. */
static bool open_dict(sp_segment *s, unsigned depth)
{
    size_t used;
    s->entries_ready = false;
    if (!open_inner(s, s->type, s->body, s->body_bytes, depth, &used))
        return false;
    const sp_segment *in = s->inner;
    if (in->flags || in->values != in->rows || in->encoding == SP_ENC_DICT || in->encoding == SP_ENC_NONE ||
        in->rows == 0)
        return false;
    return sp_ints_parse(s->body + used, s->body_bytes - used, 32, &s->ints) && s->ints.count == s->values;
}

static bool open_intervals(sp_segment *s)
{
    const char *p = s->body, *end = p + s->body_bytes;
    sp_ints *const parts[3] = {&s->ints, &s->parts[0], &s->parts[1]};
    for (unsigned i = 0; i < 3; i++) {
        if (!sp_ints_parse(p, (size_t)(end - p), i == 2 ? 64 : 32, parts[i]) || parts[i]->count != s->values)
            return false;
        p += parts[i]->size;
    }
    return true;
}

static bool open_list(sp_segment *s, unsigned depth)
{
    size_t used;
    if (s->type.kind != SP_LIST || !s->type.item || !sp_ints_parse(s->body, s->body_bytes, 32, &s->ints) ||
        s->ints.count != s->values)
        return false;
    return open_inner(s, *s->type.item, s->body + s->ints.size, s->body_bytes - s->ints.size, depth, &used);
}

static bool open_numbers(sp_segment *s, uint32_t width)
{
    return sp_ints_parse(s->body, s->body_bytes, width == 8 ? 64 : 32, &s->ints) && s->ints.count == s->values;
}

static bool open_body(sp_segment *s, unsigned depth)
{
    sp_kind kind = s->type.kind;
    uint32_t width = sp_kind_width(kind);
    bool text = sp_kind_has_bytes((sp_kind)kind);
    sp_as as;
    switch ((sp_encoding)s->encoding) {
    case SP_ENC_NONE: return s->values == 0;
    case SP_ENC_CONST: return kind != SP_LIST && (text ? sp_texts_open(s) : s->body_bytes >= 16);
    case SP_ENC_RAW:
        return (width || kind == SP_BOOL) &&
               s->body_bytes >= (kind == SP_BOOL ? bitmap_bytes(s->values) : (size_t)s->values * width);
    case SP_ENC_INT:
    case SP_ENC_DECIMAL:
    case SP_ENC_BITS:
        return sp_segment_as(kind, (sp_encoding)s->encoding, s->param, &as) &&
               s->param <= (s->encoding == SP_ENC_BITS ? width * 8 - 1 : SP_DECIMAL_EXPONENT_MAX) &&
               (s->flags & SP_SEGMENT_LAGGED ? sp_lagged_open(s) : open_numbers(s, width));
    case SP_ENC_DICT: return (width || text) && open_dict(s, depth);
    case SP_ENC_TEXT:
    case SP_ENC_FSST: return text && sp_texts_open(s);
    case SP_ENC_INTERVAL: return kind == SP_INTERVAL && open_intervals(s);
    case SP_ENC_LIST: return open_list(s, depth);
    case SP_ENCODINGS: break;
    }
    return false;
}

static bool may_be_lagged(const sp_segment_header *h)
{
    bool numbers = h->encoding == SP_ENC_INT || h->encoding == SP_ENC_DECIMAL || h->encoding == SP_ENC_BITS;
    return !(h->flags & SP_SEGMENT_LAGGED) || (numbers && !(h->flags & SP_SEGMENT_DENSE));
}

static bool open_at(sp_segment *s, sp_type type, const char *bytes, size_t len, unsigned depth, size_t *used)
{
    sp_segment_header h;
    if (len < sizeof h)
        return false;
    memcpy(&h, bytes, sizeof h);
    *used = sp_round_up(h.bytes, 8);
    if (h.bytes < sizeof h || h.bytes > len || h.kind != type.kind || h.values > h.rows || h.rows > INT32_MAX - 1 ||
        (h.flags & ~(SP_SEGMENT_NULLS | SP_SEGMENT_DENSE | SP_SEGMENT_LAGGED)) || !may_be_lagged(&h))
        return false;
    *used = SP_MIN(*used, len);
    s->type = type;
    s->encoding = h.encoding;
    s->param = h.param;
    s->flags = h.flags;
    s->rows = h.rows;
    s->values = h.values;
    s->bytes = bytes;
    s->validity = NULL;
    s->ranked_rows = s->ranked = 0;
    s->body = bytes + sizeof h;
    s->body_bytes = h.bytes - sizeof h;
    if (h.flags & SP_SEGMENT_NULLS) {
        if (s->body_bytes < bitmap_bytes(h.rows))
            return false;
        s->validity = (const uint8_t *)s->body;
        s->body += bitmap_bytes(h.rows);
        s->body_bytes -= bitmap_bytes(h.rows);
    }
    uint32_t present = s->validity ? count_bits(s->validity, 0, h.rows) : h.rows;
    bool dense = h.flags & SP_SEGMENT_DENSE;
    if (h.encoding == SP_ENC_NONE ? h.values != 0 : h.values != (dense ? present : h.rows) || (!dense && h.rows == 0))
        return false;
    return (!dense || type.kind != SP_BOOL) && open_body(s, depth);
}

int sp_segment_open(sp_segment *s, sp_type type, const void *bytes, size_t len, spate_error *err)
{
    size_t used;
    s->packed = sp_segment_is_packed(bytes, len);
    if (s->packed) {
        int rc = sp_segment_unpack(bytes, len, &s->unpacked, err);
        if (rc != SPATE_OK)
            return rc;
        bytes = s->unpacked.data;
        len = s->unpacked.len;
    }
    return open_at(s, type, bytes, len, 0, &used) ? SPATE_OK : sp_fail(err, SPATE_E_CORRUPT, "a segment is not sound");
}

uint32_t sp_segment_rank(sp_segment *s, uint32_t row)
{
    if (row < s->ranked_rows)
        s->ranked_rows = s->ranked = 0;
    s->ranked += count_bits(s->validity, s->ranked_rows, row);
    s->ranked_rows = row;
    return s->ranked;
}

static int ready_entries(sp_segment *s)
{
    if (s->entries_ready)
        return SPATE_OK;
    if (!s->entries.own_validity || s->entries.type.kind != s->type.kind) {
        sp_column_done(&s->entries);
        if (sp_column_init(&s->entries, s->type, s->inner->rows, NULL) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    int rc = sp_segment_read(s->inner, 0, s->inner->rows, &s->entries, NULL);
    s->entries_ready = rc == SPATE_OK;
    return rc;
}

static int read_coded(sp_segment *s, uint32_t from, uint32_t n, uint32_t width, char *out)
{
    s->numbers.len = 0;
    if (sp_buf_reserve(&s->numbers, ((size_t)n + SP_LANES_32) * 4) != SPATE_OK)
        return SPATE_E_NOMEM;
    uint32_t *code = (uint32_t *)s->numbers.data, most = 0;
    sp_ints_read(s->k, &s->ints, from, n, SP_AS_32, 0, code);
    for (uint32_t i = 0; i < n; i++)
        most = SP_MAX(most, code[i]);
    if (n && most >= s->inner->rows)
        return SPATE_E_CORRUPT;
    const char *entries = s->entries.data;
    if (width == 8)
        for (uint32_t i = 0; i < n; i++)
            memcpy(out + (size_t)i * 8, entries + (size_t)code[i] * 8, 8);
    else
        for (uint32_t i = 0; i < n; i++)
            memcpy(out + (size_t)i * width, entries + (size_t)code[i] * width, width);
    return SPATE_OK;
}

static int read_intervals(sp_segment *s, uint32_t from, uint32_t n, sp_interval *out)
{
    s->numbers.len = 0;
    if (sp_buf_reserve(&s->numbers, ((size_t)n + SP_LANES_32) * 8) != SPATE_OK)
        return SPATE_E_NOMEM;
    const int32_t *narrow = (int32_t *)s->numbers.data;
    const int64_t *wide = (int64_t *)s->numbers.data;
    sp_ints_read(s->k, &s->ints, from, n, SP_AS_32, 0, s->numbers.data);
    for (uint32_t i = 0; i < n; i++)
        out[i].months = narrow[i];
    sp_ints_read(s->k, &s->parts[0], from, n, SP_AS_32, 0, s->numbers.data);
    for (uint32_t i = 0; i < n; i++)
        out[i].days = narrow[i];
    sp_ints_read(s->k, &s->parts[1], from, n, SP_AS_64, 0, s->numbers.data);
    for (uint32_t i = 0; i < n; i++)
        out[i].us = wide[i];
    return SPATE_OK;
}

static void repeat(char *out, const char *value, uint32_t width, uint32_t n)
{
    if (width == 8) {
        uint64_t v;
        memcpy(&v, value, 8);
        for (uint32_t i = 0; i < n; i++)
            ((uint64_t *)out)[i] = v;
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * width, value, width);
}

/* Values [from, from + n), which are cells where none are left out. */
static int read_numbers(sp_segment *s, uint32_t from, uint32_t n, char *out)
{
    uint32_t width = sp_kind_width(s->type.kind);
    sp_as as = SP_AS_64;
    int rc = SPATE_OK;
    switch ((sp_encoding)s->encoding) {
    case SP_ENC_CONST: repeat(out, s->body, width, n); break;
    case SP_ENC_RAW: memcpy(out, s->body + (size_t)from * width, (size_t)n * width); break;
    case SP_ENC_DICT: rc = ready_entries(s); return rc == SPATE_OK ? read_coded(s, from, n, width, out) : rc;
    case SP_ENC_INTERVAL: return read_intervals(s, from, n, (sp_interval *)out);
    default:
        sp_segment_as(s->type.kind, (sp_encoding)s->encoding, s->param, &as);
        if (s->flags & SP_SEGMENT_LAGGED)
            return sp_lagged_read(s, from, n, as, out);
        sp_ints_read(s->k, &s->ints, from, n, as, s->param, out);
    }
    return rc;
}

static void read_bools(const sp_segment *s, uint32_t from, uint32_t n, uint8_t *out)
{
    if (s->encoding == SP_ENC_CONST)
        memset(out, s->body[0] ? 0xff : 0, (n + 7) / 8);
    else
        copy_bits((const uint8_t *)s->body, from, n, out);
}

/* Values to the places of present cells: from the last one on, in place where they lie at the front already. */
static void spread(const uint8_t *validity, uint32_t n, uint32_t values, uint32_t width, const char *in, char *out)
{
    uint32_t next = 0;
    for (uint32_t base = 0; base < n; base += 64) {
        uint64_t word = 0;
        memcpy(&word, validity + base / 8, SP_MIN((size_t)8, (size_t)(n - base + 7) / 8));
        for (; word && next < values; word &= word - 1, next++) {
            char *to = out + (size_t)(base + (uint32_t)__builtin_ctzll(word)) * width;
            if (width == 8)
                memcpy(to, in + (size_t)next * 8, 8);
            else
                memcpy(to, in + (size_t)next * width, width);
        }
    }
}

static int read_dense_numbers(sp_segment *s, uint32_t from, uint32_t n, sp_column *out)
{
    uint32_t width = sp_kind_width(s->type.kind), first = sp_segment_rank(s, from),
             values = count_bits(out->validity, 0, n);
    s->aside.len = 0;
    if (sp_buf_reserve(&s->aside, ((size_t)values + SP_LANES_32) * width) != SPATE_OK)
        return SPATE_E_NOMEM;
    int rc = read_numbers(s, first, values, s->aside.data);
    if (rc != SPATE_OK)
        return rc;
    memset(out->data, 0, (size_t)n * width);
    spread(out->validity, n, values, width, s->aside.data, out->data);
    return SPATE_OK;
}

/* Offsets of present cells stretched over all: an absent one ends where it starts. */
static void stretch(const sp_column *out, uint32_t n, uint32_t values)
{
    int32_t *offsets = out->offsets;
    uint32_t at = values;
    for (uint32_t i = n; i-- > 0;) {
        offsets[i + 1] = offsets[at];
        at -= sp_bit(out->validity, i);
    }
}

static int read_lists(sp_segment *s, uint32_t from, uint32_t n, sp_column *out, spate_error *err)
{
    s->numbers.len = 0;
    if (sp_buf_reserve(&s->numbers, ((size_t)n + 1 + SP_LANES_32) * 4) != SPATE_OK)
        return SPATE_E_NOMEM;
    uint32_t *ends = (uint32_t *)s->numbers.data, start = 0, last;
    out->offsets[0] = 0;
    if (n == 0) /* the items' own offsets begin with 0 all the same */
        return sp_segment_read(s->inner, 0, 0, out->child, err);
    ends[0] = 0;
    sp_ints_read(s->k, &s->ints, from ? from - 1 : 0, from ? n + 1 : n, SP_AS_32, 0, from ? ends : ends + 1);
    last = start = ends[0];
    for (uint32_t i = 0; i < n; i++) {
        if (ends[i + 1] < last || ends[i + 1] > s->inner->rows)
            return SPATE_E_CORRUPT;
        last = ends[i + 1];
        out->offsets[i + 1] = (int32_t)(last - start);
    }
    return sp_segment_read(s->inner, start, last - start, out->child, err);
}

static int read_cells(sp_segment *s, uint32_t from, uint32_t n, sp_column *out, spate_error *err)
{
    bool dense = s->validity && s->flags & SP_SEGMENT_DENSE;
    if (s->type.kind == SP_BOOL) {
        read_bools(s, from, n, out->data);
        return SPATE_OK;
    }
    if (sp_kind_width(s->type.kind))
        return dense ? read_dense_numbers(s, from, n, out) : read_numbers(s, from, n, out->data);
    uint32_t first = dense ? sp_segment_rank(s, from) : from, values = dense ? count_bits(out->validity, 0, n) : n;
    int rc = s->encoding == SP_ENC_DICT ? ready_entries(s) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = s->type.kind == SP_LIST ? read_lists(s, first, values, out, err) : sp_texts_read(s, first, values, out);
    if (rc == SPATE_OK && dense)
        stretch(out, n, values);
    return rc;
}

static void read_nothing(const sp_segment *s, uint32_t n, sp_column *out)
{
    memset(out->own_validity, 0, (n + 7) / 8);
    out->validity = out->own_validity;
    if (out->offsets)
        memset(out->offsets, 0, ((size_t)n + 1) * 4);
    else if (s->type.kind == SP_BOOL)
        memset(out->data, 0, (n + 7) / 8);
    else
        memset(out->data, 0, (size_t)n * sp_kind_width(s->type.kind));
}

int sp_segment_read(sp_segment *s, uint32_t from, uint32_t n, sp_column *out, spate_error *err)
{
    SP_ASSERT(from <= s->rows && n <= s->rows - from);
    if (sp_column_reserve_rows(out, n + SP_LANES_32) != SPATE_OK)
        return sp_fail_nomem(err);
    out->data = out->own_data;
    out->offsets = out->own_offsets;
    out->validity = NULL;
    if (s->encoding == SP_ENC_NONE) {
        read_nothing(s, n, out);
        return SPATE_OK;
    }
    if (s->validity) {
        out->validity = out->own_validity;
        copy_bits(s->validity, from, n, out->validity);
    }
    int rc = read_cells(s, from, n, out, err);
    if (rc == SPATE_E_NOMEM)
        return sp_fail_nomem(err);
    return rc == SPATE_E_CORRUPT ? sp_fail(err, rc, "a segment is not sound") : rc;
}
