/* ddl_after.c - what comes behind the rows: indexes, keys, foreign keys, sequences set, comments. */
#include "endpoint/ddl_build.h"

/* ---- after the rows ---------------------------------------------------------------------------------------------- */

/* CREATE [UNIQUE] INDEX name ON table: by the source's own words, or by columns. False: it cannot be said. */
static bool put_index(sp_ddl_builder *b, bool unique, const char *name, const char *body, const char *const *columns, uint32_t n, const char *where)
{
    bool again = b->same && body;
    if ((!again && n == 0) || (where && !again && b->d->dialect == SP_SQL_DUCKDB) || (again && (sp_ddl_uses_missing(b, body) || sp_ddl_calls_own(body))))
        return false;
    sp_ddl_put(b, unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    sp_ddl_put(b, b->d->dialect == SP_SQL_POSTGRES ? "" : "IF NOT EXISTS ");
    sp_ddl_put_name(b, name);
    sp_ddl_put(b, " ON ");
    sp_ddl_put_table(b);
    sp_ddl_put(b, " ");
    if (again) {
        sp_ddl_put(b, body);
        return true;
    }
    sp_ddl_put(b, "(");
    for (uint32_t i = 0; i < n; i++) {
        sp_ddl_put(b, i ? ", " : "");
        sp_ddl_put_name(b, columns[i]);
    }
    sp_ddl_put(b, where ? ") WHERE " : ")");
    return !where || sp_ddl_put_expr(b, where, NULL);
}

/* MariaDB's names of indexes are a table's own; elsewhere they are a schema's, and no two may be the same. */
static const char *index_name(sp_ddl_builder *b, const char *name)
{
    int from = b->c->dialect;
    const char *dot = strrchr(b->schema->table, '.');
    if (from == (int)SP_SQL_POSTGRES || from == (int)SP_SQL_DUCKDB || from == (int)SP_SQL_SQLITE)
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

static const char *const *names_of(sp_ddl_builder *b, const sp_cat_key *key)
{
    const char **names = sp_arena_alloc(b->d->arena, key->n + 1, sizeof(*names));
    for (uint32_t i = 0; names && i < key->n; i++)
        names[i] = b->t->columns[key->columns[i]].name;
    b->nomem = b->nomem || !names;
    return names;
}

/* In PostgreSQL first an index, which several workers can build at once, then its name as a key. */
static void add_key(sp_ddl_builder *b, const sp_cat_key *key)
{
    bool duck = b->d->dialect == SP_SQL_DUCKDB, plain = sp_ddl_is_plain_key(key);
    if (!sp_ddl_has_all(b, key->columns, key->n)) {
        sp_ddl_note(b, "table \"%s\": the %s %s: not all its columns are copied", b->schema->table, key->primary ? "primary key" : "unique key", key->name);
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
    const char *const *names = names_of(b, key);
    if (b->nomem || !put_index(b, true, name, key->body, names, plain || key->where ? (key->computed ? 0 : key->n) : 0, key->where)) {
        b->sql.len = 0;
        sp_ddl_note(b, "table \"%s\": the unique index \"%s\"", b->schema->table, name);
        return;
    }
    sp_ddl_add(b, SP_DDL_INDEXES, NULL, "building index \"%s\"", name);
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
        bool inside = b->d->keys == SP_DDL_KEYS_INSIDE && key->constraint && sp_ddl_is_plain_key(key);
        if (!inside && b->d->keys != SP_DDL_KEYS_NONE && !(key->constraint && sp_ddl_is_made_again(b)))
            add_key(b, key);
    }
}

void sp_ddl_add_indexes(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_indexes; i++) {
        const sp_cat_index *index = &b->t->indexes[i];
        if (!index->body && b->same && !sp_ddl_uses_missing(b, index->sql)) {
            sp_ddl_put(b, "ALTER TABLE ");
            sp_ddl_put_table(b);
            sp_ddl_put(b, " ADD ");
            sp_ddl_put_constraint_name(b, index->name);
            sp_ddl_put(b, index->sql);
            sp_ddl_add(b, SP_DDL_KEYS, NULL, "making constraint \"%s\"", index->name);
            continue;
        }
        bool there = true;
        for (uint32_t k = 0; k < index->n; k++)
            there = there && (sp_schema_find(b->schema, index->columns[k]) >= 0 || b->whole);
        if (there && index->body && put_index(b, false, index_name(b, index->name), index->body, index->columns, index->n, index->where)) {
            sp_ddl_add(b, SP_DDL_INDEXES, NULL, "building index \"%s\"", index->name);
            continue;
        }
        b->sql.len = 0;
        sp_ddl_note(b, "table \"%s\": the %s \"%s\"", b->schema->table, index->body ? "index" : "exclusion constraint", index->name);
    }
}

void sp_ddl_add_foreign_keys(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &b->t->foreign_keys[i];
        if (!sp_ddl_can_refer(b, f)) {
            sp_ddl_note(b, "table \"%s\": its foreign key to \"%s\", which is not copied with it", b->schema->table, f->parent);
            continue;
        }
        if (b->d->keys != SP_DDL_KEYS_AFTER)
            continue;
        if (b->d->dialect == SP_SQL_DUCKDB) {
            sp_ddl_note(b, "table \"%s\": its foreign key to \"%s\", which is checked, and a comment; ?keys=all makes it one", b->schema->table, f->parent);
            continue;
        }
        sp_ddl_put(b, "ALTER TABLE ");
        sp_ddl_put_table(b);
        sp_ddl_put(b, " ADD ");
        sp_ddl_put_foreign_key(b, f);
        sp_ddl_add(b, SP_DDL_FOREIGN_KEYS, NULL, "adding its foreign key to \"%s\"", f->parent);
    }
}

