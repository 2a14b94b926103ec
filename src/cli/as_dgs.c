/* as_dgs.c - dgs's command line: 'gen data' makes the rows of a configuration, 'gen config' writes one, 'version'.
 *
 * Lines are logged on stderr as dgs logs them: a level, words, key=value. Where dgs made other rows than the configuration asks
 * for, one line says so. Exit codes are its 0 and 1. */
#include "cli/as.h"

#include "spate/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, TELL_S = 1, COUNTS_MAX = AS_WORDS_MAX };

/* ---- the log ---- */

typedef enum level { DEBUG, INFO, WARN, FATAL } level;

/* A level and words; " key=value" follow in the words, by name. */
static void note(level l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(level l, const char *fmt, ...)
{
    static const struct {
        const char *tag, *colour;
    } levels[] = {[DEBUG] = {"DBG", "\033[33m"},
                  [INFO] = {"INF", "\033[32m"},
                  [WARN] = {"WRN", "\033[31m"},
                  [FATAL] = {"FTL", "\033[31m"}};
    bool colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s%s%s ", colour ? levels[l].colour : "", levels[l].tag, colour ? "\033[0m" : "");
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

static int failed(const spate_error *err)
{
    note(FATAL, "%s", err->message);
    report_lines("", err->detail);
    report_lines("hint: ", err->hint);
    return EXIT_FAILED;
}

/* ---- gen data ---- */

typedef struct run {
    const spate_plan *plan;
    int64_t batch, workers;
    bool debug;
    uint64_t told[AS_WORDS_MAX]; /* rows of a table, when it was last told of */
    bool finished[AS_WORDS_MAX];
    double last;
} run;

/* The rows that dgs makes where rows are asked for: whole batches of all its workers. */
static uint64_t rows_of_dgs(uint64_t rows, uint64_t batch, uint64_t workers)
{
    uint64_t times = rows <= batch || rows / batch / workers == 0 ? 1 : rows / batch / workers;
    return workers * times * batch;
}

static void tell_columns(const run *r)
{
    for (size_t t = 0; t < spate_plan_tables(r->plan); t++) {
        note(INFO, "parsing column types table=%s", spate_plan_table_name(r->plan, t));
        for (size_t c = 0; c < spate_plan_columns(r->plan, t); c++) {
            const char *kind, *name = spate_plan_column(r->plan, t, c, &kind, NULL);
            note(INFO, "parsed column mode=%s name=%s", kind, name);
        }
    }
}

static void tell_start(const run *r)
{
    char rows[32];
    for (size_t t = 0; t < spate_plan_tables(r->plan); t++) {
        uint64_t n = spate_plan_table_rows(r->plan, t), share = (uint64_t)(r->batch * r->workers);
        if (n == UINT64_MAX) /* those of a table elsewhere */
            continue;
        note(INFO, "iteration batch=%lld rows=%s table=%s times=%llu", (long long)r->batch, with_commas(n, rows),
             spate_plan_table_name(r->plan, t), (unsigned long long)((n + share - 1) / share));
    }
    note(INFO, "generating batch=%lld workers=%lld", (long long)r->batch, (long long)r->workers);
    for (int64_t w = 0; w < r->workers; w++) {
        note(INFO, "scheduled worker=%lld", (long long)w);
        note(INFO, "started worker=%lld", (long long)w);
    }
}

/* Once: what was wrong and is right. */
static void tell_differences(const run *r)
{
    for (size_t t = 0; t < spate_plan_tables(r->plan); t++) {
        uint64_t rows = spate_plan_table_rows(r->plan, t),
                 before = rows_of_dgs(rows, (uint64_t)r->batch, (uint64_t)r->workers);
        char a[32], b[32];
        if (rows == before || rows == UINT64_MAX)
            continue;
        note(
            WARN,
            "tables get the rows their config asks for: %s of \"%s\", where dgs made %s; a ref draws from all rows of its table",
            with_commas(rows, a), spate_plan_table_name(r->plan, t), with_commas(before, b));
        return;
    }
}

static void on_progress(void *arg, const spate_table_progress *tables, size_t n, double seconds)
{
    run *r = arg;
    bool now = r->debug || seconds - r->last >= TELL_S;
    for (size_t t = 0; t < n && t < AS_WORDS_MAX; t++) {
        char done[32], rows[32];
        bool finished = tables[t].finished > 0 && !r->finished[t];
        if (tables[t].rows_done > r->told[t] && (now || finished)) {
            note(INFO, "progress generated=%s table=%s total=%s", with_commas(tables[t].rows_done, done),
                 tables[t].name, with_commas(tables[t].rows, rows));
            r->told[t] = tables[t].rows_done;
        }
        if (finished)
            note(INFO, "finished generating table=%s", tables[t].name);
        r->finished[t] = r->finished[t] || finished;
    }
    r->last = now ? seconds : r->last;
}

/* dgs's pool has settings of its own in the address, which no server knows. */
static void take_out_pool_settings(char *url)
{
    char *query = strstr(url, "://") ? strchr(url, '?') : NULL;
    for (char *p = query ? query + 1 : NULL; p && *p;) {
        size_t len = strcspn(p, "&"), whole = len + (p[len] == '&');
        if (strncmp(p, "pool_", 5) == 0 || strncmp(p, "statement_cache_", 16) == 0 ||
            strncmp(p, "default_query_exec_mode", 23) == 0)
            memmove(p, p + whole, strlen(p + whole) + 1);
        else
            p += whole;
    }
    size_t len = strlen(url);
    if (query && (url[len - 1] == '&' || url[len - 1] == '?'))
        url[len - 1] = '\0';
}

/* "insert" is what copies rows in fastest: the same rows are there afterwards. */
static bool read_mode(const char *word, spate_insert_mode *mode)
{
    static const struct {
        const char *word;
        spate_insert_mode mode;
    } modes[] = {{"insert", SPATE_INSERT_DEFAULT}, {"upsert", SPATE_INSERT_UPSERT}, {"conflict", SPATE_INSERT_SKIP}};
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
        if (strcasecmp(modes[i].word, word) == 0) {
            *mode = modes[i].mode;
            return true;
        }
    note(FATAL, "\"%s\" is not a valid insert-mode", word);
    return false;
}

static int generate(const as_call *call, spate_plan *plan, char *url)
{
    run r = {.plan = plan,
             .batch = as_int(call, "batch"),
             .workers = as_int(call, "workers"),
             .debug = as_bool(call, "debug")};
    spate_generate_options o = {.to = url, .cancel = stop_flag(), .progress = on_progress, .arg = &r};
    spate_generate_report report;
    spate_error err = {0};
    if (!read_mode(as_text(call, "insert-mode"), &o.insert_mode))
        return EXIT_FAILED;
    if (r.batch < 1 || r.workers < 1 || r.workers > SPATE_WORKERS_MAX) {
        note(FATAL, "batch must be at least 1, workers 1 to %d", SPATE_WORKERS_MAX);
        return EXIT_FAILED;
    }
    o.workers = (unsigned)r.workers;
    o.batch_rows = as_given(call, "batch") || o.insert_mode != SPATE_INSERT_DEFAULT ? (uint64_t)r.batch : 0;
    if (*as_text(call, "cpu-profile"))
        note(WARN, "no profile is written: perf and its like look into spate from outside");
    take_out_pool_settings(url);
    tell_columns(&r);
    tell_start(&r);
    tell_differences(&r);
    stop_catch_signals();
    int status = spate_generate(plan, &o, &report, &err);
    report_mistakes(plan);
    spate_generate_report_done(&report);
    if (status == SPATE_E_INTERRUPTED)
        stop_exit_code((spate_status)status);
    if (status != SPATE_OK)
        return failed(&err);
    for (int64_t w = 0; w < r.workers; w++)
        note(INFO, "finished worker=%lld", (long long)w);
    note(INFO, "done");
    return EXIT_OK;
}

static int run_data(const as_call *call)
{
    spate_plan *plan = NULL;
    spate_error err = {0};
    char *url = strdup(as_text(call, "url"));
    int status = spate_plan_open(as_text(call, "config"), &plan, &err), code;
    if (status != SPATE_OK && plan)
        report_mistakes(plan);
    code = status != SPATE_OK || !url ? failed(&err) : generate(call, plan, url);
    spate_plan_free(plan);
    free(url);
    return code;
}

/* ---- gen config ---- */

typedef struct counts {
    spate_config_rows rows[COUNTS_MAX];
    size_t n;
} counts;

/* "TABLE:N,TABLE:N", cut apart in place; what has not exactly one colon means nothing. False: N is no number. */
static bool read_counts(char *text, counts *c)
{
    for (char *p = text; p && *p;) {
        char *comma = strchr(p, ','), *colon = strchr(p, ':'), *end = NULL;
        if (comma)
            *comma = '\0';
        if (colon && (!comma || colon < comma) && !strchr(colon + 1, ':')) {
            *colon = '\0';
            unsigned long long n = strtoull(colon + 1, &end, 10);
            if (end == colon + 1 || *end) {
                note(FATAL, "parsing count \"%s:%s\": not a whole number", p, colon + 1);
                return false;
            }
            if (c->n < COUNTS_MAX)
                c->rows[c->n++] = (spate_config_rows){p, n};
        }
        p = comma ? comma + 1 : NULL;
    }
    return true;
}

static int write_config(const as_call *call, const counts *c, char *url)
{
    const char *schema = as_text(call, "schema");
    spate_config_options o = {.schemas = &schema, .n_schemas = 1, .rows = c->rows, .n_rows = c->n, .rows_anyway = true};
    spate_error err = {0};
    char *text = NULL;
    size_t len = 0;
    take_out_pool_settings(url);
    int status = spate_config(url, &o, &text, &len, &err);
    if (status == SPATE_OK)
        fwrite(text, 1, len, stdout);
    spate_config_free(text);
    return status == SPATE_OK ? EXIT_OK : failed(&err);
}

static int run_config_of_dgs(const as_call *call)
{
    counts c = {0};
    char *url = strdup(as_text(call, "url")), *given[AS_WORDS_MAX];
    size_t n = 0;
    bool good = url != NULL;
    for (size_t i = 0; good && i < call->n; i++)
        if (call->words[i].flag && strcmp(call->words[i].flag->name, "row-count") == 0) {
            given[n] = strdup(call->words[i].text);
            good = given[n] && read_counts(given[n], &c);
            n++;
        }
    int code = good ? write_config(call, &c, url) : EXIT_FAILED;
    while (n > 0)
        free(given[--n]);
    free(url);
    return code;
}

/* ---- the program ---- */

static int run_version(const as_call *call)
{
    (void)call;
    puts(SPATE_VERSION);
    return EXIT_OK;
}

static const as_flag gen_flags[] = {
    {"cpu-profile", 0, AS_TEXT, false, "", "name of a profile; none is written"},
    {"debug", 0, AS_BOOL, false, NULL, "log every batch"},
    {"url", 0, AS_TEXT, true, NULL, "connection string of the database"},
    {0},
};

static const as_flag config_flags[] = {
    {"row-count", 0, AS_LIST, false, NULL, "rows of single tables, such as person:1000,pet:2000"},
    {"schema", 0, AS_TEXT, true, "public", "schema to write a config for"},
    {0},
};

static const as_flag data_flags[] = {
    {"batch", 0, AS_INT, false, "1000", "rows written at once"},
    {"config", 0, AS_TEXT, true, NULL, "path of the config file"},
    {"insert-mode", 0, AS_TEXT, false, "upsert", "how rows are written [insert | upsert | conflict]"},
    {"workers", 0, AS_INT, false, "4", "how many workers generate at once"},
    {0},
};

static const as_command commands_of_dgs[] = {
    {"gen", "", "Generate data or config", NULL, gen_flags, NULL},
    {"gen config", "[flags]", "Generate the config of a database schema", config_flags, NULL, run_config_of_dgs},
    {"gen data", "[flags]", "Generate data into a database", data_flags, NULL, run_data},
    {"version", "[flags]", "Show the application version", NULL, NULL, run_version},
    {0},
};

int sp_as_dgs(int argc, char **argv)
{
    static const as_program dgs = {"dgs", "dgs is a streaming data generator: spate under its name", commands_of_dgs,
                                   NULL, false};
    return as_cobra(&dgs, argc, argv);
}
