/* lab_bench.c - spate_lab_bench: the same questions to main and to the shards, answers compared first, then times. */
#include "spate/lab.h"

#include "codec/codec.h"
#include "job/lab_trial.h"
#include "lab/budget.h"
#include "lab/cache.h"
#include "lab/index.h"
#include "lab/load.h"
#include "lab/way.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert(SPATE_LAB_ON_REPLICAS == 1 << SP_WAY_REPLICAS, "targets are bits by ways");

enum { KEYS_MAX = 20000, FILE_MAX = 1 << 20 };

typedef struct bench {
    sp_lab *lab;
    const spate_lab_bench_options *options;
    spate_lab_bench_report *report;
    sp_arena *arena;
    sp_layout layout;
    const sp_query *queries;
    uint32_t n_queries;
    uint32_t key_table;
    sp_key *keys;
    uint32_t n_keys;
    sp_trial *trial;
    sp_way ways[SP_WAYS + 1]; /* that are measured, main first where it is */
    uint32_t n_ways;
    sp_writing writing;
    double cpu; /* that each server has now; 0: no limit */
    sp_index_trial trial_indexes;
    bool indexed; /* they are there */
} bench;

const double spate_lab_curve[SPATE_LAB_CURVE] = {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1};

/* ---- keys ---- */

/* The router's word for the keys that came from a shard: if it looked for them elsewhere, it would find nothing. */
static int route_keys(bench *b, unsigned from, uint32_t first, spate_error *err)
{
    const sp_schema *s = b->layout.schemas[b->key_table];
    sp_placement p = *b->layout.placements[b->key_table];
    const sp_schema one = {.table = s->table, .fields = &s->fields[p.key[0]], .n_fields = 1};
    static const uint32_t zero = 0;
    sp_batch batch;
    uint8_t shards[SP_BATCH_ROWS_MAX];
    p.key = &zero;
    int rc = sp_batch_init(&batch, &one, err);
    if (rc != SPATE_OK)
        return rc;
    for (uint32_t at = first; at < b->n_keys && rc == SPATE_OK; at += batch.rows) {
        sp_batch_reset(&batch);
        uint32_t n = SP_MIN(b->n_keys - at, (uint32_t)SP_BATCH_ROWS_MAX);
        for (uint32_t i = 0; i < n && rc == SPATE_OK; i++)
            if (sp_cell_read(&batch.columns[0], i, sp_str_of(b->keys[at + i].text)) != SPATE_OK)
                rc = sp_fail(err, SPATE_E_DATA, "\"%s\" cannot be read as a key", b->keys[at + i].text);
        batch.rows = n;
        if (rc == SPATE_OK)
            sp_placement_route(&p, &batch, shards);
        for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
            b->keys[at + i].shard = shards[i];
            if (shards[i] != from)
                rc = sp_fail(err, SPATE_E_DATA, "key %s is on shard%u, and belongs on shard%u: see 'spate lab check'",
                             b->keys[at + i].text, from, shards[i]);
        }
    }
    sp_batch_done(&batch);
    return rc;
}

/* About so many keys, from all over the table. */
static int build_sample(const bench *b, uint32_t wanted, sp_buf *sql)
{
    const sp_schema *s = b->layout.schemas[b->key_table];
    const char *key = s->fields[b->layout.placements[b->key_table]->key[0]].name;
    sp_buf name = {0};
    int built =
        sp_sql_ident(&name, s->table) || sp_buf_adds(sql, "SELECT k FROM (SELECT ") || sp_sql_name(sql, key) ||
        sp_buf_adds(sql, "::text AS k FROM ") || sp_buf_add(sql, name.data, name.len) ||
        sp_buf_printf(
            sql,
            " LIMIT CASE WHEN (SELECT reltuples FROM pg_class WHERE oid = '%s'::regclass) > %u THEN 0 ELSE %u END) small"
            " UNION ALL SELECT k FROM (SELECT ",
            sp_pg_string(&name), 20 * wanted, wanted) ||
        sp_sql_name(sql, key) || sp_buf_adds(sql, "::text AS k FROM ") || sp_buf_add(sql, name.data, name.len) ||
        sp_buf_printf(
            sql,
            " TABLESAMPLE BERNOULLI (5) WHERE (SELECT reltuples FROM pg_class WHERE oid = '%s'::regclass) > %u"
            " LIMIT %u) large",
            sp_pg_string(&name), 20 * wanted, wanted);
    sp_buf_done(&name);
    return built;
}

