/* predicate.c - a placement as a condition in PostgreSQL's own SQL, for servers that choose or check rows by themselves.
 *
 * PostgreSQL has the extended hash functions that its partitions use, but no unsigned 64-bit numbers: remainders are taken of numbers with
 * a sign, and put right. What the partition hash adds to a single column's hash comes with it. */
#include "lab/layout.h"

#include "codec/codec.h"

/* The call that hashes a column of the kind; %s is the column. NULL: none can be called. */
static const char *hash_call(sp_kind kind)
{
    switch (kind) {
    case SP_I16: return "hashint2extended(%s,8816678312871386365)";
    case SP_I32: return "hashint4extended(%s,8816678312871386365)";
    case SP_I64: return "hashint8extended(%s,8816678312871386365)";
    case SP_F32: return "hashfloat4extended(%s,8816678312871386365)";
    case SP_F64: return "hashfloat8extended(%s,8816678312871386365)";
    case SP_DECIMAL: return "hash_numeric_extended(%s,8816678312871386365)";
    case SP_DATE: return "hashint4extended(%s - DATE '2000-01-01',8816678312871386365)";
    case SP_TIME: return "time_hash_extended(%s,8816678312871386365)";
    case SP_TIMESTAMP: return "timestamp_hash_extended(%s,8816678312871386365)";
    case SP_TIMESTAMPTZ: return "timestamp_hash_extended(%s AT TIME ZONE 'UTC',8816678312871386365)";
    case SP_INTERVAL: return "interval_hash_extended(%s,8816678312871386365)";
    case SP_UUID: return "uuid_hash_extended(%s,8816678312871386365)";
    case SP_TEXT: return "hashtextextended((%s)::text,8816678312871386365)";
    default: return NULL;
    }
}

static int cannot_hash(const sp_field *key, spate_error *err)
{
    return sp_fail(err, SPATE_E_CONFIG, "column \"%s\" is %s: servers cannot be asked for the hash of such", key->name,
                   sp_kind_name(key->type.kind));
}

/* call with its %s filled in. */
static int add_call(sp_buf *out, const char *call, const char *column)
{
    const char *at = strstr(call, "%s");
    return sp_buf_add(out, call, (size_t)(at - call)) || sp_buf_adds(out, column) || sp_buf_adds(out, at + 2);
}

/* The partition hash of the column modulo modulus. What the server's function gives, h, is its number less CONSTANT, with a sign; so
 *
 *     hash = h + CONSTANT, and 2^64 more where h < -CONSTANT: below zero also then
 *
 * and since % keeps the sign, modulus is added once. */
static int add_remainder(sp_buf *out, const char *call, const char *column, unsigned modulus)
{
    const uint64_t constant = UINT64_C(0x49a0f4dd15e5a8e3);
    unsigned wrap = (unsigned)((UINT64_MAX % modulus + 1) % modulus), add = modulus + (unsigned)(constant % modulus);
    return sp_buf_adds(out, "((") || add_call(out, call, column) ||
           sp_buf_printf(out, " %% %u + CASE WHEN ", modulus) || add_call(out, call, column) ||
           sp_buf_printf(out, " < -%llu THEN %u ELSE %u END) %% %u)", (unsigned long long)constant, add + wrap, add,
                         modulus);
}

static int add_hash(const sp_placement *p, const char *call, const char *column, unsigned shard, sp_buf *out)
{
    const char *between = " = ANY ('{";
    if (sp_slot_map_is_fresh(&p->map))
        return add_remainder(out, call, column, p->map.shards) || sp_buf_printf(out, " = %u", shard);
    int built = add_remainder(out, call, column, SP_SLOTS);
    for (unsigned slot = 0; slot < SP_SLOTS && !built; slot++)
        if (p->map.owner[slot] == shard) {
            built = sp_buf_printf(out, "%s%u", between, slot);
            between = ",";
        }
    return built || sp_buf_adds(out, *between == ',' ? "}'::int8[])" : " = ANY ('{}'::int8[])");
}

static int add_range(const sp_placement *p, const char *column, unsigned shard, sp_buf *out)
{
    int built = sp_buf_adds(out, "true");
    if (shard > 0)
        built = built || sp_buf_printf(out, " AND %s >= %lld", column, (long long)p->bounds[shard - 1]);
    if (shard + 1 < p->map.shards)
        built = built || sp_buf_printf(out, " AND %s < %lld", column, (long long)p->bounds[shard]);
    return built;
}

/* The last shard has what no other one has. */
static int add_list(const sp_placement *p, const char *column, unsigned shard, sp_buf *out)
{
    bool last = shard + 1 == p->map.shards;
    int built = sp_buf_printf(out, last ? "NOT ((%s)::text = ANY (ARRAY[" : "((%s)::text = ANY (ARRAY[", column);
    const char *between = "";
    for (uint32_t i = 0; i < p->n_items && !built; i++)
        if ((p->items[i].shard == shard) != last) {
            built = sp_buf_adds(out, between) || sp_sql_literal(out, p->items[i].value);
            between = ", ";
        }
    return built || sp_buf_adds(out, "]::text[]))");
}

/* A row without a key is where placement.h puts it. */
static bool has_nulls(const sp_placement *p, unsigned shard)
{
    return shard == (p->placing == SP_PLACE_HASH ? p->map.owner[0] : 0);
}

int sp_placement_slot_sql(const sp_field *key, const char *column, sp_buf *out, spate_error *err)
{
    const char *call = hash_call(key->type.kind);
    if (!call)
        return cannot_hash(key, err);
    int built = sp_buf_adds(out, "coalesce(") || add_remainder(out, call, column, SP_SLOTS) || sp_buf_adds(out, ", 0)");
    return built ? sp_fail_nomem(err) : SPATE_OK;
}

int sp_placement_sql(const sp_placement *p, const sp_field *key, const char *column, unsigned shard, sp_buf *out,
                     spate_error *err)
{
    const char *call = hash_call(key->type.kind);
    int built = sp_buf_adds(out, "coalesce(");
    switch (p->placing) {
    case SP_PLACE_HASH:
        if (!call)
            return cannot_hash(key, err);
        built = built || add_hash(p, call, column, shard, out);
        break;
    case SP_PLACE_MODULO:
        built = built || sp_buf_printf(out, "abs((%s)::numeric) %% %u = %u", column, p->map.shards, shard);
        break;
    case SP_PLACE_RANGE: built = built || add_range(p, column, shard, out); break;
    case SP_PLACE_LIST: built = built || add_list(p, column, shard, out); break;
    }
    built = built || sp_buf_printf(out, ", %s)", has_nulls(p, shard) ? "true" : "false");
    return built ? sp_fail_nomem(err) : SPATE_OK;
}
