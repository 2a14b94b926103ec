/* budget.c - see budget.h.
 *
 *     version 1: GROUP/cpu.cfs_period_us, GROUP/cpu.cfs_quota_us (-1: none)      version 2: GROUP/cpu.max ("1000 5000")
 *
 * The period is short: with the usual 100 ms a server that has used up its share is silent for so long that all users end up waiting for
 * it, and the others idle. New processes of a server are born into its group, so moving those that are there is enough. */
#include "lab/budget.h"

#include "os/at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PERIOD_US = 5000, QUOTA_US_MIN = 1000, PATH_MAX_BYTES = 4200, CHILDREN_BYTES_MAX = 1 << 16, ROUNDS_MAX = 20 };

/* Where the kernel's controller is to be found. */
typedef struct controller {
    bool v2;
    char base[PATH_MAX_BYTES]; /* the folder that our groups are made in */
    char home[PATH_MAX_BYTES]; /* the group we are in, and servers without a budget */
} controller;

static int write_word(const char *group, const char *file, const char *word)
{
    char path[PATH_MAX_BYTES + 64];
    snprintf(path, sizeof(path), "%s/%s", group, file);
    int fd = sp_at_open(AT_FDCWD, path, O_WRONLY, 0);
    int rc = fd < 0 ? fd : sp_at_write(fd, word, strlen(word), 0);
    if (fd >= 0)
        close(fd);
    return rc;
}

static bool read_words(const char *group, const char *file, sp_buf *text)
{
    char path[PATH_MAX_BYTES + 128];
    snprintf(path, sizeof(path), "%s/%s", group, file);
    text->len = 0;
    return sp_os_read_file(path, CHILDREN_BYTES_MAX, text, NULL) == SPATE_OK && text->len > 0;
}

static bool has_word(const char *list, const char *separators, const char *word)
{
    for (size_t len = 0; *list; list += len) {
        list += strspn(list, separators);
        len = strcspn(list, separators);
        if (len == strlen(word) && memcmp(list, word, len) == 0)
            return true;
    }
    return false;
}

/* ---- finding the controller ---- */

/* Of a mount that has it; version 1, where both are there, since a controller is with one of them only. */
static bool find_mount(bool v2, char *mount, size_t size)
{
    sp_buf text = {0};
    bool found = false;
    char *rest = read_words("/proc/self", "mounts", &text) ? text.data : NULL;
    for (char *line; !found && (line = strsep(&rest, "\n"));) {
        char at[4096], kind[64], options[1024];
        if (sscanf(line, "%*s %4095s %63s %1023s", at, kind, options) != 3)
            continue;
        found = v2 ? strcmp(kind, "cgroup2") == 0 : strcmp(kind, "cgroup") == 0 && has_word(options, ",", "cpu");
        if (found)
            snprintf(mount, size, "%s", at);
    }
    sp_buf_done(&text);
    return found;
}

/* Our group below the mount: "3:cpu,cpuacct:/some/group", or "0::/some/group". */
static void find_own_group(bool v2, char *group, size_t size)
{
    sp_buf text = {0};
    char *rest = read_words("/proc/self", "cgroup", &text) ? text.data : NULL;
    snprintf(group, size, "/");
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        if (v2 ? controllers[1] == '\0' : has_word(controllers + 1, ",", "cpu"))
            snprintf(group, size, "%s", path);
    }
    sp_buf_done(&text);
}

static void join(char path[PATH_MAX_BYTES], const char *mount, const char *group)
{
    bool root = strcmp(group, "/") == 0;
    snprintf(path, PATH_MAX_BYTES, "%.4000s%.190s", mount, root ? "" : group);
}

/* Groups of version 2 get the controller from the one above, which may not have processes in it unless it is the root. */
static bool enables_cpu(const char *base)
{
    sp_buf text = {0};
    bool can = read_words(base, "cgroup.controllers", &text) && has_word(text.data, " \n", "cpu");
    bool does = can && read_words(base, "cgroup.subtree_control", &text) && has_word(text.data, " \n", "cpu");
    sp_buf_done(&text);
    return does || (can && write_word(base, "cgroup.subtree_control", "+cpu") == 0);
}

