/* emit.h - a plan written as YAML: the counterpart of the reader, for plans that spate makes.
 *
 * Texts are quoted where the reader would take them for something else, and only there. The first failure (no memory) is kept;
 * what comes after it does nothing. */
#ifndef SP_PLAN_EMIT_H
#define SP_PLAN_EMIT_H

#include "base/base.h"

typedef struct sp_emit {
    sp_buf out;
    uint32_t line; /* that the next character comes into, from 1 */
    bool nomem;
} sp_emit;

void sp_emit_init(sp_emit *e);
void sp_emit_done(sp_emit *e);

/* "# text", folded at spaces; newlines in it begin further lines. */
void sp_emit_comment(sp_emit *e, unsigned indent, const char *text);
void sp_emit_blank(sp_emit *e);
/* "key: " with nothing behind it: a list or mapping follows, further in. */
void sp_emit_head(sp_emit *e, unsigned indent, const char *key);
/* "key: value"; item: begins an item of a list. note: a comment behind it, or NULL. */
void sp_emit_key(sp_emit *e, unsigned indent, bool item, const char *key, sp_str value, const char *note);
/* The same, of a value that is YAML already. */
void sp_emit_raw(sp_emit *e, unsigned indent, const char *key, const char *yaml, const char *note);

/* "[a, b]" of texts into out, which is then YAML for sp_emit_raw; 0 or SPATE_E_NOMEM. */
int sp_emit_list(sp_buf *out, const sp_str *items, uint32_t n) SP_MUST_CHECK;
/* A text as it stands between braces or brackets. */
int sp_emit_scalar(sp_buf *out, sp_str text, bool inside) SP_MUST_CHECK;

#endif
