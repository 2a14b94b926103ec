/* test_functions.c - the catalogue, recipes, templates and word lists.
 *
 * `test_functions --write` rewrites the table of docs/reference/functions.md, which the test otherwise compares. */
#include "check.h"
#include "gen/cell.h"

#include <stdlib.h>
#include <sys/random.h>

enum { ROWS = 20000, CHUNK = 2000, ROOM = 512 << 10, LONG = 16384, ROWS_LONG = 24 };

static uint64_t seed;
static sp_arena arena;
static sp_func_env env = {.arena = &arena, .now_us = SP_PLAN_NOW_US};

static bool tame(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)p[i] < 0x20 || p[i] == '"' || p[i] == '\\')
            return false;
    return len > 0;
}

static bool plain(const char *p, size_t len)
{
    static const char also[] = " -_.:/@+#";
    for (size_t i = 0; i < len; i++)
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= 'a' && p[i] <= 'z') ||
              (p[i] && strchr(also, p[i]))))
            return false;
    return len > 0;
}

static sp_cell *cell_of(const char *name, uint64_t key)
{
    const sp_func *f = sp_func_find(sp_str_of(name));
    if (!f) {
        printf("# no function %s\n", name);
        return NULL;
    }
    sp_cell *cell = sp_func_cell(f, &env, key);
    CHECK(cell != NULL);
    return cell;
}

/* How many rows of it are looked at. */
static uint32_t rows_of(const sp_cell *cell)
{
    CHECK(cell->text_max + SP_SLACK + 64 < ROOM);
    return cell->text_max < LONG ? ROWS : ROWS_LONG;
}

/* Writes what fill made of one cell as text, the long way. */
static char *filled_text(const sp_column *c, uint32_t row, char *p)
{
    switch (c->type.kind) {
    case SP_BOOL: return p + sprintf(p, "%s", sp_bit(c->data, row) ? "true" : "false");
    case SP_I16: return p + sprintf(p, "%d", ((int16_t *)c->data)[row]);
    case SP_I32: return p + sprintf(p, "%d", ((int32_t *)c->data)[row]);
    case SP_I64: return p + sprintf(p, "%lld", (long long)((int64_t *)c->data)[row]);
    case SP_U64: return p + sprintf(p, "%llu", (unsigned long long)((uint64_t *)c->data)[row]);
    case SP_F32: return sp_put_f32(p, ((float *)c->data)[row]);
    case SP_F64: return sp_put_f64(p, ((double *)c->data)[row]);
    case SP_DECIMAL: return sp_put_decimal(p, ((int64_t *)c->data)[row], c->type.scale);
    case SP_TIMESTAMPTZ: return sp_put_timestamptz(p, ((int64_t *)c->data)[row]);
    case SP_UUID: {
        const uint8_t *b = (const uint8_t *)c->data + 16 * row;
        for (int i = 0; i < 16; i++)
            p += sprintf(p, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
        return p;
    }
    case SP_TEXT: {
        sp_str s = sp_column_str(c, row);
        memcpy(p, s.p, s.len);
        return p + s.len;
    }
    case SP_BYTES: {
        sp_str s = sp_column_str(c, row);
        memcpy(p, "\\x", 2);
        return sp_put_hex(p + 2, (const uint8_t *)s.p, s.len);
    }
    case SP_LIST:
        *p++ = '{';
        for (int32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
            p = filled_text(c->child, (uint32_t)i, p);
            *p++ = ',';
        }
        p[-1] = '}';
        return p;
    default: CHECK(!"a kind that functions do not have"); return p;
    }
}

static bool in_bounds(const sp_column *c, uint32_t row, const sp_bounds *b)
{
    int64_t v = c->type.kind == SP_I16   ? ((int16_t *)c->data)[row]
                : c->type.kind == SP_I32 ? ((int32_t *)c->data)[row]
                                         : ((int64_t *)c->data)[row];
    return v >= b->min && v <= b->max;
}

/* Every promise of a cell, on rows that are not neighbours. */
static void check_cell(const char *name, const sp_cell *cell)
{
    static uint64_t rows[CHUNK];
    static char a[ROOM], b[ROOM], z[ROOM];
    sp_column column;
    spate_error err;
    CHECK_INT(sp_column_init(&column, cell->type, SP_BATCH_ROWS_MAX, &err), 0);
    bool text = sp_kind_is_text(cell->type.kind);
    if (cell->type.kind != SP_BYTES) /* whose text is longer */
        CHECK_INT(cell->bounds.text_max, text ? cell->text_max : 0);
    uint32_t all = rows_of(cell), chunk = SP_MIN(all, (uint32_t)CHUNK);
    int before = check_failures_here;
    for (uint64_t first = 0; first < all && check_failures_here == before; first += chunk) {
        for (uint32_t i = 0; i < chunk; i++)
            rows[i] = i % 3 ? first + i : sp_draw(seed, first + i);
        CHECK_INT(cell->ops->fill(cell, rows, chunk, &column, NULL), 0);
        if (text || cell->type.kind == SP_LIST)
            CHECK_INT(column.offsets[0], 0);
        for (uint32_t i = 0; i < chunk && check_failures_here == before; i++) {
            memset(a, '~', cell->text_max + SP_SLACK + 64);
            size_t len = (size_t)(cell->ops->text(cell, rows[i], a) - a);
            CHECK(len <= cell->text_max);
            for (size_t k = cell->text_max + SP_SLACK; k < cell->text_max + SP_SLACK + 64; k++)
                CHECK(a[k] == '~');
            size_t again = (size_t)(cell->ops->text(cell, rows[i], b) - b);
            CHECK(again == len && memcmp(a, b, len) == 0);
            size_t filled = (size_t)(filled_text(&column, i, z) - z);
            CHECK(filled == len && memcmp(a, z, len) == 0);
            CHECK(len > 0 && sp_utf8_valid(a, len) && !memchr(a, 0, len));
            if (cell->bounds.care == SP_CARE_NOTHING)
                CHECK(plain(a, len));
            if (cell->bounds.care >= SP_CARE_QUOTES)
                CHECK(tame(a, len));
            if (cell->bounds.care >= SP_CARE_SQL)
                CHECK(!memchr(a, ',', len));
            if (cell->bounds.has_range)
                CHECK(in_bounds(&column, i, &cell->bounds));
            if (check_failures_here != before)
                printf("# %s, row %llu: text \"%.*s\", filled \"%.*s\"\n", name, (unsigned long long)rows[i], (int)len,
                       a, (int)filled, z);
        }
    }
    sp_column_done(&column);
}

static void every_function_keeps_its_promises(void)
{
    size_t n;
    const char *const *names = sp_func_names(&n);
    CHECK(n >= 200);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            CHECK(strcmp(names[i - 1], names[i]) < 0);
        CHECK(sp_func_note(sp_func_find(sp_str_of(names[i]))) != NULL);
        sp_cell *cell = cell_of(names[i], sp_draw(seed, i));
        if (cell)
            check_cell(names[i], cell);
    }
    CHECK(sp_func_find(sp_str_of("first_nam")) == NULL);
    CHECK(sp_func_find(sp_str_of("first_names")) == NULL);
    CHECK(sp_func_find((sp_str){"", 0}) == NULL);
    CHECK(sp_func_find(sp_str_of("saying")) == NULL);
}

