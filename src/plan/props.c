/* props.c - the ranges: for each kind the props it needs, may have and how a bound of it is read.
 */
#include "plan/document.h"

#include <math.h>

enum { P_MIN, P_MAX, P_FORMAT, P_SCALE, P_LAT, P_LON, P_DISTANCE, P_COUNT };
static const char *const prop_names[P_COUNT] = {
    [P_MIN] = "min", [P_MAX] = "max", [P_FORMAT] = "format",        [P_SCALE] = "scale",
    [P_LAT] = "lat", [P_LON] = "lon", [P_DISTANCE] = "distance_km",
};
static const sp_keys prop_keys = {"props", prop_names, P_COUNT};

#define BIT(prop) (1u << (prop))
#define BOUNDS    (BIT(P_MIN) | BIT(P_MAX))

enum {
    SCALE_DEFAULT = 2,
    SCALE_MAX = 18,
    LENGTH_MAX = SP_CELL_TEXT_MAX / 2, /* bytes are written as two digits each */
};
#define DECIMAL_END INT64_C(1000000000000000000) /* 10^18: a decimal has at most 18 digits */

/* ---- one bound ---- */

static bool whole_bound(const sp_plan_column *c, sp_str s, int64_t *v)
{
    (void)c;
    return sp_scalar_i64(s, v);
}

static bool length_bound(const sp_plan_column *c, sp_str s, int64_t *v)
{
    int64_t most = c->mode == SP_MODE_ARRAY ? SP_PLAN_ARRAY_MAX : LENGTH_MAX;
    return sp_scalar_i64(s, v) && *v >= 0 && *v <= most;
}

static bool decimal_bound(const sp_plan_column *c, sp_str s, int64_t *v)
{
    return sp_scalar_decimal(s, c->scale, v) && *v > -DECIMAL_END && *v < DECIMAL_END;
}

static bool timestamp_bound(const sp_plan_column *c, sp_str s, int64_t *v)
{
    (void)c;
    return sp_parse_timestamp(s, v);
}

static bool interval_bound(const sp_plan_column *c, sp_str s, int64_t *v)
{
    (void)c;
    return sp_parse_duration_ns(s, v);
}

/* ---- kinds of range ---- */

typedef struct range_kind {
    const char *name;
    unsigned needs, may;                                         /* bits of props */
    const char *bound;                                           /* what min and max are */
    bool (*read)(const sp_plan_column *c, sp_str s, int64_t *v); /* NULL: not a pair of integers */
} range_kind;

static const range_kind kinds[] = {
    [SP_RANGE_INT] = {"int", BOUNDS, 0, "a whole number", whole_bound},
    [SP_RANGE_FLOAT] = {"float", BOUNDS, 0, "a number", NULL},
    [SP_RANGE_DECIMAL] = {"decimal", BOUNDS, BIT(P_SCALE),
                          "a number of at most 18 digits, no more than scale of them "
                          "behind the point",
                          decimal_bound},
    [SP_RANGE_STRING] = {"string", BOUNDS, 0, "a length of 0 to 4194304 characters", length_bound},
    [SP_RANGE_BYTES] = {"bytes", BOUNDS, 0, "a length of 0 to 4194304 bytes", length_bound},
    [SP_RANGE_TIMESTAMP] = {"timestamp", BOUNDS, BIT(P_FORMAT),
                            "a timestamp, such as 2024-01-31 or "
                            "2024-01-31T12:00:00Z",
                            timestamp_bound},
    [SP_RANGE_INTERVAL] = {"interval", BOUNDS, 0, "a duration, such as 90m or 1h30m", interval_bound},
    [SP_RANGE_POINT] = {"point", BIT(P_LAT) | BIT(P_LON) | BIT(P_DISTANCE), 0, NULL, NULL},
};
static const range_kind array_kind = {"array", BOUNDS, 0, "a length of 0 to 2048 items", length_bound};
_Static_assert(LENGTH_MAX == 4194304 && SP_PLAN_ARRAY_MAX == 2048, "the words above say so");

