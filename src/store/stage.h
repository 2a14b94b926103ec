/* stage.h - rows that are not a block yet: columns that grow, one set a shape. Private to the room. */
#ifndef SP_STORE_STAGE_H
#define SP_STORE_STAGE_H

#include "store/block.h"

/* Grows to rows, keeping cells, and what is said of their presence. */
int sp_cells_reserve(sp_column *c, uint32_t rows) SP_MUST_CHECK;
/* Cells [from, from + n) of src behind the at cells of c; room is made. */
int sp_cells_append(sp_column *c, uint32_t at, const sp_column *src, uint32_t from, uint32_t n) SP_MUST_CHECK;
/* n nulls behind the at cells of c, which has room. */
void sp_cells_append_nulls(sp_column *c, uint32_t at, uint32_t n);
/* Text behind the at cells of c, which has room for another row. */
int sp_cells_append_text(sp_column *c, uint32_t at, const void *p, size_t len) SP_MUST_CHECK;
void sp_cells_clear(sp_column *c);

/* A field of a shape: name, kind, precision and scale, as one number. */
static inline uint64_t sp_field_key(uint16_t name, const sp_type *type)
{
    return name | (uint64_t)type->kind << 16 | (uint64_t)type->precision << 24 | (uint64_t)type->scale << 32;
}

typedef struct sp_shape {
    uint64_t *keys; /* of its fields, in order */
    sp_type *types;
    sp_column *cells;
    sp_segment_plan *plans;
    char *lines; /* where cells of fixed width lie, and the bits that say which of them are there */
    uint32_t n, rows, room;
    uint32_t idle; /* blocks since it last had rows */
} sp_shape;

void sp_shape_init(sp_shape *s);
void sp_shape_done(sp_shape *s);
/* Takes fields that are in no shape yet; the item types must outlive it. */
int sp_shape_make(sp_shape *s, const uint64_t *keys, const sp_type *types, uint32_t n) SP_MUST_CHECK;
/* Room for so many rows. Columns next to one another whose cells are of the same width then lie equally far apart. */
int sp_shape_reserve(sp_shape *s, uint32_t rows) SP_MUST_CHECK;
void sp_shape_clear(sp_shape *s);

/* Shapes with few rows become one whose fields may be absent. order is rewritten; from what is merged all rows are taken. Returns the
 * number of shapes left at the front of shapes, union_shape being the last if there is one. */
int sp_stage_merge(sp_shape **shapes, uint32_t *n_shapes, sp_shape *union_shape, int32_t *order,
                   uint32_t rows) SP_MUST_CHECK;

#endif
