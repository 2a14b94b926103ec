/* as_settings.c - the settings of datagen-cli: defaults, then the lines of .datagen.yaml, then DATAGEN_... of the environment.
 *
 * All keys are known and checked, as scripts expect; those that still mean something are the format, the seed, the rows of a
 * statement, the workers, and the log. */
#include "cli/as_settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef enum kind { TRUTH, NUMBER, WORD, TEXT } kind;

static const struct setting {
    const char *name, *value;
    kind kind;
    int64_t min, max;
    const char *words;
} known[AS_SETTINGS] = {
    {"verbose", "false", TRUTH, 0, 0, NULL},
    {"default_seed", "0", NUMBER, INT64_MIN, INT64_MAX, NULL},
    {"default_format", "sql", WORD, 0, 0, "sql, copy"},
    {"default_row_count", "100", NUMBER, 1, INT64_MAX, NULL},
    {"default_batch_size", "1000", NUMBER, 1, 100000, NULL},
    {"workers", "4", NUMBER, 1, 100, NULL},
    {"enable_cache", "true", TRUTH, 0, 0, NULL},
    {"cache_size", "10000", NUMBER, 0, INT64_MAX, NULL},
    {"stream_writes", "true", TRUTH, 0, 0, NULL},
    {"log_level", "info", WORD, 0, 0, "debug, info, warn, error"},
    {"log_format", "text", WORD, 0, 0, "text, json"},
    {"log_file", "", TEXT, 0, 0, NULL},
    {"color_output", "true", TRUTH, 0, 0, NULL},
    {"progress_bar", "true", TRUTH, 0, 0, NULL},
    {"quiet_mode", "false", TRUTH, 0, 0, NULL},
    {"json_output", "false", TRUTH, 0, 0, NULL},
    {"pretty_print", "true", TRUTH, 0, 0, NULL},
    {"show_timestamp", "false", TRUTH, 0, 0, NULL},
};

static char why[512];

static int find(const char *name)
{
    for (int i = 0; i < AS_SETTINGS; i++)
        if (strcmp(known[i].name, name) == 0)
            return i;
    return -1;
}

const char *as_setting(const as_settings *s, const char *name)
{
    return s->values[find(name)];
}

int64_t as_setting_number(const as_settings *s, const char *name)
{
    return strtoll(as_setting(s, name), NULL, 10);
}

static bool is_true(const as_settings *s, const char *name)
{
    return strcmp(as_setting(s, name), "true") == 0;
}

/* ---- checking ---- */

static bool is_word(const char *value, const char *words)
{
    size_t len = strlen(value);
    for (const char *p = words; *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] ? 2 : 0))
        if (strcspn(p, ",") == len && strncmp(p, value, len) == 0)
            return true;
    return false;
}

static bool has_directory(const char *path)
{
    char directory[AS_SETTING_LEN];
    struct stat st;
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return stat(*directory ? directory : "/", &st) == 0 && S_ISDIR(st.st_mode);
}

static const char *check(const struct setting *k, const char *value)
{
    char *end;
    errno = 0;
    long long n = k->kind == NUMBER ? strtoll(value, &end, 10) : 0;
    if (k->kind == NUMBER && (!*value || *end || errno || n < k->min || n > k->max)) {
        if (k->min == INT64_MIN)
            snprintf(why, sizeof(why), "invalid configuration: %s must be a whole number, got \"%s\"", k->name, value);
        else if (k->max == INT64_MAX)
            snprintf(why, sizeof(why), "invalid configuration: %s must be at least %lld, got \"%s\"", k->name,
                     (long long)k->min, value);
        else
            snprintf(why, sizeof(why), "invalid configuration: %s must be between %lld and %lld, got \"%s\"", k->name,
                     (long long)k->min, (long long)k->max, value);
        return why;
    }
    if (k->kind == WORD && !is_word(value, k->words)) {
        snprintf(why, sizeof(why), "invalid configuration: %s must be one of: %s, got \"%s\"", k->name, k->words,
                 value);
        return why;
    }
    if (k->kind == TRUTH && strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
        snprintf(why, sizeof(why), "invalid configuration: %s must be true or false, got \"%s\"", k->name, value);
        return why;
    }
    if (strcmp(k->name, "log_file") == 0 && *value && !has_directory(value)) {
        snprintf(why, sizeof(why), "invalid configuration: log_file \"%s\" is in no directory that is there", value);
        return why;
    }
    return NULL;
}

