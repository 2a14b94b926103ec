/* masked_json.h - private to masked.c: what is replaced inside the documents of a table, and not instead of them. */
#ifndef SP_MASKED_JSON_H
#define SP_MASKED_JSON_H

#include "gen/gen.h"

typedef struct sp_masked_json sp_masked_json; /* belongs to one thread at a time */
/* Of a table of the plan; *out NULL: none of its columns says a path. Plan and generator are borrowed. */
int sp_masked_json_new(const sp_gen *gen, const spate_plan *plan, uint32_t table, sp_masked_json **out,
                       spate_error *err) SP_MUST_CHECK;
void sp_masked_json_free(sp_masked_json *m);
/* rows: for column i of the plan, behind SP_BATCH_ROWS_MAX for each before it, the number of each row's cell of the column it hangs on;
 * looked at only for those that hang on another one. SPATE_E_DATA: a document that is no JSON. */
int sp_masked_json_replace(sp_masked_json *m, const uint64_t *rows, sp_gen_scratch *scratch, sp_batch *batch,
                           spate_error *err) SP_MUST_CHECK;

#endif
