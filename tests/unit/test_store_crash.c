/* test_store_crash.c - a store after the machine or its writer stopped at any moment. The file's system calls are this program's own: they
 * are written down, and then every state of the file that a crash may leave is made from them: what was synced is there, of what came
 * since any pages are, in any order. And writers are killed. What a commit has promised is there, rows are right, and appending goes on.
 * SPATE_KILLS=N and SPATE_CRASHES=N in the environment: so many, from a seed of SPATE_SEED. */
#include "spate/store.h"
#include "base/base.h"
#include "check.h"
#include "ok.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];
static spate_error err;
static uint64_t seed = 20261121, state;

static uint64_t draw(uint64_t n)
{
    return sp_bounded(sp_draw(seed, state++), n);
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- the log of system calls --------------------------------------------------------------------- */

typedef enum op_kind { OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_PROMISE } op_kind;
typedef struct op {
    op_kind kind;
    uint64_t at, len; /* of a promise: rows that are there from now on; is the changed cell new, 2: either */
    char *bytes;
} op;

enum { OPS_MAX = 4096 };
static op ops[OPS_MAX];
static unsigned n_ops;
static bool logging;

static void log_op(op_kind kind, uint64_t at, uint64_t len, const void *bytes)
{
    op *o = &ops[n_ops];
    if (!logging || n_ops == OPS_MAX)
        return;
    *o = (op){kind, at, len, bytes ? malloc(len + 1) : NULL};
    if (bytes)
        memcpy(o->bytes, bytes, len);
    n_ops++;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    long put = syscall(SYS_pwrite64, fd, bytes, len, at);
    if (put > 0)
        log_op(OP_WRITE, (uint64_t)at, (uint64_t)put, bytes);
    return put;
}

int ftruncate(int fd, off_t len)
{
    long rc = syscall(SYS_ftruncate, fd, len);
    if (rc == 0)
        log_op(OP_TRUNCATE, (uint64_t)len, 0, NULL);
    return (int)rc;
}

int fsync(int fd)
{
    long rc = syscall(SYS_fsync, fd);
    if (rc == 0)
        log_op(OP_SYNC, 0, 0, NULL);
    return (int)rc;
}

/* ---- rows -------------------------------------------------------------------------------------- */

enum { PIECE = 120, CHANGED = 7 };

static int64_t number_at(uint64_t i)
{
    return (int64_t)(sp_draw(9, i) % 1000);
}

static int64_t changed_number(void)
{
    return number_at(CHANGED) ^ 1;
}

static size_t make_row(uint64_t i, spate_value *v, char *text)
{
    v[0] = (spate_value){.name = 0, .kind = SPATE_I64, .as.i = number_at(i)};
    v[1] = (spate_value){
        .name = 1, .kind = SPATE_TEXT, .as.p = text, .len = (uint32_t)sprintf(text, "row %u", (unsigned)i)};
    return i % 4 ? 2 : 1;
}

static int append(spate_store *s, uint64_t from, uint64_t rows)
{
    spate_appender *a = NULL;
    spate_value v[2];
    char text[32];
    int rc = spate_appender_open(s, 0, &a, &err);
    for (uint64_t i = from; rc == SPATE_OK && i < from + rows; i++)
        rc = spate_append_row(a, v, make_row(i, v, text), &err);
    if (rc == SPATE_OK)
        rc = spate_appender_flush(a, &err);
    spate_appender_close(a);
    return rc;
}

static spate_store *create(void)
{
    spate_store *s = NULL;
    uint32_t table;
    unlink(path);
    OK(spate_store_create(path, 4096, &s, &err));
    OK(spate_store_add_table(s, "t", NULL, 0, &table, &err));
    OK(spate_store_name(s, "number", &(uint16_t){0}, &err));
    OK(spate_store_name(s, "text", &(uint16_t){0}, &err));
    return s;
}

typedef struct seen {
    int status;
    uint64_t rows, wrong, first_wrong;
    bool changed; /* the cell that is changed in place has its new value */
} seen;

static seen read_all(void)
{
    seen x = {0};
    spate_store *s = NULL;
    spate_cursor *c = NULL;
    x.status = spate_store_open(path, false, &s, &err);
    if (x.status == SPATE_OK && spate_store_tables(s))
        x.status = spate_cursor_open(s, &(spate_scan_options){0}, &c, &err);
    while (c && x.status == SPATE_OK) {
        const spate_value *v;
        spate_value want[2];
        char text[32];
        size_t n;
        uint64_t row;
        x.status = spate_cursor_next(c, &v, &n, &row, &err);
        if (x.status != SPATE_OK || !v)
            break;
        bool same = row == x.rows && n == make_row(row, want, text);
        x.changed |= same && row == CHANGED && v[0].as.i == changed_number();
        same = same && (v[0].as.i == want[0].as.i || (row == CHANGED && x.changed));
        bool wrong = !(same && (n == 1 || (v[1].len == want[1].len && memcmp(v[1].as.p, text, v[1].len) == 0)));
        x.first_wrong = wrong && !x.wrong ? row : x.first_wrong;
        x.wrong += wrong;
        x.rows++;
    }
    spate_cursor_close(c);
    spate_store_close(s);
    return x;
}

/* ---- crashes ------------------------------------------------------------------------------------- */

static void promise(uint64_t rows, unsigned changed)
{
    log_op(OP_PROMISE, rows, changed, NULL);
}

/* All that a writer does to a file, written down. */
static void live(void)
{
    logging = true;
    spate_store *s = create();
    for (unsigned p = 0; p < 3; p++) {
        OK(append(s, p * PIECE, PIECE));
        OK(spate_store_commit(s, &err));
        promise((p + 1) * PIECE, 0);
    }
    OK(append(s, 3 * PIECE, PIECE));
    OK(spate_store_finish(s, &err));
    promise(4 * PIECE, 0);
    OK(append(s, 4 * PIECE, PIECE));
    OK(spate_store_user_write(s, "mine", 4, &err));
    spate_store_close(s);
    OK(spate_store_open(path, true, &s, &err));
    OK(append(s, 5 * PIECE, PIECE));
    OK(spate_store_finish(s, &err));
    promise(6 * PIECE, 2);
    spate_updater *u = NULL;
    OK(spate_updater_open(s, 0, &u, &err));
    OK(spate_updater_set(u, CHANGED, &(spate_value){.kind = SPATE_I64, .as.i = changed_number()}, &err));
    OK(spate_updater_flush(u, &err));
    promise(6 * PIECE, 1);
    spate_updater_close(u);
    OK(append(s, 6 * PIECE, PIECE));
    OK(spate_store_finish(s, &err));
    promise(7 * PIECE, 1);
    spate_store_close(s);
    logging = false;
}

typedef struct disk {
    char *bytes;
    uint64_t len, cap;
} disk;

static void disk_resize(disk *d, uint64_t len)
{
    if (len > d->cap) {
        d->bytes = realloc(d->bytes, len);
        d->cap = len;
    }
    if (len > d->len)
        memset(d->bytes + d->len, 0, len - d->len);
    d->len = len;
}

static void disk_write(disk *d, uint64_t at, const char *bytes, uint64_t len)
{
    if (at + len > d->len)
        disk_resize(d, at + len);
    memcpy(d->bytes + at, bytes, len);
}

/* An operation that was not synced: all of it, or any of its pages. */
static void do_some(disk *d, const op *o, bool all)
{
    if (o->kind == OP_TRUNCATE && (all || draw(2)))
        disk_resize(d, o->at);
    for (uint64_t i = 0; o->kind == OP_WRITE && i < o->len;) {
        uint64_t some = SP_MIN(4096 - (o->at + i) % 4096, o->len - i);
        if (all || draw(2))
            disk_write(d, o->at + i, o->bytes + i, some);
        i += some;
    }
}

/* The machine stops before operation number stop: what lies before the last sync is there, the rest as luck has it. */
static void make_disk(disk *d, unsigned stop, bool shuffled)
{
    unsigned synced = 0, order[OPS_MAX], n = 0;
    d->len = 0;
    for (unsigned i = 0; i < stop; i++)
        synced = ops[i].kind == OP_SYNC ? i + 1 : synced;
    for (unsigned i = 0; i < synced; i++)
        do_some(d, &ops[i], true);
    for (unsigned i = synced; i < stop; i++)
        order[n++] = i;
    for (unsigned i = n; shuffled && i > 1; i--) {
        unsigned j = (unsigned)draw(i), was = order[i - 1];
        order[i - 1] = order[j];
        order[j] = was;
    }
    for (unsigned i = 0; i < n; i++)
        do_some(d, &ops[order[i]], !shuffled);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    CHECK(fd >= 0 && write(fd, d->bytes, d->len) == (ssize_t)d->len);
    close(fd);
}

static void check_disk(unsigned stop)
{
    const op *last = NULL;
    for (unsigned i = 0; i < stop; i++)
        last = ops[i].kind == OP_PROMISE ? &ops[i] : last;
    if (!last)
        return;                                    /* nothing was promised yet */
    for (unsigned again = 0; again < 2; again++) { /* as a reader finds it, and when a writer has been there */
        seen x = read_all();
        bool ok =
            x.status == SPATE_OK && x.wrong == 0 && x.rows >= last->at && (last->len == 2 || x.changed == last->len);
        if (!ok)
            printf("# stopped at %u: status %d, %llu rows of %llu, %llu wrong, changed %d: %s; seed %llu\n", stop,
                   x.status, (unsigned long long)x.rows, (unsigned long long)last->at, (unsigned long long)x.wrong,
                   x.changed, err.message, (unsigned long long)seed);
        CHECK(ok);
        spate_store *s = NULL;
        OK(spate_store_open(path, true, &s, &err));
        if (again == 0)
            OK(append(s, x.rows, 30));
        if (again == 0)
            OK(spate_store_finish(s, &err));
        spate_store_close(s);
    }
}

static void stopped_at_every_call(void)
{
    disk d = {0};
    live();
    uint64_t crashes = number_of("SPATE_CRASHES", 400);
    printf("# %u calls, seed %llu\n", n_ops, (unsigned long long)seed);
    CHECK(n_ops > 30 && n_ops < OPS_MAX);
    for (unsigned stop = 0; stop <= n_ops; stop++) {
        make_disk(&d, stop, false);
        check_disk(stop);
    }
    for (uint64_t i = 0; i < crashes; i++) {
        unsigned stop = (unsigned)draw(n_ops + 1);
        make_disk(&d, stop, true);
        check_disk(stop);
    }
    free(d.bytes);
}

/* ---- kills --------------------------------------------------------------------------------------- */

/* Appends pieces until it is killed, and says after each commit how many rows there are. */
_Noreturn static void write_until_killed(uint64_t from, int to)
{
    spate_store *s = NULL;
    if (spate_store_open(path, true, &s, &err) != SPATE_OK)
        _exit(1);
    for (;;) {
        uint64_t rows = 1 + draw(400);
        if (append(s, from, rows) != SPATE_OK ||
            (draw(4) ? spate_store_commit(s, &err) : spate_store_finish(s, &err)) != SPATE_OK)
            _exit(1);
        from += rows;
        if (write(to, &from, sizeof from) != sizeof from)
            _exit(1);
    }
}

/* What the writer said last before it died. */
static uint64_t kill_one(uint64_t rows, uint64_t after_us)
{
    int ends[2], status;
    uint64_t said = rows, next;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        write_until_killed(rows, ends[1]);
    }
    close(ends[1]);
    usleep((useconds_t)after_us);
    kill(child, SIGKILL);
    while (read(ends[0], &next, sizeof next) == sizeof next)
        said = next;
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    return said;
}

