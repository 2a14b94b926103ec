/* test_locales.c - the files of words: all functions in all locales against their grammar, and files that are damaged.
 *
 * `test_locales --write` rewrites the table of docs/reference/locales.md, which the test otherwise compares. */
#include "check.h"
#include "gen/locale.h"
#include "os/os.h"
#include "locales/paths.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/random.h>

enum { ROWS = 150, ROOM = 32768 };

static uint64_t seed;

static sp_locale *load(sp_arena *arena, const sp_locale_name *name)
{
    sp_locale *l = NULL;
    spate_error err = {0};
    if (!CHECK_INT(sp_locale_load(arena, name, &l, &err), SPATE_OK))
        printf("# %s: %s\n", name->code, err.message);
    return l;
}

static bool is_english(const sp_locale_name *name)
{
    return strcmp(name->code, "en") == 0;
}

/* ---- what functions make --------------------------------------------------------------------------------------------- */

static bool only(const char *text, const char *chars)
{
    return text[strspn(text, chars)] == 0;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');
    return at && at > text && only(at + 1, LOWER ".") && strchr(at + 1, '.') && only(text, LOWER ".@") &&
           strrchr(text, '@') == at;
}

static bool is_username(const char *text)
{
    size_t letters = strspn(text, UPPER LOWER);
    return letters && strlen(text + letters) == 4 && only(text + letters, DIGITS);
}

static bool is_zip(const char *text)
{
    return only(text, UPPER DIGITS " -") && strlen(text) >= 3 && strlen(text) <= 12 && strpbrk(text, DIGITS);
}

static bool is_number(const char *text)
{
    size_t digits = 0;
    for (const char *p = text; *p; p++)
        digits += *p >= '0' && *p <= '9';
    return digits >= 3 && digits <= 15;
}

static bool is_phone(const char *text)
{
    return is_number(text) && only(*text == '+' ? text + 1 : text, DIGITS);
}

static bool is_phone_formatted(const char *text)
{
    return is_number(text) && only(text, DIGITS " +-()./x*");
}

/* Names and places: no gaps where something is missing, no signs of recipes. */
static bool is_neat(const char *text)
{
    size_t len = strlen(text);
    return len && text[0] != ' ' && text[len - 1] != ' ' && !strstr(text, "  ") && !strpbrk(text, "{}#");
}

/* Scripts that have capitals begin sentences with them: Latin, Greek and Cyrillic ones at least. */
static bool is_sentence(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned c = p[0] < 0x80 ? p[0] : p[0] < 0xe0 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu) : 0; /* 0: another script */
    bool small =
        (c >= 'a' && c <= 'z') || (c >= 0xe0 && c <= 0xfe) || (c >= 0x3b1 && c <= 0x3c9) || (c >= 0x430 && c <= 0x45f);
    return !small && text[strlen(text) - 1] == '.';
}

static const struct grammar {
    const char *name;
    bool (*fits)(const char *text);
} grammars[] = {
    {"email", is_email},
    {"username", is_username},
    {"zip", is_zip},
    {"phone", is_phone},
    {"phone_formatted", is_phone_formatted},
    {"name", is_neat},
    {"first_name", is_neat},
    {"last_name", is_neat},
    {"street", is_neat},
    {"city", is_neat},
    {"company", is_neat},
    {"lorem_sentence", is_sentence},
    {"lorem_paragraph", is_sentence},
    {"state", is_neat},
    {"country", is_neat},
    {"month_string", is_neat},
    {"weekday", is_neat},
};

static bool fits(const char *name, const char *text)
{
    for (size_t i = 0; i < SP_COUNT(grammars); i++)
        if (strcmp(grammars[i].name, name) == 0)
            return grammars[i].fits(text);
    return true;
}

static bool plain(const char *text)
{
    return only(text, UPPER LOWER DIGITS " -_.:/@+#");
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            return true;
    return false;
}

