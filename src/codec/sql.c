/* sql.c - the words of SQL around the rows: names, types, CREATE TABLE, keys, the heads of INSERT and COPY.
 *
 * Only text is made here; nothing is sent. All functions append and fail only for want of memory. What a dialect cannot
 * do is left out where the rows do not depend on it: SQLite and DuckDB cannot add foreign keys to a table that is there
 * already. */
#include "codec/codec.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- names and literals --------------------------------------------------------------------- */

/* text between quotes, with the quotes in it doubled. */
static int add_quoted(sp_buf *out, sp_str text, char quote)
{
    if (sp_buf_reserve(out, 2 * text.len + 2))
        return SPATE_E_NOMEM;
    char *p = out->data + out->len;
    *p++ = quote;
    for (size_t i = 0; i < text.len; i++) {
        *p++ = text.p[i];
        *p = quote;
        p += text.p[i] == quote;
    }
    *p++ = quote;
    out->len = (size_t)(p - out->data);
    return SPATE_OK;
}

int sp_sql_literal(sp_buf *out, sp_str text)
{
    return add_quoted(out, text, '\'');
}

int sp_sql_name(sp_buf *out, const char *name)
{
    return add_quoted(out, sp_str_of(name), '"');
}

int sp_sql_ident(sp_buf *out, const char *name)
{
    for (const char *dot; (dot = strchr(name, '.')) != NULL; name = dot + 1) {
        if (add_quoted(out, (sp_str){name, (size_t)(dot - name)}, '"') || sp_buf_adds(out, "."))
            return SPATE_E_NOMEM;
    }
    return sp_sql_name(out, name);
}

