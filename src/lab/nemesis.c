/* nemesis.c - see nemesis.h. */
#include "lab/nemesis.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    LOOK_US = 5000,
    CALM_LEAST_US = 300000,
    CALM_US = 1500000,  /* between one thing and the next */
    DOWN_US = 1000000,  /* at most, until a killed server is started again; and until a halted one goes on */
    BACK_US = 60000000, /* how long a server, or the end of a move, may need to come back */
    MOVE_US = 4000000,  /* about what a small lab's move takes: one is killed before that, or not at all */
    KILLS_MAX = 3,      /* of one move */
};

typedef struct dice {
    uint64_t seed, draws;
} dice;

static int64_t throw_us(dice *d, int64_t most)
{
    return (int64_t)sp_bounded(sp_draw(d->seed, d->draws++), (uint64_t)most);
}

static void tell(const sp_nemesis *n, const char *fmt, ...) SP_PRINTF(2, 3);
static void tell(const sp_nemesis *n, const char *fmt, ...)
{
    char text[160];
    va_list args;
    if (!n->told)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    n->told(n->arg, text);
}

/* False: the time is up. */
static bool rest(const sp_nemesis *n, int64_t us)
{
    int64_t until = sp_os_monotonic_us() + us;
    while (!sp_stage_time_is_up(n->stage) && sp_os_monotonic_us() < until)
        sp_os_sleep_us(LOOK_US);
    return !sp_stage_time_is_up(n->stage);
}

/* ---- shards ---- */

static int bring_back(sp_lab *lab, sp_lab_server *s, spate_error *err)
{
    int64_t until = sp_os_monotonic_us() + BACK_US;
    spate_error why = {0};
    int rc = sp_lab_start(lab, &s, 1, &why);
    while (rc != SPATE_OK && sp_os_monotonic_us() < until) { /* a mover may be starting it, too */
        sp_os_sleep_us(LOOK_US);
        rc = sp_lab_start(lab, &s, 1, &why);
    }
    if (rc != SPATE_OK && err)
        *err = why;
    return rc;
}

static int kill_shard(sp_nemesis *n, sp_lab *lab, sp_lab_server *s, int64_t down_us, spate_error *err)
{
    tell(n, "kill -9 %s, for %.2f s", s->name, (double)down_us / 1e6);
    while (sp_os_signal_all_in(s->data, SIGKILL))
        sp_os_sleep_us(LOOK_US);
    n->kills++;
    sp_os_sleep_us(down_us);
    return bring_back(lab, s, err);
}

static void stop_shard(sp_nemesis *n, sp_lab_server *s, int64_t halted_us)
{
    tell(n, "stop %s, for %.2f s", s->name, (double)halted_us / 1e6);
    sp_os_signal_all_in(s->data, SIGSTOP);
    n->stops++;
    sp_os_sleep_us(halted_us);
    sp_os_signal_all_in(s->data, SIGCONT);
}

/* lab.yaml is read each time: shards come and go. One that does not run yet, or any more, is left alone. */
static int disturb_one(sp_nemesis *n, dice *d, spate_error *err)
{
    sp_lab lab;
    int rc = sp_lab_open(n->directory, &lab, err);
    if (rc != SPATE_OK)
        return rc;
    sp_lab_server *s = &lab.servers[1 + throw_us(d, lab.n_servers - 1)];
    int64_t us = throw_us(d, DOWN_US);
    bool to_kill = n->kill && (!n->stop || throw_us(d, 2));
    if (sp_lab_server_pid(s) && to_kill)
        rc = kill_shard(n, &lab, s, us, err);
    else if (sp_lab_server_pid(s))
        stop_shard(n, s, us);
    sp_lab_done(&lab);
    return rc;
}

int sp_nemesis_shards(sp_nemesis *n, spate_error *err)
{
    dice d = {.seed = n->seed};
    int rc = SPATE_OK;
    while (rc == SPATE_OK && rest(n, CALM_LEAST_US + throw_us(&d, CALM_US)))
        rc = disturb_one(n, &d, err);
    return rc;
}

/* ---- movers ---- */

enum { CODE_KILLED = -1, CODE_FINE = 0, CODE_USAGE = 2, CODE_DIFFERENT = 4 };

typedef struct state {
    bool open;       /* a move is */
    unsigned shards; /* that rows live on, or will */
} state;

static int look(const sp_nemesis *n, state *s, spate_error *err)
{
    sp_lab lab;
    int rc = sp_lab_open(n->directory, &lab, err);
    if (rc != SPATE_OK)
        return rc;
    s->open = lab.other != NULL;
    s->shards = sp_slot_map_end(lab.other && !lab.turned ? &lab.other->map : &lab.map);
    sp_lab_done(&lab);
    return SPATE_OK;
}

