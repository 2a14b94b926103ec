/* test_ledger_rewrite.c - a journal that is written anew: it says what the old one said, to the ledger and to DuckDB, and a process that
 * dies before any system call of the writing, or whose call fails, leaves one journal or the other. The calls are this program's own:
 * they are counted, and it is seen to that nothing is renamed that is not synced, and nothing written before the new name is. */
#include "check.h"
#include "ok.h"

#include "base/base.h"
#include "os/os.h"
#include "spate/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/spate-rewrite-XXXXXX", file[128], other[128];
static spate_error err;
static uint64_t seed, state;

static uint64_t draw(uint64_t n)
{
    return sp_bounded(sp_draw(seed, state++), n);
}

/* ---- system calls ---- */

enum { VIOLATED = 77, FDS = 1024 };
static unsigned calls, die_before; /* 0: no call is counted */
static bool unsynced[FDS], unsynced_name;

static void step(void)
{
    if (die_before && ++calls == die_before)
        kill(getpid(), SIGKILL);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    step();
    if (die_before && unsynced_name)
        _exit(VIOLATED);
    if (fd >= 0 && fd < FDS)
        unsynced[fd] = true;
    return syscall(SYS_write, fd, bytes, len);
}

int fsync(int fd)
{
    struct stat st;
    step();
    if (fd >= 0 && fd < FDS)
        unsynced[fd] = false;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        unsynced_name = false;
    return (int)syscall(SYS_fsync, fd);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    step();
    for (int fd = 3; die_before && fd < FDS; fd++)
        if (unsynced[fd])
            _exit(VIOLATED);
    unsynced_name = true;
    return (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
}

int unlink(const char *path)
{
    step();
    return (int)syscall(SYS_unlink, path);
}

int close(int fd)
{
    step();
    if (fd >= 0 && fd < FDS)
        unsynced[fd] = false;
    return (int)syscall(SYS_close, fd);
}

/* ---- files ---- */

static void remove_files(const char *path)
{
    char name[160];
    const char *ends[] = {"", ".wal", ".journal", ".journal.new"};
    for (unsigned i = 0; i < SP_COUNT(ends); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

/* Its number changes when it is written anew. */
static ino_t journal_of(const char *path, uint64_t *size)
{
    char name[160];
    struct stat st = {0};
    snprintf(name, sizeof(name), "%s.journal", path);
    CHECK_INT(stat(name, &st), 0);
    *size = (uint64_t)st.st_size;
    return st.st_ino;
}

static bool fresh_is_left(void)
{
    char name[160];
    snprintf(name, sizeof(name), "%s.journal.new", file);
    return access(name, F_OK) == 0;
}

static int open_at(const char *path, bool sql, uint64_t rewrite_bytes, spate_ledger **l)
{
    spate_ledger_options o = {.path = path, .journal_only = !sql, .sync_ms = 1, .rewrite_bytes = rewrite_bytes};
    const spate_node src = {.service_id = {"/r", 2}, .size = 7}, dst = {.service_id = {"/to/", 4}, .mtime_ns = -5};
    *l = NULL;
    int rc = spate_ledger_open(&o, l, &err);
    return rc ? rc : spate_ledger_seed(*l, &src, &dst, &err);
}

/* ---- what a ledger says ---- */

static int tell_stat(void *arg, int32_t depth, spate_stat stat, int64_t count)
{
    return sp_buf_printf(arg, "%d %s %lld\n", depth, spate_stat_name(stat), (long long)count);
}

static void tell_node(sp_buf *out, const spate_node *n)
{
    char hex[33];
    unsigned copy = n->copy == SPATE_COPY_IN_PROGRESS ? SPATE_COPY_PENDING : n->copy;
    spate_node_id_hex(n->id, hex);
    OK(sp_buf_printf(out, "%s %.*s %d %d %u %d %lld %lld %llu %llu %d [%.*s] [%.*s]\n", hex, (int)n->path.len,
                     n->path.p, n->type, n->traversal, copy, n->excluded, (long long)n->size, (long long)n->mtime_ns,
                     (unsigned long long)n->attributes, (unsigned long long)n->checksum, n->depth, (int)n->note.len,
                     n->note.p, (int)n->service_id.len, n->service_id.p));
}

static void tell_all(spate_ledger *l, sp_buf *out)
{
    spate_nodes page = {0};
    out->len = 0;
    for (unsigned side = 0; side < 2; side++) {
        int32_t depths[64];
        size_t n = spate_ledger_levels(l, side, depths, 64);
        for (size_t k = 0; k < n; k++) {
            OK(spate_ledger_page(l, &(spate_filter){.side = side, .depth = depths[k]}, &(spate_cursor){0}, 100000,
                                 &page, &err));
            for (size_t i = 0; i < page.n; i++)
                tell_node(out, &page.nodes[i]);
        }
        OK(spate_ledger_stats_each(l, side, tell_stat, out));
    }
    for (unsigned k = 0; k < 5; k++) {
        char key[8], value[40] = "";
        snprintf(key, sizeof(key), "k%u", k);
        int64_t len = spate_ledger_recall(l, key, value, sizeof(value));
        OK(sp_buf_printf(out, "%s %lld %s\n", key, (long long)len, value));
    }
    spate_nodes_done(&page);
}

static void check_same(const sp_buf *a, const sp_buf *b)
{
    size_t at = 0, line = 0;
    while (at < a->len && at < b->len && a->data[at] == b->data[at])
        if (a->data[at++] == '\n')
            line = at;
    if (!CHECK(at == a->len && at == b->len))
        printf("# %.*s\n# %.*s\n", (int)SP_MIN(a->len - line, (size_t)200), a->data + line,
               (int)SP_MIN(b->len - line, (size_t)200), b->data + line);
}

/* ---- anything that can be recorded ---- */

typedef struct known {
    spate_node_id id;
    unsigned side;
    char path[256];
    bool folder;
} known;
static known nodes[4000];
static size_t n_nodes;

static void know(unsigned side, const char *path, bool folder)
{
    known *k = &nodes[n_nodes];
    if (n_nodes == SP_COUNT(nodes))
        return;
    *k = (known){.side = side,
                 .folder = folder,
                 .id = spate_node_id_of(side, folder ? SPATE_FOLDER : SPATE_FILE, (spate_bytes){path, strlen(path)})};
    snprintf(k->path, sizeof(k->path), "%s", path);
    for (size_t i = 0; i < n_nodes; i++)
        if (!memcmp(&nodes[i].id, &k->id, sizeof(k->id)))
            return;
    n_nodes++;
}

/* Few names, so that many are found again. */
static int list_one(spate_ledger *l, const known *folder)
{
    char names[6][12], text[24], service[24], path[300];
    spate_node children[6];
    size_t n = 1 + draw(6);
    if (strlen(folder->path) > 60)
        return SPATE_OK;
    snprintf(text, sizeof(text), "note %u", (unsigned)draw(100));
    snprintf(service, sizeof(service), "id:%u", (unsigned)draw(100));
    for (size_t i = 0; i < n; i++) {
        bool is_folder = draw(3) == 0;
        snprintf(names[i], sizeof(names[i]), "%c%zu%u", is_folder ? 'd' : 'f', i, (unsigned)draw(3));
        children[i] = (spate_node){.name = {names[i], strlen(names[i])},
                                   .type = is_folder ? SPATE_FOLDER : SPATE_FILE,
                                   .size = (int64_t)draw(1 << 20),
                                   .mtime_ns = (int64_t)draw(UINT64_C(1) << 62) - INT64_MAX / 4,
                                   .excluded = draw(20) == 0,
                                   .attributes = draw(2) ? draw(UINT64_MAX) : 0,
                                   .checksum = draw(4) ? 0 : draw(UINT64_MAX)};
        if (draw(5) == 0)
            children[i].note = (spate_bytes){text, strlen(text)};
        if (draw(5) == 0)
            children[i].service_id = (spate_bytes){service, strlen(service)};
    }
    spate_task t = {.side = folder->side, .id = folder->id, .children = children, .n_children = n};
    int rc = spate_ledger_done(l, &t, &err);
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder->path[1] ? folder->path : "", names[i]);
        know(folder->side, path, children[i].type == SPATE_FOLDER);
    }
    return rc;
}

static int change_some(spate_ledger *l)
{
    spate_change changes[4];
    char note[40];
    size_t n = 1 + draw(4);
    int len = snprintf(note, sizeof(note), "%.*s", (int)draw(30), "because of this, that and more");
    for (size_t i = 0; i < n; i++) {
        const known *k = &nodes[draw(n_nodes)];
        changes[i] = (spate_change){
            .side = k->side, .id = k->id, .kind = draw(11), .value = (int64_t)draw(7), .note = {note, (size_t)len}};
        bool all_below = changes[i].kind == SPATE_DELETE || changes[i].kind == SPATE_DELETE_BELOW;
        if (all_below && draw(8)) /* not that seldom, or little would be left */
            changes[i].kind = SPATE_SET_CHECKSUM;
        if (changes[i].kind == SPATE_SET_EXCLUDED || changes[i].kind == SPATE_SET_EXCLUDED_BELOW)
            changes[i].value &= 1;
    }
    return spate_ledger_apply(l, changes, n, &err);
}

static int say_something(spate_ledger *l)
{
    char key[8], value[32];
    snprintf(key, sizeof(key), "k%u", (unsigned)draw(5));
    snprintf(value, sizeof(value), "%llu", (unsigned long long)draw(UINT64_MAX));
    switch (draw(6)) {
    case 0: return spate_ledger_seal(l, draw(2), (int32_t)draw(5), (int64_t)draw(9) - 1, &err);
    case 1: return spate_ledger_stat_set(l, draw(2), (int32_t)draw(9), draw(SPATE_STATS), (int64_t)draw(1000), &err);
    case 2: return spate_ledger_log(l, &(spate_log_entry){.level = "info", .message = value}, &err);
    case 3:
        return spate_ledger_task_error(l, &(spate_task_error){.queue = "src", .message = value, .path = "/x"}, &err);
    default: return spate_ledger_remember(l, key, draw(4) ? value : NULL, &err);
    }
}

/* The same, for the same seed, whatever becomes of the journal. What cannot be is refused, and that is fine. */
static void do_anything(spate_ledger *l, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        uint64_t what = draw(40);
        const known *k = &nodes[draw(n_nodes)];
        int rc = what < 3 && k->folder ? list_one(l, k) : what < 36 ? change_some(l) : say_something(l);
        if (!CHECK(rc == SPATE_OK || rc == SPATE_E_USAGE || rc == SPATE_E_DATA))
            printf("# %s\n", err.message);
        if (i % 200 == 0)
            OK(spate_ledger_sync(l, &err));
    }
}

