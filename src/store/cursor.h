/* cursor.h - what a cursor is made of: cursor.c goes through blocks and windows of rows, rows.c puts rows together. Private to both. */
#ifndef SP_STORE_CURSOR_H
#define SP_STORE_CURSOR_H

#include "store/scan.h"

enum { WINDOW = 256, HANDFUL = 64, HANDFUL_WIDE = 16, WIDE = 128, QUAD = 4 }; /* wide: rows of more fields */
static_assert(WINDOW % HANDFUL == 0 && WINDOW % HANDFUL_WIDE == 0 && HANDFUL <= 64 && HANDFUL_WIDE % 8 == 0,
              "handfuls are cut out of windows, and bits of them are turned eight rows at a time");

/* How the cells of a column lie, and what becomes of them. */
typedef enum form { FORM_64, FORM_I32, FORM_F32, FORM_I16, FORM_BOOL, FORM_16_BYTES, FORM_TEXT, FORM_LIST } form;

/* A column of a window: what is the same for all its values. */
typedef struct field {
    uint64_t head; /* the first half of a value: name, kind, length */
    form form;
    bool hidden;     /* nobody asked for it, but a condition */
    bool plain;      /* of 64 bits, asked for, and all cells of the window are there */
    bool leads;      /* the first of four of 64 bits that are asked for: in a record they lie together */
    uint32_t list;   /* of a list: its number */
    uint32_t offset; /* in a record */
} field;

typedef struct window {
    sp_group_reading group;
    bool open, may;                     /* may: rows of it can match */
    bool as_records;                    /* what out holds */
    uint32_t next, from, to;            /* the group's next row; rows that are decoded */
    uint32_t handful, out_from, out_to; /* rows that are put together: at most, and which */
    field *fields;
    uint32_t *tested; /* the column of each condition */
    uint32_t n_lists, cap;
    spate_column *lists; /* HANDFUL of each list, and one as it is shown */
    sp_arena views;      /* columns below them */
    uint64_t *out;       /* HANDFUL rows of values, or records */
    uint32_t counts[HANDFUL];
    spate_record_field *record;       /* the fields of a record, as they are told */
    uint32_t n_record, *gaps, n_gaps; /* eights of fields of which cells of the window may be absent */
    size_t null_bits, stride;
} window;

struct spate_cursor {
    sp_block_reader r;
    uint32_t shown; /* fields at the front that are asked for; behind them those that conditions need */
    uint32_t block;
    bool open, in_block; /* a block is open; there are rows left of it */
    uint32_t row;        /* of the block */
    window *windows;
    uint32_t n_windows;
};

/* ---- rows.c ---- */

/* What is the same for all records of a group whose fields are laid out; w->record and w->gaps have room for them. */
void sp_rows_lay_out_record(const spate_cursor *c, window *w);
/* The bytes that n fields of a record take at most, with a bit for each. */
size_t sp_rows_record_max(uint32_t n);
/* Which of the window's records have gaps, once it is decoded. */
void sp_rows_find_gaps(window *w);
/* The handful of rows from w->out_from on. */
void sp_rows_put_values(const spate_cursor *c, window *w);
void sp_rows_put_records(const spate_cursor *c, window *w);
/* The value of column i in row at of the window, which is there. */
spate_value sp_rows_value(const window *w, uint32_t i, uint32_t at);

#endif
