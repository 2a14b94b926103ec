/* pghash.h - private to lab: PostgreSQL's partition hash, computed here.
 *
 * PARTITION BY HASH sends a row to partition hash(key) % modulus. The hash is a 64-bit function of the key columns' values that the
 * server promises to keep, since dump files depend on it: Bob Jenkins' lookup3 (http://burtleburtle.net/bob/hash/doobs.html, public
 * domain) over a form of the value that depends on its type, with a fixed seed, columns combined one after the other. So a router,
 * a loader and the server agree on where a row lives, and satisfies_hash_partition() can be asked for proof. Text is hashed by its
 * bytes: that is what deterministic collations do, and others have no place in a key. */
#ifndef SP_LAB_PGHASH_H
#define SP_LAB_PGHASH_H

#include "batch/batch.h"

/* Whether a column of that type can be a partition key here: all that batches hold but lists and json. */
bool sp_pghash_knows(sp_type type);
/* Folds a key column into the hashes of the batch's first rows rows; they start as zeroes. Null cells leave them as they are, as
 * the server does. */
void sp_pghash_column(const sp_column *column, uint32_t rows, uint64_t *hashes);

/* One value, with the partitioning seed; not yet combined. */
uint64_t sp_pghash_bytes(const void *bytes, size_t len);
uint64_t sp_pghash_int4(int32_t v);
uint64_t sp_pghash_int8(int64_t v);

static inline uint64_t sp_pghash_combine(uint64_t sum, uint64_t hash)
{
    return sum ^ (hash + UINT64_C(0x49a0f4dd15e5a8e3) + (sum << 54) + (sum >> 7));
}

#endif
