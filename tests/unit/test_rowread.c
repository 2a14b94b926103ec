/* test_rowread.c - rows out of CSV, COPY text, NDJSON and COPY BINARY: what the writers wrote comes back, whatever pieces it comes
 * in; dialects; and what is wrong is told with its row and column. */
#include "codec/codec.h"
#include "check.h"
#include "specimens.h"

#include <time.h>

/* ---- there and back ------------------------------------------------------------------------------- */

static int column_oid(const sp_type *t)
{
    static const int oids[SP_KINDS] = {
        [SP_BOOL] = 16,          [SP_I16] = 21,        [SP_I32] = 23,    [SP_I64] = 20,    [SP_U64] = 1700,
        [SP_F32] = 700,          [SP_F64] = 701,       [SP_DATE] = 1082, [SP_TIME] = 1083, [SP_TIMESTAMP] = 1114,
        [SP_TIMESTAMPTZ] = 1184, [SP_INTERVAL] = 1186, [SP_UUID] = 2950, [SP_TEXT] = 25,   [SP_JSON] = 3802,
        [SP_BYTES] = 17,         [SP_DECIMAL] = 1700,
    };
    return oids[t->kind];
}

static sp_pg_type pg_type(const sp_type *t)
{
    sp_pg_type pg = {.oid = (uint32_t)column_oid(t), .typmod = -1, .category = 'X', .name = "x"};
    if (t->kind == SP_DECIMAL)
        pg.typmod = (t->precision << 16 | t->scale) + 4;
    if (t->kind == SP_LIST)
        pg = (sp_pg_type){
            .oid = 1, .item_oid = (uint32_t)column_oid(t->item), .typmod = -1, .category = 'A', .name = "x[]"};
    return pg;
}

/* In NDJSON the JSON value null and no value at all look the same. */
static bool is_json_null(const sp_column *c, uint32_t row)
{
    return c->type.kind == SP_JSON && sp_str_is(sp_column_str(c, row), "null");
}

static void check_same(const sp_batch *got, const sp_batch *want, const char *how)
{
    sp_buf a = {0}, b = {0};
    if (!CHECK_INT(got->rows, want->rows))
        return;
    for (uint32_t c = 0; c < want->schema->n_fields; c++)
        for (uint32_t row = 0; row < want->rows; row++) {
            a.len = b.len = 0;
            (void)!sp_cell_text(&got->columns[c], row, &a);
            (void)!sp_cell_text(&want->columns[c], row, &b);
            bool nulls = sp_column_null(&got->columns[c], row) == sp_column_null(&want->columns[c], row);
            if (strcmp(how, "ndjson") == 0 && is_json_null(&want->columns[c], row))
                continue;
            if (nulls && a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0))
                continue;
            printf("# %s: row %u, column %s: \"%.*s\", expected \"%.*s\"\n", how, row, want->schema->fields[c].name,
                   (int)a.len, a.data ? a.data : "", (int)b.len, b.data ? b.data : "");
            check_failures_here++;
            goto done;
        }
done:
    sp_buf_done(&a);
    sp_buf_done(&b);
}

static int32_t all_fields[64];

static void round_trip(sp_text_dialect dialect, bool portable, const char *name)
{
    enum { ROWS = 300 };
    sp_arena arena;
    sp_arena_init(&arena);
    const sp_schema *schema = specimen_schema(&arena, "t", ROWS);
    sp_batch want, got;
    sp_rowtext *e;
    sp_rowread *r;
    sp_buf out = {0};
    spate_error err = {0};
    size_t used;
    CHECK_INT(sp_batch_init(&want, schema, NULL) | sp_batch_init(&got, schema, NULL), 0);
    sp_batch_reset(&want);
    specimen_batch(&want, 0, ROWS);
    sp_text_form form = sp_text_form_of(dialect);
    form.portable = portable;
    for (int32_t i = 0; i < (int32_t)schema->n_fields; i++)
        all_fields[i] = i;
    CHECK_INT(sp_rowtext_new(schema, dialect, &e, NULL), 0);
    CHECK_INT(sp_rowtext_encode(e, &want, 0, ROWS, &out), 0);
    CHECK_INT(sp_rowread_new(schema, &form, all_fields, schema->n_fields, &r, NULL), 0);
    sp_batch_reset(&got);
    CHECK_INT(sp_rowread_decode(r, (sp_str){out.data, out.len}, true, UINT64_MAX, &got, &used, &err), 0);
    CHECK_STR(err.message, "");
    CHECK_INT(used, out.len);
    check_same(&got, &want, name);
    sp_rowread_free(r);
    sp_rowtext_free(e);
    sp_buf_done(&out);
    sp_batch_done(&want);
    sp_batch_done(&got);
    sp_arena_done(&arena);
}

