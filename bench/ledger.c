/* ledger.c - the ledger beside DuckDB and SQLite, in one process and one after the other.
 *
 *   bench_ledger NODES DIR [alone]     prints one line of JSON; alone: without the peers
 *
 * The tree: 500 folders, in them NODES / 21 more, 20 files in each of those; the destination has the folders only. The peers take the
 * same sixteen columns: DuckDB as data chunks (plain, and with a primary key), SQLite as bound rows in transactions of 10,000. */
#include "client/libduckdb.h"
#include "client/libsqlite.h"
#include "os/os.h"
#include "spate/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    TOPS = 500,
    FILES = 20,
    RESUMES = 3,
    SEAL_NODES = 1000000,
    PEER_CHUNKS = 100,
    PAGE = 1000,
    SQLITE_ROWS = 200000
};

static char ledger_path[512], seal_path[512], peer_path[512];
static spate_error err;

static void must(int rc, const char *what)
{
    if (rc == SPATE_OK)
        return;
    fprintf(stderr, "bench_ledger: %s: %s %s\n", what, err.message, err.detail);
    exit(1);
}

static double now(void)
{
    return (double)sp_os_monotonic_us() / 1e6;
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Processor time of all threads. */
static double cpu(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), by_value);
    return values[n / 2];
}

static spate_bytes text(const char *s)
{
    return (spate_bytes){s, strlen(s)};
}

/* ---- filling a ledger ---- */

static uint64_t rewrite_bytes = UINT64_MAX;

static spate_ledger *open_ledger(const char *path, bool journal_only, bool dst)
{
    spate_ledger *l = NULL;
    spate_ledger_options o = {.path = path,
                              .journal_only = journal_only,
                              .flush_rows = UINT64_MAX,
                              .rows_max = UINT64_MAX,
                              .rewrite_bytes = rewrite_bytes};
    spate_node root = {.service_id = text("/srv/data")};
    must(spate_ledger_open(&o, &l, &err), "open");
    must(spate_ledger_seed(l, &root, dst ? &root : NULL, &err), "seed");
    return l;
}

/* stem and so many digits: by hand, for printf would cost more than what is measured */
static size_t put_name(char *to, const char *stem, unsigned digits, uint64_t number)
{
    size_t len = strlen(stem);
    memcpy(to, stem, len);
    for (unsigned d = digits; d > 0; number /= 10)
        to[len + --d] = (char)('0' + number % 10);
    return len + digits;
}

static void add(spate_ledger *l, spate_side side, const char *parent, const char *stem, unsigned digits, unsigned type,
                uint64_t from, size_t n)
{
    static char names[4096][24];
    static spate_node nodes[4096];
    for (size_t i = 0; i < n; i++) {
        size_t len = put_name(names[i], stem, digits, from + i);
        nodes[i] = (spate_node){.name = {names[i], len},
                                .type = (uint8_t)type,
                                .size = (int64_t)(from + i) * 37,
                                .mtime_ns = INT64_C(1700000000123456789) + (int64_t)(from + i) * 1000003};
    }
    spate_task t = {.side = side,
                    .id = spate_node_id_of(side, SPATE_FOLDER, text(parent)),
                    .traversal = SPATE_TRAVERSAL_SUCCESSFUL,
                    .children = nodes,
                    .n_children = n};
    must(spate_ledger_done(l, &t, &err), "done");
}

typedef struct rates {
    double all, first, last, cpu;
} rates;

