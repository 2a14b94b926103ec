/* form_dg.c - the configurations of dg: tables of columns that are made one after the other, each as long as its processor
 * says, and padded with nothing to the longest.
 *
 * dg makes the columns "each" first, then "const", longest first, then the others as they stand, and that is the order of the
 * columns in its files. How long a column gets hangs on those before it, so rows are counted here, while reading; a column that
 * is shorter than its table says so with its stop. Where dg's arithmetic ran over or crashed, there are exactly as many values
 * as rows, evenly spaced. */
#include "plan/document.h"

enum { PATTERN_REPEAT = 255 }; /* what * and + repeat at most, in dg */

enum { F_NAME, F_TYPE, F_SUPPRESS, F_PROCESSOR, F_COUNT };
static const char *const column_names[F_COUNT] = {
    [F_NAME] = "name", [F_TYPE] = "type", [F_SUPPRESS] = "suppress", [F_PROCESSOR] = "processor"};
static const sp_keys column_keys = {"a column", column_names, F_COUNT};

enum {
    P_VALUE, P_PATTERN, P_NULLS, P_FORMAT, P_VALUES, P_WEIGHTS, P_START, P_TABLE, P_COLUMN, P_TYPE, P_FROM, P_TO, P_STEP,
    P_SOURCE_TABLE, P_SOURCE_COLUMN, P_SOURCE_VALUE, P_MATCH_COLUMN, P_COUNT
};
static const char *const processor_names[P_COUNT] = {
    [P_VALUE] = "value", [P_PATTERN] = "pattern", [P_NULLS] = "null_percentage", [P_FORMAT] = "format", [P_VALUES] = "values",
    [P_WEIGHTS] = "weights", [P_START] = "start", [P_TABLE] = "table", [P_COLUMN] = "column", [P_TYPE] = "type",
    [P_FROM] = "from", [P_TO] = "to", [P_STEP] = "step", [P_SOURCE_TABLE] = "source_table",
    [P_SOURCE_COLUMN] = "source_column", [P_SOURCE_VALUE] = "source_value", [P_MATCH_COLUMN] = "match_column",
};
static const sp_keys processor_keys = {"a processor", processor_names, P_COUNT};

/* A column on its way, and what its processor says. */
typedef struct dg_column {
    sp_plan_reader *r;
    sp_plan_table *table;
    uint64_t count;   /* the table's, 0: none */
    uint64_t current; /* the longest column so far */
    uint64_t length;  /* out: how long this one gets */
    sp_mark mark;     /* of the processor */
    const sp_node *v[P_COUNT];
} dg_column;

/* ---- reading of parts ---- */

static bool read_whole(dg_column *d, int key, int64_t least, int64_t *v)
{
    const sp_node *node = d->v[key];
    sp_str text;
    if (!node || !sp_read_text(d->r, node, "a whole number", &text))
        return false;
    if (sp_scalar_i64(text, v) && *v >= least)
        return true;
    sp_read_mistake(d->r, node, "a whole number");
    return false;
}

static bool need(dg_column *d, int key, sp_str *text)
{
    if (d->v[key])
        return sp_read_text(d->r, d->v[key], processor_names[key], text);
    sp_mistake(d->r->m, d->mark, (sp_str){0}, "the processor needs a \"%s\"", processor_names[key]);
    return false;
}

static void read_format(dg_column *d, sp_plan_column *c)
{
    if (d->v[P_FORMAT] && sp_read_text(d->r, d->v[P_FORMAT], "a format", &c->format))
        c->format_mark = d->v[P_FORMAT]->mark;
}

/* table.column as one text; NULL when the processor lacks one of them. */
static bool need_place(dg_column *d, int table_key, int column_key, sp_plan_column *c)
{
    sp_str table, column;
    if (!need(d, table_key, &table) || !need(d, column_key, &column))
        return false;
    const char *text = sp_arena_printf(&d->r->plan->arena, "%.*s.%.*s", (int)table.len, table.p, (int)column.len, column.p);
    if (!text)
        d->r->nomem = d->r->stop = true;
    else
        c->text = sp_str_of(text);
    c->mode_mark = d->v[table_key]->mark;
    return text != NULL;
}

