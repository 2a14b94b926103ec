/* test_file.c - the file sink: names, refusals, statements at fixed rows, and what a failed write leaves behind. */
#include "endpoint/endpoints.h"
#include "os/os.h"
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static spate_error err;
static char dir[] = "/tmp/spate-test-file-XXXXXX";

static const uint32_t zero = 0;
static const sp_field fields[] = {{.name = "id", .type = {.kind = SP_I32}},
                                  {.name = "b", .type = {.kind = SP_BOOL}, .nullable = true}};
static const sp_schema t1 = {
    .table = "one", .fields = fields, .n_fields = 2, .primary_key = &zero, .n_primary_key = 1, .rows = 5};
static const sp_schema t2 = {.table = "two", .fields = fields, .n_fields = 1, .rows = 5};
static const sp_schema *const tables[] = {&t1, &t2};

static const char *in_dir(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void check_file(const char *name, const char *want, int line)
{
    sp_buf got = {0};
    if (!check_that(sp_os_read_file(in_dir(name), 1 << 20, &got, &err) == SPATE_OK, name, __FILE__, line))
        return;
    check_str(got.data, got.len, want, name, __FILE__, line);
    sp_buf_done(&got);
}
#define CHECK_FILE(name, want) check_file(name, want, __LINE__)

/* As the registry does it. */
static int open_sink(const char *text, sp_sink_options options, sp_sink **sink)
{
    sp_arena arena;
    sp_uri uri;
    sp_arena_init(&arena);
    int rc = sp_uri_parse(text, &arena, &uri, &err);
    if (rc == SPATE_OK)
        rc = sp_endpoint_file.sink_open(&uri, &options, sink, &err);
    sp_arena_done(&arena);
    return rc;
}

static int write_chunk(sp_lane *lane, uint32_t table, uint32_t from, uint32_t to)
{
    sp_sink *s = lane->sink;
    sp_batch b;
    sp_chunk chunk = {table, from, to};
    CHECK_INT(sp_batch_init(&b, tables[table], &err), SPATE_OK);
    b.first_row = from;
    b.rows = to - from;
    for (uint32_t i = 0; i < b.rows; i++)
        ((int32_t *)b.columns[0].data)[i] = (int32_t)(from + i);
    if (table == 0)
        memset(b.columns[1].data, 0, 1);
    int rc = s->ops->begin(lane, &chunk, &err);
    if (rc == SPATE_OK)
        rc = s->ops->write(lane, &b, &err);
    if (rc == SPATE_OK)
        rc = s->ops->commit(lane, &chunk, to - from, &err);
    if (rc != SPATE_OK)
        s->ops->rollback(lane);
    sp_batch_done(&b);
    return rc;
}

/* Five rows a table in chunks of the given size. */
static int write_all(const char *uri, sp_sink_options options, uint32_t n_tables, uint32_t chunk_rows, bool complete)
{
    sp_sink *s;
    sp_lane *lane;
    int rc = open_sink(uri, options, &s);
    if (rc != SPATE_OK)
        return rc;
    rc = s->ops->prepare(s, tables, n_tables, &err);
    if (rc == SPATE_OK && !options.dry_run) {
        CHECK_INT(s->ops->lane_open(s, &lane, &err), SPATE_OK);
        for (uint32_t t = 0; t < n_tables; t++) {
            for (uint32_t from = 0; rc == SPATE_OK && from < 5; from += chunk_rows)
                rc = write_chunk(lane, t, from, SP_MIN(from + chunk_rows, 5u));
            if (rc == SPATE_OK && complete)
                rc = s->ops->table_done(s, t, &err);
        }
        s->ops->lane_close(lane);
        int end = s->ops->finish(s, rc == SPATE_OK && complete, &err);
        rc = rc == SPATE_OK ? end : rc;
    }
    s->ops->close(s);
    return rc;
}

static const sp_sink_options plain = {.parts = 1};

static void csv_file(void)
{
    CHECK_INT(write_all(in_dir("a.csv"), plain, 1, 2, true), SPATE_OK);
    CHECK_FILE("a.csv", "id,b\n0,false\n1,false\n2,false\n3,false\n4,false\n");
    CHECK(!sp_os_exists(in_dir("a.csv.partial")));
    CHECK_INT(write_all(in_dir("a.csv"), plain, 1, 2, true), SPATE_E_USAGE);
    CHECK(strstr(err.hint, "--truncate") != NULL);
    sp_sink_options replace = {.parts = 3, .part = 1, .truncate = true};
    CHECK_INT(write_all(in_dir("a.csv?header=false"), replace, 1, 5, true), SPATE_OK);
    CHECK_FILE("a.1-of-3.csv", "0,false\n1,false\n2,false\n3,false\n4,false\n");
}

static void several_tables(void)
{
    CHECK_INT(write_all(in_dir("b.csv"), plain, 2, 2, true), SPATE_E_USAGE);
    CHECK(strstr(err.hint, "--table") != NULL);
    CHECK_INT(write_all(in_dir("new/deep/?format=ndjson"), plain, 2, 2, true), SPATE_OK);
    CHECK_FILE("new/deep/one.ndjson", "{\"id\":0,\"b\":false}\n{\"id\":1,\"b\":false}\n{\"id\":2,\"b\":false}\n"
                                      "{\"id\":3,\"b\":false}\n{\"id\":4,\"b\":false}\n");
    CHECK_FILE("new/deep/two.ndjson", "{\"id\":0}\n{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n");
}

#define PREAMBLE \
    "-- Made by spate for psql: psql -d DATABASE -f FILE. One transaction: all of it is loaded, or nothing.\n" \
    "\\set ON_ERROR_STOP on\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nBEGIN;\n"

static void scripts(void)
{
    static const char want[] = PREAMBLE "INSERT INTO \"one\" (\"id\", \"b\") VALUES\n  (0, false),\n  (1, false)\nON "
                                        "CONFLICT (\"id\") DO UPDATE SET \"b\" = excluded.\"b\";\n"
                                        "INSERT INTO \"one\" (\"id\", \"b\") VALUES\n  (2, false),\n  (3, false)\nON "
                                        "CONFLICT (\"id\") DO UPDATE SET \"b\" = excluded.\"b\";\n"
                                        "INSERT INTO \"one\" (\"id\", \"b\") VALUES\n  (4, false)\nON CONFLICT "
                                        "(\"id\") DO UPDATE SET \"b\" = excluded.\"b\";\n"
                                        "COMMIT;\n";
    sp_sink_options upsert = {.parts = 1, .mode = SP_INSERT_UPSERT, .batch_rows = 2};
    CHECK_INT(write_all(in_dir("c.sql"), upsert, 1, 2, true), SPATE_OK);
    CHECK_INT(write_all(in_dir("d.sql"), upsert, 1, 4, true), SPATE_OK);
    CHECK_FILE("c.sql", want);
    CHECK_FILE("d.sql", want);
    CHECK_INT(write_all(in_dir("e.sql?format=copy"), upsert, 1, 4, true), SPATE_E_USAGE);
    CHECK_INT(write_all(in_dir("f.sql"), upsert, 2, 4, true), SPATE_E_CONFIG); /* "two" has no key */

    sp_sink_options create = {.parts = 1, .create = true};
    CHECK_INT(write_all(in_dir("e.sql?format=copy"), create, 2, 4, true), SPATE_OK);
    CHECK_FILE("e.sql", PREAMBLE "CREATE TABLE \"one\" (\n  \"id\" integer NOT NULL,\n  \"b\" boolean\n);\n"
                                 "CREATE TABLE \"two\" (\n  \"id\" integer NOT NULL\n);\n"
                                 "COPY \"one\" (\"id\", \"b\") FROM STDIN;\n0\tf\n1\tf\n2\tf\n3\tf\n4\tf\n\\.\n"
                                 "COPY \"two\" (\"id\") FROM STDIN;\n0\n1\n2\n3\n4\n\\.\n"
                                 "ALTER TABLE \"one\"\n  ADD PRIMARY KEY (\"id\");\nCOMMIT;\n");
}

static void incomplete(void)
{
    CHECK_INT(write_all(in_dir("f.csv"), plain, 1, 2, false), SPATE_OK);
    CHECK(!sp_os_exists(in_dir("f.csv")));
    CHECK_FILE("f.csv.partial", "id,b\n0,false\n1,false\n2,false\n3,false\n4,false\n");
}

/* The third write is the second chunk: it is gone, the first is whole, and the name is not given. */
static void failed_writes(void)
{
    sp_os_fail_at(SP_OS_WRITE, 3, ENOSPC);
    CHECK_INT(write_all(in_dir("g.csv"), plain, 1, 2, true), SPATE_E_IO);
    sp_os_fail_at(SP_OS_WRITE, 0, 0);
    CHECK(err.os_errno == ENOSPC && strstr(err.message, "g.csv.partial"));
    CHECK_FILE("g.csv.partial", "id,b\n0,false\n1,false\n");
    static const sp_os_call calls[] = {SP_OS_OPEN, SP_OS_FSYNC, SP_OS_RENAME, SP_OS_CLOSE};
    for (size_t i = 0; i < SP_COUNT(calls); i++) {
        sp_os_fail_at(calls[i], 1, EIO);
        CHECK_INT(write_all(in_dir("h.csv"), plain, 1, 2, true), SPATE_E_IO);
        sp_os_fail_at(calls[i], 0, 0);
        CHECK(!sp_os_exists(in_dir("h.csv")));
    }
}

static void looking_fails(void)
{
    sp_os_fail_at(SP_OS_STAT, 1, EACCES);
    CHECK_INT(write_all(in_dir("l.csv"), plain, 1, 2, true), SPATE_E_IO);
    CHECK(err.os_errno == EACCES && strstr(err.message, "could not look at"));
    sp_os_fail_at(SP_OS_STAT, 2, EACCES); /* the second look: in prepare */
    CHECK_INT(write_all(in_dir("l.csv"), plain, 1, 2, true), SPATE_E_IO);
    sp_os_fail_at(SP_OS_STAT, 0, 0);
    CHECK(!sp_os_exists(in_dir("l.csv.partial")));
}

/* A statement has fewer rows where they are long: the same ones whatever the chunks. */
static void long_rows(void)
{
    static const sp_field long_fields[] = {{.name = "e", .type = {.kind = SP_TEXT}, .bounds = {.text_max = 4 << 20}},
                                           {.name = "i", .type = {.kind = SP_I32}}};
    sp_schema wide = {.table = "wide", .fields = long_fields, .n_fields = 1, .rows = 5}, narrow = t1;
    const sp_schema *const both[] = {&wide, &narrow};
    sp_sink *s;
    CHECK_INT(open_sink(in_dir("m.sql"), plain, &s), SPATE_OK);
    CHECK_INT(s->ops->prepare(s, both, 2, &err), SPATE_OK);
    CHECK_INT(s->chunk_rows[0], 1);
    CHECK(s->chunk_rows[1] >= 1000 && s->chunk_rows[1] % 1000 == 0);
    s->ops->close(s);
}

static void tables_of_one_name(void)
{
    sp_schema a = t1, b = t1;
    a.table = "a/b";
    b.table = "a_b";
    const sp_schema *const both[] = {&a, &b};
    sp_sink *s;
    CHECK_INT(open_sink(in_dir("n/"), plain, &s), SPATE_OK);
    CHECK_INT(s->ops->prepare(s, both, 2, &err), SPATE_E_USAGE);
    CHECK(strstr(err.message, "\"a/b\" and \"a_b\""));
    s->ops->close(s);
}

static void what_is_shown(void)
{
    static const struct {
        const char *to, *shown, *partial, *query;
        bool to_stdout;
    } cases[] = {
        {"no/x.sql", "no/x.1-of-3.sql", "no/x.1-of-3.sql.partial", "psql -d DATABASE -f no/x.1-of-3.sql", false},
        {"csv:-", "standard output", NULL, NULL, true},
        {"/dev/stdout?format=csv", "standard output", NULL, NULL, true},
        {"sql:/dev/null", "/dev/null", NULL, NULL, false},
    };
    sp_sink_options part = {.part = 1, .parts = 3};
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        sp_sink *s;
        CHECK_INT(open_sink(cases[i].to, part, &s), SPATE_OK);
        CHECK_STR(s->shown, cases[i].shown);
        CHECK_STR(s->shown_partial ? s->shown_partial : "", cases[i].partial ? cases[i].partial : "");
        CHECK_STR(s->how_to_query ? s->how_to_query : "", cases[i].query ? cases[i].query : "");
        CHECK_INT(s->to_stdout, cases[i].to_stdout);
        s->ops->close(s);
    }
}

