/* flush.c - what the mirror writes into DuckDB, and the connection it does so by.
 *
 * A flush is one transaction: whole levels that DuckDB lacks, in the order of ids; the changed rows of those it has; statistics;
 * rows of logs and errors. For each level DuckDB also keeps the version it got, so that a ledger that is opened again writes
 * those levels once more that differ, and all of them into an empty file. A level counts as copied from the moment its rows are
 * read: what changes behind the reader is noted as dirty and goes with the next flush. */
#include "ledger/ledger.h"

#include "ledger_sql.h"

#include <stdio.h>

typedef struct flush {
    spate_ledger *l;
    sp_mirror *m;
    sp_chunk_rows rows;
    duckdb_prepared_statement row_statements[SP_ROWS];
    int32_t depth[2]; /* the deepest level written */
    spate_error *err;
} flush;

/* ---- SQL ------------------------------------------------------------------------------------------------------------------ */

static int bind_and_run(duckdb_prepared_statement statement, const spate_bytes *texts, size_t n, duckdb_result *result,
                        spate_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (sp_duckdb.bind_varchar_length(statement, i + 1, texts[i].len ? texts[i].p : "", texts[i].len) ==
            DuckDBError)
            return sp_fail(err, SPATE_E_USAGE, "the statement has no parameter $%zu, or it is no text", i + 1);
    if (sp_duckdb.execute_prepared(statement, result) == DuckDBSuccess)
        return SPATE_OK;
    int rc = sp_duckdb_fail(err, sp_duckdb.result_error_type(result), sp_duckdb.result_error(result));
    sp_duckdb.destroy_result(result);
    return rc;
}

static int prepare(sp_mirror *m, const char *sql, duckdb_prepared_statement *statement, spate_error *err)
{
    if (sp_duckdb.prepare(m->conn, sql, statement) == DuckDBSuccess)
        return SPATE_OK;
    int rc = sp_duckdb_fail(err, DUCKDB_ERROR_BINDER, sp_duckdb.prepare_error(*statement));
    sp_duckdb.destroy_prepare(statement);
    return rc;
}

int sp_mirror_ask(sp_mirror *m, const char *sql, const spate_bytes *texts, size_t n, duckdb_result *result,
                  spate_error *err)
{
    duckdb_prepared_statement statement = NULL;
    int rc = prepare(m, sql, &statement, err);
    if (rc != SPATE_OK)
        return rc;
    rc = bind_and_run(statement, texts, n, result, err);
    sp_duckdb.destroy_prepare(&statement);
    return rc;
}

/* Runs sql with numbers for its parameters, and word (may be NULL) for the second one. */
static int run(sp_mirror *m, const char *sql, size_t n, const int64_t *numbers, const char *word, spate_error *err)
{
    char digits[3][SP_I64_TEXT_MAX + SP_SLACK];
    spate_bytes texts[3];
    for (size_t i = 0, k = 0; i < n; i++) {
        if (i == 1 && word)
            texts[i] = (spate_bytes){word, strlen(word)};
        else
            texts[i] = (spate_bytes){digits[i], (size_t)(sp_put_i64(digits[i], numbers[k++]) - digits[i])};
    }
    duckdb_result result;
    int rc = sp_mirror_ask(m, sql, texts, n, &result, err);
    if (rc == SPATE_OK)
        sp_duckdb.destroy_result(&result);
    return rc;
}

/* ---- attaching -------------------------------------------------------------------------------------------------------------- */

static int check_identity(spate_ledger *l, spate_error *err)
{
    duckdb_result result;
    int64_t salt = (int64_t)l->journal.salt;
    int rc = sp_duckdb_ask(l->mirror.conn, sp_sql_identity, &result, err);
    if (rc != SPATE_OK)
        return rc;
    bool there = sp_duckdb.row_count(&result) > 0, same = there && sp_duckdb.value_int64(&result, 0, 0) == salt;
    sp_duckdb.destroy_result(&result);
    if (!there)
        return run(&l->mirror, sp_sql_identify, 1, &salt, NULL, err);
    if (same)
        return SPATE_OK;
    sp_fail(err, SPATE_E_CORRUPT, "\"%s\" belongs to another ledger than the journal beside it", spate_ledger_path(l));
    sp_error_hint(err, "remove or rename it: the journal gives all of it again");
    return SPATE_E_CORRUPT;
}

