/* file_describe.c - a file of CREATE statements as a catalog. */
#include "endpoint/catalog.h"
#include "endpoint/endpoints.h"
#include "os/os.h"

enum { SCRIPT_BYTES_MAX = 256 << 20 };

int sp_file_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err)
{
    (void)options; /* names say their schema, or have none */
    if (strcmp(uri->scheme, "sql") != 0 && strcmp(uri->scheme, "-") != 0) {
        sp_fail(err, SPATE_E_USAGE, "\"%s\" has no schema that could be described", uri->text);
        sp_error_hint(err, "a file of CREATE statements ends in .sql; - is standard input");
        return SPATE_E_USAGE;
    }
    sp_buf text;
    sp_buf_init(&text);
    int rc = sp_os_read_file(uri->path, SCRIPT_BYTES_MAX, &text, err);
    char *kept = rc == SPATE_OK ? sp_arena_strndup(c->arena, text.data, text.len) : NULL;
    if (rc == SPATE_OK && (!kept || !sp_catalog_read_sql(c, kept, text.len)))
        rc = sp_fail_nomem(err);
    sp_buf_done(&text);
    /* pg_dump names every schema; what it calls public is where names without one are looked for. */
    bool has_public = false;
    for (uint32_t i = 0; i < c->n_tables; i++)
        has_public = has_public || strcmp(c->tables[i].space, "public") == 0;
    c->default_space = has_public ? "public" : "";
    for (uint32_t i = 0; has_public && i < c->n_tables; i++)
        if (!*c->tables[i].space)
            c->tables[i].space = "public";
    return rc;
}
