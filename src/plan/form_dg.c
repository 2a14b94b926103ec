/* form_dg.c - the configurations of dg: tables of columns that are made one after the other, each as long as its processor
 * says, and padded with nothing to the longest.
 *
 * dg makes the columns "each" first, then "const", longest first, then the others as they stand, and that is the order of the
 * columns in its files. How long a column gets hangs on those before it, so rows are counted here, while reading; a column that
 * is shorter than its table says so with its stop. Where dg's arithmetic ran over or crashed, there are exactly as many values
 * as rows, evenly spaced. */
#include "plan/form_dg.h"

enum { PATTERN_REPEAT = 255 }; /* what * and + repeat at most, in dg */

enum { F_NAME, F_TYPE, F_SUPPRESS, F_PROCESSOR, F_COUNT };
static const char *const column_names[F_COUNT] = {
    [F_NAME] = "name", [F_TYPE] = "type", [F_SUPPRESS] = "suppress", [F_PROCESSOR] = "processor"};
static const sp_keys column_keys = {"a column", column_names, F_COUNT};

static const char *const processor_names[P_COUNT] = {
    [P_VALUE] = "value",
    [P_PATTERN] = "pattern",
    [P_NULLS] = "null_percentage",
    [P_FORMAT] = "format",
    [P_VALUES] = "values",
    [P_WEIGHTS] = "weights",
    [P_START] = "start",
    [P_TABLE] = "table",
    [P_COLUMN] = "column",
    [P_TYPE] = "type",
    [P_FROM] = "from",
    [P_TO] = "to",
    [P_STEP] = "step",
    [P_SOURCE_TABLE] = "source_table",
    [P_SOURCE_COLUMN] = "source_column",
    [P_SOURCE_VALUE] = "source_value",
    [P_MATCH_COLUMN] = "match_column",
    [P_TEMPLATE] = "template",
    [P_LENGTH] = "length",
    [P_LOW] = "low",
    [P_HIGH] = "high",
    [P_DATE] = "date",
    [P_UNIT] = "unit",
    [P_AFTER] = "after",
    [P_BEFORE] = "before",
    [P_EXPRESSION] = "expression",
    [P_REPEAT] = "repeat",
    [P_FILTER] = "filter",
    [P_REFERENCE_AS] = "reference_as",
    [P_SKIPPED_AS] = "skipped_as",
    [P_REFERENCE] = "reference",
    [P_UNIQUE] = "unique",
    [P_EXACTLY] = "exactly",
    [P_TABLES] = "tables",
    [P_IGNORE_MISSING] = "ignore_missing",
    [P_CMD] = "cmd",
};
static const sp_keys processor_keys = {"a processor", processor_names, P_COUNT};

/* ---- reading of parts ---- */

bool sp_dg_whole(dg_column *d, int key, int64_t least, int64_t *v)
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

bool sp_dg_need(dg_column *d, int key, sp_str *text)
{
    if (d->v[key])
        return sp_read_text(d->r, d->v[key], processor_names[key], text);
    sp_mistake(d->r->m, d->mark, (sp_str){0}, "the processor needs a \"%s\"", processor_names[key]);
    return false;
}

void sp_dg_format(dg_column *d, sp_plan_column *c)
{
    if (d->v[P_FORMAT] && sp_read_text(d->r, d->v[P_FORMAT], "a format", &c->format))
        c->format_mark = d->v[P_FORMAT]->mark;
}

/* table.column as one text; NULL when the processor lacks one of them. */
bool sp_dg_place(dg_column *d, int table_key, int column_key, sp_plan_column *c)
{
    sp_str table, column;
    if (!sp_dg_need(d, table_key, &table) || !sp_dg_need(d, column_key, &column))
        return false;
    const char *text =
        sp_arena_printf(&d->r->plan->arena, "%.*s.%.*s", (int)table.len, table.p, (int)column.len, column.p);
    if (!text)
        d->r->nomem = d->r->stop = true;
    else
        c->text = sp_str_of(text);
    c->mode_mark = d->v[table_key]->mark;
    return text != NULL;
}

sp_plan_table *sp_dg_earlier(const dg_column *d, sp_str name)
{
    for (sp_plan_table *t = d->r->plan->tables; t < d->table; t++)
        if (sp_str_is(name, t->name))
            return t;
    return NULL;
}

