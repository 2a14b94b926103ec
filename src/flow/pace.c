/* pace.c - see pace.h. */
#include "flow/pace.h"

enum { BURST_PARTS = 10 }; /* the bucket holds the tokens of 1/10 second */

void sp_pace_init(sp_pace *p, uint64_t rate, int64_t now_us)
{
    *p = (sp_pace){.rate = rate, .at_us = now_us};
    pthread_mutex_init(&p->lock, NULL);
}

void sp_pace_done(sp_pace *p)
{
    pthread_mutex_destroy(&p->lock);
}

int64_t sp_pace_take(sp_pace *p, uint64_t n, int64_t now_us)
{
    if (!p->rate)
        return 0;
    pthread_mutex_lock(&p->lock);
    double rate = (double)p->rate, most = rate / BURST_PARTS;
    double tokens = p->tokens + rate * (double)SP_MAX(now_us - p->at_us, INT64_C(0)) / 1e6;
    p->tokens = SP_MIN(tokens, most) - (double)n;
    p->at_us = SP_MAX(now_us, p->at_us);
    double debt = p->tokens < 0 ? -p->tokens / rate * 1e6 : 0;
    pthread_mutex_unlock(&p->lock);
    return (int64_t)debt;
}