static int sample_shard(bench *b, unsigned shard, spate_error *err)
{
    const sp_lab_server *s = sp_lab_shard(b->lab, shard);
    PGresult *res = NULL;
    sp_buf sql = {0};
    uint32_t first = b->n_keys;
    int rc = build_sample(b, KEYS_MAX / b->lab->map.shards, &sql)
                 ? sp_fail_nomem(err)
                 : sp_lab_run_alone(s, sp_pg_string(&sql), &res, err, "sampling keys");
    for (int i = 0; rc == SPATE_OK && i < sp_pq.ntuples(res); i++) {
        const char *text = sp_pq.getvalue(res, i, 0);
        b->keys[b->n_keys].text = sp_arena_strndup(b->arena, text, strlen(text));
        rc = b->keys[b->n_keys++].text ? SPATE_OK : sp_fail_nomem(err);
    }
    sp_pq.clear(res);
    sp_buf_done(&sql);
    return rc == SPATE_OK ? route_keys(b, shard, first, err) : rc;
}

static int sample_keys(bench *b, spate_error *err)
{
    b->keys = sp_arena_alloc(b->arena, KEYS_MAX + 1, sizeof(*b->keys));
    int rc = b->keys ? SPATE_OK : sp_fail_nomem(err);
    for (unsigned s = 0; s < b->lab->map.shards && rc == SPATE_OK; s++)
        rc = sample_shard(b, s, err);
    if (rc == SPATE_OK && b->n_keys == 0)
        rc = sp_fail(err, SPATE_E_USAGE, "table \"%s\" has no rows to ask for", b->layout.schemas[b->key_table]->table);
    return rc;
}

/* ---- queries ---- */

static int read_queries(bench *b, spate_error *err)
{
    const char *file = b->options->file;
    sp_buf text = {0};
    int rc = sp_queries_built_in(&b->layout, b->arena, &b->queries, &b->n_queries, &b->key_table, err);
    if (rc != SPATE_OK || !file)
        return rc;
    rc = sp_os_read_file(file, FILE_MAX, &text, err);
    if (rc == SPATE_OK)
        rc = sp_queries_read(file, text.data, b->arena, &b->queries, &b->n_queries, err);
    sp_buf_done(&text);
    return rc;
}

static bool is_wanted(const bench *b, const sp_query *q)
{
    for (size_t i = 0; i < b->options->n_queries; i++)
        if (strcmp(b->options->queries[i], q->name) == 0)
            return true;
    return b->options->n_queries == 0;
}

static int check_wishes(const bench *b, spate_error *err)
{
    for (size_t i = 0; i < b->options->n_queries; i++) {
        bool found = false;
        for (uint32_t q = 0; q < b->n_queries; q++)
            found |= strcmp(b->options->queries[i], b->queries[q].name) == 0;
        if (!found)
            return sp_fail(err, SPATE_E_USAGE, "there is no query \"%s\" here", b->options->queries[i]);
    }
    return SPATE_OK;
}

/* ---- measuring ---- */

static sp_load load_of(const bench *b, const sp_query *q, const sp_way *way)
{
    const spate_lab_bench_options *o = b->options;
    unsigned users = o->users ? o->users : q->by_key ? SP_MIN(8 * b->lab->map.shards, 64u) : 2;
    double seconds = o->seconds > 0 ? o->seconds : 5;
    return (sp_load){.way = way,
                     .query = q,
                     .writing = q->by_key && o->writes > 0 ? &b->writing : NULL,
                     .writes = o->writes,
                     .keys = b->keys,
                     .n_keys = b->n_keys,
                     .users = users,
                     .rate = o->rate,
                     .seconds = seconds,
                     .seed = o->seed,
                     .cancel = o->cancel,
                     .moment = sp_trial_moment,
                     .arg = b->trial,
                     .moment_s = sp_trial_moment_s(seconds)};
}

static void fill_measure(const sp_load *l, const sp_load_result *r, spate_lab_measure *m)
{
    *m = (spate_lab_measure){.query = m->query,
                             .target = m->target,
                             .cpu = m->cpu,
                             .indexed = m->indexed,
                             .label = m->label,
                             .users = l->users,
                             .rate_asked = l->rate,
                             .seconds = r->seconds,
                             .answers = r->response.n,
                             .errors = r->errors,
                             .unserved = r->unserved};
    m->cache_hits = r->counts.hits;
    m->cache_misses = r->counts.misses;
    m->writes = r->counts.writes;
    m->own_unseen = r->counts.own_unseen;
    m->rate = r->seconds > 0 ? (double)r->response.n / r->seconds : 0;
    m->p50_ms = (double)sp_hist_at(&r->response, 0.5) / 1e6;
    m->p90_ms = (double)sp_hist_at(&r->response, 0.9) / 1e6;
    m->p99_ms = (double)sp_hist_at(&r->response, 0.99) / 1e6;
    m->p999_ms = (double)sp_hist_at(&r->response, 0.999) / 1e6;
    m->max_ms = (double)r->response.max / 1e6;
    for (size_t i = 0; i < SPATE_LAB_CURVE; i++)
        m->curve_ms[i] = (double)sp_hist_at(&r->response, spate_lab_curve[i]) / 1e6;
    m->service_p99_ms = (double)sp_hist_at(&r->service, 0.99) / 1e6;
    if (r->errors)
        snprintf(m->error, sizeof(m->error), "%.*s", (int)sizeof(m->error) - 1, r->first_error.message);
}

