/* daemon.h - private to lab and those who bind it: the programs that run beside a lab's servers, a pool and a cache.
 *
 * The pool is pgbouncer, one for all servers, a database each by the server's name; it hands out connections a transaction at a time.
 * The cache is a Redis server without a disk, which forgets what was not asked for longest. Both belong to the servers' user and are
 * reached by sockets beside theirs; the pool by its port, too, with the servers' password. */
#ifndef SP_LAB_DAEMON_H
#define SP_LAB_DAEMON_H

#include "lab/lab.h"

typedef enum sp_daemon { SP_DAEMON_POOL, SP_DAEMON_CACHE, SP_DAEMONS } sp_daemon;

const char *sp_daemon_name(sp_daemon daemon);               /* as its folder is called */
bool sp_daemon_wanted(const sp_lab *lab, sp_daemon daemon); /* lab.yaml has it */
pid_t sp_daemon_pid(const sp_lab *lab, sp_daemon daemon);   /* 0: it does not run */
/* Its socket, or its log, in the room given. */
const char *sp_daemon_socket(const sp_lab *lab, sp_daemon daemon, char *room, size_t size);
const char *sp_daemon_log(const sp_lab *lab, sp_daemon daemon, char *room, size_t size);
/* Starts it unless it runs as lab.yaml has it now, and waits until it answers. SPATE_E_UNREACHABLE: the program is not installed, or does not start. */
int sp_daemon_start(sp_lab *lab, sp_daemon daemon, spate_error *err) SP_MUST_CHECK;
int sp_daemon_stop(const sp_lab *lab, sp_daemon daemon,
                   spate_error *err) SP_MUST_CHECK; /* one that does not run is no error */

#endif
