/* job_list.c - spate_job_*: what the ledgers of a folder say, and how a job is taken off it. */
#include "spate/job.h"

#include "job/job.h"
#include "job/runner.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 10000, LOOK_US = 20000 };

static const char *const state_names[] = {"running", "paused", "failed", "done", "cancelled"};

const char *spate_job_state_name(spate_job_state state)
{
    return (unsigned)state < SP_COUNT(state_names) ? state_names[state] : "unknown";
}

/* ---- the folder ---------------------------------------------------------------------------------------------------------- */

static bool is_journal(const char *name, size_t *stem)
{
    static const char ending[] = ".journal";
    size_t len = strlen(name);
    *stem = len - SP_MIN(len, sizeof(ending) - 1);
    return *stem > 0 && strcmp(name + *stem, ending) == 0;
}

static int each(sp_arena *arena, const char *folder, int (*fn)(void *arg, const char *name), void *arg,
                spate_error *err)
{
    char **names;
    uint32_t n;
    int rc = sp_os_list(folder, arena, &names, &n, err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        size_t stem;
        if (!is_journal(names[i], &stem))
            continue;
        names[i][stem] = '\0';
        rc = fn(arg, names[i]);
    }
    return rc;
}

int spate_job_each(const char *folder, int (*fn)(void *arg, const char *name), void *arg, spate_error *err)
{
    sp_arena arena;
    if (!sp_os_exists(folder))
        return SPATE_OK;
    sp_arena_init(&arena);
    int rc = each(&arena, folder, fn, arg, err);
    sp_arena_done(&arena);
    return rc;
}

/* ---- one job --------------------------------------------------------------------------------------------------------------- */

typedef struct reading {
    spate_ledger *ledger;
    sp_arena *arena;
    spate_job *job;
} reading;

static const char *text_of(const reading *r, const char *key)
{
    const char *text = sp_job_recall(r->ledger, r->arena, key);
    return text ? text : "";
}

static spate_job_state state_of(const reading *r)
{
    const char *text = text_of(r, "state");
    size_t state = SPATE_JOB_CANCELLED;
    while (state > SPATE_JOB_RUNNING && strcmp(text, state_names[state]) != 0)
        state--;
    sp_os_process runner = sp_runner_recall(r->ledger);
    return state == SPATE_JOB_RUNNING && !sp_os_process_lives(&runner) ? SPATE_JOB_PAUSED : (spate_job_state)state;
}

static int read_words(const reading *r, spate_error *err)
{
    size_t n = sp_job_recall_number(r->ledger, "words");
    const char **words = sp_arena_alloc(r->arena, n + 1, sizeof(*words));
    if (!words)
        return sp_fail_nomem(err);
    for (size_t i = 0; i < n; i++) {
        char key[32];
        snprintf(key, sizeof(key), "word %zu", i);
        words[i] = text_of(r, key);
    }
    r->job->words = words;
    r->job->n_words = n;
    return SPATE_OK;
}

static int by_first(const void *a, const void *b)
{
    uint64_t x = ((const spate_job_range *)a)->first, y = ((const spate_job_range *)b)->first;
    return x < y ? -1 : x > y;
}

static int read_ranges(const reading *r, spate_bytes path, spate_job_table *t, spate_error *err)
{
    spate_nodes nodes = {0};
    int rc = spate_ledger_children_path(r->ledger, SPATE_SRC, path, 0, &nodes, err);
    spate_job_range *ranges = sp_arena_alloc(r->arena, nodes.n + 1, sizeof(*ranges));
    if (rc == SPATE_OK && !ranges)
        rc = sp_fail_nomem(err);
    for (size_t i = 0; i < nodes.n && rc == SPATE_OK; i++) {
        uint64_t first = 0;
        (void)sp_parse_u64((sp_str){nodes.nodes[i].name.p, nodes.nodes[i].name.len}, &first);
        ranges[i] = (spate_job_range){first, nodes.nodes[i].checksum, (uint64_t)nodes.nodes[i].size};
    }
    if (rc == SPATE_OK) {
        qsort(ranges, nodes.n, sizeof(*ranges), by_first);
        t->ranges = ranges;
        t->n_ranges = nodes.n;
    }
    spate_nodes_done(&nodes);
    return rc;
}

