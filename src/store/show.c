/* show.c - see show.h. Types of both sides are alike but for what a plan may say of a text's length and of types of others. */
#include "store/show.h"

#include <assert.h>

static_assert((int)SPATE_LIST == (int)SP_LIST && (int)SPATE_DATE == (int)SP_DATE && (int)SPATE_TEXT == (int)SP_TEXT,
              "kinds are numbered alike");

spate_type sp_show_type(const sp_type *t)
{
    return (spate_type){.kind = (spate_kind)t->kind, .precision = t->precision, .scale = t->scale};
}

int sp_show_column(const sp_column *c, spate_column *out, sp_arena *arena)
{
    *out = (spate_column){.type = sp_show_type(&c->type),
                          .validity = c->validity,
                          .data = c->data,
                          .offsets = c->offsets,
                          .bytes = c->bytes};
    if (!c->child)
        return SPATE_OK;
    spate_column *child = sp_arena_alloc(arena, 1, sizeof *child);
    out->child = child;
    return child ? sp_show_column(c->child, child, arena) : SPATE_E_NOMEM;
}
