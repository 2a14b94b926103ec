/* lab_reshard.c - the command 'lab reshard': what a move would take, and the move. */
#include "cli/lab.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_moves(const spate_lab_reshard_report *r)
{
    char rows[32], size[32];
    printf("%-10s %-10s %6s %15s %10s\n", "from", "to", "slots", "rows", "size");
    for (size_t i = 0; i < r->n_moves; i++) {
        const spate_lab_move *m = &r->moves[i];
        char from[16], to[16];
        snprintf(from, sizeof(from), "shard%u", m->from);
        snprintf(to, sizeof(to), "shard%u", m->to);
        printf("%-10s %-10s %6u %15s %9sB\n", from, to, m->slots, with_commas(m->rows, rows), with_unit((double)m->bytes, size));
    }
    printf("%u of 960 slots move, with %s rows\n", r->slots, with_commas(r->rows_moved, rows));
}

static void print_json(const spate_lab_reshard_report *r, int status, const spate_error *err)
{
    printf("{\n  \"complete\": %s,\n  \"seconds\": %.6f,\n  \"slots\": %u,\n  \"rows_moved\": %llu,\n  \"moves\": [",
           status == SPATE_OK ? "true" : "false", r->seconds, r->slots, (unsigned long long)r->rows_moved);
    for (size_t i = 0; i < r->n_moves; i++)
        printf("%s\n    {\"from\": %u, \"to\": %u, \"slots\": %u, \"rows\": %llu, \"bytes\": %llu}", i ? "," : "", r->moves[i].from,
               r->moves[i].to, r->moves[i].slots, (unsigned long long)r->moves[i].rows, (unsigned long long)r->moves[i].bytes);
    fputs(r->n_moves ? "\n  ]" : "]", stdout);
    if (status != SPATE_OK) {
        fputs(",\n  \"error\": ", stdout);
        print_json_string(stdout, err->message);
    }
    fputs("\n}\n", stdout);
}

static int reshard(const invocation *in, spate_lab *lab, const spate_lab_reshard_options *o)
{
    spate_error err = {0};
    spate_lab_reshard_report report;
    stop_catch_signals();
    int status = spate_lab_reshard(lab, o, &report, &err);
    if (option_flag(in, "json"))
        print_json(&report, status, &err);
    else if (status == SPATE_OK)
        print_moves(&report);
    if (status == SPATE_OK && !o->plan_only)
        fprintf(stderr, "spate: the lab has %u shards, after %.2f s\n", o->shards, report.seconds);
    if (status != SPATE_OK)
        report_error(&err);
    bool resumable = status == SPATE_E_UNREACHABLE || status == SPATE_E_IO || status == SPATE_E_INTERRUPTED;
    if (resumable && report.n_moves)
        fputs("the same command again finishes it\n", stderr);
    else
        resumable = false;
    spate_lab_reshard_report_done(&report);
    int code = stop_exit_code((spate_status)status);
    return resumable ? EXIT_INCOMPLETE : code;
}

int run_lab_reshard(const invocation *in)
{
    static const char *uris[OPTION_USES_MAX];
    char cache[4096];
    spate_lab *lab;
    uint64_t shards = option_count(in, "shards", 0);
    spate_lab_reshard_options o = {.plan_only = option_flag(in, "plan"), .cancel = stop_flag(), .uris = uris,
                                   .cache = cache_directory(cache, sizeof(cache))};
    o.shards = shards > SPATE_LAB_SHARDS_MAX ? SPATE_LAB_SHARDS_MAX + 1 : (unsigned)shards;
    for (size_t i = 0; i < in->n_uses; i++)
        if (strcmp(in->uses[i].option->name, "add") == 0)
            uris[o.n_uris++] = in->uses[i].value;
    if (!option_text(in, "shards") || (!o.plan_only && !option_flag(in, "offline"))) {
        fputs(option_text(in, "shards") ? "spate: rows are moved while nobody writes: --offline says that nobody does, --plan only looks\n"
                                        : "spate: 'lab reshard' needs --shards N\n", stderr);
        fputs("try 'spate lab reshard --help'\n", stderr);
        return EXIT_USAGE;
    }
    int code = open_lab(in, &lab);
    if (code)
        return code;
    code = reshard(in, lab, &o);
    spate_lab_close(lab);
    return code;
}
