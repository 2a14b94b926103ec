/* lab_trial.c - see lab_trial.h. */
#include "job/lab_trial.h"

#include "codec/codec.h"
#include "job/runner.h"
#include "os/at.h"

#include <fcntl.h>
#include <stdio.h>

enum { MOMENTS_MAX = 240 };
static const double moment_min_s = 0.25;

struct sp_trial {
    sp_arena arena;
    const char *folder, *path, *parked; /* parked: where the text is until it is whole */
    sp_buf head;                        /* of the object, up to its state */
    sp_buf measures;                    /* those that are over */
    sp_buf now;                         /* the one that runs, up to its last moment; nothing: none does */
    sp_buf text;                        /* room for the whole */
    int rc;
    spate_error err;
};

static const char *const state_names[] = {"running", "done", "failed", "interrupted"};

const char *sp_trial_state_name(sp_trial_state state)
{
    return state_names[state];
}

double sp_trial_moment_s(double seconds)
{
    return SP_MAX(seconds / MOMENTS_MAX, moment_min_s);
}

/* ---- writing ---- */

static int put_pair(sp_buf *out, const char *key, const char *value)
{
    return sp_buf_printf(out, "\"%s\":", key) || sp_buf_add_json(out, value, strlen(value));
}

static int put_text(sp_trial *t, sp_trial_state state, const char *error)
{
    sp_buf *out = &t->text;
    out->len = 0;
    int built = sp_buf_add(out, t->head.data, t->head.len) || put_pair(out, "state", state_names[state]) ||
                sp_buf_adds(out, ",") || put_pair(out, "error", error) ||
                sp_buf_printf(out, ",\"seen_us\":%lld,\"measures\":[", (long long)sp_os_wall_us()) ||
                sp_buf_add(out, t->measures.data, t->measures.len);
    if (t->now.len && !built)
        built = sp_buf_adds(out, t->measures.len ? "," : "") || sp_buf_add(out, t->now.data, t->now.len) ||
                sp_buf_adds(out, "]}");
    return built || sp_buf_adds(out, "]}\n");
}

/* Not synced: what a crash of the machine takes away is a result that was about to be, and syncs would be in the times. */
static int write_text(const sp_trial *t, spate_error *err)
{
    int fd = -1, rc = sp_os_create(t->parked, &fd, err);
    if (rc == SPATE_OK)
        rc = sp_os_write_all(fd, t->text.data, t->text.len, t->parked, err);
    int closed = sp_os_close(&fd, t->parked, rc == SPATE_OK ? err : NULL);
    rc = rc == SPATE_OK ? closed : rc;
    int renamed = rc == SPATE_OK ? sp_at_rename(AT_FDCWD, t->parked, AT_FDCWD, t->path, true) : 0;
    return renamed < 0 ? sp_fail_errno(err, -renamed, "could not rename \"%s\"", t->parked) : rc;
}

static void put_file(sp_trial *t, sp_trial_state state, const char *error)
{
    if (t->rc == SPATE_OK && put_text(t, state, error))
        t->rc = sp_fail_nomem(&t->err);
    if (t->rc == SPATE_OK)
        t->rc = write_text(t, &t->err);
}

static void take_failure(sp_trial *t, int built)
{
    if (built && t->rc == SPATE_OK)
        t->rc = sp_fail_nomem(&t->err);
}

/* ---- beginning ---- */

static int drop_oldest(const sp_trial *t, spate_error *err)
{
    sp_arena arena;
    char **names;
    uint32_t n;
    sp_arena_init(&arena);
    int rc = sp_os_list(t->folder, &arena, &names, &n, err);
    for (uint32_t i = 0; rc == SPATE_OK && n - i >= SP_TRIALS_MAX; i++) {
        const char *path = sp_arena_printf(&arena, "%s/%s", t->folder, names[i]);
        rc = path ? sp_os_unlink(path, err) : sp_fail_nomem(err);
    }
    sp_arena_done(&arena);
    return rc;
}

/* Names in order are trials in order. */
static int name_file(sp_trial *t, const sp_lab *lab, int64_t began_us, long pid, spate_error *err)
{
    sp_civil c;
    sp_civil_from_us(began_us, &c);
    char name[80];
    snprintf(name, sizeof(name), "%04d%02u%02uT%02u%02u%02u.%06dZ-%ld.json", c.year, c.month, c.day, c.hour, c.minute,
             c.second, c.microsecond, pid);
    t->folder = sp_arena_printf(&t->arena, "%s/trials", lab->directory);
    t->path = sp_arena_printf(&t->arena, "%s/trials/%s", lab->directory, name);
    t->parked = sp_arena_printf(&t->arena, "%s/trials/.%s", lab->directory, name);
    return t->folder && t->path && t->parked ? SPATE_OK : sp_fail_nomem(err);
}

static int put_head(sp_trial *t, const sp_lab *lab, const spate_lab_bench_options *o, int64_t began_us)
{
    return sp_buf_printf(&t->head, "{\"trial\":1,\"began_us\":%lld,", (long long)began_us) || sp_runner_put(&t->head) ||
           sp_buf_printf(
               &t->head,
               "\"processors\":%u,\"shards\":%u,\"placement\":\"%s\",\"rate\":%.10g,\"seconds\":%.10g,\"seed\":%llu,",
               sp_os_processors(), lab->n_servers - 1, sp_placing_name(lab->placing), o->rate,
               o->seconds > 0 ? o->seconds : 5, (unsigned long long)o->seed);
}