/* A cache that is warm from the measurement before would be no cache that has to be filled. */
static int clear_cache(const sp_way *way, spate_error *err)
{
    sp_cache *cache = NULL;
    int rc = way->cache ? sp_cache_open(way->cache, &cache, err) : SPATE_OK;
    if (rc == SPATE_OK && cache)
        rc = sp_cache_clear(cache, err);
    sp_cache_close(cache);
    return rc;
}

static int measure(bench *b, const sp_query *q, const sp_way *way, spate_error *err)
{
    sp_load l = load_of(b, q, way);
    sp_load_result *r = sp_alloc(sizeof(*r));
    spate_lab_measure *m = &b->report->measures[b->report->n_measures];
    if (!r)
        return sp_fail_nomem(err);
    m->query = sp_arena_strndup(b->arena, q->name, strlen(q->name));
    m->target = way->name;
    m->cpu = b->cpu;
    m->indexed = b->indexed;
    m->label = b->cpu > 0 ? sp_arena_printf(b->arena, "%s, %.2f cpu%s", m->target, b->cpu, b->indexed ? ", index" : "")
                          : sp_arena_printf(b->arena, "%s%s", m->target, b->indexed ? ", index" : "");
    int rc = m->query && m->label ? clear_cache(way, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        sp_trial_measuring(b->trial, m->query, m->label, l.users);
    if (rc == SPATE_OK)
        rc = sp_load_run(&l, r, err);
    if (rc == SPATE_OK) {
        fill_measure(&l, r, m);
        sp_trial_measured(b->trial, m);
        b->report->n_measures++;
        if (b->options->measured)
            b->options->measured(b->options->arg, m);
    }
    sp_free(r);
    return rc;
}

/* A wrong answer is worth nothing, however fast: all ways give what the first one gives. */
static int compare_way(const bench *b, const sp_query *q, const sp_way *first, const sp_way *way, spate_error *err)
{
    sp_load one_load = load_of(b, q, first), other_load = load_of(b, q, way);
    sp_answer one, other;
    for (uint32_t i = 0; i < (q->has_key ? 3 : 1); i++) {
        const sp_key *key = &b->keys[i * (b->n_keys - 1) / 2];
        int rc = sp_load_ask(&one_load, key, &one, err);
        for (int again = 0; rc == SPATE_OK && again <= (way->cache != NULL);
             again++) { /* a cache answers the second time */
            rc = sp_load_ask(&other_load, key, &other, err);
            if (rc == SPATE_OK && !sp_answer_same(q, &one, &other))
                rc = sp_fail(err, SPATE_E_DATA,
                             "query \"%s\": %s and the %s give different answers (%llu and %llu rows)", q->name,
                             first->name, way->name, (unsigned long long)one.rows, (unsigned long long)other.rows);
        }
        if (rc != SPATE_OK)
            return rc;
    }
    return SPATE_OK;
}

static int compare_answers(const bench *b, const sp_query *q, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 1; i < b->n_ways && rc == SPATE_OK; i++)
        if (sp_way_fits(&b->ways[i], q)) {
            rc = clear_cache(&b->ways[i], err);
            if (rc == SPATE_OK)
                rc = compare_way(b, q, &b->ways[0], &b->ways[i], err);
        }
    return rc;
}

static bool stopped(const bench *b)
{
    return b->options->cancel && __atomic_load_n(b->options->cancel, __ATOMIC_RELAXED);
}

/* What each server is to have besides what there is; 0: nothing. A budget that was asked for and cannot be is a failure, one that nobody
 * asked for a remark. */
