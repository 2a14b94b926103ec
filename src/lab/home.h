/* home.h - private to lab and those who bind it: what the column that a table lives by gets on a shard when nobody says: a value that
 * lives there.
 *
 * The column's default is asked again and again until it gives one: DEFAULT spate_home.users(nextval('users_id_seq')). The function has
 * the placement in it, while rows move both, and which of them holds is for the fence to say. */
#ifndef SP_LAB_HOME_H
#define SP_LAB_HOME_H

#include "endpoint/catalog.h"
#include "lab/layout.h"

#define SP_HOME_SPACE "spate_home"

/* Makes the functions for this placement; next: the one that may hold instead while the shard's fence is up, or NULL. */
int sp_home_keep(const sp_layout *l, const sp_lab *lab, unsigned shard, const sp_placement *now,
                 const sp_placement *next, spate_error *err) SP_MUST_CHECK;
/* The same for the first so many shards. */
int sp_home_keep_all(const sp_layout *l, const sp_lab *lab, unsigned shards, const sp_placement *now,
                     const sp_placement *next, spate_error *err) SP_MUST_CHECK;
/* Of a default: what was it before. The same where it is none of ours; NULL: no memory. */
const char *sp_home_default(const char *sql, sp_arena *arena);

#endif
