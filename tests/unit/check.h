/* check.h - a unit test program: functions of checks, run in order, reported as TAP (https://testanything.org).
 *
 *     static void adds(void) { CHECK_INT(1 + 1, 2); }
 *     int main(void) { RUN(adds); return check_done(); }
 *
 * A failed check prints where and what and the test goes on, so that one run shows all that is wrong. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int check_tests, check_failed_tests, check_failures_here;

#define CHECK(cond)                check_that((cond), #cond, __FILE__, __LINE__)
#define CHECK_INT(got, want)       check_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
#define CHECK_STR(got, want)       check_str((got), strlen(got), (want), #got, __FILE__, __LINE__)
#define CHECK_STRN(got, len, want) check_str((got), (len), (want), #got, __FILE__, __LINE__)
#define RUN(test)                  check_run(test, #test)

__attribute__((unused)) static bool check_that(bool ok, const char *cond, const char *file, int line)
{
    if (!ok) {
        check_failures_here++;
        printf("# %s:%d: does not hold: %s\n", file, line, cond);
    }
    return ok;
}

__attribute__((unused)) static bool check_int(long long got, long long want, const char *what, const char *file,
                                              int line)
{
    if (got != want) {
        check_failures_here++;
        printf("# %s:%d: %s is %lld, expected %lld\n", file, line, what, got, want);
    }
    return got == want;
}

__attribute__((unused)) static bool check_str(const char *got, size_t len, const char *want, const char *what,
                                              const char *file, int line)
{
    bool same = len == strlen(want) && memcmp(got, want, len) == 0;
    if (!same) {
        check_failures_here++;
        printf("# %s:%d: %s is \"%.*s\", expected \"%s\"\n", file, line, what, (int)len, got, want);
    }
    return same;
}

__attribute__((unused)) static void check_run(void (*test)(void), const char *name)
{
    check_failures_here = 0;
    test();
    check_tests++;
    check_failed_tests += check_failures_here > 0;
    printf("%s %d - %s\n", check_failures_here ? "not ok" : "ok", check_tests, name);
    fflush(stdout);
}

static int check_done(void)
{
    printf("1..%d\n", check_tests);
    return check_failed_tests ? 1 : 0;
}

#endif
