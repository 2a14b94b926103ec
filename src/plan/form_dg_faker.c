/* form_dg_faker.c - gofakeit's functions by the names it gives them, and the templates of dg's fork, which are Go's text/template with
 * these functions: {{FirstName}} has {{Number 1 9}} pets.
 *
 * Most functions are ours by another spelling; those with arguments become expressions, or hidden columns with a pattern. Of Go's
 * language there are calls, arguments that are written out, and pipes; a template that branches or repeats is a mistake. */
#include "plan/form_dg.h"

#include <ctype.h>
#include <stdio.h>

enum { ARGS_MAX = 16, WORDS_MAX = 200, NAME_MAX = 64 };

/* ---- names ---- */

/* Ours, in which only letters and digits count when they are looked for. */
/* clang-format off */
static const char *const functions[] = {
    "ach_account", "ach_routing", "adjective", "adjective_demonstrative", "adjective_descriptive", "adjective_indefinite",
    "adjective_interrogative", "adjective_possessive", "adjective_proper", "adjective_quantitative", "adverb", "adverb_degree",
    "adverb_frequency_definite", "adverb_frequency_indefinite", "adverb_manner", "adverb_place", "adverb_time_definite",
    "adverb_time_indefinite", "animal", "animal_type", "app_author", "app_name", "app_version", "bitcoin_address", "bitcoin_private_key",
    "bool", "book_author", "book_genre", "book_title", "breakfast", "bs", "buzz_word", "car_fuel_type", "car_maker", "car_model",
    "car_transmission_type", "car_type", "celebrity_actor", "chrome_user_agent", "city", "cnpj", "color", "company", "company_suffix",
    "connective", "connective_casual", "connective_complaint", "connective_examplify", "connective_listing", "connective_time", "country",
    "country_abr", "cpf", "credit_card_cvv", "credit_card_exp", "credit_card_number", "credit_card_type", "currency_long", "currency_short",
    "cusip", "date", "day", "dessert", "dinner", "domain_name", "domain_suffix", "email", "emoji", "error", "error_database", "error_grpc",
    "error_http", "error_http_client", "error_http_server", "error_runtime", "farm_animal", "file_extension", "file_mime_type",
    "firefox_user_agent", "first_name", "float32", "float64", "fruit", "future_date", "gender", "hipster_paragraph", "hipster_word", "hobby",
    "hour", "http_method", "http_status_code", "http_status_code_simple", "http_version", "int16", "int32", "int64", "int8", "ipv4_address",
    "ipv6_address", "isin", "job_descriptor", "job_level", "job_title", "language", "language_abbreviation", "last_name", "latitude",
    "longitude", "lunch", "mac_address", "minute", "month", "month_string", "movie_genre", "movie_name", "name", "name_prefix",
    "name_suffix", "nanosecond", "noun", "noun_abstract", "noun_collective_animal", "noun_collective_people", "noun_collective_thing",
    "noun_common", "noun_concrete", "noun_countable", "noun_uncountable", "opera_user_agent", "password", "past_date", "pet_name", "phone",
    "phone_formatted", "phrase", "preposition", "preposition_compound", "preposition_double", "preposition_simple", "price",
    "product_category", "product_description", "product_feature", "product_material", "product_name", "programming_language", "pronoun",
    "pronoun_demonstrative", "pronoun_interrogative", "pronoun_object", "pronoun_personal", "pronoun_possessive", "pronoun_reflective",
    "pronoun_relative", "question", "quote", "safari_user_agent", "school", "second", "snack", "ssn", "state", "state_abr", "street",
    "street_name", "street_number", "street_prefix", "street_suffix", "time_zone", "time_zone_abv", "time_zone_full", "time_zone_offset",
    "time_zone_region", "uint16", "uint32", "uint64", "uint8", "url", "user_agent", "username", "uuid", "vegetable", "verb", "verb_action",
    "verb_helping", "verb_linking", "weekday", "word", "year", "zip",
};
/* clang-format on */

