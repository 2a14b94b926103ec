/* lab_rows.c - spate_lab_distribute and spate_lab_check: binds a lab's layout to a plan, or to main's tables. */
#include "spate/lab.h"

#include "endpoint/generated.h"
#include "job/lab.h"
#include "job/lab_work.h"
#include "lab/check.h"
#include "lab/distribute.h"
#include "lab/link.h"

#include <stdio.h>

typedef struct distribute {
    spate_lab *lab;
    const spate_lab_distribute_options *options;
    spate_lab_report *report;
    sp_arena *arena; /* the report's */
    sp_gen *gen;
    sp_source *whole;
    sp_layout layout;
    sp_catalog frame; /* of main's tables */
    int64_t start_us;
    sp_work work;
} distribute;

static int start_report(spate_lab_report *report, sp_arena **arena, spate_error *err)
{
    *report = (spate_lab_report){0};
    *arena = sp_alloc_zero(1, sizeof(**arena));
    report->memory = *arena;
    return *arena ? SPATE_OK : sp_fail_nomem(err);
}

void spate_lab_report_done(spate_lab_report *report)
{
    if (report->memory) {
        sp_arena_done(report->memory);
        sp_free(report->memory);
    }
    *report = (spate_lab_report){0};
}

/* The lab may be closed before its report. */
static int describe_tables(const sp_layout *layout, sp_arena *arena, spate_lab_report *report, spate_error *err)
{
    report->tables = sp_arena_alloc(arena, layout->n + 1, sizeof(*report->tables));
    const char **notes = sp_arena_alloc(arena, layout->n_notes + 1, sizeof(*notes));
    bool ok = report->tables && notes;
    for (uint32_t t = 0; ok && t < layout->n; t++) {
        const sp_schema *s = layout->schemas[t];
        const sp_placement *p = layout->placements[t];
        const char *key = p ? s->fields[p->key[0]].name : NULL;
        spate_lab_table *out = &report->tables[t];
        out->name = sp_arena_strndup(arena, s->table, strlen(s->table));
        out->key = key ? sp_arena_strndup(arena, key, strlen(key)) : NULL;
        ok = out->name && (out->key || !key);
        report->n_tables += ok;
    }
    for (uint32_t i = 0; ok && i < layout->n_notes; i++) {
        notes[i] = sp_arena_strndup(arena, layout->notes[i], strlen(layout->notes[i]));
        ok = notes[i] != NULL;
        report->n_notes += ok;
    }
    report->notes = notes;
    return ok ? SPATE_OK : sp_fail_nomem(err);
}

static void add_rows(spate_lab_table *t, uint64_t rows)
{
    t->rows = t->key ? t->rows + rows : SP_MAX(t->rows, rows);
    t->rows_most = SP_MAX(t->rows_most, rows);
}

/* ---- distribute ---- */

/* Main's tables, but not what an export has put beside them, nor what jobs remember there. */
static int list_main(distribute *d, sp_source_options *options, spate_error *err)
{
    static const char sql[] =
        "SELECT CASE WHEN n.nspname = (pg_catalog.current_schemas(false))[1] THEN c.relname ELSE n.nspname || '.' || c.relname END"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition AND n.nspname !~ '^(pg_|spate_)' AND n.nspname <> 'information_schema'"
        " AND c.relname NOT IN ('spate_job', 'spate_chunk', 'spate_deferred_constraint') ORDER BY c.oid";
    PGresult *res = NULL;
    int rc = sp_lab_run_alone(&d->lab->lab.servers[0], sql, &res, err, "looking for tables");
    int n = rc == SPATE_OK ? sp_pq.ntuples(res) : 0;
    const char **names = sp_arena_alloc(d->arena, (size_t)n + 1, sizeof(*names));
    for (int i = 0; i < n && names && (names[i] = sp_arena_printf(d->arena, "%s", sp_pq.getvalue(res, i, 0))); i++)
        options->n_tables++;
    options->tables = names;
    if (rc == SPATE_OK && (!names || options->n_tables < (uint32_t)n))
        rc = sp_fail_nomem(err);
    if (res)
        sp_pq.clear(res);
    return rc;
}

static int open_main(distribute *d, spate_error *err)
{
    const spate_lab_distribute_options *o = d->options;
    sp_source_options options = {.tables = o->tables, .n_tables = (uint32_t)o->n_tables};
    int rc = o->n_tables ? SPATE_OK : list_main(d, &options, err);
    if (rc == SPATE_OK && options.n_tables == 0)
        return sp_fail(err, SPATE_E_USAGE, "main has no tables: give a plan, or put rows into main first");
    return rc == SPATE_OK ? sp_source_open(d->lab->lab.servers[0].uri, &options, &d->whole, err) : rc;
}