static void text_comes_back(void)
{
    round_trip(SP_TEXT_CSV, false, "csv");
    round_trip(SP_TEXT_CSV, true, "csv, portable");
    round_trip(SP_TEXT_COPY, false, "copy");
    round_trip(SP_TEXT_NDJSON, false, "ndjson");
}

static void binary_comes_back(void)
{
    enum { ROWS = 300 };
    sp_arena arena;
    sp_arena_init(&arena);
    const sp_schema *schema = specimen_schema(&arena, "t", ROWS);
    sp_pg_type types[64];
    sp_schema read_schema = *schema;
    sp_field fields[64];
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        types[i] = pg_type(&schema->fields[i].type);
        fields[i] = schema->fields[i];
        CHECK(sp_pgread_type(&types[i], &arena, &fields[i].type));
    }
    read_schema.fields = fields;
    sp_batch want, got;
    sp_pgbinary *e;
    sp_pgread *d;
    sp_buf out = {0};
    spate_error err = {0};
    CHECK_INT(sp_batch_init(&want, schema, NULL) | sp_batch_init(&got, &read_schema, NULL), 0);
    sp_batch_reset(&want);
    sp_batch_reset(&got);
    specimen_batch(&want, 0, ROWS);
    CHECK_INT(sp_pgbinary_new(schema, types, &e, &err), 0);
    CHECK_INT(sp_pgbinary_header(&out), 0);
    CHECK_INT(sp_pgbinary_encode(e, &want, 0, ROWS, &out, &err), 0);
    CHECK_INT(sp_pgbinary_trailer(&out), 0);
    CHECK_INT(sp_pgread_new(&read_schema, types, &d, &err), 0);
    size_t at = 0, used = 0;
    CHECK_INT(sp_pgread_header((sp_str){out.data, out.len}, &at, &err), 0);
    while (at < out.len && sp_pgread_tuple(d, (sp_str){out.data + at, out.len - at}, &got, &used, &err) == SPATE_OK)
        at += used;
    CHECK_STR(err.message, "");
    CHECK_INT(at, out.len);
    CHECK_INT(sp_batch_check_text(&got, &err), 0);
    check_same(&got, &want, "binary");
    sp_pgread_free(d);
    sp_pgbinary_free(e);
    sp_buf_done(&out);
    sp_batch_done(&want);
    sp_batch_done(&got);
    sp_arena_done(&arena);
}

/* ---- a table of a few text columns ------------------------------------------------------------------- */

typedef struct table {
    sp_field fields[8];
    sp_schema schema;
    sp_batch batch;
    sp_text_form form;
    sp_buf shown;
    spate_error err;
} table;

static void table_init(table *t, sp_text_dialect dialect, uint32_t n, sp_kind kind)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    *t = (table){.form = sp_text_form_of(dialect)};
    for (uint32_t i = 0; i < n; i++)
        t->fields[i] = (sp_field){.name = names[i], .type = {.kind = kind}, .nullable = true};
    t->schema = (sp_schema){.table = "t", .fields = t->fields, .n_fields = n};
    CHECK_INT(sp_batch_init(&t->batch, &t->schema, NULL), 0);
}

