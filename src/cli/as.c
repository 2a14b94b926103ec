/* as.c - the command lines of the programs whose plans spate reads: who calls them by their name finds them here. */
#include "cli/as.h"

#include <string.h>

static const predecessor predecessors[] = {
    {"datagen", "datagen-cli: dumps of JSON schemas and templates", sp_as_datagen},
    {"datagen-cli", "the same", sp_as_datagen},
    {"dg", "dg: tables of a configuration as CSV files", sp_as_dg},
    {"dgs", "dgs: rows of a configuration into PostgreSQL or CockroachDB", sp_as_dgs},
    {0},
};

const predecessor *find_predecessor(const char *name)
{
    const char *slash = strrchr(name, '/');
    name = slash ? slash + 1 : name;
    for (const predecessor *p = predecessors; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

static void print_help(FILE *out)
{
    fputs(
        "usage: spate as PROGRAM [ITS ARGUMENTS]\n\nTakes the command line of another program: its flags, files, messages and exit "
        "codes.\nA link to spate that has the program's name does the same.\n\nprograms:\n",
        out);
    for (const predecessor *p = predecessors; p->name; p++)
        fprintf(out, "  %-12s %s\n", p->name, p->summary);
    fputs("\n'spate as PROGRAM --help' tells what it takes.\n", out);
}

int run_as(int argc, char **argv)
{
    const predecessor *p = argc ? find_predecessor(argv[0]) : NULL;
    if (p)
        return p->run(argc, argv);
    if (argc && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        print_help(stdout);
        return EXIT_OK;
    }
    fprintf(stderr,
            argc ? "spate: nothing is known of a program \"%s\"\n" : "spate: 'as' needs the name of a program\n",
            argc ? argv[0] : "");
    fputs("try 'spate as --help'\n", stderr);
    return EXIT_USAGE;
}
