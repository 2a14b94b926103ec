/* config_write.c - a plan's text from what was chosen: tables, their columns, and comments on what was not. */
#include "job/config.h"

#include "spate/config.h"

enum { INDENT_TABLE = 2, INDENT_KEY = 4, INDENT_COLUMN = 6, INDENT_WISH = 8, INDENT_CASE = 10, INDENT_IN_CASE = 12 };

/* ---- writing ------------------------------------------------------------------------------------- */

static const char *grouped(sp_config *k, uint64_t n)
{
    char text[32], digits[24];
    int len = (int)(sp_put_u64(digits, n) - digits), to = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0 && len > 4)
            text[to++] = '_';
        text[to++] = digits[i];
    }
    return sp_config_printf(k, "%.*s", to, text);
}

static void write_items(sp_config *k, sp_emit *e, int indent, const sp_choice *c)
{
    sp_buf list = {0};
    if (sp_emit_list(&list, c->items, c->n_items))
        k->nomem = true;
    else
        sp_emit_raw(e, indent, c->mode, sp_arena_printf(k->arena, "%.*s", (int)list.len, list.data), c->note);
    sp_buf_done(&list);
}

static void write_weights(sp_config *k, sp_emit *e, int indent, const sp_choice *c)
{
    sp_buf list = {0};
    int rc = sp_buf_adds(&list, "[");
    for (uint32_t i = 0; i < c->n_items && !rc; i++)
        rc = sp_buf_printf(&list, "%s%.4g", i ? ", " : "", c->weights[i]);
    rc = rc || sp_buf_adds(&list, "]");
    k->nomem = k->nomem || rc;
    if (!rc)
        sp_emit_raw(e, indent, "weights", sp_arena_printf(k->arena, "%.*s", (int)list.len, list.data), NULL);
    sp_buf_done(&list);
}

/* The commonest values beside all others. */
static void write_common(sp_config *k, sp_emit *e, int indent, const sp_choice *c)
{
    enum { WRAP = 110 };
    sp_buf map = {0};
    size_t line = 0;
    int rc = sp_buf_adds(&map, "{");
    for (uint32_t i = 0; i < c->n_common && !rc; i++) {
        bool fold = i && map.len - line > WRAP;
        line = fold ? map.len : line;
        rc = (i && sp_buf_adds(&map, fold ? ",\n                 " : ", ")) ||
             sp_emit_scalar(&map, c->common[i], true) || sp_buf_printf(&map, ": %.4g%%", 100 * c->common_rates[i]);
    }
    rc = rc || sp_buf_adds(&map, "}");
    const char *kept = rc ? NULL : sp_arena_strndup(k->arena, map.data, map.len);
    k->nomem = k->nomem || !kept;
    if (kept)
        sp_emit_raw(e, indent, "common", kept, NULL);
    sp_buf_done(&map);
}

/* How cells are made, without what is said of the column as a whole. */
static void write_cells(sp_config *k, sp_emit *e, int indent, const sp_choice *c, const char *type)
{
    if (c->items)
        write_items(k, e, indent, c);
    else
        sp_emit_key(e, indent, false, c->mode, sp_str_of(c->text), c->note);
    if (c->weights)
        write_weights(k, e, indent, c);
    if (c->props)
        sp_emit_raw(e, indent, "props", c->props, NULL);
    if (type)
        sp_emit_key(e, indent, false, "type", sp_str_of(type), NULL);
    if (c->draw)
        sp_emit_key(e, indent, false, "draw", sp_str_of(c->draw), NULL);
    if (c->n_values)
        sp_emit_raw(e, indent, "distinct", grouped(k, c->n_values), NULL);
    if (c->tree)
        sp_emit_raw(e, indent, "tree", c->tree, NULL);
    if (c->differs)
        sp_emit_key(e, indent, false, "differs_from", sp_str_of(c->differs), NULL);
    if (c->distribution)
        sp_emit_raw(e, indent, "distribution", c->distribution, NULL);
    if (c->n_common)
        write_common(k, e, indent, c);
    if (c->sorted)
        sp_emit_raw(e, indent, "sorted", "true", NULL);
    if (c->null_rate > 0)
        sp_emit_raw(e, indent, "\"null\"", sp_config_printf(k, "%.4g%%", 100 * c->null_rate), NULL);
}

