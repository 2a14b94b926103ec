/* migrate.c - the commands 'migrate' and 'migrate plan': options to the library, its plan as a table, as JSON or to browse. */
#include "cli/cli.h"
#include "cli/migrate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- options ---- */

typedef struct settings {
    spate_migrate_options options;
    spate_migrate_pattern patterns[OPTION_USES_MAX];
    char ledger[PATH_MAX];
    progress_mode mode;
    double told; /* seconds of the last line of progress */
    bool shown;
} settings;

/* 500, 10k, 1.5M, 64MiB */
static bool parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    size_t len = strlen(text);
    char number[32];
    if (len < 4 || strcmp(text + len - 2, "iB") != 0)
        return spate_parse_count(text, bytes);
    const char *unit = strchr(units, text[len - 3]);
    if (!unit || len - 3 >= sizeof number)
        return false;
    memcpy(number, text, len - 3);
    number[len - 3] = '\0';
    if (!spate_parse_count(number, bytes))
        return false;
    *bytes <<= 10 * (unit - units + 1);
    return true;
}

/* 30s, 10m, 2h, 7d, 4w */
static bool parse_age(const char *text, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char *end;
    double n = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (end != text && n >= 0 && n < 1e9 && end[0] == units[i].unit && end[1] == '\0') {
            *seconds = (int64_t)(n * (double)units[i].seconds);
            return true;
        }
    return false;
}

static bool read_size(const invocation *in, const char *name, uint64_t *bytes)
{
    const char *text = option_text(in, name);
    if (!text || parse_size(text, bytes))
        return true;
    fprintf(stderr, "spate: --%s takes a size such as 500, 10k or 64MiB, not \"%s\"\n", name, text);
    return false;
}

static bool read_age(const invocation *in, const char *name, int64_t *moment_ns)
{
    const char *text = option_text(in, name);
    int64_t seconds;
    if (!text)
        return true;
    if (!parse_age(text, &seconds)) {
        fprintf(stderr, "spate: --%s takes an age such as 30s, 10m, 2h, 7d or 4w, not \"%s\"\n", name, text);
        return false;
    }
    *moment_ns = ((int64_t)time(NULL) - seconds) * 1000000000;
    return true;
}

static void read_patterns(const invocation *in, settings *s)
{
    for (size_t i = 0; i < in->n_uses; i++) {
        const char *name = in->uses[i].option->name;
        bool include = strcmp(name, "include") == 0, file = strcmp(name, "exclude-from") == 0;
        if (include || file || strcmp(name, "exclude") == 0)
            s->patterns[s->options.n_patterns++] = (spate_migrate_pattern){in->uses[i].value, include, file};
    }
    s->options.patterns = s->patterns;
}

static int word_of(const char *word, const char *const *words)
{
    for (int i = 0; word && words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return 0;
}

const char *const policy_words[] = {"newer", "overwrite", "skip", "keep-both", NULL};
const char *const proof_words[] = {"size", "hash", "none", NULL};
const char *const sync_words[] = {"group", "file", "none", NULL};

static bool absolute(const char *path, char out[PATH_MAX])
{
    char here[PATH_MAX];
    if (realpath(path, out))
        return true;
    if (path[0] == '/')
        return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
    return getcwd(here, sizeof here) && snprintf(out, PATH_MAX, "%s/%s", here, path) < PATH_MAX;
}

static uint64_t fnv(const char *text, uint64_t hash)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash * UINT64_C(0x100000001b3);
}

/* Of a pair of trees always the same file, so that the same command goes on. */
static bool default_ledger(const invocation *in, char out[PATH_MAX])
{
    char source[PATH_MAX], destination[PATH_MAX];
    if (!absolute(in->arguments[0], source) || !absolute(in->arguments[1], destination)) {
        fputs("spate: the path of a tree is too long\n", stderr);
        return false;
    }
    unsigned long long id = fnv(destination, fnv(source, UINT64_C(0xcbf29ce484222325)));
    char name[64];
    snprintf(name, sizeof(name), "migrate-%016llx.duckdb", id);
    return state_path(out, name);
}

