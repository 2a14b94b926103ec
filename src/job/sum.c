/* sum.c - a sink that keeps nothing of its rows but how many there were and the checksum of their cells. */
#include "job/sum.h"

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
    sp_sum sum; /* of the chunk */
} sum_lane;

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
    sum_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = sink;
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
    if (s->cells)
        sp_sum_add(&l->sum, batch, s->as[l->table], s->fields[l->table]);
    else
        l->sum.rows += batch->rows;
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
