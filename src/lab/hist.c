/* hist.c - see hist.h. */
#include "lab/hist.h"

#include <stdatomic.h>

/* Values below 128 have buckets of their own; above, the six bits behind the first one tell. */
static unsigned bucket_of(uint64_t v)
{
    if (v < 2 * SP_HIST_SUB)
        return (unsigned)v;
    unsigned shift = 57 - (unsigned)__builtin_clzll(v); /* leaves 7 bits */
    return shift * SP_HIST_SUB + (unsigned)(v >> shift);
}

/* The highest value in it. */
static uint64_t top_of(unsigned bucket)
{
    if (bucket < 2 * SP_HIST_SUB)
        return bucket;
    unsigned shift = bucket / SP_HIST_SUB - 1;
    uint64_t first = (uint64_t)(bucket - shift * SP_HIST_SUB) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

void sp_hist_add(sp_hist *h, uint64_t v)
{
    h->counts[bucket_of(v)]++;
    h->n++;
    h->max = SP_MAX(h->max, v);
}

void sp_hist_merge(sp_hist *to, const sp_hist *from)
{
    to->n += from->n;
    to->max = SP_MAX(to->max, from->max);
    for (unsigned b = 0; b < SP_HIST_BUCKETS; b++)
        to->counts[b] += from->counts[b];
}

void sp_pulse_add(sp_pulse *p, uint64_t v)
{
    atomic_fetch_add_explicit(&p->counts[bucket_of(v)], 1, memory_order_relaxed);
}

void sp_pulse_take(sp_pulse *p, sp_hist *h, uint64_t *errors)
{
    h->n = h->max = 0;
    for (unsigned b = 0; b < SP_HIST_BUCKETS; b++) {
        h->counts[b] = atomic_exchange_explicit(&p->counts[b], 0, memory_order_relaxed);
        h->n += h->counts[b];
        h->max = h->counts[b] ? top_of(b) : h->max;
    }
    *errors = atomic_exchange_explicit(&p->errors, 0, memory_order_relaxed);
}

uint64_t sp_hist_at(const sp_hist *h, double share)
{
    double wanted = share * (double)h->n;
    uint64_t seen = 0;
    for (unsigned b = 0; b < SP_HIST_BUCKETS; b++) {
        seen += h->counts[b];
        if (h->counts[b] && (double)seen >= wanted)
            return SP_MIN(top_of(b), h->max);
    }
    return h->max;
}