/* The folders of a top folder are numbered from top * per on. Rates: of the source's nodes, synced. */
static rates fill(spate_ledger *l, uint64_t nodes, bool dst)
{
    uint64_t per = nodes / (FILES + 1) / TOPS, made = 0;
    double start = now(), busy = cpu(), first = 0, last = 0;
    char path[64];
    add(l, SPATE_SRC, "/", "top-", 5, SPATE_FOLDER, 0, TOPS);
    for (uint64_t top = 0; top < TOPS; top++) {
        snprintf(path, sizeof(path), "/top-%05" PRIu64, top);
        for (uint64_t at = 0; at < per; at += 4000)
            add(l, SPATE_SRC, path, "dir-", 7, SPATE_FOLDER, top * per + at, SP_MIN(per - at, (uint64_t)4000));
        for (uint64_t d = 0; d < per; d++) {
            snprintf(path, sizeof(path), "/top-%05" PRIu64 "/dir-%07" PRIu64, top, top * per + d);
            add(l, SPATE_SRC, path, "file-", 9, SPATE_FILE, (top * per + d) * FILES, FILES);
        }
        made = (top + 1) * per * (FILES + 1);
        if (!first && made >= nodes / 10)
            must(spate_ledger_sync(l, &err), "sync"), first = (double)made / (now() - start);
        if (!last && made >= nodes / 10 * 9)
            last = -now() - (double)made / 1e12;
    }
    must(spate_ledger_sync(l, &err), "sync");
    double end = now();
    rates r = {(double)made / (end - start), first, 0, (double)made / (cpu() - busy)};
    uint64_t tail = made - nodes / 10 * 9;
    r.last = (double)tail / (end + last);
    if (!dst)
        return r;
    add(l, SPATE_DST, "/", "top-", 5, SPATE_FOLDER, 0, TOPS);
    for (uint64_t top = 0; top < TOPS; top++) {
        snprintf(path, sizeof(path), "/top-%05" PRIu64, top);
        for (uint64_t at = 0; at < per; at += 4000)
            add(l, SPATE_DST, path, "dir-", 7, SPATE_FOLDER, top * per + at, SP_MIN(per - at, (uint64_t)4000));
    }
    return r;
}

/* ---- opening again ---- */

typedef struct resumes {
    double wall, cpu, own; /* seconds a million nodes: by the clock, of all threads, of the one that waits for it */
} resumes;

/* In a process that has no memory yet, which is what a killed job's next run is. */
static int say_resume(const char *path, bool anew)
{
    double start = now(), busy = cpu();
    rewrite_bytes = anew ? 1 : UINT64_MAX;
    spate_ledger *l = open_ledger(path, true, true);
    double wall = now() - start, took = cpu() - busy, own = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    spate_ledger_resume found;
    spate_ledger_state(l, &found);
    double millions = (double)(found.nodes[0] + found.nodes[1]) / 1e6;
    printf("%.9f %.9f %.9f\n", wall / millions, took / millions, own / millions);
    return spate_ledger_close(l, &err) != SPATE_OK;
}

static resumes resume_once(bool anew)
{
    char command[1024];
    resumes r = {0, 0, 0};
    snprintf(command, sizeof(command), "'%s' open '%s' %d", program_invocation_name, ledger_path, anew);
    FILE *child = popen(command, "r");
    if (!child || fscanf(child, "%lf %lf %lf", &r.wall, &r.cpu, &r.own) != 3 || pclose(child) != 0)
        must(sp_fail(&err, SPATE_E_BUG, "opening again"), command);
    return r;
}

static resumes resume(void)
{
    double wall[RESUMES], busy[RESUMES], own[RESUMES];
    for (unsigned i = 0; i < RESUMES; i++) {
        resumes r = resume_once(false);
        wall[i] = r.wall;
        busy[i] = r.cpu;
        own[i] = r.own;
    }
    return (resumes){median(wall, RESUMES), median(busy, RESUMES), median(own, RESUMES)};
}

/* Everything is found a second time, so the journal says all twice; and then it is written anew while it is opened. */
static void say_twice(uint64_t nodes)
{
    spate_ledger *l = open_ledger(ledger_path, true, true);
    fill(l, nodes, true);
    must(spate_ledger_close(l, &err), "close");
}

/* ---- what is asked ---- */

typedef struct times {
    double page, joined, point;
} times;

static spate_node_id random_id(void)
{
    spate_node_id id;
    for (unsigned i = 0; i < 16; i++)
        id.b[i] = (uint8_t)random();
    return id;
}

