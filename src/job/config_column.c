/* config_column.c - one column of a catalog becomes one of a plan.
 *
 * What a column says is looked at from the strictest to the vaguest: foreign keys, what the server fills by itself, conditions,
 * statistics, the name, the type. Where a choice did not hold (the plan is read again after it was written), the next, plainer
 * one is made; the last is to leave the column out and say so. */
#include "job/config.h"

#include "codec/codec.h"

#include <math.h>
#include <stdio.h>

enum { TRIES_MAX = 3, IN_TURN_MAX = 1 << 18 /* where more values differ, a few that do not are no matter */ };

char *sp_config_printf(sp_config *k, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    char *kept = sp_arena_strndup(k->arena, text, SP_MIN((size_t)SP_MAX(len, 0), sizeof(text) - 1));
    k->nomem = k->nomem || !kept;
    return kept ? kept : "";
}

void sp_making_leave_out(sp_making *m, const char *why)
{
    m->out->out = true;
    m->out->out_why = why;
}

/* ---- the type in the plan ------------------------------------------------------------------------ */

static const char *numbered(sp_making *m, const char *name, uint32_t n)
{
    return n ? sp_config_printf(m->k, "%s(%u)", name, n) : name;
}

static const char *integer_type(const sp_cat_type *t)
{
    if (t->is_unsigned)
        return t->bits >= 32 ? "bigint" : "integer";
    return t->bits > 32 ? "bigint" : t->bits > 16 ? "integer" : "smallint";
}

static const char *decimal_type(sp_making *m)
{
    const sp_cat_type *t = m->type;
    return t->precision && t->scale <= t->precision ? sp_config_printf(m->k, "numeric(%u,%u)", t->precision, t->scale)
                                                    : NULL;
}

/* What the plan's own cells would not be by themselves. */
static const char *plan_type(sp_making *m)
{
    const sp_cat_type *t = m->type;
    bool set = m->out->items != NULL, range = !set && strcmp(m->out->mode, "range") == 0;
    if (strcmp(m->out->mode, "array") == 0)
        return NULL;
    switch (t->class) {
    case SP_CAT_BOOL: return set ? "boolean" : NULL;
    case SP_CAT_DATE: return set ? "date" : NULL;
    case SP_CAT_TIME: return set ? "time" : NULL;
    case SP_CAT_TIMESTAMPTZ: return set ? "timestamptz" : NULL;
    case SP_CAT_INTEGER: return integer_type(t);
    case SP_CAT_YEAR: return "smallint";
    case SP_CAT_DECIMAL: return decimal_type(m);
    case SP_CAT_FLOAT: return t->bits == 32 ? "real" : "double precision";
    case SP_CAT_TEXT:
        return t->length ? numbered(m, t->fixed ? "char" : "varchar", t->length) : set || range ? NULL : "text";
    case SP_CAT_TIMESTAMP: return "timestamp";
    case SP_CAT_BYTES: return set ? "bytea" : NULL;
    case SP_CAT_UUID: return set ? "uuid" : NULL;
    case SP_CAT_JSON: return "jsonb";
    case SP_CAT_MONEY: return "money";
    case SP_CAT_TIMETZ: return "timetz";
    case SP_CAT_XML: return "xml";
    case SP_CAT_HSTORE: return "hstore";
    case SP_CAT_INET: return "inet";
    case SP_CAT_CIDR: return "cidr";
    case SP_CAT_MACADDR: return "macaddr";
    case SP_CAT_MACADDR8: return "macaddr8";
    case SP_CAT_TSVECTOR: return "tsvector";
    case SP_CAT_TSQUERY: return "tsquery";
    case SP_CAT_BITS: return numbered(m, t->fixed ? "bit" : "varbit", t->length);
    case SP_CAT_GEOMETRY: return "geometry";
    case SP_CAT_SHAPE:
    case SP_CAT_RANGE:
    case SP_CAT_MULTIRANGE: return t->name;
    default: return NULL;
    }
}

bool sp_config_is_made(const sp_config *k, const sp_draft *d)
{
    bool any = false;
    if (d->alike)
        return false;
    for (uint32_t i = 0; i < d->t->n_columns; i++) {
        const sp_cat_column *c = &d->t->columns[i];
        if (*k->c->server && d->choices[i].out && c->not_null && !c->default_sql && !c->generated_sql &&
            !c->auto_number && c->identity == SP_CAT_NO_IDENTITY)
            return false;
        any = any || !d->choices[i].out;
    }
    return any;
}

