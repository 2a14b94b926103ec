/* lab_check.c - the command 'lab check': whether rows are where they belong, whether anything that was acknowledged is lost, whether money adds
 * up, and what is in doubt. */
#include "cli/lab.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- in doubt ---- */

enum { UNDER_WAY_S = 2 }; /* a transaction prepared no longer ago than that is taken to be at its end soon */

typedef struct doubts {
    bool json;
    char *text; /* lines for a person, or members of a list */
    size_t len, n, left;
    FILE *out;
} doubts;

static void take_doubt(void *arg, const spate_lab_doubt *d)
{
    doubts *all = arg;
    const char *record = d->record ? d->record : "not ours";
    if (all->json) {
        fprintf(all->out, "%s\n    {\"server\": \"%s\", \"gid\": ", all->n ? "," : "", d->server);
        print_json_string(all->out, d->gid);
        fprintf(all->out, ", \"seconds\": %.3f, \"record\": ", d->age);
        fprintf(all->out, d->record ? "\"%s\"" : "null", record);
        fprintf(all->out, ", \"resolved\": %s}", d->resolved ? "true" : "false");
    } else {
        fprintf(all->out, "%-12s %10.1f  %-10s %-8s  %s\n", d->server, d->age, record, d->resolved ? "yes" : "NO",
                d->gid);
    }
    all->n++;
    all->left += !d->resolved;
}

static int find_doubts(const invocation *in, spate_lab *lab, doubts *all, spate_error *err)
{
    spate_lab_doubt_options o = {
        .older = UNDER_WAY_S, .resolve = option_flag(in, "resolve"), .found = take_doubt, .arg = all};
    *all = (doubts){.json = option_flag(in, "json")};
    all->out = open_memstream(&all->text, &all->len);
    if (!all->out)
        abort();
    fputs(all->json ? ",\n  \"in_doubt\": [" : "", all->out);
    int status = spate_lab_doubts(lab, &o, err);
    fputs(!all->json ? "" : all->n ? "\n  ]" : "]", all->out);
    fclose(all->out);
    return status;
}

static void print_doubts(const doubts *all)
{
    if (all->n)
        printf("%-12s %10s  %-10s %-8s  %s\n%s", "in doubt on", "seconds", "recorded", "ended", "transaction",
               all->text);
}

/* ---- where rows are ---- */

int check_lab(const invocation *in, spate_lab *lab)
{
    spate_error err = {0};
    spate_lab_report report;
    doubts open = {0};
    size_t shards = spate_lab_servers(lab) - 1;
    bool fine = true;
    int status = spate_lab_check(lab, &report, &err);
    if (status == SPATE_OK)
        status = find_doubts(in, lab, &open, &err);
    if (option_flag(in, "json")) {
        print_lab_json(stdout, &report, shards, true, open.text ? open.text : "", status, &err);
    } else if (status == SPATE_OK) {
        print_lab_tables(stdout, &report, shards, true);
        print_doubts(&open);
    }
    for (size_t i = 0; i < report.n_tables; i++)
        fine &= report.tables[i].misplaced == 0 && (!report.tables[i].on_main || report.tables[i].same);
    if (status != SPATE_OK)
        report_error(&err);
    spate_lab_report_done(&report);
    free(open.text);
    return status != SPATE_OK ? exit_code_of((spate_status)status) : fine && !open.left ? EXIT_OK : EXIT_NO;
}

/* ---- what clients see ---- */

static void print_watch_json(const spate_lab_watch_report *r, uint64_t seed)
{
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {{"writes", r->writes},
                  {"reads", r->reads},
                  {"refused", r->refused},
                  {"unknown", r->unknown},
                  {"lost", r->lost},
                  {"stale", r->stale},
                  {"transfers_within", r->within},
                  {"transfers_across", r->across},
                  {"transfers_given_up", r->given_up},
                  {"totals", r->totals},
                  {"totals_wrong", r->wrong},
                  {"settled", r->settled},
                  {"kills", r->kills},
                  {"stops", r->stops},
                  {"movers_killed", r->movers},
                  {"moves", r->moves},
                  {"seed", seed}};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        printf("%s\"%s\": %llu", i ? ", " : "{", counts[i].name, (unsigned long long)counts[i].n);
    printf(
        ", \"gate_ms\": %.3f, \"seconds\": %.6f, \"p50_ms\": %.6f, \"p99_ms\": %.6f, \"p999_ms\": %.6f, \"max_ms\": %.6f}\n",
        r->gate_ms, r->seconds, r->p50_ms, r->p99_ms, r->p999_ms, r->max_ms);
}