/* Runs 'lab reshard' with these words; killed behind kill_us. *code: its exit code, or CODE_KILLED. */
static int run_mover(sp_nemesis *n, const char *word, const char *value, int64_t kill_us, int *code, spate_error *err)
{
    char log[4200];
    snprintf(log, sizeof(log), "%s/nemesis.log", n->directory);
    const char *const words[] = {n->program, "lab", "reshard", "--lab", n->directory, word, value, NULL};
    sp_os_child child = {.words = words, .output = log, .apart = true};
    pid_t pid;
    int64_t until = sp_os_monotonic_us() + kill_us;
    int rc = sp_os_child_start(&child, &pid, err);
    if (rc != SPATE_OK)
        return rc;
    for (; !sp_os_child_ended(pid, code); sp_os_sleep_us(LOOK_US))
        if (sp_os_monotonic_us() >= until) {
            tell(n, "kill -9 the mover");
            n->movers++;
            rc = sp_os_process_signal(pid, SIGKILL, err);
            int waited = sp_os_child_wait(pid, code, rc == SPATE_OK ? err : NULL);
            *code = CODE_KILLED;
            return rc == SPATE_OK ? waited : rc;
        }
    return SPATE_OK;
}

/* The same words until they are through: killed a few times first, and then as often as others are in the way. */
static int move(sp_nemesis *n, dice *d, const char *word, const char *value, bool undisturbed, spate_error *err)
{
    int64_t until = 0;
    tell(n, "reshard %s %s", word, value ? value : "");
    for (int kills = undisturbed ? KILLS_MAX : 0;; sp_os_sleep_us(LOOK_US)) {
        bool kill = kills < KILLS_MAX && !sp_stage_time_is_up(n->stage) && throw_us(d, 3);
        int code = CODE_FINE;
        int rc = run_mover(n, word, value, kill ? throw_us(d, MOVE_US) : BACK_US, &code, err);
        if (rc != SPATE_OK || code == CODE_FINE || code == CODE_USAGE) /* usage: it is over already */
            return rc;
        if (code == CODE_DIFFERENT)
            return sp_fail(
                err, SPATE_E_DATA,
                "rows that moved are not the same on both sides: nemesis.log in the lab's directory says more");
        kills += code == CODE_KILLED;
        until = until ? until : sp_os_monotonic_us() + BACK_US + KILLS_MAX * MOVE_US;
        if (sp_os_monotonic_us() > until)
            return sp_fail(err, SPATE_E_UNREACHABLE,
                           "a move does not come to its end: nemesis.log in the lab's directory says why");
    }
}

static int move_to(sp_nemesis *n, dice *d, unsigned shards, bool undisturbed, spate_error *err)
{
    char number[16];
    snprintf(number, sizeof(number), "%u", shards);
    return move(n, d, "--shards", number, undisturbed, err);
}

static int end_move(sp_nemesis *n, dice *d, bool back, bool undisturbed, spate_error *err)
{
    int rc = move(n, d, back ? "--rollback" : "--commit", NULL, undisturbed, err);
    n->moves += rc == SPATE_OK;
    return rc;
}

/* As it was: however many shards there are by now. */
static int leave(sp_nemesis *n, dice *d, unsigned shards, spate_error *err)
{
    state now;
    int rc = look(n, &now, err);
    if (rc == SPATE_OK && now.open)
        rc = end_move(n, d, now.shards != shards, true, err);
    if (rc == SPATE_OK)
        rc = look(n, &now, err);
    if (rc != SPATE_OK || now.shards == shards)
        return rc;
    rc = move_to(n, d, shards, true, err);
    return rc == SPATE_OK ? end_move(n, d, false, true, err) : rc;
}

int sp_nemesis_movers(sp_nemesis *n, spate_error *err)
{
    dice d = {.seed = n->seed + 1};
    state first, now;
    int rc = look(n, &first, err);
    now = first;
    while (rc == SPATE_OK && rest(n, throw_us(&d, CALM_LEAST_US))) {
        if (!now.open)
            rc = move_to(n, &d, now.shards == first.shards ? first.shards + 1 : first.shards, false, err);
        if (rc == SPATE_OK && rest(n, throw_us(&d, CALM_US)))
            rc = end_move(n, &d, throw_us(&d, 2), false, err);
        if (rc == SPATE_OK)
            rc = look(n, &now, err);
    }
    return rc == SPATE_OK ? leave(n, &d, first.shards, err) : rc;
}
