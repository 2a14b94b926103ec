/* plan_source.c - a plan (shop.yaml) as a source: its rows are made when they are asked for, never kept.
 *
 * The same rows as 'spate generate' makes of it, and so the same again whenever the plan is read again: verifying compares with a
 * second making. The source owns the plan and its generator; ranges are generated.c's. */
#include "endpoint/endpoints.h"
#include "endpoint/masked.h"

#include <stdio.h>

typedef struct plan_source {
    sp_source base;
    sp_source_ops ops; /* the rows' own, but for opening and closing */
    sp_arena arena;
    spate_plan *plan;
    sp_gen *gen;
    sp_source *rows;
} plan_source;

static int reader_open(sp_source *s, sp_reader **reader, spate_error *err)
{
    plan_source *p = (plan_source *)s;
    return p->rows->ops->reader_open(p->rows, reader, err);
}

static void source_close(sp_source *s)
{
    plan_source *p = (plan_source *)s;
    if (p->rows)
        p->rows->ops->close(p->rows);
    sp_gen_free(p->gen);
    spate_plan_free(p->plan);
    sp_arena_done(&p->arena);
    sp_free(p);
}

/* All of the plan's mistakes, where the reader of an error looks for more. */
static int tell_mistakes(const plan_source *p, int rc, spate_error *err)
{
    sp_buf text = {0};
    size_t n = p->plan && rc == SPATE_E_CONFIG ? spate_plan_mistakes(p->plan) : 0;
    for (size_t i = 0; i < n; i++) {
        const spate_mistake *m = spate_plan_mistake(p->plan, i);
        const char *quote = *m->found ? "\"" : "";
        if (m->fatal && sp_buf_printf(&text, "%s%s:%u:%u: %s%s%s%s%s", text.len ? "\n" : "", m->file, m->line,
                                      m->column, quote, m->found, quote, *m->found ? " " : "", m->message))
            break;
    }
    if (text.len)
        sp_error_detail(err, "%.*s", (int)text.len, text.data);
    sp_buf_done(&text);
    return rc;
}

static int read_seed(sp_uri *uri, uint64_t *seed, spate_error *err)
{
    const char *text = sp_uri_param_value(uri, "seed");
    if (text && !spate_parse_count(text, seed))
        return sp_fail(err, SPATE_E_USAGE, "seed is a whole number, not \"%s\"", text);
    return SPATE_OK;
}

static int open_rows(plan_source *p, sp_uri *uri, const sp_source_options *o, spate_error *err)
{
    int rc = spate_plan_open(uri->path, &p->plan, err);
    uint64_t seed = rc == SPATE_OK ? p->plan->seed : 0;
    if (rc == SPATE_OK)
        rc = read_seed(uri, &seed, err);
    if (rc == SPATE_OK)
        rc = sp_gen_new(p->plan, seed, &p->gen, err);
    if (rc != SPATE_OK)
        return tell_mistakes(p, rc, err);
    if (o->emptied)
        rc = sp_masked_refuse_itself(p->plan, o->tables, o->n_tables, o->emptied, err);
    if (rc == SPATE_OK)
        rc = sp_masked_open(p->plan, p->gen, o->tables, o->n_tables, (sp_share){0, 1}, &p->rows, err);
    if (rc != SPATE_OK)
        return rc;
    p->base = *p->rows;
    p->ops = *p->rows->ops;
    p->ops.reader_open = reader_open;
    p->ops.close = source_close;
    p->base.ops = &p->ops;
    p->base.shown = sp_uri_shown(uri->text, &p->arena);
    return p->base.shown ? SPATE_OK : sp_fail_nomem(err);
}

static int source_open(sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    plan_source *p = sp_alloc_zero(1, sizeof(*p));
    if (!p)
        return sp_fail_nomem(err);
    sp_arena_init(&p->arena);
    int rc = open_rows(p, uri, options, err);
    if (rc == SPATE_OK)
        *out = &p->base;
    else
        source_close(&p->base);
    return rc;
}

const sp_endpoint sp_endpoint_plan = {.schemes = {"plan"}, .params = "seed", .source_open = source_open, .whole_rows = true};
