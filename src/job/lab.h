/* lab.h - private to job: what the calls on labs share. */
#ifndef SP_JOB_LAB_H
#define SP_JOB_LAB_H

#include "lab/layout.h"
#include "spate/lab.h"

struct spate_lab {
    sp_lab lab;
};

/* Takes the lab for this call; SPATE_E_UNREACHABLE: another one has it. *lock: for sp_lab_unlock, which -1 is fine for. */
int sp_lab_lock(const char *directory, int *lock, spate_error *err) SP_MUST_CHECK;
void sp_lab_unlock(int lock);
/* While rows move and others write, what changes the servers or their tables otherwise is refused: SPATE_E_USAGE. */
int sp_lab_refuse_moving(const sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* What stands beside the servers is told their directory in files that know no quotes. SPATE_E_USAGE: its name would need some. */
int sp_lab_check_path(const sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* Free ports of this machine that the lab does not have. SPATE_E_UNREACHABLE: there are not so many. */
int sp_lab_find_ports(const sp_lab *lab, unsigned n, unsigned *ports, spate_error *err) SP_MUST_CHECK;
/* A placement on the shards that there are, as is wished; it lives in the lab's arena. SPATE_E_USAGE. */
int sp_lab_make_places(sp_lab *lab, const spate_lab_placement *wish, sp_placement *out, spate_error *err) SP_MUST_CHECK;
/* How the tables that have been distributed lie on the shards, out of shard0 and lab.yaml. The source is the caller's to close, and
 * the layout needs it. SPATE_E_USAGE: nothing has been distributed. */
int sp_lab_layout(sp_lab *lab, sp_source **source, sp_layout *layout, spate_error *err) SP_MUST_CHECK;

#endif
