/* form_datagen_create.c - what a datagen schema declares of its tables, as CREATE statements of PostgreSQL: for targets that are to be
 * created. Types, defaults, keys by their names, what a foreign key does on deletes, checks, indexes and comments are said as the
 * schema says them.
 *
 * A check is left out where the schema itself says how a column in it is made, or where it could not be read: rows may then break it,
 * and a dump that once could be loaded still can. */
#include "plan/form_datagen.h"

typedef struct writer {
    sp_plan_reader *r;
    sp_buf out;
    bool nomem;
} writer;

static void put(writer *w, const char *text)
{
    w->nomem = w->nomem || sp_buf_adds(&w->out, text);
}

static void put_quoted(writer *w, sp_str text, char quote)
{
    char q[2] = {quote, '\0'};
    put(w, q);
    for (size_t i = 0; i < text.len; i++)
        w->nomem = w->nomem || sp_buf_add(&w->out, &text.p[i], 1) || (text.p[i] == quote && sp_buf_adds(&w->out, q));
    put(w, q);
}

/* schema.name is quoted part by part. */
static void put_table_name(writer *w, sp_str name)
{
    for (const char *dot; (dot = memchr(name.p, '.', name.len));
         name = (sp_str){dot + 1, name.len - (size_t)(dot - name.p) - 1}) {
        put_quoted(w, (sp_str){name.p, (size_t)(dot - name.p)}, '"');
        put(w, ".");
    }
    put_quoted(w, name, '"');
}

static void put_columns(writer *w, const datagen_table *t, const uint32_t *columns, uint32_t n)
{
    put(w, "(");
    for (uint32_t i = 0; i < n; i++) {
        put(w, i ? ", " : "");
        put_quoted(w, t->columns[columns[i]].name, '"');
    }
    put(w, ")");
}

static void put_nodes(writer *w, const sp_node *const *items, uint32_t n)
{
    put(w, "(");
    for (uint32_t i = 0; i < n; i++) {
        put(w, i ? ", " : "");
        put_quoted(w, items[i]->text, '"');
    }
    put(w, ")");
}

static sp_str text_of(const sp_node *map, const char *key)
{
    const sp_node *node = map && map->kind == SP_NODE_MAP ? sp_node_value(map, key) : NULL;
    return node && node->kind == SP_NODE_TEXT && !sp_node_is_null(node) ? node->text : (sp_str){"", 0};
}

static void put_constraint(writer *w, const sp_node *node)
{
    sp_str name = text_of(node, "name");
    put(w, ",\n  ");
    if (!name.len)
        return;
    put(w, "CONSTRAINT ");
    put_quoted(w, name, '"');
    put(w, " ");
}

/* ---- columns ------------------------------------------------------------------------------------- */

/* Numbers that the server counts go on behind the rows when the column is an identity; serial is the same without saying so. */
static const char *counted_type(sp_str sql)
{
    static const char *const serials[][2] = {
        {"serial", "integer"}, {"bigserial", "bigint"}, {"smallserial", "smallint"}};
    for (size_t i = 0; i < SP_COUNT(serials); i++)
        if (sp_str_ieq(sql, serials[i][0]))
            return serials[i][1];
    return NULL;
}

/* A text that stands for itself, where others would be words of SQL. */
static bool is_bare_text(const datagen_column *c, sp_str text)
{
    static const char *const words[] = {
        "null", "true", "false", "current_user", "session_user", "current_date", "current_timestamp", "now"};
    bool bare = c->type && c->type->kind == SP_TEXT && !c->type->other && !memchr(text.p, '(', text.len) &&
                !memchr(text.p, '\'', text.len) && !memchr(text.p, ':', text.len);
    for (size_t i = 0; i < SP_COUNT(words); i++)
        bare = bare && !sp_str_ieq(text, words[i]);
    return bare;
}

static void put_default(writer *w, const datagen_column *c)
{
    const sp_node *node = c->v[D_DEFAULT];
    if (!node || node->kind != SP_NODE_TEXT)
        return;
    put(w, " DEFAULT ");
    if (is_bare_text(c, node->text))
        put_quoted(w, node->text, '\'');
    else
        w->nomem = w->nomem || sp_buf_add(&w->out, node->text.p, node->text.len);
}

/* Not for the target. */
static bool is_hidden(const sp_node *plan)
{
    const sp_node *hidden = plan ? sp_node_value(plan, "hidden") : NULL;
    bool is = false;
    return hidden && hidden->kind == SP_NODE_TEXT && sp_parse_bool(hidden->text, &is) && is;
}

