/* ddl_after.c - what comes behind the rows: indexes, keys, foreign keys, sequences set, comments. */
#include "endpoint/ddl_build.h"

/* ---- after the rows ---------------------------------------------------------------------------------------------- */

/* CREATE [UNIQUE] INDEX name ON table, or what MariaDB adds: by the source's own words, or by columns. False: it cannot be said. */
static bool put_index(sp_ddl_builder *b, bool unique, const char *name, const char *body, const char *const *columns,
                      const sp_cat_part *parts, uint32_t n, const char *where)
{
    bool again = b->same && body && *body, partial = b->d->dialect != SP_SQL_DUCKDB && !sp_ddl_is_mariadb(b);
    if ((!again && n == 0) || (where && !again && !partial) ||
        (again && (sp_ddl_uses_missing(b, body) || sp_ddl_calls_own(body))))
        return false;
    if (sp_ddl_is_mariadb(b)) {
        sp_ddl_put_alter(b);
        sp_ddl_put(b, unique ? "UNIQUE INDEX " : "INDEX ");
        sp_ddl_put_name(b, name);
        sp_ddl_put_parts(b, columns, parts, n, unique);
        return true;
    }
    sp_ddl_put(b, unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    sp_ddl_put(b, b->d->dialect == SP_SQL_POSTGRES ? "" : "IF NOT EXISTS ");
    sp_ddl_put_name(b, name);
    sp_ddl_put(b, " ON ");
    sp_ddl_put_table(b);
    if (again) {
        sp_ddl_put(b, " ");
        sp_ddl_put(b, body);
        return true;
    }
    sp_ddl_put_parts(b, columns, parts, n, unique);
    sp_ddl_put(b, where ? " WHERE " : "");
    return !where || sp_ddl_put_expr(b, where, NULL);
}

/* MariaDB's names of indexes are a table's own; elsewhere they are a schema's, and no two may be the same. */
static const char *index_name(sp_ddl_builder *b, const char *name)
{
    int from = b->c->dialect;
    const char *dot = strrchr(b->schema->table, '.');
    if (from == (int)SP_SQL_POSTGRES || from == (int)SP_SQL_DUCKDB || from == (int)SP_SQL_SQLITE ||
        sp_ddl_is_mariadb(b))
        return name;
    const char *made = sp_arena_printf(b->d->arena, "%.31s_%.31s", dot ? dot + 1 : b->schema->table, name);
    b->nomem = b->nomem || !made;
    return made ? made : "";
}

/* Of a key without a name, as PostgreSQL would call it. */
static const char *key_name(sp_ddl_builder *b, const sp_cat_key *key)
{
    if (*key->name)
        return index_name(b, key->name);
    const char *dot = strrchr(b->schema->table, '.'), *table = dot ? dot + 1 : b->schema->table;
    sp_buf name = {0};
    b->nomem = b->nomem || sp_buf_adds(&name, table);
    for (uint32_t i = 0; i < key->n && !key->primary; i++)
        b->nomem = b->nomem || sp_buf_printf(&name, "_%s", b->t->columns[key->columns[i]].name);
    b->nomem = b->nomem || sp_buf_adds(&name, key->primary ? "_pkey" : "_key");
    char *kept = b->nomem ? NULL : sp_arena_strndup(b->d->arena, name.data, SP_MIN(name.len, (size_t)63));
    sp_buf_done(&name);
    b->nomem = b->nomem || !kept;
    return kept ? kept : "";
}

/* In PostgreSQL first an index, which several workers can build at once, then its name as a key. */
static void add_key(sp_ddl_builder *b, const sp_cat_key *key)
{
    bool duck = b->d->dialect == SP_SQL_DUCKDB;
    if (!sp_ddl_has_all(b, key->columns, key->n)) {
        sp_ddl_note(b, "table \"%s\": the %s %s: not all its columns are copied", b->schema->table,
                    key->primary ? "primary key" : "unique key", key->name);
        return;
    }
    if (duck && key->primary) {
        sp_ddl_put(b, "ALTER TABLE ");
        sp_ddl_put_table(b);
        sp_ddl_put(b, " ADD PRIMARY KEY");
        sp_ddl_put_columns(b, key->columns, key->n);
        sp_ddl_add(b, SP_DDL_KEYS, NULL, "building the primary key");
        return;
    }
    const char *name = key_name(b, key);
    const char *const *names = sp_ddl_names_of(b, key->columns, key->n);
    uint32_t n = key->computed ? 0 : key->n;
    if (b->nomem || !put_index(b, true, name, key->body, names, key->parts, n, key->where)) {
        b->sql.len = 0;
        sp_ddl_note(b, "table \"%s\": the unique index \"%s\"", b->schema->table, name);
        return;
    }
    sp_ddl_add_clause(b, SP_DDL_INDEXES, "building index \"%s\"", name);
    if (key->when && sp_ddl_is_mariadb(b))
        sp_ddl_note(b, "table \"%s\": that its unique key %s may be broken within a transaction", b->schema->table,
                    name);
    if (!key->constraint || b->d->dialect != SP_SQL_POSTGRES)
        return;
    sp_ddl_put(b, "ALTER TABLE ");
    sp_ddl_put_table(b);
    sp_ddl_put(b, " ADD ");
    sp_ddl_put_constraint_name(b, name);
    sp_ddl_put(b, key->primary ? "PRIMARY KEY USING INDEX " : "UNIQUE USING INDEX ");
    sp_ddl_put_name(b, name);
    if (key->when) {
        sp_ddl_put(b, " ");
        sp_ddl_put(b, key->when);
    }
    sp_ddl_add(b, SP_DDL_KEYS, NULL, "making key \"%s\"", name);
}

void sp_ddl_add_keys(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_keys; i++) {
        const sp_cat_key *key = &b->t->keys[i];
        if (!sp_ddl_is_inside(b, key) && b->d->keys != SP_DDL_KEYS_NONE &&
            !(key->constraint && sp_ddl_is_made_again(b)))
            add_key(b, key);
    }
}

