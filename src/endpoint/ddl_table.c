/* ddl_table.c - a table as it is made before its rows: its columns, their defaults and numbering, keys that are inside, checks. */
#include "endpoint/ddl_build.h"

/* ---- columns ------------------------------------------------------------------------------------- */

/* How many bytes a column may have in the keys that it is in; UINT32_MAX: it is in none. */
static uint32_t room_in_keys(const sp_ddl_builder *b, const char *column)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t k = 0; b->t && k < b->t->n_keys; k++) {
        const sp_cat_key *key = &b->t->keys[k];
        uint32_t texts = 0;
        bool in = false;
        for (uint32_t i = 0; i < key->n; i++) {
            const char *name = b->t->columns[key->columns[i]].name;
            int at = sp_schema_find(b->schema, name);
            texts +=
                at >= 0 && (b->schema->fields[at].type.kind == SP_TEXT || b->schema->fields[at].type.kind == SP_BYTES);
            in |= strcmp(name, column) == 0;
        }
        least = in && sp_ddl_is_plain_key(key) ? SP_MIN(least, sp_sql_key_room(texts, key->n)) : least;
    }
    return least;
}

void sp_ddl_put_type(sp_ddl_builder *b, uint32_t field)
{
    const sp_field *f = &b->schema->fields[field];
    const sp_cat_column *c = sp_ddl_column_of(b, f->name);
    if (sp_ddl_is_said_again(b, f, c)) {
        sp_ddl_put(b, sp_ddl_local_type(b, c->type.domain ? c->type.domain : c->type.spelled));
        return;
    }
    b->nomem = b->nomem || sp_sql_type_in_key(&b->sql, b->d->dialect, b->schema, field, room_in_keys(b, f->name));
    if (b->same && c && !f->cast && c->type.class == SP_CAT_OTHER)
        sp_ddl_note(b, "table \"%s\": the type %s of column \"%s\": it becomes text", b->schema->table, c->type.spelled,
                    f->name);
}

static bool is_key(const sp_ddl_builder *b, uint32_t field)
{
    for (uint32_t i = 0; i < b->schema->n_primary_key; i++)
        if (b->schema->primary_key[i] == field)
            return true;
    return false;
}

static bool begins_with(const sp_cat_key *key, uint32_t column)
{
    return sp_ddl_is_plain_key(key) && key->n && key->columns[0] == column;
}

static bool wants_numbers(const sp_cat_column *c)
{
    return c->identity != SP_CAT_NO_IDENTITY || c->auto_number;
}

static bool is_integer(const sp_field *f)
{
    return f->type.kind == SP_I16 || f->type.kind == SP_I32 || f->type.kind == SP_I64 || f->type.kind == SP_U64;
}

bool sp_ddl_is_numbered(const sp_ddl_builder *b, const sp_cat_column *c)
{
    int at = sp_schema_find(b->schema, c->name);
    if (at < 0 || !wants_numbers(c))
        return false;
    const sp_field *f = &b->schema->fields[at];
    switch (b->d->dialect) {
    case SP_SQL_POSTGRES: return b->same || f->cast || is_integer(f);
    case SP_SQL_COCKROACH: return b->same || f->cast || (is_integer(f) && f->type.kind != SP_U64);
    case SP_SQL_MYSQL: return b->counter == c - b->t->columns;
    default: return true;
    }
}

static bool leads_with(const sp_ddl_builder *b, const sp_cat_index *index, const char *column)
{
    bool all = index->n > 0 && index->body && !index->where;
    for (uint32_t i = 0; i < index->n && all; i++) {
        const sp_cat_column *c = sp_ddl_column_of(b, index->columns[i]);
        all = c && sp_ddl_has_all(b, &(uint32_t){(uint32_t)(c - b->t->columns)}, 1);
    }
    return all && strcmp(index->columns[0], column) == 0;
}

