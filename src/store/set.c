/* set.c - changing cells where they lie. Segments that are touched are copied to memory and changed there; a flush hashes
 * them, writes them down as a patch, and puts them in place. */
#include "store/scan.h"

enum { HELD_BYTES = 64 << 20 };

typedef struct touched {
    uint32_t segment;
    bool widened; /* its range is not what it was */
    char *bytes;
    sp_segment cells;
    struct touched *next;
} touched;

typedef struct held_block {
    sp_block_ref at;
    char *directory;
    int32_t *order; /* where there are several groups: each row's place in its group */
    int32_t *group;
    touched *segments;
} held_block;

struct spate_updater {
    sp_store *store;
    uint32_t table;
    sp_block_reader reader;
    held_block **held; /* by the block's number */
    uint32_t n_held;
    size_t bytes;
    uint64_t sets;
};

int spate_updater_open(spate_store *store, uint32_t table, spate_updater **updater, spate_error *err)
{
    if (!store->writable)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is open for reading only", store->path);
    spate_updater *u = sp_alloc_zero(1, sizeof *u);
    if (!u)
        return sp_fail_nomem(err);
    u->store = store;
    u->table = table;
    int rc = sp_block_reader_init(&u->reader, store, &(spate_scan_options){.table = table}, err);
    u->n_held = u->reader.n_blocks;
    u->held = rc == SPATE_OK ? sp_alloc_zero(u->n_held, sizeof *u->held) : NULL;
    if (rc == SPATE_OK && !u->held) {
        sp_block_reader_done(&u->reader);
        rc = sp_fail_nomem(err);
    }
    if (rc != SPATE_OK) {
        sp_free(u);
        return rc;
    }
    *updater = u;
    return SPATE_OK;
}

static void let_go(held_block *b)
{
    if (!b)
        return;
    for (touched *t = b->segments, *next; t; t = next) {
        next = t->next;
        sp_segment_done(&t->cells);
        sp_free(t->bytes);
        sp_free(t);
    }
    sp_free(b->directory);
    sp_free(b->order);
    sp_free(b->group);
    sp_free(b);
}

static void let_all_go(spate_updater *u)
{
    for (uint32_t i = 0; i < u->n_held; i++) {
        let_go(u->held[i]);
        u->held[i] = NULL;
    }
    u->bytes = 0;
}

void spate_updater_close(spate_updater *u)
{
    if (!u)
        return;
    let_all_go(u);
    sp_free(u->held);
    sp_block_reader_done(&u->reader);
    sp_free(u);
}

/* ---- blocks and segments ------------------------------------------------------------------------- */

static int copy_order(spate_updater *u, held_block *b, spate_error *err)
{
    const sp_block_header *h = sp_block_header_of(b->directory);
    uint32_t counts[SP_BLOCK_GROUPS_MAX] = {0};
    if (h->groups <= 1)
        return SPATE_OK;
    int rc = sp_block_reader_order(&u->reader, err);
    if (rc != SPATE_OK)
        return rc;
    b->order = sp_alloc(h->rows * sizeof *b->order);
    b->group = sp_alloc(h->rows * sizeof *b->group);
    if (!b->order || !b->group)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < h->rows; i++) {
        b->group[i] = u->reader.order[i];
        b->order[i] = (int32_t)counts[b->group[i]]++;
    }
    return SPATE_OK;
}

static int hold(spate_updater *u, uint32_t i, held_block **held, spate_error *err)
{
    bool wanted;
    if (u->held[i]) {
        *held = u->held[i];
        return SPATE_OK;
    }
    int rc = sp_block_reader_open_block(&u->reader, i, &wanted, err);
    if (rc != SPATE_OK)
        return rc;
    size_t bytes = sp_block_head_bytes(sp_block_header_of(u->reader.directory));
    held_block *b = sp_alloc_zero(1, sizeof *b);
    if (!b || !(b->directory = sp_alloc(bytes))) {
        let_go(b);
        return sp_fail_nomem(err);
    }
    b->at = u->reader.blocks[i];
    memcpy(b->directory, u->reader.directory, bytes);
    rc = copy_order(u, b, err);
    if (rc != SPATE_OK) {
        let_go(b);
        return rc;
    }
    u->bytes += bytes;
    u->held[i] = *held = b;
    return SPATE_OK;
}

