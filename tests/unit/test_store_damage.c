/* test_store_damage.c - a store that is bitten: flipped bits, cut ends, torn and mixed-up pages, failing calls, changes in place that are
 * interrupted. What is read is right, or an error; what was whole stays. With SPATE_FLIPS=N in the environment: N random flips, every
 * bit of a directory, and an end at every byte. */
#include "spate/store.h"
#include "os/os.h"
#include "check.h"
#include "ok.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/dev/shm/spate-damage-XXXXXX", path[64];
static spate_error err;
static uint64_t state;

static uint64_t draw(uint64_t n)
{
    return sp_bounded(sp_draw(99, state++), n);
}

/* ---- files as bytes ---------------------------------------------------------------------------- */

typedef struct image {
    char *bytes;
    size_t len;
} image;

static image image_of_file(void)
{
    struct stat st;
    image i = {NULL, 0};
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        return i;
    i.len = (size_t)st.st_size;
    i.bytes = malloc(i.len + 1);
    CHECK(read(fd, i.bytes, i.len) == (ssize_t)i.len);
    close(fd);
    return i;
}

static void write_file(const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

/* ---- rows -------------------------------------------------------------------------------------- */

enum { BLOCK = 300, BLOCKS = 6 };

/* Row i of the table: a pure function; three shapes. A text now and then looks like a block. */
static size_t make_row(uint64_t i, spate_value *v, char *text)
{
    uint64_t z = sp_draw(7, i);
    size_t n = 0;
    v[n++] = (spate_value){.name = 0, .kind = SPATE_I64, .as.i = (int64_t)(i * 10 + z % 3)};
    v[n++] = (spate_value){.name = 1, .kind = SPATE_F64, .as.f = (double)(z % 1000) / 10};
    if (i % 3 != 1)
        v[n++] = (spate_value){.name = 2,
                               .kind = SPATE_TEXT,
                               .as.p = text,
                               .len = (uint32_t)sprintf(text, i % 50 ? "line %u of the log" : "SPATEBLK%c%c%u",
                                                        (unsigned)(z % 100), 0, 1u)};
    if (i % 3 == 2)
        v[n++] = (spate_value){.name = 3, .kind = SPATE_BOOL, .as.b = z & 1};
    return n;
}

static uint64_t hash_row(uint64_t row, const spate_value *v, size_t n)
{
    uint64_t sum = row;
    for (size_t i = 0; i < n; i++) {
        uint64_t cell = v[i].kind == SPATE_TEXT   ? sp_hash64(v[i].as.p, v[i].len, 1)
                        : v[i].kind == SPATE_BOOL ? v[i].as.b
                                                  : v[i].as.u;
        sum += sp_mix64(cell + v[i].name * SP_PHI + v[i].kind);
    }
    return sp_mix64(sum);
}

static uint64_t expected_hash(uint64_t i)
{
    spate_value v[4];
    char text[64];
    return hash_row(i, v, make_row(i, v, text));
}

static int append(spate_store *s, uint64_t from, uint64_t to)
{
    spate_appender *a = NULL;
    int rc = spate_appender_open(s, 0, &a, &err);
    for (uint64_t i = from; rc == SPATE_OK && i < to; i++) {
        spate_value v[4];
        char text[64];
        rc = spate_append_row(a, v, make_row(i, v, text), &err);
        if (rc == SPATE_OK && (i + 1) % BLOCK == 0)
            rc = spate_appender_flush(a, &err);
    }
    if (rc == SPATE_OK)
        rc = spate_appender_flush(a, &err);
    spate_appender_close(a);
    return rc;
}

static int make(uint64_t rows, bool finish)
{
    static const char *const names[] = {"number", "value", "text", "flag"};
    spate_store *s = NULL;
    uint32_t table;
    uint16_t number;
    unlink(path);
    int rc = spate_store_create(path, 4096, &s, &err);
    if (rc == SPATE_OK)
        rc = spate_store_add_table(s, "log", NULL, 0, &table, &err);
    for (unsigned i = 0; rc == SPATE_OK && i < 4; i++)
        rc = spate_store_name(s, names[i], &number, &err);
    if (rc == SPATE_OK)
        rc = append(s, 0, rows);
    if (rc == SPATE_OK && finish)
        rc = spate_store_finish(s, &err);
    spate_store_close(s);
    return rc;
}

typedef struct seen {
    int status;                 /* of opening or reading */
    uint64_t rows, wrong, next; /* next: one behind the last row number */
    spate_skipped skipped;
} seen;

/* Reads all there is and compares every row with what was written. */
static seen read_all(bool skip)
{
    seen x = {0};
    spate_store *s = NULL;
    spate_cursor *c = NULL;
    x.status = spate_store_open(path, false, &s, &err);
    if (x.status == SPATE_OK && spate_store_tables(s) == 0) { /* nothing to scan: is that all there was? */
        spate_check totals;
        x.status = skip ? SPATE_OK : spate_store_verify(s, NULL, NULL, &totals, &err);
        spate_store_close(s);
        return x;
    }
    if (x.status == SPATE_OK)
        x.status = spate_cursor_open(s, &(spate_scan_options){.skip_damaged = skip}, &c, &err);
    while (x.status == SPATE_OK) {
        const spate_value *v;
        size_t n;
        uint64_t row;
        x.status = spate_cursor_next(c, &v, &n, &row, &err);
        if (x.status != SPATE_OK || !v)
            break;
        x.wrong += hash_row(row, v, n) != expected_hash(row) || row < x.next;
        x.rows++;
        x.next = row + 1;
    }
    if (c)
        x.skipped = spate_cursor_skipped(c);
    spate_cursor_close(c);
    spate_store_close(s);
    return x;
}

/* The same of one field, which a chapter finds. */
static seen read_numbers(void)
{
    seen x = {0};
    spate_store *s = NULL;
    spate_cursor *c = NULL;
    const spate_value *v;
    const char *field = "number";
    size_t n;
    uint64_t row;
    x.status = spate_store_open(path, false, &s, &err);
    if (x.status == SPATE_OK)
        x.status = spate_store_tables(s)
                       ? spate_cursor_open(s, &(spate_scan_options){.fields = &field, .n_fields = 1}, &c, &err)
                       : SPATE_E_CORRUPT;
    while (x.status == SPATE_OK && (x.status = spate_cursor_next(c, &v, &n, &row, &err)) == SPATE_OK && v) {
        spate_value want[4];
        char text[64];
        make_row(row, want, text);
        x.wrong += n != 1 || v[0].as.i != want[0].as.i || row != x.next;
        x.rows++;
        x.next = row + 1;
    }
    spate_cursor_close(c);
    spate_store_close(s);
    return x;
}

/* ---- flips ------------------------------------------------------------------------------------- */

static uint64_t silent, noticed, harmless;

static void flip(const image *good, size_t bit, uint64_t rows)
{
    good->bytes[bit / 8] ^= (char)(1 << (bit % 8));
    write_file(good->bytes, good->len);
    good->bytes[bit / 8] ^= (char)(1 << (bit % 8));
    seen x = read_all(false);
    if (x.status != SPATE_OK)
        noticed++;
    else if (x.rows == rows && x.wrong == 0)
        harmless++;
    else
        silent++;
    if (x.status == SPATE_OK && (x.rows != rows || x.wrong))
        printf("# bit %zu: %llu rows, %llu wrong\n", bit, (unsigned long long)x.rows, (unsigned long long)x.wrong);
    seen y = read_all(true); /* what is left without what is damaged is right too */
    CHECK_INT(y.wrong, 0);
    seen z = read_numbers();
    CHECK(z.status != SPATE_OK || (z.rows == rows && z.wrong == 0));
}

static void flipped_bits(void)
{
    const char *more = getenv("SPATE_FLIPS");
    uint64_t flips = more ? strtoull(more, NULL, 10) : 1500;
    OK(make(BLOCK * 3, true));
    image good = image_of_file();
    silent = noticed = harmless = 0;
    for (size_t bit = 0; bit < 112 * 8; bit++)
        flip(&good, bit, BLOCK * 3);
    for (size_t bit = 0; bit < 800 * 8; bit += more ? 1 : 3) /* of a data block's header and directory */
        flip(&good, (size_t)(8192 + 2 * 4096 + 4096) * 8 + bit, BLOCK * 3);
    size_t chapter = good.len - 4096; /* the chapter, index and catalog are the last three */
    while (good.bytes[chapter + 8] != 6 || memcmp(good.bytes + chapter, "SPATEBLK", 8) != 0)
        chapter -= 4096;
    for (size_t bit = 0; bit < 4096 * 8; bit += more ? 1 : 13)
        flip(&good, chapter * 8 + bit, BLOCK * 3);
    for (uint64_t i = 0; i < flips; i++)
        flip(&good, draw(good.len * 8), BLOCK * 3);
    printf("# flips: %llu noticed, %llu harmless, %llu silent; from draw %llu on\n", (unsigned long long)noticed,
           (unsigned long long)harmless, (unsigned long long)silent, (unsigned long long)state);
    CHECK_INT(silent, 0);
    CHECK(noticed > harmless / 8);
    free(good.bytes);
}

/* ---- cut and torn ------------------------------------------------------------------------------- */

/* Offsets at which blocks of rows end, of an unfinished file. */
static size_t ends[BLOCKS + 1];
static unsigned n_ends;

static void find_ends(const image *good)
{
    n_ends = 0;
    for (size_t at = 8192 + 2 * 4096; at + 112 <= good->len;) {
        uint64_t size;
        memcpy(&size, good->bytes + at + 16, 8);
        CHECK(memcmp(good->bytes + at, "SPATEBLK", 8) == 0 && size > 0);
        if (good->bytes[at + 8] == 1)
            ends[n_ends++] = at + size;
        at += size;
    }
}

static void cut(const image *good, size_t len, bool finished)
{
    uint64_t whole = 0;
    while (whole < n_ends && ends[whole] <= len)
        whole++;
    write_file(good->bytes, len);
    seen x = read_all(true);
    if (len < 4096)
        CHECK(x.status != SPATE_OK);
    else
        CHECK_INT(x.rows, whole * BLOCK);
    CHECK_INT(x.wrong, 0);
    seen y = read_all(false);
    CHECK(finished && len < good->len ? y.status != SPATE_OK || whole == n_ends
                                      : len < 4096 || y.rows == whole * BLOCK);
}

static void cut_ends(void)
{
    bool more = getenv("SPATE_FLIPS");
    for (unsigned finished = 0; finished < 2; finished++) {
        OK(make(BLOCK * 2, false));
        image good = image_of_file();
        find_ends(&good);
        free(good.bytes);
        OK(make(BLOCK * 2, finished));
        good = image_of_file();
        CHECK_INT(n_ends, 2);
        for (size_t len = 0; len < good.len; len += len < 16384 ? 509 : more ? 1 : 13)
            cut(&good, len, finished);
        free(good.bytes);
    }
}

static void appended_after_a_cut(void)
{
    OK(make(BLOCK * 3, false));
    image good = image_of_file();
    find_ends(&good);
    for (unsigned i = 0; i < 20; i++) {
        size_t len = ends[0] + draw(good.len - ends[0]);
        uint64_t whole = 0;
        while (ends[whole] <= len)
            whole++;
        write_file(good.bytes, len);
        spate_store *s = NULL;
        OK(spate_store_open(path, true, &s, &err));
        OK(append(s, whole * BLOCK, BLOCK * 5));
        OK(spate_store_finish(s, &err));
        spate_store_close(s);
        seen x = read_all(false);
        CHECK_INT(x.status, SPATE_OK);
        CHECK_INT(x.rows, BLOCK * 5);
        CHECK_INT(x.wrong, 0);
    }
    free(good.bytes);
}

/* The last block's pages missing or from elsewhere, in every combination. */
static void torn_pages(void)
{
    OK(make(BLOCK * 3, false));
    image good = image_of_file();
    find_ends(&good);
    size_t from = ends[1], pages = (good.len - from) / 4096;
    char *torn = malloc(good.len);
    CHECK(pages >= 2 && pages <= 12);
    for (unsigned way = 0; way < 3; way++)
        for (unsigned lost = 1; lost < 1u << pages; lost++) {
            memcpy(torn, good.bytes, good.len);
            for (size_t p = 0; p < pages; p++) {
                if (!(lost >> p & 1))
                    continue;
                if (way == 0)
                    memset(torn + from + p * 4096, 0, 4096);
                else if (way == 1) /* the block before: what might have lain there */
                    memcpy(torn + from + p * 4096, good.bytes + ends[0] + p * 4096, 4096);
                else
                    memcpy(torn + from + p * 4096, good.bytes + from + (p + 1) % pages * 4096, 4096);
            }
            bool same = memcmp(torn, good.bytes, good.len) == 0;
            write_file(torn, good.len);
            seen x = read_all(false);
            CHECK(x.status == SPATE_OK && x.wrong == 0);
            CHECK_INT(x.rows, same ? BLOCK * 3 : BLOCK * 2);
        }
    free(torn);
    free(good.bytes);
}

/* A block in the middle loses its header: the next one is found, though texts look like blocks. */
static void found_again(void)
{
    for (unsigned finished = 0; finished < 2; finished++) {
        OK(make(BLOCK * BLOCKS, finished));
        image good = image_of_file();
        if (!finished)
            find_ends(&good);
        memset(good.bytes + ends[1], 0xaa, 4096);
        write_file(good.bytes, good.len);
        seen x = read_all(true);
        CHECK_INT(x.rows, BLOCK * (BLOCKS - 1));
        CHECK_INT(x.wrong, 0);
        if (finished) {
            CHECK_INT(read_all(false).status, SPATE_E_CORRUPT);
            CHECK_INT(x.skipped.rows, BLOCK);
            CHECK_INT(x.skipped.blocks, 1);
        }
        /* Repaired, it reads without complaint; rows keep their numbers. */
        spate_store *s = NULL;
        spate_check totals;
        OK(spate_store_open(path, true, &s, &err));
        OK(spate_store_repair(s, NULL, NULL, &totals, &err));
        CHECK_INT(totals.damaged, 1);
        CHECK_INT(totals.rows, BLOCK * (BLOCKS - 1));
        spate_store_close(s);
        x = read_all(false);
        CHECK_INT(x.status, SPATE_OK);
        CHECK_INT(x.rows, BLOCK * (BLOCKS - 1));
        CHECK_INT(x.next, BLOCK * BLOCKS);
        CHECK_INT(x.wrong, 0);
        OK(spate_store_open(path, false, &s, &err));
        OK(spate_store_verify(s, NULL, NULL, &totals, &err));
        CHECK_INT(totals.damaged, 0);
        spate_store_close(s);
        free(good.bytes);
    }
}

/* ---- failing calls -------------------------------------------------------------------------------- */

static void failing_calls(void)
{
    static const struct {
        sp_os_call call;
        int number;
    } faults[] = {{SP_OS_WRITE, ENOSPC}, {SP_OS_WRITE, EIO},    {SP_OS_WRITE, EINTR},
                  {SP_OS_FSYNC, EIO},    {SP_OS_TRUNCATE, EIO}, {SP_OS_OPEN, EMFILE}};
    for (size_t f = 0; f < SP_COUNT(faults); f++)
        for (uint64_t nth = 1; nth < 40; nth++) {
            sp_os_fail_at(faults[f].call, nth, faults[f].number);
            int rc = make(BLOCK * 4, true);
            sp_os_fail_at(faults[f].call, 0, 0);
            if (rc == SPATE_OK && faults[f].number != EINTR)
                break; /* it takes fewer calls */
            if (rc != SPATE_OK) {
                CHECK_INT(err.os_errno, faults[f].number);
                if (access(path, F_OK) != 0)
                    continue; /* nothing was made, and nothing is left */
            }
            seen x = read_all(true);
            CHECK(x.status == SPATE_OK && x.wrong == 0 && x.rows % BLOCK == 0);
            CHECK(rc != SPATE_OK || x.rows == BLOCK * 4);
        }
}

static void failures_stay(void)
{
    spate_store *s = NULL;
    OK(make(BLOCK, true));
    OK(spate_store_open(path, true, &s, &err));
    OK(append(s, BLOCK, BLOCK * 2));
    sp_os_fail_at(SP_OS_FSYNC, 1, EIO);
    CHECK_INT(spate_store_commit(s, &err), SPATE_E_IO);
    sp_os_fail_at(SP_OS_FSYNC, 0, 0);
    CHECK_INT(spate_store_commit(s, &err), SPATE_E_IO);
    CHECK_INT(append(s, BLOCK * 2, BLOCK * 3), SPATE_E_IO);
    CHECK_INT(spate_store_finish(s, &err), SPATE_E_IO);
    spate_store_close(s);
}

static void no_memory(void)
{
    for (uint64_t nth = 1; nth < 3000; nth += nth < 150 ? 1 : 17) {
        sp_alloc_fail_at(nth);
        int rc = make(BLOCK * 2, true);
        sp_alloc_fail_at(0);
        CHECK(rc == SPATE_OK || rc == SPATE_E_NOMEM);
        if (rc == SPATE_OK && nth > 500)
            break;
    }
    OK(make(BLOCK * 2, true));
    for (uint64_t nth = 1; nth < 500; nth++) {
        sp_alloc_fail_at(nth);
        seen x = read_all(false);
        sp_alloc_fail_at(0);
        CHECK(x.wrong == 0 && (x.status == SPATE_OK || x.status == SPATE_E_NOMEM));
    }
}

/* ---- changes in place -------------------------------------------------------------------------------- */

static double value_of(uint64_t row)
{
    spate_store *s = NULL;
    spate_cursor *c = NULL;
    const spate_value *v = NULL;
    const char *field = "value";
    size_t n = 0;
    double got = -1;
    if (spate_store_open(path, false, &s, &err) == SPATE_OK &&
        spate_cursor_open(s, &(spate_scan_options){.fields = &field, .n_fields = 1, .first_row = row}, &c, &err) ==
            SPATE_OK &&
        spate_cursor_next(c, &v, &n, NULL, &err) == SPATE_OK && n == 1)
        got = v[0].as.f;
    spate_cursor_close(c);
    spate_store_close(s);
    return got;
}

static int change(uint64_t row, double to, double too)
{
    spate_store *s = NULL;
    spate_updater *u = NULL;
    spate_value v = {.name = 1, .kind = SPATE_F64, .as.f = to};
    int rc = spate_store_open(path, true, &s, &err);
    if (rc == SPATE_OK)
        rc = spate_updater_open(s, 0, &u, &err);
    if (rc == SPATE_OK)
        rc = spate_updater_set(u, row, &v, &err);
    v.as.f = too;
    if (rc == SPATE_OK)
        rc = spate_updater_set(u, row + 1, &v, &err);
    if (rc == SPATE_OK)
        rc = spate_updater_flush(u, &err);
    spate_updater_close(u);
    spate_store_close(s);
    return rc;
}

static void changed_in_place(void)
{
    OK(make(BLOCK * 3, true));
    struct stat before, after;
    CHECK(stat(path, &before) == 0);
    OK(change(BLOCK + 5, 42.5, 50.1));
    CHECK(stat(path, &after) == 0 && after.st_size == before.st_size);
    CHECK(value_of(BLOCK + 5) == 42.5 && value_of(BLOCK + 6) == 50.1);
    seen x = read_all(false);
    CHECK(x.status == SPATE_OK && x.rows == BLOCK * 3 && x.wrong == 2);
    CHECK_INT(change(7, 12345678.9, 1), SPATE_E_DATA); /* wider than the others */
    CHECK_INT(change(7, 0.123456789, 1), SPATE_E_DATA);
    CHECK_INT(change(BLOCK * 3, 1, 1), SPATE_E_DATA);
    x = read_all(false);
    CHECK_INT(x.wrong, 2);
}

/* A value beyond all others of its block: conditions must not pass it over, whoever is asked for the range. */
static void changed_beyond_the_range(void)
{
    OK(make(BLOCK * 3, true));
    OK(change(BLOCK + 5, 102.1, 50));
    for (unsigned all = 0; all < 2; all++) {
        spate_store *s = NULL;
        spate_cursor *c = NULL;
        const spate_value *v = NULL;
        const char *field = "value";
        size_t n = 0;
        uint64_t row = 0;
        spate_condition where = {field, SPATE_GT, {.kind = SPATE_F64, .as.f = 101}};
        OK(spate_store_open(path, false, &s, &err));
        OK(spate_cursor_open(
            s, &(spate_scan_options){.fields = &field, .n_fields = !all, .conditions = &where, .n_conditions = 1}, &c,
            &err));
        OK(spate_cursor_next(c, &v, &n, &row, &err));
        CHECK(v && row == BLOCK + 5);
        OK(spate_cursor_next(c, &v, &n, &row, &err));
        CHECK(!v);
        spate_cursor_close(c);
        spate_check totals;
        OK(spate_store_verify(s, NULL, NULL, &totals, &err));
        spate_store_close(s);
    }
}

/* It stops at every step: both cells are new, or both old. */
static void interrupted_changes(void)
{
    static const sp_os_call calls[] = {SP_OS_WRITE, SP_OS_FSYNC, SP_OS_TRUNCATE};
    unsigned old = 0, new = 0;
    for (size_t k = 0; k < SP_COUNT(calls); k++)
        for (uint64_t nth = 1; nth < 10; nth++) {
            OK(make(BLOCK * 2, true));
            double was = value_of(3), was_next = value_of(4);
            sp_os_fail_at(calls[k], nth, EIO);
            int rc = change(3, 11.1, 22.2);
            sp_os_fail_at(calls[k], 0, 0);
            for (unsigned again = 0; again < 2; again++) { /* as a reader finds it, and when a writer has been there */
                double a = value_of(3), b = value_of(4);
                bool both_old = a == was && b == was_next, both_new = a == 11.1 && b == 22.2;
                CHECK(both_old || both_new);
                CHECK(rc != SPATE_OK || both_new);
                old += both_old;
                new += both_new;
                spate_store *s = NULL;
                OK(spate_store_open(path, true, &s, &err));
                spate_store_close(s);
            }
            CHECK_INT(read_all(false).status, SPATE_OK);
        }
    CHECK(old > 0 && new > 0);
}

/* ---- indexes --------------------------------------------------------------------------------------- */

static void indexed(void)
{
    spate_store *s = NULL;
    OK(make(BLOCK * 3, true));
    OK(spate_store_open(path, true, &s, &err));
    OK(spate_store_index(s, 0, "text", &err));
    OK(append(s, BLOCK * 3, BLOCK * 4));
    OK(spate_store_finish(s, &err));
    spate_store_close(s);
    OK(spate_store_open(path, false, &s, &err));
    char text[64], want[64];
    uint64_t expected = 0, *rows = NULL;
    size_t n = 0;
    bool by_index = false;
    spate_value v[4], wanted = {.kind = SPATE_TEXT, .as.p = want, .len = (uint32_t)sprintf(want, "line 17 of the log")};
    for (uint64_t i = 0; i < BLOCK * 4; i++) {
        size_t fields = make_row(i, v, text);
        expected += fields > 2 && v[2].len == wanted.len && memcmp(v[2].as.p, want, wanted.len) == 0;
    }
    OK(spate_store_find(s, 0, "text", &wanted, &rows, &n, &by_index, &err));
    CHECK(by_index);
    CHECK_INT(n, expected);
    for (size_t i = 0; i < n; i++) {
        make_row(rows[i], v, text);
        CHECK(v[2].len == wanted.len && memcmp(v[2].as.p, want, wanted.len) == 0);
        CHECK(i == 0 || rows[i] > rows[i - 1]);
    }
    spate_store_free(rows);
    spate_store_close(s);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/t.spate", dir);
    RUN(flipped_bits);
    RUN(cut_ends);
    RUN(appended_after_a_cut);
    RUN(torn_pages);
    RUN(found_again);
    RUN(failing_calls);
    RUN(failures_stay);
    RUN(no_memory);
    RUN(changed_in_place);
    RUN(changed_beyond_the_range);
    RUN(interrupted_changes);
    RUN(indexed);
    unlink(path);
    rmdir(dir);
    return check_done();
}
