/* os.h - every system call that a test may want to fail, behind one table.
 *
 * Files are plain descriptors; short writes and EINTR are handled here. Failures carry os_errno and name the path.
 * All functions may be called from any thread. */
#ifndef SP_OS_H
#define SP_OS_H

#include "base/base.h"
#include <pthread.h>

/* ---- fault injection ------------------------------------------------------------------------------------------- */

typedef enum sp_os_call {
    SP_OS_OPEN,
    SP_OS_WRITE,
    SP_OS_READ,
    SP_OS_FSYNC,
    SP_OS_RENAME,
    SP_OS_TRUNCATE,
    SP_OS_UNLINK,
    SP_OS_MKDIR,
    SP_OS_CLOSE,
    SP_OS_STAT,
    SP_OS_THREAD,
    SP_OS_LIST,
    SP_OS_LINK,
    SP_OS_META,
    SP_OS_CLONE,
    SP_OS_CHILD,
    SP_OS_CALLS
} sp_os_call;
/* Test hook: the nth call of that kind from now on (1 = the next) fails with os_errno; nth = 0 switches it off. */
void sp_os_fail_at(sp_os_call call, uint64_t nth, int os_errno);
/* For this room: true, with errno set, when the hook wants this call to fail. */
bool sp_os_call_fails(sp_os_call call);

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Reads a whole file of at most max bytes, with a NUL behind them, into buf. "-" is standard input. */
int sp_os_read_file(const char *path, size_t max, sp_buf *buf, spate_error *err) SP_MUST_CHECK;
typedef enum sp_os_open_how { SP_OS_OPEN_READ, SP_OS_OPEN_UPDATE, SP_OS_OPEN_NEW, SP_OS_OPEN_MAKE } sp_os_open_how;
/* To read; to read and write; to read and write a file that must not be there yet; one that may be. */
int sp_os_open(const char *path, sp_os_open_how how, int *fd, spate_error *err) SP_MUST_CHECK;
int sp_os_size(int fd, const char *path, uint64_t *size, spate_error *err) SP_MUST_CHECK;
/* len bytes at offset at, all of them: a file that ends before is SPATE_E_CORRUPT. */
int sp_os_read_at(int fd, void *bytes, size_t len, uint64_t at, const char *path, spate_error *err) SP_MUST_CHECK;
int sp_os_write_at(int fd, const void *bytes, size_t len, uint64_t at, const char *path,
                   spate_error *err) SP_MUST_CHECK;
/* Locks byte number byte, for all that open the file: shared or alone; wait, or false in *got when another holds it. Where the
 * file system knows no locks, every one is got. The lock ends with the descriptor. */
typedef enum sp_os_lock { SP_OS_LOCK_NONE, SP_OS_LOCK_SHARED, SP_OS_LOCK_ALONE } sp_os_lock;
int sp_os_lock_byte(int fd, uint64_t byte, sp_os_lock lock, bool wait, bool *got, const char *path,
                    spate_error *err) SP_MUST_CHECK;