static void begin_anything(uint64_t with)
{
    seed = with;
    state = n_nodes = 0;
    know(SPATE_SRC, "/", true);
    know(SPATE_DST, "/", true);
}

static void says_the_same(void)
{
    sp_buf a = {0}, b = {0};
    unsigned rewritten = 0;
    uint64_t first = seed;
    for (unsigned round = 0; round < 8; round++) {
        spate_ledger *l, *plain;
        uint64_t size, plain_size, before = 0;
        remove_files(file);
        remove_files(other);
        for (unsigned part = 0; part < 3; part++) {
            /* the same draws twice: the known nodes are the same as well */
            uint64_t part_seed = first + 100 * round + part;
            if (part == 0)
                begin_anything(part_seed);
            size_t n = n_nodes;
            OK(open_at(other, false, UINT64_MAX, &plain));
            seed = part_seed, state = 0;
            do_anything(plain, 2000);
            n_nodes = n;
            OK(open_at(file, false, 1, &l));
            seed = part_seed, state = 0;
            before = journal_of(file, &size);
            do_anything(l, 2000);
            OK(spate_ledger_sync(l, &err));
            rewritten += journal_of(file, &size) != before;
            tell_all(l, &a);
            tell_all(plain, &b);
            check_same(&a, &b);
            OK(spate_ledger_close(l, &err));
            OK(spate_ledger_close(plain, &err));
            (void)journal_of(other, &plain_size);
            CHECK(size < plain_size);
            /* as it lies on the disk, and without being written anew */
            OK(open_at(file, false, UINT64_MAX, &l));
            tell_all(l, &a);
            check_same(&a, &b);
            OK(spate_ledger_close(l, &err));
        }
        if (check_failures_here > 3)
            break;
    }
    seed = first;
    printf("# %u of 24 journals were written anew\n", rewritten);
    CHECK(rewritten > 4);
    sp_buf_done(&a);
    sp_buf_done(&b);
}

