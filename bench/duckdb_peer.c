/* duckdb_peer.c - what DuckDB itself does, from its C library: the rows of the users table made by SQL, and the ceiling for
 * a DuckDB file, which is appending data chunks that already lie in memory.
 *
 *   duckdb_peer csv    [--rows N] [--threads N] [--to FILE]
 *   duckdb_peer append --from OLD.duckdb --db NEW.duckdb [--table NAME] [--rows N] [--threads N] [--tx-rows N]
 *                      [--set NAME=VALUE]...
 *   duckdb_peer query  --db FILE SQL                      the first value of the answer, to check what was written
 *
 * append takes the table's definition and its first rows from OLD, which spate wrote, so that both sides write the same
 * columns and the same text. Each thread has a connection and
 * appends its own copy of those chunks over and over, tx-rows to a transaction. Opening and closing the file (which
 * checkpoints) are in the time, reading OLD is not. Prints one line of JSON. */
#include <duckdb.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64, SETTINGS_MAX = 16, CHUNK_ROWS = 2048, CHUNKS_MAX = 120 /* two row groups */ };

typedef struct options {
    const char *table, *from, *db, *to;
    uint64_t rows, tx_rows;
    unsigned threads;
    char *settings[SETTINGS_MAX];
    unsigned n_settings;
} options;

_Noreturn static void die(const char *what, const char *why)
{
    fprintf(stderr, "duckdb_peer: %s: %s\n", what, why ? why : "failed");
    exit(1);
}

