/* expr_text.c - expressions of texts. */
#include "gen/expr.h"

/* ---- texts ---- */

sp_step *sp_add_text_step(sp_maker *m, const sp_expr *e, sp_step_fn *run, sp_step *const *args, uint32_t n,
                          uint64_t text_max)
{
    if (text_max > SP_CELL_TEXT_MAX)
        return sp_make_wrong(m, e, "may be longer than 8388608 bytes");
    sp_step *s = sp_add_step(m, run, (sp_type){.kind = SP_TEXT}, args, n);
    if (s)
        s->text_max = (uint32_t)text_max;
    return s;
}

/* Whatever is joined becomes text first. */
static sp_step *make_concat(sp_maker *m, const sp_expr *e, sp_step **args)
{
    uint64_t longest = 0;
    for (uint32_t i = 0; i < e->n_args; i++) {
        args[i] = args[i]->is_null ? sp_add_null(m, (sp_type){.kind = SP_TEXT}) : sp_to_text(m, args[i]);
        if (!args[i])
            return NULL;
        longest += args[i]->text_max;
    }
    return sp_add_text_step(m, e, sp_run_concat, args, e->n_args, longest);
}

static sp_step *turned(sp_maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run)
{
    return sp_all_text(m, e, args, 1) ? sp_add_text_step(m, e, run, args, 1, args[0]->text_max) : NULL;
}

static sp_step *make_lower(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_lower);
}

static sp_step *make_upper(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_upper);
}

static sp_step *make_title(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_title);
}

static sp_step *make_slug(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_slug);
}

static sp_step *make_trim(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return turned(m, e, args, sp_run_trim);
}

bool sp_arg_is_whole(const sp_maker *m, const sp_expr *e, sp_step *const *args, uint32_t i)
{
    if (i >= e->n_args || sp_step_is(args[i], SP_I64))
        return true;
    sp_mistake(m->b->mistakes, e->args[i]->mark, e->args[i]->shown, "is %s where a whole number should be",
               sp_step_words(args[i]));
    return false;
}

static sp_step *cut(sp_maker *m, const sp_expr *e, sp_step **args, sp_step_fn *run)
{
    if (!sp_all_text(m, e, args, 1) || !sp_arg_is_whole(m, e, args, 1) || !sp_arg_is_whole(m, e, args, 2))
        return NULL;
    const sp_step *count = args[e->n_args - 1];
    uint64_t longest = args[0]->text_max;
    if (count->max >= 0 && count->max < SP_CELL_TEXT_MAX / 4 && (e->n_args > 2 || run != sp_run_substr))
        longest = SP_MIN(longest, (uint64_t)count->max * 4);
    return sp_add_text_step(m, e, run, args, e->n_args, longest);
}

static sp_step *make_substr(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return cut(m, e, args, sp_run_substr);
}

static sp_step *make_left(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return cut(m, e, args, sp_run_left);
}

static sp_step *make_right(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return cut(m, e, args, sp_run_right);
}

static sp_step *make_pad(sp_maker *m, const sp_expr *e, sp_step **args)
{
    int64_t width;
    if (!(args[0] = sp_to_text(m, args[0])) || !sp_constant_in(m, e, args, 1, 0, 1000, &width))
        return NULL;
    if (!sp_step_is(args[2], SP_TEXT))
        return sp_make_wrong(m, e->args[2], "is not the text to fill up with, such as '0'");
    sp_step *s = sp_add_text_step(m, e, sp_run_pad, args, 3, args[0]->text_max + (uint64_t)width * 4);
    if (s)
        s->word = width;
    return s;
}

static sp_step *make_replace(sp_maker *m, const sp_expr *e, sp_step **args)
{
    if (!sp_all_text(m, e, args, 3))
        return NULL;
    return sp_add_text_step(m, e, sp_run_replace, args, 3, (uint64_t)args[0]->text_max * SP_MAX(args[2]->text_max, 1u));
}

static sp_step *make_length(sp_maker *m, const sp_expr *e, sp_step **args)
{
    if (!sp_all_text(m, e, args, 1))
        return NULL;
    return sp_in_range(m, e, sp_add_unary(m, sp_run_length, SP_I64, args[0]), 0, args[0]->text_max);
}

static sp_step *make_sha256(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return sp_all_text(m, e, args, 1) ? sp_add_text_step(m, e, sp_run_sha256, args, 1, SP_SHA256_TEXT) : NULL;
}

static sp_step *make_text(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return args[0]->is_null ? sp_add_null(m, (sp_type){.kind = SP_TEXT}) : sp_to_text(m, args[0]);
}

static sp_step *make_float(sp_maker *m, const sp_expr *e, sp_step **args)
{
    if (!sp_step_is_text(args[0]) || args[0]->is_null)
        return sp_step_is_number(args[0]) ? sp_to_real(m, args[0]) : sp_make_no_types(m, e, args, 1);
    sp_step *s = sp_add_unary(m, sp_run_read_real, SP_F64, args[0]); /* what a text says */
    if (s)
        s->nullable = true;
    return s;
}

const sp_call sp_text_calls[] = {
    {"||", 2, 2, make_concat},
    {"concat", 1, 256, make_concat},
    {"lower", 1, 1, make_lower},
    {"upper", 1, 1, make_upper},
    {"title", 1, 1, make_title},
    {"slug", 1, 1, make_slug},
    {"trim", 1, 1, make_trim},
    {"substr", 2, 3, make_substr},
    {"left", 2, 2, make_left},
    {"right", 2, 2, make_right},
    {"pad", 3, 3, make_pad},
    {"replace", 3, 3, make_replace},
    {"length", 1, 1, make_length},
    {"sha256", 1, 1, make_sha256},
    {"text", 1, 1, make_text},
    {"float", 1, 1, make_float},
    {0},
};
