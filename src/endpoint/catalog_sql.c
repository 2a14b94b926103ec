/* catalog_sql.c - CREATE statements read into a catalog, whichever server wrote them.
 *
 * SQLite and MariaDB keep their tables as such statements and DuckDB can say them, so this is their reader as well as that of
 * files. A statement is a row of words in which only those are looked for that matter here; a column's clauses may come in any
 * order, and what is unknown is passed over up to the next comma. A statement that makes no sense is noted, and the next one
 * read. */
#include "endpoint/catalog_script.h"

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
    return s->at.kind == T_END || sp_script_is_mark(s, ',') || sp_script_is_mark(s, ')') || sp_script_is_mark(s, ';');
}

/* The text up to where a clause begins or the item ends: a type, or a default. */
static sp_str take_until_clause(script *s)
{
    const char *from = s->at.raw.p, *to = from;
    bool first = true;
    while (!ends_item(s) && (first || !begins_clause(s))) {
        if (sp_script_is_word(s, "character")) { /* CHARACTER SET ends a type, CHARACTER VARYING is one */
            script before = *s;
            if (sp_script_take(s, "character set")) {
                s->p = before.p;
                s->at = before.at;
                break;
            }
        }
        if (sp_script_is_mark(s, '('))
            sp_script_take_inside(s);
        else
            sp_script_advance(s);
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
        if (sp_script_take(s, actions[i]))
            return names[i];
    return NULL;
}

/* lower((a)::text): the column is inside; a(10): the length is. */
static void take_inner_column(script *s, const char **name, sp_cat_part *part)
{
    script inner = *s;
    token word = {0};
    while (sp_script_is_mark(&inner, '(')) {
        do
            sp_script_advance(&inner);
        while (sp_script_is_mark(&inner, '('));
        word = inner.at;
        sp_script_advance(&inner);
    }
    if (name && (word.kind == T_WORD || word.kind == T_NAME))
        *name = sp_script_keep(s, word.text);
    int64_t length = 0;
    if (word.kind != T_NUMBER)
        s->computed = true;
    else if (part && sp_parse_i64(word.text, &length))
        part->prefix = (uint32_t)length;
    sp_script_take_inside(s);
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
        memcpy(parts, s->list_parts, n * sizeof(*parts));
    }
    *names = grown;
    s->list_parts = parts;
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
    if (!sp_script_take_mark(s, '(')) {
        s->bad = true;
        return 0;
    }
    while (s->at.kind != T_END && !sp_script_is_mark(s, ')') && grow_columns(s, names, n, &cap)) {
        if (s->at.kind == T_WORD || s->at.kind == T_NAME) {
            s->list_parts[n] = (sp_cat_part){0};
            (*names)[n++] = sp_script_take_name(s);
        } else if (sp_script_is_mark(s, '(')) { /* ((lower(e))) */
            const char *inner = NULL;
            s->list_parts[n] = (sp_cat_part){0};
            take_inner_column(s, &inner, NULL);
            s->computed = true;
            (*names)[n] = inner;
            n += inner != NULL;
        }
        while (s->at.kind != T_END && !sp_script_is_mark(s, ',') && !sp_script_is_mark(s, ')')) {
            if (n && sp_script_is_word(s, "desc"))
                s->list_parts[n - 1].descending = true;
            if (n > 1 && sp_script_take(s, "without overlaps")) { /* a period: the rest alone keeps rows apart */
                n--;
                s->computed = true;
                continue;
            }
            if (sp_script_is_mark(s, '('))
                take_inner_column(s, n ? &(*names)[n - 1] : NULL, n ? &s->list_parts[n - 1] : NULL);
            else
                sp_script_advance(s);
        }
        sp_script_take_mark(s, ',');
    }
    sp_script_take_mark(s, ')');
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
        *check = (sp_cat_check){.name = name, .sql = sp_script_keep(s, sql), .column = column};
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
    f->parent = sp_script_take_qualified(s, &f->parent_space);
    if (sp_script_is_mark(s, '(')) {
        const char **parents;
        uint32_t m = take_columns(s, &parents);
        s->bad = s->bad || m != n;
        f->parent_names = m == n ? parents : NULL;
    }
    for (;;) {
        if (sp_script_take(s, "on delete"))
            f->on_delete = action_name(s);
        else if (sp_script_take(s, "on update"))
            f->on_update = action_name(s);
        else if (sp_script_take(s, "match full"))
            f->full = true;
        else if (sp_script_take(s, "match"))
            sp_script_advance(s);
        else
            return;
    }
}

