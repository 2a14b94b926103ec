/* as_datagen.c - datagen-cli's command line: 'generate' writes the dump of a schema, 'validate' checks one, 'template' shows those
 * that are built in, 'version'.
 *
 * What it prints and where is datagen-cli's: "Error: ..." on stderr and exit code 1, whatever was wrong. Its settings, from a file
 * and the environment, are as_settings.c's. A dump is a script for psql with the database's own statements in front. */
#include "cli/as.h"
#include "cli/as_settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_FAILED = 1, JOBS_MAX = 100, PARAMS_MAX = AS_WORDS_MAX, PATH_MAX_SHOWN = 4096 };

static int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("Error: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILED;
}

static int failed(const spate_error *err)
{
    fail("%s", err->message);
    report_lines("", err->detail);
    report_lines("→ Suggestion: ", err->hint);
    return EXIT_FAILED;
}

/* Settings are read, and told of, by every command that does something. */
static bool load(const as_call *call, as_settings *s)
{
    const char *why = as_settings_load(s, as_text(call, "config"), as_bool(call, "verbose"));
    if (why)
        fail("%s", why);
    else
        as_settings_log(s, "info", "Configuration loaded");
    return !why;
}

/* ---- templates ------------------------------------------------------------------------------------ */

/* The values of --param. False: what is wrong has been said. */
static bool read_params(const as_call *call, const char *template, spate_setting *settings, size_t *n)
{
    static char names[PARAMS_MAX][64];
    spate_parameter p;
    *n = 0;
    for (size_t i = 0; i < call->n; i++) {
        const as_word *w = &call->words[i];
        if (!w->flag || (strcmp(w->flag->name, "param") != 0 && strcmp(w->flag->name, "template-param") != 0))
            continue;
        const char *equals = strchr(w->text, '=');
        if (!equals || equals == w->text || (size_t)(equals - w->text) >= sizeof(names[0]))
            return !fail("invalid parameter \"%s\", expected key=value", w->text);
        snprintf(names[*n], sizeof(names[0]), "%.*s", (int)(equals - w->text), w->text);
        bool found = false;
        for (size_t k = 0; !found && spate_template_parameter_at(template, k, &p); k++)
            found = strcmp(p.name, names[*n]) == 0;
        if (!found)
            return !fail("unknown parameter \"%s\"", names[*n]);
        uint64_t number;
        bool wants_number = strcmp(p.value, "~") == 0 || spate_parse_count(p.value, &number);
        if (wants_number && !spate_parse_count(equals + 1, &number))
            return !fail("parameter \"%s\" must be an integer", names[*n]);
        settings[*n] = (spate_setting){names[*n], equals + 1};
        ++*n;
    }
    return true;
}

static bool is_template(const char *name)
{
    spate_template t;
    for (size_t i = 0; spate_template_at(i, &t); i++)
        if (strcmp(t.name, name) == 0)
            return true;
    return !fail("template \"%s\" not found", name);
}

static int open_template(const as_call *call, const char *name, spate_plan **plan, spate_error *err)
{
    spate_setting settings[PARAMS_MAX];
    char file[128], *text = NULL;
    size_t n, len;
    *plan = NULL;
    if (!is_template(name) || !read_params(call, name, settings, &n))
        return SPATE_E_USAGE;
    int status = spate_template_text(name, settings, n, &text, &len, err);
    if (status != SPATE_OK) {
        failed(err);
        return SPATE_E_USAGE;
    }
    snprintf(file, sizeof(file), "%s.yaml", name);
    status = spate_plan_read(file, text, len, plan, err);
    spate_template_free(text);
    return status;
}

static int run_list(const as_call *call)
{
    spate_template t;
    as_settings s;
    if (!load(call, &s))
        return EXIT_FAILED;
    puts("Available Templates:\n");
    for (size_t i = 0; spate_template_at(i, &t); i++)
        printf("  %-15s %s\n", t.name, t.title);
    puts("\nUse 'datagen template show <name>' for details\nUse 'datagen generate --template <name>' to generate data");
    return EXIT_OK;
}

