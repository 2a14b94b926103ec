/* test_language.c - unique patterns: random expressions, whose texts are listed here in the plainest way, have exactly
 * those texts, each once, and are refused for one row more. */
#include "gen/build.h"
#include "os/os.h"
#include "unit/check.h"

#include <stdlib.h>

static uint64_t seed, state;

static uint32_t below(uint32_t n)
{
    state = sp_draw_next(state);
    return (uint32_t)sp_bounded(state, n);
}

/* ---- a set of texts ---- */

enum { TEXTS_MAX = 3000, TEXT_LEN = 48 };

typedef struct texts {
    uint32_t n;
    bool full; /* too many, or too long */
    char text[TEXTS_MAX][TEXT_LEN];
} texts;

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void add(texts *t, const char *a, const char *b)
{
    size_t len = strlen(a), more = strlen(b);
    t->full = t->full || t->n == TEXTS_MAX || len + more >= TEXT_LEN;
    if (t->full)
        return;
    char *text = t->text[t->n++];
    memset(text, 0, TEXT_LEN);
    memcpy(text, a, len);
    memcpy(text + len, b, more);
}

static void once(texts *t)
{
    uint32_t n = 0;
    qsort(t->text, t->n, TEXT_LEN, compare_texts);
    for (uint32_t i = 0; i < t->n; i++)
        if (n == 0 || strcmp(t->text[n - 1], t->text[i]) != 0)
            memmove(t->text[n++], t->text[i], TEXT_LEN);
    t->n = n;
}

static texts *new_texts(void)
{
    texts *t = calloc(1, sizeof(*t));
    SP_ASSERT(t);
    return t;
}

/* What the one has, followed by what the other has. */
static texts *joined(texts *a, texts *b)
{
    texts *t = new_texts();
    t->full = a->full || b->full;
    for (uint32_t i = 0; i < a->n && !t->full; i++)
        for (uint32_t k = 0; k < b->n && !t->full; k++)
            add(t, a->text[i], b->text[k]);
    once(t);
    return t;
}

static void add_all(texts *to, const texts *from)
{
    to->full = to->full || from->full;
    for (uint32_t i = 0; i < from->n; i++)
        add(to, from->text[i], "");
    once(to);
}

/* ---- random expressions: written to p, with their texts ---- */

static texts *make(char **p, int depth);

static texts *make_class(char **p)
{
    texts *t = new_texts();
    const char *classes[] = {"[ab]", "[a-c]", "a", "b", "[bc]", "c"}, *chars[] = {"ab", "abc", "a", "b", "bc", "c"};
    uint32_t which = below(SP_COUNT(classes));
    *p += sprintf(*p, "%s", classes[which]);
    for (const char *c = chars[which]; *c; c++)
        add(t, (char[]){*c, 0}, "");
    return t;
}

static texts *make_repeat(char **p, int depth)
{
    uint32_t least = below(3), most = least + below(3);
    *p += sprintf(*p, "(");
    texts *of = make(p, depth - 1), *t = new_texts(), *power = new_texts();
    *p += sprintf(*p, "){%u,%u}", least, most);
    add(power, "", "");
    for (uint32_t i = 0; i <= most; i++) {
        if (i >= least)
            add_all(t, power);
        texts *next = joined(power, of);
        t->full = t->full || (next->full && i < most);
        free(power);
        power = next;
    }
    free(power);
    free(of);
    return t;
}

static texts *make(char **p, int depth)
{
    uint32_t kind = depth > 0 ? below(5) : 0;
    if (kind <= 1)
        return make_class(p);
    if (kind == 2)
        return make_repeat(p, depth);
    *p += sprintf(*p, "(");
    texts *a = make(p, depth - 1), *t;
    *p += sprintf(*p, "%s", kind == 3 ? "|" : "");
    texts *b = make(p, depth - 1);
    *p += sprintf(*p, ")");
    if (kind == 3) {
        t = new_texts();
        add_all(t, a);
        add_all(t, b);
    } else {
        t = joined(a, b);
    }
    free(a);
    free(b);
    return t;
}

/* ---- what the program makes of them ---- */

static int generator(const char *pattern, uint64_t rows, spate_plan **plan, sp_gen **gen)
{
    char yaml[4000];
    spate_error err;
    snprintf(yaml, sizeof(yaml), "tables: [{name: t, rows: %llu, columns: [{name: c, pattern: '%s', unique: true}]}]",
             (unsigned long long)rows, pattern);
    *gen = NULL;
    CHECK_INT(sp_plan_parse("t", yaml, strlen(yaml), plan, &err), 0);
    return sp_gen_new(*plan, seed, gen, &err);
}

