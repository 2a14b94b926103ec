/* postgres.h - what the files of the PostgreSQL endpoint share; private to them.
 *
 *   postgres.c          the sink: open, prepare, finish
 *   postgres_lane.c     one connection and its chunks: COPY, statements
 *   postgres_link.c     connections, and what the server says when something fails: postgres_link.h, for other rooms too
 *   postgres_catalog.c  reads the live tables
 *   postgres_check.c    finds all that keeps the plan from being loaded, and the order of tables
 *   postgres_job.c      what the database remembers of a job
 *   postgres_schema.c   changes them: create, empty, foreign keys taken away and given back
 *   postgres_after.c    what follows a table's rows: indexes, keys, statistics, foreign keys
 *   postgres_describe.c what there is, as a catalog
 *   postgres_source.c   rows out of it
 *
 * One arena holds what prepare learns, until close; lanes only read it. */
#ifndef SP_ENDPOINT_POSTGRES_H
#define SP_ENDPOINT_POSTGRES_H

#include "endpoint/ddl.h"
#include "endpoint/landed.h"
#include "endpoint/postgres_link.h"
#include "os/os.h"

typedef struct sp_pg_column {
    const char *name;
    int32_t number; /* pg_attribute.attnum */
    sp_pg_type type;
    bool not_null, has_default, generated, identity_always;
} sp_pg_column;

typedef struct sp_pg_table {
    const sp_schema *schema;
    uint32_t oid;             /* 0: not found */
    char kind;                /* pg_class.relkind */
    const char *space, *name; /* as they are in the server */
    const char *quoted;       /* "space"."name" */
    bool may_insert, may_truncate, may_upsert;
    sp_pg_column *columns;
    uint32_t n_columns;
    int32_t *live;     /* of each field: its column, or -1 */
    sp_pg_type *types; /* of each field */
    bool as_text;      /* a field fits only as text */
    bool self_reference;
    const uint32_t *key; /* upsert: fields that decide which row is meant */
    uint32_t n_key;

    sp_pgbinary *binary;
    sp_rowtext *text;
    const char *copy_sql;
    const char *insert_head, *insert_tail; /* around the rows of values */
    uint32_t statement_rows;
} sp_pg_table;

typedef struct sp_pg_foreign_key {
    const char *name, *definition;
    uint32_t child, parent; /* oids */
    const char *child_quoted, *parent_quoted;
    int32_t child_table, parent_table; /* numbers in the plan, -1: not in it */
    bool inherited;                    /* of a partition: comes and goes with its parent's */
} sp_pg_foreign_key;

typedef struct sp_pg_after sp_pg_after;

#define SP_PG_BEGIN "BEGIN; " /* in front of a COPY that is not alone in its transaction */

typedef struct sp_pg_sink {
    sp_sink base;
    sp_arena arena;
    sp_pg_server server;
    sp_pg_table *tables;
    uint32_t n_tables;
    sp_pg_foreign_key *foreign_keys;
    uint32_t n_foreign_keys;
    const char *record; /* the table of foreign keys to give back, quoted; NULL: none for this run */
    const char *owner;  /* what keeper's rows of the record have: "owner_pid = ... AND ..." */
    PGconn *keeper;     /* open as long as this run lives: so others tell its foreign keys from lost ones */
    bool changed;       /* prepare has changed the target, or lanes may have */
    sp_ddl ddl;
    sp_job_memory memory;
    sp_pg_after *after; /* NULL: nothing follows the rows */
} sp_pg_sink;

/* Whether rows go by COPY, not by statements. */
static inline bool sp_pg_copies(const sp_pg_sink *s)
{
    return s->base.options.mode == SP_INSERT_DEFAULT || s->base.options.mode == SP_INSERT_COPY;
}

/* ---- postgres_lane.c: the lane's part of sp_sink_ops ---- */

