/* ddl.c - see ddl.h.
 *
 * A table's statements are built one behind the other and sorted by step at the end, so that everything about a table stands together
 * here. Names of types, sequences and tables lose the source's default schema, as the tables' own names do. */
#include "endpoint/ddl.h"

#include <stdio.h>

typedef struct builder {
    sp_ddl *d;
    const sp_schema *const *tables;
    uint32_t n_tables;
    const sp_catalog *c;    /* NULL: schemas only */
    bool same;              /* the catalog's dialect is the target's */
    const sp_schema *schema;
    const sp_cat_table *t;  /* of the schema, or NULL */
    uint32_t number;
    bool whole;             /* every column that can be written is copied */
    sp_buf sql;
    bool nomem;
} builder;

/* ---- statements and notes ---------------------------------------------------------------------- */

static void *grow(sp_arena *arena, void *items, uint32_t n, uint32_t *cap, size_t bytes)
{
    if (n < *cap)
        return items;
    uint32_t more = *cap ? *cap * 2 : 16;
    void *grown = sp_arena_alloc(arena, more, bytes);
    if (grown && n)
        memcpy(grown, items, n * bytes);
    *cap = grown ? more : *cap;
    return grown;
}

/* Keeps what the buffer holds as a statement, and empties it. */
static void add(builder *b, sp_ddl_step step, const char *ask, const char *fmt, ...) SP_PRINTF(4, 5);
static void add(builder *b, sp_ddl_step step, const char *ask, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    sp_ddl *d = b->d;
    sp_ddl_statement *grown = grow(d->arena, d->statements, d->n, &d->cap, sizeof(*grown));
    sp_ddl_statement made = {step, b->number, sp_arena_strndup(d->arena, b->sql.data ? b->sql.data : "", b->sql.len),
                             sp_arena_strndup(d->arena, what, strlen(what)), ask};
    b->sql.len = 0;
    b->nomem = b->nomem || !grown || !made.sql || !made.what;
    if (b->nomem)
        return;
    d->statements = grown;
    d->statements[d->n++] = made;
}

static void note(builder *b, const char *fmt, ...) SP_PRINTF(2, 3);
static void note(builder *b, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    sp_ddl *d = b->d;
    const char **grown = grow(d->arena, d->notes, d->n_notes, &d->cap_notes, sizeof(*grown));
    const char *kept = grown ? sp_arena_strndup(d->arena, line, strlen(line)) : NULL;
    b->nomem = b->nomem || !kept;
    if (!kept)
        return;
    d->notes = grown;
    d->notes[d->n_notes++] = kept;
}

static void put(builder *b, const char *text)
{
    b->nomem = b->nomem || sp_buf_adds(&b->sql, text);
}

static void put_name(builder *b, const char *name)
{
    b->nomem = b->nomem || sp_sql_name(&b->sql, name);
}

static void put_table(builder *b)
{
    b->nomem = b->nomem || sp_sql_ident(&b->sql, b->schema->table);
}

static void put_literal(builder *b, const char *text)
{
    b->nomem = b->nomem || sp_sql_literal(&b->sql, sp_str_of(text));
}

static void put_number(builder *b, const char *before, int64_t v)
{
    b->nomem = b->nomem || sp_buf_printf(&b->sql, "%s%lld", before, (long long)v);
}

/* A name in a schema, which is left out where it is the source's default. */
static void put_place(builder *b, const char *space, const char *name)
{
    if (*space && strcmp(space, b->c->default_space) != 0) {
        put_name(b, space);
        put(b, ".");
    }
    put_name(b, name);
}

/* The text of a type with a schema in front of it, without the default one. */
static const char *local_type(const builder *b, const char *spelled)
{
    size_t len = strlen(b->c->default_space);
    bool quoted = *spelled == '"' && strncmp(spelled + 1, b->c->default_space, len) == 0 && strncmp(spelled + 1 + len, "\".", 2) == 0;
    bool bare = len && strncmp(spelled, b->c->default_space, len) == 0 && spelled[len] == '.';
    return len && quoted ? spelled + len + 3 : bare ? spelled + len + 1 : spelled;
}

/* ---- columns ------------------------------------------------------------------------------------- */

static const sp_cat_column *column_of(const builder *b, const char *name)
{
    for (uint32_t i = 0; b->t && i < b->t->n_columns; i++)
        if (strcmp(b->t->columns[i].name, name) == 0)
            return &b->t->columns[i];
    return NULL;
}

static bool is_copied(const builder *b, uint32_t column)
{
    return sp_schema_find(b->schema, b->t->columns[column].name) >= 0;
}

/* Columns that are made stay there, but only with all the others. */
static bool will_be_there(const builder *b, uint32_t column)
{
    return is_copied(b, column) || (b->t->columns[column].generated_sql && b->whole);
}

static bool has_all(const builder *b, const uint32_t *columns, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!will_be_there(b, columns[i]))
            return false;
    return true;
}

static bool uses_missing(const builder *b, const char *sql)
{
    for (uint32_t i = 0; i < b->t->n_columns; i++)
        if (!will_be_there(b, i) && sp_ddl_mentions(sql, b->t->columns[i].name))
            return true;
    return false;
}

