/* ddl_types.c - what is made before the tables, for it may be shared by several: schemas, types with names, sequences. */
#include "endpoint/ddl_build.h"

static const sp_cat_type *enum_of(const sp_cat_column *c)
{
    const sp_cat_type *type = c->type.class == SP_CAT_LIST ? c->type.item : &c->type;
    return type->class == SP_CAT_ENUM ? type : NULL;
}

static bool was_said(const sp_ddl_builder *b, const char *sql, size_t len)
{
    for (uint32_t i = 0; i < b->d->n; i++)
        if (strlen(b->d->statements[i].sql) == len && memcmp(b->d->statements[i].sql, sql, len) == 0)
            return true;
    return false;
}

/* Several tables may share what is made. */
static void add_once(sp_ddl_builder *b, const char *what)
{
    if (b->nomem || was_said(b, b->sql.data, b->sql.len))
        b->sql.len = 0;
    else
        sp_ddl_add(b, SP_DDL_TABLES, NULL, "%s", what);
}

/* PostgreSQL asks for the right to make schemas even where there is nothing to make. */
static void add_space(sp_ddl_builder *b, const char *space)
{
    bool asks = b->d->dialect == SP_SQL_POSTGRES;
    if (asks) {
        sp_ddl_put(b, "DO $spate$ BEGIN IF to_regnamespace(quote_ident(");
        b->nomem = b->nomem || sp_sql_literal(&b->sql, sp_str_of(space));
        sp_ddl_put(b, ")) IS NULL THEN CREATE SCHEMA ");
    } else {
        sp_ddl_put(b, "CREATE SCHEMA IF NOT EXISTS ");
    }
    sp_ddl_put_name(b, space);
    sp_ddl_put(b, asks ? "; END IF; END $spate$" : "");
    add_once(b, "creating the schema");
}

void sp_ddl_add_schema(sp_ddl_builder *b)
{
    if (b->d->dialect == SP_SQL_SQLITE || !*b->t->space || strcmp(b->t->space, b->c->default_space) == 0)
        return;
    add_space(b, b->t->space);
}

void sp_ddl_add_space_of_name(sp_ddl_builder *b)
{
    const char *name = b->schema->table, *dot = strchr(name, '.');
    char *space = dot && b->d->dialect == SP_SQL_POSTGRES
                      ? sp_arena_strndup(b->d->arena, name, (size_t)(dot - name))
                      : NULL;
    if (space)
        add_space(b, space);
}

/* PostgreSQL's: another table's copy may have made it before. */
static void add_shared_type(sp_ddl_builder *b)
{
    sp_buf made = b->sql;
    b->sql = (sp_buf){0};
    sp_ddl_put(b, "DO $spate$ BEGIN ");
    b->nomem = b->nomem || sp_buf_add(&b->sql, made.data, made.len);
    sp_ddl_put(b, "; EXCEPTION WHEN duplicate_object THEN NULL; END $spate$");
    sp_buf_done(&made);
    add_once(b, "creating the type");
}

static void add_enum(sp_ddl_builder *b, const sp_cat_type *type)
{
    sp_ddl_put(b, "CREATE TYPE ");
    const char *name = sp_ddl_local_type(b, type->spelled);
    b->nomem = b->nomem || sp_buf_add(&b->sql, name, strcspn(name, "["));
    sp_ddl_put(b, " AS ENUM (");
    for (uint32_t i = 0; i < type->n_labels; i++) {
        sp_ddl_put(b, i ? ", " : "");
        b->nomem = b->nomem || sp_sql_literal(&b->sql, type->labels[i]);
    }
    sp_ddl_put(b, ")");
    add_shared_type(b);
}