/* Spelt otherwise. */
/* clang-format off */
static const struct other {
    const char *theirs, *ours;
} others[] = {
    {"hexcolor", "hexcolor"}, {"safecolor", "safecolor"}, {"flipacoin", "flipacoin"}, {"actualstreet", "street"}, {"loremipsumword", "lorem_word"},
    {"loremipsumparagraph", "lorem_paragraph"}, {"jobdescriptor", "job_descriptor"}, {"countryabbreviation", "country_abr"},
    {"stateabbreviation", "state_abr"}, {"timezoneabbreviation", "time_zone_abv"}, {"creditcard", "credit_card_number"}, {"product", "product_name"},
    {"slogan", "company_slogan"}, {"streetaddress", "street"}, {"comment", "phrase"}, {"ipaddress", "ipv4_address"}, {"buzzword", "buzz_word"},
    {"carfueltype", "car_fuel_type"}, {"cartransmissiontype", "car_transmission_type"}, {"middlename", "first_name"}, {"noununcountable", "noun_uncountable"},
};
/* clang-format on */

/* What is left of a name: small letters and digits. */
static void plain_name(sp_str name, char to[NAME_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < name.len && n + 1 < NAME_MAX; i++)
        if (isalnum((unsigned char)name.p[i]))
            to[n++] = (char)tolower((unsigned char)name.p[i]);
    to[n] = '\0';
}

static const char *our_name(const char *plain)
{
    char own[NAME_MAX];
    for (size_t i = 0; i < SP_COUNT(others); i++)
        if (strcmp(plain, others[i].theirs) == 0)
            return others[i].ours;
    for (size_t i = 0; i < SP_COUNT(functions); i++) {
        plain_name(sp_str_of(functions[i]), own);
        if (strcmp(plain, own) == 0)
            return functions[i];
    }
    return NULL;
}

/* ---- functions with arguments ---- */

typedef struct faker {
    const dg_scope *s;
    sp_mark at;
    sp_str name;
    const dg_value *args;
    uint32_t n;
} faker;

/* The argument of that place, or of that name; NULL: not given. */
static const dg_value *argument(const faker *f, uint32_t place, const char *name)
{
    char plain[NAME_MAX];
    for (uint32_t i = 0; i < f->n && f->args[i].name.len; i++) {
        plain_name(f->args[i].name, plain);
        if (strcmp(plain, name) == 0)
            return &f->args[i];
    }
    return place < f->n && !f->args[place].name.len ? &f->args[place] : NULL;
}

/* A whole number that is written out. */
static int64_t number_of(const faker *f, uint32_t place, const char *name, int64_t otherwise)
{
    const dg_value *v = argument(f, place, name);
    const sp_expr *e = v ? v->e : NULL;
    bool minus = e && e->kind == SP_EXPR_CALL && sp_str_is(e->text, "negate");
    int64_t n = otherwise;
    e = minus ? e->args[0] : e;
    if (!e || e->kind != SP_EXPR_NUMBER || !sp_parse_i64(e->text, &n))
        return otherwise;
    return minus ? -n : n;
}

static dg_value text_value(sp_expr *e)
{
    return (dg_value){.kind = DG_TEXT, .e = e};
}

static dg_value number_value(sp_expr *e)
{
    return (dg_value){.kind = DG_NUMBER, .e = e};
}

static sp_expr *leaf(const faker *f, int64_t n)
{
    sp_expr *e = sp_dg_leaf(f->s->r, f->at, SP_EXPR_NUMBER, "%lld", (long long)(n < 0 ? -n : n));
    return n < 0 ? sp_dg_call(f->s->r, f->at, "negate", e, NULL, NULL) : e;
}

static dg_value between(const faker *f)
{
    return number_value(sp_dg_call(f->s->r, f->at, "random", leaf(f, number_of(f, 0, "min", 0)),
                                   leaf(f, number_of(f, 1, "max", INT32_MAX)), NULL));
}

/* min + random() * (max - min), to two digits if it is a price. */
static dg_value real_between(const faker *f, bool price)
{
    const dg_value *min = argument(f, 0, "min"), *max = argument(f, 1, "max");
    sp_plan_reader *r = f->s->r;
    sp_expr *low = min ? min->e : leaf(f, 0), *high = max ? max->e : leaf(f, price ? 1000 : 1);
    sp_expr *draw = sp_make_expr(r, SP_EXPR_CALL, f->at, sp_str_of("random"), NULL, 0);
    sp_expr *all = sp_dg_call(r, f->at, "+", low,
                              sp_dg_call(r, f->at, "*", draw, sp_dg_call(r, f->at, "-", high, low, NULL), NULL), NULL);
    return number_value(price ? sp_dg_call(r, f->at, "round", all, leaf(f, 2), NULL) : all);
}

