/* catalog_sql.c - CREATE statements read into a catalog, whichever server wrote them.
 *
 * SQLite and MariaDB keep their tables as such statements and DuckDB can say them, so this is their reader as well as that of
 * files. A statement is a row of words in which only those are looked for that matter here; a column's clauses may come in any
 * order, and what is unknown is passed over up to the next comma. A statement that makes no sense is noted, and the next one
 * read. */
#include "endpoint/catalog_script.h"

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
    s->nomem = s->nomem || !sp_cat_type_parse(sp_script_take_until_clause(s), s->arena, &base);
    const named_type *under = s->nomem || base.class != SP_CAT_OTHER ? NULL : sp_script_find_type(s, base.spelled);
    named_type own = under ? *under : (named_type){.type = base}, *type = s->nomem ? NULL : add_type(s, space, name);
    if (!type)
        return;
    own.space = space;
    own.name = name;
    *type = own;
    type->type.domain = name;
    while (!sp_script_ends_item(s)) {
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
    uint32_t n = sp_script_take_columns(s, &names);
    bool computed = s->computed;
    const sp_cat_part *parts = s->list_parts;
    sp_cat_table *t = sp_script_find_table(s, space, table);
    bool alike = false;
    while (!sp_script_ends_item(s)) {
        alike = alike || sp_script_take_nulls_alike(s);
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
        sp_cat_key *key = sp_script_add_key(s, t, name, names, parts, n, false);
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
        sp_script_take_default(s, c);
    else if (sp_script_take(s, "add generated"))
        sp_script_take_generated(s, c);
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
            sp_script_take_column(s, t);
        } else if (sp_script_take(s, "alter column") || sp_script_take(s, "alter")) {
            alter_column(s, t);
        } else if (sp_script_take(s, "attach partition")) {
            sp_script_take_attached(s, (uint32_t)(t - s->c->tables));
        } else if (sp_script_take(s, "add")) {
            if (!sp_script_take_table_clause(s, t) && !sp_script_is_passed_over(s) && !sp_script_is_mark(s, '('))
                sp_script_take_column(s, t);
        }
        sp_script_skip_item(s);
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
        sp_script_create_table(s, from);
    else if (sp_script_take(s, "virtual table"))
        sp_script_create_virtual(s);
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
