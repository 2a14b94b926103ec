/* test_mybinary.c - MariaDB's binary rows: values as the protocol's manual has them, in and out, and answers that are cut or wrong. */
#include "check.h"
#include "codec/codec.h"

#include <stdlib.h>

static const sp_str labels[] = {{"a", 1}, {"b", 1}};
static const sp_my_type types[] = {
    {.class = SP_MY_INTEGER, .bits = 64, .name = "bigint"},
    {.class = SP_MY_INTEGER, .bits = 8, .is_unsigned = true, .name = "tinyint unsigned"},
    {.class = SP_MY_INTEGER, .bits = 16, .name = "smallint"},
    {.class = SP_MY_INTEGER, .bits = 32, .is_unsigned = true, .name = "int unsigned"},
    {.class = SP_MY_FLOAT, .bits = 64, .name = "double"},
    {.class = SP_MY_FLOAT, .bits = 32, .name = "float"},
    {.class = SP_MY_INTEGER, .bits = 24, .name = "mediumint"},
    {.class = SP_MY_TEXT, .name = "text"},
    {.class = SP_MY_DATETIME, .scale = 6, .name = "datetime(6)"},
    {.class = SP_MY_TIME, .scale = 6, .name = "time(6)"},
    {.class = SP_MY_DECIMAL, .precision = 9, .scale = 2, .name = "decimal(9,2)"},
    {.class = SP_MY_INTEGER, .bits = 1, .name = "tinyint(1)"},
};
enum { N = SP_COUNT(types), HEAD = 1 + (N + 9) / 8 };

static sp_field fields[N];
static const sp_schema schema = {.table = "t", .fields = fields, .n_fields = N};

static void name_fields(void)
{
    for (uint32_t i = 0; i < N; i++) {
        fields[i] = (sp_field){.name = "c", .nullable = true};
        CHECK(sp_my_kind(&types[i], &fields[i].type));
    }
}

/* -2, 200, -3, 4000000000, 0.5, -0.5, -8, "hi", 2024-02-29 10:11:12.5, 23:00:01, -1.25, true */
static const uint8_t values[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 200,  0xfd, 0xff, 0x00, 0x28,
                                 0x6b, 0xee, 0,    0,    0,    0,    0,    0,    0xe0, 0x3f, 0,    0,    0,
                                 0xbf, 0xf8, 0xff, 0xff, 0xff, 2,    'h',  'i',  11,   0xe8, 0x07, 2,    29,
                                 10,   11,   12,   0x20, 0xa1, 0x07, 0,    8,    0,    0,    0,    0,    0,
                                 23,   0,    1,    5,    '-',  '1',  '.',  '2',  '5',  1};

static sp_my_reading strictly;

static void reads(void)
{
    uint8_t row[HEAD + sizeof(values)] = {0}, nulls[HEAD] = {0};
    sp_str rows[SP_MYREAD_ROWS];
    sp_myread *d = NULL;
    sp_batch b;
    memcpy(row + HEAD, values, sizeof(values));
    memset(nulls + 1, 0xff, HEAD - 1);
    for (uint32_t k = 0; k < SP_MYREAD_ROWS; k++)
        rows[k] = k == 5 ? (sp_str){(char *)nulls, HEAD} : (sp_str){(char *)row, sizeof(row)};
    CHECK_INT(sp_batch_init(&b, &schema, NULL), 0);
    sp_batch_reset(&b);
    CHECK_INT(sp_myread_new(&schema, types, &strictly, &d, NULL), 0);
    for (uint32_t n = 1; n <= SP_MYREAD_ROWS; n++)
        CHECK_INT(sp_myread_rows(d, rows, n, &b, NULL), 0);
    CHECK_INT(b.rows, SP_MYREAD_ROWS * (SP_MYREAD_ROWS + 1) / 2);
    uint32_t last = b.rows - 1, null = b.rows - SP_MYREAD_ROWS + 5;
    const sp_column *c = b.columns;
    CHECK_INT(((int64_t *)c[0].data)[last], -2);
    CHECK_INT(((int16_t *)c[1].data)[last], 200);
    CHECK_INT(((int16_t *)c[2].data)[last], -3);
    CHECK_INT(((int64_t *)c[3].data)[last], 4000000000);
    CHECK(((double *)c[4].data)[last] == 0.5 && ((float *)c[5].data)[last] == -0.5f);
    CHECK_INT(((int32_t *)c[6].data)[last], -8);
    CHECK_STRN(sp_column_str(&c[7], last).p, sp_column_str(&c[7], last).len, "hi");
    CHECK_INT(((int64_t *)c[8].data)[last], 1709201472500000);
    CHECK_INT(((int64_t *)c[9].data)[last], INT64_C(82801000000));
    CHECK_INT(((int64_t *)c[10].data)[last], -125);
    CHECK(sp_bit(c[11].data, last));
    for (uint32_t i = 0; i < N; i++)
        CHECK(sp_column_null(&c[i], null) && !sp_column_null(&c[i], last));
    sp_myread_free(d);
    sp_batch_done(&b);
}

