/* daemon.c - see daemon.h.
 *
 * Like a server, a daemon is known by the number in its own pid file, as long as that process works in the daemon's folder. */
#include "lab/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { POLL_US = 5000, WAIT_S = 30, POOL_CLIENTS_MAX = 2000 };

typedef struct kind {
    const char *name, *config;
    const char *const *programs; /* paths, tried in order */
    const char *hint;
    int (*write)(sp_lab *lab, sp_buf *text, spate_error *err);
} kind;

static int write_pool(sp_lab *lab, sp_buf *text, spate_error *err);
static int write_cache(sp_lab *lab, sp_buf *text, spate_error *err);

static const char *const pool_programs[] = {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer",
                                            NULL};
static const char *const cache_programs[] = {"/usr/bin/redis-server", "/usr/local/bin/redis-server",
                                             "/usr/bin/valkey-server", NULL};
static const kind kinds[SP_DAEMONS] = {
    {"pool", "pgbouncer.ini", pool_programs, "install pgbouncer (Debian: apt install pgbouncer)", write_pool},
    {"cache", "redis.conf", cache_programs, "install a Redis server (Debian: apt install redis-server)", write_cache},
};

const char *sp_daemon_name(sp_daemon d)
{
    return kinds[d].name;
}

bool sp_daemon_wanted(const sp_lab *lab, sp_daemon d)
{
    return d == SP_DAEMON_POOL ? lab->pool_port != 0 : lab->cache_bytes != 0;
}

const char *sp_daemon_log(const sp_lab *lab, sp_daemon d, char *room, size_t size)
{
    snprintf(room, size, "%s/%s/log", lab->directory, kinds[d].name);
    return room;
}

const char *sp_daemon_socket(const sp_lab *lab, sp_daemon d, char *room, size_t size)
{
    if (d == SP_DAEMON_POOL)
        snprintf(room, size, "%s/run/.s.PGSQL.%u", lab->directory, lab->pool_port);
    else
        snprintf(room, size, "%s/run/cache", lab->directory);
    return room;
}

/* ---- what they are told ---- */

/* The password of the lab's own file: HOST:PORT:DATABASE:USER:PASSWORD. */
static int read_password(sp_lab *lab, sp_buf *file, const char **password, spate_error *err)
{
    const char *path = sp_lab_path(lab, "pgpass");
    int rc = path ? sp_os_read_file(path, 1 << 12, file, err) : sp_fail_nomem(err);
    if (rc != SPATE_OK)
        return rc;
    file->data[strcspn(file->data, "\r\n")] = '\0';
    const char *last = strrchr(file->data, ':');
    *password = last ? last + 1 : "";
    return SPATE_OK;
}

/* Beside pgbouncer.ini: who may come in, and how. By the sockets whoever reaches them; else with the password. */
static int write_access(sp_lab *lab, sp_os_user user, spate_error *err)
{
    sp_buf file = {0}, text = {0};
    const char *password = "", *users = sp_lab_path(lab, "pool/users"), *rules = sp_lab_path(lab, "pool/rules");
    int rc = users && rules ? read_password(lab, &file, &password, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK && sp_buf_printf(&text, "\"postgres\" \"%s\"\n", password))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_write_file(users, (sp_str){text.data, text.len}, O_TRUNC, user, err);
    if (rc == SPATE_OK)
        rc = sp_lab_write_file(rules, sp_str_of("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"),
                               O_TRUNC, user, err);
    sp_buf_done(&file);
    sp_buf_done(&text);
    return rc;
}

static int write_pool(sp_lab *lab, sp_buf *text, spate_error *err)
{
    sp_os_user user;
    int rc = sp_lab_find_user(lab, &user, err);
    if (rc == SPATE_OK)
        rc = write_access(lab, user, err);
    int built = rc || sp_buf_adds(text, "[databases]\n");
    for (uint32_t i = 0; i < lab->n_servers && !built; i++)
        built = sp_buf_printf(text, "%s = host=%s/run port=%u dbname=postgres user=postgres\n", lab->servers[i].name,
                              lab->directory, lab->servers[i].port);
    built =
        built ||
        sp_buf_printf(
            text,
            "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %u\nunix_socket_dir = %s/run\nunix_socket_mode = 0700\n"
            "auth_type = hba\nauth_hba_file = %s/pool/rules\nauth_file = %s/pool/users\nadmin_users = postgres\n"
            "pool_mode = transaction\ndefault_pool_size = %u\nmax_client_conn = %d\nlisten_backlog = %d\nignore_startup_parameters = extra_float_digits,options\n"
            "pidfile = %s/pool/pid\nlog_connections = 0\nlog_disconnections = 0\nlog_stats = 0\n",
            lab->pool_port, lab->directory, lab->directory, lab->directory, lab->pool_size, POOL_CLIENTS_MAX,
            POOL_CLIENTS_MAX, lab->directory);
    return rc != SPATE_OK ? rc : built ? sp_fail_nomem(err) : SPATE_OK;
}

static int write_cache(sp_lab *lab, sp_buf *text, spate_error *err)
{
    int built = sp_buf_printf(
        text,
        "port 0\nunixsocket %s/run/cache\nunixsocketperm 700\ndir %s/cache\npidfile %s/cache/pid\ndaemonize no\n"
        "save \"\"\nappendonly no\nmaxmemory %llu\nmaxmemory-policy allkeys-lru\n",
        lab->directory, lab->directory, lab->directory, (unsigned long long)lab->cache_bytes);
    return built ? sp_fail_nomem(err) : SPATE_OK;
}

/* ---- running ---- */

