/* test_ddl.c - expressions of one server's catalogue in another's words: what goes through, what is refused, and that refusing leaves
 * nothing behind. */
#include "endpoint/ddl.h"
#include "unit/check.h"

static sp_arena arena;
static sp_catalog catalog;

static const sp_cat_table *a_table(void)
{
    sp_catalog_init(&catalog, &arena);
    sp_cat_table *t = sp_catalog_add_table(&catalog, "public", "t");
    static const char *const names[] = {"price", "name", "Odd \"one", "status", "select"};
    for (size_t i = 0; i < SP_COUNT(names); i++)
        CHECK(sp_catalog_add_column(&catalog, t, names[i]) != NULL);
    return t;
}

#define SAYS(sql, to, want) \
    do { \
        sp_buf out = {0}; \
        CHECK(sp_buf_adds(&out, "x:") == SPATE_OK); \
        bool said = sp_ddl_expr(&out, a_table(), sql, SP_SQL_POSTGRES, to, NULL); \
        const char *want_ = want; \
        CHECK(said == (want_ != NULL)); \
        CHECK_STRN(out.data + 2, out.len - 2, want_ ? want_ : ""); \
        sp_buf_done(&out); \
    } while (0)

static void conditions(void)
{
    SAYS("((price > (0)::numeric) AND (name <> ''::text))", SP_SQL_SQLITE, "((\"price\" > (0)) AND (\"name\" <> ''))");
    SAYS("(price >= (10)::numeric(10,2))", SP_SQL_DUCKDB, "(\"price\" >= (10))");
    SAYS("(\"Odd \"\"one\" IS NOT NULL)", SP_SQL_SQLITE, "(\"Odd \"\"one\" IS NOT NULL)");
    SAYS("(status = ANY (ARRAY['new'::text, 'it''s'::text]))", SP_SQL_SQLITE, "(\"status\" IN ('new', 'it''s'))");
    SAYS("((status)::text <> ALL ((ARRAY['a'::character varying, 'b'::character varying])::text[]))", SP_SQL_DUCKDB,
         "((\"status\") NOT IN ('a', 'b'))");
    SAYS("((length((name)::text) * 2) <= 40)", SP_SQL_SQLITE, "((length((\"name\")) * 2) <= 40)");
    SAYS("(char_length(name) > 3)", SP_SQL_SQLITE, "(length(\"name\") > 3)");
    SAYS("((price >= '-5'::integer) AND (price <= 1.5e3))", SP_SQL_DUCKDB,
         "((\"price\" >= '-5') AND (\"price\" <= 1.5e3))");
    SAYS("(\"select\" BETWEEN 1 AND 2)", SP_SQL_SQLITE, "(\"select\" BETWEEN 1 AND 2)");
    SAYS("(length(name) > 3)", SP_SQL_MARIADB, "(char_length(\"name\") > 3)");
    SAYS("(char_length(name) > 3)", SP_SQL_MYSQL, "(char_length(\"name\") > 3)");
    SAYS("(name <> 'a\\b'::text)", SP_SQL_MARIADB, "(\"name\" <> 'a\\b')");
}

static void refusals(void)
{
    static const char *const no[] = {
        "(email ~~ '%@%'::text)",
        "(name ~ '^a'::text)",
        "(lower(name) = 'a'::text)",
        "(price / 2 > 1)",
        "(nosuch > 1)",
        "public.twice(price) > 0",
        "(name = E'a\\\\b')",
        "(price = ANY (tags))",
        "(price > (",
        "(status = ANY (ARRAY['a'::text",
        "name || 'x'",
        "((price)::integer = 1)",
        "((price + 1.5)::bigint > 0)",
        "((name)::character varying(3) = 'abc')",
        "(price > $1)",
        "",
        "'open",
    };
    for (size_t i = 0; i < SP_COUNT(no); i++) {
        sp_buf out = {0};
        bool said = sp_ddl_expr(&out, a_table(), no[i], SP_SQL_POSTGRES, SP_SQL_SQLITE, NULL);
        bool odd = *no[i] == '\0' || strcmp(no[i], "'open") == 0 ||
                   strcmp(no[i], "(price > (") == 0; /* no server says these: only no crash */
        CHECK(odd || (!said && out.len == 0));
        sp_buf_done(&out);
    }
}

