/* lab.c - the commands that make, start, stop, show and remove a lab. */
#include "cli/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *lab_directory(const invocation *in)
{
    const char *asked = option_text(in, "lab");
    if (asked)
        return asked;
    return access("lab.yaml", F_OK) == 0 ? "." : "lab";
}

int open_lab(const invocation *in, spate_lab **lab)
{
    spate_error err = {0};
    int rc = spate_lab_open(lab_directory(in), lab, &err);
    if (rc != SPATE_OK)
        report_error(&err);
    return exit_code_of((spate_status)rc);
}

int leave_lab(spate_lab *lab, int status, const spate_error *err)
{
    if (status != SPATE_OK)
        report_error(err);
    spate_lab_close(lab);
    return exit_code_of((spate_status)status);
}

/* ---- settings from outside: the environment, and .env ---- */

/* KEY=VALUE in .env, quotes around the value taken off; NULL: it is not there. The caller frees. */
static char *from_dotenv(const char *key)
{
    FILE *f = fopen(".env", "r");
    char *line = NULL, *found = NULL;
    size_t cap = 0, len = strlen(key);
    while (f && getline(&line, &cap, f) > 0) {
        char *at = line + strspn(line, " \t");
        at += strncmp(at, "export ", 7) == 0 ? 7 : 0;
        if (strncmp(at, key, len) != 0 || at[len] != '=')
            continue;
        at += len + 1;
        at[strcspn(at, "\r\n")] = '\0';
        size_t n = strlen(at);
        bool quoted = n >= 2 && (at[0] == '"' || at[0] == '\'') && at[n - 1] == at[0];
        free(found);
        found = quoted ? strndup(at + 1, n - 2) : strdup(at);
    }
    free(line);
    if (f)
        fclose(f);
    return found;
}

char *from_outside(const char *key)
{
    const char *value = getenv(key);
    return value && *value ? strdup(value) : from_dotenv(key);
}

/* ---- placement ---- */

static bool parse_bounds(const char *text, placement_room *room, spate_lab_placement *p)
{
    for (const char *at = text; *at;) {
        char *end;
        errno = 0;
        long long bound = strtoll(at, &end, 10);
        if (end == at || errno || (*end && *end != ',') || p->n_bounds == SPATE_LAB_SHARDS_MAX) {
            fprintf(stderr, "spate: --bounds takes whole numbers such as 1000,2000, not \"%s\"\n", text);
            return false;
        }
        room->bounds[p->n_bounds++] = bound;
        at = end + (*end == ',');
    }
    return true;
}

bool read_placement(const invocation *in, placement_room *room, spate_lab_placement *p)
{
    const char *bounds = option_text(in, "bounds");
    *p = (spate_lab_placement){.how = option_text(in, "placement"), .bounds = room->bounds, .values = room->values};
    for (size_t i = 0; i < in->n_uses; i++)
        if (strcmp(in->uses[i].option->name, "values") == 0)
            room->values[p->n_values++] = in->uses[i].value;
    return !bounds || parse_bounds(bounds, room, p);
}

/* ---- init ---- */

typedef struct init_settings {
    spate_lab_init_options options;
    placement_room placement;
    const char *shard_uris[SPATE_LAB_SHARDS_MAX];
    char *main_uri, *shard_list; /* ours to free */
    char cache[4096];
} init_settings;

/* Addresses may hold commas only inside a list of hosts, which a lab has no use for. */
static bool read_addresses(init_settings *s)
{
    s->main_uri = from_outside("MAINDB_URL");
    s->shard_list = from_outside("SHARD_URLS");
    if (!s->main_uri || !s->shard_list) {
        fprintf(stderr, "spate: --attach needs %s in the environment or in .env\n",
                s->main_uri ? "SHARD_URLS" : "MAINDB_URL");
        return false;
    }
    char *rest = s->shard_list;
    for (char *word; (word = strsep(&rest, ",")) && s->options.n_shard_uris < SPATE_LAB_SHARDS_MAX;) {
        word += strspn(word, " \t");
        word[strcspn(word, " \t")] = '\0';
        if (*word)
            s->shard_uris[s->options.n_shard_uris++] = word;
    }
    s->options.main_uri = s->main_uri;
    s->options.shard_uris = s->shard_uris;
    return true;
}

const char *cache_directory(char *room, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    room[0] = '\0';
    if (cache && *cache == '/')
        snprintf(room, size, "%s/spate", cache);
    else if (home && *home == '/')
        snprintf(room, size, "%s/.cache/spate", home);
    return room[0] ? room : NULL;
}

static void default_init_settings(init_settings *s)
{
    s->options.directory = "lab";
    s->options.shards = 3;
    s->options.user = geteuid() == 0 ? "postgres" : NULL;
    s->options.cache = cache_directory(s->cache, sizeof(s->cache));
}

