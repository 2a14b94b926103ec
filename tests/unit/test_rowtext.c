/* test_rowtext.c - rows as text: every kind, missing, extreme, quoted, in the four dialects, against what was written
 * by hand. */
#include "codec/codec.h"
#include "check.h"

#include <math.h>
#include <stdlib.h>

static const sp_type text_type = {.kind = SP_TEXT}, int_type = {.kind = SP_I32}, bytes_type = {.kind = SP_BYTES},
                     stamp_type = {.kind = SP_TIMESTAMP}, float_type = {.kind = SP_F64}, json_type = {.kind = SP_JSON},
                     int_list_type = {.kind = SP_LIST, .item = &int_type};

/* ---- building a batch a cell at a time ------------------------------------------------------ */

static void set_null(sp_column *c, uint32_t row)
{
    c->own_validity[row >> 3] &= (uint8_t) ~(1u << (row & 7));
    c->validity = c->own_validity;
    if (c->offsets)
        c->offsets[row + 1] = c->offsets[row];
}

static void start(sp_column *c)
{
    memset(c->own_validity, 0xff, (c->rows_cap + 7) / 8);
    if (c->offsets)
        c->offsets[0] = 0;
    if (c->child)
        start(c->child);
}

static void set_text(sp_column *c, uint32_t row, const char *s, size_t len)
{
    CHECK(sp_column_reserve_bytes(c, (size_t)c->offsets[row] + len) == SPATE_OK);
    memcpy(c->bytes + c->offsets[row], s, len);
    c->offsets[row + 1] = c->offsets[row] + (int32_t)len;
}

/* A table of one column. */
typedef struct one {
    sp_field field;
    sp_schema schema;
    sp_batch batch;
} one;

static sp_column *one_init(one *t, sp_type type)
{
    t->field = (sp_field){.name = "v", .type = type, .nullable = true};
    t->schema = (sp_schema){.table = "t", .fields = &t->field, .n_fields = 1};
    CHECK(sp_batch_init(&t->batch, &t->schema, NULL) == SPATE_OK);
    start(&t->batch.columns[0]);
    t->batch.rows = 1;
    return &t->batch.columns[0];
}

static void check_rows(one *t, sp_text_dialect dialect, const char *want, const char *file, int line)
{
    sp_rowtext *e;
    sp_buf out = {0};
    check_that(sp_rowtext_new(&t->schema, dialect, &e, NULL) == SPATE_OK, "sp_rowtext_new", file, line);
    check_that(sp_rowtext_encode(e, &t->batch, 0, t->batch.rows, &out) == SPATE_OK, "sp_rowtext_encode", file, line);
    check_str(out.data, out.len, want, "row", file, line);
    sp_rowtext_free(e);
    sp_buf_done(&out);
}

static void check_four(one *t, const char *const want_of[4], const char *file, int line)
{
    char want[4096];
    snprintf(want, sizeof want, "%s\n", want_of[0]);
    check_rows(t, SP_TEXT_CSV, want, file, line);
    snprintf(want, sizeof want, "%s\n", want_of[1]);
    check_rows(t, SP_TEXT_COPY, want, file, line);
    snprintf(want, sizeof want, "{\"v\":%s}\n", want_of[2]);
    check_rows(t, SP_TEXT_NDJSON, want, file, line);
    snprintf(want, sizeof want, "  (%s),\n", want_of[3]);
    check_rows(t, SP_TEXT_INSERT, want, file, line);
}
/* The value as CSV, COPY text, JSON and SQL. */
#define CHECK_FOUR(t, ...) check_four(t, (const char *const[4]){__VA_ARGS__}, __FILE__, __LINE__)

#define CHECK_VALUE(kind_, ctype, value, ...) \
    do { \
        one t_; \
        sp_column *c_ = one_init(&t_, (sp_type){.kind = kind_, .precision = 18, .scale = 3}); \
        *(ctype *)c_->data = (value); \
        CHECK_FOUR(&t_, __VA_ARGS__); \
        sp_batch_done(&t_.batch); \
    } while (0)
#define CHECK_TEXT_OF(kind_, s, ...) \
    do { \
        one t_; \
        set_text(one_init(&t_, (sp_type){.kind = kind_}), 0, s, sizeof(s) - 1); \
        CHECK_FOUR(&t_, __VA_ARGS__); \
        sp_batch_done(&t_.batch); \
    } while (0)
#define BARE(text)   text, text, text, text
#define QUOTED(text) text, text, "\"" text "\"", "'" text "'"

