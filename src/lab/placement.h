/* placement.h - which shard a row lives on.
 *
 * A row's key gives it a slot, and a map gives each slot its shard. With hash, the slot is PostgreSQL's partition hash modulo
 * SP_SLOTS, and since SP_SLOTS is divisible by every small number of shards, a fresh map of n shards puts a row exactly where
 * PARTITION BY HASH with MODULUS n would. Going from n to m shards moves whole slots and as few of them as balance allows: a
 * quarter for 3 to 4, where hashing anew would move three quarters. */
#ifndef SP_LAB_PLACEMENT_H
#define SP_LAB_PLACEMENT_H

#include "lab/pghash.h"

enum {
    SP_SLOTS = 960, /* divisible by 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20 ... */
    SP_SHARDS_MAX = 96,
};

typedef enum sp_placing {
    SP_PLACE_HASH,   /* by slot */
    SP_PLACE_MODULO, /* key modulo the number of shards, of the absolute value: for integer keys */
    SP_PLACE_RANGE,  /* by bounds: integer keys below bounds[i] are on shard i, the rest on the last */
    SP_PLACE_LIST,   /* by value: texts; those not listed are on the last shard */
} sp_placing;

typedef struct sp_slot_map {
    unsigned shards;
    uint8_t owner[SP_SLOTS];
} sp_slot_map;

/* slot % shards, as the server's partitions are numbered. */
void sp_slot_map_init(sp_slot_map *map, unsigned shards);
bool sp_slot_map_is_fresh(const sp_slot_map *map);
bool sp_slot_map_owns(const sp_slot_map *map, unsigned shard);
unsigned sp_slot_map_end(const sp_slot_map *map); /* behind the last shard that owns any */
/* The same rows on another number of shards: shards that go give all their slots away, the others end with as even a share as can
 * be, and no slot moves without need. Returns how many slots move; which, is where the maps differ. */
unsigned sp_slot_map_resize(const sp_slot_map *from, unsigned shards, sp_slot_map *to);

typedef struct sp_list_item {
    sp_str value;
    uint32_t shard;
} sp_list_item;

/* By value, as a placement needs them. */
void sp_list_sort(sp_list_item *items, uint32_t n);

typedef struct sp_placement {
    sp_placing placing;
    const uint32_t *key; /* fields, n_key of them; only hash may have several */
    uint32_t n_key;
    sp_slot_map map;           /* map.shards counts whatever the placing */
    const int64_t *bounds;     /* SP_PLACE_RANGE: map.shards - 1 of them, rising */
    const sp_list_item *items; /* SP_PLACE_LIST, sorted by value */
    uint32_t n_items;
} sp_placement;

/* The shard of a whole number; a list has none. */
unsigned sp_placement_shard_of(const sp_placement *p, int64_t key);
/* Whether both put every key on the same shard, whatever the key's column. */
bool sp_placement_is_same(const sp_placement *a, const sp_placement *b);
/* Whether a key may be on the one shard by before and on the other by after. */
bool sp_placement_may_move(const sp_placement *before, const sp_placement *after, unsigned from, unsigned to);

/* Refuses a key that cannot be placed so: no key, an unhashable type, a modulo of texts. SPATE_E_CONFIG. */
int sp_placement_check(const sp_placement *p, const sp_schema *schema, spate_error *err) SP_MUST_CHECK;
/* The shard of each of the batch's rows. A row whose key is null in all columns is where a hash of nothing is: slot 0, or shard 0. */
void sp_placement_route(const sp_placement *p, const sp_batch *batch, uint8_t *shards);
/* The slots of the batch's rows: SP_PLACE_HASH. */
void sp_placement_slots(const sp_placement *p, const sp_batch *batch, uint16_t *slots);

#endif
