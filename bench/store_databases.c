/* store_databases.c - the same rows in DuckDB and SQLite, by their fastest ways in that take rows: data chunks and a checkpoint; one prepared
 * INSERT in one transaction without a journal. Reading is their own sum of every column (DuckDB), or a step a row (SQLite). Rows of
 * many shapes are a table of all their columns, and only as many of them as are worth waiting for. */
#include "store_data.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHAPED_ROWS = 50000, NAMES_MAX = 704 };

/* The columns of all shapes, by the numbers of their names. */
typedef struct table {
    const spate_record_field *fields[NAMES_MAX];
    unsigned widths[NAMES_MAX], places[NAMES_MAX], n;
} table;

static void make_table(const rows *r, table *t)
{
    memset(t, 0, sizeof *t);
    for (unsigned k = 0; k < r->n_shapes; k++)
        for (size_t f = 0; f < r->shapes[k].n; f++) {
            t->fields[r->shapes[k].names[f]] = &r->shapes[k].fields[f];
            t->widths[r->shapes[k].names[f]] = r->shapes[k].widths[f];
        }
    for (unsigned name = 0; name < NAMES_MAX; name++)
        if (t->fields[name])
            t->places[name] = t->n++;
}

size_t database_rows(const rows *r)
{
    return r->of && r->n > SHAPED_ROWS ? SHAPED_ROWS : r->n;
}

static char *create_sql(const table *t)
{
    char *sql = malloc(NAMES_MAX * 64), *p = sql;
    p += sprintf(p, "CREATE TABLE t (");
    for (unsigned name = 0; name < NAMES_MAX; name++)
        if (t->fields[name]) {
            spate_kind kind = t->fields[name]->type.kind;
            p += sprintf(p, "%s\"%s\" %s", t->places[name] ? ", " : "", t->fields[name]->name,
                         kind == SPATE_F64      ? "DOUBLE"
                         : t->widths[name] == 2 ? "SMALLINT"
                         : t->widths[name] == 4 ? "INTEGER"
                                                : "BIGINT");
        }
    sprintf(p, ")");
    return sql;
}

