/* lab_reshard.c - the command 'lab reshard': what a move would take, the move, and its end. */
#include "cli/lab.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void print_moves(const spate_lab_reshard_report *r)
{
    char rows[32], size[32];
    printf("%-10s %-10s %6s %15s %10s\n", "from", "to", "slots", "rows", "size");
    for (size_t i = 0; i < r->n_moves; i++) {
        const spate_lab_move *m = &r->moves[i];
        char from[16], to[16], slots[16];
        snprintf(from, sizeof(from), "shard%u", m->from);
        snprintf(to, sizeof(to), "shard%u", m->to);
        if (m->slots)
            snprintf(slots, sizeof(slots), "%u", m->slots);
        printf("%-10s %-10s %6s %15s %9s%s\n", from, to, m->slots ? slots : "-", with_commas(m->rows, rows),
               m->bytes ? with_unit((double)m->bytes, size) : "-", m->bytes ? "B" : " ");
    }
    if (r->slots)
        printf("%u of 960 slots move, with %s rows\n", r->slots, with_commas(r->rows_moved, rows));
    else
        printf("%s rows move\n", with_commas(r->rows_moved, rows));
}

/* What each taker needs: its rows and indexes, which go into its log, too. */
static void print_needs(const spate_lab_reshard_report *r)
{
    char size[32];
    for (unsigned shard = 0; shard < SPATE_LAB_SHARDS_MAX; shard++) {
        uint64_t disk = 0;
        for (size_t i = 0; i < r->n_moves; i++)
            disk += r->moves[i].to == shard ? r->moves[i].disk : 0;
        if (disk)
            printf("shard%u needs about %sB of disk, and as much of write-ahead log meanwhile\n", shard,
                   with_unit((double)disk, size));
    }
    for (size_t i = 0; i < r->n_notes; i++)
        printf("cannot be done while others write: %s\n", r->notes[i]);
}

static void print_json(const spate_lab_reshard_report *r, int status, const spate_error *err)
{
    printf(
        "{\n  \"complete\": %s,\n  \"seconds\": %.6f,\n  \"slots\": %u,\n  \"rows_moved\": %llu,\n  \"rows_checked\": %llu,\n"
        "  \"check_seconds\": %.6f,\n  \"pause_ms\": %.3f,\n  \"moves\": [",
        status == SPATE_OK ? "true" : "false", r->seconds, r->slots, (unsigned long long)r->rows_moved,
        (unsigned long long)r->rows_checked, r->check_seconds, r->pause_ms);
    for (size_t i = 0; i < r->n_moves; i++)
        printf("%s\n    {\"from\": %u, \"to\": %u, \"slots\": %u, \"rows\": %llu, \"bytes\": %llu, \"disk\": %llu}",
               i ? "," : "", r->moves[i].from, r->moves[i].to, r->moves[i].slots, (unsigned long long)r->moves[i].rows,
               (unsigned long long)r->moves[i].bytes, (unsigned long long)r->moves[i].disk);
    fputs(r->n_moves ? "\n  ],\n  \"notes\": [" : "],\n  \"notes\": [", stdout);
    for (size_t i = 0; i < r->n_notes; i++) {
        fputs(i ? ", " : "", stdout);
        print_json_string(stdout, r->notes[i]);
    }
    fputs("]", stdout);
    if (status != SPATE_OK) {
        fputs(",\n  \"error\": ", stdout);
        print_json_string(stdout, err->message);
    }
    fputs("\n}\n", stdout);
}

