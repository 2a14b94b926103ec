/* as_cobra.c - commands in words, flags behind them anywhere, help for everything: what programs in Go get from cobra and pflag.
 *
 * Messages and layout are theirs, for scripts that read them; a failure is exit code 1. */
#include "cli/as.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_FAILED = 1 };

static const as_flag no_flags[] = {{0}};
static const as_flag help_flag = {"help", 'h', AS_BOOL, false, NULL, NULL};

/* ---- commands ---- */

static const as_flag *flags_of(const as_flag *flags)
{
    return flags ? flags : no_flags;
}

static size_t words_in(const char *name)
{
    size_t n = 1;
    for (; *name; name++)
        n += *name == ' ';
    return n;
}

/* "gen data" is in the group "gen", and everything is in NULL. */
static bool is_in(const as_command *c, const as_command *group)
{
    size_t len = group ? strlen(group->name) : 0;
    return !group || (strncmp(c->name, group->name, len) == 0 && c->name[len] == ' ');
}

static bool is_member(const as_command *c, const as_command *group)
{
    return is_in(c, group) && words_in(c->name) == (group ? words_in(group->name) + 1 : 1);
}

static const char *last_word(const as_command *c)
{
    const char *space = strrchr(c->name, ' ');
    return space ? space + 1 : c->name;
}

/* The member of a group that a word names. */
static const as_command *find_member(const as_program *p, const as_command *group, const char *word)
{
    for (const as_command *c = p->commands; c->name; c++)
        if (is_member(c, group) && strcmp(last_word(c), word) == 0)
            return c;
    return NULL;
}

/* ---- help ---- */

static const char *kind_word(const as_flag *f)
{
    static const char *const words[] = {
        [AS_BOOL] = "", [AS_INT] = " int", [AS_TEXT] = " string", [AS_LIST] = " strings"};
    return words[f->kind];
}

static void print_flag(FILE *out, const as_flag *f, const char *help, size_t width)
{
    char left[80];
    int len = f->letter ? snprintf(left, sizeof(left), "  -%c, --%s%s", f->letter, f->name, kind_word(f))
                        : snprintf(left, sizeof(left), "      --%s%s", f->name, kind_word(f));
    fprintf(out, "%s%*s   %s", left, (int)width - len, "", help);
    if (f->fallback && *f->fallback && strcmp(f->fallback, "0") != 0)
        fprintf(out, f->kind == AS_TEXT ? " (default \"%s\")" : " (default %s)", f->fallback);
    fputc('\n', out);
}

static void print_flags(FILE *out, const char *title, const as_flag *const *lists, size_t n_lists, const char *help)
{
    size_t width = help ? sizeof("  -h, --help") - 1 : 0;
    bool helped = help == NULL;
    for (size_t i = 0; i < n_lists; i++)
        for (const as_flag *f = lists[i]; f->name; f++) {
            size_t len = sizeof("      --") - 1 + strlen(f->name) + strlen(kind_word(f));
            width = len > width ? len : width;
        }
    if (!width)
        return;
    fprintf(out, "\n%s:\n", title);
    for (size_t i = 0; i < n_lists; i++)
        for (const as_flag *f = lists[i]; f->name; f++) {
            if (!helped && strcmp(f->name, "help") > 0)
                print_flag(out, &help_flag, help, width);
            helped = helped || strcmp(f->name, "help") > 0;
            print_flag(out, f, f->help, width);
        }
    if (!helped)
        print_flag(out, &help_flag, help, width);
}

/* The group that a command is in, or NULL. */
static const as_command *group_of(const as_program *p, const as_command *c)
{
    for (const as_command *g = p->commands; c && g->name; g++)
        if (is_member(c, g))
            return g;
    return NULL;
}

/* Every program's own, which stand in no table. */
static const struct {
    const char *name, *summary;
} own[] = {{"completion", "Generate the autocompletion script for the specified shell"},
           {"help", "Help about any command"}};