static void numbers(void)
{
    CHECK_VALUE(SP_BOOL, uint8_t, 1, "true", "t", "true", "true");
    CHECK_VALUE(SP_BOOL, uint8_t, 0, "false", "f", "false", "false");
    CHECK_VALUE(SP_I16, int16_t, INT16_MIN, BARE("-32768"));
    CHECK_VALUE(SP_I32, int32_t, INT32_MIN, BARE("-2147483648"));
    CHECK_VALUE(SP_I64, int64_t, INT64_MIN, BARE("-9223372036854775808"));
    CHECK_VALUE(SP_U64, uint64_t, UINT64_MAX, BARE("18446744073709551615"));
    CHECK_VALUE(SP_F32, float, 0.1f, BARE("0.1"));
    CHECK_VALUE(SP_F64, double, -1.5e300, BARE("-1.5e+300"));
    CHECK_VALUE(SP_F64, double, NAN, QUOTED("NaN"));
    CHECK_VALUE(SP_F64, double, -INFINITY, QUOTED("-Infinity"));
    CHECK_VALUE(SP_F32, float, INFINITY, QUOTED("Infinity"));
    CHECK_VALUE(SP_DECIMAL, int64_t, -5, BARE("-0.005"));
}

static void times(void)
{
    CHECK_VALUE(SP_DATE, int32_t, 19782, QUOTED("2024-02-29"));
    CHECK_VALUE(SP_DATE, int32_t, sp_days_from_civil(-43, 3, 15), "0044-03-15 BC", "0044-03-15 BC", "\"-000043-03-15\"",
                "'0044-03-15 BC'");
    CHECK_VALUE(SP_TIME, int64_t, 1, QUOTED("00:00:00.000001"));
    CHECK_VALUE(SP_TIMESTAMP, int64_t, 500000, "1970-01-01 00:00:00.5", "1970-01-01 00:00:00.5",
                "\"1970-01-01T00:00:00.5\"", "'1970-01-01 00:00:00.5'");
    CHECK_VALUE(SP_TIMESTAMPTZ, int64_t, INT64_C(1709201472500000), "2024-02-29 10:11:12.5+00",
                "2024-02-29 10:11:12.5+00", "\"2024-02-29T10:11:12.5Z\"", "'2024-02-29 10:11:12.5+00'");
    CHECK_VALUE(SP_INTERVAL, sp_interval, ((sp_interval){14, 3, 4500000}), QUOTED("1 year 2 mons 3 days 00:00:04.5"));
    CHECK_VALUE(SP_INTERVAL, sp_interval, ((sp_interval){0, 0, 0}), QUOTED("00:00:00"));
    CHECK_VALUE(SP_INTERVAL, sp_interval, ((sp_interval){-1, 1, 0}), QUOTED("-1 mons +1 day"));
    CHECK_VALUE(SP_INTERVAL, sp_interval, ((sp_interval){0, -1, 1}), QUOTED("-1 days +00:00:00.000001"));
    CHECK_VALUE(SP_INTERVAL, sp_interval, ((sp_interval){0, 0, INT64_C(86400000000)}), QUOTED("24:00:00"));
    CHECK_VALUE(SP_INTERVAL, sp_interval, ((sp_interval){0, 0, INT64_C(-360000000000)}), QUOTED("-100:00:00"));
    CHECK_VALUE(SP_INTERVAL, sp_interval, ((sp_interval){INT32_MIN, INT32_MIN, INT64_MIN}),
                QUOTED("-178956970 years -8 mons -2147483648 days -2562047788:00:54.775808"));
}