/* ---- columns --------------------------------------------------------------------------------- */

/* name or schema.name, in quotes or without; where two schemas have one of that name, the schema says which. */
static const named_type *find_type(const script *s, const char *spelled)
{
    char plain[160];
    size_t n = 0;
    for (const char *p = spelled; *p && *p != '(' && n + 1 < sizeof(plain); p++)
        if (*p != '"' && *p != '`')
            plain[n++] = *p;
    plain[n] = '\0';
    char *dot = strrchr(plain, '.');
    const named_type *found = NULL;
    sp_str space = {plain, dot ? (size_t)(dot - plain) : 0}, name = sp_str_of(dot ? dot + 1 : plain);
    for (uint32_t i = s->n_types; i-- > 0;) {
        if (!sp_str_ieq(name, s->types[i].name))
            continue;
        if (sp_str_ieq(space, s->types[i].space))
            return &s->types[i];
        found = found ? found : &s->types[i];
    }
    return found;
}

/* Takes what is known of a type with a name of its own. */
static void resolve_type(script *s, sp_cat_table *t, sp_cat_column *c, sp_cat_type *type)
{
    if (type->class == SP_CAT_LIST) {
        resolve_type(s, t, NULL, (sp_cat_type *)type->item);
        return;
    }
    if (type->class != SP_CAT_OTHER && !strchr(type->name, '.')) /* public.year is somebody's own */
        return;
    const named_type *known = find_type(s, type->spelled);
    if (!known || (!c && known->type.domain)) /* lists of domains are taken by none but their own server */
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
    c->default_sql = sp_script_keep(s, value);
}

static void take_generated(script *s, sp_cat_column *c)
{
    bool always = sp_script_take(s, "always");
    if (!always && sp_script_take(s, "by default"))
        sp_script_take(s, "on null");
    if (!sp_script_take(s, "as"))
        s->bad = true;
    if (sp_script_take(s, "identity")) {
        c->identity = always ? SP_CAT_ALWAYS : SP_CAT_BY_DEFAULT;
        c->not_null = true;
        if (sp_script_is_mark(s, '('))
            sp_script_take_inside(s);
    } else if (sp_script_take(s, "row")) { /* a system-versioned table's own columns: AS ROW START */
        sp_script_advance(s);
        c->generated_sql = "";
    } else {
        c->generated_sql = sp_script_keep(s, sp_script_take_inside(s));
    }
}

/* One clause of a column; its own columns of keys are named by it alone. */
static void take_clause(script *s, sp_cat_table *t, sp_cat_column *c)
{
    const char *const *own = &c->name;
    if (sp_script_take(s, "constraint"))
        sp_script_take_name(s);
    else if (sp_script_take(s, "not null"))
        c->not_null = true;
    else if (sp_script_take(s, "default"))
        take_default(s, c);
    else if (sp_script_take(s, "primary key") || sp_script_take(s, "key"))
        add_key(s, t, "", own, NULL, 1, true);
    else if (sp_script_take(s, "unique key") || sp_script_take(s, "unique"))
        add_key(s, t, "", own, NULL, 1, false);
    else if (sp_script_take(s, "check"))
        add_check(s, t, "", sp_script_take_inside(s), -1);
    else if (sp_script_take(s, "references"))
        take_reference(s, t, "", own, 1);
    else if (sp_script_take(s, "generated"))
        take_generated(s, c);
    else if (sp_script_is_word(s, "as")) {
        sp_script_advance(s);
        c->generated_sql = sp_script_keep(s, sp_script_take_inside(s));
    } else if (sp_script_take(s, "auto_increment") || sp_script_take(s, "autoincrement"))
        c->auto_number = true;
    else if (sp_script_take(s, "identity")) {
        c->auto_number = true;
        if (sp_script_is_mark(s, '('))
            sp_script_take_inside(s);
    } else if (sp_script_take(s, "comment")) {
        c->comment = s->at.kind == T_TEXT ? sp_script_keep(s, s->at.text) : NULL;
        sp_script_advance(s);
    } else if (sp_script_take(s, "collate"))
        c->collation = sp_script_take_name(s);
    else if (sp_script_take(s, "on update"))
        c->on_update_sql = sp_script_keep(s, take_until_clause(s));
    else if (sp_script_take(s, "virtual"))
        c->is_virtual = true;
    else if (sp_script_take(s, "invisible"))
        c->invisible = true;
    else if (sp_script_is_mark(s, '('))
        sp_script_take_inside(s);
    else
        sp_script_advance(s);
}

