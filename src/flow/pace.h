/* pace.h - private to the room: how fast rows may go, all workers together.
 *
 * A token bucket that may be overdrawn: whoever takes more than is in it waits until the debt is paid. So the average is exact,
 * whatever the size of a batch, and after a pause there is a tenth of a second's worth to catch up with, not more. */
#ifndef SP_PACE_H
#define SP_PACE_H

#include "base/base.h"
#include <pthread.h>

typedef struct sp_pace {
    uint64_t rate; /* tokens a second; 0: no limit */
    double tokens;
    int64_t at_us; /* when tokens was right */
    pthread_mutex_t lock;
} sp_pace;

void sp_pace_init(sp_pace *p, uint64_t rate, int64_t now_us);
void sp_pace_done(sp_pace *p);
/* Takes n tokens at that time; how long the taker has to wait before it goes on. */
int64_t sp_pace_take(sp_pace *p, uint64_t n, int64_t now_us);

#endif