static void run(duckdb_connection c, const char *sql)
{
    duckdb_result r;
    if (duckdb_query(c, sql, &r) != DuckDBSuccess)
        die(sql, duckdb_result_error(&r));
    duckdb_destroy_result(&r);
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu_now(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static duckdb_database database_open(const char *path, unsigned pool, const options *o)
{
    duckdb_config config;
    duckdb_database db;
    char *why = NULL, threads[16];
    if (duckdb_create_config(&config) != DuckDBSuccess)
        die("config", NULL);
    snprintf(threads, sizeof threads, "%u", pool);
    duckdb_set_config(config, "threads", threads);
    for (unsigned i = 0; i < o->n_settings; i++) {
        char *eq = strchr(o->settings[i], '=');
        if (!eq)
            die(o->settings[i], "NAME=VALUE expected");
        *eq = 0;
        if (duckdb_set_config(config, o->settings[i], eq + 1) != DuckDBSuccess)
            die(o->settings[i], "unknown setting");
        *eq = '=';
    }
    if (duckdb_open_ext(path, &db, config, &why) != DuckDBSuccess)
        die(path ? path : "memory", why);
    duckdb_destroy_config(&config);
    return db;
}

static duckdb_connection connection_open(duckdb_database db)
{
    duckdb_connection c;
    if (duckdb_connect(db, &c) != DuckDBSuccess)
        die("connect", NULL);
    return c;
}

/* ---- rows by SQL ----------------------------------------------------------------------------------------------- */

/* The fastest found for rows of this shape: names drawn from lists of constants, joined tables or enums instead of built by
 * || cost 20 to 50 % more, and an INTERVAL instead of make_timestamp 10 %. 95 bytes a row as CSV. */
static const char *const users_sql =
    "SELECT uuid() AS id, 'user' || h%%10000000 || '@example' || h%%1000 || '.com' AS email, "
    "'First' || h%%3000 || ' Last' || h%%1000 AS name, "
    "make_timestamp((1420070400 + (h%%315619200)::BIGINT)*1000000) AS created "
    "FROM (SELECT hash(i) h FROM range(%" PRIu64 ") t(i))";

static void csv_run(const options *o)
{
    static char sql[32768], rows[16384];
    duckdb_database db = database_open(NULL, o->threads, o);
    duckdb_connection c = connection_open(db);
    snprintf(rows, sizeof rows, users_sql, o->rows);
    snprintf(sql, sizeof sql, "COPY (%s) TO '%s' (FORMAT csv)", rows, o->to);
    double start = seconds_now(), cpu = cpu_now();
    run(c, sql);
    double seconds = seconds_now() - start;
    printf("{\"case\":\"duckdb users csv\",\"threads\":%u,\"rows\":%" PRIu64 ",\"seconds\":%.4f,\"cpu\":%.4f,"
           "\"rows_per_s\":%.0f}\n",
           o->threads, o->rows, seconds, cpu_now() - cpu, (double)o->rows / seconds);
    duckdb_disconnect(&c);
    duckdb_close(&db);
}

/* ---- appending chunks -------------------------------------------------------------------------------------------- */

typedef struct lane {
    pthread_t thread;
    const options *o;
    duckdb_database db;
    duckdb_data_chunk chunks[CHUNKS_MAX];
    unsigned n_chunks;
    uint64_t rows; /* to append */
} lane;

static uint64_t n_columns;

static void chunks_load(lane *l, duckdb_connection c)
{
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT * FROM %s LIMIT %d", l->o->table, CHUNKS_MAX * CHUNK_ROWS);
    duckdb_result r;
    if (duckdb_query(c, sql, &r) != DuckDBSuccess)
        die(sql, duckdb_result_error(&r));
    n_columns = duckdb_column_count(&r);
    duckdb_data_chunk chunk;
    while (l->n_chunks < CHUNKS_MAX && (chunk = duckdb_fetch_chunk(r))) {
        if (duckdb_data_chunk_get_size(chunk) != CHUNK_ROWS) {
            duckdb_destroy_data_chunk(&chunk);
            continue;
        }
        l->chunks[l->n_chunks++] = chunk;
    }
    if (l->n_chunks == 0)
        die(l->o->table, "needs at least 2048 rows to copy from");
    duckdb_destroy_result(&r);
}

static void *lane_run(void *arg)
{
    lane *l = arg;
    duckdb_connection c = connection_open(l->db);
    unsigned next = 0;
    for (uint64_t done = 0; done < l->rows;) {
        duckdb_appender a;
        run(c, "BEGIN");
        if (duckdb_appender_create(c, NULL, l->o->table, &a) != DuckDBSuccess)
            die("appender", duckdb_appender_error(a));
        for (uint64_t in_tx = 0; in_tx < l->o->tx_rows && done < l->rows; in_tx += CHUNK_ROWS, done += CHUNK_ROWS) {
            if (duckdb_append_data_chunk(a, l->chunks[next]) != DuckDBSuccess)
                die("append", duckdb_appender_error(a));
            next = (next + 1) % l->n_chunks;
        }
        if (duckdb_appender_close(a) != DuckDBSuccess)
            die("append", duckdb_appender_error(a));
        duckdb_appender_destroy(&a);
        run(c, "COMMIT");
    }
    duckdb_disconnect(&c);
    return NULL;
}

/* The CREATE statement of a table of db, to be freed with duckdb_free. */
static char *definition_of(duckdb_connection c, const char *table)
{
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT sql FROM duckdb_tables() WHERE table_name = '%s'", table);
    duckdb_result r;
    if (duckdb_query(c, sql, &r) != DuckDBSuccess || duckdb_row_count(&r) != 1)
        die(table, "no such table");
    char *text = duckdb_value_varchar(&r, 0, 0);
    duckdb_destroy_result(&r);
    return text;
}

static void append_run(options *o)
{
    static lane lanes[THREADS_MAX];
    options plain = {0};
    duckdb_database source = database_open(o->from, 1, &plain);
    duckdb_connection sc = connection_open(source);
    char *create = definition_of(sc, o->table);
    /* A whole number of chunks a thread. */
    uint64_t share =
        (o->rows + (uint64_t)o->threads * CHUNK_ROWS - 1) / ((uint64_t)o->threads * CHUNK_ROWS) * CHUNK_ROWS;
    for (unsigned i = 0; i < o->threads; i++) {
        lanes[i] = (lane){.o = o, .rows = share};
        chunks_load(&lanes[i], sc);
    }

    char wal[4096];
    snprintf(wal, sizeof wal, "%s.wal", o->db);
    unlink(wal);
    unlink(o->db);
    double start = seconds_now(), cpu = cpu_now();
    /* A pool of one: the appending threads are ours, and workers of DuckDB's beside them cost 10 to 50 % more. */
    duckdb_database db = database_open(o->db, 1, o);
    duckdb_connection c = connection_open(db);
    run(c, create);
    for (unsigned i = 0; i < o->threads; i++) {
        lanes[i].db = db;
        if (pthread_create(&lanes[i].thread, NULL, lane_run, &lanes[i]) != 0)
            die("thread", NULL);
    }
    for (unsigned i = 0; i < o->threads; i++)
        pthread_join(lanes[i].thread, NULL);
    run(c, "CHECKPOINT");
    duckdb_disconnect(&c);
    duckdb_close(&db);
    double seconds = seconds_now() - start;
    uint64_t appended = share * o->threads;
    printf("{\"case\":\"duckdb append %s\",\"threads\":%u,\"columns\":%" PRIu64 ",\"tx_rows\":%" PRIu64
           ",\"rows\":%" PRIu64 ",\"seconds\":%.4f,\"cpu\":%.4f,\"rows_per_s\":%.0f}\n",
           o->table, o->threads, n_columns, o->tx_rows, appended, seconds, cpu_now() - cpu, (double)appended / seconds);
    duckdb_free(create);
    for (unsigned i = 0; i < o->threads; i++)
        for (unsigned k = 0; k < lanes[i].n_chunks; k++)
            duckdb_destroy_data_chunk(&lanes[i].chunks[k]);
    duckdb_disconnect(&sc);
    duckdb_close(&source);
}

static void query_run(const options *o, const char *sql)
{
    duckdb_database db = database_open(o->db, o->threads, o);
    duckdb_connection c = connection_open(db);
    duckdb_result r;
    if (duckdb_query(c, sql, &r) != DuckDBSuccess)
        die(sql, duckdb_result_error(&r));
    char *text = duckdb_row_count(&r) > 0 ? duckdb_value_varchar(&r, 0, 0) : NULL;
    printf("%s\n", text ? text : "");
    duckdb_free(text);
    duckdb_destroy_result(&r);
    duckdb_disconnect(&c);
    duckdb_close(&db);
}

_Noreturn static void usage(void)
{
    fprintf(stderr, "usage: duckdb_peer csv|append|query ... (see the head of duckdb_peer.c)\n");
    exit(2);
}

int main(int argc, char **argv)
{
    options o = {.table = "users", .to = "/dev/null", .rows = 4000000, .tx_rows = 122880, .threads = 1};
    const char *sql = NULL;
    if (argc < 2)
        usage();
    for (int i = 2; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strncmp(name, "--", 2) != 0) {
            sql = name;
            continue;
        }
        if (!value)
            usage();
        i++;
        if (strcmp(name, "--rows") == 0)
            o.rows = strtoull(value, NULL, 10);
        else if (strcmp(name, "--tx-rows") == 0)
            o.tx_rows = strtoull(value, NULL, 10);
        else if (strcmp(name, "--threads") == 0)
            o.threads = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(name, "--to") == 0)
            o.to = value;
        else if (strcmp(name, "--db") == 0)
            o.db = value;
        else if (strcmp(name, "--from") == 0)
            o.from = value;
        else if (strcmp(name, "--table") == 0)
            o.table = value;
        else if (strcmp(name, "--set") == 0 && o.n_settings < SETTINGS_MAX)
            o.settings[o.n_settings++] = argv[i];
        else
            usage();
    }
    if (o.threads < 1 || o.threads > THREADS_MAX || o.rows == 0 || o.tx_rows == 0)
        usage();
    if (strcmp(argv[1], "csv") == 0)
        csv_run(&o);
    else if (strcmp(argv[1], "append") == 0 && o.db && o.from)
        append_run(&o);
    else if (strcmp(argv[1], "query") == 0 && o.db && sql)
        query_run(&o, sql);
    else
        usage();
    return 0;
}