static bool is_there(const shape *s, const char *record, size_t f)
{
    return s->null_bits == SPATE_NO_NULLS || record[s->null_bits + f / 8] >> (f & 7) & 1;
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* ---- SQLite -------------------------------------------------------------------------------------- */

static void must(sqlite3 *db, int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
        return;
    fprintf(stderr, "bench_store: SQLite: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static sqlite3 *open_sqlite(const char *path)
{
    sqlite3 *db;
    must(NULL, sqlite3_open(path, &db));
    must(
        db,
        sqlite3_exec(
            db,
            "PRAGMA page_size = 16384; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
            "PRAGMA mmap_size = 4294967296",
            NULL, NULL, NULL));
    return db;
}

static void insert_rows(const rows *r, const table *t, sqlite3 *db)
{
    char *sql = malloc(64 + 2 * NAMES_MAX), *p = sql + sprintf(sql, "INSERT INTO t VALUES (");
    for (unsigned i = 0; i < t->n; i++)
        p += sprintf(p, i ? ",?" : "?");
    sprintf(p, ")");
    sqlite3_stmt *insert;
    must(db, sqlite3_prepare_v2(db, sql, -1, &insert, NULL));
    const char *record = r->bytes;
    for (size_t i = 0; i < database_rows(r); i++) {
        const shape *s = &r->shapes[r->of ? r->of[i] : 0];
        sqlite3_clear_bindings(insert);
        for (size_t f = 0; f < s->n; f++) {
            double d;
            if (!is_there(s, record, f))
                continue;
            int place = (int)t->places[s->names[f]] + 1;
            memcpy(&d, record + s->fields[f].offset, s->fields[f].type.kind == SPATE_F64 ? 8 : 0);
            if (s->fields[f].type.kind == SPATE_F64)
                sqlite3_bind_double(insert, place, d);
            else
                sqlite3_bind_int64(insert, place, (sqlite3_int64)cell_bits(record + s->fields[f].offset, s->widths[f]));
        }
        must(db, sqlite3_step(insert));
        sqlite3_reset(insert);
        record += s->stride;
    }
    sqlite3_finalize(insert);
    free(sql);
}

took sqlite_write(const rows *r, const char *path)
{
    took took = {0};
    static table t;
    make_table(r, &t);
    char *create = create_sql(&t);
    unlink(path);
    double start = seconds_now(), cpu = cpu_now();
    sqlite3 *db = open_sqlite(path);
    must(db, sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, NAMES_MAX) > 0 ? SQLITE_OK : SQLITE_ERROR);
    must(db, sqlite3_exec(db, create, NULL, NULL, NULL));
    must(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
    insert_rows(r, &t, db);
    must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    sqlite3_close(db);
    took.seconds = seconds_now() - start;
    took.cpu = cpu_now() - cpu;
    took.bytes = size_of(path);
    free(create);
    return took;
}

/* Every cell's bits, added up: what all other scans do. */
took sqlite_scan(const rows *r, const char *path)
{
    took took = {0};
    sqlite3_stmt *select;
    (void)r;
    double start = seconds_now(), cpu = cpu_now();
    sqlite3 *db = open_sqlite(path);
    must(db, sqlite3_prepare_v2(db, "SELECT * FROM t", -1, &select, NULL));
    for (int n = sqlite3_column_count(select); sqlite3_step(select) == SQLITE_ROW;)
        for (int i = 0; i < n; i++) {
            int type = sqlite3_column_type(select, i);
            double d = type == SQLITE_FLOAT ? sqlite3_column_double(select, i) : 0;
            uint64_t bits = type == SQLITE_INTEGER ? (uint64_t)sqlite3_column_int64(select, i) : 0;
            if (type == SQLITE_FLOAT)
                memcpy(&bits, &d, 8);
            took.sum += bits;
        }
    sqlite3_finalize(select);
    sqlite3_close(db);
    took.seconds = seconds_now() - start;
    took.cpu = cpu_now() - cpu;
    return took;
}

/* ---- DuckDB -------------------------------------------------------------------------------------- */

#ifdef HAVE_DUCKDB
#include <duckdb.h>

enum { CHUNK = 2048 };

static void did(duckdb_state state, const char *what)
{
    if (state == DuckDBSuccess)
        return;
    fprintf(stderr, "bench_store: DuckDB: %s\n", what);
    exit(1);
}

typedef struct session {
    duckdb_database db;
    duckdb_connection c;
} session;

static session open_duckdb(const char *path)
{
    session s;
    duckdb_config config;
    did(duckdb_create_config(&config), "config");
    did(duckdb_set_config(config, "threads", "1"), "threads");
    did(duckdb_open_ext(path, &s.db, config, NULL), path);
    did(duckdb_connect(s.db, &s.c), "connect");
    duckdb_destroy_config(&config);
    return s;
}

static void close_duckdb(session *s)
{
    duckdb_disconnect(&s->c);
    duckdb_close(&s->db);
}

static duckdb_data_chunk make_chunk(const table *t)
{
    duckdb_logical_type types[NAMES_MAX];
    for (unsigned name = 0; name < NAMES_MAX; name++)
        if (t->fields[name])
            types[t->places[name]] =
                duckdb_create_logical_type(t->fields[name]->type.kind == SPATE_F64 ? DUCKDB_TYPE_DOUBLE
                                           : t->widths[name] == 2                  ? DUCKDB_TYPE_SMALLINT
                                           : t->widths[name] == 4                  ? DUCKDB_TYPE_INTEGER
                                                                                   : DUCKDB_TYPE_BIGINT);
    duckdb_data_chunk chunk = duckdb_create_data_chunk(types, t->n);
    for (unsigned i = 0; i < t->n; i++)
        duckdb_destroy_logical_type(&types[i]);
    return chunk;
}

/* Cells of a chunk's rows; those that no record has are null. */
static const char *fill_chunk(const rows *r, const table *t, size_t first, size_t n, const char *record,
                              duckdb_data_chunk chunk)
{
    static char *cells[NAMES_MAX];
    static uint64_t *bits[NAMES_MAX];
    duckdb_data_chunk_reset(chunk);
    for (unsigned i = 0; i < t->n; i++) {
        duckdb_vector v = duckdb_data_chunk_get_vector(chunk, i);
        duckdb_vector_ensure_validity_writable(v);
        cells[i] = duckdb_vector_get_data(v);
        bits[i] = duckdb_vector_get_validity(v);
        memset(bits[i], 0, CHUNK / 8);
    }
    for (size_t row = 0; row < n; row++) {
        const shape *s = &r->shapes[r->of ? r->of[first + row] : 0];
        for (size_t f = 0; f < s->n; f++) {
            unsigned place = t->places[s->names[f]], width = s->widths[f];
            if (!is_there(s, record, f))
                continue;
            bits[place][row / 64] |= UINT64_C(1) << row % 64;
            memcpy(cells[place] + row * width, record + s->fields[f].offset, width);
        }
        record += s->stride;
    }
    duckdb_data_chunk_set_size(chunk, n);
    return record;
}

took duckdb_write(const rows *r, const char *path)
{
    took took = {0};
    static table t;
    duckdb_appender appender;
    make_table(r, &t);
    char *create = create_sql(&t);
    unlink(path);
    double start = seconds_now(), cpu = cpu_now();
    session s = open_duckdb(path);
    did(duckdb_query(s.c, create, NULL), "create");
    did(duckdb_appender_create(s.c, NULL, "t", &appender), "appender");
    duckdb_data_chunk chunk = make_chunk(&t);
    const char *record = r->bytes;
    for (size_t at = 0, n = database_rows(r); at < n; at += CHUNK) {
        size_t some = n - at < CHUNK ? n - at : CHUNK;
        record = fill_chunk(r, &t, at, some, record, chunk);
        did(duckdb_append_data_chunk(appender, chunk), "append");
    }
    duckdb_destroy_data_chunk(&chunk);
    did(duckdb_appender_destroy(&appender), "flush");
    did(duckdb_query(s.c, "CHECKPOINT", NULL), "checkpoint");
    close_duckdb(&s);
    took.seconds = seconds_now() - start;
    took.cpu = cpu_now() - cpu;
    took.bytes = size_of(path);
    free(create);
    return took;
}

took duckdb_sum(const rows *r, const char *path)
{
    took took = {0};
    static table t;
    duckdb_result result;
    make_table(r, &t);
    char *sql = malloc(NAMES_MAX * 64), *p = sql + sprintf(sql, "SELECT count(*)");
    for (unsigned name = 0; name < NAMES_MAX; name++)
        if (t.fields[name])
            p += sprintf(p, ", sum(\"%s\")", t.fields[name]->name);
    sprintf(p, " FROM t");
    double start = seconds_now(), cpu = cpu_now();
    session s = open_duckdb(path);
    did(duckdb_query(s.c, sql, &result), "sum");
    if ((size_t)duckdb_value_int64(&result, 0, 0) != database_rows(r))
        did(DuckDBError, "rows are missing");
    duckdb_destroy_result(&result);
    close_duckdb(&s);
    took.seconds = seconds_now() - start;
    took.cpu = cpu_now() - cpu;
    free(sql);
    return took;
}
#endif
