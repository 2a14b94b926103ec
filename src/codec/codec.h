/* codec.h - batches to bytes and back. Pure: no I/O, no connection; what goes wrong here is a cell that cannot be written or read.
 *
 * An encoder is built once for a table and a target, and then turns batches into bytes appended to a buffer, allocating nothing
 * once the buffer has grown. Encoders are immutable after building: threads may share one, each with its own buffer. A decoder
 * appends rows to a batch; it keeps scratch memory, so it belongs to one thread at a time. */
#ifndef SP_CODEC_H
#define SP_CODEC_H

#include "base/jsonpath.h"
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
/* Appends rows [from, to) of batch. 0 or SPATE_E_NOMEM. By the widest registers there are; and the portable form, for tests. */
int sp_rowtext_encode(const sp_rowtext *e, const sp_batch *batch, uint32_t from, uint32_t to,
                      sp_buf *out) SP_MUST_CHECK;
int sp_rowtext_encode_portable(const sp_rowtext *e, const sp_batch *batch, uint32_t from, uint32_t to,
                               sp_buf *out) SP_MUST_CHECK;
/* The line of names: CSV header, or nothing in other dialects. */
int sp_rowtext_header(const sp_rowtext *e, sp_buf *out) SP_MUST_CHECK;

/* One cell as the CSV dialect would show it, unquoted; for messages, parameters and tables on a terminal. */
int sp_cell_text(const sp_column *c, uint32_t row, sp_buf *out) SP_MUST_CHECK;

/* The text of a fixed-width cell at p, ISO 8601 with Z where there is a zone; at most SP_CELL_TEXT_BYTES, and the slack. And any
 * cell as JSON (celljson.c). */
enum { SP_CELL_TEXT_BYTES = SP_INTERVAL_TEXT_MAX + SP_SLACK };
char *sp_cell_put_fixed(char *p, const sp_column *c, uint32_t row);
int sp_json_string(sp_buf *out, sp_str text) SP_MUST_CHECK; /* between quotes, escaped; text is UTF-8 */
int sp_cell_json(sp_buf *out, const sp_column *c, uint32_t row) SP_MUST_CHECK;

/* ---- cells out of text (cellread.c) ----------------------------------------------------------------------------------------
 * What rows as text show for a kind is read back; dates and timestamps also as ISO 8601, booleans also 0 and 1, lists also as
 * JSON. Rows are added in order: cell row comes behind cell row - 1. SPATE_E_DATA: the text is no such value, or one that the kind
 * cannot hold exactly. */

typedef int sp_cell_read_fn(sp_column *c, uint32_t row, sp_str text);
sp_cell_read_fn *sp_cell_reader(sp_kind kind);
int sp_cell_read(sp_column *c, uint32_t row, sp_str text) SP_MUST_CHECK;
void sp_cell_read_null(sp_column *c, uint32_t row);
/* 1 year 2 mons -3 days +04:05:06.5, as PostgreSQL writes it. */
bool sp_read_interval(sp_str s, sp_interval *interval);
void sp_cell_set_bool(sp_column *c, uint32_t row, bool v);
/* Cells with offsets and bytes: the text as it is. 0 or SPATE_E_NOMEM. */
int sp_cell_add_text(sp_column *c, uint32_t row, sp_str text) SP_MUST_CHECK;
/* SPATE_E_DATA with table, column and row when a text cell is no UTF-8 or has a zero byte in it. */
int sp_batch_check_text(const sp_batch *batch, spate_error *err) SP_MUST_CHECK;
/* How many rows come before the first of those, of which err tells; all of them: there is none. */
uint32_t sp_batch_clean_rows(const sp_batch *batch, spate_error *err);

bool sp_json_valid(sp_str text); /* json.c */
int sp_json_read_list(sp_column *c, uint32_t row, sp_str text) SP_MUST_CHECK;

/* ---- rows out of text (rowread.c, jsonread.c) ------------------------------------------------------------------------------- */

typedef struct sp_text_form {
    sp_text_dialect dialect; /* SP_TEXT_CSV, SP_TEXT_COPY, SP_TEXT_NDJSON */
    /* CSV. quote 0: none is special. escape: in front of a quote inside quotes; often the quote */
    char delimiter, quote, escape;
    const char *null_word; /* an unquoted field that is this is null */
    /* NDJSON: lines tell of rejected rows, of which those of this table count; NULL: lines are rows */
    const char *rejected;
    bool some;     /* NDJSON: columns were chosen, keys of others are passed over */
    bool portable; /* for tests: without wide registers */
} sp_text_form;
sp_text_form sp_text_form_of(sp_text_dialect dialect); /* as rows as text are written */

