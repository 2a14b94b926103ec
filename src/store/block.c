/* block.c - putting blocks together, and checking what is claimed to be one. A block is sound when its header and directory are, and
 * each segment for itself: so what is read is hashed, and nothing else. */
#include "store/block.h"

static uint64_t hash_of(const sp_kernels *k, const char *block)
{
    const sp_block_header *h = sp_block_header_of(block);
    uint64_t seed = k->hash(h, offsetof(sp_block_header, hash), 0);
    return k->hash(block + sizeof *h, h->directory_bytes, seed);
}

int sp_block_pad(sp_buf *out, size_t align)
{
    size_t more = sp_round_up(out->len, align) - out->len;
    if (sp_buf_reserve(out, more) != SPATE_OK)
        return SPATE_E_NOMEM;
    memset(out->data + out->len, 0, more);
    out->len += more;
    return SPATE_OK;
}

/* ---- writing ----------------------------------------------------------------------------------- */

typedef struct building {
    sp_encoder *encoder;
    sp_buf *out;
    uint64_t salt;
    size_t entry_at; /* where the next segment's entry goes */
} building;

static int put_segment(building *b, uint16_t name, const sp_column *cells, uint32_t rows, sp_segment_plan *plan,
                       spate_error *err)
{
    sp_buf *out = b->out;
    const sp_type *type = &cells->type;
    sp_segment_entry entry = {
        .name = name, .kind = (uint8_t)type->kind, .precision = type->precision, .scale = type->scale};
    if (sp_block_pad(out, SP_SEGMENT_ALIGN) != SPATE_OK)
        return sp_fail_nomem(err);
    size_t start = out->len;
    int rc = sp_segment_encode(b->encoder, cells, rows, plan, out, &entry, err);
    if (rc != SPATE_OK)
        return rc;
    if (out->len > SP_BLOCK_BYTES_MAX)
        return sp_fail(err, SPATE_E_DATA, "a block is larger than %llu bytes", (unsigned long long)SP_BLOCK_BYTES_MAX);
    entry.at64 = (uint32_t)(start / SP_SEGMENT_ALIGN);
    entry.bytes = (uint32_t)(out->len - start);
    sp_segment_seal(sp_encoder_kernels(b->encoder), out->data + start, entry.bytes,
                    sp_segment_seed(b->salt, entry.at64));
    memcpy(out->data + b->entry_at, &entry, sizeof entry);
    b->entry_at += sizeof entry;
    return SPATE_OK;
}

static int put_group(building *b, const sp_group *g, spate_error *err)
{
    int rc = SPATE_OK;
    sp_encoder_take_rows(b->encoder, g);
    for (uint32_t i = 0; rc == SPATE_OK && i < g->n_columns; i++)
        rc = put_segment(b, g->columns[i].name, g->columns[i].cells, g->rows, g->columns[i].plan, err);
    return rc;
}

static int put_order(building *b, int32_t *order, uint32_t rows, spate_error *err)
{
    sp_segment_plan plan = {0};
    sp_column groups = {.type = {.kind = SP_I32}, .data = order};
    int rc = put_segment(b, 0, &groups, rows, &plan, err);
    sp_segment_plan_done(&plan);
    return rc;
}

/* Header and groups; behind them is room for the segments' entries. */
static int put_head(const sp_group *groups, uint32_t n_groups, uint32_t rows, uint64_t salt, sp_buf *out)
{
    uint32_t first = 0, segments = n_groups > 1;
    for (uint32_t g = 0; g < n_groups; g++)
        segments += groups[g].n_columns;
    sp_block_header h = {.type = SP_BLOCK_DATA,
                         .rows = rows,
                         .groups = n_groups,
                         .segments = segments,
                         .extra = salt,
                         .directory_bytes = n_groups * (uint32_t)sizeof(sp_group_entry) +
                                            segments * (uint32_t)sizeof(sp_segment_entry)};
    memcpy(h.magic, SP_BLOCK_MAGIC, sizeof h.magic);
    out->len = 0;
    if (sp_buf_reserve(out, sp_block_head_bytes(&h)) != SPATE_OK)
        return SPATE_E_NOMEM;
    out->len = sp_block_head_bytes(&h);
    memcpy(out->data, &h, sizeof h);
    for (uint32_t g = 0; g < n_groups; g++) {
        sp_group_entry group = {.rows = groups[g].rows, .first_segment = first, .segments = groups[g].n_columns};
        memcpy(out->data + sizeof h + g * sizeof group, &group, sizeof group);
        first += groups[g].n_columns;
    }
    return SPATE_OK;
}

