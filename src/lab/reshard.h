/* reshard.h - private to lab and those who bind it: which rows go from which shard to which, and how they are counted, copied and
 * deleted; move.h has what that takes while others write.
 *
 * The placement in lab.yaml is the truth, and rows that it does not give to a shard are litter there. So a move while nobody writes is:
 * sweep; copy what the new one gives away, each pair of shards in one transaction of the taker, checked before it commits; put the
 * new one in place; sweep again. Whatever kills us, beginning anew is enough: before it is in place, copies are litter; behind
 * it, the originals are. */
#ifndef SP_LAB_RESHARD_H
#define SP_LAB_RESHARD_H

#include "lab/layout.h"
#include "lab/link.h"

typedef struct sp_reshard_pair {
    unsigned from, to;
    uint32_t slots;             /* by hash on both sides; else 0 */
    uint64_t rows, bytes, disk; /* bytes: of the rows, about; disk: with their indexes */
} sp_reshard_pair;

typedef struct sp_reshard {
    sp_lab *lab; /* its servers: those of both placements */
    const sp_layout *layout;
    sp_placement before, after; /* without keys */
    sp_reshard_pair *pairs;     /* in the lab's arena */
    uint32_t n_pairs;
} sp_reshard;

/* Finds the pairs and counts their rows. */
int sp_reshard_plan(sp_reshard *r, spate_error *err) SP_MUST_CHECK;
/* Deletes from the first shards what the placement does not give to them. */
int sp_reshard_sweep(const sp_reshard *r, const sp_placement *places, unsigned shards, spate_error *err) SP_MUST_CHECK;
/* The first shards' statistics of all tables are those of the rows that they have now. */
int sp_reshard_analyse(const sp_reshard *r, unsigned shards, spate_error *err) SP_MUST_CHECK;
int sp_reshard_analyse_shard(const sp_reshard *r, unsigned shard, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Copies and checks. SPATE_E_DATA: a taker has not what the giver has, and has thrown it away again. */
int sp_reshard_copy(const sp_reshard *r, spate_error *err) SP_MUST_CHECK;

/* ---- what moves made of these are made of, too ---- */

/* Finds the pairs without counting their rows. */
int sp_reshard_pairs(sp_reshard *r, spate_error *err) SP_MUST_CHECK;
/* The condition that a row of the table moves with the pair. of: what stands before the key's column, such as "NEW."; or "". */
int sp_reshard_condition(const sp_reshard *r, const sp_reshard_pair *pair, uint32_t table, const char *of, sp_buf *sql,
                         spate_error *err) SP_MUST_CHECK;
/* The condition that a row of the table leaves the shard; or, not gives, that it comes to it. */
int sp_reshard_leaving(const sp_reshard *r, unsigned shard, bool gives, uint32_t table, sp_buf *sql,
                       spate_error *err) SP_MUST_CHECK;
/* The table's columns, with commas between. */
int sp_reshard_columns(const sp_schema *s, sp_buf *sql) SP_MUST_CHECK;
/* Begins a transaction of rows that come and go together with those that refer to them. */
int sp_reshard_begin(const sp_lab_server *server, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* The table's rows that move, from one open transaction into the other; so many are added to rows. */
int sp_reshard_copy_table(const sp_reshard *r, const sp_reshard_pair *pair, uint32_t table, PGconn *from, PGconn *to,
                          uint64_t *rows, spate_error *err) SP_MUST_CHECK;

#endif
