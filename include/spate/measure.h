/* spate/measure.h - what a plan's rows will take, found by making a few of them; and what the functions of plans make.
 *
 * Nothing is written anywhere. The figures are this machine's and this moment's. */
#ifndef SPATE_MEASURE_H
#define SPATE_MEASURE_H

#include <stdbool.h>
#include "spate/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spate_table_measure {
    const char *name;
    uint64_t rows, sampled;
    size_t columns;
    double seconds;   /* to make all rows on one thread; going by the sample, as is the rest */
    double csv_bytes; /* of all rows */
} spate_table_measure;

typedef struct spate_measure_report {
    spate_table_measure *tables;
    size_t n_tables;
    unsigned workers;
    double seconds; /* to make all tables on so many workers, whoever takes the rows at no cost */
    double csv_bytes;
    uint64_t memory_bytes; /* that this process has, and further workers would take; a target's client comes on top */
    void *memory;
} spate_measure_report;

/* Makes a few rows of each table. workers 0: one a processor. SPATE_E_CONFIG when only the generator finds the plan's mistakes,
 * which are then in the plan. The report is to be given back with spate_measure_report_done, whatever was returned. */
int spate_measure(spate_plan *plan, unsigned workers, spate_measure_report *report, spate_error *err);
void spate_measure_report_done(spate_measure_report *report);

typedef struct spate_function { /* that a plan may name, as ${name} */
    const char *name;
    const char *note; /* what its values are, in a few words; may be "" */
    const char *type; /* of a column that is this function alone */
} spate_function;

typedef struct spate_functions_options {
    const char *name;   /* only this one; NULL: all, in the order of their names */
    const char *locale; /* of the samples; NULL: English */
    size_t samples;     /* of each */
} spate_functions_options;

/* Hands over functions, each with samples of its values as text (made of one fixed seed). A sample may be cut to 4096 bytes. Stops
 * when fn does not return 0, and returns what it did. SPATE_E_USAGE when there is no function or no locale of that name: the hint
 * has the nearest. */
typedef int spate_function_fn(void *arg, const spate_function *function, const char *const *samples, size_t n_samples);
int spate_functions(const spate_functions_options *options, spate_function_fn *fn, void *arg, spate_error *err);

typedef struct spate_locale { /* that a plan may name */
    const char *code;         /* de_AT */
    const char *title;        /* German (Austria) */
} spate_locale;

/* The locale number i, in the order of their codes; false: there are no more. */
bool spate_locale_at(size_t i, spate_locale *locale);

#ifdef __cplusplus
}
#endif
#endif
