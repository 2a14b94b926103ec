/* store.c - a store of rows (path.spate) as a sink: several tables in one file, a block a chunk.
 *
 * A new file is written as PATH.partial and gets its name when it is whole; one that is there is appended to, or with --truncate
 * replaced. A lane encodes its chunk as soon as it has all of the rows, so that only writing waits for its turn; rows get
 * their numbers in the order of the plan. A commit is a write: it survives the death of this process, and the file is synced when it is
 * finished. */
#include "endpoint/endpoints.h"
#include "endpoint/store_sink.h"
#include "os/os.h"

#include <stdlib.h>

typedef sp_store_sink store_sink;

typedef struct store_lane {
    sp_lane base;
    sp_appender *appender; /* of one table at a time: the memory of many would be large */
    uint32_t table;
    uint64_t bytes; /* of the appender, when the chunk began */
} store_lane;

/* ---- prepare ----------------------------------------------------------------------------------- */

static bool same_type(const sp_type *a, const sp_type *b)
{
    if (a->kind != b->kind || (a->kind == SP_DECIMAL && (a->precision != b->precision || a->scale != b->scale)))
        return false;
    return a->kind != SP_LIST || same_type(a->item, b->item);
}

static int check_columns(const store_sink *s, const sp_schema *there, const sp_schema *want, spate_error *err)
{
    if (there->n_fields != want->n_fields)
        return sp_fail(err, SPATE_E_CONFIG, "table \"%s\" of \"%s\" has %u columns, not %u", want->table, s->path,
                       there->n_fields, want->n_fields);
    for (uint32_t i = 0; i < want->n_fields; i++)
        if (strcmp(there->fields[i].name, want->fields[i].name) != 0 ||
            !same_type(&there->fields[i].type, &want->fields[i].type))
            return sp_fail(err, SPATE_E_CONFIG, "column %u of table \"%s\" of \"%s\" is \"%s\" (%s), not \"%s\" (%s)",
                           i + 1, want->table, s->path, there->fields[i].name, sp_kind_name(there->fields[i].type.kind),
                           want->fields[i].name, sp_kind_name(want->fields[i].type.kind));
    return SPATE_OK;
}

static int add_tables(store_sink *s, bool only_check, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t t = 0; rc == SPATE_OK && t < s->n_tables; t++) {
        int found = s->store ? sp_lexicon_find_table(&s->store->catalog, s->tables[t]->table) : -1;
        if (found >= 0) {
            s->numbers[t] = (uint32_t)found;
            rc = check_columns(s, s->store->catalog.tables[found].schema, s->tables[t], err);
        } else if (!only_check) {
            rc = sp_store_add_table(s->store, s->tables[t], &s->numbers[t], err);
        }
    }
    return rc;
}

/* Looks at a file that is there before anything is changed. */
static int open_store(store_sink *s, spate_error *err)
{
    bool dry = s->base.options.dry_run;
    s->fresh = s->base.options.truncate || !sp_os_exists(s->path);
    if (s->fresh)
        s->written_as = sp_arena_printf(&s->arena, "%s.partial", s->path);
    if (!s->written_as)
        return sp_fail_nomem(err);
    if (s->store || s->whole || (s->fresh && dry)) /* a run before has made it */
        return SPATE_OK;
    if (!s->fresh && s->memory.job) {
        sp_fail(err, SPATE_E_USAGE, "a job writes a new store, and \"%s\" is there", s->path);
        sp_error_hint(err, "--truncate replaces it");
        return SPATE_E_USAGE;
    }
    if (!s->fresh)
        return sp_store_open(s->path, !dry, &s->store, err);
    int rc = sp_os_unlink(s->written_as, err);
    return rc == SPATE_OK ? sp_store_create(s->written_as, SPATE_STORE_USER_BYTES, &s->store, err) : rc;
}