static void texts(void)
{
    CHECK_TEXT_OF(SP_TEXT, "plain", QUOTED("plain"));
    CHECK_TEXT_OF(SP_TEXT, "", "\"\"", "", "\"\"", "''");
    CHECK_TEXT_OF(SP_TEXT, "a,b", "\"a,b\"", "a,b", "\"a,b\"", "'a,b'");
    CHECK_TEXT_OF(SP_TEXT, "say \"hi\"", "\"say \"\"hi\"\"\"", "say \"hi\"", "\"say \\\"hi\\\"\"", "'say \"hi\"'");
    CHECK_TEXT_OF(SP_TEXT, "it's", "it's", "it's", "\"it's\"", "'it''s'");
    CHECK_TEXT_OF(SP_TEXT, "a\\b", "a\\b", "a\\\\b", "\"a\\\\b\"", "'a\\b'");
    CHECK_TEXT_OF(SP_TEXT, "\\N", "\\N", "\\\\N", "\"\\\\N\"", "'\\N'");
    CHECK_TEXT_OF(SP_TEXT, "\\.", "\"\\.\"", "\\\\.", "\"\\\\.\"", "'\\.'");
    CHECK_TEXT_OF(SP_TEXT, "a\tb\nc\rd", "\"a\tb\nc\rd\"", "a\\tb\\nc\\rd", "\"a\\tb\\nc\\rd\"", "'a\tb\nc\rd'");
    CHECK_TEXT_OF(SP_TEXT, "\x01\b\f\x1f\x7f", "\x01\b\f\x1f\x7f", "\x01\b\f\x1f\x7f", "\"\\u0001\\b\\f\\u001f\x7f\"",
                  "'\x01\b\f\x1f\x7f'");
    CHECK_TEXT_OF(SP_TEXT, "Zoë 日本 🦆", QUOTED("Zoë 日本 🦆"));
    CHECK_TEXT_OF(SP_TEXT, "0123456789abcdef,", "\"0123456789abcdef,\"", "0123456789abcdef,", "\"0123456789abcdef,\"",
                  "'0123456789abcdef,'");
    CHECK_TEXT_OF(SP_JSON, "{\"a\": 1}", "\"{\"\"a\"\": 1}\"", "{\"a\": 1}", "{\"a\": 1}", "'{\"a\": 1}'");
    CHECK_TEXT_OF(SP_JSON, "[1,\n2]", "\"[1,\n2]\"", "[1,\\n2]", "[1, 2]", "'[1,\n2]'");
    CHECK_TEXT_OF(SP_BYTES, "\x00\xff'", "\\x00ff27", "\\\\x00ff27", "\"00ff27\"", "'\\x00ff27'");
    CHECK_TEXT_OF(SP_BYTES, "", "\\x", "\\\\x", "\"\"", "'\\x'");
}

static void uuids(void)
{
    one t;
    sp_column *c = one_init(&t, (sp_type){.kind = SP_UUID});
    memset(c->data, 0xab, 16);
    CHECK_FOUR(&t, QUOTED("abababab-abab-abab-abab-abababababab"));
    sp_batch_done(&t.batch);
}

static void nulls_of_every_kind(void)
{
    for (int kind = 0; kind < SP_KINDS; kind++) {
        one t;
        set_null(one_init(&t, (sp_type){.kind = (sp_kind)kind, .item = &int_type}), 0);
        CHECK_FOUR(&t, "", "\\N", "null", "NULL");
        sp_buf shown = {0};
        CHECK(sp_cell_text(&t.batch.columns[0], 0, &shown) == SPATE_OK && shown.len == 0);
        sp_buf_done(&shown);
        sp_batch_done(&t.batch);
    }
}

static void list_of_texts(void)
{
    static const char *const items[] = {"a", "", "null", "two words", "c,d", "{", "q\"\\", "it's", "日本"};
    one t;
    sp_column *c = one_init(&t, (sp_type){.kind = SP_LIST, .item = &text_type});
    for (uint32_t i = 0; i < SP_COUNT(items); i++)
        set_text(c->child, i, items[i], strlen(items[i]));
    set_null(c->child, SP_COUNT(items));
    c->offsets[1] = SP_COUNT(items) + 1;
    CHECK_FOUR(
        &t, "\"{a,\"\"\"\",\"\"null\"\",\"\"two words\"\",\"\"c,d\"\",\"\"{\"\",\"\"q\\\"\"\\\\\"\",it's,日本,NULL}\"",
        "{a,\"\",\"null\",\"two words\",\"c,d\",\"{\",\"q\\\\\"\\\\\\\\\",it's,日本,NULL}",
        "[\"a\",\"\",\"null\",\"two words\",\"c,d\",\"{\",\"q\\\"\\\\\",\"it's\",\"日本\",null]",
        "'{a,\"\",\"null\",\"two words\",\"c,d\",\"{\",\"q\\\"\\\\\",it''s,日本,NULL}'");
    sp_batch_done(&t.batch);
}