/* A hidden column of texts that a regular expression matches. */
static dg_value by_pattern(const faker *f, sp_str regex)
{
    sp_plan_column c = sp_read_new_column(f->s->r, f->at);
    char *kept = sp_arena_strndup(&f->s->r->plan->arena, regex.p, regex.len);
    c.mode = SP_MODE_PATTERN;
    c.text = kept ? (sp_str){kept, regex.len} : c.text;
    c.max_i = 16;
    sp_str name = sp_dg_hide(f->s->r, f->s->table, f->s->column, &c);
    return (dg_value){
        .kind = DG_TEXT, .column = true, .e = sp_make_expr(f->s->r, SP_EXPR_COLUMN, f->at, name, NULL, 0)};
}

static dg_value repeated(const faker *f, const char *class, const char *name)
{
    char regex[64];
    int64_t n = number_of(f, 0, name, 1);
    snprintf(regex, sizeof(regex), "%s{%lld}", class, (long long)SP_MIN(SP_MAX(n, INT64_C(1)), INT64_C(255)));
    return by_pattern(f, sp_str_of(regex));
}

/* Each sign of the text becomes one of the class, what else there is stays. */
static dg_value filled(const faker *f, char sign, const char *class)
{
    const dg_value *text = argument(f, 0, "str");
    sp_buf regex = {0};
    int rc = 0;
    for (size_t i = 0; text && text->e && i < text->e->text.len && !rc; i++) {
        char c = text->e->text.p[i];
        rc = c == sign ? sp_buf_adds(&regex, class)
                       : (strchr("\\.+*?()|[]{}^$", c) && sp_buf_adds(&regex, "\\")) || sp_buf_add(&regex, &c, 1);
    }
    dg_value v = by_pattern(f, (sp_str){regex.len ? regex.data : "", regex.len});
    sp_buf_done(&regex);
    return v;
}

static dg_value of_regex(const faker *f)
{
    const dg_value *text = argument(f, 0, "str");
    return by_pattern(f, text && text->e && text->e->kind == SP_EXPR_TEXT ? text->e->text : sp_str_of(""));
}

/* So many words, the first one with a capital, and a full stop. */
static sp_expr *sentence(const faker *f, const char *word, int64_t n, uint32_t from)
{
    sp_plan_reader *r = f->s->r;
    sp_expr *parts[2 * WORDS_MAX];
    uint32_t k = 0;
    n = SP_MIN(SP_MAX(n, INT64_C(1)), (int64_t)WORDS_MAX / 2);
    for (uint32_t i = 0; i < n; i++) {
        sp_expr *one = sp_dg_leaf(r, f->at, SP_EXPR_FUNCTION, "%s#%u", word, from + i);
        if (i == 0) {
            parts[k++] = sp_dg_call(r, f->at, "upper", sp_dg_call(r, f->at, "left", one, leaf(f, 1), NULL), NULL, NULL);
            one = sp_dg_call(r, f->at, "substr", one, leaf(f, 2), NULL);
        } else {
            parts[k++] = sp_dg_leaf(r, f->at, SP_EXPR_TEXT, " ");
        }
        parts[k++] = one;
    }
    parts[k++] = sp_dg_leaf(r, f->at, SP_EXPR_TEXT, ".");
    return sp_make_expr(r, SP_EXPR_CALL, f->at, sp_str_of("concat"), parts, k);
}

/* Each call of a column draws for itself; here is room for its words. */
static uint32_t draws_of(const faker *f)
{
    return 1 + 1000 * ++*f->s->draws;
}

static dg_value sentences(const faker *f, const char *word)
{
    return text_value(sentence(f, word, number_of(f, 0, "wordcount", 10), draws_of(f)));
}

static dg_value paragraphs(const faker *f, const char *word)
{
    int64_t n = SP_MIN(SP_MAX(number_of(f, 0, "paragraphcount", 2), INT64_C(1)) *
                           SP_MAX(number_of(f, 1, "sentencecount", 2), INT64_C(1)),
                       INT64_C(20));
    int64_t each = SP_MIN(number_of(f, 2, "wordcount", 5), INT64_C(40));
    sp_expr *all = NULL;
    for (int64_t i = 0; i < n; i++) {
        sp_expr *one = sentence(f, word, each, draws_of(f) + (uint32_t)(i * each));
        all = i ? sp_dg_call(f->s->r, f->at, "concat", all, sp_dg_leaf(f->s->r, f->at, SP_EXPR_TEXT, " "), one) : one;
    }
    return text_value(all);
}

