/* server.c - postmasters: started, watched until they answer, stopped by their number.
 *
 *     down --start--> starting --"ready"--> up --stop--> down         a crash: down, with a postmaster.pid left over
 *
 * A server's own postmaster.pid says whether it runs and how far it is; its number counts only while that process works in the
 * server's data directory, for numbers are given again. */
#include "lab/ask.h"
#include "lab/budget.h"
#include "lab/each.h"
#include "lab/lab.h"
#include "os/at.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    POLL_US = 3000,
    DIE_S = 20,    /* a killed server's processes end when they notice */
    START_S = 120, /* a server that was killed reads its log first */
    STOP_S = 60,
    START_MAX = 1024, /* of a file of a server's that is read */
    STATUS_LINE = 8, /* of postmaster.pid */
};

#define DISK_FULL "53100" /* an SQLSTATE that says all there is to say */

/* ---- what runs ---- */

/* The beginning of a file of the server's, ended by a null. How much was read; 0: nothing. */
static size_t read_start(const sp_lab_server *s, const char *name, char text[START_MAX])
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/%s", s->data, name);
    int fd = sp_at_open(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0);
    ssize_t got = fd < 0 ? -1 : sp_at_read(fd, text, START_MAX - 1, 0);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

pid_t sp_lab_server_pid(const sp_lab_server *s)
{
    char text[START_MAX];
    if (s->attached || !read_start(s, "postmaster.pid", text))
        return 0;
    pid_t pid = (pid_t)atoi(text);
    return pid > 1 && sp_os_process_in(pid, s->data) ? pid : 0;
}

static bool is_ready(const sp_lab_server *s)
{
    char text[START_MAX], *line = text;
    if (!read_start(s, "postmaster.pid", text))
        return false;
    for (int i = 1; i < STATUS_LINE && line; i++)
        line = (line = strchr(line, '\n')) ? line + 1 : NULL;
    return line && (strncmp(line, "ready", 5) == 0 || strncmp(line, "standby", 7) == 0);
}

/* ---- starting ---- */

/* Processes of a server whose postmaster was killed still write its files, and may have its port, until they notice. */
static int await_orphans(const sp_lab_server *s, spate_error *err)
{
    int64_t deadline = sp_os_monotonic_us() + INT64_C(1000000) * DIE_S;
    for (unsigned n; (n = sp_os_signal_all_in(s->data, 0)) && !sp_lab_server_pid(s); sp_os_sleep_us(POLL_US))
        if (sp_os_monotonic_us() > deadline)
            return sp_fail(err, SPATE_E_UNREACHABLE, "%u processes of %s, which was killed, do not end", n, s->name);
    return SPATE_OK;
}

static int check_server(const sp_lab *lab, const sp_lab_server *s, spate_error *err)
{
    if (!sp_os_is_dir(s->data)) {
        sp_fail(err, SPATE_E_CORRUPT, "the lab in \"%s\" is damaged: %s has no data", lab->directory, s->name);
        sp_error_hint(err,
                      "'spate lab destroy' removes what is left of it, 'spate lab reshard' finishes what it has begun");
        return SPATE_E_CORRUPT;
    }
    int rc = await_orphans(s, err);
    if (rc == SPATE_OK && !sp_lab_server_pid(s) && !sp_os_port_is_free(s->port)) {
        sp_fail(err, SPATE_E_UNREACHABLE, "port %u of %s is taken by another program", s->port, s->name);
        sp_error_hint(err, "give it another one in %s/lab.yaml", lab->directory);
        return SPATE_E_UNREACHABLE;
    }
    return rc;
}

static int put_setting(sp_buf *out, const char *name, const char *value)
{
    int built = sp_buf_printf(out, "%s = '", name);
    for (; *value && !built; value++)
        built = *value == '\'' ? sp_buf_adds(out, "''") : sp_buf_add(out, value, 1);
    return built || sp_buf_adds(out, "'\n");
}

