/* job.c - the commands 'job ...': the library's ledgers of jobs as tables, as JSON, and run again. */
#include "cli/cli.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RANGES_SHOWN = 8 };

static int failed(const spate_error *err)
{
    report_error(err);
    return exit_code_of(err->status);
}

/* ---- words and numbers ---- */

static const char *moment(int64_t us, bool utc, char text[32])
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm t;
    if (!(utc ? gmtime_r(&seconds, &t) : localtime_r(&seconds, &t)) ||
        !strftime(text, 32, utc ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d %H:%M:%S", &t))
        *text = '\0';
    return text;
}

/* What part of it has landed, by rows or else by positions; below 0: nobody knows. */
static double share_of_table(const spate_job_table *t)
{
    uint64_t covered = 0;
    if (t->complete || t->rows == 0)
        return 1;
    if (t->rows != UINT64_MAX)
        return (double)t->rows_done / (double)t->rows;
    for (size_t i = 0; i < t->n_ranges; i++)
        covered += (t->ranges[i].last < t->end ? t->ranges[i].last : t->end) - t->ranges[i].first;
    return t->end == UINT64_MAX ? -1 : t->end ? (double)covered / (double)t->end : 1;
}

/* Of tables that cannot be added up, the mean. */
static double share_of(const spate_job *job)
{
    double sum = 0;
    if (job->state == SPATE_JOB_DONE)
        return 1;
    if (job->rows != UINT64_MAX && job->rows > 0)
        return (double)job->rows_done / (double)job->rows;
    for (size_t i = 0; i < job->n_tables; i++) {
        double share = share_of_table(&job->tables[i]);
        if (share < 0)
            return -1;
        sum += share;
    }
    return job->n_tables ? sum / (double)job->n_tables : 0;
}

static const char *percent(double share, char text[16])
{
    if (share < 0)
        return "-";
    snprintf(text, 16, "%.0f%%",
             share >= 1              ? 100.0
             : share * 100 - 0.5 < 0 ? 0
                                     : share * 100 - 0.5); /* 100 only when it is all */
    return text;
}

/* ---- list ---- */

typedef struct listing {
    const char *folder;
    bool json;
    size_t n;
    int status;
} listing;

static void print_share(double share)
{
    if (share < 0)
        fputs("null", stdout);
    else
        printf("%.4f", share);
}

static void print_text(const char *name, const char *value)
{
    printf("\"%s\": ", name);
    print_json_string(stdout, value);
}

static void print_head_json(const spate_job *job, const char *indent)
{
    char a[32], b[32], c[32];
    printf("{\n%s  ", indent);
    print_text("name", job->name);
    printf(",\n%s  \"state\": \"%s\",\n%s  \"kind\": \"%s\",\n%s  ", indent, spate_job_state_name(job->state), indent,
           job->kind, indent);
    print_text("source", job->source);
    printf(",\n%s  ", indent);
    print_text("target", job->target);
    printf(",\n%s  \"rows_done\": %llu,\n%s  \"rows\": ", indent, (unsigned long long)job->rows_done, indent);
    if (job->rows == UINT64_MAX)
        fputs("null", stdout);
    else
        printf("%llu", (unsigned long long)job->rows);
    printf(",\n%s  \"share\": ", indent);
    print_share(share_of(job));
    printf(
        ",\n%s  \"rows_per_second\": %.0f,\n%s  \"pid\": %ld,\n%s  \"made\": \"%s\",\n%s  \"began\": \"%s\",\n%s  \"seen\": \"%s\"",
        indent, job->rate, indent, job->pid, indent, moment(job->made_us, true, a), indent,
        moment(job->began_us, true, b), indent, moment(job->seen_us, true, c));
    if (*job->error) {
        printf(",\n%s  ", indent);
        print_text("error", job->error);
    }
}

static void print_line(const spate_job *job, bool first)
{
    char rows[32], share[16], rate[32], seen[32];
    if (first)
        printf("%-24s %-9s %-8s %15s %5s %9s  %-19s  %s\n", "job", "state", "kind", "rows", "done", "rows/s", "seen",
               "target");
    printf("%-24s %-9s %-8s %15s %5s %9s  %-19s  %s\n", job->name, spate_job_state_name(job->state), job->kind,
           with_commas(job->rows_done, rows), percent(share_of(job), share), with_unit(job->rate, rate),
           moment(job->seen_us, false, seen), job->target);
}

static int list_one(void *arg, const char *name)
{
    listing *l = arg;
    spate_job job;
    spate_error err = {0};
    if (spate_job_read(l->folder, name, &job, &err) != SPATE_OK) {
        l->status = failed(&err); /* the others are listed all the same */
        return 0;
    }
    if (l->json) {
        fputs(l->n ? ",\n  " : "\n  ", stdout);
        print_head_json(&job, "  ");
        fputs("\n  }", stdout);
    } else {
        print_line(&job, l->n == 0);
    }
    l->n++;
    spate_job_done(&job);
    return 0;
}

int run_job_list(const invocation *in)
{
    char folder[PATH_MAX];
    spate_error err = {0};
    listing l = {.folder = folder, .json = option_flag(in, "json")};
    if (!jobs_folder(in, folder))
        return EXIT_USAGE;
    if (l.json)
        putchar('[');
    int rc = spate_job_each(folder, list_one, &l, &err);
    if (l.json)
        fputs(l.n ? "\n]\n" : "]\n", stdout);
    else if (l.n == 0 && rc == SPATE_OK)
        fprintf(stderr, "spate: there are no jobs in %s\n", folder);
    return rc == SPATE_OK ? l.status : failed(&err);
}

/* ---- show ---- */

static void print_table_json(const spate_job_table *t, bool first)
{
    printf("%s\n    {", first ? "" : ",");
    print_text("name", t->name);
    printf(", \"round\": %u, \"complete\": %s, \"rows_done\": %llu, \"share\": ", t->round,
           t->complete ? "true" : "false", (unsigned long long)t->rows_done);
    print_share(share_of_table(t));
    fputs(", \"ranges\": [", stdout);
    for (size_t i = 0; i < t->n_ranges; i++) {
        const spate_job_range *r = &t->ranges[i];
        printf(r->last == UINT64_MAX ? "%s[%llu, null]" : "%s[%llu, %llu]", i ? ", " : "", (unsigned long long)r->first,
               (unsigned long long)r->last);
    }
    fputs("]}", stdout);
}

static void print_job_json(const spate_job *job)
{
    print_head_json(job, "");
    fputs(",\n  ", stdout);
    print_text("unit", job->unit);
    fputs(",\n  ", stdout);
    print_text("directory", job->directory);
    fputs(",\n  \"command\": [", stdout);
    for (size_t i = 0; i < job->n_words; i++) {
        fputs(i ? ", " : "", stdout);
        print_json_string(stdout, job->words[i]);
    }
    fputs("],\n  \"tables\": [", stdout);
    for (size_t i = 0; i < job->n_tables; i++)
        print_table_json(&job->tables[i], i == 0);
    fputs(job->n_tables ? "\n  ]\n}\n" : "]\n}\n", stdout);
}

static void print_ranges(const spate_job *job, const spate_job_table *t)
{
    for (size_t i = 0; i < t->n_ranges && i < RANGES_SHOWN; i++) {
        char last[24];
        snprintf(last, sizeof(last), "%llu", (unsigned long long)t->ranges[i].last);
        printf("%s%llu-%s", i ? ", " : "  ", (unsigned long long)t->ranges[i].first,
               t->ranges[i].last == UINT64_MAX ? "end" : last);
    }
    if (t->n_ranges > RANGES_SHOWN)
        printf(", and %zu more", t->n_ranges - RANGES_SHOWN);
    printf("%s%s\n", t->n_ranges ? " " : "", t->n_ranges ? job->unit : "");
}

static void print_command(const spate_job *job)
{
    fputs("command    spate", stdout);
    for (size_t i = 0; i < job->n_words; i++) {
        bool plain =
            job->words[i][strspn(job->words[i],
                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@%+")] == '\0';
        printf(plain && *job->words[i] ? " %s" : " '%s'", job->words[i]);
    }
    printf("\nin         %s\n", job->directory);
}

static void print_job(const spate_job *job)
{
    char a[32], b[32], c[32], d[16];
    printf("job        %s\nstate      %s\n", job->name, spate_job_state_name(job->state));
    if (job->state == SPATE_JOB_RUNNING)
        printf("process    %ld\n", job->pid);
    if (*job->error)
        printf("error      %s\n", job->error);
    printf("source     %s\ntarget     %s\n", job->source, job->target);
    if (job->n_words)
        print_command(job);
    printf("begun      %s\nlast run   %s\nlast seen  %s\nrows       %s (%s)", moment(job->made_us, false, a),
           moment(job->began_us, false, b), moment(job->seen_us, false, c), with_commas(job->rows_done, (char[32]){0}),
           percent(share_of(job), d));
    printf(", %s rows/s\n", with_unit(job->rate, a));
    if (job->n_tables)
        printf("\n%-24s %5s %15s %5s  landed\n", "table", "round", "rows", "done");
    for (size_t i = 0; i < job->n_tables; i++) {
        const spate_job_table *t = &job->tables[i];
        printf("%-24s %5u %15s %5s", t->name, t->round, with_commas(t->rows_done, a), percent(share_of_table(t), d));
        print_ranges(job, t);
    }
}

static int open_job(const invocation *in, char folder[PATH_MAX], spate_job *job)
{
    spate_error err = {0};
    if (!jobs_folder(in, folder))
        return EXIT_USAGE;
    return spate_job_read(folder, in->arguments[0], job, &err) == SPATE_OK ? EXIT_OK : failed(&err);
}

int run_job_show(const invocation *in)
{
    char folder[PATH_MAX];
    spate_job job;
    int code = open_job(in, folder, &job);
    if (code != EXIT_OK)
        return code;
    if (option_flag(in, "json"))
        print_job_json(&job);
    else
        print_job(&job);
    spate_job_done(&job);
    return EXIT_OK;
}

static void hint_at_secret(const spate_job *job)
{
    if (job->secret_left_out)
        fputs(
            "  hint: a password that stood in the command is not kept: give it in PGPASSWORD or ~/.pgpass, or the URI once more\n",
            stderr);
}

/* ---- resume ---- */

/* Whether word i is option --name, or follows it. "--name=value" is its own. */
static bool is_option(const spate_job *job, size_t i, const char *name)
{
    const char *word = job->words[i];
    size_t len = strlen(name);
    if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, len) == 0 &&
        (word[2 + len] == '\0' || word[2 + len] == '='))
        return true;
    return i > 0 && strncmp(job->words[i - 1], "--", 2) == 0 && strcmp(job->words[i - 1] + 2, name) == 0;
}

/* The recorded words; but the job goes by the name that it has got, in the folder where it was found. */
static int repeat(const spate_job *job, const char *folder)
{
    char **argv = calloc(job->n_words + 6, sizeof(*argv));
    char *const more[] = {"--job", (char *)job->name, "--ledger", (char *)folder};
    int argc = 0;
    if (!argv) {
        fputs("spate: out of memory\n", stderr);
        return EXIT_ENDPOINT;
    }
    argv[argc++] = "spate";
    for (size_t i = 0; i < job->n_words; i++)
        if (!is_option(job, i, "job") && !is_option(job, i, "ledger"))
            argv[argc++] = (char *)job->words[i];
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
        argv[argc++] = more[i];
    int code = run_words(argc, argv);
    free(argv);
    return code;
}

static int resume(const spate_job *job, const char *folder)
{
    char whole[PATH_MAX];
    if (job->n_words == 0) {
        fprintf(stderr, "spate: job %s was not begun by a command: there is none to repeat\n", job->name);
        return EXIT_USAGE;
    }
    for (size_t i = 1; i < job->n_words; i++)
        if (strcmp(job->words[i], "-") == 0) {
            fprintf(stderr,
                    "spate: the command of job %s read from standard input, which is not kept: repeat it by hand\n",
                    job->name);
            return EXIT_USAGE;
        }
    if (!realpath(folder, whole) || chdir(job->directory) != 0) {
        fprintf(stderr, "spate: cannot go to directory \"%s\", where job %s was begun\n", job->directory, job->name);
        return EXIT_USAGE;
    }
    int code = repeat(job, whole);
    if (code != EXIT_OK)
        hint_at_secret(job);
    return code;
}

int run_job_resume(const invocation *in)
{
    char folder[PATH_MAX];
    spate_job job;
    int code = open_job(in, folder, &job);
    if (code != EXIT_OK)
        return code;
    code = resume(&job, folder);
    spate_job_done(&job);
    return code;
}

/* ---- cancel ---- */

int run_job_cancel(const invocation *in)
{
    char folder[PATH_MAX];
    spate_job job;
    spate_error err = {0};
    spate_job_cancel_options options = {.remove = option_flag(in, "remove"), .to = option_text(in, "to")};
    int code = open_job(in, folder, &job);
    if (code != EXIT_OK)
        return code;
    bool over = job.state == SPATE_JOB_DONE || job.state == SPATE_JOB_CANCELLED;
    if (spate_job_cancel(folder, job.name, &options, &err) != SPATE_OK) {
        code = failed(&err);
        if (!options.to)
            hint_at_secret(&job);
    } else {
        fprintf(stderr,
                over ? "spate: job %s is off the list\n" : "spate: job %s is cancelled; the same command begins anew\n",
                job.name);
    }
    spate_job_done(&job);
    return code;
}
