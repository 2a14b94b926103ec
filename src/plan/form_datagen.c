/* form_datagen.c - the schemas of datagen-cli: a JSON document of tables with types and keys, in which a column may say how it is
 * made, or leave that to its name and type.
 *
 * A schema is read whole first, because keys lead from table to table. Then every table is put as spate's own form would say it
 * and read as that, so there is one reader of ranges, sets, cases and distributions, and one set of checks. */
#include "plan/form_datagen.h"

/* ---- keys ---- */

enum { R_VERSION, R_DATABASE, R_TABLES, R_SEQUENCES, R_TYPES, R_EXTENSIONS, R_SEED, R_NOW, R_LOCALE, R_COUNT };
static const char *const root_names[R_COUNT] = {
    [R_VERSION] = "version",    [R_DATABASE] = "database",     [R_TABLES] = "tables", [R_SEQUENCES] = "sequences",
    [R_TYPES] = "custom_types", [R_EXTENSIONS] = "extensions", [R_SEED] = "seed",     [R_NOW] = "now",
    [R_LOCALE] = "locale"};
static const sp_keys root_keys = {"a schema", root_names, R_COUNT};

enum { T_NAME, T_COLUMNS, T_PRIMARY, T_FOREIGN, T_UNIQUE, T_CHECK, T_INDEXES, T_ROWS, T_COMMENT, T_PLAN, T_COUNT };
static const char *const table_names[T_COUNT] = {[T_NAME] = "name",
                                                 [T_COLUMNS] = "columns",
                                                 [T_PRIMARY] = "primary_key",
                                                 [T_FOREIGN] = "foreign_keys",
                                                 [T_UNIQUE] = "unique_constraints",
                                                 [T_CHECK] = "check_constraints",
                                                 [T_INDEXES] = "indexes",
                                                 [T_ROWS] = "row_count",
                                                 [T_COMMENT] = "comment",
                                                 [T_PLAN] = "plan"};
static const sp_keys table_keys = {"a table", table_names, T_COUNT};

static const char *const column_names[D_COUNT] = {[D_NAME] = "name",
                                                  [D_TYPE] = "type",
                                                  [D_NULLABLE] = "nullable",
                                                  [D_DEFAULT] = "default",
                                                  [D_UNIQUE] = "unique",
                                                  [D_PRIMARY_KEY] = "primary_key",
                                                  [D_GENERATOR] = "generator",
                                                  [D_CONFIG] = "generator_config",
                                                  [D_COMMENT] = "comment",
                                                  [D_DISTRIBUTION] = "distribution",
                                                  [D_PATTERN] = "pattern",
                                                  [D_RULES] = "rules",
                                                  [D_PLAN] = "plan"};
static const sp_keys column_keys = {"a column", column_names, D_COUNT};

enum { K_COLUMNS, K_PARENT, K_TARGETS, K_DELETE, K_UPDATE, K_NAME, K_COUNT };
static const char *const foreign_names[K_COUNT] = {
    [K_COLUMNS] = "columns",  [K_PARENT] = "referenced_table", [K_TARGETS] = "referenced_columns",
    [K_DELETE] = "on_delete", [K_UPDATE] = "on_update",        [K_NAME] = "name"};
static const sp_keys foreign_keys = {"a foreign key", foreign_names, K_COUNT};

/* ---- parts ---- */

int sp_datagen_find_column(const datagen_table *t, sp_str name)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (sp_str_eq(t->columns[i].name, name))
            return (int)i;
    return -1;
}

static datagen_table *find_table(datagen *d, sp_str name)
{
    for (uint32_t i = 0; i < d->n; i++)
        if (sp_str_eq(d->tables[i].name, name))
            return &d->tables[i];
    return NULL;
}

/* The items of a list; a text alone is a list of one. NULL: it is neither, or empty, which is said. */
static const sp_node *const *items_of(datagen *d, const sp_node *node, const char *what, uint32_t *n)
{
    *n = 0;
    if (node->kind == SP_NODE_LIST && node->n) {
        *n = node->n;
        return node->items;
    }
    if (node->kind != SP_NODE_TEXT || !node->text.len) {
        sp_read_mistake(d->r, node, what);
        return NULL;
    }
    const sp_node **one = sp_read_make(d->r, 1, sizeof(*one));
    if (!one)
        return NULL;
    *one = node;
    *n = 1;
    return one;
}

