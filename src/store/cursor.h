/* cursor.h - what a cursor is made of: cursor.c goes through blocks and windows of rows, rows.c puts rows together. Private to both. */
#ifndef SP_STORE_CURSOR_H
#define SP_STORE_CURSOR_H

#include "store/scan.h"

/* A window has so many rows at most, and fewer where rows are long. Columns are decoded a stripe at a time, and put so
 * many rows at once. */
enum { WINDOW_MIN = 32, WINDOW_MAX = 1024, STRIPE = 8, QUAD = 4, ROWS_AT_ONCE = 64 };
#define WINDOW_BYTES  ((size_t)1 << 20) /* of rows put together: they stay in the second cache until all columns are in them */
#define WINDOWS_BYTES ((size_t)4 << 20) /* of all groups of a block, which take turns */
static_assert(STRIPE == 8 && WINDOW_MIN % 8 == 0 && ROWS_AT_ONCE <= 64,
              "bits are turned eight fields and eight rows at a time");

/* How the cells of a column lie, and what becomes of them. */
typedef enum form { FORM_64, FORM_I32, FORM_F32, FORM_I16, FORM_BOOL, FORM_16_BYTES, FORM_TEXT, FORM_LIST } form;

/* A column of a window: what is the same for all its values. */
typedef struct field {
    uint64_t head; /* the first half of a value: name, kind, length */
    const sp_column *cells;
    form form;
    bool hidden;     /* nobody asked for it, but a condition */
    bool kept;       /* cells are looked at when they have been put: by conditions, or where values point to them */
    bool plain;      /* of 64 bits, asked for, and all cells of the window are there */
    bool leads;      /* the first of four of 64 bits that are asked for: in a record they lie together */
    uint32_t list;   /* of a list: its number */
    uint32_t offset; /* in a record */
} field;

/* Rows of a group that are decoded and put together. */
typedef struct window {
    sp_group_reading group;
    bool open, may;          /* may: rows of it can match */
    bool as_records;         /* what out holds */
    uint32_t next, from, to; /* the group's next row; rows that out holds */
    uint32_t rows[2];        /* of a window of values, of records */
    field *fields;
    uint32_t *tested; /* the column of each condition */
    uint32_t n_lists, cap, rows_cap;
    spate_column *lists; /* a row of each list, and one as it is shown */
    sp_arena views;      /* columns below them */
    uint64_t *out;       /* rows of values, or records */
    size_t out_cap;
    uint64_t **to_row;          /* where each row of values has come to */
    spate_record_field *record; /* the fields of a record, as they are told */
    uint32_t n_record;
    size_t null_bits, stride;
} window;

struct spate_cursor {
    sp_block_reader r;
    uint32_t shown; /* fields at the front that are asked for; behind them those that conditions need */
    uint32_t block;
    bool open, in_block; /* a block is open; there are rows left of it */
    uint32_t row;        /* of the block */
    bool sought;         /* and perhaps only for a row: the next window is the shortest */
    window *windows;
    uint32_t n_windows;
    /* What is not kept is decoded into the same memory again, which stays in the cache. */
    sp_column stripe[STRIPE][SP_KINDS];
};

/* ---- rows.c ---- */

/* What is the same for all records of a group whose fields are laid out; w->record has room for them. */
void sp_rows_lay_out_record(const spate_cursor *c, window *w);
/* The bytes that n fields of a record take at most, so many of them of 16 bytes, with a bit for each. */
size_t sp_rows_record_max(uint32_t n, uint32_t of_16);
/* Begins a window of n rows; then stripes of columns follow, from column i on, once they are decoded. */
void sp_rows_begin(window *w, uint32_t n);
void sp_rows_put(const spate_cursor *c, window *w, uint32_t i, uint32_t n);
/* The values of row at of the window, and how many. */
const spate_value *sp_rows_values(const window *w, uint32_t at, size_t *n);
/* The value of column i in row at of the window, which is kept and there. */
spate_value sp_rows_value(const window *w, uint32_t i, uint32_t at);

#endif
