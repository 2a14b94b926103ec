/* walk.c - what listing a tree costs at least: getdents64 and statx of every name, on so many threads, and nothing kept but a count.
 *
 *   bench_walk FOLDER THREADS     prints one line of JSON */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RECORDS = 128 << 10, FOLDERS_MAX = 1 << 20 };

static char **folders; /* waiting */
static size_t n_folders;
static unsigned busy;
static unsigned long long entries, bytes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;

static void put(char *folder)
{
    pthread_mutex_lock(&lock);
    if (n_folders == FOLDERS_MAX)
        abort();
    folders[n_folders++] = folder;
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
}

/* NULL: nobody has any more. */
static char *take(void)
{
    pthread_mutex_lock(&lock);
    busy--;
    while (n_folders == 0 && busy > 0)
        pthread_cond_wait(&more, &lock);
    char *folder = n_folders ? folders[--n_folders] : NULL;
    busy += folder != NULL;
    if (!folder)
        pthread_cond_broadcast(&more);
    pthread_mutex_unlock(&lock);
    return folder;
}

static void look(const char *folder, char *records, unsigned long long *seen, unsigned long long *sum)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    long len;
    while (fd >= 0 && (len = syscall(SYS_getdents64, fd, records, RECORDS)) > 0)
        for (long at = 0; at < len; at += ((struct dirent64 *)(records + at))->d_reclen) {
            const char *name = ((struct dirent64 *)(records + at))->d_name;
            struct statx st;
            if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
                statx(fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) != 0)
                continue;
            ++*seen;
            *sum += st.stx_size;
            char *below;
            if ((st.stx_mode & S_IFMT) == S_IFDIR && asprintf(&below, "%s/%s", folder, name) > 0)
                put(below);
        }
    if (fd >= 0)
        close(fd);
}

static void *walk(void *arg)
{
    char *records = malloc(RECORDS), *folder;
    unsigned long long seen = 0, sum = 0;
    while ((folder = take()) != NULL) {
        look(folder, records, &seen, &sum);
        free(folder);
    }
    pthread_mutex_lock(&lock);
    entries += seen;
    bytes += sum;
    pthread_mutex_unlock(&lock);
    free(records);
    return arg;
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    unsigned n = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
    pthread_t threads[64];
    if (n < 1 || n > 64) {
        fputs("usage: bench_walk FOLDER THREADS\n", stderr);
        return 2;
    }
    double start = now(CLOCK_MONOTONIC);
    folders = malloc(FOLDERS_MAX * sizeof *folders);
    busy = n;
    put(strdup(argv[1]));
    for (unsigned i = 0; i < n; i++)
        pthread_create(&threads[i], NULL, walk, NULL);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    printf("{\"entries\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"cpu\":%.6f}\n", entries, bytes,
           now(CLOCK_MONOTONIC) - start, now(CLOCK_PROCESS_CPUTIME_ID));
    free(folders);
    return 0;
}
