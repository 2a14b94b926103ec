/* catalog_type.c - what a type as SQL spells it means, whichever server spells it.
 *
 * A type is words, numbers or labels in parentheses, more words ("unsigned", "with time zone") and brackets. The words are one
 * table. */
#include "endpoint/catalog.h"

enum { WORDS_MAX = 64, ARGS_MAX = 2 };

typedef struct known {
    const char *name;
    sp_cat_class class;
    uint32_t bits;    /* integers, floats */
    bool fixed;       /* of exactly its length, which is 1 where none is given */
    const char *item; /* ranges: the type between their ends */
} known;

static const known knowns[] = {
    {"boolean", SP_CAT_BOOL},
    {"bool", SP_CAT_BOOL},
    {"logical", SP_CAT_BOOL},
    {"tinyint", SP_CAT_INTEGER, 8},
    {"int1", SP_CAT_INTEGER, 8},
    {"smallint", SP_CAT_INTEGER, 16},
    {"int2", SP_CAT_INTEGER, 16},
    {"smallserial", SP_CAT_INTEGER, 16},
    {"serial2", SP_CAT_INTEGER, 16},
    {"mediumint", SP_CAT_INTEGER, 24},
    {"integer", SP_CAT_INTEGER, 32},
    {"int", SP_CAT_INTEGER, 32},
    {"int4", SP_CAT_INTEGER, 32},
    {"signed", SP_CAT_INTEGER, 32},
    {"serial", SP_CAT_INTEGER, 32},
    {"serial4", SP_CAT_INTEGER, 32},
    {"oid", SP_CAT_INTEGER, 32},
    {"bigint", SP_CAT_INTEGER, 64},
    {"int8", SP_CAT_INTEGER, 64},
    {"long", SP_CAT_INTEGER, 64},
    {"bigserial", SP_CAT_INTEGER, 64},
    {"serial8", SP_CAT_INTEGER, 64},
    {"utinyint", SP_CAT_INTEGER, 8},
    {"usmallint", SP_CAT_INTEGER, 16},
    {"uinteger", SP_CAT_INTEGER, 32},
    {"ubigint", SP_CAT_INTEGER, 64},
    {"hugeint", SP_CAT_INTEGER, 128},
    {"uhugeint", SP_CAT_INTEGER, 128},
    {"real", SP_CAT_FLOAT, 32},
    {"float4", SP_CAT_FLOAT, 32},
    {"float", SP_CAT_FLOAT, 64},
    {"double", SP_CAT_FLOAT, 64},
    {"double precision", SP_CAT_FLOAT, 64},
    {"float8", SP_CAT_FLOAT, 64},
    {"numeric", SP_CAT_DECIMAL},
    {"decimal", SP_CAT_DECIMAL},
    {"dec", SP_CAT_DECIMAL},
    {"fixed", SP_CAT_DECIMAL},
    {"number", SP_CAT_DECIMAL},
    {"money", SP_CAT_MONEY},
    {"text", SP_CAT_TEXT},
    {"tinytext", SP_CAT_TEXT},
    {"mediumtext", SP_CAT_TEXT},
    {"longtext", SP_CAT_TEXT},
    {"clob", SP_CAT_TEXT},
    {"string", SP_CAT_TEXT},
    {"citext", SP_CAT_TEXT},
    {"varchar", SP_CAT_TEXT},
    {"character varying", SP_CAT_TEXT},
    {"varying character", SP_CAT_TEXT},
    {"char varying", SP_CAT_TEXT},
    {"nvarchar", SP_CAT_TEXT},
    {"varchar2", SP_CAT_TEXT},
    {"name", SP_CAT_TEXT},
    {"char", SP_CAT_TEXT, 0, true},
    {"character", SP_CAT_TEXT, 0, true},
    {"nchar", SP_CAT_TEXT, 0, true},
    {"native character", SP_CAT_TEXT, 0, true},
    {"bpchar", SP_CAT_TEXT},
    {"\"char\"", SP_CAT_TEXT, 0, true},
    {"bytea", SP_CAT_BYTES},
    {"blob", SP_CAT_BYTES},
    {"tinyblob", SP_CAT_BYTES},
    {"mediumblob", SP_CAT_BYTES},
    {"longblob", SP_CAT_BYTES},
    {"varbinary", SP_CAT_BYTES},
    {"binary", SP_CAT_BYTES, 0, true},
    {"bytes", SP_CAT_BYTES},
    {"bit", SP_CAT_BITS, 0, true},
    {"varbit", SP_CAT_BITS},
    {"bit varying", SP_CAT_BITS},
    {"bitstring", SP_CAT_BITS},
    {"date", SP_CAT_DATE},
    {"time", SP_CAT_TIME},
    {"time without time zone", SP_CAT_TIME},
    {"timetz", SP_CAT_TIMETZ},
    {"time with time zone", SP_CAT_TIMETZ},
    {"timestamp", SP_CAT_TIMESTAMP},
    {"timestamp without time zone", SP_CAT_TIMESTAMP},
    {"datetime", SP_CAT_TIMESTAMP},
    {"timestamp_s", SP_CAT_TIMESTAMP},
    {"timestamp_ms", SP_CAT_TIMESTAMP},
    {"timestamp_ns", SP_CAT_TIMESTAMP},
    {"timestamptz", SP_CAT_TIMESTAMPTZ},
    {"timestamp with time zone", SP_CAT_TIMESTAMPTZ},
    {"interval", SP_CAT_INTERVAL},
    {"year", SP_CAT_YEAR},
    {"uuid", SP_CAT_UUID},
    {"json", SP_CAT_JSON},
    {"jsonb", SP_CAT_JSON},
    {"xml", SP_CAT_XML},
    {"hstore", SP_CAT_HSTORE},
    {"inet", SP_CAT_INET},
    {"inet4", SP_CAT_INET},
    {"inet6", SP_CAT_INET},
    {"cidr", SP_CAT_CIDR},
    {"macaddr", SP_CAT_MACADDR},
    {"macaddr8", SP_CAT_MACADDR8},
    {"tsvector", SP_CAT_TSVECTOR},
    {"tsquery", SP_CAT_TSQUERY},
    {"point", SP_CAT_SHAPE},
    {"line", SP_CAT_SHAPE},
    {"lseg", SP_CAT_SHAPE},
    {"box", SP_CAT_SHAPE},
    {"path", SP_CAT_SHAPE},
    {"polygon", SP_CAT_SHAPE},
    {"circle", SP_CAT_SHAPE},
    {"geometry", SP_CAT_GEOMETRY},
    {"geography", SP_CAT_GEOMETRY},
    {"linestring", SP_CAT_GEOMETRY},
    {"int4range", SP_CAT_RANGE, 0, false, "integer"},
    {"int8range", SP_CAT_RANGE, 0, false, "bigint"},
    {"numrange", SP_CAT_RANGE, 0, false, "numeric"},
    {"tsrange", SP_CAT_RANGE, 0, false, "timestamp"},
    {"tstzrange", SP_CAT_RANGE, 0, false, "timestamptz"},
    {"daterange", SP_CAT_RANGE, 0, false, "date"},
    {"int4multirange", SP_CAT_MULTIRANGE, 0, false, "integer"},
    {"int8multirange", SP_CAT_MULTIRANGE, 0, false, "bigint"},
    {"nummultirange", SP_CAT_MULTIRANGE, 0, false, "numeric"},
    {"tsmultirange", SP_CAT_MULTIRANGE, 0, false, "timestamp"},
    {"tstzmultirange", SP_CAT_MULTIRANGE, 0, false, "timestamptz"},
    {"datemultirange", SP_CAT_MULTIRANGE, 0, false, "date"},
    {"enum", SP_CAT_ENUM},
    {"set", SP_CAT_SET},
};

