/* pg_peer.c - what PostgreSQL does without spate.
 *
 *   pg_peer copy   CONNINFO TABLE FILE         the server alone: one backend reads a COPY BINARY file of its own machine
 *   pg_peer insert CONNINFO TABLE ROWS [BATCH] as dgs loads: INSERT of BATCH rows (1,000) a statement, each a PQexecParams
 *                                              with text parameters: parsed and planned anew, committed by itself
 *
 * insert's rows are text that lies ready: 50,000 made-up users, over and over, so the client's own cost is libpq's. Prints
 * one line of JSON with the wall time and this process's CPU time; the server's is measured from outside. */
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { COLUMNS = 4, POOL_ROWS = 50000, CELL = 48, PARAMS_MAX = 65535 };

_Noreturn static void die(const char *what, const char *why)
{
    fprintf(stderr, "pg_peer: %s: %s\n", what, why);
    exit(1);
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

static uint64_t mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Returns the number of rows the server says it took. */
static uint64_t finish(PGconn *c, PGresult *r, const char *what)
{
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        die(what, PQerrorMessage(c));
    uint64_t n = strtoull(PQcmdTuples(r), NULL, 10);
    PQclear(r);
    return n;
}

static uint64_t copy(PGconn *c, const char *table, const char *file)
{
    char sql[8192];
    snprintf(sql, sizeof sql, "COPY %s FROM '%s' (FORMAT binary)", table, file);
    return finish(c, PQexec(c, sql), "copy");
}

static char (*pool)[COLUMNS][CELL];

static void pool_make(void)
{
    static const char *const part[] = {"bren", "cor", "dal", "fen", "gil", "har", "jor", "kel",
                                       "lan",  "mor", "nel", "per", "ros", "sal", "tor", "vin"};
    pool = malloc(sizeof *pool * POOL_ROWS);
    if (!pool)
        die("insert", "no memory");
    for (uint64_t i = 0; i < POOL_ROWS; i++) {
        uint64_t a = mix64(3 * i), b = mix64(3 * i + 1), z = mix64(3 * i + 2);
        const char *x = part[z & 15], *y = part[z >> 4 & 15], *u = part[z >> 8 & 15], *v = part[z >> 12 & 15];
        snprintf(pool[i][0], CELL, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)a, (unsigned)(a >> 32 & 0xffff),
                 (unsigned)(a >> 48 & 0xfff), (unsigned)(b & 0xfff), (unsigned long long)(b >> 16));
        snprintf(pool[i][1], CELL, "%s%s%04u@%s%s%s.com", u, v, (unsigned)(z >> 20) % 10000, x, v, y);
        snprintf(pool[i][2], CELL, "%s%s %s%s", x, y, u, v);
        pool[i][2][0] = (char)(pool[i][2][0] - 32);
        snprintf(pool[i][3], CELL, "20%02u-%02u-%02uT%02u:%02u:%02uZ", 15 + (unsigned)(z >> 32) % 10,
                 1 + (unsigned)(z >> 36) % 12, 1 + (unsigned)(z >> 40) % 28, (unsigned)(z >> 45) % 24,
                 (unsigned)(z >> 50) % 60, (unsigned)(z >> 56) % 60);
    }
}

/* "INSERT INTO t (id,email,name,created) VALUES ($1,$2,$3,$4),..." for n rows. */
static char *statement_of(const char *table, unsigned n)
{
    size_t size = 256 + strlen(table) + (size_t)n * 32;
    char *sql = malloc(size), *p = sql;
    if (!sql)
        die("insert", "no memory");
    p += snprintf(p, 200 + strlen(table), "INSERT INTO %s (id,email,name,created) VALUES ", table);
    for (unsigned i = 0; i < n; i++)
        p += sprintf(p, "%s($%u,$%u,$%u,$%u)", i ? "," : "", 4 * i + 1, 4 * i + 2, 4 * i + 3, 4 * i + 4);
    return sql;
}

static uint64_t insert(PGconn *c, const char *table, uint64_t rows, unsigned batch)
{
    static const char *params[PARAMS_MAX];
    char *full = statement_of(table, batch);
    uint64_t done = 0, at = 0;
    while (done < rows) {
        unsigned n = rows - done < batch ? (unsigned)(rows - done) : batch;
        char *sql = n == batch ? full : statement_of(table, n);
        for (unsigned i = 0; i < n; i++, at = (at + 1) % POOL_ROWS)
            for (unsigned k = 0; k < COLUMNS; k++)
                params[i * COLUMNS + k] = pool[at][k];
        done += finish(c, PQexecParams(c, sql, (int)(n * COLUMNS), NULL, params, NULL, NULL, 0), "insert");
    }
    return done;
}

int main(int argc, char **argv)
{
    int copies = argc == 5 && strcmp(argv[1], "copy") == 0;
    if (!copies && !((argc == 5 || argc == 6) && strcmp(argv[1], "insert") == 0)) {
        fprintf(stderr, "usage: pg_peer copy CONNINFO TABLE FILE | pg_peer insert CONNINFO TABLE ROWS [BATCH]\n");
        return 2;
    }
    uint64_t rows = copies ? 0 : strtoull(argv[4], NULL, 10);
    unsigned batch = argc == 6 ? (unsigned)strtoul(argv[5], NULL, 10) : 1000;
    if (batch < 1 || batch > PARAMS_MAX / COLUMNS)
        die("batch", "too large");
    if (!copies)
        pool_make();
    double start = seconds_now(), cpu = cpu_now();
    PGconn *c = PQconnectdb(argv[2]);
    if (PQstatus(c) != CONNECTION_OK)
        die("connect", PQerrorMessage(c));
    uint64_t done = copies ? copy(c, argv[3], argv[4]) : insert(c, argv[3], rows, batch);
    PQfinish(c);
    double seconds = seconds_now() - start;
    printf("{\"case\":\"pg %s\",\"rows\":%llu,\"seconds\":%.4f,\"cpu\":%.4f,\"rows_per_s\":%.0f}\n", argv[1],
           (unsigned long long)done, seconds, cpu_now() - cpu, (double)done / seconds);
    return 0;
}
