/* placement.c - see placement.h. */
#include "lab/placement.h"

#include <stdlib.h>

void sp_slot_map_init(sp_slot_map *map, unsigned shards)
{
    SP_ASSERT(shards > 0 && shards <= SP_SHARDS_MAX);
    map->shards = shards;
    for (unsigned slot = 0; slot < SP_SLOTS; slot++)
        map->owner[slot] = (uint8_t)(slot % shards);
}

bool sp_slot_map_is_fresh(const sp_slot_map *map)
{
    for (unsigned slot = 0; slot < SP_SLOTS; slot++)
        if (map->owner[slot] != slot % map->shards)
            return false;
    return true;
}

bool sp_slot_map_owns(const sp_slot_map *map, unsigned shard)
{
    return memchr(map->owner, (int)shard, sizeof(map->owner)) != NULL;
}

unsigned sp_slot_map_end(const sp_slot_map *map)
{
    unsigned end = 0;
    for (unsigned slot = 0; slot < SP_SLOTS; slot++)
        end = SP_MAX(end, map->owner[slot] + 1u);
    return end;
}

/* How many slots each shard should have: the remainder goes to those that have most already, so that they need give less. */
static void share_out(const unsigned *have, unsigned shards, unsigned *want)
{
    bool given[SP_SHARDS_MAX] = {false};
    for (unsigned s = 0; s < shards; s++)
        want[s] = SP_SLOTS / shards;
    for (unsigned left = SP_SLOTS % shards; left > 0; left--) {
        unsigned most = shards;
        for (unsigned s = 0; s < shards; s++)
            if (!given[s] && (most == shards || have[s] > have[most]))
                most = s;
        given[most] = true;
        want[most]++;
    }
}

unsigned sp_slot_map_resize(const sp_slot_map *from, unsigned shards, sp_slot_map *to)
{
    SP_ASSERT(shards > 0 && shards <= SP_SHARDS_MAX);
    unsigned have[SP_SHARDS_MAX] = {0}, want[SP_SHARDS_MAX] = {0}, moved = 0, taker = 0;
    for (unsigned slot = 0; slot < SP_SLOTS; slot++)
        have[from->owner[slot]]++;
    share_out(have, shards, want);
    *to = *from;
    to->shards = shards;
    for (unsigned slot = 0; slot < SP_SLOTS; slot++) {
        unsigned owner = from->owner[slot];
        if (owner < shards && have[owner] <= want[owner])
            continue;
        while (have[taker] >= want[taker])
            taker++;
        have[owner]--;
        have[taker]++;
        to->owner[slot] = (uint8_t)taker;
        moved++;
    }
    return moved;
}

/* ---- rows ---- */

int sp_placement_check(const sp_placement *p, const sp_schema *schema, spate_error *err)
{
    static const char *const words[] = {"hash", "modulo", "range", "list"};
    if (p->n_key == 0)
        return sp_fail(err, SPATE_E_CONFIG, "table \"%s\" has no key to place its rows by", schema->table);
    if (p->n_key > 1 && p->placing != SP_PLACE_HASH)
        return sp_fail(err, SPATE_E_CONFIG, "table \"%s\": %s places by one column, not by %u", schema->table,
                       words[p->placing], p->n_key);
    for (uint32_t i = 0; i < p->n_key; i++) {
        const sp_field *f = &schema->fields[p->key[i]];
        bool fits = p->placing == SP_PLACE_HASH   ? sp_pghash_knows(f->type) && f->n_labels == 0
                    : p->placing == SP_PLACE_LIST ? f->type.kind == SP_TEXT
                                                  : sp_kind_is_signed(f->type.kind);
        if (!fits)
            return sp_fail(err, SPATE_E_CONFIG, "table \"%s\": column \"%s\" is %s, and %s cannot place by that",
                           schema->table, f->name, f->n_labels ? "an enumeration" : sp_kind_name(f->type.kind),
                           words[p->placing]);
    }
    return SPATE_OK;
}

static void hash_rows(const sp_placement *p, const sp_batch *batch, uint64_t *hashes)
{
    memset(hashes, 0, batch->rows * sizeof(*hashes));
    for (uint32_t i = 0; i < p->n_key; i++)
        sp_pghash_column(&batch->columns[p->key[i]], batch->rows, hashes);
}

void sp_placement_slots(const sp_placement *p, const sp_batch *batch, uint16_t *slots)
{
    uint64_t hashes[SP_BATCH_ROWS_MAX];
    hash_rows(p, batch, hashes);
    for (uint32_t row = 0; row < batch->rows; row++)
        slots[row] = (uint16_t)(hashes[row] % SP_SLOTS);
}

