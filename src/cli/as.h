/* as.h - private to the command line: other programs' command lines, and what they share.
 *
 *   as.c         finds the program by its name: 'spate as NAME ...', or a link of that name
 *   as_cobra.c   commands and flags as Go's cobra and pflag have them: --flag value, help everywhere
 *   as_dgs.c     and a file like it for each program: its commands and flags, what they print, their exit codes */
#ifndef SP_CLI_AS_H
#define SP_CLI_AS_H

#include "cli/cli.h"

typedef struct predecessor {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the name; the exit code */
} predecessor;

/* By the name alone, or as the last part of a path; NULL: none of them. */
const predecessor *find_predecessor(const char *name);
int run_as(int argc, char **argv);

int sp_as_datagen(int argc, char **argv);
int sp_as_dg(int argc, char **argv);
int sp_as_dgs(int argc, char **argv);

/* ---- commands and flags (as_cobra.c) ---- */

typedef enum as_kind { AS_BOOL, AS_INT, AS_TEXT, AS_LIST } as_kind;

typedef struct as_flag {
    const char *name;
    char letter;  /* -c for --config; 0: none */
    as_kind kind; /* AS_LIST may be given more than once, and each time as A,B */
    bool required;
    const char *fallback; /* the text of the default; NULL: none */
    const char *help;
} as_flag;

enum { AS_WORDS_MAX = 256 };

typedef struct as_word {
    const as_flag *flag; /* NULL: an argument */
    const char *text;
} as_word;

typedef struct as_call {
    const struct as_program *program;
    const struct as_command *command;
    as_word words[AS_WORDS_MAX];
    size_t n;
} as_call;

typedef struct as_command {
    /* "gen data"; the commands of a group stand together, behind the group: a command that has no run */
    const char *name;
    const char *usage; /* behind the name: "[flags]" */
    const char *summary;
    const as_flag *flags;       /* by name; end with a NULL one, as do all; NULL: none */
    const as_flag *group_flags; /* of a group and its commands */
    int (*run)(const as_call *call);
} as_command;

typedef struct as_program {
    const char *name, *summary;
    const as_command *commands; /* by name */
    const as_flag *flags;       /* of all commands */
    bool quiet;                 /* a misuse shows no usage */
} as_program;

int as_cobra(const as_program *program, int argc, char **argv);
const char *as_text(const as_call *call, const char *name); /* the last one given, or the default */
bool as_bool(const as_call *call, const char *name);
int64_t as_int(const as_call *call, const char *name);
bool as_given(const as_call *call, const char *name);
const char *as_argument(const as_call *call, size_t i); /* NULL: there are fewer */

#endif
