/* masked.h - the rows of a plan: those that it makes, and those of tables elsewhere whose columns it replaces. */
#ifndef SP_MASKED_H
#define SP_MASKED_H

#include "endpoint/share.h"
#include "gen/gen.h"

/* Opens all that the plan's tables come from, as one source; only: as for sp_generated_open. Rows that cannot be cut by position are
 * the share's own. Plan and generator are borrowed. */
int sp_masked_open(const spate_plan *plan, const sp_gen *gen, const char *const *only, size_t n_only, sp_share share,
                   sp_source **out, spate_error *err) SP_MUST_CHECK;
/* SPATE_E_USAGE: a target whose tables are emptied first would empty one that rows are to come from. */
int sp_masked_refuse_itself(const spate_plan *plan, const char *const *only, size_t n_only, const char *to,
                            spate_error *err) SP_MUST_CHECK;

#endif
