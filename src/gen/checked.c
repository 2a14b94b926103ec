/* checked.c - numbers with check digits: of cards, of securities, of persons and companies. */
#include "gen/function.h"
#include "base/digits.h"

/* The digit that, put behind, makes Luhn's sum (ISO/IEC 7812-1 annex B) a multiple of ten. */
static char luhn_digit(const char *digits, int n)
{
    unsigned sum = 0;
    for (int i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0') << (i % 2 == 0);
        sum += d > 9 ? d - 9 : d;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

static char *card_number_text(const sp_cell *cell, uint64_t row, char *p)
{
    static const struct {
        int32_t prefix, prefixes; /* first, and how many from there */
        int8_t prefix_len, len;
    } types[] = {
        {4, 1, 1, 16},    {51, 5, 2, 16},     {2221, 500, 4, 16}, {34, 1, 2, 15},     {37, 1, 2, 15}, {36, 1, 2, 14},
        {300, 6, 3, 14},  {6011, 1, 4, 16},   {65, 1, 2, 16},     {3528, 62, 4, 16},  {62, 1, 2, 19}, {50, 1, 2, 12},
        {2200, 5, 4, 16}, {636368, 1, 6, 16}, {637095, 1, 6, 16}, {606282, 1, 6, 16},
    };
    uint64_t z = sp_draw(cell->key, row), body = sp_draw_next(z);
    uint32_t type = (uint32_t)sp_take(&z, SP_COUNT(types));
    int prefix_len = types[type].prefix_len, len = types[type].len;
    sp_put_padded(p, (uint64_t)types[type].prefix + sp_take(&z, (uint64_t)types[type].prefixes), (uint32_t)prefix_len);
    int body_len = len - 1 - prefix_len;
    sp_put_padded(p + prefix_len, sp_bounded(body, sp_pow10[body_len]), (uint32_t)body_len);
    p[len - 1] = luhn_digit(p, len - 1);
    return p + len;
}

static const sp_cell_ops card_number_ops = {sp_cell_fill_text, card_number_text};

sp_cell *sp_make_card_number(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_func_new_text(env, key, &card_number_ops, 19, SP_CARE_NOTHING);
}

typedef struct expiry_cell {
    sp_cell cell;
    int32_t year;
} expiry_cell;

static char *card_expiry_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint64_t month = sp_bounded(sp_draw(cell->key, row), 120);
    sp_put_padded(p, month % 12 + 1, 2);
    p[2] = '/';
    sp_put_padded(p + 3, ((uint64_t)((const expiry_cell *)cell)->year + 1 + month / 12) % 100, 2);
    return p + 5;
}

static const sp_cell_ops card_expiry_ops = {sp_cell_fill_text, card_expiry_text};

sp_cell *sp_make_card_expiry(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    expiry_cell *c = sp_arena_alloc(env->arena, 1, sizeof *c);
    if (!c)
        return NULL;
    c->cell = (sp_cell){.ops = &card_expiry_ops,
                        .key = key,
                        .type = {.kind = SP_TEXT},
                        .text_max = 5,
                        .bounds = {.text_max = 5, .care = SP_CARE_NOTHING}};
    c->year = sp_func_this_year(env);
    return &c->cell;
}

static uint32_t base36_value(char c)
{
    return (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Eight letters and digits, and the check digit of ANSI X9.6: every second value doubled, digit sums added. */
static char *put_cusip(char *p, uint64_t z)
{
    uint32_t sum = 0;
    for (int i = 0; i < 8; i++) {
        uint32_t v = (uint32_t)sp_take(&z, 36);
        p[i] = SP_BASE36_DIGITS[v];
        v <<= i & 1;
        sum += v / 10 + v % 10;
    }
    p[8] = (char)('0' + (10 - sum % 10) % 10);
    return p + 9;
}

static char *cusip_text(const sp_cell *cell, uint64_t row, char *p)
{
    return put_cusip(p, sp_draw(cell->key, row));
}

typedef struct isin_cell {
    sp_cell cell;
    const sp_words *countries;
} isin_cell;

/* ISO 6166: Luhn over the digits that are left when letters are written as 10 to 35. */
static char *isin_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint64_t z = sp_draw(cell->key, row);
    const sp_words *countries = ((const isin_cell *)cell)->countries;
    memcpy(p, sp_word(countries, sp_bounded(z, countries->count)).p, 2);
    char *end = put_cusip(p + 2, sp_draw_next(z));
    char digits[24];
    int n = 0;
    for (char *c = p; c < end; c++) {
        uint32_t v = base36_value(*c);
        if (v >= 10)
            digits[n++] = (char)('0' + v / 10);
        digits[n++] = (char)('0' + v % 10);
    }
    *end = luhn_digit(digits, n);
    return end + 1;
}

static const sp_cell_ops cusip_ops = {sp_cell_fill_text, cusip_text};
static const sp_cell_ops isin_ops = {sp_cell_fill_text, isin_text};

sp_cell *sp_make_cusip(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_func_new_text(env, key, &cusip_ops, 9, SP_CARE_NOTHING);
}

sp_cell *sp_make_isin(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    isin_cell *c = sp_arena_alloc(env->arena, 1, sizeof *c);
    if (!c)
        return NULL;
    c->cell = (sp_cell){.ops = &isin_ops,
                        .key = key,
                        .type = {.kind = SP_TEXT},
                        .text_max = 12,
                        .bounds = {.text_max = 12, .care = SP_CARE_NOTHING}};
    c->countries = sp_words_find(sp_str_of("country_abr"));
    return &c->cell;
}

/* The check digit modulo 11 of Brazilian numbers: weights 2, 3, ... up to top from the right, and again from 2. */
static char brazilian_digit(const char *digits, int n, int top)
{
    int sum = 0, weight = 2;
    for (int i = n - 1; i >= 0; i--) {
        sum += (digits[i] - '0') * weight;
        weight = weight == top ? 2 : weight + 1;
    }
    int rest = sum % 11;
    return (char)('0' + (rest < 2 ? 0 : 11 - rest));
}

static char *cpf_text(const sp_cell *cell, uint64_t row, char *p)
{
    sp_put_padded(p, sp_bounded(sp_draw(cell->key, row), 1000000000), 9);
    p[9] = brazilian_digit(p, 9, 12);
    p[10] = brazilian_digit(p, 10, 12);
    return p + 11;
}

/* Eight digits of the company, 0001 for its first branch, two check digits. */
static char *cnpj_text(const sp_cell *cell, uint64_t row, char *p)
{
    sp_put_padded(p, sp_bounded(sp_draw(cell->key, row), 100000000), 8);
    sp_put_padded(p + 8, 1, 4);
    p[12] = brazilian_digit(p, 12, 9);
    p[13] = brazilian_digit(p, 13, 9);
    return p + 14;
}

static const sp_cell_ops cpf_ops = {sp_cell_fill_text, cpf_text};
static const sp_cell_ops cnpj_ops = {sp_cell_fill_text, cnpj_text};

sp_cell *sp_make_cpf(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_func_new_text(env, key, &cpf_ops, 11, SP_CARE_NOTHING);
}

sp_cell *sp_make_cnpj(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    return sp_func_new_text(env, key, &cnpj_ops, 14, SP_CARE_NOTHING);
}