/* Rows as CSV of any dialect (csvtext.c). SPATE_E_DATA: a cell that a dialect without quotes cannot say. */
int sp_csvtext_header(const sp_schema *schema, const sp_text_form *form, sp_buf *out) SP_MUST_CHECK;
int sp_csvtext_encode(const sp_text_form *form, const sp_batch *batch, sp_buf *out, spate_error *err) SP_MUST_CHECK;

typedef struct sp_rowread sp_rowread;
/* fields: for each field of a line its column in schema, or -1 to pass it over (CSV, COPY); NDJSON goes by its keys. */
int sp_rowread_new(const sp_schema *schema, const sp_text_form *form, const int32_t *fields, uint32_t n_fields,
                   sp_rowread **out, spate_error *err) SP_MUST_CHECK;
void sp_rowread_free(sp_rowread *r);
/* Appends whole rows of bytes to batch until it is full, no whole row is left, or the next one begins at limit or behind it.
 * last: nothing comes behind bytes. *used: how many bytes the rows took. The batch has been reset; errors count rows from its
 * first_row. SPATE_E_DATA: a row or cell that cannot be read; the rows before it are in the batch, which takes no more then. */
int sp_rowread_decode(sp_rowread *r, sp_str bytes, bool last, uint64_t limit, sp_batch *batch, size_t *used,
                      spate_error *err) SP_MUST_CHECK;
/* Whether the batch has all the rows, or enough bytes, that a batch should have. */
bool sp_rowread_full(const sp_batch *b);
/* The fields of the first line of CSV, for headers and samples; *n is 0 when bytes hold no whole line. */
int sp_csv_line(const sp_text_form *form, sp_str bytes, bool last, sp_arena *arena, sp_str **fields, bool **nulls,
                uint32_t *n, size_t *used, spate_error *err) SP_MUST_CHECK;
/* Calls member for each key of a line of NDJSON, its value as text: strings without quotes and escapes. */
typedef int sp_json_member_fn(void *arg, sp_str key, sp_str value, bool string);
int sp_json_line(sp_str line, sp_json_member_fn *member, void *arg, spate_error *err) SP_MUST_CHECK;

/* ---- values inside documents (jsonpath.c) -------------------------------------------------------------------------------------- */

typedef struct sp_json_finder sp_json_finder; /* of some paths; belongs to one thread at a time */
int sp_json_finder_new(const sp_json_path *const *paths, uint32_t n, sp_json_finder **out,
                       spate_error *err) SP_MUST_CHECK;
void sp_json_finder_free(sp_json_finder *f);
/* raw: as it is written in the document. text: the same, a string without its quotes and escapes. */
typedef int sp_json_found_fn(void *arg, uint32_t path, sp_str raw, sp_str text);
/* Calls found for every value that a path leads to, in their order; of several paths for the first, and not for what is inside such a
 * value. Nulls are passed over. SPATE_E_DATA: the document is not JSON, or deeper than 256 lists and objects. */
int sp_json_find(sp_json_finder *f, sp_str document, sp_json_found_fn *found, void *arg) SP_MUST_CHECK;

/* ---- rows summed up (checksum.c) ---------------------------------------------------------------------------------------------- */

typedef struct sp_sum {
    uint64_t rows, checksum; /* the same for the same rows in any order */
} sp_sum;
/* as: the schema whose fields the checksum is of, in their order; columns: where each is in the batch, NULL: in the same place. */
void sp_sum_add(sp_sum *sum, const sp_batch *batch, const sp_schema *as, const uint32_t *columns);

/* ---- rejected rows (reject.c, jsonread.c) ------------------------------------------------------------------------------------ */

typedef struct sp_reject { /* where a row comes from that was refused */
    const char *table;
    const char *job;        /* NULL: none */
    uint64_t position, nth; /* the nth row, from 1, of the chunk that begins there */
    const char *file;       /* NULL, and 0: not known */
    uint64_t line;
} sp_reject;
typedef struct sp_rejected_line { /* what of that is read again */
    sp_str table, job;
    uint64_t position;
} sp_rejected_line;
/* A line that is no row of its table; n is 0 when it does not fall into as many fields as there are names. */
typedef struct sp_unread {
    const char *file;
    uint64_t line;
    sp_str text;
    const sp_str *names, *values; /* a value that is null: p is */
    uint32_t n;
} sp_unread;
/* Appends a line that tells of the row and why it was refused, its cells so that sp_rowread gives the same again. 0 or SPATE_E_NOMEM. */
int sp_reject_row(sp_buf *out, const sp_reject *place, const spate_error *why, const sp_batch *b,
                  uint32_t row) SP_MUST_CHECK;
int sp_reject_line(sp_buf *out, const sp_reject *place, const spate_error *why, const sp_unread *line) SP_MUST_CHECK;
int sp_reject_cells(sp_str line, sp_json_member_fn *member, void *arg,
                    spate_error *err) SP_MUST_CHECK; /* as they are in "values" */
