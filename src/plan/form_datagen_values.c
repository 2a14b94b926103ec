/* form_datagen_values.c - what a column of a datagen schema may name: generators, distributions, and patterns such as
 * ORD-{year}-{sequence:8}.
 *
 * A pattern with nothing to count is a regular expression, one that counts and draws nothing is a count with a format, and one
 * that does both is an expression over the row's number and a hidden column of what is drawn. */
#include "plan/form_datagen.h"

#include <math.h>
#include <stdio.h>

/* ---- numbers of a config ---- */

/* The number under a key; otherwise, when there is none. False: what is there is no number, which was said. */
static bool number_of(datagen_making *m, const sp_node *map, const char *key, double otherwise, double *v)
{
    const sp_node *node = map ? sp_node_value(map, key) : NULL;
    sp_str text;
    *v = otherwise;
    if (!node || sp_node_is_null(node))
        return true;
    if (!sp_read_text(m->d->r, node, "a number", &text))
        return false;
    if (sp_scalar_f64(text, v))
        return true;
    sp_read_mistake(m->d->r, node, "a number");
    return false;
}

static void put_between(datagen_making *m, const sp_node *config, double least, double most,
                        const sp_node *distribution)
{
    double min, max;
    if (!number_of(m, config, "min", least, &min) || !number_of(m, config, "max", SP_MAX(most, min), &max))
        return;
    if (min > max)
        sp_mistake(m->d->r->m, sp_node_value(config, "min")->mark, (sp_str){0}, "the min is above the max");
    else
        sp_datagen_numbers(m, min, max, distribution);
}

/* ---- weights ---- */

static void put_set(datagen_making *m, sp_mark at, const sp_node *const *items, const sp_node *const *weights,
                    uint32_t n)
{
    sp_make_pair(&m->to, "set", sp_make_list(m->d->r, at, items, n));
    if (weights)
        sp_make_pair(&m->to, "weights", sp_make_list(m->d->r, at, weights, n));
}

static bool is_weights(datagen_making *m, const sp_node *node)
{
    if (node && node->kind == SP_NODE_MAP && node->n)
        return true;
    sp_mistake(m->d->r->m, node ? node->mark : m->to.at, (sp_str){0},
               "expected values and their weights, such as {\"active\": 0.8, \"closed\": 0.2}");
    return false;
}

/* {value: weight, ...} */
static void put_weights(datagen_making *m, const sp_node *map)
{
    if (!is_weights(m, map))
        return;
    const sp_node **items = sp_read_make(m->d->r, map->n, sizeof(*items)),
                  **weights = sp_read_make(m->d->r, map->n, sizeof(*weights));
    for (uint32_t i = 0; items && weights && i < map->n; i++) {
        items[i] = map->pairs[i].key;
        weights[i] = map->pairs[i].value;
    }
    if (items && weights)
        put_set(m, map->mark, items, weights, map->n);
}

/* values, and weights for the first of them; the others count as whole. */
static void put_values(datagen_making *m, const sp_node *values, const sp_node *weights)
{
    if (weights && weights->kind == SP_NODE_LIST && weights->n && weights->n < values->n) {
        const sp_node **all = sp_read_make(m->d->r, values->n, sizeof(*all));
        double share = 0, v = 0;
        for (uint32_t i = 0; i < weights->n; i++)
            share = SP_MAX(
                share, weights->items[i]->kind == SP_NODE_TEXT && sp_scalar_f64(weights->items[i]->text, &v) ? v : 0);
        for (uint32_t i = 0; all && i < values->n; i++)
            all[i] = i < weights->n ? weights->items[i] : sp_datagen_text(m, share > 1 ? "100" : "1");
        weights = all ? sp_make_list(m->d->r, weights->mark, all, values->n) : weights;
    }
    sp_make_pair(&m->to, "set", values);
    sp_make_pair(&m->to, "weights", weights && weights->n ? weights : NULL);
}

static void make_enum(datagen_making *m, const sp_node *config)
{
    const sp_node *values = sp_node_value(config, "values"), *weights = sp_node_value(config, "weights");
    values = values ? values : sp_node_value(config, "options");
    if (values && values->kind == SP_NODE_LIST && values->n)
        put_values(m, values, weights);
    else
        put_weights(m, values && values->kind == SP_NODE_MAP ? values : weights);
}

