/* functions.c - the catalogue: from a name to a typed cell.
 *
 * Most of it is data (catalogue.inc): word lists, recipes over them, ranges of integers. What is left is here: values of
 * alphabets, sentences and uuid; numbers and moments are in numbers.c, values with check digits in checked.c, colours in colors.c. */
#include "gen/function.h"
#include "gen/image.h"
#include "gen/locale.h"

/* ---- what makers share ------------------------------------------------------------------------------------------------------ */

int32_t sp_func_this_year(const sp_func_env *env)
{
    sp_civil now;
    sp_civil_from_us(env->now_us, &now);
    return SP_MAX(now.year, 1900);
}

sp_cell *sp_func_new_cell(const sp_func_env *env, uint64_t key, const sp_cell_ops *ops, sp_kind kind, uint32_t text_max)
{
    sp_cell *cell = sp_arena_alloc(env->arena, 1, sizeof *cell);
    if (cell)
        *cell = (sp_cell){.ops = ops, .key = key, .type = {.kind = kind}, .text_max = text_max};
    return cell;
}

sp_cell *sp_func_new_text(const sp_func_env *env, uint64_t key, const sp_cell_ops *ops, uint32_t text_max, sp_care care)
{
    sp_cell *cell = sp_func_new_cell(env, key, ops, SP_TEXT, text_max);
    if (cell)
        cell->bounds = (sp_bounds){.text_max = text_max, .care = care};
    return cell;
}

/* ---- uuid ---------------------------------------------------------------------------------------------------------------- */

static int uuid_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    uint8_t *bytes = out->data;
    uint64_t draws[64];
    for (uint32_t from = 0; from < n; from += SP_COUNT(draws)) {
        uint32_t some = SP_MIN(n - from, (uint32_t)SP_COUNT(draws));
        sp_draw_many(cell->key, rows + from, some, 0, draws);
        sp_uuid4_many(draws, some, bytes + (size_t)from * 16);
    }
    return 0;
}

static char *uuid_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint8_t bytes[16];
    sp_uuid4(sp_draw(cell->key, row), bytes);
    return sp_put_uuid(p, bytes);
}

static const sp_cell_ops uuid_ops = {uuid_fill, uuid_text};

/* Version 7 (RFC 9562): milliseconds since 1970, a row one later than the row before it, and 74 random bits. */
typedef struct uuid7_cell {
    sp_cell cell;
    uint64_t first_ms;
} uuid7_cell;

static void uuid7_of(const uuid7_cell *c, uint64_t row, uint8_t *bytes)
{
    uint64_t z = sp_draw(c->cell.key, row), ms = c->first_ms + row;
    uint64_t high = __builtin_bswap64(ms << 16 | 0x7000 | (z & 0xfff));
    uint64_t low = __builtin_bswap64(UINT64_C(0x8000000000000000) | sp_draw_next(z) >> 2);
    memcpy(bytes, &high, 8);
    memcpy(bytes + 8, &low, 8);
}

static int uuid7_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    for (uint32_t i = 0; i < n; i++)
        uuid7_of((const uuid7_cell *)cell, rows[i], (uint8_t *)out->data + (size_t)i * 16);
    return SPATE_OK;
}

static char *uuid7_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint8_t bytes[16];
    uuid7_of((const uuid7_cell *)cell, row, bytes);
    return sp_put_uuid(p, bytes);
}

static const sp_cell_ops uuid7_ops = {uuid7_fill, uuid7_text};

static sp_cell *make_uuid7(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    uuid7_cell *c = sp_arena_alloc(env->arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    c->cell =
        (sp_cell){.ops = &uuid7_ops, .key = key, .type = {.kind = SP_UUID}, .text_max = SP_UUID_TEXT, .unique = true};
    c->first_ms = (uint64_t)(env->now_us / 1000);
    return &c->cell;
}

static sp_cell *make_uuid(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    sp_cell *cell = sp_func_new_cell(env, key, &uuid_ops, SP_UUID, SP_UUID_TEXT);
    if (cell)
        cell->unique = true;
    return cell;
}

/* ---- images ----------------------------------------------------------------------------------------------------- */

static sp_cell *make_image(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    return sp_image_cell(env->arena, key, (sp_image)f->min);
}

/* ---- network addresses ------------------------------------------------------------------------------------------------------- */

static char *ipv6_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint64_t z = sp_draw(cell->key, row);
    for (int group = 0; group < 8; group++) {
        if (group == 4)
            z = sp_draw_next(sp_draw(cell->key, row));
        uint32_t v = z >> 48;
        z <<= 16;
        for (int shift = v >> 12 ? 12 : v >> 8 ? 8 : v >> 4 ? 4 : 0; shift >= 0; shift -= 4)
            *p++ = SP_HEX_DIGITS[v >> shift & 15];
        *p++ = ':';
    }
    return p - 1;
}