/* SPATE_E_DATA: it is no such line. What is told lives in word. */
int sp_reject_read(sp_str line, sp_buf *word, sp_rejected_line *told, spate_error *err) SP_MUST_CHECK;

/* ---- SQL words (sql.c) ------------------------------------------------------------------------------------------------- */

/* MariaDB and MySQL: of sessions that quote names with " and read a backslash as a backslash. */
typedef enum sp_sql_dialect {
    SP_SQL_POSTGRES,
    SP_SQL_COCKROACH,
    SP_SQL_DUCKDB,
    SP_SQL_SQLITE,
    SP_SQL_MARIADB,
    SP_SQL_MYSQL
} sp_sql_dialect;

static inline bool sp_sql_is_mariadb(sp_sql_dialect dialect)
{
    return dialect == SP_SQL_MARIADB || dialect == SP_SQL_MYSQL;
}

/* What InnoDB takes of the columns of an index; a character may have four. */
enum { SP_SQL_MARIADB_KEY_BYTES = 3072 };

/* "name", with " doubled. A column's name has no parts, nor has a name out of a catalogue: a dot in it is a dot. */
int sp_sql_name(sp_buf *out, const char *name) SP_MUST_CHECK;
/* A table as plans name it: schema.name is quoted part by part. */
int sp_sql_ident(sp_buf *out, const char *name) SP_MUST_CHECK;
int sp_sql_literal(sp_buf *out, sp_str text) SP_MUST_CHECK; /* 'text', with ' doubled */
/* The column type that --create uses: field->sql_type if given, else by kind. Enumerations: PostgreSQL and DuckDB get a type named
 * field->enum_name, or else <table>_<column>. */
int sp_sql_type(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema, uint32_t field) SP_MUST_CHECK;
/* The same of a field in a key that the schema does not tell of, where it may have so many bytes; UINT32_MAX: it is in none. */
int sp_sql_type_in_key(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema, uint32_t field,
                       uint32_t room) SP_MUST_CHECK;
/* How many bytes each text may have in a key of so many columns. */
uint32_t sp_sql_key_room(uint32_t texts, uint32_t columns);
/* What stands behind the last parenthesis of CREATE TABLE, from a space on; or "". */
const char *sp_sql_table_tail(sp_sql_dialect dialect);
/* CREATE TYPE for the enumerations of a table, each ended by ";\n". */
int sp_sql_create_types(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema) SP_MUST_CHECK;
/* DROP TYPE IF EXISTS for the same. */
int sp_sql_drop_types(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema) SP_MUST_CHECK;
/* CREATE TABLE with types and NOT NULL; keys: with PRIMARY KEY, UNIQUE and FOREIGN KEY inside. MariaDB stores rows by their primary
 * key, so that one is always there. Ended by ";\n". */
int sp_sql_create_table(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema, bool keys) SP_MUST_CHECK;
/* The keys that are not there yet as ALTER TABLE statements, for after the load: primary and unique keys, then (a call of its own, when all tables
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
    uint32_t item_oid;    /* arrays: of the element, else 0 */
    char category;        /* pg_type.typcategory */
    bool is_enum;         /* arrays: the element is one */
    const char *name;     /* format_type(): for messages */
    const sp_str *labels; /* enumerations: the labels; NULL: not known */
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
int sp_pgbinary_new(const sp_schema *schema, const sp_pg_type *types, sp_pgbinary **out,
                    spate_error *err) SP_MUST_CHECK;
void sp_pgbinary_free(sp_pgbinary *e);
/* The signature and flags in front of the first tuple, and the trailer behind the last. */
int sp_pgbinary_header(sp_buf *out) SP_MUST_CHECK;
int sp_pgbinary_trailer(sp_buf *out) SP_MUST_CHECK;
/* Appends rows [from, to) as tuples. SPATE_E_DATA when a cell does not fit its type. */
int sp_pgbinary_encode(const sp_pgbinary *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out,
                       spate_error *err) SP_MUST_CHECK;

/* ---- and back (pgread.c) ------------------------------------------------------------------------------------------------- */

/* What cells of a column of that type come as; a numeric without a precision of at most 18 as text. False: only as text, by a cast
 * to it on the server. */
bool sp_pgread_type(const sp_pg_type *type, sp_arena *arena, sp_type *out);

typedef struct sp_pgread sp_pgread;
/* A decoder of COPY BINARY tuples whose columns are of types. Immutable: threads may share it. */
int sp_pgread_new(const sp_schema *schema, const sp_pg_type *types, sp_pgread **out, spate_error *err) SP_MUST_CHECK;
void sp_pgread_free(sp_pgread *d);
/* What stands in front of the first tuple: *used bytes. */
int sp_pgread_header(sp_str bytes, size_t *used, spate_error *err) SP_MUST_CHECK;
/* Appends the tuple that bytes begin with, or nothing for the trailer; the batch, which has been reset, has room for a row. Text is
 * not looked at: sp_batch_check_text when the batch is full. */