/* ---- sequences and comments, at the end ------------------------------------------------------------------------------ */

/* setval behind the last value given out and the largest that is there, whatever was larger than the sequence goes. */
static void add_setval(sp_ddl_builder *b, const sp_cat_column *c)
{
    const sp_cat_sequence *s = c->sequence;
    bool identity = c->identity != SP_CAT_NO_IDENTITY || !s, up = !s || s->step > 0;
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
        b->nomem = b->nomem || (elsewhere && (sp_sql_name(&name, s->space) || sp_buf_adds(&name, "."))) || sp_sql_name(&name, s->name) ||
                   sp_sql_literal(&b->sql, (sp_str){name.data, name.len});
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

static void add_owner(sp_ddl_builder *b, const sp_cat_column *c)
{
    sp_ddl_put(b, "ALTER SEQUENCE ");
    sp_ddl_put_place(b, c->sequence->space, c->sequence->name);
    sp_ddl_put(b, " OWNED BY ");
    sp_ddl_put_table(b);
    sp_ddl_put(b, ".");
    sp_ddl_put_name(b, c->name);
    sp_ddl_add(b, SP_DDL_END, NULL, "giving column \"%s\" its sequence", c->name);
}

/* DuckDB's sequences cannot be set: it begins where the rows end. Its default cannot be set either once there is an index. */
static void add_duck_sequence(sp_ddl_builder *b, const sp_cat_column *c)
{
    const char *dot = strrchr(b->schema->table, '.');
    const char *name = sp_arena_printf(b->d->arena, "%s_%s_seq", dot ? dot + 1 : b->schema->table, c->name);
    sp_ddl_put(b, "SELECT greatest(coalesce(max(");
    sp_ddl_put_name(b, c->name);
    sp_ddl_put(b, "), 0)");
    sp_ddl_put_number(b, ", ", c->sequence && c->sequence->called ? c->sequence->last : 0);
    sp_ddl_put(b, ") + 1 FROM ");
    sp_ddl_put_table(b);
    const char *ask = sp_arena_strndup(b->d->arena, b->sql.data ? b->sql.data : "", b->sql.len);
    b->sql.len = 0;
    b->nomem = b->nomem || !name || !ask;
    if (b->nomem)
        return;
    sp_buf quoted = {0};
    sp_ddl_put(b, "CREATE SEQUENCE IF NOT EXISTS ");
    if (dot) {
        b->nomem = b->nomem || sp_sql_name(&quoted, b->t->space) || sp_buf_adds(&quoted, ".");
    }
    b->nomem = b->nomem || sp_sql_name(&quoted, name) || sp_buf_add(&b->sql, quoted.data, quoted.len);
    sp_ddl_put(b, " START WITH %s");
    sp_ddl_add(b, SP_DDL_DEFAULTS, ask, "creating the sequence of column \"%s\"", c->name);
    sp_ddl_put(b, "ALTER TABLE ");
    sp_ddl_put_table(b);
    sp_ddl_put(b, " ALTER COLUMN ");
    sp_ddl_put_name(b, c->name);
    sp_ddl_put(b, " SET DEFAULT nextval(");
    b->nomem = b->nomem || sp_sql_literal(&b->sql, (sp_str){quoted.data, quoted.len});
    sp_ddl_put(b, ")");
    sp_buf_done(&quoted);
    sp_ddl_add(b, SP_DDL_DEFAULTS, NULL, "giving column \"%s\" its sequence", c->name);
}

void sp_ddl_add_numbering(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        if (!sp_ddl_is_copied(b, i) || (c->identity == SP_CAT_NO_IDENTITY && !c->auto_number))
            continue;
        if (b->d->dialect == SP_SQL_DUCKDB && b->d->keys == SP_DDL_KEYS_INSIDE)
            sp_ddl_note(b, "table \"%s\": the numbering of column \"%s\"", b->schema->table, c->name);
        else if (b->d->dialect == SP_SQL_DUCKDB)
            add_duck_sequence(b, c);
        if (b->d->dialect != SP_SQL_POSTGRES)
            continue;
        if (c->sequence && c->identity == SP_CAT_NO_IDENTITY && c->sequence->owned)
            add_owner(b, c);
        add_setval(b, c);
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
    if (n && !can)
        sp_ddl_note(b, "table \"%s\": %u comments", b->schema->table, n);
}
