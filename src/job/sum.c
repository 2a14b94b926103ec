/* sum.c - rows summed up: the sum, over all rows, of a hash of the row's cells.
 *
 * A cell's hash is of what it means, not of how it is kept, so that two endpoints which keep the same value in different types
 * agree: 5, 5.00 and 5e0 are one number, a date is its midnight, JSON is its tokens whatever their order and the space between
 * them. A sum does not depend on the order of rows, and unlike an exclusive or it does not lose rows that are there twice. */
#include "job/sum.h"

#include <math.h>

typedef struct sum_sink {
    sp_sink base;
    sp_arena arena;
    const sp_schema *const *as;
    sp_sum *sums;
    uint32_t **fields; /* a table: of each field of as, the column of the batch */
    bool cells;
} sum_sink;

typedef struct sum_lane {
    sp_lane base;
    uint32_t table;
    sp_sum sum;       /* of the chunk */
    uint64_t *hashes; /* of the batch's rows */
} sum_lane;

/* ---- cells ----------------------------------------------------------------------------------------- */

enum { NULL_HASH = 1, NUMBER = 2, REAL = 3, MOMENT = 4, TEXT = 5, LIST = 6, JSON = 7 };

static uint64_t hash_two(uint64_t kind, uint64_t a, uint64_t b)
{
    return sp_mix64(sp_mix64(a + kind * SP_PHI) ^ b);
}

/* magnitude / 10^scale, in lowest terms. */
static uint64_t hash_number(bool minus, uint64_t magnitude, unsigned scale)
{
    for (; scale && magnitude % 10 == 0; scale--)
        magnitude /= 10;
    return hash_two(NUMBER, magnitude, (uint64_t)scale << 1 | (minus && magnitude));
}

static uint64_t hash_integer(int64_t v, unsigned scale)
{
    return hash_number(v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, scale);
}

/* Reals that are whole, or decimals of few digits, are numbers like any other. */
static uint64_t hash_real(double v)
{
    uint64_t bits;
    char text[SP_F64_TEXT_MAX + SP_SLACK];
    int64_t n;
    if (isnan(v))
        return hash_two(REAL, 0, 0);
    if (fabs(v) < 0x1p53 && v == (double)(int64_t)v)
        return hash_integer((int64_t)v, 0);
    char *end = sp_put_f64(text, v);
    if (fabs(v) < 1e12 && sp_parse_decimal((sp_str){text, (size_t)(end - text)}, 6, &n))
        return hash_integer(n, 6);
    memcpy(&bits, &v, sizeof(bits));
    return hash_two(REAL, bits, 1);
}

static uint64_t hash_text(uint64_t kind, sp_str s)
{
    return sp_hash64(s.p ? s.p : "", s.len, kind);
}

/* The sum of the hashes of its strings and words; brackets and commas do not matter once it is known to be JSON. */
static uint64_t hash_json(sp_str s)
{
    uint64_t sum = JSON;
    for (size_t i = 0; i < s.len;) {
        size_t from = i++;
        if (s.p[from] == '"') {
            while (i < s.len && s.p[i] != '"')
                i += 1 + (s.p[i] == '\\');
            i = SP_MIN(i + 1, s.len);
        } else if (strchr(" \t\r\n,:[]{}", s.p[from])) {
            continue;
        } else {
            while (i < s.len && !strchr(" \t\r\n,:[]{}\"", s.p[i]))
                i++;
        }
        sum += hash_text(JSON, (sp_str){s.p + from, i - from});
    }
    return sp_mix64(sum);
}

static uint64_t hash_cell(const sp_column *c, uint32_t row)
{
    const void *data = c->data;
    if (sp_column_null(c, row))
        return NULL_HASH;
    switch (c->type.kind) {
    case SP_BOOL: return hash_integer(sp_bit(data, row), 0);
    case SP_I16: return hash_integer(((const int16_t *)data)[row], 0);
    case SP_I32: return hash_integer(((const int32_t *)data)[row], 0);
    case SP_I64: return hash_integer(((const int64_t *)data)[row], 0);
    case SP_U64: return hash_number(false, ((const uint64_t *)data)[row], 0);
    case SP_DECIMAL: return hash_integer(((const int64_t *)data)[row], c->type.scale);
    case SP_F32: return hash_real((double)((const float *)data)[row]);
    case SP_F64: return hash_real(((const double *)data)[row]);
    case SP_DATE: return hash_two(MOMENT, (uint64_t)((const int32_t *)data)[row] * (uint64_t)SP_US_PER_DAY, 0);
    case SP_TIME:
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: return hash_two(MOMENT, ((const uint64_t *)data)[row], 0);
    case SP_INTERVAL: return sp_hash64((const sp_interval *)data + row, sizeof(sp_interval), MOMENT);
    case SP_UUID: return sp_hash64((const uint8_t *)data + (size_t)row * 16, 16, TEXT);
    case SP_TEXT:
    case SP_BYTES: return hash_text(TEXT, sp_column_str(c, row));
    case SP_JSON: return hash_json(sp_column_str(c, row));
    case SP_LIST: {
        uint64_t h = LIST;
        for (int32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++)
            h = sp_mix64(h + hash_cell(c->child, (uint32_t)i));
        return h;
    }
    }
    return 0;
}