/* ---- numbers ---- */

static void make_range(datagen_making *m, const sp_node *config)
{
    put_between(m, config, 0, 100, NULL);
}

static void make_sequence(datagen_making *m, const sp_node *config)
{
    const sp_node *start = config ? sp_node_value(config, "start") : NULL;
    sp_make_pair(&m->to, "inc", start ? start : sp_datagen_text(m, "1"));
}

static void make_bool(datagen_making *m, const sp_node *config)
{
    double share;
    const sp_node *items[] = {sp_datagen_text(m, "true"), sp_datagen_text(m, "false")};
    if (!number_of(m, config, "true_probability", 0.5, &share))
        return;
    const sp_node *weights[] = {sp_make_words(m->d->r, m->to.at, "%.6g", share),
                                sp_make_words(m->d->r, m->to.at, "%.6g", 1 - share)};
    put_set(m, m->to.at, items, weights, 2);
}

/* ---- time ---- */

/* Weights of hours and weekdays, in which things happen. */
static const sp_node *rhythm_of(datagen_making *m, bool weekends, double (*weight)(int hour))
{
    const sp_node *days[7], *hours[24];
    sp_node_making rhythm = {.r = m->d->r, .at = m->to.at};
    for (int i = 0; i < 7; i++)
        days[i] = sp_datagen_text(m, weekends || i < 5 ? "1" : "0");
    for (int i = 0; i < 24; i++)
        hours[i] = sp_make_words(m->d->r, m->to.at, "%g", weight(i));
    sp_make_pair(&rhythm, "type", sp_datagen_text(m, "rhythm"));
    sp_make_pair(&rhythm, "weekdays", sp_make_list(m->d->r, m->to.at, days, 7));
    sp_make_pair(&rhythm, "hours", sp_make_list(m->d->r, m->to.at, hours, 24));
    return sp_make_map(&rhythm);
}

static double business_hours(int hour)
{
    return hour >= 9 && hour < 17 ? 1 : 0;
}

/* 60% of the day between ten and two. */
static double daily_peak(int hour)
{
    return hour >= 10 && hour < 14 ? 15 : 2;
}

/* One value an interval, from the start on, and round again. */
static const sp_node *steps_of(datagen_making *m, const sp_node *config)
{
    const sp_node *interval = config ? sp_node_value(config, "interval") : NULL;
    sp_node_making cycle = {.r = m->d->r, .at = m->to.at};
    sp_make_pair(&cycle, "type", sp_datagen_text(m, "cycle"));
    sp_make_pair(&cycle, "step", interval ? interval : sp_datagen_text(m, "1h"));
    return sp_make_map(&cycle);
}

/* Where nothing is said: the year before now. */
static const char *moment_of(datagen_making *m, const sp_node *config, const char *key, const char *other, int64_t us)
{
    const sp_node *node = config ? sp_node_value(config, key) : NULL;
    node = node || !config ? node : sp_node_value(config, other);
    sp_str text;
    char shown[SP_TIMESTAMP_TEXT_MAX + SP_SLACK];
    char *end = sp_put_timestamptz_iso(shown, us);
    if (node && sp_read_text(m->d->r, node, "a timestamp", &text) && sp_parse_timestamp(text, &us))
        return text.p;
    if (node && node->kind == SP_NODE_TEXT)
        sp_read_mistake(m->d->r, node, "a timestamp, such as 2024-01-01T00:00:00Z");
    return sp_make_text(m->d->r, m->to.at, (sp_str){shown, (size_t)(end - shown)})->text.p;
}

static void put_moments(datagen_making *m, const sp_node *config, const sp_node *distribution)
{
    int64_t now = m->d->r->plan->now_us;
    const char *start = moment_of(m, config, "start", "min", now - 365 * SP_US_PER_DAY),
               *end = moment_of(m, config, "end", "max", now);
    sp_datagen_moments(m, start, end, distribution);
}

static void make_moments(datagen_making *m, const sp_node *config)
{
    put_moments(m, config, NULL);
}

