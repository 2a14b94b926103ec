/* process.c - clock, processors, threads, and libraries that are loaded when first needed. */
#include "os/os.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int64_t sp_os_monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t sp_os_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void sp_os_sleep_us(int64_t us)
{
    struct timespec left = {us / 1000000, us % 1000000 * 1000};
    while (us > 0 && nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

unsigned sp_os_processors(void)
{
    cpu_set_t set; /* what this process may use: less than the machine has inside a container */
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}

uint64_t sp_os_resident_bytes(void)
{
    unsigned long long all, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%llu %llu", &all, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

int sp_os_thread_start(pthread_t *thread, void *(*body)(void *), void *arg, spate_error *err)
{
    int why = sp_os_call_fails(SP_OS_THREAD) ? errno : pthread_create(thread, NULL, body, arg);
    return why ? sp_fail_errno(err, why, "could not start a thread") : SPATE_OK;
}

void sp_os_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(c, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int sp_os_cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t due_us)
{
    struct timespec due = {due_us / 1000000, due_us % 1000000 * 1000};
    return pthread_cond_timedwait(c, lock, &due);
}

static int load(const sp_os_library *l, spate_error *err)
{
    void *library = NULL;
    char why[256] = "";
    for (size_t i = 0; l->names[i] && !library; i++) {
        library = dlopen(l->names[i], RTLD_NOW | RTLD_LOCAL);
        const char *text = library ? NULL : dlerror();
        if (text)
            strncpy(why, text, sizeof(why) - 1);
    }
    if (!library)
        return sp_fail(err, SPATE_E_UNREACHABLE, "cannot load the library \"%s\": %s", l->names[0], why);
    for (size_t i = 0; i < l->n_functions; i++) {
        *l->functions[i].slot = dlsym(library, l->functions[i].name);
        if (!*l->functions[i].slot)
            return sp_fail(err, SPATE_E_UNREACHABLE, "the library \"%s\" has no function %s: it is too old",
                           l->names[0], l->functions[i].name);
    }
    return SPATE_OK;
}

int sp_os_library_load(sp_os_library *library, spate_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    int rc = library->loaded ? SPATE_OK : load(library, err);
    library->loaded = rc == SPATE_OK;
    pthread_mutex_unlock(&lock);
    if (rc && library->hint)
        sp_error_hint(err, "%s", library->hint);
    return rc;
}
