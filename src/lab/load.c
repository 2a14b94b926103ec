/* load.c - see load.h.
 *
 * A user is a thread that asks by itself, with connections of its own. */
#include "lab/load.h"

#include <stdatomic.h>
#include <time.h>

typedef enum gate { GATE_CLOSED, GATE_OPEN, GATE_LEAVE } gate;

typedef struct load_run {
    const sp_load *load;
    pthread_mutex_t lock; /* of gate, waiting and gone */
    pthread_cond_t moved;
    gate gate;
    unsigned waiting;      /* users at the gate */
    unsigned gone;         /* users who ask no more */
    sp_pulse *pulse;       /* NULL: nobody wants to know */
    _Atomic uint64_t next; /* open: the number of the next question */
    _Atomic bool broken;   /* somebody could not come in */
    uint64_t questions;    /* open: how many are due */
    int64_t start_ns, end_ns;
} load_run;

typedef struct user {
    load_run *run;
    unsigned number;
    pthread_t thread;
    sp_asker *asker;
    uint64_t draws;
    sp_load_result result;
    int rc;
    spate_error err;
} user;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t ns)
{
    struct timespec t = {ns / 1000000000, ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        ;
}

/* ---- asking ---- */

static const sp_key *draw_key(user *u)
{
    const sp_load *l = u->run->load;
    uint64_t z = sp_draw(l->seed + u->number * SP_PHI, u->draws++);
    return l->n_keys ? &l->keys[sp_bounded(z, l->n_keys)] : NULL;
}

static bool is_to_write(user *u)
{
    const sp_load *l = u->run->load;
    return l->writing && sp_unit(sp_draw(l->seed + u->number * SP_PHI, u->draws++)) < l->writes;
}

static void ask_and_note(user *u, int64_t due_ns)
{
    sp_answer answer;
    spate_error err = {0};
    sp_load_result *r = &u->result;
    bool write = is_to_write(u);
    const sp_key *key = draw_key(u);
    int64_t asked = now_ns();
    int rc = write ? sp_ask_write(u->asker, key, &err) : sp_ask(u->asker, key, false, &answer, &err);
    int64_t done = now_ns();
    if (rc == SPATE_OK) {
        sp_hist_add(&r->service, (uint64_t)(done - asked));
        sp_hist_add(&r->response, (uint64_t)(done - (due_ns ? due_ns : asked)));
        if (u->run->pulse)
            sp_pulse_add(u->run->pulse, (uint64_t)(done - (due_ns ? due_ns : asked)));
    } else {
        if (r->errors++ == 0)
            r->first_error = err;
        if (u->run->pulse)
            atomic_fetch_add(&u->run->pulse->errors, 1);
    }
}

/* ---- a user ---- */

static bool cancelled(const load_run *run)
{
    return run->load->cancel && __atomic_load_n(run->load->cancel, __ATOMIC_RELAXED);
}

static void be_closed(user *u)
{
    while (now_ns() < u->run->end_ns && !cancelled(u->run))
        ask_and_note(u, 0);
}

/* Every question that was due is asked, however late, up to a limit: leaving late ones out is what makes tests look good. */
static void be_open(user *u)
{
    load_run *run = u->run;
    int64_t limit = run->end_ns + SP_LOAD_OVERTIME_S * INT64_C(1000000000);
    for (uint64_t i; (i = atomic_fetch_add(&run->next, 1)) < run->questions;) {
        int64_t due = run->start_ns + (int64_t)((double)i * 1e9 / run->load->rate);
        if (cancelled(run))
            break;
        if (now_ns() > limit) {
            u->result.unserved++;
            continue;
        }
        sleep_until(due);
        ask_and_note(u, due);
    }
}

static gate wait_at_gate(load_run *run)
{
    pthread_mutex_lock(&run->lock);
    run->waiting++;
    pthread_cond_broadcast(&run->moved);
    while (run->gate == GATE_CLOSED)
        pthread_cond_wait(&run->moved, &run->lock);
    gate got = run->gate;
    pthread_mutex_unlock(&run->lock);
    return got;
}

/* Once all that were started are there: the clock runs, or everybody goes home. */
static void open_gate(load_run *run, unsigned users, bool all_fine)
{
    pthread_mutex_lock(&run->lock);
    while (run->waiting < users)
        pthread_cond_wait(&run->moved, &run->lock);
    run->start_ns = now_ns();
    run->end_ns = run->start_ns + (int64_t)(run->load->seconds * 1e9);
    run->gate = all_fine && !atomic_load(&run->broken) ? GATE_OPEN : GATE_LEAVE;
    pthread_cond_broadcast(&run->moved);
    pthread_mutex_unlock(&run->lock);
}

static void leave(load_run *run)
{
    pthread_mutex_lock(&run->lock);
    run->gone++;
    pthread_cond_broadcast(&run->moved);
    pthread_mutex_unlock(&run->lock);
}

static void *user_body(void *arg)
{
    user *u = arg;
    load_run *run = u->run;
    sp_answer answer;
    u->rc = sp_asker_open(run->load->way, run->load->query, run->load->writing, u->number, &u->asker, &u->err);
    if (u->rc == SPATE_OK) /* the first question finds cold caches, and mistakes */
        u->rc = sp_ask(u->asker, draw_key(u), false, &answer, &u->err);
    if (u->rc != SPATE_OK)
        atomic_store(&run->broken, true);
    if (wait_at_gate(run) == GATE_OPEN) {
        if (run->load->rate > 0)
            be_open(u);
        else
            be_closed(u);
    }
    leave(run);
    if (u->asker)
        u->result.counts = *sp_ask_counts_of(u->asker);
    sp_asker_close(u->asker);
    return NULL;
}

/* ---- how it goes ---- */

/* Whether all users have left by then. */
static bool wait_for_end(load_run *run, unsigned users, int64_t until_ns)
{
    pthread_mutex_lock(&run->lock);
    while (run->gone < users && sp_os_cond_wait_until(&run->moved, &run->lock, until_ns / 1000) == 0)
        ;
    bool over = run->gone == users;
    pthread_mutex_unlock(&run->lock);
    return over;
}

static void tell(const load_run *run, sp_hist *answers)
{
    sp_load_moment m = {.at_s = (double)(now_ns() - run->start_ns) / 1e9, .response = answers};
    sp_pulse_take(run->pulse, answers, &m.errors);
    run->load->moment(run->load->arg, &m);
}

/* One that would leave only a short one before the end takes that in. */
static int64_t next_moment(const load_run *run, int64_t step)
{
    int64_t next = now_ns() + step;
    return next <= run->end_ns && next > run->end_ns - step / 2 ? run->end_ns + step / 2 : next;
}

static void tell_moments(load_run *run, unsigned users)
{
    sp_hist *answers = sp_alloc(sizeof(*answers));
    int64_t step = (int64_t)(run->load->moment_s * 1e9);
    while (answers && !wait_for_end(run, users, next_moment(run, step)))
        tell(run, answers);
    if (answers)
        tell(run, answers);
    sp_free(answers);
}

/* ---- all users ---- */

static int start_users(load_run *run, user *users, unsigned *started, spate_error *err)
{
    int rc = SPATE_OK;
    for (*started = 0; *started < run->load->users; ++*started) {
        users[*started] = (user){.run = run, .number = *started};
        rc = sp_os_thread_start(&users[*started].thread, user_body, &users[*started], err);
        if (rc != SPATE_OK)
            break;
    }
    return rc;
}

static int sum_up(const sp_load *l, user *users, sp_load_result *result, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned i = 0; i < l->users; i++) {
        const sp_load_result *r = &users[i].result;
        if (rc == SPATE_OK && users[i].rc != SPATE_OK) {
            rc = users[i].rc;
            if (err)
                *err = users[i].err;
        }
        sp_hist_merge(&result->response, &r->response);
        sp_hist_merge(&result->service, &r->service);
        result->counts.hits += r->counts.hits;
        result->counts.misses += r->counts.misses;
        result->counts.writes += r->counts.writes;
        result->counts.own_unseen += r->counts.own_unseen;
        if (r->errors && result->errors == 0)
            result->first_error = r->first_error;
        result->errors += r->errors;
        result->unserved += r->unserved;
    }
    if (rc == SPATE_OK && result->errors && result->response.n == 0) {
        if (err)
            *err = result->first_error;
        return result->first_error.status;
    }
    return rc;
}

