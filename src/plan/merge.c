/* merge.c - configurations that extend others: what several files say of inputs and tables becomes one document.
 *
 * "extends" lists files beside the one it stands in; they are merged first, one after the other, and then the file itself. Inputs are
 * replaced by name. A table that is there already takes count and suppress from the newer file, its columns if it has any, and the unique
 * columns of both. Nodes keep their place, and which file that is in. */
#include "plan/document.h"

#include "os/os.h"

enum { EXTENDS_DEPTH_MAX = 16, FILES_MAX = 256, TABLES_MAX = 4096 };

typedef struct merged {
    sp_plan_reader *r;
    const sp_node **inputs, **tables; /* room for TABLES_MAX */
    uint32_t n_inputs, n_tables;
    const char *open[EXTENDS_DEPTH_MAX]; /* files that are being read, the outermost first */
    uint32_t depth, files;
} merged;

static bool same_name(const sp_node *a, const sp_node *b)
{
    const sp_node *x = sp_node_value(a, "name"), *y = sp_node_value(b, "name");
    return x && y && x->kind == SP_NODE_TEXT && y->kind == SP_NODE_TEXT && sp_str_eq(x->text, y->text);
}

static const sp_node **place_of(const sp_node **nodes, uint32_t n, const sp_node *node)
{
    for (uint32_t i = 0; i < n; i++)
        if (same_name(nodes[i], node))
            return &nodes[i];
    return NULL;
}

/* The items of both lists, those of the newer that the older has left out. */
static const sp_node *joined(sp_plan_reader *r, const sp_node *old, const sp_node *new)
{
    if (!old || !new || old->kind != SP_NODE_LIST || new->kind != SP_NODE_LIST)
        return new ? new : old;
    const sp_node **items = sp_read_make(r, old->n + new->n, sizeof(*items));
    uint32_t n = 0;
    for (uint32_t i = 0; items && i < old->n + new->n; i++) {
        const sp_node *item = i < old->n ? old->items[i] : new->items[i - old->n];
        bool there = false;
        for (uint32_t k = 0; k < n && item->kind == SP_NODE_TEXT; k++)
            there = there || (items[k]->kind == SP_NODE_TEXT && sp_str_eq(items[k]->text, item->text));
        if (!there)
            items[n++] = item;
    }
    return items ? sp_make_list(r, new->mark, items, n) : new;
}

static const sp_node *merge_table(sp_plan_reader *r, const sp_node *old, const sp_node *new)
{
    sp_node_making made = {.r = r, .at = new->mark};
    const sp_node *columns = sp_node_value(new, "columns");
    bool own = columns && columns->kind == SP_NODE_LIST && columns->n;
    sp_make_pair(&made, "name", sp_node_value(new, "name"));
    sp_make_pair(&made, "count", sp_node_value(new, "count"));
    sp_make_pair(&made, "suppress", sp_node_value(new, "suppress"));
    sp_make_pair(&made, "unique_columns",
                 joined(r, sp_node_value(old, "unique_columns"), sp_node_value(new, "unique_columns")));
    sp_make_pair(&made, "columns", own ? columns : sp_node_value(old, "columns"));
    return sp_make_map(&made);
}

static void take(merged *m, const sp_node *list, bool tables)
{
    const sp_node **to = tables ? m->tables : m->inputs;
    uint32_t *n = tables ? &m->n_tables : &m->n_inputs;
    for (uint32_t i = 0; list && list->kind == SP_NODE_LIST && i < list->n; i++) {
        const sp_node **there = place_of(to, *n, list->items[i]);
        if (there)
            *there = tables ? merge_table(m->r, *there, list->items[i]) : list->items[i];
        else if (*n < TABLES_MAX)
            to[(*n)++] = list->items[i];
        else
            sp_mistake(m->r->m, list->items[i]->mark, (sp_str){0}, "is one too many: there are %d at most", TABLES_MAX);
    }
}

static void merge_document(merged *m, const sp_node *root, const char *path);

/* The path of a file that another one names: beside it, unless it is absolute. */
static const char *path_beside(sp_plan_reader *r, const char *path, sp_str name)
{
    const char *slash = strrchr(path, '/');
    int len = slash && name.len && name.p[0] != '/' ? (int)(slash - path) + 1 : 0;
    return sp_arena_printf(&r->plan->arena, "%.*s%.*s", len, path, (int)name.len, name.p);
}

static bool is_open(const merged *m, const char *path)
{
    for (uint32_t i = 0; i < m->depth; i++)
        if (strcmp(m->open[i], path) == 0)
            return true;
    return false;
}

static void merge_file(merged *m, const sp_node *named, const char *beside)
{
    sp_plan_reader *r = m->r;
    spate_error err = {0};
    sp_buf text;
    const sp_node *root = NULL;
    const char *path = path_beside(r, beside, named->text);
    uint32_t reading = r->m->reading;
    if (!path) {
        r->nomem = r->stop = true;
        return;
    }
    if (is_open(m, path) || m->depth == EXTENDS_DEPTH_MAX || m->files++ == FILES_MAX) {
        sp_mistake(r->m, named->mark, named->text,
                   is_open(m, path) ? "is the very file that extends it, or one of those it extends"
                                    : "is one file too many: 16 may extend each other, 256 in all");
        return;
    }
    sp_buf_init(&text);
    int status = sp_os_read_file(path, SP_PLAN_BYTES_MAX, &text, &err);
    if (status != SPATE_OK)
        sp_mistake(r->m, named->mark, named->text, "cannot be read: %s", err.message);
    else if (!sp_mistakes_begin_file(r->m, path))
        r->nomem = r->stop = true;
    else if (sp_document_load(text.data, text.len, r->nodes, &r->plan->arena, r->m, &root, &err) != SPATE_OK)
        r->nomem = r->stop = true;
    r->plan->digest = status == SPATE_OK ? sp_hash64(text.data, text.len, r->plan->digest) : r->plan->digest;
    if (root && !r->stop)
        merge_document(m, root, path);
    r->m->reading = reading;
    sp_buf_done(&text);
}

static void merge_document(merged *m, const sp_node *root, const char *path)
{
    const sp_node *extends = sp_node_value(root, "extends");
    m->open[m->depth++] = path;
    if (extends && extends->kind == SP_NODE_TEXT && !sp_node_is_null(extends))
        merge_file(m, extends, path);
    for (uint32_t i = 0; extends && extends->kind == SP_NODE_LIST && i < extends->n && !m->r->stop; i++) {
        if (extends->items[i]->kind == SP_NODE_TEXT)
            merge_file(m, extends->items[i], path);
        else
            sp_read_mistake(m->r, extends->items[i], "the name of a file");
    }
    m->depth--;
    take(m, sp_node_value(root, "inputs"), false);
    take(m, sp_node_value(root, "tables"), true);
}

const sp_node *sp_merge_extended(sp_plan_reader *r, const sp_node *root)
{
    merged m = {.r = r,
                .inputs = sp_read_make(r, TABLES_MAX, sizeof(*m.inputs)),
                .tables = sp_read_make(r, TABLES_MAX, sizeof(*m.tables))};
    sp_node_making made = {.r = r, .at = root->mark};
    if (!m.inputs || !m.tables)
        return root;
    merge_document(&m, root, r->plan->path);
    if (m.n_inputs)
        sp_make_pair(&made, "inputs", sp_make_list(r, root->mark, m.inputs, m.n_inputs));
    sp_make_pair(&made, "tables", sp_make_list(r, root->mark, m.tables, m.n_tables));
    return sp_make_map(&made);
}
