/* template.c - the commands 'template list' and 'template show', and the values that --param gives. */
#include "cli/template.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 64 };

/* "name=value" into a setting; the name gets memory of its own. */
static bool read_param(const char *text, spate_setting *s)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || equals - text >= LONGEST_NAME) {
        fprintf(stderr, "spate: --param takes NAME=VALUE, not \"%s\"\n", text);
        return false;
    }
    s->name = strndup(text, (size_t)(equals - text));
    s->value = equals + 1;
    return s->name != NULL;
}

char *template_text(const invocation *in, const char *name, size_t *len, int *code)
{
    spate_setting settings[OPTION_USES_MAX];
    spate_error err = {0};
    size_t n = 0;
    char *text = NULL;
    bool good = true;
    for (size_t i = 0; good && i < in->n_uses; i++)
        if (strcmp(in->uses[i].option->name, "param") == 0 && (good = read_param(in->uses[i].value, &settings[n])))
            n++;
    *code = EXIT_USAGE;
    if (good) {
        int status = spate_template_text(name, settings, n, &text, len, &err);
        *code = exit_code_of((spate_status)status);
        if (status != SPATE_OK)
            report_error(&err);
    }
    for (size_t i = 0; i < n; i++)
        free((char *)settings[i].name);
    return text;
}

static void print_parameters(const char *name)
{
    spate_parameter p;
    for (size_t i = 0; spate_template_parameter_at(name, i, &p); i++)
        printf("    %-18s %-12s %s\n", p.name, p.value, p.meaning);
}

static void print_json(void)
{
    spate_template t;
    spate_parameter p;
    for (size_t i = 0; spate_template_at(i, &t); i++) {
        printf("%s{\"name\": \"%s\", \"title\": ", i ? ",\n  " : "[\n  ", t.name);
        print_json_string(stdout, t.title);
        fputs(", \"parameters\": [", stdout);
        for (size_t k = 0; spate_template_parameter_at(t.name, k, &p); k++) {
            printf("%s\n    {\"name\": \"%s\", \"value\": ", k ? "," : "", p.name);
            print_json_string(stdout, p.value);
            fputs(", \"meaning\": ", stdout);
            print_json_string(stdout, p.meaning);
            putchar('}');
        }
        fputs("]}", stdout);
    }
    fputs("\n]\n", stdout);
}

int run_template_list(const invocation *in)
{
    spate_template t;
    if (option_flag(in, "json")) {
        print_json();
        return EXIT_OK;
    }
    for (size_t i = 0; spate_template_at(i, &t); i++) {
        printf("%s%s: %s\n", i ? "\n" : "", t.name, t.title);
        print_parameters(t.name);
    }
    return EXIT_OK;
}

int run_template_show(const invocation *in)
{
    size_t len = 0;
    int code;
    char *text = template_text(in, in->arguments[0], &len, &code);
    if (text)
        fwrite(text, 1, len, stdout);
    spate_template_free(text);
    return code;
}