static void take_column(script *s, sp_cat_table *t)
{
    const char *name = sp_script_take_name(s);
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

/* NULLS NOT DISTINCT */
static bool take_nulls_alike(script *s)
{
    return sp_script_take(s, "nulls not distinct") || (sp_script_take(s, "nulls distinct") && false);
}

/* Not a column with that name. */
static bool begins_exclusion(const script *s)
{
    script ahead = *s;
    return sp_script_take(&ahead, "exclude using") ||
           (sp_script_take(&ahead, "exclude") && sp_script_is_mark(&ahead, '('));
}

/* EXCLUDE USING gist (room WITH =, during WITH &&): an index that no other server has. */
static void add_exclusion(script *s, sp_cat_table *t, const char *name)
{
    const char *from = s->at.raw.p;
    while (!ends_item(s))
        if (sp_script_is_mark(s, '('))
            sp_script_take_inside(s);
        else
            sp_script_advance(s);
    sp_cat_index *index = sp_catalog_add_index(s->c, t);
    s->nomem = s->nomem || !index;
    if (index)
        *index = (sp_cat_index){.name = name, .sql = sp_script_keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)})};
}

/* ---- CREATE TABLE ---------------------------------------------------------------------------- */

/* PRIMARY KEY, UNIQUE, FOREIGN KEY, CHECK, an index of MariaDB's. False: it is none of them. */
static bool take_table_clause(script *s, sp_cat_table *t)
{
    const char *name = "", **names;
    uint32_t n;
    bool named = sp_script_take(s, "constraint");
    if (named && !sp_script_is_word(s, "primary") && !sp_script_is_word(s, "unique") &&
        !sp_script_is_word(s, "foreign") && !sp_script_is_word(s, "check"))
        name = sp_script_take_name(s);
    if (sp_script_take(s, "primary key")) {
        while (s->at.kind == T_WORD) /* CLUSTERED, USING HASH */
            sp_script_advance(s);
        n = take_columns(s, &names);
        add_key(s, t, name, names, s->list_parts, n, true);
    } else if (sp_script_is_word(s, "unique")) {
        sp_script_advance(s);
        if (!sp_script_take(s, "key"))
            sp_script_take(s, "index");
        bool alike = take_nulls_alike(s);
        if (!sp_script_is_mark(s, '('))
            name = sp_script_take_name(s);
        n = take_columns(s, &names);
        sp_cat_key *key = add_key(s, t, name, names, s->list_parts, n, false);
        if (key)
            key->nulls_alike = alike;
    } else if (sp_script_take(s, "foreign key")) {
        if (!sp_script_is_mark(s, '('))
            sp_script_take_name(s);
        n = take_columns(s, &names);
        if (sp_script_take(s, "references"))
            take_reference(s, t, name, names, n);
    } else if (sp_script_take(s, "check")) {
        add_check(s, t, name, sp_script_take_inside(s), -1);
    } else if (begins_exclusion(s)) {
        add_exclusion(s, t, name);
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

/* KEY name (columns), FULLTEXT KEY ..., PERIOD FOR SYSTEM_TIME (...): no keys, and no columns. But a column may
 * have such a name: then a type follows. */
static bool is_passed_over(const script *s)
{
    static const char *const words[] = {"key", "index", "fulltext", "spatial", "period", "like"};
    bool is = false;
    for (size_t i = 0; i < SP_COUNT(words); i++)
        is = is || sp_script_is_word(s, words[i]);
    script ahead = *s;
    sp_script_advance(&ahead);
    if (!is || is_type(&ahead))
        return false;
    for (unsigned i = 0; i < 3; i++, sp_script_advance(&ahead))
        if (sp_script_is_mark(&ahead, '('))
            return true;
    return sp_script_is_word(s, "like");
}

/* PERIOD FOR name (from, to): the one is before the other. Those of the system are its own. */
static void take_period(script *s, sp_cat_table *t)
{
    const char **names;
    script ahead = *s;
    sp_script_advance(&ahead);
    if (!sp_script_is_word(s, "period") || !sp_script_take(&ahead, "for") || sp_script_is_word(&ahead, "system_time"))
        return;
    sp_script_take_name(&ahead);
    bool two = sp_script_is_mark(&ahead, '(') && take_columns(&ahead, &names) == 2 && !ahead.bad;
    char *sql = two ? sp_arena_printf(s->arena, "\"%s\" < \"%s\"", names[0], names[1]) : NULL;
    if (sql)
        add_check(s, t, "", sp_str_of(sql), -1);
}

/* MariaDB's KEY name (columns), INDEX name (columns), FULLTEXT KEY ... False: it is another word. */
static bool take_key_index(script *s, sp_cat_table *t)
{
    const char *name = "", **names, *from = s->at.raw.p;
    bool own = sp_script_take(s, "fulltext") || sp_script_take(s, "spatial");
    if (!sp_script_take(s, "key") && !sp_script_take(s, "index") && !own)
        return false;
    if (!sp_script_is_mark(s, '('))
        name = sp_script_take_name(s);
    if (sp_script_take(s, "using"))
        sp_script_take_name(s);
    uint32_t n = take_columns(s, &names);
    sp_cat_index *index = s->bad ? NULL : sp_catalog_add_index(s->c, t);
    s->nomem = s->nomem || (!s->bad && !index);
    if (index)
        *index = (sp_cat_index){.name = name,
                                .sql = sp_script_keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)}),
                                .body = "",
                                .columns = names,
                                .parts = s->list_parts,
                                .n = s->computed || own ? 0 : n};
    return true;
}