int sp_load_run(const sp_load *l, sp_load_result *result, spate_error *err)
{
    SP_ASSERT(l->users > 0 && l->users <= SP_LOAD_USERS_MAX);
    load_run run = {.load = l, .questions = (uint64_t)(l->rate * l->seconds)};
    user *users = sp_alloc_zero(l->users, sizeof(*users));
    unsigned started;
    memset(result, 0, sizeof(*result));
    run.pulse = l->moment ? sp_alloc_zero(1, sizeof(*run.pulse)) : NULL;
    if (!users || (l->moment && !run.pulse)) {
        sp_free(users);
        return sp_fail_nomem(err);
    }
    sp_os_cond_init(&run.moved);
    pthread_mutex_init(&run.lock, NULL);
    int rc = start_users(&run, users, &started, err);
    open_gate(&run, started, rc == SPATE_OK);
    if (l->moment && run.gate == GATE_OPEN)
        tell_moments(&run, started);
    for (unsigned i = 0; i < started; i++)
        pthread_join(users[i].thread, NULL);
    result->seconds = (double)(now_ns() - run.start_ns) / 1e9;
    if (rc == SPATE_OK)
        rc = sum_up(l, users, result, err);
    pthread_cond_destroy(&run.moved);
    pthread_mutex_destroy(&run.lock);
    sp_free(run.pulse);
    sp_free(users);
    return rc;
}

int sp_load_ask(const sp_load *l, const sp_key *key, sp_answer *answer, spate_error *err)
{
    sp_asker *a = NULL;
    int rc = sp_asker_open(l->way, l->query, NULL, 0, &a, err);
    if (rc == SPATE_OK)
        rc = sp_ask(a, key, true, answer, err);
    sp_asker_close(a);
    return rc;
}
