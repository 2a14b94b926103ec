/* config_keys.c - what keeps keys: one of their columns without a value twice, all their combinations, or rows that are compared.
 *
 * A key may also be of a generated column, or stand in an exclusion constraint. */
#include "job/config.h"

/* ---- keys that are not of columns alone ---------------------------------------------------------- */

static bool name_columns(sp_arena *arena, const sp_cat_table *t, sp_conditions *own)
{
    *own =
        (sp_conditions){.names = sp_arena_alloc(arena, t->n_columns + 1, sizeof(*own->names)), .n_names = t->n_columns};
    for (uint32_t i = 0; own->names && i < t->n_columns; i++)
        own->names[i] = t->columns[i].name;
    return own->names;
}

/* UNIQUE of a column that is a sum of others: no one of these keeps it apart, nor does what a division leaves. */
static void read_sum(sp_catalog *c, const sp_cat_table *t, const sp_conditions *own, sp_cat_key *key,
                     const uint32_t *of, uint32_t n)
{
    const char *sql = t->columns[key->columns[0]].generated_sql;
    bool whole = c->dialect == SP_SQL_POSTGRES || c->dialect == SP_SQL_SQLITE;
    for (uint32_t i = 0; i < n; i++)
        whole = whole && t->columns[of[i]].type.class == SP_CAT_INTEGER;
    const char *sum = key->n == 1 && sql ? sp_condition_sum(own, sql, whole, c->arena) : NULL;
    if (!sum || (n == 1 && !strstr(sum, "floor(") && !strstr(sum, " % ")))
        return;
    key->sum = sum;
    key->summed = key->columns[0];
}

/* The columns that generated ones are made of, instead of these. False: no memory. */
static bool unfold_key(sp_catalog *c, const sp_cat_table *t, const sp_conditions *own, sp_cat_key *key)
{
    enum { DEPTH = 4 }; /* of generated columns made of such */
    uint32_t *columns = sp_arena_alloc(c->arena, t->n_columns + 1, sizeof(*columns)), n = 0, unfolded = 0;
    bool *in_key = sp_arena_alloc(c->arena, t->n_columns + 1, sizeof(*in_key));
    if (!columns || !in_key)
        return false;
    for (uint32_t j = 0; j < key->n; j++)
        in_key[key->columns[j]] = true;
    for (int round = 0; round < DEPTH; round++)
        for (uint32_t i = 0; i < t->n_columns; i++) {
            const char *sql = t->columns[i].generated_sql;
            if (!in_key[i] || !sql || !sp_condition_names(own, sql, c->arena, in_key))
                continue;
            in_key[i] = false;
            unfolded++;
        }
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (in_key[i] && !t->columns[i].generated_sql)
            columns[n++] = i;
    if (unfolded && n) {
        const char *sql = t->columns[key->columns[0]].generated_sql;
        sp_cat_part *parts = sp_arena_alloc(c->arena, 1, sizeof(*parts));
        if (!parts)
            return false;
        read_sum(c, t, own, key, columns, n);
        parts->prefix = key->n == 1 && n == 1 ? sp_condition_prefix(own, sql, c->arena) : 0;
        key->columns = columns;
        key->n = n;
        key->parts = parts->prefix ? parts : NULL;
        key->primary = false;
        key->computed = true;
    }
    return true;
}

/* What stands before the next WITH of an exclusion constraint, and the operator behind it; false: there is none. */
static bool next_element(const char **at, sp_str *what, sp_str *op)
{
    const char *with = strstr(*at, " WITH ");
    if (!with)
        return false;
    *what = (sp_str){*at, (size_t)(with - *at)};
    const char *end = with + 6 + strcspn(with + 6, ",) ");
    *op = (sp_str){with + 6, (size_t)(end - with - 6)};
    *at = end + strspn(end, ", ");
    return true;
}

static const char *exclusion(const sp_cat_index *index)
{
    const char *sql = index->sql && strncmp(index->sql, "EXCLUDE", 7) == 0 ? strchr(index->sql, '(') : NULL;
    return sql ? sql + 1 : NULL;
}

/* The only column that an expression names; -1: there is none, or there are more. */
static int only_column(sp_arena *arena, const sp_conditions *own, const char *from, const char *to)
{
    bool *named = sp_arena_alloc(arena, own->n_names + 1, sizeof(*named));
    const char *sql = sp_arena_strndup(arena, from, (size_t)(to - from));
    int found = -1;
    if (!named || !sql || !sp_condition_names(own, sql, arena, named))
        return -1;
    for (uint32_t i = 0; i < own->n_names; i++) {
        if (named[i] && found >= 0)
            return -1;
        found = named[i] ? (int)i : found;
    }
    return found;
}