static void print_end(const spate_lab_reshard_options *o, const spate_lab_reshard_report *r)
{
    char now[64];
    if (o->placement)
        snprintf(now, sizeof(now), "the lab places by %s", o->placement->how);
    else
        snprintf(now, sizeof(now), "the lab has %u shards", o->shards);
    switch (o->how) {
    case SPATE_RESHARD_PLAN: break;
    case SPATE_RESHARD_OFFLINE: fprintf(stderr, "spate: %s, after %.2f s\n", now, r->seconds); break;
    case SPATE_RESHARD_COMMIT: fprintf(stderr, "spate: committed, after %.2f s\n", r->seconds); break;
    case SPATE_RESHARD_ROLLBACK:
        fprintf(stderr, "spate: rolled back, after %.2f s; writers were paused for %.1f ms\n", r->seconds, r->pause_ms);
        break;
    case SPATE_RESHARD_ONLINE:
        fprintf(stderr, "spate: %s, after %.2f s; writers were paused for %.1f ms at most\n", now, r->seconds,
                r->pause_ms);
        if (r->n_moves && !o->commit)
            fputs("'spate lab reshard --commit' clears the rows' old places, --rollback puts everything back\n",
                  stderr);
        break;
    }
}

static void print_told(void *arg, const char *step)
{
    (void)arg;
    fprintf(stderr, "%s\n", step);
}

static int reshard(const invocation *in, spate_lab *lab, const spate_lab_reshard_options *o)
{
    spate_error err = {0};
    spate_lab_reshard_report report;
    stop_catch_signals();
    int status = spate_lab_reshard(lab, o, &report, &err);
    if (option_flag(in, "json"))
        print_json(&report, status, &err);
    else if (status == SPATE_OK && report.n_moves && o->how != SPATE_RESHARD_COMMIT)
        print_moves(&report);
    if (status == SPATE_OK && o->how == SPATE_RESHARD_PLAN && !option_flag(in, "json"))
        print_needs(&report);
    if (status == SPATE_OK)
        print_end(o, &report);
    else
        report_error(&err);
    bool open = o->how != SPATE_RESHARD_PLAN && (o->how != SPATE_RESHARD_OFFLINE || report.n_moves);
    bool resumable = open && (status == SPATE_E_UNREACHABLE || status == SPATE_E_IO || status == SPATE_E_INTERRUPTED);
    if (resumable && (o->placement || o->how == SPATE_RESHARD_COMMIT || o->how == SPATE_RESHARD_ROLLBACK))
        fputs("the same command again finishes it\n", stderr);
    else if (resumable)
        fprintf(stderr, "'spate lab reshard --shards %u%s' finishes it\n", o->shards,
                o->how == SPATE_RESHARD_OFFLINE ? " --offline"
                : o->commit                     ? " --commit"
                                                : "");
    spate_lab_reshard_report_done(&report);
    int code = stop_exit_code((spate_status)status);
    return resumable ? EXIT_INCOMPLETE : code;
}

/* ---- what has been done ---- */

static void print_step(void *arg, const char *what, const char *step, uint64_t rows, int64_t at_us)
{
    char time_text[32], count[32] = "";
    time_t at = (time_t)(at_us / 1000000);
    struct tm tm;
    (void)arg;
    strftime(time_text, sizeof(time_text), "%Y-%m-%d %H:%M:%S", localtime_r(&at, &tm));
    printf("%s.%03d  %-20s %-16s %15s\n", time_text, (int)(at_us / 1000 % 1000), what, step,
           rows ? with_commas(rows, count) : "");
}

static int show(spate_lab *lab)
{
    spate_error err = {0};
    char phase[32] = "";
    int status = spate_lab_reshard_steps(lab, print_step, NULL, phase, &err);
    if (status == SPATE_OK)
        puts(phase);
    return leave_lab(lab, status, &err);
}

/* ---- the command ---- */

static int usage(const char *what)
{
    fprintf(stderr, "spate: %s\ntry 'spate lab reshard --help'\n", what);
    return EXIT_USAGE;
}

static bool choose_how(const invocation *in, spate_reshard_how *how, bool *commit)
{
    static const struct {
        const char *option;
        spate_reshard_how how;
    } ways[] = {{"plan", SPATE_RESHARD_PLAN},
                {"offline", SPATE_RESHARD_OFFLINE},
                {"commit", SPATE_RESHARD_COMMIT},
                {"rollback", SPATE_RESHARD_ROLLBACK}};
    unsigned n = 0;
    *how = SPATE_RESHARD_ONLINE;
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        if (option_flag(in, ways[i].option)) {
            *how = ways[i].how;
            n++;
        }
    bool aims = option_text(in, "shards") || option_text(in, "placement");
    *commit = *how == SPATE_RESHARD_COMMIT && aims;
    if (*commit)
        *how = SPATE_RESHARD_ONLINE;
    return n <= 1 && !(*how == SPATE_RESHARD_ROLLBACK && aims);
}

