/* catalog_columns.c - what stands between the parentheses of CREATE TABLE: columns with their clauses, lists of columns, keys and checks. */
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

bool sp_script_ends_item(const script *s)
{
    return s->at.kind == T_END || sp_script_is_mark(s, ',') || sp_script_is_mark(s, ')') || sp_script_is_mark(s, ';');
}

/* The text up to where a clause begins or the item ends: a type, or a default. */
sp_str sp_script_take_until_clause(script *s)
{
    const char *from = s->at.raw.p, *to = from;
    bool first = true;
    while (!sp_script_ends_item(s) && (first || !begins_clause(s))) {
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
uint32_t sp_script_take_columns(script *s, const char ***names)
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

sp_cat_key *sp_script_add_key(script *s, sp_cat_table *t, const char *name, const char *const *names,
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

void sp_script_add_check(script *s, sp_cat_table *t, const char *name, sp_str sql, int32_t column)
{
    sp_cat_check *check = sp_catalog_add_check(s->c, t);
    s->nomem = s->nomem || !check;
    if (check)
        *check = (sp_cat_check){.name = name, .sql = sp_script_keep(s, sql), .column = column};
}

/* Behind REFERENCES. */
void sp_script_take_reference(script *s, sp_cat_table *t, const char *name, const char *const *names, uint32_t n)
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
        uint32_t m = sp_script_take_columns(s, &parents);
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
const named_type *sp_script_find_type(const script *s, const char *spelled)
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
    const named_type *known = sp_script_find_type(s, type->spelled);
    if (!known || (!c && known->type.domain)) /* lists of domains are taken by none but their own server */
        return;
    const char *spelled = type->spelled;
    *type = known->type;
    type->spelled = spelled;
    if (!c)
        return;
    c->not_null = c->not_null || known->not_null;
    if (known->check)
        sp_script_add_check(s, t, known->name, sp_str_of(known->check), (int32_t)(c - t->columns));
}

static bool is_serial(const char *type)
{
    return strstr(type, "serial") != NULL;
}

void sp_script_take_default(script *s, sp_cat_column *c)
{
    sp_str value = sp_script_take_until_clause(s);
    size_t open = 0;
    while (open < value.len && (value.p[open] == '(' || value.p[open] == ' '))
        open++;
    if (value.len >= open + 8 && sp_str_ieq((sp_str){value.p + open, 8}, "nextval("))
        c->auto_number = true;
    c->default_sql = sp_script_keep(s, value);
}

void sp_script_take_generated(script *s, sp_cat_column *c)
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
        sp_script_take_default(s, c);
    else if (sp_script_take(s, "primary key") || sp_script_take(s, "key"))
        sp_script_add_key(s, t, "", own, NULL, 1, true);
    else if (sp_script_take(s, "unique key") || sp_script_take(s, "unique"))
        sp_script_add_key(s, t, "", own, NULL, 1, false);
    else if (sp_script_take(s, "check"))
        sp_script_add_check(s, t, "", sp_script_take_inside(s), -1);
    else if (sp_script_take(s, "references"))
        sp_script_take_reference(s, t, "", own, 1);
    else if (sp_script_take(s, "generated"))
        sp_script_take_generated(s, c);
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
        c->on_update_sql = sp_script_keep(s, sp_script_take_until_clause(s));
    else if (sp_script_take(s, "virtual"))
        c->is_virtual = true;
    else if (sp_script_take(s, "invisible"))
        c->invisible = true;
    else if (sp_script_is_mark(s, '('))
        sp_script_take_inside(s);
    else
        sp_script_advance(s);
}

void sp_script_take_column(script *s, sp_cat_table *t)
{
    const char *name = sp_script_take_name(s);
    sp_cat_column *c = s->bad ? NULL : sp_catalog_add_column(s->c, t, name);
    if (!c)
        return;
    sp_str type = sp_script_ends_item(s) || begins_clause(s) ? sp_str_of("") : sp_script_take_until_clause(s);
    s->nomem = s->nomem || !sp_cat_type_parse(type, s->arena, &c->type);
    resolve_type(s, t, c, &c->type);
    c->auto_number = is_serial(c->type.name);
    while (!sp_script_ends_item(s) && !s->bad)
        take_clause(s, t, c);
}

/* NULLS NOT DISTINCT */
bool sp_script_take_nulls_alike(script *s)
{
    return sp_script_take(s, "nulls not distinct") || (sp_script_take(s, "nulls distinct") && false);
}

/* Not a column with that name. */
bool sp_script_begins_exclusion(const script *s)
{
    script ahead = *s;
    return sp_script_take(&ahead, "exclude using") ||
           (sp_script_take(&ahead, "exclude") && sp_script_is_mark(&ahead, '('));
}

/* EXCLUDE USING gist (room WITH =, during WITH &&): an index that no other server has. */
void sp_script_add_exclusion(script *s, sp_cat_table *t, const char *name)
{
    const char *from = s->at.raw.p;
    while (!sp_script_ends_item(s))
        if (sp_script_is_mark(s, '('))
            sp_script_take_inside(s);
        else
            sp_script_advance(s);
    sp_cat_index *index = sp_catalog_add_index(s->c, t);
    s->nomem = s->nomem || !index;
    if (index)
        *index = (sp_cat_index){.name = name, .sql = sp_script_keep(s, (sp_str){from, (size_t)(s->at.raw.p - from)})};
}
