/* test_datagen.c - the schemas of datagen-cli: what their columns become, by generator, pattern, rule, key, name and type. */
#include "unit/made.h"

#include <regex.h>
#include <stdlib.h>

#define SCHEMA(tables) "{\"version\": \"1.0\", \"database\": {\"name\": \"d\"}, \"tables\": {" tables "}}"
/* One table t of so many rows, keyed by id. */
#define TABLE(rows, columns) \
    SCHEMA("\"t\": {\"row_count\": " #rows \
           ", \"primary_key\": [\"id\"], \"columns\": {\"id\": {\"type\": \"serial\"}, " columns "}}")

static bool all_match(made *m, const char *column, const char *regex)
{
    regex_t re;
    CHECK_INT(regcomp(&re, regex, REG_EXTENDED | REG_NOSUB), 0);
    char *text = strdup(shown(m, 0, column)), *rest = text;
    bool good = text != NULL;
    for (char *cell; good && (cell = strsep(&rest, "|"));)
        if (!(good = regexec(&re, cell, 0, NULL, 0) == 0))
            printf("# %s: \"%s\" does not match %s\n", column, cell, regex);
    regfree(&re);
    free(text);
    return good;
}

static const sp_plan_column *column(const made *m, uint32_t table, const char *name)
{
    const sp_plan_table *t = &m->plan->tables[table];
    int i = sp_plan_find_column(t, sp_str_of(name));
    CHECK(i >= 0);
    return &t->columns[SP_MAX(i, 0)];
}

/* ---- both forms of columns, and what is read of a table ---- */

static void columns_are_a_map_or_a_list(void)
{
    static const char *const forms[] = {
        SCHEMA(
            "\"t\": {\"row_count\": 3, \"columns\": {\"id\": {\"type\": \"serial\", \"primary_key\": true}, \"ok\": {\"type\": \"boolean\"}}}"),
        SCHEMA("\"t\": {\"row_count\": 3, \"primary_key\": [\"id\"], \"columns\": ["
               "{\"name\": \"id\", \"type\": \"serial\"}, {\"name\": \"ok\", \"type\": \"boolean\"}]}"),
    };
    for (size_t i = 0; i < SP_COUNT(forms); i++) {
        made m;
        if (make(&m, forms[i])) {
            const sp_schema *s = sp_gen_schema(m.gen, 0);
            CHECK_STR(shown(&m, 0, "id"), "1|2|3");
            CHECK_INT(s->n_primary_key, 1);
            CHECK_STR(s->fields[s->primary_key[0]].name, "id");
            CHECK_STR(s->fields[0].sql_type, "serial");
            CHECK_INT(s->fields[1].type.kind, SP_BOOL);
        }
        drop(&m);
    }
}

static void nullable_columns_have_nulls(void)
{
    made m;
    if (make(
            &m,
            TABLE(
                2000,
                "\"a\": {\"type\": \"integer\", \"nullable\": true}, \"b\": {\"type\": \"integer\", \"default\": \"3\"}"))) {
        const sp_batch *b = rows_of(&m, 0);
        uint32_t nulls = 0;
        for (uint32_t i = 0; i < b->rows; i++)
            nulls += sp_column_null(&b->columns[1], i);
        CHECK(nulls > 40 && nulls < 200);
        CHECK(!sp_gen_schema(m.gen, 0)->fields[2].nullable);
    }
    drop(&m);
}

/* ---- keys ---- */