const sp_cat_index *sp_ddl_counting_index(const sp_ddl_builder *b)
{
    if (b->counter < 0)
        return NULL;
    for (uint32_t k = 0; k < b->t->n_keys; k++)
        if (begins_with(&b->t->keys[k], (uint32_t)b->counter) &&
            sp_ddl_has_all(b, b->t->keys[k].columns, b->t->keys[k].n))
            return NULL;
    for (uint32_t i = 0; i < b->t->n_indexes; i++)
        if (leads_with(b, &b->t->indexes[i], b->t->columns[b->counter].name))
            return &b->t->indexes[i];
    return NULL;
}

int32_t sp_ddl_find_counter(const sp_ddl_builder *b)
{
    for (uint32_t i = 0; sp_ddl_is_mariadb(b) && i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        bool by_ones = !c->sequence || (c->sequence->step == 1 && !c->sequence->cycles);
        int at = wants_numbers(c) && by_ones ? sp_schema_find(b->schema, c->name) : -1;
        for (uint32_t k = 0; at >= 0 && is_integer(&b->schema->fields[at]) && k < b->t->n_keys; k++)
            if (begins_with(&b->t->keys[k], i) && sp_ddl_has_all(b, b->t->keys[k].columns, b->t->keys[k].n))
                return (int32_t)i;
        for (uint32_t k = 0; at >= 0 && is_integer(&b->schema->fields[at]) && k < b->t->n_indexes; k++)
            if (leads_with(b, &b->t->indexes[k], c->name))
                return (int32_t)i;
    }
    return -1;
}

/* MariaDB stores rows by their primary key, and numbers only what a key begins with: these are there from the beginning. */
bool sp_ddl_is_inside(const sp_ddl_builder *b, const sp_cat_key *key)
{
    if (b->d->keys == SP_DDL_KEYS_INSIDE)
        return key->constraint && sp_ddl_is_plain_key(key);
    if (!sp_ddl_is_mariadb(b) || b->d->keys == SP_DDL_KEYS_NONE || !sp_ddl_has_all(b, key->columns, key->n))
        return false;
    if (key->primary || b->counter < 0)
        return key->primary;
    for (const sp_cat_key *k = b->t->keys; k < b->t->keys + b->t->n_keys; k++)
        if (begins_with(k, (uint32_t)b->counter) && sp_ddl_has_all(b, k->columns, k->n))
            return k == key;
    return false;
}

/* Numbered by the server: in PostgreSQL by an identity or a sequence, in MariaDB by AUTO_INCREMENT; SQLite's whole primary key of
 * integers needs no word for it; DuckDB, and MariaDB where it is no key, get a sequence later. */
static bool put_numbering(sp_ddl_builder *b, const sp_cat_column *c, uint32_t field)
{
    if (!wants_numbers(c))
        return false;
    bool alone = b->schema->n_primary_key == 1 && is_key(b, field);
    if (!sp_ddl_is_numbered(b, c) || (b->d->dialect == SP_SQL_SQLITE && !alone))
        sp_ddl_note(b, "table \"%s\": the numbering of column \"%s\"", b->schema->table, c->name);
    else if (b->counter == c - b->t->columns)
        sp_ddl_put(b, " AUTO_INCREMENT");
    if (!sp_ddl_is_numbered(b, c) || b->d->dialect == SP_SQL_DUCKDB || b->d->dialect == SP_SQL_SQLITE ||
        sp_ddl_is_mariadb(b))
        return true;
    const sp_cat_sequence *s = sp_ddl_sequence_of(b, c);
    bool named = s && s->name;
    if ((c->identity == SP_CAT_NO_IDENTITY || s != c->sequence) && named) {
        sp_buf name = {0};
        sp_ddl_put(b, " DEFAULT nextval(");
        bool elsewhere = *s->space && strcmp(s->space, b->c->default_space) != 0;
        b->nomem = b->nomem || (elsewhere && (sp_sql_name(&name, s->space) || sp_buf_adds(&name, "."))) ||
                   sp_sql_name(&name, s->name) || sp_sql_literal(&b->sql, (sp_str){name.data, name.len});
        sp_buf_done(&name);
        sp_ddl_put(b, "::regclass)");
        return true;
    }
    sp_ddl_put(b, c->identity == SP_CAT_ALWAYS ? " GENERATED ALWAYS AS IDENTITY" : " GENERATED BY DEFAULT AS IDENTITY");
    if (named) {
        sp_ddl_put(b, " (");
        sp_ddl_put_sequence_options(b, s);
        sp_ddl_put(b, ")");
    }
    return true;
}