static void show_progress(void *arg, const spate_migrate_progress *p)
{
    settings *s = arg;
    char a[32], b[32], c[32];
    double every = s->mode == PROGRESS_BAR ? 0.2 : s->mode == PROGRESS_JSON ? 1 : 5;
    if (s->mode == PROGRESS_NONE || p->seconds - s->told < every)
        return;
    s->told = p->seconds;
    s->shown = true;
    if (s->mode == PROGRESS_JSON) {
        fprintf(
            stderr,
            "{\"phase\": \"%s\", \"seconds\": %.3f, \"listed\": %llu, \"copied\": %llu, \"bytes\": %llu, \"verified\": %llu, \"failed\": %llu}\n",
            p->phase, p->seconds, (unsigned long long)p->listed, (unsigned long long)p->copied,
            (unsigned long long)p->bytes, (unsigned long long)p->verified, (unsigned long long)p->failed);
        return;
    }
    fprintf(stderr, "%sspate: %s: %s listed, %s copied (%sB), %llu verified, %llu failed%s",
            s->mode == PROGRESS_BAR ? "\r\033[K" : "", p->phase, with_commas(p->listed, a), with_commas(p->copied, b),
            with_unit((double)p->bytes, c), (unsigned long long)p->verified, (unsigned long long)p->failed,
            s->mode == PROGRESS_BAR ? "" : "\n");
    fflush(stderr);
}

static void end_progress(const settings *s)
{
    if (s->mode == PROGRESS_BAR && s->shown)
        fputs("\r\033[K", stderr);
}

static bool read_settings(const invocation *in, settings *s)
{
    spate_migrate_options *o = &s->options;
    o->source = in->arguments[0];
    o->destination = in->arguments[1];
    o->fresh = option_flag(in, "fresh");
    o->sql = option_flag(in, "sql");
    o->workers = (unsigned)option_count(in, "workers", 0);
    o->conflict = (spate_conflict)word_of(option_text(in, "on-conflict"), policy_words);
    o->verify = (spate_migrate_proof)word_of(option_text(in, "verify"), proof_words);
    o->sync = (spate_sync)word_of(option_text(in, "sync"), sync_words);
    o->no_owner = option_flag(in, "no-owner");
    o->no_attributes = option_flag(in, "no-attributes");
    o->cancel = stop_flag();
    o->progress = show_progress;
    o->arg = s;
    s->mode = progress_mode_of(option_text(in, "progress"));
    read_patterns(in, s);
    const char *ledger = option_text(in, "ledger");
    if (ledger && snprintf(s->ledger, sizeof s->ledger, "%s", ledger) >= (int)sizeof s->ledger) {
        fputs("spate: the path of --ledger is too long\n", stderr);
        return false;
    }
    o->ledger = s->ledger;
    return read_size(in, "min-size", &o->size_min) && read_size(in, "max-size", &o->size_max) &&
           read_age(in, "max-age", &o->modified_from_ns) && read_age(in, "min-age", &o->modified_to_ns) &&
           (ledger || default_ledger(in, s->ledger));
}

/* ---- words ---- */

void print_path(FILE *out, const char *path, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)path[i];
        if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
}

/* Bytes that are no UTF-8 cannot be in JSON: they are written as U+FFFD, and the path in hex beside it. */
static void print_json_path(FILE *out, const char *p, size_t len)
{
    fputc('"', out);
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)p[i];
        size_t n = utf8_length(p + i, len - i);
        if (n == 0)
            fputs("\\ufffd", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fwrite(p + i, 1, n, out);
        i += n ? n : 1;
    }
    fputc('"', out);
}

static int print_item(void *arg, const spate_migrate_item *item)
{
    printf("%-9s ", spate_migrate_outcome_name(item->outcome));
    print_path(stdout, item->path, item->path_len);
    if (item->type[0] == 'f' && item->type[1] == 'o')
        putchar('/');
    if (item->note_len) {
        fputs("  (", stdout);
        print_path(stdout, item->note, item->note_len);
        putchar(')');
    }
    putchar('\n');
    return ferror(stdout) ? SPATE_E_IO : SPATE_OK;
}

static int print_json_item(void *arg, const spate_migrate_item *item)
{
    bool *first = arg;
    printf("%s\n    {\"path\": ", *first ? "" : ",");
    *first = false;
    print_json_path(stdout, item->path, item->path_len);
    bool utf8 = true;
    for (size_t i = 0, n = 1; i < item->path_len && utf8; i += n)
        utf8 = (n = utf8_length(item->path + i, item->path_len - i)) > 0;
    if (!utf8) {
        fputs(", \"path_hex\": \"", stdout);
        for (size_t i = 0; i < item->path_len; i++)
            printf("%02x", (unsigned char)item->path[i]);
        putchar('"');
    }
    printf(", \"type\": \"%s\", \"outcome\": \"%s\", \"size\": %llu, \"note\": ", item->type,
           spate_migrate_outcome_name(item->outcome), (unsigned long long)item->size);
    print_json_path(stdout, item->note, item->note_len);
    putchar('}');
    return ferror(stdout) ? SPATE_E_IO : SPATE_OK;
}

