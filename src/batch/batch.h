/* batch.h - types, schemas, and the columnar batch that all rows travel in.
 *
 * A batch is Arrow's layout (https://arrow.apache.org/docs/format/Columnar.html): per column a validity bitmap (bit set =
 * value present, least significant bit first), and fixed-width values, or int32 offsets and bytes. At most
 * SP_BATCH_ROWS_MAX rows. Buffers belong to the batch, unless a sink lent its own (sp_column.data), and are reused:
 * filling a batch allocates nothing once its text buffers have grown to their working size.
 * A batch belongs to one thread at a time. Schemas are immutable once built and may be shared. */
#ifndef SP_BATCH_H
#define SP_BATCH_H

#include "base/base.h"

typedef enum sp_kind {
    SP_BOOL,        /* bit, as the validity bitmap */
    SP_I16,         /* int16_t */
    SP_I32,         /* int32_t */
    SP_I64,         /* int64_t */
    SP_U64,         /* uint64_t */
    SP_F32,         /* float */
    SP_F64,         /* double */
    SP_DECIMAL,     /* int64_t, value times 10^scale; precision at most 18 */
    SP_DATE,        /* int32_t, days since 1970-01-01, or +-SP_DATE_INFINITY */
    SP_TIME,        /* int64_t, microseconds since midnight */
    SP_TIMESTAMP,   /* int64_t, microseconds since 1970-01-01, no zone, or +-SP_TIMESTAMP_INFINITY */
    SP_TIMESTAMPTZ, /* int64_t, microseconds since 1970-01-01 UTC, or the same */
    SP_INTERVAL,    /* sp_interval */
    SP_UUID,        /* 16 bytes, network order */
    SP_TEXT,        /* UTF-8, no NUL */
    SP_JSON,        /* UTF-8, valid JSON */
    SP_BYTES,
    SP_LIST, /* offsets into the child column */
} sp_kind;
enum { SP_KINDS = SP_LIST + 1 };

typedef struct sp_interval {
    int32_t months, days;
    int64_t us;
} sp_interval;

/* As PostgreSQL writes it and DuckDB reads it too: 1 year 2 mons -3 days +04:05:06.5; at most SP_INTERVAL_TEXT_MAX bytes. */
char *sp_put_interval(char *p, sp_interval v);

typedef struct sp_type {
    sp_kind kind;
    uint8_t precision, scale; /* SP_DECIMAL */
    uint32_t length;          /* SP_TEXT that the plan named, as varchar(20): at most so many characters; 0: no limit */
    /* SP_TEXT that the plan named: stands for a type that only its target knows, which reads it from text */
    bool other;
    const struct sp_type *item; /* SP_LIST */
} sp_type;

/* What text may need before it can stand in a format; the least is 0, for what nobody has said anything of. */
typedef enum sp_care {
    SP_CARE_ESCAPES, /* it may be empty, and anything may be in it */
    SP_CARE_QUOTES, /* never empty; no double quote, backslash or control character, so that between double quotes it is as it is */
    SP_CARE_SQL,     /* and no comma: single quotes are the worst */
    SP_CARE_NOTHING, /* only letters, digits, space and - _ . : / @ + #, never empty: no quotes anywhere */
} sp_care;

/* What the maker of a column promises about its cells; a sink may refuse or speed up by it. */
typedef struct sp_bounds {
    bool has_range; /* integers: every cell is in [min, max] */
    int64_t min, max;
    uint32_t text_max; /* text, JSON, bytes: no cell is longer, in bytes; 0 = unknown */
    sp_care care;      /* text: what is the most that a cell needs */
} sp_bounds;

typedef struct sp_field {
    const char *name;
    sp_type type;
    bool nullable;
    const char *sql_type; /* the type named by the plan, for --create; NULL: inferred from type */
    const char *cast; /* the type that --create writes whatever the others say, in the target's own words; NULL: none */
    const sp_str *labels; /* the values of an enumeration, in order; NULL: none */
    uint32_t n_labels;
    const char *enum_name; /* of the type that --create makes for them; NULL: <table>_<column> */
    /* text: what is sure to come up among its cells, decimals: the least and the greatest that may, so that a target that cannot
     * take them is told before the first row; it need not be all. NULL: nothing is known */
    const sp_str *values;
    uint32_t n_values;
    sp_bounds bounds;
} sp_field;

/* to becomes of from's type, with its words and labels, all of it in the arena. 0 or SPATE_E_NOMEM. */
int sp_field_copy_type(sp_arena *arena, const sp_field *from, sp_field *to) SP_MUST_CHECK;

typedef struct sp_foreign_key {
    const char *parent;      /* table name */
    uint32_t n;              /* columns */
    const uint32_t *columns; /* field numbers here */
    const char *const *parent_columns;
} sp_foreign_key;

