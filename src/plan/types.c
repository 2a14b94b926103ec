/* types.c - SQL's names for types, as PostgreSQL, CockroachDB and MariaDB write them, and the type
 * of ours that each means.
 *
 * The names are one table; what may stand in parentheses is in it too. A bare numeric or decimal is
 * numeric(18,2): with as many digits as a cell can hold, and the two decimals that amounts of money
 * have. */
#include "plan/plan.h"

#include <stdio.h>

enum {
    WORDS_MAX = 40,
    ARGS_MAX = 2,
    PRECISION_MAX = 18, /* of a cell that is a number */
    DIGITS_MAX = 1000,  /* of a numeric in PostgreSQL: cells with more than 18 are texts */
    PRECISION_DEFAULT = 18,
    SCALE_DEFAULT = 2
};

typedef enum args_rule {
    NO_ARGS,
    LENGTH,  /* (n): at least 1 */
    SECONDS, /* (n): digits of the second's fraction, 0 to 6 */
    FLOAT,   /* (n): up to 24 bits make it a real */
    DECIMAL, /* (precision) or (precision, scale) */
    OTHER,   /* a type that its target reads from text; (n): at least 1 */
    SHAPE,   /* the same; whatever stands in parentheses: geometry(Point,4326) */
} args_rule;

static const struct sp_type_name {
    const char *name;
    sp_kind kind;
    args_rule args;
} type_names[] = {
    {"smallint", SP_I16, NO_ARGS},
    {"int2", SP_I16, NO_ARGS},
    {"smallserial", SP_I16, NO_ARGS},
    {"tinyint", SP_I16, LENGTH},
    {"integer", SP_I32, NO_ARGS},
    {"int", SP_I32, NO_ARGS},
    {"int4", SP_I32, NO_ARGS},
    {"serial", SP_I32, NO_ARGS},
    {"mediumint", SP_I32, NO_ARGS},
    {"bigint", SP_I64, NO_ARGS},
    {"int8", SP_I64, NO_ARGS},
    {"bigserial", SP_I64, NO_ARGS},
    {"bigint unsigned", SP_U64, NO_ARGS},
    {"real", SP_F32, NO_ARGS},
    {"float4", SP_F32, NO_ARGS},
    {"double precision", SP_F64, NO_ARGS},
    {"double", SP_F64, NO_ARGS},
    {"float8", SP_F64, NO_ARGS},
    {"float", SP_F64, FLOAT},
    {"numeric", SP_DECIMAL, DECIMAL},
    {"decimal", SP_DECIMAL, DECIMAL},
    {"dec", SP_DECIMAL, DECIMAL},
    {"boolean", SP_BOOL, NO_ARGS},
    {"bool", SP_BOOL, NO_ARGS},
    {"date", SP_DATE, NO_ARGS},
    {"time", SP_TIME, SECONDS},
    {"time without time zone", SP_TIME, SECONDS},
    {"timestamp", SP_TIMESTAMP, SECONDS},
    {"timestamp without time zone", SP_TIMESTAMP, SECONDS},
    {"datetime", SP_TIMESTAMP, SECONDS},
    {"timestamptz", SP_TIMESTAMPTZ, SECONDS},
    {"timestamp with time zone", SP_TIMESTAMPTZ, SECONDS},
    {"interval", SP_INTERVAL, SECONDS},
    {"timetz", SP_TIME, SECONDS},
    {"time with time zone", SP_TIME, SECONDS},
    {"uuid", SP_UUID, NO_ARGS},
    {"text", SP_TEXT, NO_ARGS},
    {"string", SP_TEXT, LENGTH},
    {"varchar", SP_TEXT, LENGTH},
    {"character varying", SP_TEXT, LENGTH},
    {"char varying", SP_TEXT, LENGTH},
    {"char", SP_TEXT, LENGTH},
    {"character", SP_TEXT, LENGTH},
    {"bpchar", SP_TEXT, LENGTH},
    {"citext", SP_TEXT, NO_ARGS},
    {"mediumtext", SP_TEXT, NO_ARGS},
    {"longtext", SP_TEXT, NO_ARGS},
    {"json", SP_JSON, NO_ARGS},
    {"jsonb", SP_JSON, NO_ARGS},
    {"bytea", SP_BYTES, NO_ARGS},
    {"bytes", SP_BYTES, LENGTH},
    {"blob", SP_BYTES, NO_ARGS},
    {"mediumblob", SP_BYTES, NO_ARGS},
    {"longblob", SP_BYTES, NO_ARGS},
    {"varbinary", SP_BYTES, LENGTH},
    {"binary", SP_BYTES, LENGTH},
    {"inet", SP_TEXT, OTHER},
    {"cidr", SP_TEXT, OTHER},
    {"macaddr", SP_TEXT, OTHER},
    {"macaddr8", SP_TEXT, OTHER},
    {"bit", SP_TEXT, OTHER},
    {"varbit", SP_TEXT, OTHER},
    {"bit varying", SP_TEXT, OTHER},
    {"money", SP_TEXT, OTHER},
    {"hstore", SP_TEXT, OTHER},
    {"xml", SP_TEXT, OTHER},
    {"tsvector", SP_TEXT, OTHER},
    {"tsquery", SP_TEXT, OTHER},
    {"int4range", SP_TEXT, OTHER},
    {"int8range", SP_TEXT, OTHER},
    {"numrange", SP_TEXT, OTHER},
    {"tsrange", SP_TEXT, OTHER},
    {"tstzrange", SP_TEXT, OTHER},
    {"daterange", SP_TEXT, OTHER},
    {"int4multirange", SP_TEXT, OTHER},
    {"int8multirange", SP_TEXT, OTHER},
    {"nummultirange", SP_TEXT, OTHER},
    {"tsmultirange", SP_TEXT, OTHER},
    {"tstzmultirange", SP_TEXT, OTHER},
    {"datemultirange", SP_TEXT, OTHER},
    {"point", SP_TEXT, OTHER},
    {"line", SP_TEXT, OTHER},
    {"lseg", SP_TEXT, OTHER},
    {"box", SP_TEXT, OTHER},
    {"path", SP_TEXT, OTHER},
    {"polygon", SP_TEXT, OTHER},
    {"circle", SP_TEXT, OTHER},
    {"ltree", SP_TEXT, OTHER},
    {"geometry", SP_TEXT, SHAPE},
    {"geography", SP_TEXT, SHAPE},
};