bool sp_dg_source_length(dg_column *d, sp_str table, sp_str column, uint64_t *n, bool *distinct)
{
    const sp_plan_table *t = sp_dg_earlier(d, table);
    int i = t ? sp_plan_find_column(t, column) : -1;
    if (i >= 0 && !t->rows_counted) {
        *n = SP_MIN(t->rows, t->columns[i].stop);
        *distinct = t->is_distinct;
        return true;
    }
    sp_mistake(d->r->m, (d->v[P_TABLE] ? d->v[P_TABLE]->mark : d->mark), table,
               i >= 0 ? "has as many rows as its parents say, so here it needs a \"count\" (for \"%.*s\")"
                      : "has no column \"%.*s\", or is no table or input before this one",
               SP_SHOW(column));
    return false;
}

/* ---- columns that are put into a table ---- */

enum { ROOM = 16 }; /* for columns, when there is none left */

bool sp_dg_add_column(sp_plan_reader *r, sp_plan_table *t, const sp_plan_column *c)
{
    if (t->n_columns == SP_COLUMNS_MAX) {
        sp_mistake(r->m, c->mark, sp_str_of(c->name),
                   "is one column too many: with those that are made on the way there are %d at most", SP_COLUMNS_MAX);
        return false;
    }
    if (t->n_columns % ROOM == 0) {
        sp_plan_column *more =
            sp_read_spend(r, ROOM, c->mark) ? sp_read_make(r, t->n_columns + ROOM, sizeof(*more)) : NULL;
        if (!more)
            return false;
        if (t->n_columns)
            memcpy(more, t->columns, t->n_columns * sizeof(*more));
        t->columns = more;
    }
    t->columns[t->n_columns++] = *c;
    return true;
}

sp_str sp_dg_hide(sp_plan_reader *r, sp_plan_table *t, const char *of, sp_plan_column *c)
{
    c->name = sp_arena_printf(&r->plan->arena, "%.100s (made %u)", of, t->n_columns);
    c->hidden = true;
    return c->name && sp_dg_add_column(r, t, c) ? sp_str_of(c->name) : (sp_str){0};
}

/* ---- the processors. Each makes the column and says how long it gets ---- */

uint64_t sp_dg_count_first(const dg_column *d)
{
    if (d->table->rows_counted)
        return 1;
    return d->count ? d->count : d->current;
}

uint64_t sp_dg_current_first(const dg_column *d)
{
    if (d->table->rows_counted)
        return 1;
    return d->current ? d->current : d->count;
}

static void read_gen(dg_column *d, sp_plan_column *c)
{
    int64_t percent = 0;
    int key = d->v[P_PATTERN] ? P_PATTERN : P_VALUE;
    if (sp_dg_whole(d, P_NULLS, 0, &percent))
        c->null_rate = (double)SP_MIN(percent, 100) / 100;
    d->length = sp_dg_count_first(d);
    if (d->v[P_TEMPLATE] && !d->v[P_PATTERN]) {
        sp_dg_template(d, c);
        return;
    }
    if (!d->v[key]) {
        sp_mistake(d->r->m, d->mark, (sp_str){0}, "gen needs a \"value\", a \"pattern\" or a \"template\"");
        return;
    }
    c->mode = key == P_PATTERN ? SP_MODE_PATTERN : SP_MODE_VALUE;
    c->mode_mark = d->v[key]->mark;
    c->max_i = PATTERN_REPEAT;
    sp_read_template(d->r, c, d->v[key]);
    if (key == P_VALUE)
        sp_dg_format(d, c);
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
    d->length = sp_dg_current_first(d);
}

static void read_const(dg_column *d, sp_plan_column *c)
{
    d->v[P_WEIGHTS] = NULL;
    read_values(d, c);
    c->distribution.spread = SP_SPREAD_CYCLE;
    d->length = SP_MAX(sp_dg_current_first(d), c->n_items);
}

static void read_inc(dg_column *d, sp_plan_column *c)
{
    c->mode = SP_MODE_INC;
    if (d->v[P_START])
        sp_dg_whole(d, P_START, INT64_MIN, &c->inc_start);
    sp_dg_format(d, c);
    d->length = sp_dg_count_first(d);
}

