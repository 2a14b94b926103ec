/* host.h - other programs, the ports and the sockets of this machine.
 *
 * A child is started without a shell, with nothing of ours open but what it is given, and what kept it from starting comes back
 * with its errno and the step that failed. A process is known by its number only together with where it runs or when it started,
 * since numbers are given again. */
#ifndef SP_HOST_H
#define SP_HOST_H

#include "os/os.h"

#include <sys/types.h>

typedef struct sp_os_user {
    uint32_t user, group;
} sp_os_user;
sp_os_user sp_os_self(void);
/* SPATE_E_USAGE: there is no such user. */
int sp_os_find_user(const char *name, sp_os_user *user, spate_error *err) SP_MUST_CHECK;

typedef struct sp_os_child {
    const char *const *words; /* the program's path, its arguments, NULL */
    const char *directory;    /* where it runs; NULL: here */
    const char *output;       /* a file that what it prints is appended to; NULL: it prints where we do */
    const sp_os_user *user;   /* whom it runs as; NULL: ourselves */
    bool apart;               /* in a session of its own: it outlives us, and no terminal's signal reaches it */
} sp_os_child;
int sp_os_child_start(const sp_os_child *child, pid_t *pid, spate_error *err) SP_MUST_CHECK;
/* Waits for the end. *code: its exit code, or 128 and the signal that ended it. */
int sp_os_child_wait(pid_t pid, int *code, spate_error *err) SP_MUST_CHECK;
/* Whether a child of ours has ended; once it has, its number means nothing any more. */
bool sp_os_child_ended(pid_t pid, int *code);

/* Whether a process lives and its working directory is this one (an absolute path without links). */
bool sp_os_process_in(pid_t pid, const char *directory);
int sp_os_process_signal(pid_t pid, int number, spate_error *err) SP_MUST_CHECK;
/* Sends a signal, 0 for none, to all processes whose working directory is that one, and returns how many there are. */
unsigned sp_os_signal_all_in(const char *directory, int number);

/* A process for good: its number, and when it started in which boot of the machine. */
typedef struct sp_os_process {
    pid_t pid;
    uint64_t started;
} sp_os_process;
sp_os_process sp_os_process_self(void);
bool sp_os_process_lives(const sp_os_process *p);
/* Never reaches another one that got the number since; one that is gone is no failure. */
int sp_os_process_tell(const sp_os_process *p, int number, spate_error *err) SP_MUST_CHECK;

/* Bytes that nobody can guess. */
int sp_os_random(void *bytes, size_t len, spate_error *err) SP_MUST_CHECK;

/* Whether a server could listen on the port of 127.0.0.1 now. */
bool sp_os_port_is_free(unsigned port);
/* Whether somebody listens on a socket in the file system. */
bool sp_os_socket_answers(const char *path);
/* Lets more bytes wait in a connection that loads, so that its two ends seldom wait for one another. A hint. */
void sp_os_socket_deepen(int fd);

#endif
