/* as_dg.c - dg's command line: the tables of a configuration as CSV files, import statements, files served over HTTP.
 *
 * Flags are those of Go's own package: -c FILE, -c=FILE, --c FILE, up to the first word that is none. What is done is told on stdout,
 * a line each with the time it took. Exit codes are its 0, 1, and 2 for misuse. */
#include "cli/as.h"

#include "spate/serve.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_FAILED = 1, EXIT_MISUSE = 2, PORT_MAX = 65535, CONFIGS_MAX = 64 };

typedef struct settings {
    const char *configs[CONFIGS_MAX], *out, *imports, *profile;
    size_t n_configs;
    unsigned port;
    bool version;
} settings;

/* ---- flags ---- */

static const as_flag flags[] = {
    {"c", 0, AS_TEXT, true, NULL, "the path of the config file; several are merged, from the left to the right"},
    {"cpuprofile", 0, AS_TEXT, false, NULL, "name of a profile; none is written"},
    {"i", 0, AS_TEXT, false, NULL, "write import statements to this file of the output directory"},
    {"o", 0, AS_TEXT, false, ".", "the path of the output directory"},
    {"p", 0, AS_INT, false, NULL, "port to serve the output directory from, once it is written"},
    {"version", 0, AS_BOOL, false, NULL, "show the version"},
    {0},
};

static void print_usage(FILE *out)
{
    fputs("Usage of dg:\n", out);
    for (const as_flag *f = flags; f->name; f++) {
        fprintf(out, "  -%s%s\n    \t%s", f->name,
                f->kind == AS_TEXT  ? " string"
                : f->kind == AS_INT ? " int"
                                    : "",
                f->help);
        if (f->fallback)
            fprintf(out, " (default \"%s\")", f->fallback);
        fputc('\n', out);
    }
}

static int misuse(const char *fmt, const char *a, const char *b)
{
    fprintf(stderr, fmt, a, b);
    fputc('\n', stderr);
    print_usage(stderr);
    return EXIT_MISUSE;
}

static const as_flag *find_flag(const char *name, size_t len)
{
    for (const as_flag *f = flags; f->name; f++)
        if (strlen(f->name) == len && memcmp(f->name, name, len) == 0)
            return f;
    return NULL;
}

/* False: not a value of this flag. */
static bool set_flag(settings *s, const as_flag *f, const char *value)
{
    const char **texts[] = {NULL, &s->profile, &s->imports, &s->out};
    char *end;
    if (f == flags) { /* -c may come again */
        if (s->n_configs < CONFIGS_MAX)
            s->configs[s->n_configs++] = value;
        return s->n_configs <= CONFIGS_MAX;
    }
    if (f->kind == AS_TEXT) {
        *texts[f - flags] = value;
        return true;
    }
    if (f->kind == AS_BOOL) {
        s->version = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
        return s->version || strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
    }
    unsigned long port = strtoul(value, &end, 10);
    s->port = (unsigned)port;
    return *value && *end == '\0' && port <= PORT_MAX;
}

/* EXIT_OK, or the code to end with. */
static int read_flags(int argc, char **argv, settings *s, bool *help)
{
    for (int i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0' && strcmp(argv[i], "--") != 0; i++) {
        const char *name = argv[i] + 1 + (argv[i][1] == '-'), *equals = strchr(name, '=');
        size_t len = equals ? (size_t)(equals - name) : strlen(name);
        char shown[64];
        const as_flag *f = find_flag(name, len);
        snprintf(shown, sizeof(shown), "%.*s", (int)len, name);
        if (!f && (strcmp(shown, "h") == 0 || strcmp(shown, "help") == 0)) {
            *help = true;
            return EXIT_OK;
        }
        if (!f)
            return misuse("flag provided but not defined: -%s%s", shown, "");
        const char *value = equals ? equals + 1 : f->kind == AS_BOOL ? "true" : i + 1 < argc ? argv[++i] : NULL;
        if (!value)
            return misuse("flag needs an argument: -%s%s", shown, "");
        if (!set_flag(s, f, value))
            return misuse("invalid value \"%s\" for flag -%s: parse error", value, shown);
    }
    return EXIT_OK;
}

