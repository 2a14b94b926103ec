/* zeroes.c - what the disk takes: zeroes written the way a file sink writes rows. Pieces of one size into FILE.partial, each
 * sent on its way to the disk at once, then fsync, rename, fsync of the directory.
 *
 *   zeroes --bytes N [--piece BYTES] --to FILE            prints one line of JSON */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "zeroes: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void sync_directory_of(const char *path)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY);
    if (fd < 0 || fsync(fd) != 0)
        die("directory");
    close(fd);
}

int main(int argc, char **argv)
{
    uint64_t bytes = 0;
    size_t piece = 1 << 20;
    const char *to = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--bytes") == 0)
            bytes = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--piece") == 0)
            piece = (size_t)strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--to") == 0)
            to = argv[i + 1];
    }
    if (!bytes || !piece || !to) {
        fprintf(stderr, "usage: zeroes --bytes N [--piece BYTES] --to FILE\n");
        return 2;
    }
    char partial[4096];
    snprintf(partial, sizeof partial, "%s.partial", to);
    char *zero = calloc(1, piece);
    if (!zero)
        die("memory");

    double start = seconds_now();
    int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        die(partial);
    for (uint64_t left = bytes; left > 0;) {
        ssize_t n = write(fd, zero, left < piece ? (size_t)left : piece);
        if (n < 0)
            die("write");
        (void)!sync_file_range(fd, (off_t)(bytes - left), (off_t)n, SYNC_FILE_RANGE_WRITE);
        left -= (uint64_t)n;
    }
    if (fsync(fd) != 0 || close(fd) != 0 || rename(partial, to) != 0)
        die("finish");
    sync_directory_of(to);
    double seconds = seconds_now() - start;
    printf("{\"case\":\"zeroes\",\"piece\":%zu,\"bytes\":%llu,\"seconds\":%.4f,\"mb_per_s\":%.0f}\n", piece,
           (unsigned long long)bytes, seconds, (double)bytes / seconds / 1e6);
    free(zero);
    return 0;
}
