/* spate/store.h - rows kept at the speed of memory: files *.spate.
 *
 * Caveats first. Rows are appended and never deleted; a cell can be changed where it lies when the new value fits into the bits that
 * the old ones of its vector have. One handle writes to a file at a time, any number of handles, in any processes, read it. A handle
 * for reading sees what was in the file when it was opened. Reading is done through a mapping: a disk that fails while it is read ends
 * the process with SIGBUS.
 *
 * A store holds tables. A table's rows are numbered from 0. A table may declare columns; then every row has them all, as values
 * or null. Or it declares none, and any row has any fields: 65,536 names in a store, and what a row does not have costs nothing. What
 * is read is bit for bit what was written. Every block is hashed: what is damaged is an error (SPATE_E_CORRUPT), never data.
 *
 * Threads: an appender, a scan and a cursor belong to one thread at a time. Different ones of one store run at once. Everything
 * else is called by one thread while no other is inside the same store. */
#ifndef SPATE_STORE_H
#define SPATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spate/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spate_store spate_store;

/* ---- types ----------------------------------------------------------------------------------------------------------- */

typedef enum spate_kind {
    SPATE_BOOL,
    SPATE_I16,
    SPATE_I32,
    SPATE_I64,
    SPATE_U64,
    SPATE_F32,
    SPATE_F64,
    SPATE_DECIMAL,     /* int64, value times 10^scale; precision at most 18 */
    SPATE_DATE,        /* int32, days since 1970-01-01 */
    SPATE_TIME,        /* int64, microseconds since midnight */
    SPATE_TIMESTAMP,   /* int64, microseconds since 1970-01-01, no zone */
    SPATE_TIMESTAMPTZ, /* int64, microseconds since 1970-01-01 UTC */
    SPATE_INTERVAL,    /* int32 months, int32 days, int64 microseconds */
    SPATE_UUID,        /* 16 bytes */
    SPATE_TEXT,        /* UTF-8 */
    SPATE_JSON,
    SPATE_BYTES,
    SPATE_LIST
} spate_kind;

typedef struct spate_type {
    spate_kind kind;
    uint8_t precision, scale;      /* SPATE_DECIMAL */
    const struct spate_type *item; /* SPATE_LIST */
} spate_type;

/* ---- opening and closing ------------------------------------------------------------------------------------------------ */

enum { SPATE_STORE_USER_BYTES = 64 << 10 };

/* Makes an empty store with room for user_bytes of the user's own (spate_store_user_write); 0: SPATE_STORE_USER_BYTES.
 * SPATE_E_IO when the file is there already. */
int spate_store_create(const char *path, uint64_t user_bytes, spate_store **store, spate_error *err);
/* SPATE_E_DATA: it is no store, or of a later version. SPATE_E_UNREACHABLE: write, and another process writes to it. A torn tail that a
 * crash left behind is cut off when opened to write, and left aside when opened to read. */
int spate_store_open(const char *path, bool write, spate_store **store, spate_error *err);
/* What appenders have flushed survives a crash of the machine once this returns. */
int spate_store_commit(spate_store *store, spate_error *err);
/* The same, and the next opening is quick. No appender may be open. More can be appended afterwards. */
int spate_store_finish(spate_store *store, spate_error *err);
/* Rows that were flushed stay even without spate_store_finish; the next opening has to look for them. NULL is fine. */
void spate_store_close(spate_store *store);

/* Whether any cell was rounded before it was written. */
bool spate_store_rounded(const spate_store *store);
/* Whether any rows were written with spate_appender_pack. */
bool spate_store_packed(const spate_store *store);

/* Bytes of the user's own, as a whole, in front of the rows: old or new after a crash, never half. */
int spate_store_user_write(spate_store *store, const void *bytes, size_t len, spate_error *err);
/* *bytes is freed with spate_store_free. */
int spate_store_user_read(spate_store *store, void **bytes, size_t *len, spate_error *err);
void spate_store_free(void *memory);

/* ---- tables and names --------------------------------------------------------------------------------------------------- */

typedef struct spate_column_def {
    const char *name;
    spate_type type;
    bool nullable;
} spate_column_def;

typedef struct spate_table {
    const char *name;
    const spate_column_def *columns; /* n_columns 0: any row has any fields */
    size_t n_columns;
    uint64_t rows; /* one behind the highest row number */
} spate_table;

