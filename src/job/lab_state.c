/* lab_state.c - see lab_state.h. */
#include "job/lab_state.h"

#include "job/lab_trial.h"
#include "job/lab_work.h"
#include "lab/daemon.h"
#include "lab/steps.h"
#include "lab/watch.h"
#include "spate/job.h"

#include <stdlib.h>

enum { TRIAL_BYTES_MAX = 4 << 20, JOBS_MAX = 50 };

/* A file whose text has been read; again only when its stamp is another one. */
typedef struct known {
    char name[96];
    uint64_t size;
    int64_t modified_ns;
    bool is_trial;
    sp_trial_state state;
} known;

struct sp_lab_state {
    char *directory; /* absolute: where we were started may go */
    const char *jobs;
    sp_lab lab;
    bool open;
    sp_watch *watch;
    uint64_t size; /* of the lab.yaml that lab is */
    int64_t modified_ns;
    spate_error problem; /* why the lab is not open, or not as its lab.yaml says now */
    known trials[SP_TRIALS_MAX];
    uint32_t n_trials;
    sp_arena arena; /* of one look */
};

/* ---- lab.yaml ---- */

static void close_lab(sp_lab_state *s)
{
    sp_watch_stop(s->watch);
    s->watch = NULL;
    if (s->open)
        sp_lab_done(&s->lab);
    s->open = false;
}

static int open_lab(sp_lab_state *s, spate_error *err)
{
    int rc = sp_lab_open(s->directory, &s->lab, err);
    s->open = rc == SPATE_OK;
    if (rc == SPATE_OK)
        rc = sp_watch_start(&s->lab, &s->watch, err);
    return rc;
}

/* Opened anew when the file has changed, and tried again as long as it cannot be. */
static void follow_config(sp_lab_state *s)
{
    uint64_t size = 0;
    int64_t modified_ns = 0;
    const char *path = sp_arena_printf(&s->arena, "%s/lab.yaml", s->directory);
    if (!path || sp_os_stamp(path, &size, &modified_ns, NULL) != SPATE_OK)
        return;
    if (s->watch && size == s->size && modified_ns == s->modified_ns)
        return;
    close_lab(s);
    s->size = size;
    s->modified_ns = modified_ns;
    s->problem = (spate_error){0};
    if (open_lab(s, &s->problem) != SPATE_OK)
        close_lab(s);
}

int sp_lab_state_open(const char *directory, const char *jobs, sp_lab_state **out, spate_error *err)
{
    sp_lab_state *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    s->jobs = jobs;
    s->directory = realpath(directory, NULL);
    sp_arena_init(&s->arena);
    int rc = SPATE_OK;
    if (!s->directory)
        rc = sp_lab_open(directory, &s->lab, err); /* says what is wrong */
    else
        follow_config(s);
    if (rc == SPATE_OK && !s->open) {
        rc = s->problem.status;
        if (err)
            *err = s->problem;
    }
    if (rc == SPATE_OK)
        *out = s;
    else
        sp_lab_state_close(s);
    return rc;
}

void sp_lab_state_close(sp_lab_state *s)
{
    if (!s)
        return;
    close_lab(s);
    free(s->directory);
    sp_arena_done(&s->arena);
    sp_free(s);
}

/* ---- members ---- */

static int put_pair(sp_buf *out, const char *between, const char *key, const char *value)
{
    return sp_buf_printf(out, "%s\"%s\":", between, key) || sp_buf_add_json(out, value, strlen(value));
}

/* The number of each slot's shard. */
static int put_owners(const sp_slot_map *map, sp_buf *out)
{
    int built = sp_buf_adds(out, ",\"owners\":[");
    for (unsigned slot = 0; slot < SP_SLOTS && !built; slot++)
        built = sp_buf_printf(out, "%s%u", slot ? "," : "", map->owner[slot]);
    return built || sp_buf_adds(out, "]");
}

static int put_lab(const sp_lab_state *s, sp_buf *out)
{
    const sp_lab *lab = &s->lab;
    int built = put_pair(out, ",\"lab\":{", "placement", sp_placing_name(lab->placing)) ||
                sp_buf_printf(out, ",\"shards\":%u,\"keys\":{", lab->n_servers - 1);
    for (uint32_t i = 0; i < lab->n_tables && !built; i++) {
        const sp_lab_table *t = &lab->tables[i];
        built = sp_buf_adds(out, i ? "," : "") || sp_buf_add_json(out, t->name, strlen(t->name)) ||
                sp_buf_adds(out, ":") ||
                (t->key ? sp_buf_add_json(out, t->key, strlen(t->key)) : sp_buf_adds(out, "null"));
    }
    built = built || sp_buf_adds(out, "}");
    if (lab->placing == SP_PLACE_HASH)
        built = built || put_owners(&lab->map, out);
    return built || sp_buf_adds(out, "}");
}

