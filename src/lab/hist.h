/* hist.h - private to lab: how often which time, in buckets that are never wider than 1/64 of what they count.
 *
 * Log-linear, as HdrHistogram's: 64 buckets for each doubling. Histograms of threads or shards add up exactly. */
#ifndef SP_LAB_HIST_H
#define SP_LAB_HIST_H

#include "base/base.h"

enum { SP_HIST_SUB = 64, SP_HIST_BUCKETS = (64 - 5) * SP_HIST_SUB };

typedef struct sp_hist {
    uint64_t n, max;
    uint64_t counts[SP_HIST_BUCKETS];
} sp_hist;

void sp_hist_add(sp_hist *h, uint64_t v);
void sp_hist_merge(sp_hist *to, const sp_hist *from);
/* One that many threads add to while one takes out what has come since: nothing is lost or counted twice. */
typedef struct sp_pulse {
    _Atomic uint64_t counts[SP_HIST_BUCKETS];
    _Atomic uint64_t errors;
} sp_pulse;
void sp_pulse_add(sp_pulse *p, uint64_t v);
/* *h: what was added since the last time, whose max is the top of its highest bucket; *errors likewise. */
void sp_pulse_take(sp_pulse *p, sp_hist *h, uint64_t *errors);

/* The value that a share of all do not exceed, at most 1/64 too high; 0 of none. share: 0.99 */
uint64_t sp_hist_at(const sp_hist *h, double share);

#endif