static int touch(spate_updater *u, held_block *b, uint32_t segment, touched **found, spate_error *err)
{
    for (touched *t = b->segments; t; t = t->next)
        if (t->segment == segment) {
            *found = t;
            return SPATE_OK;
        }
    const sp_segment_entry *e = &sp_block_segments(b->directory)[segment];
    touched *t = sp_alloc_zero(1, sizeof *t);
    if (!t || !(t->bytes = sp_alloc(e->bytes + SP_SLACK))) {
        sp_free(t);
        return sp_fail_nomem(err);
    }
    sp_segment_init(&t->cells);
    int rc = sp_os_read_at(u->store->fd, t->bytes, e->bytes, b->at.at + (uint64_t)e->at64 * SP_SEGMENT_ALIGN,
                           u->store->path, err);
    if (rc == SPATE_OK && !sp_segment_whole(u->store->k, t->bytes, e->bytes, sp_segment_seed(b->at.extra, e->at64)))
        rc = sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the block at byte %llu is damaged", u->store->path,
                     (unsigned long long)b->at.at);
    if (rc == SPATE_OK)
        rc = sp_segment_open(&t->cells, sp_block_reader_type(u->store, u->table, e), t->bytes, e->bytes, err);
    if (rc != SPATE_OK) {
        sp_segment_done(&t->cells);
        sp_free(t->bytes);
        sp_free(t);
        return rc;
    }
    t->segment = segment;
    t->next = b->segments;
    b->segments = t;
    u->bytes += e->bytes;
    *found = t;
    return SPATE_OK;
}

/* ---- cells --------------------------------------------------------------------------------------- */

static uint64_t bits_of(const spate_value *v)
{
    uint64_t bits = 0;
    if (v->kind == SP_F32)
        memcpy(&bits, &v->as.f32, 4);
    else if (v->kind == SP_BOOL)
        bits = v->as.b;
    else
        bits = v->as.u;
    return bits;
}

/* The entry of a dictionary that is the value. */
static bool find_entry(sp_segment *s, const spate_value *v, uint32_t *entry)
{
    uint32_t width = sp_kind_width(s->type.kind);
    sp_column one = {0};
    bool found = false;
    if (sp_column_init(&one, s->type, s->inner->rows, NULL) != SPATE_OK)
        return false;
    if (sp_segment_read(s->inner, 0, s->inner->rows, &one, NULL) != SPATE_OK) {
        sp_column_done(&one);
        return false;
    }
    uint64_t bits = bits_of(v);
    for (uint32_t i = 0; !found && i < s->inner->rows; i++) {
        sp_str cell = width ? (sp_str){(char *)one.data + (size_t)i * width, width} : sp_column_str(&one, i);
        sp_str want = width == 16 ? (sp_str){v->as.p, 16}
                      : width     ? (sp_str){(const char *)&bits, width}
                                  : (sp_str){v->as.p, v->len};
        found = sp_str_eq(cell, want);
        *entry = i;
    }
    sp_column_done(&one);
    return found;
}

static bool set_text(sp_segment *s, char *bytes, uint32_t i, const spate_value *v)
{
    uint32_t ends[2 + SP_LANES_32] = {0};
    sp_ints_read(s->k, &s->ints, i ? i - 1 : 0, i ? 2 : 1, SP_AS_32, 0, i ? ends : ends + 1);
    if (ends[1] - ends[0] != v->len || ends[1] > s->text_bytes)
        return false;
    if (v->len)
        memcpy(bytes + (s->text - s->bytes) + ends[0], v->as.p, v->len);
    return true;
}

static bool set_raw(sp_segment *s, char *bytes, uint32_t i, const spate_value *v)
{
    char *body = bytes + (s->body - s->bytes);
    uint32_t width = sp_kind_width(s->type.kind);
    uint64_t bits = bits_of(v);
    if (s->type.kind == SP_BOOL)
        body[i >> 3] = (char)((body[i >> 3] & ~(1u << (i & 7))) | (unsigned)v->as.b << (i & 7));
    else
        memcpy(body + (size_t)i * width, width == 16 ? v->as.p : &bits, width);
    return true;
}

static bool same_const(const sp_segment *s, const spate_value *v)
{
    uint64_t bits = bits_of(v);
    uint32_t width = sp_kind_width(s->type.kind);
    if (sp_kind_has_bytes((sp_kind)s->type.kind))
        return s->text_bytes == v->len && memcmp(s->text, v->as.p, v->len) == 0;
    return memcmp(s->body, width == 16 ? v->as.p : &bits, width ? width : 1) == 0;
}

