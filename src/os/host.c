/* host.c - see host.h. */
#include "os/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- users ---- */

sp_os_user sp_os_self(void)
{
    return (sp_os_user){geteuid(), getegid()};
}

int sp_os_find_user(const char *name, sp_os_user *user, spate_error *err)
{
    char room[4096];
    struct passwd entry, *found = NULL;
    int why = getpwnam_r(name, &entry, room, sizeof(room), &found);
    if (!found)
        return why ? sp_fail_errno(err, why, "could not look up the user \"%s\"", name)
                   : sp_fail(err, SPATE_E_USAGE, "there is no user \"%s\" on this machine", name);
    *user = (sp_os_user){entry.pw_uid, entry.pw_gid};
    return SPATE_OK;
}

/* ---- children ---- */

typedef enum step { STEP_USER, STEP_DIRECTORY, STEP_OUTPUT, STEP_PROGRAM } step;

typedef struct refusal { /* what a child that could not become the program says of it */
    step at;
    int why;
} refusal;

static bool become_user(const sp_os_user *user)
{
    return !user || (user->user == geteuid() && user->group == getegid()) ||
           (setgroups(0, NULL) == 0 && setgid(user->group) == 0 && setuid(user->user) == 0);
}

static bool take_streams(const char *output)
{
    int in = open("/dev/null", O_RDONLY);
    if (in < 0 || dup2(in, STDIN_FILENO) < 0)
        return false;
    if (!output)
        return true;
    int out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
    return out >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0;
}

static void default_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
}

/* In the child: becomes the program, or says through the pipe why not. */
_Noreturn static void become(const sp_os_child *c, int tell)
{
    refusal r = {STEP_USER, 0};
    default_signals();
    if (c->apart)
        setsid();
    if (become_user(c->user)) {
        r.at = STEP_DIRECTORY;
        if (!c->directory || chdir(c->directory) == 0) {
            r.at = STEP_OUTPUT;
            if (take_streams(c->output)) {
                r.at = STEP_PROGRAM;
                close_range(3, (unsigned)tell - 1, 0);
                close_range((unsigned)tell + 1, ~0u, 0);
                execv(c->words[0], (char *const *)c->words);
            }
        }
    }
    r.why = errno;
    (void)!write(tell, &r, sizeof(r));
    _exit(127);
}

static int refused(const sp_os_child *c, const refusal *r, spate_error *err)
{
    switch (r->at) {
    case STEP_USER: return sp_fail_errno(err, r->why, "could not run \"%s\" as another user", c->words[0]);
    case STEP_DIRECTORY:
        return sp_fail_errno(err, r->why, "\"%s\" cannot run in directory \"%s\"", c->words[0], c->directory);
    case STEP_OUTPUT:
        return sp_fail_errno(err, r->why, "could not write to \"%s\"", c->output ? c->output : "/dev/null");
    default: return sp_fail_errno(err, r->why, "could not run \"%s\"", c->words[0]);
    }
}

int sp_os_child_start(const sp_os_child *c, pid_t *pid, spate_error *err)
{
    int tell[2];
    refusal r;
    if (pipe2(tell, O_CLOEXEC) != 0)
        return sp_fail_errno(err, errno, "could not make a pipe");
    pid_t child = sp_os_call_fails(SP_OS_CHILD) ? -1 : fork();
    if (child == 0)
        become(c, tell[1]);
    int why = errno;
    close(tell[1]);
    ssize_t got = 0;
    do
        got = child > 0 ? read(tell[0], &r, sizeof(r)) : 0;
    while (got < 0 && errno == EINTR);
    close(tell[0]);
    if (child < 0)
        return sp_fail_errno(err, why, "could not start \"%s\"", c->words[0]);
    *pid = child;
    if (got != sizeof(r))
        return SPATE_OK;
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return refused(c, &r, err);
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int sp_os_child_wait(pid_t pid, int *code, spate_error *err)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return sp_fail_errno(err, errno, "could not wait for process %d", (int)pid);
    *code = code_of(status);
    return SPATE_OK;
}

bool sp_os_child_ended(pid_t pid, int *code)
{
    int status;
    if (waitpid(pid, &status, WNOHANG) != pid)
        return false;
    *code = code_of(status);
    return true;
}

/* ---- processes ---- */

