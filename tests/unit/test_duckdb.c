/* test_duckdb.c - what goes into a DuckDB file comes out of it, whole chunks or nothing, and refusals say what is wrong. */
#include "check.h"
#include "endpoint/endpoint.h"
#include "os/os.h"
#include "spate/query.h"
#include "specimens.h"

#include <sys/wait.h>
#include <unistd.h>

static char dir[64], file[96], uri[128];

static void fresh_file(const char *query)
{
    static int n;
    snprintf(file, sizeof(file), "%s/t%d.duckdb", dir, n++);
    snprintf(uri, sizeof(uri), "duckdb:%s%s", file, query);
}

/* ---- asking ---- */

typedef struct answer {
    char text[4096]; /* cells ended by |, rows by a new line, NULL as ~; the names are left out */
    size_t len;
    uint64_t rows;
} answer;

static int take_row(void *arg, const spate_cell *cells, size_t n)
{
    answer *a = arg;
    if (a->rows++ == 0)
        return 0;
    for (size_t i = 0; i < n && a->len + cells[i].len + 4 < sizeof(a->text); i++) {
        memcpy(a->text + a->len, cells[i].text ? cells[i].text : "~", cells[i].text ? cells[i].len : 1);
        a->len += cells[i].text ? cells[i].len : 1;
        a->text[a->len++] = '|';
    }
    a->text[a->len++] = '\n';
    return 0;
}

static const char *ask(const char *sql)
{
    static answer a;
    spate_error err = {0};
    char plain[128];
    snprintf(plain, sizeof(plain), "duckdb:%s", file);
    memset(&a, 0, sizeof(a));
    if (spate_query(plain, sql, take_row, &a, &err) != SPATE_OK)
        snprintf(a.text, sizeof(a.text), "error: %s", err.message);
    else if (a.len)
        a.text[a.len - 1] = '\0';
    return a.text;
}

/* ---- loading ---- */

static int open_sink(sp_sink_options options, const sp_schema *const *tables, uint32_t n, sp_sink **sink, spate_error *err)
{
    *sink = NULL;
    *err = (spate_error){0};
    int rc = sp_sink_open(uri, &options, sink, err);
    return rc == SPATE_OK ? (*sink)->ops->prepare(*sink, tables, n, err) : rc;
}

static int write_rows(sp_lane *lane, sp_batch *batch, uint64_t first, uint64_t last, spate_error *err)
{
    const sp_sink_ops *ops = lane->sink->ops;
    int rc = SPATE_OK;
    while (rc == SPATE_OK && first < last) {
        uint32_t n = (uint32_t)SP_MIN(last - first, (uint64_t)SP_BATCH_ROWS_MAX);
        sp_batch_reset(batch);
        rc = ops->lend ? ops->lend(lane, batch, err) : SPATE_OK;
        specimen_batch(batch, first, n);
        if (rc == SPATE_OK)
            rc = ops->write(lane, batch, err);
        first += n;
    }
    return rc;
}

typedef struct lane_work {
    sp_sink *sink;
    const sp_schema *schema;
    uint64_t first, last, step;
    spate_error err;
    int rc;
} lane_work;

static void *run_lane(void *arg)
{
    lane_work *w = arg;
    const sp_sink_ops *ops = w->sink->ops;
    sp_lane *lane = NULL;
    sp_batch batch;
    w->rc = sp_batch_init(&batch, w->schema, &w->err);
    if (w->rc == SPATE_OK)
        w->rc = ops->lane_open(w->sink, &lane, &w->err);
    for (uint64_t at = w->first; at < w->last && w->rc == SPATE_OK; at += w->step) {
        sp_chunk chunk = {0, at, SP_MIN(at + w->step, w->last)};
        w->rc = ops->begin(lane, &chunk, &w->err);
        if (w->rc == SPATE_OK)
            w->rc = write_rows(lane, &batch, chunk.first_row, chunk.last_row, &w->err);
        if (w->rc == SPATE_OK)
            w->rc = ops->commit(lane, &w->err);
        if (w->rc != SPATE_OK)
            ops->rollback(lane);
    }
    if (lane)
        ops->lane_close(lane);
    sp_batch_done(&batch);
    return NULL;
}

