/* catalog_parts.c - tables that are parts of others, as scripts have them: PostgreSQL's partitions (PARTITION OF, ATTACH PARTITION), which
 * stand there as tables of their own, MariaDB's, which stand behind their table's columns, and tables that inherit columns.
 *
 * Rows go to the table that is parted, never to a part. So what all parts together take becomes a condition of it, and what a part
 * refers to is referred to by all its rows. */
#include "endpoint/catalog_script.h"

/* ---- inheritance ----------------------------------------------------------------------------- */

/* A check that the heir has too, of the same column. */
static bool inherit_checks(script *s, sp_cat_table *t, const sp_cat_table *from)
{
    for (uint32_t i = 0; i < from->n_checks; i++) {
        sp_cat_check *check = sp_catalog_add_check(s->c, t);
        if (!check)
            return false;
        *check = from->checks[i];
        if (check->column >= 0)
            check->column = sp_catalog_find_column(t, sp_str_of(from->columns[check->column].name));
    }
    return true;
}

static bool inherit(script *s, uint32_t heir, uint32_t from)
{
    sp_cat_table *t = &s->c->tables[heir];
    const sp_cat_table *parent = &s->c->tables[from];
    for (uint32_t i = 0; i < parent->n_columns; i++) {
        int at = sp_catalog_find_column(t, sp_str_of(parent->columns[i].name));
        sp_cat_column *column = at < 0 ? sp_catalog_add_column(s->c, t, "") : NULL;
        if (at >= 0)
            t->columns[at].not_null = t->columns[at].not_null || parent->columns[i].not_null;
        else if (column)
            *column = parent->columns[i];
        else
            return false;
    }
    return inherit_checks(s, t, parent);
}

void sp_script_take_inherits(script *s, uint32_t table)
{
    if (!sp_script_take_mark(s, '('))
        return;
    do {
        const char *space, *name = sp_script_take_qualified(s, &space);
        int parent = s->bad ? -1 : sp_catalog_find_table(s->c, space, name);
        if (parent >= 0 && !inherit(s, table, (uint32_t)parent))
            s->nomem = true;
    } while (!s->bad && sp_script_take_mark(s, ','));
    sp_script_take_mark(s, ')');
}

/* ---- what a part takes ----------------------------------------------------------------------- */

/* The texts between commas that stand in no parentheses. */
static const char **take_items(script *s, uint32_t *n)
{
    sp_str inside = sp_script_take_inside(s);
    const char **items = sp_arena_alloc(s->arena, inside.len + 1, sizeof(*items));
    s->nomem = s->nomem || !items;
    *n = 0;
    char quote = 0;
    unsigned depth = 0;
    for (size_t i = 0, from = 0; items && i <= inside.len; i++) {
        char c = i < inside.len ? inside.p[i] : ',';
        bool plain = !quote || i == inside.len;
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '\'' || c == '"' || c == '`')
            quote = c;
        depth += plain && c == '(';
        depth -= plain && c == ')' && depth;
        if (!plain || c != ',' || (depth && i < inside.len))
            continue;
        sp_str item = sp_str_trim((sp_str){inside.p + from, i - from});
        if (item.len)
            items[(*n)++] = sp_script_keep(s, item);
        from = i + 1;
    }
    return items;
}

static bool is_edge(const char *value)
{
    return sp_str_ieq(sp_str_of(value), "minvalue") || sp_str_ieq(sp_str_of(value), "maxvalue");
}

/* "a AND b"; either may be NULL. */
static const char *joined(script *s, const char *a, const char *word, const char *b)
{
    if (!a || !b)
        return a ? a : b;
    const char *text = sp_arena_printf(s->arena, "%s %s %s", a, word, b);
    s->nomem = s->nomem || !text;
    return text;
}

static const char *compared(script *s, const char *key, const char *op, const char *value)
{
    const char *text = sp_arena_printf(s->arena, "%s %s %s", key, op, value);
    s->nomem = s->nomem || !text;
    return text;
}

/* Rows from one tuple up to another: of the first key whose ends differ, without the ends where the keys behind it would have to be
 * looked at. NULL: no bound. */
static const char *range_bound(script *s, const sp_parted *of, const char **low, const char **high, uint32_t n)
{
    const char *bound = NULL;
    uint32_t i = 0;
    for (; i + 1 < n && strcmp(low[i], high[i]) == 0; i++)
        bound = joined(s, bound, "AND", compared(s, of->keys[i], "=", low[i]));
    bool whole = i + 1 == n || sp_str_ieq(sp_str_of(low[i + 1]), "minvalue");
    if (!is_edge(low[i]))
        bound = joined(s, bound, "AND", compared(s, of->keys[i], whole ? ">=" : ">", low[i]));
    if (!is_edge(high[i]))
        bound = joined(s, bound, "AND", compared(s, of->keys[i], "<", high[i]));
    return bound;
}