static const char *nearest_column(const datagen_table *t, sp_str name)
{
    const char *names[64];
    uint32_t n = SP_MIN(t->n, (uint32_t)SP_COUNT(names));
    for (uint32_t i = 0; i < n; i++)
        names[i] = t->columns[i].name.p;
    return sp_nearest(name, names, n);
}

/* The columns that a list names. False: some are none, which is said. */
static bool read_columns_of(datagen *d, const datagen_table *t, const sp_node *node, const uint32_t **columns,
                            uint32_t *n)
{
    const sp_node *const *items = items_of(d, node, "a list of columns, such as [\"id\"]", n);
    uint32_t *found = items ? sp_read_make(d->r, *n, sizeof(*found)) : NULL;
    bool good = found != NULL;
    for (uint32_t i = 0; found && i < *n; i++) {
        sp_str name = {"", 0};
        int at = sp_read_text(d->r, items[i], "the name of a column", &name) ? sp_datagen_find_column(t, name) : -2;
        const char *near = at == -1 ? nearest_column(t, name) : NULL;
        if (at == -1)
            sp_mistake(d->r->m, items[i]->mark, name, "is no column of the table \"%.*s\"%s%s%s", SP_SHOW(t->name),
                       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        good = good && at >= 0;
        found[i] = (uint32_t)SP_MAX(at, 0);
    }
    *columns = found;
    return good;
}

static sp_str name_of(datagen *d, const sp_node *node, sp_mark at, const char *of, sp_mark *mark)
{
    return sp_str_of(sp_read_name(d->r, node, at, of, mark));
}

/* ---- types ---- */

/* The labels of an enumeration: what stands between single quotes in ENUM ('a', 'b'), or a list. */
static const sp_node *labels_of(datagen *d, const sp_node *type)
{
    const sp_node *definition = sp_node_value(type, "definition"), *values = sp_node_value(type, "values");
    const sp_node *items[256];
    uint32_t n = 0;
    if (values && values->kind == SP_NODE_LIST)
        return values;
    if (!definition || definition->kind != SP_NODE_TEXT)
        return definition && definition->kind == SP_NODE_LIST ? definition : NULL;
    sp_str s = definition->text;
    for (const char *p = s.p, *end = s.p + s.len; n < SP_COUNT(items);) {
        const char *open = p < end ? memchr(p, '\'', (size_t)(end - p)) : NULL;
        const char *close = open ? memchr(open + 1, '\'', (size_t)(end - open - 1)) : NULL;
        if (!close)
            break;
        items[n++] = sp_make_text(d->r, definition->mark, (sp_str){open + 1, (size_t)(close - open) - 1});
        p = close + 1;
    }
    return n ? sp_make_list(d->r, definition->mark, items, n) : NULL;
}

static void read_type(datagen *d, const sp_node *types, datagen_column *c);

/* A field of a composite type: its name, and as much of the text as is its type. */
static sp_str take_field(sp_str *s, sp_str *type)
{
    size_t depth = 0, n = 0, name = 0;
    while (s->len && strchr(" \t\n(", s->p[0]))
        s->p++, s->len--;
    for (; n < s->len && (depth || s->p[n] != ','); n++)
        depth = s->p[n] == '(' ? depth + 1 : s->p[n] == ')' && depth ? depth - 1 : depth;
    while (name < n && s->p[name] != ' ')
        name++;
    sp_str field = {s->p, name};
    *type = (sp_str){s->p + name, n - name};
    while (type->len && type->p[0] == ' ')
        type->p++, type->len--;
    while (type->len && strchr(" \t\n", type->p[type->len - 1]))
        type->len--;
    s->p += SP_MIN(n + 1, s->len);
    s->len -= SP_MIN(n + 1, s->len);
    if (field.len > 1 && field.p[0] == '"')
        field = (sp_str){field.p + 1, field.len - 2};
    return field;
}

/* The text of a definition without AS and the parentheses around it: a varchar(40), b int. */
static sp_str inside(sp_str s)
{
    const char *open = memchr(s.p, '(', s.len);
    if (!open)
        return s;
    s.len -= (size_t)(open + 1 - s.p);
    s.p = open + 1;
    while (s.len && s.p[s.len - 1] != ')')
        s.len--;
    s.len -= s.len > 0;
    return s;
}

enum { FIELDS_MAX = 64 };

/* A type with fields, which are said as "(street varchar(40), zip char(5))" or as an object. */
static bool read_fields(datagen *d, const sp_node *types, const sp_node *definition, datagen_column *c)
{
    datagen_table *t = sp_read_make(d->r, 1, sizeof(*t));
    if (!t || !definition || (definition->kind != SP_NODE_TEXT && definition->kind != SP_NODE_MAP))
        return false;
    *t = (datagen_table){
        .name = c->name, .mark = definition->mark, .columns = sp_read_make(d->r, FIELDS_MAX, sizeof(*t->columns))};
    sp_str text = definition->kind == SP_NODE_TEXT ? inside(definition->text) : (sp_str){"", 0};
    for (uint32_t i = 0;
         t->columns && i < FIELDS_MAX && (definition->kind == SP_NODE_MAP ? i < definition->n : text.len > 0); i++) {
        sp_str type, name = {"", 0};
        datagen_column *f = &t->columns[t->n++];
        const sp_node *node = definition->kind == SP_NODE_MAP ? definition->pairs[i].value : NULL;
        if (!node) {
            name = take_field(&text, &type);
            node = sp_make_text(d->r, definition->mark, type);
        }
        *f = (datagen_column){.mark = definition->mark};
        f->name = definition->kind == SP_NODE_MAP ? definition->pairs[i].key->text
                                                  : sp_make_text(d->r, definition->mark, name)->text;
        f->v[D_TYPE] = node->kind == SP_NODE_MAP ? sp_node_value(node, "type") : node;
        read_type(d, types, f);
        if (!f->type)
            return false;
    }
    t->demands.columns = sp_read_make(d->r, FIELDS_MAX, sizeof(*t->demands.columns));
    for (uint32_t i = 0; i < t->n; i++)
        t->columns[i].words = sp_datagen_words(d, t, &t->columns[i]);
    c->fields = t;
    c->sql = sp_str_of("text");
    return t->n > 0 && t->demands.columns;
}

/* Fields may be of composite types themselves; one within itself has no end. */
static bool read_composite(datagen *d, const sp_node *types, const sp_node *definition, datagen_column *c)
{
    if (d->depth == DATAGEN_DEPTH_MAX)
        return false;
    d->within[d->depth++] = c->name;
    bool good = read_fields(d, types, definition, c);
    d->depth--;
    return good;
}

/* A type of the schema's own: an enumeration has its labels, a domain the type it stands for, a composite type its fields. */
static bool read_own_type(datagen *d, const sp_node *types, const sp_node *type, datagen_column *c)
{
    const sp_node *kind = sp_node_value(type, "kind"), *definition = sp_node_value(type, "definition");
    bool is_enum = (kind && kind->kind == SP_NODE_TEXT && sp_str_ieq(kind->text, "enum")) || type->kind == SP_NODE_LIST;
    if (is_enum) {
        c->labels = type->kind == SP_NODE_LIST ? type : labels_of(d, type);
        if (c->labels)
            c->sql = sp_str_of("enum");
        return c->labels != NULL;
    }
    if (kind && kind->kind == SP_NODE_TEXT && sp_str_ieq(kind->text, "domain") && definition &&
        definition->kind == SP_NODE_TEXT) {
        sp_str s = definition->text;
        for (size_t i = 0; i + 5 <= s.len; i++) /* what it demands of its values is not looked at */
            if (sp_str_ieq((sp_str){s.p + i, 5}, "check"))
                s.len = i;
        while (s.len && s.p[s.len - 1] == ' ')
            s.len--;
        c->sql = (sp_str){sp_arena_strndup(&d->r->plan->arena, s.p, s.len), s.len};
        return c->sql.p != NULL;
    }
    if (kind && kind->kind == SP_NODE_TEXT && sp_str_ieq(kind->text, "composite"))
        return read_composite(d, types, definition ? definition : sp_node_value(type, "fields"), c);
    return false;
}

static void read_type(datagen *d, const sp_node *types, datagen_column *c)
{
    const sp_node *node = c->v[D_TYPE];
    char why[SP_TYPE_WHY_MAX];
    if (!node) {
        sp_mistake(d->r->m, c->mark, c->name, "needs a \"type\"");
        return;
    }
    if (!sp_read_text(d->r, node, "a SQL type", &c->sql))
        return;
    const sp_node *own = types && types->kind == SP_NODE_MAP ? sp_node_value(types, c->sql.p) : NULL;
    if (own && !read_own_type(d, types, own, c)) {
        sp_mistake(
            d->r->m, node->mark, node->text,
            "is a type of the schema's own that no values can be made of: enum, domain, and composite types (8 within one another at most) can");
        return;
    }
    if (!own && sp_str_ieq((sp_str){c->sql.p, strcspn(c->sql.p, "( ")}, "string")) {
        sp_mistake(d->r->m, node->mark, c->sql, "is no type of PostgreSQL: \"text\" is, and \"varchar\"");
        return;
    }
    c->type = sp_type_parse(c->labels ? sp_str_of("text") : c->sql, &d->r->plan->arena, why);
    if (!c->type && why[0])
        sp_mistake(d->r->m, node->mark, c->sql, "%s", c->sql.len ? why : "expected a SQL type");
    else if (!c->type)
        d->r->nomem = d->r->stop = true;
}

/* ---- sequences ---- */

const sp_node *sp_datagen_count(const sp_node *sequence, datagen_count what)
{
    static const char *const names[][4] = {{"start", "start_value", "start_with", "startValue"},
                                           {"increment", "increment_by", "step", "incrementBy"}};
    const sp_node *found = NULL;
    for (size_t i = 0; sequence && !found && i < SP_COUNT(names[0]); i++)
        found = sp_node_value(sequence, names[what][i]);
    return found && found->kind == SP_NODE_TEXT && !sp_node_is_null(found) ? found : NULL;
}

/* A sequence by its name; a list has them with a "name". */
static const sp_node *find_sequence(const datagen *d, sp_str name)
{
    for (uint32_t i = 0; d->sequences && d->sequences->kind != SP_NODE_TEXT && i < d->sequences->n; i++) {
        bool map = d->sequences->kind == SP_NODE_MAP;
        const sp_node *it = map ? d->sequences->pairs[i].value : d->sequences->items[i];
        const sp_node *own = map ? d->sequences->pairs[i].key : sp_node_value(it, "name");
        if (own && own->kind == SP_NODE_TEXT && sp_str_eq(own->text, name))
            return it;
    }
    return NULL;
}

/* The sequence that a default takes its numbers from: nextval('name'). */
static void read_sequence(datagen *d, datagen_column *c)
{
    const sp_node *node = c->v[D_DEFAULT];
    static const char call[] = "nextval(";
    if (!node || node->kind != SP_NODE_TEXT || node->text.len < sizeof(call) ||
        !sp_str_ieq((sp_str){node->text.p, sizeof(call) - 1}, call))
        return;
    const char *open = memchr(node->text.p, '\'', node->text.len);
    const char *close = open ? memchr(open + 1, '\'', node->text.len - (size_t)(open - node->text.p) - 1) : NULL;
    sp_str name = close ? (sp_str){open + 1, (size_t)(close - open) - 1} : (sp_str){"", 0};
    c->sequence = find_sequence(d, name);
    if (d->sequences && !c->sequence)
        sp_mistake(d->r->m, node->mark, name, "is no sequence of this schema");
}

/* ---- tables and columns ---- */

static void read_column(datagen *d, const sp_node *types, datagen_column *c, const sp_node *key, const sp_node *node)
{
    *c = (datagen_column){.name = key ? key->text : sp_str_of(""), .mark = key ? key->mark : node->mark};
    if (node->kind == SP_NODE_TEXT && key) { /* "id": "serial" */
        c->v[D_TYPE] = node;
    } else if (node->kind != SP_NODE_MAP) {
        sp_read_mistake(d->r, node, "a column: an object with its type");
        return;
    } else {
        sp_read_keys(d->r, node, &column_keys, c->v);
    }
    if (!key || c->v[D_NAME])
        c->name = name_of(d, c->v[D_NAME], node->mark, "a column", &c->mark);
    c->nullable = sp_read_flag(d->r, c->v[D_NULLABLE]);
    c->unique = sp_read_flag(d->r, c->v[D_UNIQUE]);
    c->primary = sp_read_flag(d->r, c->v[D_PRIMARY_KEY]);
    read_type(d, types, c);
    read_sequence(d, c);
    if (c->v[D_PLAN] && c->v[D_PLAN]->kind != SP_NODE_MAP) {
        sp_read_mistake(d->r, c->v[D_PLAN], "an object: what spate's own form says of a column");
        c->v[D_PLAN] = NULL;
    }
}

/* An object by name, or a list of objects with a name: the i-th of them, and its key. */
static const sp_node *entry_of(const sp_node *node, uint32_t i, const sp_node **key)
{
    *key = node->kind == SP_NODE_MAP ? node->pairs[i].key : NULL;
    return node->kind == SP_NODE_MAP ? node->pairs[i].value : node->items[i];
}

static void read_columns(datagen *d, datagen_table *t, const sp_node *node, const sp_node *types)
{
    const sp_node *key;
    if (!node || node->kind == SP_NODE_TEXT || !node->n) {
        sp_mistake(d->r->m, node ? node->mark : t->mark, t->name, "needs \"columns\": one at least");
        return;
    }
    if (node->n > SP_COLUMNS_MAX) {
        sp_mistake(d->r->m, node->mark, (sp_str){0}, "expected at most %d columns, found %u", SP_COLUMNS_MAX, node->n);
        return;
    }
    t->columns = sp_read_make(d->r, node->n, sizeof(*t->columns));
    for (uint32_t i = 0; t->columns && i < node->n && !d->r->stop; i++) {
        const sp_node *value = entry_of(node, i, &key);
        read_column(d, types, &t->columns[i], key, value);
        t->n = i + 1;
    }
}

static void read_rows(datagen *d, datagen_table *t, const sp_node *node)
{
    sp_str text;
    if (!node)
        sp_mistake(d->r->m, t->mark, t->name, "needs \"row_count\": how many");
    else if (sp_read_text(d->r, node, "a number of rows", &text) &&
             (!sp_scalar_rows(text, &t->n_rows) || t->n_rows <= 0))
        sp_read_mistake(d->r, node, "a number of rows above 0");
    t->rows = node;
}

static void read_table(datagen *d, datagen_table *t, const sp_node *key, const sp_node *node, const sp_node *types,
                       const sp_node **v)
{
    *t = (datagen_table){.name = key ? key->text : sp_str_of(""), .mark = key ? key->mark : node->mark};
    if (node->kind != SP_NODE_MAP) {
        sp_read_mistake(d->r, node, "a table: an object with columns and row_count");
        return;
    }
    sp_read_keys(d->r, node, &table_keys, v);
    if (!key || v[T_NAME])
        t->name = name_of(d, v[T_NAME], node->mark, "a table", &t->mark);
    t->uniques = v[T_UNIQUE];
    t->checks = v[T_CHECK];
    t->indexes = v[T_INDEXES];
    t->comment = v[T_COMMENT];
    t->plan = v[T_PLAN] && v[T_PLAN]->kind == SP_NODE_MAP ? v[T_PLAN] : NULL;
    read_rows(d, t, v[T_ROWS]);
    read_columns(d, t, v[T_COLUMNS], types);
}

/* ---- what tables say of their columns ---- */

static void read_primary_key(datagen *d, datagen_table *t, const sp_node *node)
{
    const uint32_t *columns;
    uint32_t n;
    if (node && (node->kind != SP_NODE_LIST || node->n) && read_columns_of(d, t, node, &columns, &n))
        for (uint32_t i = 0; i < n; i++)
            t->columns[columns[i]].primary = true;
    for (uint32_t i = 0; i < t->n; i++)
        t->n_primary += t->columns[i].primary;
    for (uint32_t i = 0; i < t->n; i++)
        t->columns[i].nullable = t->columns[i].nullable && !t->columns[i].primary;
}

static void read_foreign_key(datagen *d, datagen_table *t, const sp_node *node)
{
    const sp_node *v[K_COUNT] = {0};
    datagen_foreign *f = &t->foreign[t->n_foreign];
    uint32_t n = 0;
    const uint32_t *there;
    if (node->kind != SP_NODE_MAP) {
        sp_read_mistake(d->r, node, "a foreign key: an object with columns, referenced_table and referenced_columns");
        return;
    }
    sp_read_keys(d->r, node, &foreign_keys, v);
    for (int k = K_COLUMNS; k <= K_TARGETS; k++)
        if (!v[k]) {
            sp_mistake(d->r->m, node->mark, (sp_str){0}, "a foreign key needs \"%s\"", foreign_names[k]);
            return;
        }
    *f = (datagen_foreign){.node = node, .mark = v[K_PARENT]->mark};
    if (!sp_read_text(d->r, v[K_PARENT], "the name of a table", &f->parent))
        return;
    const datagen_table *parent = find_table(d, f->parent);
    if (!parent) {
        sp_mistake(d->r->m, f->mark, f->parent, "is no table of this schema");
        return;
    }
    bool good = read_columns_of(d, t, v[K_COLUMNS], &f->columns, &f->n);
    good = read_columns_of(d, parent, v[K_TARGETS], &there, &n) && good;
    f->targets = good ? items_of(d, v[K_TARGETS], "a list of columns", &n) : NULL;
    if (good && f->n != n)
        sp_mistake(d->r->m, v[K_TARGETS]->mark, (sp_str){0}, "expected as many columns as refer to them: %u, found %u",
                   f->n, n);
    t->n_foreign += good && f->n == n && f->targets;
}

/* A column that several keys have is of the widest, which brings the others' along. */
static void read_foreign_keys(datagen *d, datagen_table *t, const sp_node *node)
{
    if (!node)
        return;
    if (node->kind != SP_NODE_LIST) {
        sp_read_mistake(d->r, node, "a list of foreign keys");
        return;
    }
    t->foreign = sp_read_make(d->r, SP_MAX(node->n, 1u), sizeof(*t->foreign));
    for (uint32_t i = 0; t->foreign && i < node->n; i++)
        read_foreign_key(d, t, node->items[i]);
    for (uint32_t i = 0; i < t->n_foreign; i++)
        for (uint32_t k = 0; k < t->foreign[i].n; k++) {
            datagen_column *c = &t->columns[t->foreign[i].columns[k]];
            if (c->foreign && c->foreign->n >= t->foreign[i].n)
                continue;
            c->foreign = &t->foreign[i];
            c->foreign_at = k;
        }
}

static bool is_alone(const datagen_table *t, uint32_t column)
{
    const datagen_column *c = &t->columns[column];
    return c->unique || (c->primary && t->n_primary == 1);
}

/* How well a column may keep the rows of a key apart, by having no value twice. */
static int keeps_apart(const datagen_column *c)
{
    if (c->foreign || c->labels || c->v[D_GENERATOR] || c->v[D_DISTRIBUTION] || c->v[D_RULES] || !c->type)
        return -1;
    switch (c->type->kind) {
    case SP_I32:
    case SP_I64: return 4;
    case SP_UUID: return 3;
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: return 2;
    case SP_TEXT: return !c->type->other && (c->type->length == 0 || c->type->length >= 16) ? 1 : -1;
    default: return -1;
    }
}

/* References and enumerations have so many combinations that the generator can see to it, as it does for primary keys. */
static bool can_combine(const datagen_table *t, const uint32_t *columns, uint32_t n)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (t->columns[i].combines) /* for another key */
            return false;
    for (uint32_t i = 0; i < n; i++) {
        const datagen_column *c = &t->columns[columns[i]];
        bool chosen = c->foreign ? c->foreign->n == 1 && !sp_str_eq(c->foreign->parent, t->name)
                                 : c->labels && !c->v[D_DISTRIBUTION] && !c->v[D_GENERATOR];
        if (!chosen || c->nullable || c->v[D_RULES])
            return false;
    }
    return true;
}