int sp_block_build(sp_encoder *e, const sp_group *groups, uint32_t n_groups, int32_t *order, uint32_t rows,
                   uint64_t salt, sp_buf *out, spate_error *err)
{
    building b = {.encoder = e,
                  .out = out,
                  .salt = salt,
                  .entry_at = sizeof(sp_block_header) + n_groups * sizeof(sp_group_entry)};
    if (put_head(groups, n_groups, rows, salt, out) != SPATE_OK)
        return sp_fail_nomem(err);
    for (uint32_t g = 0; g < n_groups; g++) {
        int rc = put_group(&b, &groups[g], err);
        if (rc != SPATE_OK)
            return rc;
    }
    int rc = n_groups > 1 ? put_order(&b, order, rows, err) : SPATE_OK;
    if (rc == SPATE_OK && sp_block_pad(out, SP_STORE_PAGE) != SPATE_OK)
        rc = sp_fail_nomem(err);
    ((sp_block_header *)out->data)->size = out->len;
    return rc;
}

int sp_block_wrap(const sp_kernels *k, sp_block_type type, const void *payload, size_t len, uint64_t extra, sp_buf *out)
{
    sp_block_header h = {.type = (uint8_t)type,
                         .payload_at = sizeof h,
                         .payload_bytes = len,
                         .payload_hash = k->hash(payload, len, 0),
                         .extra = extra};
    memcpy(h.magic, SP_BLOCK_MAGIC, sizeof h.magic);
    out->len = 0;
    if (sp_buf_add(out, &h, sizeof h) != SPATE_OK || sp_buf_add(out, payload, len) != SPATE_OK ||
        sp_block_pad(out, SP_STORE_PAGE) != SPATE_OK)
        return SPATE_E_NOMEM;
    ((sp_block_header *)out->data)->size = out->len;
    return SPATE_OK;
}

void sp_block_rehash(const sp_kernels *k, char *block)
{
    ((sp_block_header *)block)->hash = hash_of(k, block);
}

void sp_block_seal(const sp_kernels *k, sp_buf *block, sp_place place)
{
    sp_block_header *h = (sp_block_header *)block->data;
    h->at = place.at;
    h->file_id = place.file_id;
    h->sequence = place.sequence;
    h->table = place.table;
    h->first_row = place.first_row;
    sp_block_rehash(k, block->data);
}

/* ---- reading ----------------------------------------------------------------------------------- */

bool sp_block_header_plausible(const sp_block_header *h, uint64_t file_id, uint64_t at, uint64_t file_end)
{
    return memcmp(h->magic, SP_BLOCK_MAGIC, sizeof h->magic) == 0 && h->file_id == file_id && h->at == at &&
           at <= file_end && h->size >= SP_STORE_PAGE && h->size % SP_STORE_PAGE == 0 &&
           h->size <= SP_BLOCK_BYTES_MAX && h->size <= file_end - at && h->type >= SP_BLOCK_DATA &&
           h->type <= SP_BLOCK_CHAPTER && h->directory_bytes <= h->size - sizeof *h && h->payload_at <= h->size &&
           h->payload_bytes <= h->size - h->payload_at;
}

/* Groups take their segments one behind the other, and their rows add up. */
static bool groups_sound(const sp_block_header *h, const sp_group_entry *groups)
{
    uint64_t rows = 0, segments = 0;
    for (uint32_t g = 0; g < h->groups; g++) {
        if (groups[g].first_segment != segments)
            return false;
        segments += groups[g].segments;
        rows += groups[g].rows;
    }
    segments += h->groups > 1; /* the order of rows */
    return rows == h->rows && segments == h->segments && (h->groups > 0 || h->rows == 0);
}

bool sp_block_directory_sound(const sp_kernels *k, const char *block)
{
    const sp_block_header *h = sp_block_header_of(block);
    if (hash_of(k, block) != h->hash)
        return false;
    if (h->type != SP_BLOCK_DATA)
        return h->type == SP_BLOCK_CHAPTER || h->directory_bytes == 0;
    if (h->directory_bytes !=
            (uint64_t)h->groups * sizeof(sp_group_entry) + (uint64_t)h->segments * sizeof(sp_segment_entry) ||
        h->groups > SP_BLOCK_GROUPS_MAX || !groups_sound(h, sp_block_groups(block)))
        return false;
    const sp_segment_entry *s = sp_block_segments(block);
    for (uint32_t i = 0; i < h->segments; i++)
        if (!sp_segment_within(&s[i], h->size))
            return false;
    return true;
}