static bool find_controller(controller *c)
{
    char mount[4096], own[4096];
    c->v2 = !find_mount(false, mount, sizeof(mount));
    if (c->v2 && !find_mount(true, mount, sizeof(mount)))
        return false;
    find_own_group(c->v2, own, sizeof(own));
    join(c->home, mount, own);
    join(c->base, mount, c->v2 ? "/" : own);
    if (!c->v2 || enables_cpu(c->base))
        return true;
    char *last = strrchr(own, '/'); /* where a part of the tree was given to us, it is that which our own group is in */
    *(last == own ? last + 1 : last) = '\0';
    join(c->base, mount, own);
    return enables_cpu(c->base);
}

static void group_of(const controller *c, const sp_lab_server *s, char group[PATH_MAX_BYTES + 64])
{
    snprintf(group, PATH_MAX_BYTES + 64, "%s/spate-%016llx", c->base,
             (unsigned long long)sp_hash64(s->data, strlen(s->data), 0));
}

/* ---- processes ---- */

static int put_process(const char *group, pid_t pid)
{
    char number[24];
    snprintf(number, sizeof(number), "%d", (int)pid);
    int rc = write_word(group, "cgroup.procs", number);
    return rc == -ESRCH ? 0 : rc; /* it has ended meanwhile */
}

/* A postmaster and its children, all of whom it made by itself. *moved counts those that were elsewhere. */
static int put_children(const char *group, pid_t postmaster, unsigned *moved)
{
    sp_buf there = {0}, children = {0};
    char list[64];
    int rc = 0;
    snprintf(list, sizeof(list), "/proc/%d/task/%d", (int)postmaster, (int)postmaster);
    read_words(group, "cgroup.procs", &there);
    char *rest = read_words(list, "children", &children) ? children.data : NULL;
    for (char *word; rc == 0 && (word = strsep(&rest, " "));) {
        if (!*word || (there.len && has_word(there.data, "\n", word)))
            continue;
        rc = put_process(group, (pid_t)atoi(word));
        ++*moved;
    }
    sp_buf_done(&there);
    sp_buf_done(&children);
    return rc;
}

/* Until nobody is left who was born elsewhere. */
static int put_server(const char *group, pid_t postmaster)
{
    int rc = put_process(group, postmaster);
    unsigned moved = 1;
    for (int i = 0; rc == 0 && moved && i < ROUNDS_MAX; i++) {
        moved = 0;
        rc = put_children(group, postmaster, &moved);
    }
    return rc;
}

/* ---- limits ---- */

static int limit(const controller *c, const char *group, double cpu)
{
    double period = SP_MAX((double)PERIOD_US, QUOTA_US_MIN / cpu);
    char words[64];
    if (c->v2) {
        snprintf(words, sizeof(words), "%.0f %.0f", period * cpu, period);
        return write_word(group, "cpu.max", words);
    }
    snprintf(words, sizeof(words), "%.0f", period);
    int rc = write_word(group, "cpu.cfs_period_us", words);
    snprintf(words, sizeof(words), "%.0f", period * cpu);
    return rc == 0 ? write_word(group, "cpu.cfs_quota_us", words) : rc;
}

/* A process that is about to end keeps its group busy for a moment. */
static int dissolve(const controller *c, const char *group, pid_t postmaster)
{
    enum { PAUSE_US = 5000, TRIES = 400 };
    int rc = -EBUSY;
    for (int i = 0; rc == -EBUSY && i < TRIES; i++) {
        if (i)
            sp_os_sleep_us(PAUSE_US);
        int put = postmaster ? put_server(c->home, postmaster) : 0;
        rc = put == 0 ? sp_at_remove(AT_FDCWD, group, true) : put;
    }
    return rc == -ENOENT ? 0 : rc;
}

