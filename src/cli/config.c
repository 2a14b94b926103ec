/* config.c - the command 'config': a plan on standard output. */
#include "cli/cli.h"

#include "spate/config.h"

#include <string.h>
#include <stdlib.h>

typedef struct settings {
    spate_config_options options;
    const char *schemas[OPTION_USES_MAX], *tables[OPTION_USES_MAX];
    spate_config_rows rows[OPTION_USES_MAX];
    char *names[OPTION_USES_MAX]; /* of rows; to be freed */
} settings;

static bool add_rows(settings *s, const char *text)
{
    const char *equals = strrchr(text, '=');
    size_t n = s->options.n_rows;
    if (!equals || !spate_parse_count(equals + 1, &s->rows[n].rows)) {
        fprintf(stderr, "spate: --rows takes TABLE=N such as member=10k, not \"%s\"\n", text);
        return false;
    }
    s->rows[n].table = s->names[n] = strndup(text, (size_t)(equals - text));
    s->options.n_rows += s->names[n] != NULL;
    return s->names[n] != NULL;
}

static bool read_settings(const invocation *in, settings *s)
{
    for (size_t i = 0; i < in->n_uses; i++) {
        const option_use *use = &in->uses[i];
        if (strcmp(use->option->name, "rows") == 0 && !add_rows(s, use->value))
            return false;
        if (strcmp(use->option->name, "table") == 0)
            s->tables[s->options.n_tables++] = use->value;
        if (strcmp(use->option->name, "schema") == 0)
            s->schemas[s->options.n_schemas++] = use->value;
    }
    s->options.tables = s->tables;
    s->options.schemas = s->schemas;
    s->options.rows = s->rows;
    s->options.defaults = option_flag(in, "defaults");
    s->options.stats = option_flag(in, "stats");
    return true;
}

int run_config(const invocation *in)
{
    static settings s;
    spate_error err;
    char *text = NULL;
    size_t len = 0;
    int code = EXIT_USAGE;
    if (read_settings(in, &s)) {
        int status = spate_config(in->arguments[0], &s.options, &text, &len, &err);
        if (status == SPATE_OK)
            fwrite(text, 1, len, stdout);
        else
            report_error(&err);
        code = exit_code_of(status);
    }
    spate_config_free(text);
    for (size_t i = 0; i < s.options.n_rows; i++)
        free(s.names[i]);
    return code;
}
