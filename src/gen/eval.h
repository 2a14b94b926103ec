/* eval.h - private to gen: an expression as steps over whole columns.
 *
 * expr.c makes the steps from a tree and knows the types; eval.c and its like run them. A step makes the values of a batch's rows out of
 * those of steps before it. Values are kept as words (int64_t: truth values, integers, decimals, all kinds of time), as
 * doubles, or as texts; type says which of the kinds they are. */
#ifndef SP_GEN_EVAL_H
#define SP_GEN_EVAL_H

#include "gen/family.h"
#include "gen/regex.h"

typedef struct sp_step sp_step;

typedef struct sp_rows {
    const uint64_t *rows;
    uint32_t n;
    sp_gen_scratch *scratch;
} sp_rows;

/* Makes the values of step s into out, whose validity is NULL at first. 0 or SPATE_E_NOMEM. */
typedef int sp_step_fn(const sp_step *s, const sp_rows *r, sp_column *out);

struct sp_step {
    sp_step_fn *run;
    sp_step *next; /* the one that runs after it */
    sp_type type;
    uint32_t temp; /* where its values are kept */
    sp_step **args;
    uint32_t n_args;
    bool needed; /* the result is made from it */

    /* What is known of the values. */
    bool nullable;
    bool is_null; /* the word null: of any type */
    bool is_constant;
    __int128 min, max;   /* words; of decimals and times: in units of their last digit */
    double min_f, max_f; /* doubles; infinite: not known */
    uint32_t text_max;

    /* What the functions need besides. */
    const sp_cell *cell;    /* load: where the values come from */
    uint32_t aux;           /* load: a column of the cell's own type, to be widened from */
    uint32_t column, field; /* load: what it was made from */
    int64_t word;           /* a constant, or a unit */
    double real;
    sp_str text;
    uint64_t key;
    const sp_layout *layout;
    const sp_matcher *matcher; /* matches */
    const sp_parents *parents; /* nth */
    const uint32_t *numbers;   /* occurrence, occurrences: a row's, of so many rows */
    uint64_t n_numbers;
};

bool sp_step_is_text(const sp_step *s);
bool sp_step_is_float(const sp_step *s);

/* The values of an argument. */
static inline const sp_column *sp_step_arg(const sp_step *s, const sp_rows *r, uint32_t i)
{
    return sp_scratch_temp(r->scratch, s->args[i]->temp);
}

static inline void sp_set_null(sp_column *c, const sp_rows *r, uint32_t i)
{
    sp_column_validity(c, r->n)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

/* A value made from others is null when any of them is. */
static inline void sp_join_nulls(const sp_step *s, const sp_rows *r, sp_column *out)
{
    for (uint32_t a = 0; a < s->n_args; a++) {
        const sp_column *from = sp_step_arg(s, r, a);
        if (!from->validity)
            continue;
        uint8_t *to = sp_column_validity(out, r->n);
        for (uint32_t i = 0; i < (r->n + 7) / 8; i++)
            to[i] &= from->validity[i];
    }
}

sp_step_fn
    /* leaves */
    sp_run_load,
    sp_run_load_wide, sp_run_constant, sp_run_row, sp_run_nth, sp_run_random_word, sp_run_random_real,
    /* words */
    sp_run_add, sp_run_subtract, sp_run_multiply, sp_run_modulo, sp_run_scale_up, sp_run_scale_down, sp_run_floor_to,
    sp_run_ceil_to, sp_run_abs, sp_run_sign, sp_run_negate, sp_run_same,
    /* doubles */
    sp_run_real, sp_run_real_add, sp_run_real_subtract, sp_run_real_multiply, sp_run_real_divide, sp_run_real_abs,
    sp_run_real_negate, sp_run_real_round, sp_run_real_floor, sp_run_real_ceil, sp_run_real_sqrt, sp_run_real_exp,
    sp_run_real_log, sp_run_real_power,
    /* truth */
    sp_run_equal, sp_run_less, sp_run_and, sp_run_or, sp_run_not, sp_run_is_null, sp_run_like, sp_run_starts,
    sp_run_contains,
    /* choices */
    sp_run_if, sp_run_coalesce, sp_run_null_if, sp_run_least,
    /* texts (eval_text.c) */
    sp_run_text, sp_run_concat, sp_run_lower, sp_run_upper, sp_run_title, sp_run_slug, sp_run_trim, sp_run_substr,
    sp_run_left, sp_run_right, sp_run_pad, sp_run_replace, sp_run_sha256, sp_run_format, sp_run_length,
    /* times */
    sp_run_days, sp_run_midnight, sp_run_part, sp_run_add_months,
    /* eval_read.c: what texts say, draws between two columns and paths, what a column has counted */
    sp_run_read_word, sp_run_read_real, sp_run_read_moment, sp_run_random_between, sp_run_number, sp_run_ends,
    sp_run_drift, sp_run_matches;

/* Counts, row by row of the table, those that the condition leaves out. While it is asked, numbers[row] is how many there were before the
 * row; at last it is twice that, and one more where the row itself is left out. first: the steps that make it. False: no memory. */
bool sp_eval_left_out(const sp_build *b, const sp_step *first, const sp_step *condition, uint32_t *numbers);

enum { SP_PART_YEAR, SP_PART_MONTH, SP_PART_DAY, SP_PART_HOUR, SP_PART_MINUTE, SP_PART_SECOND, SP_PART_WEEKDAY };

#endif