/* Shapes that other programs count on. */
static void fixed_shapes_have_their_length_and_type(void)
{
    static const struct {
        const char *name;
        sp_kind kind;
        size_t min, max;
    } shapes[] = {
        {"ach_account", SP_TEXT, 12, 12},
        {"ach_routing", SP_TEXT, 9, 9},
        {"app_version", SP_TEXT, 5, 7},
        {"bitcoin_address", SP_TEXT, 26, 35},
        {"bitcoin_private_key", SP_TEXT, 51, 51},
        {"bool", SP_BOOL, 4, 5},
        {"cnpj", SP_TEXT, 14, 14},
        {"country_abr", SP_TEXT, 2, 2},
        {"cpf", SP_TEXT, 11, 11},
        {"credit_card_cvv", SP_TEXT, 3, 3},
        {"credit_card_exp", SP_TEXT, 5, 5},
        {"credit_card_number", SP_TEXT, 12, 19},
        {"currency_short", SP_TEXT, 3, 3},
        {"cusip", SP_TEXT, 9, 9},
        {"date", SP_TIMESTAMPTZ, 22, 29},
        {"day", SP_I32, 1, 2},
        {"flipacoin", SP_TEXT, 5, 5},
        {"float32", SP_F32, 1, 16},
        {"float64", SP_F64, 1, 25},
        {"future_date", SP_TIMESTAMPTZ, 22, 29},
        {"hexcolor", SP_TEXT, 7, 7},
        {"hour", SP_I32, 1, 2},
        {"http_status_code", SP_I32, 3, 3},
        {"http_status_code_simple", SP_I32, 3, 3},
        {"http_version", SP_TEXT, 8, 8},
        {"int16", SP_I16, 1, 6},
        {"int32", SP_I32, 1, 10},
        {"int64", SP_I64, 1, 19},
        {"int8", SP_I16, 1, 4},
        {"ipv4_address", SP_TEXT, 7, 15},
        {"ipv6_address", SP_TEXT, 15, 39},
        {"isin", SP_TEXT, 12, 12},
        {"latitude", SP_DECIMAL, 8, 10},
        {"longitude", SP_DECIMAL, 8, 11},
        {"mac_address", SP_TEXT, 17, 17},
        {"minute", SP_I32, 1, 2},
        {"month", SP_I32, 1, 2},
        {"nanosecond", SP_I32, 1, 9},
        {"nicecolors", SP_LIST, 41, 41},
        {"password", SP_TEXT, 25, 25},
        {"past_date", SP_TIMESTAMPTZ, 22, 29},
        {"phone", SP_TEXT, 10, 10},
        {"phone_formatted", SP_TEXT, 12, 14},
        {"price", SP_DECIMAL, 4, 5},
        {"rgbcolor", SP_LIST, 7, 13},
        {"second", SP_I32, 1, 2},
        {"ssn", SP_TEXT, 9, 9},
        {"state_abr", SP_TEXT, 2, 2},
        {"street_number", SP_TEXT, 3, 5},
        {"time_zone_offset", SP_F32, 1, 6},
        {"uint128_hex", SP_TEXT, 34, 34},
        {"uint16", SP_I32, 1, 5},
        {"uint16_hex", SP_TEXT, 6, 6},
        {"uint256_hex", SP_TEXT, 66, 66},
        {"uint32", SP_I64, 1, 10},
        {"uint32_hex", SP_TEXT, 10, 10},
        {"uint64", SP_U64, 1, 20},
        {"uint64_hex", SP_TEXT, 18, 18},
        {"uint8", SP_I16, 1, 3},
        {"uint8_hex", SP_TEXT, 4, 4},
        {"uuid", SP_UUID, 36, 36},
        {"year", SP_I32, 4, 4},
        {"zip", SP_TEXT, 5, 5},
    };
    static char text[ROOM];
    for (size_t i = 0; i < SP_COUNT(shapes); i++) {
        sp_cell *cell = cell_of(shapes[i].name, sp_draw(seed, 1000 + i));
        if (!cell)
            continue;
        size_t min = SIZE_MAX, max = 0;
        for (uint64_t row = 0; row < ROWS; row++) {
            size_t len = (size_t)(cell->ops->text(cell, row, text) - text);
            min = SP_MIN(min, len);
            max = SP_MAX(max, len);
        }
        if (!CHECK(min >= shapes[i].min && max <= shapes[i].max && cell->type.kind == shapes[i].kind))
            printf("# %s: %zu to %zu bytes, %s\n", shapes[i].name, min, max, sp_kind_name(cell->type.kind));
    }
}

