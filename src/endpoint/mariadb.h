/* mariadb.h - what the files of the MariaDB and MySQL endpoint share; private to them.
 *
 *   mariadb.c           the sink: open, prepare, finish
 *   mariadb_lane.c      one connection and its chunks: array-bound INSERT, LOAD DATA LOCAL
 *   mariadb_link.c      connections, and what the server says when something fails
 *   mariadb_tables.c    the live tables, and all that keeps the rows from being loaded
 *   mariadb_schema.c    changes them: create, empty, keys and indexes, foreign keys checked
 *   mariadb_job.c       what the database remembers of a job
 *   mariadb_describe.c  what there is, as a catalog
 *   mariadb_source.c    rows out of it: which, and how; mariadb_reader.c reads them, mariadb_mark.c tells whether they are the same still
 *
 * One arena holds what prepare learns, until close; lanes only read it. Sessions are strict, in UTC, and quote names with ". */
#ifndef SP_ENDPOINT_MARIADB_H
#define SP_ENDPOINT_MARIADB_H

#include "client/libmariadb.h"
#include "codec/codec.h"
#include "endpoint/ddl.h"
#include "endpoint/landed.h"

/* Whom to connect to: what the URI leaves out is NULL. */
typedef struct sp_my_server {
    const char *user, *password, *host, *database, *socket; /* the password is never printed */
    unsigned port;
    const char *shown;
    bool infile; /* LOAD DATA LOCAL is wanted */
    /* Known after the first connection: */
    bool mariadb;       /* not Oracle's MySQL */
    bool array_binding; /* COM_STMT_BULK_EXECUTE */
    bool uuid;          /* has a type for them */
    size_t packet_max;  /* bytes it takes at once */
} sp_my_server;

typedef struct sp_my_column {
    const sp_cat_column *from;
    sp_my_type type;
} sp_my_column;

typedef struct sp_my_table {
    const sp_schema *schema;
    const sp_cat_table *live; /* NULL: not found */
    sp_my_type *types;        /* of each field */
    const char *head;         /* INSERT INTO "t" ("a", "b") */
    const char *tail;         /* ON DUPLICATE KEY UPDATE ..., or "" */
    const char *load;         /* LOAD DATA LOCAL INFILE ... */
} sp_my_table;

/* A foreign key between or of the plan's tables, as it is in the server or is to be made. */
typedef struct sp_my_foreign_key {
    uint32_t child;
    const char *parent;   /* quoted */
    int32_t parent_table; /* number in the plan, -1: not in it */
    const char *const *columns, *const *parent_columns;
    uint32_t n;
} sp_my_foreign_key;

typedef struct sp_my_sink {
    sp_sink base;
    sp_arena arena;
    sp_my_server server;
    sp_ddl ddl;         /* with create: how the tables are made */
    sp_catalog catalog; /* of the tables as prepare left them */
    sp_my_table *tables;
    uint32_t n_tables;
    sp_my_foreign_key *foreign_keys; /* that are there */
    uint32_t n_foreign_keys;
    bool by_file; /* rows go by LOAD DATA LOCAL */
    bool changed; /* prepare has changed the target, or lanes may have */
    sp_job_memory memory;
} sp_my_sink;

/* Whether rows may meet ones of the same key: they replace them, or are left out. */
static inline bool sp_my_meets_keys(const sp_my_sink *s)
{
    return s->base.options.mode == SP_INSERT_UPSERT || s->base.options.mode == SP_INSERT_SKIP;
}

/* ---- mariadb_lane.c: the lane's part of sp_sink_ops ---- */

int sp_my_lane_open(sp_sink *sink, sp_lane **lane, spate_error *err) SP_MUST_CHECK;
void sp_my_lane_close(sp_lane *lane);
int sp_my_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err) SP_MUST_CHECK;
int sp_my_write(sp_lane *lane, const sp_batch *batch, spate_error *err) SP_MUST_CHECK;
int sp_my_check(sp_lane *lane, spate_error *err) SP_MUST_CHECK;
int sp_my_undo(sp_lane *lane, spate_error *err) SP_MUST_CHECK;
int sp_my_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err) SP_MUST_CHECK;
void sp_my_rollback(sp_lane *lane);

/* ---- mariadb_link.c ---- */

/* Takes the URI apart; texts live in the arena. */
int sp_my_server_init(sp_my_server *s, sp_uri *uri, sp_arena *arena, spate_error *err) SP_MUST_CHECK;
/* Connects and pins the session's settings; the first time, learns what the server can. */
int sp_my_connect(sp_my_server *s, MYSQL **out, spate_error *err) SP_MUST_CHECK;
/* Fills err with "phrase: the server's words", or only these when the phrase is "". stmt: whose words, or NULL. */
int sp_my_fail(spate_error *err, MYSQL *m, MYSQL_STMT *stmt, const char *fmt, ...) SP_PRINTF(4, 5);
/* Runs sql, any number of statements without an answer. what: for the message. */
int sp_my_run(MYSQL *m, const char *sql, spate_error *err, const char *what) SP_MUST_CHECK;
/* The answer to one statement, all of it in memory. */
int sp_my_ask(MYSQL *m, const char *sql, MYSQL_RES **rows, spate_error *err, const char *what) SP_MUST_CHECK;
/* The one number that sql answers with. */
int sp_my_ask_number(MYSQL *m, const char *sql, uint64_t *number, spate_error *err, const char *what) SP_MUST_CHECK;
/* What a buffer holds, as a string: the NUL goes into its slack. */
static inline const char *sp_my_string(sp_buf *b)
{
    if (!b->data)
        return "";
    b->data[b->len] = '\0';
    return b->data;
}