static int put_primary(const sp_lab *lab, const sp_lab_server *s, const char *run, sp_buf *out)
{
    const sp_lab_server *primary = NULL;
    char conninfo[4400], slot[64];
    if (!s->of || sp_lab_find_server(lab, s->of, &primary, NULL) != SPATE_OK)
        return SPATE_OK;
    snprintf(conninfo, sizeof(conninfo), "host='%s' port=%u user=postgres", run, primary->port);
    snprintf(slot, sizeof(slot), "spate_%s", s->name);
    return put_setting(out, "primary_conninfo", conninfo) || put_setting(out, "primary_slot_name", slot);
}

/* Written at each start: ports and settings are lab.yaml's to say. */
static int write_settings(const sp_lab *lab, const sp_lab_server *s, sp_os_user user, spate_error *err)
{
    char path[4200], run[4200];
    sp_buf text = {0};
    snprintf(path, sizeof(path), "%s/lab.conf", s->data);
    snprintf(run, sizeof(run), "%s/run", lab->directory);
    int built = sp_buf_printf(&text, "port = %u\nlisten_addresses = '127.0.0.1'\n", s->port) ||
                put_setting(&text, "unix_socket_directories", run) || put_setting(&text, "cluster_name", s->name) ||
                put_primary(lab, s, run, &text);
    for (uint32_t i = 0; i < lab->n_settings && !built; i++)
        built = put_setting(&text, lab->settings[i].name, lab->settings[i].value);
    int rc = built ? sp_fail_nomem(err) : sp_lab_write_file(path, (sp_str){text.data, text.len}, O_TRUNC, user, err);
    sp_buf_done(&text);
    return rc;
}

/* Of a server that was killed: PostgreSQL would take the number in them for another server's when somebody else has it by now. */
static int drop_leftovers(const sp_lab *lab, const sp_lab_server *s, spate_error *err)
{
    char path[3][4200];
    if (sp_lab_server_pid(s))
        return SPATE_OK;
    snprintf(path[0], sizeof(path[0]), "%s/postmaster.pid", s->data);
    snprintf(path[1], sizeof(path[1]), "%s/run/.s.PGSQL.%u.lock", lab->directory, s->port);
    snprintf(path[2], sizeof(path[2]), "%s/run/.s.PGSQL.%u", lab->directory, s->port);
    int rc = SPATE_OK;
    for (int i = 0; i < 3 && rc == SPATE_OK; i++)
        rc = sp_os_unlink(path[i], err);
    return rc;
}

static int spawn(const sp_lab *lab, const sp_lab_server *s, sp_os_user user, pid_t *pid, spate_error *err)
{
    char program[4200];
    snprintf(program, sizeof(program), "%s/postgres", lab->programs);
    const char *const words[] = {program, "-D", s->data, NULL};
    sp_os_child child = {.words = words, .directory = s->data, .output = s->log, .user = &user, .apart = true};
    int rc = write_settings(lab, s, user, err);
    if (rc == SPATE_OK)
        rc = drop_leftovers(lab, s, err);
    return rc == SPATE_OK ? sp_os_child_start(&child, pid, err) : rc;
}

static int await(const sp_lab_server *s, pid_t pid, int64_t deadline, spate_error *err)
{
    for (int code; !is_ready(s); sp_os_sleep_us(POLL_US)) {
        if (sp_os_child_ended(pid, &code) &&
            !sp_lab_server_pid(s)) /* it may have found one that another command has started */
            return sp_lab_fail_program(err, s->log, "%s did not start", s->name);
        if (sp_os_monotonic_us() > deadline)
            return sp_lab_fail_program(err, s->log, "%s does not answer after %d s", s->name, START_S);
    }
    return SPATE_OK;
}

