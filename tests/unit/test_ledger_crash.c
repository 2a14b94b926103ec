/* test_ledger_crash.c - a ledger whose process is killed, whose file is cut or changed, whose system calls and allocations fail:
 * what was synced is there, a task is there as a whole or not at all, and nothing is ever done twice. */
#include "check.h"

#include "base/base.h"
#include "os/os.h"
#include "spate/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FANOUT = 5, FILES = 7, DEPTH = 5 }; /* every folder has so many folders, down to DEPTH, and so many files */
enum { FOLDERS = 1 + 5 + 25 + 125 + 625, NODES = FOLDERS + (FOLDERS)*FILES };

static char dir[] = "/tmp/spate-crash-XXXXXX", file[128], journal[160];
static spate_error err;

static void remove_files(void)
{
    char name[160];
    const char *ends[] = {"", ".wal", ".journal"};
    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%s", file, ends[i]);
        unlink(name);
    }
}

static int open_ledger(spate_ledger **l, bool journal_only)
{
    spate_ledger_options o = {.path = file, .journal_only = journal_only, .sync_ms = 2, .flush_rows = 300};
    spate_node root = {.service_id = {"/r", 2}};
    *l = NULL;
    int rc = spate_ledger_open(&o, l, &err);
    return rc ? rc : spate_ledger_seed(*l, &root, NULL, &err);
}

/* ---- the job: lists a tree that is known in advance ---- */

static int list_folder(spate_ledger *l, const spate_node *folder)
{
    char names[FANOUT + FILES][8];
    spate_node children[FANOUT + FILES];
    size_t n = 0;
    for (unsigned i = 0; i < FANOUT + FILES; i++) {
        bool is_folder = i < FANOUT;
        if (is_folder && folder->depth >= DEPTH - 1)
            continue;
        snprintf(names[n], sizeof(names[n]), "%c%u", is_folder ? 'd' : 'f', i);
        children[n] = (spate_node){
            .name = {names[n], strlen(names[n])}, .type = is_folder ? SPATE_FOLDER : SPATE_FILE, .size = i};
        n++;
    }
    spate_task t = {.id = folder->id, .traversal = SPATE_TRAVERSAL_SUCCESSFUL, .children = children, .n_children = n};
    return spate_ledger_done(l, &t, &err);
}

/* Lists what is pending, level after level, and says on fd (if any) how many folders are done and synced. */
static int work(spate_ledger *l, int fd, uint32_t *done)
{
    spate_nodes page = {0};
    int rc = SPATE_OK;
    for (int32_t depth = 0; depth < DEPTH && rc == SPATE_OK; depth++) {
        spate_filter f = {.depth = depth, .traversal = SPATE_TRAVERSAL_PENDING};
        spate_cursor c = {0};
        do {
            rc = spate_ledger_page(l, &f, &c, 10, &page, &err);
            for (size_t i = 0; i < page.n && rc == SPATE_OK; i++, ++*done)
                rc = list_folder(l, &page.nodes[i]);
            if (rc == SPATE_OK && fd >= 0 && page.n) {
                rc = spate_ledger_sync(l, &err);
                if (rc == SPATE_OK && write(fd, done, sizeof(*done)) != sizeof(*done))
                    rc = SPATE_E_BUG;
            }
        } while (rc == SPATE_OK && page.n == 10);
        rc = rc ? rc : spate_ledger_seal(l, SPATE_SRC, depth, 0, &err);
    }
    spate_nodes_done(&page);
    return rc;
}

/* A folder that is done has all its children, one that is not has none. How many are done. */
static uint32_t check_whole_tasks(spate_ledger *l)
{
    spate_nodes page = {0}, kids = {0};
    uint32_t done = 0;
    for (int32_t depth = 0; depth < DEPTH; depth++) {
        spate_filter f = {.depth = depth, .type = SPATE_FOLDER};
        CHECK_INT(spate_ledger_page(l, &f, &(spate_cursor){0}, 1000, &page, &err), SPATE_OK);
        for (size_t i = 0; i < page.n; i++) {
            CHECK_INT(spate_ledger_children(l, SPATE_SRC, page.nodes[i].id, 0, &kids, &err), SPATE_OK);
            bool is_done = page.nodes[i].traversal == SPATE_TRAVERSAL_SUCCESSFUL;
            size_t want = !is_done ? 0 : depth == DEPTH - 1 ? FILES : FILES + FANOUT;
            if (!CHECK_INT(kids.n, want))
                break;
            done += is_done;
        }
    }
    spate_nodes_done(&page);
    spate_nodes_done(&kids);
    return done;
}