static void print_members(FILE *out, const as_program *p, const as_command *group)
{
    size_t next = group ? sizeof(own) / sizeof(*own) : 0;
    fputs("\nAvailable Commands:\n", out);
    for (const as_command *c = p->commands; c->name; c++) {
        for (; is_member(c, group) && next < sizeof(own) / sizeof(*own) && strcmp(own[next].name, c->name) < 0; next++)
            fprintf(out, "  %-11s %s\n", own[next].name, own[next].summary);
        if (is_member(c, group))
            fprintf(out, "  %-11s %s\n", last_word(c), c->summary);
    }
    for (; next < sizeof(own) / sizeof(*own); next++)
        fprintf(out, "  %-11s %s\n", own[next].name, own[next].summary);
}

static void print_usage(FILE *out, const as_program *p, const as_command *c)
{
    char help[128];
    const as_command *group = group_of(p, c);
    const char *space = c ? " " : "", *name = c ? c->name : "";
    snprintf(help, sizeof(help), "help for %s", c ? last_word(c) : p->name);
    fputs("Usage:\n", out);
    if (c && c->run)
        fprintf(out, "  %s %s%s%s\n", p->name, name, *c->usage ? " " : "", c->usage);
    else
        fprintf(out, "  %s%s%s [command]\n", p->name, space, name);
    if (!c || !c->run)
        print_members(out, p, c);
    const as_flag *here[] = {flags_of(c ? c->flags : p->flags), flags_of(c ? c->group_flags : NULL)};
    print_flags(out, "Flags", here, 2, help);
    const as_flag *above[] = {flags_of(group ? group->group_flags : NULL), flags_of(c ? p->flags : NULL)};
    print_flags(out, "Global Flags", above, 2, NULL);
    if (!c || !c->run)
        fprintf(out, "\nUse \"%s%s%s [command] --help\" for more information about a command.\n", p->name, space, name);
}

static int print_help(const as_program *p, const as_command *c)
{
    printf("%s\n\n", c ? c->summary : p->summary);
    print_usage(stdout, p, c);
    return EXIT_OK;
}

/* ---- misuse ---- */

static int misuse(const as_program *p, const as_command *c, const char *fmt, const char *a, const char *b)
{
    fputs("Error: ", stderr);
    fprintf(stderr, fmt, a, b);
    fputc('\n', stderr);
    if (!p->quiet) {
        print_usage(stderr, p, c);
        fputc('\n', stderr);
    }
    return EXIT_FAILED;
}

static int unknown_command(const as_program *p, const char *word)
{
    fprintf(stderr, "Error: unknown command \"%s\" for \"%s\"\n", word, p->name);
    if (!p->quiet)
        fprintf(stderr, "Run '%s --help' for usage.\n", p->name);
    return EXIT_FAILED;
}

/* ---- flags ---- */

static const as_flag *find_flag(const as_call *call, const char *name, size_t len, char letter)
{
    const as_command *c = call->command, *group = group_of(call->program, c);
    const as_flag *lists[] = {c ? c->flags : NULL, c ? c->group_flags : NULL, group ? group->group_flags : NULL,
                              call->program->flags};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        for (const as_flag *f = flags_of(lists[i]); f->name; f++)
            if (name ? strlen(f->name) == len && memcmp(f->name, name, len) == 0 : f->letter == letter)
                return f;
    return (name ? len == 4 && memcmp(name, "help", 4) == 0 : letter == 'h') ? &help_flag : NULL;
}

static bool is_bool_word(const char *text)
{
    static const char *const words[] = {"true", "false", "1",    "0",     "t",    "f",
                                        "T",    "F",     "TRUE", "FALSE", "True", "False"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(words[i], text) == 0)
            return true;
    return false;
}

static bool is_number(const char *text)
{
    char *end;
    errno = 0;
    strtoll(text, &end, 0);
    return *text && *end == '\0' && errno == 0;
}

static int add_word(as_call *call, const as_flag *f, const char *text)
{
    bool good = !f || (f->kind == AS_BOOL ? is_bool_word(text) : f->kind != AS_INT || is_number(text));
    if (!good) {
        char shown[80], letter[] = {'-', f->letter, ',', ' ', '\0'};
        snprintf(shown, sizeof(shown), "\"%s--%s\"", f->letter ? letter : "", f->name);
        return misuse(call->program, call->command, "invalid argument \"%s\" for %s flag: invalid syntax", text, shown);
    }
    if (call->n == AS_WORDS_MAX)
        return misuse(call->program, call->command, "too many arguments%s%s", "", "");
    call->words[call->n++] = (as_word){f, text};
    return EXIT_OK;
}

