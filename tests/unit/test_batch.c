/* test_batch.c - storage of batches, facts about kinds. */
#include "batch/batch.h"
#include "unit/check.h"

static const sp_type item = {.kind = SP_I32};
static const sp_field fields[] = {
    {.name = "flag", .type = {.kind = SP_BOOL}},
    {.name = "n", .type = {.kind = SP_I64}},
    {.name = "words", .type = {.kind = SP_TEXT}},
    {.name = "list", .type = {.kind = SP_LIST, .item = &item}},
};
static const sp_schema schema = {.table = "t", .fields = fields, .n_fields = 4, .rows = 10};

static void a_batch_has_storage_for_every_column(void)
{
    sp_batch b;
    CHECK_INT(sp_batch_init(&b, &schema, NULL), 0);
    for (uint32_t i = 0; i < SP_BATCH_ROWS_MAX; i++)
        ((int64_t *)b.columns[1].data)[i] = i;
    CHECK_INT(sp_column_reserve_bytes(&b.columns[2], 100000), 0);
    memset(b.columns[2].bytes, 'x', 100000 + SP_SLACK);
    CHECK_INT(sp_column_reserve_rows(b.columns[3].child, 50000), 0);
    ((int32_t *)b.columns[3].child->data)[49999] = 1;
    int64_t lent[4];
    b.columns[1].data = lent;
    sp_batch_reset(&b);
    CHECK(b.columns[1].data != (void *)lent);
    CHECK_INT(((int64_t *)b.columns[1].data)[2047], 2047);
    sp_batch_done(&b);
}

static void validity_starts_all_present(void)
{
    sp_batch b;
    CHECK_INT(sp_batch_init(&b, &schema, NULL), 0);
    CHECK(!sp_column_null(&b.columns[1], 5));
    uint8_t *bits = sp_column_validity(&b.columns[1], 20);
    CHECK(!sp_column_null(&b.columns[1], 19));
    bits[0] &= (uint8_t) ~(1u << 5);
    CHECK(sp_column_null(&b.columns[1], 5) && !sp_column_null(&b.columns[1], 4));
    CHECK(sp_column_validity(&b.columns[1], 20) == bits && sp_column_null(&b.columns[1], 5));
    sp_batch_done(&b);
}

static void every_failing_allocation_is_reported(void)
{
    for (uint64_t nth = 1;; nth++) {
        sp_batch b;
        sp_alloc_fail_at(nth);
        spate_error err;
        int rc = sp_batch_init(&b, &schema, &err);
        sp_alloc_fail_at(0);
        if (rc == SPATE_OK) {
            CHECK(nth > 8);
            sp_batch_done(&b);
            break;
        }
        CHECK_INT(rc, SPATE_E_NOMEM);
        CHECK_STR(err.message, "no memory left");
    }
}

static void intervals_read_as_postgres_writes_them(void)
{
    static const struct {
        sp_interval v;
        const char *text;
    } cases[] = {
        {{0, 0, 0}, "00:00:00"},
        {{1, 2, 3 * 3600 * SP_US_PER_SECOND + 4500000}, "1 mon 2 days 03:00:04.5"},
        {{-3, 0, 0}, "-3 mons"},
        {{0, -1, -1}, "-1 days -00:00:00.000001"},
        {{-13, 0, 1}, "-1 years -1 mons +00:00:00.000001"},
        {{0, 0, 100 * 3600 * SP_US_PER_SECOND}, "100:00:00"},
    };
    char text[SP_INTERVAL_TEXT_MAX + SP_SLACK];
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        char *end = sp_put_interval(text, cases[i].v);
        CHECK_STRN(text, (size_t)(end - text), cases[i].text);
    }
}

static void schemas_are_searched_by_name(void)
{
    CHECK_INT(sp_schema_find(&schema, "words"), 2);
    CHECK_INT(sp_schema_find(&schema, "Words"), -1);
    CHECK(sp_schema_row_bytes(&schema) > 8);
    CHECK_INT(sp_kind_width(SP_INTERVAL), 16);
    CHECK(sp_kind_is_text(SP_JSON) && !sp_kind_is_text(SP_BYTES));
}

int main(void)
{
    RUN(a_batch_has_storage_for_every_column);
    RUN(validity_starts_all_present);
    RUN(every_failing_allocation_is_reported);
    RUN(intervals_read_as_postgres_writes_them);
    RUN(schemas_are_searched_by_name);
    return check_done();
}
