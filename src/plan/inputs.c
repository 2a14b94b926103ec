/* inputs.c - rows that come with a plan, of files or samples of tables elsewhere: each becomes a hidden table whose columns have their
 * values, row by row. The file is read whole, into the plan's memory, so it is bounded: SP_PLAN_BYTES_MAX bytes. CSV is RFC 4180's, with a
 * header; blank lines are skipped. */
#include "plan/document.h"

#include "os/os.h"

/* ---- CSV ---- */

typedef struct csv {
    const char *p, *end;
    uint32_t line;
    sp_arena *arena;
    bool nomem, broken; /* broken: a quote that nothing closes */
    bool nulls;         /* what is empty and not quoted is null: its p is NULL */
} csv;

static void skip_blank_lines(csv *f)
{
    for (; f->p < f->end && (*f->p == '\n' || (*f->p == '\r' && f->p + 1 < f->end && f->p[1] == '\n')); f->p++)
        f->line += *f->p == '\n';
}

static sp_str quoted_field(csv *f)
{
    char *copy = sp_arena_alloc(f->arena, 1, (size_t)(f->end - f->p) + 1), *to = copy;
    if (!copy) {
        f->nomem = true;
        return (sp_str){"", 0};
    }
    for (f->p++; f->p < f->end; f->p++) {
        if (*f->p == '"' && (f->p + 1 == f->end || f->p[1] != '"'))
            break;
        f->p += *f->p == '"';
        f->line += *f->p == '\n';
        *to++ = *f->p;
    }
    f->broken = f->broken || f->p == f->end;
    f->p += f->p < f->end;
    return (sp_str){copy, (size_t)(to - copy)};
}

/* One field, and whether another one follows in its line. */
static sp_str next_field(csv *f, bool *more)
{
    sp_str s;
    if (f->p < f->end && *f->p == '"') {
        s = quoted_field(f);
    } else {
        s.p = f->p;
        while (f->p < f->end && *f->p != ',' && *f->p != '\n')
            f->p++;
        s.len = (size_t)(f->p - s.p);
        s.p = s.len || !f->nulls ? s.p : NULL;
    }
    *more = f->p < f->end && *f->p == ',';
    if (!*more && s.len && s.p + s.len == f->p && !f->nulls && s.p[s.len - 1] == '\r')
        s.len--;
    if (!*more && f->p < f->end && *f->p == '\r')
        f->p++;
    f->line += f->p < f->end && *f->p == '\n';
    f->p += f->p < f->end;
    return s;
}

/* ---- a file as a table ---- */

enum { COLUMNS_MAX = 1024 };

static uint32_t count_lines(const sp_buf *text)
{
    uint32_t n = 1;
    for (size_t i = 0; i < text->len; i++)
        n += text->data[i] == '\n';
    return n;
}

/* Columns with room for so many values. */
static bool add_columns(sp_plan_reader *r, sp_plan_table *t, const sp_str *names, uint32_t n, uint64_t rows_max)
{
    if (!sp_read_make_columns(r, t, n, t->mark))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        sp_plan_column *c = &t->columns[t->n_columns++];
        *c = sp_read_new_column(r, t->mark);
        c->name = sp_arena_strndup(&r->plan->arena, names[i].p, names[i].len);
        c->mode = SP_MODE_SET;
        c->distribution.spread = SP_SPREAD_CYCLE;
        c->items = sp_read_make(r, SP_MAX(rows_max, (uint64_t)1), sizeof(*c->items));
        if (!c->name || !c->items)
            return false;
    }
    return true;
}

static bool add_header(sp_plan_reader *r, sp_plan_table *t, csv *f, uint32_t rows_max)
{
    sp_str names[COLUMNS_MAX];
    uint32_t n = 0;
    for (bool more = true; more && n < COLUMNS_MAX;)
        names[n++] = next_field(f, &more);
    return add_columns(r, t, names, n, rows_max);
}

