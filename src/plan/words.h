/* words.h - what the name of a column, or of its type, says of its values: for plans that are made from a schema.
 *
 * Values are templates (${email}), or alternatives with "|" between, or #n: n letters. Each returns NULL or false when there is
 * nothing to say. */
#ifndef SP_PLAN_WORDS_H
#define SP_PLAN_WORDS_H

#include "base/base.h"

const char *sp_words_text(const char *table, const char *column);
bool sp_words_number(const char *column, double *min, double *max);
bool sp_words_time(const char *column, const char **min, const char **max,
                   double *null_rate);                     /* null_rate below 0: as other columns */
bool sp_words_before(const char *early, const char *late); /* two moments: the first is never the later */
bool sp_words_is_code(const char *column);                 /* a key or number of something, not prose */

/* Of a type that its target reads from text, such as inet or polygon. */
const char *sp_words_type(const char *type);

/* What a template is of a person or a place: "first_name", and "person" into *of. */
const char *sp_words_facet(const char *value, const char **of);

#endif