int sp_pg_lane_open(sp_sink *sink, sp_lane **lane, spate_error *err) SP_MUST_CHECK;
void sp_pg_lane_close(sp_lane *lane);
int sp_pg_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err) SP_MUST_CHECK;
int sp_pg_write(sp_lane *lane, const sp_batch *batch, spate_error *err) SP_MUST_CHECK;
int sp_pg_check(sp_lane *lane, spate_error *err) SP_MUST_CHECK;
int sp_pg_undo(sp_lane *lane, spate_error *err) SP_MUST_CHECK;
int sp_pg_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err) SP_MUST_CHECK;
void sp_pg_rollback(sp_lane *lane);

/* ---- postgres_catalog.c ---- */

/* Finds the plan's tables by name. */
int sp_pg_find_tables(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Of the tables found: columns with their types, the key for upserts, foreign keys from and to them. */
int sp_pg_read_columns(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
int sp_pg_read_keys(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
int sp_pg_read_foreign_keys(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;

/* ---- postgres_check.c ---- */

/* Refuses names that the server would cut off. */
int sp_pg_check_names(const sp_pg_sink *s, spate_error *err) SP_MUST_CHECK;
/* Reads columns, keys and foreign keys of the tables found, and refuses what cannot be loaded,
 * all of it at once. */
int sp_pg_check_tables(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Refuses a part while foreign keys between the tables are checked. */
int sp_pg_refuse_parts(const sp_pg_sink *s, spate_error *err) SP_MUST_CHECK;
/* Sets deps from the foreign keys; refuses a cycle. */
int sp_pg_order_tables(sp_pg_sink *s, spate_error *err) SP_MUST_CHECK;

/* ---- postgres_job.c ---- */

/* A statement with the job's memory in it has failed because another run has taken over, as the division by zero tells. */
bool sp_pg_is_fenced(const sp_pg_sink *s, const spate_error *err);
int sp_pg_fail_fenced(const sp_pg_sink *s, spate_error *err);

/* In a transaction of the caller's: makes the job this run's, unless it is already or there is none, and reads what has landed. */
int sp_pg_claim_job(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
int sp_pg_complete_job(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
int sp_pg_forget_job(sp_sink *sink, spate_error *err) SP_MUST_CHECK;
int sp_pg_abandon_job(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, bool remove,
                      spate_error *err) SP_MUST_CHECK;

/* ---- postgres_schema.c ---- */

/* With the indexes that are to be there before the rows. */
int sp_pg_create_tables(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Refuses when another run that still lives has taken foreign keys of the plan's tables away. */
int sp_pg_refuse_taken(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* What changes tables that were there before, in one transaction: empties them, takes over foreign
 * keys whose run is gone, takes and records those of the tables when they are deferred. keeper is
 * kept as the owner from then on. */
int sp_pg_change_tables(sp_pg_sink *s, PGconn *keeper, spate_error *err) SP_MUST_CHECK;
/* Gives this run's recorded foreign keys back, unvalidated: from now on rows are checked again. */
int sp_pg_give_foreign_keys(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Checks what was given back against all rows and forgets it; a part's rows are not all, so it only
 * forgets. */
int sp_pg_validate_given(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* ---- postgres_after.c ---- */

/* Once the tables are made and the job is claimed. */
int sp_pg_after_plan(sp_pg_sink *s, spate_error *err) SP_MUST_CHECK;
/* sp_sink_ops.table_done: begins what follows. Fails with what has failed since. */
int sp_pg_table_done(sp_sink *sink, uint32_t table, spate_error *err) SP_MUST_CHECK;
/* complete: every table is done; waits until all is built. Else gives up what is being built, and what has been stays. Fails with
 * what table_done has not failed with. */
int sp_pg_after_end(sp_pg_sink *s, bool complete, spate_error *err) SP_MUST_CHECK;
/* Sequences set and comments, one after the other. */
int sp_pg_end_tables(sp_pg_sink *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;

/* ---- postgres_describe.c ---- */

/* See postgres_settings.c. */
extern const char sp_pg_settings_sql[];
int sp_pg_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err) SP_MUST_CHECK;

/* ---- postgres_source.c ---- */

int sp_pg_source_open(sp_uri *uri, const sp_source_options *options, sp_source **source,
                      spate_error *err) SP_MUST_CHECK;

#endif
