/* catalog_sql.c - CREATE statements read into a catalog, whichever server wrote them.
 *
 * SQLite and MariaDB keep their tables as such statements and DuckDB can say them, so this is their reader as well as that of
 * files. A statement is a row of words in which only those are looked for that matter here; a column's clauses may come in any
 * order, and what is unknown is passed over up to the next comma. A statement that makes no sense is noted, and the next one
 * read. */
#include "endpoint/catalog.h"

typedef enum token_kind { T_END, T_WORD, T_NAME, T_TEXT, T_NUMBER, T_MARK } token_kind;

typedef struct token {
    token_kind kind;
    sp_str raw;  /* as it stands there */
    sp_str text; /* names and texts: without their quotes */
} token;

typedef struct named_type { /* CREATE TYPE ... AS ENUM, CREATE DOMAIN */
    const char *name;
    sp_cat_type type;
    const char *check; /* or NULL */
    bool not_null;
} named_type;

typedef struct script {
    sp_catalog *c;
    sp_arena *arena;
    const char *begin, *p, *end;
    token at;
    named_type *types;
    uint32_t n_types, cap_types;
    bool nomem, bad; /* bad: this statement makes no sense */
    /* Of the column list that was read last: */
    bool computed;      /* it had an expression in it */
    sp_cat_part *parts; /* how each column stands in it */
} script;

/* ---- words ----------------------------------------------------------------------------------- */

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (c & 0x80);
}

static void skip_blank(script *s)
{
    while (s->p < s->end) {
        size_t left = (size_t)(s->end - s->p);
        const char *close;
        if (strchr(" \t\r\n", *s->p)) {
            s->p++;
        } else if ((left > 1 && s->p[0] == '-' && s->p[1] == '-') ||
                   (*s->p == '#' && (s->p == s->begin || s->p[-1] == '\n'))) {
            close = memchr(s->p, '\n', left);
            s->p = close ? close + 1 : s->end;
        } else if (left > 1 && s->p[0] == '/' && s->p[1] == '*') {
            close = memmem(s->p + 2, left - 2, "*/", 2);
            s->p = close ? close + 2 : s->end;
        } else {
            return;
        }
    }
}

/* Between quotes, doubled ones undone; escaped: a backslash takes the next byte along. */
static sp_str unquote(script *s, char close, bool escaped)
{
    const char *from = s->p + 1, *q = from;
    while (q < s->end && (*q != close || (q + 1 < s->end && q[1] == close)))
        q += 1 + (q + 1 < s->end && (*q == close || (escaped && *q == '\\')));
    q = SP_MIN(q, s->end);
    char *text = sp_arena_alloc(s->arena, (size_t)(q - from) + 1, 1);
    size_t len = 0;
    for (const char *p = from; text && p < q; p++) {
        p += p + 1 < q && (*p == close || (escaped && *p == '\\'));
        text[len++] = *p;
    }
    s->p = q + (q < s->end);
    s->nomem = s->nomem || !text;
    return text ? (sp_str){text, len} : (sp_str){"", 0};
}

/* $tag$...$tag$ */
static bool dollar_text(script *s)
{
    const char *tag = s->p + 1;
    while (tag < s->end && *tag != '$' && is_word_byte(*tag))
        tag++;
    if (*s->p != '$' || tag == s->end || *tag != '$')
        return false;
    size_t len = (size_t)(tag - s->p) + 1;
    const char *close = memmem(tag + 1, (size_t)(s->end - tag) - 1, s->p, len);
    s->at.kind = T_TEXT;
    s->at.text = (sp_str){tag + 1, close ? (size_t)(close - tag) - 1 : 0};
    s->p = close ? close + len : s->end;
    return true;
}

/* [name], as SQLite takes it too; not the [3] of an array. */
static bool begins_bracketed(const script *s)
{
    return *s->p == '[' && s->p + 1 < s->end && is_word_byte(s->p[1]) && !(s->p[1] >= '0' && s->p[1] <= '9');
}

