/* expr.h - private to gen: what the files share that make the steps of an expression. expr.c has the tree, the leaves and the cell,
 * expr_*.c a table of calls each. */
#ifndef SP_GEN_EXPR_H
#define SP_GEN_EXPR_H

#include "gen/eval.h"

#define DECIMAL_END ((__int128)1000000000000000000) /* 10^18 */
#define WORD_MIN    ((__int128)INT64_MIN)
#define WORD_MAX    ((__int128)INT64_MAX)

typedef struct sp_maker {
    const sp_build *b;
    sp_step *first, **last; /* in the order they run */
    uint32_t draws;         /* calls of random so far: each has a key of its own */
    uint32_t *left_out;     /* of each row, how many before it a condition left out; NULL: none asks for that */
} sp_maker;

/* A function or an operator: its name, how many arguments it takes, and what makes the step of it. NULL: a mistake was noted, or no
 * memory. */
typedef struct sp_call {
    const char *name;
    uint32_t least, most;
    sp_step *(*make)(sp_maker *m, const sp_expr *e, sp_step **args);
} sp_call;
extern const sp_call sp_number_calls[], sp_truth_calls[], sp_text_calls[],
    sp_time_calls[]; /* each ends with an empty one */

static inline bool sp_step_is_number(const sp_step *s)
{
    return s->type.kind == SP_I64 || s->type.kind == SP_DECIMAL || s->type.kind == SP_F64;
}

static inline bool sp_step_is_exact(const sp_step *s)
{
    return s->type.kind == SP_I64 || s->type.kind == SP_DECIMAL;
}

static inline bool sp_step_is_moment(const sp_step *s)
{
    return s->type.kind == SP_TIMESTAMP || s->type.kind == SP_TIMESTAMPTZ;
}

static inline bool sp_step_is(const sp_step *s, sp_kind kind)
{
    return s->type.kind == kind;
}

static inline unsigned sp_step_scale(const sp_step *s)
{
    return s->type.kind == SP_DECIMAL ? s->type.scale : 0;
}

/* Notes what is wrong, and gives the NULL for it. */
sp_step *sp_make_wrong(const sp_maker *m, const sp_expr *e, const char *what);
/* The same: it cannot be done with values of these kinds. */
sp_step *sp_make_no_types(const sp_maker *m, const sp_expr *e, sp_step *const *args, uint32_t n);
/* "a number", "a text" */
const char *sp_step_words(const sp_step *s);
/* A step of that type, with the widest range; its nulls are those of its arguments. */
sp_step *sp_add_step(sp_maker *m, sp_step_fn *run, sp_type type, sp_step *const *args, uint32_t n);
sp_step *sp_add_unary(sp_maker *m, sp_step_fn *run, sp_kind kind, sp_step *a);
sp_step *sp_add_binary(sp_maker *m, sp_step_fn *run, sp_type type, sp_step *a, sp_step *b);
/* Of scale 0: integers. */
sp_type sp_decimal_type(unsigned scale);
/* Takes the range of exact values, unless they may leave their type. */
sp_step *sp_in_range(const sp_maker *m, const sp_expr *e, sp_step *s, __int128 min, __int128 max);
/* Constants. */
sp_step *sp_add_word(sp_maker *m, sp_type type, int64_t value);
sp_step *sp_add_real(sp_maker *m, double value);
sp_step *sp_add_null(sp_maker *m, sp_type type);
/* Conversions; of what cannot be converted none is asked. */
sp_step *sp_to_real(sp_maker *m, sp_step *s);
sp_step *sp_to_scale(sp_maker *m, const sp_expr *e, sp_step *s, unsigned scale);
sp_step *sp_to_text(sp_maker *m, sp_step *s);
sp_step *sp_to_moment(sp_maker *m, sp_step *s);
/* A constant text as a value of that type. */
sp_step *sp_read_constant(sp_maker *m, const sp_expr *e, const sp_step *s, sp_type type);
/* Makes the arguments from first on of one type; false: there is none, and a mistake was noted. */
bool sp_unify(sp_maker *m, const sp_expr *e, sp_step **args, uint32_t first, uint32_t n, sp_type *type);
/* A constant whole number from least to most as argument i. */
bool sp_constant_in(sp_maker *m, const sp_expr *e, sp_step *const *args, uint32_t i, int64_t least, int64_t most,
                    int64_t *v);
/* Are the first n arguments texts? A null becomes one. */
bool sp_all_text(sp_maker *m, const sp_expr *e, sp_step **args, uint32_t n);
/* Is argument i, if there is one, a whole number? */
bool sp_arg_is_whole(const sp_maker *m, const sp_expr *e, sp_step *const *args, uint32_t i);
/* A step that makes texts, unless they may be too long. */
sp_step *sp_add_text_step(sp_maker *m, const sp_expr *e, sp_step_fn *run, sp_step *const *args, uint32_t n,
                          uint64_t text_max);
/* An interval so many times: through doubles, rounded to microseconds. */
sp_step *sp_interval_times(sp_maker *m, sp_step *interval, sp_step *factor, sp_step_fn *run);
/* The range of a truth value. */
sp_step *sp_truth(sp_step *s);

#endif