static void table_done(table *t)
{
    sp_batch_done(&t->batch);
    sp_buf_done(&t->shown);
}

/* What bytes say, as a|b;c|d; with ~ for null; or the error. */
static const char *read_as(table *t, const char *bytes, size_t len)
{
    sp_rowread *r;
    static const int32_t fields[] = {0, 1, 2, 3};
    size_t used = 0;
    t->err = (spate_error){0};
    t->shown.len = 0;
    CHECK_INT(sp_rowread_new(&t->schema, &t->form, fields, t->schema.n_fields, &r, NULL), 0);
    sp_batch_reset(&t->batch);
    int rc = sp_rowread_decode(r, (sp_str){bytes, len}, true, UINT64_MAX, &t->batch, &used, &t->err);
    sp_rowread_free(r);
    if (rc != SPATE_OK)
        return t->err.message;
    CHECK_INT(used, len);
    for (uint32_t row = 0; row < t->batch.rows; row++)
        for (uint32_t i = 0; i < t->schema.n_fields; i++) {
            const sp_column *c = &t->batch.columns[i];
            (void)!(sp_column_null(c, row) ? sp_buf_adds(&t->shown, "~") : sp_cell_text(c, row, &t->shown));
            (void)!sp_buf_adds(&t->shown, i + 1 < t->schema.n_fields ? "|" : ";");
        }
    (void)!sp_buf_add(&t->shown, "", 1);
    return t->shown.data;
}
#define READ(t, text) read_as(t, text, sizeof(text) - 1)

static void csv_dialects(void)
{
    table t;
    table_init(&t, SP_TEXT_CSV, 2, SP_TEXT);
    CHECK_STR(READ(&t, "a,b\nc,d\n"), "a|b;c|d;");
    CHECK_STR(READ(&t, "a,b\r\nc,d"), "a|b;c|d;");
    CHECK_STR(READ(&t, "a,\n,\"\"\n"), "a|~;~|;");
    CHECK_STR(READ(&t, "\"a,\"\"1\"\"\n2\",b\n\n"), "a,\"1\"\n2|b;");
    CHECK_STR(READ(&t, "\"\"\"\",\"\"\"\"\"\"\n"), "\"|\"\";");
    t.form.delimiter = ';';
    t.form.quote = t.form.escape = '\'';
    t.form.null_word = "NULL";
    CHECK_STR(READ(&t, "a,;'b;'''\nNULL;'NULL'\n;x"), "a,|b;';~|NULL;|x;");
    t.form.quote = '"';
    t.form.escape = '\\';
    CHECK_STR(READ(&t, "\"a\\\"b\\\\\";\"c;\\n\"\n"), "a\"b\\|c;\\n;");
    t.form.quote = t.form.escape = 0;
    CHECK_STR(READ(&t, "\"a\";b\"\n"), "\"a\"|b\";");
    table_done(&t);
}

static void csv_mistakes(void)
{
    table t;
    table_init(&t, SP_TEXT_CSV, 2, SP_TEXT);
    CHECK_STR(READ(&t, "a,b\nc\n"), "table \"t\", row 2 has 1 field, expected 2");
    CHECK_STR(READ(&t, "a,b\nc,d,e,f\n"), "table \"t\", row 2 has 4 fields, expected 2");
    CHECK_STR(READ(&t, "a,b\nc,x\"d\"\n"), "table \"t\", row 2: a quote inside a field that is not quoted");
    CHECK_STR(READ(&t, "a,\"b\"c\"\"\n"), "table \"t\", row 1: a quote inside a quoted field is not doubled");
    CHECK_STR(READ(&t, "a,b\nc,\"d\ne,f\n"), "table \"t\", row 2: a quoted field is not closed");
    CHECK_STR(READ(&t, "a,b\nc,\xff\n"), "table \"t\", column \"b\", row 2: the text is not UTF-8");
    CHECK_STR(READ(&t, "a,b\nc,\xc3\nx,\xa4\n"), "table \"t\", column \"b\", row 2: the text is not UTF-8");
    CHECK_STR(READ(&t, "a,b\nc\0,d\n"), "table \"t\", column \"a\", row 2: the text has a zero byte in it");
    t.fields[0].nullable = false;
    CHECK_STR(READ(&t, "a,b\n,d\n"), "table \"t\", column \"a\", row 2: null in a column that cannot be null");
    table_done(&t);
    table_init(&t, SP_TEXT_CSV, 1, SP_I32);
    CHECK_STR(READ(&t, "1\n2x\n"), "table \"t\", column \"a\", row 2: \"2x\" is no int32");
    CHECK_STR(READ(&t, "2147483648\n"), "table \"t\", column \"a\", row 1: \"2147483648\" is no int32");
    CHECK_STR(READ(&t, "1\n\n3\n"), "1;~;3;");
    table_done(&t);
}