typedef struct sp_schema {
    const char *table; /* as the plan names it: name, or schema.name */
    const sp_field *fields;
    uint32_t n_fields;
    const uint32_t *primary_key; /* field numbers, n_primary_key of them */
    uint32_t n_primary_key;
    const uint32_t *uniques; /* fields that are unique each by itself */
    uint32_t n_uniques;
    const sp_foreign_key *foreign_keys;
    uint32_t n_foreign_keys;
    uint64_t rows; /* how many the source will give, or UINT64_MAX: not known */
} sp_schema;

/* The width of a fixed-width kind in bytes; 0 for SP_BOOL (a bit), SP_TEXT, SP_JSON, SP_BYTES and SP_LIST. */
uint32_t sp_kind_width(sp_kind kind);
bool sp_kind_is_text(sp_kind kind);    /* SP_TEXT, SP_JSON */
static inline bool sp_kind_has_bytes(sp_kind kind) /* and SP_BYTES */
{
    return kind == SP_TEXT || kind == SP_JSON || kind == SP_BYTES;
}
bool sp_kind_is_signed(sp_kind kind);  /* SP_I16, SP_I32, SP_I64 */
bool sp_kind_is_integer(sp_kind kind); /* and SP_U64 */
const char *sp_kind_name(sp_kind kind);
/* Room for the text of one cell, quotes and escapes aside: a bound for fixed-width kinds, 0 for the others. */
uint32_t sp_kind_text_max(sp_kind kind);
/* An estimate of a row's bytes in a compact binary form, for choosing chunk sizes. */
uint32_t sp_schema_row_bytes(const sp_schema *schema);
/* So many rows as a chunk has them: whole batches, unless they are less than one; at least 1. */
uint64_t sp_whole_batches(uint64_t rows);
/* A table's name without its schema. */
const char *sp_table_bare(const char *table);
int sp_schema_find(const sp_schema *schema, const char *name); /* field number or -1 */

typedef struct sp_column {
    sp_type type;
    uint8_t *validity;       /* NULL: every cell is present. Else (rows + 7) / 8 bytes */
    void *data;              /* fixed-width values, or the SP_BOOL bitmap */
    int32_t *offsets;        /* SP_TEXT, SP_JSON, SP_BYTES, SP_LIST: rows + 1 of them, the first 0 */
    char *bytes;             /* SP_TEXT, SP_JSON, SP_BYTES: offsets[rows] bytes, and SP_SLACK readable behind them */
    struct sp_column *child; /* SP_LIST */

    /* Owned storage that the pointers above normally show. */
    uint8_t *own_validity;
    void *own_data;
    int32_t *own_offsets;
    size_t bytes_cap;
    uint32_t rows_cap;
} sp_column;

typedef struct sp_batch {
    const sp_schema *schema;
    uint32_t rows;
    uint64_t first_row; /* number of the first row in its table, from 0 */
    sp_column *columns; /* schema->n_fields */
} sp_batch;

/* Storage for SP_BATCH_ROWS_MAX rows of schema, which must outlive the batch. */
int sp_batch_init(sp_batch *b, const sp_schema *schema, spate_error *err) SP_MUST_CHECK;
void sp_batch_done(sp_batch *b);
/* Forgets the rows and takes every column back to the batch's own storage; offsets begin at 0. */
void sp_batch_reset(sp_batch *b);
/* Puts rows [first, first + n) of from behind those of b, which has room for them and the same fields. 0 or SPATE_E_NOMEM. */
int sp_batch_append(sp_batch *b, const sp_batch *from, uint32_t first, uint32_t n) SP_MUST_CHECK;

int sp_column_init(sp_column *c, sp_type type, uint32_t rows_cap, spate_error *err) SP_MUST_CHECK;
void sp_column_done(sp_column *c);
/* Forgets the cells and takes the column back to its own storage. */
void sp_column_reset(sp_column *c);
/* Room for cap bytes of text (and SP_SLACK more), keeping what is there. */
int sp_column_reserve_bytes(sp_column *c, size_t cap) SP_MUST_CHECK;
/* Room for rows values and offsets: for the child of a list, whose length is not known beforehand. */
int sp_column_reserve_rows(sp_column *c, uint32_t rows) SP_MUST_CHECK;
/* The same of a child that has values, which stay, as do its nulls. */
int sp_column_reserve_items(sp_column *child, uint32_t rows) SP_MUST_CHECK;
/* Puts rows [first, first + n) of from, whose type is the same, behind the at rows of c. 0 or SPATE_E_NOMEM. */
int sp_column_append(sp_column *c, uint32_t at, const sp_column *from, uint32_t first, uint32_t n) SP_MUST_CHECK;

static inline bool sp_bit(const uint8_t *bits, uint32_t i)
{
    return bits[i >> 3] >> (i & 7) & 1;
}
/* The column's validity bitmap for writing: made, with all of rows present, when there is none yet. */
uint8_t *sp_column_validity(sp_column *c, uint32_t rows);
static inline bool sp_column_null(const sp_column *c, uint32_t row)
{
    return c->validity && !sp_bit(c->validity, row);
}
static inline sp_str sp_column_str(const sp_column *c, uint32_t row)
{
    return (sp_str){c->bytes + c->offsets[row], (size_t)(c->offsets[row + 1] - c->offsets[row])};
}

#endif