void sp_ddl_add_indexes(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_indexes; i++) {
        const sp_cat_index *index = &b->t->indexes[i];
        if (index == sp_ddl_counting_index(b))
            continue;
        if (!index->body && b->same && !sp_ddl_uses_missing(b, index->sql)) {
            sp_ddl_put(b, "ALTER TABLE ");
            sp_ddl_put_table(b);
            sp_ddl_put(b, " ADD ");
            sp_ddl_put_constraint_name(b, index->name);
            sp_ddl_put(b, index->sql);
            sp_ddl_add(b, SP_DDL_KEYS, NULL, "making constraint \"%s\"", index->name);
            continue;
        }
        if (b->same && index->n == 0 && index->body && !*index->body &&
            !sp_ddl_uses_missing(b, index->sql)) { /* FULLTEXT KEY ... */
            sp_ddl_put_alter(b);
            sp_ddl_put(b, index->sql);
            sp_ddl_add_clause(b, SP_DDL_INDEXES, "building index \"%s\"", index->name);
            continue;
        }
        bool there = true;
        for (uint32_t k = 0; k < index->n; k++) {
            const sp_cat_column *c = sp_ddl_column_of(b, index->columns[k]);
            there = there && (c ? sp_ddl_has_all(b, &(uint32_t){(uint32_t)(c - b->t->columns)}, 1) : b->whole);
        }
        if (there && index->body &&
            put_index(b, false, index_name(b, index->name), index->body, index->columns, index->parts, index->n,
                      index->where)) {
            sp_ddl_add_clause(b, SP_DDL_INDEXES, "building index \"%s\"", index->name);
            continue;
        }
        b->sql.len = 0;
        sp_ddl_note(b, "table \"%s\": the %s \"%s\"", b->schema->table, index->body ? "index" : "exclusion constraint",
                    index->name);
    }
}

/* Whether an index of the table begins with the columns: in any kind of key, or, of those that are none, without parts of texts. */
static bool leads_an_index(const sp_ddl_builder *b, const sp_cat_foreign_key *f)
{
    for (uint32_t i = 0; i < b->t->n_keys; i++) {
        const sp_cat_key *key = &b->t->keys[i];
        if (sp_ddl_is_plain_key(key) && key->n >= f->n &&
            memcmp(key->columns, f->columns, f->n * sizeof(*f->columns)) == 0)
            return true;
    }
    for (uint32_t i = 0; i < b->t->n_indexes; i++) {
        const sp_cat_index *index = &b->t->indexes[i];
        bool leads = index->n >= f->n && !index->where && index->body;
        for (uint32_t k = 0; k < f->n && leads; k++)
            leads = strcmp(index->columns[k], b->t->columns[f->columns[k]].name) == 0;
        if (leads)
            return true;
    }
    return false;
}