/* What fill and text make of some rows: the same, within the bounds, and what it should be. */
static void check_function(const sp_locale *l, const char *name, const sp_cell *cell)
{
    static char text[ROOM];
    uint64_t rows[ROWS];
    sp_column column;
    spate_error err;
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = sp_draw(seed, i);
    if (!CHECK_INT(cell->type.kind, SP_TEXT) ||
        !CHECK_INT(sp_column_init(&column, cell->type, SP_BATCH_ROWS_MAX, &err), 0))
        return;
    CHECK_INT(cell->ops->fill(cell, rows, ROWS, &column, NULL), 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        char *end = cell->ops->text(cell, rows[i], text);
        *end = 0;
        sp_str filled = sp_column_str(&column, i);
        size_t len = (size_t)(end - text);
        bool good = CHECK(sp_str_is(filled, text)) &
                    CHECK(len > 0 && len <= cell->text_max && sp_utf8_valid(text, len)) &
                    CHECK(!has_control(text) && !strchr(text, '{')) &
                    CHECK(cell->bounds.care != SP_CARE_NOTHING || plain(text)) & CHECK(fits(name, text));
        if (!good) {
            printf("# %s in %s: \"%s\"\n", name, l->name->code, text);
            break;
        }
    }
    sp_column_done(&column);
}

static sp_cell *local_cell(sp_arena *arena, const sp_locale *l, const char *name, bool *local)
{
    sp_func_env env = {arena, SP_PLAN_NOW_US, l, local};
    *local = false;
    return sp_func_cell(sp_func_find(sp_str_of(name)), &env, sp_hash64(name, strlen(name), 0));
}

static void every_function_fits_in_every_locale(void)
{
    size_t n;
    const char *const *names = sp_func_names(&n);
    for (uint32_t i = 0; i < sp_locale_count; i++) {
        sp_arena arena;
        sp_arena_init(&arena);
        sp_locale *l = is_english(&sp_locale_names[i]) ? NULL : load(&arena, &sp_locale_names[i]);
        uint32_t locals = 0;
        for (size_t f = 0; l && f < n; f++) {
            bool local;
            sp_cell *cell = local_cell(&arena, l, names[f], &local);
            if (CHECK(cell != NULL) && local)
                check_function(l, names[f], cell);
            locals += local;
        }
        CHECK(!l || locals >= 5);
        sp_arena_done(&arena);
    }
    CHECK(sp_locale_count > 50);
}