static bool add_row(sp_plan_reader *r, sp_plan_table *t, csv *f, sp_mark at)
{
    uint32_t line = f->line, n = 0;
    for (bool more = true; more; n++) {
        sp_str s = next_field(f, &more);
        if (n < t->n_columns)
            ((sp_plan_item *)(uintptr_t)t->columns[n].items)[t->rows] =
                (sp_plan_item){.text = s, .mark = at, .weight = 1};
    }
    if (n != t->n_columns || f->broken) {
        sp_mistake(r->m, at, sp_str_of(t->name),
                   f->broken ? "has a quote that is not closed, in line %u"
                             : "has another number of fields than its header, in line %u",
                   line);
        return false;
    }
    t->rows++;
    return true;
}

static void count_items(sp_plan_reader *r, sp_plan_table *t, const csv *f, sp_mark at)
{
    for (uint32_t i = 0; i < t->n_columns; i++) {
        t->columns[i].n_items = (uint32_t)SP_MAX(t->rows, (uint64_t)1);
        if (t->rows == 0 && t->columns[i].items)
            ((sp_plan_item *)(uintptr_t)t->columns[i].items)[0] =
                (sp_plan_item){.text = sp_str_of(""), .mark = at, .weight = 1};
    }
    if (f->nomem)
        r->nomem = r->stop = true;
}

static void read_csv(sp_plan_reader *r, sp_plan_table *t, sp_str text, sp_mark at, uint32_t lines)
{
    csv f = {.p = text.p, .end = text.p + text.len, .line = 1, .arena = &r->plan->arena};
    skip_blank_lines(&f);
    if (f.p == f.end) {
        sp_mistake(r->m, at, sp_str_of(t->name), "is an empty file, and should have a header at least");
        return;
    }
    bool good = add_header(r, t, &f, lines);
    for (skip_blank_lines(&f); good && f.p < f.end; skip_blank_lines(&f))
        good = add_row(r, t, &f, at);
    count_items(r, t, &f, at);
}

/* ---- a sample of rows of elsewhere as a table ---- */

static void read_sample(sp_plan_reader *r, sp_plan_table *t, const sp_plan_from *from, const sp_node *at)
{
    const sp_plan_there *there = sp_read_there(r, from, at);
    if (!there)
        return;
    sp_str names[COLUMNS_MAX];
    uint32_t n = SP_MIN(there->n_fields, (uint32_t)COLUMNS_MAX);
    for (uint32_t i = 0; i < n; i++)
        names[i] = sp_str_of(there->fields[i].name);
    csv f = {
        .p = there->csv.p, .end = there->csv.p + there->csv.len, .line = 1, .arena = &r->plan->arena, .nulls = true};
    bool good = add_columns(r, t, names, n, there->rows);
    for (uint64_t i = 0; good && i < there->rows; i++)
        good = add_row(r, t, &f, at->mark);
    count_items(r, t, &f, at->mark);
    for (uint32_t i = 0; good && i < n; i++) {
        t->columns[i].type = t->rows ? &there->fields[i].type : NULL;
        t->columns[i].sql_type = there->fields[i].sql_type;
        t->columns[i].unique = there->unique[i];
    }
}

/* The directory of the plan, or of the file that it extends, and the name, as dg joins them: an absolute name is below that directory too. */
static const char *path_of(sp_plan_reader *r, sp_mark at, sp_str name)
{
    const char *path = sp_mistakes_file(r->m, at), *slash = strrchr(path, '/');
    int len = slash ? (int)(slash - path) : 0;
    return sp_arena_printf(&r->plan->arena, "%.*s%s%.*s", len, path, slash ? "/" : "./", (int)name.len, name.p);
}

static void read_file(sp_plan_reader *r, sp_plan_table *t, const sp_node *node)
{
    sp_buf buf;
    spate_error err = {0};
    sp_os_kind kind = SP_OS_NOTHING;
    const char *path = path_of(r, node->mark, node->text);
    if (!path) {
        r->nomem = r->stop = true;
        return;
    }
    int status = sp_os_kind_of(path, &kind, &err);
    if (status == SPATE_OK && kind != SP_OS_FILE) {
        sp_mistake(r->m, node->mark, node->text,
                   kind == SP_OS_NOTHING ? "is no file beside the plan" : "is not a regular file");
        return;
    }
    sp_buf_init(&buf);
    status = status == SPATE_OK ? sp_os_read_file(path, SP_PLAN_BYTES_MAX, &buf, &err) : status;
    char *text = status == SPATE_OK ? sp_arena_strndup(&r->plan->arena, buf.data, buf.len) : NULL;
    if (status != SPATE_OK)
        sp_mistake(r->m, node->mark, node->text, "cannot be read: %s", err.message);
    else if (!text)
        r->nomem = r->stop = true;
    else if (!sp_utf8_valid(text, buf.len) || memchr(text, '\0', buf.len))
        sp_mistake(r->m, node->mark, node->text, "is not a text in UTF-8");
    else
        read_csv(r, t, (sp_str){text, buf.len}, node->mark, count_lines(&buf));
    sp_buf_done(&buf);
}

