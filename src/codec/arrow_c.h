/* arrow_c.h - Arrow's C data interface: arrays in memory, from and to libraries that speak it. https://arrow.apache.org/docs/format/CDataInterface.html
 *
 * The structs are the interface's own, field for field. What comes in is believed, as a library in the same process has to be. */
#ifndef SP_ARROW_C_H
#define SP_ARROW_C_H

#include "codec/arrow.h"

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

/* As sp_arrowread_schema and _batch: a struct of columns. The array must stay until the next one. */
int sp_arrowread_c_schema(sp_arrowread *r, const struct ArrowSchema *schema, const sp_field **fields, uint32_t *n,
                          spate_error *err) SP_MUST_CHECK;
int sp_arrowread_c_batch(sp_arrowread *r, const struct ArrowArray *array, uint64_t *rows,
                         spate_error *err) SP_MUST_CHECK;
/* A schema for others, who release it. */
int sp_arrow_c_schema(const sp_schema *schema, struct ArrowSchema *out, spate_error *err) SP_MUST_CHECK;
/* The record batch that the reader stands on as an array, which shows its buffers and must be released before the reader goes on. */
int sp_arrow_c_array(const sp_arrowread *r, uint64_t rows, struct ArrowArray *out, spate_error *err) SP_MUST_CHECK;

#endif