/* Where its sequence begins, and how far it goes each time. */
static void put_sequence(writer *w, const sp_node *sequence)
{
    const sp_node *start = sp_datagen_count(sequence, DATAGEN_START),
                  *step = sp_datagen_count(sequence, DATAGEN_INCREMENT);
    if (!start && !step)
        return;
    put(w, " (");
    if (start)
        w->nomem = w->nomem || sp_buf_printf(&w->out, "START WITH %.*s", (int)start->text.len, start->text.p);
    if (step)
        w->nomem = w->nomem ||
                   sp_buf_printf(&w->out, "%sINCREMENT BY %.*s", start ? " " : "", (int)step->text.len, step->text.p);
    put(w, ")");
}

static void put_column(writer *w, const datagen_column *c, bool first)
{
    const char *counted = counted_type(c->sql);
    put(w, first ? "\n  " : ",\n  ");
    put_quoted(w, c->name, '"');
    put(w, " ");
    if (c->labels)
        put_quoted(w, c->v[D_TYPE]->text, '"');
    else if (counted)
        put(w, counted);
    else
        w->nomem = w->nomem || sp_buf_add(&w->out, c->sql.p, c->sql.len);
    put(w, counted || c->sequence ? " GENERATED BY DEFAULT AS IDENTITY" : "");
    if (c->sequence)
        put_sequence(w, c->sequence);
    put(w, c->nullable ? "" : " NOT NULL");
    if (!counted && !c->sequence)
        put_default(w, c);
}

/* ---- keys and checks ----------------------------------------------------------------------------- */

static void put_primary_key(writer *w, const datagen_table *t)
{
    bool first = true;
    for (uint32_t i = 0; i < t->n; i++) {
        if (!t->columns[i].primary)
            continue;
        put(w, first ? ",\n  PRIMARY KEY (" : ", ");
        put_quoted(w, t->columns[i].name, '"');
        first = false;
    }
    put(w, first ? "" : ")");
}

static bool is_text_list(const sp_node *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i]->kind != SP_NODE_TEXT)
            return false;
    return list->n > 0;
}

static const sp_node *columns_of(const sp_node *node)
{
    const sp_node *list = node->kind == SP_NODE_MAP ? sp_node_value(node, "columns") : node;
    return list && list->kind == SP_NODE_LIST && is_text_list(list) ? list : NULL;
}

/* Columns that say so themselves, and keys by their names; those that no row keeps on purpose are not said. */
static void put_uniques(writer *w, const datagen_table *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const sp_node *flag = t->columns[i].v[D_UNIQUE];
        if (!flag || !t->columns[i].unique || (flag->kind == SP_NODE_TEXT && sp_str_ieq(flag->text, "false")))
            continue;
        put(w, ",\n  UNIQUE ");
        put_columns(w, t, &i, 1);
    }
    for (uint32_t i = 0; t->uniques && t->uniques->kind == SP_NODE_LIST && i < t->uniques->n; i++) {
        const sp_node *it = t->uniques->items[i], *list = columns_of(it);
        if (!list || list == t->unkept)
            continue;
        put_constraint(w, it);
        put(w, "UNIQUE ");
        put_nodes(w, list->items, list->n);
    }
}