static bool begins_constant(sp_str value)
{
    return value.len && strchr("'-0123456789", *value.p);
}

/* A constant, read as a cell of the column is; *text: what it is written as again. False: it is none of the column's. */
static bool read_constant(sp_ddl_builder *b, const sp_field *f, sp_str value, sp_buf *text)
{
    sp_column column;
    bool quoted = *value.p == '\'';
    sp_str cell = {value.p + quoted, value.len - 2 * quoted};
    bool ok = sp_column_init(&column, f->type, 1, NULL) == SPATE_OK && sp_cell_read(&column, 0, cell) == SPATE_OK;
    char shown[SP_CELL_TEXT_BYTES];
    bool instant = f->type.kind == SP_TIMESTAMPTZ; /* of UTC, without saying so */
    if (ok && text) {
        char *end =
            instant ? sp_put_timestamp(shown, ((const int64_t *)column.data)[0]) : sp_cell_put_fixed(shown, &column, 0);
        b->nomem = b->nomem || sp_sql_literal(text, (sp_str){shown, (size_t)(end - shown)});
    }
    sp_column_done(&column);
    return ok;
}

/* Where types are hints, a constant may be none of its column's; lists and bytes are written otherwise everywhere. */
static bool suits(sp_ddl_builder *b, const sp_field *f, sp_str value)
{
    if (!b->same && (f->type.kind == SP_LIST || f->type.kind == SP_BYTES))
        return false;
    return b->same || f->type.kind == SP_TEXT || !begins_constant(value) || read_constant(b, f, value, NULL);
}

/* SQLite wants parentheses around what is no constant. */
static bool put_default_of_sqlite(sp_ddl_builder *b, const sp_field *f, sp_str value)
{
    if (!suits(b, f, value))
        return false;
    bool moment = *value.p == 'C';
    sp_ddl_put(b, moment ? "" : "(");
    b->nomem = b->nomem || sp_buf_add(&b->sql, value.p, value.len);
    sp_ddl_put(b, moment ? "" : ")");
    return true;
}

/* Moments have microseconds, and what has a zone is in UTC; so have constants none. What is no constant stands in parentheses. */
static bool put_default_of_mariadb(sp_ddl_builder *b, const sp_field *f, sp_str value)
{
    static const char now[] = "CURRENT_TIMESTAMP";
    sp_kind kind = f->type.kind;
    bool clock = !f->cast && (kind == SP_DATE || kind == SP_TIME || kind == SP_TIMESTAMP || kind == SP_TIMESTAMPTZ ||
                              kind == SP_INTERVAL);
    bool plain = b->d->dialect == SP_SQL_MARIADB &&
                 (begins_constant(value) || sp_str_ieq(value, "true") || sp_str_ieq(value, "false"));
    if (!f->cast && !suits(b, f, value))
        return false;
    sp_ddl_put(b, plain ? "" : "(");
    if (sp_str_is(value, now) && !f->cast)
        sp_ddl_put(b, kind == SP_TIMESTAMPTZ ? "utc_timestamp(6)" : "current_timestamp(6)");
    else if (!(clock && begins_constant(value) && read_constant(b, f, value, &b->sql)))
        b->nomem = b->nomem || sp_buf_add(&b->sql, value.p, value.len);
    sp_ddl_put(b, plain ? "" : ")");
    return true;
}

/* A boolean's 0 and 1 are words elsewhere. */
static bool put_default_of_others(sp_ddl_builder *b, const sp_field *f, sp_str value)
{
    bool bit = f->type.kind == SP_BOOL && !b->same && value.len == 1 && strchr("01", *value.p);
    if (!bit && !suits(b, f, value))
        return false;
    b->nomem = b->nomem || (bit ? sp_buf_adds(&b->sql, *value.p == '1' ? "true" : "false")
                                : sp_buf_add(&b->sql, value.p, value.len));
    return true;
}