pid_t sp_daemon_pid(const sp_lab *lab, sp_daemon d)
{
    char folder[4200], file[4300];
    sp_buf text = {0};
    snprintf(folder, sizeof(folder), "%s/%s", lab->directory, kinds[d].name);
    snprintf(file, sizeof(file), "%s/pid", folder);
    pid_t pid = sp_os_read_file(file, 64, &text, NULL) == SPATE_OK && text.len ? (pid_t)atoi(text.data) : 0;
    sp_buf_done(&text);
    return pid > 1 && sp_os_process_in(pid, folder) ? pid : 0;
}

static int find_program(sp_daemon d, const char **program, spate_error *err)
{
    for (const char *const *p = kinds[d].programs; *p; p++)
        if (access(*p, X_OK) == 0) {
            *program = *p;
            return SPATE_OK;
        }
    int rc = sp_fail(err, SPATE_E_UNREACHABLE, "there is no program for a %s on this machine", kinds[d].name);
    sp_error_hint(err, "%s", kinds[d].hint);
    return rc;
}

/* *changed: it was told something else when it was started; before there were more shards, perhaps. */
static int write_config(sp_lab *lab, sp_daemon d, sp_os_user user, const char *folder, const char *config,
                        bool *changed, spate_error *err)
{
    sp_buf text = {0}, before = {0};
    int rc = sp_lab_make_folder(folder, user, err);
    if (rc == SPATE_OK)
        rc = kinds[d].write(lab, &text, err);
    bool known = rc == SPATE_OK && sp_os_exists(config) && sp_os_read_file(config, 1 << 20, &before, NULL) == SPATE_OK;
    *changed = !known || before.len != text.len || memcmp(before.data, text.data, text.len) != 0;
    if (rc == SPATE_OK && *changed)
        rc = sp_lab_write_file(config, (sp_str){text.data, text.len}, O_TRUNC, user, err);
    sp_buf_done(&text);
    sp_buf_done(&before);
    return rc;
}

static int spawn(sp_lab *lab, sp_daemon d, const char *program, sp_os_user user, const char *folder, const char *config,
                 pid_t *pid, spate_error *err)
{
    char log[4300];
    const char *pid_file = sp_arena_printf(&lab->arena, "%s/pid", folder);
    int rc = pid_file ? sp_os_unlink(pid_file, err) : sp_fail_nomem(err); /* of one that was killed */
    const char *const words[] = {program, config, NULL};
    sp_os_child child = {.words = words,
                         .directory = folder,
                         .output = sp_daemon_log(lab, d, log, sizeof(log)),
                         .user = &user,
                         .apart = true};
    if (rc == SPATE_OK)
        rc = sp_os_child_start(&child, pid, err);
    return rc;
}

static int await(const sp_lab *lab, sp_daemon d, pid_t pid, spate_error *err)
{
    char log[4300], socket[4300];
    int code;
    sp_daemon_log(lab, d, log, sizeof(log));
    sp_daemon_socket(lab, d, socket, sizeof(socket));
    int64_t deadline = sp_os_monotonic_us() + INT64_C(1000000) * WAIT_S;
    for (; !sp_daemon_pid(lab, d) || !sp_os_socket_answers(socket); sp_os_sleep_us(POLL_US)) {
        if (sp_os_child_ended(pid, &code))
            return sp_lab_fail_program(err, log, "the %s did not start", kinds[d].name);
        if (sp_os_monotonic_us() > deadline)
            return sp_lab_fail_program(err, log, "the %s does not answer after %d s", kinds[d].name, WAIT_S);
    }
    return SPATE_OK;
}

int sp_daemon_start(sp_lab *lab, sp_daemon d, spate_error *err)
{
    const char *program = NULL, *folder = sp_lab_path(lab, kinds[d].name);
    const char *config = sp_arena_printf(&lab->arena, "%s/%s/%s", lab->directory, kinds[d].name, kinds[d].config);
    bool changed = false;
    sp_os_user user;
    pid_t pid = 0;
    int rc = folder && config ? find_program(d, &program, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_find_user(lab, &user, err);
    if (rc == SPATE_OK)
        rc = write_config(lab, d, user, folder, config, &changed, err);
    if (rc == SPATE_OK && changed)
        rc = sp_daemon_stop(lab, d, err);
    if (rc != SPATE_OK || sp_daemon_pid(lab, d))
        return rc;
    if (d == SP_DAEMON_POOL && !sp_os_port_is_free(lab->pool_port))
        return sp_fail(err, SPATE_E_UNREACHABLE, "port %u of the pool is taken by another program", lab->pool_port);
    rc = spawn(lab, d, program, user, folder, config, &pid, err);
    return rc == SPATE_OK ? await(lab, d, pid, err) : rc;
}

int sp_daemon_stop(const sp_lab *lab, sp_daemon d, spate_error *err)
{
    char folder[4200];
    pid_t pid = sp_daemon_pid(lab, d);
    int code, rc = pid ? sp_os_process_signal(pid, SIGTERM, err) : SPATE_OK;
    if (pid && rc == SPATE_OK)
        rc = sp_os_process_signal(pid, SIGCONT, err); /* one that was halted would not hear of it */
    snprintf(folder, sizeof(folder), "%s/%s", lab->directory, kinds[d].name);
    int64_t deadline = sp_os_monotonic_us() + INT64_C(1000000) * WAIT_S;
    for (; pid && rc == SPATE_OK && !sp_os_child_ended(pid, &code) && sp_os_process_in(pid, folder);
         sp_os_sleep_us(POLL_US))
        if (sp_os_monotonic_us() > deadline)
            rc = sp_fail(err, SPATE_E_UNREACHABLE, "the %s (process %d) does not stop", kinds[d].name, (int)pid);
    return rc;
}
