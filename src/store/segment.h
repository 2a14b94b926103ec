/* segment.h - one column of one group of rows as bytes, and back. Knows nothing of blocks, files or names.
 *
 * Writing chooses an encoding from a sample, remembers the choice in a plan and asks again now and then. Reading checks all that
 * decides where is read or written before it is used: a segment that is not sound is refused, never followed. */
#ifndef SP_STORE_SEGMENT_H
#define SP_STORE_SEGMENT_H

#include "batch/batch.h"
#include "store/fsst.h"
#include "store/ints.h"
#include "store/pack.h"

/* ---- writing --------------------------------------------------------------------------------------------------------- */

typedef struct sp_segment_plan {
    sp_ints_plan ints, parts[2]; /* numbers, codes or lengths; an interval's other parts; what is lagged */
    uint8_t encoding, param, age;
    bool known, tried, lagged;    /* tried: whether it is shorter lagged */
    uint8_t as_it_is;             /* segments to come that are not worth packing */
    struct sp_segment_plan *item; /* of a list */
} sp_segment_plan;
void sp_segment_plan_done(sp_segment_plan *p);

/* Rows that come round again: how far back the row before with the same key is (lagged.c). rows 0: nothing of the kind. */
typedef struct sp_lags {
    uint32_t rows, n_runs, lag, firsts; /* as in a sp_lagged_head; rows without one before them */
    sp_buf runs, lags, last;
} sp_lags;

/* Columns of rows that have the same fields. */
typedef struct sp_group_column {
    uint16_t name;
    const sp_column *cells;
    sp_segment_plan *plan;
} sp_group_column;

typedef struct sp_group {
    const sp_group_column *columns;
    uint32_t n_columns, rows;
} sp_group;

/* Scratch memory of one thread's writing. */
typedef struct sp_encoder sp_encoder;
sp_encoder *sp_encoder_new(void); /* NULL: no memory */
void sp_encoder_free(sp_encoder *e);
const sp_kernels *sp_encoder_kernels(const sp_encoder *e);

/* Segments to come are packed where that pays. */
int sp_encoder_pack(sp_encoder *e, spate_packing with, spate_error *err) SP_MUST_CHECK;

/* Segments to come are of that group's rows: looks for a key among its columns that comes round again. */
void sp_encoder_take_rows(sp_encoder *e, const sp_group *group);
/* Has one of the segments so far been lagged? Readers must know of those. */
bool sp_encoder_has_lagged(const sp_encoder *e);

/* Adds rows cells of c to out. entry: encoding, flags, nulls, min and max are filled in. A null cell of text, bytes or a list may
 * have no bytes or items. c->bytes needs SP_SLACK readable bytes behind its last one. */
int sp_segment_encode(sp_encoder *e, const sp_column *c, uint32_t rows, sp_segment_plan *plan, sp_buf *out,
                      sp_segment_entry *entry, spate_error *err) SP_MUST_CHECK;

/* Fills in the hash of the len bytes of a segment; seed is of its place, sp_segment_seed. */
void sp_segment_seal(const sp_kernels *k, char *bytes, size_t len, uint64_t seed);

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static inline uint64_t sp_segment_seed(uint64_t salt, uint32_t at64)
{
    return salt + at64;
}
/* Are these the bytes that were sealed there? */
bool sp_segment_whole(const sp_kernels *k, const char *bytes, size_t len, uint64_t seed);

typedef struct sp_lagged {
    const uint8_t *runs;
    uint32_t n_runs, first_lag, most; /* most: the longest lag */
    bool narrow;
    uint32_t at, run, in_run, lag, firsts, differences; /* where reading left off: the row, and what belongs to it */
    uint32_t kept;                                      /* integers before that row */
} sp_lagged;

typedef struct sp_segment {
    const sp_kernels *k;
    sp_type type;
    uint8_t encoding, param, flags;
    uint32_t rows, values;
    const char *bytes;       /* the whole segment */
    const uint8_t *validity; /* NULL: every cell is present */
    const char *body;
    size_t body_bytes;
    sp_ints ints, parts[2];
    const char *text; /* bytes that ends point into */
    size_t text_bytes;
    uint32_t ranked_rows, ranked; /* present cells before a row: where reading left off */
    sp_fsst *fsst;
    struct sp_segment *inner; /* a dictionary's entries, a list's items */
    sp_column entries;        /* the dictionary, read */
    bool entries_ready;
    bool packed; /* bytes are what was unpacked */
    sp_lagged lagged;
    sp_buf aside, numbers, unpacked, whole;
} sp_segment;