static int prepare(sp_sink *sink, const sp_schema *const *tables, uint32_t n, spate_error *err)
{
    store_sink *s = (store_sink *)sink;
    s->tables = tables;
    s->n_tables = n;
    s->numbers = sp_arena_alloc(&s->arena, n, sizeof *s->numbers);
    s->written = sp_arena_alloc(&s->arena, n, sizeof *s->written);
    if (!s->numbers || !s->written || !sp_sink_make_room(sink, &s->arena, n))
        return sp_fail_nomem(err);
    for (uint32_t t = 0; t < n; t++)
        sink->chunk_rows[t] = sp_appender_block_rows(tables[t]);
    sink->order = SP_ORDER_TABLE;
    int rc = sp_job_memory_init(&s->memory, &s->arena, &sink->options, tables, n, err);
    if (rc == SPATE_OK && s->memory.job)
        rc = sp_store_job_recall(s, err);
    if (rc == SPATE_OK)
        rc = open_store(s, err);
    bool only_check = sink->options.dry_run || !s->store;
    return rc == SPATE_OK ? add_tables(s, only_check, err) : rc;
}

/* ---- lanes ------------------------------------------------------------------------------------- */

static int lane_open(sp_sink *sink, sp_lane **lane, spate_error *err)
{
    store_lane *l = sp_alloc_zero(1, sizeof *l);
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = sink;
    *lane = &l->base;
    return SPATE_OK;
}

static int begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    store_lane *l = (store_lane *)lane;
    const store_sink *s = (const store_sink *)lane->sink;
    if (!l->appender || l->table != chunk->table) {
        spate_appender_close(l->appender);
        l->appender = NULL;
        l->table = chunk->table;
        int rc = spate_appender_open(s->store, s->numbers[chunk->table], &l->appender, err);
        if (rc == SPATE_OK && s->decimals >= 0)
            rc = spate_appender_round_off(l->appender, (unsigned)s->decimals, err);
        if (rc == SPATE_OK && s->packing != SPATE_PACKED_NOT)
            rc = spate_appender_pack(l->appender, s->packing, err);
        if (rc != SPATE_OK)
            return rc;
        sp_appender_hold(l->appender);
    }
    l->bytes = sp_appender_bytes(l->appender);
    return SPATE_OK;
}

static int write_batch(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    return sp_append_columns(((store_lane *)lane)->appender, batch->columns, 0, batch->rows, err);
}

/* A write says what is wrong with a row, but may have taken those before it. */
static int check(sp_lane *lane, spate_error *err)
{
    return SPATE_OK;
}

static int commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    store_lane *l = (store_lane *)lane;
    store_sink *s = (store_sink *)lane->sink;
    if (s->memory.job)
        pthread_mutex_lock(&s->lock);
    int rc = spate_appender_flush(l->appender, err);
    if (rc == SPATE_OK && s->memory.job)
        rc = sp_store_job_commit(s, chunk, rows, err);
    if (s->memory.job)
        pthread_mutex_unlock(&s->lock);
    if (rc == SPATE_OK)
        sp_sink_wrote(lane->sink, chunk->table, sp_appender_bytes(l->appender) - l->bytes);
    return rc;
}

static void rollback(sp_lane *lane)
{
    store_lane *l = (store_lane *)lane;
    if (l->appender)
        sp_appender_drop(l->appender);
}

static void lane_close(sp_lane *lane)
{
    store_lane *l = (store_lane *)lane;
    spate_appender_close(l->appender);
    sp_free(l);
}

/* ---- the end ----------------------------------------------------------------------------------- */

static int finish(sp_sink *sink, bool complete, spate_error *err)
{
    store_sink *s = (store_sink *)sink;
    if (!s->store || sink->options.dry_run)
        return SPATE_OK;
    int rc = s->memory.job ? sp_store_job_stop(s, complete, err) : SPATE_OK;
    if (rc == SPATE_OK &&
        (complete || !s->memory.job)) /* what a job has left is cut where it remembers: no index may be behind that */
        rc = sp_store_finish(s->store, err);
    sp_store_close(s->store);
    s->store = NULL;
    return rc == SPATE_OK && complete && s->fresh ? sp_os_publish(s->written_as, s->path, err) : rc;
}