static void advance(script *s)
{
    skip_blank(s);
    const char *from = s->p;
    s->at = (token){.kind = T_END, .raw = {from, 0}};
    if (from == s->end)
        return;
    if (*from == '\'' || ((*from == 'E' || *from == 'e') && from + 1 < s->end && from[1] == '\'')) {
        bool escaped = *from != '\'';
        s->p += escaped;
        s->at.kind = T_TEXT;
        s->at.text = unquote(s, '\'', escaped);
    } else if (*from == '"' || *from == '`' || begins_bracketed(s)) {
        s->at.kind = T_NAME;
        s->at.text = unquote(s, *from == '[' ? ']' : *from, false);
    } else if (!dollar_text(s)) {
        bool word = is_word_byte(*from);
        s->at.kind = !word ? T_MARK : *from >= '0' && *from <= '9' ? T_NUMBER : T_WORD;
        for (s->p++; word && s->p < s->end && (is_word_byte(*s->p) || (s->at.kind == T_NUMBER && *s->p == '.')); s->p++)
            ;
        s->at.text = (sp_str){from, (size_t)(s->p - from)};
    }
    s->at.raw.len = (size_t)(s->p - from);
}

static bool is_mark(const script *s, char mark)
{
    return s->at.kind == T_MARK && s->at.raw.p[0] == mark;
}

static bool is_word(const script *s, const char *word)
{
    return s->at.kind == T_WORD && sp_str_ieq(s->at.text, word);
}

static bool take_mark(script *s, char mark)
{
    bool is = is_mark(s, mark);
    if (is)
        advance(s);
    return is;
}

/* Takes one or more words, all or none of them: "primary key". */
static bool take(script *s, const char *words)
{
    script before = *s;
    while (*words) {
        char word[32];
        size_t len = strcspn(words, " ");
        memcpy(word, words, len);
        word[len] = '\0';
        if (!is_word(s, word)) {
            s->p = before.p;
            s->at = before.at;
            return false;
        }
        advance(s);
        words += len + (words[len] == ' ');
    }
    return true;
}

static const char *keep(script *s, sp_str text)
{
    const char *kept = sp_arena_strndup(s->arena, text.p, text.len);
    s->nomem = s->nomem || !kept;
    return kept ? kept : "";
}

/* A name, "" when there is none. */
static const char *take_name(script *s)
{
    if (s->at.kind != T_WORD && s->at.kind != T_NAME) {
        s->bad = true;
        return "";
    }
    const char *name = keep(s, s->at.text);
    advance(s);
    return name;
}

/* name, schema.name or database.schema.name. */
static const char *take_qualified(script *s, const char **space)
{
    const char *name = take_name(s);
    *space = "";
    while (!s->bad && take_mark(s, '.')) {
        *space = name;
        name = take_name(s);
    }
    return name;
}

/* Passes over what stands between parentheses; the text of it without them. */
static sp_str take_inside(script *s)
{
    unsigned depth = 0;
    const char *from = s->p;
    if (!is_mark(s, '(')) {
        s->bad = true;
        return (sp_str){"", 0};
    }
    do {
        depth += is_mark(s, '(');
        depth -= is_mark(s, ')');
        if (depth)
            advance(s);
    } while (depth && s->at.kind != T_END);
    sp_str inside = {from, (size_t)(s->at.raw.p - from)};
    advance(s);
    return inside;
}

/* ---- clauses --------------------------------------------------------------------------------- */

static bool begins_clause(const script *s)
{
    static const char *const words[] = {
        "constraint", "not",        "null",         "default",  "primary",        "unique",        "check",
        "references", "collate",    "generated",    "as",       "auto_increment", "autoincrement", "comment",
        "on",         "key",        "charset",      "identity", "invisible",      "virtual",       "stored",
        "persistent", "deferrable", "initially",    "match",    "storage",        "compression",   "encode",
        "visible",    "sparse",     "ref_system_id"};
    for (size_t i = 0; s->at.kind == T_WORD && i < SP_COUNT(words); i++)
        if (sp_str_ieq(s->at.text, words[i]))
            return true;
    return false;
}

static bool ends_item(const script *s)
{
    return s->at.kind == T_END || is_mark(s, ',') || is_mark(s, ')') || is_mark(s, ';');
}

