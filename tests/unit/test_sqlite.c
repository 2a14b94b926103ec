/* test_sqlite.c - what goes into an SQLite file comes out of it, whole chunks or nothing, and
 * refusals say what is wrong. */
#define SCHEME "sqlite"
#define WANTED sqlite
#define LANES  1
#include "filesink.h"

#include "client/libsqlite.h"

#include <sys/wait.h>

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    spate_error err = {0};
    CHECK_INT(sp_sqlite_open(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, &err), SPATE_OK);
    CHECK_INT(sp_sqlite_run(db, sql, file, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    sp_sqlite.close_v2(db);
}

/* By pages, and by INSERT: nobody can tell which it was. */
static void every_kind(sp_insert_mode mode)
{
    char beside[128];
    fresh_file("");
    load_specimens((sp_sink_options){.create = true, .truncate = true, .mode = mode}, 10001, 3000);
    check_specimens(10001);
    for (int i = 0; i < 4; i++) {
        static const char *const endings[] = {"-journal", "-wal", ".partial", ".late.partial"};
        snprintf(beside, sizeof(beside), "%s%s", file, endings[i]);
        CHECK(!sp_os_exists(beside));
    }
    CHECK_STR(ask("PRAGMA journal_mode"), "delete|");
    CHECK_STR(ask("PRAGMA integrity_check"), "ok|");
    CHECK_STR(ask("SELECT typeof(d12), typeof(d18), typeof(uid), typeof(raw), typeof(b), "
                  "datetime(tz) FROM every WHERE id = 3"),
              "real|integer|text|blob|integer|1969-12-31 23:59:59|");
}

static void every_kind_by_pages(void)
{
    every_kind(SP_INSERT_DEFAULT);
}

static void every_kind_by_insert(void)
{
    every_kind(SP_INSERT_INSERT);
}

static void replaces_and_empties(void)
{
    load_specimens((sp_sink_options){.create = true, .truncate = true}, 5000, 5000);
    check_specimens(5000);
    load_specimens((sp_sink_options){.truncate = true}, 700, 100);
    check_specimens(700);
}

static void other_types(void)
{
    spate_error err;
    fresh_file("");
    run_sql("CREATE TABLE plain (extra INT DEFAULT 7, note, seen INTEGER, Amount TEXT, id INTEGER "
            "PRIMARY KEY)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_STR(ask("SELECT id, amount, seen, note, extra FROM plain ORDER BY id LIMIT 2"),
              "1|10.05|1|one|7|\n2|20.05|2|two, and a bit longer|7|");
}

static void misfits_are_listed(void)
{
    spate_error err;
    fresh_file("");
    run_sql("CREATE TABLE plain (note INTEGER PRIMARY KEY, id INT, amount AS (id + 1), must INT "
            "NOT NULL)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_E_CONFIG);
    CHECK(strstr(err.message, "4 things") != NULL);
    CHECK(strstr(err.detail, "plain: column \"note\" is INTEGER PRIMARY KEY") != NULL);
    CHECK(strstr(err.detail, "column \"amount\" is generated") != NULL);
    CHECK(strstr(err.detail, "has no column \"seen\"") != NULL);
    CHECK(strstr(err.detail, "\"must\" is NOT NULL") != NULL);
}

static void rollback_leaves_nothing(void)
{
    spate_error err;
    fresh_file("");
    CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, false, &err), SPATE_OK);
    CHECK(!sp_os_exists(file)); /* a new file is there as a whole or not at all */
    run_sql("CREATE TABLE plain (id INTEGER PRIMARY KEY, amount, seen, note)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, false, &err), SPATE_OK);
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
    CHECK_INT(load_plain((sp_sink_options){.create = true}, twice, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "UNIQUE constraint failed: plain.id") != NULL);
    CHECK(!sp_os_exists(file));
    run_sql("CREATE TABLE plain (id INTEGER PRIMARY KEY, amount, seen, note)");
    CHECK_INT(load_plain((sp_sink_options){0}, twice, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "UNIQUE constraint failed: plain.id") != NULL);
    CHECK_STR(ask("SELECT count(*) FROM plain"), "0|");
}

/* A table of numbers, keys in no order: those that are not above all before them come late. */
static void keys_in_no_order(void)
{
    enum { CHUNKS = 40, ROWS = 1000 };
    static const sp_field fields[] = {
        {"note", {SP_TEXT}, true}, {"id", {SP_I64}, false}, {"half", {SP_F64}, true, .sql_type = "real"}};
    static const uint32_t key[] = {1};
    static const sp_schema schema = {.table = "mixed",
                                     .fields = fields,
                                     .n_fields = 3,
                                     .primary_key = key,
                                     .n_primary_key = 1,
                                     .rows = CHUNKS * ROWS};
    const sp_schema *tables = &schema;
    sp_sink *sink;
    sp_lane *lane = NULL;
    sp_batch b;
    spate_error err;
    fresh_file("?page_size=1024");
    CHECK_INT(open_sink((sp_sink_options){.create = true}, &tables, 1, &sink, &err), SPATE_OK);
    CHECK_INT(sink->lanes_max, 0); /* it is by pages */
    CHECK_INT(sp_batch_init(&b, &schema, &err), SPATE_OK);
    CHECK_INT(sink->ops->lane_open(sink, &lane, &err), SPATE_OK);
    for (uint64_t i = 0; i < CHUNKS; i++) {
        sp_chunk chunk = {0, i * ROWS, (i + 1) * ROWS};
        CHECK_INT(sink->ops->begin(lane, &chunk, &err), SPATE_OK);
        sp_batch_reset(&b);
        b.columns[0].offsets[0] = 0;
        for (uint32_t r = 0; r < ROWS; r++) {
            uint64_t id = (i < 10 ? i * ROWS + r : (i * ROWS + r) * 7919 % (CHUNKS * ROWS)); /* in order, then mixed */
            id = i < 10 ? id * 4 : id * 4 + 1;
            put_string(&b.columns[0], r, "late rows wait", id % 15);
            ((int64_t *)b.columns[1].data)[r] = (int64_t)id - 20000;
            ((double *)b.columns[2].data)[r] = (double)id / 2;
        }
        b.rows = ROWS;
        CHECK_INT(sink->ops->write(lane, &b, &err), SPATE_OK);
        CHECK_INT(sink->ops->commit(lane, &chunk, ROWS, &err), SPATE_OK);
    }
    sink->ops->lane_close(lane);
    sp_batch_done(&b);
    CHECK_INT(finish_and_close(sink, true, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_STR(ask("PRAGMA integrity_check"), "ok|");
    CHECK_STR(ask("SELECT count(*), count(DISTINCT id), min(id), sum(typeof(half) = 'real') FROM mixed"),
              "40000|40000|-20000|40000|");
    CHECK_STR(
        ask("SELECT count(*) FROM mixed WHERE note = substr('late rows wait', 1, (id + 20000) % 15) AND half * 2 = id + 20000"),
        "40000|");
    CHECK_STR(ask("PRAGMA page_size"), "1024|");
    CHECK_STR(ask("PRAGMA freelist_count"), "0|");
}

/* What the way by pages takes, and what it leaves to INSERT. */
static void which_way(void)
{
    static const struct {
        sp_sink_options options;
        unsigned lanes_max;
    } cases[] = {
        {{.create = true}, 0},
        {{.create = true, .mode = SP_INSERT_COPY}, 0},
        {{.create = true, .defer_constraints = true}, 0},
        {{.create = true, .mode = SP_INSERT_INSERT}, 1},
        {{.create = true, .mode = SP_INSERT_UPSERT}, 1},
        {{.create = true, .indexes_before = true}, 1},
        {{.create = true, .job = "j", .job_of = "rows"}, 1},
    };
    const sp_schema *schema = &plain;
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        sp_sink *sink;
        spate_error err;
        fresh_file("");
        CHECK_INT(open_sink(cases[i].options, &schema, 1, &sink, &err), SPATE_OK);
        if (!CHECK_INT(sink->lanes_max, cases[i].lanes_max))
            printf("# case %zu\n", i);
        sp_sink_close(sink);
    }
}

static void broken_foreign_key(void)
{
    spate_error err;
    fresh_file("");
    run_sql("CREATE TABLE parent (id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1)");
    run_sql("CREATE TABLE plain (id INT REFERENCES parent (id), amount, seen, note)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "FOREIGN KEY constraint failed") != NULL);
    CHECK_STR(ask("SELECT count(*) FROM plain"), "0|");
    CHECK_INT(load_plain((sp_sink_options){.defer_constraints = true}, ids123, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "2 rows, first of table \"plain\" refer to no row of table \"parent\"") != NULL);
    CHECK(strstr(err.detail, "table \"plain\", rowid 2, parent \"parent\"") != NULL);
}

static void upserts(void)
{
    spate_error err;
    const char *const others[] = {"uno", "dos", "tres"};
    fresh_file("");
    CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, true, &err), SPATE_OK);
    CHECK_INT(load_plain((sp_sink_options){.mode = SP_INSERT_INSERT}, ids123, others, true, &err), SPATE_E_DATA);
    CHECK_INT(load_plain((sp_sink_options){.mode = SP_INSERT_UPSERT}, ids123, others, true, &err), SPATE_OK);
    CHECK_STR(ask("SELECT id, note FROM plain"), "1|uno|\n2|dos|\n3|tres|");
}

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
}