static int read_node(const reading *r, spate_job_table *t, spate_error *err)
{
    spate_nodes found = {0};
    const char *path = sp_job_table_path(r->arena, t->name);
    if (!path)
        return sp_fail_nomem(err);
    spate_bytes where = {path, strlen(path)};
    int rc = spate_ledger_get_path(r->ledger, SPATE_SRC, where, SPATE_FOLDER, &found, err);
    if (rc == SPATE_OK && found.n) {
        t->rows_done = (uint64_t)found.nodes->size;
        t->complete = found.nodes->traversal == SPATE_TRAVERSAL_SUCCESSFUL;
        r->job->seen_us = SP_MAX(r->job->seen_us, found.nodes->mtime_ns / 1000);
    }
    spate_nodes_done(&found);
    return rc == SPATE_OK ? read_ranges(r, where, t, err) : rc;
}

static int read_table(const reading *r, size_t i, spate_error *err)
{
    spate_job_table *t = &r->job->tables[i];
    char key[32];
    snprintf(key, sizeof(key), "table %zu", i);
    const char *facts = text_of(r, key);
    unsigned long long rows = 0, end = 0;
    int name = 0;
    if (sscanf(facts, "%llu %llu %u %n", &rows, &end, &t->round, &name) != 3)
        return sp_fail(err, SPATE_E_CORRUPT, "the ledger of job \"%s\" does not say what its table %zu is",
                       r->job->name, i);
    t->name = facts + name;
    t->rows = rows;
    t->end = end;
    return read_node(r, t, err);
}

static int read_tables(const reading *r, spate_error *err)
{
    spate_job *job = r->job;
    size_t n = sp_job_recall_number(r->ledger, "tables");
    int rc = SPATE_OK;
    job->tables = sp_arena_alloc(r->arena, n + 1, sizeof(*job->tables));
    if (!job->tables)
        return sp_fail_nomem(err);
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        rc = read_table(r, i, err);
        job->rows_done += job->tables[i].rows_done;
        job->rows =
            job->rows == UINT64_MAX || job->tables[i].rows == UINT64_MAX ? UINT64_MAX : job->rows + job->tables[i].rows;
        job->n_tables = i + 1;
    }
    return rc;
}

static int read_job(const reading *r, spate_error *err)
{
    spate_job *job = r->job;
    spate_ledger *l = r->ledger;
    job->state = state_of(r);
    job->kind = text_of(r, "kind");
    job->source = text_of(r, "source");
    job->target = text_of(r, "target");
    job->of = text_of(r, "of");
    job->error = text_of(r, "error");
    job->unit = text_of(r, "unit");
    job->directory = text_of(r, "directory");
    job->secret_left_out = *text_of(r, "secret") != '\0';
    job->made_us = (int64_t)sp_job_recall_number(l, "made");
    job->began_us = (int64_t)sp_job_recall_number(l, "began");
    job->seen_us = (int64_t)sp_job_recall_number(l, "seen");
    job->pid = (long)sp_runner_recall(l).pid;
    int rc = read_words(r, err);
    if (rc == SPATE_OK)
        rc = read_tables(r, err);
    uint64_t before = sp_job_recall_number(l, "rows before");
    int64_t until = job->state == SPATE_JOB_RUNNING ? sp_os_wall_us() : job->seen_us;
    if (job->rows_done > before && until > job->began_us)
        job->rate = (double)(job->rows_done - before) * 1e6 / (double)(until - job->began_us);
    return rc;
}

static int look(const char *folder, const char *name, sp_arena *arena, spate_ledger **l, spate_error *err)
{
    const char *path = sp_job_path(arena, folder, name);
    const char *journal = path ? sp_arena_printf(arena, "%s.journal", path) : NULL;
    spate_ledger_options options = {.path = path, .journal_only = true, .look = true};
    if (!journal)
        return sp_fail_nomem(err);
    if (strchr(name, '/') || !sp_os_exists(journal))
        return sp_fail(err, SPATE_E_USAGE, "there is no job \"%s\" in %s", name, folder);
    return spate_ledger_open(&options, l, err);
}