static times ask_ledger(spate_ledger *l, uint64_t nodes)
{
    enum { ROUNDS = 101, POINTS = 20000 };
    static double page[ROUNDS], joined[ROUNDS];
    static size_t first[PAGE + 1];
    spate_nodes out = {0}, kids = {0};
    uint64_t files = nodes / (FILES + 1) / TOPS * TOPS * FILES, per = nodes / (FILES + 1) / TOPS;
    spate_filter files_pending = {.side = SPATE_SRC, .depth = 3, .copy = SPATE_COPY_PENDING, .type = SPATE_FILE};
    spate_filter folders = {.side = SPATE_DST, .depth = 2, .traversal = SPATE_TRAVERSAL_PENDING};
    for (unsigned warm = 0; warm < 2; warm++)
        for (unsigned i = 0; i < ROUNDS; i++) {
            spate_cursor c = {.after = random_id(), .started = true}, d = {.after = random_id(), .started = true};
            c.after.b[0] &= 127, d.after.b[0] &= 127; /* a full page is behind it */
            double t = now();
            must(spate_ledger_page(l, &files_pending, &c, PAGE, &out, &err), "page");
            page[i] = now() - t;
            t = now();
            must(spate_ledger_page_joined(l, &folders, &d, PAGE, &out, &kids, first, &err), "joined");
            joined[i] = now() - t;
        }
    static spate_node_id ids[POINTS];
    for (unsigned i = 0; i < POINTS; i++) {
        char path[96];
        uint64_t f = (uint64_t)random() % files;
        snprintf(path, sizeof(path), "/top-%05" PRIu64 "/dir-%07" PRIu64 "/file-%09" PRIu64, f / FILES / per, f / FILES,
                 f);
        ids[i] = spate_node_id_of(SPATE_SRC, SPATE_FILE, text(path));
    }
    double t = now();
    for (unsigned i = 0; i < POINTS; i++) {
        must(spate_ledger_get(l, SPATE_SRC, ids[i], &out, &err), "get");
        if (out.n != 1)
            must(sp_fail(&err, SPATE_E_BUG, "a point is missing"), "get");
    }
    t = (now() - t) / POINTS;
    spate_nodes_done(&out);
    spate_nodes_done(&kids);
    return (times){median(page, ROUNDS), median(joined, ROUNDS), t};
}

/* ---- DuckDB ---- */

static duckdb_database db;
static duckdb_connection conn;

static void duckdb_start(const char *path)
{
    must(sp_duckdb_open(path, false, 2, &db, &err), "duckdb");
    if (sp_duckdb.connect(db, &conn) == DuckDBError)
        must(sp_fail(&err, SPATE_E_UNREACHABLE, "connect"), "duckdb");
    must(sp_duckdb_run(conn, "SET checkpoint_threshold = '1GB'", &err), "duckdb");
}

static void duckdb_stop(void)
{
    sp_duckdb.disconnect(&conn);
    sp_duckdb.close(&db);
}

static duckdb_data_chunk chunks[PEER_CHUNKS];
static unsigned n_chunks;
static uint64_t chunk_rows; /* in all of them */

static void load_chunks(void)
{
    duckdb_result r;
    must(sp_duckdb_ask(conn, "SELECT * FROM src_nodes WHERE depth = 3 LIMIT 204800", &r, &err), "chunks");
    while (n_chunks < PEER_CHUNKS && (chunks[n_chunks] = sp_duckdb.fetch_chunk(r)) != NULL)
        chunk_rows += sp_duckdb.data_chunk_get_size(chunks[n_chunks++]);
    sp_duckdb.destroy_result(&r);
}

/* Rows a second of data chunks appended to table in transactions of tx rows; with a checkpoint at the end as every file has one. */
static double append_chunks(const char *table, uint64_t rows, uint64_t tx, bool checkpoint)
{
    double start = now();
    uint64_t done = 0;
    for (unsigned next = 0; done < rows;) {
        duckdb_appender a;
        must(sp_duckdb_run(conn, "BEGIN", &err), "begin");
        if (sp_duckdb.appender_create(conn, NULL, table, &a) == DuckDBError)
            must(sp_fail(&err, SPATE_E_BUG, "appender"), table);
        for (uint64_t n = 0; n < tx && done < rows; next = (next + 1) % n_chunks) {
            if (sp_duckdb.append_data_chunk(a, chunks[next]) == DuckDBError)
                must(sp_fail(&err, SPATE_E_BUG, "append"), table);
            n += sp_duckdb.data_chunk_get_size(chunks[next]);
            done += sp_duckdb.data_chunk_get_size(chunks[next]);
        }
        if (sp_duckdb.appender_destroy(&a) == DuckDBError)
            must(sp_fail(&err, SPATE_E_BUG, "append"), table);
        must(sp_duckdb_run(conn, "COMMIT", &err), "commit");
    }
    if (checkpoint)
        must(sp_duckdb_run(conn, "CHECKPOINT", &err), "checkpoint");
    return (double)done / (now() - start);
}