/* How many values the column of an earlier table, or of an input, has; fewer at last, if its rows are distinct. */
static bool source_length(dg_column *d, sp_str table, sp_str column, uint64_t *n, bool *distinct)
{
    const spate_plan *plan = d->r->plan;
    for (const sp_plan_table *t = plan->tables; t < d->table; t++) {
        int i = sp_str_is(table, t->name) ? sp_plan_find_column(t, column) : -1;
        if (i >= 0) {
            *n = SP_MIN(t->rows, t->columns[i].stop);
            *distinct = t->is_distinct;
            return true;
        }
    }
    sp_mistake(d->r->m, d->v[P_TABLE]->mark, table, "has no column \"%.*s\", or is no table or input before this one", SP_SHOW(column));
    return false;
}

/* ---- the processors. Each makes the column and says how long it gets ---- */

static uint64_t count_first(const dg_column *d)
{
    return d->count ? d->count : d->current;
}

static uint64_t current_first(const dg_column *d)
{
    return d->current ? d->current : d->count;
}

static void read_gen(dg_column *d, sp_plan_column *c)
{
    int64_t percent = 0;
    int key = d->v[P_PATTERN] ? P_PATTERN : P_VALUE;
    if (!d->v[key]) {
        sp_mistake(d->r->m, d->mark, (sp_str){0}, "gen needs a \"value\" or a \"pattern\"");
        return;
    }
    c->mode = key == P_PATTERN ? SP_MODE_PATTERN : SP_MODE_VALUE;
    c->mode_mark = d->v[key]->mark;
    c->max_i = PATTERN_REPEAT;
    sp_read_template(d->r, c, d->v[key]);
    if (key == P_VALUE)
        read_format(d, c);
    if (read_whole(d, P_NULLS, 0, &percent))
        c->null_rate = (double)SP_MIN(percent, 100) / 100;
    d->length = count_first(d);
}

static void read_values(dg_column *d, sp_plan_column *c)
{
    const sp_node *values = d->v[P_VALUES];
    c->mode = SP_MODE_SET;
    if (!values || (values->kind == SP_NODE_LIST && values->n == 0)) {
        sp_mistake(d->r->m, d->mark, (sp_str){0}, "the processor needs \"values\"");
        return;
    }
    c->mode_mark = values->mark;
    const sp_node *weights = d->v[P_WEIGHTS];
    sp_read_set(d->r, c, values, weights && weights->kind == SP_NODE_LIST && weights->n == 0 ? NULL : weights);
}

static void read_set(dg_column *d, sp_plan_column *c)
{
    read_values(d, c);
    d->length = current_first(d);
}

static void read_const(dg_column *d, sp_plan_column *c)
{
    d->v[P_WEIGHTS] = NULL;
    read_values(d, c);
    c->distribution.spread = SP_SPREAD_CYCLE;
    d->length = SP_MAX(current_first(d), c->n_items);
}

static void read_inc(dg_column *d, sp_plan_column *c)
{
    c->mode = SP_MODE_INC;
    if (d->v[P_START])
        read_whole(d, P_START, INT64_MIN, &c->inc_start);
    read_format(d, c);
    d->length = count_first(d);
}

static void read_ref(dg_column *d, sp_plan_column *c)
{
    c->mode = SP_MODE_REF;
    need_place(d, P_TABLE, P_COLUMN, c);
    d->length = count_first(d);
}

/* The first each column of a table goes round fastest. current is, for these columns, the product of those before. */
static void read_each(dg_column *d, sp_plan_column *c)
{
    uint64_t n = 0;
    c->mode = SP_MODE_REF;
    c->distribution.spread = SP_SPREAD_CYCLE;
    uint64_t every = d->current ? d->current : 1;
    c->distribution.b = (double)every;
    if (!need_place(d, P_TABLE, P_COLUMN, c) || !source_length(d, d->v[P_TABLE]->text, d->v[P_COLUMN]->text, &n, &c->distinct))
        return;
    d->table->is_distinct |= c->distinct; /* the rows too many repeat others */
    if (__builtin_mul_overflow(every, n, &d->length) || d->length > (UINT64_C(1) << 53)) {
        sp_mistake(d->r->m, c->mode_mark, c->text, "has too many values to be combined with the other columns");
        d->length = 0;
    }
}