static uint64_t nodes_now(spate_ledger *l)
{
    return spate_ledger_count(l, &(spate_filter){.depth = -1});
}

/* ---- killed ---- */

static int first_cell(void *arg, const spate_cell *cells, size_t n)
{
    snprintf(arg, 32, "%.*s", (int)cells[0].len, cells[0].text ? cells[0].text : "NULL");
    return 0;
}

/* Starts the job in a child and kills it after a while. What it has said to be synced. */
static uint32_t run_and_kill(bool journal_only, unsigned after_us)
{
    int fds[2];
    uint32_t said = 0, one;
    if (pipe(fds) != 0)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        spate_ledger *l;
        uint32_t done = 0;
        close(fds[0]);
        int rc = open_ledger(&l, journal_only);
        if (rc == SPATE_OK) {
            done = check_whole_tasks(l);
            rc = work(l, fds[1], &done);
        }
        pause(); /* never closed */
        _exit(rc != 0);
    }
    close(fds[1]);
    usleep(after_us);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (read(fds[0], &one, sizeof(one)) == sizeof(one))
        said = one;
    close(fds[0]);
    return said;
}

static void kill_until_done(bool journal_only, unsigned kills)
{
    uint32_t before = 0;
    remove_files();
    for (unsigned k = 0; k < kills; k++) {
        spate_ledger *l;
        uint32_t said = run_and_kill(journal_only, 500 + (unsigned)random() % 12000);
        if (!CHECK_INT(open_ledger(&l, true), SPATE_OK))
            break;
        uint32_t done = check_whole_tasks(l);
        CHECK(done >= said && done >= before);
        CHECK(nodes_now(l) <= NODES);
        before = done;
        CHECK_INT(spate_ledger_close(l, &err), SPATE_OK);
        if (done == FOLDERS && k > kills / 2)
            remove_files(), before = 0;
    }
    spate_ledger *l;
    uint32_t done = 0;
    CHECK_INT(open_ledger(&l, journal_only), SPATE_OK);
    CHECK_INT(work(l, -1, &done), SPATE_OK);
    CHECK_INT(nodes_now(l), NODES);
    CHECK_INT(check_whole_tasks(l), FOLDERS);
    if (!journal_only) {
        char said[32] = "";
        CHECK_INT(spate_ledger_flush(l, &err), SPATE_OK);
        CHECK_INT(spate_ledger_sql(l, "SELECT count(DISTINCT id) || ' ' || count(*) FROM src_nodes", NULL, 0,
                                   first_cell, said, &err),
                  SPATE_OK);
        char want[32];
        snprintf(want, sizeof(want), "%d %d", NODES - 625 * FILES,
                 NODES - 625 * FILES); /* the last level is not sealed */
        CHECK_STR(said, want);
    }
    CHECK_INT(spate_ledger_close(l, &err), SPATE_OK);
}

static void killed_at_random_moments(void)
{
    kill_until_done(true, 60);
}

static void killed_with_duckdb(void)
{
    kill_until_done(false, 8);
}

/* ---- cut and changed files ---- */

