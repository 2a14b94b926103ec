/* expr_truth.c - expressions that compare, and that choose between values. */
#include "gen/expr.h"

#include <math.h>

/* ---- truth ---- */

sp_step *sp_truth(sp_step *s)
{
    if (s) {
        s->min = 0;
        s->max = 1;
    }
    return s;
}

static sp_step *comparison(sp_maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run, bool swap)
{
    sp_type type, truth_type = {.kind = SP_BOOL};
    if (!sp_unify(m, e, args, 0, 2, &type))
        return NULL;
    return sp_truth(sp_add_binary(m, run, truth_type, args[swap], args[!swap]));
}

static sp_step *not_step(sp_maker *m, sp_step *a)
{
    return a ? sp_truth(sp_add_unary(m, sp_run_not, SP_BOOL, a)) : NULL;
}

static sp_step *make_equal(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return comparison(m, e, args, sp_run_equal, false);
}

static sp_step *make_unequal(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return not_step(m, make_equal(m, e, args));
}

static sp_step *make_less(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return comparison(m, e, args, sp_run_less, false);
}

static sp_step *make_greater(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return comparison(m, e, args, sp_run_less, true);
}

static sp_step *make_at_most(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return not_step(m, make_greater(m, e, args));
}

static sp_step *make_at_least(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return not_step(m, make_less(m, e, args));
}

static bool all_truth(const sp_maker *m, const sp_expr *e, sp_step *const *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!sp_step_is(args[i], SP_BOOL)) {
            sp_mistake(m->b->mistakes, e->args[i]->mark, e->args[i]->shown, "is %s where a condition should be",
                       sp_step_words(args[i]));
            return false;
        }
    return true;
}

static sp_step *make_and(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return all_truth(m, e, args, 2) ? sp_truth(sp_add_binary(m, sp_run_and, args[0]->type, args[0], args[1])) : NULL;
}

static sp_step *make_or(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return all_truth(m, e, args, 2) ? sp_truth(sp_add_binary(m, sp_run_or, args[0]->type, args[0], args[1])) : NULL;
}

static sp_step *make_not(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return all_truth(m, e, args, 1) ? not_step(m, args[0]) : NULL;
}

static sp_step *make_is_null(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = sp_truth(sp_add_unary(m, sp_run_is_null, SP_BOOL, args[0]));
    if (s)
        s->nullable = false;
    return s;
}

static sp_step *make_is_not_null(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return not_step(m, make_is_null(m, e, args));
}

static sp_step *make_between(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_type type, truth_type = {.kind = SP_BOOL};
    if (!sp_unify(m, e, args, 0, 3, &type))
        return NULL;
    sp_step *low = not_step(m, sp_truth(sp_add_binary(m, sp_run_less, truth_type, args[0], args[1])));
    sp_step *high = not_step(m, sp_truth(sp_add_binary(m, sp_run_less, truth_type, args[2], args[0])));
    return low && high ? sp_truth(sp_add_binary(m, sp_run_and, truth_type, low, high)) : NULL;
}

static sp_step *make_in(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_type type, truth_type = {.kind = SP_BOOL};
    sp_step *any = NULL;
    if (!sp_unify(m, e, args, 0, e->n_args, &type))
        return NULL;
    for (uint32_t i = 1; i < e->n_args; i++) {
        sp_step *is = sp_truth(sp_add_binary(m, sp_run_equal, truth_type, args[0], args[i]));
        any = any && is ? sp_truth(sp_add_binary(m, sp_run_or, truth_type, any, is)) : is;
        if (!any)
            return NULL;
    }
    return any;
}

bool sp_all_text(sp_maker *m, const sp_expr *e, sp_step **args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (args[i]->is_null)
            args[i] = sp_add_null(m, (sp_type){.kind = SP_TEXT});
        if (args[i] && sp_step_is_text(args[i]))
            continue;
        if (args[i])
            sp_mistake(m->b->mistakes, e->args[i]->mark, e->args[i]->shown,
                       "is %s where a text should be; text(x) makes one", sp_step_words(args[i]));
        return false;
    }
    return true;
}

static sp_step *of_texts(sp_maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run)
{
    return sp_all_text(m, e, args, 2) ? sp_truth(sp_add_binary(m, run, (sp_type){.kind = SP_BOOL}, args[0], args[1]))
                                      : NULL;
}

static sp_step *make_like(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return of_texts(m, e, args, sp_run_like);
}

static sp_step *make_starts(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return of_texts(m, e, args, sp_run_starts);
}

static sp_step *make_contains(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return of_texts(m, e, args, sp_run_contains);
}

static sp_step *make_ends(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return of_texts(m, e, args, sp_run_ends);
}