/* ---- DuckDB ---- */

static int first_cell(void *arg, const spate_cell *cells, size_t n)
{
    (void)n;
    snprintf(arg, 40, "%.*s", (int)cells[0].len, cells[0].text ? cells[0].text : "NULL");
    return 0;
}

static const char *ask(spate_ledger *l, const char *sql)
{
    static char said[40];
    said[0] = '\0';
    if (!CHECK_INT(spate_ledger_sql(l, sql, NULL, 0, first_cell, said, &err), SPATE_OK))
        printf("# %s\n", err.message);
    return said;
}

static void duckdb_goes_on(void)
{
    static const char count[] =
        "SELECT (SELECT count(*) FROM src_nodes) || ' ' || (SELECT count(*) FROM logs) || ' ' || (SELECT count(*) FROM task_errors)";
    spate_ledger *l;
    char before[40];
    uint64_t size;
    remove_files(file);
    begin_anything(seed);
    OK(open_at(file, true, UINT64_MAX, &l));
    do_anything(l, 1500);
    for (int32_t d = 0; d < 4; d++)
        OK(spate_ledger_seal(l, SPATE_SRC, d, 0, &err));
    OK(spate_ledger_flush(l, &err));
    snprintf(before, sizeof(before), "%s", ask(l, count));
    (void)ask(l, "DELETE FROM src_nodes WHERE path = '/'"); /* whoever writes this level once more brings it back */
    CHECK_STR(ask(l, "SELECT count(*) FROM src_nodes WHERE path = '/'"), "0");
    OK(spate_ledger_close(l, &err));
    ino_t old = journal_of(file, &size);
    OK(open_at(file, true, 1, &l));
    CHECK(journal_of(file, &size) != old);
    OK(spate_ledger_log(l, &(spate_log_entry){.message = "one more"}, &err));
    OK(spate_ledger_flush(l, &err));
    CHECK_STR(ask(l, "SELECT count(*) FROM src_nodes WHERE path = '/'"), "0");
    CHECK_STR(ask(l, "SELECT count(*) FROM logs WHERE message = 'one more'"), "1");
    OK(spate_ledger_close(l, &err));
    unlink(file); /* the journal gives all of it back */
    OK(open_at(file, true, 1, &l));
    OK(spate_ledger_flush(l, &err));
    (void)ask(l, "DELETE FROM logs WHERE message = 'one more'");
    CHECK_STR(ask(l, count), before);
    OK(spate_ledger_close(l, &err));
}