/* A key of several columns holds when one of them does; else rows that have it twice are made once. */
static void read_wide_unique(datagen *d, datagen_table *t, const uint32_t *columns, uint32_t n, const sp_node *node)
{
    int best = -1, how = -1;
    for (uint32_t i = 0; i < n; i++) {
        if (is_alone(t, columns[i]))
            return;
        if (keeps_apart(&t->columns[columns[i]]) > how) {
            how = keeps_apart(&t->columns[columns[i]]);
            best = (int)columns[i];
        }
    }
    if (how > 0)
        t->columns[best].unique = true;
    else if (t->n_primary == 0 && can_combine(t, columns, n))
        for (uint32_t i = 0; i < n; i++)
            t->columns[columns[i]].combines = true;
    else if (!t->distinct)
        t->distinct = node;
    else {
        t->unkept = node;
        sp_warning(d->r->m, node->mark, (sp_str){0}, "a second unique key of several columns is not kept on purpose");
    }
}

static void read_unique(datagen *d, datagen_table *t, const sp_node *node)
{
    const uint32_t *columns;
    uint32_t n;
    for (uint32_t i = 0; node && node->kind == SP_NODE_LIST && i < node->n; i++) {
        const sp_node *list =
            node->items[i]->kind == SP_NODE_MAP ? sp_node_value(node->items[i], "columns") : node->items[i];
        if (!list)
            sp_mistake(d->r->m, node->items[i]->mark, (sp_str){0}, "expected a unique key: {\"columns\": [\"email\"]}");
        else if (!read_columns_of(d, t, list, &columns, &n))
            continue;
        else if (n == 1)
            t->columns[columns[0]].unique = true;
        else
            read_wide_unique(d, t, columns, n, list);
    }
}

