/* ddl_words.c - statements and notes kept, names written, and what of a table is copied. */
#include "endpoint/ddl_build.h"

#include <stdio.h>
#include <stdlib.h>

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
    sp_ddl_statement made = {step,
                             b->number,
                             b->number,
                             sp_arena_strndup(d->arena, b->sql.data ? b->sql.data : "", b->sql.len),
                             sp_arena_strndup(d->arena, what, strlen(what)),
                             ask};
    b->sql.len = 0;
    b->nomem = b->nomem || !grown || !made.sql || !made.what;
    if (b->nomem)
        return;
    d->statements = grown;
    d->statements[d->n++] = made;
}

void sp_ddl_put_alter(sp_ddl_builder *b)
{
    if (!sp_ddl_is_mariadb(b)) {
        sp_ddl_put(b, "ALTER TABLE ");
        sp_ddl_put_table(b);
        sp_ddl_put(b, " ");
    }
    sp_ddl_put(b, "ADD ");
}

void sp_ddl_add_clause(sp_ddl_builder *b, sp_ddl_step step, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    if (!sp_ddl_is_mariadb(b)) {
        sp_ddl_add(b, step, NULL, "%s", what);
        return;
    }
    sp_buf *clauses = &b->clauses[step == SP_DDL_FOREIGN_KEYS];
    b->nomem = b->nomem || sp_buf_adds(clauses, clauses->len ? ",\n  " : "\n  ") ||
               sp_buf_add(clauses, b->sql.data, b->sql.len);
    b->sql.len = 0;
}

void sp_ddl_end_clauses(sp_ddl_builder *b)
{
    static const sp_ddl_step steps[] = {SP_DDL_INDEXES, SP_DDL_FOREIGN_KEYS};
    static const char *const whats[] = {"building its indexes", "adding its foreign keys"};
    for (unsigned i = 0; i < SP_COUNT(steps); i++) {
        if (!b->clauses[i].len || b->nomem)
            continue;
        sp_ddl_put(b, "ALTER TABLE ");
        sp_ddl_put_table(b);
        b->nomem = b->nomem || sp_buf_add(&b->sql, b->clauses[i].data, b->clauses[i].len);
        b->clauses[i].len = 0;
        sp_ddl_add(b, steps[i], NULL, "%s", whats[i]);
    }
}

void sp_ddl_refers_to(sp_ddl_builder *b, const char *parent)
{
    for (uint32_t i = 0; i < b->n_tables && !b->nomem; i++)
        if (strcmp(b->tables[i]->table, parent) == 0)
            b->d->statements[b->d->n - 1].parent = i;
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
    bool quoted = *spelled == '"' && strncmp(spelled + 1, b->c->default_space, len) == 0 &&
                  strncmp(spelled + 1 + len, "\".", 2) == 0;
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

static bool will_be_there(const sp_ddl_builder *b, uint32_t column)
{
    return sp_ddl_is_copied(b, column) || b->made[column];
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

bool sp_ddl_needs_counter(const sp_ddl_builder *b, const char *sql)
{
    return b->counter >= 0 && sp_ddl_mentions(sql, b->t->columns[b->counter].name);
}

static bool can_make(sp_ddl_builder *b, const sp_cat_column *c)
{
    size_t len = b->sql.len;
    bool typed =
        b->same || c->type.class == SP_CAT_INTEGER || c->type.class == SP_CAT_TEXT || c->type.class == SP_CAT_BOOL;
    bool can = typed && *c->generated_sql && !sp_ddl_needs_counter(b, c->generated_sql) &&
               sp_ddl_put_expr(b, c->generated_sql, NULL);
    b->sql.len = len;
    return can;
}

/* Until none is left that needs one that is not made. */
void sp_ddl_drop_unmade(sp_ddl_builder *b)
{
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = 0; i < b->t->n_columns; i++)
            if (b->made[i] && !can_make(b, &b->t->columns[i]))
                again = true, b->made[i] = false;
    }
}