/* A row cut anywhere, or longer than its values, is no row; any byte changed is a value or an error, and never read beyond. */
static void broken_rows(void)
{
    spate_error err;
    sp_myread *d = NULL;
    sp_batch b;
    unsigned seed = 12345;
    printf("# seed %u\n", seed);
    srand(seed);
    CHECK_INT(sp_batch_init(&b, &schema, NULL), 0);
    CHECK_INT(sp_myread_new(&schema, types, &strictly, &d, NULL), 0);
    for (size_t len = 0; len <= HEAD + sizeof(values) + 1; len++) {
        uint8_t *row = sp_alloc_zero(1, len + 1); /* as long as it is, so that sanitizers see what is read behind */
        memcpy(row + SP_MIN(len, (size_t)HEAD), values, len > HEAD ? SP_MIN(len - HEAD, sizeof(values)) : 0);
        sp_batch_reset(&b);
        CHECK_INT(sp_myread_rows(d, &(sp_str){(char *)row, len}, 1, &b, &err),
                  len == HEAD + sizeof(values) ? SPATE_OK : SPATE_E_CORRUPT);
        sp_free(row);
    }
    for (int i = 0; i < 20000; i++) {
        size_t len = HEAD + sizeof(values);
        uint8_t *row = sp_alloc_zero(1, len);
        memcpy(row + HEAD, values, sizeof(values));
        for (int k = 0; k < 3; k++)
            row[(size_t)rand() % len] = (uint8_t)rand();
        sp_batch_reset(&b);
        int rc = sp_myread_rows(d, &(sp_str){(char *)row, len}, 1, &b, &err);
        CHECK(rc == SPATE_OK || rc == SPATE_E_DATA || rc == SPATE_E_CORRUPT);
        sp_free(row);
    }
    sp_myread_free(d);
    sp_batch_done(&b);
}