/* Appends the expression, or leaves the statement as it was. */
static bool put_expr(builder *b, const char *sql, const char *value)
{
    return !uses_missing(b, sql) && sp_ddl_expr(&b->sql, b->t, sql, b->c->dialect, b->d->dialect, value);
}

static const sp_cat_type *enum_of(const sp_cat_column *c)
{
    const sp_cat_type *type = c->type.class == SP_CAT_LIST ? c->type.item : &c->type;
    return type->class == SP_CAT_ENUM ? type : NULL;
}

/* Its type can be said as the source says it. */
static bool is_said_again(const builder *b, const sp_field *f, const sp_cat_column *c)
{
    if (!b->same || !c || f->cast)
        return false;
    const sp_cat_type *type = c->type.class == SP_CAT_LIST ? c->type.item : &c->type;
    return type->class != SP_CAT_OTHER || b->c->loose;
}

static void put_type(builder *b, uint32_t field)
{
    const sp_field *f = &b->schema->fields[field];
    const sp_cat_column *c = column_of(b, f->name);
    if (is_said_again(b, f, c)) {
        put(b, local_type(b, c->type.domain ? c->type.domain : c->type.spelled));
        return;
    }
    b->nomem = b->nomem || sp_sql_type(&b->sql, b->d->dialect, b->schema, field);
    if (b->same && c && !f->cast)
        note(b, "table \"%s\": the type %s of column \"%s\": it becomes text", b->schema->table, c->type.spelled, f->name);
}

static bool is_key(const builder *b, uint32_t field)
{
    for (uint32_t i = 0; i < b->schema->n_primary_key; i++)
        if (b->schema->primary_key[i] == field)
            return true;
    return false;
}

static void put_sequence_options(builder *b, const sp_cat_sequence *s)
{
    put_number(b, " INCREMENT BY ", s->step);
    put_number(b, " MINVALUE ", s->min);
    put_number(b, " MAXVALUE ", s->max);
    put_number(b, " START WITH ", s->start);
    put_number(b, " CACHE ", s->cache);
    put(b, s->cycles ? " CYCLE" : " NO CYCLE");
}

/* Numbered by the server: in PostgreSQL by an identity or a sequence; SQLite's whole primary key of integers needs no word for it;
 * DuckDB gets its sequence later. */
static bool put_numbering(builder *b, const sp_cat_column *c, uint32_t field)
{
    bool numbered = c->identity != SP_CAT_NO_IDENTITY || c->auto_number;
    if (!numbered || b->d->dialect == SP_SQL_DUCKDB)
        return numbered;
    if (b->d->dialect == SP_SQL_SQLITE) {
        if (!(b->schema->n_primary_key == 1 && is_key(b, field)))
            note(b, "table \"%s\": the numbering of column \"%s\"", b->schema->table, c->name);
        return true;
    }
    if (c->identity == SP_CAT_NO_IDENTITY && c->sequence) {
        sp_buf name = {0};
        put(b, " DEFAULT nextval(");
        bool elsewhere = *c->sequence->space && strcmp(c->sequence->space, b->c->default_space) != 0;
        b->nomem = b->nomem || (elsewhere && (sp_sql_name(&name, c->sequence->space) || sp_buf_adds(&name, "."))) ||
                   sp_sql_name(&name, c->sequence->name) || sp_sql_literal(&b->sql, (sp_str){name.data, name.len});
        sp_buf_done(&name);
        put(b, "::regclass)");
        return true;
    }
    put(b, c->identity == SP_CAT_ALWAYS ? " GENERATED ALWAYS AS IDENTITY" : " GENERATED BY DEFAULT AS IDENTITY");
    if (c->sequence) {
        put(b, " (");
        put_sequence_options(b, c->sequence);
        put(b, ")");
    }
    return true;
}

/* Where types are hints, a constant may be none of its column's; lists and bytes are written otherwise everywhere. */
static bool suits(const builder *b, const sp_field *f, const char *value, size_t len)
{
    if (!b->same && (f->type.kind == SP_LIST || f->type.kind == SP_BYTES))
        return false;
    if (b->same || f->type.kind == SP_TEXT || !(len && strchr("'-0123456789", *value)))
        return true;
    sp_column column;
    bool quoted = *value == '\'';
    bool ok = sp_column_init(&column, f->type, 1, NULL) == SPATE_OK &&
              sp_cell_read(&column, 0, (sp_str){value + quoted, len - 2 * quoted}) == SPATE_OK;
    sp_column_done(&column);
    return ok;
}