static void print_table(FILE *out, const spate_migrate_report *r, bool copied)
{
    fprintf(out, "%-22s %12s %12s %10s\n", "", "folders", "files", "bytes");
    static const char *const meaning[] = {"same",     "missing",  "differs", "skipped",
                                          "conflict", "excluded", "failed",  "extra"};
    for (int i = 0; i < SPATE_OUTCOMES; i++) {
        const spate_migrate_count *c = &r->counts[i];
        char a[32], b[32], d[32];
        if (c->folders || c->files)
            fprintf(out, "%-22s %12s %12s %9sB\n", i == SPATE_SAME && copied ? "in both, the same" : meaning[i],
                    with_commas(c->folders, a), with_commas(c->files, b), with_unit((double)c->bytes, d));
    }
}

static void print_json(FILE *out, const spate_migrate_report *r, spate_migrate *m, const char *list, int status,
                       spate_error *err)
{
    fprintf(
        out,
        "{\n  \"complete\": %s,\n  \"planned\": %s,\n  \"seconds\": %.6f,\n  \"listed\": %llu,\n  \"copied\": %llu,\n  \"bytes\": %llu,\n"
        "  \"mended\": %llu,\n  \"verified\": %llu,\n  \"differed\": %llu,\n  \"deleted\": %llu,\n  \"counts\": {",
        r->complete ? "true" : "false", r->planned ? "true" : "false", r->seconds, (unsigned long long)r->listed,
        (unsigned long long)r->copied, (unsigned long long)r->bytes, (unsigned long long)r->mended,
        (unsigned long long)r->verified, (unsigned long long)r->differed, (unsigned long long)r->deleted);
    for (int i = 0; i < SPATE_OUTCOMES; i++)
        fprintf(out, "%s\n    \"%s\": {\"folders\": %llu, \"files\": %llu, \"bytes\": %llu}", i ? "," : "",
                spate_migrate_outcome_name((spate_migrate_outcome)i), (unsigned long long)r->counts[i].folders,
                (unsigned long long)r->counts[i].files, (unsigned long long)r->counts[i].bytes);
    fputs("\n  }", out);
    for (int i = 0; i < SPATE_OUTCOMES && list; i++) {
        const char *name = spate_migrate_outcome_name((spate_migrate_outcome)i);
        bool first = true;
        if (strcmp(list, name) != 0)
            continue;
        fputs(",\n  \"list\": [", out);
        (void)spate_migrate_each(m, (spate_migrate_outcome)i, print_json_item, &first, NULL);
        fputs(first ? "]" : "\n  ]", out);
    }
    if (status != SPATE_OK) {
        fputs(",\n  \"error\": ", out);
        print_json_string(out, err->message);
    }
    fputs("\n}\n", out);
}

/* ---- migrate plan ---- */