/* ---- dying and failing ---- */

enum { PLACES = 12, STEPS = 320, SOME_STEPS = 140 };

/* Every step is one record: root's size is its number, and one of the files has it as its note. */
static int take_steps(spate_ledger *l, int64_t from, int64_t to, int ack)
{
    char names[PLACES][8], note[16];
    spate_node files[PLACES];
    const spate_node_id root = spate_node_id_of(SPATE_SRC, SPATE_FOLDER, (spate_bytes){"/", 1});
    for (unsigned i = 0; i < PLACES; i++)
        files[i] = (spate_node){.name = {names[i], (size_t)snprintf(names[i], sizeof(names[i]), "f%u", i)},
                                .type = SPATE_FILE};
    int rc = from ? SPATE_OK
                  : spate_ledger_done(l, &(spate_task){.id = root, .children = files, .n_children = PLACES}, &err);
    for (int64_t k = from + 1; k <= to && rc == SPATE_OK; k++) {
        char path[16];
        int len = snprintf(path, sizeof(path), "/f%d", (int)(k % PLACES)),
            note_len = snprintf(note, sizeof(note), "%lld", (long long)k);
        const spate_change changes[] = {
            {.kind = SPATE_SET_SIZE, .id = root, .value = k},
            {.kind = SPATE_SET_NOTE,
             .id = spate_node_id_of(SPATE_SRC, SPATE_FILE, (spate_bytes){path, (size_t)len}),
             .note = {note, (size_t)note_len}}};
        rc = spate_ledger_apply(l, changes, 2, &err);
        if (rc == SPATE_OK && k % 16 == 0) {
            rc = spate_ledger_sync(l, &err);
            if (rc == SPATE_OK && ack >= 0 && syscall(SYS_write, ack, &k, sizeof(k)) != sizeof(k))
                _exit(1);
        }
    }
    return rc;
}

