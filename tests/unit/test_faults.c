/* test_faults.c - whole runs, from the plan file to the files it makes, in which the n-th allocation or the n-th system call of a
 * kind fails, for every n until a run comes through: a clean failure with its status and words, every descriptor closed, nothing
 * leaked (AddressSanitizer looks), and no file under a final name that is not whole. With a job, the run after the fault makes them
 * whole. */
#include "check.h"
#include "os/os.h"
#include "spate/spate.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ThreadSanitizer looks at runs of several threads, and as well at every few of them as at each. */
#ifdef __SANITIZE_THREAD__
enum { ONE_WORKER = false, STEP = 7 };
#else
enum { ONE_WORKER = true, STEP = 1 };
#endif

static char dir[] = "/tmp/spate-test-faults-XXXXXX";

static const char plan_text[] =
    "seed: 5\n"
    "tables:\n"
    "  - name: parent\n"
    "    rows: 300\n"
    "    columns:\n"
    "      - {name: id, value: '${uuid}', primary_key: true}\n"
    "      - {name: code, range: int, unique: true, props: {min: 0, max: 1000000}}\n"
    "      - {name: nick, value: '${name} of ${company}', 'null': 0.2}\n"
    "  - name: child\n"
    "    rows: 25000\n"
    "    columns:\n"
    "      - {name: id, inc: 1, primary_key: true}\n"
    "      - {name: parent_id, ref: parent.id, distribution: zipf}\n"
    "      - {name: state, set: [sent, paid], weights: [1, 3]}\n"
    "      - {name: at, range: timestamp, props: {min: 2020-01-01T00:00:00Z, max: 2021-01-01T00:00:00Z}}\n"
    "      - {name: tags, array: '${noun}', props: {min: 0, max: 3}}\n"
    "      - {name: note, range: string, props: {min: 3, max: 30}}\n";

typedef struct target {
    const char *to; /* below dir */
    const char *files[2];
    spate_insert_mode mode;
    bool create;
    bool varies; /* the same rows in other bytes, with several workers or a job: only looked at, and without a job */
    sp_buf whole[2];
} target;

static target targets[] = {
    {.to = "out/", .files = {"out/parent.csv", "out/child.csv"}},
    {.to = "all.sql", .files = {"all.sql"}, .mode = SPATE_INSERT_INSERT, .create = true},
    {.to = "copy.sql", .files = {"copy.sql"}, .mode = SPATE_INSERT_COPY},
    {.to = "rows.sqlite", .files = {"rows.sqlite"}, .create = true, .varies = true},
};