static void skip_item(script *s)
{
    while (s->at.kind != T_END && !sp_script_is_mark(s, ',') && !sp_script_is_mark(s, ')') &&
           !sp_script_is_mark(s, ';')) {
        if (sp_script_is_mark(s, '('))
            sp_script_take_inside(s);
        else
            sp_script_advance(s);
    }
}

/* Kept with its value: as a setting where InnoDB may be told it again, else only to be named. */
static void keep_option(script *s, sp_cat_table *t, const char *from, bool again)
{
    const char *text = sp_script_keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)});
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    sp_cat_setting *made = sp_catalog_add_setting(s->c, t);
    char *what = sp_arena_printf(s->arena, "its option %.*s", (int)len, text);
    s->nomem = s->nomem || !made || !what;
    if (!s->nomem)
        *made = (sp_cat_setting){.sql = again ? text : NULL, .what = what, .column = -1};
}

/* WORD=value among MariaDB's options; or one word more. InnoDB has none of what other engines are told of their rows. */
static void take_option(script *s, sp_cat_table *t, bool innodb)
{
    static const char *const told[] = {"row_format", "key_block_size", "stats_persistent", "stats_auto_recalc",
                                       "stats_sample_pages"};
    static const char *const foreign[] = {"fixed", "page"}; /* formats of rows */
    const char *from = s->at.raw.p;
    token word = s->at;
    bool again = false, charset = sp_script_is_word(s, "charset") || sp_script_is_word(s, "set");
    for (size_t i = 0; i < SP_COUNT(told); i++)
        again = again || sp_script_is_word(s, told[i]);
    if (sp_script_is_mark(s, '(')) {
        sp_script_take_inside(s);
        return;
    }
    sp_script_advance(s);
    if ((word.kind != T_WORD && word.kind != T_NAME) || !sp_script_take_mark(s, '='))
        return;
    for (size_t i = 0; i < SP_COUNT(foreign); i++)
        again = again && !sp_script_is_word(s, foreign[i]);
    sp_script_advance(s);
    if (innodb && !charset)
        keep_option(s, t, from, again);
}

