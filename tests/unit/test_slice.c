/* test_slice.c - the shards' slices of a plan: every row on one shard, the one that its key says, children beside their parents, and
 * tables without a placement whole everywhere. */
#include "check.h"
#include "endpoint/generated.h"
#include "lab/slice.h"

#include <stdlib.h>

enum { SHARDS = 3, USERS = 20000, ORDERS = 50000, LANDS = 10 };

static const char plan_text[] =
    "seed: 4\n"
    "tables:\n"
    "  - name: land\n"
    "    rows: 10\n"
    "    columns:\n"
    "      - {name: id, inc: 1, primary_key: true}\n"
    "  - name: users\n"
    "    rows: 20000\n"
    "    columns:\n"
    "      - {name: mail, value: '${email}'}\n"
    "      - {name: id, range: int, type: bigint, unique: true, primary_key: true, props: {min: 0, max: 1000000}}\n"
    "  - name: orders\n"
    "    rows: 50000\n"
    "    columns:\n"
    "      - {name: id, inc: 1, primary_key: true}\n"
    "      - {name: user_id, ref: users.id, distribution: zipf}\n";

static uint8_t shard_of_user[1000000]; /* 1 + shard */
static uint8_t order_seen[ORDERS + 1];

static void read_users(const sp_batch *b, unsigned shard)
{
    for (uint32_t i = 0; i < b->rows; i++) {
        int64_t id = ((const int64_t *)b->columns[1].data)[i];
        CHECK_INT(shard_of_user[id], 0);
        shard_of_user[id] = (uint8_t)(1 + shard);
        CHECK(sp_column_str(&b->columns[0], i).len > 5);
        CHECK_INT(sp_pghash_combine(0, sp_pghash_int8(id)) % SHARDS, shard);
    }
}

static void read_orders(const sp_batch *b, unsigned shard)
{
    for (uint32_t i = 0; i < b->rows; i++) {
        CHECK_INT(order_seen[((const int64_t *)b->columns[0].data)[i]]++, 0);
        CHECK_INT(shard_of_user[((const int64_t *)b->columns[1].data)[i]], 1 + shard);
    }
}

static uint64_t read_table(sp_reader *r, uint32_t t, unsigned shard)
{
    sp_batch batch;
    spate_error err;
    uint64_t rows = 0, end = r->source->extents[t].end;
    CHECK_INT(sp_batch_init(&batch, r->source->tables[t], &err), SPATE_OK);
    for (uint64_t first = 0; first < end; first += 7777) { /* ranges that cut batches anywhere */
        CHECK_INT(r->source->ops->seek(r, t, first, SP_MIN(first + 7777, end), &err), SPATE_OK);
        for (;;) {
            sp_batch_reset(&batch);
            CHECK_INT(r->source->ops->next(r, &batch, &err), SPATE_OK);
            if (batch.rows == 0)
                break;
            if (t == 1)
                read_users(&batch, shard);
            if (t == 2)
                read_orders(&batch, shard);
            rows += batch.rows;
        }
    }
    sp_batch_done(&batch);
    return rows;
}

static void every_row_is_where_its_key_says(void)
{
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    sp_source *whole = NULL;
    spate_error err;
    CHECK_INT(sp_plan_parse("slice.yaml", plan_text, sizeof(plan_text) - 1, &plan, &err), SPATE_OK);
    CHECK_INT(sp_gen_new(plan, 4, &gen, &err), SPATE_OK);
    CHECK_INT(sp_generated_open(gen, NULL, 0, &whole, &err), SPATE_OK);
    static const uint32_t key = 1;
    sp_placement place = {.placing = SP_PLACE_HASH, .key = &key, .n_key = 1};
    sp_slot_map_init(&place.map, SHARDS);
    const sp_placement *placements[] = {NULL, &place, &place};
    uint64_t rows[3] = {0};
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        sp_source *slice = NULL;
        sp_reader *r = NULL;
        CHECK_INT(sp_slice_open(gen, whole, placements, shard, &slice, &err), SPATE_OK);
        CHECK_INT(slice->ops->reader_open(slice, &r, &err), SPATE_OK);
        for (uint32_t t = 0; t < 3; t++) {
            uint64_t n = read_table(r, t, shard);
            rows[t] += n;
            CHECK(t != 1 || (n > USERS / SHARDS * 9 / 10 && n < USERS / SHARDS * 11 / 10));
        }
        slice->ops->reader_close(r);
        slice->ops->close(slice);
    }
    CHECK_INT(rows[0], SHARDS * LANDS);
    CHECK_INT(rows[1], USERS);
    CHECK_INT(rows[2], ORDERS);
    whole->ops->close(whole);
    sp_gen_free(gen);
    spate_plan_free(plan);
}

int main(void)
{
    RUN(every_row_is_where_its_key_says);
    return check_done();
}
