/* block.h - groups of rows as one block of bytes, and what a block's header and directory say. No I/O. */
#ifndef SP_STORE_BLOCK_H
#define SP_STORE_BLOCK_H

#include "store/segment.h"

/* ---- writing ---- */

/* Writes a data block into out, all but where it goes. order: the group of each row, for several groups. salt: another for every block,
 * so that no piece of one is ever taken for a piece of another. */
int sp_block_build(sp_encoder *e, const sp_group *groups, uint32_t n_groups, int32_t *order, uint32_t rows,
                   uint64_t salt, sp_buf *out, spate_error *err) SP_MUST_CHECK;
/* A block of another type: the payload alone. */
int sp_block_wrap(const sp_kernels *k, sp_block_type type, const void *payload, size_t len, uint64_t extra,
                  sp_buf *out) SP_MUST_CHECK;
/* Zeros behind out up to a multiple of align. */
int sp_block_pad(sp_buf *out, size_t align) SP_MUST_CHECK;
/* Where a built block goes, and the hash of its header. */
typedef struct sp_place {
    uint64_t at, file_id, sequence, first_row;
    uint32_t table;
} sp_place;
void sp_block_seal(const sp_kernels *k, sp_buf *block, sp_place place);
/* The hash again, for a directory that was changed. */
void sp_block_rehash(const sp_kernels *k, char *block);

/* ---- reading ---- */

/* Is there the header of a block of this file at its place? Its directory is not looked at. */
bool sp_block_header_plausible(const sp_block_header *h, uint64_t file_id, uint64_t at, uint64_t file_end);
/* Checks the hash of header and directory, and that all that the directory says lies inside of the block. */
bool sp_block_directory_sound(const sp_kernels *k, const char *block);

static inline const sp_block_header *sp_block_header_of(const char *block)
{
    return (const sp_block_header *)block;
}
static inline const sp_group_entry *sp_block_groups(const char *block)
{
    return (const sp_group_entry *)(block + sizeof(sp_block_header));
}
static inline const sp_segment_entry *sp_block_segments(const char *block)
{
    return (const sp_segment_entry *)(sp_block_groups(block) + sp_block_header_of(block)->groups);
}
static inline bool sp_segment_within(const sp_segment_entry *e, uint64_t block_size)
{
    uint64_t at = (uint64_t)e->at64 * SP_SEGMENT_ALIGN;
    return at <= block_size && e->bytes <= block_size - at && e->kind < SP_KINDS;
}
static inline size_t sp_block_head_bytes(const sp_block_header *h)
{
    return sizeof *h + h->directory_bytes;
}

#endif
