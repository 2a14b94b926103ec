/* expr_time.c - expressions of dates, times and intervals. */
#include "gen/expr.h"

/* ---- times ---- */

static sp_step *make_now(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return sp_add_word(m, (sp_type){.kind = SP_TIMESTAMPTZ}, m->b->env.now_us);
}

/* What a text says, by the layout that is the second argument, or in ISO 8601. */
static sp_step *read_moment(sp_maker *m, const sp_expr *e, sp_step **args)
{
    const sp_layout *layout = NULL;
    if (e->n_args > 1 && (!sp_step_is_text(args[0]) || !args[1]->is_constant || !sp_step_is(args[1], SP_TEXT)))
        return sp_make_wrong(m, e->args[1], "is not a layout written out, such as '2006-01-02', for a text");
    if (e->n_args > 1 && !(layout = sp_layout_new(m->b->arena, args[1]->text)))
        return NULL;
    sp_step *s = sp_add_unary(m, sp_run_read_moment, SP_TIMESTAMP, args[0]);
    if (s) {
        s->layout = layout;
        s->nullable = true;
    }
    return s;
}

static sp_step *make_date(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (a->is_constant && sp_step_is(a, SP_TEXT) && e->n_args == 1)
        return sp_read_constant(m, e->args[0], a, (sp_type){.kind = SP_DATE});
    if (sp_step_is_text(a) || e->n_args > 1)
        a = read_moment(m, e, args);
    if (!a)
        return NULL;
    if (sp_step_is_moment(a))
        return sp_add_unary(m, sp_run_days, SP_DATE, a);
    return sp_step_is(a, SP_DATE) ? a : sp_make_no_types(m, e, args, 1);
}

static sp_step *make_timestamp(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (a->is_constant && sp_step_is(a, SP_TEXT) && e->n_args == 1)
        return sp_read_constant(m, e->args[0], a, (sp_type){.kind = SP_TIMESTAMP});
    if (sp_step_is_text(a) || e->n_args > 1)
        return read_moment(m, e, args);
    return sp_step_is_moment(a) || sp_step_is(a, SP_DATE) ? sp_to_moment(m, a) : sp_make_no_types(m, e, args, 1);
}

static sp_step *make_interval(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (a->is_constant && sp_step_is(a, SP_TEXT))
        return sp_read_constant(m, e->args[0], a, (sp_type){.kind = SP_INTERVAL});
    return sp_step_is(a, SP_INTERVAL) ? a : sp_make_no_types(m, e, args, 1);
}

static sp_step *duration(sp_maker *m, const sp_expr *e, sp_step **args, int64_t unit_us)
{
    if (!sp_step_is_number(args[0]))
        return sp_make_no_types(m, e, args, 1);
    sp_step *unit = sp_add_word(m, (sp_type){.kind = SP_INTERVAL}, unit_us);
    return unit ? sp_interval_times(m, unit, args[0], sp_run_real_multiply) : NULL;
}

static sp_step *make_days(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return duration(m, e, args, SP_US_PER_DAY);
}

static sp_step *make_hours(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return duration(m, e, args, 3600 * SP_US_PER_SECOND);
}

static sp_step *make_minutes(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return duration(m, e, args, 60 * SP_US_PER_SECOND);
}

static sp_step *make_seconds(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return duration(m, e, args, SP_US_PER_SECOND);
}

static sp_step *part(sp_maker *m, const sp_expr *e, sp_step **args, int64_t part, __int128 min, __int128 max)
{
    sp_step *a = args[0];
    if (!sp_step_is_moment(a) && !sp_step_is(a, SP_DATE) && !sp_step_is(a, SP_TIME))
        return sp_make_no_types(m, e, args, 1);
    if (!(a = sp_to_moment(m, a)))
        return NULL;
    sp_step *s = sp_in_range(m, e, sp_add_unary(m, sp_run_part, SP_I64, a), min, max);
    if (s)
        s->word = part;
    return s;
}

static sp_step *make_year(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_YEAR, -300000, 300000);
}

static sp_step *make_month(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_MONTH, 1, 12);
}

static sp_step *make_day(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_DAY, 1, 31);
}

static sp_step *make_hour(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_HOUR, 0, 23);
}

static sp_step *make_minute(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_MINUTE, 0, 59);
}

static sp_step *make_second(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_SECOND, 0, 59);
}

static sp_step *make_weekday(sp_maker *m, const sp_expr *e, sp_step **args)
{
    return part(m, e, args, SP_PART_WEEKDAY, 1, 7);
}

static sp_step *make_add_months(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    bool date = sp_step_is(a, SP_DATE);
    if (!date && !sp_step_is_moment(a))
        return sp_make_no_types(m, e, args, 2);
    if (!sp_arg_is_whole(m, e, args, 1) || !(a = sp_to_moment(m, a)))
        return NULL;
    sp_step *s = sp_add_binary(m, sp_run_add_months, a->type, a, args[1]);
    return s && date ? sp_add_unary(m, sp_run_days, SP_DATE, s) : s;
}

static sp_step *make_format(sp_maker *m, const sp_expr *e, sp_step **args)
{
    sp_step *a = args[0];
    if (!sp_step_is_moment(a) && !sp_step_is(a, SP_DATE))
        return sp_make_no_types(m, e, args, 1);
    if (!args[1]->is_constant || !sp_step_is(args[1], SP_TEXT))
        return sp_make_wrong(m, e->args[1], "is not a layout written out, such as '2006-01-02'");
    const sp_layout *layout = sp_layout_new(m->b->arena, args[1]->text);
    if (!layout || !(a = sp_to_moment(m, a)))
        return NULL;
    sp_step *s = sp_add_text_step(m, e, sp_run_format, &a, 1, sp_layout_text_max(layout));
    if (s)
        s->layout = layout;
    return s;
}

const sp_call sp_time_calls[] = {
    {"now", 0, 0, make_now},
    {"date", 1, 2, make_date},
    {"timestamp", 1, 2, make_timestamp},
    {"interval", 1, 1, make_interval},
    {"days", 1, 1, make_days},
    {"hours", 1, 1, make_hours},
    {"minutes", 1, 1, make_minutes},
    {"seconds", 1, 1, make_seconds},
    {"year", 1, 1, make_year},
    {"month", 1, 1, make_month},
    {"day", 1, 1, make_day},
    {"hour", 1, 1, make_hour},
    {"minute", 1, 1, make_minute},
    {"second", 1, 1, make_second},
    {"weekday", 1, 1, make_weekday},
    {"add_months", 2, 2, make_add_months},
    {"format", 2, 2, make_format},
    {0},
};