static void put_default(sp_ddl_builder *b, const sp_cat_column *c, uint32_t field)
{
    const sp_field *f = &b->schema->fields[field];
    if (!c || put_numbering(b, c, field) || !c->default_sql || sp_str_ieq(sp_str_of(c->default_sql), "null"))
        return;
    size_t len = b->sql.len;
    sp_buf made = {0};
    bool said = sp_ddl_default(&made, c->default_sql, b->c->dialect, b->d->dialect) && made.len;
    sp_str value = {made.data, made.len};
    sp_ddl_put(b, " DEFAULT ");
    if (said && !b->same && b->d->dialect == SP_SQL_SQLITE)
        said = put_default_of_sqlite(b, f, value);
    else if (said && !b->same && sp_ddl_is_mariadb(b))
        said = put_default_of_mariadb(b, f, value);
    else if (said)
        said = put_default_of_others(b, f, value);
    sp_buf_done(&made);
    if (said)
        return;
    b->sql.len = len;
    sp_ddl_note(b, "table \"%s\": the default %.100s of column \"%s\"", b->schema->table, c->default_sql, c->name);
}

static void put_labels_check(sp_ddl_builder *b, const sp_field *f)
{
    sp_ddl_put(b, " CHECK (");
    sp_ddl_put_name(b, f->name);
    sp_ddl_put(b, " IN (");
    for (uint32_t i = 0; i < f->n_labels; i++) {
        sp_ddl_put(b, i ? ", " : "");
        b->nomem = b->nomem || sp_sql_literal(&b->sql, f->labels[i]);
    }
    sp_ddl_put(b, "))");
}

/* MariaDB's are part of the table, and have an end. */
static void put_comment(sp_ddl_builder *b, const char *before, const char *comment, const char *column)
{
    enum { TABLE_CHARACTERS = 2048, COLUMN_CHARACTERS = 1024 };
    size_t characters = 0;
    if (!comment || !sp_ddl_is_mariadb(b))
        return;
    for (const char *p = comment; *p; p++)
        characters += ((unsigned char)*p & 0xc0) != 0x80;
    if (characters > (column ? COLUMN_CHARACTERS : TABLE_CHARACTERS)) {
        sp_ddl_note(b, "table \"%s\": the comment of %s%s, which is too long", b->schema->table,
                    column ? "column " : "the table", column ? column : "");
        return;
    }
    sp_ddl_put(b, before);
    sp_ddl_put_literal(b, comment);
}

/* What only MariaDB says of a column; again: of its own type. */
static void put_words_of_mariadb(sp_ddl_builder *b, const sp_cat_column *c, bool again)
{
    if (again && !c->not_null && strcmp(c->type.name, "timestamp") == 0)
        sp_ddl_put(b, " NULL"); /* which is not a matter of course there */
    if (again && c->on_update_sql) {
        sp_ddl_put(b, " ON UPDATE ");
        sp_ddl_put(b, c->on_update_sql);
    } else if (c->on_update_sql) {
        sp_ddl_note(b, "table \"%s\": that column \"%s\" becomes %s when its row changes", b->schema->table, c->name,
                    c->on_update_sql);
    }
    if (b->same && c->invisible)
        sp_ddl_put(b, " INVISIBLE");
    put_comment(b, " COMMENT ", c->comment, c->name);
}

static void put_column(sp_ddl_builder *b, uint32_t field)
{
    const sp_field *f = &b->schema->fields[field];
    const sp_cat_column *c = sp_ddl_column_of(b, f->name);
    sp_ddl_put_name(b, f->name);
    sp_ddl_put(b, " ");
    sp_ddl_put_type(b, field);
    if (b->same && c && c->collation) {
        sp_ddl_put(b, " COLLATE ");
        sp_ddl_put(b, c->collation);
    } else if (c && c->collation && b->c->dialect >= 0) {
        sp_ddl_note(b, "table \"%s\": the collation %s of column \"%s\"", b->schema->table, c->collation, f->name);
    }
    put_default(b, c, field);
    if (!f->nullable || is_key(b, field) || (c && c->not_null))
        sp_ddl_put(b, " NOT NULL");
    if (f->n_labels && b->d->dialect == SP_SQL_SQLITE && !sp_ddl_is_said_again(b, f, c))
        put_labels_check(b, f);
    if (c)
        put_words_of_mariadb(b, c, sp_ddl_is_said_again(b, f, c));
}