/* ---- the list ---- */

enum { I_NAME, I_TYPE, I_SOURCE, I_FROM, I_TABLE, I_COLUMNS, I_WHERE, I_SAMPLE, I_COUNT };
static const char *const input_names[I_COUNT] = {
    [I_NAME] = "name",   [I_TYPE] = "type",       [I_SOURCE] = "source", [I_FROM] = "from",
    [I_TABLE] = "table", [I_COLUMNS] = "columns", [I_WHERE] = "where",   [I_SAMPLE] = "sample"};
static const sp_keys input_keys = {"an input", input_names, I_COUNT};
static const char *const source_names[] = {"file_name"};
static const sp_keys source_keys = {"a source", source_names, 1};

static void read_outside(sp_plan_reader *r, sp_plan_table *t, const sp_node *const *v)
{
    sp_plan_from *from =
        sp_read_from(r, &(sp_from_nodes){v[I_FROM], v[I_TABLE], v[I_COLUMNS], v[I_WHERE], v[I_SAMPLE]}, t->name);
    for (int i = I_TYPE; i <= I_SOURCE; i++)
        if (v[i])
            sp_mistake(r->m, v[i]->mark, sp_str_of(input_names[i]), "does not go with from");
    if (!from)
        return;
    from->rows = from->rows ? from->rows : SP_PLAN_SAMPLE;
    read_sample(r, t, from, v[I_FROM]);
}

static void read_input(sp_plan_reader *r, sp_plan_table *t, const sp_node *node)
{
    const sp_node *v[I_COUNT] = {0}, *file[1] = {0};
    sp_str type = sp_str_of("csv");
    *t = (sp_plan_table){.name = "", .mark = node->mark, .hidden = true, .fixed_rows = true};
    if (node->kind != SP_NODE_MAP) {
        sp_read_mistake(r, node, "an input: a mapping with name and source, or name and from");
        return;
    }
    sp_read_keys(r, node, &input_keys, v);
    t->name = sp_read_name(r, v[I_NAME], node->mark, "an input", &t->mark);
    if (v[I_FROM]) {
        read_outside(r, t, v);
        return;
    }
    for (int i = I_TABLE; i < I_COUNT; i++)
        if (v[i])
            sp_mistake(r->m, v[i]->mark, sp_str_of(input_names[i]), "goes only with from");
    if (v[I_TYPE] && sp_read_text(r, v[I_TYPE], "csv", &type) && !sp_str_ieq(type, "csv"))
        sp_read_mistake(r, v[I_TYPE], "csv, the one type of input");
    if (v[I_SOURCE] && v[I_SOURCE]->kind == SP_NODE_MAP)
        sp_read_keys(r, v[I_SOURCE], &source_keys, file);
    if (file[0] && file[0]->kind == SP_NODE_TEXT && file[0]->text.len)
        read_file(r, t, file[0]);
    else
        sp_mistake(r->m, v[I_SOURCE] ? v[I_SOURCE]->mark : t->mark, (sp_str){0},
                   "an input needs a source: {file_name: rows.csv}, or from: and a URI");
}

uint32_t sp_inputs_count(const sp_node *inputs)
{
    return inputs && inputs->kind == SP_NODE_LIST ? inputs->n : 0;
}

void sp_read_inputs(sp_plan_reader *r, const sp_node *inputs)
{
    if (inputs && inputs->kind != SP_NODE_LIST)
        sp_read_mistake(r, inputs, "a list of inputs");
    for (uint32_t i = 0; i < sp_inputs_count(inputs) && !r->stop; i++)
        read_input(r, &r->plan->tables[r->plan->n_tables++], inputs->items[i]);
}