static bool set_value(sp_segment *s, char *bytes, uint32_t i, const spate_value *v)
{
    sp_as as;
    uint32_t entry;
    char *stream = bytes + (s->ints.bytes - s->bytes);
    switch ((sp_encoding)s->encoding) {
    case SP_ENC_CONST: return same_const(s, v);
    case SP_ENC_RAW: return set_raw(s, bytes, i, v);
    case SP_ENC_INT:
    case SP_ENC_DECIMAL:
    case SP_ENC_BITS:
        return sp_segment_as(s->type.kind, (sp_encoding)s->encoding, s->param, &as) &&
               sp_ints_set(&s->ints, stream, i, as, s->param, bits_of(v));
    case SP_ENC_DICT: return find_entry(s, v, &entry) && sp_ints_set(&s->ints, stream, i, SP_AS_32, 0, entry);
    case SP_ENC_TEXT: return set_text(s, bytes, i, v);
    default: return false;
    }
}

static void widen_doubles(sp_segment_entry *e, double d)
{
    double low, high;
    memcpy(&low, &e->min, 8);
    memcpy(&high, &e->max, 8);
    memcpy(&e->min, d < low ? &d : &low, 8);
    memcpy(&e->max, d > high ? &d : &high, 8);
}

/* Statistics may only grow: what they exclude must stay excluded rightly. True when they did. */
static bool widen_range(sp_segment_entry *e, const spate_value *v)
{
    const sp_segment_entry before = *e;
    if (!(e->flags & SP_SEGMENT_HAS_RANGE))
        return false;
    if (v->kind == SP_F32 || v->kind == SP_F64) {
        widen_doubles(e, v->kind == SP_F32 ? (double)v->as.f32 : v->as.f);
    } else if (v->kind == SP_U64 || sp_kind_has_bytes(v->kind)) {
        uint64_t u = sp_kind_has_bytes(v->kind) ? 0 : v->as.u;
        if (sp_kind_has_bytes(v->kind))
            memcpy(&u, v->as.p, SP_MIN((size_t)v->len, (size_t)8));
        u = sp_kind_has_bytes(v->kind) ? __builtin_bswap64(u) : u;
        e->min = SP_MIN(e->min, u);
        e->max = SP_MAX(e->max, u);
    } else {
        e->min = (uint64_t)SP_MIN((int64_t)e->min, v->as.i);
        e->max = (uint64_t)SP_MAX((int64_t)e->max, v->as.i);
    }
    return e->min != before.min || e->max != before.max;
}

static int find_segment(const held_block *b, uint32_t row, const spate_value *v, uint32_t *segment, uint32_t *in_group,
                        spate_error *err)
{
    uint32_t g = b->group ? (uint32_t)b->group[row] : 0;
    const sp_group_entry *group = &sp_block_groups(b->directory)[g];
    const sp_segment_entry *e = sp_block_segments(b->directory);
    *in_group = b->order ? (uint32_t)b->order[row] : row;
    for (uint32_t i = group->first_segment; i < group->first_segment + group->segments; i++)
        if (e[i].name == v->name && e[i].kind == v->kind && e[i].scale == v->scale) {
            *segment = i;
            return SPATE_OK;
        }
    return sp_fail(err, SPATE_E_DATA, "the row has no field of that name and type");
}

int spate_updater_set(spate_updater *u, uint64_t row, const spate_value *v, spate_error *err)
{
    uint32_t i = sp_block_reader_block_of(&u->reader, row), segment = 0, at = 0;
    held_block *b = NULL;
    touched *t = NULL;
    if (i >= u->n_held || u->reader.blocks[i].first_row > row)
        return sp_fail(err, SPATE_E_DATA, "there is no row %llu", (unsigned long long)row);
    int rc = hold(u, i, &b, err);
    if (rc == SPATE_OK)
        rc = find_segment(b, (uint32_t)(row - b->at.first_row), v, &segment, &at, err);
    if (rc == SPATE_OK)
        rc = touch(u, b, segment, &t, err);
    if (rc != SPATE_OK)
        return rc;
    sp_segment *cells = &t->cells;
    if (cells->encoding == SP_ENC_NONE || (cells->validity && !sp_bit(cells->validity, at)))
        return sp_fail(err, SPATE_E_DATA, "row %llu has no value there: a null cannot become one in place",
                       (unsigned long long)row);
    if (cells->validity && cells->flags & SP_SEGMENT_DENSE)
        at = sp_segment_rank(cells, at);
    if (cells->packed)
        return sp_fail(err, SPATE_E_DATA, "row %llu cannot be changed in place: its column is packed",
                       (unsigned long long)row);
    if (cells->flags & SP_SEGMENT_LAGGED)
        return sp_fail(err, SPATE_E_DATA,
                       "row %llu cannot be changed in place: other rows are kept as differences from it",
                       (unsigned long long)row);
    if (!set_value(cells, t->bytes, at, v))
        return sp_fail(err, SPATE_E_DATA, "the new value of row %llu does not fit into the room of the old one",
                       (unsigned long long)row);
    t->widened |= widen_range((sp_segment_entry *)(uintptr_t)&sp_block_segments(b->directory)[segment], v);
    return u->bytes > HELD_BYTES ? spate_updater_flush(u, err) : SPATE_OK;
}