static void lists_of_other_kinds(void)
{
    one t;
    sp_column *c = one_init(&t, (sp_type){.kind = SP_LIST, .item = &int_type});
    c->offsets[1] = 0;
    CHECK_FOUR(&t, "{}", "{}", "[]", "'{}'");
    memcpy(c->child->data, (int32_t[]){1, -2}, 8);
    c->offsets[1] = 2;
    CHECK_FOUR(&t, "\"{1,-2}\"", "{1,-2}", "[1,-2]", "'{1,-2}'");
    sp_batch_done(&t.batch);

    c = one_init(&t, (sp_type){.kind = SP_LIST, .item = &bytes_type});
    set_text(c->child, 0, "\x01\x02", 2);
    c->offsets[1] = 1;
    CHECK_FOUR(&t, "\"{\"\"\\\\x0102\"\"}\"", "{\"\\\\\\\\x0102\"}", "[\"0102\"]", "'{\"\\\\x0102\"}'");
    sp_batch_done(&t.batch);

    c = one_init(&t, (sp_type){.kind = SP_LIST, .item = &stamp_type});
    *(int64_t *)c->child->data = 0;
    c->offsets[1] = 1;
    CHECK_FOUR(&t, "\"{\"\"1970-01-01 00:00:00\"\"}\"", "{\"1970-01-01 00:00:00\"}", "[\"1970-01-01T00:00:00\"]",
               "'{\"1970-01-01 00:00:00\"}'");
    sp_batch_done(&t.batch);

    c = one_init(&t, (sp_type){.kind = SP_LIST, .item = &float_type});
    *(double *)c->child->data = NAN;
    c->offsets[1] = 1;
    CHECK_FOUR(&t, "{NaN}", "{NaN}", "[\"NaN\"]", "'{NaN}'");
    sp_batch_done(&t.batch);

    c = one_init(&t, (sp_type){.kind = SP_LIST, .item = &json_type});
    set_text(c->child, 0, "{\"a\":1}", 7);
    c->offsets[1] = 1;
    CHECK_FOUR(&t, "\"{\"\"{\\\"\"a\\\"\":1}\"\"}\"", "{\"{\\\\\"a\\\\\":1}\"}", "[{\"a\":1}]",
               "'{\"{\\\"a\\\":1}\"}'");
    sp_batch_done(&t.batch);

    c = one_init(&t, (sp_type){.kind = SP_LIST, .item = &int_list_type});
    memcpy(c->child->child->data, (int32_t[]){1, 2, 3, 4}, 16);
    memcpy(c->child->offsets, (int32_t[]){0, 2, 4}, 12);
    c->offsets[1] = 2;
    CHECK_FOUR(&t, "\"{{1,2},{3,4}}\"", "{{1,2},{3,4}}", "[[1,2],[3,4]]", "'{{1,2},{3,4}}'");
    sp_batch_done(&t.batch);
}

static void rows_and_names(void)
{
    const sp_field fields[] = {{.name = "id", .type = {.kind = SP_I32}},
                               {.name = "a long name, with \"quotes\"", .type = {.kind = SP_TEXT}},
                               {.name = "p", .type = {.kind = SP_TEXT}, .bounds.care = SP_CARE_NOTHING}};
    const sp_schema schema = {.table = "t", .fields = fields, .n_fields = 3};
    static const char *const want[] = {
        [SP_TEXT_CSV] = "id,\"a long name, with \"\"quotes\"\"\",p\n1,x,plain\n2,,plain\n",
        [SP_TEXT_COPY] = "1\tx\tplain\n2\t\\N\tplain\n",
        [SP_TEXT_NDJSON] = "{\"id\":1,\"a long name, with \\\"quotes\\\"\":\"x\",\"p\":\"plain\"}\n"
                           "{\"id\":2,\"a long name, with \\\"quotes\\\"\":null,\"p\":\"plain\"}\n",
        [SP_TEXT_INSERT] = "  (1, 'x', 'plain'),\n  (2, NULL, 'plain'),\n"};
    sp_batch b;
    CHECK(sp_batch_init(&b, &schema, NULL) == SPATE_OK);
    for (int i = 0; i < 3; i++)
        start(&b.columns[i]);
    b.rows = 3;
    for (uint32_t row = 0; row < 3; row++) {
        ((int32_t *)b.columns[0].data)[row] = (int32_t)row;
        set_text(&b.columns[1], row, "x", 1);
        set_text(&b.columns[2], row, "plain", 5);
    }
    b.columns[1].offsets[3] = b.columns[1].offsets[2];
    set_null(&b.columns[1], 2);
    for (int d = 0; d < 4; d++) {
        sp_rowtext *e;
        sp_buf out = {0};
        CHECK(sp_rowtext_new(&schema, (sp_text_dialect)d, &e, NULL) == SPATE_OK);
        CHECK(sp_rowtext_header(e, &out) == SPATE_OK && sp_rowtext_encode(e, &b, 1, 3, &out) == SPATE_OK);
        CHECK_STRN(out.data, out.len, want[d]);
        sp_rowtext_free(e);
        sp_buf_done(&out);
    }
    sp_batch_done(&b);
}

