/* functions.c - the command 'functions': what a plan may write as ${name}, with samples. */
#include "cli/cli.h"

enum { SAMPLES_LISTED = 1, SAMPLES_ONE = 10, SHOWN = 50 };

typedef struct listing {
    bool json, one;
    size_t n;
} listing;

/* On one line, and cut where it gets long. */
static void print_sample(const char *s)
{
    unsigned shown = 0;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c & 0xc0) != 0x80 && ++shown > SHOWN) {
            fputs("...", stdout);
            return;
        }
        putchar(c < 0x20 ? ' ' : c);
    }
}

static void print_json_function(const listing *l, const spate_function *f, const char *const *samples, size_t n)
{
    printf("%s{\"name\": \"%s\", \"type\": \"%s\", \"note\": ", l->n ? ",\n  " : "", f->name, f->type);
    print_json_string(stdout, f->note);
    fputs(", \"samples\": [", stdout);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "", stdout);
        print_json_string(stdout, samples[i]);
    }
    fputs("]}", stdout);
}

static int on_function(void *arg, const spate_function *f, const char *const *samples, size_t n)
{
    listing *l = arg;
    if (l->json) {
        print_json_function(l, f, samples, n);
    } else if (l->one) {
        printf("${%s}  %s%s%s\n", f->name, f->type, *f->note ? ": " : "", f->note);
        for (size_t i = 0; i < n; i++) {
            fputs("  ", stdout);
            print_sample(samples[i]);
            putchar('\n');
        }
    } else {
        printf("%-28s %-18s ", f->name, f->type);
        print_sample(samples[0]);
        putchar('\n');
    }
    l->n++;
    return 0;
}

static int list_locales(bool json)
{
    spate_locale l;
    for (size_t i = 0; spate_locale_at(i, &l); i++)
        if (json)
            printf("%s{\"locale\": \"%s\", \"title\": \"%s\"}", i ? ",\n  " : "[\n  ", l.code, l.title);
        else
            printf("%-12s %s\n", l.code, l.title);
    fputs(json ? "\n]\n" : "", stdout);
    return exit_code_of(SPATE_OK);
}

int run_functions(const invocation *in)
{
    const char *name = in->n_arguments ? in->arguments[0] : NULL;
    listing l = {.json = option_flag(in, "json"), .one = name != NULL};
    spate_functions_options options = {
        .name = name, .locale = option_text(in, "locale"), .samples = name ? SAMPLES_ONE : SAMPLES_LISTED};
    spate_error err = {0};
    if (option_flag(in, "locales"))
        return list_locales(l.json);
    if (l.json)
        fputs("[\n  ", stdout);
    int status = spate_functions(&options, on_function, &l, &err);
    if (l.json)
        fputs(l.n ? "\n]\n" : "]\n", stdout);
    if (status != SPATE_OK)
        report_error(&err);
    return exit_code_of((spate_status)status);
}
