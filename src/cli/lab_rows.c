/* lab_rows.c - the commands that put rows onto a lab's shards; and 'lab run', which does all of it. */
#include "cli/lab.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- options ---- */

typedef struct row_settings {
    spate_lab_distribute_options options;
    uint64_t seed;
    progress shown;
    double seconds; /* of a measurement: 'lab run' */
    double cpu;     /* likewise */
    const char *tables[OPTION_USES_MAX];
    spate_lab_by by[OPTION_USES_MAX];
    char *words[OPTION_USES_MAX]; /* ours to free: names cut out of TABLE=... */
    size_t n_words;
} row_settings;

static const char *keep_word(row_settings *s, const char *text, size_t len)
{
    return s->words[s->n_words++] = strndup(text, len);
}

static void free_words(row_settings *s)
{
    for (size_t i = 0; i < s->n_words; i++)
        free(s->words[i]);
}

static bool read_by(row_settings *s, const char *text)
{
    const char *equals = strrchr(text, '=');
    if (!equals || equals == text || !equals[1]) {
        fprintf(stderr, "spate: --by takes TABLE=COLUMN such as orders=user_id, not \"%s\"\n", text);
        return false;
    }
    s->by[s->options.n_by++] = (spate_lab_by){keep_word(s, text, (size_t)(equals - text)), equals + 1};
    return true;
}

static bool read_row_settings(const invocation *in, row_settings *s)
{
    spate_lab_distribute_options *o = &s->options;
    uint64_t workers = option_count(in, "workers", 0);
    if (workers > SPATE_WORKERS_MAX) {
        fprintf(stderr, "spate: --workers takes at most %d, not %s\n", SPATE_WORKERS_MAX, option_text(in, "workers"));
        return false;
    }
    *o = (spate_lab_distribute_options){.tables = s->tables,
                                        .by = s->by,
                                        .replace = option_flag(in, "replace"),
                                        .workers = (unsigned)workers,
                                        .batch_rows = option_count(in, "batch", 0),
                                        .cancel = stop_flag(),
                                        .progress = progress_show,
                                        .arg = &s->shown};
    s->shown.mode = progress_mode_of(option_text(in, "progress"));
    s->seed = option_count(in, "seed", 0);
    o->seed = option_text(in, "seed") ? &s->seed : NULL;
    for (size_t i = 0; i < in->n_uses; i++) {
        const char *name = in->uses[i].option->name, *value = in->uses[i].value;
        if (strcmp(name, "table") == 0)
            s->tables[o->n_tables++] = value;
        else if (strcmp(name, "copied") == 0)
            s->by[o->n_by++] = (spate_lab_by){value, NULL};
        else if (strcmp(name, "by") == 0 && !read_by(s, value))
            return false;
    }
    return true;
}

/* The plan with its --rows; says what is wrong with it. */
static int open_plan(const invocation *in, const char *path, uint64_t users, spate_plan **plan)
{
    spate_error err = {0};
    int rc = path ? spate_plan_open(path, plan, &err) : spate_lab_sample_plan(users, plan, &err);
    bool opened = *plan != NULL;
    for (size_t i = 0; i < in->n_uses && opened; i++)
        if (strcmp(in->uses[i].option->name, "rows") == 0 && !set_rows(*plan, in->uses[i].value))
            return EXIT_USAGE;
    if (opened && rc == SPATE_OK)
        return EXIT_OK;
    if (opened)
        report_mistakes(*plan);
    report_error(&err);
    return rc == SPATE_E_IO ? EXIT_USAGE : exit_code_of((spate_status)rc);
}

/* ---- reports ---- */

static void print_shards(const spate_lab_report *r)
{
    uint64_t rows = 0, bytes = 0;
    char a[32], b[32], c[32];
    for (size_t i = 0; i < r->n_shards; i++) {
        const spate_table_progress *p = &r->shards[i];
        double seconds = p->finished - p->started;
        fprintf(stderr, "  %-24s %15s rows  %8.2f s  %9s rows/s  %9sB\n", p->name, with_commas(p->rows_done, a),
                seconds, with_unit(seconds > 0 ? (double)p->rows_done / seconds : 0, b),
                with_unit((double)p->bytes, c));
        rows += p->rows_done;
        bytes += p->bytes;
    }
    fprintf(stderr, "  %-24s %15s rows  %8.2f s  %9s rows/s  %9sB\n", "all shards", with_commas(rows, a), r->seconds,
            with_unit(r->seconds > 0 ? (double)rows / r->seconds : 0, b), with_unit((double)bytes, c));
}

