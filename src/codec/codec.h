/* codec.h - batches to bytes. Pure: no I/O, no connection; what goes wrong here is a cell that cannot be written.
 *
 * An encoder is built once for a table and a target, and then turns batches into bytes appended to a buffer, allocating nothing
 * once the buffer has grown. Encoders are immutable after building: threads may share one, each with its own buffer. */
#ifndef SP_CODEC_H
#define SP_CODEC_H

#include "batch/batch.h"

/* ---- rows as text (rowtext.c) ------------------------------------------------------------------------------------------
 * One engine, four dialects:
 *   CSV     RFC 4180; empty unquoted = NULL, "" = empty text; quotes only where needed; lines end in \n
 *   COPY    PostgreSQL's COPY text: tabs, \N, backslash escapes
 *   NDJSON  one object a line; NaN and infinities as strings, bytes as hex text, decimals and 64-bit integers as JSON numbers
 *   INSERT  ("  (1, 'a', NULL),\n") a row; standard strings ('' only), bytes as '\x..'
 * Values: booleans true/false (COPY t/f), uuid lower case, timestamptz with +00 behind it (NDJSON: 2024-02-29T10:11:12Z),
 * intervals as PostgreSQL reads them, lists as PostgreSQL array text (NDJSON: arrays). */

typedef enum sp_text_dialect { SP_TEXT_CSV, SP_TEXT_COPY, SP_TEXT_NDJSON, SP_TEXT_INSERT } sp_text_dialect;

typedef struct sp_rowtext sp_rowtext;
int sp_rowtext_new(const sp_schema *schema, sp_text_dialect dialect, sp_rowtext **out, spate_error *err) SP_MUST_CHECK;
void sp_rowtext_free(sp_rowtext *e);
/* Appends rows [from, to) of batch. 0 or SPATE_E_NOMEM. */
int sp_rowtext_encode(const sp_rowtext *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out) SP_MUST_CHECK;
/* The line of names: CSV header, or nothing in other dialects. */
int sp_rowtext_header(const sp_rowtext *e, sp_buf *out) SP_MUST_CHECK;

/* One cell as the CSV dialect would show it, unquoted; for messages, parameters and tables on a terminal. */
int sp_cell_text(const sp_column *c, uint32_t row, sp_buf *out) SP_MUST_CHECK;

/* ---- SQL words (sql.c) ------------------------------------------------------------------------------------------------- */

typedef enum sp_sql_dialect { SP_SQL_POSTGRES, SP_SQL_COCKROACH, SP_SQL_DUCKDB, SP_SQL_SQLITE } sp_sql_dialect;

/* "name", with " doubled. A column's name has no parts, nor has a name out of a catalogue: a dot in it is a dot. */
int sp_sql_name(sp_buf *out, const char *name) SP_MUST_CHECK;
/* A table as plans name it: schema.name is quoted part by part. */
int sp_sql_ident(sp_buf *out, const char *name) SP_MUST_CHECK;
int sp_sql_literal(sp_buf *out, sp_str text) SP_MUST_CHECK; /* 'text', with ' doubled */
/* The column type that --create uses: field->sql_type if given, else by kind. Enumerations: PostgreSQL and DuckDB get a type named
 * field->enum_name, or else <table>_<column>. */
int sp_sql_type(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema, uint32_t field) SP_MUST_CHECK;
/* CREATE TYPE for the enumerations of a table, each ended by ";\n". */
int sp_sql_create_types(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema) SP_MUST_CHECK;
/* DROP TYPE IF EXISTS for the same. */
int sp_sql_drop_types(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema) SP_MUST_CHECK;
/* CREATE TABLE with types and NOT NULL; keys: with PRIMARY KEY, UNIQUE and FOREIGN KEY inside. Ended by ";\n". */
int sp_sql_create_table(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema, bool keys) SP_MUST_CHECK;
/* The same keys as ALTER TABLE statements, for after the load: primary and unique keys, then (a call of its own, when all tables
 * have theirs) foreign keys. */
int sp_sql_add_keys(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema) SP_MUST_CHECK;
int sp_sql_add_foreign_keys(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema) SP_MUST_CHECK;
/* INSERT INTO "t" ("a", "b") VALUES; and for upsert the ON CONFLICT clause over the primary key (DO NOTHING when there is nothing
 * else to set). */
int sp_sql_insert_head(sp_buf *out, const sp_schema *schema) SP_MUST_CHECK;
int sp_sql_on_conflict(sp_buf *out, const sp_schema *schema) SP_MUST_CHECK;
/* COPY "t" ("a", "b") FROM STDIN */
int sp_sql_copy_head(sp_buf *out, const sp_schema *schema) SP_MUST_CHECK;

/* ---- PostgreSQL's binary forms (pgbinary.c) ------------------------------------------------------------------------------ */

typedef struct sp_pg_type { /* of a target column */
    uint32_t oid;           /* pg_type.oid, domains resolved to their base type */
    int32_t typmod;
    uint32_t item_oid;      /* arrays: of the element, else 0 */
    char category;          /* pg_type.typcategory */
    bool is_enum;           /* arrays: the element is one */
    const char *name;       /* format_type(): for messages */
    const sp_str *labels;   /* enumerations: the labels; NULL: not known */
    uint32_t n_labels;
} sp_pg_type;

typedef enum sp_pg_fit {
    SP_PG_BINARY, /* written in the type's own binary form */
    SP_PG_TEXT,   /* only as text, which the server parses */
    SP_PG_NEVER,  /* no sensible conversion, or the cells' range does not fit */
} sp_pg_fit;
/* How cells of field go into a column of that type. why: a few words for SP_PG_NEVER. */
sp_pg_fit sp_pg_fit_of(const sp_field *field, const sp_pg_type *type, char why[160]);

typedef struct sp_pgbinary sp_pgbinary;
/* An encoder of COPY BINARY tuples for columns that all fit SP_PG_BINARY. */
int sp_pgbinary_new(const sp_schema *schema, const sp_pg_type *types, sp_pgbinary **out, spate_error *err) SP_MUST_CHECK;
void sp_pgbinary_free(sp_pgbinary *e);
/* The signature and flags in front of the first tuple, and the trailer behind the last. */
int sp_pgbinary_header(sp_buf *out) SP_MUST_CHECK;
int sp_pgbinary_trailer(sp_buf *out) SP_MUST_CHECK;
/* Appends rows [from, to) as tuples. SPATE_E_DATA when a cell does not fit its type. */
int sp_pgbinary_encode(const sp_pgbinary *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out,
                       spate_error *err) SP_MUST_CHECK;

#endif