static void read_int_range(dg_column *d, sp_plan_column *c)
{
    int64_t from = 0, to = 0, step = 0;
    uint64_t n = current_first(d);
    bool has_to = d->v[P_TO] && read_whole(d, P_TO, INT64_MIN, &to);
    if (d->v[P_FROM])
        read_whole(d, P_FROM, INT64_MIN, &from);
    c->range = SP_RANGE_INT;
    c->distribution.spread = SP_SPREAD_EVEN;
    if (n == 0 && !read_whole(d, P_STEP, 1, &step)) {
        sp_mistake(d->r->m, d->mark, (sp_str){0}, "either a count or a step must be provided to a range");
        return;
    }
    if (n == 0) {
        n = has_to && to >= from ? ((uint64_t)to - (uint64_t)from) / (uint64_t)step + 1 : 0;
        c->distribution.spread = SP_SPREAD_CYCLE;
        c->distribution.a = (double)step;
    }
    to = has_to ? to : (int64_t)((uint64_t)from + SP_MAX(n, (uint64_t)1) - 1);
    c->min_i = SP_MIN(from, to);
    c->max_i = to == INT64_MAX ? to : SP_MAX(from, to) + 1;
    d->length = n;
}

static bool read_date(dg_column *d, const sp_layout *layout, int key, int64_t *us)
{
    sp_str text;
    if (!need(d, key, &text))
        return false;
    if (layout ? sp_layout_parse(layout, text, us) : sp_parse_timestamp(text, us))
        return true;
    sp_mistake(d->r->m, d->v[key]->mark, text, "is no date written as \"format\" says");
    return false;
}

static void read_date_range(dg_column *d, sp_plan_column *c)
{
    int64_t step_ns = 0, seconds = 0;
    uint64_t n = current_first(d);
    sp_str text;
    read_format(d, c);
    c->range = SP_RANGE_TIMESTAMP;
    c->distribution.spread = SP_SPREAD_EVEN;
    const sp_layout *layout = c->format.len ? sp_layout_new(&d->r->plan->arena, c->format) : NULL;
    if (!read_date(d, layout, P_FROM, &c->min_i) || !read_date(d, layout, P_TO, &c->max_i))
        return;
    if (c->max_i < c->min_i) {
        sp_mistake(d->r->m, d->v[P_TO]->mark, d->v[P_TO]->text, "is before \"from\"");
        return;
    }
    if (n == 0) {
        if (!d->v[P_STEP] || !sp_read_text(d->r, d->v[P_STEP], "a step", &text)) {
            sp_mistake(d->r->m, d->mark, (sp_str){0}, "either a count or a step must be provided to a range");
            return;
        }
        if (sp_parse_duration_ns(text, &step_ns))
            seconds = step_ns / (1000 * SP_US_PER_SECOND);
        if (seconds < 1) {
            sp_read_mistake(d->r, d->v[P_STEP], "a duration of whole seconds, such as 24h");
            return;
        }
        uint64_t span = (uint64_t)(c->max_i - c->min_i), one = (uint64_t)seconds * SP_US_PER_SECOND;
        n = span / one + (span % one > 0);
        c->distribution.spread = SP_SPREAD_CYCLE;
        c->distribution.a = (double)one;
    }
    d->length = n;
}

static void read_range(dg_column *d, sp_plan_column *c)
{
    sp_str type;
    c->mode = SP_MODE_RANGE;
    c->mode_mark = d->mark;
    if (!need(d, P_TYPE, &type))
        return;
    if (sp_str_is(type, "int"))
        read_int_range(d, c);
    else if (sp_str_is(type, "date"))
        read_date_range(d, c);
    else
        sp_read_mistake(d->r, d->v[P_TYPE], "int or date, the ranges there are");
}

static void read_match(dg_column *d, sp_plan_column *c)
{
    c->mode = SP_MODE_LOOKUP;
    need_place(d, P_SOURCE_TABLE, P_SOURCE_VALUE, c);
    need(d, P_SOURCE_COLUMN, &c->by);
    need(d, P_MATCH_COLUMN, &c->key);
    d->length = d->current;
}

/* ---- columns, in the order in which dg makes them ---- */