/* Declares a table. SPATE_E_USAGE when there is one of this name. */
int spate_store_add_table(spate_store *store, const char *name, const spate_column_def *columns, size_t n_columns,
                          uint32_t *table, spate_error *err);
uint32_t spate_store_tables(const spate_store *store);
/* name NULL: the only table. SPATE_E_USAGE when there is none, or which one is not clear. */
int spate_store_find_table(const spate_store *store, const char *name, uint32_t *table, spate_error *err);
/* Fills info; its pointers are freed with spate_table_done. */
int spate_store_table(const spate_store *store, uint32_t table, spate_table *info, spate_error *err);
void spate_table_done(spate_table *info);

/* The number of a field's name, given now if it is new. */
int spate_store_name(spate_store *store, const char *name, uint16_t *number, spate_error *err);
/* NULL: no such number. */
const char *spate_store_name_text(const spate_store *store, uint16_t number);

/* ---- writing -------------------------------------------------------------------------------------------------------------- */

/* One field of a row. Integers, dates and times are in i (u for SPATE_U64), floats of both widths in f; text, bytes, UUIDs (16 bytes)
 * and intervals (16 bytes) are at p. */
typedef struct spate_value {
    uint16_t name;
    uint16_t kind : 6, precision : 5, scale : 5;
    uint32_t len;
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double f;
        float f32;
        const void *p;
    } as;
} spate_value;

/* Rows as they lie in memory: records of fixed size, fields at fixed places. Text and bytes are a spate_text in the record. A list cannot
 * be in a record. */
typedef struct spate_text {
    const char *p;
    size_t len;
} spate_text;
typedef struct spate_record_field {
    const char *name;
    spate_type type;
    size_t offset;
} spate_record_field;
#define SPATE_NO_NULLS SIZE_MAX
typedef struct spate_record spate_record;

/* Cells of a column, in Arrow's layout: validity bit set = present (NULL: all are); offsets and bytes for text and bytes, offsets
 * and child for lists. bytes may be read up to 64 bytes behind the last offset when text is appended. */
typedef struct spate_column {
    spate_type type;
    const uint8_t *validity;
    const void *data;
    const int32_t *offsets;
    const char *bytes;
    const struct spate_column *child;
} spate_column;

typedef struct spate_appender spate_appender;

/* One thread's way in. Rows are turned into columns at once, gathered to blocks of some megabytes, encoded and written. */
int spate_appender_open(spate_store *store, uint32_t table, spate_appender **appender, spate_error *err);
/* A row of any fields, each name once; a table with declared columns takes its columns only, and those not given are null. At most
 * 16 MiB of text and bytes. */
int spate_append_row(spate_appender *a, const spate_value *values, size_t n, spate_error *err);
/* What a record is made of; for this appender. null_bits: where in a record the bits lie that say which fields are present (bit i:
 * field i), or SPATE_NO_NULLS. Lives as long as the appender. */
int spate_record_define(spate_appender *a, const spate_record_field *fields, size_t n, size_t null_bits,
                        spate_record **record, spate_error *err);
/* rows records, stride bytes from one to the next: the fastest way in. */
int spate_append_records(spate_appender *a, const spate_record *record, const void *records, size_t stride, size_t rows,
                         spate_error *err);
/* Rows as columns, of a table with declared columns and in their order. */
int spate_append_columns(spate_appender *a, const spate_column *columns, size_t rows, spate_error *err);
/* LOSSY, and off unless it is asked for: from the next block on, float64 cells are rounded to the nearest number of so many decimals (0 to
 * 15), which takes fewer bits and is off by at most half a unit of the last. What is too large to have as many, infinite or not a
 * number, stays as it is. The file remembers it (spate_store_rounded). */
enum { SPATE_DECIMALS_MAX = 15 };
int spate_appender_round_off(spate_appender *a, unsigned decimals, spate_error *err);
/* Off unless it is asked for: from the next block on, columns that LZ4 or zstd makes smaller by a sixteenth or more are packed. They take
 * longer to read, and cannot be changed in place. Fails when the library is not there. */
typedef enum spate_packing { SPATE_PACKED_NOT, SPATE_PACKED_LZ4, SPATE_PACKED_ZSTD } spate_packing;
int spate_appender_pack(spate_appender *a, spate_packing with, spate_error *err);
/* Writes what is gathered as a block. */
int spate_appender_flush(spate_appender *a, spate_error *err);
/* Drops what was not flushed. NULL is fine. */
void spate_appender_close(spate_appender *a);