static void copy_escapes(void)
{
    table t;
    table_init(&t, SP_TEXT_COPY, 2, SP_TEXT);
    CHECK_STR(READ(&t, "a\\tb\t\\N\n\\\\N\t\n"), "a\tb|~;\\N|;");
    CHECK_STR(READ(&t, "\\101\\x42\\n\\z\t\\\tc\n\\.\n"), "AB\nz|\tc;");
    CHECK_STR(READ(&t, "a\\\nb\tc\n"), "a\nb|c;");
    table_done(&t);
}

static void ndjson_objects(void)
{
    table t;
    table_init(&t, SP_TEXT_NDJSON, 2, SP_TEXT);
    CHECK_STR(READ(&t, "{\"a\":\"x\",\"b\":null}\n{ \"b\" : \"y\\u00e9\\ud83d\\ude00\\n\" }\r\n\n"),
              "x|~;~|y\xc3\xa9\xf0\x9f\x98\x80\n;");
    CHECK_STR(READ(&t, "{\"a\":12.50,\"b\":{\"k\":[1,2]}}"), "12.50|{\"k\":[1,2]};");
    CHECK_STR(READ(&t, "{\"\\u0061\":true}\n{}\n"), "true|~;~|~;");
    CHECK_STR(READ(&t, "{\"a\":1}\n{\"z\":2}\n"), "table \"t\", row 2: there is no column for the key \"z\"");
    CHECK_STR(READ(&t, "{\"a\":1,\"a\":2}\n"), "table \"t\", row 1: the object has this key twice: \"a\"");
    CHECK_STR(READ(&t, "{\"a\":\"\\ud800\"}\n"), "table \"t\", column \"a\", row 1: \"\"\\ud800\"\" is no text");
    CHECK_STR(READ(&t, "{\"a\":\"\\u0000\"}\n"), "table \"t\", column \"a\", row 1: \"\"\\u0000\"\" is no text");
    CHECK_STR(READ(&t, "[1]\n"), "table \"t\", row 1: this is no JSON object: \"[1]\"");
    CHECK_STR(READ(&t, "{\"a\":1} x\n"), "table \"t\", row 1: this is no JSON object: \"x\"");
    CHECK(strstr(READ(&t, "{\"a\":01}\n"), "row 1"));
    CHECK(strstr(READ(&t, "{\"a\":1,}\n"), "row 1"));
    table_done(&t);
    table_init(&t, SP_TEXT_NDJSON, 1, SP_I64);
    CHECK_STR(READ(&t, "{\"a\":9223372036854775807}\n{\"a\":\"-5\"}\n"), "9223372036854775807;-5;");
    CHECK_STR(READ(&t, "{\"a\":1.5}\n"), "table \"t\", column \"a\", row 1: \"1.5\" is no int64");
    table_done(&t);
}

