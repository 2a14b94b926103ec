/* postgres_source.h - private to the source that reads PostgreSQL (postgres_source.c, postgres_mark.c): its tables and its snapshot. */
#ifndef SP_ENDPOINT_POSTGRES_SOURCE_H
#define SP_ENDPOINT_POSTGRES_SOURCE_H

#include "endpoint/postgres.h"

/* A heap: a table, or a partition of one. */
typedef struct sp_pg_heap {
    const char *quoted;
    uint64_t first, last; /* its pages, among the pages of the table */
} sp_pg_heap;

typedef struct sp_pg_relation {
    sp_schema schema;
    sp_pg_type *types;
    sp_pgread *decoder;
    const char *columns; /* "a", "b"::text */
    const char *where;   /* " AND (condition)", or "" */
    sp_pg_heap *leaves;
    uint32_t n_leaves;
} sp_pg_relation;

typedef struct sp_pg_source {
    sp_source base;
    sp_arena arena;
    sp_pg_server server;
    PGconn *keeper; /* holds the snapshot */
    const char *snapshot;
    sp_pg_relation *tables;
    const sp_schema **schemas; /* while they are found */
    sp_extent *extents;
} sp_pg_source;

/* The source's mark and unchanged (see sp_source_ops). */
int sp_pg_mark(sp_source *source, uint32_t table, sp_buf *text, spate_error *err) SP_MUST_CHECK;
int sp_pg_unchanged(sp_source *source, uint32_t table, const char *then, const sp_landed *landed,
                    spate_error *err) SP_MUST_CHECK;

#endif
