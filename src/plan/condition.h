/* condition.h - private to the plan: a CHECK condition as a tree, for demand.c to see what it demands. */
#ifndef SP_PLAN_CONDITION_H
#define SP_PLAN_CONDITION_H

#include "plan/demand.h"

typedef enum sp_term_kind { N_COLUMN, N_LITERAL, N_CALL, N_LIST, N_NULL, N_OP, N_UNKNOWN } sp_term_kind;

/* N_CALL: text is the function in lower case; N_OP: the operator in upper case. */
typedef struct sp_term {
    sp_term_kind kind;
    sp_str text;
    uint32_t column;
    struct sp_term *args[2], *next; /* next: in a list or among arguments, which begin at args[0] */
} sp_term;

/* NULL: it cannot be read, or there is no memory, which *nomem says. */
const sp_term *sp_condition_read(const sp_conditions *t, const sp_condition *check, sp_arena *arena, bool *nomem);

/* Conditions on a part of a column (demand_part.c): n % 2 = 0, EXTRACT(minute FROM t) IN (0, 30), date_trunc('day', t) = t. left is the part,
 * values literals. False: it is something else. */
bool sp_demand_part(sp_arena *arena, sp_demands *d, const sp_term *left, sp_str op, const sp_term *values);
bool sp_demand_truncated(sp_demands *d, const sp_term *left, const sp_term *right);

#endif