static void killed_at_any_moment(void)
{
    uint64_t kills = number_of("SPATE_KILLS", 40), total = 0, rows = 0;
    for (uint64_t k = 0; k < kills; k++) {
        if (rows > 200000 || k == 0) {
            spate_store *s = create();
            OK(spate_store_finish(s, &err));
            spate_store_close(s);
            rows = 0;
        }
        uint64_t said = kill_one(rows, draw(8000));
        seen x = read_all();
        CHECK(x.status == SPATE_OK && x.wrong == 0 && x.rows >= said);
        if (x.status != SPATE_OK || x.wrong || x.rows < said)
            printf("# kill %llu: %llu rows, %llu were committed, %llu wrong from %llu on; seed %llu: %s\n",
                   (unsigned long long)k, (unsigned long long)x.rows, (unsigned long long)said,
                   (unsigned long long)x.wrong, (unsigned long long)x.first_wrong, (unsigned long long)seed,
                   err.message);
        total += x.rows - rows;
        rows = x.rows;
    }
    printf("# %llu kills, %llu rows\n", (unsigned long long)kills, (unsigned long long)total);
    CHECK(total > kills);
}

int main(void)
{
    seed = number_of("SPATE_SEED", seed);
    snprintf(path, sizeof path, "/dev/shm/spate-crash-%d.spate", (int)getpid());
    RUN(stopped_at_every_call);
    RUN(killed_at_any_moment);
    unlink(path);
    return check_done();
}
