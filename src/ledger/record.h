/* record.h - private to the ledger: what records look like, and the replay of them.
 *
 * A record names nodes by number, which replay gives out in the same order. Lengths and numbers are variable: seven bits a byte. */
#ifndef SP_LEDGER_RECORD_H
#define SP_LEDGER_RECORD_H

#include "ledger/nodes.h"

typedef enum sp_record_kind {
    SP_RECORD_ROOT = 1, /* side, node */
    SP_RECORD_ADD,      /* side, parent, how many, nodes: all of them new */
    SP_RECORD_CHANGE,   /* side, what, node, value, note */
    SP_RECORD_SEAL,     /* side, depth, completed */
    SP_RECORD_STAT,     /* side, depth, which, count */
    SP_RECORD_RECOUNT,  /* side, depth */
    SP_RECORD_ROW,      /* statement, how many, texts: a row for DuckDB alone */
    SP_RECORD_REMEMBER, /* 0 or 1: away, key, value */
    SP_RECORD_AGAIN,    /* side, number, node: found again */
    SP_RECORD_SNAPSHOT, /* 0: it begins, 1: it ends; nodes of both sides */
    SP_RECORD_LEVEL,    /* side, depth, version, sealed, which statistics there are, each of them */
} sp_record_kind;

/* Each 0 or SPATE_E_NOMEM. */
int sp_record_root(sp_buf *b, unsigned side, const spate_node *node) SP_MUST_CHECK;
/* Room for the children, so that writing them cannot fail; known[i]: the number of one that was there already, or 0. */
int sp_record_reserve(sp_buf *b, const spate_node *nodes, size_t n) SP_MUST_CHECK;
void sp_record_children(sp_buf *b, unsigned side, uint32_t parent, const spate_node *nodes, size_t n,
                        const uint32_t *known);
int sp_record_change(sp_buf *b, unsigned side, unsigned kind, uint32_t node, int64_t value,
                     spate_bytes note) SP_MUST_CHECK;
int sp_record_numbers(sp_buf *b, sp_record_kind kind, unsigned side, int32_t depth, int64_t which,
                      int64_t count) SP_MUST_CHECK;
int sp_record_snapshot(sp_buf *b, bool ends, const sp_memory *m) SP_MUST_CHECK;
int sp_record_level(sp_buf *b, unsigned side, int32_t depth, const sp_level *level) SP_MUST_CHECK;
int sp_record_texts(sp_buf *b, sp_record_kind kind, unsigned first, const spate_bytes *texts, size_t n) SP_MUST_CHECK;

/* Does to memory, which is replaying, what the records of a payload say. */
int sp_record_replay(sp_memory *m, const char *payload, size_t len, spate_error *err) SP_MUST_CHECK;
/* The row records of a payload, one by one, with their numbers from *number on. */
typedef int (*sp_row_fn)(void *arg, uint64_t number, unsigned statement, const spate_bytes *texts, size_t n,
                         spate_error *err);
int sp_record_rows(const char *payload, size_t len, uint64_t *number, sp_row_fn fn, void *arg,
                   spate_error *err) SP_MUST_CHECK;

enum { SP_ROW_TEXTS_MAX = 8 };

#endif