/* The text up to where a clause begins or the item ends: a type, or a default. */
static sp_str take_until_clause(script *s)
{
    const char *from = s->at.raw.p, *to = from;
    bool first = true;
    while (!ends_item(s) && (first || !begins_clause(s))) {
        if (is_word(s, "character")) { /* CHARACTER SET ends a type, CHARACTER VARYING is one */
            script before = *s;
            if (take(s, "character set")) {
                s->p = before.p;
                s->at = before.at;
                break;
            }
        }
        if (is_mark(s, '('))
            take_inside(s);
        else
            advance(s);
        first = false;
        to = s->at.raw.p; /* of the word behind what was taken */
    }
    while (to > from && strchr(" \t\r\n", to[-1]))
        to--;
    return (sp_str){from, (size_t)(to - from)};
}

static const char *action_name(script *s)
{
    static const char *const actions[] = {"cascade", "set null", "set default", "restrict", "no action"};
    static const char *const names[] = {"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", NULL};
    for (size_t i = 0; i < SP_COUNT(actions); i++)
        if (take(s, actions[i]))
            return names[i];
    return NULL;
}

/* lower((a)::text): the column is inside; a(10): the length is. */
static void take_inner_column(script *s, const char **name, sp_cat_part *part)
{
    script inner = *s;
    token word = {0};
    while (is_mark(&inner, '(')) {
        do
            advance(&inner);
        while (is_mark(&inner, '('));
        word = inner.at;
        advance(&inner);
    }
    if (name && (word.kind == T_WORD || word.kind == T_NAME))
        *name = keep(s, word.text);
    int64_t length = 0;
    if (word.kind != T_NUMBER)
        s->computed = true;
    else if (part && sp_parse_i64(word.text, &length))
        part->prefix = (uint32_t)length;
    take_inside(s);
}

/* Room for one more in a column list of n. */
static bool grow_columns(script *s, const char ***names, uint32_t n, uint32_t *cap)
{
    if (n < *cap)
        return true;
    uint32_t more = *cap ? *cap * 2 : 8;
    const char **grown = sp_arena_alloc(s->arena, more, sizeof(*grown));
    sp_cat_part *parts = sp_arena_alloc(s->arena, more, sizeof(*parts));
    if (grown && parts && n) {
        memcpy(grown, *names, n * sizeof(*grown));
        memcpy(parts, s->parts, n * sizeof(*parts));
    }
    *names = grown;
    s->parts = parts;
    *cap = more;
    s->nomem = s->nomem || !grown || !parts;
    return !s->nomem;
}

/* (a, b DESC, c(10)): the names. A column list with an expression in it gives what names there are in it. */
static uint32_t take_columns(script *s, const char ***names)
{
    uint32_t n = 0, cap = 0;
    *names = NULL;
    s->computed = false;
    if (!take_mark(s, '(')) {
        s->bad = true;
        return 0;
    }
    while (s->at.kind != T_END && !is_mark(s, ')') && grow_columns(s, names, n, &cap)) {
        if (s->at.kind == T_WORD || s->at.kind == T_NAME) {
            s->parts[n] = (sp_cat_part){0};
            (*names)[n++] = take_name(s);
        }
        while (s->at.kind != T_END && !is_mark(s, ',') && !is_mark(s, ')')) {
            if (n && is_word(s, "desc"))
                s->parts[n - 1].descending = true;
            if (is_mark(s, '('))
                take_inner_column(s, n ? &(*names)[n - 1] : NULL, n ? &s->parts[n - 1] : NULL);
            else
                advance(s);
        }
        take_mark(s, ',');
    }
    take_mark(s, ')');
    return s->nomem ? 0 : n;
}

/* Column numbers by name; a key with a column that is not there is none. */
static const uint32_t *numbers_of(script *s, const sp_cat_table *t, const char *const *names, uint32_t n)
{
    uint32_t *numbers = sp_arena_alloc(s->arena, n + 1, sizeof(*numbers));
    s->nomem = s->nomem || !numbers;
    for (uint32_t i = 0; numbers && i < n; i++) {
        int at = sp_catalog_find_column(t, sp_str_of(names[i]));
        if (at < 0)
            return NULL;
        numbers[i] = (uint32_t)at;
    }
    return n ? numbers : NULL;
}

