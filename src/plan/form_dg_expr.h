/* form_dg_expr.h - private to the expressions of dg's fork: form_dg_expr.c has the grammar, form_dg_calls.c the functions and how values
 * are turned into what is wanted of them. */
#ifndef SP_PLAN_FORM_DG_EXPR_H
#define SP_PLAN_FORM_DG_EXPR_H

#include "plan/form_dg.h"

enum { DG_ARGS_MAX = 64, DG_LETS_MAX = 16, DG_BODIES_MAX = 4096 };

typedef enum token_kind { T_END, T_NUMBER, T_TEXT, T_NAME, T_SIGN } token_kind;
typedef struct token {
    token_kind kind;
    sp_str text; /* of a text: what it stands for */
    size_t at;
} token;

typedef struct parser {
    const dg_scope *s;
    sp_str source;
    sp_mark mark;
    size_t at;
    token next;
    unsigned depth;
    bool failed, silent;
    dg_variable lets[DG_LETS_MAX];
    uint32_t n_lets;
    uint32_t bodies;      /* how often the body of a function of each item was read */
    const dg_value *item; /* that # means, within map(list, ...) and the like; NULL: nowhere */
    uint32_t index;       /* that #index means */
    const dg_value *acc;  /* that #acc means, within reduce(list, ...) */
    uint32_t acc_uses;
} parser;

void sp_dg_fail(parser *p, sp_str found, const char *message);

static inline dg_value value_of(dg_kind kind, sp_expr *e)
{
    return (dg_value){.kind = kind, .e = e};
}

static inline dg_value none(void)
{
    return (dg_value){.kind = DG_ANY};
}

static inline bool is_constant_text(const dg_value *v)
{
    return v->e && v->e->kind == SP_EXPR_TEXT;
}

sp_expr *sp_dg_text_leaf(const dg_scope *s, sp_mark at, sp_str text);
sp_expr *sp_dg_number_leaf(const dg_scope *s, sp_mark at, long long n);

/* The grammar, for functions that have bodies. */
bool sp_dg_next_is(const parser *p, const char *text);
bool sp_dg_take(parser *p, const char *text);
void sp_dg_need_sign(parser *p, const char *text);
dg_value sp_dg_parse_any(parser *p);
dg_value sp_dg_negate(parser *p, dg_value v);

/* Functions of each item (form_dg_each.c): whether a name is one's; a call of it, behind its bracket. */
bool sp_dg_is_each(sp_str name);
dg_value sp_dg_parse_each(parser *p, sp_str name, const dg_value *piped);
dg_value sp_dg_item_word(parser *p);
/* Whether items of a list are there on conditions; and what can be had of such a list. */
bool sp_dg_is_filtered(const dg_value *list);
sp_expr *sp_dg_length(parser *p, const dg_value *list);
dg_value sp_dg_first_of(parser *p, const dg_value *list);
dg_value sp_dg_among(parser *p, const dg_value *a, const dg_value *list);

dg_value sp_dg_call_named(parser *p, sp_str name, dg_value *args, uint32_t n);
/* A function of two texts that is true or false. */
dg_value sp_dg_of_texts(parser *p, const char *name, const dg_value *a, const dg_value *b);
/* A field of a record. */
dg_value sp_dg_field_of(parser *p, const dg_value *record, sp_str field);
/* Years, months and days later. */
dg_value sp_dg_later(parser *p, const dg_value *years, const dg_value *months, const dg_value *days, sp_expr *from);

#endif
