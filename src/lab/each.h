/* each.h - private to lab and those who bind it: the same call for every server, shard or pair, all of them at once. */
#ifndef SP_LAB_EACH_H
#define SP_LAB_EACH_H

#include "base/base.h"

typedef int sp_each_call(void *item, spate_error *err);

/* Calls fn for each of n items, size bytes each, on a thread of its own, and waits for all. One that fails does not stop the others. The
 * first failure in the items' order is the call's; of the others nothing is told. */
int sp_lab_each(void *items, size_t size, uint32_t n, sp_each_call *fn, spate_error *err) SP_MUST_CHECK;

#endif