static void make_series(datagen_making *m, const sp_node *config)
{
    const sp_node *pattern = config ? sp_node_value(config, "pattern") : NULL;
    sp_str how = pattern && pattern->kind == SP_NODE_TEXT ? pattern->text : sp_str_of("uniform");
    bool peak = sp_str_is(how, "daily_peak") || sp_str_is(how, "peak_hours"),
         business = sp_str_is(how, "business_hours");
    if (!peak && !business && !sp_str_is(how, "uniform"))
        sp_warning(m->d->r->m, pattern->mark, how,
                   "is none of the patterns uniform, business_hours, daily_peak, so it is uniform");
    put_moments(m, config,
                business ? rhythm_of(m, false, business_hours)
                : peak   ? rhythm_of(m, true, daily_peak)
                         : steps_of(m, config));
    if ((peak || business) && !m->unique)
        sp_make_pair(&m->to, "sorted", sp_datagen_text(m, "true"));
}

/* ---- patterns ---- */

typedef enum piece_kind { LITERAL, COUNTED, DRAWN } piece_kind;
typedef struct piece {
    piece_kind kind;
    sp_str text;    /* LITERAL: as it is; DRAWN: a regular expression */
    unsigned width; /* COUNTED: digits at least */
} piece;
enum { PIECES_MAX = 64, SEQUENCE_WIDTH = 8, DIGITS_WIDTH = 6 };

static const char *const month_names[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};

static sp_str kept(datagen_making *m, const char *fmt, ...) SP_PRINTF(2, 3);
static sp_str kept(datagen_making *m, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return sp_make_text(m->d->r, m->to.at, sp_str_of(text))->text;
}

/* What draws so many characters of a class: {hex:6}. */
static const struct drawn {
    const char *name, *class;
    unsigned width;
} drawns[] = {
    {"random", "[0-9]", DIGITS_WIDTH},  {"hex", "[0-9a-f]", SEQUENCE_WIDTH},
    {"alpha", "[A-Z]", SEQUENCE_WIDTH}, {"alphanumeric", "[A-Z0-9]", SEQUENCE_WIDTH},
    {"rand", "[A-Z0-9]", DIGITS_WIDTH},
};

#define UUID "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

static bool moment_piece(datagen_making *m, sp_str name, sp_str arg, piece *p)
{
    int64_t now = m->d->r->plan->now_us;
    char date[SP_TIMESTAMP_TEXT_MAX + SP_SLACK];
    sp_put_timestamptz_iso(date, now);
    unsigned month = (unsigned)(date[5] - '0') * 10 + (unsigned)(date[6] - '0');
    if (sp_str_is(name, "year"))
        p->text = kept(m, "%.4s", date);
    else if (sp_str_is(name, "month"))
        p->text = sp_str_is(arg, "name") ? sp_str_of(month_names[month - 1]) : kept(m, "%.2s", date + 5);
    else if (sp_str_is(name, "day"))
        p->text = kept(m, "%.2s", date + 8);
    else if (sp_str_is(name, "timestamp"))
        p->text = kept(m, "%lld", (long long)(now / SP_US_PER_SECOND));
    else
        return false;
    return true;
}

static int add_escaped(sp_buf *out, sp_str s)
{
    int rc = SPATE_OK;
    for (size_t i = 0; i < s.len && !rc; i++)
        rc = (strchr("\\.+*?()|[]{}^$", s.p[i]) && s.p[i] && sp_buf_adds(out, "\\")) || sp_buf_add(out, &s.p[i], 1);
    return rc;
}

/* A list of values: one of them. */
static bool choice_piece(datagen_making *m, const sp_node *values, piece *p)
{
    sp_buf out = {0};
    int rc = sp_buf_adds(&out, "(");
    for (uint32_t i = 0; i < values->n && !rc; i++)
        rc = (i && sp_buf_adds(&out, "|")) ||
             add_escaped(&out, values->items[i]->kind == SP_NODE_TEXT ? values->items[i]->text : (sp_str){0});
    rc = rc || sp_buf_adds(&out, ")");
    m->d->r->nomem = m->d->r->nomem || rc;
    if (!rc)
        *p = (piece){DRAWN, sp_make_text(m->d->r, values->mark, (sp_str){out.data, out.len})->text, 0};
    sp_buf_done(&out);
    return !rc && values->n;
}