/* The pool and the cache, where lab.yaml has them. */
static int put_daemons(const sp_lab *lab, sp_buf *out)
{
    const char *between = "";
    int built = sp_buf_adds(out, ",\"daemons\":[");
    for (int i = 0; i < SP_DAEMONS && !built; i++) {
        if (!sp_daemon_wanted(lab, (sp_daemon)i))
            continue;
        built = sp_buf_printf(out, "%s{\"name\":\"%s\",\"pid\":%ld,\"port\":%u,\"size\":%u,\"bytes\":%llu}", between,
                              sp_daemon_name((sp_daemon)i), (long)sp_daemon_pid(lab, (sp_daemon)i),
                              i == SP_DAEMON_POOL ? lab->pool_port : 0, i == SP_DAEMON_POOL ? lab->pool_size : 0,
                              i == SP_DAEMON_CACHE ? (unsigned long long)lab->cache_bytes : 0);
        between = ",";
    }
    return built || sp_buf_adds(out, "]");
}

/* ---- trials ---- */

static known *find_known(sp_lab_state *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_trials; i++)
        if (strcmp(s->trials[i].name, name) == 0)
            return &s->trials[i];
    return NULL;
}

static void read_trial(const char *path, known *k)
{
    sp_buf text = {0};
    k->is_trial = sp_os_read_file(path, TRIAL_BYTES_MAX, &text, NULL) == SPATE_OK &&
                  sp_trial_read((sp_str){text.data, text.len}, &k->state);
    sp_buf_done(&text);
}

static void look_at_trial(sp_lab_state *s, const char *folder, const char *name, known *k)
{
    const char *path = sp_arena_printf(&s->arena, "%s/%s", folder, name);
    const known *before = find_known(s, name);
    *k = (known){0};
    snprintf(k->name, sizeof(k->name), "%s", name);
    if (!path || strlen(name) >= sizeof(k->name) || sp_os_stamp(path, &k->size, &k->modified_ns, NULL) != SPATE_OK)
        return;
    bool same = before && before->size == k->size && before->modified_ns == k->modified_ns;
    if (same &&
        !(before->is_trial && before->state == SP_TRIAL_RUNNING)) /* of one that runs, the process may be gone */
        *k = *before;
    else
        read_trial(path, k);
}

static int put_trials(sp_lab_state *s, sp_buf *out)
{
    char **names;
    uint32_t n = 0;
    const char *folder = sp_arena_printf(&s->arena, "%s/trials", s->directory), *between = "";
    known *now = sp_arena_alloc(&s->arena, SP_TRIALS_MAX, sizeof(*now));
    if (!folder || !now)
        return SPATE_E_NOMEM;
    if (!sp_os_is_dir(folder) || sp_os_list(folder, &s->arena, &names, &n, NULL) != SPATE_OK)
        n = 0;
    uint32_t first = n > SP_TRIALS_MAX ? n - SP_TRIALS_MAX : 0;
    int built = sp_buf_adds(out, ",\"trials\":[");
    for (uint32_t i = first; i < n && !built; i++) {
        known *k = &now[i - first];
        look_at_trial(s, folder, names[i], k);
        if (!k->is_trial)
            continue;
        built = sp_buf_printf(out, "%s{", between) || put_pair(out, "", "name", k->name) ||
                put_pair(out, ",", "state", sp_trial_state_name(k->state)) ||
                sp_buf_printf(out, ",\"stamp\":\"%lld.%llu\"}", (long long)k->modified_ns, (unsigned long long)k->size);
        between = ",";
    }
    s->n_trials = n - first;
    memcpy(s->trials, now, s->n_trials * sizeof(*now));
    return built || sp_buf_adds(out, "]");
}

/* ---- the move of rows ---- */

typedef struct step_list {
    sp_buf *out;
    uint32_t n;
    int built;
} step_list;

