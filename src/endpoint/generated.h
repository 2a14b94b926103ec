/* generated.h - a compiled plan as a source of rows. */
#ifndef SP_ENDPOINT_GENERATED_H
#define SP_ENDPOINT_GENERATED_H

#include "endpoint/endpoint.h"
#include "gen/gen.h"

/* The tables of gen (or only the n_only named ones), parents before children where that is possible. gen must outlive it. */
int sp_generated_open(const sp_gen *gen, const char *const *only, size_t n_only, sp_source **source,
                      spate_error *err) SP_MUST_CHECK;

#endif