static double ask_sql(const char *format, unsigned rounds)
{
    static double took[64];
    for (unsigned i = 0; i < rounds; i++) {
        char hex[33], sql[1024];
        spate_node_id id = random_id();
        id.b[0] &= 127;
        spate_node_id_hex(id, hex);
        snprintf(sql, sizeof(sql), format, hex);
        duckdb_result r;
        double t = now();
        must(sp_duckdb_ask(conn, sql, &r, &err), "sql");
        took[i] = now() - t;
        sp_duckdb.destroy_result(&r);
    }
    return median(took, rounds);
}

/* The seed's tables: a primary key, rows in the order they were found. */
static times ask_duckdb(void)
{
    must(sp_duckdb_run(
             conn,
             "CREATE TABLE p_src AS SELECT * FROM src_nodes ORDER BY path; ALTER TABLE p_src ADD PRIMARY KEY (id);"
             "CREATE TABLE p_dst AS SELECT * FROM dst_nodes ORDER BY path; ALTER TABLE p_dst ADD PRIMARY KEY (id)",
             &err),
         "peer's tables");
    times t;
    t.page = ask_sql(
        "SELECT * FROM p_src WHERE depth = 3 AND type = 'file' AND copy_status = 'pending' AND id > '%s' ORDER BY id LIMIT 1000",
        7);
    t.joined = ask_sql(
        "SELECT * FROM (SELECT * FROM p_dst WHERE depth = 2 AND traversal_status = 'pending' AND id > '%s' ORDER BY id LIMIT 1000) d "
        "LEFT JOIN p_src s ON s.parent_path = d.path ORDER BY d.id, s.id",
        5);
    t.point = ask_sql("SELECT * FROM p_src WHERE id = '%s'", 31);
    return t;
}

/* ---- SQLite ---- */

static double sqlite_rate(const char *path)
{
    sqlite3 *s = NULL;
    sqlite3_stmt *insert = NULL;
    must(sp_sqlite_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &s, &err), "sqlite");
    must(
        sp_sqlite_run(
            s,
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE n (id TEXT PRIMARY KEY, a, b, c, d, e, f, g, h, i, j, k, l, m)",
            path, &err),
        "sqlite");
    sp_sqlite.prepare_v2(
        s,
        "INSERT INTO n VALUES (?1, ?2, ?1, ?2, ?3, ?2, 'file', ?4, '2023-11-14T22:13:20.123456789Z', 3, 'successful', 'pending', 0, '')",
        -1, &insert, NULL);
    double start = now();
    for (unsigned i = 0; i < SQLITE_ROWS; i++) {
        char path_text[64], hex[33];
        int len = snprintf(path_text, sizeof(path_text), "/top-00001/dir-0000001/file-%09u", i);
        spate_node_id_hex(spate_node_id_of(SPATE_SRC, SPATE_FILE, (spate_bytes){path_text, (size_t)len}), hex);
        if (i % 10000 == 0)
            must(sp_sqlite_run(s, i ? "COMMIT; BEGIN" : "BEGIN", path, &err), "sqlite");
        sp_sqlite.bind_text(insert, 1, hex, 32, SQLITE_TRANSIENT);
        sp_sqlite.bind_text(insert, 2, "/top-00001/dir-0000001", 22, SQLITE_STATIC);
        sp_sqlite.bind_text(insert, 3, path_text, len, SQLITE_TRANSIENT);
        sp_sqlite.bind_int64(insert, 4, i * 37);
        if (sp_sqlite.step(insert) != SQLITE_DONE)
            must(sp_fail(&err, SPATE_E_BUG, "insert"), "sqlite");
        sp_sqlite.reset(insert);
    }
    must(sp_sqlite_run(s, "COMMIT", path, &err), "sqlite");
    double rate = SQLITE_ROWS / (now() - start);
    sp_sqlite.finalize(insert);
    sp_sqlite.close_v2(s);
    return rate;
}

/* ---- */

static void paths(const char *dir, bool remove)
{
    const char *ends[] = {"", ".wal", ".journal", "-wal", "-shm"};
    char name[600];
    snprintf(ledger_path, sizeof(ledger_path), "%s/ledger.duckdb", dir);
    snprintf(seal_path, sizeof(seal_path), "%s/seal.duckdb", dir);
    snprintf(peer_path, sizeof(peer_path), "%s/peer.sqlite", dir);
    const char *all[] = {ledger_path, seal_path, peer_path};
    for (unsigned i = 0; remove && i < 3; i++)
        for (unsigned k = 0; k < 5; k++) {
            snprintf(name, sizeof(name), "%s%s", all[i], ends[k]);
            unlink(name);
        }
}