static int open_plan(distribute *d, spate_error *err)
{
    const spate_lab_distribute_options *o = d->options;
    int rc = o->n_tables ? sp_fail(err, SPATE_E_USAGE,
                                   "a plan is distributed as a whole: tables are named to copy them from main")
                         : SPATE_OK;
    for (uint32_t t = 0; t < o->plan->n_tables && rc == SPATE_OK; t++)
        if (o->plan->tables[t].from)
            rc = sp_fail(err, SPATE_E_USAGE,
                         "\"%s\" has rows of elsewhere: generate the plan into main, and distribute main",
                         o->plan->tables[t].name);
    if (rc == SPATE_OK)
        rc = sp_gen_new(o->plan, o->seed ? *o->seed : o->plan->seed, &d->gen, err);
    return rc == SPATE_OK ? sp_generated_open(d->gen, NULL, 0, &d->whole, err) : rc;
}

static int take_wishes(distribute *d, spate_error *err)
{
    int rc = SPATE_OK;
    for (size_t i = 0; i < d->options->n_by && rc == SPATE_OK; i++) {
        const spate_lab_by *by = &d->options->by[i];
        bool found = false;
        for (uint32_t t = 0; t < d->whole->n_tables; t++)
            found |= strcmp(d->whole->tables[t]->table, by->table) == 0;
        rc = found ? sp_lab_set_table(&d->lab->lab, by->table, by->column, err)
                   : sp_fail(err, SPATE_E_USAGE, "there is no table \"%s\" to place", by->table);
    }
    return rc;
}

/* What the shards' rows depend on: with another plan or placement it is another job. */
static const char *digest_of(const distribute *d)
{
    const sp_lab *lab = &d->lab->lab;
    const spate_plan *plan = d->options->plan;
    uint64_t digest = sp_hash64(&lab->map, sizeof(lab->map), lab->placing);
    for (uint32_t t = 0; t < d->layout.n; t++) {
        const sp_schema *s = d->layout.schemas[t];
        const sp_placement *p = d->layout.placements[t];
        digest = sp_hash64(s->table, strlen(s->table), digest);
        digest = sp_hash64(p ? p->key : NULL, p ? sizeof(*p->key) : 0, digest);
        if (plan)
            digest = sp_hash64(&s->rows, sizeof(s->rows), digest);
    }
    uint64_t more[] = {digest, plan ? plan->digest : 0, plan ? (d->options->seed ? *d->options->seed : plan->seed) : 0};
    if (lab->bounds)
        more[0] = sp_hash64(lab->bounds, (lab->map.shards - 1) * sizeof(*lab->bounds), more[0]);
    for (uint32_t i = 0; i < lab->n_items; i++)
        more[0] = sp_hash64(lab->items[i].value.p, lab->items[i].value.len, more[0] + lab->items[i].shard);
    return sp_arena_printf(d->arena, "%016llx", (unsigned long long)sp_hash64(more, sizeof(more), 0));
}

static double seconds_between(int64_t from_us, int64_t to_us)
{
    return to_us > from_us ? (double)(to_us - from_us) / 1e6 : 0;
}

static void on_progress(void *arg, const sp_shard_state *shards, uint32_t n)
{
    distribute *d = arg;
    int64_t now = sp_os_monotonic_us();
    d->report->seconds = seconds_between(d->start_us, now);
    for (uint32_t s = 0; s < n; s++) {
        spate_table_progress *p = &d->report->shards[s];
        p->rows = shards[s].finished_us ? shards[s].rows_done : shards[s].rows;
        p->rows_done = shards[s].rows_done;
        p->bytes = shards[s].bytes;
        p->started = seconds_between(d->start_us - 1, shards[s].started_us);
        p->finished = seconds_between(d->start_us, shards[s].finished_us);
    }
    sp_work_tell(&d->work, d->report->shards, n);
    if (d->options->progress)
        d->options->progress(d->options->arg, d->report->shards, n, d->report->seconds);
}