/* Indexes that are unique are unique keys. */
static void read_indexes(datagen *d, datagen_table *t, const sp_node *node)
{
    const uint32_t *columns;
    uint32_t n;
    for (uint32_t i = 0; node && node->kind == SP_NODE_LIST && i < node->n; i++) {
        const sp_node *list = sp_node_value(node->items[i], "columns"),
                      *unique = sp_node_value(node->items[i], "unique");
        if (!list || !read_columns_of(d, t, list, &columns, &n) || !sp_read_flag(d->r, unique))
            continue;
        if (n == 1)
            t->columns[columns[0]].unique = true;
        else
            read_wide_unique(d, t, columns, n, list);
    }
}

static void read_checks(datagen *d, datagen_table *t, const sp_node *node)
{
    uint32_t most = node && node->kind == SP_NODE_LIST ? node->n : 0;
    sp_conditions all = {.names = sp_read_make(d->r, t->n + 1, sizeof(*all.names)),
                         .n_names = t->n,
                         .items = sp_read_make(d->r, most + 1, sizeof(*all.items)),
                         .plain = true};
    const sp_node **nodes = sp_read_make(d->r, most + 1, sizeof(*nodes));
    if (!all.names || !all.items || !nodes)
        return;
    for (uint32_t i = 0; i < t->n; i++)
        all.names[i] = t->columns[i].name.p;
    for (uint32_t i = 0; i < most; i++) {
        const sp_node *it = node->items[i], *sql = it->kind == SP_NODE_MAP ? sp_node_value(it, "expression") : it;
        if (!sql || sql->kind != SP_NODE_TEXT || !sql->text.len) {
            sp_mistake(d->r->m, it->mark, (sp_str){0}, "expected a check: {\"expression\": \"price > 0\"}");
            continue;
        }
        nodes[all.n] = sql;
        all.items[all.n++] = (sp_condition){sql->text.p, -1};
    }
    if (!sp_demands_read(&all, NULL, &d->r->plan->arena, &t->demands))
        d->r->nomem = d->r->stop = true;
    for (uint32_t i = 0; i < t->demands.n_unread; i++)
        sp_warning(d->r->m, nodes[t->demands.unread[i] - all.items]->mark, sp_str_of(t->demands.unread[i]->sql),
                   "is a check that is not kept on purpose");
}

