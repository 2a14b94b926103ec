/* test_sql.c - the words of SQL around the rows, in four dialects, against what was written by hand. */
#include "codec/codec.h"
#include "check.h"

static const sp_str labels[] = {{"new", 3}, {"it's", 4}};
static const sp_type int_type = {.kind = SP_I32};
static const sp_field user_fields[] = {
    {.name = "id", .type = {.kind = SP_UUID}},
    {.name = "status", .type = {.kind = SP_TEXT}, .labels = labels, .n_labels = 2},
    {.name = "e\"mail.x", .type = {.kind = SP_TEXT}, .nullable = true, .sql_type = "varchar(20)"},
    {.name = "boss", .type = {.kind = SP_UUID}, .nullable = true},
};
static const uint32_t zero = 0, three = 3, two_uniques[] = {0, 2};
static const char *const id_name[] = {"id"};
static const sp_foreign_key boss_key = {.parent = "shop.users", .n = 1, .columns = &three, .parent_columns = id_name};
static const sp_schema users = {.table = "shop.users",
                                .fields = user_fields,
                                .n_fields = 4,
                                .primary_key = &zero,
                                .n_primary_key = 1,
                                .uniques = two_uniques,
                                .n_uniques = 2,
                                .foreign_keys = &boss_key,
                                .n_foreign_keys = 1};

#define CHECK_SQL(call, want) \
    do { \
        sp_buf out_ = {0}, *out = &out_; \
        CHECK_INT((call), SPATE_OK); \
        CHECK_STRN(out_.data ? out_.data : "", out_.len, want); \
        sp_buf_done(&out_); \
    } while (0)

static void names_and_literals(void)
{
    CHECK_SQL(sp_sql_ident(out, "users"), "\"users\"");
    CHECK_SQL(sp_sql_ident(out, "shop.us\"ers"), "\"shop\".\"us\"\"ers\"");
    CHECK_SQL(sp_sql_literal(out, sp_str_of("it's")), "'it''s'");
    CHECK_SQL(sp_sql_literal(out, sp_str_of("")), "''");
}