/* What stands between braces: a name, perhaps ":" and an argument. */
static bool read_piece(datagen_making *m, sp_str in, const sp_node *variables, piece *p)
{
    const char *colon = memchr(in.p, ':', in.len);
    sp_str name = {in.p, colon ? (size_t)(colon - in.p) : in.len},
           arg = colon ? (sp_str){colon + 1, in.len - name.len - 1} : (sp_str){"", 0};
    int64_t n = 0;
    bool counted = arg.len && sp_parse_i64(arg, &n) && n >= 1 && n <= 64;
    *p = (piece){.kind = LITERAL};
    if (arg.len && !counted && !sp_str_is(arg, "name"))
        return false;
    if (moment_piece(m, name, arg, p))
        return true;
    if (sp_str_is(name, "table"))
        p->text = m->t->name;
    else if (sp_str_is(name, "sequence") || sp_str_is(name, "seq") || sp_str_is(name, "row"))
        *p = (piece){.kind = COUNTED,
                     .width = SP_MIN(counted                       ? (unsigned)n
                                     : sp_str_is(name, "sequence") ? SEQUENCE_WIDTH
                                                                   : 1,
                                     20u)};
    else if (sp_str_is(name, "uuid"))
        *p = (piece){.kind = DRAWN, .text = sp_str_of(UUID)};
    else {
        for (size_t i = 0; i < SP_COUNT(drawns); i++)
            if (sp_str_is(name, drawns[i].name)) {
                *p = (piece){.kind = DRAWN,
                             .text = kept(m, "%s{%u}", drawns[i].class, counted ? (unsigned)n : drawns[i].width)};
                return true;
            }
        const sp_node *own = variables ? sp_node_value(variables, sp_make_text(m->d->r, m->to.at, name)->text.p) : NULL;
        if (own && own->kind == SP_NODE_LIST)
            return choice_piece(m, own, p);
        p->text = own && own->kind == SP_NODE_TEXT ? own->text : (sp_str){0};
        return p->text.p != NULL;
    }
    return true;
}

/* Takes a pattern apart: {x} and {{x}} are the same. What they do not mean anything stays as it is. */
static uint32_t take_apart(datagen_making *m, const sp_node *node, const sp_node *variables, piece *pieces)
{
    sp_str s = node->text;
    uint32_t n = 0;
    for (size_t i = 0, from = 0; i <= s.len && n + 2 < PIECES_MAX; i++) {
        bool brace = i < s.len && s.p[i] == '{', two = brace && i + 1 < s.len && s.p[i + 1] == '{';
        const char *close = brace ? memchr(s.p + i, '}', s.len - i) : NULL;
        size_t open = i + (two ? 2 : 1), end = close ? (size_t)(close - s.p) : 0;
        sp_str in = {s.p + open, close ? end - open : 0};
        while (in.len && in.p[0] == ' ')
            in.p++, in.len--;
        while (in.len && in.p[in.len - 1] == ' ')
            in.len--;
        bool known = close && read_piece(m, in, variables, &pieces[n + 1]);
        if (close && !known)
            sp_warning(m->d->r->m, node->mark, in, "means nothing in a pattern and stays as it is");
        if (i < s.len && !known)
            continue;
        piece here = pieces[n + 1];
        if (i > from)
            pieces[n++] = (piece){LITERAL, {s.p + from, i - from}, 0};
        if (i == s.len)
            break;
        pieces[n++] = here;
        i = end + (two && end + 1 < s.len && s.p[end + 1] == '}');
        from = i + 1;
    }
    return n;
}

typedef enum writing { AS_REGEX, AS_FORMAT, AS_EXPRESSION } writing;

/* One piece; in an expression, what is drawn is the name of a hidden column. */
static int add_piece(sp_buf *out, const piece *p, writing how)
{
    int rc = SPATE_OK;
    if (how == AS_REGEX)
        return p->kind == DRAWN ? sp_buf_add(out, p->text.p, p->text.len) : add_escaped(out, p->text);
    if (how == AS_EXPRESSION && out->len)
        rc = sp_buf_adds(out, " || ");
    if (p->kind == COUNTED)
        return rc || (how == AS_FORMAT ? sp_buf_printf(out, "%%0%ud", p->width)
                                       : sp_buf_printf(out, "pad(text(row()), %u, '0')", p->width));
    if (p->kind == DRAWN)
        return rc || sp_buf_printf(out, "\"%.*s\"", (int)p->text.len, p->text.p);
    char mark = how == AS_FORMAT ? '%' : '\'';
    rc = rc || (how == AS_EXPRESSION && sp_buf_adds(out, "'"));
    for (size_t i = 0; i < p->text.len && !rc; i++)
        rc = sp_buf_add(out, &p->text.p[i], 1) || (p->text.p[i] == mark && sp_buf_add(out, &mark, 1));
    return rc || (how == AS_EXPRESSION && sp_buf_adds(out, "'"));
}