/* Levels that DuckDB has as they are. */
static int compare_levels(spate_ledger *l, spate_error *err)
{
    duckdb_result result;
    int rc = sp_duckdb_ask(l->mirror.conn, sp_sql_levels, &result, err);
    if (rc != SPATE_OK)
        return rc;
    pthread_rwlock_wrlock(&l->lock);
    for (idx_t i = 0; i < sp_duckdb.row_count(&result); i++) {
        int64_t side = sp_duckdb.value_int64(&result, 0, i), version = sp_duckdb.value_int64(&result, 2, i);
        sp_level *level = side == 0 || side == 1
                              ? sp_level_at(&l->memory.side[side], (int32_t)sp_duckdb.value_int64(&result, 1, i))
                              : NULL;
        if (level && level->sealed && level->version == (uint64_t)version && !level->queued)
            level->mirrored = true, level->stats_dirty = false;
    }
    pthread_rwlock_unlock(&l->lock);
    sp_duckdb.destroy_result(&result);
    return SPATE_OK;
}

static const char *const row_sql[SP_ROWS] = {[SP_ROW_LOG] = sp_sql_log,
                                             [SP_ROW_TASK_ERROR] = sp_sql_task_error,
                                             [SP_ROW_MIGRATION] = sp_sql_migration,
                                             [SP_ROW_QUEUE_STATS] = sp_sql_queue_stats};

typedef struct replay {
    flush *f;
    uint64_t number, from, to;
} replay;

static int write_row(void *arg, uint64_t number, unsigned statement, const spate_bytes *texts, size_t n,
                     spate_error *err)
{
    replay *r = arg;
    if (number < r->from || number >= r->to)
        return SPATE_OK;
    if (statement == 0 || statement >= SP_ROWS)
        return sp_fail(err, SPATE_E_CORRUPT, "a row of the journal is of kind %u, which spate does not know",
                       statement);
    duckdb_prepared_statement *prepared = &r->f->row_statements[statement];
    int rc = *prepared ? SPATE_OK : prepare(r->f->m, row_sql[statement], prepared, err);
    duckdb_result result;
    rc = rc ? rc : bind_and_run(*prepared, texts, n, &result, err);
    if (rc == SPATE_OK)
        sp_duckdb.destroy_result(&result);
    return rc;
}

static int write_payload_rows(void *arg, const char *payload, size_t len, spate_error *err)
{
    replay *r = arg;
    return sp_record_rows(payload, len, &r->number, write_row, r, err);
}

static int note_rows(sp_mirror *m, uint64_t applied, spate_error *err)
{
    return run(m, sp_sql_note_rows, 1, &(int64_t){(int64_t)applied}, NULL, err);
}

/* Rows that the journal had when it was opened and DuckDB has not. */
static int catch_up_rows(flush *f, spate_error *err)
{
    duckdb_result result;
    replay r = {.f = f, .to = f->l->rows_at_open};
    int rc = sp_duckdb_ask(f->m->conn, sp_sql_rows_applied, &result, err);
    if (rc != SPATE_OK)
        return rc;
    r.from = sp_duckdb.row_count(&result) ? (uint64_t)sp_duckdb.value_int64(&result, 0, 0) : 0;
    sp_duckdb.destroy_result(&result);
    if (r.from >= r.to || !f->l->journal.path)
        return SPATE_OK;
    rc = sp_journal_read(&f->l->journal, write_payload_rows, &r, err);
    return rc == SPATE_OK ? note_rows(f->m, r.to, err) : rc;
}

int sp_mirror_attach(spate_ledger *l, spate_error *err)
{
    sp_mirror *m = &l->mirror;
    if (m->conn)
        return SPATE_OK;
    char memory[64];
    snprintf(memory, sizeof(memory), "SET memory_limit = '%uMiB'", l->options.memory_mib);
    int rc = m->db ? SPATE_OK : sp_duckdb_open(spate_ledger_path(l), false, 1, &m->db, err);
    if (rc == SPATE_OK && sp_duckdb.connect(m->db, &m->conn) == DuckDBError)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "could not connect to \"%s\"", spate_ledger_path(l));
    rc = rc ? rc : sp_duckdb_run(m->conn, memory, err);
    rc = rc ? rc : sp_duckdb_run(m->conn, sp_sql_settings, err);
    rc = rc ? rc : sp_duckdb_run(m->conn, sp_sql_schema, err);
    rc = rc ? rc : check_identity(l, err);
    rc = rc ? rc : compare_levels(l, err);
    /* What a crash left in DuckDB's own log goes into its file before anybody makes an index serve it. */
    return rc ? rc : sp_duckdb_run(m->conn, "CHECKPOINT", err);
}