/* "--name", "--name value" or "--name=value"; *i moves over a value of its own. */
static int read_long(as_call *call, int argc, char **argv, int *i)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    const as_flag *f = find_flag(call, name, equals ? (size_t)(equals - name) : strlen(name), 0);
    if (!f) {
        char shown[64];
        snprintf(shown, sizeof(shown), "%.*s", (int)strcspn(argv[*i], "="), argv[*i]);
        return misuse(call->program, call->command, "unknown flag: %s%s", shown, "");
    }
    if (equals)
        return add_word(call, f, equals + 1);
    if (f->kind == AS_BOOL)
        return add_word(call, f, "true");
    if (*i + 1 >= argc)
        return misuse(call->program, call->command, "flag needs an argument: %s%s", argv[*i], "");
    return add_word(call, f, argv[++*i]);
}

/* "-abc": letters, the last of which may take the rest, or the next word. */
static int read_letters(as_call *call, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    for (const char *p = word + 1; *p; p++) {
        char letter[2] = {*p, '\0'};
        const as_flag *f = find_flag(call, NULL, 0, *p);
        if (!f)
            return misuse(call->program, call->command, "unknown shorthand flag: '%s' in %s", letter, word);
        if (f->kind == AS_BOOL && p[1] != '=') {
            int code = add_word(call, f, "true");
            if (code)
                return code;
            continue;
        }
        if (p[1])
            return add_word(call, f, p + 1 + (p[1] == '='));
        if (*i + 1 >= argc)
            return misuse(call->program, call->command, "flag needs an argument: '%s' in %s", letter, word);
        return add_word(call, f, argv[++*i]);
    }
    return EXIT_OK;
}

static int read_words(as_call *call, int argc, char **argv)
{
    bool only_arguments = false;
    int code = EXIT_OK;
    for (int i = 0; i < argc && !code; i++) {
        if (!only_arguments && strcmp(argv[i], "--") == 0)
            only_arguments = true;
        else if (only_arguments || argv[i][0] != '-' || argv[i][1] == '\0')
            code = add_word(call, NULL, argv[i]);
        else
            code = argv[i][1] == '-' ? read_long(call, argc, argv, &i) : read_letters(call, argc, argv, &i);
    }
    return code;
}

static int check_required(const as_call *call)
{
    char missing[256] = "";
    const as_command *group = group_of(call->program, call->command);
    const as_flag *lists[] = {flags_of(call->command->flags), flags_of(group ? group->group_flags : NULL)};
    for (size_t i = 0; i < 2; i++)
        for (const as_flag *f = lists[i]; f->name; f++) {
            size_t len = strlen(missing);
            if (f->required && !as_given(call, f->name))
                snprintf(missing + len, sizeof(missing) - len, "%s\"%s\"", len ? ", " : "", f->name);
        }
    return *missing ? misuse(call->program, call->command, "required flag(s) %s not set%s", missing, "") : EXIT_OK;
}

/* ---- help and completion, which every such program has ---- */

static int help(const as_program *p, int argc, char **argv)
{
    const as_command *c = NULL, *next;
    for (int i = 0; i < argc && (next = find_member(p, c, argv[i])) != NULL; i++)
        c = next;
    return print_help(p, c);
}

static void print_completion_words(const as_program *p)
{
    for (const as_command *c = p->commands; c->name; c++) {
        const as_flag *lists[] = {flags_of(c->flags), flags_of(c->group_flags)};
        printf("%s ", last_word(c));
        for (size_t i = 0; i < 2; i++)
            for (const as_flag *f = lists[i]; f->name; f++)
                printf("--%s ", f->name);
    }
    fputs("completion help", stdout);
}