/* How many steps the ledger knows; it knows exactly these. */
static int64_t check_steps(spate_ledger *l)
{
    spate_nodes out = {0};
    OK(spate_ledger_root(l, SPATE_SRC, &out, &err));
    int64_t steps = out.nodes[0].size == 7 ? 0 : out.nodes[0].size; /* as it was seeded */
    OK(spate_ledger_children(l, SPATE_SRC, out.nodes[0].id, 0, &out, &err));
    CHECK(out.n == PLACES || (steps == 0 && out.n == 0));
    for (size_t i = 0; i < out.n; i++) {
        uint64_t place = PLACES;
        CHECK(sp_parse_u64((sp_str){out.nodes[i].name.p + 1, out.nodes[i].name.len - 1}, &place) && place < PLACES);
        int64_t last = steps - (steps - (int64_t)place + PLACES) % PLACES;
        char want[24] = "", got[24];
        if (last > 0)
            snprintf(want, sizeof(want), "%lld", (long long)last);
        snprintf(got, sizeof(got), "%.*s", (int)out.nodes[i].note.len, out.nodes[i].note.p);
        CHECK_STR(got, want);
    }
    spate_nodes_done(&out);
    return steps;
}

/* Dies before so many calls: the steps that it had synced, or -1 when it came to its end. */
static int64_t die_at(unsigned call)
{
    int fds[2], status;
    int64_t said = 0, one;
    if (!CHECK_INT(pipe(fds), 0))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        spate_ledger *l;
        die_before = call;
        calls = 0;
        int rc = open_at(file, false, 1, &l);
        rc = rc ? rc : take_steps(l, 0, STEPS, fds[1]);
        rc = rc ? rc : spate_ledger_close(l, &err);
        _exit(rc != SPATE_OK);
    }
    close(fds[1]);
    waitpid(child, &status, 0);
    while (read(fds[0], &one, sizeof(one)) == sizeof(one))
        said = one;
    close(fds[0]);
    CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) ? said : -1;
}

static void dies_before_every_call(void)
{
    unsigned call = 1, left = 0;
    for (;; call++) {
        remove_files(file);
        int64_t said = die_at(call);
        spate_ledger *l;
        left += fresh_is_left();
        if (!CHECK_INT(open_at(file, false, call % 2 ? UINT64_MAX : 1, &l), SPATE_OK))
            break;
        CHECK(!fresh_is_left());
        int64_t steps = check_steps(l);
        CHECK(said < 0 ? steps == STEPS : steps >= said);
        OK(take_steps(l, steps, STEPS, -1));
        CHECK_INT(check_steps(l), STEPS);
        OK(spate_ledger_close(l, &err));
        if (said < 0 || check_failures_here > 5)
            break;
    }
    printf("# %u calls, %u times a new journal was left unfinished\n", call, left);
    CHECK(call > 40 && left > 8);
}

static void calls_that_fail(void)
{
    static const struct {
        sp_os_call call;
        int os_errno;
    } faults[] = {{SP_OS_OPEN, EMFILE},   {SP_OS_WRITE, ENOSPC}, {SP_OS_FSYNC, EIO},  {SP_OS_RENAME, EIO},
                  {SP_OS_UNLINK, EACCES}, {SP_OS_STAT, EIO},     {SP_OS_META, EPERM}, {SP_OS_CLOSE, EIO}};
    for (size_t k = 0; k < SP_COUNT(faults); k++) {
        unsigned failed = 0, passed = 0;
        for (unsigned nth = 1; nth < 26; nth++) {
            spate_ledger *l;
            remove_files(file);
            sp_os_fail_at(faults[k].call, nth, faults[k].os_errno);
            int rc = open_at(file, false, 1, &l), opened = rc;
            rc = rc ? rc : take_steps(l, 0, SOME_STEPS, -1);
            int64_t steps = opened ? 0 : check_steps(l);
            int closed = spate_ledger_close(l, &err);
            sp_os_fail_at(faults[k].call, 0, 0);
            rc = rc ? rc : closed;
            CHECK(rc == SPATE_OK || rc == SPATE_E_IO);
            failed += rc != SPATE_OK;
            passed += rc == SPATE_OK;
            if (!CHECK_INT(open_at(file, false, 1, &l), SPATE_OK))
                break;
            CHECK(check_steps(l) <= steps || opened);
            CHECK(rc != SPATE_OK || check_steps(l) == SOME_STEPS);
            OK(take_steps(l, check_steps(l), SOME_STEPS, -1));
            OK(spate_ledger_close(l, &err));
        }
        CHECK(passed > 0);
        printf("# %u of 25 runs ended with the failure of call %u\n", failed, (unsigned)faults[k].call);
    }
}