static void put_default(builder *b, const sp_cat_column *c, uint32_t field)
{
    const sp_field *f = &b->schema->fields[field];
    if (!c || put_numbering(b, c, field) || !c->default_sql || sp_str_ieq(sp_str_of(c->default_sql), "null"))
        return;
    size_t len = b->sql.len;
    put(b, " DEFAULT ");
    size_t at = b->sql.len;
    bool said = sp_ddl_default(&b->sql, c->default_sql, b->c->dialect, b->d->dialect);
    if (said && b->d->dialect == SP_SQL_SQLITE && !b->same && b->sql.len > at && b->sql.data[at] != 'C') {
        sp_buf made = {0}; /* what is no constant stands in parentheses there */
        b->nomem = b->nomem || sp_buf_add(&made, b->sql.data + at, b->sql.len - at);
        said = suits(b, f, made.data, made.len);
        b->sql.len = said ? at : len;
        b->nomem = b->nomem || (said && (sp_buf_adds(&b->sql, "(") || sp_buf_add(&b->sql, made.data, made.len) || sp_buf_adds(&b->sql, ")")));
        sp_buf_done(&made);
        if (!said)
            note(b, "table \"%s\": the default %.100s of column \"%s\"", b->schema->table, c->default_sql, c->name);
    } else if (said && f->type.kind == SP_BOOL && !b->same && b->sql.len == at + 1 && strchr("01", b->sql.data[at])) {
        bool one = b->sql.data[at] == '1';
        b->sql.len = at;
        put(b, one ? "true" : "false");
    } else if (!said || !suits(b, f, b->sql.data + at, b->sql.len - at)) {
        b->sql.len = len;
        note(b, "table \"%s\": the default %.100s of column \"%s\"", b->schema->table, c->default_sql, c->name);
    }
}

static void put_labels_check(builder *b, const sp_field *f)
{
    put(b, " CHECK (");
    put_name(b, f->name);
    put(b, " IN (");
    for (uint32_t i = 0; i < f->n_labels; i++) {
        put(b, i ? ", " : "");
        b->nomem = b->nomem || sp_sql_literal(&b->sql, f->labels[i]);
    }
    put(b, "))");
}

static void put_column(builder *b, uint32_t field)
{
    const sp_field *f = &b->schema->fields[field];
    const sp_cat_column *c = column_of(b, f->name);
    put_name(b, f->name);
    put(b, " ");
    put_type(b, field);
    if (b->same && c && c->collation) {
        put(b, " COLLATE ");
        put(b, c->collation);
    } else if (c && c->collation && b->c->dialect >= 0) {
        note(b, "table \"%s\": the collation %s of column \"%s\"", b->schema->table, c->collation, f->name);
    }
    put_default(b, c, field);
    if (!f->nullable || is_key(b, field) || (c && c->not_null))
        put(b, " NOT NULL");
    if (f->n_labels && b->d->dialect == SP_SQL_SQLITE && !is_said_again(b, f, c))
        put_labels_check(b, f);
}

/* A column that the target makes itself; where it cannot, there is none. */
static bool put_generated(builder *b, const sp_cat_column *c)
{
    size_t len = b->sql.len;
    put_name(b, c->name);
    put(b, " ");
    sp_field f = {.name = c->name, .type = {.kind = SP_TEXT}};
    bool typed = b->same || c->type.class == SP_CAT_INTEGER || c->type.class == SP_CAT_TEXT || c->type.class == SP_CAT_BOOL;
    if (b->same)
        put(b, local_type(b, c->type.spelled));
    else {
        f.type.kind = c->type.class == SP_CAT_TEXT ? SP_TEXT : c->type.class == SP_CAT_BOOL ? SP_BOOL : SP_I64;
        b->nomem = b->nomem || sp_sql_type(&b->sql, b->d->dialect, &(sp_schema){.table = b->schema->table, .fields = &f, .n_fields = 1}, 0);
    }
    put(b, " GENERATED ALWAYS AS (");
    if (typed && b->whole && put_expr(b, c->generated_sql, NULL)) {
        put(b, b->d->dialect == SP_SQL_DUCKDB ? ") VIRTUAL" : ") STORED");
        return true;
    }
    b->sql.len = len;
    note(b, "table \"%s\": the generated column \"%s\"", b->schema->table, c->name);
    return false;
}

/* ---- keys and checks -------------------------------------------------------------------------------- */

static void put_columns(builder *b, const uint32_t *columns, uint32_t n)
{
    put(b, " (");
    for (uint32_t i = 0; i < n; i++) {
        put(b, i ? ", " : "");
        put_name(b, b->t->columns[columns[i]].name);
    }
    put(b, ")");
}

static void put_constraint_name(builder *b, const char *name)
{
    if (!*name)
        return;
    put(b, "CONSTRAINT ");
    put_name(b, name);
    put(b, " ");
}

/* Only of columns, for all rows: what any dialect can say. */
static bool is_plain_key(const sp_cat_key *key)
{
    return !key->computed && !key->where;
}

static void put_key_inside(builder *b, const sp_cat_key *key)
{
    put(b, ",\n  ");
    put_constraint_name(b, b->same ? key->name : "");
    put(b, key->primary ? "PRIMARY KEY" : "UNIQUE");
    put_columns(b, key->columns, key->n);
}

static const sp_schema *parent_schema(const builder *b, const sp_cat_foreign_key *f)
{
    const char *name = f->parent_table >= 0 ? b->c->tables[f->parent_table].shown : NULL;
    for (uint32_t i = 0; name && i < b->n_tables; i++)
        if (strcmp(b->tables[i]->table, name) == 0)
            return b->tables[i];
    return NULL;
}

static bool can_refer(builder *b, const sp_cat_foreign_key *f)
{
    const sp_schema *parent = parent_schema(b, f);
    bool ok = parent && has_all(b, f->columns, f->n);
    for (uint32_t i = 0; ok && i < f->n; i++)
        ok = sp_schema_find(parent, b->c->tables[f->parent_table].columns[f->parent_columns[i]].name) >= 0;
    return ok;
}