static int show_plan(const invocation *in, spate_migrate *m)
{
    spate_error err = {0};
    spate_migrate_report r;
    const char *list = option_text(in, "list");
    int rc = option_flag(in, "browse") ? browse_plan(m, &err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = spate_migrate_review(m, &r, &err);
    if (rc != SPATE_OK) {
        report_error(&err);
        return exit_code_of((spate_status)rc);
    }
    if (option_flag(in, "json")) {
        print_json(stdout, &r, m, list, SPATE_OK, &err);
        return EXIT_OK;
    }
    if (!list)
        print_table(stdout, &r, false);
    for (int i = 0; i < SPATE_OUTCOMES && list && rc == SPATE_OK; i++)
        if (strcmp(list, spate_migrate_outcome_name((spate_migrate_outcome)i)) == 0)
            rc = spate_migrate_each(m, (spate_migrate_outcome)i, print_item, NULL, &err);
    return exit_code_of((spate_status)rc);
}

static int leave(spate_migrate *m, int code)
{
    spate_error err = {0};
    int rc = spate_migrate_close(m, &err);
    if (rc != SPATE_OK)
        report_error(&err);
    return code == EXIT_OK && rc != SPATE_OK ? exit_code_of((spate_status)rc) : code;
}

static int stopped(const settings *s, int rc, const spate_error *err)
{
    report_error(err);
    if (rc == SPATE_E_INTERRUPTED || rc == SPATE_E_IO)
        fprintf(stderr, "spate: the same command goes on where this one stopped (ledger: %s)\n", s->ledger);
    return exit_code_of((spate_status)rc);
}

static int open_migration(const invocation *in, settings *s, spate_migrate **m)
{
    spate_error err = {0};
    if (!read_settings(in, s)) {
        fprintf(stderr, "try 'spate %s --help'\n", in->command->name);
        return EXIT_USAGE;
    }
    stop_catch_signals();
    int rc = spate_migrate_open(&s->options, m, &err);
    if (rc != SPATE_OK)
        report_error(&err);
    return exit_code_of((spate_status)rc);
}

int run_migrate_plan(const invocation *in)
{
    static settings s;
    spate_migrate *m = NULL;
    int code = open_migration(in, &s, &m);
    if (code != EXIT_OK)
        return code;
    spate_error err = {0};
    int rc = spate_migrate_plan(m, &err);
    end_progress(&s);
    for (size_t i = 0; i < in->n_uses && rc == SPATE_OK; i++) {
        const char *name = in->uses[i].option->name, *path = in->uses[i].value;
        bool leave_out = strcmp(name, "leave-out") == 0;
        if (leave_out || strcmp(name, "take-in") == 0)
            rc = spate_migrate_exclude(m, path, strlen(path), leave_out, &err);
    }
    code = leave(m, rc == SPATE_OK ? show_plan(in, m) : stopped(&s, rc, &err));
    return rc == SPATE_E_INTERRUPTED ? stop_exit_code(SPATE_E_INTERRUPTED) : code;
}

/* ---- migrate ---- */

static bool agrees_to_delete(const spate_migrate_report *r, const char *where)
{
    char a[32], b[32], answer[16] = "";
    const spate_migrate_count *c = &r->counts[SPATE_EXTRA];
    fprintf(stderr, "spate: delete %s files and %s folders, with all that is in them, from %s? [y/N] ",
            with_commas(c->files, a), with_commas(c->folders, b), where);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int delete_extra(const invocation *in, const settings *s, spate_migrate *m, spate_error *err)
{
    spate_migrate_report r;
    int rc = spate_migrate_review(m, &r, err);
    if (rc != SPATE_OK || r.counts[SPATE_EXTRA].files + r.counts[SPATE_EXTRA].folders == 0)
        return rc;
    if (!option_flag(in, "yes") && !agrees_to_delete(&r, s->options.destination)) {
        fputs("spate: nothing was deleted\n", stderr);
        return SPATE_OK;
    }
    return spate_migrate_delete_extra(m, err);
}

static int print_failure(void *arg, const spate_migrate_item *item)
{
    unsigned *left = arg;
    fputs("  failed: ", stderr);
    print_path(stderr, item->path, item->path_len);
    fputs(": ", stderr);
    print_path(stderr, item->note, item->note_len);
    fputc('\n', stderr);
    return --*left == 0;
}

static void print_report(const settings *s, const spate_migrate_report *r, spate_migrate *m)
{
    char a[32], b[32], c[32], d[32];
    unsigned left = 20;
    uint64_t failed = r->counts[SPATE_FAILED].files + r->counts[SPATE_FAILED].folders;
    fprintf(stderr, "spate: %s copied (%sB), %s mended, %s verified, in %.2f s\n", with_commas(r->copied, a),
            with_unit((double)r->bytes, b), with_commas(r->mended, c), with_commas(r->verified, d), r->seconds);
    if (r->deleted)
        fprintf(stderr, "spate: %s deleted from the destination\n", with_commas(r->deleted, a));
    print_table(stderr, r, true);
    if (failed) {
        (void)spate_migrate_each(m, SPATE_FAILED, print_failure, &left, NULL);
        fprintf(stderr, "spate: %s failed; the same command tries them again (ledger: %s)\n", with_commas(failed, a),
                s->ledger);
    }
}

static int migrate(const invocation *in, settings *s, spate_migrate *m)
{
    spate_error err = {0};
    int rc = spate_migrate_run(m, &err);
    end_progress(s);
    if (rc == SPATE_OK && option_flag(in, "delete-extra"))
        rc = delete_extra(in, s, m, &err);
    spate_migrate_report r;
    spate_error later;
    if (spate_migrate_review(m, &r, &later) == SPATE_OK) {
        if (option_flag(in, "json"))
            print_json(stdout, &r, m, "failed", rc, &err);
        else if (rc == SPATE_OK)
            print_report(s, &r, m);
    }
    if (rc != SPATE_OK)
        return stopped(s, rc, &err);
    return r.counts[SPATE_FAILED].files + r.counts[SPATE_FAILED].folders ? EXIT_INCOMPLETE : EXIT_OK;
}

int run_migrate(const invocation *in)
{
    static settings s;
    spate_migrate *m = NULL;
    if (option_flag(in, "delete-extra") && !option_flag(in, "yes") && !isatty(STDIN_FILENO)) {
        fputs("spate: --delete-extra asks before it deletes, and there is nobody to ask; --yes answers\n", stderr);
        return EXIT_USAGE;
    }
    int code = open_migration(in, &s, &m);
    if (code != EXIT_OK)
        return code;
    code = leave(m, migrate(in, &s, m));
    return code == EXIT_INCOMPLETE && __atomic_load_n(stop_flag(), __ATOMIC_RELAXED)
               ? stop_exit_code(SPATE_E_INTERRUPTED)
               : code;
}
