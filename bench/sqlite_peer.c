/* sqlite_peer.c - the usual way into an SQLite file: one prepared INSERT of one row, in one transaction without a journal.
 *
 *   bench_sqlite_peer FILE ROWS
 *
 * The rows are those of plans/narrow.yaml as far as their size goes: a number, a uuid and a moment as text, a number. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void put_digits(char *p, uint64_t v, int n, unsigned base)
{
    for (; n-- > 0; v /= base)
        p[n] = "0123456789abcdef"[v % base];
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "bench_sqlite_peer: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    sqlite3_stmt *insert;
    uint64_t state = 88172645463325252ull;
    char uid[] = "00000000-0000-4000-8000-000000000000", ts[] = "2020-01-01 00:00:00.000000";
    if (argc < 3 || sqlite3_open(argv[1], &db) != SQLITE_OK)
        return 2;
    run(db,
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -262144;"
        "CREATE TABLE narrow (id INTEGER PRIMARY KEY, uid TEXT, ts TEXT, n INTEGER); BEGIN");
    if (sqlite3_prepare_v2(db, "INSERT INTO narrow VALUES (?, ?, ?, ?)", -1, &insert, NULL) != SQLITE_OK)
        return 1;
    for (int64_t i = 1, n = atoll(argv[2]); i <= n; i++) {
        uint64_t a = draw(&state), b = draw(&state);
        put_digits(uid, a, 8, 16);
        put_digits(uid + 24, b, 12, 16);
        put_digits(ts + 11, b % 24, 2, 10);
        put_digits(ts + 20, a % 1000000, 6, 10);
        sqlite3_bind_int64(insert, 1, i);
        sqlite3_bind_text(insert, 2, uid, 36, SQLITE_STATIC);
        sqlite3_bind_text(insert, 3, ts, 26, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 4, (int64_t)(b % 1000000));
        if (sqlite3_step(insert) != SQLITE_DONE)
            return 1;
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    run(db, "COMMIT");
    return sqlite3_close(db) != SQLITE_OK;
}