/* The columns of a range that is made where it is compared: tstzrange(begins, ends). */
static bool is_range_of(sp_arena *arena, const sp_conditions *own, sp_str what, uint32_t *low, uint32_t *high)
{
    const char *end = what.p + what.len, *open = memchr(what.p, '(', what.len),
               *comma = open ? memchr(open, ',', (size_t)(end - open)) : NULL;
    if (!comma || open - what.p < 5 || memcmp(open - 5, "range", 5) != 0)
        return false;
    const char *last = memchr(comma + 1, ',', (size_t)(end - comma - 1));
    int a = only_column(arena, own, open + 1, comma), b = only_column(arena, own, comma + 1, last ? last : end - 1);
    *low = (uint32_t)a;
    *high = (uint32_t)b;
    return a >= 0 && b >= 0;
}

/* EXCLUDE (a WITH =, b WITH =) is a key. Of ranges that may not overlap each row has its own. What else there is may refuse rows. */
static bool keep_excluded(sp_catalog *c, sp_cat_table *t, const sp_conditions *own, const sp_cat_index *index)
{
    uint32_t *columns = sp_arena_alloc(c->arena, t->n_columns + 1, sizeof(*columns)), n = 0, low, high;
    bool *named = sp_arena_alloc(c->arena, t->n_columns + 1, sizeof(*named)), equal = true, apart = false;
    const char *sql = exclusion(index);
    sp_str what, op;
    if (!columns || !named)
        return false;
    while (next_element(&sql, &what, &op)) {
        int column = only_column(c->arena, own, what.p, what.p + what.len);
        if (column >= 0)
            named[column] = true;
        equal = equal && sp_str_is(op, "=") && column >= 0;
        apart = apart || (sp_str_is(op, "&&") && ((column >= 0 && t->columns[column].type.class == SP_CAT_RANGE) ||
                                                  is_range_of(c->arena, own, what, &low, &high)));
    }
    for (uint32_t i = 0; equal && i < t->n_columns; i++)
        if (named[i])
            columns[n++] = i;
    sp_cat_key *key = n ? sp_catalog_add_key(c, t) : NULL;
    if (key)
        *key = (sp_cat_key){.name = "", .columns = columns, .n = n, .computed = true};
    return n       ? key != NULL
           : apart ? true
                   : sp_catalog_note(c, "table %s: the exclusion constraint %s may refuse rows", t->name, index->name);
}

bool sp_config_unfold(sp_catalog *c)
{
    sp_conditions own;
    for (uint32_t i = 0; i < c->n_tables; i++) {
        sp_cat_table *t = &c->tables[i];
        if (!name_columns(c->arena, t, &own))
            return false;
        for (uint32_t j = 0; j < t->n_keys; j++)
            if (!unfold_key(c, t, &own, &t->keys[j]))
                return false;
        for (uint32_t j = 0; j < t->n_indexes; j++)
            if (exclusion(&t->indexes[j]) && !keep_excluded(c, t, &own, &t->indexes[j]))
                return false;
    }
    return true;
}

bool sp_config_slot(sp_config *k, const sp_cat_table *t, uint32_t *low, uint32_t *high)
{
    sp_conditions own;
    sp_str what, op;
    bool named = name_columns(k->arena, t, &own);
    for (uint32_t i = 0; named && i < t->n_indexes; i++) {
        const char *sql = exclusion(&t->indexes[i]);
        while (sql && next_element(&sql, &what, &op))
            if (sp_str_is(op, "&&") && is_range_of(k->arena, &own, what, low, high))
                return true;
    }
    return false;
}

/* Of two columns, or of one and a large number. */
static bool is_product(const sp_config *k, const sp_conditions *own, const char *sql)
{
    const char *sum = sp_condition_sum(own, sql, true, k->arena);
    for (const char *p = sum; p && (p = strstr(p, " * ")); p += 3)
        if (strspn(p + 3, "0123456789") > 3 || (strchr("\"(f", p[3]) && strchr("\")", p[-1])))
            return true;
    return !sum && strchr(sql, '*');
}

bool sp_config_narrow(sp_config *k, sp_draft *d)
{
    sp_conditions own;
    d->narrow = sp_arena_alloc(k->arena, d->t->n_columns + 1, sizeof(*d->narrow));
    if (!d->narrow || !name_columns(k->arena, d->t, &own))
        return false;
    for (uint32_t i = 0; i < d->t->n_columns; i++) {
        const sp_cat_column *c = &d->t->columns[i];
        const sp_cat_type *type = &c->type;
        bool product = c->generated_sql && is_product(k, &own, c->generated_sql),
             few = (type->class == SP_CAT_INTEGER && type->bits <= (product ? 32 : 16)) ||
                   (product && type->class == SP_CAT_DECIMAL && type->precision && type->precision - type->scale < 10);
        if (c->generated_sql && few)
            sp_condition_names(&own, c->generated_sql, k->arena, d->narrow);
    }
    return true;
}

/* ---- what keeps them ------------------------------------------------------------------------------ */

static bool has_key_alone(const sp_cat_table *t, uint32_t column)
{
    for (uint32_t i = 0; i < t->n_keys; i++)
        if (t->keys[i].n == 1 && !t->keys[i].sum && t->keys[i].columns[0] == column)
            return true;
    return false;
}

