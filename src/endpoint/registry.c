/* registry.c - which endpoint a URI means. */
#include "endpoint/catalog.h"
#include "endpoint/endpoints.h"

static const sp_endpoint *const endpoints[] = {
    &sp_endpoint_file,
    &sp_endpoint_duckdb,
    &sp_endpoint_sqlite,
    &sp_endpoint_postgres,
    &sp_endpoint_mariadb,
};

static const sp_endpoint *find_endpoint(const char *scheme)
{
    for (size_t i = 0; i < SP_COUNT(endpoints); i++)
        for (size_t j = 0; endpoints[i]->schemes[j]; j++)
            if (strcmp(endpoints[i]->schemes[j], scheme) == 0)
                return endpoints[i];
    return NULL;
}

/* What every sink needs, whatever its kind, is checked here once. */
static int open_sink(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    const sp_endpoint *e = find_endpoint(uri->scheme);
    if (!e || !e->sink_open)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is no endpoint that rows can go to", uri->scheme);
    int rc = e->sink_open(uri, options, sink, err);
    if (rc != SPATE_OK)
        return rc;
    rc = sp_uri_check_params(uri, e->params, err);
    if (rc == SPATE_OK && options->job && !(*sink)->ops->forget)
        rc = sp_fail(err, SPATE_E_USAGE, "%s cannot remember which rows of a job it has", (*sink)->shown);
    if (rc != SPATE_OK) {
        sp_sink_close(*sink);
        *sink = NULL;
    }
    return rc;
}

int sp_sink_open(const char *text, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    sp_arena arena;
    sp_arena_init(&arena);
    sp_uri uri;
    int rc = sp_uri_parse(text, &arena, &uri, err);
    if (rc == SPATE_OK)
        rc = open_sink(&uri, options, sink, err);
    sp_arena_done(&arena);
    return rc;
}

int sp_describe(const char *text, const sp_describe_options *options, sp_arena *arena, sp_catalog *c, spate_error *err)
{
    sp_uri uri;
    int rc = sp_uri_parse(text, arena, &uri, err);
    if (rc != SPATE_OK)
        return rc;
    const sp_endpoint *e = find_endpoint(uri.scheme);
    if (!e || !e->describe)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no tables that could be described", uri.scheme);
    sp_catalog_init(c, arena);
    rc = e->describe(&uri, options, c, err);
    if (rc == SPATE_OK)
        rc = sp_uri_check_params(&uri, e->params, err);
    return rc == SPATE_OK && !sp_catalog_link(c) ? sp_fail_nomem(err) : rc;
}

int sp_sink_refuse_parts(const sp_sink_options *o, spate_error *err)
{
    if (o->parts <= 1 || (!o->truncate && !o->create))
        return SPATE_OK;
    sp_fail(err, SPATE_E_USAGE, "--%s does not go with --part: the other parts' rows may be there already",
            o->truncate ? "truncate" : "create");
    sp_error_hint(err, "make the empty tables first, then load the parts");
    return SPATE_E_USAGE;
}

void sp_sink_close(sp_sink *sink)
{
    if (sink)
        sink->ops->close(sink);
}