/* COMMENT='...' COLLATE=... AUTO_INCREMENT=... among MariaDB's options. */
static void take_table_options(script *s, uint32_t table)
{
    bool innodb = false;
    while (s->at.kind != T_END && !sp_script_is_mark(s, ';')) {
        sp_cat_table *t = &s->c->tables[table];
        const char *from = s->at.raw.p;
        if (sp_script_take(s, "comment")) {
            sp_script_take_mark(s, '=');
            if (s->at.kind == T_TEXT)
                t->comment = sp_script_keep(s, s->at.text);
        } else if (sp_script_take(s, "collate")) {
            sp_script_take_mark(s, '=');
            t->collation = sp_script_take_name(s);
        } else if (sp_script_take(s, "auto_increment")) {
            sp_script_take_mark(s, '=');
            if (!sp_parse_i64(s->at.text, &t->next_number))
                t->next_number = 0;
        } else if (sp_script_take(s, "inherits")) {
            sp_script_take_inherits(s, table);
        } else if (sp_script_take(s, "partition by")) {
            sp_script_take_partitions(s, table);
        } else if (sp_script_take(s, "engine")) {
            sp_script_take_mark(s, '=');
            innodb = sp_script_is_word(s, "innodb");
            sp_script_advance(s);
            if (!innodb)
                keep_option(s, t, from, false);
        } else {
            take_option(s, t, innodb);
        }
    }
}

/* SQLite's lists of its own, and tables that virtual ones keep their rows in: both are in its .schema. */
static bool is_servers_own(const script *s, const char *name)
{
    static const char *const kept[] = {"content", "data", "idx",  "config", "docsize", "segments",
                                       "segdir",  "stat", "node", "rowid",  "parent"};
    bool own = strncmp(name, "sqlite_", 7) == 0;
    for (uint32_t i = 0; i < s->n_virtuals; i++) {
        size_t len = strlen(s->virtuals[i]);
        bool behind = strncmp(name, s->virtuals[i], len) == 0 && name[len] == '_';
        for (size_t k = 0; behind && k < SP_COUNT(kept); k++)
            own = own || strcmp(name + len + 1, kept[k]) == 0;
    }
    return own;
}

static void create_virtual(script *s)
{
    const char *space;
    sp_script_take(s, "if not exists");
    const char *name = sp_script_take_qualified(s, &space);
    const char **kept = SP_SCRIPT_ADD(s, virtuals);
    if (kept)
        *kept = name;
}

static void create_table(script *s, const char *from)
{
    const char *space, *name;
    sp_script_take(s, "if not exists");
    name = sp_script_take_qualified(s, &space);
    if (s->bad || is_servers_own(s, name))
        return;
    if (sp_script_take(s, "partition of")) {
        sp_script_take_partition_of(s, space, name);
        return;
    }
    if (!sp_script_is_mark(s, '(')) {
        s->nomem = s->nomem || !sp_catalog_note(s->c, "table %s: its columns come from a query", name);
        return;
    }
    sp_cat_table *t = sp_catalog_add_table(s->c, space, name);
    if (!t) {
        s->nomem = true;
        return;
    }
    sp_script_advance(s);
    while (s->at.kind != T_END && !sp_script_is_mark(s, ')')) {
        const char *from = s->at.raw.p;
        take_period(s, t);
        bool passed = is_passed_over(s);
        if (passed && !take_key_index(s, t))
            skip_item(s);
        else if (passed)
            ; /* an index */
        else if (!take_table_clause(s, t))
            take_column(s, t);
        if (s->bad && !sp_catalog_note(s->c, "table %s: near \"%.40s\"", name,
                                       sp_script_keep(s, (sp_str){from, SP_MIN((size_t)(s->end - from), (size_t)40)})))
            s->nomem = true;
        s->bad = false;
        skip_item(s);
        if (s->at.raw.p == from && !sp_script_is_mark(s, ','))
            break; /* no way on */
        sp_script_take_mark(s, ',');
    }
    sp_script_take_mark(s, ')');
    take_table_options(s, (uint32_t)(t - s->c->tables));
    t->sql = sp_script_keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)});
}

/* ---- types, indexes, ALTER, COMMENT ------------------------------------------------------------ */

static named_type *add_type(script *s, const char *space, const char *name)
{
    named_type *type = SP_SCRIPT_ADD(s, types);
    if (type)
        *type = (named_type){.space = space, .name = name};
    return type;
}

static void create_type(script *s)
{
    const char *space, *name = sp_script_take_qualified(s, &space);
    if (!sp_script_take(s, "as enum"))
        return;
    const char *from = s->at.raw.p;
    sp_script_take_inside(s);
    char *sql = sp_arena_printf(s->arena, "enum%.*s", (int)(s->at.raw.p - from), from);
    named_type *type = sql ? add_type(s, space, name) : NULL;
    s->nomem = s->nomem || !type || !sp_cat_type_parse(sp_str_of(sql), s->arena, &type->type);
}

