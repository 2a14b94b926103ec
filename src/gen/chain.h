/* chain.h - private to gen: text made of words one behind the other, each chosen from a list. */
#ifndef SP_GEN_CHAIN_H
#define SP_GEN_CHAIN_H

#include "gen/cell.h"

/* One choice of n out of the draw of key. behind is the product of the earlier choices' n, modulo 2^64: multiplied by it, the
 * draw is what those choices have left of it (see sp_take). */
typedef struct sp_share {
    uint64_t key, behind, n;
} sp_share;

static inline uint64_t sp_share_choose(const sp_share *s, uint64_t row)
{
    return sp_mulhi(sp_draw(s->key, row) * s->behind, s->n);
}

enum { SP_CHAIN_STRIDE_MAX = 64 }; /* of slots; longer ones are not for chains */

/* A word of a list, and the fixed text around it. */
typedef struct sp_link {
    sp_share share; /* n of it: how many words */
    const sp_words *words;
    sp_str before, behind;
} sp_link;

typedef struct sp_chain sp_chain;
/* *out = NULL: such a chain is not possible, there are too many draws. Changes links. */
int sp_chain_new(sp_arena *arena, sp_link *links, uint32_t n, const sp_chain **out) SP_MUST_CHECK;
char *sp_chain_put(const sp_chain *c, uint64_t row, char *p);
/* The texts of rows, one behind the other, from base on; writes offsets 0..n. */
void sp_chain_fill(const sp_chain *c, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets);
void sp_chain_fill_portable(const sp_chain *c, const uint64_t *rows, uint32_t n, char *base,
                            int32_t *offsets); /* for tests */

/* ---- one of several chains in each row ---- */

/* A way to go on: a chain, or a choice of further ways. */
typedef struct sp_way {
    const sp_chain *chain;
    const struct sp_fork *fork; /* instead of chain */
} sp_way;

typedef struct sp_fork sp_fork;
/* A choice of n ways, all equally likely, by the draw of key. *out = NULL: that is not possible, there are too many, or forks in forks of
 * forks. */
int sp_fork_new(sp_arena *arena, uint64_t key, const sp_way *ways, uint32_t n, const sp_fork **out) SP_MUST_CHECK;
void sp_fork_fill(const sp_fork *f, const uint64_t *rows, uint32_t n, char *base, int32_t *offsets);
void sp_fork_fill_portable(const sp_fork *f, const uint64_t *rows, uint32_t n, char *base,
                           int32_t *offsets); /* for tests */

#endif
