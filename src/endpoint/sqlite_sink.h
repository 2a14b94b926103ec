/* sqlite_sink.h - private to the SQLite sink: what its files share.
 *
 *   sqlite.c        the target looked at, tables made, jobs, the end
 *   sqlite_lane.c   rows by INSERT, into a file that is there or that has to remember a job
 *   sqlite_pages.c  rows as pages, into a new file of tables that allow it */
#ifndef SP_SQLITE_SINK_H
#define SP_SQLITE_SINK_H

#include "client/libsqlite.h"
#include "codec/sqlitefile.h"
#include "endpoint/ddl.h"
#include "endpoint/landed.h"

typedef struct sp_sqlite_table {
    const sp_schema *schema;
    sp_sqlite_target *targets; /* one a field */
    uint32_t statement_rows;
} sp_sqlite_table;

typedef struct sp_sqlite_sink {
    sp_sink base;
    sp_arena arena;
    const char *path;
    sqlite3 *db;        /* NULL while rows go as pages */
    uint32_t page_size; /* of a new file; 0: as SQLite has it */
    bool made_file, prepared;
    bool wal; /* the file's journal mode */
    sp_sqlite_table *tables;
    uint32_t n_tables;
    sp_job_memory memory;
    sp_ddl ddl;
    struct sp_sqlite_by_pages *pages; /* NULL: rows go by INSERT */
} sp_sqlite_sink;

/* ---- sqlite.c ---- */

int sp_sqlite_do(sp_sqlite_sink *s, const char *sql, spate_error *err) SP_MUST_CHECK;
/* The statement of select, a query that ends behind the name of a pragma, about a table: pragma_x('table'). At its beginning. */
int sp_sqlite_ask(sp_sqlite_sink *s, const char *select, const char *table, sqlite3_stmt **out,
                  spate_error *err) SP_MUST_CHECK;
int sp_sqlite_field_of(const sp_schema *schema, const char *name); /* or -1 */
int sp_sqlite_check_foreign_keys(sp_sqlite_sink *s, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_run_step(sp_sqlite_sink *s, sp_ddl_step step, spate_error *err) SP_MUST_CHECK;

/* ---- sqlite_lane.c: the lane's part of sp_sink_ops ---- */

void sp_sqlite_size_statements(sp_sqlite_sink *s);
int sp_sqlite_lane_open(sp_sink *s, sp_lane **lane, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_write(sp_lane *lane, const sp_batch *batch, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_check(sp_lane *lane, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_undo(sp_lane *lane, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err) SP_MUST_CHECK;
void sp_sqlite_rollback(sp_lane *lane);
void sp_sqlite_lane_close(sp_lane *lane);

/* ---- sqlite_pages.c ---- */

/* Whether these options allow it: a new file, plain rows, nothing to be remembered, nothing refused before the end. */
bool sp_sqlite_pages_allowed(const sp_sqlite_sink *s);
/* Makes NAME.partial, empty, and opens it as the sink's database. */
int sp_sqlite_pages_create(sp_sqlite_sink *s, spate_error *err) SP_MUST_CHECK;
/* Looks at the tables that have been made there. Where all of them can be built, the database is closed and everything is ready
 * for lanes; else *can is false, and the file is gone. */
int sp_sqlite_pages_begin(sp_sqlite_sink *s, bool *can, spate_error *err) SP_MUST_CHECK;
void sp_sqlite_pages_close(sp_sqlite_sink *s); /* and takes away what has not been finished */

int sp_sqlite_pages_lane_open(sp_sink *s, sp_lane **lane, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_pages_lane_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_pages_write(sp_lane *lane, const sp_batch *batch, spate_error *err) SP_MUST_CHECK;
int sp_sqlite_pages_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err) SP_MUST_CHECK;
void sp_sqlite_pages_rollback(sp_lane *lane);
void sp_sqlite_pages_lane_close(sp_lane *lane);
int sp_sqlite_pages_finish(sp_sink *s, bool complete, spate_error *err) SP_MUST_CHECK;

#endif