static bool luhn(const char *digits, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int d = digits[i] - '0';
        if (d < 0 || d > 9)
            return false;
        if ((n - i) % 2 == 0)
            d = d * 2 / 10 + d * 2 % 10;
        sum += d;
    }
    return sum % 10 == 0;
}

static int value36(char c)
{
    return c >= 'A' ? c - 'A' + 10 : c - '0';
}

static bool cusip(const char *p)
{
    int sum = 0;
    for (int i = 0; i < 8; i++) {
        int v = value36(p[i]) * (i % 2 ? 2 : 1);
        sum += v / 10 + v % 10;
    }
    return (sum + p[8] - '0') % 10 == 0;
}

static bool isin(const char *p)
{
    char digits[32];
    int n = 0;
    for (int i = 0; i < 12; i++)
        n += sprintf(digits + n, "%d", value36(p[i]));
    return luhn(digits, (size_t)n);
}

/* Weighted sums of the Brazilian numbers, written the way their definition has them. */
static bool mod11(const char *p, const int *weights, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += (p[i] - '0') * weights[i];
    int rest = sum % 11;
    return p[n] - '0' == (rest < 2 ? 0 : 11 - rest);
}

static bool cpf(const char *p)
{
    static const int w[] = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2};
    return mod11(p, w + 1, 9) && mod11(p, w, 10);
}

static bool cnpj(const char *p)
{
    static const int w[] = {6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2};
    return mod11(p, w + 1, 12) && mod11(p, w, 13);
}

static void check_digits_are_right(void)
{
    /* First that the checks themselves know right from wrong. */
    CHECK(luhn("4111111111111111", 16) && !luhn("4111111111111112", 16));
    CHECK(cusip("037833100") && !cusip("037833101") && cusip("38259P508"));
    CHECK(isin("US0378331005") && !isin("US0378331006"));
    CHECK(cpf("52998224725") && !cpf("52998224735"));
    CHECK(cnpj("11222333000181") && !cnpj("11222333000182"));
    static const struct {
        const char *name;
        bool (*right)(const char *);
    } kinds[] = {{"cusip", cusip}, {"isin", isin}, {"cpf", cpf}, {"cnpj", cnpj}};
    char text[256];
    for (size_t i = 0; i < SP_COUNT(kinds); i++) {
        sp_cell *cell = cell_of(kinds[i].name, seed);
        int wrong = 0;
        for (uint64_t row = 0; row < ROWS; row++) {
            *cell->ops->text(cell, row, text) = 0;
            wrong += !kinds[i].right(text);
        }
        if (!CHECK_INT(wrong, 0))
            printf("# %s\n", kinds[i].name);
    }
    sp_cell *card = cell_of("credit_card_number", seed);
    int wrong = 0;
    for (uint64_t row = 0; row < ROWS; row++)
        wrong += !luhn(text, (size_t)(card->ops->text(card, row, text) - text));
    CHECK_INT(wrong, 0);
}