static void trial_free(sp_trial *t)
{
    sp_buf_done(&t->head);
    sp_buf_done(&t->measures);
    sp_buf_done(&t->now);
    sp_buf_done(&t->text);
    sp_arena_done(&t->arena);
    sp_free(t);
}

int sp_trial_begin(const sp_lab *lab, const spate_lab_bench_options *o, sp_trial **trial, spate_error *err)
{
    sp_trial *t = sp_alloc_zero(1, sizeof(*t));
    int64_t began_us = sp_os_wall_us();
    if (!t)
        return sp_fail_nomem(err);
    sp_arena_init(&t->arena);
    int rc = name_file(t, lab, began_us, (long)sp_os_process_self().pid, err);
    if (rc == SPATE_OK)
        rc = sp_lab_make_folder(t->folder, sp_os_self(), err);
    if (rc == SPATE_OK)
        rc = drop_oldest(t, err);
    if (rc == SPATE_OK && put_head(t, lab, o, began_us))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        *trial = t;
    else
        trial_free(t);
    return rc;
}

/* ---- going on ---- */

void sp_trial_measuring(sp_trial *t, const char *query, const char *target, unsigned users)
{
    t->now.len = 0;
    take_failure(t, sp_buf_adds(&t->now, "{") || put_pair(&t->now, "query", query) || sp_buf_adds(&t->now, ",") ||
                        put_pair(&t->now, "on", target) || sp_buf_printf(&t->now, ",\"users\":%u,\"series\":[", users));
    put_file(t, SP_TRIAL_RUNNING, "");
}

static double ms_at(const sp_hist *h, double share)
{
    return (double)sp_hist_at(h, share) / 1e6;
}

void sp_trial_moment(void *trial, const sp_load_moment *m)
{
    sp_trial *t = trial;
    const char *between = t->now.data[t->now.len - 1] == '[' ? "" : ",";
    take_failure(t, sp_buf_printf(&t->now, "%s[%.4f,%llu,%.5g,%.5g,%llu]", between, m->at_s,
                                  (unsigned long long)m->response->n, ms_at(m->response, 0.5), ms_at(m->response, 0.99),
                                  (unsigned long long)m->errors));
    put_file(t, SP_TRIAL_RUNNING, "");
}

static int put_measure(sp_buf *out, const spate_lab_measure *m)
{
    int built =
        sp_buf_printf(
            out,
            "],\"rate\":%.6g,\"answers\":%llu,\"errors\":%llu,\"unserved\":%llu,\"seconds\":%.6g,\"service_p99_ms\":%.5g,",
            m->rate, (unsigned long long)m->answers, (unsigned long long)m->errors, (unsigned long long)m->unserved,
            m->seconds, m->service_p99_ms) ||
        put_pair(out, "error", m->error) || sp_buf_adds(out, ",\"curve\":[");
    for (size_t i = 0; i < SPATE_LAB_CURVE && !built; i++)
        built = sp_buf_printf(out, "%s[%g,%.5g]", i ? "," : "", spate_lab_curve[i], m->curve_ms[i]);
    return built || sp_buf_adds(out, "]}");
}

void sp_trial_measured(sp_trial *t, const spate_lab_measure *m)
{
    take_failure(t, (t->measures.len && sp_buf_adds(&t->measures, ",")) ||
                        sp_buf_add(&t->measures, t->now.data, t->now.len) || put_measure(&t->measures, m));
    t->now.len = 0;
    put_file(t, SP_TRIAL_RUNNING, "");
}

int sp_trial_end(sp_trial *t, int status, spate_error *err)
{
    sp_trial_state state = status == SPATE_OK              ? SP_TRIAL_DONE
                           : status == SPATE_E_INTERRUPTED ? SP_TRIAL_INTERRUPTED
                                                           : SP_TRIAL_FAILED;
    t->now.len = 0;
    put_file(t, state, state == SP_TRIAL_FAILED && err ? err->message : "");
    int rc = status;
    if (status == SPATE_OK && t->rc != SPATE_OK) {
        rc = t->rc;
        if (err)
            *err = t->err;
    }
    trial_free(t);
    return rc;
}

/* ---- reading ---- */

typedef struct reading {
    sp_trial_state state;
    sp_os_process runner;
    bool is_trial;
} reading;

static int take_member(void *arg, sp_str key, sp_str value, bool string)
{
    reading *r = arg;
    (void)string;
    if (sp_runner_take(&r->runner, key, value))
        return SPATE_OK;
    if (sp_str_is(key, "trial"))
        r->is_trial = sp_str_is(value, "1");
    for (size_t i = 0; i < SP_COUNT(state_names) && sp_str_is(key, "state"); i++)
        if (sp_str_is(value, state_names[i]))
            r->state = (sp_trial_state)i;
    return SPATE_OK;
}

bool sp_trial_read(sp_str text, sp_trial_state *state)
{
    reading r = {.state = SP_TRIAL_INTERRUPTED};
    if (sp_json_line(text, take_member, &r, NULL) != SPATE_OK || !r.is_trial)
        return false;
    *state = r.state == SP_TRIAL_RUNNING && !sp_os_process_lives(&r.runner) ? SP_TRIAL_INTERRUPTED : r.state;
    return true;
}
