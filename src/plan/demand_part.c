/* demand_part.c - conditions on a part of a column's values: the remainder of a number, the hour or weekday of a moment. */
#include "plan/condition.h"

#include <math.h>

static const sp_steps whole[SP_PARTS] = {{1, 12, 1}, {1, 28, 1}, {1, 7, 1}, {0, 23, 1}, {0, 59, 1}, {0, 59, 1}};

typedef struct part_name {
    const char *name;
    int part;   /* sp_part; -1: the year */
    int sunday; /* of weekdays: which number Sunday has */
} part_name;

static const part_name *part_named(sp_str name)
{
    static const part_name names[] = {
        {"year", -1, 0},
        {"month", SP_PART_MONTH, 0},
        {"day", SP_PART_DAY, 0},
        {"dayofmonth", SP_PART_DAY, 0},
        {"isodow", SP_PART_WEEKDAY, 7},
        {"dow", SP_PART_WEEKDAY, 0},
        {"dayofweek", SP_PART_WEEKDAY, 1},
        {"weekday", SP_PART_WEEKDAY, 6},
        {"hour", SP_PART_HOUR, 0},
        {"minute", SP_PART_MINUTE, 0},
        {"second", SP_PART_SECOND, 0},
        {"seconds", SP_PART_SECOND, 0},
    };
    for (size_t i = 0; i < SP_COUNT(names); i++)
        if (sp_str_ieq(name, names[i].name))
            return &names[i];
    return NULL;
}

/* The part that a call takes, and of which column; NULL: it is no such call. */
static const part_name *part_of(const sp_term *call, uint32_t *column)
{
    const sp_term *first = call->kind == N_CALL ? call->args[0] : NULL, *of = first;
    if (!first)
        return NULL;
    bool named = sp_str_is(call->text, "date_part") || sp_str_is(call->text, "datepart");
    of = named ? first->next : first;
    if (!of || of->kind != N_COLUMN || of->next || (named && first->kind != N_LITERAL))
        return NULL;
    *column = of->column;
    return part_named(named ? first->text : call->text);
}

static bool is_whole(sp_str text, int64_t *n)
{
    double v;
    if (!sp_parse_f64(text, &v) || floor(v) != v || fabs(v) > 1e9)
        return false;
    *n = (int64_t)v;
    return true;
}

/* Monday is 1, whatever it is there. */
static int32_t iso_day(int64_t day, int sunday)
{
    int64_t after = ((day - sunday) % 7 + 7) % 7;
    return after ? (int32_t)after : 7;
}

static void narrow(sp_demand *d, int part, int32_t low, int32_t high, int32_t step)
{
    sp_steps *s = &d->parts[part];
    if (!s->step)
        *s = whole[part];
    s->low = SP_MAX(s->low, low);
    s->high = SP_MIN(s->high, high);
    s->step = SP_MAX(s->step, step);
    d->has_parts = true;
}

/* One of values that are as far from each other; of others as many as are. */
static bool narrow_to(sp_demand *d, const part_name *name, const sp_term *values)
{
    int32_t first = 0, last = 0, step = 0;
    uint32_t n = 0;
    for (const sp_term *at = values; at; at = at->next) {
        int64_t v;
        if (at->kind != N_LITERAL || !is_whole(at->text, &v))
            return false;
        int32_t day = name->part == SP_PART_WEEKDAY ? iso_day(v, name->sunday) : (int32_t)v;
        if (n && (day <= last || (n > 1 && day - last != step)))
            break;
        step = n ? day - last : 0;
        first = n ? first : day;
        last = day;
        n++;
    }
    if (n)
        narrow(d, name->part, first, last, SP_MAX(step, 1));
    return n > 0;
}

static bool bound_year(sp_arena *arena, sp_demand *d, sp_str op, int64_t year)
{
    bool equal = sp_str_is(op, "=") || sp_str_is(op, "IN"), less = op.p[0] == '<';
    int64_t first = op.p[0] == '>' && op.len == 1 ? year + 1 : year, last = less && op.len == 1 ? year - 1 : year;
    const char *from = sp_arena_printf(arena, "%04lld-01-01", (long long)first),
               *to = sp_arena_printf(arena, "%04lld-12-31", (long long)last);
    if (!from || !to)
        return false;
    if (equal || !less)
        sp_demand_bound(d, false, sp_str_of(from), false);
    if (equal || less)
        sp_demand_bound(d, true, sp_str_of(to), false);
    return true;
}

