/* generate.c - spate_generate: binds a plan, its generator, a sink and the flow between them. */
#include "spate/generate.h"

#include "endpoint/generated.h"
#include "flow/flow.h"
#include "gen/gen.h"
#include "os/os.h"

typedef struct generate {
    spate_plan *plan;
    const spate_generate_options *options;
    sp_arena *arena; /* the report's */
    sp_gen *gen;
    sp_source *source;
    sp_sink *sink;
    sp_flow_table *tables;
    spate_generate_report *report;
    const char *job, *job_of; /* NULL: none */
    int64_t start_us;
} generate;

/* ---- progress ---- */

static double seconds_since(int64_t start_us, int64_t us)
{
    return us ? (double)SP_MAX(us - start_us, (int64_t)1) / 1e6 : 0;
}

static void copy_progress(generate *g, const sp_flow_table *from)
{
    for (size_t t = 0; t < g->report->n_tables; t++) {
        spate_table_progress *p = &g->report->tables[t];
        p->rows = from[t].rows;
        p->rows_done = from[t].rows_done;
        p->bytes = from[t].bytes;
        p->started = seconds_since(g->start_us, from[t].started_us);
        p->finished = seconds_since(g->start_us, from[t].finished_us);
    }
    g->report->seconds = seconds_since(g->start_us, sp_os_monotonic_us());
}

static void on_progress(void *arg, const sp_flow_table *tables, uint32_t n)
{
    generate *g = arg;
    copy_progress(g, tables);
    if (g->options->progress)
        g->options->progress(g->options->arg, g->report->tables, n, g->report->seconds);
}

/* ---- options ---- */

_Static_assert((int)SPATE_WORKERS_MAX == (int)SP_WORKERS_MAX, "what the header promises");

/* shop.yaml -> shop.duckdb, in the same directory; a plan from standard input goes to spate.duckdb. */
static const char *default_target(sp_arena *arena, const char *plan_path)
{
    if (strcmp(plan_path, "-") == 0)
        return "duckdb:spate.duckdb";
    const char *slash = strrchr(plan_path, '/'), *dot = strrchr(plan_path, '.');
    size_t stem = dot && (!slash || dot > slash + 1) && dot != plan_path ? (size_t)(dot - plan_path) : strlen(plan_path);
    return sp_arena_printf(arena, "duckdb:%.*s.duckdb", (int)stem, plan_path);
}

static int check_options(const generate *g, spate_error *err)
{
    const spate_generate_options *o = g->options;
    if (o->workers > SPATE_WORKERS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "%u workers are too many: at most %d", o->workers, SPATE_WORKERS_MAX);
    if (o->parts > 1 && o->part >= o->parts)
        return sp_fail(err, SPATE_E_USAGE, "there is no part %u of %u: parts count from 0", o->part, o->parts);
    if (o->parts > 1 && !o->to)
        return sp_fail(err, SPATE_E_USAGE, "a part needs a target: --to");
    for (size_t i = 0; i < o->n_tables; i++)
        if (sp_plan_find_table(g->plan, o->tables[i]) < 0)
            return sp_fail(err, SPATE_E_USAGE, "the plan has no table \"%s\"", o->tables[i]);
    return SPATE_OK;
}

/* ---- the job's name, and what it makes ---- */

static uint64_t mix_text(uint64_t digest, const char *text)
{
    return sp_hash64(text, strlen(text) + 1, digest);
}

/* All that the rows depend on, and which of them are to be made. */
static uint64_t digest_of(const generate *g)
{
    const spate_generate_options *o = g->options;
    uint64_t numbers[] = {g->plan->digest, o->seed ? *o->seed : g->plan->seed, o->part, SP_MAX(o->parts, 1u)};
    uint64_t digest = sp_hash64(numbers, sizeof(numbers), 0);
    for (uint32_t t = 0; t < g->plan->n_tables; t++)
        digest = sp_hash64(&g->plan->tables[t].rows, sizeof(uint64_t), digest);
    for (size_t i = 0; i < o->n_tables; i++)
        digest = mix_text(digest, o->tables[i]);
    return digest;
}

static int name_job(generate *g, spate_error *err)
{
    const char *name = g->options->job;
    if (!name)
        return SPATE_OK;
    size_t len = strlen(name), fit = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    if (len == 0 || fit < len || len > SPATE_JOB_NAME_MAX)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is no name for a job: it takes letters, digits, -, _ and ., at most %d", name,
                       SPATE_JOB_NAME_MAX);
    if (!g->options->to)
        return sp_fail(err, SPATE_E_USAGE, "a job needs a target: --to");
    g->job_of = sp_arena_printf(g->arena, "%016llx", (unsigned long long)digest_of(g));
    if (g->job_of)
        g->job = strcmp(name, "auto") == 0 ? sp_arena_printf(g->arena, "auto-%s", g->job_of) : sp_arena_strndup(g->arena, name, len);
    return g->job ? SPATE_OK : sp_fail_nomem(err);
}

static unsigned workers_of(const spate_generate_options *o)
{
    unsigned n = o->workers ? o->workers : sp_os_processors();
    return SP_MIN(n, (unsigned)SP_WORKERS_MAX);
}

