/* spate/arrow.h - a store's rows as an Arrow C stream, which DuckDB, pyarrow, polars and others take as it is.
 *
 * Caveats first. A batch is made of one piece of one block: at most 16,384 rows, often fewer at its end. Decimals are Arrow's of 128
 * bits, an interval's microseconds become nanoseconds (SPATE_E_DATA where they do not fit), UUIDs and JSON carry Arrow's extension
 * names. Conditions spare blocks that cannot match, as in a scan: whoever takes the rows applies them again.
 *
 * The structs are those of https://arrow.apache.org/docs/format/CDataInterface.html, word for word. */
#ifndef SPATE_ARROW_H
#define SPATE_ARROW_H

#include "spate/store.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

/* Fills *stream, which is released by its own release; the store must live longer. Columns are the fields asked for, or all that the
 * table declares; a table that declares none needs fields, each of the type that most of its cells have (SPATE_E_DATA, while
 * reading, when cells are of another). Arrays live on when stream and store are gone. One thread at a time. */
int spate_store_arrow(spate_store *store, const spate_scan_options *options, struct ArrowArrayStream *stream,
                      spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