static void foreign_keys_lead_to_rows(void)
{
    made m;
    if (make(
            &m,
            SCHEMA(
                "\"child\": {\"row_count\": 50, \"columns\": {\"id\": {\"type\": \"bigserial\", \"primary_key\": true},"
                "  \"a\": {\"type\": \"integer\", \"distribution\": {\"type\": \"zipf\", \"alpha\": 1.5}}, \"x\": {\"type\": \"integer\"},"
                "  \"y\": {\"type\": \"text\"}, \"boss\": {\"type\": \"bigint\", \"nullable\": true}},"
                "  \"foreign_keys\": [{\"columns\": [\"a\"], \"referenced_table\": \"alone\", \"referenced_columns\": [\"id\"], \"on_delete\": \"CASCADE\"},"
                "    {\"columns\": [\"x\", \"y\"], \"referenced_table\": \"pair\", \"referenced_columns\": [\"p\", \"q\"]},"
                "    {\"columns\": [\"boss\"], \"referenced_table\": \"child\", \"referenced_columns\": [\"id\"]}]},"
                "\"alone\": {\"row_count\": 10, \"primary_key\": [\"id\"], \"columns\": [{\"name\": \"id\", \"type\": \"integer\"}]},"
                "\"pair\": {\"row_count\": 20, \"primary_key\": [\"p\", \"q\"], \"columns\": {\"p\": {\"type\": \"integer\"}, \"q\": {\"type\": \"text\"}}}"))) {
        const sp_schema *s = sp_gen_schema(m.gen, 0);
        CHECK_INT(s->n_foreign_keys, 3);
        CHECK_INT(column(&m, 0, "a")->distribution.spread, SP_SPREAD_ZIPF);
        CHECK(sp_str_is(column(&m, 0, "y")->draw, "x"));
        CHECK(column(&m, 0, "boss")->tree.roots == 1);
        CHECK_INT(sp_gen_schema(m.gen, 2)->n_primary_key, 2);
        for (uint32_t i = 0; i < s->n_foreign_keys; i++)
            if (strcmp(s->foreign_keys[i].parent, "pair") == 0)
                CHECK_INT(s->foreign_keys[i].n, 2);
    }
    drop(&m);
}

static void unique_keys_are_kept(void)
{
    made m;
    if (make(
            &m,
            SCHEMA(
                "\"t\": {\"row_count\": 500, \"primary_key\": [\"code\"], \"unique_constraints\": [{\"columns\": [\"email\"]}, {\"columns\": [\"a\", \"b\"]}],"
                "\"indexes\": [{\"columns\": [\"n\"], \"unique\": true}, {\"columns\": [\"a\"]}],"
                "\"columns\": {\"code\": {\"type\": \"varchar(12)\"}, \"email\": {\"type\": \"varchar(40)\"}, \"a\": {\"type\": \"integer\"},"
                "\"b\": {\"type\": \"text\"}, \"n\": {\"type\": \"smallint\"}, \"sku\": {\"type\": \"varchar(20)\", \"unique\": true,"
                "\"generator\": \"pattern\", \"generator_config\": {\"pattern\": \"[A-Z]{2}-[0-9]{2}\"}}}}"))) {
        static const char *const names[] = {"code", "email", "a", "n", "sku"};
        for (size_t k = 0; k < SP_COUNT(names); k++) {
            char *text = strdup(shown(&m, 0, names[k])), *rest = text;
            char *cells[500] = {0};
            uint32_t n = 0, doubles = 0;
            for (char *cell; n < 500 && (cell = strsep(&rest, "|")); n++) {
                cells[n] = cell;
                for (uint32_t i = 0; i < n; i++)
                    doubles += strcmp(cells[i], cell) == 0;
            }
            CHECK_INT(n, 500);
            CHECK_INT(doubles, 0);
            free(text);
        }
        CHECK(all_match(&m, "email", "^.{1,40}$"));
        CHECK(all_match(&m, "sku", "^[A-Z]{2}-[0-9]{5}$"));
    }
    drop(&m);
    if (make(
            &m,
            SCHEMA(
                "\"t\": {\"row_count\": 100, \"unique_constraints\": [[\"x\", \"y\"]], \"columns\": {"
                "\"x\": {\"type\": \"text\", \"generator\": \"enum\", \"generator_config\": {\"values\": [\"p\", \"q\"]}},"
                "\"y\": {\"type\": \"boolean\"}}}")))
        CHECK_INT(rows_of(&m, 0)->rows, 4); /* as many as there are */
    drop(&m);
}

static void pairs_of_references_differ(void)
{
    made m;
    if (make(
            &m,
            SCHEMA(
                "\"a\": {\"row_count\": 30, \"columns\": {\"id\": {\"type\": \"serial\", \"primary_key\": true}}},"
                "\"link\": {\"row_count\": 800, \"unique_constraints\": [{\"columns\": [\"x\", \"y\"]}], \"columns\": {\"x\": {\"type\": \"int\"}, \"y\": {\"type\": \"int\"}},"
                "\"foreign_keys\": [{\"columns\": [\"x\"], \"referenced_table\": \"a\", \"referenced_columns\": [\"id\"]},"
                "{\"columns\": [\"y\"], \"referenced_table\": \"a\", \"referenced_columns\": [\"id\"]}]}"))) {
        static bool seen[31][31];
        const sp_batch *b = rows_of(&m, 1);
        CHECK_INT(b->rows, 800);
        for (uint32_t i = 0; i < b->rows; i++) {
            bool *pair = &seen[((int32_t *)b->columns[0].data)[i]][((int32_t *)b->columns[1].data)[i]];
            if (!CHECK(!*pair))
                break;
            *pair = true;
        }
    }
    drop(&m);
}

