/* test_store_limits.c - as many names as there can be, rows as large as they may be, and readers that come while a writer writes. */
#include "spate/store.h"
#include "base/base.h"
#include "check.h"
#include "ok.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];
static spate_error err;

static spate_store *fresh(void)
{
    spate_store *s = NULL;
    uint32_t table;
    unlink(path);
    OK(spate_store_create(path, 0, &s, &err));
    OK(spate_store_add_table(s, "t", NULL, 0, &table, &err));
    return s;
}

static void finish(spate_store *s, spate_appender *a)
{
    OK(spate_appender_flush(a, &err));
    spate_appender_close(a);
    OK(spate_store_finish(s, &err));
    spate_store_close(s);
}

/* ---- names ------------------------------------------------------------------------------------- */

enum { NAMES = 65536 };

/* A row has all of them, another only the last. */
static void every_name_there_is(void)
{
    spate_store *s = fresh();
    spate_appender *a = NULL;
    spate_value *row = calloc(NAMES, sizeof *row);
    char name[16];
    for (unsigned i = 0; i < NAMES; i++) {
        uint16_t number = 0;
        sprintf(name, "f%u", i);
        OK(spate_store_name(s, name, &number, &err));
        CHECK_INT(number, i);
        row[i] = (spate_value){.name = number, .kind = SPATE_I64, .as.i = (int64_t)i * i};
    }
    uint16_t number;
    CHECK_INT(spate_store_name(s, "one more", &number, &err), SPATE_E_DATA);
    CHECK_STR(err.message, "a store has at most 65536 field names");
    OK(spate_appender_open(s, 0, &a, &err));
    OK(spate_append_row(a, row, NAMES, &err));
    OK(spate_append_row(a, row + NAMES - 1, 1, &err));
    finish(s, a);
    OK(spate_store_open(path, false, &s, &err));
    spate_cursor *c = NULL;
    const spate_value *v = NULL;
    size_t n = 0;
    OK(spate_cursor_open(s, &(spate_scan_options){0}, &c, &err));
    OK(spate_cursor_next(c, &v, &n, NULL, &err));
    CHECK_INT(n, NAMES);
    uint64_t wrong = 0;
    for (unsigned i = 0; v && i < n; i++)
        wrong += v[i].name != i || v[i].as.i != (int64_t)i * i;
    CHECK_INT(wrong, 0);
    OK(spate_cursor_next(c, &v, &n, NULL, &err));
    CHECK(n == 1 && v[0].name == NAMES - 1);
    spate_cursor_close(c);
    /* One of them, by way of a chapter. */
    const char *last = "f65535";
    OK(spate_cursor_open(s, &(spate_scan_options){.fields = &last, .n_fields = 1}, &c, &err));
    for (unsigned r = 0; r < 2; r++) {
        OK(spate_cursor_next(c, &v, &n, NULL, &err));
        CHECK(n == 1 && v[0].as.i == INT64_C(65535) * 65535);
    }
    spate_cursor_close(c);
    spate_store_close(s);
    free(row);
}

/* ---- rows -------------------------------------------------------------------------------------- */

static void the_largest_rows(void)
{
    enum { MOST = 16 << 20, ROWS = 5 };
    spate_store *s = fresh();
    spate_appender *a = NULL;
    char *text = malloc(MOST + 64);
    spate_value v = {.kind = SPATE_BYTES, .len = MOST};
    OK(spate_store_name(s, "x", &(uint16_t){0}, &err));
    OK(spate_appender_open(s, 0, &a, &err));
    for (unsigned r = 0; r < ROWS; r++) {
        for (unsigned i = 0; i < MOST; i++)
            text[i] = (char)(sp_draw(3, (uint64_t)r * MOST + i / 8) >> i % 8 * 8);
        v.as.p = text;
        v.len = MOST - r;
        OK(spate_append_row(a, &v, 1, &err));
    }
    finish(s, a);
    OK(spate_store_open(path, false, &s, &err));
    spate_cursor *c = NULL;
    const spate_value *got = NULL;
    size_t n = 0;
    OK(spate_cursor_open(s, &(spate_scan_options){0}, &c, &err));
    for (unsigned r = 0; r < ROWS; r++) {
        OK(spate_cursor_next(c, &got, &n, NULL, &err));
        CHECK(got && n == 1 && got[0].len == MOST - r);
        uint64_t wrong = 0;
        for (unsigned i = 0; got && i < got[0].len; i++)
            wrong += ((const char *)got[0].as.p)[i] != (char)(sp_draw(3, (uint64_t)r * MOST + i / 8) >> i % 8 * 8);
        CHECK_INT(wrong, 0);
    }
    spate_cursor_close(c);
    spate_store_close(s);
    free(text);
}

