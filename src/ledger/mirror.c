/* mirror.c - DuckDB, kept a copy of what is sealed by a thread of its own: the seal buffer.
 *
 * What is owed to DuckDB is queued here, up to a limit, and written when there is enough of it, when its time has come or when somebody
 * asks; a failure is final. What one flush writes, and how, is flush.c's. */
#include "ledger/ledger.h"

#include "ledger_sql.h"

#include <errno.h>

bool sp_mirror_off(const spate_ledger *l)
{
    return l->options.journal_only;
}

/* ---- the thread ----------------------------------------------------------------------------------------------------------------- */

static bool flush_is_due(const spate_ledger *l)
{
    const sp_mirror *m = &l->mirror;
    int64_t now = sp_os_monotonic_us();
    return m->asked > m->answered || m->blocked || m->queued_rows >= l->options.flush_rows ||
           m->logs >= l->options.log_batch || (m->seal_due_us && now >= m->seal_due_us) ||
           (m->log_due_us && now >= m->log_due_us);
}

static void wait_for_work(sp_mirror *m)
{
    int64_t due =
        m->seal_due_us && m->log_due_us ? SP_MIN(m->seal_due_us, m->log_due_us) : m->seal_due_us + m->log_due_us;
    if (due && !m->failure.status)
        (void)sp_os_cond_wait_until(&m->work, &m->lock, due);
    else
        pthread_cond_wait(&m->work, &m->lock);
}

static void take(sp_mirror *m, sp_taken *t)
{
    *t = (sp_taken){.rows = m->rows,
                    .volatile_rows = m->volatile_rows,
                    .first = m->rows_first,
                    .queued_rows = m->queued_rows,
                    .logs = m->logs};
    m->rows = m->volatile_rows = (sp_buf){0};
    m->seal_due_us = m->log_due_us = 0;
}

