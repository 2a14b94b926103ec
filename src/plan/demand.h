/* demand.h - what CHECK conditions demand of columns, as far as a generator can be told. */
#ifndef SP_PLAN_DEMAND_H
#define SP_PLAN_DEMAND_H

#include "base/base.h"

typedef struct sp_demand {   /* on one column; texts are literals without quotes, borrowed from the arena */
    sp_str min, max;         /* p NULL: no such bound */
    bool min_open, max_open; /* the bound itself is not allowed */
    const sp_str *values;    /* one of these; n_values 0: any */
    uint32_t n_values;
    int64_t length_min, length_max; /* of the text; max < 0: no bound */
    sp_str like, regex;             /* p NULL: none */
    bool not_null, is_null;
    bool upper, lower;   /* a text without small letters; without capitals */
    sp_str json_type;    /* what JSON is: "array", "object"; p NULL: anything */
    sp_str sum;          /* the column is this expression of others, written as plans have it; p NULL: none */
} sp_demand;

/* a <= b, or a < b: every cell of one column against the other's in the same row. */
typedef struct sp_ordering {
    uint32_t low, high;
} sp_ordering;

typedef struct sp_condition {
    const char *sql; /* the condition alone */
    int32_t column;  /* of a domain's: the column that VALUE means; -1: of the table */
} sp_condition;

typedef struct sp_conditions { /* of a table, and its columns' names; texts are borrowed */
    const char **names;
    uint32_t n_names;
    sp_condition *items;
    uint32_t n;
    bool plain; /* what is of use: bounds, values, lengths, LIKE, orders, and that a column is there */
} sp_conditions;

typedef struct sp_demands {
    sp_demand *columns; /* one for each column of the table */
    sp_ordering *orderings;
    uint32_t n_orderings;
    const sp_condition **unread; /* those that were not understood */
    uint32_t n_unread;
    const sp_condition **narrowed; /* those that are kept by one of the ways that they allow */
    uint32_t n_narrowed;
    bool *in_sums; /* columns that sums are made of */
} sp_demands;

/* Notes a bound, if it is narrower than the one there is. */
void sp_demand_bound(sp_demand *d, bool is_max, sp_str value, bool open);
/* Reads all conditions of a table. False: no memory. */
bool sp_demands_read(const sp_conditions *t, sp_arena *arena, sp_demands *out);

#endif
