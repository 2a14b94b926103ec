/* filtered.h - a source whose tables give only rows for which a condition holds, where the source itself knows no conditions. */
#ifndef SP_ENDPOINT_FILTERED_H
#define SP_ENDPOINT_FILTERED_H

#include "endpoint/endpoint.h"

/* options: as the source was asked for, with wheres, in the SQL of DuckDB, over the columns that it gives. Takes the source over, also
 * when it fails. SPATE_E_USAGE: a condition that cannot be understood. */
int sp_filtered_open(sp_source *whole, const sp_source_options *options, sp_source **out,
                     spate_error *err) SP_MUST_CHECK;

#endif
