/* celltext.h - private to codec: one cell as text, for each kind and dialect, and what a dialect has around its cells. */
#ifndef SP_CODEC_CELLTEXT_H
#define SP_CODEC_CELLTEXT_H

#include "codec/codec.h"
#include "codec/escape.h"

/* Writes what stands between lead and close; the cell is not null. */
typedef char *sp_cell_put(char *p, const sp_column *c, uint32_t row);

typedef struct sp_dialect {
    sp_cell_put *const *puts;
    sp_put_many_fn *const *put_many; /* whole columns; NULL: none for the kind */
    escape search;
    const char *row_start, *separator, *row_end, *null_text;
    bool keys;
    char quote;
    bool (*has_quotes)(sp_kind kind); /* NULL: no kind has */
} sp_dialect;
extern const sp_dialect sp_dialects[];

char *sp_put_text_plain(char *p, const sp_column *c, uint32_t row); /* that needs no escapes */

/* Upper bound for the values of rows [from, to). */
size_t sp_value_bound(const sp_column *c, uint32_t from, uint32_t to, sp_text_dialect dialect);

#endif
