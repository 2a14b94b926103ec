/* validate.c - the command 'validate': every mistake of a plan, and what its rows will take. */
#include "cli/cli.h"

static void print_mistakes_json(const spate_plan *plan)
{
    size_t n = plan ? spate_plan_mistakes(plan) : 0;
    fputs("  \"mistakes\": [", stdout);
    for (size_t i = 0; i < n; i++) {
        const spate_mistake *m = spate_plan_mistake(plan, i);
        printf("%s\n    {\"fatal\": %s, \"line\": %u, \"column\": %u, \"found\": ", i ? "," : "",
               m->fatal ? "true" : "false", m->line, m->column);
        print_json_string(stdout, m->found);
        fputs(", \"message\": ", stdout);
        print_json_string(stdout, m->message);
        putchar('}');
    }
    fputs(n ? "\n  ]" : "]", stdout);
}

static void print_measures_json(const spate_measure_report *r)
{
    printf(",\n  \"workers\": %u, \"seconds\": %.6f, \"csv_bytes\": %.0f, \"memory_bytes\": %llu,\n  \"tables\": [",
           r->workers, r->seconds, r->csv_bytes, (unsigned long long)r->memory_bytes);
    for (size_t t = 0; t < r->n_tables; t++) {
        const spate_table_measure *m = &r->tables[t];
        printf("%s\n    {\"name\": ", t ? "," : "");
        print_json_string(stdout, m->name);
        printf(", \"rows\": %llu, \"columns\": %zu, \"seconds\": %.6f, \"csv_bytes\": %.0f, \"sampled\": %llu}",
               (unsigned long long)m->rows, m->columns, m->seconds, m->csv_bytes, (unsigned long long)m->sampled);
    }
    fputs("\n  ]", stdout);
}

static void print_json(const char *path, const spate_plan *plan, const spate_measure_report *r, bool valid)
{
    fputs("{\n  \"plan\": ", stdout);
    print_json_string(stdout, path);
    printf(",\n  \"valid\": %s,\n", valid ? "true" : "false");
    print_mistakes_json(plan);
    if (valid)
        print_measures_json(r);
    fputs("\n}\n", stdout);
}

static void print_line(const char *name, uint64_t rows, size_t columns, double bytes, double seconds)
{
    char a[32], b[32];
    printf("%-24s %15s rows  %4zu columns  %7.0f bytes a row  %8sB  %8.2f s\n", name, with_commas(rows, a), columns,
           rows ? bytes / (double)rows : 0, with_unit(bytes, b), seconds);
}

static void print_measures(const spate_measure_report *r)
{
    char a[32], b[32];
    uint64_t rows = 0;
    size_t columns = 0;
    for (size_t t = 0; t < r->n_tables; t++) {
        const spate_table_measure *m = &r->tables[t];
        print_line(m->name, m->rows, m->columns, m->csv_bytes, m->seconds / r->workers);
        rows += m->rows;
        columns += m->columns;
    }
    if (r->n_tables > 1)
        print_line("all tables", rows, columns, r->csv_bytes, r->seconds);
    printf(
        "The plan is good. Making its rows takes about %.2f s on %u thread%s and %sB of memory, and as CSV they are %sB; the target's "
        "time comes on top.\n",
        r->seconds, r->workers, r->workers == 1 ? "" : "s", with_unit((double)r->memory_bytes, a),
        with_unit(r->csv_bytes, b));
}

/* All of them are on the screen already: how many. */
static void print_count(const char *path, const spate_plan *plan)
{
    size_t n = 0;
    for (size_t i = 0; i < spate_plan_mistakes(plan); i++)
        n += spate_plan_mistake(plan, i)->fatal;
    fprintf(stderr, "spate: %s: %zu mistake%s\n", path, n, n == 1 ? "" : "s");
}

int run_validate(const invocation *in)
{
    const char *path = in->arguments[0];
    bool json = option_flag(in, "json");
    uint64_t workers = option_count(in, "workers", 0);
    spate_plan *plan = NULL;
    spate_measure_report report = {0};
    spate_error err = {0};
    int status = spate_plan_open(path, &plan, &err);
    if (plan) { /* the generator's mistakes are wanted even where the reader has found some */
        spate_error more = {0};
        int measured =
            spate_measure(plan, (unsigned)(workers < SPATE_WORKERS_MAX ? workers : SPATE_WORKERS_MAX), &report, &more);
        if (status == SPATE_OK && measured != SPATE_OK) {
            status = measured;
            err = more;
        }
    }
    if (json && (status == SPATE_OK || status == SPATE_E_CONFIG))
        print_json(path, plan, &report, status == SPATE_OK);
    else if (plan)
        report_mistakes(plan);
    if (status == SPATE_OK && !json)
        print_measures(&report);
    else if (status == SPATE_E_CONFIG && plan && !json)
        print_count(path, plan);
    else if (status != SPATE_OK && !(json && status == SPATE_E_CONFIG))
        report_error(&err);
    spate_measure_report_done(&report);
    spate_plan_free(plan);
    return exit_code_of((spate_status)status);
}