static sp_cat_key *add_key(script *s, sp_cat_table *t, const char *name, const char *const *names,
                           const sp_cat_part *parts, uint32_t n, bool primary)
{
    const uint32_t *columns = numbers_of(s, t, names, n);
    sp_cat_key *key = columns ? sp_catalog_add_key(s->c, t) : NULL;
    if (!key) {
        s->bad = true;
        return NULL;
    }
    *key =
        (sp_cat_key){.name = name, .columns = columns, .parts = parts, .n = n, .primary = primary, .constraint = true};
    for (uint32_t i = 0; primary && i < n; i++)
        t->columns[columns[i]].not_null = true;
    return key;
}

static void add_check(script *s, sp_cat_table *t, const char *name, sp_str sql, int32_t column)
{
    sp_cat_check *check = sp_catalog_add_check(s->c, t);
    s->nomem = s->nomem || !check;
    if (check)
        *check = (sp_cat_check){.name = name, .sql = keep(s, sql), .column = column};
}

/* Behind REFERENCES. */
static void take_reference(script *s, sp_cat_table *t, const char *name, const char *const *names, uint32_t n)
{
    sp_cat_foreign_key *f = sp_catalog_add_foreign_key(s->c, t);
    const uint32_t *columns = numbers_of(s, t, names, n);
    if (!f || !columns) {
        t->n_foreign_keys -= f != NULL;
        s->bad = true;
        return;
    }
    f->name = name;
    f->columns = columns;
    f->n = n;
    f->parent = take_qualified(s, &f->parent_space);
    if (is_mark(s, '(')) {
        const char **parents;
        uint32_t m = take_columns(s, &parents);
        s->bad = s->bad || m != n;
        f->parent_names = m == n ? parents : NULL;
    }
    for (;;) {
        if (take(s, "on delete"))
            f->on_delete = action_name(s);
        else if (take(s, "on update"))
            f->on_update = action_name(s);
        else if (take(s, "match"))
            advance(s);
        else
            return;
    }
}

/* ---- columns --------------------------------------------------------------------------------- */

static const named_type *find_type(const script *s, const char *name)
{
    const char *dot = strrchr(name, '.');
    for (uint32_t i = s->n_types; i-- > 0;)
        if (sp_str_ieq(sp_str_of(dot ? dot + 1 : name), s->types[i].name))
            return &s->types[i];
    return NULL;
}

/* Takes what is known of a type with a name of its own. */
static void resolve_type(script *s, sp_cat_table *t, sp_cat_column *c, sp_cat_type *type)
{
    if (type->class == SP_CAT_LIST) {
        resolve_type(s, t, NULL, (sp_cat_type *)type->item);
        return;
    }
    if (type->class != SP_CAT_OTHER)
        return;
    char plain[64];
    size_t n = 0;
    for (const char *p = type->name; *p && n + 1 < sizeof(plain); p++)
        if (*p != '"' && *p != '`')
            plain[n++] = *p;
    plain[n] = '\0';
    const named_type *known = find_type(s, plain);
    if (!known)
        return;
    const char *spelled = type->spelled;
    *type = known->type;
    type->spelled = spelled;
    if (!c)
        return;
    c->not_null = c->not_null || known->not_null;
    if (known->check)
        add_check(s, t, known->name, sp_str_of(known->check), (int32_t)(c - t->columns));
}

static bool is_serial(const char *type)
{
    return strstr(type, "serial") != NULL;
}

static void take_default(script *s, sp_cat_column *c)
{
    sp_str value = take_until_clause(s);
    size_t open = 0;
    while (open < value.len && (value.p[open] == '(' || value.p[open] == ' '))
        open++;
    if (value.len >= open + 8 && sp_str_ieq((sp_str){value.p + open, 8}, "nextval("))
        c->auto_number = true;
    c->default_sql = keep(s, value);
}

static void take_generated(script *s, sp_cat_column *c)
{
    bool always = take(s, "always");
    if (!always && take(s, "by default"))
        take(s, "on null");
    if (!take(s, "as"))
        s->bad = true;
    if (take(s, "identity")) {
        c->identity = always ? SP_CAT_ALWAYS : SP_CAT_BY_DEFAULT;
        c->not_null = true;
        if (is_mark(s, '('))
            take_inside(s);
    } else if (take(s, "row")) { /* a system-versioned table's own columns: AS ROW START */
        advance(s);
        c->generated_sql = "";
    } else {
        c->generated_sql = keep(s, take_inside(s));
    }
}