/* One that is ready may still have lost its rows: its database has to let us in. */
static int ask(void *item, spate_error *err)
{
    static const _Atomic bool never;
    const sp_lab_server *s = *(sp_lab_server **)item;
    PGconn *conn = NULL;
    int64_t deadline = sp_os_monotonic_us() + INT64_C(1000000) * START_S;
    if (s->attached)
        return SPATE_OK;
    int rc = sp_lab_connect_within(s, (sp_patience){deadline, &never}, &conn, err);
    if (rc == SPATE_OK)
        sp_pq.finish(conn);
    return rc;
}

static int ask_all(sp_lab_server *const *servers, uint32_t n, spate_error *err)
{
    int rc = sp_libpq_load(err);
    return rc == SPATE_OK ? sp_lab_each((void *)servers, sizeof(*servers), n, ask, err) : rc;
}

static int check_all(const sp_lab *lab, sp_lab_server *const *servers, uint32_t n, sp_os_user *user, spate_error *err)
{
    char run[4200];
    if (lab->servers[0].attached)
        return SPATE_OK;
    snprintf(run, sizeof(run), "%s/run", lab->directory);
    int rc = sp_lab_find_user(lab, user, err);
    if (rc == SPATE_OK && strlen(run) > SP_LAB_SOCKET_PATH_MAX)
        return sp_fail(err, SPATE_E_USAGE, "the lab's directory is %zu bytes long: sockets in it take at most %d",
                       strlen(run), SP_LAB_SOCKET_PATH_MAX);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++)
        if (!sp_lab_server_pid(servers[i]))
            rc = check_server(lab, servers[i], err);
    return rc;
}

int sp_lab_start(sp_lab *lab, sp_lab_server *const *servers, uint32_t n, spate_error *err)
{
    sp_os_user user;
    pid_t *pids = sp_alloc_zero(n, sizeof(*pids)); /* of those started here */
    int64_t deadline = sp_os_monotonic_us() + INT64_C(1000000) * START_S;
    int rc = pids ? check_all(lab, servers, n, &user, err) : sp_fail_nomem(err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++)
        if (!servers[i]->attached && !sp_lab_server_pid(servers[i]))
            rc = spawn(lab, servers[i], user, &pids[i], err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++)
        if (pids[i])
            rc = await(servers[i], pids[i], deadline, err);
    if (rc == SPATE_OK)
        rc = ask_all(servers, n, err);
    if (rc == SPATE_OK && lab->cpu > 0)
        rc = sp_budget_set(lab, lab->cpu, err);
    for (uint32_t i = 0; pids && i < n && rc != SPATE_OK; i++)
        if (pids[i])
            (void)!sp_os_process_signal(pids[i], SIGINT, NULL);
    sp_free(pids);
    return rc;
}

/* ---- what one says as it goes down ---- */

uint64_t sp_lab_log_size(const sp_lab_server *s)
{
    struct statx st;
    return s->log && sp_at_stat(AT_FDCWD, s->log, &st) == 0 ? st.stx_size : 0;
}

/* The process that could not go on speaks first, then the postmaster of it. */
static const char *find_last_words(const char *text, size_t *len)
{
    static const char *const marks[] = {"PANIC:  ", "LOG:  "};
    const char *at = strstr(text, marks[0]), *ended = strstr(text, " was terminated by signal ");
    size_t mark = strlen(marks[at ? 0 : 1]);
    while (!at && ended && ended > text && ended[-1] != '\n')
        ended--;
    at = at ? at : ended ? strstr(ended, marks[1]) : NULL;
    *len = at ? strcspn(at + mark, "\n") : 0;
    return at ? at + mark : NULL;
}

void sp_lab_add_last_words(const sp_lab_server *s, uint64_t log_from, spate_error *err)
{
    enum { LOG_MAX = 16 << 20 };
    sp_buf text = {0};
    size_t len = 0;
    bool told = !err || err->status != SPATE_E_UNREACHABLE || strcmp(err->sqlstate, DISK_FULL) == 0;
    if (told || !s->log || sp_os_read_file(s->log, LOG_MAX, &text, NULL) != SPATE_OK || text.len < log_from) {
        sp_buf_done(&text);
        return;
    }
    const char *said = text.len ? find_last_words(text.data + log_from, &len) : NULL;
    size_t have = strlen(err->message);
    if (said)
        snprintf(err->message + have, sizeof(err->message) - have, "; its log says: %.*s", (int)len, said);
    sp_buf_done(&text);
}