static void close_sink(sp_sink *sink)
{
    store_sink *s = (store_sink *)sink;
    sp_store_close(s->store);
    pthread_mutex_destroy(&s->lock);
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_sink_ops ops = {
    .prepare = prepare,
    .lane_open = lane_open,
    .begin = begin,
    .write = write_batch,
    .check = check,
    .commit = commit,
    .rollback = rollback,
    .lane_close = lane_close,
    .finish = finish,
    .forget = sp_store_job_forget,
    .abandon = sp_store_job_abandon,
    .close = close_sink,
};

/* "shop.spate" of part 0 of 3 is "shop.0-of-3.spate": one writer a file. */
static const char *part_path(store_sink *s, const char *path)
{
    const sp_sink_options *o = &s->base.options;
    if (o->parts <= 1)
        return sp_arena_strndup(&s->arena, path, strlen(path));
    const char *dot = strrchr(path, '.');
    int stem = dot && strchr(dot, '/') == NULL ? (int)(dot - path) : (int)strlen(path);
    return sp_arena_printf(&s->arena, "%.*s.%u-of-%u%s", stem, path, o->part, o->parts, path + stem);
}

static int refuse_mode(const sp_sink_options *o, spate_error *err)
{
    if (o->mode == SP_INSERT_DEFAULT || o->mode == SP_INSERT_COPY)
        return SPATE_OK;
    return sp_fail(err, SPATE_E_USAGE, "rows are appended to a store: --insert-mode does not go with it");
}

static int read_decimals(sp_uri *uri, int *decimals, spate_error *err)
{
    const char *value = sp_uri_param_value(uri, "round_off");
    *decimals = -1;
    if (!value)
        return SPATE_OK;
    char *end;
    unsigned long n = strtoul(value, &end, 10);
    if (end == value || *end || n > SPATE_DECIMALS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "round_off=\"%s\": expected how many decimals floats keep, 0 to %d", value,
                       SPATE_DECIMALS_MAX);
    *decimals = (int)n;
    return SPATE_OK;
}

static int read_packing(sp_uri *uri, spate_packing *packing, spate_error *err)
{
    const char *value = sp_uri_param_value(uri, "pack");
    *packing = !value ? SPATE_PACKED_NOT : strcmp(value, "lz4") == 0 ? SPATE_PACKED_LZ4 : SPATE_PACKED_ZSTD;
    if (value && *packing == SPATE_PACKED_ZSTD && strcmp(value, "zstd") != 0)
        return sp_fail(err, SPATE_E_USAGE, "pack=\"%s\": expected lz4 or zstd", value);
    return SPATE_OK;
}

static int sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    spate_packing packing;
    int decimals, rc = refuse_mode(options, err);
    if (rc == SPATE_OK)
        rc = read_decimals(uri, &decimals, err);
    if (rc == SPATE_OK)
        rc = read_packing(uri, &packing, err);
    store_sink *s = rc == SPATE_OK ? sp_alloc_zero(1, sizeof *s) : NULL;
    if (!s)
        return rc == SPATE_OK ? sp_fail_nomem(err) : rc;
    sp_arena_init(&s->arena);
    pthread_mutex_init(&s->lock, NULL);
    s->base.ops = &ops;
    s->base.options = *options;
    s->decimals = decimals;
    s->packing = packing;
    s->path = s->written_as = part_path(s, uri->path);
    s->base.shown = s->path ? sp_arena_printf(&s->arena, "%s", s->path) : NULL;
    s->base.shown_partial = s->path ? sp_arena_printf(&s->arena, "%s.partial", s->path) : NULL;
    s->base.how_to_query = s->path ? sp_arena_printf(&s->arena, "spate store scan %s --limit 10", s->path) : NULL;
    if (!s->base.how_to_query) {
        close_sink(&s->base);
        return sp_fail_nomem(err);
    }
    *sink = &s->base;
    return SPATE_OK;
}

const sp_endpoint sp_endpoint_store = {
    .schemes = {"spate"},
    .params = "round_off, pack",
    .sink_open = sink_open,
    .source_open = sp_store_source_open,
    .describe = sp_store_describe,
};
