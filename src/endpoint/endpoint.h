/* endpoint.h - one contract for everything rows come from or go to, and the registry of endpoints by URI scheme.
 *
 * A source gives tables and, per thread, readers that fill batches with ranges of rows. A sink takes tables and, per thread,
 * lanes that take chunks: begin, batches, commit. A chunk is there as a whole after commit and not at all before; what commit
 * has acknowledged survives the death of this process. A sink that is given a job keeps, in the same transactions as the rows,
 * which chunks it has: the target's own memory is the truth about what has landed, so no crash can make it wrong.
 *
 *   sink:  open -> prepare -> lane_open... -> ( begin -> write... -> commit | rollback )... -> lane_close... -> finish -> close
 *                                                                     table_done after a table's last commit
 *
 * Threads: a lane and a reader belong to one thread at a time; different lanes of one sink run at once. prepare, table_done
 * and finish are called by one thread at a time; table_done may run while lanes work on other tables.
 * Sinks with an order get commit calls in that order only, one at a time (flow sees to it). There, a lane whose chunk is whole
 * but not yet in turn is laid aside and committed by whichever thread's turn brings it up: it may change threads between write
 * and commit. */
#ifndef SP_ENDPOINT_H
#define SP_ENDPOINT_H

#include "codec/codec.h"

struct sp_catalog;
struct sp_ddl;

/* ---- URIs (uri.c) ------------------------------------------------------------------------------------------------------ */

typedef struct sp_uri_param {
    const char *key, *value;
    bool used;
} sp_uri_param;
typedef struct sp_uri {
    const char *text;   /* as given; may hold a password: print sp_uri_shown instead */
    const char *scheme; /* "postgresql", "duckdb", "sqlite", "csv", "ndjson", "sql", "dir", "-" */
    const char *path;   /* behind the scheme, without the query; for postgresql the whole text */
    sp_uri_param *params;
    uint32_t n_params;
} sp_uri;
/* Takes the scheme from "scheme:" or from the ending of the path. */
int sp_uri_parse(const char *text, sp_arena *arena, sp_uri *uri, spate_error *err) SP_MUST_CHECK;
const char *sp_uri_param_value(sp_uri *uri, const char *key); /* NULL: not given. Marks it as used */
int sp_uri_check_params(const sp_uri *uri, const char *known,
                        spate_error *err) SP_MUST_CHECK; /* SPATE_E_USAGE for an unused one */
/* The same URI with a relative path of a file made one beside another file; NULL: no memory. */
const char *sp_uri_beside(const char *text, const char *file, sp_arena *arena);
/* The URI with any password replaced by ***: the one way a URI is printed. */
const char *sp_uri_shown(const char *text, sp_arena *arena);
/* The same with its passwords left out, so that it can be used where they come from elsewhere (PGPASSWORD, ~/.pgpass). */
const char *sp_uri_bare(const char *text, sp_arena *arena);
/* A URI of the same thing that is good in every working directory, and holds no password. */
const char *sp_uri_place(const char *text, sp_arena *arena);

/* ---- sources ------------------------------------------------------------------------------------------------------------- */

typedef struct sp_source sp_source;
typedef struct sp_reader sp_reader;

/* How far a table reaches, in the positions its source finds rows by: row numbers of a plan, pages of a heap, values of a key,
 * bytes of a file. */
typedef struct sp_extent {
    uint64_t end; /* positions are [0, end); of a sequential table, UINT64_MAX: not known before it has been read */
    /* positions that a row takes, about: 1 where rows are numbered, a fraction where a page holds many */
    double units_a_row;
    /* For jobs, what tells that positions mean the same rows to a later run: */
    bool constant; /* rows are made, not read: they always do */
    /* all of them are in this file: its size and time do. NULL, and not constant: sp_source_ops.mark does */
    const char *file;
    bool sequential; /* a range ends where its reader says: the next one cannot be read before that */
    bool dealt;      /* it gives one part's rows, wherever they are: each part has all of its positions */
} sp_extent;

/* Positions that so many rows take, about: 1 at least. */
uint64_t sp_extent_units(const sp_extent *e, uint64_t rows);
/* About how many rows there are; 0: nobody can tell. */
double sp_extent_rows(const sp_extent *e);

typedef struct sp_chunk {
    uint32_t table;       /* number in the tables given to prepare */
    uint64_t first, last; /* positions of the source: [first, last) */
} sp_chunk;

/* What runs of the same job before have committed of a table. */
typedef struct sp_landed {
    /* in order, none touching another; in a sink that wants order, at most one, from the beginning */
    const sp_chunk *ranges;
    size_t n;
    uint64_t rows; /* in them */
} sp_landed;