static size_t shown_columns(const spate_plan *plan, size_t table)
{
    size_t n = 0;
    for (size_t c = 0; c < spate_plan_columns(plan, table); c++) {
        bool hidden;
        spate_plan_column(plan, table, c, NULL, &hidden);
        n += !hidden;
    }
    return n;
}

static int run_show(const as_call *call)
{
    const char *name = as_argument(call, 0);
    spate_plan *plan = NULL;
    spate_error err = {0};
    spate_template t;
    spate_parameter p;
    as_settings s;
    if (!name)
        return fail("accepts 1 arg(s), received 0");
    if (!load(call, &s))
        return EXIT_FAILED;
    if (open_template(call, name, &plan, &err) != SPATE_OK)
        return EXIT_FAILED;
    for (size_t i = 0; spate_template_at(i, &t) && strcmp(t.name, name) != 0; i++)
        ;
    printf("Template: %s\nDescription: %s\nCategory: %s\n\nTables:\n", name, t.title, name);
    for (size_t i = 0; i < spate_plan_tables(plan); i++)
        printf("  %-20s %llu rows, %zu columns\n", spate_plan_table_name(plan, i),
               (unsigned long long)spate_plan_table_rows(plan, i), shown_columns(plan, i));
    puts("\nParameters:");
    for (size_t i = 0; spate_template_parameter_at(name, i, &p); i++)
        printf("  %-20s %s (default: %s)\n", p.name, p.meaning, p.value);
    spate_plan_free(plan);
    return EXIT_OK;
}

static int run_export(const as_call *call)
{
    const char *name = as_argument(call, 0);
    spate_setting settings[PARAMS_MAX];
    spate_error err = {0};
    char *json;
    size_t n, len;
    as_settings s;
    if (!name)
        return fail("accepts 1 arg(s), received 0");
    if (!load(call, &s) || !is_template(name) || !read_params(call, name, settings, &n))
        return EXIT_FAILED;
    if (spate_template_json(name, settings, n, &json, &len, &err) != SPATE_OK)
        return failed(&err);
    fwrite(json, 1, len, stdout);
    spate_template_free(json);
    return EXIT_OK;
}

/* ---- generate ------------------------------------------------------------------------------------- */

typedef struct job {
    const char *input, *template, *output, *format;
    uint64_t seed;
    bool seeded, dry_run, validate;
    int64_t jobs;
    spate_plan *plan;
} job;

/* False: what is wrong has been said. */
static bool read_job(const as_call *call, const as_settings *s, job *j)
{
    j->input = as_given(call, "input") ? as_text(call, "input") : as_argument(call, 0);
    j->template = as_text(call, "template");
    j->output = as_text(call, "output");
    if (j->output && (!*j->output || strcmp(j->output, "-") == 0))
        j->output = NULL;
    j->format = as_given(call, "format") ? as_text(call, "format") : as_setting(s, "default_format");
    if (j->input && j->template)
        return !fail("cannot specify both --input and --template");
    if (!j->input && !j->template)
        return !fail("must specify either --input or --template");
    if (strcmp(j->format, "custom") == 0) {
        fputs("datagen: the format custom is pg_dump's own; copy is written instead\n", stderr);
        j->format = "copy";
    }
    if (strcmp(j->format, "sql") != 0 && strcmp(j->format, "copy") != 0)
        return !fail("invalid format \"%s\", must be one of: sql, copy", j->format);
    j->seeded = as_given(call, "seed") || as_setting_number(s, "default_seed") != 0;
    j->seed = (uint64_t)(as_given(call, "seed") ? as_int(call, "seed") : as_setting_number(s, "default_seed"));
    j->jobs = as_int(call, "jobs");
    if (j->jobs > JOBS_MAX)
        return !fail("invalid number of jobs %lld, must be at most %d", (long long)j->jobs, JOBS_MAX);
    j->jobs = j->jobs == 0 ? as_setting_number(s, "workers") : j->jobs < 1 ? 1 : j->jobs;
    j->dry_run = as_bool(call, "dry-run");
    j->validate = as_bool(call, "validate-output");
    if (j->validate && !j->output)
        return !fail("--validate-output requires --output to be a file");
    if (as_bool(call, "compress") || as_given(call, "rows"))
        fputs("datagen: --compress and --rows are taken and do nothing\n", stderr);
    return true;
}