static void print_line(const char *what, uint64_t seen, const char *how, uint64_t broken)
{
    char a[32], b[32];
    printf("%-28s %15s  %-6s %12s\n", what, with_commas(seen, a), how, with_commas(broken, b));
}

static void print_watch(const spate_lab_watch_report *r)
{
    char a[32], b[32], c[32];
    printf("%-28s %15s  %-6s %12s\n", "what", "seen", "", "broken");
    print_line("acknowledged writes", r->writes, "lost", r->lost);
    print_line("reads of own writes", r->reads, "stale", r->stale);
    print_line("totals of all money", r->totals, "wrong", r->wrong);
    printf(
        "writes took %.3f ms (p50), %.3f (p99), %.3f (p99.9), %.3f at most; %s were asked elsewhere again, %s ended unknown\n",
        r->p50_ms, r->p99_ms, r->p999_ms, r->max_ms, with_commas(r->refused, a), with_commas(r->unknown, b));
    printf("transfers: %s on one shard, %s between two, %s given up", with_commas(r->within, a),
           with_commas(r->across, b), with_commas(r->given_up, c));
    printf("; %s in doubt were settled; a total kept them waiting %.3f ms at most\n", with_commas(r->settled, a),
           r->gate_ms);
    if (r->wrong)
        printf("the money is %s, and was first read as %lld\n", with_commas((uint64_t)r->total, a),
               (long long)r->first_wrong);
    if (r->kills || r->stops || r->movers || r->moves)
        printf(
            "the nemesis: shards killed %llu times and stopped %llu times, movers killed %llu times, %llu moves ended\n",
            (unsigned long long)r->kills, (unsigned long long)r->stops, (unsigned long long)r->movers,
            (unsigned long long)r->moves);
}

static void tell(void *arg, const char *what)
{
    (void)arg;
    fprintf(stderr, "nemesis: %s\n", what);
}

static unsigned read_nemesis(const invocation *in)
{
    unsigned all = 0;
    for (size_t i = 0; i < in->n_uses; i++)
        if (strcmp(in->uses[i].option->name, "nemesis") == 0)
            for (unsigned bit = 0; in->uses[i].option->words[bit]; bit++)
                all |= (unsigned)(strcmp(in->uses[i].option->words[bit], in->uses[i].value) == 0) << bit;
    return all;
}

static int watch(const invocation *in, spate_lab *lab)
{
    char program[PATH_MAX] = "";
    spate_error err = {0};
    spate_lab_watch_report report;
    uint64_t users = option_count(in, "users", 8);
    bool json = option_flag(in, "json");
    spate_lab_watch_options o = {.clients = users > 100000 ? 100000 : (unsigned)users,
                                 .rate = (double)option_count(in, "rate", 0),
                                 .nemesis = read_nemesis(in),
                                 .program = program,
                                 .told = json ? NULL : tell,
                                 .cancel = stop_flag()};
    o.seed = option_count(in, "seed", o.nemesis ? (uint64_t)time(NULL) : 1);
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[len > 0 ? len : 0] = '\0';
    if (!read_seconds(in, 5, &o.seconds))
        return EXIT_USAGE;
    if (o.nemesis && !json)
        fprintf(stderr, "nemesis: seed %llu\n", (unsigned long long)o.seed);
    stop_catch_signals();
    int status = spate_lab_watch(lab, &o, &report, &err);
    if (status == SPATE_OK && json)
        print_watch_json(&report, o.seed);
    else if (status == SPATE_OK)
        print_watch(&report);
    else
        report_error(&err);
    return status == SPATE_OK && (report.lost || report.stale || report.wrong) ? EXIT_NO
                                                                               : stop_exit_code((spate_status)status);
}

int run_lab_check(const invocation *in)
{
    spate_lab *lab;
    bool to_watch = option_text(in, "seconds");
    if (!to_watch && read_nemesis(in)) {
        fputs("spate: --nemesis needs --seconds: how long clients write meanwhile\ntry 'spate lab check --help'\n",
              stderr);
        return EXIT_USAGE;
    }
    int code = open_lab(in, &lab);
    if (code)
        return code;
    code = to_watch ? watch(in, lab) : check_lab(in, lab);
    spate_lab_close(lab);
    return code;
}