/* Four groups, or five with the root's own, with so many nodes behind each. sizes: of the file. */
static void make_three(uint64_t sizes[4], uint64_t nodes[4])
{
    struct stat st;
    spate_ledger *l;
    remove_files();
    CHECK_INT(open_ledger(&l, true), SPATE_OK);
    for (unsigned i = 0; i < 4; i++) {
        spate_nodes page = {0};
        CHECK_INT(spate_ledger_page(l, &(spate_filter){.depth = (int32_t)i, .traversal = SPATE_TRAVERSAL_PENDING},
                                    &(spate_cursor){0}, 1, &page, &err),
                  SPATE_OK);
        CHECK_INT(list_folder(l, &page.nodes[0]), SPATE_OK);
        CHECK_INT(spate_ledger_sync(l, &err), SPATE_OK);
        CHECK_INT(stat(journal, &st), 0);
        sizes[i] = (uint64_t)st.st_size;
        nodes[i] = nodes_now(l);
        spate_nodes_done(&page);
    }
    CHECK_INT(spate_ledger_close(l, &err), SPATE_OK);
}

static void write_journal(const sp_buf *bytes, size_t len)
{
    int fd = open(journal, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    CHECK(fd >= 0 && write(fd, bytes->data, len) == (ssize_t)len);
    close(fd);
}

static void cut_at_every_byte(void)
{
    uint64_t sizes[4], nodes[4];
    sp_buf whole = {0};
    make_three(sizes, nodes);
    CHECK_INT(sp_os_read_file(journal, 1 << 20, &whole, &err), SPATE_OK);
    for (uint64_t len = 0; len <= sizes[3]; len++) {
        spate_ledger *l = NULL;
        write_journal(&whole, len);
        spate_ledger_options o = {.path = file, .journal_only = true};
        if (!CHECK_INT(spate_ledger_open(&o, &l, &err), SPATE_OK))
            break;
        uint64_t want = 0;
        for (unsigned i = 0; i < 4; i++)
            want = len >= sizes[i] ? nodes[i] : want;
        if (len < sizes[0])
            CHECK(nodes_now(l) <= 1 || nodes_now(l) == nodes[0]);
        else if (len > sizes[3] - 8) /* nothing but the last group's zeroes is missing */
            CHECK(nodes_now(l) == nodes[3] || nodes_now(l) == nodes[2]);
        else
            CHECK_INT(nodes_now(l) >= want, 1);
        check_whole_tasks(l);
        CHECK_INT(spate_ledger_close(l, &err), SPATE_OK);
    }
    sp_buf_done(&whole);
}

static void every_byte_changed(void)
{
    uint64_t sizes[4], nodes[4];
    unsigned refused = 0, cut = 0, padding = 0;
    sp_buf whole = {0};
    make_three(sizes, nodes);
    CHECK_INT(sp_os_read_file(journal, 1 << 20, &whole, &err), SPATE_OK);
    for (uint64_t at = 0; at < sizes[3]; at++) {
        spate_ledger *l = NULL;
        whole.data[at] ^= (char)(1 << random() % 8);
        write_journal(&whole, sizes[3]);
        sp_buf_done(&whole);
        int rc = spate_ledger_open(&(spate_ledger_options){.path = file, .journal_only = true}, &l, &err);
        CHECK_INT(rc, l ? SPATE_OK : SPATE_E_CORRUPT);
        if (!l) {
            refused++;
        } else if (nodes_now(l) == nodes[3]) {
            padding++; /* a zero behind a group's end */
        } else {
            cut++;
            CHECK(at >= sizes[2]);
            CHECK_INT(nodes_now(l), nodes[2]);
        }
        CHECK_INT(spate_ledger_close(l, &err), SPATE_OK);
        make_three(sizes, nodes);
        CHECK_INT(sp_os_read_file(journal, 1 << 20, &whole, &err), SPATE_OK);
        if (check_failures_here > 5)
            break;
    }
    printf("# %u refused, %u cut off the last group, %u between groups\n", refused, cut, padding);
    CHECK(refused > 100 && cut > 30 && padding < 32);
    sp_buf_done(&whole);
}

static void another_file_is_refused(void)
{
    remove_files();
    sp_buf text = {0};
    for (unsigned i = 0; i < 100; i++)
        CHECK_INT(sp_buf_adds(&text, "this is somebody's diary\n"), SPATE_OK);
    write_journal(&text, text.len);
    spate_ledger *l = NULL;
    CHECK_INT(spate_ledger_open(&(spate_ledger_options){.path = file}, &l, &err), SPATE_E_CORRUPT);
    struct stat st;
    CHECK_INT(stat(journal, &st), 0);
    CHECK_INT(st.st_size, text.len);
    sp_buf_done(&text);
}

/* ---- calls and allocations that fail ---- */

/* Runs the job until the fault strikes, then opens again without it: what was synced is there. */
static int job_once(uint32_t *synced)
{
    spate_ledger *l;
    uint32_t done = 0;
    *synced = 0;
    int rc = open_ledger(&l, true);
    if (rc == SPATE_OK)
        rc = work(l, -1, &done);
    if (rc == SPATE_OK)
        rc = spate_ledger_sync(l, &err);
    if (rc == SPATE_OK)
        *synced = done;
    if (rc != SPATE_OK && l && rc == SPATE_E_IO) { /* final */
        spate_node n = {.name = {"x", 1}, .type = SPATE_FILE};
        spate_task t = {
            .id = spate_node_id_of(SPATE_SRC, SPATE_FOLDER, (spate_bytes){"/", 1}), .children = &n, .n_children = 1};
        CHECK_INT(spate_ledger_done(l, &t, &err), SPATE_E_IO);
    }
    int closed = spate_ledger_close(l, &err);
    return rc ? rc : closed;
}

static void check_after_fault(uint32_t synced)
{
    spate_ledger *l;
    if (!CHECK_INT(open_ledger(&l, true), SPATE_OK)) {
        printf("# %s\n", err.message);
        return;
    }
    CHECK(check_whole_tasks(l) >= synced);
    CHECK_INT(spate_ledger_close(l, &err), SPATE_OK);
}

static void calls_that_fail(void)
{
    static const struct {
        sp_os_call call;
        int os_errno;
    } faults[] = {{SP_OS_OPEN, EMFILE},  {SP_OS_WRITE, ENOSPC}, {SP_OS_FSYNC, EIO},
                  {SP_OS_TRUNCATE, EIO}, {SP_OS_CLOSE, EIO},    {SP_OS_THREAD, EAGAIN}};
    for (size_t k = 0; k < SP_COUNT(faults); k++) {
        unsigned failed = 0;
        for (unsigned nth = 1; nth < 12; nth++) {
            uint32_t synced;
            remove_files();
            sp_os_fail_at(faults[k].call, nth, faults[k].os_errno);
            int rc = job_once(&synced);
            sp_os_fail_at(faults[k].call, 0, 0);
            CHECK(rc == SPATE_OK || rc == SPATE_E_IO);
            failed += rc != SPATE_OK;
            check_after_fault(synced);
        }
        CHECK(failed > 0);
    }
}

static void allocations_that_fail(void)
{
    unsigned failed = 0;
    for (unsigned nth = 1; nth < 4000; nth += 1 + nth / 40) {
        uint32_t synced;
        remove_files();
        sp_alloc_fail_at(nth);
        int rc = job_once(&synced);
        sp_alloc_fail_at(0);
        CHECK(rc == SPATE_OK || rc == SPATE_E_NOMEM);
        failed += rc != SPATE_OK;
        check_after_fault(synced);
        if (check_failures_here > 10)
            break;
    }
    CHECK(failed > 20);
    printf("# %u allocations failed\n", failed);
}

int main(void)
{
    unsigned seed = (unsigned)sp_os_monotonic_us();
    if (!mkdtemp(dir))
        return 1;
    snprintf(file, sizeof(file), "%s/job.duckdb", dir);
    snprintf(journal, sizeof(journal), "%s.journal", file);
    if (getenv("SEED"))
        seed = (unsigned)strtoul(getenv("SEED"), NULL, 10);
    printf("# SEED=%u\n", seed);
    srandom(seed);
    RUN(killed_at_random_moments);
    if (!strstr(program_invocation_name, "tsan"))
        RUN(killed_with_duckdb);
    RUN(cut_at_every_byte);
    RUN(every_byte_changed);
    RUN(another_file_is_refused);
    RUN(calls_that_fail);
    RUN(allocations_that_fail);
    remove_files();
    rmdir(dir);
    return check_done();
}