/* key IN (...): a null is none of them. */
static const char *list_bound(script *s, const sp_parted *of, const char **values, uint32_t n)
{
    const char *list = NULL;
    for (uint32_t i = 0; i < n; i++)
        if (!sp_str_ieq(sp_str_of(values[i]), "null"))
            list = joined(s, list, ",", values[i]);
    const char *key = of->n_keys ? of->keys[0] : NULL;
    const char *text =
        list && of->n_keys == 1 ? sp_arena_printf(s->arena, "%s IS NOT NULL AND %s IN (%s)", key, key, list) : NULL;
    s->nomem = s->nomem || (list && of->n_keys == 1 && !text);
    return text;
}

static const sp_parted *parting_of(const script *s, uint32_t table)
{
    for (uint32_t i = 0; i < s->n_parted; i++)
        if (s->parted[i].table == table)
            return &s->parted[i];
    return NULL;
}

/* FOR VALUES FROM (...) TO (...), FOR VALUES IN (...), FOR VALUES WITH (...), DEFAULT */
static const char *take_bound(script *s, uint32_t parent)
{
    const sp_parted *of = parting_of(s, parent);
    uint32_t n, m;
    if (!sp_script_take(s, "for values") || !of)
        return NULL;
    if (sp_script_take(s, "in")) {
        const char **values = take_items(s, &n);
        return s->bad || !of->list ? NULL : list_bound(s, of, values, n);
    }
    if (!sp_script_take(s, "from"))
        return NULL;
    const char **low = take_items(s, &n);
    if (!sp_script_take(s, "to"))
        return NULL;
    const char **high = take_items(s, &m);
    return s->bad || !of->range || n != m || n != of->n_keys || !n ? NULL : range_bound(s, of, low, high, n);
}

static void add_part(script *s, uint32_t table, uint32_t parent)
{
    const char *bound = take_bound(s, parent);
    sp_part *part = SP_SCRIPT_ADD(s, parts);
    if (part)
        *part = (sp_part){.table = table, .parent = parent, .bound = bound};
}

void sp_script_take_attached(script *s, uint32_t parent)
{
    const char *space, *name = sp_script_take_qualified(s, &space);
    int table = s->bad ? -1 : sp_catalog_find_table(s->c, space, name);
    if (table >= 0 && (uint32_t)table != parent)
        add_part(s, (uint32_t)table, parent);
}

void sp_script_take_partition_of(script *s, const char *space, const char *name)
{
    const char *parent_space, *parent_name = sp_script_take_qualified(s, &parent_space);
    int parent = s->bad ? -1 : sp_catalog_find_table(s->c, parent_space, parent_name);
    sp_cat_table *t = parent < 0 ? NULL : sp_catalog_add_table(s->c, space, name);
    if (!t) {
        s->bad = true;
        return;
    }
    uint32_t table = s->c->n_tables - 1;
    s->nomem = s->nomem || !inherit(s, table, (uint32_t)parent);
    if (sp_script_is_mark(s, '('))
        sp_script_take_inside(s);
    add_part(s, table, (uint32_t)parent);
    if (sp_script_take(s, "partition by"))
        sp_script_take_partitions(s, table);
}

/* ---- MariaDB's -------------------------------------------------------------------------------- */

/* PARTITION name VALUES LESS THAN (...) or VALUES IN (...): the last of ranges, and all lists, say what is taken. */
static void take_own_parts(script *s, uint32_t table, const sp_parted *of)
{
    const char *bound = NULL;
    bool any = false;
    sp_script_advance(s);
    while (s->at.kind != T_END && !sp_script_is_mark(s, ')')) {
        uint32_t n;
        const char **values, *more = NULL;
        if (sp_script_take(s, "values less than")) {
            bool open = !sp_script_is_mark(s, '(');
            values = open ? NULL : take_items(s, &n);
            bound = open || s->bad || !n || is_edge(values[0]) ? NULL : compared(s, of->keys[0], "<", values[0]);
            any = !bound;
        } else if (sp_script_take(s, "values in")) {
            values = take_items(s, &n);
            more = s->bad || any ? NULL : list_bound(s, of, values, n);
            bound = joined(s, bound, "OR", more);
        } else if (sp_script_take(s, "default")) {
            any = true;
        } else if (sp_script_is_mark(s, '(')) {
            sp_script_take_inside(s);
        } else {
            sp_script_advance(s);
        }
    }
    s->c->tables[table].partitions = any ? NULL : bound;
}