/* All mistakes, as a list; the first of them as the error. */
static int refuse(const spate_plan *plan, const spate_error *err)
{
    if (plan)
        report_mistakes(plan);
    return failed(err);
}

static void tell_differences(const spate_plan *plan)
{
    if (spate_plan_database(plan))
        fputs("datagen: keys are kept, foreign keys lead to rows, and tables come parents first\n", stderr);
}

/* The name as it stands in a URI. */
static void put_encoded(char *to, size_t size, const char *text)
{
    for (; *text && strlen(to) + 4 < size; text++)
        snprintf(to + strlen(to), size - strlen(to), strchr("%&#+", *text) ? "%%%02X" : "%c", (unsigned char)*text);
}

/* ---- what was written, looked at ---- */

/* The script must end outside of every text and COPY, with its COMMIT. NULL, or what is wrong. */
static const char *script_fault(FILE *f)
{
    char line[1 << 16];
    bool copying = false, text = false, committed = false;
    while (fgets(line, sizeof(line), f)) {
        if (copying) {
            copying = strcmp(line, "\\.\n") != 0;
            continue;
        }
        if (!text && line[0] == '\\')
            continue;
        for (const char *p = line; *p; p++)
            text = text != (*p == '\'');
        committed = !text && strcmp(line, "COMMIT;\n") == 0;
        copying = !text && strncmp(line, "COPY ", 5) == 0;
    }
    return ferror(f)   ? "it cannot be read"
           : copying   ? "COPY data has no end"
           : text      ? "a text has no end"
           : committed ? NULL
                       : "it has no COMMIT at its end";
}

static int validate_output(const char *path)
{
    FILE *f = fopen(path, "r");
    const char *why = f ? script_fault(f) : strerror(errno);
    if (f)
        fclose(f);
    return why ? fail("output validation failed: %s", why) : EXIT_OK;
}

/* ---- the dump ---- */

static int write_dump(const job *j, const as_settings *s)
{
    char to[2 * PATH_MAX_SHOWN] = "";
    const char *database = spate_plan_database(j->plan);
    snprintf(to, sizeof(to), "%s%s?format=%s", j->output ? "sql:" : "-", j->output ? j->output : "",
             strcmp(j->format, "sql") == 0 ? "insert" : "copy");
    if (database) {
        strcat(to, "&database=");
        put_encoded(to, sizeof(to), database);
    }
    spate_generate_options o = {.to = to,
                                .workers = (unsigned)j->jobs,
                                .seed = j->seeded ? &j->seed : NULL,
                                .create = true,
                                .truncate = true,
                                .dry_run = j->dry_run,
                                .cancel = stop_flag()};
    o.batch_rows = strcmp(j->format, "sql") == 0 ? (uint64_t)as_setting_number(s, "default_batch_size") : 0;
    spate_generate_report report;
    spate_error err = {0};
    stop_catch_signals();
    int status = spate_generate(j->plan, &o, &report, &err);
    spate_generate_report_done(&report);
    if (status == SPATE_E_INTERRUPTED)
        stop_exit_code((spate_status)status);
    if (status != SPATE_OK)
        return refuse(j->plan, &err);
    report_mistakes(j->plan);
    if (j->output && j->validate && !j->dry_run && validate_output(j->output) != EXIT_OK)
        return EXIT_FAILED;
    if (j->output && !j->dry_run)
        fprintf(stderr, "Successfully generated dump to %s\n", j->output);
    return EXIT_OK;
}