static bool with_arguments(const faker *f, const char *name, dg_value *v)
{
    if (strcmp(name, "number") == 0 || strcmp(name, "intrange") == 0 || strcmp(name, "uintrange") == 0 ||
        strcmp(name, "intn") == 0)
        *v = between(f);
    else if (strcmp(name, "float64range") == 0 || strcmp(name, "float32range") == 0)
        *v = real_between(f, false);
    else if (strcmp(name, "price") == 0 && f->n)
        *v = real_between(f, true);
    else if (strcmp(name, "digit") == 0 || strcmp(name, "digitn") == 0)
        *v = repeated(f, "[0-9]", "count");
    else if (strcmp(name, "letter") == 0 || strcmp(name, "lettern") == 0)
        *v = repeated(f, "[a-zA-Z]", "count");
    else if (strcmp(name, "vowel") == 0)
        *v = repeated(f, "[aeiou]", "count");
    else if (strcmp(name, "numerify") == 0)
        *v = filled(f, '#', "[0-9]");
    else if (strcmp(name, "lexify") == 0)
        *v = filled(f, '?', "[a-z]");
    else if (strcmp(name, "regex") == 0)
        *v = of_regex(f);
    else if (strcmp(name, "sentence") == 0)
        *v = sentences(f, "word");
    else if (strcmp(name, "loremipsumsentence") == 0)
        *v = sentences(f, "lorem_word");
    else if (strcmp(name, "hipstersentence") == 0)
        *v = sentences(f, "hipster_word");
    else if (strcmp(name, "paragraph") == 0)
        *v = paragraphs(f, "word");
    else if (strcmp(name, "loremipsumparagraph") == 0 && f->n)
        *v = paragraphs(f, "lorem_word");
    else
        return false;
    return true;
}