static void read_ref(dg_column *d, sp_plan_column *c)
{
    c->mode = SP_MODE_REF;
    sp_dg_place(d, P_TABLE, P_COLUMN, c);
    c->any_row = d->v[P_TABLE] && d->v[P_TABLE]->kind == SP_NODE_TEXT && sp_str_is(d->v[P_TABLE]->text, d->table->name);
    d->length = sp_dg_count_first(d);
}

/* The first each column of a table goes round fastest. current is, for these columns, the product of those before. In the fork, a
 * table's count is kept: combinations come again, or not all of them. */
static void read_each(dg_column *d, sp_plan_column *c)
{
    uint64_t n = 0, every = d->current ? d->current : 1;
    sp_str table;
    c->mode = SP_MODE_REF;
    c->distribution.spread = SP_SPREAD_CYCLE;
    c->distribution.b = (double)every;
    if (!sp_dg_place(d, P_TABLE, P_COLUMN, c) || !sp_read_text(d->r, d->v[P_TABLE], "a table", &table))
        return;
    const sp_plan_table *there = sp_dg_earlier(d, table);
    if (d->fork && d->count && there && there->rows_counted && every == 1) {
        d->length = d->count;
        return;
    }
    if (!sp_dg_source_length(d, table, d->v[P_COLUMN]->text, &n, &c->distinct))
        return;
    c->distinct = c->distinct && !(d->fork && d->count);
    d->table->is_distinct |= c->distinct; /* the rows too many repeat others */
    if (__builtin_mul_overflow(every, n, &d->length) || d->length > (UINT64_C(1) << 53)) {
        sp_mistake(d->r->m, c->mode_mark, c->text, "has too many values to be combined with the other columns");
        d->length = 0;
    }
}

/* dg takes steps of whole numbers, or nanoseconds, from one end to the other: says so where it comes to another number of values. */
static void warn_of_steps(const dg_column *d, uint64_t n, __int128 steps, bool end_counts, __int128 span)
{
    __int128 step = steps > 0 ? span / steps : 0, there = step > 0 ? (span + (end_counts ? step : step - 1)) / step : 0;
    if (!d->table->rows_counted && n && there != (__int128)n)
        sp_warning(d->r->m, d->mark, sp_str_of("range"),
                   "has steps that do not come out even, with which dg makes too many values or none: here they are %llu, "
                   "evenly from \"from\" to \"to\"",
                   (unsigned long long)n);
}

static void read_int_range(dg_column *d, sp_plan_column *c)
{
    int64_t from = 0, to = 0, step = 0;
    uint64_t n = sp_dg_current_first(d);
    bool has_to = d->v[P_TO] && sp_dg_whole(d, P_TO, INT64_MIN, &to);
    if (d->v[P_FROM])
        sp_dg_whole(d, P_FROM, INT64_MIN, &from);
    c->range = SP_RANGE_INT;
    c->distribution.spread = SP_SPREAD_EVEN;
    if (d->table->rows_counted && !has_to) {
        c->mode = SP_MODE_INC;
        c->inc_start = from;
        return;
    }
    if (n == 0 && !sp_dg_whole(d, P_STEP, 1, &step)) {
        sp_mistake(d->r->m, d->mark, (sp_str){0}, "either a count or a step must be provided to a range");
        return;
    }
    if (n == 0) {
        n = has_to && to >= from ? ((uint64_t)to - (uint64_t)from) / (uint64_t)step + 1 : 0;
        c->distribution.spread = SP_SPREAD_CYCLE;
        c->distribution.a = (double)step;
    } else if (has_to) {
        warn_of_steps(d, n, (__int128)n - 1, true, (__int128)to - from);
    }
    to = has_to ? to : (int64_t)((uint64_t)from + SP_MAX(n, (uint64_t)1) - 1);
    c->min_i = SP_MIN(from, to);
    c->max_i = to == INT64_MAX ? to : SP_MAX(from, to) + 1;
    d->length = n;
}

static bool read_date(dg_column *d, const sp_layout *layout, int key, int64_t *us)
{
    sp_str text;
    if (!sp_dg_need(d, key, &text))
        return false;
    if (layout ? sp_layout_parse(layout, text, us) : sp_parse_timestamp(text, us))
        return true;
    sp_mistake(d->r->m, d->v[key]->mark, text, "is no date written as \"format\" says");
    return false;
}