static bool is_default(const sp_cat_column *c)
{
    bool zero =
        c->default_sql && strncmp(c->default_sql, "'0000-00-00", 11) == 0; /* MariaDB takes it from old tables alone */
    return c->default_sql && !zero && !sp_str_ieq((sp_str){c->default_sql, SP_MIN(strlen(c->default_sql), 4)}, "null");
}

static bool is_numbered(const sp_cat_column *c)
{
    return c->auto_number || c->identity != SP_CAT_NO_IDENTITY;
}

static bool is_key(const sp_making *m)
{
    for (uint32_t i = 0; i < m->d->t->n_keys; i++)
        if (m->d->t->keys[i].n == 1 && m->d->t->keys[i].columns[0] == m->column)
            return true;
    return false;
}

/* A default that is the same in every row: a number, a text, a truth. */
static bool is_constant(const char *sql)
{
    const char *p = sql + strspn(sql, "( ");
    sp_str four = {p, SP_MIN(strlen(p), 4)}, five = {p, SP_MIN(strlen(p), 5)};
    return sp_str_ieq(four, "true") || sp_str_ieq(five, "false") || *p == '\'' || *p == '-' ||
           (*p >= '0' && *p <= '9') || ((*p | 32) == 'b' && p[1] == '\'');
}

/* What the server fills by itself stays its own, unless something hangs on it, or its rows would be alike where they must not be. */
static bool left_to_server(sp_making *m)
{
    if (m->c->generated_sql) {
        sp_making_leave_out(m, "generated");
        return true;
    }
    if (m->d->needed[m->column])
        return false;
    if (is_numbered(m->c))
        sp_making_leave_out(m, m->c->identity ? "identity" : "numbered by the server");
    else if (is_default(m->c) && !m->k->defaults && !(is_constant(m->c->default_sql) && is_key(m)) &&
             !(m->c->stats && m->c->stats->distinct > 1))
        sp_making_leave_out(m, sp_config_printf(m->k, "default %.60s", m->c->default_sql));
    return m->out->out;
}

/* What a condition says is the sum, or the like, of others. */
static bool choose_sum(sp_making *m)
{
    if (!m->demand->sum.p || m->out->tries || m->unique)
        return false;
    sp_making_mode(m, "expr", m->demand->sum.p);
    m->out->type = plan_type(m);
    return true;
}

/* As the server's statistics say, unless it follows on another column, or must be what no statistics see to. */
static bool choose_counted(sp_making *m)
{
    bool follows = m->d->steps[m->column] > 1 && (m->d->step[m->column] || !m->d->afters);
    return !follows && !m->unique && m->out->tries == 0 && !(m->d->combined && m->out->primary_key) &&
           sp_config_from_stats(m->k, m->d->t, m->c, m->out);
}

/* From 1, or from what a condition allows. */
static void choose_numbers(sp_making *m)
{
    int64_t from;
    bool bound = m->demand->min.p && sp_parse_i64(m->demand->min, &from);
    sp_making_mode(m, "inc", bound ? sp_config_printf(m->k, "%lld", (long long)from + 1) : "1");
    unsigned bits = SP_MIN(m->type->bits, 63u);
    m->out->most = (uint64_t)(ldexp(1, (int)(m->type->is_unsigned || bits == 63 ? bits : bits - 1)) - 1);
}

static void choose_value(sp_making *m)
{
    if (sp_making_reference(m) || sp_making_slot(m) || choose_sum(m))
        return;
    bool numbers = m->unique && m->type->class == SP_CAT_INTEGER && m->out->tries == 0 && !m->demand->max.p &&
                   !m->demand->n_values && !m->demand->modulus;
    if (numbers && (m->out->primary_key || is_numbered(m->c))) {
        choose_numbers(m);
    } else if (numbers && sp_config_counts(m->k, m->d->t, m->c, m->out)) {
        m->out->type = plan_type(m);
    } else if (choose_counted(m)) {
        m->out->type = m->out->type ? m->out->type : plan_type(m);
    } else if (m->demand->n_values) {
        (m->type->class == SP_CAT_BOOL ? sp_making_truths : sp_making_values)(m, m->demand->values,
                                                                              m->demand->n_values);
    } else {
        sp_making_by_class(m);
    }
    if (!m->out->out && !m->out->type)
        m->out->type = plan_type(m);
    sp_making_note_absent_parent(m);
}

/* What functions make may have too many different values, or too few. */
static void choose_few(sp_making *m)
{
    sp_choice *c = m->out;
    bool made = !c->out && !c->items && m->type->class != SP_CAT_BOOL && c->mode &&
                ((strcmp(c->mode, "value") == 0 && strstr(c->text, "${")) || strcmp(c->mode, "pattern") == 0);
    if (!made || m->unique || c->primary_key || c->tries || m->d->n_ways > 1)
        return;
    c->n_values = sp_config_few(m, &c->in_turn);
    if (c->in_turn && (m->type->class != SP_CAT_TEXT || c->n_values > IN_TURN_MAX))
        c->n_values = 0;
    c->distribution = c->n_values && c->in_turn ? "{type: cycle}" : NULL;
}

