/* test_duckdb.c - what goes into a DuckDB file comes out of it, whole chunks or nothing, and
 * refusals say what is wrong. */
#define SCHEME "duckdb"
#define WANTED duckdb
#define LANES  2
#include "filesink.h"

#include "client/libduckdb.h"

#include <sys/wait.h>

static void run_sql(const char *sql)
{
    duckdb_database db = NULL;
    duckdb_connection conn = NULL;
    spate_error err = {0};
    CHECK_INT(sp_duckdb_open(file, false, 1, &db, &err), SPATE_OK);
    sp_duckdb.connect(db, &conn);
    CHECK_INT(sp_duckdb_run(conn, sql, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    sp_duckdb.disconnect(&conn);
    sp_duckdb.close(&db);
}

/* ---- every kind ---- */

static void every_kind_two_lanes(void)
{
    fresh_file("");
    load_specimens((sp_sink_options){.create = true, .truncate = true}, 20001, 3000);
    check_specimens(20001);
    char wal[128];
    snprintf(wal, sizeof(wal), "%s.wal", file);
    CHECK(!sp_os_exists(wal));
    CHECK_STR(ask("SELECT constraint_type FROM duckdb_constraints() WHERE constraint_type LIKE 'PRIM%'"),
              "PRIMARY KEY|");
}

static void replaces_and_empties(void)
{
    load_specimens((sp_sink_options){.create = true, .truncate = true}, 5000, 5000);
    check_specimens(5000);
    load_specimens((sp_sink_options){.truncate = true}, 700, 100);
    check_specimens(700);
}

static void keys_none_and_all(void)
{
    fresh_file("?keys=none");
    load_specimens((sp_sink_options){.create = true}, 3000, 1000);
    CHECK_STR(ask("SELECT count(*) FROM duckdb_constraints() WHERE constraint_type LIKE 'PRIM%'"), "0|");
    fresh_file("?keys=all");
    load_specimens((sp_sink_options){.create = true}, 3000, 1000);
    CHECK_STR(ask("SELECT count(*) FROM duckdb_constraints() WHERE constraint_type LIKE 'PRIM%'"), "1|");
    check_specimens(3000);
}

/* ---- a table that is there already: other types ---- */

static void other_types(void)
{
    spate_error err;
    fresh_file("");
    run_sql("CREATE TABLE plain (extra INT DEFAULT 7, note VARCHAR, seen TIMESTAMP, Amount "
            "DECIMAL(20,4), id SMALLINT)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_STR(ask("SELECT id, amount, seen, note, extra FROM plain ORDER BY id LIMIT 2"),
              "1|10.0500|1970-01-01 00:00:01|one|7|\n2|20.0500|1970-01-01 00:00:02|two, and a bit "
              "longer|7|");
    const int64_t wide[] = {1, 2, 40000};
    CHECK_INT(load_plain((sp_sink_options){0}, wide, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "out of range") != NULL);
    CHECK_STR(ask("SELECT count(*) FROM plain"), "3|");
}

static void text_is_cast(void)
{
    spate_error err;
    const char *const days[] = {"2024-02-29", "2000-01-01", "1999-12-31"};
    fresh_file("");
    run_sql("CREATE TABLE plain (id HUGEINT, amount DOUBLE, seen DATE, note DATE)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, days, true, &err), SPATE_OK);
    CHECK_STR(ask("SELECT * FROM plain ORDER BY id LIMIT 1"), "1|10.05|1970-01-01|2024-02-29|");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "one") != NULL);
}

static void misfits_are_listed(void)
{
    spate_error err;
    fresh_file("");
    run_sql("CREATE TABLE plain (id DATE, amount INT, seen TIMESTAMP, must INT NOT NULL)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_E_CONFIG);
    CHECK(strstr(err.message, "4 things") != NULL);
    CHECK(strstr(err.detail, "plain: column \"id\" is DATE") != NULL);
    CHECK(strstr(err.detail, "column \"amount\" is INTEGER") != NULL);
    CHECK(strstr(err.detail, "has no column \"note\"") != NULL);
    CHECK(strstr(err.detail, "\"must\" is NOT NULL") != NULL);
}

/* ---- whole chunks or nothing ---- */

static void rollback_leaves_nothing(void)
{
    spate_error err;
    fresh_file("");
    CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, false, &err), SPATE_OK);
    CHECK_STR(ask("SELECT count(*) FROM plain"), "0|");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_OK);
    CHECK_STR(ask("SELECT count(*) FROM plain"), "3|");
}

static void dry_run_changes_nothing(void)
{
    spate_error err;
    const sp_schema *schema = &plain;
    sp_sink *sink;
    fresh_file("");
    CHECK_INT(open_sink((sp_sink_options){.create = true, .dry_run = true}, &schema, 1, &sink, &err), SPATE_OK);
    sp_sink_close(sink);
    CHECK(!sp_os_exists(file));
}