static bool is_index_name(const sp_ddl_builder *b, const char *name)
{
    bool is = false;
    for (uint32_t i = 0; i < b->t->n_keys; i++)
        is = is || sp_str_ieq(sp_str_of(name), b->t->keys[i].name);
    for (uint32_t i = 0; i < b->t->n_indexes; i++)
        is = is || sp_str_ieq(sp_str_of(name), b->t->indexes[i].name);
    return is;
}

/* MariaDB makes the index that it wants behind a foreign key if there is none: with the others, it is one way through the rows. */
static void add_index_behind(sp_ddl_builder *b, const sp_cat_foreign_key *f, uint32_t number)
{
    const char *const *names = sp_ddl_names_of(b, f->columns, f->n);
    bool named = *f->name && !is_index_name(b, f->name);
    const char *name = named ? f->name : sp_arena_printf(b->d->arena, "%.40s_fk_%u", names ? names[0] : "", number + 1);
    b->nomem = b->nomem || !name;
    if (b->nomem || !put_index(b, false, name, NULL, names, NULL, f->n, NULL))
        return;
    sp_ddl_add_clause(b, SP_DDL_INDEXES, "building index \"%s\"", name);
}

/* What a run that was killed at the end may have added already. */
static void put_alter_again(sp_ddl_builder *b, const char *name)
{
    sp_ddl_put(b, "ALTER TABLE ");
    sp_ddl_put_table(b);
    sp_ddl_put(b, " DROP CONSTRAINT IF EXISTS ");
    sp_ddl_put_name(b, name);
    sp_ddl_put(b, ", ADD ");
}

static void add_foreign_key(sp_ddl_builder *b, const sp_cat_foreign_key *f, uint32_t number)
{
    if (b->d->dialect == SP_SQL_DUCKDB) {
        sp_ddl_note(b,
                    "table \"%s\": its foreign key to \"%s\", which is checked, and a comment; ?keys=all makes it one",
                    b->schema->table, f->parent);
        return;
    }
    if (sp_ddl_is_mariadb(b) && !sp_ddl_matches(b, f)) {
        sp_ddl_note(b, "table \"%s\": its foreign key to \"%s\": columns of other types, or no key there",
                    b->schema->table, f->parent);
        return;
    }
    if (sp_ddl_is_mariadb(b) && !leads_an_index(b, f))
        add_index_behind(b, f, number);
    if (f->unchecked) { /* nobody is to check it */
        put_alter_again(b, f->name);
        sp_ddl_put_foreign_key(b, f);
        sp_ddl_add(b, SP_DDL_END, NULL, "adding its foreign key to \"%s\"", f->parent);
        return;
    }
    sp_ddl_put_alter(b);
    sp_ddl_put_foreign_key(b, f);
    sp_ddl_add_clause(b, SP_DDL_FOREIGN_KEYS, "adding its foreign key to \"%s\"", f->parent);
    if (!sp_ddl_is_mariadb(b))
        sp_ddl_refers_to(b, b->c->tables[f->parent_table].shown);
}

/* Conditions that the source's own rows may break: for rows to come, as there. */
void sp_ddl_add_unchecked(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_checks; i++) {
        const sp_cat_check *check = &b->t->checks[i];
        if (!check->unchecked || !b->same || check->column >= 0)
            continue;
        put_alter_again(b, check->name);
        sp_ddl_put_constraint_name(b, check->name);
        sp_ddl_put(b, "CHECK (");
        if (sp_ddl_put_expr(b, check->sql, NULL)) {
            sp_ddl_put(b, ") NOT VALID");
            sp_ddl_add(b, SP_DDL_END, NULL, "adding the check %s", check->name);
            continue;
        }
        b->sql.len = 0;
        sp_ddl_note(b, "table \"%s\": the check %s %.200s", b->schema->table, check->name, check->sql);
    }
}