static void read_date_range(dg_column *d, sp_plan_column *c)
{
    int64_t step_ns = 0, seconds = 0;
    uint64_t n = sp_dg_current_first(d);
    sp_str text;
    sp_dg_format(d, c);
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
    } else {
        warn_of_steps(d, n, (__int128)n, false, (__int128)(c->max_i - c->min_i) * 1000);
    }
    d->length = n;
}

static void read_range(dg_column *d, sp_plan_column *c)
{
    sp_str type;
    c->mode = SP_MODE_RANGE;
    c->mode_mark = d->mark;
    if (d->v[P_CMD])
        sp_mistake(d->r->m, d->v[P_CMD]->mark, sp_str_of("cmd"),
                   "is a program to be run, and plans run none: say \"from\" with what it prints");
    if (d->v[P_TABLE] && !d->v[P_CMD])
        sp_dg_range_on(d, c);
    if (d->v[P_TABLE] || d->v[P_CMD])
        return;
    if (!sp_dg_need(d, P_TYPE, &type))
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
    sp_dg_place(d, P_SOURCE_TABLE, P_SOURCE_VALUE, c);
    sp_dg_need(d, P_SOURCE_COLUMN, &c->by);
    sp_dg_need(d, P_MATCH_COLUMN, &c->key);
    d->length = sp_dg_current_first(d);
}

/* ---- columns, in the order in which dg makes them ---- */

typedef enum turn { FK, EACH, CONST, LATER } turn;
static const struct processor {
    const char *name;
    dg_processor *read;
    turn turn;
    bool fork;
} processors[] = {
    {"each", read_each, EACH, false},
    {"const", read_const, CONST, false},
    {"gen", read_gen, LATER, false},
    {"set", read_set, LATER, false},
    {"inc", read_inc, LATER, false},
    {"ref", read_ref, LATER, false},
    {"range", read_range, LATER, false},
    {"match", read_match, LATER, false},
    {"fk", sp_dg_fk, FK, true},
    {"cuid2", sp_dg_cuid2, LATER, true},
    {"rand", sp_dg_rand, LATER, true},
    {"rel_date", sp_dg_relative_date, LATER, true},
    {"relative_date", sp_dg_relative_date, LATER, true},
    {"expr", sp_dg_expr_column, LATER, true},
    {"case", sp_dg_case, LATER, true},
    {"map", sp_dg_map, LATER, true},
    {"count_values", sp_dg_map, LATER, true},
    {"pick", sp_dg_pick, LATER, true},
    {"once", sp_dg_pick, LATER, true},
    {"lookup", sp_dg_lookup, LATER, true},
    {"dist", sp_dg_dist, LATER, true},
};

/* A column as it stands in the file. */
typedef struct entry {
    const sp_node *node, *v[F_COUNT];
    const struct processor *processor;
    uint32_t values; /* const */
    uint32_t number; /* in the file */
    uint32_t column; /* what it became */
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

static void read_processor(const entry *e, dg_column *d)
{
    const sp_node *p = e->v[F_PROCESSOR];
    d->mark = p ? p->mark : e->node->mark;
    if (p && p->kind == SP_NODE_LIST)
        d->list = p;
    else if (p && p->kind != SP_NODE_MAP)
        sp_read_mistake(d->r, p, "a processor: a mapping");
    else if (p)
        sp_read_keys(d->r, p, &processor_keys, d->v);
}

/* What a table's columns are read with. */
typedef struct progress {
    uint64_t count, current;
    bool fork;
    const sp_node *columns;
} progress;

static void read_column(sp_plan_reader *r, sp_plan_table *t, entry *e, progress *at)
{
    uint32_t said = r->m->n_said;
    sp_plan_column c = sp_read_new_column(r, e->node->mark);
    dg_column d = {
        .r = r, .table = t, .fork = at->fork, .count = at->count, .current = at->current, .columns = at->columns};
    c.name = sp_read_name(r, e->v[F_NAME], e->node->mark, "a column", &c.mark);
    c.hidden = sp_read_flag(r, e->v[F_SUPPRESS]);
    read_processor(e, &d);
    c.mode_mark = d.mark;
    e->processor->read(&d, &c);
    c.stop = d.length; /* taken back where the table gets no longer */
    c.wrong = r->m->n_said > said;
    at->current = SP_MAX(at->current, d.length);
    at->count = d.count;
    e->column = sp_dg_add_column(r, t, &c) ? t->n_columns - 1 : 0;
}

static turn turn_of(const entry *e)
{
    return e->processor->turn;
}

/* The order in which dg makes columns: const columns longest first, else as they stand. */
static void sort_entries(entry *entries, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t j = i; j > 0 && (turn_of(&entries[j]) < turn_of(&entries[j - 1]) ||
                                       (turn_of(&entries[j]) == CONST && turn_of(&entries[j - 1]) == CONST &&
                                        entries[j].values > entries[j - 1].values));
             j--) {
            entry swapped = entries[j];
            entries[j] = entries[j - 1];
            entries[j - 1] = swapped;
        }
}

