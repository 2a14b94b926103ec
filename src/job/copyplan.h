/* copyplan.h - private to the room: what a copy would do, as lines for a person. */
#ifndef SP_COPYPLAN_H
#define SP_COPYPLAN_H

#include "endpoint/ddl.h"
#include "job/move.h"
#include "spate/copy.h"

/* Fills the report's plan from what a dry run has prepared. ddl: NULL when no table is created. */
int sp_copy_plan(const sp_move *m, const sp_ddl *ddl, spate_copy_report *report, spate_error *err) SP_MUST_CHECK;

#endif