/* A key whose rows lie in its order is made in it. */
static void choose_order(sp_making *m)
{
    sp_choice *c = m->out;
    const sp_cat_stats *s = m->c->stats;
    if (c->out || c->items || !s || !m->unique || c->tries || s->correlation < IN_ORDER)
        return;
    if (strcmp(c->mode, "range") == 0 && !c->distribution)
        c->sorted = strcmp(c->text, "int") == 0 || strcmp(c->text, "decimal") == 0 || strcmp(c->text, "timestamp") == 0;
    if (strcmp(c->mode, "value") == 0)
        c->sorted = strcmp(c->text, "${uuid}") == 0;
}

/* The only one of a key's columns without a value twice, where nulls count as values. */
static bool keeps_nulls_apart(const sp_making *m)
{
    for (uint32_t i = 0; i < m->d->t->n_keys && m->unique; i++) {
        const sp_cat_key *key = &m->d->t->keys[i];
        for (uint32_t j = 0; (key->nulls_alike || key->computed) && j < key->n; j++)
            if (key->columns[j] == m->column)
                return true;
    }
    return false;
}

/* A part of a sum that rows are compared by, of which nulls would be the same. */
static bool is_compared(const sp_making *m)
{
    const sp_cat_key *key = m->d->distinct;
    for (uint32_t i = 0; key && key->sum && i < key->n; i++)
        if (key->columns[i] == m->column)
            return true;
    return false;
}

static void choose_nulls(sp_making *m)
{
    bool needed = m->c->not_null || m->demand->not_null || m->d->demands.in_sums[m->column] || keeps_nulls_apart(m) ||
                  is_compared(m);
    if (m->demand->is_null && !needed)
        m->out->tree = NULL;
    if (m->out->out || needed || m->out->primary_key || m->out->tree)
        m->out->null_rate = 0;                     /* of a tree, the roots are null */
    else if (m->out->absent || m->demand->is_null) /* there is nothing to refer to, or there must be nothing */
        m->out->null_rate = 1;
    else if (m->c->stats)
        m->out->null_rate = m->c->stats->null_rate;
    else if (m->out->null_rate <= 0)
        m->out->null_rate = 0.05;
}

static void choose_keys(sp_making *m)
{
    for (uint32_t i = 0; i < m->d->t->n_keys; i++) {
        const sp_cat_key *key = &m->d->t->keys[i];
        for (uint32_t j = 0; j < key->n; j++) {
            if (key->columns[j] != m->column || key == m->d->distinct)
                continue;
            m->out->primary_key = m->out->primary_key || (key->primary && key != m->d->turned);
            m->unique = m->unique || key->n == 1;
            if (key->parts && key->parts[j].prefix && (key->n == 1 || m->d->apart[m->column]))
                m->prefix = m->prefix ? SP_MIN(m->prefix, key->parts[j].prefix) : key->parts[j].prefix;
        }
    }
    m->unique = m->unique || m->d->apart[m->column];
    m->out->unique = m->unique && !(m->out->primary_key && m->d->t->keys[0].n == 1);
}

void sp_config_choose(sp_config *k, sp_draft *d, uint32_t column)
{
    sp_choice *out = &d->choices[column];
    unsigned tries = out->tries;
    *out = (sp_choice){.tries = tries, .most = UINT64_MAX};
    sp_making m = {.k = k,
                   .d = d,
                   .column = column,
                   .c = &d->t->columns[column],
                   .type = &d->t->columns[column].type,
                   .demand = &d->demands.columns[column],
                   .out = out};
    const sp_cat_key *compared = d->distinct && d->distinct->sum ? d->distinct : NULL;
    if (compared && compared->summed == column) {
        sp_making_mode(&m, "expr", compared->sum);
        out->hidden = true;
        return;
    }
    if (left_to_server(&m))
        return;
    choose_keys(&m);
    if (tries < TRIES_MAX)
        choose_value(&m);
    else
        sp_making_leave_out(&m, "no values could be made for it");
    choose_few(&m);
    choose_order(&m);
    if (d->n_ways > 1) /* what differs from way to way has none */
        out->n_common = 0;
    choose_nulls(&m);
    out->values = out->most;
    if (m.unique && !out->out)
        out->most = SP_MAX(out->most, (uint64_t)1);
    else
        out->most = UINT64_MAX;
}