/* ---- mariadb_describe.c ---- */

int sp_my_describe(sp_uri *uri, const sp_describe_options *options, sp_catalog *c, spate_error *err) SP_MUST_CHECK;
/* What is in the server's default database (and in any other, if none is set), linked; and in those that tables among the names
 * are called after: "other.table". */
int sp_my_read_catalog(sp_my_server *s, sp_arena *arena, const char *const *names, uint32_t n, sp_catalog *c,
                       spate_error *err) SP_MUST_CHECK;
/* "db"."table" */
int sp_my_qualified(sp_buf *out, const sp_cat_table *t) SP_MUST_CHECK;
/* A column's type in the codec's terms. */
sp_my_type sp_my_type_of(const sp_cat_column *c);

/* ---- mariadb_tables.c ---- */

/* Finds the plan's tables in the catalog, which is read anew. */
int sp_my_find_tables(sp_my_sink *s, spate_error *err) SP_MUST_CHECK;
/* Refuses tables that are not there, or there although they should be made. */
int sp_my_check_presence(const sp_my_sink *s, spate_error *err) SP_MUST_CHECK;
/* Compares columns and types with the plan's and refuses what cannot be loaded, all of it at once. */
int sp_my_check_tables(sp_my_sink *s, spate_error *err) SP_MUST_CHECK;
/* Reads the foreign keys that are there and sets deps from them; refuses a circle. */
int sp_my_order_tables(sp_my_sink *s, spate_error *err) SP_MUST_CHECK;

/* ---- mariadb_schema.c ---- */

sp_sql_dialect sp_my_dialect(const sp_my_server *s);
int sp_my_create_tables(sp_my_sink *s, MYSQL *m, spate_error *err) SP_MUST_CHECK;
int sp_my_empty_tables(sp_my_sink *s, MYSQL *m, spate_error *err) SP_MUST_CHECK;
/* Indexes, foreign keys and numbers of the tables that prepare created, as far as a run that was killed has not added them. */
int sp_my_add_keys(sp_my_sink *s, MYSQL *m, spate_error *err) SP_MUST_CHECK;
/* Whether every row finds its parent: for keys that were not checked while rows came. */
int sp_my_check_foreign_keys(sp_my_sink *s, spate_error *err) SP_MUST_CHECK;

/* ---- mariadb_job.c ---- */

/* Calls prepare between taking hold of the job and making it this run's; a job that was prepared before is only read. */
int sp_my_claim_job(sp_my_sink *s, MYSQL *m, int (*prepare)(sp_my_sink *, MYSQL *, spate_error *),
                    spate_error *err) SP_MUST_CHECK;
/* In the chunk's transaction. */
int sp_my_remember_chunk(sp_my_sink *s, MYSQL *m, const sp_chunk *chunk, uint64_t rows, spate_error *err) SP_MUST_CHECK;
int sp_my_complete_job(sp_my_sink *s, MYSQL *m, spate_error *err) SP_MUST_CHECK;
int sp_my_forget_job(sp_sink *sink, spate_error *err) SP_MUST_CHECK;
int sp_my_abandon_job(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, bool remove,
                      spate_error *err) SP_MUST_CHECK;

/* ---- mariadb_mark.c ---- */

typedef struct sp_my_stamp {
    bool known;
    /* seconds: the server, the table, its last change; 0: none since the server was started */
    uint64_t started, made, written;
} sp_my_stamp;
int sp_my_stamp_read(MYSQL *m, const char *space, const char *name, sp_my_stamp *stamp, spate_error *err) SP_MUST_CHECK;
/* Waits until the second of the last change is over; known is false if that does not come. */
int sp_my_stamp_settle(MYSQL *m, const char *space, const char *name, sp_my_stamp *stamp,
                       spate_error *err) SP_MUST_CHECK;
int sp_my_stamp_put(const sp_my_stamp *stamp, sp_buf *text) SP_MUST_CHECK;
/* What has happened between the stamp that a text begins with and now; NULL: nothing. */
const char *sp_my_stamp_differs(const char *then, const sp_my_stamp *now);

/* ---- mariadb_source.c ---- */

int sp_my_source_open(sp_uri *uri, const sp_source_options *options, sp_source **source,
                      spate_error *err) SP_MUST_CHECK;

#endif