static sp_sink_options sink_options(const generate *g)
{
    const spate_generate_options *o = g->options;
    static const sp_insert_mode modes[] = {
        [SPATE_INSERT_DEFAULT] = SP_INSERT_DEFAULT, [SPATE_INSERT_COPY] = SP_INSERT_COPY,
        [SPATE_INSERT_INSERT] = SP_INSERT_INSERT, [SPATE_INSERT_UPSERT] = SP_INSERT_UPSERT,
    };
    return (sp_sink_options){
        .mode = modes[o->insert_mode],
        .create = o->create || !o->to,
        .truncate = o->truncate || !o->to,
        .defer_constraints = o->defer_constraints,
        .batch_rows = o->batch_rows,
        .part = o->part,
        .parts = SP_MAX(o->parts, 1u),
        .lanes = workers_of(o),
        .dry_run = o->dry_run,
        .job = g->job,
        .job_of = g->job_of,
    };
}

/* ---- the run ---- */

static int name_tables(generate *g, spate_error *err)
{
    uint32_t n = g->source->n_tables;
    g->report->tables = sp_arena_alloc(g->arena, n, sizeof(*g->report->tables));
    g->tables = sp_arena_alloc(g->arena, n, sizeof(*g->tables));
    if (!g->report->tables || !g->tables)
        return sp_fail_nomem(err);
    for (uint32_t t = 0; t < n; t++) {
        const char *name = g->source->tables[t]->table;
        g->report->tables[t].name = sp_arena_strndup(g->arena, name, strlen(name));
        if (!g->report->tables[t].name)
            return sp_fail_nomem(err);
    }
    g->report->n_tables = n;
    return SPATE_OK;
}

static int open_target(generate *g, spate_error *err)
{
    const char *to = g->options->to ? g->options->to : default_target(g->arena, g->plan->path);
    sp_sink_options options = sink_options(g);
    int rc = to ? sp_sink_open(to, &options, &g->sink, err) : sp_fail_nomem(err);
    if (rc != SPATE_OK)
        return rc;
    const char *shown = g->sink->shown, *query = g->sink->how_to_query;
    g->report->to_stdout = g->sink->to_stdout;
    g->report->target = sp_arena_strndup(g->arena, shown, strlen(shown));
    g->report->how_to_query = query ? sp_arena_strndup(g->arena, query, strlen(query)) : NULL;
    return g->report->target && (g->report->how_to_query || !query) ? SPATE_OK : sp_fail_nomem(err);
}

/* A run that was stopped: what of it is where. */
static int tell_what_is_kept(generate *g, int rc, spate_error *err)
{
    uint64_t rows = 0, done = 0;
    for (size_t t = 0; t < g->report->n_tables; t++) {
        rows += g->report->tables[t].rows;
        done += g->report->tables[t].rows_done;
    }
    const char *partial = g->sink->shown_partial;
    const char *kept = partial && done ? sp_arena_strndup(g->arena, partial, strlen(partial)) : NULL;
    g->report->target = kept ? kept : g->report->target;
    if (rc != SPATE_E_INTERRUPTED)
        return rc;
    return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted; %llu of %llu rows are in %s", (unsigned long long)done,
                   (unsigned long long)rows, g->report->target);
}

static int move_rows(generate *g, spate_error *err)
{
    sp_flow_options options = {
        .workers = workers_of(g->options),
        .part = g->options->part,
        .parts = SP_MAX(g->options->parts, 1u),
        .cancel = g->options->cancel,
        .progress = on_progress,
        .arg = g,
    };
    g->start_us = sp_os_monotonic_us();
    int rc = sp_flow_run(g->source, g->sink, &options, g->tables, err);
    copy_progress(g, g->tables);
    g->report->job = g->options->dry_run ? NULL : g->job;
    return rc == SPATE_OK ? rc : tell_what_is_kept(g, rc, err);
}

static int run(generate *g, spate_error *err)
{
    uint64_t seed = g->options->seed ? *g->options->seed : g->plan->seed;
    int rc = name_job(g, err);
    if (rc == SPATE_OK)
        rc = open_target(g, err); /* first: whoever prints the report must know whether standard output is taken */
    if (rc == SPATE_OK && g->plan->mistakes.n_errors == 0) /* else the generator refuses, with all of the plan's mistakes */
        rc = check_options(g, err);
    if (rc == SPATE_OK)
        rc = sp_gen_new(g->plan, seed, &g->gen, err);
    if (rc == SPATE_OK)
        rc = sp_generated_open(g->gen, g->options->tables, g->options->n_tables, &g->source, err);
    if (rc == SPATE_OK)
        rc = name_tables(g, err);
    return rc == SPATE_OK ? move_rows(g, err) : rc;
}

int spate_generate(spate_plan *plan, const spate_generate_options *options, spate_generate_report *report, spate_error *err)
{
    *report = (spate_generate_report){0};
    sp_arena *arena = sp_alloc_zero(1, sizeof(*arena));
    if (!arena)
        return sp_fail_nomem(err);
    report->memory = arena;
    generate g = {.plan = plan, .options = options, .arena = arena, .report = report};
    int rc = run(&g, err);
    sp_sink_close(g.sink);
    if (g.source)
        g.source->ops->close(g.source);
    sp_gen_free(g.gen);
    return rc;
}

void spate_generate_report_done(spate_generate_report *report)
{
    if (report->memory) {
        sp_arena_done(report->memory);
        sp_free(report->memory);
    }
    *report = (spate_generate_report){0};
}