static void the_same_dialect_is_said_again(void)
{
    SAYS("(email ~~ '%@%'::text)", SP_SQL_POSTGRES, "(email ~~ '%@%'::text)");
    SAYS("(public.twice(price) > 0)", SP_SQL_POSTGRES, NULL);
    SAYS("(price OPERATOR(public.=) 5)", SP_SQL_POSTGRES, NULL);
    CHECK(sp_ddl_mentions("(\"Odd \"\"one\" > 0)", "Odd \"one"));
    CHECK(!sp_ddl_mentions("(name = 'price')", "price"));
    CHECK(sp_ddl_mentions("PRICE > 0", "price"));
}

static void defaults(void)
{
    static const struct {
        const char *sql;
        sp_sql_dialect to;
        const char *want;
    } cases[] = {
        {"'so-so'::public.mood", SP_SQL_DUCKDB, "'so-so'"},
        {"'a''b'::text", SP_SQL_SQLITE, "'a''b'"},
        {"now()", SP_SQL_SQLITE, "CURRENT_TIMESTAMP"},
        {"CURRENT_DATE", SP_SQL_DUCKDB, "CURRENT_DATE"},
        {"gen_random_uuid()", SP_SQL_DUCKDB, "uuid()"},
        {"gen_random_uuid()", SP_SQL_SQLITE, NULL},
        {"(1.50)::numeric", SP_SQL_SQLITE, "(1.50)"},
        {"true", SP_SQL_DUCKDB, "true"},
        {"nextval('s'::regclass)", SP_SQL_SQLITE, NULL},
        {"now()", SP_SQL_MARIADB, "CURRENT_TIMESTAMP"},
        {"CURRENT_TIMESTAMP(3)", SP_SQL_SQLITE, "CURRENT_TIMESTAMP"},
        {"(now() AT TIME ZONE 'utc'::text)", SP_SQL_MARIADB, "utc_timestamp(6)"},
        {"gen_random_uuid()", SP_SQL_MYSQL, NULL},
        {"'{}'::jsonb", SP_SQL_DUCKDB, "'{}'"},
        {"(- 5)", SP_SQL_SQLITE, "(- 5)"},
        {"('now'::text)::date", SP_SQL_SQLITE, NULL},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        sp_buf out = {0};
        bool said = sp_ddl_default(&out, cases[i].sql, SP_SQL_POSTGRES, cases[i].to);
        CHECK(said == (cases[i].want != NULL));
        CHECK_STRN(out.data ? out.data : "", out.len, cases[i].want ? cases[i].want : "");
        sp_buf_done(&out);
    }
}

/* A catalog's table as statements for another dialect. */
static void built(const char *source, int from, sp_sql_dialect to, const char *want, const char *notes)
{
    sp_ddl d = {0};
    spate_error err;
    sp_catalog_init(&catalog, &arena);
    catalog.dialect = from;
    CHECK(sp_catalog_read_sql(&catalog, source, strlen(source)) && sp_catalog_link(&catalog));
    const sp_cat_table *t = &catalog.tables[0];
    sp_field fields[8];
    sp_schema schema = {.table = t->name, .fields = fields};
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const sp_cat_type *type = &t->columns[i].type;
        if (!t->columns[i].generated_sql)
            fields[schema.n_fields++] =
                (sp_field){.name = t->columns[i].name,
                           .nullable = !t->columns[i].not_null,
                           .type = {.kind = type->class == SP_CAT_INTEGER ? SP_I32 : SP_TEXT, .length = type->length}};
    }
    CHECK(sp_catalog_add_schema_keys(&arena, &catalog, t, &schema));
    const sp_schema *schemas[] = {&schema};
    CHECK_INT(sp_ddl_build(&d, &arena, to, SP_DDL_KEYS_AFTER, schemas, 1, &catalog, &err), SPATE_OK);
    sp_buf out = {0}, left = {0};
    for (sp_ddl_step step = SP_DDL_TABLES; step <= SP_DDL_END; step++)
        CHECK_INT(sp_ddl_script(&d, step, 0, 1, &out), SPATE_OK);
    for (uint32_t i = 0; i < d.n_notes; i++)
        CHECK_INT(sp_buf_printf(&left, "%s\n", d.notes[i]), SPATE_OK);
    CHECK_STRN(out.data, out.len, want);
    CHECK_STRN(left.data ? left.data : "", left.len, notes);
    sp_buf_done(&out);
    sp_buf_done(&left);
}