void sp_ddl_add_foreign_keys(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &b->t->foreign_keys[i];
        if (!sp_ddl_can_refer(b, f))
            sp_ddl_note(b, "table \"%s\": its foreign key to \"%s\", which is not copied with it", b->schema->table,
                        f->parent);
        else if (f->unchecked && !b->same)
            sp_ddl_note(b, "table \"%s\": its foreign key to \"%s\", which its rows may break", b->schema->table,
                        f->parent);
        else if (b->d->keys == SP_DDL_KEYS_AFTER)
            add_foreign_key(b, f, i);
    }
}

/* ---- sequences and comments, at the end ------------------------------------------------------------------------------ */

/* setval behind the last value given out and the largest that is there, whatever was larger than the sequence goes. */
static void add_setval(sp_ddl_builder *b, const sp_cat_column *c)
{
    const sp_cat_sequence *s = sp_ddl_sequence_of(b, c);
    bool identity = !s || (s == c->sequence && (c->identity != SP_CAT_NO_IDENTITY || !s->name)), up = !s || s->step > 0;
    sp_buf name = {0};
    sp_ddl_put(b, "SELECT pg_catalog.setval(");
    if (identity) {
        b->nomem = b->nomem || sp_sql_ident(&name, b->schema->table);
        sp_ddl_put(b, "pg_catalog.pg_get_serial_sequence(");
        b->nomem = b->nomem || sp_sql_literal(&b->sql, (sp_str){name.data, name.len});
        sp_ddl_put(b, ", ");
        sp_ddl_put_literal(b, c->name);
        sp_ddl_put(b, ")");
    } else {
        bool elsewhere = *s->space && strcmp(s->space, b->c->default_space) != 0;
        b->nomem = b->nomem || (elsewhere && (sp_sql_name(&name, s->space) || sp_buf_adds(&name, "."))) ||
                   sp_sql_name(&name, s->name) || sp_sql_literal(&b->sql, (sp_str){name.data, name.len});
    }
    sp_buf_done(&name);
    sp_ddl_put(b, up ? ", COALESCE(GREATEST(m, " : ", COALESCE(LEAST(m, ");
    if (s && s->called)
        sp_ddl_put_number(b, "", s->last);
    else
        sp_ddl_put(b, "NULL");
    sp_ddl_put_number(b, "), ", s ? s->start : 1);
    sp_ddl_put(b, s && s->called ? "), true" : "), m IS NOT NULL");
    sp_ddl_put(b, up ? ") FROM (SELECT max(" : ") FROM (SELECT min(");
    sp_ddl_put_name(b, c->name);
    sp_ddl_put(b, ")::bigint FROM ");
    sp_ddl_put_table(b);
    sp_ddl_put(b, " WHERE ");
    sp_ddl_put_name(b, c->name);
    sp_ddl_put_number(b, " BETWEEN ", s ? s->min : 1);
    sp_ddl_put_number(b, " AND ", s ? s->max : INT64_MAX);
    sp_ddl_put(b, ") AS r (m)");
    sp_ddl_add(b, SP_DDL_END, NULL, "setting the sequence of column \"%s\"", c->name);
}

static void add_owner(sp_ddl_builder *b, const sp_cat_column *c, const sp_cat_sequence *s)
{
    sp_ddl_put(b, "ALTER SEQUENCE ");
    sp_ddl_put_place(b, s->space, s->name);
    sp_ddl_put(b, " OWNED BY ");
    sp_ddl_put_table(b);
    sp_ddl_put(b, ".");
    sp_ddl_put_name(b, c->name);
    sp_ddl_add(b, SP_DDL_END, NULL, "giving column \"%s\" its sequence", c->name);
}

/* The first number behind the rows, and behind the last that the source has given out. */
static void put_next_number(sp_ddl_builder *b, const sp_cat_column *c)
{
    const sp_cat_sequence *s = c->sequence;
    int64_t step = s ? s->step : 1, before = s ? (s->called ? s->last : s->start - step) : 0;
    int field = sp_schema_find(b->schema, c->name);
    bool beyond = field >= 0 && b->schema->fields[field].type.kind == SP_U64; /* numbers that no sequence gives */
    sp_ddl_put(b, beyond ? "SELECT least(" : "SELECT ");
    sp_ddl_put(b, step > 0 ? "greatest(coalesce(max(" : "least(coalesce(min(");
    sp_ddl_put_name(b, c->name);
    sp_ddl_put_number(b, "), ", before);
    sp_ddl_put_number(b, "), ", before);
    sp_ddl_put_number(b, ") + (", step);
    if (beyond)
        sp_ddl_put_number(b, "), ", INT64_MAX - 1);
    sp_ddl_put(b, ") FROM ");
    sp_ddl_put_table(b);
}

