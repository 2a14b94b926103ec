/* test_pghash.c - the partition hash on values whose hashes a server has told. With a plan as its argument it prints, for each row of
 * the plan's first table, the slot among 960 of every column that can be a key (behind the first, which is the row's id), and of
 * the first two of them together: tests/live/test_pghash.py asks a server whether it agrees. */
#include "check.h"
#include "gen/gen.h"
#include "lab/pghash.h"

#include <stdlib.h>

enum { SLOTS = 960 };

static uint64_t alone(uint64_t hash)
{
    return sp_pghash_combine(0, hash);
}

/* SELECT hashint8extended(k, 8816678312871386365) and its like, PostgreSQL 15. */
static void known_hashes(void)
{
    CHECK_INT(sp_pghash_int4(0), UINT64_C(0xc2e34bda39f0f0cd));
    CHECK_INT(sp_pghash_int4(1), UINT64_C(0x52d621058124e6d5));
    CHECK_INT(sp_pghash_int4(-1), UINT64_C(0xba5fc748095606c2));
    CHECK_INT(sp_pghash_int4(2147483647), UINT64_C(0xac09237e4899f89c));
    CHECK_INT(sp_pghash_int4(INT32_MIN), UINT64_C(0x44893a0f1e949193));
    CHECK_INT(sp_pghash_int8(INT64_C(0)), UINT64_C(0xc2e34bda39f0f0cd));
    CHECK_INT(sp_pghash_int8(INT64_C(1)), UINT64_C(0x52d621058124e6d5));
    CHECK_INT(sp_pghash_int8(INT64_C(-1)), UINT64_C(0xba5fc748095606c2));
    CHECK_INT(sp_pghash_int8(INT64_C(4294967296)), UINT64_C(0x52d621058124e6d5));
    CHECK_INT(sp_pghash_int8(INT64_C(-9000000000000000000)), UINT64_C(0x62740a8f40e8fdb3));
    CHECK_INT(sp_pghash_int8(INT64_C(9223372036854775807)), UINT64_C(0x44893a0f1e949193));
    CHECK_INT(sp_pghash_bytes("", 0), UINT64_C(0xb0e33d0b543fbfc3));
    CHECK_INT(sp_pghash_bytes("a", 1), UINT64_C(0xa2f240f8823ba67b));
    CHECK_INT(sp_pghash_bytes("abcd", 4), UINT64_C(0x37eb4043f6fdb06e));
    CHECK_INT(sp_pghash_bytes("abcdefgh", 8), UINT64_C(0x94619c573ca212b2));
    CHECK_INT(sp_pghash_bytes("abcdefghi", 9), UINT64_C(0x92e90b933de8cba0));
    CHECK_INT(sp_pghash_bytes("abcdefghijkl", 12), UINT64_C(0x92b003d370554786));
    CHECK_INT(sp_pghash_bytes("abcdefghijklm", 13), UINT64_C(0xa1d42895caa786b3));
    CHECK_INT(sp_pghash_bytes("The quick brown fox jumps over the lazy dog", 43), UINT64_C(0x517737d437d650e6));
    CHECK(alone(0) == UINT64_C(0x49a0f4dd15e5a8e3));
}

static void nulls_leave_no_trace(void)
{
    int64_t values[3] = {5, 6, 7};
    uint8_t validity = 5;
    sp_column c = {.type = {.kind = SP_I64}, .data = values, .validity = &validity};
    uint64_t hashes[3] = {0, 0, 0};
    sp_pghash_column(&c, 3, hashes);
    CHECK(hashes[0] == alone(sp_pghash_int8(5)) && hashes[1] == 0 && hashes[2] == alone(sp_pghash_int8(7)));
}

static int print_slots(const sp_batch *b, const sp_schema *schema)
{
    static uint64_t hashes[SP_BATCH_ROWS_MAX], two[SP_BATCH_ROWS_MAX];
    static unsigned slots[SP_BATCH_ROWS_MAX][64];
    unsigned n = 0;
    memset(two, 0, sizeof(two));
    for (uint32_t i = 1; i < schema->n_fields; i++) {
        if (!sp_pghash_knows(schema->fields[i].type) || schema->fields[i].n_labels)
            continue;
        memset(hashes, 0, sizeof(hashes));
        sp_pghash_column(&b->columns[i], b->rows, hashes);
        if (n < 2)
            sp_pghash_column(&b->columns[i], b->rows, two);
        for (uint32_t row = 0; row < b->rows; row++)
            slots[row][n] = (unsigned)(hashes[row] % SLOTS);
        n++;
    }
    for (uint32_t row = 0; row < b->rows; row++) {
        printf("%llu", (unsigned long long)(b->first_row + row + 1));
        for (unsigned i = 0; i < n; i++)
            printf(",%u", slots[row][i]);
        printf(",%u\n", (unsigned)(two[row] % SLOTS));
    }
    return 0;
}

static int slots_of_plan(const char *path)
{
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    sp_gen_scratch *scratch = NULL;
    spate_error err = {0};
    sp_batch batch;
    if (spate_plan_open(path, &plan, &err) || sp_gen_new(plan, plan->seed, &gen, &err) ||
        sp_gen_scratch_new(gen, &scratch, &err) || sp_batch_init(&batch, sp_gen_schema(gen, 0), &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    uint64_t rows = sp_gen_schema(gen, 0)->rows;
    for (uint64_t at = 0; at < rows;) {
        uint32_t n = (uint32_t)SP_MIN(rows - at, (uint64_t)sp_gen_batch_rows(gen, 0));
        sp_batch_reset(&batch);
        if (sp_gen_fill(gen, 0, at, n, scratch, &batch, &err) || print_slots(&batch, sp_gen_schema(gen, 0)))
            return 1;
        at += n;
    }
    sp_batch_done(&batch);
    sp_gen_scratch_free(scratch);
    sp_gen_free(gen);
    spate_plan_free(plan);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return slots_of_plan(argv[1]);
    RUN(known_hashes);
    RUN(nulls_leave_no_trace);
    return check_done();
}