static void json_is_checked(void)
{
    static const char *const good[] = {
        "1",
        "0",
        "-0",
        "-0.5e+10",
        "1E5",
        "null",
        "true",
        "\"\"",
        "{}",
        " [ ] ",
        " [1, 2.5e-3, \"a\\n\"] ",
        "{\"a\":{\"b\":[]}}",
        "[1,[2,{\"a\":{}}],false]",
        "\"\\ud83d\\ude00\"",
        "{\"a\" : 1 , \"b\":\"\\u00fC\\n\xc3\xbc\"}",
    };
    static const char *const bad[] = {
        "",      " ",       "{a:1}",      "{1:2}", "[1,]", "[,]",   "01",  "1.",      ".5",          "+1",
        "-",     "1e",      "1 2",        "tru",   "nul",  "nulls", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\n\"",
        "{} {}", "{\"a\"}", "{\"a\":1,}", "[1}",   "'a'",  "NaN",   "[",   "{",       "{\"a\":",     "\"\\",
    };
    for (size_t i = 0; i < SP_COUNT(good); i++)
        check_that(sp_json_valid(sp_str_of(good[i])), good[i], __FILE__, __LINE__);
    for (size_t i = 0; i < SP_COUNT(bad); i++)
        check_that(!sp_json_valid(sp_str_of(bad[i])), bad[i], __FILE__, __LINE__);
    static char deep[200001];
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    CHECK(!sp_json_valid(sp_str_of(deep)));
    CHECK(!sp_json_valid((sp_str){deep, 2000}));
    CHECK(sp_json_valid((sp_str){deep + 99800, 400}));
}

/* ---- cells ------------------------------------------------------------------------------------------ */

static const char *cell(sp_type type, const char *text)
{
    static char shown[200];
    sp_column c;
    sp_buf out = {0};
    CHECK_INT(sp_column_init(&c, type, 8, NULL), 0);
    if (c.offsets)
        c.offsets[0] = 0;
    if (c.child && c.child->offsets)
        c.child->offsets[0] = 0;
    int rc = sp_cell_read(&c, 0, sp_str_of(text));
    if (rc == SPATE_OK && sp_cell_text(&c, 0, &out) == SPATE_OK)
        snprintf(shown, sizeof shown, "%.*s", (int)out.len, out.data ? out.data : "");
    else
        snprintf(shown, sizeof shown, "refused");
    sp_buf_done(&out);
    sp_column_done(&c);
    return shown;
}
#define CELL(kind_, text, want) CHECK_STR(cell((sp_type){.kind = kind_}, text), want)