static int name_shards(distribute *d, spate_error *err)
{
    uint32_t n = d->lab->lab.map.shards;
    d->report->shards = sp_arena_alloc(d->arena, n, sizeof(*d->report->shards));
    for (uint32_t s = 0; d->report->shards && s < n; s++) {
        d->report->shards[s].name = sp_arena_printf(d->arena, "%s", sp_lab_shard(&d->lab->lab, s)->name);
        if (!d->report->shards[s].name)
            return sp_fail_nomem(err);
    }
    d->report->n_shards = d->report->shards ? n : 0;
    return d->report->shards ? SPATE_OK : sp_fail_nomem(err);
}

static unsigned workers_of(const distribute *d)
{
    unsigned shared = sp_os_processors() / d->lab->lab.map.shards;
    return d->options->workers ? d->options->workers : SP_MAX(shared, 1u);
}

static int run_flows(distribute *d, spate_error *err)
{
    const spate_lab_distribute_options *o = d->options;
    uint32_t shards = d->lab->lab.map.shards, tables = d->layout.n;
    sp_spreading run = {.lab = &d->lab->lab,
                        .layout = &d->layout,
                        .gen = d->gen,
                        .whole = d->whole,
                        .frame = o->plan ? NULL : &d->frame,
                        .replace = o->replace,
                        .batch_rows = o->batch_rows,
                        .workers = workers_of(d),
                        .cancel = o->cancel,
                        .progress = on_progress,
                        .arg = d};
    run.shards = sp_arena_alloc(d->arena, shards, sizeof(*run.shards));
    run.rows = sp_arena_alloc(d->arena, (size_t)shards * tables + 1, sizeof(*run.rows));
    run.job_of = digest_of(d);
    run.job = run.job_of ? sp_arena_printf(d->arena, "lab-%s", run.job_of) : NULL;
    if (!run.shards || !run.rows || !run.job)
        return sp_fail_nomem(err);
    d->start_us = sp_os_monotonic_us();
    sp_work_begin(&d->work, &d->lab->lab, "distribute");
    int rc = sp_distribute(&run, err);
    on_progress(d, run.shards, shards);
    sp_work_end(&d->work, rc, err);
    for (uint32_t s = 0; s < shards; s++)
        for (uint32_t t = 0; t < tables; t++)
            add_rows(&d->report->tables[t], run.rows[s * tables + t]);
    return rc;
}

static int read_frame(distribute *d, spate_error *err)
{
    int rc = sp_frame_read(&d->layout, &d->lab->lab.servers[0], d->arena, &d->frame, err);
    return rc == SPATE_OK ? sp_frame_note(&d->frame, d->arena, &d->layout, err) : rc;
}

static int distribute_locked(distribute *d, spate_error *err)
{
    int rc = sp_lab_refuse_moving(&d->lab->lab, err);
    if (rc == SPATE_OK)
        rc = d->options->plan ? open_plan(d, err) : open_main(d, err);
    if (rc == SPATE_OK)
        rc = take_wishes(d, err);
    if (rc == SPATE_OK)
        rc = sp_layout_make(&d->lab->lab, d->whole, &d->layout, err);
    if (rc == SPATE_OK && !d->options->plan)
        rc = read_frame(d, err);
    if (rc == SPATE_OK)
        rc = describe_tables(&d->layout, d->arena, d->report, err);
    if (rc == SPATE_OK)
        rc = name_shards(d, err);
    if (rc == SPATE_OK)
        rc = sp_lab_save(&d->lab->lab,
                         err); /* before the rows: whoever looks at them later has to know where they belong */
    return rc == SPATE_OK ? run_flows(d, err) : rc;
}

int spate_lab_distribute(spate_lab *lab, const spate_lab_distribute_options *options, spate_lab_report *report,
                         spate_error *err)
{
    distribute d = {.lab = lab, .options = options, .report = report};
    int lock = -1, rc = start_report(report, &d.arena, err);
    if (rc == SPATE_OK)
        rc = sp_lab_lock(lab->lab.directory, &lock, err);
    if (rc == SPATE_OK)
        rc = distribute_locked(&d, err);
    sp_source_close(d.whole);
    sp_gen_free(d.gen);
    sp_lab_unlock(lock);
    return rc;
}

/* ---- check ---- */

/* The sum of a placed table over all shards is main's; a copied one is main's on each. Sums are whole decimal numbers, so they are
 * compared as the servers wrote them, or added here. */
