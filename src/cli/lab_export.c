/* lab_export.c - the command 'lab export'. */
#include "cli/lab.h"

#include <stdlib.h>
#include <string.h>

const char *const engine_words[] = {"fdw",   "plproxy", "citus",
                                    "pgdog", "compose", NULL}; /* in the order of spate_lab_engine */

int run_lab_export(const invocation *in)
{
    const char *to = option_text(in, "to");
    bool load = option_flag(in, "load");
    unsigned engine = 0;
    char *text = NULL;
    spate_lab *lab;
    spate_error err = {0};
    if (!to) {
        fputs("spate: 'lab export' needs --to ENGINE\ntry 'spate lab export --help'\n", stderr);
        return EXIT_USAGE;
    }
    while (strcmp(engine_words[engine], to) != 0)
        engine++;
    int code = open_lab(in, &lab);
    if (code)
        return code;
    int rc = spate_lab_export(lab, (spate_lab_engine)engine, load, &text, &err);
    if (rc == SPATE_OK && load)
        fprintf(stderr, "spate: loaded into main, in the schema spate_%s; it shows the rows that the shards have\n",
                to);
    else if (rc == SPATE_OK)
        fputs(text, stdout);
    free(text);
    return leave_lab(lab, rc, &err);
}

int run_lab_compose(const invocation *in)
{
    char *text = NULL;
    spate_lab *lab;
    spate_error err = {0};
    int code = open_lab(in, &lab);
    if (code)
        return code;
    int rc = spate_lab_export(lab, SPATE_LAB_COMPOSE, false, &text, &err);
    if (rc == SPATE_OK)
        fputs(text, stdout);
    free(text);
    return leave_lab(lab, rc, &err);
}
