/* catalog_table.c - CREATE TABLE, whole: its items, and the options behind them. */
#include "endpoint/catalog_script.h"

/* PRIMARY KEY, UNIQUE, FOREIGN KEY, CHECK, an index of MariaDB's. False: it is none of them. */
bool sp_script_take_table_clause(script *s, sp_cat_table *t)
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
        n = sp_script_take_columns(s, &names);
        sp_script_add_key(s, t, name, names, s->list_parts, n, true);
    } else if (sp_script_is_word(s, "unique")) {
        sp_script_advance(s);
        if (!sp_script_take(s, "key"))
            sp_script_take(s, "index");
        bool alike = sp_script_take_nulls_alike(s);
        if (!sp_script_is_mark(s, '('))
            name = sp_script_take_name(s);
        n = sp_script_take_columns(s, &names);
        sp_cat_key *key = sp_script_add_key(s, t, name, names, s->list_parts, n, false);
        if (key)
            key->nulls_alike = alike;
    } else if (sp_script_take(s, "foreign key")) {
        if (!sp_script_is_mark(s, '('))
            sp_script_take_name(s);
        n = sp_script_take_columns(s, &names);
        if (sp_script_take(s, "references"))
            sp_script_take_reference(s, t, name, names, n);
    } else if (sp_script_take(s, "check")) {
        sp_script_add_check(s, t, name, sp_script_take_inside(s), -1);
    } else if (sp_script_begins_exclusion(s)) {
        sp_script_add_exclusion(s, t, name);
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
bool sp_script_is_passed_over(const script *s)
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
    bool two = sp_script_is_mark(&ahead, '(') && sp_script_take_columns(&ahead, &names) == 2 && !ahead.bad;
    char *sql = two ? sp_arena_printf(s->arena, "\"%s\" < \"%s\"", names[0], names[1]) : NULL;
    if (sql)
        sp_script_add_check(s, t, "", sp_str_of(sql), -1);
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
    uint32_t n = sp_script_take_columns(s, &names);
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

void sp_script_skip_item(script *s)
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

void sp_script_create_virtual(script *s)
{
    const char *space;
    sp_script_take(s, "if not exists");
    const char *name = sp_script_take_qualified(s, &space);
    const char **kept = SP_SCRIPT_ADD(s, virtuals);
    if (kept)
        *kept = name;
}

void sp_script_create_table(script *s, const char *from)
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
        bool passed = sp_script_is_passed_over(s);
        if (passed && !take_key_index(s, t))
            sp_script_skip_item(s);
        else if (passed)
            ; /* an index */
        else if (!sp_script_take_table_clause(s, t))
            sp_script_take_column(s, t);
        if (s->bad && !sp_catalog_note(s->c, "table %s: near \"%.40s\"", name,
                                       sp_script_keep(s, (sp_str){from, SP_MIN((size_t)(s->end - from), (size_t)40)})))
            s->nomem = true;
        s->bad = false;
        sp_script_skip_item(s);
        if (s->at.raw.p == from && !sp_script_is_mark(s, ','))
            break; /* no way on */
        sp_script_take_mark(s, ',');
    }
    sp_script_take_mark(s, ')');
    take_table_options(s, (uint32_t)(t - s->c->tables));
    t->sql = sp_script_keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)});
}