static void put_step(void *arg, const char *what, const char *step, uint64_t rows, int64_t at_us)
{
    step_list *l = arg;
    l->built = l->built || put_pair(l->out, l->n++ ? ",{" : "{", "what", what) || put_pair(l->out, ",", "step", step) ||
               sp_buf_printf(l->out, ",\"rows\":%llu,\"at_us\":%lld}", (unsigned long long)rows, (long long)at_us);
}

/* Out of the last move's ledger, which stays until the next one begins. */
static int put_move(sp_lab_state *s, sp_buf *out)
{
    const char *journal = sp_arena_printf(&s->arena, "%s/reshard.journal", s->directory);
    sp_steps *steps = NULL;
    step_list l = {.out = out};
    if (!journal)
        return SPATE_E_NOMEM;
    if (!sp_os_exists(journal) || sp_steps_open(s->directory, true, &steps, NULL) != SPATE_OK)
        return sp_buf_adds(out, ",\"move\":null");
    sp_phase phase = sp_steps_phase(steps);
    l.built = put_pair(out, ",\"move\":{", "phase", sp_phase_name(phase)) ||
              sp_buf_printf(out, ",\"open\":%s,\"steps\":[", sp_phase_is_open(phase) ? "true" : "false");
    (void)!sp_steps_each(steps, put_step, &l, NULL);
    (void)sp_steps_close(steps, NULL);
    return l.built || sp_buf_adds(out, "]}");
}

/* ---- jobs ---- */

typedef struct job_list {
    const char *folder;
    sp_buf *out;
    uint32_t n;
} job_list;

/* Below 0: nobody knows. */
static double share_of(const spate_job *job)
{
    if (job->state == SPATE_JOB_DONE)
        return 1;
    return job->rows == UINT64_MAX || job->rows == 0 ? -1 : (double)job->rows_done / (double)job->rows;
}

static int put_job(void *arg, const char *name)
{
    job_list *l = arg;
    sp_buf *out = l->out;
    spate_job job;
    if (l->n == JOBS_MAX || spate_job_read(l->folder, name, &job, NULL) != SPATE_OK)
        return 0;
    int built = SPATE_OK;
    if (job.state != SPATE_JOB_CANCELLED)
        built = sp_buf_adds(out, l->n++ ? ",{" : "{") || put_pair(out, "", "name", job.name) ||
                put_pair(out, ",", "state", spate_job_state_name(job.state)) || put_pair(out, ",", "kind", job.kind) ||
                put_pair(out, ",", "source", job.source) || put_pair(out, ",", "target", job.target) ||
                put_pair(out, ",", "error", job.error) ||
                sp_buf_printf(out, ",\"share\":%.4f,\"rows\":%llu,\"rate\":%.6g,\"seen_us\":%lld}", share_of(&job),
                              (unsigned long long)job.rows_done, job.rate, (long long)job.seen_us);
    spate_job_done(&job);
    return built ? SPATE_E_NOMEM : SPATE_OK;
}

static int put_jobs(const sp_lab_state *s, sp_buf *out)
{
    job_list l = {.folder = s->jobs, .out = out};
    int rc = sp_buf_adds(out, ",\"jobs\":[") ? SPATE_E_NOMEM : SPATE_OK;
    if (rc == SPATE_OK && s->jobs && spate_job_each(s->jobs, put_job, &l, NULL) == SPATE_E_NOMEM)
        rc = SPATE_E_NOMEM;
    return rc || sp_buf_adds(out, "]");
}

/* ---- the whole ---- */

int sp_lab_state_look(sp_lab_state *s, sp_act *act, sp_buf *text)
{
    follow_config(s);
    text->len = 0;
    int built =
        sp_buf_printf(text, "{\"now_us\":%lld,\"processors\":%u", (long long)sp_os_wall_us(), sp_os_processors()) ||
        put_pair(text, ",", "directory", s->directory) || put_pair(text, ",", "problem", s->problem.message) ||
        put_pair(text, ",", "hint", s->problem.hint);
    if (s->open)
        built = built || put_lab(s, text) || sp_buf_adds(text, ",\"servers\":") || sp_watch_tell(s->watch, text) ||
                put_daemons(&s->lab, text) || put_trials(s, text) || put_move(s, text);
    built = built || sp_buf_printf(text, ",\"actions\":%s", act ? "true" : "false") || (act && sp_act_put(act, text)) ||
            sp_work_put(s->directory, &s->arena, text) || put_jobs(s, text) || sp_buf_adds(text, "}");
    sp_arena_done(&s->arena);
    sp_arena_init(&s->arena);
    return built ? SPATE_E_NOMEM : SPATE_OK;
}