/* By the way that a row goes; in those without a case it is null. */
static void write_cases(sp_config *k, sp_emit *e, const sp_draft *d, uint32_t column)
{
    uint32_t rest = sp_config_commonest(d, column);
    const sp_choice *common = rest < d->n_ways ? &d->ways[rest].choices[column] : NULL;
    const char *type = NULL;
    for (uint32_t way = 0; way < d->n_ways; way++) {
        const sp_choice *c = &d->ways[way].choices[column];
        type = type || c->null_rate >= 1 ? type : c->type;
    }
    if (type && strcmp(type, "enum") == 0) /* its labels would stand in one set */
        type = "text";
    if (!type && d->t->columns[column].type.class == SP_CAT_DECIMAL)
        type = "numeric(17,2)";
    sp_emit_key(e, INDENT_WISH, false, "by", sp_str_of(d->way_name), NULL);
    sp_emit_head(e, INDENT_WISH, "cases");
    for (uint32_t way = 0; way < d->n_ways; way++) {
        const sp_choice *c = &d->ways[way].choices[column];
        if (c->null_rate >= 1 || (common && sp_config_same(c, common)))
            continue;
        sp_emit_head(e, INDENT_CASE, sp_config_printf(k, "%u", way + 1));
        write_cells(k, e, INDENT_IN_CASE, c, NULL);
    }
    if (common) {
        sp_emit_head(e, INDENT_WISH, "else");
        write_cells(k, e, INDENT_CASE, common, NULL);
    }
    if (type)
        sp_emit_key(e, INDENT_WISH, false, "type", sp_str_of(type), NULL);
}

static void write_keys(sp_emit *e, const sp_choice *c)
{
    if (c->primary_key)
        sp_emit_raw(e, INDENT_WISH, "primary_key", "true", NULL);
    if (c->unique)
        sp_emit_raw(e, INDENT_WISH, "unique", "true", NULL);
}

static void write_column(sp_config *k, sp_emit *e, sp_draft *d, uint32_t column)
{
    sp_choice *c = &d->choices[column];
    c->line = e->line;
    if (c->helper) {
        sp_emit_key(e, INDENT_COLUMN, true, "name", sp_str_of(c->helper_name), NULL);
        write_cells(k, e, INDENT_WISH, c->helper, c->helper->type);
        write_keys(e, c->helper);
        sp_emit_raw(e, INDENT_WISH, "hidden", "true", NULL);
    }
    sp_emit_key(e, INDENT_COLUMN, true, "name", sp_str_of(d->t->columns[column].name), NULL);
    if (sp_config_differs(d, column))
        write_cases(k, e, d, column);
    else
        write_cells(k, e, INDENT_WISH, c, c->type);
    write_keys(e, c);
    if (c->hidden)
        sp_emit_raw(e, INDENT_WISH, "hidden", "true", NULL);
    c->last_line = e->line - 1;
}

/* Which way each row goes. */
static void write_ways(sp_config *k, sp_emit *e, const sp_draft *d)
{
    sp_buf list = {0};
    int rc = SPATE_OK;
    for (uint32_t way = 0; way < d->n_ways && !rc; way++)
        rc = sp_buf_printf(&list, "%s%u", way ? ", " : "[", way + 1);
    rc = rc || sp_buf_adds(&list, "]");
    k->nomem = k->nomem || rc;
    if (!rc) {
        sp_emit_key(e, INDENT_COLUMN, true, "name", sp_str_of(d->way_name), "of those that the checks leave open");
        sp_emit_raw(e, INDENT_WISH, "set", sp_config_printf(k, "%.*s", (int)list.len, list.data), NULL);
        sp_emit_raw(e, INDENT_WISH, "hidden", "true", NULL);
    }
    sp_buf_done(&list);
}

/* "left to the server: id (identity), created (default now())" */
static void write_left_out(sp_config *k, sp_emit *e, const sp_draft *d)
{
    sp_buf line = {0};
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < d->t->n_columns && !rc; i++)
        if (d->choices[i].out)
            rc = sp_buf_printf(&line, "%s%s (%s)", line.len ? ", " : "not made: ", d->t->columns[i].name,
                               d->choices[i].out_why);
    k->nomem = k->nomem || rc;
    if (line.len && !rc)
        sp_emit_comment(e, INDENT_KEY, sp_arena_printf(k->arena, "%.*s", (int)line.len, line.data));
    sp_buf_done(&line);
}

/* Conditions, each cut to what a line of comment holds. */
static void write_conditions(sp_config *k, sp_emit *e, const char *what, const sp_condition *const *list, uint32_t n)
{
    enum { SHOWN_MAX = 300 };
    for (uint32_t i = 0; i < n; i++)
        sp_emit_comment(e, INDENT_KEY,
                        sp_config_printf(k, "%s: %.*s%s", what, SHOWN_MAX, list[i]->sql,
                                         strlen(list[i]->sql) > SHOWN_MAX ? "..." : ""));
}

/* Columns that have to differ do so by luck, but for references to the same rows. */
static void write_likely(sp_config *k, sp_emit *e, const sp_draft *d)
{
    for (uint32_t i = 0; i < d->demands.n_orderings; i++) {
        const sp_ordering *o = &d->demands.orderings[i];
        const char *high = d->choices[o->high].differs, *low = d->choices[o->low].differs;
        bool seen_to = (high && strcmp(high, d->t->columns[o->low].name) == 0) ||
                       (low && strcmp(low, d->t->columns[o->high].name) == 0);
        if (o->differ && !seen_to)
            write_conditions(k, e, "a check that is not kept on purpose", &o->of, 1);
    }
}