static void broken_primary_key(void)
{
    spate_error err;
    const int64_t twice[] = {1, 1, 2};
    fresh_file("");
    run_sql("CREATE TABLE plain (id BIGINT PRIMARY KEY, amount DECIMAL(12,2), seen TIMESTAMPTZ, "
            "note VARCHAR)");
    CHECK_INT(load_plain((sp_sink_options){0}, twice, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "rimary key") != NULL || strstr(err.message, "PRIMARY KEY") != NULL);
    CHECK_STR(ask("SELECT count(*) FROM plain"), "0|");
    fresh_file("");
    CHECK_INT(load_plain((sp_sink_options){.create = true}, twice, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "table \"plain\": building its") != NULL);
}

static void broken_foreign_key(void)
{
    spate_error err;
    fresh_file("");
    run_sql("CREATE TABLE parent (id BIGINT PRIMARY KEY)");
    run_sql("CREATE TABLE plain (id BIGINT REFERENCES parent (id), amount DECIMAL(12,2), seen "
            "TIMESTAMPTZ, note VARCHAR)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "foreign key") != NULL);
    CHECK_STR(ask("SELECT count(*) FROM plain"), "0|");
}

static int load_family(const int64_t parents[3], spate_error *err)
{
    static const sp_field parent_fields[] = {{.name = "id", .type = {SP_I64}}};
    static const char *const parent_columns[] = {"id"};
    static const sp_foreign_key key = {
        .parent = "parent", .n = 1, .columns = plain_key, .parent_columns = parent_columns};
    sp_schema parent = {
        .table = "parent", .fields = parent_fields, .n_fields = 1, .primary_key = plain_key, .n_primary_key = 1};
    sp_schema child = plain;
    child.n_primary_key = 0;
    child.foreign_keys = &key;
    child.n_foreign_keys = 1;
    const sp_schema *tables[] = {&parent, &child};
    sp_sink *sink;
    sp_lane *lane = NULL;
    int rc = open_sink((sp_sink_options){.create = true, .truncate = true}, tables, 2, &sink, err);
    if (rc == SPATE_OK)
        rc = sink->ops->lane_open(sink, &lane, err);
    for (uint32_t t = 0; t < 2 && rc == SPATE_OK; t++) {
        sp_batch batch;
        sp_chunk chunk = {t, 0, 3};
        rc = sp_batch_init(&batch, tables[t], err);
        if (t == 0)
            memcpy(batch.columns[0].data, parents, 3 * sizeof(*parents));
        else
            plain_batch(&batch, ids123, notes123);
        batch.rows = 3;
        rc = rc ? rc : sink->ops->begin(lane, &chunk, err);
        rc = rc ? rc : sink->ops->write(lane, &batch, err);
        rc = rc ? rc : sink->ops->commit(lane, &chunk, 3, err);
        sp_batch_done(&batch);
    }
    sink->ops->lane_close(lane);
    rc = rc ? rc : sink->ops->finish(sink, true, err);
    sp_sink_close(sink);
    return rc;
}

static void foreign_keys_are_checked_and_noted(void)
{
    spate_error err;
    const int64_t others[] = {1, 2, 4};
    fresh_file("");
    CHECK_INT(load_family(ids123, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_STR(ask("SELECT comment FROM duckdb_columns() WHERE table_name = 'plain' AND column_name "
                  "= 'id'"),
              "references parent(id)|");
    CHECK_INT(load_family(others, &err), SPATE_E_DATA);
    CHECK_STR(err.message, "1 rows of table \"plain\" refer by \"id\" to no row of table \"parent\"");
    fresh_file("?keys=all");
    CHECK_INT(load_family(ids123, &err), SPATE_OK);
    CHECK_INT(load_family(ids123, &err), SPATE_OK); /* replaced, children first */
    CHECK_INT(load_family(others, &err), SPATE_E_DATA);
    CHECK_STR(ask("SELECT (SELECT count(*) FROM parent), count(*) FROM plain"), "3|0|");
}

/* ---- refusals ---- */

static void wrong_presence(void)
{
    spate_error err;
    fresh_file("");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_E_UNREACHABLE);
    CHECK(strstr(err.hint, "--create") != NULL);
    CHECK(!sp_os_exists(file));
    CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, true, &err), SPATE_OK);
    CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, true, &err), SPATE_E_CONFIG);
    CHECK(strstr(err.message, "plain: the table exists already") != NULL);
    CHECK(strstr(err.hint, "--truncate") != NULL);
    CHECK_INT(load_plain((sp_sink_options){.create = true, .mode = SP_INSERT_UPSERT}, ids123, notes123, true, &err),
              SPATE_E_USAGE);
}