/* Its type can be said as the source says it. */
bool sp_ddl_is_said_again(const sp_ddl_builder *b, const sp_field *f, const sp_cat_column *c)
{
    if (!b->same || !c || f->cast)
        return false;
    const sp_cat_type *type = c->type.class == SP_CAT_LIST ? c->type.item : &c->type;
    bool rounds = sp_ddl_is_mariadb(b) && type->class == SP_CAT_FLOAT &&
                  strchr(type->spelled, '('); /* would change what comes from elsewhere */
    bool built_in = b->d->dialect == SP_SQL_POSTGRES && type->spelled && !strpbrk(type->spelled, ".\"");
    return ((type->class != SP_CAT_OTHER || built_in) && !rounds) || b->c->loose;
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

const char *const *sp_ddl_names_of(sp_ddl_builder *b, const uint32_t *columns, uint32_t n)
{
    const char **names = sp_arena_alloc(b->d->arena, n + 1, sizeof(*names));
    for (uint32_t i = 0; names && i < n; i++)
        names[i] = b->t->columns[columns[i]].name;
    b->nomem = b->nomem || !names;
    return names;
}

enum { ENDLESS = UINT16_MAX, SHORT = 16 };

/* How many bytes of an index a column of MariaDB's may take; *text: whether a part of it would do, of characters of so many bytes. */
static uint32_t bytes_in_index(sp_ddl_builder *b, const char *column, uint32_t *text)
{
    size_t len = b->sql.len;
    int field = sp_schema_find(b->schema, column);
    const sp_cat_column *c = sp_ddl_column_of(b, column);
    if (field >= 0)
        sp_ddl_put_type(b, (uint32_t)field);
    else /* made by the target */
        sp_ddl_put(b, c && c->type.class == SP_CAT_TEXT ? "longtext" : "bigint");
    b->nomem = b->nomem || sp_buf_add(&b->sql, "", 1);
    const char *type = b->nomem ? "" : b->sql.data + len, *args = strchr(type, '(');
    sp_str word = {type, strcspn(type, "( ")};
    bool bytes = memmem(word.p, word.len, "bin", 3) || memmem(word.p, word.len, "blob", 4);
    bool endless =
        memmem(word.p, word.len, "text", 4) || memmem(word.p, word.len, "blob", 4) || sp_str_ieq(word, "json");
    bool counted = args && (memmem(word.p, word.len, "char", 4) || memmem(word.p, word.len, "bin", 3));
    *text = endless || counted ? bytes ? 1 : 4 : 0;
    uint32_t most = endless ? ENDLESS : counted ? (uint32_t)strtoul(args + 1, NULL, 10) * *text : SHORT;
    b->sql.len = len;
    return most;
}

/* So much of a column that all of them go into an index; 0: the whole. */
static uint32_t prefix_of(sp_ddl_builder *b, const char *const *columns, uint32_t n, uint32_t i)
{
    uint32_t all = 0, texts = 0, others = 0, text, mine = bytes_in_index(b, columns[i], &text), unit = text;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t bytes = bytes_in_index(b, columns[k], &text);
        all += bytes;
        texts += text != 0;
        others += text ? 0 : bytes;
    }
    uint32_t share = texts && others < SP_SQL_MARIADB_KEY_BYTES ? (SP_SQL_MARIADB_KEY_BYTES - others) / texts : 0;
    return all <= SP_SQL_MARIADB_KEY_BYTES || !unit || mine <= share ? 0 : share / unit;
}

void sp_ddl_put_parts(sp_ddl_builder *b, const char *const *columns, const sp_cat_part *parts, uint32_t n, bool unique)
{
    sp_ddl_put(b, " (");
    for (uint32_t i = 0; i < n; i++) {
        sp_ddl_put(b, i ? ", " : "");
        sp_ddl_put_name(b, columns[i]);
        uint32_t prefix = !sp_ddl_is_mariadb(b) ? 0
                          : b->same             ? (parts ? parts[i].prefix : 0)
                          : unique              ? 0
                                                : prefix_of(b, columns, n, i);
        if (prefix) {
            sp_ddl_put_number(b, "(", prefix);
            sp_ddl_put(b, ")");
        }
        if (parts && parts[i].descending && b->d->dialect != SP_SQL_DUCKDB)
            sp_ddl_put(b, " DESC");
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