/* One that has ended and that nobody waited for has no working directory any more. */
bool sp_os_process_in(pid_t pid, const char *directory)
{
    char link[64], at[4096];
    snprintf(link, sizeof(link), "/proc/%d/cwd", (int)pid);
    ssize_t len = readlink(link, at, sizeof(at));
    return len >= 0 && (size_t)len == strlen(directory) && memcmp(at, directory, (size_t)len) == 0;
}

int sp_os_process_signal(pid_t pid, int number, spate_error *err)
{
    if (kill(pid, number) == 0 || errno == ESRCH)
        return SPATE_OK;
    return sp_fail_errno(err, errno, "could not send a signal to process %d", (int)pid);
}

unsigned sp_os_signal_all_in(const char *directory, int number)
{
    unsigned n = 0;
    DIR *all = opendir("/proc");
    for (struct dirent *e; all && (e = readdir(all));) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid > 0 && sp_os_process_in(pid, directory))
            n += kill(pid, number) == 0;
    }
    if (all)
        closedir(all);
    return n;
}

static uint64_t hash_of_boot(void)
{
    sp_buf id = {0};
    uint64_t hash = sp_os_read_file("/proc/sys/kernel/random/boot_id", 64, &id, NULL) == SPATE_OK
                        ? sp_hash64(id.data, id.len, 0)
                        : 0;
    sp_buf_done(&id);
    return hash;
}

/* 0: there is none, or it has ended and nobody waited for it. The name in the line may hold anything, so fields count from its end. */
static uint64_t start_of(pid_t pid)
{
    char path[64], state = 'Z';
    unsigned long long ticks = 0;
    sp_buf line = {0};
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (sp_os_read_file(path, 4096, &line, NULL) == SPATE_OK) {
        const char *behind = memrchr(line.data, ')', line.len);
        if (behind &&
            sscanf(behind + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                   &state, &ticks) != 2)
            ticks = 0;
    }
    sp_buf_done(&line);
    return state == 'Z' || state == 'X' ? 0 : sp_mix64(ticks + 1) ^ hash_of_boot();
}

sp_os_process sp_os_process_self(void)
{
    return (sp_os_process){getpid(), start_of(getpid())};
}

bool sp_os_process_lives(const sp_os_process *p)
{
    return p->pid > 0 && p->started && start_of(p->pid) == p->started;
}

/* The descriptor stands for one process; that it is the right one is looked at behind opening it. */
int sp_os_process_tell(const sp_os_process *p, int number, spate_error *err)
{
    int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (fd < 0)
        return errno == ESRCH ? SPATE_OK : sp_fail_errno(err, errno, "could not reach process %d", (int)p->pid);
    int rc = SPATE_OK;
    if (sp_os_process_lives(p) && syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) != 0 && errno != ESRCH)
        rc = sp_fail_errno(err, errno, "could not send a signal to process %d", (int)p->pid);
    close(fd);
    return rc;
}

/* ---- ports and sockets ---- */

/* As a server would: one that has just ended still has connections that linger, which is no reason not to listen again. */
bool sp_os_port_is_free(unsigned port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
              bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && listen(fd, 1) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

int sp_os_random(void *bytes, size_t len, spate_error *err)
{
    ssize_t got = getrandom(bytes, len, 0); /* up to 256 bytes come whole */
    return got == (ssize_t)len ? SPATE_OK : sp_fail_errno(err, errno, "could not draw random bytes");
}

bool sp_os_socket_answers(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd = len < sizeof(at.sun_path) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    memcpy(at.sun_path, path, SP_MIN(len, sizeof(at.sun_path) - 1));
    bool answers = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    if (fd >= 0)
        close(fd);
    return answers;
}

/* A socket in the file system holds 208 KiB unless told otherwise, half of it bookkeeping: a server that loads then sleeps and wakes
 * hundreds of times a second. One of the network grows by itself, and no more once it has been told a size: only where the system
 * allows as much as it would grow to is it told. */
enum { DEEP = 4 << 20 };

static bool allows_deep(void)
{
    char text[24] = "";
    int fd = open("/proc/sys/net/core/wmem_max", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    return got > 0 && strtoul(text, NULL, 10) >= DEEP;
}

void sp_os_socket_deepen(int fd)
{
    int domain = AF_UNSPEC, bytes = DEEP;
    socklen_t len = sizeof(domain);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && (domain == AF_UNIX || allows_deep()))
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}
