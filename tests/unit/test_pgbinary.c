/* test_pgbinary.c - COPY BINARY tuples, byte for byte as PostgreSQL's *send functions write
 * them, and what fits what. */
#include "check.h"
#include "codec/codec.h"

enum {
    BOOL = 16,
    BYTEA = 17,
    NAME = 19,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    TEXT = 25,
    JSON = 114,
    FLOAT4 = 700,
    FLOAT8 = 701,
    BPCHAR = 1042,
    VARCHAR = 1043,
    DATE = 1082,
    TIME = 1083,
    TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184,
    INTERVAL = 1186,
    TIMETZ = 1266,
    NUMERIC = 1700,
    UUID = 2950,
    JSONB = 3802,
    INET = 869,
    MONEY = 790,
};

static sp_pg_type type_of(uint32_t oid)
{
    char category = oid == INET ? 'I' : oid == MONEY ? 'N' : 'X';
    return (sp_pg_type){.oid = oid, .typmod = -1, .category = category, .name = "the type"};
}

static sp_field field_of(sp_kind kind)
{
    return (sp_field){.name = "c", .type = {.kind = kind}};
}

/* ---- one cell -------------------------------------------------------------------------------- */

static char shown[4096];

static const char *show(const sp_buf *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->len; i++)
        n += (size_t)snprintf(shown + n, sizeof(shown) - n, "%02x", (uint8_t)b->data[i]);
    shown[n] = '\0';
    return shown;
}

/* The tuple of a table of one column with one cell, in hex, without the count of columns in
 * front. */
static const char *tuple_of(const sp_field *field, const sp_pg_type *type, const void *value, size_t len)
{
    sp_schema schema = {.table = "t", .fields = field, .n_fields = 1};
    sp_pgbinary *e = NULL;
    sp_batch b;
    sp_buf out;
    spate_error err = {0};
    sp_buf_init(&out);
    if (!CHECK_INT(sp_batch_init(&b, &schema, NULL), 0))
        return "";
    b.rows = 1;
    sp_column *c = &b.columns[0];
    if (c->offsets) {
        CHECK_INT(sp_column_reserve_bytes(c, len), 0);
        memcpy(c->bytes, value, len);
        c->offsets[0] = 0;
        c->offsets[1] = (int32_t)len;
    } else {
        memcpy(c->data, value, len);
    }
    if (sp_pgbinary_new(&schema, type, &e, &err) || sp_pgbinary_encode(e, &b, 0, 1, &out, &err))
        snprintf(shown, sizeof(shown), "%s", err.message);
    else
        show(&out);
    sp_pgbinary_free(e);
    sp_buf_done(&out);
    sp_batch_done(&b);
    return strncmp(shown, "0001", 4) == 0 ? shown + 4 : shown;
}

static const char *cell(sp_kind kind, uint32_t oid, const void *value, size_t len)
{
    sp_field field = field_of(kind);
    sp_pg_type type = type_of(oid);
    return tuple_of(&field, &type, value, len);
}

#define CELL(kind, oid, type, value) cell(kind, oid, &(type){value}, sizeof(type))
#define CELL_TEXT(kind, oid, value)  cell(kind, oid, value, strlen(value))