/* One clause of a column; its own columns of keys are named by it alone. */
static void take_clause(script *s, sp_cat_table *t, sp_cat_column *c)
{
    const char *const *own = &c->name;
    if (take(s, "constraint"))
        take_name(s);
    else if (take(s, "not null"))
        c->not_null = true;
    else if (take(s, "default"))
        take_default(s, c);
    else if (take(s, "primary key") || take(s, "key"))
        add_key(s, t, "", own, NULL, 1, true);
    else if (take(s, "unique key") || take(s, "unique"))
        add_key(s, t, "", own, NULL, 1, false);
    else if (take(s, "check"))
        add_check(s, t, "", take_inside(s), -1);
    else if (take(s, "references"))
        take_reference(s, t, "", own, 1);
    else if (take(s, "generated"))
        take_generated(s, c);
    else if (is_word(s, "as")) {
        advance(s);
        c->generated_sql = keep(s, take_inside(s));
    } else if (take(s, "auto_increment") || take(s, "autoincrement"))
        c->auto_number = true;
    else if (take(s, "identity")) {
        c->auto_number = true;
        if (is_mark(s, '('))
            take_inside(s);
    } else if (take(s, "comment")) {
        c->comment = s->at.kind == T_TEXT ? keep(s, s->at.text) : NULL;
        advance(s);
    } else if (take(s, "collate"))
        c->collation = take_name(s);
    else if (take(s, "on update"))
        c->on_update_sql = keep(s, take_until_clause(s));
    else if (take(s, "virtual"))
        c->is_virtual = true;
    else if (take(s, "invisible"))
        c->invisible = true;
    else if (is_mark(s, '('))
        take_inside(s);
    else
        advance(s);
}

static void take_column(script *s, sp_cat_table *t)
{
    const char *name = take_name(s);
    sp_cat_column *c = s->bad ? NULL : sp_catalog_add_column(s->c, t, name);
    if (!c)
        return;
    sp_str type = ends_item(s) || begins_clause(s) ? sp_str_of("") : take_until_clause(s);
    s->nomem = s->nomem || !sp_cat_type_parse(type, s->arena, &c->type);
    resolve_type(s, t, c, &c->type);
    c->auto_number = is_serial(c->type.name);
    while (!ends_item(s) && !s->bad)
        take_clause(s, t, c);
}

/* ---- CREATE TABLE ---------------------------------------------------------------------------- */

/* PRIMARY KEY, UNIQUE, FOREIGN KEY, CHECK, an index of MariaDB's. False: it is none of them. */
static bool take_table_clause(script *s, sp_cat_table *t)
{
    const char *name = "", **names;
    uint32_t n;
    bool named = take(s, "constraint");
    if (named && !is_word(s, "primary") && !is_word(s, "unique") && !is_word(s, "foreign") && !is_word(s, "check"))
        name = take_name(s);
    if (take(s, "primary key")) {
        while (s->at.kind == T_WORD) /* CLUSTERED, USING HASH */
            advance(s);
        n = take_columns(s, &names);
        add_key(s, t, name, names, s->parts, n, true);
    } else if (is_word(s, "unique")) {
        advance(s);
        if (!take(s, "key"))
            take(s, "index");
        if (!is_mark(s, '('))
            name = take_name(s);
        n = take_columns(s, &names);
        add_key(s, t, name, names, s->parts, n, false);
    } else if (take(s, "foreign key")) {
        if (!is_mark(s, '('))
            take_name(s);
        n = take_columns(s, &names);
        if (take(s, "references"))
            take_reference(s, t, name, names, n);
    } else if (take(s, "check")) {
        add_check(s, t, name, take_inside(s), -1);
    } else if (!named) {
        return false;
    }
    return true;
}

static bool is_type(const script *s)
{
    sp_cat_type type;
    return s->at.kind == T_WORD && sp_cat_type_parse(s->at.text, s->arena, &type) && type.class != SP_CAT_OTHER;
}

