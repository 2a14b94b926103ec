/* pack.h - whole segments behind a general compressor, for those who ask: smaller, slower to read, not to be changed in place. */
#ifndef SP_STORE_PACK_H
#define SP_STORE_PACK_H

#include "spate/store.h"
#include "store/format.h"

enum { SP_UNPACKED_MAX = 255 }; /* times the packed bytes: what is read never asks for more memory than that */

typedef struct sp_presser sp_presser;
/* Loads the library. SPATE_E_CONFIG and the like: it is not there. */
int sp_presser_open(spate_packing with, sp_presser **presser, spate_error *err) SP_MUST_CHECK;
void sp_presser_close(sp_presser *p); /* NULL is fine */
/* The segment that begins at start and ends with out, packed where it lies. *pays false: it is as it was. */
int sp_segment_pack(sp_presser *p, sp_buf *out, size_t start, bool *pays) SP_MUST_CHECK;

static inline bool sp_segment_is_packed(const void *bytes, size_t len)
{
    sp_segment_header h;
    if (len < sizeof h)
        return false;
    memcpy(&h, bytes, sizeof h);
    return h.flags & SP_SEGMENT_PACKED;
}
/* A packed segment as it was before, into out. SPATE_E_CORRUPT, or what keeps the library from being loaded. */
int sp_segment_unpack(const void *bytes, size_t len, sp_buf *out, spate_error *err) SP_MUST_CHECK;

#endif