static const struct processor {
    const char *name;
    void (*read)(dg_column *d, sp_plan_column *c);
} processors[] = {
    {"each", read_each}, {"const", read_const}, {"gen", read_gen}, {"set", read_set}, {"inc", read_inc},
    {"ref", read_ref}, {"range", read_range}, {"match", read_match},
};

/* A column as it stands in the file. */
typedef struct entry {
    const sp_node *node, *v[F_COUNT];
    const struct processor *processor;
    uint32_t values; /* const */
} entry;

static bool find_processor(sp_plan_reader *r, entry *e)
{
    const char *names[SP_COUNT(processors)];
    sp_str type;
    if (e->node->kind != SP_NODE_MAP) {
        sp_read_mistake(r, e->node, "a column: a mapping with name, type and processor");
        return false;
    }
    sp_read_keys(r, e->node, &column_keys, e->v);
    if (!e->v[F_TYPE]) {
        sp_mistake(r->m, e->node->mark, (sp_str){0}, "a column needs a \"type\"");
        return false;
    }
    if (!sp_read_text(r, e->v[F_TYPE], "a type of column", &type))
        return false;
    for (size_t i = 0; i < SP_COUNT(processors); i++) {
        names[i] = processors[i].name;
        if (sp_str_is(type, processors[i].name))
            e->processor = &processors[i];
    }
    const char *near = e->processor ? NULL : sp_nearest(type, names, SP_COUNT(names));
    if (!e->processor)
        sp_warning(r->m, e->v[F_TYPE]->mark, type, "is no type of column, so the column is left out%s%s%s",
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return e->processor != NULL;
}

static void read_column(sp_plan_reader *r, sp_plan_table *t, const entry *e, uint64_t count, uint64_t *current)
{
    sp_plan_column *c = &t->columns[t->n_columns++];
    uint32_t said = r->m->n_said;
    const sp_node *p = e->v[F_PROCESSOR];
    *c = sp_read_new_column(r, e->node->mark);
    c->name = sp_read_name(r, e->v[F_NAME], e->node->mark, "a column", &c->mark);
    c->mode_mark = p ? p->mark : e->node->mark;
    c->hidden = sp_read_flag(r, e->v[F_SUPPRESS]);
    dg_column d = {.r = r, .table = t, .count = count, .current = *current, .mark = c->mode_mark};
    if (p && p->kind != SP_NODE_MAP)
        sp_read_mistake(r, p, "a processor: a mapping");
    else if (p)
        sp_read_keys(r, p, &processor_keys, d.v);
    e->processor->read(&d, c);
    c->stop = d.length; /* taken back where the table gets no longer */
    c->wrong = r->m->n_said > said;
    *current = SP_MAX(*current, d.length);
}

/* 0: each, 1: const, 2: the others. */
static int turn_of(const entry *e)
{
    return e->processor == &processors[0] ? 0 : e->processor == &processors[1] ? 1 : 2;
}

static bool is_each(const sp_plan_column *c)
{
    return c->mode == SP_MODE_REF && c->distribution.spread == SP_SPREAD_CYCLE;
}

static void read_columns(sp_plan_reader *r, sp_plan_table *t, entry *entries, uint32_t n, uint64_t count)
{
    uint64_t current = 0;
    for (uint32_t i = 1; i < n; i++) /* const columns: longest first, else as they stand */
        for (uint32_t j = i; j > 0 && (turn_of(&entries[j]) < turn_of(&entries[j - 1]) ||
                                       (turn_of(&entries[j]) == 1 && turn_of(&entries[j - 1]) == 1 &&
                                        entries[j].values > entries[j - 1].values)); j--) {
            entry swapped = entries[j];
            entries[j] = entries[j - 1];
            entries[j - 1] = swapped;
        }
    for (uint32_t i = 0; i < n && !r->stop; i++)
        read_column(r, t, &entries[i], count, &current);
    t->rows = current;
    uint64_t product = 0; /* how long all each columns are */
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (is_each(&t->columns[i]))
            product = SP_MAX(product, t->columns[i].stop);
    for (uint32_t i = 0; i < t->n_columns; i++) {
        sp_plan_column *c = &t->columns[i];
        c->stop = is_each(c) ? product : c->stop;
        if (c->stop >= t->rows)
            c->stop = SP_PLAN_NO_STOP;
        if (t->is_distinct && is_each(c))
            c->distinct = true; /* of the product of all each columns */
    }
}

/* ---- tables ---- */

enum { T_NAME, T_COUNT_KEY, T_SUPPRESS, T_UNIQUE, T_COLUMNS, T_COUNT };
static const char *const table_names[T_COUNT] = {[T_NAME] = "name", [T_COUNT_KEY] = "count", [T_SUPPRESS] = "suppress",
                                                 [T_UNIQUE] = "unique_columns", [T_COLUMNS] = "columns"};
static const sp_keys table_keys = {"a table", table_names, T_COUNT};

static void read_entries(sp_plan_reader *r, sp_plan_table *t, const sp_node *columns, uint64_t count)
{
    uint32_t n = 0;
    entry *entries = sp_read_make(r, columns->n, sizeof(*entries));
    if (!entries || !sp_read_make_columns(r, t, columns->n, columns->mark))
        return;
    for (uint32_t i = 0; i < columns->n; i++) {
        entries[n] = (entry){.node = columns->items[i]};
        if (!find_processor(r, &entries[n]))
            continue;
        const sp_node *p = entries[n].v[F_PROCESSOR];
        for (uint32_t k = 0; p && p->kind == SP_NODE_MAP && k < p->n; k++)
            if (sp_str_is(p->pairs[k].key->text, "values") && p->pairs[k].value->kind == SP_NODE_LIST)
                entries[n].values = p->pairs[k].value->n;
        n++;
    }
    read_columns(r, t, entries, n, count);
}

static void read_table(sp_plan_reader *r, sp_plan_table *t, const sp_node *node)
{
    const sp_node *v[T_COUNT] = {0};
    int64_t count = 0;
    sp_str text;
    *t = (sp_plan_table){.name = "", .mark = node->mark};
    if (node->kind != SP_NODE_MAP) {
        sp_read_mistake(r, node, "a table: a mapping with name, count and columns");
        return;
    }
    sp_read_keys(r, node, &table_keys, v);
    t->name = sp_read_name(r, v[T_NAME], node->mark, "a table", &t->mark);
    t->hidden = sp_read_flag(r, v[T_SUPPRESS]);
    if (v[T_COUNT_KEY] && sp_read_text(r, v[T_COUNT_KEY], "a count", &text) && (!sp_scalar_rows(text, &count) || count < 0)) {
        sp_read_mistake(r, v[T_COUNT_KEY], "a number of rows, 0 or more");
        count = 0;
    }
    if (v[T_COLUMNS] && v[T_COLUMNS]->kind == SP_NODE_LIST && v[T_COLUMNS]->n)
        read_entries(r, t, v[T_COLUMNS], (uint64_t)count);
    else
        sp_mistake(r->m, t->mark, sp_str_of(t->name), "needs \"columns\": a list");
    sp_read_distinct(r, t, v[T_UNIQUE]);
}

/* ---- the form ---- */

/* Only dg's tables have a count, and only its columns a processor. */
bool sp_is_dg_form(const sp_node *root)
{
    const sp_node *tables = sp_node_value(root, "tables");
    for (uint32_t t = 0; tables && tables->kind == SP_NODE_LIST && t < tables->n; t++) {
        const sp_node *columns = sp_node_value(tables->items[t], "columns");
        if (sp_node_value(tables->items[t], "rows"))
            return false;
        if (sp_node_value(tables->items[t], "count"))
            return true;
        for (uint32_t c = 0; columns && columns->kind == SP_NODE_LIST && c < columns->n; c++)
            if (sp_node_value(columns->items[c], "processor"))
                return true;
    }
    return false;
}

void sp_read_dg_form(sp_plan_reader *r, const sp_node *root)
{
    const sp_node *tables = sp_node_value(root, "tables"), *inputs = sp_node_value(root, "inputs");
    inputs = inputs && !sp_node_is_null(inputs) ? inputs : NULL;
    if (!sp_read_make_tables(r, tables->n + sp_inputs_count(inputs), tables))
        return;
    sp_read_inputs(r, inputs);
    for (uint32_t i = 0; i < tables->n && !r->stop; i++)
        read_table(r, &r->plan->tables[r->plan->n_tables++], tables->items[i]);
}