/* How full the fullest shard is beside the mean: 1.00 is even. */
static double skew_of(const spate_lab_table *t, size_t shards)
{
    return t->rows ? (double)t->rows_most * (double)shards / (double)t->rows : 1;
}

void print_lab_tables(FILE *out, const spate_lab_report *r, size_t shards, bool checked)
{
    char rows[32], wrong[32];
    fprintf(out, "%-20s %-16s %15s %10s%s\n", "table", "placed by", "rows", "fullest",
            checked ? "       misplaced  as main" : "");
    for (size_t i = 0; i < r->n_tables; i++) {
        const spate_lab_table *t = &r->tables[i];
        fprintf(out, "%-20s %-16s %15s", t->name, t->key ? t->key : "(copied)", with_commas(t->rows, rows));
        if (t->key)
            fprintf(out, " %9.2fx", skew_of(t, shards));
        else
            fprintf(out, " %10s", "-");
        if (checked)
            fprintf(out, " %15s  %s", with_commas(t->misplaced, wrong), !t->on_main ? "-" : t->same ? "yes" : "NO");
        fputc('\n', out);
    }
}

void print_lab_json(FILE *out, const spate_lab_report *r, size_t shards, bool checked, const char *more, int status,
                    const spate_error *err)
{
    fprintf(out, "{\n  \"complete\": %s,\n  \"seconds\": %.6f,\n  \"shards\": [", status == SPATE_OK ? "true" : "false",
            r->seconds);
    for (size_t i = 0; i < r->n_shards; i++)
        fprintf(out,
                "%s\n    {\"name\": \"%s\", \"rows\": %llu, \"bytes\": %llu, \"started\": %.6f, \"finished\": %.6f}",
                i ? "," : "", r->shards[i].name, (unsigned long long)r->shards[i].rows_done,
                (unsigned long long)r->shards[i].bytes, r->shards[i].started, r->shards[i].finished);
    fputs(r->n_shards ? "\n  ],\n  \"tables\": [" : "],\n  \"tables\": [", out);
    for (size_t i = 0; i < r->n_tables; i++) {
        const spate_lab_table *t = &r->tables[i];
        fputs(i ? ",\n    {\"name\": " : "\n    {\"name\": ", out);
        print_json_string(out, t->name);
        fputs(", \"key\": ", out);
        if (t->key)
            print_json_string(out, t->key);
        else
            fputs("null", out);
        fprintf(out, ", \"rows\": %llu, \"skew\": %.4f", (unsigned long long)t->rows, t->key ? skew_of(t, shards) : 1);
        if (checked)
            fprintf(out, ", \"misplaced\": %llu, \"on_main\": %s, \"same\": %s", (unsigned long long)t->misplaced,
                    t->on_main ? "true" : "false", t->same ? "true" : "false");
        fputc('}', out);
    }
    fprintf(out, "%s%s", r->n_tables ? "\n  ]" : "]", more);
    if (status != SPATE_OK) {
        fputs(",\n  \"error\": ", out);
        print_json_string(out, err->message);
    }
    fputs("\n}\n", out);
}

/* ---- distribute ---- */

static bool can_go_on(int status)
{
    return status == SPATE_E_UNREACHABLE || status == SPATE_E_RETRY || status == SPATE_E_IO ||
           status == SPATE_E_INTERRUPTED;
}

static int distribute(const invocation *in, spate_lab *lab, row_settings *s)
{
    spate_error err = {0};
    spate_lab_report report;
    size_t shards = spate_lab_servers(lab) - 1;
    stop_catch_signals();
    int status = spate_lab_distribute(lab, &s->options, &report, &err);
    progress_end(&s->shown);
    bool begun = report.seconds > 0;
    uint64_t landed = 0;
    for (size_t i = 0; i < report.n_shards; i++)
        landed += report.shards[i].rows_done;
    if (s->options.plan)
        report_mistakes(s->options.plan);
    if (option_flag(in, "json")) {
        print_lab_json(stdout, &report, shards, false, "", status, &err);
    } else if (status == SPATE_OK || landed) {
        fprintf(stderr, "spate: %s\n",
                status == SPATE_OK ? "distributed to the shards" : "stopped; committed to the shards");
        print_shards(&report);
        if (status == SPATE_OK)
            print_lab_tables(stderr, &report, shards, false);
        for (size_t i = 0; status == SPATE_OK && i < report.n_notes; i++)
            fprintf(stderr, "note: %s\n", report.notes[i]);
    }
    if (status != SPATE_OK)
        report_error(&err);
    bool resumable = begun && can_go_on(status);
    if (resumable)
        fputs("the same command goes on where this one stopped\n", stderr);
    spate_lab_report_done(&report);
    int code = stop_exit_code((spate_status)status);
    return resumable ? EXIT_INCOMPLETE : code;
}

