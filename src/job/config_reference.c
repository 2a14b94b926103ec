/* config_reference.c - columns that refer to rows: of another table, of the own one, of a kind, in pairs. */
#include "job/config.h"

#include <math.h>

/* A column's name in an expression. */
static const char *expr_name(sp_making *m, const char *name)
{
    bool plain = !(name[0] >= '0' && name[0] <= '9');
    for (const char *p = name; *p; p++)
        plain = plain && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_');
    return plain ? name : sp_config_printf(m->k, "\"%s\"", name);
}

/* A column's name within braces of YAML. */
static const char *quoted_name(sp_making *m, const char *name)
{
    const char *plain = expr_name(m, name);
    if (*plain != '"')
        return plain;
    sp_buf text = {0};
    int rc = sp_buf_adds(&text, "'");
    for (const char *p = name; *p && !rc; p++)
        rc = *p == '\'' ? sp_buf_adds(&text, "''") : sp_buf_add(&text, p, 1);
    rc = rc || sp_buf_adds(&text, "'");
    const char *kept = rc ? NULL : sp_arena_strndup(m->k->arena, text.data, text.len);
    m->k->nomem = m->k->nomem || !kept;
    sp_buf_done(&text);
    return kept ? kept : "''";
}

/* A key one of whose columns another key brings along, such as the tenant that all keys have in common: a row of the parent that has
 * the same there. The own table's rows are not looked into. */
static bool choose_shared(sp_making *m, const sp_cat_foreign_key *f, const sp_draft *parent, const sp_cat_column *to)
{
    uint32_t at, lead, shared = f->n;
    for (uint32_t i = 0; i < f->n; i++)
        if (sp_config_reference(m->d->t, f->columns[i], &at, &lead) != f)
            shared = i;
    if (shared == f->n || m->unique || m->out->tries)
        return false;
    const char *key = m->d->t->columns[f->columns[shared]].name,
               *by = parent->t->columns[f->parent_columns[shared]].name;
    m->out->absent = parent == m->d;
    m->out->note = m->out->absent ? "null: another key chooses a part of this one" : "null where no row fits";
    if (m->out->absent)
        return true;
    sp_making_mode(m, "lookup", sp_config_printf(m->k, "%s.%s", parent->t->shown, to->name));
    m->out->props = sp_config_printf(m->k, "{key: %s, by: %s, which: cycle}", quoted_name(m, key), quoted_name(m, by));
    return true;
}

/* A row of a kind refers to a parent's row of that kind: each to its own, where none may be referred to twice. */
static void choose_of_kind(sp_making *m, const sp_cat_foreign_key *f, uint32_t kind, uint32_t kinds, const char *to)
{
    const sp_draft *parent = &m->k->drafts[f->parent_table];
    const char *key = m->d->t->columns[f->columns[kind]].name, *by = parent->t->columns[f->parent_columns[kind]].name;
    sp_making_mode(m, "lookup", sp_config_printf(m->k, "%s.%s", parent->t->shown, to));
    m->out->props = sp_config_printf(m->k, "{key: %s, by: %s, which: %s}", quoted_name(m, key), quoted_name(m, by),
                                     m->unique ? "once" : "cycle");
    if (m->unique) {
        m->out->note = "each once: there are no more rows than there";
        m->out->unique = m->out->primary_key = false;
        m->out->most = SP_MAX(parent->rows / kinds, (uint64_t)1);
    }
}

/* Do both refer to the same column of another table, each by itself? */
bool sp_config_is_pair(const sp_config *k, const sp_draft *d, uint32_t a, uint32_t b)
{
    uint32_t at, lead;
    const sp_cat_foreign_key *f = sp_config_reference(d->t, a, &at, &lead),
                             *g = sp_config_reference(d->t, b, &at, &lead);
    return f && g && &k->drafts[f->parent_table] != d && f->n == 1 && g->n == 1 && f->parent_table == g->parent_table &&
           f->parent_columns[0] == g->parent_columns[0];
}

/* CHECK (a <> b) of two references: never the same row. CHECK (a < b): the lesser and the greater of two that differ. */
static bool choose_pair(sp_making *m, const char *parent)
{
    const sp_demands *all = &m->d->demands;
    for (uint32_t i = 0; i < all->n_orderings && !m->unique && !m->out->tries; i++) {
        uint32_t low = all->orderings[i].low, high = all->orderings[i].high;
        bool is_low = low == m->column;
        if ((!is_low && high != m->column) || !sp_config_is_pair(m->k, m->d, low, high))
            continue;
        const char *a = m->d->t->columns[low].name, *b = m->d->t->columns[high].name;
        bool differs = all->orderings[i].differ, turned = m->d->apart[high]; /* which is rather left as it is */
        if (differs && is_low == turned) {
            sp_making_mode(m, "ref", parent);
            m->out->differs = is_low ? b : a;
            return true;
        }
        if (differs || m->d->apart[low] || turned || (m->d->combined && m->out->primary_key))
            continue;
        const char *one = sp_config_printf(m->k, "one_%s", a), *other = sp_config_printf(m->k, "other_%s", b);
        sp_choice *helper = sp_arena_alloc(m->k->arena, 1, sizeof(*helper));
        if (!helper) {
            m->k->nomem = true;
            return false;
        }
        *helper = (sp_choice){.mode = "ref", .text = parent, .differs = is_low ? NULL : one};
        m->out->helper = helper;
        m->out->helper_name = is_low ? one : other;
        sp_making_mode(m, "expr",
                       sp_config_printf(m->k, "%s(\"%s\", \"%s\")", is_low ? "least" : "greatest", one, other));
        return true;
    }
    return false;
}