/* ---- reading: columns --------------------------------------------------------------------------------------------------- */

typedef enum spate_compare { SPATE_EQ, SPATE_NE, SPATE_LT, SPATE_LE, SPATE_GT, SPATE_GE } spate_compare;
/* field op value; the value's kind must be the field's, or both be numbers. A null matches nothing. */
typedef struct spate_condition {
    const char *field;
    spate_compare op;
    spate_value value;
} spate_condition;

typedef struct spate_scan_options {
    uint32_t table;
    const char *const *fields; /* n_fields of them; 0: all */
    size_t n_fields;
    const spate_condition *conditions; /* all must hold */
    size_t n_conditions;
    uint64_t first_row, last_row; /* [first, last); last_row 0: to the end */
    bool skip_damaged;            /* leave out what is damaged, and count it, instead of failing */
    bool unverified;              /* do not check hashes: for measuring what they cost */
} spate_scan_options;

/* A scan goes from block to block, and within a block from shape to shape: rows that have the same fields. Rows of a piece are in
 * order, and pieces too where a table has declared columns. Conditions only spare blocks that cannot hold a row that matches; a cursor
 * looks at each row. */
typedef struct spate_scan spate_scan;
int spate_scan_open(spate_store *store, const spate_scan_options *options, spate_scan **scan, spate_error *err);
/* Another scan that shares the work: each block is given to the first that asks. */
int spate_scan_share(spate_scan *scan, spate_scan **other, spate_error *err);
/* The next piece: rows of one shape; *rows 0 at the end. */
int spate_scan_next(spate_scan *scan, uint32_t *rows, spate_error *err);
/* The columns of the piece: those of the asked fields that its rows have. */
uint32_t spate_scan_columns(const spate_scan *scan);
uint16_t spate_scan_name(const spate_scan *scan, uint32_t column);
spate_type spate_scan_type(const spate_scan *scan, uint32_t column);
/* The cells of a column of the piece, rows [from, from + n): read now, good until another column is read or the scan goes on.
 * Numbers of null cells are anything. Column by column and in steps of some thousand rows is what caches like. */
int spate_scan_read(spate_scan *scan, uint32_t column, uint32_t from, uint32_t n, spate_column *out, spate_error *err);
/* The numbers of rows [from, from + n) of the piece. */
int spate_scan_row_numbers(spate_scan *scan, uint32_t from, uint32_t n, uint64_t *out, spate_error *err);
/* What was damaged and left out, so far. */
typedef struct spate_skipped {
    uint64_t blocks, rows, bytes;
} spate_skipped;
spate_skipped spate_scan_skipped(const spate_scan *scan);
void spate_scan_close(spate_scan *scan); /* NULL is fine */

/* ---- reading: rows -------------------------------------------------------------------------------------------------------- */

/* Row by row, in order, conditions applied. Same options as a scan. */
typedef struct spate_cursor spate_cursor;
int spate_cursor_open(spate_store *store, const spate_scan_options *options, spate_cursor **cursor, spate_error *err);
/* The next row: its present fields, n of them, good until the next call; *values NULL at the end. p of a list points to a
 * spate_column whose rows are its items (len). */
int spate_cursor_next(spate_cursor *cursor, const spate_value **values, size_t *n, uint64_t *row, spate_error *err);
/* Rows as records, a few at a time: the fastest way out row by row where neighbours are of one shape. Every field of that shape (of those
 * asked for) lies at its offset in every record, as spate_append_records takes them: text and bytes as a spate_text, a list as one whose
 * p points to a spate_column; bit i at null_bits says whether field i is there. What is not there is anything. */
typedef struct spate_rows {
    const spate_record_field *fields; /* their items are not told */
    size_t n_fields, null_bits, stride;
    const void *records;
    size_t rows; /* which follow one another from first_row on */
    uint64_t first_row;
} spate_rows;
/* The next rows that match and are of one shape, good until the next call; none (rows 0) at the end. Both ways of reading may be mixed. */
int spate_cursor_next_rows(spate_cursor *cursor, spate_rows *rows, spate_error *err);
/* The next row will be this one, or the first behind it that is there. */
int spate_cursor_seek(spate_cursor *cursor, uint64_t row, spate_error *err);
spate_skipped spate_cursor_skipped(const spate_cursor *cursor);
void spate_cursor_close(spate_cursor *cursor);

