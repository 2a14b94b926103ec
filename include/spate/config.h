/* spate/config.h - a plan written from what is there: the tables of a live database, or a file of CREATE statements.
 *
 * Nothing is changed, and no row is read. The plan is a text for a person to keep: it generates and loads as it is, and says in
 * comments what had to be guessed. */
#ifndef SPATE_CONFIG_H
#define SPATE_CONFIG_H

#include "spate/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SPATE_CONFIG_ROWS 100000 /* of a table, where nobody says otherwise */

typedef struct spate_config_rows {
    const char *table;
    uint64_t rows;
} spate_config_rows;

typedef struct spate_config_options {
    const char *const *schemas; /* only these schemas of the server; n_schemas 0: all but its own */
    size_t n_schemas;
    const char *const *tables; /* only these, and those they refer to; n_tables 0: all */
    size_t n_tables;
    const spate_config_rows *rows; /* for single tables */
    size_t n_rows;
    bool rows_anyway; /* names in rows that are no table mean nothing, instead of a mistake */
    bool defaults;    /* make the columns, too, that the server would fill by their default */
    bool stats;       /* let the server's statistics say how values are spread (PostgreSQL) */
} spate_config_options;

/* Writes the plan of what uri names into *text, which spate_config_free gives back; *len is without the NUL behind it.
 * SPATE_E_USAGE: nothing there can be described, or there is no table of a name in options. */
int spate_config(const char *uri, const spate_config_options *options, char **text, size_t *len, spate_error *err);
void spate_config_free(char *text); /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
