/* test_placement.c - slots, maps, and rows by each placing. */
#include "check.h"
#include "lab/placement.h"

static unsigned most_minus_least(const sp_slot_map *m)
{
    unsigned have[SP_SHARDS_MAX] = {0}, most = 0, least = SP_SLOTS;
    for (unsigned slot = 0; slot < SP_SLOTS; slot++) {
        CHECK(m->owner[slot] < m->shards);
        have[m->owner[slot]]++;
    }
    for (unsigned s = 0; s < m->shards; s++) {
        most = SP_MAX(most, have[s]);
        least = SP_MIN(least, have[s]);
    }
    return most - least;
}

static unsigned differ(const sp_slot_map *a, const sp_slot_map *b)
{
    unsigned n = 0;
    for (unsigned slot = 0; slot < SP_SLOTS; slot++)
        n += a->owner[slot] != b->owner[slot];
    return n;
}

/* No resize can move less: a shard that grows must get what it lacks of its even share, rounded down, and one that goes must give
 * all. */
static unsigned least_moves(unsigned from, unsigned to)
{
    unsigned gain = 0;
    for (unsigned s = 0; s < to; s++) {
        unsigned have = s < from ? SP_SLOTS / from + (s < SP_SLOTS % from) : 0;
        unsigned want = SP_SLOTS / to;
        gain += want > have ? want - have : 0;
    }
    unsigned lost = 0;
    for (unsigned s = to; s < from; s++)
        lost += SP_SLOTS / from + (s < SP_SLOTS % from);
    return SP_MAX(gain, lost);
}

static void maps_stay_even_and_move_little(void)
{
    for (unsigned from = 1; from <= 20; from++)
        for (unsigned to = 1; to <= 20; to++) {
            sp_slot_map a, b;
            sp_slot_map_init(&a, from);
            unsigned moved = sp_slot_map_resize(&a, to, &b);
            CHECK_INT(moved, differ(&a, &b));
            CHECK(most_minus_least(&b) <= 1);
            CHECK(moved <= least_moves(from, to) + to);
        }
    sp_slot_map three, four, back;
    sp_slot_map_init(&three, 3);
    CHECK_INT(sp_slot_map_resize(&three, 4, &four), SP_SLOTS / 4);
    CHECK_INT(sp_slot_map_resize(&four, 3, &back), SP_SLOTS / 4);
    CHECK_INT(sp_slot_map_resize(&three, 3, &back), 0);
}

static void rows_go_where_they_belong(void)
{
    static const sp_field fields[] = {{.name = "n", .type = {.kind = SP_I64}},
                                      {.name = "land", .type = {.kind = SP_TEXT}}};
    static const sp_schema schema = {.table = "t", .fields = fields, .n_fields = 2};
    static const int64_t bounds[] = {-5, 100};
    static const sp_list_item items[] = {{{"", 0}, 1}, {{"at", 2}, 0}, {{"de", 2}, 1}, {{"dex", 3}, 0}};
    uint32_t n_key[] = {0}, land_key[] = {1};
    sp_batch b;
    spate_error err;
    uint8_t shards[6];
    CHECK_INT(sp_batch_init(&b, &schema, &err), SPATE_OK);
    const int64_t n[] = {-6, -5, 0, 99, 100, INT64_MIN};
    const char *land[] = {"de", "at", "fr", "dex", "", "d"};
    int32_t at = 0;
    CHECK_INT(sp_column_reserve_bytes(&b.columns[1], 100), 0);
    b.rows = 6;
    for (int i = 0; i < 6; i++) {
        ((int64_t *)b.columns[0].data)[i] = n[i];
        memcpy(b.columns[1].bytes + at, land[i], strlen(land[i]));
        b.columns[1].offsets[i] = at;
        b.columns[1].offsets[i + 1] = at += (int32_t)strlen(land[i]);
    }
    sp_placement p = {.placing = SP_PLACE_RANGE, .key = n_key, .n_key = 1, .map = {.shards = 3}, .bounds = bounds};
    CHECK_INT(sp_placement_check(&p, &schema, &err), SPATE_OK);
    sp_placement_route(&p, &b, shards);
    CHECK(memcmp(shards, (uint8_t[]){0, 1, 1, 1, 2, 0}, 6) == 0);
    p.placing = SP_PLACE_MODULO;
    sp_placement_route(&p, &b, shards);
    CHECK(memcmp(shards, (uint8_t[]){0, 2, 0, 0, 1, 2}, 6) == 0);
    p = (sp_placement){
        .placing = SP_PLACE_LIST, .key = land_key, .n_key = 1, .map = {.shards = 3}, .items = items, .n_items = 4};
    CHECK_INT(sp_placement_check(&p, &schema, &err), SPATE_OK);
    sp_placement_route(&p, &b, shards);
    CHECK(memcmp(shards, (uint8_t[]){1, 0, 2, 0, 1, 2}, 6) == 0);
    p = (sp_placement){.placing = SP_PLACE_HASH, .key = n_key, .n_key = 1};
    sp_slot_map_init(&p.map, 5);
    sp_placement_route(&p, &b, shards);
    for (int i = 0; i < 6; i++)
        CHECK_INT(shards[i], sp_pghash_combine(0, sp_pghash_int8(n[i])) % 5);
    sp_batch_done(&b);
}

static void keys_that_cannot_be_placed_are_refused(void)
{
    static const sp_str label = {"a", 1};
    const sp_field fields[] = {{.name = "doc", .type = {.kind = SP_JSON}},
                               {.name = "kind", .type = {.kind = SP_TEXT}, .labels = &label, .n_labels = 1},
                               {.name = "name", .type = {.kind = SP_TEXT}}};
    const sp_schema schema = {.table = "t", .fields = fields, .n_fields = 3};
    static const uint32_t key[] = {0, 1, 2};
    spate_error err;
    sp_placement p = {.placing = SP_PLACE_HASH, .map = {.shards = 2}};
    CHECK_INT(sp_placement_check(&p, &schema, &err), SPATE_E_CONFIG);
    CHECK_STR(err.message, "table \"t\" has no key to place its rows by");
    p.n_key = 1;
    p.key = key;
    CHECK_INT(sp_placement_check(&p, &schema, &err), SPATE_E_CONFIG);
    CHECK_STR(err.message, "table \"t\": column \"doc\" is json, and hash cannot place by that");
    p.key = key + 1;
    CHECK_INT(sp_placement_check(&p, &schema, &err), SPATE_E_CONFIG);
    p.key = key + 2;
    CHECK_INT(sp_placement_check(&p, &schema, &err), SPATE_OK);
    p.placing = SP_PLACE_MODULO;
    CHECK_INT(sp_placement_check(&p, &schema, &err), SPATE_E_CONFIG);
    CHECK_STR(err.message, "table \"t\": column \"name\" is text, and modulo cannot place by that");
}

int main(void)
{
    RUN(maps_stay_even_and_move_little);
    RUN(rows_go_where_they_belong);
    RUN(keys_that_cannot_be_placed_are_refused);
    return check_done();
}