/* ---- indexes ---------------------------------------------------------------------------------------------------------------- */

/* Builds an index of a field, or brings it up to the rows appended since. Memory: 16 MiB. spate_store_finish makes it stay. */
int spate_store_index(spate_store *store, uint32_t table, const char *field, spate_error *err);
bool spate_store_has_index(spate_store *store, uint32_t table, const char *field);
/* The rows whose field has the value, in order; freed with spate_store_free. Rows that no index covers are looked at one by
 * one; *indexed: there was an index. value's kind must be the field's. */
int spate_store_find(spate_store *store, uint32_t table, const char *field, const spate_value *value, uint64_t **rows,
                     size_t *n, bool *indexed, spate_error *err);

/* ---- changing cells in place ---------------------------------------------------------------------------------------------- */

/* Changes are gathered in memory and are in the file after a flush, all of them or none, whatever happens to the machine. A flush waits
 * until nobody reads the file. Field indexes do not know of changes: make them anew. */
typedef struct spate_updater spate_updater;
int spate_updater_open(spate_store *store, uint32_t table, spate_updater **updater, spate_error *err);
/* SPATE_E_DATA: no such row or field, or the value does not fit into the room of the old one. Flushes by itself every 64 MiB. */
int spate_updater_set(spate_updater *u, uint64_t row, const spate_value *value, spate_error *err);
int spate_updater_flush(spate_updater *u, spate_error *err);
void spate_updater_close(spate_updater *u); /* drops what was not flushed. NULL is fine */

/* ---- what is inside ---------------------------------------------------------------------------------------------------------- */

typedef struct spate_field_stats {
    uint16_t name;
    spate_type type; /* a list's item is not told */
    uint64_t cells, nulls, bytes, segments;
    uint32_t encodings; /* bit i: spate_encoding_name(i) */
    bool has_range;
    spate_value min, max; /* of numbers, dates and times */
} spate_field_stats;

/* Per field and type, without decoding a cell. fields is freed with spate_store_free; blocks and bytes are the table's. */
int spate_store_stats(spate_store *store, uint32_t table, spate_field_stats **fields, size_t *n, uint64_t *blocks,
                      uint64_t *bytes, spate_error *err);
/* The declared type of a field, or else the one that most of its cells have. */
int spate_store_field_type(spate_store *store, uint32_t table, const char *field, spate_type *type, spate_error *err);
const char *spate_encoding_name(unsigned encoding); /* NULL: no such encoding */
const char *spate_kind_name(spate_kind kind);

/* ---- values as text ------------------------------------------------------------------------------------------------------------ */

/* A text that grows. Functions that add return 0 or SPATE_E_NOMEM. */
typedef struct spate_line spate_line;
typedef enum spate_form { SPATE_FORM_PLAIN, SPATE_FORM_JSON, SPATE_FORM_CSV } spate_form;
spate_line *spate_line_new(void); /* NULL: no memory */
void spate_line_free(spate_line *line);
void spate_line_clear(spate_line *line);
int spate_line_add(spate_line *line, const char *text);
int spate_line_add_string(spate_line *line, const char *text); /* as a JSON string */
int spate_line_add_value(spate_line *line, const spate_value *value, spate_form form);
const char *spate_line_text(const spate_line *line, size_t *len); /* not NUL-terminated; good until the line changes */
/* Reads a value of a type. room holds as many bytes as the text, and 16 at least; text and room live as long as the value. */
int spate_value_parse(const char *text, spate_type type, char *room, spate_value *value, spate_error *err);

/* ---- checking --------------------------------------------------------------------------------------------------------------- */

typedef struct spate_damage {
    const char *table;            /* NULL: not known */
    uint64_t first_row, last_row; /* [first, last) that are lost; alike: not known */
    uint64_t at, bytes;           /* where in the file */
} spate_damage;
typedef void spate_found_fn(void *arg, const spate_damage *damage);
typedef struct spate_check {
    uint64_t blocks, rows, bytes, damaged, rows_lost;
} spate_check;

/* Looks at every byte of every block. SPATE_E_CORRUPT when something is damaged: found (may be NULL) is told about each. */
int spate_store_verify(spate_store *store, spate_found_fn *found, void *arg, spate_check *totals, spate_error *err);
/* The same, and then leaves out what is damaged for good; the other rows keep their numbers. The store is finished. */
int spate_store_repair(spate_store *store, spate_found_fn *found, void *arg, spate_check *totals, spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
