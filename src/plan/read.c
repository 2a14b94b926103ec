/* read.c - the tree of a document becomes the tables and columns of a plan; columns are read_column.c's.
 *
 * Each mapping (the plan, a table, a column, a distribution) is sorted into an array by its table
 * of keys, and then read key by key in a fixed order, so nothing hangs on the order in the file. A
 * mistake never ends the reading: the column is marked wrong, and the next one is read. What must
 * be compared between columns is check.c's. */
#include "plan/document.h"

enum { COLUMN_COST = 16 }; /* of the budget: a column takes as much room as so many texts */

void sp_read_mistake(sp_plan_reader *r, const sp_node *node, const char *expected)
{
    bool shown = node->kind == SP_NODE_TEXT && node->text.len;
    sp_mistake(r->m, node->mark, shown ? node->text : (sp_str){0}, "%s %s%s", shown ? "is not" : "expected", expected,
               node->kind == SP_NODE_LIST  ? node->n ? ", found a list" : ", found an empty list"
               : node->kind == SP_NODE_MAP ? ", found a mapping"
                                           : "");
}

bool sp_read_text(sp_plan_reader *r, const sp_node *node, const char *what, sp_str *text)
{
    if (node->kind != SP_NODE_TEXT) {
        sp_read_mistake(r, node, what);
        return false;
    }
    *text = node->text;
    return true;
}

bool sp_read_flag(sp_plan_reader *r, const sp_node *node)
{
    bool v = false;
    sp_str text;
    if (node && sp_read_text(r, node, "true or false", &text) && !sp_parse_bool(text, &v))
        sp_read_mistake(r, node, "true or false");
    return v;
}

/* A name: not empty. node NULL: there is none. */
const char *sp_read_name(sp_plan_reader *r, const sp_node *node, sp_mark at, const char *of, sp_mark *mark)
{
    sp_str text;
    *mark = node ? node->mark : at;
    if (!node) {
        sp_mistake(r->m, at, (sp_str){0}, "%s needs a \"name\"", of);
        return "";
    }
    if (!sp_read_text(r, node, "a name", &text))
        return "";
    if (text.len == 0)
        sp_mistake(r->m, node->mark, text, "expected a name that is not empty");
    return text.p;
}

bool sp_read_spend(sp_plan_reader *r, uint32_t n, sp_mark at)
{
    if (!r->stop && r->budget < n) {
        sp_mistake(r->m, at, (sp_str){0}, "the plan is too large: its aliases repeat too much");
        r->stop = true;
    }
    if (r->stop)
        return false;
    r->budget -= n;
    return true;
}

void *sp_read_make(sp_plan_reader *r, size_t n, size_t bytes)
{
    void *p = sp_arena_alloc(&r->plan->arena, n, bytes);
    if (!p)
        r->nomem = r->stop = true;
    return p;
}

/* ---- keys ---- */

const sp_node *sp_node_value(const sp_node *map, const char *key)
{
    for (uint32_t i = 0; map->kind == SP_NODE_MAP && i < map->n; i++)
        if (sp_str_is(map->pairs[i].key->text, key))
            return map->pairs[i].value;
    return NULL;
}