static void cells_out_of_text(void)
{
    static const sp_type text = {.kind = SP_TEXT}, number = {.kind = SP_I32};
    CELL(SP_BOOL, "t", "true");
    CELL(SP_BOOL, "0", "false");
    CELL(SP_BOOL, "2", "refused");
    CELL(SP_I16, "-32768", "-32768");
    CELL(SP_I16, "32768", "refused");
    CELL(SP_I64, "-9223372036854775808", "-9223372036854775808");
    CELL(SP_I64, "9223372036854775808", "refused");
    CELL(SP_I64, "", "refused");
    CELL(SP_I64, "-", "refused");
    CELL(SP_U64, "18446744073709551615", "18446744073709551615");
    CELL(SP_F32, "3.4028235e38", "3.4028235e+38");
    CELL(SP_F32, "3.5e38", "refused");
    CELL(SP_F64, "NaN", "NaN");
    CHECK_STR(cell((sp_type){SP_DECIMAL, 5, 2}, "-999.99"), "-999.99");
    CHECK_STR(cell((sp_type){SP_DECIMAL, 5, 2}, "1000"), "refused");
    CHECK_STR(cell((sp_type){SP_DECIMAL, 5, 2}, "1.005"), "refused");
    CELL(SP_DATE, "2024-02-29", "2024-02-29");
    CELL(SP_DATE, "2023-02-29", "refused");
    CELL(SP_DATE, "0044-03-15 BC", "0044-03-15 BC");
    CELL(SP_DATE, "-000043-03-15", "0044-03-15 BC");
    CELL(SP_DATE, "+010000-01-01", "10000-01-01");
    CELL(SP_DATE, "-infinity", "-infinity");
    CELL(SP_TIMESTAMPTZ, "infinity", "infinity");
    CELL(SP_TIME, "23:59:59.999999", "23:59:59.999999");
    CELL(SP_TIME, "24:00:00.1", "refused");
    CELL(SP_TIME, "10:00:00.0000001", "refused");
    CELL(SP_TIMESTAMP, "2024-02-29T10:11:12.5", "2024-02-29 10:11:12.5");
    CELL(SP_TIMESTAMP, "2024-02-29 10:11:12.5+02", "refused");
    CELL(SP_TIMESTAMP, "0001-01-01 00:00:00 BC", "0001-01-01 00:00:00 BC");
    CELL(SP_TIMESTAMPTZ, "2024-02-29 10:11:12+02", "2024-02-29 08:11:12+00");
    CELL(SP_TIMESTAMPTZ, "2024-02-29T10:11:12-05:30", "2024-02-29 15:41:12+00");
    CELL(SP_TIMESTAMPTZ, "2024-02-29", "2024-02-29 00:00:00+00");
    CELL(SP_INTERVAL, "1 year 2 mons -3 days +04:05:06.5", "1 year 2 mons -3 days +04:05:06.5");
    CELL(SP_INTERVAL, "-838:59:59", "-838:59:59");
    CELL(SP_INTERVAL, "soon", "refused");
    CELL(SP_UUID, "01234567-89ab-cdef-0123-456789ABCDEF", "01234567-89ab-cdef-0123-456789abcdef");
    CELL(SP_UUID, "0123", "refused");
    CELL(SP_JSON, "{\"a\": 1}", "{\"a\": 1}");
    CELL(SP_JSON, "{a: 1}", "refused");
    CELL(SP_BYTES, "\\x00ff", "\\x00ff");
    CELL(SP_BYTES, "\\x0g", "refused");
    CHECK_STR(cell((sp_type){.kind = SP_LIST, .item = &number}, "{1,NULL,-3}"), "{1,NULL,-3}");
    CHECK_STR(cell((sp_type){.kind = SP_LIST, .item = &number}, "[1,null,-3]"), "{1,NULL,-3}");
    CHECK_STR(cell((sp_type){.kind = SP_LIST, .item = &number}, "{}"), "{}");
    CHECK_STR(cell((sp_type){.kind = SP_LIST, .item = &number}, "{1,}"), "refused");
    CHECK_STR(cell((sp_type){.kind = SP_LIST, .item = &number}, "{{1},{2}}"), "refused");
    CHECK_STR(cell((sp_type){.kind = SP_LIST, .item = &text}, "{\"a,\\\"\",b,\"NULL\",\"\"}"),
              "{\"a,\\\"\",b,\"NULL\",\"\"}");
}

/* ---- numerics of any length ---------------------------------------------------------------------------- */

static const char *numeric(const char *hex, int32_t typmod)
{
    static char shown[200];
    uint8_t bytes[100];
    size_t len, used;
    sp_arena arena;
    sp_arena_init(&arena);
    sp_pg_type type = {.oid = 1700, .typmod = typmod, .category = 'N', .name = "numeric"};
    sp_field field = {.name = "n", .nullable = true};
    sp_schema schema = {.table = "t", .fields = &field, .n_fields = 1};
    sp_batch b;
    sp_pgread *d;
    sp_buf out = {0};
    spate_error err = {0};
    CHECK(sp_parse_hex(sp_str_of(hex), bytes + 6, &len));
    uint8_t head[6] = {0, 1, 0, 0, 0, (uint8_t)len};
    memcpy(bytes, head, 6);
    CHECK(sp_pgread_type(&type, &arena, &field.type));
    CHECK_INT(sp_batch_init(&b, &schema, NULL), 0);
    sp_batch_reset(&b);
    CHECK_INT(sp_pgread_new(&schema, &type, &d, &err), 0);
    if (sp_pgread_tuple(d, (sp_str){(char *)bytes, len + 6}, &b, &used, &err) == SPATE_OK &&
        !sp_cell_text(&b.columns[0], 0, &out))
        snprintf(shown, sizeof shown, "%.*s", (int)out.len, out.data);
    else
        snprintf(shown, sizeof shown, "refused");
    sp_pgread_free(d);
    sp_batch_done(&b);
    sp_buf_done(&out);
    sp_arena_done(&arena);
    return shown;
}