static int add_columns(sp_buf *out, const sp_schema *schema, const uint32_t *columns, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if ((i && sp_buf_adds(out, ", ")) || sp_sql_name(out, schema->fields[columns[i]].name))
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

static int add_names(sp_buf *out, const char *const *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if ((i && sp_buf_adds(out, ", ")) || sp_sql_name(out, names[i]))
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

/* ---- types ---------------------------------------------------------------------------------- */

/* Columns: PostgreSQL and CockroachDB, DuckDB, SQLite, MariaDB, MySQL. SQLite keeps what it has no type for as text that sorts
 * and compares right; its INTEGER has 63 bits, so larger uint64 become REAL there. MariaDB's TIMESTAMP ends in 2038, so what
 * has a zone is a DATETIME in UTC. */
static const char *const type_names[SP_KINDS][5] = {
    [SP_BOOL] = {"boolean", "boolean", "boolean", "boolean", "boolean"},
    [SP_I16] = {"smallint", "smallint", "integer", "smallint", "smallint"},
    [SP_I32] = {"integer", "integer", "integer", "int", "int"},
    [SP_I64] = {"bigint", "bigint", "integer", "bigint", "bigint"},
    [SP_U64] = {"numeric(20,0)", "ubigint", "integer", "bigint unsigned", "bigint unsigned"},
    [SP_F32] = {"real", "real", "real", "float", "float"},
    [SP_F64] = {"double precision", "double", "real", "double", "double"},
    [SP_DECIMAL] = {"numeric", "decimal", "numeric", "decimal", "decimal"},
    [SP_DATE] = {"date", "date", "text", "date", "date"},
    [SP_TIME] = {"time", "time", "text", "time(6)", "time(6)"},
    [SP_TIMESTAMP] = {"timestamp", "timestamp", "text", "datetime(6)", "datetime(6)"},
    [SP_TIMESTAMPTZ] = {"timestamptz", "timestamptz", "text", "datetime(6)", "datetime(6)"},
    [SP_INTERVAL] = {"interval", "interval", "text", "varchar(80)", "varchar(80)"},
    [SP_UUID] = {"uuid", "uuid", "text", "uuid", "binary(16)"},
    [SP_TEXT] = {"text", "text", "text", "longtext", "longtext"},
    [SP_JSON] = {"jsonb", "json", "text", "json", "json"},
    [SP_BYTES] = {"bytea", "blob", "blob", "longblob", "longblob"},
    [SP_LIST] = {"", "", "text", "json", "json"},
};

static unsigned type_column(sp_sql_dialect dialect)
{
    switch (dialect) {
    case SP_SQL_DUCKDB: return 1;
    case SP_SQL_SQLITE: return 2;
    case SP_SQL_MARIADB: return 3;
    case SP_SQL_MYSQL: return 4;
    default: return 0;
    }
}

static int add_type(sp_buf *out, sp_sql_dialect dialect, const sp_type *type)
{
    if (type->kind == SP_LIST && dialect != SP_SQL_SQLITE && !sp_sql_is_mariadb(dialect))
        return add_type(out, dialect, type->item) || sp_buf_adds(out, "[]") ? SPATE_E_NOMEM : SPATE_OK;
    if (sp_buf_adds(out, type_names[type->kind][type_column(dialect)]))
        return SPATE_E_NOMEM;
    if (type->kind != SP_DECIMAL)
        return SPATE_OK;
    return sp_buf_printf(out, "(%u,%u)", type->precision ? type->precision : 18u, type->scale);
}

/* ---- types that the plan spells ------------------------------------------------------------- */

/* One bit a dialect: knows the name, takes numbers in parentheses behind it. */
enum { PG = 1, DUCK = 2, LITE = 4, MARIA = 8, PG_ARGS = 16, DUCK_ARGS = 32, LITE_ARGS = 64, MARIA_ARGS = 128 };

/* What a plan may call a type (plan/types.c), where a dialect knows it as the same; elsewhere the kind's own type is
 * written. SQLite takes any word, but reads an affinity out of it that would turn the text "007" in a column of type
 * "string" into 7: there, only text types are kept. */
static const struct {
    const char *name;
    unsigned known;
} spellings[] = {
    {"smallint", PG | DUCK | MARIA},
    {"int2", PG | DUCK | MARIA},
    {"smallserial", PG},
    {"integer", PG | DUCK | MARIA},
    {"int", PG | DUCK | MARIA},
    {"int4", PG | DUCK | MARIA},
    {"serial", PG},
    {"bigint", PG | DUCK | MARIA},
    {"int8", PG | DUCK | MARIA},
    {"bigserial", PG},
    {"real", PG | DUCK},
    {"float4", PG | DUCK},
    {"double precision", PG | DUCK | MARIA},
    {"double", DUCK | MARIA},
    {"float8", PG | DUCK},
    {"float", PG | PG_ARGS},
    {"numeric", PG | PG_ARGS | DUCK | DUCK_ARGS | MARIA | MARIA_ARGS},
    {"decimal", PG | PG_ARGS | DUCK | DUCK_ARGS | MARIA | MARIA_ARGS},
    {"dec", PG | PG_ARGS | DUCK | DUCK_ARGS | MARIA | MARIA_ARGS},
    {"boolean", PG | DUCK | MARIA},
    {"bool", PG | DUCK | MARIA},
    {"date", PG | DUCK | MARIA},
    {"time", PG | PG_ARGS | DUCK},
    {"time without time zone", PG | DUCK},
    {"timestamp", PG | PG_ARGS | DUCK},
    {"timestamp without time zone", PG | DUCK},
    {"datetime", DUCK | MARIA | MARIA_ARGS},
    {"timestamptz", PG | PG_ARGS | DUCK},
    {"timestamp with time zone", PG | DUCK},
    {"interval", PG | PG_ARGS | DUCK},
    {"uuid", PG | DUCK},
    {"text", PG | DUCK | LITE},
    {"string", DUCK},
    {"varchar", PG | PG_ARGS | DUCK | DUCK_ARGS | LITE | LITE_ARGS | MARIA | MARIA_ARGS},
    {"character varying", PG | PG_ARGS | LITE | LITE_ARGS},
    {"char varying", PG | PG_ARGS | LITE | LITE_ARGS},
    {"char", PG | PG_ARGS | DUCK | DUCK_ARGS | LITE | LITE_ARGS},
    {"character", PG | PG_ARGS | LITE | LITE_ARGS},
    {"bpchar", PG | PG_ARGS | DUCK | DUCK_ARGS},
    {"citext", PG},
    {"json", PG | DUCK},
    {"jsonb", PG},
    {"bytea", PG | DUCK},
    {"inet", PG},
    {"cidr", PG},
    {"macaddr", PG},
    {"macaddr8", PG},
    {"money", PG},
    {"xml", PG},
    {"tsvector", PG},
    {"tsquery", PG},
    {"point", PG},
    {"line", PG},
    {"lseg", PG},
    {"box", PG},
    {"path", PG},
    {"polygon", PG},
    {"circle", PG},
    {"int4range", PG},
    {"int8range", PG},
    {"numrange", PG},
    {"tsrange", PG},
    {"tstzrange", PG},
    {"daterange", PG},
    {"int4multirange", PG},
    {"int8multirange", PG},
    {"nummultirange", PG},
    {"tsmultirange", PG},
    {"tstzmultirange", PG},
    {"datemultirange", PG},
    {"oid", PG},
    {"name", PG},
    {"pg_lsn", PG},
    {"timetz", PG},
    {"time with time zone", PG},
    {"bit", PG | PG_ARGS},
    {"bit varying", PG | PG_ARGS},
    {"varbit", PG | PG_ARGS},
    {"bytes", 0},
    {"tinyint", MARIA},
    {"tinyint unsigned", MARIA},
    {"smallint unsigned", MARIA},
    {"mediumint", MARIA},
    {"mediumint unsigned", MARIA},
    {"int unsigned", MARIA},
    {"year", MARIA},
    {"set", MARIA | MARIA_ARGS},
    {"blob", DUCK},
    {"varbinary", DUCK},
    {"binary", DUCK},
    {"timetz", PG | PG_ARGS | DUCK},
    {"time with time zone", PG | DUCK},
    {"bit", PG | PG_ARGS},
    {"varbit", PG | PG_ARGS},
    {"bit varying", PG | PG_ARGS},
    {"money", PG},
    {"ltree", PG},
    {"geometry", PG | PG_ARGS},
    {"geography", PG | PG_ARGS},
    {"inet", PG},
    {"cidr", PG},
    {"macaddr", PG},
    {"macaddr8", PG},
    {"hstore", PG},
    {"xml", PG},
    {"tsvector", PG},
    {"tsquery", PG},
    {"int4range", PG},
    {"int8range", PG},
    {"numrange", PG},
    {"tsrange", PG},
    {"tstzrange", PG},
    {"daterange", PG},
    {"int4multirange", PG},
    {"int8multirange", PG},
    {"nummultirange", PG},
    {"tsmultirange", PG},
    {"tstzmultirange", PG},
    {"datemultirange", PG},
    {"point", PG},
    {"line", PG},
    {"lseg", PG},
    {"box", PG},
    {"path", PG},
    {"polygon", PG},
    {"circle", PG},
};

/* Whether a name, in any case, is text up to where its numbers or [] begin; *rest is behind it. */
static bool spells(const char *text, const char *name, const char **rest)
{
    size_t len = strlen(name);
    if (strlen(text) < len || !sp_str_ieq((sp_str){text, len}, name))
        return false;
    *rest = text + len + strspn(text + len, " ");
    return **rest == '\0' || **rest == '(' || **rest == '[';
}

/* DuckDB's decimals end at 38 digits. */
static bool fits_duckdb(const char *args)
{
    return *args != '(' || strtol(args + 1, NULL, 10) <= 38;
}

static bool keeps_spelling(sp_sql_dialect dialect, const char *type)
{
    unsigned shift = SP_MIN(type_column(dialect), 3u);
    for (size_t i = 0; i < SP_COUNT(spellings); i++) {
        const char *rest;
        if (!spells(type, spellings[i].name, &rest))
            continue;
        bool knows = spellings[i].known & (unsigned)PG << shift;
        bool takes_args = spellings[i].known & (unsigned)PG_ARGS << shift;
        const char *close = *rest == '(' ? strchr(rest, ')') : rest;
        if (dialect == SP_SQL_DUCKDB && spellings[i].known & DUCK_ARGS && !fits_duckdb(rest) && strchr(rest, ','))
            return false;
        if (!knows || !close || (*rest == '(' && !takes_args))
            return false;
        return *rest != '(' || close[1] == '\0' || close[1] == '[';
    }
    return false;
}

/* An enumeration that is a type with a name. */
static bool has_enum_type(sp_sql_dialect dialect, const sp_field *field)
{
    return field->n_labels > 0 && dialect != SP_SQL_SQLITE && !sp_sql_is_mariadb(dialect) && !field->cast;
}

/* PostgreSQL cuts longer names off, and two that differ only behind the cut would be one. */
enum { NAME_BYTES_MAX = 63, NAME_HASH_BYTES = 9 };

static int shorten_name(sp_buf *name)
{
    if (name->len <= NAME_BYTES_MAX)
        return SPATE_OK;
    uint64_t hash = sp_hash64(name->data, name->len, 0);
    name->len = NAME_BYTES_MAX - NAME_HASH_BYTES;
    while (name->len > 0 && ((unsigned char)name->data[name->len] & 0xc0) == 0x80)
        name->len--; /* between characters */
    return sp_buf_printf(name, "_%08x", (unsigned)(hash & UINT32_MAX));
}

/* "schema"."table_column": the type lives where its table does. */
static int add_enum_name(sp_buf *out, const sp_schema *schema, const sp_field *field)
{
    const char *dot = strrchr(schema->table, '.'), *table = dot ? dot + 1 : schema->table;
    sp_buf name = {0};
    int rc =
        field->enum_name ? sp_buf_adds(&name, field->enum_name) : sp_buf_printf(&name, "%s_%s", table, field->name);
    rc = rc || shorten_name(&name) ? SPATE_E_NOMEM : SPATE_OK;
    if (rc == SPATE_OK && dot) {
        for (const char *part = schema->table; rc == SPATE_OK && part < dot;) {
            size_t len = strcspn(part, ".");
            rc = add_quoted(out, (sp_str){part, len}, '"') || sp_buf_adds(out, ".") ? SPATE_E_NOMEM : SPATE_OK;
            part += len + 1;
        }
    }
    if (rc == SPATE_OK)
        rc = add_quoted(out, (sp_str){name.data, name.len}, '"');
    sp_buf_done(&name);
    return rc;
}

enum { DOUBLE_DIGITS = 15 };

static int add_labels(sp_buf *out, const sp_field *field)
{
    if (sp_buf_adds(out, "("))
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < field->n_labels; i++) {
        if ((i && sp_buf_adds(out, ", ")) || sp_sql_literal(out, field->labels[i]))
            return SPATE_E_NOMEM;
    }
    return sp_buf_adds(out, ")");
}

/* ---- MariaDB's own --------------------------------------------------------------------------- */

uint32_t sp_sql_key_room(uint32_t texts, uint32_t columns)
{
    enum { OTHER_BYTES = 32 }; /* at most, but for intervals */
    uint32_t others = (columns - texts) * OTHER_BYTES;
    return texts && others < SP_SQL_MARIADB_KEY_BYTES ? (SP_SQL_MARIADB_KEY_BYTES - others) / texts : 0;
}

/* How many bytes of a key the field may have; UINT32_MAX: it is not in it. */
static uint32_t room_in_key(const sp_schema *schema, const uint32_t *columns, uint32_t n, uint32_t field)
{
    uint32_t texts = 0;
    bool in = false;
    for (uint32_t i = 0; i < n; i++) {
        sp_kind kind = schema->fields[columns[i]].type.kind;
        texts += kind == SP_TEXT || kind == SP_BYTES;
        in |= columns[i] == field;
    }
    return in ? sp_sql_key_room(texts, n) : UINT32_MAX;
}

static uint32_t room_in_keys(const sp_schema *schema, uint32_t field)
{
    uint32_t least = room_in_key(schema, schema->primary_key, schema->n_primary_key, field);
    for (uint32_t i = 0; i < schema->n_uniques; i++)
        least = SP_MIN(least, room_in_key(schema, &schema->uniques[i], 1, field));
    for (uint32_t i = 0; i < schema->n_foreign_keys; i++)
        least = SP_MIN(least, room_in_key(schema, schema->foreign_keys[i].columns, schema->foreign_keys[i].n, field));
    return least;
}

/* No endless text can be in a key. A row's text that is not endless counts against its 65535 bytes, so what is not short is endless
 * unless it is in a key; room: how many bytes it may have there, UINT32_MAX: it is in none. */
static int add_mariadb_text(sp_buf *out, sp_sql_dialect dialect, const sp_field *f, uint32_t room)
{
    bool bytes = f->type.kind == SP_BYTES, key = room != UINT32_MAX;
    uint32_t most = SP_MIN(room, (uint32_t)SP_SQL_MARIADB_KEY_BYTES) / (bytes ? 1 : 4);
    uint32_t length = f->type.length && f->type.length <= most ? f->type.length : key ? most : 0;
    if (length)
        return sp_buf_printf(out, bytes ? "varbinary(%u)" : "varchar(%u)", length);
    return sp_buf_adds(out, type_names[f->type.kind][type_column(dialect)]);
}

static bool is_text_word(const sp_field *f)
{
    return !f->sql_type || !(sp_str_ieq((sp_str){f->sql_type, strcspn(f->sql_type, "(")}, "set") ||
                             sp_str_ieq((sp_str){f->sql_type, strcspn(f->sql_type, "(")}, "numeric") ||
                             sp_str_ieq((sp_str){f->sql_type, strcspn(f->sql_type, "(")}, "decimal"));
}

/* There are no lists; and a decimal without numbers has none behind the point, and at most 65 digits. */
static bool fits_mariadb(const char *type)
{
    if (strchr(type, '['))
        return false;
    const char *args = strchr(type, '('), *comma = args ? strchr(args, ',') : NULL;
    bool decimal = sp_str_ieq((sp_str){type, SP_MIN(strlen(type), (size_t)3)}, "dec") ||
                   sp_str_ieq((sp_str){type, SP_MIN(strlen(type), (size_t)7)}, "numeric");
    long scale = comma ? strtol(comma + 1, NULL, 10) : 0;
    return !decimal || (args && strtol(args + 1, NULL, 10) <= 65 && scale >= 0 && scale <= 30);
}

static int add_mariadb_type(sp_buf *out, sp_sql_dialect dialect, const sp_field *f, uint32_t room)
{
    if (f->n_labels)
        return sp_buf_adds(out, "enum") || add_labels(out, f) ? SPATE_E_NOMEM : SPATE_OK;
    if ((f->type.kind == SP_TEXT && is_text_word(f)) || f->type.kind == SP_BYTES)
        return add_mariadb_text(out, dialect, f, room);
    if (f->sql_type && keeps_spelling(dialect, f->sql_type) && fits_mariadb(f->sql_type))
        return sp_buf_adds(out, f->sql_type);
    return f->type.kind == SP_TEXT ? add_mariadb_text(out, dialect, f, room) : add_type(out, dialect, &f->type);
}

int sp_sql_type_in_key(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema, uint32_t field, uint32_t room)
{
    const sp_field *f = &schema->fields[field];
    if (f->cast)
        return sp_buf_adds(out, f->cast);
    if (sp_sql_is_mariadb(dialect))
        return add_mariadb_type(out, dialect, f, SP_MIN(room, room_in_keys(schema, field)));
    if (has_enum_type(dialect, f))
        return add_enum_name(out, schema, f);
    if (dialect == SP_SQL_SQLITE && f->sql_type && f->type.kind == SP_DECIMAL && f->type.precision > DOUBLE_DIGITS)
        return sp_buf_adds(out, "text"); /* its numbers with a fraction are 8-byte floats */
    bool endless = f->type.kind == SP_TEXT && dialect == SP_SQL_DUCKDB &&
                   sp_str_ieq(sp_str_of(f->sql_type ? f->sql_type : ""), "numeric");
    if (f->n_labels == 0 && f->sql_type && !endless && keeps_spelling(dialect, f->sql_type))
        return sp_buf_adds(out, f->sql_type);
    return add_type(out, dialect, &f->type);
}

int sp_sql_type(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema, uint32_t field)
{
    return sp_sql_type_in_key(out, dialect, schema, field, UINT32_MAX);
}

int sp_sql_create_types(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema)
{
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const sp_field *f = &schema->fields[i];
        if (!has_enum_type(dialect, f))
            continue;
        if (sp_buf_adds(out, "CREATE TYPE ") || add_enum_name(out, schema, f) || sp_buf_adds(out, " AS ENUM ") ||
            add_labels(out, f) || sp_buf_adds(out, ";\n"))
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

int sp_sql_drop_types(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema)
{
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const sp_field *f = &schema->fields[i];
        if (has_enum_type(dialect, f) &&
            (sp_buf_adds(out, "DROP TYPE IF EXISTS ") || add_enum_name(out, schema, f) || sp_buf_adds(out, ";\n")))
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

/* ---- tables and keys ------------------------------------------------------------------------ */

static bool in_primary_key(const sp_schema *schema, uint32_t field)
{
    for (uint32_t i = 0; i < schema->n_primary_key; i++) {
        if (schema->primary_key[i] == field)
            return true;
    }
    return false;
}

/* A field that is the whole primary key is unique already. */
static bool needs_unique(const sp_schema *schema, uint32_t field)
{
    return !(schema->n_primary_key == 1 && schema->primary_key[0] == field);
}

static int add_primary_key(sp_buf *out, const sp_schema *schema)
{
    return sp_buf_adds(out, "PRIMARY KEY (") || add_columns(out, schema, schema->primary_key, schema->n_primary_key) ||
                   sp_buf_adds(out, ")")
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

static int add_unique(sp_buf *out, const sp_schema *schema, uint32_t field)
{
    return sp_buf_adds(out, "UNIQUE (") || add_columns(out, schema, &field, 1) || sp_buf_adds(out, ")") ? SPATE_E_NOMEM
                                                                                                        : SPATE_OK;
}

static int add_foreign_key(sp_buf *out, const sp_schema *schema, const sp_foreign_key *key)
{
    return sp_buf_adds(out, "FOREIGN KEY (") || add_columns(out, schema, key->columns, key->n) ||
                   sp_buf_adds(out, ") REFERENCES ") || sp_sql_ident(out, key->parent) || sp_buf_adds(out, " (") ||
                   add_names(out, key->parent_columns, key->n) || sp_buf_adds(out, ")")
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

static int add_column(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema, uint32_t field)
{
    const sp_field *f = &schema->fields[field];
    if (sp_sql_name(out, f->name) || sp_buf_adds(out, " ") || sp_sql_type(out, dialect, schema, field))
        return SPATE_E_NOMEM;
    if ((!f->nullable || in_primary_key(schema, field)) && sp_buf_adds(out, " NOT NULL"))
        return SPATE_E_NOMEM;
    if (f->n_labels == 0 || has_enum_type(dialect, f) || sp_sql_is_mariadb(dialect))
        return SPATE_OK;
    return sp_buf_adds(out, " CHECK (") || sp_sql_name(out, f->name) || sp_buf_adds(out, " IN ") ||
                   add_labels(out, f) || sp_buf_adds(out, ")")
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

static const char next_line[] = ",\n  ";

static int add_table_keys(sp_buf *out, const sp_schema *schema)
{
    if (schema->n_primary_key && (sp_buf_adds(out, next_line) || add_primary_key(out, schema)))
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < schema->n_uniques; i++) {
        if (needs_unique(schema, schema->uniques[i]) &&
            (sp_buf_adds(out, next_line) || add_unique(out, schema, schema->uniques[i])))
            return SPATE_E_NOMEM;
    }
    for (uint32_t i = 0; i < schema->n_foreign_keys; i++) {
        if (sp_buf_adds(out, next_line) || add_foreign_key(out, schema, &schema->foreign_keys[i]))
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

/* Text is compared as it is, letter for letter and space for space: other keys would find the same what is different. */
const char *sp_sql_table_tail(sp_sql_dialect dialect)
{
    return dialect == SP_SQL_MARIADB ? " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"
           : dialect == SP_SQL_MYSQL ? " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin"
                                     : "";
}

int sp_sql_create_table(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema, bool keys)
{
    if (sp_buf_adds(out, "CREATE TABLE ") || sp_sql_ident(out, schema->table) || sp_buf_adds(out, " (\n  "))
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if ((i && sp_buf_adds(out, next_line)) || add_column(out, dialect, schema, i))
            return SPATE_E_NOMEM;
    }
    if (keys && add_table_keys(out, schema))
        return SPATE_E_NOMEM;
    if (!keys && sp_sql_is_mariadb(dialect) && schema->n_primary_key &&
        (sp_buf_adds(out, next_line) || add_primary_key(out, schema)))
        return SPATE_E_NOMEM;
    return sp_buf_adds(out, "\n)") || sp_buf_adds(out, sp_sql_table_tail(dialect)) || sp_buf_adds(out, ";\n")
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

/* DuckDB has ADD PRIMARY KEY and no ADD UNIQUE, SQLite neither; a unique index is the same promise. */
static int add_unique_index(sp_buf *out, const sp_schema *schema, const uint32_t *columns, uint32_t n)
{
    const char *dot = strrchr(schema->table, '.');
    sp_buf name = {0};
    int rc = sp_buf_printf(&name, "%s_%s_key", dot ? dot + 1 : schema->table, schema->fields[columns[0]].name);
    if (rc == SPATE_OK)
        rc = sp_buf_adds(out, "CREATE UNIQUE INDEX IF NOT EXISTS ") ||
                     add_quoted(out, (sp_str){name.data, name.len}, '"') || sp_buf_adds(out, " ON ") ||
                     sp_sql_ident(out, schema->table) || sp_buf_adds(out, " (") ||
                     add_columns(out, schema, columns, n) || sp_buf_adds(out, ");\n")
                 ? SPATE_E_NOMEM
                 : SPATE_OK;
    sp_buf_done(&name);
    return rc;
}

static int add_keys_as_indexes(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema)
{
    if (schema->n_primary_key && dialect == SP_SQL_DUCKDB &&
        (sp_buf_adds(out, "ALTER TABLE ") || sp_sql_ident(out, schema->table) || sp_buf_adds(out, " ADD ") ||
         add_primary_key(out, schema) || sp_buf_adds(out, ";\n")))
        return SPATE_E_NOMEM;
    if (schema->n_primary_key && dialect == SP_SQL_SQLITE &&
        add_unique_index(out, schema, schema->primary_key, schema->n_primary_key))
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < schema->n_uniques; i++) {
        if (needs_unique(schema, schema->uniques[i]) && add_unique_index(out, schema, &schema->uniques[i], 1))
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

/* MariaDB wants an index behind each foreign key, and makes one where there is none: another time through the rows. */
static bool leads_an_index(const sp_schema *schema, uint32_t key)
{
    const sp_foreign_key *f = &schema->foreign_keys[key];
    bool leads =
        f->n <= schema->n_primary_key && memcmp(f->columns, schema->primary_key, f->n * sizeof(*f->columns)) == 0;
    for (uint32_t i = 0; i < schema->n_uniques; i++)
        leads = leads || (f->n == 1 && f->columns[0] == schema->uniques[i]);
    for (uint32_t i = 0; i < key; i++)
        leads = leads || (schema->foreign_keys[i].n >= f->n &&
                          memcmp(f->columns, schema->foreign_keys[i].columns, f->n * sizeof(*f->columns)) == 0);
    return leads;
}

/* By its columns, so that whoever makes it again is told that it is there. */
static int add_index_name(sp_buf *out, const sp_schema *schema, const uint32_t *columns, uint32_t n)
{
    sp_buf name = {0};
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < n && !rc; i++)
        rc = sp_buf_printf(&name, "%s%s", i ? "_" : "", schema->fields[columns[i]].name);
    rc = rc || shorten_name(&name) || add_quoted(out, (sp_str){name.data, name.len}, '"');
    sp_buf_done(&name);
    return rc ? SPATE_E_NOMEM : SPATE_OK;
}

static int add_mariadb_index(sp_buf *out, const sp_schema *schema, bool unique, const uint32_t *columns, uint32_t n,
                             uint32_t *added)
{
    return sp_buf_adds(out, (*added)++ ? ",\n  ADD " : "\n  ADD ") ||
           sp_buf_adds(out, unique ? "UNIQUE INDEX " : "INDEX ") || add_index_name(out, schema, columns, n) ||
           sp_buf_adds(out, " (") || add_columns(out, schema, columns, n) || sp_buf_adds(out, ")");
}

static int add_keys_to_mariadb(sp_buf *out, const sp_schema *schema)
{
    size_t start = out->len;
    uint32_t n = 0;
    int rc = sp_buf_adds(out, "ALTER TABLE ") || sp_sql_ident(out, schema->table);
    for (uint32_t i = 0; i < schema->n_uniques && !rc; i++)
        rc = needs_unique(schema, schema->uniques[i]) &&
             add_mariadb_index(out, schema, true, &schema->uniques[i], 1, &n);
    for (uint32_t i = 0; i < schema->n_foreign_keys && !rc; i++)
        rc = !leads_an_index(schema, i) &&
             add_mariadb_index(out, schema, false, schema->foreign_keys[i].columns, schema->foreign_keys[i].n, &n);
    if (n == 0)
        out->len = start;
    return rc || (n && sp_buf_adds(out, ";\n")) ? SPATE_E_NOMEM : SPATE_OK;
}

/* One ALTER TABLE, so that PostgreSQL takes its lock once, and MariaDB goes through the rows once. */
int sp_sql_add_keys(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema)
{
    if (dialect == SP_SQL_DUCKDB || dialect == SP_SQL_SQLITE)
        return add_keys_as_indexes(out, dialect, schema);
    if (sp_sql_is_mariadb(dialect))
        return add_keys_to_mariadb(out, schema);
    size_t start = out->len, n = 0;
    if (sp_buf_adds(out, "ALTER TABLE ") || sp_sql_ident(out, schema->table))
        return SPATE_E_NOMEM;
    if (schema->n_primary_key) {
        n++;
        if (sp_buf_adds(out, "\n  ADD ") || add_primary_key(out, schema))
            return SPATE_E_NOMEM;
    }
    for (uint32_t i = 0; i < schema->n_uniques; i++) {
        if (!needs_unique(schema, schema->uniques[i]))
            continue;
        if (sp_buf_adds(out, n++ ? ",\n  ADD " : "\n  ADD ") || add_unique(out, schema, schema->uniques[i]))
            return SPATE_E_NOMEM;
    }
    if (n == 0) {
        out->len = start;
        return SPATE_OK;
    }
    return sp_buf_adds(out, ";\n");
}

int sp_sql_add_foreign_keys(sp_buf *out, sp_sql_dialect dialect, const sp_schema *schema)
{
    if (dialect == SP_SQL_DUCKDB || dialect == SP_SQL_SQLITE || schema->n_foreign_keys == 0)
        return SPATE_OK;
    if (sp_buf_adds(out, "ALTER TABLE ") || sp_sql_ident(out, schema->table))
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < schema->n_foreign_keys; i++) {
        if (sp_buf_adds(out, i ? ",\n  ADD " : "\n  ADD ") || add_foreign_key(out, schema, &schema->foreign_keys[i]))
            return SPATE_E_NOMEM;
    }
    return sp_buf_adds(out, ";\n");
}

/* ---- statements ----------------------------------------------------------------------------- */

static int add_target(sp_buf *out, const char *verb, const sp_schema *schema, const char *tail)
{
    if (sp_buf_adds(out, verb) || sp_sql_ident(out, schema->table) || sp_buf_adds(out, " ("))
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if ((i && sp_buf_adds(out, ", ")) || sp_sql_name(out, schema->fields[i].name))
            return SPATE_E_NOMEM;
    }
    return sp_buf_adds(out, tail);
}

int sp_sql_insert_head(sp_buf *out, const sp_schema *schema)
{
    return add_target(out, "INSERT INTO ", schema, ") VALUES");
}

int sp_sql_copy_head(sp_buf *out, const sp_schema *schema)
{
    return add_target(out, "COPY ", schema, ") FROM STDIN");
}

int sp_sql_on_conflict(sp_buf *out, const sp_schema *schema)
{
    if (schema->n_primary_key == 0)
        return sp_buf_adds(out, "ON CONFLICT DO NOTHING");
    if (sp_buf_adds(out, "ON CONFLICT (") || add_columns(out, schema, schema->primary_key, schema->n_primary_key))
        return SPATE_E_NOMEM;
    if (schema->n_primary_key >= schema->n_fields)
        return sp_buf_adds(out, ") DO NOTHING");
    if (sp_buf_adds(out, ") DO UPDATE SET "))
        return SPATE_E_NOMEM;
    bool first = true;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (in_primary_key(schema, i))
            continue;
        const char *name = schema->fields[i].name;
        if ((!first && sp_buf_adds(out, ", ")) || sp_sql_name(out, name) || sp_buf_adds(out, " = excluded.") ||
            sp_sql_name(out, name))
            return SPATE_E_NOMEM;
        first = false;
    }
    return SPATE_OK;
}