/* The first len bytes of a file in memory; what is changed there stays there. NULL, with *err filled, when that cannot be. */
void *sp_os_map(int fd, size_t len, const char *path, spate_error *err);
void sp_os_unmap(void *map, size_t len);
/* Tells that bytes of a mapping will be read soon; or how the whole will be: here and there, or from end to end. */
void sp_os_map_soon(const void *p, size_t len);
void sp_os_map_scattered(void *map, size_t len, bool scattered);
/* Creates (or empties) a file for writing. */
int sp_os_create(const char *path, int *fd, spate_error *err) SP_MUST_CHECK;
/* Opens a file for reading; "-" is standard input. */
int sp_os_open_input(const char *path, int *fd, spate_error *err) SP_MUST_CHECK;
int sp_os_seek(int fd, uint64_t offset, const char *path, spate_error *err) SP_MUST_CHECK;
/* Up to len bytes; *got is 0 at the end. */
int sp_os_read(int fd, void *to, size_t len, const char *path, size_t *got, spate_error *err) SP_MUST_CHECK;
/* How long a regular file is; of anything else *regular is false. */
int sp_os_input_size(const char *path, uint64_t *size, bool *regular, spate_error *err) SP_MUST_CHECK;
/* The names in a directory in order, those that begin with a dot left out. */
int sp_os_list(const char *path, sp_arena *arena, char ***names, uint32_t *n, spate_error *err) SP_MUST_CHECK;
int sp_os_write_all(int fd, const void *bytes, size_t len, const char *path, spate_error *err) SP_MUST_CHECK;
int sp_os_sync(int fd, const char *path, spate_error *err) SP_MUST_CHECK;
/* Asks the system to begin writing [offset, offset + len) to disk now, so that a later sync has little left to do. A hint. */
void sp_os_write_behind(int fd, uint64_t offset, uint64_t len);
int sp_os_truncate(int fd, uint64_t len, const char *path, spate_error *err) SP_MUST_CHECK;
int sp_os_close(int *fd, const char *path, spate_error *err) SP_MUST_CHECK; /* sets *fd to -1; nothing to do for -1 */
/* Syncs the directory that path is in, so that a new name there survives a crash. */
int sp_os_sync_parent(const char *path, spate_error *err) SP_MUST_CHECK;
/* Renames and syncs the directory, so that the new name survives a crash. */
int sp_os_publish(const char *from, const char *to, spate_error *err) SP_MUST_CHECK;
int sp_os_unlink(const char *path, spate_error *err) SP_MUST_CHECK; /* a missing file is no error */
int sp_os_make_dirs(const char *path, spate_error *err) SP_MUST_CHECK;
typedef enum sp_os_kind { SP_OS_NOTHING, SP_OS_FILE, SP_OS_DIR, SP_OS_OTHER } sp_os_kind;
/* What path leads to; other: a device, a pipe, a socket. */
int sp_os_kind_of(const char *path, sp_os_kind *kind, spate_error *err) SP_MUST_CHECK;
bool sp_os_is_dir(const char *path);
bool sp_os_exists(const char *path);
/* Whether path leads to the file that is open as fd: another one may have got its name since. */
bool sp_os_leads_to(const char *path, int fd);
/* What the file system of that path has left for us. */
int sp_os_free_bytes(const char *path, uint64_t *bytes, spate_error *err) SP_MUST_CHECK;
/* Size and time of the last change of a file; zeroes if it is not there. */
int sp_os_stamp(const char *path, uint64_t *size, int64_t *modified_ns, spate_error *err) SP_MUST_CHECK;
/* The working directory; NULL: not known, or no memory. */
char *sp_os_directory(sp_arena *arena);

/* ---- clock, processors, libraries, threads ------------------------------------------------------------------------- */

int64_t sp_os_monotonic_us(void);
int64_t sp_os_wall_us(void); /* since 1970 */
void sp_os_sleep_us(int64_t us);
unsigned sp_os_processors(void);
uint64_t sp_os_resident_bytes(void); /* memory that this process has now; 0: not known */

/* A shared library loaded when first needed, so that a run pays only for the clients it uses; it stays loaded. Any thread may load
 * one, any number of times. */
typedef struct sp_os_function {
    const char *name;
    void **slot; /* filled by name */
} sp_os_function;
typedef struct sp_os_library {
    const char *const *names; /* tried in order, ending with NULL */
    const sp_os_function *functions;
    size_t n_functions;
    const char *hint; /* how to come by it; NULL: it comes along */
    bool loaded;
} sp_os_library;
int sp_os_library_load(sp_os_library *library, spate_error *err) SP_MUST_CHECK;

int sp_os_thread_start(pthread_t *thread, void *(*body)(void *), void *arg, spate_error *err) SP_MUST_CHECK;
/* A condition whose timed waits end by sp_os_monotonic_us, whatever is done to the wall clock. */
void sp_os_cond_init(pthread_cond_t *c);
/* Waits until then, by that clock: ETIMEDOUT, or 0 when it was woken before. */
int sp_os_cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t due_us);

#endif