/* ---- stopping ---- */

/* A child of ours that has ended is waited for here, or its number would stay taken. */
static bool is_gone(const sp_lab_server *s, pid_t pid)
{
    int code;
    return sp_os_child_ended(pid, &code) || !sp_os_process_in(pid, s->data);
}

/* As PostgreSQL's pg_control has it: two numbers of versions behind an identifier, and then what the database does. */
static bool is_recovering(const sp_lab_server *s)
{
    enum { STATE_AT = 16, IN_CRASH_RECOVERY = 4 };
    char text[START_MAX];
    int32_t state = 0;
    if (read_start(s, "global/pg_control", text) >= STATE_AT + sizeof(state))
        memcpy(&state, text + STATE_AT, sizeof(state));
    return state == IN_CRASH_RECOVERY;
}

/* A postmaster that hears SIGINT while its log is gone over after a crash may wait for its checkpointer for ever, which was told nothing
 * (15.18). SIGQUIT it does not resist, and nothing is lost: the next start goes over the same log. */
static int await_end(const sp_lab_server *s, pid_t pid, int64_t deadline, spate_error *err)
{
    for (bool told = false; !is_gone(s, pid); sp_os_sleep_us(POLL_US)) {
        if (sp_os_monotonic_us() > deadline)
            return sp_fail(err, SPATE_E_UNREACHABLE, "%s (process %d) does not stop", s->name, (int)pid);
        if (!told && is_recovering(s))
            told = sp_os_process_signal(pid, SIGQUIT, NULL) == SPATE_OK;
    }
    return SPATE_OK;
}

/* Processes of a server of which no file tells the number: it was killed, has not come so far yet, or its file is gone. SIGINT, which ends
 * a postmaster, takes nothing from the others. */
static int await_nobody(const sp_lab_server *s, int64_t deadline, spate_error *err)
{
    for (unsigned n; !s->attached && (n = sp_os_signal_all_in(s->data, is_recovering(s) ? SIGQUIT : 0));
         sp_os_sleep_us(POLL_US))
        if (sp_os_monotonic_us() > deadline)
            return sp_fail(err, SPATE_E_UNREACHABLE, "%u processes of %s do not stop", n, s->name);
    return SPATE_OK;
}

static int ask_to_stop(const sp_lab_server *s, pid_t *pid, spate_error *err)
{
    *pid = sp_lab_server_pid(s);
    if (s->attached)
        return SPATE_OK;
    if (!*pid) {
        (void)sp_os_signal_all_in(s->data, SIGINT);
        (void)sp_os_signal_all_in(s->data, SIGCONT);
        return SPATE_OK;
    }
    int rc = sp_os_process_signal(*pid, SIGINT, err);
    return rc == SPATE_OK ? sp_os_process_signal(*pid, SIGCONT, err)
                          : rc; /* one that was halted would not hear of it */
}

int sp_lab_stop(sp_lab *lab, sp_lab_server *const *servers, uint32_t n, spate_error *err)
{
    pid_t *pids = sp_alloc_zero(n, sizeof(*pids));
    int64_t deadline = sp_os_monotonic_us() + INT64_C(1000000) * STOP_S;
    int rc = pids ? SPATE_OK : sp_fail_nomem(err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = ask_to_stop(servers[i], &pids[i], err);
    for (uint32_t i = 0; pids && i < n; i++) {
        spate_error *told = rc == SPATE_OK ? err : NULL;
        int ended = pids[i] ? await_end(servers[i], pids[i], deadline, told) : await_nobody(servers[i], deadline, told);
        rc = rc == SPATE_OK ? ended : rc;
        if (ended == SPATE_OK)
            sp_budget_forget(servers[i]);
    }
    sp_free(pids);
    return rc;
}