static const char *decimal(int64_t v, uint8_t scale, uint32_t oid)
{
    sp_field field = {.name = "c", .type = {.kind = SP_DECIMAL, .precision = 18, .scale = scale}};
    sp_pg_type type = type_of(oid);
    return tuple_of(&field, &type, &v, sizeof(v));
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* clang-format off */
static void integers(void)
{
    CHECK_STR(CELL(SP_I16, INT2, int16_t, -2), "00000002" "fffe");
    CHECK_STR(CELL(SP_I16, INT4, int16_t, -2), "00000004" "fffffffe");
    CHECK_STR(CELL(SP_I32, INT8, int32_t, -2), "00000008" "fffffffffffffffe");
    CHECK_STR(CELL(SP_I32, INT4, int32_t, 0x01020304), "00000004" "01020304");
    CHECK_STR(CELL(SP_I64, INT8, int64_t, 0x0102030405060708), "00000008" "0102030405060708");
    CHECK_STR(CELL(SP_I64, INT2, int64_t, 7), "00000002" "0007");
    CHECK_STR(CELL(SP_I64, TEXT, int64_t, -70), "00000003" "2d3730");
    CHECK_STR(CELL(SP_U64, TEXT, uint64_t, UINT64_MAX), "00000014" "3138343436373434303733373039353531363135");
    CHECK_STR(CELL(SP_I64, FLOAT8, int64_t, 3), "00000008" "4008000000000000");
    CHECK_STR(CELL(SP_I16, FLOAT4, int16_t, 3), "00000004" "40400000");
}

static void integers_out_of_range(void)
{
    const char *broken = "row 1: column \"c\": the number is out of range for the type";
    CHECK_STR(CELL(SP_I64, INT2, int64_t, 32768), broken);
    CHECK_STR(CELL(SP_I64, INT4, int64_t, INT64_C(-2147483649)), broken);
    CHECK_STR(CELL(SP_I32, INT2, int32_t, -32769), broken);
    CHECK_STR(CELL(SP_U64, INT8, uint64_t, UINT64_C(1) << 63), broken);
    CHECK_STR(CELL(SP_F64, FLOAT4, double, 1e300), broken);
    CHECK_STR(CELL(SP_I64, INT2, int64_t, -32768), "00000002" "8000");
    CHECK_STR(CELL(SP_U64, INT8, uint64_t, INT64_MAX), "00000008" "7fffffffffffffff");
}

static void numerics(void)
{
    /*                                                    length  digits weight sign shown */
    CHECK_STR(CELL(SP_I32, NUMERIC, int32_t, 0), "00000008" "0000" "0000" "0000" "0000");
    CHECK_STR(CELL(SP_I32, NUMERIC, int32_t, 7), "0000000a" "0001" "0000" "0000" "0000" "0007");
    CHECK_STR(CELL(SP_I32, NUMERIC, int32_t, -12345), "0000000c" "0002" "0001" "4000" "0000" "0001" "0929");
    CHECK_STR(CELL(SP_I16, NUMERIC, int16_t, 10000), "0000000a" "0001" "0001" "0000" "0000" "0001");
    CHECK_STR(CELL(SP_U64, NUMERIC, uint64_t, UINT64_MAX),
              "00000012" "0005" "0004" "0000" "0000" "0734" "1a58" "02e1" "03bb" "064f");
    CHECK_STR(CELL(SP_I64, NUMERIC, int64_t, INT64_MIN),
              "00000012" "0005" "0004" "4000" "0000" "039a" "0d2c" "0170" "1565" "16b0");
}

static void decimals(void)
{
    CHECK_STR(decimal(1234, 2, NUMERIC), "0000000c" "0002" "0000" "0000" "0002" "000c" "0d48");
    CHECK_STR(decimal(-1234, 2, NUMERIC), "0000000c" "0002" "0000" "4000" "0002" "000c" "0d48");
    CHECK_STR(decimal(1200, 2, NUMERIC), "0000000a" "0001" "0000" "0000" "0002" "000c");
    CHECK_STR(decimal(5, 8, NUMERIC), "0000000a" "0001" "fffe" "0000" "0008" "0005");
    CHECK_STR(decimal(5, 6, NUMERIC), "0000000a" "0001" "fffe" "0000" "0006" "01f4");
    CHECK_STR(decimal(50000, 1, NUMERIC), "0000000a" "0001" "0000" "0000" "0001" "1388");
    CHECK_STR(decimal(0, 2, NUMERIC), "00000008" "0000" "0000" "0000" "0002");
    CHECK_STR(decimal(1, 18, NUMERIC), "0000000a" "0001" "fffb" "0000" "0012" "0064");
    CHECK_STR(decimal(1250, 3, FLOAT8), "00000008" "3ff4000000000000");
    CHECK_STR(decimal(42, 0, INT4), "00000004" "0000002a");
    CHECK_STR(decimal(1250, 3, TEXT), "00000005" "312e323530");
}

static void floats(void)
{
    CHECK_STR(CELL(SP_F64, FLOAT8, double, 1.5), "00000008" "3ff8000000000000");
    CHECK_STR(CELL(SP_F64, FLOAT4, double, -1.5), "00000004" "bfc00000");
    CHECK_STR(CELL(SP_F32, FLOAT4, float, 1.5f), "00000004" "3fc00000");
    CHECK_STR(CELL(SP_F32, FLOAT8, float, 1.5f), "00000008" "3ff8000000000000");
    CHECK_STR(CELL(SP_F64, NUMERIC, double, 12.34), "0000000c" "0002" "0000" "0000" "0002" "000c" "0d48");
    CHECK_STR(CELL(SP_F32, NUMERIC, float, 0.1f), "0000000a" "0001" "ffff" "0000" "0001" "03e8");
    CHECK_STR(CELL(SP_F64, NUMERIC, double, -0.0), "00000008" "0000" "0000" "0000" "0000");
    CHECK_STR(CELL(SP_F64, NUMERIC, double, 1e20), "0000000a" "0001" "0005" "0000" "0000" "0001");
    CHECK_STR(CELL(SP_F64, NUMERIC, double, 1e22), "0000000a" "0001" "0005" "0000" "0000" "0064");
    CHECK_STR(CELL(SP_F64, NUMERIC, double, 2.5e-7), "0000000a" "0001" "fffe" "0000" "0008" "0019");
    CHECK_STR(CELL(SP_F64, NUMERIC, double, 5e-324), "0000000a" "0001" "ffaf" "0000" "0144" "0005");
    CHECK_STR(CELL(SP_F64, NUMERIC, double, __builtin_nan("")), "00000008" "0000" "0000" "c000" "0000");
    CHECK_STR(CELL(SP_F64, NUMERIC, double, -__builtin_inf()), "00000008" "0000" "0000" "f000" "0000");
}

/* ---- calendar -------------------------------------------------------------------------------- */

static void dates(void)
{
    CHECK_STR(CELL(SP_DATE, DATE, int32_t, 10958), "00000004" "00000001");
    CHECK_STR(CELL(SP_DATE, DATE, int32_t, 0), "00000004" "ffffd533");
    CHECK_STR(CELL(SP_DATE, TIMESTAMPTZ, int32_t, 10958), "00000008" "000000141dd76000");
    CHECK_STR(CELL(SP_DATE, TEXT, int32_t, 10957), "0000000a" "323030302d30312d3031");
}

static void times(void)
{
    int64_t at = INT64_C(946684800000000) + 86400000000 + 1; /* 2000-01-02 00:00:00.000001 */
    CHECK_STR(CELL(SP_TIMESTAMP, TIMESTAMP, int64_t, at), "00000008" "000000141dd76001");
    CHECK_STR(CELL(SP_TIMESTAMPTZ, TIMESTAMP, int64_t, at), "00000008" "000000141dd76001");
    CHECK_STR(CELL(SP_TIMESTAMP, TIMESTAMPTZ, int64_t, at), "00000008" "000000141dd76001");
    CHECK_STR(CELL(SP_TIMESTAMPTZ, DATE, int64_t, at), "00000004" "00000001");
    CHECK_STR(CELL(SP_TIMESTAMPTZ, DATE, int64_t, -1), "00000004" "ffffd532");
    CHECK_STR(CELL(SP_TIMESTAMP, TIME, int64_t, at), "00000008" "0000000000000001");
    CHECK_STR(CELL(SP_TIMESTAMP, TIME, int64_t, -1), "00000008" "000000141dd75fff");
    CHECK_STR(CELL(SP_TIME, TIME, int64_t, 258), "00000008" "0000000000000102");
    CHECK_STR(CELL(SP_TIME, TIMETZ, int64_t, 258), "0000000c" "0000000000000102" "00000000");
    CHECK_STR(CELL(SP_TIME, INTERVAL, int64_t, 258), "00000010" "0000000000000102" "00000000" "00000000");
    CHECK_STR(CELL(SP_TIMESTAMPTZ, TEXT, int64_t, 0), "00000016" "313937302d30312d30312030303a30303a30302b3030");
    sp_interval v = {.months = 1, .days = -2, .us = 3};
    CHECK_STR(cell(SP_INTERVAL, INTERVAL, &v, sizeof(v)), "00000010" "0000000000000003" "fffffffe" "00000001");
}

/* ---- text and bytes -------------------------------------------------------------------------- */

static void texts(void)
{
    CHECK_STR(CELL_TEXT(SP_TEXT, TEXT, "abc"), "00000003" "616263");
    CHECK_STR(CELL_TEXT(SP_TEXT, VARCHAR, ""), "00000000");
    CHECK_STR(CELL_TEXT(SP_JSON, JSON, "{}"), "00000002" "7b7d");
    CHECK_STR(CELL_TEXT(SP_JSON, JSONB, "{}"), "00000003" "01" "7b7d");
    CHECK_STR(CELL_TEXT(SP_BYTES, BYTEA, "\001\377"), "00000002" "01ff");
    CHECK_STR(cell(SP_UUID, UUID, "0123456789abcdef", 16), "00000010" "30313233343536373839616263646566");
    CHECK_STR(CELL(SP_BOOL, BOOL, uint8_t, 1), "00000001" "01");
    CHECK_STR(CELL(SP_BOOL, BOOL, uint8_t, 0), "00000001" "00");
    CHECK_STR(CELL(SP_BOOL, TEXT, uint8_t, 1), "00000004" "74727565");
    CHECK_STR(CELL(SP_BOOL, TEXT, uint8_t, 0), "00000005" "66616c7365");
}

static void long_text(void)
{
    char text[100], want[8 + 2 * sizeof(text) + 1];
    memset(text, 'x', sizeof(text));
    memcpy(want, "00000064", 8);
    for (size_t i = 0; i < sizeof(text); i++)
        memcpy(want + 8 + 2 * i, "78", 3);
    CHECK_STR(cell(SP_TEXT, TEXT, text, sizeof(text)), want);
}

/* ---- rows, nulls, lists ---------------------------------------------------------------------- */

static void rows_and_nulls(void)
{
    sp_field fields[2] = {field_of(SP_I16), field_of(SP_TEXT)};
    sp_schema schema = {.table = "t", .fields = fields, .n_fields = 2};
    sp_pg_type types[2] = {type_of(INT2), type_of(TEXT)};
    sp_pgbinary *e;
    sp_batch b;
    sp_buf out;
    sp_buf_init(&out);
    CHECK_INT(sp_batch_init(&b, &schema, NULL), 0);
    CHECK_INT(sp_pgbinary_new(&schema, types, &e, NULL), 0);
    CHECK_INT(sp_column_reserve_bytes(&b.columns[1], 8), 0);
    memcpy(b.columns[1].bytes, "abcd", 4);
    memcpy(b.columns[1].offsets, (int32_t[]){0, 2, 2, 4}, 16);
    memcpy(b.columns[0].data, (int16_t[]){1, 2, 3}, 6);
    uint8_t valid = 5;
    b.columns[1].validity = &valid;
    b.rows = 3;
    CHECK_INT(sp_pgbinary_header(&out), 0);
    CHECK_INT(sp_pgbinary_encode(e, &b, 1, 3, &out, NULL), 0);
    CHECK_INT(sp_pgbinary_trailer(&out), 0);
    CHECK_STR(show(&out), "5047434f50590aff0d0a00" "00000000" "00000000"
                          "0002" "00000002" "0002" "ffffffff"
                          "0002" "00000002" "0003" "00000002" "6364" "ffff");
    b.columns[1].validity = NULL;
    sp_pgbinary_free(e);
    sp_buf_done(&out);
    sp_batch_done(&b);
}

static void lists(void)
{
    sp_type item = {.kind = SP_I32};
    sp_field field = {.name = "c", .type = {.kind = SP_LIST, .item = &item}};
    sp_schema schema = {.table = "t", .fields = &field, .n_fields = 1};
    sp_pg_type type = {.oid = 1007, .item_oid = INT4, .category = 'A', .typmod = -1, .name = "integer[]"};
    sp_pgbinary *e;
    sp_batch b;
    sp_buf out;
    sp_buf_init(&out);
    CHECK_INT(sp_batch_init(&b, &schema, NULL), 0);
    CHECK_INT(sp_pgbinary_new(&schema, &type, &e, NULL), 0);
    memcpy(b.columns[0].offsets, (int32_t[]){0, 2, 2}, 12);
    memcpy(b.columns[0].child->data, (int32_t[]){7, 8}, 8);
    b.rows = 2;
    CHECK_INT(sp_pgbinary_encode(e, &b, 0, 2, &out, NULL), 0);
    CHECK_STR(show(&out), "0001" "00000024" "00000001" "00000000" "00000017" "00000002" "00000001"
                          "00000004" "00000007" "00000004" "00000008"
                          "0001" "0000000c" "00000000" "00000000" "00000017");
    sp_pgbinary_free(e);
    sp_buf_done(&out);
    sp_batch_done(&b);
}

/* ---- fits ------------------------------------------------------------------------------------ */

static int fit(sp_kind kind, uint32_t oid)
{
    char why[160];
    sp_field field = field_of(kind);
    sp_pg_type type = type_of(oid);
    return sp_pg_fit_of(&field, &type, why);
}

static void fits(void)
{
    CHECK_INT(fit(SP_TEXT, INET), SP_PG_TEXT);
    CHECK_INT(fit(SP_TEXT, UUID), SP_PG_TEXT);
    CHECK_INT(fit(SP_TEXT, INT4), SP_PG_TEXT);
    CHECK_INT(fit(SP_TEXT, BPCHAR), SP_PG_BINARY);
    CHECK_INT(fit(SP_DECIMAL, MONEY), SP_PG_TEXT);
    CHECK_INT(fit(SP_BYTES, TEXT), SP_PG_TEXT);
    CHECK_INT(fit(SP_INTERVAL, TEXT), SP_PG_TEXT);
    CHECK_INT(fit(SP_UUID, INT4), SP_PG_NEVER);
    CHECK_INT(fit(SP_TIMESTAMP, BOOL), SP_PG_NEVER);
    CHECK_INT(fit(SP_BYTES, INT4), SP_PG_NEVER);
    CHECK_INT(fit(SP_F64, INT4), SP_PG_NEVER);
    CHECK_INT(fit(SP_BOOL, INT4), SP_PG_NEVER);
    CHECK_INT(fit(SP_I32, BOOL), SP_PG_NEVER);
    CHECK_INT(fit(SP_JSON, INT4), SP_PG_NEVER);
    CHECK_INT(fit(SP_LIST, TEXT), SP_PG_TEXT);
    CHECK_INT(fit(SP_LIST, INT4), SP_PG_NEVER);
}

static void fits_by_range(void)
{
    char why[160] = "";
    sp_field field = field_of(SP_I64);
    sp_pg_type type = {.oid = INT2, .category = 'N', .typmod = -1, .name = "smallint"};
    field.bounds = (sp_bounds){.has_range = true, .min = -5, .max = 40000};
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_NEVER);
    CHECK_STR(why, "its cells reach 40000, which smallint cannot hold");
    field.bounds.max = 32767;
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_BINARY);
    type = (sp_pg_type){.oid = NUMERIC, .category = 'N', .typmod = (7 << 16 | 2) + 4, .name = "numeric(7,2)"};
    field.bounds.max = 100000;
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_NEVER);
    CHECK_STR(why, "its cells reach 100000, which numeric(7,2) cannot hold");
    field.bounds.max = 99999;
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_BINARY);
    type.typmod = -1;
    field.bounds.max = INT64_MAX;
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_BINARY);
}