static int run_generate_command(const as_call *call)
{
    as_settings s;
    job j = {0};
    spate_error err = {0};
    if (!load(call, &s) || !read_job(call, &s, &j))
        return EXIT_FAILED;
    int status = j.template ? open_template(call, j.template, &j.plan, &err) : spate_plan_open(j.input, &j.plan, &err);
    int code = EXIT_FAILED;
    if (status == SPATE_OK) {
        tell_differences(j.plan);
        code = write_dump(&j, &s);
    } else if (j.plan || !j.template) { /* of a template, it has been said */
        code = refuse(j.plan, &err);
    }
    spate_plan_free(j.plan);
    return code;
}

/* ---- validate ------------------------------------------------------------------------------------- */

static void put_mistake(char *to, size_t size, const spate_mistake *m)
{
    snprintf(to, size, "line %u, column %u: %s%s%s%s", m->line, m->column, *m->found ? "\"" : "", m->found,
             *m->found ? "\" " : "", m->message);
}

/* The errors, one a line; returns how many. */
static size_t list_errors(const spate_plan *plan, bool json)
{
    char text[1024];
    size_t n = 0;
    for (size_t i = 0; plan && i < spate_plan_mistakes(plan); i++) {
        if (!spate_plan_mistake(plan, i)->fatal)
            continue;
        put_mistake(text, sizeof(text), spate_plan_mistake(plan, i));
        n++;
        if (!json) {
            printf("%zu. %s\n", n, text);
            continue;
        }
        fputs(n > 1 ? ",\n    " : "  \"errors\": [\n    ", stdout);
        print_json_string(stdout, text);
    }
    if (json && n)
        fputs("\n  ]", stdout);
    return n;
}

static int print_valid_json(const spate_plan *plan, bool valid)
{
    const char *database = plan ? spate_plan_database(plan) : NULL;
    printf("{\n  \"valid\": %s", valid ? "true" : "false");
    if (!valid) {
        fputs(",\n", stdout);
        list_errors(plan, true);
    }
    if (database) {
        fputs(",\n  \"database\": ", stdout);
        print_json_string(stdout, database);
    }
    if (plan && spate_plan_tables(plan))
        printf(",\n  \"tables\": %zu", spate_plan_tables(plan));
    puts("\n}");
    return valid ? EXIT_OK : fail("validation failed");
}

static int print_valid(const spate_plan *plan, bool valid)
{
    uint64_t rows = 0;
    if (!valid) {
        puts("✗ Schema validation failed\n\nErrors found:");
        size_t n = list_errors(plan, false);
        fflush(stdout);
        return fail("validation failed with %zu error(s)", n);
    }
    for (size_t t = 0; t < spate_plan_tables(plan); t++)
        rows += spate_plan_table_rows(plan, t);
    puts("✓ Schema is valid");
    printf("  Database: %s\n  Tables: %zu\n  Total rows to generate: %llu\n",
           spate_plan_database(plan) ? spate_plan_database(plan) : "", spate_plan_tables(plan),
           (unsigned long long)rows);
    return EXIT_OK;
}

static int run_validate_command(const as_call *call)
{
    as_settings s;
    spate_plan *plan = NULL;
    spate_error err = {0};
    spate_measure_report report = {0};
    const char *input = as_given(call, "input") ? as_text(call, "input") : as_argument(call, 0),
               *format = as_text(call, "format");
    bool json = as_bool(call, "json") || strcmp(format, "json") == 0;
    if (!load(call, &s))
        return EXIT_FAILED;
    if (!json && strcmp(format, "text") != 0)
        return fail("invalid format \"%s\", must be one of: text, json", format);
    int status = spate_plan_open(input ? input : "-", &plan, &err);
    if (status == SPATE_OK) {
        status = spate_measure(plan, 1, &report, &err); /* what the generator alone finds */
        spate_measure_report_done(&report);
    }
    int code = !plan || (status != SPATE_OK && status != SPATE_E_CONFIG) ? failed(&err)
               : json                                                    ? print_valid_json(plan, status == SPATE_OK)
                                                                         : print_valid(plan, status == SPATE_OK);
    spate_plan_free(plan);
    return code;
}

