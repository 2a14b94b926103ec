/* ddl_words.c - statements and notes kept, names written, and what of a table is copied. */
#include "endpoint/ddl_build.h"

#include <stdio.h>

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
void sp_ddl_add(sp_ddl_builder *b, sp_ddl_step step, const char *ask, const char *fmt, ...)
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

void sp_ddl_note(sp_ddl_builder *b, const char *fmt, ...)
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

void sp_ddl_put(sp_ddl_builder *b, const char *text)
{
    b->nomem = b->nomem || sp_buf_adds(&b->sql, text);
}

void sp_ddl_put_name(sp_ddl_builder *b, const char *name)
{
    b->nomem = b->nomem || sp_sql_name(&b->sql, name);
}

void sp_ddl_put_table(sp_ddl_builder *b)
{
    b->nomem = b->nomem || sp_sql_ident(&b->sql, b->schema->table);
}

void sp_ddl_put_literal(sp_ddl_builder *b, const char *text)
{
    b->nomem = b->nomem || sp_sql_literal(&b->sql, sp_str_of(text));
}

void sp_ddl_put_number(sp_ddl_builder *b, const char *before, int64_t v)
{
    b->nomem = b->nomem || sp_buf_printf(&b->sql, "%s%lld", before, (long long)v);
}

/* A name in a schema, which is left out where it is the source's default. */
void sp_ddl_put_place(sp_ddl_builder *b, const char *space, const char *name)
{
    if (*space && strcmp(space, b->c->default_space) != 0) {
        sp_ddl_put_name(b, space);
        sp_ddl_put(b, ".");
    }
    sp_ddl_put_name(b, name);
}

/* The text of a type with a schema in front of it, without the default one. */
const char *sp_ddl_local_type(const sp_ddl_builder *b, const char *spelled)
{
    size_t len = strlen(b->c->default_space);
    bool quoted = *spelled == '"' && strncmp(spelled + 1, b->c->default_space, len) == 0 && strncmp(spelled + 1 + len, "\".", 2) == 0;
    bool bare = len && strncmp(spelled, b->c->default_space, len) == 0 && spelled[len] == '.';
    return len && quoted ? spelled + len + 3 : bare ? spelled + len + 1 : spelled;
}

/* ---- columns ------------------------------------------------------------------------------------- */

const sp_cat_column *sp_ddl_column_of(const sp_ddl_builder *b, const char *name)
{
    for (uint32_t i = 0; b->t && i < b->t->n_columns; i++)
        if (strcmp(b->t->columns[i].name, name) == 0)
            return &b->t->columns[i];
    return NULL;
}

bool sp_ddl_is_copied(const sp_ddl_builder *b, uint32_t column)
{
    return sp_schema_find(b->schema, b->t->columns[column].name) >= 0;
}

/* Columns that are made stay there, but only with all the others. */
static bool will_be_there(const sp_ddl_builder *b, uint32_t column)
{
    return sp_ddl_is_copied(b, column) || (b->t->columns[column].generated_sql && b->whole);
}

bool sp_ddl_has_all(const sp_ddl_builder *b, const uint32_t *columns, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!will_be_there(b, columns[i]))
            return false;
    return true;
}

bool sp_ddl_uses_missing(const sp_ddl_builder *b, const char *sql)
{
    for (uint32_t i = 0; i < b->t->n_columns; i++)
        if (!will_be_there(b, i) && sp_ddl_mentions(sql, b->t->columns[i].name))
            return true;
    return false;
}

/* Appends the expression, or leaves the statement as it was. */
bool sp_ddl_put_expr(sp_ddl_builder *b, const char *sql, const char *value)
{
    return !sp_ddl_uses_missing(b, sql) && sp_ddl_expr(&b->sql, b->t, sql, b->c->dialect, b->d->dialect, value);
}

/* Its type can be said as the source says it. */
bool sp_ddl_is_said_again(const sp_ddl_builder *b, const sp_field *f, const sp_cat_column *c)
{
    if (!b->same || !c || f->cast)
        return false;
    const sp_cat_type *type = c->type.class == SP_CAT_LIST ? c->type.item : &c->type;
    return type->class != SP_CAT_OTHER || b->c->loose;
}

void sp_ddl_put_columns(sp_ddl_builder *b, const uint32_t *columns, uint32_t n)
{
    sp_ddl_put(b, " (");
    for (uint32_t i = 0; i < n; i++) {
        sp_ddl_put(b, i ? ", " : "");
        sp_ddl_put_name(b, b->t->columns[columns[i]].name);
    }
    sp_ddl_put(b, ")");
}

void sp_ddl_put_constraint_name(sp_ddl_builder *b, const char *name)
{
    if (!*name)
        return;
    sp_ddl_put(b, "CONSTRAINT ");
    sp_ddl_put_name(b, name);
    sp_ddl_put(b, " ");
}

/* Only of columns, for all rows: what any dialect can say. */
bool sp_ddl_is_plain_key(const sp_cat_key *key)
{
    return !key->computed && !key->where;
}
