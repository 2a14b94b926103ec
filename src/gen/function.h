/* function.h - private to gen: the makers of the catalogue's functions.
 *
 * Choices are made with integers only; a cell takes what it needs from as few draws as it can, a taken part being scaled off the
 * top of the draw (sp_take). A maker gives NULL when there is no memory. */
#ifndef SP_GEN_FUNCTION_H
#define SP_GEN_FUNCTION_H

#include "gen/cell.h"

typedef sp_cell *(*sp_func_maker)(const sp_func *f, const sp_func_env *env, uint64_t key);

struct sp_func {
    const char *name;
    sp_func_maker make;
    const char *text; /* recipe, or name of a word list */
    sp_type type;     /* of integers and decimals */
    int64_t min, max; /* integers and decimals; else min is the maker's argument */
    const char *note;
};

#define SP_HEX_DIGITS    "0123456789abcdef"
#define SP_BASE36_DIGITS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* A cell that has nothing but its key; one of text; the year of the plan's now. */
sp_cell *sp_func_new_cell(const sp_func_env *env, uint64_t key, const sp_cell_ops *ops, sp_kind kind,
                          uint32_t text_max);
sp_cell *sp_func_new_text(const sp_func_env *env, uint64_t key, const sp_cell_ops *ops, uint32_t text_max,
                          sp_care care);
int32_t sp_func_this_year(const sp_func_env *env);

/* numbers.c */
sp_cell *sp_make_number(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_uint64(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_year(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_date(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_near_date(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_status(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_bool(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_float(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_zone_offset(const sp_func *f, const sp_func_env *env, uint64_t key);

/* checked.c */
sp_cell *sp_make_card_number(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_card_expiry(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_cusip(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_isin(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_cpf(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_cnpj(const sp_func *f, const sp_func_env *env, uint64_t key);

/* colors.c */
sp_cell *sp_make_rgb(const sp_func *f, const sp_func_env *env, uint64_t key);
sp_cell *sp_make_palette(const sp_func *f, const sp_func_env *env, uint64_t key);

#endif
