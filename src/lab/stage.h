/* stage.h - private to lab and those who bind it: what the clients, the bank and the nemesis of one check share: when to end. */
#ifndef SP_LAB_STAGE_H
#define SP_LAB_STAGE_H

#include "os/os.h"

#include <stdatomic.h>

typedef struct sp_stage {
    int64_t start_us, end_us; /* by sp_os_monotonic_us */
    const int *cancel;        /* the caller's: not 0: end early. May be NULL */
    /* that are still at it: clients go on until there are none, so that they see what all of it has done */
    _Atomic unsigned disturbers;
    _Atomic bool over; /* somebody has failed: all end */
} sp_stage;

/* At once, whatever is going on. */
static inline bool sp_stage_is_over(sp_stage *s)
{
    return atomic_load(&s->over) || (s->cancel && __atomic_load_n(s->cancel, __ATOMIC_RELAXED));
}

static inline bool sp_stage_time_is_up(sp_stage *s)
{
    return sp_stage_is_over(s) || sp_os_monotonic_us() >= s->end_us;
}

static inline bool sp_stage_has_ended(sp_stage *s)
{
    return sp_stage_is_over(s) || (sp_stage_time_is_up(s) && !atomic_load(&s->disturbers));
}

#endif
