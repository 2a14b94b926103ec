/* mariadb_job.c - what a MariaDB database remembers of a job: two tables beside the rows (landed.h), in the default database.
 *
 * Tables cannot be created in a transaction here, so a job is first noted with epoch 0 (being prepared), then its tables are made
 * and emptied, then it gets its first epoch: a run that died in between is found at 0 and prepared again. A lock of the server's,
 * which goes with the connection, keeps two runs from preparing at once. */
#include "endpoint/mariadb.h"

#include <stdio.h>
#include <stdlib.h>

static const char what[] = "remembering the job";

static const char tables_sql[] =
    "CREATE TABLE IF NOT EXISTS spate_job (job varchar(255) PRIMARY KEY, made_of longtext NOT NULL, epoch bigint NOT NULL,"
    " complete boolean NOT NULL) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;"
    "CREATE TABLE IF NOT EXISTS spate_chunk (job varchar(255) NOT NULL, table_name varchar(255) NOT NULL,"
    " first_position bigint unsigned NOT NULL, last_position bigint unsigned NOT NULL, row_count bigint NOT NULL,"
    " PRIMARY KEY (job, table_name, first_position)) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

/* Runs what a builder of landed.h, or one here, has built. */
static int run_built(MYSQL *m, sp_buf *sql, int built, spate_error *err)
{
    int status = built ? sp_fail_nomem(err) : sp_my_run(m, sp_my_string(sql), err, what);
    sp_buf_done(sql);
    return status;
}

static int ask_built(MYSQL *m, sp_buf *sql, int built, MYSQL_RES **rows, spate_error *err)
{
    int status = built ? sp_fail_nomem(err) : sp_my_ask(m, sp_my_string(sql), rows, err, what);
    sp_buf_done(sql);
    return status;
}

static int add_job(sp_buf *sql, const char *head, const sp_job_memory *memory)
{
    return sp_buf_adds(sql, head) || sp_sql_literal(sql, sp_str_of(memory->job));
}

static int read_landed(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    MYSQL_RES *rows;
    MYSQL_ROW row;
    sp_buf sql = {0};
    int status = ask_built(m, &sql, sp_job_chunks_sql(&s->memory, &sql), &rows, err);
    if (status)
        return status;
    while (status == SPATE_OK && (row = sp_maria.fetch_row(rows)) != NULL)
        if (sp_job_add(&s->memory, row[0], strtoull(row[1], NULL, 10), strtoull(row[2], NULL, 10),
                       strtoull(row[3], NULL, 10)))
            status = sp_fail_nomem(err);
    sp_maria.free_result(rows);
    s->base.landed = status ? NULL : sp_job_landed(&s->memory);
    return status == SPATE_OK && !s->base.landed ? sp_fail_nomem(err) : status;
}

/* Names of locks have at most 64 characters. */
static int take_lock(const sp_my_sink *s, MYSQL *m, spate_error *err)
{
    char sql[100];
    uint64_t got = 0;
    snprintf(sql, sizeof(sql), "SELECT GET_LOCK('spate %016llx', 30)",
             (unsigned long long)sp_hash64(s->memory.job, strlen(s->memory.job), 0));
    int status = sp_my_ask_number(m, sql, &got, err, what);
    return status == SPATE_OK && !got
               ? sp_fail(err, SPATE_E_UNREACHABLE, "another run is preparing job \"%s\"", s->memory.job)
               : status;
}

/* *epoch: 0 where no run has finished preparing. known: a run has begun to. */
static int look_at_job(sp_my_sink *s, MYSQL *m, uint64_t *epoch, bool *known, spate_error *err)
{
    MYSQL_RES *rows;
    sp_buf sql = {0};
    int status = ask_built(
        m, &sql, add_job(&sql, "SELECT epoch, complete, made_of FROM spate_job WHERE job = ", &s->memory), &rows, err);
    if (status)
        return status;
    MYSQL_ROW row = sp_maria.fetch_row(rows);
    *known = row != NULL;
    *epoch = row ? strtoull(row[0], NULL, 10) : 0;
    if (row)
        status = sp_job_claimed(&s->memory, *epoch + 1, row[1][0] == '1', row[2], err);
    sp_maria.free_result(rows);
    return status;
}

static int note_job(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    sp_buf sql = {0};
    int built = add_job(&sql, "INSERT INTO spate_job (job, made_of, epoch, complete) VALUES (", &s->memory) ||
                sp_buf_adds(&sql, ", ") || sp_sql_literal(&sql, sp_str_of(s->memory.of)) ||
                sp_buf_adds(&sql, ", 0, false)");
    int status = run_built(m, &sql, built, err);
    return status ? status : sp_job_claimed(&s->memory, 1, false, s->memory.of, err);
}

/* Under a lock that claims take too when they make the tables. */
static int drop_unused(MYSQL *m, spate_error *err)
{
    uint64_t left = 0;
    int status = sp_my_run(m, "LOCK TABLES spate_job WRITE, spate_chunk WRITE", err, what);
    if (status == SPATE_OK)
        status = sp_my_ask_number(m, "SELECT count(*) FROM spate_job", &left, err, what);
    if (status == SPATE_OK && left == 0)
        status = sp_my_run(m, "DROP TABLE spate_chunk, spate_job", err, what);
    return status;
}

/* A job that cannot be leaves nothing. */
static int check_new(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    int status = sp_my_check_presence(s, err);
    if (status)
        (void)drop_unused(m, NULL);
    return status;
}

