/* lab_bench.c - the command 'lab bench': a line a query and target, and what sharding did to each. */
#include "cli/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void print_head(void)
{
    printf("%-12s %-11s %5s %6s %12s %10s %10s %10s %10s %10s %8s\n", "query", "on", "cpu", "users", "answers/s",
           "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "errors");
}

static void print_measure(void *arg, const spate_lab_measure *m)
{
    char rate[32], errors[32], cpu[16] = "all", query[80];
    if (m->cpu > 0)
        snprintf(cpu, sizeof(cpu), "%.2f", m->cpu);
    snprintf(query, sizeof(query), "%.63s%s", m->query, m->indexed ? "+index" : "");
    printf("%-12s %-11s %5s %6u %12s %10.3f %10.3f %10.3f %10.3f %10.3f %8s\n", query, m->target, cpu, m->users,
           with_commas((uint64_t)(m->rate + 0.5), rate), m->p50_ms, m->p90_ms, m->p99_ms, m->p999_ms, m->max_ms,
           with_commas(m->errors + m->unserved, errors));
    if (m->error[0])
        fprintf(stderr, "spate: %s on %s: %s\n", m->query, m->target, m->error);
    fflush(stdout);
}

static const spate_lab_measure *find_measure(const spate_lab_bench_report *r, const char *query, const char *target,
                                             bool budget, bool indexed)
{
    for (size_t i = 0; i < r->n_measures; i++) {
        const spate_lab_measure *m = &r->measures[i];
        if (strcmp(m->query, query) == 0 && strcmp(m->target, target) == 0 && (m->cpu > 0) == budget &&
            m->indexed == indexed)
            return m;
    }
    return NULL;
}

/* What a target is beside main: how many times as many answers, or, where their rate was given, how long they took. False: not known. */
static bool beside_main(const spate_lab_bench_report *r, const spate_lab_measure *m, double *times)
{
    const spate_lab_measure *main = find_measure(r, m->query, "main", m->cpu > 0, m->indexed);
    if (!main || main == m || main->rate <= 0 || main->p99_ms <= 0)
        return false;
    *times = m->rate_asked > 0 ? m->p99_ms / main->p99_ms : m->rate / main->rate;
    return true;
}

/* One line a query and target: without budgets, and with them. */
static void print_ratios(const spate_lab_bench_report *r)
{
    for (size_t i = 0; i < r->n_measures; i++) {
        const spate_lab_measure *m = &r->measures[i], *limited = find_measure(r, m->query, m->target, true, m->indexed);
        double times;
        if (m->cpu > 0 || !beside_main(r, m, &times))
            continue;
        printf("%-12s %s%s / main: %s%.2fx%s", m->query, m->target, m->indexed ? " with the index" : "",
               m->rate_asked > 0 ? "p99 " : "", times, m->rate_asked > 0 ? "" : " the answers");
        if (limited && beside_main(r, limited, &times))
            printf("; with %.2f of a processor for each server %.2fx", limited->cpu, times);
        putchar('\n');
    }
}

/* ---- indexes that were tried ---- */

static void print_gain(const spate_lab_bench_report *r, const spate_lab_measure *m)
{
    const spate_lab_measure *without = find_measure(r, m->query, m->target, m->cpu > 0, false);
    char limit[48] = "";
    if (m->cpu > 0)
        snprintf(limit, sizeof(limit), " at %.2f of a processor", m->cpu);
    if (without && without->rate > 0 && m->rate_asked <= 0)
        printf("%-12s %s%s: with the index %.2fx the answers\n", m->query, m->target, limit, m->rate / without->rate);
    else if (without && without->p99_ms > 0)
        printf("%-12s %s%s: with the index p99 %.2fx\n", m->query, m->target, limit, m->p99_ms / without->p99_ms);
}

static void print_plan(const char *what, const char *text)
{
    printf("  %s\n", what);
    while (*text) {
        size_t len = strcspn(text, "\n");
        printf("    %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void print_indexes(const spate_lab_bench_report *r)
{
    char main_size[32], shard_size[32];
    for (size_t i = 0; i < r->n_measures; i++)
        if (r->measures[i].indexed)
            print_gain(r, &r->measures[i]);
    for (size_t i = 0; i < r->n_indexes; i++)
        printf("index on %s: %sB on main, %sB on the shards\n", r->indexes[i].definition,
               with_unit((double)r->indexes[i].main_bytes, main_size),
               with_unit((double)r->indexes[i].shard_bytes, shard_size));
    if (r->n_indexes)
        printf("made in %.2f s, and dropped\n", r->index_seconds);
    for (size_t i = 0; i < r->n_plans; i++) {
        const spate_lab_plan *p = &r->plans[i];
        bool same = strcmp(p->before, p->after) == 0;
        printf("%s on %s:%s\n", p->query, p->server, same ? " the plan stays the same" : "");
        print_plan(same ? "with and without the index" : "without the index", p->before);
        if (!same)
            print_plan("with the index", p->after);
    }
}

/* ---- shares ---- */

static void print_percent(const spate_lab_measure *m, const char *what, uint64_t part, uint64_t of)
{
    char total[32];
    if (of)
        printf("%-12s %s: %.1f %% of %s %s\n", m->query, m->label, 100.0 * (double)part / (double)of,
               with_commas(of, total), what);
}

static void print_shares(const spate_lab_bench_report *r)
{
    for (size_t i = 0; i < r->n_measures; i++) {
        const spate_lab_measure *m = &r->measures[i];
        print_percent(m, "answers came from the cache", m->cache_hits, m->cache_hits + m->cache_misses);
        if (strcmp(m->target, "replicas") == 0)
            print_percent(m, "writes were not seen by who looked at once", m->own_unseen, m->writes);
    }
}

/* On one machine shards share its processors: what shows is the router's and the connections' cost, and not what they would be on
 * machines of their own. */
static void explain(const spate_lab_bench_report *r)
{
    if (find_measure(r, r->n_measures ? r->measures[0].query : "", "main", true, false))
        fputs(
            "note: without budgets all servers share this machine's processors, and shards only add work; with them each is like one on a\n"
            "      machine of its own, where shards have as many times the processor as there are of them\n",
            stderr);
    else if (r->no_budgets)
        fprintf(
            stderr,
            "note: all servers share this machine's processors, so what shards would do on machines of their own does not show\n"
            "      (%s)\n",
            r->no_budgets);
}

static void print_indexes_json(const spate_lab_bench_report *r)
{
    printf(",\n  \"index_seconds\": %.6f,\n  \"indexes\": [", r->index_seconds);
    for (size_t i = 0; i < r->n_indexes; i++) {
        fputs(i ? ", {\"on\": " : "{\"on\": ", stdout);
        print_json_string(stdout, r->indexes[i].definition);
        printf(", \"main_bytes\": %llu, \"shard_bytes\": %llu}", (unsigned long long)r->indexes[i].main_bytes,
               (unsigned long long)r->indexes[i].shard_bytes);
    }
    fputs("],\n  \"plans\": [", stdout);
    for (size_t i = 0; i < r->n_plans; i++) {
        const char *const texts[] = {r->plans[i].query, r->plans[i].server, r->plans[i].before, r->plans[i].after};
        static const char *const keys[] = {"query", "server", "before", "after"};
        for (size_t k = 0; k < 4; k++) {
            printf("%s\"%s\": ", k ? ", " : i ? "},\n    {" : "\n    {", keys[k]);
            print_json_string(stdout, texts[k]);
        }
    }
    fputs(r->n_plans ? "}\n  ]" : "]", stdout);
}

static void print_json(const spate_lab_bench_report *r, int status, const spate_error *err)
{
    printf("{\n  \"complete\": %s,\n  \"measures\": [", status == SPATE_OK ? "true" : "false");
    for (size_t i = 0; i < r->n_measures; i++) {
        const spate_lab_measure *m = &r->measures[i];
        fputs(i ? ",\n    {\"query\": " : "\n    {\"query\": ", stdout);
        print_json_string(stdout, m->query);
        printf(
            ", \"on\": \"%s\", \"cpu\": %g, \"indexed\": %s, \"users\": %u, \"rate_asked\": %.3f, \"seconds\": %.6f, \"answers\": %llu, \"errors\": %llu,"
            " \"unserved\": %llu, \"rate\": %.3f, \"p50_ms\": %.6f, \"p90_ms\": %.6f, \"p99_ms\": %.6f, \"p999_ms\": %.6f,"
            " \"max_ms\": %.6f, \"service_p99_ms\": %.6f, \"cache_hits\": %llu, \"cache_misses\": %llu, \"writes\": %llu, \"own_unseen\": %llu}",
            m->target, m->cpu, m->indexed ? "true" : "false", m->users, m->rate_asked, m->seconds,
            (unsigned long long)m->answers, (unsigned long long)m->errors, (unsigned long long)m->unserved, m->rate,
            m->p50_ms, m->p90_ms, m->p99_ms, m->p999_ms, m->max_ms, m->service_p99_ms,
            (unsigned long long)m->cache_hits, (unsigned long long)m->cache_misses, (unsigned long long)m->writes,
            (unsigned long long)m->own_unseen);
    }
    fputs(r->n_measures ? "\n  ]" : "]", stdout);
    if (r->n_indexes)
        print_indexes_json(r);
    if (status != SPATE_OK) {
        fputs(",\n  \"error\": ", stdout);
        print_json_string(stdout, err->message);
    }
    fputs("\n}\n", stdout);
}

bool read_cpu(const invocation *in, double otherwise, double none, double *cpu)
{
    const char *text = option_text(in, "cpu");
    char *end;
    *cpu = otherwise;
    if (!text)
        return true;
    *cpu = strcmp(text, "none") == 0 ? none : strtod(text, &end);
    if (strcmp(text, "none") == 0 || (end != text && *end == '\0' && *cpu >= 0.01 && *cpu <= 1024))
        return true;
    fprintf(stderr, "spate: --cpu takes processors from 0.01, such as 0.3, or none, not \"%s\"\n", text);
    return false;
}

bool read_seconds(const invocation *in, double otherwise, double *seconds)
{
    const char *text = option_text(in, "seconds");
    char *end;
    *seconds = text ? strtod(text, &end) : otherwise;
    if (!text || (end != text && *seconds >= 0.1 && *seconds <= 86400 && (*end == '\0' || strcmp(end, "s") == 0)))
        return true;
    fprintf(stderr, "spate: --seconds takes 0.1 to 86400, not \"%s\"\n", text);
    return false;
}

static bool read_options(const invocation *in, spate_lab_bench_options *o, const char **queries, const char **indexes)
{
    uint64_t users = option_count(in, "users", 8);
    if (users == 0 || users > 1024) {
        fprintf(stderr, "spate: --users takes 1 to 1024, not %s\n", option_text(in, "users"));
        return false;
    }
    *o = (spate_lab_bench_options){.queries = queries,
                                   .indexes = indexes,
                                   .file = option_text(in, "file"),
                                   .users = option_text(in, "users") ? (unsigned)users : 0,
                                   .rate = (double)option_count(in, "rate", 0),
                                   .seed = option_count(in, "seed", 1),
                                   .cancel = stop_flag()};
    o->engine = option_text(in, "engine");
    o->writes = (double)option_count(in, "writes", 0) / 100;
    for (size_t i = 0; i < in->n_uses; i++) {
        if (strcmp(in->uses[i].option->name, "query") == 0)
            queries[o->n_queries++] = in->uses[i].value;
        if (strcmp(in->uses[i].option->name, "try-index") == 0)
            indexes[o->n_indexes++] = in->uses[i].value;
        for (unsigned t = 0; strcmp(in->uses[i].option->name, "on") == 0 && target_words[t]; t++)
            o->targets |= strcmp(target_words[t], in->uses[i].value) == 0 ? 1u << t : 0;
    }
    return read_seconds(in, 5, &o->seconds) && read_cpu(in, 0, -1, &o->cpu);
}

static bool any_errors(const spate_lab_bench_report *r)
{
    for (size_t i = 0; i < r->n_measures; i++)
        if (r->measures[i].errors || r->measures[i].unserved)
            return true;
    return false;
}

/* ---- as a picture ---- */

static bool ends_with(const char *text, const char *ending)
{
    size_t a = strlen(text), b = strlen(ending);
    return a > b && strcmp(text + a - b, ending) == 0;
}

static bool check_chart(const invocation *in)
{
    const char *file = option_text(in, "chart");
    if (!file || ends_with(file, ".svg") || ends_with(file, ".html"))
        return true;
    fprintf(stderr, "spate: --chart takes a file that ends with .svg or .html, not \"%s\"\n", file);
    return false;
}

static int write_chart(const char *file, const spate_lab_bench_report *report)
{
    spate_error err = {0};
    char *text = NULL;
    int status = spate_lab_chart(report, ends_with(file, ".svg") ? SPATE_LAB_SVG : SPATE_LAB_HTML, &text, &err);
    if (status != SPATE_OK) {
        report_error(&err);
        return exit_code_of((spate_status)status);
    }
    FILE *f = fopen(file, "w");
    bool written = f && fputs(text, f) >= 0;
    free(text);
    if (f && fclose(f) == 0 && written)
        return EXIT_OK;
    fprintf(stderr, "spate: could not write \"%s\": %s\n", file, strerror(errno));
    return EXIT_ENDPOINT;
}

int bench_lab(const invocation *in, spate_lab *lab, const spate_lab_bench_options *options)
{
    spate_error err = {0};
    spate_lab_bench_report report;
    bool json = option_flag(in, "json");
    const char *chart = option_text(in, "chart");
    spate_lab_bench_options o = *options;
    o.measured = json ? NULL : print_measure;
    stop_catch_signals();
    if (!json)
        print_head();
    int status = spate_lab_bench(lab, &o, &report, &err);
    if (json)
        print_json(&report, status, &err);
    else
        print_ratios(&report);
    if (!json)
        print_shares(&report);
    if (!json)
        print_indexes(&report);
    if (!json && status == SPATE_OK)
        explain(&report);
    bool errors = any_errors(&report);
    int drawn = chart && report.n_measures ? write_chart(chart, &report) : EXIT_OK;
    spate_lab_bench_report_done(&report);
    if (status != SPATE_OK)
        report_error(&err);
    int code = stop_exit_code((spate_status)status);
    return code != EXIT_OK ? code : drawn != EXIT_OK ? drawn : errors ? EXIT_NO : EXIT_OK;
}

int run_lab_bench(const invocation *in)
{
    static const char *queries[OPTION_USES_MAX], *indexes[OPTION_USES_MAX];
    spate_lab_bench_options options;
    spate_lab *lab;
    if (!read_options(in, &options, queries, indexes) || !check_chart(in)) {
        fputs("try 'spate lab bench --help'\n", stderr);
        return EXIT_USAGE;
    }
    int code = open_lab(in, &lab);
    if (code)
        return code;
    code = bench_lab(in, lab, &options);
    spate_lab_close(lab);
    return code;
}