static int make_lab(init_settings *s)
{
    spate_error err = {0};
    int rc = spate_lab_init(&s->options, &err);
    if (rc != SPATE_OK)
        report_error(&err);
    else
        fprintf(stderr, "spate: made a lab in %s: main and %zu shards\n", s->options.directory,
                s->options.main_uri ? s->options.n_shard_uris : (size_t)s->options.shards);
    free(s->main_uri);
    free(s->shard_list);
    return exit_code_of((spate_status)rc);
}

int open_or_make_lab(const invocation *in, spate_lab **lab)
{
    char config[4200];
    snprintf(config, sizeof(config), "%s/lab.yaml", lab_directory(in));
    if (access(config, F_OK) != 0) {
        init_settings s = {0};
        default_init_settings(&s);
        s.options.directory = lab_directory(in);
        char *attached = from_outside("MAINDB_URL");
        bool readable = !attached || read_addresses(&s);
        free(attached);
        int code = readable ? make_lab(&s) : EXIT_USAGE;
        if (code)
            return code;
    }
    return open_lab(in, lab);
}

static bool read_init_settings(const invocation *in, init_settings *s)
{
    default_init_settings(s);
    const char *user = option_text(in, "user");
    uint64_t shards = option_count(in, "shards", 3), port = option_count(in, "port", 0);
    bool attach = option_flag(in, "attach");
    if (attach && (option_text(in, "cpu") || option_text(in, "shards") || option_text(in, "port") || user ||
                   option_text(in, "programs"))) {
        fputs(
            "spate: --attach takes servers as they are: --shards, --port, --cpu, --user and --programs are for those that are made\n",
            stderr);
        return false;
    }
    s->options.directory = option_text(in, "lab") ? option_text(in, "lab") : "lab";
    s->options.shards = shards > SPATE_LAB_SHARDS_MAX ? SPATE_LAB_SHARDS_MAX + 1 : (unsigned)shards;
    s->options.port = port > 65535 ? 65536 : (unsigned)port;
    s->options.programs = option_text(in, "programs");
    s->options.user = user ? user : attach ? NULL : s->options.user;
    if (!read_cpu(in, 0, 0, &s->options.cpu))
        return false;
    return read_placement(in, &s->placement, &s->options.placement) && (!attach || read_addresses(s));
}

int run_lab_init(const invocation *in)
{
    init_settings s = {0};
    if (read_init_settings(in, &s))
        return make_lab(&s);
    fputs("try 'spate lab init --help'\n", stderr);
    free(s.main_uri);
    free(s.shard_list);
    return EXIT_USAGE;
}

/* ---- up, down, destroy ---- */

