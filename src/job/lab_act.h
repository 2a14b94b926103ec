/* lab_act.h - private to job: what the dashboard does when it may: starts and stops servers, and a bench. One thing at a time, each on a
 * thread of its own, by the same calls as the commands; what came of the last one is kept. */
#ifndef SP_JOB_LAB_ACT_H
#define SP_JOB_LAB_ACT_H

#include "base/base.h"

typedef struct sp_act sp_act;
int sp_act_new(const char *directory, sp_act **act, spate_error *err) SP_MUST_CHECK;
void sp_act_free(sp_act *a); /* stops a bench and waits for what is being done; NULL is fine */
/* what: "up/SERVER", "down/SERVER", "bench", or "stop", which ends the bench that was begun here. SPATE_E_USAGE: it is none of these;
 * SPATE_E_UNREACHABLE: something is being done already, or for stop, no bench. Returns when it has begun. */
int sp_act_begin(sp_act *a, const char *what, spate_error *err) SP_MUST_CHECK;
/* Appends ,"act":{...}, or null, as a member of JSON. */
int sp_act_put(sp_act *a, sp_buf *out) SP_MUST_CHECK;

#endif