static const sp_node *join(datagen_making *m, const piece *pieces, uint32_t n, writing how)
{
    sp_buf out = {0};
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < n && !rc; i++)
        rc = add_piece(&out, &pieces[i], how);
    m->d->r->nomem = m->d->r->nomem || rc;
    const sp_node *made = sp_make_text(m->d->r, m->to.at, rc || !out.len ? sp_str_of("") : (sp_str){out.data, out.len});
    sp_buf_done(&out);
    return made;
}

/* A hidden column of the same table, whose name is given back. regex: what it is made of; props: NULL or a mapping. */
static sp_str hide(datagen_making *m, const sp_node *regex, const sp_node *props)
{
    sp_str name = kept(m, "%.200s (drawn %u)", m->c->name.p, ++m->list->hidden);
    sp_node_making own = {.r = m->d->r, .at = m->to.at};
    if (m->list->hidden > DATAGEN_HIDDEN_MAX) {
        if (m->list->hidden == DATAGEN_HIDDEN_MAX + 1)
            sp_mistake(m->d->r->m, m->to.at, m->c->name, "has a pattern with more than %d parts that are drawn",
                       DATAGEN_HIDDEN_MAX);
        return name;
    }
    sp_make_pair(&own, "name", sp_make_text(m->d->r, m->to.at, name));
    sp_make_pair(&own, "pattern", regex);
    sp_make_pair(&own, "props", props);
    sp_make_pair(&own, "hidden", sp_datagen_text(m, "true"));
    m->list->items[m->list->n++] = sp_make_map(&own);
    return name;
}

/* What a pattern draws becomes hidden columns, one for neighbours and the text between them. */
static uint32_t hide_drawn(datagen_making *m, piece *pieces, uint32_t n)
{
    uint32_t to = 0;
    for (uint32_t i = 0, end; i < n; i = end) {
        end = i + 1;
        pieces[to] = pieces[i];
        for (uint32_t k = end; pieces[to].kind == DRAWN && k < n && pieces[k].kind != COUNTED; k++)
            end = pieces[k].kind == DRAWN ? k + 1 : end;
        if (pieces[to].kind == DRAWN)
            pieces[to].text = hide(m, join(m, pieces + i, end - i, AS_REGEX), NULL);
        to++;
    }
    return to;
}

static void put_pattern(datagen_making *m, const sp_node *template, const sp_node *variables)
{
    piece pieces[PIECES_MAX];
    uint32_t counted = 0, drawn = 0, n = take_apart(m, template, variables, pieces);
    for (uint32_t i = 0; i < n; i++) {
        counted += pieces[i].kind == COUNTED;
        drawn += pieces[i].kind == DRAWN;
    }
    if (!counted && !m->unique) {
        sp_make_pair(&m->to, "pattern", join(m, pieces, n, AS_REGEX));
    } else if (!drawn && counted == 1) {
        sp_make_pair(&m->to, "inc", sp_datagen_text(m, "1"));
        sp_make_pair(&m->to, "format", join(m, pieces, n, AS_FORMAT));
    } else { /* also what is drawn alone and to be unique: expressions can have a number put in */
        n = hide_drawn(m, pieces, n);
        sp_make_pair(&m->to, "expr", join(m, pieces, n, AS_EXPRESSION));
    }
}

void sp_datagen_pattern(datagen_making *m, const sp_node *pattern)
{
    const sp_node *template = pattern->kind == SP_NODE_MAP ? sp_node_value(pattern, "template") : pattern;
    if (!template || template->kind != SP_NODE_TEXT)
        sp_mistake(m->d->r->m, pattern->mark, (sp_str){0},
                   "expected a pattern: {\"template\": \"ORD-{year}-{sequence:8}\"}");
    else
        put_pattern(m, template, pattern->kind == SP_NODE_MAP ? sp_node_value(pattern, "variables") : NULL);
}