static int set_one(const controller *c, const sp_lab_server *s, double cpu)
{
    char group[PATH_MAX_BYTES + 64];
    pid_t pid = sp_lab_server_pid(s);
    group_of(c, s, group);
    if (cpu > 0 && pid) {
        int rc = sp_os_is_dir(group) ? 0 : sp_at_make_folder(AT_FDCWD, group, 0755);
        if (rc == 0)
            rc = limit(c, group, cpu);
        return rc == 0 ? put_server(group, pid) : rc;
    }
    return sp_os_is_dir(group) ? dissolve(c, group, pid) : 0;
}

static int refuse(const controller *c, int why, spate_error *err)
{
    if (!c)
        (void)!sp_fail(err, SPATE_E_UNREACHABLE,
                       "CPU budgets cannot be kept here: there are no control groups with the cpu controller");
    else
        (void)!sp_fail_errno(err, -why, "CPU budgets cannot be kept here: could not set up control groups in \"%s\"",
                             c->base);
    if (err)
        err->status = SPATE_E_UNREACHABLE;
    sp_error_hint(err, "run it as root, and in a container with /sys/fs/cgroup writable");
    return SPATE_E_UNREACHABLE;
}

int sp_budget_check(const sp_lab *lab, spate_error *err)
{
    controller c;
    char probe[PATH_MAX_BYTES + 64];
    if (lab->servers[0].attached)
        return sp_fail(err, SPATE_E_UNREACHABLE, "CPU budgets are for servers of the lab's own: these are attached");
    if (!find_controller(&c))
        return refuse(NULL, 0, err);
    snprintf(probe, sizeof(probe), "%s/spate-probe-%d", c.base, (int)getpid());
    int rc = sp_at_make_folder(AT_FDCWD, probe, 0755);
    if (rc == 0) {
        rc = limit(&c, probe, 1);
        (void)!sp_at_remove(AT_FDCWD, probe, true);
    }
    return rc == 0 ? SPATE_OK : refuse(&c, rc, err);
}

double sp_budget_suggested(uint32_t n)
{
    enum { STEPS = 20 }; /* in twentieths of a processor */
    double share = 0.3 * sp_os_processors() / n;
    return SP_MAX((double)(int)(share * STEPS + 0.5) / STEPS, 0.05);
}

int sp_budget_set(const sp_lab *lab, double cpu, spate_error *err)
{
    controller c;
    if (!find_controller(&c))
        return cpu > 0 ? refuse(NULL, 0, err) : SPATE_OK;
    for (uint32_t i = 0; i < lab->n_servers + lab->n_replicas; i++) {
        const sp_lab_server *s = i < lab->n_servers ? &lab->servers[i] : &lab->replicas[i - lab->n_servers];
        int rc = s->attached ? 0 : set_one(&c, s, cpu);
        if (rc != 0)
            return refuse(&c, rc, err);
    }
    return SPATE_OK;
}

double sp_budget_of(const sp_lab_server *s)
{
    controller c;
    char group[PATH_MAX_BYTES + 64];
    sp_buf text = {0};
    double quota = 0, period = 0;
    if (s->attached || !find_controller(&c))
        return 0;
    group_of(&c, s, group);
    if (c.v2 && read_words(group, "cpu.max", &text) && sscanf(text.data, "%lf %lf", &quota, &period) != 2)
        quota = 0;
    if (!c.v2 && read_words(group, "cpu.cfs_quota_us", &text))
        quota = strtod(text.data, NULL);
    if (!c.v2 && read_words(group, "cpu.cfs_period_us", &text))
        period = strtod(text.data, NULL);
    sp_buf_done(&text);
    return quota > 0 && period > 0 ? quota / period : 0;
}

void sp_budget_forget(const sp_lab_server *s)
{
    controller c;
    if (!s->attached && find_controller(&c))
        (void)!set_one(&c, s, 0);
}