static int choose_budget(bench *b, double *cpu, spate_error *err)
{
    double asked = b->options->cpu;
    spate_error why = {0};
    *cpu = 0;
    if (asked < 0)
        return SPATE_OK;
    if (asked > 0 && !sp_lab_cpu_fits(asked))
        return sp_fail(err, SPATE_E_USAGE, "%g is no share of the processors for a server: 0.01 or more, such as 0.3",
                       asked);
    int rc = sp_budget_check(b->lab, &why);
    if (rc == SPATE_OK)
        *cpu = asked > 0 ? asked : b->lab->cpu > 0 ? b->lab->cpu : sp_budget_suggested(b->lab->map.shards);
    else if (asked > 0 && err)
        *err = why;
    else if (!(b->report->no_budgets = sp_arena_strndup(b->arena, why.message, strlen(why.message))))
        return sp_fail_nomem(err);
    return asked > 0 ? rc : SPATE_OK;
}

static int set_budget(bench *b, double cpu, spate_error *err)
{
    int rc = sp_budget_set(b->lab, cpu, err);
    b->cpu = rc == SPATE_OK ? cpu : b->cpu;
    return rc;
}

static int measure_ways(bench *b, const sp_query *q, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < b->n_ways && rc == SPATE_OK; i++) {
        if (sp_way_fits(&b->ways[i], q))
            rc = measure(b, q, &b->ways[i], err);
        if (rc == SPATE_OK && stopped(b))
            rc = sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
    }
    return rc;
}