static int64_t integer_at(const sp_column *c, uint32_t row)
{
    switch (c->type.kind) {
    case SP_I16: return ((const int16_t *)c->data)[row];
    case SP_I32: return ((const int32_t *)c->data)[row];
    default: return ((const int64_t *)c->data)[row];
    }
}

static uint8_t by_bounds(const sp_placement *p, int64_t key)
{
    unsigned low = 0, high = p->map.shards - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (key < p->bounds[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return (uint8_t)low;
}

static int order_of_items(const void *a, const void *b)
{
    sp_str x = ((const sp_list_item *)a)->value, y = ((const sp_list_item *)b)->value;
    int order = memcmp(x.p, y.p, SP_MIN(x.len, y.len));
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

void sp_list_sort(sp_list_item *items, uint32_t n)
{
    qsort(items, n, sizeof(*items), order_of_items);
}

static uint8_t by_list(const sp_placement *p, sp_str key)
{
    uint32_t low = 0, high = p->n_items;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        sp_str v = p->items[middle].value;
        int order = memcmp(key.p, v.p, SP_MIN(key.len, v.len));
        if (order == 0 && key.len == v.len)
            return (uint8_t)p->items[middle].shard;
        if (order < 0 || (order == 0 && key.len < v.len))
            high = middle;
        else
            low = middle + 1;
    }
    return (uint8_t)(p->map.shards - 1);
}

unsigned sp_placement_shard_of(const sp_placement *p, int64_t key)
{
    SP_ASSERT(p->placing != SP_PLACE_LIST);
    if (p->placing == SP_PLACE_HASH)
        return p->map.owner[sp_pghash_combine(0, sp_pghash_int8(key)) % SP_SLOTS];
    uint64_t size = key < 0 ? -(uint64_t)key : (uint64_t)key;
    return p->placing == SP_PLACE_RANGE ? by_bounds(p, key) : (unsigned)(size % p->map.shards);
}

static uint8_t by_value(const sp_placement *p, const sp_column *key, uint32_t row)
{
    if (sp_column_null(key, row))
        return 0;
    if (p->placing == SP_PLACE_LIST)
        return by_list(p, sp_column_str(key, row));
    return (uint8_t)sp_placement_shard_of(p, integer_at(key, row));
}

void sp_placement_route(const sp_placement *p, const sp_batch *batch, uint8_t *shards)
{
    uint64_t hashes[SP_BATCH_ROWS_MAX];
    if (p->placing == SP_PLACE_HASH) {
        hash_rows(p, batch, hashes);
        for (uint32_t row = 0; row < batch->rows; row++)
            shards[row] = p->map.owner[hashes[row] % SP_SLOTS];
        return;
    }
    for (uint32_t row = 0; row < batch->rows; row++)
        shards[row] = by_value(p, &batch->columns[p->key[0]], row);
}

/* ---- one placement beside another ---- */

bool sp_placement_is_same(const sp_placement *a, const sp_placement *b)
{
    if (a->placing != b->placing || a->map.shards != b->map.shards || a->n_items != b->n_items)
        return false;
    bool same = a->placing != SP_PLACE_HASH || memcmp(a->map.owner, b->map.owner, sizeof(a->map.owner)) == 0;
    for (unsigned i = 0; a->placing == SP_PLACE_RANGE && i + 1 < a->map.shards; i++)
        same = same && a->bounds[i] == b->bounds[i];
    for (uint32_t i = 0; i < a->n_items; i++) {
        sp_str x = a->items[i].value, y = b->items[i].value;
        same = same && a->items[i].shard == b->items[i].shard && x.len == y.len && memcmp(x.p, y.p, x.len) == 0;
    }
    return same;
}

/* Between [first, second) bounds of a shard; its ends are open to the sides. */
static bool ranges_meet(const sp_placement *a, unsigned x, const sp_placement *b, unsigned y)
{
    bool below = x + 1 < a->map.shards && y > 0 && a->bounds[x] <= b->bounds[y - 1];
    bool above = y + 1 < b->map.shards && x > 0 && b->bounds[y] <= a->bounds[x - 1];
    return !below && !above;
}

bool sp_placement_may_move(const sp_placement *before, const sp_placement *after, unsigned from, unsigned to)
{
    if (from == to || from >= before->map.shards || to >= after->map.shards)
        return false;
    if (before->placing == SP_PLACE_RANGE && after->placing == SP_PLACE_RANGE)
        return ranges_meet(before, from, after, to);
    if (before->placing != SP_PLACE_HASH || after->placing != SP_PLACE_HASH)
        return true;
    for (unsigned slot = 0; slot < SP_SLOTS; slot++)
        if (before->map.owner[slot] == from && after->map.owner[slot] == to)
            return true;
    return false;
}