static void judge_table(const sp_lab *lab, const sp_layout *layout, const sp_table_count *counts, uint32_t table,
                        spate_lab_table *out)
{
    const sp_table_count *main = &counts[table];
    __int128 all = 0, of_main = sp_read_sum(main->sum);
    bool each_same = true;
    for (uint32_t i = 1; i < lab->n_servers; i++) {
        const sp_table_count *c = &counts[i * layout->n + table];
        __int128 one = sp_read_sum(c->sum);
        all += one;
        each_same &= c->rows == main->rows && one == of_main;
        add_rows(out, c->rows);
        out->misplaced += c->misplaced;
    }
    out->on_main = main->is_there;
    out->same = main->sum[0] && (out->key ? out->rows == main->rows && all == of_main : each_same);
}

static int open_shard_tables(sp_lab *lab, sp_source **source, spate_error *err)
{
    const char **names = sp_arena_alloc(&lab->arena, lab->n_tables + 1, sizeof(*names));
    if (!names)
        return sp_fail_nomem(err);
    if (lab->n_tables == 0)
        return sp_fail(err, SPATE_E_USAGE, "nothing has been distributed in this lab yet");
    for (uint32_t i = 0; i < lab->n_tables; i++)
        names[i] = lab->tables[i].name;
    sp_source_options options = {.tables = names, .n_tables = lab->n_tables};
    return sp_source_open(sp_lab_shard(lab, 0)->uri, &options, source, err);
}

int sp_lab_layout(sp_lab *lab, sp_source **source, sp_layout *layout, spate_error *err)
{
    int rc = open_shard_tables(lab, source, err);
    return rc == SPATE_OK ? sp_layout_make(lab, *source, layout, err) : rc;
}

static int check(sp_lab *lab, sp_arena *arena, const sp_layout *layout, spate_lab_report *report, spate_error *err)
{
    sp_table_count *counts = sp_arena_alloc(arena, (size_t)lab->n_servers * layout->n + 1, sizeof(*counts));
    int rc = counts ? sp_lab_count(lab, layout, counts, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = describe_tables(layout, arena, report, err);
    for (uint32_t t = 0; t < layout->n && rc == SPATE_OK; t++)
        judge_table(lab, layout, counts, t, &report->tables[t]);
    return rc;
}

int spate_lab_check(spate_lab *lab, spate_lab_report *report, spate_error *err)
{
    sp_arena *arena;
    sp_source *source = NULL;
    sp_layout layout = {0};
    int64_t start = sp_os_monotonic_us();
    int rc = start_report(report, &arena, err);
    if (rc == SPATE_OK)
        rc = sp_lab_layout(&lab->lab, &source, &layout, err);
    if (rc == SPATE_OK)
        rc = check(&lab->lab, arena, &layout, report, err);
    sp_source_close(source);
    report->seconds = seconds_between(start, sp_os_monotonic_us());
    return rc;
}

/* ---- the sample ---- */

int spate_lab_sample_plan(uint64_t users, spate_plan **plan, spate_error *err)
{
    static const char text[] =
        "seed: 1\n"
        "tables:\n"
        "  - name: users\n"
        "    rows: %llu\n"
        "    columns:\n"
        "      - {name: id, inc: 1, type: bigint, primary_key: true}\n"
        "      - {name: name, value: '${name}'}\n"
        "      - {name: email, value: '${email}'}\n"
        "      - {name: country, value: '${country_abr}'}\n"
        "      - {name: balance, range: float, type: 'numeric(12,2)', props: {min: 0, max: 10000}}\n"
        "      - {name: created_at, range: timestamp, props: {min: 2020-01-01, max: 2026-01-01}}\n"
        "  - name: products\n"
        "    rows: 500\n"
        "    columns:\n"
        "      - {name: id, inc: 1, primary_key: true}\n"
        "      - {name: name, value: '${product_name}'}\n"
        "      - {name: price, range: float, type: 'numeric(10,2)', props: {min: 1, max: 500}}\n"
        "  - name: orders\n"
        "    rows: %llu\n"
        "    columns:\n"
        "      - {name: id, inc: 1, type: bigint, primary_key: true}\n"
        "      - {name: user_id, ref: users.id}\n"
        "      - {name: product_id, ref: products.id}\n"
        "      - {name: amount, range: float, type: 'numeric(10,2)', props: {min: 1, max: 900}}\n"
        "      - {name: created_at, range: timestamp, props: {min: 2020-01-01, max: 2026-01-01}}\n";
    char yaml[sizeof(text) + 64];
    int len = snprintf(yaml, sizeof(yaml), text, (unsigned long long)users, (unsigned long long)(users * 2));
    int rc = sp_plan_parse("the sample plan", yaml, (size_t)len, plan, err);
    return rc;
}