/* On all that the machine has, and then, with cpu above 0, under that budget. */
static int measure_budgets(bench *b, const sp_query *q, double cpu, spate_error *err)
{
    int rc = cpu > 0 ? set_budget(b, 0, err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = measure_ways(b, q, err);
    if (rc == SPATE_OK && cpu > 0)
        rc = set_budget(b, cpu, err);
    return rc == SPATE_OK && cpu > 0 ? measure_ways(b, q, err) : rc;
}

/* ---- indexes to try ---- */

static int explain(bench *b, const sp_query *q, const char **plan, spate_error *err)
{
    const sp_lab_server *s = &b->lab->servers[b->trial_indexes.main ? 0 : 1];
    uint32_t k = 0; /* a key that the server has */
    while (s != b->lab->servers && k + 1 < b->n_keys && b->keys[k].shard != 0)
        k++;
    return sp_index_explain(s, q, q->has_key ? b->keys[k].text : NULL, b->arena, plan, err);
}

static int make_indexes(bench *b, spate_error *err)
{
    sp_index_trial *t = &b->trial_indexes;
    int rc = sp_index_make(b->lab, t, err);
    for (uint32_t i = 0; i < t->n && rc == SPATE_OK; i++)
        b->report->indexes[i] = (spate_lab_index){t->definitions[i], t->main_bytes[i], t->shard_bytes[i]};
    b->report->n_indexes = rc == SPATE_OK ? t->n : 0;
    b->report->index_seconds = t->seconds;
    b->indexed = rc == SPATE_OK;
    return rc;
}

/* The same with the indexes, which go again whatever came of it. */
static int try_indexes(bench *b, const sp_query *q, double cpu, spate_error *err)
{
    spate_lab_plan *p = &b->report->plans[b->report->n_plans];
    *p = (spate_lab_plan){.query = q->name, .server = b->lab->servers[b->trial_indexes.main ? 0 : 1].name};
    int rc = explain(b, q, &p->before, err);
    if (rc == SPATE_OK && cpu > 0)
        rc = set_budget(b, 0, err);
    if (rc == SPATE_OK)
        rc = make_indexes(b, err);
    if (rc != SPATE_OK)
        return rc;
    rc = explain(b, q, &p->after, err);
    b->report->n_plans += rc == SPATE_OK;
    if (rc == SPATE_OK)
        rc = measure_budgets(b, q, cpu, err);
    if (cpu > 0)
        (void)!set_budget(b, 0, NULL);
    int dropped = sp_index_drop(b->lab, &b->trial_indexes, rc == SPATE_OK ? err : NULL);
    b->indexed = false;
    return rc == SPATE_OK ? dropped : rc;
}

static int prepare_indexes(bench *b, spate_error *err)
{
    const spate_lab_bench_options *o = b->options;
    sp_index_trial *t = &b->trial_indexes;
    if (o->n_indexes > SP_INDEX_MAX)
        return sp_fail(err, SPATE_E_USAGE, "at most %d indexes can be tried together", SP_INDEX_MAX);
    *t = (sp_index_trial){.definitions = o->indexes, .n = (uint32_t)o->n_indexes};
    for (uint32_t i = 0; i < b->n_ways; i++) {
        bool through_main = strcmp(b->ways[i].name, sp_way_name(SP_WAY_COORDINATOR)) == 0;
        t->shards |= b->ways[i].sharded || through_main;
        t->main |= !b->ways[i].sharded && !through_main;
    }
    b->report->indexes = sp_arena_alloc(b->arena, o->n_indexes + 1, sizeof(*b->report->indexes));
    b->report->plans = sp_arena_alloc(b->arena, b->n_queries + 1, sizeof(*b->report->plans));
    if (!b->report->indexes || !b->report->plans)
        return sp_fail_nomem(err);
    return t->n ? sp_index_drop(b->lab, t, err) : SPATE_OK; /* what a killed run has left would be in the times */
}

/* ---- all queries ---- */

static int run_query(bench *b, const sp_query *q, double cpu, spate_error *err)
{
    int rc = compare_answers(b, q, err);
    if (rc == SPATE_OK)
        rc = measure_budgets(b, q, cpu, err);
    return rc == SPATE_OK && b->trial_indexes.n ? try_indexes(b, q, cpu, err) : rc;
}

/* Behind it the servers have what lab.yaml says. */
static int run_queries(bench *b, spate_error *err)
{
    double cpu;
    int rc = choose_budget(b, &cpu, err);
    b->report->measures =
        sp_arena_alloc(b->arena, (size_t)4 * b->n_ways * b->n_queries + 1, sizeof(*b->report->measures));
    if (rc == SPATE_OK && !b->report->measures)
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = prepare_indexes(b, err);
    for (uint32_t i = 0; i < b->n_queries && rc == SPATE_OK; i++)
        if (is_wanted(b, &b->queries[i]))
            rc = run_query(b, &b->queries[i], cpu, err);
    int restored = cpu > 0 ? sp_budget_set(b->lab, b->lab->cpu, rc == SPATE_OK ? err : NULL) : SPATE_OK;
    return rc == SPATE_OK ? restored : rc;
}

static int find_ways(bench *b, spate_error *err)
{
    const spate_lab_bench_options *o = b->options;
    unsigned targets = o->targets  ? o->targets
                       : o->engine ? SPATE_LAB_ON_MAIN
                                   : SPATE_LAB_ON_MAIN | SPATE_LAB_ON_SHARDS;
    int rc = SPATE_OK;
    for (unsigned k = 0; k < SP_WAYS && rc == SPATE_OK; k++)
        if (targets & 1u << k)
            rc = sp_way_make(b->lab, &b->layout, k, &b->ways[b->n_ways++], err);
    if (rc == SPATE_OK && o->engine)
        rc = sp_way_to(b->lab, o->engine, &b->ways[b->n_ways++], err);
    if (rc == SPATE_OK && o->writes > 0)
        rc = sp_way_writing(&b->layout, b->key_table, b->arena, &b->writing, err);
    return rc;
}

static int check_options(const spate_lab_bench_options *o, spate_error *err)
{
    if (o->users > SP_LOAD_USERS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "%u users are too many: at most %d", o->users, SP_LOAD_USERS_MAX);
    if (!(o->writes >= 0 && o->writes <= 1))
        return sp_fail(err, SPATE_E_USAGE, "the share of questions that write is from 0 to 1, not %g", o->writes);
    return SPATE_OK;
}

int spate_lab_bench(spate_lab *lab, const spate_lab_bench_options *options, spate_lab_bench_report *report,
                    spate_error *err)
{
    bench b = {.lab = &lab->lab, .options = options, .report = report};
    sp_source *source = NULL;
    *report = (spate_lab_bench_report){0};
    report->memory = b.arena = sp_alloc_zero(1, sizeof(*b.arena));
    int rc = b.arena ? check_options(options, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_refuse_moving(b.lab, err); /* shards have rows that are another's, too: totals would be wrong */
    if (rc == SPATE_OK)
        rc = sp_lab_layout(b.lab, &source, &b.layout, err);
    if (rc == SPATE_OK)
        rc = read_queries(&b, err);
    if (rc == SPATE_OK)
        rc = check_wishes(&b, err);
    if (rc == SPATE_OK)
        rc = sample_keys(&b, err);
    if (rc == SPATE_OK)
        rc = find_ways(&b, err);
    if (rc == SPATE_OK)
        rc = sp_trial_begin(b.lab, options, &b.trial, err);
    if (rc == SPATE_OK)
        rc = run_queries(&b, err);
    if (b.trial)
        rc = sp_trial_end(b.trial, rc, err);
    sp_source_close(source);
    return rc;
}

void spate_lab_bench_report_done(spate_lab_bench_report *report)
{
    if (report->memory) {
        sp_arena_done(report->memory);
        sp_free(report->memory);
    }
    *report = (spate_lab_bench_report){0};
}