typedef struct parts {
    char name[WORDS_MAX]; /* words in lower case, one space between */
    size_t len;
    int64_t args[ARGS_MAX];
    uint32_t n_args;
    sp_str inside; /* what stands in the parentheses, untouched */
    unsigned lists;
} parts;

/* Takes "[]", "[3]" or " array" off the end, as often as they are there. length: of the last, 0 where none is said. */
static sp_str take_lists(sp_str s, unsigned *lists, int64_t *length)
{
    *length = 0;
    for (*lists = 0;; ++*lists) {
        s = sp_str_trim(s);
        if (s.len > 6 && sp_str_ieq((sp_str){s.p + s.len - 6, 6}, " array")) {
            s.len -= 6;
            continue;
        }
        size_t open = s.len;
        if (s.len < 3 || s.p[s.len - 1] != ']')
            return s;
        while (open > 0 && s.p[open - 1] != '[')
            open--;
        if (open < 2)
            return s;
        if (!sp_parse_i64((sp_str){s.p + open, s.len - open - 1}, length))
            *length = 0;
        s.len = open - 1;
    }
}

static void add_words(parts *t, sp_str s)
{
    s = sp_str_trim(s);
    if (s.len && t->len && t->len + 1 < WORDS_MAX)
        t->name[t->len++] = ' ';
    for (size_t i = 0; i < s.len && t->len + 1 < WORDS_MAX; i++) {
        bool space = sp_is_space(s.p[i]);
        if (space && sp_is_space(s.p[i - 1]))
            continue;
        char c = space ? ' ' : s.p[i];
        t->name[t->len++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
}

static void split_args(parts *t)
{
    sp_str s = t->inside;
    while (t->n_args < ARGS_MAX && s.len) {
        const char *comma = memchr(s.p, ',', s.len);
        size_t len = comma ? (size_t)(comma - s.p) : s.len;
        if (!sp_parse_i64(sp_str_trim((sp_str){s.p, len}), &t->args[t->n_args]))
            return;
        t->n_args++;
        s = comma ? (sp_str){comma + 1, s.len - len - 1} : (sp_str){0};
    }
}

static const char *find_close(const char *open, const char *end)
{
    char quote = 0;
    for (const char *p = open + 1; p < end; p++) {
        if (quote)
            quote = *p == quote ? 0 : quote;
        else if (*p == '\'' || *p == '"')
            quote = *p;
        else if (*p == ')')
            return p;
    }
    return end;
}

static void take_apart(sp_str s, parts *t)
{
    int64_t length;
    s = take_lists(s, &t->lists, &length);
    const char *end = s.p + s.len, *open = s.len ? memchr(s.p, '(', s.len) : NULL;
    if (!open) {
        add_words(t, s);
        return;
    }
    const char *close = find_close(open, end);
    add_words(t, (sp_str){s.p, (size_t)(open - s.p)});
    t->inside = (sp_str){open + 1, (size_t)(close - open) - 1};
    split_args(t);
    if (close < end)
        add_words(t, (sp_str){close + 1, (size_t)(end - close) - 1});
}

/* Cuts a word off the end of the name. */
static bool take_word(parts *t, const char *word)
{
    size_t len = strlen(word);
    if (t->len <= len || memcmp(t->name + t->len - len, word, len) != 0 || t->name[t->len - len - 1] != ' ')
        return false;
    t->len -= len + 1;
    t->name[t->len] = '\0';
    return true;
}

/* "'a','it''s'" */
static bool read_labels(sp_str s, sp_arena *arena, sp_cat_type *type)
{
    uint32_t most = 1;
    for (size_t i = 0; i < s.len; i++)
        most += s.p[i] == ',';
    sp_str *labels = sp_arena_alloc(arena, most, sizeof(*labels));
    char *text = sp_arena_alloc(arena, s.len + 1, 1);
    if (!labels || !text)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] != '\'')
            continue;
        char *start = text;
        for (i++; i < s.len && (s.p[i] != '\'' || (i + 1 < s.len && s.p[i + 1] == '\'')); i++) {
            i += s.p[i] == '\'';
            *text++ = s.p[i];
        }
        if (type->n_labels < most)
            labels[type->n_labels++] = (sp_str){start, (size_t)(text - start)};
    }
    type->labels = labels;
    return true;
}

