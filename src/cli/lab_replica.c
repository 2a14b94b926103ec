/* lab_replica.c - the command 'lab replica'. */
#include "cli/lab.h"

#include <string.h>

static void print_lag(void *arg, const spate_lab_lag *lag)
{
    char unsent[32], unreplayed[32], kept[32];
    bool *all = arg;
    *all &= lag->streams;
    printf("%-10s %-8s %-9s %9sB %11sB %9sB ", lag->name, lag->of, lag->streams ? "yes" : "no",
           with_unit((double)lag->unsent, unsent), with_unit((double)lag->unreplayed, unreplayed),
           with_unit((double)lag->kept, kept));
    if (lag->streams)
        printf("%10.3f %10.3f\n", lag->seen_ms, lag->seen_most_ms);
    else
        printf("%10s %10s\n", "-", "-");
}

static int show_lag(spate_lab *lab, spate_error *err, bool *all)
{
    printf("%-10s %-8s %-9s %10s %12s %10s %10s %10s\n", "replica", "of", "streams", "unsent", "unreplayed", "kept",
           "seen ms", "at most");
    return spate_lab_replica_lag(lab, print_lag, all, err);
}

static int add(spate_lab *lab, const char *of, spate_error *err)
{
    const char *name = "";
    int rc = spate_lab_replica_add(lab, of, &name, err);
    if (rc == SPATE_OK)
        fprintf(stderr, "spate: %s follows %s\n", name, of ? of : "main");
    return rc;
}

int run_lab_replica(const invocation *in)
{
    spate_lab *lab;
    spate_error err = {0};
    bool all = true;
    const char *verb = in->arguments[0], *name = in->n_arguments > 1 ? in->arguments[1] : NULL;
    bool is_add = strcmp(verb, "add") == 0, is_lag = strcmp(verb, "lag") == 0, drop = strcmp(verb, "drop") == 0;
    bool promote = strcmp(verb, "promote") == 0;
    if (!(is_add || (is_lag && !name) || ((drop || promote) && name))) {
        fputs(
            "spate: 'lab replica' takes add, add SERVER, lag, promote REPLICA or drop REPLICA\ntry 'spate lab replica --help'\n",
            stderr);
        return EXIT_USAGE;
    }
    int code = open_lab(in, &lab);
    if (code)
        return code;
    int rc = is_add   ? add(lab, name, &err)
             : is_lag ? show_lag(lab, &err, &all)
             : drop   ? spate_lab_replica_drop(lab, name, &err)
                      : spate_lab_replica_promote(lab, name, &err);
    code = leave_lab(lab, rc, &err);
    return code ? code : all ? EXIT_OK : EXIT_NO;
}
