/* sqlitefile.h - rows as pages of an SQLite file. https://sqlite.org/fileformat2.html, sections 1.2, 1.5, 1.6 and 2.1
 *
 * A table is a B-tree of its rows by rowid: here it is built from the left, in one pass, every page filled to its end and never
 * touched again. Only the page under way on each level is held. Promise: the same values, and the same bytes in a record, as SQLite
 * makes of an INSERT of the same cells. Tables with rowids only; what stands on page 1, indexes, and everything that changes a row
 * are SQLite's own affair. */
#ifndef SP_SQLITEFILE_H
#define SP_SQLITEFILE_H

#include "batch/batch.h"

/* ---- what a cell becomes (sqliterows.c) ---------------------------------------------------- */

/* https://sqlite.org/datatype3.html#type_affinity */
typedef enum sp_sqlite_affine {
    SP_SQLITE_NUMERIC,
    SP_SQLITE_INTEGER,
    SP_SQLITE_REAL,
    SP_SQLITE_TEXT,
    SP_SQLITE_NONE,
} sp_sqlite_affine;
sp_sqlite_affine sp_sqlite_affinity(const char *declared_type);

typedef struct sp_sqlite_target { /* a column */
    bool found;
    sp_sqlite_affine affinity;
    bool blob; /* declared BLOB */
} sp_sqlite_target;

/* The value that a cell is given to SQLite as: what it has no type for as its documentation advises, and as its functions read it. */
typedef enum sp_sqlite_form {
    SP_SQLITE_AS_INTEGER,
    SP_SQLITE_AS_UNSIGNED, /* the same, refused where it is too large */
    SP_SQLITE_AS_REAL,     /* NaN is refused */
    SP_SQLITE_AS_DECIMAL,  /* a real, refused where it is not exact */
    SP_SQLITE_AS_EPOCH,    /* seconds since 1970, rounded down */
    SP_SQLITE_AS_MADE,     /* text of sp_cell_put_fixed */
    SP_SQLITE_AS_TEXT,
    SP_SQLITE_AS_BLOB,
    SP_SQLITE_AS_UUID, /* a blob of 16 bytes */
    SP_SQLITE_AS_LIST, /* JSON */
} sp_sqlite_form;
sp_sqlite_form sp_sqlite_form_of(const sp_type *type, const sp_sqlite_target *target);

/* One cell's number; SPATE_E_DATA: SQLite has none for it. */
int sp_sqlite_check_unsigned(uint64_t v, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_real(const sp_column *c, uint32_t row, double *real, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_decimal(const sp_column *c, uint32_t row, double *real, spate_error *err) SP_MUST_CHECK;
int64_t sp_sqlite_epoch(const sp_column *c, uint32_t row);

/* ---- rows as records (sqliterows.c) ------------------------------------------------------------ */

typedef struct sp_sqlite_column { /* of a table, in the table's order */
    uint32_t field;               /* of the schema */
    sp_sqlite_target target;
    bool not_null;
    bool is_rowid; /* INTEGER PRIMARY KEY: its cells are the rows' keys, and no part of the record */
} sp_sqlite_column;

/* Whether a record can be made of cells of that type without asking SQLite: not where it would turn text into numbers, or numbers
 * into text by rules of its own. strict: of a STRICT table, which refuses what does not fit. */
bool sp_sqlite_can_keep(const sp_type *type, const sp_sqlite_target *target, bool strict);

/* Records, one behind the other. */
typedef struct sp_sqlite_rows {
    sp_buf records;
    sp_buf lengths; /* uint32_t a row */
    sp_buf keys;    /* int64_t a row, where there is an INTEGER PRIMARY KEY */
    uint64_t n;
    sp_buf runs, made, head; /* the encoder's own, for the batch at hand */
} sp_sqlite_rows;
void sp_sqlite_rows_clear(sp_sqlite_rows *r);
void sp_sqlite_rows_done(sp_sqlite_rows *r);

enum { SP_SQLITE_RECORD_MAX = 1000000000 }; /* SQLITE_MAX_LENGTH, as it comes */

typedef struct sp_sqliterows sp_sqliterows;
/* columns: all that the table has. Both live as long as the encoder, which is immutable: threads may share it. */
int sp_sqliterows_new(const sp_schema *schema, const sp_sqlite_column *columns, uint32_t n, sp_sqliterows **out,
                      spate_error *err) SP_MUST_CHECK;
void sp_sqliterows_free(sp_sqliterows *e);
/* Appends the rows of a batch. SPATE_E_DATA: a cell that SQLite, or the table, has no place for. */
int sp_sqliterows_encode(const sp_sqliterows *e, const sp_batch *batch, sp_sqlite_rows *rows,
                         spate_error *err) SP_MUST_CHECK;
/* The record once more, with the key in the place of the rowid's column, where such a table keeps NULL. 0 or SPATE_E_NOMEM. */
int sp_sqliterows_with_key(const sp_sqliterows *e, sp_str record, int64_t key, sp_buf *out) SP_MUST_CHECK;

/* ---- records as pages (sqlitetree.c) -------------------------------------------------------------- */

enum { SP_SQLITE_PAGE_MIN = 512, SP_SQLITE_PAGE_MAX = 65536 };

/* The end of a file, that grows by whole pages. Trees that share it may be built in turns. */
typedef struct sp_sqlite_pages {
    uint32_t size;
    uint32_t next; /* the number of the page that will be appended to out; the first of a file is 1 */
    sp_buf out;    /* pages that the owner has not written yet */
} sp_sqlite_pages;
/* The page that holds SQLite's locks and nothing else; it is passed over. */
uint32_t sp_sqlite_lock_page(uint32_t page_size);

typedef struct sp_sqlitetree sp_sqlitetree;
int sp_sqlitetree_new(sp_sqlite_pages *pages, sp_sqlitetree **out, spate_error *err) SP_MUST_CHECK;
void sp_sqlitetree_free(sp_sqlitetree *t);
/* Whether key is greater than every one before. */
bool sp_sqlitetree_takes(const sp_sqlitetree *t, int64_t key);
/* Appends a row, whose key the tree takes. SPATE_E_DATA: no file of such pages is that large. */
int sp_sqlitetree_add(sp_sqlitetree *t, int64_t key, sp_str record, spate_error *err) SP_MUST_CHECK;
/* No row comes any more. *root: the page that belongs where the table's root is; it lives as long as the tree. */
int sp_sqlitetree_finish(sp_sqlitetree *t, const uint8_t **root, spate_error *err) SP_MUST_CHECK;

/* In the file's first 100 bytes: how many pages there are, and that they have changed. */
enum { SP_SQLITE_HEADER_BYTES = 100 };
void sp_sqlite_header_set_pages(uint8_t header[SP_SQLITE_HEADER_BYTES], uint32_t pages);

#endif