/* ---- the form ---- */

/* Only these schemas name their database, or have their tables by name. */
bool sp_is_datagen_form(const sp_node *root)
{
    const sp_node *tables = sp_node_value(root, "tables");
    return sp_node_value(root, "database") || (tables && tables->kind == SP_NODE_MAP && tables->n);
}

static void read_head(datagen *d, const sp_node *root, const sp_node *const *v)
{
    const sp_node *name = v[R_DATABASE] ? sp_node_value(v[R_DATABASE], "name") : NULL;
    if (!v[R_VERSION] || v[R_VERSION]->kind != SP_NODE_TEXT || !v[R_VERSION]->text.len)
        sp_mistake(d->r->m, root->mark, (sp_str){0}, "required field 'version' is missing or empty");
    if (!name || name->kind != SP_NODE_TEXT || !name->text.len)
        sp_mistake(d->r->m, v[R_DATABASE] ? v[R_DATABASE]->mark : root->mark, (sp_str){0},
                   "required field 'database.name' is missing or empty");
    else
        d->r->plan->database = name->text.p;
    sp_str text;
    if (v[R_SEED] && sp_read_text(d->r, v[R_SEED], "a seed", &text) && !sp_scalar_u64(text, &d->r->plan->seed))
        sp_read_mistake(d->r, v[R_SEED], "a seed: a whole number from 0 to 18446744073709551615");
    if (v[R_NOW] && sp_read_text(d->r, v[R_NOW], "a timestamp", &text) &&
        !sp_parse_timestamp(text, &d->r->plan->now_us))
        sp_read_mistake(d->r, v[R_NOW], "a timestamp, such as 2026-01-01 or 2026-01-01T12:00:00Z");
    if (v[R_LOCALE])
        sp_read_locale(d->r, v[R_LOCALE], &d->r->locales);
}