/* Of names that are quotes and nothing else, each is written twice, whatever else is near. */
static void names_of_quotes(void)
{
    enum { LEN_MAX = 100 };
    char name[LEN_MAX + 1], want[2 * LEN_MAX + 4];
    for (size_t len = 1; len <= LEN_MAX; len++) {
        const sp_field field = {.name = name, .type = {.kind = SP_TEXT}};
        const sp_schema schema = {.table = "t", .fields = &field, .n_fields = 1};
        sp_rowtext *e;
        sp_buf out = {0};
        memset(name, '"', len);
        memset(want, '"', 2 * len + 2);
        name[len] = '\0';
        want[2 * len + 2] = '\n';
        want[2 * len + 3] = '\0';
        CHECK(sp_rowtext_new(&schema, SP_TEXT_CSV, &e, NULL) == SPATE_OK && sp_rowtext_header(e, &out) == SPATE_OK);
        CHECK_STRN(out.data, out.len, want);
        sp_rowtext_free(e);
        sp_buf_done(&out);
    }
}

/* What the maker of text promises of it makes rows faster to write, and no other: short cells and long ones, with nulls and without,
 * in every dialect. */
static void care_changes_no_byte(void)
{
    enum { COLUMNS = 7, ROWS = 150, LEN_MAX = 1200 };
    static const char *const alphabets[] = {
        [SP_CARE_QUOTES] = "ab, '(;)c, d",
        [SP_CARE_SQL] = "ab '(;)c d",
        [SP_CARE_NOTHING] = "ab-:/. +#@c_d",
    };
    static const uint32_t longest[COLUMNS] = {5, 20, 90, 3, 300, 60, LEN_MAX};
    const uint64_t seed = 1;
    for (sp_care care = SP_CARE_QUOTES; care <= SP_CARE_NOTHING; care++) {
        sp_field fields[2][COLUMNS];
        sp_batch b;
        for (int promised = 0; promised < 2; promised++)
            for (int i = 0; i < COLUMNS; i++)
                fields[promised][i] = (sp_field){
                    .name = "c", .type = {.kind = SP_TEXT}, .bounds.care = promised ? care : SP_CARE_ESCAPES};
        const sp_schema schemas[2] = {{.table = "t", .fields = fields[0], .n_fields = COLUMNS},
                                      {.table = "t", .fields = fields[1], .n_fields = COLUMNS}};
        CHECK(sp_batch_init(&b, &schemas[0], NULL) == SPATE_OK);
        b.rows = ROWS;
        for (uint32_t i = 0; i < COLUMNS; i++) {
            start(&b.columns[i]);
            for (uint32_t row = 0; row < ROWS; row++) {
                char text[LEN_MAX];
                uint64_t z = sp_draw(seed + i, row);
                size_t len = 1 + sp_take(&z, longest[i]);
                for (size_t k = 0; k < len; k++)
                    text[k] = alphabets[care][sp_draw(z, k) % strlen(alphabets[care])];
                set_text(&b.columns[i], row, text, len);
            }
        }
        for (int nulls = 0; nulls < 2; nulls++) {
            for (uint32_t row = 0; nulls && row < ROWS; row += 3)
                set_null(&b.columns[row % COLUMNS], row);
            for (int d = 0; d < 4; d++) {
                sp_buf out[4] = {{0}};
                for (int way = 0; way < 4; way++) {
                    sp_rowtext *e;
                    CHECK(sp_rowtext_new(&schemas[way & 1], (sp_text_dialect)d, &e, NULL) == SPATE_OK);
                    CHECK((way & 2 ? sp_rowtext_encode_portable : sp_rowtext_encode)(e, &b, 1, ROWS, &out[way]) ==
                          SPATE_OK);
                    CHECK(out[way].len == out[0].len && memcmp(out[way].data, out[0].data, out[0].len) == 0);
                    sp_rowtext_free(e);
                }
                for (int way = 0; way < 4; way++)
                    sp_buf_done(&out[way]);
            }
        }
        sp_batch_done(&b);
    }
}

/* More columns than are viewed, more rows than a block, nulls, and now and then text that needs
 * escaping: against the cells' own texts with commas between. */
