/* lab_snapshot.c - the command 'lab snapshot'. */
#include "cli/lab.h"

#include <string.h>

static void print_name(void *arg, const char *name)
{
    (void)arg;
    puts(name);
}

/* save NAME, restore NAME, drop NAME, list */
int run_lab_snapshot(const invocation *in)
{
    static const struct {
        const char *word;
        int (*call)(spate_lab *lab, const char *name, spate_error *err);
    } verbs[] = {
        {"save", spate_lab_snapshot_save}, {"restore", spate_lab_snapshot_restore}, {"drop", spate_lab_snapshot_drop}};
    const char *word = in->arguments[0];
    bool list = strcmp(word, "list") == 0, known = list;
    spate_lab *lab;
    spate_error err = {0};
    int rc = SPATE_OK;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
        known |= strcmp(word, verbs[i].word) == 0;
    if (!known || in->n_arguments != (list ? 1 : 2)) {
        fputs(
            "spate: 'lab snapshot' takes save NAME, restore NAME, drop NAME or list\ntry 'spate lab snapshot --help'\n",
            stderr);
        return EXIT_USAGE;
    }
    int code = open_lab(in, &lab);
    if (code)
        return code;
    if (list)
        rc = spate_lab_snapshots(lab, print_name, NULL, &err);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
        if (strcmp(word, verbs[i].word) == 0)
            rc = verbs[i].call(lab, in->arguments[1], &err);
    return leave_lab(lab, rc, &err);
}