static int finish_and_close(sp_sink *sink, bool complete, spate_error *err)
{
    int rc = sink->ops->finish(sink, complete, err);
    sp_sink_close(sink);
    return rc;
}

/* ---- every kind ---- */

typedef struct compared {
    uint64_t row;
    int wrong;
} compared;

static int compare_row(void *arg, const spate_cell *cells, size_t n)
{
    compared *c = arg;
    if (c->row++ == 0)
        return 0;
    uint64_t row = c->row - 2;
    for (uint32_t i = 0; i < SPECIMEN_COLUMNS && i + 1 < n; i++) {
        const char *want = specimen_null(i, row) ? NULL : specimens[i].duckdb[specimen_at(i, row)];
        const spate_cell *got = &cells[i + 1];
        bool same = want ? got->text && got->len == strlen(want) && memcmp(got->text, want, got->len) == 0 : !got->text;
        if (!same && c->wrong++ < 10)
            printf("# row %llu column %s: got \"%.*s\", expected \"%s\"\n", (unsigned long long)row,
                   specimens[i].field.name, got->text ? (int)got->len : 4, got->text ? got->text : "NULL",
                   want ? want : "NULL");
    }
    return 0;
}

static void check_specimens(uint64_t rows)
{
    compared c = {0};
    spate_error err = {0};
    char plain[128];
    snprintf(plain, sizeof(plain), "duckdb:%s", file);
    CHECK_INT(spate_query(plain, "SELECT * FROM every ORDER BY id; -- all", compare_row, &c, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_INT(c.row, rows + 1);
    CHECK_INT(c.wrong, 0);
}

static void load_specimens(sp_sink_options options, uint64_t rows, uint64_t step)
{
    sp_arena arena;
    sp_sink *sink;
    spate_error err;
    sp_arena_init(&arena);
    const sp_schema *schema = specimen_schema(&arena, "every", rows);
    CHECK_INT(open_sink(options, &schema, 1, &sink, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_STR(err.detail, "");
    uint64_t middle = rows / 2 / step * step;
    lane_work works[2] = {{sink, schema, 0, middle, step, {0}, 0}, {sink, schema, middle, rows, step, {0}, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        CHECK_INT(sp_os_thread_start(&threads[i], run_lane, &works[i], &err), SPATE_OK);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK_STR(works[i].err.message, "");
    }
    CHECK(sink->bytes_written[0] > rows * 100);
    CHECK_INT(finish_and_close(sink, true, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    sp_arena_done(&arena);
}

static void every_kind_two_lanes(void)
{
    fresh_file("");
    load_specimens((sp_sink_options){.create = true, .truncate = true}, 20001, 3000);
    check_specimens(20001);
    char wal[128];
    snprintf(wal, sizeof(wal), "%s.wal", file);
    CHECK(!sp_os_exists(wal));
    CHECK_STR(ask("SELECT constraint_type FROM duckdb_constraints() WHERE constraint_type LIKE 'PRIM%'"), "PRIMARY KEY|");
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

static void run_sql(const char *sql);

static const sp_field plain_fields[] = {
    {"id", {SP_I64}, false}, {"amount", {SP_DECIMAL, 12, 2}, false}, {"seen", {SP_TIMESTAMPTZ}, false}, {"note", {SP_TEXT}, false}};
static const uint32_t plain_key[] = {0};
static const sp_schema plain = {.table = "plain", .fields = plain_fields, .n_fields = 4, .primary_key = plain_key, .n_primary_key = 1, .rows = 3};

static void plain_batch(sp_batch *batch, const int64_t ids[3], const char *const notes[3])
{
    sp_batch_reset(batch);
    batch->columns[3].offsets[0] = 0;
    for (uint32_t r = 0; r < 3; r++) {
        ((int64_t *)batch->columns[0].data)[r] = ids[r];
        ((int64_t *)batch->columns[1].data)[r] = 1000 * ids[r] + 5;
        ((int64_t *)batch->columns[2].data)[r] = 1000000 * ids[r];
        put_string(&batch->columns[3], r, notes[r], strlen(notes[r]));
    }
    batch->rows = 3;
}

static int load_plain(sp_sink_options options, const int64_t ids[3], const char *const notes[3], bool commit, spate_error *err)
{
    const sp_schema *schema = &plain;
    sp_sink *sink;
    sp_lane *lane = NULL;
    sp_batch batch;
    int rc = open_sink(options, &schema, 1, &sink, err);
    if (rc == SPATE_OK)
        rc = sp_batch_init(&batch, schema, err);
    if (rc == SPATE_OK) {
        sp_chunk chunk = {0, 0, 3};
        rc = sink->ops->lane_open(sink, &lane, err);
        if (rc == SPATE_OK)
            rc = sink->ops->begin(lane, &chunk, err);
        plain_batch(&batch, ids, notes);
        if (rc == SPATE_OK)
            rc = sink->ops->write(lane, &batch, err);
        if (rc == SPATE_OK && commit)
            rc = sink->ops->commit(lane, err);
        if (lane)
            sink->ops->rollback(lane);
        sink->ops->lane_close(lane);
        sp_batch_done(&batch);
        int end = sink->ops->finish(sink, rc == SPATE_OK && commit, err);
        rc = rc == SPATE_OK ? end : rc;
    }
    sp_sink_close(sink);
    return rc;
}

static const int64_t ids123[] = {1, 2, 3};
static const char *const notes123[] = {"one", "two, and a bit longer", "three"};

static void other_types(void)
{
    spate_error err;
    fresh_file("");
    run_sql("CREATE TABLE plain (extra INT DEFAULT 7, note VARCHAR, seen TIMESTAMP, Amount DECIMAL(20,4), id SMALLINT)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_STR(ask("SELECT id, amount, seen, note, extra FROM plain ORDER BY id LIMIT 2"),
              "1|10.0500|1970-01-01 00:00:01|one|7|\n2|20.0500|1970-01-01 00:00:02|two, and a bit longer|7|");
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
    run_sql("CREATE TABLE plain (id BIGINT PRIMARY KEY, amount DECIMAL(12,2), seen TIMESTAMPTZ, note VARCHAR)");
    CHECK_INT(load_plain((sp_sink_options){0}, twice, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "rimary key") != NULL || strstr(err.message, "PRIMARY KEY") != NULL);
    CHECK_STR(ask("SELECT count(*) FROM plain"), "0|");
    fresh_file("");
    CHECK_INT(load_plain((sp_sink_options){.create = true}, twice, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "adding the keys of table \"plain\"") != NULL);
}

static void broken_foreign_key(void)
{
    spate_error err;
    fresh_file("");
    run_sql("CREATE TABLE parent (id BIGINT PRIMARY KEY)");
    run_sql("CREATE TABLE plain (id BIGINT REFERENCES parent (id), amount DECIMAL(12,2), seen TIMESTAMPTZ, note VARCHAR)");
    CHECK_INT(load_plain((sp_sink_options){0}, ids123, notes123, true, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "foreign key") != NULL);
    CHECK_STR(ask("SELECT count(*) FROM plain"), "0|");
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
    CHECK_INT(load_plain((sp_sink_options){.create = true, .mode = SP_INSERT_UPSERT}, ids123, notes123, true, &err), SPATE_E_USAGE);
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

#include "endpoint/libduckdb.h"
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

int main(void)
{
    snprintf(dir, sizeof(dir), "/tmp/spate-test-duckdb-%d", (int)getpid());
    spate_error err = {0};
    if (sp_os_make_dirs(dir, &err) != SPATE_OK)
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
    RUN(wrong_presence);
    RUN(wrong_files);
    RUN(queries);
    char clean[96];
    snprintf(clean, sizeof(clean), "rm -rf %s", dir);
    return check_done() | (system(clean) != 0);
}