/* ---- one level --------------------------------------------------------------------------------------------------------------- */

static int append_chunk(duckdb_appender appender, duckdb_data_chunk chunk, spate_error *err)
{
    if (sp_duckdb.append_data_chunk(appender, chunk) == DuckDBSuccess)
        return SPATE_OK;
    duckdb_error_data why = sp_duckdb.appender_error_data(appender);
    int rc = sp_duckdb_fail(err, sp_duckdb.error_data_error_type(why), sp_duckdb.error_data_message(why));
    sp_duckdb.destroy_error_data(&why);
    return rc;
}

static int open_appender(sp_mirror *m, const char *table, duckdb_appender *appender, spate_error *err)
{
    *appender = NULL;
    if (sp_duckdb.appender_create(m->conn, NULL, table, appender) == DuckDBSuccess)
        return SPATE_OK;
    return sp_fail(err, SPATE_E_UNREACHABLE, "DuckDB: cannot append to table \"%s\"", table);
}

static int close_appender(duckdb_appender *appender, int rc, spate_error *err)
{
    if (rc == SPATE_OK && sp_duckdb.appender_flush(*appender) == DuckDBError) {
        duckdb_error_data why = sp_duckdb.appender_error_data(*appender);
        rc = sp_duckdb_fail(err, sp_duckdb.error_data_error_type(why), sp_duckdb.error_data_message(why));
        sp_duckdb.destroy_error_data(&why);
    }
    sp_duckdb.appender_destroy(appender);
    return rc;
}

/* The level's rows from behind *hi, *lo on, at most a chunk of them: how many. The lock is held only so long. */
static int read_chunk(flush *f, unsigned side, int32_t depth, bool *started, uint64_t *hi, uint64_t *lo, size_t *n)
{
    spate_ledger *l = f->l;
    uint32_t nodes[SP_BATCH_ROWS_MAX], i;
    *n = 0;
    pthread_rwlock_rdlock(&l->lock);
    const sp_side *s = &l->memory.side[side];
    sp_walk walk;
    sp_walk_start(&walk, s, s->levels[depth], *started, *hi, *lo);
    while (*n < SP_BATCH_ROWS_MAX && (i = sp_walk_next(&walk)) != 0) {
        *hi = sp_node_at(s, i)->hi;
        *lo = sp_node_at(s, i)->lo;
        *started = true;
        if (sp_node_alive(s, i))
            nodes[(*n)++] = i;
    }
    int rc = *n ? sp_rows_fill(&f->rows, s, nodes, *n, f->err) : SPATE_OK;
    pthread_rwlock_unlock(&l->lock);
    return rc;
}

static int write_level(flush *f, unsigned side, int32_t depth)
{
    duckdb_appender appender;
    uint64_t hi = 0, lo = 0;
    bool started = false;
    size_t n = 1;
    int rc = run(f->m, side ? sp_sql_drop_level_dst : sp_sql_drop_level_src, 1, &(int64_t){depth}, NULL, f->err);
    rc = rc ? rc : open_appender(f->m, side ? "dst_nodes" : "src_nodes", &appender, f->err);
    if (rc != SPATE_OK)
        return rc;
    while (rc == SPATE_OK && n) {
        rc = read_chunk(f, side, depth, &started, &hi, &lo, &n);
        if (rc == SPATE_OK && n)
            rc = append_chunk(appender, f->rows.chunk, f->err);
    }
    return close_appender(&appender, rc, f->err);
}