/* matches(text, 'regular expression'): a part of the text is one that it says. */
static sp_step *make_matches(sp_maker *m, const sp_expr *e, sp_step **args)
{
    const char *why = NULL;
    if (!sp_all_text(m, e, args, 2))
        return NULL;
    if (!args[1]->is_constant || args[1]->is_null)
        return sp_make_wrong(m, e->args[1], "is no regular expression that is written out, such as '^[a-z]+$'");
    const sp_matcher *matcher = sp_matcher_new(m->b->arena, args[1]->text, &why);
    if (why)
        sp_mistake(m->b->mistakes, e->args[1]->mark, e->args[1]->shown, "is no regular expression to match by: %s", why);
    sp_step *s = matcher ? sp_truth(sp_add_unary(m, sp_run_matches, SP_BOOL, args[0])) : NULL;
    if (s)
        s->matcher = matcher;
    return s;
}

/* ---- choices ---- */

/* One of the arguments from first on. */
static sp_step *choice(sp_maker *m, const sp_expr *e, sp_step **args, uint32_t first, sp_step_fn *run)
{
    sp_type type;
    if (!sp_unify(m, e, args, first, e->n_args, &type))
        return NULL;
    sp_step *s = sp_add_step(m, run, type, args, e->n_args);
    if (!s)
        return NULL;
    for (uint32_t i = first; i < e->n_args; i++) {
        const sp_step *a = args[i];
        bool start = i == first;
        s->min = start ? a->min : SP_MIN(s->min, a->min);
        s->max = start ? a->max : SP_MAX(s->max, a->max);
        s->min_f = start ? a->min_f : fmin(s->min_f, a->min_f);
        s->max_f = start ? a->max_f : fmax(s->max_f, a->max_f);
        s->text_max = SP_MAX(s->text_max, a->text_max);
    }
    return s;
}

static sp_step *make_if(sp_maker *m, const sp_expr *e, sp_step **args)
{
    if (!all_truth(m, e, args, 1))
        return NULL;
    sp_step *s = choice(m, e, args, 1, sp_run_if);
    if (s)
        s->nullable = args[1]->nullable || args[2]->nullable;
    return s;
}

static sp_step *make_coalesce(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = choice(m, e, args, 0, sp_run_coalesce);
    for (uint32_t i = 0; s && i < e->n_args; i++)
        s->nullable = s->nullable && args[i]->nullable;
    return s;
}

static sp_step *make_null_if(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *s = choice(m, e, args, 0, sp_run_null_if);
    if (s)
        s->nullable = true;
    return s;
}

static sp_step *least(sp_maker *m, const sp_expr *e, sp_step **args, int64_t direction)
{
    sp_step *s = choice(m, e, args, 0, sp_run_least);
    bool all = true;
    for (uint32_t i = 0; s && i < e->n_args; i++) {
        all = all && args[i]->nullable;
        s->min = direction > 0 || args[i]->nullable ? s->min : SP_MAX(s->min, args[i]->min);
        s->max = direction < 0 || args[i]->nullable ? s->max : SP_MIN(s->max, args[i]->max);
        s->min_f = direction > 0 || args[i]->nullable ? s->min_f : fmax(s->min_f, args[i]->min_f);
        s->max_f = direction < 0 || args[i]->nullable ? s->max_f : fmin(s->max_f, args[i]->max_f);
    }
    if (s) {
        s->nullable = all;
        s->word = direction;
    }
    return s;
}

static sp_step *make_least(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return least(m, e, args, 1);
}

static sp_step *make_greatest(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return least(m, e, args, -1);
}

const sp_call sp_truth_calls[] = {
    {"=", 2, 2, make_equal},
    {"<>", 2, 2, make_unequal},
    {"<", 2, 2, make_less},
    {">", 2, 2, make_greater},
    {"<=", 2, 2, make_at_most},
    {">=", 2, 2, make_at_least},
    {"and", 2, 2, make_and},
    {"or", 2, 2, make_or},
    {"not", 1, 1, make_not},
    {"is null", 1, 1, make_is_null},
    {"is not null", 1, 1, make_is_not_null},
    {"between", 3, 3, make_between},
    {"in", 2, 256, make_in},
    {"like", 2, 2, make_like},
    {"starts_with", 2, 2, make_starts},
    {"ends_with", 2, 2, make_ends},
    {"contains", 2, 2, make_contains},
    {"matches", 2, 2, make_matches},
    {"if", 3, 3, make_if},
    {"coalesce", 1, 256, make_coalesce},
    {"nullif", 2, 2, make_null_if},
    {"least", 1, 256, make_least},
    {"greatest", 1, 256, make_greatest},
    {0},
};