static void wrong_files(void)
{
    spate_error err;
    snprintf(file, sizeof(file), "%s/none/x.sqlite", dir);
    snprintf(uri, sizeof(uri), "sqlite:%s", file);
    CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, true, &err), SPATE_E_IO);
    CHECK(strstr(err.hint, "directory") != NULL);
    snprintf(file, sizeof(file), "%s/text.sqlite", dir);
    snprintf(uri, sizeof(uri), "sqlite:%s", file);
    FILE *f = fopen(file, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database\n", f);
    fclose(f);
    CHECK_INT(load_plain((sp_sink_options){.create = true}, ids123, notes123, true, &err), SPATE_E_CORRUPT);
    CHECK(strstr(err.message, "not a database") != NULL);
    CHECK(sp_os_exists(file));
    CHECK_INT(spate_query(uri, "SELECT * FROM sqlite_master", take_row, &(answer){0}, &err), SPATE_E_CORRUPT);
}

/* A child process holds the file; a pipe says when, and is closed to end it. */
static void locked_file(void)
{
    spate_error err;
    int ready[2], leave[2];
    char byte;
    fresh_file("");
    CHECK(pipe(ready) == 0 && pipe(leave) == 0);
    run_sql("CREATE TABLE plain (id, amount, seen, note)");
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db = NULL;
        close(leave[1]);
        (void)!sp_sqlite_open(file, SQLITE_OPEN_READWRITE, &db, &err);
        (void)!sp_sqlite_run(db, "BEGIN EXCLUSIVE", file, &err);
        (void)!write(ready[1], "x", 1);
        (void)!read(leave[0], &byte, 1);
        _exit(0);
    }
    close(leave[0]);
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_E_UNREACHABLE);
    CHECK(strstr(err.message, "locked") != NULL);
    CHECK(err.hint[0] != '\0');
    close(leave[1]);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static void queries(void)
{
    fresh_file("");
    run_sql("CREATE TABLE q (a INT, b BLOB); INSERT INTO q VALUES (1, x'00ff'), (NULL, x'')");
    CHECK_STR(ask("SELECT * FROM q -- all"), "1|00ff|\n~||");
    CHECK_STR(ask("SELECT 1 AS a, 2 AS a ;\n"), "1|2|");
    CHECK(strncmp(ask("SELECT 1; SELECT 2"), "error: ", 7) == 0);
    CHECK(strncmp(ask("SELECT nothing FROM q"), "error: ", 7) == 0);
    CHECK(strncmp(ask("INSERT INTO q VALUES (2, NULL)"), "error: ", 7) == 0);
}

int main(void)
{
    if (make_dir() != SPATE_OK)
        return 1;
    RUN(locked_file);
    RUN(every_kind_by_pages);
    RUN(every_kind_by_insert);
    RUN(replaces_and_empties);
    RUN(other_types);
    RUN(misfits_are_listed);
    RUN(rollback_leaves_nothing);
    RUN(dry_run_changes_nothing);
    RUN(broken_primary_key);
    RUN(keys_in_no_order);
    RUN(which_way);
    RUN(broken_foreign_key);
    RUN(upserts);
    RUN(wrong_presence);
    RUN(wrong_files);
    RUN(queries);
    return check_done() | remove_dir();
}
