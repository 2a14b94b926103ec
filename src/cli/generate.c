/* generate.c - the command 'generate': options to the library, the library's words to the terminal. */
#include "cli/template.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

typedef struct settings {
    spate_generate_options options;
    uint64_t seed;
    const char *tables[OPTION_USES_MAX];
    char jobs[PATH_MAX];
} settings;

static bool parse_part(const char *text, uint32_t *part, uint32_t *parts)
{
    char left[16];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : 0;
    uint64_t i, n;
    if (!slash || len >= sizeof(left))
        return false;
    memcpy(left, text, len);
    left[len] = '\0';
    if (!spate_parse_count(left, &i) || !spate_parse_count(slash + 1, &n) || n == 0 || i >= n || n > UINT32_MAX)
        return false;
    *part = (uint32_t)i;
    *parts = (uint32_t)n;
    return true;
}

bool set_rows(spate_plan *plan, const char *text)
{
    const char *equals = strrchr(text, '=');
    uint64_t rows;
    if (!equals || !spate_parse_count(equals + 1, &rows)) {
        fprintf(stderr, "spate: --rows takes TABLE=N such as member=10k, not \"%s\"\n", text);
        return false;
    }
    char *table = strndup(text, (size_t)(equals - text));
    spate_error err = {.status = SPATE_E_NOMEM, .message = "out of memory"};
    bool ok = table && spate_plan_set_rows(plan, table, rows, &err) == SPATE_OK;
    if (!ok)
        report_error(&err);
    free(table);
    return ok;
}

static bool read_repeated(const invocation *in, spate_plan *plan, settings *s)
{
    for (size_t i = 0; i < in->n_uses; i++) {
        const option_use *use = &in->uses[i];
        if (strcmp(use->option->name, "rows") == 0 && !set_rows(plan, use->value))
            return false;
        if (strcmp(use->option->name, "table") == 0)
            s->tables[s->options.n_tables++] = use->value;
    }
    s->options.tables = s->tables;
    return true;
}

static bool read_settings(const invocation *in, spate_plan *plan, settings *s)
{
    spate_generate_options *o = &s->options;
    o->to = option_text(in, "to");
    uint64_t workers = option_count(in, "workers", 0);
    if (workers > SPATE_WORKERS_MAX) {
        fprintf(stderr, "spate: --workers takes at most %d, not %s\n", SPATE_WORKERS_MAX, option_text(in, "workers"));
        return false;
    }
    o->workers = (unsigned)workers;
    o->batch_rows = option_count(in, "batch", 0);
    if (option_text(in, "seed")) {
        s->seed = option_count(in, "seed", 0);
        o->seed = &s->seed;
    }
    const char *part = option_text(in, "part");
    if (part && !parse_part(part, &o->part, &o->parts)) {
        fprintf(stderr, "spate: --part takes I/N with I from 0 to N-1, such as 0/3, not \"%s\"\n", part);
        return false;
    }
    o->insert_mode = insert_mode_of(option_text(in, "insert-mode"));
    o->create = option_flag(in, "create");
    o->truncate = option_flag(in, "truncate");
    o->defer_constraints = option_flag(in, "defer-constraints");
    o->dry_run = option_flag(in, "dry-run");
    o->job = option_text(in, "job");
    o->jobs = s->jobs;
    o->command = in->words;
    o->n_command = in->n_words;
    o->cancel = stop_flag();
    return (!o->job || jobs_folder(in, s->jobs)) && read_repeated(in, plan, s);
}

/* ---- the run ---- */

static int generate(const invocation *in, spate_plan *plan)
{
    settings s = {0};
    if (!read_settings(in, plan, &s)) {
        fputs("try 'spate generate --help'\n", stderr);
        return EXIT_USAGE;
    }
    progress shown = {.mode = progress_mode_of(option_text(in, "progress"))};
    s.options.progress = progress_show;
    s.options.arg = &shown;
    stop_catch_signals();
    spate_error err = {0};
    spate_generate_report report;
    int status = spate_generate(plan, &s.options, &report, &err);
    progress_end(&shown);
    report_mistakes(plan);
    if (option_flag(in, "json"))
        report_generated_json(report.to_stdout ? stderr : stdout, &report, status, s.options.dry_run, &err);
    else
        report_generated(&report, status == SPATE_OK, s.options.dry_run);
    if (status != SPATE_OK)
        report_error(&err);
    int code = job_exit_code(report.job, (spate_status)status);
    spate_generate_report_done(&report);
    return code;
}

/* The plan in a file, or of a template, which is called NAME.yaml. False: misuse, which was said. */
static bool open_plan(const invocation *in, spate_plan **plan, int *status, spate_error *err, int *code)
{
    const char *template = option_text(in, "template");
    char name[128];
    size_t len = 0;
    if (!template == !in->n_arguments || (!template && option_text(in, "param"))) {
        fputs(template          ? "spate: 'generate' takes a PLAN or a --template, not both\n"
              : in->n_arguments ? "spate: --param goes with --template\n"
                                : "spate: 'generate' needs PLAN, or --template\n",
              stderr);
        fputs("try 'spate generate --help'\n", stderr);
        *code = EXIT_USAGE;
        return false;
    }
    if (!template) {
        *status = spate_plan_open(in->arguments[0], plan, err);
        return true;
    }
    char *text = template_text(in, template, &len, code);
    if (!text)
        return false;
    snprintf(name, sizeof(name), "%s.yaml", template);
    *status = spate_plan_read(name, text, len, plan, err);
    spate_template_free(text);
    return true;
}

/* A plan with mistakes goes on to the library too: --rows may cure them, and it refuses what is left. */
int run_generate(const invocation *in)
{
    spate_plan *plan = NULL;
    spate_error err;
    int status = SPATE_OK, code = EXIT_OK;
    if (!open_plan(in, &plan, &status, &err, &code))
        return code;
    if (plan) {
        code = generate(in, plan);
    } else {
        const char *to = option_text(in, "to");
        if (option_flag(in, "json"))
            report_generated_json(to && *to == '-' ? stderr : stdout, &(spate_generate_report){0}, status,
                                  option_flag(in, "dry-run"), &err);
        report_error(&err);
        code = status == SPATE_E_IO ? EXIT_USAGE : exit_code_of((spate_status)status); /* no such plan */
    }
    spate_plan_free(plan);
    return code;
}