static void unknown_key(sp_plan_reader *r, const sp_node *key, const sp_keys *keys)
{
    if (key->text.len >= 2 && (key->text.p[0] == 'x' && key->text.p[1] == '-'))
        return; /* x-anything is the user's own: a place for anchors */
    const char *near = sp_nearest(key->text, keys->names, keys->n);
    sp_warning(r->m, key->mark, key->text, "is no key of %s and is ignored%s%s%s", keys->of,
               near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

void sp_read_keys(sp_plan_reader *r, const sp_node *map, const sp_keys *keys, const sp_node **values)
{
    for (uint32_t i = 0; i < map->n; i++) {
        uint32_t k = 0;
        while (k < keys->n && !sp_str_is(map->pairs[i].key->text, keys->names[k]))
            k++;
        if (k == keys->n)
            unknown_key(r, map->pairs[i].key, keys);
        else if (!sp_node_is_null(map->pairs[i].value))
            values[k] = map->pairs[i].value;
    }
}

/* ---- a table ---- */

enum { T_NAME, T_ROWS, T_COLUMNS, T_LOCALE, T_HIDDEN, T_DISTINCT, T_FROM, T_TABLE, T_WHERE, T_COUNT };
static const char *const table_names[T_COUNT] = {
    [T_NAME] = "name",         [T_ROWS] = "rows", [T_COLUMNS] = "columns", [T_LOCALE] = "locale", [T_HIDDEN] = "hidden",
    [T_DISTINCT] = "distinct", [T_FROM] = "from", [T_TABLE] = "table",     [T_WHERE] = "where"};
static const sp_keys table_keys = {"a table", table_names, T_COUNT};

/* follow: they may follow from children. */
static void read_rows(sp_plan_reader *r, sp_plan_table *t, const sp_node *node, bool follow)
{
    sp_str text;
    int64_t rows;
    t->rows_most = UINT64_MAX;
    if (!node && follow)
        t->rows_follow = true;
    else if (!node)
        sp_mistake(r->m, t->mark, sp_str_of(t->name), "needs \"rows\": how many");
    else if (!sp_read_text(r, node, "a number of rows", &text))
        return;
    else if (!sp_scalar_rows(text, &rows) || rows < 0)
        sp_read_mistake(r, node, "a number of rows, 0 or more, such as 500, 10_000, 10k or 1.5M");
    else
        t->rows = t->rows_most = (uint64_t)rows;
}

/* A primary key of one column is unique; of several, their combination is, which needs one of them
 * unique. */
static void imply_unique(sp_plan_table *t)
{
    sp_plan_column *only = NULL;
    for (uint32_t i = 0; i < t->n_columns; i++) {
        if (!t->columns[i].primary_key)
            continue;
        if (only)
            return;
        only = &t->columns[i];
    }
    if (only)
        only->unique = true;
}

bool sp_read_make_columns(sp_plan_reader *r, sp_plan_table *t, uint32_t n, sp_mark at)
{
    if (n > SP_COLUMNS_MAX) {
        sp_mistake(r->m, at, (sp_str){0}, "expected at most %d columns, found %u", SP_COLUMNS_MAX, n);
        return false;
    }
    return sp_read_spend(r, n * COLUMN_COST, at) && (t->columns = sp_read_make(r, n, sizeof(*t->columns)));
}

static void read_columns(sp_plan_reader *r, sp_plan_table *t, const sp_node *node)
{
    if (!node || (node->kind == SP_NODE_LIST && node->n == 0)) {
        sp_mistake(r->m, node ? node->mark : t->mark, sp_str_of(t->name), "needs \"columns\": a list");
        return;
    }
    if (node->kind != SP_NODE_LIST) {
        sp_read_mistake(r, node, "a list of columns");
        return;
    }
    if (!sp_read_make_columns(r, t, node->n, node->mark))
        return;
    for (uint32_t i = 0; i < node->n && !r->stop; i++) {
        uint32_t said = r->m->n_said;
        sp_read_column(r, &t->columns[i], node->items[i]);
        t->columns[i].wrong = r->m->n_said > said;
        t->n_columns = i + 1;
    }
    imply_unique(t);
}

void sp_read_distinct(sp_plan_reader *r, sp_plan_table *t, const sp_node *node)
{
    sp_str name;
    if (node && node->kind != SP_NODE_LIST) {
        sp_read_mistake(r, node, "a list of columns, such as [a, b]");
        return;
    }
    for (uint32_t i = 0; node && i < node->n; i++) {
        int column = sp_read_text(r, node->items[i], "the name of a column", &name) ? sp_plan_find_column(t, name) : -2;
        if (column == -1)
            sp_warning(r->m, node->items[i]->mark, name, "is no column of this table and is ignored");
        if (column < 0)
            continue;
        t->columns[column].distinct = true;
        t->is_distinct = true;
    }
    if (t->is_distinct && t->rows > SP_PLAN_DISTINCT_MAX)
        sp_mistake(r->m, t->mark, sp_str_of(t->name),
                   "has distinct columns, and at most %d rows can be compared; for more there is unique: true",
                   SP_PLAN_DISTINCT_MAX);
}

/* A table whose rows are those of a table elsewhere, with the columns replaced. How many there are is known when they are read. */
static void read_masked(sp_plan_reader *r, sp_plan_table *t, const sp_node *const *v)
{
    static const int not_here[] = {T_ROWS, T_HIDDEN, T_DISTINCT};
    for (size_t i = 0; i < SP_COUNT(not_here); i++)
        if (v[not_here[i]])
            sp_mistake(r->m, v[not_here[i]]->mark, sp_str_of(table_names[not_here[i]]),
                       "does not go with from: the rows are those there");
    t->from = sp_read_from(r, &(sp_from_nodes){.from = v[T_FROM], .table = v[T_TABLE], .where = v[T_WHERE]}, t->name);
    r->there = t->from ? sp_read_there(r, t->from, v[T_FROM]) : NULL;
    t->rows = UINT64_MAX;
    sp_plan_locales plans = r->locales;
    if (v[T_LOCALE])
        sp_read_locale(r, v[T_LOCALE], &r->locales);
    if (r->there && v[T_COLUMNS])
        read_columns(r, t, v[T_COLUMNS]);
    r->locales = plans;
    r->there = NULL;
}

void sp_read_table(sp_plan_reader *r, sp_plan_table *t, const sp_node *node)
{
    const sp_node *v[T_COUNT] = {0};
    *t = (sp_plan_table){.name = "", .mark = node->mark};
    if (node->kind != SP_NODE_MAP) {
        sp_read_mistake(r, node, "a table: a mapping with name, rows and columns");
        return;
    }
    sp_read_keys(r, node, &table_keys, v);
    t->name = sp_read_name(r, v[T_NAME], node->mark, "a table", &t->mark);
    if (v[T_FROM]) {
        read_masked(r, t, v);
        return;
    }
    for (int i = T_TABLE; i <= T_WHERE; i++)
        if (v[i])
            sp_mistake(r->m, v[i]->mark, sp_str_of(table_names[i]), "goes only with from");
    sp_plan_locales plans = r->locales;
    if (v[T_LOCALE])
        sp_read_locale(r, v[T_LOCALE], &r->locales);
    read_columns(r, t, v[T_COLUMNS]);
    r->locales = plans;
    bool follow = false;
    for (uint32_t i = 0; i < t->n_columns; i++)
        follow = follow || t->columns[i].children;
    read_rows(r, t, v[T_ROWS], follow);
    t->hidden = sp_read_flag(r, v[T_HIDDEN]);
    sp_read_distinct(r, t, v[T_DISTINCT]);
}

/* ---- the plan ---- */

enum { R_TABLES, R_SEED, R_NOW, R_LOCALE, R_INPUTS, R_COUNT };
static const char *const root_names[R_COUNT] = {
    [R_TABLES] = "tables", [R_SEED] = "seed", [R_NOW] = "now", [R_LOCALE] = "locale", [R_INPUTS] = "inputs"};
static const sp_keys root_keys = {"a plan", root_names, R_COUNT};

bool sp_read_make_tables(sp_plan_reader *r, uint32_t n, const sp_node *at)
{
    spate_plan *plan = r->plan;
    if (n > SP_TABLES_MAX) {
        sp_mistake(r->m, at->mark, (sp_str){0}, "expected at most %d tables, found %u", SP_TABLES_MAX, n);
        return false;
    }
    plan->tables = sp_read_make(r, n, sizeof(*plan->tables));
    return plan->tables != NULL;
}

static void read_tables(sp_plan_reader *r, const sp_node *node, const sp_node *inputs)
{
    spate_plan *plan = r->plan;
    if (node->kind != SP_NODE_LIST || node->n == 0) {
        sp_read_mistake(r, node, "a list of tables");
        return;
    }
    if (!sp_read_make_tables(r, node->n + sp_inputs_count(inputs), node))
        return;
    sp_read_inputs(r, inputs);
    for (uint32_t i = 0; i < node->n && !r->stop; i++)
        sp_read_table(r, &plan->tables[plan->n_tables++], node->items[i]);
}

static void read_seed(sp_plan_reader *r, const sp_node *node)
{
    sp_str text;
    if (sp_read_text(r, node, "a seed", &text) && !sp_scalar_u64(text, &r->plan->seed))
        sp_read_mistake(r, node, "a seed: a whole number from 0 to 18446744073709551615");
}

static void read_now(sp_plan_reader *r, const sp_node *node)
{
    sp_str text;
    if (sp_read_text(r, node, "a timestamp", &text) && !sp_parse_timestamp(text, &r->plan->now_us))
        sp_read_mistake(r, node, "a timestamp, such as 2026-01-01 or 2026-01-01T12:00:00Z");
}

static void read_root(sp_plan_reader *r, const sp_node *root)
{
    const sp_node *v[R_COUNT] = {0};
    if (sp_is_dg_form(root)) {
        sp_read_dg_form(r, root);
        return;
    }
    if (sp_is_datagen_form(root)) {
        sp_read_datagen_form(r, root);
        return;
    }
    if (root->kind != SP_NODE_MAP) {
        sp_read_mistake(r, root, "a mapping with the key \"tables\"");
        return;
    }
    sp_read_keys(r, root, &root_keys, v);
    if (v[R_SEED])
        read_seed(r, v[R_SEED]);
    if (v[R_NOW])
        read_now(r, v[R_NOW]);
    if (v[R_LOCALE])
        sp_read_locale(r, v[R_LOCALE], &r->locales);
    if (v[R_TABLES])
        read_tables(r, v[R_TABLES], v[R_INPUTS]);
    else
        sp_mistake(r->m, root->mark, (sp_str){0}, "a plan needs \"tables\": a list of tables");
}

/* ---- doubles, and the whole ---- */

static void check_double(sp_plan_reader *r, sp_names *names, uint64_t scope, const char *name, sp_mark mark,
                         const void *value, const char *kind)
{
    if (!name[0])
        return;
    const void **slot = sp_names_slot(names, scope, sp_str_of(name));
    if (!slot) {
        r->nomem = r->stop = true;
    } else if (*slot) {
        sp_mark first = scope ? ((const sp_plan_column *)*slot)->mark : ((const sp_plan_table *)*slot)->mark;
        sp_mistake(r->m, mark, sp_str_of(name), "names a %s already, in line %u", kind, first.line);
    } else {
        *slot = value;
    }
}

/* Paths in the documents of one column have its name, and are told apart by what they say. */
static bool is_further_path(const sp_plan_table *t, const sp_plan_column *c)
{
    bool further = false;
    for (const sp_plan_column *before = t->columns; c->path && before < c; before++) {
        if (strcmp(before->name, c->name) != 0)
            continue;
        if (!before->path || sp_json_path_eq(before->path, c->path))
            return false;
        further = true;
    }
    return further;
}

static void check_hidden(sp_plan_reader *r)
{
    const spate_plan *plan = r->plan;
    bool shown = false;
    for (uint32_t t = 0; t < plan->n_tables; t++) {
        const sp_plan_table *table = &plan->tables[t];
        uint32_t hidden = 0;
        shown = shown || !table->hidden;
        for (uint32_t i = 0; i < table->n_columns; i++)
            hidden += table->columns[i].hidden;
        if (!table->hidden && hidden && hidden == table->n_columns)
            sp_mistake(r->m, table->mark, sp_str_of(table->name),
                       "has only hidden columns, so there is nothing to write");
    }
    if (!shown && plan->n_tables)
        sp_mistake(r->m, plan->tables[0].mark, (sp_str){0}, "every table is hidden, so there is nothing to write");
}

static void enter_names(sp_plan_reader *r, sp_names *names)
{
    for (uint32_t t = 0; t < r->plan->n_tables && !r->nomem; t++) {
        const sp_plan_table *table = &r->plan->tables[t];
        check_double(r, names, 0, table->name, table->mark, table, "table");
        for (uint32_t c = 0; c < table->n_columns && !r->nomem; c++)
            if (!is_further_path(table, &table->columns[c]))
                check_double(r, names, t + 1, table->columns[c].name, table->columns[c].mark, &table->columns[c],
                             "column");
    }
}

static int read_document(sp_plan_reader *r, const char *text, size_t len, spate_error *err)
{
    sp_arena nodes;
    sp_names names = {0};
    const sp_node *root = NULL;
    sp_arena_init(&nodes);
    r->nodes = &nodes;
    int status = sp_document_load(text, len, &nodes, &r->plan->arena, r->m, &root, err);
    if (status == SPATE_OK && root) {
        read_root(r, root);
        check_hidden(r);
        enter_names(r, &names);
        if (r->nomem || (!r->failed && sp_plan_link(r->plan, &names) != SPATE_OK))
            status = sp_fail_nomem(err);
        else
            status = r->failed;
    } else if (status == SPATE_OK && !r->m->n_errors) {
        sp_mistake(r->m, (sp_mark){1, 1}, (sp_str){0}, "the plan is empty; it needs \"tables\": a list of tables");
    }
    sp_names_done(&names);
    sp_arena_done(&nodes);
    return status;
}

static spate_plan *new_plan(const char *path)
{
    spate_plan *plan = sp_alloc_zero(1, sizeof(*plan));
    if (!plan)
        return NULL;
    sp_arena_init(&plan->arena);
    plan->path = sp_arena_strndup(&plan->arena, path, strlen(path));
    plan->now_us = SP_PLAN_NOW_US;
    sp_mistakes_init(&plan->mistakes, plan->path);
    if (!plan->path) {
        spate_plan_free(plan);
        return NULL;
    }
    return plan;
}

int sp_plan_parse(const char *path, const char *text, size_t len, spate_plan **out, spate_error *err)
{
    return sp_plan_parse_with(path, text, len, NULL, out, err);
}

int sp_plan_parse_with(const char *path, const char *text, size_t len, sp_plan_look *look, spate_plan **out,
                       spate_error *err)
{
    spate_plan *plan = new_plan(path);
    if (!plan)
        return sp_fail_nomem(err);
    plan->digest = sp_hash64(text, len, 0);
    sp_plan_reader r = {.plan = plan, .m = &plan->mistakes, .budget = SP_DOCUMENT_NODES_MAX, .look = look, .err = err};
    int status = SPATE_OK;
    if (len > SP_PLAN_BYTES_MAX)
        sp_mistake(r.m, (sp_mark){0}, (sp_str){0}, "expected at most %d bytes of plan", SP_PLAN_BYTES_MAX);
    else
        status = read_document(&r, text, len, err);
    if (status == SPATE_OK)
        status = sp_plan_check_rows(plan, err);
    if (status == SPATE_OK && plan->mistakes.nomem)
        status = sp_fail_nomem(err);
    if (status != SPATE_OK) {
        spate_plan_free(plan);
        return status;
    }
    *out = plan;
    return SPATE_OK;
}
