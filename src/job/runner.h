/* runner.h - private to job: which process works on something, in the two forms in which that is kept for others to see whether it
 * still does: members of an object of JSON, and words of a ledger. Both are called "pid" and "started". */
#ifndef SP_JOB_RUNNER_H
#define SP_JOB_RUNNER_H

#include "os/host.h"
#include "spate/ledger.h"

/* Appends this process's two members and a comma. */
int sp_runner_put(sp_buf *out) SP_MUST_CHECK;
/* Takes a member that is one of the two; false: it is another one. */
bool sp_runner_take(sp_os_process *runner, sp_str key, sp_str value);

int sp_runner_remember(spate_ledger *l, spate_error *err) SP_MUST_CHECK;
sp_os_process sp_runner_recall(spate_ledger *l);

#endif
