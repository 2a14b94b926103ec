/* scan.h - reading blocks: what a scan and a cursor share. Private to the room. */
#ifndef SP_STORE_SCAN_H
#define SP_STORE_SCAN_H

#include "spate/store.h"
#include "store/file.h"
#include "store/show.h"
#include "store/where.h"

/* A column of a group that is being read. */
typedef struct sp_reading {
    uint32_t segment; /* in the block's directory */
    uint32_t rows;    /* of the group */
    uint16_t name;
    bool open;
    sp_type type;
    sp_segment cells;
    sp_buf own;    /* its bytes, when the file is not mapped */
    sp_column out; /* of a cursor */
} sp_reading;

/* A group: its columns, and which of its rows are asked for. */
typedef struct sp_group_reading {
    sp_reading *columns;
    uint32_t n, cap;
    uint32_t start, rows;
} sp_group_reading;

/* What is known of the open block: from its own directory, or of the wanted fields only, from a chapter. */
typedef struct sp_block_view {
    const sp_group_entry *groups;
    const sp_segment_entry *segments;
    uint32_t n_groups, n_segments;
} sp_block_view;

/* What is asked for, and the block that is being read. */
typedef struct sp_block_reader {
    sp_store *store;
    uint32_t table;
    uint16_t *fields; /* asked for, in this order; NULL: all */
    uint32_t n_fields;
    sp_where *wheres;
    uint32_t n_wheres;
    uint64_t first, last;
    bool skip_damaged, unverified;
    spate_skipped skipped;
    sp_arena arena;             /* texts of conditions */
    const sp_block_ref *blocks; /* of the table, as they were when it began */
    uint32_t n_blocks;
    struct sp_lookup *lookup; /* the chapter that is open */

    sp_block_ref block;
    const char *directory; /* header, groups and segments; NULL when the view is from a chapter */
    sp_block_view view;
    sp_buf aside, order_aside;
    int32_t *order; /* group of each row, when there are several; else NULL */
    uint32_t order_cap;
    uint32_t from, to; /* rows of the block that are asked for */
} sp_block_reader;

int sp_block_reader_init(sp_block_reader *r, sp_store *store, const spate_scan_options *options,
                         spate_error *err) SP_MUST_CHECK;
void sp_block_reader_done(sp_block_reader *r);
/* The first block that ends behind row. */
uint32_t sp_block_reader_block_of(const sp_block_reader *r, uint64_t row);
/* Opens block number i. False in *wanted: it has no rows that are asked for, or is damaged and skipped. */
int sp_block_reader_open_block(sp_block_reader *r, uint32_t i, bool *wanted, spate_error *err) SP_MUST_CHECK;
/* Its group g: columns that are asked for. rows 0: none of its rows can match. */
int sp_block_reader_open_group(sp_block_reader *r, uint32_t g, sp_group_reading *group, spate_error *err) SP_MUST_CHECK;
int sp_block_reader_order(sp_block_reader *r,
                          spate_error *err) SP_MUST_CHECK; /* fills order where there are several groups */
/* Opens (and checks) a column's segment, unless it is. */
int sp_reading_open(sp_block_reader *r, sp_reading *c, spate_error *err) SP_MUST_CHECK;
/* Makes a column to read into, with room for so many rows to begin with, unless it is one of that type. */
int sp_reading_ready(const sp_type *type, uint32_t rows, sp_column *out) SP_MUST_CHECK;
void sp_group_reading_done(sp_group_reading *g);
sp_type sp_block_reader_type(const sp_store *s, uint32_t table, const sp_segment_entry *e);

/* scan.c: the type of a column of the piece, and its cells into one of the caller's. */
sp_type sp_scan_type(const spate_scan *s, uint32_t column);
int sp_scan_read_into(spate_scan *s, uint32_t column, uint32_t from, uint32_t n, sp_column *cells,
                      spate_error *err) SP_MUST_CHECK;

/* lookup.c: views of blocks from chapters. */
typedef struct sp_lookup sp_lookup;
void sp_lookup_free(sp_lookup *l);
/* Fills in r->view from the chapter that tells of r->block. SPATE_E_CORRUPT: the chapter cannot tell. */
int sp_lookup_view(sp_block_reader *r, spate_error *err) SP_MUST_CHECK;

#endif