static void rows_of_nothing(void)
{
    spate_store *s = fresh();
    spate_appender *a = NULL;
    spate_cursor *c = NULL;
    const spate_value *v;
    size_t n;
    uint64_t row, rows = 0;
    OK(spate_appender_open(s, 0, &a, &err));
    for (unsigned i = 0; i < 3000; i++)
        OK(spate_append_row(a, NULL, 0, &err));
    finish(s, a);
    OK(spate_store_open(path, false, &s, &err));
    OK(spate_cursor_open(s, &(spate_scan_options){0}, &c, &err));
    while (spate_cursor_next(c, &v, &n, &row, &err) == SPATE_OK && v)
        CHECK(n == 0 && row == rows++);
    CHECK_INT(rows, 3000);
    spate_cursor_close(c);
    spate_store_close(s);
}

/* ---- a writer and readers ------------------------------------------------------------------------ */

enum { PIECES = 60, PIECE = 700, READERS = 2 };
static _Atomic int pieces;

static void *write_pieces(void *arg)
{
    spate_error e;
    spate_store *s = arg;
    spate_appender *a = NULL;
    int rc = spate_appender_open(s, 0, &a, &e);
    for (int64_t p = 0; rc == SPATE_OK && p < PIECES; p++) {
        for (int64_t i = p * PIECE; rc == SPATE_OK && i < (p + 1) * PIECE; i++)
            rc = spate_append_row(a, &(spate_value){.kind = SPATE_I64, .as.i = i * 3}, 1, &e);
        if (rc == SPATE_OK)
            rc = spate_appender_flush(a, &e);
        atomic_store(&pieces, (int)p + 1);
    }
    spate_appender_close(a);
    return (void *)(intptr_t)rc;
}

/* Everything that was there before it was opened is there, in order, and nothing else but what came since. */
static int64_t read_once(spate_store *s)
{
    spate_error e;
    spate_cursor *c = NULL;
    const spate_value *v;
    size_t n;
    int64_t rows = 0;
    int rc = spate_cursor_open(s, &(spate_scan_options){0}, &c, &e);
    while (rc == SPATE_OK && (rc = spate_cursor_next(c, &v, &n, NULL, &e)) == SPATE_OK && v) {
        if (n != 1 || v[0].as.i != rows * 3)
            rc = SPATE_E_CORRUPT;
        rows++;
    }
    spate_cursor_close(c);
    return rc == SPATE_OK ? rows : -1;
}

static void *read_on(void *arg)
{
    spate_error e;
    int64_t wrong = 0;
    while (atomic_load(&pieces) < PIECES) {
        spate_store *s = arg;
        int64_t least = (int64_t)atomic_load(&pieces) * PIECE;
        if (!arg && spate_store_open(path, false, &s, &e) != SPATE_OK) {
            wrong++;
            continue;
        }
        int64_t rows = read_once(s);
        wrong += rows < least || rows % PIECE != 0;
        if (!arg)
            spate_store_close(s);
    }
    return (void *)(intptr_t)wrong;
}

/* own: readers have handles of their own; else all go through the writer's. */
static void readers_beside_a_writer(bool own)
{
    spate_store *s = fresh();
    pthread_t writer, readers[READERS];
    void *got;
    OK(spate_store_name(s, "x", &(uint16_t){0}, &err));
    OK(spate_store_finish(s, &err));
    atomic_store(&pieces, 0);
    CHECK_INT(pthread_create(&writer, NULL, write_pieces, s), 0);
    for (unsigned i = 0; i < READERS; i++)
        CHECK_INT(pthread_create(&readers[i], NULL, read_on, own ? NULL : s), 0);
    pthread_join(writer, &got);
    CHECK_INT((int)(intptr_t)got, SPATE_OK);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i], &got);
        CHECK_INT((int)(intptr_t)got, 0);
    }
    CHECK_INT(read_once(s), PIECES * PIECE);
    OK(spate_store_finish(s, &err));
    spate_store_close(s);
}

static void readers_of_their_own(void)
{
    readers_beside_a_writer(true);
}

static void readers_of_the_writers(void)
{
    readers_beside_a_writer(false);
}

int main(void)
{
    snprintf(path, sizeof path, "/dev/shm/spate-limits-%d.spate", (int)getpid());
    RUN(every_name_there_is);
    RUN(the_largest_rows);
    RUN(rows_of_nothing);
    RUN(readers_of_their_own);
    RUN(readers_of_the_writers);
    unlink(path);
    return check_done();
}