int sp_pgread_tuple(const sp_pgread *d, sp_str bytes, sp_batch *batch, size_t *used, spate_error *err) SP_MUST_CHECK;

/* ---- MariaDB's and MySQL's forms (myfit.c, mywrite.c, myread.c) ----------------------------------------------------------- */

typedef enum sp_my_class {
    SP_MY_NEVER, /* what nobody knows */
    SP_MY_INTEGER,
    SP_MY_FLOAT,
    SP_MY_DECIMAL,
    SP_MY_BIT,
    SP_MY_YEAR,
    SP_MY_DATE,
    SP_MY_TIME,
    SP_MY_DATETIME,
    SP_MY_TIMESTAMP,
    SP_MY_TEXT,
    SP_MY_BYTES,
    SP_MY_SHAPE, /* GEOMETRY and its kin: takes bytes as the server keeps them, and is never read */
    SP_MY_JSON,
    SP_MY_ENUM,
    SP_MY_SET,
    SP_MY_UUID,
    SP_MY_WORD, /* what the server reads from text and says as text: INET4, INET6 */
} sp_my_class;
enum { SP_MY_CLASSES = SP_MY_WORD + 1 };

typedef struct sp_my_type { /* of a column */
    sp_my_class class;
    uint8_t bits;            /* integers, of which 1 is TINYINT(1); floats */
    bool is_unsigned, fixed; /* fixed: CHAR loses spaces at its end, BINARY gains zero bytes */
    bool rounded;            /* FLOAT(7,2): keeps so many places */
    bool not_null;
    uint8_t precision, scale; /* decimals; scale also: digits of a second's fraction */
    uint32_t length;          /* text in characters, bytes, bits */
    const sp_str *labels;     /* enumerations and sets */
    uint32_t n_labels;
    const char *name; /* as the server spells it, for messages */
} sp_my_type;

/* What cells of such a column come as. False: never. */
bool sp_my_kind(const sp_my_type *type, sp_type *out);
/* Whether cells of field can go into such a column without being changed on the way; or else why not, in a few words. */
bool sp_my_fits(const sp_field *field, const sp_my_type *type, char why[160]);

/* The encoder of a table's rows. It keeps scratch memory: one thread at a time. */
typedef struct sp_mywrite sp_mywrite;
/* types: of each field; all fit. Both live as long as it does. */
int sp_mywrite_new(const sp_schema *schema, const sp_my_type *types, sp_mywrite **out, spate_error *err) SP_MUST_CHECK;
void sp_mywrite_free(sp_mywrite *e);
/* SPATE_E_DATA with the row when a cell of rows [from, to) is none that its column keeps as it is. */
int sp_mywrite_check(sp_mywrite *e, const sp_batch *batch, uint32_t from, uint32_t to, spate_error *err) SP_MUST_CHECK;
/* For COM_STMT_BULK_EXECUTE: the types of the parameters, and checked rows as values for them. 0 or SPATE_E_NOMEM. */
int sp_mywrite_types(const sp_mywrite *e, sp_buf *out) SP_MUST_CHECK;
int sp_mywrite_rows(sp_mywrite *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out) SP_MUST_CHECK;
/* For LOAD DATA: the columns and what is done to them, " ("a", @b) SET "b" = UNHEX(@b)"; and checked rows as lines: tabs, \N,
 * backslash escapes. */
int sp_mywrite_columns(const sp_mywrite *e, sp_buf *out) SP_MUST_CHECK;
int sp_mywrite_lines(sp_mywrite *e, const sp_batch *batch, uint32_t from, uint32_t to, sp_buf *out) SP_MUST_CHECK;

typedef struct sp_my_reading {
    bool zero_date_null; /* 0000-00-00 is no value, instead of an error */
} sp_my_reading;
/* A decoder of rows as prepared statements answer them, whose columns are of types. Immutable: threads may share it. */
typedef struct sp_myread sp_myread;
int sp_myread_new(const sp_schema *schema, const sp_my_type *types, const sp_my_reading *how, sp_myread **out,
                  spate_error *err) SP_MUST_CHECK;
void sp_myread_free(sp_myread *d);
/* Appends n rows, at most SP_MYREAD_ROWS, each of them all of its bytes. Several at once are read a column at a time, which of wide
 * rows costs half. The batch has been reset and has room; text is not looked at. */
enum { SP_MYREAD_ROWS = 16 };
int sp_myread_rows(const sp_myread *d, const sp_str *rows, uint32_t n, sp_batch *batch, spate_error *err) SP_MUST_CHECK;

#endif