static void put_foreign_key(builder *b, const sp_cat_foreign_key *f)
{
    const sp_cat_table *parent = &b->c->tables[f->parent_table];
    put_constraint_name(b, b->same ? f->name : "");
    put(b, "FOREIGN KEY");
    put_columns(b, f->columns, f->n);
    put(b, " REFERENCES ");
    b->nomem = b->nomem || sp_sql_ident(&b->sql, parent->shown);
    put(b, " (");
    for (uint32_t i = 0; i < f->n; i++) {
        put(b, i ? ", " : "");
        put_name(b, parent->columns[f->parent_columns[i]].name);
    }
    put(b, ")");
    const char *const actions[] = {f->on_delete, f->on_update};
    bool acts = f->on_delete || f->on_update;
    for (unsigned i = 0; i < SP_COUNT(actions) && b->d->dialect != SP_SQL_DUCKDB; i++)
        if (actions[i]) {
            put(b, i ? " ON UPDATE " : " ON DELETE ");
            put(b, actions[i]);
        }
    if (acts && b->d->dialect == SP_SQL_DUCKDB)
        note(b, "table \"%s\": what its foreign key to \"%s\" does when a row there goes or changes", b->schema->table, parent->shown);
    if (f->when && b->d->dialect != SP_SQL_DUCKDB) {
        put(b, " ");
        put(b, f->when);
    }
}

static void put_checks(builder *b)
{
    for (uint32_t i = 0; i < b->t->n_checks; i++) {
        const sp_cat_check *check = &b->t->checks[i];
        const char *value = check->column >= 0 ? b->t->columns[check->column].name : NULL;
        if (value && b->same && is_said_again(b, &(sp_field){0}, &b->t->columns[check->column]))
            continue; /* the domain has it */
        size_t len = b->sql.len;
        put(b, ",\n  ");
        put_constraint_name(b, b->same && !value ? check->name : "");
        put(b, "CHECK (");
        if (put_expr(b, check->sql, value)) {
            put(b, ")");
            continue;
        }
        b->sql.len = len;
        note(b, "table \"%s\": the check %s%s%.200s", b->schema->table, check->name, *check->name ? " " : "", check->sql);
    }
}

static void put_keys_inside(builder *b)
{
    for (uint32_t i = 0; i < b->t->n_keys; i++)
        if (b->t->keys[i].constraint && is_plain_key(&b->t->keys[i]) && has_all(b, b->t->keys[i].columns, b->t->keys[i].n))
            put_key_inside(b, &b->t->keys[i]);
    for (uint32_t i = 0; i < b->t->n_foreign_keys; i++)
        if (can_refer(b, &b->t->foreign_keys[i])) {
            put(b, ",\n  ");
            put_foreign_key(b, &b->t->foreign_keys[i]);
        }
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static bool is_whole(const builder *b)
{
    for (uint32_t i = 0; i < b->t->n_columns; i++)
        if (!b->t->columns[i].generated_sql && !is_copied(b, i))
            return false;
    return true;
}

/* The statement that made it in the source can make it here. */
static bool is_made_again(builder *b)
{
    bool can = b->same && b->d->dialect == SP_SQL_SQLITE && b->t->sql && b->whole;
    for (uint32_t i = 0; can && i < b->schema->n_fields; i++)
        can = !b->schema->fields[i].cast;
    for (uint32_t i = 0; can && i < b->t->n_foreign_keys; i++)
        can = parent_schema(b, &b->t->foreign_keys[i]) != NULL;
    return can;
}

static void add_table(builder *b)
{
    if (is_made_again(b)) {
        put(b, b->t->sql);
        add(b, SP_DDL_TABLES, NULL, "creating the table");
        return;
    }
    put(b, "CREATE TABLE ");
    put_table(b);
    put(b, " (\n  ");
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        int field = sp_schema_find(b->schema, c->name);
        size_t len = b->sql.len;
        if (field >= 0 || c->generated_sql)
            put(b, n ? ",\n  " : "");
        if (field >= 0)
            put_column(b, (uint32_t)field), n++;
        else if (c->generated_sql && put_generated(b, c))
            n++;
        else
            b->sql.len = len;
    }
    if (b->d->keys == SP_DDL_KEYS_INSIDE)
        put_keys_inside(b);
    put_checks(b);
    put(b, "\n)");
    add(b, SP_DDL_TABLES, NULL, "creating the table");
}

/* ---- types, schemas, sequences: before the tables ------------------------------------------------------------ */

static bool was_said(const builder *b, const char *sql, size_t len)
{
    for (uint32_t i = 0; i < b->d->n; i++)
        if (strlen(b->d->statements[i].sql) == len && memcmp(b->d->statements[i].sql, sql, len) == 0)
            return true;
    return false;
}

/* Several tables may share what is made. */
static void add_once(builder *b, const char *what)
{
    if (b->nomem || was_said(b, b->sql.data, b->sql.len))
        b->sql.len = 0;
    else
        add(b, SP_DDL_TABLES, NULL, "%s", what);
}