void sp_cat_type_by_letters(sp_cat_type *type)
{
    const char *name = type->name;
    if (type->class != SP_CAT_OTHER)
        return;
    type->bits = 64;
    type->class = strstr(name, "int")                                                    ? SP_CAT_INTEGER
                  : strstr(name, "char") || strstr(name, "clob") || strstr(name, "text") ? SP_CAT_TEXT
                  : strstr(name, "blob")                                                 ? SP_CAT_BYTES
                  : strstr(name, "real") || strstr(name, "floa") || strstr(name, "doub") ? SP_CAT_FLOAT
                                                                                         : SP_CAT_TEXT;
}

static const known *find_known(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (strncmp(name, "interval ", 9) == 0) /* interval day to second */
        name = "interval";
    for (unsigned whole = 0; whole < 2; whole++)
        for (size_t i = 0; i < SP_COUNT(knowns); i++)
            if (strcmp(knowns[i].name, whole || !dot ? name : dot + 1) == 0)
                return &knowns[i];
    return NULL;
}

/* "geometry(Point,4326)" */
static uint32_t srid_of(sp_str inside)
{
    const char *comma = inside.len ? memchr(inside.p, ',', inside.len) : NULL;
    int64_t srid = 0;
    if (comma)
        sp_parse_i64(sp_str_trim((sp_str){comma + 1, inside.len - (size_t)(comma - inside.p) - 1}), &srid);
    return srid > 0 ? (uint32_t)srid : 0;
}

