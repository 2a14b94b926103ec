/* file_sink.h - private to the sink of files: what its files share.
 *
 *   file.c         the URI, refusals, names of files, the end
 *   file_output.c  one file: what stands before, between and behind its rows, and what is remembered of it
 *   file_lane.c    a worker's rows as text
 *
 * What a file is on disk while it is written is output.h's. */
#ifndef SP_FILE_SINK_H
#define SP_FILE_SINK_H

#include "codec/arrow.h"
#include "endpoint/ddl.h"
#include "endpoint/landed.h"
#include "endpoint/output.h"
#include "endpoint/pack.h"
#include "endpoint/text_form.h"

#include <pthread.h>

typedef enum sp_file_format { SP_FILE_CSV, SP_FILE_NDJSON, SP_FILE_INSERT, SP_FILE_COPY, SP_FILE_ARROW } sp_file_format;

enum { SP_FILE_NO_TABLE = UINT32_MAX };

typedef enum sp_file_state { SP_FILE_OUTPUT_NEW, SP_FILE_OUTPUT_OPEN, SP_FILE_OUTPUT_DONE } sp_file_state;

/* One file. In the order ALL there is one for every table, and the lock keeps table_done and commits of the next table
 * apart. */
typedef struct sp_file_output {
    sp_output file;
    uint32_t first, last; /* its tables: [first, last) */
    sp_file_state state;
    sp_arrow_block *blocks; /* of an Arrow file: its record batches, for the footer */
    uint32_t n_blocks, cap_blocks;
    uint32_t table; /* whose rows are being written, or SP_FILE_NO_TABLE */
    pthread_mutex_t lock;
} sp_file_output;

/* The rows of a table that are in its file, counted for the memory of a job. */
typedef struct sp_file_written {
    uint64_t first, last, rows;
} sp_file_written;

typedef struct sp_file_sink {
    sp_sink base;
    sp_arena arena;
    const char *scheme, *path;
    sp_file_format format;
    bool header;
    const char *database; /* made and entered first; NULL: none */
    sp_pack pack;
    sp_text_form form;        /* of CSV */
    bool plain_csv;           /* it is the form that files have by default */
    bool arrow_file;          /* with a footer; else a stream */
    uint64_t *statement_rows; /* a table */
    const sp_schema *const *tables;
    uint32_t n_tables;
    sp_rowtext **encoders; /* a table */
    sp_buf *heads;         /* a table: what starts its statements, or its COPY data */
    sp_buf *tails;         /* a table: what ends a statement */
    sp_file_output *outputs;
    uint32_t n_outputs;
    sp_file_written *written; /* a table */
    sp_job_memory memory;
    sp_ddl ddl; /* of all its tables: a script that creates them is one file */
} sp_file_sink;

static inline sp_file_sink *sp_file_of(sp_sink *s)
{
    return (sp_file_sink *)s;
}

static inline bool sp_file_is_sql(const sp_file_sink *f)
{
    return f->format == SP_FILE_INSERT || f->format == SP_FILE_COPY;
}

static inline sp_file_output *sp_file_output_of(sp_file_sink *f, uint32_t table)
{
    return &f->outputs[f->n_outputs == 1 ? 0 : table];
}

/* ---- file_output.c ---- */

/* Creates the file, unless it is open, with its preamble. */
int sp_file_output_open(sp_file_sink *f, sp_file_output *o, spate_error *err) SP_MUST_CHECK;
/* Moves on to table, or to none; what the change needs in the file is a piece of its own. */
int sp_file_output_change_table(sp_file_sink *f, sp_file_output *o, uint32_t table, spate_error *err) SP_MUST_CHECK;
/* Appends a whole piece, counted to the table being written, or to the output's first while there is none. */
int sp_file_output_append(sp_file_sink *f, sp_file_output *o, const sp_buf *buf, spate_error *err) SP_MUST_CHECK;
/* Remembers where the messages of a chunk of an Arrow file will be. SPATE_E_NOMEM. */
int sp_file_note_blocks(sp_file_sink *f, sp_file_output *o, const sp_buf *buf) SP_MUST_CHECK;
/* Writes the memory of a job: how long the file is, and which rows of each table are in it. */
int sp_file_output_remember(sp_file_sink *f, sp_file_output *o, spate_error *err) SP_MUST_CHECK;
/* Reads what a run before has left of the job, and opens its file where that run's memory ends. */
int sp_file_output_recall(sp_file_sink *f, sp_file_output *o, spate_error *err) SP_MUST_CHECK;
/* Everything is in it: the end, the sync, the name. */
int sp_file_output_publish(sp_file_sink *f, sp_file_output *o, spate_error *err) SP_MUST_CHECK;
/* Stopped: with a job, whole chunks stay as far as they came. */
int sp_file_output_stop(sp_file_sink *f, sp_file_output *o, spate_error *err) SP_MUST_CHECK;
/* Takes away what a cancelled job has left at path; what another job has left is not ours to take. */
int sp_file_output_abandon(sp_file_sink *f, const char *path, bool remove, spate_error *err) SP_MUST_CHECK;

/* ---- file_lane.c: the lane's part of sp_sink_ops ---- */

int sp_file_lane_open(sp_sink *s, sp_lane **lane, spate_error *err) SP_MUST_CHECK;
int sp_file_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err) SP_MUST_CHECK;
int sp_file_write(sp_lane *lane, const sp_batch *batch, spate_error *err) SP_MUST_CHECK;
int sp_file_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err) SP_MUST_CHECK;
void sp_file_rollback(sp_lane *lane);
void sp_file_lane_close(sp_lane *lane);

#endif