static void check_refused(const char *pattern, uint64_t rows, const char *words)
{
    spate_plan *plan;
    sp_gen *gen;
    CHECK_INT(generator(pattern, rows, &plan, &gen), SPATE_E_CONFIG);
    size_t n = spate_plan_mistakes(plan);
    if (!CHECK(n == 1 && strstr(spate_plan_mistake(plan, 0)->message, words)))
        printf("# %s: %s\n", pattern, n ? spate_plan_mistake(plan, 0)->message : "no mistake");
    spate_plan_free(plan);
}

/* The column's texts, sorted; all of them differ. */
static texts *made_of(const char *pattern, uint32_t rows)
{
    spate_plan *plan;
    sp_gen *gen;
    sp_gen_scratch *scratch = NULL;
    sp_batch batch = {0};
    texts *t = new_texts();
    if (CHECK_INT(generator(pattern, rows, &plan, &gen), 0)) {
        CHECK_INT(sp_gen_scratch_new(gen, &scratch, NULL), 0);
        CHECK_INT(sp_batch_init(&batch, sp_gen_schema(gen, 0), NULL), 0);
        for (uint32_t row = 0, n; row < rows; row += n) {
            n = SP_MIN(rows - row, sp_gen_batch_rows(gen, 0));
            sp_batch_reset(&batch);
            CHECK_INT(sp_gen_fill(gen, 0, row, n, scratch, &batch, NULL), 0);
            for (uint32_t i = 0; i < n; i++) {
                char text[TEXT_LEN];
                sp_str s = sp_column_str(&batch.columns[0], i);
                snprintf(text, sizeof(text), "%.*s", (int)s.len, s.p);
                add(t, text, "");
            }
        }
        sp_batch_done(&batch);
    }
    sp_gen_scratch_free(scratch);
    sp_gen_free(gen);
    spate_plan_free(plan);
    once(t);
    if (!CHECK(t->n == rows && !t->full))
        printf("# %s has %u different texts, of %u\n", pattern, t->n, rows);
    return t;
}

static void check_pattern(const char *pattern, const texts *all)
{
    char words[60];
    texts *made = made_of(pattern, all->n);
    if (!CHECK(made->n == all->n && memcmp(made->text, all->text, (size_t)all->n * TEXT_LEN) == 0))
        printf("# %s makes other texts\n", pattern);
    free(made);
    snprintf(words, sizeof(words), "has %u different values", all->n);
    check_refused(pattern, (uint64_t)all->n + 1, words);
}

static void random_patterns_make_each_text_once(void)
{
    uint32_t seen = 0, largest = 0;
    for (int i = 0; i < 250; i++) {
        char pattern[4000], *p = pattern;
        texts *all = make(&p, 1 + (int)below(4));
        if (!all->full) {
            check_pattern(pattern, all);
            seen++;
            largest = SP_MAX(largest, all->n);
        }
        free(all);
    }
    CHECK(seen > 100 && largest > 50);
}

static void what_is_ambiguous_is_counted_once(void)
{
    check_refused("(a|ab)(c|bc)", 4, "has 3 different values");
    check_refused("a*a*", 34, "has 33 different values");
    check_refused("(?i)ab[[:upper:]]", 105, "has 104 different values");
    check_refused("^(|x|xx)y?$", 7, "has 6 different values");
    check_refused("[ü€]{2}", 5, "has 4 different values");
}

/* A share of each length, as where texts may repeat, and every short one. */
static void lengths_are_as_many(void)
{
    texts *t = made_of("[a-z]{1,10}", 2600);
    uint32_t of[12] = {0};
    for (uint32_t i = 0; i < t->n; i++)
        of[strlen(t->text[i])]++;
    CHECK_INT(of[1], 26);
    for (uint32_t i = 2; i <= 10; i++)
        CHECK(of[i] > 150 && of[i] < 500);
    free(t);
}

static void large_languages_are_made_of(void)
{
    static const char *const patterns[] = {"[A-Z]{3}-[0-9]+",
                                           "\\w+@\\w+\\.(com|org)",
                                           "[a-z0-9._%+-]{1,9}@[a-z0-9.-]{1,9}\\.[a-z]{2,4}",
                                           "(foo|ba[rz])[0-9a-f]{20}",
                                           "x{0,9}y{0,9}z{0,19}",
                                           "[a-z]{12}",
                                           ".+@.+\\..+",
                                           "(.{0,3}x){1,40}.{0,30}x.{0,30}y"};
    for (size_t i = 0; i < SP_COUNT(patterns); i++)
        free(made_of(patterns[i], 1900));
    check_refused("((((){1000}){1000}){1000}){1000}", 10, "too many ways");
}

int main(void)
{
    const char *given = getenv("SPATE_TEST_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)sp_os_monotonic_us();
    state = sp_mix64(seed);
    printf("# SPATE_TEST_SEED=%llu\n", (unsigned long long)seed);
    RUN(random_patterns_make_each_text_once);
    RUN(what_is_ambiguous_is_counted_once);
    RUN(lengths_are_as_many);
    RUN(large_languages_are_made_of);
    return check_done();
}
