/* arrow_node.h - private to codec's Arrow files: a column of an Arrow schema, and how its cells are taken. */
#ifndef SP_ARROW_NODE_H
#define SP_ARROW_NODE_H

#include "codec/arrow.h"

enum { SP_ARROW_DEPTH_MAX = 4 }; /* lists of lists are refused; this bounds the walk to where that is seen */

typedef enum sp_arrow_type {
    A_NULL = 1,
    A_INT,
    A_FLOAT,
    A_BINARY,
    A_UTF8,
    A_BOOL,
    A_DECIMAL,
    A_DATE,
    A_TIME,
    A_TIMESTAMP,
    A_INTERVAL,
    A_LIST,
    A_STRUCT,
    A_UNION,
    A_FIXED,
    A_FIXED_LIST,
    A_MAP,
    A_DURATION,
    A_LARGE_BINARY,
    A_LARGE_UTF8,
    A_LARGE_LIST,
    A_RUN_END,
    A_BINARY_VIEW,
    A_UTF8_VIEW,
    A_TYPES
} sp_arrow_type; /* as the format numbers them */

typedef struct sp_arrow_node sp_arrow_node;
typedef int sp_arrow_put_fn(const sp_arrow_node *n, uint64_t at, sp_column *c, uint32_t row);

/* A column, or an item of a list. In front of rows: what the schema says; behind: what a batch has hung on it. */
struct sp_arrow_node {
    sp_arrow_type type;
    sp_type as;
    sp_arrow_put_fn *put;
    uint32_t bits; /* of integers, floats, decimals, dates, times; of offsets */
    bool is_signed, zoned;
    /* of times: 0 seconds, 3, 6, 9 digits of them; of intervals: months, days and ms, months days and ns */
    int64_t unit;
    int32_t precision, scale, width;
    sp_arrow_node *item;
    int64_t dictionary; /* -1: none; else bits and is_signed are the index's, and values what it leads to */
    sp_arrow_node *values;

    uint64_t rows, start;       /* start: of row 0 in the buffers */
    const uint8_t *valid;       /* NULL: all are */
    const uint8_t *data, *more; /* values or offsets; what offsets lead to */
    uint64_t more_bytes;
};

/* A dictionary's values are kept as their message has them. */
typedef struct sp_arrow_dictionary {
    int64_t id;
    sp_arrow_node *values;
    char *body;
    bool filled;
} sp_arrow_dictionary;

struct sp_arrowread {
    sp_arena arena;
    sp_arrow_node *nodes;
    sp_field *fields;
    uint32_t n;
    sp_arrow_dictionary *dictionaries;
    uint32_t n_dictionaries;
};

/* Chooses what the node's cells come as and who takes them; extension: the name of the schema's, "" if none. False: such a type is not read. */
bool sp_arrow_settle(sp_arrow_node *n, sp_str extension);
/* The node, which is settled, becomes one of indexes: bits and is_signed of them; values takes over what it was. */
void sp_arrow_make_indexed(sp_arrow_node *n, sp_arrow_node *values, int64_t id, uint32_t bits, bool is_signed);
/* Texts of the node are read as kind, which is JSON or uuid; false where that cannot be. */
bool sp_arrow_parse_as(sp_arrow_node *n, sp_kind kind);
int sp_arrow_refuse(sp_arrow_type type, const char *column, spate_error *err);
/* Appends rows [from, to) of n nodes to the batch. */
int sp_arrow_take(const sp_arrow_node *nodes, const uint32_t *columns, uint64_t from, uint64_t to, sp_batch *batch,
                  spate_error *err) SP_MUST_CHECK;

#endif