/* The columns in the order of the file, and those that were made on the way behind them. */
static void put_in_order(sp_plan_reader *r, sp_plan_table *t, const entry *entries, uint32_t n)
{
    uint32_t room = (t->n_columns + ROOM - 1) / ROOM * ROOM, to = 0;
    sp_plan_column *sorted = sp_read_make(r, room, sizeof(*sorted));
    bool *taken = sp_read_make(r, room, sizeof(*taken));
    for (uint32_t number = 0; sorted && taken && number < n; number++)
        for (uint32_t i = 0; i < n; i++)
            if (entries[i].number == number) {
                sorted[to++] = t->columns[entries[i].column];
                taken[entries[i].column] = true;
            }
    for (uint32_t i = 0; sorted && taken && i < t->n_columns; i++)
        if (!taken[i])
            sorted[to++] = t->columns[i];
    if (sorted && taken && to == t->n_columns)
        t->columns = sorted;
}

/* Where every column ends, and the table with the longest. */
static void end_columns(sp_plan_table *t, const entry *entries, uint32_t n, const progress *at)
{
    uint64_t product = 0; /* how long all each columns are */
    t->rows = at->current;
    for (uint32_t i = 0; i < n; i++)
        if (turn_of(&entries[i]) == EACH)
            product = SP_MAX(product, t->columns[entries[i].column].stop);
    for (uint32_t i = 0; i < n; i++) {
        sp_plan_column *c = &t->columns[entries[i].column];
        bool each = turn_of(&entries[i]) == EACH;
        c->stop = each ? product : c->stop;
        if (c->stop >= t->rows || (each && at->fork) || t->rows_counted)
            c->stop = SP_PLAN_NO_STOP;
        if (t->is_distinct && each)
            c->distinct = true; /* of the product of all each columns */
    }
    if (t->rows_counted)
        t->rows = SP_MIN(SP_MAX(t->rows, UINT64_C(1)), t->rows_most); /* a guess */
}

static void read_columns(sp_plan_reader *r, sp_plan_table *t, entry *entries, uint32_t n, progress *at)
{
    sort_entries(entries, n);
    for (uint32_t i = 0; i < n && turn_of(&entries[i]) == FK; i++) {
        dg_column d = {.r = r, .table = t};
        read_processor(&entries[i], &d);
        t->rows_counted |= sp_dg_fk_counts(&d);
    }
    for (uint32_t i = 0; i < n && !r->stop; i++) {
        read_column(r, t, &entries[i], at);
        bool last_each = turn_of(&entries[i]) == EACH && (i + 1 == n || turn_of(&entries[i + 1]) != EACH);
        if (at->fork && at->count && last_each && !t->rows_counted)
            at->current = at->count;
    }
    if (r->stop)
        return;
    end_columns(t, entries, n, at);
    if (at->fork)
        put_in_order(r, t, entries, n);
}

/* ---- tables ---- */

enum { T_NAME, T_COUNT_KEY, T_SUPPRESS, T_UNIQUE, T_COLUMNS, T_COUNT };
static const char *const table_names[T_COUNT] = {[T_NAME] = "name",
                                                 [T_COUNT_KEY] = "count",
                                                 [T_SUPPRESS] = "suppress",
                                                 [T_UNIQUE] = "unique_columns",
                                                 [T_COLUMNS] = "columns"};
static const sp_keys table_keys = {"a table", table_names, T_COUNT};