static void wide_tables(void)
{
    enum { COLUMNS = 150, ROWS = 200 };
    static const sp_kind kinds[] = {SP_I32, SP_TEXT, SP_I64, SP_TIMESTAMPTZ, SP_UUID, SP_TEXT, SP_DATE};
    static sp_field fields[COLUMNS];
    for (uint32_t i = 0; i < COLUMNS; i++)
        fields[i] = (sp_field){.name = "c", .type = {.kind = kinds[i % SP_COUNT(kinds)]}, .bounds.text_max = i % 80};
    const sp_schema schema = {.table = "t", .fields = fields, .n_fields = COLUMNS};
    sp_batch b;
    sp_rowtext *e;
    sp_buf got = {0}, want = {0};
    CHECK(sp_batch_init(&b, &schema, NULL) == SPATE_OK && sp_rowtext_new(&schema, SP_TEXT_CSV, &e, NULL) == SPATE_OK);
    b.rows = ROWS;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        sp_column *c = &b.columns[i];
        start(c);
        for (uint32_t row = 0; row < ROWS; row++) {
            uint64_t z = sp_draw(i, row), id[2] = {z, ~z};
            switch (c->type.kind) {
            case SP_TEXT:
                set_text(c, row,
                         "a text of 79 bytes at most, from which a piece is taken: "
                         "0123456789-0123456789.",
                         z % (i % 80 ? i % 80 : 79) + 1);
                break;
            case SP_UUID: memcpy((char *)c->data + row * 16, id, 16); break;
            case SP_DATE:
            case SP_I32: ((int32_t *)c->data)[row] = (int32_t)(z >> 33); break;
            default: ((int64_t *)c->data)[row] = (int64_t)(z >> (i % 64));
            }
        }
        for (uint32_t row = 0; row < ROWS && i % 4 == 0; row++)
            if (sp_draw(i, row) % 5 == 0)
                c->own_validity[row >> 3] &= (uint8_t) ~(1u << (row & 7)), c->validity = c->own_validity;
    }
    for (uint32_t row = 3; row < ROWS; row++)
        for (uint32_t i = 0; i < COLUMNS; i++) {
            size_t cell = want.len + (i > 0);
            CHECK(sp_buf_adds(&want, i ? "," : "") == SPATE_OK && sp_cell_text(&b.columns[i], row, &want) == SPATE_OK);
            if (memchr(want.data + cell, ',', want.len - cell)) {
                CHECK(sp_buf_adds(&want, "\"\"") == SPATE_OK);
                memmove(want.data + cell + 1, want.data + cell, want.len - cell - 2);
                want.data[cell] = want.data[want.len - 1] = '"';
            }
            if (i + 1 == COLUMNS)
                CHECK(sp_buf_adds(&want, "\n") == SPATE_OK);
        }
    CHECK(sp_rowtext_encode(e, &b, 3, ROWS, &got) == SPATE_OK);
    CHECK(got.len == want.len && memcmp(got.data, want.data, want.len) == 0);
    sp_rowtext_free(e);
    sp_batch_done(&b);
    sp_buf_done(&got);
    sp_buf_done(&want);
}

/* A slow escaper that is obviously right, for random text at every length around the sixteen-byte steps. */
static size_t naive(char *to, const char *s, size_t len, sp_text_dialect d)
{
    char *p = to;
    bool quote = d == SP_TEXT_NDJSON || d == SP_TEXT_INSERT || (d == SP_TEXT_CSV && len == 0);
    for (size_t i = 0; i < len && d == SP_TEXT_CSV; i++)
        quote |= strchr("\",\n\r", s[i]) != NULL;
    quote |= d == SP_TEXT_CSV && len == 2 && memcmp(s, "\\.", 2) == 0;
    char mark = d == SP_TEXT_INSERT ? '\'' : '"';
    if (quote)
        *p++ = mark;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (d == SP_TEXT_COPY && strchr("\\\t\n\r", c))
            p += sprintf(p, "\\%c", c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c);
        else if (d == SP_TEXT_NDJSON && (uint8_t)c < 0x20)
            p += c == '\n'   ? sprintf(p, "\\n")
                 : c == '\t' ? sprintf(p, "\\t")
                 : c == '\r' ? sprintf(p, "\\r")
                             : sprintf(p, "\\u%04x", c);
        else if (d == SP_TEXT_NDJSON && (c == '"' || c == '\\'))
            p += sprintf(p, "\\%c", c);
        else {
            *p++ = c;
            if (d != SP_TEXT_NDJSON && c == mark && quote)
                *p++ = c;
        }
    }
    if (quote)
        *p++ = mark;
    *p = 0;
    return (size_t)(p - to);
}