static void take_uris(const invocation *in, const char **uris, size_t *n)
{
    for (size_t i = 0; i < in->n_uses; i++)
        if (strcmp(in->uses[i].option->name, "add") == 0)
            uris[(*n)++] = in->uses[i].value;
}

int run_lab_reshard(const invocation *in)
{
    static const char *uris[OPTION_USES_MAX];
    static placement_room room;
    spate_lab_placement placement;
    char cache[4096];
    spate_lab *lab;
    bool json = option_flag(in, "json");
    uint64_t shards = option_count(in, "shards", 0);
    spate_lab_reshard_options o = {.cancel = stop_flag(),
                                   .uris = uris,
                                   .cache = cache_directory(cache, sizeof(cache)),
                                   .told = json ? NULL : print_told};
    o.shards = shards > SPATE_LAB_SHARDS_MAX ? SPATE_LAB_SHARDS_MAX + 1 : (unsigned)shards;
    take_uris(in, uris, &o.n_uris);
    if (!choose_how(in, &o.how, &o.commit))
        return usage(
            "'lab reshard' takes one of --plan, --offline, --commit and --rollback, and --rollback without --shards");
    if (option_text(in, "placement") && option_text(in, "shards"))
        return usage("'lab reshard' takes either --shards or --placement: one move after the other");
    if (!option_text(in, "placement") && (option_text(in, "bounds") || option_text(in, "values")))
        return usage("--bounds and --values are of a --placement");
    if (!read_placement(in, &room, &placement)) {
        fputs("try 'spate lab reshard --help'\n", stderr);
        return EXIT_USAGE;
    }
    o.placement = placement.how ? &placement : NULL;
    bool aims = option_text(in, "shards") || o.placement, to_show = o.how == SPATE_RESHARD_ONLINE && !aims;
    if ((o.how == SPATE_RESHARD_PLAN || o.how == SPATE_RESHARD_OFFLINE) && !aims)
        return usage("'lab reshard' needs --shards N or --placement HOW");
    int code = open_lab(in, &lab);
    if (code || to_show)
        return code ? code : show(lab);
    code = reshard(in, lab, &o);
    spate_lab_close(lab);
    return code;
}

/* One shard more, or one less. Where a run before was cut off, lab.yaml has an open move or one that is not swept up, or servers and owners of
 * slots differ by one; and what that run was after is finished instead. */
static int change_by_one(const invocation *in, bool more)
{
    static const char *uris[OPTION_USES_MAX];
    char cache[4096];
    spate_lab *lab;
    bool offline = option_flag(in, "offline");
    spate_lab_reshard_options o = {.cancel = stop_flag(),
                                   .uris = uris,
                                   .cache = cache_directory(cache, sizeof(cache)),
                                   .commit = !offline,
                                   .how = offline ? SPATE_RESHARD_OFFLINE : SPATE_RESHARD_ONLINE,
                                   .told = option_flag(in, "json") ? NULL : print_told};
    take_uris(in, uris, &o.n_uris);
    int code = open_lab(in, &lab);
    if (code)
        return code;
    unsigned servers = (unsigned)spate_lab_servers(lab) - 1, used = spate_lab_shards_in_use(lab),
             aimed = spate_lab_shards_aimed(lab);
    bool unfinished = servers > used;
    o.shards = aimed ? aimed : more ? (unfinished ? servers : servers + 1) : unfinished ? used : servers - 1;
    code = reshard(in, lab, &o);
    spate_lab_close(lab);
    return code;
}

int run_lab_add_shard(const invocation *in)
{
    return change_by_one(in, true);
}

int run_lab_drop_shard(const invocation *in)
{
    return change_by_one(in, false);
}
