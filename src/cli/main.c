/* main.c - finds the command and runs it. */
#include "cli/as.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The group of a command of two words, or NULL. */
static const command_group *group_of(const command *c)
{
    for (const command_group *g = command_groups; g->name; g++) {
        size_t len = strlen(g->name);
        if (strncmp(c->name, g->name, len) == 0 && c->name[len] == ' ')
            return g;
    }
    return NULL;
}

static bool first_of_group(const command *c)
{
    return c == commands || group_of(c - 1) != group_of(c);
}

static void print_help(FILE *out)
{
    fputs("spate makes rows, keeps rows, moves rows and spreads rows.\n\nusage: spate COMMAND [OPTIONS]\n\ncommands:\n",
          out);
    for (const command *c = commands; c->name; c++) {
        const command_group *g = group_of(c);
        if (!g)
            fprintf(out, "  %-12s %s\n", c->name, c->summary);
        else if (first_of_group(c))
            fprintf(out, "  %-12s %s\n", g->name, g->summary);
    }
    fputs("  help         show this, or the help of a command\n  version      print the version\n\n"
          "'spate COMMAND --help' tells more.\n",
          out);
}

static void print_group_help(FILE *out, const command_group *g)
{
    fprintf(out, "usage: spate %s COMMAND [OPTIONS]\n\n%s\n\ncommands:\n", g->name, g->summary);
    for (const command *c = commands; c->name; c++)
        if (group_of(c) == g)
            fprintf(out, "  %-18s %s\n", c->name, c->summary);
    fprintf(out, "\n'spate %s COMMAND --help' tells more.\n", g->name);
}

static void print_option(FILE *out, const option *o)
{
    char left[64];
    snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    fprintf(out, "  %-26s %s%s\n", left, o->help, o->many ? " (repeatable)" : "");
}

static void print_command_help(FILE *out, const command *c)
{
    fprintf(out, "usage: spate %s%s%s%s\n\n%s\n", c->name, *c->arguments ? " " : "", c->arguments,
            c->options->name ? " [OPTIONS]" : "", c->text);
    if (c->options->name)
        fputs("\noptions:\n", out);
    for (const option *o = c->options; o->name; o++)
        print_option(out, o);
    fputs("  --help                     show this\n", out);
}

/* The manual page, in man(7) macros, of the same table. */
static void print_man(FILE *out)
{
    fputs(".TH SPATE 1 \"\" \"spate " SPATE_VERSION "\"\n.SH NAME\nspate \\- make, keep, move and spread rows\n"
          ".SH SYNOPSIS\n.B spate\n.I command\n[options]\n.SH COMMANDS\n",
          out);
    for (const command *c = commands; c->name; c++) {
        fprintf(out, ".SS spate %s %s\n%s\n", c->name, c->arguments, c->text);
        for (const option *o = c->options; o->name; o++)
            fprintf(out, ".TP\n.B \\-\\-%s%s%s\n%s%s\n", o->name, o->value ? " " : "", o->value ? o->value : "",
                    o->help, o->many ? " (repeatable)" : "");
    }
    fputs(
        ".SH EXIT STATUS\n0 success; 1 the answer is no; 2 usage or plan; 3 endpoint unreachable or refused; 4 data or "
        "constraint error; 5 incomplete but resumable; 6 bug or corrupt file.\n",
        out);
}

static void print_completion_of(FILE *out, const command *c)
{
    fprintf(out, "    '%s') words='--help", c->name);
    for (const option *o = c->options; o->name; o++)
        fprintf(out, " --%s", o->name);
    fputs("' ;;\n", out);
}

static void print_words_of_groups(FILE *out)
{
    for (const command_group *g = command_groups; g->name; g++) {
        fprintf(out, "    %s) words='", g->name);
        for (const command *c = commands; c->name; c++)
            if (group_of(c) == g)
                fprintf(out, "%s ", c->name + strlen(g->name) + 1);
        fputs("' ;;\n", out);
    }
}

static bool has_two_words(const command *c)
{
    return strchr(c->name, ' ') != NULL;
}