/* Rows that are equal in all of these columns are made once. */
static void write_distinct(sp_config *k, sp_emit *e, const sp_draft *d)
{
    const sp_cat_key *key = d->distinct;
    const uint32_t *columns = key->sum ? &key->summed : key->columns;
    uint32_t n = key->sum ? 1 : key->n;
    sp_buf list = {0};
    sp_str *names = sp_arena_alloc(k->arena, n + 1, sizeof(*names));
    for (uint32_t i = 0; names && i < n; i++)
        names[i] = sp_str_of(d->t->columns[columns[i]].name);
    if (!names || sp_emit_list(&list, names, n))
        k->nomem = true;
    else
        sp_emit_raw(e, INDENT_KEY, "distinct", sp_arena_printf(k->arena, "%.*s", (int)list.len, list.data),
                    key->sum ? "there may be fewer rows" : "pairs: there may be fewer rows");
    sp_buf_done(&list);
}

static void write_table(sp_config *k, sp_emit *e, sp_draft *d)
{
    sp_emit_blank(e);
    sp_emit_key(e, INDENT_TABLE, true, "name", sp_str_of(d->t->shown),
                d->t->comment && *d->t->comment ? d->t->comment : NULL);
    const char *there =
        k->counted && d->t->rows >= 0 ? sp_config_printf(k, "about %s there", grouped(k, (uint64_t)d->t->rows)) : NULL;
    sp_emit_raw(e, INDENT_KEY, "rows", grouped(k, d->rows), d->rows_note ? d->rows_note : there);
    write_left_out(k, e, d);
    write_conditions(k, e, "a check that is not kept on purpose", d->demands.unread, d->demands.n_unread);
    write_likely(k, e, d);
    write_conditions(k, e, "a check that is kept in one of the ways it allows", d->demands.narrowed,
                     d->demands.n_narrowed);
    if (d->ways_cut)
        write_conditions(k, e, "a check that is kept in some of the ways it allows", d->demands.forked,
                         d->demands.n_forked);
    if (d->distinct)
        write_distinct(k, e, d);
    sp_emit_head(e, INDENT_KEY, "columns");
    if (d->n_ways > 1)
        write_ways(k, e, d);
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        if (!d->choices[i].out)
            write_column(k, e, d, i);
}

/* A table that cannot have rows: of nothing but what the server fills, or with a column that must have a value nobody can make. */
static void write_unmade(sp_config *k, sp_emit *e, const sp_draft *d)
{
    if (!sp_config_has_made(d))
        return;
    sp_emit_blank(e);
    for (uint32_t i = 0; i < d->t->n_columns; i++)
        if (d->choices[i].out && d->t->columns[i].not_null && !d->t->columns[i].default_sql &&
            !d->t->columns[i].generated_sql && !d->t->columns[i].auto_number && !d->t->columns[i].identity)
            sp_emit_comment(e, INDENT_TABLE,
                            sp_config_printf(k, "%s is not made: %s must have a value, and none is made (%s)",
                                             d->t->shown, d->t->columns[i].name, d->choices[i].out_why));
}

static void write_head(sp_config *k, sp_emit *e, const char *shown)
{
    const sp_catalog *c = k->c;
    sp_emit_comment(e, 0,
                    sp_config_printf(k, "The tables of %s%s%s%s.", shown, *c->server ? " (" : "", c->server,
                                     *c->server ? ")" : ""));
    sp_emit_comment(e, 0, "");
    sp_emit_comment(
        e, 0, sp_config_printf(k, "    spate generate PLAN --to URI%s", k->circles ? " --defer-constraints" : ""));
    if (k->circles)
        sp_emit_comment(e, 0,
                        "Foreign keys go in a circle here: they are taken away for the load, and put back after it.");
    for (uint32_t i = 0; i < c->n_notes; i++)
        sp_emit_comment(e, 0, sp_config_printf(k, "Not understood: %s", c->notes[i]));
    sp_emit_blank(e);
    sp_emit_raw(e, 0, "seed", "1", NULL);
    sp_emit_head(e, 0, "tables");
}

int sp_config_write(sp_config *k, const char *shown, sp_emit *e, spate_error *err)
{
    write_head(k, e, shown);
    for (uint32_t i = 0; i < k->c->n_tables; i++)
        if (sp_config_is_made(k, &k->drafts[k->order[i]]))
            write_table(k, e, &k->drafts[k->order[i]]);
        else
            write_unmade(k, e, &k->drafts[k->order[i]]);
    return k->nomem || e->nomem ? sp_fail_nomem(err) : SPATE_OK;
}