typedef struct sp_source_ops {
    /* Opens a reader; seek points it at rows. */
    int (*reader_open)(sp_source *s, sp_reader **reader, spate_error *err);
    /* Points the reader at positions [first, last) of table. Ranges of a table may be read in any order, more than once; of a
     * sequential one each begins where the one before ended, or where one before it began, and goes on to the first row that
     * begins at last or behind it. */
    int (*seek)(sp_reader *r, uint32_t table, uint64_t first, uint64_t last, spate_error *err);
    /* Fills batch, whose schema is the table's, with the next rows; batch->rows = 0 at the end of the range. */
    int (*next)(sp_reader *r, sp_batch *batch, spate_error *err);
    void (*reader_close)(sp_reader *r);
    void (*close)(sp_source *s);
    /* For jobs, of tables that are neither constant nor in a file. mark appends a text by which a later run can tell whether rows have
     * changed. unchanged looks at ranges that a run before has moved, when the table had that mark: if they hold the rows that they
     * held, all of the table will be as this source sees it once the rest has been moved. SPATE_E_DATA: they do not. NULL: nobody
     * can tell, and nothing that comes from here can be a job. */
    int (*mark)(sp_source *s, uint32_t table, sp_buf *mark, spate_error *err);
    int (*unchanged)(sp_source *s, uint32_t table, const char *mark, const sp_landed *landed, spate_error *err);
    /* Optional (NULL): next has failed with SPATE_E_DATA, and did so because of one row alone, behind those that it gave before:
     * passes over it, and tells what it is (until the next call). SPATE_E_DATA: it was not one row, and next's word stands. */
    int (*pass_over)(sp_reader *r, sp_unread *row, spate_error *err);
    /* Optional (NULL): how many rows there are, by the source's own count and not by what readers give. */
    int (*count)(sp_source *s, uint32_t table, uint64_t *rows, spate_error *err);
} sp_source_ops;

struct sp_source {
    const sp_source_ops *ops;
    const sp_schema *const *tables; /* parents before children where that is possible */
    const sp_extent *extents;       /* a table */
    uint32_t n_tables;
    const char *unit;   /* what a position counts, for messages: "rows" */
    const char *shown;  /* where the rows come from, safe to print */
    const char *home;   /* the schema or database whose tables are called without it; NULL: tables are in none */
    const char **notes; /* what of the tables the schemas do not carry, a line each */
    uint32_t n_notes;
};

/* What the user wants a column to become, in the words of the target. */
typedef struct sp_cast {
    const char *table, *column, *type;
} sp_cast;

/* What of an endpoint a source is to give. */
typedef struct sp_source_options {
    const char *const *tables; /* only these; none: all that there are */
    uint32_t n_tables;
    /* of the one table, which need not be named where it is the only one, only these; none: all that can be written again */
    const char *const *columns;
    uint32_t n_columns;
    bool more_columns; /* others may come with them, where leaving them out is no less work */
    /* So do columns that are named in this text, the condition that others will see to. Set by the registry. */
    const char *asked;
    const char *called; /* the table of a single file; NULL: as the file's name is */
    /* beside tables, or one for the only table: only the rows of each for which this holds, in a database's own SQL, elsewhere in
     * DuckDB's; one that is NULL, or no list: all */
    const char *const *wheres;
    /* What the target's tables hold, for sources without types of their own: columns of the same name come as the same kind. */
    const sp_schema *const *like;
    uint32_t n_like;
    const sp_cast *casts; /* become the fields' */
    uint32_t n_casts;
    unsigned readers;    /* how many will be open at once, at most; 0: one a processor */
    bool job;            /* of a job: mark will be asked */
    const char *emptied; /* the target, whose tables of these names will be emptied before rows are read; or NULL */
    const char *home;    /* set by the source itself, when it knows: see sp_source */
} sp_source_options;
/* Whether somebody who says name means the table that is shown so: as it stands there; with home, the space that shown leaves out, in
 * front of it; or with any part of that in SQL's quotes. home: NULL or "" where tables are in no spaces. */
bool sp_names_table(const char *name, const char *home, const char *shown);
/* Is it among those that are named? Where none are, all are wanted. */
bool sp_source_wants_table(const sp_source_options *options, const char *name);
/* What the target has under that name; NULL: nothing, or nobody asked. */
const sp_schema *sp_source_like(const sp_source_options *options, const char *table);
/* Is the column to be read: because it is wanted itself, as sp_source_keeps_column says, or because a condition asks for it? */
bool sp_source_wants_column(const sp_source_options *options, const char *name);
bool sp_source_keeps_column(const sp_source_options *options, const char *name);

struct sp_reader {
    sp_source *source;
    /* Sequential tables, once next has come to the end of the range: where that is, and whether the table ends there. */
    uint64_t position;
    bool at_end;
};

/* ---- sinks ---------------------------------------------------------------------------------------------------------------- */

