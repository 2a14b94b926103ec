/* rowread.h - private to the codec: what the text readers share. */
#ifndef SP_ROWREAD_H
#define SP_ROWREAD_H

#include "codec/codec.h"

struct sp_rowread {
    const sp_schema *schema;
    sp_text_form form;
    uint32_t rows_max; /* of the batch */
    int (*decode)(sp_rowread *r, sp_str bytes, bool last, uint64_t limit, sp_batch *batch, size_t *used,
                  spate_error *err);
    void (*free)(sp_rowread *r);
};

int sp_rowread_json_new(const sp_schema *schema, const sp_text_form *form, sp_rowread **out,
                        spate_error *err) SP_MUST_CHECK;
/* What is wrong with a cell's text, for a reader's return code. */
int sp_rowread_fail_cell(const sp_rowread *r, const sp_batch *b, uint32_t field, int rc, sp_str text,
                         spate_error *err) SP_MUST_CHECK;

#endif