int run_lab_up(const invocation *in)
{
    spate_lab *lab;
    spate_error err = {0};
    double cpu;
    if (!read_cpu(in, 0, 0, &cpu)) {
        fputs("try 'spate lab up --help'\n", stderr);
        return EXIT_USAGE;
    }
    int code = open_lab(in, &lab);
    if (code)
        return code;
    int rc = option_text(in, "cpu") ? spate_lab_set_cpu(lab, cpu, &err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = spate_lab_up(lab, in->arguments, in->n_arguments, &err);
    return leave_lab(lab, rc, &err);
}

int run_lab_down(const invocation *in)
{
    spate_lab *lab;
    spate_error err = {0};
    int code = open_lab(in, &lab);
    return code ? code : leave_lab(lab, spate_lab_down(lab, in->arguments, in->n_arguments, &err), &err);
}

/* One whose lab.yaml is gone can still be removed. */
static int open_to_destroy(const invocation *in, spate_lab **lab)
{
    if (spate_lab_open_remains(lab_directory(in), lab, NULL) == SPATE_OK)
        return EXIT_OK;
    return open_lab(in, lab);
}

static bool agrees_to_destroy(const char *directory)
{
    char answer[16] = "";
    fprintf(stderr, "spate: remove the lab in %s with all its servers and their rows? [y/N] ", directory);
    return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

int run_lab_destroy(const invocation *in)
{
    spate_lab *lab;
    spate_error err = {0};
    if (!option_flag(in, "yes") && !isatty(STDIN_FILENO)) {
        fputs("spate: 'lab destroy' asks before it removes anything, and there is nobody to ask; --yes answers\n",
              stderr);
        return EXIT_USAGE;
    }
    int code = open_to_destroy(in, &lab);
    if (code)
        return code;
    if (option_flag(in, "yes") || agrees_to_destroy(lab_directory(in)))
        return leave_lab(lab, spate_lab_destroy(lab, &err), &err);
    fputs("spate: nothing was removed\n", stderr);
    return leave_lab(lab, SPATE_OK, &err);
}

/* ---- status ---- */

static void print_server(const spate_lab_server *s)
{
    char rows[32], size[32], pid[24] = "-", port[16] = "-", cpu[16] = "all";
    if (s->cpu > 0)
        snprintf(cpu, sizeof(cpu), "%.2f", s->cpu);
    if (s->pid)
        snprintf(pid, sizeof(pid), "%ld", s->pid);
    if (s->port)
        snprintf(port, sizeof(port), "%u", s->port);
    bool up = s->state == SPATE_LAB_UP && !s->daemon, free = s->attached || s->daemon;
    printf("%-8s %-11s %8s %6s %5s %10s %15s %9s%s  %s\n", s->name, spate_lab_state_name(s->state), pid, port,
           free ? "-" : cpu, up ? s->version : "-", up ? with_commas(s->rows, rows) : "-",
           up ? with_unit((double)s->bytes, size) : "-", up ? "B" : " ", s->uri);
}

static void print_server_json(const spate_lab_server *s, bool first)
{
    fputs(first ? "[\n  {\"name\": " : ",\n  {\"name\": ", stdout);
    print_json_string(stdout, s->name);
    printf(", \"state\": \"%s\", \"attached\": %s, \"pid\": %ld, \"port\": %u, \"cpu\": %g, \"uri\": ",
           spate_lab_state_name(s->state), s->attached ? "true" : "false", s->pid, s->port, s->cpu);
    print_json_string(stdout, s->uri);
    if (s->of)
        printf(", \"of\": \"%s\"", s->of);
    if (s->state == SPATE_LAB_UP && !s->daemon)
        printf(", \"version\": \"%s\", \"rows\": %llu, \"bytes\": %llu", s->version, (unsigned long long)s->rows,
               (unsigned long long)s->bytes);
    putchar('}');
}

/* Exit 1 when a server does not answer. */
int run_lab_status(const invocation *in)
{
    spate_lab *lab;
    spate_error err = {0};
    bool json = option_flag(in, "json"), all_up = true;
    int code = open_lab(in, &lab);
    if (code)
        return code;
    if (!json)
        printf("%-8s %-11s %8s %6s %5s %10s %15s %10s  %s\n", "server", "state", "pid", "port", "cpu", "version",
               "rows", "size", "address");
    for (size_t i = 0; i < spate_lab_members(lab); i++) {
        spate_lab_server s;
        spate_lab_look(lab, i, &s);
        all_up &= s.state == SPATE_LAB_UP;
        if (json)
            print_server_json(&s, i == 0);
        else
            print_server(&s);
    }
    if (json)
        puts("\n]");
    leave_lab(lab, SPATE_OK, &err);
    return all_up ? EXIT_OK : EXIT_NO;
}

/* ---- psql, logs ---- */

int run_lab_psql(const invocation *in)
{
    spate_lab *lab;
    spate_error err = {0};
    size_t i;
    char program[4200];
    int code = open_lab(in, &lab);
    if (code)
        return code;
    int rc = spate_lab_find(lab, in->n_arguments ? in->arguments[0] : "main", &i, &err);
    if (rc != SPATE_OK)
        return leave_lab(lab, rc, &err);
    const char *words[ARGUMENTS_MAX + 2] = {"psql", spate_lab_uri(lab, i)};
    for (size_t a = 1; a < in->n_arguments; a++)
        words[1 + a] = in->arguments[a];
    if (spate_lab_programs(lab)) {
        snprintf(program, sizeof(program), "%s/psql", spate_lab_programs(lab));
        execv(program, (char *const *)words);
    }
    execvp("psql", (char *const *)words);
    fprintf(stderr, "spate: could not run psql: %s\n", strerror(errno));
    return leave_lab(lab, SPATE_OK, &err) ? EXIT_ENDPOINT : EXIT_ENDPOINT;
}

/* The last lines of a file, from behind. */
static bool print_tail(const char *path, uint64_t lines)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    long at = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;
    for (uint64_t seen = 0; at > 0; at--) {
        fseek(f, at - 1, SEEK_SET);
        if (fgetc(f) == '\n' && seen++ == lines)
            break;
    }
    fseek(f, at, SEEK_SET);
    for (int c; (c = fgetc(f)) != EOF;)
        putchar(c);
    fclose(f);
    return true;
}

int run_lab_logs(const invocation *in)
{
    spate_lab *lab;
    spate_lab_server s;
    spate_error err = {0};
    size_t first = 0, last;
    int code = open_lab(in, &lab);
    if (code)
        return code;
    last = spate_lab_members(lab);
    if (in->n_arguments) {
        for (s.name = ""; first < last && strcmp(s.name, in->arguments[0]) != 0; first++)
            spate_lab_look(lab, first, &s);
        if (strcmp(s.name, in->arguments[0]) != 0)
            return leave_lab(lab, spate_lab_find(lab, in->arguments[0], &first, &err), &err);
        last = first--;
    }
    for (size_t i = first; i < last; i++) {
        spate_lab_look(lab, i, &s);
        if (last - first > 1)
            printf("%s==> %s <==\n", i > first ? "\n" : "", s.name);
        if (s.attached)
            fprintf(stderr, "spate: %s is attached: its log is where its owner keeps it\n", s.name);
        else if (!print_tail(s.log, option_count(in, "lines", 20)))
            fprintf(stderr, "spate: %s has no log yet\n", s.name);
    }
    return leave_lab(lab, SPATE_OK, &err);
}