static void wrong_files(void)
{
    spate_error err;
    snprintf(file, sizeof(file), "%s/none/x.duckdb", dir);
    snprintf(uri, sizeof(uri), "duckdb:%s", file);
    CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, true, &err), SPATE_E_IO);
    CHECK(strstr(err.hint, "directory") != NULL);
    snprintf(file, sizeof(file), "%s/text.duckdb", dir);
    snprintf(uri, sizeof(uri), "duckdb:%s", file);
    FILE *f = fopen(file, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database\n", f);
    fclose(f);
    CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, true, &err), SPATE_E_CORRUPT);
    CHECK(strstr(err.message, "is not a DuckDB file") != NULL);
    CHECK(sp_os_exists(file));
    CHECK_INT(spate_query(uri, "SELECT 1", take_row, &(answer){0}, &err), SPATE_E_CORRUPT);
}

/* A child process holds the file; a pipe says when, and is closed to end it. */
static void locked_file(void)
{
    spate_error err;
    int ready[2], leave[2];
    char byte;
    fresh_file("");
    CHECK(pipe(ready) == 0 && pipe(leave) == 0);
    pid_t child = fork();
    if (child == 0) {
        const sp_schema *schema = &plain;
        sp_sink *sink;
        close(leave[1]);
        open_sink((sp_sink_options){.create = true}, &schema, 1, &sink, &err);
        (void)!write(ready[1], "x", 1);
        (void)!read(leave[0], &byte, 1);
        _exit(0);
    }
    close(leave[0]);
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_E_UNREACHABLE);
    CHECK(strstr(err.message, "in use by another process") != NULL);
    CHECK(err.hint[0] != '\0');
    CHECK_INT(spate_query(uri, "SELECT 1", take_row, &(answer){0}, &err), SPATE_E_UNREACHABLE);
    close(leave[1]);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static void queries(void)
{
    fresh_file("");
    run_sql("CREATE TABLE q (a INT, b VARCHAR[])");
    run_sql("INSERT INTO q VALUES (1, ['x', NULL]), (NULL, NULL)");
    CHECK_STR(ask("SELECT * FROM q"), "1|[x, NULL]|\n~|~|");
    CHECK_STR(ask("SELECT 1 AS a, 2 AS a ;\n"), "1|2|");
    CHECK_STR(ask("SELECT count(*) FROM q WHERE false -- none"), "0|");
    CHECK(strstr(ask("EXPLAIN SELECT 1"), "PROJECTION") != NULL);
    CHECK(strncmp(ask("SELECT nothing FROM q"), "error: ", 7) == 0);
    CHECK(strncmp(ask("SELECT error('late') FROM q"), "error: ", 7) == 0);
    CHECK(strncmp(ask("INSERT INTO q VALUES (2, NULL)"), "error: ", 7) == 0);
}

/* A run that was killed while it made the file has left nothing that anybody could miss; another file is somebody's. */
static void a_stillborn_file_is_made_anew(void)
{
    static char zeroes[12288], begun[4096], words[] = "dear diary, this is no database";
    memcpy(begun + 8, "DUCK", 4);
    const sp_buf left[] = {{0},
                           {.data = zeroes, .len = sizeof(zeroes)},
                           {.data = begun, .len = sizeof(begun)},
                           {.data = words, .len = sizeof(words)}};
    for (size_t i = 0; i < SP_COUNT(left); i++) {
        spate_error err = {0};
        int fd = -1;
        fresh_file("");
        CHECK_INT(sp_os_create(file, &fd, &err), SPATE_OK);
        CHECK_INT(sp_os_write_all(fd, left[i].data, left[i].len, file, &err), SPATE_OK);
        CHECK_INT(sp_os_close(&fd, file, &err), SPATE_OK);
        CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, true, &err),
                  i < 3 ? SPATE_OK : SPATE_E_CORRUPT);
    }
}

int main(void)
{
    if (make_dir() != SPATE_OK)
        return 1;
    RUN(locked_file); /* first: forks before there are threads */
    RUN(every_kind_two_lanes);
    RUN(replaces_and_empties);
    RUN(keys_none_and_all);
    RUN(other_types);
    RUN(text_is_cast);
    RUN(misfits_are_listed);
    RUN(rollback_leaves_nothing);
    RUN(dry_run_changes_nothing);
    RUN(broken_primary_key);
    RUN(broken_foreign_key);
    RUN(foreign_keys_are_checked_and_noted);
    RUN(wrong_presence);
    RUN(wrong_files);
    RUN(queries);
    RUN(a_stillborn_file_is_made_anew);
    return check_done() | remove_dir();
}