/* A column that the target makes itself; where it cannot, there is none. */
static bool put_generated(sp_ddl_builder *b, const sp_cat_column *c)
{
    size_t len = b->sql.len;
    sp_ddl_put_name(b, c->name);
    sp_ddl_put(b, " ");
    sp_field f = {.name = c->name, .type = {.kind = SP_TEXT}};
    if (b->same)
        sp_ddl_put(b, sp_ddl_local_type(b, c->type.spelled));
    else {
        f.type.kind = c->type.class == SP_CAT_TEXT ? SP_TEXT : c->type.class == SP_CAT_BOOL ? SP_BOOL : SP_I64;
        b->nomem = b->nomem || sp_sql_type(&b->sql, b->d->dialect,
                                           &(sp_schema){.table = b->schema->table, .fields = &f, .n_fields = 1}, 0);
    }
    sp_ddl_put(b, " GENERATED ALWAYS AS (");
    if (b->made[c - b->t->columns] && sp_ddl_put_expr(b, c->generated_sql, NULL)) {
        sp_ddl_put(b, b->d->dialect == SP_SQL_DUCKDB || (b->same && c->is_virtual) ? ") VIRTUAL" : ") STORED");
        put_words_of_mariadb(b, c, b->same);
        return true;
    }
    b->sql.len = len;
    sp_ddl_note(b, "table \"%s\": the generated column \"%s\"", b->schema->table, c->name);
    return false;
}

static void put_key_inside(sp_ddl_builder *b, const sp_cat_key *key)
{
    const char *const *names;
    sp_ddl_put(b, ",\n  ");
    sp_ddl_put_constraint_name(b, b->same ? key->name : "");
    sp_ddl_put(b, key->primary ? "PRIMARY KEY" : "UNIQUE");
    if (!sp_ddl_is_mariadb(b))
        sp_ddl_put_columns(b, key->columns, key->n);
    else if ((names = sp_ddl_names_of(b, key->columns, key->n)))
        sp_ddl_put_parts(b, names, key->parts, key->n, true);
}

static const sp_schema *parent_schema(const sp_ddl_builder *b, const sp_cat_foreign_key *f)
{
    const char *name = f->parent_table >= 0 ? b->c->tables[f->parent_table].shown : NULL;
    for (uint32_t i = 0; name && i < b->n_tables; i++)
        if (strcmp(b->tables[i]->table, name) == 0)
            return b->tables[i];
    return NULL;
}

bool sp_ddl_can_refer(sp_ddl_builder *b, const sp_cat_foreign_key *f)
{
    const sp_schema *parent = parent_schema(b, f);
    bool ok = parent && sp_ddl_has_all(b, f->columns, f->n);
    for (uint32_t i = 0; ok && i < f->n; i++)
        ok = sp_schema_find(parent, b->c->tables[f->parent_table].columns[f->parent_columns[i]].name) >= 0;
    return ok;
}

static bool has_index_on(const sp_cat_table *t, const uint32_t *columns, uint32_t n)
{
    for (uint32_t i = 0; i < t->n_keys; i++)
        if (sp_ddl_is_plain_key(&t->keys[i]) && t->keys[i].n >= n &&
            memcmp(t->keys[i].columns, columns, n * sizeof(*columns)) == 0)
            return true;
    return false;
}