typedef enum sp_insert_mode {
    SP_INSERT_DEFAULT, /* the sink's fastest way */
    SP_INSERT_COPY,
    SP_INSERT_INSERT,
    SP_INSERT_UPSERT,
    SP_INSERT_SKIP, /* rows whose key is there already are left out */
} sp_insert_mode;

typedef enum sp_order {
    SP_ORDER_NONE,  /* chunks of a table in any order, at once */
    SP_ORDER_TABLE, /* chunks of one table in row order; tables at once */
    SP_ORDER_ALL,   /* tables one after the other, chunks in row order */
} sp_order;

typedef struct sp_sink_options {
    sp_insert_mode mode;
    bool create; /* create the tables */
    /* with create: what the source says of them beyond their schemas; NULL: nothing */
    const struct sp_catalog *catalog;
    bool indexes_before;    /* with create: keys and indexes before the rows, not after them */
    bool truncate;          /* empty them first */
    bool defer_constraints; /* do not let foreign keys order the tables */
    bool rejects; /* rows that are refused may be left out: each should be looked at before its chunk is committed */
    uint64_t batch_rows;  /* rows a statement, or a transaction in copy mode; 0: the sink's choice */
    uint32_t part, parts; /* this run makes part of parts; 0 of 1: all */
    unsigned lanes;       /* how many lanes will be opened at most */
    bool dry_run;         /* prepare checks and changes nothing; no lane will be opened */
    const int *cancel;    /* not 0: whoever waits long for the target gives up, with SPATE_E_INTERRUPTED. May be NULL */
    /* A name under which the target itself remembers which chunks it has, so that a run of the same name goes on where one
     * before was stopped, however that was: what has been created and emptied stays, sp_sink.landed is set. NULL: nothing is
     * remembered. */
    const char *job;
    const char *job_of; /* with a job: what it makes, in a word; a run that would make something else is refused */
} sp_sink_options;

/* Parents of a table that must be complete in the target before its first chunk: set by prepare. */
typedef struct sp_sink_deps {
    uint32_t *tables;
    uint32_t n;
} sp_sink_deps;

typedef struct sp_sink sp_sink;
typedef struct sp_lane sp_lane;

typedef struct sp_sink_ops {
    /* Looks at the target, refuses what cannot work before anything is changed, then creates and empties. tables live until
     * close. Sets order, lanes_max, chunk_rows and deps. */
    int (*prepare)(sp_sink *s, const sp_schema *const *tables, uint32_t n_tables, spate_error *err);
    int (*lane_open)(sp_sink *s, sp_lane **lane, spate_error *err);
    int (*begin)(sp_lane *l, const sp_chunk *chunk, spate_error *err);
    /* Optional (NULL): points columns of the batch at the sink's own memory, to be filled in place before write. */
    int (*lend)(sp_lane *l, sp_batch *batch, spate_error *err);
    int (*write)(sp_lane *l, const sp_batch *batch, spate_error *err);
    /* Of a careful lane: makes the target look at what has been written since begin or the last check, and fails with SPATE_E_DATA,
     * as write may, where commit would for some row's sake. NULL: write says it all, and of a batch that it refuses nothing is taken. */
    int (*check)(sp_lane *l, spate_error *err);
    /* Of a careful lane, when write or check has failed with SPATE_E_DATA: takes back what was written since begin or the last check,
     * after which the chunk can be gone on with. NULL beside a check: the target gives the whole chunk up then. */
    int (*undo)(sp_lane *l, spate_error *err);
    /* Makes the chunk's rows durable (or, where documented, durable at finish), and with a job the memory of them with it: both
     * or none. chunk: as begun, but last is where a sequential one really ended. On failure the chunk is rolled back. */
    int (*commit)(sp_lane *l, const sp_chunk *chunk, uint64_t rows, spate_error *err);
    /* Gives the chunk up, after begin, write or commit failed or the run stops. The lane can begin again. */
    void (*rollback)(sp_lane *l);
    void (*lane_close)(sp_lane *l);
    /* Optional: the last chunk of table has been committed. */
    int (*table_done)(sp_sink *s, uint32_t table, spate_error *err);
    /* All lanes are closed. complete: every row was committed; build keys and indexes, give files their names. Else: leave what
     * was committed in a state that does not look whole, and restore what prepare took away. A complete job is remembered as
     * such until forget. */
    int (*finish)(sp_sink *s, bool complete, spate_error *err);
    /* The job needs no memory in the target any more: it is complete, and that is known elsewhere. NULL: the sink keeps no
     * jobs, and the registry refuses to open it with one. */
    int (*forget)(sp_sink *s, spate_error *err);
    /* Of a sink that has only been opened, with a job: takes away what its runs have left of it, and with remove also files that are
     * not whole. Of the tables only the names are told. There where forget is. */
    int (*abandon)(sp_sink *s, const sp_schema *const *tables, uint32_t n_tables, bool remove, spate_error *err);
    void (*close)(sp_sink *s);
} sp_sink_ops;