static void checks_are_kept(void)
{
    made m;
    if (make(&m,
             SCHEMA(
                 "\"t\": {\"row_count\": 400, \"check_constraints\": [{\"expression\": \"qty BETWEEN 1 AND 5\"},"
                 "{\"expression\": \"status IN ('new', 'old')\"}, {\"expression\": \"begins <= ends\"}], \"columns\": {"
                 "\"qty\": {\"type\": \"integer\"}, \"status\": {\"type\": \"varchar(10)\"},"
                 "\"begins\": {\"type\": \"date\"}, \"ends\": {\"type\": \"date\"}}}"))) {
        CHECK(all_match(&m, "qty", "^[1-5]$"));
        CHECK(all_match(&m, "status", "^(new|old)$"));
        const sp_batch *b = rows_of(&m, 0);
        for (uint32_t i = 0; i < b->rows; i++)
            if (!CHECK(((int32_t *)b->columns[2].data)[i] <= ((int32_t *)b->columns[3].data)[i]))
                break;
    }
    drop(&m);
}

/* ---- ways to say how a column is made ---- */

static void patterns_count_and_draw(void)
{
    static const struct {
        const char *how, *regex;
    } cases[] = {
        {"\"pattern\": {\"template\": \"ORD-{year}-{sequence:8}\"}", "^ORD-2026-0000000[1-9]$"},
        {"\"pattern\": \"{table}/{row}/50%\"", "^t/[1-9]/50%$"},
        {"\"pattern\": {\"template\": \"{random:4}.{hex:3}{alpha:2}\"}", "^[0-9]{4}\\.[0-9a-f]{3}[A-Z]{2}$"},
        {"\"pattern\": {\"template\": \"{site}-{sequence:3}-{random:2}{kind}\", \"variables\": {\"site\": \"X'1\", \"kind\": [\"a+\", \"b\"]}}",
         "^X'1-00[1-9]-[0-9]{2}(a\\+|b)$"},
        {"\"pattern\": {\"template\": \"{alpha:2}/{random:2}-{row}-{hex:2}{seq:2}\"}",
         "^[A-Z]{2}/[0-9]{2}-[1-9]-[0-9a-f]{2}0[1-9]$"},
        {"\"pattern\": {\"template\": \"{month:name} {day} {month}\"}", "^January 01 01$"},
        {"\"pattern\": {\"template\": \"{uuid}\"}",
         "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"},
        {"\"generator\": \"template\", \"generator_config\": {\"template\": \"A{{seq}}-{{seq:4}}-{{rand:3}}\"}",
         "^A[1-9]-000[1-9]-[A-Z0-9]{3}$"},
        {"\"generator\": \"template\", \"generator_config\": {\"template\": \"MRN{seq:6}\"}", "^MRN00000[1-9]$"},
        {"\"generator\": \"pattern\", \"generator_config\": {\"pattern\": \"[A-Z]{3}-[0-9]+\"}",
         "^[A-Z]{3}-[0-9]{1,20}$"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        made m;
        char text[1024];
        snprintf(text, sizeof(text), TABLE(9, "\"c\": {\"type\": \"text\", %s}"), cases[i].how);
        if (make(&m, text) && !CHECK(all_match(&m, "c", cases[i].regex)))
            printf("# %s\n", cases[i].how);
        drop(&m);
    }
}

static void generators_make_what_they_say(void)
{
    static const struct {
        const char *type, *how, *regex;
    } cases[] = {
        {"varchar(80)", "\"generator\": \"email\"", "^[^@]+@[^@]+$"},
        {"varchar(5)", "\"generator\": \"email\"", "^.{1,5}$"},
        {"text", "\"generator\": \"uuid\"", "^[0-9a-f-]{36}$"},
        {"text", "\"generator\": \"weighted_enum\", \"generator_config\": {\"weights\": {\"a\": 0.8, \"b\": 0.2}}",
         "^[ab]$"},
        {"integer",
         "\"generator\": \"weighted_enum\", \"generator_config\": {\"values\": [1, 2, 3], \"weights\": [0, 50, 0]}",
         "^2$"},
        {"text", "\"generator_config\": {\"type\": \"enum\", \"values\": {\"x\": 1, \"y\": 0}}", "^x$"},
        {"integer", "\"generator\": \"integer_range\", \"generator_config\": {\"min\": 3, \"max\": 5}", "^[345]$"},
        {"integer", "\"generator\": \"integer_range\", \"generator_config\": {}", "^([0-9]{1,2}|100)$"},
        {"integer", "\"distribution\": {\"type\": \"normal\", \"mean\": 50, \"std_dev\": 9, \"min\": 40, \"max\": 60}",
         "^(4[0-9]|5[0-9]|60)$"},
        {"smallint", "\"distribution\": {\"type\": \"poisson\", \"mean\": 3}", "^[0-9]{1,2}$"},
        {"integer", "\"distribution\": {\"type\": \"zipf\", \"alpha\": 2, \"max\": 9}", "^[1-9]$"},
        {"varchar(9)", "\"distribution\": {\"type\": \"weighted\", \"weights\": {\"on\": 9, \"off\": 1}}",
         "^(on|off)$"},
        {"varchar(4)", "\"comment\": \"nothing\"", "^[0-9A-Za-z]{4}$"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        made m;
        char text[1024];
        snprintf(text, sizeof(text), TABLE(60, "\"c\": {\"type\": \"%s\", %s}"), cases[i].type, cases[i].how);
        if (make(&m, text) && !CHECK(all_match(&m, "c", cases[i].regex)))
            printf("# %s %s\n", cases[i].type, cases[i].how);
        drop(&m);
    }
}

static void series_have_their_hours(void)
{
#define SERIES(pattern) \
    TABLE( \
        1000, \
        "\"at\": {\"type\": \"timestamp\", \"generator\": \"timeseries\", \"generator_config\": {" \
        "\"start\": \"2024-01-01T00:00:00Z\", \"end\": \"2024-03-01T00:00:00Z\", \"interval\": \"15m\", \"pattern\": \"" pattern \
        "\"}}")
    made m;
    if (make(&m, SERIES("uniform"))) {
        const int64_t *at = rows_of(&m, 0)->columns[1].data;
        for (uint32_t i = 1; i < 1000; i++)
            if (!CHECK_INT(at[i] - at[i - 1], 15 * 60 * SP_US_PER_SECOND))
                break;
    }
    drop(&m);
    if (make(&m, SERIES("business_hours"))) {
        const int64_t *at = rows_of(&m, 0)->columns[1].data;
        for (uint32_t i = 0; i < 1000; i++) {
            int64_t hour = at[i] / SP_US_PER_SECOND / 3600 % 24,
                    weekday = (at[i] / SP_US_PER_DAY + 3) % 7; /* 0: Monday */
            if (!CHECK(hour >= 9 && hour < 17 && weekday < 5) || !CHECK(i == 0 || at[i] >= at[i - 1]))
                break;
        }
    }
    drop(&m);
    if (make(&m, SERIES("daily_peak"))) {
        const int64_t *at = rows_of(&m, 0)->columns[1].data;
        uint32_t peak = 0;
        for (uint32_t i = 0; i < 1000; i++)
            peak += at[i] / SP_US_PER_SECOND / 3600 % 24 >= 10 && at[i] / SP_US_PER_SECOND / 3600 % 24 < 14;
        CHECK(peak > 520 && peak < 680);
    }
    drop(&m);
}

static void rules_go_by_other_columns(void)
{
    made m;
    if (make(
            &m,
            TABLE(
                600,
                "\"kind\": {\"type\": \"varchar(9)\", \"generator\": \"enum\", \"generator_config\": {\"values\": [\"a\", \"b\", \"c'\"]}},"
                "\"vip\": {\"type\": \"boolean\"},"
                "\"off\": {\"type\": \"integer\", \"generator\": \"integer_range\", \"generator_config\": {\"min\": 90, \"max\": 99},"
                "\"rules\": [{\"if\": {\"kind\": \"a\", \"vip\": true}, \"then\": {\"value\": 50}}, {\"if\": {\"kind\": \"a\"}, \"then\": {\"min\": 1, \"max\": 5}},"
                "{\"if\": {\"kind\": \"c'\"}, \"then\": {\"value\": null}}]}"))) {
        const sp_batch *b = rows_of(&m, 0);
        for (uint32_t i = 0; i < b->rows; i++) {
            sp_str kind = sp_column_str(&b->columns[1], i);
            int32_t off = ((int32_t *)b->columns[3].data)[i];
            bool vip = sp_bit(b->columns[2].data, i), null = sp_column_null(&b->columns[3], i);
            bool good = sp_str_is(kind, "a") && vip ? off == 50
                        : sp_str_is(kind, "a")      ? off >= 1 && off <= 5
                        : sp_str_is(kind, "b")      ? off >= 90 && off <= 99
                                                    : null;
            if (!CHECK(good))
                break;
        }
    }
    drop(&m);
}

/* ---- names and types ---- */

static void names_say_what_columns_are(void)
{
    made m;
    if (make(
            &m,
            TABLE(
                200,
                "\"email\": {\"type\": \"varchar(90)\"}, \"phone_number\": {\"type\": \"varchar(20)\"}, \"first_name\": {\"type\": \"text\"},"
                "\"last_name\": {\"type\": \"text\"}, \"age\": {\"type\": \"smallint\"}, \"cancelled_at\": {\"type\": \"timestamp\"},"
                "\"ip_address\": {\"type\": \"inet\"}, \"country_code\": {\"type\": \"char(2)\"}, \"created_at\": {\"type\": \"timestamptz\"},"
                "\"updated_at\": {\"type\": \"timestamptz\"}, \"price\": {\"type\": \"numeric(6,2)\"}"))) {
        CHECK(all_match(&m, "email", "@"));
        CHECK(all_match(&m, "phone_number", "^[+0-9 -]+$"));
        CHECK_INT(column(&m, 0, "first_name")->mode, SP_MODE_PERSON);
        CHECK(all_match(&m, "age", "^(1[89]|[2-8][0-9]|90)$"));
        CHECK(all_match(&m, "ip_address", "^[0-9.]+$"));
        CHECK(all_match(&m, "country_code", "^[A-Z]{2}$"));
        CHECK_INT(column(&m, 0, "updated_at")->mode, SP_MODE_AFTER);
        CHECK_INT(column(&m, 0, "cancelled_at")->range, SP_RANGE_TIMESTAMP);
    }
    drop(&m);
}

static void every_type_has_values(void)
{
    static const char *const types[] = {"smallint",
                                        "integer",
                                        "int",
                                        "bigint",
                                        "serial",
                                        "bigserial",
                                        "smallserial",
                                        "real",
                                        "double precision",
                                        "numeric",
                                        "numeric(12,4)",
                                        "decimal(5)",
                                        "numeric(40,2)",
                                        "char(7)",
                                        "varchar(3)",
                                        "varchar",
                                        "character varying(99)",
                                        "text",
                                        "boolean",
                                        "bool",
                                        "date",
                                        "time",
                                        "timestamp",
                                        "timestamptz",
                                        "timestamp with time zone",
                                        "timestamp without time zone",
                                        "interval",
                                        "bytea",
                                        "uuid",
                                        "json",
                                        "jsonb",
                                        "inet",
                                        "cidr",
                                        "macaddr",
                                        "point",
                                        "line",
                                        "lseg",
                                        "box",
                                        "path",
                                        "polygon",
                                        "circle",
                                        "money",
                                        "xml",
                                        "int[]",
                                        "text[]",
                                        "bit(8)"};
    for (size_t i = 0; i < SP_COUNT(types); i++)
        for (int unique = 0; unique < 2; unique++) {
            made m;
            char text[512];
            bool keeps = strncmp(types[i], "char", 4) == 0 || strstr(types[i], "int") == types[i] ||
                         strcmp(types[i], "uuid") == 0 || strcmp(types[i], "text") == 0;
            if (unique && (!keeps || strchr(types[i], '[') || strcmp(types[i], "interval") == 0))
                continue;
            snprintf(text, sizeof(text), TABLE(100, "\"c\": {\"type\": \"%s\", \"unique\": %s}"), types[i],
                     unique ? "true" : "false");
            if (!make(&m, text) || !CHECK_INT(rows_of(&m, 0)->rows, 100) || !CHECK_INT(spate_plan_mistakes(m.plan), 0))
                printf("# %s\n", types[i]);
            drop(&m);
        }
}

static void own_types_are_known(void)
{
    made m;
    if (make(
            &m,
            "{\"version\": \"1.0\", \"database\": {\"name\": \"d\"}, \"custom_types\": {\"mood\": {\"kind\": \"enum\", \"definition\": \"ENUM ('sad', 'ok')\"},"
            "\"amount\": {\"kind\": \"domain\", \"definition\": \"numeric(8,2) CHECK (VALUE > 0)\"}},"
            "\"tables\": {\"t\": {\"row_count\": 50, \"columns\": {\"m\": {\"type\": \"mood\"}, \"a\": {\"type\": \"amount\"}}}}}")) {
        CHECK(all_match(&m, "m", "^(sad|ok)$"));
        CHECK_INT(sp_gen_schema(m.gen, 0)->fields[0].n_labels, 2);
        CHECK_INT(sp_gen_schema(m.gen, 0)->fields[1].type.scale, 2);
    }
    drop(&m);
}

/* ---- mistakes ---- */

static void mistakes_are_said(void)
{
    check_mistake(
        "{\"version\": \"1.0\", \"tables\": {\"t\": {\"row_count\": 1, \"columns\": {\"a\": {\"type\": \"text\"}}}}}",
        "required field 'database.name'");
    check_mistake(
        "{\"database\": {\"name\": \"x\"}, \"tables\": {\"t\": {\"row_count\": 1, \"columns\": {\"a\": {\"type\": \"text\"}}}}}",
        "required field 'version'");
    check_mistake("{\"version\": \"1\", \"database\": {\"name\": \"x\"}, \"tables\": {}}", "needs \"tables\"");
    check_mistake(SCHEMA("\"t\": {\"columns\": {\"a\": {\"type\": \"text\"}}}"), "needs \"row_count\"");
    check_mistake(SCHEMA("\"t\": {\"row_count\": 0, \"columns\": {\"a\": {\"type\": \"text\"}}}"),
                  "number of rows above 0");
    check_mistake(SCHEMA("\"t\": {\"row_count\": 1, \"columns\": {}}"), "needs \"columns\"");
    check_mistake(SCHEMA("\"t\": {\"row_count\": 1, \"columns\": {\"a\": {}}}"), "needs a \"type\"");
    check_mistake(SCHEMA("\"t\": {\"row_count\": 1, \"columns\": {\"a\": {\"type\": \"integr\"}}}"),
                  "did you mean \"integer\"");
    check_mistake(
        TABLE(
            9,
            "\"a\": {\"type\": \"integer\", \"generator\": \"integer_range\", \"generator_config\": {\"min\": 9, \"max\": 3}}"),
        "the min is above the max");
    check_mistake(TABLE(9, "\"a\": {\"type\": \"integer\", \"distribution\": {\"type\": \"norml\"}}"),
                  "distributions weighted, normal");
    check_mistake(TABLE(9, "\"a\": {\"type\": \"integer\", \"distribution\": {\"type\": \"normal\", \"mean\": 3}}"),
                  "needs \"std_dev\"");
    check_mistake(TABLE(9, "\"a\": {\"type\": \"text\", \"rules\": [{\"if\": {\"b\": 1}, \"then\": {\"value\": 2}}]}"),
                  "is no column of the table");
    check_mistake(SCHEMA("\"t\": {\"row_count\": 1, \"columns\": {\"a\": {\"type\": \"integer\"}}, \"foreign_keys\": ["
                         "{\"columns\": [\"a\"], \"referenced_table\": \"u\", \"referenced_columns\": [\"id\"]}]}"),
                  "is no table of this schema");
    check_mistake(
        SCHEMA("\"t\": {\"row_count\": 1, \"columns\": {\"ab\": {\"type\": \"integer\"}}, \"primary_key\": [\"abc\"]}"),
        "did you mean \"ab\"");
    check_mistake(TABLE(1000, "\"a\": {\"type\": \"varchar(2)\", \"unique\": true, \"generator\": \"email\"}"),
                  "too short for 3 digits");
}

static void an_unknown_generator_is_warned_of(void)
{
    made m;
    if (make(&m, TABLE(3, "\"a\": {\"type\": \"text\", \"generator\": \"emial\"}"))) {
        CHECK_INT(spate_plan_mistakes(m.plan), 1);
        CHECK(strstr(spate_plan_mistake(m.plan, 0)->message, "did you mean \"email\"") != NULL);
    }
    drop(&m);
}

int main(void)
{
    RUN(columns_are_a_map_or_a_list);
    RUN(nullable_columns_have_nulls);
    RUN(foreign_keys_lead_to_rows);
    RUN(unique_keys_are_kept);
    RUN(pairs_of_references_differ);
    RUN(checks_are_kept);
    RUN(patterns_count_and_draw);
    RUN(generators_make_what_they_say);
    RUN(series_have_their_hours);
    RUN(rules_go_by_other_columns);
    RUN(names_say_what_columns_are);
    RUN(every_type_has_values);
    RUN(own_types_are_known);
    RUN(mistakes_are_said);
    RUN(an_unknown_generator_is_warned_of);
    return check_done();
}