/* Rows that are referred to by their number, from 1. */
static bool is_counted(const sp_draft *d, uint32_t column)
{
    const sp_choice *c = &d->choices[column];
    return d->chosen && c->mode && strcmp(c->mode, "inc") == 0 && strcmp(c->text, "1") == 0 && !c->props;
}

/* As many roots as there are nulls, and as many children as the statistics have for each parent. */
static const char *choose_tree(sp_making *m)
{
    const sp_cat_stats *s = m->c->stats;
    double rows = (double)m->d->rows, children = s ? (1 - s->null_rate) * SP_MAX(m->d->t->rows, 1.0) : 0,
           parents = s ? SP_MAX(s->distinct, 1.0) : 1, fan_out = SP_MAX(floor(children / parents + 0.5), 1.0);
    if (!s || s->null_rate <= 0)
        return "{depth: 4}";
    return sp_config_printf(m->k, "{fan_out: %.0f, roots: %.0f}", fan_out, SP_MAX(floor(s->null_rate * rows), 1.0));
}

/* The columns of a foreign key with several draw together: they are of one row. */
bool sp_making_reference(sp_making *m)
{
    uint32_t at, lead;
    const sp_cat_foreign_key *f = sp_config_reference(m->d->t, m->column, &at, &lead);
    if (!f)
        return false;
    const sp_draft *parent = &m->k->drafts[f->parent_table];
    if (parent != m->d && parent->chosen && !sp_config_is_made(m->k, parent)) {
        m->out->absent = true;
        if (m->c->not_null)
            sp_making_leave_out(m, sp_config_printf(m->k, "it refers to %s, which is not made", parent->t->shown));
        return m->c->not_null;
    }
    const sp_cat_column *to = &parent->t->columns[f->parent_columns[at]];
    if (to->generated_sql || (parent == m->d && f->parent_columns[at] == m->column))
        return false;
    if (parent == m->d && m->k->c->dialect == SP_SQL_DUCKDB && !m->c->not_null) {
        m->out->absent = true; /* it looks for rows of before the load alone */
        m->out->note = "null: DuckDB takes no row that refers to one of the same load";
        return false;
    }
    if (parent == m->d && m->c->not_null) { /* a ref to the own table has nothing to refer to in the first row */
        sp_making_mode(m, "expr", expr_name(m, to->name));
        m->out->note = "every row is its own: there may be no null here";
        return true;
    }
    uint32_t kinds = 0;
    int kind = m->out->tries ? -1 : sp_config_kind(m->k, m->d, f, &kinds);
    if (kind == (int)at)
        return false;
    if (kind >= 0) {
        choose_of_kind(m, f, (uint32_t)kind, kinds, to->name);
        return true;
    }
    if (choose_shared(m, f, parent, to))
        return !m->out->absent;
    if (f->n == 1 && choose_pair(m, sp_config_printf(m->k, "%s.%s", parent->t->shown, to->name)))
        return true;
    sp_making_mode(m, "ref", sp_config_printf(m->k, "%s.%s", parent->t->shown, to->name));
    m->out->draw = f->n > 1 ? m->d->t->columns[lead].name : NULL;
    if (parent == m->d && f->n == 1 && !m->unique && m->out->tries == 0)
        m->out->tree = choose_tree(m);
    m->out->most = m->unique ? parent->rows : UINT64_MAX;
    if (!m->unique && m->out->tries == 0 && !m->out->tree && !(m->d->combined && m->out->primary_key))
        m->out->distribution = m->d->spread[m->column] ? "{type: cycle}"
                                                       : sp_config_shares(m->k, m->d, m->c->stats, parent,
                                                                          is_counted(parent, f->parent_columns[at]));
    else if (m->unique && f->n == 1 && parent != m->d && m->out->tries == 0 && m->c->stats &&
             m->c->stats->correlation > IN_ORDER && is_counted(parent, f->parent_columns[at]))
        m->out->distribution = "{type: cycle}";
    return true;
}

void sp_making_note_absent_parent(sp_making *m)
{
    for (uint32_t i = 0; i < m->d->t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &m->d->t->foreign_keys[i];
        for (uint32_t j = 0; f->parent_table < 0 && j < f->n; j++)
            if (f->columns[j] == m->column)
                m->out->note = sp_config_printf(m->k, "refers to %s, which is not in this plan", f->parent);
        bool nowhere =
            f->parent_table < 0 && m->k->c->dialect == SP_SQL_SQLITE; /* which lets tables refer to what is not there */
        for (uint32_t j = 0; nowhere && j < f->n; j++)
            m->out->absent = m->out->absent || f->columns[j] == m->column;
    }
}
