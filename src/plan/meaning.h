/* meaning.h - private to the plan: a condition that is being read, and what its files share.
 *
 * demand.c has the whole, and what compares columns among themselves; demand_value.c one column and literals, demand_part.c a part of a
 * column, demand_either.c the sides of an OR. */
#ifndef SP_PLAN_MEANING_H
#define SP_PLAN_MEANING_H

#include "plan/condition.h"

typedef struct sp_meaning {
    sp_arena *arena;
    const sp_conditions *t;
    const sp_condition *check; /* that is read */
    sp_demands *d;             /* where demands go */
    sp_way *way;               /* which sides are taken; NULL: the first ones */
    uint32_t fork;             /* that comes next */
    bool narrowed;             /* by the condition that is read: to one of the ways that it allows */
    bool forked;               /* the same, but other ways take the others */
    bool null_passes;          /* another side lets nulls through */
    bool whole;                /* a sum may have remainders, and divisions of whole numbers, which leave none */
    bool nomem;
} sp_meaning;

static inline bool sp_term_is(const sp_term *n, const char *op)
{
    return n->kind == N_OP && sp_str_is(n->text, op);
}

static inline bool sp_term_calls(const sp_term *n, const char *name)
{
    return n->kind == N_CALL && sp_str_is(n->text, name);
}

static inline bool sp_is_one_of(sp_str text, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sp_str_is(text, names[i]))
            return true;
    return false;
}

static inline bool sp_term_tests_null(const sp_term *n)
{
    return sp_term_is(n, "IS NULL") || sp_term_is(n, "IS NOT NULL");
}

/* False: it is not understood. */
bool sp_mean(sp_meaning *m, const sp_term *n);
/* Which of n sides is taken. */
uint32_t sp_mean_side(sp_meaning *m, uint32_t n);
void *sp_mean_alloc(sp_meaning *m, size_t n, size_t size);
/* A column without the functions around it that leave a text's length and order as they are. */
const sp_term *sp_mean_bare(const sp_term *n);

/* demand_value.c: left op literal; one of a list of literals, and of those demanded before; none of them; just this one. */
bool sp_mean_bound(sp_meaning *m, const sp_term *left, sp_str op, const sp_term *value);
bool sp_mean_values(sp_meaning *m, sp_demand *d, const sp_term *list);
bool sp_mean_no_value(sp_meaning *m, sp_demand *d, const sp_term *list);
bool sp_mean_just(sp_meaning *m, const sp_term *column, const char *text);
/* A call that is a truth by itself, such as starts_with(column, 'ab'). */
bool sp_mean_call(sp_meaning *m, const sp_term *call);
bool sp_mean_has(const sp_demand *d, sp_str value);
int sp_mean_compare(sp_str a, sp_str b);

/* demand_either.c: what the sides of an OR come to, or one of them. */
bool sp_mean_either(sp_meaning *m, const sp_term *n);

#endif
