/* lab_beside.c - the commands 'lab pool' and 'lab cache': what runs beside a lab's servers. */
#include "cli/lab.h"

#include <string.h>

/* "up", "down", or neither, with a word about it. */
static const char *verb_of(const invocation *in, const char *command)
{
    const char *verb = in->arguments[0];
    if (strcmp(verb, "up") == 0 || strcmp(verb, "down") == 0)
        return verb;
    fprintf(stderr, "spate: 'lab %s' takes up or down, not \"%s\"\ntry 'spate lab %s --help'\n", command, verb,
            command);
    return NULL;
}

int run_lab_pool(const invocation *in)
{
    spate_lab *lab;
    spate_error err = {0};
    const char *verb = verb_of(in, "pool");
    uint64_t size = option_count(in, "size", 0);
    if (!verb)
        return EXIT_USAGE;
    int code = open_lab(in, &lab);
    if (code)
        return code;
    bool up = verb[0] == 'u';
    int rc =
        up ? spate_lab_pool_up(lab, size > 100000 ? 100000 : (unsigned)size, &err) : spate_lab_pool_down(lab, &err);
    if (rc == SPATE_OK && up)
        fputs(
            "spate: the pool runs; through it, prepared statements are not to be had (transaction mode; pgbouncer has them from 1.21)\n",
            stderr);
    return leave_lab(lab, rc, &err);
}

int run_lab_cache(const invocation *in)
{
    spate_lab *lab;
    spate_error err = {0};
    const char *verb = verb_of(in, "cache");
    uint64_t bytes = option_count(in, "memory", 0);
    if (!verb)
        return EXIT_USAGE;
    int code = open_lab(in, &lab);
    if (code)
        return code;
    return leave_lab(lab, verb[0] == 'u' ? spate_lab_cache_up(lab, bytes, &err) : spate_lab_cache_down(lab, &err),
                     &err);
}