#define TAIL ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;\n"

static void mariadb_adds_a_tables_indexes_at_once(void)
{
    built(
        "CREATE TABLE t (a integer PRIMARY KEY, b text, c varchar(30), CHECK (b <> c), CHECK (a > 0)); CREATE UNIQUE INDEX u ON t (b, a);"
        "CREATE INDEX i ON t (c DESC, b); CREATE INDEX p ON t (b) WHERE a > 0;",
        SP_SQL_SQLITE, SP_SQL_MARIADB,
        "CREATE TABLE \"t\" (\n  \"a\" int NOT NULL,\n  \"b\" varchar(760),\n  \"c\" varchar(30),\n  PRIMARY KEY (\"a\"),\n  CHECK (\"b\" <> \"c\"),\n"
        "  CHECK (\"a\" > 0)\n" TAIL
        "ALTER TABLE \"t\"\n  ADD UNIQUE INDEX \"u\" (\"b\", \"a\"),\n  ADD INDEX \"i\" (\"c\" DESC, \"b\"(384));\n",
        "table \"t\": the index \"p\"\n");
    built(
        "CREATE TABLE `t` (`a` int(11) NOT NULL AUTO_INCREMENT, `b` text DEFAULT NULL COMMENT 'it''s', `c` int(11) GENERATED ALWAYS AS (`b` + 1) VIRTUAL,"
        " PRIMARY KEY (`a`), UNIQUE KEY `u` (`b`(10)), KEY `k` (`b`(5) DESC,`a`), FULLTEXT KEY `f` (`b`)) ENGINE=InnoDB AUTO_INCREMENT=9"
        " DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='all'",
        SP_SQL_MARIADB, SP_SQL_MARIADB,
        "CREATE TABLE \"t\" (\n  \"a\" int(11) AUTO_INCREMENT NOT NULL,\n  \"b\" text COMMENT 'it''s',\n"
        "  \"c\" int(11) GENERATED ALWAYS AS (`b` + 1) VIRTUAL,\n  PRIMARY KEY (\"a\")\n) ENGINE=InnoDB DEFAULT COLLATE=utf8mb4_general_ci COMMENT='all';\n"
        "ALTER TABLE \"t\"\n  ADD UNIQUE INDEX \"u\" (\"b\"(10)),\n  ADD INDEX \"k\" (\"b\"(5) DESC, \"a\"),\n  ADD FULLTEXT KEY `f` (`b`);\n",
        "");
    built(
        "CREATE TABLE t (a int(11) AUTO_INCREMENT, b int(11), KEY a (a), UNIQUE KEY b (b))", SP_SQL_MARIADB,
        SP_SQL_MYSQL,
        "CREATE TABLE \"t\" (\n  \"a\" int AUTO_INCREMENT,\n  \"b\" int,\n  INDEX \"a\" (\"a\")\n"
        ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin;\nALTER TABLE \"t\"\n  ADD UNIQUE INDEX \"b\" (\"b\");\n",
        "");
    built(
        "CREATE TABLE t (a int(11) AUTO_INCREMENT, b int(11), UNIQUE KEY b (b, a))", SP_SQL_MARIADB, SP_SQL_MYSQL,
        "CREATE TABLE \"t\" (\n  \"a\" int,\n  \"b\" int\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin;\n"
        "ALTER TABLE \"t\"\n  ADD UNIQUE INDEX \"b\" (\"b\", \"a\");\n",
        "table \"t\": the numbering of column \"a\"\n");
}

static void no_memory_is_refused(void)
{
    for (uint64_t nth = 1; nth < 6; nth++) {
        sp_buf out = {0};
        const sp_cat_table *t = a_table();
        sp_alloc_fail_at(nth);
        (void)sp_ddl_expr(&out, t, "((price > 0) AND (name <> ''::text))", SP_SQL_POSTGRES, SP_SQL_SQLITE, NULL);
        sp_alloc_fail_at(0);
        sp_buf_done(&out);
    }
}

int main(void)
{
    sp_arena_init(&arena);
    RUN(conditions);
    RUN(refusals);
    RUN(the_same_dialect_is_said_again);
    RUN(defaults);
    RUN(mariadb_adds_a_tables_indexes_at_once);
    RUN(no_memory_is_refused);
    sp_arena_done(&arena);
    return check_done();
}