static const range_kind *find_kind(sp_str name)
{
    for (size_t i = 0; i < SP_COUNT(kinds); i++)
        if (sp_str_ieq(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

static void unknown_kind(sp_plan_reader *r, const sp_plan_column *c, sp_str name)
{
    const char *names[SP_COUNT(kinds)];
    for (size_t i = 0; i < SP_COUNT(kinds); i++)
        names[i] = kinds[i].name;
    const char *near = sp_nearest(name, names, SP_COUNT(names));
    sp_mistake(r->m, c->mode_mark, name,
               "is none of the ranges int, float, decimal, string, bytes, timestamp, interval, point%s%s%s",
               near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* "min and max": the props of a set of bits. */
static void list_props(unsigned bits, char *text, size_t size)
{
    text[0] = '\0';
    for (unsigned i = 0; i < P_COUNT; i++) {
        if (!(bits & BIT(i)))
            continue;
        const char *glue = !text[0] ? "" : bits >> i == 1 ? " and " : ", ";
        strncat(text, glue, size - strlen(text) - 1);
        strncat(text, prop_names[i], size - strlen(text) - 1);
    }
}

/* Notes what is missing and what does nothing. False when something is missing. */
static bool check_props(sp_plan_reader *r, const sp_plan_column *c, const range_kind *kind, const sp_node *at,
                        const sp_node *const *props, bool bounded)
{
    char text[64];
    unsigned missing = 0;
    const char *range = kind == &array_kind ? "" : "range ";
    for (unsigned i = 0; i < P_COUNT; i++) {
        if (!props[i])
            missing |= kind->needs & BIT(i) & ~(bounded ? BOUNDS : 0);
        else if (!((kind->needs | kind->may) & BIT(i)))
            sp_warning(r->m, props[i]->mark, sp_str_of(prop_names[i]), "is a prop that means nothing to %s%s", range,
                       kind->name);
    }
    if (!missing)
        return true;
    list_props(missing, text, sizeof(text));
    sp_mistake(r->m, at ? at->mark : c->mode_mark, (sp_str){0}, "%s%s needs props with %s%s%s%s", range, kind->name,
               text, kind->bound ? " (" : "", kind->bound ? kind->bound : "", kind->bound ? ")" : "");
    return false;
}

/* ---- values of props ---- */

static bool read_bound(sp_plan_reader *r, const sp_plan_column *c, const range_kind *kind, const char *prop,
                       const sp_node *node, int64_t *v)
{
    sp_str text;
    if (!sp_read_text(r, node, kind->bound, &text))
        return false;
    if (kind->read(c, text, v))
        return true;
    sp_mistake(r->m, node->mark, text, "%s %s as \"%s\"", text.len ? "is not" : "expected", kind->bound, prop);
    return false;
}

/* A bound that the distribution sets: whole, and one that the kind can have. */
static int64_t natural(const range_kind *kind, double v)
{
    double most = kind == &kinds[SP_RANGE_DECIMAL] ? 9.99e17 : kind->read == length_bound ? LENGTH_MAX : 9.2e18;
    double least = kind->read == length_bound ? 0 : -most;
    return (int64_t)(v < least ? least : v > most ? most : v);
}

static void read_bounds(sp_plan_reader *r, sp_plan_column *c, const range_kind *kind, const sp_node *const *props)
{
    int64_t min = 0, max = 0;
    double low, high;
    if (sp_distribution_bounds(&c->distribution, &low, &high)) {
        min = natural(kind, floor(low));
        max = natural(kind, ceil(high));
    }
    bool fine = !props[P_MIN] || read_bound(r, c, kind, "min", props[P_MIN], &min);
    if ((props[P_MAX] && !read_bound(r, c, kind, "max", props[P_MAX], &max)) || !fine)
        return;
    c->min_i = SP_MIN(min, max);
    c->max_i = SP_MAX(min, max);
}

static bool read_number(sp_plan_reader *r, const char *prop, const sp_node *node, double least, double most, double *v)
{
    sp_str text;
    if (!sp_read_text(r, node, "a number", &text))
        return false;
    if (sp_scalar_f64(text, v) && *v >= least && *v <= most)
        return true;
    const char *verb = text.len ? "is not" : "expected";
    if (isinf(most))
        sp_mistake(r->m, node->mark, text, "%s a number as \"%s\"", verb, prop);
    else
        sp_mistake(r->m, node->mark, text, "%s a number from %g to %g as \"%s\"", verb, least, most, prop);
    return false;
}

static void read_floats(sp_plan_reader *r, sp_plan_column *c, const sp_node *const *props)
{
    double min = 0, max = 0;
    sp_distribution_bounds(&c->distribution, &min, &max);
    bool fine = !props[P_MIN] || read_number(r, "min", props[P_MIN], -INFINITY, INFINITY, &min);
    if ((props[P_MAX] && !read_number(r, "max", props[P_MAX], -INFINITY, INFINITY, &max)) || !fine)
        return;
    c->min_f = SP_MIN(min, max);
    c->max_f = SP_MAX(min, max);
    if (!isfinite(c->max_f - c->min_f)) {
        c->max_f = c->min_f;
        sp_mistake(r->m, props[P_MAX] ? props[P_MAX]->mark : c->distribution.mark,
                   props[P_MAX] ? props[P_MAX]->text : (sp_str){0},
                   props[P_MAX] ? "is too far from the min for a float"
                                : "the distribution reaches too far for a float: say min and max");
    }
}

static void read_point(sp_plan_reader *r, sp_plan_column *c, const sp_node *const *props)
{
    const double half_round_the_earth_km = 20040;
    read_number(r, "lat", props[P_LAT], -90, 90, &c->lat);
    read_number(r, "lon", props[P_LON], -180, 180, &c->lon);
    read_number(r, "distance_km", props[P_DISTANCE], 0, half_round_the_earth_km, &c->distance_km);
}

static bool read_scale(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    int64_t scale = SCALE_DEFAULT;
    sp_str text;
    if (node && !sp_read_text(r, node, "a scale", &text))
        return false;
    if (node && (!sp_scalar_i64(text, &scale) || scale < 0 || scale > SCALE_MAX)) {
        sp_mistake(r->m, node->mark, text, "%s 0 to %d digits behind the point as \"scale\"",
                   text.len ? "is not" : "expected", SCALE_MAX);
        return false;
    }
    c->scale = (uint8_t)scale;
    return true;
}

/* ---- a whole range ---- */

static void read_props(sp_plan_reader *r, sp_plan_column *c, const range_kind *kind, const sp_node *node,
                       const sp_node *distribution)
{
    const sp_node *props[P_COUNT] = {0};
    if (node && node->kind != SP_NODE_MAP) {
        bool shown = node->kind == SP_NODE_TEXT && node->text.len;
        sp_mistake(r->m, node->mark, shown ? node->text : (sp_str){0},
                   "%s a mapping as props, such as {min: 1, max: 10}", shown ? "is not" : "expected");
        return;
    }
    if (node)
        sp_read_keys(r, node, &prop_keys, props);
    if (kind == &kinds[SP_RANGE_DECIMAL] && !read_scale(r, c, props[P_SCALE]))
        return;
    uint32_t said = r->m->n_said;
    double min, max;
    sp_read_distribution(r, c, distribution);
    bool bounded = sp_distribution_bounds(&c->distribution, &min, &max);
    if (r->m->n_said > said || !check_props(r, c, kind, node, props, bounded))
        return;
    if (kind == &kinds[SP_RANGE_TIMESTAMP] && props[P_FORMAT])
        sp_read_text(r, props[P_FORMAT], "a layout, such as 2006-01-02", &c->format);
    if (kind->read)
        read_bounds(r, c, kind, props);
    else if (kind == &kinds[SP_RANGE_FLOAT])
        read_floats(r, c, props);
    else
        read_point(r, c, props);
}

void sp_read_range(sp_plan_reader *r, sp_plan_column *c, sp_str name, const sp_node *props, const sp_node *distribution)
{
    const range_kind *kind = find_kind(name);
    if (!kind) {
        unknown_kind(r, c, name);
        return;
    }
    c->range = (sp_range)(kind - kinds);
    read_props(r, c, kind, props, distribution);
}

void sp_read_array(sp_plan_reader *r, sp_plan_column *c, const sp_node *props, const sp_node *distribution)
{
    read_props(r, c, &array_kind, props, distribution);
}

void sp_read_delay(sp_plan_reader *r, sp_plan_column *c, const sp_node *props, const sp_node *distribution)
{
    c->range = SP_RANGE_INTERVAL;
    read_props(r, c, &kinds[SP_RANGE_INTERVAL], props, distribution);
}

/* ---- pattern, lookup and inc ---- */

enum { REPEAT_DEFAULT = 16, REPEAT_MAX = 1000 };
static const char *const pattern_names[] = {"repeat"};
static const sp_keys pattern_keys = {"a pattern's props", pattern_names, 1};
enum { LOOKUP_KEY, LOOKUP_BY, LOOKUP_WHICH, LOOKUP_COUNT };
static const char *const lookup_names[LOOKUP_COUNT] = {
    [LOOKUP_KEY] = "key", [LOOKUP_BY] = "by", [LOOKUP_WHICH] = "which"};
static const sp_keys lookup_keys = {"a lookup's props", lookup_names, LOOKUP_COUNT};
static const char *const which_names[] = {
    [SP_LOOKUP_LAST] = "last", [SP_LOOKUP_FIRST] = "first", [SP_LOOKUP_CYCLE] = "cycle", [SP_LOOKUP_ONCE] = "once"};

/* Sorts props by their keys; NULL has none. */
static void sort_props(sp_plan_reader *r, const sp_node *props, const sp_keys *keys, const sp_node **v)
{
    if (props && props->kind != SP_NODE_MAP)
        sp_read_mistake(r, props, "a mapping as props");
    else if (props)
        sp_read_keys(r, props, keys, v);
}

void sp_read_pattern_props(sp_plan_reader *r, sp_plan_column *c, const sp_node *props)
{
    const sp_node *v[1] = {0};
    sp_str text;
    c->max_i = REPEAT_DEFAULT;
    sort_props(r, props, &pattern_keys, v);
    if (v[0] && sp_read_text(r, v[0], "a number of times", &text) &&
        (!sp_scalar_i64(text, &c->max_i) || c->max_i < 1 || c->max_i > REPEAT_MAX))
        sp_read_mistake(r, v[0], "a number of times from 1 to 1000: the most that * and + repeat");
}

static void read_which(sp_plan_reader *r, sp_plan_column *c, const sp_node *node)
{
    sp_str text;
    if (!node || !sp_read_text(r, node, "last, first, cycle or once", &text))
        return;
    for (size_t i = 0; i < SP_COUNT(which_names); i++)
        if (sp_str_ieq(text, which_names[i])) {
            c->which = (sp_lookup_which)i;
            return;
        }
    sp_read_mistake(r, node, "last, first, cycle or once");
}

void sp_read_lookup_props(sp_plan_reader *r, sp_plan_column *c, const sp_node *props)
{
    const sp_node *v[LOOKUP_COUNT] = {0};
    sort_props(r, props, &lookup_keys, v);
    if (!v[LOOKUP_KEY] || !v[LOOKUP_BY])
        sp_mistake(
            r->m, props ? props->mark : c->mode_mark, (sp_str){0},
            "a lookup needs props with key (a column of this table) and by (one of that table, with the same values)");
    if (v[LOOKUP_KEY])
        sp_read_text(r, v[LOOKUP_KEY], "the name of a column", &c->key);
    if (v[LOOKUP_BY])
        sp_read_text(r, v[LOOKUP_BY], "the name of a column", &c->by);
    read_which(r, c, v[LOOKUP_WHICH]);
}

static const char *const inc_names[] = {"step"};
static const sp_keys inc_keys = {"the props of inc", inc_names, 1};

void sp_read_inc_props(sp_plan_reader *r, sp_plan_column *c, const sp_node *props)
{
    const sp_node *v[1] = {0};
    sp_str text;
    sort_props(r, props, &inc_keys, v);
    if (v[0] && sp_read_text(r, v[0], "a whole number", &text) &&
        (!sp_scalar_i64(text, &c->inc_step) || c->inc_step == 0))
        sp_read_mistake(r, v[0], "a step: a whole number, but 0");
}