/* The table as spate's own form says it. */
static const sp_node *own_table(datagen *d, const datagen_table *t)
{
    datagen_list columns = {.items = sp_read_make(d->r, sp_datagen_room(t), sizeof(*columns.items))};
    for (uint32_t i = 0; columns.items && i < t->n; i++)
        sp_datagen_column(d, t, i, &columns);
    sp_node_making m = {.r = d->r, .at = t->mark};
    sp_make_pair(&m, "name", sp_make_text(d->r, t->mark, t->name));
    sp_make_pair(&m, "rows",
                 t->n_rows > 0 ? t->rows : sp_make_text(d->r, t->mark, sp_str_of("1"))); /* or it has been said */
    sp_make_pair(&m, "columns", sp_make_list(d->r, t->mark, columns.items, columns.n));
    sp_make_pair(&m, "distinct", t->distinct);
    for (uint32_t i = 0; t->plan && i < t->plan->n && m.n < SP_NODE_PAIRS; i++)
        sp_make_pair(&m, t->plan->pairs[i].key->text.p, t->plan->pairs[i].value);
    return sp_make_map(&m);
}

static void read_keys_of_tables(datagen *d, const sp_node *(*v)[T_COUNT])
{
    for (uint32_t i = 0; i < d->n && !d->r->stop; i++) {
        datagen_table *t = &d->tables[i];
        read_primary_key(d, t, v[i][T_PRIMARY]);
        if (v[i][T_FOREIGN])
            read_foreign_keys(d, t, v[i][T_FOREIGN]);
    }
    for (uint32_t i = 0; i < d->n && !d->r->stop; i++) {
        read_unique(d, &d->tables[i], v[i][T_UNIQUE]);
        read_indexes(d, &d->tables[i], v[i][T_INDEXES]);
        read_checks(d, &d->tables[i], v[i][T_CHECK]);
        for (uint32_t k = 0; k < d->tables[i].n; k++)
            d->tables[i].columns[k].words = sp_datagen_words(d, &d->tables[i], &d->tables[i].columns[k]);
    }
}