void sp_segment_init(sp_segment *s);
void sp_segment_done(sp_segment *s);
/* Looks at bytes, which must live while s is read from, and unpacks them if they are packed. SPATE_E_CORRUPT when they are no segment of
 * that type. */
int sp_segment_open(sp_segment *s, sp_type type, const void *bytes, size_t len, spate_error *err) SP_MUST_CHECK;
/* Rows [from, from + n) into out's own storage. Numbers of absent cells are whatever lies there. */
int sp_segment_read(sp_segment *s, uint32_t from, uint32_t n, sp_column *out, spate_error *err) SP_MUST_CHECK;
/* Present cells before row. */
uint32_t sp_segment_rank(sp_segment *s, uint32_t row);
/* How a number of this type and encoding is packed; false for others. */
bool sp_segment_as(sp_kind kind, sp_encoding encoding, unsigned param, sp_as *as);

/* ---- between the files of this part -------------------------------------------------------------------------------------- */

/* Present cells of a column, one behind the other. */
typedef struct sp_flat {
    sp_type type;
    uint32_t n;
    const void *data;
    const int32_t *offsets;
    const char *bytes;
    const sp_column *child;
    const uint8_t *filled; /* the cells that are not present have been given a value; NULL: there are none of those */
} sp_flat;

struct sp_encoder {
    const sp_kernels *k;
    struct sp_dict *dict;
    sp_fsst_maker *fsst;
    bool fsst_learnt;    /* for the column that is being written */
    sp_presser *presser; /* NULL: segments are not packed */
    sp_buf data, offsets, bytes, codes, ends, text;
    sp_buf flat_offsets, flat_bytes; /* cells without the absent ones */
    sp_lags lags;                    /* of the rows that are written */
    bool has_lagged;
    sp_buf whole; /* integers of all of them */
};

/* flat.c: numbers that are present, one behind the other, or (not dense) all, absent ones like the one before. */
int sp_flatten_numbers(sp_encoder *e, const sp_column *c, uint32_t rows, uint32_t width, bool dense,
                       sp_flat *f) SP_MUST_CHECK;
/* Texts or lists that are present, one behind the other. *nulls_hold: there are bytes or items of absent ones between them. */
int sp_flatten_offsets(sp_encoder *e, const sp_column *c, uint32_t rows, sp_flat *f, bool *nulls_hold) SP_MUST_CHECK;
/* Then: the bytes of absent texts are dropped. */
int sp_flatten_texts(sp_encoder *e, const sp_column *c, uint32_t rows, sp_flat *f) SP_MUST_CHECK;

int sp_numbers_encode(sp_encoder *e, const sp_flat *f, sp_segment_plan *plan, sp_buf *out, sp_segment_header *h,
                      sp_segment_entry *entry) SP_MUST_CHECK;
int sp_texts_encode(sp_encoder *e, const sp_flat *f, sp_segment_plan *plan, sp_buf *out, sp_segment_header *h,
                    sp_segment_entry *entry) SP_MUST_CHECK;
bool sp_texts_open(sp_segment *s) SP_MUST_CHECK;
/* Texts [from, from + n) appended to out->bytes, their ends in out->offsets[1..n]. */
int sp_texts_read(sp_segment *s, uint32_t from, uint32_t n, sp_column *out) SP_MUST_CHECK;

/* ---- differences from rows before (lagged.c) ------------------------------------------------------------------------------- */

void sp_lags_find(sp_lags *l, const sp_group *group);
void sp_lags_done(sp_lags *l);
/* Adds a lagged body to out. *done false: there are no lags of these rows, or a number is not exact. */
int sp_lagged_encode(sp_encoder *e, const sp_ints_source *source, const uint8_t *filled, sp_segment_plan *plan,
                     sp_buf *out, bool *done) SP_MUST_CHECK;
bool sp_lagged_pays(size_t bytes, size_t otherwise);
bool sp_lagged_open(sp_segment *s) SP_MUST_CHECK;
int sp_lagged_read(sp_segment *s, uint32_t from, uint32_t n, sp_as as, char *out) SP_MUST_CHECK;

/* ---- dictionaries (dict.c) ------------------------------------------------------------------------------------------------- */

typedef struct sp_dict sp_dict;
sp_dict *sp_dict_new(void);
void sp_dict_free(sp_dict *d);
/* Codes for f's cells: how many entries there are, first come first; 0: more than max. Codes are in codes, and the number of each
 * entry's first cell behind them. */
uint32_t sp_dict_build(sp_dict *d, const sp_flat *f, uint32_t max, sp_buf *codes);

#endif