static void random_texts(void)
{
    static const char alphabet[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .:/'\",\\\n\r\t\x01\xc3\xa9";
    bool same = true;
    for (uint64_t i = 0; i < 20000 && same; i++) {
        char s[80], want[600], framed[700];
        size_t len = sp_mix64(i) % 70;
        for (size_t j = 0; j < len; j++) /* mostly harmless characters, sometimes none but specials */
            s[j] = alphabet[sp_mix64(i * 100 + j) % (i % 3 ? 62 + i % 14 : sizeof alphabet - 1)];
        one t;
        set_text(one_init(&t, text_type), 0, s, len);
        for (int d = 0; d < 4; d++) {
            sp_rowtext *e;
            sp_buf out = {0};
            naive(want, s, len, (sp_text_dialect)d);
            int n = snprintf(framed, sizeof framed,
                             d == SP_TEXT_NDJSON   ? "{\"v\":%s}\n"
                             : d == SP_TEXT_INSERT ? "  (%s),\n"
                                                   : "%s\n",
                             want);
            same &= sp_rowtext_new(&t.schema, (sp_text_dialect)d, &e, NULL) == SPATE_OK &&
                    sp_rowtext_encode(e, &t.batch, 0, 1, &out) == SPATE_OK;
            same &= out.len == (size_t)n && memcmp(out.data, framed, out.len) == 0;
            if (!same)
                printf("# dialect %d: got %.*s# expected %s", d, (int)out.len, out.data, framed);
            sp_rowtext_free(e);
            sp_buf_done(&out);
        }
        sp_batch_done(&t.batch);
    }
    CHECK(same);
}

/* ---- whole rows against their cells ----------------------------------------------------------- */

enum { MIXED_COLUMNS = 11, MIXED_ROWS = 200 };

/* Values of any kind, of lengths that the seed decides: short, long, sometimes empty, sometimes with something to escape. */
static void set_mixed(sp_column *c, uint32_t row, uint64_t z, uint32_t longest)
{
    static const char some[] = "abc def ghi jkl'\",\\\n\t xyz";
    char text[128];
    size_t len = sp_mix64(z) % (longest + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = z % 4 ? (char)('a' + i % 26) : some[sp_mix64(z + i) % (sizeof some - 1)];
    sp_kind kind = c->type.kind;
    if (kind == SP_TEXT)
        set_text(c, row, text, len);
    else if (kind == SP_UUID)
        memset((char *)c->data + (size_t)row * 16, (int)z, 16);
    else if (kind == SP_I32)
        ((int32_t *)c->data)[row] = (int32_t)(z >> (32 + z % 32));
    else if (kind == SP_BOOL)
        ((uint8_t *)c->data)[row / 8] = (uint8_t)z;
    else
        ((int64_t *)c->data)[row] = (int64_t)(z % 4 ? z % 2000000000 * 1000000 : z >> 8);
}

/* The text of one cell in the dialect: the row of a table that has only that column, without what is around it. */
static void add_cell(const sp_batch *b, uint32_t column, uint32_t row, sp_text_dialect d, sp_buf *to)
{
    static const uint32_t front[4] = {0, 0, 5, 3}, behind[4] = {1, 1, 2, 3}; /* {"v": }\n  and   (),\n */
    sp_field field = b->schema->fields[column];
    field.name = "v";
    sp_schema schema = {.table = "t", .fields = &field, .n_fields = 1};
    sp_batch alone = {.schema = &schema, .rows = b->rows, .columns = &b->columns[column]};
    sp_rowtext *e;
    sp_buf out = {0};
    CHECK(sp_rowtext_new(&schema, d, &e, NULL) == SPATE_OK);
    CHECK(sp_rowtext_encode(e, &alone, row, row + 1, &out) == SPATE_OK);
    CHECK(sp_buf_add(to, out.data + front[d], out.len - front[d] - behind[d]) == SPATE_OK);
    sp_buf_done(&out);
    sp_rowtext_free(e);
}

static void add_row(const sp_batch *b, uint32_t row, sp_text_dialect d, sp_buf *to)
{
    static const char *const start[4] = {"", "", "{", "  ("}, *const between[4] = {",", "\t", ",", ", "},
                             *const end[4] = {"\n", "\n", "}\n", "),\n"};
    CHECK(sp_buf_adds(to, start[d]) == SPATE_OK);
    for (uint32_t i = 0; i < b->schema->n_fields; i++) {
        if (i)
            CHECK(sp_buf_adds(to, between[d]) == SPATE_OK);
        if (d == SP_TEXT_NDJSON)
            CHECK(sp_buf_printf(to, "\"%s\":", b->schema->fields[i].name) == SPATE_OK);
        add_cell(b, i, row, d, to);
    }
    CHECK(sp_buf_adds(to, end[d]) == SPATE_OK);
}

static void check_mixed(const sp_batch *b, uint64_t round)
{
    typedef int encode_fn(const sp_rowtext *, const sp_batch *, uint32_t, uint32_t, sp_buf *);
    static encode_fn *const encode[2] = {sp_rowtext_encode, sp_rowtext_encode_portable};
    uint32_t from = (uint32_t)(round % 13), to = b->rows - (uint32_t)(round % 5);
    for (int d = 0; d < 4; d++) {
        sp_rowtext *e;
        sp_buf want = {0};
        for (uint32_t row = from; row < to; row++)
            add_row(b, row, (sp_text_dialect)d, &want);
        CHECK(sp_rowtext_new(b->schema, (sp_text_dialect)d, &e, NULL) == SPATE_OK);
        for (int way = 0; way < 2; way++) {
            sp_buf got = {0};
            CHECK(encode[way](e, b, from, to, &got) == SPATE_OK);
            if (!CHECK(got.len == want.len && memcmp(got.data, want.data, want.len) == 0))
                printf("# round %llu, dialect %d, way %d\n", (unsigned long long)round, d, way);
            sp_buf_done(&got);
        }
        sp_rowtext_free(e);
        sp_buf_done(&want);
    }
}

/* Tables of any number of columns, kinds, lengths and nulls have the rows that their cells make. */
static void rows_are_their_cells(void)
{
    static const sp_kind kinds[] = {SP_I32, SP_TEXT, SP_UUID, SP_TEXT, SP_TIMESTAMPTZ, SP_TEXT, SP_BOOL, SP_I64};
    static const char *const names[] = {"a", "b2", "c", "a name of some length", "e", "f", "g", "h", "i", "j", "k"};
    for (uint64_t round = 0; round < 44; round++) {
        sp_field fields[MIXED_COLUMNS] = {0};
        uint32_t n = (uint32_t)(round % MIXED_COLUMNS) + 1, longest = (uint32_t)(sp_mix64(round) % 3 == 0 ? 100 : 20);
        for (uint32_t i = 0; i < n; i++)
            fields[i] = (sp_field){.name = names[round % 4 == 3 ? i : i % 3],
                                   .type = {.kind = kinds[sp_mix64(round * 100 + i) % 8]},
                                   .nullable = true};
        sp_schema schema = {.table = "t", .fields = fields, .n_fields = n};
        sp_batch b;
        CHECK(sp_batch_init(&b, &schema, NULL) == SPATE_OK);
        b.rows = MIXED_ROWS;
        for (uint32_t i = 0; i < n; i++) {
            start(&b.columns[i]);
            uint64_t null_every = sp_mix64(round * 1000 + i) % 4 * 7; /* 0: none */
            for (uint32_t row = 0; row < MIXED_ROWS; row++) {
                uint64_t z = sp_mix64(round << 32 | i << 16 | row);
                set_mixed(&b.columns[i], row, z, longest);
                if (null_every && z % null_every == 0)
                    set_null(&b.columns[i], row);
            }
        }
        check_mixed(&b, round);
        sp_batch_done(&b);
    }
}

/* Cells of a megabyte: the block shrinks, and the buffer is written within its bounds (the sanitizer watches). */
static void huge_cells(void)
{
    enum { HUGE_CELL = 1 << 20 };
    one t;
    sp_column *c = one_init(&t, text_type);
    char *s = malloc(HUGE_CELL);
    memset(s, '\x01', HUGE_CELL);
    for (uint32_t row = 0; row < 3; row++)
        set_text(c, row, s, HUGE_CELL);
    t.batch.rows = 3;
    sp_rowtext *e;
    sp_buf out = {0};
    CHECK(sp_rowtext_new(&t.schema, SP_TEXT_NDJSON, &e, NULL) == SPATE_OK);
    CHECK(sp_rowtext_encode(e, &t.batch, 0, 3, &out) == SPATE_OK);
    CHECK_INT(out.len, 3 * (6 * HUGE_CELL + sizeof "{\"v\":\"\"}\n" - 1));
    sp_rowtext_free(e);
    sp_buf_done(&out);
    sp_batch_done(&t.batch);
    free(s);
}

static void no_memory(void)
{
    one t;
    set_text(one_init(&t, text_type), 0, "x", 1);
    sp_rowtext *e = NULL;
    sp_buf out = {0};
    spate_error err;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        sp_alloc_fail_at(nth);
        CHECK_INT(sp_rowtext_new(&t.schema, SP_TEXT_CSV, &e, &err), SPATE_E_NOMEM);
        sp_alloc_fail_at(0);
    }
    CHECK(sp_rowtext_new(&t.schema, SP_TEXT_CSV, &e, &err) == SPATE_OK);
    sp_alloc_fail_at(1);
    CHECK_INT(sp_rowtext_encode(e, &t.batch, 0, 1, &out), SPATE_E_NOMEM);
    sp_alloc_fail_at(0);
    CHECK_INT(out.len, 0);
    sp_rowtext_free(e);
    sp_buf_done(&out);
    sp_batch_done(&t.batch);
}

int main(void)
{
    RUN(numbers);
    RUN(times);
    RUN(texts);
    RUN(uuids);
    RUN(nulls_of_every_kind);
    RUN(list_of_texts);
    RUN(lists_of_other_kinds);
    RUN(rows_and_names);
    RUN(names_of_quotes);
    RUN(care_changes_no_byte);
    RUN(wide_tables);
    RUN(random_texts);
    RUN(rows_are_their_cells);
    RUN(huge_cells);
    RUN(no_memory);
    return check_done();
}