struct sp_sink {
    const sp_sink_ops *ops;
    sp_sink_options options;
    sp_order order;
    unsigned lanes_max;      /* 0: any number */
    uint64_t *chunk_rows;    /* a table: rows it wants in a chunk */
    sp_sink_deps *deps;      /* a table */
    bool builds_meanwhile;   /* from prepare on: table_done begins long work, beside rows of other tables */
    const sp_landed *landed; /* a table; NULL: nothing */
    uint64_t *bytes_written; /* a table: bytes given to the target so far (sp_sink_wrote), for progress and the report */
    /* a table: rows that were committed and that the target, as far as it tells, did not keep (atomic adds) */
    uint64_t *left_out;
    const struct sp_ddl *ddl;  /* with create, from prepare on: how the tables are made; NULL: without statements */
    const char *shown;         /* where the rows went, safe to print: "duckdb:shop.duckdb" */
    const char *shown_partial; /* where they are after a run that was stopped; NULL: there too */
    bool keeps_nothing;        /* such a run leaves none */
    const char *how_to_query;  /* a line for the user after success, or NULL */
    bool to_stdout;            /* rows go to standard output: nothing else may */
};
struct sp_lane {
    sp_sink *sink;
    bool careful; /* set before begin: rows that the target refuses are looked for, with check and undo */
    /* of a careful lane that has failed: which of the rows since begin or check, from 1, the target named; 0: none */
    uint64_t refused;
};

/* ---- registry (registry.c) -------------------------------------------------------------------------------------------------- */

struct sp_describe_options;

typedef struct sp_endpoint {
    const char *schemes[8]; /* NULL-terminated */
    const char *params;     /* the query keys it knows, for the message about an unknown one: "format, header" */
    int (*sink_open)(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err); /* NULL: none */
    int (*source_open)(sp_uri *uri, const sp_source_options *options, sp_source **source,
                       spate_error *err); /* NULL: none */
    /* Optional (NULL): what tables there are (catalog.h); without links between them. */
    int (*describe)(sp_uri *uri, const struct sp_describe_options *options, struct sp_catalog *c, spate_error *err);
    /* Optional (NULL: what is replaced is there until the new one is whole): which database this is, in words that are the same
     * however it was named and reached. */
    int (*place)(sp_uri *uri, sp_arena *arena, const char **place, spate_error *err);
    bool described; /* describe tells of the tables that source_open gives */
    bool whole_rows; /* source_open takes no columns */
    /* source_open takes wheres; else the registry sees to them (filtered.h), and source_open gets none */
    bool conditions;
} sp_endpoint;

int sp_sink_open(const char *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err) SP_MUST_CHECK;
void sp_sink_close(sp_sink *sink); /* NULL is fine */
/* SPATE_E_USAGE also when a table that the options name is not there. */
int sp_source_open(const char *uri, const sp_source_options *options, sp_source **source,
                   spate_error *err) SP_MUST_CHECK;
void sp_source_close(sp_source *source); /* NULL is fine */
/* SPATE_E_USAGE: both are one database, so tables that are emptied would be those that are read. */
int sp_refuse_itself(const char *from, const char *to, spate_error *err) SP_MUST_CHECK;
/* For sources: the condition on rows of a table, or NULL. */
const char *sp_source_where(const sp_source_options *options, const char *table);
/* SPATE_E_USAGE: whether its rows have changed cannot be told, so nothing that comes from it can be a job. */
int sp_source_refuse_job(const sp_source *s, spate_error *err) SP_MUST_CHECK;
/* For sources: a note more. */
int sp_source_note(sp_source *s, sp_arena *arena, spate_error *err, const char *fmt, ...) SP_PRINTF(4, 5) SP_MUST_CHECK;
/* SPATE_E_USAGE: the job of that name was begun with something else to make. */
int sp_job_refuse_other(const char *job, spate_error *err) SP_MUST_CHECK;
/* For sinks whose parts share tables: SPATE_E_USAGE when a part is asked to create or empty them. */
int sp_sink_refuse_parts(const sp_sink_options *options, spate_error *err) SP_MUST_CHECK;
/* For prepare: chunk_rows, bytes_written, left_out and deps of n tables, empty. False: no memory. */
bool sp_sink_make_room(sp_sink *sink, sp_arena *arena, uint32_t n) SP_MUST_CHECK;
/* For sinks, from any thread: so many bytes more of that table were given to the target. */
void sp_sink_wrote(sp_sink *sink, uint32_t table, uint64_t bytes);
/* Rows of a server's transaction, where nobody says: an eighth of the table's, but 8 to 32 MiB. */
uint64_t sp_sink_server_rows(const sp_schema *schema);

#endif
