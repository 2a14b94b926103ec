/* lab_state.h - private to job: everything that the dashboard shows, as one object of JSON made anew about twice a second.
 *
 * One thread calls sp_lab_state_look; the text it made is the caller's to guard. lab.yaml is read again when it has changed, so servers
 * that come and go are noticed; a lab that is gone or damaged is said to be, and found again when it is back. */
#ifndef SP_JOB_LAB_STATE_H
#define SP_JOB_LAB_STATE_H

#include "job/lab_act.h"

typedef struct sp_lab_state sp_lab_state;
/* jobs: the folder of ledgers, NULL: none are told of. SPATE_E_USAGE, SPATE_E_CONFIG: there is no lab to begin with, or a broken one. */
int sp_lab_state_open(const char *directory, const char *jobs, sp_lab_state **state, spate_error *err) SP_MUST_CHECK;
void sp_lab_state_close(sp_lab_state *s); /* NULL is fine */
/* Puts the state in the place of what text holds. act: what may be done; NULL: nothing. */
int sp_lab_state_look(sp_lab_state *s, sp_act *act, sp_buf *text) SP_MUST_CHECK;

#endif