/* What is written for parameters is what an answer would have for the same values, with a byte in front of each. */
static void writes(void)
{
    uint8_t row[HEAD + sizeof(values)] = {0};
    static const uint8_t widths[N] = {8, 2, 2, 8, 8, 4, 4, 3, 12, 9, 6, 1}; /* as the kinds are, not the columns */
    sp_myread *d = NULL;
    sp_mywrite *e = NULL;
    sp_batch b;
    sp_buf out = {0}, lines = {0};
    memcpy(row + HEAD, values, sizeof(values));
    CHECK_INT(sp_batch_init(&b, &schema, NULL), 0);
    sp_batch_reset(&b);
    CHECK_INT(sp_myread_new(&schema, types, &strictly, &d, NULL), 0);
    CHECK_INT(sp_myread_rows(d, &(sp_str){(char *)row, sizeof(row)}, 1, &b, NULL), 0);
    CHECK_INT(sp_mywrite_new(&schema, types, &e, NULL), 0);
    CHECK_INT(sp_mywrite_check(e, &b, 0, 1, NULL), 0);
    CHECK_INT(sp_mywrite_rows(e, &b, 0, 1, &out), 0);
    size_t at = 0;
    for (uint32_t i = 0; i < N; i++) {
        CHECK_INT(out.data[at], 0);
        at += 1u + widths[i];
    }
    CHECK_INT(out.len, at);
    CHECK_INT(sp_mywrite_lines(e, &b, 0, 1, &lines), 0);
    CHECK_STRN(lines.data, lines.len,
               "-2\t200\t-3\t4000000000\t0.5\t-0.5\t-8\thi\t2024-02-29 10:11:12.5\t23:00:01\t-1.25\t1\n");
    sp_buf_done(&out);
    sp_buf_done(&lines);
    sp_mywrite_free(e);
    sp_myread_free(d);
    sp_batch_done(&b);
}

static bool fits(sp_kind kind, unsigned scale, sp_my_type type)
{
    char why[160];
    type.name = "the type";
    sp_field f = {.name = "c", .type = {.kind = kind, .precision = 9, .scale = (uint8_t)scale}};
    return sp_my_fits(&f, &type, why);
}

static void what_goes_where(void)
{
    sp_my_type money = {.class = SP_MY_DECIMAL, .precision = 9, .scale = 2},
               number = {.class = SP_MY_INTEGER, .bits = 32};
    sp_my_type text = {.class = SP_MY_TEXT}, uuid = {.class = SP_MY_BYTES, .fixed = true, .length = 16};
    CHECK(fits(SP_DECIMAL, 2, money) && !fits(SP_DECIMAL, 3, money) && fits(SP_DECIMAL, 0, number) &&
          !fits(SP_DECIMAL, 1, number));
    CHECK(fits(SP_I64, 0, number) && !fits(SP_F64, 0, number) && !fits(SP_TEXT, 0, number));
    CHECK(fits(SP_INTERVAL, 0, text) && !fits(SP_BYTES, 0, text) && fits(SP_UUID, 0, uuid));
    sp_my_type rounded = {.class = SP_MY_FLOAT, .bits = 32, .rounded = true};
    CHECK(!fits(SP_F32, 0, rounded) && !fits(SP_I32, 0, rounded) && fits(SP_I16, 0, rounded) &&
          !fits(SP_TEXT, 0, (sp_my_type){.class = SP_MY_NEVER}));
}

static void labels_of_sets(void)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {{"", true},    {"a", true},  {"a,b", true}, {"b,a", false},
                 {"a,", false}, {"c", false}, {"1", false},  {",", false}};
    sp_field field = {.name = "s", .type = {.kind = SP_TEXT}};
    sp_my_type type = {.class = SP_MY_SET, .labels = labels, .n_labels = 2, .name = "set('a','b')"};
    sp_schema one = {.table = "t", .fields = &field, .n_fields = 1};
    sp_mywrite *e = NULL;
    sp_batch b;
    CHECK_INT(sp_batch_init(&b, &one, NULL), 0);
    CHECK_INT(sp_mywrite_new(&one, &type, &e, NULL), 0);
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        sp_batch_reset(&b);
        CHECK_INT(sp_cell_add_text(&b.columns[0], 0, sp_str_of(cases[i].text)), 0);
        b.rows = 1;
        CHECK_INT(sp_mywrite_check(e, &b, 0, 1, NULL), cases[i].good ? SPATE_OK : SPATE_E_DATA);
    }
    sp_mywrite_free(e);
    sp_batch_done(&b);
}

int main(void)
{
    name_fields();
    RUN(reads);
    RUN(broken_rows);
    RUN(writes);
    RUN(what_goes_where);
    RUN(labels_of_sets);
    return check_done();
}