static int stage_ids(flush *f, unsigned side, const uint32_t *nodes, uint32_t n)
{
    const sp_side *s = &f->l->memory.side[side];
    duckdb_logical_type type = sp_duckdb.create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_data_chunk chunk = sp_duckdb.create_data_chunk(&type, 1);
    duckdb_appender appender;
    int rc = open_appender(f->m, "stage_ids", &appender, f->err);
    char text[SP_BATCH_ROWS_MAX][33];
    for (uint32_t from = 0; rc == SPATE_OK && from < n; from += SP_BATCH_ROWS_MAX) {
        uint32_t count = SP_MIN(n - from, (uint32_t)SP_BATCH_ROWS_MAX);
        duckdb_string_t *to = sp_duckdb.vector_get_data(sp_duckdb.data_chunk_get_vector(chunk, 0));
        pthread_rwlock_rdlock(&f->l->lock); /* ids do not change, but the blocks' table may move */
        for (uint32_t i = 0; i < count; i++) {
            const sp_node *node = sp_node_at(s, nodes[from + i]);
            spate_node_id_hex(sp_id_join(node->hi, node->lo), text[i]);
            to[i].value.pointer.length = 32;
            memcpy(to[i].value.pointer.prefix, text[i], 4);
            to[i].value.pointer.ptr = text[i];
        }
        pthread_rwlock_unlock(&f->l->lock);
        sp_duckdb.data_chunk_set_size(chunk, count);
        rc = append_chunk(appender, chunk, f->err);
    }
    if (appender)
        rc = close_appender(&appender, rc, f->err);
    sp_duckdb.destroy_data_chunk(&chunk);
    sp_duckdb.destroy_logical_type(&type);
    return rc;
}

static int stage_nodes(flush *f, unsigned side, const uint32_t *nodes, uint32_t n)
{
    spate_ledger *l = f->l;
    duckdb_appender appender;
    int rc = open_appender(f->m, "stage_nodes", &appender, f->err);
    for (uint32_t from = 0; rc == SPATE_OK && from < n;) {
        uint32_t alive[SP_BATCH_ROWS_MAX];
        size_t count = 0;
        pthread_rwlock_rdlock(&l->lock);
        for (; from < n && count < SP_BATCH_ROWS_MAX; from++)
            if (sp_node_alive(&l->memory.side[side], nodes[from]))
                alive[count++] = nodes[from];
        rc = count ? sp_rows_fill(&f->rows, &l->memory.side[side], alive, count, f->err) : SPATE_OK;
        pthread_rwlock_unlock(&l->lock);
        if (rc == SPATE_OK && count)
            rc = append_chunk(appender, f->rows.chunk, f->err);
    }
    return appender ? close_appender(&appender, rc, f->err) : rc;
}

static int fold_level(flush *f, unsigned side, int32_t depth, const uint32_t *dirty, uint32_t n)
{
    int rc = stage_ids(f, side, dirty, n);
    rc = rc ? rc : stage_nodes(f, side, dirty, n);
    rc = rc ? rc : run(f->m, side ? sp_sql_fold_out_dst : sp_sql_fold_out_src, 1, &(int64_t){depth}, NULL, f->err);
    return rc ? rc : sp_duckdb_run(f->m->conn, side ? sp_sql_fold_in_dst : sp_sql_fold_in_src, f->err);
}

static int write_stats(flush *f, unsigned side, int32_t depth, const int64_t *stat, uint32_t there)
{
    int rc = run(f->m, side ? sp_sql_forget_stats_dst : sp_sql_forget_stats_src, 1, &(int64_t){depth}, NULL, f->err);
    for (unsigned k = 0; k < SPATE_STATS && rc == SPATE_OK; k++)
        if (there >> k & 1)
            rc = run(f->m, side ? sp_sql_note_stat_dst : sp_sql_note_stat_src, 3, (int64_t[]){depth, stat[k]},
                     spate_stat_name(k), f->err);
    return rc;
}

static int note_level(flush *f, unsigned side, int32_t depth, uint64_t version)
{
    int64_t numbers[] = {side, depth, (int64_t)version};
    int rc = run(f->m, sp_sql_forget_level, 2, numbers, NULL, f->err);
    return rc ? rc : run(f->m, sp_sql_note_level, 3, numbers, NULL, f->err);
}

