/* test_arrow.c - rows of a store as DuckDB sees them through the Arrow C stream: every kind of cell, nulls, rows of several shapes, and what
 * cannot be a stream. */
#include "spate/arrow.h"
#include "base/base.h"
#include "check.h"
#include "ok.h"
#include "client/libduckdb.h"
#include "os/os.h"

#include <stdlib.h>
#include <unistd.h>

static spate_error err;
static duckdb_database db;
static duckdb_connection conn;
static __typeof__(&duckdb_arrow_scan) arrow_scan;

static void start(void)
{
    static const char *const names[] = {"libduckdb.so", TEST_ROOT "/deps/duckdb/libduckdb.so", NULL};
    const sp_os_function functions[] = {{"duckdb_arrow_scan", (void **)&arrow_scan}};
    OK(sp_duckdb_load(&err));
    sp_os_library library = {names, functions, 1, .hint = NULL};
    OK(sp_os_library_load(&library, &err));
    OK(sp_duckdb_open(":memory:", false, 1, &db, &err));
    CHECK(sp_duckdb.connect(db, &conn) == DuckDBSuccess);
}

/* A question whose FROM is "rows". DuckDB takes it that such a stream leaves out columns which are not asked for, so all of them are. */
static void ask(spate_store *s, const spate_scan_options *o, const char *sql, duckdb_result *result)
{
    struct ArrowArrayStream stream;
    OK(spate_store_arrow(s, o, &stream, &err));
    CHECK(arrow_scan(conn, "stream", (duckdb_arrow_stream)&stream) == DuckDBSuccess);
    OK(sp_duckdb_run(conn, "CREATE OR REPLACE TABLE rows AS SELECT * FROM stream", &err));
    if (stream.release)
        stream.release(&stream);
    OK(sp_duckdb_run(conn, "DROP VIEW stream", &err));
    OK(sp_duckdb_ask(conn, sql, result, &err));
}

/* ---- every kind -------------------------------------------------------------------------------- */

/* What DuckDB writes as we do: of a number below one it leaves out the zero when its type has no room for one. */
static bool is_alike(const spate_type *t)
{
    spate_kind kind = t->kind;
    if (kind == SPATE_DECIMAL)
        return t->precision > t->scale;
    return kind == SPATE_I16 || kind == SPATE_I32 || kind == SPATE_I64 || kind == SPATE_U64 || kind == SPATE_TEXT ||
           kind == SPATE_UUID || kind == SPATE_JSON || kind == SPATE_DATE || kind == SPATE_TIME ||
           kind == SPATE_TIMESTAMP;
}

static uint32_t compare_column(spate_store *s, uint32_t table, const char *field)
{
    spate_scan_options o = {.table = table, .fields = &field, .n_fields = 1};
    spate_line *line = spate_line_new();
    spate_cursor *c = NULL;
    duckdb_result result;
    char sql[256];
    uint32_t rows = 0;
    snprintf(sql, sizeof sql, "SELECT \"%s\"::VARCHAR FROM rows", field);
    ask(s, &o, sql, &result);
    OK(spate_cursor_open(s, &o, &c, &err));
    for (;; rows++) {
        const spate_value *v;
        size_t n, len;
        OK(spate_cursor_next(c, &v, &n, NULL, &err));
        if (!v)
            break;
        bool null = sp_duckdb.value_is_null(&result, 0, rows);
        CHECK_INT(null, n == 0);
        if (null || n == 0)
            continue;
        spate_line_clear(line);
        CHECK(spate_line_add_value(line, v, SPATE_FORM_PLAIN) == SPATE_OK && spate_line_add(line, "") == SPATE_OK);
        const char *want = spate_line_text(line, &len);
        char *got = sp_duckdb.value_varchar(&result, 0, rows);
        if (strlen(got) != len || memcmp(got, want, len) != 0)
            printf("# %s, row %u: %s, not %.*s\n", field, rows, got, (int)len, want);
        CHECK(strlen(got) == len && memcmp(got, want, len) == 0);
        sp_duckdb.free(got);
    }
    CHECK_INT(sp_duckdb.row_count(&result), rows);
    sp_duckdb.destroy_result(&result);
    spate_cursor_close(c);
    spate_line_free(line);
    return rows;
}

static void every_kind(void)
{
    spate_store *s = NULL;
    spate_table t;
    uint32_t table = 0, compared = 0;
    OK(spate_store_open(TEST_ROOT "/tests/golden/store_v1.spate", false, &s, &err));
    OK(spate_store_find_table(s, "types", &table, &err));
    OK(spate_store_table(s, table, &t, &err));
    for (size_t i = 0; i < t.n_columns; i++)
        if (is_alike(&t.columns[i].type))
            compared += compare_column(s, table, t.columns[i].name) == t.rows;
    CHECK(compared >= 10);
    /* All together: lists and what is written otherwise. */
    duckdb_result result;
    ask(s, &(spate_scan_options){.table = table},
        "SELECT count(*), sum(len(tags)), count(wait), count(blob), count(f32), count(flag) FROM rows", &result);
    CHECK_INT(sp_duckdb.value_int64(&result, 0, 0), t.rows);
    CHECK(sp_duckdb.value_int64(&result, 1, 0) > 0);
    sp_duckdb.destroy_result(&result);
    spate_table_done(&t);
    spate_store_close(s);
}