static void apply_numbers(sp_cat_type *type, const parts *t)
{
    int64_t first = t->n_args ? SP_MAX(t->args[0], INT64_C(0)) : 0, second = t->n_args > 1 ? t->args[1] : 0;
    switch (type->class) {
    case SP_CAT_TEXT:
    case SP_CAT_BYTES:
    case SP_CAT_BITS: type->length = first ? (uint32_t)SP_MIN(first, (int64_t)UINT32_MAX) : type->fixed ? 1 : 0; break;
    case SP_CAT_DECIMAL:
        type->precision = (uint16_t)SP_MIN(first, INT64_C(1000));
        type->scale = (uint16_t)SP_MAX(SP_MIN(second, INT64_C(1000)), INT64_C(0));
        break;
    case SP_CAT_INTEGER: /* MariaDB's boolean */
        if (type->bits == 8 && first == 1 && !type->is_unsigned)
            type->class = SP_CAT_BOOL;
        break;
    case SP_CAT_FLOAT:
        if (t->n_args && first <= 24 && type->bits == 64 && strcmp(type->name, "float") == 0)
            type->bits = 32;
        break;
    case SP_CAT_GEOMETRY: type->length = srid_of(t->inside); break;
    default: break;
    }
}

static bool make_item(sp_str sql, sp_arena *arena, const sp_cat_type **item)
{
    sp_cat_type *made = sp_arena_alloc(arena, 1, sizeof(*made));
    *item = made;
    return made && sp_cat_type_parse(sql, arena, made);
}

static bool parse_one(parts *t, sp_arena *arena, sp_cat_type *type)
{
    while (take_word(t, "zerofill"))
        ;
    bool is_unsigned = take_word(t, "unsigned");
    take_word(t, "signed");
    const known *k = find_known(t->name);
    type->name = sp_arena_strndup(arena, t->name, strlen(t->name));
    if (!type->name)
        return false;
    type->class = k ? k->class : SP_CAT_OTHER;
    type->is_unsigned =
        is_unsigned || (k && k->name[0] == 'u' && k->class == SP_CAT_INTEGER) || (k && strcmp(k->name, "oid") == 0);
    type->bits = k ? k->bits : 0;
    type->fixed = k && k->fixed;
    apply_numbers(type, t);
    if (k && k->item && !make_item(sp_str_of(k->item), arena, &type->item))
        return false;
    bool labelled = type->class == SP_CAT_ENUM || type->class == SP_CAT_SET;
    return !labelled || read_labels(t->inside, arena, type);
}

bool sp_cat_type_parse(sp_str sql, sp_arena *arena, sp_cat_type *type)
{
    parts t = {0};
    sql = sp_str_trim(sql);
    take_apart(sql, &t);
    *type = (sp_cat_type){.spelled = sp_arena_strndup(arena, sql.p, sql.len)};
    if (!type->spelled)
        return false;
    if (t.lists == 0)
        return parse_one(&t, arena, type);
    unsigned lists;
    int64_t length;
    sp_str inner = take_lists(sql, &lists, &length);
    type->class = SP_CAT_LIST;
    type->length = length > 0 && length < UINT32_MAX ? (uint32_t)length : 0;
    type->name = "list";
    return make_item(inner, arena, &type->item);
}

void sp_cat_short_floats(sp_cat_table *t)
{
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].type.name, "float") == 0)
            t->columns[i].type.bits = 32;
}