/* A level of SEAL_NODES, sorted and written, with the checkpoint. */
static double seal_rate(void)
{
    spate_ledger *l = open_ledger(seal_path, false, false);
    uint64_t files = (uint64_t)SEAL_NODES / (FILES + 1) / TOPS * TOPS * FILES;
    fill(l, SEAL_NODES, false);
    must(spate_ledger_seal(l, SPATE_SRC, 0, 0, &err), "seal"); /* DuckDB is open from here on */
    must(spate_ledger_seal(l, SPATE_SRC, 3, 0, &err), "seal");
    double start = now();
    must(spate_ledger_checkpoint(l, &err), "flush");
    double rate = (double)files / (now() - start);
    must(spate_ledger_close(l, &err), "close");
    return rate;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "open") == 0)
        return say_resume(argv[2], atoi(argv[3]) != 0);
    uint64_t nodes = argc >= 3 ? strtoull(argv[1], NULL, 10) : 0;
    if (nodes < 100000) {
        fprintf(stderr, "usage: bench_ledger NODES DIR [alone] (at least 100,000 nodes)\n");
        return 2;
    }
    paths(argv[2], true);
    spate_ledger *l = open_ledger(ledger_path, true, true);
    rates r = fill(l, nodes, true);
    times ours = ask_ledger(l, nodes);
    spate_ledger_resume found;
    spate_ledger_state(l, &found);
    double bytes = (double)spate_ledger_bytes(l) / (double)(found.nodes[0] + found.nodes[1]);
    must(spate_ledger_close(l, &err), "close");
    resumes first = resume();
    say_twice(nodes);
    resumes twice = resume();
    resumes anew = resume_once(true), then = resume();
    l = open_ledger(ledger_path, false, false);
    printf(
        "{\"nodes\":%" PRIu64
        ",\"append\":%.0f,\"append_first\":%.0f,\"append_last\":%.0f,\"append_cpu\":%.0f,\"bytes\":%.2f,\"page\":%.7f,\"joined\":%.7f,"
        "\"point\":%.9f,\"resume\":%.4f,\"resume_cpu\":%.4f,\"resume_twice\":%.4f,\"resume_twice_cpu\":%.4f,\"rewrite\":%.4f,\"rewrite_cpu\":%.4f,"
        "\"resume_rewritten\":%.4f,\"resume_rewritten_cpu\":%.4f,\"resume_own\":%.4f,\"resume_rewritten_own\":%.4f",
        nodes, r.all, r.first, r.last, r.cpu, bytes, ours.page, ours.joined, ours.point, first.wall, first.cpu,
        twice.wall, twice.cpu, anew.wall, anew.cpu, then.wall, then.cpu, first.own, then.own);
    if (argc > 3) {
        puts("}");
        must(spate_ledger_close(l, &err), "close");
        paths(argv[2], true);
        return 0;
    }
    for (int32_t d = 0; d < 4; d++)
        for (unsigned side = 0; side < (d < 3 ? 2 : 1); side++)
            must(spate_ledger_seal(l, side, d, 0, &err), "seal");
    must(spate_ledger_flush(l, &err), "flush");
    must(spate_ledger_close(l, &err), "close");

    double seal = seal_rate();
    duckdb_start(ledger_path);
    load_chunks();
    must(
        sp_duckdb_run(
            conn,
            "CREATE TABLE bare AS SELECT * FROM src_nodes LIMIT 0; CREATE TABLE keyed AS SELECT * FROM bare; ALTER TABLE keyed ADD PRIMARY KEY (id)",
            &err),
        "tables");
    double bare = append_chunks("bare", SEAL_NODES, UINT64_MAX, true),
           keyed = append_chunks("keyed", chunk_rows, 10240, false);
    times theirs = ask_duckdb();
    duckdb_stop();
    double sqlite = sqlite_rate(peer_path);
    printf(
        ",\"seal\":%.0f,\"bare\":%.0f,\"keyed\":%.0f,\"sqlite\":%.0f,\"duckdb_page\":%.6f,\"duckdb_joined\":%.6f,\"duckdb_point\":%.6f}\n",
        seal, bare, keyed, sqlite, theirs.page, theirs.joined, theirs.point);
    paths(argv[2], true);
    return 0;
}