/* KEY name (columns), FULLTEXT KEY ..., PERIOD FOR SYSTEM_TIME (...), EXCLUDE ...: no keys, and no columns. But a column may
 * have such a name: then a type follows. */
static bool is_passed_over(const script *s)
{
    static const char *const words[] = {"key", "index", "fulltext", "spatial", "period", "exclude", "like"};
    bool is = false;
    for (size_t i = 0; i < SP_COUNT(words); i++)
        is = is || is_word(s, words[i]);
    script ahead = *s;
    advance(&ahead);
    if (!is || is_type(&ahead))
        return false;
    for (unsigned i = 0; i < 3; i++, advance(&ahead))
        if (is_mark(&ahead, '('))
            return true;
    return is_word(s, "like");
}

/* PERIOD FOR name (from, to): the one is before the other. Those of the system are its own. */
static void take_period(script *s, sp_cat_table *t)
{
    const char **names;
    script ahead = *s;
    advance(&ahead);
    if (!is_word(s, "period") || !take(&ahead, "for") || is_word(&ahead, "system_time"))
        return;
    take_name(&ahead);
    bool two = is_mark(&ahead, '(') && take_columns(&ahead, &names) == 2 && !ahead.bad;
    char *sql = two ? sp_arena_printf(s->arena, "\"%s\" < \"%s\"", names[0], names[1]) : NULL;
    if (sql)
        add_check(s, t, "", sp_str_of(sql), -1);
}

/* MariaDB's KEY name (columns), INDEX name (columns), FULLTEXT KEY ... False: it is another word. */
static bool take_key_index(script *s, sp_cat_table *t)
{
    const char *name = "", **names, *from = s->at.raw.p;
    bool own = take(s, "fulltext") || take(s, "spatial");
    if (!take(s, "key") && !take(s, "index") && !own)
        return false;
    if (!is_mark(s, '('))
        name = take_name(s);
    if (take(s, "using"))
        take_name(s);
    uint32_t n = take_columns(s, &names);
    sp_cat_index *index = s->bad ? NULL : sp_catalog_add_index(s->c, t);
    s->nomem = s->nomem || (!s->bad && !index);
    if (index)
        *index = (sp_cat_index){.name = name,
                                .sql = keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)}),
                                .body = "",
                                .columns = names,
                                .parts = s->parts,
                                .n = s->computed || own ? 0 : n};
    return true;
}

static void skip_item(script *s)
{
    while (s->at.kind != T_END && !is_mark(s, ',') && !is_mark(s, ')') && !is_mark(s, ';')) {
        if (is_mark(s, '('))
            take_inside(s);
        else
            advance(s);
    }
}

/* COMMENT='...' COLLATE=... AUTO_INCREMENT=... among MariaDB's options. */
static void take_table_options(script *s, sp_cat_table *t)
{
    while (s->at.kind != T_END && !is_mark(s, ';')) {
        if (take(s, "comment")) {
            take_mark(s, '=');
            if (s->at.kind == T_TEXT)
                t->comment = keep(s, s->at.text);
        } else if (take(s, "collate")) {
            take_mark(s, '=');
            t->collation = take_name(s);
        } else if (take(s, "auto_increment")) {
            take_mark(s, '=');
            if (!sp_parse_i64(s->at.text, &t->next_number))
                t->next_number = 0;
        } else {
            advance(s);
        }
    }
}

static void create_table(script *s, const char *from)
{
    const char *space, *name;
    take(s, "if not exists");
    name = take_qualified(s, &space);
    if (s->bad || is_word(s, "partition")) /* PARTITION OF another */
        return;
    if (!is_mark(s, '(')) {
        s->nomem = s->nomem || !sp_catalog_note(s->c, "table %s: its columns come from a query", name);
        return;
    }
    sp_cat_table *t = sp_catalog_add_table(s->c, space, name);
    if (!t) {
        s->nomem = true;
        return;
    }
    advance(s);
    while (s->at.kind != T_END && !is_mark(s, ')')) {
        const char *from = s->at.raw.p;
        take_period(s, t);
        if (is_passed_over(s) && !take_key_index(s, t))
            skip_item(s);
        else if (!take_table_clause(s, t))
            take_column(s, t);
        if (s->bad && !sp_catalog_note(s->c, "table %s: near \"%.40s\"", name,
                                       keep(s, (sp_str){from, SP_MIN((size_t)(s->end - from), (size_t)40)})))
            s->nomem = true;
        s->bad = false;
        skip_item(s);
        if (s->at.raw.p == from && !is_mark(s, ','))
            break; /* no way on */
        take_mark(s, ',');
    }
    take_mark(s, ')');
    take_table_options(s, t);
    t->sql = keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)});
}

