/* duckdb_sink.h - private to the DuckDB endpoint: what the sink (duckdb.c), its tables (duckdb_schema.c) and its lanes
 * (duckdb_lane.c) share. */
#ifndef SP_DUCKDB_SINK_H
#define SP_DUCKDB_SINK_H

#include "endpoint/ddl.h"
#include "endpoint/duckdb_column.h"
#include "endpoint/landed.h"

enum {
    SP_DUCKDB_ROW_GROUP = 122880,     /* rows in DuckDB's unit of storage */
    SP_DUCKDB_CHUNK_ROWS = 245760,    /* two: from there on commits cost nothing, below they double the work */
    SP_DUCKDB_FLUSH_BYTES = 16 << 20, /* rows that a lane holds back before it hands them to DuckDB */
    SP_DUCKDB_FLUSH_ROWS_MIN = 10240,
    SP_DUCKDB_MEMORY_MIB = 256, /* DuckDB's while loading, and for each lane: */
    SP_DUCKDB_LANE_MEMORY_MIB = 64,
};

typedef enum sp_duckdb_keys { SP_DUCKDB_KEYS_PRIMARY, SP_DUCKDB_KEYS_ALL, SP_DUCKDB_KEYS_NONE } sp_duckdb_keys;

typedef struct sp_duckdb_table {
    const sp_schema *schema;
    const char *space, *name;   /* space NULL: wherever DuckDB looks first */
    const char *sql;            /* both, quoted */
    sp_duckdb_column *columns;  /* one a field */
    duckdb_logical_type *types; /* of the columns: borrowed */
    const char **names;
    const char *insert; /* INSERT INTO "t" (...) FROM spate_rows */
    uint32_t flush_rows;
    bool created; /* by this run */
} sp_duckdb_table;

typedef struct sp_duckdb_sink {
    sp_sink base;
    sp_arena arena;
    const char *path;
    duckdb_database db;
    duckdb_connection conn; /* of prepare and finish */
    bool made_file;         /* the file was not there before */
    bool prepared;
    sp_duckdb_keys keys;
    sp_duckdb_table *tables;
    uint32_t n_tables;
    sp_job_memory memory;
    sp_ddl ddl;
} sp_duckdb_sink;

/* ---- duckdb_schema.c ---- */

bool sp_duckdb_table_exists(sp_duckdb_sink *s, const sp_duckdb_table *t);
/* Inside a transaction: makes the tables, in the place of those that are to be replaced. */
int sp_duckdb_create_tables(sp_duckdb_sink *s, spate_error *err) SP_MUST_CHECK;
int sp_duckdb_empty_tables(sp_duckdb_sink *s, spate_error *err) SP_MUST_CHECK;
/* All rows are there: defaults, keys, indexes and notes of the tables that this run has created. */
int sp_duckdb_finish_tables(sp_duckdb_sink *s, spate_error *err) SP_MUST_CHECK;

/* ---- duckdb_job.c ---- */

/* Makes the job this run's, unless it is already or there is none, and reads what has landed. */
int sp_duckdb_claim_job(sp_duckdb_sink *s, spate_error *err) SP_MUST_CHECK;
/* A run before has claimed the job. */
bool sp_duckdb_job_is_known(sp_duckdb_sink *s);
int sp_duckdb_complete_job(sp_duckdb_sink *s, spate_error *err) SP_MUST_CHECK;
int sp_duckdb_forget_job(sp_sink *sink, spate_error *err) SP_MUST_CHECK;
int sp_duckdb_abandon_job(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, bool remove,
                          spate_error *err) SP_MUST_CHECK;
/* Does the query give a row? Frees sql. False when it fails, or was not built. */
bool sp_duckdb_any(sp_duckdb_sink *s, sp_buf *sql, int built);

/* ---- duckdb_blame.c ---- */

/* Which row of the batch the words are about, from 1; 0: they do not tell. */
uint64_t sp_duckdb_blame(const sp_batch *batch, const char *message);

/* ---- duckdb_lane.c ---- */

int sp_duckdb_lane_open(sp_sink *s, sp_lane **lane, spate_error *err);
int sp_duckdb_lane_begin(sp_lane *l, const sp_chunk *chunk, spate_error *err);
int sp_duckdb_lane_lend(sp_lane *l, sp_batch *batch, spate_error *err);
int sp_duckdb_lane_write(sp_lane *l, const sp_batch *batch, spate_error *err);
int sp_duckdb_lane_check(sp_lane *l, spate_error *err);
int sp_duckdb_lane_commit(sp_lane *l, const sp_chunk *chunk, uint64_t rows, spate_error *err);
void sp_duckdb_lane_rollback(sp_lane *l);
void sp_duckdb_lane_close(sp_lane *l);

#endif