/* How well a column may keep the rows of a key of several columns apart, by having no value twice. */
static int keeps_apart(const sp_config *k, const sp_draft *d, uint32_t column)
{
    const sp_cat_table *t = d->t;
    uint32_t at, lead;
    const sp_cat_type *type = &t->columns[column].type;
    const sp_cat_foreign_key *f = sp_config_reference(t, column, &at, &lead);
    if (d->demands.columns[column].n_values)
        return -1;
    if (f)
        return lead == column && has_key_alone(&k->c->tables[f->parent_table], f->parent_columns[at]) ? 2 : -1;
    switch (type->class) {
    case SP_CAT_INTEGER: return type->bits >= 32 ? 6 : 1;
    case SP_CAT_UUID: return 5;
    case SP_CAT_TIMESTAMP:
    case SP_CAT_TIMESTAMPTZ: return 4;
    case SP_CAT_TEXT: return type->length == 0 || type->length >= 8 ? 3 : 0;
    default: return 0;
    }
}

/* A primary key whose columns are references, sets or whole numbers is kept by the generator. */
static bool can_combine(const sp_draft *d, const sp_cat_key *key)
{
    uint32_t at, lead;
    for (uint32_t j = 0; j < key->n; j++) {
        uint32_t column = key->columns[j];
        const sp_cat_foreign_key *f = sp_config_reference(d->t, column, &at, &lead);
        sp_cat_class class = d->t->columns[column].type.class;
        bool chosen = class == SP_CAT_INTEGER || class == SP_CAT_DECIMAL || class == SP_CAT_ENUM ||
                      d->demands.columns[column].n_values;
        if (d->choices[column].tries || (f ? f->n > 1 || f->parent_table == (int32_t)-1 : !chosen))
            return false;
    }
    return key->primary && key->n > 1;
}

/* CHECK (a < b) of references to one table: no two columns that draw, but the lesser and the greater of two draws. */
static bool is_of_pairs(const sp_config *k, const sp_draft *d, const sp_cat_key *key)
{
    for (uint32_t i = 0; i < d->demands.n_orderings; i++) {
        const sp_ordering *o = &d->demands.orderings[i];
        bool low = false, high = false;
        for (uint32_t j = 0; j < key->n; j++) {
            low = low || key->columns[j] == o->low;
            high = high || key->columns[j] == o->high;
        }
        if (low && high && !o->differ && sp_config_is_pair(k, d, o->low, o->high) && !d->apart[o->low] &&
            !d->apart[o->high])
            return true;
    }
    return false;
}

/* A key that is a reference of several columns to another table. */
static const sp_cat_foreign_key *reference_of(const sp_draft *d, const sp_cat_key *key)
{
    uint32_t at, lead;
    const sp_cat_foreign_key *f = sp_config_reference(d->t, key->columns[0], &at, &lead);
    bool whole = f && f->n > 1 && f->n <= key->n;
    for (uint32_t j = 0; whole && j < f->n; j++)
        whole = sp_config_reference(d->t, f->columns[j], &at, &lead) == f;
    for (uint32_t j = 0, in = 0; whole && j < key->n; j++) {
        in += sp_config_reference(d->t, key->columns[j], &at, &lead) == f;
        whole = j + 1 < key->n || in == f->n;
    }
    return whole ? f : NULL;
}

static bool take_turns(const sp_config *k, sp_draft *d, const sp_cat_key *key)
{
    const sp_cat_foreign_key *f = reference_of(d, key);
    if (!f || d->turn || &k->drafts[f->parent_table] == d)
        return false;
    d->turned = key;
    d->turn = f;
    for (uint32_t j = 0; j < f->n; j++)
        d->spread[f->columns[j]] = true;
    return true;
}

/* Rows are compared by the sum, which is made for that alone. */
static bool compare_sums(sp_draft *d, const sp_cat_key *key)
{
    if (!key->sum || d->distinct || d->choices[key->summed].tries)
        return false;
    d->distinct = key;
    for (uint32_t j = 0; j < key->n; j++)
        d->needed[key->columns[j]] = true;
    return true;
}

/* A key of several columns holds when one of them does, by their combinations, or by comparing rows. */
void sp_config_keys(const sp_config *k, sp_draft *d)
{
    memset(d->apart, 0, d->t->n_columns * sizeof(*d->apart));
    d->combined = false;
    d->distinct = d->turned = NULL;
    d->turn = NULL;
    for (uint32_t i = 0; i < d->t->n_keys; i++) {
        const sp_cat_key *key = &d->t->keys[i];
        uint32_t best = key->columns[0];
        bool held = key->n == 1;
        if (compare_sums(d, key))
            continue;
        for (uint32_t j = 0; j < key->n && key->n > 1; j++) {
            held = held || d->apart[key->columns[j]] || has_key_alone(d->t, key->columns[j]);
            if (keeps_apart(k, d, key->columns[j]) > keeps_apart(k, d, best))
                best = key->columns[j];
        }
        if (!held && !d->distinct && is_of_pairs(k, d, key))
            d->distinct = key;
        else if (!held && can_combine(d, key))
            d->combined = true;
        else if (!held && keeps_apart(k, d, best) < 0 && take_turns(k, d, key))
            continue;
        else if (!held)
            d->apart[best] = true;
    }
}
