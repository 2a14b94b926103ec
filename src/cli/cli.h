/* cli.h - the command line: one table of commands, from which the parser, the help, the man page and shell completion come.
 *
 * This room sees only the public headers. Data goes to stdout, everything chatty to stderr. Exit codes: docs/reference/exit-codes.md. */
#ifndef SP_CLI_H
#define SP_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "spate/spate.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_NO = 1,         /* the answer is no */
    EXIT_USAGE = 2,      /* command line or plan */
    EXIT_ENDPOINT = 3,   /* unreachable, refused, full */
    EXIT_DATA = 4,       /* data or constraint */
    EXIT_INCOMPLETE = 5, /* resumable */
    EXIT_BUG = 6,        /* bug, or a corrupt file */
};

/* ---- commands (commands.c) ---- */

/* OPTION_SOME: a count that cannot be none. */
typedef enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_COUNT, OPTION_SOME, OPTION_WORD } option_kind;

typedef struct option {
    const char *name;  /* without -- */
    const char *value; /* how help names its value; NULL for a flag */
    option_kind kind;
    bool many;                /* may be given more than once */
    const char *const *words; /* OPTION_WORD: the allowed ones, NULL-terminated */
    const char *help;
} option;

enum { OPTION_USES_MAX = 256, ARGUMENTS_MAX = 64 };

typedef struct option_use {
    const option *option;
    const char *value;
} option_use;

typedef struct invocation {
    const struct command *command;
    option_use uses[OPTION_USES_MAX];
    size_t n_uses;
    const char *arguments[ARGUMENTS_MAX];
    size_t n_arguments;
    const char *const *words; /* all of them as they were given, the command's name first */
    size_t n_words;
} invocation;

typedef struct command {
    const char *name; /* one word, or a group's and its own: "store info"; the commands of a group stand together */
    const char *arguments; /* "PLAN" */
    size_t arguments_min, arguments_max;
    const char *summary;   /* one line */
    const char *text;      /* paragraphs of help */
    const option *options; /* ends with a NULL name */
    int (*run)(const invocation *in);
    int (*run_words)(int argc, char **argv); /* instead: takes all words behind the name as they are, --help too */
} command;

extern const command commands[]; /* ends with a NULL name */

typedef struct command_group {
    const char *name, *summary;
} command_group;
extern const command_group command_groups[]; /* ends with a NULL name */

spate_insert_mode insert_mode_of(const char *word); /* of --insert-mode; NULL: the default */

/* ---- the words of the command line (options.c) ---- */

/* Fills in, or says on stderr what is wrong. False: misuse. */
bool parse_invocation(const command *c, int argc, char **argv, invocation *in);
const char *option_text(const invocation *in, const char *name); /* the last one given, or NULL */
bool option_flag(const invocation *in, const char *name);
bool set_rows(spate_plan *plan, const char *text);  /* TABLE=N of --rows; says what is wrong */
uint64_t option_count(const invocation *in, const char *name, uint64_t otherwise); /* already checked by the parser */

/* "did you mean": of the names considered the one most like a word, if it is like it at all. Begins with likeness = GUESS_LEAST. */
#define GUESS_LEAST 0.45
typedef struct guess {
    const char *word;
    size_t len;
    const char *best; /* NULL: none */
    double likeness;
} guess;
void consider(guess *g, const char *name);

/* Runs the command that words name behind the program's, as if they had been given. Nothing of an invocation outlives it. */
int run_words(int argc, char **argv);

/* ---- where things are remembered (state.c) ---- */

/* out, of PATH_MAX bytes: a path below $XDG_STATE_HOME/spate or ~/.local/state/spate, whose folder is made. False, said on stderr:
 * it is too long. */
bool state_path(char *out, const char *name);
/* The folder of the jobs' ledgers: what --ledger says, or "jobs" below the one above. */
bool jobs_folder(const invocation *in, char *out);

/* ---- words for a person (report.c) ---- */

int exit_code_of(spate_status status);
void report_error(const spate_error *err);
/* Every line of a text of the server's on stderr, behind a word that says what it is. */
void report_lines(const char *label, const char *text);
void report_mistakes(const spate_plan *plan);
void report_generated(const spate_generate_report *report, bool complete, bool dry_run);
void report_generated_json(FILE *out, const spate_generate_report *report, int status, bool dry_run,
                           const spate_error *err);
void report_copied(const spate_copy_report *report, bool complete, bool dry_run);
void report_copied_json(FILE *out, const spate_copy_report *report, int status, bool dry_run, const spate_error *err);
/* 1234567 -> "1,234,567" and 4_200_000 -> "4.2 M"; text holds at least 32 bytes. */
const char *with_commas(uint64_t n, char *text);
const char *with_unit(double n, char *text);
void print_json_string(FILE *out, const char *s);
void print_json_text(FILE *out, const char *s, size_t len);

/* ---- progress (progress.c) ---- */

typedef enum progress_mode { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON } progress_mode;
progress_mode progress_mode_of(const char *word); /* "auto" and NULL look at stderr */
typedef struct progress {
    progress_mode mode;
    unsigned lines; /* that the bars take up on the screen now */
    double last;    /* seconds at the last plain or JSON line */
    uint64_t told;  /* rows told at it */
} progress;
void progress_show(void *arg, const spate_table_progress *tables, size_t n_tables, double seconds);
void progress_end(progress *p); /* takes the bars off the screen */

/* ---- stopping (stop.c) ---- */

const int *stop_flag(void); /* not 0 once a signal has asked to stop */
void stop_catch_signals(void);
int stop_exit_code(spate_status status); /* dies of the signal if that is what ended the run */
/* The same of a run with a job (NULL: it has none), and says that it can go on. */
int job_exit_code(const char *job, spate_status status);

int run_config(const invocation *in);
int run_copy(const invocation *in);
int run_functions(const invocation *in);
int run_generate(const invocation *in);
int run_job_cancel(const invocation *in);
int run_job_list(const invocation *in);
int run_job_resume(const invocation *in);
int run_job_show(const invocation *in);
int run_migrate(const invocation *in);
int run_migrate_plan(const invocation *in);
int run_query(const invocation *in);
int run_store_index(const invocation *in);
int run_store_info(const invocation *in);
int run_store_repair(const invocation *in);
int run_store_scan(const invocation *in);
int run_store_set(const invocation *in);
int run_store_stats(const invocation *in);
int run_store_verify(const invocation *in);
int run_validate(const invocation *in);

#endif