static char *mac_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint64_t z = sp_draw(cell->key, row);
    for (int shift = 56; shift >= 16; shift -= 8, p += 3) {
        p[0] = SP_HEX_DIGITS[z >> (shift + 4) & 15];
        p[1] = SP_HEX_DIGITS[z >> shift & 15];
        p[2] = ':';
    }
    return p - 1;
}

static const sp_cell_ops ipv6_ops = {sp_cell_fill_text, ipv6_text};
static const sp_cell_ops mac_ops = {sp_cell_fill_text, mac_text};

static sp_cell *make_ipv4(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_ipv4_cell(env, key);
}

static sp_cell *make_ipv6(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_func_new_text(env, key, &ipv6_ops, 39, SP_CARE_NOTHING);
}

static sp_cell *make_mac(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_func_new_text(env, key, &mac_ops, 17, SP_CARE_NOTHING);
}

/* ---- texts of an alphabet ---------------------------------------------------------------------------------------------------- */

static const char base58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* n base58 digits, 8 of them out of a draw. */
static char *put_base58(char *p, uint64_t z, uint32_t n)
{
    uint64_t left = z;
    for (uint32_t i = 0; i < n; i++) {
        if (i % 8 == 0)
            left = z = sp_draw_next(z);
        *p++ = base58[sp_take(&left, 58)];
    }
    return p;
}

static char *bitcoin_address_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint64_t z = sp_draw(cell->key, row), left = z;
    *p++ = sp_take(&left, 2) ? '3' : '1';
    return put_base58(p, z, 25 + (uint32_t)sp_take(&left, 10));
}

static char *bitcoin_key_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint64_t z = sp_draw(cell->key, row);
    *p++ = '5';
    *p++ = "HJK"[sp_bounded(z, 3)];
    return put_base58(p, z, 49);
}

/* Lower case, upper case, digits, others and space, 4:4:3:2:1, five characters out of a draw. */
static char *password_text(const sp_cell *cell, uint64_t row, char *p)
{
    static const struct {
        uint8_t n;
        const char *of;
    } classes[] = {
        {26, "abcdefghijklmnopqrstuvwxyz"},
        {26, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {10, "0123456789"},
        {16, "!#$%&()*+-=?@^_~"},
        {1, " "},
    };
    static const uint8_t class_of[14] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4};
    uint64_t z = sp_draw(cell->key, row), left = z;
    for (int i = 0; i < 25; i++) {
        uint32_t class = class_of[sp_take(&left, 14)];
        *p++ = classes[class].of[sp_take(&left, classes[class].n)];
        if (i % 5 == 4)
            left = z = sp_draw_next(z);
    }
    return p;
}

static const sp_cell_ops bitcoin_address_ops = {sp_cell_fill_text, bitcoin_address_text};
static const sp_cell_ops bitcoin_key_ops = {sp_cell_fill_text, bitcoin_key_text};
static const sp_cell_ops password_ops = {sp_cell_fill_text, password_text};

static sp_cell *make_bitcoin_address(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_func_new_text(env, key, &bitcoin_address_ops, 35, SP_CARE_NOTHING);
}

static sp_cell *make_bitcoin_key(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_func_new_text(env, key, &bitcoin_key_ops, 51, SP_CARE_NOTHING);
}

static sp_cell *make_password(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_func_new_text(env, key, &password_ops, 25, SP_CARE_SQL);
}

/* ---- sentences ------------------------------------------------------------------------------------------------------------------- */

enum {
    SENTENCES_HIPSTER,
    SENTENCES_HIPSTER_PARAGRAPH,
    SENTENCES_LOREM,
    SENTENCES_LOREM_PARAGRAPH,
    SENTENCES_QUESTION,
    SENTENCES_SAYING,
};

static const struct sentence_form {
    const char *list;
    uint32_t sentences, words_min, words_max;
    char end;
} sentence_forms[] = {
    [SENTENCES_HIPSTER] = {"hipster_word", 1, 100, 100, '.'},
    [SENTENCES_HIPSTER_PARAGRAPH] = {"hipster_word", 10, 20, 20, '.'},
    [SENTENCES_LOREM] = {"lorem_word", 1, 100, 100, '.'},
    [SENTENCES_LOREM_PARAGRAPH] = {"lorem_word", 10, 20, 20, '.'},
    [SENTENCES_QUESTION] = {"hipster_word", 1, 3, 10, '?'},
    [SENTENCES_SAYING] = {"hipster_word", 1, 3, 10, '.'},
};

typedef struct sentences_cell {
    sp_cell cell;
    const sp_words *words;
    const struct sentence_form *form;
} sentences_cell;