/* ---- types, indexes, ALTER, COMMENT ------------------------------------------------------------ */

static named_type *add_type(script *s, const char *name)
{
    if (s->n_types == s->cap_types) {
        uint32_t cap = s->cap_types ? s->cap_types * 2 : 8;
        named_type *grown = sp_arena_alloc(s->arena, cap, sizeof(*grown));
        if (!grown) {
            s->nomem = true;
            return NULL;
        }
        if (s->n_types)
            memcpy(grown, s->types, s->n_types * sizeof(*grown));
        s->types = grown;
        s->cap_types = cap;
    }
    named_type *type = &s->types[s->n_types++];
    *type = (named_type){.name = name};
    return type;
}

static void create_type(script *s)
{
    const char *space, *name = take_qualified(s, &space);
    if (!take(s, "as enum"))
        return;
    const char *from = s->at.raw.p;
    take_inside(s);
    char *sql = sp_arena_printf(s->arena, "enum%.*s", (int)(s->at.raw.p - from), from);
    named_type *type = sql ? add_type(s, name) : NULL;
    s->nomem = s->nomem || !type || !sp_cat_type_parse(sp_str_of(sql), s->arena, &type->type);
}

static void create_domain(script *s)
{
    const char *space, *name = take_qualified(s, &space);
    take(s, "as");
    sp_cat_type base;
    s->nomem = s->nomem || !sp_cat_type_parse(take_until_clause(s), s->arena, &base);
    named_type *type = s->nomem ? NULL : add_type(s, name);
    if (!type)
        return;
    type->type = base;
    type->type.domain = name;
    while (!ends_item(s)) {
        if (take(s, "not null"))
            type->not_null = true;
        else if (take(s, "check"))
            type->check = keep(s, take_inside(s));
        else if (take(s, "constraint"))
            take_name(s);
        else
            advance(s);
    }
}

static sp_cat_table *find_table(script *s, const char *space, const char *name)
{
    int at = sp_catalog_find_table(s->c, space, name);
    return at < 0 ? NULL : &s->c->tables[at];
}

static void create_index(script *s, bool unique, const char *from)
{
    take(s, "concurrently");
    take(s, "if not exists");
    const char *name = is_word(s, "on") ? "" : take_name(s), *space, **names;
    if (!take(s, "on")) {
        s->bad = true;
        return;
    }
    take(s, "only");
    const char *table = take_qualified(s, &space), *body = s->at.raw.p, *where = NULL;
    bool kind = take(s, "using"), own = kind && !is_word(s, "btree"); /* of a kind that only its server has */
    if (kind)
        take_name(s);
    uint32_t n = take_columns(s, &names);
    bool computed = s->computed;
    const sp_cat_part *parts = s->parts;
    sp_cat_table *t = find_table(s, space, table);
    while (!ends_item(s)) {
        if (take(s, "where"))
            where = s->at.raw.p;
        if (is_mark(s, '('))
            take_inside(s);
        else
            advance(s);
    }
    if (!t)
        return;
    body = keep(s, (sp_str){body, (size_t)(s->at.raw.p - body)});
    where = where ? keep(s, (sp_str){where, (size_t)(s->at.raw.p - where)}) : NULL;
    if (unique) {
        sp_cat_key *key = add_key(s, t, name, names, parts, n, false);
        if (key) {
            key->constraint = false;
            key->computed = computed;
            key->where = where;
            key->body = body;
        }
        return;
    }
    sp_cat_index *index = sp_catalog_add_index(s->c, t);
    s->nomem = s->nomem || !index;
    if (index)
        *index = (sp_cat_index){.name = name,
                                .sql = keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)}),
                                .body = body,
                                .columns = names,
                                .parts = parts,
                                .n = computed || own ? 0 : n,
                                .where = where};
}