bool sp_ddl_matches(sp_ddl_builder *b, const sp_cat_foreign_key *f)
{
    const sp_schema *parent = parent_schema(b, f);
    const sp_cat_table *t = &b->c->tables[f->parent_table];
    bool same = b->same || has_index_on(t, f->parent_columns, f->n);
    for (uint32_t i = 0; i < f->n && same && !b->same; i++) {
        int here = sp_schema_find(b->schema, b->t->columns[f->columns[i]].name),
            there = sp_schema_find(parent, t->columns[f->parent_columns[i]].name);
        sp_buf mine = {0}, theirs = {0};
        bool text =
            here >= 0 && b->schema->fields[here].type.kind == SP_TEXT && parent->fields[there].type.kind == SP_TEXT;
        b->nomem = b->nomem || here < 0 || sp_sql_type(&mine, b->d->dialect, b->schema, (uint32_t)here) ||
                   sp_sql_type(&theirs, b->d->dialect, parent, (uint32_t)there);
        same = text || (mine.len == theirs.len && memcmp(mine.data, theirs.data, mine.len) == 0);
        sp_buf_done(&mine);
        sp_buf_done(&theirs);
    }
    return same;
}

/* MariaDB sets nothing to its default, and null only what may be. */
static bool can_act(const sp_ddl_builder *b, const sp_cat_foreign_key *f, const char *action)
{
    bool can = true;
    for (uint32_t i = 0; i < f->n && strcmp(action, "SET NULL") == 0; i++)
        can = can && !b->t->columns[f->columns[i]].not_null;
    return b->d->dialect != SP_SQL_DUCKDB && (!sp_ddl_is_mariadb(b) || (can && strcmp(action, "SET DEFAULT") != 0));
}

void sp_ddl_put_foreign_key(sp_ddl_builder *b, const sp_cat_foreign_key *f)
{
    const sp_cat_table *parent = &b->c->tables[f->parent_table];
    sp_ddl_put_constraint_name(b, b->same ? f->name : "");
    sp_ddl_put(b, "FOREIGN KEY");
    sp_ddl_put_columns(b, f->columns, f->n);
    sp_ddl_put(b, " REFERENCES ");
    if (b->d->home && strchr(b->schema->table, '.') &&
        !strchr(parent->shown, '.')) { /* MariaDB would look beside the child */
        sp_ddl_put_name(b, b->d->home);
        sp_ddl_put(b, ".");
    }
    b->nomem = b->nomem || sp_sql_ident(&b->sql, parent->shown);
    sp_ddl_put(b, " (");
    for (uint32_t i = 0; i < f->n; i++) {
        sp_ddl_put(b, i ? ", " : "");
        sp_ddl_put_name(b, parent->columns[f->parent_columns[i]].name);
    }
    sp_ddl_put(b, f->full && b->same ? ") MATCH FULL" : ")");
    const char *const actions[] = {f->on_delete, f->on_update};
    bool left = false;
    for (unsigned i = 0; i < SP_COUNT(actions); i++) {
        if (actions[i] && can_act(b, f, actions[i])) {
            sp_ddl_put(b, i ? " ON UPDATE " : " ON DELETE ");
            sp_ddl_put(b, actions[i]);
            sp_ddl_put(b, i == 0 && f->delete_columns && b->same ? f->delete_columns : "");
        }
        left = left || (actions[i] && !can_act(b, f, actions[i]));
    }
    if (left)
        sp_ddl_note(b, "table \"%s\": what its foreign key to \"%s\" does when a row there goes or changes",
                    b->schema->table, parent->shown);
    if (f->when && sp_ddl_is_mariadb(b))
        sp_ddl_note(b, "table \"%s\": that its foreign key to \"%s\" may be broken within a transaction",
                    b->schema->table, parent->shown);
    else if (f->when && b->d->dialect != SP_SQL_DUCKDB) {
        sp_ddl_put(b, " ");
        sp_ddl_put(b, f->when);
    }
    if (f->unchecked && b->same)
        sp_ddl_put(b, " NOT VALID");
    if ((f->full || f->delete_columns) && !b->same)
        sp_ddl_note(b, "table \"%s\": which columns of its foreign key to \"%s\" %s", b->schema->table, parent->shown,
                    f->full ? "are null together" : "become null");
}