static void devices(void)
{
    CHECK_INT(write_all("/dev/null", plain, 1, 2, true), SPATE_OK);
    CHECK_INT(write_all("/dev/null?format=insert", plain, 2, 2, true), SPATE_OK);
    CHECK(!sp_os_exists("/dev/null.partial"));
}

static void nothing_changed_when_dry(void)
{
    sp_sink_options dry = {.parts = 1, .dry_run = true};
    CHECK_INT(write_all(in_dir("i.csv"), dry, 1, 2, true), SPATE_OK);
    CHECK_INT(write_all(in_dir("no/"), dry, 2, 2, true), SPATE_OK);
    CHECK(!sp_os_exists(in_dir("i.csv.partial")) && !sp_os_exists(in_dir("no")));
    CHECK_INT(write_all(in_dir("a.csv"), dry, 1, 2, true), SPATE_E_USAGE);
}

static void wrong_queries(void)
{
    CHECK_INT(write_all(in_dir("j.csv?format=xml"), plain, 1, 2, true), SPATE_E_USAGE);
    CHECK_INT(write_all(in_dir("j.csv?header=maybe"), plain, 1, 2, true), SPATE_E_USAGE);
    CHECK_INT(write_all(in_dir("j.ndjson?header=true"), plain, 1, 2, true), SPATE_E_USAGE);
}

static void no_memory(void)
{
    for (uint64_t nth = 1; nth < 40; nth++) {
        sp_sink *s;
        sp_alloc_fail_at(nth);
        int rc = open_sink(in_dir("k.sql?format=insert"), plain, &s);
        if (rc == SPATE_OK) {
            rc = s->ops->prepare(s, tables, 2, &err);
            s->ops->close(s);
        }
        sp_alloc_fail_at(0);
        CHECK(rc == SPATE_OK || rc == SPATE_E_NOMEM);
    }
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    RUN(csv_file);
    RUN(several_tables);
    RUN(scripts);
    RUN(incomplete);
    RUN(failed_writes);
    RUN(looking_fails);
    RUN(long_rows);
    RUN(tables_of_one_name);
    RUN(what_is_shown);
    RUN(devices);
    RUN(nothing_changed_when_dry);
    RUN(wrong_queries);
    RUN(no_memory);
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) == 0 ? check_done() : 1;
}
