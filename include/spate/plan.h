/* spate/plan.h - a plan: which tables, which columns, how many rows, and how each cell is made.
 *
 * One thread at a time: whoever makes rows of a plan finishes it first (rows that are counted by parents, mistakes that only show
 * then). Different plans are independent. The file format is described in docs/formats/plan.md. */
#ifndef SPATE_PLAN_H
#define SPATE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spate/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spate_plan spate_plan;

/* Something in a plan that is wrong, or (fatal false) looks wrong. All text lives as long as the plan. */
typedef struct spate_mistake {
    bool fatal;
    const char *file;
    unsigned line, column; /* from 1; 0 when the mistake has no place */
    const char *found;     /* the offending text, perhaps shortened; "" when something is missing */
    /* what is wrong; behind the found text in quotes, where there is one, it reads as a sentence */
    const char *message;
} spate_mistake;

/* A count as a plan may write it: 500, 10_000, 10k, 1.5M, 2g. False: it is none, or above 18446744073709551615. */
bool spate_parse_count(const char *text, uint64_t *value);

/* Reads a YAML or JSON plan from path ("-": standard input), and samples of the tables elsewhere that it names. SPATE_E_CONFIG when it
 * has mistakes: then *plan is set all the same, for spate_plan_mistake, and must be freed; it cannot be generated from. On any other
 * failure *plan is NULL. */
int spate_plan_open(const char *path, spate_plan **plan, spate_error *err);
/* The same for a text that is there already. Messages call it name; files that it names are beside that. */
int spate_plan_read(const char *name, const char *text, size_t len, spate_plan **plan, spate_error *err);
void spate_plan_free(spate_plan *plan); /* NULL is fine */

size_t spate_plan_mistakes(const spate_plan *plan);
const spate_mistake *spate_plan_mistake(const spate_plan *plan, size_t i); /* in file order */

/* The database that the plan is for, in forms that say so; NULL: none. */
const char *spate_plan_database(const spate_plan *plan);
size_t spate_plan_tables(const spate_plan *plan);
const char *spate_plan_table_name(const spate_plan *plan, size_t table);
uint64_t spate_plan_table_rows(const spate_plan *plan, size_t table); /* UINT64_MAX: those of a table elsewhere */

typedef enum spate_table_role {
    SPATE_TABLE_MADE,   /* its rows go to the target */
    SPATE_TABLE_HIDDEN, /* made for other tables only */
    SPATE_TABLE_INPUT,  /* rows of a file, for other tables only */
} spate_table_role;
spate_table_role spate_plan_table_role(const spate_plan *plan, size_t table);
size_t spate_plan_columns(const spate_plan *plan, size_t table);
/* In the order they are made in. kind: the key of the plan language that says how: "value", "range", "ref". hidden: made for other
 * columns, and not written. Any of them may be NULL. */
const char *spate_plan_column(const spate_plan *plan, size_t table, size_t column, const char **kind, bool *hidden);

/* Gives a table another number of rows, and looks again for the mistakes that hang on it: a fatal one may come or go, in a plan
 * that spate_plan_open called SPATE_E_CONFIG as well. SPATE_E_USAGE when there is no such table. */
int spate_plan_set_rows(spate_plan *plan, const char *table, uint64_t rows, spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