/* NOT NULL and a default have come to the column. */
static void add_domain(sp_ddl_builder *b, uint32_t column)
{
    const sp_cat_column *c = &b->t->columns[column];
    sp_ddl_put(b, "CREATE DOMAIN ");
    sp_ddl_put(b, sp_ddl_local_type(b, c->type.domain));
    sp_ddl_put(b, " AS ");
    sp_ddl_put(b, sp_ddl_local_type(b, c->type.spelled));
    for (uint32_t i = 0; i < b->t->n_checks; i++) {
        if (b->t->checks[i].column != (int32_t)column)
            continue;
        size_t len = b->sql.len;
        sp_ddl_put(b, " ");
        sp_ddl_put_constraint_name(b, b->t->checks[i].name);
        sp_ddl_put(b, "CHECK (");
        if (sp_ddl_put_expr(b, b->t->checks[i].sql, NULL)) {
            sp_ddl_put(b, ")");
        } else {
            b->sql.len = len;
            sp_ddl_note(b, "the check (%.200s) of the domain %s", b->t->checks[i].sql, c->type.domain);
        }
    }
    add_shared_type(b);
}

void sp_ddl_add_column_types(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->schema->n_fields; i++) {
        const sp_field *f = &b->schema->fields[i];
        const sp_cat_column *c = sp_ddl_column_of(b, f->name);
        bool again = sp_ddl_is_said_again(b, f, c);
        if (again && enum_of(c) && b->d->dialect == SP_SQL_POSTGRES)
            add_enum(b, enum_of(c));
        if (again && c->type.domain)
            add_domain(b, (uint32_t)(c - b->t->columns));
        if (again || f->cast || !f->n_labels)
            continue;
        b->nomem = b->nomem || sp_sql_create_types(&b->sql, b->d->dialect,
                                                   &(sp_schema){.table = b->schema->table, .fields = f, .n_fields = 1});
        b->sql.len -= b->sql.len >= 2 ? 2 : 0; /* ";\n" */
        if (b->sql.len)
            sp_ddl_add(b, SP_DDL_TABLES, NULL, "creating the type of column \"%s\"", f->name);
    }
}

const sp_cat_sequence *sp_ddl_sequence_of(sp_ddl_builder *b, const sp_cat_column *c)
{
    int at = sp_schema_find(b->schema, c->name);
    const sp_field *f = at < 0 ? NULL : &b->schema->fields[at];
    bool anew = b->d->dialect == SP_SQL_POSTGRES && !b->same && f && sp_ddl_is_numbered(b, c);
    bool beyond = anew && !f->cast && f->type.kind == SP_U64, empty = anew && f->nullable && !(c->sequence && c->sequence->name);
    if ((!beyond && !empty) || b->nomem)
        return c->sequence;
    const char *dot = strrchr(b->schema->table, '.');
    sp_cat_sequence *made = sp_arena_alloc(b->d->arena, 1, sizeof(*made));
    const char *name = sp_arena_printf(b->d->arena, "%.29s_%.29s_seq", dot ? dot + 1 : b->schema->table, c->name);
    b->nomem = !made || !name;
    if (b->nomem)
        return NULL;
    *made =
        c->sequence ? *c->sequence : (sp_cat_sequence){.start = 1, .step = 1, .min = 1, .max = INT64_MAX, .cache = 1};
    made->space = b->t->space;
    made->name = name;
    made->type = "bigint";
    made->owned = true;
    return made;
}

void sp_ddl_put_sequence_options(sp_ddl_builder *b, const sp_cat_sequence *s)
{
    sp_ddl_put_number(b, " INCREMENT BY ", s->step);
    sp_ddl_put_number(b, " MINVALUE ", s->min);
    sp_ddl_put_number(b, " MAXVALUE ", s->max);
    sp_ddl_put_number(b, " START WITH ", s->start);
    sp_ddl_put_number(b, " CACHE ", s->cache);
    sp_ddl_put(b, s->cycles ? " CYCLE" : " NO CYCLE");
}

void sp_ddl_add_sequences(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        const sp_cat_sequence *s = sp_ddl_sequence_of(b, c);
        if (!s || !s->name || (c->identity != SP_CAT_NO_IDENTITY && s == c->sequence) || !sp_ddl_is_copied(b, i) ||
            b->d->dialect != SP_SQL_POSTGRES)
            continue;
        sp_ddl_put(b, "CREATE SEQUENCE IF NOT EXISTS ");
        sp_ddl_put_place(b, s->space, s->name);
        sp_ddl_put(b, " AS ");
        sp_ddl_put(b, s->type);
        sp_ddl_put_sequence_options(b, s);
        add_once(b, "creating the sequence");
    }
}