/* A sequence that begins where the rows end, and is the column's default: DuckDB cannot set the one once it is there, nor the other once
 * there is an index. */
static void add_own_sequence(sp_ddl_builder *b, const sp_cat_column *c)
{
    bool maria = sp_ddl_is_mariadb(b);
    sp_ddl_step step = maria ? SP_DDL_END : SP_DDL_DEFAULTS;
    const char *dot = strrchr(b->schema->table, '.');
    const char *name = sp_arena_printf(b->d->arena, "%.29s_%.29s_seq", dot ? dot + 1 : b->schema->table, c->name);
    put_next_number(b, c);
    const char *ask = sp_arena_strndup(b->d->arena, b->sql.data ? b->sql.data : "", b->sql.len);
    b->sql.len = 0;
    b->nomem = b->nomem || !name || !ask;
    if (b->nomem)
        return;
    sp_buf quoted = {0};
    b->nomem = (dot && (sp_sql_name(&quoted, b->t->space) || sp_buf_adds(&quoted, "."))) || sp_sql_name(&quoted, name);
    sp_ddl_put(b, maria ? "CREATE OR REPLACE SEQUENCE " : "CREATE SEQUENCE IF NOT EXISTS ");
    b->nomem = b->nomem || sp_buf_add(&b->sql, quoted.data, quoted.len);
    sp_ddl_put(b, " START WITH %s");
    if (c->sequence && c->sequence->step != 1) {
        sp_ddl_put_number(b, " INCREMENT BY ", c->sequence->step);
        sp_ddl_put_number(b, " MINVALUE ", SP_MAX(c->sequence->min, -INT64_MAX));
        sp_ddl_put_number(b, " MAXVALUE ", SP_MIN(c->sequence->max, INT64_MAX - 1));
    }
    sp_ddl_add(b, step, ask, "creating the sequence of column \"%s\"", c->name);
    sp_ddl_put(b, "ALTER TABLE ");
    sp_ddl_put_table(b);
    sp_ddl_put(b, " ALTER COLUMN ");
    sp_ddl_put_name(b, c->name);
    sp_ddl_put(b, " SET DEFAULT nextval(");
    b->nomem = b->nomem || (maria ? sp_buf_add(&b->sql, quoted.data, quoted.len)
                                  : sp_sql_literal(&b->sql, (sp_str){quoted.data, quoted.len}));
    sp_ddl_put(b, ")");
    sp_buf_done(&quoted);
    sp_ddl_add(b, step, NULL, "giving column \"%s\" its sequence", c->name);
}

/* It is behind the rows by itself. */
static void add_counter(sp_ddl_builder *b, const sp_cat_column *c)
{
    const sp_cat_sequence *s = c->sequence;
    int64_t next = !s ? 1 : s->called ? s->last + 1 : s->start;
    if (next <= 1)
        return;
    sp_ddl_put(b, "ALTER TABLE ");
    sp_ddl_put_table(b);
    sp_ddl_put_number(b, " AUTO_INCREMENT = ", next);
    sp_ddl_add(b, SP_DDL_END, NULL, "setting the next number of column \"%s\"", c->name);
}

static void add_numbering_of_postgres(sp_ddl_builder *b, const sp_cat_column *c)
{
    const sp_cat_sequence *s = sp_ddl_sequence_of(b, c);
    if (s && s->name && s->owned && (c->identity == SP_CAT_NO_IDENTITY || s != c->sequence))
        add_owner(b, c, s);
    add_setval(b, c);
}

void sp_ddl_add_numbering(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        if (!sp_ddl_is_numbered(b, c))
            continue;
        if (b->d->dialect == SP_SQL_POSTGRES)
            add_numbering_of_postgres(b, c);
        else if (b->counter == (int32_t)i)
            add_counter(b, c);
        else if (b->d->dialect == SP_SQL_DUCKDB && b->d->keys == SP_DDL_KEYS_INSIDE)
            sp_ddl_note(b, "table \"%s\": the numbering of column \"%s\"", b->schema->table, c->name);
        else if (b->d->dialect == SP_SQL_DUCKDB || b->d->dialect == SP_SQL_MARIADB)
            add_own_sequence(b, c);
    }
}