static void print_completion(FILE *out)
{
    fputs(
        "# bash completion: source <(spate help --completion)\n_spate() {\n    local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
        "    if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W \"help version",
        out);
    for (const command *c = commands; c->name; c++)
        if (!has_two_words(c) || (group_of(c) && first_of_group(c)))
            fprintf(out, " %s", group_of(c) ? group_of(c)->name : c->name);
    fputs("\" -- \"$cur\")); return; fi\n    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n", out);
    for (const command *c = commands; c->name; c++)
        if (has_two_words(c))
            print_completion_of(out, c);
    fputs("    *) case ${COMP_WORDS[1]} in\n", out);
    for (const command *c = commands; c->name; c++)
        if (!has_two_words(c))
            print_completion_of(out, c);
    print_words_of_groups(out);
    fputs("    esac ;;\n    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "    [[ $cur == -* || ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n"
          "}\ncomplete -o filenames -F _spate spate\n",
          out);
}

/* The command that words begin with, and how many words its name has. */
static const command *find_command(int argc, char **argv, int *used)
{
    for (const command *c = commands; c->name; c++) {
        const char *second = strchr(c->name, ' ');
        size_t first = second ? (size_t)(second - c->name) : strlen(c->name);
        *used = second ? 2 : 1;
        if (argc >= *used && strlen(argv[0]) == first && memcmp(argv[0], c->name, first) == 0 &&
            (!second || strcmp(argv[1], second + 1) == 0))
            return c;
    }
    return NULL;
}

static const command_group *find_group(const char *name)
{
    for (const command_group *g = command_groups; g->name; g++)
        if (strcmp(g->name, name) == 0)
            return g;
    return NULL;
}

/* Of a group's commands, or of all. */
static void say_unknown(const char *word, const command_group *g)
{
    guess near = {.word = word, .len = strlen(word), .likeness = GUESS_LEAST};
    for (const command *c = commands; c->name; c++)
        if (group_of(c) == g)
            consider(&near, g ? strchr(c->name, ' ') + 1 : c->name);
    for (const command_group *other = command_groups; !g && other->name; other++)
        consider(&near, other->name);
    fprintf(stderr, "spate: unknown command \"%s\"", word);
    if (g)
        fprintf(stderr, " of '%s'", g->name);
    if (near.best)
        fprintf(stderr, "; did you mean \"%s\"?", near.best);
    fprintf(stderr, "\ntry 'spate %s%s--help'\n", g ? g->name : "", g ? " " : "");
}

static int unknown_command(int argc, char **argv)
{
    const command_group *g = find_group(argv[0]);
    if (!g)
        say_unknown(argv[0], NULL);
    else if (argc == 1 || argv[1][0] == '-')
        fprintf(stderr, "spate: '%s' needs a command behind it\ntry 'spate %s --help'\n", g->name, g->name);
    else
        say_unknown(argv[1], g);
    return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
    int used;
    const command *c = argc ? find_command(argc, argv, &used) : NULL;
    const command_group *g = argc == 1 ? find_group(argv[0]) : NULL;
    if (argc == 0)
        print_help(stdout);
    else if (strcmp(argv[0], "--man") == 0)
        print_man(stdout);
    else if (strcmp(argv[0], "--completion") == 0)
        print_completion(stdout);
    else if (c)
        print_command_help(stdout, c);
    else if (g)
        print_group_help(stdout, g);
    else
        return unknown_command(argc, argv);
    return EXIT_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* used: of the words, how many are the command's name. */
static int run_command(const command *c, int used, int argc, char **argv)
{
    argc -= used;
    argv += used;
    if (c->run_words)
        return c->run_words(argc, argv);
    if (asks_for_help(argc, argv)) {
        print_command_help(stdout, c);
        return EXIT_OK;
    }
    static invocation in;
    if (!parse_invocation(c, argc, argv, &in)) {
        fprintf(stderr, "try 'spate %s --help'\n", c->name);
        return EXIT_USAGE;
    }
    in.words = (const char *const *)argv - used;
    in.n_words = (size_t)(argc + used);
    return c->run(&in);
}

static int run(int argc, char **argv)
{
    int used;
    const command *c = find_command(argc, argv, &used);
    if (c)
        return run_command(c, used, argc, argv);
    const command_group *g = find_group(argv[0]);
    if (!g || argc != 2 || !asks_for_help(argc - 1, argv + 1))
        return unknown_command(argc, argv);
    print_group_help(stdout, g);
    return EXIT_OK;
}

/* A descriptor from 0 to 2 that is closed would be given to the next file opened, and what is meant for the terminal would be
 * written into it. */
static bool open_closed_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
            return false;
    return true;
}

int run_words(int argc, char **argv)
{
    const char *word = argv[1];
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(argc - 2, argv + 2);
    if (strcmp(word, "version") == 0 || strcmp(word, "--version") == 0) {
        puts("spate " SPATE_VERSION);
        return EXIT_OK;
    }
    return run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    if (!open_closed_descriptors())
        return EXIT_ENDPOINT;
    const predecessor *other = argc > 0 ? find_predecessor(argv[0]) : NULL; /* a link of that name */
    int code = other ? other->run(argc, argv) : run_words(argc, argv);
    if (fflush(stdout) != 0 && code == EXIT_OK) {
        perror("spate: could not write to standard output");
        code = EXIT_ENDPOINT;
    }
    return code;
}