static void put_checks(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_checks; i++) {
        const sp_cat_check *check = &b->t->checks[i];
        const char *value = check->column >= 0 ? b->t->columns[check->column].name : NULL;
        if (value && b->same && sp_ddl_is_said_again(b, &(sp_field){0}, &b->t->columns[check->column]))
            continue; /* the domain has it */
        if (check->unchecked && b->same && !value)
            continue; /* it comes behind the rows */
        size_t len = b->sql.len;
        sp_ddl_put(b, ",\n  ");
        sp_ddl_put_constraint_name(b, b->same && !value ? check->name : "");
        sp_ddl_put(b, "CHECK (");
        if (!sp_ddl_needs_counter(b, check->sql) && sp_ddl_put_expr(b, check->sql, value)) {
            sp_ddl_put(b, ")");
            continue;
        }
        b->sql.len = len;
        sp_ddl_note(b, "table \"%s\": the check %s%s%.200s", b->schema->table, check->name, *check->name ? " " : "",
                    check->sql);
    }
}

static void put_keys_inside(sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_keys; i++)
        if (sp_ddl_is_inside(b, &b->t->keys[i]) && sp_ddl_has_all(b, b->t->keys[i].columns, b->t->keys[i].n))
            put_key_inside(b, &b->t->keys[i]);
    const sp_cat_index *index = b->d->keys == SP_DDL_KEYS_NONE ? NULL : sp_ddl_counting_index(b);
    if (index) {
        sp_ddl_put(b, ",\n  INDEX ");
        sp_ddl_put_name(b, index->name);
        sp_ddl_put_parts(b, index->columns, index->parts, index->n, false);
    }
    for (uint32_t i = 0; b->d->keys == SP_DDL_KEYS_INSIDE && i < b->t->n_foreign_keys; i++)
        if (sp_ddl_can_refer(b, &b->t->foreign_keys[i]) && !b->t->foreign_keys[i].unchecked) {
            sp_ddl_put(b, ",\n  ");
            sp_ddl_put_foreign_key(b, &b->t->foreign_keys[i]);
        }
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

bool sp_ddl_is_whole(const sp_ddl_builder *b)
{
    for (uint32_t i = 0; i < b->t->n_columns; i++)
        if (!b->t->columns[i].generated_sql && !sp_ddl_is_copied(b, i))
            return false;
    return true;
}

/* The statement that made it in the source can make it here. */
bool sp_ddl_is_made_again(sp_ddl_builder *b)
{
    bool can = b->same && b->d->dialect == SP_SQL_SQLITE && b->t->sql && b->whole;
    for (uint32_t i = 0; can && i < b->schema->n_fields; i++)
        can = !b->schema->fields[i].cast;
    for (uint32_t i = 0; can && i < b->t->n_foreign_keys; i++)
        can = parent_schema(b, &b->t->foreign_keys[i]) != NULL;
    return can;
}

/* What columns are compared by goes with them; into MariaDB, all are compared by their bytes. */
static void put_tail(sp_ddl_builder *b)
{
    if (sp_ddl_is_mariadb(b) && b->same && b->t->collation) {
        sp_ddl_put(b, " ENGINE=InnoDB DEFAULT COLLATE=");
        sp_ddl_put(b, b->t->collation);
    } else {
        sp_ddl_put(b, sp_sql_table_tail(b->d->dialect));
    }
    put_comment(b, " COMMENT=", b->t->comment, NULL);
}

void sp_ddl_add_table(sp_ddl_builder *b)
{
    if (sp_ddl_is_made_again(b)) {
        sp_ddl_put(b, b->t->sql);
        sp_ddl_add(b, SP_DDL_TABLES, NULL, "creating the table");
        return;
    }
    sp_ddl_put(b, "CREATE TABLE ");
    sp_ddl_put_table(b);
    sp_ddl_put(b, " (\n  ");
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->t->n_columns; i++) {
        const sp_cat_column *c = &b->t->columns[i];
        int field = sp_schema_find(b->schema, c->name);
        size_t len = b->sql.len;
        if (field >= 0 || c->generated_sql)
            sp_ddl_put(b, n ? ",\n  " : "");
        if (field >= 0)
            put_column(b, (uint32_t)field), n++;
        else if (c->generated_sql && put_generated(b, c))
            n++;
        else
            b->sql.len = len;
    }
    put_keys_inside(b);
    put_checks(b);
    sp_ddl_put(b, "\n)");
    put_tail(b);
    sp_ddl_add(b, SP_DDL_TABLES, NULL, "creating the table");
}