void sp_script_take_partitions(script *s, uint32_t table)
{
    bool range = sp_script_take(s, "range"), list = !range && sp_script_take(s, "list");
    while (s->at.kind == T_WORD) /* HASH, LINEAR KEY, RANGE COLUMNS */
        sp_script_advance(s);
    sp_parted *of = sp_script_is_mark(s, '(') ? SP_SCRIPT_ADD(s, parted) : NULL;
    if (!of)
        return;
    *of = (sp_parted){.table = table, .range = range, .list = list};
    of->keys = take_items(s, &of->n_keys);
    while (s->at.kind != T_END && !sp_script_is_mark(s, ';') && !sp_script_is_mark(s, '(')) {
        bool within = sp_script_take(s, "subpartition by");
        sp_script_advance(s); /* PARTITIONS 4, HASH */
        if (within && sp_script_is_mark(s, '('))
            sp_script_take_inside(s);
    }
    if (sp_script_is_mark(s, '(') && (range || list) && of->n_keys)
        take_own_parts(s, table, of);
}

/* ---- folding ---------------------------------------------------------------------------------- */

static const sp_part *part_at(const script *s, uint32_t table)
{
    for (uint32_t i = 0; i < s->n_parts; i++)
        if (s->parts[i].table == table)
            return &s->parts[i];
    return NULL;
}

static bool has_parts(const script *s, uint32_t table)
{
    for (uint32_t i = 0; i < s->n_parts; i++)
        if (s->parts[i].parent == table)
            return true;
    return false;
}

/* The table at the top, and what a row must be to come from there to this part. */
static uint32_t root_of(script *s, uint32_t table, const char **bound)
{
    const sp_part *part = part_at(s, table);
    for (uint32_t i = 0; part && i <= s->n_parts; i++) {
        *bound = joined(s, part->bound, "AND", *bound);
        table = part->parent;
        part = part_at(s, table);
    }
    return table;
}

static const uint32_t *columns_in(script *s, const sp_cat_table *from, const uint32_t *columns, uint32_t n,
                                  const sp_cat_table *to)
{
    uint32_t *found = sp_arena_alloc(s->arena, n + 1, sizeof(*found));
    s->nomem = s->nomem || !found;
    for (uint32_t i = 0; found && i < n; i++) {
        int at = sp_catalog_find_column(to, sp_str_of(from->columns[columns[i]].name));
        if (at < 0)
            return NULL;
        found[i] = (uint32_t)at;
    }
    return found;
}

static bool has_reference(const sp_cat_table *t, const sp_cat_foreign_key *f, const uint32_t *columns)
{
    for (uint32_t i = 0; i < t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *own = &t->foreign_keys[i];
        if (own->n == f->n && strcmp(own->parent, f->parent) == 0 &&
            memcmp(own->columns, columns, f->n * sizeof(*columns)) == 0)
            return true;
    }
    return false;
}

static bool has_key(const sp_cat_table *t, const sp_cat_key *key, const uint32_t *columns)
{
    for (uint32_t i = 0; i < t->n_keys; i++)
        if ((key->primary && t->keys[i].primary) ||
            (t->keys[i].n == key->n && memcmp(t->keys[i].columns, columns, key->n * sizeof(*columns)) == 0))
            return true;
    return false;
}

/* What a part refers to, and what must be unique in it. */
static void give_to_root(script *s, const sp_cat_table *part, sp_cat_table *root)
{
    for (uint32_t i = 0; i < part->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &part->foreign_keys[i];
        const uint32_t *columns = columns_in(s, part, f->columns, f->n, root);
        sp_cat_foreign_key *own =
            columns && !has_reference(root, f, columns) ? sp_catalog_add_foreign_key(s->c, root) : NULL;
        if (own) {
            *own = *f;
            own->columns = columns;
        }
    }
    for (uint32_t i = 0; i < part->n_keys; i++) {
        const uint32_t *columns = columns_in(s, part, part->keys[i].columns, part->keys[i].n, root);
        sp_cat_key *own = columns && !has_key(root, &part->keys[i], columns) ? sp_catalog_add_key(s->c, root) : NULL;
        if (own) {
            *own = part->keys[i];
            own->columns = columns;
        }
    }
}

static void fold_leaf(script *s, uint32_t table, bool *open)
{
    const char *bound = NULL;
    uint32_t at = root_of(s, table, &bound);
    sp_cat_table *root = &s->c->tables[at];
    give_to_root(s, &s->c->tables[table], root);
    open[at] = open[at] || !bound;
    const char *side = bound ? sp_arena_printf(s->arena, "(%s)", bound) : NULL;
    root->partitions = open[at] ? NULL : joined(s, root->partitions, "OR", side);
}

void sp_script_fold(script *s)
{
    sp_catalog *c = s->c;
    bool *open = s->n_parts ? sp_arena_alloc(s->arena, c->n_tables + 1, sizeof(*open)) : NULL;
    s->nomem = s->nomem || (s->n_parts && !open);
    if (!open || s->nomem)
        return;
    for (uint32_t i = 0; i < s->n_parts; i++)
        if (!has_parts(s, s->parts[i].table))
            fold_leaf(s, s->parts[i].table, open);
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_tables; i++)
        if (!part_at(s, i))
            c->tables[n++] = c->tables[i];
    c->n_tables = n;
}