/* Where a target has no integer as wide, as PostgreSQL has none, an unsigned one comes back as its digits. */
static uint64_t hash_cell_as(sp_kind as, const sp_column *c, uint32_t row)
{
    uint64_t v;
    if (as == SP_U64 && c->type.kind == SP_TEXT && !sp_column_null(c, row) && sp_parse_u64(sp_column_str(c, row), &v))
        return hash_number(false, v, 0);
    return hash_cell(c, row);
}

/* ---- the sink --------------------------------------------------------------------------------------- */

static int map_fields(sum_sink *s, uint32_t table, const sp_schema *have, spate_error *err)
{
    const sp_schema *as = s->as[table];
    s->fields[table] = sp_arena_alloc(&s->arena, as->n_fields + 1, sizeof(uint32_t));
    if (!s->fields[table])
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < as->n_fields; i++) {
        int at = sp_schema_find(have, as->fields[i].name);
        if (at < 0)
            return sp_fail(err, SPATE_E_CONFIG, "table \"%s\" has no column \"%s\"", have->table, as->fields[i].name);
        s->fields[table][i] = (uint32_t)at;
    }
    return SPATE_OK;
}

static int prepare(sp_sink *sink, const sp_schema *const *tables, uint32_t n, spate_error *err)
{
    sum_sink *s = (sum_sink *)sink;
    s->fields = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->fields));
    if (!sp_sink_make_room(sink, &s->arena, n) || !s->fields)
        return sp_fail_nomem(err);
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < n && rc == SPATE_OK; t++) {
        sink->chunk_rows[t] = 64 << 10;
        rc = map_fields(s, t, tables[t], err);
    }
    return rc;
}

static int lane_open(sp_sink *sink, sp_lane **lane, spate_error *err)
{
    sum_lane *l = sp_alloc_zero(1, sizeof(*l) + SP_BATCH_ROWS_MAX * sizeof(uint64_t));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = sink;
    l->hashes = (uint64_t *)(l + 1);
    *lane = &l->base;
    return SPATE_OK;
}

static int begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    sum_lane *l = (sum_lane *)lane;
    l->table = chunk->table;
    l->sum = (sp_sum){0};
    return SPATE_OK;
}

static int write_batch(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    sum_lane *l = (sum_lane *)lane;
    const sum_sink *s = (const sum_sink *)lane->sink;
    l->sum.rows += batch->rows;
    if (!s->cells)
        return SPATE_OK;
    memset(l->hashes, 0, batch->rows * sizeof(*l->hashes));
    for (uint32_t i = 0; i < s->as[l->table]->n_fields; i++) {
        const sp_column *c = &batch->columns[s->fields[l->table][i]];
        sp_kind kind = s->as[l->table]->fields[i].type.kind;
        for (uint32_t row = 0; row < batch->rows; row++)
            l->hashes[row] = sp_mix64(l->hashes[row] + hash_cell_as(kind, c, row) + i);
    }
    for (uint32_t row = 0; row < batch->rows; row++)
        l->sum.checksum += l->hashes[row];
    return SPATE_OK;
}

static int commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    const sum_lane *l = (const sum_lane *)lane;
    sp_sum *to = &((sum_sink *)lane->sink)->sums[l->table];
    __atomic_fetch_add(&to->rows, l->sum.rows, __ATOMIC_RELAXED);
    __atomic_fetch_add(&to->checksum, l->sum.checksum, __ATOMIC_RELAXED);
    return SPATE_OK;
}

static void rollback(sp_lane *lane)
{
    ((sum_lane *)lane)->sum = (sp_sum){0};
}

static void lane_close(sp_lane *lane)
{
    sp_free(lane);
}

static int finish(sp_sink *sink, bool complete, spate_error *err)
{
    return SPATE_OK;
}

static void sink_close(sp_sink *sink)
{
    sp_arena_done(&((sum_sink *)sink)->arena);
    sp_free(sink);
}

static const sp_sink_ops ops = {
    .prepare = prepare,
    .lane_open = lane_open,
    .begin = begin,
    .write = write_batch,
    .commit = commit,
    .rollback = rollback,
    .lane_close = lane_close,
    .finish = finish,
    .close = sink_close,
};

int sp_sum_sink_open(const sp_schema *const *as, uint32_t n_tables, bool cells, sp_sum *sums, sp_sink **sink,
                     spate_error *err)
{
    sum_sink *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &ops;
    s->base.shown = "a checksum";
    s->as = as;
    s->cells = cells;
    s->sums = sums;
    memset(sums, 0, n_tables * sizeof(*sums));
    *sink = &s->base;
    return SPATE_OK;
}
