/* report.c - what a person reads at the end, and the same as JSON. */
#include "cli/cli.h"

#include <string.h>

int exit_code_of(spate_status status)
{
    switch (status) {
    case SPATE_OK: return EXIT_OK;
    case SPATE_E_USAGE:
    case SPATE_E_CONFIG: return EXIT_USAGE;
    case SPATE_E_UNREACHABLE:
    case SPATE_E_RETRY:
    case SPATE_E_IO:
    case SPATE_E_NOMEM: return EXIT_ENDPOINT;
    case SPATE_E_DATA: return EXIT_DATA;
    case SPATE_E_INTERRUPTED: return EXIT_INCOMPLETE;
    case SPATE_E_CORRUPT:
    case SPATE_E_BUG: return EXIT_BUG;
    }
    return EXIT_BUG;
}

void report_lines(const char *label, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        fprintf(stderr, "  %s%.*s\n", label, (int)len, text);
        text += len + (text[len] == '\n');
    }
}

void report_error(const spate_error *err)
{
    fprintf(stderr, "spate: %s\n", err->message);
    if (err->sqlstate[0])
        fprintf(stderr, "  SQLSTATE: %s\n", err->sqlstate);
    report_lines("", err->detail);
    report_lines("hint: ", err->hint);
}

void report_mistakes(const spate_plan *plan)
{
    for (size_t i = 0; i < spate_plan_mistakes(plan); i++) {
        const spate_mistake *m = spate_plan_mistake(plan, i);
        fprintf(stderr, "%s:", m->file);
        if (m->line)
            fprintf(stderr, "%u:%u:", m->line, m->column);
        fprintf(stderr, " %s: ", m->fatal ? "error" : "warning");
        if (m->found[0])
            fprintf(stderr, "\"%s\" ", m->found);
        fprintf(stderr, "%s\n", m->message);
    }
}

const char *with_commas(uint64_t n, char *text)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    char *p = text;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return text;
}

const char *with_unit(double n, char *text)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    size_t u = 0;
    while (n >= 999.5 && u + 1 < sizeof(units) / sizeof(*units)) {
        n /= 1000;
        u++;
    }
    snprintf(text, 32, n < 10 && u ? "%.2f%s" : n < 100 && u ? "%.1f%s" : "%.0f%s", n, units[u]);
    return text;
}

static void print_row(const spate_table_progress *p, double seconds)
{
    char a[32], b[32], c[32], d[32];
    fprintf(stderr, "  %-24s %15s rows  %8.2f s  %9s rows/s  %9s%sB", p->name, with_commas(p->rows_done, a), seconds,
            with_unit(seconds > 0 ? (double)p->rows_done / seconds : 0, b), with_unit((double)p->bytes, c),
            p->bytes < 1000 ? " " : "");
    if (p->rejected)
        fprintf(stderr, "  (%s rejected)", with_commas(p->rejected, d));
    if (p->left_out)
        fprintf(stderr, "  (%s left out by the server)", with_commas(p->left_out, d));
    fprintf(stderr, "%s\n", p->rows_done + p->rejected < p->rows ? "  (incomplete)" : "");
}

static void print_tables(const spate_generate_report *r)
{
    spate_table_progress all = {.name = "all tables"};
    double last = 0;
    for (size_t t = 0; t < r->n_tables; t++) {
        const spate_table_progress *p = &r->tables[t];
        double end = p->finished > 0 ? p->finished : r->seconds;
        last = end > last ? end : last;
        print_row(p, p->started > 0 ? end - p->started : 0);
        all.rows += p->rows;
        all.rows_done += p->rows_done;
        all.rejected += p->rejected;
        all.left_out += p->left_out;
        all.bytes += p->bytes;
    }
    if (r->seconds - last >= 0.01)
        fprintf(stderr, "  %-24s %20s  %8.2f s\n", "keys, checks and sync", "", r->seconds - last);
    if (r->n_tables > 1)
        print_row(&all, r->seconds);
}

static bool was_started(const spate_generate_report *r)
{
    for (size_t t = 0; t < r->n_tables; t++)
        if (r->tables[t].started > 0)
            return true;
    return false;
}

static void print_done_job(const spate_generate_report *r)
{
    fprintf(
        stderr,
        "spate: job %s is done: everything is in %s\n  'spate job cancel %s' takes it off the list, and the same command begins anew\n",
        r->job, r->target, r->job);
}

void report_generated(const spate_generate_report *r, bool complete, bool dry_run)
{
    if (r->already_done) {
        print_done_job(r);
        return;
    }
    if (dry_run) {
        if (complete)
            fprintf(stderr, "spate: the plan fits %s; nothing was changed\n", r->target);
        return;
    }
    if (!complete && !was_started(r)) /* refused before it began */
        return;
    fprintf(stderr, "spate: %s %s\n", complete ? "made" : "stopped; committed to", r->target);
    print_tables(r);
    if (complete && r->how_to_query)
        fprintf(stderr, "try: %s\n", r->how_to_query);
}

void print_json_string(FILE *out, const char *s)
{
    print_json_text(out, s, strlen(s));
}