/* ---- what is told ---- */

/* Go's way to write a duration, rounded: 12ms, 3s, 1m3s. */
static const char *shown_time(double seconds, char text[32])
{
    long long s = (long long)(seconds + 0.5);
    if (seconds <= 0.001)
        snprintf(text, 32, "%.0fµs", seconds * 1e6);
    else if (seconds <= 1)
        snprintf(text, 32, "%.0fms", seconds * 1e3);
    else if (s >= 3600)
        snprintf(text, 32, "%lldh%lldm%llds", s / 3600, s / 60 % 60, s % 60);
    else if (s >= 60)
        snprintf(text, 32, "%lldm%llds", s / 60, s % 60);
    else
        snprintf(text, 32, "%llds", s);
    return text;
}

static void tell(double seconds, const char *what, const char *name)
{
    char line[256], took[32];
    int len = snprintf(line, sizeof(line), "%s%s", what, name);
    if (len > 40)
        memcpy(line + 37, "...", 4);
    printf("%-40s took: %s\n", line, shown_time(seconds, took));
    fflush(stdout);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int failed(const spate_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    return EXIT_FAILED;
}

typedef struct run {
    const spate_plan *plan;
    size_t told; /* tables of the plan that have been told of */
} run;

/* Tables are told of in the order of the configuration, those that nobody sees as soon as it is their turn. */
static void on_progress(void *arg, const spate_table_progress *tables, size_t n, double seconds)
{
    run *r = arg;
    (void)seconds;
    for (; r->told < spate_plan_tables(r->plan); r->told++) {
        const char *name = spate_plan_table_name(r->plan, r->told);
        spate_table_role role = spate_plan_table_role(r->plan, r->told);
        double took = 0;
        for (size_t t = 0; t < n && role == SPATE_TABLE_MADE; t++)
            if (strcmp(tables[t].name, name) == 0) {
                if (tables[t].finished <= 0)
                    return;
                took = tables[t].finished - tables[t].started;
            }
        if (role != SPATE_TABLE_INPUT)
            tell(took, "generated table: ", name);
    }
}

static void tell_inputs(const spate_plan *plan)
{
    for (size_t t = 0; t < spate_plan_tables(plan); t++)
        if (spate_plan_table_role(plan, t) == SPATE_TABLE_INPUT)
            tell(0, "loaded data source: ", spate_plan_table_name(plan, t));
    tell(0, "loaded data sources", "");
}

static void tell_files(const spate_generate_report *r)
{
    tell(r->seconds, "generated all tables", "");
    tell(0, "removed suppressed columns", "");
    for (size_t t = 0; t < r->n_tables; t++)
        tell(r->tables[t].finished - r->tables[t].started, "wrote csv: ", r->tables[t].name);
    tell(r->seconds, "wrote all csvs", "");
}

/* ---- the import statements ---- */

static void write_import(FILE *f, const spate_plan *plan, size_t table)
{
    const char *name = spate_plan_table_name(plan, table), *before = "";
    fprintf(f, "IMPORT INTO %s (\n\t", name);
    for (size_t c = 0; c < spate_plan_columns(plan, table); c++) {
        bool hidden;
        const char *column = spate_plan_column(plan, table, c, NULL, &hidden);
        if (hidden)
            continue;
        fprintf(f, "%s%s", before, column);
        before = ", ";
    }
    fprintf(f, "\n)\nCSV DATA (\n    '.../%s.csv'\n)\nWITH skip='1', nullif = '', allow_quoted_null;\n\n", name);
}

static int write_imports(const spate_plan *plan, const settings *s)
{
    char path[4096];
    double started = now();
    snprintf(path, sizeof(path), "%s/%s", s->out, s->imports);
    FILE *f = fopen(path, "w");
    for (size_t t = 0; f && t < spate_plan_tables(plan); t++)
        if (spate_plan_table_role(plan, t) == SPATE_TABLE_MADE)
            write_import(f, plan, t);
    if (!f || ferror(f) || fclose(f) != 0) {
        fprintf(stderr, "error writing import statements to %s: %m\n", path);
        return EXIT_FAILED;
    }
    tell(now() - started, "wrote imports: ", s->imports);
    return EXIT_OK;
}

/* ---- the run ---- */

static int generate(spate_plan *plan, const settings *s)
{
    char to[4096];
    run r = {.plan = plan};
    spate_generate_options o = {.to = to, .truncate = true, .cancel = stop_flag(), .progress = on_progress, .arg = &r};
    spate_generate_report report;
    spate_error err = {0};
    snprintf(to, sizeof(to), "dir:%s/?format=csv", s->out);
    stop_catch_signals();
    int status = spate_generate(plan, &o, &report, &err);
    report_mistakes(plan);
    if (status == SPATE_OK) {
        on_progress(&r, report.tables, report.n_tables,
                    report.seconds); /* those that were done since it was last called */
        tell_files(&report);
    }
    spate_generate_report_done(&report);
    if (status == SPATE_E_INTERRUPTED)
        stop_exit_code((spate_status)status);
    return status == SPATE_OK ? EXIT_OK : failed(&err);
}

static int serve(const settings *s)
{
    spate_error err = {0};
    int status = spate_serve(s->out, s->port, stop_flag(), &err);
    if (status == SPATE_E_INTERRUPTED)
        stop_exit_code((spate_status)status);
    return failed(&err);
}

/* One configuration as it is; several as one that extends them all, from the left to the right. */
static int open_configs(const settings *s, spate_plan **plan, spate_error *err)
{
    char *text = NULL;
    size_t len = 0;
    if (s->n_configs == 1)
        return spate_plan_open(s->configs[0], plan, err);
    FILE *f = open_memstream(&text, &len);
    for (size_t i = 0; f && i < s->n_configs; i++) {
        fputs(i ? ", \"" : "extends: [\"", f);
        for (const char *p = s->configs[i]; *p; p++) {
            if (*p == '"' || *p == '\\')
                fputc('\\', f);
            fputc(*p, f);
        }
        fputc('"', f);
    }
    if (f)
        fputc(']', f);
    if (!f || fclose(f) != 0) {
        snprintf(err->message, sizeof(err->message), "no memory");
        return SPATE_E_NOMEM;
    }
    int status = spate_plan_read("configs", text, len, plan, err);
    free(text);
    return status;
}

static int run_dg(const settings *s)
{
    spate_plan *plan = NULL;
    spate_error err = {0};
    double started = now();
    int code = open_configs(s, &plan, &err);
    if (code != SPATE_OK) {
        if (plan)
            report_mistakes(plan);
        spate_plan_free(plan);
        return failed(&err);
    }
    tell(now() - started, "loaded config file", "");
    tell_inputs(plan);
    if (s->profile)
        fputs("no profile is written: perf and its like look into spate from outside\n", stderr);
    code = generate(plan, s);
    if (code == EXIT_OK && s->imports)
        code = write_imports(plan, s);
    spate_plan_free(plan);
    if (code != EXIT_OK)
        return code;
    tell(now() - started, "done", "");
    return s->port ? serve(s) : EXIT_OK;
}

int sp_as_dg(int argc, char **argv)
{
    settings s = {.out = "."};
    bool help = false;
    int code = read_flags(argc, argv, &s, &help);
    if (code != EXIT_OK)
        return code;
    if (s.version) {
        puts(SPATE_VERSION);
        return EXIT_OK;
    }
    if (!help && s.n_configs)
        return run_dg(&s);
    print_usage(stderr);
    return help ? EXIT_OK : EXIT_MISUSE;
}