static void alter_column(script *s, sp_cat_table *t)
{
    int at = sp_catalog_find_column(t, sp_str_of(take_name(s)));
    sp_cat_column *c = at < 0 ? NULL : &t->columns[at];
    if (!c)
        return;
    if (take(s, "set not null"))
        c->not_null = true;
    else if (take(s, "set default"))
        take_default(s, c);
    else if (take(s, "add generated"))
        take_generated(s, c);
}

static void alter_table(script *s)
{
    const char *space;
    take(s, "if exists");
    take(s, "only");
    const char *name = take_qualified(s, &space);
    sp_cat_table *t = find_table(s, space, name);
    if (!t)
        return;
    do {
        if (take(s, "add column if not exists") || take(s, "add column")) {
            take_column(s, t);
        } else if (take(s, "alter column") || take(s, "alter")) {
            alter_column(s, t);
        } else if (take(s, "add")) {
            if (!take_table_clause(s, t) && !is_passed_over(s) && !is_mark(s, '('))
                take_column(s, t);
        }
        skip_item(s);
    } while (!s->bad && take_mark(s, ','));
}

static void comment_on(script *s)
{
    const char *path[4] = {0};
    bool table = take(s, "table"), column = !table && take(s, "column");
    unsigned n = 0;
    do
        path[n < 4 ? n++ : 3] = take_name(s);
    while (!s->bad && take_mark(s, '.'));
    if (s->bad || !take(s, "is") || s->at.kind != T_TEXT || (!table && !column) || (column && n < 2))
        return;
    const char *text = keep(s, s->at.text);
    unsigned last = column ? n - 2 : n - 1;
    sp_cat_table *t = find_table(s, last ? path[last - 1] : "", path[last]);
    int at = t && column ? sp_catalog_find_column(t, sp_str_of(path[n - 1])) : -1;
    if (t && table)
        t->comment = text;
    else if (at >= 0)
        t->columns[at].comment = text;
}

/* ---- the script -------------------------------------------------------------------------------- */

static void create(script *s, const char *from)
{
    take(s, "or replace");
    while (take(s, "global") || take(s, "local") || take(s, "temporary") || take(s, "temp") || take(s, "unlogged"))
        ;
    if (take(s, "table"))
        create_table(s, from);
    else if (take(s, "type"))
        create_type(s);
    else if (take(s, "domain"))
        create_domain(s);
    else if (take(s, "unique index"))
        create_index(s, true, from);
    else if (take(s, "index"))
        create_index(s, false, from);
}

/* To behind the semicolon. The rows of a COPY end with a line \. */
static void end_statement(script *s, bool copy)
{
    while (s->at.kind != T_END && !is_mark(s, ';')) {
        if (is_mark(s, '('))
            take_inside(s);
        else
            advance(s);
    }
    if (copy && s->at.kind != T_END) {
        const char *rows = memmem(s->p, (size_t)(s->end - s->p), "\n\\.", 3);
        s->p = rows ? rows + 3 : s->p;
    }
    if (s->at.kind != T_END)
        advance(s);
}

static void one_statement(script *s)
{
    const char *from = s->at.raw.p;
    bool copy = is_word(s, "copy");
    s->bad = false;
    if (take(s, "create"))
        create(s, from);
    else if (take(s, "alter table"))
        alter_table(s);
    else if (take(s, "comment on"))
        comment_on(s);
    if (s->bad) {
        size_t len = strcspn(keep(s, (sp_str){from, SP_MIN((size_t)(s->end - from), (size_t)60)}), "\n");
        s->nomem = s->nomem || !sp_catalog_note(s->c, "%.*s ...", (int)len, from);
    }
    end_statement(s, copy);
}

bool sp_catalog_read_sql(sp_catalog *c, const char *sql, size_t len)
{
    script s = {.c = c, .arena = c->arena, .begin = sql, .p = sql, .end = sql + len};
    advance(&s);
    while (s.at.kind != T_END && !s.nomem)
        one_statement(&s);
    return !s.nomem;
}