/* Transactions of the run before may still be rolled back, when its connections were lost a moment ago: they are waited for, or rows would
 * be put where rows are taken away, and so get locks of the gaps between them. If this run's connections are then lost too, with one of
 * them waiting, the server makes a lock for each row that it rolls back, and may end for want of memory (10.11.19). A run that was only
 * halted is not waited for longer than this: its chunks are refused. Who may not lock tables goes on at once. */
static int await_rollbacks(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, "LOCK TABLES ");
    for (uint32_t i = 0; i < s->n_tables && !built; i++)
        built = sp_buf_adds(&sql, i ? ", " : "") || sp_sql_ident(&sql, s->tables[i].schema->table) ||
                sp_buf_adds(&sql, " WRITE");
    int status = sp_my_run(m, "SET SESSION lock_wait_timeout = 10", err, what);
    if (status == SPATE_OK && run_built(m, &sql, built, NULL) == SPATE_OK)
        status = sp_my_run(m, "UNLOCK TABLES", err, what);
    sp_buf_done(&sql);
    return status ? status : sp_my_run(m, "SET SESSION lock_wait_timeout = DEFAULT", err, what);
}

int sp_my_claim_job(sp_my_sink *s, MYSQL *m, int (*prepare)(sp_my_sink *, MYSQL *, spate_error *), spate_error *err)
{
    uint64_t epoch = 0;
    bool known = false;
    int status = take_lock(s, m, err);
    if (status == SPATE_OK)
        status = sp_my_run(m, tables_sql, err, "making the memory of jobs");
    if (status == SPATE_OK)
        status = look_at_job(s, m, &epoch, &known, err);
    if (status == SPATE_OK && !known)
        status = check_new(s, m, err);
    if (status == SPATE_OK && !known)
        status = note_job(s, m, err);
    if (status == SPATE_OK)
        status = prepare(s, m, err);
    sp_buf sql = {0};
    if (status == SPATE_OK)
        status =
            run_built(m, &sql, add_job(&sql, "UPDATE spate_job SET epoch = epoch + 1 WHERE job = ", &s->memory), err);
    if (status == SPATE_OK && epoch)
        status = await_rollbacks(s, m, err);
    return status ? status : read_landed(s, m, err);
}

/* The job's row is read with a lock that lasts to the commit, so that a claim waits for it; of another epoch there is none, and
 * nothing is added. */
int sp_my_remember_chunk(sp_my_sink *s, MYSQL *m, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    const sp_job_memory *memory = &s->memory;
    sp_buf sql = {0};
    int built =
        add_job(&sql, "INSERT INTO spate_chunk (job, table_name, first_position, last_position, row_count) SELECT ",
                memory) ||
        sp_buf_adds(&sql, ", ") || sp_sql_literal(&sql, sp_str_of(memory->tables[chunk->table]->table)) ||
        sp_buf_printf(&sql, ", %llu, %llu, %llu FROM spate_job", (unsigned long long)chunk->first,
                      (unsigned long long)chunk->last, (unsigned long long)rows) ||
        add_job(&sql, " WHERE job = ", memory) ||
        sp_buf_printf(&sql, " AND epoch = %llu LOCK IN SHARE MODE", (unsigned long long)memory->epoch);
    int status = built ? sp_fail_nomem(err) : SPATE_OK;
    if (status == SPATE_OK && sp_maria.real_query(m, sql.data, sql.len) != 0)
        status = sp_my_fail(err, m, NULL, "%s", what);
    if (status == SPATE_OK && sp_maria.affected_rows(m) != 1)
        status = sp_fail(err, SPATE_E_DATA, "another run has taken over job \"%s\"", memory->job);
    sp_buf_done(&sql);
    return status;
}

int sp_my_complete_job(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    sp_buf sql = {0};
    if (!s->memory.job)
        return SPATE_OK;
    int built = sp_buf_adds(&sql, "START TRANSACTION;\n") || sp_job_complete_sql(&s->memory, &sql) ||
                sp_buf_adds(&sql, ";\nCOMMIT");
    return run_built(m, &sql, built, err);
}

static int forget(sp_my_sink *s, MYSQL *m, spate_error *err)
{
    sp_buf sql = {0};
    int status = run_built(m, &sql, sp_job_forget_sql(&s->memory, &sql), err);
    return status ? status : drop_unused(m, err);
}

int sp_my_forget_job(sp_sink *sink, spate_error *err)
{
    sp_my_sink *s = (sp_my_sink *)sink;
    MYSQL *m = NULL;
    int status = sp_my_connect(&s->server, &m, err);
    if (status == SPATE_OK)
        status = forget(s, m, err);
    if (m)
        sp_maria.close(m);
    return status;
}

int sp_my_abandon_job(sp_sink *sink, const sp_schema *const *tables, uint32_t n_tables, bool remove, spate_error *err)
{
    sp_my_sink *s = (sp_my_sink *)sink;
    MYSQL *m = NULL;
    uint64_t there = 0;
    int status = sp_job_memory_init(&s->memory, &s->arena, &sink->options, tables, n_tables, err);
    if (status == SPATE_OK)
        status = sp_my_connect(&s->server, &m, err);
    if (status == SPATE_OK)
        status = sp_my_ask_number(m,
                                  "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
                                  " AND table_name = 'spate_job'",
                                  &there, err, what);
    if (status == SPATE_OK && there)
        status = forget(s, m, err);
    if (m)
        sp_maria.close(m);
    return status;
}
