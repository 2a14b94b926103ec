/* slice.h - private to lab: what one shard gets of a plan, as a source.
 *
 * Nothing is made twice and nothing is sent around: the reader walks all row numbers, makes only their keys, and then only the rows
 * whose keys belong to the shard. A table without a placement is the same on every shard. */
#ifndef SP_LAB_SLICE_H
#define SP_LAB_SLICE_H

#include "endpoint/endpoint.h"
#include "gen/gen.h"
#include "lab/placement.h"

/* The tables of whole, a source that sp_generated_open made of gen; placements has one for each of them, NULL where every shard gets
 * all rows. gen, whole and placements must outlive it. */
int sp_slice_open(const sp_gen *gen, const sp_source *whole, const sp_placement *const *placements, unsigned shard,
                  sp_source **source, spate_error *err) SP_MUST_CHECK;

#endif