int run_lab_distribute(const invocation *in)
{
    static row_settings s;
    spate_lab *lab = NULL;
    spate_plan *plan = NULL;
    int code = EXIT_OK;
    if (!read_row_settings(in, &s)) {
        fputs("try 'spate lab distribute --help'\n", stderr);
        code = EXIT_USAGE;
    } else if (!in->n_arguments && (option_text(in, "rows") || option_text(in, "seed"))) {
        fputs("spate: --rows and --seed are of a plan, and there is none\ntry 'spate lab distribute --help'\n", stderr);
        code = EXIT_USAGE;
    }
    if (!code)
        code = open_lab(in, &lab);
    if (!code && in->n_arguments)
        code = open_plan(in, in->arguments[0], 0, &plan);
    s.options.plan = plan;
    if (!code)
        code = distribute(in, lab, &s);
    spate_plan_free(plan);
    spate_lab_close(lab);
    free_words(&s);
    return code;
}

/* ---- run ---- */

static bool test_connections(spate_lab *lab)
{
    bool all = true;
    for (size_t i = 0; i < spate_lab_servers(lab); i++) {
        spate_lab_server s;
        spate_lab_look(lab, i, &s);
        fprintf(stderr, "  %-8s %-11s PostgreSQL %s  %s\n", s.name, spate_lab_state_name(s.state), s.version, s.uri);
        all &= s.state == SPATE_LAB_UP;
    }
    return all;
}

static int fill_main(const invocation *in, spate_lab *lab, spate_plan *plan, row_settings *s)
{
    spate_error err = {0};
    spate_generate_report report;
    progress shown = {.mode = s->shown.mode};
    spate_generate_options o = {.to = spate_lab_uri(lab, 0),
                                .seed = s->options.seed,
                                .create = true,
                                .truncate = s->options.replace,
                                .cancel = stop_flag(),
                                .progress = progress_show,
                                .arg = &shown};
    int status = spate_generate(plan, &o, &report, &err);
    progress_end(&shown);
    report_mistakes(plan);
    report_generated(&report, status == SPATE_OK, false);
    if (status != SPATE_OK)
        report_error(&err);
    spate_generate_report_done(&report);
    return stop_exit_code((spate_status)status);
}

static int run_steps(const invocation *in, spate_lab *lab, spate_plan *plan, row_settings *s)
{
    spate_error err = {0};
    int rc = spate_lab_up(lab, NULL, 0, &err);
    if (rc != SPATE_OK) {
        report_error(&err);
        return exit_code_of((spate_status)rc);
    }
    fputs("spate: servers\n", stderr);
    if (!test_connections(lab)) {
        fputs("spate: not all servers answer\n", stderr);
        return EXIT_ENDPOINT;
    }
    int code = fill_main(in, lab, plan, s);
    if (code)
        return code;
    s->options.plan = option_flag(in, "from-main") ? NULL : plan;
    if (!s->options.plan)
        s->options.seed = NULL;
    code = distribute(in, lab, s);
    if (!code)
        code = check_lab(in, lab);
    spate_lab_bench_options bench = {.seconds = s->seconds, .cpu = s->cpu, .seed = 1, .cancel = stop_flag()};
    putchar('\n');
    return code ? code : bench_lab(in, lab, &bench);
}

int run_lab_run(const invocation *in)
{
    static row_settings s;
    spate_lab *lab = NULL;
    spate_plan *plan = NULL;
    uint64_t users = 10000;
    char *outside = in->n_arguments ? NULL : from_outside("MAX_GEN_USERS");
    int code = EXIT_OK;
    if (outside && !spate_parse_count(outside, &users)) {
        fprintf(stderr, "spate: MAX_GEN_USERS is \"%s\": no number of users\n", outside);
        code = EXIT_USAGE;
    }
    users = option_count(in, "users", users);
    if (!code && (!read_row_settings(in, &s) || !read_seconds(in, 2, &s.seconds) || !read_cpu(in, 0, -1, &s.cpu)))
        code = EXIT_USAGE;
    stop_catch_signals();
    if (!code)
        code = open_or_make_lab(in, &lab);
    if (!code)
        code = open_plan(in, in->n_arguments ? in->arguments[0] : NULL, users, &plan);
    if (!code)
        code = run_steps(in, lab, plan, &s);
    spate_plan_free(plan);
    spate_lab_close(lab);
    free_words(&s);
    free(outside);
    return code;
}