static void read_tables(datagen *d, const sp_node *node, const sp_node *types)
{
    const sp_node *key, *(*v)[T_COUNT] = sp_read_make(d->r, node->n, sizeof(*v));
    d->tables = sp_read_make(d->r, node->n, sizeof(*d->tables));
    if (!v || !d->tables || !sp_read_make_tables(d->r, node->n, node))
        return;
    for (; d->n < node->n && !d->r->stop; d->n++) {
        const sp_node *value = entry_of(node, d->n, &key);
        read_table(d, &d->tables[d->n], key, value, types, v[d->n]);
    }
    read_keys_of_tables(d, v);
    if (!d->r->m->n_errors)
        sp_datagen_create(d, types);
    for (uint32_t i = 0; i < d->n && !d->r->stop; i++)
        if (d->tables[i].n)
            sp_read_table(d->r, &d->r->plan->tables[d->r->plan->n_tables++], own_table(d, &d->tables[i]));
}

void sp_read_datagen_form(sp_plan_reader *r, const sp_node *root)
{
    const sp_node *v[R_COUNT] = {0};
    datagen d = {.r = r};
    if (root->kind != SP_NODE_MAP) {
        sp_read_mistake(r, root, "a schema: an object");
        return;
    }
    sp_read_keys(r, root, &root_keys, v);
    d.sequences = v[R_SEQUENCES];
    read_head(&d, root, v);
    if (!v[R_TABLES] || v[R_TABLES]->kind == SP_NODE_TEXT || !v[R_TABLES]->n)
        sp_mistake(r->m, v[R_TABLES] ? v[R_TABLES]->mark : root->mark, (sp_str){0},
                   "a schema needs \"tables\": one at least");
    else
        read_tables(&d, v[R_TABLES], v[R_TYPES]);
}