static void *mirror_thread(void *arg)
{
    spate_ledger *l = arg;
    sp_mirror *m = &l->mirror;
    pthread_mutex_lock(&m->lock);
    for (;;) {
        while (!m->stop && (m->failure.status || !flush_is_due(l)))
            wait_for_work(m);
        bool left = m->asked > m->answered || m->queued_rows || m->rows.len || m->volatile_rows.len || m->seal_due_us;
        if (m->stop && (!left || m->failure.status))
            break;
        sp_taken t;
        spate_error err = {0};
        int32_t depth[2];
        uint64_t asked = m->asked;
        take(m, &t);
        pthread_mutex_unlock(&m->lock);
        int rc = sp_flush(l, &t, depth, &err);
        pthread_mutex_lock(&m->lock);
        if (rc != SPATE_OK)
            m->failure = err;
        for (unsigned side = 0; side < 2 && rc == SPATE_OK; side++)
            m->flushed[side] = SP_MAX(m->flushed[side], depth[side]);
        m->queued_rows -= t.queued_rows;
        m->logs -= t.logs;
        m->answered = asked;
        sp_buf_done(&t.rows);
        sp_buf_done(&t.volatile_rows);
        pthread_cond_broadcast(&m->done);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static int failure_of(const sp_mirror *m, spate_error *err)
{
    if (m->failure.status != SPATE_OK && err)
        *err = m->failure;
    return m->failure.status;
}

/* The thread is started by the first that has something for it. Under the mirror's lock. */
static int wake(spate_ledger *l, spate_error *err)
{
    sp_mirror *m = &l->mirror;
    int rc = failure_of(m, err);
    if (rc == SPATE_OK && !m->running) {
        rc = sp_os_thread_start(&m->thread, mirror_thread, l, err);
        m->running = rc == SPATE_OK;
    }
    pthread_cond_signal(&m->work);
    return rc;
}

int sp_mirror_start(spate_ledger *l, spate_error *err)
{
    sp_mirror *m = &l->mirror;
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->sql, NULL);
    sp_os_cond_init(&m->work);
    sp_os_cond_init(&m->done);
    m->flushed[0] = m->flushed[1] = -1;
    return SPATE_OK;
}

int sp_mirror_stop(spate_ledger *l, spate_error *err)
{
    sp_mirror *m = &l->mirror;
    pthread_mutex_lock(&m->lock);
    int rc = m->conn ? wake(l, err) : failure_of(m, err);
    pthread_mutex_unlock(&m->lock);
    if (m->running) {
        pthread_mutex_lock(&m->lock);
        m->asked++; /* for changes in levels that are sealed already */
        m->stop = true;
        pthread_cond_broadcast(&m->work);
        pthread_mutex_unlock(&m->lock);
        pthread_join(m->thread, NULL);
        rc = failure_of(m, err);
    }
    if (m->conn && rc == SPATE_OK && !m->failure.status)
        rc = sp_duckdb_run(m->conn, "CHECKPOINT", err);
    if (m->conn)
        sp_duckdb.disconnect(&m->conn);
    if (m->db)
        sp_duckdb.close(&m->db);
    sp_buf_done(&m->rows);
    sp_buf_done(&m->volatile_rows);
    return rc;
}

/* ---- what the ledger's other files call ------------------------------------------------------------------------------------------ */

int sp_mirror_reserve(spate_ledger *l, uint64_t rows, spate_error *err)
{
    sp_mirror *m = &l->mirror;
    pthread_mutex_lock(&m->lock);
    int rc = wake(l, err);
    m->blocked++; /* a seal that waits for room is a reason to flush */
    while (rc == SPATE_OK && m->queued_rows && m->queued_rows + rows > l->options.rows_max) {
        pthread_cond_signal(&m->work);
        pthread_cond_wait(&m->done, &m->lock);
        rc = failure_of(m, err);
    }
    m->blocked--;
    if (rc == SPATE_OK)
        m->queued_rows += rows;
    pthread_mutex_unlock(&m->lock);
    return rc;
}

void sp_mirror_release(spate_ledger *l, uint64_t rows)
{
    pthread_mutex_lock(&l->mirror.lock);
    l->mirror.queued_rows -= rows;
    pthread_cond_broadcast(&l->mirror.done);
    pthread_mutex_unlock(&l->mirror.lock);
}

void sp_mirror_queued(spate_ledger *l)
{
    sp_mirror *m = &l->mirror;
    pthread_mutex_lock(&m->lock);
    if (!m->seal_due_us)
        m->seal_due_us = sp_os_monotonic_us() + l->options.flush_ms * INT64_C(1000);
    pthread_cond_signal(&m->work);
    pthread_mutex_unlock(&m->lock);
}

int sp_mirror_logs_wait(spate_ledger *l, spate_error *err)
{
    sp_mirror *m = &l->mirror;
    pthread_mutex_lock(&m->lock);
    int rc = failure_of(m, err);
    while (rc == SPATE_OK && m->logs >= 2 * l->options.log_batch) {
        pthread_cond_signal(&m->work);
        pthread_cond_wait(&m->done, &m->lock);
        rc = failure_of(m, err);
    }
    pthread_mutex_unlock(&m->lock);
    return rc;
}

int sp_mirror_row(spate_ledger *l, const char *record, size_t len, sp_row kind, spate_error *err)
{
    sp_mirror *m = &l->mirror;
    if (sp_mirror_off(l))
        return SPATE_OK;
    pthread_mutex_lock(&m->lock);
    sp_buf *to = kind == SP_ROW_QUEUE_STATS ? &m->volatile_rows : &m->rows;
    if (to == &m->rows && to->len == 0)
        m->rows_first = l->memory.rows - 1; /* the record has been counted */
    int rc = sp_buf_add(to, record, len) ? sp_fail_nomem(err) : SPATE_OK;
    m->logs += kind == SP_ROW_LOG;
    if (!m->log_due_us)
        m->log_due_us = sp_os_monotonic_us() + l->options.log_ms * INT64_C(1000);
    rc = rc ? rc : wake(l, err);
    pthread_mutex_unlock(&m->lock);
    return rc;
}

/* ---- the public side ------------------------------------------------------------------------------------------------------------- */

int spate_ledger_flush(spate_ledger *l, spate_error *err)
{
    sp_mirror *m = &l->mirror;
    if (sp_mirror_off(l))
        return SPATE_OK;
    pthread_mutex_lock(&m->lock);
    uint64_t mine = ++m->asked;
    int rc = wake(l, err);
    while (rc == SPATE_OK && m->answered < mine) {
        pthread_cond_wait(&m->done, &m->lock);
        rc = failure_of(m, err);
    }
    pthread_mutex_unlock(&m->lock);
    return rc;
}

int spate_ledger_wait_flushed(spate_ledger *l, spate_side side, int32_t depth, unsigned timeout_ms, spate_error *err)
{
    sp_mirror *m = &l->mirror;
    int64_t due = sp_os_monotonic_us() + timeout_ms * INT64_C(1000);
    if (sp_mirror_off(l))
        return SPATE_OK;
    pthread_mutex_lock(&m->lock);
    int rc = failure_of(m, err);
    while (rc == SPATE_OK && m->flushed[side] < depth) {
        int late = timeout_ms ? sp_os_cond_wait_until(&m->done, &m->lock, due) : pthread_cond_wait(&m->done, &m->lock);
        rc = failure_of(m, err);
        if (rc == SPATE_OK && late == ETIMEDOUT && m->flushed[side] < depth)
            rc = sp_fail(err, SPATE_E_RETRY, "level %d is not flushed after %u ms", depth, timeout_ms);
    }
    pthread_mutex_unlock(&m->lock);
    return rc;
}

int32_t spate_ledger_flushed_depth(spate_ledger *l, spate_side side)
{
    pthread_mutex_lock(&l->mirror.lock);
    int32_t depth = l->mirror.flushed[side];
    pthread_mutex_unlock(&l->mirror.lock);
    return depth;
}

static int with_connection(spate_ledger *l, int (*fn)(spate_ledger *l, void *arg, spate_error *err), void *arg,
                           spate_error *err)
{
    if (sp_mirror_off(l))
        return sp_fail(err, SPATE_E_USAGE, "the ledger \"%s\" was opened without SQL", spate_ledger_path(l));
    pthread_mutex_lock(&l->mirror.sql);
    int rc = sp_mirror_attach(l, err);
    rc = rc ? rc : fn(l, arg, err);
    pthread_mutex_unlock(&l->mirror.sql);
    return rc;
}

static int run_text(spate_ledger *l, void *sql, spate_error *err)
{
    return sp_duckdb_run(l->mirror.conn, sql, err);
}

int spate_ledger_checkpoint(spate_ledger *l, spate_error *err)
{
    int rc = spate_ledger_flush(l, err);
    return rc || sp_mirror_off(l) ? rc : with_connection(l, run_text, "CHECKPOINT", err);
}

int spate_ledger_index(spate_ledger *l, spate_side side, spate_error *err)
{
    return with_connection(l, run_text, (void *)(side ? sp_sql_index_dst : sp_sql_index_src), err);
}

typedef struct question {
    const char *sql;
    const spate_bytes *params;
    size_t n;
    spate_query_fn fn;
    void *arg;
} question;

static int tell_rows(duckdb_result *result, const question *q, spate_error *err)
{
    size_t columns = sp_duckdb.column_count(result);
    spate_cell *cells = sp_alloc_zero(SP_MAX(columns, (size_t)1), sizeof(*cells));
    int rc = cells ? SPATE_OK : sp_fail_nomem(err);
    for (size_t c = 0; c < columns && rc == SPATE_OK; c++)
        cells[c] = (spate_cell){.text = sp_duckdb.column_name(result, c), .len = strlen(sp_duckdb.column_name(result, c))};
    rc = rc ? rc : q->fn(q->arg, cells, columns);
    idx_t rows = rc ? 0 : sp_duckdb.row_count(result);
    for (idx_t i = 0; i < rows && rc == SPATE_OK; i++) {
        for (size_t c = 0; c < columns; c++) {
            char *text = sp_duckdb.value_varchar(result, c, i);
            cells[c] = (spate_cell){.text = text, .len = text ? strlen(text) : 0};
        }
        rc = q->fn(q->arg, cells, columns);
        for (size_t c = 0; c < columns; c++)
            sp_duckdb.free((void *)cells[c].text);
    }
    sp_free(cells);
    return rc;
}

static int answer(spate_ledger *l, void *arg, spate_error *err)
{
    const question *q = arg;
    duckdb_result result;
    int rc = sp_mirror_ask(&l->mirror, q->sql, q->params, q->n, &result, err);
    if (rc != SPATE_OK)
        return rc;
    rc = q->fn ? tell_rows(&result, q, err) : SPATE_OK;
    sp_duckdb.destroy_result(&result);
    return rc;
}

int spate_ledger_sql(spate_ledger *l, const char *sql, const spate_bytes *params, size_t n_params, spate_query_fn fn,
                     void *arg, spate_error *err)
{
    question q = {sql, params, n_params, fn, arg};
    return with_connection(l, answer, &q, err);
}
