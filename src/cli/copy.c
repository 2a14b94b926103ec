/* copy.c - the command 'copy': options to the library, the library's words to the terminal. */
#include "cli/cli.h"

#include <limits.h>
#include <string.h>

typedef struct settings {
    spate_copy_options options;
    const char *tables[OPTION_USES_MAX], *columns[OPTION_USES_MAX], *casts[OPTION_USES_MAX];
    char jobs[PATH_MAX];
    uint64_t max_rejects;
} settings;

static spate_verify verify_of(const char *word)
{
    if (!word)
        return SPATE_VERIFY_NONE;
    return strcmp(word, "count") == 0 ? SPATE_VERIFY_COUNT : SPATE_VERIFY_CHECKSUM;
}

static bool is_option(const invocation *in, const char *name, const char *word)
{
    const char *text = option_text(in, name);
    return text && strcmp(text, word) == 0;
}

/* 50k, 50k/s, 8MiB/s, 500kB: rows, or bytes. */
static bool read_rate(const char *text, spate_copy_options *o)
{
    char number[32];
    size_t len = text ? strlen(text) : 0;
    if (!text)
        return true;
    len -= len > 2 && strcmp(text + len - 2, "/s") == 0 ? 2 : 0;
    bool bytes = len > 1 && text[len - 1] == 'B', binary = bytes && len > 3 && text[len - 2] == 'i';
    unsigned shift = binary ? text[len - 3] == 'K'   ? 10
                              : text[len - 3] == 'M' ? 20
                              : text[len - 3] == 'G' ? 30
                                                     : 64
                            : 0;
    len -= binary ? 3 : bytes;
    uint64_t n = 0;
    bool ok = len < sizeof(number) && shift < 64;
    if (ok) {
        memcpy(number, text, len);
        number[len] = '\0';
        ok = spate_parse_count(number, &n) && n > 0 && n <= UINT64_MAX >> shift;
    }
    if (!ok)
        fprintf(stderr,
                "spate: --rate takes rows such as 500 or 50k, or bytes such as 500kB or 8MiB, a second; not \"%s\"\n",
                text);
    *(bytes ? &o->rate_bytes : &o->rate_rows) = n << (ok ? shift : 0);
    return ok;
}

/* stop, or reject:FILE */
static bool read_on_error(const invocation *in, settings *s)
{
    static const char reject[] = "reject:";
    const char *what = option_text(in, "on-error");
    s->max_rejects = option_count(in, "max-rejects", 0);
    s->options.max_rejects = option_text(in, "max-rejects") ? &s->max_rejects : NULL;
    if (!what || strcmp(what, "stop") == 0)
        return true;
    bool ok = strncmp(what, reject, strlen(reject)) == 0 && what[strlen(reject)];
    if (ok)
        s->options.rejects = what + strlen(reject);
    else
        fprintf(stderr, "spate: --on-error takes stop or reject:FILE, not \"%s\"\n", what);
    return ok;
}

static bool read_settings(const invocation *in, settings *s)
{
    spate_copy_options *o = &s->options;
    uint64_t workers = option_count(in, "workers", 0);
    if (workers > SPATE_WORKERS_MAX) {
        fprintf(stderr, "spate: --workers takes at most %d, not %s\n", SPATE_WORKERS_MAX, option_text(in, "workers"));
        return false;
    }
    *o = (spate_copy_options){
        .from = in->arguments[0],
        .to = in->arguments[1],
        .tables = s->tables,
        .columns = s->columns,
        .casts = s->casts,
        .where = option_text(in, "where"),
        .workers = (unsigned)workers,
        .batch_rows = option_count(in, "batch", 0),
        .insert_mode = insert_mode_of(option_text(in, "insert-mode")),
        .create = option_flag(in, "create"),
        .truncate = option_flag(in, "truncate"),
        .append = option_flag(in, "append"),
        .indexes_before = is_option(in, "indexes", "before"),
        .defer_constraints = option_flag(in, "defer-constraints"),
        .dry_run = option_flag(in, "dry-run"),
        .verify = verify_of(option_text(in, "verify")),
        .job = option_text(in, "job"),
        .jobs = s->jobs,
        .command = in->words,
        .n_command = in->n_words,
        .cancel = stop_flag(),
        .progress = progress_show,
    };
    for (size_t i = 0; i < in->n_uses; i++) {
        const option_use *use = &in->uses[i];
        if (strcmp(use->option->name, "table") == 0)
            s->tables[o->n_tables++] = use->value;
        if (strcmp(use->option->name, "column") == 0)
            s->columns[o->n_columns++] = use->value;
        if (strcmp(use->option->name, "cast") == 0)
            s->casts[o->n_casts++] = use->value;
    }
    return (!o->job || jobs_folder(in, s->jobs)) && read_on_error(in, s) && read_rate(option_text(in, "rate"), o);
}

int run_copy(const invocation *in)
{
    settings s = {0};
    if (!read_settings(in, &s)) {
        fputs("try 'spate copy --help'\n", stderr);
        return EXIT_USAGE;
    }
    progress shown = {.mode = progress_mode_of(option_text(in, "progress"))};
    s.options.arg = &shown;
    stop_catch_signals();
    spate_error err = {0};
    spate_copy_report report;
    int status = spate_copy(&s.options, &report, &err);
    progress_end(&shown);
    bool differs = false;
    for (size_t i = 0; i < report.n_verified; i++)
        differs |= !report.verified[i].same;
    if (option_flag(in, "json"))
        report_copied_json(report.moved.to_stdout ? stderr : stdout, &report, status, s.options.dry_run, &err);
    else
        report_copied(&report, status == SPATE_OK || differs, s.options.dry_run);
    if (status != SPATE_OK)
        report_error(&err);
    int code = differs ? EXIT_NO : job_exit_code(report.moved.job, (spate_status)status);
    spate_copy_report_done(&report);
    return code;
}
