/* problems.h - private to the room: what stands in the way of a load, collected so that all of it is told at once. */
#ifndef SP_ENDPOINT_PROBLEMS_H
#define SP_ENDPOINT_PROBLEMS_H

#include "endpoint/endpoint.h"

enum { SP_FIELD_VALUES_ASKED = 1000 }; /* of a field with more values no target is asked: rows will tell */

typedef struct sp_problems {
    sp_buf text; /* a line each */
    unsigned n;
    bool missing, exists; /* a table that is not there, or there although it should be made: each has a hint */
} sp_problems;

int sp_problems_add(sp_problems *p, const sp_schema *schema, const char *what) SP_MUST_CHECK; /* 0 or SPATE_E_NOMEM */
/* Notes when a table is there that --create alone would make, or is not there and nobody makes it. */
int sp_problems_presence(sp_problems *p, const sp_schema *schema, bool there, const sp_sink_options *o) SP_MUST_CHECK;
/* Fills err from the problems, of which there is one at least. shown: the target's name. SPATE_E_CONFIG. */
int sp_problems_tell(const sp_problems *p, const char *shown, spate_error *err) SP_MUST_CHECK;

/* Adds a parent once. deps->tables has room for every table. */
void sp_deps_add(sp_sink_deps *deps, uint32_t parent);

#endif
