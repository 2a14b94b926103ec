/* outside.c - rows that a plan names and does not hold: where they are, and what the plan may say of them.
 *
 * The plan room looks through the reader's look and knows nothing of databases. What is seen is kept in the plan's memory; its hash is
 * part of the plan's digest, so that a job goes on only with the rows it began with. */
#include "plan/document.h"

/* ---- where ---- */

static const char *text_of(sp_plan_reader *r, const sp_node *node, const char *what)
{
    sp_str text;
    if (!node || !sp_read_text(r, node, what, &text))
        return NULL;
    if (text.len == 0)
        sp_mistake(r->m, node->mark, text, "expected %s", what);
    return text.p;
}

static bool read_names(sp_plan_reader *r, const sp_node *node, sp_plan_from *from)
{
    sp_str name;
    if (!node)
        return true;
    if (node->kind != SP_NODE_LIST || node->n == 0) {
        sp_read_mistake(r, node, "a list of columns, such as [id, region]");
        return false;
    }
    const char **names = sp_read_make(r, node->n, sizeof(*names));
    for (uint32_t i = 0; names && i < node->n; i++) {
        if (!sp_read_text(r, node->items[i], "the name of a column", &name))
            return false;
        names[i] = name.p;
    }
    from->columns = names;
    from->n_columns = node->n;
    return names != NULL;
}

static bool read_sample(sp_plan_reader *r, const sp_node *node, sp_plan_from *from)
{
    sp_str text;
    int64_t rows;
    if (!node)
        return true;
    if (!sp_read_text(r, node, "a number of rows", &text))
        return false;
    if (!sp_scalar_rows(text, &rows) || rows < 1 || rows > SP_PLAN_SAMPLE_MAX) {
        sp_mistake(r->m, node->mark, text, "is no number of rows to sample: 1 to %d, which are kept in memory",
                   SP_PLAN_SAMPLE_MAX);
        return false;
    }
    from->rows = (uint64_t)rows;
    return true;
}

sp_plan_from *sp_read_from(sp_plan_reader *r, const sp_from_nodes *v, const char *name)
{
    uint32_t said = r->m->n_said;
    sp_plan_from *from = sp_read_make(r, 1, sizeof(*from));
    if (!from)
        return NULL;
    from->uri = text_of(r, v->from, "where the rows are, such as postgresql://host/shop");
    from->table = v->table ? text_of(r, v->table, "the name of a table") : name;
    from->where = text_of(r, v->where, "a condition in the source's SQL");
    bool good = read_names(r, v->columns, from) && read_sample(r, v->sample, from);
    return good && said == r->m->n_said ? from : NULL;
}

/* ---- what is there ---- */

static bool is_mistake(int status)
{
    return status == SPATE_E_USAGE || status == SPATE_E_CONFIG || status == SPATE_E_DATA;
}

sp_plan_there *sp_read_there(sp_plan_reader *r, const sp_plan_from *from, const sp_node *at)
{
    spate_error err = {0};
    sp_plan_there *there = sp_read_make(r, 1, sizeof(*there));
    if (!there)
        return NULL;
    if (!r->look) {
        sp_mistake(r->m, at->mark, sp_str_of("from"), "cannot be looked at here");
        return NULL;
    }
    int status = r->look(r->plan->path, from, &r->plan->arena, there, &err);
    if (status == SPATE_OK) {
        r->plan->digest = sp_hash64(there->csv.p, there->csv.len, r->plan->digest);
        return there;
    }
    if (is_mistake(status)) {
        sp_mistake(r->m, at->mark, (sp_str){0}, "%s%s%s", err.message, *err.hint ? "; " : "", err.hint);
        return NULL;
    }
    r->stop = true;
    r->failed = status;
    if (r->err)
        *r->err = err;
    return NULL;
}

/* ---- what replaces it ---- */

static int find_field(sp_plan_reader *r, sp_str name, sp_mark at)
{
    const sp_plan_there *there = r->there;
    for (uint32_t i = 0; i < there->n_fields; i++)
        if (sp_str_is(name, there->fields[i].name))
            return (int)i;
    const char **names = sp_read_make(r, there->n_fields, sizeof(*names));
    for (uint32_t i = 0; names && i < there->n_fields; i++)
        names[i] = there->fields[i].name;
    const char *near = names ? sp_nearest(name, names, there->n_fields) : NULL;
    sp_mistake(r->m, at, name, "is no column of the table there%s%s%s", near ? "; did you mean \"" : "",
               near ? near : "", near ? "\"?" : "");
    return -1;
}