static void read_entries(sp_plan_reader *r, sp_plan_table *t, const sp_node *columns, progress *at)
{
    uint32_t n = 0, said = r->m->n_said;
    entry *entries = sp_read_make(r, columns->n, sizeof(*entries));
    if (!entries)
        return;
    for (uint32_t i = 0; i < columns->n; i++) {
        entries[n] = (entry){.node = columns->items[i], .number = n};
        if (!find_processor(r, &entries[n]))
            continue;
        const sp_node *p = entries[n].v[F_PROCESSOR];
        for (uint32_t k = 0; p && p->kind == SP_NODE_MAP && k < p->n; k++)
            if (sp_str_is(p->pairs[k].key->text, "values") && p->pairs[k].value->kind == SP_NODE_LIST)
                entries[n].values = p->pairs[k].value->n;
        n++;
    }
    if (!n && r->m->n_said == said)
        sp_mistake(r->m, t->mark, sp_str_of(t->name), "has no column of a type that is known, so there is no such table");
    at->columns = columns;
    read_columns(r, t, entries, n, at);
}

static void read_table(sp_plan_reader *r, sp_plan_table *t, const sp_node *node, bool fork)
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
    if (v[T_COUNT_KEY] && sp_read_text(r, v[T_COUNT_KEY], "a count", &text) &&
        (!sp_scalar_rows(text, &count) || count < 0)) {
        sp_read_mistake(r, v[T_COUNT_KEY], "a number of rows, 0 or more");
        count = 0;
    }
    if (v[T_COLUMNS] && v[T_COLUMNS]->kind == SP_NODE_LIST && v[T_COLUMNS]->n)
        read_entries(r, t, v[T_COLUMNS], &(progress){.count = (uint64_t)count, .fork = fork});
    else
        sp_mistake(r->m, t->mark, sp_str_of(t->name), "needs \"columns\": a list");
    sp_read_distinct(r, t, v[T_UNIQUE]);
}

/* ---- the form ---- */

/* Only dg's tables have a count, and only its columns a processor. */
bool sp_is_dg_form(const sp_node *root)
{
    const sp_node *tables = sp_node_value(root, "tables");
    if (!tables && sp_node_value(root, "extends"))
        return true;
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

/* Does the configuration say something that only dg's fork knows? Then columns are written in the order of the file. */
static bool is_fork(const sp_node *tables)
{
    for (uint32_t t = 0; t < tables->n; t++) {
        const sp_node *columns = sp_node_value(tables->items[t], "columns");
        for (uint32_t c = 0; columns && columns->kind == SP_NODE_LIST && c < columns->n; c++) {
            const sp_node *type = sp_node_value(columns->items[c], "type"),
                          *p = sp_node_value(columns->items[c], "processor");
            for (size_t i = 0; type && type->kind == SP_NODE_TEXT && i < SP_COUNT(processors); i++)
                if (processors[i].fork && sp_str_is(type->text, processors[i].name))
                    return true;
            if (type && type->kind == SP_NODE_TEXT && p &&
                ((sp_str_is(type->text, "gen") && sp_node_value(p, "template")) ||
                 (sp_str_is(type->text, "range") && (sp_node_value(p, "table") || sp_node_value(p, "cmd")))))
                return true;
        }
    }
    return false;
}

void sp_read_dg_form(sp_plan_reader *r, const sp_node *root)
{
    bool fork = sp_node_value(root, "extends") != NULL;
    root = fork ? sp_merge_extended(r, root) : root;
    if (!sp_node_value(root, "tables")->n)
        sp_mistake(r->m, root->mark, (sp_str){0}, "there is no table in this configuration, nor in those it extends");
    fork = fork || is_fork(sp_node_value(root, "tables"));
    const sp_node *tables = sp_node_value(root, "tables"), *inputs = sp_node_value(root, "inputs");
    inputs = inputs && !sp_node_is_null(inputs) ? inputs : NULL;
    if (!sp_read_make_tables(r, tables->n + sp_inputs_count(inputs), tables))
        return;
    sp_read_inputs(r, inputs);
    for (uint32_t i = 0; i < tables->n && !r->stop; i++)
        read_table(r, &r->plan->tables[r->plan->n_tables++], tables->items[i], fork);
}