/* Takes what the level owes DuckDB, and writes it. */
static int flush_level(flush *f, unsigned side, int32_t depth)
{
    spate_ledger *l = f->l;
    pthread_rwlock_wrlock(&l->lock);
    sp_level *level = l->memory.side[side].levels[depth];
    bool whole = level && level->sealed && !level->mirrored,
         stats = level && (level->stats_dirty || whole || level->n_dirty);
    uint32_t *dirty = level ? level->dirty : NULL, n = level ? level->n_dirty : 0, there = 0;
    int64_t stat[SPATE_STATS];
    uint64_t version = 0;
    int rc = SPATE_OK;
    if (level) {
        level->dirty = NULL;
        level->n_dirty = level->cap_dirty = 0;
        for (uint32_t i = 0; i < n; i++)
            *sp_state_at(&l->memory.side[side], dirty[i]) &= (uint16_t)~SP_STATE_DIRTY;
        rc = whole ? sp_level_sort(&l->memory.side[side], level, f->err) : SPATE_OK;
        level->mirrored |= whole;
        level->queued = level->stats_dirty = false;
        version = level->version;
        if (level->sealed)
            sp_memory_recount(level, side), level->stats_dirty = false;
        memcpy(stat, level->stat, sizeof(stat));
        there = level->stat_there;
    }
    pthread_rwlock_unlock(&l->lock);
    if (rc == SPATE_OK && whole)
        rc = write_level(f, side, depth);
    else if (rc == SPATE_OK && n)
        rc = fold_level(f, side, depth, dirty, n);
    if (rc == SPATE_OK && (whole || n))
        rc = note_level(f, side, depth, version);
    if (rc == SPATE_OK && stats)
        rc = write_stats(f, side, depth, stat, there);
    if (whole)
        f->depth[side] = SP_MAX(f->depth[side], depth);
    sp_free(dirty);
    return rc;
}

static int flush_levels(flush *f)
{
    int rc = SPATE_OK;
    for (unsigned side = 0; side < 2; side++) {
        pthread_rwlock_rdlock(&f->l->lock);
        uint32_t n = f->l->memory.side[side].n_levels;
        pthread_rwlock_unlock(&f->l->lock);
        for (uint32_t depth = 0; depth < n && rc == SPATE_OK; depth++)
            rc = flush_level(f, side, (int32_t)depth);
    }
    return rc;
}

/* ---- a flush ------------------------------------------------------------------------------------------------------------------ */

static int flush_rows(flush *f, const sp_taken *t)
{
    replay r = {.f = f, .number = t->first, .from = 0, .to = UINT64_MAX};
    int rc = sp_record_rows(t->rows.data, t->rows.len, &r.number, write_row, &r, f->err);
    if (rc == SPATE_OK && t->rows.len)
        rc = note_rows(f->m, r.number, f->err);
    return rc ? rc : sp_record_rows(t->volatile_rows.data, t->volatile_rows.len, &r.number, write_row, &r, f->err);
}

static int transaction(flush *f, const sp_taken *t)
{
    int rc = sp_duckdb_run(f->m->conn, "BEGIN", f->err);
    rc = rc ? rc : catch_up_rows(f, f->err);
    rc = rc ? rc : flush_levels(f);
    rc = rc ? rc : flush_rows(f, t);
    /* DuckDB must never know what the journal could still forget: versions would be compared with another history's. */
    rc = rc ? rc : sp_journal_sync(&f->l->journal, f->err);
    rc = rc ? rc : sp_duckdb_run(f->m->conn, "COMMIT", f->err);
    if (rc != SPATE_OK)
        (void)!sp_duckdb_run(f->m->conn, "ROLLBACK", NULL);
    return rc;
}

int sp_flush(spate_ledger *l, const sp_taken *t, int32_t depth[2], spate_error *err)
{
    flush f = {.l = l, .m = &l->mirror, .depth = {-1, -1}, .err = err};
    pthread_mutex_lock(&l->mirror.sql);
    int rc = sp_mirror_attach(l, err);
    rc = rc ? rc : sp_rows_init(&f.rows, err);
    rc = rc ? rc : transaction(&f, t);
    for (unsigned k = 0; k < SP_ROWS; k++)
        if (f.row_statements[k])
            sp_duckdb.destroy_prepare(&f.row_statements[k]);
    sp_rows_done(&f.rows);
    pthread_mutex_unlock(&l->mirror.sql);
    memcpy(depth, f.depth, sizeof(f.depth));
    return rc;
}