bool sp_dg_faker(const dg_scope *s, sp_mark at, sp_str name, const dg_value *args, uint32_t n, dg_value *v)
{
    char plain[NAME_MAX];
    faker f = {s, at, name, args, n};
    plain_name(name, plain);
    if (with_arguments(&f, plain, v))
        return v->e != NULL;
    const char *ours = our_name(plain);
    if (!ours) {
        const char *near = sp_nearest(sp_str_of(plain), functions, SP_COUNT(functions));
        sp_mistake(s->r->m, at, name, "is no function of gofakeit that is known here%s%s%s",
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return false;
    }
    *v = text_value(
        sp_dg_call(s->r, at, "text", sp_dg_leaf(s->r, at, SP_EXPR_FUNCTION, "%s#%u", ours, draws_of(&f)), NULL, NULL));
    return v->e != NULL;
}

/* ---- templates ---- */

typedef struct template
{
    const dg_scope *s;
    sp_mark at;
    uint32_t calls;
    bool failed;
}
template;

static void fail(template *t, sp_str found, const char *message)
{
    if (!t->failed)
        sp_mistake(t->s->r->m, t->at, found, "%s", message);
    t->failed = true;
}

static void skip_blanks(sp_str *in)
{
    while (in->len && strchr(" \t\r\n", in->p[0]))
        in->p++, in->len--;
}

/* A word, a number, or a text with its quotes. */
static sp_str next_word(template *t, sp_str *in)
{
    skip_blanks(in);
    size_t n = 0;
    if (in->len && strchr("\"`", in->p[0])) {
        for (n = 1; n < in->len && in->p[n] != in->p[0];)
            n += in->p[n] == '\\' && in->p[0] == '"' ? 2 : 1;
        n++;
    } else {
        while (n < in->len && !strchr(" \t\r\n|", in->p[n]))
            n++;
    }
    if (n > in->len)
        fail(t, *in, "lacks its closing quote");
    sp_str word = {in->p, SP_MIN(n, in->len)};
    in->p += word.len;
    in->len -= word.len;
    return word;
}

static dg_value argument_value(template *t, sp_str word)
{
    dg_value v = {.kind = DG_ANY};
    if (!strchr("\"`-0123456789", word.p[0]) && !sp_str_is(word, "true") && !sp_str_is(word, "false"))
        fail(t, word, "is no argument that is written out: a number, a text between quotes, true or false");
    else if (!sp_dg_read_expr(t->s, word, t->at, &v))
        t->failed = true;
    return v;
}

/* Functions that take what is there: behind a pipe. */
static bool turned(template *t, sp_str name, dg_value *v)
{
    static const char *const names[][2] = {
        {"ToUpper", "upper"}, {"ToLower", "lower"}, {"ToString", "text"}, {"upper", "upper"}, {"lower", "lower"}};
    for (size_t i = 0; i < SP_COUNT(names); i++)
        if (sp_str_is(name, names[i][0])) {
            *v = text_value(sp_dg_call(t->s->r, t->at, names[i][1], sp_dg_as_text(t->s, v, t->at), NULL, NULL));
            return true;
        }
    return false;
}

/* What stands between {{ and }}. */
static sp_expr *action(template *t, sp_str in)
{
    static const char *const words[] = {"if",     "else",  "end",      "range", "with",
                                        "define", "block", "template", "break", "continue"};
    dg_value v = {.kind = DG_ANY};
    for (bool first = true; !t->failed; first = false) {
        dg_value args[ARGS_MAX];
        uint32_t n = 0;
        sp_str name = next_word(t, &in);
        for (size_t i = 0; i < SP_COUNT(words); i++)
            if (sp_str_is(name, words[i]))
                fail(t, name, "is no part of templates that is known here: calls of functions are");
        if (!name.len || name.p[0] == '$' || name.p[0] == '.')
            fail(t, name, "stands where the name of a function should be");
        for (skip_blanks(&in); in.len && in.p[0] != '|' && n < ARGS_MAX && !t->failed; skip_blanks(&in))
            args[n++] = argument_value(t, next_word(t, &in));
        if (t->failed)
            return NULL;
        if (first && (strchr("\"`", name.p[0]) || (name.p[0] >= '0' && name.p[0] <= '9')))
            v = argument_value(t, name);
        else if (first || !turned(t, name, &v))
            t->failed = t->failed || !sp_dg_faker(t->s, t->at, name, args, n, &v);
        if (!in.len)
            break;
        in.p++, in.len--; /* the pipe */
    }
    return t->failed ? NULL : sp_dg_as_text(t->s, &v, t->at);
}

static void cut_blanks(sp_str *text, bool front, bool back)
{
    while (front && text->len && strchr(" \t\r\n", text->p[0]))
        text->p++, text->len--;
    while (back && text->len && strchr(" \t\r\n", text->p[text->len - 1]))
        text->len--;
}

static sp_expr *append(template *t, sp_expr *all, sp_expr *one)
{
    return all ? sp_dg_call(t->s->r, t->at, "||", all, one, NULL) : one;
}

sp_expr *sp_dg_go_template(const dg_scope *s, sp_str text, sp_mark at)
{
    template t = {.s = s, .at = at};
    sp_expr *all = NULL;
    for (bool front = false; text.len && !t.failed;) {
        const char *open = memmem(text.p, text.len, "{{", 2), *end = text.p + text.len;
        const char *close = open ? memmem(open, (size_t)(end - open), "}}", 2) : NULL;
        bool back = open && open + 2 < end && open[2] == '-';
        sp_str before = {text.p, open ? (size_t)(open - text.p) : text.len};
        cut_blanks(&before, front, back);
        if (before.len)
            all = append(&t, all, sp_make_expr(s->r, SP_EXPR_TEXT, at, before, NULL, 0));
        if (!open)
            break;
        if (!close) {
            fail(&t, (sp_str){open, (size_t)(end - open)}, "lacks its closing }}");
            break;
        }
        sp_str in = {open + 2 + back, (size_t)(close - open) - 2 - back};
        front = in.len && in.p[in.len - 1] == '-';
        in.len -= front;
        cut_blanks(&in, true, true);
        if (!(in.len >= 2 && memcmp(in.p, "/*", 2) == 0))
            all = append(&t, all, action(&t, in));
        text = (sp_str){close + 2, (size_t)(end - close) - 2};
    }
    return t.failed ? NULL : all ? all : sp_make_expr(s->r, SP_EXPR_TEXT, at, sp_str_of(""), NULL, 0);
}
