/* numbers.h - private to lab and those who bind it: what shards number rows by.
 *
 * Of the numbers that a sequence would give, every 97th is a shard's own. So no two shards give the same, however many there are or will
 * be, and nobody has to be asked; what each gives is behind all that was given before. 97 is more than there can be shards, and shares no
 * factor with any number of them: a shard's numbers are spread over all. Tables that are copied to every shard have their sequences as
 * they are: the same rows are written to all. */
#ifndef SP_LAB_NUMBERS_H
#define SP_LAB_NUMBERS_H

#include "endpoint/catalog.h"
#include "lab/layout.h"

enum { SP_NUMBERS_WAYS = 97, SP_NUMBERS_OF_MAIN = -1 };
_Static_assert((int)SP_NUMBERS_WAYS >= (int)SP_SHARDS_MAX, "every shard has numbers of its own");

/* Whether there are enough for every shard. */
bool sp_numbers_suffice(const sp_cat_sequence *s);
/* Sets the sequences of the shards [first, last), which nobody uses yet. like: whose they are, of the shard of, or main. */
int sp_numbers_share(const sp_lab *lab, const sp_layout *l, const sp_catalog *like, int of, unsigned first,
                     unsigned last, spate_error *err) SP_MUST_CHECK;

#endif
