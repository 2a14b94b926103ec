/* json.h - private to codec: a text of JSON token by token. RFC 8259, checked byte for byte; no tree is made of it. */
#ifndef SP_CODEC_JSON_H
#define SP_CODEC_JSON_H

#include "codec/codec.h"

enum { SP_JSON_DEPTH_MAX = 256 }; /* lists and objects in one another */

typedef struct sp_json {
    const char *p, *end;
} sp_json;

static inline void sp_json_skip_space(sp_json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\n' || *j->p == '\r'))
        j->p++;
}

/* The sign, behind any space. */
static inline bool sp_json_take(sp_json *j, char c)
{
    sp_json_skip_space(j);
    if (j->p == j->end || *j->p != c)
        return false;
    j->p++;
    return true;
}

bool sp_json_skip_word(sp_json *j, const char *word);
/* The string at j, behind its opening quote; raw: what is between the quotes. */
bool sp_json_take_string(sp_json *j, sp_str *raw, bool *escapes);
/* A value of any kind, depth lists and objects deep already. False: there is none, or it is too deep. */
bool sp_json_skip_value(sp_json *j, unsigned depth);
/* raw has passed sp_json_take_string; out becomes its text. SPATE_E_DATA: an escape that is no character, or the zero character,
 * which text cannot hold. */
int sp_json_unescape(sp_str raw, sp_buf *out) SP_MUST_CHECK;

#endif