/* ---- rows of any fields ------------------------------------------------------------------------ */

enum { ROWS = 50000 };

static void several_shapes(void)
{
    char path[64];
    spate_store *s = NULL;
    spate_appender *a = NULL;
    uint32_t table;
    uint16_t x, y, z;
    snprintf(path, sizeof path, "/dev/shm/spate-arrow-%d.spate", (int)getpid());
    OK(spate_store_create(path, 0, &s, &err));
    OK(spate_store_add_table(s, "t", NULL, 0, &table, &err));
    OK(spate_store_name(s, "x", &x, &err));
    OK(spate_store_name(s, "y", &y, &err));
    OK(spate_store_name(s, "z", &z, &err));
    OK(spate_appender_open(s, table, &a, &err));
    int64_t sum = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        spate_value v[3] = {{.name = x, .kind = SPATE_I64, .as.i = i}};
        if (i % 3 == 0)
            v[1] = (spate_value){.name = y, .kind = SPATE_I32, .as.i = i % 100};
        if (i % 3 == 1)
            v[1] = (spate_value){.name = z, .kind = SPATE_TEXT, .as.p = "z", .len = 1};
        sum += i % 3 == 0 ? i % 100 : 0;
        OK(spate_append_row(a, v, i % 3 == 2 ? 1 : 2, &err));
    }
    OK(spate_appender_flush(a, &err));
    spate_appender_close(a);
    OK(spate_store_finish(s, &err));
    spate_store_close(s);
    OK(spate_store_open(path, false, &s, &err));
    const char *fields[] = {"z", "x", "y"};
    duckdb_result result;
    ask(s, &(spate_scan_options){.fields = fields, .n_fields = 3},
        "SELECT count(*), count(y), sum(y), count(z), sum(x) FROM rows", &result);
    CHECK_INT(sp_duckdb.value_int64(&result, 0, 0), ROWS);
    CHECK_INT(sp_duckdb.value_int64(&result, 1, 0), (ROWS + 2) / 3);
    CHECK_INT(sp_duckdb.value_int64(&result, 2, 0), sum);
    CHECK_INT(sp_duckdb.value_int64(&result, 3, 0), (ROWS + 1) / 3);
    CHECK_INT(sp_duckdb.value_int64(&result, 4, 0), (int64_t)ROWS * (ROWS - 1) / 2);
    sp_duckdb.destroy_result(&result);
    struct ArrowArrayStream stream;
    CHECK_INT(spate_store_arrow(s, &(spate_scan_options){0}, &stream, &err), SPATE_E_USAGE);
    CHECK_STR(err.message, "table \"t\" declares no columns: which fields?");
    spate_store_close(s);
    unlink(path);
}

/* ---- by hand ----------------------------------------------------------------------------------- */

/* Arrays may be taken out of a batch and live longer than all the rest. */
static void arrays_live_on(void)
{
    spate_store *s = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray batch, column;
    struct ArrowSchema schema;
    const char *fields[] = {"only"};
    uint32_t table = 0;
    OK(spate_store_open(TEST_ROOT "/tests/golden/store_v1.spate", false, &s, &err));
    OK(spate_store_find_table(s, "narrow", &table, &err));
    OK(spate_store_arrow(s, &(spate_scan_options){.table = table, .fields = fields, .n_fields = 1}, &stream, &err));
    CHECK_INT(stream.get_schema(&stream, &schema), 0);
    CHECK(strcmp(schema.format, "+s") == 0 && schema.n_children == 1 && strcmp(schema.children[0]->format, "i") == 0);
    schema.release(&schema);
    CHECK_INT(stream.get_next(&stream, &batch), 0);
    CHECK_INT(batch.length, 3000);
    column = *batch.children[0];
    batch.children[0]->release = NULL;
    batch.release(&batch);
    CHECK_INT(stream.get_next(&stream, &batch), 0);
    CHECK(batch.release == NULL);
    stream.release(&stream);
    spate_store_close(s);
    CHECK(column.length == 3000 && column.n_buffers == 2 && column.buffers[1] != NULL);
    column.release(&column);
}

int main(void)
{
    start();
    RUN(every_kind);
    RUN(several_shapes);
    RUN(arrays_live_on);
    sp_duckdb.disconnect(&conn);
    sp_duckdb.close(&db);
    return check_done();
}