/* ---- flushing ------------------------------------------------------------------------------------ */

/* Puts a segment's new range into the chapter that tells of it. */
static void widen_chapter(char *chapter, const sp_chapter *c, const sp_block_ref *b, uint32_t group,
                          const sp_segment_entry *e)
{
    sp_run *run = (sp_run *)(uintptr_t)sp_chapter_run(c, b->table, e->name);
    sp_run_entry *x = run ? (sp_run_entry *)(chapter + run->at) : NULL;
    for (uint32_t i = 0; run && i < run->count; i++)
        if (x[i].block == b->number && x[i].group == group && x[i].segment.at64 == e->at64)
            x[i].segment = *e;
}

static uint32_t group_of(const char *directory, uint32_t segment)
{
    const sp_group_entry *g = sp_block_groups(directory);
    uint32_t i = 0;
    while (segment >= g[i].first_segment + g[i].segments)
        i++;
    return i;
}

/* A chapter that tells of a range which is not what it was any more, as it shall be. A damaged one stays as it is. */
static int patch_chapter(spate_updater *u, uint32_t number, sp_buf *patches, spate_error *err)
{
    sp_store *s = u->store;
    sp_chapter c = {0};
    const sp_index_chapter *place = &s->chapters[number];
    char *bytes = sp_alloc(place->size);
    int rc = bytes ? sp_os_read_at(s->fd, bytes, place->size, place->at, s->path, err) : sp_fail_nomem(err);
    bool sound = rc == SPATE_OK && sp_chapter_take(s->k, bytes, &c);
    for (uint32_t i = 0; sound && i < u->n_held; i++)
        for (touched *t = u->held[i] && u->held[i]->at.chapter == number ? u->held[i]->segments : NULL; t; t = t->next)
            if (t->widened)
                widen_chapter(bytes, &c, &u->held[i]->at, group_of(u->held[i]->directory, t->segment),
                              &sp_block_segments(u->held[i]->directory)[t->segment]);
    if (sound) {
        sp_chapter_rehash(s->k, bytes, &c);
        rc = sp_patch_add(patches, place->at, bytes, (uint32_t)place->size) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    }
    sp_free(bytes);
    return rc;
}

static bool widened(const held_block *b)
{
    for (const touched *t = b ? b->segments : NULL; t; t = t->next)
        if (t->widened)
            return true;
    return false;
}

/* Blocks are in the order of their rows, and so are their chapters, mostly: each is patched once. */
static int patch_chapters(spate_updater *u, sp_buf *patches, spate_error *err)
{
    const sp_store *s = u->store;
    bool *done = sp_alloc_zero(s->n_chapters + 1, sizeof *done);
    int rc = done ? SPATE_OK : sp_fail_nomem(err);
    for (uint32_t i = 0; rc == SPATE_OK && i < u->n_held; i++) {
        uint32_t number = widened(u->held[i]) ? u->held[i]->at.chapter : SP_NO_CHAPTER;
        if (number >= s->n_chapters || done[number])
            continue;
        done[number] = true;
        rc = patch_chapter(u, number, patches, err);
    }
    sp_free(done);
    return rc;
}

static int patch_block(spate_updater *u, held_block *b, sp_buf *patches)
{
    const sp_segment_entry *e = sp_block_segments(b->directory);
    for (touched *t = b->segments; t; t = t->next) {
        const sp_segment_entry *of = &e[t->segment];
        sp_segment_seal(u->store->k, t->bytes, of->bytes, sp_segment_seed(b->at.extra, of->at64));
        if (sp_patch_add(patches, b->at.at + (uint64_t)of->at64 * SP_SEGMENT_ALIGN, t->bytes, of->bytes) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    if (!widened(b))
        return SPATE_OK;
    sp_block_rehash(u->store->k, b->directory);
    return sp_patch_add(patches, b->at.at, b->directory,
                        (uint32_t)sp_block_head_bytes(sp_block_header_of(b->directory)));
}

int spate_updater_flush(spate_updater *u, spate_error *err)
{
    sp_buf patches = {0};
    int rc = SPATE_OK;
    for (uint32_t i = 0; rc == SPATE_OK && i < u->n_held; i++)
        if (u->held[i] && u->held[i]->segments)
            rc = patch_block(u, u->held[i], &patches) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = patch_chapters(u, &patches, err);
    if (rc == SPATE_OK && patches.len)
        rc = sp_store_patch(u->store, &patches, err);
    sp_buf_done(&patches);
    let_all_go(u);
    return rc;
}
