/* options.c - reads the words of the command line by the table of commands. */
#include "cli/cli.h"

#include <string.h>

/* How much of two words is the same, from 0 to 1: Dice's coefficient of their pairs of letters, ends counting as letters. */
static double likeness(const char *a, size_t a_len, const char *b)
{
    size_t b_len = strlen(b), same = 0;
    char left[64] = {0}, right[64] = {0};
    if (a_len + 2 > sizeof(left) || b_len + 2 > sizeof(right))
        return 0;
    memcpy(left + 1, a, a_len);
    memcpy(right + 1, b, b_len);
    for (size_t i = 0; i <= a_len; i++)
        for (size_t j = 0; j <= b_len; j++)
            if (memcmp(left + i, right + j, 2) == 0) {
                same++;
                break;
            }
    return 2.0 * (double)same / (double)(a_len + b_len + 2);
}

void consider(guess *g, const char *name)
{
    double l = likeness(g->word, g->len, name);
    if (l > g->likeness) {
        g->likeness = l;
        g->best = name;
    }
}

static const option *find_option(const command *c, const char *name, size_t len)
{
    for (const option *o = c->options; o->name; o++)
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static bool is_word(const option *o, const char *value)
{
    for (size_t i = 0; o->words[i]; i++)
        if (strcmp(o->words[i], value) == 0)
            return true;
    return false;
}

static bool misuse(const char *fmt, const char *a, const char *b)
{
    fputs("spate: ", stderr);
    fprintf(stderr, fmt, a, b);
    fputc('\n', stderr);
    return false;
}

static bool unknown_option(const command *c, const char *given, const char *name, size_t len)
{
    guess g = {.word = name, .len = len, .likeness = GUESS_LEAST};
    for (const option *o = c->options; o->name; o++)
        consider(&g, o->name);
    fprintf(stderr, "spate: unknown option \"%s\" of '%s'", given, c->name);
    if (g.best)
        fprintf(stderr, "; did you mean --%s?", g.best);
    fputc('\n', stderr);
    return false;
}

static bool check_value(const option *o, const char *value)
{
    uint64_t n;
    bool counted = o->kind == OPTION_COUNT || o->kind == OPTION_SOME;
    if (counted && !spate_parse_count(value, &n))
        return misuse("--%s takes a whole number such as 500, 10k or 1.5M, not \"%s\"", o->name, value);
    if (o->kind == OPTION_SOME && n == 0)
        return misuse("--%s takes 1 at least, not %s", o->name, value);
    if (o->kind == OPTION_WORD && !is_word(o, value)) {
        fprintf(stderr, "spate: --%s cannot be \"%s\"; it is one of", o->name, value);
        for (size_t i = 0; o->words[i]; i++)
            fprintf(stderr, "%s %s", i ? "," : "", o->words[i]);
        fputc('\n', stderr);
        return false;
    }
    return true;
}

static bool add_use(invocation *in, const option *o, const char *value)
{
    for (size_t i = 0; !o->many && i < in->n_uses; i++)
        if (in->uses[i].option == o)
            return misuse("--%s is given twice%s", o->name, "");
    if (in->n_uses == OPTION_USES_MAX)
        return misuse("too many options%s%s", "", "");
    in->uses[in->n_uses++] = (option_use){o, value};
    return !value || check_value(o, value);
}

/* One "--name", "--name value" or "--name=value"; *i moves over a value of its own. */
static bool parse_option(invocation *in, int argc, char **argv, int *i)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const option *o = find_option(in->command, name, len);
    if (!o)
        return unknown_option(in->command, argv[*i], name, len);
    if (o->kind == OPTION_FLAG)
        return equals ? misuse("--%s takes no value%s", o->name, "") : add_use(in, o, NULL);
    if (equals)
        return add_use(in, o, equals + 1);
    if (*i + 1 >= argc)
        return misuse("--%s needs a value: %s", o->name, o->value);
    return add_use(in, o, argv[++*i]);
}

bool parse_invocation(const command *c, int argc, char **argv, invocation *in)
{
    *in = (invocation){.command = c};
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!only_arguments && strcmp(word, "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && word[0] == '-' && word[1] == '-') {
            if (!parse_option(in, argc, argv, &i))
                return false;
        } else if (!only_arguments && word[0] == '-' && word[1] != '\0' && word[1] != '?') { /* -?format=csv is a URI */
            return unknown_option(c, word, word + 1, strlen(word + 1));
        } else if (in->n_arguments == c->arguments_max) {
            return misuse("unexpected argument \"%s\" of '%s'", word, c->name);
        } else {
            in->arguments[in->n_arguments++] = word;
        }
    }
    if (in->n_arguments < c->arguments_min)
        return misuse("'%s' needs %s", c->name, c->arguments);
    return true;
}

const char *option_text(const invocation *in, const char *name)
{
    for (size_t i = in->n_uses; i-- > 0;)
        if (strcmp(in->uses[i].option->name, name) == 0)
            return in->uses[i].value ? in->uses[i].value : "";
    return NULL;
}

bool option_flag(const invocation *in, const char *name)
{
    return option_text(in, name) != NULL;
}

uint64_t option_count(const invocation *in, const char *name, uint64_t otherwise)
{
    const char *text = option_text(in, name);
    uint64_t value = otherwise;
    if (text)
        spate_parse_count(text, &value);
    return value;
}