/* What cannot be written anew is left, and tried again when it is twice as long. */
static void a_full_disk_is_no_failure(void)
{
    spate_ledger *l;
    uint64_t size;
    remove_files(file);
    OK(open_at(file, false, UINT64_MAX, &l));
    OK(take_steps(l, 0, STEPS, -1));
    OK(spate_ledger_close(l, &err));
    ino_t old = journal_of(file, &size);
    sp_os_fail_at(SP_OS_WRITE, 1, ENOSPC);
    OK(open_at(file, false, 1, &l));
    sp_os_fail_at(SP_OS_WRITE, 0, 0);
    CHECK(journal_of(file, &size) == old);
    CHECK(!fresh_is_left());
    CHECK_INT(check_steps(l), STEPS);
    OK(spate_ledger_close(l, &err));
    OK(open_at(file, false, 1, &l));
    CHECK(journal_of(file, &size) != old);
    CHECK_INT(check_steps(l), STEPS);
    OK(spate_ledger_close(l, &err));
}

static void allocations_that_fail(void)
{
    for (unsigned nth = 1; nth < 400; nth += 1 + nth / 40) {
        spate_ledger *l;
        remove_files(file);
        sp_alloc_fail_at(nth);
        int rc = open_at(file, false, 1, &l);
        rc = rc ? rc : take_steps(l, 0, SOME_STEPS, -1);
        int closed = spate_ledger_close(l, &err);
        sp_alloc_fail_at(0);
        CHECK(rc == SPATE_OK || rc == SPATE_E_NOMEM);
        OK(open_at(file, false, 1, &l));
        CHECK(rc || closed || check_steps(l) == SOME_STEPS);
        OK(take_steps(l, check_steps(l), SOME_STEPS, -1));
        OK(spate_ledger_close(l, &err));
        if (check_failures_here > 5)
            break;
    }
}

/* ---- others ---- */

/* Half a snapshot is no ledger: what is missing cannot be told from what never was. */
static void a_snapshot_is_whole_or_refused(void)
{
    enum { FILES = 120000, AT_ONCE = 4000 };
    static char names[AT_ONCE][8];
    static spate_node files[AT_ONCE];
    const spate_node_id root = spate_node_id_of(SPATE_SRC, SPATE_FOLDER, (spate_bytes){"/", 1});
    spate_ledger *l;
    uint64_t size;
    uint32_t first;
    char name[160];
    remove_files(file);
    OK(open_at(file, false, UINT64_MAX, &l));
    for (unsigned from = 0; from < FILES; from += AT_ONCE) {
        for (unsigned i = 0; i < AT_ONCE; i++)
            files[i] = (spate_node){.name = {names[i], (size_t)snprintf(names[i], sizeof(names[i]), "%u", from + i)},
                                    .type = SPATE_FILE,
                                    .attributes = 1 + i,
                                    .note = {file, 40}};
        for (unsigned again = 0; again < 3; again++)
            OK(spate_ledger_done(l, &(spate_task){.id = root, .children = files, .n_children = AT_ONCE}, &err));
    }
    OK(spate_ledger_close(l, &err));
    OK(open_at(file, false, 1, &l));
    CHECK_INT(spate_ledger_count(l, &(spate_filter){.depth = 1}), FILES);
    OK(spate_ledger_close(l, &err));
    (void)journal_of(file, &size);
    snprintf(name, sizeof(name), "%s.journal", file);
    int fd = open(name, O_RDWR);
    CHECK(pread(fd, &first, sizeof(first), 32 + 4) == sizeof(first) && size > 32 + 24 + first + 8);
    CHECK_INT(ftruncate(fd, (off_t)(32 + ((24 + (uint64_t)first + 7) & ~UINT64_C(7)))), 0);
    close(fd);
    CHECK_INT(spate_ledger_open(&(spate_ledger_options){.path = file, .journal_only = true}, &l, &err),
              SPATE_E_CORRUPT);
}

