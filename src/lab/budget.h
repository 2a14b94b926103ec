/* budget.h - private to lab and those who bind it: a share of a processor for each server.
 *
 * Servers of one machine share its processors, so that three of them are no faster than one. With a budget each is as one on a small
 * machine of its own, and what sharding brings shows. The kernel's cpu controller keeps to it, version 1 or 2: a server's processes
 * are in a group of their own, named after its data, so that whoever comes next finds the groups of a run that was killed. */
#ifndef SP_LAB_BUDGET_H
#define SP_LAB_BUDGET_H

#include "lab/lab.h"

/* Whether budgets can be kept here; why not is one line. SPATE_E_UNREACHABLE. */
int sp_budget_check(const sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* What suits a comparison of one server with n: all together leave the client most of the machine. */
double sp_budget_suggested(uint32_t n);
/* Every server that runs gets so much of the processors from now on; 0: there is no limit any more. */
int sp_budget_set(const sp_lab *lab, double cpu, spate_error *err) SP_MUST_CHECK;
/* What the kernel keeps a server to; 0: no limit. */
double sp_budget_of(const sp_lab_server *server);
/* Removes what there is of a group, once the server has stopped. Nobody can do anything about a failure: nothing is left but a name. */
void sp_budget_forget(const sp_lab_server *server);

#endif
