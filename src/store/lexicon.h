/* lexicon.h - the names and tables of a file, and their records in catalog blocks.
 *
 * A name is a number of two bytes, given once and for ever; a table has a number, a name and perhaps declared columns. Records are
 * only ever added; reading the same one twice is no harm. */
#ifndef SP_STORE_LEXICON_H
#define SP_STORE_LEXICON_H

#include "batch/batch.h"
#include "store/format.h"

typedef struct sp_table {
    const sp_schema *schema; /* n_fields 0: rows are what they are */
    const uint16_t *names;   /* of the fields */
    uint64_t rows;           /* one behind the highest row number there is */
} sp_table;

typedef struct sp_lexicon {
    sp_arena arena;
    sp_str *names;
    uint32_t n_names, names_cap;
    uint32_t *slots; /* 1 + name, open addressing */
    uint32_t n_slots;
    sp_table *tables;
    uint32_t n_tables, tables_cap;
    sp_buf news; /* records that are in no block yet */
} sp_lexicon;

void sp_lexicon_init(sp_lexicon *c);
void sp_lexicon_done(sp_lexicon *c);
/* The number of a name, given now if need be. SPATE_E_DATA: there are 65,536 already, or it is none. */
int sp_lexicon_name(sp_lexicon *c, sp_str text, uint16_t *name, spate_error *err) SP_MUST_CHECK;
int sp_lexicon_find_name(const sp_lexicon *c, sp_str text); /* -1: no such name */
int sp_lexicon_find_table(const sp_lexicon *c, const char *name);
int sp_lexicon_add_table(sp_lexicon *c, const sp_schema *schema, uint32_t *table, spate_error *err) SP_MUST_CHECK;
/* Takes the records of a block. False: they are not sound. */
bool sp_lexicon_take(sp_lexicon *c, const char *records, size_t len);
/* All records anew. */
int sp_lexicon_write(const sp_lexicon *c, sp_buf *out) SP_MUST_CHECK;

#endif
