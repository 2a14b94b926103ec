/* demand.h - what CHECK conditions demand of columns, as far as a generator can be told. */
#ifndef SP_PLAN_DEMAND_H
#define SP_PLAN_DEMAND_H

#include "base/base.h"

/* Of a moment: which months, days of the month, days of the week (1: Monday), hours and so on it may lie in. */
typedef enum sp_part {
    SP_PART_MONTH,
    SP_PART_DAY,
    SP_PART_WEEKDAY,
    SP_PART_HOUR,
    SP_PART_MINUTE,
    SP_PART_SECOND,
    SP_PARTS
} sp_part;

typedef struct sp_steps { /* low, low + step and so on up to high; step 0: any */
    int32_t low, high, step;
} sp_steps;

typedef struct sp_demand {   /* on one column; texts are literals without quotes, borrowed from the arena */
    sp_str min, max;         /* p NULL: no such bound */
    bool min_open, max_open; /* the bound itself is not allowed */
    const sp_str *values;    /* one of these; n_values 0: any */
    uint32_t n_values;
    const sp_str *excluded; /* none of these */
    uint32_t n_excluded;
    int64_t modulus, remainder; /* of a whole number; modulus 0: none */
    sp_steps parts[SP_PARTS];   /* of a moment */
    bool has_parts;
    int64_t length_min, length_max; /* of the text; max < 0: no bound */
    sp_str like, glob, regex;       /* p NULL: none */
    bool not_null, is_null;
    bool one_word;       /* a text without blanks */
    bool date, moment;   /* a text that is a date; a date and a time of day */
    bool upper, lower;   /* a text without small letters; without capitals */
    bool rounded;        /* a number with so many digits behind the point, and no more */
    uint32_t digits;
    sp_str json_type;    /* what JSON is: "array", "object", "": anything; p NULL: it need not be JSON */
    sp_str sum;          /* the column is this expression of others, written as plans have it; p NULL: none */
} sp_demand;

/* a <= b, or a < b: every cell of one column against the other's in the same row; or a <> b, which is no order. */
typedef struct sp_ordering {
    uint32_t low, high;
    bool differ;
    const struct sp_condition *of; /* what says so */
} sp_ordering;

enum { SP_WAY_FORKS_MAX = 24, SP_WAY_SIDES_MAX = 32 };

/* One way to keep conditions that leave several open (a IS NULL OR b = 'x'): at each fork that reading comes to, which side is
 * taken. All zeroes are the first way. */
typedef struct sp_way {
    uint8_t side[SP_WAY_FORKS_MAX], of[SP_WAY_FORKS_MAX];
    uint32_t n;
} sp_way;

/* The next one; false: that was the last. */
bool sp_way_next(sp_way *way);

typedef struct sp_condition {
    const char *sql; /* the condition alone */
    int32_t column;  /* of a domain's: the column that VALUE means; -1: of the table */
} sp_condition;

typedef struct sp_conditions { /* of a table, and its columns' names; texts are borrowed */
    const char **names;
    uint32_t n_names;
    sp_condition *items;
    uint32_t n;
    bool nulls_invalid; /* json_valid of a null is false, as SQLite has it, and not null */
    bool plain; /* what is of use: bounds, values, lengths, LIKE, orders, and that a column is there */
} sp_conditions;

typedef struct sp_demands {
    sp_demand *columns; /* one for each column of the table */
    sp_ordering *orderings;
    uint32_t n_orderings;
    bool impossible;             /* no row keeps all of it */
    const sp_condition **unread; /* those that were not understood */
    uint32_t n_unread;
    const sp_condition **narrowed; /* those that are kept by one of the ways that they allow */
    uint32_t n_narrowed;
    const sp_condition **forked; /* those whose other ways are other demands */
    uint32_t n_forked;
    bool *in_sums; /* columns that sums are made of */
} sp_demands;

/* Notes a bound, if it is narrower than the one there is. */
void sp_demand_bound(sp_demand *d, bool is_max, sp_str value, bool open);
/* Reads all conditions of a table; each fork is taken as the way says, and noted there. way NULL: the first side of each, which narrows.
 * False: no memory. */
bool sp_demands_read(const sp_conditions *t, sp_way *way, sp_arena *arena, sp_demands *out);

/* Notes the columns that an expression names, whether it can be read or not. False: there are none. */
bool sp_condition_names(const sp_conditions *t, const char *sql, sp_arena *arena, bool *named);

/* A sum, difference or product of columns and numbers as plans write it; whole: of whole numbers, so that it may be a division or a
 * remainder, too. NULL: it is something else. */
const char *sp_condition_sum(const sp_conditions *t, const char *sql, bool whole, sp_arena *arena);

/* Of an expression that is the first letters of a column, how many; 0: it is something else. */
uint32_t sp_condition_prefix(const sp_conditions *t, const char *sql, sp_arena *arena);

#endif