static const char *in_dir(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

/* ---- one run ---- */

static int generate(const target *t, unsigned workers, const char *job, spate_error *err)
{
    spate_plan *plan = NULL;
    spate_generate_report report;
    spate_generate_options options = {
        .to = in_dir(t->to), .workers = workers, .insert_mode = t->mode, .create = t->create, .job = job};
    int rc = spate_plan_open(in_dir("plan.yaml"), &plan, err);
    if (rc == SPATE_OK) {
        rc = spate_generate(plan, &options, &report, err);
        spate_generate_report_done(&report);
    }
    spate_plan_free(plan);
    return rc;
}

static void clear(const target *t)
{
    static const char *const beside[] = {"", ".partial", ".job", ".job.new"};
    char path[300];
    for (size_t i = 0; i < 2 * SP_COUNT(beside); i++)
        if (t->files[i % 2]) {
            snprintf(path, sizeof(path), "%s%s", in_dir(t->files[i % 2]), beside[i / 2]);
            unlink(path);
        }
    rmdir(in_dir("out"));
}

static int open_files(void)
{
    int n = 0;
    DIR *fds = opendir("/proc/self/fd");
    while (fds && readdir(fds))
        n++;
    if (fds)
        closedir(fds);
    return n;
}

/* How many of the files have their final names; each of them is whole. */
static int whole_files(const target *t)
{
    int n = 0;
    for (int i = 0; i < 2 && t->files[i]; i++) {
        sp_buf got = {0};
        if (sp_os_exists(in_dir(t->files[i]))) {
            n++;
            CHECK_INT(sp_os_read_file(in_dir(t->files[i]), 64 << 20, &got, NULL), SPATE_OK);
            CHECK(t->varies || (got.len == t->whole[i].len && memcmp(got.data, t->whole[i].data, got.len) == 0));
            CHECK(!t->varies || (got.len == t->whole[i].len && memcmp(got.data, "SQLite format 3", 16) == 0));
        }
        sp_buf_done(&got);
    }
    return n;
}

static int files_of(const target *t)
{
    return t->files[1] ? 2 : 1;
}

/* ---- one fault ---- */

/* What fails: an allocation, or a system call. */
typedef struct fault {
    bool memory;
    sp_os_call call;
    int os_errno;
} fault;

static void arm(const fault *f, uint64_t nth)
{
    if (f->memory)
        sp_alloc_fail_at(nth);
    else
        sp_os_fail_at(f->call, nth, f->os_errno);
}

static bool next_fails(const fault *f)
{
    if (!f->memory)
        return sp_os_call_fails(f->call);
    void *p = sp_alloc(1);
    sp_free(p);
    return !p;
}

/* Switches it off. True: it had struck during the run. */
static bool disarm(const fault *f, uint64_t nth)
{
    bool waiting = false;
    for (uint64_t i = 0; i < nth && !waiting; i++)
        waiting = next_fails(f);
    arm(f, 0);
    return !waiting;
}

typedef struct tally {
    unsigned failed, survived, runs;
} tally;

/* The same again, without a fault. */
static void go_on(const target *t, unsigned workers, const char *job)
{
    spate_error err = {0};
    CHECK_INT(generate(t, workers, job, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_INT(whole_files(t), files_of(t));
}

/* False: this run was over before the fault could strike. */
static bool run_with(const target *t, unsigned workers, const char *job, const fault *f, uint64_t nth, tally *tally)
{
    spate_error err = {0};
    int before = open_files(), failures = check_failures_here;
    clear(t);
    arm(f, nth);
    int rc = generate(t, workers, job, &err);
    bool struck = disarm(f, nth);
    tally->runs++;
    tally->failed += struck && rc != SPATE_OK;
    tally->survived += struck && rc == SPATE_OK;
    int whole = whole_files(t);
    if (rc == SPATE_OK)
        CHECK_INT(whole, files_of(t));
    else
        CHECK_INT(rc, f->memory ? SPATE_E_NOMEM : SPATE_E_IO);
    CHECK_INT(err.status, rc);
    CHECK(rc == SPATE_OK || err.message[0]);
    CHECK(rc == SPATE_OK || f->memory || err.os_errno == f->os_errno);
    CHECK(struck || rc == SPATE_OK);
    CHECK_INT(open_files(), before);
    if (job)
        go_on(t, workers, job);
    if (check_failures_here > failures)
        printf("# %s, %u workers%s, %s %d, number %llu: \"%s\"\n", t->to, workers, job ? ", a job" : "",
               f->memory ? "allocation" : "call", (int)f->call, (unsigned long long)nth, err.message);
    return struck;
}

/* Every n until three runs in a row come through: with several workers, how many calls there are depends on luck. */
static void every(const char *what, const fault *f, unsigned workers, const char *job)
{
    for (size_t i = 0; i < SP_COUNT(targets); i++) {
        tally tally = {0};
        unsigned calm = 0;
        if (job && targets[i].varies)
            continue;
        for (uint64_t nth = 1; calm < (workers > 1 ? 3 : 1) && check_failures_here < 20; nth += STEP)
            calm = run_with(&targets[i], workers, job, f, nth, &tally) ? 0 : calm + 1;
        CHECK_INT(tally.survived, 0);
        printf("# %s, %u workers, %s: %u runs, %u failed, %u came through\n", targets[i].to, workers, what, tally.runs,
               tally.failed, tally.survived);
    }
}

/* ---- the tests ---- */

static void without_faults(void)
{
    spate_error err = {0};
    for (size_t i = 0; i < SP_COUNT(targets); i++) {
        target *t = &targets[i];
        CHECK_INT(generate(t, 1, NULL, &err), SPATE_OK);
        CHECK_STR(err.message, "");
        for (int k = 0; k < files_of(t); k++) {
            CHECK_INT(sp_os_read_file(in_dir(t->files[k]), 64 << 20, &t->whole[k], &err), SPATE_OK);
            CHECK(t->whole[k].len > 1000);
        }
    }
}

static void allocations(void)
{
    every("allocations", &(fault){.memory = true}, 1, NULL);
}

static void allocations_of_two_workers(void)
{
    every("allocations", &(fault){.memory = true}, 2, NULL);
}

static const struct {
    const char *name;
    sp_os_call call;
    int os_errno;
} calls[] = {
    {"open", SP_OS_OPEN, EMFILE}, {"write", SP_OS_WRITE, ENOSPC},   {"read", SP_OS_READ, EIO},
    {"fsync", SP_OS_FSYNC, EIO},  {"rename", SP_OS_RENAME, EXDEV},  {"mkdir", SP_OS_MKDIR, EACCES},
    {"close", SP_OS_CLOSE, EIO},  {"thread", SP_OS_THREAD, EAGAIN},
};

static void every_call(unsigned workers, const char *job)
{
    for (size_t i = 0; i < SP_COUNT(calls); i++)
        every(calls[i].name, &(fault){.call = calls[i].call, .os_errno = calls[i].os_errno}, workers, job);
}

static void system_calls(void)
{
    every_call(1, NULL);
}

static void system_calls_of_two_workers(void)
{
    every_call(2, NULL);
}

static void system_calls_of_a_job(void)
{
    every_call(1, "night");
}

static bool set_up(void)
{
    spate_error err = {0};
    int fd = -1;
    return mkdtemp(dir) && sp_os_create(in_dir("plan.yaml"), &fd, &err) == SPATE_OK &&
           sp_os_write_all(fd, plan_text, sizeof(plan_text) - 1, "plan.yaml", &err) == SPATE_OK &&
           sp_os_close(&fd, "plan.yaml", &err) == SPATE_OK;
}

int main(void)
{
    if (!set_up())
        return 1;
    RUN(without_faults);
    if (ONE_WORKER) {
        RUN(allocations);
        RUN(system_calls);
        RUN(system_calls_of_a_job);
    }
    RUN(allocations_of_two_workers);
    RUN(system_calls_of_two_workers);
    for (size_t i = 0; i < SP_COUNT(targets); i++) {
        clear(&targets[i]);
        for (int k = 0; k < 2; k++)
            sp_buf_done(&targets[i].whole[k]);
    }
    unlink(in_dir("plan.yaml"));
    rmdir(dir);
    return check_done();
}