/* What is made goes into a document as JSON says it: its type is its own. */
static void read_path(sp_plan_reader *r, sp_plan_column *c, const sp_type *there, const sp_node *by,
                      const sp_node *node)
{
    const char *why;
    sp_str text;
    const sp_type *of = there->kind == SP_LIST ? there->item : there;
    sp_json_path *path = sp_read_make(r, 1, sizeof(*path));
    if (!path || !sp_read_text(r, node, "a path in a document, such as $.customer.email", &text))
        return;
    if (of->kind != SP_JSON && of->kind != SP_TEXT)
        sp_mistake(r->m, node->mark, text, "goes only with a column of JSON: this one has the type %s",
                   sp_kind_name(of->kind));
    c->path = path;
    bool good = sp_json_path_parse(&r->plan->arena, text, path, &why);
    if (!good && why)
        sp_mistake(r->m, node->mark, text, "is no path in a document: %s", why);
    else if (!good)
        r->nomem = r->stop = true;
    if (there->kind == SP_LIST && by)
        sp_mistake(r->m, by->mark, sp_str_of("by"), "does not go with a list, whose documents are replaced one by one");
}

void sp_read_mask(sp_plan_reader *r, sp_plan_column *c, const sp_node *by, const sp_node *path)
{
    sp_str name;
    int field = find_field(r, sp_str_of(c->name), c->mark), of = field;
    if (by && sp_read_text(r, by, "the name of a column", &name))
        of = find_field(r, name, by->mark);
    if (field < 0 || of < 0)
        return;
    c->mask = (uint32_t)field;
    c->mask_by = (uint32_t)of;
    const sp_field *there = &r->there->fields[field];
    if (path) {
        read_path(r, c, &there->type, by, path);
        return;
    }
    if (c->type || c->is_enum)
        sp_mistake(r->m, c->type_mark, sp_str_of("type"), "does not go with from: a column keeps the type it has");
    c->mask_items = there->type.kind == SP_LIST && c->mode != SP_MODE_ARRAY;
    if (c->mask_items && by)
        sp_mistake(r->m, by->mark, sp_str_of("by"), "does not go with a list whose items are replaced one by one");
    c->type = c->mask_items ? there->type.item : &there->type;
    c->sql_type = there->sql_type ? there->sql_type : sp_kind_name(c->type->kind);
    c->type_mark = c->mark;
}

void sp_check_mask(sp_plan_reader *r, sp_plan_column *c)
{
    static const sp_mode modes[] = {SP_MODE_VALUE,  SP_MODE_RANGE, SP_MODE_SET,    SP_MODE_ARRAY,
                                    SP_MODE_PERSON, SP_MODE_PLACE, SP_MODE_PATTERN};
    bool good = false;
    for (size_t i = 0; i < SP_COUNT(modes); i++)
        good = good || c->mode == modes[i];
    sp_spread spread = c->distribution.spread;
    const char *what =
        !good              ? sp_plan_mode_name(c->mode)
        : c->null_rate > 0 ? "null"
        : c->unique && c->mode != SP_MODE_VALUE && c->mode != SP_MODE_PERSON && c->mode != SP_MODE_PATTERN ? "unique"
        : c->sorted                                                                                        ? "sorted"
        : c->primary_key                                                                     ? "primary_key"
        : c->hidden                                                                          ? "hidden"
        : c->stop != SP_PLAN_NO_STOP                                                         ? "stop"
        : c->n_common                                                                        ? "common"
        : c->n_values                                                                        ? "distinct"
        : spread == SP_SPREAD_CYCLE || spread == SP_SPREAD_EVEN || spread == SP_SPREAD_EXACT ? "distribution"
        : c->children || c->tree.roots || c->graph                                           ? "children, tree or graph"
                                                                                             : NULL;
    if (what)
        sp_mistake(
            r->m, c->mark, sp_str_of(c->name),
            "replaces the values of a table that is there, and cannot say %s: value, range, set, array, person, place and pattern can, and "
            "nulls stay where they are",
            what);
}