static int by_16_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static void uuids_are_unique_and_version_4(void)
{
    enum { N = 1000000 };
    static uint64_t rows[SP_BATCH_ROWS_MAX];
    sp_cell *cell = cell_of("uuid", seed);
    CHECK(cell->unique);
    sp_column column;
    spate_error err;
    CHECK_INT(sp_column_init(&column, cell->type, SP_BATCH_ROWS_MAX, &err), 0);
    uint8_t *all = malloc((size_t)N * 16);
    int shape = 0, same = 0;
    for (uint32_t first = 0; first < N; first += SP_BATCH_ROWS_MAX) {
        uint32_t n = SP_MIN(N - first, SP_BATCH_ROWS_MAX);
        for (uint32_t i = 0; i < n; i++)
            rows[i] = first + i;
        CHECK_INT(cell->ops->fill(cell, rows, n, &column, NULL), 0);
        memcpy(all + (size_t)first * 16, column.data, (size_t)n * 16);
    }
    uint8_t seen_or[16] = {0}, seen_and[16];
    memset(seen_and, 0xff, sizeof seen_and);
    for (size_t i = 0; i < N; i++)
        for (int j = 0; j < 16; j++) {
            seen_or[j] |= all[i * 16 + (size_t)j];
            seen_and[j] &= all[i * 16 + (size_t)j];
        }
    for (int j = 0; j < 16; j++) { /* every bit but the fixed ones takes both values */
        uint8_t moving = j == 6 ? 0x0f : j == 8 ? 0x3f : 0xff;
        shape += (uint8_t)(seen_or[j] ^ seen_and[j]) != moving;
    }
    shape += (seen_or[6] & 0xf0) != 0x40 || (seen_and[6] & 0xf0) != 0x40 || (seen_or[8] & 0xc0) != 0x80;
    CHECK_INT(shape, 0);
    qsort(all, N, 16, by_16_bytes);
    for (size_t i = 1; i < N; i++)
        same += memcmp(all + i * 16, all + (i - 1) * 16, 16) == 0;
    CHECK_INT(same, 0);
    free(all);
    sp_column_done(&column);
}

static sp_cell *plain_template(const char *text)
{
    return sp_template_cell(&env, seed, &(sp_template){.text = sp_str_of(text)});
}

static void unique_is_said_where_it_holds(void)
{
    static const char *const yes[] = {"uuid", "uuid_v7", "uint64", "uint64_hex", "uint128_hex", "uint256_hex"};
    size_t n, said = 0;
    const char *const *names = sp_func_names(&n);
    for (size_t i = 0; i < n; i++)
        said += cell_of(names[i], seed)->unique;
    CHECK_INT(said, SP_COUNT(yes));
    for (size_t i = 0; i < SP_COUNT(yes); i++)
        CHECK(cell_of(yes[i], seed)->unique);
    CHECK(plain_template("user-${uuid}")->unique);
    CHECK(!plain_template("${word}${uint64}")->unique);
}

static void moments_lie_where_they_should(void)
{
    sp_column column;
    spate_error err;
    uint64_t rows[1000];
    static const struct {
        const char *name;
        int64_t min, max;
    } moments[] = {
        {"date", INT64_C(-2208988800000000), INT64_C(1798761599999999)}, /* 1900-01-01 to the end of 2026 */
        {"past_date", SP_PLAN_NOW_US - INT64_C(43200000000), SP_PLAN_NOW_US - INT64_C(3600000000)},
        {"future_date", SP_PLAN_NOW_US + INT64_C(3600000000), SP_PLAN_NOW_US + INT64_C(43200000000)},
    };
    for (uint32_t i = 0; i < 1000; i++)
        rows[i] = i;
    for (size_t m = 0; m < SP_COUNT(moments); m++) {
        sp_cell *cell = cell_of(moments[m].name, seed);
        CHECK_INT(sp_column_init(&column, cell->type, SP_BATCH_ROWS_MAX, &err), 0);
        CHECK_INT(cell->ops->fill(cell, rows, 1000, &column, NULL), 0);
        int wrong = 0;
        int64_t low = INT64_MAX, high = INT64_MIN;
        for (int i = 0; i < 1000; i++) {
            int64_t us = ((int64_t *)column.data)[i];
            wrong += us < moments[m].min || us > moments[m].max;
            low = SP_MIN(low, us);
            high = SP_MAX(high, us);
        }
        CHECK_INT(wrong, 0);
        int64_t span = moments[m].max - moments[m].min;
        CHECK(low < moments[m].min + span / 20 && high > moments[m].max - span / 20);
        sp_column_done(&column);
    }
    sp_cell *year = cell_of("year", seed);
    CHECK_INT(year->bounds.min, 1900);
    CHECK_INT(year->bounds.max, 2026);
}