/* A type's text taken apart: its words in lower case with one space between, what is in
 * parentheses, and whether [] follows. */
typedef struct parts {
    char name[WORDS_MAX];
    size_t len;
    int64_t args[ARGS_MAX];
    uint32_t n_args;
    bool list;
} parts;

/* Adds the words of s to the name. */
static bool add_words(parts *t, sp_str s)
{
    s = sp_str_trim(s);
    if (s.len && t->len)
        t->name[t->len++] = ' ';
    for (size_t i = 0; i < s.len; i++) {
        bool space = sp_is_space(s.p[i]);
        if (space && sp_is_space(s.p[i - 1]))
            continue;
        if (t->len + 2 >= WORDS_MAX)
            return false;
        char c = space ? ' ' : s.p[i];
        t->name[t->len++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return true;
}

static bool split_args(parts *t, sp_str s)
{
    while (t->n_args < ARGS_MAX) {
        const char *comma = s.len ? memchr(s.p, ',', s.len) : NULL;
        sp_str one = comma ? (sp_str){s.p, (size_t)(comma - s.p)} : s;
        if (!sp_parse_i64(sp_str_trim(one), &t->args[t->n_args++]))
            return false;
        if (!comma)
            return true;
        s = (sp_str){comma + 1, s.len - one.len - 1};
    }
    return false;
}

/* Takes "[]" or "[3]" off the end: PostgreSQL ignores the number. */
static sp_str take_list(sp_str s, bool *list)
{
    if (s.len < 2 || s.p[s.len - 1] != ']')
        return s;
    size_t open = s.len - 1;
    while (open > 0 && s.p[open - 1] >= '0' && s.p[open - 1] <= '9')
        open--;
    if (open == 0 || s.p[open - 1] != '[')
        return s;
    *list = true;
    return sp_str_trim((sp_str){s.p, open - 1});
}

static bool take_apart(sp_str s, parts *t)
{
    s = take_list(sp_str_trim(s), &t->list);
    const char *open = s.len ? memchr(s.p, '(', s.len) : NULL;
    if (!open)
        return add_words(t, s);
    size_t before = (size_t)(open - s.p);
    const char *close = memchr(open, ')', s.len - before);
    bool shape = false;
    if (close && add_words(t, (sp_str){s.p, before}))
        shape = sp_str_is((sp_str){t->name, t->len}, "geometry") || sp_str_is((sp_str){t->name, t->len}, "geography");
    return close && (shape || split_args(t, (sp_str){open + 1, (size_t)(close - open) - 1})) &&
           add_words(t, (sp_str){close + 1, (size_t)(s.p + s.len - close) - 1});
}

/* Fills type from the name and the numbers; what is wrong with the numbers goes to why. */
static bool apply_args(const struct sp_type_name *name, const parts *t, sp_type *type, char *why)
{
    int64_t first = t->args[0], second = t->args[1];
    const char *wrong = NULL;
    type->kind = name->kind;
    type->other = name->args == OTHER || name->args == SHAPE;
    if (name->args == DECIMAL) {
        type->precision = PRECISION_DEFAULT;
        type->scale = t->n_args ? 0 : SCALE_DEFAULT;
    }
    if (name->args == SHAPE)
        return true;
    if (t->n_args > (name->args == DECIMAL ? 2u : name->args == NO_ARGS ? 0u : 1u))
        wrong = name->args == NO_ARGS ? "no numbers in parentheses" : "fewer numbers in parentheses";
    else if (t->n_args == 0)
        return true;
    else if (name->args == DECIMAL && (first < 1 || first > DIGITS_MAX))
        wrong = "a precision of 1 to 1000 digits";
    else if (name->args == DECIMAL && (second < 0 || second > first))
        wrong = "a scale of 0 to the precision";
    else if ((name->args == LENGTH || name->args == OTHER) && first < 1)
        wrong = "a length of at least 1";
    else if (name->args == SECONDS && (first < 0 || first > 6))
        wrong = "0 to 6 digits of a second";
    else if (name->args == FLOAT && (first < 1 || first > 53))
        wrong = "1 to 53 bits";
    if (wrong) {
        snprintf(why, SP_TYPE_WHY_MAX, "needs %s for the type %s", wrong, name->name);
        return false;
    }
    if (name->args == DECIMAL && first > PRECISION_MAX) {
        *type = (sp_type){.kind = SP_TEXT, .other = true};
    } else if (name->args == DECIMAL) {
        type->precision = (uint8_t)first;
        type->scale = (uint8_t)second;
    } else if (name->args == LENGTH && name->kind == SP_TEXT) {
        type->length = (uint32_t)SP_MIN(first, (int64_t)UINT32_MAX);
    } else if (name->args == FLOAT && first <= 24) {
        type->kind = SP_F32;
    }
    return true;
}

static void suggest(sp_str name, char *why)
{
    const char *names[SP_COUNT(type_names)];
    for (size_t i = 0; i < SP_COUNT(type_names); i++)
        names[i] = type_names[i].name;
    const char *near = sp_nearest(name, names, SP_COUNT(names));
    if (near)
        snprintf(why, SP_TYPE_WHY_MAX, "is no SQL type; did you mean \"%s\"?", near);
    else
        snprintf(why, SP_TYPE_WHY_MAX,
                 "is no SQL type, such as integer, numeric(10,2), text, timestamptz, uuid or "
                 "text[]");
}

static const sp_type *keep_type(sp_arena *arena, const sp_type *type, bool list)
{
    sp_type *kept = sp_arena_alloc(arena, 1, sizeof(*kept));
    if (!kept)
        return NULL;
    *kept = *type;
    if (!list)
        return kept;
    sp_type *outer = sp_arena_alloc(arena, 1, sizeof(*outer));
    if (outer)
        *outer = (sp_type){.kind = SP_LIST, .item = kept};
    return outer;
}

const sp_type *sp_type_parse(sp_str sql, sp_arena *arena, char why[SP_TYPE_WHY_MAX])
{
    parts t = {0};
    sp_type type = {0};
    why[0] = '\0';
    bool whole = take_apart(sql, &t);
    sp_str name = {t.name, t.len};
    for (size_t i = 0; whole && i < SP_COUNT(type_names); i++)
        if (sp_str_is(name, type_names[i].name))
            return apply_args(&type_names[i], &t, &type, why) ? keep_type(arena, &type, t.list) : NULL;
    suggest(name, why);
    return NULL;
}

bool sp_type_is_timetz(sp_str sql)
{
    parts t = {0};
    bool whole = take_apart(sql, &t);
    sp_str name = {t.name, t.len};
    return whole && !t.list && (sp_str_is(name, "timetz") || sp_str_is(name, "time with time zone"));
}