static void add_comment(sp_ddl_builder *b, const char *comment, const char *column)
{
    sp_ddl_put(b, column ? "COMMENT ON COLUMN " : "COMMENT ON TABLE ");
    sp_ddl_put_table(b);
    if (column) {
        sp_ddl_put(b, ".");
        sp_ddl_put_name(b, column);
    }
    sp_ddl_put(b, " IS ");
    sp_ddl_put_literal(b, comment);
    sp_ddl_add(b, SP_DDL_END, NULL, "writing a comment");
}

void sp_ddl_add_comments(sp_ddl_builder *b)
{
    unsigned n = b->t->comment != NULL;
    bool can = b->d->dialect == SP_SQL_POSTGRES || b->d->dialect == SP_SQL_DUCKDB;
    if (b->t->comment && can)
        add_comment(b, b->t->comment, NULL);
    for (uint32_t i = 0; i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        n += c->comment && sp_ddl_is_copied(b, i);
        if (c->comment && sp_ddl_is_copied(b, i) && can)
            add_comment(b, c->comment, c->name);
    }
    if (n && !can && !sp_ddl_is_mariadb(b)) /* whose tables have theirs from the beginning */
        sp_ddl_note(b, "table \"%s\": %u comments", b->schema->table, n);
}

/* ---- what only one server has words for ------------------------------------------------------------------------------ */

/* An index, also of a key, that is made here too. */
static bool makes_index(sp_ddl_builder *b, const char *name)
{
    for (uint32_t i = 0; i < b->t->n_keys; i++)
        if (strcmp(b->t->keys[i].name, name) == 0)
            return b->d->keys != SP_DDL_KEYS_NONE && sp_ddl_has_all(b, b->t->keys[i].columns, b->t->keys[i].n);
    for (uint32_t i = 0; i < b->t->n_indexes; i++)
        if (strcmp(b->t->indexes[i].name, name) == 0)
            return b->d->keys != SP_DDL_KEYS_NONE && b->whole && b->t->indexes[i].body &&
                   !sp_ddl_calls_own(b->t->indexes[i].body);
    return false;
}

/* In the schema of the table, or in the one that names go without: there are no others for their sake. */
static bool has_place(const sp_ddl_builder *b, const char *space)
{
    return strcmp(space, b->t->space) == 0 || strcmp(space, b->c->default_space) == 0;
}

static bool add_setting(sp_ddl_builder *b, const sp_cat_setting *s)
{
    if (!b->same || !s->sql || (s->index && !makes_index(b, s->index)))
        return false;
    if (s->statistics && (!has_place(b, s->space) || sp_ddl_uses_missing(b, s->sql) || sp_ddl_calls_own(s->sql)))
        return false;
    sp_ddl_put(b, s->statistics ? "CREATE STATISTICS " : "ALTER TABLE ");
    if (s->statistics) {
        sp_ddl_put_place(b, s->space, s->statistics);
        sp_ddl_put(b, s->sql);
        sp_ddl_put(b, " FROM ");
    }
    sp_ddl_put_table(b);
    sp_ddl_put(b, s->statistics ? "" : " ");
    sp_ddl_put(b, s->statistics ? "" : s->sql);
    sp_ddl_add(b, s->index ? SP_DDL_END : SP_DDL_TABLES, NULL, "setting %s", s->what);
    return true;
}

/* Those of a column go with it, unless it becomes another type. */
static bool is_wanted(const sp_ddl_builder *b, const sp_cat_setting *s)
{
    if (s->column < 0)
        return true;
    int field = sp_schema_find(b->schema, b->t->columns[s->column].name);
    return field < 0 ? b->made[s->column] : !b->schema->fields[field].cast;
}

void sp_ddl_add_settings(sp_ddl_builder *b)
{
    const char *said = "";
    for (uint32_t i = 0; i < b->t->n_settings; i++) {
        const sp_cat_setting *s = &b->t->settings[i];
        if (!is_wanted(b, s) || add_setting(b, s) || strcmp(said, s->what) == 0)
            continue;
        said = s->what;
        sp_ddl_note(b, "table \"%s\": %s", b->schema->table, said);
    }
}