int spate_job_read(const char *folder, const char *name, spate_job *job, spate_error *err)
{
    *job = (spate_job){0};
    sp_arena *arena = sp_alloc_zero(1, sizeof(*arena));
    if (!arena)
        return sp_fail_nomem(err);
    sp_arena_init(arena);
    job->memory = arena;
    job->name = sp_arena_strndup(arena, name, strlen(name));
    reading r = {.arena = arena, .job = job};
    int rc = job->name ? look(folder, name, arena, &r.ledger, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = read_job(&r, err);
    (void)spate_ledger_close(r.ledger, NULL);
    if (rc != SPATE_OK)
        spate_job_done(job);
    return rc;
}

void spate_job_done(spate_job *job)
{
    if (job->memory) {
        sp_arena_done(job->memory);
        sp_free(job->memory);
    }
    *job = (spate_job){0};
}

/* ---- cancelling ---------------------------------------------------------------------------------------------------------------- */

static bool ends_within(const sp_os_process *p, unsigned ms)
{
    int64_t until = sp_os_monotonic_us() + ms * INT64_C(1000);
    while (sp_os_process_lives(p) && sp_os_monotonic_us() < until)
        sp_os_sleep_us(LOOK_US);
    return !sp_os_process_lives(p);
}

/* The first signal asks, the second one ends the process where it stands: what it was at is undone by whoever it was writing to. */
static int stop(spate_ledger *l, unsigned wait_ms, spate_error *err)
{
    sp_os_process p = sp_runner_recall(l);
    for (int i = 0; i < 2 && sp_os_process_lives(&p); i++) {
        int rc = sp_os_process_tell(&p, SIGTERM, err);
        if (rc != SPATE_OK || ends_within(&p, wait_ms ? wait_ms : WAIT_MS))
            return rc;
    }
    if (!sp_os_process_lives(&p))
        return SPATE_OK;
    sp_fail(err, SPATE_E_UNREACHABLE, "process %d does not end", (int)p.pid);
    sp_error_hint(err, "kill -9 %d ends it; then cancel the job again", (int)p.pid);
    return SPATE_E_UNREACHABLE;
}

/* Its target may not have forgotten it yet, when the run was killed between the two. */
static int take_off(const spate_job *job, spate_ledger *l, const char *journal, const spate_job_cancel_options *o,
                    sp_arena *arena, spate_error *err)
{
    bool forgotten = job->state == SPATE_JOB_CANCELLED || sp_job_recall(l, arena, "forgotten");
    int rc = forgotten ? SPATE_OK : sp_job_abandon(l, arena, job->name, o->to, o->remove, err);
    return rc == SPATE_OK ? sp_os_unlink(journal, err) : rc;
}

/* Whoever cancels holds the ledger from here on: no run can begin in between. */
static int cancel_held(const spate_job *job, spate_ledger *l, const spate_job_cancel_options *o, sp_arena *arena,
                       spate_error *err)
{
    int rc = sp_job_abandon(l, arena, job->name, o->to, o->remove, err);
    if (rc == SPATE_OK)
        rc = spate_ledger_remember(l, "state", state_names[SPATE_JOB_CANCELLED], err);
    return rc;
}

static int cancel(const char *folder, const spate_job *job, const spate_job_cancel_options *o, sp_arena *arena,
                  spate_error *err)
{
    const char *path = sp_job_path(arena, folder, job->name);
    char *journal = path ? sp_arena_printf(arena, "%s.journal", path) : NULL;
    spate_ledger_options options = {.path = path, .journal_only = true};
    spate_ledger *l = NULL;
    if (!journal)
        return sp_fail_nomem(err);
    bool over = job->state == SPATE_JOB_DONE || job->state == SPATE_JOB_CANCELLED;
    int rc = look(folder, job->name, arena, &l, err);
    if (rc == SPATE_OK && !over)
        rc = stop(l, o->wait_ms, err);
    (void)spate_ledger_close(l, NULL);
    l = NULL;
    if (rc == SPATE_OK)
        rc = spate_ledger_open(&options, &l, err);
    if (rc == SPATE_OK)
        rc = over ? take_off(job, l, journal, o, arena, err) : cancel_held(job, l, o, arena, err);
    int closed = spate_ledger_close(l, rc == SPATE_OK ? err : NULL);
    return rc == SPATE_OK ? closed : rc;
}

int spate_job_cancel(const char *folder, const char *name, const spate_job_cancel_options *options, spate_error *err)
{
    spate_job job;
    sp_arena arena;
    int rc = spate_job_read(folder, name, &job, err);
    if (rc != SPATE_OK)
        return rc;
    sp_arena_init(&arena);
    rc = cancel(folder, &job, options, &arena, err);
    sp_arena_done(&arena);
    spate_job_done(&job);
    return rc;
}