static void add_schema(builder *b)
{
    if (b->d->dialect == SP_SQL_SQLITE || !*b->t->space || strcmp(b->t->space, b->c->default_space) == 0)
        return;
    put(b, "CREATE SCHEMA IF NOT EXISTS ");
    put_name(b, b->t->space);
    add_once(b, "creating the schema");
}

/* PostgreSQL's: another table's copy may have made it before. */
static void add_shared_type(builder *b)
{
    sp_buf made = b->sql;
    b->sql = (sp_buf){0};
    put(b, "DO $spate$ BEGIN ");
    b->nomem = b->nomem || sp_buf_add(&b->sql, made.data, made.len);
    put(b, "; EXCEPTION WHEN duplicate_object THEN NULL; END $spate$");
    sp_buf_done(&made);
    add_once(b, "creating the type");
}

static void add_enum(builder *b, const sp_cat_type *type)
{
    put(b, "CREATE TYPE ");
    const char *name = local_type(b, type->spelled);
    b->nomem = b->nomem || sp_buf_add(&b->sql, name, strcspn(name, "["));
    put(b, " AS ENUM (");
    for (uint32_t i = 0; i < type->n_labels; i++) {
        put(b, i ? ", " : "");
        b->nomem = b->nomem || sp_sql_literal(&b->sql, type->labels[i]);
    }
    put(b, ")");
    add_shared_type(b);
}

/* NOT NULL and a default have come to the column. */
static void add_domain(builder *b, uint32_t column)
{
    const sp_cat_column *c = &b->t->columns[column];
    put(b, "CREATE DOMAIN ");
    put(b, local_type(b, c->type.domain));
    put(b, " AS ");
    put(b, local_type(b, c->type.spelled));
    for (uint32_t i = 0; i < b->t->n_checks; i++) {
        if (b->t->checks[i].column != (int32_t)column)
            continue;
        size_t len = b->sql.len;
        put(b, " ");
        put_constraint_name(b, b->t->checks[i].name);
        put(b, "CHECK (");
        if (put_expr(b, b->t->checks[i].sql, NULL)) {
            put(b, ")");
        } else {
            b->sql.len = len;
            note(b, "the check (%.200s) of the domain %s", b->t->checks[i].sql, c->type.domain);
        }
    }
    add_shared_type(b);
}

static void add_column_types(builder *b)
{
    for (uint32_t i = 0; i < b->schema->n_fields; i++) {
        const sp_field *f = &b->schema->fields[i];
        const sp_cat_column *c = column_of(b, f->name);
        bool again = is_said_again(b, f, c);
        if (again && enum_of(c) && b->d->dialect == SP_SQL_POSTGRES)
            add_enum(b, enum_of(c));
        if (again && c->type.domain)
            add_domain(b, (uint32_t)(c - b->t->columns));
        if (again || f->cast || !f->n_labels)
            continue;
        b->nomem = b->nomem || sp_sql_create_types(&b->sql, b->d->dialect, &(sp_schema){.table = b->schema->table, .fields = f, .n_fields = 1});
        b->sql.len -= b->sql.len >= 2 ? 2 : 0; /* ";\n" */
        if (b->sql.len)
            add(b, SP_DDL_TABLES, NULL, "creating the type of column \"%s\"", f->name);
    }
}

static void add_sequences(builder *b)
{
    for (uint32_t i = 0; i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        if (!c->sequence || c->identity != SP_CAT_NO_IDENTITY || !is_copied(b, i) || b->d->dialect != SP_SQL_POSTGRES)
            continue;
        put(b, "CREATE SEQUENCE IF NOT EXISTS ");
        put_place(b, c->sequence->space, c->sequence->name);
        put(b, " AS ");
        put(b, c->sequence->type);
        put_sequence_options(b, c->sequence);
        add_once(b, "creating the sequence");
    }
}

/* ---- after the rows ---------------------------------------------------------------------------------------------- */

