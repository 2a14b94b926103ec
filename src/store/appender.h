/* appender.h - what an appender is made of: append.c gathers rows and writes blocks, records.c turns records into cells. Private to both. */
#ifndef SP_STORE_APPENDER_H
#define SP_STORE_APPENDER_H

#include "store/append.h"

typedef struct record_column {
    uint32_t column, offset, field; /* in the shape; in the record; which bit of its nulls */
    uint32_t width;                 /* 0: a spate_text, or a bool */
    uint32_t together; /* columns from here on that are 8 bytes each, one behind the other in record and shape */
    bool text;
} record_column;

struct spate_record {
    struct spate_record *next;
    uint32_t shape;
    size_t null_bits;
    uint32_t n, n_fields;
    record_column *columns;
    bool by_row, may_wait; /* cannot be turned; needs nothing but its own bytes */
    char *waiting;         /* records that came one by one, up to a strip of them */
    size_t stride;
    uint32_t n_waiting;
};

struct spate_appender {
    sp_store *store;
    uint32_t table;
    const sp_schema *schema;
    sp_encoder *encoder;
    sp_buf block, keys;
    sp_shape **shapes;
    uint32_t n_shapes, shapes_cap;
    uint32_t *slots; /* by the hash of a shape's keys: 1 + shape */
    sp_shape all;    /* small shapes merged */
    int32_t *order;
    uint32_t rows, order_cap, block_rows;
    size_t stage_bytes; /* rough */
    uint64_t bytes;
    bool hold;
    sp_buf *held;   /* blocks that are encoded and not written */
    uint64_t salts; /* drawn so far */
    uint32_t n_held, held_cap;
    sp_arena arena;
    struct spate_record *records;
    bool shared_shapes; /* several records are of one shape */
    bool rounds;        /* float64 cells, to decimals */
    unsigned decimals;
    bool lagged; /* the store knows that it has such segments */
};

/* append.c */
int sp_appender_find_shape(sp_appender *a, const uint64_t *keys, const sp_type *types, uint32_t n, uint32_t *shape,
                           spate_error *err) SP_MUST_CHECK;
int sp_appender_refuse_twice(sp_appender *a, const uint64_t *keys, uint32_t n, spate_error *err) SP_MUST_CHECK;
int sp_appender_note_rows(sp_appender *a, uint32_t shape, uint32_t n) SP_MUST_CHECK;
/* Finishes the block when there are enough rows for one. */
int sp_appender_rows_came(sp_appender *a, spate_error *err) SP_MUST_CHECK;

/* records.c: records that wait, of a shape or all, become cells. */
int sp_appender_settle(sp_appender *a, uint32_t shape) SP_MUST_CHECK;
int sp_appender_settle_all(sp_appender *a) SP_MUST_CHECK;

#endif