/* ---- version, and the table of commands -------------------------------------------------------------- */

static int run_version(const as_call *call)
{
    if (as_bool(call, "short")) {
        puts(SPATE_VERSION);
        return EXIT_OK;
    }
    puts("datagen version " SPATE_VERSION);
    if (as_bool(call, "verbose"))
        puts("  made by spate");
    return EXIT_OK;
}

static const as_flag program_flags[] = {
    {"config", 'c', AS_TEXT, false, NULL,
     "config file (default is ./.datagen.yaml, then $HOME's, then /etc/datagen's)"},
    {"verbose", 0, AS_BOOL, false, NULL, "log more"},
    {"version", 'v', AS_BOOL, false, NULL, "show this help: 'datagen version' is the version"},
    {0},
};

static const as_flag generate_flags[] = {
    {"compress", 0, AS_BOOL, false, NULL, "is taken and does nothing"},
    {"dry-run", 0, AS_BOOL, false, NULL, "check everything, write nothing"},
    {"format", 'f', AS_TEXT, false, "sql", "output format (sql, copy)"},
    {"input", 'i', AS_TEXT, false, NULL, "input schema file (- for stdin)"},
    {"jobs", 'j', AS_INT, false, "0", "threads, 100 at most (0: the setting workers)"},
    {"json", 0, AS_BOOL, false, NULL, "is taken and does nothing"},
    {"output", 'o', AS_TEXT, false, NULL, "output file (- or nothing for stdout)"},
    {"param", 0, AS_LIST, false, NULL, "template parameter (key=value)"},
    {"rows", 0, AS_TEXT, false, NULL, "is taken and does nothing"},
    {"seed", 's', AS_INT, false, "0", "random seed"},
    {"template", 0, AS_TEXT, false, NULL, "a built-in template instead of --input"},
    {"template-param", 0, AS_LIST, false, NULL, "the same as --param"},
    {"validate-output", 0, AS_BOOL, false, NULL, "look at the file after it is written"},
    {0},
};

static const as_flag validate_flags[] = {
    {"format", 'f', AS_TEXT, false, "text", "output format (text, json)"},
    {"input", 'i', AS_TEXT, false, NULL, "input schema file (default: stdin)"},
    {"json", 0, AS_BOOL, false, NULL, "the same as --format json"},
    {0},
};

static const as_flag param_flags[] = {
    {"param", 0, AS_LIST, false, NULL, "template parameter (key=value)"},
    {"template-param", 0, AS_LIST, false, NULL, "the same as --param"},
    {0},
};

static const as_flag version_flags[] = {
    {"short", 's', AS_BOOL, false, NULL, "the number alone"},
    {0},
};

static const as_command commands_of_datagen[] = {
    {"generate", "[flags]", "Generate a database dump from a schema", generate_flags, NULL, run_generate_command},
    {"template", "", "Look at the built-in templates", NULL, NULL, NULL},
    {"template export", "NAME [flags]", "Print a template as JSON", param_flags, NULL, run_export},
    {"template list", "", "List the templates", NULL, NULL, run_list},
    {"template show", "NAME", "Show the tables and parameters of a template", param_flags, NULL, run_show},
    {"validate", "[flags]", "Check a schema", validate_flags, NULL, run_validate_command},
    {"version", "[flags]", "Print the version", version_flags, NULL, run_version},
    {0},
};

int sp_as_datagen(int argc, char **argv)
{
    static const as_program program = {.name = "datagen",
                                       .summary = "Generates realistic data for databases from schemas in JSON",
                                       .commands = commands_of_datagen,
                                       .flags = program_flags,
                                       .quiet = true};
    return as_cobra(&program, argc, argv);
}
