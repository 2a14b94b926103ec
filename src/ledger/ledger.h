/* ledger.h - private to the room: the ledger as its own files see it.
 *
 * lock guards memory and the order of the journal: whoever changes something holds it for writing until the record is appended.
 * The mirror's own lock guards what is queued for DuckDB; sql the connection. They are taken in the order sql, lock, mirror. */
#ifndef SP_LEDGER_H
#define SP_LEDGER_H

#include "client/libduckdb.h"
#include "ledger/journal.h"
#include "ledger/record.h"

/* Statements whose rows the journal keeps for DuckDB; the numbers are on disk. */
typedef enum sp_row { SP_ROW_LOG = 1, SP_ROW_TASK_ERROR, SP_ROW_MIGRATION, SP_ROW_QUEUE_STATS, SP_ROWS } sp_row;

typedef struct sp_mirror {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_t thread;
    bool running, stop;
    uint64_t asked, answered; /* flushes */
    uint64_t queued_rows, blocked;
    int64_t seal_due_us, log_due_us; /* 0: nothing waits */
    sp_buf rows, volatile_rows;      /* row records that DuckDB lacks; those that the journal does not have either */
    uint64_t rows_first;             /* number of the first in rows */
    unsigned logs;                   /* of them, and of those being written */
    int32_t flushed[2];
    spate_error failure; /* final */
    pthread_mutex_t sql;
    duckdb_database db;
    duckdb_connection conn;
} sp_mirror;

struct spate_ledger {
    char *path; /* NULL: in memory */
    spate_ledger_options options;
    pthread_rwlock_t lock;
    sp_memory memory;
    uint64_t rows_at_open;
    sp_journal journal;
    uint64_t rewrite_at, rewritten_bytes; /* bytes of the journal: it is looked at; it had when it was written anew */
    sp_buf record, known;                 /* under lock */
    bool touched;                         /* memory has what the journal has not: under lock */
    spate_ledger_resume resume;
    sp_mirror mirror;
};

/* Writes the journal anew when it says much twice. Under the ledger's lock. */
int sp_snapshot_when_due(spate_ledger *l, spate_error *err) SP_MUST_CHECK;

int sp_mirror_start(spate_ledger *l, spate_error *err) SP_MUST_CHECK;
int sp_mirror_stop(spate_ledger *l, spate_error *err) SP_MUST_CHECK; /* flushes what is queued first */
/* Room for a level of so many rows; waits for it. Then, under the ledger's lock, queued says that it is there. */
int sp_mirror_reserve(spate_ledger *l, uint64_t rows, spate_error *err) SP_MUST_CHECK;
void sp_mirror_release(spate_ledger *l, uint64_t rows);
void sp_mirror_queued(spate_ledger *l);
int sp_mirror_logs_wait(spate_ledger *l, spate_error *err) SP_MUST_CHECK;
/* A row record, which the journal has or (volatile) does not need. Under the ledger's lock. */
int sp_mirror_row(spate_ledger *l, const char *record, size_t len, sp_row kind, spate_error *err) SP_MUST_CHECK;
bool sp_mirror_off(const spate_ledger *l);

/* What a flush takes along besides what the levels owe: row records, the first of them with its number (flush.c). */
typedef struct sp_taken {
    sp_buf rows, volatile_rows;
    uint64_t first, queued_rows;
    unsigned logs;
} sp_taken;
/* Writes all of it; depth: the deepest level of each side that was written, -1: none. Takes sql. */
int sp_flush(spate_ledger *l, const sp_taken *t, int32_t depth[2], spate_error *err) SP_MUST_CHECK;
/* Opens DuckDB, unless it is open, and looks what it has. Under sql. */
int sp_mirror_attach(spate_ledger *l, spate_error *err) SP_MUST_CHECK;
/* The answer to sql, whose parameters are texts. Under sql, attached. */
int sp_mirror_ask(sp_mirror *m, const char *sql, const spate_bytes *texts, size_t n, duckdb_result *result,
                  spate_error *err) SP_MUST_CHECK;

/* Whether a node of this state is what a filter asks for; and how many of a level are, at most (count.c). */
bool sp_fits(const spate_filter *f, uint16_t state);
uint64_t sp_fit_at_most(const spate_filter *f, const sp_level *level);

/* Rows of a side's table (rows.c): data chunks over text that lives until it is appended. */
typedef struct sp_chunk_rows {
    duckdb_logical_type types[17];
    duckdb_data_chunk chunk;
    sp_buf text, scratch;
    struct sp_slice *slices;
} sp_chunk_rows;
int sp_rows_init(sp_chunk_rows *r, spate_error *err) SP_MUST_CHECK;
void sp_rows_done(sp_chunk_rows *r);
/* Puts the nodes into the chunk, at most SP_BATCH_ROWS_MAX. Under the ledger's lock. */
int sp_rows_fill(sp_chunk_rows *r, const sp_side *s, const uint32_t *nodes, size_t n, spate_error *err) SP_MUST_CHECK;

#endif