static void make_template(datagen_making *m, const sp_node *config)
{
    const sp_node *template = config ? sp_node_value(config, "template") : NULL;
    if (!template || template->kind != SP_NODE_TEXT)
        sp_mistake(m->d->r->m, config ? config->mark : m->to.at, (sp_str){0},
                   "the generator template needs a \"template\"");
    else
        put_pattern(m, template, sp_node_value(config, "variables"));
}

/* A regular expression; * and + at most 20 times. */
static void make_regex(datagen_making *m, const sp_node *config)
{
    const sp_node *regex = config ? sp_node_value(config, "pattern") : NULL;
    regex = regex || !config ? regex : sp_node_value(config, "regex");
    if (!regex || regex->kind != SP_NODE_TEXT) {
        sp_mistake(m->d->r->m, config ? config->mark : m->to.at, (sp_str){0},
                   "the generator pattern needs a \"pattern\": a regular expression");
        return;
    }
    sp_node_making props = {.r = m->d->r, .at = m->to.at};
    sp_make_pair(&props, "repeat", sp_datagen_text(m, "20"));
    if (m->unique) {
        sp_str name = hide(m, regex, sp_make_map(&props));
        sp_make_pair(&m->to, "expr", sp_make_words(m->d->r, m->to.at, "\"%.*s\" || ''", (int)name.len, name.p));
    } else {
        sp_make_pair(&m->to, "pattern", regex);
        sp_make_pair(&m->to, "props", sp_make_map(&props));
    }
}

/* ---- distributions ---- */

static const sp_node *spread(datagen_making *m, const sp_node *node, const char *name, const char *const (*keys)[2],
                             uint32_t n)
{
    sp_node_making made = {.r = m->d->r, .at = node->mark};
    sp_make_pair(&made, "type", sp_datagen_text(m, name));
    for (uint32_t i = 0; i < n; i++) {
        const sp_node *value = sp_node_value(node, keys[i][0]);
        if (!value)
            sp_mistake(m->d->r->m, node->mark, (sp_str){0}, "the distribution %s needs \"%s\"", name, keys[i][0]);
        sp_make_pair(&made, keys[i][1], value ? value : sp_datagen_text(m, "1"));
    }
    return sp_make_map(&made);
}

void sp_datagen_distribution(datagen_making *m, const sp_node *node)
{
    static const char *const normal[][2] = {{"mean", "mean"}, {"std_dev", "deviation"}},
                             *const poisson[][2] = {{"mean", "mean"}}, *const zipf[][2] = {{"alpha", "exponent"}};
    const sp_node *type = sp_node_value(node, "type");
    sp_str name = type && type->kind == SP_NODE_TEXT ? type->text : (sp_str){"", 0};
    double mean, deviation;
    if (sp_str_ieq(name, "weighted"))
        put_weights(m, sp_node_value(node, "weights"));
    else if (sp_str_ieq(name, "normal") && number_of(m, node, "mean", 0, &mean) &&
             number_of(m, node, "std_dev", 1, &deviation))
        put_between(m, node, mean - 6 * fabs(deviation), mean + 6 * fabs(deviation),
                    spread(m, node, "normal", normal, 2));
    else if (sp_str_ieq(name, "poisson") && number_of(m, node, "mean", 1, &mean))
        put_between(m, node, 0, ceil(mean + 12 * sqrt(fabs(mean)) + 12), spread(m, node, "poisson", poisson, 1));
    else if (sp_str_ieq(name, "zipf"))
        put_between(m, node, 1, 1000, spread(m, node, "zipf", zipf, 1));
    else if (sp_str_ieq(name, "uniform"))
        put_between(m, node, 0, 100, NULL);
    else
        sp_mistake(m->d->r->m, type ? type->mark : node->mark, name,
                   "%s one of the distributions weighted, normal, poisson, zipf, uniform",
                   name.len ? "is not" : "expected");
}

/* ---- generators ---- */

