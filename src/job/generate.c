/* generate.c - spate_generate: binds a plan, its generator, a sink and the flow between them. */
#include "spate/generate.h"

#include "codec/codec.h"
#include "endpoint/catalog.h"
#include "endpoint/masked.h"
#include "gen/gen.h"
#include "job/move.h"

typedef struct generate {
    spate_plan *plan;
    const spate_generate_options *options;
    sp_gen *gen;
    sp_move move;
    const char *job, *job_of; /* NULL: none */
} generate;

/* shop.yaml -> shop.duckdb, in the same directory; a plan from standard input goes to spate.duckdb. */
static const char *default_target(sp_arena *arena, const char *plan_path)
{
    if (strcmp(plan_path, "-") == 0)
        return "duckdb:spate.duckdb";
    const char *slash = strrchr(plan_path, '/'), *dot = strrchr(plan_path, '.');
    size_t stem =
        dot && (!slash || dot > slash + 1) && dot != plan_path ? (size_t)(dot - plan_path) : strlen(plan_path);
    return sp_arena_printf(arena, "duckdb:%.*s.duckdb", (int)stem, plan_path);
}

static int check_options(const generate *g, spate_error *err)
{
    const spate_generate_options *o = g->options;
    int rc = sp_move_check_workers(o->workers, err);
    if (rc != SPATE_OK)
        return rc;
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
    const spate_generate_options *o = g->options;
    return o->job ? sp_job_name(g->move.arena, o->job, digest_of(g), o->to, &g->job, &g->job_of, err) : SPATE_OK;
}

/* ---- the run ---- */

static sp_sink_options sink_options(const generate *g)
{
    const spate_generate_options *o = g->options;
    return (sp_sink_options){
        .mode = sp_move_mode(o->insert_mode),
        .create = o->create || !o->to,
        .truncate = o->truncate || !o->to,
        .defer_constraints = o->defer_constraints,
        .batch_rows = o->batch_rows,
        .part = o->part,
        .parts = SP_MAX(o->parts, 1u),
        .lanes = sp_move_workers(o->workers),
        .dry_run = o->dry_run,
        .cancel = o->cancel,
        .job = g->job,
        .job_of = g->job_of,
    };
}

/* What the plan declares of its tables, read as a script of CREATE statements is. NULL and no mistake: nothing. */
static int read_declared(generate *g, const sp_catalog **catalog, spate_error *err)
{
    const char *sql = g->plan->create;
    sp_catalog *c = sql ? sp_arena_alloc(g->move.arena, 1, sizeof(*c)) : NULL;
    *catalog = c;
    if (!sql)
        return SPATE_OK;
    if (!c)
        return sp_fail_nomem(err);
    sp_catalog_init(c, g->move.arena);
    c->dialect = SP_SQL_POSTGRES;
    c->default_space = "";
    return sp_catalog_read_sql(c, sql, strlen(sql)) && sp_catalog_link(c) ? SPATE_OK : sp_fail_nomem(err);
}

static int open_target(generate *g, spate_error *err)
{
    const char *to = g->options->to ? g->options->to : default_target(g->move.arena, g->plan->path);
    sp_sink_options options = sink_options(g);
    int rc = to ? SPATE_OK : sp_fail_nomem(err);
    if (rc == SPATE_OK && options.truncate)
        rc = sp_masked_refuse_itself(g->plan, g->options->tables, g->options->n_tables, to, err);
    if (rc == SPATE_OK && options.create)
        rc = read_declared(g, &options.catalog, err);
    return rc == SPATE_OK ? sp_move_open_target(&g->move, to, &options, err) : rc;
}

static sp_job_run run_of(const generate *g)
{
    const spate_generate_options *o = g->options;
    return (sp_job_run){.folder = o->dry_run ? NULL : o->jobs,
                        .name = g->job,
                        .of = g->job_of,
                        .kind = "generate",
                        .source = g->plan->path,
                        .to = o->to,
                        .part = o->part,
                        .parts = o->parts,
                        .words = o->command,
                        .n_words = o->n_command};
}

static int make_rows(generate *g, spate_error *err)
{
    uint64_t seed = g->options->seed ? *g->options->seed : g->plan->seed;
    int rc = open_target(g, err); /* first: whoever prints the report must know whether standard output is taken */
    if (rc == SPATE_OK &&
        g->plan->mistakes.n_errors == 0) /* else the generator refuses, with all of the plan's mistakes */
        rc = check_options(g, err);
    if (rc == SPATE_OK)
        rc = sp_gen_new(g->plan, seed, &g->gen, err);
    if (rc == SPATE_OK)
        rc = sp_gen_sample(g->gen, err);
    sp_share share = {g->options->part, SP_MAX(g->options->parts, 1u)};
    if (rc == SPATE_OK)
        rc = sp_masked_open(g->plan, g->gen, g->options->tables, g->options->n_tables, share, &g->move.source, err);
    if (rc == SPATE_OK) {
        rc = sp_move_rows(&g->move, err);
        g->move.report->job = g->options->dry_run ? NULL : g->job;
    }
    return rc;
}

static int run(generate *g, spate_error *err)
{
    bool done = false;
    int rc = name_job(g, err);
    sp_job_run job = run_of(g);
    if (rc == SPATE_OK)
        rc = sp_move_enter(&g->move, &job, &done, err);
    if (rc == SPATE_OK && !done)
        rc = make_rows(g, err);
    return sp_move_leave(&g->move, &job, rc, err);
}

int spate_generate(spate_plan *plan, const spate_generate_options *options, spate_generate_report *report,
                   spate_error *err)
{
    *report = (spate_generate_report){0};
    sp_arena *arena = sp_alloc_zero(1, sizeof(*arena));
    if (!arena)
        return sp_fail_nomem(err);
    report->memory = arena;
    generate g = {.plan = plan, .options = options};
    g.move = (sp_move){.arena = arena,
                       .report = report,
                       .workers = options->workers,
                       .part = options->part,
                       .parts = options->parts,
                       .cancel = options->cancel,
                       .progress = options->progress,
                       .arg = options->arg};
    int rc = run(&g, err);
    sp_move_done(&g.move);
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
