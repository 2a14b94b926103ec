/* lab.h - private to job: what the calls on labs share. */
#ifndef SP_JOB_LAB_H
#define SP_JOB_LAB_H

#include "lab/lab.h"

struct spate_lab {
    sp_lab lab;
};

/* Takes the lab for this call; SPATE_E_UNREACHABLE: another one has it. *lock: for sp_lab_unlock, which -1 is fine for. */
int sp_lab_lock(const char *directory, int *lock, spate_error *err) SP_MUST_CHECK;
void sp_lab_unlock(int lock);

#endif