/* Those that need a config, or may have one. */
static const struct maker {
    const char *name;
    void (*make)(datagen_making *m, const sp_node *config);
    bool needs; /* a config: without it, the name says nothing */
} makers[] = {
    {"weighted_enum", make_enum, true},
    {"enum", make_enum, true},
    {"weighted", make_enum, true},
    {"pattern", make_regex, true},
    {"regex", make_regex, true},
    {"template", make_template, true},
    {"integer_range", make_range, false},
    {"int_range", make_range, false},
    {"integer", make_range, false},
    {"decimal_range", make_range, false},
    {"float_range", make_range, false},
    {"number", make_range, false},
    {"timeseries", make_series, false},
    {"time_series", make_series, false},
    {"sequence", make_sequence, false},
    {"serial", make_sequence, false},
    {"auto_increment", make_sequence, false},
    {"boolean", make_bool, false},
    {"bool", make_bool, false},
    {"date_range", make_moments, false},
    {"timestamp_range", make_moments, false},
    {"date", make_moments, false},
    {"timestamp", make_moments, false},
    {"created_at", make_moments, false},
    {"updated_at", make_moments, false},
};

/* Those that are templates. */
static const struct worded {
    const char *name, *words;
} wordeds[] = {
    {"email", "${email}"},
    {"phone", "${phone_formatted}"},
    {"phone_number", "${phone_formatted}"},
    {"first_name", "${first_name}"},
    {"last_name", "${last_name}"},
    {"full_name", "${name}"},
    {"name", "${name}"},
    {"username", "${username}"},
    {"password", "${password}"},
    {"address", "${street}"},
    {"street", "${street}"},
    {"street_address", "${street}"},
    {"city", "${city}"},
    {"state", "${state}"},
    {"country", "${country}"},
    {"country_code", "${country_abr}"},
    {"postal_code", "${zip}"},
    {"zip", "${zip}"},
    {"zip_code", "${zip}"},
    {"uuid", "${uuid}"},
    {"guid", "${uuid}"},
    {"company", "${company}"},
    {"company_name", "${company}"},
    {"job_title", "${job_title}"},
    {"url", "${url}"},
    {"domain", "${domain_name}"},
    {"ip", "${ipv4_address}"},
    {"ip_address", "${ipv4_address}"},
    {"ipv4", "${ipv4_address}"},
    {"ipv6", "${ipv6_address}"},
    {"mac_address", "${mac_address}"},
    {"user_agent", "${user_agent}"},
    {"gender", "${gender}"},
    {"product_name", "${product_name}"},
    {"product", "${product_name}"},
    {"category", "${product_category}"},
    {"color", "${color}"},
    {"description", "${product_description}"},
    {"product_description", "${product_description}"},
    {"lorem_ipsum", "${lorem_sentence}"},
    {"lorem", "${lorem_sentence}"},
    {"sentence", "${lorem_sentence}"},
    {"paragraph", "${lorem_paragraph}"},
    {"text", "${lorem_sentence}"},
    {"word", "${word}"},
    {"currency", "${currency_short}"},
    {"currency_code", "${currency_short}"},
    {"language", "${language}"},
    {"credit_card", "${credit_card_number}"},
    {"credit_card_number", "${credit_card_number}"},
    {"price", "${price}"},
    {"latitude", "${latitude}"},
    {"longitude", "${longitude}"},
    {"timezone", "${time_zone_region}"},
    {"ssn", "${ssn}"},
};

const char *sp_datagen_generator_words(sp_str name)
{
    for (size_t i = 0; i < SP_COUNT(wordeds); i++)
        if (sp_str_ieq(name, wordeds[i].name))
            return wordeds[i].words;
    return NULL;
}

const char *sp_datagen_nearest_generator(sp_str name)
{
    const char *names[SP_COUNT(makers) + SP_COUNT(wordeds)];
    for (size_t i = 0; i < SP_COUNT(makers); i++)
        names[i] = makers[i].name;
    for (size_t i = 0; i < SP_COUNT(wordeds); i++)
        names[SP_COUNT(makers) + i] = wordeds[i].name;
    return sp_nearest(name, names, SP_COUNT(names));
}

bool sp_datagen_generator(datagen_making *m, sp_str name, const sp_node *config)
{
    const char *words = sp_datagen_generator_words(name);
    for (size_t i = 0; i < SP_COUNT(makers); i++) {
        if (!sp_str_ieq(name, makers[i].name) || (makers[i].needs && !config))
            continue;
        makers[i].make(m, config);
        return true;
    }
    if (words)
        sp_datagen_template(m, words);
    return words != NULL;
}