void print_json_text(FILE *out, const char *s, size_t len)
{
    fputc('"', out);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void print_json_member(FILE *out, const char *name, const char *value)
{
    fprintf(out, ", \"%s\": ", name);
    print_json_string(out, value);
}

static void print_json_error(FILE *out, const spate_error *err)
{
    fprintf(out, ",\n  \"error\": {\"status\": \"%s\"", spate_status_name(err->status));
    print_json_member(out, "message", err->message);
    if (err->sqlstate[0])
        print_json_member(out, "sqlstate", err->sqlstate);
    if (err->detail[0])
        print_json_member(out, "detail", err->detail);
    if (err->hint[0])
        print_json_member(out, "hint", err->hint);
    fputc('}', out);
}

static void print_json_head(FILE *out, int status, bool dry_run)
{
    fprintf(out, "{\n  \"complete\": %s,\n", status == SPATE_OK ? "true" : "false");
    if (dry_run)
        fputs("  \"dry_run\": true,\n", out);
}

static void print_json_tables(FILE *out, const spate_generate_report *r, bool rejects)
{
    fprintf(out, "  \"seconds\": %.6f,\n  \"target\": ", r->seconds);
    print_json_string(out, r->target ? r->target : "");
    fputs(",\n  \"tables\": [", out);
    for (size_t t = 0; t < r->n_tables; t++) {
        const spate_table_progress *p = &r->tables[t];
        fprintf(out, "%s\n    {\"name\": ", t ? "," : "");
        print_json_string(out, p->name);
        fprintf(out, ", \"rows\": %llu, \"rows_done\": %llu", (unsigned long long)p->rows,
                (unsigned long long)p->rows_done);
        if (rejects)
            fprintf(out, ", \"rejected\": %llu", (unsigned long long)p->rejected);
        if (p->left_out)
            fprintf(out, ", \"left_out\": %llu", (unsigned long long)p->left_out);
        fprintf(out, ", \"bytes\": %llu, \"started\": %.6f, \"finished\": %.6f}", (unsigned long long)p->bytes,
                p->started, p->finished);
    }
    fputs(r->n_tables ? "\n  ]" : "]", out);
}

static void print_json_end(FILE *out, int status, const spate_error *err)
{
    if (status != SPATE_OK)
        print_json_error(out, err);
    fputs("\n}\n", out);
}

void report_generated_json(FILE *out, const spate_generate_report *r, int status, bool dry_run, const spate_error *err)
{
    print_json_head(out, status, dry_run);
    print_json_tables(out, r, false);
    print_json_end(out, status, err);
}

void report_copied(const spate_copy_report *r, bool complete, bool dry_run)
{
    const spate_generate_report *m = &r->moved;
    if (m->already_done) {
        print_done_job(m);
        return;
    }
    if (dry_run) {
        for (size_t i = 0; i < r->n_plan; i++)
            fprintf(m->to_stdout ? stderr : stdout, "%s\n", r->plan[i]);
        for (size_t i = 0; i < r->n_notes; i++)
            fprintf(stderr, "does not travel: %s\n", r->notes[i]);
        if (complete)
            fprintf(stderr, "spate: the tables of %s fit %s; nothing was changed\n", r->source, m->target);
        return;
    }
    if (!complete && !was_started(m)) /* refused before it began */
        return;
    if (complete)
        fprintf(stderr, "spate: copied %s to %s\n", r->source, m->target);
    else
        fprintf(stderr, "spate: stopped; committed to %s\n", m->target);
    print_tables(m);
    for (size_t i = 0; complete && i < r->n_notes; i++)
        fprintf(stderr, "not copied: %s\n", r->notes[i]);
    size_t same = 0;
    for (size_t i = 0; i < r->n_verified; i++)
        same += r->verified[i].same;
    if (r->n_verified)
        fprintf(stderr, "verified: %zu of %zu tables are the same\n", same, r->n_verified);
    if (complete && m->how_to_query)
        fprintf(stderr, "try: %s\n", m->how_to_query);
}

void report_copied_json(FILE *out, const spate_copy_report *r, int status, bool dry_run, const spate_error *err)
{
    print_json_head(out, status, dry_run);
    fputs("  \"source\": ", out);
    print_json_string(out, r->source ? r->source : "");
    fputs(",\n", out);
    print_json_tables(out, &r->moved, true);
    fputs(",\n  \"notes\": [", out);
    for (size_t i = 0; i < r->n_notes; i++) {
        fputs(i ? ", " : "", out);
        print_json_string(out, r->notes[i]);
    }
    fputs("],\n  \"plan\": [", out);
    for (size_t i = 0; i < r->n_plan; i++) {
        fputs(i ? ", " : "", out);
        print_json_string(out, r->plan[i]);
    }
    fputs("],\n  \"verified\": [", out);
    for (size_t i = 0; i < r->n_verified; i++) {
        const spate_verified *v = &r->verified[i];
        fprintf(out, "%s\n    {\"name\": ", i ? "," : "");
        print_json_string(out, v->name);
        fprintf(
            out,
            ", \"rows_from\": %llu, \"rows_to\": %llu, \"checksum_from\": \"%016llx\", \"checksum_to\": \"%016llx\", \"same\": %s}",
            (unsigned long long)v->rows_from, (unsigned long long)v->rows_to, (unsigned long long)v->checksum_from,
            (unsigned long long)v->checksum_to, v->same ? "true" : "false");
    }
    fputs(r->n_verified ? "\n  ]" : "]", out);
    print_json_end(out, status, err);
}