/* A domain may have several, and those of the domain that it is made of. */
static void add_domain_check(script *s, named_type *type, sp_str sql)
{
    const char *both = type->check ? sp_arena_printf(s->arena, "(%s) AND (%.*s)", type->check, (int)sql.len, sql.p)
                                   : sp_script_keep(s, sql);
    s->nomem = s->nomem || !both;
    type->check = both;
}

static void create_domain(script *s)
{
    const char *space, *name = sp_script_take_qualified(s, &space);
    sp_script_take(s, "as");
    sp_cat_type base;
    s->nomem = s->nomem || !sp_cat_type_parse(take_until_clause(s), s->arena, &base);
    const named_type *under = s->nomem || base.class != SP_CAT_OTHER ? NULL : find_type(s, base.spelled);
    named_type own = under ? *under : (named_type){.type = base}, *type = s->nomem ? NULL : add_type(s, space, name);
    if (!type)
        return;
    own.space = space;
    own.name = name;
    *type = own;
    type->type.domain = name;
    while (!ends_item(s)) {
        if (sp_script_take(s, "not null"))
            type->not_null = true;
        else if (sp_script_take(s, "check"))
            add_domain_check(s, type, sp_script_take_inside(s));
        else if (sp_script_take(s, "constraint"))
            sp_script_take_name(s);
        else
            sp_script_advance(s);
    }
}

sp_cat_table *sp_script_find_table(script *s, const char *space, const char *name)
{
    int at = sp_catalog_find_table(s->c, space, name);
    return at < 0 ? NULL : &s->c->tables[at];
}

static void create_index(script *s, bool unique, const char *from)
{
    sp_script_take(s, "concurrently");
    sp_script_take(s, "if not exists");
    const char *name = sp_script_is_word(s, "on") ? "" : sp_script_take_name(s), *space, **names;
    if (!sp_script_take(s, "on")) {
        s->bad = true;
        return;
    }
    sp_script_take(s, "only");
    const char *table = sp_script_take_qualified(s, &space), *body = s->at.raw.p, *where = NULL;
    bool kind = sp_script_take(s, "using"),
         own = kind && !sp_script_is_word(s, "btree"); /* of a kind that only its server has */
    if (kind)
        sp_script_take_name(s);
    uint32_t n = take_columns(s, &names);
    bool computed = s->computed;
    const sp_cat_part *parts = s->list_parts;
    sp_cat_table *t = sp_script_find_table(s, space, table);
    bool alike = false;
    while (!ends_item(s)) {
        alike = alike || take_nulls_alike(s);
        if (sp_script_take(s, "where"))
            where = s->at.raw.p;
        if (sp_script_is_mark(s, '('))
            sp_script_take_inside(s);
        else
            sp_script_advance(s);
    }
    if (!t)
        return;
    body = sp_script_keep(s, (sp_str){body, (size_t)(s->at.raw.p - body)});
    where = where ? sp_script_keep(s, (sp_str){where, (size_t)(s->at.raw.p - where)}) : NULL;
    if (unique) {
        sp_cat_key *key = add_key(s, t, name, names, parts, n, false);
        if (key) {
            key->constraint = false;
            key->computed = computed;
            key->nulls_alike = alike;
            key->where = where;
            key->body = body;
        }
        return;
    }
    sp_cat_index *index = sp_catalog_add_index(s->c, t);
    s->nomem = s->nomem || !index;
    if (index)
        *index = (sp_cat_index){.name = name,
                                .sql = sp_script_keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)}),
                                .body = body,
                                .columns = names,
                                .parts = parts,
                                .n = computed || own ? 0 : n,
                                .where = where};
}

static void alter_column(script *s, sp_cat_table *t)
{
    int at = sp_catalog_find_column(t, sp_str_of(sp_script_take_name(s)));
    sp_cat_column *c = at < 0 ? NULL : &t->columns[at];
    if (!c)
        return;
    if (sp_script_take(s, "set not null"))
        c->not_null = true;
    else if (sp_script_take(s, "set default"))
        take_default(s, c);
    else if (sp_script_take(s, "add generated"))
        take_generated(s, c);
}