static int completion(const as_program *p, int argc, char **argv)
{
    static const struct {
        const char *shell, *before, *after;
    } shells[] = {
        {"bash", "complete -o default -W '", "' %s\n"},
        {"zsh", "autoload -U bashcompinit && bashcompinit\ncomplete -o default -W '", "' %s\n"},
        {"fish", "complete -a '", "' -c %s\n"},
        {"powershell", "$words = -split '",
         "'\nRegister-ArgumentCompleter -Native -CommandName %s -ScriptBlock { param($word) $words | Where-Object { $_ -like \"$word*\" } }\n"},
    };
    for (size_t i = 0; argc > 0 && i < sizeof(shells) / sizeof(*shells); i++) {
        if (strcmp(argv[0], shells[i].shell) != 0)
            continue;
        fputs(shells[i].before, stdout);
        print_completion_words(p);
        printf(shells[i].after, p->name);
        return EXIT_OK;
    }
    printf("Generate the autocompletion script for %s.\n\nUsage:\n  %s completion bash|fish|powershell|zsh\n", p->name,
           p->name);
    return EXIT_OK;
}

/* ---- the call ---- */

/* Whether the word behind this one is its value. */
static bool takes_next(const as_call *call, const char *word)
{
    bool is_long = word[1] == '-';
    if (word[0] != '-' || word[1] == '\0' || strcmp(word, "--") == 0 || strchr(word, '=') || (!is_long && word[2]))
        return false;
    const as_flag *f = is_long ? find_flag(call, word + 2, strlen(word + 2), 0) : find_flag(call, NULL, 0, word[1]);
    return !f || f->kind != AS_BOOL;
}

/* Takes the words of the command out, which may stand between flags; how many words are left. */
static int find_command(as_call *call, int argc, char **argv)
{
    int n = 0, i = 0;
    for (; i < argc && !(call->command && call->command->run) && strcmp(argv[i], "--") != 0; i++) {
        const as_command *next = argv[i][0] == '-' ? NULL : find_member(call->program, call->command, argv[i]);
        if (next) {
            call->command = next;
            continue;
        }
        if (argv[i][0] != '-')
            break; /* an argument: no command comes behind it */
        bool value = takes_next(call, argv[i]) && i + 1 < argc;
        argv[n++] = argv[i];
        if (value)
            argv[n++] = argv[++i];
    }
    while (i < argc)
        argv[n++] = argv[i++];
    return n;
}

int as_cobra(const as_program *p, int argc, char **argv)
{
    static as_call call;
    call = (as_call){.program = p};
    argc--, argv++;
    if (argc && !find_member(p, NULL, argv[0]) && strcmp(argv[0], "help") == 0)
        return help(p, argc - 1, argv + 1);
    if (argc && !find_member(p, NULL, argv[0]) && strcmp(argv[0], "completion") == 0)
        return completion(p, argc - 1, argv + 1);
    argc = find_command(&call, argc, argv);
    int code = read_words(&call, argc, argv);
    if (code)
        return code;
    if (as_given(&call, "help"))
        return print_help(p, call.command);
    if (!call.command && as_argument(&call, 0))
        return unknown_command(p, as_argument(&call, 0));
    if (!call.command || !call.command->run)
        return print_help(p, call.command);
    code = check_required(&call);
    return code ? code : call.command->run(&call);
}

const char *as_text(const as_call *call, const char *name)
{
    for (size_t i = call->n; i-- > 0;)
        if (call->words[i].flag && strcmp(call->words[i].flag->name, name) == 0)
            return call->words[i].text;
    const as_flag *f = find_flag(call, name, strlen(name), 0);
    return f ? f->fallback : NULL;
}

bool as_bool(const as_call *call, const char *name)
{
    const char *text = as_text(call, name);
    return text && (*text == '1' || *text == 't' || *text == 'T');
}

int64_t as_int(const as_call *call, const char *name)
{
    const char *text = as_text(call, name);
    return text ? strtoll(text, NULL, 0) : 0;
}

bool as_given(const as_call *call, const char *name)
{
    for (size_t i = 0; i < call->n; i++)
        if (call->words[i].flag && strcmp(call->words[i].flag->name, name) == 0)
            return true;
    return false;
}

const char *as_argument(const as_call *call, size_t at)
{
    for (size_t i = 0; i < call->n; i++)
        if (!call->words[i].flag && at-- == 0)
            return call->words[i].text;
    return NULL;
}