static void numerics(void)
{
    CHECK_STR(numeric("0002000000000002"
                      "0001"
                      "09c4",
                      -1),
              "1.25");
    CHECK_STR(numeric("0002000000000002"
                      "0001"
                      "09c4",
                      (10 << 16 | 2) + 4),
              "1.25");
    CHECK_STR(numeric("0002000040000003"
                      "0001"
                      "09c4",
                      (10 << 16 | 3) + 4),
              "-1.250");
    CHECK_STR(numeric("0002000000000002"
                      "0001"
                      "09c4",
                      (10 << 16 | 1) + 4),
              "refused");
    CHECK_STR(numeric("0001ffff00000004"
                      "0001",
                      -1),
              "0.0001");
    CHECK_STR(numeric("0001ffff00000004"
                      "0001",
                      (10 << 16 | 4) + 4),
              "0.0001");
    CHECK_STR(numeric("0001fffe00000008"
                      "0001",
                      -1),
              "0.00000001");
    CHECK_STR(numeric("0001000600000000"
                      "0001",
                      -1),
              "1000000000000000000000000");
    CHECK_STR(numeric("0001000600000002"
                      "270f",
                      -1),
              "9999000000000000000000000000.00");
    CHECK_STR(numeric("0000000000000003", -1), "0.000");
    CHECK_STR(numeric("00000000c0000000", -1), "NaN");
    CHECK_STR(numeric("00000000d0200000", -1), "refused");
    CHECK_STR(numeric("00000000f0000000", -1), "-Infinity");
    CHECK_STR(numeric("00000000c0000000", (10 << 16 | 2) + 4), "refused");
    CHECK_STR(numeric("00010000000000", -1), "refused");
    CHECK_STR(numeric("0001000000000000"
                      "2710",
                      -1),
              "refused");
}

/* ---- pieces and chance ------------------------------------------------------------------------------------ */

static uint64_t state;

static uint32_t chance(uint32_t n)
{
    state += SP_PHI;
    return (uint32_t)sp_bounded(sp_mix64(state), n);
}

/* Random CSV of three columns, with all that quotes can do. */
static void random_csv(sp_buf *out, uint32_t rows)
{
    static const char *const bits[] = {
        "a", "long words without end ", "\xc3\xa4", "7", " ", ".", "\"\"", ",", "\n", "\r\n", "''"};
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t c = 0; c < 3; c++) {
            bool quoted = chance(3) == 0;
            (void)!sp_buf_adds(out, quoted ? "\"" : "");
            for (uint32_t n = chance(6); n; n--)
                (void)!sp_buf_adds(out, bits[chance(quoted ? SP_COUNT(bits) : 6)]);
            (void)!sp_buf_adds(out, quoted ? "\"" : "");
            (void)!sp_buf_adds(out, c < 2 ? "," : chance(2) ? "\n" : "\r\n");
        }
}