static const char *set(as_settings *s, int at, const char *value)
{
    snprintf(s->values[at], sizeof(s->values[at]), "%s", value);
    return check(&known[at], s->values[at]);
}

/* ---- the file, and the environment ---- */

/* Without blanks, a comment and quotes. */
static char *trimmed(char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    char quote = *p == '"' || *p == '\'' ? *p : 0, *end = quote ? strchr(p + 1, quote) : strstr(p, " #");
    if (quote && end)
        p++;
    end = end ? end : p + strlen(p);
    while (end > p && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return p;
}

static const char *read_file(as_settings *s, FILE *f)
{
    char line[2 * AS_SETTING_LEN];
    const char *wrong = NULL;
    while (!wrong && fgets(line, sizeof(line), f)) {
        char *colon = strchr(line, ':');
        if (!colon || line[0] == '#' || isspace((unsigned char)line[0]))
            continue;
        *colon = '\0';
        int at = find(trimmed(line));
        if (at >= 0)
            wrong = set(s, at, trimmed(colon + 1));
    }
    return wrong;
}

static FILE *open_file(const char *path)
{
    char home[AS_SETTING_LEN * 4];
    if (path)
        return fopen(path, "r");
    FILE *f = fopen(".datagen.yaml", "r");
    snprintf(home, sizeof(home), "%s/.datagen.yaml", getenv("HOME") ? getenv("HOME") : "");
    f = f ? f : fopen(home, "r");
    return f ? f : fopen("/etc/datagen/.datagen.yaml", "r");
}

static const char *read_environment(as_settings *s)
{
    const char *wrong = NULL;
    for (int i = 0; i < AS_SETTINGS && !wrong; i++) {
        char name[64] = "DATAGEN_";
        for (size_t k = 0; known[i].name[k]; k++)
            name[8 + k] = (char)toupper((unsigned char)known[i].name[k]);
        const char *value = getenv(name);
        wrong = value && *value ? set(s, i, value) : NULL;
    }
    return wrong;
}

const char *as_settings_load(as_settings *s, const char *path, bool verbose)
{
    *s = (as_settings){0};
    for (int i = 0; i < AS_SETTINGS; i++)
        set(s, i, known[i].value);
    FILE *f = open_file(path);
    if (!f && path) {
        snprintf(why, sizeof(why), "could not read config file %s: %s", path, strerror(errno));
        return why;
    }
    const char *wrong = f ? read_file(s, f) : NULL;
    if (f)
        fclose(f);
    wrong = wrong ? wrong : read_environment(s);
    if (!wrong && (verbose || is_true(s, "verbose")))
        set(s, find("log_level"), "debug");
    return wrong;
}

/* ---- the log ---- */

void as_settings_log(const as_settings *s, const char *level, const char *message)
{
    const char *least = as_setting(s, "log_level"), *path = as_setting(s, "log_file");
    if (strcmp(least, "warn") == 0 || strcmp(least, "error") == 0 || is_true(s, "quiet_mode"))
        return;
    FILE *f = *path ? fopen(path, "a") : stderr;
    if (!f)
        return;
    fprintf(f,
            strcmp(as_setting(s, "log_format"), "json") == 0 ? "{\"level\":\"%s\",\"msg\":\"%s\"}\n"
                                                             : "level=%s msg=\"%s\"\n",
            level, message);
    if (f != stderr)
        fclose(f);
}
