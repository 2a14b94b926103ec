/* test_uri.c - where rows go, as users write it; and that no password is ever printed. */
#include "endpoint/endpoint.h"
#include "check.h"

static sp_arena arena;
static spate_error err;

static void schemes(void)
{
    static const struct {
        const char *text, *scheme, *path;
    } cases[] = {
        {"-", "-", "-"},
        {"postgresql://u:p@h/db?sslmode=require", "postgresql", "postgresql://u:p@h/db?sslmode=require"},
        {"postgres://h/db", "postgresql", "postgres://h/db"},
        {"host=/tmp dbname=shop", "postgresql", "host=/tmp dbname=shop"},
        {"dbname = shop", "postgresql", "dbname = shop"},
        {"duckdb:shop", "duckdb", "shop"},
        {"sqlite:a b.x", "sqlite", "a b.x"},
        {"shop.duckdb", "duckdb", "shop.duckdb"},
        {"/x/shop.DDB", "duckdb", "/x/shop.DDB"},
        {"shop.sqlite3", "sqlite", "shop.sqlite3"},
        {"shop.db", "sqlite", "shop.db"},
        {"a.b/users.csv", "csv", "a.b/users.csv"},
        {"users.jsonl", "ndjson", "users.jsonl"},
        {"users.ndjson?", "ndjson", "users.ndjson"},
        {"dump.sql?format=copy", "sql", "dump.sql"},
        {"out/", "dir", "out/"},
        {"/tmp", "dir", "/tmp"},
        {"dir:new?format=ndjson", "dir", "new"},
        {"/dev/null", "-", "/dev/null"},
        {"/dev/null?format=csv", "csv", "/dev/null"},
        {"/dev/shm/x.csv", "csv", "/dev/shm/x.csv"},
        {"-?format=insert", "-", "-"},
        {"noending?format=copy", "sql", "noending"},
        {"what?.csv?header=false", "csv", "what?.csv"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        sp_uri uri;
        if (!CHECK(sp_uri_parse(cases[i].text, &arena, &uri, &err) == SPATE_OK)) {
            printf("# \"%s\": %s\n", cases[i].text, err.message);
            continue;
        }
        CHECK_STR(uri.scheme, cases[i].scheme);
        CHECK_STR(uri.path, cases[i].path);
        CHECK_STR(uri.text, cases[i].text);
    }
}

static void refused(void)
{
    static const char *const bad[] = {"",
                                      "users",
                                      "users.xlsx",
                                      "ftp://h/x.csv",
                                      "mongodb://u:hush@h/db",
                                      "postgresql:/u:hush@h/db",
                                      "postgres:u:hush@h/db",
                                      "u:hush@h/db",
                                      "csv:",
                                      "duckdb:?x=1",
                                      ".csv?header=%zz",
                                      "x.csv?a=%0"};
    for (size_t i = 0; i < SP_COUNT(bad); i++) {
        sp_uri uri = {0};
        if (!CHECK_INT(sp_uri_parse(bad[i], &arena, &uri, &err), SPATE_E_USAGE))
            printf("# \"%s\"\n", bad[i]);
        CHECK(strstr(err.message, "hush") == NULL);
    }
    sp_uri uri;
    CHECK_INT(sp_uri_parse("users.xlsx", &arena, &uri, &err), SPATE_E_USAGE);
    CHECK(strstr(err.message, "users.xlsx") && strstr(err.hint, ".csv") && strstr(err.hint, "postgresql://"));
}

static void queries(void)
{
    sp_uri uri;
    CHECK_INT(sp_uri_parse("x.csv?format=nd%6Ason&&header&a%20b=%26%3d", &arena, &uri, &err), SPATE_OK);
    CHECK_INT(uri.n_params, 3);
    CHECK_STR(sp_uri_param_value(&uri, "format"), "ndjson");
    CHECK_STR(sp_uri_param_value(&uri, "header"), "");
    CHECK(sp_uri_param_value(&uri, "none") == NULL);
    CHECK_INT(sp_uri_check_params(&uri, "format, header", &err), SPATE_E_USAGE);
    CHECK(strstr(err.message, "\"a b\"") && strstr(err.hint, "format, header"));
    CHECK_STR(sp_uri_param_value(&uri, "a b"), "&=");
    CHECK_INT(sp_uri_check_params(&uri, "format, header", &err), SPATE_OK);
}

static void passwords(void)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"shop.duckdb", "shop.duckdb"},
        {"postgresql://h/db", "postgresql://h/db"},
        {"postgresql://u@h/db", "postgresql://u@h/db"},
        {"postgresql://u:hush@h:5432/db", "postgresql://u:***@h:5432/db"},
        {"postgresql://u:@h/db", "postgresql://u:***@h/db"},
        {"postgresql://u:hu/sh@h/db", "postgresql://u:***@h/db"},
        {"postgresql://u:hu@sh@h/db?a=b@c", "postgresql://u:***@h/db?a=b@c"},
        {"postgresql://u:hu?sh@h/db", "postgresql://u:***@h/db"},
        {"postgresql://u:hu:sh@h1:1,h2:2/db", "postgresql://u:***@h1:1,h2:2/db"},
        {"postgresql://h/db?password=hush&x=1", "postgresql://h/db?password=***&x=1"},
        {"postgresql://h/db?x=1&sslpassword=hush", "postgresql://h/db?x=1&sslpassword=***"},
        {"postgresql://u:hush@h/db?password=hush", "postgresql://u:***@h/db?password=***"},
        {"host=h password=hush dbname=d", "host=h password=*** dbname=d"},
        {"host=h password = 'hu sh\\' sh' dbname=d", "host=h password = *** dbname=d"},
        {"host=h password=hu\\ sh dbname=d", "host=h password=*** dbname=d"},
        {"password=hu&sh", "password=***"},
        {"password=", "password=***"},
        {"PASSWORD=hush", "PASSWORD=***"},
        {"password='hush", "password=***"},
        {"host=h password=my hush", "host=h password=***"},
        {"host=h password=my hush dbname=d", "host=h password=*** dbname=d"},
        {"host=h password=hush user=a@b options=x:y", "host=h password=*** user=a@b options=x:y"},
        {"postgresql://h/db?p%61ssw%6Frd=hu&sh&x=1", "postgresql://h/db?p%61ssw%6Frd=***&x=1"},
        {"postgresql://u:hu@x?sh@h/db", "postgresql://u:***@h/db"},
        {"postgresql:/u:hush@h/db", "postgresql:/u:***@h/db"},
        {"postgres:u:hush@h/db", "postgres:u:***@h/db"},
        {"postgresq//u:hush@h/db", "postgresq//u:***@h/db"},
        {"u:hush@h/db", "u:***@h/db"},
        {"sqlite:a@b.db", "sqlite:a@b.db"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++)
        CHECK_STR(sp_uri_shown(cases[i].text, &arena), cases[i].shown);
}

static void beside(void)
{
    static const struct {
        const char *text, *file, *there;
    } cases[] = {
        {"a.csv", "plans/p.yaml", "plans/a.csv"},
        {"sqlite:a.db", "/x/p.yaml", "sqlite:/x/a.db"},
        {"csv:sub/a?header=false", "x/p.yaml", "csv:x/sub/a?header=false"},
        {"a.csv", "p.yaml", "a.csv"},
        {"/a.csv", "x/p.yaml", "/a.csv"},
        {"duckdb:/a", "x/p.yaml", "duckdb:/a"},
        {"a.csv", "-", "a.csv"},
        {"-", "x/p.yaml", "-"},
        {"postgresql://h/d", "x/p.yaml", "postgresql://h/d"},
        {"host=h dbname=d", "x/p.yaml", "host=h dbname=d"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++)
        CHECK_STR(sp_uri_beside(cases[i].text, cases[i].file, &arena), cases[i].there);
}

int main(void)
{
    sp_arena_init(&arena);
    RUN(schemes);
    RUN(refused);
    RUN(queries);
    RUN(passwords);
    RUN(beside);
    sp_arena_done(&arena);
    return check_done();
}