/* Decodes text in pieces of at most piece bytes; a hash of all cells. */
static uint64_t hash_in_pieces(table *t, const sp_buf *text, size_t piece, bool portable, uint64_t *rows)
{
    static const int32_t fields[] = {0, 1, 2};
    sp_rowread *r;
    uint64_t hash = 0;
    t->form.portable = portable;
    CHECK_INT(sp_rowread_new(&t->schema, &t->form, fields, 3, &r, NULL), 0);
    *rows = 0;
    for (size_t at = 0, have = 0, used; at < text->len;) {
        size_t more = at + 1 + chance((uint32_t)piece);
        have = SP_MIN(SP_MAX(have, more), text->len);
        sp_batch_reset(&t->batch);
        if (!CHECK_INT(sp_rowread_decode(r, (sp_str){text->data + at, have - at}, have == text->len, UINT64_MAX,
                                         &t->batch, &used, &t->err),
                       0)) {
            printf("# %s\n", t->err.message);
            break;
        }
        for (uint32_t row = 0; row < t->batch.rows; row++)
            for (uint32_t c = 0; c < 3; c++) {
                sp_str s = sp_column_str(&t->batch.columns[c], row);
                hash = sp_mix64(hash ^ sp_hash64(s.p, s.len, sp_column_null(&t->batch.columns[c], row)));
            }
        *rows += t->batch.rows;
        at += used;
        if (!used)
            have = SP_MIN(have + 1 + piece, text->len);
    }
    sp_rowread_free(r);
    return hash;
}

static void pieces_do_not_matter(void)
{
    state = (uint64_t)time(NULL);
    printf("# seed %llu\n", (unsigned long long)state);
    table t;
    table_init(&t, SP_TEXT_CSV, 3, SP_TEXT);
    for (int round = 0; round < 20; round++) {
        sp_buf text = {0};
        uint64_t rows, n = 1 + chance(4000);
        random_csv(&text, (uint32_t)n);
        uint64_t whole = hash_in_pieces(&t, &text, 1 << 30, false, &rows);
        CHECK_INT(rows, n);
        CHECK(hash_in_pieces(&t, &text, 1 << 30, true, &rows) == whole);
        CHECK(hash_in_pieces(&t, &text, 3000, false, &rows) == whole);
        CHECK_INT(rows, n);
        sp_buf_done(&text);
    }
    table_done(&t);
}

/* A field longer than a slice. */
static void long_fields(void)
{
    table t;
    table_init(&t, SP_TEXT_CSV, 2, SP_TEXT);
    sp_buf text = {0};
    (void)!sp_buf_adds(&text, "x,\"");
    for (int i = 0; i < 40000; i++)
        (void)!sp_buf_adds(&text, "0123456789\n");
    (void)!sp_buf_adds(&text, "\"\ny,z\n");
    read_as(&t, text.data, text.len);
    CHECK_STR(t.err.message, "");
    CHECK_INT(t.batch.rows, 2);
    CHECK_INT(sp_column_str(&t.batch.columns[1], 0).len, 440000);
    sp_buf_done(&text);
    table_done(&t);
}

static void headers(void)
{
    sp_arena arena;
    sp_arena_init(&arena);
    sp_text_form form = sp_text_form_of(SP_TEXT_CSV);
    sp_str *fields;
    bool *nulls;
    uint32_t n;
    size_t used;
    CHECK_INT(sp_csv_line(&form, sp_str_of("id,\"a \"\"b\"\"\nc\",\r\n1,2,3\n"), false, &arena, &fields, &nulls, &n,
                          &used, NULL),
              0);
    CHECK_INT(n, 3);
    CHECK_INT(used, 17);
    CHECK_STRN(fields[1].p, fields[1].len, "a \"b\"\nc");
    CHECK(nulls[2] && !nulls[0]);
    CHECK_INT(sp_csv_line(&form, sp_str_of("id,x"), false, &arena, &fields, &nulls, &n, &used, NULL), 0);
    CHECK_INT(n, 0);
    CHECK_INT(sp_csv_line(&form, sp_str_of("id,x"), true, &arena, &fields, &nulls, &n, &used, NULL), 0);
    CHECK_INT(n, 2);
    CHECK_INT(used, 4);
    sp_arena_done(&arena);
}

int main(void)
{
    RUN(text_comes_back);
    RUN(binary_comes_back);
    RUN(csv_dialects);
    RUN(csv_mistakes);
    RUN(copy_escapes);
    RUN(ndjson_objects);
    RUN(json_is_checked);
    RUN(cells_out_of_text);
    RUN(numerics);
    RUN(pieces_do_not_matter);
    RUN(long_fields);
    RUN(headers);
    return check_done();
}
