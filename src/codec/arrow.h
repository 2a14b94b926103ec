/* arrow.h - Arrow's IPC format: batches as encapsulated messages, and back. https://arrow.apache.org/docs/format/Columnar.html
 *
 * A stream is a schema message, record batches, and an end; a file (.arrow) is the same between two magics, with a footer. A batch
 * is Arrow's layout already, so writing copies buffers; reading checks every offset before it is used, since the bytes are
 * anybody's. */
#ifndef SP_ARROW_H
#define SP_ARROW_H

#include "batch/batch.h"

/* ---- writing (arrow.c) ----------------------------------------------------------------------- */

int sp_arrow_schema(const sp_schema *schema, sp_buf *out) SP_MUST_CHECK; /* 0 or SPATE_E_NOMEM */
/* One record batch. SPATE_E_DATA: a cell that Arrow has no value for. */
int sp_arrow_batch(const sp_batch *batch, sp_buf *out, spate_error *err) SP_MUST_CHECK;
int sp_arrow_end(sp_buf *out) SP_MUST_CHECK;

/* Files: the magic in front, 8 bytes; and the footer behind the end, of where the record batches are. */
extern const char sp_arrow_magic[8];
typedef struct sp_arrow_block {
    uint64_t offset;
    uint32_t metadata; /* bytes of the message in front of its body */
    uint64_t body;
} sp_arrow_block;
int sp_arrow_footer(const sp_schema *schema, const sp_arrow_block *blocks, uint32_t n, sp_buf *out) SP_MUST_CHECK;
/* The message that bytes begin with, as a block; false: they do not begin with a whole head of one, or with the end. */
bool sp_arrow_measure(sp_str bytes, sp_arrow_block *block);

/* ---- reading (arrowread.c) --------------------------------------------------------------------- */

enum { SP_ARROW_HEAD_BYTES = 8, SP_ARROW_METADATA_MAX = 64 << 20, SP_ARROW_BODY_MAX = 1 << 30 };

typedef enum sp_arrow_kind { SP_ARROW_END, SP_ARROW_SCHEMA, SP_ARROW_DICTIONARY, SP_ARROW_BATCH } sp_arrow_kind;

/* Of the first 8 bytes of a message: how long its metadata is; 0 at the end of the stream. *head: 8, or 4 in streams of old. */
int sp_arrow_head(const uint8_t bytes[SP_ARROW_HEAD_BYTES], uint32_t *metadata, uint32_t *head,
                  spate_error *err) SP_MUST_CHECK;

typedef struct sp_arrowread sp_arrowread;
int sp_arrowread_new(sp_arrowread **out, spate_error *err) SP_MUST_CHECK;
void sp_arrowread_free(sp_arrowread *r);
/* What a message is, and the length of the body behind it. */
int sp_arrowread_kind(sp_str metadata, sp_arrow_kind *kind, uint64_t *body, spate_error *err) SP_MUST_CHECK;
/* Columns of the schema: *fields lives as long as the reader. SPATE_E_CONFIG: a type that is not read. */
int sp_arrowread_schema(sp_arrowread *r, sp_str metadata, const sp_field **fields, uint32_t *n,
                        spate_error *err) SP_MUST_CHECK;
/* The same of a file's footer, for files whose stream has no schema. */
int sp_arrowread_footer(sp_arrowread *r, sp_str footer, const sp_field **fields, uint32_t *n,
                        spate_error *err) SP_MUST_CHECK;
int sp_arrowread_dictionary(sp_arrowread *r, sp_str metadata, sp_str body, spate_error *err) SP_MUST_CHECK;
/* Begins a record batch of *rows; metadata and body must stay until the next one. */
int sp_arrowread_batch(sp_arrowread *r, sp_str metadata, sp_str body, uint64_t *rows, spate_error *err) SP_MUST_CHECK;
/* From now on texts of a column are read as JSON or uuids. False: it is no column of text, or no such kind. */
bool sp_arrowread_as(sp_arrowread *r, uint32_t column, sp_kind kind);
/* Appends rows [from, to) of it to batch, whose columns are those fields of the schema that columns names. */
int sp_arrowread_rows(const sp_arrowread *r, const uint32_t *columns, uint64_t from, uint64_t to, sp_batch *batch,
                      spate_error *err) SP_MUST_CHECK;

#endif