/* CREATE [UNIQUE] INDEX name ON table: by the source's own words, or by columns. False: it cannot be said. */
static bool put_index(builder *b, bool unique, const char *name, const char *body, const char *const *columns, uint32_t n, const char *where)
{
    bool again = b->same && body;
    if ((!again && n == 0) || (where && !again && b->d->dialect == SP_SQL_DUCKDB) || (again && (uses_missing(b, body) || sp_ddl_calls_own(body))))
        return false;
    put(b, unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    put(b, b->d->dialect == SP_SQL_POSTGRES ? "" : "IF NOT EXISTS ");
    put_name(b, name);
    put(b, " ON ");
    put_table(b);
    put(b, " ");
    if (again) {
        put(b, body);
        return true;
    }
    put(b, "(");
    for (uint32_t i = 0; i < n; i++) {
        put(b, i ? ", " : "");
        put_name(b, columns[i]);
    }
    put(b, where ? ") WHERE " : ")");
    return !where || put_expr(b, where, NULL);
}

/* Of a key without a name, as PostgreSQL would call it. */
static const char *key_name(builder *b, const sp_cat_key *key)
{
    if (*key->name)
        return key->name;
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

static const char *const *names_of(builder *b, const sp_cat_key *key)
{
    const char **names = sp_arena_alloc(b->d->arena, key->n + 1, sizeof(*names));
    for (uint32_t i = 0; names && i < key->n; i++)
        names[i] = b->t->columns[key->columns[i]].name;
    b->nomem = b->nomem || !names;
    return names;
}

/* In PostgreSQL first an index, which several workers can build at once, then its name as a key. */
static void add_key(builder *b, const sp_cat_key *key)
{
    bool duck = b->d->dialect == SP_SQL_DUCKDB, plain = is_plain_key(key);
    if (!has_all(b, key->columns, key->n)) {
        note(b, "table \"%s\": the %s %s: not all its columns are copied", b->schema->table, key->primary ? "primary key" : "unique key", key->name);
        return;
    }
    if (duck && key->primary) {
        put(b, "ALTER TABLE ");
        put_table(b);
        put(b, " ADD PRIMARY KEY");
        put_columns(b, key->columns, key->n);
        add(b, SP_DDL_KEYS, NULL, "building the primary key");
        return;
    }
    const char *name = key_name(b, key);
    const char *const *names = names_of(b, key);
    if (b->nomem || !put_index(b, true, name, key->body, names, plain || key->where ? (key->computed ? 0 : key->n) : 0, key->where)) {
        b->sql.len = 0;
        note(b, "table \"%s\": the unique index \"%s\"", b->schema->table, name);
        return;
    }
    add(b, SP_DDL_INDEXES, NULL, "building index \"%s\"", name);
    if (!key->constraint || b->d->dialect != SP_SQL_POSTGRES)
        return;
    put(b, "ALTER TABLE ");
    put_table(b);
    put(b, " ADD ");
    put_constraint_name(b, name);
    put(b, key->primary ? "PRIMARY KEY USING INDEX " : "UNIQUE USING INDEX ");
    put_name(b, name);
    if (key->when) {
        put(b, " ");
        put(b, key->when);
    }
    add(b, SP_DDL_KEYS, NULL, "making key \"%s\"", name);
}

static void add_keys(builder *b)
{
    for (uint32_t i = 0; i < b->t->n_keys; i++) {
        const sp_cat_key *key = &b->t->keys[i];
        bool inside = b->d->keys == SP_DDL_KEYS_INSIDE && key->constraint && is_plain_key(key);
        if (!inside && b->d->keys != SP_DDL_KEYS_NONE && !(key->constraint && is_made_again(b)))
            add_key(b, key);
    }
}

static void add_indexes(builder *b)
{
    for (uint32_t i = 0; i < b->t->n_indexes; i++) {
        const sp_cat_index *index = &b->t->indexes[i];
        if (!index->body && b->same && !uses_missing(b, index->sql)) {
            put(b, "ALTER TABLE ");
            put_table(b);
            put(b, " ADD ");
            put_constraint_name(b, index->name);
            put(b, index->sql);
            add(b, SP_DDL_KEYS, NULL, "making constraint \"%s\"", index->name);
            continue;
        }
        bool there = true;
        for (uint32_t k = 0; k < index->n; k++)
            there = there && (sp_schema_find(b->schema, index->columns[k]) >= 0 || b->whole);
        if (there && index->body && put_index(b, false, index->name, index->body, index->columns, index->n, index->where)) {
            add(b, SP_DDL_INDEXES, NULL, "building index \"%s\"", index->name);
            continue;
        }
        b->sql.len = 0;
        note(b, "table \"%s\": the %s \"%s\"", b->schema->table, index->body ? "index" : "exclusion constraint", index->name);
    }
}

static void add_foreign_keys(builder *b)
{
    for (uint32_t i = 0; i < b->t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &b->t->foreign_keys[i];
        if (!can_refer(b, f)) {
            note(b, "table \"%s\": its foreign key to \"%s\", which is not copied with it", b->schema->table, f->parent);
            continue;
        }
        if (b->d->keys != SP_DDL_KEYS_AFTER)
            continue;
        if (b->d->dialect == SP_SQL_DUCKDB) {
            note(b, "table \"%s\": its foreign key to \"%s\", which is checked, and a comment; ?keys=all makes it one", b->schema->table, f->parent);
            continue;
        }
        put(b, "ALTER TABLE ");
        put_table(b);
        put(b, " ADD ");
        put_foreign_key(b, f);
        add(b, SP_DDL_FOREIGN_KEYS, NULL, "adding its foreign key to \"%s\"", f->parent);
    }
}

/* ---- sequences and comments, at the end ------------------------------------------------------------------------------ */

/* setval behind the last value given out and the largest that is there, whatever was larger than the sequence goes. */
static void add_setval(builder *b, const sp_cat_column *c)
{
    const sp_cat_sequence *s = c->sequence;
    bool identity = c->identity != SP_CAT_NO_IDENTITY || !s, up = !s || s->step > 0;
    sp_buf name = {0};
    put(b, "SELECT pg_catalog.setval(");
    if (identity) {
        b->nomem = b->nomem || sp_sql_ident(&name, b->schema->table);
        put(b, "pg_catalog.pg_get_serial_sequence(");
        b->nomem = b->nomem || sp_sql_literal(&b->sql, (sp_str){name.data, name.len});
        put(b, ", ");
        put_literal(b, c->name);
        put(b, ")");
    } else {
        bool elsewhere = *s->space && strcmp(s->space, b->c->default_space) != 0;
        b->nomem = b->nomem || (elsewhere && (sp_sql_name(&name, s->space) || sp_buf_adds(&name, "."))) || sp_sql_name(&name, s->name) ||
                   sp_sql_literal(&b->sql, (sp_str){name.data, name.len});
    }
    sp_buf_done(&name);
    put(b, up ? ", COALESCE(GREATEST(m, " : ", COALESCE(LEAST(m, ");
    if (s && s->called)
        put_number(b, "", s->last);
    else
        put(b, "NULL");
    put_number(b, "), ", s ? s->start : 1);
    put(b, s && s->called ? "), true" : "), m IS NOT NULL");
    put(b, up ? ") FROM (SELECT max(" : ") FROM (SELECT min(");
    put_name(b, c->name);
    put(b, ")::bigint FROM ");
    put_table(b);
    put(b, " WHERE ");
    put_name(b, c->name);
    put_number(b, " BETWEEN ", s ? s->min : 1);
    put_number(b, " AND ", s ? s->max : INT64_MAX);
    put(b, ") AS r (m)");
    add(b, SP_DDL_END, NULL, "setting the sequence of column \"%s\"", c->name);
}

static void add_owner(builder *b, const sp_cat_column *c)
{
    put(b, "ALTER SEQUENCE ");
    put_place(b, c->sequence->space, c->sequence->name);
    put(b, " OWNED BY ");
    put_table(b);
    put(b, ".");
    put_name(b, c->name);
    add(b, SP_DDL_END, NULL, "giving column \"%s\" its sequence", c->name);
}

/* DuckDB's sequences cannot be set: it begins where the rows end. Its default cannot be set either once there is an index. */
static void add_duck_sequence(builder *b, const sp_cat_column *c)
{
    const char *dot = strrchr(b->schema->table, '.');
    const char *name = sp_arena_printf(b->d->arena, "%s_%s_seq", dot ? dot + 1 : b->schema->table, c->name);
    put(b, "SELECT greatest(coalesce(max(");
    put_name(b, c->name);
    put(b, "), 0)");
    put_number(b, ", ", c->sequence && c->sequence->called ? c->sequence->last : 0);
    put(b, ") + 1 FROM ");
    put_table(b);
    const char *ask = sp_arena_strndup(b->d->arena, b->sql.data ? b->sql.data : "", b->sql.len);
    b->sql.len = 0;
    b->nomem = b->nomem || !name || !ask;
    if (b->nomem)
        return;
    sp_buf quoted = {0};
    put(b, "CREATE SEQUENCE IF NOT EXISTS ");
    if (dot) {
        b->nomem = b->nomem || sp_sql_name(&quoted, b->t->space) || sp_buf_adds(&quoted, ".");
    }
    b->nomem = b->nomem || sp_sql_name(&quoted, name) || sp_buf_add(&b->sql, quoted.data, quoted.len);
    put(b, " START WITH %s");
    add(b, SP_DDL_DEFAULTS, ask, "creating the sequence of column \"%s\"", c->name);
    put(b, "ALTER TABLE ");
    put_table(b);
    put(b, " ALTER COLUMN ");
    put_name(b, c->name);
    put(b, " SET DEFAULT nextval(");
    b->nomem = b->nomem || sp_sql_literal(&b->sql, (sp_str){quoted.data, quoted.len});
    put(b, ")");
    sp_buf_done(&quoted);
    add(b, SP_DDL_DEFAULTS, NULL, "giving column \"%s\" its sequence", c->name);
}

static void add_numbering(builder *b)
{
    for (uint32_t i = 0; i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        if (!is_copied(b, i) || (c->identity == SP_CAT_NO_IDENTITY && !c->auto_number))
            continue;
        if (b->d->dialect == SP_SQL_DUCKDB && b->d->keys == SP_DDL_KEYS_INSIDE)
            note(b, "table \"%s\": the numbering of column \"%s\"", b->schema->table, c->name);
        else if (b->d->dialect == SP_SQL_DUCKDB)
            add_duck_sequence(b, c);
        if (b->d->dialect != SP_SQL_POSTGRES)
            continue;
        if (c->sequence && c->identity == SP_CAT_NO_IDENTITY && c->sequence->owned)
            add_owner(b, c);
        add_setval(b, c);
    }
}

static void add_comment(builder *b, const char *comment, const char *column)
{
    put(b, column ? "COMMENT ON COLUMN " : "COMMENT ON TABLE ");
    put_table(b);
    if (column) {
        put(b, ".");
        put_name(b, column);
    }
    put(b, " IS ");
    put_literal(b, comment);
    add(b, SP_DDL_END, NULL, "writing a comment");
}

static void add_comments(builder *b)
{
    unsigned n = b->t->comment != NULL;
    bool can = b->d->dialect == SP_SQL_POSTGRES || b->d->dialect == SP_SQL_DUCKDB;
    if (b->t->comment && can)
        add_comment(b, b->t->comment, NULL);
    for (uint32_t i = 0; i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        n += c->comment && is_copied(b, i);
        if (c->comment && is_copied(b, i) && can)
            add_comment(b, c->comment, c->name);
    }
    if (n && !can)
        note(b, "table \"%s\": %u comments", b->schema->table, n);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

static void build_table(builder *b)
{
    add_schema(b);
    add_column_types(b);
    add_sequences(b);
    add_table(b);
    add_numbering(b);
    add_keys(b);
    if (b->d->keys != SP_DDL_KEYS_NONE)
        add_indexes(b);
    add_foreign_keys(b);
    add_comments(b);
    for (uint32_t i = 0; i < b->c->n_others; i++)
        if (b->c->others[i].table == (int32_t)(b->t - b->c->tables))
            note(b, "table \"%s\": %s", b->schema->table, b->c->others[i].what);
}

/* What codec/sql.c makes of a schema: statements of their own, each ended by ";\n". */
static void add_words(builder *b, sp_ddl_step step, int built, const char *what)
{
    b->nomem = b->nomem || built;
    b->sql.len -= b->sql.len >= 2 ? 2 : 0;
    if (b->sql.len)
        add(b, step, NULL, "%s", what);
}

static void build_from_schema(builder *b)
{
    sp_sql_dialect dialect = b->d->dialect;
    const sp_schema *s = b->schema;
    bool inside = b->d->keys == SP_DDL_KEYS_INSIDE;
    add_words(b, SP_DDL_TABLES, sp_sql_create_types(&b->sql, dialect, s), "creating its types");
    add_words(b, SP_DDL_TABLES, sp_sql_create_table(&b->sql, dialect, s, inside), "creating the table");
    if (b->d->keys != SP_DDL_KEYS_AFTER)
        return;
    if (dialect == SP_SQL_DUCKDB) { /* where a key has to come before any index */
        sp_schema primary = *s, uniques = *s;
        primary.n_uniques = uniques.n_primary_key = 0;
        add_words(b, SP_DDL_KEYS, sp_sql_add_keys(&b->sql, dialect, &primary), "building its primary key");
        add_words(b, SP_DDL_INDEXES, sp_sql_add_keys(&b->sql, dialect, &uniques), "building its unique keys");
    } else {
        add_words(b, SP_DDL_KEYS, sp_sql_add_keys(&b->sql, dialect, s), "building its keys");
    }
    for (uint32_t i = 0; i < s->n_foreign_keys; i++) {
        sp_schema one = *s;
        one.foreign_keys = &s->foreign_keys[i];
        one.n_foreign_keys = 1;
        char what[200];
        snprintf(what, sizeof(what), "adding its foreign key to \"%.100s\"", s->foreign_keys[i].parent);
        add_words(b, SP_DDL_FOREIGN_KEYS, sp_sql_add_foreign_keys(&b->sql, dialect, &one), what);
    }
}

static const sp_cat_table *table_of(const sp_catalog *c, const char *shown)
{
    for (uint32_t i = 0; c && i < c->n_tables; i++)
        if (strcmp(c->tables[i].shown, shown) == 0)
            return &c->tables[i];
    return NULL;
}

/* Stable: within a step in the order of the tables. */
static void sort_by_step(sp_ddl *d, sp_ddl_statement *sorted)
{
    uint32_t n = 0;
    for (sp_ddl_step step = SP_DDL_TABLES; step <= SP_DDL_END; step++)
        for (uint32_t i = 0; i < d->n; i++)
            if (d->statements[i].step == step)
                sorted[n++] = d->statements[i];
    d->statements = sorted;
}

int sp_ddl_build(sp_ddl *d, sp_arena *arena, sp_sql_dialect dialect, sp_ddl_keys keys, const sp_schema *const *tables, uint32_t n,
                 const sp_catalog *catalog, spate_error *err)
{
    *d = (sp_ddl){.arena = arena, .dialect = dialect, .keys = keys};
    builder b = {.d = d, .tables = tables, .n_tables = n, .c = catalog, .same = catalog && catalog->dialect == (int)dialect};
    bool all = catalog != NULL;
    for (b.number = 0; b.number < n && !b.nomem; b.number++) {
        b.schema = tables[b.number];
        b.t = table_of(catalog, b.schema->table);
        all = all && b.t;
        b.whole = b.t && is_whole(&b);
        if (b.t)
            build_table(&b);
        else
            build_from_schema(&b);
    }
    for (uint32_t i = 0; all && n == catalog->n_tables && i < catalog->n_others; i++)
        if (catalog->others[i].table < 0)
            note(&b, "%s", catalog->others[i].what);
    sp_ddl_statement *sorted = sp_arena_alloc(arena, d->n + 1, sizeof(*sorted));
    sp_buf_done(&b.sql);
    if (b.nomem || !sorted)
        return sp_fail_nomem(err);
    sort_by_step(d, sorted);
    return SPATE_OK;
}

int sp_ddl_script(const sp_ddl *d, sp_ddl_step step, uint32_t first, uint32_t last, sp_buf *out)
{
    int built = SPATE_OK;
    for (uint32_t i = 0; i < d->n && !built; i++)
        if (d->statements[i].step == step && d->statements[i].table >= first && d->statements[i].table < last)
            built = sp_buf_adds(out, d->statements[i].sql) || sp_buf_adds(out, ";\n");
    return built ? SPATE_E_NOMEM : SPATE_OK;
}