static void put_foreign_keys(writer *w, const datagen_table *t)
{
    for (uint32_t i = 0; i < t->n_foreign; i++) {
        const datagen_foreign *f = &t->foreign[i];
        sp_str on_delete = text_of(f->node, "on_delete"), on_update = text_of(f->node, "on_update");
        put_constraint(w, f->node);
        put(w, "FOREIGN KEY ");
        put_columns(w, t, f->columns, f->n);
        put(w, " REFERENCES ");
        put_table_name(w, f->parent);
        put(w, " ");
        put_nodes(w, f->targets, f->n);
        if (on_delete.len)
            w->nomem = w->nomem || sp_buf_printf(&w->out, " ON DELETE %.*s", (int)on_delete.len, on_delete.p);
        if (on_update.len)
            w->nomem = w->nomem || sp_buf_printf(&w->out, " ON UPDATE %.*s", (int)on_update.len, on_update.p);
    }
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool mentions(sp_str sql, sp_str name)
{
    for (size_t i = 0; i + name.len <= sql.len; i++)
        if (memcmp(sql.p + i, name.p, name.len) == 0 && (i == 0 || !is_word_byte(sql.p[i - 1])) &&
            (i + name.len == sql.len || !is_word_byte(sql.p[i + name.len])))
            return true;
    return false;
}

static bool is_declared(const datagen_table *t, sp_str sql)
{
    for (uint32_t i = 0; i < t->demands.n_unread; i++)
        if (sp_str_is(sql, t->demands.unread[i]->sql))
            return false;
    for (uint32_t i = 0; i < t->n; i++) {
        const datagen_column *c = &t->columns[i];
        bool told = c->v[D_GENERATOR] || c->v[D_CONFIG] || c->v[D_DISTRIBUTION] || c->v[D_PATTERN] || c->v[D_RULES] ||
                    c->foreign;
        if (told && mentions(sql, c->name))
            return false;
    }
    return true;
}

static void put_checks(writer *w, const datagen_table *t)
{
    for (uint32_t i = 0; t->checks && t->checks->kind == SP_NODE_LIST && i < t->checks->n; i++) {
        const sp_node *it = t->checks->items[i];
        sp_str sql = it->kind == SP_NODE_TEXT ? it->text : text_of(it, "expression");
        if (!sql.len || !is_declared(t, sql))
            continue;
        put_constraint(w, it);
        w->nomem = w->nomem || sp_buf_printf(&w->out, "CHECK (%.*s)", (int)sql.len, sql.p);
    }
}

/* ---- beside the table ------------------------------------------------------------------------------ */

static void put_indexes(writer *w, const datagen_table *t)
{
    for (uint32_t i = 0; t->indexes && t->indexes->kind == SP_NODE_LIST && i < t->indexes->n; i++) {
        const sp_node *it = t->indexes->items[i], *list = columns_of(it), *flag = sp_node_value(it, "unique");
        sp_str name = text_of(it, "name"), type = text_of(it, "type");
        bool unique = false;
        if (!list || list == t->unkept)
            continue;
        if (flag && flag->kind == SP_NODE_TEXT)
            sp_parse_bool(flag->text, &unique);
        put(w, unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
        if (name.len)
            put_quoted(w, name, '"');
        else { /* as PostgreSQL would call it */
            const char *made =
                sp_arena_printf(&w->r->plan->arena, "%.*s_%.*s_idx", (int)SP_MIN(t->name.len, 40), t->name.p,
                                (int)SP_MIN(list->items[0]->text.len, 16), list->items[0]->text.p);
            w->nomem = w->nomem || !made;
            put_quoted(w, sp_str_of(made ? made : ""), '"');
        }
        put(w, " ON ");
        put_table_name(w, t->name);
        if (type.len)
            w->nomem = w->nomem || sp_buf_printf(&w->out, " USING %.*s", (int)type.len, type.p);
        put(w, " ");
        put_nodes(w, list->items, list->n);
        put(w, ";\n");
    }
}

static void put_comment(writer *w, const char *kind, sp_str table, sp_str column, const sp_node *comment)
{
    if (!comment || comment->kind != SP_NODE_TEXT || !comment->text.len)
        return;
    put(w, "COMMENT ON ");
    put(w, kind);
    put_table_name(w, table);
    if (column.len) {
        put(w, ".");
        put_quoted(w, column, '"');
    }
    put(w, " IS ");
    put_quoted(w, comment->text, '\'');
    put(w, ";\n");
}

static void put_table(writer *w, const datagen_table *t)
{
    put(w, "CREATE TABLE ");
    put_table_name(w, t->name);
    put(w, " (");
    bool first = true;
    for (uint32_t i = 0; i < t->n; i++) {
        if (is_hidden(t->columns[i].v[D_PLAN]))
            continue;
        put_column(w, &t->columns[i], first);
        first = false;
    }
    put_primary_key(w, t);
    put_uniques(w, t);
    put_checks(w, t);
    put_foreign_keys(w, t);
    put(w, "\n);\n");
    put_indexes(w, t);
    put_comment(w, "TABLE ", t->name, (sp_str){"", 0}, t->comment);
    for (uint32_t i = 0; i < t->n; i++)
        put_comment(w, "COLUMN ", t->name, t->columns[i].name, t->columns[i].v[D_COMMENT]);
}

/* An enumeration that some column is of. */
static void put_type(writer *w, const datagen *d, sp_str name)
{
    const sp_node *labels = NULL;
    for (uint32_t t = 0; t < d->n; t++)
        for (uint32_t i = 0; i < d->tables[t].n; i++) {
            const datagen_column *c = &d->tables[t].columns[i];
            if (c->labels && sp_str_eq(c->v[D_TYPE]->text, name))
                labels = c->labels;
        }
    if (!labels || !is_text_list(labels))
        return;
    put(w, "CREATE TYPE ");
    put_quoted(w, name, '"');
    put(w, " AS ENUM (");
    for (uint32_t i = 0; i < labels->n; i++) {
        put(w, i ? ", " : "");
        put_quoted(w, labels->items[i]->text, '\'');
    }
    put(w, ");\n");
}

void sp_datagen_create(const datagen *d, const sp_node *types)
{
    writer w = {.r = d->r};
    for (uint32_t i = 0; types && types->kind == SP_NODE_MAP && i < types->n; i++)
        put_type(&w, d, types->pairs[i].key->text);
    for (uint32_t t = 0; t < d->n; t++)
        if (!is_hidden(d->tables[t].plan))
            put_table(&w, &d->tables[t]);
    const char *kept = w.nomem ? NULL : sp_arena_strndup(&d->r->plan->arena, w.out.data ? w.out.data : "", w.out.len);
    if (!kept)
        d->r->nomem = d->r->stop = true;
    d->r->plan->create = kept;
    sp_buf_done(&w.out);
}