static bool demand_moment(sp_arena *arena, sp_demand *d, const part_name *name, sp_str op, const sp_term *values)
{
    bool one_of = sp_str_is(op, "=") || sp_str_is(op, "IN");
    int64_t n;
    if (!values || values->kind != N_LITERAL || !is_whole(values->text, &n))
        return false;
    if (name->part < 0)
        return !sp_str_is(op, "<>") && !(values->next && one_of) && bound_year(arena, d, op, n);
    if (one_of)
        return narrow_to(d, name, values);
    if (sp_str_is(op, "<>") && name->part == SP_PART_WEEKDAY && iso_day(n, name->sunday) == 7) {
        narrow(d, name->part, 1, 6, 1);
        return true;
    }
    if (op.p[0] != '<' && op.p[0] != '>')
        return false;
    if (name->part == SP_PART_WEEKDAY)
        n += name->sunday == 6; /* Monday is 0 there */
    int32_t edge = (int32_t)n + (op.len == 1 ? (op.p[0] == '>') - (op.p[0] == '<') : 0);
    narrow(d, name->part, op.p[0] == '>' ? edge : INT32_MIN, op.p[0] == '<' ? edge : INT32_MAX, 1);
    return true;
}

/* n % 5, mod(n, 5) */
static bool demand_remainder(sp_demands *d, const sp_term *left, const sp_term *value)
{
    bool call = left->kind == N_CALL && sp_str_is(left->text, "mod");
    const sp_term *of = left->args[0], *by = call ? (of ? of->next : NULL) : left->args[1];
    int64_t modulus, remainder;
    if (!of || !by || of->kind != N_COLUMN || by->kind != N_LITERAL || !value || value->kind != N_LITERAL ||
        !is_whole(by->text, &modulus) || !is_whole(value->text, &remainder) || modulus < 1 || remainder < 0 ||
        remainder >= modulus)
        return false;
    sp_demand *to = &d->columns[of->column];
    if (to->modulus)
        return false;
    to->modulus = modulus;
    to->remainder = remainder;
    return true;
}

/* to_days(d) < 738885, unix_timestamp(at) < 1700000000, as MariaDB's partitions have it: the moment itself is so. */
static bool demand_counted(sp_arena *arena, sp_demands *d, const sp_term *left, sp_str op, const sp_term *value)
{
    enum { DAYS_BEFORE_1970 = 719528, SECONDS_A_DAY = 86400 };
    bool days = sp_str_is(left->text, "to_days"), seconds = sp_str_is(left->text, "unix_timestamp");
    const sp_term *of = left->kind == N_CALL && (days || seconds) ? left->args[0] : NULL;
    double v;
    if (!of || of->kind != N_COLUMN || of->next || !value || value->kind != N_LITERAL ||
        !sp_parse_f64(value->text, &v) || fabs(v) > 1e11 || (op.p[0] != '<' && op.p[0] != '>') || sp_str_is(op, "<>"))
        return false;
    double at = days ? (floor(v) - DAYS_BEFORE_1970) * SECONDS_A_DAY : v;
    char text[SP_TIMESTAMP_TEXT_MAX + SP_SLACK];
    char *end = days ? sp_put_date(text, (int32_t)(at / SECONDS_A_DAY))
                     : sp_put_timestamp(text, (int64_t)at * SP_US_PER_SECOND);
    const char *kept = sp_arena_strndup(arena, text, (size_t)(end - text));
    if (kept)
        sp_demand_bound(&d->columns[of->column], op.p[0] == '<', sp_str_of(kept), op.len == 1);
    return kept != NULL;
}

bool sp_demand_part(sp_arena *arena, sp_demands *d, const sp_term *left, sp_str op, const sp_term *values)
{
    uint32_t column;
    bool remainder =
        (left->kind == N_OP && sp_str_is(left->text, "%")) || (left->kind == N_CALL && sp_str_is(left->text, "mod"));
    if (remainder)
        return (sp_str_is(op, "=") || sp_str_is(op, "IN")) && demand_remainder(d, left, values);
    if (demand_counted(arena, d, left, op, values))
        return true;
    const part_name *name = part_of(left, &column);
    return name && demand_moment(arena, &d->columns[column], name, op, values);
}

bool sp_demand_truncated(sp_demands *d, const sp_term *left, const sp_term *right)
{
    static const struct {
        const char *unit;
        sp_part part;
    } units[] = {{"minute", SP_PART_SECOND},
                 {"hour", SP_PART_MINUTE},
                 {"day", SP_PART_HOUR},
                 {"month", SP_PART_DAY},
                 {"year", SP_PART_MONTH}};
    const sp_term *unit = left->kind == N_CALL && sp_str_is(left->text, "date_trunc") ? left->args[0] : NULL;
    const sp_term *of = unit ? unit->next : NULL;
    if (!of || unit->kind != N_LITERAL || of->kind != N_COLUMN || right->kind != N_COLUMN ||
        of->column != right->column)
        return false;
    for (size_t i = 0; i < SP_COUNT(units); i++) {
        narrow(&d->columns[of->column], (int)units[i].part, whole[units[i].part].low, whole[units[i].part].low, 1);
        if (sp_str_ieq(unit->text, units[i].unit))
            return true;
    }
    return false;
}