static void types(void)
{
    static const struct {
        sp_kind kind;
        const char *postgres, *duckdb, *sqlite;
    } cases[] = {
        {SP_BOOL, "boolean", "boolean", "boolean"},
        {SP_I16, "smallint", "smallint", "integer"},
        {SP_U64, "numeric(20,0)", "ubigint", "integer"},
        {SP_F64, "double precision", "double", "real"},
        {SP_DECIMAL, "numeric(9,2)", "decimal(9,2)", "numeric(9,2)"},
        {SP_TIMESTAMPTZ, "timestamptz", "timestamptz", "text"},
        {SP_JSON, "jsonb", "json", "text"},
        {SP_BYTES, "bytea", "blob", "blob"},
        {SP_LIST, "integer[]", "integer[]", "text"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        sp_field field = {.name = "c", .type = {.kind = cases[i].kind, .precision = 9, .scale = 2, .item = &int_type}};
        sp_schema schema = {.table = "t", .fields = &field, .n_fields = 1};
        CHECK_SQL(sp_sql_type(out, SP_SQL_POSTGRES, &schema, 0), cases[i].postgres);
        CHECK_SQL(sp_sql_type(out, SP_SQL_COCKROACH, &schema, 0), cases[i].postgres);
        CHECK_SQL(sp_sql_type(out, SP_SQL_DUCKDB, &schema, 0), cases[i].duckdb);
        CHECK_SQL(sp_sql_type(out, SP_SQL_SQLITE, &schema, 0), cases[i].sqlite);
    }
}

static void types_spelled_by_the_plan(void)
{
    sp_field field = {.name = "c", .type = {.kind = SP_JSON}, .sql_type = "jsonb"};
    sp_schema schema = {.table = "t", .fields = &field, .n_fields = 1};
    CHECK_SQL(sp_sql_type(out, SP_SQL_POSTGRES, &schema, 0), "jsonb");
    CHECK_SQL(sp_sql_type(out, SP_SQL_DUCKDB, &schema, 0), "json");
    CHECK_SQL(sp_sql_type(out, SP_SQL_SQLITE, &schema, 0), "text");
    field = (sp_field){.name = "c", .type = {.kind = SP_TEXT}, .sql_type = "VARCHAR(20)"};
    CHECK_SQL(sp_sql_type(out, SP_SQL_POSTGRES, &schema, 0), "VARCHAR(20)");
    CHECK_SQL(sp_sql_type(out, SP_SQL_DUCKDB, &schema, 0), "VARCHAR(20)");
    CHECK_SQL(sp_sql_type(out, SP_SQL_SQLITE, &schema, 0), "VARCHAR(20)");
    field.sql_type = "string";
    CHECK_SQL(sp_sql_type(out, SP_SQL_SQLITE, &schema, 0), "text");
}

/* Every name that a plan may use, where PostgreSQL and DuckDB do not know it as it is. */
static void types_that_a_dialect_does_not_know(void)
{
    static const struct {
        const char *spelled;
        sp_kind kind;
        const char *postgres, *duckdb;
    } cases[] = {
        {"tinyint(4)", SP_I16, "smallint", "smallint"},
        {"mediumint", SP_I32, "integer", "integer"},
        {"bigint unsigned", SP_U64, "numeric(20,0)", "ubigint"},
        {"BIGINT", SP_I64, "BIGINT", "BIGINT"},
        {"serial", SP_I32, "serial", "integer"},
        {"double", SP_F64, "double precision", "double"},
        {"double precision", SP_F64, "double precision", "double precision"},
        {"float(30)", SP_F64, "float(30)", "double"},
        {"float", SP_F64, "float", "double"},
        {"numeric(9,2)", SP_DECIMAL, "numeric(9,2)", "numeric(9,2)"},
        {"time(3)", SP_TIME, "time(3)", "time"},
        {"timestamptz(3)", SP_TIMESTAMPTZ, "timestamptz(3)", "timestamptz"},
        {"timestamp(3) with time zone", SP_TIMESTAMPTZ, "timestamptz", "timestamptz"},
        {"timestamp with time zone", SP_TIMESTAMPTZ, "timestamp with time zone", "timestamp with time zone"},
        {"interval(3)", SP_INTERVAL, "interval(3)", "interval"},
        {"datetime", SP_TIMESTAMP, "timestamp", "datetime"},
        {"datetime(3)", SP_TIMESTAMP, "timestamp", "timestamp"},
        {"string", SP_TEXT, "text", "string"},
        {"string(20)", SP_TEXT, "text", "text"},
        {"character varying(9)", SP_TEXT, "character varying(9)", "text"},
        {"citext", SP_TEXT, "citext", "text"},
        {"mediumtext", SP_TEXT, "text", "text"},
        {"longtext", SP_TEXT, "text", "text"},
        {"bytes", SP_BYTES, "bytea", "blob"},
        {"blob", SP_BYTES, "bytea", "blob"},
        {"mediumblob", SP_BYTES, "bytea", "blob"},
        {"longblob", SP_BYTES, "bytea", "blob"},
        {"varbinary(20)", SP_BYTES, "bytea", "blob"},
        {"binary(20)", SP_BYTES, "bytea", "blob"},
        {"nonsense", SP_TEXT, "text", "text"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        sp_field field = {
            .name = "c", .type = {.kind = cases[i].kind, .precision = 9, .scale = 2}, .sql_type = cases[i].spelled};
        sp_schema schema = {.table = "t", .fields = &field, .n_fields = 1};
        CHECK_SQL(sp_sql_type(out, SP_SQL_POSTGRES, &schema, 0), cases[i].postgres);
        CHECK_SQL(sp_sql_type(out, SP_SQL_DUCKDB, &schema, 0), cases[i].duckdb);
    }
}

static void tables(void)
{
    CHECK_SQL(sp_sql_create_types(out, SP_SQL_POSTGRES, &users),
              "CREATE TYPE \"shop\".\"users_status\" AS ENUM ('new', 'it''s');\n");
    CHECK_SQL(sp_sql_create_types(out, SP_SQL_SQLITE, &users), "");
    CHECK_SQL(sp_sql_create_table(out, SP_SQL_POSTGRES, &users, false),
              "CREATE TABLE \"shop\".\"users\" (\n"
              "  \"id\" uuid NOT NULL,\n"
              "  \"status\" \"shop\".\"users_status\" NOT NULL,\n"
              "  \"e\"\"mail.x\" varchar(20),\n"
              "  \"boss\" uuid\n"
              ");\n");
    CHECK_SQL(sp_sql_create_table(out, SP_SQL_SQLITE, &users, true),
              "CREATE TABLE \"shop\".\"users\" (\n"
              "  \"id\" text NOT NULL,\n"
              "  \"status\" text NOT NULL CHECK (\"status\" IN ('new', 'it''s')),\n"
              "  \"e\"\"mail.x\" varchar(20),\n"
              "  \"boss\" text,\n"
              "  PRIMARY KEY (\"id\"),\n"
              "  UNIQUE (\"e\"\"mail.x\"),\n"
              "  FOREIGN KEY (\"boss\") REFERENCES \"shop\".\"users\" (\"id\")\n"
              ");\n");
}

static void long_enumeration_names(void)
{
    sp_field fields[] = {{.name = "a_column_with_a_long_name_a", .labels = labels, .n_labels = 1},
                         {.name = "a_column_with_a_long_name_b", .labels = labels, .n_labels = 1}};
    sp_schema schema = {.table = "a_table_with_a_name_that_is_nearly_too_long", .fields = fields, .n_fields = 2};
    sp_buf a = {0}, b = {0};
    CHECK_INT(sp_sql_type(&a, SP_SQL_POSTGRES, &schema, 0), SPATE_OK);
    CHECK_INT(sp_sql_type(&b, SP_SQL_POSTGRES, &schema, 1), SPATE_OK);
    CHECK_INT(a.len, 63 + 2);
    CHECK_INT(b.len, 63 + 2);
    CHECK(memcmp(a.data, b.data, 54) == 0 && memcmp(a.data, b.data, a.len) != 0);
    sp_buf_done(&a);
    sp_buf_done(&b);
}

static void keys(void)
{
    CHECK_SQL(sp_sql_add_keys(out, SP_SQL_POSTGRES, &users),
              "ALTER TABLE \"shop\".\"users\"\n  ADD PRIMARY KEY (\"id\"),\n  ADD UNIQUE (\"e\"\"mail.x\");\n");
    CHECK_SQL(sp_sql_add_keys(out, SP_SQL_DUCKDB, &users),
              "ALTER TABLE \"shop\".\"users\" ADD PRIMARY KEY (\"id\");\n"
              "CREATE UNIQUE INDEX IF NOT EXISTS \"users_e\"\"mail.x_key\" ON \"shop\".\"users\" (\"e\"\"mail.x\");\n");
    CHECK_SQL(sp_sql_add_foreign_keys(out, SP_SQL_POSTGRES, &users),
              "ALTER TABLE \"shop\".\"users\"\n  ADD FOREIGN KEY (\"boss\") REFERENCES \"shop\".\"users\" (\"id\");\n");
    CHECK_SQL(sp_sql_add_foreign_keys(out, SP_SQL_SQLITE, &users), "");
    sp_schema bare = {.table = "t", .fields = user_fields, .n_fields = 1};
    CHECK_SQL(sp_sql_add_keys(out, SP_SQL_POSTGRES, &bare), "");
    CHECK_SQL(sp_sql_add_foreign_keys(out, SP_SQL_POSTGRES, &bare), "");
}

static void statements(void)
{
    sp_schema two = {.table = "t", .fields = user_fields, .n_fields = 2, .primary_key = &zero, .n_primary_key = 1};
    sp_schema one = {.table = "t", .fields = user_fields, .n_fields = 1, .primary_key = &zero, .n_primary_key = 1};
    sp_schema none = {.table = "t", .fields = user_fields, .n_fields = 1};
    CHECK_SQL(sp_sql_insert_head(out, &two), "INSERT INTO \"t\" (\"id\", \"status\") VALUES");
    CHECK_SQL(sp_sql_copy_head(out, &two), "COPY \"t\" (\"id\", \"status\") FROM STDIN");
    CHECK_SQL(sp_sql_on_conflict(out, &two), "ON CONFLICT (\"id\") DO UPDATE SET \"status\" = excluded.\"status\"");
    CHECK_SQL(sp_sql_on_conflict(out, &one), "ON CONFLICT (\"id\") DO NOTHING");
    CHECK_SQL(sp_sql_on_conflict(out, &none), "ON CONFLICT DO NOTHING");
}

static void no_memory(void)
{
    for (uint64_t nth = 1; nth <= 8; nth++) {
        sp_buf out = {0};
        sp_alloc_fail_at(nth);
        int rc = sp_sql_create_types(&out, SP_SQL_POSTGRES, &users) ||
                 sp_sql_create_table(&out, SP_SQL_POSTGRES, &users, true) ||
                 sp_sql_add_keys(&out, SP_SQL_DUCKDB, &users);
        sp_alloc_fail_at(0);
        CHECK(rc || nth > 4);
        sp_buf_done(&out);
    }
}

int main(void)
{
    RUN(names_and_literals);
    RUN(types);
    RUN(types_spelled_by_the_plan);
    RUN(types_that_a_dialect_does_not_know);
    RUN(tables);
    RUN(long_enumeration_names);
    RUN(keys);
    RUN(statements);
    RUN(no_memory);
    return check_done();
}
