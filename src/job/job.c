/* job.c - see job.h. */
#include "job/job.h"

#include "job/runner.h"
#include "spate/generate.h"
#include "spate/job.h"

#include <stdio.h>
#include <stdlib.h>

enum { DYING_US = 1000000 }; /* that the end of a killed process takes, with all that it has in memory */

typedef struct range {
    uint64_t first, last, rows;
} range;

typedef struct job_table {
    const char *path;
    char *child; /* room for the path of a range */
    spate_node_id id;
    range *ranges; /* in order, none touching another */
    size_t n, cap;
    uint64_t rows;
} job_table;

struct sp_job {
    sp_arena arena;
    spate_ledger *ledger;
    pthread_mutex_t lock; /* on tables */
    job_table *tables;
    uint32_t n_tables;
    char *journal;
    bool done, fresh;
};

/* ---- names ------------------------------------------------------------------------------------------------------------ */

int sp_job_name(sp_arena *arena, const char *asked, uint64_t digest, const char *to, const char **name, const char **of,
                spate_error *err)
{
    size_t len = strlen(asked),
           fit = strspn(asked, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    if (len == 0 || fit < len || len > SPATE_JOB_NAME_MAX || asked[0] == '.')
        return sp_fail(err, SPATE_E_USAGE,
                       "\"%s\" is no name for a job: it takes letters, digits, -, _ and ., at most %d", asked,
                       SPATE_JOB_NAME_MAX);
    if (!to)
        return sp_fail(err, SPATE_E_USAGE, "a job needs a target: --to");
    const char *place = sp_uri_place(to, arena);
    if (!place)
        return sp_fail_nomem(err);
    uint64_t there = sp_hash64(place, strlen(place), digest);
    *of = sp_arena_printf(arena, "%016llx", (unsigned long long)digest);
    *name = strcmp(asked, "auto") == 0 ? sp_arena_printf(arena, "auto-%016llx", (unsigned long long)there)
                                       : sp_arena_strndup(arena, asked, len);
    return *of && *name ? SPATE_OK : sp_fail_nomem(err);
}

char *sp_job_path(sp_arena *arena, const char *folder, const char *name)
{
    return sp_arena_printf(arena, "%s/%s", folder, name);
}

char *sp_job_table_path(sp_arena *arena, const char *table)
{
    char *path = sp_arena_alloc(arena, 3 * strlen(table) + 2, 1), *to = path;
    if (!path)
        return NULL;
    *to++ = '/';
    for (; *table; table++) {
        if (*table == '/') {
            memcpy(to, "%2F", 3);
            to += 3;
        } else {
            *to++ = *table;
        }
    }
    return path;
}

/* ---- what is remembered by key ------------------------------------------------------------------------------------------ */

char *sp_job_recall(spate_ledger *l, sp_arena *arena, const char *key)
{
    int64_t len = spate_ledger_recall(l, key, NULL, 0);
    char *text = len < 0 ? NULL : sp_arena_alloc(arena, (size_t)len + 1, 1);
    if (text)
        (void)spate_ledger_recall(l, key, text, (size_t)len + 1);
    return text;
}

uint64_t sp_job_recall_number(spate_ledger *l, const char *key)
{
    char text[32] = "";
    return spate_ledger_recall(l, key, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

static int remember(sp_job *j, const char *key, const char *value, spate_error *err)
{
    return spate_ledger_remember(j->ledger, key, value, err);
}

static int remember_number(sp_job *j, const char *key, uint64_t value, spate_error *err)
{
    char text[32];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return remember(j, key, text, err);
}

/* ---- the run enters --------------------------------------------------------------------------------------------------------- */

static int refuse_running(const char *path, const char *name, spate_error *err)
{
    spate_ledger_options look = {.path = path, .journal_only = true, .look = true};
    spate_ledger *l = NULL;
    sp_os_process runner = {0};
    if (spate_ledger_open(&look, &l, NULL) == SPATE_OK)
        runner = sp_runner_recall(l);
    (void)spate_ledger_close(l, NULL);
    sp_fail(err, SPATE_E_UNREACHABLE, "job \"%s\" is running already, as process %d", name, (int)runner.pid);
    sp_error_hint(err, "'spate job show %s' tells how far it is, 'spate job cancel %s' stops it", name, name);
    return SPATE_E_UNREACHABLE;
}

static int open_ledger(sp_job *j, const sp_job_run *run, const char *path, spate_error *err)
{
    spate_ledger_options options = {.path = path, .journal_only = true};
    int rc = sp_os_make_dirs(run->folder, err);
    int64_t until = sp_os_monotonic_us() + DYING_US;
    if (rc == SPATE_OK)
        rc = spate_ledger_open(&options, &j->ledger, err);
    while (rc == SPATE_E_UNREACHABLE &&
           sp_os_monotonic_us() < until) { /* who was killed a moment ago may still hold it */
        sp_os_sleep_us(DYING_US / 50);
        rc = spate_ledger_open(&options, &j->ledger, err);
    }
    return rc == SPATE_E_UNREACHABLE ? refuse_running(path, run->name, err) : rc;
}

static bool is_text(sp_job *j, const char *key, const char *text)
{
    const char *known = sp_job_recall(j->ledger, &j->arena, key);
    return known && strcmp(known, text) == 0;
}

/* A cancelled one is begun anew. */
static int clear_cancelled(sp_job *j, const sp_job_run *run, const char *path, spate_error *err)
{
    if (!is_text(j, "state", spate_job_state_name(SPATE_JOB_CANCELLED)))
        return SPATE_OK;
    int rc = spate_ledger_close(j->ledger, err);
    j->ledger = NULL;
    if (rc == SPATE_OK)
        rc = sp_os_unlink(j->journal, err);
    return rc == SPATE_OK ? open_ledger(j, run, path, err) : rc;
}

/* A job is what it was begun as, wherever its run is started from. */
static int check_same(sp_job *j, const sp_job_run *run, const char *place, spate_error *err)
{
    const char *there = sp_job_recall(j->ledger, &j->arena, "place");
    if (!there)
        return SPATE_OK;
    if (strcmp(there, place) != 0) {
        sp_fail(err, SPATE_E_USAGE, "job \"%s\" was begun with another target: %s", run->name, there);
        sp_error_hint(err, "give this one another name, or take the old one off the list: spate job cancel %s",
                      run->name);
        return SPATE_E_USAGE;
    }
    return is_text(j, "of", run->of) ? SPATE_OK : sp_job_refuse_other(run->name, err);
}

static int write_words(sp_job *j, const sp_job_run *run, spate_error *err)
{
    int rc = remember_number(j, "words", run->n_words, err);
    bool secret = false;
    for (size_t i = 0; i < run->n_words && rc == SPATE_OK; i++) {
        char key[32];
        const char *word = run->words[i];
        const char *bare = strstr(word, "://") || strchr(word, '=') ? sp_uri_bare(word, &j->arena) : word;
        snprintf(key, sizeof(key), "word %zu", i);
        secret |= bare && strcmp(bare, word) != 0;
        rc = bare ? remember(j, key, bare, err) : sp_fail_nomem(err);
    }
    return rc == SPATE_OK && secret ? remember(j, "secret", "yes", err) : rc;
}

static int write_run(sp_job *j, const sp_job_run *run, const char *place, spate_error *err)
{
    const char *directory = sp_os_directory(&j->arena);
    const char *source = sp_uri_shown(run->source, &j->arena), *target = sp_uri_shown(run->to, &j->arena);
    if (!directory || !source || !target)
        return sp_fail_nomem(err);
    const char *const facts[][2] = {{"of", run->of},    {"place", place},   {"kind", run->kind},
                                    {"source", source}, {"target", target}, {"directory", directory}};
    int rc = SPATE_OK;
    for (size_t i = 0; i < SP_COUNT(facts) && rc == SPATE_OK; i++)
        if (!is_text(j, facts[i][0], facts[i][1]))
            rc = remember(j, facts[i][0], facts[i][1], err);
    if (rc == SPATE_OK && run->parts > 1)
        rc = remember_number(j, "part", run->part, err);
    if (rc == SPATE_OK && run->parts > 1)
        rc = remember_number(j, "parts", run->parts, err);
    return rc == SPATE_OK && run->words ? write_words(j, run, err) : rc;
}

/* From here on the job is this process's, and anybody can see it. */
static int enter(sp_job *j, spate_error *err)
{
    uint64_t now = (uint64_t)sp_os_wall_us();
    int rc = sp_runner_remember(j->ledger, err);
    if (rc == SPATE_OK && !sp_job_recall_number(j->ledger, "made"))
        rc = remember_number(j, "made", now, err);
    if (rc == SPATE_OK)
        rc = remember_number(j, "began", now, err);
    if (rc == SPATE_OK)
        rc = remember_number(j, "seen", now, err);
    if (rc == SPATE_OK)
        rc = remember(j, "state", spate_job_state_name(SPATE_JOB_RUNNING), err);
    return rc == SPATE_OK ? spate_ledger_sync(j->ledger, err) : rc;
}

static int open_job(sp_job *j, const sp_job_run *run, spate_error *err)
{
    const char *path = sp_job_path(&j->arena, run->folder, run->name), *place = sp_uri_place(run->to, &j->arena);
    j->journal = path ? sp_arena_printf(&j->arena, "%s.journal", path) : NULL;
    int rc = j->journal && place ? open_ledger(j, run, path, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = clear_cancelled(j, run, path, err);
    j->fresh = rc == SPATE_OK && !sp_job_recall_number(j->ledger, "made");
    if (rc == SPATE_OK)
        rc = check_same(j, run, place, err);
    j->done = rc == SPATE_OK && is_text(j, "state", spate_job_state_name(SPATE_JOB_DONE));
    if (rc == SPATE_OK && !j->done)
        rc = write_run(j, run, place, err);
    return rc == SPATE_OK && !j->done ? enter(j, err) : rc;
}

int sp_job_open(const sp_job_run *run, sp_job **job, spate_error *err)
{
    sp_job *j = sp_alloc_zero(1, sizeof(*j));
    if (!j)
        return sp_fail_nomem(err);
    sp_arena_init(&j->arena);
    pthread_mutex_init(&j->lock, NULL);
    int rc = open_job(j, run, err);
    if (rc == SPATE_OK)
        *job = j;
    else
        (void)sp_job_close(j, NULL);
    return rc;
}

bool sp_job_is_done(const sp_job *job)
{
    return job->done;
}

int sp_job_sync(sp_job *j, spate_error *err)
{
    return spate_ledger_sync(j->ledger, err);
}

int sp_job_close(sp_job *j, spate_error *err)
{
    if (!j)
        return SPATE_OK;
    int rc = spate_ledger_close(j->ledger, err);
    for (uint32_t t = 0; t < j->n_tables; t++)
        sp_free(j->tables[t].ranges);
    pthread_mutex_destroy(&j->lock);
    sp_arena_done(&j->arena);
    sp_free(j);
    return rc;
}

/* ---- ranges ------------------------------------------------------------------------------------------------------------------ */

static spate_node_id range_id(const job_table *t, uint64_t first)
{
    int len = sprintf(t->child, "%s/%llu", t->path, (unsigned long long)first);
    return spate_node_id_of(SPATE_SRC, SPATE_FILE, (spate_bytes){t->child, (size_t)len});
}

/* The place of the first range behind position. */
static size_t place_of(const job_table *t, uint64_t position)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->ranges[middle].first < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int make_room(job_table *t)
{
    if (t->n < t->cap)
        return SPATE_OK;
    size_t cap = t->cap ? 2 * t->cap : 16;
    range *more = sp_realloc(t->ranges, cap * sizeof(*more));
    if (!more)
        return SPATE_E_NOMEM;
    t->ranges = more;
    t->cap = cap;
    return SPATE_OK;
}

/* Adds the range in memory. *kept: the place of the one that it is in now; *gone: where one began that has gone into it. */
static int add_range(job_table *t, range r, size_t *kept, bool *fresh, uint64_t *gone)
{
    size_t at = place_of(t, r.first);
    bool before = at > 0 && t->ranges[at - 1].last == r.first, behind = at < t->n && t->ranges[at].first == r.last;
    *gone = behind ? t->ranges[at].first : UINT64_MAX;
    *fresh = !before;
    if (!before && !behind && make_room(t))
        return SPATE_E_NOMEM;
    if (behind) {
        r.last = t->ranges[at].last;
        r.rows += t->ranges[at].rows;
    }
    if (before) {
        t->ranges[--at].last = r.last;
        t->ranges[at].rows += r.rows;
        if (behind)
            memmove(&t->ranges[at + 1], &t->ranges[at + 2], (--t->n - at - 1) * sizeof(r));
    } else {
        if (!behind)
            memmove(&t->ranges[at + 1], &t->ranges[at], (t->n++ - at) * sizeof(r));
        t->ranges[at] = r;
    }
    *kept = at;
    return SPATE_OK;
}

/* One record: the range, what went into it, and the table's rows. */
static int record_range(sp_job *j, const job_table *t, size_t at, bool fresh, uint64_t gone, spate_error *err)
{
    const range *r = &t->ranges[at];
    char name[24];
    size_t len = (size_t)snprintf(name, sizeof(name), "%llu", (unsigned long long)r->first), n = 0;
    spate_node child = {.name = {name, len}, .type = SPATE_FILE, .size = (int64_t)r->rows, .checksum = r->last};
    spate_change changes[5];
    changes[n++] = (spate_change){.kind = SPATE_SET_SIZE, .id = t->id, .value = (int64_t)t->rows};
    changes[n++] = (spate_change){.kind = SPATE_SET_MTIME, .id = t->id, .value = sp_os_wall_us() * 1000};
    if (!fresh) {
        changes[n++] = (spate_change){.kind = SPATE_SET_SIZE, .id = range_id(t, r->first), .value = (int64_t)r->rows};
        changes[n++] =
            (spate_change){.kind = SPATE_SET_CHECKSUM, .id = range_id(t, r->first), .value = (int64_t)r->last};
    }
    if (gone != UINT64_MAX)
        changes[n++] = (spate_change){.kind = SPATE_DELETE, .id = range_id(t, gone)};
    spate_task task = {
        .side = SPATE_SRC, .id = t->id, .children = &child, .n_children = fresh, .changes = changes, .n_changes = n};
    return spate_ledger_done(j->ledger, &task, err);
}

static int land(sp_job *j, uint32_t table, range r, spate_error *err)
{
    job_table *t = &j->tables[table];
    size_t at;
    bool fresh;
    uint64_t gone;
    if (add_range(t, r, &at, &fresh, &gone))
        return sp_fail_nomem(err);
    t->rows += r.rows;
    return record_range(j, t, at, fresh, gone, err);
}

int sp_job_note(sp_job *j, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    if (chunk->first >= chunk->last) /* what a file turned out to end with */
        return SPATE_OK;
    pthread_mutex_lock(&j->lock);
    int rc = land(j, chunk->table, (range){chunk->first, chunk->last, rows}, err);
    pthread_mutex_unlock(&j->lock);
    return rc;
}

/* ---- tables ---------------------------------------------------------------------------------------------------------------------- */

/* How many tables one after the other it waits for, at most. The sink has seen to it that they do not wait in a circle. */
static unsigned round_of(const sp_sink *sink, uint32_t table)
{
    unsigned round = 0;
    for (uint32_t i = 0; i < sink->deps[table].n; i++)
        round = SP_MAX(round, 1 + round_of(sink, sink->deps[table].tables[i]));
    return round;
}

static int enter_table(sp_job *j, const sp_source *source, const sp_sink *sink, uint32_t i, spate_error *err)
{
    const sp_schema *schema = source->tables[i];
    job_table *t = &j->tables[i];
    unsigned round = round_of(sink, i);
    char key[32];
    t->path = sp_job_table_path(&j->arena, schema->table);
    t->child = t->path ? sp_arena_alloc(&j->arena, strlen(t->path) + 24, 1) : NULL;
    const char *facts = sp_arena_printf(&j->arena, "%llu %llu %u %s", (unsigned long long)schema->rows,
                                        (unsigned long long)source->extents[i].end, round, schema->table);
    if (!t->child || !facts)
        return sp_fail_nomem(err);
    spate_bytes path = {t->path, strlen(t->path)};
    t->id = spate_node_id_of(SPATE_SRC, SPATE_FOLDER, path);
    snprintf(key, sizeof(key), "table %u", i);
    int rc = is_text(j, key, facts) ? SPATE_OK : remember(j, key, facts, err);
    spate_nodes found = {0};
    if (rc == SPATE_OK)
        rc = spate_ledger_get(j->ledger, SPATE_SRC, t->id, &found, err);
    spate_node node = {.path = path, .type = SPATE_FOLDER, .depth = (int32_t)(2 * round + 1)};
    if (rc == SPATE_OK && found.n == 0)
        rc = spate_ledger_insert(j->ledger, SPATE_SRC, &node, 1, err);
    spate_nodes_done(&found);
    return rc;
}

/* What the ledger thought has landed gives way to what the target says. */
static int take_landed(sp_job *j, const sp_sink *sink, uint32_t i, spate_error *err)
{
    job_table *t = &j->tables[i];
    spate_change changes[] = {{.kind = SPATE_DELETE_BELOW, .id = t->id},
                              {.kind = SPATE_SET_SIZE, .id = t->id},
                              {.kind = SPATE_SET_TRAVERSAL, .id = t->id, .value = SPATE_TRAVERSAL_PENDING}};
    int rc = spate_ledger_apply(j->ledger, changes, SP_COUNT(changes), err);
    const sp_landed *landed = sink->landed ? &sink->landed[i] : &(sp_landed){0};
    for (size_t k = 0; k < landed->n && rc == SPATE_OK; k++) /* the target knows rows of all of them together */
        rc = land(j, i, (range){landed->ranges[k].first, landed->ranges[k].last, k ? 0 : landed->rows}, err);
    return rc;
}

int sp_job_plan(sp_job *j, const sp_source *source, const sp_sink *sink, spate_error *err)
{
    const spate_node root = {.type = SPATE_FOLDER};
    uint64_t rows = 0;
    j->tables = sp_arena_alloc(&j->arena, source->n_tables + 1, sizeof(*j->tables));
    if (!j->tables)
        return sp_fail_nomem(err);
    int rc = spate_ledger_seed(j->ledger, &root, NULL, err);
    for (uint32_t i = 0; i < source->n_tables && rc == SPATE_OK; i++) {
        j->n_tables = i + 1;
        rc = enter_table(j, source, sink, i, err);
        if (rc == SPATE_OK)
            rc = take_landed(j, sink, i, err);
        rows += j->tables[i].rows;
    }
    if (rc == SPATE_OK)
        rc = remember_number(j, "tables", source->n_tables, err);
    if (rc == SPATE_OK)
        rc = remember(j, "unit", source->unit, err);
    return rc == SPATE_OK ? remember_number(j, "rows before", rows, err) : rc;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------------ */

static spate_job_state state_after(int status)
{
    return status == SPATE_OK ? SPATE_JOB_DONE : status == SPATE_E_INTERRUPTED ? SPATE_JOB_PAUSED : SPATE_JOB_FAILED;
}

static int end_tables(sp_job *j, const sp_flow_table *tables, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < j->n_tables && tables && rc == SPATE_OK; i++) {
        spate_change change = {.kind = SPATE_SET_TRAVERSAL, .id = j->tables[i].id, .value = SPATE_TRAVERSAL_SUCCESSFUL};
        if (tables[i].finished_us)
            rc = spate_ledger_apply(j->ledger, &change, 1, err);
    }
    return rc;
}

static int write_error(sp_job *j, const spate_error *why, spate_error *err)
{
    char text[SPATE_MESSAGE_MAX + 64];
    snprintf(text, sizeof(text), "%s%s%s", why->sqlstate, why->sqlstate[0] ? ": " : "", why->message);
    return remember(j, "error", text, err);
}

int sp_job_ended(sp_job *j, int status, const spate_error *why, const sp_flow_table *tables, spate_error *err)
{
    bool misuse = status == SPATE_E_USAGE || status == SPATE_E_CONFIG;
    if (j->fresh && j->n_tables == 0 && misuse) /* a command that was refused has begun nothing */
        return sp_os_unlink(j->journal, err);
    spate_job_state state = state_after(status);
    int rc = end_tables(j, tables, err);
    if (rc == SPATE_OK)
        rc = state == SPATE_JOB_FAILED ? write_error(j, why, err) : remember(j, "error", NULL, err);
    if (rc == SPATE_OK)
        rc = remember_number(j, "seen", (uint64_t)sp_os_wall_us(), err);
    if (rc == SPATE_OK)
        rc = remember(j, "state", spate_job_state_name(state), err);
    return rc == SPATE_OK ? spate_ledger_sync(j->ledger, err) : rc;
}

/* Tables as far as their names go, which is all that abandoning needs. */
static const sp_schema **names_only(spate_ledger *l, sp_arena *arena, uint32_t n)
{
    const sp_schema **tables = sp_arena_alloc(arena, n + 1, sizeof(*tables));
    sp_schema *schemas = sp_arena_alloc(arena, n + 1, sizeof(*schemas));
    for (uint32_t i = 0; tables && schemas && i < n; i++) {
        char key[32];
        snprintf(key, sizeof(key), "table %u", i);
        const char *facts = sp_job_recall(l, arena, key);
        for (int k = 0; k < 3 && facts; k++)
            facts = strchr(facts, ' ') ? strchr(facts, ' ') + 1 : NULL;
        schemas[i].table = facts ? facts : "";
        tables[i] = &schemas[i];
    }
    return schemas ? tables : NULL;
}

/* A file that was never made has nothing to forget. */
int sp_job_abandon(spate_ledger *l, sp_arena *arena, const char *name, const char *to, bool remove, spate_error *err)
{
    uint32_t n = (uint32_t)sp_job_recall_number(l, "tables"), parts = (uint32_t)sp_job_recall_number(l, "parts");
    const sp_schema **tables = names_only(l, arena, n);
    sp_sink_options options = {
        .job = name, .job_of = sp_job_recall(l, arena, "of"), .lanes = 1, .parts = SP_MAX(parts, 1u)};
    sp_sink *sink = NULL;
    sp_uri uri;
    options.part = (uint32_t)sp_job_recall_number(l, "part");
    to = to ? to : sp_job_recall(l, arena, "place");
    if (!to || !tables || !options.job_of)
        return sp_fail_nomem(err);
    int rc = sp_uri_parse(to, arena, &uri, err);
    bool database = rc == SPATE_OK && (strcmp(uri.scheme, "duckdb") == 0 || strcmp(uri.scheme, "sqlite") == 0);
    if (rc != SPATE_OK || (database && !sp_os_exists(uri.path)))
        return rc;
    rc = sp_sink_open(to, &options, &sink, err);
    if (rc == SPATE_OK)
        rc = sink->ops->abandon(sink, tables, n, remove, err);
    sp_sink_close(sink);
    return rc;
}

/* A run that was killed here leaves it to the next one, which does not know whether the target still remembers. */
int sp_job_forget(sp_job *j, const char *name, const char *to, spate_error *err)
{
    if (is_text(j, "forgotten", "yes"))
        return SPATE_OK;
    int rc = sp_job_abandon(j->ledger, &j->arena, name, to, false, err);
    if (rc == SPATE_OK)
        rc = remember(j, "forgotten", "yes", err);
    return rc == SPATE_OK ? spate_ledger_sync(j->ledger, err) : rc;
}

/* ---- marks ------------------------------------------------------------------------------------------------------------------------------ */

static char *mark_key(sp_job *j, const char *table)
{
    return sp_arena_printf(&j->arena, "mark %s", table);
}

int sp_job_recall_mark(sp_job *j, const char *table, sp_buf *mark, bool *known, spate_error *err)
{
    const char *key = mark_key(j, table), *text = key ? sp_job_recall(j->ledger, &j->arena, key) : NULL;
    *known = text != NULL;
    mark->len = 0;
    return key && (!text || sp_buf_add(mark, text, strlen(text) + 1) == SPATE_OK) ? SPATE_OK : sp_fail_nomem(err);
}

int sp_job_remember_mark(sp_job *j, const char *table, const char *mark, spate_error *err)
{
    const char *key = mark_key(j, table);
    return key ? remember(j, key, mark, err) : sp_fail_nomem(err);
}
