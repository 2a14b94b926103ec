/* hash.c - from ids to nodes. Buckets of a cache line: twelve tags and twelve numbers, searched from the bucket that the id's first
 * half falls into to the first one with room. Nothing is ever taken out, so a search needs no tombstones. Neighbours in the order of
 * ids are neighbours in the table. While a journal is replayed nothing is looked up: all nodes are put in at its end (index.c), when
 * their number is known. */
#include "ledger/nodes.h"

enum {
    BUCKET_FILLED = 10, /* of twelve places, on the average, before the table grows */
    GROW_NODES =
        3 << 20, /* it doubles up to there, then grows by a third: never mostly empty when that would be much */
};

uint64_t sp_hash_bucket(const sp_side *s, uint64_t hi)
{
    return sp_mulhi(hi, s->n_buckets);
}

void sp_hash_soon(const sp_side *s, uint64_t hi)
{
    if (s->n_buckets)
        __builtin_prefetch(&s->buckets[sp_hash_bucket(s, hi)], 1);
}

static uint32_t bucket_find(const sp_side *s, const sp_bucket *bucket, uint64_t hi, uint64_t lo)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t tags[2] = {0, UINT64_C(0xffffffff00000000)};
    memcpy(tags, bucket->tag, sizeof(bucket->tag));
    for (unsigned half = 0; half < 2; half++) {
        uint64_t apart = tags[half] ^ ones * (uint8_t)lo;
        /* a byte that is equal, or seldom one behind such a byte, gives a high bit */
        for (uint64_t near = (apart - ones) & ~apart & highs; near; near &= near - 1) {
            unsigned k = 8 * half + (unsigned)__builtin_ctzll(near) / 8;
            if (k >= bucket->n)
                return 0;
            const sp_node *node = sp_node_at(s, bucket->node[k]);
            if (node->hi == hi && node->lo == lo)
                return bucket->node[k];
        }
    }
    return 0;
}

uint32_t sp_hash_find(const sp_side *s, uint64_t hi, uint64_t lo)
{
    if (!s->n_buckets)
        return 0;
    for (uint64_t b = sp_hash_bucket(s, hi);; b = b + 1 == s->n_buckets ? 0 : b + 1) {
        uint32_t found = bucket_find(s, &s->buckets[b], hi, lo);
        if (found || s->buckets[b].n < SP_BUCKET_NODES)
            return found;
    }
}

uint32_t sp_hash_place_before(sp_side *s, uint64_t from, uint64_t end, uint64_t hi, uint64_t lo, uint32_t i)
{
    for (uint64_t b = from; b < end; b++) {
        sp_bucket *bucket = &s->buckets[b];
        uint32_t found = bucket_find(s, bucket, hi, lo);
        if (found)
            return found;
        if (bucket->n == SP_BUCKET_NODES)
            continue;
        bucket->tag[bucket->n] = (uint8_t)lo;
        bucket->node[bucket->n++] = i;
        return i;
    }
    return 0;
}

uint32_t sp_hash_place(sp_side *s, uint64_t hi, uint64_t lo, uint32_t i)
{
    uint32_t there = 0;
    for (uint64_t from = sp_hash_bucket(s, hi); !there; from = 0)
        there = sp_hash_place_before(s, from, s->n_buckets, hi, lo, i);
    return there;
}

/* Puts a node in that cannot be there yet. */
static void put(sp_side *s, uint32_t i)
{
    const sp_node *node = sp_node_at(s, i);
    uint64_t b = sp_hash_bucket(s, node->hi);
    while (s->buckets[b].n == SP_BUCKET_NODES)
        b = b + 1 == s->n_buckets ? 0 : b + 1;
    sp_bucket *bucket = &s->buckets[b];
    bucket->tag[bucket->n] = (uint8_t)node->lo;
    bucket->node[bucket->n++] = i;
}

int sp_hash_make(sp_side *s, uint64_t n)
{
    uint64_t buckets = n / BUCKET_FILLED + 16;
    sp_bucket *fresh = sp_alloc_large(buckets * sizeof(*fresh));
    if (!fresh)
        return SPATE_E_NOMEM;
    sp_free(s->buckets);
    s->buckets = fresh;
    s->n_buckets = buckets;
    return SPATE_OK;
}

int sp_hash_reserve(sp_side *s, uint64_t n)
{
    uint64_t fit = s->n_buckets * BUCKET_FILLED;
    if (n <= fit)
        return SPATE_OK;
    uint64_t more = SP_MAX(fit / 3, SP_MIN(fit, (uint64_t)GROW_NODES));
    if (sp_hash_make(s, SP_MAX(n, fit + more)) != SPATE_OK)
        return SPATE_E_NOMEM;
    memset(s->buckets, 0, s->n_buckets * sizeof(*s->buckets));
    for (uint32_t i = 1; i < s->n; i++) {
        if (i + SP_HASH_AHEAD < s->n)
            sp_hash_soon(s, sp_node_at(s, i + SP_HASH_AHEAD)->hi);
        put(s, i);
    }
    return SPATE_OK;
}