/* Once more by one, as often as asked for; the journal is written anew every few times. Never by a journal that is nobody's any more. */
static int count_up(unsigned times)
{
    const spate_node_id root = spate_node_id_of(SPATE_SRC, SPATE_FOLDER, (spate_bytes){"/", 1});
    spate_nodes out = {0};
    for (unsigned i = 0; i < times;) {
        spate_ledger *l;
        int rc = open_at(file, false, 1, &l);
        if (rc == SPATE_E_UNREACHABLE) {
            sp_os_sleep_us(200);
            continue;
        }
        rc = rc ? rc : spate_ledger_root(l, SPATE_SRC, &out, &err);
        const spate_change changes[] = {{.kind = SPATE_SET_SIZE, .id = root, .value = rc ? 0 : out.nodes[0].size + 1},
                                        {.kind = SPATE_SET_NOTE, .id = root, .note = {file, 20}}};
        rc = rc ? rc : spate_ledger_apply(l, changes, 2, &err);
        int closed = spate_ledger_close(l, &err);
        if (rc || closed)
            return 1;
        i++;
    }
    spate_nodes_done(&out);
    return 0;
}

static void the_lock_goes_with_the_name(void)
{
    enum { PROCESSES = 3, TIMES = 40 };
    spate_ledger *l;
    spate_nodes out = {0};
    uint64_t size;
    pid_t children[PROCESSES];
    remove_files(file);
    OK(open_at(file, false, 1, &l));
    OK(spate_ledger_close(l, &err));
    ino_t old = journal_of(file, &size);
    for (unsigned i = 0; i < PROCESSES; i++)
        if ((children[i] = fork()) == 0)
            _exit(count_up(TIMES));
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status;
        waitpid(children[i], &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(journal_of(file, &size) != old || size < 2000);
    OK(open_at(file, false, 1, &l));
    OK(spate_ledger_root(l, SPATE_SRC, &out, &err));
    CHECK_INT(out.nodes[0].size, 7 + PROCESSES * TIMES);
    spate_nodes_done(&out);
    OK(spate_ledger_close(l, &err));
}

static void modes_are_kept(void)
{
    spate_ledger *l;
    struct stat st;
    char name[160];
    uint64_t size;
    remove_files(file);
    snprintf(name, sizeof(name), "%s.journal", file);
    OK(open_at(file, false, UINT64_MAX, &l));
    OK(take_steps(l, 0, STEPS, -1));
    OK(spate_ledger_close(l, &err));
    CHECK_INT(chmod(name, 0600), 0);
    ino_t old = journal_of(file, &size);
    OK(open_at(file, false, 1, &l));
    CHECK(journal_of(file, &size) != old);
    OK(spate_ledger_close(l, &err));
    CHECK_INT(stat(name, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(file, sizeof(file), "%s/job.duckdb", dir);
    snprintf(other, sizeof(other), "%s/other.duckdb", dir);
    const char *given = getenv("SPATE_TEST_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)sp_os_monotonic_us();
    printf("# SPATE_TEST_SEED=%llu\n", (unsigned long long)seed);
    RUN(says_the_same);
    if (!strstr(program_invocation_name, "tsan"))
        RUN(duckdb_goes_on);
    RUN(dies_before_every_call);
    RUN(calls_that_fail);
    RUN(a_full_disk_is_no_failure);
    RUN(allocations_that_fail);
    RUN(a_snapshot_is_whole_or_refused);
    RUN(the_lock_goes_with_the_name);
    RUN(modes_are_kept);
    remove_files(file);
    remove_files(other);
    rmdir(dir);
    return check_done();
}
