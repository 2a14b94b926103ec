/* share.h - a source whose rows are dealt out to several runs by what they hold. */
#ifndef SP_SHARE_H
#define SP_SHARE_H

#include "endpoint/endpoint.h"

/* One run of several, that each give other rows of the same source, and together all of them. 0 of 1: all. */
typedef struct sp_share {
    uint32_t part, parts;
} sp_share;

/* Gives this part's rows of those tables whose positions do not mean the same rows to every run; the others stay as they are, since they
 * can be cut by position. Takes the source over, also when it fails. */
int sp_share_open(sp_source *whole, sp_share share, sp_source **out, spate_error *err) SP_MUST_CHECK;

#endif