static double root(double x)
{
    double r = x < 1 ? 1 : x;
    for (int i = 0; i < 60; i++)
        r = (r + x / r) / 2;
    return r;
}

/* Pearson's test with Wilson and Hilferty's bound at 5.5 standard deviations: a false alarm in 50 million. */
static bool uniform(const uint32_t *counts, uint32_t k, double draws)
{
    double expected = draws / k, x = 0, df = k - 1;
    for (uint32_t i = 0; i < k; i++)
        x += (counts[i] - expected) * (counts[i] - expected) / expected;
    double spread = root(2 / (9 * df));
    double high = 1 - 2 / (9 * df) + 5.5 * spread, low = 1 - 2 / (9 * df) - 5.5 * spread;
    return x < df * high * high * high && (low < 0 || x > df * low * low * low);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void words_are_drawn_evenly(void)
{
    static const char *const lists[] = {"weekday", "domain_suffix", "state", "last_name", "lorem_word", "first_name"};
    for (size_t l = 0; l < SP_COUNT(lists); l++) {
        const sp_words *words = sp_words_find(sp_str_of(lists[l]));
        uint32_t k = words->count, draws = k * 100;
        char **sorted = calloc(k, sizeof *sorted);
        uint32_t *counts = calloc(k, sizeof *counts);
        for (uint32_t i = 0; i < k; i++)
            sorted[i] = strndup(sp_word(words, i).p, sp_word(words, i).len);
        qsort(sorted, k, sizeof *sorted, by_text);
        sp_cell *cell = cell_of(lists[l], sp_draw(seed, l));
        char text[128], *key = text;
        for (uint64_t row = 0; row < draws; row++) {
            *cell->ops->text(cell, row, text) = 0;
            char **found = bsearch(&key, sorted, k, sizeof *sorted, by_text);
            if (CHECK(found != NULL))
                counts[found - sorted]++;
        }
        if (!CHECK(uniform(counts, k, draws)))
            printf("# %s\n", lists[l]);
        for (uint32_t i = 0; i < k; i++)
            free(sorted[i]);
        free(sorted);
        free(counts);
    }
    /* The test is no rubber stamp: a word that comes two and a half times as often is found out. */
    uint32_t uneven[50];
    for (int i = 0; i < 50; i++)
        uneven[i] = i ? 100 : 250;
    CHECK(!uniform(uneven, 50, 5150));
}

static void word_lists_are_well_formed(void)
{
    for (uint32_t i = 0; i < sp_words_count; i++) {
        const sp_words *w = &sp_words_all[i];
        CHECK(i == 0 || strcmp(sp_words_all[i - 1].name, w->name) < 0);
        CHECK(sp_words_find(sp_str_of(w->name)) == w);
        CHECK(w->count > 0);
        uint32_t longest = 0;
        bool all_plain = true, all_tame = true, commas = false;
        for (uint32_t k = 0; k < w->count; k++) {
            uint32_t len = (uint32_t)sp_word(w, k).len;
            const char *word = sp_word(w, k).p;
            longest = SP_MAX(longest, len);
            all_plain = all_plain && plain(word, len);
            all_tame = all_tame && tame(word, len);
            commas = commas || memchr(word, ',', len);
            CHECK(len > 0 && len < w->stride && sp_utf8_valid(word, len) && !memchr(word, 0, len) &&
                  !memchr(word, '\n', len));
        }
        CHECK_INT(w->len_max, longest);
        CHECK_INT(w->care, all_plain             ? SP_CARE_NOTHING
                           : all_tame && !commas ? SP_CARE_SQL
                           : all_tame            ? SP_CARE_QUOTES
                                                 : SP_CARE_ESCAPES);
    }
    CHECK(sp_words_find(sp_str_of("nothing of the kind")) == NULL);
}

/* ---- templates ------------------------------------------------------------------------------------------------------- */

static char unknown_names[256];

static void note_unknown(void *arg, sp_str name)
{
    (void)arg;
    snprintf(unknown_names + strlen(unknown_names), sizeof unknown_names - strlen(unknown_names), "[%.*s]",
             (int)name.len, name.p);
}

static const char *template_text(const char *template, uint64_t row)
{
    static char text[ROOM];
    unknown_names[0] = 0;
    sp_cell *cell = sp_template_cell(&env, seed, &(sp_template){.text = sp_str_of(template), .unknown = note_unknown});
    CHECK(cell != NULL);
    *cell->ops->text(cell, row, text) = 0;
    return text;
}

static void templates_are_texts_with_calls(void)
{
    char first[256], want[600];
    for (uint64_t row = 0; row < 100; row++) {
        strcpy(first, template_text("${first_name}", row));
        snprintf(want, sizeof want, "<%s> and <%s>", first, first);
        CHECK_STR(template_text("<${first_name}> and <${first_name}>", row), want);
        snprintf(want, sizeof want, "%s, ${nothing} ${", first);
        CHECK_STR(template_text("${first_name}, ${nothing} ${", row), want);
        CHECK_STR(unknown_names, "[nothing]");
        snprintf(want, sizeof want, "${a%s}", first);
        CHECK_STR(template_text("${a${first_name}}", row), want);
        static const char *const recipes[] = {"email", "product_name", "street", "phone", "quote"};
        for (size_t i = 0; i < SP_COUNT(recipes); i++) { /* in a text or alone, compiled differently, the same value */
            char alone[64], inside[128];
            snprintf(alone, sizeof alone, "${%s}", recipes[i]);
            snprintf(inside, sizeof inside, "%s and then ${%s}\n", recipes[i], recipes[i]);
            strcpy(first, template_text(alone, row));
            snprintf(want, sizeof want, "%s and then %s\n", recipes[i], first);
            CHECK_STR(template_text(inside, row), want);
        }
        strcpy(first, template_text("${uuid}", row));
        snprintf(want, sizeof want, "{%s}", first);
        CHECK_STR(template_text("{${uuid}}", row), want);
        strcpy(first, template_text("${price}", row));
        snprintf(want, sizeof want, "$%s$", first);
        CHECK_STR(template_text("$${price}$", row), want);
    }
    CHECK_STR(template_text("as it is", 7), "as it is");
    CHECK_STR(template_text("", 7), "");
    CHECK_STR(template_text("$", 7), "$");
    CHECK_STR(template_text("${}", 7), "${}");
    CHECK_STR(unknown_names, "[]");
    CHECK_STR(template_text("}${x}{", 7), "}${x}{");
    CHECK_STR(unknown_names, "[x]");
    CHECK_STR(template_text("${saying}", 7), "${saying}"); /* for recipes only */
}

static void a_template_of_one_function_has_its_type(void)
{
    CHECK_INT(plain_template("${uuid}")->type.kind, SP_UUID);
    CHECK_INT(plain_template("${int32}")->type.kind, SP_I32);
    CHECK_INT(plain_template(" ${int32}")->type.kind, SP_TEXT);
    CHECK_INT(plain_template("${int32}${int32}")->type.kind, SP_TEXT);
    CHECK_INT(plain_template("${nothing}")->type.kind, SP_TEXT);
}

static void template_cells_keep_their_promises(void)
{
    static const char *const templates[] = {
        "constant",
        "${name} <${email}>",
        "${uuid}/${date}/${int16}/${bool}/${float64}/${price}/${rgbcolor}/${nicecolors}",
        "a literal of more than thirty-two bytes, then ${word}; and another of more than thirty-two bytes ${emoji}!",
        "${time_zone_full}${time_zone_full}${lorem_paragraph}${user_agent}",
        "${username}@${domain_name}",
        "gr\xc3\xbc\xc3\x9f ${city}",
    };
    for (size_t i = 0; i < SP_COUNT(templates); i++)
        check_cell(templates[i], plain_template(templates[i]));
    CHECK_INT(plain_template("u.${uuid}")->bounds.care, SP_CARE_NOTHING);
    CHECK_INT(plain_template("u,${uuid}")->bounds.care, SP_CARE_QUOTES);
    CHECK_INT(plain_template("u'${uuid}")->bounds.care, SP_CARE_SQL);
    CHECK_INT(plain_template("u\"${uuid}")->bounds.care, SP_CARE_ESCAPES);
    CHECK_INT(plain_template("${rgbcolor} ")->bounds.care, SP_CARE_ESCAPES);
    CHECK_INT(plain_template("")->bounds.care, SP_CARE_ESCAPES);
}

static void recipes_draw_what_they_say(void)
{
    static const char *const recipes[] = {"{007..042}", "{7..42} {7..42} {7..42#2}", "{x1}{x7}{x33}",
                                          "one\ntwo\n{0..9}{weekday}"};
    for (size_t i = 0; i < SP_COUNT(recipes); i++)
        check_cell(recipes[i], sp_recipe_cell(&env, seed, sp_str_of(recipes[i])));
    char text[256];
    sp_cell *padded = sp_recipe_cell(&env, seed, sp_str_of("{007..042}"));
    sp_cell *twice = sp_recipe_cell(&env, seed, sp_str_of("{7..42} {7..42} {7..42#2}"));
    int low = 99, high = 0, differ = 0;
    for (uint64_t row = 0; row < 2000; row++) {
        int a, b, c;
        *padded->ops->text(padded, row, text) = 0;
        CHECK_INT(strlen(text), 3);
        a = atoi(text);
        low = SP_MIN(low, a);
        high = SP_MAX(high, a);
        *twice->ops->text(twice, row, text) = 0;
        CHECK_INT(sscanf(text, "%d %d %d", &a, &b, &c), 3);
        CHECK_INT(a, b);
        differ += a != c;
    }
    CHECK_INT(low, 7);
    CHECK_INT(high, 42);
    CHECK(differ > 1800);
}

/* Parts of a recipe share draws, and must be as independent of each other as if each had its own: all combinations come up alike,
 * where the draw has much left and where a large first choice, which is not counted, has taken most of it. */
static void shared_draws_are_independent(void)
{
    static const struct {
        const char *recipe;
        uint32_t a, b, c;
    } of[] = {{"{0..6}-{0..10}-{0..12}", 7, 11, 13},
              {"{0..268435455}-{0..99}-{0..88}", 1, 100, 89},
              {"{0..1099511627775}-{0..2}-{0..999}", 1, 3, 1000}};
    for (size_t k = 0; k < SP_COUNT(of); k++) {
        sp_cell *cell = sp_recipe_cell(&env, sp_draw(seed, k), sp_str_of(of[k].recipe));
        uint32_t all = of[k].a * of[k].b * of[k].c, *counts = calloc(all, sizeof *counts);
        char text[256];
        for (uint64_t row = 0; row < all * 100; row++) {
            unsigned long a, b, c;
            *cell->ops->text(cell, row, text) = 0;
            CHECK_INT(sscanf(text, "%lu-%lu-%lu", &a, &b, &c), 3);
            counts[(a % of[k].a * of[k].b + b) * of[k].c + c]++;
        }
        if (!CHECK(uniform(counts, all, all * 100)))
            printf("# %s\n", of[k].recipe);
        free(counts);
    }
}

/* Cells longer together than offsets can count are refused when they are asked for; few of them are made. */
static void long_texts_are_bounded(void)
{
    static const char word[] = "${lorem_paragraph}";
    sp_buf template;
    sp_buf_init(&template);
    for (int i = 0; i < 400; i++)
        CHECK_INT(sp_buf_adds(&template, word), 0);
    sp_cell *cell = sp_template_cell(&env, seed, &(sp_template){.text = {template.data, template.len}});
    CHECK((uint64_t)cell->text_max * 2000 > INT32_MAX);
    sp_column column;
    spate_error err;
    uint64_t rows[2000] = {0, 1};
    CHECK_INT(sp_column_init(&column, cell->type, SP_BATCH_ROWS_MAX, &err), 0);
    CHECK_INT(cell->ops->fill(cell, rows, 2, &column, NULL), 0);
    CHECK(column.offsets[2] > 2 * 400 * 1000);
    CHECK(sp_utf8_valid(column.bytes, (size_t)column.offsets[2]));
    CHECK_INT(cell->ops->fill(cell, rows, 2000, &column, NULL), SPATE_E_NOMEM);
    sp_column_done(&column);
    sp_buf_done(&template);
}

/* Whichever allocation fails, a cell is refused and nothing leaks. */
static void no_memory_is_survived(void)
{
    static const char template[] = "<${email}> ${product_name} ${quote} ${date}";
    bool made = false;
    for (uint64_t nth = 1; nth < 1000 && !made; nth++) {
        sp_arena small;
        sp_arena_init(&small);
        sp_func_env its = {.arena = &small, .now_us = SP_PLAN_NOW_US};
        sp_alloc_fail_at(nth);
        made = sp_template_cell(&its, seed, &(sp_template){.text = sp_str_of(template)}) != NULL;
        sp_alloc_fail_at(0);
        sp_arena_done(&small);
        CHECK(nth > 1 || !made);
    }
    CHECK(made);
}

/* ---- the reference ------------------------------------------------------------------------------------------------------ */

static const char table_head[] = "| function | type | example | bytes | |\n|---|---|---|---|---|\n";

static void type_name(sp_type type, char *out)
{
    if (type.kind == SP_DECIMAL)
        sprintf(out, "%s(%d,%d)", sp_kind_name(type.kind), type.precision, type.scale);
    else if (type.kind == SP_LIST)
        sprintf(out, "%s[]", sp_kind_name(type.item->kind));
    else
        sprintf(out, "%s", sp_kind_name(type.kind));
}

/* The table as it should be. Examples are row 0 of a fixed key, so a change of what functions make shows here. */
static void make_table(sp_buf *out)
{
    size_t n;
    const char *const *names = sp_func_names(&n);
    CHECK_INT(sp_buf_adds(out, table_head), 0);
    for (size_t i = 0; i < n; i++) {
        static char text[ROOM];
        char type[64], example[96];
        const sp_func *f = sp_func_find(sp_str_of(names[i]));
        sp_cell *cell = sp_func_cell(f, &env, sp_hash64(names[i], strlen(names[i]), 0));
        size_t min = SIZE_MAX, max = 0;
        for (uint64_t row = rows_of(cell); row-- > 0;) { /* row 0 last: the example */
            size_t len = (size_t)(cell->ops->text(cell, row, text) - text);
            min = SP_MIN(min, len);
            max = SP_MAX(max, len);
            text[len] = 0;
        }
        size_t shown = strlen(text);
        if (shown > 64) {
            shown = 60;
            while ((text[shown] & 0xc0) == 0x80)
                shown--;
        }
        sprintf(example, "%.*s%s", (int)shown, text, text[shown] ? "..." : "");
        type_name(cell->type, type);
        CHECK_INT(sp_buf_printf(out, "| `%s` | %s | `%s` | ", names[i], type, example), 0);
        CHECK_INT(min == max ? sp_buf_printf(out, "%zu", min) : sp_buf_printf(out, "%zu-%zu", min, max), 0);
        CHECK_INT(sp_buf_printf(out, " | %s |\n", sp_func_note(f)), 0);
        CHECK_INT(cell->unique, strstr(sp_func_note(f), "never the same twice") != NULL);
    }
}

static const char doc_path[] = TEST_ROOT "/docs/reference/functions.md";

static char *read_doc(size_t *table_at)
{
    FILE *in = fopen(doc_path, "r");
    if (!in)
        return NULL;
    char *doc = calloc(1, 1 << 20);
    size_t len = fread(doc, 1, (1 << 20) - 1, in);
    fclose(in);
    char *table = strstr(doc, table_head);
    *table_at = table ? (size_t)(table - doc) : len;
    return doc;
}

static void the_reference_lists_the_catalogue(void)
{
    sp_buf want;
    sp_buf_init(&want);
    make_table(&want);
    size_t at = 0;
    char *doc = read_doc(&at);
    if (CHECK(doc != NULL)) {
        const char *a = doc + at, *b = want.data, *end = want.data + want.len;
        while (b < end) { /* line by line, to say which differs */
            size_t have = strcspn(a, "\n") + 1,
                   line = (size_t)((const char *)memchr(b, '\n', (size_t)(end - b)) - b) + 1;
            if (!CHECK(have == line && memcmp(a, b, line) == 0)) {
                printf("# docs/reference/functions.md has  %.*s# and should have  %.*s", (int)have, a, (int)line, b);
                break;
            }
            a += have;
            b += line;
        }
        if (b == end)
            CHECK_STR(a, "");
    }
    free(doc);
    sp_buf_done(&want);
}

static int write_reference(void)
{
    size_t at = 0;
    sp_buf table;
    sp_buf_init(&table);
    make_table(&table);
    char *doc = read_doc(&at);
    FILE *out = doc ? fopen(doc_path, "w") : NULL;
    bool ok = out && fwrite(doc, 1, at, out) == at && fwrite(table.data, 1, table.len, out) == table.len;
    if (out && fclose(out) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "cannot write %s\n", doc_path);
    free(doc);
    sp_buf_done(&table);
    return !ok;
}

int main(int argc, char **argv)
{
    sp_arena_init(&arena);
    if (argc > 1 && strcmp(argv[1], "--write") == 0)
        return write_reference();
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    else if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = 1;
    printf("# seed 0x%llx\n", (unsigned long long)seed);
    RUN(word_lists_are_well_formed);
    RUN(every_function_keeps_its_promises);
    RUN(fixed_shapes_have_their_length_and_type);
    RUN(check_digits_are_right);
    RUN(uuids_are_unique_and_version_4);
    RUN(unique_is_said_where_it_holds);
    RUN(moments_lie_where_they_should);
    RUN(words_are_drawn_evenly);
    RUN(templates_are_texts_with_calls);
    RUN(a_template_of_one_function_has_its_type);
    RUN(template_cells_keep_their_promises);
    RUN(recipes_draw_what_they_say);
    RUN(shared_draws_are_independent);
    RUN(long_texts_are_bounded);
    RUN(no_memory_is_survived);
    RUN(the_reference_lists_the_catalogue);
    sp_arena_done(&arena);
    return check_done();
}
