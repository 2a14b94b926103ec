/* form_datagen_rows.c - columns of composite types: their fields are hidden columns beside them, made as any others are, and the cell is the
 * row of these, as PostgreSQL writes it. A field may be such a row itself. */
#include "plan/form_datagen.h"

/* A field as a hidden column beside the one it is of. */
static const sp_node *hidden_field(datagen *d, const datagen_column *c, const sp_node *node)
{
    sp_node_making m = {.r = d->r, .at = node->mark};
    for (uint32_t i = 0; i < node->n && m.n + 1 < SP_NODE_PAIRS; i++) {
        sp_str key = node->pairs[i].key->text;
        bool named = sp_str_is(key, "name") || sp_str_is(key, "after");
        sp_str value = named ? node->pairs[i].value->text : (sp_str){"", 0};
        sp_make_pair(&m, key.p,
                     named ? sp_make_words(d->r, node->mark, "%.100s (%.400s)", c->name.p, value.p)
                           : node->pairs[i].value);
    }
    if (!sp_node_value(node, "hidden"))
        sp_make_pair(&m, "hidden", sp_make_text(d->r, node->mark, sp_str_of("true")));
    return sp_make_map(&m);
}

/* The hidden column that a field of c is, as it is called at last: "home (address (street))". */
static const char *field_name(const datagen *d, const datagen_column *c, const datagen_column *field)
{
    const char *name = sp_make_words(d->r, c->mark, "%.100s (%.100s)", c->name.p, field->name.p)->text.p;
    for (uint32_t i = d->depth; i-- > 0;)
        name = sp_make_words(d->r, c->mark, "%.100s (%.400s)", d->within[i].p, name)->text.p;
    return name;
}

/* A row of its fields, as PostgreSQL writes them: (1,"a text"). Texts and rows are quoted, and what is null is nothing. */
static void put_row(datagen_making *m)
{
    const datagen_table *t = m->c->fields;
    sp_buf out = {0};
    int rc = sp_buf_adds(&out, "'('");
    for (uint32_t i = 0; i < t->n && !rc; i++) {
        bool text = t->columns[i].type->kind == SP_TEXT || t->columns[i].type->kind == SP_JSON ||
                    t->columns[i].type->kind == SP_LIST;
        rc = sp_buf_printf(&out,
                           text ? "%s || coalesce('\"' || replace(replace(text(\"%s\"), '\\', '\\\\'), '\"', '\"\"')"
                                  " || '\"', '')"
                                : "%s || coalesce(text(\"%s\"), '')",
                           i ? " || ','" : "", field_name(m->d, m->c, &t->columns[i]));
    }
    rc = rc || sp_buf_adds(&out, " || ')'");
    if (!rc)
        sp_make_pair(&m->to, "expr", sp_make_text(m->d->r, m->to.at, (sp_str){out.data, out.len}));
    m->d->r->nomem = m->d->r->nomem || rc;
    sp_buf_done(&out);
}

uint32_t sp_datagen_room(const datagen_table *t)
{
    uint32_t n = t->n * (DATAGEN_HIDDEN_MAX + 1);
    for (uint32_t i = 0; i < t->n; i++)
        n += t->columns[i].fields ? sp_datagen_room(t->columns[i].fields) : 0;
    return n;
}

void sp_datagen_row(datagen_making *m)
{
    const datagen_table *t = m->c->fields;
    datagen_list made = {.items = sp_read_make(m->d->r, sp_datagen_room(t), sizeof(*made.items))};
    m->d->within[m->d->depth++] = m->c->name;
    for (uint32_t i = 0; made.items && i < t->n; i++)
        sp_datagen_column(m->d, t, i, &made);
    m->d->depth--;
    for (uint32_t i = 0; made.items && i < made.n; i++)
        m->list->items[m->list->n++] = hidden_field(m->d, m->c, made.items[i]);
    put_row(m);
}