static void fits_by_label(void)
{
    char why[160] = "";
    const sp_str has[] = {{"paid", 4}, {"sent", 4}}, wants[] = {{"sent", 4}, {"lost", 4}};
    sp_field field = field_of(SP_TEXT);
    sp_pg_type type = {.oid = 16400, .is_enum = true, .category = 'E', .name = "status", .labels = has, .n_labels = 2};
    field.labels = wants;
    field.n_labels = 1;
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_BINARY);
    field.n_labels = 2;
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_NEVER);
    CHECK_STR(why, "\"lost\" is not a label of status");
    field = field_of(SP_TEXT);
    field.values = wants;
    field.n_values = 2;
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_NEVER);
    field = field_of(SP_I32);
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_NEVER);
    type = (sp_pg_type){.oid = 16500, .category = 'S', .name = "public.citext"};
    field = field_of(SP_TEXT);
    CHECK_INT(sp_pg_fit_of(&field, &type, why), SP_PG_BINARY);
}

int main(void)
/* clang-format on */
{
    RUN(integers);
    RUN(integers_out_of_range);
    RUN(numerics);
    RUN(decimals);
    RUN(floats);
    RUN(dates);
    RUN(times);
    RUN(texts);
    RUN(long_text);
    RUN(rows_and_nulls);
    RUN(lists);
    RUN(fits);
    RUN(fits_by_range);
    RUN(fits_by_label);
    return check_done();
}