/* Four words out of a draw: lists have far fewer than 2^12 words. */
static char *sentences_text(const sp_cell *cell, uint64_t row, char *p)
{
    const sentences_cell *c = (const sentences_cell *)cell;
    const sp_words *w = c->words;
    uint64_t z = sp_draw(cell->key, row), left = z;
    uint32_t words = c->form->words_min + (uint32_t)sp_take(&left, c->form->words_max - c->form->words_min + 1);
    for (uint32_t s = 0; s < c->form->sentences; s++) {
        char *start = p;
        for (uint32_t i = 0; i < words; i++) {
            if (i % 4 == 0)
                left = z = sp_draw_next(z);
            sp_str word = sp_word(w, sp_take(&left, w->count));
            p = sp_copy_short(p, word.p, word.len);
            *p++ = ' ';
        }
        sp_capitalize(start, p);
        p[-1] = c->form->end;
        *p++ = ' ';
    }
    return p - 1;
}

static const sp_cell_ops sentences_ops = {sp_cell_fill_text, sentences_text};

static sp_cell *make_sentences(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    const struct sentence_form *form = &sentence_forms[f->min];
    const sp_words *words = sp_words_of(env, form->list);
    SP_ASSERT(words->count < 1 << 12);
    sentences_cell *c = sp_arena_alloc(env->arena, 1, sizeof *c);
    if (!c)
        return NULL;
    uint32_t text_max = form->sentences * (form->words_max * (words->len_max + 1) + 1);
    c->cell = (sp_cell){.ops = &sentences_ops,
                        .key = key,
                        .type = {.kind = SP_TEXT},
                        .text_max = text_max,
                        .bounds = {.text_max = text_max,
                                   .care = SP_MIN(words->care, form->end == '.' ? SP_CARE_NOTHING : SP_CARE_SQL)}};
    c->words = words;
    c->form = form;
    return &c->cell;
}

/* ---- words and recipes ------------------------------------------------------------------------------------------------------------- */

static sp_cell *make_words(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    const sp_words *words = sp_words_find(sp_str_of(f->text));
    SP_ASSERT(words);
    return sp_words_cell(env, key, words);
}

static sp_cell *make_recipe(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    return sp_recipe_cell(env, key, sp_str_of(f->text));
}

/* ---- the tables ---------------------------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define WORDS(name_, note_)           {.name = name_, .make = make_words, .text = name_, .note = note_},
#define RECIPE(name_, recipe_, note_) {.name = name_, .make = make_recipe, .text = recipe_, .note = note_},
#define INTEGER(name_, kind_, min_, max_, note_)                                                                       \
    {.name = name_, .make = sp_make_number, .type = {.kind = kind_}, .min = min_, .max = max_, .note = note_},
#define DECIMAL(name_, precision_, scale_, min_, max_, note_)                                                          \
    {.name = name_,                                                                                                    \
     .make = sp_make_number,                                                                                              \
     .type = {.kind = SP_DECIMAL, .precision = precision_, .scale = scale_},                                           \
     .min = min_,                                                                                                      \
     .max = max_,                                                                                                      \
     .note = note_},
#define CUSTOM(name_, maker_, argument_, note_) {.name = name_, .make = maker_, .min = argument_, .note = note_},
/* clang-format on */

static const sp_func catalogue[] = {
#include "gen/catalogue.inc"
};

/* What recipes are made of and nobody else may ask for. */
/* clang-format off */
static const sp_func fragments[] = {
    RECIPE("chrome_engine",
           "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{100..131}.0.{4000..6999}.{10..199} Safari/537.36", "")
    CUSTOM("saying", make_sentences, SENTENCES_SAYING, "")
};
/* clang-format on */

#undef WORDS
#undef RECIPE
#undef INTEGER
#undef DECIMAL
#undef CUSTOM
/* clang-format off */
#define WORDS(name_, note_)                                   name_,
#define RECIPE(name_, recipe_, note_)                         name_,
#define INTEGER(name_, kind_, min_, max_, note_)              name_,
#define DECIMAL(name_, precision_, scale_, min_, max_, note_) name_,
#define CUSTOM(name_, maker_, argument_, note_)               name_,
/* clang-format on */

static const char *const names[] = {
#include "gen/catalogue.inc"
};

const sp_func *sp_func_find(sp_str name)
{
    size_t low = 0, high = SP_COUNT(catalogue);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        size_t len = strlen(catalogue[mid].name);
        int order = memcmp(name.p, catalogue[mid].name, SP_MIN(len, name.len));
        if (order == 0 && len == name.len)
            return &catalogue[mid];
        if (order < 0 || (order == 0 && name.len < len))
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const sp_func *sp_func_find_part(sp_str name)
{
    for (size_t i = 0; i < SP_COUNT(fragments); i++)
        if (sp_str_is(name, fragments[i].name))
            return &fragments[i];
    return NULL;
}

const char *const *sp_func_names(size_t *count)
{
    *count = SP_COUNT(names);
    return names;
}

const char *sp_func_note(const sp_func *f)
{
    return f->note;
}

sp_cell *sp_func_cell(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    sp_cell *own;
    return sp_local_cell(env, key, sp_str_of(f->name), &own) ? own : f->make(f, env, key);
}