/* The lists that tell of one person are of the same length, and letters are letters. */
static void letters_go_with_names(void)
{
    static const char *const of[] = {"first_name_female", "first_name_male", "last_name_female", "last_name_male"};
    uint32_t with_names = 0;
    for (uint32_t i = 0; i < sp_locale_count; i++) {
        sp_arena arena;
        sp_arena_init(&arena);
        sp_locale *l = is_english(&sp_locale_names[i]) ? NULL : load(&arena, &sp_locale_names[i]);
        bool has = l && sp_locale_words(l, sp_str_of(of[0]));
        for (size_t k = 0; has && k < SP_COUNT(of); k++) {
            char name[64];
            sprintf(name, "%s_letters", of[k]);
            const sp_words *words = sp_locale_words(l, sp_str_of(of[k])),
                           *letters = sp_locale_words(l, sp_str_of(name));
            if (!CHECK(words && letters) || !CHECK_INT(letters->count, words->count))
                continue;
            for (uint32_t w = 0; w < letters->count; w++) {
                sp_str word = sp_word(letters, w);
                for (size_t c = 0; c < word.len; c++)
                    CHECK(word.p[c] >= 'a' && word.p[c] <= 'z');
            }
        }
        with_names += has;
        sp_arena_done(&arena);
    }
    CHECK(with_names > 45);
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

static int parse(sp_arena *arena, const char *text, sp_locale **l, spate_error *err)
{
    static const sp_locale_name name = {"xx", "Test", ""};
    return sp_locale_parse(arena, &name, sp_str_of(text), "xx.words", l, err);
}

#define HEAD "spate words 1\nfor tests\n"

static void long_words_are_words(void)
{
    char text[4096], word[256] = {0}, made[ROOM];
    sp_arena arena;
    sp_locale *l = NULL;
    spate_error err = {0};
    sp_arena_init(&arena);
    for (uint32_t len = 1; len <= 255; len += len < 60 ? 1 : 5) {
        memset(word, 'w', len);
        sprintf(text, HEAD "= color\nshort\n%s\n= last_name\nx\n~ name\n<{color}|{color#2}>\n{last_name}\n", word);
        if (!CHECK_INT(parse(&arena, text, &l, &err), SPATE_OK))
            break;
        bool local;
        check_function(l, "color", local_cell(&arena, l, "color", &local));
        sp_cell *cell = local_cell(&arena, l, "name", &local); /* of two words, or of one */
        CHECK_INT(cell->text_max, 2 * SP_MAX(len, 5u) + 3);
        uint32_t longest = 0;
        for (uint64_t row = 0; row < 200; row++)
            longest = SP_MAX(longest, (uint32_t)(cell->ops->text(cell, row, made) - made));
        CHECK_INT(longest, cell->text_max);
    }
    sp_arena_done(&arena);
}

static void wrong_files_are_refused(void)
{
    static const struct {
        const char *text, *why;
    } of[] = {
        {"", "line 1"},
        {"spate words 2\nx\n= a\nb\n", "line 1"},
        {HEAD "word\n", "line 3: expected = or ~"},
        {HEAD "= a\n", "line 3: expected words"},
        {HEAD "= a\n= b\nw\n", "line 3: expected words"},
        {HEAD "= a\nw\n\n", "line 5: expected a word"},
        {HEAD "= a\nw\n= a\nv\n", "line 5: this name"},
        {HEAD "~ a\n", "line 3: expected a recipe"},
        {HEAD "~ a\n{a}\n", "line 4: is no recipe"},
        {HEAD "~ a\n{b}\n= b\nw\n", "line 4: is no recipe"},
        {HEAD "~ a\n{email}\n", "line 4: is no recipe"},
        {HEAD "= b\nw\n~ a\n{b}\n{b\n", "line 7: is no recipe"},
        {HEAD "~ a\n}{\n", "line 4: is no recipe"},
        {HEAD "~ a\n{9..2}\n", "line 4: is no recipe"},
        {HEAD "~ a\n{00..100}\n", "line 4: is no recipe"}, /* three digits in two places */
        {HEAD "~ a\n{x99999999}\n", "line 4: is no recipe"},
        {HEAD "~ a\n{0..99999999999999999999999}\n", "line 4: is no recipe"},
        {HEAD "= a\n\xff\n", "is no file of words"},
        {HEAD "= a\nw\tv\n", "is no file of words"},
    };
    sp_arena arena;
    sp_arena_init(&arena);
    for (size_t i = 0; i < SP_COUNT(of); i++) {
        sp_locale *l = NULL;
        spate_error err = {0};
        CHECK_INT(parse(&arena, of[i].text, &l, &err), SPATE_E_CORRUPT);
        if (!CHECK(strstr(err.message, of[i].why) && strstr(err.message, "xx.words")))
            printf("# \"%s\": %s\n", of[i].text, err.message);
    }
    sp_arena_done(&arena);
}

/* Lines of a good file taken out, doubled and cut: refused, or good for making cells all the same. */
static void damaged_files_do_no_harm(void)
{
    static char good[1 << 20], bad[1 << 20];
    static const char *const used[] = {"name", "street", "phone", "zip", "company", "city", "email", "lorem_sentence"};
    FILE *in = fopen(SP_LOCALES_BUILT "/ko.words", "r");
    size_t len = in ? fread(good, 1, sizeof(good) - 1, in) : 0;
    if (in)
        fclose(in);
    uint32_t refused = 0, taken = 0;
    for (uint64_t turn = 0; CHECK(len > 1000) && turn < 400; turn++) {
        uint64_t z = sp_draw(seed, turn), next = sp_draw_next(z);
        size_t at = sp_take(&z, len), n = 1 + sp_take(&z, 40), how = sp_take(&z, 3);
        n = SP_MIN(n, len - at);
        memcpy(bad, good, len + 1);
        if (how == 0) /* a piece taken out */
            memmove(bad + at, bad + at + n, len - at - n + 1);
        else if (how == 1) /* a byte changed */
            bad[at] = "{}=~\n#a."[sp_take(&next, 8)];
        else /* cut off */
            bad[at] = 0;
        sp_arena arena;
        sp_locale *l = NULL;
        spate_error err = {0};
        sp_arena_init(&arena);
        int status = parse(&arena, bad, &l, &err);
        refused += status == SPATE_E_CORRUPT;
        taken += status == SPATE_OK;
        for (size_t i = 0; status == SPATE_OK && i < SP_COUNT(used); i++) {
            static char text[ROOM];
            bool local;
            sp_cell *cell = local_cell(&arena, l, used[i], &local);
            for (uint64_t row = 0; cell && row < 20; row++)
                CHECK((size_t)(cell->ops->text(cell, row, text) - text) <= cell->text_max);
        }
        sp_arena_done(&arena);
    }
    CHECK_INT(refused + taken, 400);
    CHECK(refused > 10 && taken > 10);
}

static void no_memory_is_survived(void)
{
    bool loaded = false;
    for (uint64_t nth = 1; nth < 1000 && !loaded; nth++) {
        sp_arena arena;
        sp_locale *l = NULL;
        sp_arena_init(&arena);
        sp_alloc_fail_at(nth);
        int status = sp_locale_load(&arena, sp_locale_find(sp_str_of("sv")), &l, NULL);
        sp_alloc_fail_at(0);
        loaded = status == SPATE_OK;
        CHECK(loaded || status == SPATE_E_NOMEM);
        sp_arena_done(&arena);
    }
    CHECK(loaded);
}

/* ---- the reference --------------------------------------------------------------------------------------------------- */

static const char doc_path[] = TEST_ROOT "/docs/reference/locales.md";
static const char table_head[] = "| locale | | functions | for example |\n|---|---|---|---|\n";

static void put_example(sp_buf *out, sp_arena *arena, const sp_locale *l, const char *text)
{
    static char made[ROOM];
    sp_func_env env = {arena, SP_PLAN_NOW_US, l, NULL};
    sp_cell *cell = sp_template_cell(&env, 7, &(sp_template){.text = sp_str_of(text)});
    *cell->ops->text(cell, 0, made) = 0;
    CHECK_INT(sp_buf_adds(out, made), 0);
}

static void make_row(sp_buf *out, const sp_locale_name *name)
{
    size_t n, own = 0;
    const char *const *names = sp_func_names(&n);
    sp_arena arena;
    sp_arena_init(&arena);
    sp_locale *l = is_english(name) ? NULL : load(&arena, name);
    for (size_t f = 0; l && f < n; f++) {
        bool local;
        local_cell(&arena, l, names[f], &local);
        own += local;
    }
    CHECK_INT(sp_buf_printf(out, "| `%s` | %s | ", name->code, name->title), 0);
    CHECK_INT(l ? sp_buf_printf(out, "%zu | ", own) : sp_buf_adds(out, "all | "), 0);
    put_example(out, &arena, l, "${name}, ${street}, ${zip} ${city}, ${phone_formatted} |\n");
    sp_arena_done(&arena);
}

static void make_table(sp_buf *out)
{
    CHECK_INT(sp_buf_adds(out, table_head), 0);
    for (uint32_t i = 0; i < sp_locale_count; i++)
        make_row(out, &sp_locale_names[i]);
}

/* The document up to the table. */
static int read_doc(sp_buf *doc, size_t *table_at)
{
    int status = sp_os_read_file(doc_path, 1 << 20, doc, NULL);
    char *table = status == SPATE_OK ? strstr(doc->data, table_head) : NULL;
    *table_at = table ? (size_t)(table - doc->data) : doc->len;
    return status;
}

static void the_reference_lists_the_locales(void)
{
    sp_buf doc, want;
    size_t at = 0;
    sp_buf_init(&doc);
    sp_buf_init(&want);
    make_table(&want);
    if (CHECK_INT(read_doc(&doc, &at), SPATE_OK) &&
        !CHECK(doc.len - at == want.len && memcmp(doc.data + at, want.data, want.len) == 0))
        printf("# test_locales --write writes the table of %s anew\n", doc_path);
    sp_buf_done(&doc);
    sp_buf_done(&want);
}

static int write_reference(void)
{
    sp_buf doc;
    size_t at = 0;
    sp_buf_init(&doc);
    bool good = read_doc(&doc, &at) == SPATE_OK;
    doc.len = at;
    make_table(&doc);
    FILE *out = good ? fopen(doc_path, "w") : NULL;
    good = out && fwrite(doc.data, 1, doc.len, out) == doc.len;
    good = out && fclose(out) == 0 && good;
    sp_buf_done(&doc);
    return !good;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write") == 0)
        return write_reference();
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    else if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = 1;
    printf("# seed 0x%llx\n", (unsigned long long)seed);
    RUN(every_function_fits_in_every_locale);
    RUN(letters_go_with_names);
    RUN(long_words_are_words);
    RUN(wrong_files_are_refused);
    RUN(damaged_files_do_no_harm);
    RUN(no_memory_is_survived);
    RUN(the_reference_lists_the_locales);
    return check_done();
}
