/* pack.h - private to the room: bytes packed by gzip or zstd and unpacked again, in pieces of any size.
 *
 * A packer makes members (gzip) or frames (zstd) that stand for themselves: one behind the other they are a file again, so each
 * worker packs its own chunk. */
#ifndef SP_ENDPOINT_PACK_H
#define SP_ENDPOINT_PACK_H

#include "base/base.h"

typedef enum sp_pack { SP_PACK_NONE, SP_PACK_GZIP, SP_PACK_ZSTD } sp_pack;

/* By the ending of a name, which *stem is without it; by the first bytes of a file. */
sp_pack sp_pack_of_name(const char *path, size_t *stem);
sp_pack sp_pack_of_bytes(const void *bytes, size_t len);
const char *sp_pack_ending(sp_pack pack); /* "", ".gz", ".zst" */

typedef struct sp_packer sp_packer;
int sp_packer_new(sp_pack pack, sp_packer **out, spate_error *err) SP_MUST_CHECK;
void sp_packer_free(sp_packer *p);
void sp_packer_reset(sp_packer *p); /* forgets what was begun */
/* Appends what comes out; last: and ends the member or frame. 0 or SPATE_E_NOMEM. */
int sp_packer_add(sp_packer *p, const void *bytes, size_t len, bool last, sp_buf *out) SP_MUST_CHECK;

typedef struct sp_unpacker sp_unpacker;
int sp_unpacker_new(sp_pack pack, sp_unpacker **out, spate_error *err) SP_MUST_CHECK;
void sp_unpacker_free(sp_unpacker *u);
/* Takes bytes from *in and fills to; both say afterwards how much that was. SPATE_E_DATA: they are not packed so. */
int sp_unpacker_take(sp_unpacker *u, sp_str *in, void *to, size_t room, size_t *made, spate_error *err) SP_MUST_CHECK;
bool sp_unpacker_is_between(const sp_unpacker *u); /* members: the input may end here */

#endif