static void alter_table(script *s)
{
    const char *space;
    sp_script_take(s, "if exists");
    sp_script_take(s, "only");
    const char *name = sp_script_take_qualified(s, &space);
    sp_cat_table *t = sp_script_find_table(s, space, name);
    if (!t)
        return;
    do {
        if (sp_script_take(s, "add column if not exists") || sp_script_take(s, "add column")) {
            take_column(s, t);
        } else if (sp_script_take(s, "alter column") || sp_script_take(s, "alter")) {
            alter_column(s, t);
        } else if (sp_script_take(s, "attach partition")) {
            sp_script_take_attached(s, (uint32_t)(t - s->c->tables));
        } else if (sp_script_take(s, "add")) {
            if (!take_table_clause(s, t) && !is_passed_over(s) && !sp_script_is_mark(s, '('))
                take_column(s, t);
        }
        skip_item(s);
    } while (!s->bad && sp_script_take_mark(s, ','));
}

static void comment_on(script *s)
{
    const char *path[4] = {0};
    bool table = sp_script_take(s, "table"), column = !table && sp_script_take(s, "column");
    unsigned n = 0;
    do
        path[n < 4 ? n++ : 3] = sp_script_take_name(s);
    while (!s->bad && sp_script_take_mark(s, '.'));
    if (s->bad || !sp_script_take(s, "is") || s->at.kind != T_TEXT || (!table && !column) || (column && n < 2))
        return;
    const char *text = sp_script_keep(s, s->at.text);
    unsigned last = column ? n - 2 : n - 1;
    sp_cat_table *t = sp_script_find_table(s, last ? path[last - 1] : "", path[last]);
    int at = t && column ? sp_catalog_find_column(t, sp_str_of(path[n - 1])) : -1;
    if (t && table)
        t->comment = text;
    else if (at >= 0)
        t->columns[at].comment = text;
}

/* ---- the script -------------------------------------------------------------------------------- */

static void create(script *s, const char *from)
{
    sp_script_take(s, "or replace");
    while (sp_script_take(s, "global") || sp_script_take(s, "local") || sp_script_take(s, "temporary") ||
           sp_script_take(s, "temp") || sp_script_take(s, "unlogged"))
        ;
    if (sp_script_take(s, "table"))
        create_table(s, from);
    else if (sp_script_take(s, "virtual table"))
        create_virtual(s);
    else if (sp_script_take(s, "type"))
        create_type(s);
    else if (sp_script_take(s, "domain"))
        create_domain(s);
    else if (sp_script_take(s, "unique index"))
        create_index(s, true, from);
    else if (sp_script_take(s, "index"))
        create_index(s, false, from);
}

/* To behind the semicolon. The rows of a COPY end with a line \. */
static void end_statement(script *s, bool copy)
{
    while (s->at.kind != T_END && !sp_script_is_mark(s, ';')) {
        if (sp_script_is_mark(s, '('))
            sp_script_take_inside(s);
        else
            sp_script_advance(s);
    }
    if (copy && s->at.kind != T_END) {
        const char *rows = memmem(s->p, (size_t)(s->end - s->p), "\n\\.", 3);
        s->p = rows ? rows + 3 : s->p;
    }
    if (s->at.kind != T_END)
        sp_script_advance(s);
}

static void one_statement(script *s)
{
    const char *from = s->at.raw.p;
    bool copy = sp_script_is_word(s, "copy");
    s->bad = false;
    if (sp_script_take(s, "create"))
        create(s, from);
    else if (sp_script_take(s, "alter table"))
        alter_table(s);
    else if (sp_script_take(s, "comment on"))
        comment_on(s);
    if (s->bad) {
        size_t len = strcspn(sp_script_keep(s, (sp_str){from, SP_MIN((size_t)(s->end - from), (size_t)60)}), "\n");
        s->nomem = s->nomem || !sp_catalog_note(s->c, "%.*s ...", (int)len, from);
    }
    end_statement(s, copy);
}

bool sp_catalog_read_sql(sp_catalog *c, const char *sql, size_t len)
{
    script s = {.c = c, .arena = c->arena, .begin = sql, .p = sql, .end = sql + len};
    sp_script_advance(&s);
    while (s.at.kind != T_END && !s.nomem)
        one_statement(&s);
    sp_script_fold(&s);
    return !s.nomem;
}
